"""What is told of the database, and what its numbers mean: pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

CACHE_GOAL: Final = 0.95
CACHE_ALERT: Final = 0.90
OLD_TRANSACTION_S: Final = 60.0
LAG_S: Final = 10.0
IDS_USED: Final = 0.5
CONNECTIONS_USED: Final = 0.8

Severity = Literal["high", "medium"]


class Connections(msgspec.Struct, frozen=True, kw_only=True):
    """Connections of one side of the product, as the server counts them."""

    face: str
    total: int
    active: int
    idle: int
    idle_in_transaction: int
    waiting_for_lock: int
    oldest_transaction_s: float


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table with its partitions. `weddings_touched`: due within 72 hours, and waiting behind a lock on it."""

    name: str
    total_bytes: int
    index_bytes: int
    live_rows: int
    dead_rows: int
    dead_share: float
    growth_bytes_week: int | None
    scans_of_all: int
    last_vacuum_at: datetime | None
    last_analyze_at: datetime | None
    weddings_touched: int


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """`week_growth_bytes` is null until there is a sample to tell it from; `wal_bytes` where it may be seen."""

    bytes: int
    table_bytes: int
    week_growth_bytes: int | None
    wal_bytes: int | None


class SlowQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`source` is past (pg_stat_statements) or running. `weddings_at_risk`: due within 72 hours, on its tables."""

    source: str
    query: str
    calls: int
    mean_ms: float
    max_ms: float
    total_ms: float
    rows_a_call: float | None
    hit_ratio: float | None
    tables: list[str]
    weddings_at_risk: int
    advice: str


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """One defect that was found, and its remedy."""

    severity: Severity
    about: str
    says: str
    remedy: str


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """`transaction_ids_used` is the share of those there are before the server stands still."""

    version: str
    is_standby: bool
    cache_hit_ratio: float | None
    sees_everything: bool
    counts_statements: bool
    refuses_ddl: bool
    oldest_transaction_s: float
    transaction_ids_used: float
    archive_failures: int
    archived_at: datetime | None


class Replica(msgspec.Struct, frozen=True, kw_only=True):
    """A standby, or a receiver of the log."""

    name: str
    state: str | None
    sync_state: str | None
    lag_s: float
    lag_bytes: int | None


class WeddingsDue(msgspec.Struct, frozen=True, kw_only=True):
    """Live now, and live within 72 hours (those among them)."""

    live: int
    due: int
    next_at: datetime | None


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the database is fit for the weddings of the next 72 hours, and what is not."""

    is_ready: bool
    weddings: WeddingsDue
    reasons: Sequence[str]


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """The fullest day ahead against the fullest so far, and room for connections."""

    peak_on: date | None
    peak_weddings: int
    most_so_far: int
    connections_used: int
    connections_max: int

    @property
    def is_ready(self) -> bool:
        has_room = self.connections_used <= CONNECTIONS_USED * self.connections_max
        return has_room and (self.peak_weddings < 10 or self.peak_weddings <= 1.5 * self.most_so_far)


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """One side of the product: people seen within 15 minutes, their sessions, its weddings of the next 72 hours."""

    face: str
    people: int
    sessions: int
    weddings_due: int


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """The pool of the process that answers."""

    size: int
    idle: int
    max: int
    waiting: int


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: good, look (something should be done), bad (a wedding could be hit)."""

    status: Literal["good", "look", "bad"]
    wedding_readiness: Readiness
    connections: list[Connections]
    replication: dict[str, Any]
    oldest_transaction_s: float
    bloat: list[Table]
    storage: Storage
    season_readiness: dict[str, Any]
    faces: list[Face]
    cache_hit_ratio: float | None
    advice: list[Advice]
    server: Server


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """What is slow, what is read from memory, and how full the pools are."""

    slow_queries: list[SlowQuery]
    cache_hit_ratio: float | None
    cache_hit_goal: float
    pools: dict[str, Any]
    tables: list[Table]
    counts_statements: bool


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One file that is missing, and what its text should not do while people work."""

    name: str
    findings: Sequence[str]


class AskMigration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`dry_run`: everything is done in one transaction, and taken back."""

    dry_run: bool = False


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator asked the clock for, and what came of it."""

    id: UUID
    steps: list[Planned]
    is_dry_run: bool
    asked_by: UUID
    asked_at: datetime
    state: Literal["waiting", "applied", "rehearsed", "refused", "failed"]
    result: str
    ended_at: datetime | None


def readiness(
    weddings: WeddingsDue, server: Server, advice: Iterable[Advice], replicas: Iterable[Replica]
) -> Readiness:
    """What could hit a wedding of the next 72 hours, in words."""
    found = [f"{one.about}: {one.says}" for one in advice if one.severity == "high"]
    if server.is_standby:
        found.append("This server is a standby: nothing can be written until it is promoted.")
    if server.oldest_transaction_s > OLD_TRANSACTION_S:
        found.append(f"A transaction has been open for {server.oldest_transaction_s:.0f} s.")
    if server.transaction_ids_used > IDS_USED:
        found.append(f"{server.transaction_ids_used:.0%} of the transaction ids are used: vacuum freeze is late.")
    if server.cache_hit_ratio is not None and server.cache_hit_ratio < CACHE_ALERT:
        found.append(f"Only {server.cache_hit_ratio:.1%} of what is read comes from memory.")
    late = [one.name for one in replicas if one.lag_s > LAG_S]
    if late:
        found.append(f"{', '.join(late)} is more than {LAG_S:.0f} s behind.")
    return Readiness(is_ready=not found, weddings=weddings, reasons=found)


def status(ready: Readiness, advice: Sequence[Advice], season: Season) -> Literal["good", "look", "bad"]:
    """Bad only where weddings are due."""
    if not ready.is_ready and ready.weddings.due:
        return "bad"
    return "look" if advice or not ready.is_ready or not season.is_ready else "good"
