"""The JSON doors of the console; the operator's alone."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from wedsync.kit.actor import Actor
from wedsync.operations.console import actions, model, reading
from wedsync.operations.platform import entered
from wedsync.web.context import Context

PATH: Final = "/api/v1/platform"
TYPE: Final = r"^[a-z_]{1,40}(\.[a-z_]{1,40})?$"
Type = Annotated[
    str | None, Parameter(pattern=TYPE, description="A type such as rsvp.replied, or a noun such as rsvp.")
]
LaneName = Annotated[model.Lane | None, Parameter(description="Only what is of this lane.")]
Which = Annotated[UUID | None, Parameter(description="Only one stream (a wedding, a business) or one event.")]


@get(
    f"{PATH}/board",
    summary="Today's weddings",
    description="For the operator: weddings that are live or of today where they are held, by id, with phase, "
    "readiness, open calls for help and deliveries of the last hour. The most urgent first, at most 60.",
)
async def board(ctx: Context, actor: Actor) -> model.Board:
    """Nothing of what they hold."""
    async with entered(ctx, actor) as tx:
        return await reading.board(tx)


@get(
    f"{PATH}/events",
    summary="Newest events",
    description="For the operator: of the newest 2,000 events how fast they come, which types, and the newest lines; "
    "what is of one action, type and stream is one line. Types, lanes and ids; never an image.",
)
async def events(
    ctx: Context, actor: Actor, type: Type = None, lane: LaneName = None, id: Which = None
) -> model.Stream:
    """It costs the same however much happens."""
    async with entered(ctx, actor) as tx:
        return await reading.stream(tx, type=type or "", lane=lane or "", id=id)


@get(
    f"{PATH}/dead-letters",
    summary="Dead letters",
    description="For the operator: what was given up in 30 days and is not on its way again, by where it was owed to, "
    "and reactions and work that were given up. A host is named only where several tenants share it.",
)
async def dead_letters(ctx: Context, actor: Actor) -> model.DeadLetters:
    """Where most was given up first."""
    async with entered(ctx, actor) as tx:
        return await reading.dead_letters(tx)


@post(
    f"{PATH}/dead-letters/{{destination_id:uuid}}/replay",
    status_code=200,
    summary="Send dead letters again",
    description="For the operator: at most 1,000 of one place, the oldest first. Whoever they belong to sees who did "
    "it and why, in their log and their security events.",
)
async def replay(ctx: Context, actor: Actor, destination_id: UUID, data: model.Replay) -> model.Replayed:
    """The receiver knows each by its id."""
    async with entered(ctx, actor) as tx:
        return await actions.replay(tx, destination_id, data)


@get(
    f"{PATH}/tenants",
    summary="Tenants",
    description="For the operator: counts of all, and of the businesses in most trouble plan, use and health. A "
    "business is named only where its page is public.",
)
async def tenants(ctx: Context, actor: Actor) -> model.Tenants:
    """At most 60 businesses."""
    async with entered(ctx, actor) as tx:
        return await reading.tenants(tx)


ROUTES = (board, events, dead_letters, replay, tenants)
