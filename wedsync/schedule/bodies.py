"""What callers send in about items: as the rows say it, but a time may be written `14:30` or `14:30:00`."""

from datetime import time
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.schedule import rows
from wedsync.web.context import invalid

TimeText = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
        description="As clocks there show it: HH:MM or HH:MM:SS",
        examples=["14:30"],
    ),
]


class NewItem(rows.NewItem, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new item. `on` and `zone` are the wedding's when absent.

    Ceremony, reception, evening and brunch take RSVPs unless told not to.
    """

    at_local: TimeText  # type: ignore[assignment]


class ItemChange(rows.ItemChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an item; what is absent stays. A new time or length re-times what follows it."""

    at_local: TimeText | UnsetType = UNSET  # type: ignore[assignment]


class MoveItem(rows.MoveItem, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an item goes: by so many minutes, or to a day and time."""

    at_local: TimeText | None = None  # type: ignore[assignment]


def new(body: NewItem) -> rows.NewItem:
    """The item that was sent."""
    return rows.NewItem(**_timed(body))


def change(body: ItemChange) -> rows.ItemChange:
    """The change that was sent."""
    return rows.ItemChange(**_timed(body))


def move(body: MoveItem) -> rows.MoveItem:
    """The move that was sent."""
    return rows.MoveItem(**_timed(body))


def _timed(body: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.asdict(body)
    if isinstance(fields["at_local"], str):
        try:
            fields["at_local"] = time.fromisoformat(fields["at_local"])
        except ValueError as error:  # a line's end passes the pattern, whose $ stands before it too
            raise invalid("at_local", "is not a time", "Write hours and minutes, such as 14:30.") from error
    return fields
