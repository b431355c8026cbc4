"""An event in words: a title, and what a value was and is; pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec

from wedsync.events.event import Event
from wedsync.notices.wording.tongues import ENGLISH, Tongue
from wedsync.weddings import news

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
    "opening.approved": "WedSync’s operators opened your wedding to look at it: {reason}",
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


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """An event in words: a title, and what the value was and is; `label` names in a word or two what has changed."""

    title: str
    before: str
    after: str
    label: str = ""


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


def aloud(said: Saying, tongue: Tongue = ENGLISH) -> str:
    """The same as a voice says it."""
    if not said.after:
        return said.title
    changed = {"title": said.title, "after": said.after}
    return (
        tongue.phrase("aloud", before=said.before, **changed) if said.before else tongue.phrase("aloud_now", **changed)
    )


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
