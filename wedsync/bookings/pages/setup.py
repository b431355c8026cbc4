"""The studio's page of what can be booked, and of who may ask which days are free."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.bookings import reading, resources
from wedsync.bookings.pages.calendar import CALENDAR, Place, entered
from wedsync.bookings.rows import NewResource, ResourceChange, SettingsChange
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.bookings")
SETUP = f"{CALENDAR}/setup"
WORDS = {
    "name": FieldError("name", "What is it called?", "Such as Second shooter, at most 120 characters."),
    "hold_hours": FieldError("hold_hours", "From one hour to ninety days", ""),
}


@get(SETUP, include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """For owners and admins."""
    async with entered(request, ctx, actor, supplier_id) as place:
        return await _page(ctx, place, supplier_id)


async def _page(ctx: Context, place: Place, supplier_id: UUID, errors: Any = None, code: int = 200) -> Response[str]:
    if not place.may_manage:
        raise Refusal(403, "forbidden", "Only an owner or admin sets up the calendar. Ask one of them.")
    return respond.html(
        "bookings/setup.html",
        place.shell,
        code=code,
        resources=await place.tx.rows(queries.resources, None),
        sources=await place.tx.rows(queries.sources, None),
        settings=reading.settings_view(ctx.settings, supplier_id, await place.tx.row(queries.settings)),
        errors=errors or {},
    )


@post(f"{SETUP}/resources", include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """One more that can be booked."""
    form = await forms.read(request)
    try:
        new = forms.checked(NewResource, {"name": form.text("name")}, WORDS)
        async with entered(request, ctx, actor, supplier_id) as place:
            await resources.add(place.tx, new)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        async with entered(request, ctx, actor, supplier_id) as place:
            return await _page(ctx, place, supplier_id, forms.errors_of(refusal), 422)
    return respond.see_other(f"/studio/{supplier_id}/calendar/setup")


@post(SETUP + "/resources/{resource_id:uuid}", include_in_schema=False)
async def change(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, resource_id: UUID
) -> Response[Any]:
    """In use or not."""
    form = await forms.read(request)
    async with entered(request, ctx, actor, supplier_id) as place:
        wanted = ResourceChange(is_active=form.on("is_active"))
        await resources.change(place.tx, resource_id, wanted, version=form.number("version"))
    return respond.see_other(f"/studio/{supplier_id}/calendar/setup")


@post(SETUP + "/settings/{what:str}", include_in_schema=False)
async def settings(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, what: str) -> Response[Any]:
    """How long holds last and whether anybody may ask; a new link; the end of it."""
    form = await forms.read(request)
    async with entered(request, ctx, actor, supplier_id) as place:
        if what == "save":
            given = {"is_public": form.on("is_public"), "hold_hours": form.number("hold_hours")}
            await resources.change_settings(place.tx, forms.checked(SettingsChange, given, WORDS))
        elif what == "new-link":
            await resources.new_link(place.tx)
        elif what == "end-link":
            await resources.end_link(place.tx)
        else:
            raise not_found("page")
    return respond.see_other(f"/studio/{supplier_id}/calendar/setup")


ROUTES = (page, add, change, settings)
