"""How people come in by an invitation: a couple confirms its wedding, a supplier whom it named claims its place.

Whoever holds the pass of a mail has shown that the address is theirs. It makes an account where there was none; who had
one signs in as always, for such a link lies in a mailbox for weeks.
"""

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from wedsync.consents.sealed import index
from wedsync.invitations import sealed, writing
from wedsync.invitations.actions import queries
from wedsync.invitations.model import Known
from wedsync.invitations.posting import is_one
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.people import model as people
from wedsync.people.actions import digest
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers.model import InvitationAnswer, Level, NewSupplier
from wedsync.weddings import actions as weddings
from wedsync.weddings.actions import token_hash
from wedsync.weddings.model import NewWedding


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """One supplier on the couple's page."""

    id: UUID
    supplier_id: UUID
    supplier: str
    category: str
    website: str
    colour: str
    words: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the couple's page shows: who asks (the mail's own first) and what is known."""

    own: UUID
    known: Known
    on: date | None
    asking: Sequence[Asking]
    is_over: bool
    state: str
    wedding_id: UUID | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the couple confirms: its own words, and which of the suppliers come with it, at which level."""

    couple_names: Annotated[str, Meta(min_length=1, max_length=300)]
    on: date | None = None
    ceremony_venue: Annotated[str, Meta(max_length=300)] = ""
    taken: list[UUID] = []
    level: Level = "standard"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier takes its place: as a business it has, or as a new one."""

    name: Annotated[str, Meta(min_length=1, max_length=300)]
    category: Annotated[str, Meta(pattern="^[a-z_]{2,40}$")] = "other"
    supplier_id: UUID | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A link before its supplier answers, with the core of the wedding."""

    id: UUID
    supplier_name: str
    category: str
    invited_email: str | None
    level: str
    wedding_id: UUID
    couple_names: str
    on: date | None
    date_status: str
    time_zone: str
    ceremony_venue: str
    ceremony_address: str
    ceremony_at: Any
    reception_venue: str
    reception_address: str
    reception_at: Any
    guest_estimate: int | None
    now: datetime


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on; `session` for somebody who was nobody here before."""

    tenant: UUID
    session: str = ""


SIGN_IN = Refusal(401, "sign_in_required", "This address has an account here. Sign in with it, and go on.")
USED = Refusal(410, "gone", "This invitation has been answered, or its time is over. Ask whoever invited you.")


async def shown(door: Door, ring: KeyRing, token: str) -> Shown:
    """The couple's page. Raises Refusal 404."""
    async with door.bare(ANONYMOUS) as tx:
        return _shown(ring, await tx.rows(queries.open_page, token_hash(token)))


def _shown(ring: KeyRing, rows: Sequence[Row]) -> Shown:
    own = next((row for row in rows if row["is_own"]), None)
    if own is None:
        raise not_found("invitation")
    known = _known(ring, own)
    alike = [r for r in rows if r is not own and is_one(known, own["wedding_on"], _known(ring, r), r["wedding_on"])]
    return Shown(
        own=own["id"],
        known=known,
        on=own["wedding_on"],
        asking=[_asking(row) for row in (own, *alike)],
        is_over=own["is_over"],
        state=own["state"],
        wedding_id=own["wedding_id"],
    )


def _known(ring: KeyRing, row: Row) -> Known:
    return sealed.unseal(ring, row["supplier_id"], row["id"], row["sealed"])


def _asking(row: Row) -> Asking:
    return Asking(
        id=row["id"],
        supplier_id=row["supplier_id"],
        supplier=row["supplier_name"],
        category=row["category"],
        website=row["website"],
        colour=row["colour"],
        words=row["words"],
    )


async def see(door: Door, token: str) -> None:
    """A person looks at the page; programs that only follow links do not get this far."""
    async with door.bare(ANONYMOUS) as tx:
        tx.nudges += [r[0] for r in await tx.rows(queries.note_opened, token_hash(token))]


async def decline(door: Door, token: str) -> None:
    """No, thank you. What has ended stays as it is."""
    async with door.bare(ANONYMOUS) as tx:
        tx.nudges += [r[0] for r in await tx.rows(queries.decline, token_hash(token))]


async def confirm(door: Door, ring: KeyRing, actor: Actor, token: str, said: Answer) -> Arrived:
    """The couple's wedding, linked with those it takes with it. The pass is good once.

    Raises Refusal 401 where the address has an account, 404, 409 for somebody quicker, 410, 422 for the day.
    """
    now_shown = await shown(door, ring, token)
    if now_shown.is_over:
        raise USED
    taken = [one for one in now_shown.asking if one.id in said.taken]
    new = NewWedding(couple_names=said.couple_names, on=said.on)
    async with door.bare(actor) as tx:
        person, session = await _arrive(tx, actor, "couple", token, now_shown.known.to)
        wedding_id = await weddings.set_up(tx, person, new, more={"ceremony_venue": said.ceremony_venue})
        links = [
            await suppliers.link_up(tx, wedding_id, one.supplier_id, one.supplier, one.category, said.level)
            for one in taken
        ]
        ids, everybody = [one.id for one in taken], [one.id for one in now_shown.asking]
        row: Any = await tx.row(queries.take, token_hash(token), ids, links, everybody)
        if not row["is_taken"]:
            raise USED
        tx.nudges += row["nudges"]
    return Arrived(tenant=wedding_id, session=session)


async def _arrive(tx: Tx, actor: Actor, purpose: str, token: str, email: str) -> tuple[UUID, str]:
    """(who acts, the token of their new session or ''). Raises Refusal 401."""
    if actor.id is not None:
        return actor.id, ""
    session = secrets.token_urlsafe(32)
    row: Any = await tx.row(queries.arrive, purpose, token_hash(token), email, digest(session), people.SESSION_DAYS)
    if not row["is_new"]:
        raise SIGN_IN
    return row["person_id"], session


async def named(door: Door, token: str) -> Named:
    """What a supplier sees of the wedding by its link. Raises Refusal 404, and 410 once the link is answered."""
    async with door.enter_pass("invite", token_hash(token)) as tx:
        row = await tx.row(queries.pass_link)
    if row is None:
        raise not_found("invitation")
    return Named(**dict(row))


async def claim(door: Door, actor: Actor, token: str, wanted: Claim) -> Arrived:
    """The business is linked; where it is new it is registered first. Raises Refusal 401, 403, 404, 410."""
    link = await named(door, token)
    email = link.invited_email or ""
    if actor.id is not None and actor.email.lower() != email:
        raise Refusal(403, "another_address", "This link went to another address than yours. Sign in with that one.")
    async with door.bare(actor) as tx:
        person, session = await _arrive(tx, actor, "invite", token, email)
    me = actor if actor.id is not None else Actor(kind="person", id=person)
    supplier_id = wanted.supplier_id
    if supplier_id is None:
        supplier_id = await suppliers.register(
            door, me, NewSupplier(name=wanted.name, category=wanted.category, time_zone=link.time_zone)
        )
    await suppliers.answer(door, me, link.id, InvitationAnswer(supplier_id=supplier_id))
    return Arrived(tenant=supplier_id, session=session)


async def note_link(tx: Tx, link_id: UUID) -> None:
    """The reaction to an answered link, in its wedding."""
    tx.nudges += [r[0] for r in await tx.rows(queries.note_link, link_id)]


async def stop(door: Door, ring: KeyRing, settings: Settings, token: str, *, is_complaint: bool) -> None:
    """The address behind an opt-out link gets no invitation any more, from nobody. Raises Refusal 404."""
    invitation_id = writing.from_out_token(settings.jwt_secret, token)
    if invitation_id is None:
        raise not_found("page")
    suppression = uuid4()
    async with door.bare(ANONYMOUS) as tx:
        row = await tx.row(queries.addressee, invitation_id)
        if row is None:
            raise not_found("page")
        email = sealed.unseal(ring, row["supplier_id"], invitation_id, row["sealed"]).to
        kept = sealed.seal_address(ring, suppression, email)
        reason = "complained" if is_complaint else "opted_out"
        key = index(ring, email)
        rows = await tx.rows(queries.suppress, invitation_id, key, reason, suppression, kept)
        tx.nudges += [r[0] for r in rows]


async def addressed(door: Door, settings: Settings, token: str) -> str:
    """The supplier whose mail it was. Raises Refusal 404."""
    invitation_id = writing.from_out_token(settings.jwt_secret, token)
    async with door.bare(ANONYMOUS) as tx:
        row = await tx.row(queries.addressee, invitation_id) if invitation_id else None
    if row is None:
        raise not_found("page")
    return str(row["supplier_name"])
