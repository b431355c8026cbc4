"""The JSON door of the freeze: how it stands, and overrides by two operators."""

from typing import Final
from uuid import UUID

from litestar import get, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.operations.freeze import actions, model
from wedsync.operations.freeze.actions import AskOverride
from wedsync.operations.platform import entered
from wedsync.web.context import Context

PATH: Final = "/api/v1/platform/freeze"


@get(
    PATH,
    summary="The freeze",
    description="For the operator: whether anything of the platform may be changed now, why not, until when, and when "
    "next. `ahead` are the stretches of the next three weeks.",
)
async def freeze(ctx: Context, actor: Actor) -> model.Verdict:
    """Judged at the moment it is asked."""
    async with entered(ctx, actor) as tx:
        return await actions.verdict(tx.value, ctx.settings)


@get(
    f"{PATH}/overrides",
    summary="Overrides of the freeze",
    description="For the operator: those of the last 30 days, newest first, with who asked, who confirmed and why.",
)
async def overrides(ctx: Context, actor: Actor) -> list[model.Override]:
    """None is ever deleted."""
    async with entered(ctx, actor) as tx:
        return list((await actions.facts(tx.value)).overrides)


@post(
    f"{PATH}/overrides",
    summary="Ask for an override",
    description="One operator asks, with a reason; within an hour another one confirms, or nothing comes of it.",
)
async def ask(ctx: Context, actor: Actor, data: AskOverride) -> model.Override:
    """Not in force yet."""
    async with entered(ctx, actor) as tx:
        return await _one(tx, await actions.ask(tx, data))


@post(
    f"{PATH}/overrides/{{override_id:uuid}}/confirm",
    status_code=200,
    summary="Confirm an override",
    description="By another operator than the one who asked (403). From now on it is in force for its minutes.",
)
async def confirm(ctx: Context, actor: Actor, override_id: UUID) -> model.Override:
    """In force from the commit on."""
    async with entered(ctx, actor) as tx:
        await actions.confirm(tx, override_id)
        return await _one(tx, override_id)


@post(
    f"{PATH}/overrides/{{override_id:uuid}}/end",
    status_code=200,
    summary="End an override",
    description="Before its time, by any operator: the freeze holds again at once.",
)
async def end(ctx: Context, actor: Actor, override_id: UUID) -> model.Override:
    """Twice is once."""
    async with entered(ctx, actor) as tx:
        await actions.end(tx, override_id)
        return await _one(tx, override_id)


async def _one(tx: Tx, id: UUID) -> model.Override:
    return next(one for one in (await actions.facts(tx.value)).overrides if one.id == id)


ROUTES = (freeze, overrides, ask, confirm, end)
