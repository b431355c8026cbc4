"""What is sealed of an invitation, and the keyed indexes by which a couple is one couple to all suppliers."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

import msgspec

from wedsync.clients.model import Details
from wedsync.consents.sealed import index, indexes
from wedsync.invitations.model import Known, plain
from wedsync.kit.seal import KeyRing

PLATFORM: Final = UUID("00000000-0000-7000-8000-000000000000")
INVITATIONS: Final = "invitations"
SUPPRESSIONS: Final = "mail_suppressions"


def seal(ring: KeyRing, supplier_id: UUID, invitation_id: UUID, known: Known) -> bytes:
    """For one row and no other."""
    plain = msgspec.json.encode(known)
    return ring.seal(plain, tenant=supplier_id, table=INVITATIONS, column="sealed", row=invitation_id)


def unseal(ring: KeyRing, supplier_id: UUID, invitation_id: UUID, sealed: bytes) -> Known:
    """Raises SealError when it was sealed for another row."""
    plain = ring.open(sealed, tenant=supplier_id, table=INVITATIONS, column="sealed", row=invitation_id)
    return msgspec.json.decode(plain, type=Known)


def seal_address(ring: KeyRing, suppression_id: UUID, email: str) -> bytes:
    """An address that takes no more mails: kept only so that its index can follow a new key."""
    return ring.seal(email.encode(), tenant=PLATFORM, table=SUPPRESSIONS, column="sealed", row=suppression_id)


def couple_index(ring: KeyRing, known: Known) -> list[bytes]:
    """Of the addresses of both, the one that is written to first."""
    others = [email for email in known.details.emails if email != known.to]
    return [index(ring, email) for email in (known.to, *others)]


def wanted(ring: KeyRing, details: Details) -> dict[bytes, str]:
    """Every index these addresses may be found by, under every key of the ring, with their plain form."""
    return {found: plain(email) for email in details.emails for found in indexes(ring, email)}


def refused(wanted: Mapping[bytes, str], rows: Collection[tuple[bytes, str]]) -> dict[str, str]:
    """Addresses that take no mails, and why."""
    return {wanted[bytes(key)]: reason for key, reason in rows if bytes(key) in wanted}
