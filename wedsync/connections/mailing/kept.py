"""What all workers know together of the providers of mail: read at most once a second, written where it says something.

A database that is away stops no mail: then a worker goes by what it knew last.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from uuid import UUID

import msgspec
import structlog

from wedsync.connections.mailing import health
from wedsync.connections.mailing.health import Health, Sign
from wedsync.events.jobs import is_passing
from wedsync.kit import clock, sql
from wedsync.kit.actor import SYSTEM
from wedsync.kit.db import Door

log = structlog.get_logger("mail")
queries = sql.load("wedsync.connections.mailing")
FRESH_S: Final = 1.0
GOOD_NOTED_S: Final = 30.0
"""How often it is written that all goes well."""


class Memory(Protocol):
    """What a chain remembers of its providers and of addresses."""

    async def healths(self) -> Mapping[str, Health]: ...

    async def note(self, name: str, seen: Sign, *, delivery: UUID | None = None, is_live: bool = False) -> None:
        """What one try came to: of this delivery, or else a probe. `is_live`: somebody is being called."""

    async def refused(self, keys: Sequence[bytes]) -> str | None:
        """Why the address with these indexes takes no mail. Raises what the database raises."""

    async def note_failover(self, delivery: UUID, tenant: UUID, provider: str, *, is_possible_duplicate: bool) -> None:
        """Another than the first has taken it."""


class Kept:
    """The memory that is in the database; `door` is the service's."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._known: dict[str, Health] = {}
        self._read_at = float("-inf")
        self._good_at: dict[str, float] = {}

    async def name(self, names: Sequence[str]) -> None:
        """Tell whom the chain holds."""
        async with self._door.bare(SYSTEM) as tx:
            await tx.value(queries.name_providers, list(names))

    async def healths(self) -> Mapping[str, Health]:
        if clock.monotonic() - self._read_at > FRESH_S:
            self._read_at = clock.monotonic()
            try:
                async with self._door.bare(SYSTEM) as tx:
                    rows = await tx.rows(queries.health)
                self._known = {row["name"]: _decoded(row["health"]) for row in rows}
            except Exception as error:
                _pass(error, "mail_health_not_read")
        return self._known

    async def note(self, name: str, seen: Sign, *, delivery: UUID | None = None, is_live: bool = False) -> None:
        known = self._known.get(name, Health())
        is_old = clock.monotonic() - self._good_at.get(name, float("-inf")) > GOOD_NOTED_S
        if seen.is_good and known == Health() and delivery is not None and not is_old:
            return
        if seen.is_good:
            self._good_at[name] = clock.monotonic()
        try:
            await self._judge(name, seen, delivery, is_live=is_live)
        except Exception as error:
            _pass(error, "mail_health_not_written")

    async def refused(self, keys: Sequence[bytes]) -> str | None:
        async with self._door.bare(SYSTEM) as tx:
            reason: str | None = await tx.value(queries.refused, list(keys))
        return reason

    async def note_failover(self, delivery: UUID, tenant: UUID, provider: str, *, is_possible_duplicate: bool) -> None:
        try:
            async with self._door.bare(SYSTEM) as tx:
                await tx.value(queries.note_failover, delivery, tenant, provider, is_possible_duplicate)
        except Exception as error:
            _pass(error, "mail_failover_not_written")

    async def _judge(self, name: str, seen: Sign, delivery: UUID | None, *, is_live: bool) -> None:
        is_probe = delivery is None
        took_ms = None if seen.result is None else seen.result.took_s * 1000
        async with self._door.bare(SYSTEM) as tx:
            text = await tx.value(queries.hold, name)
            if text is None:
                return
            if not is_live and delivery is not None and seen.result is not None and seen.result.is_failure:
                is_live = await tx.value(queries.is_live, delivery)
            now = clock.machine_now().timestamp()
            before = _decoded(text)
            judged = health.after(before, seen, now=now, is_live=is_live, is_probe=is_probe)
            down = health.is_down(judged, now=now)
            told = msgspec.json.encode(judged).decode()
            rows = await tx.rows(queries.keep, name, told, down, judged.reason, seen.is_good, is_probe, took_ms)
            tx.nudges += [row[0] for row in rows]
        self._known = {**self._known, name: judged}
        if rows and down:
            log.warning("mail_provider_failed", provider=name, reason=judged.reason)
        elif rows:
            log.info("mail_provider_recovered", provider=name)


def _decoded(text: str) -> Health:
    return msgspec.json.decode(text, type=Health)


def _pass(error: Exception, event: str) -> None:
    """A database that is away is a line in the log; the rest is a bug."""
    if not is_passing(error):
        raise error
    log.warning(event, reason=f"{type(error).__name__}: {error}")
