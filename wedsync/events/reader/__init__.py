"""The reader door: what the gateway may ask of PostgreSQL, and the one object that asks it.

Tests and the gateway know the `Reader` protocol; `DatabaseReader` runs the definer functions as `wedsync_reader`, which
can select nothing by itself. Every failure of the database is one `ReaderAway`: the gateway then keeps its sockets and
says so.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from wedsync.events.audience import Audience
from wedsync.kit import failpoints, sql
from wedsync.kit.absence import Absence
from wedsync.kit.db import connect_pool
from wedsync.kit.heart import Pool
from wedsync.kit.pools import Waiting

queries = sql.load("wedsync.events.reader")

#: Table -> its columns as (name, type name of pg_type), for the `columns` of postgres_changes.
Columns = Mapping[str, Sequence[tuple[str, str]]]


class ReaderAway(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """The database did not answer."""


class Top(msgspec.Struct, frozen=True):
    """Where a stream stands: its epoch, its newest number and the oldest that is still kept."""

    epoch: int
    top: int
    oldest: int


class Position(msgspec.Struct, frozen=True):
    """A confirmed position as it is saved."""

    key: str
    stream: str
    epoch: int
    seq: int


class Reader(Protocol):
    """What the gateway asks. Ids are text as they stand in events."""

    async def audience(self, person: str, kind: str, tenant: str) -> Audience | None:
        """The person's standing there, None for not permitted."""

    async def sessions_alive(self, sids: Sequence[str]) -> frozenset[str]:
        """Those of the sessions that live."""

    async def stream_top(self, kind: str, tenant: str) -> Top | None:
        """Where one stream stands, None where there is none."""

    async def stream_tops(self, tenants: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Epoch and top of many streams at once."""

    async def read_events(self, tenant: str, after: int, limit: int) -> Sequence[str]:
        """Events in live form, in order."""

    async def site_stream(self, slug: str) -> str | None:
        """The wedding behind a published website."""

    async def save_positions(self, positions: Sequence[Position]) -> None:
        """Keep confirmed positions for ten minutes."""

    async def position(self, key: bytes) -> tuple[int, int] | None:
        """Epoch and number of a kept position."""

    async def columns(self) -> Columns:
        """The tables' columns."""

    async def keep_watch(self, reads: str, notes: str) -> None:
        """Write what was counted for the access log and the security events."""


class DatabaseReader:
    """The real one. `open` it in the loop that uses it."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._waiting = Waiting()
        self._absence = Absence(pool, self._waiting)

    @classmethod
    async def open(cls, dsn: str, *, size: int) -> "DatabaseReader":
        """Connect as `wedsync_reader`."""
        return cls(await connect_pool(dsn, size=size, application="wedsync gateway"))

    async def close(self) -> None:
        """Give the connections back."""
        await self._pool.close()

    async def _rows(self, statement: str, *values: Any, place: str = "") -> Sequence[Any]:
        """Asked again where the connection was cut under way: for what is the same done twice."""
        rows: list[Any] = []

        async def read(connection: Any) -> None:
            rows[:] = await connection.fetch(statement, *values)

        try:
            async with self._absence.lent(read):
                failpoints.hit(place)
        except Exception as cause:
            raise ReaderAway(f"{type(cause).__name__}: {cause}") from cause
        return rows

    async def _once(self, statement: str, *values: Any, place: str = "") -> Sequence[Any]:
        try:
            rows: Sequence[Any] = await self._pool.fetch(statement, *values)
            failpoints.hit(place)
        except Exception as cause:
            raise ReaderAway(f"{type(cause).__name__}: {cause}") from cause
        return rows

    async def audience(self, person: str, kind: str, tenant: str) -> Audience | None:
        rows = await self._rows(queries.audience, UUID(person), kind, UUID(tenant))
        if not rows:
            return None
        row = rows[0]
        return Audience(row["mask"], _text(row["link_id"]), _text(row["membership_id"]), row["role"])

    async def sessions_alive(self, sids: Sequence[str]) -> frozenset[str]:
        rows = await self._rows(queries.sessions_alive, [UUID(sid) for sid in sids])
        return frozenset(str(row["sid"]) for row in rows)

    async def stream_top(self, kind: str, tenant: str) -> Top | None:
        rows = await self._rows(queries.stream_top, kind, UUID(tenant))
        return Top(rows[0]["epoch"], rows[0]["top"], rows[0]["oldest"]) if rows else None

    async def stream_tops(self, tenants: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        rows = await self._rows(queries.stream_tops, [UUID(tenant) for tenant in tenants])
        return {str(row["id"]): (row["epoch"], row["top"]) for row in rows}

    async def read_events(self, tenant: str, after: int, limit: int) -> Sequence[str]:
        rows = await self._rows(queries.read_events, UUID(tenant), after, limit, place="after_read")
        return [row["event"] for row in rows]

    async def site_stream(self, slug: str) -> str | None:
        rows = await self._rows(queries.site_stream, slug)
        return _text(rows[0]["wedding_id"])

    async def save_positions(self, positions: Sequence[Position]) -> None:
        await self._rows(queries.save_positions, msgspec.json.encode(positions).decode(), place="after_positions")

    async def position(self, key: bytes) -> tuple[int, int] | None:
        rows = await self._rows(queries.position, key)
        return (rows[0]["epoch"], rows[0]["seq"]) if rows else None

    async def keep_watch(self, reads: str, notes: str) -> None:
        await self._once(queries.keep_watch, reads, notes)

    async def beat(
        self, id: UUID, kind: str, started_at: datetime, vitals: str, series: str, is_over: bool
    ) -> bool | None:
        """That the gateway lives (`kit.heart`)."""
        [row] = await self._once(queries.beat, id, kind, started_at, vitals, series, is_over)
        return row[0]  # type: ignore[no-any-return]

    def pool_of(self) -> Pool:
        """As it stands now."""
        in_use = self._pool.get_size() - self._pool.get_idle_size()
        return Pool(self._pool.get_max_size(), in_use, self._waiting.count)

    async def columns(self) -> Columns:
        found: dict[str, list[tuple[str, str]]] = {}
        for row in await self._rows(queries.columns):
            found.setdefault(row["table_name"], []).append((row["column_name"], row["type_name"]))
        return found


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
