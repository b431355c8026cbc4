"""The events of imports, and their row as screens see it: how far it is, never what is in the file."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

State = Literal["pending", "running", "finished", "failed", "undone"]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `imports` without what is sealed; values of rejected cells are masked."""

    id: str
    wedding_id: str
    source: str
    filename: str
    status: State
    rows: int
    done: int
    created: int
    updated: int
    skipped: int
    rejected: int
    errors: list[dict[str, Any]]
    version: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


_AT = "2026-11-21T10:00:00Z"
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-00000000000a",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "source": "zola",
    "filename": "guests.csv",
    "status": "running",
    "rows": 120,
    "done": 40,
    "created": 0,
    "updated": 0,
    "skipped": 0,
    "rejected": 0,
    "errors": [],
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
    "finished_at": None,
}
_FINISHED = {
    **_EXAMPLE,
    "status": "finished",
    "done": 120,
    "created": 118,
    "rejected": 2,
    "errors": [{"row": 7, "column": "Email", "value": "…", "reason": "This is not an e-mail address."}],
    "finished_at": _AT,
}


def _type(name: str, text: str, example: dict[str, Any]) -> EventType:
    return EventType(
        type=name,
        scope=Scope.PRIVATE,
        table="imports",
        row=Import,
        description=text,
        example=example,
        lane=Lane.LOW,
    )


UPLOADED = _type("import.uploaded", "A guest list was uploaded, to be looked at.", {**_EXAMPLE, "status": "pending"})
STARTED = _type("import.started", "A guest list is being brought in.", _EXAMPLE)
PROGRESSED = _type("import.progressed", "A running import has come further.", _EXAMPLE)
FINISHED = _type("import.finished", "A guest list was brought in; its rows are bulk events before this one.", _FINISHED)
FAILED = _type(
    "import.failed", "A guest list could not be brought in; nothing was changed.", {**_EXAMPLE, "status": "failed"}
)
UNDONE = _type("import.undone", "What an import had made was taken back.", {**_FINISHED, "status": "undone"})
EVENTS = (UPLOADED, STARTED, PROGRESSED, FINISHED, FAILED, UNDONE)
