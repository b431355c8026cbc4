"""Every write of public pages and enquiries: the page, what somebody asks by it, and what becomes of that."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.clients import actions as clients
from wedsync.clients.model import NewClient
from wedsync.events.catalogue import EventType
from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.market import facts, model, sealed
from wedsync.market.model import Asked, NewEnquiry, NewListing, State
from wedsync.web.context import invalid, stale

queries = sql.load("wedsync.market")
MANAGERS: Final = ("owner", "admin", "system")
ATTRIBUTION: Final = timedelta(days=180)
"""How long what a couple books counts as begun by their first enquiry here."""
SOURCE: Final = "marketplace"


async def home(tx: Tx) -> Row:
    """The entered supplier and who acts. Raises Refusal 404 in another kind of tenant."""
    row = await tx.row(queries.home)
    if row is None:
        raise not_found("supplier")
    return row


async def managed(tx: Tx) -> Row:
    """As `home`. Raises Refusal 403 for whoever only reads."""
    row = await home(tx)
    if row["role"] not in MANAGERS:
        detail = "Only an owner or admin of this business changes its page and answers enquiries. Ask one of them."
        raise Refusal(403, "forbidden", detail)
    return row


async def put_listing(tx: Tx, new: NewListing, *, version: int | None = None) -> None:
    """Make, change, publish or take back the page. Raises Refusal 403, 412, 422, and 409 for an address that is taken,
    with one that is free.
    """
    await managed(tx)
    fields = model.settle(new)
    slug = fields["slug"]
    if await tx.value(queries.free_slug, [slug]) is None:
        raise taken(await tx.value(queries.free_slug, model.proposals(slug, new.place)))
    fields["portfolio"] = msgspec.json.encode(fields["portfolio"]).decode()
    row = await tx.row(queries.put_listing, *fields.values(), version)
    if row is None:
        raise await stale(tx, queries.listing_current)
    record(tx, facts.LISTING_CHANGED, op="INSERT" if row["old_record"] is None else "UPDATE", row=row)


def taken(free: str | None) -> Refusal:
    """The answer to whoever wants another business's address."""
    fix = f"{free} is free." if free else "Choose another."
    return Refusal(
        409,
        "slug_taken",
        f"Another business has this address. {fix}",
        errors=[FieldError("slug", "is taken", fix)],
        extra={"free": free},
    )


async def enquire(door: Door, ring: KeyRing, listing: Row, new: NewEnquiry, *, sends_copy: bool) -> bool:
    """Somebody asks by a published page; whether it is the first time that this form came. Raises Refusal 404, 422."""
    asked = model.asked(new, clock.now().date())
    enquiry_id = uuid4()
    kept = sealed.seal(ring, listing["supplier_id"], enquiry_id, asked)
    async with door.bare(ANONYMOUS) as tx:
        row = await tx.row(queries.enquire, listing["slug"], enquiry_id, new.form_key, new.wedding_on, sends_copy, kept)
        if row is not None:
            record(tx, facts.RECEIVED, op="INSERT", row=row)
    return row is not None


async def file(tx: Tx, ring: KeyRing, enquiry_id: UUID) -> None:
    """The reaction to an enquiry: whoever asks becomes a client. Who was one before began elsewhere, and owes nothing
    to the page.
    """
    before = await tx.row(queries.for_change, enquiry_id)
    if before is None or before["client_id"] is not None:
        return
    asked = sealed.unseal(ring, await tx.home(), enquiry_id, before["sealed"])
    client_id, is_new = await _client(tx, ring, enquiry_id, before, asked)
    until = before["received_at"] + ATTRIBUTION if is_new else None
    row: Any = await tx.row(queries.file, enquiry_id, client_id, until)
    record(tx, facts.FILED, op="UPDATE", row=row)


async def _client(tx: Tx, ring: KeyRing, enquiry_id: UUID, before: Row, asked: Asked) -> tuple[UUID, bool]:
    new = NewClient(
        name=asked.name,
        partner_name=asked.partner_name,
        email=asked.email,
        phone=asked.phone,
        venue=asked.venue,
        note=asked.message,
        wedding_on=before["wedding_on"],
        source=SOURCE,
        external_id=str(enquiry_id),
    )
    try:
        return await clients.add(tx, ring, new), True
    except Refusal as refusal:
        if refusal.code != "client_known":
            raise
        return UUID(str(refusal.extra["client_id"])), False


async def answer(tx: Tx, ring: KeyRing, enquiry_id: UUID, message: str, *, version: int | None = None) -> None:
    """Write back. Raises Refusal 403, 404, 409 for one that was settled, 412, 422."""
    if not (words := model.paragraphs(message)):
        raise invalid("message", "is missing", "Write what they should read.")
    await _settle(tx, ring, enquiry_id, "answered", words, facts.ANSWERED, version)


async def decline(tx: Tx, ring: KeyRing, enquiry_id: UUID, message: str, *, version: int | None = None) -> None:
    """Say that it cannot be; the client that the enquiry made is cancelled. Raises Refusal as `answer`."""
    await _settle(tx, ring, enquiry_id, "declined", model.paragraphs(message), facts.DECLINED, version)
    client_id = await tx.value(queries.waiting_client, enquiry_id)
    if client_id is not None:
        await clients.change(tx, ring, client_id, {"stage": "cancelled"})


async def _settle(
    tx: Tx, ring: KeyRing, enquiry_id: UUID, state: State, words: str, fact: EventType, version: int | None
) -> None:
    await managed(tx)
    before = await tx.row(queries.for_change, enquiry_id)
    if before is None:
        raise not_found("enquiry")
    if before["state"] != "received":
        detail = f"This enquiry is {model.STATES[before['state']].lower()} already. Write to them yourself for more."
        raise Refusal(409, "enquiry_settled", detail)
    if version is not None and version != before["version"]:
        raise await stale(tx, queries.enquiry_current, enquiry_id)
    supplier_id = await tx.home()
    asked = sealed.unseal(ring, supplier_id, enquiry_id, before["sealed"])
    kept = sealed.seal(ring, supplier_id, enquiry_id, msgspec.structs.replace(asked, reply=words))
    row: Any = await tx.row(queries.settle, enquiry_id, state, kept)
    record(tx, fact, op="UPDATE", row=row)
