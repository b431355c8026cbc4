"""What the console shows: ids, types, lanes, counts, times and zones; of no wedding or business what it holds."""

from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.schedule.rows import Phase

SHOWN: Final = 60
"""So many weddings, lines of events, or places with dead letters are shown at once."""
LOOKED: Final = 2000
"""So many of the newest events are looked at, however many there are."""
DEAD_DAYS: Final = 30
REPLAYED: Final = 1000
"""So many are sent again by one press."""
LANES: Final = ("critical", "high", "normal", "low")
Lane = Literal["critical", "high", "normal", "low"]


class BoardLine(msgspec.Struct, frozen=True, kw_only=True):
    """A wedding of today where it is held, or one that is live. `late` of `sent` deliveries in the last hour."""

    wedding_id: UUID
    on: date
    zone: str
    phase: Phase
    live_from: datetime
    live_until: datetime
    readiness: Annotated[int, Meta(ge=0, le=100)]
    p0: int
    p1: int
    p2: int
    p3: int
    unanswered: Annotated[int, Meta(description="Calls for help that nobody has acknowledged.")]
    sent: int
    late: int

    @property
    def short(self) -> str:
        """The end of the id, which tells two of one day apart."""
        return self.wedding_id.hex[-8:]

    @property
    def open(self) -> int:
        """Calls for help of every kind."""
        return self.p0 + self.p1 + self.p2 + self.p3


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """The most urgent first; `whole` counts also those that are not listed."""

    whole: int
    weddings: list[BoardLine]


class TypeCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often a type was among the events that were looked at."""

    type: str
    lane: Lane
    times: int


class EventLine(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one action, type and stream: `times` of them, from `first_seq` to `last_seq`. No image."""

    id: UUID
    at: datetime
    type: str
    lane: Lane
    stream_kind: str
    stream_id: UUID
    subject_table: str
    first_seq: int
    last_seq: int
    times: int
    actor_kind: str
    cause: UUID
    is_bulk: bool


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """Of the newest events, at most `LOOKED`: how fast they come, what they are, and the newest lines."""

    looked: int
    matched: int
    per_second: float | None
    types: list[TypeCount]
    lines: list[EventLine]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    times: int


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What was given up at one place within 30 days and is not on its way again."""

    destination_id: UUID
    connector: str
    host: Annotated[str, Meta(description="Only where several tenants share it.")]
    dead: int
    repeatable: Annotated[int, Meta(description="Of them so many hold an event and can be sent again.")]
    first_at: datetime
    last_at: datetime
    reasons: list[Reason]


class DeadWork(msgspec.Struct, frozen=True, kw_only=True):
    """Reactions or work of one name that were given up."""

    kind: str
    name: str
    reason: str
    dead: int
    tenants: int
    first_at: datetime
    last_at: datetime


class DeadLetters(msgspec.Struct, frozen=True, kw_only=True):
    """`whole` counts deliveries, also at places that are not listed."""

    whole: int
    letters: list[DeadLetter]
    work: list[DeadWork]


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is sent again; whom it belongs to reads it."""

    reason: Annotated[str, Meta(min_length=3, max_length=300)]


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    replayed: int


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """Of a limit of the plan; `allowed` null is without one."""

    name: str
    used: int
    allowed: int | None


class Business(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant that runs a business. `good` and `bad` tries are of seven days."""

    supplier_id: UUID
    name: Annotated[str, Meta(description="Only where its page is public.")]
    category: str
    plan: str | None
    since: datetime
    accounts: int
    broken: Annotated[int, Meta(description="Accounts to be connected again.")]
    parked: Annotated[int, Meta(description="Places where what is owed waits.")]
    good: int
    bad: int
    used: list[Use]

    @property
    def tight(self) -> list[Use]:
        """What is used to eight tenths or more."""
        return [one for one in self.used if one.allowed is not None and one.used * 10 >= one.allowed * 8]


class TenantCounts(msgspec.Struct, frozen=True, kw_only=True):
    businesses: int
    weddings: int
    links: int
    accounts: int
    persons: int


class Tenants(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of all, and the businesses in most trouble."""

    counts: TenantCounts
    businesses: list[Business]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal or sign-in of anybody; of tenants the id."""

    at: datetime
    kind: str
    tenant_id: UUID | None
    address: str
    endpoint: str
    reason: str
    times: int


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator did, and why."""

    id: UUID
    at: datetime
    by_name: str
    act: str
    about: str
    reason: str
    times: int
