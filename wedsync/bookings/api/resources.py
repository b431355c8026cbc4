"""The JSON door of what can be booked, of other calendars' busy times, and of who may ask for free days."""

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, patch, post, put
from litestar.params import Parameter

from wedsync.bookings import reading, resources
from wedsync.bookings.rows import (
    BusyPatch,
    BusyReplacement,
    BusySource,
    NewResource,
    Resource,
    ResourceChange,
    SettingsChange,
)
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.web.context import Context, IfMatch, Page, as_struct, expected_version, versioned

queries = sql.load("wedsync.bookings")
RESOURCES = "/api/v1/suppliers/{supplier_id:uuid}/resources"
SETTINGS = "/api/v1/suppliers/{supplier_id:uuid}/booking-settings"
CALENDARS = "/api/v1/suppliers/{supplier_id:uuid}/busy-calendars"
CALENDAR = f"{CALENDARS}/{{source:str}}"
Source = Annotated[
    str, Parameter(pattern="^[a-z0-9][a-z0-9_.:-]{0,79}$", description="A name of your own for the calendar")
]


@get(RESOURCES, summary="What can be booked", description="The business itself, a second shooter, hall A and B.")
async def list_resources(ctx: Context, actor: Actor, supplier_id: UUID) -> Page:
    """Each takes one booking at a time."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return Page([as_struct(Resource, row) for row in await tx.rows(queries.resources, None)])


@post(RESOURCES, summary="Add something that can be booked", description="Owners and admins.")
async def add_resource(ctx: Context, actor: Actor, supplier_id: UUID, data: NewResource) -> Response[Resource]:
    """It takes bookings at once."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await _resource(tx, await resources.add(tx, data), status=201)


@patch(
    RESOURCES + "/{resource_id:uuid}",
    summary="Rename a resource, or take it out of use",
    description="Out of use it keeps its bookings and takes no more; the business itself stays (409).",
)
async def change_resource(
    ctx: Context, actor: Actor, supplier_id: UUID, resource_id: UUID, data: ResourceChange, if_match: IfMatch = None
) -> Response[Resource]:
    """Owners and admins."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await resources.change(tx, resource_id, data, version=expected_version(if_match))
        return await _resource(tx, resource_id)


async def _resource(tx: Tx, resource_id: UUID, *, status: int = 200) -> Response[Resource]:
    row = await tx.row(queries.resources, resource_id)
    return versioned(None if row is None else as_struct(Resource, row), status=status)


@get(SETTINGS, summary="How a business is booked", description="With the link by which others ask for free days.")
async def get_settings(ctx: Context, actor: Actor, supplier_id: UUID) -> Response[reading.SettingsView]:
    """For the team."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await _settings(ctx, tx, supplier_id)


@patch(SETTINGS, summary="Change how a business is booked", description="What is absent stays.")
async def change_settings(
    ctx: Context, actor: Actor, supplier_id: UUID, data: SettingsChange, if_match: IfMatch = None
) -> Response[reading.SettingsView]:
    """Owners and admins."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await resources.change_settings(tx, data, version=expected_version(if_match))
        return await _settings(ctx, tx, supplier_id)


@post(f"{SETTINGS}/link", status_code=200, summary="A new link to ask for free days", description="Earlier ones end.")
async def new_link(ctx: Context, actor: Actor, supplier_id: UUID) -> Response[reading.SettingsView]:
    """Owners and admins."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await resources.new_link(tx)
        return await _settings(ctx, tx, supplier_id)


@delete(f"{SETTINGS}/link", summary="End the link to ask for free days", description="Whoever has it gets 404.")
async def end_link(ctx: Context, actor: Actor, supplier_id: UUID) -> None:
    """Owners and admins."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await resources.end_link(tx)


async def _settings(ctx: Context, tx: Tx, supplier_id: UUID) -> Response[reading.SettingsView]:
    return versioned(reading.settings_view(ctx.settings, supplier_id, await tx.row(queries.settings)))


@get(CALENDARS, summary="Calendars elsewhere", description="Whose busy times are known here, and since when.")
async def list_calendars(ctx: Context, actor: Actor, supplier_id: UUID) -> Page:
    """For the team."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return Page([as_struct(BusySource, row) for row in await tx.rows(queries.sources, None)])


@put(
    CALENDAR,
    summary="Tell all busy times of a calendar",
    description="What is not among them is gone. No titles: only from when until when. They do not refuse a booking, "
    "but are shown as its conflict.",
)
async def replace_busy(
    ctx: Context, actor: Actor, supplier_id: UUID, source: Source, data: BusyReplacement
) -> Response[BusySource]:
    """Owners and admins."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await resources.replace_busy(tx, source, data)
        return await _calendar(tx, source)


@patch(
    CALENDAR,
    summary="Tell what changed in a calendar",
    description="`busy` is busy now, `gone` no longer; the rest stays.",
)
async def patch_busy(
    ctx: Context, actor: Actor, supplier_id: UUID, source: Source, data: BusyPatch
) -> Response[BusySource]:
    """Owners and admins; 404 for a calendar that was never told whole."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await resources.patch_busy(tx, source, data)
        return await _calendar(tx, source)


async def _calendar(tx: Tx, source: str) -> Response[BusySource]:
    row = await tx.row(queries.sources, source)
    return versioned(None if row is None else as_struct(BusySource, row))


ROUTES = (
    *(list_resources, add_resource, change_resource),
    *(get_settings, change_settings, new_link, end_link),
    *(list_calendars, replace_busy, patch_busy),
)
