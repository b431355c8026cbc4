"""Who is told of what, and in which words; pure."""

import hashlib
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.event import Event
from wedsync.web.formats import day_year, money
from wedsync.weddings import news

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
    "arrival.asked",
    "arrival.prompted",
    "arrival.late",
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
    *("payment.requested", "payment.cancelled"),
)
# What nobody did on purpose: both sides are told, also whoever gave the answer that it follows from.
FOLLOWS = ("space.exceeded", "space.fits_again")
# The couple and the one supplier whose link it is of: money is between the two of them.
TO_BOTH = (*FOLLOWS, "payment.received", "payment.refunded", "payment.disputed", "payment.dispute_closed")
# Everybody who sees the schedule; suppliers confirm it.
TO_ALL = ("amendment.made",)
# About one supplier's coming, and told to that one.
OF_ARRIVALS = ("arrival.asked", "arrival.prompted", "arrival.late")
# Suppliers are told, and there is nothing to confirm.
UNCONFIRMED = frozenset({"photos.at_risk", "photos.overdue", *OF_ARRIVALS, *TO_BOTH})
# What a person raised for others to hear at once; it passes everything but the law.
EMERGENCIES = frozenset({"alert.raised"})
SAYS = {
    "acknowledgement.declined": "A supplier cannot do what has changed",
    "headcount.locked": "The final numbers are in",
    "dietary_sheet.made": "There is a new dietary sheet",
    "task.assigned": "There is a task for you: {title}",
    "link.scopes_changed": "What you may see has changed",
    "link.requested": "{supplier_name} asks to be linked to your wedding",
    "link.accepted": "{supplier_name} is linked to your wedding",
    "link.declined": "{supplier_name} has declined",
    "schedule_item.moved": "{title} has moved",
    "arrival.asked": "When do you come, and whom do we ring there? Please say so",
    "arrival.prompted": "You are expected in an hour. Are you on your way?",
    "arrival.late": "You are expected in a quarter of an hour, and nobody has heard of you",
    "photos.at_risk": "The promised day of your {what} comes close",
    "photos.overdue": "The promised day of your {what} has passed",
    "photos.delivered": "Your {what} is here",
    "photos.delayed": "Your {what} comes later than promised",
    "space.exceeded": "More guests have accepted than {name} takes ({capacity} {arrangement})",
    "space.fits_again": "All who have accepted fit into {name} again",
    "payment.requested": "You are asked to pay {money}: {what}",
    "payment.cancelled": "You are not asked for {money} any more: {what}",
    "payment.received": "{money} was received: {what}",
    "payment.refunded": "{money} was refunded: {what}",
    "payment.disputed": "{money} is disputed: {what}",
    "payment.dispute_closed": "A dispute is over: {what}",
}
# Of which columns a fact about money tells the difference; of the others it tells the whole amount.
MOVED = {
    "payment.received": "received_minor",
    "payment.refunded": "refunded_minor",
    "payment.disputed": "disputed_minor",
}


LAST_WARNING_H = 96


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may be told; `link_id` for those of a supplier, and `since` when it has been active."""

    person_id: UUID
    email: str
    name: str
    role: str
    link_id: UUID | None
    supplier_id: UUID | None
    mask: int
    since: datetime | None = None


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """An event in words: a title, and what the value was and is."""

    title: str
    before: str
    after: str


def may_see(event: Event, person: Recipient) -> bool:
    """The one rule, for notices: scope for shared rows, the link for its own; the couple sees both."""
    if person.mask & PRIVATE:
        return True
    if event.link_id is not None:
        return event.link_id == person.link_id
    if event.membership_id is not None:
        return False
    return bool(person.mask & event.scope)


def chosen(event: Event, people: list[Recipient]) -> list[Recipient]:
    """Who is told, each once: whoever may see it and is meant by the type, but not the one who did it."""
    told: dict[UUID, Recipient] = {}
    for person in people:
        if passed_over(event, person) is None:
            told.setdefault(person.person_id, person)
    return list(told.values())


def passed_over(event: Event, person: Recipient) -> str | None:
    """Why somebody is not told of an event at all; None for who is."""
    if event.type not in (*TO_LINKS, *TO_COUPLE, *TO_BOTH, *TO_ALL):
        return "Nobody is told of this kind by a notice; it is on the pages it is about."
    if person.role not in _meant(event):
        return "This kind is for the other side of the wedding."
    if event.type not in FOLLOWS and person.person_id == event.actor.id:
        return "You did it yourself."
    if not may_see(event, person):
        return "It is about something that is not shared with you."
    if not _concerned(event, person):
        return "It is about somebody else’s part of the schedule."
    if not _was_linked(event, person):
        return "It happened before you were linked to the wedding."
    return None


def _meant(event: Event) -> set[str]:
    if event.type in (*TO_BOTH, *TO_ALL):
        return {"supplier", "couple"}
    return {"supplier"} if event.type in TO_LINKS else {"couple"}


def _concerned(event: Event, person: Recipient) -> bool:
    """A moved item that has an owner concerns its owner alone, and whether somebody comes whoever it is about."""
    column = "link_id" if event.type in OF_ARRIVALS else "owner_link_id" if event.type == "schedule_item.moved" else ""
    owner = (event.record or {}).get(column)
    return owner is None or str(person.link_id) == owner


def _was_linked(event: Event, person: Recipient) -> bool:
    """Who was linked between a change and its reaction found the wedding as it is: the change is not news to them."""
    return person.since is None or person.since <= datetime.fromisoformat(event.occurred_at)


def saying(event: Event) -> Saying:
    """The event as a title with its change."""
    record = event.record or event.old_record or {}
    field, before, after = news.first_change(record, event.old_record or {})
    if event.subject.table == "photo_deliveries":
        return _photos(event.type, record, event.old_record or {})
    if event.subject.table == "payments":
        return _payments(event.type, record, event.old_record or {})
    if event.subject.table == "amendments":
        _, was, now = news.first_change(record["after"], record["before"])
        return Saying(title=f"{record['title']}: {record['reason']}", before=was, after=now)
    if event.type in SAYS:
        moved = event.type == "schedule_item.moved"
        return Saying(
            title=SAYS[event.type].format_map(record), before=before if moved else "", after=after if moved else ""
        )
    words = news.FIELDS.get(field, "something")
    return Saying(title=f"{words[:1].upper()}{words[1:]} has changed", before=before, after=after)


def _photos(kind: str, record: dict[str, Any], old: dict[str, Any]) -> Saying:
    """Photographs and films by what they are; a day that matters as it was and is."""
    title = SAYS[kind].format(what=news.thing(record))
    if kind == "photos.delivered":
        return Saying(title=title, before="", after="")
    was = old.get("promised_on") if kind == "photos.delayed" else None
    before, after = (day_year(date.fromisoformat(on)) if on else "" for on in (was, record["promised_on"]))
    return Saying(title=title, before=before, after=after)


def _payments(kind: str, record: dict[str, Any], old: dict[str, Any]) -> Saying:
    """How much moved, and of what."""
    column = MOVED.get(kind, "amount_minor")
    minor = record[column] - (old.get(column, 0) if kind in MOVED else 0)
    what = record["title"] or record["kind"]
    return Saying(title=SAYS[kind].format(money=money(minor, record["currency"]), what=what), before="", after="")


def delivery_id(subject: UUID, kind: str, recipient: UUID, channel: str) -> UUID:
    """One delivery per event (or action), recipient and channel, however often it is owed."""
    return UUID(hashlib.md5(f"{subject}|{kind}|{recipient}|{channel}".encode(), usedforsecurity=False).hexdigest())


def inbox_row(event: Event, person: Recipient, said: Saying, couple: str, href: str) -> dict[str, Any]:
    """What `app.put_notices` takes."""
    detail = f"{said.before} → {said.after}" if said.after else ""
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
