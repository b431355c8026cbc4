"""The couple's page of who is there when: the schedule of each day against its suppliers' bookings."""

from typing import Any
from uuid import UUID

from litestar import Response, get

from wedsync.bookings import against
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.schedule import view as schedule
from wedsync.suppliers import actions as suppliers
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.bookings")


@get("/me/{wedding_id:uuid}/suppliers/day", include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Every day with its suppliers."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        values = await _values(tx, wedding_id)
    return respond.html("bookings/against.html", shell, **values)


@get("/me/{wedding_id:uuid}/fragments/suppliers-day", include_in_schema=False)
async def fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """The same, when an item, a booking or a day changed."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        values = await _values(tx, wedding_id)
    return respond.html("bookings/_against.html", shell, **values)


async def _values(tx: Tx, wedding_id: UUID) -> dict[str, Any]:
    seen = await schedule.read(tx)
    alive = [row for row in await tx.rows(queries.link_bookings, wedding_id) if row["state"] != "cancelled"]
    names = against.Engagement.__struct_fields__
    days = against.days(
        seen.plan.values(),
        [against.Engagement(**{name: row[name] for name in names}) for row in alive],
        [row for row in await tx.rows(suppliers.queries.links, wedding_id) if row["status"] == "active"],
        states={row["link_id"]: row["state"] for row in await tx.rows(suppliers.queries.days, wedding_id)},
        on=seen.wedding["on"],
        zone=seen.wedding["time_zone"],
    )
    return {"days": days, "zone": seen.wedding["time_zone"], "width": against.WIDTH}


ROUTES = (page, fragment)
