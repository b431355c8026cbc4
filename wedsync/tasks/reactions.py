"""What tasks do because of facts: follow the wedding's date, and keep the portfolio of whoever has to do them true."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.db import Tx
from wedsync.suppliers import reactions as suppliers
from wedsync.tasks import actions, model
from wedsync.weddings import model as wedding_facts


async def follow_date(tx: Tx, event: Event) -> None:
    """Relative tasks are due on another day."""
    await actions.follow_date(tx)


REACTIONS = (
    Reaction(name="tasks.follow_date", types=(wedding_facts.DATE_CHANGED.type,), run=follow_date),
    # A supplier's list of weddings says how many tasks wait and which is next.
    suppliers.index_follows(*(kind.type for kind in model.EVENTS), condition="$.link != null"),
)
