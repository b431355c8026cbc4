"""What an import of clients keeps, sealed: the file with the choices about it, and what is needed to take it back."""

from typing import Any
from uuid import UUID

from wedsync.clients.importing.values import Journal, Upload
from wedsync.kit import packed
from wedsync.kit.seal import KeyRing


def seal_upload(ring: KeyRing, supplier_id: UUID, import_id: UUID, upload: Upload) -> bytes:
    """For the column `plan`."""
    return packed.seal(ring, upload, **_place(supplier_id, import_id, "plan"))


def open_upload(ring: KeyRing, supplier_id: UUID, import_id: UUID, sealed: bytes) -> Upload:
    """Raises SealError for another row's."""
    return packed.unseal(ring, sealed, Upload, **_place(supplier_id, import_id, "plan"))


def seal_journal(ring: KeyRing, supplier_id: UUID, import_id: UUID, journal: Journal) -> bytes:
    """For the column `undo`."""
    return packed.seal(ring, journal, **_place(supplier_id, import_id, "undo"))


def open_journal(ring: KeyRing, supplier_id: UUID, import_id: UUID, sealed: bytes) -> Journal:
    """Raises SealError for another row's."""
    return packed.unseal(ring, sealed, Journal, **_place(supplier_id, import_id, "undo"))


def _place(supplier_id: UUID, import_id: UUID, column: str) -> dict[str, Any]:
    return {"tenant": supplier_id, "table": "client_imports", "column": column, "row": import_id}
