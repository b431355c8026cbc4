"""Contacts and needs, sealed and opened: the two tables whose words no dump, log or cache may hold."""

from uuid import UUID

import msgspec

from wedsync.guests.model import Contact, Needs
from wedsync.kit.seal import KeyRing

CONTACTS = "guest_contacts"
NEEDS = "guest_needs"


def seal_contact(ring: KeyRing, wedding_id: UUID, guest_id: UUID, contact: Contact) -> tuple[bytes, bytes | None]:
    """(sealed, blind index of the e-mail or None)."""
    sealed = ring.seal(msgspec.json.encode(contact), tenant=wedding_id, table=CONTACTS, column="sealed", row=guest_id)
    index = (
        ring.blind(contact.email, tenant=wedding_id, table=CONTACTS, column="email", form="email")
        if contact.email
        else None
    )
    return sealed, index


def open_contact(ring: KeyRing, wedding_id: UUID, guest_id: UUID, sealed: bytes) -> Contact:
    """Raises SealError when the row is not the one it was sealed for."""
    return msgspec.json.decode(
        ring.open(sealed, tenant=wedding_id, table=CONTACTS, column="sealed", row=guest_id), type=Contact
    )


def seal_needs(ring: KeyRing, wedding_id: UUID, guest_id: UUID, needs: Needs) -> bytes:
    """Seal needs for one guest's row."""
    return ring.seal(msgspec.json.encode(needs), tenant=wedding_id, table=NEEDS, column="sealed", row=guest_id)


def open_needs(ring: KeyRing, wedding_id: UUID, guest_id: UUID, sealed: bytes) -> Needs:
    """Raises SealError when the row is not the one it was sealed for."""
    return msgspec.json.decode(
        ring.open(sealed, tenant=wedding_id, table=NEEDS, column="sealed", row=guest_id), type=Needs
    )
