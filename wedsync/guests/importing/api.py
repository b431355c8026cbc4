"""The JSON door of imports: a list in, dry or for good; its progress; what stayed out; taken back; and out again."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from wedsync.guests.importing import desk, exporting, undoing
from wedsync.guests.importing.sheet import BYTES_MAX
from wedsync.guests.importing.stored import Choices
from wedsync.guests.importing.undoing import Undone
from wedsync.guests.importing.values import CellIssue
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found
from wedsync.web import uploads
from wedsync.web.context import Context, invalid
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.guests.importing")
BODY_BYTES_MAX = BYTES_MAX + 64 * 1024
"""The file, and what a form puts around it."""
DryRun = Annotated[bool, Parameter(description="Tell what would happen; keep nothing.")]
ChoicesJson = Annotated[
    str,
    Parameter(
        description='What to correct, as JSON: `{"columns": {"Header": "target"}, "dates": "day_first", '
        '"people": {"12": "new"}}`. Also taken as a field of the form.'
    ),
]
Filename = Annotated[str, Parameter(description="The file's name, where the body is the file itself.")]


class Started(msgspec.Struct, frozen=True):
    """Ask `GET /api/v1/imports/{import_id}` how far it is."""

    import_id: UUID


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the file: rows = created + updated + skipped + rejected once it is finished; `done` counts up to rows."""

    id: UUID
    status: Literal["pending", "running", "finished", "failed", "undone"]
    source: str
    filename: str
    rows: int
    done: int
    created: int
    updated: int
    skipped: int
    rejected: int
    errors: list[CellIssue]
    can_undo: bool


@post(
    "/api/v1/weddings/{wedding_id:uuid}/guests/import",
    status_code=202,
    request_max_body_size=BODY_BYTES_MAX,
    summary="Import a guest list",
    description="CSV or XLSX, as the field `file` of a form or as the body itself; up to 20 MiB. 202 with an import to "
    "watch; with `dry_run=true` 200 and what would happen. Importing a list again changes only what changed in it.",
)
async def import_guests(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    dry_run: DryRun = False,
    choices: ChoicesJson = "",
    filename: Filename = "",
) -> Response[Started | desk.Trial]:
    """Only the couple. Whoever may not is told so before the file is read."""
    known = await desk.ground(ctx, actor, wedding_id)
    data, name, said = await uploads.received(request, "guest list")
    chosen = choices_of(said or choices)
    name = (name or filename or "guests.csv")[:255]
    if dry_run:
        tried = await desk.attempt(ctx, actor, wedding_id, data, name, chosen)
        return Response(desk.trial(tried), status_code=200)
    upload, _ = await desk.understand(data, name, chosen, known)
    return Response(Started(await desk.keep(ctx, actor, wedding_id, upload, starts=True)), status_code=202)


def choices_of(text: str) -> Choices:
    """Raises Refusal 422 that names what is wrong."""
    if not text:
        return Choices()
    try:
        return msgspec.json.decode(text, type=Choices)
    except msgspec.DecodeError as error:
        raise invalid("choices", str(error), 'Send JSON such as {"columns": {"Names": "full_name"}}.') from error


@get(
    "/api/v1/imports/{import_id:uuid}",
    summary="How far an import is",
    description="Counts are rows of the file; errors name the cells that kept a row out.",
)
async def get_import(ctx: Context, actor: Actor, import_id: UUID) -> Progress:
    """Only the couple; 404 for everybody else."""
    async with ctx.door.enter_at(actor, "imports", import_id) as tx:
        wedding_id = await tx.home()
        row = await tx.row(queries.one, wedding_id, import_id)
        if row is None:
            raise not_found("import")
        is_named = row["status"] in ("finished", "undone") and row["rejected"] > 0
        sealed = await tx.value(queries.sealed_plan, wedding_id, import_id) if is_named else None
    return await progress(ctx, row, sealed)


async def progress(ctx: Context, row: Row, sealed: bytes | None) -> Progress:
    """The row in words, with the values of rejected cells where the file is still kept."""
    errors = msgspec.json.decode(row["errors"], type=list[CellIssue])
    if sealed is not None:
        errors = (await desk.opened(ctx, row["wedding_id"], row["id"], sealed)).plan.errors
    fields = {name: row[name] for name in Progress.__struct_fields__ if name != "errors"}
    return Progress(errors=errors, **fields)


@get(
    "/api/v1/imports/{import_id:uuid}/rejected.csv",
    summary="The rows that stayed out",
    description="As they stood in the file, with a last column that says why; correct it and import it again.",
)
async def get_rejected(ctx: Context, actor: Actor, import_id: UUID) -> Response[bytes]:
    """Safe to open in a spreadsheet program."""
    async with ctx.door.enter_at(actor, "imports", import_id) as tx:
        wedding_id = await tx.home()
        row = await tx.row(queries.one, wedding_id, import_id)
        if row is None:
            raise not_found("import")
        sealed = await tx.value(queries.sealed_plan, wedding_id, import_id)
    return uploads.download(await desk.rejected(ctx, wedding_id, import_id, sealed), "rejected.csv")


@post(
    "/api/v1/imports/{import_id:uuid}/undo",
    status_code=200,
    summary="Take an import back",
    description="Within 30 days. What somebody changed since stays, and is named.",
)
async def undo(ctx: Context, actor: Actor, import_id: UUID) -> Undone:
    """All in one transaction."""
    async with ctx.door.enter_at(actor, "imports", import_id) as tx:
        return await undoing.undo(tx, ctx.ring, await tx.home(), import_id)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/guests/export",
    summary="Export the guests",
    description="CSV that no spreadsheet program can be made to run, or JSON; both import again unchanged. Contacts "
    "and needs are there for audiences that may see them. Needs scope guests.",
)
async def export_guests(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    kind: Annotated[Literal["csv", "json"], Parameter(query="format", description="csv or json.")] = "csv",
) -> Response[bytes]:
    """One row a guest."""
    body = await exporting.exported(ctx, actor, wedding_id, kind)
    return uploads.download(body, f"guests.{kind}", uploads.CSV if kind == "csv" else "application/json")


ROUTES = (import_guests, get_import, get_rejected, undo, export_guests)
