"""Dietary sheets: the named needs of a schedule item's guests, numbered, sealed, with what changed since the last.

A sheet is a fact of its moment: later answers and needs show as changes against it until the next number is made.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.events.record import record
from wedsync.guests import facts, sealed, words
from wedsync.guests.kitchen import dietary
from wedsync.guests.model import Needs
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests.kitchen")
TABLE = "dietary_sheets"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One guest who comes and has needs."""

    guest_id: UUID
    name: str
    table: str
    age_band: str
    menu: str
    needs: Needs


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a sheet says. `unanswered` come and were not heard on needs; `none_declared` said they have none."""

    lines: list[Line]
    totals: dietary.Totals
    coming: int
    unanswered: int
    none_declared: int
    changes: list[str] = []


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A numbered sheet, opened."""

    id: UUID
    item_id: UUID
    number: int
    made_at: datetime
    content: Content


class Changes(msgspec.Struct, frozen=True):
    """What differs from an earlier sheet: guest -> "new" or "changed", who is gone, and all of it in sentences."""

    marks: dict[UUID, str]
    gone: list[str]
    sentences: list[str]


async def draft(tx: Tx, ring: KeyRing, wedding_id: UUID, item_id: UUID) -> Content:
    """The sheet as it would be now; for audiences that see guests and their needs."""
    lines, unanswered, none = [], 0, 0
    coming = await tx.rows(queries.coming, wedding_id, item_id)
    for row in coming:
        needs = None if row["sealed"] is None else sealed.open_needs(ring, wedding_id, row["id"], row["sealed"])
        if needs is None or not needs.answered:
            unanswered += 1
        elif words.is_empty(needs):
            none += 1
        else:
            lines.append(_line(row, needs))
    totals = dietary.count(line.needs for line in lines)
    return Content(lines=lines, totals=totals, coming=len(coming), unanswered=unanswered, none_declared=none)


def _line(row: Row, needs: Needs) -> Line:
    return Line(
        guest_id=row["id"],
        name=row["display_name"],
        table=row["table_label"],
        age_band=row["age_band"],
        menu=row["menu"],
        needs=needs,
    )


async def latest(tx: Tx, ring: KeyRing, wedding_id: UUID, item_id: UUID) -> Sheet | None:
    """The newest number; needs scope dietary alone, so a caterer without the guest list reads it too."""
    row = await tx.row(queries.latest_sheet, wedding_id, item_id)
    if row is None:
        return None
    text = ring.open(row["sealed"], tenant=wedding_id, table=TABLE, column="sealed", row=row["id"])
    content = msgspec.json.decode(text, type=Content)
    return Sheet(id=row["id"], item_id=item_id, number=row["number"], made_at=row["made_at"], content=content)


async def make(tx: Tx, ring: KeyRing, wedding_id: UUID, item_id: UUID) -> int:
    """Make the next number and ask everybody who may see it to confirm; returns the number.

    Raises Refusal 404 for an unknown item, 409 where nothing has changed since the last number.
    """
    title = await tx.value(queries.item_title, wedding_id, item_id)
    if title is None:
        raise not_found("schedule item")
    before, content = await latest(tx, ring, wedding_id, item_id), await draft(tx, ring, wedding_id, item_id)
    found = changes(before.content if before else None, content)
    if before is not None and not found.sentences:
        raise Refusal(409, "unchanged", f"Nothing has changed since sheet {before.number}. It is still the right one.")
    number, id = before.number + 1 if before else 1, uuid4()
    content = msgspec.structs.replace(content, changes=found.sentences if before else [])
    text = ring.seal(msgspec.json.encode(content), tenant=wedding_id, table=TABLE, column="sealed", row=id)
    row = await tx.row(queries.add_sheet, id, wedding_id, item_id, number, text, len(content.changes))
    assert row is not None, "an insert without a condition returns its row, or raises"
    # No name and no need may stand in the summary: whoever sees counts and no more gets it too.
    summary = {"words": f"Dietary sheet {number}: {title}", "number": number, "changes": len(content.changes)}
    record(tx, facts.SHEET_MADE, op="INSERT", row=row, about=f"dietary_sheet:{item_id}", summary=summary)
    return number


def changes(before: Content | None, now: Content) -> Changes:
    """What a caterer who holds `before` must learn. Without an earlier sheet nothing is a change."""
    if before is None:
        return Changes({}, [], [])
    old = {line.guest_id: line for line in before.lines}
    new = {line.guest_id: line for line in now.lines}
    marks = {id: "new" for id in new if id not in old}
    marks |= {id: "changed" for id, line in new.items() if id in old and _says(line) != _says(old[id])}
    gone = [line.name for id, line in old.items() if id not in new]
    told = [f"{new[id].name} is new: {_brief(new[id].needs)}." for id, mark in marks.items() if mark == "new"]
    told += [_difference(old[id], new[id]) for id, mark in marks.items() if mark == "changed"]
    return Changes(marks, gone, told + [f"{name} is no longer on it." for name in gone])


def _says(line: Line) -> tuple[Any, ...]:
    needs = line.needs
    allergens = frozenset((a.key, a.kind, a.severity, a.cross_contact_ok) for a in needs.allergens)
    return line.name, line.table, line.menu, allergens, frozenset(needs.diets), frozenset(needs.access), needs.note


def _brief(needs: Needs) -> str:
    badges = words.dietary_badges(needs)
    told = [b["label"] + (f", {b['severity']}" if b["severity"] else "") for b in badges]
    told += [words.ACCESS[a] for a in needs.access]
    return "; ".join(told) or "see their words"


def _difference(old: Line, new: Line) -> str:
    if old.name != new.name:
        return f"{old.name} is now {new.name}: {_brief(new.needs)}."
    if _brief(old.needs) != _brief(new.needs):
        return f"{new.name}: {_brief(new.needs)}, instead of {_brief(old.needs)}."
    if old.menu != new.menu:
        return f"{new.name} now eats {new.menu or 'what is not chosen yet'}."
    if old.table != new.table:
        return f"{new.name} now sits at {new.table or 'no table yet'}."
    return f"{new.name} says it in other words."


def totals_in_words(totals: dietary.Totals) -> list[tuple[str, int]]:
    """Every total with its label, allergens first."""
    labels = (("allergens", words.LABELS), ("diets", words.DIETS), ("access", words.ACCESS))
    return [(names[key], n) for group, names in labels for key, n in totals.get(group, {}).items()]


def rows(content: Content, found: Changes) -> list[dict[str, Any]]:
    """The lines as `dietary.html` shows them."""
    return [
        {
            "guest_id": line.guest_id,
            "name": line.name + (f" ({line.age_band})" if line.age_band != "adult" else ""),
            "table": line.table,
            "needs": words.dietary_badges(line.needs),
            "access": ", ".join(words.ACCESS[a] for a in line.needs.access),
            "note": line.needs.note,
            "menu": line.menu,
            "change": found.marks.get(line.guest_id, ""),
        }
        for line in content.lines
    ]
