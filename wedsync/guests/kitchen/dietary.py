"""Needs counted: the totals of a schedule item, for audiences that may know how many and not who."""

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.guests import facts, sealed, words
from wedsync.guests.model import Needs
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests.kitchen")
HIDDEN_BELOW = 3
HIDDEN = f"<{HIDDEN_BELOW}"

Totals = dict[str, dict[str, int]]


def count(needs: Iterable[Needs]) -> Totals:
    """How many have each allergen, diet and access need: `{allergens: {milk: 4}, diets: {…}, access: {…}}`."""
    allergens: Counter[str] = Counter()
    diets: Counter[str] = Counter()
    access: Counter[str] = Counter()
    for one in needs:
        allergens.update({a.key for a in one.allergens})
        diets.update(set(one.diets))
        access.update(set(one.access))
    return {
        "allergens": _ordered(allergens, words.LABELS),
        "diets": _ordered(diets, words.DIETS),
        "access": _ordered(access, words.ACCESS),
    }


def _ordered(found: Counter[str], order: dict[str, str]) -> dict[str, int]:
    return {key: found[key] for key in order if found[key]}


def public(totals: Totals) -> dict[str, dict[str, int | str]]:
    """The totals for scope counts: a cell so small that it would name somebody says "<3". Empty without any."""
    return {
        group: {key: n if n >= HIDDEN_BELOW else HIDDEN for key, n in cells.items()}
        for group, cells in totals.items()
        if cells
    }


async def recount(tx: Tx, ring: KeyRing, wedding_id: UUID, item_ids: list[UUID] | None = None) -> int:
    """Bring the dietary totals of schedule items (None: all) in line with what accepted guests need; as the system.

    Returns how many items changed. The stream is held first, so what is counted is all that is committed.
    """
    await tx.run(queries.hold_stream)
    coming: dict[UUID, list[Needs]] = {}
    for row in await tx.rows(queries.needs_of_coming, wedding_id, item_ids):
        coming.setdefault(row["item_id"], [])
        if row["sealed"] is not None:
            coming[row["item_id"]].append(sealed.open_needs(ring, wedding_id, row["guest_id"], row["sealed"]))
    totals = [{"item_id": item, "dietary": public(count(needs))} for item, needs in coming.items()]
    rows: list[Any] = await tx.rows(queries.put_dietary, wedding_id, msgspec.json.encode(totals).decode())
    for row in rows:
        record(tx, facts.COUNTED, op="UPDATE", row=row)
    return len(rows)


async def has_needs(tx: Tx, wedding_id: UUID, guest_id: UUID) -> bool:
    """Whether a guest has declared anything at all: most have not, and then their answer counts nothing anew."""
    return await tx.row(queries.has_needs, wedding_id, guest_id) is not None


async def items_of(tx: Tx, wedding_id: UUID, guest_id: UUID) -> list[UUID]:
    """Which schedule items a guest comes to."""
    return [r["item_id"] for r in await tx.rows(queries.coming_to, wedding_id, guest_id)]
