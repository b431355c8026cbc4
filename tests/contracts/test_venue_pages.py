"""Pages of spaces: the venue's list and forms, its part of one wedding, and the couple's view of all of it."""

import re
from html import unescape
from typing import Any

import pytest_asyncio

from tests.contracts.town import Somebody, Town
from tests.contracts.venue_house import Given, given


@pytest_asyncio.fixture
async def orangery(town: Town, ana: Somebody) -> Given:
    return await given(town, ana)


def version(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None
    return found[1]


async def test_a_venue_keeps_its_spaces(orangery: Given, town: Town) -> None:
    owner, path = orangery.owner, f"/studio/{orangery.venue.supplier}/spaces"
    assert "10 seated, 16 standing" in await owner.see(path)
    assert "Add a space" in await owner.see(f"{path}/new")
    wrong = await owner.send(path, name="Lawn", seated_max="", standing_max="")
    assert wrong.status_code == 422 and "How many it takes is missing" in wrong.text and 'value="Lawn"' in wrong.text
    many = await owner.send(path, name="Lawn", seated_max="100001")
    assert many.status_code == 422 and "not between 1 and 100,000" in many.text
    made = await owner.send(path, name="Lawn <b>", standing_max="300", note="Wet in June")
    assert (made.status_code, made.headers["location"]) == (303, path)
    one = f"{path}/{orangery.space}"
    read = version(await owner.see(one))
    saved: dict[str, Any] = {"name": "Old Orangery", "seated_max": "12", "standing_max": "16", "note": ""}
    assert (await owner.send(one, **saved, version=read)).status_code == 303
    late = await owner.send(one, **saved | {"name": "Hall"}, version=read)
    assert late.status_code == 412 and "Somebody else changed this" in late.text and 'value="Old Orangery"' in late.text
    await owner.send(f"{one}/retire")
    listed = unescape(await owner.see(path))
    assert "Old Orangery" in listed and "Not in use" in listed and "Lawn <b>" in listed
    await owner.send(f"{one}/revive")
    await owner.send(f"{one}/remove")
    assert "Old Orangery" not in await owner.see(path)
    assert (await owner.send(f"{one}/burn")).status_code == 404
    colleague = await town.person("colleague")
    body = {"email": colleague.email, "role": "member"}
    await owner.got("POST", f"/api/v1/suppliers/{orangery.venue.supplier}/members", body, code=201)
    assert "Add a space" not in await colleague.see(path)
    await colleague.see(f"{path}/new", code=403)


async def test_a_venue_gives_a_space_on_the_weddings_page_and_both_see_that_it_is_too_small(orangery: Given) -> None:
    owner, page = orangery.owner, orangery.page
    assert "Everybody fits" in await owner.see(f"{page}/fragments/spaces", part=True)
    await orangery.accept(0, 11)
    part = await owner.see(f"{page}/fragments/spaces", part=True)
    assert "Too many" in part and "10 seated, 11 coming" in part
    ours = await orangery.ana.see(f"/me/{orangery.wedding}/spaces")
    assert "1 guest more than it takes" in ours and "Set up from 12:00, ready by 16:30." in ours
    assert f"status=accepted&amp;item={orangery.dinner}" in ours
    assert "Too many" in await orangery.ana.see(f"/me/{orangery.wedding}/fragments/fit", part=True)
    assert "More have accepted than Orangery takes" in unescape(await orangery.ana.see(f"/me/{orangery.wedding}"))
    one = f"{page}/spaces/{orangery.id}"
    form = await owner.see(one)
    assert "Orangery (10 seated, 16 standing)" in form and "More have accepted than it takes" in form
    sent: dict[str, Any] = {"schedule_item_id": orangery.dinner, "space_id": orangery.space, "version": version(form)}
    sent |= {"arrangement": "standing", "setup_at": "12:00", "ready_by": "16:00"}
    wrong = await owner.send(one, **sent | {"setup_at": "noon"})
    assert wrong.status_code == 422 and "is not a time" in wrong.text.lower()
    assert (await owner.send(one, **sent)).headers["location"] == f"{page}#spaces"
    late = await owner.send(one, **sent | {"arrangement": "seated"})
    assert late.status_code == 412 and "Somebody else changed this" in late.text
    assert "If everybody comes" not in await orangery.ana.see(f"/me/{orangery.wedding}/fragments/spaces", part=True)
    again = await owner.send(f"{page}/spaces", **sent)
    assert again.status_code == 409 and "already" in again.text
    await owner.send(f"{one}/remove")
    assert "Say which space" in await owner.see(page) or "Your spaces" not in await owner.see(page)
    assert "No spaces yet" in await orangery.ana.see(f"/me/{orangery.wedding}/spaces")


async def test_pages_of_others_show_nothing_of_it(orangery: Given) -> None:
    other = f"/studio/{orangery.other.supplier}/weddings/{orangery.wedding}"
    assert "Orangery" not in await orangery.other.owner.see(other)
    await orangery.other.owner.see(f"{other}/spaces/{orangery.id}", code=404)
    seen = await orangery.ana.see(f"/me/{orangery.wedding}/suppliers/{orangery.venue.link}/see-as")
    assert "Orangery" in seen and f"/spaces/{orangery.id}" not in seen
    await orangery.owner.see(f"/me/{orangery.wedding}/spaces", code=403)


async def test_who_has_no_space_or_sees_no_schedule_is_told_what_to_do(town: Town, ana: Somebody) -> None:
    one = await given(town, ana)
    new = f"/studio/{one.other.supplier}/weddings/{one.wedding}/spaces/new"
    assert "Add a space" in await one.other.owner.see(new)
    await ana.got("PATCH", f"/api/v1/links/{one.venue.link}", {"level": "basic"})
    assert "The schedule is not shared with you" in await one.owner.see(f"{one.page}/spaces/new")
