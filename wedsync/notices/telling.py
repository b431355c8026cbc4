"""Telling everybody whom an event concerns: one look at all of them, one decision each, one statement for the inboxes.

Letters and texts are written afterwards, in a transaction of their own. Running it again tells nobody twice: who was
decided on is not decided on again, and what was to be sent then is owed once.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing
from wedsync.notices import actions, model, preferences, saying
from wedsync.notices.channels import Channel, Told, sms
from wedsync.notices.channels import mail as mailing
from wedsync.notices.deciding import Decision, Defer, Digest, Fact, Outcome, Reach, Send, decide
from wedsync.notices.model import Recipient
from wedsync.notices.saying import Saying
from wedsync.notices.wording.tongues import SHARED, Tongue, spoken_by, versions_of

queries = sql.load("wedsync.notices")
PAGES = {
    "photo_deliveries": "photos",
    "space_uses": "spaces",
    "payments": "payments",
    "tasks": "tasks",
    "amendments": "day",
    "arrivals": "day",
    "mode_notes": "day",
    "day_packs": "day-pack",
    "day_stages": "afterwards",
    "weather_gates": "day",
    "openings": "access",
}
"""Where the couple finds what a notice is about."""
OWN_PAGES = {"payments": "payments", "form_requests": "forms"}
"""What has a page of its own at a supplier's wedding."""
HELPERS = "/me/inbox"
"""What stands in the inbox of a helper: the couple's pages are not theirs, and their own has its address in no row."""
OF_THE_DAY = frozenset({"amendments", "arrivals", "day_packs", "day_stages", "mode_notes", "weather_gates"})
CHANNELS: Mapping[str, Channel] = {"email": mailing.deliveries, "sms": sms.deliveries}
"""Every way to tell somebody outside of the product, by its name in preferences."""

STOPPED = "they said STOP to texts and calls"


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody is told of one event, and how their pages are reached."""

    event: Event
    couple: str
    on: date | None
    tongues: Mapping[UUID, Tongue]
    """Each person's own."""
    said: Mapping[str, Saying]
    """By locale."""
    public_url: str
    passes: Mapping[UUID | None, tuple[UUID, str]] = {}
    """Of each link that is asked to confirm: the pass, and its address."""
    helped_at: str = ""
    """The page of the one helper it is about."""

    def saying(self, person: Recipient) -> Saying:
        """In their language."""
        return self.said[self.tongues[person.person_id].locale]

    def told(self, person: Recipient) -> Told:
        """To one person."""
        confirming = self.passes.get(person.link_id)
        said, tongue = self.saying(person), self.tongues[person.person_id]
        return Told(
            person=person,
            event=self.event,
            title=said.title,
            before=said.before,
            after=said.after,
            label=said.label,
            on=tongue.day(self.on) if self.on else "",
            tongue=tongue,
            couple=self.couple,
            url=self._url(person, confirming),
            confirms=confirming is not None and self.event.type in (*model.TO_LINKS, *model.TO_ALL),
            severity=preferences.severity_of(self.event.type),
        )

    def _url(self, person: Recipient, confirming: tuple[UUID, str] | None) -> str:
        if person.role == "helper" and self.helped_at:
            return self.helped_at
        return confirming[1] if confirming else f"{self.public_url}/?next={href(self.event, person)}"


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What is told outside of the product once the inboxes have it: by channel, to whom."""

    matter: Matter
    due: Mapping[str, Sequence[Recipient]]


async def tell(tx: Tx, settings: Settings, event: Event) -> Left | None:
    """Tell everybody whom an event concerns in the product, and decide how they are told elsewhere; `write` does that.

    Drawing and sealing letters takes as long as all of this: who looks at a screen waits for none of it.
    """
    rows = await tx.rows(queries.audience, event.tenant, [event.type, *SHARED], event.id, *model.looked_for(event))
    if not rows:
        raise not_found("wedding")
    told = {p.person_id: p for p in model.chosen(event, [_recipient(r) for r in rows if r["person_id"] is not None])}
    reaches = list({r["person_id"]: r for r in rows if r["person_id"] in told}.values())
    if not reaches:
        return None
    assert all(r["at"] is not None for r in reaches), "whoever is chosen was looked for"
    matter = _matter(settings, event, rows[0], reaches)
    outcomes = {r["person_id"]: _stored(r["outcomes"]) for r in reaches if r["outcomes"] is not None}
    decided = [
        (told[r["person_id"]], r["at"], _decided(settings, event, told[r["person_id"]], r))
        for r in reaches
        if r["outcomes"] is None
    ]
    if decided:
        await _put(tx, settings, matter, decided)
    outcomes |= {person.person_id: decision.outcomes for person, _, decision in decided}
    due = {
        name: tuple(told[id] for id, ways in outcomes.items() if isinstance(ways.get(name), Send)) for name in CHANNELS
    }
    return Left(matter=matter, due=due) if any(due.values()) else None


async def write(tx: Tx, ring: KeyRing, settings: Settings, event: Event, left: Left) -> None:
    """Owe what is told outside of the product. A delivery has its number from what it tells, so twice makes one."""
    matter = await _reached(tx, settings, left.matter, [person for people in left.due.values() for person in people])
    owed: list[dict[str, Any]] = []
    for name, channel in CHANNELS.items():
        owed += await channel(tx, ring, settings, [matter.told(person) for person in left.due[name]])
    if owed:
        await tx.value(queries.owe, msgspec.json.encode(owed).decode())


def fact_of(event: Event, *, is_live: bool, live_from: datetime | None) -> Fact:
    """What rules are asked about; an item that has moved helps nobody once it has begun."""
    starts = (event.record or {}).get("starts_at") if event.type == "schedule_item.moved" else None
    return Fact(
        type=event.type,
        category=preferences.category_of(event.type),
        severity=preferences.severity_of(event.type),
        is_emergency=event.type in model.EMERGENCIES,
        is_live=is_live,
        live_from=live_from,
        stale_at=datetime.fromisoformat(starts) if starts else None,
    )


def href(event: Event, person: Recipient) -> str:
    """Where this person finds what it is about."""
    if person.supplier_id is not None:
        base = f"/studio/{person.supplier_id}/weddings/{event.tenant}"
        if event.subject.table in OF_THE_DAY:
            return f"{base}/{PAGES[event.subject.table]}"
        place = OWN_PAGES.get(event.subject.table)
        return f"{base}/{place}/{event.subject.id}" if place else base
    if person.role == "helper":
        return HELPERS
    if event.subject.table == "messages":
        return f"/me/{event.tenant}/suppliers/{event.link_id}/correspondence"
    if event.subject.table == "form_requests":
        return f"/me/{event.tenant}/forms/{event.subject.id}"
    return f"/me/{event.tenant}/{PAGES.get(event.subject.table, 'suppliers')}"


def _decided(settings: Settings, event: Event, person: Recipient, row: Row) -> Decision:
    fact = fact_of(event, is_live=row["is_live"], live_from=row["live_from"])
    texts = bool(row["takes_texts"] and settings.twilio_account_sid)
    own = preferences.stored(row, takes_texts=texts)
    couple = msgspec.json.decode(row["wedding_choices"]) if row["wedding_choices"] else {}
    reach = Reach(
        zone=row["zone"] or row["time_zone"],
        able=frozenset(name for name, is_able in (("email", bool(person.email)), ("sms", texts)) if is_able),
        blocked={"sms": STOPPED} if row["is_stopped"] else {},
        wants={
            name: preferences.wanted(fact.category, name, own=own, wedding=str(event.tenant), couple=couple)
            for name in CHANNELS
        },
        quiet=(row["quiet_from"], row["quiet_until"]) if row["quiet_from"] is not None else None,
        digest_at=row["digest_at"] or preferences.DIGEST_AT,
        recent=tuple(row["sent_at"]),
        waiting_until=row["waiting_until"],
    )
    return decide(fact, reach, row["at"])


def _stored(outcomes: str) -> Mapping[str, Outcome]:
    return msgspec.json.decode(outcomes, type=dict[str, Outcome])


async def _put(
    tx: Tx, settings: Settings, matter: Matter, decided: Sequence[tuple[Recipient, datetime, Decision]]
) -> None:
    """Into the inboxes, with what was decided and what waits; only what waits names how its page is reached."""
    waiting = [person for person, _, decision in decided if any(map(_waits, decision.outcomes.values()))]
    matter = await _reached(tx, settings, matter, waiting)
    put = [_row(matter, person, at, decision) for person, at, decision in decided]
    tx.nudges += [row[0] for row in await tx.rows(queries.put_notices, msgspec.json.encode(put).decode())]


def _waits(outcome: Outcome) -> bool:
    return isinstance(outcome, Defer | Digest)


def _matter(settings: Settings, event: Event, wedding: Row, reaches: Sequence[Row]) -> Matter:
    """Each person has the first tongue that has this notice: what they chose, what the wedding's is, English."""
    versions, locale = versions_of(wedding["wordings"]), wedding["wedding_locale"]
    tongues = {r["person_id"]: spoken_by(event.type, (r["locale"], locale), versions) for r in reaches}
    spoken = {tongue.locale: tongue for tongue in tongues.values()}
    return Matter(
        event=event,
        couple=wedding["couple_names"],
        on=wedding["on"],
        tongues=tongues,
        said={locale: saying.saying(event, tongue) for locale, tongue in spoken.items()},
        public_url=settings.public_url,
    )


async def _reached(tx: Tx, settings: Settings, matter: Matter, people: Sequence[Recipient]) -> Matter:
    """The same with how the pages of these people are reached."""
    event = matter.event
    asked = () if event.type in model.UNCONFIRMED else people
    known = {p.link_id: p.pass_id for p in asked if p.link_id is not None and p.pass_id is not None}
    passes: dict[UUID | None, tuple[UUID, str]] = {
        link: (id, actions.page_of(settings, "ack", id)) for link, id in known.items()
    }
    links = {p.link_id for p in asked if p.link_id is not None} - known.keys()
    if links:
        passes |= await actions.links_by_pass(tx, settings, event.tenant, links, "ack")
    return msgspec.structs.replace(matter, passes=passes, helped_at=await _helped_at(tx, settings, event, people))


async def _helped_at(tx: Tx, settings: Settings, event: Event, people: Sequence[Recipient]) -> str:
    """A helper has no way in but their own page."""
    if not any(person.role == "helper" for person in people):
        return ""
    pass_id = await tx.value(queries.helper_pass, event.tenant, event.membership_id)
    return actions.page_of(settings, "help", pass_id) if pass_id else ""


def _row(matter: Matter, person: Recipient, at: datetime, decision: Decision) -> dict[str, Any]:
    event = matter.event
    return model.inbox_row(event, person, matter.saying(person), matter.couple, href(event, person)) | {
        "category": preferences.category_of(event.type),
        "severity": preferences.severity_of(event.type),
        "outcomes": decision.outcomes,
        "trace": decision.trace,
        "counts": decision.counts,
        "at": at,
        "held": [
            _held(matter, person, channel, outcome)
            for channel, outcome in decision.outcomes.items()
            if isinstance(outcome, Defer | Digest)
        ],
    }


def _held(matter: Matter, person: Recipient, channel: str, outcome: Defer | Digest) -> dict[str, Any]:
    """One notice that waits. What is of one link alone needs no scope but that link."""
    event, confirming, said = matter.event, matter.passes.get(person.link_id), matter.saying(person)
    fact = fact_of(event, is_live=False, live_from=None)
    return {
        "channel": channel,
        "link_id": person.link_id,
        "scope": 0 if event.link_id is not None else event.scope,
        "pass_id": confirming[0] if confirming and event.type in (*model.TO_LINKS, *model.TO_ALL) else None,
        "reason": outcome.key.split()[0] if isinstance(outcome, Digest) else "quiet",
        "couple": matter.couple,
        "title": said.title,
        "before": said.before,
        "after": said.after,
        "due_at": outcome.until,
        "stale_at": fact.stale_at,
    }


def _recipient(row: Row) -> Recipient:
    named = ("person_id", "name", "role", "link_id", "supplier_id", "mask", "since", "membership_id", "pass_id")
    return Recipient(**{k: row[k] for k in named}, email=row["email"] or "")
