"""What received hooks do: each is read, mapped where its source says how, and given to the action of whoever owns it.

The sender holds the couple's secret, so it does what the couple may do. What a hook changes, how it ended and the end
of its job are one transaction: it is applied at most once, however often the job is tried.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from wedsync.connections import elements, inbox, model
from wedsync.events import jobs
from wedsync.events.jobs import Job, is_passing
from wedsync.events.reactions import Work
from wedsync.guests import model as guest_model
from wedsync.guests import replies
from wedsync.kit import sql
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing
from wedsync.weddings import actions as weddings
from wedsync.weddings.model import WeddingChange, changed_fields

log = structlog.get_logger("hooks")
queries = sql.load("wedsync.connections")
WORK: Final = "hooks"
TRIES: Final = 3
ERROR_CHARACTERS_MAX: Final = 1000
BROKEN: Final = "Something broke on our side and was logged; nothing was changed. Try again, or write to us."
UNKNOWN: Final = "Nothing here is done for this type."


class Args(msgspec.Struct, frozen=True):
    """What the job says."""

    hook_id: UUID


class Event(msgspec.Struct, frozen=True):
    """What a hook says has happened."""

    type: str
    data: dict[str, Any] = {}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`rsvp.replied`: a guest by id, or by an e-mail that one guest alone has."""

    schedule_item_id: UUID
    status: guest_model.Status
    guest_id: UUID | None = None
    email: str = ""
    menu_option_id: UUID | None = None


def works(ring: KeyRing) -> Mapping[str, Work]:
    """Bodies are sealed, so working on them takes the key ring of the process that runs this."""

    async def run(door: Door, job: Job) -> None:
        hook_id = msgspec.json.decode(job.args or "{}", type=Args).hook_id
        try:
            await _work(door, job, ring, hook_id)
        except Exception as error:
            is_final = isinstance(error, Refusal) and error.code != "lease_lost"
            if not is_final and (is_passing(error) or isinstance(error, Refusal) or job.attempt < TRIES):
                raise
            if not is_final:
                log.exception("hook_failed", hook_id=str(hook_id), exc_info=error)
            await _fail(door, job, hook_id, error.detail if isinstance(error, Refusal) else BROKEN)

    return {WORK: run}


async def _work(door: Door, job: Job, ring: KeyRing, hook_id: UUID) -> None:
    async with door.enter_job(job.id, job.lease_token) as tx:
        row = await tx.row(queries.due, hook_id)
        if row is not None:
            body = ring.open(row["sealed"], tenant=job.tenant_id, table=inbox.TABLE, column="sealed", row=hook_id)
            event = read(body, row["settings"])
            apply = APPLIED.get(event.type)
            if apply is not None:
                await apply(tx, ring, job.tenant_id, event.data)
            status, why = ("applied", "") if apply is not None else ("ignored", UNKNOWN)
            await tx.run(queries.settle, hook_id, status, why, event.type)
        await jobs.finish(tx, job)


async def _fail(door: Door, job: Job, hook_id: UUID, why: str) -> None:
    async with door.enter_job(job.id, job.lease_token) as tx:
        await tx.run(queries.settle, hook_id, "failed", why[:ERROR_CHARACTERS_MAX], "")
        await jobs.finish(tx, job)


def read(body: bytes, settings: str | None) -> Event:
    """What a body says, by its source's mapping where there is one. Raises Refusal 422."""
    how = model.HookSettings() if settings is None else msgspec.json.decode(settings, type=model.HookSettings)
    mapper = model.mapper(how)
    try:
        said = elements.document(body)
    except ValueError as error:
        raise Refusal(422, "invalid", "The body is neither JSON nor a form.") from error
    if mapper is not None:
        mapped = mapper.apply(said)
        if mapped.problems:
            told = "; ".join(f"{problem.target}: {problem.reason}" for problem in mapped.problems[:5])
            raise Refusal(422, "invalid", f"The field map could not read this: {told}")
        said = mapped.values
    if how.type and isinstance(said, dict):
        said = {"type": how.type, **said}
    event: Event = _as(said, Event)
    return event


def _as(said: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(said, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(422, "invalid", f"What was sent cannot be used: {error}") from error


async def _wedding(tx: Tx, ring: KeyRing, wedding_id: UUID, data: dict[str, Any]) -> None:
    await weddings.change(tx, wedding_id, changed_fields(_as(data, WeddingChange)))


async def _rsvp(tx: Tx, ring: KeyRing, wedding_id: UUID, data: dict[str, Any]) -> None:
    answer: Answer = _as(data, Answer)
    guest_id = answer.guest_id or await _guest(tx, ring, wedding_id, answer.email)
    reply = guest_model.Reply(status=answer.status, menu_option_id=answer.menu_option_id)
    await replies.reply(tx, guest_id, answer.schedule_item_id, reply, by="couple")


async def _guest(tx: Tx, ring: KeyRing, wedding_id: UUID, email: str) -> UUID:
    if not email:
        raise Refusal(422, "invalid", "The answer names no guest: send guest_id or email.")
    indexes = ring.blinds(email, tenant=wedding_id, table="guest_contacts", column="email", form="email")
    found: list[Row] = await tx.rows(queries.guests_by_email, indexes)
    if len(found) != 1:
        many = "Several guests have" if found else "No guest has"
        raise Refusal(422, "invalid", f"{many} this e-mail address. Send guest_id, or change the guest list.")
    guest_id: UUID = found[0]["guest_id"]
    return guest_id


APPLIED: Final[Mapping[str, Callable[[Tx, KeyRing, UUID, dict[str, Any]], Awaitable[None]]]] = {
    "wedding.updated": _wedding,
    "rsvp.replied": _rsvp,
}
