"""The studio's import of clients: choose a file, check what was read, see what came of it, take it back."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile

from wedsync.clients import actions as clients
from wedsync.clients.importing import actions, checking, desk
from wedsync.clients.importing.values import Choices, Upload
from wedsync.clients.importing.vocabulary import SOURCES
from wedsync.clients.pages.clients import PAGE, Place, entered
from wedsync.guests.importing.sheet import BYTES_MAX
from wedsync.guests.importing.values import CellIssue
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond, uploads
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.shell import Shell

queries = sql.load("wedsync.clients.importing")
IMPORT: Final = f"{PAGE}/import"
ONE: Final = IMPORT + "/{import_id:uuid}"
BODY_BYTES_MAX: Final = BYTES_MAX + 64 * 1024
SHOWN_MAX: Final = 100
Answer = Response[str] | Response[None]


@get(IMPORT, include_in_schema=False)
async def choose_file(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """The first step, with what was imported before."""
    return await _first(request, ctx, actor, supplier_id)


async def _first(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, *, refusal: Refusal | None = None
) -> Response[str]:
    async with entered(request, ctx, actor, supplier_id) as place:
        await clients.managed(place.tx)
        earlier = await place.tx.rows(queries.earlier)
    return respond.html(
        "clients/import_upload.html",
        place.shell,
        code=refusal.status if refusal else 200,
        sources=[source.label for source in SOURCES],
        error=refusal.detail if refusal else "",
        earlier=[{**dict(row), "words": checking.outcome_words(row)} for row in earlier],
    )


@post(IMPORT, include_in_schema=False, request_max_body_size=BODY_BYTES_MAX)
async def upload(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Answer:
    """Read the file; nobody is added yet."""
    country = await desk.country(ctx, forms.signed_in(request, actor), supplier_id)
    file = (await forms.read(request)).file("file")
    try:
        if not isinstance(file, UploadFile):
            raise Refusal(422, "invalid", "Choose a file first.")
        name = (file.filename or "clients.csv")[:255]
        given = Upload(filename=name, data=await file.read(), choices=Choices())
        kept = await desk.with_names(given, country)
        reading = await desk.understand(kept, country)
    except Refusal as refusal:
        return await _first(request, ctx, actor, supplier_id, refusal=refusal)
    async with ctx.door.enter(actor, supplier_id) as tx:
        import_id = await actions.keep(tx, ctx.ring, kept, reading.plan)
    return respond.see_other(f"/studio/{supplier_id}/clients/import/{import_id}")


@get(ONE, include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, import_id: UUID) -> Answer:
    """Whichever step this import is at."""
    async with entered(request, ctx, actor, supplier_id) as place:
        row = await _row(place, import_id)
        kept = await _kept(ctx, place, import_id) if row["status"] == "pending" or row["rejected"] else None
    if row["status"] == "pending":
        return await _check(ctx, actor, place.shell, row, kept)
    errors = msgspec.json.decode(row["errors"], type=list[CellIssue])
    if kept is not None and errors:
        country = await desk.country(ctx, actor, supplier_id)
        errors = (await desk.understand(kept, country)).plan.errors
    return respond.html(
        "clients/import_done.html",
        place.shell,
        **{name: row[name] for name in ("filename", "status", "created", "updated", "skipped", "rejected")},
        import_id=import_id,
        errors=errors[:SHOWN_MAX],
        has_file=kept is not None,
        can_undo=row["can_undo"],
        stayed=request.query_params.get("kept", ""),
    )


async def _row(place: Place, import_id: UUID) -> Row:
    await clients.managed(place.tx)
    row = await place.tx.row(queries.one, import_id)
    if row is None:
        raise not_found("import")
    return row


async def _kept(ctx: Context, place: Place, import_id: UUID) -> Upload | None:
    """The file, or None where it is no longer kept."""
    try:
        return await desk.opened(place.tx, ctx, import_id)
    except Refusal as refusal:
        if refusal.status != 410:
            raise
        return None


async def _check(
    ctx: Context, actor: Actor, shell: Shell, row: Row, kept: Upload | None, *, refusal: Refusal | None = None
) -> Response[str]:
    if kept is None:
        raise Refusal(410, "gone", desk.GONE)
    tried = await desk.attempt(ctx, actor, row["supplier_id"], kept)
    return respond.html(
        "clients/import_check.html",
        shell,
        code=refusal.status if refusal else 200,
        import_id=row["id"],
        filename=kept.filename,
        error=refusal.detail if refusal else "",
        **checking.values(tried),
    )


@post(ONE, include_in_schema=False)
async def decide(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, import_id: UUID) -> Answer:
    """Take the choices; look again, or bring it in."""
    form = await forms.read(request)
    async with entered(request, ctx, actor, supplier_id) as place:
        row = await _row(place, import_id)
        kept = await _kept(ctx, place, import_id) if row["status"] == "pending" else None
    if kept is not None:
        country = await desk.country(ctx, actor, supplier_id)
        try:
            chosen = checking.choices(form, await desk.columns(kept, country), kept.choices)
            changed = msgspec.structs.replace(kept, choices=chosen)
            reading = await desk.understand(changed, country)
        except Refusal as refusal:
            return await _check(ctx, actor, place.shell, row, kept, refusal=refusal)
        async with ctx.door.enter(actor, supplier_id) as tx:
            await actions.choose(tx, ctx.ring, import_id, changed, reading.plan)
            if form.text("action") == "run":
                await actions.bring_in(tx, ctx.ring, import_id, reading.plan, chosen)
    return respond.see_other(f"/studio/{supplier_id}/clients/import/{import_id}")


@get(ONE + "/rejected.csv", include_in_schema=False)
async def rejected(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, import_id: UUID
) -> Response[bytes]:
    """The rows that stayed out, to be mended."""
    signed = forms.signed_in(request, actor)
    return uploads.download(await desk.rejected(ctx, signed, supplier_id, import_id), "rejected.csv")


@post(ONE + "/undo", include_in_schema=False)
async def take_back(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, import_id: UUID) -> Answer:
    """As far as nobody touched it since."""
    async with entered(request, ctx, actor, supplier_id) as place:
        undone = await actions.undo(place.tx, ctx.ring, import_id)
    stayed = f"?kept={len(undone.kept)}" if undone.kept else ""
    return respond.see_other(f"/studio/{supplier_id}/clients/import/{import_id}{stayed}")


ROUTES: tuple[Any, ...] = (choose_file, upload, one, decide, rejected, take_back)
