"""What is sealed of an enquiry, for one row and no other."""

from typing import Final
from uuid import UUID

import msgspec

from wedsync.kit.seal import KeyRing
from wedsync.market.model import Asked

ENQUIRIES: Final = "enquiries"
NOBODYS: Final = UUID(int=0)
"""Addresses are counted over all businesses, so their index is bound to none."""


def seal(ring: KeyRing, supplier_id: UUID, enquiry_id: UUID, asked: Asked) -> bytes:
    """Opened by `unseal`."""
    plain = msgspec.json.encode(asked)
    return ring.seal(plain, tenant=supplier_id, table=ENQUIRIES, column="sealed", row=enquiry_id)


def unseal(ring: KeyRing, supplier_id: UUID, enquiry_id: UUID, sealed: bytes) -> Asked:
    """Raises SealError when it was sealed for another row."""
    plain = ring.open(sealed, tenant=supplier_id, table=ENQUIRIES, column="sealed", row=enquiry_id)
    return msgspec.json.decode(plain, type=Asked)


def counted(ring: KeyRing, email: str) -> str:
    """What an address is counted by, which tells nobody the address."""
    return ring.blind(email, tenant=NOBODYS, table=ENQUIRIES, column="email", form="email").hex()
