"""What is watched beside the requests: who looked at what, and what was refused.

Both are counted in this process's memory, bounded, and written every few seconds and at the stop as one statement, so
that a request pays for a few look-ups in dictionaries. A process that is killed loses what it counted since the last
write; a database that is away is waited for. This file knows no scopes and no kinds: numbers and words are handed in.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from wedsync.kit import clock
from wedsync.kit.addresses import block_of
from wedsync.kit.limits import Bucket, LocalLimits

log = structlog.get_logger("watch")

FLUSH_S: Final = 2.0
READS_MAX: Final = 20_000
"""Different reads held between two writes; what is more is not written, and said in the log."""
NOTES_MAX: Final = 1_000
NOTED: Final = Bucket("notes", per_s=1, burst=60)
"""Different notes of one address; what is more is one note a minute with its count, so a flood is few writes."""
FLOODS_S: Final = 60.0
FLOOD: Final = "flood.counted"

Place = tuple[str, str]
"""Where something was refused: a table and an id, or `tenant`, `pass`, `sign_in` and what names one."""
Write = Callable[[str, str], Awaitable[None]]
"""Takes reads and notes as JSON arrays for `app.keep_watch`."""

SOURCE: ContextVar[str] = ContextVar("source", default="")
"""By which door the current request came: what the access log says of its reads."""


class Read(msgspec.Struct, frozen=True):
    """A link's read of some scopes."""

    tenant: str
    link: str
    scopes: int
    source: str


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something for the security events; equal ones between two writes become one with their count.

    `endpoint` is a route's template, never a path: paths hold passes. `reason` is for operators and tenants.
    """

    kind: str
    address: str = ""
    endpoint: str = ""
    status: int = 0
    reason: str = ""
    actor_kind: str = ""
    actor: UUID | None = None
    place: Place | None = None


class Watch:
    """Reads and notes of one process."""

    def __init__(self, *, time: Callable[[], float] = clock.monotonic) -> None:
        self._time = time
        self._limits = LocalLimits(time)
        self._reads: dict[Read, int] = {}
        self._notes: dict[Note, tuple[datetime, int]] = {}
        self._floods: dict[str, int] = {}
        self._floods_at = time()
        self._writing = asyncio.Lock()

    def read(self, tenant: str, link: str, scopes: int, source: str, times: int = 1) -> None:
        """Count a read."""
        read = Read(tenant, link, scopes, source)
        if read in self._reads or len(self._reads) < READS_MAX:
            self._reads[read] = self._reads.get(read, 0) + times
        else:
            log.error("reads_not_counted", reason="more different reads than are held between two writes")

    def note(self, note: Note) -> None:
        """Take a note, or count it among those of a flood."""
        known = self._notes.get(note)
        if known is not None:
            self._notes[note] = (known[0], known[1] + 1)
        elif len(self._notes) < NOTES_MAX and self._limits.hit(NOTED, block_of(note.address)).is_allowed:
            self._notes[note] = (clock.machine_now(), 1)
        else:
            address = note.address if note.address in self._floods or len(self._floods) < NOTES_MAX else ""
            self._floods[address] = self._floods.get(address, 0) + 1

    async def flush(self, write: Write) -> None:
        """Write what was counted; what cannot be written stays. Raises what the database raises."""
        async with self._writing:
            self._count_floods()
            reads, self._reads = self._reads, {}
            notes, self._notes = self._notes, {}
            if not reads and not notes:
                return
            try:
                await write(_reads_json(reads), _notes_json(notes))
            except BaseException:
                self._take_back(reads, notes)
                raise

    async def keep(self, write: Write, is_passing: Callable[[BaseException], bool], stop: asyncio.Event) -> None:
        """Write every few seconds, and a last time when asked to stop; a database that is away is said once.

        It is asked and not cancelled, so that no write is torn.
        """
        await keep_writing(partial(self.flush, write), is_passing, stop, away="watch_not_written")

    def _count_floods(self) -> None:
        if not self._floods or self._time() - self._floods_at < FLOODS_S:
            return
        at = clock.machine_now()
        for address, count in self._floods.items():
            self._notes[Note(kind=FLOOD, address=address)] = (at, count)
        self._floods.clear()
        self._floods_at = self._time()

    def _take_back(self, reads: dict[Read, int], notes: dict[Note, tuple[datetime, int]]) -> None:
        for read, times in reads.items():
            self.read(read.tenant, read.link, read.scopes, read.source, times)
        room = max(0, NOTES_MAX - len(self._notes))
        self._notes |= dict(list(notes.items())[:room])


async def keep_writing(
    flush: Callable[[], Awaitable[None]], is_passing: Callable[[BaseException], bool], stop: asyncio.Event, *, away: str
) -> None:
    """Call `flush` every few seconds and a last time at the stop; `away` is what the log says of a database that is."""
    is_away = False
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await stop.wait()
        try:
            await flush()
        except Exception as error:
            if not is_passing(error):
                raise
            if not is_away:
                log.warning(away, reason=type(error).__name__)
            is_away = True
        else:
            is_away = False


def _reads_json(reads: dict[Read, int]) -> str:
    rows = [
        {"tenant": r.tenant, "link": r.link, "scopes": r.scopes, "source": r.source, "times": times}
        for r, times in reads.items()
    ]
    return msgspec.json.encode(rows).decode()


def _notes_json(notes: dict[Note, tuple[datetime, int]]) -> str:
    return msgspec.json.encode([_row(note, at, times) for note, (at, times) in notes.items()]).decode()


def _row(note: Note, at: datetime, times: int) -> dict[str, Any]:
    told = {"endpoint": note.endpoint, "status": note.status, "reason": note.reason, "actor_kind": note.actor_kind}
    table, name = note.place or (None, None)
    return {
        "at": at,
        "kind": note.kind,
        "address": note.address,
        "actor": note.actor,
        "place": table,
        "name": name,
        "detail": {key: value for key, value in told.items() if value} | ({"times": times} if times > 1 else {}),
    }
