"""Bytes of a list to rows of cells: CSV in whatever encoding and delimiter, or XLSX.

`read_sheet` answers with a `Sheet` or refuses in words people can act on; it never guesses silently, so `notes`
tells what was skipped (title rows, totals, other sheets). Cells are trimmed texts without control characters. What the
rows are about, guests or a supplier's clients, is its `Subject`.
"""

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from wedsync.guests.importing.delimited import decode, read_delimited
from wedsync.guests.importing.vocabulary import ALIASES, NUMBERED, SOURCES, normal_header
from wedsync.guests.importing.workbook import read_workbook
from wedsync.kit.errors import Refusal

BYTES_MAX = 20 * 1024 * 1024
ROWS_MAX = 20_000
COLUMNS_MAX = 256
HEADER_WITHIN = 10


class Fault(msgspec.Struct, frozen=True):
    """A row of the file that cannot be read as one: its number as a spreadsheet shows it, and why."""

    row: int
    value: str
    reason: str


class Sheet(msgspec.Struct):
    """One table. `rows[i]` has a cell for every header and stands in row `numbers[i]` of the file (from 1)."""

    filename: str
    kind: str  # csv | xlsx
    encoding: str
    delimiter: str
    name: str
    title: str
    headers: list[str]
    rows: list[list[str]]
    numbers: list[int]
    notes: list[str]
    faults: list[Fault]

    def column(self, index: int) -> list[str]:
        """All cells under one header, top to bottom."""
        return [row[index] for row in self.rows]


class Subject(msgspec.Struct, frozen=True):
    """Whom the rows are about, in words, and the normalised headers such lists are known to have.

    `numbered` are headers with "#" for their number.
    """

    list: str
    one: str
    many: str
    headers: frozenset[str]
    numbered: frozenset[str] = frozenset()


GUESTS = Subject(
    "guest list",
    "guest",
    "guests",
    frozenset(ALIASES) | {header for source in SOURCES for header in source.columns},
    frozenset(NUMBERED),
)


def read_sheet(data: bytes, filename: str, *, encoding: str = "", about: Subject = GUESTS) -> Sheet:
    """Read a list. `encoding` overrides the guess for a text file when the person says it is wrong.

    Raises `Refusal` 413 for what is too large and 422 for what is not a readable table, saying what to do.
    """
    if len(data) > BYTES_MAX:
        raise Refusal(413, "import_too_large", "This file is larger than 20 MiB. Split it, or remove pictures from it.")
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise Refusal(422, "import_empty", f"This file is empty. Export your {about.list} again and choose that file.")
    _refuse_other_kinds(data, about)
    if data.startswith(b"PK"):
        book = read_workbook(data, rows_max=ROWS_MAX + HEADER_WITHIN + 100, columns_max=COLUMNS_MAX)
        records, kind, delimiter, name, notes = book.records, "xlsx", "", book.sheet_name, list(book.notes)
        used = "utf-8"
    else:
        text, used = decode(data, encoding)
        records, delimiter = read_delimited(text)
        kind, name, notes = "csv", "", []
    return _table(
        records,
        about,
        Sheet(filename, kind, used, delimiter, name, title="", headers=[], rows=[], numbers=[], notes=notes, faults=[]),
    )


_OTHER_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls) or a file with a password"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file (.gz)"),
    (b"Rar!", "a compressed file (.rar)"),
    (b"7z\xbc\xaf", "a compressed file (.7z)"),
    (b"{\\rtf", "a text document"),
    (b"BEGIN:VCARD", "an address-book file (.vcf)"),
    (b"BEGIN:VCALENDAR", "a calendar file (.ics)"),
    (b"SQLite format 3", "a database"),
)


def _refuse_other_kinds(data: bytes, about: Subject) -> None:
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:512]
    found = next((name for magic, name in _OTHER_KINDS if start.startswith(magic)), "")
    if not found and re.match(rb"(<!doctype html|<html|<\?xml|<table|<workbook)", start, re.IGNORECASE):
        found = "a web page or XML file, whatever its name says"
    if found:
        detail = (
            f"This is {found}, not a {about.list} we can read. Open it and save it as .xlsx or .csv, then try again."
        )
        raise Refusal(422, "import_unreadable", detail)


# --- rows to a table -------------------------------------------------------------------------------------------------

_DATA_LIKE = re.compile(r"[^\s@]+@[^\s@]+\.\w+|[+(]?\d[\d\s().+/-]{3,}|\d+(?:\.\d+)?")
_TOTAL = re.compile(
    r"(grand |sub ?)?(totals?|gesamt\w*|summe|sum|totaal|totale|somme)"
    r"( (number of )?(guests?|invited|attending|people|clients|couples|weddings))?\s*[:=]?\s*\d*",
    re.IGNORECASE,
)
_FOOTER = re.compile(r"(exported|generated|printed|created|downloaded|powered|page \d|©|\(c\))\b", re.IGNORECASE)
_NUMERIC = re.compile(r"[\d.,%\s$€£-]*")


def _table(records: list[list[str]], about: Subject, sheet: Sheet) -> Sheet:
    filled = [(number, record) for number, record in enumerate(records, start=1) if any(record)]
    if not filled:
        raise Refusal(422, "import_empty", "There is nothing in this file but empty cells. Choose another file.")
    place, has_header = _header_place([record for _, record in filled[:HEADER_WITHIN]], about)
    body = filled[place + 1 :] if has_header else filled
    header = filled[place][1] if has_header else []
    if has_header:
        sheet.title = " ".join(cell for _, record in filled[:place] for cell in dict.fromkeys(record) if cell)[:200]
        if place:
            sheet.notes.append(f"Rows above the headers were left out: {sheet.title}")
    else:
        sheet.notes.append("There is no header row, so the columns were told apart by what is in them.")
    _drop_footers(body, about, sheet)
    body = [(number, record) for number, record in body if record != header]
    if not body:
        raise Refusal(422, "import_empty", f"There are headers in this file but no {about.many} below them.")
    if len(body) > ROWS_MAX:
        detail = f"This file has {len(body)} rows; {ROWS_MAX} can be imported at once. Split it into smaller files."
        raise Refusal(413, "import_too_many_rows", detail)
    _fill(sheet, about, header, body)
    return sheet


def _header_place(first: Sequence[Sequence[str]], about: Subject) -> tuple[int, bool]:
    """Which of the first rows holds the headers, and whether any does."""
    best, best_score = 0, 0
    for place, record in enumerate(first):
        cells = [cell for cell in record if cell]
        known = sum(1 for cell in cells if len(cell) <= 80 and _is_known(normal_header(cell), about))
        data = sum(1 for cell in cells if _DATA_LIKE.fullmatch(cell))
        score = known - 2 * data
        if known and score > best_score:
            best, best_score = place, score
    if best_score:
        return best, True
    widest = max(len([cell for cell in record if cell]) for record in first)
    for place, record in enumerate(first):
        cells = [cell for cell in record if cell]
        if len(cells) >= max(2, widest - 1):
            is_header = len(set(cells)) == len(cells) and not any(_DATA_LIKE.fullmatch(cell) for cell in cells)
            return place, is_header and place + 1 < len(first) and _differs_in_kind(record, first[place + 1 :])
    return 0, False


def _is_known(header: str, about: Subject) -> bool:
    return header in about.headers or re.sub(r"\d+", "#", header) in about.numbered


def _differs_in_kind(record: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Unknown words are headers only if some column below holds data they do not (numbers, addresses, answers)."""
    return any(
        _DATA_LIKE.fullmatch(row[place]) for row in below for place in range(min(len(row), len(record))) if row[place]
    )


def _drop_footers(body: list[tuple[int, list[str]]], about: Subject, sheet: Sheet) -> None:
    while body:
        number, record = body[-1]
        cells = [cell for cell in record if cell]
        is_total = _TOTAL.fullmatch(cells[0]) and all(_NUMERIC.fullmatch(cell) for cell in cells[1:])
        is_footer = len(cells) == 1 and len(record) > 1 and _FOOTER.match(cells[0])
        if not (is_total or is_footer):
            return
        sheet.notes.append(f"Row {number} was left out because it is not a {about.one}: {' '.join(cells)[:80]}")
        body.pop()


def _fill(sheet: Sheet, about: Subject, header: list[str], body: list[tuple[int, list[str]]]) -> None:
    width = _width(header, [record for _, record in body], about, may_grow=sheet.kind == "xlsx" or not header)
    sheet.headers = _unique_headers(header, width)
    for number, record in body:
        size = len(record)
        if size < width:
            record.extend([""] * (width - size))
        elif size > width:
            if any(record[width:]):
                reason = "This row has more cells than there are headers. Put quotation marks around cells with commas."
                sheet.faults.append(Fault(number, " | ".join(record)[:200], reason))
                continue
            del record[width:]
        sheet.rows.append(record)
        sheet.numbers.append(number)


def _width(header: Sequence[str], records: Sequence[Sequence[str]], about: Subject, *, may_grow: bool) -> int:
    """How many columns the table has. A few rows that stick out of a CSV are faults; many are headers that lack."""
    named = max((place + 1 for place, cell in enumerate(header) if cell), default=0)
    sizes = Counter(_filled_width(record) if len(record) > named else 0 for record in records)
    longer = {size: count for size, count in sizes.items() if size > named}
    width = named
    if longer and (may_grow or sum(longer.values()) > len(records) // 5):
        width = max(longer)
    if width > COLUMNS_MAX:
        fix = f"Remove the ones that are not about {about.many}."
        detail = f"This file has {width} columns; {COLUMNS_MAX} can be read. {fix}"
        raise Refusal(422, "import_too_wide", detail)
    return width


def _filled_width(record: Sequence[str]) -> int:
    return max((place + 1 for place, cell in enumerate(record) if cell), default=0)


def _unique_headers(header: Sequence[str], width: int) -> list[str]:
    """Headers as they stand; empty ones become "Column 5" and repeated ones get a number."""
    seen: Counter[str] = Counter()
    headers: list[str] = []
    for place in range(width):
        name = (header[place] if place < len(header) else "")[:120] or f"Column {place + 1}"
        seen[name] += 1
        while seen[name] > 1 or name in headers:
            name = f"{name} ({seen[name]})"
            seen[name] += 1
        headers.append(name)
    return headers
