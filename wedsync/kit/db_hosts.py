"""Finds, of the hosts in a database's address, the one that takes changes; after a promotion that is another one.

All are asked at once, so that one that is gone without a word does not keep anybody waiting. A connection that was
lost without a word is given up by the kernel after a few seconds.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

CONNECT_S: Final = 4.0
SILENCE_MS: Final = 4_000
PATIENCE_S: Final = 5.0
"""So long a promotion is waited for before who asks is told to come again."""
AGAIN_S: Final = 0.1
CUT_OFF: Final = (
    "connection is closed",
    "connection was closed",
    "released back to the pool",
    "cannot switch to state",
)


def is_away(error: BaseException) -> bool:
    """Whether the database is only away, starting, full or crossed: the same call may work in a moment."""
    # SQLSTATE classes: 08 connection, 40 rolled back (deadlock), 53 resources, 55 lock not available, 57 shutting down.
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in {"08", "40", "53", "55", "57"}
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return True
    # The driver says with an error of its own, without a state, that the server has cut the connection it held.
    return isinstance(error, OSError) or any(words in str(error) for words in CUT_OFF)


def is_full(error: BaseException) -> bool:
    """Whether there was no room for what was to be written; the rest of the database may work all the same."""
    # SQLSTATE 53: no resources. 53300, too many connections, comes before anything is written.
    state = getattr(error, "sqlstate", None)
    return isinstance(state, str) and state.startswith("53") and state != "53300"


def hosts_of(dsn: str) -> list[str]:
    """The address once for each of its hosts."""
    parts = urlsplit(dsn)
    login, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{login}{at}{host}")) for host in hosts.split(",")]


async def connect(dsn: str, **how: Any) -> asyncpg.Connection:
    """A connection to the host that takes changes, for asyncpg's pool. Raises what the last one raised."""
    alone = hosts_of(dsn)
    if len(alone) == 1:
        return _watched(await asyncpg.connect(dsn, **how))
    give_up_at = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            return _watched(await _first(alone, {**how, "timeout": CONNECT_S}))
        except Exception as error:
            if not is_away(error) or asyncio.get_running_loop().time() > give_up_at:
                raise
        await asyncio.sleep(AGAIN_S)


async def _first(alone: list[str], how: dict[str, Any]) -> asyncpg.Connection:
    """The first that answers and takes changes; the others are given up."""
    asking = {asyncio.create_task(asyncpg.connect(dsn, **how)) for dsn in alone}
    problem: BaseException | None = None
    try:
        while asking:
            done, asking = await asyncio.wait(asking, return_when="FIRST_COMPLETED")
            for task in done:
                if task.exception() is None:
                    done.discard(task)
                    asking |= done
                    return task.result()
                # A wrong password is worth more to be told than a host that is away.
                if problem is None or is_away(problem):
                    problem = task.exception()
    finally:
        for task in asking:
            task.add_done_callback(_let_go)
            task.cancel()
    assert problem is not None
    raise problem


def _let_go(task: "asyncio.Task[asyncpg.Connection]") -> None:
    """Both answered, and one was enough."""
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()


def _watched(connection: asyncpg.Connection) -> asyncpg.Connection:
    """What is sent and not confirmed for seconds ends the connection, not after the kernel's quarter of an hour."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    held = connection._transport.get_extra_info("socket")
    if option is not None and held is not None and held.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            held.setsockopt(socket.IPPROTO_TCP, option, SILENCE_MS)
    return connection
