"""Answers: one guest's RSVP, a whole party's form, and the final numbers that stop them."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.guests import actions, facts, model
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests")


async def reply(tx: Tx, guest_id: UUID, item_id: UUID, answer: model.Reply, *, by: str) -> tuple[UUID, int]:
    """Save one answer in one statement; returns (rsvp id, version). Raises Refusal 404 or 409 when numbers are final."""
    row = await tx.row(queries.reply, guest_id, item_id, answer.status, answer.menu_option_id, by)
    if row is None:
        raise await _why_not(tx, guest_id, item_id)
    record(tx, facts.REPLIED, op="UPDATE", row=row)
    return row["id"], row["version"]


async def _why_not(tx: Tx, guest_id: UUID, item_id: UUID) -> Refusal:
    state = await tx.row(queries.rsvp_state, guest_id, item_id)
    if state is None:
        return not_found("invitation")
    if state["is_locked"]:
        return Refusal(
            409, "numbers_final", "The final numbers have been given to the caterer. Please tell the couple directly."
        )
    return Refusal(403, "forbidden", "You may see this answer, but not change it.")


async def answer_party(tx: Tx, ring: KeyRing, wedding_id: UUID, answers: model.PartyAnswers) -> int:
    """A party's whole form at once, as the party; all of it or nothing. Returns how many answers were saved."""
    saved = 0
    for n, answer in enumerate(answers.answers):
        if answer.name is not None and actions.clean(answer.name):
            await actions.change_guest(
                tx, answer.guest_id, {"display_name": actions.clean(answer.name), "kind": "named"}
            )
        if answer.status is not None:
            if answer.schedule_item_id is None:
                raise Refusal(
                    422,
                    "invalid",
                    "An answer needs its schedule item",
                    errors=[FieldError(f"answers[{n}].schedule_item_id", "is missing")],
                )
            said = model.Reply(status=answer.status, menu_option_id=answer.menu_option_id)
            await reply(tx, answer.guest_id, answer.schedule_item_id, said, by="guest")
            saved += 1
        if answer.needs is not None:
            await actions.put_needs(tx, ring, wedding_id, answer.guest_id, answer.needs)
            saved += 1
    return saved


async def answer_many(tx: Tx, answers: list[tuple[UUID, UUID, str]], *, by: str, bulk: bool = False) -> int:
    """Any number of answers (guest, schedule item, status) in one statement; unchanged ones are left alone."""
    columns = [list(column) for column in zip(*answers, strict=True)] or [[], [], []]
    rows = await tx.rows(queries.reply_many, *columns, by)
    for row in rows:
        record(tx, facts.REPLIED, op="UPDATE", row=row, bulk=bulk)
    return len(rows)


async def withdraw(tx: Tx, wedding_id: UUID, guest_ids: list[UUID], item_id: UUID) -> None:
    """Take invitations to one item back."""
    for row in await tx.rows(queries.withdraw, wedding_id, guest_ids, item_id):
        record(tx, facts.UNINVITED, op="DELETE", row=row)


async def lock(tx: Tx, wedding_id: UUID, item_id: UUID) -> UUID:
    """Take final numbers of a schedule item: a snapshot with its digest; guests' answers stop, the couple's are differences."""
    counts = await tx.row(queries.count_of, wedding_id, item_id)
    if counts is None:
        raise not_found("schedule item")
    image = msgspec.json.encode(msgspec.json.decode(counts["record"]), order="sorted")
    row = await tx.row(
        queries.lock, wedding_id, item_id, image.decode(), hashlib.sha256(image).hexdigest(), tx.actor.id
    )
    if row is None:
        raise Refusal(409, "already_locked", "The final numbers of this item are already taken. Open them again first.")
    record(
        tx,
        facts.LOCKED,
        op="INSERT",
        row=row,
        about=f"final_numbers:{item_id}",
        summary={"accepted": msgspec.json.decode(image).get("accepted")},
    )
    lock_id: UUID = row["id"]
    return lock_id


async def unlock(tx: Tx, wedding_id: UUID, item_id: UUID) -> None:
    """Open the final numbers of an item again."""
    row = await tx.row(queries.unlock, wedding_id, item_id)
    if row is None:
        raise not_found("lock")
    record(tx, facts.UNLOCKED, op="UPDATE", row=row)


def differences(locked: dict[str, Any], now: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What changed since final numbers were taken: field -> (then, now)."""
    fields = ("accepted", "declined", "tentative", "pending", "children", "meals", "dietary")
    return {f: (locked.get(f), now.get(f)) for f in fields if locked.get(f) != now.get(f)}
