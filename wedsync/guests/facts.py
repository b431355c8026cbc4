"""The events of guests: type, scope, row and example of each."""

from typing import Any

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.guests.model import (
    DietarySheet,
    Guest,
    Headcount,
    HeadcountLock,
    MenuOption,
    Party,
    Rsvp,
    SealedContact,
    SealedNeeds,
)

_W, _P, _G, _I, _R = (f"01920000-0000-7000-8000-00000000000{n}" for n in (1, 4, 5, 6, 7))
_AT = "2026-11-21T10:00:00Z"
_PARTY = {
    "id": _P,
    "wedding_id": _W,
    "name": "The Doe party",
    "side": "partner_a",
    "tags": ["family"],
    "plus_ones_allowed": 1,
    "invited_at": None,
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}
_GUEST = {
    "id": _G,
    "wedding_id": _W,
    "party_id": _P,
    "first_name": "Carla",
    "last_name": "Doe",
    "display_name": "Carla Doe",
    "name_sort": "doe carla",
    "kind": "named",
    "age_band": "adult",
    "plus_one_of": None,
    "role": "",
    "table_label": "",
    "source_key": None,
    "position": 0,
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}
_RSVP = {
    "id": _R,
    "wedding_id": _W,
    "guest_id": _G,
    "schedule_item_id": _I,
    "party_id": _P,
    "status": "accepted",
    "menu_option_id": None,
    "responded_at": _AT,
    "responded_by": "guest",
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
_COUNT = {
    "id": _R,
    "wedding_id": _W,
    "schedule_item_id": _I,
    "invited": 120,
    "accepted": 80,
    "declined": 10,
    "tentative": 2,
    "pending": 28,
    "children": 9,
    "meals": {_P: 40},
    "dietary": {"allergens": {"peanuts": "<3", "milk": 5}, "diets": {"vegan": 4}, "access": {"step_free": "<3"}},
    "version": 5,
    "updated_at": _AT,
}
_SEALED = {
    "id": _G,
    "wedding_id": _W,
    "guest_id": _G,
    "party_id": _P,
    "sealed": "\\x01",
    "version": 1,
    "updated_at": _AT,
}
_LOCK = {
    "id": _R,
    "wedding_id": _W,
    "schedule_item_id": _I,
    "counts": {"accepted": 80},
    "sha256": "0" * 64,
    "locked_at": _AT,
    "locked_by": None,
    "released_at": None,
    "version": 1,
    "updated_at": _AT,
}
_SHEET = {
    "id": _R,
    "wedding_id": _W,
    "schedule_item_id": _I,
    "number": 2,
    "sealed": "\\x01",
    "changes": 1,
    "made_at": _AT,
    "version": 1,
    "updated_at": _AT,
}


_MEAL = {
    "id": _R,
    "wedding_id": _W,
    "schedule_item_id": _I,
    "name": "Sea bass, fennel, new potatoes",
    "course": "main",
    "position": 0,
    "version": 1,
    "updated_at": _AT,
}


def _type(
    name: str, scope: Scope, row: type[msgspec.Struct], table: str, example: dict[str, Any], text: str, **more: Any
) -> EventType:
    return EventType(type=name, scope=scope, table=table, row=row, description=text, example=example, **more)


PARTY_ADDED = _type("party.added", Scope.GUESTS, Party, "parties", _PARTY, "A party was added.")
PARTY_CHANGED = _type("party.changed", Scope.GUESTS, Party, "parties", _PARTY, "A party changed.")
PARTY_REMOVED = _type("party.removed", Scope.GUESTS, Party, "parties", _PARTY, "A party was removed.")
PARTY_INVITED = _type(
    "party.invited",
    Scope.GUESTS,
    Party,
    "parties",
    {**_PARTY, "invited_at": _AT, "version": 2},
    "A party is invited by mail: its own link goes to its address.",
)
GUEST_ADDED = _type("guest.added", Scope.GUESTS, Guest, "guests", _GUEST, "A guest was added.")
GUEST_CHANGED = _type(
    "guest.changed", Scope.GUESTS, Guest, "guests", _GUEST, "A guest's name, age band, role, table or party changed."
)
GUEST_REMOVED = _type("guest.removed", Scope.GUESTS, Guest, "guests", _GUEST, "A guest was removed.")
INVITED = _type("rsvp.invited", Scope.GUESTS, Rsvp, "rsvps", _RSVP, "A guest is invited to a schedule item.")
UNINVITED = _type(
    "rsvp.withdrawn", Scope.GUESTS, Rsvp, "rsvps", _RSVP, "A guest is no longer invited to a schedule item."
)
REPLIED = _type("rsvp.replied", Scope.GUESTS, Rsvp, "rsvps", _RSVP, "A guest answered, or changed the answer.")
COUNTED = _type(
    "headcount.changed",
    Scope.COUNTS,
    Headcount,
    "headcounts",
    _COUNT,
    "Head counts or dietary totals of a schedule item changed.",
)
LOCKED = _type(
    "headcount.locked",
    Scope.COUNTS,
    HeadcountLock,
    "headcount_locks",
    _LOCK,
    "Final numbers were taken; caterer and venue confirm.",
    acknowledge=True,
    lane=Lane.HIGH,
)
UNLOCKED = _type(
    "headcount.unlocked",
    Scope.COUNTS,
    HeadcountLock,
    "headcount_locks",
    _LOCK,
    "Final numbers were opened again.",
    lane=Lane.HIGH,
)
CONTACT_CHANGED = _type(
    "contact.changed",
    Scope.CONTACTS,
    SealedContact,
    "guest_contacts",
    {**_SEALED, "email_index": None},
    "How a guest is reached changed; the image is sealed.",
    opened={"email": "maria@example.com", "phone": "+351 210 000 000", "address": ""},
)
NEEDS_CHANGED = _type(
    "needs.changed",
    Scope.DIETARY,
    SealedNeeds,
    "guest_needs",
    _SEALED,
    "A guest's needs changed; the image is sealed.",
    opened={"answered": True, "allergens": ["peanuts"], "diets": ["vegan"], "access": [], "note": ""},
    lane=Lane.HIGH,
)
SHEET_MADE = _type(
    "dietary_sheet.made",
    Scope.DIETARY,
    DietarySheet,
    "dietary_sheets",
    _SHEET,
    "A new version of the dietary sheet; whoever holds named needs confirms.",
    acknowledge=True,
    lane=Lane.HIGH,
)
MEAL_ADDED = _type(
    "menu_option.added", Scope.COUNTS, MenuOption, "menu_options", _MEAL, "A meal can be chosen at a schedule item."
)
MEAL_CHANGED = _type(
    "menu_option.changed", Scope.COUNTS, MenuOption, "menu_options", _MEAL, "A meal was renamed, or moved in its list."
)
MEAL_REMOVED = _type(
    "menu_option.removed", Scope.COUNTS, MenuOption, "menu_options", _MEAL, "A meal can no longer be chosen."
)
EVENTS = (
    PARTY_ADDED,
    PARTY_CHANGED,
    PARTY_REMOVED,
    PARTY_INVITED,
    GUEST_ADDED,
    GUEST_CHANGED,
    GUEST_REMOVED,
    INVITED,
    UNINVITED,
    REPLIED,
    COUNTED,
    LOCKED,
    UNLOCKED,
    CONTACT_CHANGED,
    NEEDS_CHANGED,
    SHEET_MADE,
    MEAL_ADDED,
    MEAL_CHANGED,
    MEAL_REMOVED,
)
