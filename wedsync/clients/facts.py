"""The events of clients, all in the supplier's own stream, with what each means and an image of its row."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from wedsync.clients.model import Client, Details
from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope


class ClientImport(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `client_imports` without what is sealed; values of cells are masked."""

    id: UUID
    supplier_id: UUID
    source: str
    filename: str
    status: Literal["pending", "finished", "undone"]
    rows: int
    created: int
    updated: int
    skipped: int
    rejected: int
    errors: list[dict[str, Any]]
    version: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


_S, _AT = "01920000-0000-7000-8000-00000000000a", "2026-11-21T10:00:00+00:00"
_CLIENT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000041",
    "supplier_id": _S,
    "stage": "booked",
    "wedding_on": "2027-06-05",
    "source": "tave",
    "external_id": "01hq2v7c5p8x9r3k4m6n8t0w2y",
    "wedding_id": None,
    "link_id": None,
    "sealed": "\\x01…",
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}
_OPENED = msgspec.structs.asdict(
    Details(
        name="Maria Santos",
        partner_name="Tom Okafor",
        email="maria@example.org",
        phone="+351210000000",
        venue="Quinta da Serra",
        package="Full day",
    )
)
_IMPORT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000042",
    "supplier_id": _S,
    "source": "tave",
    "filename": "jobs.csv",
    "status": "finished",
    "rows": 200,
    "created": 192,
    "updated": 5,
    "skipped": 1,
    "rejected": 2,
    "errors": [{"row": 7, "column": "Email", "value": "…", "reason": "This is not an e-mail address."}],
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
    "finished_at": _AT,
}


def _client(name: str, says: str) -> EventType:
    return EventType(
        type=name, scope=Scope.CORE, table="clients", row=Client, description=says, example=_CLIENT, opened=_OPENED
    )


def _import(name: str, says: str, example: dict[str, Any]) -> EventType:
    return EventType(
        type=name,
        scope=Scope.CORE,
        table="client_imports",
        row=ClientImport,
        description=says,
        example=example,
        lane=Lane.LOW,
    )


ADDED = _client("client.added", "The supplier has one more client.")
CHANGED = _client("client.changed", "Something about a client changed: the stage, the date, how they are reached.")
REMOVED = _client("client.removed", "The supplier took a client off its records.")
IMPORTED = _import("client.imported", "A list of clients was brought in; its rows are bulk events beside it.", _IMPORT)
UNDONE = _import("client.import_undone", "What an import had made was taken back.", {**_IMPORT, "status": "undone"})
EVENTS = (ADDED, CHANGED, REMOVED, IMPORTED, UNDONE)
