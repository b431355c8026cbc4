"""Where sealed values are kept: every column of the database that the key ring has sealed, and for which row.

A test demands that every column of bytes is here or is known to hold none, so that no key is ever taken away while
something still needs it.
"""

from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.clients.model import Details
from wedsync.clients.sealed import email_indexes
from wedsync.connections.accounts.actions import account_keys, open_account
from wedsync.consents import sealed as consents
from wedsync.guests.sealed import CONTACTS
from wedsync.invitations import sealed as invitations
from wedsync.invitations.model import Known
from wedsync.kit.seal import KeyRing
from wedsync.phones import sealed as phones


class Place(msgspec.Struct, frozen=True):
    """One column; `tenant` and `row` are the columns that the seal is bound to."""

    table: str
    column: str
    tenant: str
    row: str = "id"

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"


COLUMNS: Final = (
    Place("notes", "sealed", "wedding_id"),
    Place("alerts", "sealed", "wedding_id"),
    Place("task_photos", "sealed", "wedding_id"),
    Place("guest_contacts", "sealed", "wedding_id", "guest_id"),
    Place("guest_needs", "sealed", "wedding_id", "guest_id"),
    Place("dietary_sheets", "sealed", "wedding_id"),
    Place("day_packs", "sealed", "wedding_id"),
    Place("form_requests", "sealed", "wedding_id"),
    Place("form_drafts", "sealed", "wedding_id", "request_id"),
    Place("imports", "plan", "wedding_id"),
    Place("imports", "undo", "wedding_id"),
    Place("booking_details", "sealed", "supplier_id", "booking_id"),
    Place("clients", "sealed", "supplier_id"),
    Place("client_imports", "plan", "supplier_id"),
    Place("client_imports", "undo", "supplier_id"),
    Place("enquiries", "sealed", "supplier_id"),
    Place("invitations", "sealed", "supplier_id"),
    Place("mail_suppressions", "sealed", "tenant_id"),
    Place("mail_consents", "sealed", "tenant_id"),
    Place("phones", "sealed", "person_id"),
    Place("phone_stops", "sealed", "tenant_id"),
    Place("phone_messages", "sealed", "tenant_id"),
    Place("endpoints", "secret_sealed", "tenant_id"),
    Place("endpoints", "credentials_sealed", "tenant_id"),
    Place("connections", "sealed", "tenant_id"),
    Place("connection_accounts", "account_sealed", "tenant_id", "connection_id"),
    Place("connection_accounts", "credentials_sealed", "tenant_id", "connection_id"),
    Place("connection_consents", "verifier_sealed", "tenant_id"),
    Place("calendars", "sealed", "tenant_id"),
    Place("calendar_progress", "cursor_sealed", "tenant_id", "calendar_id"),
    Place("calendar_progress", "watch_sealed", "tenant_id", "calendar_id"),
    Place("calendar_events", "sealed", "tenant_id"),
    Place("calendar_conflicts", "sealed", "tenant_id"),
    Place("record_progress", "cursor_sealed", "tenant_id", "book_id"),
    Place("record_items", "sealed", "tenant_id"),
    Place("record_documents", "sealed", "tenant_id", "item_id"),
    Place("record_galleries", "sealed", "tenant_id"),
    Place("record_messages", "sealed", "tenant_id"),
    Place("messages", "sealed", "wedding_id"),
    Place("record_conflicts", "sealed", "tenant_id"),
    Place("marketing_consents", "sealed", "supplier_id"),
    Place("marketing_members", "sealed", "tenant_id"),
    Place("chat_messages", "sealed", "tenant_id"),
    Place("inbox_hooks", "sealed", "tenant_id"),
    Place("deliveries", "sealed", "tenant_id"),
    Place("kept_answers", "request", "person_id"),
    Place("kept_answers", "answer", "person_id"),
)
IMAGES: Final = (Place("events", "record", "stream_id"), Place("events", "old_record", "stream_id"))
"""Images of sealed rows hold the value as text."""
OLD_SECRETS: Final = Place("endpoints", "old_secrets", "tenant_id")
"""A list of secrets in overlap, each as text."""
NOT_SEALED: Final = frozenset(
    {
        *("token_hash", "state_hash", "key", "place", "email_index", "account_key", "head"),
        *("partner_email_index", "remote_key", "record_key", "series_key", "address_index", "number_index"),
        *("code_hash", "pass_hash"),
    }
)
"""Columns of bytes that hold hashes, keyed indexes or keys of places."""


def contact_index(ring: KeyRing, tenant: UUID, plain: bytes) -> bytes | None:
    """The blind index beside a guest's contact, by the newest key."""
    email = msgspec.json.decode(plain).get("email")
    return ring.blind(email, tenant=tenant, table=CONTACTS, column="email", form="email") if email else None


def client_indexes(ring: KeyRing, tenant: UUID, plain: bytes) -> tuple[bytes | None, bytes | None]:
    """The blind indexes beside a client, by the newest key."""
    return email_indexes(ring, tenant, msgspec.json.decode(plain, type=Details))


def couple_index(ring: KeyRing, plain: bytes) -> list[bytes]:
    """The blind indexes beside an invitation, by the newest key."""
    return invitations.couple_index(ring, msgspec.json.decode(plain, type=Known))


def address_index(ring: KeyRing, plain: bytes) -> bytes:
    """The blind index of an address that takes no invitations, by the newest key."""
    return consents.index(ring, plain.decode())


def number_index(ring: KeyRing, plain: bytes) -> bytes:
    """The blind index of a phone's number, by the newest key."""
    return phones.index(ring, plain.decode())


def account_index(ring: KeyRing, tenant: UUID, connection_id: UUID, connector: str, sealed: bytes) -> bytes | None:
    """The blind index of a connection, by the newest key."""
    account = open_account(ring, tenant, connection_id, sealed)
    return None if account is None else account_keys(ring, tenant, connector, account.id)[0]


def image_row(record: dict[str, Any]) -> str:
    """Which row an image was sealed for; as `events.images` opens it."""
    return str(record.get("guest_id", record["id"]))
