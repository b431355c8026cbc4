"""Letters about enquiries: to the team that was asked, and to whoever asked.

Anybody may type anybody's address into a public form, so what is mailed there unasked says nothing that was typed.
"""

import msgspec

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing
from wedsync.market.model import Asked
from wedsync.market.sealed import unseal
from wedsync.notices import model
from wedsync.notices.channels.mail import Post
from wedsync.web import mail
from wedsync.web.formats import day_year

queries = sql.load("wedsync.notices")


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """When one comes in, and when it is answered."""

    async def received(tx: Tx, event: Event) -> None:
        await tell_team(tx, ring, settings, event)
        await confirm(tx, ring, event)

    async def settled(tx: Tx, event: Event) -> None:
        await pass_on(tx, ring, event)

    return (
        Reaction(name="notices.enquiry", types=("enquiry.received",), run=received),
        Reaction(name="notices.enquiry_settled", types=("enquiry.answered", "enquiry.declined"), run=settled),
    )


async def tell_team(tx: Tx, ring: KeyRing, settings: Settings, event: Event) -> None:
    """Owners and admins hear what was asked, in the product and by mail; writing back reaches whoever asked."""
    row, asked = await _opened(tx, ring, event)
    keepers = await tx.rows(queries.keepers)
    href = f"/studio/{event.tenant}/enquiries/{event.subject.id}"
    words = mail.compose(
        "notices/notices/enquiry_received.txt",
        couple=asked.couple_names,
        business=row["business"],
        on=row["wedding_on"],
        venue=asked.venue,
        message=asked.message,
        url=f"{settings.public_url}/?next={href}",
    )
    post = Post(tx, ring, event)
    for keeper in keepers:
        person, to = keeper["person_id"], keeper["email"]
        post.mail(
            words,
            to=to,
            name=keeper["name"],
            kind="person",
            recipient=person,
            subject=event.id,
            reply_to=asked.email,
        )
    await post.send()
    title = f"{asked.couple_names} ask about {day_year(row['wedding_on']) if row['wedding_on'] else 'their wedding'}"
    rows = [model.told(event, keeper["person_id"], title, asked.message, href) for keeper in keepers]
    tx.nudges += [r[0] for r in await tx.rows(queries.put_notices, msgspec.json.encode(rows).decode())]


async def confirm(tx: Tx, ring: KeyRing, event: Event) -> None:
    """Whoever asked reads that it was passed on, unless their address had several of these today."""
    row, asked = await _opened(tx, ring, event)
    if not row["sends_copy"]:
        return
    words = mail.compose("notices/notices/enquiry_sent.txt", business=row["business"])
    await _to_asker(tx, ring, event, asked, words, reply_to="")


async def pass_on(tx: Tx, ring: KeyRing, event: Event) -> None:
    """What the business answered, in its name; writing back reaches the person who answered."""
    row, asked = await _opened(tx, ring, event)
    by = next((r["email"] for r in await tx.rows(queries.keepers) if r["person_id"] == event.actor.id), "")
    words = mail.compose(
        f"notices/notices/{event.type.replace('.', '_')}.txt",
        business=row["business"],
        couple=asked.couple_names,
        on=row["wedding_on"],
        reply=asked.reply,
    )
    await _to_asker(tx, ring, event, asked, words, reply_to=row["business_email"] or by)


async def _to_asker(tx: Tx, ring: KeyRing, event: Event, asked: Asked, words: mail.Words, *, reply_to: str) -> None:
    post = Post(tx, ring, event)
    post.mail(
        words,
        to=asked.email,
        name="",
        kind="address",
        recipient=event.subject.id,
        subject=event.id,
        reply_to=reply_to,
    )
    await post.send()


async def _opened(tx: Tx, ring: KeyRing, event: Event) -> tuple[Row, Asked]:
    row = await tx.row(queries.enquiry, event.subject.id)
    if row is None:
        raise not_found("enquiry")
    return row, unseal(ring, event.tenant, event.subject.id, row["sealed"])
