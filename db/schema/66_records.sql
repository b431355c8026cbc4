-- Records of connected CRMs: which of their jobs is which client of ours, what both sides last agreed on of each, what people must decide.
set role wedsync_owner;

create table public.record_books (
  id uuid primary key,
  tenant_id uuid not null,
  direction text not null default 'import' check (direction in ('off', 'import', 'both', 'send')),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  foreign key (tenant_id, id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.record_books is 'A connected CRM (id = the connection''s) and how its jobs and the supplier''s clients are kept alike; only read until somebody chooses both; send: it only takes in';
create trigger bump before update on public.record_books for each row execute function app.bump();
call app.protect('public.record_books', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.record_progress (
  book_id uuid primary key,
  tenant_id uuid not null,
  cursor_sealed bytea,
  hints text[] not null default '{}',
  waits jsonb not null default '{}',
  look_at timestamptz,
  pokes bigint not null default 0,
  pulls_wanted bigint not null default 1,
  pulls_done bigint not null default 0,
  may_sweep boolean not null default false,
  swept_at timestamptz,
  hook_asked_at timestamptz,
  sends_from timestamptz not null default clock_timestamp(),
  is_hooked boolean not null default false,
  failures integer not null default 0,
  not_before timestamptz,
  next_poll_at timestamptz not null default clock_timestamp(),
  pulled_at timestamptz,
  synced_at timestamptz,
  outcome text not null default 'waiting' check (outcome in ('waiting', 'done', 'held', 'later', 'failed', 'reconnect', 'read_only')),
  reason text not null default '' check (length(reason) <= 1000),
  mapped_version integer not null default 0,
  missing text[] not null default '{}',
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade
) with (fillfactor = 50);
comment on table public.record_progress is 'How far the sync of a CRM has come: the engine''s own notes, and for people how fresh it is';
comment on column public.record_progress.hints is 'Ids that hooks have named and nobody has read since';
comment on column public.record_progress.waits is 'Ids that hooks have named and that were not there yet, each with how often it was looked for and when it is next';
comment on column public.record_progress.look_at is 'When the first of waits is looked for';
comment on column public.record_progress.sends_from is 'Clients added before are not sent to a CRM that only takes in';
comment on column public.record_progress.pulls_wanted is 'Raised by whoever knows of a change there; a run that pulls writes what it saw of it into pulls_done';
comment on column public.record_progress.mapped_version is 'The version of its map by which what was read stands in record_items; another one now means that all of it is read by the map anew';
comment on column public.record_progress.missing is 'Fields of ours that a map read before and that the CRM does not name any more';
create index record_progress_due on public.record_progress (next_poll_at);
create index record_progress_look on public.record_progress (look_at) where look_at is not null;
call app.protect('public.record_progress', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.record_progress to wedsync_recorder;

create table public.record_items (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  book_id uuid not null,
  remote_key bytea not null,
  client_id uuid,
  client_version integer not null default 0,
  state text not null default 'there' check (state in ('there', 'passed', 'removed', 'left', 'sending', 'sent', 'refused')),
  etag text not null default '' check (length(etag) <= 1000),
  sealed bytea not null,
  is_dirty boolean not null default true,
  marks bigint not null default 0,
  verdict text not null default '' check (verdict in ('', 'ours', 'theirs')),
  created_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  unique (book_id, remote_key),
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade,
  foreign key (tenant_id, client_id) references public.clients (supplier_id, id) on delete set null (client_id)
) with (fillfactor = 80);
comment on table public.record_items is 'One job of a CRM and the client it is: what is there and what both sides agreed on, sealed; remote_key finds it again';
comment on column public.record_items.state is 'there; passed: over before we knew it, so it is no client; removed: deleted there; left: apart from its client because somebody said so; sending, sent, refused: of a CRM that only takes in';
comment on column public.record_items.client_version is 'The client as it was when both sides were last brought together; another one now means that it changed here';
create unique index record_items_client on public.record_items (book_id, client_id) where client_id is not null;
create index record_items_dirty on public.record_items (book_id) where is_dirty;
create index record_items_clients on public.record_items (tenant_id, client_id) where client_id is not null;
call app.protect('public.record_items', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant update on public.record_items to wedsync_recorder;

create table public.record_maps (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  book_id uuid not null,
  version integer not null check (version > 0),
  rules jsonb not null,
  made_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  unique (book_id, version),
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade
);
comment on table public.record_maps is 'Which value of a CRM''s documents is which field of ours: every version there was, the highest holds; no rules = as its connector reads it by itself';
create index record_maps_tenant on public.record_maps (tenant_id, book_id);
call app.protect('public.record_maps', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.record_documents (
  item_id uuid primary key,
  tenant_id uuid not null,
  book_id uuid not null,
  sealed bytea not null,
  read_at timestamptz not null,
  foreign key (tenant_id, item_id) references public.record_items (tenant_id, id) on delete cascade
) with (fillfactor = 80);
comment on table public.record_documents is 'Each record as its CRM told it last, sealed and without money and notes: what a map reads, and what no map reads is shown from here';
create index record_documents_book on public.record_documents (book_id, read_at desc);
create index record_documents_tenant on public.record_documents (tenant_id, item_id);
call app.protect('public.record_documents', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);
grant update on public.record_documents to wedsync_recorder;

create table public.record_conflicts (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  book_id uuid not null,
  item_id uuid,
  client_id uuid,
  kind text not null check (kind in ('changed', 'removed', 'refused', 'sweep', 'unsent')),
  about text not null default '' check (length(about) <= 200),
  sealed bytea not null,
  state text not null default 'open' check (state in ('open', 'resolved')),
  kept text not null default '' check (kept in ('', 'ours', 'theirs')),
  since timestamptz not null,
  resolved_at timestamptz,
  resolved_by uuid,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade,
  foreign key (tenant_id, item_id) references public.record_items (tenant_id, id) on delete set null (item_id)
);
comment on table public.record_conflicts is 'What the sync of a CRM leaves to people, with both sides sealed. changed: both changed it; removed: deleted there; refused: it cannot be taken over or written; sweep: too much vanished at once; unsent: it was not taken in';
create unique index record_conflicts_open on public.record_conflicts (book_id, item_id) nulls not distinct where state = 'open';
create index record_conflicts_tenant on public.record_conflicts (tenant_id, since desc, id);
create trigger bump before update on public.record_conflicts for each row execute function app.bump();
call app.protect('public.record_conflicts', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant delete, update (sealed) on public.record_conflicts to wedsync_recorder;

create table public.record_runs (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  book_id uuid not null,
  began_at timestamptz not null,
  ended_at timestamptz not null default clock_timestamp(),
  outcome text not null check (outcome in ('done', 'held', 'later', 'failed', 'reconnect', 'read_only')),
  reason text not null default '' check (length(reason) <= 1000),
  pulled integer not null default 0,
  added integer not null default 0,
  taken integer not null default 0,
  written integer not null default 0,
  conflicts integer not null default 0,
  unread integer not null default 0,
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade
);
comment on table public.record_runs is 'Runs of the sync of a CRM that did something or went wrong: what came, became a client, was taken over here, was written there';
create index record_runs_book on public.record_runs (book_id, began_at desc);
create index record_runs_ended on public.record_runs (ended_at);
call app.protect('public.record_runs', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant delete on public.record_runs to wedsync_recorder;

create table public.record_spaces (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  book_id uuid not null,
  remote_id text not null check (length(remote_id) between 1 and 200),
  space_id uuid,
  seen jsonb not null,
  unique (book_id, remote_id),
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade
);
comment on table public.record_spaces is 'A space in a venue''s own system and the one of ours that it is';
comment on column public.record_spaces.space_id is 'Null: the venue has removed it here, and here it stays away';
comment on column public.record_spaces.seen is 'Its name and numbers as they were there when they were last taken over: only what changes there is taken over again';
call app.protect('public.record_spaces', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create sequence public.record_pokes;
grant usage on sequence public.record_pokes to wedsync_recorder;
reset role;
