"""Couples are invited by every rule there is."""

import asyncio
import re
from typing import Any
from uuid import UUID

import msgspec
import pytest_asyncio

from tests.contracts.client_house import HEADER
from tests.contracts.invitation_house import Inviting, inviting, somebody
from tests.contracts.town import Town
from wedsync.invitations import model


@pytest_asyncio.fixture
async def us(town: Town) -> Inviting:
    return await inviting(town)


async def test_a_couple_gets_one_mail_in_the_suppliers_name_colour_and_words(us: Inviting) -> None:
    style = {"colour": "#AA3300", "words": "We look forward to it.", "signature": "Carla", "address": "3 Mill Lane"}
    assert (await us.owner.got("PUT", f"{us.path}/style", style))["colour"] == "#aa3300"
    to = somebody()
    await us.invited(to, venue="Glasshouse")
    (mail,) = await us.mails(to)
    assert (mail["from_name"], mail["to_name"]) == ("Marlow Photo via WedSync", "Ana Lopez & Ben Ito")
    for said in ("Marlow Photo", "Glasshouse", "2099", "We look forward to it.", "Carla", "3 Mill Lane"):
        assert said in mail["text"], said
    assert "#aa3300" in mail["html"]
    assert mail["unsubscribe_url"] in mail["text"]
    assert await us.states() == ["sent"]
    types = [e.type for e in await us.town.events(us.supplier, kind="supplier") if e.type.startswith("invitation.")]
    assert types == ["invitation.queued", "invitation.sent"]
    events = await us.town.events(us.supplier, kind="supplier")
    assert to not in str([e.record for e in events])
    assert await us.post() == 0


async def test_who_may_not_be_written_to_is_left_out_with_the_reason(us: Inviting) -> None:
    past = await us.client(somebody(), wedding_on="2020-06-05")
    cancelled = await us.client(somebody(), stage="cancelled")
    done = await us.client(somebody(), stage="completed")
    silent = await us.client("", name="Nobody Known")
    good = await us.client(somebody())
    undated = await us.client(somebody(), wedding_on=None)
    said = await us.judged(past, cancelled, done, silent, good, undated, dry_run=True)
    assert said == {past: "past", cancelled: "cancelled", done: "past", silent: "no_email", good: None, undated: None}
    assert await us.rows() == []
    whole = await us.owner.got("POST", us.path, {"all": True}, code=202)
    assert (whole["invited"], {i["client_id"] for i in whole["items"]}) == (2, {good, undated})
    assert await us.judged(good) == {good: "invited"}
    await us.owner.got("POST", us.path, {}, code=422)


async def test_who_is_beyond_the_plan_is_invited_once_there_is_room(us: Inviting) -> None:
    async def room(weddings: int | None) -> None:
        words = msgspec.json.encode({"weddings": weddings}).decode()
        await us.town.admin.fetchval("select app.set_plan($1, null, $2, 'test')", UUID(us.supplier), words)

    emails = [somebody(f"r{n}") for n in range(3)]
    first, second, third = [await us.client(e, wedding_on=f"209{n}-06-05") for n, e in enumerate(emails)]
    await room(2)
    assert await us.judged(first, third, dry_run=True) == {first: None, third: "dormant"}
    whole = await us.owner.got("POST", us.path, {"all": True}, code=202)
    assert {i["client_id"] for i in whole["items"]} == {first, second}
    # The plan became smaller before the worker's turn: who is beyond it waits, and is written to when there is room.
    await room(1)
    await us.post()
    assert await us.states() in (["sent", "queued"], ["queued", "sent"])
    assert [len(await us.mails(email)) for email in emails] == [1, 0, 0]
    await room(3)
    await us.later(1)
    await us.mind()
    await us.post()
    assert [len(await us.mails(email)) for email in emails] == [1, 1, 0]
    assert await us.judged(third, dry_run=True) == {third: None}


async def test_what_happened_since_somebody_chose_them_counts(us: Inviting) -> None:
    """Cancelled, over, removed: between the press and the worker's turn."""
    emails = [somebody() for _ in range(3)]
    clients = [await us.client(email, name=f"Person {n}") for n, email in enumerate(emails)]
    await us.judged(*clients)
    path = us.office.path
    await us.owner.got("PATCH", f"{path}/{clients[0]}", {"wedding_on": "2020-01-01"})
    await us.owner.got("PATCH", f"{path}/{clients[1]}", {"stage": "cancelled"})
    await us.owner.got("DELETE", f"{path}/{clients[2]}", code=204)
    await us.town.react(us.supplier)
    await us.post()
    assert await us.states() == ["withdrawn"] * 3
    assert await us.mails() == []


async def test_one_press_ends_these_mails_from_everybody_and_a_get_does_not(us: Inviting) -> None:
    to = somebody()
    client = await us.invited(to)
    path = await us.out(to)
    assert "Stop them all" in await us.town.public.see(path)
    assert await us.states() == ["sent"]
    one_click: dict[str, Any] = {"List-Unsubscribe": "One-Click"}
    answer = await us.town.public.send(path, headers={"sec-fetch-site": ""}, **one_click)
    assert answer.status_code == 204
    assert await us.states() == ["suppressed"]
    assert (
        await us.town.admin.fetchval(
            "select count(*) from jobs where tenant_id = $1 and kind = 'delivery'", UUID(us.supplier)
        )
        == 0
    )
    other = await inviting(us.town)
    theirs = await other.client(to.upper(), name="Ana")
    partner = await other.client(somebody("ben"), name="Ben", partner_email=to)
    assert await other.judged(theirs, partner) == {theirs: "refused", partner: "refused"}
    assert await us.judged(client) == {client: "refused"}
    await us.town.public.see(path[:-2] + "xx", code=404)


async def test_who_opts_out_while_a_mail_waits_gets_none(us: Inviting) -> None:
    to = somebody()
    await us.invited(to)
    other = await inviting(us.town)
    client = await other.client(to)
    await other.judged(client)
    await us.town.public.send(await us.out(to))
    await other.post()
    assert await other.states() == ["suppressed"]
    assert await other.mails() == []


async def test_a_mail_that_comes_back_ends_the_address_and_many_rest_the_supplier(us: Inviting) -> None:
    emails = [somebody(f"p{n}") for n in range(3)]
    clients = [await us.client(e, name=f"Person {n}", partner_name="") for n, e in enumerate(emails)]
    await us.judged(*clients)
    await us.post()
    await us.ended(emails[0], "dead", "rejected")
    await us.mind()
    assert await us.states() == ["bounced", "sent", "sent"]
    assert await us.judged(clients[0]) == {clients[0]: "refused"}
    for email in emails[1:]:
        await us.ended(email, "dead", "rejected")
    await us.mind()
    problem = await us.owner.got("POST", us.path, {"client_ids": [await us.client(somebody())]}, code=409)
    assert problem["code"] == "invitations_paused"
    assert (await us.owner.got("GET", f"{us.path}/funnel"))["brake"] == "bounces"
    await us.owner.got("PATCH", f"{us.office.path}/{clients[0]}", {"email": somebody()})
    await us.later(31)
    assert await us.judged(clients[0]) == {clients[0]: None}


async def test_our_own_servers_trouble_is_no_bounce(us: Inviting) -> None:
    to = somebody()
    await us.invited(to)
    await us.ended(to, "dead", "retry_later")
    await us.mind()
    assert await us.states() == ["queued"]
    await us.town.admin.execute("delete from deliveries where tenant_id = $1", UUID(us.supplier))
    assert await us.post() == 1
    assert len(await us.mails(to)) == 1


async def test_one_report_rests_the_supplier_and_what_waits(us: Inviting) -> None:
    to, waiting = somebody(), somebody()
    await us.invited(to)
    client = await us.client(waiting, name="Cleo Marr")
    await us.judged(client)
    await us.town.public.send(await us.out(to), why="unwanted")
    await us.post()
    assert await us.states() == ["suppressed", "queued"]
    owed = "select count(*) from deliveries where tenant_id = $1"
    assert await us.town.admin.fetchval(owed, UUID(us.supplier)) == 1
    funnel = await us.owner.got("GET", f"{us.path}/funnel")
    assert (funnel["brake"], funnel["complained"]) == ("complaints", 1)
    assert "Your invitations rest" in await us.owner.see(f"/studio/{us.supplier}/invitations")


async def test_one_reminder_after_a_fortnight_and_then_silence_until_it_is_over(us: Inviting) -> None:
    to = somebody()
    await us.invited(to)
    await us.later(13)
    await us.mind()
    assert (await us.post(), len(await us.mails(to))) == (0, 1)
    await us.later(2)
    await us.mind()
    await us.mind()
    assert (await us.post(), len(await us.mails(to))) == (1, 2)
    assert "Two weeks ago" in (await us.mails(to))[-1]["text"]
    await us.later(20)
    await us.mind()
    assert (await us.post(), len(await us.mails(to))) == (0, 2)
    path = await us.link(to)
    await us.later(30)
    await us.mind()
    assert await us.states() == ["expired"]
    assert "over" in await us.town.public.see(path, code=410)


async def test_two_suppliers_of_one_couple_write_one_mail_a_fortnight_and_share_one_wedding(us: Inviting) -> None:
    to = somebody()
    first = await us.invited(to)
    other = await inviting(us.town)
    second = await other.client(to.upper(), name="Ben Ito", partner_name="Ana")
    assert await other.judged(second) == {second: None}
    await other.post()
    assert (await other.mails(), await other.states()) == ([], ["queued"])
    await us.later(15)
    await us.mind()
    await us.post()
    merged = (await us.mails(to))[-1]
    assert "Marlow Photo and Marlow Photo" in merged["text"]
    assert await other.states() == ["sent"]
    path = await us.link(to)
    page = await us.town.public.see(path)
    assert "Your suppliers invite you" in page
    ids = re.findall(r'name="taken" value="([^"]+)"', page)
    assert len(ids) == 2
    answer = await us.confirm(path, taken=ids)
    wedding = answer.headers["location"].split("/")[2]
    for one, client in ((us, first), (other, second)):
        row = await one.owner.got("GET", f"{one.office.path}/{client}")
        assert row["wedding_id"] == wedding
        assert await one.states() == ["joined"]
        assert (await one.owner.got("GET", f"/api/v1/weddings/{wedding}"))["couple_names"] == "Ana & Ben"


async def test_a_planners_address_stands_for_several_couples(us: Inviting) -> None:
    planner = somebody("planner")
    await us.invited(planner, name="Ana Lopez", partner_name="Ben Ito")
    other = await inviting(us.town)
    await other.judged(await other.client(planner, name="Cleo Marr", partner_name="Dan Fox"))
    page = await us.town.public.see(await us.link(planner))
    assert len(re.findall(r'name="taken"', page)) == 1


async def test_an_invitation_taken_back_opens_nothing(us: Inviting) -> None:
    to = somebody()
    client = await us.invited(to)
    (row,) = await us.rows()
    taken = await us.owner.got("POST", f"{us.path}/{row['id']}/withdraw")
    assert taken["state"] == "withdrawn"
    await us.town.public.see(await us.link(to), code=410)
    assert await us.judged(client) == {client: None}


async def test_two_presses_at_once_invite_once(us: Inviting) -> None:
    client = await us.client(somebody())
    both = await asyncio.gather(us.judged(client), us.judged(client))
    assert sorted(str(said[client]) for said in both) == ["None", "invited"]
    assert len(await us.rows()) == 1


async def test_two_suppliers_workers_at_once_write_one_mail(us: Inviting) -> None:
    to, other = somebody(), await inviting(us.town)
    for one in (us, other):
        client = await one.client(to)
        assert await one.judged(client) == {client: None}
    ours, theirs = await us.leased(), await other.leased()
    assert ours is not None
    assert theirs is not None
    await asyncio.gather(us.work(ours), other.work(theirs))
    assert len(await us.mails(to)) + len(await other.mails(to)) == 1


async def test_a_long_list_leaves_a_slice_at_a_time(us: Inviting) -> None:
    rows = "".join(f"Person {n},,{somebody(f'p{n}')},2099-01-01,,Booked\n" for n in range(model.SLICE + 5))
    await us.office.bring(HEADER + rows)
    said = await us.owner.got("POST", us.path, {"all": True, "stage": "booked"}, code=202)
    assert said["invited"] == model.SLICE + 5
    await us.post()
    assert len(await us.mails()) == model.SLICE
    await us.mind()
    await us.post()
    assert len(await us.mails()) == model.SLICE + 5


async def test_the_studios_pages_lead_from_a_choice_over_the_mail_to_the_list(us: Inviting) -> None:
    studio = f"/studio/{us.supplier}/invitations"
    assert "Nobody invited yet" in await us.owner.see(studio)
    await us.owner.send(f"{studio}/style", colour="#7a3b52", words="See you there.", signature="", address="")
    wrong = await us.owner.send(f"{studio}/style", colour="red", words="", signature="", address="")
    assert (wrong.status_code, "Write it like" in wrong.text) == (422, True)
    client, past = await us.client(somebody()), await us.client(somebody(), wedding_on="2020-01-01")
    page = await us.owner.see(f"{studio}/new")
    assert (client in page, past in page) == (True, False)
    assert (await us.owner.send(f"{studio}/new")).status_code == 422
    seen = await us.owner.send(f"{studio}/new", client=[client, past])
    assert all(said in seen.text for said in ("See you there.", "Send 1 invitation", "The wedding is over"))
    look = await us.owner.see(f"{studio}/look")
    assert "#7a3b52" in look
    assert (await us.owner.send(studio, client=[client])).status_code == 303
    assert "data-key=" in await us.owner.see(f"{studio}?state=queued", part=True)
    (row,) = await us.rows()
    assert (await us.owner.send(f"{studio}/{row['id']}/withdraw")).status_code == 303
    assert await us.states() == ["withdrawn"]


async def test_colleagues_read_and_strangers_find_nothing(us: Inviting) -> None:
    client = await us.client(somebody())
    member = await us.office.colleague()
    assert (await member.got("GET", us.path))["items"] == []
    assert "Choose couples</a>" not in await member.see(f"/studio/{us.supplier}/invitations")
    await member.got("POST", us.path, {"client_ids": [client]}, code=403)
    await member.got("PUT", f"{us.path}/style", {}, code=403)
    stranger = await us.town.person()
    await stranger.got("GET", us.path, code=404)
    await us.town.public.see("/invite/nothing", code=404)
    await us.town.public.see("/join/nothing", code=404)
