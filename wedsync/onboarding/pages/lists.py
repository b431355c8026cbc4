"""The step that brings clients in: a list is read and summed up, then brought in by one press."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import UploadFile

from wedsync.clients.importing import actions as importing
from wedsync.clients.importing import desk as lists
from wedsync.clients.importing.values import Choices, Upload
from wedsync.connections.accounts.connecting import Desk
from wedsync.guests.importing.sheet import BYTES_MAX
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.onboarding import actions, model
from wedsync.onboarding.pages.steps import PAGE, entered, page
from wedsync.web import forms, respond
from wedsync.web.context import Context, invalid
from wedsync.web.forms import AnyRequest, signed_in

LIST: Final = PAGE + "/list"
ONE: Final = LIST + "/{import_id:uuid}"
BODY_BYTES_MAX: Final = BYTES_MAX + 64 * 1024


@post(LIST, include_in_schema=False, request_max_body_size=BODY_BYTES_MAX)
async def upload(request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """Read the file; nobody is added yet."""
    country = await lists.country(ctx, signed_in(request, actor), supplier_id)
    file = (await forms.read(request)).file("file")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise invalid("file", "is missing", "Choose the list you have, or skip this step.")
        given = Upload(filename=file.filename[:255], data=await file.read(), choices=Choices())
        kept = await lists.with_names(given, country)
        reading = await lists.understand(kept, country)
    except Refusal as refusal:
        if refusal.status not in (413, 422):
            raise
        async with entered(request, ctx, actor, supplier_id) as place:
            return await page(ctx, desk, place, actor, model.current(place.steps, "clients"), refusal=refusal)
    async with ctx.door.enter(actor, supplier_id) as tx:
        import_id = await importing.keep(tx, ctx.ring, kept, reading.plan)
    return respond.see_other(f"/studio/{supplier_id}/start/list/{import_id}")


@get(ONE, include_in_schema=False)
async def check(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, import_id: UUID
) -> Response[str]:
    """What would happen, in numbers; the columns and every row are one link away."""
    async with entered(request, ctx, actor, supplier_id) as place:
        kept = await lists.opened(place.tx, ctx, import_id)
    tried = await lists.attempt(ctx, actor, supplier_id, kept)
    merged = tried.merged
    trial: dict[str, Any] = {
        "import_id": import_id,
        "filename": kept.filename,
        "rows": tried.reading.plan.rows,
        "created": merged.created,
        "updated": merged.updated,
        "left": merged.skipped + merged.rejected,
        "names": [one.details.couple_names for one in tried.reading.plan.clients[:3]],
    }
    async with entered(request, ctx, actor, supplier_id) as place:
        return await page(ctx, desk, place, actor, model.current(place.steps, "clients"), more={"trial": trial})


@post(ONE, include_in_schema=False)
async def bring_in(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, import_id: UUID
) -> Response[Any]:
    """As it was summed up; it can be taken back among the clients."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        kept = await lists.opened(tx, ctx, import_id)
    reading = await lists.understand(kept, await lists.country(ctx, actor, supplier_id))
    async with ctx.door.enter(actor, supplier_id) as tx:
        await importing.bring_in(tx, ctx.ring, import_id, reading.plan, kept.choices)
        await actions.say(tx, done="clients")
    return respond.see_other(f"/studio/{supplier_id}/start")


ROUTES = (upload, check, bring_in)
