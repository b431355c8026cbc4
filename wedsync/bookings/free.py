"""\"Free on 14 June?\": the question anybody may ask where a supplier allows it, by address and within limits."""

from datetime import date
from typing import Final
from uuid import UUID

from wedsync.bookings import model
from wedsync.bookings.reading import PublicDay
from wedsync.kit import sql
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.errors import Refusal
from wedsync.kit.limits import Window
from wedsync.web.callers import block_of
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.bookings")
ASKED: Final = Window("free-days", count=60, window_s=60.0)
"""Of one calendar by one address: enough to look around, too little to watch a business."""


async def days(
    request: AnyRequest, ctx: Context, key: str, first: date, last: date
) -> tuple[str, list[PublicDay]] | None:
    """(the supplier's name, its days), or None for a key that opens nothing. Raises Refusal 429."""
    address = block_of(request.scope)
    decision = await ctx.limits.hit(ASKED, f"{address}|{key}")
    if not decision.is_allowed:
        raise Refusal(
            429,
            "too_many_requests",
            "Too many questions at once. Wait as long as Retry-After says.",
            headers=decision.headers(),
        )
    known = _supplier(ctx.settings.jwt_secret, key)
    if known is None:
        return None
    async with ctx.door.bare(ANONYMOUS) as tx:
        name = await tx.value(queries.public_supplier, *known)
        if name is None:
            return None
        rows = await tx.rows(queries.public_days, *known, first, last)
    return name, [PublicDay(on=row["on"], is_free=row["is_free"]) for row in rows]


def _supplier(secret: str, key: str) -> tuple[UUID, int | None] | None:
    signed = model.read_public_token(secret, key)
    if signed is not None:
        return signed
    try:
        return UUID(key), None
    except ValueError:
        return None
