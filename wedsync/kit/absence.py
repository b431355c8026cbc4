"""A database that is away for a moment: who is about to begin waits a little for it, and one asks for all of a process.

A PostgreSQL that was killed is back within two seconds. Who waits here has sent no more than a beginning, so a change
may wait as well as a read; what was cut off later is not repeated. Each question is a process of the server's while it
replays its log, and sixty a second held it up: one asks, and the others hear of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from wedsync.kit import clock
from wedsync.kit.db_hosts import is_away
from wedsync.kit.pools import Waiting, give_back

log = structlog.get_logger("db")

Begin = Callable[[Any], Awaitable[object]]
"""What a connection is wanted for, as far as it may happen twice."""

WAIT_S: Final = 1.5
"""So long one caller waits: an answer within two seconds is still an answer."""
SHORT_S: Final = 6.0
"""An absence that has lasted so long is no restart; from then on nobody waits, and nobody queues up for it."""
AGAIN_S: Final = 0.1
SELDOM_S: Final = 0.25


class StillAway(ConnectionError):  # noqa: N818 -- it reads as a sentence where it is raised
    """The database was away when last asked, and for as long as one waits; says what it said."""


class Absence:
    """Of one pool. `lent` is its `acquire`; `waiting` counts who waits for the pool, not who waits for the database."""

    def __init__(self, pool: Any, waiting: Waiting) -> None:
        self._pool = pool
        self._waiting = waiting
        self._reason = ""
        self._since = 0.0
        self._asking: asyncio.Task[None] | None = None

    def lent(self, begin: Begin | None = None) -> "Lent":
        """A connection on which `begin` is done; raises what the database or `begin` raises, or StillAway.

        Where it turns out to have been cut, it is begun anew on another.
        """
        return Lent(self, begin)

    async def begun(self, begin: Begin | None) -> tuple[Any, float]:
        """The connection, and since when it is kept."""
        give_up_at = clock.monotonic() + WAIT_S
        while True:
            connection, taken_at = await self._given(give_up_at), clock.monotonic()
            try:
                if begin is not None:
                    await begin(connection)
            except BaseException as error:
                is_cut = _is_cut(connection, error)
                await self.give_back(connection, taken_at)
                if not (is_cut and _is_absence(error)) or clock.monotonic() > give_up_at:
                    raise
            else:
                return connection, taken_at

    async def give_back(self, connection: Any, taken_at: float) -> None:
        self._waiting.given_back(clock.monotonic() - taken_at)
        await give_back(connection)
        if self._waiting.count:
            await asyncio.sleep(0)  # whoever waits has it next, and not we again

    async def _given(self, give_up_at: float) -> Any:
        while True:
            if self._asking is not None:
                await self._wait(self._asking, min(give_up_at, self._since + SHORT_S) - clock.monotonic())
            try:
                return await self._acquire()
            except Exception as error:
                if not _is_absence(error) or clock.monotonic() > give_up_at:
                    raise
                self._notice(error)

    async def _acquire(self) -> Any:
        self._waiting.count += 1
        try:
            return await self._pool.acquire()
        finally:
            self._waiting.count -= 1

    def _notice(self, error: Exception) -> None:
        if self._asking is None:
            self._reason = f"{type(error).__name__}: {error}"
            self._since = clock.monotonic()
            self._asking = asyncio.create_task(self._ask())

    async def _wait(self, asking: "asyncio.Task[None]", patience_s: float) -> None:
        """Until it is back. The one who asks goes on when a caller leaves."""
        await asyncio.wait({asking}, timeout=max(0.0, patience_s))
        if not asking.done():
            raise StillAway(self._reason)

    async def _ask(self) -> None:
        """Until a connection is had, or the pool says something else, which the next caller is told by itself."""
        try:
            while True:
                is_short = clock.monotonic() - self._since < SHORT_S
                await asyncio.sleep(AGAIN_S if is_short else SELDOM_S)
                try:
                    await self._pool.release(await self._pool.acquire())
                except Exception as error:
                    if not _is_absence(error):
                        log.debug("database_not_asked_further", reason=type(error).__name__)
                        return
                    self._reason = f"{type(error).__name__}: {error}"
                else:
                    log.info("database_back", after_s=round(clock.monotonic() - self._since, 2))
                    return
        finally:
            self._asking = None


class Lent:
    """A connection for a block. A class, because generators behind every transaction took as long as the whole door."""

    __slots__ = ("_absence", "_begin", "_connection", "_taken_at")

    def __init__(self, absence: Absence, begin: Begin | None) -> None:
        self._absence, self._begin = absence, begin

    async def __aenter__(self) -> Any:
        self._connection, self._taken_at = await self._absence.begun(self._begin)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._absence.give_back(self._connection, self._taken_at)


def _is_absence(error: BaseException) -> bool:
    """Away as a whole. A server that has no room for one more (SQLSTATE class 53) is there, and waiting adds to it."""
    return is_away(error) and not str(getattr(error, "sqlstate", "")).startswith("53")


def _is_cut(connection: Any, error: BaseException) -> bool:
    """Whether it is of no use any more; then it is closed on our side too."""
    try:
        if connection.is_closed():
            return True
        # SQLSTATE 57P01 to 57P05: the server ends it and says why, and the end of the stream may not have come yet.
        is_ended = str(getattr(error, "sqlstate", "")).startswith("57P")
        if is_ended:
            connection.terminate()
    except Exception as late:
        if not is_away(late):
            raise
        # The pool has seen its end and taken it back.
        return True
    return is_ended
