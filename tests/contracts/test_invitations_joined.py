"""Couples confirm their wedding by an invitation, and the suppliers they name come in."""

import re
from typing import Any
from uuid import UUID

import pytest_asyncio

from tests.contracts.invitation_house import Inviting, inviting, somebody
from tests.contracts.town import Somebody, Town


@pytest_asyncio.fixture
async def us(town: Town) -> Inviting:
    return await inviting(town)


async def test_a_couple_confirms_corrects_and_joins_without_an_account_once(us: Inviting) -> None:
    to = somebody()
    client = await us.invited(to, venue="Glasshouse")
    path = await us.link(to)
    page = await us.town.public.see(path)
    assert all(said in page for said in ("Ana Lopez &amp; Ben Ito", "2099-06-05", "Glasshouse"))
    assert await us.states() == ["sent"]
    assert (await us.town.public.send(f"{path}/seen")).status_code == 204
    assert await us.states() == ["opened"]
    wrong = await us.confirm(path, couple_names="")
    assert (wrong.status_code, "what the two of you are called" in wrong.text) == (422, True)
    answer = await us.confirm(path, ceremony_venue="Orangery", level="basic")
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "httponly" in cookie.lower()
    wedding = answer.headers["location"].split("/")[2]
    seen = await us.owner.got("GET", f"/api/v1/weddings/{wedding}")
    assert (seen["couple_names"], seen["ceremony_venue"], seen["on"]) == ("Ana & Ben", "Orangery", "2099-06-05")
    row = await us.owner.got("GET", f"{us.office.path}/{client}")
    (link,) = (await us.owner.got("GET", f"/api/v1/weddings/{wedding}/links"))["items"]
    assert (row["link_id"], link["status"], link["level"]) == (link["id"], "active", "basic")
    assert "here already" in await us.town.public.see(path, code=410)
    again = await us.town.public.send(path, couple_names="Ana & Ben", level="basic")
    assert again.status_code == 410
    assert await us.judged(client) == {client: "joined"}
    brought = await us.town.admin.fetchrow(
        "select brought_by, brought_by_id from joins where joined = 'couple' and wedding_id = $1", UUID(wedding)
    )
    assert (brought["brought_by"], str(brought["brought_by_id"])) == ("supplier", us.supplier)


async def test_who_has_an_account_signs_in_first_and_no_old_link_opens_it(us: Inviting) -> None:
    ana = await us.town.person()
    await us.invited(ana.email)
    path = await us.link(ana.email)
    asked = await us.confirm(path)
    assert ("set-cookie" in asked.headers, "Check your mail" in asked.text) == (False, True)
    (mail,) = await us.town.mails(ana.id, to=ana.email)
    assert f"next={path}" in mail["text"]
    assert (await us.confirm(path, who=ana)).status_code == 303
    assert await us.states() == ["joined"]


async def test_a_couple_that_is_here_already_is_asked_in_its_wedding(us: Inviting) -> None:
    ana = await us.town.person()
    wedding = await us.town.wedding(ana, on="2099-06-05")
    client = await us.invited(ana.email)
    assert await us.mails() == []
    (link,) = (await ana.got("GET", f"/api/v1/weddings/{wedding}/links"))["items"]
    assert (link["status"], link["supplier_name"]) == ("requested", "Marlow Photo")
    assert await us.states() == ["sent"]
    await ana.got("PATCH", f"/api/v1/links/{link['id']}", {"status": "active"})
    await us.town.react(wedding)
    assert await us.states() == ["joined"]
    assert (await us.owner.got("GET", f"{us.office.path}/{client}"))["link_id"] == link["id"]


async def test_who_says_no_is_not_asked_again(us: Inviting) -> None:
    to = somebody()
    client = await us.invited(to)
    path = await us.link(to)
    assert (await us.town.public.send(path, answer="no")).status_code == 303
    assert "nothing happens" in await us.town.public.see(path, code=410)
    assert await us.states() == ["declined"]
    assert await us.judged(client) == {client: "declined"}


async def test_a_named_supplier_sees_the_core_by_its_link_and_takes_its_place(us: Inviting) -> None:
    to, florist = somebody(), somebody("florist")
    await us.invited(to)
    answer = await us.confirm(await us.link(to))
    wedding = answer.headers["location"].split("/")[2]
    couple = await in_by(us.town, answer.headers["set-cookie"])
    form: dict[str, Any] = {
        "supplier_name_0": "Wild Stems",
        "email_0": florist,
        "category_0": "florist",
        "email_1": "nowhere",
    }
    wrong = await couple.send(f"/me/{wedding}/others", **form)
    assert (wrong.status_code, "Who is it?" in wrong.text) == (422, True)
    assert (await couple.send(f"/me/{wedding}/others", **{**form, "email_1": ""})).status_code == 303
    await us.town.react(wedding)
    (mail,) = await us.town.mails(wedding, to=florist)
    (path,) = re.findall(r"(/join/\S+)", mail["text"])
    page = await us.town.public.see(path)
    assert "Ana &amp; Ben" in page
    assert "Wild Stems" in page
    joined = await us.town.public.send(path, name="Wild Stems Ltd", category="florist")
    assert joined.status_code == 303
    studio = joined.headers["location"].split("/")[2]
    owner = await in_by(us.town, joined.headers["set-cookie"])
    assert "Ana &amp; Ben" in await owner.see(f"/studio/{studio}/weddings/{wedding}")
    await us.town.public.see(path, code=410)
    await us.town.react(wedding)
    row = await us.town.admin.fetchrow("select * from joins where joined = 'supplier' and joined_id = $1", UUID(studio))
    assert (row["brought_by"], str(row["brought_by_id"]), str(row["first_supplier_id"])) == (
        "couple",
        wedding,
        us.supplier,
    )
    funnel = await us.owner.got("GET", f"{us.path}/funnel")
    steps = ("clients", "invited", "delivered", "opened", "joined", "second_supplier", "suppliers_joined")
    assert [funnel[step] for step in steps] == [1] * 7


async def test_a_link_of_a_named_supplier_is_good_for_that_address_alone(us: Inviting) -> None:
    ana, marlow = await us.town.person(), await us.town.supplier("Old Mill")
    wedding = await us.town.wedding(ana)
    asked = {"supplier_name": "Old Mill", "email": marlow.owner.email}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201)
    await us.town.react(wedding)
    (mail,) = await us.town.mails(wedding, to=marlow.owner.email)
    (path,) = re.findall(r"(/join/\S+)", mail["text"])
    assert "You are signed in as" in await us.owner.see(path)
    assert (await us.owner.send(path, name="Thief", category="venue")).status_code == 403
    stranger = await us.town.public.send(path, name="Thief", category="venue")
    assert ("set-cookie" in stranger.headers, "Check your mail" in stranger.text) == (False, True)
    assert "Old Mill" in await marlow.owner.see(path)
    done = await marlow.owner.send(path, name="Old Mill", category="venue", supplier_id=marlow.supplier)
    assert done.headers["location"] == f"/studio/{marlow.supplier}/weddings/{wedding}"


async def in_by(town: Town, cookie: str) -> Somebody:
    """A browser that keeps the cookie of an answer."""
    token = cookie.split(";", maxsplit=1)[0]
    made = Somebody(town.app)
    made._http.headers["cookie"] = token
    return made
