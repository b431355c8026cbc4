"""Every write of acknowledgements: seen, and given; only by the link that was asked."""

from uuid import UUID

from wedsync.acknowledgements import model
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found

queries = sql.load("wedsync.acknowledgements")


async def see(tx: Tx, wedding_id: UUID, acknowledgement_id: UUID | None = None) -> int:
    """The supplier opened the page: everything open (or the one named) is seen. Returns how many were new."""
    rows = await tx.rows(queries.see, wedding_id, acknowledgement_id)
    for row in rows:
        record(tx, model.SEEN, op="UPDATE", row=row, link=row["link_id"])
    return len(rows)


async def give(tx: Tx, acknowledgement_id: UUID, *, via: str) -> None:
    """Seen and fine. Giving twice changes nothing. Raises Refusal 403 for anybody but the link, 404 for nobody's."""
    row = await tx.row(queries.give, acknowledgement_id, tx.actor.id, via)
    if row is not None:
        record(tx, model.GIVEN, op="UPDATE", row=row, link=row["link_id"])
        return
    current = await tx.row(queries.get, acknowledgement_id)
    if current is None:
        raise not_found("acknowledgement")
    if current["status"] != "acknowledged":
        raise Refusal(403, "forbidden", "Only the supplier who was asked can confirm this.")


async def answer(tx: Tx, event_id: UUID, *, is_fine: bool, via: str) -> bool:
    """By whoever was told of an event by text or call: confirmed, or it cannot be done. False where it is not asked any
    more, because something newer is."""
    row = await tx.row(queries.of_event, event_id)
    if row is None:
        return False
    if is_fine:
        await give(tx, row["id"], via=via)
    else:
        await decline(tx, row["id"], via=via)
    return True


async def decline(tx: Tx, acknowledgement_id: UUID, *, via: str) -> None:
    """Seen, and it cannot be done: it stays open, and the couple hears of it. What was confirmed stays confirmed."""
    row = await tx.row(queries.decline, acknowledgement_id, via)
    if row is not None:
        record(tx, model.DECLINED, op="UPDATE", row=row, link=row["link_id"])


async def give_all(tx: Tx, acknowledgement_ids: list[UUID], *, via: str) -> None:
    """Confirm several in one statement; those already given, or of others, are left alone."""
    for row in await tx.rows(queries.give_all, acknowledgement_ids, tx.actor.id, via):
        record(tx, model.GIVEN, op="UPDATE", row=row, link=row["link_id"])
