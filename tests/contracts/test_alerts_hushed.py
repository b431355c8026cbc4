"""After an acknowledgement nothing calls people any more: not what waited, not what somebody held, not what a dead
worker left behind; and only that. Judged as a worker is, by the service's door."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.alert_house import House, house
from tests.contracts.phone_house import PhoneHouse, housed
from tests.contracts.town import Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from wedsync.alerts import actions, calling, ladder
from wedsync.connections.contract import Delivered, RetryLater
from wedsync.connections.host import Job, Sealed
from wedsync.kit import clock
from wedsync.kit.config import Settings

CALLS = """select d.id, d.made_at, d.connector, d.state from deliveries d
    where d.tenant_id = $1 and d.type like 'alert.%' and d.subscription_id is null order by d.made_at, d.id"""
TAKE = """update jobs set lease_token = gen_random_uuid(), lease_until = clock_timestamp() + interval '1 minute'
    where id = any ($1) and lease_token is null and run_at <= clock_timestamp() returning id, lease_token"""
LAPSE = """update jobs set lease_token = null, lease_until = null
    where id = any ($1) and lease_token is not null"""
TEXTS = """select d.id from deliveries d join events e on e.id = d.event_id
    where d.tenant_id = $1 and d.connector = 'twilio' and e.subject_id = $2"""
SEEDS = [pytest.param(seed, marks=[] if seed < 3 else [pytest.mark.prove]) for seed in range(12)]
NUMBERS = count(7_400_310_000)


@pytest_asyncio.fixture
async def coming(town: Town, ana: Somebody) -> House:
    """Two months before the day."""
    return await house(town, ana, clock.now() + timedelta(days=60))


async def taken(town: Town, ids: list[UUID]) -> list[Any]:
    """Leased, as by a worker that then has them in its hand."""
    return list(await town.admin.fetch(TAKE, ids))


async def judged(town: Town, held: list[Any]) -> set[UUID]:
    """What of it may leave now."""
    asked = ([row["id"] for row in held], [row["lease_token"] for row in held])
    return {row["job"] for row in await town.admin.fetch("select job from app.payloads($1, $2)", *asked)}


async def calls(town: Town, wedding: str) -> list[UUID]:
    return [row["id"] for row in await town.admin.fetch(CALLS, UUID(wedding))]


async def test_what_a_dead_worker_held_is_not_sent_after_somebody_has_acknowledged(coming: House) -> None:
    alert = await coming.raised()
    await coming.work()
    (mail,) = await calls(coming.town, coming.wedding)
    held = await taken(coming.town, [mail])
    assert await judged(coming.town, held) == {mail}
    await coming.planner.owner.got("POST", f"/api/v1/alerts/{alert}/acknowledge")
    await coming.town.admin.execute(LAPSE, [mail])
    again = await taken(coming.town, [mail])
    assert len(again) == 1, "its worker had it when it was acknowledged"
    assert await judged(coming.town, again) == set()
    row = await coming.town.admin.fetchrow("select state, reason from deliveries where id = $1", mail)
    assert tuple(row) == ("cancelled", "somebody has acknowledged the alert")
    still = await coming.town.admin.fetchval("select app.may_still_leave($1)", mail)
    assert still is False


async def test_an_acknowledgement_takes_nothing_from_programs_that_subscribed(coming: House) -> None:
    hook = {"url": "https://hooks.example.com/in", "events": ["alert.*"], "description": "Ops"}
    path = f"/api/v1/weddings/{coming.wedding}/endpoints"
    endpoint = UUID((await coming.ana.got("POST", path, hook, code=201))["id"])
    alert = await coming.raised()
    await coming.work()
    await coming.planner.owner.got("POST", f"/api/v1/alerts/{alert}/acknowledge")
    await coming.planner.owner.got("POST", f"/api/v1/alerts/{alert}/resolve", {"outcome": "Here."})
    rows = await coming.town.admin.fetch("select type, state from deliveries where destination_id = $1", endpoint)
    states = {row["type"]: row["state"] for row in rows}
    assert states.keys() >= {"alert.raised", "alert.escalated", "alert.acknowledged", "alert.resolved"}
    assert set(states.values()) == {"pending"}, "a fact that was committed is delivered to whoever asked for it"


async def test_whoever_says_again_that_they_cannot_is_not_called_on_and_on(coming: House) -> None:
    alert = await coming.raised()
    await coming.work()
    for who in (coming.planner.owner, coming.photographer.owner):
        await who.got("POST", f"/api/v1/alerts/{alert}/decline")
        await coming.work()
    await coming.later(61)
    for _ in range(4):
        for who in (coming.planner.owner, coming.photographer.owner):
            await who.got("POST", f"/api/v1/alerts/{alert}/decline")
            await coming.work()
    now = await coming.one(alert)
    assert now["state"] == "triggered", "their refusals use up no call of the minutes that follow"
    items = (await coming.ana.got("GET", f"/api/v1/alerts/{alert}/calls"))["items"]
    assert max(call["calls"] for call in items) <= 2
    await coming.later(60)
    items = (await coming.ana.got("GET", f"/api/v1/alerts/{alert}/calls"))["items"]
    assert {call["answer"] for call in items} == {"cannot"}
    assert min(call["calls"] for call in items) >= 2, "a minute later everybody is asked again"


async def test_of_a_smaller_matter_too_the_next_are_called_when_the_first_cannot(coming: House) -> None:
    alert = await coming.raised(severity="p2")
    await coming.work()
    await coming.planner.owner.got("POST", f"/api/v1/alerts/{alert}/decline")
    await coming.work()
    items = (await coming.ana.got("GET", f"/api/v1/alerts/{alert}/calls"))["items"]
    assert {call["name"]: call["calls"] for call in items} == dict.fromkeys((c["name"] for c in items), 1)
    assert len(items) == 2, "whoever cannot is not asked again in the same breath"


async def test_a_step_that_a_dead_worker_holds_is_taken_by_another_within_seconds(coming: House) -> None:
    alert = await coming.raised()
    job = await coming.leased()
    assert job is not None, "its worker is killed now, and its lease would last for a minute"
    late = "update alerts set next_at = next_at - interval '4 seconds' where id = $1"
    await coming.town.admin.execute(late, UUID(alert))
    for _ in range(2):
        await coming.town.admin.fetch("select * from app.late_alerts()")
    waiting = "select count(*) from jobs where name = 'alerts.step' and lease_token is null and args ->> 'alert' = $1"
    assert await coming.town.admin.fetchval(waiting, alert) == 1, "once, however often the clock looks"
    await coming.work()
    assert set(await coming.called(alert)) == {"planner"}
    await calling.works(coming.town.ring, coming.town.settings)[actions.STEP](coming.town.door, job)
    assert len(await coming.mails(coming.planner.owner)) == 1, "the dead one was only slow, and calls nobody twice"


def test_nobody_hurries_to_a_step_that_calls_nobody_new() -> None:
    for steps in ladder.LADDERS.values():
        assert not ladder.brings_others(steps, len(steps) - 1)
    assert [ladder.brings_others(ladder.EMERGENCY, n) for n in range(6)] == [True, True, True, True, True, False]
    assert not ladder.brings_others(ladder.LIFE, 1)


@pytest_asyncio.fixture(scope="module")
async def phoned(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[PhoneHouse]:
    async with housed(database, postgres, settings) as made:
        yield made


async def phone_house(phones: PhoneHouse) -> tuple[House, str]:
    """A wedding whose two suppliers take texts and calls, and the planner's number."""
    made = await house(phones, await phones.person("ana"), clock.now() + timedelta(days=60))
    number = f"+44{next(NUMBERS)}"
    await phones.proved(made.planner.owner, number, calls=True)
    await phones.proved(made.photographer.owner, f"+44{next(NUMBERS)}", calls=True)
    return made, number


class Workers:
    """Workers that claim, lose and give back what calls people, in whatever order."""

    def __init__(self, one: House, rng: random.Random) -> None:
        self.one, self.rng, self.held = one, rng, list[Any]()

    async def later(self) -> None:
        await self.one.later(self.rng.choice([1, 5, 10, 20]))

    async def claim(self) -> None:
        ids = await calls(self.one.town, self.one.wedding)
        self.held += await taken(self.one.town, self.rng.sample(ids, self.rng.randint(0, len(ids))))

    async def die(self) -> None:
        await self.one.town.admin.execute(LAPSE, [row["id"] for row in self.held])
        self.held = []

    async def fail(self) -> None:
        gone, self.held = self.held[:2], self.held[2:]
        await self.one.town.admin.execute(LAPSE, [row["id"] for row in gone])

    async def go_on(self) -> None:
        for _ in range(self.rng.randint(2, 9)):
            await self.rng.choice([self.later, self.claim, self.die, self.fail])()

    async def everything(self) -> set[UUID]:
        """All that a worker may now pick up, as if whoever held it were gone; what of it may leave."""
        ids = await calls(self.one.town, self.one.wedding)
        await self.one.town.admin.execute(LAPSE, ids)
        return await judged(self.one.town, await taken(self.one.town, ids))


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_send_begins_after_an_acknowledgement_whatever_was_in_flight(phoned: PhoneHouse, seed: int) -> None:
    """From the second after the acknowledgement on nothing leaves: nothing that a worker has in its hand, nothing that
    one who died left behind, and no later step of the ladder."""
    rng = random.Random(seed)
    one, _ = await phone_house(phoned)
    workers = Workers(one, rng)
    alert = await one.raised(severity=rng.choice(["p0", "p1"]))
    await one.work()
    assert await workers.everything(), "it calls by text or call before anybody has acknowledged"
    await workers.go_on()
    await one.planner.owner.got("POST", f"/api/v1/alerts/{alert}/{rng.choice(['decline', 'acknowledge'])}")
    await one.planner.owner.got("POST", f"/api/v1/alerts/{alert}/acknowledge")
    await one.later(1)
    assert await judged(phoned, workers.held) == set(), "what a worker has in its hand is judged once more"
    assert await workers.everything() == set(), "nor what was held by whoever died"
    await one.later(150)
    assert await workers.everything() == set(), "and no later step calls anybody"


async def repeat(phoned: PhoneHouse, one: House, alert: str) -> Job:
    """The text of an alert as a worker has it at its second try."""
    ids = [row["id"] for row in await phoned.admin.fetch(TEXTS, UUID(one.wedding), UUID(alert))]
    (held,) = await taken(phoned, ids)
    paid = await phoned.admin.fetchrow("select * from app.payloads($1, $2)", [held["id"]], [held["lease_token"]])
    words = Sealed(name="message", value=paid["sealed"], table="deliveries", column="sealed", row=held["id"])

    async def may_leave() -> bool:
        return bool(await phoned.admin.fetchval("select app.may_still_leave($1)", held["id"]))

    return Job(
        connector="twilio",
        delivery_id=held["id"],
        tenant=UUID(one.wedding),
        connection_id=UUID(int=1),
        message=words,
        attempt=2,
        may_leave=may_leave,
    )


async def test_a_repeat_that_looks_first_asks_once_more_before_it_texts(phoned: PhoneHouse) -> None:
    one, number = await phone_house(phoned)
    alert, other = await one.raised(), await one.raised(what="venue")
    await one.work()
    first, second = await repeat(phoned, one, alert), await repeat(phoned, one, other)
    before = len(phoned.texts(number))
    await one.planner.owner.got("POST", f"/api/v1/alerts/{alert}/acknowledge")
    said = await phoned.host.send(first)
    assert isinstance(said, RetryLater)
    assert said.is_ours
    assert len(phoned.texts(number)) == before
    assert isinstance(await phoned.host.send(second), Delivered)
    assert len(phoned.texts(number)) == before + 1
