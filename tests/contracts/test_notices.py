"""Notices: who is told, in the product and by mail, once each, whatever runs twice."""

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.certificates import Certificates
from tests.contracts.reacting import whole
from tests.contracts.town import Somebody, Town
from wedsync.events.event import decode
from wedsync.kit.actor import Actor
from wedsync.processes import registry
from wedsync.weddings.actions import add_pass


@pytest_asyncio.fixture
async def wedding(town: Town, ana: Somebody) -> str:
    made = await town.wedding(ana)
    await town.react(made)
    return made


async def run_again(town: Town, wedding: str, reaction: str, type: str) -> None:
    """A worker died after its commit was lost sight of: the reaction runs a second time."""
    row = await town.admin.fetchrow(
        """insert into jobs (id, kind, name, lane, tenant_id, destination_id, made_at, event_id, lease_token,
          lease_until)
        select uuidv7(), 'reaction', $2, 0, $1, '00000000-0000-7000-8000-000000000002', clock_timestamp(), e.id,
          uuidv7(), clock_timestamp() + interval '1 minute'
        from events e where e.stream_id = $1 and e.type = $3
        order by e.seq desc limit 1 returning id, lease_token, event_id""",
        UUID(wedding),
        reaction,
        type,
    )
    text = await town.admin.fetchval("select app.event_json(e, 'wedding') from events e where id = $1", row["event_id"])
    async with town.door.enter_job(row["id"], row["lease_token"]) as tx:
        await whole(registry.catalogue(town.settings).reactions[reaction], tx, decode(text))
    await town.admin.execute("delete from jobs where id = $1", row["id"])


async def inbox(somebody: Somebody) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await somebody.got("GET", "/api/v1/me/inbox"))["items"]
    return found


async def test_an_invited_supplier_gets_one_mail_at_the_address_given(town: Town, ana: Somebody, wedding: str) -> None:
    asked = {"supplier_name": "Marlow Photo", "email": "marlow@example.test"}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201)
    await town.react(wedding)
    await run_again(town, wedding, "notices.invite_supplier", "link.invited")
    (mail,) = await town.mails(wedding)
    assert (mail["to"], mail["to_name"]) == ("marlow@example.test", "Marlow Photo")
    assert "Ana & Ben" in mail["text"]


async def test_a_change_reaches_suppliers_once_in_the_product_and_by_mail(
    town: Town, ana: Somebody, wedding: str
) -> None:
    business = await town.linked(ana, wedding)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    await town.react(wedding)
    await run_again(town, wedding, "notices.tell", "wedding.times_changed")
    (notice,) = [n for n in await inbox(business.owner) if n["type"] == "wedding.times_changed"]
    assert notice["title"] == "Ana & Ben: The ceremony has changed"
    assert notice["href"] == f"/studio/{business.supplier}/weddings/{wedding}"
    mails = [m for m in await town.mails(wedding, to=business.owner.email) if "/ack/" in m["text"]]
    assert len(mails) == 1
    assert "14:00" in mails[0]["text"]
    assert mails[0]["to"] == business.owner.email


async def test_notices_that_come_with_letters_are_published_as_the_events_they_are(
    town: Town, ana: Somebody, wedding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    business = await town.linked(ana, wedding)
    await town.react(wedding)
    published: list[str] = []

    async def hear(nudge: str) -> None:
        published.append(nudge)

    monkeypatch.setattr(town.door, "_published", hear)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:10"})
    await town.react(wedding)
    assert len(await town.mails(wedding, to=business.owner.email)) >= 1
    told = [event for nudge in published for event in msgspec.json.decode(nudge)]
    of_owner = [e["type"] for e in told if e.get("stream") == f"person:{business.owner.id}"]
    assert of_owner == ["notice.added", "inbox.counted"]


async def test_whoever_was_linked_after_a_change_is_not_told_of_it(town: Town, ana: Somebody, wedding: str) -> None:
    before = await town.linked(ana, wedding)
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    after = await town.linked(ana, wedding)
    asking = await town.supplier()
    await asking.owner.got(
        "POST", f"/api/v1/suppliers/{asking.supplier}/requests", {"couple_email": ana.email}, code=202
    )
    links = (await ana.got("GET", f"/api/v1/weddings/{wedding}/links"))["items"]
    (requested,) = [one["id"] for one in links if one["status"] == "requested"]
    await ana.got("PATCH", f"/api/v1/links/{requested}", {"status": "active", "level": "standard"})
    await town.react(wedding)
    assert [n["type"] for n in await inbox(before.owner)] == ["wedding.times_changed"]
    for late in (after.owner, asking.owner):
        assert await inbox(late) == []
        assert not [m for m in await town.mails(wedding, to=late.email) if "/ack/" in m["text"]]
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "15:00"})
    await town.react(wedding)
    assert [n["type"] for n in await inbox(after.owner)] == ["wedding.times_changed"]


async def test_the_couple_is_told_of_who_joined_and_suppliers_are_not(town: Town, ana: Somebody, wedding: str) -> None:
    first = await town.linked(ana, wedding)
    await town.react(wedding)
    second = await town.linked(ana, wedding)
    await town.react(wedding)
    assert [n["type"] for n in await inbox(ana)] == ["link.accepted", "link.accepted"]
    assert await inbox(first.owner) == []
    assert await inbox(second.owner) == []


async def test_a_supplier_who_wants_no_mail_still_reads_it_in_the_product(
    town: Town, ana: Somebody, wedding: str
) -> None:
    business = await town.linked(ana, wedding)
    await town.admin.execute(
        """insert into preferences (person_id, channels) values ($1, '{"email": false}')
        on conflict (person_id) do update set channels = excluded.channels""",
        business.owner.id,
    )
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    await town.react(wedding)
    assert len(await inbox(business.owner)) == 1
    assert not [m for m in await town.mails(wedding, to=business.owner.email) if "/ack/" in m["text"]]


async def test_a_party_that_answers_by_its_link_gets_one_mail_for_its_form(
    town: Town, ana: Somebody, wedding: str
) -> None:
    item = {"title": "Dinner", "kind": "reception", "at_local": "17:00:00", "takes_rsvps": True}
    dinner = (await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", item, code=201))["id"]
    guests = [{"first_name": "Carla", "contact": {"email": "carla@example.test"}}, {"first_name": "Leo"}]
    party = await ana.got(
        "POST", f"/api/v1/weddings/{wedding}/parties", {"name": "Carla & Leo", "guests": guests}, code=201
    )
    async with town.door.enter(Actor(kind="person", id=ana.id), UUID(wedding)) as tx:
        party_id, secret = UUID(party["id"]), town.settings.jwt_secret
        path = f"/rsvp/{await add_pass(tx, secret, 'rsvp', UUID(wedding), party_id=party_id)}"
    answers = [
        {"guest_id": g["id"], "schedule_item_id": dinner, "status": "accepted"}
        for g in (await town.public.got("GET", path))["guests"]
    ]
    await town.public.got("PUT", path, {"answers": answers})
    await town.react(wedding)
    (mail,) = await town.mails(wedding, to="carla@example.test")
    assert "Carla is coming: Dinner" in mail["text"]
    assert "Leo is coming: Dinner" in mail["text"]
    assert path in mail["text"]


@pytest.mark.parametrize("is_business", [False, True])
async def test_who_keeps_an_endpoint_hears_by_mail_that_it_fails_and_that_it_is_off(
    town: Town, ana: Somebody, wedding: str, is_business: bool
) -> None:
    business = await town.linked(ana, wedding)
    who, tenant = (business.owner, business.supplier) if is_business else (ana, wedding)
    kind = "suppliers" if is_business else "weddings"
    hook = {
        "url": "https://crm.example.test/services/t0ps3cret",
        "events": ["task.*"],
        "description": "Our CRM" if is_business else "",
    }
    made = await who.got("POST", f"/api/v1/{kind}/{tenant}/endpoints", hook, code=201)
    await town.react(tenant)
    before = len(await town.mails(tenant, to=who.email))
    ill = """update destinations set failing_since = app.now() - make_interval(hours => $2), failed_times = 30,
        failed_at = app.now() where id = $1"""
    mails = []
    for hours in (100, 100, 121):
        await town.admin.execute(ill, UUID(made["id"]), hours)
        await town.admin.fetch("select app.mind_failing()")
        await town.react(tenant)
        mails = (await town.mails(tenant, to=who.email))[before:]
    warned, off = mails
    name = "Our CRM" if is_business else "crm.example.test"
    assert not any("t0ps3cret" in mail["subject"] + mail["text"] + mail["html"] for mail in mails)
    assert warned["subject"].endswith(name)
    page = f"/{'studio' if is_business else 'me'}/{tenant}/webhooks/{made['id']}"
    assert f"For 4 days nothing could be delivered to {name}" in warned["text"]
    assert "we switch it off tomorrow" in warned["text"]
    assert f"We have stopped sending to {name}: nothing was delivered since" in off["text"]
    assert all(page in mail["text"] for mail in mails)
    (endpoint,) = (await who.got("GET", f"/api/v1/{kind}/{tenant}/endpoints"))["items"]
    assert (endpoint["state"], endpoint["warned_hours"]) == ("disabled", 96)


async def test_who_keeps_an_endpoint_hears_in_time_that_its_client_certificate_ends(
    town: Town, ana: Somebody, wedding: str, tmp_path: Path
) -> None:
    certificate, key = Certificates(tmp_path).issued("us.example", days=90)
    auth = {"kind": "mtls", "certificate": certificate, "key": key}
    hook = {"url": "https://crm.example.test/hook", "events": ["task.*"], "description": "Our CRM", "auth": auth}
    made = await ana.got("POST", f"/api/v1/weddings/{wedding}/endpoints", hook, code=201)
    await town.react(wedding)
    before = len(await town.mails(wedding, to=ana.email))
    ending = """update endpoints set auth = jsonb_set(auth, '{expires_at}',
        to_jsonb(app.now() + make_interval(days => $2) - interval '1 minute')) where id = $1"""
    said = []
    for days in (31, 30, 29, 7, 6, 1, 0):
        await town.admin.execute(ending, UUID(made["id"]), days)
        for _ in range(2):
            await town.admin.fetch("select app.mind_certificates()")
            await town.react(wedding)
        said.append(len(await town.mails(wedding, to=ana.email)) - before)
    assert said == [0, 1, 1, 2, 2, 3, 3]
    mails = (await town.mails(wedding, to=ana.email))[before:]
    subjects = [mail["subject"] for mail in mails]
    assert subjects == [
        f"In {n}: the client certificate of your webhook Our CRM" for n in ("30 days", "7 days", "a day")
    ]
    page = f"/me/{wedding}/webhooks/{made['id']}"
    assert all(page in mail["text"] and "BEGIN" not in mail["text"] for mail in mails)
    inbox = [one for one in (await ana.got("GET", "/api/v1/me/inbox"))["items"] if one["href"] == page]
    assert [one["type"] for one in inbox] == ["endpoint.certificate_ending"] * 3
    # One with another end is warned of anew.
    at = f"/api/v1/endpoints/{made['id']}"
    assert (await ana.got("PATCH", at, {"description": "The CRM"}))["certificate_days"] == 1
    assert "certificate_days" not in await ana.got("PATCH", at, {"auth": auth})


async def test_who_keeps_an_endpoint_hears_that_one_delivery_keeps_back_others(
    town: Town, ana: Somebody, wedding: str
) -> None:
    hook = {"url": "https://crm.example.test/hook", "events": ["task.*"], "description": "Our order", "mode": "ordered"}
    made = await ana.got("POST", f"/api/v1/weddings/{wedding}/endpoints", hook, code=201)
    await town.react(wedding)
    before = len(await town.mails(wedding, to=ana.email))
    await town.admin.execute(
        """with owed as (
            insert into deliveries (id, made_at, tenant_id, connector, destination_id, type, lane, state, seq)
            select uuidv7(), now() - interval '2 hours', $1, 'webhook', $2, 'task.done', 2,
              case when n = 1 then 'parked' else 'pending' end, n from generate_series(1, 2) n
            returning id, made_at, tenant_id, destination_id, seq)
        insert into jobs (id, made_at, tenant_id, destination_id, kind, name, order_key, order_seq, run_at)
        select o.id, o.made_at, o.tenant_id, o.destination_id, 'delivery', 'webhook', $2, o.seq, 'infinity'
        from owed o""",
        UUID(wedding),
        UUID(made["id"]),
    )
    for _ in range(2):
        await town.admin.fetch("select app.mind_failing()")
        await town.react(wedding)
    (mail,) = (await town.mails(wedding, to=ana.email))[before:]
    assert "What comes after it in order waits behind it" in mail["text"]
    assert f"/me/{wedding}/webhooks/{made['id']}" in mail["text"]
