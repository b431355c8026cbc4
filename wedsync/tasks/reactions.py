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


async def free(tx: Tx, event: Event) -> None:
    """What waits for this task may begin, or waits again."""
    await actions.free(tx, event.subject.id)


REACTIONS = (
    Reaction(name="tasks.follow_date", types=(wedding_facts.DATE_CHANGED.type,), run=follow_date),
    Reaction(name="tasks.free", types=(model.DONE.type, model.REOPENED.type, model.REMOVED.type), run=free),
    Reaction(
        name="tasks.free_dropped",
        types=(model.CHANGED.type,),
        run=free,
        condition="$.record.status != $.old.status",
    ),
    # A supplier's list of weddings says how many tasks wait and which is next.
    suppliers.index_follows(*(kind.type for kind in model.EVENTS), condition="$.link != null"),
)
