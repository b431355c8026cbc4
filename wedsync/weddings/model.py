"""What a wedding is, which change is which event, and the rules of its core fields."""

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.zones import zones

YEAR_MIN, YEAR_MAX = 1990, 2190
DateStatus = Literal["undecided", "provisional", "confirmed", "postponed", "cancelled"]
Name = Annotated[str, Meta(max_length=300)]
Short = Annotated[str, Meta(max_length=500)]
LocalTime = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", description="Local time, HH:MM")
]


class Wedding(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `weddings`: scope core."""

    wedding_id: UUID
    id: UUID
    couple_names: str
    partner_a: str
    partner_b: str
    on: date | None
    date_status: DateStatus
    time_zone: str
    country: str
    locale: str
    currency: str
    ceremony_venue: str
    ceremony_address: str
    ceremony_at: time | None
    reception_venue: str
    reception_address: str
    reception_at: time | None
    guest_estimate: int | None
    version: int
    created_at: datetime
    updated_at: datetime


class NewWedding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a couple starts with."""

    couple_names: Annotated[str, Meta(min_length=1, max_length=300)]
    time_zone: str = "Europe/London"
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] = "GB"
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "GBP"
    on: date | None = None


class WeddingChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of core fields; what is absent stays."""

    couple_names: Annotated[str, Meta(min_length=1, max_length=300)] | UnsetType = UNSET
    partner_a: Name | UnsetType = UNSET
    partner_b: Name | UnsetType = UNSET
    on: date | None | UnsetType = UNSET
    date_status: DateStatus | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    ceremony_venue: Name | UnsetType = UNSET
    ceremony_address: Short | UnsetType = UNSET
    ceremony_at: LocalTime | None | UnsetType = UNSET
    reception_venue: Name | UnsetType = UNSET
    reception_address: Short | UnsetType = UNSET
    reception_at: LocalTime | None | UnsetType = UNSET
    guest_estimate: Annotated[int, Meta(ge=0, le=20000)] | None | UnsetType = UNSET


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `memberships`: couple, partner or helper."""

    id: UUID
    wedding_id: UUID
    person_id: UUID
    role: str
    name: str
    version: int
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None = None


class PastDate(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `date_history`: what the date was before a change, and who changed it."""

    id: UUID
    wedding_id: UUID
    on: date | None
    date_status: DateStatus
    changed_at: datetime
    changed_by: UUID | None
    reason: str


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `sites`: the public website; `snapshot` is all that the public may see."""

    wedding_id: UUID
    id: UUID
    slug: str
    is_published: bool
    welcome: str
    snapshot: dict[str, Any]
    version: int
    updated_at: datetime


def changed_fields(change: msgspec.Struct) -> dict[str, Any]:
    """The fields a change names."""
    return {f: v for f in change.__struct_fields__ if (v := getattr(change, f)) is not UNSET}


def check_zone(zone: str) -> None:
    """Raises Refusal 422 for an unknown IANA zone."""
    if zone not in zones():
        raise Refusal(
            422,
            "invalid",
            f"time_zone: {zone[:64]!r} is not a time zone",
            errors=[
                FieldError(
                    "time_zone", "is not an IANA time zone", "Use a name such as Europe/London or Pacific/Auckland."
                )
            ],
        )


def check_day(on: date | None) -> None:
    """Raises Refusal 422 for a year that no wedding of ours is in: a slip of the fingers, such as 0206."""
    if on is not None and not YEAR_MIN <= on.year <= YEAR_MAX:
        reason = f"must be in a year between {YEAR_MIN} and {YEAR_MAX}"
        raise Refusal(422, "invalid", f"on: {reason}", errors=[FieldError("on", reason, "Check the year.")])


def _time(field: str, text: str) -> time:
    """A pattern's end also matches before a line break, so the text may still be none."""
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        reason = "is not a time of day"
        raise Refusal(
            422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, "Write it as 14:30.")]
        ) from error


def settle(before: Wedding, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields to write: a date brings a status with it; without a date it is undecided. Raises Refusal 422."""
    if "time_zone" in fields:
        check_zone(fields["time_zone"])
    check_day(fields.get("on"))
    out = {k: _time(k, v) if k.endswith("_at") and isinstance(v, str) else v for k, v in fields.items()}
    on = out.get("on", before.on)
    status = out.get("date_status")
    if on is None and status not in (None, "undecided"):
        raise Refusal(
            422,
            "invalid",
            "date_status: needs a date",
            errors=[FieldError("date_status", "needs a date", "Send `on` as well.")],
        )
    if on is None:
        out["date_status"] = "undecided"
    elif status is None and before.date_status == "undecided":
        out["date_status"] = "provisional"
    return {k: v for k, v in out.items() if v != getattr(before, k)}


def is_slug(text: str) -> bool:
    """Whether a text may be a website's address: 3 to 62 small letters, digits and dashes."""
    return re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{1,60}[a-z0-9])", text) is not None


def local_day(zone: str, at: datetime) -> date:
    """The calendar day of an instant where the wedding is."""
    return at.astimezone(ZoneInfo(zone)).date()


CATEGORIES = (
    "venue",
    "planner",
    "officiant",
    "photographer",
    "videographer",
    "caterer",
    "bar",
    "cake",
    "florist",
    "stylist",
    "hire",
    "lighting",
    "band",
    "dj",
    "musicians",
    "entertainment",
    "hair",
    "make_up",
    "attire",
    "stationery",
    "transport",
    "accommodation",
    "childcare",
    "security",
    "other",
)
"""What suppliers do, as couples choose from; a supplier belongs to one."""


_EXAMPLE: dict[str, Any] = {
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "id": "01920000-0000-7000-8000-000000000001",
    "couple_names": "Ana & Ben",
    "partner_a": "Ana",
    "partner_b": "Ben",
    "on": "2027-06-05",
    "date_status": "confirmed",
    "time_zone": "Europe/London",
    "country": "GB",
    "locale": "en-GB",
    "currency": "GBP",
    "ceremony_venue": "St Example's",
    "ceremony_address": "1 Sample Lane",
    "ceremony_at": "14:00:00",
    "reception_venue": "The Old Barn",
    "reception_address": "2 Sample Lane",
    "reception_at": "17:00:00",
    "guest_estimate": 120,
    "version": 2,
    "created_at": "2026-11-21T10:00:00Z",
    "updated_at": "2026-11-21T10:05:00Z",
}
_MEMBER_EXAMPLE = {
    "id": "01920000-0000-7000-8000-000000000002",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "person_id": "01920000-0000-7000-8000-000000000003",
    "role": "helper",
    "name": "Dora",
    "version": 1,
    "created_at": "2026-11-21T10:00:00Z",
    "updated_at": "2026-11-21T10:00:00Z",
}
_SITE_EXAMPLE = {
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "id": "01920000-0000-7000-8000-000000000001",
    "slug": "ana-and-ben",
    "is_published": True,
    "welcome": "We are getting married!",
    "snapshot": {"couple_names": "Ana & Ben", "on": "2027-06-05", "items": []},
    "version": 3,
    "updated_at": "2026-11-21T10:05:00Z",
}


def _core(
    name: str, description: str, *, acknowledge: bool = False, lane: Lane = Lane.NORMAL, is_severe: bool = False
) -> EventType:
    return EventType(
        type=f"wedding.{name}",
        scope=Scope.CORE,
        table="weddings",
        row=Wedding,
        description=description,
        example=_EXAMPLE,
        acknowledge=acknowledge,
        lane=lane,
        is_severe=is_severe,
    )


CREATED = _core("created", "A wedding was set up.")
CHANGED = _core("changed", "Names, zone or another core field changed that nobody has to confirm.")
DATE_CHANGED = _core(
    "date_changed",
    "The date or its status changed; every linked supplier is asked to confirm.",
    acknowledge=True,
    lane=Lane.HIGH,
    is_severe=True,
)
VENUE_CHANGED = _core(
    "venue_changed",
    "A venue or its address changed; linked suppliers confirm.",
    acknowledge=True,
    lane=Lane.HIGH,
    is_severe=True,
)
TIMES_CHANGED = _core(
    "times_changed",
    "The ceremony or reception time changed; linked suppliers confirm.",
    acknowledge=True,
    lane=Lane.HIGH,
    is_severe=True,
)
ESTIMATE_CHANGED = _core(
    "estimate_changed", "The estimated guest count changed; linked suppliers confirm.", acknowledge=True
)
MEMBER_ADDED = EventType(
    type="membership.added",
    scope=Scope.PRIVATE,
    table="memberships",
    row=Membership,
    description="A partner or helper joined.",
    example=_MEMBER_EXAMPLE,
)
MEMBER_REMOVED = EventType(
    type="membership.removed",
    scope=Scope.PRIVATE,
    table="memberships",
    row=Membership,
    description="A partner or helper left; their sockets are cut.",
    example={**_MEMBER_EXAMPLE, "removed_at": "2026-11-21T11:00:00Z"},
    lane=Lane.HIGH,
)
SITE_CHANGED = EventType(
    type="site.changed",
    scope=Scope.SITE,
    table="sites",
    row=Site,
    description="What the public website shows changed.",
    example=_SITE_EXAMPLE,
)
EVENTS = (
    CREATED,
    CHANGED,
    DATE_CHANGED,
    VENUE_CHANGED,
    TIMES_CHANGED,
    ESTIMATE_CHANGED,
    MEMBER_ADDED,
    MEMBER_REMOVED,
    SITE_CHANGED,
)

_KINDS = (
    (DATE_CHANGED, {"on", "date_status"}),
    (VENUE_CHANGED, {"ceremony_venue", "ceremony_address", "reception_venue", "reception_address"}),
    (TIMES_CHANGED, {"ceremony_at", "reception_at", "time_zone"}),
    (ESTIMATE_CHANGED, {"guest_estimate"}),
)


STRUCTURAL = frozenset({"on", "time_zone", "ceremony_at", "reception_at", *_KINDS[1][1]})
"""What everything else hangs on: in the last week a second word is needed to change it."""


def needs_second_word() -> Refusal:
    """In the last week before a wedding, for what everything else hangs on."""
    return Refusal(
        409,
        "needs_second_word",
        "The wedding is less than a week away, and everybody has planned by its date, places and times. Ask for the "
        "change with a reason on the page of the day (POST /api/v1/weddings/{id}/held-changes); it is made when the "
        "other of you two confirms it.",
    )


def kind_of(fields: set[str]) -> EventType:
    """One changed row is one event: the weightiest of its changes names it."""
    return next((kind for kind, names in _KINDS if names & fields), CHANGED)
