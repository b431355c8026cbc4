"""A sheet and a mapping to a plan: who would be invited, in which parties, with which answers, and what went wrong."""

from collections.abc import Sequence

from wedsync.guests.importing.duplicates import remove_duplicates
from wedsync.guests.importing.events import Events
from wedsync.guests.importing.households import Group, complete, group, party_name, surname_suggestions
from wedsync.guests.importing.rows import Draft, Reader
from wedsync.guests.importing.sheet import Sheet
from wedsync.guests.importing.values import CellIssue, Plan, PlannedGuest, PlannedParty
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.mapping import FieldMap

NAME_TARGETS = frozenset({"first_name", "last_name", "full_name", "envelope"})
PARTY_TAGS_MAX = 30


def build_plan(sheet: Sheet, mapping: FieldMap, *, country: str, events: Sequence[str] = ()) -> Plan:
    """Read every row. `country` (ISO 3166 alpha-2) reads national phone numbers; `events` are schedule items by name.

    Pure and repeatable: the same sheet, mapping and events give the same plan with the same keys. Raises `Refusal` 422
    when the mapping has no column with names.
    """
    if not any(rule.target in NAME_TARGETS or rule.target.startswith("extra_") for rule in mapping.rules):
        fix = "Choose which column holds the first name, the last name or the full name."
        errors = [FieldError("mapping", "No column holds names.", fix)]
        raise Refusal(422, "mapping_without_names", "No column of this file is marked as holding names.", errors=errors)
    known_events = Events(events)
    reader = Reader(sheet, mapping, country=country, events=known_events)
    drafts, errors_found = _read(sheet, reader)
    groups = group(drafts)
    complete(groups)
    doubles = remove_duplicates(groups)
    guests, parties = _numbered([party for party in groups if party.drafts])
    return Plan(
        source=mapping.name,
        rows=len(sheet.rows) + len(sheet.faults),
        guests=guests,
        parties=parties,
        errors=errors_found,
        warnings=sorted([*reader.warnings, *doubles.warnings], key=lambda issue: issue.row),
        rejected=sorted({issue.row for issue in errors_found}),
        duplicates=doubles.rows,
        possible_duplicates=doubles.possible,
        suggestions=surname_suggestions([party for party in groups if party.drafts]),
        shared_emails=doubles.shared_emails,
        unknown_events=known_events.unknown(),
        notes=list(sheet.notes),
    )


def _read(sheet: Sheet, reader: Reader) -> tuple[list[Draft], list[CellIssue]]:
    drafts: list[Draft] = []
    errors = [CellIssue(fault.row, "", fault.value, fault.reason) for fault in sheet.faults]
    for number, cells in zip(sheet.numbers, sheet.rows, strict=True):
        found = reader.read(number, cells)
        if isinstance(found, Draft):
            drafts.append(found)
        else:
            errors.extend(found)
    return drafts, sorted(errors, key=lambda issue: issue.row)


def _numbered(groups: Sequence[Group]) -> tuple[list[PlannedGuest], list[PlannedParty]]:
    guests: list[PlannedGuest] = []
    parties: list[PlannedParty] = []
    for party in groups:
        members = party.guests()
        first, place = len(guests), len(parties)
        for guest in members:
            guest.party = place
        guests.extend(members)
        sides = {guest.side for guest in members} - {""}
        parties.append(
            PlannedParty(
                key=party.key[:400],
                name=party_name(party),
                rule=party.rule,
                guests=list(range(first, len(guests))),
                side=sides.pop() if len(sides) == 1 else "both" if sides else "",
                tags=list(dict.fromkeys(tag for guest in members for tag in guest.tags))[:PARTY_TAGS_MAX],
                plus_ones_allowed=min(20, sum(1 for guest in members if guest.kind == "plus_one")),
            )
        )
    return guests, parties
