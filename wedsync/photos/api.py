"""The JSON door of photo deliveries."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.photos import actions, model
from wedsync.web.context import Context, IfMatch, as_struct, expected_version, versioned
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.photos")
Limit = Annotated[int, Parameter(ge=1, le=500)]
Answer = Response[model.PhotoDelivery]


class PhotoDeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Photo deliveries, oldest first; `next` goes back in as `?cursor=`."""

    items: list[model.PhotoDelivery]
    next: str | None = None


@get(
    "/api/v1/weddings/{wedding_id:uuid}/photos",
    summary="Photo deliveries",
    description="What was promised, how far it is, and where it can be seen. The couple sees all, a supplier its own.",
)
async def list_photos(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    link_id: UUID | None = None,
    cursor: Annotated[UUID | None, Parameter(description="`next` of the page before")] = None,
    limit: Limit = 200,
) -> PhotoDeliveryPage:
    """`link_id` narrows what the audience sees anyway."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.page, link_id, cursor, limit + 1)
        if not rows and await tx.row(queries.whose) is None:
            raise not_found("item")
    next_cursor = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    return PhotoDeliveryPage(items=[_opened(row) for row in rows[:limit]], next=next_cursor)


@post(
    "/api/v1/weddings/{wedding_id:uuid}/photos",
    summary="Promise photographs",
    description="A linked supplier writes down what it will hand over, with a day or, so far, without one.",
)
async def promise_photos(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewPhotoDelivery) -> Answer:
    """Only for the supplier of a link."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _photos(tx, await actions.promise(tx, data), status=201)


@get("/api/v1/photos/{photos_id:uuid}", summary="One photo delivery", description="With its ETag.")
async def get_photos(ctx: Context, actor: Actor, photos_id: UUID) -> Answer:
    """For the couple and its supplier."""
    async with ctx.door.enter_at(actor, "photo_deliveries", photos_id) as tx:
        return await _photos(tx, photos_id)


@patch(
    "/api/v1/photos/{photos_id:uuid}",
    summary="Change a photo delivery",
    description="Counts, words, the gallery's address (https, no password in it), or an earlier day. What is absent "
    "stays. A later day is a delay.",
)
async def change_photos(
    ctx: Context, actor: Actor, photos_id: UUID, data: model.PhotoDeliveryChange, if_match: IfMatch = None
) -> Answer:
    """With the new ETag; 412 carries the current row."""
    async with ctx.door.enter_at(actor, "photo_deliveries", photos_id) as tx:
        await actions.change(tx, photos_id, changed_fields(data), version=expected_version(if_match))
        return await _photos(tx, photos_id)


@delete(
    "/api/v1/photos/{photos_id:uuid}",
    summary="Take a photo delivery back",
    description="Only what is not handed over; archive what is.",
)
async def withdraw_photos(ctx: Context, actor: Actor, photos_id: UUID, if_match: IfMatch = None) -> None:
    """The couple is told."""
    async with ctx.door.enter_at(actor, "photo_deliveries", photos_id) as tx:
        await actions.remove(tx, photos_id, version=expected_version(if_match))


@post(
    "/api/v1/photos/{photos_id:uuid}/move",
    status_code=200,
    summary="Say how far it is",
    description="While it is worked on any stage may follow any other. What was handed over is never taken back: it "
    "can be downloaded and archived.",
)
async def move_photos(
    ctx: Context, actor: Actor, photos_id: UUID, data: model.StageMove, if_match: IfMatch = None
) -> Answer:
    """409 for a stage that cannot follow, or while it is on hold."""
    async with ctx.door.enter_at(actor, "photo_deliveries", photos_id) as tx:
        await actions.move(tx, photos_id, data.stage, version=expected_version(if_match))
        return await _photos(tx, photos_id)


@post(
    "/api/v1/photos/{photos_id:uuid}/delay",
    status_code=200,
    summary="Promise a later day",
    description="With a reason, which the couple reads. The days promised before stay in `promises`.",
)
async def delay_photos(
    ctx: Context, actor: Actor, photos_id: UUID, data: model.Delay, if_match: IfMatch = None
) -> Answer:
    """The couple is told at once."""
    async with ctx.door.enter_at(actor, "photo_deliveries", photos_id) as tx:
        await actions.delay(tx, photos_id, data, version=expected_version(if_match))
        return await _photos(tx, photos_id)


@post(
    "/api/v1/photos/{photos_id:uuid}/pause",
    status_code=200,
    summary="Put it on hold",
    description="With a reason. The promised day stands.",
)
async def pause_photos(
    ctx: Context, actor: Actor, photos_id: UUID, data: model.Pause, if_match: IfMatch = None
) -> Answer:
    """Until it is resumed or another day is promised."""
    async with ctx.door.enter_at(actor, "photo_deliveries", photos_id) as tx:
        await actions.pause(tx, photos_id, data.reason, version=expected_version(if_match))
        return await _photos(tx, photos_id)


@post(
    "/api/v1/photos/{photos_id:uuid}/resume",
    status_code=200,
    summary="Go on with it",
    description="What is not on hold stays as it is.",
)
async def resume_photos(ctx: Context, actor: Actor, photos_id: UUID, if_match: IfMatch = None) -> Answer:
    """Delayed before is delayed again."""
    async with ctx.door.enter_at(actor, "photo_deliveries", photos_id) as tx:
        await actions.resume(tx, photos_id, version=expected_version(if_match))
        return await _photos(tx, photos_id)


@post(
    "/api/v1/photos/{photos_id:uuid}/deliver",
    status_code=200,
    summary="Hand it over",
    description="The couple is told, and sees where to look; all but albums and prints need `gallery_url`. Twice is "
    "once; what was archived is there again.",
)
async def deliver_photos(ctx: Context, actor: Actor, photos_id: UUID, if_match: IfMatch = None) -> Answer:
    """422 without an address."""
    async with ctx.door.enter_at(actor, "photo_deliveries", photos_id) as tx:
        await actions.deliver(tx, photos_id, version=expected_version(if_match))
        return await _photos(tx, photos_id)


@post(
    "/api/v1/photos/{photos_id:uuid}/view",
    status_code=200,
    summary="Note that the couple has looked",
    description="Only the couple, once it is delivered. The first time counts.",
)
async def view_photos(ctx: Context, actor: Actor, photos_id: UUID) -> Answer:
    """Every other time changes nothing."""
    async with ctx.door.enter_at(actor, "photo_deliveries", photos_id) as tx:
        await actions.see(tx, photos_id)
        return await _photos(tx, photos_id)


async def _photos(tx: Tx, photos_id: UUID, *, status: int = 200) -> Answer:
    row = await tx.row(queries.one, photos_id)
    return versioned(None if row is None else _opened(row), status=status)


def _opened(row: Row) -> model.PhotoDelivery:
    return as_struct(model.PhotoDelivery, actions.opened(row))


ROUTES = (
    *(list_photos, promise_photos, get_photos, change_photos, withdraw_photos),
    *(move_photos, delay_photos, pause_photos, resume_photos, deliver_photos, view_photos),
)
