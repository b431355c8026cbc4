"""Weddings through the API: core fields and what a change becomes, members, the website, the log."""

import secrets
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.contracts.town import Somebody, Town


@pytest_asyncio.fixture
async def path(town: Town, ana: Somebody) -> str:
    return f"/api/v1/weddings/{await town.wedding(ana)}"


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


async def test_a_new_wedding_has_its_date_provisionally(town: Town, ana: Somebody, path: str) -> None:
    made = await ana.got("GET", path)
    assert (made["on"], made["date_status"], made["time_zone"]) == ("2027-06-05", "provisional", "Europe/London")
    assert [e.type for e in await town.events(id_of(path))] == ["wedding.created", "wedding.date_changed"]
    (listed,) = (await ana.got("GET", "/api/v1/weddings"))["items"]
    assert (listed["id"], listed["role"]) == (id_of(path), "couple")


@pytest.mark.parametrize(
    ("fields", "type"),
    [
        ({"couple_names": "A + B"}, "wedding.changed"),
        ({"on": "2027-06-12"}, "wedding.date_changed"),
        ({"ceremony_venue": "Elm Barn"}, "wedding.venue_changed"),
        ({"ceremony_at": "14:00"}, "wedding.times_changed"),
        ({"guest_estimate": 80}, "wedding.estimate_changed"),
    ],
)
async def test_each_change_is_the_event_of_its_kind(
    town: Town, ana: Somebody, path: str, fields: dict[str, Any], type: str
) -> None:
    await ana.got("PATCH", path, fields)
    assert (await town.events(id_of(path)))[-1].type == type


async def test_the_same_again_is_no_change(town: Town, ana: Somebody, path: str) -> None:
    before = len(await town.events(id_of(path)))
    assert (await ana.got("PATCH", path, {"on": "2027-06-05"}))["version"] == 2
    assert len(await town.events(id_of(path))) == before


async def test_a_date_and_its_status_go_together(ana: Somebody, path: str) -> None:
    assert (await ana.got("PATCH", path, {"date_status": "confirmed"}))["date_status"] == "confirmed"
    assert (await ana.got("PATCH", path, {"on": None}))["date_status"] == "undecided"
    refused = await ana.got("PATCH", path, {"date_status": "confirmed"}, code=422)
    assert refused["errors"][0]["field"] == "date_status"
    assert (await ana.got("PATCH", path, {"on": "2028-01-01"}))["date_status"] == "provisional"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"time_zone": "localtime"}, "time_zone"),
        ({"time_zone": "Factory"}, "time_zone"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"on": "1989-12-31"}, "on"),
        ({"on": "2191-01-01"}, "on"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(ana: Somebody, path: str, fields: dict[str, Any], field: str) -> None:
    assert (await ana.got("PATCH", path, fields, code=422))["errors"][0]["field"] == field
    new = {"couple_names": "A & B"} | fields
    assert (await ana.got("POST", "/api/v1/weddings", new, code=422))["errors"][0]["field"] == field


async def test_a_stale_version_is_told_what_is_there_now(ana: Somebody, path: str) -> None:
    read = await ana.ask("GET", path)
    tag = read.headers["etag"]
    await ana.got("PATCH", path, {"ceremony_venue": "Elm Barn"}, if_match=tag)
    lost = await ana.got("PATCH", path, {"ceremony_venue": "Oak Hall"}, code=412, if_match=tag)
    assert lost["current"]["ceremony_venue"] == "Elm Barn"
    assert (await ana.got("PATCH", path, {"ceremony_venue": "Oak Hall"}, if_match="*"))["ceremony_venue"] == "Oak Hall"


@pytest.mark.parametrize("tag", ["abc", '"1234567890"', '"²"', '"-1"', '""'])
async def test_an_etag_that_is_none_of_ours_is_refused(ana: Somebody, path: str, tag: str) -> None:
    refused = await ana._http.patch(
        path, content=b'{"guest_estimate":1}', headers={"if-match": tag.encode(), "content-type": "application/json"}
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_if_match")


async def test_only_the_couple_changes_the_core(town: Town, ana: Somebody, path: str) -> None:
    business = await town.linked(ana, id_of(path), "full")
    assert (await business.owner.got("GET", path))["couple_names"] == "Ana & Ben"
    await business.owner.got("PATCH", path, {"guest_estimate": 1}, code=403)
    stranger = await town.person("eve")
    await stranger.got("PATCH", path, {"guest_estimate": 1}, code=404)
    await stranger.got("GET", f"/api/v1/weddings/{uuid4()}", code=404)
    assert (await town.public.ask("GET", path)).status_code == 401


async def test_a_partner_belongs_and_a_helper_gets_a_link(town: Town, ana: Somebody, path: str) -> None:
    ben = await town.person("ben")
    await ana.got("POST", f"{path}/members", {"role": "partner", "name": "Ben", "email": ben.email}, code=201)
    assert (await ben.got("PATCH", path, {"guest_estimate": 70}))["guest_estimate"] == 70
    helper = await ana.got("POST", f"{path}/members", {"role": "helper", "name": "Dora"}, code=201)
    help_path = "/help/" + helper["url"].rpartition("/help/")[2]
    assert "Dora" in await town.public.see(help_path)
    assert {m["role"] for m in (await ben.got("GET", f"{path}/members"))["items"]} == {"couple", "partner", "helper"}
    await ana.got("DELETE", f"{path}/members/{helper['id']}", code=204)
    await town.public.see(help_path, code=410)
    await ana.got("DELETE", f"{path}/members/{helper['id']}", code=404)


@pytest.mark.parametrize(
    "member", [{"role": "couple", "email": "a@b.test"}, {"role": "partner"}, {"role": "partner", "email": "ben"}]
)
async def test_a_member_without_what_it_takes_is_refused(ana: Somebody, path: str, member: dict[str, str]) -> None:
    await ana.got("POST", f"{path}/members", member, code=422)


async def test_the_one_who_set_it_up_stays(ana: Somebody, path: str) -> None:
    (me,) = (await ana.got("GET", f"{path}/members"))["items"]
    await ana.got("DELETE", f"{path}/members/{me['id']}", code=404)


async def test_the_website_shows_what_is_published_and_follows_the_core(town: Town, ana: Somebody, path: str) -> None:
    slug = f"ana-ben-{secrets.token_hex(4)}"
    site = {"slug": slug, "welcome": "Dear all,\n\n<b>come</b>"}
    made = await ana.got("PUT", f"{path}/site", site)
    assert made["snapshot"]["couple_names"] == "Ana & Ben"
    page = await town.public.see(f"/w/{slug}")
    assert "&lt;b&gt;come&lt;/b&gt;" in page
    await ana.got("PATCH", path, {"ceremony_venue": "Elm Barn", "ceremony_at": "14:00"})
    await town.react(id_of(path))
    facts = await town.public.see(f"/w/{slug}?fragment=facts", part=True)
    assert "Elm Barn" in facts
    assert "<html" not in facts
    token = await town.public.got("POST", f"/w/{slug}/token")
    assert token["expires_in"] == 600
    assert (await Somebody(town.app, bearer=token["access_token"]).ask("GET", path)).status_code == 401
    await ana.got("PUT", f"{path}/site", site | {"is_published": False})
    await town.public.see(f"/w/{slug}", code=404)
    assert (await town.public.ask("POST", f"/w/{slug}/token")).status_code == 404


async def test_a_website_is_not_overwritten_by_who_read_an_older_one(ana: Somebody, path: str) -> None:
    slug = f"ana-ben-{secrets.token_hex(4)}"
    await ana.got("PUT", f"{path}/site", {"slug": slug})
    await ana.got("PUT", f"{path}/site", {"slug": slug, "welcome": "One"}, if_match='"1"')
    lost = await ana.got("PUT", f"{path}/site", {"slug": slug, "welcome": "Two"}, code=412, if_match='"1"')
    assert lost["current"]["welcome"] == "One"


async def test_an_address_belongs_to_one_wedding(town: Town, ana: Somebody, path: str) -> None:
    slug = f"taken-{secrets.token_hex(4)}"
    await ana.got("PUT", f"{path}/site", {"slug": slug})
    other = await town.wedding(ana)
    assert (await ana.got("PUT", f"/api/v1/weddings/{other}/site", {"slug": slug}, code=409))[
        "code"
    ] == "already_exists"


async def test_the_log_is_read_page_by_page_and_masked(town: Town, ana: Somebody, path: str) -> None:
    business = await town.linked(ana, id_of(path), "basic")
    await ana.got("PATCH", path, {"guest_estimate": 80})
    first = await ana.got("GET", f"{path}/events?limit=1")
    assert first["items"][0]["type"] == "wedding.created"
    assert first["next"] == first["cursor"] == "1:1"
    rest = await ana.got("GET", f"{path}/events?after={first['next']}")
    whole = [e["seq"] for e in first["items"] + rest["items"]]
    assert whole == list(range(1, whole[-1] + 1))
    assert rest["next"] is None
    nothing = await ana.got("GET", f"{path}/events?after={rest['cursor']}")
    assert nothing["items"] == []
    assert nothing["cursor"] == rest["cursor"]
    seen = {e["type"] for e in (await business.owner.got("GET", f"{path}/events"))["items"]}
    assert "wedding.estimate_changed" in seen
    assert not any(e.startswith(("membership.", "budget")) for e in seen)


async def test_a_cursor_of_another_epoch_says_to_start_again(ana: Somebody, path: str) -> None:
    refused = await ana.got("GET", f"{path}/events?after=7:1", code=410)
    assert (refused["code"], refused["epoch"]) == ("epoch_changed", 1)
    assert (await ana.got("GET", f"{path}/events?after=tomorrow", code=422))["errors"][0]["field"] == "after"


@pytest.mark.parametrize("text", ["14:30\n", "١٤:٣٠", "24:00", "9:5"])
async def test_a_time_that_is_none_is_refused_by_its_field(ana: Somebody, path: str, text: str) -> None:
    problem = await ana.got("PATCH", path, {"ceremony_at": text}, code=422)
    assert problem["errors"][0]["field"] == "ceremony_at"
