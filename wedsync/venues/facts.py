"""The events of spaces and of what is given to weddings, with what each means and an image of its row."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.venues.model import Space, SpaceUse

_AT = "2026-11-21T10:00:00+00:00"
_ROW: dict[str, Any] = {"version": 1, "created_at": _AT, "updated_at": _AT}
_SPACE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000071",
    "supplier_id": "01920000-0000-7000-8000-00000000000a",
    "name": "Orangery",
    "resource_id": None,
    "seated_max": 120,
    "standing_max": 180,
    "note": "",
    "is_active": True,
    **_ROW,
}
_USE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000072",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
    "schedule_item_id": "01920000-0000-7000-8000-000000000012",
    "space_id": _SPACE["id"],
    "name": "Orangery",
    "arrangement": "seated",
    "capacity": 120,
    "is_over": False,
    "setup_at": "12:00:00",
    "ready_by": "15:30:00",
    **_ROW,
}


def _space(name: str, says: str) -> EventType:
    return EventType(
        type=f"space.{name}", scope=Scope.CORE, table="spaces", row=Space, description=says, example=_SPACE
    )


def _use(
    name: str, says: str, *, lane: Lane = Lane.NORMAL, image: Mapping[str, Any] = MappingProxyType({})
) -> EventType:
    return EventType(
        type=f"space.{name}",
        scope=Scope.CORE,
        table="space_uses",
        row=SpaceUse,
        description=says,
        example={**_USE, **image},
        lane=lane,
    )


ADDED = _space("added", "A supplier has one more space, and how many it takes.")
CHANGED = _space("changed", "A space takes more or fewer, has another name, or is in use no longer.")
REMOVED = _space("removed", "A space was taken off the list; weddings keep what they were given.")
GIVEN = _use("given", "A venue gives a space to a schedule item of the wedding.")
REARRANGED = _use("rearranged", "Another space, arrangement, item or time.")
WITHDRAWN = _use("withdrawn", "The space is no longer given, or its item was taken off the schedule.")
EXCEEDED = _use(
    "exceeded", "More guests have accepted than the space takes.", lane=Lane.HIGH, image={"is_over": True, "version": 2}
)
FITS_AGAIN = _use("fits_again", "All who have accepted fit into the space again.", lane=Lane.HIGH, image={"version": 3})
EVENTS = (*(ADDED, CHANGED, REMOVED), *(GIVEN, REARRANGED, WITHDRAWN, EXCEEDED, FITS_AGAIN))
