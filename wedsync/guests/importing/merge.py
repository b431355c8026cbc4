"""A plan against what the wedding already has: new, changed, the same, in conflict, or for a person to decide.

Three-way where the last import from the same source is known (`Existing.bases`): what the file did not change since
stays ours, what only the file changed is taken, what both changed is a conflict and stays ours until somebody decides.
A blank never erases, and an answer a guest gave later than the file knows is never overwritten.
"""

from collections.abc import Mapping, Sequence

import msgspec

from wedsync.guests.importing.names import fold, name_key, same_given
from wedsync.guests.importing.values import (
    Existing,
    ExistingAnswer,
    ExistingGuest,
    ExistingParty,
    FieldChange,
    GuestStep,
    ImportResult,
    Merge,
    PartyStep,
    Plan,
    PlanCounts,
    PlannedGuest,
    PlannedParty,
    flat,
)

# Fields a list of guests writes in many ways; only a real difference is one.
_LOOSE = frozenset({"address", "display_name", "first_name", "last_name"})


def merge(plan: Plan, existing: Existing) -> Merge:
    """Decide every planned guest. Pure; writes nothing; the same plan merged after its own import changes nothing."""
    index = _Index(existing)
    index.reserve(plan.guests)
    steps: list[GuestStep] = []
    bases: dict[str, dict[str, str]] = {}
    for place, guest in enumerate(plan.guests):
        fields = flat(guest)
        found, reason = index.match(guest, plan)
        if found is None and reason:
            steps.append(GuestStep(guest=place, op="possible", reason=reason))
            continue
        bases[guest.key] = fields
        if found is None:
            steps.append(GuestStep(guest=place, op="new"))
        else:
            steps.append(_compare(place, guest, fields, found, existing.bases.get(guest.key, {})))
    parties = _parties(plan, steps, index)
    return Merge(
        guests=steps,
        parties=parties,
        result=result_of(plan, steps),
        counts=_counts(plan, steps, parties),
        bases=bases,
    )


# --- who is who ------------------------------------------------------------------------------------------------------


class _Index:
    """The stored guests, by everything a planned one may be recognised by; each can be recognised once."""

    def __init__(self, existing: Existing) -> None:
        self.by_id = {guest.id: guest for guest in existing.guests}
        self.parties = {party.id: party for party in existing.parties}
        self.party_ids = {fold(party.name): party.id for party in existing.parties}
        self._bases = existing.bases
        self._by_key = {guest.key: guest for guest in existing.guests if guest.key}
        self._by_email: dict[str, list[ExistingGuest]] = {}
        self._by_phone: dict[str, list[ExistingGuest]] = {}
        self._by_name: dict[str, list[ExistingGuest]] = {}
        self._taken: set[str] = set()
        self._reserved: dict[str, str] = {}
        self._asking = ""
        for guest in existing.guests:
            fields = guest.fields
            _put(self._by_email, fields.get("email", "").lower(), guest)
            _put(self._by_phone, fields.get("phone", ""), guest)
            _put(self._by_name, _name_of(fields), guest)

    def reserve(self, guests: Sequence[PlannedGuest]) -> None:
        """Whoever a row of this list made before stays that row's, even where a namesake stands above it."""
        for guest in guests:
            found = self.by_id.get(guest.guest_id) or self._by_key.get(guest.key)
            is_other = found is None or (":id:" in guest.key and _is_renumbered(guest, found))
            if found is not None and not is_other and not _speaks_against(guest, found.fields):
                self._reserved.setdefault(found.id, guest.key)

    def match(self, guest: PlannedGuest, plan: Plan) -> tuple[ExistingGuest | None, str]:
        """The stored guest this is; or none, with a reason when a person should look."""
        self._asking = guest.key
        found = self.by_id.get(guest.guest_id) or self._by_own_key(guest)
        if found is None and guest.kind == "named" and self.by_id:
            found = self._by_contact(guest) or self._by_party_and_name(guest, plan)
        if found is not None and found.id not in self._taken:
            self._taken.add(found.id)
            return found, ""
        if guest.key in self._bases:
            return None, f"{guest.display_name} was removed since this list was last imported. Add again?"
        return None, self._namesake(guest) if guest.kind == "named" else ""

    def _by_own_key(self, guest: PlannedGuest) -> ExistingGuest | None:
        """The key of an earlier import. Where the contact says otherwise, whoever has that contact is meant; else it
        was changed since, if the key is of this list, or this is a namesake from another one.
        """
        found = self._by_key.get(guest.key)
        if found is not None and ":id:" in guest.key and _is_renumbered(guest, found):
            return None
        if found is None or not _speaks_against(guest, found.fields):
            return found
        return self._by_contact(guest) or (found if guest.key in self._bases else None)

    def _by_contact(self, guest: PlannedGuest) -> ExistingGuest | None:
        known = [*self._by_email.get(guest.email.lower(), ()), *self._by_phone.get(guest.phone, ())]
        return next((other for other in known if self._is_free(other) and _alike(guest, other.fields)), None)

    def _by_party_and_name(self, guest: PlannedGuest, plan: Plan) -> ExistingGuest | None:
        """The same name in a party of the same name, or a name that nobody else has and nothing speaks against."""
        namesakes = [o for o in self._by_name.get(_key_of(guest), ()) if self._is_free(o)]
        if not namesakes:
            return None
        party = plan.parties[guest.party]
        party_id = self.party_ids.get(fold(party.name), "") if party.rule in {"column", "envelope"} else ""
        same_party = [other for other in namesakes if party_id and other.party_id == party_id]
        if len(same_party) == 1:
            return same_party[0]
        only = namesakes[0] if len(namesakes) == 1 and guest.first_name and guest.last_name else None
        return only if only is not None and not _speaks_against(guest, only.fields) else None

    def _namesake(self, guest: PlannedGuest) -> str:
        free = [other for other in self._by_name.get(_key_of(guest), ()) if self._is_free(other)]
        if not free:
            return ""
        return f"{free[0].fields.get('display_name', guest.display_name)} is on the list already: the same person?"

    def _is_free(self, guest: ExistingGuest) -> bool:
        return guest.id not in self._taken and self._reserved.get(guest.id, self._asking) == self._asking


def _put(index: dict[str, list[ExistingGuest]], key: str, guest: ExistingGuest) -> None:
    if key:
        index.setdefault(key, []).append(guest)


def _name_of(fields: Mapping[str, str]) -> str:
    first, last = fields.get("first_name", ""), fields.get("last_name", "")
    return name_key(first, last) if first else fold(fields.get("display_name", ""))


def _key_of(guest: PlannedGuest) -> str:
    first = guest.first_name
    return name_key(first, guest.last_name) if first else fold(guest.display_name)


def _alike(guest: PlannedGuest, fields: Mapping[str, str]) -> bool:
    ours, theirs = fold(fields.get("last_name", "")), fold(guest.last_name)
    if ours and theirs and ours != theirs:
        return False
    return same_given(fields.get("first_name", ""), guest.first_name)


def _is_renumbered(guest: PlannedGuest, found: ExistingGuest) -> bool:
    """Lists number their rows anew: the same number for another name, without the same address, is somebody else."""
    email = found.fields.get("email", "").lower()
    is_same_address = bool(email) and email == guest.email.lower()
    return guest.kind == found.kind == "named" and not is_same_address and not _alike(guest, found.fields)


def _speaks_against(guest: PlannedGuest, fields: Mapping[str, str]) -> bool:
    email, phone = fields.get("email", "").lower(), fields.get("phone", "")
    other_email = bool(guest.email and email and guest.email.lower() != email)
    other_phone = bool(guest.phone and phone and guest.phone != phone)
    return (other_email and not (phone and phone == guest.phone)) or (other_phone and not email)


# --- what differs ----------------------------------------------------------------------------------------------------


def _compare(
    place: int, guest: PlannedGuest, fields: Mapping[str, str], found: ExistingGuest, base: Mapping[str, str]
) -> GuestStep:
    step = GuestStep(guest=place, op="same", guest_id=found.id)
    for name, theirs in fields.items():
        if name.startswith("rsvp:"):
            change = _answer_change(name, guest, found, base)
        else:
            change = _field_change(name, theirs, found, base)
        if change is not None:
            (step.conflicts if change.is_conflict else step.changes).append(change)
    if step.changes:
        step.op = "update"
    return step


def _field_change(name: str, theirs: str, found: ExistingGuest, base: Mapping[str, str]) -> FieldChange | None:
    ours, before = found.fields.get(name, ""), base.get(name)
    if _equal(name, ours, theirs) or (before is not None and _equal(name, before, theirs)):
        return None
    if not ours or (before is not None and _equal(name, before, ours)) or _names_a_placeholder(name, found):
        return FieldChange(name, ours, theirs)
    return FieldChange(name, ours, theirs, is_conflict=True)


def _names_a_placeholder(name: str, found: ExistingGuest) -> bool:
    """A plus-one who was nobody may get a name from the file."""
    return found.kind == "plus_one" and name in {"display_name", "first_name", "last_name"}


def _answer_change(name: str, guest: PlannedGuest, found: ExistingGuest, base: Mapping[str, str]) -> FieldChange | None:
    event = name.removeprefix("rsvp:")
    answer = next(answer for answer in guest.answers if answer.event == event)
    ours = found.answers.get(event)
    if ours is None:
        return FieldChange(name, "", answer.status)
    if answer.status in {ours.status, "needs_action"} or base.get(name) == answer.status:
        return None
    if ours.status == "needs_action" or (base.get(name) == ours.status and ours.responded_by in {"", "import"}):
        return FieldChange(name, ours.status, answer.status)
    newer = _is_newer(answer.answered_on, ours)
    if newer is None:
        return FieldChange(name, ours.status, answer.status, is_conflict=True)
    return FieldChange(name, ours.status, answer.status) if newer else None


def _is_newer(answered_on: str, ours: ExistingAnswer) -> bool | None:
    """Whether the file's answer is later than ours; None when that cannot be told."""
    if not answered_on or not ours.responded_at or answered_on == ours.responded_at[:10]:
        return None
    return answered_on > ours.responded_at[:10]


def _equal(name: str, one: str, other: str) -> bool:
    if one == other:
        return True
    if name == "email":
        return one.lower() == other.lower()
    return name in _LOOSE and fold(one) == fold(other)


# --- parties and counts ----------------------------------------------------------------------------------------------


def _parties(plan: Plan, steps: Sequence[GuestStep], index: _Index) -> list[PartyStep]:
    """A planned party is the stored one of its recognised guests; else one of the same name where it was named."""
    found: list[PartyStep] = []
    for place, party in enumerate(plan.parties):
        known = [index.by_id[steps[guest].guest_id].party_id for guest in party.guests if steps[guest].guest_id]
        party_id = max(set(known), key=known.count) if known else ""
        if not party_id and party.rule in {"column", "envelope"}:
            party_id = index.party_ids.get(fold(party.name), "")
        stored = index.parties.get(party_id)
        found.append(PartyStep(place, party_id, _party_changes(party, stored) if stored is not None else ()))
    return found


def _party_changes(party: PlannedParty, stored: ExistingParty) -> tuple[FieldChange, ...]:
    changes = []
    if party.side and not stored.side:
        changes.append(FieldChange("side", "", party.side))
    if not set(party.tags) <= set(stored.tags):
        both = dict.fromkeys([*stored.tags, *party.tags])
        changes.append(FieldChange("tags", "|".join(stored.tags), "|".join(both)))
    return tuple(changes)


def result_of(plan: Plan, steps: Sequence[GuestStep]) -> ImportResult:
    """Rows, not people: a row that makes anybody new was created, else updated if anybody changed, else skipped."""
    made: set[int] = set()
    changed: set[int] = set()
    for step in steps:
        if step.op == "new":
            made.add(plan.guests[step.guest].row)
        elif step.op == "update":
            changed.add(plan.guests[step.guest].row)
    created, updated, rejected = len(made), len(changed - made), len(plan.rejected)
    return ImportResult(
        rows=plan.rows,
        created=created,
        updated=updated,
        skipped=plan.rows - created - updated - rejected,
        rejected=rejected,
        errors=list(plan.errors),
    )


def _counts(plan: Plan, steps: Sequence[GuestStep], parties: Sequence[PartyStep]) -> PlanCounts:
    ops = [step.op for step in steps]
    in_new = {plan.guests[step.guest].party for step in steps if step.op == "new"}
    return PlanCounts(
        guests_new=ops.count("new"),
        guests_updated=ops.count("update"),
        guests_same=ops.count("same"),
        guests_possible=ops.count("possible"),
        conflicts=sum(len(step.conflicts) for step in steps),
        parties_new=sum(1 for step in parties if not step.party_id and step.party in in_new),
        plus_ones=sum(1 for guest in plan.guests if guest.kind == "plus_one" and guest.age_band != "child"),
        children=sum(1 for guest in plan.guests if guest.age_band in {"child", "infant", "teen"}),
        rows_duplicate=len(plan.duplicates),
        rows_rejected=len(plan.rejected),
    )


def decide(merged: Merge, choices: Mapping[int, str]) -> Merge:
    """The merge after a person looked: `choices` maps a planned guest's place to `new`, `skip`, `theirs` or `ours`.

    `theirs` turns the guest's conflicts into changes, `ours` drops them, `new` adds a possible duplicate after all.
    Counts stay those of the dry run; what is written is what `guests` says.
    """
    steps = [_decided(step, choices.get(step.guest, "")) for step in merged.guests]
    return msgspec.structs.replace(merged, guests=steps)


def _decided(step: GuestStep, choice: str) -> GuestStep:
    if choice == "new" and step.op == "possible":
        return msgspec.structs.replace(step, op="new")
    if choice == "theirs" and step.conflicts:
        taken = [msgspec.structs.replace(change, is_conflict=False) for change in step.conflicts]
        return msgspec.structs.replace(step, op="update", changes=[*step.changes, *taken], conflicts=[])
    if choice == "ours":
        return msgspec.structs.replace(step, conflicts=[])
    return step
