"""Random edits on both sides, whatever a provider does meanwhile: in the end both have the same, and nothing twice."""

import random
from datetime import date, timedelta
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from tests import seed
from tests.contracts.bookings_house import Studio, opened
from tests.contracts.calendar_house import Fault, Kept, Provider, of_studio
from tests.contracts.town import Town
from wedsync.connections.calendars.event import CalendarEvent, Timed, span

POLICIES = ("theirs", "ours", "manual", "latest")
BY_SEED = seed.chosen(POLICIES, 2, "calendar storms")
STORMS = [
    *(pytest.param(policy, 25, 25, marks=seed.marks(policy, BY_SEED)) for policy in POLICIES),
    *(pytest.param(policy, 500, number, marks=pytest.mark.prove) for policy in POLICIES for number in range(500, 505)),
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
# Where they win, what one side deleted while the other changed it stays away there (removed) or here (ended).
ALIVE = """select b.starts_at, b.ends_at from bookings b
    where b.supplier_id = $1 and b.state <> 'cancelled' and not exists
      (select from calendar_events e where e.ours_id = b.id and e.calendar_id = $2 and e.state = 'removed')"""
PARTED = "select id, state from calendar_events where calendar_id = $1 and state in ('removed', 'ended')"
BUSY = "select lower(during), upper(during) from busy_times where supplier_id = $1 order by 1, 2"
ACTS = (
    *("book", "move", "cancel", "rename", "theirs_move", "theirs_rename", "theirs_delete", "add", "change", "drop"),
    *("repeat", "bend", "skip", "unrepeat"),
)
WEEKS = 5


class Series(msgspec.Struct, kw_only=True):
    """A series of theirs as a person means it: each week's times, None for one left out, and the exceptions' ids."""

    weeks: dict[date, Timed | None]
    first: Timed
    exceptions: dict[date, str] = {}


class Storm:
    """One business, its calendar, and what happens to both. Each booking has a day of its own."""

    def __init__(self, studio: Studio, kept: Kept, seed: int) -> None:
        self.studio = studio
        self.kept = kept
        self.rng = random.Random(seed)
        self.bookings: list[tuple[str, str]] = []
        self.series: dict[str, Series] = {}
        self.days = 0

    def _times(self, on: str) -> Timed:
        start, minutes = self.rng.randrange(8, 18), self.rng.choice((30, 60, 90))
        end = start * 60 + minutes
        return Timed(start=f"{on}T{start:02}:00:00", end=f"{on}T{end // 60:02}:{end % 60:02}:00", zone="Europe/London")

    async def act(self, what: str) -> None:
        if what == "book":
            await self._book()
        elif what in ("move", "cancel", "rename"):
            await self._ours(what)
        elif what.startswith("theirs"):
            self._to_ours_there(what)
        elif what in ("repeat", "bend", "skip", "unrepeat"):
            self._series(what)
        else:
            self._theirs(what)

    async def _book(self) -> None:
        self.days += 1
        on = f"2027-{1 + self.days // 28 % 12:02}-{1 + self.days % 28:02}"
        made = await self.studio.book(on=on, at_local="09:00:00", minutes=60, title=f"Job {self.days}")
        self.bookings.append((made["id"], on))

    async def _ours(self, what: str) -> None:
        if not self.bookings:
            return
        id, on = self.rng.choice(self.bookings)
        path = f"/api/v1/bookings/{id}"
        if what == "cancel":
            await self.studio.owner.got("POST", f"{path}/cancel")
            self.bookings.remove((id, on))
        elif what == "rename":
            await self.studio.owner.got("PATCH", path, {"title": f"Job {self.rng.randrange(100)}"})
        else:
            to = {"at_local": f"{self.rng.randrange(8, 18):02}:15:00", "minutes": 45}
            await self.studio.owner.got("PATCH", path, to)

    def _to_ours_there(self, what: str) -> None:
        entries = self.kept.diary.ours()
        if not entries:
            return
        entry = self.rng.choice(entries)
        event = entry.event
        if event is None or not isinstance(event.times, Timed):
            return
        start = event.times.start[:10]
        if what == "theirs_delete":
            event = None
        elif what == "theirs_rename":
            event = msgspec.structs.replace(event, title=f"Mine {self.rng.randrange(100)}")
        else:
            event = msgspec.structs.replace(event, times=self._times(start))
        self.kept.diary.put(event, entry.id)

    def _theirs(self, what: str) -> None:
        on = f"2027-{self.rng.randrange(1, 13):02}-{self.rng.randrange(1, 29):02}"
        event = CalendarEvent(times=self._times(on), title="private", is_busy=self.rng.random() < 0.8)
        entries = self.kept.diary.entries.values()
        known = [one.id for one in entries if one.event and not (one.marker or one.series or one.event.rules)]
        if what == "add" or not known:
            self.kept.diary.put(event)
        else:
            self.kept.diary.put(event if what == "change" else None, self.rng.choice(known))

    def _series(self, what: str) -> None:
        """Weekly while clocks change; one week of it moved, or left out; all of it gone, its exceptions untold."""
        if what == "repeat" or not self.series:
            on = date(2027, self.rng.choice((2, 3, 9, 10)), self.rng.randrange(1, 29))
            first = self._times(on.isoformat())
            whole = CalendarEvent(times=first, rules=(f"RRULE:FREQ=WEEKLY;COUNT={WEEKS}",), title="private")
            weeks = {on + timedelta(days=7 * n): _on(first, on + timedelta(days=7 * n)) for n in range(WEEKS)}
            self.series[self.kept.diary.put(whole)] = Series(weeks=dict(weeks), first=first)
            return
        id = self.rng.choice(sorted(self.series))
        one = self.series[id]
        if what == "unrepeat":
            for exception in self.series.pop(id).exceptions.values():
                self.kept.diary.forget(exception)
            self.kept.diary.put(None, id)
            return
        week = self.rng.choice(sorted(one.weeks))
        day = (week + timedelta(days=self.rng.randrange(-3, 4))).isoformat()
        times = None if what == "skip" else self._times(day)
        one.weeks[week] = times
        event = None if times is None else CalendarEvent(times=times, title="private")
        original = f"{week}T{one.first.start[11:]}"
        one.exceptions[week] = self.kept.diary.put(event, one.exceptions.get(week, ""), series=id, original=original)

    async def come_to_rest(self) -> None:
        """No more faults; what is left to people they decide."""
        self.kept.diary.faults.clear()
        for _ in range(4):
            await self.kept.poll()
            # Who takes series away while a cursor is lost is asked whether so much is really gone: it is.
            await self.kept.decide("theirs", "sweep")
            await self.kept.decide("ours")
        assert await self.kept.conflicts() == []

    async def check(self, policy: str) -> None:
        admin, calendar = self.kept.town.admin, UUID(self.kept.id)
        ours = sorted((r[0], r[1]) for r in await admin.fetch(ALIVE, UUID(self.kept.tenant), calendar))
        there, entries = self.kept.diary.live(), self.kept.diary.ours()
        parted = {str(r["id"]): r["state"] for r in await admin.fetch(PARTED, calendar)}
        if policy in ("ours", "manual"):
            assert "removed" not in parted.values()
            assert not parted.keys() & {one.marker for one in entries}
        kept = [there[one.id] for one in entries if one.marker not in parted]
        assert sorted(map(self._span, kept)) == ours
        assert len(entries) == len({one.marker for one in entries})
        busy = [(r[0], r[1]) for r in await admin.fetch(BUSY, UUID(self.kept.tenant))]
        marked = {one.id for one in entries}
        entries_of = self.kept.diary.entries
        alone = [
            e for id, e in there.items() if id not in marked and e.is_busy and not (e.rules or entries_of[id].series)
        ]
        repeated = [CalendarEvent(times=t) for one in self.series.values() for t in one.weeks.values() if t is not None]
        assert busy == sorted(map(self._span, [*alone, *repeated]))
        writes = self.kept.diary.writes
        await self.kept.poll()
        assert self.kept.diary.writes == writes

    def _span(self, event: CalendarEvent) -> tuple[Any, Any]:
        return span(event.times, calendar_zone="Europe/London")


def _on(times: Timed, day: date) -> Timed:
    """The same hours of another day."""
    return msgspec.structs.replace(times, start=f"{day}{times.start[10:]}", end=f"{day}{times.end[10:]}")


@pytest.mark.property
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("policy", "edits", "seed"), STORMS)
async def test_both_sides_end_equal(town: Town, policy: str, edits: int, seed: int) -> None:
    studio = await opened(town)
    kept = await of_studio(studio, Provider(), policy=policy)
    storm = Storm(studio, kept, seed=seed)
    for _ in range(3):
        await storm.act("book")
    for number in range(edits):
        await storm.act(storm.rng.choice(ACTS))
        if storm.rng.random() < 0.4:
            kept.diary.faults.append(storm.rng.choice(FAULTS))
        if number % 5 == 4:
            await kept.poll()
    await storm.come_to_rest()
    await storm.check(policy)
