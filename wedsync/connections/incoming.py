"""What received hooks do: each is read, mapped where its source says how, and done, proposed or ignored.

Whoever holds a wedding's secret does what the couple may do, for the types that act directly; what a source's own map
makes of a body is proposed. A supplier's hooks only propose, in the weddings it is linked to, or make clients of its
own. What a hook changes, how it ended and the end of its job are one transaction: it is applied at most once, however
often the job is tried.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from wedsync.connections import clienting, elements, inbox, model, proposing
from wedsync.events import jobs
from wedsync.events.jobs import Job, is_passing
from wedsync.events.reactions import Work
from wedsync.guests import model as guest_model
from wedsync.guests import replies
from wedsync.kit import sql
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing, SealError
from wedsync.kit.watch import SOURCE
from wedsync.proposals import actions as proposals
from wedsync.proposals.model import NewProposal, Source
from wedsync.proposals.subjects import SUBJECTS
from wedsync.weddings import actions as weddings
from wedsync.weddings import model as weddings_model
from wedsync.weddings.model import WeddingChange, changed_fields

log = structlog.get_logger("hooks")
queries = sql.load("wedsync.connections")
calendars = sql.load("wedsync.connections.calendars")
records = sql.load("wedsync.connections.records")
marketing = sql.load("wedsync.connections.marketing")
WORK: Final = "hooks"
TRIES: Final = 3
ERROR_CHARACTERS_MAX: Final = 1000
BROKEN: Final = "Something broke on our side and was logged; nothing was changed. Try again, or write to us."
UNKNOWN: Final = "Nothing here is done for this type. Make a map for it, and its hooks become proposals."
CLIENT: Final = "client"
"""What a body is told to be that says nothing of itself and is a client."""
UNLINKED: Final = "It names a wedding that you are not linked to now. Look at link and links in the map."
SO_ALREADY: Final = "Everything it says is so already."
SWEPT: Final = {"hooks": calendars.sweep_looks}
"""Hooks that only say that there is something to look at are not worked on one by one, but where a sweep left them."""
SAFE: Final = "A wedding is on: it is asked for with the next look at this account."
HELD: Final = (weddings_model.STRUCTURAL | {"couple_names", "date_status"}) & SUBJECTS["weddings"].fields.keys()
"""What of a wedding other systems may not change in its last week and on its day: they propose it."""
HELD_WHY: Final = "It came from another program in the last week, when everybody plans by what stands."
ENTER_JOB: Final = "select app.enter_job($1, $2)"
ENTER_LINK: Final = "select app.enter_job_link($1, $2, $3)"
ENTER_PAYMENT: Final = "select app.enter_job_payment($1, $2, $3)"


class Args(msgspec.Struct, frozen=True):
    """What the job says."""

    hook_id: UUID


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a hook; `link` is whose place it was done in, of a supplier's, `payment` the one that it moved."""

    type: str
    status: str
    why: str = ""
    link: UUID | None = None
    payment: UUID | None = None


Taker = Callable[[Tx, Job, Row, bytes], Awaitable[Done]]
"""What the hooks of one provider are worked on by, where it is not a source that people map."""


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


def works(ring: KeyRing, takers: Mapping[str, Taker] = MappingProxyType({})) -> Mapping[str, Work]:
    """Bodies are sealed, so working on them takes the key ring of the process that runs this; `takers` by connector."""

    async def run(door: Door, job: Job) -> None:
        hook_id = msgspec.json.decode(job.args or "{}", type=Args).hook_id
        SOURCE.set("hook")
        try:
            await _work(door, job, ring, takers, hook_id)
        except Exception as error:
            # Somebody who holds the wedding for long (503) is no reason to give up what was taken with 2xx.
            is_final = isinstance(error, Refusal) and error.code != "lease_lost" and error.status != 503
            if not is_final and (is_passing(error) or isinstance(error, Refusal) or job.attempt < TRIES):
                raise
            if not is_final:
                log.exception("hook_failed", hook_id=str(hook_id), exc_info=error)
            await _fail(door, job, ring, hook_id, error.detail if isinstance(error, Refusal) else BROKEN)

    return {WORK: run}


async def _work(door: Door, job: Job, ring: KeyRing, takers: Mapping[str, Taker], hook_id: UUID) -> None:
    async with door.enter_job(job.id, job.lease_token) as tx:
        row = await tx.row(queries.due, hook_id)
        if row is not None:
            body = ring.open(row["sealed"], tenant=job.tenant_id, table=inbox.TABLE, column="sealed", row=hook_id)
            taker = takers.get(row["connector"])
            done = await (_done(tx, job, ring, row, body) if taker is None else taker(tx, job, row, body))
            await _settle(tx, job, hook_id, done)
        await jobs.finish(tx, job)


async def _settle(tx: Tx, job: Job, hook_id: UUID, done: Done) -> None:
    """What was done in a wedding is recorded there, as the transaction ends."""
    is_elsewhere = done.link is not None or done.payment is not None
    if is_elsewhere:
        await tx.value(ENTER_JOB, job.id, job.lease_token)
    await tx.run(queries.settle, hook_id, done.status, done.why, done.type)
    if done.link is not None:
        await tx.value(ENTER_LINK, job.id, job.lease_token, done.link)
    elif done.payment is not None:
        await tx.value(ENTER_PAYMENT, job.id, job.lease_token, done.payment)


async def _done(tx: Tx, job: Job, ring: KeyRing, row: Row, body: bytes) -> Done:
    """A wedding's own events are done as the couple would; what a source maps is proposed; the rest is ignored."""
    if row["is_account"]:
        # A provider says only that something has changed; what it is, the job of its calendars or records asks.
        return await _look(tx, row["source_id"], body)
    how = settings_of(row["settings"])
    said = _document(body)
    kind = type_of(said, how)
    apply = APPLIED.get(kind) if row["home"] == "wedding" else None
    if apply is not None:
        is_waiting = await apply(tx, ring, row, job.tenant_id, read(said, how).data)
        return Done(type=kind, status="proposed" if is_waiting else "applied")
    if how.clients is not None and row["home"] == "supplier" and how.clients.is_for(kind):
        status, why = await clienting.take(tx, ring, how.clients, said)
        return Done(type=kind or CLIENT, status=status, why=why)
    one = proposing.chosen(how.proposes, kind)
    if one is None:
        # Told as before: a body that is no event at all is not ignored, it is wrong.
        return Done(type=read(said, how).type, status="ignored", why=UNKNOWN)
    found = proposing.read(one, said)
    link: UUID | None = None
    wedding_id = job.tenant_id
    if row["home"] == "supplier":
        link = proposing.link_of(how.links, found.link)
        wedding_id = await tx.value(ENTER_LINK, job.id, job.lease_token, link)
        if wedding_id is None:
            raise Refusal(422, "invalid", UNLINKED)
    new = await proposing.proposal(tx, ring, wedding_id, one, found)
    source = await _source(tx, row, link)
    made = await proposals.suggest(tx, source, new, strict=False)
    if made is None:
        return Done(type=kind, status="ignored", why=SO_ALREADY, link=link)
    return Done(type=kind, status="proposed", link=link)


async def _look(tx: Tx, connection_id: UUID, body: bytes) -> Done:
    """What was announced is asked for at once, or in safe mode with the next look; what it names is kept."""
    tx.nudges.append("[]")
    waits = await tx.value(queries.hush, connection_id)
    why = SAFE if waits else ""
    if await tx.value(records.is_book, connection_id):
        await tx.value(records.hint, connection_id, elements.hinted(body), waits)
        return Done(type="record.hinted", status="applied", why=why)
    if await tx.value(marketing.is_audience, connection_id):
        if not waits:
            await tx.value(marketing.poke, [connection_id], True, False)
        return Done(type="marketing.hinted", status="applied", why=why)
    if elements.ends_watch(body):
        await tx.run(calendars.renew_watches, connection_id)
    if not waits:
        found = await tx.rows(calendars.chosen_of, connection_id)
        await tx.value(calendars.poke, [row["id"] for row in found], True, False)
    return Done(type="calendar.notified", status="applied", why=why)


async def _source(tx: Tx, row: Row, link: UUID | None) -> Source:
    """A supplier's hook speaks as the supplier, under its own name."""
    name = row["title"] or ("Your own hook" if row["connector"] == model.COUPLES else "A connected program")
    if link is not None:
        name = (await proposals.source(tx)).name
    return Source(id=row["source_id"], origin="hook", name=name, link_id=link, hook_id=row["id"])


async def _fail(door: Door, job: Job, ring: KeyRing, hook_id: UUID, why: str) -> None:
    async with door.enter_job(job.id, job.lease_token) as tx:
        kind = _type_of_failed(ring, job, await tx.row(queries.due, hook_id))
        await tx.run(queries.settle, hook_id, "failed", why[:ERROR_CHARACTERS_MAX], kind)
        await jobs.finish(tx, job)


def _type_of_failed(ring: KeyRing, job: Job, row: Row | None) -> str:
    """What it said it was, where that can be read: its owner looks for it by that name."""
    if row is None:
        return ""
    try:
        body = ring.open(row["sealed"], tenant=job.tenant_id, table=inbox.TABLE, column="sealed", row=row["id"])
        return type_of(_document(body), settings_of(row["settings"]))
    except (Refusal, SealError):
        return ""


def settings_of(text: str | None) -> model.HookSettings:
    """A source's settings; of the platform's own hook there are none."""
    return model.HookSettings() if text is None else msgspec.json.decode(text, type=model.HookSettings)


def type_of(said: Any, how: model.HookSettings) -> str:
    """What a body says it is, else what its source always is."""
    mapper = model.mapper(how)
    if mapper is not None:
        said = mapper.apply(said).values
    kind = said.get("type") if isinstance(said, dict) else None
    return kind[: model.TYPE_CHARACTERS_MAX] if isinstance(kind, str) and kind else how.type


def _document(body: bytes) -> Any:
    try:
        return elements.document(body)
    except ValueError as error:
        raise Refusal(422, "invalid", "The body is neither JSON nor a form.") from error


def read(said: Any, how: model.HookSettings) -> Event:
    """What a body says has happened, by its source's mapping where there is one. Raises Refusal 422."""
    mapper = model.mapper(how)
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


def preview(body: bytes, how: model.HookSettings) -> model.Preview:
    """What a source's maps make of a body it sent; nothing is looked up, and nothing written."""
    try:
        said = _document(body)
    except Refusal as refusal:
        return model.Preview(type="", samples=[], refusal=refusal.detail)
    kind, samples = type_of(said, how), proposing.samples(said)
    if how.clients is not None and how.clients.is_for(kind):
        try:
            return model.Preview(type=kind, samples=samples, client=clienting.shown(how.clients, said))
        except Refusal as error:
            return model.Preview(type=kind, samples=samples, refusal=error.detail)
    one = proposing.chosen(how.proposes, kind)
    if one is None:
        return model.Preview(type=kind, samples=samples, refusal="No map is for bodies of this type.")
    found = proposing.read(one, said)
    told = ""
    try:
        proposing.check(found)
    except Refusal as error:
        told = error.detail
    return model.Preview(type=kind, samples=samples, map=how.proposes.index(one), read=found, refusal=told)


def _as(said: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(said, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(422, "invalid", f"What was sent cannot be used: {error}") from error


async def _wedding(tx: Tx, ring: KeyRing, row: Row, wedding_id: UUID, data: dict[str, Any]) -> bool:
    """Whether some of it waits for the couple: in the last week its date, places, times and names do."""
    fields = changed_fields(_as(data, WeddingChange))
    held = {name: data[name] for name in fields if name in HELD}
    if not held or not await tx.value(queries.holds_inbound):
        await weddings.change(tx, wedding_id, fields)
        return False
    new = NewProposal(subject="weddings", fields=held, why=HELD_WHY)
    is_waiting = await proposals.suggest(tx, await _source(tx, row, None), new, strict=False) is not None
    rest = {name: value for name, value in fields.items() if name not in held}
    if rest:
        await weddings.change(tx, wedding_id, rest)
    return is_waiting


async def _rsvp(tx: Tx, ring: KeyRing, row: Row, wedding_id: UUID, data: dict[str, Any]) -> bool:
    answer: Answer = _as(data, Answer)
    guest_id = answer.guest_id or await _guest(tx, ring, wedding_id, answer.email)
    reply = guest_model.Reply(status=answer.status, menu_option_id=answer.menu_option_id)
    await replies.reply(tx, guest_id, answer.schedule_item_id, reply, by="couple")
    return False


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


APPLIED: Final[Mapping[str, Callable[[Tx, KeyRing, Row, UUID, dict[str, Any]], Awaitable[bool]]]] = {
    "wedding.updated": _wedding,
    "rsvp.replied": _rsvp,
}
"""Each says whether something of it waits for the couple instead of being done."""
