"""Every write of setting a business up: what was said of a step, and that it is through."""

from typing import Final
from uuid import UUID

from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.onboarding import model
from wedsync.onboarding.model import Key
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers.model import NewSupplier

queries = sql.load("wedsync.onboarding")
CALENDARS: Final = ["google_calendar", "outlook_calendar", "icloud_calendar", "ics"]
MANAGERS: Final = ("owner", "admin")


async def begin(door: Door, actor: Actor, new: NewSupplier) -> UUID:
    """Register a business whose setting up goes on from here."""
    supplier_id = await suppliers.register(door, actor, new)
    async with door.enter(actor, supplier_id) as tx:
        await say(tx, done="business")
    return supplier_id


async def home(tx: Tx) -> Row:
    """The business and how far it is. Raises Refusal 404 elsewhere, 403 for whoever does not keep it."""
    row = await tx.row(queries.home, CALENDARS)
    if row is None:
        raise not_found("supplier")
    if row["role"] not in MANAGERS:
        raise Refusal(403, "forbidden", "Only an owner or admin sets this business up. Ask one of them.")
    return row


async def say(tx: Tx, *, done: Key | None = None, skipped: Key | None = None, is_end: bool = False) -> None:
    """Keep what nothing else tells of a step. Raises Refusal as `home`."""
    await home(tx)
    row = await tx.row(queries.put, [done] if done else [], [skipped] if skipped else [], is_end)
    if row is None:
        raise not_found("supplier")
    record(tx, model.CHANGED, op="INSERT" if row["old_record"] is None else "UPDATE", row=row)


def progress(row: Row) -> list[model.Step]:
    """The six steps of a business: what is there is done, whether or not anybody said so."""
    there: dict[Key, bool] = {
        "business": True,
        "category": row["category"] != "other",
        "calendar": row["has_calendar"],
        "clients": row["has_clients"],
        "wedding": row["has_wedding"],
    }
    done = {*(row["done"] or ()), *(key for key, is_there in there.items() if is_there)}
    return model.steps(done, row["skipped"] or ())
