"""A provider of calendars in memory with etags, cursors and faults, and tenants whose calendar is connected to it."""

import itertools
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec

from tests.contracts.bookings_house import Studio
from tests.contracts.town import LEASE_WORK, Somebody, Town
from wedsync.connections.calendars import finding, sync
from wedsync.connections.calendars.contract import (
    Change,
    CursorLost,
    Gone,
    Moved,
    Pull,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    RemoteCalendar,
    Watch,
    Watching,
)
from wedsync.connections.calendars.event import CalendarEvent, checked
from wedsync.connections.calendars.remote import Where
from wedsync.connections.calendars.together import Together
from wedsync.connections.contract import Connection, Delivered, Outcome, ReconnectNeeded, RetryLater, Unknown
from wedsync.events.jobs import Job
from wedsync.kit.db import Door, Tx

Fault = Literal["lost", "412", "410", "500", "twice", "truncated"]
RUNS_MAX = 200
RESUME = "update calendar_progress set not_before = null, next_poll_at = '-infinity' where calendar_id = $1"


class Entry(msgspec.Struct, kw_only=True):
    """One remote event, or what is left of it."""

    id: str
    event: CalendarEvent | None
    marker: str
    key: str
    number: int
    series: str = ""
    original: str = ""
    is_whole: bool = False

    @property
    def etag(self) -> str:
        return f'"{self.number}"'


class Diary:
    """One calendar of one account, as its provider keeps it; implements `Calendars` for itself alone."""

    def __init__(self, id: str = "vera@example.test", zone: str = "Europe/London", *, page: int = 3) -> None:
        self.id = id
        self.zone = zone
        self.page = page
        self.entries: dict[str, Entry] = {}
        self.faults: list[Fault] = []
        self.writes = 0
        self.asked: list[str] = []
        self.is_there = True
        self.is_writable = True
        self.locked = ""
        self.garbled: set[str] = set()
        self.has_etags = True
        self.watches: dict[str, Watch] = {}
        self.renews = False
        self.renewed: list[str] = []
        self._epoch = 1
        self._numbers = itertools.count(1)
        self._top = 0

    def live(self) -> dict[str, CalendarEvent]:
        return {one.id: one.event for one in self.entries.values() if one.event is not None}

    def forget(self, id: str) -> None:
        """Gone with its series, and never told of."""
        del self.entries[id]

    def ours(self) -> list[Entry]:
        """What was written by us, in order of its start."""
        found = [one for one in self.entries.values() if one.event is not None and one.marker]
        return sorted(found, key=lambda one: msgspec.json.encode(one.event))

    def put(self, event: CalendarEvent | None, id: str = "", **more: Any) -> str:
        """As its owner does it there."""
        id = id or f"r{uuid4().hex[:8]}"
        known = self.entries.get(id)
        entry = Entry(
            id=id,
            event=None if event is None else checked(event),
            marker=known.marker if known else "",
            key=known.key if known else "",
            number=self._next(),
        )
        self.entries[id] = msgspec.structs.replace(entry, **more)
        return id

    def _next(self) -> int:
        self._top = next(self._numbers)
        return self._top

    def _fault(self, *those: Fault) -> Fault | None:
        if self.faults and self.faults[0] in those:
            return self.faults.pop(0)
        return None

    async def close(self) -> None:
        """Nothing is held."""

    async def calendars(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteCalendar, ...] | Outcome:
        one = RemoteCalendar(
            id=self.id, title="Vera's work", zone=self.zone, is_writable=self.is_writable, is_primary=True
        )
        return (one,) if self.is_there else ()

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | CursorLost | Gone | Outcome:
        self.asked.append("pull")
        if not self.is_there:
            return Gone(is_calendar=True)
        if self._fault("500"):
            return RetryLater(reason="500", after_s=0)
        if self._fault("410"):
            self._epoch += 1
        is_listing = not pull.cursor
        # What changes while a listing goes on is told after it: its cursor leads on from where it began.
        at, number, began, listing = self._epoch, 0, self._top, True
        if pull.cursor:
            epoch, kind, *digits = pull.cursor.split(":")
            at, (number, began), listing = int(epoch), map(int, digits), kind == "list"
            if at != self._epoch:
                return CursorLost(reason="410")
            is_listing = listing
        rows = sorted((e for e in self.entries.values() if e.number > number), key=lambda e: e.number)
        if is_listing:
            # A day that a series leaves out is told of as long as the series is there.
            rows = [e for e in rows if e.event is not None or e.series in self.live()]
        shown = rows[: self.page]
        has_more = len(rows) > self.page
        if self._fault("truncated"):
            return Unknown(reason="The page ends in the middle.", repeat_is_safe=True)
        changes = tuple(_change(e, self.has_etags) for e in shown if e.id not in self.garbled)
        unread = len(shown) - len(changes)
        if self._fault("twice"):
            changes = changes + changes[::-1]
        last = shown[-1].number if has_more else began if is_listing else self._top
        kind = "list" if has_more and is_listing else "delta"
        cursor = f"{self._epoch}:{kind}:{last}:{began}"
        return Pulled(changes=changes, cursor=cursor, has_more=has_more, is_listing=is_listing, unread=unread)

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        self.asked.append("push")
        if not self.is_there:
            return Gone(is_calendar=True)
        if self._fault("500"):
            return RetryLater(reason="500", after_s=0)
        if self.locked:
            return ReadOnly(reason=self.locked)
        if self._fault("412"):
            return Moved(reason="412")
        said = self._written(push)
        if isinstance(said, Pushed) and self._fault("lost"):
            return Unknown(reason="The answer was lost.", repeat_is_safe=True)
        return said

    def _written(self, push: Push) -> Pushed | Moved | Gone:
        self.writes += 1
        if not push.id:
            if any(e.key == push.key for e in self.entries.values()):
                return Moved(reason="it exists already")
            id = f"w{push.key[:12]}"
            made = Entry(id=id, event=push.event, marker=push.marker, key=push.key, number=self._next())
            self.entries[id] = made
            return Pushed(id=id, etag=made.etag if self.has_etags else "")
        known = self.entries.get(push.id)
        if known is None or known.event is None:
            return Gone()
        if push.etag and push.etag != known.etag:
            return Moved(reason="412")
        after = msgspec.structs.replace(known, event=push.event, number=self._next())
        self.entries[push.id] = after
        return Pushed(id=push.id, etag=after.etag if self.has_etags else "")


def _change(entry: Entry, has_etag: bool) -> Change:
    return Change(
        id=entry.id,
        etag=entry.etag if has_etag else "",
        event=entry.event,
        marker=entry.marker if entry.event is not None else "",
        series=entry.series,
        original=entry.original,
        is_whole=entry.is_whole,
    )


class Provider:
    """The accounts there are, by their connection: the engine's way to them."""

    def __init__(self) -> None:
        self.diaries: dict[UUID, Diary] = {}
        self.closed: dict[UUID, ReconnectNeeded | RetryLater] = {}
        self.is_telling = False

    async def open(self, where: Where, door: Door) -> "Opened | ReconnectNeeded | RetryLater":
        shut = self.closed.get(where.connection_id)
        return shut if shut is not None else Opened(self.diaries[where.connection_id], self.is_telling)


class Opened:
    """One account for one run."""

    def __init__(self, diary: Diary, is_telling: bool) -> None:
        self._diary = diary
        self._connection = Connection(id=uuid4())
        self.poll_s = 900.0
        self.watches = is_telling

    async def calendars(self) -> tuple[RemoteCalendar, ...] | Outcome:
        return await self._diary.calendars(self._connection, timeout_s=1)

    async def pull(self, pull: Pull) -> Pulled | CursorLost | Gone | Outcome:
        return await self._diary.pull(pull, self._connection)

    async def push(self, push: Push) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        return await self._diary.push(push, self._connection)

    async def watch(self, watch: Watch, held: Watching | None = None) -> Watching | Outcome:
        if self._diary.faults[:1] == ["500"]:
            self._diary.faults.pop(0)
            return RetryLater(reason="no")
        if held is not None and self._diary.renews:
            self._diary.renewed.append(held.id)
            if held.id in self._diary.watches:
                return Watching(id=held.id, expires_at=watch.expires_at)
        self._diary.watches[watch.id] = watch
        return Watching(id=watch.id, expires_at=watch.expires_at)

    async def unwatch(self, calendar: str, watching: Watching) -> Outcome:
        self._diary.watches.pop(watching.id, None)
        return Delivered()

    async def tell(self, tx: Tx, ask: object = None) -> bool:
        """Nobody judges this account."""
        return False

    def well(self) -> tuple[str, int] | None:
        """All of it went well, so its runs may end with others."""
        return "pull", 1


class Kept(msgspec.Struct, kw_only=True):
    """A tenant with one connected calendar."""

    town: Town
    provider: Provider
    tenant: str
    owner: Somebody
    connection: UUID
    diary: Diary
    id: str = ""
    address: str = "https://wedsync.test"

    async def choose(self, direction: str = "both", **fields: Any) -> None:
        await self.owner.got("PATCH", f"/api/v1/calendars/{self.id}", {"direction": direction} | fields)

    async def work(self, name: str = sync.WORK) -> int:
        """Run what is owed of this tenant's calendars; returns how much that was."""
        done = 0
        while row := await self.town.admin.fetchrow(LEASE_WORK, UUID(self.tenant), name):
            job = Job(**row)
            if name == finding.WORK:
                await finding.find(self.town.door, job, self.town.ring, self.provider)
            else:
                here, provider = self.town, self.provider
                await sync.keep_in_step(here.door, job, here.ring, provider, self.address, Together())
            done += 1
            assert done < RUNS_MAX, f"{name} is owed again and again: {dict(row)}"
        return done

    async def poll(self) -> None:
        """The clock comes by, whatever the calendar was to wait for, and what it owes is done."""
        await self.town.admin.execute(RESUME, UUID(self.id))
        await self.town.admin.fetchval("select app.poke_due_calendars()")
        await self.settle()

    async def settle(self, *others: str) -> None:
        """Reactions and runs of this tenant (and of others), until there are none."""
        for _ in range(30):
            done = [await self.town.react(tenant) for tenant in (self.tenant, *others)]
            if not await self.work() and not any(done):
                return
        raise AssertionError("it does not come to rest")

    async def calendar(self) -> Any:
        return await self.owner.got("GET", f"/api/v1/calendars/{self.id}")

    async def conflicts(self) -> list[dict[str, Any]]:
        kind = "weddings" if self.owner.id in await self._couple() else "suppliers"
        path = f"/api/v1/{kind}/{self.tenant}/calendar-conflicts"
        found: list[dict[str, Any]] = (await self.owner.got("GET", path))["items"]
        return [one for one in found if one["calendar_id"] == self.id]

    async def _couple(self) -> Sequence[UUID]:
        rows = await self.town.admin.fetch("select person_id from memberships where wedding_id = $1", UUID(self.tenant))
        return [row["person_id"] for row in rows]

    async def decide(self, keep: str, *kinds: str) -> None:
        """All that is open, or what is of these kinds."""
        for one in await self.conflicts():
            if kinds and one["kind"] not in kinds:
                continue
            await self.owner.got("POST", f"/api/v1/calendar-conflicts/{one['id']}/resolve", {"keep": keep})
        await self.settle()


ADD = """insert into connections (id, tenant_id, connector, title, scheme, sealed, state)
    values ($1, $2, 'google_calendar', 'Google', '', $3, 'active')"""
ADD_ACCOUNT = "insert into connection_accounts (connection_id, tenant_id) values ($1, $2)"
ADD_HEALTH = "insert into connection_health (connection_id, tenant_id) values ($1, $2)"
ADD_LOG = "insert into connection_log (connection_id, tenant_id, what, word) values ($1, $2, 'pull', 'ok')"


async def connected(town: Town, provider: Provider, tenant: str, owner: Somebody, **more: Any) -> Kept:
    """One more account of a tenant, its calendar found and not yet chosen."""
    connection = uuid4()
    sealed = town.ring.seal(b"[]", tenant=UUID(tenant), table="connections", column="sealed", row=connection)
    await town.admin.execute(ADD, connection, UUID(tenant), sealed)
    for statement in (ADD_ACCOUNT, ADD_HEALTH, ADD_LOG):
        await town.admin.execute(statement, connection, UUID(tenant))
    diary = provider.diaries[connection] = Diary(**more)
    kept = Kept(town=town, provider=provider, tenant=tenant, owner=owner, connection=connection, diary=diary)
    await owner.got("POST", f"/api/v1/connections/{connection}/find-calendars", code=202)
    await kept.work(finding.WORK)
    (found,) = (await owner.got("GET", f"/api/v1/connections/{connection}/calendars"))["items"]
    kept.id = found["id"]
    return kept


async def of_studio(studio: Studio, provider: Provider, direction: str = "both", **fields: Any) -> Kept:
    """The business's own, chosen and in step."""
    kept = await connected(studio.town, provider, studio.supplier, studio.owner)
    await kept.choose(direction, **fields)
    await kept.settle(studio.wedding)
    return kept
