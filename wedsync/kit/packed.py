"""A struct kept small and sealed: MessagePack, deflated, then `kit.seal`. For what is written once and read whole."""

import zlib
from typing import TypeVar
from uuid import UUID

import msgspec

from wedsync.kit.seal import KeyRing

T = TypeVar("T")


def seal(ring: KeyRing, value: msgspec.Struct, *, tenant: UUID, table: str, column: str, row: UUID) -> bytes:
    """The bytes for the column."""
    plain = zlib.compress(msgspec.msgpack.encode(value), level=1)
    return ring.seal(plain, tenant=tenant, table=table, column=column, row=row)


def unseal(ring: KeyRing, sealed: bytes, kind: type[T], *, tenant: UUID, table: str, column: str, row: UUID) -> T:
    """Raises SealError for another place's."""
    plain = ring.open(sealed, tenant=tenant, table=table, column=column, row=row)
    return msgspec.msgpack.decode(zlib.decompress(plain), type=kind)
