"""A business's team: who is invited, who manages whom, what a member sees, and that leaving ends it at once."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.actor import Actor
from wedsync.kit.config import Settings


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


class Team(msgspec.Struct, frozen=True):
    """A business that works on two weddings, and its people: an owner, an admin, a member."""

    town: Town
    business: Linked
    admin: Somebody
    member: Somebody
    weddings: tuple[str, str]
    links: tuple[str, str]
    ids: dict[str, str]

    @property
    def owner(self) -> Somebody:
        return self.business.owner

    @property
    def path(self) -> str:
        return f"/api/v1/suppliers/{self.business.supplier}/members"

    @property
    def page(self) -> str:
        return f"/studio/{self.business.supplier}/team"

    async def everybody(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.owner.got("GET", self.path))["items"]
        return found


@pytest_asyncio.fixture
async def team(town: Town) -> Team:
    ana, cleo = await town.person(), await town.person("cleo")
    weddings = (await town.wedding(ana), await town.wedding(cleo, couple_names="Cleo & Dan"))
    business = await town.linked(ana, weddings[0])
    asked = {"supplier_name": "Marlow", "email": business.owner.email}
    second = (await cleo.got("POST", f"/api/v1/weddings/{weddings[1]}/links", asked, code=201))["id"]
    said = {"supplier_id": business.supplier}
    await business.owner.got("POST", f"/api/v1/links/{second}/answer", said, code=204)
    for wedding in weddings:
        await town.react(wedding)
    path = f"/api/v1/suppliers/{business.supplier}/members"
    (founder,) = (await business.owner.got("GET", path))["items"]
    ids, people = {"owner": founder["id"]}, {}
    for role in ("admin", "member"):
        people[role] = await town.person(role)
        new = {"email": people[role].email.upper(), "role": role, "name": role.capitalize()}
        ids[role] = (await business.owner.got("POST", path, new, code=201))["id"]
    return Team(town, business, people["admin"], people["member"], weddings, (business.link, second), ids)


async def test_everybody_sees_the_team_and_strangers_do_not(team: Team) -> None:
    for who in (team.owner, team.admin, team.member):
        found = (await who.got("GET", team.path))["items"]
        assert [m["role"] for m in found] == ["owner", "admin", "member"]
        assert [m["email"] for m in found] == [team.owner.email, team.admin.email, team.member.email]
    await (await team.town.person("eve")).got("GET", team.path, code=404)


async def test_whoever_is_invited_gets_one_mail_and_is_in_with_that_address(team: Team) -> None:
    await team.town.react(team.business.supplier)
    (mail,) = await team.town.mails(team.business.supplier, to=team.member.email)
    assert f"/?next=/studio/{team.business.supplier}" in mail["text"]
    assert "Marlow Photo" in mail["subject"]
    places = (await team.member.got("GET", "/api/v1/me"))["places"]
    assert [(p["kind"], p["role"]) for p in places] == [("supplier", "member")]
    assert not await team.town.mails(team.business.supplier, to=team.owner.email)


async def test_nobody_is_in_a_team_twice(team: Team) -> None:
    again = {"email": team.member.email, "role": "admin"}
    assert (await team.owner.got("POST", team.path, again, code=409))["code"] == "already_member"
    for bad in ({"email": "mira"}, {"email": "a@b.test", "role": "boss"}, {"email": "a@b.test", "x": 1}):
        assert (await team.owner.ask("POST", team.path, bad)).status_code in (400, 422)


async def test_a_member_manages_nobody_and_an_admin_no_owner(team: Team) -> None:
    new = {"email": "new@example.test", "role": "member"}
    link = f"{team.path}/{team.ids['member']}/assignments/{team.links[0]}"
    for method, path, body in (
        ("POST", team.path, new),
        ("PATCH", f"{team.path}/{team.ids['admin']}", {"role": "member"}),
        ("PATCH", f"{team.path}/{team.ids['member']}", {"role": "owner"}),
        ("DELETE", f"{team.path}/{team.ids['admin']}", None),
        ("PUT", link, None),
        ("DELETE", link, None),
    ):
        assert (await team.member.got(method, path, body, code=403))["code"] == "forbidden", (method, path)
    for method, path, body in (
        ("POST", team.path, new | {"role": "owner"}),
        ("PATCH", f"{team.path}/{team.ids['owner']}", {"role": "member"}),
        ("PATCH", f"{team.path}/{team.ids['admin']}", {"role": "owner"}),
        ("DELETE", f"{team.path}/{team.ids['owner']}", None),
    ):
        assert (await team.admin.got(method, path, body, code=403))["code"] == "forbidden", (method, path)
    assert [m["role"] for m in await team.everybody()] == ["owner", "admin", "member"]
    await team.admin.got("PATCH", f"{team.path}/{team.ids['member']}", {"role": "admin"})


async def test_row_security_itself_keeps_admins_from_owners(team: Team) -> None:
    for who, person in (("admin", team.admin.id), ("member", team.member.id)):
        assert person is not None
        touched = await as_person(team, person, "update supplier_members set name = 'x' where role = 'owner'")
        assert touched == 0, who
    assert team.admin.id is not None
    with pytest.raises(Exception, match="not change"):
        await as_person(team, team.admin.id, "update supplier_members set role = 'owner' where role = 'member'")


async def as_person(team: Team, person: Any, statement: str) -> int:
    async with team.town.door.enter(Actor(kind="person", id=person), UUID(team.business.supplier)) as tx:
        return await tx.run(statement)


async def test_the_last_owner_stays(team: Team) -> None:
    mine = f"{team.path}/{team.ids['owner']}"
    assert (await team.owner.got("PATCH", mine, {"role": "admin"}, code=409))["code"] == "last_owner"
    assert (await team.owner.got("DELETE", mine, code=409))["code"] == "last_owner"
    await team.owner.got("PATCH", f"{team.path}/{team.ids['admin']}", {"role": "owner"})
    await team.owner.got("DELETE", mine, code=204)
    await team.owner.got("GET", team.path, code=404)
    left = (await team.admin.got("GET", team.path))["items"]
    assert [m["role"] for m in left] == ["owner", "member"]


async def test_two_owners_who_demote_each_other_leave_one(team: Team) -> None:
    await team.owner.got("PATCH", f"{team.path}/{team.ids['admin']}", {"role": "owner"})
    answers = await asyncio.gather(
        team.owner.ask("PATCH", f"{team.path}/{team.ids['admin']}", {"role": "member"}),
        team.admin.ask("PATCH", f"{team.path}/{team.ids['owner']}", {"role": "member"}),
    )
    assert sorted(a.status_code for a in answers) in ([200, 403], [200, 409])
    roles = [r["role"] for r in (await team.member.got("GET", team.path))["items"]]
    assert roles.count("owner") == 1


async def test_a_stale_change_is_refused_with_what_is_now(team: Team) -> None:
    path = f"{team.path}/{team.ids['member']}"
    changed = await team.owner.ask("PATCH", path, {"name": "Mira"}, if_match='"1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    refused = await team.admin.got("PATCH", path, {"role": "admin"}, code=412, if_match='"1"')
    assert refused["current"]["name"] == "Mira"


async def test_a_member_sees_the_weddings_they_work_on_and_no_other(team: Team) -> None:
    first, second = (f"/api/v1/weddings/{w}" for w in team.weddings)
    portfolio = f"/api/v1/suppliers/{team.business.supplier}/weddings"
    await team.member.got("GET", first, code=404)
    assert (await team.member.got("GET", portfolio))["items"] == []
    link = f"{team.path}/{team.ids['member']}/assignments/{team.links[0]}"
    await team.admin.got("PUT", link, code=204)
    await team.admin.got("PUT", link, code=204)
    await team.member.got("GET", first)
    await team.member.got("GET", second, code=404)
    (row,) = (await team.member.got("GET", portfolio))["items"]
    assert row["wedding_id"] == team.weddings[0]
    await team.admin.got("DELETE", link, code=204)
    await team.admin.got("DELETE", link, code=204)
    await team.member.got("GET", first, code=404)
    for who in (team.owner, team.admin):
        await who.got("GET", first)
        await who.got("GET", second)


async def test_only_weddings_of_the_business_can_be_assigned(team: Team, town: Town) -> None:
    ana = await town.person()
    other = await town.linked(ana, await town.wedding(ana))
    members = f"{team.path}/{team.ids['member']}/assignments"
    await team.owner.got("PUT", f"{members}/{other.link}", code=404)
    await team.owner.got("PUT", f"{team.path}/{other.link}/assignments/{team.links[0]}", code=404)


async def test_leaving_ends_standing_at_once_and_an_invitation_brings_back_nothing_old(team: Team) -> None:
    link = f"{team.path}/{team.ids['member']}/assignments/{team.links[0]}"
    await team.owner.got("PUT", link, code=204)
    await team.owner.got("DELETE", f"{team.path}/{team.ids['member']}", code=204)
    for path in (team.path, f"/api/v1/weddings/{team.weddings[0]}"):
        await team.member.got("GET", path, code=404)
    await team.owner.got("DELETE", f"{team.path}/{team.ids['member']}", code=404)
    back = await team.owner.got("POST", team.path, {"email": team.member.email}, code=201)
    assert (back["id"], back["role"], back["links"]) == (team.ids["member"], "member", [])
    await team.member.got("GET", f"/api/v1/weddings/{team.weddings[0]}", code=404)
    told = [e.type for e in await team.town.events(team.business.supplier, kind="supplier")]
    joined = ["supplier.registered", *["supplier_member.joined"] * 3]
    left = ["assignment.made", "assignment.ended", "supplier_member.removed", "supplier_member.joined"]
    assert [t for t in told if t.startswith(("supplier", "assignment."))] == [*joined, *left]


async def test_the_log_tells_a_member_of_the_team_and_not_of_weddings(team: Team) -> None:
    async with team.town.door.enter(Actor(kind="person", id=team.member.id), UUID(team.business.supplier)) as tx:
        seen = {r["type"] for r in await tx.rows("select e.type from events e")}
    assert "supplier_member.joined" in seen
    assert not {t for t in seen if t.startswith("portfolio.")}


async def test_the_page_invites_changes_assigns_and_removes(team: Team, town: Town) -> None:
    assert team.member.email in await team.owner.see(team.page)
    new = f"new.{team.ids['owner'][-6:]}@example.test"
    sent = await team.owner.send(team.page, email=new, name="Noor", role="member")
    assert sent.headers["location"] == team.page
    twice = await team.owner.send(team.page, email=new, role="member")
    assert (twice.status_code, "in your team already" in twice.text) == (409, True)
    assert "does not look like" in (await team.owner.send(team.page, email="noor", role="member")).text
    row = await team.owner.send(
        f"{team.page}/{team.ids['member']}/weddings", part=True, shown=team.links, on=team.links[0]
    )
    assert "Works on Ana &amp; Ben." in row.text
    assert "<html" not in row.text
    await team.member.got("GET", f"/api/v1/weddings/{team.weddings[0]}")
    none = await team.owner.send(f"{team.page}/{team.ids['member']}/weddings", shown=team.links)
    assert none.headers["location"] == team.page
    await team.member.got("GET", f"/api/v1/weddings/{team.weddings[0]}", code=404)
    changed = await team.owner.send(f"{team.page}/{team.ids['member']}", part=True, role="admin", version="1")
    assert "Sees every wedding" in changed.text
    assert (await team.owner.send(f"{team.page}/{team.ids['member']}", role="member", version="1")).status_code == 412
    assert "Keep" not in await team.owner.see(f"{team.page}/{team.ids['member']}/end")
    gone = await team.owner.send(f"{team.page}/{team.ids['member']}/remove", version="2")
    assert gone.headers["location"] == team.page
    await team.member.see(team.page, code=404)


async def test_the_page_shows_each_role_what_it_may_do(team: Team) -> None:
    seen = {name: await who.see(team.page) for name, who in (("owner", team.owner), ("admin", team.admin))}
    assert len(re.findall(r'name="role" .*?type="radio"|type="radio" name="role"', seen["owner"])) == 3
    assert f"/team/{team.ids['owner']}" not in seen["admin"]
    assert f"/team/{team.ids['member']}/weddings" in seen["admin"]
    part = f"/studio/{team.business.supplier}/fragments/team"
    for member in (await team.member.see(team.page), await team.member.see(part, part=True)):
        assert team.owner.email in member
        assert "<form" not in member.split("<main", 1)[-1].split("</main>", 1)[0]
    await team.member.see(f"{team.page}/{team.ids['admin']}/end", code=403)
    assert (await team.member.send(team.page, email="x@example.test", role="member")).status_code == 403
    kept = await team.owner.send(f"{team.page}/{team.ids['owner']}/remove")
    assert (kept.status_code, "needs an owner" in kept.text) == (409, True)
    await team.owner.got("PATCH", f"{team.path}/{team.ids['admin']}", {"role": "owner"})
    left = await team.owner.send(f"{team.page}/{team.ids['owner']}/remove")
    assert left.headers["location"] == "/me"
