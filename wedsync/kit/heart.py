"""Says every few seconds that this process lives, how its pool stands, how late its loop is, what it answered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import msgspec
import structlog

from wedsync.kit import clock, sketch
from wedsync.kit.actor import SYSTEM
from wedsync.kit.db import Door
from wedsync.kit.watch import FLUSH_S, keep_writing

log = structlog.get_logger("health")

BEAT_S: Final = 5.0

SAY_AGAIN_S: Final = 300.0
"""What lasts is said once in so long, however often it happens."""

Write = Callable[[UUID, str, datetime, str, str, bool], Awaitable[bool | None]]
"""Takes the arguments of `app.beat`, and answers as it does: False where what was counted could not be kept."""


class Pool(msgspec.Struct, frozen=True):
    """Of a process's connections to the database."""

    pool_max: int = 0
    pool_in_use: int = 0
    pool_waiting: int = 0


class Shedding(msgspec.Struct, frozen=True):
    """At which level a process sends work away, since when, and how much it has sent away since it began."""

    shed_level: int = 0
    shed_since: datetime | None = None
    shed_total: int = 0


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered since the last beat."""

    name: str
    good: int
    bad: int
    refused: int = 0
    slow: int = 0
    counts: dict[int, int] = {}


class Heart:
    """Of one process. `pool`, `shedding` and `answered` are asked at each beat; what could not be written is lost."""

    def __init__(
        self,
        kind: str,
        *,
        pool: Callable[[], Pool] = Pool,
        answered: Callable[[], Sequence[Answered]] = tuple,
        shedding: Callable[[], Shedding] = Shedding,
    ) -> None:
        self._id = uuid4()
        self._kind = kind
        self._pool = pool
        self._answered = answered
        self._shedding = shedding
        self._started_at = clock.machine_now()
        self._beaten = self._looked = clock.monotonic() - BEAT_S
        self._lag_s = 0.0
        self._said: float | None = None

    async def keep(self, write: Write, is_passing: Callable[[BaseException], bool], stop: asyncio.Event) -> None:
        """Beat until asked to stop, and say then that this is the end; a database that is away is waited for."""
        await keep_writing(partial(self.beat, write, stop), is_passing, stop, away="beats_not_written")

    async def beat(self, write: Write, stop: asyncio.Event) -> None:
        """Where it is time to, or the end. Raises what the database raises."""
        now = clock.monotonic()
        self._lag_s = max(self._lag_s, now - self._looked - FLUSH_S) if not stop.is_set() else self._lag_s
        self._looked = now
        if now - self._beaten < BEAT_S and not stop.is_set():
            return
        vitals = msgspec.structs.asdict(self._pool()) | msgspec.structs.asdict(self._shedding())
        vitals["lag_ms"] = min(self._lag_s, FLUSH_S) * 1000
        series = [_line(one) for one in self._answered() if one.good or one.bad or one.refused]
        told, lines = msgspec.json.encode(vitals).decode(), msgspec.json.encode(series).decode()
        self._beaten, self._lag_s = now, 0.0
        self._say(await write(self._id, self._kind, self._started_at, told, lines, stop.is_set()))
        # The next look is due a while after this one has ended, however long that took.
        self._looked = clock.monotonic()

    def _say(self, is_kept: bool | None) -> None:
        """That figures are lost: once, and again while it lasts; and once that they no longer are."""
        now = clock.monotonic()
        if is_kept is False and (self._said is None or now - self._said >= SAY_AGAIN_S):
            log.warning("figures_not_kept", process=self._kind, reason="the store is full")
            self._said = now
        elif is_kept and self._said is not None:
            log.info("figures_kept_again", process=self._kind)
            self._said = None


def _line(one: Answered) -> dict[str, object]:
    told = {"kind": "edge", "name": one.name, "good": one.good, "bad": one.bad, "refused": one.refused}
    return {**told, "slow": one.slow, "sketch": sketch.written(sketch.Sketch(one.counts))}


def writing(door: Door) -> Write:
    """By a door that is entered as nobody in particular."""

    async def write(id: UUID, kind: str, started_at: datetime, vitals: str, series: str, is_over: bool) -> bool | None:
        async with door.bare(SYSTEM) as tx:
            return await tx.value(  # type: ignore[no-any-return]
                "select app.beat($1, $2, $3, $4, $5, $6)", id, kind, started_at, vitals, series, is_over
            )

    return write


def pool_of(door: Door) -> Pool:
    """As it stands now."""
    pool = door.pool
    return Pool(pool.get_max_size(), pool.get_size() - pool.get_idle_size(), door.waiting.count)
