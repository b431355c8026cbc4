"""Who is invited together: rows into parties, by the best evidence a file offers.

An explicit column beats a shared envelope, that beats a shared address, that beats a row of the same surname whose
address was left blank below one that has it. A shared surname alone is only a suggestion.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from wedsync.guests.importing.name_lines import PLACEHOLDERS_MAX
from wedsync.guests.importing.names import fold, name_sort
from wedsync.guests.importing.rows import Draft
from wedsync.guests.importing.values import Pair, PlannedGuest

ADDRESS_ROWS_MAX = 8  # more rows at one address are a hotel, an office or a hall of residence
RUN_ROWS_MAX = 6
PAIRS_MAX = 500
PARTY_NAME_CHARS_MAX = 300
PlanRule = Literal["column", "envelope", "address", "run", "row", "plus_one"]


class Group(msgspec.Struct):
    """The rows of one party."""

    key: str
    rule: PlanRule
    label: str
    drafts: list[Draft]

    def guests(self) -> list[PlannedGuest]:
        """Everybody in it, in the order of the file."""
        return [guest for draft in self.drafts for guest in draft.guests]


def group(drafts: Sequence[Draft]) -> list[Group]:
    """Put every row into one party; the first row of a party says where in the order it stands."""
    addresses = _shared_addresses(drafts)
    runs = _has_runs(drafts)
    groups: dict[str, Group] = {}
    before: Group | None = None
    waiting: list[Draft] = []
    for draft in drafts:
        if draft.guest_of and not draft.party:
            waiting.append(draft)
            continue
        key, rule, label = _evidence(draft, addresses)
        if rule == "row" and runs and before is not None and _continues(draft, before):
            before.drafts.append(draft)
            continue
        found = groups.get(key)
        if found is None:
            found = groups[key] = Group(key, rule, label, [])
        found.drafts.append(draft)
        before = found
    _join_hosts(waiting, groups)
    return list(groups.values())


def complete(groups: Iterable[Group]) -> None:
    """Give guests without a name their host, and fill parties up to the size a column states."""
    for party in groups:
        guests = party.guests()
        host = next((guest for guest in guests if guest.kind == "named"), None)
        missing = max(draft.size for draft in party.drafts) - len(guests)
        if missing > 0 and host is not None:
            fresh = [_blank(host) for _ in range(min(missing, PLACEHOLDERS_MAX))]
            party.drafts[0].guests.extend(fresh)
            guests.extend(fresh)
        for draft in party.drafts:
            if draft.guest_of:
                _attach(draft, next((g for g in guests if fold(g.display_name) == fold(draft.guest_of)), None))
        if host is not None:
            _give_host(guests, host)


def party_name(party: Group) -> str:
    """The label a person wrote, else the names: "John and Jane Smith", "The Smith family", "Jo Bloggs and 3 more"."""
    named = next((draft.party_name for draft in party.drafts if draft.party_name), "")
    if named:
        return named[:PARTY_NAME_CHARS_MAX]
    label = party.label if party.rule in {"column", "envelope"} else ""
    if label and not _is_code(label):
        return label[:PARTY_NAME_CHARS_MAX]
    family = next((draft.family for draft in party.drafts if draft.family), "")
    if family:
        return f"The {family} family"[:PARTY_NAME_CHARS_MAX]
    guests = party.guests()
    return _joined_name([guest for guest in guests if guest.kind == "named"] or guests)[:PARTY_NAME_CHARS_MAX]


def surname_suggestions(groups: Sequence[Group]) -> list[Pair]:
    """Neighbouring rows that share a surname and nothing else: perhaps one party, never joined unasked."""
    pairs: list[Pair] = []
    for one, other in pairwise(groups):
        if one.rule != "row" or other.rule != "row" or len(pairs) == PAIRS_MAX:
            continue
        a, b = one.drafts[-1].guests[0], other.drafts[0].guests[0]
        if a.last_name and fold(a.last_name) == fold(b.last_name) and other.drafts[0].row - one.drafts[-1].row == 1:
            pairs.append(Pair(a.row, b.row, (a.display_name, b.display_name), "Same surname in neighbouring rows."))
    return pairs


def _evidence(draft: Draft, addresses: Mapping[str, int]) -> tuple[str, PlanRule, str]:
    if draft.party:
        return f"column:{fold(draft.party)}", "column", draft.party
    if draft.envelope and fold(draft.envelope):
        return f"envelope:{fold(draft.envelope)}", "envelope", draft.envelope
    if draft.address:
        folded = fold(draft.address)
        if 1 < addresses.get(folded, 0) <= ADDRESS_ROWS_MAX:
            return f"address:{folded}", "address", ""
    return f"row:{draft.row}", "row", ""


def _shared_addresses(drafts: Sequence[Draft]) -> Counter[str]:
    return Counter(fold(draft.address) for draft in drafts if draft.address and not draft.party)


def _has_runs(drafts: Sequence[Draft]) -> bool:
    """Whether blank addresses mean "as above": addresses are common, and the gaps between them short."""
    if not drafts or any(draft.party or draft.envelope for draft in drafts) or not drafts[0].address:
        return False
    with_address = sum(1 for draft in drafts if draft.address)
    longest = run = 0
    for draft in drafts:
        run = 0 if draft.address else run + 1
        longest = max(longest, run)
    return 0.25 <= with_address / len(drafts) < 0.95 and 0 < longest <= RUN_ROWS_MAX


def _continues(draft: Draft, before: Group) -> bool:
    last = before.drafts[-1]
    is_next = draft.row == last.row + 1 and not draft.address and len(draft.guests) == 1
    surname = draft.guests[0].last_name
    if not is_next or (surname and fold(surname) not in {fold(guest.last_name) for guest in before.guests()}):
        return False
    if before.rule == "row" and before.drafts[0].address:
        before.rule = "run"
    return before.rule in {"run", "address"}


def _join_hosts(waiting: Sequence[Draft], groups: dict[str, Group]) -> None:
    """ "Guest of John Smith" belongs to John Smith's party, wherever in the file he stands."""
    if not waiting:
        return
    places = {fold(guest.display_name): found for found in groups.values() for guest in found.guests()}
    for draft in waiting:
        host = places.get(fold(draft.guest_of))
        if host is None:
            key, rule, label = _evidence(draft, Counter())
            groups.setdefault(key, Group(key, rule, label, [])).drafts.append(draft)
            continue
        host.drafts.append(draft)


def _attach(draft: Draft, host: PlannedGuest | None) -> None:
    for guest in draft.guests if host is not None else ():
        if host is not None and guest is not host:
            guest.plus_one_of = host.key
            guest.kind = guest.kind if guest.guest_id else "plus_one"


def _give_host(guests: Sequence[PlannedGuest], host: PlannedGuest) -> None:
    taken = {guest.key for guest in guests}
    for guest in guests:
        if guest.kind != "plus_one" or guest.plus_one_of or guest.last_name or guest.first_name or guest.guest_id:
            continue
        word = "Child" if guest.age_band == "child" else "Guest"
        guest.plus_one_of = host.key
        guest.display_name = f"{word} of {host.display_name}"[:600]
        guest.name_sort = name_sort(guest.display_name)
        place = 1
        while f"{host.key}+{place}" in taken:
            place += 1
        guest.key = f"{host.key}+{place}"
        taken.add(guest.key)


def _blank(host: PlannedGuest) -> PlannedGuest:
    return PlannedGuest(key="", row=host.row, kind="plus_one", display_name="Guest", side=host.side, tags=host.tags)


def _is_code(label: str) -> bool:
    """ "12", "G-7" and the like are numbers of groups, not names."""
    return not any(part.isalpha() and len(part) > 1 for part in label.replace("-", " ").replace("_", " ").split())


def _joined_name(guests: Sequence[PlannedGuest]) -> str:
    if len(guests) == 1:
        return guests[0].display_name
    surnames = {guest.last_name for guest in guests}
    surname = next(iter(surnames)) if len(surnames) == 1 else ""
    if len(guests) == 2:
        one, other = guests
        if surname and one.first_name and other.first_name:
            return f"{one.first_name} and {other.first_name} {surname}"
        return f"{one.display_name} and {other.display_name}"
    return f"The {surname} family" if surname else f"{guests[0].display_name} and {len(guests) - 1} more"
