"""The permission file: what each audience may do to each table, and how to try it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
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

# r read, w write (insert or update or delete, whichever the table takes), a append alone; o only rows of their own.
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
    "task_photos": {
        "r": {*COUPLE, "helper", "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {*COUPLE, "helper", "basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "photo_deliveries": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "amendments": {"r": {*COUPLE, "helper", *SCHEDULE}, "w": set(), "a": {*COUPLE, "planner"}},
    "arrivals": {"r": {*COUPLE, "helper", *SCHEDULE}, "w": {*COUPLE, "standard", "planner"}},
    "item_marks": {"r": {*COUPLE, "helper", *SCHEDULE}, "w": {*COUPLE, "helper", *SCHEDULE}},
    "day_packs": {"r": {*COUPLE, "standard"}, "w": set()},
    "held_changes": {"r": set(COUPLE), "w": set(COUPLE)},
    "space_uses": {"r": {*COUPLE, *SCHEDULE}, "w": set(SCHEDULE)},
    "alerts": {"r": {*COUPLE, "helper", *SCHEDULE}, "w": {*COUPLE, "helper", *SCHEDULE}},
    "alert_calls": {"r": {*COUPLE, "helper", *SCHEDULE}, "w": {"couple"}},
    "duties": {"r": {*COUPLE, "helper", *SCHEDULE}, "w": set(COUPLE)},
    "payments": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {"basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "messages": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {"basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "payment_checkouts": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": set(COUPLE),
    },
    "enrolments": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {"basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "journey_runs": {"r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"}, "w": set()},
    "milestones": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {"basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "marketing_stops": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {"couple"},
    },
    "link_bookings": {"r": {*COUPLE, "standard"}, "w": set()},
    "link_days": {"r": {*COUPLE, "standard"}, "w": set()},
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
    "form_requests": {
        "r": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
        "w": {*COUPLE, "basic", "standard", "full", "caterer", "stationer", "planner"},
    },
    "form_drafts": {"r": set(COUPLE), "w": set(COUPLE)},
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
    "chats": {"r": set(COUPLE), "w": set(COUPLE)},
    "chat_messages": {"r": set(COUPLE), "w": set(COUPLE)},
    "inbox_hooks": {"r": set(COUPLE), "w": set(COUPLE)},
    "feeds": {"r": set(COUPLE), "w": set(COUPLE)},
    "delivery_days": {"r": set(COUPLE), "w": set()},
    "events": {"r": set(EVERYBODY), "w": set()},
    "streams": {"r": set(EVERYBODY), "w": set()},
    "deliveries": {"r": set(COUPLE), "w": set()},
    "access_log": {"r": set(COUPLE), "w": set()},
    "security_events": {"r": set(COUPLE), "w": set()},
    "wedding_choices": {"r": set(COUPLE), "w": set(COUPLE)},
    "activity_reads": {"r": {"couple"}, "w": {"couple"}},
    "dietary_sheets": {"r": {*COUPLE, "caterer"}, "w": set(COUPLE)},
    "headcount_locks": {"r": {*COUPLE, *SCHEDULE}, "w": set(COUPLE)},
    "imports": {"r": set(COUPLE), "w": set(COUPLE)},
    "joins": {"r": set(COUPLE), "w": set()},
    "menu_options": {"r": {*COUPLE, *SCHEDULE, "stationer", "guest"}, "w": set(COUPLE)},
    "notes": {"r": set(COUPLE), "w": set(COUPLE)},
    "schedule_dependencies": {"r": {*COUPLE, "helper", *SCHEDULE}, "w": {*COUPLE, "planner"}},
}
# The same in a business: its own people, and who has no place there (another's owner, the couple it works for).
STAFF = ("owner", "admin", "member", "other_owner", "their_couple")
LEAD = {"owner", "admin"}
TEAM = {*LEAD, "member"}
BUSINESS: dict[str, dict[str, set[str]]] = {
    "suppliers": {"r": TEAM, "w": LEAD},
    "supplier_members": {"r": TEAM, "w": LEAD},
    "assignments": {"r": TEAM, "w": LEAD},
    "supplier_index": {"r": TEAM, "w": set()},
    "resources": {"r": TEAM, "w": LEAD},
    "booking_settings": {"r": TEAM, "w": LEAD},
    "bookings": {"r": TEAM, "w": LEAD},
    "booking_details": {"r": TEAM, "w": LEAD},
    "booking_conflicts": {"r": TEAM, "w": LEAD},
    "busy_sources": {"r": TEAM, "w": LEAD},
    "busy_times": {"r": TEAM, "w": LEAD},
    "availability_days": {"r": TEAM, "w": set()},
    "clients": {"r": TEAM, "w": LEAD},
    "client_imports": {"r": LEAD, "w": LEAD},
    "endpoints": {"r": LEAD, "w": LEAD},
    "subscriptions": {"r": LEAD, "w": LEAD},
    "rules": {"r": LEAD, "w": LEAD},
    "connections": {"r": TEAM, "w": LEAD},
    "connection_accounts": {"r": LEAD, "w": LEAD},
    "connection_health": {"r": TEAM, "w": LEAD},
    "connection_log": {"r": LEAD, "w": set()},
    "calendars": {"r": LEAD, "w": LEAD},
    "calendar_progress": {"r": LEAD, "w": LEAD},
    "calendar_events": {"r": LEAD, "w": LEAD},
    "calendar_conflicts": {"r": LEAD, "w": LEAD},
    "sync_runs": {"r": LEAD, "w": LEAD},
    "chats": {"r": TEAM, "w": LEAD},
    "chat_messages": {"r": LEAD, "w": LEAD},
    "inbox_hooks": {"r": LEAD, "w": LEAD},
    "record_books": {"r": LEAD, "w": LEAD},
    "record_progress": {"r": LEAD, "w": LEAD},
    "record_items": {"r": LEAD, "w": LEAD},
    "record_spaces": {"r": LEAD, "w": LEAD},
    "record_maps": {"r": LEAD, "w": LEAD},
    "record_documents": {"r": LEAD, "w": LEAD},
    "record_galleries": {"r": LEAD, "w": LEAD},
    "record_messages": {"r": LEAD, "w": LEAD},
    "record_conflicts": {"r": LEAD, "w": LEAD},
    "record_runs": {"r": LEAD, "w": LEAD},
    "marketing_consents": {"r": LEAD, "w": set()},
    "marketing_audiences": {"r": LEAD, "w": LEAD},
    "marketing_progress": {"r": LEAD, "w": LEAD},
    "marketing_members": {"r": LEAD, "w": LEAD},
    "marketing_triggers": {"r": LEAD, "w": LEAD},
    "marketing_templates": {"r": LEAD, "w": LEAD},
    "marketing_campaigns": {"r": LEAD, "w": LEAD},
    "marketing_milestones": {"r": LEAD, "w": set()},
    "supplier_plans": {"r": LEAD, "w": set()},
    "limit_notices": {"r": LEAD, "w": set()},
    "usage_days": {"r": LEAD, "w": set()},
    "delivery_days": {"r": LEAD, "w": set()},
    "listings": {"r": TEAM, "w": LEAD},
    "spaces": {"r": TEAM, "w": LEAD},
    "forms": {"r": TEAM, "w": LEAD},
    "payout_accounts": {"r": LEAD, "w": set()},
    "payment_terms": {"r": LEAD, "w": set()},
    "payment_movements": {"r": LEAD, "w": set()},
    "commission_entries": {"r": LEAD, "w": set()},
    "invitations": {"r": TEAM, "w": LEAD},
    "journeys": {"r": TEAM, "w": LEAD},
    "invitation_styles": {"r": TEAM, "w": LEAD},
    "enquiries": {"r": TEAM, "w": LEAD},
    "onboardings": {"r": TEAM, "w": LEAD},
    "feeds": {"r": TEAM, "w": TEAM},
    "events": {"r": TEAM, "w": set()},
    "streams": {"r": TEAM, "w": set()},
}
# What belongs to one person, and what no audience reads but through a function; each has tests of its own.
OF_A_PERSON = {
    *("persons", "sessions", "sign_ins", "api_keys", "inbox", "inbox_counts", "preferences", "kept_answers"),
    *("reaches", "decisions", "held_notices", "digests", "phones", "phone_consents"),
}
READ_BY_FUNCTIONS = {
    *("attempts", "destinations", "connection_consents", "day_watches"),
    *("mail_suppressions", "mail_providers", "mail_events", "mail_statuses"),
    *("phone_stops", "phone_messages", "phone_hooks"),
    *("freezes", "freeze_rules", "freeze_overrides", "migration_requests", "table_sizes"),
    *("wordings", "mail_consents"),
    *("health_series", "health_marks", "health_parts", "health_changes", "process_beats"),
    *("alert_rules", "platform_alerts", "alert_silences"),
}
HOMES = {
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
    "record_books": "tenant_id",
    "record_progress": "tenant_id",
    "record_items": "tenant_id",
    "record_spaces": "tenant_id",
    "record_maps": "tenant_id",
    "record_documents": "tenant_id",
    "record_galleries": "tenant_id",
    "record_messages": "tenant_id",
    "record_conflicts": "tenant_id",
    "record_runs": "tenant_id",
    "marketing_audiences": "tenant_id",
    "marketing_progress": "tenant_id",
    "marketing_members": "tenant_id",
    "marketing_triggers": "tenant_id",
    "marketing_templates": "tenant_id",
    "marketing_campaigns": "tenant_id",
    "marketing_milestones": "tenant_id",
    "chats": "tenant_id",
    "chat_messages": "tenant_id",
    "inbox_hooks": "tenant_id",
    "feeds": "tenant_id",
    "delivery_days": "tenant_id",
    "events": "stream_id",
    "streams": "id",
    "deliveries": "tenant_id",
    "access_log": "tenant_id",
    "security_events": "tenant_id",
}
AUDIENCES = (*EVERYBODY, "stranger", "other_couple")


class Image(msgspec.Struct, frozen=True):
    """A row of a table and its writable columns, to try inserts with; `touched` is a column that updates may name."""

    columns: list[str]
    row: dict[str, Any]
    touched: str


Images = dict[str, Image]


class Ground(msgspec.Struct, frozen=True):
    """A world, and an image of each table."""

    world: World
    images: Images


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
async def entered(ground: Ground, audience: str, *, tenant: str) -> AsyncIterator[Tx]:
    """A transaction of one audience in its own wedding, in somebody else's, or nowhere. Raises Refusal."""
    if tenant == "none":
        async with ground.world.door.bare(ground.world.actor("couple")) as tx:
            yield tx
        return
    if audience == "guest":
        async with ground.world.door.enter_pass("rsvp", token_hash(ground.world.passes["rsvp"])) as tx:
            yield tx
        return
    own, other = homes(ground, audience)
    async with ground.world.door.enter(ground.world.actor(audience), own if tenant == "own" else other) as tx:
        yield tx


def homes(ground: Ground, audience: str) -> tuple[UUID, UUID]:
    """(the wedding or business it acts in, another one)."""
    if audience in STAFF:
        return ground.world.businesses["standard"], ground.world.businesses["twin"]
    return ground.world.wedding_id, ground.world.other_id


class Undo(Exception):  # noqa: N818 - it reads as a sentence where it is raised
    """Ends a transaction whose writes must not stay."""


async def try_cell(ground: Ground, audience: str, table: str, *, tenant: str = "own") -> Cell:
    """Read, update, delete and insert as one audience; nothing stays."""
    home = home_of(table)
    own, other = homes(ground, audience)
    touch = f'update {table} set "{{0}}" = "{{0}}"'.format(ground.images[table].touched)
    here, elsewhere = (own, other) if tenant != "other" else (other, own)
    counts = f"select count(*), count(*) filter (where {home} <> $1) from {table}"
    read, strays = await _tried(ground, audience, tenant, lambda tx: tx.row(counts, here), (0, 0))
    wrote = await _tried(ground, audience, tenant, lambda tx: tx.run(touch), 0)
    deleted = await _tried(ground, audience, tenant, lambda tx: tx.run(f"delete from {table}"), 0)
    return Cell(
        read=read,
        strays=strays,
        wrote=wrote,
        deleted=deleted,
        inserted=await _inserts(ground, audience, tenant, table, here),
        inserted_elsewhere=await _inserts(ground, audience, tenant, table, elsewhere),
    )


async def _tried(
    ground: Ground, audience: str, tenant: str, attempt: Callable[[Tx], Awaitable[Any]], nothing: Any
) -> Any:
    """What an attempt answers; `nothing` where the audience cannot even enter, -1 where the command is refused."""
    done = nothing
    try:
        async with entered(ground, audience, tenant=tenant) as tx:
            done = await attempt(tx)
            raise Undo
    except Undo:
        return done
    except Refusal as refusal:
        if refusal.status == 403:
            return nothing if isinstance(nothing, tuple) else -1
        # A constraint spoke: row security had let the command through to rows.
        return nothing if refusal.status == 404 else 1


async def _inserts(ground: Ground, audience: str, tenant: str, table: str, home: UUID) -> bool:
    """Whether row security lets a row of this home in. Constraints are checked after it, so their refusal is a yes."""
    image = ground.images[table]
    wanted = {**image.row, home_of(table): str(home)}
    names = ", ".join(f'"{c}"' for c in image.columns)
    statement = f"insert into {table} ({names}) select {names} from jsonb_populate_record(null::{table}, $1)"
    return (
        await _tried(ground, audience, tenant, lambda tx: tx.run(statement, msgspec.json.encode(wanted).decode()), 0)
        > 0
    )


def home_of(table: str) -> str:
    """The column that says whose a row is."""
    return HOMES.get(table, "wedding_id" if table in TABLES else "supplier_id")


def places() -> list[tuple[str, str]]:
    """Every (table, audience) of the permission file."""
    return [
        *((table, audience) for table in TABLES for audience in AUDIENCES),
        *((table, audience) for table in BUSINESS for audience in STAFF),
    ]


def expected(table: str, audience: str) -> tuple[bool, bool]:
    """(may read something, may write something) in its own wedding or business, by the permission file."""
    verbs = (BUSINESS if audience in STAFF else TABLES)[table]
    return audience in verbs["r"], audience in verbs["w"]


def appends(table: str, audience: str) -> bool:
    """May put rows in that nobody changes afterwards."""
    return table in TABLES and audience in TABLES[table].get("a", set())


async def policies(owner: asyncpg.Connection, table: str) -> list[dict[str, Any]]:
    """The policies of the user door on one table."""
    rows = await owner.fetch(
        """select tablename, policyname, cmd, permissive, qual, with_check from pg_policies
        where schemaname = 'public' and roles = '{wedsync_user}' and tablename = $1 order by policyname""",
        table,
    )
    return [dict(row) for row in rows]


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"


def page() -> str:
    """Audiences by verbs, as a page: the permission file for people."""
    staff = [who for who in STAFF if who in TEAM]
    lines = [
        "# Who may do what",
        "",
        "Generated from the permission file that the access matrix is proved by. r reads, w writes, a appends what",
        "nobody changes; of tables with rows for one link a supplier reads and writes its own.",
        "",
        *_table(TABLES, EVERYBODY),
        "",
        "## Within a business",
        "",
        "Nobody else reads or writes any of it, the couples it works for included. A member reads the details of",
        "bookings, and the weddings, that they are assigned to.",
        "",
        *_table(BUSINESS, staff),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: dict[str, dict[str, set[str]]], audiences: Sequence[str]) -> Iterator[str]:
    yield "| Table | " + " | ".join(audiences) + " |"
    yield "|---|" + "---|" * len(audiences)
    for table, verbs in rows.items():
        cells = ("".join(v for v in "rwa" if audience in verbs.get(v, set())) or "–" for audience in audiences)
        yield f"| {table} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page())
