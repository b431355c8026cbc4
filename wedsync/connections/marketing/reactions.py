"""What marketing does because of facts: whatever of ours changed is looked at in every audience.

A poke says only that something is to be looked at; the run compares what stands with what was sent, and asks the
provider nothing where both are the same.
"""

import re
from functools import cache
from typing import Final

from wedsync.clients import facts as clients
from wedsync.connections import manifest as manifests
from wedsync.connections.accounts import model as accounts
from wedsync.connections.marketing import actions
from wedsync.connections.marketing.facts import GIVEN, MILESTONE, WITHDRAWN
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.db import Tx

queries = sql.load("wedsync.connections.marketing")
MILESTONE_NAME: Final = re.compile("[a-z][a-z_]{1,40}")


async def look(tx: Tx, event: Event) -> None:
    """A client of a business changed, or many did; or somebody agreed or withdrew."""
    if await tx.value(queries.poke, None, False, False):
        tx.nudges.append("[]")


async def begin(tx: Tx, event: Event) -> None:
    """An account was connected, or works again: if it is a business's marketing, its lists are asked for."""
    if await tx.value(queries.connector_of, event.subject.id) in _marketers():
        await actions.open_audience(tx, event.subject.id)


async def reach(tx: Tx, event: Event) -> None:
    """A link has reached a milestone, which the fact's row names: its client's tags follow in every audience."""
    milestone = str((event.record or {}).get("name", ""))
    if MILESTONE_NAME.fullmatch(milestone) and await tx.value(queries.reach, event.link_id, milestone):
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
    Reaction(name="marketing.begin", types=(accounts.CONNECTED.type, accounts.MENDED.type), run=begin),
)
BY_NAME = (Reaction(name="marketing.reach", types=(MILESTONE,), run=reach),)
"""Owed where whoever records milestones is part of the installation."""
