"""What the schedule does because of facts: follows the wedding's date and core times, and keeps the website true."""

from datetime import date

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.schedule import actions, facts
from wedsync.weddings import actions as weddings
from wedsync.weddings import model as wedding_facts

queries = sql.load("wedsync.schedule")
SHOWN = (facts.ADDED, facts.CHANGED, facts.MOVED, facts.AMENDED, facts.REMOVED, facts.SCHEDULE_RIPPLED)


async def follow_date(tx: Tx, event: Event) -> None:
    """Every item goes along with the date. A date that was taken away for a while counts from what it was."""
    before, after = (event.old_record or {}).get("on"), (event.record or {}).get("on")
    if after is None:
        return
    known = await tx.value(queries.last_date) if before is None else date.fromisoformat(before)
    if known is not None and (days := (date.fromisoformat(after) - known).days):
        await actions.shift(tx, days)


async def follow_core(tx: Tx, event: Event) -> None:
    """Ceremony and reception follow the core's times, and every item its zone."""
    await actions.follow_core(tx, (event.old_record or {}).get("time_zone", ""))


async def refresh_site(tx: Tx, event: Event) -> None:
    """The website shows what of the schedule is public."""
    await weddings.refresh_site(tx, event.tenant)


REACTIONS = (
    Reaction(name="schedule.follow_date", types=(wedding_facts.DATE_CHANGED.type,), run=follow_date),
    Reaction(name="schedule.follow_core", types=(wedding_facts.TIMES_CHANGED.type,), run=follow_core),
    Reaction(name="schedule.refresh_site", types=tuple(kind.type for kind in SHOWN), run=refresh_site),
)
