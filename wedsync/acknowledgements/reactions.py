"""What acknowledgements do because of facts: tell the portfolio that something waits, or no longer does."""

from wedsync.acknowledgements import model
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.db import Tx
from wedsync.suppliers import actions as suppliers


async def refresh_index(tx: Tx, event: Event) -> None:
    """What waits is shown over all weddings of a supplier."""
    await suppliers.refresh_index(tx, event.tenant)


REACTIONS = (
    Reaction(name="acknowledgements.refresh_index", types=(model.OPENED.type, model.GIVEN.type), run=refresh_index),
)
