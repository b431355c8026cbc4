"""What journeys do because of facts: begin with a booking, follow the date, pass milestones, end with the link."""

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.forms import facts as forms
from wedsync.guests import facts as guests
from wedsync.journeys import enrolling, facts, milestones, sending
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.photos import facts as photos
from wedsync.schedule import facts as schedule
from wedsync.suppliers import model as suppliers
from wedsync.weddings import model as weddings

DAYS = tuple(kind.type for kind in schedule.EVENTS if kind.table == "wedding_days")


async def booked(tx: Tx, event: Event) -> None:
    """A link is active: that is a booking, and what a booking begins begins."""
    if not await milestones.reach(tx, event.subject.id, "booked"):
        return
    await milestones.follow_calendar(tx)
    await enrolling.begin_booked(tx, event.subject.id)


async def ended(tx: Tx, event: Event) -> None:
    """Nothing is sent for a supplier who is out."""
    await enrolling.stop_of(tx, event.subject.id)


async def follow(tx: Tx, event: Event) -> None:
    """The wedding is on another day, or something was passed: look again what is due."""
    await milestones.follow_calendar(tx)
    await enrolling.follow(tx)


async def numbers(tx: Tx, event: Event) -> None:
    """The final numbers are in, for everybody who works for the wedding."""
    await milestones.reach(tx, None, "final_details")


async def delivered(tx: Tx, event: Event) -> None:
    """Photographs were handed over by this supplier."""
    if event.link_id is not None:
        await milestones.reach(tx, event.link_id, "photos_delivered")


async def answered(tx: Tx, event: Event) -> None:
    """The couple has answered a form of this supplier."""
    if event.link_id is not None:
        await milestones.reach(tx, event.link_id, "form_submitted")


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """The ring and the settings come from the process that runs them."""
    moves = (weddings.DATE_CHANGED.type, *DAYS, facts.REACHED.type, facts.WITHDRAWN.type)
    return (
        Reaction(name="journeys.booked", types=(suppliers.ACCEPTED.type,), run=booked),
        Reaction(name="journeys.ended", types=(suppliers.REVOKED.type,), run=ended),
        Reaction(name="journeys.follow", types=moves, run=follow, is_merged=True),
        Reaction(name="journeys.numbers", types=(guests.LOCKED.type,), run=numbers),
        Reaction(name="journeys.delivered", types=(photos.DELIVERED.type,), run=delivered),
        Reaction(name="journeys.answered", types=(forms.SUBMITTED.type,), run=answered),
        *sending.reactions(ring, settings),
    )
