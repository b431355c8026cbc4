"""What calendars do because of facts: whatever of ours changed is marked in every calendar that may show it, and poked.

Marks say only that something is to be looked at; the run reads what stands. So a fact that comes late or twice is none
the worse, and nothing of a wedding is in a supplier's tenant before the run asks what it may see.
"""

from uuid import UUID

from wedsync.bookings import facts as bookings
from wedsync.connections.accounts import model as accounts
from wedsync.connections.calendars import actions, facts
from wedsync.events.catalogue import EventType, Reaction
from wedsync.events.event import Event
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.proposals import model as proposals
from wedsync.schedule import facts as schedule
from wedsync.suppliers import model as suppliers
from wedsync.weddings import model as weddings

queries = sql.load("wedsync.connections.calendars")
OF_BOOKINGS = (
    *(bookings.HELD, bookings.BOOKED, bookings.CHANGED),
    *(bookings.CANCELLED, bookings.EXPIRED, bookings.FULFILLED),
)
OF_ITEMS = (schedule.ADDED, schedule.CHANGED, schedule.MOVED, schedule.AMENDED, schedule.RIPPLED, schedule.REMOVED)
OF_WEDDINGS = (
    *(suppliers.ACCEPTED, suppliers.SCOPES_CHANGED, suppliers.REVOKED, schedule.SCHEDULE_RIPPLED),
    *(kind for kind in weddings.EVENTS if kind.table == "weddings"),
)


async def mark_booking(tx: Tx, event: Event) -> None:
    """In the business's own calendars."""
    rows = await tx.rows(queries.mark_bookings, [event.subject.id])
    await _poke(tx, sorted({row["calendar_id"] for row in rows}), is_pull=False)


async def mark_item(tx: Tx, event: Event) -> None:
    """In the couple's calendars, and in those of suppliers that see the schedule."""
    if await tx.value(queries.mark_items, event.tenant, [event.subject.id]):
        _wake(tx)


async def mark_wedding(tx: Tx, event: Event) -> None:
    """All of a wedding: who sees it, or what it is called, is another now."""
    if await tx.value(queries.mark_items, event.tenant, None):
        _wake(tx)


async def answer_move(tx: Tx, event: Event) -> None:
    """The couple has decided about a move that somebody made in a calendar."""
    if await tx.value(queries.answer_move, event.tenant, event.subject.id):
        _wake(tx)


async def begin(tx: Tx, event: Event) -> None:
    """A calendar was chosen, or is kept otherwise from now on."""
    await _poke(tx, [event.subject.id], is_pull=True)


async def find(tx: Tx, event: Event) -> None:
    """An account was connected, or works again: its calendars are looked for, and those in use looked at."""
    await tx.value(queries.find_calendars, event.subject.id)
    rows = await tx.rows(queries.chosen_of, event.subject.id)
    await _poke(tx, [row["id"] for row in rows], is_pull=True)
    _wake(tx)


async def forget(tx: Tx, event: Event) -> None:
    """An account was disconnected: what we knew of its owner's time is forgotten, and that its provider tells."""
    await tx.run(queries.forget_watches, event.subject.id)
    for row in await tx.rows(queries.chosen_of, event.subject.id):
        await tx.run(queries.begin_anew, row["id"], True)
        await actions.forget_busy(tx, row["id"])


async def _poke(tx: Tx, calendars: list[UUID], *, is_pull: bool) -> None:
    if calendars and await tx.value(queries.poke, calendars, is_pull, False):
        _wake(tx)


def _wake(tx: Tx) -> None:
    """Workers look at once: nothing was recorded that would tell them."""
    tx.nudges.append("[]")


def _types(*kinds: EventType) -> tuple[str, ...]:
    return tuple(kind.type for kind in kinds)


REACTIONS = (
    Reaction(
        name="calendars.mark_booking",
        types=_types(*OF_BOOKINGS),
        run=mark_booking,
        is_orderless=True,
        sweep=queries.sweep_marks,
    ),
    Reaction(name="calendars.mark_item", types=_types(*OF_ITEMS), run=mark_item),
    Reaction(name="calendars.mark_wedding", types=_types(*OF_WEDDINGS), run=mark_wedding, is_merged=True),
    Reaction(
        name="calendars.answer_move",
        types=_types(proposals.ACCEPTED, proposals.REFUSED, proposals.WITHDRAWN),
        run=answer_move,
        condition='$.record.subject == "schedule_items"',
    ),
    Reaction(name="calendars.begin", types=_types(facts.CHANGED), run=begin),
    Reaction(name="calendars.find", types=_types(accounts.CONNECTED, accounts.MENDED), run=find),
    Reaction(name="calendars.forget", types=_types(accounts.DISCONNECTED), run=forget),
)
