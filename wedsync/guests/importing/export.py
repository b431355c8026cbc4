"""The way back: guests as CSV and JSON rows that a spreadsheet cannot be made to run and that import again unchanged.

A cell that starts with `= + - @`, a tab or a carriage return is a formula to spreadsheet programs; it gets an
apostrophe in front (OWASP, "CSV injection"), and `delimited.cell` takes exactly that apostrophe away again.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from wedsync.guests.importing.needs import Needs, needs_cells
from wedsync.guests.importing.sheet import Sheet
from wedsync.guests.importing.values import CellIssue

BOM = "\ufeff"  # Excel reads a CSV without it as the local 8-bit encoding
REASON_HEADER = "Why it was not imported"
_DANGEROUS = re.compile(r"'*\s*[=+\-@\t\r＝＋－＠]")


class ExportGuest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One guest as exported. What the reader may not see (contacts, needs) stays empty; `answers` by event name."""

    id: str
    display_name: str
    first_name: str = ""
    last_name: str = ""
    kind: str = "named"
    plus_one_of: str = ""
    party_id: str = ""
    party: str = ""
    side: str = ""
    tags: list[str] = []
    age_band: str = "adult"
    role: str = ""
    table_label: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""
    needs: Needs | None = None
    answers: dict[str, str] = {}
    meals: dict[str, str] = {}


COLUMNS: Mapping[str, str] = {
    "WedSync ID": "id",
    "Name": "display_name",
    "First Name": "first_name",
    "Last Name": "last_name",
    "Kind": "kind",
    "Plus One Of": "plus_one_of",
    "Party ID": "party_id",
    "Party": "party",
    "Side": "side",
    "Tags": "tags",
    "Age Band": "age_band",
    "Role": "role",
    "Table": "table_label",
    "Email": "email",
    "Phone": "phone",
    "Address": "address",
    "Allergens": "need_allergens",
    "Diets": "need_diets",
    "Access Needs": "need_access",
    "Needs Note": "need_note",
}


def export_rows(guests: Sequence[ExportGuest]) -> list[dict[str, str]]:
    """One flat row a guest, all rows with the same headers: what the JSON export holds and the CSV is written from."""
    answered = list(dict.fromkeys(event for guest in guests for event in guest.answers))
    chosen = list(dict.fromkeys(event for guest in guests for event in guest.meals))
    rows = []
    for guest in guests:
        needs = needs_cells(guest.needs)
        row = {header: _cell(guest, name, needs) for header, name in COLUMNS.items()}
        row |= {f"RSVP: {event}": guest.answers.get(event, "") for event in answered}
        row |= {f"Meal: {event}": guest.meals.get(event, "") for event in chosen}
        rows.append(row)
    return rows


def to_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """UTF-8 with a byte order mark, commas, CRLF (RFC 4180); every cell safe to open."""
    headers = list(rows[0]) if rows else list(COLUMNS)
    return _written([headers, *([row[header] for header in headers] for row in rows)])


def to_json(rows: Sequence[Mapping[str, str]]) -> bytes:
    """The same rows as a JSON array, texts as they are: JSON runs nothing."""
    return msgspec.json.encode(list(rows))


def rejected_csv(sheet: Sheet, errors: Sequence[CellIssue]) -> bytes:
    """The rejected rows as they stood in the file, with a last column that says why; correct it and import it again."""
    reasons: dict[int, list[str]] = {}
    for issue in errors:
        reason = f"{issue.column}: {issue.reason}" if issue.column else issue.reason
        reasons.setdefault(issue.row, []).append(reason)
    cells = dict(zip(sheet.numbers, sheet.rows, strict=True))
    faults = {fault.row: fault.value.split(" | ") for fault in sheet.faults}
    headers = [header for header in sheet.headers if header != REASON_HEADER]
    places = [place for place, header in enumerate(sheet.headers) if header != REASON_HEADER]
    records: list[list[str]] = [[*headers, REASON_HEADER]]
    for row, why in sorted(reasons.items()):
        found = cells.get(row, faults.get(row, []))
        record = [found[place] if place < len(found) else "" for place in places]
        records.append([*record, " ".join(why)])
    return _written(records)


def neutral(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would run it (one more where there are some already)."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def _written(records: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for record in records:
        writer.writerow([neutral(cell) for cell in record])
    return (BOM + out.getvalue()).encode()


def _cell(guest: ExportGuest, name: str, needs: Mapping[str, str]) -> str:
    if name in needs:
        return needs[name]
    value = getattr(guest, name)
    return "; ".join(value) if isinstance(value, list) else str(value)
