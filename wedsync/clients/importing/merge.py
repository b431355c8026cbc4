"""A plan against the clients there are: who is new, what changes, and whom only a person can tell apart. Pure.

A blank never erases. Where both say something, the file's value counts, or ours, as was chosen for the whole file.
Which of the two who marry stands first is no difference: a row is turned round where it then says more of the same.
"""

from collections.abc import Sequence
from datetime import date

import msgspec

from wedsync.clients.importing.values import Choices, FieldChange, Merge, Op, Plan, Planned, Step
from wedsync.clients.matching import Index, face
from wedsync.clients.model import WORDS, Details, Stage
from wedsync.guests.importing.names import fold

POSSIBLE = "A client of this name is here already, and a date is missing to tell them apart."
TAKEN = "Another row of this file is the same client already."


class There(msgspec.Struct, kw_only=True):
    """A client as stored, opened."""

    id: str
    version: int
    details: Details
    wedding_on: date | None
    stage: Stage
    source: str
    external_id: str | None


def merge(plan: Plan, there: Sequence[There], choices: Choices) -> Merge:
    """Every planned client has one step; each client there is changed by one row at most."""
    index = Index()
    for place, client in enumerate(there):
        external_id = (client.external_id or "") if client.source == plan.source else ""
        index.add(place, face(client.details), client.wedding_on, external_id)
    taken: set[int] = set()
    steps = [_step(place, planned, index, there, choices, taken) for place, planned in enumerate(plan.clients)]
    created = sum(step.op == "new" for step in steps)
    updated = sum(step.op == "update" for step in steps)
    return Merge(
        steps=steps,
        created=created,
        updated=updated,
        skipped=plan.rows - created - updated - plan.rejected,
        rejected=plan.rejected,
    )


def _step(
    place: int, planned: Planned, index: Index, there: Sequence[There], choices: Choices, taken: set[int]
) -> Step:
    said = choices.rows.get(planned.row)
    if said == "skip":
        return Step(place=place, op="skip")
    known = face(planned.details)
    found = index.same(known, planned.wedding_on, planned.external_id)
    if found is None:
        possible = index.may_be(known, planned.wedding_on)
        if possible is None or said == "new":
            return Step(place=place, op="new")
        return Step(place=place, op="possible", client=possible, reason=POSSIBLE)
    if found in taken:
        return Step(place=place, op="skip", client=found, reason=TAKEN)
    taken.add(found)
    changes = differences(planned, there[found], keeps_ours=choices.differing == "ours")
    op: Op = "update" if changes else "same"
    return Step(place=place, op=op, client=found, changes=changes)


def differences(planned: Planned, there: There, *, keeps_ours: bool) -> list[FieldChange]:
    """What the file would change about somebody."""
    said = aligned(planned.details, there.details)
    pairs = [(name, getattr(there.details, name), getattr(said, name)) for name in WORDS]
    pairs.append(("wedding_on", _text(there.wedding_on), _text(planned.wedding_on)))
    pairs.append(("stage", there.stage, planned.stage or ""))
    found = [
        FieldChange(name, ours, theirs)
        for name, ours, theirs in pairs
        if theirs
        and theirs != ours
        and not (ours and keeps_ours)
        and not _says_nothing_new(name, theirs, ours)
        and not _is_the_others(name, said, there.details)
    ]
    if planned.external_id and there.external_id is None:
        found.append(FieldChange("external_id", "", planned.external_id))
    return found


def aligned(said: Details, ours: Details) -> Details:
    """The same couple with the two in the order in which we have them, as far as names and then addresses tell."""
    turned = msgspec.structs.replace(
        said,
        name=said.partner_name,
        partner_name=said.name,
        email=said.partner_email,
        partner_email=said.email,
        phone=said.partner_phone,
        partner_phone=said.phone,
    )
    return turned if _in_common(turned, ours) > _in_common(said, ours) else said


def after(there: There, changes: Sequence[FieldChange], source: str) -> There:
    """Somebody with the changes made."""
    said = {change.field: change.theirs for change in changes}
    words = {name: said[name] for name in WORDS if name in said}
    return msgspec.structs.replace(
        there,
        details=msgspec.structs.replace(there.details, **words),
        wedding_on=date.fromisoformat(said["wedding_on"]) if "wedding_on" in said else there.wedding_on,
        stage=msgspec.convert(said.get("stage", there.stage), type=Stage),
        source=source if "external_id" in said else there.source,
        external_id=said.get("external_id", there.external_id),
    )


def _text(on: date | None) -> str:
    return on.isoformat() if on is not None else ""


def _in_common(one: Details, ours: Details) -> tuple[int, int]:
    """(how surely the names in the same places are the same people, how many addresses are)."""
    names = ((one.name, ours.name), (one.partner_name, ours.partner_name))
    sure = sum(_is_less(a, b) + (_is_less(a, b) or _is_less(b, a)) for a, b in names if a and b)
    addresses = ((one.email, ours.email), (one.partner_email, ours.partner_email))
    return sure, sum(bool(a) and a.casefold() == b.casefold() for a, b in addresses)


def _says_nothing_new(name: str, theirs: str, ours: str) -> bool:
    """The same in other letters, or less than we know ("Ana" for "Ana Lopez")."""
    if name in ("email", "partner_email"):
        return theirs.casefold() == ours.casefold()
    if name in ("name", "partner_name"):
        return bool(ours) and _is_less(theirs, ours)
    return name in ("venue", "package") and fold(ours) == fold(theirs)


def _is_the_others(name: str, said: Details, ours: Details) -> bool:
    """An address that both share and that we have under the other one's name, where it stays."""
    other = {"email": "partner_email", "partner_email": "email"}.get(name)
    if other is None:
        return False
    kept, shared = getattr(ours, other).casefold(), getattr(said, name).casefold()
    return kept == shared and getattr(said, other).casefold() in ("", shared)


def _is_less(one: str, other: str) -> bool:
    """Whether every word of the one is a word of the other."""
    return set(fold(one).split()) <= set(fold(other).split())
