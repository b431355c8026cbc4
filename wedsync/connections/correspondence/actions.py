"""Every write of a link's correspondence: its supplier shares a message with the couple, or shares it no more.

Its own messages are in the supplier's home and what is shared is in the wedding's, so that nothing that was not shared
can be read in a wedding by anybody. Each act is a look in one home and a write in the other: sharing twice is once.
"""

from uuid import UUID, uuid4

from wedsync.connections.correspondence import facts
from wedsync.connections.correspondence.model import TABLE, Message, Words
from wedsync.connections.records.kept import Seals
from wedsync.connections.tenant_seals import TenantSeals
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.connections.correspondence")
KEEPERS = ("owner", "admin")


async def share(door: Door, ring: KeyRing, actor: Actor, link_id: UUID, message_id: UUID) -> None:
    """The couple reads it from now on, as it is now. Raises Refusal 403, 404."""
    standing = await _own_link(door, actor, link_id)
    async with door.enter(actor, standing["supplier_id"]) as tx:
        await _check_keeper(tx)
        row = await tx.row(queries.own_one, link_id, message_id)
        if row is None:
            raise not_found("message")
        one = own(ring, link_id, row)
    async with door.enter(actor, standing["wedding_id"]) as tx:
        await _write(tx, ring, standing["wedding_id"], one)


async def withdraw(door: Door, actor: Actor, link_id: UUID, message_id: UUID) -> None:
    """Only the supplier reads it from now on. Raises Refusal 403, or 404 for one that is not shared."""
    standing = await _own_link(door, actor, link_id)
    async with door.enter(actor, standing["supplier_id"]) as tx:
        await _check_keeper(tx)
    async with door.enter(actor, standing["wedding_id"]) as tx:
        row = await tx.row(queries.withdraw, message_id)
        if row is None:
            raise not_found("message")
        record(tx, facts.WITHDRAWN, op="DELETE", row=row, link=row["link_id"])


async def _write(tx: Tx, ring: KeyRing, wedding: UUID, one: Message) -> None:
    words, seals = Words(text=one.text, source=one.source), TenantSeals(ring, wedding)
    there = await tx.row(queries.shared_one, one.id)
    if there is not None and seals.open(there["sealed"], Words, table=TABLE, row=there["id"]) == words:
        return
    id = uuid4() if there is None else there["id"]
    row = await tx.row(queries.share, id, one.id, seals.seal(words, table=TABLE, row=id), one.said_at)
    if row is None:
        raise not_found("message")
    record(tx, facts.SHARED, op="UPDATE" if row["was_shared"] else "INSERT", row=row, link=row["link_id"])


def own(ring: KeyRing, link_id: UUID, row: Row) -> Message:
    """A row of the supplier's own, opened."""
    said = Seals(ring, row["tenant_id"]).message(row["id"], row["sealed"])
    return Message(id=row["id"], link_id=link_id, text=said.text, said_at=row["said_at"], source=row["source"])


def shared(ring: KeyRing, row: Row) -> Message:
    """A row of what is shared, opened."""
    words = TenantSeals(ring, row["wedding_id"]).open(row["sealed"], Words, table=TABLE, row=row["id"])
    return Message(
        id=row["source_id"],
        link_id=row["link_id"],
        text=words.text,
        said_at=row["said_at"],
        source=words.source,
        shared_at=row["updated_at"],
    )


async def _own_link(door: Door, actor: Actor, link_id: UUID) -> Row:
    async with door.enter_at(actor, "links", link_id) as tx:
        standing = await tx.row(queries.standing, link_id)
    if standing is None:
        raise not_found("link")
    if not standing["is_own"]:
        raise Refusal(403, "forbidden", "Only the supplier shares what was said with them. Ask them to.")
    return standing


async def _check_keeper(tx: Tx) -> None:
    if await tx.value(queries.my_role) not in KEEPERS:
        raise Refusal(403, "forbidden", "Only an owner or admin decides what is shared. Ask one of them.")
