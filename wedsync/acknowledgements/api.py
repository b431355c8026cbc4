"""The JSON door of acknowledgements."""

from typing import Literal
from uuid import UUID

import msgspec
from litestar import get, post

from wedsync.acknowledgements import actions, model
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.web.context import Context, Page

queries = sql.load("wedsync.acknowledgements")


@get(
    "/api/v1/weddings/{wedding_id:uuid}/acknowledgements",
    summary="Acknowledgements",
    description="The couple sees all; a supplier its own.",
)
async def list_acknowledgements(
    ctx: Context, actor: Actor, wedding_id: UUID, status: Literal["open", "seen", "acknowledged"] | None = None
) -> Page:
    """Newest first."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.of_wedding, wedding_id, status)
    return Page([decode(r) for r in rows])


@get(
    "/api/v1/weddings/{wedding_id:uuid}/tally",
    summary="Who has confirmed",
    description="Per matter: asked, seen, confirmed, and who is missing.",
)
async def tally(ctx: Context, actor: Actor, wedding_id: UUID) -> Page:
    """Live on the couple's overview."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.of_wedding, wedding_id, None)
    return Page(list(model.tally((r["about"], r["type"], r["status"], r["supplier_name"]) for r in rows)))


@post(
    "/api/v1/acknowledgements/{acknowledgement_id:uuid}/acknowledge",
    status_code=204,
    summary="Confirm a change",
    description="By the supplier who was asked; confirming twice changes nothing.",
)
async def give(ctx: Context, actor: Actor, acknowledgement_id: UUID) -> None:
    """A newer change opens it again."""
    async with ctx.door.enter_at(actor, "acknowledgements", acknowledgement_id) as tx:
        await actions.give(tx, acknowledgement_id, via="api")


def decode(row: Row) -> model.Acknowledgement:
    """A row with its summary read."""
    return msgspec.convert({**dict(row), "summary": msgspec.json.decode(row["summary"])}, type=model.Acknowledgement)


ROUTES = (list_acknowledgements, tally, give)
