"""What a space is, how it can be arranged, and what is given to a part of a wedding; pure."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.kit.errors import FieldError, Refusal
from wedsync.schedule import wording

Arrangement = Literal["seated", "standing"]
Name = Annotated[
    str, Meta(min_length=1, max_length=120, description="What people call it: Orangery, Orangery and terrace")
]
Note = Annotated[str, Meta(max_length=500, description="For your team")]
Seats = Annotated[int, Meta(ge=1, le=100_000)]

TAKES: Final[Mapping[str, str]] = {"seated": "seated_max", "standing": "standing_max"}


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `spaces`. Null: it is not used that way. `resource_id` is what of the calendar is booked with it."""

    id: UUID
    supplier_id: UUID
    name: str
    resource_id: UUID | None
    seated_max: int | None
    standing_max: int | None
    note: str
    is_active: bool
    version: int
    created_at: datetime
    updated_at: datetime


class NewSpace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A room, garden or barn, or several used as one. It takes people seated, standing, or either way."""

    name: Name
    resource_id: UUID | None = None
    seated_max: Seats | None = None
    standing_max: Seats | None = None
    note: Note = ""


class SpaceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change; what is absent stays. Weddings keep the number they were given until it is given anew."""

    name: Name | UnsetType = UNSET
    resource_id: UUID | UnsetType | None = UNSET
    seated_max: Seats | UnsetType | None = UNSET
    standing_max: Seats | UnsetType | None = UNSET
    note: Note | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class SpaceUse(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `space_uses`. `name` and `capacity` were copied when it was given; `is_over`: more have accepted."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    schedule_item_id: UUID
    space_id: UUID
    name: str
    arrangement: Arrangement
    capacity: int
    is_over: bool
    setup_at: time | None
    ready_by: time | None
    version: int
    created_at: datetime
    updated_at: datetime


class NewSpaceUse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A space for a schedule item; times are local to the wedding, on the item's day."""

    schedule_item_id: UUID
    space_id: UUID
    arrangement: Arrangement = "seated"
    setup_at: time | None = None
    ready_by: time | None = None


class SpaceUseChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change; what is absent stays. Naming the space or the arrangement takes over what it takes now."""

    schedule_item_id: UUID | UnsetType = UNSET
    space_id: UUID | UnsetType = UNSET
    arrangement: Arrangement | UnsetType = UNSET
    setup_at: time | UnsetType | None = UNSET
    ready_by: time | UnsetType | None = UNSET


def settled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a space, cleaned. Raises Refusal 422."""
    out = dict(fields)
    if "name" in out:
        out["name"] = wording.required("name", out["name"])
    if "note" in out:
        out["note"] = wording.paragraphs(out["note"])
    return out


def check_space(row: Mapping[str, Any]) -> None:
    """Raises Refusal 422 where nobody could be there."""
    if row["seated_max"] is None and row["standing_max"] is None:
        raise invalid("seated_max", "how many it takes is missing", "Say how many, seated or standing.")


def capacity(space: Mapping[str, Any], arrangement: str) -> int:
    """How many a space takes, arranged so. Raises Refusal 409 out of use, 422 where it is not arranged so."""
    if not space["is_active"]:
        raise Refusal(409, "not_in_use", f"{space['name']} is not in use. Give another one, or use it again.")
    takes: int | None = space[TAKES[arrangement]]
    if takes is None:
        raise invalid("arrangement", f"is not how {space['name']} is used", "Choose the other, or another space.")
    return takes


def check_times(row: Mapping[str, Any]) -> None:
    """Raises Refusal 422 for a space that is ready before anybody sets it up, or for a time that names a zone."""
    for name in ("setup_at", "ready_by"):
        if row[name] is not None and row[name].tzinfo is not None:
            raise invalid(name, "has a zone", "Send the local time alone, such as 12:30:00.")
    if row["setup_at"] is not None and row["ready_by"] is not None and row["ready_by"] < row["setup_at"]:
        raise invalid("ready_by", "is before it is set up", "Set it up earlier.")


def invalid(field: str, reason: str, fix: str) -> Refusal:
    """One field that cannot be taken."""
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
