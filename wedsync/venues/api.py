"""The JSON door of venues: a supplier's spaces, and what it gives to the weddings it is linked to."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.venues import actions, model
from wedsync.web.context import Context, IfMatch, as_struct, expected_version, versioned
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.venues")
SPACES = "/api/v1/suppliers/{supplier_id:uuid}/spaces"
SPACE = f"{SPACES}/{{space_id:uuid}}"
USES = "/api/v1/weddings/{wedding_id:uuid}/space-uses"
USE = "/api/v1/space-uses/{use_id:uuid}"
Limit = Annotated[int, Parameter(ge=1, le=500)]


class SpacePage(msgspec.Struct, frozen=True, kw_only=True):
    """All spaces of a supplier, those in use first."""

    items: list[model.Space]
    next: str | None = None


class SpaceUsePage(msgspec.Struct, frozen=True, kw_only=True):
    """What is given to a wedding, oldest first; `next` goes back in as `?cursor=`."""

    items: list[model.SpaceUse]
    next: str | None = None


@get(SPACES, summary="Spaces", description="Rooms, gardens, barns of a venue, and how many each takes.")
async def list_spaces(ctx: Context, actor: Actor, supplier_id: UUID) -> SpacePage:
    """For the team."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return SpacePage(items=[as_struct(model.Space, row) for row in await tx.rows(queries.spaces, None)])


@post(
    SPACES,
    summary="Add a space",
    description="Several used as one are a space of their own. Owners and admins.",
)
async def add_space(ctx: Context, actor: Actor, supplier_id: UUID, data: model.NewSpace) -> Response[model.Space]:
    """It can be given to weddings at once."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await _space(tx, await actions.add(tx, data), status=201)


@get(SPACE, summary="One space", description="With its ETag.")
async def get_space(ctx: Context, actor: Actor, supplier_id: UUID, space_id: UUID) -> Response[model.Space]:
    """For the team."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await _space(tx, space_id)


@patch(
    SPACE,
    summary="Change a space",
    description="What is absent stays. Weddings keep the name and number they were given, until it is given anew.",
)
async def change_space(
    ctx: Context, actor: Actor, supplier_id: UUID, space_id: UUID, data: model.SpaceChange, if_match: IfMatch = None
) -> Response[model.Space]:
    """Owners and admins; 412 carries the current row."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.change(tx, space_id, changed_fields(data), version=expected_version(if_match))
        return await _space(tx, space_id)


@delete(SPACE, summary="Remove a space", description="Weddings keep what they were given.")
async def remove_space(ctx: Context, actor: Actor, supplier_id: UUID, space_id: UUID, if_match: IfMatch = None) -> None:
    """Owners and admins."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.remove(tx, space_id, version=expected_version(if_match))


@get(
    USES,
    summary="Spaces of a wedding",
    description="Which space is given to which part of the day, and whether all who have accepted fit. The couple sees "
    "all, a supplier its own; no number of guests is in it.",
)
async def list_space_uses(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    link_id: UUID | None = None,
    cursor: Annotated[UUID | None, Parameter(description="`next` of the page before")] = None,
    limit: Limit = 200,
) -> SpaceUsePage:
    """`link_id` narrows what the audience sees anyway."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.page, link_id, cursor, limit + 1)
        if not rows and await tx.row(queries.about) is None:
            raise not_found("item")
    next_cursor = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    return SpaceUsePage(items=[as_struct(model.SpaceUse, row) for row in rows[:limit]], next=next_cursor)


@post(
    USES,
    summary="Give a space",
    description="A linked supplier gives one of its spaces to a schedule item it sees, one each (409). Where more have "
    "accepted than it takes both sides are told at once, and `is_over` is true.",
)
async def give_space(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewSpaceUse) -> Response[model.SpaceUse]:
    """Only for the supplier of a link."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _use(tx, await actions.give(tx, data), status=201)


@get(USE, summary="One space of a wedding", description="With its ETag.")
async def get_space_use(ctx: Context, actor: Actor, use_id: UUID) -> Response[model.SpaceUse]:
    """For the couple and its supplier."""
    async with ctx.door.enter_at(actor, "space_uses", use_id) as tx:
        return await _use(tx, use_id)


@patch(
    USE,
    summary="Change what is given",
    description="Another space, arrangement, item or time. What is absent stays; naming the space or the arrangement "
    "takes over what it takes now.",
)
async def rearrange_space(
    ctx: Context, actor: Actor, use_id: UUID, data: model.SpaceUseChange, if_match: IfMatch = None
) -> Response[model.SpaceUse]:
    """Whether all fit is looked at anew."""
    async with ctx.door.enter_at(actor, "space_uses", use_id) as tx:
        await actions.rearrange(tx, use_id, changed_fields(data), version=expected_version(if_match))
        return await _use(tx, use_id)


@delete(USE, summary="Give a space no longer", description="The couple sees it at once.")
async def withdraw_space(ctx: Context, actor: Actor, use_id: UUID, if_match: IfMatch = None) -> None:
    """Only for its supplier."""
    async with ctx.door.enter_at(actor, "space_uses", use_id) as tx:
        await actions.withdraw(tx, use_id, version=expected_version(if_match))


async def _space(tx: Tx, space_id: UUID, *, status: int = 200) -> Response[model.Space]:
    row = await tx.row(queries.spaces, space_id)
    return versioned(None if row is None else as_struct(model.Space, row), status=status)


async def _use(tx: Tx, use_id: UUID, *, status: int = 200) -> Response[model.SpaceUse]:
    row = await tx.row(queries.one, use_id)
    return versioned(None if row is None else as_struct(model.SpaceUse, row), status=status)


ROUTES = (
    *(list_spaces, add_space, get_space, change_space, remove_space),
    *(list_space_uses, give_space, get_space_use, rearrange_space, withdraw_space),
)
