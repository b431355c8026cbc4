"""A file and the choices about it to a plan: which couples it speaks of, each once, and what went wrong. Pure."""

import msgspec

from wedsync.clients.importing.guessing import detect, to_field_map
from wedsync.clients.importing.rows import Reader, is_wedding
from wedsync.clients.importing.values import Choices, Plan, Planned
from wedsync.clients.importing.vocabulary import CLIENTS
from wedsync.clients.matching import Index, face
from wedsync.clients.model import WORDS, Details
from wedsync.guests.importing.detect import Detection
from wedsync.guests.importing.sheet import Sheet, read_sheet
from wedsync.guests.importing.values import CellIssue


class Reading(msgspec.Struct, kw_only=True):
    """A file, understood."""

    sheet: Sheet
    detection: Detection
    plan: Plan


def read(data: bytes, filename: str, choices: Choices, country: str) -> Reading:
    """Raises Refusal 413 and 422 for what cannot be read, naming what to do."""
    return of_sheet(read_sheet(data, filename, encoding=choices.encoding, about=CLIENTS), choices, country)


def of_sheet(sheet: Sheet, choices: Choices, country: str) -> Reading:
    """A table that is a sheet already. Raises Refusal 422."""
    detection = detect(sheet, country=country)
    is_day_first = None if not choices.dates else choices.dates == "day_first"
    mapping = to_field_map(detection, choices.columns, day_first=is_day_first)
    reader = Reader(sheet, mapping, country=country)
    errors = [CellIssue(fault.row, "", fault.value, fault.reason) for fault in sheet.faults]
    found: list[Planned] = []
    others = 0
    for number, cells in zip(sheet.numbers, sheet.rows, strict=True):
        mapped = reader.mapped(cells)
        if choices.only_weddings and not is_wedding(mapped):
            others += 1
            continue
        planned = reader.read(number, mapped)
        if isinstance(planned, Planned):
            found.append(planned)
        else:
            errors.extend(planned)
    notes = list(sheet.notes)
    if others:
        rows = "1 row is about other work than weddings and stays out."
        notes.append(rows if others == 1 else f"{others} rows are about other work than weddings and stay out.")
    clients, doubles = once(found)
    return Reading(
        sheet=sheet,
        detection=detection,
        plan=Plan(
            source=detection.source,
            rows=len(sheet.rows) + len(sheet.faults),
            clients=clients,
            errors=sorted(errors, key=lambda issue: issue.row),
            warnings=sorted([*reader.warnings, *doubles], key=lambda issue: issue.row),
            notes=notes,
        ),
    )


def once(found: list[Planned]) -> tuple[list[Planned], list[CellIssue]]:
    """Each couple once: a later row completes the first of the same couple, and never overrules it."""
    index = Index()
    kept: list[Planned] = []
    warnings: list[CellIssue] = []
    for planned in found:
        known = face(planned.details)
        place = index.same(known, planned.wedding_on, planned.external_id)
        if place is not None:
            first = kept[place]
            _complete(first, planned)
            reason = f"The same couple as in row {first.row}; the two were joined."
            warnings.append(CellIssue(planned.row, "", planned.details.couple_names, reason))
            index.add(place, known, planned.wedding_on, planned.external_id)
            continue
        other = index.shares_email(known)
        if other is not None:
            reason = f"Row {kept[other].row} has the same e-mail under other names; both come in."
            warnings.append(CellIssue(planned.row, "", planned.details.couple_names, reason))
        index.add(len(kept), known, planned.wedding_on, planned.external_id)
        kept.append(planned)
    return kept, warnings


def _complete(first: Planned, later: Planned) -> None:
    first.details = completed(first.details, later.details)
    first.wedding_on = first.wedding_on or later.wedding_on
    first.stage = first.stage or later.stage
    first.external_id = first.external_id or later.external_id


def completed(first: Details, later: Details) -> Details:
    """What the first leaves blank, from the other."""
    return Details(**{name: getattr(first, name) or getattr(later, name) for name in WORDS})
