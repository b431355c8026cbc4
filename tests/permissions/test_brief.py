"""Schema brief shows a reporter alone what was done, and nothing by which a person could be known."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from tests.engines_fixture import Database, RunningPostgres, copied
from wedsync.processes.migrate import database_files
from wedsync.processes.reference_surface import tables_page

SECRET = "Ottilie-7f3a"
"""In every text that somebody could have written; no view may show it."""
FILL = f"""
insert into streams (id, kind) values ($1, 'wedding'), ($2, 'supplier');
insert into weddings (wedding_id, couple_names, time_zone, date_status, "on")
  values ($1, '{SECRET}', 'Europe/London', 'confirmed', current_date);
insert into suppliers (supplier_id, name, category) values ($2, '{SECRET}', 'photographer');
insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
  values ($1, current_date, 'Europe/London', now() - interval '1 hour', now() + interval '8 hours');
insert into amendments (wedding_id, number, kind, title, reason, author_name, made_at)
  values ($1, 1, 'announce', '{SECRET}', '{SECRET}', '{SECRET}', now());
insert into alerts (wedding_id, kind, what, place, raised_name, sealed, state, began_at, next_at, raised_at)
  values ($1, 'emergency', 'medical', '{SECRET}', '{SECRET}', 'x', 'triggered', now(), now(), now());
insert into events (stream_id, seq, id, epoch, type, scope, subject_table, subject_id, op, record,
    actor_kind, cause, occurred_at)
  values ($1, 1, uuidv7(), 1, 'guest.added', 16, 'guests', uuidv7(), 'INSERT', '{{"name": "{SECRET}"}}',
    'person', uuidv7(), now());
insert into connections (id, tenant_id, connector, title, scheme, sealed, state, state_reason)
  values ($3, $2, 'tave', '{SECRET}', 'account', 'x', 'degraded', '{SECRET}');
insert into connection_accounts (connection_id, tenant_id, expires_at) values ($3, $2, now());
insert into connection_health (connection_id, tenant_id, reason) values ($3, $2, '{SECRET}');
insert into calendars (id, tenant_id, connection_id, remote_key, sealed, is_writable, direction)
  values ($4, $2, $3, 'k', '{SECRET}', true, 'both');
insert into calendar_progress (calendar_id, tenant_id, outcome, reason) values ($4, $2, 'failed', '{SECRET}');
insert into calendar_conflicts (tenant_id, calendar_id, kind, about, sealed, since)
  values ($2, $4, 'changed', '{SECRET}', '{SECRET}', now());
insert into sync_runs (tenant_id, calendar_id, began_at, outcome, reason) values ($2, $4, now(), 'failed', '{SECRET}');
insert into record_books (id, tenant_id, direction) values ($3, $2, 'both');
insert into record_progress (book_id, tenant_id, outcome, reason, hints)
  values ($3, $2, 'failed', '{SECRET}', '{{{SECRET}}}');
insert into record_maps (tenant_id, book_id, version, rules) values ($2, $3, 1, '{{"{SECRET}": "x"}}');
insert into record_conflicts (tenant_id, book_id, kind, about, sealed, since)
  values ($2, $3, 'changed', '{SECRET}', '{SECRET}', now());
insert into record_runs (tenant_id, book_id, began_at, outcome, reason) values ($2, $3, now(), 'failed', '{SECRET}');
insert into mail_providers (name, position, reason) values ('resend', 1, '{SECRET}');
insert into endpoints (id, tenant_id, url, description, secret_sealed, header_names)
  values ($5, $1, 'https://user:{SECRET}@hooks.example.org:8443/{SECRET}?key={SECRET}', '{SECRET}', 'x',
    '{{{SECRET}}}');
insert into deliveries (id, made_at, tenant_id, connector, destination_id, type, lane, state, reason, sealed)
  values ($6, now(), $1, 'webhook', $5, 'guest.added', 1, 'deferred', '{SECRET}', '{SECRET}'),
    ($7, now(), $1, 'mail', $5, 'platform.alerted', 1, 'delivered', '{SECRET}', '{SECRET}');
insert into attempts (delivery_id, tenant_id, number, outcome, status, detail, response_head, address, started_at)
  values ($6, $1, 1, 'retry_later', 503, '{SECRET}', '{SECRET}', '{SECRET}', now());
insert into mail_statuses (delivery_id, tenant_id, provider, status, rank, at)
  values ($7, $1, 'resend', 'delivered', 3, now());
insert into health_series (step_s, at, kind, name, good) values (60, now(), 'edge', 'web', 7);
insert into health_parts (part, status, says, since, judged_at) values ('clock', 'good', '{SECRET}', now(), now());
insert into integrity_checks (name, took_ms, found) values ('log', 3, 0);
"""
SHOWS: dict[str, dict[str, Any]] = {
    "sync_logs": {"event_type": "guest.added", "entity_type": "guests", "operation": "INSERT", "home_kind": "wedding"},
    "sync_conflicts": {"source": "calendar", "kind": "changed", "status": "open"},
    "calendar_connections": {"provider": "tave", "direction": "both", "last_outcome": "failed", "status": "degraded"},
    "crm_connections": {"provider": "tave", "direction": "both", "last_outcome": "failed"},
    "integration_sync_logs": {"source": "crm", "outcome": "failed", "provider": "tave"},
    "field_mappings": {"version": 1, "fields": 1, "is_current": True},
    "email_provider_health": {"provider": "resend", "place": 1, "is_down": False},
    "email_delivery_logs": {"notice_type": "platform.alerted", "provider_status": "delivered", "provider": "resend"},
    "webhook_delivery_logs": {"event_type": "guest.added", "outcome": "retry_later", "http_status": 503, "attempt": 1},
    "webhook_endpoints": {"host": "hooks.example.org", "status": "active", "authentication": "none"},
    "wedding_day_protocols": {"is_live": True, "amendments": 1, "emergencies": 1, "emergencies_open": 1},
    "performance_metrics": {"kind": "edge", "name": "web", "good": 7},
    "health_checks": {"source": "part", "name": "clock", "status": "good"},
}
DOORS = ("user", "reader", "service")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    async with copied(postgres, f"wedsync_{worker}_brief") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reporter(own: Database, postgres: RunningPostgres) -> AsyncIterator[asyncpg.Connection]:
    """Somebody in wedsync_reporter, in a database where every text is a secret."""
    ids = [uuid4() for _ in range(7)]
    connection = await asyncpg.connect(postgres.admin_url, database=own.name)
    await connection.execute(re.sub(r"\$(\d)", lambda found: f"'{ids[int(found[1]) - 1]}'::uuid", FILL))
    await connection.execute("set role wedsync_reporter")
    yield connection
    await connection.close()


@pytest.mark.parametrize("view", SHOWS)
async def test_a_view_shows_what_was_done_and_no_word_of_anybody(reporter: asyncpg.Connection, view: str) -> None:
    rows = [dict(row) for row in await reporter.fetch(f"select * from brief.{view}")]
    assert [row for row in rows if SHOWS[view].items() <= row.items()], rows
    assert SECRET not in repr(rows)
    assert not any(isinstance(value, bytes) for row in rows for value in row.values())


async def test_a_reporter_reads_the_thirteen_and_nothing_else(reporter: asyncpg.Connection) -> None:
    readable = await reporter.fetch(
        """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname not in ('pg_catalog', 'information_schema', 'tripwire') and c.relkind in ('r', 'p', 'v', 'm')
          and has_any_column_privilege('wedsync_reporter', c.oid, 'select, insert, update')"""
    )
    assert {(row["nspname"], row["relname"]) for row in readable} == {("brief", name) for name in SHOWS}
    for statement in ("select * from public.persons", "delete from brief.webhook_endpoints", "select app.operators()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reporter.execute(statement)


async def test_no_door_that_answers_requests_reads_it(own: Database) -> None:
    for door in DOORS:
        connection = await asyncpg.connect(getattr(own, door))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from brief.webhook_endpoints")
        await connection.close()


async def test_a_filter_of_the_reporters_sees_only_what_the_view_shows(reporter: asyncpg.Connection) -> None:
    """A function of theirs in a filter is asked after the view's own conditions, or it would be shown other rows."""
    options = await reporter.fetch(
        "select relname, reloptions from pg_class where relnamespace = 'brief'::regnamespace and relkind = 'v'"
    )
    assert [row["relname"] for row in options if "security_barrier=true" not in (row["reloptions"] or [])] == []


async def test_the_reference_names_every_column(reporter: asyncpg.Connection) -> None:
    page = tables_page()
    rows = await reporter.fetch(
        """select table_name, array_agg(column_name::text order by ordinal_position) as columns
        from information_schema.columns where table_schema = 'brief' group by table_name"""
    )
    assert {row["table_name"] for row in rows} == set(SHOWS)
    for row in rows:
        section = page.partition(f"## brief.{row['table_name']}\n")[2].partition("\n## ")[0]
        assert section.strip().splitlines()[-1] == ", ".join(f"`{name}`" for name in row["columns"]), row["table_name"]


def test_what_is_shown_is_written_down_once() -> None:
    text = (database_files("schema") / "91_brief.sql").read_text()
    assert len(re.findall(r"^create view brief\.", text, re.MULTILINE)) == len(SHOWS) == 13
