"""The clock's watch over health: count, ask, judge and keep, every 30 seconds, every 10 while a wedding is live."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.seal import KeyRing
from wedsync.operations.health import actions, judging
from wedsync.operations.health.actions import queries
from wedsync.operations.slo import actions as slo
from wedsync.processes.ticks import Tick

LOOK_S: Final = 5.0
"""How often the watch is asked whether it is time."""


def watching(settings: Settings, published: Callable[[str], Awaitable[Any]]) -> Tick:
    """`published` is the way to Valkey, which is a probe of it at the same time."""
    due = [0.0]
    # Without keys nothing is ever opened again, so nobody would read what was sealed with new ones.
    ring = KeyRing.from_setting(settings.seal_keys) if settings.seal_keys else None

    async def watch(connection: Any) -> None:
        if clock.monotonic() < due[0]:
            return

        async def database() -> bool:
            return bool(await connection.fetchval("select true"))

        async def valkey() -> bool:
            return await published("[]") is not False

        await actions.gather(connection.fetchval)
        await actions.probe(connection.fetchval, {"database": database, "valkey": valkey})
        found = await actions.facts(connection.fetchval)
        await actions.measure(connection.fetchval, found)
        await actions.keep(
            connection.fetch, judging.judge(found, judging.limits_of(found, factor=slo.season_of(found).factor))
        )
        await slo.fire(connection.fetchval, connection.fetch, found)
        if ring is not None and await slo.tell(connection.fetchval, connection.fetch, ring, settings.public_url):
            await published("[]")
        due[0] = clock.monotonic() + found.judge_s - LOOK_S / 2

    return watch


async def forget(connection: Any) -> None:
    """Minutes after two days, hours after 400."""
    await connection.fetchval(queries.forget)
