"""What health is judged by, what is said of it, and when it is too much: structs without a rule of their own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Status = Literal["good", "look", "bad"]
WORST: Final[tuple[Status, ...]] = ("good", "look", "bad")
Kind = Literal["channel", "lane", "edge", "probe", "gauge"]
LANES: Final = ("critical", "high", "normal", "low")
PATIENCE_S: Final[Mapping[str, float]] = {"critical": 5.0, "high": 30.0, "normal": 60.0, "low": 600.0}
"""How long a ready job of each lane may wait before the operator is told."""
BEAT_S: Final = 5.0
GONE_S: Final = 30.0
"""A process that said nothing for so long is gone."""
JUDGE_S: Final = 30.0
JUDGE_LIVE_S: Final = 10.0
"""While a wedding is live everything is judged three times as often."""
STALE_S: Final = 120.0
"""Figures that are older are not those of this moment, and are not shown as such."""
MINUTES: Final = 60
"""So many are shown, and judged by trend."""
RECENT_MINUTES: Final = 5
"""So many are judged by rate."""
RATE_MIN: Final = 10
"""Of fewer results no rate is told: one of two is no half."""
P99_MIN: Final = 100


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `health_series`. `gauge` is the worst of its minute."""

    kind: Kind
    name: str
    at: datetime
    good: int = 0
    bad: int = 0
    refused: int = 0
    slow: int = 0
    gauge: float | None = None
    sketch: dict[str, int] = {}


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    oldest_s: float


class Destinations(msgspec.Struct, frozen=True, kw_only=True):
    """Of one connector, by the state of their breakers."""

    connector: str
    destinations: int
    open: int
    half_open: int
    parked: int
    openings: int = 0


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """Of one connector, as they were judged by their own traffic (`app.judge_connections`)."""

    connector: str
    connected: int
    degraded: int
    broken: int
    least_fresh_at: datetime | None = None


class MailProvider(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    position: int
    is_down: bool
    reason: str
    changed_at: datetime
    heard_at: datetime | None = None


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """What a process said of itself last."""

    id: str
    kind: Literal["web", "worker", "gateway", "clock"]
    pool_max: int
    pool_in_use: int
    pool_waiting: int
    lag_ms: float
    started_at: datetime
    at: datetime
    shed_level: Annotated[int, Meta(description="What it sends away because it is late: 0 nothing, to 4.")] = 0
    shed_since: datetime | None = None
    shed_total: Annotated[int, Meta(description="Requests it has sent away since it began.")] = 0
    unkept_since: Annotated[
        datetime | None, Meta(description="Since when what it counts cannot be kept: the store is full.")
    ] = None


class Server(msgspec.Struct, frozen=True, kw_only=True):
    connections_used: int
    connections_max: int
    standbys_away: Annotated[int, Meta(description="Copies that should follow and do not: slots nobody reads.")] = 0
    cache_hit_ratio: float | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything. `now` is wedding time, every other time is the machine's."""

    now: datetime
    machine_now: datetime
    live: int
    due: int
    zones: dict[str, int]
    clock_leads: bool
    counted_to: datetime | None
    lanes: list[Lane]
    destinations: list[Destinations]
    accounts: list[Accounts]
    mail: list[MailProvider]
    failed_over: int
    processes: list[Process]
    dead: int
    database: Server
    series: list[Minute]
    refused: int = 0
    """Callers refused in ten minutes, by security events."""

    @property
    def judge_s(self) -> float:
        """In how many seconds to look again."""
        return JUDGE_LIVE_S if self.live else JUDGE_S


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is too much. Halved while a wedding is live, and by season."""

    latency_ms: float = 500.0
    error_share: float = 0.01
    bad_share: float = 0.1
    pool_share: float = 0.8
    lag_ms: float = 500.0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be well or not. Counts, of no tenant which. `since` it stands so, where the clock judged."""

    part: str
    status: Status
    says: str
    since: datetime | None = None


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of a series in the last hour; rates and percentiles are null where too little happened."""

    kind: Kind
    name: str
    results: Annotated[int, Meta(description="Good and bad ones of the hour.")]
    refused: Annotated[int, Meta(description="What its receiver's owner has to mend; not counted as an error.")]
    per_minute: float
    success_rate: float | None
    error_rate: float | None
    error_rate_now: Annotated[float | None, Meta(description="Of the last five minutes.")]
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    p95_now_ms: Annotated[float | None, Meta(description="Of the last five minutes.")]
    fresh_s: Annotated[float | None, Meta(description="Seconds since the last minute in which anything happened.")]
    gauge: Annotated[float | None, Meta(description="The newest value of a measure, 1 being its limit.")]
    points: Annotated[
        list[float | None],
        Meta(description="Sixty minutes, oldest first: results, or the measure; null where nothing could be kept."),
    ]
    bad_points: list[float]


class PartChange(msgspec.Struct, frozen=True, kw_only=True):
    """A part changed; it stood as it was for `lasted_s`. From bad to good is a recovery, by itself or by a person."""

    part: str
    was: Status
    status: Status
    says: str
    lasted_s: float
    at: datetime
