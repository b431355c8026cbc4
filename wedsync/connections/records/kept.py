"""What is kept sealed of records: their remote ids, and of each what is there and what both sides have agreed on."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from wedsync.clients.model import Contact
from wedsync.connections.records.contract import RemoteGallery, RemoteMessage, Use
from wedsync.connections.records.record import Record
from wedsync.connections.tenant_seals import TenantSeals

ITEMS = "record_items"
DOCUMENTS = "record_documents"
GALLERIES = "record_galleries"
MESSAGES = "record_messages"


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one record. `theirs` is what is there as far as we know, null once it is gone; `base` what both agreed on.
    `uses` is what a venue has planned of it, `given` what of that was taken over.
    `contacts` are people beside the two, `named` those of them that our client has."""

    remote_id: str
    theirs: Record | None = None
    base: Record | None = None
    uses: tuple[Use, ...] = ()
    given: tuple[Use, ...] = ()
    contacts: tuple[Contact, ...] = ()
    named: tuple[Contact, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record as its CRM told it last: `own` as its connector reads it, `document` what a map may read of it."""

    own: Record
    document: dict[str, Any] = {}


class Hung(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A gallery as its CRM told it last, and as it was when it was taken over last."""

    told: RemoteGallery
    taken: RemoteGallery | None = None


class Dispute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Both sides of a conflict, null where there is none, and why it is one in a sentence."""

    ours: Record | None = None
    theirs: Record | None = None
    why: str = ""


class Seals(TenantSeals):
    """Seals and opens what is kept of one tenant's records."""

    def item(self, row: UUID, kept: Kept) -> bytes:
        return self.seal(kept, table=ITEMS, row=row)

    def kept(self, row: UUID, sealed: bytes) -> Kept:
        return self.open(sealed, Kept, table=ITEMS, row=row)

    def hung(self, row: UUID, sealed: bytes) -> Hung:
        return self.open(sealed, Hung, table=GALLERIES, row=row)

    def message(self, row: UUID, sealed: bytes) -> RemoteMessage:
        return self.open(sealed, RemoteMessage, table=MESSAGES, row=row)

    def document(self, row: UUID, told: Told) -> bytes:
        return self.seal(told, table=DOCUMENTS, row=row)

    def told(self, row: UUID, sealed: bytes) -> Told:
        return self.open(sealed, Told, table=DOCUMENTS, row=row)


def remote_key(book_id: UUID, remote_id: str) -> bytes:
    """By which a record of a book is found again."""
    return hashlib.blake2b(remote_id.encode(), digest_size=16, key=book_id.bytes).digest()
