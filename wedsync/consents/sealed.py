"""The keyed index by which an address is one address to everybody, and what is sealed of it."""

from typing import Final
from uuid import UUID

from wedsync.kit.seal import KeyRing

PLATFORM: Final = UUID("00000000-0000-7000-8000-000000000000")
CONSENTS: Final = "mail_consents"
TOKEN: Final = "token"  # noqa: S105 - the column's name


def index(ring: KeyRing, email: str) -> bytes:
    """The same for every supplier, by the newest key."""
    return ring.blind(email, tenant=PLATFORM, table="couples", column="email", form="email")


def indexes(ring: KeyRing, email: str) -> list[bytes]:
    """By every key of the ring, so that an address is found whenever it was kept."""
    return list(ring.blinds(email, tenant=PLATFORM, table="couples", column="email", form="email"))


def seal_address(ring: KeyRing, row: UUID, email: str) -> bytes:
    """Kept only so that its index can follow a new key."""
    return ring.seal(email.encode(), tenant=PLATFORM, table=CONSENTS, column="sealed", row=row)


def seal_out(ring: KeyRing, row: UUID, plain: bytes) -> bytes:
    """What a way out says of whose it is."""
    return ring.seal(plain, tenant=PLATFORM, table=CONSENTS, column=TOKEN, row=row)


def open_out(ring: KeyRing, row: UUID, sealed: bytes) -> bytes:
    """Raises SealError for what we did not make, or whose key is gone."""
    return ring.open(sealed, tenant=PLATFORM, table=CONSENTS, column=TOKEN, row=row)
