"""What comes after a wedding day, each once and by the wedding's own clock: stand-down, and aftercare.

When the day is over its alerts end; a day after its last item the links of its helpers do, who were taking down until
then, and everybody is told what is still open. Marketing is held by the journeys themselves, which know the days.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from wedsync.alerts import actions as alerts
from wedsync.days import actions as days
from wedsync.days.model import Stage
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.schedule.model import LIVE_AFTER, STAND_DOWN
from wedsync.schedule.rows import WeddingDay
from wedsync.weddings import actions as weddings

queries = sql.load("wedsync.operations.wedding_day")
OVER: Final = "The day is over. Raise it again if it is not."
NEVER: Final = timedelta(days=3650)


def stages_of(day: WeddingDay) -> tuple[tuple[datetime, Stage], ...]:
    """When each begins; the same moments as `schedule.model.phase`."""
    return (day.live_until, "stand_down"), (day.live_until - LIVE_AFTER + STAND_DOWN, "aftercare")


def next_stage(day: WeddingDay, now: datetime) -> datetime:
    """When the next one begins; long ahead where there is none."""
    return next((at for at, _ in stages_of(day) if at > now), now + NEVER)


async def wind_down(tx: Tx, day: WeddingDay, known: Sequence[WeddingDay], now: datetime) -> datetime:
    """Everything that is due of a day that is over; returns when to look again."""
    is_last = all(other.on <= day.on for other in known)
    for at, stage in stages_of(day):
        if at > now or not await days.begin(tx, day.on, stage):
            continue
        if stage == "stand_down":
            await _end_alerts(tx, day)
        elif is_last:
            await weddings.end_help(tx, day.wedding_id)
    return next_stage(day, now)


async def _end_alerts(tx: Tx, day: WeddingDay) -> None:
    """Those that were raised until then: nobody is called in the night for what is over."""
    for row in await tx.rows(queries.open_alerts, day.live_until):
        await alerts.resolve(tx, row["id"], OVER)
