"""Reads marketing for doors: the audience, who is in it, the ledger, and who may say yes."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from wedsync.clients import sealed as client_seals
from wedsync.clients.model import Stage
from wedsync.connections.marketing import kept, planning
from wedsync.connections.marketing.contract import RemoteList
from wedsync.connections.marketing.kept import Seals
from wedsync.connections.marketing.model import Audience, Campaign, ConsentEntry, Member, Who
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing
from wedsync.web.context import as_struct

queries = sql.load("wedsync.connections.marketing")
CLIENTS_MAX = 500
CAMPAIGNS_MAX = 100


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A person among the clients, and whether they agreed. `left`: they unsubscribed at a provider once."""

    client_id: UUID
    who: Who
    name: str
    email: str
    stage: Stage
    wedding_on: date | None
    is_in: bool
    left: bool


async def audience(tx: Tx, audience_id: UUID) -> Audience:
    """Raises Refusal 404."""
    row = await tx.row(queries.audience, audience_id)
    if row is None:
        raise not_found("connection")
    lists = msgspec.json.decode(row["lists"], type=tuple[RemoteList, ...])
    return Audience(**{**dict(row), "lists": lists})


def members(ring: KeyRing, tenant: UUID, rows: Sequence[Row]) -> list[Member]:
    """Opened."""
    seals = Seals(ring, tenant)
    found = []
    for row in rows:
        contact = seals.contact(row["id"], row["sealed"])
        named = {name: row[name] for name in ("id", "audience_id", "client_id", "state", "reason", "changed_at")}
        found.append(Member(**named, email=contact.email, tags=contact.tags))
    return found


def entries(ring: KeyRing, tenant: UUID, rows: Sequence[Row]) -> list[ConsentEntry]:
    """The ledger, opened."""
    seals = Seals(ring, tenant)
    named = [name for name in ConsentEntry.__struct_fields__ if name != "email"]
    return [
        ConsentEntry(**{name: row[name] for name in named}, email=seals.email(row["id"], row["sealed"])) for row in rows
    ]


async def asked(tx: Tx, ring: KeyRing, tenant: UUID) -> list[Asked]:
    """Everybody among the clients who has an address, and whether they agreed."""
    may = planning.agreed(await kept.ledger(tx, Seals(ring, tenant)))
    found: list[Asked] = []
    for row in await tx.rows(queries.some_clients, CLIENTS_MAX):
        details = client_seals.unseal(ring, tenant, row["id"], row["sealed"])
        people: list[tuple[Who, str, str]] = [
            ("client", details.name, details.email),
            ("partner", details.partner_name, details.partner_email),
        ]
        for who, name, email in people:
            if email:
                key = planning.key(email)
                found.append(
                    Asked(
                        client_id=row["id"],
                        who=who,
                        name=name or email,
                        email=email,
                        stage=row["stage"],
                        wedding_on=row["wedding_on"],
                        is_in=key in may,
                        left=may.get(key, False),
                    )
                )
    return found


async def campaigns(tx: Tx, audience_id: UUID, limit: int = CAMPAIGNS_MAX) -> list[Campaign]:
    """The newest first."""
    return [as_struct(Campaign, row) for row in await tx.rows(queries.campaigns, audience_id, limit)]
