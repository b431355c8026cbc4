"""The clock's watch over health: count, ask, judge and keep, every 30 seconds, every 10 while a wedding is live."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.db_hosts import is_full
from wedsync.kit.heart import SAY_AGAIN_S
from wedsync.kit.seal import KeyRing
from wedsync.operations.health import actions, judging
from wedsync.operations.health.actions import queries
from wedsync.operations.slo import actions as slo
from wedsync.processes.ticks import Tick

log = structlog.get_logger("health")

LOOK_S: Final = 5.0
"""How often the watch is asked whether it is time."""


class Store:
    """Where figures are kept. While it is full the watch goes on without them, and says so once in a while."""

    def __init__(self) -> None:
        self._lost: list[str] = []
        self._said: float | None = None

    async def kept(self, what: str, keeping: Awaitable[object]) -> None:
        """Raises whatever is no lack of room."""
        try:
            await keeping
        except Exception as error:
            if not is_full(error):
                raise
            self._lost.append(what)

    def say(self) -> None:
        """After each look: what was not kept, not more often than every five minutes; and that everything is again."""
        lost, self._lost = self._lost, []
        now = clock.monotonic()
        if lost and (self._said is None or now - self._said >= SAY_AGAIN_S):
            log.warning("health_not_kept", what=lost, reason="the store is full")
            self._said = now
        elif not lost and self._said is not None:
            log.info("health_kept_again")
            self._said = None


def watching(settings: Settings, published: Callable[[str], Awaitable[Any]]) -> Tick:
    """`published` is the way to Valkey, which is a probe of it at the same time."""
    due, store = [0.0], Store()
    # Without keys nothing is ever opened again, so nobody would read what was sealed with new ones.
    ring = KeyRing.from_setting(settings.seal_keys) if settings.seal_keys else None

    async def watch(connection: Any) -> None:
        if clock.monotonic() < due[0]:
            return

        async def database() -> bool:
            return bool(await connection.fetchval("select true"))

        async def valkey() -> bool:
            return await published("[]") is not False

        await store.kept("tries", actions.gather(connection.fetchval))
        probes = {"database": database, "valkey": valkey}
        await store.kept("probes", actions.probe(connection.fetchval, probes))
        found = await actions.facts(connection.fetchval)
        await store.kept("measures", actions.measure(connection.fetchval, found))
        parts = judging.judge(found, judging.limits_of(found, factor=slo.season_of(found).factor))
        await store.kept("parts", actions.keep(connection.fetch, parts))
        await store.kept("alerts", slo.fire(connection.fetchval, connection.fetch, found))
        store.say()
        if ring is not None and await slo.tell(connection.fetchval, connection.fetch, ring, settings.public_url):
            await published("[]")
        due[0] = clock.monotonic() + found.judge_s - LOOK_S / 2

    return watch


async def forget(connection: Any) -> None:
    """Minutes after two days, hours after 400."""
    await connection.fetchval(queries.forget)
