"""Every write of proposals: opened, taken back, accepted with the owner's action, refused with a word."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.proposals import model, view
from wedsync.proposals.subjects import SUBJECTS, Goal, Subject

queries = sql.load("wedsync.proposals")
CHANGED = "Whoever suggested this has said it anew after you read it. Look at what it says now, and decide that."
STALE = "What this suggestion is about has changed meanwhile. Look at both, and accept it again if you still want to."


async def source(tx: Tx) -> model.Source:
    """The asker as a source: a supplier, or one of the couple. Raises Refusal 403 for everybody else."""
    me = await _me(tx)
    if me["role"] == "supplier" and me["link_id"] is not None:
        return model.Source(
            id=me["link_id"], origin="supplier", name=me["supplier_name"] or "A supplier", link_id=me["link_id"]
        )
    if me["is_couple"] and tx.actor.id is not None:
        return model.Source(id=tx.actor.id, origin="couple", name=tx.actor.name or "One of you")
    raise Refusal(403, "forbidden", "Only the couple and its suppliers suggest changes here.")


async def suggest(tx: Tx, by: model.Source, new: model.NewProposal, *, strict: bool = True) -> UUID | None:
    """Open a proposal, or say it anew; None where everything is so already (then what waits of it is taken back).

    Only what the asker sees can be suggested. Raises Refusal 403, 404, 409 or 422.
    """
    subject, me = SUBJECTS[new.subject], await _me(tx)
    is_new = new.subject_id is None and new.subject != "weddings"
    subject_id = me["wedding_id"] if new.subject == "weddings" else new.subject_id
    fields = subject.checked(new.fields, is_new=is_new, strict=strict)
    key = model.repeat_key(by.id, new.subject, subject_id, fields)
    if is_new:
        _check_scope(subject, me["mask"])
        title, seen, wanted = _title_of_new(fields), {}, fields
    else:
        row = await _current(tx, new.subject, subject_id)
        if row is None:
            raise not_found("item")
        now = msgspec.json.decode(row["record"])
        title = row["title"]
        wanted = {name: value for name, value in fields.items() if not model.is_same(now[name], value)}
        seen = {name: now[name] for name in wanted}
    if not wanted:
        await _take_back(tx, key, None)
        return None
    if await tx.value(queries.waiting_beside, key, by.link_id, by.id) >= model.WAITING_MAX:
        raise Refusal(409, "too_many_waiting", f"{model.WAITING_MAX} suggestions wait already. Decide some of them.")
    whose = (by.link_id, by.origin, by.id, by.name[:300], by.hook_id, key)
    row = await tx.row(queries.put, *whose, new.subject, subject_id, title, _json(seen), _json(wanted), new.why.strip())
    return _recorded(tx, row)


def _check_scope(subject: Subject, mask: int) -> None:
    if not mask & subject.scope:
        raise Refusal(403, "forbidden", f"You do not see {subject.word}, so nothing can be added to it.")


def _title_of_new(fields: Mapping[str, Any]) -> str:
    name = fields.get("title") or fields.get("display_name")
    name = name or " ".join(str(fields.get(part) or "") for part in ("first_name", "last_name")).strip()
    return f"New: {name}" if name else "Something new"


def _recorded(tx: Tx, row: Row | None) -> UUID:
    if row is None:
        raise not_found("item")
    record(tx, model.OPENED, op="INSERT" if row["old_record"] is None else "UPDATE", row=row, link=row["link_id"])
    proposal_id: UUID = row["id"]
    return proposal_id


async def withdraw(tx: Tx, proposal_id: UUID) -> None:
    """Whoever suggested it takes it back. Raises Refusal 403, 404 or 409."""
    if not await _take_back(tx, "", proposal_id):
        held = await _held(tx, proposal_id)
        _check_waits(held)
        raise Refusal(403, "forbidden", "Only whoever suggested this takes it back. You can refuse it.")


async def _take_back(tx: Tx, key: str, proposal_id: UUID | None) -> bool:
    row = await tx.row(queries.take_back, key, proposal_id)
    if row is not None:
        record(tx, model.WITHDRAWN, op="UPDATE", row=row, link=row["link_id"])
    return row is not None


async def accept(
    tx: Tx, ring: KeyRing, proposal_id: UUID, *, version: int, subject_version: int | None = None, is_alone: bool = True
) -> bool:
    """Make the change by its owner's action; False where the field has changed since it was suggested.

    Then nothing is overwritten: the proposal is stale, until it is accepted with the version of the row that was
    looked at. `version` is the proposal's as it was read: what is suggested anew meanwhile is not accepted with it.
    `is_alone` is whether it was looked at by itself, not among others. Raises Refusal 403, 404, 409, 412, and what the
    owner's action refuses.
    """
    held = await _decidable(tx, proposal_id)
    if held["version"] != version:
        raise await _said_anew(tx, proposal_id)
    if SUBJECTS[held["subject"]].is_weighty and not is_alone:
        raise Refusal(409, "decide_alone", f"It is about {SUBJECTS[held['subject']].word}: decide it by itself.")
    seen, wanted = msgspec.json.decode(held["seen"]), msgspec.json.decode(held["wanted"])
    row = None if held["subject_id"] is None else await _current(tx, held["subject"], held["subject_id"])
    now = None if row is None else msgspec.json.decode(row["record"])
    is_known = row is not None and row["version"] == subject_version
    if model.is_overtaken(seen, now) and not is_known:
        stale = await tx.row(queries.overtake, proposal_id)
        if stale is not None:
            record(tx, model.OVERTAKEN, op="UPDATE", row=stale, link=stale["link_id"])
        return False
    goal = Goal(
        ring=ring,
        wedding_id=held["wedding_id"],
        id=held["subject_id"],
        fields=wanted,
        version=None if row is None else row["version"],
        why=f"{held['source_name']} suggested it. {held['why']}".strip()[:500],
    )
    await SUBJECTS[held["subject"]].apply(tx, goal)
    await _settle(tx, held, "accepted", "")
    return True


async def _said_anew(tx: Tx, proposal_id: UUID) -> Refusal:
    (now,) = await view.shown(tx, await tx.rows(queries.one, proposal_id))
    current: Any = msgspec.to_builtins(now)
    return Refusal(412, "changed_meanwhile", CHANGED, extra={"current": current, "version": now.version})


async def refuse(tx: Tx, proposal_id: UUID, word: str = "") -> None:
    """Nothing changes; a word may say why. Raises Refusal 403, 404 or 409."""
    await _settle(tx, await _decidable(tx, proposal_id), "refused", word.strip())


async def _settle(tx: Tx, held: Row, state: str, word: str) -> None:
    row = await tx.row(queries.settle, held["id"], state, word)
    if row is None:
        raise not_found("proposal")
    kind = model.ACCEPTED if state == "accepted" else model.REFUSED
    record(tx, kind, op="UPDATE", row=row, link=row["link_id"])


async def _decidable(tx: Tx, proposal_id: UUID) -> Row:
    held = await _held(tx, proposal_id)
    if not (await _me(tx))["is_couple"]:
        raise Refusal(403, "forbidden", "The couple decides this. You can take it back as long as it waits.")
    _check_waits(held)
    return held


def _check_waits(held: Row) -> None:
    if held["state"] not in model.WAITING:
        raise Refusal(409, "already_decided", f"This suggestion is {held['state']} already.")


async def _held(tx: Tx, proposal_id: UUID) -> Row:
    row = await tx.row(queries.held, proposal_id)
    if row is None and await tx.row(queries.one, proposal_id) is None:
        raise not_found("proposal")
    if row is None:
        raise Refusal(409, "already_decided", "This suggestion is decided already.")
    return row


async def _me(tx: Tx) -> Row:
    row = await tx.row(queries.me)
    if row is None:
        raise not_found("wedding")
    return row


async def _current(tx: Tx, subject: str, id: UUID | None) -> Row | None:
    rows = await tx.rows(queries.current, [id])
    return next((row for row in rows if row["subject"] == subject), None)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
