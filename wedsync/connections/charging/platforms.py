"""Hooks that a provider sends for all accounts to one address of ours: verified, and whose they are."""

from collections.abc import Mapping
from typing import Final

import msgspec

from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.charging.contract import Charges, Said
from wedsync.connections.elements import Element
from wedsync.connections.inbox import Denied, Source
from wedsync.connections.manifest import operators
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.kit import clock, sql
from wedsync.kit.actor import ANONYMOUS
from wedsync.web.context import Context

queries = sql.load("wedsync.payments")
RATE_PER_MINUTE: Final = 60_000
"""Of one account: they are verified, and what we refuse is sent again for days."""


class Addressed(msgspec.Struct, frozen=True, kw_only=True):
    """A verified hook, and what it says."""

    said: Said
    scheme: str
    element: Element


def addressed(desk: Desk, connector: str, headers: Mapping[str, str], body: bytes) -> Addressed | str:
    """Or why it is not verified. Raises Denied 404 for a connector that has no such address, 422."""
    manifest = desk.host.manifests.get(connector)
    charges = desk.host.connector(connector, Charges)
    if manifest is None or manifest.charges is None or charges is None:
        unknown = "There is nothing at this address. Check it with whoever gave it to you."
        raise Denied(404, "not_found", unknown, reason="there is no such source")
    held = str(operators(desk.settings, manifest.charges.secrets))
    secrets = [one.strip() for one in held.split(",") if one.strip()]
    now = clock.machine_now().timestamp()
    why = verify(manifest.charges.scheme, Request(headers=headers, body=body, url="", secrets=secrets, now=now))
    if why is not None:
        return why
    try:
        said = charges.read(body)
    except ValueError as error:
        wrong = "the body is not what it should be"
        raise Denied(422, "invalid", "The body is not what this provider sends.", reason=wrong) from error
    return Addressed(said=said, scheme=manifest.charges.scheme, element=Element(said.id[:200], body))


async def source(ctx: Context, connector: str, found: Addressed) -> Source | None:
    """Who is told; None for an account that never was anybody's here: there is nobody to keep it for."""
    if not found.said.account or not found.said.id:
        return None
    async with ctx.door.bare(ANONYMOUS) as tx:
        row = await tx.row(queries.located, connector, found.said.account)
    if row is None:
        return None
    return Source(id=row["connection_id"], tenant=row["supplier_id"], connector=connector, verified_by=found.scheme)
