"""Meals: what guests may choose at a schedule item; named, renamed, and taken away while nobody has chosen them."""

from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.guests import facts
from wedsync.guests.actions import clean
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found

queries = sql.load("wedsync.guests.kitchen")
NAME_CHARS_MAX = 200
MEALS_MAX = 30


async def put(tx: Tx, wedding_id: UUID, item_id: UUID, names: dict[UUID, str], added: list[str]) -> None:
    """Set an item's meals: `names` are of those there are (an empty one goes), `added` come after them.

    Raises Refusal 404 for an unknown item, 409 for taking away what somebody has chosen, 422 that names each field.
    """
    if await tx.value(queries.item_title, wedding_id, item_id) is None:
        raise not_found("schedule item")
    rows = await tx.rows(queries.menu, wedding_id, item_id)
    wanted = {row["id"]: clean(names.get(row["id"], row["name"])) for row in rows}
    new = [text for text in map(clean, added) if text]
    _check(wanted, new)
    gone = [row for row in rows if not wanted[row["id"]]]
    chosen = [row for row in gone if row["chosen"]]
    if chosen:
        raise _still_chosen(chosen)
    await _write(tx, wedding_id, item_id, {id: name for id, name in wanted.items() if name}, new)
    for row in await tx.rows(queries.remove_meals, wedding_id, [row["id"] for row in gone]):
        record(tx, facts.MEAL_REMOVED, op="DELETE", row=row)


def _check(wanted: dict[UUID, str], new: list[str]) -> None:
    errors = [_too_long(f"name.{id}") for id, name in wanted.items() if len(name) > NAME_CHARS_MAX]
    errors += [_too_long("added") for name in new if len(name) > NAME_CHARS_MAX]
    if len(new) + sum(map(bool, wanted.values())) > MEALS_MAX:
        errors.append(FieldError("added", "is more than anybody can choose from", f"At most {MEALS_MAX} meals."))
    if errors:
        raise Refusal(422, "invalid", "; ".join(f"{e.field} {e.reason}" for e in errors), errors=errors)


def _too_long(field: str) -> FieldError:
    return FieldError(field, "is too long", f"At most {NAME_CHARS_MAX} letters.")


def _still_chosen(rows: list[Row]) -> Refusal:
    fix = "Let them choose another first, or rename it."
    errors = [FieldError(f"name.{row['id']}", f"has been chosen by {row['chosen']}", fix) for row in rows]
    names = ", ".join(row["name"] for row in rows)
    return Refusal(409, "still_chosen", f"Somebody has chosen {names}. {fix}", errors=errors)


async def _write(tx: Tx, wedding_id: UUID, item_id: UUID, kept: dict[UUID, str], new: list[str]) -> None:
    order: list[dict[str, Any]] = [{"id": id, "name": name, "position": n} for n, (id, name) in enumerate(kept.items())]
    for row in await tx.rows(queries.change_meals, wedding_id, msgspec.json.encode(order).decode()):
        record(tx, facts.MEAL_CHANGED, op="UPDATE", row=row)
    for row in await tx.rows(queries.add_meals, wedding_id, item_id, new, len(kept)):
        record(tx, facts.MEAL_ADDED, op="INSERT", row=row)
