"""The link of a party: made, shown, replaced, and sent by mail.

The token of a pass is its id and a keyed digest of it, so a link can be shown as often as wanted while only its
fingerprint is kept.
"""

from typing import Any
from uuid import UUID, uuid4

from wedsync.events.record import record
from wedsync.guests import facts, sealed
from wedsync.kit import clock, sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.weddings import actions as weddings

queries = sql.load("wedsync.guests")
PURPOSE = "rsvp"


async def links(tx: Tx, secret: str, wedding_id: UUID, party_ids: list[UUID]) -> dict[UUID, str]:
    """The tokens of the parties that have a link."""
    rows = await tx.rows(queries.live_links, wedding_id, party_ids)
    return {r["party_id"]: weddings.pass_token(secret, PURPOSE, r["id"]) for r in rows}


async def make_links(tx: Tx, secret: str, wedding_id: UUID, party_ids: list[UUID]) -> dict[UUID, str]:
    """The tokens of all the parties; who has no link gets one."""
    found = await links(tx, secret, wedding_id, party_ids)
    missing = {party: uuid4() for party in party_ids if party not in found}
    made = {party: weddings.pass_token(secret, PURPOSE, id) for party, id in missing.items()}
    expires = clock.now() + weddings.PASS_LIFE
    await tx.many(
        weddings.queries.add_pass,
        [
            (missing[party], wedding_id, PURPOSE, weddings.token_hash(token), party, None, None, expires)
            for party, token in made.items()
        ],
    )
    return found | made


async def renew_link(tx: Tx, secret: str, wedding_id: UUID, party_id: UUID) -> str:
    """A new link; the old one ends at once."""
    if await tx.row(queries.party_current, party_id) is None:
        raise not_found("party")
    await tx.run(queries.end_links, wedding_id, party_id)
    return (await make_links(tx, secret, wedding_id, [party_id]))[party_id]


async def addresses(tx: Tx, ring: KeyRing, wedding_id: UUID, party_ids: list[UUID]) -> dict[UUID, str]:
    """Where each party is reached: the first address of its guests, in their order."""
    found: dict[UUID, str] = {}
    for row in await tx.rows(queries.contacts_of_parties, wedding_id, party_ids):
        email = sealed.open_contact(ring, wedding_id, row["guest_id"], row["sealed"]).email
        if email:
            found.setdefault(row["party_id"], email)
    return found


async def invite_by_mail(tx: Tx, ring: KeyRing, secret: str, wedding_id: UUID, party_ids: list[UUID]) -> list[UUID]:
    """Invite the parties that have an address: their links are made and the fact is recorded, which the mail follows.

    Returns whom it reached. Raises Refusal 422 when that is nobody.
    """
    reached = list(await addresses(tx, ring, wedding_id, party_ids))
    if not reached:
        fix = "Add an e-mail address to one of the guests, or copy the link and send it yourself."
        raise Refusal(
            422, "no_address", f"There is no e-mail address. {fix}", errors=[FieldError("email", "is missing", fix)]
        )
    await make_links(tx, secret, wedding_id, reached)
    rows: list[Any] = await tx.rows(queries.mark_invited, wedding_id, reached)
    for row in rows:
        record(tx, facts.PARTY_INVITED, op="UPDATE", row=row)
    return [row["id"] for row in rows]
