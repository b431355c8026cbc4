"""What follows from an import: the dietary totals are counted anew, once, for its rows are bulk and owe nothing."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.guests.importing import facts
from wedsync.guests.kitchen import dietary
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """Needs are sealed, so counting them takes the key ring."""

    async def recount(tx: Tx, event: Event) -> None:
        await tx.plan_anew()
        await dietary.recount(tx, ring, event.tenant)

    types = (facts.FINISHED.type, facts.UNDONE.type)
    return (Reaction(name="guests.recount_after_import", types=types, run=recount),)
