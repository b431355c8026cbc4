"""What the clock does for a wedding day: asks suppliers when they come, looks for those who do not, has packs made.

One job of a wedding at a time; it says itself when it is to be looked at again. What it finds is judged by `noshow`,
and written by the noun's own actions.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.alerts import actions as alerts
from wedsync.alerts.model import NewAlert
from wedsync.days import actions as days
from wedsync.days.actions import queries as plans
from wedsync.days.model import MISSING, Arrival
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit import sql
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.seal import KeyRing
from wedsync.operations.wedding_day import afterwards, noshow
from wedsync.operations.wedding_day.packing import PACKED_BEFORE, first_of, packs_due
from wedsync.schedule.actions import planned
from wedsync.schedule.model import local_of
from wedsync.schedule.rows import PlannedItem, WeddingDay
from wedsync.web.context import as_struct
from wedsync.web.formats import clock

queries = sql.load("wedsync.operations.wedding_day")
MIND: Final = "days.mind"
ASKED_BEFORE: Final = (timedelta(hours=72), timedelta(hours=48), timedelta(hours=24))
NEAR, FAR = timedelta(seconds=30), timedelta(minutes=10)
"""How long the clock looks away at most, near the day and before it: plans and arrivals move meanwhile."""
CLOCK: Final = "The day's clock"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one look is about."""

    now: datetime
    links: Sequence[Row]
    items: Sequence[PlannedItem]


def works(ring: KeyRing) -> Mapping[str, Work]:
    """By the name it is owed under."""

    async def mind(door: Door, job: Job) -> None:
        async with door.enter_job(job.id, job.lease_token) as tx:
            await look(tx, ring)
            await jobs.finish(tx, job)

    return {MIND: mind}


async def look(tx: Tx, ring: KeyRing) -> None:
    """Everything that is due of every day to come of the entered wedding."""
    await tx.run(queries.hold)
    head: Any = await tx.row(queries.head)
    seen = Seen(
        now=head["now"],
        links=[row for row in await tx.rows(queries.links) if row["status"] == "active"],
        items=list(planned(await tx.rows(plans.plan)).values()),
    )
    packs = {row["on"]: row["packs"] for row in await tx.rows(queries.watches)}
    known = await days.days(tx) if head["stands"] else []
    for day in known:
        if day.live_until <= seen.now:
            await tx.run(queries.put_watch, day.on, await afterwards.wind_down(tx, day, known, seen.now))
            continue
        if not _is_near(day, seen.now):
            continue
        arrivals = await _asked(tx, seen, day)
        await _search(tx, ring, seen, day, arrivals)
        if packs_due(day, seen.now) > packs.get(day.on, 0):
            await tx.value(plans.owe_packs)
        await tx.run(queries.put_watch, day.on, next_look(day, seen.now, arrivals))
    await _calm(tx)


def next_look(day: WeddingDay, now: datetime, arrivals: Sequence[Arrival] = ()) -> datetime:
    """When the clock looks again: as soon as it has something to say, and now and then, for plans move meanwhile."""
    then = now + (NEAR if now >= first_of(day) - timedelta(hours=6) else FAR)
    asked = [first_of(day) - before for before in ASKED_BEFORE]
    packed = [first_of(day) - before for before, _ in PACKED_BEFORE]
    missed = [noshow.next_at(noshow.due_at(one.expected_at, one.eta_at), now) for one in arrivals if _is_awaited(one)]
    return min([then, *(at for at in (*asked, *packed, *missed) if at is not None and at > now)])


def times_asked(day: WeddingDay, now: datetime) -> int:
    """How often suppliers have been asked by now when they come."""
    return sum(1 for before in ASKED_BEFORE if now >= first_of(day) - before)


def _is_near(day: WeddingDay, now: datetime) -> bool:
    return now >= first_of(day) - PACKED_BEFORE[0][0]


def _own(items: Sequence[PlannedItem], day: WeddingDay, link_id: UUID) -> list[PlannedItem]:
    """What a supplier is responsible for on a day."""
    return [i for i in items if i.owner_link_id == link_id and day.live_from <= i.starts_at <= day.live_until]


def _is_awaited(one: Arrival) -> bool:
    return one.state in ("expected", "on_my_way")


async def _asked(tx: Tx, seen: Seen, day: WeddingDay) -> list[Arrival]:
    """Who comes: suppliers who have not said when, and were not asked so often yet, are asked first."""
    times, arrivals = times_asked(day, seen.now), await _arrivals(tx, day)
    known = {one.link_id: one for one in arrivals}
    has_asked = False
    for link in seen.links if times else ():
        one = known.get(link["id"])
        if one is not None and (one.confirmed_at is not None or one.asked >= times):
            continue
        own = _own(seen.items, day, link["id"])
        needed = min((item.starts_at for item in own), default=first_of(day)) - timedelta(hours=1)
        await days.ask(tx, link["id"], day, needed, times)
        has_asked = True
    return await _arrivals(tx, day) if has_asked else arrivals


async def _arrivals(tx: Tx, day: WeddingDay) -> list[Arrival]:
    return [as_struct(Arrival, row) for row in await tx.rows(plans.arrivals, day.on)]


async def _search(tx: Tx, ring: KeyRing, seen: Seen, day: WeddingDay, arrivals: Sequence[Arrival]) -> None:
    """Whoever is expected and has not come, one rung at a time."""
    links = {row["id"]: row for row in seen.links}
    for one in arrivals:
        link = links.get(one.link_id)
        if link is None:
            continue
        due = noshow.due_at(one.expected_at, one.eta_at)
        is_certain = one.confirmed_at is not None or bool(_own(seen.items, day, one.link_id))
        reached = noshow.rung(one.state, due, seen.now, is_certain=is_certain)
        if reached > one.rung and await days.climb(tx, one.id, reached) and reached >= MISSING:
            await _alarm(tx, ring, seen, one, link)


async def _alarm(tx: Tx, ring: KeyRing, seen: Seen, one: Arrival, link: Row) -> None:
    """An emergency of the day: raised once, told within it again at each further rung."""
    found = noshow.impact(seen.items, one.link_id, link["category"], seen.now)
    at_local = clock(local_of(one.expected_at, one.zone)[1], one.zone)
    says = [f"{one.supplier_name} was expected at {at_local} and has not come."]
    if one.contact_phone:
        says.append(f"Ring {one.contact_name}: {one.contact_phone}.")
    if found.others or found.theirs:
        says.append("It holds up " + ", ".join(d.title for d in (*found.theirs, *found.others)[:8]) + ".")
    elif found.slack_minutes is not None:
        says.append(f"Their next part begins in {found.slack_minutes} minutes.")
    new = NewAlert(what="supplier_missing", detail=" ".join(says)[:500], severity=found.severity)
    await alerts.raise_for(tx, ring, new, name=CLOCK)


async def _calm(tx: Tx) -> None:
    """The clock's own emergency is over when nobody is missing any more; what people raised is theirs to end."""
    row = await tx.row(queries.calmed, MISSING)
    if row is None:
        return
    came = [f"{name} came at {clock(local_of(at, zone)[1], zone)}." for name, at, zone in _came(row)]
    await alerts.resolve(tx, row["id"], " ".join(came) or "Nobody is missing any more.")


def _came(row: Row) -> list[tuple[str, datetime, str]]:
    return list(zip(row["names"], row["times"], row["zones"], strict=True))
