"""What the market does because of facts: whoever asked becomes a client of the business."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.market import actions, facts


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """What was asked is sealed, so it takes the key ring of the process that runs this."""

    async def file(tx: Tx, event: Event) -> None:
        await actions.file(tx, ring, event.subject.id)

    return (Reaction(name="market.file", types=(facts.RECEIVED.type,), run=file),)
