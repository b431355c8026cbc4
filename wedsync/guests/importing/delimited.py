"""Text files of rows: which encoding, which delimiter, and the cells, free of what no cell should hold."""

import csv
import io
import math
import re
from collections import Counter
from itertools import islice

from charset_normalizer import from_bytes

from wedsync.kit.errors import Refusal

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_CHARS = 64 * 1024
SAMPLE_RECORDS = 30
CELL_CHARS_MAX = 10_000

# Control characters, invisible spaces and the bidi overrides that make text lie about its order. Joiners and plain
# direction marks stay: Persian, Hindi and family emoji are written with them.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_ODD_BREAKS = re.compile(r"[\x0b\x0c\x85\u2028\u2029]")
# What a neutralised cell looks like: see `export.neutral`, whose inverse this is.
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r＝＋－＠]")


_NO_TEXT = "This is not a text or Excel file. Save your list as .xlsx or .csv and try again."


def decode(data: bytes, encoding: str = "") -> tuple[str, str]:
    """The text and the encoding used: a byte order mark, UTF-8, UTF-16 without a mark, then Windows or Mac text."""
    if encoding:
        try:
            return data.decode(encoding), encoding
        except (UnicodeDecodeError, LookupError) as error:
            detail = f"This file is not written in {encoding}. Save it as CSV UTF-8 and try again."
            raise Refusal(422, "import_unreadable", detail) from error
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _strict(data, name), name
    if b"\x00" in data[:4096]:
        return _without_mark(data)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _single_byte(data)


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        detail = f"This file says it is {encoding} but is damaged. Export it again, or save it as CSV UTF-8."
        raise Refusal(422, "import_unreadable", detail) from error


def _without_mark(data: bytes) -> tuple[str, str]:
    """UTF-16 has a zero in every other byte of Latin text; anything else with zeros is not text."""
    sample = data[:4096]
    odd, even = sample[1::2].count(0), sample[::2].count(0)
    if max(odd, even) * 3 > len(sample) // 2:
        name = "utf-16-le" if odd > even else "utf-16-be"
        return _strict(data, name), name
    if sample.count(0) * 50 < len(sample):  # a stray zero in text is dropped with the other control characters
        return decode(data.replace(b"\x00", b""))
    raise Refusal(422, "import_unreadable", _NO_TEXT)


_WORD_MAC = re.compile(rb"(?<=[A-Za-z])[\x80-\x84\x86-\x90\x98-\x9f](?=[A-Za-z,;\t\s\"])")
_WORD_WINDOWS = re.compile(rb"(?<=[A-Za-z])[\xc0-\xff]|[\xc0-\xff](?=[a-z])")


def _single_byte(data: bytes) -> tuple[str, str]:
    """Windows-1252 unless the accents sit where only a Mac puts them, or it cannot be Windows-1252 at all."""
    if len(_WORD_MAC.findall(data)) > len(_WORD_WINDOWS.findall(data)):
        return data.decode("mac_roman"), "mac_roman"
    try:
        return data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        best = from_bytes(data[: 256 * 1024]).best()
        name = best.encoding if best is not None else "latin-1"
        return data.decode(name, errors="replace"), name


def read_delimited(text: str) -> tuple[list[list[str]], str]:
    """All records as trimmed cells, and the delimiter. Blank lines stay as empty records so that rows keep numbers."""
    sample = text[:SAMPLE_CHARS]
    if len(_UNWANTED.findall(sample)) > 0.03 * len(sample) + 20:
        raise Refusal(422, "import_unreadable", _NO_TEXT)
    text = cleaned(text)
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=[,;\t|]\r?", first, re.IGNORECASE):
        delimiter = first[4]
        text = "\n" + rest
    else:
        delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        if _NEUTRALISED.search(text):
            records = [[cell(value) for value in record] for record in reader]
        else:
            records = [[value.strip() for value in record] for record in reader]
    except csv.Error as error:
        detail = f"Line {reader.line_num} cannot be read. Look for a quotation mark that is never closed."
        raise Refusal(422, "import_unreadable", detail) from error
    _refuse_swallowed(text, records)
    return records, delimiter


def cleaned(text: str) -> str:
    """Without control characters and with ordinary line breaks and spaces; the same object when nothing is wrong."""
    if _UNWANTED.search(text):
        text = _UNWANTED.sub("", text)
    if _ODD_BREAKS.search(text):
        text = _ODD_BREAKS.sub(" ", text)
    return text.replace("\xa0", " ") if "\xa0" in text else text


def cell(value: str) -> str:
    """One cell: trimmed, and without the quote that `export` puts before what a spreadsheet would run."""
    value = value.strip()
    if value[:1] == "'" and _NEUTRALISED.match(value):
        return value[1:]
    return value


def _delimiter(text: str) -> str:
    """The candidate that cuts the first records most evenly into the most cells."""
    sample = text[:SAMPLE_CHARS]

    def score(delimiter: str) -> float:
        try:
            widths = [
                len(record)
                for record in islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), SAMPLE_RECORDS)
                if any(record)
            ]
        except csv.Error:
            return 0.0
        several = Counter(width for width in widths if width > 1)
        if not several:
            return 0.0
        width, count = max(several.items(), key=lambda item: (item[1], item[0]))
        return count / len(widths) * (1 + math.log2(width))

    return max(DELIMITERS, key=score)


def _refuse_swallowed(text: str, records: list[list[str]]) -> None:
    """An opening quotation mark without its end makes the rest of the file one cell; say where it starts."""
    if text.count("\n") < len(records) + 20:
        return
    for number, record in enumerate(records, start=1):
        for value in record:
            if value.count("\n") > 40 or len(value) > CELL_CHARS_MAX:
                detail = f"Row {number} opens a quotation mark that is never closed: {value[:40]!r}. Remove it."
                raise Refusal(422, "import_unreadable", detail)
