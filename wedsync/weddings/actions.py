"""Every write of a wedding's core, members, passes and website."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import as_struct, stale
from wedsync.weddings import model

queries = sql.load("wedsync.weddings")
PASS_LIFE = timedelta(days=730)


async def create(door: Door, actor: Actor, new: model.NewWedding) -> UUID:
    """Set up a wedding with the actor as its couple; returns its id."""
    assert actor.id is not None
    async with door.bare(actor) as tx:
        kind = "key" if actor.kind == "key" else "person"
        return await set_up(tx, actor.id, new, kind=kind, only=actor.only)


async def set_up(
    tx: Tx,
    person: UUID,
    new: model.NewWedding,
    *,
    kind: str = "person",
    only: UUID | None = None,
    more: dict[str, Any] | None = None,
) -> UUID:
    """The same inside a transaction that has entered nothing; it has entered the wedding afterwards.

    `more`: core fields that are known beside. Raises Refusal 422.
    """
    model.check_zone(new.time_zone)
    model.check_day(new.on)
    wedding_id = uuid4()
    await tx.value(
        "select app.create_wedding($1, $2, $3, $4, $5, $6)",
        person,
        wedding_id,
        new.couple_names,
        new.time_zone,
        new.country,
        new.currency,
    )
    await tx.value("select app.enter($1, $2, $3, $4)", person, wedding_id, kind, only)
    row = await tx.row(queries.image, wedding_id)
    record(tx, model.CREATED, op="INSERT", row=row)
    fields = {} if new.on is None else {"on": new.on, "date_status": "provisional"}
    fields |= {name: value for name, value in (more or {}).items() if value}
    if fields:
        await _write(tx, wedding_id, fields)
    return wedding_id


async def change(
    tx: Tx, wedding_id: UUID, fields: dict[str, Any], *, version: int | None = None, is_confirmed: bool = False
) -> int:
    """Change core fields; returns the new version. Raises Refusal 404, 403, 412 or 422, and 409 in the last week for
    date, places and times, which need a second word; `is_confirmed` where it was given, or an amendment made of it.
    """
    row = await tx.row(queries.get_for_change, wedding_id)
    if row is None:
        row = await tx.row(queries.get, wedding_id)
        raise (
            not_found("wedding")
            if row is None
            else Refusal(403, "forbidden", "Only the couple changes this. Send them a proposal.")
        )
    before = as_struct(model.Wedding, row)
    if version is not None and version != before.version:
        raise await stale(tx, queries.current, wedding_id)
    fields = model.settle(before, fields)
    if not fields:
        return before.version
    if not is_confirmed and fields.keys() & model.STRUCTURAL and await tx.value(queries.guard):
        raise model.needs_second_word()
    if fields.keys() & {"on", "date_status"}:
        await tx.run(queries.keep_date, wedding_id, before.on, before.date_status, tx.actor.id)
    return await _write(tx, wedding_id, fields)


async def _write(tx: Tx, wedding_id: UUID, fields: dict[str, Any]) -> int:
    row = await tx.row(queries.change, wedding_id, msgspec.json.encode(fields).decode())
    if row is None:
        raise not_found("wedding")
    kind = model.kind_of(set(fields))
    old, new = msgspec.json.decode(row["old_record"]), msgspec.json.decode(row["record"])
    summary = {name: [old.get(name), new.get(name)] for name in fields}
    record(tx, kind, op="UPDATE", row=row, about=kind.type, summary=summary)
    version: int = row["version"]
    return version


def pass_token(secret: str, purpose: str, pass_id: UUID) -> str:
    """The token of a pass: its id and a keyed digest of it, so that a link can be shown again and never be guessed."""
    digest = hmac.new(secret.encode(), f"pass:{purpose}:{pass_id}".encode(), hashlib.sha256).digest()[:16]
    return urlsafe_b64encode(pass_id.bytes + digest).rstrip(b"=").decode()


def token_hash(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


async def add_pass(
    tx: Tx,
    secret: str,
    purpose: str,
    wedding_id: UUID,
    *,
    party_id: UUID | None = None,
    membership_id: UUID | None = None,
    link_id: UUID | None = None,
) -> str:
    """Make a pass for one party, membership or link; returns its token."""
    pass_id = uuid4()
    token = pass_token(secret, purpose, pass_id)
    expires = clock.now() + PASS_LIFE
    await tx.run(
        queries.add_pass, pass_id, wedding_id, purpose, token_hash(token), party_id, membership_id, link_id, expires
    )
    return token


async def passes_of_links(
    tx: Tx, secret: str, purpose: str, wedding_id: UUID, links: Collection[UUID]
) -> dict[UUID, tuple[UUID, str]]:
    """One pass of each link, made once, all in one statement: {link: (its id, its token)}."""
    known = {row["link_id"]: row["id"] for row in await tx.rows(queries.link_passes, wedding_id, purpose, list(links))}
    new = {link: uuid4() for link in sorted(set(links) - known.keys())}
    found = {link: (pass_id, pass_token(secret, purpose, pass_id)) for link, pass_id in (known | new).items()}
    if new:
        hashes = [token_hash(found[link][1]) for link in new]
        expires = clock.now() + PASS_LIFE
        await tx.run(queries.add_link_passes, wedding_id, purpose, list(new.values()), hashes, list(new), expires)
    return found


async def add_member(tx: Tx, wedding_id: UUID, *, role: str, name: str, email: str = "") -> UUID:
    """Name a partner by e-mail or a helper by name; returns the membership. Raises Refusal 403."""
    row = await tx.row("select * from app.add_member($1, $2, $3)", email.strip().lower(), name, role)
    if row is None:
        raise not_found("wedding")
    membership_id: UUID = row["membership_id"]
    image = await tx.row(queries.member_image, wedding_id, membership_id)
    record(tx, model.MEMBER_ADDED, op="INSERT", row=image, membership=membership_id)
    return membership_id


async def remove_member(tx: Tx, wedding_id: UUID, membership_id: UUID) -> None:
    """A partner or helper leaves: passes end, sockets are cut by the event."""
    row = await tx.row(queries.remove_member, wedding_id, membership_id)
    if row is None:
        raise not_found("member")
    await _end_passes(tx, wedding_id, membership_id)
    record(tx, model.MEMBER_REMOVED, op="UPDATE", row=row, membership=membership_id)


async def end_help(tx: Tx, wedding_id: UUID) -> None:
    """The links of all helpers end: the wedding is over. Who is still needed gets a new one from the couple."""
    for row in await tx.rows(queries.members, wedding_id):
        if row["role"] == "helper":
            await _end_passes(tx, wedding_id, row["id"])


async def renew_member_pass(tx: Tx, secret: str, wedding_id: UUID, membership_id: UUID) -> str:
    """A new link for a helper; the old ones end. Returns the token."""
    if await tx.row(queries.member_image, wedding_id, membership_id) is None:
        raise not_found("helper")
    await _end_passes(tx, wedding_id, membership_id)
    return await add_pass(tx, secret, "help", wedding_id, membership_id=membership_id)


async def _end_passes(tx: Tx, wedding_id: UUID, membership_id: UUID) -> None:
    """The links of a helper, and what their open page listens with."""
    await tx.run(queries.revoke_passes_of_member, wedding_id, membership_id)
    tx.nudges += [r[0] for r in await tx.rows("select app.end_helper_sessions($1)", membership_id)]


async def put_site(
    tx: Tx, wedding_id: UUID, *, slug: str, is_published: bool, welcome: str, version: int | None = None
) -> None:
    """Publish, change or take back the public website. Raises Refusal 409 for an address that is taken, 412."""
    snapshot = await _snapshot(tx, wedding_id)
    row = await tx.row(queries.put_site, wedding_id, slug, is_published, welcome, snapshot, version)
    if row is None:
        raise await stale(tx, queries.site_current, wedding_id)
    record(tx, model.SITE_CHANGED, op="INSERT" if row["old_record"] is None else "UPDATE", row=row)


async def refresh_site(tx: Tx, wedding_id: UUID) -> None:
    """The reaction to core and schedule changes: the public sees them too, if there is a website."""
    row = await tx.row(queries.refresh_site, wedding_id, await _snapshot(tx, wedding_id))
    if row is not None:
        record(tx, model.SITE_CHANGED, op="UPDATE", row=row)


async def _snapshot(tx: Tx, wedding_id: UUID) -> str:
    wedding = await tx.row(queries.get, wedding_id)
    if wedding is None:
        raise not_found("wedding")
    items = await tx.rows(queries.public_items, wedding_id)
    shown = (
        "couple_names",
        "on",
        "date_status",
        "time_zone",
        "ceremony_venue",
        "ceremony_address",
        "ceremony_at",
        "reception_venue",
        "reception_address",
        "reception_at",
    )
    return msgspec.json.encode({**{k: wedding[k] for k in shown}, "items": [dict(i) for i in items]}).decode()
