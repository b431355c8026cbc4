"""The work of an import: decide in a thread, write in one transaction, decide again when somebody was quicker."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import msgspec
import structlog

from wedsync.events import jobs
from wedsync.events.jobs import Job, is_passing
from wedsync.events.reactions import Work
from wedsync.guests.importing import actions
from wedsync.guests.importing.actions import Moved, Ready
from wedsync.guests.importing.merge import decide, merge, result_of
from wedsync.guests.importing.reading import Ground, fit
from wedsync.guests.importing.standing import Rows, Standing, json_of, stand
from wedsync.guests.importing.stored import Upload, open_upload
from wedsync.guests.importing.values import Merge
from wedsync.guests.importing.writing import SEALED, Batch, Open, batch, ids_needed, seal
from wedsync.kit import failpoints, sql
from wedsync.kit.db import Door
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing

log = structlog.get_logger("imports")
queries = sql.load("wedsync.guests.importing")
DECIDED_MAX = 8
REST_S, REST_MAX_S = 0.05, 1.0
"""Before it is decided again, longer each time: who answers or types in a burst has come to its end by then."""
TRIES = 3
BUSY = "Your guest list kept changing while this was brought in. Start it again in a quiet minute."
BROKEN = "Something broke on our side and was logged; nothing was changed. Try again, or write to us."


class Args(msgspec.Struct, frozen=True):
    """What the job says."""

    import_id: UUID


def works(ring: KeyRing) -> Mapping[str, Work]:
    """Uploads are sealed, so bringing them in takes the key ring of the process that runs this."""

    async def run(door: Door, job: Job) -> None:
        import_id = msgspec.json.decode(job.args or "{}", type=Args).import_id
        try:
            await _bring(door, job, ring, import_id)
        except Exception as error:
            refused = isinstance(error, Refusal) and error.status in (413, 422)
            if not refused and (is_passing(error) or _is_lost(error) or job.attempt < TRIES):
                raise
            log.exception("import_failed", import_id=str(import_id), exc_info=error)
            await _give_up(door, job, import_id, str(error.detail) if isinstance(error, Refusal) else BROKEN)

    return {actions.WORK: run}


def _is_lost(error: Exception) -> bool:
    return isinstance(error, Refusal) and error.code == "lease_lost"


async def _bring(door: Door, job: Job, ring: KeyRing, import_id: UUID) -> None:
    wedding_id = job.tenant_id
    async with door.enter_job(job.id, job.lease_token) as tx:
        row = await tx.row(queries.one, wedding_id, import_id)
        sealed = await tx.value(queries.sealed_plan, wedding_id, import_id)
        if row is None or row["status"] != "running" or sealed is None:
            await jobs.finish(tx, job)
            return
    upload = await asyncio.to_thread(open_upload, ring, wedding_id, import_id, sealed)
    failpoints.hit("import_opened")
    for times in range(DECIDED_MAX):
        if await _decide_and_write(door, job, ring, import_id, upload):
            return
        await asyncio.sleep(min(REST_MAX_S, REST_S * 2**times))
    await _give_up(door, job, import_id, BUSY)


async def _decide_and_write(door: Door, job: Job, ring: KeyRing, import_id: UUID, upload: Upload) -> bool:
    """False when the guest list changed meanwhile."""
    wedding_id = job.tenant_id
    async with door.enter_job(job.id, job.lease_token) as tx:
        await actions.progress(tx, wedding_id, import_id, upload.plan.rows // 4)
        ground = await actions.ground(tx, wedding_id)
        rows = await actions.rows(tx, wedding_id, upload.plan.source)
    standing, merged = await asyncio.to_thread(decided, ring, wedding_id, upload, rows, ground)
    failpoints.hit("import_decided")
    async with door.enter_job(job.id, job.lease_token) as tx:
        await actions.progress(tx, wedding_id, import_id, upload.plan.rows // 2)
        ids = await actions.new_ids(tx, ids_needed(upload.plan, merged))
    ready, opened = await asyncio.to_thread(_ready, upload, merged, standing, ground, ids)
    sealing = asyncio.create_task(asyncio.to_thread(_sealed, ring, wedding_id, ready.batch, opened))
    try:
        async with door.enter_job(job.id, job.lease_token) as tx:
            await actions.apply(tx, ring, wedding_id, import_id, ready, sealing)
            failpoints.hit("import_written")
            await jobs.finish(tx, job)
    except Moved:
        return False
    except Refusal as refusal:
        if refusal.code != "already_exists":  # somebody else's import made a guest of the same key
            raise
        return False
    finally:
        await asyncio.wait({sealing})
    log.info("import_finished", import_id=str(import_id), rows=ready.result.rows, created=ready.result.created)
    return True


def decided(ring: KeyRing, wedding_id: UUID, upload: Upload, rows: Rows, ground: Ground) -> tuple[Standing, Merge]:
    """What the list would do to the wedding, with the choices made about people."""
    fit(upload.plan, ground)
    standing = stand(ring, wedding_id, rows, ground)
    merged = decide(merge(upload.plan, standing.existing), upload.choices.people)
    merged.result = result_of(upload.plan, merged.guests)
    return standing, merged


def _ready(
    upload: Upload, merged: Merge, standing: Standing, ground: Ground, ids: list[UUID]
) -> tuple[Ready, list[Open]]:
    lines, opened = batch(upload.plan, merged, standing=standing, ground=ground, ids=ids)
    texts = {name: json_of(getattr(lines, name)) for name in Batch.__struct_fields__ if name not in SEALED}
    return Ready(state=standing.state, batch=lines, texts=texts, bases=merged.bases, result=merged.result), opened


def _sealed(ring: KeyRing, wedding_id: UUID, lines: Batch, opened: list[Open]) -> dict[str, str]:
    seal(ring, wedding_id, opened)
    return {name: json_of(getattr(lines, name)) for name in SEALED}


async def _give_up(door: Door, job: Job, import_id: UUID, reason: str) -> None:
    async with door.enter_job(job.id, job.lease_token) as tx:
        await actions.fail(tx, job.tenant_id, import_id, reason)
        await jobs.finish(tx, job)
