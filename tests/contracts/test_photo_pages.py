"""Pages of photo deliveries: the couple's calm list and first look, the supplier's form and steps."""

import re
from html import unescape

import pytest_asyncio

from tests.contracts.test_photos import GALLERY, Promised, gallery, soon
from tests.contracts.town import Somebody, Town

__all__ = ["gallery"]


@pytest_asyncio.fixture
async def base(gallery: Promised) -> str:
    return f"/studio/{gallery.photographer.supplier}/weddings/{gallery.wedding}"


async def test_a_form_promises_moves_delays_and_delivers(gallery: Promised, base: str) -> None:
    owner = gallery.owner
    assert "Promise photographs" in await owner.see(f"{base}/photos/new")
    wrong = await owner.send(f"{base}/photos", kind="film", gallery_url="http://x.example.com", shot_count="many")
    assert wrong.status_code == 422 and "whole number" in wrong.text and 'value="http://x.example.com"' in wrong.text
    made = await owner.send(f"{base}/photos", kind="film", title="The day", promised_on=soon(40), note="With sound")
    one = made.headers["location"]
    assert made.status_code == 303 and re.fullmatch(rf"{base}/photos/[0-9a-f-]+", one)
    page = unescape(await owner.see(one))
    assert "Film: The day" in page and "Not begun yet" in page and "With sound" in page
    assert (await owner.send(f"{one}/move", stage="editing", version="1")).headers["location"] == one
    stale = await owner.send(f"{one}/move", stage="culling", version="1")
    assert stale.status_code == 412 and "Somebody else changed this" in stale.text
    early = await owner.send(f"{one}/delay", promised_on=soon(3), reason="The music licence")
    assert early.status_code == 422 and "not later than promised" in early.text and "The music licence" in early.text
    await owner.send(f"{one}/delay", promised_on=soon(60), reason="The music licence takes longer.")
    await owner.send(f"{one}/pause", reason="We wait for the licence.")
    assert "Go on with it" in await owner.see(one)
    await owner.send(f"{one}/resume")
    refused = await owner.send(f"{one}/deliver")
    assert refused.status_code == 422 and "Address of the gallery: is missing" in refused.text
    version = re.search(r'name="version" value="(\d+)"', await owner.see(one))
    assert version is not None
    fields = {"kind": "film", "title": "The day", "promised_on": soon(60), "gallery_url": GALLERY, "edited_count": "1"}
    assert (await owner.send(one, version=version.group(1), **fields)).status_code == 303
    conflict = await owner.send(one, version=version.group(1), **(fields | {"title": "Our day"}))
    assert conflict.status_code == 412 and "Our day" in conflict.text
    await owner.send(f"{one}/deliver")
    assert "Delivered" in await owner.see(one)
    assert (await owner.send(f"{one}/burn")).status_code == 404


async def test_the_couple_sees_how_far_it_is_and_their_first_look_counts(gallery: Promised, base: str) -> None:
    ana, me = gallery.ana, f"/me/{gallery.wedding}"
    await gallery.does("move", {"stage": "editing"})
    await gallery.does("delay", {"promised_on": soon(30), "reason": "The lab is closed."})
    page = unescape(await ana.see(f"{me}/photos"))
    assert "Gallery: The welcome dinner" in page and "Editing" in page and "3,120 taken" in page
    assert "The lab is closed." in page and "First promised by" in page and "Look at it" not in page
    assert "0 of 1 delivered" in await ana.see(me)
    await gallery.owner.got("PATCH", gallery.path, {"gallery_url": GALLERY, "gallery_hint": "Your first dog"})
    await gallery.does("deliver")
    assert "1 not looked at yet" in await ana.see(f"{me}/fragments/promised", part=True)
    part = unescape(await ana.see(f"{me}/fragments/photos", part=True))
    assert "Look at it" in part and "Your first dog" in part
    for _ in range(2):
        opened = await ana.send(f"{me}/photos/{gallery.id}/open")
        assert (opened.status_code, opened.headers["refresh"]) == (200, f"0; url={GALLERY}")
        assert f'href="{GALLERY}"' in opened.text
    assert (await gallery.types()).count("photos.viewed") == 1
    assert "they have looked" in await gallery.owner.see(f"{base}/fragments/photos", part=True)
    assert "delivered: gallery “The welcome dinner”" in unescape(await ana.see(f"{me}/activity"))


async def test_an_album_is_there_without_an_address(gallery: Promised) -> None:
    path = f"/api/v1/weddings/{gallery.wedding}/photos"
    album = (await gallery.owner.got("POST", path, {"kind": "album"}, code=201))["id"]
    await gallery.owner.got("POST", f"/api/v1/photos/{album}/deliver")
    page = f"/me/{gallery.wedding}/photos"
    assert "We have it" in await gallery.ana.see(page)
    opened = await gallery.ana.send(f"{page}/{album}/open")
    assert (opened.status_code, opened.headers["location"]) == (303, page)
    assert "We have it" not in await gallery.ana.see(page)


async def test_a_day_that_has_passed_is_said_calmly(gallery: Promised) -> None:
    await gallery.is_at(promised_on="(app.now() - interval '3 days')::date")
    page = f"/me/{gallery.wedding}/photos"
    assert "is being reminded" in await gallery.ana.see(page)
    assert await gallery.tick() == ["photos.overdue"]
    assert "was reminded; there is nothing you need to do" in await gallery.ana.see(page)


async def test_only_those_whom_it_concerns_find_pages(gallery: Promised, base: str, town: Town) -> None:
    other = f"/studio/{gallery.other.supplier}/weddings/{gallery.wedding}"
    await gallery.other.owner.see(f"{other}/photos/{gallery.id}", code=404)
    await gallery.ana.see(f"{base}/photos/{gallery.id}", code=404)
    eve: Somebody = await town.person("eve")
    await eve.see(f"/me/{gallery.wedding}/photos", code=404)
    seen = await gallery.ana.see(f"/me/{gallery.wedding}/suppliers/{gallery.photographer.link}/see-as")
    assert "Gallery: The welcome dinner" in unescape(seen) and "Promise some" not in seen
    gone = await gallery.owner.send(f"{base}/photos/{gallery.id}/remove")
    assert (gone.status_code, gone.headers["location"]) == (303, base)
    assert "Write down what they get" in unescape(await gallery.owner.see(base))
