"""What both doors of imports do with a file: read it in a thread, outside of any transaction; keep it; try it."""

import asyncio
from uuid import UUID

import msgspec

from wedsync.guests.importing import actions
from wedsync.guests.importing.detect import Column, Detection, detect
from wedsync.guests.importing.export import rejected_csv
from wedsync.guests.importing.reading import Ground, Reading, read
from wedsync.guests.importing.sheet import read_sheet
from wedsync.guests.importing.standing import Standing
from wedsync.guests.importing.stored import Choices, Upload, open_upload, seal_upload
from wedsync.guests.importing.values import CellIssue, Merge, PlanCounts
from wedsync.guests.importing.work import decided
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import Context

queries = sql.load("wedsync.guests.importing")
GONE = "This file is no longer kept. Choose it again."


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to decide about: answer by `person` with new, skip, theirs or ours."""

    person: int
    row: int
    name: str
    reason: str
    field: str = ""
    ours: str = ""
    theirs: str = ""


class Trial(msgspec.Struct, kw_only=True):
    """What an import would do: rows of the file, people, columns, and what a person should look at."""

    rows: int
    created: int
    updated: int
    skipped: int
    rejected: int
    errors: list[CellIssue]
    source: str
    people: PlanCounts
    columns: list[Column]
    questions: list[Question]
    warnings: list[CellIssue]
    notes: list[str]


class Tried(msgspec.Struct, kw_only=True):
    """A file, understood and compared; nothing is written."""

    upload: Upload
    reading: Reading
    ground: Ground
    standing: Standing
    merged: Merge


async def ground(ctx: Context, actor: Actor, wedding_id: UUID) -> Ground:
    """Before a file is even read: whether the caller may, and what the wedding has."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await actions.ground(tx, wedding_id)


async def understand(data: bytes, filename: str, choices: Choices, ground: Ground) -> tuple[Upload, Reading]:
    """Raises Refusal 413 and 422 for what cannot be read."""
    reading = await asyncio.to_thread(read, data, filename, choices, ground)
    return Upload(filename=filename, data=data, choices=choices, plan=reading.plan), reading


async def columns(data: bytes, filename: str, ground: Ground) -> Detection:
    """What the columns seem to be, before anybody chose."""

    def looked() -> Detection:
        return detect(read_sheet(data, filename), country=ground.country, events=list(ground.parts))

    return await asyncio.to_thread(looked)


async def keep(ctx: Context, actor: Actor, wedding_id: UUID, upload: Upload, *, starts: bool) -> UUID:
    """Keep the upload; `starts` owes the work in the same transaction."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        [import_id] = await actions.new_ids(tx, 1)
    sealed = await asyncio.to_thread(seal_upload, ctx.ring, wedding_id, import_id, upload)
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.keep(tx, wedding_id, import_id, filename=upload.filename, plan=upload.plan, sealed=sealed)
        if starts:
            await actions.start(tx, wedding_id, import_id)
    return import_id


async def attempt(ctx: Context, actor: Actor, wedding_id: UUID, data: bytes, filename: str, choices: Choices) -> Tried:
    """A dry run."""
    known = await ground(ctx, actor, wedding_id)
    upload, reading = await understand(data, filename, choices, known)
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await actions.rows(tx, wedding_id, upload.plan.source)
    standing, merged = await asyncio.to_thread(decided, ctx.ring, wedding_id, upload, rows, known)
    return Tried(upload=upload, reading=reading, ground=known, standing=standing, merged=merged)


async def opened(ctx: Context, wedding_id: UUID, import_id: UUID, sealed: bytes | None) -> Upload:
    """The kept upload."""
    if sealed is None:
        raise Refusal(410, "gone", GONE)
    return await asyncio.to_thread(open_upload, ctx.ring, wedding_id, import_id, sealed)


async def rejected(ctx: Context, wedding_id: UUID, import_id: UUID, sealed: bytes | None) -> bytes:
    """The rows that stayed out, as a file to mend."""
    upload = await opened(ctx, wedding_id, import_id, sealed)
    if not upload.plan.errors:
        raise not_found("rejected row")

    def written() -> bytes:
        sheet = read_sheet(upload.data, upload.filename, encoding=upload.choices.encoding)
        return rejected_csv(sheet, upload.plan.errors)

    return await asyncio.to_thread(written)


def trial(tried: Tried) -> Trial:
    """As JSON tells it."""
    plan, result = tried.upload.plan, tried.merged.result
    chosen = tried.upload.choices.columns
    return Trial(
        rows=result.rows,
        created=result.created,
        updated=result.updated,
        skipped=result.skipped,
        rejected=result.rejected,
        errors=result.errors,
        source=plan.source,
        people=tried.merged.counts,
        columns=tried.reading.detection.as_chosen(chosen),
        questions=questions(tried),
        warnings=plan.warnings,
        notes=plan.notes,
    )


def questions(tried: Tried) -> list[Question]:
    """Namesakes, people removed since, and fields that both sides changed."""
    found: list[Question] = []
    for step in tried.merged.guests:
        guest = tried.upload.plan.guests[step.guest]
        if step.op == "possible":
            found.append(Question(person=step.guest, row=guest.row, name=guest.display_name, reason=step.reason))
        for conflict in step.conflicts:
            found.append(
                Question(
                    person=step.guest,
                    row=guest.row,
                    name=guest.display_name,
                    reason="Both your list here and the file were changed.",
                    field=conflict.field,
                    ours=conflict.ours,
                    theirs=conflict.theirs,
                )
            )
    return found
