-- Calendars of connected accounts: which are kept in step and how, what both sides last agreed on of each event, what people must decide.
set role wedsync_owner;

create table public.calendars (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  connection_id uuid not null,
  remote_key bytea not null,
  sealed bytea not null,
  zone text not null default 'UTC' check (length(zone) <= 64),
  is_writable boolean not null default false,
  is_primary boolean not null default false,
  is_there boolean not null default true,
  direction text not null default 'off' check (direction in ('off', 'both', 'import', 'export')),
  policy text not null default 'manual' check (policy in ('manual', 'ours', 'theirs', 'latest')),
  has_bookings boolean not null default true,
  has_schedule boolean not null default true,
  resource_id uuid,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (connection_id, remote_key),
  unique (tenant_id, id),
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id),
  check (is_writable or direction in ('off', 'import'))
);
comment on table public.calendars is 'A calendar of a connected account, as found there; off until somebody chooses it. Its remote id and title are sealed, remote_key finds it again';
comment on column public.calendars.resource_id is 'Of a supplier: whom its busy times are of, and whose bookings go there; null = the business, and all bookings';
create index calendars_connection on public.calendars (tenant_id, connection_id);
create trigger bump before update on public.calendars for each row execute function app.bump();
call app.protect('public.calendars', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

-- Whoever seals anew.
grant update (sealed) on public.calendars to wedsync_recorder;

create table public.calendar_progress (
  calendar_id uuid primary key,
  tenant_id uuid not null,
  cursor_sealed bytea,
  cursor_for text not null default '',
  generation integer not null default 0,
  is_listing boolean not null default false,
  unread integer not null default 0 check (unread >= 0),
  listed_at timestamptz,
  expanded_until timestamptz,
  pokes bigint not null default 0,
  pulls_wanted bigint not null default 1,
  pulls_done bigint not null default 0,
  is_unmarked boolean not null default true,
  may_sweep boolean not null default false,
  watch_sealed bytea,
  watch_until timestamptz,
  watch_again_at timestamptz,
  failures integer not null default 0,
  not_before timestamptz,
  next_poll_at timestamptz not null default clock_timestamp(),
  pulled_at timestamptz,
  synced_at timestamptz,
  outcome text not null default 'waiting' check (outcome in ('waiting', 'done', 'held', 'later', 'failed', 'reconnect', 'gone')),
  reason text not null default '' check (length(reason) <= 1000),
  foreign key (tenant_id, calendar_id) references public.calendars (tenant_id, id) on delete cascade
) with (fillfactor = 50);
comment on table public.calendar_progress is 'How far the sync of a calendar has come: the engine''s own notes, and for people how fresh it is';
comment on column public.calendar_progress.pulls_wanted is 'Raised by whoever knows of a change there; a run that pulls writes what it saw of it into pulls_done';
comment on column public.calendar_progress.cursor_for is 'What the cursor was asked with; under other parameters a provider does not know it';
comment on column public.calendar_progress.unread is 'Of the last listing, over all of its runs: what could not be read, so that nothing it left unnamed is taken for gone';
create index calendar_progress_due on public.calendar_progress (next_poll_at);
call app.protect('public.calendar_progress', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.calendar_progress to wedsync_recorder;

create table public.calendar_events (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  calendar_id uuid not null,
  kind text not null check (kind in ('booking', 'item', 'theirs')),
  ours_id uuid,
  wedding_id uuid,
  state text not null default 'new' check (state in ('new', 'there', 'removed', 'ended')),
  remote_key bytea,
  etag text not null default '' check (length(etag) <= 1000),
  generation integer not null default 0,
  series_key bytea,
  original text not null default '' check (length(original) <= 64),
  event jsonb,
  sealed bytea,
  creation integer not null default 0,
  is_dirty boolean not null default true,
  marks bigint not null default 0,
  verdict text not null default '' check (verdict in ('', 'ours', 'theirs')),
  proposal_id uuid,
  first_at timestamptz,
  last_at timestamptz,
  changed_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  foreign key (tenant_id, calendar_id) references public.calendars (tenant_id, id) on delete cascade,
  check ((kind = 'theirs') = (ours_id is null)),
  check (event is null or kind = 'theirs')
) with (fillfactor = 80);
comment on table public.calendar_events is 'One event of a calendar: of ours, sealed, what is there and what both agreed on; of theirs (kind theirs) only when it is busy, never a word';
comment on column public.calendar_events.state is 'new: not there yet; there; removed: deleted there by them, until somebody restores it; ended: we took it away';
comment on column public.calendar_events.creation is 'Counts how often it was made there: each has its own key, for a deleted one cannot come back under the old';
comment on column public.calendar_events.proposal_id is 'Their move waits for the couple as this proposal';
create unique index calendar_events_ours on public.calendar_events (calendar_id, kind, ours_id) where ours_id is not null;
create unique index calendar_events_remote on public.calendar_events (calendar_id, remote_key) where remote_key is not null;
create index calendar_events_dirty on public.calendar_events (calendar_id) where is_dirty;
create index calendar_events_of on public.calendar_events (ours_id) where ours_id is not null;
create index calendar_events_wedding on public.calendar_events (wedding_id) where wedding_id is not null;
create index calendar_events_proposal on public.calendar_events (proposal_id) where proposal_id is not null;
call app.protect('public.calendar_events', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);
grant insert, update, delete on public.calendar_events to wedsync_recorder;

create table public.calendar_conflicts (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  calendar_id uuid not null,
  event_id uuid,
  kind text not null check (kind in ('changed', 'deleted', 'removed', 'refused', 'sweep', 'gone')),
  about text not null default '' check (length(about) <= 40),
  sealed bytea not null,
  state text not null default 'open' check (state in ('open', 'resolved')),
  kept text not null default '' check (kept in ('', 'ours', 'theirs')),
  since timestamptz not null,
  resolved_at timestamptz,
  resolved_by uuid,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  foreign key (tenant_id, calendar_id) references public.calendars (tenant_id, id) on delete cascade,
  foreign key (tenant_id, event_id) references public.calendar_events (tenant_id, id) on delete set null (event_id)
);
comment on table public.calendar_conflicts is 'What the sync leaves to people, with both sides sealed. changed: both changed it; deleted: one deleted what the other changed; removed: deleted there; refused: their move cannot be made here; sweep: too much vanished at once; gone: the calendar did';
create unique index calendar_conflicts_open on public.calendar_conflicts (calendar_id, event_id) nulls not distinct where state = 'open';
create index calendar_conflicts_tenant on public.calendar_conflicts (tenant_id, since desc, id);
create trigger bump before update on public.calendar_conflicts for each row execute function app.bump();
call app.protect('public.calendar_conflicts', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant delete, update (sealed) on public.calendar_conflicts to wedsync_recorder;

create table public.sync_runs (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  calendar_id uuid not null,
  began_at timestamptz not null,
  ended_at timestamptz not null default clock_timestamp(),
  outcome text not null check (outcome in ('done', 'held', 'later', 'failed', 'reconnect', 'gone')),
  reason text not null default '' check (length(reason) <= 1000),
  pulled integer not null default 0,
  taken integer not null default 0,
  written integer not null default 0,
  conflicts integer not null default 0,
  unread integer not null default 0,
  foreign key (tenant_id, calendar_id) references public.calendars (tenant_id, id) on delete cascade
);
comment on table public.sync_runs is 'Runs of the sync that did something or went wrong: what came, what was taken over here, what was written there';
create index sync_runs_calendar on public.sync_runs (calendar_id, began_at desc);
create index sync_runs_ended on public.sync_runs (ended_at);
call app.protect('public.sync_runs', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert on public.sync_runs to wedsync_recorder;
grant delete on public.sync_runs to wedsync_recorder;

create sequence public.calendar_pokes;
grant usage on sequence public.calendar_pokes to wedsync_recorder;
reset role;
