"""Every write of feeds: made by whoever reads them, ended by them or by who runs the wedding or the business."""

from uuid import UUID

from wedsync.feeds.model import FEEDS_MAX, NewFeed
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import stale

queries = sql.load("wedsync.feeds")


async def make(tx: Tx, new: NewFeed) -> UUID:
    """A feed of the entered home for the person who acts; returns its id. Raises Refusal 409 for too many."""
    if await tx.value(queries.count) >= FEEDS_MAX:
        raise Refusal(409, "too_many_feeds", f"There are {FEEDS_MAX} feeds of yours already. End one you do not use.")
    made = await tx.row(queries.add, " ".join(new.title.split()))
    if made is None:
        raise not_found("feed")
    feed_id: UUID = made["id"]
    return feed_id


async def revoke(tx: Tx, feed_id: UUID, *, version: int | None = None) -> None:
    """Its address opens nothing from now on. Raises Refusal 404, 412."""
    if not await tx.run(queries.revoke, feed_id, version):
        raise await stale(tx, queries.current, feed_id)
