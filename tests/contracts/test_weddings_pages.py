"""The couple's own pages: overview, activity, settings."""

import re
import secrets

import pytest_asyncio

from tests.contracts.town import Somebody, Town


@pytest_asyncio.fixture
async def path(town: Town, ana: Somebody) -> str:
    return f"/me/{await town.wedding(ana)}"


def api(path: str) -> str:
    return f"/api/v1/weddings/{path.removeprefix('/me/')}"


async def test_pages_are_the_couples(town: Town, ana: Somebody, path: str) -> None:
    business = await town.linked(ana, path.removeprefix("/me/"))
    await business.owner.see(path, code=403)
    await (await town.person("eve")).see(f"{path}/settings", code=404)
    answer = await town.public.ask("GET", f"{path}/settings", accept="text/html")
    assert answer.headers["location"] == f"/?next={path}/settings"


async def test_the_overview_tallies_who_knows(town: Town, ana: Somebody, path: str) -> None:
    assert "Ana" in await ana.see(path)
    business = await town.linked(ana, path.removeprefix("/me/"))
    await ana.got("PATCH", api(path), {"ceremony_at": "14:00"})
    page = await ana.see(path)
    assert "Marlow Photo" in page
    found = re.findall(r'data-live-src="([^"]+)"', page)
    assert found
    for fragment in found:
        assert "<html" not in await ana.see(fragment, part=True)
    (asked,) = (await business.owner.got("GET", f"{api(path)}/acknowledgements"))["items"]
    await business.owner.got("POST", f"/api/v1/acknowledgements/{asked['id']}/acknowledge", code=204)
    (tally,) = (await ana.got("GET", f"{api(path)}/tally"))["items"]
    assert (tally["asked"], tally["acknowledged"], tally["waiting_for"]) == (1, 1, [])


async def test_the_activity_is_new_until_it_is_read(town: Town, ana: Somebody, path: str) -> None:
    await town.linked(ana, path.removeprefix("/me/"))
    page = await ana.see(f"{path}/activity")
    assert "is now linked: Marlow Photo" in page
    assert "Mark 1 as read" in page
    assert (await ana.send(f"{path}/activity/read")).status_code == 303
    assert "as read" not in await ana.see(f"{path}/activity")


async def test_settings_are_saved_and_forgive_nothing_stale(ana: Somebody, path: str) -> None:
    page = await ana.see(f"{path}/settings")
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    saved = await ana.send(
        f"{path}/settings", version=version[1], ceremony_venue="Elm Barn", guest_estimate="86", on=""
    )
    assert (saved.status_code, saved.headers["location"]) == (303, f"{path}/settings")
    wedding = await ana.got("GET", api(path))
    assert (wedding["ceremony_venue"], wedding["guest_estimate"], wedding["on"]) == ("Elm Barn", 86, None)
    lost = await ana.send(f"{path}/settings", version=version[1], ceremony_venue="Oak Hall")
    assert lost.status_code == 412
    again = await ana.send(
        f"{path}/settings", part=True, headers={"if-match": f'"{wedding["version"]}"'}, ceremony_venue="Oak Hall"
    )
    assert (again.status_code, again.headers["hx-redirect"]) == (200, f"{path}/settings")


async def test_what_cannot_be_saved_is_shown_beside_its_field(ana: Somebody, path: str) -> None:
    for fields, words in (
        ({"couple_names": ""}, "length"),
        ({"on": "0206-06-05"}, "Check the year"),
        ({"guest_estimate": "many"}, "whole number"),
        ({"ceremony_at": "25:00"}, "matching regex"),
        ({"time_zone": "localtime"}, "Use a name such as"),
    ):
        shown = await ana.send(f"{path}/settings", version="2", **fields)
        assert shown.status_code == 422, fields
        assert words in shown.text, fields
    refused = await ana.send(f"{path}/settings", part=True, version="2", on="0206-06-05")
    assert refused.status_code == 422


async def test_the_website_is_opened_and_its_address_must_be_free(town: Town, ana: Somebody, path: str) -> None:
    slug = f"ana-{secrets.token_hex(4)}"
    saved = await ana.send(f"{path}/settings/site", version="0", slug=slug.upper(), is_published="on", welcome="Hello")
    assert saved.status_code == 303
    assert "Hello" in await town.public.see(f"/w/{slug}")
    stale = await ana.send(f"{path}/settings/site", version="0", slug=slug, welcome="Late")
    assert stale.status_code == 412
    other = f"/me/{await town.wedding(ana)}"
    taken = await ana.send(f"{other}/settings/site", version="0", slug=slug, is_published="on")
    assert taken.status_code == 422
    assert "Is taken; choose another" in taken.text
    bad = await ana.send(f"{other}/settings/site", version="0", slug="a b")
    assert bad.status_code == 422
    scripted = await ana.send(f"{other}/settings/site", part=True, version="0", slug=f"{slug}-2")
    assert scripted.headers["hx-redirect"] == f"{other}/settings"


async def test_a_partner_is_named_by_an_address(town: Town, ana: Somebody, path: str) -> None:
    ben = await town.person("ben")
    assert (await ana.send(f"{path}/settings/partner", name="Ben", email="ben")).status_code == 422
    assert (await ana.send(f"{path}/settings/partner", name="Ben", email=ben.email)).status_code == 303
    assert ben.email in await ana.see(f"{path}/settings")
    await ben.see(path)


async def test_a_helpers_link_is_shown_once_renewed_and_ended(town: Town, ana: Somebody, path: str) -> None:
    assert (await ana.send(f"{path}/settings/helpers", name="")).status_code == 422
    shown = await ana.send(f"{path}/settings/helpers", name="Dora")
    first = helper_path(shown.text)
    await town.public.see(first)
    member = re.search(r"/settings/helpers/([0-9a-f-]{36})/link", await ana.see(f"{path}/settings"))
    assert member is not None
    second = helper_path((await ana.send(f"{path}/settings/helpers/{member[1]}/link")).text)
    await town.public.see(first, code=410)
    await town.public.see(second)
    assert (await ana.send(f"{path}/settings/helpers/{member[1]}/end")).status_code == 303
    await town.public.see(second, code=410)
    assert (await ana.send(f"{path}/settings/helpers/{path.removeprefix('/me/')}/link")).status_code == 404


def helper_path(text: str) -> str:
    found = re.search(r'value="[^"]*(/help/[\w-]+)"', text)
    assert found is not None
    return found[1]


async def test_a_helpers_row_says_what_waits_for_them_and_when_they_were_here(
    town: Town, ana: Somebody, path: str
) -> None:
    shown = await ana.send(f"{path}/settings/helpers", name="Dora")
    assert "Nothing to do yet" in shown.text
    assert "here just now" not in shown.text
    member = re.search(r"/settings/helpers/([0-9a-f-]{36})/link", shown.text)
    assert member is not None
    task = {"title": "Bring the rings", "membership_id": member[1]}
    await ana.got("POST", f"{api(path)}/tasks", task, code=201)
    item = {"title": "Speeches", "kind": "speeches", "at_local": "18:00:00", "owner_membership_id": member[1]}
    await ana.got("POST", f"{api(path)}/schedule", item, code=201)
    await town.public.see(helper_path(shown.text))
    page = await ana.see(f"{path}/settings")
    assert "1 task and 1 part of the day" in page
    assert "here just now" in page


async def test_a_helper_who_has_an_account_gets_no_token_of_it(town: Town, ana: Somebody, path: str) -> None:
    """The couple knows the pass: it must not open what else the person is part of."""
    eve = await town.person("eve")
    new = {"role": "helper", "name": "Eve", "email": eve.email}
    url = (await ana.got("POST", f"{api(path)}/members", new, code=201))["url"]
    page = "/help/" + url.rpartition("/")[2]
    assert "data-live-topic" not in await town.public.see(page)
    assert (await town.public.send(f"{page}/token")).status_code == 404


async def test_what_the_date_was_is_the_couples_to_read(town: Town, ana: Somebody, path: str) -> None:
    assert "What the date was" not in await ana.see(f"{path}/settings")
    assert (await ana.got("GET", f"{api(path)}/date-history"))["items"] == []
    business = await town.linked(ana, path.removeprefix("/me/"), "full")
    await ana.got("PATCH", api(path), {"on": "2027-06-12"})
    await ana.got("PATCH", api(path), {"date_status": "postponed"})
    first = (await ana.got("GET", f"{api(path)}/date-history?limit=1"))["next"]
    found = (await ana.got("GET", f"{api(path)}/date-history"))["items"]
    assert [(d["on"], d["date_status"]) for d in found] == [
        ("2027-06-12", "provisional"),
        ("2027-06-05", "provisional"),
    ]
    assert {d["changed_by"] for d in found} == {str(ana.id)}
    (older,) = (await ana.got("GET", f"{api(path)}/date-history?limit=1&cursor={first}"))["items"]
    assert older == found[1]
    assert (await business.owner.got("GET", f"{api(path)}/date-history"))["items"] == []
    page = await ana.see(f"{path}/settings")
    assert "What the date was" in page
    assert "5 Jun 2027" in page
