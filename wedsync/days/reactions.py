"""What wedding days do because of facts: the core follows what was amended."""

from wedsync.days import facts
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.db import Tx
from wedsync.schedule import actions as schedule


async def tell_core(tx: Tx, event: Event) -> None:
    """Whoever leads the day may move the ceremony; that it moved is then so for everybody."""
    await schedule.tell_core(tx)


REACTIONS = (
    Reaction(
        name="days.tell_core",
        types=(facts.AMENDED.type,),
        run=tell_core,
        condition="$.record.schedule_item_id != null",
    ),
)
