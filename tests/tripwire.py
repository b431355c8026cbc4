"""The tripwire of test databases: a transaction whose changed rows and recorded facts differ does not commit.

Every table that facts are about is watched, for the logins of the application only: what a test writes as the
administrator is nobody's action. Each statement notes the ids it changed and the subjects it recorded in a setting of
the transaction, which a savepoint takes back with the rows; one deferred trigger compares the two before commit. It
compares ids, not kinds of change: one fact for a row that was changed twice is enough, and so is an assignment told as
`task.withdrawn` and `task.assigned`.
"""

from collections.abc import Collection, Mapping
from typing import Final

import asyncpg
import msgspec

from wedsync.processes import registry

LOGINS: Final = ("wedsync_user", "wedsync_service")

UNTOLD: Final[Mapping[str, str]] = {
    "persons": "a login, made before it belongs to anything; its name is shown from there",
    "sign_ins": "one use each, forgotten after a month; a link is a delivery, never a fact",
    "api_keys": "a credential: made and revoked by its owner, shown nowhere else",
    "kept_answers": "what repeats of a request are answered with; a day long, for the caller alone",
    "preferences": "read when a notice is sent; no page but their own shows them",
    "wedding_choices": "read when a notice is sent; only the couple's own page shows them",
    "reaches": "when somebody was told lately; asked only while it is decided what they are told next",
    "decisions": "why somebody was told, as they ask for it; that they were told is notice.added",
    "held_notices": "what somebody is told later; that it was put into their inbox is told, and so is the digest",
    "date_history": "the same change is told as wedding.date_changed",
    "alert_calls": "who was called and what they said, told as alert.escalated and alert.acknowledged",
    "passes": "a credential; what it opens (a party invited, a helper added) is told",
    "feeds": "a credential; what it shows is told by the nouns that change",
    "mail_consents": "a ledger, asked before mails that offer something; nobody's page shows it",
    "mail_suppressions": "whom nobody writes to; the invitations that end because of it are told",
    "mail_events": "what a provider said of a mail; what follows for an invitation is told of it",
    "mail_statuses": "what is known of mails that left, counted for the operator",
    "phone_consents": "a ledger beside the phone, whose changes are told; only its person reads it",
    "phone_stops": "numbers that want nothing; the phones that change because of it are told",
    "phone_messages": "how far a text came; what was answered is told by what it answers",
    "phone_hooks": "what the provider said, once each; what comes of it is told by the phone or by what was answered",
    "wordings": "what an operator wrote for notices, of no wedding; the operator's page lists it",
    "freezes": "the platform's own plan, of no wedding; the operator asks for it",
    "freeze_rules": "what the database needs of the operator's settings; shown to nobody",
    "platform_modes": "an operator's word, of no wedding; weddings that are near are told by mode_notes",
    "freeze_overrides": "two operators' word, of no wedding; the operator's page lists it",
    "opening_looks": "what an operator looked at; the couple's page lists each, beside who asked and why",
    "health_series": "counts of the platform, of no tenant; written by the clock and by processes that live",
    "health_marks": "up to when was counted",
    "health_parts": "how the platform is judged; the operator asks for it",
    "health_changes": "what of the platform failed and came back; the operator asks for it",
    "process_beats": "that a process lives; forgotten after an hour, the last of its kind after a week",
    "delivery_days": "counts of a tenant's tries, as its report asks for them; each of them is told in the ledger",
    "alert_rules": "an operator's word; the operator's page lists it",
    "platform_alerts": "what is wrong with the platform; the operators are mailed and their page lists it",
    "alert_silences": "an operator's word; the operator's page lists it",
    "operator_acts": "what an operator did; the operator's page lists it, and whom it concerns reads it in a log",
    "announcements": "what operators tell everybody; the public page shows it",
    "table_sizes": "how large tables were, of no wedding; written by the clock",
    "migration_requests": "what an operator asked the clock for; the operator's page lists it",
    "preflights": "what was found before a weekend, in counts; the operators are mailed and their page lists it",
    "day_watches": "when the clock looks at a wedding day next; what it finds is told of arrivals and of packs",
    "joins": "who brought whom; that they came is told by the wedding and by its link",
    "notes": "not written by anything yet",
    "activity_reads": "how far a person has read; it has no id, and only their own number of news depends on it",
    "inbox_hooks": "what arrived, as its owner asks for it; what it changes is told by the noun that changes",
    "booking_details": "sealed words of a booking, told as booking.changed without them",
    "busy_times": "times of another calendar, told with their stretches as busy_source.refreshed",
    "connection_accounts": "sealed credentials; what becomes of the account is told of its connection",
    "connection_consents": "somebody on the way to a provider and back; ten minutes, shown to nobody",
    "connection_health": "counts of the account's traffic; what follows from them is told as connection.changed",
    "connection_log": "what was said between us and a provider, as its owner asks for it",
    "calendar_progress": "how far the sync of a calendar has come; what people choose is told as calendar.changed",
    "calendar_events": "what a calendar holds, sealed; what comes of it here is told by bookings and the schedule",
    "record_progress": "how far the sync of a CRM has come; what people choose is told as record_book.changed",
    "record_items": "what a CRM holds of a client, sealed; what comes of it here is told by clients",
    "record_spaces": "which space of a venue's own system is which of ours; what comes of it is told of the space",
    "record_galleries": "what a CRM told of a gallery, sealed; what comes of it is told by photo deliveries",
    "record_documents": "what a CRM told of a job, sealed; what comes of it here is told by clients",
    "record_runs": "a log of the sync, as its owner asks for it",
    "marketing_progress": "how far a list is kept in step; what people choose is told as marketing_audience.changed",
    "marketing_members": "what was sent of a client, sealed; that they agreed or withdrew is told as marketing_consent",
    "marketing_triggers": "what a milestone begins at a provider, as its owner asks for it",
    "marketing_milestones": "what a milestone became for a supplier's list; that it was reached is told by the wedding",
    "marketing_templates": "which letter is which at a provider, as its owner asks for it",
    "marketing_campaigns": "numbers of a provider, as their owner asks for them",
    "chat_messages": "what a message in a chat program says; that a matter changed is told by the noun that changed",
    "sync_runs": "a log of the sync, as its owner asks for it",
    "usage_days": "counts of calls and messages; that they come near a limit is told as limit.neared",
    "payment_checkouts": "a provider's pages, open for half an hour; what was paid there is told of the payment",
    "payout_accounts": "which account a supplier is paid into: told as connection.connected and its end",
    "payment_terms": "what we keep of a payment, decided as payment.requested is told; only its supplier's",
    "payment_movements": "what a provider said, as it said it; what comes of it is told of the payment",
    "commission_entries": "our ledger with one supplier, which it asks for; no page of a wedding shows it",
    "form_drafts": "what is typed and not sent; that it was begun, and sent, is told of what was asked",
    "task_photos": "a photograph of a task, told as task.photo_added; it is read at the task and in no image",
    "schedule_dependencies": "an edge without an id; what moves with it is told as schedule_item.rippled",
}
"""Tables of nouns that no type of fact is about, and why none is needed."""

SPINE: Final = frozenset(
    {
        *("streams", "event_types", "reaction_types", "events", "destinations", "subscriptions", "heads", "deliveries"),
        *("jobs", "attempts", "socket_positions", "security_events", "access_log", "lane_turns", "dead_jobs", "hosts"),
        *("clock_setting", "schema_migrations", "plans", "plan_limits", "plan_default", "usage_writers"),
        *("integrity_checks",),
    }
)
"""Tables that carry facts, or are not of the nouns."""


class Silent(msgspec.Struct, frozen=True):
    """A change of a watched table that is no fact: `ops` wholly, `early` ones before the transaction has entered a
    tenant, updates of nothing but `columns`, and whatever other logins than `logins` do."""

    why: str
    ops: Collection[str] = ()
    early: Collection[str] = ()
    columns: Collection[str] = ()
    logins: Collection[str] = LOGINS


SILENT: Final[Mapping[str, Silent]] = {
    "sessions": Silent(
        why="signing in is an entry of security_events; only its end must reach open sockets",
        ops=("insert", "delete"),
        columns=("last_seen_at", "expires_at"),
    ),
    "phones": Silent(
        why="a code and how often it was tried are in no image and nobody's news",
        columns=("code_hash", "code_expires_at", "code_tries", "version", "updated_at"),
    ),
    "imports": Silent(
        why="what is sealed is in no image; retention takes it away and leaves what the image says",
        columns=("plan", "undo", "version", "updated_at"),
    ),
    "client_imports": Silent(
        why="a file somebody is looking at is nobody's news before it is brought in; what is sealed is in no image",
        ops=("insert",),
        columns=("source", "rows", "rejected", "plan", "undo", "version", "updated_at"),
    ),
    "digests": Silent(why="what was told long ago is forgotten", ops=("delete",)),
    "limit_notices": Silent(
        why="that there is room again, or that a month is over, is nothing to tell",
        ops=("delete",),
    ),
    "busy_sources": Silent(
        why="a calendar that was heard of again and says the same is no news",
        columns=("refreshed_at", "version", "updated_at"),
    ),
    "mail_providers": Silent(
        why="each worker names its chain and notes what it sees; that a provider fails or is back is told",
        ops=("insert",),
        columns=(
            *("position", "health", "reason", "succeeded_at", "failed_at", "probed_at", "took_ms"),
            *("version", "updated_at"),
        ),
    ),
    "invitations": Silent(
        why="when a mail may leave is looked at again; that it left is told",
        columns=("next_at", "version", "updated_at"),
    ),
    "openings": Silent(
        why="that one is asked for, approved, ended is on the couple's page and an event of security; it is told once",
        ops=("insert",),
        columns=("approved_by", "approved_at", "expires_at", "ended_by", "ended_at"),
    ),
    "memberships": Silent(
        why="the couple's own comes with the wedding and is told by wedding.created", early=("insert",)
    ),
}

_FUNCTIONS: Final = """
create schema tripwire;
grant usage on schema tripwire to public;

-- One row a transaction that wrote; its deferred trigger is the end of the transaction.
create unlogged table tripwire.writers (at timestamptz not null default clock_timestamp());
grant insert on tripwire.writers to public;

create function tripwire.keep(p_setting text, p_rows text) returns void
language plpgsql set search_path = '' as $$
begin
  if p_rows is null then return; end if;
  perform set_config(p_setting, coalesce(current_setting(p_setting, true), '') || p_rows, true);
  if coalesce(current_setting('tripwire.armed', true), '') = '' then
    perform set_config('tripwire.armed', 'yes', true);
    insert into tripwire.writers default values;
  end if;
end $$;

create function tripwire.note_rows() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform tripwire.keep('tripwire.changed', (select string_agg(tg_table_name || ':' || r.id || ' ', '') from rows r));
  return null;
end $$;

-- The arguments are columns that may change in silence; a fact may be told of them all the same.
create function tripwire.note_updates() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform tripwire.keep(x.setting, string_agg(tg_table_name || ':' || x.id || ' ', ''))
    from (select r.id, case when to_jsonb(r) - tg_argv::text[] <> to_jsonb(o) - tg_argv::text[] then 'tripwire.changed'
        else 'tripwire.silent' end as setting
      from rows r join was o on o.id = r.id) x group by x.setting;
  return null;
end $$;

-- The arguments are facts that nothing changes in the same transaction, as table:OP.
create function tripwire.note_facts() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform tripwire.keep('tripwire.told', (select string_agg(r.subject_table || ':' || r.subject_id || ' ', '')
    from rows r where r.subject_table || ':' || r.op <> all (tg_argv::text[])));
  return null;
end $$;

create function tripwire.rows_in(p_setting text) returns setof text
language sql stable set search_path = '' as
$$ select string_to_table(rtrim(current_setting(p_setting, true)), ' ') $$;

create function tripwire.compare() returns trigger
language plpgsql set search_path = '' as $$
declare
  v_wrong text;
begin
  select string_agg(x.line, '; ') into v_wrong from (
    select 'changed without a fact: ' || c.row as line
      from (select tripwire.rows_in('tripwire.changed') except select tripwire.rows_in('tripwire.told')) as c(row)
    union all
    select 'a fact without a change: ' || t.row
      from (select tripwire.rows_in('tripwire.told') except select tripwire.rows_in('tripwire.changed')
        except select tripwire.rows_in('tripwire.silent')) as t(row)
    limit 10) x;
  if v_wrong is not null then raise exception 'tripwire: %', v_wrong; end if;
  return null;
end $$;

create constraint trigger compare after insert on tripwire.writers deferrable initially deferred
  for each row execute function tripwire.compare();
"""


async def lay(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Install it in a database, as the administrator."""
    await connection.execute(_FUNCTIONS)
    for table in sorted(watched()):
        for op in ("insert", "update", "delete"):
            if op not in SILENT.get(table, Silent("")).ops:
                await connection.execute(_watch(table, op))
    unseen = [f"{table}:{op.upper()}" for table, silent in SILENT.items() for op in silent.ops]
    await connection.execute(_trigger("events", "insert", _by(LOGINS), "new table as rows", "note_facts", unseen))


def watched() -> set[str]:
    """Tables that facts are about."""
    return {kind.table for kind in registry.catalogue().types.values()}


def _watch(table: str, op: str) -> str:
    silent = SILENT.get(table, Silent(""))
    when = _by(silent.logins) + (" and app.tenant() is not null" if op in silent.early else "")
    if op == "update" and silent.columns:
        return _trigger(table, op, when, "old table as was new table as rows", "note_updates", silent.columns)
    return _trigger(table, op, when, f"{'old' if op == 'delete' else 'new'} table as rows", "note_rows")


def _by(logins: Collection[str]) -> str:
    return f"session_user in ({_quoted(logins)})"


def _quoted(words: Collection[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _trigger(table: str, op: str, when: str, tables: str, function: str, arguments: Collection[str] = ()) -> str:
    return (
        f"create trigger tripwire_{op} after {op} on public.{table} referencing {tables} for each statement"
        f" when ({when}) execute function tripwire.{function}({_quoted(arguments)})"
    )
