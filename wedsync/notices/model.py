"""Who is told of what, and in which words; pure."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.events.event import Event
from wedsync.notices.wording.tongues import ENGLISH, Tongue
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
    "link_day.changed",
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
SAYS = {
    "acknowledgement.declined": "A supplier cannot do what has changed",
    "headcount.locked": "The final numbers are in",
    "dietary_sheet.made": "There is a new dietary sheet",
    "task.assigned": "There is a task for you: {title}",
    "task.due_soon": "Still to do by {due}: {title}",
    "task.overdue": "Late, was due by {due}: {title}",
    "task.chased": "They ask how it goes: {title}",
    "task.freed": "You can begin: {title}",
    "task.declined": "Nobody does this now: {title}",
    "link.scopes_changed": "What you may see has changed",
    "link.requested": "{supplier_name} asks to be linked to your wedding",
    "link.accepted": "{supplier_name} is linked to your wedding",
    "link.declined": "{supplier_name} has declined",
    "schedule_item.moved": "{title} has moved",
    "day_pack.made": "Your day pack is ready: keep it for where there is no network",
    "arrival.came": "{supplier_name} has come",
    "day_stage.begun": "The day is over: see what is still open",
    "weather_gate.asked": "The forecast is bad. Decide in time whether it is: {plan_b}",
    "weather_gate.decided": "Decided about the weather: {reason}",
    "arrival.asked": "When do you come, and whom do we ring there? Please say so",
    "arrival.prompted": "You are expected in an hour. Are you on your way?",
    "arrival.late": "You are expected in a quarter of an hour, and nobody has heard of you",
    "mode.read_only": "Until {until_local} nothing can be changed in WedSync; all can be read, what is owed goes out",
    "mode.read_only_over": "Everything can be changed in WedSync again",
    "mode.late": "Until {until_local} e-mails, texts and other systems are told late by WedSync; nothing is lost",
    "mode.late_over": "E-mails, texts and other systems are told in time again",
    "photos.at_risk": "The promised day of your {what} comes close",
    "photos.overdue": "The promised day of your {what} has passed",
    "journey_step.failed": "A step of your journey could not be sent: {title}",
    "photos.delivered": "Your {what} is here",
    "photos.delayed": "Your {what} comes later than promised",
    "space.exceeded": "More guests have accepted than {name} takes ({capacity} {arrangement})",
    "space.fits_again": "All who have accepted fit into {name} again",
    "message.shared": "A supplier has shared a message with you",
    "link_day.changed": "One of your suppliers is taken on your day by something else",
    "day_contact.added": "A new contact for the day: {name}",
    "day_contact.changed": "A contact for the day has changed: {name}",
    "day_contact.removed": "No longer a contact for the day: {name}",
    "guest.changed": "The name of a guest has changed: {display_name}",
    "contact.changed": "How a guest is reached has changed",
    "form.asked": "You are asked to fill in: {title}",
    "form.reminded": "You are asked again to fill in: {title}",
    "form.reopened": "Something is still missing in: {title}",
    "form.due_soon": "Not answered yet, wanted by {due}: {title}",
    "form.overdue": "Was wanted by {due}, and is not answered: {title}",
    "form.submitted": "Your form is answered: {title}",
    "payment.requested": "You are asked to pay {money}: {what}",
    "payment.cancelled": "You are not asked for {money} any more: {what}",
    "payment.due_soon": "{money} is due soon: {what}",
    "payment.overdue": "{money} was due and is not paid: {what}",
    "payment.received": "{money} was received: {what}",
    "payment.refunded": "{money} was refunded: {what}",
    "payment.disputed": "{money} is disputed: {what}",
    "payment.dispute_closed": "A dispute is over: {what}",
}
SHOWS_CHANGE: Final[Mapping[str, str]] = {"schedule_item.moved": "title", "day_contact.changed": "name"}
"""Types with a title of their own whose change is shown beside it, and what names it."""
# Of which columns a fact about money tells the difference; of the others it tells the whole amount.
MOVED = {
    "payment.received": "received_minor",
    "payment.refunded": "refunded_minor",
    "payment.disputed": "disputed_minor",
}


# What may be wanted by a day, and says no more of itself than its title.
WITH_A_DAY = frozenset({"tasks", "form_requests"})
# Of what is still to be paid, with its day.
DUE = frozenset({"payment.due_soon", "payment.overdue"})
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
    membership_id: UUID | None = None


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """An event in words: a title, and what the value was and is; `label` names in a word or two what has changed."""

    title: str
    before: str
    after: str
    label: str = ""


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


def saying(event: Event, tongue: Tongue = ENGLISH) -> Saying:
    """The event as a title with its change. Raises WordMissing for a text that needs a word which the event lacks."""
    record, old = event.record or event.old_record or {}, event.old_record or {}
    if event.subject.table == "photo_deliveries":
        return _photos(event.type, record, old, tongue)
    if event.subject.table == "payments":
        return _payments(event.type, record, old, tongue)
    if event.subject.table in WITH_A_DAY:
        values = record | {"due": tongue.day(date.fromisoformat(record["due_on"])) if record.get("due_on") else ""}
        return Saying(title=_title(event.type, values, tongue), before="", after="")
    if event.subject.table == "amendments":
        field = news.changed_field(record["after"], record["before"])
        was, now = (tongue.shown(field, record[side].get(field)) if field else "" for side in ("before", "after"))
        return Saying(title=f"{record['title']}: {record['reason']}", before=was, after=now)
    field = news.changed_field(record, old)
    values = record | ({"field": tongue.field(field)} if field else {"field": tongue.phrase("something")})
    before, after = ("", "")
    if field and (event.type not in SAYS or event.type in SHOWS_CHANGE):
        before, after = tongue.shown(field, old.get(field)), tongue.shown(field, record.get(field))
    name = record.get(SHOWS_CHANGE.get(event.type, "")) or (tongue.field(field) if after else "")
    return Saying(title=_title(event.type, values, tongue), before=before, after=after, label=_begun(name))


def aloud(said: Saying) -> str:
    """The same as a voice says it."""
    if said.before and said.after:
        return f"{said.title}. It was {said.before}, and is now {said.after}"
    return f"{said.title}: {said.after}" if said.after else said.title


def _title(kind: str, values: Mapping[str, Any], tongue: Tongue) -> str:
    """By the text of the type; what has none says which field has changed."""
    template = tongue.text(kind).title or SAYS.get(kind) or tongue.template("changed")
    title = tongue.filled(kind, template, values)
    return _begun(title) if template.startswith("{field}") else title


def _begun(words: str) -> str:
    """As a line begins, without what only a sentence needs."""
    return words[:1].upper() + words[1:]


def _photos(kind: str, record: dict[str, Any], old: dict[str, Any], tongue: Tongue) -> Saying:
    """Photographs and films by what they are; a day that matters as it was and is."""
    what = tongue.thing(record)
    title = _title(kind, record | {"what": what}, tongue)
    if kind == "photos.delivered":
        return Saying(title=title, before="", after="")
    was = old.get("promised_on") if kind == "photos.delayed" else None
    before, after = (tongue.day(date.fromisoformat(on)) if on else "" for on in (was, record["promised_on"]))
    return Saying(title=title, before=before, after=after, label=_begun(what))


def _payments(kind: str, record: dict[str, Any], old: dict[str, Any], tongue: Tongue) -> Saying:
    """How much moved, and of what."""
    what = record["title"] or tongue.thing({"kind": record["kind"]})
    if kind in DUE:
        left = tongue.money(record["amount_minor"] - record["received_minor"], record["currency"])
        values = record | {"money": left, "what": f"{what}, {tongue.day(date.fromisoformat(record['due_on']))}"}
        return Saying(title=_title(kind, values, tongue), before="", after="")
    column = MOVED.get(kind, "amount_minor")
    minor = record[column] - (old.get(column, 0) if kind in MOVED else 0)
    values = record | {"money": tongue.money(minor, record["currency"]), "what": what}
    return Saying(title=_title(kind, values, tongue), before="", after="")


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
