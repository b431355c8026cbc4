"""What a provider says of its watches, when they are renewed, and how often a calendar that is gone is asked."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.contracts.bookings_house import opened
from tests.contracts.calendar_house import Kept, Provider, of_studio
from tests.contracts.town import LEASE_WORK, Town
from wedsync.connections import elements, incoming
from wedsync.connections.verify.request import Request
from wedsync.events.jobs import Job
from wedsync.kit import clock
from wedsync.kit.actor import Actor

OWE = """insert into inbox_hooks (id, tenant_id, source_id, connector, dedupe_key, sealed, verified_by)
    values ($1, $2, $3, 'outlook_calendar', $4, $5, 'graph')"""
WATCH_AGAIN = "update calendar_progress set watch_again_at = $2 where calendar_id = $1"
MOVED_ADDRESS = "https://elsewhere.test"
NOTICE = {
    "subscriptionId": "7f105c7d",
    "subscriptionExpirationDateTime": "2026-12-01T10:00:00Z",
    "clientState": "s" * 43,
    "tenantId": "84bd8158",
}


async def told(town: Town) -> Kept:
    """A calendar whose provider tells of changes, and renews what tells."""
    provider = Provider()
    provider.is_telling = True
    kept = await of_studio(await opened(town), provider)
    kept.diary.renews = True
    return kept


async def hears(kept: Kept, notice: dict[str, Any], at: float = 0.0) -> None:
    """The inbound door took this notice at that second, and the job of it was done."""
    request = Request(
        headers={}, body=msgspec.json.encode({"value": [notice]}), url="", secrets=[str(notice["clientState"])], now=at
    )
    tenant = UUID(kept.tenant)
    for one in elements.split("graph", request):
        id = UUID(int=clock.machine_now().microsecond << 64 | kept.connection.int & 0xFFFFFFFF)
        sealed = kept.town.ring.seal(one.body, tenant=tenant, table="inbox_hooks", column="sealed", row=id)
        await kept.town.admin.execute(OWE, id, tenant, kept.connection, one.key, sealed)
        async with kept.town.door.enter(Actor(kind="person", id=kept.owner.id), tenant) as tx:
            await tx.value("select app.owe_hook($1)", id)
        row = await kept.town.admin.fetchrow(LEASE_WORK, tenant, incoming.WORK)
        await incoming.works(kept.town.ring)[incoming.WORK](kept.town.door, Job(**row))
    await kept.settle()


@pytest.mark.parametrize("word", ["reauthorizationRequired", "subscriptionRemoved"])
async def test_a_notice_that_the_watch_ends_has_it_renewed_at_once(town: Town, word: str) -> None:
    kept = await told(town)
    (first,) = kept.diary.watches
    await hears(kept, NOTICE | {"changeType": "updated", "resourceData": {"id": "e", "@odata.etag": "1"}})
    assert (kept.diary.renewed, list(kept.diary.watches)) == ([], [first])
    if word == "subscriptionRemoved":
        kept.diary.watches.clear()
    kept.diary.asked.clear()
    await hears(kept, NOTICE | {"lifecycleEvent": word})
    assert kept.diary.renewed == [first]
    assert kept.diary.asked, "and what it may have missed is asked for"
    assert len(kept.diary.watches) == 1
    assert (await kept.calendar())["is_told"]


def test_what_was_missed_is_no_repeat_of_what_was_missed_before() -> None:
    def keys(now: float) -> Sequence[str]:
        body = msgspec.json.encode({"value": [NOTICE | {"lifecycleEvent": "missed"}]})
        request = Request(headers={}, body=body, url="", secrets=[NOTICE["clientState"]], now=now)
        return [one.key for one in elements.split("graph", request)]

    assert keys(1200.0) == keys(1201.0)
    assert keys(1200.0) != keys(1200.0 + 2 * elements.SLOT_S)


async def test_a_watch_is_renewed_in_place_unless_we_are_elsewhere_now(town: Town) -> None:
    kept = await told(town)
    (first,) = kept.diary.watches
    await kept.town.admin.execute(WATCH_AGAIN, UUID(kept.id), clock.machine_now() - timedelta(minutes=1))
    await kept.poll()
    assert (list(kept.diary.watches), kept.diary.renewed) == ([first], [first])
    kept.address = MOVED_ADDRESS
    await kept.town.admin.execute(WATCH_AGAIN, UUID(kept.id), clock.machine_now() - timedelta(minutes=1))
    await kept.poll()
    (second,) = kept.diary.watches.values()
    assert second.id != first
    assert second.address.startswith(MOVED_ADDRESS)


async def test_a_calendar_that_is_gone_is_not_asked_all_the_time_because_its_watch_is_due(town: Town) -> None:
    kept = await told(town)
    kept.diary.is_there = False
    await kept.town.admin.execute(WATCH_AGAIN, UUID(kept.id), clock.machine_now() - timedelta(minutes=1))
    await kept.poll()
    assert (await kept.calendar())["outcome"] == "gone"
    kept.diary.asked.clear()
    for _ in range(3):
        await kept.town.admin.fetchval("select app.poke_due_calendars()")
        await kept.settle()
    assert kept.diary.asked == []
