"""What marketing does because of facts: whatever of ours changed is looked at in every audience.

A poke says only that something is to be looked at; the run compares what stands with what was sent, and asks the
provider nothing where both are the same.
"""

from functools import cache

from wedsync.clients import facts as clients
from wedsync.connections import manifest as manifests
from wedsync.connections.accounts import model as accounts
from wedsync.connections.marketing import actions
from wedsync.connections.marketing.facts import GIVEN, WITHDRAWN
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.journeys import facts as journeys
from wedsync.kit import sql
from wedsync.kit.db import Tx

queries = sql.load("wedsync.connections.marketing")


async def look(tx: Tx, event: Event) -> None:
    """A client of a business changed, or many did; or somebody agreed or withdrew."""
    if await tx.value(queries.poke, None, False, False):
        tx.nudges.append("[]")


async def begin(tx: Tx, event: Event) -> None:
    """An account was connected, or works again: if it is a business's marketing, its lists are asked for."""
    if await tx.value(queries.connector_of, event.subject.id) in _marketers():
        await actions.open_audience(tx, event.subject.id)


async def reach(tx: Tx, event: Event) -> None:
    """A link has reached a milestone: its client's tags follow in every audience."""
    if await tx.value(queries.reach, event.link_id, (event.record or {})["name"]):
        tx.nudges.append("[]")


@cache
def _marketers() -> frozenset[str]:
    return frozenset(name for name, one in manifests.find().items() if one.markets is not None)


REACTIONS = (
    Reaction(
        name="marketing.look",
        types=(
            *(
                clients.ADDED.type,
                clients.CHANGED.type,
                clients.IMPORTED.type,
                clients.REMOVED.type,
                clients.UNDONE.type,
            ),
            *(GIVEN.type, WITHDRAWN.type),
        ),
        run=look,
        is_merged=True,
    ),
    Reaction(name="marketing.reach", types=(journeys.REACHED.type,), run=reach),
    Reaction(name="marketing.begin", types=(accounts.CONNECTED.type, accounts.MENDED.type), run=begin),
)
