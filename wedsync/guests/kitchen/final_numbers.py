"""Final numbers: a snapshot of the counts that caterer and venue confirm, and what has changed since."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.guests import facts
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found

queries = sql.load("wedsync.guests.kitchen")
_FIELDS = ("accepted", "declined", "tentative", "pending", "children", "meals", "dietary")


async def lock(tx: Tx, wedding_id: UUID, item_id: UUID) -> UUID:
    """Take them for a schedule item, with their digest: guests' answers stop, the couple's are differences.

    Raises Refusal 404 for an item without counts, 409 where they are taken already.
    """
    counts = await tx.row(queries.count_of, wedding_id, item_id)
    if counts is None:
        raise not_found("schedule item")
    taken = msgspec.json.decode(counts["record"])
    image = msgspec.json.encode(taken, order="sorted")
    stamp = hashlib.sha256(image).hexdigest()
    row = await tx.row(queries.lock, wedding_id, item_id, image.decode(), stamp, tx.actor.id)
    if row is None:
        raise Refusal(409, "already_locked", "The final numbers of this item are already taken. Open them again first.")
    summary = {"words": f"Final numbers of {counts['title']}", "accepted": taken.get("accepted"), "sha256": stamp}
    record(tx, facts.LOCKED, op="INSERT", row=row, about=f"final_numbers:{item_id}", summary=summary)
    lock_id: UUID = row["id"]
    return lock_id


async def unlock(tx: Tx, wedding_id: UUID, item_id: UUID) -> None:
    """Open the final numbers of an item again."""
    row = await tx.row(queries.unlock, wedding_id, item_id)
    if row is None:
        raise not_found("lock")
    record(tx, facts.UNLOCKED, op="UPDATE", row=row)


async def counts(tx: Tx, wedding_id: UUID) -> list[dict[str, Any]]:
    """Counts per part of the day as `_counts.html` shows them; none for whom counts are not for."""
    rows = await tx.rows(queries.counts_now, wedding_id)
    keys = ("item_id", "title", "invited", "accepted", "declined", "tentative", "pending", "children", "locked_at")
    return [{**{k: r[k] for k in keys}, "since_lock": since_lock(r)} for r in rows]


def since_lock(row: Row) -> str:
    """What has become of the final numbers: `2 more`, `1 fewer`, or nothing."""
    if row["locked"] is None:
        return ""
    more: int = row["accepted"] - msgspec.json.decode(row["locked"]).get("accepted", 0)
    return "" if not more else f"{more} more" if more > 0 else f"{-more} fewer"


def differences(locked: dict[str, Any], now: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What changed since final numbers were taken: field -> (then, now)."""
    return {f: (locked.get(f), now.get(f)) for f in _FIELDS if locked.get(f) != now.get(f)}


def sentences(locked: dict[str, Any], now: dict[str, Any], menu: dict[str, str]) -> list[str]:
    """The differences as a caterer reads them; `menu` names the meals by their id."""
    found = []
    for field, (then, at_present) in differences(locked, now).items():
        if field == "accepted":
            found.append(f"{_more(at_present - then)} coming: {at_present} instead of {then}")
        elif field == "children":
            found.append(f"Children among them: {at_present} instead of {then}")
        elif field == "meals":
            keys = sorted({*then, *at_present}, key=lambda key: menu.get(key, ""))
            changed = [(menu.get(key, "A meal"), then.get(key, 0), at_present.get(key, 0)) for key in keys]
            found += [f"{name}: {is_now} instead of {was}" for name, was, is_now in changed if was != is_now]
        elif field == "dietary":
            found.append("Dietary needs have changed; the dietary sheet says how")
    return found


def _more(difference: int) -> str:
    return f"{difference} more" if difference > 0 else f"{-difference} fewer"
