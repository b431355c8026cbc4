"""What an import of clients keeps, sealed: the file with the choices about it, and what is needed to take it back."""

import zlib
from typing import TypeVar
from uuid import UUID

import msgspec

from wedsync.clients.importing.values import Journal, Upload
from wedsync.kit.seal import KeyRing

T = TypeVar("T")


def seal_upload(ring: KeyRing, supplier_id: UUID, import_id: UUID, upload: Upload) -> bytes:
    """For the column `plan`."""
    return _seal(ring, supplier_id, import_id, "plan", upload)


def open_upload(ring: KeyRing, supplier_id: UUID, import_id: UUID, sealed: bytes) -> Upload:
    """Raises SealError for another row's."""
    return _open(ring, supplier_id, import_id, "plan", sealed, Upload)


def seal_journal(ring: KeyRing, supplier_id: UUID, import_id: UUID, journal: Journal) -> bytes:
    """For the column `undo`."""
    return _seal(ring, supplier_id, import_id, "undo", journal)


def open_journal(ring: KeyRing, supplier_id: UUID, import_id: UUID, sealed: bytes) -> Journal:
    """Raises SealError for another row's."""
    return _open(ring, supplier_id, import_id, "undo", sealed, Journal)


def _seal(ring: KeyRing, supplier_id: UUID, import_id: UUID, column: str, value: msgspec.Struct) -> bytes:
    plain = zlib.compress(msgspec.msgpack.encode(value), level=1)
    return ring.seal(plain, tenant=supplier_id, table="client_imports", column=column, row=import_id)


def _open(ring: KeyRing, supplier_id: UUID, import_id: UUID, column: str, sealed: bytes, kind: type[T]) -> T:
    plain = ring.open(sealed, tenant=supplier_id, table="client_imports", column=column, row=import_id)
    return msgspec.msgpack.decode(zlib.decompress(plain), type=kind)
