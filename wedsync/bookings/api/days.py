"""The JSON door of free days: for the team, for a linked couple, and for whomever the supplier lets ask."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from wedsync.bookings import free, model, reading
from wedsync.bookings.api.bookings import First, Last
from wedsync.bookings.rows import LinkBooking
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import not_found
from wedsync.web.context import Context, Page, as_struct
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.bookings")
Key = Annotated[str, Parameter(max_length=80, description="The token of the link, or the id of a public supplier")]
_WHAT: Final = "Free: something of the business has nothing that day. Partly: it has four hours together."


@get(
    "/api/v1/suppliers/{supplier_id:uuid}/availability",
    summary="Days of a supplier",
    description=f"For its team. {_WHAT}",
)
async def availability(ctx: Context, actor: Actor, supplier_id: UUID, first: First = None, last: Last = None) -> Page:
    """At most a year at once."""
    asked = model.day_range(first, last, model.RANGE_DAYS_MAX)
    async with ctx.door.enter(actor, supplier_id) as tx:
        return Page(list(reading.days(await tx.rows(queries.availability, *asked))))


@get(
    "/api/v1/links/{link_id:uuid}/availability",
    summary="Days of a linked supplier",
    description=f"For the couple: days, never what is in them. {_WHAT}",
)
async def linked_availability(
    ctx: Context, actor: Actor, link_id: UUID, first: First = None, last: Last = None
) -> Page:
    """Of an active link."""
    asked = model.day_range(first, last, model.RANGE_DAYS_MAX)
    async with ctx.door.enter_at(actor, "links", link_id) as tx:
        return Page(list(reading.days(await tx.rows(queries.linked_days, link_id, *asked))))


@get(
    "/api/v1/weddings/{wedding_id:uuid}/bookings",
    summary="What suppliers have booked for a wedding",
    description="From when to when, held or booked. A supplier sees its own.",
)
async def wedding_bookings(ctx: Context, actor: Actor, wedding_id: UUID) -> Page:
    """By their start."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return Page([as_struct(LinkBooking, row) for row in await tx.rows(queries.link_bookings, wedding_id)])


class PublicDays(msgspec.Struct, frozen=True, kw_only=True):
    """Which days are free; nothing else of the calendar."""

    items: list[reading.PublicDay]


@get(
    "/api/v1/free/{key:str}",
    summary="Free on that day?",
    description="Without signing in, where the supplier allows it: free or not per day, nothing else. At most 62 days.",
)
async def public_days(
    request: AnyRequest, ctx: Context, key: Key, first: First = None, last: Last = None
) -> PublicDays:
    """404 alike for who does not allow it, who is not here, and a link that has ended; 429 for who asks too often."""
    found = await free.days(request, ctx, key, *model.day_range(first, last, model.PUBLIC_DAYS_MAX))
    if found is None:
        raise not_found("calendar")
    return PublicDays(items=found[1])


ROUTES = (availability, linked_availability, wedding_bookings, public_days)
