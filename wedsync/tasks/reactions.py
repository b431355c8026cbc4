"""What tasks do because of facts: follow the wedding's date, and keep the portfolio of whoever has to do them true."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.db import Tx
from wedsync.suppliers import actions as suppliers
from wedsync.tasks import actions, model
from wedsync.weddings import model as wedding_facts


async def follow_date(tx: Tx, event: Event) -> None:
    """Relative tasks are due on another day."""
    await actions.follow_date(tx)


async def refresh_index(tx: Tx, event: Event) -> None:
    """A supplier's list of weddings says how many tasks wait and which is next."""
    if event.link_id is not None:
        await suppliers.refresh_index(tx, event.tenant)


REACTIONS = (
    Reaction(name="tasks.follow_date", types=(wedding_facts.DATE_CHANGED.type,), run=follow_date),
    Reaction(name="tasks.refresh_index", types=tuple(kind.type for kind in model.EVENTS), run=refresh_index),
)
