"""What is sealed of phones, and the keyed index by which a number is one number, whoever gave it."""

from typing import Final
from uuid import UUID

from wedsync.kit.seal import KeyRing

PLATFORM: Final = UUID("00000000-0000-7000-8000-000000000000")
PHONES: Final = "phones"
MESSAGES: Final = "phone_messages"
STOPS: Final = "phone_stops"


def seal(ring: KeyRing, person_id: UUID, phone_id: UUID, number: str) -> bytes:
    return ring.seal(number.encode(), tenant=person_id, table=PHONES, column="sealed", row=phone_id)


def unseal(ring: KeyRing, person_id: UUID, phone_id: UUID, sealed: bytes) -> str:
    """Raises SealError when it was sealed for another row."""
    return ring.open(sealed, tenant=person_id, table=PHONES, column="sealed", row=phone_id).decode()


def seal_message(ring: KeyRing, tenant: UUID, message_id: UUID, words: bytes) -> bytes:
    """The words of a text or call, as its delivery holds them."""
    return ring.seal(words, tenant=tenant, table=MESSAGES, column="sealed", row=message_id)


def unseal_message(ring: KeyRing, tenant: UUID, message_id: UUID, sealed: bytes) -> bytes:
    """Raises SealError when it was sealed for another row."""
    return ring.open(sealed, tenant=tenant, table=MESSAGES, column="sealed", row=message_id)


def seal_delivery(ring: KeyRing, tenant: UUID, message_id: UUID, words: bytes) -> bytes:
    """The same words, as the ledger takes them along."""
    return ring.seal(words, tenant=tenant, table="deliveries", column="sealed", row=message_id)


def seal_stop(ring: KeyRing, stop_id: UUID, number: str) -> bytes:
    """A number that wants nothing: kept only so that its index can follow a new key."""
    return ring.seal(number.encode(), tenant=PLATFORM, table=STOPS, column="sealed", row=stop_id)


def index(ring: KeyRing, number: str) -> bytes:
    """The same for everybody, by the newest key."""
    return indexes(ring, number)[0]


def indexes(ring: KeyRing, number: str) -> list[bytes]:
    """Under every key of the ring, the newest first."""
    return ring.blinds(number, tenant=PLATFORM, table=PHONES, column="number", form="phone")
