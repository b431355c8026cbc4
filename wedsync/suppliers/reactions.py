"""What suppliers do because of facts: keep the portfolio index true for every linked business."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.db import Tx
from wedsync.suppliers import actions, model
from wedsync.weddings import model as weddings

FOLLOWED = (
    *(t.type for t in (model.REQUESTED, model.ACCEPTED, model.DECLINED, model.SCOPES_CHANGED, model.REVOKED)),
    *(t.type for t in weddings.EVENTS if t.table == "weddings"),
)


async def refresh_index(tx: Tx, event: Event) -> None:
    """Any of these may change what a portfolio shows."""
    await actions.refresh_index(tx, event.tenant)


REACTIONS = (Reaction(name="suppliers.refresh_index", types=FOLLOWED, run=refresh_index),)
