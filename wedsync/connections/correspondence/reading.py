"""A link's correspondence as whoever asks may read it: the couple what is shared, the supplier all of it."""

from datetime import datetime
from uuid import UUID

from wedsync.connections.correspondence import actions
from wedsync.connections.correspondence.model import Message, together
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.connections.correspondence")


async def page(
    door: Door,
    ring: KeyRing,
    actor: Actor,
    link_id: UUID,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int,
) -> list[Message]:
    """The newest first. Raises Refusal 404 where the link is none of theirs."""
    async with door.enter_at(actor, "links", link_id) as tx:
        standing = await tx.row(queries.standing, link_id)
        if standing is None:
            raise not_found("link")
        shared = [actions.shared(ring, row) for row in await tx.rows(queries.shared, link_id, *before, limit)]
    if not standing["is_own"]:
        return shared
    # A member of the business reads what is shared; what is in its CRM is the owner's and the admins'.
    async with door.enter(actor, standing["supplier_id"]) as tx:
        own = [actions.own(ring, link_id, row) for row in await tx.rows(queries.own, link_id, *before, limit)]
        gone = {row["id"] for row in await tx.rows(queries.gone_of, [one.id for one in shared])}
    return together(own, shared, limit, gone)
