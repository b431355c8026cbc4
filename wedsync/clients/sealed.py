"""What is sealed of a client, and the keyed indexes by which one is found by its e-mail without opening any."""

from uuid import UUID

import msgspec

from wedsync.clients.model import Details
from wedsync.kit.seal import KeyRing

CLIENTS = "clients"


def seal(ring: KeyRing, supplier_id: UUID, client_id: UUID, details: Details) -> bytes:
    """For one row and no other."""
    plain = msgspec.json.encode(details)
    return ring.seal(plain, tenant=supplier_id, table=CLIENTS, column="sealed", row=client_id)


def unseal(ring: KeyRing, supplier_id: UUID, client_id: UUID, sealed: bytes) -> Details:
    """Raises SealError when it was sealed for another row."""
    plain = ring.open(sealed, tenant=supplier_id, table=CLIENTS, column="sealed", row=client_id)
    return msgspec.json.decode(plain, type=Details)


def email_indexes(ring: KeyRing, supplier_id: UUID, details: Details) -> tuple[bytes | None, bytes | None]:
    """Of the one's e-mail and of the other's; equal for equal addresses of either."""

    def index(email: str) -> bytes | None:
        return ring.blind(email, tenant=supplier_id, table=CLIENTS, column="email", form="email") if email else None

    return index(details.email), index(details.partner_email)


def wanted(ring: KeyRing, supplier_id: UUID, details: Details) -> list[bytes]:
    """What the indexes of a client with one of these e-mails may be, under every key of the ring."""
    return [
        index
        for email in details.emails
        for index in ring.blinds(email, tenant=supplier_id, table=CLIENTS, column="email", form="email")
    ]
