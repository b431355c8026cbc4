"""What texts and calls come to: how they stand, what is sent in place of one that is lost, and what people answer."""

from typing import Final, Literal
from uuid import UUID, uuid4

import msgspec

from wedsync.acknowledgements import actions as acknowledgements
from wedsync.alerts import actions as alerts
from wedsync.connections.phoning import words
from wedsync.connections.phoning.contract import Fate, Heard, Message, Status
from wedsync.kit import clock, sql
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing
from wedsync.phones import model, sealed
from wedsync.phones.model import Answer, Asked
from wedsync.web.context import Context, as_struct

queries = sql.load("wedsync.connections.phoning")
AGAIN_S: Final = 45
"""A phone that is off may be on again by then; half of the minute that an emergency has is a call's."""
LOUD: Final = ("high", "critical")


class Kept(Message, frozen=True, kw_only=True):
    """The words that are kept beside a text until it has arrived; `spoken` is how a call says them."""

    spoken: str = ""


async def stand(ctx: Context, message_id: UUID, said: Status) -> None:
    """How one text or call stands. What is told twice, or too late, changes nothing."""
    async with ctx.door.bare(ANONYMOUS) as tx:
        if not await tx.value(queries.hear, said.key, message_id, None, said.state, said.code):
            return
        known = (said.sid, said.state, said.rank, said.is_last, said.code, said.fate)
        row = await tx.row(queries.stands, message_id, *known)
        if row is None or not row["is_moved"]:
            return
        if said.fate == "invalid":
            tx.nudges += [r[0] for r in await tx.rows(queries.spoil, row["number_index"])]
        elif said.fate == "stopped" and row["phone_sealed"] is not None:
            await _stop(ctx, tx, _number(ctx, row), "carrier")
        elif said.fate in ("again", "call"):
            await _follow(ctx.ring, tx, message_id, row, said.fate)


async def follow_refused(tx: Tx, ring: KeyRing, message_id: UUID) -> None:
    """A text that was refused at once, because the number takes none: as a call, where that may be."""
    row = await tx.row(queries.stands, message_id, "", "", -1, False, None, "")
    if row is not None:
        await _follow(ring, tx, message_id, row, "call")


async def _follow(ring: KeyRing, tx: Tx, message_id: UUID, row: Row, fate: Fate) -> None:
    """Once more, or as a call: once, and only where the words are still there and nobody has answered."""
    if row["kind"] == "call" or row["is_repeat"] or row["is_answered"] or row["sealed"] is None:
        return
    may_call = row["takes_calls"] and row["severity"] in LOUD
    kind: Literal["text", "call"] = "text"
    if may_call and (fate == "call" or row["severity"] == "critical"):
        kind = "call"
    elif fate == "call":
        return
    tenant, new = row["tenant_id"], uuid4()
    plain = sealed.unseal_message(ring, tenant, message_id, row["sealed"])
    known = msgspec.json.decode(plain, type=Kept)
    moved = {name: getattr(known, name).replace(str(message_id), str(new)) for name in ("status_url", "voice_url")}
    again = msgspec.structs.replace(known, kind=kind, at=clock.machine_now().isoformat(), **moved)
    content = msgspec.json.encode(again)
    tx.nudges.append("[]")
    await tx.value(
        queries.follow,
        message_id,
        new,
        kind,
        sealed.seal_delivery(ring, tenant, new, content),
        sealed.seal_message(ring, tenant, new, content),
        0 if kind == "call" else AGAIN_S,
    )


async def hear(ctx: Context, heard: Heard) -> str:
    """A text that came in; what is answered, empty for nothing. STOP counts from this moment, whatever waits."""
    indexes = sealed.indexes(ctx.ring, heard.sender)
    meant = model.meant(heard.text)
    if not heard.keyword and meant.answer is not None:
        return await _answer(ctx, heard, indexes, meant.answer, meant.code)
    async with ctx.door.bare(ANONYMOUS) as tx:
        if not await tx.value(queries.hear, heard.key, None, indexes[0], f"text.{heard.keyword or 'other'}", None):
            return ""
        if heard.keyword == "stop":
            await _stop(ctx, tx, heard.sender, "stopped")
        elif heard.keyword == "start":
            tx.nudges += [r[0] for r in await tx.rows(queries.start, indexes)]
        asks = [] if heard.keyword else await _asks(tx, indexes)
    if heard.is_answered:
        return ""
    return words.KEYWORDS.get(heard.keyword) or (words.unclear(asks[0]) if asks else words.NOTHING_ASKED)


async def _answer(ctx: Context, heard: Heard, indexes: list[bytes], answer: Answer, code: int | None) -> str:
    async with ctx.door.bare(ANONYMOUS) as tx:
        asked = model.which(await _asks(tx, indexes), code)
        if asked is None:
            is_new = await tx.value(queries.hear, heard.key, None, indexes[0], "text.answer", None)
            return words.NOTHING_ASKED if is_new else ""
    outcome = await settle(ctx, asked, answer, key=heard.key, by="text")
    return words.answered(outcome, asked) if outcome else ""


async def settle(ctx: Context, asked: Asked, answer: Answer, *, key: str, by: Literal["text", "call"]) -> str:
    """The answer of one person to one thing, as if they had given it on the page; empty for one that was told before.

    Who may no longer answer (the link has ended) is told so, and nothing changes.
    """
    actor = Actor(kind="person", id=asked.person_id)
    try:
        async with ctx.door.enter(actor, asked.tenant_id) as tx:
            if not await tx.value(queries.hear, key, asked.id, None, f"{by}.{answer}", None):
                return ""
            is_fine = answer == "confirmed"
            is_asked = await alerts.answer(tx, asked.event_id, is_fine=is_fine, via=by)
            if not is_asked:
                is_asked = await acknowledgements.answer(tx, asked.event_id, is_fine=is_fine, via=by)
            await tx.value(queries.answered, asked.event_id, answer, by)
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        return "ended"
    return answer if is_asked else "newer"


async def called(ctx: Context, message_id: UUID) -> tuple[Row, Kept] | None:
    """A call of ours with its words; none where it is nobody's, or is settled."""
    async with ctx.door.bare(ANONYMOUS) as tx:
        row = await tx.row(queries.call, message_id)
    if row is None or row["sealed"] is None:
        return None
    plain = sealed.unseal_message(ctx.ring, row["tenant_id"], message_id, row["sealed"])
    return row, msgspec.json.decode(plain, type=Kept)


async def _asks(tx: Tx, indexes: list[bytes]) -> list[Asked]:
    return [as_struct(Asked, row) for row in await tx.rows(queries.asks, indexes)]


async def _stop(ctx: Context, tx: Tx, number: str, reason: Literal["stopped", "carrier"]) -> None:
    stop = uuid4()
    kept = sealed.seal_stop(ctx.ring, stop, number)
    rows = await tx.rows(queries.stop, sealed.indexes(ctx.ring, number), kept, stop, reason)
    tx.nudges += [r[0] for r in rows]


def _number(ctx: Context, row: Row) -> str:
    return sealed.unseal(ctx.ring, row["person_id"], row["phone_id"], row["phone_sealed"])
