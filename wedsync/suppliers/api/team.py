"""The JSON door of a business's team."""

from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post, put

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.suppliers.team import actions as team_actions
from wedsync.suppliers.team import model as team
from wedsync.web.context import Context, IfMatch, Page, etag, expected_version

queries = sql.load("wedsync.suppliers")
MEMBERS = "/api/v1/suppliers/{supplier_id:uuid}/members"
MEMBER = f"{MEMBERS}/{{member_id:uuid}}"
ASSIGNMENT = f"{MEMBER}/assignments/{{link_id:uuid}}"


@get(MEMBERS, summary="The team", description="Everybody of a business, for everybody of it; owners first.")
async def list_members(ctx: Context, actor: Actor, supplier_id: UUID) -> Page:
    """With the links that a member works on."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return Page([colleague(r) for r in await tx.rows(queries.team, supplier_id, None)])


@post(
    MEMBERS,
    summary="Invite a colleague",
    description="By the e-mail they sign in with; a mail tells them. Owners invite anybody, admins anybody but owners.",
)
async def invite(ctx: Context, actor: Actor, supplier_id: UUID, data: team.NewColleague) -> Response[team.Colleague]:
    """409 for who is in the team already."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        member_id = await team_actions.invite(tx, data)
        return await _member(tx, supplier_id, member_id, status=201)


@patch(
    MEMBER,
    summary="Change a colleague's role or name",
    description="Admins change no owner and make none; the last owner stays (409).",
)
async def change(
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    member_id: UUID,
    data: team.ColleagueChange,
    if_match: IfMatch = None,
) -> Response[team.Colleague]:
    """What they see changes at once, on open sockets too."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await team_actions.change(tx, member_id, data, version=expected_version(if_match))
        return await _member(tx, supplier_id, member_id)


@delete(MEMBER, summary="Remove a colleague", description="Their access ends at once; the last owner stays (409).")
async def remove(ctx: Context, actor: Actor, supplier_id: UUID, member_id: UUID, if_match: IfMatch = None) -> None:
    """Also what they were assigned to."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await team_actions.remove(tx, member_id, version=expected_version(if_match))


@put(ASSIGNMENT, status_code=204, summary="Assign a wedding", description="The member sees what its link sees.")
async def assign(ctx: Context, actor: Actor, supplier_id: UUID, member_id: UUID, link_id: UUID) -> None:
    """By its link; owners and admins see all weddings anyway."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await team_actions.assign(tx, member_id, link_id)


@delete(ASSIGNMENT, summary="Take a wedding back", description="The member no longer sees it, at once.")
async def unassign(ctx: Context, actor: Actor, supplier_id: UUID, member_id: UUID, link_id: UUID) -> None:
    """Taking back what was not given changes nothing."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await team_actions.unassign(tx, member_id, link_id)


async def _member(tx: Tx, supplier_id: UUID, member_id: UUID, *, status: int = 200) -> Response[team.Colleague]:
    row = await tx.row(queries.team, supplier_id, member_id)
    if row is None:
        raise not_found("member")
    return Response(colleague(row), status_code=status, headers=etag(row["version"]))


def colleague(row: Row) -> team.Colleague:
    """A row of the team."""
    return msgspec.convert(dict(row), type=team.Colleague)


ROUTES = (list_members, invite, change, remove, assign, unassign)
