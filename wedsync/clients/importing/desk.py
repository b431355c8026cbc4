"""What both doors of imports do with a file: read it in a thread outside of any transaction, try it, bring it in."""

import asyncio
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any
from uuid import UUID

import msgspec

from wedsync.clients import actions as clients
from wedsync.clients.importing import actions
from wedsync.clients.importing.guessing import WITHOUT_NAMES, detect
from wedsync.clients.importing.merge import There
from wedsync.clients.importing.plan import Reading, read
from wedsync.clients.importing.stored import open_upload
from wedsync.clients.importing.values import Choices, FieldChange, Merge, Upload
from wedsync.clients.importing.vocabulary import CLIENTS, OUT
from wedsync.guests.importing.detect import Column, Detection
from wedsync.guests.importing.export import rejected_csv
from wedsync.guests.importing.sheet import read_sheet
from wedsync.guests.importing.values import CellIssue
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import Context, invalid

queries = sql.load("wedsync.clients.importing")
GONE = "This file is no longer kept. Choose it again."


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A row that may be a client there is already: answer by `row` with new or skip; unanswered it stays out."""

    row: int
    couple_names: str
    reason: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What the file would change about a client."""

    row: int
    couple_names: str
    changes: list[FieldChange]


class Trial(msgspec.Struct, kw_only=True):
    """What an import would do: rows of the file, columns, and what a person should look at."""

    source: str
    rows: int
    created: int
    updated: int
    skipped: int
    rejected: int
    errors: list[CellIssue]
    warnings: list[CellIssue]
    columns: list[Column]
    questions: list[Question]
    differences: list[Difference]
    notes: list[str]


class Tried(msgspec.Struct, kw_only=True):
    """A file, understood and compared; nothing is written."""

    upload: Upload
    reading: Reading
    there: list[There]
    merged: Merge


async def country(ctx: Context, actor: Actor, supplier_id: UUID) -> str:
    """Before a file is even read: whether the caller may, and where the supplier is."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return country_of((await clients.managed(tx))["time_zone"])


def country_of(zone: str) -> str:
    """The country of a time zone, which decides about 03/04 and phones without a code; "" for none in particular."""
    return _countries().get(zone, "")


@cache
def _countries() -> Mapping[str, str]:
    """`zone.tab` of the time-zone data: country, coordinates, zone."""
    text = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


async def understand(upload: Upload, country: str) -> Reading:
    """Raises Refusal 413 and 422 for what cannot be read."""
    return await asyncio.to_thread(read, upload.data, upload.filename, upload.choices, country)


async def columns(upload: Upload, country: str) -> Detection:
    """What the columns seem to be, before anybody chose."""

    def looked() -> Detection:
        sheet = read_sheet(upload.data, upload.filename, encoding=upload.choices.encoding, about=CLIENTS)
        return detect(sheet, country=country)

    return await asyncio.to_thread(looked)


async def with_names(upload: Upload, country: str) -> Upload:
    """Where no column is sure to hold names, the first one with words does until the person says otherwise."""
    try:
        await understand(upload, country)
    except Refusal as refusal:
        if refusal.code != WITHOUT_NAMES:
            raise
        detection = await columns(upload, country)
        first = next((c for c in detection.columns if c.target in OUT and c.samples), None)
        if first is None:
            raise
        chosen = msgspec.structs.replace(upload.choices, columns={first.header: "couple"})
        return msgspec.structs.replace(upload, choices=chosen)
    return upload


async def attempt(ctx: Context, actor: Actor, supplier_id: UUID, upload: Upload) -> Tried:
    """A dry run."""
    reading = await understand(upload, await country(ctx, actor, supplier_id))
    async with ctx.door.enter(actor, supplier_id) as tx:
        there, merged = await actions.compared(tx, ctx.ring, reading.plan, upload.choices)
    return Tried(upload=upload, reading=reading, there=there, merged=merged)


async def bring_in(ctx: Context, actor: Actor, supplier_id: UUID, upload: Upload) -> UUID:
    """Keep a file and bring it in, in one transaction; returns the import's id."""
    reading = await understand(upload, await country(ctx, actor, supplier_id))
    async with ctx.door.enter(actor, supplier_id) as tx:
        import_id = await actions.keep(tx, ctx.ring, upload, reading.plan)
        await actions.bring_in(tx, ctx.ring, import_id, reading.plan, upload.choices)
    return import_id


async def opened(tx: Tx, ctx: Context, import_id: UUID) -> Upload:
    """The kept file. Raises Refusal 404 for none of the supplier's, 410 when it is no longer kept."""
    if await tx.row(queries.one, import_id) is None:
        raise not_found("import")
    kept = await tx.value(queries.sealed_plan, import_id)
    if kept is None:
        raise Refusal(410, "gone", GONE)
    return await asyncio.to_thread(open_upload, ctx.ring, await tx.home(), import_id, kept)


async def rejected(ctx: Context, actor: Actor, supplier_id: UUID, import_id: UUID) -> bytes:
    """The rows that stayed out, as a file to mend. Raises Refusal 404 where there are none."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        zone = (await clients.managed(tx))["time_zone"]
        upload = await opened(tx, ctx, import_id)
    reading = await understand(upload, country_of(zone))
    if not reading.plan.errors:
        raise not_found("rejected row")
    return rejected_csv(reading.sheet, reading.plan.errors)


def choices_of(text: str) -> Choices:
    """Raises Refusal 422 that names what is wrong."""
    if not text:
        return Choices()
    try:
        return msgspec.json.decode(text, type=Choices)
    except msgspec.DecodeError as error:
        raise invalid("choices", str(error), 'Send JSON such as {"columns": {"Names": "couple"}}.') from error


def trial(tried: Tried) -> Trial:
    """As JSON tells it."""
    plan, merged, chosen = tried.reading.plan, tried.merged, tried.upload.choices.columns
    named: dict[int, str] = {place: one.details.couple_names for place, one in enumerate(plan.clients)}
    steps: Any = [(step, plan.clients[step.place].row) for step in merged.steps]
    return Trial(
        source=plan.source,
        rows=plan.rows,
        created=merged.created,
        updated=merged.updated,
        skipped=merged.skipped,
        rejected=merged.rejected,
        errors=plan.errors,
        warnings=plan.warnings,
        columns=tried.reading.detection.as_chosen(chosen),
        questions=[
            Question(row=row, couple_names=named[step.place], reason=step.reason)
            for step, row in steps
            if step.op == "possible"
        ],
        differences=[
            Difference(row=row, couple_names=named[step.place], changes=step.changes)
            for step, row in steps
            if step.op == "update"
        ],
        notes=plan.notes,
    )
