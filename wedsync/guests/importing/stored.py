"""What an import keeps, sealed: the file with the choices made about it, and what is needed to take it back."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from wedsync.guests.importing.values import Plan
from wedsync.kit import packed
from wedsync.kit.seal import KeyRing

DateOrder = Literal["", "day_first", "month_first"]
Decision = Literal["new", "skip", "theirs", "ours"]


class Choices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person said about a file: columns by header, how its dates are written, and people by their number."""

    columns: Mapping[str, str] = {}
    dates: DateOrder = ""
    people: Mapping[int, Decision] = {}
    encoding: str = ""


class Upload(msgspec.Struct, kw_only=True):
    """The file as it came, the choices, and the plan read from them."""

    filename: str
    data: bytes
    choices: Choices
    plan: Plan


class Made(msgspec.Struct, frozen=True, array_like=True):
    """A guest an import made, with how much hung on them then."""

    id: str
    answers: int
    has_contact: bool
    has_needs: bool


class Change(msgspec.Struct, frozen=True, array_like=True):
    """A row of somebody who was there before: its version after the import, its image before (None: it was added)."""

    table: str
    id: str
    version: int
    before: str | None


class Journal(msgspec.Struct, kw_only=True):
    """How to take an import back, and what its file said, which tells the next import who changed a field."""

    bases: dict[str, dict[str, str]]
    guests: list[Made]
    parties: list[str]
    changes: list[Change]


def seal_upload(ring: KeyRing, wedding_id: UUID, import_id: UUID, upload: Upload) -> bytes:
    """For the column `plan`."""
    return packed.seal(ring, upload, **_place(wedding_id, import_id, "plan"))


def open_upload(ring: KeyRing, wedding_id: UUID, import_id: UUID, sealed: bytes) -> Upload:
    """Raises SealError for another row's."""
    return packed.unseal(ring, sealed, Upload, **_place(wedding_id, import_id, "plan"))


def seal_journal(ring: KeyRing, wedding_id: UUID, import_id: UUID, journal: Journal) -> bytes:
    """For the column `undo`."""
    return packed.seal(ring, journal, **_place(wedding_id, import_id, "undo"))


def open_journal(ring: KeyRing, wedding_id: UUID, import_id: UUID, sealed: bytes) -> Journal:
    """Raises SealError for another row's."""
    return packed.unseal(ring, sealed, Journal, **_place(wedding_id, import_id, "undo"))


def _place(wedding_id: UUID, import_id: UUID, column: str) -> dict[str, Any]:
    return {"tenant": wedding_id, "table": "imports", "column": column, "row": import_id}
