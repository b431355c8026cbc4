"""The events of the schedule, with what each means and an image of its row."""

from typing import Any

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.schedule.rows import DayContact, ScheduleItem, WeddingDay

_WEDDING = "01920000-0000-7000-8000-000000000001"
_ITEM: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000011",
    "wedding_id": _WEDDING,
    "kind": "ceremony",
    "title": "Ceremony",
    "on": "2027-06-05",
    "at_local": "14:00:00",
    "zone": "Europe/London",
    "starts_at": "2027-06-05T13:00:00+00:00",
    "minutes": 45,
    "buffer_minutes": 15,
    "place": "St Example's",
    "owner_link_id": None,
    "owner_membership_id": None,
    "is_anchored": True,
    "takes_rsvps": True,
    "audience": "public",
    "position": 0,
    "version": 2,
    "created_at": "2026-11-21T10:00:00+00:00",
    "updated_at": "2026-11-21T10:05:00+00:00",
}
_DAY: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000012",
    "wedding_id": _WEDDING,
    "on": "2027-06-05",
    "zone": "Europe/London",
    "live_from": "2027-06-05T07:00:00+00:00",
    "live_until": "2027-06-06T01:00:00+00:00",
    "version": 1,
    "updated_at": "2026-11-21T10:05:00+00:00",
}
_CONTACT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000013",
    "wedding_id": _WEDDING,
    "name": "Dora Sample",
    "what": "Keys and cars",
    "phone": "+44 20 7946 0018",
    "position": 0,
    "version": 1,
    "updated_at": "2026-11-21T10:05:00+00:00",
}


def _item(name: str, says: str, *, asks: bool = False, lane: Lane = Lane.NORMAL) -> EventType:
    return EventType(
        type=name,
        scope=Scope.SCHEDULE,
        table="schedule_items",
        row=ScheduleItem,
        description=says,
        example=_ITEM,
        acknowledge=asks,
        lane=lane,
    )


def _day(name: str, says: str) -> EventType:
    return EventType(type=name, scope=Scope.CORE, table="wedding_days", row=WeddingDay, description=says, example=_DAY)


def _contact(name: str, says: str) -> EventType:
    return EventType(
        type=name, scope=Scope.SCHEDULE, table="day_contacts", row=DayContact, description=says, example=_CONTACT
    )


ADDED = _item("schedule_item.added", "Something was put on the schedule.")
CHANGED = _item(
    "schedule_item.changed",
    "An item changed and nothing was re-timed; a supplier who owns it confirms a new place, length or owner.",
    asks=True,
)
MOVED = _item(
    "schedule_item.moved",
    "An item was moved, or its new length moved what follows it. The owners of all that moved confirm; "
    "where something has no owner, everyone who sees the schedule does.",
    asks=True,
    lane=Lane.HIGH,
)
RIPPLED = _item(
    "schedule_item.rippled", "An item got a new time because something before it, or the wedding itself, moved."
)
AMENDED = _item(
    "schedule_item.amended",
    "An item was changed by an amendment on the day; the amendment is what is confirmed.",
    lane=Lane.HIGH,
)
REMOVED = _item("schedule_item.removed", "An item was taken off the schedule.", lane=Lane.HIGH)
SCHEDULE_RIPPLED = _item(
    "schedule.rippled",
    "One change gave several items new times: read the schedule again. The subject is the item it began with.",
    lane=Lane.HIGH,
)
DAY_ADDED = _day("wedding_day.added", "The schedule reaches into another day.")
DAY_CHANGED = _day("wedding_day.changed", "A wedding day begins or ends at another time.")
DAY_REMOVED = _day("wedding_day.removed", "Nothing is left on that day.")
CONTACT_ADDED = _contact("day_contact.added", "Somebody to ring on the day was named.")
CONTACT_CHANGED = _contact("day_contact.changed", "An on-day contact changed.")
CONTACT_REMOVED = _contact("day_contact.removed", "An on-day contact was taken off.")

DAY_KINDS = {"INSERT": DAY_ADDED, "UPDATE": DAY_CHANGED, "DELETE": DAY_REMOVED}
EVENTS = (
    *(ADDED, CHANGED, MOVED, AMENDED, RIPPLED, REMOVED, SCHEDULE_RIPPLED),
    *(DAY_ADDED, DAY_CHANGED, DAY_REMOVED, CONTACT_ADDED, CONTACT_CHANGED, CONTACT_REMOVED),
)
