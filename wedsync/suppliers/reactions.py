"""What suppliers do because of facts: keep the portfolio index true for every linked business."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.suppliers import actions, model
from wedsync.weddings import model as weddings

queries = sql.load("wedsync.suppliers")

FOLLOWED = (
    *(t.type for t in (model.REQUESTED, model.ACCEPTED, model.DECLINED, model.SCOPES_CHANGED, model.REVOKED)),
    *(t.type for t in weddings.EVENTS if t.table == "weddings"),
)


async def refresh_index(tx: Tx, event: Event) -> None:
    """Any of these may change what a portfolio shows."""
    await actions.refresh_index(tx, event.tenant)


def index_follows(*types: str, condition: str | None = None) -> Reaction:
    """Nouns above add what else a portfolio shows; however many facts there are, it is brought up to date once."""
    return Reaction(
        name="suppliers.refresh_index",
        types=types,
        run=refresh_index,
        condition=condition,
        is_merged=True,
        sweep=queries.sweep_index,
    )


REACTIONS = (index_follows(*FOLLOWED),)
