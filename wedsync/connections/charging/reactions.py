"""What charging does because of facts: a supplier is paid into the account it connected, until it disconnects it."""

from typing import Final

from wedsync.connections.accounts import actions as accounts
from wedsync.connections.accounts import model
from wedsync.connections.manifest import find
from wedsync.connections.model import CHANGED
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.payments import hearing

queries = sql.load("wedsync.connections.charging")
OPEN: Final = ("connecting", "active", "degraded")


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """Which account it is at the provider is sealed, so the ring comes from the process that runs them."""

    async def begin(tx: Tx, event: Event) -> None:
        image = event.record or {}
        connector = image["connector"]
        # One that has left and is then paused opens nothing.
        if not event.stream.startswith("supplier:") or not _charges(connector) or image["state"] not in OPEN:
            return
        sealed = await tx.value(queries.account_sealed, event.subject.id)
        account = accounts.open_account(ring, event.tenant, event.subject.id, sealed)
        if account is not None:
            await hearing.open_account(tx, event.subject.id, connector=connector, account=account.id)

    async def end(tx: Tx, event: Event) -> None:
        if event.stream.startswith("supplier:"):
            await hearing.end_accounts(tx, event.subject.id)

    return (
        Reaction(name="charging.begin", types=(model.CONNECTED.type, CHANGED.type), run=begin),
        Reaction(name="charging.end", types=(model.DISCONNECTED.type,), run=end),
    )


def _charges(connector: str) -> bool:
    manifest = find().get(connector)
    return manifest is not None and manifest.charges is not None
