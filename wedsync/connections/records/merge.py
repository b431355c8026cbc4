"""What becomes of one record that two sides hold: a pure decision from ours, theirs and what both last agreed on.

Field by field, three-way: a new phone there and a new stage here are both kept. Where both changed the same field its
owner is right: the couple owns names and how they are reached once they have joined, until then the CRM does; venue and
package are the CRM's; of two stages forward the further holds. A date, or a cancellation against anything else, is
nobody's to overwrite: people decide.
"""

from collections.abc import Collection
from typing import Final, Literal

import msgspec

from wedsync.clients.model import STAGES, Stage
from wedsync.connections.records.record import FIELDS, Field, Record

Side = Literal["ours", "theirs"]
Verdict = Literal["", "ours", "theirs"]
ORDER: Final[tuple[Stage, ...]] = tuple(STAGES)
OF_COUPLE: Final = frozenset({"name", "partner_name", "email", "partner_email", "phone", "partner_phone"})


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """`base` is what both agreed on, null before the first time. `is_joined`: the couple itself is on WedSync."""

    base: Record | None
    ours: Record
    theirs: Record
    is_joined: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What each side says then, what both have agreed on, and the fields that people must decide.

    `ours` is to be taken over where it differs from what we have, `theirs` to be written there likewise.
    """

    ours: Record
    theirs: Record
    base: Record
    clashes: tuple[Field, ...] = ()


def still_to_write(there: Record, before: Record, wanted: Record) -> list[Field] | None:
    """The fields of a push that what is there by now does not say yet; None where it has changed meanwhile."""
    fields = changed(wanted, before)
    if any(getattr(there, name) not in (getattr(before, name), getattr(wanted, name)) for name in fields):
        return None
    return [name for name in fields if getattr(there, name) != getattr(wanted, name)]


def decide(sides: Sides, *, writes: Collection[Field], verdict: Verdict = "") -> Decision:
    """Deterministic; deciding again about its own result changes nothing. `verdict` is what people said."""
    clashes: list[Field] = []
    ours: dict[str, object] = {}
    theirs: dict[str, object] = {}
    agreed: dict[str, object] = {}
    for field in FIELDS:
        mine, other = getattr(sides.ours, field), getattr(sides.theirs, field)
        winner = _winner(sides, field, verdict)
        if winner is None:
            clashes.append(field)
        elif winner == "theirs":
            ours[field] = agreed[field] = other
        elif field in writes:
            theirs[field] = agreed[field] = mine
        else:
            # It cannot be said there, so what is there is known, and ours stays ours.
            agreed[field] = other
    if sides.base is None:
        agreed |= {field: _neither(field, sides) for field in clashes}
    return Decision(
        ours=_with(sides.ours, ours),
        theirs=_with(sides.theirs, theirs),
        base=_with(sides.base or sides.theirs, agreed),
        clashes=tuple(clashes),
    )


def changed(one: Record, other: Record) -> tuple[Field, ...]:
    """The fields in which they differ."""
    return tuple(field for field in FIELDS if getattr(one, field) != getattr(other, field))


def _with(record: Record, values: dict[str, object]) -> Record:
    return msgspec.structs.replace(record, **values) if values else record


def _neither(field: Field, sides: Sides) -> object:
    """What stands for "never agreed on": a value of neither side, so that it stays people's to decide."""
    if field == "wedding_on":
        return None
    return next(stage for stage in ORDER if stage not in (sides.ours.stage, sides.theirs.stage))


def _winner(sides: Sides, field: Field, verdict: Verdict) -> Side | None:
    mine, other = getattr(sides.ours, field), getattr(sides.theirs, field)
    if mine == other:
        return "theirs"
    if sides.base is not None:
        was = getattr(sides.base, field)
        if mine == was:
            return "theirs"
        if other == was:
            return "ours"
    elif not mine or not other:
        return "ours" if mine else "theirs"
    return verdict or _owner(sides, field)


def _owner(sides: Sides, field: Field) -> Side | None:
    if field == "wedding_on":
        return None
    if field == "stage":
        return _further(sides.ours.stage, sides.theirs.stage)
    return "ours" if sides.is_joined and field in OF_COUPLE else "theirs"


def _further(mine: Stage, other: Stage) -> Side | None:
    if "cancelled" in (mine, other):
        return None
    return "ours" if ORDER.index(mine) > ORDER.index(other) else "theirs"
