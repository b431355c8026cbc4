"""Who is told of what, and how it is kept; pure. In which words: see `saying`."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.events.event import Event
from wedsync.notices.saying import Saying

PRIVATE = 512
TO_LINKS = (
    "wedding.date_changed",
    "wedding.venue_changed",
    "wedding.times_changed",
    "wedding.estimate_changed",
    "headcount.locked",
    "dietary_sheet.made",
    "schedule_item.moved",
    "task.assigned",
    "link.scopes_changed",
    "photos.at_risk",
    "photos.overdue",
    *("wedding.changed", "day_contact.added", "day_contact.changed", "day_contact.removed"),
    *("guest.changed", "contact.changed"),
    *("form.submitted", "journey_step.failed"),
    *("arrival.asked", "arrival.prompted", "arrival.late"),
)
TO_COUPLE = (
    *(
        "acknowledgement.declined",
        "link.requested",
        "link.accepted",
        "link.declined",
        "photos.delivered",
        "photos.delayed",
    ),
    *("payment.requested", "payment.cancelled", "payment.due_soon", "message.shared", "task.declined"),
    *("link_day.changed", "opening.approved"),
    *("form.asked", "form.reminded", "form.reopened", "form.due_soon", "form.overdue"),
)
# Whoever has it to do: a link's people, one member, or the couple where it is nobody's.
TO_DOERS = ("task.due_soon", "task.overdue", "task.chased", "task.freed")
# The rung of the ladder at which the couple hears, once, that somebody is late.
LATE_RUNG = 5
# What nobody did on purpose: both sides are told, also whoever gave the answer that it follows from.
FOLLOWS = ("space.exceeded", "space.fits_again")
# What the platform itself says: for a while something does not work.
OF_MODES = ("mode.read_only", "mode.read_only_over", "mode.late", "mode.late_over")
# The couple and the one supplier whose link it is of: money is between the two of them.
TO_BOTH = (
    *FOLLOWS,
    *OF_MODES,
    "payment.received",
    "payment.refunded",
    "payment.disputed",
    "payment.dispute_closed",
    "payment.overdue",
)
# Everybody who sees the schedule; suppliers confirm it.
TO_ALL = (
    "amendment.made",
    "arrival.came",
    "day_pack.made",
    "day_stage.begun",
    "weather_gate.asked",
    "weather_gate.decided",
)
# About one supplier's coming, and told to that one.
OF_ARRIVALS = ("arrival.asked", "arrival.prompted", "arrival.late")
# Suppliers are told, and there is nothing to confirm.
UNCONFIRMED = frozenset(
    {
        *(
            "photos.at_risk",
            "photos.overdue",
            "form.submitted",
            "journey_step.failed",
            *TO_BOTH,
            *TO_DOERS,
            *OF_ARRIVALS,
            *("arrival.came", "day_pack.made", "day_stage.begun", "weather_gate.asked", "weather_gate.decided"),
        ),
        *("wedding.changed", "day_contact.added", "day_contact.changed", "day_contact.removed"),
        *("guest.changed", "contact.changed"),
    }
)
# Of what changes in these, only this is news to anybody; an empty set is any change of what was there before.
NEWS: Final[Mapping[str, frozenset[str]]] = {
    "wedding.changed": frozenset({"couple_names", "partner_a", "partner_b", "time_zone"}),
    "day_contact.changed": frozenset({"name", "phone", "what"}),
    "guest.changed": frozenset({"display_name"}),
    "contact.changed": frozenset(),
}
# What a person raised for others to hear at once; it passes everything but the law.
EMERGENCIES = frozenset({"alert.raised"})
# The texts by which alerts call people, in every language: what it is about, the morning's drill, a severe allergy.
CALLS = (
    *("alert.medical", "alert.safety", "alert.weather", "alert.supplier_missing", "alert.venue", "alert.transport"),
    *("alert.lost", "alert.other", "alert.drill", "alert.dietary"),
)
# Of how suppliers stand on the day, only that one is not free any more.
OF_DAYS = ("link_day.changed",)
# What is about single guests: told to people, not to whole channels, and looked at only where it is news.
PERSONAL = ("guest.changed", "contact.changed")
LAST_WARNING_H = 96


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may be told; `link_id` for those of a supplier, `since` when it has been active, and `pass_id` of
    what it confirms by, where that was made."""

    person_id: UUID
    email: str
    name: str
    role: str
    link_id: UUID | None
    supplier_id: UUID | None
    mask: int
    since: datetime | None = None
    membership_id: UUID | None = None
    pass_id: UUID | None = None


def may_see(event: Event, person: Recipient) -> bool:
    """The one rule, for notices: scope for shared rows, the link for its own; the couple sees both."""
    if person.mask & PRIVATE:
        return True
    if event.link_id is not None:
        return event.link_id == person.link_id
    if event.membership_id is not None:
        return event.membership_id == person.membership_id
    return bool(person.mask & event.scope)


def chosen(event: Event, people: list[Recipient]) -> list[Recipient]:
    """Who is told, each once: whoever may see it and is meant by the type, but not the one who did it."""
    told: dict[UUID, Recipient] = {}
    for person in people:
        if passed_over(event, person) is None:
            told.setdefault(person.person_id, person)
    return list(told.values())


def looked_for(event: Event) -> tuple[list[str], UUID | None, int, UUID | None, UUID | None]:
    """Among whom all who are told are found, as the database is asked: roles, who did it, what shows it to them."""
    doer = None if event.type in FOLLOWS else event.actor.id
    roles = sorted(_meant(event)) if _is_news(event) else []
    return roles, doer, event.scope, event.link_id, event.membership_id


def passed_over(event: Event, person: Recipient) -> str | None:
    """Why somebody is not told of an event at all; None for who is."""
    if event.type not in (*TO_LINKS, *TO_COUPLE, *TO_BOTH, *TO_ALL, *TO_DOERS):
        return "Nobody is told of this kind by a notice; it is on the pages it is about."
    if person.role not in _meant(event):
        return "This kind is for the other side of the wedding."
    if event.type not in FOLLOWS and person.person_id == event.actor.id:
        return "You did it yourself."
    if not may_see(event, person):
        return "It is about something that is not shared with you."
    if not _concerned(event, person):
        return "It is about somebody else’s part of the day."
    if not _is_news(event):
        return "Nothing in it changed that others go by."
    if not _was_linked(event, person):
        return "It happened before you were linked to the wedding."
    return None


def _meant(event: Event) -> set[str]:
    if event.type in (*TO_BOTH, *TO_ALL):
        return {"supplier", "couple"}
    if event.type in TO_DOERS or (event.type == "task.assigned" and event.membership_id is not None):
        return {"supplier", "couple", "helper"}
    return {"supplier"} if event.type in TO_LINKS else {"couple"}


def _concerned(event: Event, person: Recipient) -> bool:
    """A moved item that has an owner concerns its owner alone; a task whoever has it to do; a coming whose it is."""
    if event.type in TO_DOERS or event.type == "task.assigned":
        return _has_to_do(event, person)
    column = "link_id" if event.type in OF_ARRIVALS else "owner_link_id" if event.type == "schedule_item.moved" else ""
    if event.type == "weather_gate.asked":
        return person.role == "couple" or str(person.link_id) in (event.record or {}).get("asked_links", ())
    if event.type == "day_pack.made":
        return event.link_id == person.link_id
    owner = (event.record or {}).get(column)
    return owner is None or str(person.link_id) == owner


def _has_to_do(event: Event, person: Recipient) -> bool:
    """Nobody's is the couple's; of what is late for the first time the couple hears too."""
    if event.link_id is not None and event.link_id == person.link_id:
        return True
    if event.membership_id is not None and event.membership_id == person.membership_id:
        return True
    is_ours = event.link_id is None and event.membership_id is None and event.type != "task.assigned"
    is_news = event.type == "task.overdue" and (event.record or {}).get("reminded_rung") == LATE_RUNG
    return person.role == "couple" and (is_ours or is_news)


def _is_news(event: Event) -> bool:
    """Whether what changed is what others write down."""
    if event.type == "day_stage.begun":
        return bool((event.record or {}).get("stage") == "aftercare")
    fields = NEWS.get(event.type)
    if fields is None:
        return True
    record, old = event.record or {}, event.old_record or {}
    return event.op == "UPDATE" and (not fields or any(record.get(name) != old.get(name) for name in fields))


def _was_linked(event: Event, person: Recipient) -> bool:
    """Who was linked between a change and its reaction found the wedding as it is: the change is not news to them."""
    return person.since is None or person.since <= datetime.fromisoformat(event.occurred_at)


def delivery_id(subject: UUID, kind: str, recipient: UUID, channel: str) -> UUID:
    """One delivery per event (or action), recipient and channel, however often it is owed."""
    return UUID(hashlib.md5(f"{subject}|{kind}|{recipient}|{channel}".encode(), usedforsecurity=False).hexdigest())


def inbox_row(event: Event, person: Recipient, said: Saying, couple: str, href: str) -> dict[str, Any]:
    """What `app.put_notices` takes."""
    detail = (f"{said.before} → {said.after}" if said.before else said.after) if said.after else ""
    return told(event, person.person_id, f"{couple}: {said.title}", detail, href)


def told(event: Event, person: UUID, title: str, detail: str, href: str) -> dict[str, Any]:
    """A row of an inbox."""
    return {
        "person_id": person,
        "event_id": event.id,
        "type": event.type,
        "title": title[:300],
        "detail": detail[:2000],
        "href": href,
        "occurred_at": event.occurred_at,
    }


def broken_row(event: Event, person: UUID, href: str) -> dict[str, Any]:
    """The same for an account that nobody lets us into any more."""
    record = event.record or {}
    return told(event, person, f"{record['title']} must be connected again", record["state_reason"], href)


OF_PLANS = ("limit.neared", "limit.reached", "plan.changed")
LIMITS = {
    "weddings": "active weddings",
    "seats": "seats",
    "connections": "connected accounts",
    "sms": "text messages of this month",
    "api_calls": "API calls of this month",
}


def plan_row(event: Event, person: UUID, plan: str) -> dict[str, Any]:
    """The same for a plan that changed, or a limit of it that comes near; `plan` is its title."""
    record = event.record or {}
    if event.type == "plan.changed":
        title, detail = f"Your plan is {plan} now", "What you have stays as it is."
    else:
        what = f"{record['used']:,} of {record['allowed']:,} {LIMITS[record['name']]}"
        is_full = event.type == "limit.reached"
        title = f"You use {what}"
        detail = (
            "All of it is used: what you have goes on, and nothing new fits."
            if is_full
            else "Nothing is refused yet. Your plan page says what a larger plan has."
        )
    return told(event, person, title, detail, f"/studio/{event.tenant}/plan")


def hours_in_words(hours: int) -> str:
    """`an hour`, `3 days`."""
    if hours < 24:
        return "an hour" if hours <= 1 else f"{hours} hours"
    return "a day" if hours < 48 else f"{hours // 24} days"
