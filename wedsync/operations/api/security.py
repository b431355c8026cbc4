"""The JSON door of security: who looked at what, and what was refused."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import Parameter

from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.operations import security
from wedsync.web.context import Context, Page, from_time_cursor, person_of, time_cursor

Limit = Annotated[int, Parameter(ge=1, le=200)]
Days = Annotated[int, Parameter(ge=1, le=3650, description="How many days back.")]
Kind = Annotated[str, Parameter(max_length=60, description="Only events of this kind, such as access.refused.")]


@get(
    "/api/v1/weddings/{wedding_id:uuid}/access",
    summary="Who looked at what",
    description="For the couple: per supplier and kind of data, when last and how often. A look is five minutes in "
    "which something was read. It is some seconds behind.",
)
async def access(ctx: Context, actor: Actor, wedding_id: UUID, days: Days = 30) -> Page:
    """All of it: suppliers and kinds of data are few."""
    since = clock.machine_now() - timedelta(days=days)
    async with ctx.door.enter(actor, wedding_id) as tx:
        return Page(list(await security.looks(tx, wedding_id, since)))


@get(
    [
        "/api/v1/weddings/{tenant:uuid}/security-events",
        "/api/v1/suppliers/{tenant:uuid}/security-events",
    ],
    summary="Security events",
    description="What was refused, newest first: a wedding's for the couple, a business's for its owner.",
)
async def events(
    ctx: Context, actor: Actor, tenant: UUID, kind: Kind = "", cursor: str = "", limit: Limit = 50
) -> Page:
    """Equal ones within seconds are one with its count."""
    return await _page(ctx, actor, tenant, kind, cursor, limit)


@get(
    "/api/v1/me/security-events",
    summary="My security events",
    description="Sign-ins of this person, asked for, used and refused, and sign-outs; newest first.",
)
async def own_events(ctx: Context, actor: Actor, kind: Kind = "", cursor: str = "", limit: Limit = 50) -> Page:
    """Only one's own."""
    return await _page(ctx, actor, person_of(actor), kind, cursor, limit)


async def _page(ctx: Context, actor: Actor, tenant: UUID, kind: str, cursor: str, limit: int) -> Page:
    after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, tenant) as tx:
        found = await security.events(tx, tenant, [kind] if kind else [], after, limit)
    last = found[-1] if len(found) == limit else None
    return Page(list(found), time_cursor(last.at, last.id) if last else None)


ROUTES = (access, events, own_events)
