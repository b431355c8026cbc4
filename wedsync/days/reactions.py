"""What wedding days do because of facts: the core follows what was amended."""

from wedsync.days import facts
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.schedule import actions as schedule

queries = sql.load("wedsync.days")


async def pack_anew(tx: Tx, event: Event) -> None:
    """What everybody carries says what was amended."""
    await tx.value(queries.owe_packs)


async def look_now(tx: Tx, event: Event) -> None:
    """Who has come is looked for no more."""
    await tx.value(queries.owe_look)


async def tell_core(tx: Tx, event: Event) -> None:
    """Whoever leads the day may move the ceremony; that it moved is then so for everybody."""
    await schedule.tell_core(tx)


REACTIONS = (
    Reaction(name="days.pack_anew", types=(facts.AMENDED.type,), run=pack_anew, is_merged=True),
    Reaction(name="days.calm", types=(facts.CAME.type, facts.CONFIRMED.type), run=look_now, is_merged=True),
    Reaction(
        name="days.tell_core",
        types=(facts.AMENDED.type,),
        run=tell_core,
        condition="$.record.schedule_item_id != null",
    ),
)
