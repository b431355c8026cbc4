"""When people are told: preferences, quiet hours, the hour's limit, digests, and why; through the door."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.contracts.reacting import whole
from tests.contracts.town import Linked, Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from wedsync.events.event import decode
from wedsync.processes import registry

LEASE_TELLER = """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute'
    where tenant_id = $1 and kind = 'reaction' and name = 'notices.tell' returning id, lease_token, event_id"""


@pytest_asyncio.fixture
async def business(town: Town, ana: Somebody, wedding: str) -> Linked:
    made = await town.linked(ana, wedding)
    await town.react(wedding)
    return made


async def change(town: Town, ana: Somebody, wedding: str, at: str = "14:00") -> None:
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": at})
    await town.react(wedding)


async def give_tasks(town: Town, ana: Somebody, wedding: str, link: str, number: int) -> None:
    for n in range(number):
        task = await ana.got("POST", f"/api/v1/weddings/{wedding}/tasks", {"title": f"Task {n}"}, code=201)
        await ana.got("POST", f"/api/v1/tasks/{task['id']}/assign", {"link_id": link})
    await town.react(wedding)


async def told(town: Town, tenant: Any, somebody: Somebody) -> list[str]:
    """Subjects of the mails owed to somebody, but for sign-in links and invitations."""
    return [m["subject"] for m in await town.mails(tenant, to=somebody.email) if "invite" not in m["subject"]]


async def decided(somebody: Somebody) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await somebody.got("GET", "/api/v1/me/notices"))["items"]
    return items


async def noticed(somebody: Somebody) -> list[str]:
    """The types in somebody's inbox."""
    return [item["type"] for item in (await somebody.got("GET", "/api/v1/me/inbox"))["items"]]


async def digest(town: Town, somebody: Somebody) -> list[str]:
    """What waits comes due, and is told."""
    await town.admin.execute("update held_notices set due_at = app.now() where person_id = $1", somebody.id)
    await town.admin.fetch("select app.make_digests()")
    await react_person(town, somebody)
    return await told(town, somebody.id, somebody)


async def react_person(town: Town, somebody: Somebody) -> None:
    """Reactions of a person's own stream."""

    reactions = registry.catalogue(town.settings).reactions
    while job := await town.admin.fetchrow(
        """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute'
        where id = (select id from jobs where kind = 'reaction' and tenant_id = $1 order by order_seq, id limit 1)
        returning id, name, lease_token, event_id""",
        somebody.id,
    ):
        text = await town.admin.fetchval(
            "select app.event_json(e, 'person') from events e where id = $1", job["event_id"]
        )
        async with town.door.enter_job(job["id"], job["lease_token"]) as tx:
            await whole(reactions[job["name"]], tx, decode(text))
        await town.admin.execute("delete from jobs where id = $1", job["id"])


async def test_letters_that_nobody_came_to_write_are_owed_once_by_whoever_tries_again(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    """A worker dies when the inboxes have it and no letter is owed yet."""
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:00"})
    tell = registry.catalogue(town.settings).reactions["notices.tell"]
    job = await town.admin.fetchrow(LEASE_TELLER, UUID(wedding))
    event = decode(
        await town.admin.fetchval("select app.event_json(e, 'wedding') from events e where id = $1", job["event_id"])
    )
    async with town.door.enter_job(job["id"], job["lease_token"], event.cause) as tx:
        assert await tell.run(tx, event) is not None
    assert await noticed(business.owner) == ["wedding.times_changed"]
    assert await told(town, wedding, business.owner) == []
    for _ in range(2):
        async with town.door.enter_job(job["id"], job["lease_token"], event.cause) as tx:
            await whole(tell, tx, event)
    assert len(await told(town, wedding, business.owner)) == 1
    assert await noticed(business.owner) == ["wedding.times_changed"]
    counted = "select cardinality(sent_at) from reaches where person_id = $1"
    assert await town.admin.fetchval(counted, business.owner.id) == 1


async def test_a_kind_that_was_switched_off_stays_in_the_inbox_and_says_why(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    chosen = {"choices": {"changes": {"email": "off"}}}
    view = await business.owner.got("PATCH", "/api/v1/me/preferences", chosen)
    assert view["effective"]["changes"]["email"] == {"how": "off", "by": "you"}
    await change(town, ana, wedding)
    assert await told(town, wedding, business.owner) == []
    (notice,) = (await business.owner.got("GET", "/api/v1/me/inbox"))["items"]
    (why,) = await decided(business.owner)
    assert why["event_id"] == notice["event_id"]
    assert why["outcomes"]["email"] == {"do": "suppress", "reason": "switched off by you"}
    assert [step["rule"] for step in why["trace"] if step["channel"] == "email"][-1] == "preference"
    assert await business.owner.got("GET", f"/api/v1/me/notices/{why['event_id']}") == why
    await ana.got("GET", f"/api/v1/me/notices/{why['event_id']}", code=404)


async def test_quiet_hours_hold_and_then_tell_once_what_came_alone_with_its_button(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    now = datetime.now(tz=UTC)
    quiet = {"from": f"{now - timedelta(hours=2):%H:%M}", "until": f"{now + timedelta(hours=2):%H:%M}"}
    await business.owner.got("PATCH", "/api/v1/me/preferences", {"zone": "UTC", "quiet": quiet})
    await change(town, ana, wedding)
    assert await told(town, wedding, business.owner) == []
    (why,) = await decided(business.owner)
    assert why["outcomes"]["email"]["do"] == "defer"
    assert why["waiting"][0]["ended"] is None
    await town.admin.fetch("select app.make_digests()")
    assert await told(town, business.owner.id, business.owner) == []
    assert await digest(town, business.owner) == ["Ana & Ben: The ceremony has changed: 14:00"]
    (mail,) = await town.mails(business.owner.id, to=business.owner.email)
    assert "/ack/" in mail["text"]
    await digest(town, business.owner)
    assert len(await town.mails(business.owner.id, to=business.owner.email)) == 1
    (why,) = await decided(business.owner)
    assert why["waiting"][0]["ended"] == "sent"


async def test_an_hour_takes_seven_then_one_mail_tells_the_rest_and_what_matters_still_comes(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    await give_tasks(town, ana, wedding, business.link, 12)
    mails = await told(town, wedding, business.owner)
    assert len(mails) == 7
    assert len((await business.owner.got("GET", "/api/v1/me/inbox"))["items"]) == 12
    await change(town, ana, wedding)
    assert (await told(town, wedding, business.owner))[7:] == ["Ana & Ben: The ceremony has changed: 14:00"]
    assert await digest(town, business.owner) == []
    await town.admin.execute("update reaches set sent_at = '{}' where person_id = $1", business.owner.id)
    assert await digest(town, business.owner) == ["Ana & Ben: 5 updates"]
    (mail,) = await town.mails(business.owner.id, to=business.owner.email)
    assert all(f"Task {n}" in mail["text"] for n in range(7, 12))


async def test_facts_of_two_weddings_at_once_do_not_both_take_the_last_place(
    town: Town, ana: Somebody, database: Database, postgres: RunningPostgres
) -> None:
    first = await town.wedding(ana)
    business = await town.linked(ana, first)
    second = await town.wedding(ana)
    asked = {"supplier_name": "Marlow", "email": business.owner.email, "level": "standard"}
    link = (await ana.got("POST", f"/api/v1/weddings/{second}/links", asked, code=201))["id"]
    said = {"supplier_id": business.supplier}
    await business.owner.got("POST", f"/api/v1/links/{link}/answer", said, code=204)
    for wedding, of in ((first, business.link), (second, link)):
        await town.react(wedding)
        for n in range(6):
            task = await ana.got("POST", f"/api/v1/weddings/{wedding}/tasks", {"title": f"Task {n}"}, code=201)
            await ana.got("POST", f"/api/v1/tasks/{task['id']}/assign", {"link_id": of})
    other = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        beside = Town(town.app, town.settings, other)
        await asyncio.gather(town.react(first), beside.react(second))
    finally:
        await other.close()
    mails = [*await told(town, first, business.owner), *await told(town, second, business.owner)]
    assert len(mails) == 7
    assert len(await decided(business.owner)) == 12


async def test_a_digest_of_the_day_collects_and_a_link_that_ended_takes_its_part_along(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    await business.owner.got("PATCH", "/api/v1/me/preferences", {"weddings": {wedding: "digest"}, "digest_at": "08:00"})
    await give_tasks(town, ana, wedding, business.link, 2)
    assert await told(town, wedding, business.owner) == []
    assert {why["outcomes"]["email"]["do"] for why in await decided(business.owner)} == {"digest"}
    assert await digest(town, business.owner) == ["Ana & Ben: 2 updates"]
    assert len(await leaving(town, business.owner)) == 1
    await give_tasks(town, ana, wedding, business.link, 1)
    await ana.got("DELETE", f"/api/v1/links/{business.link}", code=204)
    await digest(town, business.owner)
    assert await told(town, business.owner.id, business.owner) == ["Ana & Ben: 2 updates"]
    ended = [w["ended"] for why in await decided(business.owner) for w in why["waiting"]]
    assert sorted(ended) == ["revoked", "sent", "sent"]
    # What was made before the link ended, and has not left, does not leave either.
    assert await leaving(town, business.owner) == []
    states = await town.admin.fetch("select state from deliveries where tenant_id = $1", business.owner.id)
    assert [row["state"] for row in states] == ["revoked"]


async def leaving(town: Town, somebody: Somebody) -> list[UUID]:
    """Which of a person's own deliveries a worker that has leased them may send."""
    leased = await town.admin.fetch(
        """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute'
        where tenant_id = $1 and kind = 'delivery' returning id, lease_token""",
        somebody.id,
    )
    ids, leases = [row["id"] for row in leased], [row["lease_token"] for row in leased]
    return [row["job"] for row in await town.admin.fetch("select * from app.payloads($1, $2)", ids, leases)]


async def test_on_the_wedding_day_what_matters_passes_quiet_hours_and_preferences(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    now = datetime.now(tz=UTC)
    quiet = {"from": f"{now - timedelta(hours=2):%H:%M}", "until": f"{now + timedelta(hours=2):%H:%M}"}
    chosen = {"zone": "UTC", "quiet": quiet, "choices": {"changes": {"email": "off"}}}
    await business.owner.got("PATCH", "/api/v1/me/preferences", chosen)
    await town.admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1, '2030-01-01', 'UTC', app.now() - interval '1 hour', app.now() + interval '1 hour')""",
        UUID(wedding),
    )
    await change(town, ana, wedding)
    assert await told(town, wedding, business.owner) == ["Ana & Ben: The ceremony has changed: 14:00"]
    await give_tasks(town, ana, wedding, business.link, 1)
    assert len(await told(town, wedding, business.owner)) == 2


async def test_a_couple_chooses_for_those_who_did_not(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    path = f"/api/v1/weddings/{wedding}/notices"
    await business.owner.got("GET", path, code=404)
    await business.owner.got("PATCH", path, {"choices": {}}, code=404)
    made = await ana.got("PATCH", path, {"choices": {"tasks": {"email": "off"}, "changes": {"email": "digest"}}})
    assert made["choices"]["tasks"] == {"email": "off"}
    await ana.got("PATCH", path, {"choices": {"changes": {"email": None}}}, if_match=f'"{made["version"]}"')
    await ana.got("PATCH", path, {"choices": {}}, code=412, if_match=f'"{made["version"]}"')
    assert (await ana.got("GET", path))["choices"] == {"tasks": {"email": "off"}}
    await give_tasks(town, ana, wedding, business.link, 1)
    assert await told(town, wedding, business.owner) == []
    await business.owner.got("PATCH", "/api/v1/me/preferences", {"choices": {"tasks": {"email": "now"}}})
    await give_tasks(town, ana, wedding, business.link, 1)
    assert len(await told(town, wedding, business.owner)) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"zone": "Mars/Base"}, "zone"),
        ({"quiet": {"from": "22:00", "until": "22:00"}}, "quiet.until"),
        ({"quiet": {"from": "25:00", "until": "07:00"}}, "quiet.from"),
        ({"choices": {"weather": {"email": "off"}}}, "choices"),
        ({"choices": {"tasks": {"pigeon": "off"}}}, "channels"),
        ({"choices": {"account": {"email": "off"}}}, "choices.account"),
        ({"channels": {"pigeon": True}}, "channels"),
        ({"colour": "blue"}, "colour"),
    ],
)
async def test_what_cannot_be_chosen_is_refused_by_its_name(ana: Somebody, body: Any, field: str) -> None:
    answer = await ana.ask("PATCH", "/api/v1/me/preferences", body)
    assert answer.status_code in (400, 422), answer.text
    assert field.split(".", maxsplit=1)[0] in answer.text
    assert (await ana.got("GET", "/api/v1/me/preferences"))["version"] == 1


async def test_why_somebody_was_not_told_is_answered_by_the_rules_that_chose(
    town: Town, ana: Somebody, wedding: str, business: Linked
) -> None:
    await change(town, ana, wedding)
    late = await town.linked(ana, wedding)
    (event,) = await town.events(wedding, "wedding.times_changed")
    path = f"/api/v1/weddings/{wedding}/events/{event.id}/notice"
    answer = await business.owner.got("GET", path)
    assert answer["is_told"]
    assert answer["decision"]["outcomes"]["email"]["do"] == "send"
    assert (await ana.got("GET", path))["reason"] == "This kind is for the other side of the wedding."
    assert "before you were linked" in (await late.owner.got("GET", path))["reason"]
    stranger = await town.person("stranger")
    await stranger.got("GET", path, code=404)
