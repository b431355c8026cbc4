-- Mail of the platform: whom nobody writes to, who sends, what providers said of mails (home: the platform). Functions stand in 83_mailing.sql.
set role wedsync_owner;

create table public.mail_suppressions (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' check (tenant_id = '00000000-0000-7000-8000-000000000000'),
  address_index bytea not null unique,
  reason text not null check (reason in ('opted_out', 'complained', 'bounced')),
  covers text not null default 'invitations' check (covers in ('invitations', 'all')),
  sealed bytea,
  created_at timestamptz not null default clock_timestamp()
);
comment on table public.mail_suppressions is 'Addresses that take no more mail; found by a keyed index, sealed only so that the index can follow a new key';
comment on column public.mail_suppressions.covers is 'invitations: of suppliers, from anybody. all: a provider said that the mailbox is not there, or that a mail was reported';
-- Nobody reads it through a door: functions say of an address that was given whether it is here.
call app.protect('public.mail_suppressions', 'tenant_id', 'false', null);
grant insert, update, delete on public.mail_suppressions to wedsync_recorder;

create table public.mail_providers (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' check (tenant_id = '00000000-0000-7000-8000-000000000000'),
  name text not null unique check (name ~ '^[a-z][a-z0-9_]{0,40}$'),
  position smallint,
  is_down boolean not null default false,
  reason text not null default '' check (length(reason) <= 300),
  health jsonb not null default '{}',
  changed_at timestamptz not null default clock_timestamp(),
  succeeded_at timestamptz,
  failed_at timestamptz,
  probed_at timestamptz,
  took_ms real,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
comment on table public.mail_providers is 'Who sends mail, as all workers see it; health is the pure state of connections/mailing/health.py, times in seconds of the machine';
comment on column public.mail_providers.position is 'Its place in the chain; null: it is not set up any more';
comment on column public.mail_providers.changed_at is 'When it went down or came back';
create trigger bump before update on public.mail_providers for each row execute function app.bump();
call app.protect('public.mail_providers', 'tenant_id', $$(select app.role()) = 'operator'$$, null);
grant insert, update on public.mail_providers to wedsync_recorder;

create table public.mail_events (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  provider text not null,
  event_id text not null check (length(event_id) between 1 and 200),
  delivery_id uuid not null,
  status text not null,
  detail text not null default '' check (length(detail) <= 200),
  at timestamptz not null,
  received_at timestamptz not null default clock_timestamp(),
  unique (provider, event_id)
);
comment on table public.mail_events is 'What providers said of mails, each saying once, never changed; no address and no word of the mail';
create index mail_events_delivery on public.mail_events (delivery_id, at);
create index mail_events_received on public.mail_events (received_at);
call app.protect('public.mail_events', 'tenant_id', 'false', null);
grant insert, delete on public.mail_events to wedsync_recorder;

create table public.mail_statuses (
  delivery_id uuid primary key,
  tenant_id uuid not null,
  provider text not null,
  status text not null check (status in ('accepted', 'delayed', 'delivered', 'opened', 'failed', 'suppressed', 'bounced', 'complained')),
  rank smallint not null,
  is_failed_over boolean not null default false,
  is_possible_duplicate boolean not null default false,
  at timestamptz not null
) with (fillfactor = 70);
comment on table public.mail_statuses is 'The most that is known of a mail after it was accepted: the rank only rises, however late and in whatever order hooks come';
comment on column public.mail_statuses.is_possible_duplicate is 'Somebody who did not answer may have sent it before another provider took it';
create index mail_statuses_at on public.mail_statuses (at);
call app.protect('public.mail_statuses', 'tenant_id', 'false', null);
grant insert, update, delete on public.mail_statuses to wedsync_recorder;
reset role;
