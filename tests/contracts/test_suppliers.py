"""Suppliers through the API: registering, invitations and requests, what a link may see, and its end."""

import pytest

from tests.contracts.town import Somebody, Town


async def link_of(somebody: Somebody, link: str) -> dict[str, object]:
    found: dict[str, object] = await somebody.got("GET", f"/api/v1/links/{link}")
    return found


async def test_a_business_belongs_to_who_registers_it(town: Town) -> None:
    business = await town.supplier("Hartley & Finch")
    path = f"/api/v1/suppliers/{business.supplier}"
    assert (await business.owner.got("GET", path))["name"] == "Hartley & Finch"
    await (await town.person("eve")).got("GET", path, code=404)
    assert [e.type for e in await town.events(business.supplier, kind="supplier")] == [
        "supplier.registered",
        "supplier_member.joined",
    ]


async def test_an_invitation_shows_nothing_until_it_is_taken_up(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.supplier()
    asked = {"supplier_name": "Marlow", "email": business.owner.email, "level": "full"}
    link = (await ana.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201))["id"]
    await business.owner.got("GET", f"/api/v1/weddings/{wedding}", code=404)
    (waiting,) = (await business.owner.got("GET", "/api/v1/me/invitations"))["items"]
    assert (waiting["link_id"], waiting["level"]) == (link, "full")
    said = {"supplier_id": business.supplier}
    eve = await town.supplier()
    await eve.owner.got("POST", f"/api/v1/links/{link}/answer", {"supplier_id": eve.supplier}, code=404)
    await business.owner.got("POST", f"/api/v1/links/{link}/answer", said, code=204)
    await business.owner.got("POST", f"/api/v1/links/{link}/answer", said, code=404)
    await business.owner.got("GET", f"/api/v1/weddings/{wedding}")
    await town.react(wedding)
    (row,) = (await business.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/weddings"))["items"]
    assert (row["wedding_id"], row["status"], row["level"]) == (wedding, "active", "full")


async def test_an_invitation_may_be_declined(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.supplier()
    asked = {"supplier_name": "Marlow", "email": business.owner.email}
    link = (await ana.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201))["id"]
    no = {"supplier_id": business.supplier, "accept": False}
    await business.owner.got("POST", f"/api/v1/links/{link}/answer", no, code=204)
    assert (await ana.got("GET", f"/api/v1/weddings/{wedding}/links"))["items"] == []
    await business.owner.got("GET", f"/api/v1/weddings/{wedding}", code=404)


async def test_nobody_is_invited_twice(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding)
    again = {"supplier_name": "Marlow", "email": business.owner.email.upper()}
    refused = await ana.got("POST", f"/api/v1/weddings/{wedding}/links", again, code=409)
    assert refused["code"] == "already_invited"


async def test_a_level_refills_the_flags_and_keeps_what_has_its_own_switch(
    town: Town, ana: Somebody, wedding: str
) -> None:
    link = (await town.linked(ana, wedding, "full", can_view_dietary=True)).link
    full = await link_of(ana, link)
    assert (full["can_view_guests"], full["can_view_dietary"], full["can_view_contacts"]) == (True, True, False)
    basic = await ana.got("PATCH", f"/api/v1/links/{link}", {"level": "basic"})
    assert (basic["can_view_guests"], basic["can_view_dietary"], basic["mask"] & 2) == (False, True, 0)
    edits = await ana.got("PATCH", f"/api/v1/links/{link}", {"can_edit_timeline": True})
    assert (edits["can_edit_timeline"], edits["mask"] & 2) == (True, 2)
    down = await ana.got("PATCH", f"/api/v1/links/{link}", {"level": "basic", "can_view_dietary": False})
    assert (down["can_edit_timeline"], down["mask"]) == (False, 1)


async def test_the_budget_can_never_be_granted(town: Town, ana: Somebody, wedding: str) -> None:
    link = (await town.linked(ana, wedding)).link
    refused = await ana.got("PATCH", f"/api/v1/links/{link}", {"can_view_budget": True}, code=422)
    assert refused["code"] == "budget_is_private"
    assert (await ana.got("PATCH", f"/api/v1/links/{link}", {"can_view_budget": False}))["can_view_budget"] is False


async def test_only_the_couple_grants_and_a_stale_grant_is_refused(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding)
    path = f"/api/v1/links/{business.link}"
    for method, body in (("PATCH", {"level": "full"}), ("DELETE", None)):
        await business.owner.got(method, path, body, code=403)
        await (await town.person("eve")).got(method, path, body, code=404)
    tag = (await ana.ask("GET", path)).headers["etag"]
    await ana.got("PATCH", path, {"level": "full"}, if_match=tag)
    assert (await ana.got("PATCH", path, {"level": "basic"}, code=412, if_match=tag))["current"]["level"] == "full"


async def test_a_request_says_nothing_of_who_is_here_and_the_couple_decides(
    town: Town, ana: Somebody, wedding: str
) -> None:
    business = await town.supplier()
    path = f"/api/v1/suppliers/{business.supplier}/requests"
    known = await business.owner.got("POST", path, {"couple_email": ana.email}, code=202)
    unknown = await business.owner.got("POST", path, {"couple_email": "nobody@example.test"}, code=202)
    assert known == unknown
    (link,) = (await ana.got("GET", f"/api/v1/weddings/{wedding}/links"))["items"]
    assert (link["status"], link["invited_by"]) == ("requested", "supplier")
    await business.owner.got("GET", f"/api/v1/weddings/{wedding}", code=404)
    taken = await ana.got("PATCH", f"/api/v1/links/{link['id']}", {"status": "active", "level": "standard"})
    assert taken["status"] == "active"
    await business.owner.got("GET", f"/api/v1/weddings/{wedding}")
    refused = await ana.got("PATCH", f"/api/v1/links/{link['id']}", {"status": "declined"}, code=409)
    assert refused["code"] == "not_requested"


async def test_an_ended_link_shows_nothing_and_grants_nothing(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding, "full")
    await ana.got("DELETE", f"/api/v1/links/{business.link}", code=204)
    await business.owner.got("GET", f"/api/v1/weddings/{wedding}", code=404)
    ended = await link_of(ana, business.link)
    assert (ended["status"], ended["scopes"]) == ("revoked", 0)
    (last,) = await town.events(wedding, "link.revoked")
    assert str(last.link_id) == business.link


@pytest.mark.parametrize("bad", [{"email": "x"}, {"email": "a@b.test", "level": "all"}, {"email": "a@b.test", "x": 1}])
async def test_an_invitation_that_cannot_be_read_is_refused(ana: Somebody, wedding: str, bad: dict[str, str]) -> None:
    answer = await ana.ask("POST", f"/api/v1/weddings/{wedding}/links", {"supplier_name": "M"} | bad)
    assert answer.status_code in (400, 422)
