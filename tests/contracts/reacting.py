"""One reaction as a worker does it, with what it leaves for afterwards, in a transaction that a test has opened."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.db import Tx


async def whole(reaction: Reaction, tx: Tx, event: Event) -> None:
    left = await reaction.run(tx, event)
    if left is not None and reaction.afterwards is not None:
        await reaction.afterwards(tx, event, left)
