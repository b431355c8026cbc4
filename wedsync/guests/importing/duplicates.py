"""The same person twice in one file: by e-mail, by phone, by name within a party; the rest is left to a person.

An e-mail address is not an identity: couples share one. It joins two rows only when the names could be one person's.
"""

from collections.abc import Iterable, Sequence

import msgspec

from wedsync.guests.importing.households import PAIRS_MAX, Group
from wedsync.guests.importing.names import fold, name_key, same_given
from wedsync.guests.importing.values import CellIssue, Pair, PlannedGuest

NAMESAKES_COMPARED = 5


class Duplicates(msgspec.Struct):
    """What was found; the guests absorbed are gone from the groups."""

    rows: list[int]
    warnings: list[CellIssue]
    possible: list[Pair]
    shared_emails: int


class _Seen(msgspec.Struct):
    """Everybody kept so far, by what may identify them."""

    by_id: dict[str, PlannedGuest] = {}
    by_email: dict[str, list[PlannedGuest]] = {}
    by_phone: dict[str, list[PlannedGuest]] = {}
    by_name: dict[str, list[tuple[PlannedGuest, Group]]] = {}

    def add(self, guest: PlannedGuest, party: Group, name: str) -> None:
        if guest.guest_id:
            self.by_id[guest.guest_id] = guest
        if guest.email:
            self.by_email.setdefault(guest.email.lower(), []).append(guest)
        if guest.phone:
            self.by_phone.setdefault(guest.phone, []).append(guest)
        self.by_name.setdefault(name, []).append((guest, party))


def remove_duplicates(groups: Sequence[Group]) -> Duplicates:
    """Fold repeated people into their first row, in place, and tell which rows that emptied."""
    found = Duplicates([], [], [], 0)
    seen = _Seen()
    absorbed: dict[str, PlannedGuest] = {}
    for party in groups:
        for guest in party.guests():
            if guest.kind != "named" and not guest.guest_id:
                continue
            name = name_key(guest.first_name, guest.last_name)
            twin = _twin_by_contact(guest, seen, found)
            twin = twin or _twin_by_name(guest, party, seen.by_name.get(name, ()), found)
            if twin is None:
                seen.add(guest, party, name)
                continue
            _absorb(twin, guest)
            absorbed[guest.key] = twin
            reason = f"The same person as in row {twin.row} ({twin.display_name}); the two were joined."
            found.warnings.append(CellIssue(guest.row, "", guest.display_name, reason))
    if absorbed:
        found.rows = _take_out(groups, absorbed)
    return found


def could_be_one(one: PlannedGuest, other: PlannedGuest) -> bool:
    """Whether two people's names allow them to be one: surname the same or missing, given names alike.

    In our own export the guest's id alone decides.
    """
    a, b = (one.last_name, other.last_name) if one.last_name == other.last_name else _folded(one, other)
    if one.guest_id and other.guest_id:
        return one.guest_id == other.guest_id
    if a and b and a != b:
        return False
    if one.suffix and other.suffix and fold(one.suffix) != fold(other.suffix):
        return False
    if one.age_band and other.age_band and one.age_band != other.age_band:
        return False
    if not one.first_name or not other.first_name:
        return bool(a and b) and fold(one.title) == fold(other.title) and one.first_name == other.first_name
    return same_given(one.first_name, other.first_name)


def _folded(one: PlannedGuest, other: PlannedGuest) -> tuple[str, str]:
    return fold(one.last_name), fold(other.last_name)


def _twin_by_contact(guest: PlannedGuest, seen: _Seen, found: Duplicates) -> PlannedGuest | None:
    if guest.guest_id in seen.by_id:
        return seen.by_id[guest.guest_id]
    if guest.email:
        known = seen.by_email.get(guest.email.lower(), ())
        twin = _first_alike(guest, known)
        if twin is not None:
            return twin
        if known:
            found.shared_emails += 1
    return _first_alike(guest, seen.by_phone.get(guest.phone, ())) if guest.phone else None


def _first_alike(guest: PlannedGuest, known: Iterable[PlannedGuest]) -> PlannedGuest | None:
    return next((other for other in known if other.row != guest.row and could_be_one(guest, other)), None)


def _twin_by_name(
    guest: PlannedGuest, party: Group, namesakes: Sequence[tuple[PlannedGuest, Group]], found: Duplicates
) -> PlannedGuest | None:
    for other, other_party in namesakes[:NAMESAKES_COMPARED]:
        if other.row == guest.row or not guest.last_name or not could_be_one(guest, other):
            continue
        differs = _differs(guest.email.lower(), other.email.lower()) or _differs(guest.phone, other.phone)
        if other_party is party and not differs:
            return other
        if not differs and len(found.possible) < PAIRS_MAX:
            names = (other.display_name, guest.display_name)
            found.possible.append(Pair(other.row, guest.row, names, "The same name in two parties."))
    return None


def _differs(one: str, other: str) -> bool:
    return bool(one and other and one != other)


def _absorb(kept: PlannedGuest, gone: PlannedGuest) -> None:
    """What the second row knows and the first does not."""
    for name in ("title", "suffix", "known_as", "age_band", "role", "table_label", "side", "email", "phone", "address"):
        if not getattr(kept, name):
            setattr(kept, name, getattr(gone, name))
    if len(gone.first_name) > len(kept.first_name) and len(fold(kept.first_name)) == 1:
        kept.first_name, kept.display_name, kept.name_sort = gone.first_name, gone.display_name, gone.name_sort
    kept.needs = kept.needs or gone.needs
    kept.notes = "; ".join(dict.fromkeys(note for note in (kept.notes, gone.notes) if note))
    kept.tags = list(dict.fromkeys([*kept.tags, *gone.tags]))
    kept.custom = {**gone.custom, **kept.custom}
    answered = {answer.event for answer in kept.answers if answer.status != "needs_action"}
    fresh = [answer for answer in gone.answers if answer.event not in answered]
    replaced = {answer.event for answer in fresh}
    kept.answers = [answer for answer in kept.answers if answer.event not in replaced] + fresh
    chosen = {meal.event for meal in kept.meals}
    kept.meals = [*kept.meals, *(meal for meal in gone.meals if meal.event not in chosen)]


def _take_out(groups: Sequence[Group], absorbed: dict[str, PlannedGuest]) -> list[int]:
    """Remove absorbed people; their plus-ones move to who absorbed them unless those have one already."""
    hosts = {guest.plus_one_of for party in groups for guest in party.guests() if guest.kind == "plus_one"}
    emptied: list[int] = []
    for party in groups:
        for draft in party.drafts:
            before = len(draft.guests)
            draft.guests = [guest for guest in draft.guests if _stays(guest, absorbed, hosts)]
            if before and not draft.guests:
                emptied.append(draft.row)
        party.drafts = [draft for draft in party.drafts if draft.guests]
    return emptied


def _stays(guest: PlannedGuest, absorbed: dict[str, PlannedGuest], hosts: set[str]) -> bool:
    if guest.key in absorbed:
        return False
    host = absorbed.get(guest.plus_one_of)
    if host is None:
        return True
    if guest.kind == "plus_one" and not guest.first_name and host.key in hosts:
        return False
    guest.plus_one_of = host.key
    return True
