"""What weddings do because of facts: keep the public website's snapshot true."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.db import Tx
from wedsync.weddings import actions, model

CORE_TYPES = tuple(t.type for t in (model.CHANGED, model.DATE_CHANGED, model.VENUE_CHANGED, model.TIMES_CHANGED))


async def refresh_site(tx: Tx, event: Event) -> None:
    """The website shows names, date, venues and times."""
    await actions.refresh_site(tx, event.tenant)


REACTIONS = (Reaction(name="weddings.refresh_site", types=CORE_TYPES, run=refresh_site),)
