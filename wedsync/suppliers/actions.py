"""Every write of suppliers and links: register, invite, request, answer, grant, revoke."""

from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.events.record import record
from wedsync.events.scope import Scope
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers import model
from wedsync.suppliers.team import model as team
from wedsync.web.context import stale
from wedsync.weddings.model import check_zone

queries = sql.load("wedsync.suppliers")


async def register(door: Door, actor: Actor, new: model.NewSupplier) -> UUID:
    """Register a business with the actor as its owner; returns its id."""
    supplier_id = uuid4()
    async with door.bare(actor) as tx:
        await tx.value(
            "select app.create_supplier($1, $2, $3, $4, $5)",
            actor.id,
            supplier_id,
            new.name.strip(),
            new.category,
            new.time_zone,
        )
        kind = "key" if actor.kind == "key" else "person"
        await tx.value("select app.enter($1, $2, $3, $4)", actor.id, supplier_id, kind, actor.only)
        record(tx, model.REGISTERED, op="INSERT", row=await tx.row(queries.supplier_image, supplier_id))
        record(tx, team.JOINED, op="INSERT", row=await tx.row(queries.member_of_person, actor.id))
    return supplier_id


async def describe(tx: Tx, *, name: str | None = None, category: str | None = None, zone: str | None = None) -> None:
    """What a business is called, what it does, and when it is there. Raises Refusal 403, 404, 422."""
    if zone is not None:
        check_zone(zone)
    row = await tx.row(queries.describe, name, category, zone)
    if row is None:
        raise Refusal(403, "forbidden", "Only an owner or admin of this business changes what it is called.")
    record(tx, model.SUPPLIER_CHANGED, op="UPDATE", row=row)


async def invite(tx: Tx, wedding_id: UUID, new: model.NewLink) -> UUID:
    """The couple invites a supplier by e-mail at a level; returns the link. Raises Refusal 409 for a second one."""
    email = new.email.strip().lower()
    if await tx.row(queries.same_invitation, wedding_id, email) is not None:
        raise Refusal(409, "already_invited", "This supplier is already invited or linked. Change the link instead.")
    scopes = int(model.LEVELS[new.level])
    row = await tx.row(queries.invite, wedding_id, new.supplier_name.strip(), new.category, email, new.level, scopes)
    if row is None:
        raise not_found("wedding")
    record(tx, model.INVITED, op="INSERT", row=row, link=row["id"])
    link_id: UUID = row["id"]
    return link_id


async def link_up(tx: Tx, wedding_id: UUID, supplier_id: UUID, name: str, category: str, level: model.Level) -> UUID:
    """The couple takes a supplier that asked it along, at a level it chooses; returns the link."""
    row = await tx.row(queries.link_up, wedding_id, supplier_id, name, category, level, int(model.LEVELS[level]))
    if row is None:
        raise not_found("wedding")
    record(tx, model.ACCEPTED, op="INSERT", row=row, link=row["id"])
    link_id: UUID = row["id"]
    return link_id


async def request(door: Door, actor: Actor, supplier_id: UUID, couple_email: str) -> None:
    """A supplier asks to be linked. The answer is the same whether or not such a couple is here."""
    async with door.bare(actor) as tx:
        found = await tx.value("select app.enter_request($1, $2, $3)", actor.id, supplier_id, couple_email)
        row = await tx.row("select * from app.request_link($1)", supplier_id) if found else None
        if row is not None:
            _record_link(tx, model.REQUESTED, "INSERT", row, None)


async def answer(door: Door, actor: Actor, link_id: UUID, said: model.InvitationAnswer) -> None:
    """A supplier takes up or declines an invitation addressed to the actor. Raises Refusal 404."""
    async with door.bare(actor) as tx:
        await tx.value("select app.enter_invitation($1, $2, $3)", actor.id, link_id, said.supplier_id)
        before = await tx.row(queries.link, link_id)
        row = await tx.row("select * from app.answer_invitation($1, $2)", said.supplier_id, said.accept)
        if row is None:
            raise not_found("invitation")
        _record_link(tx, model.ACCEPTED if said.accept else model.DECLINED, "UPDATE", row, before)


def _record_link(tx: Tx, kind: EventType, op: str, row: Row, before: Row | None) -> None:
    """Definer functions return whole rows, not images; made into one here."""
    images: Any = {"id": row["id"], "record": _image(row), "old_record": None if before is None else _image(before)}
    record(tx, kind, op=op, row=images, link=row["id"])


def _image(row: Row) -> str:
    return msgspec.json.encode(dict(row)).decode()


async def change(tx: Tx, link_id: UUID, wanted: model.LinkChange, *, version: int | None = None) -> int:
    """The couple grants, takes away, or answers a request; returns the version. Raises Refusal 403, 404, 412, 422."""
    row = await tx.row(queries.link_for_change, link_id)
    if row is None:
        if await tx.row(queries.link, link_id) is None:
            raise not_found("link")
        raise Refusal(403, "forbidden", "Only the couple decides what a supplier may see.")
    if version is not None and version != row["version"]:
        raise await stale(tx, queries.link_current, link_id)
    granted = model.grant(model.Grant(row["level"], Scope(row["scopes"]), row["can_edit_timeline"]), wanted)
    status = _status(row["status"], row["invited_by"], wanted)
    changed = await tx.row(
        queries.change, link_id, granted.level, int(granted.scopes), granted.can_edit_timeline, status
    )
    if changed is None:
        raise not_found("link")
    kind = (
        model.SCOPES_CHANGED if status == row["status"] else (model.ACCEPTED if status == "active" else model.DECLINED)
    )
    record(tx, kind, op="UPDATE", row=changed, link=link_id)
    now: int = changed["version"]
    return now


def _status(before: str, invited_by: str, wanted: model.LinkChange) -> str:
    if wanted.status is msgspec.UNSET or wanted.status == before:
        return before
    if before != "requested" or invited_by != "supplier":
        raise Refusal(409, "not_requested", "Only a supplier's own request can be accepted or declined here.")
    return str(wanted.status)


async def revoke(tx: Tx, link_id: UUID) -> None:
    """The couple ends a link: sockets and deliveries stop at once, the row stays as history."""
    row = await tx.row(queries.link_for_change, link_id)
    if row is None:
        raise (
            not_found("link")
            if await tx.row(queries.link, link_id) is None
            else Refusal(403, "forbidden", "Only the couple ends a link.")
        )
    changed = await tx.row(queries.change, link_id, "basic", 0, False, "revoked")
    if changed is None:
        raise not_found("link")
    record(tx, model.REVOKED, op="UPDATE", row=changed, link=link_id)


async def refresh_index(tx: Tx, wedding_id: UUID) -> None:
    """The reaction that keeps every linked supplier's portfolio true; their nudges go out after commit."""
    tx.nudges += [r[0] for r in await tx.rows("select app.refresh_index($1)", wedding_id)]
