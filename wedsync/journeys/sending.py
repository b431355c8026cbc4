"""The reaction to a step that is due: its words are written to the couple in their supplier's name, or it says why not.

Everything is looked at once more here, for much may have happened since the plan was made: the journey paused, the
couple unsubscribed, the wedding without a date that the words name.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.consents import actions as consents
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.events.record import record
from wedsync.invitations.model import ink
from wedsync.journeys import enrolling, facts, model, planning
from wedsync.journeys.actions import queries, steps_of
from wedsync.journeys.model import Step
from wedsync.journeys.stopping import stop_url
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices.channels import Told, phones
from wedsync.notices.channels.mail import Post
from wedsync.notices.model import Recipient
from wedsync.phones import gsm
from wedsync.web import mail
from wedsync.web.formats import day_year

VALID: Final = timedelta(days=2)
"""Older than that a mail says what is true no more."""
WHY: Final[dict[str, str]] = {
    "stopped": "The journey was paused or stopped before it left.",
    "link_ended": "You no longer work for this wedding.",
    "unsubscribed": "They want no offers from you.",
    "no_address": "Nobody of the couple has an address to write to.",
    "no_phone": "Nobody of the couple takes texts.",
    "no_texts": "Your plan has no text left for it this month: see Plan and usage.",
    "no_date": "Its words name the day, and the wedding has none.",
    "no_value": "Its words name what is not known, such as the place, or the days to go of a day that is over.",
    "no_form": "None of your forms that are in use has this name.",
    "around_the_day": "Nothing is sold around a wedding day.",
    "past": "Its moment had passed.",
    "other_answer": "It is for the other answer.",
    "undecided": "It waits for a question above it.",
    "step_before": "It waits for the step before it.",
    "wait": "It holds what comes after it.",
    "off": "The wedding is cancelled or put off.",
}
"""Why a step was not taken, or is not due yet, in words."""
TOLD: Final = {"sent": facts.SENT, "skipped": facts.SKIPPED, "failed": facts.FAILED}


class Unfit(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """A step that cannot be said; its reason is a key of `WHY`, and whether that is a fault of its words."""

    def __init__(self, reason: str, *, is_fault: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_fault = is_fault


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A step on its way to be said: in whose name, of which wedding, to whom."""

    step: Step
    sender: Any
    whose: Any
    people: Sequence[Any]


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """The ring and the settings come from the process that runs the reactions."""

    async def run(tx: Tx, event: Event) -> None:
        await say(tx, ring, settings, event)

    return (Reaction(name="journeys.say", types=(facts.DUE.type,), run=run),)


async def say(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """Write one step to everybody of the couple whom it may reach; what became of it is told."""
    run = await tx.row(queries.run, event.subject.id)
    if run is None:
        return
    state, reason, people = "sent", "", 0
    try:
        said = await _fit(tx, ring, run)
        owed = await (_texts if said.step.kind == "text" else _mails)(tx, ring, settings, event, said)
        people = len(owed)
        await tx.value(queries.owe, msgspec.json.encode(owed).decode())
    except Unfit as unfit:
        state, reason = ("failed" if unfit.is_fault else "skipped"), unfit.reason
    row: Any = await tx.row(queries.finish, run["id"], state, reason, people)
    record(tx, TOLD[state], op="UPDATE", row=row, link=run["link_id"])


async def _fit(tx: Tx, ring: KeyRing, run: Row) -> Said:
    """The step with whom it may reach now. Raises Unfit."""
    step = next(one for one in steps_of(run["steps"]) if one.key == run["key"])
    whose = await enrolling.about(tx, run["link_id"])
    if run["enrolment_state"] != "active":
        raise Unfit("stopped")
    if whose["status"] != "active":
        raise Unfit("link_ended")
    if whose["date_status"] in enrolling.OFF:
        raise Unfit("off")
    people = await tx.rows(queries.couple, run["link_id"])
    if step.is_marketing:
        today = planning.local_day(whose["now"], whose["time_zone"])
        if whose["first_on"] is not None and planning.is_around(today, whose["first_on"], whose["last_on"]):
            raise Unfit("around_the_day")
        emails = [one["email"] for one in people if one["email"]]
        refused = await consents.refused(tx, ring, emails, topic="journeys", supplier_id=whose["supplier_id"])
        people = [one for one in people if not one["is_stopped"] and one["email"] not in refused]
        if not people:
            raise Unfit("unsubscribed")
    sender: Any = await tx.row(queries.sender, run["link_id"])
    return Said(step=step, sender=sender, whose=whose, people=people)


async def _mails(tx: Tx, ring: KeyRing, settings: Settings, event: Event, said: Said) -> list[dict[str, Any]]:
    post = Post(tx, ring, event)
    name = " ".join(said.sender["name"].split())
    for one in said.people:
        if not one["email"]:
            continue
        out = stop_url(settings, said.whose["link_id"], one["person_id"]) if said.step.is_marketing else ""
        post.mail(
            written(said, one["name"], settings.public_url, out),
            to=one["email"],
            name=one["name"],
            kind="person",
            recipient=one["person_id"],
            subject=event.id,
            reply_to=said.sender["email"],
            from_name=f"{name} via WedSync",
            unsubscribe_url=out,
        )
    if not post.owed:
        raise Unfit("no_address")
    until = (clock.machine_now() + VALID).isoformat()
    return [row | {"lane": 2, "expires_at": until} for row in post.owed]


def written(said: Said, to_name: str, public_url: str, out: str) -> mail.Words:
    """The mail of a step. Marketing says who sends it, from where, and how it ends (16 CFR 316, RFC 8058); what belongs
    to the booking sells nothing and needs none of it. Raises Unfit."""
    step, sender = said.step, said.sender
    brand = mail.Brand(name=sender["name"], colour=sender["colour"], ink=ink(sender["colour"]))
    small = [f"You get this because {sender['name']} works for your wedding."]
    if step.is_marketing:
        address = sender["address"] or sender["name"]
        small = [f"{small[0]} {address}", f"No more offers from {sender['name']}: {out}"]
    is_review = step.kind == "review"
    return mail.compose(
        "journeys/notices/step.txt",
        brand=brand,
        small=small,
        subject=_filled(said, step.subject, to_name),
        words=_filled(said, step.words, to_name),
        label="Write a review" if is_review else "Open your wedding",
        url=step.url if is_review else f"{public_url}/?next=/me/{said.whose['wedding_id']}",
    )


async def _texts(tx: Tx, ring: KeyRing, settings: Settings, event: Event, said: Said) -> list[dict[str, Any]]:
    """To whoever of the couple has proved a number and agreed to texts."""
    couple = said.whose["couple_names"]
    told = [
        Told(
            person=_recipient(one, said.whose["supplier_id"]),
            event=event,
            title=_filled(said, said.step.words, one["name"]),
            before="",
            after="",
            couple=couple,
            url="",
            confirms=False,
            severity="normal",
        )
        for one in said.people
    ]
    name = " ".join(said.sender["name"].split())

    def words(one: Told, _: int | None) -> tuple[str, str]:
        matter = gsm.plain(f"{name}: {one.title}")
        return gsm.cut(matter, tail="", segments_max=3).strip(), one.title

    owed = await phones.owed(tx, ring, settings, told, kind="text", words=words)
    if not owed:
        has_text = await tx.value(queries.has_text, said.whose["supplier_id"], said.whose["wedding_id"])
        raise Unfit("no_phone" if has_text else "no_texts")
    return owed


def _filled(said: Said, words: str, to_name: str) -> str:
    try:
        return model.filled(words, values(said.whose, said.sender["name"], to_name))
    except LookupError as error:
        is_of_day = said.whose["on"] is None and error.args[0] in model.OF_A_DATE
        raise Unfit("no_date" if is_of_day else "no_value", is_fault=True) from error


def values(whose: Any, business: str, to_name: str) -> dict[str, str]:
    """What the names in words stand for, for one wedding; '' where nothing is known."""
    on = whose["on"]
    days = None if on is None else (on - planning.local_day(whose["now"], whose["time_zone"])).days
    return {
        "couple": whose["couple_names"],
        "name": to_name.split(" ", maxsplit=1)[0] or whose["couple_names"],
        "business": business,
        "date": "" if on is None else day_year(on),
        "venue": whose["reception_venue"] or whose["ceremony_venue"],
        "days_to_go": "" if days is None or days < 0 else str(days),
    }


def _recipient(one: Row, supplier_id: UUID) -> Recipient:
    """Of the couple; a text is counted of the business that sends it."""
    return Recipient(
        person_id=one["person_id"],
        email=one["email"] or "",
        name=one["name"],
        role=one["role"],
        link_id=None,
        supplier_id=supplier_id,
        mask=one["mask"],
    )
