"""What an import of clients is made of: what was chosen, couples as a file describes them, and what becomes of each."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec

from wedsync.clients.model import Details, Stage
from wedsync.guests.importing.values import CellIssue

DateOrder = Literal["", "day_first", "month_first"]
Decision = Literal["new", "skip"]
Op = Literal["new", "update", "same", "possible", "skip"]


class Choices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person said about a file.

    `columns`: target by header; `dates`: how its dates are written; `stage`: of whoever the file gives none;
    `differing`: whose value stays where both have one; `only_weddings`: other kinds of jobs stay out; `rows`: what to
    do with a row that may be somebody there already, or is not wanted.
    """

    columns: Mapping[str, str] = {}
    dates: DateOrder = ""
    encoding: str = ""
    stage: Stage = "booked"
    differing: Literal["theirs", "ours"] = "theirs"
    only_weddings: bool = True
    rows: Mapping[int, Decision] = {}


class Planned(msgspec.Struct, kw_only=True, gc=False):
    """A couple of the file; `stage` and `wedding_on` are None where it says nothing."""

    row: int
    details: Details
    wedding_on: date | None = None
    stage: Stage | None = None
    external_id: str = ""


class Plan(msgspec.Struct, kw_only=True):
    """A file, read: couples each once, what was wrong, what was left out and why. `rows` counts those of the file."""

    source: str
    rows: int
    clients: list[Planned]
    errors: list[CellIssue]
    warnings: list[CellIssue]
    notes: list[str]

    @property
    def rejected(self) -> int:
        return len({issue.row for issue in self.errors})


class FieldChange(msgspec.Struct, frozen=True, gc=False):
    """A field of somebody there already, here and in the file."""

    field: str
    ours: str
    theirs: str


class Step(msgspec.Struct, kw_only=True):
    """What becomes of one planned client: `place` in the plan, `client` the place of whom it is among those there."""

    place: int
    op: Op
    client: int | None = None
    reason: str = ""
    changes: list[FieldChange] = []


class Merge(msgspec.Struct, kw_only=True):
    """The plan against those there. Counts are rows of the file: rows = created + updated + skipped + rejected."""

    steps: list[Step]
    created: int
    updated: int
    skipped: int
    rejected: int


class Upload(msgspec.Struct, kw_only=True):
    """The file as it came, and the choices."""

    filename: str
    data: bytes
    choices: Choices


class Before(msgspec.Struct, kw_only=True):
    """Somebody an import changed: the version it left, and how they were."""

    id: str
    version: int
    stage: Stage
    wedding_on: date | None
    source: str
    external_id: str | None
    details: Details


class Journal(msgspec.Struct, kw_only=True):
    """How to take an import back."""

    made: list[str]
    changed: list[Before]


MASK = "…"


def masked(issue: CellIssue) -> dict[str, Any]:
    """An error as it may stand in a dump: which cell and why, not what was in it."""
    return {**msgspec.to_builtins(issue), "value": MASK if issue.value else ""}
