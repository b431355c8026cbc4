"""The JSON door of lists of clients: dry or for good, what came of one, what stayed out, and taken back."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from wedsync.clients import actions as clients
from wedsync.clients.importing import actions, desk
from wedsync.clients.importing.actions import Undone
from wedsync.clients.importing.values import Upload
from wedsync.guests.importing.sheet import BYTES_MAX
from wedsync.guests.importing.values import CellIssue
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.web import uploads
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.clients.importing")
IMPORTS = "/api/v1/suppliers/{supplier_id:uuid}/clients/imports/{import_id:uuid}"
BODY_BYTES_MAX = BYTES_MAX + 64 * 1024
"""The file, and what a form puts around it."""
DryRun = Annotated[bool, Parameter(description="Tell what would happen; keep nothing.")]
ChoicesJson = Annotated[
    str,
    Parameter(
        description='What to correct, as JSON: `{"columns": {"Header": "target"}, "dates": "day_first", "stage": '
        '"booked", "differing": "ours", "only_weddings": false, "rows": {"12": "new"}}`. Also taken as a field of the '
        "form."
    ),
]
Filename = Annotated[str, Parameter(description="The file's name, where the body is the file itself.")]


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an import: rows = created + updated + skipped + rejected once it is finished."""

    id: UUID
    supplier_id: UUID
    status: Literal["pending", "finished", "undone"]
    source: str
    filename: str
    rows: int
    created: int
    updated: int
    skipped: int
    rejected: int
    errors: list[CellIssue]
    can_undo: bool
    created_at: datetime
    finished_at: datetime | None


@post(
    "/api/v1/suppliers/{supplier_id:uuid}/clients/import",
    status_code=201,
    request_max_body_size=BODY_BYTES_MAX,
    summary="Import clients",
    description="CSV or XLSX of any CRM, as the field `file` of a form or as the body itself; up to 20 MiB. All of it "
    "in one transaction: 201 with what came of it; with `dry_run=true` 200 and what would. Importing a list again "
    "changes only what changed in it. Owners and admins.",
)
async def import_clients(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    dry_run: DryRun = False,
    choices: ChoicesJson = "",
    filename: Filename = "",
) -> Response[ImportView | desk.Trial]:
    """Whoever may not is told so before the file is read."""
    await desk.country(ctx, actor, supplier_id)
    data, name, said = await uploads.received(request, "client list")
    chosen = desk.choices_of(said or choices)
    upload = Upload(filename=(name or filename or "clients.csv")[:255], data=data, choices=chosen)
    if dry_run:
        return Response(desk.trial(await desk.attempt(ctx, actor, supplier_id, upload)), status_code=200)
    import_id = await desk.bring_in(ctx, actor, supplier_id, upload)
    async with ctx.door.enter(actor, supplier_id) as tx:
        return Response(view(await found(tx, import_id)), status_code=201)


async def found(tx: Tx, import_id: UUID) -> Row:
    """One import. Raises Refusal 403 for whoever only reads clients, 404."""
    await clients.managed(tx)
    row = await tx.row(queries.one, import_id)
    if row is None:
        raise not_found("import")
    return row


def view(row: Row) -> ImportView:
    """The row; values of rejected cells are masked, the file of rejected rows has them."""
    fields = {name: row[name] for name in ImportView.__struct_fields__ if name != "errors"}
    return ImportView(errors=msgspec.json.decode(row["errors"], type=list[CellIssue]), **fields)


@get(IMPORTS, summary="What came of an import of clients", description="Owners and admins.")
async def get_import(ctx: Context, actor: Actor, supplier_id: UUID, import_id: UUID) -> ImportView:
    """Errors name the cells that kept a row out."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return view(await found(tx, import_id))


@get(
    IMPORTS + "/rejected.csv",
    summary="The rows of a client list that stayed out",
    description="As they stood in the file, with a last column that says why; correct it and import it again.",
)
async def get_rejected(ctx: Context, actor: Actor, supplier_id: UUID, import_id: UUID) -> Response[bytes]:
    """Safe to open in a spreadsheet program."""
    return uploads.download(await desk.rejected(ctx, actor, supplier_id, import_id), "rejected.csv")


@post(
    IMPORTS + "/undo",
    status_code=200,
    summary="Take an import of clients back",
    description="Within 30 days. Whoever was changed since, or has joined, stays and is named. Owners and admins.",
)
async def undo(ctx: Context, actor: Actor, supplier_id: UUID, import_id: UUID) -> Undone:
    """All in one transaction."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await actions.undo(tx, ctx.ring, import_id)


ROUTES = (import_clients, get_import, get_rejected, undo)
