"""The day pack: all that somebody needs on the day as one file that opens without a network, as they may see it.

It is read through the very row security of whoever it is for: what they may not see cannot be in it. Styles are in the
file, nothing is fetched, and it says how old it is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from wedsync.days import view
from wedsync.days.actions import queries as days
from wedsync.guests.kitchen import sheet_page
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing
from wedsync.operations.wedding_day import places as where
from wedsync.schedule.model import local_of
from wedsync.web import render
from wedsync.web.formats import clock

queries = sql.load("wedsync.operations.wedding_day")
schedule = sql.load("wedsync.schedule")
DIETARY, COUNTS = 32, 8
CONTACTS_MAX: Final = 500


async def made(tx: Tx, ring: KeyRing) -> bytes:
    """The pack of whoever has entered, as it is now. Raises Refusal 404."""
    return written(await read(tx, ring))


async def read(tx: Tx, ring: KeyRing) -> dict[str, Any]:
    """What the pack of whoever has entered says now. Raises Refusal 404."""
    head = await tx.row(queries.head)
    if head is None:
        raise not_found("wedding")
    seen = await view.read(tx)
    contacts = [dict(row) for row in await tx.rows(schedule.contacts, None, CONTACTS_MAX)]
    places = where.places(head, await tx.rows(queries.spots))
    return view.values(seen) | {
        "head": dict(head),
        "made": _moment(head["now"], head["time_zone"]),
        "number": await tx.value(days.last_number),
        "contacts": contacts,
        "sheets": await _sheets(tx, ring, head) if head["mask"] & DIETARY else [],
        "places": places,
        "plan": where.plan(places),
    }


def written(said: Mapping[str, Any]) -> bytes:
    """The file of what was read: milliseconds of work for a processor, and none for the database."""
    return render.page("operations/day_pack.html", **said).encode()


async def _sheets(tx: Tx, ring: KeyRing, head: Any) -> list[dict[str, Any]]:
    """The newest dietary sheet of each item that has one."""
    found: list[dict[str, Any]] = []
    wanted = None
    while True:
        sheet = await sheet_page.for_supplier(tx, ring, head["wedding_id"], wanted, base="", now=head["now"])
        if sheet is None:
            return found
        found.append(sheet)
        ids = [item_id for item_id, _, _ in sheet["items"]]
        if len(found) == len(ids):
            return found
        wanted = ids[len(found)]


def _moment(at: datetime, zone: str) -> str:
    on, at_local = local_of(at, zone)
    return f"{on.day} {on:%B} {on.year}, {clock(at_local, zone)}"
