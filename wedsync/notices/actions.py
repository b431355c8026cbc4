"""Every write of notices: who is told becomes inbox rows and mail deliveries, owed in the reaction's transaction."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from wedsync.events.event import Event
from wedsync.guests import sealed as guests
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices import keeping, model
from wedsync.notices.channels.mail import Post
from wedsync.notices.wording.tongues import ENGLISH
from wedsync.web import mail
from wedsync.weddings.actions import add_pass, pass_token, passes_of_links

queries = sql.load("wedsync.notices")
ANSWERS = {
    "accepted": "is coming",
    "declined": "cannot come",
    "tentative": "may come",
    "needs_action": "has not answered",
}


ACTS = ("acknowledgement.given", "alert.acknowledged")
"""What somebody did about a notice, wherever they did it."""


async def note_acted(tx: Tx, event: Event) -> None:
    """Whoever confirmed has acted on their notice of it; a link of one person is that person, by whatever way."""
    record = event.record or {}
    is_alert = event.subject.table == "alerts"
    asked = (record.get("acknowledged_by"), record.get("link_id"), record.get("event_id"))
    alert = event.subject.id if is_alert else None
    tx.nudges += [r[0] for r in await tx.rows(queries.act_notices, *(UUID(x) if x else None for x in asked), alert)]


async def links_by_pass(
    tx: Tx, settings: Settings, wedding_id: UUID, links: set[UUID], purpose: str
) -> dict[UUID | None, tuple[UUID, str]]:
    """The pass of each link, and the address of the page that it opens: a mail's button leads there."""
    found = await passes_of_links(tx, settings.jwt_secret, purpose, wedding_id, links)
    return {link: (pass_id, pass_url(settings, purpose, token)) for link, (pass_id, token) in found.items()}


def page_of(settings: Settings, purpose: str, pass_id: UUID) -> str:
    """The page behind a pass that is there already."""
    return pass_url(settings, purpose, pass_token(settings.jwt_secret, purpose, pass_id))


def pass_url(settings: Settings, purpose: str, token: str) -> str:
    """The page behind a pass."""
    page = {"ack": "ack", "invite": "join", "help": "help"}[purpose]
    return f"{settings.public_url}/{page}/{token}"


async def confirm_answers(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """A party answered by its own link: one mail per form says what was understood, to the party's first address."""
    if event.actor.kind != "guest" or event.actor.id is None:
        return
    party = event.actor.id
    answers = await tx.rows(queries.party_answers, event.tenant, party)
    lines = [
        f"{a['display_name']} {ANSWERS[a['status']]}: {a['title']}" + (f" ({a['menu']})" if a["menu"] else "")
        for a in answers
    ]
    await _to_party(
        tx, ring, settings, event, party, template="notices/notices/answered.txt", subject=event.cause, lines=lines
    )


async def invite_party(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """A party is invited by mail: its own link, where it has an address."""
    await _to_party(
        tx, ring, settings, event, event.subject.id, template="notices/notices/invited.txt", subject=event.id, lines=[]
    )


async def _to_party(
    tx: Tx,
    ring: KeyRing,
    settings: Settings,
    event: Event,
    party: UUID,
    *,
    template: str,
    subject: UUID,
    lines: list[str],
) -> None:
    contacts = await tx.rows(queries.party_contacts, event.tenant, party)
    opened = ((c["guest_id"], guests.open_contact(ring, event.tenant, c["guest_id"], c["sealed"])) for c in contacts)
    guest, address = next(((guest, c.email) for guest, c in opened if c.email), (None, ""))
    wedding = await tx.row(queries.wedding, event.tenant, [])
    pass_id = await tx.value(queries.party_pass, event.tenant, party)
    name = await tx.value(queries.party_name, event.tenant, party)
    if guest is None or wedding is None or name is None:
        return
    token = (
        pass_token(settings.jwt_secret, "rsvp", pass_id)
        if pass_id
        else await add_pass(tx, settings.jwt_secret, "rsvp", event.tenant, party_id=party)
    )
    words = mail.compose(
        template,
        couple=wedding["couple_names"],
        on=wedding["on"],
        party=name,
        lines=lines,
        url=f"{settings.public_url}/rsvp/{token}",
    )
    post = Post(tx, ring, event)
    post.mail(words, to=address, name=name, kind="guest", recipient=guest, subject=subject)
    await post.send()


async def invite_supplier(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """A supplier is invited by the couple: to the address the couple gave."""
    record = event.record or {}
    wedding = await tx.row(queries.wedding, event.tenant, [])
    if wedding is None or not record.get("invited_email"):
        return
    urls = await links_by_pass(tx, settings, event.tenant, {event.subject.id}, "invite")
    words = mail.compose(
        "notices/notices/supplier_invited.txt",
        couple=wedding["couple_names"],
        on=wedding["on"],
        supplier=record["supplier_name"],
        url=urls[event.subject.id][1],
    )
    post = Post(tx, ring, event)
    to, name = record["invited_email"], record["supplier_name"]
    post.mail(words, to=to, name=name, kind="address", recipient=event.subject.id, subject=event.id, link=event.link_id)
    await post.send()


async def invite_colleague(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """Somebody was made part of a business by a colleague: to the address they sign in with."""
    person = UUID((event.record or {})["person_id"])
    people = {r["person_id"]: r for r in await tx.rows(queries.colleagues)}
    business = await tx.value(queries.supplier, event.tenant)
    told, by = people.get(person), people.get(event.actor.id)
    if told is None or not told["email"] or event.actor.id == person:
        return
    words = mail.compose(
        "notices/notices/colleague_invited.txt",
        business=business,
        by=by["name"] if by else business,
        url=f"{settings.public_url}/?next=/studio/{event.tenant}",
    )
    post = Post(tx, ring, event)
    post.mail(words, to=told["email"], name=told["name"], kind="person", recipient=person, subject=event.id)
    await post.send()


async def warn_of_endpoint(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """An endpoint fails for long, was switched off, or waits for a person: its keepers hear of it, each time once."""
    record = event.record or {}
    keepers = await tx.rows(queries.keepers)
    business = await tx.value(queries.supplier, event.tenant)
    is_off = record["state"] == "disabled"
    words = mail.compose(
        "notices/notices/endpoint_failing.txt",
        name=record["description"] or urlsplit(record["url"]).hostname,
        url=f"{settings.public_url}/?next=/{'studio' if business else 'me'}/{event.tenant}/webhooks/{event.subject.id}",
        is_off=is_off,
        is_blocked=event.type == "endpoint.changed" and not is_off,
        reason=record["state_reason"],
        since=model.hours_in_words(record.get("warned_hours", 0)),
        is_last=record.get("warned_hours", 0) >= model.LAST_WARNING_H,
    )
    post = Post(tx, ring, event)
    for keeper in keepers:
        person = keeper["person_id"]
        post.mail(words, to=keeper["email"], name=keeper["name"], kind="person", recipient=person, subject=event.id)
    await post.send()


async def warn_of_certificate(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """A client certificate comes to its end: the keepers of its endpoint hear of it, here and by mail."""
    record = event.record or {}
    keepers = await tx.rows(queries.keepers)
    business = await tx.value(queries.supplier, event.tenant)
    href = f"/{'studio' if business else 'me'}/{event.tenant}/webhooks/{event.subject.id}"
    ends_on = datetime.fromisoformat(record["auth"]["expires_at"]).date()
    name = record["description"] or urlsplit(record["url"]).hostname or ""
    days = record["certificate_days"]
    words = mail.compose(
        "notices/notices/endpoint_certificate.txt",
        name=name,
        on=ENGLISH.day(ends_on),
        days="a day" if days == 1 else f"{days} days",
        url=f"{settings.public_url}/?next={href}",
    )
    post = Post(tx, ring, event)
    for keeper in keepers:
        person = keeper["person_id"]
        post.mail(words, to=keeper["email"], name=keeper["name"], kind="person", recipient=person, subject=event.id)
    await post.send()
    title = f"The client certificate of your webhook {name} ends on {ENGLISH.day(ends_on)}"
    await _put(tx, [model.told(event, keeper["person_id"], title, keeping.CERTIFICATE, href) for keeper in keepers])


async def tell_of_conflict(tx: Tx, event: Event) -> None:
    """Two things cannot both be right, and only people can decide: who keeps the calendars reads it in their inbox."""
    business = await tx.value(queries.supplier, event.tenant)
    base = f"/{'studio' if business else 'me'}/{event.tenant}"
    keepers = await tx.rows(queries.keepers)
    await _put(tx, [keeping.conflict_row(event, keeper["person_id"], base) for keeper in keepers])


async def _put(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.nudges += [r[0] for r in await tx.rows(queries.put_notices, msgspec.json.encode(rows).decode())]


async def warn_of_connection(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """A provider no longer lets us in: whoever can connect the account again hears of it, here and by mail."""
    record = event.record or {}
    keepers = await tx.rows(queries.keepers)
    business = await tx.value(queries.supplier, event.tenant)
    href = f"/{'studio' if business else 'me'}/{event.tenant}/accounts/{event.subject.id}"
    words = mail.compose(
        "notices/notices/connection_broken.txt",
        name=record["title"],
        reason=record["state_reason"],
        url=f"{settings.public_url}/?next={href}",
    )
    post = Post(tx, ring, event)
    for keeper in keepers:
        person = keeper["person_id"]
        post.mail(words, to=keeper["email"], name=keeper["name"], kind="person", recipient=person, subject=event.id)
    await post.send()
    await _put(tx, [model.broken_row(event, keeper["person_id"], href) for keeper in keepers])


async def tell_of_plan(tx: Tx, event: Event) -> None:
    """A limit comes near or is reached, or the plan is another: owners and admins read it in their inbox."""
    title = await tx.value(queries.plan) or ""
    keepers = await tx.rows(queries.keepers)
    await _put(tx, [model.plan_row(event, keeper["person_id"], title) for keeper in keepers])
