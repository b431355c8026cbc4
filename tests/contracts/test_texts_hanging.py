"""A provider that hangs with everything it was given in its hand: an emergency waits for none of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.contracts.alert_house import House, house
from tests.contracts.phone_house import PhoneHouse, housed
from tests.engines_fixture import Database, RunningPostgres
from wedsync.events.deliver import SHARED_DESTINATIONS
from wedsync.events.jobs import Job, Payload
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.processes.senders import to_job

PLACES = "select max_in_flight from destinations where id = app.shared_destination($1)"
ORDINARY = """insert into jobs (id, kind, name, lane, tenant_id, destination_id, lease_token, lease_until)
    select uuidv7(), 'delivery', $1, 1, $2, app.shared_destination($1), uuidv7(),
      clock_timestamp() + interval '1 minute'
    from generate_series(1, $3)"""
WAITING = """insert into jobs (id, kind, name, lane, tenant_id, destination_id)
    values (uuidv7(), 'delivery', $1, 1, $2, app.shared_destination($1))"""
CLAIM = "select name, lane from app.claim('{8,8,8,8}', 32, 1000000)"
NUMBERS = count(7_400_330_000)


@pytest_asyncio.fixture(scope="module")
async def phones(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[PhoneHouse]:
    async with housed(database, postgres, settings) as made:
        yield made


async def called(phones: PhoneHouse) -> House:
    """A wedding whose planner takes texts and calls."""
    made = await house(phones, await phones.person("ana"), clock.now() + timedelta(days=60))
    await phones.proved(made.planner.owner, f"+44{next(NUMBERS)}", calls=True)
    return made


@pytest.mark.parametrize("provider", ["twilio", "mail"])
async def test_an_emergency_leaves_while_every_ordinary_place_is_held_by_what_hangs(
    phones: PhoneHouse, provider: str
) -> None:
    one = await called(phones)
    await phones.admin.execute("delete from jobs")
    places = await phones.admin.fetchval(PLACES, provider)
    await phones.admin.execute(ORDINARY, provider, UUID(one.wedding), places)
    await phones.admin.execute(WAITING, provider, UUID(one.wedding))
    await one.raised(severity="p0")
    await one.work()
    async with phones.admin.transaction():
        left = [tuple(row) for row in await phones.admin.fetch(CLAIM)]
    assert (provider, 0) in left, "the emergency has a place"
    assert (provider, 1) not in left, "what is ordinary waits for one"
    await phones.admin.execute("delete from jobs")


async def test_several_calls_that_hang_leave_room_for_other_texts(phones: PhoneHouse) -> None:
    await phones.admin.execute("delete from jobs")
    wedding = uuid4()
    await phones.admin.execute(ORDINARY, "twilio", wedding, 20)
    await phones.admin.execute(WAITING, "twilio", wedding)
    async with phones.admin.transaction():
        left = [tuple(row) for row in await phones.admin.fetch(CLAIM)]
    assert left == [("twilio", 1)]
    await phones.admin.execute("delete from jobs")


async def test_whom_nobody_can_reconnect_is_never_parked(phones: PhoneHouse) -> None:
    """Every place that all tenants share for mails, texts and calls is one that a refusal does not close."""
    asked = (
        "select app.shared_destination(c, l::smallint) from unnest('{mail,twilio}'::text[]) c, unnest('{0,1}'::int[]) l"
    )
    assert {row[0] for row in await phones.admin.fetch(asked)} == SHARED_DESTINATIONS


def paid(kind: str, **more: Any) -> Payload:
    """A leased text to a person, of no wedding that is under way."""
    job = Job(
        id=uuid4(),
        kind="delivery",
        name="twilio",
        lane=0,
        tenant_id=uuid4(),
        destination_id=uuid4(),
        lease_token=uuid4(),
        attempt=1,
        made_at=clock.machine_now(),
        event_id=None,
        args=None,
        live_until=None,
        expires_at=None,
        is_ordered=False,
    )
    return Payload(job=job, type=kind, **more)


def test_a_call_of_an_emergency_has_the_short_time_whenever_it_is_made() -> None:
    live = [
        to_job(paid(kind, recipient_kind=to), open_sealed=lambda *_: {}).is_live
        for kind, to in (("alert.raised", "person"), ("wedding.changed", "person"), ("alert.raised", None))
    ]
    assert live == [True, False, False], "an endpoint keeps the time that its receiver is used to"
