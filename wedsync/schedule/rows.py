"""The rows of the schedule, and what may be sent in about them."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

Kind = Literal[
    "ceremony",
    "drinks",
    "reception",
    "evening",
    "preparation",
    "photos",
    "speeches",
    "music",
    "transport",
    "setup",
    "teardown",
    "rehearsal",
    "brunch",
    "other",
]
Audience = Literal["public", "invited", "linked"]
Phase = Literal[
    "planning",
    "readiness",
    "soft_freeze",
    "supplier_confirm",
    "hard_freeze",
    "live",
    "stand_down",
    "aftercare",
]
Title = Annotated[str, Meta(min_length=1, max_length=300)]
Place = Annotated[str, Meta(max_length=300)]
Zone = Annotated[str, Meta(max_length=64, description="IANA time zone, such as Europe/London")]
LocalTime = Annotated[time, Meta(tz=False, description="As clocks there show it", examples=["14:30:00"])]
Minutes = Annotated[int, Meta(ge=0, le=2880)]
Buffer = Annotated[int, Meta(ge=0, le=600, description="Minutes kept free after the item, before what follows it")]
Position = Annotated[int, Meta(ge=0, le=100_000)]
Lag = Annotated[int, Meta(ge=-20160, le=20160, description="Minutes after the end and buffer; negative overlaps")]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """What of an item the rules of time look at. `starts_at` follows from the local day, time and zone."""

    id: UUID
    kind: Kind
    title: str
    on: date
    at_local: time
    zone: str
    starts_at: datetime
    minutes: int
    buffer_minutes: int
    owner_link_id: UUID | None
    owner_membership_id: UUID | None
    is_anchored: bool

    @property
    def ends_at(self) -> datetime:
        """Without its buffer."""
        return self.starts_at + timedelta(minutes=self.minutes)


class ScheduleItem(Slot, frozen=True, kw_only=True):
    """A row of `schedule_items`."""

    wedding_id: UUID
    place: str
    takes_rsvps: bool
    audience: Audience
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


class After(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an item follows. Without a lag, the gap there is now is kept."""

    item_id: UUID
    lag_minutes: Lag | None = None


class PlannedItem(ScheduleItem, frozen=True, kw_only=True):
    """An item with what it follows."""

    after: list[After] = []


class NewItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new item. `on` and `zone` are the wedding's when absent.

    Ceremony, reception, evening and brunch take RSVPs unless told not to.
    """

    title: Title
    at_local: LocalTime
    kind: Kind = "other"
    on: date | None = None
    zone: Zone | None = None
    minutes: Minutes = 30
    buffer_minutes: Buffer = 0
    place: Place = ""
    owner_link_id: UUID | None = None
    owner_membership_id: UUID | None = None
    is_anchored: bool = False
    takes_rsvps: bool | UnsetType = UNSET
    audience: Audience | UnsetType = UNSET
    position: Position = 0
    after: Annotated[list[After], Meta(max_length=20)] = []


class ItemChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an item; what is absent stays. A new time or length re-times what follows it."""

    title: Title | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    on: date | UnsetType = UNSET
    at_local: LocalTime | UnsetType = UNSET
    zone: Zone | UnsetType = UNSET
    minutes: Minutes | UnsetType = UNSET
    buffer_minutes: Buffer | UnsetType = UNSET
    place: Place | UnsetType = UNSET
    owner_link_id: UUID | UnsetType | None = UNSET
    owner_membership_id: UUID | UnsetType | None = UNSET
    is_anchored: bool | UnsetType = UNSET
    takes_rsvps: bool | UnsetType = UNSET
    audience: Audience | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    after: Annotated[list[After], Meta(max_length=20)] | UnsetType = UNSET


class MoveItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an item goes: by so many minutes, or to a day and time."""

    by_minutes: Annotated[int, Meta(ge=-527_040, le=527_040)] | None = None
    on: date | None = None
    at_local: LocalTime | None = None
    zone: Zone | None = None
    minutes: Minutes | None = None
    buffer_minutes: Buffer | None = None


class CoreTime(msgspec.Struct, frozen=True, kw_only=True):
    """A core time of the wedding that goes along with a move: `ceremony_at` or `reception_at`."""

    field: str
    before: time | None
    after: time


class WeddingDay(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `wedding_days`."""

    id: UUID
    wedding_id: UUID
    on: date
    zone: str
    live_from: datetime
    live_until: datetime
    version: int
    updated_at: datetime


class DayContact(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `day_contacts`."""

    id: UUID
    wedding_id: UUID
    name: str
    what: str
    phone: str
    position: int
    version: int
    updated_at: datetime


class NewContact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to ring on the day, and about what."""

    name: Title
    what: Place = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    position: Position = 0


class ContactChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an on-day contact; what is absent stays."""

    name: Title | UnsetType = UNSET
    what: Place | UnsetType = UNSET
    phone: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    position: Position | UnsetType = UNSET


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """When a wedding day is live, before it is a row."""

    on: date
    zone: str
    live_from: datetime
    live_until: datetime
