"""XLSX to cells, with the bomb guards in front of the parser.

The parser (calamine, Rust) allocates the rectangle that spans all cells of a sheet before it reads one: a file of 5 kB
with cells A1 and XFD1048576 asks for 549 GB and *aborts the process* (measured, calamine 0.9). It also hands out every
use of a shared string as a new text. So the archive is vetted here first (members, declared and actual inflated size,
ratio, spanned rectangle, longest string) and what was vetted, and nothing else, is packed anew for the parser; two
readers that disagree about one archive cannot be played against each other.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import msgspec
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
    WorksheetNotFound,
    XmlError,
    ZipError,
)

from wedsync.guests.importing.delimited import cell, cleaned
from wedsync.kit.errors import Refusal

MEMBERS_MAX = 2_000
DECLARED_BYTES_MAX = 256 * 1024 * 1024  # everything, pictures included
INFLATED_BYTES_MAX = 64 * 1024 * 1024  # the parts the parser is given: 20,000 rows of 40 columns are about 45 MB
RATIO_MAX = 200  # of the parts above 4 MiB; repetitive sheets reach about 40, deflate's ceiling is 1032
RATIO_FROM_BYTES = 4 * 1024 * 1024
STRING_BYTES_MAX = 256 * 1024  # Excel's own limit is 32,767 characters a cell; markup of rich text comes on top
TEXT_CHARS_MAX = 64 * 1024 * 1024

_NEEDED = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|xl/[^/]+\.xml|xl/(?:_rels|worksheets|worksheets/_rels)/[^/]+"
)
_ROW, _PREFIXED_ROW = re.compile(rb"<row[\s/>]"), re.compile(rb"<(?:[^<>\s/:]+:)?row[\s/>]")
_CELL, _PREFIXED_CELL = re.compile(rb"<c[\s/>]"), re.compile(rb"<(?:[^<>\s/:]+:)?c[\s/>]")
_STRING = re.compile(rb"<(?:[^<>\s/:]+:)?si\b")
_CELL_WITH_PLACE = re.compile(rb'<c r="([A-Z]{1,3}\d{1,9})"')
_AFTER_NAME, _LETTERS = (b" ", b">", b"/", b"\t", b"\r", b"\n"), b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ANY_REFERENCE = re.compile(rb"\br\s*=\s*[\"']\s*([A-Za-z]{0,3})(\d{1,9})")
_EMPTY_CELL = re.compile(rb'<c(?:\s+[\w:.-]+\s*=\s*"[^"<>]*")*\s*/>')
_EMPTY_ROW = re.compile(rb'<row(?:\s+[\w:.-]+\s*=\s*"[^"<>]*")*\s*(?:/>|>\s*</row>)')


class Workbook(msgspec.Struct):
    """The cells of the sheet that was read, and what was not read."""

    sheet_name: str
    records: list[list[str]]
    notes: list[str]


def read_workbook(data: bytes, *, rows_max: int, columns_max: int) -> Workbook:
    """The first visible sheet that is not empty. Raises `Refusal` 413 (too large) or 422 (not readable)."""
    vetted = _vet(data, rows_max=rows_max, columns_max=columns_max)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(vetted)) as book:
            return _first_filled(book)
    except (CalamineError, ZipError, XmlError, WorksheetNotFound) as error:
        raise _unreadable("This Excel file is damaged. Open it, save it again as .xlsx, and try once more.") from error


def _first_filled(book: CalamineWorkbook) -> Workbook:
    found: Workbook | None = None
    notes: list[str] = []
    for place, meta in enumerate(book.sheets_metadata):
        if meta.typ != SheetTypeEnum.WorkSheet:
            continue
        if meta.visible != SheetVisibleEnum.Visible:
            notes.append(f"The hidden sheet {meta.name!r} was not read.")
            continue
        sheet = book.get_sheet_by_index(place)
        if not sheet.height:
            continue
        if found is None:
            found = Workbook(meta.name, _records(sheet), notes)
        else:
            notes.append(f"The sheet {meta.name!r} was not read: one sheet is imported at a time, the first.")
    if found is None:
        raise Refusal(422, "import_empty", "There is no visible sheet with anything in it. Choose another file.")
    return found


def _records(sheet: CalamineSheet) -> list[list[str]]:
    """Rows from the sheet's first row on, so that a record's place is the row number Excel shows."""
    start = sheet.start or (0, 0)
    records: list[list[str]] = [[] for _ in range(start[0])]
    left = [""] * start[1]
    chars = 0
    for row in sheet.iter_rows():
        texts = "".join([value for value in row if value.__class__ is str])
        if texts.isascii() and texts.isprintable() and "'" not in texts:  # nearly every row: nothing to clean
            record = left + [value.strip() if value.__class__ is str else _text(value) for value in row]
        else:
            record = left + [_text(value) for value in row]
        chars += len(texts)
        if chars > TEXT_CHARS_MAX:
            raise _too_large("This Excel file holds more text than a list can. Remove what is not about people.")
        records.append(record)
    return records


def _text(value: object) -> str:
    if isinstance(value, str):
        return cell(cleaned(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        is_day = value.time() == time(0)
        return value.date().isoformat() if is_day else value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, int | timedelta) else ""


# --- guards ----------------------------------------------------------------------------------------------------------


def _vet(data: bytes, *, rows_max: int, columns_max: int) -> bytes:
    """A new archive of the parts the parser needs, each inflated here within limits and checked."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as safe:
        for name, body in _parts(data):
            _check_part(name, body, rows_max=rows_max, columns_max=columns_max)
            safe.writestr(zipfile.ZipInfo(name), body)
    return packed.getvalue()


def _parts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Needed parts with their names, all of them within one limit."""
    left = INFLATED_BYTES_MAX
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in _needed(archive):
                body = _inflate(archive, member, left)
                left -= len(body)
                yield member.filename, body
    # zipfile says RuntimeError of a password it was not given, and OSError of an offset that points nowhere.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise _unreadable(
            "This Excel file is damaged or has a password. Save it again as .xlsx without one."
        ) from error


def _needed(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > MEMBERS_MAX:
        raise _bomb()
    if sum(member.file_size for member in members) > DECLARED_BYTES_MAX:
        raise _bomb()
    names = {member.filename for member in members}
    if len(names) != len(members):
        raise _unreadable("This Excel file contains a part twice. Save it again as .xlsx.")
    if "xl/workbook.xml" not in names:
        detail = "This is a compressed file, but not an Excel one. Choose the .xlsx or .csv file itself."
        raise _unreadable(detail)
    return [member for member in members if _NEEDED.fullmatch(member.filename)]


def _inflate(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> bytes:
    """One part; `zipfile` stops at the declared size and checks the sum, so a lie about either ends here."""
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or member.flag_bits & 0x1:
        raise _unreadable("This Excel file has a password or an unusual compression. Save it as .xlsx without one.")
    if member.file_size > left:
        raise _bomb()
    if member.file_size > RATIO_FROM_BYTES and member.file_size > RATIO_MAX * max(member.compress_size, 1):
        raise _bomb()
    with archive.open(member) as part:
        body = part.read(left + 1)
        if len(body) > left:
            raise _bomb()
    return body


def _check_part(name: str, body: bytes, *, rows_max: int, columns_max: int) -> None:
    if b"\x00" in body or body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable("This Excel file is written in an unusual way. Save it again as .xlsx.")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise _unreadable("This Excel file holds definitions that a list of people does not. Save it again as .xlsx.")
    if b"sheetData" in body:
        _check_span(body, rows_max=rows_max, columns_max=columns_max)
    elif b"sst" in body or name == "xl/sharedStrings.xml":
        _check_strings(body)


def _check_span(body: bytes, *, rows_max: int, columns_max: int) -> None:
    """Refuse a sheet whose cells span more than a list of people. Empty formatted cells far out are forgiven."""
    rows, columns = _span(body)
    if rows > rows_max or columns > columns_max:
        rows, columns = _span(_EMPTY_ROW.sub(b"", _EMPTY_CELL.sub(b"", body)))
    if rows > rows_max or columns > columns_max:
        detail = (
            f"This sheet reaches down to row {rows} and {columns} columns to the right; 20,000 rows and {columns_max} "
            "columns can be read. Delete what stands far away from the list, or split the file."
        )
        raise _too_large(detail)


def _span(body: bytes) -> tuple[int, int]:
    """The furthest row and column any `r` attribute names, and never less than the rows and cells that are there.

    Cells and rows may omit `r` and then follow the one before; counting them as well keeps the true span within twice
    what is answered here, however the file is written.
    """
    plain = _CELL_WITH_PLACE.findall(body)
    if b":c" not in body and len(plain) == sum(body.count(b"<c" + after) for after in _AFTER_NAME):
        # as every spreadsheet program writes it: each cell begins with its place, so nothing else can move it
        columns = {place.rstrip(b"0123456789") for place in plain}
        rows_named = {place.lstrip(_LETTERS) for place in plain}
        return max(map(int, rows_named), default=0), max(map(_column, columns), default=0)
    references = _ANY_REFERENCE.findall(body)
    widest = max((_column(letters) for letters in {letters for letters, _ in references}), default=0)
    deepest = max((int(number) for number in {number for _, number in references}), default=0)
    has_prefix = b":c" in body or b":row" in body
    rows = (_PREFIXED_ROW if has_prefix else _ROW).split(body)
    cells = _PREFIXED_CELL if has_prefix else _CELL
    return max(deepest, len(rows) - 1), max(widest, *(len(cells.findall(row)) for row in rows))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _check_strings(body: bytes) -> None:
    """Every use of a shared string becomes a text of its own, so one string may not be longer than Excel's limit."""
    parts = _STRING.split(body)
    if b"<!" in body or any(b"si>" not in part and not part.startswith(b"/>") for part in parts[1:]):
        raise _unreadable("The texts of this Excel file are written in an unusual way. Save it again as .xlsx.")
    if max(map(len, parts)) > STRING_BYTES_MAX:
        raise _too_large("A cell of this Excel file holds more text than Excel allows. Shorten it and save again.")


def _bomb() -> Refusal:
    detail = "This Excel file unpacks to far more than a list can be. Copy the list to a new file and save that."
    return Refusal(413, "import_too_large", detail)


def _too_large(detail: str) -> Refusal:
    return Refusal(413, "import_too_large", detail)


def _unreadable(detail: str) -> Refusal:
    return Refusal(422, "import_unreadable", detail)
