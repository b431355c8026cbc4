"""A move that was made in a calendar, made here: by the owner's own action, or proposed to them."""

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from wedsync.bookings import actions as bookings
from wedsync.connections.calendars.event import CalendarEvent, Days, EventError, span
from wedsync.connections.calendars.ours import Ours
from wedsync.connections.calendars.run import Run
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.proposals import actions as proposals
from wedsync.proposals.model import NewProposal, Source
from wedsync.schedule import actions as schedule
from wedsync.schedule.model import local_of

queries = sql.load("wedsync.connections")
ENTER_JOB: Final = "select app.enter_job($1, $2)"
ENTER_LINK: Final = "select app.enter_job_link($1, $2, $3)"
REPEATS: Final = "It repeats there now; here it takes place once."
WHOLE_DAY: Final = "It takes whole days there now; here it has a time."
NO_TIME: Final = "Its times there cannot be read."
MOVED: Final = "Moved in our calendar."


async def booking(tx: Tx, run: Run, booking_id: UUID, theirs: CalendarEvent) -> None:
    """Move a booking. Raises Refusal as the action does: taken, over, somebody's private time."""
    if theirs.rules:
        raise Refusal(409, "repeats", REPEATS)
    if isinstance(theirs.times, Days):
        first, free = date.fromisoformat(theirs.times.on), date.fromisoformat(theirs.times.until)
        fields: dict[str, Any] = {"on": first, "days": (free - first).days}
    else:
        fields = _timed(theirs, theirs.times.zone or run.zone, run.zone)
        fields["zone"] = theirs.times.zone or run.zone
    limit = fields.get("minutes", 15), fields.get("days", 1)
    if not (15 <= limit[0] <= 20160 and 1 <= limit[1] <= 60):
        raise Refusal(422, "invalid", "A booking takes from a quarter of an hour to sixty days.")
    await bookings.change(tx, run.ring, booking_id, fields)


async def item(tx: Tx, run: Run, item_id: UUID, ours: Ours, theirs: CalendarEvent) -> UUID | None:
    """Move an item of the couple's own, or propose it to them; returns the proposal. Raises Refusal.

    In the last week and on the day their own calendar only proposes, too: one drag there would move everybody.
    """
    if theirs.rules:
        raise Refusal(409, "repeats", REPEATS)
    if isinstance(theirs.times, Days):
        raise Refusal(409, "whole_day", WHOLE_DAY)
    fields = _timed(theirs, ours.zone, run.zone)
    if fields["minutes"] > 2880:
        raise Refusal(422, "invalid", "An item of a schedule takes two days at most.")
    said = {name: value.isoformat() if name != "minutes" else value for name, value in fields.items()}
    new = NewProposal(subject="schedule_items", subject_id=item_id, fields=said, why=MOVED)
    if ours.link_id is not None:
        return await _proposed(tx, run, ours.link_id, new)
    if await tx.value(queries.holds_inbound):
        return await proposals.suggest(tx, Source(id=run.connection_id, origin="hook", name=run.name), new)
    await schedule.change(tx, item_id, fields)
    return None


async def _proposed(tx: Tx, run: Run, link_id: UUID, new: NewProposal) -> UUID | None:
    """The transaction is left in the wedding, where the proposal is recorded."""
    if await tx.value(ENTER_LINK, run.job.id, run.job.lease_token, link_id) is None:
        raise Refusal(409, "not_linked", "You are not linked to this wedding any more.")
    return await proposals.suggest(tx, await proposals.source(tx), new)


def _timed(theirs: CalendarEvent, zone: str, calendar_zone: str) -> dict[str, Any]:
    """As day, time and minutes of a zone. Raises Refusal."""
    try:
        start, end = span(theirs.times, calendar_zone=calendar_zone)
    except EventError as error:
        raise Refusal(422, "invalid", NO_TIME) from error
    on, at_local = local_of(start, zone)
    return {"on": on, "at_local": at_local, "minutes": _minutes(start, end)}


def _minutes(start: datetime, end: datetime) -> int:
    return round((end - start) / timedelta(minutes=1))
