"""The permission file: what each audience may do to each table, and how to try it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from tests.world import World
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.weddings.actions import token_hash

# r read, w write (insert or update or delete, whichever the table takes); o only rows of their own.
COUPLE = ("couple", "partner")
EVERYBODY = (*COUPLE, "helper", "basic", "standard", "full", "caterer", "stationer", "planner", "guest")
SCHEDULE = ("standard", "full", "caterer", "planner")
TABLES: dict[str, dict[str, set[str]]] = {
    "weddings": {"r": set(EVERYBODY), "w": set(COUPLE)},
    "memberships": {"r": {*COUPLE, "helper"}, "w": set(COUPLE)},
    "passes": {"r": set(COUPLE), "w": set(COUPLE)},
    "date_history": {"r": set(COUPLE), "w": set(COUPLE)},
    "sites": {"r": set(COUPLE), "w": set(COUPLE)},
    "schedule_items": {"r": {*COUPLE, "helper", *SCHEDULE, "guest"}, "w": {*COUPLE, "planner"}},
    "wedding_days": {"r": set(EVERYBODY), "w": {*COUPLE, "planner"}},
    "day_contacts": {"r": {*COUPLE, "helper", *SCHEDULE}, "w": {*COUPLE, "planner"}},
    "parties": {"r": {*COUPLE, "full", "planner", "stationer", "guest"}, "w": set(COUPLE)},
    "guests": {"r": {*COUPLE, "full", "planner", "stationer", "guest"}, "w": {*COUPLE, "guest"}},
    "guest_contacts": {"r": {*COUPLE, "stationer", "guest"}, "w": {*COUPLE, "guest"}},
    "guest_needs": {"r": {*COUPLE, "caterer", "guest"}, "w": {*COUPLE, "guest"}},
    "rsvps": {"r": {*COUPLE, "full", "planner", "stationer", "guest"}, "w": {*COUPLE, "guest"}},
    "headcounts": {"r": {*COUPLE, *SCHEDULE}, "w": set()},
    "links": {"r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"}, "w": set(COUPLE)},
    "tasks": {
        "r": {*COUPLE, "helper", "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {*COUPLE, "helper", "basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "photo_deliveries": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "payments": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {"basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "payment_checkouts": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": set(COUPLE),
    },
    "payout_accounts": {"r": set(), "w": set()},
    "payment_terms": {"r": set(), "w": set()},
    "payment_movements": {"r": set(), "w": set()},
    "commission_entries": {"r": set(), "w": set()},
    "link_bookings": {"r": {*COUPLE, "standard"}, "w": set()},
    "link_days": {"r": {*COUPLE, "standard"}, "w": set()},
    "clients": {"r": set(), "w": set()},
    "client_imports": {"r": set(), "w": set()},
    "budget_lines": {"r": set(COUPLE), "w": set(COUPLE)},
    "budget_payments": {"r": set(COUPLE), "w": set(COUPLE)},
    "acknowledgements": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "proposals": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "endpoints": {"r": set(COUPLE), "w": set(COUPLE)},
    "rules": {"r": set(COUPLE), "w": set(COUPLE)},
    "subscriptions": {"r": set(COUPLE), "w": set(COUPLE)},
    "connections": {"r": set(COUPLE), "w": set(COUPLE)},
    "connection_accounts": {"r": set(COUPLE), "w": set(COUPLE)},
    "connection_health": {"r": set(COUPLE), "w": set(COUPLE)},
    "connection_log": {"r": set(COUPLE), "w": set()},
    "calendars": {"r": set(COUPLE), "w": set(COUPLE)},
    "calendar_progress": {"r": set(COUPLE), "w": set(COUPLE)},
    "calendar_events": {"r": set(COUPLE), "w": set(COUPLE)},
    "calendar_conflicts": {"r": set(COUPLE), "w": set(COUPLE)},
    "sync_runs": {"r": set(COUPLE), "w": set(COUPLE)},
    "inbox_hooks": {"r": set(COUPLE), "w": set(COUPLE)},
    "feeds": {"r": set(COUPLE), "w": set(COUPLE)},
    "events": {"r": set(EVERYBODY), "w": set()},
    "streams": {"r": set(EVERYBODY), "w": set()},
    "deliveries": {"r": set(COUPLE), "w": set()},
    "access_log": {"r": set(COUPLE), "w": set()},
    "security_events": {"r": set(COUPLE), "w": set()},
}
HOMES = {
    "clients": "supplier_id",
    "client_imports": "supplier_id",
    "payout_accounts": "supplier_id",
    "payment_terms": "supplier_id",
    "payment_movements": "supplier_id",
    "commission_entries": "supplier_id",
    "endpoints": "tenant_id",
    "rules": "tenant_id",
    "subscriptions": "tenant_id",
    "connections": "tenant_id",
    "connection_accounts": "tenant_id",
    "connection_health": "tenant_id",
    "connection_log": "tenant_id",
    "calendars": "tenant_id",
    "calendar_progress": "tenant_id",
    "calendar_events": "tenant_id",
    "calendar_conflicts": "tenant_id",
    "sync_runs": "tenant_id",
    "inbox_hooks": "tenant_id",
    "feeds": "tenant_id",
    "events": "stream_id",
    "streams": "id",
    "deliveries": "tenant_id",
    "access_log": "tenant_id",
    "security_events": "tenant_id",
}
AUDIENCES = (*EVERYBODY, "stranger", "other_couple")


class Cell(msgspec.Struct, frozen=True):
    """What happened: rows read (and how many of another home), rows an update and a delete touched (-1: refused
    altogether), and whether a row could be inserted here and with another home.
    """

    read: int
    strays: int
    wrote: int
    deleted: int
    inserted: bool
    inserted_elsewhere: bool


@asynccontextmanager
async def entered(world: World, audience: str, *, tenant: str) -> AsyncIterator[Tx]:
    """A transaction of one audience in its own wedding, in somebody else's, or nowhere. Raises Refusal."""
    if tenant == "none":
        async with world.door.bare(world.actor("couple")) as tx:
            yield tx
        return
    if audience == "guest":
        async with world.door.enter_pass("rsvp", token_hash(world.passes["rsvp"])) as tx:
            yield tx
        return
    wedding = world.wedding_id if tenant == "own" else world.other_id
    async with world.door.enter(world.actor(audience), wedding) as tx:
        yield tx


class Undo(Exception):  # noqa: N818 - it reads as a sentence where it is raised
    """Ends a transaction whose writes must not stay."""


async def try_cell(world: World, audience: str, table: str, *, tenant: str = "own") -> Cell:
    """Read, update, delete and insert as one audience; nothing stays."""
    home = HOMES.get(table, "wedding_id")
    here = world.wedding_id if tenant != "other" else world.other_id
    counts = f"select count(*), count(*) filter (where {home} <> $1) from {table}"
    read, strays = await _tried(world, audience, tenant, lambda tx: tx.row(counts, here), (0, 0))
    wrote = await _tried(world, audience, tenant, lambda tx: tx.run(f"update {table} set {home} = {home}"), 0)
    deleted = await _tried(world, audience, tenant, lambda tx: tx.run(f"delete from {table}"), 0)
    return Cell(
        read=read,
        strays=strays,
        wrote=wrote,
        deleted=deleted,
        inserted=await _inserts(world, audience, tenant, table, here),
        inserted_elsewhere=await _inserts(
            world, audience, tenant, table, world.other_id if tenant == "own" else world.wedding_id
        ),
    )


async def _tried(
    world: World, audience: str, tenant: str, attempt: Callable[[Tx], Awaitable[Any]], nothing: Any
) -> Any:
    """What an attempt answers; `nothing` where the audience cannot even enter, -1 where the command is refused."""
    done = nothing
    try:
        async with entered(world, audience, tenant=tenant) as tx:
            done = await attempt(tx)
            raise Undo
    except Undo:
        return done
    except Refusal as refusal:
        if refusal.status == 403:
            return nothing if isinstance(nothing, tuple) else -1
        # A constraint spoke: row security had let the command through to rows.
        return nothing if refusal.status == 404 else 1


async def _inserts(world: World, audience: str, tenant: str, table: str, home: UUID) -> bool:
    """Whether row security lets a row of this home in. Constraints are checked after it, so their refusal is a yes."""
    columns, image = world.images.get(table, ([], {}))
    if not columns:
        return False
    wanted = {**image, HOMES.get(table, "wedding_id"): str(home)}
    names = ", ".join(f'"{c}"' for c in columns)
    statement = f"insert into {table} ({names}) select {names} from jsonb_populate_record(null::{table}, $1)"
    return (
        await _tried(world, audience, tenant, lambda tx: tx.run(statement, msgspec.json.encode(wanted).decode()), 0) > 0
    )


def expected(table: str, audience: str) -> tuple[bool, bool]:
    """(may read something, may write something) in its own wedding, by the permission file."""
    return audience in TABLES[table]["r"], audience in TABLES[table]["w"]


async def policies(owner: asyncpg.Connection) -> list[dict[str, Any]]:
    """The policies of the user door on the tables of the permission file."""
    rows = await owner.fetch(
        """select tablename, policyname, cmd, permissive, qual, with_check from pg_policies
        where schemaname = 'public' and roles = '{wedsync_user}' order by 1, 2"""
    )
    return [dict(r) for r in rows if r["tablename"] in TABLES]


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"


def page() -> str:
    """Audiences by verbs, as a page: the permission file for people."""
    lines = [
        "# Who may do what",
        "",
        "Generated from the permission file that the access matrix is proved by. r reads, w writes; of tables with",
        "rows for one link (links, tasks, photo deliveries, payments, acknowledgements, proposals, events) a supplier",
        "reads and writes its own.",
        "",
        "| Table | " + " | ".join(EVERYBODY) + " |",
        "|---|" + "---|" * len(EVERYBODY),
    ]
    for table, verbs in TABLES.items():
        cells = ("".join(v for v in "rw" if audience in verbs[v]) or "–" for audience in EVERYBODY)
        lines.append(f"| {table} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
