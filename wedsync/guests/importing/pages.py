"""The couple's import: choose a file, check what was read, watch it come in, see what stayed out, take it back."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile

from wedsync.guests.importing import actions, checking, desk, undoing
from wedsync.guests.importing.api import BODY_BYTES_MAX
from wedsync.guests.importing.reading import Ground
from wedsync.guests.importing.stored import Upload, seal_upload
from wedsync.guests.importing.values import CellIssue
from wedsync.guests.importing.vocabulary import SOURCES
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond, uploads
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.guests.importing")
SHOWN_MAX = 100
Answer = Response[str] | Response[None]


@get("/me/{wedding_id:uuid}/guests/import", include_in_schema=False)
async def choose_file(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """The first step, with what was imported before."""
    return await _first(request, ctx, actor, wedding_id)


async def _first(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, *, refusal: Refusal | None = None
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        earlier = await tx.rows(queries.earlier, wedding_id)
    return respond.html(
        "guests/import_upload.html",
        shell,
        code=refusal.status if refusal else 200,
        sources=list(dict.fromkeys(source.label for source in SOURCES if source.name != "wedsync")),
        error=refusal.detail if refusal else "",
        earlier=[{**dict(row), "words": checking.outcome_words(row)} for row in earlier],
    )


@post("/me/{wedding_id:uuid}/guests/import", include_in_schema=False, request_max_body_size=BODY_BYTES_MAX)
async def upload(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Answer:
    """Read the file; nobody is added yet."""
    known = await desk.ground(ctx, signed_in(request, actor), wedding_id)
    file = (await forms.read(request)).file("file")
    try:
        if not isinstance(file, UploadFile):
            raise Refusal(422, "invalid", "Choose a file first.")
        name = (file.filename or "guests.csv")[:255]
        data = await file.read()
        choices = checking.with_names(await desk.columns(data, name, known))
        kept, _ = await desk.understand(data, name, choices, known)
    except Refusal as refusal:
        return await _first(request, ctx, actor, wedding_id, refusal=refusal)
    import_id = await desk.keep(ctx, actor, wedding_id, kept, starts=False)
    return respond.see_other(f"/me/{wedding_id}/guests/import/{import_id}")


@get("/me/{wedding_id:uuid}/guests/import/{import_id:uuid}", include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, import_id: UUID) -> Answer:
    """Whichever step this import is at."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        row = await _row(tx, wedding_id, import_id)
        is_over = row["status"] in ("finished", "undone")
        needs_file = row["status"] == "pending" or (is_over and row["rejected"] > 0)
        sealed = await tx.value(queries.sealed_plan, wedding_id, import_id) if needs_file else None
    if row["status"] == "pending":
        return await _check(ctx, actor, shell, row, sealed)
    if row["status"] == "running":
        return respond.html("guests/import_run.html", shell, **_progress(row))
    errors = msgspec.json.decode(row["errors"], type=list[CellIssue])
    failure = errors[0].reason if row["status"] == "failed" and errors else ""
    if sealed is not None:
        errors = (await desk.opened(ctx, wedding_id, import_id, sealed)).plan.errors
    return respond.html(
        "guests/import_done.html",
        shell,
        **_progress(row),
        skipped=row["skipped"],
        errors=errors[:SHOWN_MAX] if not failure else [],
        can_undo=row["can_undo"],
        failure=failure,
        kept=request.query_params.get("kept", ""),
    )


async def _row(tx: Tx, wedding_id: UUID, import_id: UUID) -> Row:
    row = await tx.row(queries.one, wedding_id, import_id)
    if row is None:
        raise not_found("import")
    return row


def _progress(row: Row) -> dict[str, Any]:
    names = ("filename", "status", "rows", "done", "created", "updated", "rejected")
    return {"import_id": row["id"], **{name: row[name] for name in names}}


async def _check(
    ctx: Context, actor: Actor, shell: Shell, row: Row, sealed: bytes | None, *, refusal: Refusal | None = None
) -> Response[str]:
    wedding_id = row["wedding_id"]
    kept = await desk.opened(ctx, wedding_id, row["id"], sealed)
    tried = await desk.attempt(ctx, actor, wedding_id, kept.data, kept.filename, kept.choices)
    return respond.html(
        "guests/import_check.html",
        shell,
        code=refusal.status if refusal else 200,
        import_id=row["id"],
        filename=kept.filename,
        error=refusal.detail if refusal else "",
        **checking.values(tried),
    )


@post("/me/{wedding_id:uuid}/guests/import/{import_id:uuid}", include_in_schema=False)
async def decide(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, import_id: UUID) -> Answer:
    """Take the choices; look again, or bring it in."""
    form = await forms.read(request)
    known = await desk.ground(ctx, signed_in(request, actor), wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        row = await _row(tx, wedding_id, import_id)
        sealed = await tx.value(queries.sealed_plan, wedding_id, import_id)
    if row["status"] == "pending":
        kept = await desk.opened(ctx, wedding_id, import_id, sealed)
        try:
            changed = await _chosen(form, kept, ground=known)
        except Refusal as refusal:
            return await _check(ctx, actor, shell, row, sealed, refusal=refusal)
        await _settle(ctx, actor, wedding_id, import_id, changed, starts=form.text("action") == "run")
    return respond.see_other(f"/me/{wedding_id}/guests/import/{import_id}")


async def _chosen(form: Form, kept: Upload, *, ground: Ground) -> Upload:
    columns = await desk.columns(kept.data, kept.filename, ground)
    choices = checking.choices(form, columns, kept.choices)
    changed, _ = await desk.understand(kept.data, kept.filename, choices, ground)
    return changed


async def _settle(
    ctx: Context, actor: Actor, wedding_id: UUID, import_id: UUID, changed: Upload, *, starts: bool
) -> None:
    sealed = seal_upload(ctx.ring, wedding_id, import_id, changed)
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.choose(tx, wedding_id, import_id, changed.plan, sealed)
        if starts:
            await actions.start(tx, wedding_id, import_id)


@get("/me/{wedding_id:uuid}/guests/import/{import_id:uuid}/progress", include_in_schema=False)
async def show_progress(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, import_id: UUID
) -> Response[str]:
    """The bar alone."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        row = await _row(tx, wedding_id, import_id)
    return respond.html("guests/_import_progress.html", shell, **_progress(row))


@get("/me/{wedding_id:uuid}/guests/import/{import_id:uuid}/rejected.csv", include_in_schema=False)
async def rejected(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, import_id: UUID
) -> Response[bytes]:
    """The rows that stayed out, to be mended."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await _row(tx, wedding_id, import_id)
        sealed = await tx.value(queries.sealed_plan, wedding_id, import_id)
    return uploads.download(await desk.rejected(ctx, wedding_id, import_id, sealed), "rejected.csv")


@post("/me/{wedding_id:uuid}/guests/import/{import_id:uuid}/undo", include_in_schema=False)
async def take_back(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, import_id: UUID) -> Answer:
    """As far as nobody touched it since."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        undone = await undoing.undo(tx, ctx.ring, wedding_id, import_id)
    kept = len(undone.kept) + undone.kept_changes
    return respond.see_other(f"/me/{wedding_id}/guests/import/{import_id}" + (f"?kept={kept}" if kept else ""))


ROUTES = (choose_file, upload, one, decide, show_progress, rejected, take_back)
