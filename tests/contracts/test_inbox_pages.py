"""Pages of notices: the inbox of both faces, its bell, why something came or did not, and how one wants to be told."""

import re

import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town


@pytest_asyncio.fixture
async def business(town: Town, ana: Somebody, wedding: str) -> Linked:
    made = await town.linked(ana, wedding)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_venue": "Elm Barn"})
    await town.react(wedding)
    return made


async def test_both_faces_have_an_inbox_and_a_bell_that_says_how_many(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    studio, me = f"/studio/{business.supplier}", f"/me/{wedding}"
    page = await business.owner.see(studio)
    assert 'aria-label="Inbox, 2 unread"' in page
    assert f"realtime:person:{business.owner.id}" in page
    assert 'aria-label="Inbox, 1 unread"' in await ana.see(me)
    inbox = await business.owner.see(f"{studio}/inbox")
    assert "The ceremony has changed" in inbox
    assert "Mark all as read" in inbox
    assert (await business.owner.got("GET", "/api/v1/me/inbox/counts"))["unseen"] == 0
    for fragment in re.findall(r'data-live-src="([^"]+)"', inbox):
        assert "<html" not in await business.owner.see(fragment.replace("&amp;", "&"), part=True)
    assert "Marlow Photo is linked" in await ana.see(f"{me}/inbox")
    await ana.see(f"{studio}/inbox", code=404)
    gone = await business.owner.send("/me/inbox")
    assert gone.status_code == 405
    answer = await business.owner.ask("GET", "/me/inbox", accept="text/html")
    assert answer.headers["location"] == f"{studio}/inbox"


async def test_opening_reads_and_leads_on_and_marks_go_back_to_the_list(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    owner, base = business.owner, f"/studio/{business.supplier}"
    newest, older = (await owner.got("GET", "/api/v1/me/inbox"))["items"]
    opened = await owner.send(f"{base}/inbox/{newest['id']}/open")
    assert (opened.status_code, opened.headers["location"]) == (303, newest["href"])
    assert 'aria-label="Inbox, 1 unread"' in await owner.see(f"{base}/fragments/bell", part=True)
    marked = await owner.send(f"{base}/inbox/{older['id']}/mark?state=unread", **{"as": "archived"})
    assert marked.headers["location"] == f"{base}/inbox?state=unread"
    assert "You have read everything" in await owner.see(f"{base}/inbox?state=unread")
    assert "Take back" in await owner.see(f"{base}/inbox?state=archived&cursor=nonsense")
    assert (await owner.send(f"{base}/inbox/{older['id']}/mark", **{"as": "eaten"})).status_code == 422
    assert (await ana.send(f"/me/{wedding}/inbox/{older['id']}/open")).status_code == 404
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_venue": "Oak Hall"})
    await town.react(wedding)
    assert (await owner.send(f"{base}/inbox/read", until=newest["id"])).status_code == 303
    assert (await owner.got("GET", "/api/v1/me/inbox/counts"))["unread"] == 1
    assert (await owner.send(f"{base}/inbox/read", until="x")).status_code == 422


async def test_the_preferences_page_saves_what_it_shows_and_why_tells_of_it(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    owner, base = business.owner, f"/studio/{business.supplier}"
    page = await owner.see(f"{base}/preferences")
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    wanted = {
        "version": version[1],
        "channel.email": "on",
        "choice.changes.email": "digest",
        f"wedding.{wedding}": "",
        "quiet": "on",
        "quiet_from": "22:00",
        "quiet_until": "07:00",
        "digest_at": "18:30",
        "zone": "Europe/London",
    }
    saved = await owner.send(f"{base}/preferences", **wanted)
    assert saved.headers["location"] == f"{base}/preferences?said=saved"
    assert "Saved" in await owner.see(f"{base}/preferences?said=saved")
    view = await owner.got("GET", "/api/v1/me/preferences")
    assert view["choices"] == {"changes": {"email": "digest"}}
    assert (view["quiet"], view["digest_at"], view["zone"]) == (
        {"from": "22:00", "until": "07:00"},
        "18:30",
        "Europe/London",
    )
    assert "after you read it" in (await owner.send(f"{base}/preferences", **wanted)).text
    again = wanted | {"version": str(view["version"]), "zone": "Mars"}
    assert "is not an IANA time zone" in (await owner.send(f"{base}/preferences", **again)).text
    same = wanted | {"version": str(view["version"]), "quiet_until": "22:00"}
    assert (await owner.send(f"{base}/preferences", **same)).status_code == 422
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "15:00"})
    await town.react(wedding)
    newest = (await owner.got("GET", "/api/v1/me/inbox"))["items"][0]
    why = await owner.see(f"{base}/inbox/{newest['event_id']}/why")
    assert "Collected with others" in why
    assert "It waits until" in why
    assert "18:30" in why


async def test_a_couple_chooses_for_everybody_on_its_page(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    page = await ana.see(f"/me/{wedding}/preferences")
    assert "For everybody at your wedding" in page
    saved = await ana.send(f"/me/{wedding}/preferences/everybody", **{"choice.tasks.email": "digest"})
    assert saved.status_code == 303
    choices = (await ana.got("GET", f"/api/v1/weddings/{wedding}/notices"))["choices"]
    assert choices == {"tasks": {"email": "digest"}}
    assert "For everybody" not in await business.owner.see(f"/studio/{business.supplier}/preferences")
    refused = await business.owner.send(f"/me/{wedding}/preferences/everybody", **{"choice.tasks.email": "off"})
    assert refused.status_code in (403, 404)
