"""Seals what a sync keeps of one tenant, as JSON, each value bound to its table, column and row."""

from typing import TypeVar
from uuid import UUID

import msgspec

from wedsync.kit.seal import KeyRing

T = TypeVar("T")


class TenantSeals:
    """Of one tenant. Each kind of sync adds what it keeps."""

    def __init__(self, ring: KeyRing, tenant: UUID) -> None:
        self._ring = ring
        self._tenant = tenant

    def seal(self, value: msgspec.Struct | str, *, table: str, row: UUID, column: str = "sealed") -> bytes:
        """The bytes for the column."""
        return self._ring.seal(msgspec.json.encode(value), tenant=self._tenant, table=table, column=column, row=row)

    def open(self, sealed: bytes, kind: type[T], *, table: str, row: UUID, column: str = "sealed") -> T:
        """Raises SealError."""
        plain = self._ring.open(sealed, tenant=self._tenant, table=table, column=column, row=row)
        return msgspec.json.decode(plain, type=kind)
