"""What bookings do because of facts: look for conflicts where something changed, tell the wedding, follow it.

After the commit, never inside of it: of two transactions that change both sides of a conflict at once neither would see
the other's. The checks look at what stands, so a fact that comes late finds what is true now.
"""

from datetime import date
from typing import Any
from uuid import UUID

from wedsync.bookings import actions, facts
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit import clock, sql
from wedsync.kit.db import Tx
from wedsync.schedule import facts as schedule
from wedsync.suppliers import model as suppliers
from wedsync.weddings import model as weddings

queries = sql.load("wedsync.bookings")
OF_BOOKINGS = (facts.HELD, facts.BOOKED, facts.CHANGED, facts.CANCELLED, facts.EXPIRED, facts.FULFILLED)
OF_WEDDINGS = (
    *(suppliers.ACCEPTED, suppliers.SCOPES_CHANGED, suppliers.REVOKED),
    *(kind for kind in weddings.EVENTS if kind.table == "weddings"),
    *(kind for kind in schedule.EVENTS if kind.table in ("schedule_items", "wedding_days")),
)


async def add_default(tx: Tx, event: Event) -> None:
    """A new business can be booked."""
    await actions.default_resource(tx)


async def check_booking(tx: Tx, event: Event) -> None:
    """Conflicts and days of where it was and where it is."""
    stretches = {image["blocked"] for image in _images(event)}
    link = next((UUID(image["link_id"]) for image in _images(event) if image["link_id"]), None)
    await _check(tx, "{" + ",".join(sorted(stretches)) + "}", link)


async def check_source(tx: Tx, event: Event) -> None:
    """Conflicts and days of what another calendar changed."""
    await _check(tx, (event.record or {})["changed"], None)


async def check_ahead(tx: Tx, event: Event) -> None:
    """With another resource, or one less, every day ahead may stand otherwise."""
    today = clock.now().date()
    await _check(tx, f"{{[{today}, {today.replace(year=today.year + 1, day=1)})}}", None)


async def _check(tx: Tx, stretches: str, link: UUID | None) -> None:
    nudge = await tx.value(queries.check_bookings, stretches, link)
    tx.nudges += [nudge] if nudge else []


async def tell_booking(tx: Tx, event: Event) -> None:
    """The wedding of a booking, and the one it was for before."""
    links = {UUID(image["link_id"]) for image in _images(event) if image["link_id"]}
    await _tell(tx, sorted(links), [])


async def tell_day(tx: Tx, event: Event) -> None:
    """The weddings of linked couples whose date it is."""
    await _tell(tx, [], [date.fromisoformat(image["on"]) for image in _images(event)][:1])


async def _tell(tx: Tx, links: list[UUID], days: list[date]) -> None:
    tx.nudges += [r[0] for r in await tx.rows(queries.tell_weddings, links, days) if r[0]]


async def follow_wedding(tx: Tx, event: Event) -> None:
    """A wedding, its schedule or who is linked changed: work for each supplier that this may concern."""
    await tx.run(queries.follow_wedding, event.tenant)


def _images(event: Event) -> list[dict[str, Any]]:
    return [image for image in (event.record, event.old_record) if image]


def _types(*kinds: Any) -> tuple[str, ...]:
    return tuple(kind.type for kind in kinds)


REACTIONS = (
    Reaction(name="bookings.add_default", types=(suppliers.REGISTERED.type,), run=add_default),
    Reaction(
        name="bookings.check_booking",
        types=_types(*OF_BOOKINGS),
        run=check_booking,
        is_orderless=True,
        sweep=queries.sweep_checks,
    ),
    Reaction(name="bookings.check_source", types=(facts.REFRESHED.type,), run=check_source),
    Reaction(name="bookings.check_ahead", types=_types(facts.RESOURCE_CHANGED), run=check_ahead, is_merged=True),
    Reaction(
        name="bookings.tell_booking",
        types=_types(*OF_BOOKINGS),
        run=tell_booking,
        condition="$.record.link_id != null || $.old.link_id != null",
    ),
    # Most days are no linked wedding's date: they owe nothing.
    Reaction(name="bookings.tell_day", types=(facts.DAY_CHANGED.type,), run=tell_day, condition="$.is_awaited == true"),
    Reaction(name="bookings.follow_wedding", types=_types(*OF_WEDDINGS), run=follow_wedding, is_merged=True),
)
