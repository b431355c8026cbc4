"""The JSON door of invitations; the couple's side is pages, opened from its mail."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post, put
from litestar.params import Parameter

from wedsync.clients.actions import home
from wedsync.invitations import actions, model
from wedsync.kit.actor import Actor
from wedsync.kit.errors import not_found
from wedsync.web.context import Context, Page, versioned

INVITATIONS = "/api/v1/suppliers/{supplier_id:uuid}/invitations"
Limit = Annotated[int, Parameter(ge=1, le=500)]
Cursor = Annotated[UUID | None, Parameter(description="`next` of the page before")]


@get(
    INVITATIONS,
    summary="Invitations",
    description="Those a supplier has sent to couples, newest first, and what became of each. For the team.",
)
async def list_invitations(
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    stands: Annotated[model.State | None, Parameter(query="state")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page:
    """The whole team reads."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        views, following = await actions.page(tx, ctx.ring, stands or "", cursor=cursor, limit=limit)
    return Page(list(views), following)


@post(
    INVITATIONS,
    summary="Invite couples",
    description="Named clients, or `all` that can be invited (up to a thousand at once). Whoever may not be written to "
    "is left out with the reason in `why`. The mails leave a slice at a time. `?dry_run=true` (200) only says what "
    "would be; 409 `invitations_paused` while too many come back or one was reported. Owners and admins.",
)
async def invite(
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    data: model.Chosen,
    dry_run: Annotated[bool, Parameter(description="Nothing is written, nobody is told")] = False,
) -> Response[model.Verdicts]:
    """202: they are on their way."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        if dry_run:
            return Response(await actions.preview(tx, ctx.ring, data), status_code=200)
        return Response(await actions.invite(tx, ctx.ring, ctx.settings, data), status_code=202)


@get(
    f"{INVITATIONS}/funnel",
    summary="How far couples came",
    description="Clients, invited, delivered, opened, joined, weddings with a second supplier. For the team.",
)
async def funnel(ctx: Context, actor: Actor, supplier_id: UUID) -> model.Funnel:
    """Each client counted once at every step."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await actions.funnel(tx)


@get(
    f"{INVITATIONS}/style",
    summary="How invitations look",
    description="Colour, own words, who signs, the postal address under them.",
)
async def get_style(ctx: Context, actor: Actor, supplier_id: UUID) -> model.Style:
    """As it is, or as it is by default."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await home(tx)
        return (await actions.style(tx))[2]


@put(f"{INVITATIONS}/style", summary="Change how invitations look", description="Owners and admins.")
async def put_style(ctx: Context, actor: Actor, supplier_id: UUID, data: model.Style) -> model.Style:
    """For mails from now on."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.put_style(tx, data)
        return (await actions.style(tx))[2]


@get(f"{INVITATIONS}/{{invitation_id:uuid}}", summary="One invitation", description="With its ETag.")
async def get_invitation(
    ctx: Context, actor: Actor, supplier_id: UUID, invitation_id: UUID
) -> Response[model.InvitationView]:
    """For the team."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await _one(ctx, tx, invitation_id)


@post(
    f"{INVITATIONS}/{{invitation_id:uuid}}/withdraw",
    status_code=200,
    summary="Take an invitation back",
    description="Its link opens nothing any more. What has ended stays as it is. Owners and admins.",
)
async def withdraw(
    ctx: Context, actor: Actor, supplier_id: UUID, invitation_id: UUID
) -> Response[model.InvitationView]:
    """The couple may be invited again later."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.withdraw(tx, invitation_id)
        return await _one(ctx, tx, invitation_id)


async def _one(ctx: Context, tx: Any, invitation_id: UUID) -> Response[model.InvitationView]:
    row = await tx.row(actions.queries.one, invitation_id)
    if row is None:
        raise not_found("invitation")
    return versioned(actions.view(ctx.ring, row))


ROUTES = (list_invitations, invite, funnel, get_style, put_style, get_invitation, withdraw)
