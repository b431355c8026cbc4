"""`wedsync import`: a guest list from the command line, through the same door and work as the pages, with a bar."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from wedsync.events import record
from wedsync.guests.importing import desk
from wedsync.guests.importing.stored import Choices
from wedsync.guests.importing.values import CellIssue
from wedsync.kit import sql
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Row, connect_pool
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing
from wedsync.kit.valkey import Publisher
from wedsync.processes.engines import reach, require
from wedsync.processes.failures import CannotRun
from wedsync.web import auth
from wedsync.web.context import Context

queries = sql.load("wedsync.guests.importing")
POLL_S = 0.1
ERRORS_SHOWN = 20


async def run(
    settings: Settings, *, file: Path, wedding: str, is_dry_run: bool, email: str = "", token: str = ""
) -> int:
    """The exit status: 0 when it is in (or would be), 1 when it failed. Raises Refusal and CannotRun in words."""
    wedding_id, data = _wedding(wedding), _read(file)
    console = Console()
    async with _context(reach(settings)) as ctx:
        actor = await _actor(ctx, wedding_id, email=email, token=token)
        if is_dry_run:
            tried = await desk.attempt(ctx, actor, wedding_id, data, file.name, Choices())
            told = desk.trial(tried)
            console.print(
                f"{told.rows} rows: {told.created} would be new, {told.updated} changed, {told.skipped} as they are, "
                f"{told.rejected} cannot be read. Nothing was changed."
            )
            _tell(console, told.errors)
            return 0
        known = await desk.ground(ctx, actor, wedding_id)
        upload, _ = await desk.understand(data, file.name, Choices(), known)
        import_id = await desk.keep(ctx, actor, wedding_id, upload, starts=True)
        row = await _watched(ctx, actor, wedding_id, import_id, console)
    if row["status"] != "finished":
        console.print(f"It {row['status']}. Nothing was changed.")
        return 1
    console.print(
        f"{row['rows']} rows: {row['created']} new, {row['updated']} changed, {row['skipped']} as they were, "
        f"{row['rejected']} not read."
    )
    _tell(console, upload.plan.errors)
    return 0


def _wedding(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CannotRun(
            f"--wedding {text} is not an id. Copy it from the address of one of the wedding's pages."
        ) from None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CannotRun(f"{file} cannot be read ({error.strerror}). Check the path.") from error


@asynccontextmanager
async def _context(settings: Settings) -> AsyncIterator[Context]:
    require(settings, "database_url", "valkey_url")
    pool = await connect_pool(settings.door("user"), size=2, application="wedsync-import")
    publisher = Publisher(settings.valkey_url)
    try:
        door = Door(pool, flush=record.flush, published=record.feeding(publisher))
        yield Context(settings=settings, door=door, ring=KeyRing.from_setting(settings.seal_keys))
    finally:
        await publisher.close()
        await pool.close()


async def _actor(ctx: Context, wedding_id: UUID, *, email: str, token: str) -> Actor:
    """Whoever the token is of, or the person with that address who belongs to the wedding."""
    if token:
        known = auth.read_token(ctx.settings.jwt_secret, token)
        if known is None:
            raise CannotRun("The token is unknown or expired. Get a new one, or give --as with an e-mail address.")
        return Actor(kind="person", id=known[0], session_id=known[1])
    if not email:
        raise CannotRun("Say who imports: --as with the e-mail address of one of the couple, or --token.")
    async with ctx.door.bare(ANONYMOUS) as tx:
        person = await tx.value("select app.person_for($1)", email)
        await tx.value("select app.enter($1, $2)", person, wedding_id)  # a stranger's is rolled back with this
    return Actor(kind="person", id=person, email=email)


async def _watched(ctx: Context, actor: Actor, wedding_id: UUID, import_id: UUID, console: Console) -> Row:
    """Draw the bar until the worker has ended the import."""
    columns = (TextColumn("Bringing them in"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("import")
        while True:
            async with ctx.door.enter(actor, wedding_id) as tx:
                row = await tx.row(queries.one, wedding_id, import_id)
            if row is None:
                raise not_found("import")
            bar.update(task, total=row["rows"], completed=row["done"])
            if row["status"] not in ("pending", "running"):
                return row
            await asyncio.sleep(POLL_S)


def _tell(console: Console, errors: list[CellIssue]) -> None:
    for issue in errors[:ERRORS_SHOWN]:
        where = f"Row {issue.row}, {issue.column}" if issue.column else f"Row {issue.row}"
        console.print(f"  {where}: {issue.reason}", markup=False)
    if len(errors) > ERRORS_SHOWN:
        console.print(f"  … and {len(errors) - ERRORS_SHOWN} more; the page of the import has all of them as a file.")
