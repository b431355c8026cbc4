"""One party as an editable form: its name, whose guests they are, whom it may bring, what all of it is invited to."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from wedsync.guests import actions, editing, merging, model, replies, words
from wedsync.guests.merging import Value
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found

queries = sql.load("wedsync.guests")
OWN = ("name", "side", "plus_ones_allowed")
_LABELS = {"name": "Name of the party", "side": "Whose guests", "plus_ones_allowed": "Further guests they may bring"}


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A party with who is in it and what they are invited to; `titles` are of all items, by id."""

    party: Row
    guests: list[str]
    guest_ids: list[UUID]
    titles: dict[str, str]
    values: dict[str, Value]
    version: int


async def open_party(tx: Tx, wedding_id: UUID, party_id: UUID, *, hold: bool = False) -> Opened:
    """Read a party; `hold` keeps everybody else from changing its settings until the end. Raises Refusal 404."""
    row = await tx.row(queries.party_for_change if hold else queries.party, wedding_id, party_id)
    if row is None:
        raise not_found("party")
    guests = await tx.rows(queries.party_members, wedding_id, party_id)
    items = await tx.rows(queries.items, wedding_id)
    invited = [item for item in items if guests and all(item["id"] in (g["invited"] or []) for g in guests)]
    values: dict[str, Value] = {
        "name": row["name"],
        "side": row["side"],
        "plus_ones_allowed": str(row["plus_ones_allowed"]),
    }
    values["items"] = sorted(str(item["id"]) for item in invited)
    return Opened(
        party=row,
        guests=[g["display_name"] for g in guests],
        guest_ids=[g["id"] for g in guests],
        titles={str(item["id"]): item["title"] for item in items},
        values=values,
        version=editing.version_of([row["version"], values["items"]]),
    )


async def save(
    tx: Tx, wedding_id: UUID, party_id: UUID, fields: Mapping[str, list[str]], *, version: int | None
) -> None:
    """Save what the form changed. Raises editing.Conflict when it is stale and must ask, Refusal 422 by field."""
    opened = await open_party(tx, wedding_id, party_id, hold=True)
    posted: dict[str, Value] = {name: fields[name][-1] for name in OWN if name in fields}
    posted["items"] = sorted(set(fields.get("items", [])) & opened.titles.keys())
    base = editing.base_of(fields) or opened.values
    merged = merging.merge(base, posted, opened.values)
    if merged.conflicts and version != opened.version:
        who = await editing.who_changed(tx, wedding_id, [party_id])
        asked = [
            {"name": n, "label": _LABELS[n], "mine": str(merged.values[n]), "theirs": str(opened.values[n])}
            for n in merged.conflicts
        ]
        raise editing.Conflict(now=opened.values, merged=merged, who=who, version=opened.version, fields=asked)
    wanted = merging.changed(opened.values, merged.values)
    if wanted & set(OWN):
        await actions.change_party(tx, party_id, _own(merged.values))
    if "items" in wanted:
        await _invite(tx, wedding_id, opened, set(merged.values["items"]))


def _own(values: Mapping[str, Value]) -> dict[str, object]:
    """Raises Refusal 422."""
    errors = []
    name, plus = actions.clean(str(values["name"])), str(values["plus_ones_allowed"])
    if not 0 < len(name) <= 300:
        errors.append(FieldError("name", "is empty" if not name else "is too long", "Give 1 to 300 letters."))
    if not plus.isdigit() or not 0 <= int(plus[:5]) <= 20:
        errors.append(FieldError("plus_ones_allowed", "is not from 0 to 20", "Give a number from 0 to 20."))
    if values["side"] not in words.SIDE_KEYS:
        errors.append(FieldError("side", "is not one of the choices"))
    if errors:
        raise Refusal(422, "invalid", "; ".join(f"{e.field} {e.reason}" for e in errors), errors=errors)
    change = model.PartyChange(name=name, side=values["side"], plus_ones_allowed=int(plus))  # type: ignore[arg-type]
    return {"name": change.name, "side": change.side, "plus_ones_allowed": change.plus_ones_allowed}


async def _invite(tx: Tx, wedding_id: UUID, opened: Opened, wanted: set[str]) -> None:
    """All of the party, to what was ticked; what was unticked is taken back from all of it."""
    before = set(opened.values["items"])
    added = [UUID(item) for item in sorted(wanted - before)]
    await actions.invite(tx, wedding_id, opened.guest_ids, added)
    await replies.withdraw(tx, wedding_id, opened.guest_ids, [UUID(item) for item in sorted(before - wanted)])
