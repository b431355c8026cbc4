"""Events as sentences: what the activity list says of each type, and what a change was before and after."""

from datetime import date, time
from typing import Any

import msgspec

from wedsync.kit.db import Row
from wedsync.web.formats import clock, day_year

ANSWERS = {
    "accepted": "is coming",
    "declined": "cannot come",
    "tentative": "may come",
    "needs_action": "took the answer back",
}
FIELDS = {
    "couple_names": "your names",
    "partner_a": "a name",
    "partner_b": "a name",
    "on": "the date",
    "date_status": "the date’s status",
    "time_zone": "the time zone",
    "ceremony_venue": "the ceremony venue",
    "ceremony_address": "the ceremony address",
    "ceremony_at": "the ceremony",
    "reception_venue": "the reception venue",
    "reception_address": "the reception address",
    "reception_at": "the reception",
    "guest_estimate": "the estimated guest count",
    "title": "the title",
    "at_local": "the time",
    "place": "the place",
    "minutes": "the length",
}
_SAYS = {
    "wedding.created": ("set up the wedding", "heart"),
    "guest.added": ("added {display_name}", "user-plus"),
    "guest.removed": ("removed {display_name}", "users"),
    "party.invited": ("invited {name}", "send"),
    "task.created": ("added the task {title}", "list-checks"),
    "task.assigned": ("gave away the task {title}", "list-checks"),
    "task.done": ("finished the task {title}", "circle-check"),
    "task.accepted": ("will do {title}", "list-checks"),
    "task.declined": ("cannot do {title}", "circle-alert"),
    "task.photo_added": ("sent a photograph of {title}", "camera"),
    "task.reopened": ("opened the task {title} again", "list-checks"),
    "link.invited": ("invited {supplier_name}", "store"),
    "link.requested": ("asked to be linked: {supplier_name}", "store"),
    "link.accepted": ("is now linked: {supplier_name}", "store"),
    "link.declined": ("declined: {supplier_name}", "store"),
    "link.revoked": ("ended the link with {supplier_name}", "store"),
    "link.scopes_changed": ("changed what {supplier_name} may see", "eye"),
    "schedule_item.added": ("added {title} to the day", "calendar-clock"),
    "schedule_item.removed": ("took {title} off the day", "calendar-clock"),
    "acknowledgement.given": ("confirmed a change", "check-check"),
    "headcount.locked": ("took the final numbers", "lock"),
    "headcount.unlocked": ("opened the final numbers again", "lock"),
    "dietary_sheet.made": ("made dietary sheet {number}", "utensils"),
    "import.finished": ("brought in a guest list", "users"),
    "membership.added": ("added {name}", "user-plus"),
    "budget_line.added": ("added {title} to the budget", "wallet"),
    "payment.requested": ("asks for a payment", "wallet"),
    "photos.promised": ("promised: {what}", "camera"),
    "photos.delayed": ("will be later with: {what}", "camera"),
    "photos.delivered": ("delivered: {what}", "camera"),
    "form.asked": ("asks you to fill in {title}", "list-checks"),
    "form.submitted": ("answered {title}", "list-checks"),
    "form.locked": ("works with what you answered in {title}", "lock"),
    "form.reopened": ("asks for more of {title}", "list-checks"),
    "space.given": ("gave you {name}", "building-2"),
    "space.rearranged": ("changed what you are given: {name}, {capacity} {arrangement}", "building-2"),
    "space.withdrawn": ("took back {name}", "building-2"),
    "space.exceeded": ("was more than {name} takes", "building-2"),
    "space.fits_again": ("made everybody fit into {name} again", "building-2"),
    "proposal.opened": ("proposed a change", "message-circle"),
    "proposal.accepted": ("accepted what {source_name} proposed", "message-circle"),
    "proposal.refused": ("refused what {source_name} proposed", "message-circle"),
    "proposal.withdrawn": ("took a proposal back", "message-circle"),
}
_CHANGES = {"wedding": "heart", "schedule_item": "calendar-clock", "guest": "users", "task": "list-checks"}
TYPES = (
    *_SAYS,
    "rsvp.replied",
    "wedding.changed",
    "wedding.date_changed",
    "wedding.venue_changed",
    "wedding.times_changed",
    "wedding.estimate_changed",
    "schedule_item.moved",
    "schedule_item.changed",
)
PLACES = {
    "rsvps": "guests",
    "guests": "guests",
    "parties": "guests",
    "tasks": "tasks",
    "links": "suppliers",
    "schedule_items": "schedule",
    "weddings": "settings",
    "budget_lines": "budget",
    "acknowledgements": "suppliers",
    "proposals": "proposals",
    "photo_deliveries": "photos",
    "space_uses": "spaces",
    "payments": "payments",
    "form_requests": "forms",
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list."""

    id: str
    who: str
    words: str
    before: str
    after: str
    at: Any
    icon: str
    is_new: bool
    href: str


def line(row: Row, *, base: str, read: int, me: Any, guest_names: dict[str, str]) -> Line:
    """One event as a line. `guest_names` names the guests of answers."""
    record = msgspec.json.decode(row["record"] or row["old_record"] or "{}")
    old = msgspec.json.decode(row["old_record"] or "{}")
    words, before, after, icon = _words(row["type"], record, old, guest_names)
    table = {
        "rsvp": "rsvps",
        "guest": "guests",
        "party": "parties",
        "task": "tasks",
        "link": "links",
        "schedule_item": "schedule_items",
        "wedding": "weddings",
        "budget_line": "budget_lines",
        "proposal": "proposals",
        "photos": "photo_deliveries",
        "space": "space_uses",
        "payment": "payments",
        "form": "form_requests",
    }.get(row["type"].partition(".")[0], "")
    return Line(
        id=str(row["id"]),
        who="You" if row["actor_id"] == me else row["who"] or _nobody(row["actor_kind"]),
        words=words,
        before=before,
        after=after,
        at=row["occurred_at"],
        icon=icon,
        is_new=row["seq"] > read and row["actor_id"] != me,
        href=f"{base}/{PLACES[table]}" if table in PLACES else "",
    )


def _nobody(kind: str) -> str:
    return {"guest": "A guest", "system": "WedSync", "key": "An API key"}.get(kind, "Somebody")


def _words(kind: str, record: dict[str, Any], old: dict[str, Any], guests: dict[str, str]) -> tuple[str, str, str, str]:
    if kind == "rsvp.replied":
        name = guests.get(record.get("guest_id", ""), "A guest")
        return f"answered: {name} {ANSWERS.get(record.get('status', ''), 'answered')}", "", "", "mail"
    if kind in _SAYS:
        says, icon = _SAYS[kind]
        return says.format_map({**record, "what": thing(record)}), "", "", icon
    name, before, after = first_change(record, old)
    icon = _CHANGES.get(kind.partition(".")[0], "activity")
    subject = f" of {record['title']}" if kind.startswith("schedule_item") else ""
    return f"changed {FIELDS.get(name, 'something')}{subject}", before, after, icon


def thing(record: dict[str, Any]) -> str:
    """What is promised or delivered, by its kind and its own name: `gallery “The welcome dinner”`."""
    title = record.get("title")
    return str(record.get("kind", "")).replace("_", " ") + (f" “{title}”" if title else "")


def first_change(record: dict[str, Any], old: dict[str, Any]) -> tuple[str, str, str]:
    """The weightiest changed field with its two values in words: (field, before, after)."""
    name = changed_field(record, old)
    return (name, shown(name, old.get(name)), shown(name, record.get(name))) if name else ("", "", "")


def changed_field(record: dict[str, Any], old: dict[str, Any]) -> str:
    """The weightiest field that changed."""
    return next((name for name in FIELDS if name in record and record.get(name) != old.get(name)), "")


def shown(name: str, value: Any) -> str:
    """A value as people read it."""
    if value is None or value == "":
        return "" if value is None else "nothing"
    if name == "on":
        return day_year(date.fromisoformat(value))
    if name in ("ceremony_at", "reception_at", "at_local"):
        return clock(time.fromisoformat(value))
    return str(value)


def summary_words(kind: str, summary: dict[str, Any]) -> tuple[str, str, str]:
    """What an acknowledgement asks about: (words, before, after). Words that the fact brought along name it best."""
    own = str(summary.get("words") or "")
    for name, pair in summary.items():
        if name in FIELDS and isinstance(pair, list) and len(pair) == 2:
            words = own or FIELDS[name][:1].upper() + FIELDS[name][1:]
            return words, shown(name, pair[0]), shown(name, pair[1])
    says = {
        "headcount.locked": "Final numbers",
        "dietary_sheet.made": "A new dietary sheet",
        "schedule_item.moved": "A time on the schedule",
    }
    return own or says.get(kind, "A change"), "", ""
