"""The rows of wedding days, what may be sent in about them, and what of it is refused."""

from datetime import date, datetime, time
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.kit.errors import Refusal
from wedsync.schedule.rows import Kind, LocalTime, Minutes, Phase, Place, Title
from wedsync.web.context import invalid

AmendmentKind = Literal["move", "change", "add", "drop", "announce"]
ArrivalState = Literal["expected", "on_my_way", "on_site", "ready", "left"]
MarkState = Literal["planned", "started", "done", "dropped"]
Because = Literal["week", "day", "hours", "amendment"]
Stage = Literal["stand_down", "aftercare"]
Reason = Annotated[str, Meta(min_length=3, max_length=500, description="Why: everybody reads it")]
LateMinutes = Annotated[int, Meta(ge=0, le=600, description="Minutes after its planned time")]
AMENDED: Final[tuple[Phase, ...]] = ("hard_freeze", "live", "stand_down")
"""The phases in which a plan is amended; before them it is changed."""
RUNGS: Final = ("", "prompted", "late", "missing", "to_decide", "replace")
"""How far the clock of a supplier who does not come has got."""
MISSING: Final = 3
"""The rung at which an emergency is raised."""


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `amendments`. `before` and `after` are the fields of the item that changed."""

    id: UUID
    wedding_id: UUID
    number: int
    kind: AmendmentKind
    schedule_item_id: UUID | None
    title: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str
    author_id: UUID | None
    author_name: str
    author_link_id: UUID | None
    made_at: datetime


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `arrivals`: when a supplier comes on a day, whom to ring there, and whether they are there."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    supplier_name: str
    on: date
    zone: str
    expected_at: datetime
    contact_name: str
    contact_phone: str
    vehicle: str
    confirmed_at: datetime | None
    asked: int
    state: ArrivalState
    eta_at: datetime | None
    arrived_at: datetime | None
    left_at: datetime | None
    rung: int
    said_by: str
    version: int
    created_at: datetime
    updated_at: datetime


class ItemMark(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `item_marks`: how far an item has come."""

    id: UUID
    wedding_id: UUID
    schedule_item_id: UUID
    state: MarkState
    late_minutes: int
    started_at: datetime | None
    done_at: datetime | None
    said_by: str
    version: int
    updated_at: datetime


class DayPack(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `day_packs` without its file: whose it is, what it was made for, and the last amendment in it."""

    id: UUID
    wedding_id: UUID
    link_id: UUID | None
    because: Because
    number: int
    bytes: int
    made_at: datetime


class DayStage(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `day_stages`: what came after a day, once."""

    id: UUID
    wedding_id: UUID
    on: date
    stage: Stage
    began_at: datetime


class HeldChange(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `held_changes`: what waits for a second word, or has had it."""

    id: UUID
    wedding_id: UUID
    fields: dict[str, Any]
    reason: str
    state: Literal["waiting", "made", "withdrawn"]
    asked_by: UUID | None
    asked_name: str
    asked_at: datetime
    ended_by: UUID | None
    ended_name: str
    ended_at: datetime | None
    version: int
    updated_at: datetime


class NewAmendment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change on the day. With `schedule_item_id` the item is changed, or with `drop` left out; with `title` and
    `at_local` alone a new item is put in; `title` alone is an announcement."""

    reason: Reason
    schedule_item_id: UUID | None = None
    is_dropped: Annotated[bool, Meta(description="Leave the item out; it stays on the schedule, crossed out")] = False
    title: Title | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    on: date | UnsetType = UNSET
    at_local: LocalTime | UnsetType = UNSET
    by_minutes: Annotated[int, Meta(ge=-1440, le=1440)] | UnsetType = UNSET
    minutes: Minutes | UnsetType = UNSET
    place: Place | UnsetType = UNSET


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a supplier comes, and whom to ring there. `on` is the next wedding day when absent."""

    at_local: LocalTime
    contact_name: Annotated[str, Meta(min_length=1, max_length=300)]
    contact_phone: Annotated[str, Meta(min_length=3, max_length=40, pattern=r"^[+0-9 ()./-]+$")]
    vehicle: Annotated[str, Meta(max_length=120)] = ""
    on: date | None = None


class ArrivalStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a supplier says on the day. `eta_minutes` says how long it takes them yet."""

    state: Literal["on_my_way", "on_site", "ready", "left"]
    eta_minutes: Annotated[int, Meta(ge=0, le=600)] | None = None


class MarkChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far an item has come; what is absent stays."""

    state: Literal["planned", "started", "done"] | None = None
    late_minutes: LateMinutes | None = None


class NewHeldChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of date, places or times in the last week; somebody else of the couple's side confirms it."""

    reason: Reason
    on: date | UnsetType = UNSET
    ceremony_at: time | UnsetType = UNSET
    ceremony_venue: Annotated[str, Meta(max_length=300)] | UnsetType = UNSET
    ceremony_address: Annotated[str, Meta(max_length=500)] | UnsetType = UNSET
    reception_at: time | UnsetType = UNSET
    reception_venue: Annotated[str, Meta(max_length=300)] | UnsetType = UNSET
    reception_address: Annotated[str, Meta(max_length=500)] | UnsetType = UNSET


def kind_of(new: NewAmendment) -> AmendmentKind:
    """What an amendment is. Raises Refusal 422 where it says two things at once, or nothing."""
    says = fields_of(new)
    if new.schedule_item_id is None:
        return _kind_of_new(new)
    if new.is_dropped:
        if says:
            raise invalid("is_dropped", "goes with nothing else", "Leave the item out, or change it.")
        return "drop"
    if not says:
        raise invalid("all", "change nothing", "Send at_local, by_minutes, minutes, place or title.")
    if new.by_minutes is not UNSET and (new.at_local is not UNSET or new.on is not UNSET):
        raise invalid("by_minutes", "cannot go with a day or time", "Send by_minutes, or on and at_local.")
    return "move" if says.keys() & {"on", "at_local", "by_minutes"} else "change"


def _kind_of_new(new: NewAmendment) -> AmendmentKind:
    if new.is_dropped:
        raise invalid("schedule_item_id", "is missing", "Say which item is left out.")
    if new.title is UNSET:
        raise invalid("title", "is missing", "Say which item changes, or what you want to tell everybody.")
    if new.by_minutes is not UNSET:
        raise invalid("by_minutes", "moves an item", "Say which item moves, or send at_local for a new one.")
    return "announce" if new.at_local is UNSET else "add"


def fields_of(new: NewAmendment) -> dict[str, Any]:
    """The fields of the item that an amendment names."""
    named = ("title", "kind", "on", "at_local", "by_minutes", "minutes", "place")
    return {name: value for name in named if (value := getattr(new, name)) is not UNSET}


def check_amendable(phase: Phase) -> None:
    """Raises Refusal 409 before the day: then the plan is changed, and everybody confirms that."""
    if phase not in AMENDED:
        raise Refusal(
            409,
            "not_the_day",
            "A plan is amended from 24 hours before its first item. Until then change the schedule itself.",
        )


def check_step(before: ArrivalState, after: ArrivalState) -> None:
    """Raises Refusal 409 for a step back that nobody means: whoever has left comes again by being on site."""
    if after == "on_my_way" and before in ("on_site", "ready"):
        raise Refusal(409, "already_there", "You are on site already. Say that you have left before you come again.")
