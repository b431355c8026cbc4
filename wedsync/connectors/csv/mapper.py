"""A list of clients as documents: one of each row, by its headings, under an id that stays when the row changes. Pure.

Which heading is what, a map says (`connections.records.mapped`); money and notes are taken away before anything is
kept.
"""

import hashlib
import re
from typing import Any, Final

import msgspec

from wedsync.clients.importing.guessing import detect
from wedsync.clients.importing.vocabulary import CLIENTS
from wedsync.connections.records.contract import Found, Hint
from wedsync.connections.records.record import Record
from wedsync.guests.importing.sheet import Sheet, read_sheet
from wedsync.guests.importing.vocabulary import normal_word
from wedsync.kit.errors import Refusal

ID_CHARACTERS_MAX: Final = 200
NAMES: Final = ("couple", "name", "first_name", "last_name", "partner_name", "partner_first_name", "project")
_OF_PATHS: Final = re.compile(r"[.\[\]$]+")


class ListError(Exception):
    """What came is no list of clients; says what it is, as a sentence goes on."""


class Rows(msgspec.Struct, frozen=True):
    """Every row that can be told from the others, by its id, and how many cannot."""

    found: dict[str, Found]
    unread: int


def read(data: bytes) -> Rows:
    """Raises ListError."""
    if data.lstrip()[:1] == b"<":
        raise ListError("a web page, not a list")
    try:
        sheet = read_sheet(data, "list.csv", about=CLIENTS)
    except Refusal as refusal:
        if refusal.code == "import_empty" and data.strip():
            # Headings with nobody below them: a list all the same.
            return Rows({}, 0)
        raise ListError(f"no list that can be read: {refusal.detail}") from refusal
    columns, is_number = _identity(sheet)
    if not columns:
        raise ListError("a list in which no column names clients: it needs a number, an e-mail or names")
    found: dict[str, Found] = {}
    for row in sheet.rows:
        id = _id([row[column] for column in columns], is_number=is_number)
        if id and id not in found:
            found[id] = _found(id, dict(zip(map(_name, sheet.headers), row, strict=True)))
    return Rows(found, len(sheet.rows) - len(found) + len(sheet.faults))


def _identity(sheet: Sheet) -> tuple[list[int], bool]:
    """The columns by which a row is told from others: the CRM's own number where each row has another, else the e-mail,
    else the names. A date is none of them, for weddings move."""
    targets: dict[str, list[int]] = {}
    for column in detect(sheet, country="").columns:
        targets.setdefault(column.target, []).append(column.index)
    numbers = targets.get("external_id", [])[:1]
    if numbers:
        said = [value for value in sheet.column(numbers[0]) if value]
        if said and len(set(said)) == len(said):
            return numbers, True
    mails = targets.get("email", [])[:1]
    if mails and any(sheet.column(mails[0])):
        return mails, False
    return [index for name in NAMES for index in targets.get(name, [])], False


def _id(values: list[str], *, is_number: bool) -> str:
    if is_number:
        return values[0][:ID_CHARACTERS_MAX]
    words = " ".join(normal_word(value) for value in values).strip()
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest() if words else ""


def _name(header: str) -> str:
    """A heading as a path can name it."""
    return " ".join(_OF_PATHS.sub(" ", header).split()) or "column"


def _found(id: str, document: dict[str, Any]) -> Found:
    etag = hashlib.blake2b(msgspec.json.encode(document, order="sorted"), digest_size=16).hexdigest()
    return Found(id=id, record=Record(), etag=etag, document=document)


def hint(found: Found) -> Hint:
    """The list has told all of it, so it need not be read."""
    return Hint(id=found.id, etag=found.etag, found=found)
