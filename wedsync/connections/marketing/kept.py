"""What is kept sealed of marketing, and how it is loaded: the ledger, clients who may have agreed, members as sent."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from wedsync.clients import sealed as client_seals
from wedsync.connections.marketing import planning
from wedsync.connections.marketing.contract import Contact
from wedsync.connections.marketing.planning import Consent, Held, Known
from wedsync.connections.tenant_seals import TenantSeals
from wedsync.consents import sealed as suppressions
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.connections.marketing")
CONSENTS = "marketing_consents"
MEMBERS = "marketing_members"


class Seals(TenantSeals):
    """Seals and opens what is kept of one supplier's marketing."""

    def address(self, row: UUID, email: str) -> bytes:
        return self.seal(email, table=CONSENTS, row=row)

    def email(self, row: UUID, sealed: bytes) -> str:
        return self.open(sealed, str, table=CONSENTS, row=row)

    def member(self, row: UUID, contact: Contact) -> bytes:
        return self.seal(contact, table=MEMBERS, row=row)

    def contact(self, row: UUID, sealed: bytes) -> Contact:
        return self.open(sealed, Contact, table=MEMBERS, row=row)


async def ledger(tx: Tx, seals: Seals) -> list[Consent]:
    """Every act of the entered supplier's ledger."""
    return [
        Consent(
            email=seals.email(row["id"], row["sealed"]),
            is_given=row["act"] == "given",
            by_provider=row["method"] == "provider",
            at=row["created_at"],
        )
        for row in await tx.rows(queries.consents)
    ]


async def barred(tx: Tx, ring: KeyRing, tenant: UUID, emails: Iterable[str]) -> list[str]:
    """Which of these the supplier may not write to, as the system."""
    indexes = {index: email for email in emails for index in suppressions.indexes(ring, email)}
    of_clients = {index: email for email in indexes.values() for index in _blinds(ring, tenant, email)}
    found = await tx.rows(queries.barred, list(indexes), list(of_clients)) if indexes else []
    return [(indexes | of_clients)[bytes(row["address_index"])] for row in found]


def _blinds(ring: KeyRing, tenant: UUID, email: str) -> Sequence[bytes]:
    """By which a client with this address is found."""
    return ring.blinds(email, tenant=tenant, table=client_seals.CLIENTS, column="email", form="email")


async def clients_of(tx: Tx, ring: KeyRing, tenant: UUID, emails: Iterable[str]) -> list[Known]:
    """The clients who have one of these addresses now, with their milestones."""
    wanted = [index for email in emails for index in _blinds(ring, tenant, email)]
    ids = [row["id"] for row in await tx.rows(queries.clients_of_addresses, wanted)]
    return [
        Known(
            id=row["id"],
            details=client_seals.unseal(ring, tenant, row["id"], row["sealed"]),
            stage=row["stage"],
            wedding_on=row["wedding_on"],
            milestones=tuple(row["milestones"]),
        )
        for row in await tx.rows(queries.clients, ids)
    ]


def held(seals: Seals, rows: Sequence[Row]) -> dict[str, Held]:
    """Members by the key of their address."""
    found = [Held(id=row["id"], contact=seals.contact(row["id"], row["sealed"]), state=row["state"]) for row in rows]
    return {planning.key(one.contact.email): one for one in found}
