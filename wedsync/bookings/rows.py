"""What is stored of bookings, as structs: rows of the tables, and what may be asked for."""

from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

Category = Literal["wedding", "client", "supplier", "private"]
State = Literal["hold", "booked", "fulfilled", "cancelled"]
DayState = Literal["free", "partly", "taken"]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
Words = Annotated[str, Meta(max_length=300)]
Note = Annotated[str, Meta(max_length=2000)]
Zone = Annotated[str, Meta(max_length=64)]
Minutes = Annotated[int, Meta(ge=15, le=20160)]
Days = Annotated[int, Meta(ge=1, le=60)]
Buffer = Annotated[int, Meta(ge=0, le=1440)]
HoldHours = Annotated[int, Meta(ge=1, le=2160)]


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `resources`: what can be in one place at a time."""

    id: UUID
    supplier_id: UUID
    name: str
    is_default: bool
    is_active: bool
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


class BookingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `booking_settings`."""

    id: UUID
    supplier_id: UUID
    is_public: bool
    link_number: int
    has_link: bool
    hold_hours: int
    version: int
    updated_at: datetime


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `bookings`: `minutes` from `at_local`, or whole `days`; blocked from set-up to teardown."""

    id: UUID
    supplier_id: UUID
    resource_id: UUID
    category: Category
    state: State
    reason: str
    expires_at: datetime | None
    wedding_id: UUID | None
    link_id: UUID | None
    on: date
    at_local: time | None
    zone: str
    minutes: int | None
    days: int | None
    before_minutes: int
    after_minutes: int
    starts_at: datetime
    ends_at: datetime
    blocked: str
    created_by: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed of a booking."""

    title: str = ""
    place: str = ""
    note: str = ""


class BusySource(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `busy_sources`: another calendar, and when it was last heard of."""

    id: UUID
    supplier_id: UUID
    source: str
    name: str
    resource_id: UUID | None
    times: int
    changed: str
    refreshed_at: datetime
    version: int
    updated_at: datetime


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `booking_conflicts`: a booking, or a link without one, and what stands against it."""

    id: UUID
    supplier_id: UUID
    kind: str
    booking_id: UUID | None
    link_id: UUID | None
    other_table: str
    other_id: UUID
    during: str
    state: Literal["open", "ignored", "resolved"]
    since: datetime
    resolved_at: datetime | None
    ignored_by: UUID | None
    ignored_at: datetime | None
    version: int
    updated_at: datetime


class AvailabilityDay(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `availability_days`."""

    id: UUID
    supplier_id: UUID
    on: date
    state: DayState
    version: int
    updated_at: datetime


class LinkBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `link_bookings`: a booking as its wedding knows it."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    state: State
    on: date
    at_local: time | None
    zone: str
    minutes: int | None
    days: int | None
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime | None
    version: int
    updated_at: datetime


class LinkDay(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `link_days`: how a linked supplier stands on the wedding's date."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    on: date
    state: Literal["free", "partly", "taken", "yours"]
    version: int
    updated_at: datetime


class NewResource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second shooter, another hall."""

    name: Name


class ResourceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays. One that is no longer active keeps its bookings and takes no more."""

    name: Name | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class SettingsChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays."""

    is_public: bool | UnsetType = UNSET
    hold_hours: HoldHours | UnsetType = UNSET


class Slot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When: `minutes` from `at_local`, or whole `days`, where the zone is (the supplier's, where none is given)."""

    on: date
    at_local: time | None = None
    minutes: Minutes | None = None
    days: Days | None = None
    zone: Zone = ""
    before_minutes: Buffer = 0
    after_minutes: Buffer = 0


class NewBooking(Slot, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Held or booked at once; on the business itself where no resource is named."""

    state: Literal["hold", "booked"] = "booked"
    category: Category = "wedding"
    resource_id: UUID | None = None
    link_id: UUID | None = None
    hold_hours: HoldHours | None = None
    title: Words = ""
    place: Words = ""
    note: Note = ""


class BookingChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays; `at_local` and `minutes` together, or `days`, as in a new one."""

    on: date | UnsetType = UNSET
    at_local: time | None | UnsetType = UNSET
    minutes: Minutes | None | UnsetType = UNSET
    days: Days | None | UnsetType = UNSET
    zone: Zone | UnsetType = UNSET
    before_minutes: Buffer | UnsetType = UNSET
    after_minutes: Buffer | UnsetType = UNSET
    resource_id: UUID | UnsetType = UNSET
    link_id: UUID | None | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    hold_hours: HoldHours | UnsetType = UNSET
    title: Words | UnsetType = UNSET
    place: Words | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class BusyTime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When another calendar is busy: no words, only from when until when."""

    external_id: Annotated[str, Meta(min_length=1, max_length=1024)]
    starts_at: datetime
    ends_at: datetime
    is_private: bool = True


class BusyReplacement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a calendar is busy with; what is not among it is gone."""

    busy: Annotated[list[BusyTime], Meta(max_length=5000)]
    resource_id: UUID | None = None
    name: Annotated[str, Meta(max_length=120)] = ""


class BusyPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changed in a calendar: these are busy now, those are gone; the rest stays."""

    busy: Annotated[list[BusyTime], Meta(max_length=5000)] = []
    gone: Annotated[list[Annotated[str, Meta(min_length=1, max_length=1024)]], Meta(max_length=5000)] = []
