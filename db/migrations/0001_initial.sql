-- The database as it began: all of db/schema but the roles, which belong to the cluster.

-- 01_app.sql
-- The ground of every door: what a transaction is entered as, the two clocks, and the one way to protect a table.
-- Settings are written by app.enter* only and are local to the transaction; outside of one every policy sees nothing.
create schema app;
revoke all on schema public from public;
revoke all on schema app from public;
alter default privileges for role wedsync_owner revoke execute on functions from public;
alter default privileges for role wedsync_recorder revoke execute on functions from public;
grant usage on schema public, app to wedsync_recorder, wedsync_user, wedsync_reader, wedsync_service;
grant create on schema app to wedsync_recorder;

set role wedsync_owner;

-- '' appears where a setting was set in an earlier transaction of the same connection; it means "not entered".
create function app.tenant() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.tenant', true), '')::uuid;
create function app.actor() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.actor', true), '')::uuid;
create function app.actor_kind() returns text language sql stable parallel safe
  return coalesce(nullif(current_setting('app.actor_kind', true), ''), 'anonymous');
-- couple, helper, supplier, guest, public (weddings) · owner, admin, member (suppliers) · self (persons) · system
create function app.role() returns text language sql stable parallel safe
  return coalesce(nullif(current_setting('app.role', true), ''), 'none');
create function app.link() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.link', true), '')::uuid;
create function app.membership() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.membership', true), '')::uuid;
create function app.party() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.party', true), '')::uuid;
create function app.mask() returns integer language sql stable parallel safe
  return coalesce(nullif(current_setting('app.mask', true), '')::integer, 0);
create function app.write_mask() returns integer language sql stable parallel safe
  return coalesce(nullif(current_setting('app.write_mask', true), '')::integer, 0);

-- Wedding time: what people see or schedule. Equal to machine time unless a drill holds a row here.
create table public.clock_setting (
  only_row boolean primary key default true check (only_row),
  base timestamptz not null,
  set_at timestamptz not null default clock_timestamp(),
  speed double precision not null default 1 check (speed > 0 and speed <= 86400)
);
comment on table public.clock_setting is 'Profiles test and drill only: wedding time runs from base at speed; empty everywhere else';
create function app.now() returns timestamptz language sql stable parallel safe security definer set search_path = ''
  return coalesce(
    (select c.base + (clock_timestamp() - c.set_at) * c.speed from public.clock_setting c),
    clock_timestamp());
-- What a process takes over, so that its own wedding time is the database's; no row where nothing is moved.
create function app.moved_clock() returns table (base timestamptz, set_at timestamptz, speed double precision)
language sql stable security definer set search_path = ''
begin atomic
  select c.base, c.set_at, c.speed from public.clock_setting c;
end;

-- Optimistic locking: every changed row counts its versions, whoever changes it; but what is only sealed again says the same.
create function app.bump() returns trigger language plpgsql set search_path = '' as $$
begin
  if current_setting('sealing.anew', true) = 'on' then return new; end if;
  new.version := old.version + 1;
  new.updated_at := clock_timestamp();
  return new;
end $$;

-- One way to protect a table: forced row security, a restrictive gate on the tenant, and what may be read and written.
-- The gate is for wedsync_user alone: a gate without TO would also bind the recorder, whose functions check by themselves.
create procedure app.protect(p_table regclass, p_home name, p_read text, p_write text, p_delete boolean default true)
language plpgsql set search_path = '' as $$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format('alter table %s force row level security', p_table);
  execute format('revoke all on %s from public', p_table);
  execute format('create policy gate on %s as restrictive for all to wedsync_user
    using (%2$I = (select app.tenant())) with check (%2$I = (select app.tenant()))', p_table, p_home);
  execute format('create policy readable on %s for select to wedsync_user using (%s)', p_table, p_read);
  execute format('create policy recorder on %s for all to wedsync_recorder using (true) with check (true)', p_table);
  execute format('grant select on %s to wedsync_user, wedsync_recorder', p_table);
  if p_write is not null then
    execute format('create policy insertable on %s for insert to wedsync_user with check (%s)', p_table, p_write);
    execute format('create policy updatable on %1$s for update to wedsync_user using (%2$s) with check (%2$s)', p_table, p_write);
    execute format('grant insert, update on %s to wedsync_user', p_table);
    if p_delete then
      execute format('create policy deletable on %s for delete to wedsync_user using (%s)', p_table, p_write);
      execute format('grant delete on %s to wedsync_user', p_table);
    end if;
  end if;
end $$;
reset role;

-- 10_people.sql
-- People: logins, their sessions, passes to sign in, and API keys. Home: the person.
set role wedsync_owner;

create table public.persons (
  person_id uuid primary key default uuidv7(),
  id uuid generated always as (person_id) stored,
  email text check (email = lower(email) and length(email) <= 320),
  name text not null default '' check (length(name) <= 300),
  locale text not null default 'en' check (length(locale) <= 35),
  is_operator boolean not null default false,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.persons is 'A login. A helper is a person without e-mail, reached by a pass';
create unique index persons_email on public.persons (email) where email is not null;
create trigger bump before update on public.persons for each row execute function app.bump();
call app.protect('public.persons', 'person_id', 'true', $$(select app.role()) = 'self'$$, false);
revoke insert, update on public.persons from wedsync_user;
grant update (name, locale) on public.persons to wedsync_user;
grant insert, update on public.persons to wedsync_recorder;

create table public.sessions (
  id uuid primary key default uuidv7(),
  person_id uuid not null references public.persons on delete cascade,
  token_hash bytea not null unique check (length(token_hash) = 32),
  kind text not null default 'browser' check (kind in ('browser', 'helper', 'demo')),
  created_at timestamptz not null default clock_timestamp(),
  last_seen_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  ended_at timestamptz
);
comment on table public.sessions is 'A signed-in browser; the cookie holds the token, this row its SHA-256';
create index sessions_person on public.sessions (person_id);
call app.protect('public.sessions', 'person_id', 'true', null);
grant insert, update on public.sessions to wedsync_recorder;

create table public.sign_ins (
  id uuid primary key default uuidv7(),
  person_id uuid not null references public.persons on delete cascade,
  token_hash bytea not null unique check (length(token_hash) = 32),
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  used_at timestamptz,
  is_reusable boolean not null default false
);
comment on table public.sign_ins is 'A sign-in pass sent by mail: single use, minutes long, hashed; reusable ones are the demo''s alone';
create index sign_ins_person on public.sign_ins (person_id);
call app.protect('public.sign_ins', 'person_id', 'false', null);
grant insert, update on public.sign_ins to wedsync_recorder;

create table public.api_keys (
  id uuid primary key default uuidv7(),
  person_id uuid not null references public.persons on delete cascade,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 100),
  prefix text not null check (length(prefix) <= 16),
  token_hash bytea not null unique check (length(token_hash) = 32),
  created_at timestamptz not null default clock_timestamp(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
comment on table public.api_keys is 'A wsk_ bearer key: acts as its person, within one tenant only (the person itself = all of theirs)';
create index api_keys_person on public.api_keys (person_id);
call app.protect('public.api_keys', 'person_id', 'true', $$(select app.role()) = 'self'$$, false);
grant update on public.api_keys to wedsync_recorder;

create table public.inbox (
  id uuid primary key default uuidv7(),
  person_id uuid not null references public.persons on delete cascade,
  event_id uuid not null,
  stream_id uuid not null,
  type text not null,
  title text not null check (length(title) <= 300),
  detail text not null default '' check (length(detail) <= 2000),
  href text not null default '' check (length(href) <= 500),
  occurred_at timestamptz not null,
  category text not null default 'account' check (length(category) <= 40),
  severity text not null default 'normal' check (severity in ('low', 'normal', 'high', 'critical')),
  created_at timestamptz not null default clock_timestamp(),
  delivered_at timestamptz,
  seen_at timestamptz,
  read_at timestamptz,
  acted_at timestamptz,
  archived_at timestamptz,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  unique (person_id, event_id)
);
comment on table public.inbox is 'Notices to one person inside the product';
comment on column public.inbox.delivered_at is 'A device of theirs has it; seen: it stood on a page they looked at; read: opened; acted: what it asks for is done; archived: put away';
create index inbox_newest on public.inbox (person_id, id desc) where archived_at is null;
create index inbox_unread on public.inbox (person_id) include (seen_at) where read_at is null and archived_at is null;
create trigger bump before update on public.inbox for each row execute function app.bump();
call app.protect('public.inbox', 'person_id', 'true', $$(select app.role()) in ('self', 'system')$$, false);
reset role;

-- 12_phones.sql
-- Phones: a person's number and what they agreed to (home: the person), numbers that want no texts (home: the platform), and every text and call
-- with what became of it (home: the tenant it is about). The functions stand in 83_phones.sql.
set role wedsync_owner;

create table public.phones (
  id uuid primary key default uuidv7(),
  person_id uuid not null unique references public.persons on delete cascade,
  sealed bytea not null,
  number_index bytea not null check (length(number_index) = 16),
  region text not null check (length(region) <= 3),
  line text not null check (line in ('mobile', 'landline', 'unknown')),
  state text not null default 'unverified' check (state in ('unverified', 'verified', 'invalid')),
  takes_texts boolean not null default false,
  takes_calls boolean not null default false,
  code_hash bytea check (length(code_hash) = 32),
  code_expires_at timestamptz,
  code_tries smallint not null default 0,
  verified_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  check ((code_hash is null) = (code_expires_at is null))
);
comment on table public.phones is 'The one number of a person: sealed is the number, found by a keyed index; texts and calls only once a code proved it theirs';
comment on column public.phones.takes_texts is 'The person agrees, and has not said STOP; it counts once the number is verified. The ledger says since when, and to which words';
comment on column public.phones.code_hash is 'Keyed by the platform''s secret: six digits could be guessed from a plain hash';
create index phones_number on public.phones (number_index);
create trigger bump before update on public.phones for each row execute function app.bump();
call app.protect('public.phones', 'person_id', $$(select app.role()) = 'self'$$, $$(select app.role()) = 'self'$$);
grant update on public.phones to wedsync_recorder;

create table public.phone_consents (
  id uuid primary key default uuidv7(),
  person_id uuid not null references public.persons on delete cascade,
  number_index bytea not null check (length(number_index) = 16),
  act text not null check (act in ('given', 'withdrawn')),
  channel text not null check (channel in ('text', 'call')),
  purpose text not null default 'notices' check (purpose in ('notices', 'marketing')),
  wording text not null default '' check (length(wording) <= 1000),
  wording_version text not null default '' check (length(wording_version) <= 20),
  locale text not null default 'en' check (length(locale) <= 35),
  method text not null check (method in ('page', 'api', 'text', 'carrier', 'removed')),
  source text not null default '' check (length(source) <= 300),
  address text not null default '' check (length(address) <= 45),
  agent text not null default '' check (length(agent) <= 300),
  created_at timestamptz not null default clock_timestamp()
);
comment on table public.phone_consents is 'Who agreed to be texted or called, to exactly which words, how, and when it was taken back: a ledger, only ever added to';
comment on column public.phone_consents.method is 'text: STOP or START by the phone itself; carrier: the provider says that the number wants no texts';
create index phone_consents_person on public.phone_consents (person_id, created_at);
call app.protect('public.phone_consents', 'person_id', $$(select app.role()) = 'self'$$, $$(select app.role()) = 'self'$$, false);
revoke update on public.phone_consents from wedsync_user;
drop policy updatable on public.phone_consents;
grant insert on public.phone_consents to wedsync_recorder;

create table public.phone_stops (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' check (tenant_id = '00000000-0000-7000-8000-000000000000'),
  number_index bytea not null unique check (length(number_index) = 16),
  reason text not null check (reason in ('stopped', 'carrier')),
  sealed bytea,
  stopped_at timestamptz not null default clock_timestamp(),
  lifted_at timestamptz
);
comment on table public.phone_stops is 'Numbers that want no texts and no calls: nothing passes while lifted_at is null. Sealed only so that the index can follow a new key';
call app.protect('public.phone_stops', 'tenant_id', 'false', null);
grant insert, update on public.phone_stops to wedsync_recorder;

create table public.phone_messages (
  id uuid primary key,
  tenant_id uuid not null,
  made_at timestamptz not null,
  person_id uuid not null references public.persons on delete cascade,
  number_index bytea not null check (length(number_index) = 16),
  kind text not null check (kind in ('text', 'call')),
  severity text not null default 'normal' check (severity in ('low', 'normal', 'high', 'critical')),
  event_id uuid,
  link_id uuid,
  code smallint check (code between 10 and 99),
  sealed bytea,
  sid text not null default '' check (length(sid) <= 64),
  state text not null default 'owed' check (length(state) <= 30),
  rank smallint not null default 0,
  error_code integer,
  fate text not null default '' check (length(fate) <= 20),
  follows uuid,
  answer text check (answer in ('confirmed', 'cannot')),
  answered_by text check (answered_by in ('text', 'call')),
  answered_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.phone_messages is 'One text or call to one person (id = its delivery): how far it came, and what was answered. Its words are sealed until they are needed no more';
comment on column public.phone_messages.code is 'What the person may answer to confirm just this one; null: nothing is asked';
comment on column public.phone_messages.follows is 'The text that did not arrive, which this one repeats or calls about';
create index phone_messages_person on public.phone_messages (person_id, created_at desc);
create index phone_messages_number on public.phone_messages (number_index, created_at desc);
create index phone_messages_owed on public.phone_messages (created_at) where state = 'owed';
create index phone_messages_kept on public.phone_messages (created_at) where sealed is not null;
call app.protect('public.phone_messages', 'tenant_id', 'false', null);
grant insert, update on public.phone_messages to wedsync_recorder;

create table public.phone_hooks (
  key text primary key check (length(key) <= 200),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' check (tenant_id = '00000000-0000-7000-8000-000000000000'),
  message_id uuid,
  number_index bytea,
  what text not null check (length(what) <= 40),
  error_code integer,
  at timestamptz not null default clock_timestamp()
);
comment on table public.phone_hooks is 'What the provider told of texts and calls, each once: only ever added to, and taken away with age';
create index phone_hooks_at on public.phone_hooks (at);
call app.protect('public.phone_hooks', 'tenant_id', 'false', null);
grant insert, delete on public.phone_hooks to wedsync_recorder;
reset role;

-- 12_preferences.sql
-- How people want to be told, what was decided for each of them and why, what waits to be told together, and the counts of their inbox.
set role wedsync_owner;

create table public.preferences (
  person_id uuid not null references public.persons on delete cascade,
  id uuid generated always as (person_id) stored,
  channels jsonb not null default '{}' check (length(channels::text) <= 1000),
  choices jsonb not null default '{}' check (jsonb_typeof(choices) = 'object' and length(choices::text) <= 4000),
  weddings jsonb not null default '{}' check (jsonb_typeof(weddings) = 'object' and length(weddings::text) <= 40000),
  zone text check (length(zone) between 1 and 64),
  quiet_from time,
  quiet_until time,
  digest_at time not null default '18:00',
  locale text check (locale ~ '^[a-z]{2}(-[A-Z]{2})?$'),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (person_id),
  check ((quiet_from is null) = (quiet_until is null)),
  check (quiet_from <> quiet_until)
);
comment on table public.preferences is 'Which channels may reach a person, for what, and when';
comment on column public.preferences.channels is 'Channel -> whether it is used at all; e-mail is, unless it says no, any other only if it says yes';
comment on column public.preferences.choices is 'Kind of notice -> channel -> now, digest or off; what is absent is as the couple or the platform says';
comment on column public.preferences.weddings is 'Wedding -> now, digest or off: everything of it, whatever kind';
comment on column public.preferences.zone is 'Where its hours are; null = where the wedding is';
comment on column public.preferences.locale is 'In which language a person is told; null = in the wedding''s';
create trigger bump before update on public.preferences for each row execute function app.bump();
call app.protect('public.preferences', 'person_id', 'true', $$(select app.role()) = 'self'$$, false);

create table public.reaches (
  person_id uuid primary key references public.persons on delete cascade,
  sent_at timestamptz[] not null default '{}'
) with (fillfactor = 70);
comment on table public.reaches is 'When a person was told outside of the product within the last hour; locked while it is decided what they are told';
call app.protect('public.reaches', 'person_id', 'false', null);
grant insert, update on public.reaches to wedsync_recorder;

create table public.decisions (
  person_id uuid not null references public.persons on delete cascade,
  event_id uuid not null,
  id uuid generated always as (event_id) stored,
  stream_id uuid not null,
  type text not null,
  title text not null,
  category text not null,
  severity text not null,
  outcomes jsonb not null,
  trace jsonb not null,
  decided_at timestamptz not null,
  primary key (person_id, event_id)
);
comment on table public.decisions is 'What was decided for a person and a fact, by channel, and what each rule said';
create index decisions_newest on public.decisions (person_id, decided_at desc, event_id);
create index decisions_old on public.decisions (decided_at);
call app.protect('public.decisions', 'person_id', 'true', null);
grant insert, delete on public.decisions to wedsync_recorder;

create table public.held_notices (
  person_id uuid not null references public.persons on delete cascade,
  event_id uuid not null,
  channel text not null,
  stream_id uuid not null,
  link_id uuid,
  scope integer not null,
  pass_id uuid,
  reason text not null,
  couple text not null,
  title text not null,
  before text not null,
  after text not null,
  href text not null,
  severity text not null,
  due_at timestamptz not null,
  stale_at timestamptz,
  held_at timestamptz not null,
  ended_at timestamptz,
  ended text check (ended in ('sent', 'stale', 'revoked')),
  primary key (person_id, event_id, channel)
);
comment on table public.held_notices is 'What a person is told later: after quiet hours, in a digest, or when the hour has room again';
comment on column public.held_notices.stale_at is 'From when on nobody is helped by it: it is not sent any more, and the row says so';
create index held_notices_due on public.held_notices (due_at, person_id) where ended_at is null;
create index held_notices_old on public.held_notices (ended_at) where ended_at is not null;
call app.protect('public.held_notices', 'person_id', 'true', null);
grant insert, update, delete on public.held_notices to wedsync_recorder;

create table public.digests (
  id uuid primary key default uuidv7(),
  person_id uuid not null references public.persons on delete cascade,
  channel text not null,
  items jsonb not null,
  made_at timestamptz not null,
  version integer not null default 1
);
comment on table public.digests is 'Held notices that are told together, on one channel; a single one is told as itself';
create index digests_person on public.digests (person_id, made_at);
call app.protect('public.digests', 'person_id', 'true', null);
grant insert, delete on public.digests to wedsync_recorder;

create table public.inbox_counts (
  person_id uuid primary key references public.persons on delete cascade,
  id uuid generated always as (person_id) stored,
  unread integer not null default 0,
  unseen integer not null default 0,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 70);
comment on table public.inbox_counts is 'How many notices a person has not read, and has not seen: counted anew, under their stream''s lock, at each change';
create trigger bump before update on public.inbox_counts for each row execute function app.bump();
call app.protect('public.inbox_counts', 'person_id', 'true', null);
grant insert, update on public.inbox_counts to wedsync_recorder;
reset role;

-- 20_weddings.sql
-- Weddings: the core every linked party sees, who belongs to it, its passes, its website. Home: the wedding.
set role wedsync_owner;

create table public.weddings (
  wedding_id uuid primary key default uuidv7(),
  id uuid generated always as (wedding_id) stored,
  couple_names text not null check (length(couple_names) between 1 and 300),
  partner_a text not null default '' check (length(partner_a) <= 300),
  partner_b text not null default '' check (length(partner_b) <= 300),
  "on" date,
  date_status text not null default 'undecided' check (date_status in ('undecided', 'provisional', 'confirmed', 'postponed', 'cancelled')),
  time_zone text not null default 'Europe/London' check (length(time_zone) <= 64),
  country text not null default 'GB' check (country ~ '^[A-Z]{2}$'),
  locale text not null default 'en-GB' check (length(locale) <= 35),
  currency text not null default 'GBP' check (currency ~ '^[A-Z]{3}$'),
  ceremony_venue text not null default '' check (length(ceremony_venue) <= 300),
  ceremony_address text not null default '' check (length(ceremony_address) <= 500),
  ceremony_at time,
  reception_venue text not null default '' check (length(reception_venue) <= 300),
  reception_address text not null default '' check (length(reception_address) <= 500),
  reception_at time,
  guest_estimate integer check (guest_estimate between 0 and 20000),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  check (date_status = 'undecided' or "on" is not null)
);
comment on table public.weddings is 'Scope core: names, date, venues, times, estimated guest count';
create trigger bump before update on public.weddings for each row execute function app.bump();
call app.protect('public.weddings', 'wedding_id', $$((select app.mask()) & 1) <> 0$$, $$((select app.write_mask()) & 1) <> 0$$, false);
revoke insert on public.weddings from wedsync_user;
drop policy insertable on public.weddings;
grant insert on public.weddings to wedsync_recorder;

create table public.date_history (
  id uuid primary key default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  "on" date,
  date_status text not null,
  changed_at timestamptz not null default clock_timestamp(),
  changed_by uuid,
  reason text not null default '' check (length(reason) <= 500)
);
comment on table public.date_history is 'What the date was before each change';
create index date_history_home on public.date_history (wedding_id, changed_at);
call app.protect('public.date_history', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 1) <> 0$$, false);

create table public.memberships (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  person_id uuid not null references public.persons,
  role text not null check (role in ('couple', 'partner', 'helper')),
  name text not null default '' check (length(name) <= 300),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  removed_at timestamptz,
  primary key (wedding_id, id),
  unique (wedding_id, person_id)
);
comment on table public.memberships is 'What makes a person part of a wedding: couple and partner see all, a helper core, schedule and own tasks';
create index memberships_person on public.memberships (person_id);
create trigger bump before update on public.memberships for each row execute function app.bump();
call app.protect('public.memberships', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or id = (select app.membership())$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.memberships to wedsync_recorder;

create table public.passes (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  purpose text not null check (purpose in ('rsvp', 'help', 'ack', 'invite')),
  token_hash bytea not null unique check (length(token_hash) = 32),
  party_id uuid,
  membership_id uuid,
  link_id uuid,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  primary key (wedding_id, id),
  check (num_nonnulls(party_id, membership_id, link_id) = 1)
);
comment on table public.passes is 'A signed, revocable URL for one purpose; only the SHA-256 of its token is kept';
create index passes_party on public.passes (wedding_id, party_id) where party_id is not null;
call app.protect('public.passes', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.sites (
  wedding_id uuid primary key references public.weddings on delete cascade,
  id uuid generated always as (wedding_id) stored,
  slug text not null unique check (slug ~ '^[a-z0-9](?:[a-z0-9-]{1,60}[a-z0-9])$'),
  is_published boolean not null default false,
  welcome text not null default '' check (length(welcome) <= 4000),
  snapshot jsonb not null default '{}',
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.sites is 'Scope site: the public website; snapshot is what the public may see, refreshed by a reaction';
create trigger bump before update on public.sites for each row execute function app.bump();
call app.protect('public.sites', 'wedding_id', $$((select app.mask()) & 1024) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.notes (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  about_table text not null default '' check (length(about_table) <= 63),
  about_id uuid,
  sealed bytea not null,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id)
);
comment on table public.notes is 'Scope private: the couple''s notes; the words are sealed by the application';
create trigger bump before update on public.notes for each row execute function app.bump();
call app.protect('public.notes', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);
reset role;

set role wedsync_owner;
create table public.activity_reads (
  wedding_id uuid not null references public.weddings on delete cascade,
  person_id uuid not null,
  seq bigint not null,
  primary key (wedding_id, person_id)
);
comment on table public.activity_reads is 'How far each of the couple has read the activity list';
call app.protect('public.activity_reads', 'wedding_id', $$person_id = (select app.actor())$$, $$person_id = (select app.actor())$$, false);
reset role;

-- 25_schedule.sql
-- Schedule: items with a time and a place, their dependencies, the days they make, on-day contacts. Home: the wedding.
set role wedsync_owner;

create table public.schedule_items (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  kind text not null default 'other' check (kind in ('ceremony', 'drinks', 'reception', 'evening', 'preparation', 'photos', 'speeches',
    'music', 'transport', 'setup', 'teardown', 'rehearsal', 'brunch', 'other')),
  title text not null check (length(title) between 1 and 300),
  "on" date not null,
  at_local time not null,
  zone text not null check (length(zone) <= 64),
  starts_at timestamptz generated always as (timezone(zone, "on" + at_local)) stored,
  minutes integer not null default 30 check (minutes between 0 and 2880),
  buffer_minutes integer not null default 0 check (buffer_minutes between 0 and 600),
  place text not null default '' check (length(place) <= 300),
  owner_link_id uuid,
  owner_membership_id uuid,
  is_anchored boolean not null default false,
  takes_rsvps boolean not null default false,
  audience text not null default 'linked' check (audience in ('public', 'invited', 'linked')),
  position integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id)
);
comment on table public.schedule_items is 'Scope schedule: ceremony, reception, prep, speeches; anchored items never move by a ripple';
create unique index schedule_items_id on public.schedule_items (id);
create index schedule_items_time on public.schedule_items (wedding_id, starts_at);
create trigger bump before update on public.schedule_items for each row execute function app.bump();
call app.protect('public.schedule_items', 'wedding_id',
  $$((select app.mask()) & 2) <> 0 or ((select app.party()) is not null and audience <> 'linked')$$,
  $$((select app.write_mask()) & 2) <> 0$$);

create table public.schedule_dependencies (
  wedding_id uuid not null,
  item_id uuid not null,
  after_item_id uuid not null,
  lag_minutes integer not null default 0 check (lag_minutes between -20160 and 20160),
  primary key (wedding_id, item_id, after_item_id),
  foreign key (wedding_id, item_id) references public.schedule_items (wedding_id, id) on delete cascade,
  foreign key (wedding_id, after_item_id) references public.schedule_items (wedding_id, id) on delete cascade,
  check (item_id <> after_item_id)
);
comment on table public.schedule_dependencies is 'item_id starts when the last of its after_item_id (with buffer and lag) has ended; a change of it is a fact of item_id';
create index schedule_dependencies_after on public.schedule_dependencies (wedding_id, after_item_id);
call app.protect('public.schedule_dependencies', 'wedding_id', $$((select app.mask()) & 2) <> 0$$, $$((select app.write_mask()) & 2) <> 0$$);

create table public.wedding_days (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  "on" date not null,
  zone text not null,
  live_from timestamptz not null,
  live_until timestamptz not null,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, "on"),
  check (live_from < live_until)
);
comment on table public.wedding_days is 'Scope schedule: a day with items; live from two hours before the first until two hours after the last';
create index wedding_days_live on public.wedding_days (live_until, live_from);
create trigger bump before update on public.wedding_days for each row execute function app.bump();
call app.protect('public.wedding_days', 'wedding_id', $$((select app.mask()) & 3) <> 0$$, $$((select app.write_mask()) & 2) <> 0$$);

create table public.day_contacts (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  name text not null check (length(name) between 1 and 300),
  what text not null default '' check (length(what) <= 300),
  phone text not null default '' check (length(phone) <= 40),
  position integer not null default 0,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id)
);
comment on table public.day_contacts is 'Scope schedule: whom to ring on the day';
create trigger bump before update on public.day_contacts for each row execute function app.bump();
call app.protect('public.day_contacts', 'wedding_id', $$((select app.mask()) & 2) <> 0$$, $$((select app.write_mask()) & 2) <> 0$$);
reset role;

-- Answers are deleted with their item, and whoever edits the timeline may not see answers: so they ask here first.
set role wedsync_recorder;
create function app.item_has_answers(p_item uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return exists (select from public.rsvps r where r.wedding_id = app.tenant() and r.schedule_item_id = p_item);
end $$;
grant execute on function app.item_has_answers(uuid) to wedsync_user;
reset role;

-- 26_days.sql
-- Days: what is amended, who is there, how far it has come, and what waits for a second word. Home: the wedding.
set role wedsync_owner;

create table public.amendments (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  number integer not null check (number > 0),
  kind text not null check (kind in ('move', 'change', 'add', 'drop', 'announce')),
  schedule_item_id uuid,
  title text not null check (length(title) between 1 and 300),
  before jsonb not null default '{}',
  after jsonb not null default '{}',
  reason text not null check (length(reason) between 3 and 500),
  author_id uuid,
  author_name text not null default '' check (length(author_name) <= 300),
  author_link_id uuid,
  made_at timestamptz not null,
  primary key (wedding_id, id),
  unique (wedding_id, number),
  check ((kind = 'announce') = (schedule_item_id is null))
);
comment on table public.amendments is 'Scope schedule: a change made on the day, with author and reason; nobody changes or removes one';
comment on column public.amendments.number is 'Dense in each wedding: whoever has read up to one knows that nothing is missing';
call app.protect('public.amendments', 'wedding_id', $$((select app.mask()) & 2) <> 0$$, $$((select app.write_mask()) & 2) <> 0$$, false);
revoke update on public.amendments from wedsync_user;
drop policy updatable on public.amendments;

create table public.arrivals (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  supplier_name text not null default '' check (length(supplier_name) <= 300),
  "on" date not null,
  zone text not null check (length(zone) <= 64),
  expected_at timestamptz not null,
  contact_name text not null default '' check (length(contact_name) <= 300),
  contact_phone text not null default '' check (length(contact_phone) <= 40),
  vehicle text not null default '' check (length(vehicle) <= 120),
  confirmed_at timestamptz,
  asked smallint not null default 0 check (asked between 0 and 9),
  state text not null default 'expected' check (state in ('expected', 'on_my_way', 'on_site', 'ready', 'left')),
  eta_at timestamptz,
  arrived_at timestamptz,
  left_at timestamptz,
  rung smallint not null default 0 check (rung between 0 and 5),
  said_by text not null default '' check (length(said_by) <= 300),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, link_id, "on")
);
comment on table public.arrivals is 'Scope schedule: when a supplier comes on a wedding day, whom to ring there, and whether they are there';
comment on column public.arrivals.asked is 'How often they were asked to confirm when they come';
comment on column public.arrivals.rung is 'How far the clock of a supplier who does not come has got: prompted, late, missing, to decide, replaced';
create trigger bump before update on public.arrivals for each row execute function app.bump();
call app.protect('public.arrivals', 'wedding_id', $$((select app.mask()) & 2) <> 0 or link_id = (select app.link())$$,
  $$((select app.write_mask()) & 2) <> 0 or link_id = (select app.link())$$, false);

create table public.item_marks (
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  id uuid generated always as (schedule_item_id) stored,
  state text not null check (state in ('planned', 'started', 'done', 'dropped')),
  late_minutes integer not null default 0 check (late_minutes between 0 and 600),
  started_at timestamptz,
  done_at timestamptz,
  said_by text not null default '' check (length(said_by) <= 300),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, schedule_item_id),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade
);
comment on table public.item_marks is 'Scope schedule: how far an item has come on the day: late, started, done, or left out';
create trigger bump before update on public.item_marks for each row execute function app.bump();
call app.protect('public.item_marks', 'wedding_id', $$((select app.mask()) & 2) <> 0$$, $$((select app.mask()) & 2) <> 0$$, false);

create table public.held_changes (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  fields jsonb not null,
  reason text not null check (length(reason) between 3 and 500),
  state text not null default 'waiting' check (state in ('waiting', 'made', 'withdrawn')),
  asked_by uuid,
  asked_name text not null default '' check (length(asked_name) <= 300),
  asked_at timestamptz not null,
  ended_by uuid,
  ended_name text not null default '' check (length(ended_name) <= 300),
  ended_at timestamptz,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  check ((state = 'waiting') = (ended_at is null))
);
comment on table public.held_changes is 'Scope private: a change of date, places or times in the last week, which waits for a second word of the couple''s side';
create unique index held_changes_waiting on public.held_changes (wedding_id) where state = 'waiting';
create trigger bump before update on public.held_changes for each row execute function app.bump();
call app.protect('public.held_changes', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.day_packs (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid,
  because text not null check (because in ('week', 'day', 'hours', 'amendment')),
  number integer not null check (number >= 0),
  bytes integer not null check (bytes > 0),
  sealed bytea not null,
  made_at timestamptz not null,
  primary key (wedding_id, id)
);
comment on table public.day_packs is 'Scope core: what each needs on the day as one file that opens without a network: of the couple, or of one link as it saw it then';
comment on column public.day_packs.number is 'The last amendment in it';
comment on column public.day_packs.sealed is 'The file, compressed: it names guests'' needs where its reader may see them';
create index day_packs_of on public.day_packs (wedding_id, link_id, made_at);
call app.protect('public.day_packs', 'wedding_id',
  $$case when link_id is null then ((select app.mask()) & 512) <> 0 else ((select app.mask()) & 512) <> 0 or link_id = (select app.link()) end$$,
  $$(select app.role()) = 'system'$$);

create table public.day_watches (
  wedding_id uuid not null references public.weddings on delete cascade,
  "on" date not null,
  next_at timestamptz not null,
  packs smallint not null default 0 check (packs between 0 and 3),
  primary key (wedding_id, "on")
);
comment on table public.day_watches is 'When the clock looks at a wedding day next, and how many of its day packs were made by the clock';
create index day_watches_due on public.day_watches (next_at);
call app.protect('public.day_watches', 'wedding_id', $$(select app.role()) = 'system'$$, $$(select app.role()) = 'system'$$);
reset role;

-- 30_suppliers.sql
-- Suppliers: businesses and their people (home: the supplier), links into weddings (home: the wedding), the portfolio index.
set role wedsync_owner;

create table public.suppliers (
  supplier_id uuid primary key default uuidv7(),
  id uuid generated always as (supplier_id) stored,
  name text not null check (length(name) between 1 and 300),
  category text not null check (category ~ '^[a-z_]{2,40}$'),
  email text not null default '' check (length(email) <= 320),
  phone text not null default '' check (length(phone) <= 40),
  website text not null default '' check (length(website) <= 500),
  time_zone text not null default 'Europe/London' check (length(time_zone) <= 64),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.suppliers is 'A business: an organisation and a tenant of its own';
create trigger bump before update on public.suppliers for each row execute function app.bump();
call app.protect('public.suppliers', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin')$$, false);
revoke insert on public.suppliers from wedsync_user;
grant insert on public.suppliers to wedsync_recorder;

create table public.supplier_members (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  person_id uuid not null references public.persons,
  role text not null check (role in ('owner', 'admin', 'member')),
  name text not null default '' check (length(name) <= 300),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  removed_at timestamptz,
  primary key (supplier_id, id),
  unique (supplier_id, person_id)
);
comment on table public.supplier_members is 'Owner and admin see all weddings of the supplier, a member those assigned';
create index supplier_members_person on public.supplier_members (person_id);
create trigger bump before update on public.supplier_members for each row execute function app.bump();
-- An owner manages everybody; an admin neither touches an owner nor makes one. Who joins comes in by app.add_colleague.
call app.protect('public.supplier_members', 'supplier_id', 'true',
  $$(select app.role()) = 'owner' or ((select app.role()) = 'admin' and role <> 'owner')$$, false);
revoke insert, update on public.supplier_members from wedsync_user;
drop policy insertable on public.supplier_members;
grant update (role, name, removed_at) on public.supplier_members to wedsync_user;
grant insert, update on public.supplier_members to wedsync_recorder;

create table public.links (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  supplier_id uuid references public.suppliers,
  link_id uuid generated always as (id) stored,
  supplier_name text not null check (length(supplier_name) between 1 and 300),
  category text not null check (category ~ '^[a-z_]{2,40}$'),
  invited_email text check (invited_email = lower(invited_email) and length(invited_email) <= 320),
  status text not null default 'invited' check (status in ('invited', 'requested', 'active', 'declined', 'revoked', 'completed')),
  level text not null default 'basic' check (level in ('basic', 'standard', 'full')),
  scopes integer not null default 0 check (scopes & ~254 = 0),
  mask integer generated always as (scopes | 1) stored,
  can_view_guests boolean generated always as (scopes & 16 <> 0) stored,
  can_view_dietary boolean generated always as (scopes & 32 <> 0) stored,
  can_view_contacts boolean generated always as (scopes & 64 <> 0) stored,
  can_view_budget boolean generated always as (false) stored,
  can_edit_timeline boolean not null default false,
  invited_by text not null default 'couple' check (invited_by in ('couple', 'supplier')),
  active_since timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  check (not can_edit_timeline or scopes & 2 <> 0),
  check (status <> 'active' or supplier_id is not null)
);
comment on table public.links is 'One supplier''s engagement in one wedding. The check on scopes makes budget (256) and private (512) ungrantable by any statement';
create unique index links_id on public.links (id);
create unique index links_once on public.links (wedding_id, supplier_id) where supplier_id is not null and status in ('invited', 'requested', 'active');
create index links_supplier on public.links (supplier_id, wedding_id) where supplier_id is not null;
create trigger bump before update on public.links for each row execute function app.bump();
-- What happened before a link was active is not news to it, whichever action made it active.
create function app.note_activation() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.status = 'active' and (tg_op = 'INSERT' or old.status <> 'active') then new.active_since := clock_timestamp(); end if;
  return new;
end $$;
create trigger note_activation before insert or update of status on public.links for each row execute function app.note_activation();
call app.protect('public.links', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or id = (select app.link())$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.links to wedsync_recorder;

alter table public.schedule_items add foreign key (wedding_id, owner_link_id) references public.links (wedding_id, id);
alter table public.schedule_items add foreign key (wedding_id, owner_membership_id) references public.memberships (wedding_id, id);
create index schedule_items_owner on public.schedule_items (wedding_id, owner_link_id);
alter table public.passes add foreign key (wedding_id, membership_id) references public.memberships (wedding_id, id) on delete cascade;
alter table public.passes add foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete cascade;

create table public.assignments (
  id uuid not null default uuidv7(),
  supplier_id uuid not null,
  member_id uuid not null,
  link_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (supplier_id, member_id, link_id),
  foreign key (supplier_id, member_id) references public.supplier_members (supplier_id, id) on delete cascade
);
comment on table public.assignments is 'Which links a supplier''s member works on';
create index assignments_link on public.assignments (link_id);
call app.protect('public.assignments', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin')$$);

create table public.supplier_index (
  supplier_id uuid not null references public.suppliers on delete cascade,
  wedding_id uuid not null,
  id uuid not null,
  couple_names text not null,
  "on" date,
  date_status text not null,
  time_zone text not null,
  venue text not null default '',
  status text not null,
  level text not null,
  waiting integer not null default 0,
  tasks_open integer not null default 0,
  next_due date,
  open jsonb not null default '[]',
  changed_at timestamptz not null default clock_timestamp(),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, wedding_id),
  unique (supplier_id, id)
);
comment on table public.supplier_index is 'The portfolio: one row per link (id = link id), kept by a reaction; waiting counts acknowledgements not given, open names them and the link''s tasks';
create index supplier_index_on on public.supplier_index (supplier_id, "on");
create trigger bump before update on public.supplier_index for each row execute function app.bump();
call app.protect('public.supplier_index', 'supplier_id',
  $$(select app.role()) in ('owner', 'admin', 'system') or id in (select a.link_id from public.assignments a
      join public.supplier_members m on m.supplier_id = a.supplier_id and m.id = a.member_id
      where m.person_id = (select app.actor()))$$,
  $$(select app.role()) = 'system'$$);
reset role;

-- 40_guests.sql
-- Guests: parties, people invited, their contacts and needs (sealed), RSVPs, head counts, sheets, imports. Home: the wedding.
set role wedsync_owner;

create table public.parties (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  name text not null check (length(name) between 1 and 300),
  side text not null default '' check (side in ('', 'partner_a', 'partner_b', 'both')),
  tags text[] not null default '{}',
  plus_ones_allowed integer not null default 0 check (plus_ones_allowed between 0 and 20),
  invited_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id)
);
comment on table public.parties is 'Scope guests: people invited together';
create unique index parties_id on public.parties (id);
create trigger bump before update on public.parties for each row execute function app.bump();
call app.protect('public.parties', 'wedding_id',
  $$((select app.mask()) & 16) <> 0 or id = (select app.party())$$, $$((select app.write_mask()) & 16) <> 0$$);
alter table public.passes add foreign key (wedding_id, party_id) references public.parties (wedding_id, id) on delete cascade;

create table public.guests (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  party_id uuid not null,
  first_name text not null default '' check (length(first_name) <= 300),
  last_name text not null default '' check (length(last_name) <= 300),
  display_name text not null check (length(display_name) between 1 and 600),
  name_sort text not null check (length(name_sort) <= 700),
  kind text not null default 'named' check (kind in ('named', 'plus_one', 'crew')),
  age_band text not null default 'adult' check (age_band in ('adult', 'teen', 'child', 'infant')),
  plus_one_of uuid,
  role text not null default '' check (length(role) <= 60),
  table_label text not null default '' check (length(table_label) <= 60),
  source_key text check (length(source_key) <= 400),
  position integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, party_id) references public.parties (wedding_id, id),
  foreign key (wedding_id, plus_one_of) references public.guests (wedding_id, id) on delete set null (plus_one_of)
);
comment on table public.guests is 'Scope guests: a person invited; name_sort is a fold stored by the application because the engine has no collations for people';
create unique index guests_id on public.guests (id);
create index guests_party on public.guests (wedding_id, party_id);
create index guests_plus_one on public.guests (wedding_id, plus_one_of) where plus_one_of is not null;
create index guests_sort on public.guests (wedding_id, name_sort, id);
create unique index guests_source on public.guests (wedding_id, source_key) where source_key is not null;
create trigger bump before update on public.guests for each row execute function app.bump();
call app.protect('public.guests', 'wedding_id',
  $$((select app.mask()) & 16) <> 0 or party_id = (select app.party())$$, $$((select app.write_mask()) & 16) <> 0 or party_id = (select app.party())$$);

create table public.guest_contacts (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  guest_id uuid not null,
  party_id uuid not null,
  sealed bytea not null,
  email_index bytea,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, guest_id),
  foreign key (wedding_id, guest_id) references public.guests (wedding_id, id) on delete cascade
);
comment on table public.guest_contacts is 'Scope contacts: sealed JSON {email, phone, address}; email_index is a keyed blind index';
create index guest_contacts_email on public.guest_contacts (wedding_id, email_index);
create trigger bump before update on public.guest_contacts for each row execute function app.bump();
call app.protect('public.guest_contacts', 'wedding_id',
  $$((select app.mask()) & 64) <> 0 or party_id = (select app.party())$$, $$((select app.write_mask()) & 64) <> 0 or party_id = (select app.party())$$);

create table public.guest_needs (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  guest_id uuid not null,
  party_id uuid not null,
  sealed bytea not null,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, guest_id),
  foreign key (wedding_id, guest_id) references public.guests (wedding_id, id) on delete cascade
);
comment on table public.guest_needs is 'Scope dietary (health data): sealed JSON {answered, allergens, diets, access, note}';
create trigger bump before update on public.guest_needs for each row execute function app.bump();
call app.protect('public.guest_needs', 'wedding_id',
  $$((select app.mask()) & 32) <> 0 or party_id = (select app.party())$$, $$((select app.write_mask()) & 32) <> 0 or party_id = (select app.party())$$);

create table public.menu_options (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  course text not null default 'main' check (course in ('starter', 'main', 'dessert', 'child', 'other')),
  position integer not null default 0,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade
);
comment on table public.menu_options is 'Scope counts: what can be eaten at a schedule item';
create index menu_options_item on public.menu_options (wedding_id, schedule_item_id);
create trigger bump before update on public.menu_options for each row execute function app.bump();
call app.protect('public.menu_options', 'wedding_id',
  $$((select app.mask()) & 24) <> 0 or (select app.party()) is not null$$, $$((select app.write_mask()) & 16) <> 0$$);

create table public.rsvps (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  guest_id uuid not null,
  schedule_item_id uuid not null,
  party_id uuid not null,
  status text not null default 'needs_action' check (status in ('needs_action', 'accepted', 'declined', 'tentative')),
  menu_option_id uuid,
  responded_at timestamptz,
  responded_by text check (responded_by in ('guest', 'couple', 'helper', 'import')),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, guest_id, schedule_item_id),
  unique (wedding_id, id),
  foreign key (wedding_id, guest_id) references public.guests (wedding_id, id) on delete cascade,
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade,
  foreign key (wedding_id, menu_option_id) references public.menu_options (wedding_id, id) on delete set null (menu_option_id)
) with (fillfactor = 80);
comment on table public.rsvps is 'Scope guests: a row means the guest is invited to the item; status is the answer; history is in the events';
create index rsvps_item on public.rsvps (wedding_id, schedule_item_id, status);
create trigger bump before update on public.rsvps for each row execute function app.bump();
call app.protect('public.rsvps', 'wedding_id',
  $$((select app.mask()) & 16) <> 0 or party_id = (select app.party())$$, $$((select app.write_mask()) & 16) <> 0 or party_id = (select app.party())$$);

create table public.headcounts (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  invited integer not null default 0,
  accepted integer not null default 0,
  declined integer not null default 0,
  tentative integer not null default 0,
  pending integer not null default 0,
  children integer not null default 0,
  meals jsonb not null default '{}',
  dietary jsonb not null default '{}',
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, schedule_item_id),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade
) with (fillfactor = 50);
comment on table public.headcounts is 'Scope counts: derived per schedule item by app.record; dietary totals come from the sheet, cells below 3 say "<3"; no names';
create trigger bump before update on public.headcounts for each row execute function app.bump();
call app.protect('public.headcounts', 'wedding_id', $$((select app.mask()) & 8) <> 0$$, $$(select app.role()) = 'system'$$, false);
revoke insert on public.headcounts from wedsync_user;
drop policy insertable on public.headcounts;
grant insert, update on public.headcounts to wedsync_recorder;

create table public.headcount_locks (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  counts jsonb not null,
  sha256 text not null check (length(sha256) = 64),
  locked_at timestamptz not null default clock_timestamp(),
  locked_by uuid,
  released_at timestamptz,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade
);
comment on table public.headcount_locks is 'Scope counts: final numbers, a snapshot for caterer and venue; afterwards only differences';
create unique index headcount_locks_one on public.headcount_locks (wedding_id, schedule_item_id) where released_at is null;
create trigger bump before update on public.headcount_locks for each row execute function app.bump();
call app.protect('public.headcount_locks', 'wedding_id', $$((select app.mask()) & 8) <> 0$$, $$((select app.write_mask()) & 16) <> 0$$, false);

create table public.dietary_sheets (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  number integer not null check (number > 0),
  sealed bytea not null,
  changes integer not null default 0,
  made_at timestamptz not null default clock_timestamp(),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, schedule_item_id, number),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade
);
comment on table public.dietary_sheets is 'Scope dietary: a numbered sheet for the caterer (sealed JSON of rows, totals and what changed)';
create trigger bump before update on public.dietary_sheets for each row execute function app.bump();
call app.protect('public.dietary_sheets', 'wedding_id', $$((select app.mask()) & 32) <> 0$$, $$((select app.write_mask()) & 32) <> 0$$, false);

create table public.imports (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  source text not null default '' check (length(source) <= 60),
  filename text not null default '' check (length(filename) <= 255),
  status text not null default 'pending' check (status in ('pending', 'running', 'finished', 'failed', 'undone')),
  rows integer not null default 0,
  done integer not null default 0,
  created integer not null default 0,
  updated integer not null default 0,
  skipped integer not null default 0,
  rejected integer not null default 0,
  errors jsonb not null default '[]',
  plan bytea,
  undo bytea,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (wedding_id, id)
);
comment on table public.imports is 'Scope private: one uploaded guest list; plan and undo are sealed, errors name cells by row and column with values masked';
create unique index imports_id on public.imports (id);
create trigger bump before update on public.imports for each row execute function app.bump();
call app.protect('public.imports', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
reset role;

-- Guests may not read the locks, but their answers stop at one.
set role wedsync_recorder;
create function app.is_locked(p_wedding uuid, p_item uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.headcount_locks l where l.wedding_id = p_wedding and l.schedule_item_id = p_item and l.released_at is null);
$$;
grant execute on function app.is_locked(uuid, uuid) to wedsync_user;

-- Dietary totals are written by a reaction, not under the stream's lock; it takes that lock first, in the order app.record does,
-- because the two the other way round would wait for each other.
create function app.hold_stream() returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'only reactions hold a stream'; end if;
  perform from public.streams s where s.id = app.tenant() for update;
end $$;

-- A party that has answered is shown the way to the website, where there is one.
create function app.published_slug() returns text
language sql stable security definer set search_path = '' as $$
  select s.slug from public.sites s where s.wedding_id = app.tenant() and s.is_published;
$$;

-- Finding a lost invitation, from the website, by nobody in particular: the names of those whose party holds a link. They are compared
-- in the web process, which tells nobody any of them; contacts stay sealed.
create function app.party_names(p_slug text)
returns table (wedding_id uuid, couple_names text, party_id uuid, party_name text, pass_id uuid, guest_id uuid, display_name text, contact bytea)
language sql stable security definer set search_path = '' as $$
  select s.wedding_id, w.couple_names, y.id, y.name, x.id, g.id, g.display_name, c.sealed
  from public.sites s
  join public.weddings w on w.wedding_id = s.wedding_id
  join public.parties y on y.wedding_id = s.wedding_id
  join lateral (select p.id from public.passes p where p.wedding_id = y.wedding_id and p.party_id = y.id and p.purpose = 'rsvp' and p.revoked_at is null
    and p.expires_at > app.now() order by p.created_at desc, p.id desc limit 1) x on true
  join public.guests g on g.wedding_id = y.wedding_id and g.party_id = y.id
  left join public.guest_contacts c on c.wedding_id = g.wedding_id and c.guest_id = g.id
  where s.slug = p_slug and s.is_published
  order by y.id, g.position, g.id;
$$;

-- The link goes to the party's own address as a delivery with a sealed payload, like a sign-in link.
create function app.owe_party_link(p_slug text, p_party uuid, p_delivery uuid, p_sealed bytea, p_minutes integer) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_wedding uuid;
begin
  select s.wedding_id into v_wedding from public.sites s join public.parties y on y.wedding_id = s.wedding_id and y.id = p_party
    where s.slug = p_slug and s.is_published;
  if not found then return false; end if;
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, v_wedding, 'mail', '00000000-0000-7000-8000-000000000001', 'party_link.requested', 'guest', p_party, p_sealed, 1,
      v_at + make_interval(mins => p_minutes));
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'mail', 1, v_wedding, '00000000-0000-7000-8000-000000000001', v_at, v_at + make_interval(mins => p_minutes));
  return true;
end $$;
grant execute on function app.hold_stream(), app.published_slug(), app.party_names(text), app.owe_party_link(text, uuid, uuid, bytea, integer) to wedsync_user;
reset role;

-- 50_tasks.sql
-- Tasks, the couple's budget, and acknowledgements. Home: the wedding.
set role wedsync_owner;

create table public.tasks (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid,
  membership_id uuid,
  title text not null check (length(title) between 1 and 300),
  detail text not null default '' check (length(detail) <= 4000),
  status text not null default 'open' check (status in ('open', 'in_progress', 'waiting_on', 'done', 'cancelled')),
  due_on date,
  due_days_before integer check (due_days_before between -366 and 1100),
  origin text not null default 'couple' check (origin in ('couple', 'supplier', 'template', 'helper')),
  done_at timestamptz,
  done_by uuid,
  position integer not null default 0,
  answer text check (answer in ('accepted', 'declined')),
  answer_note text not null default '' check (length(answer_note) <= 500),
  answered_at timestamptz,
  reminded_rung integer not null default 0,
  reminded_at timestamptz,
  noted_at timestamptz,
  snoozed_until date,
  after_ids uuid[] not null default '{}' check (cardinality(after_ids) <= 20),
  waits_for integer not null default 0,
  photo_id uuid,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  foreign key (wedding_id, membership_id) references public.memberships (wedding_id, id),
  check (num_nonnulls(link_id, membership_id) <= 1)
);
comment on column public.tasks.answer is 'What whoever it was given to said; another hand empties it';
comment on column public.tasks.reminded_rung is 'How many reminders of the ladder (app.task_rung) are behind it, those that passed before it was given or moved too';
comment on column public.tasks.noted_at is 'Whoever has to do it knows: no reminders until its day or its hands change';
comment on column public.tasks.after_ids is 'Tasks that are to be done first; one that is gone holds nothing up';
comment on column public.tasks.waits_for is 'How many of them are not done yet, kept by a reaction: who has to do it may not see them';
comment on column public.tasks.photo_id is 'The photograph that shows it is done, in task_photos';
comment on table public.tasks is 'Scope tasks; assigned to a link (that supplier alone sees it) or a membership (partner, helper); due on a date or days before the wedding';
create unique index tasks_id on public.tasks (id);
create index tasks_due on public.tasks (wedding_id, status, due_on);
create index tasks_link on public.tasks (wedding_id, link_id);
create trigger bump before update on public.tasks for each row execute function app.bump();
call app.protect('public.tasks', 'wedding_id',
  $$((select app.mask()) & 512) <> 0
    or (link_id is null and membership_id is null and ((select app.mask()) & 4) <> 0)
    or link_id = (select app.link()) or membership_id = (select app.membership())$$,
  $$((select app.write_mask()) & 512) <> 0 or link_id = (select app.link()) or membership_id = (select app.membership())$$);
-- Whoever a task is given to works on it; taking it off the list is for those who wrote it.
drop policy deletable on public.tasks;
create policy deletable on public.tasks for delete to wedsync_user
  using (((select app.write_mask()) & 512) <> 0 or (origin = 'supplier' and link_id = (select app.link()))
    or (origin = 'helper' and membership_id = (select app.membership())));

create table public.budget_lines (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  category text not null default 'other' check (length(category) <= 60),
  title text not null check (length(title) between 1 and 300),
  supplier_name text not null default '' check (length(supplier_name) <= 300),
  estimate_minor bigint not null default 0 check (estimate_minor between 0 and 100000000000),
  agreed_minor bigint check (agreed_minor between 0 and 100000000000),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  per_guest boolean not null default false,
  position integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id)
);
comment on table public.budget_lines is 'Scope budget: the couple''s money, in minor units; no link can hold this scope';
create unique index budget_lines_id on public.budget_lines (id);
create trigger bump before update on public.budget_lines for each row execute function app.bump();
call app.protect('public.budget_lines', 'wedding_id', $$((select app.mask()) & 256) <> 0$$, $$((select app.write_mask()) & 256) <> 0$$);

create table public.budget_payments (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  budget_line_id uuid not null,
  kind text not null default 'balance' check (kind in ('deposit', 'interim', 'balance', 'damage', 'tip', 'refund')),
  amount_minor bigint not null check (amount_minor between -100000000000 and 100000000000),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  due_on date,
  paid_on date,
  note text not null default '' check (length(note) <= 1000),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, budget_line_id) references public.budget_lines (wedding_id, id) on delete cascade
);
comment on table public.budget_payments is 'Scope budget: what is due and what was paid on a line';
create unique index budget_payments_id on public.budget_payments (id);
create index budget_payments_line on public.budget_payments (wedding_id, budget_line_id);
create trigger bump before update on public.budget_payments for each row execute function app.bump();
call app.protect('public.budget_payments', 'wedding_id', $$((select app.mask()) & 256) <> 0$$, $$((select app.write_mask()) & 256) <> 0$$);

create table public.acknowledgements (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  link_id uuid not null,
  about text not null check (length(about) <= 120),
  event_id uuid not null,
  event_seq bigint not null,
  type text not null,
  summary jsonb not null default '{}',
  status text not null default 'open' check (status in ('open', 'seen', 'acknowledged')),
  opened_at timestamptz not null,
  seen_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by uuid,
  cannot_at timestamptz,
  via text check (via in ('page', 'pass', 'api', 'text', 'call', 'chat')),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, link_id, about),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id)
);
comment on table public.acknowledgements is 'A link''s "seen and fine" for the newest version of something that concerns it; opened by app.record, reopened by a newer change';
create unique index acknowledgements_id on public.acknowledgements (id);
create index acknowledgements_open on public.acknowledgements (wedding_id, status);
create trigger bump before update on public.acknowledgements for each row execute function app.bump();
call app.protect('public.acknowledgements', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$, $$link_id = (select app.link()) or ((select app.write_mask()) & 512) <> 0$$, false);
revoke insert on public.acknowledgements from wedsync_user;
drop policy insertable on public.acknowledgements;
grant insert, update on public.acknowledgements to wedsync_recorder;
reset role;

-- 51_task_reminders.sql
-- Reminders of tasks on a ladder until somebody has done, noted or put them off; and the photographs that show they are done.
set role wedsync_owner;

create table public.task_photos (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  task_id uuid not null,
  kind text not null check (kind in ('jpeg', 'png', 'webp')),
  bytes integer not null check (bytes between 1 and 8388608),
  sealed bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, task_id),
  foreign key (wedding_id, task_id) references public.tasks (wedding_id, id) on delete cascade
);
comment on table public.task_photos is 'The photograph that shows a task is done: whoever sees the task sees it, whoever works on the task puts it there. Told as task.photo_added';
-- The task's own policies are asked: nobody sees the photograph of a task that they do not see.
call app.protect('public.task_photos', 'wedding_id',
  $$exists (select from public.tasks t where t.wedding_id = task_photos.wedding_id and t.id = task_photos.task_id)$$,
  $$exists (select from public.tasks t where t.wedding_id = task_photos.wedding_id and t.id = task_photos.task_id
    and (((select app.write_mask()) & 512) <> 0 or t.link_id = (select app.link()) or t.membership_id = (select app.membership())))$$);
create index tasks_reminded on public.tasks (due_on, wedding_id)
  where due_on is not null and noted_at is null and status not in ('done', 'cancelled') and answer is distinct from 'declined';
grant update on public.tasks to wedsync_recorder;
-- Keys are rotated as the recorder.
grant update (sealed) on public.task_photos to wedsync_recorder;
reset role;

set role wedsync_recorder;

-- How many reminders are behind a task on a day: two weeks, three days and a day before it is due, on the day, and one, three and seven days after.
create function app.task_rung(p_due date, p_today date) returns integer
language sql immutable set search_path = '' as $$
  select count(*)::integer from unnest(array[-14, -3, -1, 0, 1, 3, 7]) o where p_due + o <= p_today;
$$;

-- The day that reminders go by: it begins at nine in the morning where the wedding is.
create function app.task_day(p_zone text) returns date
language sql stable set search_path = '' as $$
  select ((app.now() at time zone p_zone) - interval '9 hours')::date;
$$;

-- What the clock has to remind of: given to somebody who is still there, or to nobody yet; a task that waits for another is left alone, and so
-- is one that was due a month ago.
create function app.due_tasks(p_wedding uuid) returns table (wedding_id uuid, id uuid, is_late boolean, rung integer)
language sql stable set search_path = '' as $$
  select t.wedding_id, t.id, t.due_on < app.task_day(w.time_zone), app.task_rung(t.due_on, app.task_day(w.time_zone))
  from public.tasks t
  join public.weddings w on w.wedding_id = t.wedding_id
  left join public.links l on l.wedding_id = t.wedding_id and l.id = t.link_id
  left join public.memberships m on m.wedding_id = t.wedding_id and m.id = t.membership_id
  where t.due_on between app.now()::date - 30 and app.now()::date + 15 and t.noted_at is null and t.status not in ('done', 'cancelled')
    and t.answer is distinct from 'declined' and t.waits_for = 0 and (p_wedding is null or t.wedding_id = p_wedding)
    and w.date_status <> 'cancelled' and (t.link_id is null or l.status = 'active') and (t.membership_id is null or m.removed_at is null)
    and case when t.snoozed_until is not null then t.snoozed_until <= app.task_day(w.time_zone)
      else app.task_rung(t.due_on, app.task_day(w.time_zone)) > t.reminded_rung end;
$$;

create function app.weddings_of_due_tasks(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct d.wedding_id from app.due_tasks(null) d limit p_limit;
$$;

-- Each is told once of a rung, however many rungs have passed meanwhile. Returns the nudge, or null when there was nothing to say.
create function app.remind_of_tasks(p_wedding uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  with due as (
    select t.id from public.tasks t
    where t.wedding_id = p_wedding and t.id in (select d.id from app.due_tasks(p_wedding) d)
    order by t.id for update skip locked),
  told as (
    update public.tasks t
    set reminded_rung = d.rung, reminded_at = app.now(), snoozed_until = null
    from due u join app.due_tasks(p_wedding) d on d.id = u.id
    where t.wedding_id = p_wedding and t.id = u.id and t.noted_at is null and t.status not in ('done', 'cancelled')
    returning new.id, new.link_id, new.membership_id, case when d.is_late then 'task.overdue' else 'task.due_soon' end as type,
      to_jsonb(new) as record, to_jsonb(old) as old_record)
  select jsonb_agg(jsonb_build_object('type', t.type, 'scope', 4, 'link', t.link_id, 'membership', t.membership_id, 'table', 'tasks',
    'id', t.id, 'op', 'UPDATE', 'record', t.record, 'old', t.old_record)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;
grant execute on function app.task_rung(date, date), app.task_day(text) to wedsync_user;
grant execute on function app.weddings_of_due_tasks(integer), app.remind_of_tasks(uuid) to wedsync_service;
reset role;

-- 55_proposals.sql
-- Proposals: changes suggested to whoever owns the fields. Home: the wedding. A supplier sees its own, the couple all.
set role wedsync_owner;

create table public.proposals (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid,
  origin text not null check (origin in ('supplier', 'couple', 'hook')),
  source_id uuid not null,
  source_name text not null check (length(source_name) between 1 and 300),
  hook_id uuid,
  repeat_key text not null check (length(repeat_key) = 64),
  subject text not null check (subject in ('weddings', 'schedule_items', 'guests', 'rsvps', 'links')),
  subject_id uuid,
  title text not null check (length(title) between 1 and 700),
  seen jsonb not null default '{}' check (length(seen::text) <= 16384),
  wanted jsonb not null check (length(wanted::text) between 3 and 16384),
  why text not null default '' check (length(why) <= 1000),
  state text not null default 'open' check (state in ('open', 'stale', 'accepted', 'refused', 'withdrawn')),
  word text not null default '' check (length(word) <= 1000),
  decided_at timestamptz,
  decided_by uuid,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id)
);
comment on table public.proposals is 'A change suggested to whoever owns the fields: what its source saw (seen), what it wants instead (wanted), what came of it. subject_id null = a new row';
comment on column public.proposals.source_id is 'Who keeps suggesting: a link, a person, a connection, or the wedding for its own hook';
comment on column public.proposals.repeat_key is 'Digest of source, row and fields: what is suggested again takes the place of what still waits';
create unique index proposals_id on public.proposals (id);
create unique index proposals_waiting on public.proposals (wedding_id, repeat_key) where state in ('open', 'stale');
create index proposals_home on public.proposals (wedding_id, created_at desc, id);
create trigger bump before update on public.proposals for each row execute function app.bump();
-- A supplier sees its own as long as it sees what they are about: title and seen hold that. Subjects as in wedsync/proposals/subjects.py.
call app.protect('public.proposals', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or (link_id = (select app.link())
    and ((select app.mask()) & case subject when 'schedule_items' then 2 when 'guests' then 16 when 'rsvps' then 16 else 1 end) <> 0)$$,
  $$((select app.write_mask()) & 512) <> 0 or link_id = (select app.link())$$, false);
-- Whoever suggests may say it anew or take it back; what is decided is decided, and deciding is the couple's.
drop policy updatable on public.proposals;
create policy updatable on public.proposals for update to wedsync_user
  using (((select app.write_mask()) & 512) <> 0 or (link_id = (select app.link()) and state in ('open', 'stale')))
  with check (((select app.write_mask()) & 512) <> 0 or (link_id = (select app.link()) and state in ('open', 'withdrawn')));
reset role;

-- 56_alerts.sql
-- Alerts: an emergency or a drill of one wedding, who was called for it, and who is on duty. Home: the wedding.
set role wedsync_owner;

create table public.alerts (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  kind text not null check (kind in ('emergency', 'drill', 'dietary')),
  what text not null check (what in ('medical', 'safety', 'weather', 'supplier_missing', 'venue', 'transport', 'lost', 'other')),
  severity text not null default 'p1' check (severity in ('p0', 'p1', 'p2', 'p3')),
  place text not null default '' check (length(place) <= 120),
  sealed bytea not null,
  state text not null default 'triggered' check (state in ('triggered', 'acknowledged', 'resolved', 'cancelled', 'unanswered')),
  times integer not null default 1 check (times between 1 and 1000),
  step smallint not null default 0 check (step between 0 and 100),
  began_at timestamptz not null default clock_timestamp(),
  next_at timestamptz,
  is_breached boolean not null default false,
  raised_by uuid,
  raised_name text not null default '' check (length(raised_name) <= 300),
  raised_link uuid,
  raised_at timestamptz not null,
  acknowledged_by uuid,
  acknowledged_name text not null default '' check (length(acknowledged_name) <= 300),
  acknowledged_via text check (acknowledged_via in ('page', 'api', 'link', 'text', 'call', 'chat')),
  acknowledged_at timestamptz,
  held_until timestamptz,
  outcome text not null default '' check (length(outcome) <= 500),
  ended_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  check ((state in ('resolved', 'cancelled', 'unanswered')) = (ended_at is not null)),
  check ((next_at is not null) = (state = 'triggered'))
);
comment on table public.alerts is 'Scope schedule: an emergency on the way, or the drill of the morning; escalates until somebody acknowledges it';
comment on column public.alerts.severity is 'p0 life and safety: everybody at once; p1 the ceremony at risk: second by second; p2 seen by guests: ten minutes; p3 small: half an hour';
comment on column public.alerts.sealed is 'What happened, in words: seen in the product, never in a mail or text';
comment on column public.alerts.times is 'How often it was raised: the same matter raised again is not a second alert';
comment on column public.alerts.began_at is 'Machine time from which the steps of the ladder count; anew when an acknowledgement lapses';
comment on column public.alerts.next_at is 'Machine time at which the next step is due';
comment on column public.alerts.held_until is 'Until then whoever acknowledged it sees to it; afterwards it escalates again';
create unique index alerts_id on public.alerts (id);
create index alerts_due on public.alerts (next_at) where next_at is not null;
create index alerts_open on public.alerts (wedding_id, what) where ended_at is null;
create trigger bump before update on public.alerts for each row execute function app.bump();
call app.protect('public.alerts', 'wedding_id', $$((select app.mask()) & 2) <> 0$$, $$((select app.mask()) & 2) <> 0$$, false);
grant update on public.alerts to wedsync_recorder;

create table public.alert_calls (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  alert_id uuid not null,
  person_id uuid not null,
  link_id uuid,
  name text not null default '' check (length(name) <= 300),
  tier smallint not null check (tier between 1 and 3),
  channels text[] not null check (channels <@ '{in_app,email,sms,voice}'),
  token_hash bytea unique check (length(token_hash) = 32),
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  calls smallint not null default 1,
  answer text check (answer in ('acknowledged', 'cannot')),
  answered_at timestamptz,
  primary key (wedding_id, id),
  unique (wedding_id, alert_id, person_id),
  foreign key (wedding_id, alert_id) references public.alerts (wedding_id, id) on delete cascade,
  check ((answer is null) = (answered_at is null))
);
comment on table public.alert_calls is 'Scope schedule: who was called for an alert, when first and last, on which ways, and what they answered';
comment on column public.alert_calls.token_hash is 'Opens the alert for this person for a day, without signing in';
create index alert_calls_person on public.alert_calls (person_id, alert_id);
call app.protect('public.alert_calls', 'wedding_id', $$((select app.mask()) & 2) <> 0$$,
  $$((select app.mask()) & 2) <> 0 and ((select app.role()) = 'system' or person_id = (select app.actor()))$$, false);

create table public.duties (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  person_id uuid not null,
  tier smallint not null check (tier between 0 and 3),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, person_id)
);
comment on table public.duties is 'Scope schedule: who is called first, second or last for an emergency of this wedding, or never (0); else it goes by what they do';
create trigger bump before update on public.duties for each row execute function app.bump();
call app.protect('public.duties', 'wedding_id', $$((select app.mask()) & 2) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);
reset role;

-- 57_bookings.sql
-- Bookings of a supplier's resources, busy times from elsewhere, conflicts, days (home: the supplier), and of each booking what its
-- wedding may know (home: the wedding). That two bookings never overlap is the exclusion constraint's promise.
set role wedsync_owner;

-- A trusted extension: whoever may create in the database may install it, so the owner needs no administrator.
create extension if not exists btree_gist;

-- timestamptz +- interval depends on the session's zone and may not stand in a generated column; minutes in UTC depend on nothing.
create function app.later(p_at timestamptz, p_minutes integer) returns timestamptz
language sql immutable parallel safe
  return timezone('UTC', timezone('UTC', p_at) + make_interval(mins => p_minutes));
create function app.planned_start(p_on date, p_at time, p_zone text) returns timestamptz
language sql immutable parallel safe
  return timezone(p_zone, p_on + coalesce(p_at, time '00:00'));
-- A day without a time lasts until midnight there, however many hours it has; a time lasts its minutes.
create function app.planned_end(p_on date, p_at time, p_zone text, p_minutes integer, p_days integer) returns timestamptz
language sql immutable parallel safe
  return case when p_at is null then timezone(p_zone, (p_on + p_days) + time '00:00')
    else app.later(app.planned_start(p_on, p_at, p_zone), p_minutes) end;
grant execute on function app.later(timestamptz, integer), app.planned_start(date, time, text),
  app.planned_end(date, time, text, integer, integer) to wedsync_user, wedsync_recorder;

create table public.resources (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  name text not null check (length(name) between 1 and 120),
  is_default boolean not null default false,
  is_active boolean not null default true,
  position integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  check (is_active or not is_default)
);
comment on table public.resources is 'What of a supplier can be in one place at a time: the business itself, a second shooter, hall A';
create unique index resources_default on public.resources (supplier_id) where is_default;
create trigger bump before update on public.resources for each row execute function app.bump();
call app.protect('public.resources', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$, false);
grant insert, update on public.resources to wedsync_recorder;

create table public.booking_settings (
  id uuid generated always as (supplier_id) stored,
  supplier_id uuid primary key references public.suppliers on delete cascade,
  is_public boolean not null default false,
  link_number integer not null default 0 check (link_number >= 0),
  has_link boolean not null default false,
  hold_hours integer not null default 72 check (hold_hours between 1 and 2160),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.booking_settings is 'Who may ask a supplier "free on 14 June?", and how long its holds last';
comment on column public.booking_settings.link_number is 'The signed link names it; a higher one ends all that were given out before';
create trigger bump before update on public.booking_settings for each row execute function app.bump();
call app.protect('public.booking_settings', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$, false);

create table public.bookings (
  id uuid not null default uuidv7(),
  supplier_id uuid not null,
  resource_id uuid not null,
  category text not null default 'wedding' check (category in ('wedding', 'client', 'supplier', 'private')),
  state text not null default 'booked' check (state in ('hold', 'booked', 'fulfilled', 'cancelled')),
  reason text not null default '' check (reason in ('', 'proposed', 'expired', 'withdrawn')),
  expires_at timestamptz,
  wedding_id uuid,
  link_id uuid,
  "on" date not null,
  at_local time,
  zone text not null check (length(zone) <= 64),
  minutes integer check (minutes between 15 and 20160),
  days integer check (days between 1 and 60),
  before_minutes integer not null default 0 check (before_minutes between 0 and 1440),
  after_minutes integer not null default 0 check (after_minutes between 0 and 1440),
  starts_at timestamptz not null generated always as (app.planned_start("on", at_local, zone)) stored,
  ends_at timestamptz not null generated always as (app.planned_end("on", at_local, zone, minutes, days)) stored,
  blocked tstzrange not null generated always as (tstzrange(app.later(app.planned_start("on", at_local, zone), -before_minutes),
    app.later(app.planned_end("on", at_local, zone, minutes, days), after_minutes))) stored,
  created_by uuid,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  foreign key (supplier_id, resource_id) references public.resources (supplier_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  check (num_nonnulls(at_local, days) = 1 and num_nonnulls(minutes, days) = 1),
  check ((state = 'hold') = (expires_at is not null)),
  check ((link_id is null) = (wedding_id is null)),
  check (link_id is null or category = 'wedding'),
  constraint bookings_once exclude using gist (supplier_id with =, resource_id with =, blocked with &&) where (state <> 'cancelled')
);
comment on table public.bookings is 'A resource of a supplier is held or booked from set-up to teardown (blocked); two never overlap. Names and words are in booking_details';
comment on column public.bookings.at_local is 'Null: whole days, as many as `days`; else `minutes` from then on';
comment on column public.bookings.created_by is 'The person; a private one opens to them alone';
create unique index bookings_id on public.bookings (id);
create index bookings_link on public.bookings (supplier_id, link_id) where link_id is not null;
create index bookings_expiry on public.bookings (expires_at) where state = 'hold';
create index bookings_end on public.bookings (ends_at) where state = 'booked';
create trigger bump before update on public.bookings for each row execute function app.bump();
-- The team sees that a resource is taken; owners and admins book, everybody may keep time of their own free of work.
call app.protect('public.bookings', 'supplier_id', 'true',
  $$(select app.role()) in ('owner', 'admin', 'system') or (category = 'private' and created_by = (select app.actor()))$$, false);
grant insert, update on public.bookings to wedsync_recorder;

create table public.booking_details (
  supplier_id uuid not null,
  booking_id uuid not null,
  is_private boolean not null,
  link_id uuid,
  created_by uuid,
  sealed bytea not null,
  primary key (supplier_id, booking_id),
  foreign key (supplier_id, booking_id) references public.bookings (supplier_id, id) on delete cascade
);
comment on table public.booking_details is 'Title, place and note of a booking, sealed: of a private one for whoever made it, of others for owners, admins and whoever works on its wedding';
call app.protect('public.booking_details', 'supplier_id',
  $$case when is_private then created_by = (select app.actor())
    else (select app.role()) in ('owner', 'admin', 'system') or link_id in (select a.link_id from public.assignments a
      join public.supplier_members m on m.supplier_id = a.supplier_id and m.id = a.member_id where m.person_id = (select app.actor())) end$$,
  $$case when is_private then created_by = (select app.actor()) else (select app.role()) in ('owner', 'admin', 'system') end$$, false);

create table public.busy_sources (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  source text not null check (source ~ '^[a-z0-9][a-z0-9_.:-]{0,79}$'),
  name text not null default '' check (length(name) <= 120),
  resource_id uuid,
  times integer not null default 0,
  changed tstzmultirange not null default '{}',
  refreshed_at timestamptz not null,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (supplier_id, source),
  foreign key (supplier_id, resource_id) references public.resources (supplier_id, id)
);
comment on table public.busy_sources is 'A calendar elsewhere whose busy times are known here, when it was last heard of, and what that changed';
create trigger bump before update on public.busy_sources for each row execute function app.bump();
call app.protect('public.busy_sources', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$, false);

create table public.busy_times (
  id uuid not null default uuidv7(),
  supplier_id uuid not null,
  source_id uuid not null,
  external_id text not null check (length(external_id) between 1 and 1024),
  resource_id uuid not null,
  during tstzrange not null check (not isempty(during) and not lower_inf(during) and not upper_inf(during)),
  is_private boolean not null default true,
  primary key (supplier_id, id),
  unique (supplier_id, source_id, external_id),
  foreign key (supplier_id, source_id) references public.busy_sources (supplier_id, id) on delete cascade,
  foreign key (supplier_id, resource_id) references public.resources (supplier_id, id)
);
comment on table public.busy_times is 'When a resource is busy by another calendar: no title, and free to overlap, for a failing row would break the sync; overlaps with bookings are conflicts';
create index busy_times_during on public.busy_times using gist (supplier_id, resource_id, during);
call app.protect('public.busy_times', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$);

create table public.booking_conflicts (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  kind text not null check (kind in ('busy', 'too_late', 'too_early', 'other_day', 'link_ended', 'no_room')),
  booking_id uuid,
  link_id uuid,
  other_table text not null check (other_table in ('busy_times', 'schedule_items', 'weddings', 'links', 'bookings')),
  other_id uuid not null,
  during tstzrange not null,
  state text not null default 'open' check (state in ('open', 'ignored', 'resolved')),
  since timestamptz not null,
  resolved_at timestamptz,
  ignored_by uuid,
  ignored_at timestamptz,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique nulls not distinct (supplier_id, kind, booking_id, link_id, other_id)
);
comment on table public.booking_conflicts is 'Two things known of a supplier that cannot both be right: a booking, or a wedding without one, and what stands against it';
create index booking_conflicts_open on public.booking_conflicts using gist (supplier_id, during) where state <> 'resolved';
create index booking_conflicts_link on public.booking_conflicts (supplier_id, link_id) where state <> 'resolved';
create trigger bump before update on public.booking_conflicts for each row execute function app.bump();
call app.protect('public.booking_conflicts', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$, false);
grant insert, update on public.booking_conflicts to wedsync_recorder;

create table public.availability_days (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  "on" date not null,
  state text not null check (state in ('free', 'partly', 'taken')),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (supplier_id, "on")
);
comment on table public.availability_days is 'What was last told of a day; a day without a row was never anything but free';
create trigger bump before update on public.availability_days for each row execute function app.bump();
call app.protect('public.availability_days', 'supplier_id', 'true', $$(select app.role()) = 'system'$$, false);
grant insert, update on public.availability_days to wedsync_recorder;

create table public.link_bookings (
  id uuid not null,
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  state text not null check (state in ('hold', 'booked', 'fulfilled', 'cancelled')),
  "on" date not null,
  at_local time,
  zone text not null,
  minutes integer,
  days integer,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  expires_at timestamptz,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete cascade
);
comment on table public.link_bookings is 'What a wedding knows of a supplier''s booking for it (id = booking id): held or booked, and from when to when; never whom else they work for';
create trigger bump before update on public.link_bookings for each row execute function app.bump();
call app.protect('public.link_bookings', 'wedding_id', $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$, null);
grant insert, update, delete on public.link_bookings to wedsync_recorder;

create table public.link_days (
  id uuid generated always as (link_id) stored,
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  "on" date not null,
  state text not null check (state in ('free', 'partly', 'taken', 'yours')),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, link_id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete cascade
);
comment on table public.link_days is 'Whether a linked supplier is free on the wedding''s date, or holds it for this wedding (yours)';
create trigger bump before update on public.link_days for each row execute function app.bump();
call app.protect('public.link_days', 'wedding_id', $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$, null);
grant insert, update, delete on public.link_days to wedsync_recorder;
reset role;

-- 58_photos.sql
-- Photo deliveries: what a supplier promised to hand over, how far it is, and where it can be seen. Home: the wedding.
set role wedsync_owner;

create table public.photo_deliveries (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  kind text not null check (kind in ('sneak_peek', 'preview', 'gallery', 'album', 'print', 'film', 'teaser')),
  title text not null default '' check (length(title) <= 120),
  stage text not null default 'not_started' check (stage in ('not_started', 'backed_up', 'culling', 'editing', 'quality_check', 'ready',
    'delivered', 'viewed', 'downloaded', 'archived')),
  standing text not null default 'on_track' check (standing in ('on_track', 'delayed', 'on_hold')),
  reason text not null default '' check (length(reason) <= 500),
  promised_on date,
  promised_at timestamptz,
  promises jsonb not null default '[]' check (jsonb_typeof(promises) = 'array' and jsonb_array_length(promises) <= 50),
  shot_count integer check (shot_count between 0 and 1000000),
  culled_count integer check (culled_count between 0 and 1000000),
  edited_count integer check (edited_count between 0 and 1000000),
  delivered_count integer check (delivered_count between 0 and 1000000),
  gallery_url text not null default '' check (gallery_url = '' or (gallery_url ~* '^https://' and length(gallery_url) <= 2048)),
  gallery_hint text not null default '' check (length(gallery_hint) <= 200),
  note text not null default '' check (length(note) <= 2000),
  delivered_at timestamptz,
  viewed_at timestamptz,
  warned_at timestamptz,
  overdue_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  check (standing = 'on_track' or reason <> ''),
  check ((promised_on is null) = (promised_at is null)),
  check ((stage in ('delivered', 'viewed', 'downloaded', 'archived')) = (delivered_at is not null))
);
comment on table public.photo_deliveries is 'Scope photos, of one link: a sneak peek, gallery, album or film, how far it is, and by when it was promised; the couple and that supplier see it';
comment on column public.photo_deliveries.standing is 'Beside the stage: delayed keeps the reason of the newest promise, on_hold why nothing is done just now';
comment on column public.photo_deliveries.promises is 'Every day it was promised for, oldest first: {promised_on, at, reason}; a later day has a reason';
comment on column public.photo_deliveries.promised_at is 'When the promise that holds was made; the window that the supplier is reminded in begins then, or with the wedding';
comment on column public.photo_deliveries.gallery_hint is 'How the couple gets in, in words; never a password';
comment on column public.photo_deliveries.warned_at is 'When the supplier was told that seven tenths of the window have passed; a new promise empties it';
create unique index photo_deliveries_id on public.photo_deliveries (id);
create index photo_deliveries_link on public.photo_deliveries (wedding_id, link_id);
create index photo_deliveries_open on public.photo_deliveries (promised_on)
  where overdue_at is null and delivered_at is null and promised_on is not null;
create trigger bump before update on public.photo_deliveries for each row execute function app.bump();
-- The couple only notes that they have seen it, which the action keeps to; what there is and how far is the supplier's.
call app.protect('public.photo_deliveries', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$link_id = (select app.link())$$);
drop policy updatable on public.photo_deliveries;
create policy updatable on public.photo_deliveries for update to wedsync_user
  using (link_id = (select app.link()) or ((select app.write_mask()) & 512) <> 0)
  with check (link_id = (select app.link()) or ((select app.write_mask()) & 512) <> 0);
grant update on public.photo_deliveries to wedsync_recorder;
reset role;

set role wedsync_recorder;

-- When the supplier is reminded: seven tenths of the way from the promise, or from the wedding where that is later, to the end of the promised
-- day. What was promised for before the wedding (the engagement's pictures) has nothing to do with its date.
create function app.photo_alert_at(p_promised_at timestamptz, p_promised_on date, p_wedding_on date, p_zone text) returns timestamptz
language sql immutable set search_path = '' as $$
  select w.starts + (w.ends - w.starts) * 0.7 from (
    select greatest(p_promised_at, case when p_wedding_on <= p_promised_on then timezone(p_zone, p_wedding_on + time '00:00') end) as starts,
      timezone(p_zone, (p_promised_on + 1) + time '00:00') as ends) w;
$$;

-- What the clock has to say something about: promised, not handed over, and late or becoming so. A link that ended and a wedding that was
-- cancelled promise nothing any more.
create function app.late_photos(p_wedding uuid) returns table (wedding_id uuid, id uuid, is_overdue boolean)
language sql stable set search_path = '' as $$
  select d.wedding_id, d.id, timezone(w.time_zone, (d.promised_on + 1) + time '00:00') <= app.now()
  from public.photo_deliveries d
  join public.weddings w on w.wedding_id = d.wedding_id
  join public.links l on l.wedding_id = d.wedding_id and l.id = d.link_id
  where d.promised_on is not null and d.overdue_at is null and d.delivered_at is null and (p_wedding is null or d.wedding_id = p_wedding)
    and l.status = 'active' and w.date_status <> 'cancelled'
    and (timezone(w.time_zone, (d.promised_on + 1) + time '00:00') <= app.now()
      or (d.warned_at is null and d.stage <> 'ready' and app.photo_alert_at(d.promised_at, d.promised_on, w."on", w.time_zone) <= app.now()));
$$;

create function app.weddings_of_late_photos(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct p.wedding_id from app.late_photos(null) p limit p_limit;
$$;

-- Each is told once of a promise: that it becomes late, and that it is. Returns the nudge, or null when there was nothing to say.
create function app.warn_of_photos(p_wedding uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  with due as (
    select d.id from public.photo_deliveries d
    where d.wedding_id = p_wedding and d.id in (select p.id from app.late_photos(p_wedding) p)
    order by d.id for update skip locked),
  told as (
    update public.photo_deliveries d
    set warned_at = coalesce(d.warned_at, app.now()), overdue_at = case when p.is_overdue then app.now() end
    from due u join app.late_photos(p_wedding) p on p.id = u.id
    where d.wedding_id = p_wedding and d.id = u.id and d.overdue_at is null and d.delivered_at is null
    returning new.id, new.link_id, case when new.overdue_at is null then 'photos.at_risk' else 'photos.overdue' end as type,
      to_jsonb(new) as record, to_jsonb(old) as old_record)
  select jsonb_agg(jsonb_build_object('type', t.type, 'scope', 128, 'link', t.link_id, 'table', 'photo_deliveries', 'id', t.id, 'op', 'UPDATE',
    'record', t.record, 'old', t.old_record)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;
grant execute on function app.weddings_of_late_photos(integer), app.warn_of_photos(uuid) to wedsync_service;
reset role;

-- 59_clients.sql
-- A supplier's own clients, as its books or its CRM know them, and the lists they came in with (home: the supplier). No wedding and no other
-- supplier ever sees them; who a couple is stays the supplier's until the couple joins (link_id).
set role wedsync_owner;

create table public.clients (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  stage text not null default 'enquiry' check (stage in ('enquiry', 'held', 'booked', 'fulfilled', 'completed', 'cancelled')),
  wedding_on date,
  source text not null default '' check (source ~ '^[a-z0-9_]{0,40}$'),
  external_id text check (length(external_id) between 1 and 200),
  wedding_id uuid,
  link_id uuid,
  sealed bytea not null,
  email_index bytea,
  partner_email_index bytea,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete set null (wedding_id, link_id),
  check ((link_id is null) = (wedding_id is null)),
  check (external_id is null or source <> '')
);
comment on table public.clients is 'A couple as the supplier knows it; names, addresses, place and notes are sealed JSON, the two indexes are keyed blind indexes of the e-mails';
comment on column public.clients.external_id is 'What the source (a CRM, a kind of export) calls it; the same there is the same here';
comment on column public.clients.link_id is 'The engagement in the wedding of a couple that has joined';
create unique index clients_source on public.clients (supplier_id, source, external_id) where external_id is not null;
create index clients_by_date on public.clients (supplier_id, (coalesce(wedding_on, date '9999-12-31')), id);
create index clients_email on public.clients (supplier_id, email_index) where email_index is not null;
create index clients_partner_email on public.clients (supplier_id, partner_email_index) where partner_email_index is not null;
create index clients_link on public.clients (wedding_id, link_id) where link_id is not null;
create trigger bump before update on public.clients for each row execute function app.bump();
call app.protect('public.clients', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin', 'system')$$);

create table public.client_imports (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  source text not null default '' check (length(source) <= 60),
  filename text not null default '' check (length(filename) <= 255),
  status text not null default 'pending' check (status in ('pending', 'finished', 'undone')),
  rows integer not null default 0,
  created integer not null default 0,
  updated integer not null default 0,
  skipped integer not null default 0,
  rejected integer not null default 0,
  errors jsonb not null default '[]',
  plan bytea,
  undo bytea,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (supplier_id, id)
);
comment on table public.client_imports is 'One uploaded list of clients; plan (the file and what was chosen) and undo are sealed, errors name cells with values masked';
create trigger bump before update on public.client_imports for each row execute function app.bump();
call app.protect('public.client_imports', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$,
  $$(select app.role()) in ('owner', 'admin', 'system')$$, false);
reset role;

-- 60_spine.sql
-- The spine's tables: streams, events, subscriptions, deliveries, jobs, attempts, and what guards them.
set role wedsync_owner;

create table public.streams (
  id uuid primary key,
  kind text not null check (kind in ('wedding', 'supplier', 'person', 'platform')),
  epoch integer not null default 1,
  top bigint not null default 0
) with (fillfactor = 50);
comment on table public.streams is 'The ordered log of one tenant object; top is the newest seq; epoch is new after a restore';

create table public.event_types (
  type text primary key check (type ~ '^[a-z_]+\.[a-z_]+$'),
  lane smallint not null default 2 check (lane between 0 and 3),
  acknowledge boolean not null default false
);
comment on table public.event_types is 'What record needs to know of a type; written from the catalogue by the migrator';
create table public.reaction_types (
  name text not null,
  type text not null references public.event_types on delete cascade,
  condition jsonpath,
  is_merged boolean not null default false,
  primary key (name, type)
);
comment on table public.reaction_types is 'Which reactions a type owes; written from the nouns'' reactions by the migrator';
comment on column public.reaction_types.condition is 'What the fact (op, record, old, link…) must fulfil; null = always';
comment on column public.reaction_types.is_merged is 'It looks at what stands: one that waits serves all facts of its stream';
create index reaction_types_type on public.reaction_types (type);

create table public.events (
  stream_id uuid not null,
  seq bigint not null,
  recorded_at timestamptz not null default clock_timestamp(),
  id uuid not null,
  epoch integer not null,
  type text not null,
  version smallint not null default 1,
  scope integer not null,
  link_id uuid,
  membership_id uuid,
  subject_table text not null,
  subject_id uuid not null,
  op text not null check (op in ('INSERT', 'UPDATE', 'DELETE')),
  record jsonb,
  old_record jsonb,
  actor_kind text not null,
  actor_id uuid,
  cause uuid not null,
  bulk boolean not null default false,
  occurred_at timestamptz not null,
  primary key (stream_id, seq, recorded_at)
) partition by range (recorded_at);
comment on table public.events is 'A recorded fact about one changed row; payloads live here once; density of seq rests on the stream lock';
create index events_subject on public.events (stream_id, subject_table, subject_id, seq);
create index events_id on public.events (id);

create table public.endpoints (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  url text not null check (length(url) between 8 and 2000),
  description text not null default '' check (length(description) <= 300),
  events text[] not null default '{*}' check (cardinality(events) <= 50),
  secret_sealed bytea not null,
  old_secrets jsonb not null default '[]',
  header_names text[] not null default '{}' check (cardinality(header_names) <= 20),
  auth jsonb not null default '{"kind": "none"}',
  credentials_sealed bytea,
  state text not null default 'active' check (state in ('active', 'paused', 'disabled')),
  state_reason text not null default '' check (length(state_reason) <= 300),
  mode text not null default 'parallel' check (mode in ('parallel', 'ordered', 'latest')),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz
);
comment on table public.endpoints is 'A webhook destination of a wedding or a supplier; secrets sealed, shown once';
comment on column public.endpoints.events is 'What goes there that no rule takes; may be empty where there are rules';
comment on column public.endpoints.mode is 'parallel; ordered: one event of a stream after the other; latest: of one row only the newest that is not sent yet';
comment on column public.endpoints.auth is 'What may be seen of how we prove who we are; kind none, api_key, basic, bearer, oauth2 or mtls';
comment on column public.endpoints.credentials_sealed is 'Values of its own headers and the secrets of auth, one sealed text; null = none';
create index endpoints_tenant on public.endpoints (tenant_id);
create trigger bump before update on public.endpoints for each row execute function app.bump();
call app.protect('public.endpoints', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$,
  $$((select app.write_mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$, false);
grant update on public.endpoints to wedsync_recorder;

create table public.destinations (
  id uuid primary key,
  tenant_id uuid not null,
  connector text not null,
  max_in_flight smallint not null default 4 check (max_in_flight between 1 and 64),
  not_before timestamptz not null default '-infinity',
  state text not null default 'active' check (state in ('active', 'parked')),
  per_min integer check (per_min between 1 and 1000000),
  rate_share double precision not null default 1 check (rate_share between 0 and 1),
  rate_at timestamptz not null default '-infinity',
  tokens double precision,
  tokens_at timestamptz,
  breaker_failures integer not null default 0,
  breaker_until timestamptz,
  breaker_openings integer not null default 0,
  breaker_from timestamptz,
  breaker_results integer not null default 0,
  breaker_failed integer not null default 0,
  breaker_slow integer not null default 0
) with (fillfactor = 50);
comment on table public.destinations is 'What the claim locks: in-flight cap, rate limit and breaker move not_before; id = endpoint id, or one per channel';
comment on column public.destinations.per_min is 'Deliveries a minute; null = WEDSYNC_DELIVERIES_PER_MIN. What all tenants share (mail, reactions, work) has no rate';
comment on column public.destinations.rate_share is 'What the receiver has left of the rate by 429, 502 and 504, as of rate_at; a tenth comes back each minute';
comment on column public.destinations.tokens is 'Of the bucket, as of tokens_at; null = full. It holds a minute of the rate';
comment on column public.destinations.breaker_until is 'Open until then, afterwards half open: one probe at a time; null = closed. See wedsync/kit/breaker.py';
comment on column public.destinations.breaker_from is 'When the window of results began; null = nothing bad was seen';
grant select, insert, update on public.destinations to wedsync_recorder;

create table public.subscriptions (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  destination_id uuid not null references public.destinations,
  connector text not null,
  patterns text[] not null,
  mode text not null default 'parallel' check (mode in ('parallel', 'ordered', 'latest')),
  active boolean not null default true,
  position integer not null default 2147483647,
  condition jsonpath,
  lane smallint check (lane between 1 and 3),
  shape jsonb,
  quiet jsonb,
  since timestamptz not null default clock_timestamp(),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.subscriptions is 'Who wants which event types (SQL like patterns), where to. tenant = wedding, or supplier: then every stream its active links open';
comment on column public.subscriptions.position is 'Of those of one destination the first that matches takes the event; an endpoint''s own list is the last';
comment on column public.subscriptions.condition is 'What the fact (op, record, old, severity) must fulfil; null = always';
comment on column public.subscriptions.lane is 'The lane of what it takes; null = by type, severity and how near the wedding is';
comment on column public.subscriptions.shape is 'A field map whose result is sent as data; null = the event as it is';
comment on column public.subscriptions.quiet is 'When nothing but the urgent leaves: {zone, from, until, days}; null = never';
create index subscriptions_tenant on public.subscriptions (tenant_id) where active;
create trigger bump before update on public.subscriptions for each row execute function app.bump();
call app.protect('public.subscriptions', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$,
  $$((select app.write_mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$);
grant select, insert, update on public.subscriptions to wedsync_recorder;

create table public.heads (
  destination_id uuid not null references public.destinations on delete cascade,
  stream_id uuid not null,
  seq bigint not null,
  primary key (destination_id, stream_id)
) with (fillfactor = 50);
comment on table public.heads is 'The last seq owed to a destination per stream, by whichever rule: what the next delivery names as previous_sequence';

create table public.deliveries (
  id uuid not null,
  made_at timestamptz not null,
  tenant_id uuid not null,
  connector text not null,
  destination_id uuid not null,
  subscription_id uuid,
  stream_id uuid,
  seq bigint,
  event_id uuid,
  event_at timestamptz,
  type text not null,
  link_id uuid,
  previous_seq bigint,
  recipient_kind text check (recipient_kind in ('person', 'guest', 'address')),
  recipient_id uuid,
  sealed bytea,
  lane smallint not null,
  state text not null default 'pending' check (state in ('pending', 'in_flight', 'deferred', 'parked', 'delivered', 'superseded', 'filtered',
    'expired', 'cancelled', 'revoked', 'dead')),
  reason text not null default '',
  attempts integer not null default 0,
  next_at timestamptz,
  expires_at timestamptz,
  done_at timestamptz,
  replay_of uuid,
  is_test boolean not null default false,
  as_new boolean not null default false,
  primary key (id, made_at)
) partition by range (made_at);
comment on table public.deliveries is 'One event owed to one subscription or person; the durable ledger, one row each for ever until retention';
comment on column public.deliveries.is_test is 'Somebody asked for it to see it arrive: a past event once more, or without an event a made-up example, kept in the job''s args while that lives';
comment on column public.deliveries.as_new is 'A replay that the receiver must not take for a repeat: its webhook-id is its own';
create index deliveries_tenant on public.deliveries (tenant_id, made_at desc);
create index deliveries_event on public.deliveries (event_id);
create index deliveries_open on public.deliveries (destination_id, state) where state in ('parked', 'dead');

create table public.jobs (
  id uuid primary key,
  kind text not null check (kind in ('delivery', 'reaction', 'work')),
  name text not null default '',
  lane smallint not null default 2 check (lane between 0 and 3),
  tenant_id uuid not null,
  destination_id uuid not null,
  order_key uuid,
  order_seq bigint not null default 0,
  is_latest boolean not null default false,
  made_at timestamptz not null default clock_timestamp(),
  event_id uuid,
  args jsonb,
  run_at timestamptz not null default clock_timestamp(),
  attempt smallint not null default 0,
  live_until timestamptz,
  expires_at timestamptz,
  lease_token uuid,
  lease_until timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
comment on table public.jobs is 'Live work only, deleted when terminal: deliveries (id = delivery id), reactions, work (imports). order_key set = in order_seq order per destination';
create index jobs_ready on public.jobs (lane, run_at) where lease_token is null;
create index jobs_lease on public.jobs (lease_until) where lease_token is not null;
create index jobs_busy on public.jobs (destination_id) where lease_token is not null;
comment on column public.jobs.is_latest is 'Mode latest: unsent, it gives way to a newer job of its order (the same subscription, stream and row)';
-- Order is per destination, key and name: two reactions of one stream do not wait for each other.
create index jobs_order on public.jobs (destination_id, order_key, name, order_seq) where order_key is not null;

create table public.attempts (
  id uuid not null default uuidv7(),
  made_at timestamptz not null default clock_timestamp(),
  delivery_id uuid not null,
  tenant_id uuid not null,
  number integer not null,
  outcome text not null,
  status integer,
  detail text not null default '' check (length(detail) <= 2000),
  response_head text not null default '' check (length(response_head) <= 8192),
  address text not null default '',
  resolve_ms real,
  first_byte_ms real,
  total_ms real,
  is_late boolean not null default false,
  started_at timestamptz not null,
  primary key (id, made_at)
) partition by range (made_at);
comment on table public.attempts is 'One try of a delivery: recorded in the statement that advances its state, or marked late';
create index attempts_delivery on public.attempts (delivery_id, number);

create table public.socket_positions (
  key bytea primary key,
  stream_id uuid not null,
  epoch integer not null,
  seq bigint not null,
  updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
comment on table public.socket_positions is 'The last position a socket confirmed, kept ten minutes so that a reconnect misses nothing';

create table public.security_events (
  id uuid not null default uuidv7(),
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  tenant_id uuid,
  actor_id uuid,
  address text not null default '',
  detail jsonb not null default '{}',
  primary key (id, at)
) partition by range (at);
comment on table public.security_events is 'Refusals and sign-ins, with addresses; never a secret';

create table public.access_log (
  tenant_id uuid not null,
  link_id uuid not null,
  scope integer not null,
  source text not null,
  slot timestamptz not null,
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  times integer not null default 1,
  primary key (tenant_id, link_id, scope, source, slot)
) partition by range (slot);
comment on table public.access_log is 'Who read what: one row per link, scope, source and five minutes';

-- Events, deliveries, attempts and subscriptions are read by the rule; only definer functions write the spine.
do $$
declare t text;
begin
  foreach t in array array['streams', 'event_types', 'reaction_types', 'events', 'destinations', 'heads', 'deliveries', 'jobs', 'attempts',
    'socket_positions', 'security_events', 'access_log'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('alter table public.%I force row level security', t);
    execute format('create policy recorder on public.%I for all to wedsync_recorder using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on public.%I to wedsync_recorder', t);
  end loop;
end $$;

create policy gate on public.events as restrictive for all to wedsync_user using (stream_id = (select app.tenant()));
create policy readable on public.events for select to wedsync_user using (
  case
    when link_id is not null then link_id = (select app.link()) or ((select app.mask()) & 512) <> 0
    when membership_id is not null then membership_id = (select app.membership()) or ((select app.mask()) & 512) <> 0
    else ((select app.mask()) & scope) <> 0
  end);
grant select on public.events to wedsync_user;
create policy gate on public.streams as restrictive for all to wedsync_user using (id = (select app.tenant()));
create policy readable on public.streams for select to wedsync_user using (true);
grant select on public.streams to wedsync_user;
create policy gate on public.destinations as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.destinations for select to wedsync_user using (
  ((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system'));
grant select (id, tenant_id, connector, not_before, state, per_min, rate_share, rate_at, breaker_failures, breaker_until, breaker_openings)
  on public.destinations to wedsync_user;
create policy gate on public.deliveries as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.deliveries for select to wedsync_user using (
  ((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin'));
grant select (id, made_at, tenant_id, connector, destination_id, subscription_id, stream_id, seq, event_id, type, previous_seq, recipient_kind,
  recipient_id, lane, state, reason, attempts, next_at, expires_at, done_at, replay_of, as_new, is_test) on public.deliveries to wedsync_user;
create policy gate on public.attempts as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.attempts for select to wedsync_user using (
  ((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin'));
grant select on public.attempts to wedsync_user;
create policy gate on public.access_log as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.access_log for select to wedsync_user using (((select app.mask()) & 512) <> 0);
grant select on public.access_log to wedsync_user;

-- Partitions: monthly, made three months ahead by the clock and by every migration; children carry the parent's protection.
create function app.make_partitions(p_until date default (current_date + 100)) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  t text;
  m date;
  child text;
  made integer := 0;
begin
  foreach t in array array['events', 'deliveries', 'attempts', 'security_events', 'access_log'] loop
    m := date_trunc('month', current_date - interval '1 month')::date;
    while m <= p_until loop
      child := format('%s_%s', t, to_char(m, 'YYYYMM'));
      if to_regclass('public.' || child) is null then
        execute format('create table public.%I partition of public.%I for values from (%L) to (%L)', child, t, m, (m + interval '1 month')::date);
        execute format('alter table public.%I enable row level security', child);
        execute format('alter table public.%I force row level security', child);
        made := made + 1;
      end if;
      m := (m + interval '1 month')::date;
    end loop;
  end loop;
  return made;
end $$;
select app.make_partitions();
grant execute on function app.make_partitions(date) to wedsync_service;
reset role;

-- 61_rules.sql
-- Rules: which events go to which endpoint, in which lane, in which shape. What is decided about a fact is decided by the functions here, for
-- app.owe_facts as it records and for whoever asks afterwards why.
set role wedsync_owner;

alter table public.endpoints add constraint endpoints_home unique (tenant_id, id);
alter table public.events add column is_severe boolean not null default false;
comment on column public.events.is_severe is 'Whoever recorded it said so: one lane more urgent than its type';

create table public.rules (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  endpoint_id uuid not null,
  name text not null check (length(name) between 1 and 120),
  position integer not null,
  types text[] not null check (cardinality(types) between 1 and 50),
  conditions jsonb not null default '[]' check (jsonb_typeof(conditions) = 'array'),
  lane smallint check (lane between 1 and 3),
  mode text not null default 'parallel' check (mode in ('parallel', 'ordered', 'latest')),
  shape jsonb,
  quiet jsonb,
  is_active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  foreign key (tenant_id, endpoint_id) references public.endpoints (tenant_id, id)
);
comment on table public.rules is 'When these types, under this condition, in this lane, to this endpoint, in this shape; the first that matches takes the event';
comment on column public.rules.lane is 'Named by its tenant; 0, before everybody else''s, is only computed: by type, severity and nearness';
comment on column public.rules.position is 'Among the rules of its endpoint, lowest first';
create index rules_tenant on public.rules (tenant_id) where deleted_at is null;
create index rules_endpoint on public.rules (tenant_id, endpoint_id);
create trigger bump before update on public.rules for each row execute function app.bump();
call app.protect('public.rules', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$,
  $$((select app.write_mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$, false);
reset role;

set role wedsync_recorder;

-- `rsvp.*` as like wants it.
create function app.like_patterns(p_events text[]) returns text[] language sql immutable parallel safe set search_path = '' as $$
  select array(select replace(replace(x, '_', '\_'), '*', '%') from unnest(p_events) with ordinality as u(x, n) order by n);
$$;

-- The four below become part of the statement that asks: no settings, no sub-selects.
-- May who is linked by this mask hear of a fact? No mask = the stream's own tenant, who hears all of it.
create function app.hears(p_mask integer, p_link uuid, p_scope integer, p_fact_link uuid, p_fact_membership uuid) returns boolean
language sql immutable parallel safe
  return case when p_mask is null then true when p_fact_link is not null then p_fact_link = p_link when p_fact_membership is not null then false
    else p_mask & p_scope <> 0 end;

-- A fact as a link may see it: what a row was before it came to that link is asked of by no condition either.
create function app.fact_for(p_fact jsonb, p_link uuid) returns jsonb language sql immutable parallel safe
  return case when p_link is not null and p_fact ->> 'op' = 'UPDATE'
      and ((p_fact -> 'old' ->> 'link_id') is distinct from (p_fact -> 'record' ->> 'link_id')
        or (p_fact -> 'old' ->> 'membership_id') is distinct from (p_fact -> 'record' ->> 'membership_id'))
    then p_fact || '{"op": "INSERT", "old": null}' else p_fact end;

create function app.holds(p_condition jsonpath, p_fact jsonb) returns boolean language sql immutable parallel safe
  return p_condition is null or coalesce(jsonb_path_match(p_fact, p_condition, '{}', true), false);

-- The rule's lane if it names one (never 0: no tenant goes before others by its own word); else the type's, one more urgent near the wedding, and one more for what is severe.
create function app.lane_for(p_own smallint, p_type smallint, p_is_near boolean, p_is_severe boolean) returns smallint
language sql immutable parallel safe
  return coalesce(p_own, greatest(0, p_type - p_is_near::integer - p_is_severe::integer)::smallint);

-- When the quiet hours that a moment lies in are over, the next ones being part of them where they follow at once; null where it lies in none.
-- p_quiet: {zone, from, until, days}: local times, `until` on the next day if it is not after `from`; days = on which they begin (1 = Monday).
create function app.quiet_until(p_quiet jsonb, p_at timestamptz) returns timestamptz
language plpgsql stable set search_path = '' as $$
declare
  v_zone text := p_quiet ->> 'zone';
  v_from time := (p_quiet ->> 'from')::time;
  v_until time := (p_quiet ->> 'until')::time;
  v_at timestamptz := p_at;
  v_end timestamptz;
begin
  for v_step in 1..8 loop
    select max((d.day + v_until + case when v_until <= v_from then interval '1 day' else interval '0' end) at time zone v_zone) into v_end
      from (select (v_at at time zone v_zone)::date - n as day from generate_series(0, 1) n) d
      where (p_quiet -> 'days' is null or p_quiet -> 'days' @> to_jsonb(extract(isodow from d.day)::integer))
        and v_at >= (d.day + v_from) at time zone v_zone
        and v_at < (d.day + v_until + case when v_until <= v_from then interval '1 day' else interval '0' end) at time zone v_zone;
    exit when v_end is null;
    v_at := v_end;
  end loop;
  return nullif(v_at, p_at);
end $$;

-- Until when quiet hours hold a delivery, by the clock that jobs run by: their end, or the beginning of the last day before the wedding.
create function app.held_until(p_quiet jsonb, p_stream uuid) returns timestamptz
language plpgsql stable set search_path = '' as $$
declare
  v_now timestamptz := app.now();
  v_until timestamptz := app.quiet_until(p_quiet, v_now);
  v_near timestamptz;
begin
  if v_until is null then return null; end if;
  select min(d.live_from) - interval '24 hours' into v_near from public.wedding_days d
    where d.wedding_id = p_stream and d.live_from - interval '24 hours' > v_now;
  return clock_timestamp() + (least(v_until, v_near) - v_now) / app.speed();
end $$;

-- A rule becomes a subscription of the ledger, with its conditions as the application has compiled them.
create function app.connect_rule(p_rule uuid, p_condition text) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
begin
  select x.id, x.tenant_id, x.endpoint_id, x.types, x.mode, x.is_active, x.position, x.lane, x.shape, x.quiet, x.deleted_at into r
    from public.rules x where x.id = p_rule and x.tenant_id = app.tenant();
  if not found or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.subscriptions as s (id, tenant_id, destination_id, connector, patterns, mode, active, position, condition, lane, shape, quiet)
    values (r.id, r.tenant_id, r.endpoint_id, 'webhook', app.like_patterns(r.types), r.mode, r.is_active and r.deleted_at is null, r.position,
      p_condition::jsonpath, r.lane, r.shape, r.quiet)
    on conflict (id) do update set destination_id = excluded.destination_id, patterns = excluded.patterns, mode = excluded.mode,
      active = excluded.active, position = excluded.position, condition = excluded.condition, lane = excluded.lane, shape = excluded.shape,
      quiet = excluded.quiet, since = case when s.active then s.since else clock_timestamp() end;
end $$;
grant execute on function app.connect_rule(uuid, text) to wedsync_user;
reset role;

-- 62_inbox.sql
-- Connections and the inbox: who may send to us, and what they sent. A row is committed before the sender is told that we have it.
set role wedsync_owner;

create table public.connections (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  connector text not null check (connector ~ '^[a-z_]{2,40}$'),
  title text not null default '' check (length(title) <= 200),
  scheme text not null check (length(scheme) <= 40),
  settings jsonb not null default '{}' check (length(settings::text) <= 65536),
  sealed bytea not null,
  state text check (state in ('draft', 'connecting', 'active', 'degraded', 'needs_reconnect', 'paused', 'disconnected')),
  state_reason text not null default '' check (length(state_reason) <= 500),
  state_at timestamptz,
  account_key bytea check (length(account_key) = 16),
  connected_by uuid,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  unique (tenant_id, id)
);
comment on table public.connections is 'One account of one tenant at one provider, or a source of hooks; sealed JSON of the secrets its hooks are verified with, the current one and those that hold beside it for a while';
comment on column public.connections.state is 'Of an account; null = only a source of hooks';
comment on column public.connections.account_key is 'Keyed blind index of the connector and the account''s id there';
create unique index connections_account on public.connections (tenant_id, account_key) where state <> 'disconnected' and deleted_at is null;
create unique index connections_draft on public.connections (tenant_id, connector) where state = 'draft' and deleted_at is null;
-- A wedding's own hook has one address for all weddings, so it must be found by the wedding.
create unique index connections_couples on public.connections (tenant_id) where connector = 'couples' and deleted_at is null;
create trigger bump before update on public.connections for each row execute function app.bump();
-- Everybody of a business sees how its accounts are; who may send hooks is its owner's and admins'.
call app.protect('public.connections', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (state is not null and (select app.role()) = 'member')$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.inbox_hooks (
  id uuid primary key,
  tenant_id uuid not null,
  source_id uuid not null,
  connector text not null,
  dedupe_key text not null check (length(dedupe_key) between 1 and 200),
  number bigint generated by default as identity,
  received_at timestamptz not null default clock_timestamp(),
  headers jsonb not null default '{}',
  sealed bytea not null,
  verified_by text not null,
  status text not null default 'received' check (status in ('received', 'applied', 'proposed', 'ignored', 'failed')),
  error text not null default '' check (length(error) <= 1000),
  type text not null default '' check (length(type) <= 200),
  processed_at timestamptz,
  replays integer not null default 0,
  unique (source_id, dedupe_key)
);
comment on table public.inbox_hooks is 'Hooks received and verified: sealed body, allow-listed headers, what came of it. source = connection, or the wedding for the couples'' hook; not partitioned, because a repeat is known by its key for as long as the row is kept';
create index inbox_hooks_tenant on public.inbox_hooks (tenant_id, received_at desc, id);
create index inbox_hooks_received on public.inbox_hooks (received_at);
call app.protect('public.inbox_hooks', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
revoke insert on public.inbox_hooks from wedsync_user;
grant insert, update, delete on public.inbox_hooks to wedsync_recorder;
grant usage on sequence public.inbox_hooks_number_seq to wedsync_recorder;
-- Never updated by it: whoever holds a row while it keeps what the row's secret signed must be allowed to.
grant update (id, state, state_reason, state_at) on public.connections to wedsync_recorder;

alter table public.destinations no force row level security;
insert into public.destinations (id, tenant_id, connector, max_in_flight) values
  ('00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000000', 'work', 16);
alter table public.destinations force row level security;
reset role;

set role wedsync_recorder;
-- What the inbound door must know of a source before anybody has proved anything; couples are found by their wedding.
create function app.hook_source(p_connector text, p_id uuid)
returns table (id uuid, tenant_id uuid, scheme text, settings jsonb, sealed bytea, version integer)
language sql stable security definer set search_path = '' as $$
  select c.id, c.tenant_id, c.scheme, c.settings, c.sealed, c.version from public.connections c
  where c.connector = p_connector and c.deleted_at is null and case when p_connector = 'couples' then c.tenant_id = p_id else c.id = p_id end
    and coalesce(c.state, 'active') not in ('draft', 'disconnected');
$$;

create function app.is_wedding(p_id uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.weddings w where w.wedding_id = p_id);
$$;

-- Verified hooks of any number of requests, each with its job, in one statement and one commit; parallel arrays, one place an element, `p_request`
-- says to which request it belongs. A repeat is answered with the id that the first one has. Jobs of one source run in the order of arrival: a
-- later state must not be overwritten by an earlier one.
-- A request was verified with the secrets of one version of its connection (null where it was the platform's): if that is no longer the one, its
-- elements are not kept and not answered. The lock waits for whoever is changing the connection, and looks at it anew after them (a key share would not: it takes
-- the row as it was before an update that leaves its key).
create function app.receive_hooks(p_request integer[], p_tenant uuid[], p_source uuid[], p_connection uuid[], p_version integer[],
  p_connector text[], p_verified_by text[], p_id uuid[], p_key text[], p_headers text[], p_sealed bytea[])
returns table (request integer, id uuid, is_new boolean)
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan as $$
begin
  return query
  with held as materialized (
    select c.id, c.version from public.connections c
    where c.id = any (p_connection) and c.deleted_at is null
    order by c.id for share),
  told as materialized (
    select f.*, nextval('public.inbox_hooks_number_seq') as number
    from unnest(p_request, p_tenant, p_source, p_connection, p_version, p_connector, p_verified_by, p_id, p_key, p_headers, p_sealed)
      with ordinality as f(request, tenant, source, connection, version, connector, verified_by, id, key, headers, sealed, n)
    where f.connection is null or exists (select from held h where h.id = f.connection and h.version = f.version)),
  made as (
    insert into public.inbox_hooks as h (id, tenant_id, source_id, connector, dedupe_key, number, headers, sealed, verified_by)
    -- In the order of the keys, so that two who bring the same repeats do not wait for each other.
    select distinct on (t.source, t.key) t.id, t.tenant, t.source, t.connector, t.key, t.number, t.headers::jsonb, t.sealed, t.verified_by
      from told t order by t.source, t.key, t.n
    -- The row that is there is touched, not skipped: only so is its id given back, also when it is being committed at this moment.
    on conflict (source_id, dedupe_key) do update set source_id = excluded.source_id
    returning h.id, h.source_id, h.dedupe_key, h.number, h.tenant_id),
  owed as (
    insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, args)
    select uuidv7(), 'work', 'hooks', 1, m.tenant_id, '00000000-0000-7000-8000-000000000004', m.source_id, m.number,
        jsonb_build_object('hook_id', m.id)
      from made m where m.id in (select t.id from told t))
  select t.request, m.id, m.id = t.id from told t join made m on m.source_id = t.source and m.dedupe_key = t.key order by t.n;
end $$;

-- A received hook of the entered tenant is worked on once more.
create function app.owe_hook(p_hook uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.write_mask() & 512 = 0 then raise exception 'forbidden' using errcode = 'WS403'; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, args)
    select uuidv7(), 'work', 'hooks', 1, h.tenant_id, '00000000-0000-7000-8000-000000000004', h.source_id, h.number,
      jsonb_build_object('hook_id', h.id)
    from public.inbox_hooks h where h.id = p_hook and h.tenant_id = app.tenant();
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
end $$;

-- What a supplier's hook proposes goes to a wedding it is linked to: inside enter_job, as the system in the place of that link, seeing what it
-- sees and writing nothing but what is its own. Null where it has no such link.
create function app.enter_job_link(p_job uuid, p_lease uuid, p_link uuid) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  l record;
begin
  select x.wedding_id, x.id, x.mask into l
    from public.jobs j join public.links x on x.supplier_id = j.tenant_id and x.id = p_link and x.status = 'active'
    where j.id = p_job and j.lease_token = p_lease and j.lease_until > clock_timestamp() and j.kind = 'work';
  if not found then return null; end if;
  perform app.settle(null, 'system', l.wedding_id, 'supplier', l.mask, 0, l.id);
  raise info 'entered % % %', l.wedding_id, l.id, l.mask;
  return l.wedding_id;
end $$;

create function app.forget_hooks(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.inbox_hooks h where h.received_at < clock_timestamp() - make_interval(days => p_days);
  get diagnostics n = row_count;
  return n;
end $$;

grant execute on function app.hook_source(text, uuid), app.is_wedding(uuid), app.owe_hook(uuid),
  app.receive_hooks(integer[], uuid[], uuid[], uuid[], integer[], text[], text[], uuid[], text[], text[], bytea[]),
  app.enter_job_link(uuid, uuid, uuid) to wedsync_user;
grant execute on function app.forget_hooks(integer) to wedsync_service;
reset role;

-- 63_accounts.sql
-- Accounts at providers: their credentials, how they are, what was said between us, and the consents that are under way.
-- Who writes more than one of these takes them in this order: connection_accounts, connection_health, connections, streams.
set role wedsync_owner;

create table public.connection_accounts (
  connection_id uuid primary key,
  tenant_id uuid not null,
  account_sealed bytea,
  credentials_sealed bytea,
  expires_at timestamptz,
  refreshed_at timestamptz,
  tried_at timestamptz,
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.connection_accounts is 'Which account it is (sealed JSON of its id and title there) and the credentials we hold of it (sealed JSON); these are wiped when it is disconnected, all of it when it is removed';
comment on column public.connection_accounts.tried_at is 'Then the next token was asked for in vain: whoever waited meanwhile does not ask once more';
comment on column public.connection_accounts.expires_at is 'Of the access token; null = it does not end by itself';
create index connection_accounts_tenant on public.connection_accounts (tenant_id, connection_id);
call app.protect('public.connection_accounts', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.connection_health (
  connection_id uuid primary key,
  tenant_id uuid not null,
  failures integer not null default 0,
  ok_at timestamptz,
  failed_at timestamptz,
  what text not null default '' check (length(what) <= 80),
  reason text not null default '' check (length(reason) <= 500),
  window_at timestamptz not null default clock_timestamp(),
  window_ok integer not null default 0,
  window_failed integer not null default 0,
  before_ok integer not null default 0,
  before_failed integer not null default 0,
  checked_at timestamptz not null default '-infinity',
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade
) with (fillfactor = 50);
comment on table public.connection_health is 'How an account does by its own traffic: failures in a row, and what five minutes and the five before brought; machine time';
create index connection_health_tenant on public.connection_health (tenant_id, connection_id);
call app.protect('public.connection_health', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) = 'member'$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.connection_health to wedsync_recorder;

create table public.connection_log (
  id bigint generated by default as identity primary key,
  tenant_id uuid not null,
  connection_id uuid not null,
  what text not null check (length(what) <= 80),
  word text not null check (length(word) <= 40),
  reason text not null default '' check (length(reason) <= 500),
  times integer not null default 1,
  began_at timestamptz not null default clock_timestamp(),
  at timestamptz not null default clock_timestamp(),
  actor_id uuid,
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.connection_log is 'What was said between us and the provider, and what people did: the same thing again counts in one row; the newest 200 of each connection';
create index connection_log_tenant on public.connection_log (tenant_id, connection_id);
create index connection_log_connection on public.connection_log (connection_id, id desc);
create index connection_log_what on public.connection_log (connection_id, what, id desc);
call app.protect('public.connection_log', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, null);
grant insert, update, delete on public.connection_log to wedsync_recorder;

create table public.connection_consents (
  id uuid primary key,
  tenant_id uuid not null,
  connection_id uuid not null,
  person_id uuid not null,
  session_id uuid not null,
  state_hash bytea not null unique check (length(state_hash) = 32),
  verifier_sealed bytea not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.connection_consents is 'Somebody was sent to a provider to say yes: the state we gave with them (hashed), whose session it was, and the sealed PKCE verifier; ten minutes, used once';
create index connection_consents_expires on public.connection_consents (expires_at);
create index connection_consents_tenant on public.connection_consents (tenant_id, connection_id);
call app.protect('public.connection_consents', 'tenant_id', 'false', $$((select app.write_mask()) & 512) <> 0$$, false);
revoke select, update on public.connection_consents from wedsync_user;
grant update, delete on public.connection_consents to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- An account for our own traffic with its provider: enters its tenant as the system, whoever asks; nothing but an account of that tenant opens it.
create function app.enter_account(p_connection uuid, p_tenant uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform from public.connections c where c.id = p_connection and c.tenant_id = p_tenant and c.state is not null and c.deleted_at is null;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(null, 'system', p_tenant, 'system', 2047, 2047);
end $$;

-- The account as it is now, for one exchange with its provider.
create function app.account(p_connection uuid, p_tenant uuid)
returns table (connector text, settings jsonb, state text, state_reason text, hooks_sealed bytea, credentials_sealed bytea, expires_at timestamptz,
  refreshed_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select c.connector, c.settings, c.state, c.state_reason, c.sealed, a.credentials_sealed, a.expires_at, a.refreshed_at
  from public.connections c join public.connection_accounts a on a.connection_id = c.id
  where c.id = p_connection and c.tenant_id = p_tenant and c.state is not null and c.deleted_at is null;
$$;

-- Used once, by the session that began it, in time; null is every other case, which nobody is told apart.
create function app.take_consent(p_state_hash bytea, p_person uuid, p_session uuid)
returns table (id uuid, tenant_id uuid, connection_id uuid, verifier_sealed bytea)
language sql volatile security definer set search_path = '' as $$
  update public.connection_consents c set used_at = clock_timestamp()
  where c.state_hash = p_state_hash and c.person_id = p_person and c.session_id = p_session and c.used_at is null and c.expires_at > clock_timestamp()
  returning c.id, c.tenant_id, c.connection_id, c.verifier_sealed;
$$;

-- Something was said or done. The same as the last time counts in its row, so that what goes well for weeks is one.
create function app.note_connection(p_connection uuid, p_what text, p_word text, p_reason text, p_times integer default 1) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_tenant uuid := app.tenant();
begin
  if app.write_mask() & 512 = 0 then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform from public.connections c where c.id = p_connection and c.tenant_id = v_tenant;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  update public.connection_log l set times = l.times + p_times, at = clock_timestamp()
    where l.id = (select n.id from public.connection_log n where n.connection_id = p_connection and n.what = p_what
        order by n.id desc limit 1) and l.word = p_word and l.reason = p_reason and l.actor_id is not distinct from app.actor();
  if found then return; end if;
  insert into public.connection_log (tenant_id, connection_id, what, word, reason, actor_id, times)
    values (v_tenant, p_connection, p_what, p_word, p_reason, app.actor(), p_times);
  delete from public.connection_log l
    where l.connection_id = p_connection
      and l.id <= (select n.id from public.connection_log n where n.connection_id = p_connection order by n.id desc offset 200 limit 1);
end $$;

-- What a window of five minutes has become at this moment: 0 as it was, 1 the one before, 2 long ago.
create function app.windows_over(p_window_at timestamptz, p_now timestamptz) returns integer
language sql immutable set search_path = ''
  return case when p_window_at > p_now - interval '5 minutes' then 0 when p_window_at > p_now - interval '10 minutes' then 1 else 2 end;

-- A wedding is live, or a business works at one that is.
create function app.is_tenant_live(p_tenant uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.wedding_days d where app.now() between d.live_from and d.live_until
    and (d.wedding_id = p_tenant or exists (select from public.links l
      where l.wedding_id = d.wedding_id and l.supplier_id = p_tenant and l.status = 'active')));
$$;

-- So many exchanges ended so: 1 well, -1 not, 0 says nothing of the account. Enters the account's tenant as the system; what follows from it is decided
-- by connections.accounts.model, which is given all it asks for.
create function app.hear_account(p_connection uuid, p_tenant uuid, p_what text, p_word text, p_reason text, p_sign integer, p_times integer)
returns table (state text, failures integer, ok integer, failed integer, is_live boolean)
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  perform app.enter_account(p_connection, p_tenant);
  perform app.note_connection(p_connection, p_what, p_word, p_reason, p_times);
  return query
  with told as (
    update public.connection_health h set what = p_what, reason = case when p_sign < 0 then p_reason when p_sign > 0 then '' else h.reason end,
      failures = case p_sign when 1 then 0 when -1 then h.failures + p_times else h.failures end,
      ok_at = case when p_sign = 1 then v_now else h.ok_at end, failed_at = case when p_sign = -1 then v_now else h.failed_at end,
      window_at = case when x.over = 0 then h.window_at else v_now end,
      before_ok = case x.over when 0 then h.before_ok when 1 then h.window_ok else 0 end,
      before_failed = case x.over when 0 then h.before_failed when 1 then h.window_failed else 0 end,
      window_ok = case when x.over = 0 then h.window_ok else 0 end + (p_sign = 1)::integer * p_times,
      window_failed = case when x.over = 0 then h.window_failed else 0 end + (p_sign = -1)::integer * p_times
    from (select y.connection_id, app.windows_over(y.window_at, v_now) as over from public.connection_health y
      where y.connection_id = p_connection for update) x
    where h.connection_id = x.connection_id and h.tenant_id = p_tenant
    returning h.failures, h.window_ok + h.before_ok as ok, h.window_failed + h.before_failed as failed)
  select c.state, t.failures, t.ok, t.failed, p_sign = -1 and app.is_tenant_live(c.tenant_id)
  from told t, public.connections c where c.id = p_connection;
end $$;

-- The image of a connection that events and answers show.
create function app.connection_image(c public.connections) returns jsonb
language sql immutable set search_path = ''
  return to_jsonb(c) - '{sealed,account_key}'::text[];

-- The same rule as connections.accounts.model.is_sick; a test holds them against each other.
create function app.is_sick(p_failures integer, p_ok integer, p_failed integer, p_is_live boolean) returns boolean
language sql immutable set search_path = ''
  return p_failures >= case when p_is_live then 2 else 3 end or (p_failed >= 4 and p_failed > p_ok);

-- Called by the clock: every account that was not judged for 30 seconds (10 where its tenant is live) is judged by its traffic, all tenants in one
-- statement. An account that is being heard of at this moment is left for the next round. Returns the nudges.
create function app.judge_connections() returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_facts jsonb;
begin
  with live as materialized (
    select d.wedding_id as tenant_id from public.wedding_days d where app.now() between d.live_from and d.live_until
    union
    select l.supplier_id from public.wedding_days d join public.links l on l.wedding_id = d.wedding_id and l.status = 'active'
      where app.now() between d.live_from and d.live_until and l.supplier_id is not null),
  due as materialized (
    select h.connection_id, c.state, h.reason, l.tenant_id is not null as is_live, app.windows_over(h.window_at, v_now) as over,
      h.failures, h.window_ok, h.window_failed, h.before_ok, h.before_failed
    from public.connection_health h
    join public.connections c on c.id = h.connection_id and c.state in ('active', 'degraded') and c.deleted_at is null
    left join live l on l.tenant_id = h.tenant_id
    where h.checked_at <= v_now - case when l.tenant_id is null then interval '30 seconds' else interval '10 seconds' end
    order by h.connection_id for update of h skip locked),
  judged as materialized (
    select d.connection_id, d.state, d.reason, d.is_live, app.is_sick(d.failures,
      case d.over when 0 then d.window_ok + d.before_ok when 1 then d.window_ok else 0 end,
      case d.over when 0 then d.window_failed + d.before_failed when 1 then d.window_failed else 0 end, d.is_live) as is_sick
    from due d),
  checked as (
    update public.connection_health h set checked_at = v_now from judged j where h.connection_id = j.connection_id),
  moved as (
    update public.connections c set state = case when j.is_sick then 'degraded' else 'active' end, state_at = app.now(),
      state_reason = case when j.is_sick then j.reason else '' end
    from judged j
    where c.id = j.connection_id and c.state = j.state and j.is_sick <> (j.state = 'degraded')
    returning new.id, new.tenant_id, new.state, app.connection_image(new) as record, app.connection_image(old) as old_record)
  select jsonb_agg(jsonb_build_object('tenant', m.tenant_id, 'type',
      case when m.state = 'active' then 'connection.mended' else 'connection.changed' end, 'scope', 512, 'table', 'connections', 'id', m.id,
      'op', 'UPDATE', 'record', m.record, 'old', m.old_record)) into v_facts from moved m;
  if v_facts is not null then return query select t.nudge from app.tell_tenants(v_facts) as t(nudge); end if;
end $$;

create function app.forget_consents() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.connection_consents c where c.expires_at < clock_timestamp() - interval '1 day';
  get diagnostics n = row_count;
  return n;
end $$;

grant execute on function app.enter_account(uuid, uuid), app.account(uuid, uuid), app.take_consent(bytea, uuid, uuid),
  app.note_connection(uuid, text, text, text, integer), app.hear_account(uuid, uuid, text, text, text, integer, integer), app.connection_image(public.connections) to wedsync_user;
grant execute on function app.judge_connections(), app.forget_consents() to wedsync_service;
reset role;

-- 63_chat.sql
-- Channels of weddings in chat programs, and the messages in them. Home: whose workspace it is, a couple's or a supplier's.
set role wedsync_owner;

create table public.chats (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  connection_id uuid not null,
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid,
  name text not null check (length(name) between 1 and 80),
  is_private boolean not null default true,
  state text not null default 'opening' check (state in ('opening', 'active', 'paused', 'failed', 'closed')),
  reason text not null default '' check (length(reason) <= 500),
  remote_id text not null default '' check (length(remote_id) <= 255),
  people integer not null default 0 check (people >= 0),
  strangers integer not null default 0 check (strangers >= 0),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade,
  foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete cascade
);
comment on table public.chats is 'A channel of one wedding in a connected workspace: with a link it hears exactly what that link may see, without one it is the couple''s own';
comment on column public.chats.remote_id is 'The channel''s id there; empty until it is made';
comment on column public.chats.people is 'Who was to be invited; strangers of them have no account in the workspace, or could not be';
create unique index chats_one on public.chats (connection_id, wedding_id) where state not in ('closed', 'failed');
create index chats_wedding on public.chats (wedding_id) where state in ('opening', 'active');
create index chats_tenant on public.chats (tenant_id, created_at desc);
create trigger bump before update on public.chats for each row execute function app.bump();
call app.protect('public.chats', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) = 'member'$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant update on public.chats to wedsync_recorder;

create table public.chat_messages (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null,
  chat_id uuid not null,
  about text not null check (length(about) <= 200),
  remote_id text not null default '' check (length(remote_id) <= 255),
  sealed bytea,
  pressed_by text not null default '' check (length(pressed_by) <= 100),
  changed_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  unique (chat_id, about),
  foreign key (tenant_id, chat_id) references public.chats (tenant_id, id) on delete cascade
);
comment on table public.chat_messages is 'The message of one matter in a channel, changed in place when the matter changes; sealed: what it says now';
comment on column public.chat_messages.pressed_by is 'Who confirmed it there, as that program mentions people';
create index chat_messages_tenant on public.chat_messages (tenant_id, chat_id);
call app.protect('public.chat_messages', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update (sealed) on public.chat_messages to wedsync_recorder;

create sequence public.chat_orders;
grant usage on sequence public.chat_orders to wedsync_recorder;
reset role;

-- 63_mailing.sql
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

-- 63_marketing.sql
-- Marketing accounts of suppliers: who agreed to be written to (a ledger), the audience that is kept in step, its members and campaigns.
set role wedsync_owner;

create table public.marketing_consents (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  client_id uuid,
  sealed bytea not null,
  act text not null check (act in ('given', 'withdrawn')),
  method text not null check (method in ('page', 'api', 'provider')),
  wording text not null default '' check (length(wording) <= 1000),
  source text not null default '' check (length(source) <= 300),
  connection_id uuid,
  made_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  foreign key (supplier_id, client_id) references public.clients (supplier_id, id) on delete set null (client_id),
  check (act = 'withdrawn' or wording <> '')
);
comment on table public.marketing_consents is 'Who agreed to marketing mail of a supplier, to exactly which words, and when it was taken back: a ledger, only ever added to. The last act for an address holds';
comment on column public.marketing_consents.sealed is 'The address: another address of the same client has agreed to nothing';
comment on column public.marketing_consents.connection_id is 'The account at which they unsubscribed, were reported or bounced';
create index marketing_consents_made on public.marketing_consents (supplier_id, created_at, id);
create index marketing_consents_client on public.marketing_consents (supplier_id, client_id) where client_id is not null;
-- Written by app.add_marketing_consent alone, so that nobody changes or takes away what was said.
call app.protect('public.marketing_consents', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$, null, false);
grant insert, update (sealed) on public.marketing_consents to wedsync_recorder;

create table public.marketing_audiences (
  id uuid primary key,
  tenant_id uuid not null,
  list_id text not null default '' check (length(list_id) <= 100),
  title text not null default '' check (length(title) <= 300),
  is_on boolean not null default true,
  has_templates boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  foreign key (tenant_id, id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.marketing_audiences is 'A connected marketing account (id = the connection''s) and the list there that is kept in step; nothing leaves until a list is chosen';
create trigger bump before update on public.marketing_audiences for each row execute function app.bump();
call app.protect('public.marketing_audiences', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.marketing_progress (
  audience_id uuid primary key,
  tenant_id uuid not null,
  lists jsonb not null default '[]',
  cursor_at text not null default '' check (length(cursor_at) <= 100),
  pending text not null default '' check (length(pending) <= 200),
  pokes bigint not null default 0,
  pulls_wanted bigint not null default 1,
  pulls_done bigint not null default 0,
  hook_asked_at timestamptz,
  reports_at timestamptz,
  asked_on date,
  asked integer not null default 0,
  failures integer not null default 0,
  not_before timestamptz,
  next_poll_at timestamptz not null default clock_timestamp(),
  synced_at timestamptz,
  outcome text not null default 'waiting' check (outcome in ('waiting', 'done', 'held', 'later', 'quota', 'failed', 'reconnect')),
  reason text not null default '' check (length(reason) <= 1000),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade
) with (fillfactor = 50);
comment on table public.marketing_progress is 'How far an audience is kept in step: the engine''s own notes, and for people how fresh it is';
comment on column public.marketing_progress.pending is 'A batch that the provider is still working on; what it holds is in members that are sending';
comment on column public.marketing_progress.asked is 'Questions of this day in UTC, where the provider lets all of us ask only so many';
create index marketing_progress_due on public.marketing_progress (next_poll_at);
call app.protect('public.marketing_progress', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.marketing_progress to wedsync_recorder;

create table public.marketing_members (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  audience_id uuid not null,
  client_id uuid,
  state text not null check (state in ('sending', 'there', 'refused', 'out')),
  reason text not null default '' check (length(reason) <= 300),
  begun text[] not null default '{}',
  sealed bytea not null,
  changed_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade,
  foreign key (tenant_id, client_id) references public.clients (supplier_id, id) on delete set null (client_id)
);
comment on table public.marketing_members is 'What we have put into an audience: of each address what was sent, sealed. out: unsubscribed there, by whichever side';
comment on column public.marketing_members.begun is 'Milestones whose journeys were begun, noted before they are asked for';
create index marketing_members_tenant on public.marketing_members (tenant_id, audience_id, changed_at desc);
create index marketing_members_client on public.marketing_members (tenant_id, client_id) where client_id is not null;
call app.protect('public.marketing_members', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);
grant update on public.marketing_members to wedsync_recorder;

create table public.marketing_triggers (
  tenant_id uuid not null,
  audience_id uuid not null,
  milestone text not null check (milestone ~ '^[a-z][a-z_]{1,40}$'),
  place text not null check (length(place) between 1 and 100),
  primary key (audience_id, milestone),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade
);
comment on table public.marketing_triggers is 'Which milestone starts which journey there; every milestone is a tag beside';
create index marketing_triggers_tenant on public.marketing_triggers (tenant_id, audience_id);
call app.protect('public.marketing_triggers', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);

create table public.marketing_milestones (
  tenant_id uuid not null references public.suppliers on delete cascade,
  client_id uuid not null,
  milestone text not null check (milestone ~ '^[a-z][a-z_]{1,40}$'),
  reached_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, client_id, milestone),
  foreign key (tenant_id, client_id) references public.clients (supplier_id, id) on delete cascade
);
comment on table public.marketing_milestones is 'Milestones that a client''s wedding has reached, as they were told: they become tags, and may start a journey once';
call app.protect('public.marketing_milestones', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, null, false);
grant insert on public.marketing_milestones to wedsync_recorder;

create table public.marketing_templates (
  tenant_id uuid not null,
  audience_id uuid not null,
  name text not null check (name ~ '^[a-z][a-z_]{1,40}$'),
  remote_id text not null check (length(remote_id) between 1 and 100),
  digest text not null check (length(digest) <= 64),
  pushed_at timestamptz not null default clock_timestamp(),
  primary key (audience_id, name),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade
);
comment on table public.marketing_templates is 'Which of our templates is which there, and the digest of what it said when it was last written';
create index marketing_templates_tenant on public.marketing_templates (tenant_id, audience_id);
call app.protect('public.marketing_templates', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.marketing_campaigns (
  tenant_id uuid not null,
  audience_id uuid not null,
  remote_id text not null check (length(remote_id) between 1 and 100),
  title text not null check (length(title) <= 300),
  sent_at timestamptz not null,
  sends integer not null default 0,
  opens integer not null default 0,
  clicks integer not null default 0,
  bounces integer not null default 0,
  unsubscribes integer not null default 0,
  complaints integer not null default 0,
  as_of timestamptz not null,
  primary key (audience_id, remote_id),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade
);
comment on table public.marketing_campaigns is 'What became of each campaign, in the same numbers for every provider: people, not openings';
create index marketing_campaigns_sent on public.marketing_campaigns (tenant_id, audience_id, sent_at desc);
call app.protect('public.marketing_campaigns', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create sequence public.marketing_pokes;
grant usage on sequence public.marketing_pokes to wedsync_recorder;
reset role;

-- 64_calendars.sql
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
grant delete on public.sync_runs to wedsync_recorder;

create sequence public.calendar_pokes;
grant usage on sequence public.calendar_pokes to wedsync_recorder;
reset role;

-- 65_feeds.sql
-- Feeds: calendars we publish, one signed address each, showing what their maker may see (home: the wedding or the supplier).
set role wedsync_owner;

create table public.feeds (
  id uuid not null default uuidv7(),
  tenant_id uuid not null references public.streams on delete cascade,
  person_id uuid not null references public.persons,
  title text not null default '' check (length(title) <= 120),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  read_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, id)
);
comment on table public.feeds is 'A calendar feed: its address is its id, signed, so nothing here opens it; it shows what person_id may see, for as long as they may';
comment on column public.feeds.read_at is 'When a calendar last asked, to the hour';
create unique index feeds_id on public.feeds (id);
create index feeds_person on public.feeds (person_id);
create trigger bump before update on public.feeds for each row execute function app.bump();
-- Their own for everybody; who runs the wedding or the business sees all of it, and ends them.
call app.protect('public.feeds', 'tenant_id',
  $$person_id = (select app.actor()) or (select app.role()) in ('couple', 'owner', 'admin')$$, $$person_id = (select app.actor())$$, false);
create policy ended on public.feeds for update to wedsync_user
  using ((select app.role()) in ('couple', 'owner', 'admin')) with check ((select app.role()) in ('couple', 'owner', 'admin'));
-- Whoever may end a feed may not make it another person's, which would show them what that person sees.
revoke update on public.feeds from wedsync_user;
grant update (tenant_id, revoked_at) on public.feeds to wedsync_user;
grant update on public.feeds to wedsync_recorder;
reset role;

-- 66_records.sql
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
comment on column public.record_progress.sends_from is 'Clients added before are not sent to a CRM that only takes in';
comment on column public.record_progress.pulls_wanted is 'Raised by whoever knows of a change there; a run that pulls writes what it saw of it into pulls_done';
comment on column public.record_progress.mapped_version is 'The version of its map by which what was read stands in record_items; another one now means that all of it is read by the map anew';
comment on column public.record_progress.missing is 'Fields of ours that a map read before and that the CRM does not name any more';
create index record_progress_due on public.record_progress (next_poll_at);
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

-- 66_records_handed.sql
-- What CRMs hand out beside jobs: galleries, which move the photo deliveries of the couple's wedding, and what was said with a couple, which only the
-- supplier reads. What of that is shared with the couple is a row of another table, whose home is the wedding.
set role wedsync_owner;

create table public.record_galleries (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  book_id uuid not null,
  remote_key bytea not null,
  record_key bytea not null,
  delivery_id uuid,
  sealed bytea not null,
  is_dirty boolean not null default true,
  reason text not null default '' check (length(reason) <= 500),
  changed_at timestamptz not null default clock_timestamp(),
  unique (book_id, remote_key),
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade
);
comment on table public.record_galleries is 'A gallery of a CRM, sealed, and the photo delivery of the couple''s wedding that it is; record_key finds the job it belongs to';
comment on column public.record_galleries.delivery_id is 'In the wedding''s home; null until it was taken over there';
comment on column public.record_galleries.reason is 'Why it could not be taken over, for the supplier';
create index record_galleries_dirty on public.record_galleries (book_id) where is_dirty;
create index record_galleries_tenant on public.record_galleries (tenant_id, book_id, changed_at desc);
call app.protect('public.record_galleries', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant update on public.record_galleries to wedsync_recorder;

create table public.record_messages (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  book_id uuid not null,
  remote_key bytea not null,
  record_key bytea not null,
  sealed bytea not null,
  said_at timestamptz not null,
  changed_at timestamptz not null default clock_timestamp(),
  unique (book_id, remote_key),
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade
);
comment on table public.record_messages is 'What was said with a couple or noted of it in a CRM, sealed: the supplier''s alone, whatever the couple''s wedding shares';
create index record_messages_record on public.record_messages (book_id, record_key, said_at desc);
create index record_messages_tenant on public.record_messages (tenant_id, said_at desc);
call app.protect('public.record_messages', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);
grant update on public.record_messages to wedsync_recorder;

create table public.messages (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  source_id uuid not null,
  sealed bytea not null,
  said_at timestamptz not null,
  shared_by uuid,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, link_id, source_id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id)
);
comment on table public.messages is 'Scope core, of one link: what a supplier has shared with the couple of its correspondence, sealed; both read it, and nobody else';
comment on column public.messages.source_id is 'The message of the supplier''s CRM that it was when it was shared; what changes there since is not shared by itself';
create unique index messages_id on public.messages (id);
create trigger bump before update on public.messages for each row execute function app.bump();
call app.protect('public.messages', 'wedding_id', $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$link_id = (select app.link())$$);
grant update on public.messages to wedsync_recorder;
reset role;

-- 67_market.sql
-- The public door of a business: its page and what couples ask there (home: the supplier). Anybody reads a published page and asks by it;
-- what was asked is the business's alone, as its clients are.
set role wedsync_owner;

create table public.listings (
  supplier_id uuid primary key references public.suppliers on delete cascade,
  id uuid generated always as (supplier_id) stored,
  slug text not null constraint listings_slug unique check (slug ~ '^[a-z0-9](?:[a-z0-9-]{1,60}[a-z0-9])$'),
  is_published boolean not null default false,
  takes_enquiries boolean not null default true,
  tagline text not null default '' check (length(tagline) <= 160),
  place text not null default '' check (length(place) <= 200),
  about text not null default '' check (length(about) <= 4000),
  portfolio jsonb not null default '[]' check (jsonb_typeof(portfolio) = 'array' and jsonb_array_length(portfolio) <= 12),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.listings is 'The public page of a business, off until it is published; its name and category are the business''s';
comment on column public.listings.portfolio is 'Links to its work: [{"title", "url"}]';
create trigger bump before update on public.listings for each row execute function app.bump();
call app.protect('public.listings', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin')$$, false);

create table public.enquiries (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  form_key uuid not null,
  source text not null default 'marketplace' check (source ~ '^[a-z_]{2,40}$'),
  state text not null default 'received' check (state in ('received', 'answered', 'declined')),
  wedding_on date,
  client_id uuid,
  attributed_until timestamptz,
  sends_copy boolean not null default true,
  sealed bytea not null,
  received_at timestamptz not null default app.now(),
  settled_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (supplier_id, form_key),
  foreign key (supplier_id, client_id) references public.clients (supplier_id, id) on delete set null (client_id),
  check ((state = 'received') = (settled_at is null))
);
comment on table public.enquiries is 'What a couple asked on a business''s page; who they are, what they wrote and what they were answered is sealed JSON';
comment on column public.enquiries.form_key is 'Of the form that was sent: sent twice, it is one enquiry';
comment on column public.enquiries.attributed_until is 'Until then what they book began here; null = the business knew them before they asked';
comment on column public.enquiries.sends_copy is 'Whether the address they gave is told that it was passed on; nobody is mailed often by strangers who type it';
create index enquiries_by_time on public.enquiries (supplier_id, received_at desc, id desc);
create index enquiries_waiting on public.enquiries (supplier_id) where state = 'received';
create index enquiries_client on public.enquiries (supplier_id, client_id) where client_id is not null;
create trigger bump before update on public.enquiries for each row execute function app.bump();
call app.protect('public.enquiries', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin', 'system')$$, false);
-- An enquiry comes in by app.enquire alone.
revoke insert on public.enquiries from wedsync_user;
drop policy insertable on public.enquiries;
grant insert on public.enquiries to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- The public page by slug: nothing but what the business published.
create function app.listing(p_slug text)
returns table (supplier_id uuid, name text, category text, website text, slug text, takes_enquiries boolean, tagline text, place text, about text,
  portfolio jsonb)
language sql stable security definer set search_path = '' as $$
  select l.supplier_id, s.name, s.category, s.website, l.slug, l.takes_enquiries, l.tagline, l.place, l.about, l.portfolio
  from public.listings l join public.suppliers s on s.supplier_id = l.supplier_id
  where l.slug = p_slug and l.is_published;
$$;

-- The first of these addresses that no other business has; null where all are taken. It may be taken a moment later: the unique key decides.
create function app.free_slug(p_wanted text[]) returns text
language sql stable security definer set search_path = '' as $$
  select w.slug from unnest(p_wanted) with ordinality as w(slug, n)
  where not exists (select from public.listings l where l.slug = w.slug and l.supplier_id is distinct from app.tenant())
  order by w.n limit 1;
$$;

-- Somebody whom nobody knows asks by a published page: enters the business as just that, and may do nothing there but this. No row where the
-- same form came before.
create function app.enquire(p_slug text, p_id uuid, p_form_key uuid, p_on date, p_sends_copy boolean, p_sealed bytea)
returns table (id uuid, record jsonb)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_supplier uuid;
begin
  select l.supplier_id into v_supplier from public.listings l where l.slug = p_slug and l.is_published and l.takes_enquiries;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(null, 'anonymous', v_supplier, 'enquirer', 0, 0);
  return query insert into public.enquiries as q (id, supplier_id, form_key, wedding_on, sends_copy, sealed)
    values (p_id, v_supplier, p_form_key, p_on, p_sends_copy, p_sealed)
    on conflict (supplier_id, form_key) do nothing
    returning q.id, to_jsonb(q) - 'form_key';
end $$;

-- THE rule of what we may take a share of: the engagement began with an enquiry on the business's page, and the link was made while that enquiry
-- counts (180 days). A client whom the business had before, or brought in, has no such enquiry and is free for ever.
create function app.attribution_of_link(p_supplier uuid, p_link uuid)
returns table (enquiry_id uuid, source text, began_at timestamptz, ends_at timestamptz)
language sql stable set search_path = '' as $$
  select q.id, q.source, q.received_at, q.attributed_until
  from public.clients c
  join public.links l on l.wedding_id = c.wedding_id and l.id = c.link_id
  join public.enquiries q on q.supplier_id = c.supplier_id and q.client_id = c.id
  where c.supplier_id = p_supplier and c.link_id = p_link and l.created_at >= q.received_at and l.created_at < q.attributed_until
    and not exists (select from public.clients o where o.supplier_id = p_supplier and o.link_id = p_link and o.created_at < c.created_at)
  order by q.received_at limit 1;
$$;
grant execute on function app.listing(text), app.free_slug(text[]), app.enquire(text, uuid, uuid, date, boolean, bytea) to wedsync_user;
reset role;

-- 67_onboardings.sql
-- How far somebody has come who sets a business up here (home: the supplier): only what nothing else tells. What is there (a calendar, clients,
-- a wedding) is read where it stands.
set role wedsync_owner;
create table public.onboardings (
  supplier_id uuid primary key references public.suppliers on delete cascade,
  id uuid generated always as (supplier_id) stored,
  done text[] not null default '{}',
  skipped text[] not null default '{}',
  finished_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.onboardings is 'Setting a business up: which steps were said to be done or skipped; no row = nobody has begun';
create trigger bump before update on public.onboardings for each row execute function app.bump();
call app.protect('public.onboardings', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin')$$, false);
reset role;

-- 68_invitations.sql
-- Invitations: a supplier invites a client's couple by mail (home: the supplier), and who brought whom here (home: the
-- wedding). Who takes no more of these mails stands in 63_mailing.sql. The functions stand in 82_invitations.sql.
set role wedsync_owner;

create table public.invitations (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  client_id uuid not null,
  state text not null default 'queued' check (state in ('queued', 'sent', 'opened', 'joined', 'declined', 'bounced', 'suppressed', 'expired', 'withdrawn')),
  reason text not null default '' check (length(reason) <= 60),
  wedding_on date,
  mails smallint not null default 0 check (mails between 0 and 2),
  next_at timestamptz,
  expires_at timestamptz not null,
  sent_at timestamptz,
  delivered_at timestamptz,
  opened_at timestamptz,
  reminded_at timestamptz,
  ended_at timestamptz,
  complained_at timestamptz,
  wedding_id uuid,
  link_id uuid,
  sealed bytea not null,
  token_hash bytea not null unique check (length(token_hash) = 32),
  couple_index bytea[] not null check (cardinality(couple_index) between 1 and 2),
  delivery_id uuid,
  delivery_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  check ((link_id is null) = (wedding_id is null)),
  check ((state in ('queued', 'sent', 'opened')) = (ended_at is null)),
  check ((delivery_id is null) = (delivery_at is null))
);
comment on table public.invitations is 'A couple invited by a supplier that has it as a client; sealed is what was known of it (names, addresses, date, place)';
comment on column public.invitations.couple_index is 'Keyed blind indexes of the couple''s addresses, alike for all suppliers; the first is the one that is written to';
comment on column public.invitations.mails is 'At most two: the invitation and one reminder';
comment on column public.invitations.next_at is 'When somebody looks whether a mail is due; null: no more mails';
comment on column public.invitations.link_id is 'The engagement that came of it, or the request to a couple that was here already';
-- One that waits or is open for each client: whoever adds a second at the same time is refused.
create unique index invitations_open on public.invitations (supplier_id, client_id) where ended_at is null;
create unique index invitations_id on public.invitations (id);
create index invitations_due on public.invitations (next_at) where ended_at is null and next_at is not null;
create index invitations_expiring on public.invitations (expires_at) where ended_at is null;
create index invitations_mailed on public.invitations (delivery_at) where delivery_id is not null and delivered_at is null and ended_at is null;
create index invitations_couple on public.invitations using gin (couple_index);
create index invitations_client on public.invitations (supplier_id, client_id);
create index invitations_link on public.invitations (link_id) where link_id is not null;
create trigger bump before update on public.invitations for each row execute function app.bump();
call app.protect('public.invitations', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin', 'system')$$, false);
grant insert, update on public.invitations to wedsync_recorder;

create table public.invitation_styles (
  supplier_id uuid primary key references public.suppliers on delete cascade,
  id uuid generated always as (supplier_id) stored,
  colour text not null default '#2f4a3a' check (colour ~ '^#[0-9a-f]{6}$'),
  words text not null default '' check (length(words) <= 1000),
  signature text not null default '' check (length(signature) <= 200),
  address text not null default '' check (length(address) <= 300),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.invitation_styles is 'How a supplier''s invitations look: its colour, its own words, who signs, and the postal address that a mail must name';
create trigger bump before update on public.invitation_styles for each row execute function app.bump();
call app.protect('public.invitation_styles', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin')$$, false);

create table public.joins (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  joined text not null check (joined in ('couple', 'supplier')),
  joined_id uuid not null,
  brought_by text not null check (brought_by in ('couple', 'supplier')),
  brought_by_id uuid not null,
  first_supplier_id uuid references public.suppliers on delete set null,
  joined_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (joined, joined_id)
);
comment on table public.joins is 'Who brought whom: a supplier a couple (joined_id is the wedding), a couple a supplier that was not here before';
comment on column public.joins.brought_by_id is 'The supplier, or the wedding of the couple';
comment on column public.joins.first_supplier_id is 'The supplier with whom the chain began; null where a couple came by itself';
create index joins_first_supplier on public.joins (first_supplier_id) where first_supplier_id is not null;
call app.protect('public.joins', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, null);
grant insert on public.joins to wedsync_recorder;
-- Who a client is stays the supplier's; that it has joined is known where the couple answers.
grant update on public.clients to wedsync_recorder;
reset role;

-- 69_payments.sql
-- Payments between a couple and one supplier (home: the wedding, of one link), what the provider said of them, and the commission ledger (home:
-- the supplier). The money goes to the supplier's own account; we keep an application fee, and only where the engagement began in our marketplace.
set role wedsync_owner;

create table public.payments (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  kind text not null check (kind in ('deposit', 'instalment', 'balance', 'extra')),
  title text not null default '' check (length(title) <= 120),
  amount_minor bigint not null check (amount_minor between 1 and 100000000000),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  due_on date,
  note text not null default '' check (length(note) <= 1000),
  status text not null default 'requested' check (status in ('requested', 'cancelled', 'part_paid', 'paid', 'part_refunded', 'refunded', 'disputed')),
  way text not null default '' check (way in ('', 'online', 'outside')),
  outside_minor bigint not null default 0 check (outside_minor >= 0),
  received_minor bigint not null default 0 check (received_minor >= 0),
  refunded_minor bigint not null default 0 check (refunded_minor >= 0),
  disputed_minor bigint not null default 0 check (disputed_minor >= 0),
  lost_minor bigint not null default 0 check (lost_minor >= 0),
  received_at timestamptz,
  reminded_at timestamptz,
  overdue_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  check (outside_minor + refunded_minor + disputed_minor + lost_minor <= received_minor),
  check ((received_minor > 0) = (received_at is not null)),
  check ((way = '') = (received_at is null))
);
comment on table public.payments is 'What one supplier asks the couple to pay by when, and what became of it; of one link: the couple and that supplier see it, nobody else';
comment on column public.payments.disputed_minor is 'Under dispute now; lost_minor went back to the payer by disputes that were lost';
comment on column public.payments.way is 'online: through the supplier''s account at the provider; outside: the supplier noted that it had come';
comment on column public.payments.outside_minor is 'Of what was received, that which the supplier noted: a transfer, cash';
comment on column public.payments.reminded_at is 'When the couple was reminded that its day comes close; another day empties it, and overdue_at';
create unique index payments_id on public.payments (id);
create index payments_link on public.payments (wedding_id, link_id);
create index payments_due on public.payments (due_on) where overdue_at is null and status in ('requested', 'part_paid') and due_on is not null;
create trigger bump before update on public.payments for each row execute function app.bump();
call app.protect('public.payments', 'wedding_id', $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$link_id = (select app.link())$$, false);
grant update on public.payments to wedsync_recorder;

create table public.payment_checkouts (
  id uuid primary key default uuidv7(),
  wedding_id uuid not null,
  payment_id uuid not null,
  amount_minor bigint not null,
  expires_at timestamptz not null,
  session text not null default '' check (length(session) <= 255),
  url text not null default '' check (length(url) <= 2048),
  opened_at timestamptz not null default clock_timestamp(),
  foreign key (wedding_id, payment_id) references public.payments (wedding_id, id) on delete cascade
);
comment on table public.payment_checkouts is 'Pages of the provider that the couple was sent to, its id our idempotency key: while one is open it is opened again, so that nobody pays twice';
create index payment_checkouts_payment on public.payment_checkouts (wedding_id, payment_id, expires_at);
call app.protect('public.payment_checkouts', 'wedding_id', $$((select app.mask()) & 512) <> 0 or payment_id in (select p.id from public.payments p)$$,
  $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.payout_accounts (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  connection_id uuid not null,
  connector text not null check (connector ~ '^[a-z_]{2,40}$'),
  account text not null check (length(account) between 1 and 255),
  may_charge boolean,
  may_pay_out boolean,
  said_at timestamptz,
  ended_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (connector, account, supplier_id),
  foreign key (supplier_id, connection_id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.payout_accounts is 'The account at a payment provider that a supplier is paid into: its id there is no secret, for every hook names it';
comment on column public.payout_accounts.may_charge is 'As the provider said at said_at; null = it has not said so far';
create unique index payout_accounts_open on public.payout_accounts (connector, account) where ended_at is null;
create index payout_accounts_connection on public.payout_accounts (supplier_id, connection_id);
call app.protect('public.payout_accounts', 'supplier_id', $$((select app.mask()) & 512) <> 0$$, $$(select app.role()) = 'system'$$, false);

create table public.payment_terms (
  payment_id uuid not null,
  id uuid generated always as (payment_id) stored,
  supplier_id uuid not null references public.suppliers on delete cascade,
  wedding_id uuid not null,
  link_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  source text not null default '' check (source ~ '^[a-z0-9_]{0,40}$'),
  enquired_at timestamptz,
  rate_bp integer not null default 0 check (rate_bp between 0 and 10000),
  created_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, payment_id),
  check ((rate_bp > 0) <= (source = 'marketplace' and enquired_at is not null))
);
comment on table public.payment_terms is 'What we keep of a payment, as it was when it was asked for: nothing, unless the engagement began in our marketplace. Between us and the supplier; the couple does not see it';
comment on column public.payment_terms.rate_bp is 'Hundredths of a percent of what the supplier keeps';
create unique index payment_terms_payment on public.payment_terms (payment_id);
call app.protect('public.payment_terms', 'supplier_id', $$((select app.mask()) & 512) <> 0$$, null);
-- Never updated by it: who posts to the ledger locks the terms of the payment.
grant insert, update on public.payment_terms to wedsync_recorder;

create table public.payment_movements (
  supplier_id uuid not null references public.suppliers on delete cascade,
  account_id uuid not null,
  id text not null check (length(id) between 1 and 255),
  kind text not null check (kind in ('charge', 'refund', 'dispute', 'fee')),
  intent text not null default '' check (length(intent) <= 255),
  charge text not null default '' check (length(charge) <= 255),
  payment_id uuid,
  status text not null check (status in ('pending', 'inquiry', 'open', 'succeeded', 'failed', 'won', 'lost', 'closed')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor >= 0),
  returned_minor bigint not null default 0 check (returned_minor >= 0),
  said_at timestamptz not null,
  heard_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, account_id, id),
  foreign key (supplier_id, account_id) references public.payout_accounts (supplier_id, id) on delete cascade
);
comment on table public.payment_movements is 'What the provider said of each charge, refund, dispute and fee, merged: whatever came twice or in another order leaves the same row';
comment on column public.payment_movements.returned_minor is 'Of a charge: refunded as it says itself; of a fee: given back to the supplier';
create index payment_movements_intent on public.payment_movements (supplier_id, account_id, intent) where intent <> '';
create index payment_movements_charge on public.payment_movements (supplier_id, account_id, charge) where charge <> '';
create index payment_movements_payment on public.payment_movements (supplier_id, payment_id) where payment_id is not null;
call app.protect('public.payment_movements', 'supplier_id', $$((select app.mask()) & 512) <> 0$$, $$(select app.role()) = 'system'$$, false);

create table public.commission_entries (
  id uuid not null default uuidv7(),
  supplier_id uuid not null,
  payment_id uuid not null,
  number bigint generated by default as identity,
  kind text not null check (kind in ('accrued', 'reversed', 'collected', 'returned')),
  reference text not null default '' check (length(reference) <= 255),
  debit text not null check (debit in ('receivable', 'income', 'provider')),
  credit text not null check (credit in ('receivable', 'income', 'provider')),
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  hook_id uuid,
  at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  check ((kind, debit, credit) in (('accrued', 'receivable', 'income'), ('reversed', 'income', 'receivable'),
    ('collected', 'provider', 'receivable'), ('returned', 'receivable', 'provider')))
);
comment on table public.commission_entries is 'Our commission in double entry, append-only: each row moves one amount from one account to another, so debits and credits are equal whatever is added. A mistake is mended by a row more';
comment on column public.commission_entries.reference is 'Of what the provider took or gave back: its application fee''s id';
create index commission_entries_payment on public.commission_entries (payment_id);
create index commission_entries_reference on public.commission_entries (reference) where reference <> '';
call app.protect('public.commission_entries', 'supplier_id', $$((select app.mask()) & 512) <> 0$$, null);
grant insert on public.commission_entries to wedsync_recorder;
grant usage on sequence public.commission_entries_number_seq to wedsync_recorder;
create function app.keep_commission() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'the commission ledger is only added to' using errcode = 'WS409';
end $$;
create trigger append_only before update or delete on public.commission_entries for each row execute function app.keep_commission();
create trigger append_only_all before truncate on public.commission_entries for each statement execute function app.keep_commission();
reset role;

set role wedsync_recorder;
-- What a payment that is asked for at this moment will cost: decided once, here, whatever the operator charges later.
create function app.agree_terms(p_payment uuid, p_rate_bp integer) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  p record;
  v_at timestamptz;
begin
  select x.wedding_id, x.id, x.link_id, x.currency, l.supplier_id into p
    from public.payments x join public.links l on l.wedding_id = x.wedding_id and l.id = x.link_id
    where x.wedding_id = app.tenant() and x.id = p_payment and x.link_id = app.link();
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  v_at := (select a.began_at from app.attribution_of_link(p.supplier_id, p.link_id) a);
  insert into public.payment_terms (payment_id, supplier_id, wedding_id, link_id, currency, source, enquired_at, rate_bp)
    values (p.id, p.supplier_id, p.wedding_id, p.link_id, p.currency, case when v_at is null then '' else 'marketplace' end, v_at,
      case when v_at is null then 0 else p_rate_bp end);
end $$;

-- Where the couple pays to: nobody but the couple asks this, and it holds nothing that a checkout does not show or need.
create function app.payment_route(p_payment uuid)
returns table (supplier_id uuid, supplier_name text, connection_id uuid, connector text, account text, may_charge boolean, rate_bp integer)
language sql stable security definer set search_path = '' as $$
  select t.supplier_id, s.name, a.connection_id, a.connector, a.account, a.may_charge, t.rate_bp
  from public.payment_terms t
  join public.suppliers s on s.supplier_id = t.supplier_id
  join public.payout_accounts a on a.supplier_id = t.supplier_id and a.ended_at is null
  join public.connections c on c.id = a.connection_id and c.state in ('active', 'degraded') and c.deleted_at is null
  where t.payment_id = p_payment and t.wedding_id = app.tenant() and app.write_mask() & 512 <> 0
  order by a.created_at desc
  limit 1;
$$;

-- Whether the supplier of the entered link can be paid online.
create function app.is_paid_online() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.links l
    join public.payout_accounts a on a.supplier_id = l.supplier_id and a.ended_at is null and a.may_charge is not false
    join public.connections c on c.id = a.connection_id and c.state in ('active', 'degraded') and c.deleted_at is null
    where l.wedding_id = app.tenant() and l.id = app.link());
$$;

-- Whose hook this is, by the account that it names; of one that was disconnected too, for refunds and disputes come long after.
create function app.payout_account(p_connector text, p_account text)
returns table (id uuid, supplier_id uuid, connection_id uuid, is_open boolean)
language sql stable security definer set search_path = '' as $$
  select a.id, a.supplier_id, a.connection_id, a.ended_at is null from public.payout_accounts a
  where a.connector = p_connector and a.account = p_account
  order by a.ended_at is null desc, a.created_at desc
  limit 1;
$$;

-- What the provider said of a supplier's money goes to the payment in the wedding: inside enter_job, as the system in the place of that link,
-- whether or not it is active, for money moves after a link has ended. Null where the supplier has no such payment.
create function app.enter_job_payment(p_job uuid, p_lease uuid, p_payment uuid) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  l record;
begin
  select x.wedding_id, x.id, x.mask into l
    from public.jobs j
    join public.payment_terms t on t.supplier_id = j.tenant_id and t.payment_id = p_payment
    join public.links x on x.wedding_id = t.wedding_id and x.id = t.link_id
    where j.id = p_job and j.lease_token = p_lease and j.lease_until > clock_timestamp() and j.kind = 'work';
  if not found then return null; end if;
  perform app.settle(null, 'system', l.wedding_id, 'supplier', l.mask, 0, l.id);
  return l.wedding_id;
end $$;

-- Brings the ledger to what is so now, by adding what is missing; the same said again adds nothing. p_due: what we are owed of this payment; p_fees:
-- [{id, minor}], what the provider took for us of it and has not given back. Only what a provider said moves it, never a person.
create function app.post_commission(p_payment uuid, p_due bigint, p_fees jsonb, p_hook uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  t record;
  v_posted integer;
begin
  if app.actor_kind() <> 'system' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  -- One at a time of a payment, so that what was added is counted.
  select x.supplier_id, x.currency, x.rate_bp into t from public.payment_terms x where x.payment_id = p_payment for update;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  with posted as (
    select e.reference, sum(case when e.kind in ('accrued', 'collected') then e.amount_minor else -e.amount_minor end) as minor
    from public.commission_entries e where e.payment_id = p_payment group by e.reference),
  wanted as (
    select '' as reference, p_due as minor
    union all
    select f.id, f.minor from jsonb_to_recordset(p_fees) as f(id text, minor bigint)),
  missing as (
    select w.reference, w.minor - coalesce(p.minor, 0) as minor from wanted w left join posted p on p.reference = w.reference)
  insert into public.commission_entries (supplier_id, payment_id, kind, reference, debit, credit, amount_minor, currency, hook_id)
    select t.supplier_id, p_payment, m.kind, m.reference, case m.kind when 'accrued' then 'receivable' when 'reversed' then 'income'
        when 'collected' then 'provider' else 'receivable' end,
      case m.kind when 'accrued' then 'income' when 'reversed' then 'receivable' when 'collected' then 'receivable' else 'provider' end,
      abs(m.minor), t.currency, p_hook
    from (select x.reference, x.minor, case when x.reference = '' then case when x.minor > 0 then 'accrued' else 'reversed' end
      else case when x.minor > 0 then 'collected' else 'returned' end end as kind from missing x where x.minor <> 0) m;
  get diagnostics v_posted = row_count;
  return v_posted;
end $$;

-- For the operator: every account of the ledger with its two sides, what stands between us and each supplier, and each fee as we have it.
create function app.commission_accounts() returns table (currency text, account text, debit_minor numeric, credit_minor numeric)
language sql stable security definer set search_path = '' as $$
  select s.currency, s.account, sum(s.debit), sum(s.credit) from (
    select e.currency, e.debit as account, e.amount_minor as debit, 0 as credit from public.commission_entries e
    union all
    select e.currency, e.credit, 0, e.amount_minor from public.commission_entries e) s
  group by s.currency, s.account order by s.currency, s.account;
$$;

create function app.commission_open() returns table (supplier_id uuid, name text, currency text, due_minor numeric, taken_minor numeric)
language sql stable security definer set search_path = '' as $$
  select e.supplier_id, coalesce(s.name, ''), e.currency,
    sum(case e.kind when 'accrued' then e.amount_minor when 'reversed' then -e.amount_minor else 0 end),
    sum(case e.kind when 'collected' then e.amount_minor when 'returned' then -e.amount_minor else 0 end)
  from public.commission_entries e left join public.suppliers s on s.supplier_id = e.supplier_id
  group by e.supplier_id, s.name, e.currency order by s.name, e.supplier_id, e.currency;
$$;

create function app.commission_fees() returns table (reference text, payment_id uuid, currency text, minor numeric)
language sql stable security definer set search_path = '' as $$
  select e.reference, min(e.payment_id::text)::uuid, e.currency, sum(case e.kind when 'collected' then e.amount_minor else -e.amount_minor end)
  from public.commission_entries e where e.reference <> '' group by e.reference, e.currency order by e.reference;
$$;

grant execute on function app.agree_terms(uuid, integer), app.payment_route(uuid), app.is_paid_online(), app.payout_account(text, text),
  app.enter_job_payment(uuid, uuid, uuid), app.post_commission(uuid, bigint, jsonb, uuid) to wedsync_user;
grant execute on function app.commission_accounts(), app.commission_open(), app.commission_fees() to wedsync_service;
reset role;

-- 69_payments_due.sql
-- Payments whose day comes close or has passed: the clock asks which, and says so once of each day.
set role wedsync_recorder;

-- Three days before the day the couple is reminded, unless it was asked only a day ago; once the day is over where the wedding is, both are told.
-- A link that ended asks for nothing any more, and neither does the wedding that was cancelled.
create function app.due_payments(p_wedding uuid) returns table (wedding_id uuid, id uuid, is_overdue boolean)
language sql stable set search_path = '' as $$
  select p.wedding_id, p.id, timezone(w.time_zone, (p.due_on + 1) + time '00:00') <= app.now()
  from public.payments p
  join public.weddings w on w.wedding_id = p.wedding_id
  join public.links l on l.wedding_id = p.wedding_id and l.id = p.link_id
  where p.due_on is not null and p.overdue_at is null and p.status in ('requested', 'part_paid') and (p_wedding is null or p.wedding_id = p_wedding)
    and l.status = 'active' and w.date_status <> 'cancelled'
    and (timezone(w.time_zone, (p.due_on + 1) + time '00:00') <= app.now()
      or (p.reminded_at is null and timezone(w.time_zone, (p.due_on - 3) + time '00:00') <= app.now()
        and p.created_at <= app.now() - interval '1 day'));
$$;

create function app.weddings_of_due_payments(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct d.wedding_id from app.due_payments(null) d limit p_limit;
$$;

-- Returns the nudge, or null when there was nothing to say.
create function app.remind_of_payments(p_wedding uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  with due as (
    select p.id from public.payments p
    where p.wedding_id = p_wedding and p.id in (select d.id from app.due_payments(p_wedding) d)
    order by p.id for update skip locked),
  told as (
    update public.payments p
    set reminded_at = coalesce(p.reminded_at, app.now()), overdue_at = case when d.is_overdue then app.now() end
    from due u join app.due_payments(p_wedding) d on d.id = u.id
    where p.wedding_id = p_wedding and p.id = u.id and p.overdue_at is null and p.status in ('requested', 'part_paid')
    returning new.id, new.link_id, case when new.overdue_at is null then 'payment.due_soon' else 'payment.overdue' end as type,
      to_jsonb(new) as record, to_jsonb(old) as old_record)
  select jsonb_agg(jsonb_build_object('type', t.type, 'scope', 1, 'link', t.link_id, 'table', 'payments', 'id', t.id, 'op', 'UPDATE',
    'record', t.record, 'old', t.old_record)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;
grant execute on function app.weddings_of_due_payments(integer), app.remind_of_payments(uuid) to wedsync_service;
reset role;

-- 69_venues.sql
-- Spaces of a venue and how many they take (home: the supplier), and which of them it gives to which part of a wedding (home: the wedding).
set role wedsync_owner;

create table public.spaces (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  name text not null check (length(name) between 1 and 120),
  resource_id uuid,
  seated_max integer check (seated_max between 1 and 100000),
  standing_max integer check (standing_max between 1 and 100000),
  note text not null default '' check (length(note) <= 500),
  is_active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  foreign key (supplier_id, resource_id) references public.resources (supplier_id, id),
  check (num_nonnulls(seated_max, standing_max) > 0)
);
comment on table public.spaces is 'A room, garden or barn of a supplier, or several used as one, and how many it takes';
comment on column public.spaces.seated_max is 'Null: nobody is seated there';
comment on column public.spaces.resource_id is 'What is booked when the space is, where it can be booked';
create trigger bump before update on public.spaces for each row execute function app.bump();
call app.protect('public.spaces', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$);

alter table public.record_spaces
  add foreign key (tenant_id, space_id) references public.spaces (supplier_id, id) on delete set null (space_id);
create index record_spaces_space on public.record_spaces (tenant_id, space_id) where space_id is not null;

create table public.space_uses (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  schedule_item_id uuid not null,
  space_id uuid not null,
  name text not null check (length(name) between 1 and 120),
  arrangement text not null check (arrangement in ('seated', 'standing')),
  capacity integer not null check (capacity between 1 and 100000),
  is_over boolean not null default false,
  setup_at time,
  ready_by time,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, schedule_item_id, link_id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  -- The item is taken off the schedule before app.record takes its spaces back and says so.
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) deferrable initially deferred,
  check (setup_at <= ready_by)
);
comment on table public.space_uses is 'Scope core, of one link: the space a venue gives to a schedule item; the couple and that supplier see it. It holds no head count';
comment on column public.space_uses.space_id is 'A row of spaces in the supplier''s home; name and capacity are copies, and stay when the space is changed or removed';
comment on column public.space_uses.is_over is 'More have accepted than it takes: kept by app.record together with the head counts';
create unique index space_uses_id on public.space_uses (id);
create index space_uses_link on public.space_uses (wedding_id, link_id);
create trigger bump before update on public.space_uses for each row execute function app.bump();
call app.protect('public.space_uses', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$, $$link_id = (select app.link())$$);
grant update, delete on public.space_uses to wedsync_recorder;
reset role;

-- What the entered link's own supplier can give: its spaces stand in another home, which the wedding's gate closes.
set role wedsync_recorder;
create function app.offered_spaces(p_space uuid default null)
returns table (id uuid, name text, seated_max integer, standing_max integer, is_active boolean)
language sql stable security definer set search_path = '' as $$
  select s.id, s.name, s.seated_max, s.standing_max, s.is_active
  from public.links l
  join public.spaces s on s.supplier_id = l.supplier_id
  where l.wedding_id = app.tenant() and l.id = app.link() and l.status = 'active' and (p_space is null or s.id = p_space)
  order by not s.is_active, s.name, s.id;
$$;
grant execute on function app.offered_spaces(uuid) to wedsync_user;
reset role;

-- 70_doors.sql
-- Doors: how a transaction becomes one actor in one tenant. Definer functions of wedsync_recorder; absent and foreign refuse alike.
-- SQLSTATE WS404 = no such thing for you, WS410 = the pass was good once, WS401 = not signed in.
set role wedsync_recorder;

create function app.settle(p_actor uuid, p_kind text, p_tenant uuid, p_role text, p_mask integer, p_write_mask integer,
  p_link uuid default null, p_membership uuid default null, p_party uuid default null) returns void
language sql volatile set search_path = '' as $$
  select set_config('app.actor', coalesce(p_actor::text, ''), true), set_config('app.actor_kind', p_kind, true),
    set_config('app.tenant', p_tenant::text, true), set_config('app.role', p_role, true),
    set_config('app.mask', p_mask::text, true), set_config('app.write_mask', p_write_mask::text, true),
    set_config('app.link', coalesce(p_link::text, ''), true), set_config('app.membership', coalesce(p_membership::text, ''), true),
    set_config('app.party', coalesce(p_party::text, ''), true);
$$;

-- What an actor is in a tenant: the one place where permission begins. No row = nothing.
create function app.standing(p_person uuid, p_tenant uuid)
returns table (kind text, role text, mask integer, write_mask integer, link_id uuid, membership_id uuid)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_kind text;
begin
  select s.kind into v_kind from public.streams s where s.id = p_tenant;
  if v_kind = 'wedding' then
    return query
      select 'wedding', case when m.role = 'helper' then 'helper' else 'couple' end,
        case when m.role = 'helper' then 3 else 2047 end, case when m.role = 'helper' then 0 else 2047 end, null::uuid, m.id
      from public.memberships m
      where m.wedding_id = p_tenant and m.person_id = p_person and m.removed_at is null;
    if found then return; end if;
    return query
      select 'wedding', 'supplier', l.mask, case when l.can_edit_timeline then 2 else 0 end, l.id, null::uuid
      from public.supplier_members sm
      join public.links l on l.supplier_id = sm.supplier_id and l.wedding_id = p_tenant and l.status = 'active'
      where sm.person_id = p_person and sm.removed_at is null
        and (sm.role in ('owner', 'admin') or exists (select from public.assignments a
          where a.supplier_id = sm.supplier_id and a.member_id = sm.id and a.link_id = l.id))
      order by l.mask desc, l.id limit 1;
  elsif v_kind = 'supplier' then
    return query
      select 'supplier', m.role, case when m.role = 'member' then 1 else 2047 end, case when m.role = 'member' then 0 else 2047 end,
        null::uuid, m.id
      from public.supplier_members m
      where m.supplier_id = p_tenant and m.person_id = p_person and m.removed_at is null;
  elsif v_kind = 'person' and p_person = p_tenant then
    return query select 'person', 'self', 2047, 2047, null::uuid, null::uuid;
  elsif v_kind = 'platform' then
    return query select 'platform', 'operator', 1, 0, null::uuid, null::uuid
      from public.persons p where p.person_id = p_person and p.is_operator;
  end if;
end $$;

-- Enter one tenant as one person. Who enters through a link is told by a message beside the answer, so that kit.db counts what it reads
-- without asking; `see as` is no supplier's look and is not told. p_only narrows an API key to its tenant. p_kind is person or key.
create function app.enter(p_person uuid, p_tenant uuid, p_kind text default 'person', p_only uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  s record;
begin
  if p_only is not null and p_only <> p_tenant and p_only <> p_person then
    raise exception 'not found' using errcode = 'WS404';
  end if;
  select * into s from app.standing(p_person, p_tenant);
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(p_person, p_kind, p_tenant, s.role, s.mask, s.write_mask, s.link_id, s.membership_id);
  if p_kind = 'key' then perform app.meter(p_tenant, s.kind, s.link_id); end if;
  if s.link_id is not null then raise info 'entered % % %', p_tenant, s.link_id, s.mask; end if;
end $$;

-- What is told through a link by a function that enters no wedding, such as what a business hears of all of its own: said beside the answer, so
-- that kit.db counts it like a look. True, so that it can stand in a condition; its own rows (scopes that the link does not hold) are no look.
create function app.tell_read(p_wedding uuid, p_link uuid, p_scopes integer) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  if p_link is not null and p_scopes <> 0 then raise info 'read % % %', p_wedding, p_link, p_scopes; end if;
  return true;
end $$;

-- The tenant of a flat path's id; null where there is none.
create function app.locate(p_table text, p_id uuid) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  -- Written out, because a statement made from text would be planned anew on every flat path.
  if p_table = 'guests' then return (select t.wedding_id from public.guests t where t.id = p_id);
  elsif p_table = 'parties' then return (select t.wedding_id from public.parties t where t.id = p_id);
  elsif p_table = 'schedule_items' then return (select t.wedding_id from public.schedule_items t where t.id = p_id);
  elsif p_table = 'tasks' then return (select t.wedding_id from public.tasks t where t.id = p_id);
  elsif p_table = 'photo_deliveries' then return (select t.wedding_id from public.photo_deliveries t where t.id = p_id);
  elsif p_table = 'alerts' then return (select t.wedding_id from public.alerts t where t.id = p_id);
  elsif p_table = 'space_uses' then return (select t.wedding_id from public.space_uses t where t.id = p_id);
  elsif p_table = 'payments' then return (select t.wedding_id from public.payments t where t.id = p_id);
  elsif p_table = 'form_requests' then return (select t.wedding_id from public.form_requests t where t.id = p_id);
  elsif p_table = 'forms' then return (select t.supplier_id from public.forms t where t.id = p_id);
  elsif p_table = 'links' then return (select t.wedding_id from public.links t where t.id = p_id);
  elsif p_table = 'acknowledgements' then return (select t.wedding_id from public.acknowledgements t where t.id = p_id);
  elsif p_table = 'budget_lines' then return (select t.wedding_id from public.budget_lines t where t.id = p_id);
  elsif p_table = 'budget_payments' then return (select t.wedding_id from public.budget_payments t where t.id = p_id);
  elsif p_table = 'enrolments' then return (select t.wedding_id from public.enrolments t where t.id = p_id);
  elsif p_table = 'proposals' then return (select t.wedding_id from public.proposals t where t.id = p_id);
  elsif p_table = 'imports' then return (select t.wedding_id from public.imports t where t.id = p_id);
  elsif p_table = 'endpoints' then return (select t.tenant_id from public.endpoints t where t.id = p_id);
  elsif p_table = 'rules' then return (select t.tenant_id from public.rules t where t.id = p_id);
  elsif p_table = 'subscriptions' then return (select t.tenant_id from public.subscriptions t where t.id = p_id);
  elsif p_table = 'bookings' then return (select t.supplier_id from public.bookings t where t.id = p_id);
  elsif p_table = 'connections' then return (select t.tenant_id from public.connections t where t.id = p_id);
  elsif p_table = 'chats' then return (select t.tenant_id from public.chats t where t.id = p_id);
  elsif p_table = 'inbox_hooks' then return (select t.tenant_id from public.inbox_hooks t where t.id = p_id);
  elsif p_table = 'calendars' then return (select t.tenant_id from public.calendars t where t.id = p_id);
  elsif p_table = 'calendar_conflicts' then return (select t.tenant_id from public.calendar_conflicts t where t.id = p_id);
  elsif p_table = 'record_conflicts' then return (select t.tenant_id from public.record_conflicts t where t.id = p_id);
  elsif p_table = 'deliveries' then return (select t.tenant_id from public.deliveries t where t.id = p_id limit 1);
  end if;
  raise exception 'unknown kind %', p_table;
end $$;

create function app.enter_at(p_person uuid, p_table text, p_id uuid, p_kind text default 'person', p_only uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v uuid := app.locate(p_table, p_id);
begin
  if v is null then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.enter(p_person, v, p_kind, p_only);
end $$;

-- See as: the couple enters its own wedding exactly as one linked supplier, read only.
create function app.enter_as(p_person uuid, p_wedding uuid, p_link uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  l record;
begin
  perform from app.standing(p_person, p_wedding) s where s.role = 'couple';
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  select x.mask, x.id into l from public.links x where x.wedding_id = p_wedding and x.id = p_link and x.status in ('invited', 'requested', 'active');
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(p_person, 'person', p_wedding, 'supplier', l.mask, 0, l.id);
  -- Policies that go by the link or the role would let a look write.
  perform set_config('transaction_read_only', 'on', true);
end $$;

-- Enter by a pass. rsvp: one party. help: the helper's membership. ack: one link's acknowledgements. invite: one link's core, before it is taken up.
-- alarm: the schedule, as whoever was called for an alert, for a day and as long as they are of the wedding.
-- form: one form to answer, beside no more of core, schedule and counts than the supplier who asks sees itself.
create function app.enter_pass(p_purpose text, p_hash bytea) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  p record;
  v_person uuid;
begin
  if p_purpose = 'alarm' then
    select c.person_id, c.wedding_id, c.link_id, c.first_at into p from public.alert_calls c where c.token_hash = p_hash;
    if not found then raise exception 'not found' using errcode = 'WS404'; end if;
    perform from app.standing(p.person_id, p.wedding_id) s where s.mask & 2 <> 0;
    if not found or p.first_at < clock_timestamp() - interval '24 hours' then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(p.person_id, 'person', p.wedding_id, 'pass', 3, 0, p.link_id);
    return;
  end if;
  if p_purpose = 'form' then
    select r.wedding_id, r.link_id, r.state, r.pass_until, l.mask, l.status into p from public.form_requests r
      join public.links l on l.wedding_id = r.wedding_id and l.id = r.link_id where r.pass_hash = p_hash;
    if not found then raise exception 'not found' using errcode = 'WS404'; end if;
    if p.pass_until <= app.now() or p.status <> 'active' or p.state = 'withdrawn' then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(null, 'guest', p.wedding_id, 'form', p.mask & 11, 0, p.link_id);
    return;
  end if;
  select * into p from public.passes x where x.token_hash = p_hash and x.purpose = p_purpose;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  if p.revoked_at is not null or p.expires_at <= app.now() then raise exception 'gone' using errcode = 'WS410'; end if;
  if p.purpose = 'rsvp' then
    perform app.settle(p.party_id, 'guest', p.wedding_id, 'guest', 1, 0, null, null, p.party_id);
  elsif p.purpose = 'help' then
    select m.person_id into v_person from public.memberships m
      where m.wedding_id = p.wedding_id and m.id = p.membership_id and m.removed_at is null;
    if not found then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(v_person, 'person', p.wedding_id, 'helper', 3, 0, null, p.membership_id);
  elsif p.purpose = 'ack' then
    perform from public.links l where l.wedding_id = p.wedding_id and l.id = p.link_id and l.status = 'active';
    if not found then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(null, 'guest', p.wedding_id, 'pass', 1, 0, p.link_id);
    raise info 'entered % % %', p.wedding_id, p.link_id, 1;
  elsif p.purpose = 'invite' then
    -- A supplier that was named and has not answered yet: the core, as its link will see it.
    perform from public.links l where l.wedding_id = p.wedding_id and l.id = p.link_id and l.status = 'invited';
    if not found then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(null, 'guest', p.wedding_id, 'pass', 1, 0, p.link_id);
    raise info 'entered % % %', p.wedding_id, p.link_id, 1;
  else
    raise exception 'not found' using errcode = 'WS404';
  end if;
end $$;

-- A leased job enters its tenant as the system: reactions and work of nouns run through the same actions as people.
create function app.enter_job(p_job uuid, p_lease uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  j record;
begin
  select x.tenant_id, x.id into j from public.jobs x
    where x.id = p_job and x.lease_token = p_lease and x.lease_until > clock_timestamp() and x.kind in ('reaction', 'work');
  if not found then raise exception 'lease lost' using errcode = 'WS409'; end if;
  perform app.settle(null, 'system', j.tenant_id, 'system', 2047, 2047);
end $$;

do $$
declare
  f text;
begin
  foreach f in array array['enter(uuid, uuid, text, uuid)', 'enter_at(uuid, text, uuid, text, uuid)', 'enter_as(uuid, uuid, uuid)',
    'enter_pass(text, bytea)', 'enter_job(uuid, uuid)', 'locate(text, uuid)'] loop
    execute format('grant execute on function app.%s to wedsync_user', f);
  end loop;
end $$;
reset role;

set role wedsync_owner;
grant execute on function app.tenant(), app.actor(), app.actor_kind(), app.role(), app.link(), app.membership(), app.party(), app.mask(),
  app.write_mask(), app.now(), app.bump() to wedsync_user, wedsync_recorder, wedsync_service, wedsync_reader;
grant execute on function app.moved_clock() to wedsync_user, wedsync_service;
reset role;

-- 71_arrivals.sql
-- Arrivals: sessions and keys looked up, signing in, new weddings and suppliers, invitations and requests taken up, the public site.
-- Definer functions of wedsync_recorder, because whoever arrives has no tenant yet.
set role wedsync_recorder;

create function app.session(p_hash bytea)
returns table (person_id uuid, session_id uuid, name text, email text, is_operator boolean, kind text, expires_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select p.person_id, s.id, p.name, p.email, p.is_operator, s.kind, s.expires_at
  from public.sessions s join public.persons p using (person_id)
  where s.token_hash = p_hash and s.ended_at is null and s.expires_at > clock_timestamp();
$$;

create function app.session_of(p_sid uuid)
returns table (person_id uuid, session_id uuid, name text, email text, is_operator boolean, kind text, expires_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select p.person_id, s.id, p.name, p.email, p.is_operator, s.kind, s.expires_at
  from public.sessions s join public.persons p using (person_id)
  where s.id = p_sid and s.ended_at is null and s.expires_at > clock_timestamp();
$$;

create function app.session_alive(p_sid uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.sessions s where s.id = p_sid and s.ended_at is null and s.expires_at > clock_timestamp());
$$;

create function app.api_key(p_hash bytea) returns table (key_id uuid, person_id uuid, tenant_id uuid, name text, email text, is_operator boolean)
language sql volatile security definer set search_path = '' as $$
  update public.api_keys k set last_used_at = clock_timestamp()
  from public.persons p
  where k.token_hash = p_hash and k.revoked_at is null and p.person_id = k.person_id
  returning k.id, p.person_id, k.tenant_id, p.name, p.email, p.is_operator;
$$;

-- Weddings and suppliers a person is part of: what the first page after sign-in shows.
create function app.places(p_person uuid)
returns table (kind text, id uuid, name text, role text, "on" date, date_status text, time_zone text)
language sql stable security definer set search_path = '' as $$
  select 'wedding', w.wedding_id, w.couple_names, m.role, w."on", w.date_status, w.time_zone
  from public.memberships m join public.weddings w using (wedding_id)
  where m.person_id = p_person and m.removed_at is null
  union all
  select 'supplier', s.supplier_id, s.name, m.role, null, null, s.time_zone
  from public.supplier_members m join public.suppliers s using (supplier_id)
  where m.person_id = p_person and m.removed_at is null
  order by 1 desc, 5 nulls last, 3;
$$;

create function app.person_for(p_email text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v uuid;
begin
  insert into public.persons (email) values (lower(p_email)) on conflict (email) where email is not null do nothing returning person_id into v;
  if v is null then
    select person_id into v from public.persons where email = lower(p_email);
  else
    insert into public.streams (id, kind) values (v, 'person');
  end if;
  return v;
end $$;

-- A sign-in pass: the mail is a delivery with a sealed payload, so the link is in no event, log or other table.
create function app.request_sign_in(p_person uuid, p_hash bytea, p_minutes integer, p_delivery uuid, p_sealed bytea) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
begin
  insert into public.sign_ins (person_id, token_hash, expires_at) values (p_person, p_hash, v_at + make_interval(mins => p_minutes));
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, p_person, 'mail', '00000000-0000-7000-8000-000000000001', 'session.requested', 'person', p_person, p_sealed, 0,
      v_at + make_interval(mins => p_minutes));
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'mail', 0, p_person, '00000000-0000-7000-8000-000000000001', v_at, v_at + make_interval(mins => p_minutes));
end $$;

-- A pass that may be used again is the demo's: its page need not wait for a press.
create function app.is_reusable_sign_in(p_hash bytea) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.sign_ins s where s.token_hash = p_hash and s.is_reusable and s.expires_at > clock_timestamp());
$$;

-- Redeem a sign-in pass once and open a session; null when it is unknown, used or late.
create function app.open_session(p_pass_hash bytea, p_session_hash bytea, p_days integer)
returns table (person_id uuid, session_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_person uuid;
begin
  update public.sign_ins set used_at = clock_timestamp()
    where token_hash = p_pass_hash and (used_at is null or is_reusable) and expires_at > clock_timestamp() returning sign_ins.person_id into v_person;
  if v_person is null then return; end if;
  return query insert into public.sessions (person_id, token_hash, expires_at)
    values (v_person, p_session_hash, clock_timestamp() + make_interval(days => p_days)) returning sessions.person_id, sessions.id;
end $$;

create function app.end_session(p_sid uuid) returns uuid
language sql volatile security definer set search_path = '' as $$
  update public.sessions set ended_at = clock_timestamp() where id = p_sid and ended_at is null returning person_id;
$$;

-- New tenants. The creator becomes couple, or owner; the caller then enters and records.
create function app.create_wedding(p_person uuid, p_wedding uuid, p_names text, p_zone text, p_country text, p_currency text, p_role text default 'couple')
returns uuid language plpgsql volatile security definer set search_path = '' as $$
declare
  v_member uuid;
begin
  insert into public.streams (id, kind) values (p_wedding, 'wedding');
  insert into public.weddings (wedding_id, couple_names, time_zone, country, currency) values (p_wedding, p_names, p_zone, p_country, p_currency);
  insert into public.memberships (wedding_id, person_id, role) values (p_wedding, p_person, p_role) returning id into v_member;
  return v_member;
end $$;

create function app.create_supplier(p_person uuid, p_supplier uuid, p_name text, p_category text, p_zone text)
returns uuid language plpgsql volatile security definer set search_path = '' as $$
declare
  v_member uuid;
begin
  insert into public.streams (id, kind) values (p_supplier, 'supplier');
  insert into public.suppliers (supplier_id, name, category, time_zone) values (p_supplier, p_name, p_category, p_zone);
  insert into public.supplier_members (supplier_id, person_id, role) values (p_supplier, p_person, 'owner') returning id into v_member;
  return v_member;
end $$;

-- The couple names a partner by e-mail or a helper by name: who acts must be couple of the entered wedding.
create function app.add_member(p_email text, p_name text, p_role text) returns table (membership_id uuid, person_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_person uuid;
begin
  if app.role() <> 'couple' or p_role not in ('partner', 'helper') then raise exception 'forbidden' using errcode = 'WS403'; end if;
  if p_email is not null and p_email <> '' then
    v_person := app.person_for(p_email);
  else
    insert into public.persons (name) values (p_name) returning persons.person_id into v_person;
    insert into public.streams (id, kind) values (v_person, 'person');
  end if;
  return query insert into public.memberships (wedding_id, person_id, role, name) values (app.tenant(), v_person, p_role, p_name)
    on conflict (wedding_id, person_id) do update set removed_at = null, role = case when memberships.role = 'couple' then 'couple' else excluded.role end
    returning memberships.id, memberships.person_id;
end $$;

-- A business names a colleague by e-mail, or takes one back; no row where they are in it already. Who acts must be its owner, or its admin
-- where no owner is made.
create function app.add_colleague(p_email text, p_name text, p_role text) returns table (id uuid, record jsonb, old_record jsonb)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
begin
  if not (app.role() = 'owner' or (app.role() = 'admin' and p_role <> 'owner')) then raise exception 'forbidden' using errcode = 'WS403'; end if;
  return query insert into public.supplier_members as m (supplier_id, person_id, role, name)
    values (app.tenant(), app.person_for(p_email), p_role, p_name)
    on conflict (supplier_id, person_id) do update
      set removed_at = null, role = excluded.role, name = coalesce(nullif(excluded.name, ''), m.name) where m.removed_at is not null
    returning new.id, to_jsonb(new), case when old.id is null then null else to_jsonb(old) end;
end $$;

-- Names and addresses of the people of the entered business, for themselves.
create function app.colleagues() returns table (person_id uuid, name text, email text)
language sql stable security definer set search_path = '' as $$
  select p.person_id, coalesce(nullif(m.name, ''), nullif(p.name, ''), split_part(coalesce(p.email, ''), '@', 1)), coalesce(p.email, '')
  from public.supplier_members m join public.persons p using (person_id)
  where m.supplier_id = app.tenant() and m.removed_at is null and app.role() in ('owner', 'admin', 'member', 'system');
$$;

-- Whether a link is the entered business's own and not over: its portfolio follows a moment later.
create function app.owns_link(p_link uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.links l where l.id = p_link and l.supplier_id = app.tenant() and l.status in ('requested', 'active'));
$$;

-- Inside enter_pass: a helper's page is a session of its own, so that its socket can be told apart and cut. No row for a person with an e-mail:
-- who has none exists for this pass alone, anybody else's session would open more than the pass does. Nobody knows what its hash is of.
create function app.helper_session() returns table (person_id uuid, session_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
begin
  if app.role() <> 'helper' then return; end if;
  perform from public.persons p where p.person_id = app.actor() and p.email is null;
  if not found then return; end if;
  return query update public.sessions s set last_seen_at = clock_timestamp()
    where s.person_id = app.actor() and s.kind = 'helper' and s.ended_at is null and s.expires_at > clock_timestamp() returning s.person_id, s.id;
  if found then return; end if;
  return query insert into public.sessions (person_id, token_hash, kind, expires_at)
    values (app.actor(), sha256(uuid_send(gen_random_uuid())), 'helper', clock_timestamp() + interval '30 days')
    returning sessions.person_id, sessions.id;
end $$;

-- When the helpers of the entered wedding last looked at their pages, for its couple.
create function app.helpers_seen() returns table (membership_id uuid, at timestamptz)
language sql stable security definer set search_path = '' as $$
  select m.id, max(s.last_seen_at) from public.memberships m join public.sessions s on s.person_id = m.person_id and s.kind = 'helper'
  where m.wedding_id = app.tenant() and m.role = 'helper' and app.role() = 'couple' group by m.id;
$$;

-- A helper's old link ends, and with it what it opened: one event in the helper's own stream cuts the sockets. Returns the nudges.
create function app.end_helper_sessions(p_membership uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_person uuid;
  v_wedding uuid := app.tenant();
  v_actor uuid := app.actor();
  v_kind text := app.actor_kind();
  v_own uuid := app.membership();
  v_facts jsonb;
begin
  if app.role() <> 'couple' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  select m.person_id into v_person from public.memberships m where m.wedding_id = v_wedding and m.id = p_membership and m.role = 'helper';
  with ended as (
    update public.sessions s set ended_at = clock_timestamp() where s.person_id = v_person and s.kind = 'helper' and s.ended_at is null
    returning new.id, to_jsonb(new) - 'token_hash' - 'last_seen_at' as record, to_jsonb(old) - 'token_hash' - 'last_seen_at' as old_record)
  select jsonb_agg(jsonb_build_object('type', 'session.ended', 'scope', 512, 'table', 'sessions', 'id', e.id, 'op', 'UPDATE', 'record', e.record,
    'old', e.old_record)) into v_facts from ended e;
  if v_facts is null then return; end if;
  perform app.settle(v_actor, v_kind, v_person, 'self', 2047, 2047);
  return next app.record(v_facts);
  perform app.settle(v_actor, v_kind, v_wedding, 'couple', 2047, 2047, null, v_own);
end $$;

-- A supplier takes up an invitation addressed to one of its owners' or admins' e-mail addresses.
create function app.invitations(p_person uuid)
returns table (link_id uuid, wedding_id uuid, couple_names text, "on" date, supplier_name text, category text, level text)
language sql stable security definer set search_path = '' as $$
  select l.id, l.wedding_id, w.couple_names, w."on", l.supplier_name, l.category, l.level
  from public.persons p join public.links l on l.invited_email = p.email join public.weddings w on w.wedding_id = l.wedding_id
  where p.person_id = p_person and l.status = 'invited' and l.invited_by = 'couple' order by w."on" nulls last, l.id;
$$;

create function app.enter_invitation(p_person uuid, p_link uuid, p_supplier uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  l record;
begin
  select x.* into l from public.links x join public.persons p on p.person_id = p_person and p.email = x.invited_email
    where x.id = p_link and x.status = 'invited' and x.invited_by = 'couple' for update of x;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform from public.supplier_members m where m.supplier_id = p_supplier and m.person_id = p_person and m.role in ('owner', 'admin') and m.removed_at is null;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(p_person, 'person', l.wedding_id, 'supplier', 1, 0, l.id);
end $$;

-- Inside enter_invitation: the supplier answers. The level was set by the couple and stays what it was.
create function app.answer_invitation(p_supplier uuid, p_accept boolean) returns setof public.links
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform from public.supplier_members m where m.supplier_id = p_supplier and m.person_id = app.actor() and m.role in ('owner', 'admin') and m.removed_at is null;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  return query update public.links set supplier_id = p_supplier, status = case when p_accept then 'active' else 'declined' end
    where wedding_id = app.tenant() and id = app.link() and status = 'invited' and invited_by = 'couple' returning *;
end $$;

-- A supplier asks to be linked to a wedding whose couple's e-mail it knows; says the same whether or not there is one.
create function app.enter_request(p_person uuid, p_supplier uuid, p_couple_email text) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  v record;
begin
  perform from public.supplier_members m where m.supplier_id = p_supplier and m.person_id = p_person and m.role in ('owner', 'admin') and m.removed_at is null;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  select m.wedding_id into v from public.persons p join public.memberships m on m.person_id = p.person_id
    join public.weddings w on w.wedding_id = m.wedding_id
    where p.email = lower(p_couple_email) and m.role in ('couple', 'partner') and m.removed_at is null
    order by w."on" nulls last limit 1;
  if not found then return false; end if;
  perform app.settle(p_person, 'person', v.wedding_id, 'requesting', 0, 0);
  return true;
end $$;

create function app.request_link(p_supplier uuid) returns setof public.links
language plpgsql volatile security definer set search_path = '' as $$
declare
  v uuid := uuidv7();
begin
  if app.role() <> 'requesting' then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(app.actor(), 'person', app.tenant(), 'requesting', 0, 0, v);
  return query insert into public.links (id, wedding_id, supplier_id, supplier_name, category, status, invited_by)
    select v, app.tenant(), s.supplier_id, s.name, s.category, 'requested', 'supplier' from public.suppliers s
    join public.supplier_members m on m.supplier_id = s.supplier_id and m.person_id = app.actor() and m.role in ('owner', 'admin')
    where s.supplier_id = p_supplier
    on conflict do nothing returning *;
end $$;

-- Names and addresses of the people of the entered wedding, for its couple: members, and who works for a linked supplier.
create function app.people_of(p_wedding uuid) returns table (person_id uuid, name text, email text)
language sql stable security definer set search_path = '' as $$
  select p.person_id, coalesce(nullif(p.name, ''), split_part(coalesce(p.email, ''), '@', 1)), coalesce(p.email, '')
  from public.persons p
  where p_wedding = app.tenant() and app.mask() & 512 <> 0 and p.person_id in (
    select m.person_id from public.memberships m where m.wedding_id = p_wedding
    union
    select sm.person_id from public.supplier_members sm join public.links l on l.supplier_id = sm.supplier_id where l.wedding_id = p_wedding);
$$;

-- The public website by slug: nothing but what the couple published.
create function app.site(p_slug text) returns table (wedding_id uuid, welcome text, snapshot jsonb, version integer)
language sql stable security definer set search_path = '' as $$
  select s.wedding_id, s.welcome, s.snapshot, s.version from public.sites s where s.slug = p_slug and s.is_published;
$$;

do $$
declare
  f text;
begin
  foreach f in array array['session(bytea)', 'session_of(uuid)', 'session_alive(uuid)', 'api_key(bytea)', 'places(uuid)', 'person_for(text)',
    'request_sign_in(uuid, bytea, integer, uuid, bytea)', 'open_session(bytea, bytea, integer)', 'is_reusable_sign_in(bytea)', 'end_session(uuid)',
    'create_wedding(uuid, uuid, text, text, text, text, text)', 'create_supplier(uuid, uuid, text, text, text)',
    'add_member(text, text, text)', 'add_colleague(text, text, text)', 'colleagues()', 'owns_link(uuid)', 'helper_session()', 'helpers_seen()',
    'end_helper_sessions(uuid)', 'invitations(uuid)', 'enter_invitation(uuid, uuid, uuid)',
    'answer_invitation(uuid, boolean)', 'enter_request(uuid, uuid, text)', 'people_of(uuid)', 'request_link(uuid)',
    'site(text)'] loop
    execute format('grant execute on function app.%s to wedsync_user', f);
  end loop;
end $$;
grant execute on function app.session_alive(uuid) to wedsync_reader;
reset role;

-- For whoever holds the owner's address (the demo, `wedsync token`): sessions without a mail. Never granted to a door.
set role wedsync_recorder;
create function app.issue_session(p_person uuid, p_hash bytea, p_days integer) returns uuid
language sql volatile security definer set search_path = '' as $$
  insert into public.sessions (person_id, token_hash, kind, expires_at)
  values (p_person, p_hash, 'demo', clock_timestamp() + make_interval(days => p_days)) returning id;
$$;
create function app.issue_sign_in(p_person uuid, p_hash bytea, p_days integer) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.sign_ins (person_id, token_hash, expires_at, is_reusable)
  values (p_person, p_hash, clock_timestamp() + make_interval(days => p_days), true);
$$;
create function app.make_operator(p_person uuid) returns void
language sql volatile security definer set search_path = '' as $$
  update public.persons set is_operator = true where person_id = p_person;
$$;
create function app.name_person(p_person uuid, p_name text) returns void
language sql volatile security definer set search_path = '' as $$
  update public.persons set name = p_name where person_id = p_person;
$$;
grant execute on function app.issue_session(uuid, bytea, integer), app.issue_sign_in(uuid, bytea, integer), app.make_operator(uuid),
  app.name_person(uuid, text) to wedsync_owner;
reset role;

-- 71_days.sql
-- Days: what may still be changed directly, who is named on an amendment, and which wedding days the clock looks at.
set role wedsync_recorder;

-- How a wedding is guarded now: 'hard' from 24 hours before the first item of a day until the day is over (amendments only), 'soft' from a week
-- before it (date, places and times need two words), null otherwise. The same moments as `schedule.model.phase`. A plan that was made only within
-- those hours is still being made: it guards nothing.
create function app.day_guard() returns text
language sql stable security definer set search_path = '' as $$
  select case
    when bool_or(app.now() >= d.first_at - interval '24 hours' and i.made_at <= d.first_at - interval '24 hours') then 'hard'
    when bool_or(app.now() >= d.soft_from and i.made_at <= d.soft_from) then 'soft' end
  from (
    select w.live_until, w.live_from + interval '2 hours' as first_at,
      timezone(w.zone, timezone(w.zone, w.live_from + interval '2 hours') - interval '7 days') as soft_from
    from public.wedding_days w
    where w.wedding_id = app.tenant()) d,
    (select min(s.created_at) as made_at from public.schedule_items s where s.wedding_id = app.tenant()) i
  where app.now() < d.live_until;
$$;

-- How others know whoever acts here, and the business they act for.
create function app.my_name() returns text
language sql stable security definer set search_path = '' as $$
  select left(coalesce(
    (select concat_ws(' ', coalesce(nullif(sm.name, ''), nullif(p.name, '')), '(' || l.supplier_name || ')')
      from public.links l
      left join public.supplier_members sm on sm.supplier_id = l.supplier_id and sm.person_id = app.actor() and sm.removed_at is null
      left join public.persons p on p.person_id = app.actor()
      where l.wedding_id = app.tenant() and l.id = app.link()),
    (select coalesce(nullif(m.name, ''), p.name, '')
      from public.memberships m left join public.persons p on p.person_id = m.person_id
      where m.wedding_id = app.tenant() and m.person_id = app.actor() and m.removed_at is null), ''), 300);
$$;

-- The name of a linked supplier, for everybody who sees who comes on the day. Null for a link of another wedding, or one that is over.
create function app.link_name(p_link uuid) returns text
language sql stable security definer set search_path = '' as $$
  select l.supplier_name from public.links l
  where l.wedding_id = app.tenant() and l.id = p_link and l.status = 'active' and (app.mask() & 2 <> 0 or l.id = app.link());
$$;

-- How many of the couple's side there are: where somebody is alone, their own second word counts.
create function app.couple_count() returns integer
language sql stable security definer set search_path = '' as $$
  select count(*)::integer from public.memberships m
  where m.wedding_id = app.tenant() and m.removed_at is null and m.role in ('couple', 'partner') and app.role() in ('couple', 'system');
$$;
grant execute on function app.day_guard(), app.my_name(), app.link_name(uuid), app.couple_count() to wedsync_user;

-- The system sees the entered wedding as one linked supplier does, and can do nothing: for what is made for that supplier to keep. Whoever did
-- so enters its job again before it writes.
create function app.look_as(p_link uuid) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  l record;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'look_as is the system''s'; end if;
  select x.id, x.mask into l from public.links x where x.wedding_id = app.tenant() and x.id = p_link and x.status = 'active';
  if not found then return false; end if;
  perform app.settle(null, 'system', app.tenant(), 'supplier', l.mask, 0, l.id);
  return true;
end $$;
grant execute on function app.look_as(uuid) to wedsync_user;

-- Who could stand in for a supplier who does not come: businesses of the same trade with a public page that takes enquiries and nothing in their
-- calendar on that day. Nothing is told that their page does not say. For the couple.
create function app.backups(p_arrival uuid) returns table (supplier_id uuid, name text, place text, slug text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('couple', 'system') then return; end if;
  return query
    select s.supplier_id, s.name, x.place, x.slug
    from public.arrivals r
    join public.links l on l.wedding_id = r.wedding_id and l.id = r.link_id
    join public.suppliers s on s.category = l.category and s.supplier_id is distinct from l.supplier_id
    join public.listings x on x.supplier_id = s.supplier_id and x.is_published and x.takes_enquiries
    where r.wedding_id = app.tenant() and r.id = p_arrival
      and not exists (select from public.availability_days a where a.supplier_id = s.supplier_id and a."on" = r."on" and a.state <> 'free')
    order by s.name, s.supplier_id
    limit 20;
end $$;
grant execute on function app.backups(uuid) to wedsync_user;

-- Wedding days that the clock should look at now: those whose next look is due, and those of the next eight days that it does not know yet. One job
-- of each wedding at a time.
create function app.poke_days(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id)
    select uuidv7(), 'work', 'days.mind', 1, d.wedding_id, '00000000-0000-7000-8000-00000000000a'
    from (
      select distinct w.wedding_id
      from public.wedding_days w
      left join public.day_watches x on x.wedding_id = w.wedding_id and x."on" = w."on"
      where w.live_until > app.now() and w.live_from < app.now() + interval '8 days' and coalesce(x.next_at, '-infinity') <= app.now()) d
    where not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-00000000000a' and j.tenant_id = d.wedding_id
      and j.name = 'days.mind')
    limit p_limit;
  get diagnostics n = row_count;
  return n;
end $$;
grant execute on function app.poke_days(integer) to wedsync_service;
reset role;

-- 71_forms.sql
-- Forms: the questionnaires of a supplier (home: the supplier), what it asked a couple with them, and what was answered (home: the wedding).
set role wedsync_owner;

create table public.forms (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  title text not null check (length(title) between 1 and 120),
  intro text not null default '' check (length(intro) <= 2000),
  sections jsonb not null default '[]' check (jsonb_typeof(sections) = 'array' and length(sections::text) <= 131072),
  is_active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id)
);
comment on table public.forms is 'A questionnaire of a supplier: its sections of fields; those who were asked keep the version they were asked in';
create unique index forms_id on public.forms (id);
create trigger bump before update on public.forms for each row execute function app.bump();
call app.protect('public.forms', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$);

create table public.form_requests (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  form_id uuid not null,
  form_version integer not null check (form_version > 0),
  title text not null check (length(title) between 1 and 120),
  intro text not null default '' check (length(intro) <= 2000),
  sections jsonb not null check (jsonb_typeof(sections) = 'array' and length(sections::text) <= 131072),
  word text not null default '' check (length(word) <= 1000),
  due_on date,
  state text not null default 'asked' check (state in ('asked', 'started', 'submitted', 'locked', 'withdrawn')),
  submitted_at timestamptz,
  submitted_by text not null default '' check (length(submitted_by) <= 300),
  submissions integer not null default 0 check (submissions >= 0),
  changed jsonb not null default '[]' check (jsonb_typeof(changed) = 'array'),
  known integer not null default 0 check (known >= 0),
  avoided integer not null default 0 check (avoided between 0 and known),
  sealed bytea,
  pass_id uuid,
  pass_hash bytea unique check (length(pass_hash) = 32),
  pass_until timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  check ((submitted_at is null) = (sealed is null)),
  check (num_nonnulls(pass_id, pass_hash, pass_until) in (0, 3))
);
comment on table public.form_requests is 'Of one link: a form the couple was asked to answer, as it was then, and the sealed answers; the couple and that supplier see it';
comment on column public.form_requests.form_id is 'A row of forms in the supplier''s home; title, intro and sections are copies, and stay when it is changed or removed';
comment on column public.form_requests.known is 'Fields that the record held already when it was answered; avoided: those of them that were confirmed as they stood';
comment on column public.form_requests.changed is 'Fields answered otherwise than the time before';
comment on column public.form_requests.pass_hash is 'SHA-256 of the token that opens this one form without an account';
create unique index form_requests_id on public.form_requests (id);
create index form_requests_form on public.form_requests (form_id);
create unique index form_requests_open on public.form_requests (wedding_id, link_id, form_id) where state in ('asked', 'started', 'submitted');
create trigger bump before update on public.form_requests for each row execute function app.bump();
-- Who answers and who asks is kept to by the actions; nobody else reads or writes a row.
call app.protect('public.form_requests', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$((select app.write_mask()) & 512) <> 0 or link_id = (select app.link())$$, false);
drop policy insertable on public.form_requests;
create policy insertable on public.form_requests for insert to wedsync_user
  with check ((link_id = (select app.link()) and (select app.role()) = 'supplier') or (select app.role()) = 'system');

create table public.form_drafts (
  request_id uuid not null,
  wedding_id uuid not null,
  link_id uuid not null,
  sealed bytea not null,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, request_id),
  foreign key (wedding_id, request_id) references public.form_requests (wedding_id, id) on delete cascade
);
comment on table public.form_drafts is 'What is typed into a form and not sent yet, sealed: whoever answers sees it, the supplier who asks does not';
call app.protect('public.form_drafts', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or (link_id = (select app.link()) and (select app.role()) = 'form')$$,
  $$((select app.write_mask()) & 512) <> 0 or (link_id = (select app.link()) and (select app.role()) = 'form')$$);
reset role;

-- A link's own supplier's forms: they stand in another home, which the wedding's gate closes. Null: all that are in use.
set role wedsync_recorder;
create function app.forms_of_link(p_link uuid, p_form uuid default null)
returns table (id uuid, title text, intro text, sections jsonb, version integer, is_active boolean)
language sql stable security definer set search_path = '' as $$
  select f.id, f.title, f.intro, f.sections, f.version, f.is_active
  from public.links l
  join public.forms f on f.supplier_id = l.supplier_id
  where l.wedding_id = app.tenant() and l.id = p_link and l.status = 'active'
    and ((app.link() = p_link and app.role() = 'supplier') or app.role() = 'system')
    and (f.id = p_form or (p_form is null and f.is_active))
  order by f.title, f.id;
$$;

-- What became of each form of the entered supplier over all its weddings: numbers, and never whose.
create function app.forms_sent()
returns table (form_id uuid, asked integer, answered integer, known integer, avoided integer)
language sql stable security definer set search_path = '' as $$
  select r.form_id, count(*) filter (where r.state <> 'withdrawn')::int, count(*) filter (where r.submissions > 0)::int,
    coalesce(sum(r.known), 0)::int, coalesce(sum(r.avoided), 0)::int
  from public.forms f
  join public.form_requests r on r.form_id = f.id
  where f.supplier_id = app.tenant() and app.role() in ('owner', 'admin', 'member')
  group by r.form_id;
$$;
grant execute on function app.forms_of_link(uuid, uuid), app.forms_sent() to wedsync_user;
reset role;

-- 72_journeys.sql
-- Journeys: what a supplier does for each of its couples, and when (home: the supplier); how far one wedding is on its way, what was done and what
-- became of it, and the milestones it passes (home: the wedding, of one link). The functions stand in 86_journeys.sql.
set role wedsync_owner;

create table public.journeys (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  name text not null check (length(name) between 1 and 120),
  starts text not null default 'by_hand' check (starts in ('booking', 'by_hand')),
  is_active boolean not null default true,
  steps jsonb not null default '[]' check (jsonb_typeof(steps) = 'array' and jsonb_array_length(steps) <= 60 and length(steps::text) <= 300000),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id)
);
comment on table public.journeys is 'Steps by the booking, the wedding or its end: mails, texts, forms, tasks, waits, branches, webhooks, review requests';
comment on column public.journeys.starts is 'booking: every wedding that is booked begins it by itself';
create unique index journeys_id on public.journeys (id);
create trigger bump before update on public.journeys for each row execute function app.bump();
call app.protect('public.journeys', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin')$$);

create table public.enrolments (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  journey_id uuid not null,
  journey_version integer not null,
  name text not null check (length(name) between 1 and 120),
  steps jsonb not null check (jsonb_typeof(steps) = 'array'),
  state text not null default 'active' check (state in ('active', 'paused', 'stopped')),
  reason text not null default '' check (length(reason) <= 60),
  booked_at timestamptz not null,
  began_at timestamptz not null,
  counts_from timestamptz not null,
  next_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, link_id, journey_id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete cascade
);
comment on table public.enrolments is 'One wedding on the way of one journey; the steps are those of the version it follows, whatever the journey becomes';
comment on column public.enrolments.counts_from is 'When it began or was resumed: what was due before is past';
comment on column public.enrolments.next_at is 'When somebody must look; the plan itself is made from the wedding as it stands, never stored';
create unique index enrolments_id on public.enrolments (id);
create index enrolments_due on public.enrolments (next_at) where state = 'active' and next_at is not null;
create index enrolments_journey on public.enrolments (journey_id, id);
create trigger bump before update on public.enrolments for each row execute function app.bump();
call app.protect('public.enrolments', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$link_id = (select app.link()) or (select app.role()) = 'system'$$, false);

create table public.journey_runs (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  enrolment_id uuid not null,
  key text not null check (key ~ '^[a-z0-9]{1,12}$'),
  kind text not null check (kind in ('mail', 'text', 'form', 'task', 'branch', 'webhook', 'review')),
  title text not null check (length(title) <= 200),
  content jsonb not null default '{}',
  state text not null check (state in ('due', 'sent', 'done', 'skipped', 'failed')),
  reason text not null default '' check (length(reason) <= 60),
  answer text not null default '' check (answer in ('', 'yes', 'no')),
  people integer not null default 0 check (people >= 0),
  due_at timestamptz not null,
  done_at timestamptz not null,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  -- A step is taken once, whoever tries it how often: this row is what makes it so.
  unique (wedding_id, enrolment_id, key),
  foreign key (wedding_id, enrolment_id) references public.enrolments (wedding_id, id) on delete cascade
);
comment on table public.journey_runs is 'A step that was taken, and what became of it; content is what programs need to know of it: the form, the name of the call';
create trigger bump before update on public.journey_runs for each row execute function app.bump();
call app.protect('public.journey_runs', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$, $$(select app.role()) = 'system'$$, false);

create table public.milestones (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  supplier_id uuid not null references public.suppliers on delete cascade,
  name text not null check (name in ('booked', 'six_months', 'final_details', 'form_submitted', 'date_passed', 'photos_delivered')),
  reached_at timestamptz not null,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, link_id, name),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete cascade
);
comment on table public.milestones is 'What one supplier''s work for a wedding has passed; those of the calendar are withdrawn when the date moves away';
call app.protect('public.milestones', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$link_id = (select app.link()) or (select app.role()) = 'system'$$);

create table public.marketing_stops (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  person_id uuid not null references public.persons on delete cascade,
  stopped_at timestamptz not null,
  version integer not null default 1,
  primary key (wedding_id, id),
  unique (wedding_id, link_id, person_id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete cascade
);
comment on table public.marketing_stops is 'Who of a couple wants no offers and review requests of this supplier; what belongs to their booking still comes';
call app.protect('public.marketing_stops', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$, $$((select app.write_mask()) & 512) <> 0 and person_id = (select app.actor())$$);
grant insert on public.marketing_stops to wedsync_recorder;
reset role;

-- 72_record.sql
-- app.record: a fact and what it owes, in the transaction of the change. The stream row is locked first; subscriptions, links and
-- reactions are matched in later statements, so that each sees what the previous holder of the lock committed.
set role wedsync_recorder;

-- Head counts are facts of facts: recomputed under the stream lock for the items an answer or a guest touched. A wedding that no statistics know
-- looks small to the planner: without hash joins a list of 10,000 that was just brought in would be read 10,000 times.
create function app.derive_headcounts(p_wedding uuid, p_items uuid[])
returns table (id uuid, op text, record jsonb, old_record jsonb)
language sql volatile set search_path = '' set enable_nestloop = off as $$
  with counted as (
    select r.schedule_item_id, count(*)::int as invited, count(*) filter (where r.status = 'accepted')::int as accepted,
      count(*) filter (where r.status = 'declined')::int as declined, count(*) filter (where r.status = 'tentative')::int as tentative,
      count(*) filter (where r.status = 'needs_action')::int as pending,
      count(*) filter (where r.status = 'accepted' and g.age_band in ('child', 'infant'))::int as children
    from public.rsvps r join public.guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
    where r.wedding_id = p_wedding and r.schedule_item_id = any (p_items)
    group by r.schedule_item_id),
  meals as (
    select x.schedule_item_id, jsonb_object_agg(x.menu_option_id, x.n) as meals
    from (select r.schedule_item_id, r.menu_option_id, count(*) as n from public.rsvps r
      where r.wedding_id = p_wedding and r.schedule_item_id = any (p_items) and r.status = 'accepted' and r.menu_option_id is not null
      group by 1, 2) x
    group by x.schedule_item_id),
  wanted as (
    select i.item as schedule_item_id, coalesce(c.invited, 0) as invited, coalesce(c.accepted, 0) as accepted, coalesce(c.declined, 0) as declined,
      coalesce(c.tentative, 0) as tentative, coalesce(c.pending, 0) as pending, coalesce(c.children, 0) as children, coalesce(m.meals, '{}') as meals
    from unnest(p_items) as i(item)
    join public.schedule_items s on s.wedding_id = p_wedding and s.id = i.item
    left join counted c on c.schedule_item_id = i.item left join meals m on m.schedule_item_id = i.item)
  insert into public.headcounts as h (wedding_id, schedule_item_id, invited, accepted, declined, tentative, pending, children, meals)
  select p_wedding, w.schedule_item_id, w.invited, w.accepted, w.declined, w.tentative, w.pending, w.children, w.meals from wanted w
  on conflict (wedding_id, schedule_item_id) do update
    set invited = excluded.invited, accepted = excluded.accepted, declined = excluded.declined, tentative = excluded.tentative,
      pending = excluded.pending, children = excluded.children, meals = excluded.meals
    where (h.invited, h.accepted, h.declined, h.tentative, h.pending, h.children, h.meals)
      is distinct from (excluded.invited, excluded.accepted, excluded.declined, excluded.tentative, excluded.pending, excluded.children, excluded.meals)
  returning new.id, case when old.id is null then 'INSERT' else 'UPDATE' end, to_jsonb(new), case when old.id is null then null else to_jsonb(old) end;
$$;

create function app.headcount_fact(p_id uuid, p_op text, p_record jsonb, p_old jsonb) returns jsonb language sql immutable
  return jsonb_build_object('type', 'headcount.changed', 'scope', 8, 'table', 'headcounts', 'id', p_id, 'op', p_op, 'record', p_record, 'old', p_old);

-- An event in live form. Stable and without settings of its own, so that it becomes part of the statement that asks.
create function app.event_json(e public.events, p_kind text) returns jsonb
language sql stable
  return jsonb_build_object('id', e.id, 'stream', p_kind || ':' || e.stream_id, 'epoch', e.epoch, 'seq', e.seq, 'type', e.type, 'version', e.version,
    'scope', e.scope, 'link_id', e.link_id, 'membership_id', e.membership_id,
    'subject', jsonb_build_object('table', e.subject_table, 'id', e.subject_id), 'op', e.op, 'record', e.record, 'old_record', e.old_record,
    'actor', jsonb_build_object('kind', e.actor_kind, 'id', e.actor_id), 'cause', e.cause, 'bulk', e.bulk,
    'occurred_at', to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));

-- p_facts: [{type, scope, link, membership, table, id, op, record, old, bulk, severity, concerns: [link ids] | null, summary}] of the entered tenant.
-- Returns the nudge for Valkey: the events in live form, or one wake object when there are more than 64. p_cause: of an action in two calls.
-- Plans are made once a connection: planned anew at each call, one answer of a guest would cost twice the CPU.
create function app.record(p_facts jsonb, p_cause uuid default null) returns text
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
  v_tenant uuid := app.tenant();
  v_kind text;
  v_epoch integer;
  v_base bigint;
  v_at timestamptz := clock_timestamp();
  v_cause uuid := coalesce(p_cause, nullif(current_setting('app.cause', true), '')::uuid, uuidv7());
  v_facts jsonb := p_facts;
  v_ids uuid[];
  v_owes boolean;
  v_asks boolean;
  v_nudge text;
begin
  if v_tenant is null then raise insufficient_privilege using message = 'record outside of a tenant'; end if;
  -- 1. the lock that makes commit order the order of seq
  select s.kind, s.epoch, s.top into v_kind, v_epoch, v_base from public.streams s where s.id = v_tenant for update;
  if not found then raise insufficient_privilege using message = 'record on an unknown stream'; end if;
  -- 2. derived facts; bulk facts owe nothing and ask nobody
  if v_kind = 'wedding' then v_facts := v_facts || app.derived_facts(v_tenant, p_facts); end if;
  v_ids := array(select uuidv7() from jsonb_array_elements(v_facts));
  select count(*) > 0, coalesce(bool_or(t.acknowledge), false) into v_owes, v_asks
    from jsonb_array_elements(v_facts) as f(x) join public.event_types t on t.type = f.x ->> 'type'
    where not coalesce((f.x ->> 'bulk')::boolean, false);
  if v_asks and v_kind = 'wedding' then
    v_facts := v_facts || app.acknowledge_facts(v_tenant, v_facts, v_ids, v_base);
    v_ids := v_ids || array(select uuidv7() from generate_series(cardinality(v_ids) + 1, jsonb_array_length(v_facts)));
  end if;
  -- 3. numbers, then the events
  update public.streams s set top = v_base + cardinality(v_ids) where s.id = v_tenant;
  with written as (
    insert into public.events (stream_id, seq, recorded_at, id, epoch, type, version, scope, link_id, membership_id, subject_table, subject_id, op,
      record, old_record, actor_kind, actor_id, cause, bulk, occurred_at, is_severe)
    select v_tenant, v_base + f.n, v_at, v_ids[f.n], v_epoch, f.x ->> 'type', coalesce((f.x ->> 'version')::smallint, 1),
      (f.x ->> 'scope')::integer, (f.x ->> 'link')::uuid, (f.x ->> 'membership')::uuid, f.x ->> 'table', (f.x ->> 'id')::uuid, f.x ->> 'op',
      nullif(f.x -> 'record', 'null'), nullif(f.x -> 'old', 'null'), app.actor_kind(), app.actor(), v_cause,
      coalesce((f.x ->> 'bulk')::boolean, false), v_at, coalesce(f.x ->> 'severity' = 'high', false)
    from jsonb_array_elements(v_facts) with ordinality as f(x, n)
    returning events)
  select case when cardinality(v_ids) <= 64 then jsonb_agg(app.event_json(w.events, v_kind) order by (w.events).seq)::text
    else jsonb_build_array(jsonb_build_object('stream', v_kind || ':' || v_tenant, 'epoch', v_epoch, 'seq', v_base + cardinality(v_ids), 'wake', true))::text end
    into v_nudge from written w;
  -- 4. what the facts owe
  if v_owes then perform app.owe_facts(v_tenant, v_facts, v_ids, v_base, v_at); end if;
  return v_nudge;
end $$;

-- Answers that changed, added to what was counted: the stream's lock makes that right, and a count would read every guest.
create function app.add_to_headcounts(p_wedding uuid, p_items uuid[], p_facts jsonb)
returns table (id uuid, op text, record jsonb, old_record jsonb)
language sql volatile set search_path = '' as $$
  with answers as materialized (
    select (f.x -> 'record' ->> 'schedule_item_id')::uuid as item, i.status, i.menu, i.n, g.age_band in ('child', 'infant') as is_child
    from jsonb_array_elements(p_facts) as f(x)
    join public.guests g on g.wedding_id = p_wedding and g.id = (f.x -> 'record' ->> 'guest_id')::uuid
    cross join lateral (values (f.x -> 'record' ->> 'status', f.x -> 'record' ->> 'menu_option_id', 1),
      (f.x -> 'old' ->> 'status', f.x -> 'old' ->> 'menu_option_id', -1)) as i(status, menu, n)
    where f.x ->> 'table' = 'rsvps'),
  sums as (
    select a.item, coalesce(sum(a.n) filter (where a.status = 'accepted'), 0) as accepted, coalesce(sum(a.n) filter (where a.status = 'declined'), 0) as declined,
      coalesce(sum(a.n) filter (where a.status = 'tentative'), 0) as tentative, coalesce(sum(a.n) filter (where a.status = 'needs_action'), 0) as pending,
      coalesce(sum(a.n) filter (where a.status = 'accepted' and a.is_child), 0) as children
    from answers a where a.item = any (p_items) group by a.item)
  update public.headcounts h set accepted = h.accepted + s.accepted, declined = h.declined + s.declined, tentative = h.tentative + s.tentative,
    pending = h.pending + s.pending, children = h.children + s.children, meals = m.meals
  from sums s, lateral (
    select coalesce(jsonb_object_agg(x.menu, x.n) filter (where x.n <> 0), '{}') as meals from (
      select y.menu, sum(y.n) as n from (
        select k.key as menu, k.value::integer as n from public.headcounts b, jsonb_each_text(b.meals) k
          where b.wedding_id = p_wedding and b.schedule_item_id = s.item
        union all select a.menu, a.n from answers a where a.item = s.item and a.status = 'accepted' and a.menu is not null) y
      group by y.menu) x) m
  where h.wedding_id = p_wedding and h.schedule_item_id = s.item
    and ((s.accepted, s.declined, s.tentative, s.pending, s.children) is distinct from (0, 0, 0, 0, 0) or m.meals <> h.meals)
  returning new.id, 'UPDATE', to_jsonb(new), to_jsonb(old);
$$;

-- Facts that follow from facts in the same transaction: head counts of the items that answers or guests touched, and of these whether all fit.
create function app.derived_facts(p_wedding uuid, p_facts jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
  v_changed uuid[];
  v_counted uuid[];
  v_all jsonb := '[]';
begin
  select array_agg(i.item) filter (where i.is_added), array_agg(i.item) filter (where not i.is_added) into v_changed, v_counted from (
    select x.item, bool_and(x.is_answer) and exists (select from public.headcounts h where h.wedding_id = p_wedding and h.schedule_item_id = x.item) as is_added
    from (
      select (coalesce(nullif(f.x -> 'record', 'null'), f.x -> 'old') ->> 'schedule_item_id')::uuid as item,
          f.x ->> 'op' = 'UPDATE' and f.x -> 'is_counted' is null as is_answer
        from jsonb_array_elements(p_facts) as f(x) where f.x ->> 'table' = 'rsvps'
      union all
      select r.schedule_item_id, false from jsonb_array_elements(p_facts) as f(x)
        join public.rsvps r on r.wedding_id = p_wedding and r.guest_id = (f.x ->> 'id')::uuid
        where f.x ->> 'table' = 'guests' and f.x ->> 'op' = 'UPDATE' and f.x -> 'record' ->> 'age_band' is distinct from f.x -> 'old' ->> 'age_band') x
    where x.item is not null group by x.item) i;
  if v_changed is not null then
    select v_all || coalesce(jsonb_agg(app.headcount_fact(h.id, h.op, h.record, h.old_record)), '[]') into v_all
      from app.add_to_headcounts(p_wedding, v_changed, p_facts) h;
  end if;
  if v_counted is not null then
    select v_all || coalesce(jsonb_agg(app.headcount_fact(h.id, h.op, h.record, h.old_record)), '[]') into v_all
      from app.derive_headcounts(p_wedding, v_counted) h;
  end if;
  -- Most weddings have no spaces, and pay for one look into an index.
  if exists (select from public.space_uses u where u.wedding_id = p_wedding) then v_all := v_all || app.space_facts(p_wedding, p_facts || v_all); end if;
  return v_all;
end $$;

-- A type that says "acknowledge" opens, or reopens, one row per concerned active link that may see the fact.
create function app.acknowledge_facts(p_wedding uuid, p_facts jsonb, p_ids uuid[], p_base bigint) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
  v jsonb;
begin
  with asked as (
    select distinct on (l.id, f.about) l.id as link_id, f.about, p_ids[f.n] as event_id, f.x ->> 'type' as type, coalesce(f.x -> 'summary', '{}') as summary, p_base + f.n as seq
    from (select a.x, a.n, coalesce(a.x ->> 'about', (a.x ->> 'table') || ':' || (a.x ->> 'id')) as about
      from jsonb_array_elements(p_facts) with ordinality as a(x, n)) f
    join public.event_types t on t.type = f.x ->> 'type' and t.acknowledge
    join public.links l on l.wedding_id = p_wedding and l.status = 'active'
      and case when f.x ->> 'link' is null then l.mask & (f.x ->> 'scope')::integer <> 0 else l.id = (f.x ->> 'link')::uuid end
      and (coalesce(jsonb_typeof(f.x -> 'concerns'), 'null') <> 'array' or f.x -> 'concerns' ? l.id::text)
      and l.id is distinct from app.link()
    where not coalesce((f.x ->> 'bulk')::boolean, false)
    order by l.id, f.about, f.n desc),
  opened as (
    insert into public.acknowledgements as a (wedding_id, link_id, about, event_id, event_seq, type, summary, opened_at)
    select p_wedding, q.link_id, q.about, q.event_id, q.seq, q.type, q.summary, app.now() from asked q
    on conflict (wedding_id, link_id, about) do update
      set event_id = excluded.event_id, event_seq = excluded.event_seq, type = excluded.type, summary = excluded.summary, status = 'open',
        opened_at = excluded.opened_at, seen_at = null, acknowledged_at = null, acknowledged_by = null, cannot_at = null, via = null
    returning new.id as id, new.link_id as link_id, to_jsonb(new) as record, case when old.id is null then null else to_jsonb(old) end as old_record)
  select jsonb_agg(jsonb_build_object('type', 'acknowledgement.opened', 'scope', 1, 'link', o.link_id, 'table', 'acknowledgements', 'id', o.id,
    'op', case when o.old_record is null then 'INSERT' else 'UPDATE' end, 'record', o.record, 'old', o.old_record)) into v from opened o;
  return coalesce(v, '[]');
end $$;

-- What facts owe. One delivery per destination whose tenant may see the fact, by the first of its subscriptions that matches, with the previous seq
-- that destination was owed; app.routed says by the same predicates why. One reaction per name whose condition holds. A reaction that is merged
-- looks at what stands, not at its event: while one of its name waits in this stream no other is owed. The lock on the waiting one makes that sure:
-- it cannot start before our commit.
create function app.owe_facts(p_stream uuid, p_facts jsonb, p_ids uuid[], p_base bigint, p_at timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_reaction constant uuid := '00000000-0000-7000-8000-000000000002';
  v_live timestamptz;
  v_destinations uuid[];
  v_keys uuid[];
begin
  select max(d.live_until) into v_live from public.wedding_days d
    where d.wedding_id = p_stream and app.now() between d.live_from - interval '24 hours' and d.live_until;
  with told as materialized (
    select f.n, p_base + f.n as seq, p_ids[f.n] as event_id, f.x ->> 'type' as type, t.lane, (f.x ->> 'scope')::integer as scope,
      (f.x ->> 'table') || (f.x ->> 'id') as subject, coalesce(f.x ->> 'severity' = 'high', false) as is_severe,
      (f.x ->> 'link')::uuid as link_id, (f.x ->> 'membership')::uuid as membership_id, f.x
    from jsonb_array_elements(p_facts) with ordinality as f(x, n) join public.event_types t on t.type = f.x ->> 'type'
    where not coalesce((f.x ->> 'bulk')::boolean, false)),
  wanted as materialized (
    select s.id, s.tenant_id, s.connector, s.destination_id, s.mode, s.patterns, s.position, s.condition, s.lane, s.quiet, a.link_id, a.mask
    from (select p_stream as tenant_id, null::uuid as link_id, null::integer as mask
      union all select l.supplier_id, l.id, l.mask from public.links l where l.wedding_id = p_stream and l.status = 'active') a
    join public.subscriptions s on s.tenant_id = a.tenant_id and s.active),
  matched as materialized (
    select uuidv7() as id, f.subscription_id, f.tenant_id, f.connector, f.destination_id, f.mode, f.seq, f.event_id, f.type, f.link_id, f.order_key, f.lane,
      coalesce(lag(f.seq) over (partition by f.destination_id order by f.seq), h.seq) as previous_seq,
      case when f.quiet is not null and f.lane > 0 and v_live is null then app.held_until(f.quiet, p_stream) end as held_until
    from (
      select distinct on (w.destination_id, e.seq) w.id as subscription_id, w.tenant_id, w.connector, w.destination_id, w.mode, w.quiet, e.seq, e.event_id,
        e.type, w.link_id, app.lane_for(w.lane, e.lane, v_live is not null, e.is_severe) as lane,
        case w.mode when 'ordered' then p_stream when 'latest' then md5(w.id::text || p_stream || e.subject)::uuid end as order_key
      -- By type first, whatever the planner thinks a condition costs: everybody's rules are asked while the stream is held.
      from wanted w join told e on case when not e.type like any (w.patterns) then false
        when not app.hears(w.mask, w.link_id, e.scope, e.link_id, e.membership_id) then false
        else app.holds(w.condition, app.fact_for(e.x, w.link_id)) end
      order by w.destination_id, e.seq, w.position, w.id) f
    left join public.heads h on h.destination_id = f.destination_id and h.stream_id = p_stream),
  owed as (
    insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, subscription_id, stream_id, seq, event_id, event_at, type, link_id,
      previous_seq, lane, state, reason, next_at)
    select m.id, p_at, m.tenant_id, m.connector, m.destination_id, m.subscription_id, p_stream, m.seq, m.event_id, p_at, m.type, m.link_id,
      m.previous_seq, m.lane, case when m.held_until is null then 'pending' else 'deferred' end,
      case when m.held_until is null then '' else 'held by the quiet hours of its rule' end, m.held_until from matched m),
  remembered as (
    insert into public.heads as h (destination_id, stream_id, seq)
    select m.destination_id, p_stream, max(m.seq) from matched m group by m.destination_id
    on conflict (destination_id, stream_id) do update set seq = excluded.seq),
  due as (
    select e.seq, e.event_id, t.name, t.is_merged, row_number() over (partition by t.name order by e.seq) as nth
    from told e join public.reaction_types t on t.type = e.type
    where t.condition is null or jsonb_path_match(e.x, t.condition, '{}', true)),
  waiting as (
    select j.name from public.jobs j where j.destination_id = v_reaction and j.order_key = p_stream and j.lease_token is null
      and j.name in (select d.name from due d where d.is_merged)
    for update skip locked),
  jobs as (
    insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, is_latest, made_at, event_id, live_until, run_at)
    select m.id, 'delivery', m.connector, m.lane, m.tenant_id, m.destination_id, m.order_key, m.seq, m.mode = 'latest', p_at, m.event_id, v_live,
      coalesce(m.held_until, clock_timestamp())
    from matched m
    union all
    select uuidv7(), 'reaction', d.name, 0, p_stream, v_reaction, p_stream, d.seq, false, p_at, d.event_id, v_live, clock_timestamp() from due d
      where not d.is_merged or (d.nth = 1 and not exists (select from waiting w where w.name = d.name)))
  select array_agg(m.destination_id), array_agg(m.order_key) into v_destinations, v_keys from matched m where m.mode = 'latest';
  -- Of what was owed before, and by this action itself, only the newest of each row goes on.
  if v_keys is not null then perform app.supersede(v_destinations, v_keys); end if;
end $$;

grant execute on function app.record(jsonb, uuid) to wedsync_user;

-- What all tenants share: texts and calls wait for their own provider, mails for theirs.
create function app.shared_destination(p_connector text) returns uuid
language sql immutable parallel safe set search_path = ''
  return case p_connector when 'twilio' then '00000000-0000-7000-8000-000000000009'::uuid else '00000000-0000-7000-8000-000000000001' end;

-- The user door hands direct deliveries (mails of notices) to the ledger. The id derives from (event or action, recipient, channel), so
-- owing twice makes one row. p: [{id, recipient_kind, recipient_id, event_id, seq, type, connector, lane, sealed hex, expires_at, link}] of the entered tenant, as system or couple.
create function app.owe(p jsonb) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_made integer;
begin
  if app.tenant() is null or app.role() not in ('system', 'couple', 'owner', 'admin', 'self', 'supplier') then
    raise insufficient_privilege using message = 'owe outside of a tenant';
  end if;
  with wanted as (
    select (f.x ->> 'id')::uuid as id, e.recorded_at as made_at, f.x
    from jsonb_array_elements(p) as f(x)
    join public.events e on e.stream_id = app.tenant() and e.seq = (f.x ->> 'seq')::bigint and e.id = (f.x ->> 'event_id')::uuid),
  made as (
    insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, stream_id, seq, event_id, event_at, type, link_id, recipient_kind,
      recipient_id, sealed, lane, expires_at)
    select w.id, w.made_at, app.tenant(), w.x ->> 'connector', app.shared_destination(w.x ->> 'connector'), app.tenant(), (w.x ->> 'seq')::bigint,
      (w.x ->> 'event_id')::uuid, w.made_at, w.x ->> 'type', (w.x ->> 'link')::uuid, w.x ->> 'recipient_kind',
      (w.x ->> 'recipient_id')::uuid, decode(w.x ->> 'sealed', 'hex'), coalesce((w.x ->> 'lane')::smallint, 1::smallint), (w.x ->> 'expires_at')::timestamptz
    from wanted w
    on conflict (id, made_at) do nothing
    returning id, made_at, lane, connector, event_id, expires_at)
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, event_id, expires_at)
  select m.id, 'delivery', m.connector, m.lane, app.tenant(), app.shared_destination(m.connector), m.made_at, m.event_id, m.expires_at from made m
  on conflict (id) do nothing;
  get diagnostics v_made = row_count;
  return v_made;
end $$;
grant execute on function app.owe(jsonb) to wedsync_user;

-- Long work of a noun (an import) as a job of the entered tenant.
create function app.owe_work(p_name text, p_args jsonb, p_lane smallint default 3) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v uuid := uuidv7();
begin
  if app.tenant() is null or app.role() not in ('system', 'couple', 'owner', 'admin') then raise insufficient_privilege using message = 'owe outside of a tenant'; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    values (v, 'work', p_name, p_lane, app.tenant(), '00000000-0000-7000-8000-000000000003', p_args);
  return v;
end $$;
grant execute on function app.owe_work(text, jsonb, smallint) to wedsync_user;

-- A webhook endpoint becomes a destination and a subscription of the ledger.
create function app.connect_endpoint(p_endpoint uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  e record;
begin
  select * into e from public.endpoints x where x.id = p_endpoint and x.tenant_id = app.tenant();
  if not found or not (app.mask() & 512 <> 0) then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.destinations as d (id, tenant_id, connector, state)
    values (e.id, e.tenant_id, 'webhook', case when e.state = 'active' and e.deleted_at is null then 'active' else 'parked' end)
    on conflict (id) do update set state = excluded.state, breaker_failures = 0, breaker_until = null, breaker_openings = 0, breaker_from = null,
      breaker_results = 0, breaker_failed = 0, breaker_slow = 0, not_before = case when d.breaker_until is null then d.not_before else '-infinity' end
    -- Whoever changes an endpoint may have mended it: it is tried at once.
    where d.state <> excluded.state or d.breaker_from is not null or d.breaker_until is not null;
  insert into public.subscriptions as s (id, tenant_id, destination_id, connector, patterns, mode, active)
    values (e.id, e.tenant_id, e.id, 'webhook', app.like_patterns(e.events), e.mode, e.deleted_at is null)
    on conflict (id) do update set patterns = excluded.patterns, mode = excluded.mode, active = excluded.active
    where (s.patterns, s.mode, s.active) is distinct from (excluded.patterns, excluded.mode, excluded.active);
  if e.deleted_at is not null then
    perform app.end_jobs(array(select j.id from public.jobs j where j.destination_id = e.id and j.kind = 'delivery'), 'cancelled',
      'the endpoint was deleted');
  end if;
end $$;
grant execute on function app.connect_endpoint(uuid) to wedsync_user;
reset role;

set role wedsync_owner;
alter table public.destinations no force row level security;
insert into public.destinations (id, tenant_id, connector, max_in_flight) values
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000000', 'mail', 16),
  ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000000', 'reaction', 16),
  ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000000', 'work', 4);
alter table public.destinations force row level security;
alter table public.streams no force row level security;
insert into public.streams (id, kind) values ('00000000-0000-7000-8000-000000000000', 'platform');
alter table public.streams force row level security;
reset role;

-- What record knows of types and reactions, replaced as a whole by the migrator and the tests.
set role wedsync_recorder;
create function app.sync_catalogue(p jsonb) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.event_types as t (type, lane, acknowledge)
    select x ->> 'type', (x ->> 'lane')::smallint, (x ->> 'acknowledge')::boolean from jsonb_array_elements(p -> 'types') as f(x)
    on conflict (type) do update set lane = excluded.lane, acknowledge = excluded.acknowledge
    where (t.lane, t.acknowledge) is distinct from (excluded.lane, excluded.acknowledge);
  delete from public.reaction_types r where (r.name, r.type) not in (select x ->> 'name', x ->> 'type' from jsonb_array_elements(p -> 'reactions') as f(x));
  insert into public.reaction_types as r (name, type, condition, is_merged)
    select x ->> 'name', x ->> 'type', (x ->> 'condition')::jsonpath, (x ->> 'is_merged')::boolean from jsonb_array_elements(p -> 'reactions') as f(x)
    on conflict (name, type) do update set condition = excluded.condition, is_merged = excluded.is_merged
    where (r.condition::text, r.is_merged) is distinct from (excluded.condition::text, excluded.is_merged);
$$;
grant execute on function app.sync_catalogue(jsonb) to wedsync_owner;
reset role;

-- 72_record_bulk.sql
-- Facts by the ten thousands, as an import writes them: they owe nothing, and their images do not travel twice.
set role wedsync_recorder;

-- Many facts that owe nothing, as arrays: an import writes ten thousands, which as one document would be read seven times over.
-- p_kinds: [{type, version, scope, table, op}]; p_kind: which of them each row is, from 1; images as JSON text. They get their numbers
-- first, then p_facts and what is derived (every item's head counts are looked at). Returns a wake: whoever follows reads the log.
create function app.record_bulk(p_kinds jsonb, p_kind integer[], p_ids uuid[], p_records text[], p_olds text[], p_facts jsonb,
  p_cause uuid default null) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_tenant uuid := app.tenant();
  v_kind text;
  v_epoch integer;
  v_top bigint;
  v_at timestamptz := clock_timestamp();
  v_cause uuid := coalesce(p_cause, nullif(current_setting('app.cause', true), '')::uuid, uuidv7());
  v_items uuid[];
  v_facts jsonb := p_facts;
begin
  if v_tenant is null then raise insufficient_privilege using message = 'record outside of a tenant'; end if;
  select s.kind, s.epoch, s.top into v_kind, v_epoch, v_top from public.streams s where s.id = v_tenant for update;
  if not found then raise insufficient_privilege using message = 'record on an unknown stream'; end if;
  insert into public.events (stream_id, seq, recorded_at, id, epoch, type, version, scope, subject_table, subject_id, op, record, old_record, actor_kind,
    actor_id, cause, bulk, occurred_at)
  select v_tenant, v_top + f.n, v_at, uuidv7(), v_epoch, k.type, k.version, k.scope, k.subject_table, f.id, k.op, f.record::jsonb, f.old::jsonb,
    app.actor_kind(), app.actor(), v_cause, true, v_at
  from unnest(p_kind, p_ids, p_records, p_olds) with ordinality as f(kind, id, record, old, n)
  join (select x.n, x.k ->> 'type' as type, (x.k ->> 'version')::smallint as version, (x.k ->> 'scope')::integer as scope, x.k ->> 'table' as subject_table,
      x.k ->> 'op' as op
    from jsonb_array_elements(p_kinds) with ordinality as x(k, n)) k on k.n = f.kind;
  update public.streams s set top = s.top + cardinality(p_ids) where s.id = v_tenant;
  if v_kind = 'wedding' then
    select array_agg(i.item) into v_items from (select r.schedule_item_id as item from public.rsvps r where r.wedding_id = v_tenant
      union select h.schedule_item_id from public.headcounts h where h.wedding_id = v_tenant) i;
    v_facts := v_facts || coalesce((select jsonb_agg(app.headcount_fact(h.id, h.op, h.record, h.old_record))
      from app.derive_headcounts(v_tenant, v_items) h), '[]');
  end if;
  -- The answers among them were counted above with all others, and must not be added once more.
  select jsonb_agg(f.x || '{"is_counted": true}' order by f.n) into v_facts from jsonb_array_elements(v_facts) with ordinality as f(x, n);
  if v_facts is not null then perform app.record(v_facts, v_cause); end if;
  select s.top into v_top from public.streams s where s.id = v_tenant;
  return jsonb_build_array(jsonb_build_object('stream', v_kind || ':' || v_tenant, 'epoch', v_epoch, 'seq', v_top, 'wake', true))::text;
end $$;
grant execute on function app.record_bulk(jsonb, integer[], uuid[], text[], text[], jsonb, uuid) to wedsync_user;

-- Rows an import inserted in this transaction, told without their images having travelled: the database has them. For the system only, and
-- for the tables of guests. p_kinds: [{type, version, scope, table}]; p_counts: how many of p_ids each has. Returns the cause of the action.
create function app.record_inserted(p_kinds jsonb, p_counts integer[], p_ids uuid[]) returns uuid
language plpgsql volatile security definer set search_path = '' set enable_nestloop = off as $$
declare
  v_tenant uuid := app.tenant();
  v_epoch integer;
  v_top bigint;
  v_at timestamptz := clock_timestamp();
  v_cause uuid := coalesce(nullif(current_setting('app.cause', true), '')::uuid, uuidv7());
  v_from integer := 0;
  k record;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'only work of the system tells rows by their ids'; end if;
  select s.epoch, s.top into v_epoch, v_top from public.streams s where s.id = v_tenant for update;
  for k in select x.n, x.k ->> 'type' as type, (x.k ->> 'version')::smallint as version, (x.k ->> 'scope')::integer as scope, x.k ->> 'table' as subject
    from jsonb_array_elements(p_kinds) with ordinality as x(k, n) order by x.n loop
    if k.subject not in ('parties', 'guests', 'guest_contacts', 'guest_needs', 'rsvps') then
      raise insufficient_privilege using message = 'no table of guests: ' || k.subject;
    end if;
    execute format('insert into public.events (stream_id, seq, recorded_at, id, epoch, type, version, scope, subject_table, subject_id, op, record,
        actor_kind, actor_id, cause, bulk, occurred_at)
      select $1, $2 + i.n, $3, uuidv7(), $4, $5, $6, $7, $8, t.id, ''INSERT'', to_jsonb(t), app.actor_kind(), app.actor(), $9, true, $3
      from unnest($10) with ordinality as i(id, n) join public.%I t on t.wedding_id = $1 and t.id = i.id', k.subject)
      using v_tenant, v_top + v_from, v_at, v_epoch, k.type, k.version, k.scope, k.subject, v_cause, p_ids[v_from + 1 : v_from + p_counts[k.n]];
    v_from := v_from + p_counts[k.n];
  end loop;
  update public.streams s set top = s.top + cardinality(p_ids) where s.id = v_tenant;
  return v_cause;
end $$;
grant execute on function app.record_inserted(jsonb, integer[], uuid[]) to wedsync_user;
reset role;

-- 72_record_spaces.sql
-- Whether those who have accepted fit into the spaces they were given: a fact of the head counts, found under the stream's lock.
set role wedsync_recorder;

-- The uses that became too small, or are no longer, turned. A link that ended is told nothing. No row of it holds a number of people.
create function app.turned_uses(p_wedding uuid, p_items uuid[], p_use uuid default null)
returns table (id uuid, link_id uuid, is_over boolean, record jsonb, old_record jsonb)
language sql volatile set search_path = '' as $$
  update public.space_uses u set is_over = not u.is_over
  where u.wedding_id = p_wedding and u.schedule_item_id = any (p_items) and (p_use is null or u.id = p_use)
    and u.is_over <> (u.capacity < coalesce((select h.accepted from public.headcounts h
      where h.wedding_id = p_wedding and h.schedule_item_id = u.schedule_item_id), 0))
    and exists (select from public.links l where l.wedding_id = p_wedding and l.id = u.link_id and l.status = 'active')
  returning new.id, new.link_id, new.is_over, to_jsonb(new), to_jsonb(old);
$$;

-- What follows for spaces from facts: head counts that changed, and items that were taken off the schedule with what was given to them.
create function app.space_facts(p_wedding uuid, p_facts jsonb) returns jsonb
language sql volatile set search_path = '' as $$
  with told as materialized (
    select f.x ->> 'table' as subject, f.x ->> 'op' as op, (f.x ->> 'id')::uuid as id, (f.x -> 'record' ->> 'schedule_item_id')::uuid as item
    from jsonb_array_elements(p_facts) as f(x) where f.x ->> 'table' in ('headcounts', 'schedule_items')),
  turned as (
    select t.id, t.link_id, case when t.is_over then 'space.exceeded' else 'space.fits_again' end as type, 'UPDATE' as op, t.record, t.old_record
    from app.turned_uses(p_wedding, array(select k.item from told k where k.subject = 'headcounts')) t),
  gone as (
    delete from public.space_uses u using told k
    where k.subject = 'schedule_items' and k.op = 'DELETE' and u.wedding_id = p_wedding and u.schedule_item_id = k.id
    returning u.id, u.link_id, 'space.withdrawn' as type, 'DELETE' as op, null::jsonb as record, to_jsonb(u) as old_record)
  select coalesce(jsonb_agg(jsonb_build_object('type', y.type, 'scope', 1, 'link', y.link_id, 'table', 'space_uses', 'id', y.id, 'op', y.op,
    'record', y.record, 'old', y.old_record)), '[]')
  from (select t.id, t.link_id, t.type, t.op, t.record, t.old_record from turned t
    union all select g.id, g.link_id, g.type, g.op, g.record, g.old_record from gone g) y;
$$;

-- Before a venue writes what it gives: the schedule and the stream, in the order in which taking an item off and an answer lock them. Whoever
-- waited here finds the head counts as they are, and two that change one row do not wait for each other.
create function app.hold_uses() returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.link() is null then raise insufficient_privilege using message = 'only a linked supplier gives spaces'; end if;
  perform pg_advisory_xact_lock(hashtextextended('schedule:' || app.tenant(), 0));
  perform from public.streams s where s.id = app.tenant() for update;
end $$;

-- The same for what a link has just written, whatever of the head counts it may read: it learns that it is too small, not by how many.
create function app.judge_use(p_use uuid) returns table (id uuid, link_id uuid, is_over boolean, record jsonb, old_record jsonb)
language sql volatile security definer set search_path = '' as $$
  select t.id, t.link_id, t.is_over, t.record, t.old_record
  from public.space_uses u
  cross join lateral app.turned_uses(u.wedding_id, array[u.schedule_item_id], u.id) t
  where u.wedding_id = app.tenant() and u.id = p_use and u.link_id = app.link();
$$;
grant execute on function app.hold_uses(), app.judge_use(uuid) to wedsync_user;
reset role;

-- 73_repeats.sql
-- Repeats: what was carried out under an Idempotency-Key, and the answer to give again. Home: the person who asked.
-- The row is written in the transaction of the change itself, so there is no instant at which one is there without the other.
set role wedsync_owner;
create table public.kept_answers (
  place bytea primary key check (length(place) = 32),
  id uuid not null,
  person_id uuid not null references public.persons on delete cascade,
  request bytea not null check (length(request) <= 256),
  answer bytea,
  claimed_at timestamptz not null default clock_timestamp()
);
comment on table public.kept_answers is 'What was done under an Idempotency-Key (its SHA-256 with caller, method and path), the sealed digest of what was asked, and the sealed answer; a day long';
create index kept_answers_person on public.kept_answers (person_id);
create index kept_answers_claimed on public.kept_answers (claimed_at);
call app.protect('public.kept_answers', 'person_id', 'false', null);
revoke select on public.kept_answers from wedsync_user;
grant insert, update, delete on public.kept_answers to wedsync_recorder;
reset role;

set role wedsync_recorder;
create function app.answers_kept_for() returns interval language sql immutable
  return interval '24 hours';

-- What is kept for one place, for the person whose it is.
create function app.kept_answer(p_person uuid, p_place bytea) returns table (id uuid, request bytea, answer bytea)
language sql stable security definer set search_path = '' as $$
  select k.id, k.request, k.answer from public.kept_answers k
  where k.place = p_place and k.person_id = p_person and k.claimed_at > clock_timestamp() - app.answers_kept_for();
$$;

-- At the start of the change: may it begin? The lock is this transaction's, so a second at the same time is told instead of waiting.
create function app.begin_once(p_place bytea) returns text
language plpgsql volatile security definer set search_path = '' as $$
begin
  if not pg_try_advisory_xact_lock(('x' || encode(substring(p_place for 8), 'hex'))::bit(64)::bigint) then return 'under_way'; end if;
  perform from public.kept_answers k where k.place = p_place and k.claimed_at > clock_timestamp() - app.answers_kept_for();
  return case when found then 'done' else 'free' end;
end $$;

-- Before the commit of the change: it was done under this key. False where the transaction changes nothing.
create function app.claim_once(p_person uuid, p_place bytea, p_id uuid, p_request bytea, p_changes boolean) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  if not p_changes and pg_current_xact_id_if_assigned() is null then return false; end if;
  insert into public.kept_answers as k (place, id, person_id, request) values (p_place, p_id, p_person, p_request)
  on conflict (place) do update set id = excluded.id, person_id = excluded.person_id, request = excluded.request, answer = null,
    claimed_at = clock_timestamp()
  where k.claimed_at <= clock_timestamp() - app.answers_kept_for();
  if not found then raise exception 'done meanwhile' using errcode = 'unique_violation'; end if;
  return true;
end $$;

-- After the commit: the answer, for the claim it belongs to.
create function app.keep_answer(p_person uuid, p_place bytea, p_id uuid, p_answer bytea) returns void
language sql volatile security definer set search_path = '' as $$
  update public.kept_answers k set answer = p_answer
  where k.place = p_place and k.id = p_id and k.person_id = p_person and k.answer is null;
$$;

create function app.forget_answers() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.kept_answers k where k.claimed_at <= clock_timestamp() - app.answers_kept_for();
  get diagnostics n = row_count;
  return n;
end $$;

grant execute on function app.kept_answer(uuid, bytea), app.begin_once(bytea), app.claim_once(uuid, bytea, uuid, bytea, boolean),
  app.keep_answer(uuid, bytea, uuid, bytea) to wedsync_user;
grant execute on function app.forget_answers() to wedsync_service;
reset role;

-- 74_reader.sql
-- The reader door: what the gateway may ask. It holds no select of its own; every answer comes from one of these functions.
set role wedsync_recorder;
create function app.audience(p_person uuid, p_kind text, p_tenant uuid)
returns table (mask integer, link_id uuid, membership_id uuid, role text)
language sql stable security definer set search_path = '' as $$
  select s.mask, s.link_id, s.membership_id, s.role from app.standing(p_person, p_tenant) s where s.kind = p_kind;
$$;

create function app.stream_top(p_kind text, p_tenant uuid) returns table (epoch integer, top bigint, oldest bigint)
language sql stable security definer set search_path = '' as $$
  select s.epoch, s.top, coalesce((select min(e.seq) from public.events e where e.stream_id = s.id), s.top + 1)
  from public.streams s where s.id = p_tenant and s.kind = p_kind;
$$;

create function app.stream_tops(p_tenants uuid[]) returns table (id uuid, epoch integer, top bigint)
language sql stable security definer set search_path = '' as $$
  select s.id, s.epoch, s.top from public.streams s where s.id = any (p_tenants);
$$;

create function app.read_events(p_tenant uuid, p_after bigint, p_limit integer) returns setof text
language sql stable security definer set search_path = '' as $$
  select app.event_json(e, s.kind)::text from public.streams s
  join public.events e on e.stream_id = s.id
  where s.id = p_tenant and e.seq > p_after order by e.seq limit least(p_limit, 2000);
$$;

create function app.site_stream(p_slug text) returns uuid
language sql stable security definer set search_path = '' as $$
  select s.wedding_id from public.sites s where s.slug = p_slug and s.is_published;
$$;

create function app.save_positions(p jsonb) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.socket_positions as t (key, stream_id, epoch, seq)
  select decode(x ->> 'key', 'hex'), (x ->> 'stream')::uuid, (x ->> 'epoch')::integer, (x ->> 'seq')::bigint from jsonb_array_elements(p) as f(x)
  on conflict (key) do update set stream_id = excluded.stream_id, epoch = excluded.epoch, seq = excluded.seq, updated_at = clock_timestamp();
$$;

create function app.position(p_key bytea) returns table (epoch integer, seq bigint)
language sql stable security definer set search_path = '' as $$
  select p.epoch, p.seq from public.socket_positions p where p.key = p_key and p.updated_at > clock_timestamp() - interval '10 minutes';
$$;

create function app.forget_positions() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.socket_positions p where p.updated_at < clock_timestamp() - interval '10 minutes';
  get diagnostics n = row_count;
  return n;
end $$;

grant execute on function app.audience(uuid, text, uuid), app.stream_top(text, uuid), app.stream_tops(uuid[]), app.read_events(uuid, bigint, integer),
  app.site_stream(text), app.save_positions(jsonb), app.position(bytea) to wedsync_reader;
grant execute on function app.forget_positions() to wedsync_service;
reset role;

-- 76_queue.sql
-- The queue: which job may run now, by whom, until when. Claiming, leases, parking, order.
-- A job waits at run_at 'infinity' when something must happen first: its destination is parked, or a lower job of its order is live.
set role wedsync_owner;

create index jobs_fair on public.jobs (lane, destination_id, run_at) where lease_token is null;
create index jobs_expiry on public.jobs (expires_at) where expires_at is not null;

alter table public.destinations add column reason text not null default '' check (length(reason) <= 300);
comment on column public.destinations.reason is 'Why it is parked, in words for its owner';

create table public.dead_jobs (
  id uuid primary key,
  kind text not null,
  name text not null,
  lane smallint not null,
  tenant_id uuid not null,
  destination_id uuid not null,
  order_key uuid,
  order_seq bigint not null,
  made_at timestamptz not null,
  event_id uuid,
  args jsonb,
  attempts smallint not null,
  reason text not null default '',
  died_at timestamptz not null default clock_timestamp()
);
comment on table public.dead_jobs is 'Reactions and work that were given up, with the last reason; a delivery that is given up is a row of deliveries';

alter table public.dead_jobs enable row level security;
alter table public.dead_jobs force row level security;
create policy recorder on public.dead_jobs for all to wedsync_recorder using (true) with check (true);
grant select, insert, update, delete on public.dead_jobs to wedsync_recorder;

alter table public.deliveries add column actor_kind text, add column actor_id uuid;
comment on column public.deliveries.actor_id is 'Who cancelled it, or asked for this repeat of another; null = the engine';
grant select (actor_kind, actor_id) on public.deliveries to wedsync_user;

-- How fast wedding time runs: a drill that plays a day in minutes retries as much faster.
create function app.speed() returns double precision language sql stable parallel safe security definer set search_path = ''
  return coalesce((select c.speed from public.clock_setting c), 1);
grant execute on function app.speed() to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- Plans of these functions are made once a connection, whatever is in the table then: with nothing but index scans and nested loops they stay
-- right when it holds 100,000 rows a second later. Planned anew at each call, app.payloads of one job costs 4.5 ms of CPU instead of 0.5.

-- Up to p_limit jobs of one lane at these destinations, leased for a minute. Two statements: the first owns the destinations, the second
-- counts on a snapshot taken after that, so that the cap is exact however many claim at once.
-- Here a destination's tokens are spent too, also those of jobs that are given back unsent: never more leave than the rate allows. The bucket holds
-- twelve seconds' worth, so a minute that begins with a full one sees a fifth more than the rate, and no minute sees more than that.
-- p_jobs: only these, in this order.
create function app.take(p_lane integer, p_destinations uuid[], p_limit integer, p_now timestamptz, p_ordered boolean, p_per_min integer,
  p_jobs uuid[] default null) returns setof public.jobs
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_active uuid[];
  v_parked uuid[];
begin
  select array_agg(o.id) filter (where o.state = 'active'), array_agg(o.id) filter (where o.state = 'parked') into v_active, v_parked
    from (select d.id, d.state from public.destinations d
      where d.id = any (p_destinations) and d.not_before <= p_now for no key update skip locked) o;
  if v_parked is not null then perform app.shelve(p_lane, v_parked, p_now); end if;
  if v_active is not null then v_active := app.askable(p_lane, v_active, p_now); end if;
  if coalesce(cardinality(v_active), 0) = 0 then return; end if;
  if p_ordered then perform app.line_up(p_lane, v_active, p_now); end if;
  return query
    with room as materialized (
      select d.id, r.per_min, t.tokens, greatest(0, least(floor(t.tokens), case when d.breaker_until is null
          and not exists (select from public.hosts h where h.host = d.host and h.open_until is not null) then d.max_in_flight else 1 end
        - (select count(*) from public.jobs b where b.destination_id = d.id and b.lease_token is not null)))::integer as free
      from unnest(v_active) as o(id) join public.destinations d on d.id = o.id
      cross join lateral (select case when d.tenant_id <> '00000000-0000-7000-8000-000000000000'
        then greatest(1, app.share_now(d.rate_share, d.rate_at, p_now) * coalesce(d.per_min, p_per_min)) end as per_min) r
      cross join lateral (select case when r.per_min is not null then least(greatest(1, r.per_min / 5),
        coalesce(d.tokens + greatest(0, extract(epoch from p_now - d.tokens_at))::double precision * r.per_min / 60, 1e9)) end as tokens) t),
    picked as (
      select c.id from room r cross join lateral (
        select w.id, w.run_at, w.turn from (
          (select j.id, j.run_at, j.order_key, j.order_seq, j.name, 0 as turn from public.jobs j
            where p_jobs is null and j.lane = p_lane and j.destination_id = r.id and j.lease_token is null and j.run_at <= p_now
            order by j.run_at limit 256)
          union all
          (select j.id, j.run_at, j.order_key, j.order_seq, j.name, p.turn from unnest(p_jobs) with ordinality as p(id, turn)
            join public.jobs j on j.id = p.id
            where j.destination_id = r.id and j.lease_token is null and j.run_at <= p_now order by p.turn)) w
        where w.order_key is null or not exists (select from public.jobs p
          where p.destination_id = r.id and p.order_key = w.order_key and p.name = w.name and p.order_seq < w.order_seq)
        limit r.free) c
      order by c.turn, c.run_at limit p_limit),
    leased as (
      update public.jobs j set lease_token = gen_random_uuid(), lease_until = clock_timestamp() + interval '60 seconds', attempt = j.attempt + 1
      from picked p where j.id = p.id and j.lease_token is null
      returning j as job),
    spent as (
      update public.destinations d set tokens = s.left_over, tokens_at = greatest(d.tokens_at, p_now), not_before = case when s.left_over < 1
        then greatest(d.not_before, p_now + make_interval(secs => (1 - s.left_over) * 60 / s.per_min)) else d.not_before end
      from (select r.id, r.per_min, r.tokens, c.n, r.tokens - c.n as left_over from room r
        cross join lateral (select count(*) as n from leased l where (l.job).destination_id = r.id) c
        where r.tokens is not null and (c.n > 0 or r.tokens < 1)) s
      where d.id = s.id)
    select (l.job).* from leased l;
end $$;

-- In words for the owner: what we were told, or what the owner said.
create function app.parked_because(p_destination uuid) returns text
language sql stable set search_path = '' as $$
  select coalesce(nullif(d.reason, ''), nullif(e.state_reason, ''), 'its endpoint is not active')
  from public.destinations d left join public.endpoints e on e.id = d.id where d.id = p_destination;
$$;

-- Jobs of parked destinations that came into view: out of the ready range, and the ledger says why.
create function app.shelve(p_lane integer, p_destinations uuid[], p_now timestamptz) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  with seen as (
    select w.id, app.parked_because(o.id) as reason from unnest(p_destinations) as o(id) cross join lateral (
      select j.id from public.jobs j where j.lane = p_lane and j.destination_id = o.id and j.lease_token is null and j.run_at <= p_now limit 256) w),
  shelved as (
    update public.jobs j set run_at = 'infinity' from seen s where j.id = s.id and j.lease_token is null returning j.id, j.made_at, s.reason)
  update public.deliveries d set state = 'parked', reason = s.reason, next_at = null from shelved s where d.id = s.id and d.made_at = s.made_at;
$$;

-- Ordered jobs behind a live one leave the ready range, each once, so that no claim wades through them. Whoever ends the job before brings
-- them back (app.call_next). The lock on the job before makes that sure: it cannot end between our look and our commit.
create function app.line_up(p_lane integer, p_destinations uuid[], p_now timestamptz) returns void
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_waiting uuid[];
begin
  select array_agg(b.id) into v_waiting from (
    select w.id from unnest(p_destinations) as o(id) cross join lateral (
      select j.id, j.order_key, j.name, j.order_seq from public.jobs j
      where j.lane = p_lane and j.destination_id = o.id and j.lease_token is null and j.run_at <= p_now
      order by j.run_at limit 128) w
    cross join lateral (select x.id from public.jobs x where x.destination_id = o.id and x.order_key = w.order_key and x.name = w.name
      and w.order_key is not null and x.order_seq < w.order_seq order by x.order_seq desc limit 1) before
    join public.jobs l on l.id = before.id
    for key share of l skip locked) b;
  if v_waiting is not null then
    update public.jobs j set run_at = 'infinity' where j.id = any (v_waiting) and j.lease_token is null;
  end if;
end $$;

create function app.call_next(p_ended public.jobs[]) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update public.jobs n set run_at = clock_timestamp() from (
    select x.id from unnest(p_ended) as g cross join lateral (
      select j.id from public.jobs j where j.destination_id = g.destination_id and j.order_key = g.order_key and j.name = g.name
        and j.order_seq > g.order_seq order by j.order_seq limit 1) x
    where g.order_key is not null) x
  where n.id = x.id and n.lease_token is null and n.run_at = 'infinity';
$$;

-- Jobs for one worker. p_own: how many of each lane's reserved places are free, critical first; p_shared: places any lane may have; p_per_min: the
-- rate of destinations that have none of their own; p_shunned: destinations that the worker has heard are left alone just now.
create function app.claim(p_own integer[], p_shared integer, p_per_min integer, p_shunned uuid[] default '{}') returns setof public.jobs
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_shared integer := p_shared;
  v_limit integer;
  v_width integer;
  v_taken integer;
  v_more integer;
  v_seen integer;
  v_tenants integer;
  v_ordered boolean;
  v_window uuid[];
begin
  -- A claim that a crash of the database undoes only means that the job is ready again.
  set local synchronous_commit = off;
  for v_lane in 0..3 loop
    v_limit := p_own[v_lane + 1] + v_shared;
    continue when v_limit <= 0;
    v_width := greatest(128, v_limit * 4);
    -- The oldest ready jobs, and no more of their destinations than a full claim needs: each is locked and counted.
    select array_agg(o.destination_id) filter (where o.destination_id <> all (p_shunned)), coalesce(max(o.seen), 0), bool_or(o.is_ordered),
      count(distinct o.tenant_id) into v_window, v_seen, v_ordered, v_tenants from (
      select w.destination_id, any_value(w.tenant_id) as tenant_id, bool_or(w.order_key is not null) as is_ordered, sum(count(*)) over () as seen
      from (select j.destination_id, j.tenant_id, j.order_key, j.run_at from public.jobs j
        where j.lane = v_lane and j.lease_token is null and j.run_at <= v_now order by j.run_at limit v_width) w
      group by w.destination_id order by min(w.run_at) limit v_limit + 16) o;
    continue when v_seen = 0;
    v_taken := 0;
    if v_seen = v_width and (v_tenants < 16 or random() < 0.25) then
      -- More is ready than we look at, and the oldest are few tenants': a quarter of the places goes by turns. Where they are many tenants', all
      -- of them do, in one claim of four: that costs a quarter as much.
      return query select t.* from app.take_turns(v_lane, case when v_tenants < 16 then greatest(1, v_limit / 4) else v_limit end, v_now, p_per_min) t;
      get diagnostics v_taken = row_count;
    end if;
    if v_taken < v_limit then
      return query select t.* from app.take(v_lane, v_window, v_limit - v_taken, v_now, v_ordered, p_per_min) t;
      get diagnostics v_more = row_count;
      v_taken := v_taken + v_more;
    end if;
    if v_taken < v_limit and v_seen = v_width then
      -- The oldest belong to destinations that are full or resting: go round the others.
      return query select t.* from app.take(v_lane, app.next_destinations(v_lane, v_window || p_shunned), v_limit - v_taken, v_now, true,
        p_per_min) t;
      get diagnostics v_more = row_count;
      v_taken := v_taken + v_more;
    end if;
    v_shared := v_shared - greatest(0, v_taken - p_own[v_lane + 1]);
  end loop;
end $$;

-- The worker lives: its leases last another minute. Returns the jobs it still holds.
create function app.heartbeat(p_jobs uuid[], p_leases uuid[]) returns setof uuid
language sql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update public.jobs j set lease_until = clock_timestamp() + interval '60 seconds'
  from unnest(p_jobs, p_leases) as h(job, lease) where j.id = h.job and j.lease_token = h.lease returning j.id;
$$;

-- Jobs that were claimed and not begun, given back as they were: no attempt is burnt.
create function app.release(p_jobs uuid[], p_leases uuid[]) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  n integer;
begin
  update public.jobs j set lease_token = null, lease_until = null, attempt = greatest(0, j.attempt - 1)
    from unnest(p_jobs, p_leases) as h(job, lease) where j.id = h.job and j.lease_token = h.lease;
  get diagnostics n = row_count;
  return n;
end $$;

-- Leases whose worker is gone. The attempt stays counted, so a job that kills every worker is given up in the end.
create function app.reclaim(p_attempts_max integer default 12) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_lapsed uuid[];
begin
  select array_agg(x.id) into v_lapsed from (select j.id from public.jobs j
    where j.lease_token is not null and j.lease_until < clock_timestamp() order by j.lease_until limit 1000 for update skip locked) x;
  if v_lapsed is null then return 0; end if;
  perform app.end_jobs(array(select j.id from public.jobs j where j.id = any (v_lapsed) and j.attempt >= p_attempts_max), 'dead',
    'its workers ended before it did, time and again');
  update public.jobs j set lease_token = null, lease_until = null, run_at = clock_timestamp() where j.id = any (v_lapsed) and j.lease_token is not null;
  perform app.supersede(array_agg(j.destination_id), array_agg(j.order_key)) from public.jobs j where j.id = any (v_lapsed) and j.is_latest;
  return cardinality(v_lapsed);
end $$;

-- Jobs that nobody wants any more after their time.
create function app.expire() returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_late uuid[];
begin
  select array_agg(x.id) into v_late from (select j.id from public.jobs j
    where j.expires_at <= clock_timestamp() and j.lease_token is null order by j.expires_at limit 1000 for update skip locked) x;
  if v_late is null then return 0; end if;
  perform app.end_jobs(v_late, 'expired', 'its time had passed before it could be sent');
  return cardinality(v_late);
end $$;

-- Ends jobs outside of an attempt: off the queue, and the ledger says how. A sealed payload goes with it.
create function app.end_jobs(p_jobs uuid[], p_state text, p_reason text) returns void
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ended public.jobs[];
begin
  if cardinality(p_jobs) = 0 then return; end if;
  with gone as (delete from public.jobs j where j.id = any (p_jobs) returning j as job),
  told as (
    update public.deliveries d set state = p_state, reason = p_reason, next_at = null, done_at = clock_timestamp(), sealed = null,
      actor_kind = case when p_state = 'cancelled' and app.actor() is not null then app.actor_kind() else d.actor_kind end,
      actor_id = case when p_state = 'cancelled' then coalesce(app.actor(), d.actor_id) else d.actor_id end
    from gone g where d.id = (g.job).id and d.made_at = (g.job).made_at),
  kept as (
    insert into public.dead_jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id, args, attempts, reason)
    select (g.job).id, (g.job).kind, (g.job).name, (g.job).lane, (g.job).tenant_id, (g.job).destination_id, (g.job).order_key, (g.job).order_seq,
      (g.job).made_at, (g.job).event_id, (g.job).args, (g.job).attempt, p_reason from gone g where (g.job).kind <> 'delivery'
    on conflict (id) do nothing)
  select array_agg(g.job) filter (where (g.job).order_key is not null) into v_ended from gone g;
  if v_ended is not null then perform app.call_next(v_ended); end if;
end $$;

-- Mode latest: of each order, whatever waits behind a newer job is not sent any more. What is on the wire is left alone; it is asked about again
-- when its try has ended.
create function app.supersede(p_destinations uuid[], p_keys uuid[]) returns void
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_old uuid[];
begin
  if p_keys is null then return; end if;
  v_old := array(select j.id from unnest(p_destinations, p_keys) as k(destination, key)
    join public.jobs j on j.destination_id = k.destination and j.order_key = k.key and j.is_latest and j.lease_token is null
    where exists (select from public.jobs n where n.destination_id = j.destination_id and n.order_key = j.order_key and n.name = j.name
      and n.order_seq > j.order_seq)
    for update of j skip locked);
  perform app.end_jobs(v_old, 'superseded', 'a newer change of the same thing took its place');
end $$;

-- Destinations that want, or can take, nothing more until a person mends them. Claims put their jobs aside as they meet them. Endpoints are locked
-- first, as their owners' changes do it, streams last. Each tenant is told in its stream; returns the nudges. What all tenants share is never parked.
create function app.park(p_destinations uuid[], p_reasons text[]) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform from public.endpoints e where e.id = any (p_destinations) order by e.id for no key update;
  perform from public.destinations d where d.id = any (p_destinations) order by d.id for no key update;
  return query select t.nudge from app.tell_tenants(app.shut(p_destinations, p_reasons)) as t(nudge);
end $$;

-- A change of an endpoint that the engine made, as a fact of its tenant: without anything secret, even sealed.
create function app.endpoint_fact(p_type text, p_new public.endpoints, p_old public.endpoints) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('tenant', (p_new).tenant_id, 'type', p_type, 'scope', 512, 'table', 'endpoints', 'id', (p_new).id, 'op', 'UPDATE',
    'record', to_jsonb(p_new) - s.names, 'old', to_jsonb(p_old) - s.names)
  from (select '{secret_sealed,old_secrets,credentials_sealed}'::text[] as names) s;
$$;

-- What is to be told of it, by whoever has locked them all.
create function app.shut(p_destinations uuid[], p_reasons text[]) returns jsonb
language sql volatile set search_path = '' as $$
  with closed as (
    update public.destinations d set state = 'parked', reason = left(c.reason, 300) from unnest(p_destinations, p_reasons) as c(id, reason)
    where d.id = c.id and d.state = 'active' and d.tenant_id <> '00000000-0000-7000-8000-000000000000' returning d.id, d.reason),
  disabled as (
    update public.endpoints e set state = 'disabled', state_reason = c.reason from closed c where e.id = c.id and e.state = 'active'
    returning new.id, app.endpoint_fact('endpoint.changed', new, old) as fact)
  select coalesce(jsonb_agg(d.fact order by d.id), '[]') from disabled d;
$$;

-- Facts of endpoints of many tenants, each in its own stream, in one order; returns the nudges.
create function app.tell_tenants(p_facts jsonb) returns setof text
language plpgsql volatile set search_path = '' as $$
declare
  t record;
begin
  for t in select (f.x ->> 'tenant')::uuid as tenant_id, jsonb_agg(f.x - 'tenant' order by f.n) as facts
    from jsonb_array_elements(p_facts) with ordinality as f(x, n) group by 1 order by 1
  loop
    perform app.settle(null, 'system', t.tenant_id, 'system', 0, 0);
    return next app.record(t.facts);
  end loop;
  perform app.settle(null, 'anonymous', null, 'none', 0, 0);
end $$;

-- Parked no more: everything that waited is ready again, with its attempts before it.
create function app.revive() returns trigger
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  update public.jobs j set run_at = clock_timestamp(), attempt = 0
    where j.lane = any ('{0,1,2,3}') and j.destination_id = new.id and j.lease_token is null and j.run_at = 'infinity';
  update public.deliveries d set state = 'pending', reason = '' where d.destination_id = new.id and d.state = 'parked';
  new.reason := '';
  new.failing_since := null;
  new.failed_times := 0;
  return new;
end $$;
reset role;

set role wedsync_owner;
create trigger revive before update of state on public.destinations for each row when (old.state = 'parked' and new.state = 'active')
  execute function app.revive();
reset role;

set role wedsync_recorder;
grant execute on function app.claim(integer[], integer, integer, uuid[]), app.heartbeat(uuid[], uuid[]), app.release(uuid[], uuid[]), app.reclaim(integer),
  app.expire() to wedsync_service;
reset role;

-- 76_restraint.sql
-- Restraint towards destinations: pauses they ask for, the rate they can take, the breaker of those that fail. All of it moves not_before, which the
-- claim honours: nothing here costs a job an attempt or its place, and expiry holds.
set role wedsync_recorder;

-- What is left of a destination's rate: halved by each 429, 502 or 504, and a tenth of the whole comes back each minute.
create function app.share_now(p_share double precision, p_at timestamptz, p_now timestamptz) returns double precision
language sql immutable set search_path = ''
  return case when p_share >= 1 then 1 else least(1, p_share + greatest(0, extract(epoch from p_now - p_at)) / 600) end;

-- A tenant's destination that asked for a pause: nothing is claimed for it until then; its jobs keep their place and their attempts.
create function app.rest(p_destination uuid, p_seconds double precision) returns void
language sql volatile security definer set search_path = '' as $$
  update public.destinations d set not_before = greatest(d.not_before, clock_timestamp() + make_interval(secs => least(p_seconds, 86400) / app.speed()))
  where d.id = p_destination and d.tenant_id <> '00000000-0000-7000-8000-000000000000';
$$;

-- How destinations stand with their breakers, locked until the end of the transaction that judges their results. p_closing: those that will be
-- parked in it, whose endpoints are locked before. Times in seconds of the clock that retries go by.
create type app.breaker as (
  destination uuid, now_s double precision, failures integer, open_until double precision, openings integer, since double precision, results integer,
  failed integer, slow integer);
create function app.breakers(p_destinations uuid[], p_closing uuid[]) returns setof app.breaker
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_speed double precision := app.speed();
begin
  perform from public.endpoints e where e.id = any (p_closing) order by e.id for no key update;
  return query select d.id, extract(epoch from clock_timestamp())::double precision * v_speed, d.breaker_failures,
      extract(epoch from d.breaker_until)::double precision * v_speed, d.breaker_openings, extract(epoch from d.breaker_from)::double precision * v_speed,
      d.breaker_results, d.breaker_failed, d.breaker_slow
    from public.destinations d where d.id = any (p_destinations) and d.tenant_id <> '00000000-0000-7000-8000-000000000000'
    order by d.id for no key update;
end $$;

-- An open breaker moves not_before as a pause does: jobs keep their place and their attempts, and expire as ever.
create function app.set_breakers(p json) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update public.destinations d set breaker_failures = b.failures, breaker_until = to_timestamp(b.open_until / app.speed()), breaker_openings = b.openings,
    breaker_from = to_timestamp(b.since / app.speed()), breaker_results = b.results, breaker_failed = b.failed, breaker_slow = b.slow,
    not_before = greatest(d.not_before, to_timestamp(b.open_until / app.speed()))
  from json_populate_recordset(null::app.breaker, p) b where d.id = b.destination;
$$;

-- The receiver is overrun: half the rate for now. What several tries of one moment say counts once.
create function app.slow_down(p_destinations uuid[]) returns void
language sql volatile set search_path = '' as $$
  update public.destinations d set rate_share = greatest(0.01, app.share_now(d.rate_share, d.rate_at, clock_timestamp()) / 2), rate_at = clock_timestamp()
  where d.id = any (p_destinations) and d.tenant_id <> '00000000-0000-7000-8000-000000000000' and d.rate_at < clock_timestamp() - interval '1 second';
$$;

grant execute on function app.breakers(uuid[], uuid[]) to wedsync_service;
reset role;

-- 76_rounds.sql
-- Whose turn it is while the oldest ready jobs are more than a claim looks at: tenants take turns, and destinations behind full ones are found.
set role wedsync_owner;
create index jobs_tenants on public.jobs (lane, tenant_id, destination_id, run_at) where lease_token is null;
create index destinations_tenant on public.destinations (tenant_id);

create table public.lane_turns (
  lane smallint primary key check (lane between 0 and 3),
  after uuid not null default '00000000-0000-0000-0000-000000000000',
  after_tenant uuid not null default '00000000-0000-0000-0000-000000000000'
) with (fillfactor = 50);
comment on table public.lane_turns is 'Where the rounds over destinations and over tenants stand, per lane; used only while a claim does not see all that is ready';
insert into public.lane_turns (lane) values (0), (1), (2), (3);
alter table public.lane_turns enable row level security;
alter table public.lane_turns force row level security;
create policy recorder on public.lane_turns for all to wedsync_recorder using (true) with check (true);
grant select, insert, update, delete on public.lane_turns to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- The oldest job that may run now of each of the next tenants, in turn. What one tenant waits for is then bounded by how many tenants wait, however
-- many jobs another has. Of a destination that has fewer places than tenants came for, the first who got none is the next whose turn it is.
-- One claimer at a time moves the round on.
create function app.take_turns(p_lane integer, p_limit integer, p_now timestamptz, p_per_min integer) returns setof public.jobs
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  v_platform constant uuid := '00000000-0000-7000-8000-000000000000';
  v_after uuid;
  v_seen uuid[];
  v_jobs uuid[];
  v_tenants uuid[];
  v_destinations uuid[];
  v_job public.jobs;
  v_taken uuid[] := '{}';
  v_stop integer;
begin
  select t.after_tenant into v_after from public.lane_turns t where t.lane = p_lane for update skip locked;
  if not found then return; end if;
  with recursive round as (
    (select j.tenant_id as id, 1 as n from public.jobs j
      where j.lane = p_lane and j.lease_token is null and j.tenant_id > v_after order by j.tenant_id limit 1)
    union all
    select (select j.tenant_id from public.jobs j
        where j.lane = p_lane and j.lease_token is null and j.tenant_id > r.id order by j.tenant_id limit 1), r.n + 1
      from round r where r.id is not null and r.n < p_limit * 2)
  select array_agg(r.id order by r.n) filter (where r.id is not null), array_agg(f.id order by r.n) filter (where f.id is not null),
      array_agg(r.id order by r.n) filter (where f.id is not null), array_agg(f.destination_id order by r.n) filter (where f.id is not null)
    into v_seen, v_jobs, v_tenants, v_destinations
    from round r left join lateral (
      -- Of its own destinations, and of those that all tenants share, written out: a function would cost as much again.
      select x.id, x.destination_id from (
        (select d.id, d.state, d.not_before from public.destinations d where d.tenant_id = r.id limit 64)
        union all
        select d.id, d.state, d.not_before from public.destinations d where d.tenant_id = v_platform) o
      cross join lateral (select j.id, j.destination_id, j.run_at from public.jobs j
        where j.lane = p_lane and j.tenant_id = r.id and j.destination_id = o.id and j.lease_token is null and j.run_at <= p_now
        order by j.run_at limit 1) x
      where o.state = 'active' and o.not_before <= p_now
      order by x.run_at limit 1) f on true;
  if v_jobs is not null then
    for v_job in select t.* from app.take(p_lane, array(select distinct x.id from unnest(v_destinations) as x(id)), p_limit, p_now, true, p_per_min, v_jobs) t loop
      v_taken := v_taken || v_job.id;
      return next v_job;
    end loop;
    select min(c.n) - 1 into v_stop from unnest(v_jobs, v_destinations) with ordinality as c(job, destination, n)
      where c.job <> all (v_taken) and (cardinality(v_taken) >= p_limit or exists (
        select from unnest(v_jobs, v_destinations) as o(job, destination) where o.destination = c.destination and o.job = any (v_taken)));
  end if;
  update public.lane_turns t set after_tenant = case when v_stop > 0 then v_tenants[v_stop] when v_stop = 0 then v_after
      when cardinality(v_seen) = p_limit * 2 then v_seen[p_limit * 2] else v_nobody end
    where t.lane = p_lane;
end $$;

-- The next 128 destinations of the round that have unleased jobs in this lane. One claimer at a time moves the round on.
create function app.next_destinations(p_lane integer, p_known uuid[]) returns uuid[]
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_after uuid;
  v_found uuid[];
begin
  select t.after into v_after from public.lane_turns t where t.lane = p_lane for update skip locked;
  if not found then return null; end if;
  with recursive round as (
    (select j.destination_id as id, 1 as n from public.jobs j
      where j.lane = p_lane and j.lease_token is null and j.destination_id > v_after order by j.destination_id limit 1)
    union all
    select (select j.destination_id from public.jobs j
        where j.lane = p_lane and j.lease_token is null and j.destination_id > r.id order by j.destination_id limit 1), r.n + 1
      from round r where r.id is not null and r.n < 128)
  select array_agg(r.id) into v_found from round r where r.id is not null;
  update public.lane_turns t set after = case when cardinality(v_found) = 128 then v_found[128] else '00000000-0000-0000-0000-000000000000' end
    where t.lane = p_lane;
  return array(select f.id from unnest(v_found) as f(id) where f.id <> all (p_known));
end $$;
reset role;

-- 76_shared_hosts.sql
-- Breakers of hosts: fifty endpoints on one dead host need not find that out one by one. A host has a row only while something was wrong with it;
-- its rules stand in wedsync/kit/breaker.py, and the claim asks it beside the destination's own breaker. Counted are tenants, and only silence: what
-- one of them can bring about alone must not stop the others.
set role wedsync_owner;
alter table public.destinations add column host text;
comment on column public.destinations.host is 'host:port of its endpoint; null = it has none of its own';
create index destinations_host on public.destinations (host) where host is not null;

create table public.hosts (
  host text primary key,
  failures integer not null default 0,
  open_until timestamptz,
  openings integer not null default 0,
  since timestamptz,
  failing uuid[] not null default '{}',
  well uuid[] not null default '{}',
  probing_until timestamptz not null default '-infinity',
  probed uuid
) with (fillfactor = 50);
comment on table public.hosts is 'Breakers of hosts that several tenants share, while there is something to count; no row = in good health';
comment on column public.hosts.failing is 'Tenants that the host did not answer last in the window; well: those it did. Nobody is in both';
comment on column public.hosts.probing_until is 'A probe is on its way; if its worker ends, another may go then';
create index hosts_open on public.hosts (open_until) where open_until is not null;

alter table public.hosts enable row level security;
alter table public.hosts force row level security;
create policy recorder on public.hosts for all to wedsync_recorder using (true) with check (true);
grant select, insert, update, delete on public.hosts to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- The key of a host's breaker. Two spellings of one host have two breakers, and nothing worse.
create function app.host_of(p_url text) returns text
language sql immutable set search_path = ''
  return (select lower(m[2]) || ':' || coalesce(m[3], case lower(m[1]) when 'https' then '443' else '80' end)
    from regexp_match(p_url, '^(https?)://(\[[^]]+\]|[^/?#:]+)(?::(\d+))?', 'i') as m);

-- A host that is left alone may be asked by one, from now on.
create function app.ask_host(p_host text) returns void
language sql volatile set search_path = '' as $$
  update public.hosts h set open_until = clock_timestamp() where h.host = p_host and h.open_until > clock_timestamp();
$$;

-- Whoever tests an endpoint may have mended it: a breaker that is open, its own or its host's, lets one delivery through at once, and judges by it.
create function app.ask_again(p_destination uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update public.destinations d set not_before = '-infinity', breaker_until = least(d.breaker_until, clock_timestamp())
    where d.id = p_destination and d.breaker_until is not null;
  perform app.ask_host(d.host) from public.destinations d where d.id = p_destination and d.host is not null;
end $$;

create function app.know_host() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  new.host := (select app.host_of(e.url) from public.endpoints e where e.id = new.id);
  return new;
end $$;

-- An endpoint may move to another host. And a person who puts one to work, here or there, may have mended its host: that is asked once more, at
-- once. What the clock and workers write of an endpoint, and other words about it, say nothing of the host.
create function app.follow_host() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_host text := app.host_of(new.url);
begin
  if new.url <> old.url then
    update public.destinations d set host = v_host where d.id = new.id and d.host is distinct from v_host;
  end if;
  if app.actor() is not null and new.state = 'active' and (new.url, new.state) is distinct from (old.url, old.state) then
    perform app.ask_host(v_host);
  end if;
  return null;
end $$;

-- Of destinations that a claim holds, those whose host may be asked. Of a host that is half open it is one, by lot but of another tenant than the
-- last, and not the last one again: neither a single broken path nor a single tenant may answer for the host each time. Where somebody waits for a
-- test, that is the one.
create function app.askable(p_lane integer, p_destinations uuid[], p_now timestamptz) returns uuid[]
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_free uuid[];
  v_probes uuid[];
begin
  if not exists (select from public.hosts h where h.open_until is not null) then return p_destinations; end if;
  v_free := array(select d.id from public.destinations d where d.id = any (p_destinations)
    and not exists (select from public.hosts h where h.host = d.host and h.open_until is not null));
  with held as materialized (
    select h.host, h.probed from public.hosts h
    where h.open_until <= p_now and h.probing_until <= p_now and h.host in (select d.host from public.destinations d where d.id = any (p_destinations))
    for no key update skip locked)
  select array_agg(x.id) into v_probes from (
    select distinct on (h.host) d.id from held h join public.destinations d on d.host = h.host and d.id = any (p_destinations)
    where exists (select from public.jobs j where j.lane = p_lane and j.destination_id = d.id and j.lease_token is null and j.run_at <= p_now)
      and not exists (select from public.jobs b where b.destination_id = d.id and b.lease_token is not null)
    order by h.host, (d.tenant_id is not distinct from (select l.tenant_id from public.destinations l where l.id = h.probed)),
      not exists (select from public.jobs j join public.deliveries w on w.id = j.id and w.made_at = j.made_at and w.is_test
        where j.lane = p_lane and j.destination_id = d.id and j.lease_token is null and j.run_at <= p_now), (d.id is not distinct from h.probed), random()) x;
  if v_probes is not null then
    update public.hosts h set probing_until = p_now + interval '20 seconds', probed = d.id
      from public.destinations d where d.id = any (v_probes) and h.host = d.host;
  end if;
  return v_free || v_probes;
end $$;

-- How hosts stand, locked until the end of the transaction that judges their results: destinations are locked before. p_bad: those that got
-- no answer, whose hosts begin to be counted where other tenants share them.
create type app.host_breaker as (
  host text, destinations uuid[], now_s double precision, failures integer, open_until double precision, openings integer, since double precision,
  failing uuid[], well uuid[]);
create function app.host_breakers(p_destinations uuid[], p_bad uuid[]) returns setof app.host_breaker
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_speed double precision := app.speed();
begin
  insert into public.hosts (host)
    select distinct d.host from public.destinations d
    where d.id = any (p_bad) and d.host is not null
      and exists (select from public.destinations o where o.host = d.host and o.tenant_id <> d.tenant_id and o.state = 'active')
    order by d.host
    on conflict (host) do nothing;
  return query select h.host, array(select d.id from public.destinations d where d.host = h.host and d.id = any (p_destinations)),
      extract(epoch from clock_timestamp())::double precision * v_speed, h.failures, extract(epoch from h.open_until)::double precision * v_speed,
      h.openings, extract(epoch from h.since)::double precision * v_speed, h.failing, h.well
    from public.hosts h where h.host in (select d.host from public.destinations d where d.id = any (p_destinations))
    order by h.host for no key update;
end $$;

create function app.set_hosts(p json) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  delete from public.hosts h using json_populate_recordset(null::app.host_breaker, p) b
    where h.host = b.host and b.since is null and b.open_until is null;
  update public.hosts h set failures = b.failures, open_until = to_timestamp(b.open_until / app.speed()), openings = b.openings,
    since = to_timestamp(b.since / app.speed()), failing = b.failing, well = b.well, probing_until = '-infinity'
  from json_populate_recordset(null::app.host_breaker, p) b where h.host = b.host;
$$;

-- Hosts that nobody asked after for a day: their endpoints are gone.
create function app.forget_hosts() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.hosts h where coalesce(greatest(h.open_until, h.since), '-infinity') < clock_timestamp() - interval '1 day';
  get diagnostics n = row_count;
  return n;
end $$;

-- Until when the hosts of the entered tenant's destinations are left alone; nothing else of them, for others may live there too.
create function app.hosts_of(p_destinations uuid[]) returns table (destination_id uuid, host text, open_until timestamptz)
language sql stable security definer set search_path = '' as $$
  select d.id, h.host, h.open_until from public.destinations d join public.hosts h on h.host = d.host
  where d.id = any (p_destinations) and d.tenant_id = app.tenant() and h.open_until is not null
    and (app.mask() & 512 <> 0 or app.role() in ('owner', 'admin', 'system'));
$$;

grant execute on function app.host_breakers(uuid[], uuid[]), app.forget_hosts() to wedsync_service;
grant execute on function app.hosts_of(uuid[]) to wedsync_user;
reset role;

set role wedsync_owner;
create trigger know_host before insert on public.destinations for each row execute function app.know_host();
create trigger follow_host after update on public.endpoints for each row execute function app.follow_host();
reset role;

-- 76_troubles.sql
-- Endpoints that fail for long: their owners are warned by mail after an hour, a day, three and four days without a single success, and after five
-- they are switched off. The count stands with the destination, where each try ends; what was told of it stands with the endpoint.
set role wedsync_owner;
alter table public.destinations
  add column failing_since timestamptz,
  add column failed_times integer not null default 0,
  add column failed_at timestamptz;
comment on column public.destinations.failing_since is 'Wedding time of the first failure after the last success; null = the last try succeeded';
create index destinations_failing on public.destinations (failing_since) where failing_since is not null;
grant select (failing_since, failed_times, failed_at) on public.destinations to wedsync_user;

alter table public.endpoints
  add column failing_since timestamptz,
  add column warned_hours smallint not null default 0,
  add column blocked_since timestamptz;
comment on column public.endpoints.failing_since is 'Nothing has succeeded since then, as its owners were told; null = they were not, or it is well again';
comment on column public.endpoints.warned_hours is 'The last warning: 1, 24, 72 or 96 hours after failing_since';
comment on column public.endpoints.blocked_since is 'Since then one that waits for a person has kept back what comes after it in order, as its owners were told';
create index endpoints_failing on public.endpoints (failing_since) where failing_since is not null;
reset role;

set role wedsync_recorder;
-- The hours of the last warning that is due after so long.
create function app.warning_after(p_ill interval) returns integer
language sql immutable set search_path = ''
  return case when p_ill >= interval '96 hours' then 96 when p_ill >= interval '72 hours' then 72 when p_ill >= interval '24 hours' then 24
    when p_ill >= interval '1 hour' then 1 else 0 end;

-- Destinations that have failed for so long, so often and over such a time that they are switched off.
create function app.is_hopeless(d public.destinations, p_now timestamptz) returns boolean
language sql immutable set search_path = ''
  return (d).state = 'active' and (d).failing_since <= p_now - interval '5 days' and (d).failed_times >= 20
    and (d).failed_at - (d).failing_since >= interval '12 hours';

-- The hours that its owners are due to be warned of; 0 = nothing.
create function app.warning_of(d public.destinations, p_now timestamptz) returns integer
language sql immutable set search_path = ''
  return case when (d).state = 'active' and (d).failed_times >= 3 and (d).failing_since is not null
    then app.warning_after(p_now - (d).failing_since) else 0 end;

-- Since when, an hour at least, something waits at an ordered destination behind what waits for a person; null = nothing does. Other orders of it
-- may well go on, so nothing of this counts as failing.
create function app.blocked_since(p_destination uuid) returns timestamptz
language sql volatile set search_path = '' as $$
  select min(n.made_at) from public.deliveries w
  join public.jobs b on b.id = w.id and b.made_at = w.made_at and b.run_at = 'infinity' and b.order_key is not null
  cross join lateral (select j.made_at from public.jobs j where j.destination_id = b.destination_id and j.order_key = b.order_key and j.name = b.name
    and j.order_seq > b.order_seq order by j.order_seq limit 1) n
  where w.destination_id = p_destination and w.state = 'parked' and n.made_at <= clock_timestamp() - interval '1 hour' / app.speed();
$$;

-- Called by the clock. All endpoints that this may change are locked first, by id, then their destinations; streams come last, each once, for
-- whoever changes an endpoint holds it while it waits for its tenant's stream.
create function app.mind_failing() returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := app.now();
  v_all uuid[];
  v_ids uuid[];
  v_reasons text[];
  v_facts jsonb;
begin
  select array_agg(x.id) into v_all from (
    select d.id from public.destinations d join public.endpoints e on e.id = d.id
      where d.failing_since is not null and (app.warning_of(d, v_now) > e.warned_hours or app.is_hopeless(d, v_now))
    union
    select e.id from public.endpoints e join public.destinations d on d.id = e.id where e.failing_since is not null and d.failing_since is null
    union
    select e.id from public.endpoints e where e.state = 'active' and e.deleted_at is null and (e.mode = 'ordered' or e.blocked_since is not null)
      and (e.blocked_since is null) <> (app.blocked_since(e.id) is null)) x;
  if v_all is null then return; end if;
  perform from public.endpoints e where e.id = any (v_all) order by e.id for no key update;
  perform from public.destinations d where d.id = any (v_all) order by d.id for no key update;
  with warned as (
    update public.endpoints e set failing_since = d.failing_since, warned_hours = app.warning_of(d, v_now) from public.destinations d
    where e.id = any (v_all) and d.id = e.id and e.state = 'active' and e.deleted_at is null and app.warning_of(d, v_now) > e.warned_hours
    returning app.endpoint_fact('endpoint.failing', new, old) as fact),
  mended as (
    update public.endpoints e set failing_since = null, warned_hours = 0 from public.destinations d
    where e.id = any (v_all) and d.id = e.id and e.failing_since is not null and e.state = 'active' and d.failing_since is null
    returning app.endpoint_fact('endpoint.changed', new, old) as fact)
  select coalesce(jsonb_agg(c.fact), '[]') into v_facts from (select w.fact from warned w union all select m.fact from mended m) c;
  with told as (
    update public.endpoints e set blocked_since = b.since
    from (select x.id, app.blocked_since(x.id) as since from unnest(v_all) as x(id)) b
    where e.id = b.id and e.state = 'active' and e.deleted_at is null and (e.blocked_since is null) <> (b.since is null)
    returning app.endpoint_fact('endpoint.changed', new, old) as fact)
  select v_facts || coalesce(jsonb_agg(t.fact), '[]') into v_facts from told t;
  select array_agg(d.id order by d.id), array_agg(format('nothing was delivered since %s, in %s tries', to_char(d.failing_since at time zone 'UTC',
      'YYYY-MM-DD HH24:MI "UTC"'), d.failed_times) order by d.id) into v_ids, v_reasons
    from public.destinations d where d.id = any (v_all) and app.is_hopeless(d, v_now);
  return query select t.nudge from app.tell_tenants(v_facts || app.shut(v_ids, v_reasons)) as t(nudge);
end $$;

-- Who keeps the entered tenant's endpoints: the couple, or the owners and admins of a business. For reactions.
create function app.keepers() returns table (person_id uuid, name text, email text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  return query
    select p.person_id, coalesce(nullif(m.name, ''), nullif(p.name, ''), split_part(p.email, '@', 1)), p.email::text
    from public.memberships m join public.persons p using (person_id)
    where m.wedding_id = app.tenant() and m.removed_at is null and m.role <> 'helper' and p.email is not null
    union all
    select p.person_id, coalesce(nullif(m.name, ''), nullif(p.name, ''), split_part(p.email, '@', 1)), p.email::text
    from public.supplier_members m join public.persons p using (person_id)
    where m.supplier_id = app.tenant() and m.removed_at is null and m.role in ('owner', 'admin') and p.email is not null;
end $$;

grant execute on function app.mind_failing() to wedsync_service;
grant execute on function app.keepers() to wedsync_user;
reset role;

-- 77_ledger.sql
-- The ledger: how a try ends, what may leave, what is sent again. Every change of state is fenced by the lease.
set role wedsync_owner;
alter table public.attempts add column request_headers jsonb not null default '{}' check (length(request_headers::text) <= 8192);
comment on column public.attempts.request_headers is 'As they were sent, what is secret in them masked';
reset role;

set role wedsync_recorder;

create type app.ending as (
  job uuid, lease uuid, kind text, made_at timestamptz, tenant uuid, destination uuid, number integer, state text, reason text, delay_s double precision,
  expires_at timestamptz, close text, rest_s double precision, is_overrun boolean, outcome text, status integer, detail text, response_head text, address text,
  resolve_ms real, first_byte_ms real, total_ms real, started_at timestamptz, is_well boolean, request_headers jsonb);
comment on type app.ending is 'How one try ended. state: delivered, dead, cancelled (terminal), deferred (again in delay_s), parked; close: why the destination wants no more; rest_s: it wants nothing for so long; is_overrun: it takes less than it is sent; is_well: whether the destination did what it should, null = the try says nothing of it';

-- What tries say of their destinations, locked before. A success among them ends the count.
create function app.note_health(p json) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update public.destinations d set failing_since = case when not h.is_well then coalesce(d.failing_since, app.now()) end,
    failed_times = case when h.is_well then 0 else d.failed_times + h.failures end, failed_at = case when not h.is_well then app.now() end
  from (select t.destination, bool_or(t.is_well) as is_well, count(*) filter (where not t.is_well)::integer as failures
    from json_populate_recordset(null::app.ending, p) t where t.kind = 'delivery' and t.is_well is not null group by t.destination) h
  where d.id = h.destination and d.tenant_id <> '00000000-0000-7000-8000-000000000000' and (not h.is_well or d.failing_since is not null);
$$;

-- Ends tries in one statement: the job goes or waits, the attempt is written, the delivery says how it stands. Returns the jobs whose lease was lost:
-- their attempts are kept, marked late, and change nothing. An attempt bears its lease as id: ends that are told twice are written once.
-- p_breakers, p_hosts: app.breaker and app.host_breaker rows, judged from these ends after app.breakers and app.host_breakers have locked them; null
-- where none of them is bad. If a breaker counts all the same, nothing is done but to say so. nudge: what was recorded for those who look on.
create function app.complete(p json, p_breakers json, p_hosts json) returns table (job uuid, nudge text, is_counted boolean)
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_speed double precision := app.speed();
  v_from timestamptz;
  v_to timestamptz;
  v_ended public.jobs[];
  v_late uuid[];
  v_latest public.jobs[];
  v_touched uuid[];
  v_counts boolean;
  v_ill boolean;
begin
  -- Destinations before jobs, as everywhere and in one order, so that two of these never wait for each other.
  select coalesce(bool_or(d.breaker_from is not null or d.breaker_until is not null or exists (select from public.hosts h where h.host = d.host
      and (h.open_until is not null or h.failures > 0 or d.tenant_id = any (h.failing) or d.tenant_id <> all (h.well) and cardinality(h.well) < 32))), false),
      coalesce(bool_or(d.failing_since is not null), false) into v_counts, v_ill
    from (select distinct t.destination as id from json_populate_recordset(null::app.ending, p) t where t.kind = 'delivery') x
    join public.destinations d on d.id = x.id;
  if p_breakers is null and v_counts then
    return query select null::uuid, null::text, true;
    return;
  end if;
  -- Bounds known before the statement starts: only the partitions between them are opened.
  select min(t.made_at), max(t.made_at), coalesce(bool_or(not t.is_well), false) or v_ill into v_from, v_to, v_ill
    from json_populate_recordset(null::app.ending, p) t;
  select array_agg(distinct t.destination) into v_touched from json_populate_recordset(null::app.ending, p) t
    where t.close is not null or t.rest_s is not null or t.is_overrun or v_ill and t.is_well is not null;
  if v_touched is not null then
    perform from public.endpoints e join json_populate_recordset(null::app.ending, p) t on e.id = t.destination and t.close is not null
      order by e.id for no key update of e;
    perform from public.destinations d where d.id = any (v_touched) order by d.id for no key update;
    perform app.slow_down(array(select t.destination from json_populate_recordset(null::app.ending, p) t where t.is_overrun));
  end if;
  if v_ill then perform app.note_health(p); end if;
  if p_breakers is not null then
    perform app.set_breakers(p_breakers);
    perform app.set_hosts(p_hosts);
  end if;
  perform app.rest(r.destination, r.rest_s) from (select t.destination, max(t.rest_s) as rest_s
    from json_populate_recordset(null::app.ending, p) t where t.rest_s is not null group by t.destination order by t.destination) r;
  if exists (select from json_populate_recordset(null::app.ending, p) t where t.close is not null) then
    return query select null::uuid, n.nudge, false from (select array_agg(c.destination) as ids, array_agg(c.close) as reasons
        from (select distinct on (t.destination) t.destination, t.close from json_populate_recordset(null::app.ending, p) t
          where t.close is not null order by t.destination) c) x
      cross join lateral app.park(x.ids, x.reasons) as n(nudge);
  end if;
  with told as materialized (
    select t, r.run_at, case when t.state = 'deferred' and t.expires_at <= r.run_at then 'expired' else t.state end as state
    from json_populate_recordset(null::app.ending, p) t
    cross join lateral (select case when t.state = 'parked' then 'infinity' else v_now + make_interval(secs => t.delay_s / v_speed) end as run_at) r),
  gone as (
    delete from public.jobs j using told w where j.id = (w.t).job and j.lease_token = (w.t).lease and w.state not in ('deferred', 'parked')
    returning j as job, w.t, w.state, w.run_at),
  kept as (
    update public.jobs j set lease_token = null, lease_until = null, run_at = w.run_at from told w
    where j.id = (w.t).job and j.lease_token = (w.t).lease and w.state in ('deferred', 'parked')
    returning j as job, w.t, w.state, w.run_at),
  advanced as (select g.t, g.state, g.run_at from gone g union all select k.t, k.state, k.run_at from kept k),
  ledger as (
    update public.deliveries d set state = a.state, reason = coalesce((a.t).reason, ''), attempts = d.attempts + 1,
      next_at = case when a.state = 'deferred' then a.run_at end, done_at = case when a.state not in ('deferred', 'parked') then v_now end,
      sealed = case when a.state in ('deferred', 'parked') then d.sealed end
    from advanced a where (a.t).kind = 'delivery' and d.id = (a.t).job and d.made_at = (a.t).made_at and d.made_at between v_from and v_to
    returning a.t, d.attempts),
  late as (
    select w.t from told w where (w.t).job not in (select (a.t).job from advanced a)
      and not exists (select from public.attempts p where p.delivery_id = (w.t).job and p.id = (w.t).lease
        and p.made_at between v_from and v_now)),
  tried as (
    insert into public.attempts (id, delivery_id, tenant_id, number, outcome, status, detail, response_head, address, resolve_ms, first_byte_ms, total_ms,
      is_late, started_at, request_headers)
    select (x.t).lease, (x.t).job, (x.t).tenant, x.number, (x.t).outcome, (x.t).status, coalesce((x.t).detail, ''), coalesce((x.t).response_head, ''),
      coalesce((x.t).address, ''), (x.t).resolve_ms, (x.t).first_byte_ms, (x.t).total_ms, x.is_late, (x.t).started_at,
      coalesce((x.t).request_headers, '{}')
    from (select l.t, l.attempts as number, false as is_late from ledger l union all select l.t, (l.t).number, true from late l) x
    where (x.t).kind = 'delivery'),
  buried as (
    insert into public.dead_jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id, args, attempts, reason)
    select (g.job).id, (g.job).kind, (g.job).name, (g.job).lane, (g.job).tenant_id, (g.job).destination_id, (g.job).order_key, (g.job).order_seq,
      (g.job).made_at, (g.job).event_id, (g.job).args, (g.job).attempt, coalesce((g.t).reason, '')
    from gone g where g.state = 'dead' and (g.t).kind <> 'delivery')
  select array(select g.job from gone g where (g.job).order_key is not null), array(select (l.t).job from late l),
    array(select k.job from kept k where (k.job).is_latest) into v_ended, v_late, v_latest;
  if cardinality(v_ended) > 0 then perform app.call_next(v_ended); end if;
  if cardinality(v_latest) > 0 then
    perform app.supersede(array_agg(k.destination_id), array_agg(k.order_key)) from unnest(v_latest) k;
  end if;
  return query select x.id, null::text, false from unnest(v_late) as x(id);
end $$;

-- The end of a reaction or of work, inside the transaction of what it did: both or neither.
create function app.finish_job(p_job uuid, p_lease uuid) returns void
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  j public.jobs;
begin
  delete from public.jobs x where x.id = p_job and x.lease_token = p_lease and x.kind in ('reaction', 'work') returning x.* into j;
  if not found then raise exception 'lease lost' using errcode = 'WS409'; end if;
  if j.order_key is not null then perform app.call_next(array[j]); end if;
end $$;

-- Inside enter_job: what a reaction records has the cause of the event it answers.
create function app.enter_cause(p_cause uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform set_config('app.cause', p_cause::text, true);
end $$;

-- May an audience see an event? The rule, as for rows: a link's own, a membership's own, or the scope.
create function app.sees(p_mask integer, p_link uuid, p_membership uuid, p_scope integer, p_event_link uuid, p_event_membership uuid) returns boolean
language sql immutable set search_path = ''
  return case
    when p_event_link is not null then p_event_link is not distinct from p_link or p_mask & 512 <> 0
    when p_event_membership is not null then p_event_membership is not distinct from p_membership or p_mask & 512 <> 0
    else p_mask & p_scope <> 0 end;

-- A person's right to hear of an event now; what concerns only themselves (a sign-in) has no event.
create function app.person_sees(p_person uuid, p_tenant uuid, p_scope integer, p_event_link uuid, p_event_membership uuid) returns boolean
language sql stable set search_path = ''
  return coalesce((select bool_or(app.sees(s.mask, s.link_id, s.membership_id, p_scope, p_event_link, p_event_membership))
    from app.standing(p_person, p_tenant) s), false);

-- An event as a link may see it: what a row was before it came to that link stays with whom it was.
create function app.event_for(e public.events, p_kind text, p_link uuid) returns text
language sql immutable set search_path = ''
  return (app.event_json(e, p_kind) || case when p_link is not null and (e).op = 'UPDATE'
      and (((e).old_record ->> 'link_id') is distinct from ((e).record ->> 'link_id')
        or ((e).old_record ->> 'membership_id') is distinct from ((e).record ->> 'membership_id'))
    then '{"op": "INSERT", "old_record": null}' else '{}' end::jsonb)::text;

create type app.payload as (
  job uuid, lease uuid, event text, previous_seq bigint, replay_of uuid, type text, url text, secret_sealed bytea, old_secrets jsonb,
  recipient_kind text, recipient_id uuid, email text, contact_id uuid, contact_sealed bytea, sealed bytea, credentials_sealed bytea, as_new boolean,
  link_id uuid, shape jsonb, is_test boolean);
comment on type app.payload is 'What a leased job needs to run: the event in live form and where it goes, everything secret still sealed';

-- What may leave now. Judged at the last moment: lease, expiry, subscription, endpoint, link and scope must hold. What may not is ended here (revoked,
-- cancelled, expired) or put aside (parked), and is not among the rows.
create function app.payloads(p_jobs uuid[], p_leases uuid[]) returns setof app.payload
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_may app.payload[];
  v_ends jsonb;
  v_parked uuid[];
  v_from timestamptz;
  v_to timestamptz;
  v_event_from timestamptz;
  v_event_to timestamptz;
begin
  -- Bounds known before a statement starts: only the partitions between them are opened.
  select min(j.made_at), max(j.made_at) into v_from, v_to from public.jobs j where j.id = any (p_jobs);
  select min(coalesce(d.event_at, j.made_at)), max(coalesce(d.event_at, j.made_at)) into v_event_from, v_event_to from public.jobs j
    left join public.deliveries d on d.id = j.id and d.made_at = j.made_at and d.made_at between v_from and v_to where j.id = any (p_jobs);
  with held as (
    select j.id, j.kind, j.made_at, j.lease_token, j.expires_at, j.destination_id, j.order_key, j.order_seq, j.tenant_id, j.args
    from unnest(p_jobs, p_leases) as a(job, lease) join public.jobs j on j.id = a.job and j.lease_token = a.lease and j.lease_until > clock_timestamp()),
  known as (
    select h.id, h.kind, h.lease_token, h.expires_at, h.tenant_id, h.args, d as delivery, e as event, st.kind as stream_kind, s.tenant_id as subscriber, s.active, s.shape,
      l.id as link_id, l.mask, l.status as link_status, o.state as destination_state, n.url, n.secret_sealed, n.old_secrets, n.credentials_sealed, n.state as endpoint_state,
      n.deleted_at, p.email, c.id as contact_id, c.sealed as contact_sealed
    from held h
    left join public.deliveries d on h.kind = 'delivery' and d.id = h.id and d.made_at = h.made_at and d.made_at between v_from and v_to
    left join public.events e on case when h.kind = 'delivery' then d.stream_id else h.order_key end = e.stream_id
      and e.seq = case when h.kind = 'delivery' then d.seq else h.order_seq end
      and e.recorded_at = case when h.kind = 'delivery' then d.event_at else h.made_at end and e.recorded_at between v_event_from and v_event_to
    left join public.streams st on st.id = e.stream_id
    left join public.subscriptions s on s.id = d.subscription_id
    left join public.links l on d.link_id is not null and l.wedding_id = d.stream_id and l.id = d.link_id
    left join public.destinations o on o.id = h.destination_id
    left join public.endpoints n on d.connector = 'webhook' and n.id = d.destination_id
    left join public.persons p on d.recipient_kind = 'person' and p.person_id = d.recipient_id
    left join public.guest_contacts c on d.recipient_kind = 'guest' and c.wedding_id = d.tenant_id and c.guest_id = d.recipient_id),
  judged as materialized (
    select k.id, k.lease_token, case
        when k.kind = 'work' then 'ok'
        when k.kind = 'reaction' then case when (k.event).id is null then 'cancelled:its event is no longer kept' else 'ok' end
        when (k.delivery).id is null then 'cancelled:there is no such delivery'
        when k.expires_at <= clock_timestamp() then 'expired:its time had passed before it could be sent'
        when k.destination_state = 'parked' or k.endpoint_state <> 'active' and k.deleted_at is null then 'parked'
        when (k.delivery).event_id is not null and (k.event).id is null then 'cancelled:its event is no longer kept'
        when (k.delivery).subscription_id is not null then case
          when k.active is not true and not (k.delivery).is_test or k.deleted_at is not null then 'cancelled:the subscription had ended'
          when k.subscriber = (k.delivery).stream_id then 'ok'
          when k.link_status = 'active' and app.sees(k.mask, k.link_id, null, (k.event).scope, (k.event).link_id, (k.event).membership_id) then 'ok'
          else 'revoked:the supplier may no longer see this' end
        when (k.delivery).link_id is not null and coalesce(k.link_status, '') not in ('invited', 'requested', 'active')
          then 'revoked:the supplier is no longer linked to this wedding'
        when (k.delivery).recipient_kind = 'person' then case
          when (k.event).id is not null and not app.person_sees((k.delivery).recipient_id, k.tenant_id, (k.event).scope, (k.event).link_id,
            (k.event).membership_id) then 'revoked:this person may no longer see this'
          when (k.delivery).type = 'digest.made' and not app.digest_stands((k.event).record)
            then 'revoked:this person may no longer see some of it; their inbox has the rest'
          when (k.delivery).connector = 'twilio' then coalesce(app.unphoned(k.id), 'ok')
          when k.email is null then 'cancelled:this person has no e-mail address'
          else 'ok' end
        when (k.delivery).recipient_kind = 'guest' and k.contact_id is null then 'cancelled:there are no contact details for this guest'
        else 'ok' end as verdict,
      row(k.id, k.lease_token, case when (k.event).id is not null then app.event_for(k.event, k.stream_kind, (k.delivery).link_id)
          when (k.delivery).is_test then k.args::text end, (k.delivery).previous_seq,
        (k.delivery).replay_of, (k.delivery).type, k.url, k.secret_sealed, k.old_secrets, (k.delivery).recipient_kind, (k.delivery).recipient_id,
        k.email, k.contact_id, k.contact_sealed, (k.delivery).sealed, k.credentials_sealed, (k.delivery).as_new,
        case when k.subscriber <> (k.delivery).stream_id then (k.delivery).link_id end, k.shape, (k.delivery).is_test)::app.payload as payload
    from known k)
  select array_agg(g.payload) filter (where g.verdict = 'ok'), array_agg(g.id) filter (where g.verdict = 'parked'),
    jsonb_object_agg(g.verdict, g.ids) filter (where g.verdict not in ('ok', 'parked')) into v_may, v_parked, v_ends
  from (select j.payload, j.id, j.verdict, case when j.verdict <> 'ok' then jsonb_agg(j.id) over (partition by j.verdict) end as ids from judged j) g;
  if v_parked is not null then perform app.give_up_place(v_parked, p_jobs, p_leases); end if;
  if v_ends is not null then
    perform app.end_jobs(array(select x.id::uuid from jsonb_array_elements_text(f.value) as x(id)), split_part(f.key, ':', 1), split_part(f.key, ':', 2))
      from jsonb_each(v_ends) as f(key, value);
  end if;
  return query select m.* from unnest(v_may) m;
end $$;

-- Claimed, then parked before anything was sent: aside, without having burnt an attempt. The destinations are locked and asked again, for whoever
-- opens one brings back only what is aside by then; where one is open again the job is simply free.
create function app.give_up_place(p_parked uuid[], p_jobs uuid[], p_leases uuid[]) returns void
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_closed uuid[];
begin
  select array_agg(o.id) filter (where o.state = 'parked') into v_closed from (select d.id, d.state from public.destinations d
    where d.id in (select j.destination_id from public.jobs j where j.id = any (p_parked)) order by d.id for no key update) o;
  with shelved as (
    update public.jobs j set lease_token = null, lease_until = null, attempt = greatest(0, j.attempt - 1),
      run_at = case when j.destination_id = any (v_closed) then 'infinity' else j.run_at end
    from unnest(p_jobs, p_leases) as a(job, lease)
    where j.id = a.job and j.lease_token = a.lease and j.id = any (p_parked) returning j.id, j.made_at, j.destination_id, j.run_at)
  update public.deliveries d set state = 'parked', next_at = null, reason = app.parked_because(s.destination_id)
  from shelved s where s.run_at = 'infinity' and d.id = s.id and d.made_at = s.made_at;
end $$;

-- Sends deliveries again, as new rows that name the first one; the receiver knows the event by its id. Through the user door those of the entered
-- tenant, through the service door any. What is still on its way is left alone. In order among themselves, never in front of new events.
-- As new each has an id of its own, for receivers that have the event's id and yet not what it said.
create function app.replay(p_deliveries uuid[], p_as_new boolean default false) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_at timestamptz := clock_timestamp();
  n integer;
begin
  if app.tenant() is null and session_user <> 'wedsync_service' or app.tenant() is not null and app.mask() & 512 = 0 then
    raise exception 'forbidden' using errcode = 'WS403';
  end if;
  with made as (
    insert into public.deliveries as n (id, made_at, tenant_id, connector, destination_id, subscription_id, stream_id, seq, event_id, event_at, type, link_id,
      previous_seq, lane, replay_of, as_new, actor_kind, actor_id)
    select uuidv7(), v_at, d.tenant_id, d.connector, d.destination_id, d.subscription_id, d.stream_id, d.seq, d.event_id, d.event_at, d.type, d.link_id,
      d.previous_seq, 3, coalesce(d.replay_of, d.id), p_as_new, case when app.actor() is not null then app.actor_kind() end, app.actor()
    from public.deliveries d
    where d.id = any (p_deliveries) and d.tenant_id = coalesce(app.tenant(), d.tenant_id) and d.subscription_id is not null and d.event_id is not null
      and not d.is_test and d.state in ('delivered', 'superseded', 'filtered', 'expired', 'cancelled', 'revoked', 'dead')
    order by d.made_at, d.seq limit 10000
    returning n.id, n.connector, n.tenant_id, n.destination_id, n.subscription_id, n.stream_id, n.seq, n.event_id)
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id)
  select m.id, 'delivery', m.connector, 3, m.tenant_id, m.destination_id,
    case when s.mode <> 'parallel' then md5(m.stream_id || ' again')::uuid end, m.seq, v_at, m.event_id
  from made m left join public.subscriptions s on s.id = m.subscription_id;
  get diagnostics n = row_count;
  return n;
end $$;

-- The same for what one destination missed since a time: everything that ended otherwise than delivered, and was not delivered by a replay since.
create function app.replay_since(p_destination uuid, p_since timestamptz) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  return app.replay(array(
    select d.id from public.deliveries d
    where d.destination_id = p_destination and d.made_at >= p_since and d.tenant_id = coalesce(app.tenant(), d.tenant_id)
      and d.replay_of is null and not d.is_test and d.state in ('expired', 'cancelled', 'dead')
      and not exists (select from public.deliveries a where a.replay_of = d.id and a.made_at >= p_since and a.state not in ('expired', 'cancelled', 'dead', 'revoked'))
    order by d.made_at limit 10000));
end $$;

-- Before a parked destination is opened again: what was owed to it before a time is let go.
create function app.let_go(p_destination uuid, p_before timestamptz) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_jobs uuid[];
begin
  perform from public.destinations d where d.id = p_destination and d.tenant_id = app.tenant() and app.mask() & 512 <> 0 for update;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  v_jobs := array(select j.id from public.jobs j where j.lane = any ('{0,1,2,3}') and j.destination_id = p_destination and j.lease_token is null
    and j.made_at < p_before order by j.id for update);
  perform app.end_jobs(v_jobs, 'cancelled', 'let go when the endpoint was opened again');
  return cardinality(v_jobs);
end $$;

-- Given-up reactions and work, once more: the cause is mended.
create function app.raise_dead(p_jobs uuid[]) returns setof uuid
language sql volatile security definer set search_path = '' as $$
  with gone as (delete from public.dead_jobs d where d.id = any (p_jobs) returning d.id, d.kind, d.name, d.lane, d.tenant_id, d.destination_id, d.order_key,
    d.order_seq, d.made_at, d.event_id, d.args)
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id, args)
  select g.id, g.kind, g.name, g.lane, g.tenant_id, g.destination_id, g.order_key, g.order_seq, g.made_at, g.event_id, g.args from gone g
  returning id;
$$;

-- Which of these deliveries are on the wire now: the ledger itself is not written for that.
create function app.in_flight(p_deliveries uuid[]) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select j.id from public.jobs j where j.id = any (p_deliveries) and j.tenant_id = app.tenant() and j.lease_token is not null and j.lease_until > clock_timestamp();
$$;

grant execute on function app.complete(json, json, json), app.payloads(uuid[], uuid[]), app.replay(uuid[], boolean), app.replay_since(uuid, timestamptz), app.raise_dead(uuid[])
  to wedsync_service;
grant execute on function app.finish_job(uuid, uuid), app.enter_cause(uuid), app.replay(uuid[], boolean), app.replay_since(uuid, timestamptz), app.let_go(uuid, timestamptz),
  app.in_flight(uuid[]) to wedsync_user;
reset role;

-- 77_releases.sql
-- What people do with single deliveries that have not ended: those that wait for a person are released, and what waits at all can be cancelled.
-- Only of what goes to endpoints of the entered tenant: mails to its people, or to others about it, are not a single keeper's to stop.
set role wedsync_recorder;

-- Parked ones whose destination takes deliveries: ready again, with all their tries before them. Where the destination itself is parked, resuming
-- it brings them back. Returns how many.
create function app.unpark(p_deliveries uuid[]) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_jobs uuid[];
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform from public.destinations d where d.id in (select j.destination_id from public.jobs j where j.id = any (p_deliveries))
    and d.tenant_id = app.tenant() order by d.id for no key update;
  v_jobs := array(select j.id from public.jobs j
    join public.destinations d on d.id = j.destination_id and d.tenant_id = app.tenant() and d.state = 'active'
    join public.endpoints e on e.id = d.id
    join public.deliveries w on w.id = j.id and w.made_at = j.made_at and w.state = 'parked'
    where j.id = any (p_deliveries) and j.tenant_id = app.tenant() and j.kind = 'delivery' and j.lease_token is null order by j.id for update of j);
  update public.jobs j set run_at = clock_timestamp(), attempt = 0 where j.id = any (v_jobs);
  update public.deliveries d set state = 'pending', reason = '' from public.jobs j
    where j.id = any (v_jobs) and d.id = j.id and d.made_at = j.made_at;
  return cardinality(v_jobs);
end $$;

-- Waiting ones that nobody wants any more: never what is on the wire. Who did it stands in the ledger. Returns how many.
create function app.cancel(p_deliveries uuid[]) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_jobs uuid[];
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform from public.destinations d where d.id in (select j.destination_id from public.jobs j where j.id = any (p_deliveries))
    and d.tenant_id = app.tenant() order by d.id for no key update;
  v_jobs := array(select j.id from public.jobs j join public.endpoints e on e.id = j.destination_id and e.tenant_id = app.tenant()
    where j.id = any (p_deliveries) and j.tenant_id = app.tenant() and j.kind = 'delivery' and j.lease_token is null order by j.id for update of j);
  perform app.end_jobs(v_jobs, 'cancelled', 'cancelled by hand');
  return cardinality(v_jobs);
end $$;

-- How many of its order wait for one delivery of the entered tenant to end; counted no further than 1000.
create function app.waiting_behind(p_delivery uuid) returns integer
language sql stable security definer set search_path = '' as $$
  select count(*)::integer from (
    select from public.jobs b join public.jobs j on j.destination_id = b.destination_id and j.order_key = b.order_key and j.name = b.name
      and j.order_seq > b.order_seq
    where b.id = p_delivery and b.tenant_id = app.tenant() and app.mask() & 512 <> 0 and b.order_key is not null limit 1000) w;
$$;

grant execute on function app.unpark(uuid[]), app.cancel(uuid[]), app.waiting_behind(uuid) to wedsync_user;
reset role;

-- 77_routing.sql
-- Why an event went where it went: the predicates of app.owe_facts, asked of what was recorded. And past events to try a rule on.
set role wedsync_recorder;

-- The streams the entered tenant hears, and as whom: its own, and of a supplier the weddings of its active links.
create function app.heard_streams() returns table (stream_id uuid, link_id uuid, mask integer)
language sql stable set search_path = '' as $$
  select app.tenant(), null::uuid, null::integer
  union all
  select l.wedding_id, l.id, l.mask from public.links l where l.supplier_id = app.tenant() and l.status = 'active';
$$;

-- The fact that an event was recorded from, as far as conditions may ask of it.
create function app.fact_of(e public.events) returns jsonb language sql immutable
  return jsonb_build_object('type', e.type, 'op', e.op, 'record', e.record, 'old', e.old_record, 'table', e.subject_table, 'id', e.subject_id,
    'severity', case when e.is_severe then 'high' end);

-- One event of the entered tenant, and how it stands to it now: may_see false where it was owed once and may not be seen any more. No row where it
-- never concerned the tenant. is_near: within 24 hours of the wedding or live, when it was recorded, and now.
create function app.heard_event(p_event uuid)
returns table (stream text, seq bigint, type text, bulk boolean, is_severe boolean, occurred_at timestamptz, type_lane smallint, may_see boolean,
  was_near boolean, is_near boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  return query
    select s.kind || ':' || e.stream_id, e.seq, e.type, e.bulk, e.is_severe, e.occurred_at, coalesce(t.lane, 2::smallint),
      h.is_heard is true and app.tell_read(e.stream_id, h.link_id, h.scopes),
      app.is_near(e.stream_id, e.occurred_at), app.is_near(e.stream_id, app.now())
    from public.events e
    join public.streams s on s.id = e.stream_id
    left join public.event_types t on t.type = e.type
    left join lateral (select true as is_heard, x.link_id, coalesce(e.scope & x.mask, 0) as scopes from app.heard_streams() x
      where x.stream_id = e.stream_id and app.hears(x.mask, x.link_id, e.scope, e.link_id, e.membership_id) limit 1) h on true
    where e.id = p_event
      and (h.is_heard or exists (select from public.deliveries d where d.event_id = p_event and d.tenant_id = app.tenant()));
end $$;

create function app.is_near(p_stream uuid, p_at timestamptz) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from public.wedding_days d where d.wedding_id = p_stream and p_at between d.live_from - interval '24 hours' and d.live_until);
$$;

-- What each subscription of the entered tenant would do with an event now. p_rows: {subscription id: [jsonpath, ...]}, answered one by one.
-- would_take: it is the first of its destination that matches.
create function app.routed(p_event uuid, p_rows jsonb)
returns table (subscription_id uuid, destination_id uuid, "position" integer, active boolean, since timestamptz, may_see boolean, is_asked boolean,
  is_met boolean, rows_met boolean[], would_take boolean, lane smallint, held_until timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  return query
    with asked as (
      select s.id, s.destination_id, s.position, s.active, s.since, s.lane as own_lane, s.quiet, e.stream_id, e.is_severe, e.bulk,
        coalesce(t.lane, 2::smallint) as type_lane, coalesce(h.may_see, false) as may_see, e.type like any (s.patterns) as is_asked,
        coalesce(h.may_see, false) and app.holds(s.condition, f.fact) as is_met,
        case when h.may_see then array(select app.holds(r.path::jsonpath, f.fact)
          from jsonb_array_elements_text(coalesce(p_rows -> s.id::text, '[]')) with ordinality as r(path, n) order by r.n) end as rows_met
      from public.events e
      join public.subscriptions s on s.tenant_id = app.tenant() and s.connector = 'webhook'
      left join public.event_types t on t.type = e.type
      left join lateral (select x.link_id, app.hears(x.mask, x.link_id, e.scope, e.link_id, e.membership_id) as may_see
        from app.heard_streams() x where x.stream_id = e.stream_id) h on true
      cross join lateral (select app.fact_for(app.fact_of(e), h.link_id) as fact) f
      where e.id = p_event),
    matched as (
      select a.id, a.active and a.may_see and a.is_asked and a.is_met and not a.bulk as is_matched from asked a),
    first as (
      select distinct on (a.destination_id) a.id from asked a join matched m on m.id = a.id and m.is_matched
      order by a.destination_id, a.position, a.id),
    laned as (
      select a.id, app.is_near(a.stream_id, app.now()) as is_near,
        app.lane_for(a.own_lane, a.type_lane, app.is_near(a.stream_id, app.now()), a.is_severe) as lane from asked a)
    select a.id, a.destination_id, a.position, a.active, a.since, a.may_see, a.is_asked, a.is_met, a.rows_met, f.id is not null, l.lane,
      case when a.quiet is not null and l.lane > 0 and not l.is_near then app.held_until(a.quiet, a.stream_id) end
    from asked a join laned l on l.id = a.id left join first f on f.id = a.id
    order by a.destination_id, a.position, a.id;
end $$;

-- The newest events of these types that the entered tenant may see, as it would be sent them, each with what every condition row says of it.
create function app.past_events(p_types text[], p_rows text[], p_limit integer)
returns table (id uuid, occurred_at timestamptz, event text, rows_met boolean[])
language plpgsql stable security definer set search_path = '' as $$
declare
  v_patterns text[] := app.like_patterns(p_types);
  v_deep integer;
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  -- However much is in the log, and however many weddings a supplier has, no more than this is looked at.
  select greatest(100, 4000 / count(*)) into v_deep from app.heard_streams() h;
  return query
    with news as materialized (
      select x.e, s.kind, h.link_id, (x.e).scope & h.mask as scopes
      from app.heard_streams() h
      join public.streams s on s.id = h.stream_id
      cross join lateral (
        select w.e from (select e from public.events e where e.stream_id = h.stream_id order by e.seq desc limit v_deep) w
        where not (w.e).bulk and (w.e).type like any (v_patterns)
          and app.hears(h.mask, h.link_id, (w.e).scope, (w.e).link_id, (w.e).membership_id)
        limit p_limit) x
      order by (x.e).occurred_at desc, (x.e).seq desc limit p_limit),
    told as materialized (
      select app.tell_read((n.e).stream_id, n.link_id, bit_or(n.scopes)) as is_told from news n
      where n.link_id is not null group by (n.e).stream_id, n.link_id)
    select (n.e).id, (n.e).occurred_at, app.event_for(n.e, n.kind, n.link_id),
      array(select app.holds(r.path::jsonpath, app.fact_for(app.fact_of(n.e), n.link_id)) from unnest(p_rows) with ordinality as r(path, n) order by r.n)
    from news n
    where (select count(t.is_told) from told t) >= 0
    order by (n.e).occurred_at desc, (n.e).seq desc;
end $$;

-- One real event, sent once more to see it arrive: to the rule's endpoint, in its shape, marked as a test. It is no part of the numbered chain.
-- The first of these that the rule's endpoint could have been sent: of a type that the rule asks for, since the endpoint is there, and to be seen now.
-- What became of the asking: as app.send_test, whose limit it shares, or unheard.
create function app.owe_test(p_rule uuid, p_delivery uuid, p_events uuid[], out asked text, out event_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
  v record;
begin
  select x.id, x.endpoint_id, x.types, n.created_at into r from public.rules x join public.endpoints n on n.id = x.endpoint_id
    where x.id = p_rule and x.tenant_id = app.tenant() and x.deleted_at is null;
  if not found or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  select e.id, e.stream_id, e.seq, e.recorded_at, e.type, h.link_id into v
  from unnest(p_events) with ordinality as a(id, n)
  join public.events e on e.id = a.id and e.recorded_at >= r.created_at and not e.bulk and e.type like any (app.like_patterns(r.types))
  join app.heard_streams() h on h.stream_id = e.stream_id and app.hears(h.mask, h.link_id, e.scope, e.link_id, e.membership_id)
  order by a.n limit 1;
  if not found then asked := 'unheard'; return; end if;
  asked := app.send_test(r.endpoint_id, p_delivery, jsonb_build_object('type', v.type));
  if asked <> 'owed' then return; end if;
  event_id := v.id;
  update public.deliveries d set subscription_id = r.id, stream_id = v.stream_id, seq = v.seq, event_id = v.id, event_at = v.recorded_at, link_id = v.link_id
    from public.jobs j where j.id = p_delivery and d.id = j.id and d.made_at = j.made_at;
  update public.jobs j set event_id = v.id, args = null where j.id = p_delivery;
end $$;

grant execute on function app.heard_event(uuid), app.routed(uuid, jsonb), app.past_events(text[], text[], integer), app.owe_test(uuid, uuid, uuid[])
  to wedsync_user;
reset role;

-- 78_portfolio.sql
-- The portfolio index lives with the supplier but follows the weddings: one function brings all suppliers of a wedding up to date,
-- each as its own tenant with its own event, in sorted order so that two weddings never wait for each other in a circle.
set role wedsync_recorder;

-- What waits for one link, newest change first, tasks by date: enough for a portfolio to show and to act on.
create function app.open_of(p_wedding uuid, p_link uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce((select jsonb_agg(jsonb_build_object('kind', 'acknowledge', 'id', a.id, 'type', a.type, 'summary', a.summary, 'status', a.status,
      'at', a.opened_at) order by a.opened_at desc, a.id)
    from public.acknowledgements a where a.wedding_id = p_wedding and a.link_id = p_link and a.status <> 'acknowledged'), '[]')
  || coalesce((select jsonb_agg(jsonb_build_object('kind', 'task', 'id', t.id, 'title', t.title, 'due_on', t.due_on) order by t.due_on nulls last, t.id)
    from public.tasks t where t.wedding_id = p_wedding and t.link_id = p_link and t.status not in ('done', 'cancelled')), '[]');
$$;

create function app.refresh_index(p_wedding uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
  v_facts jsonb;
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'refresh_index is the system''s'; end if;
  for r in
    select distinct x.supplier_id from (
      select l.supplier_id from public.links l where l.wedding_id = p_wedding and l.supplier_id is not null
      union select i.supplier_id from public.supplier_index i where i.wedding_id = p_wedding) x order by 1
  loop
    perform app.settle(null, 'system', r.supplier_id, 'system', 2047, 2047);
    with wanted as (
      select l.supplier_id, l.wedding_id, l.id, w.couple_names, w."on", w.date_status, w.time_zone,
        coalesce(nullif(w.reception_venue, ''), w.ceremony_venue) as venue, l.status, l.level,
        (select count(*)::int from public.acknowledgements a where a.wedding_id = l.wedding_id and a.link_id = l.id and a.status <> 'acknowledged') as waiting,
        (select count(*)::int from public.tasks t where t.wedding_id = l.wedding_id and t.link_id = l.id and t.status not in ('done', 'cancelled')) as tasks_open,
        (select min(t.due_on) from public.tasks t where t.wedding_id = l.wedding_id and t.link_id = l.id and t.status not in ('done', 'cancelled')) as next_due,
        app.open_of(l.wedding_id, l.id) as open
      from public.links l join public.weddings w on w.wedding_id = l.wedding_id
      where l.wedding_id = p_wedding and l.supplier_id = r.supplier_id and l.status in ('requested', 'active')),
    gone as (
      delete from public.supplier_index i where i.supplier_id = r.supplier_id and i.wedding_id = p_wedding and not exists (select from wanted)
      returning i.id, to_jsonb(i) as old_record),
    kept as (
      insert into public.supplier_index as i (supplier_id, wedding_id, id, couple_names, "on", date_status, time_zone, venue, status, level, waiting,
        tasks_open, next_due, open)
      select n.* from wanted n
      on conflict (supplier_id, wedding_id) do update
        set id = excluded.id, couple_names = excluded.couple_names, "on" = excluded."on", date_status = excluded.date_status,
          time_zone = excluded.time_zone, venue = excluded.venue, status = excluded.status, level = excluded.level, waiting = excluded.waiting,
          tasks_open = excluded.tasks_open, next_due = excluded.next_due, open = excluded.open, changed_at = clock_timestamp()
        where (i.id, i.couple_names, i."on", i.date_status, i.time_zone, i.venue, i.status, i.level, i.waiting, i.tasks_open, i.next_due, i.open)
          is distinct from (excluded.id, excluded.couple_names, excluded."on", excluded.date_status, excluded.time_zone, excluded.venue,
            excluded.status, excluded.level, excluded.waiting, excluded.tasks_open, excluded.next_due, excluded.open)
      returning new.id, to_jsonb(new) as record, case when old.id is null then null else to_jsonb(old) end as old_record)
    select jsonb_agg(f.x) into v_facts from (
      select jsonb_build_object('type', 'portfolio.changed', 'scope', 1, 'link', k.id, 'table', 'supplier_index', 'id', k.id,
        'op', case when k.old_record is null then 'INSERT' else 'UPDATE' end, 'record', k.record, 'old', k.old_record) as x from kept k
      union all
      select jsonb_build_object('type', 'portfolio.removed', 'scope', 1, 'link', g.id, 'table', 'supplier_index', 'id', g.id, 'op', 'DELETE', 'old', g.old_record)
      from gone g) f;
    if v_facts is not null then return next app.record(v_facts); end if;
  end loop;
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
end $$;
grant execute on function app.refresh_index(uuid) to wedsync_user;
reset role;
set role wedsync_owner;
grant insert, update, delete on public.supplier_index to wedsync_recorder;
reset role;

-- Whom a notice of the entered wedding may reach: the couple, and of each active link the owners, admins and assigned members. `since` is when
-- the link became active, in the milliseconds that events are told in: what was recorded before is not news to it.
set role wedsync_recorder;
create function app.audience_of(p_wedding uuid)
returns table (person_id uuid, email text, name text, role text, link_id uuid, supplier_id uuid, mask integer, channels jsonb,
  since timestamptz, membership_id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'audience_of is the system''s'; end if;
  return query
    select p.person_id, p.email, coalesce(nullif(m.name, ''), p.name), case when m.role = 'helper' then 'helper' else 'couple' end, null::uuid, null::uuid,
      case when m.role = 'helper' then 3 else 2047 end, f.channels, null::timestamptz, m.id
    from public.memberships m join public.persons p using (person_id) left join public.preferences f using (person_id)
    where m.wedding_id = p_wedding and m.removed_at is null
    union all
    select p.person_id, p.email, coalesce(nullif(sm.name, ''), p.name), 'supplier', l.id, l.supplier_id, l.mask, f.channels,
      date_trunc('milliseconds', l.active_since), null::uuid
    from public.links l join public.supplier_members sm on sm.supplier_id = l.supplier_id and sm.removed_at is null
    join public.persons p on p.person_id = sm.person_id left join public.preferences f on f.person_id = p.person_id
    where l.wedding_id = p_wedding and l.status = 'active'
      and (sm.role in ('owner', 'admin') or exists (select from public.assignments a
        where a.supplier_id = sm.supplier_id and a.member_id = sm.id and a.link_id = l.id));
end $$;

grant execute on function app.audience_of(uuid) to wedsync_user;
reset role;

-- 79_upkeep.sql
-- Upkeep: what the clock asks for, beside partitions and positions: old sign-ins and uploads, density of the log, how the queue stands.
set role wedsync_owner;
grant delete on public.sessions, public.sign_ins to wedsync_recorder;
grant update (plan, undo) on public.imports, public.client_imports to wedsync_recorder;
-- What is ready or on the wire is not in it, so it costs the queue nothing.
create index jobs_parked on public.jobs (made_at) where kind = 'delivery' and run_at = 'infinity';
reset role;

set role wedsync_recorder;
-- Sessions and sign-in passes that ended long enough ago that nobody asks after them.
create function app.forget_sessions(p_days integer default 30) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_before timestamptz := clock_timestamp() - make_interval(days => p_days);
  n integer;
  m integer;
begin
  delete from public.sessions s where coalesce(s.ended_at, s.expires_at) < v_before;
  get diagnostics n = row_count;
  delete from public.sign_ins s where s.expires_at < v_before;
  get diagnostics m = row_count;
  return n + m;
end $$;

-- Uploaded lists of imports that ended, or that nobody went on with, long enough ago: the file goes, what came of it stays. So does what
-- a finished import leaves for the next one of its list, which tells from it who changed a field; of one taken back nobody asks for it.
create function app.forget_uploads(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
  v_clients integer;
begin
  update public.imports i set plan = null, undo = case when i.status = 'finished' then i.undo end
    where i.plan is not null and i.status <> 'running' and coalesce(i.finished_at, i.updated_at) < app.now() - make_interval(days => p_days);
  get diagnostics n = row_count;
  -- What a list of clients needs to be taken back goes when it no longer can be.
  update public.client_imports i set plan = null, undo = case when i.finished_at > app.now() - interval '30 days' then i.undo end
    where (i.plan is not null or i.undo is not null) and coalesce(i.finished_at, i.updated_at) < app.now() - make_interval(days => p_days)
      and (i.plan is not null or i.finished_at <= app.now() - interval '30 days');
  get diagnostics v_clients = row_count;
  return n + v_clients;
end $$;

-- Streams whose log since a time has a hole or a double, or does not reach the stream's top. Density rests on the stream lock; this proves it.
-- recorded_at is read before the lock is had, so around the edge a higher seq may bear an earlier time: an hour of slack.
create function app.sparse_streams(p_since timestamptz) returns table (stream_id uuid, lowest bigint, highest bigint, events bigint, top bigint)
language sql stable security definer set search_path = '' as $$
  select x.stream_id, x.lowest, x.highest, x.events, s.top
  from (select e.stream_id, f.lowest, max(e.seq) as highest, count(*) as events
    from (select n.stream_id, min(n.seq) as lowest from public.events n where n.recorded_at >= p_since group by n.stream_id) f
    join public.events e on e.stream_id = f.stream_id and e.seq >= f.lowest and e.recorded_at >= p_since - interval '1 hour'
    group by e.stream_id, f.lowest) x
  join public.streams s on s.id = x.stream_id
  where x.events <> x.highest - x.lowest + 1 or x.highest <> s.top;
$$;

-- How long the oldest ready job of each lane has waited, and what is on the wire; cheap however long the queue is.
create function app.queue_ages() returns table (lane integer, oldest_s double precision)
language sql stable security definer set search_path = '' set enable_seqscan = off as $$
  select l.lane, coalesce(greatest(0, extract(epoch from clock_timestamp() - (select j.run_at from public.jobs j
      where j.lane = l.lane and j.lease_token is null order by j.run_at limit 1))), 0)::double precision
  from generate_series(0, 3) as l(lane);
$$;

-- What waited so long for a parked destination, or for a person, that its row in the ledger is due to go: it ends, and says so.
create function app.expire_parked(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off as $$
declare
  v_before timestamptz := clock_timestamp() - make_interval(days => p_days);
  v_old uuid[];
begin
  select array_agg(x.id) into v_old from (select j.id from public.jobs j
    where j.kind = 'delivery' and j.run_at = 'infinity' and j.made_at < v_before and j.lease_token is null
    order by j.made_at limit 10000 for update skip locked) x;
  if v_old is null then return 0; end if;
  perform app.end_jobs(v_old, 'expired', format('it had waited for %s days', p_days));
  return cardinality(v_old);
end $$;

-- Whether anything that is not over needs rows of a table from this span of time. Asked of a month that is due to go, so hardly more than once; what
-- is likeliest to need it, for long, is what waits for a person, and that is looked up.
create function app.is_needed(p_table text, p_from timestamptz, p_until timestamptz) returns boolean
language sql stable set search_path = '' as $$
  select case p_table
    when 'deliveries' then exists (select from public.jobs j where j.kind = 'delivery' and j.run_at = 'infinity' and j.made_at >= p_from
        and j.made_at < p_until)
      or exists (select from public.jobs j where j.kind = 'delivery' and j.run_at < 'infinity' and j.made_at >= p_from and j.made_at < p_until)
    when 'events' then exists (select from public.jobs j where j.kind = 'reaction' and j.made_at >= p_from and j.made_at < p_until)
      or exists (select from public.jobs j join public.deliveries d on d.id = j.id and d.made_at = j.made_at
        where j.kind = 'delivery' and d.event_at >= p_from and d.event_at < p_until)
    else false end;
$$;

grant execute on function app.forget_sessions(integer), app.forget_uploads(integer), app.sparse_streams(timestamptz), app.queue_ages(),
  app.expire_parked(integer) to wedsync_service;
grant execute on function app.is_needed(text, timestamptz, timestamptz) to wedsync_owner;
reset role;

set role wedsync_owner;
-- Whole months of a partitioned table that ended so many days ago go, the oldest first; a month that is needed stays until it is not. The last
-- month always stays, so rows are kept at least so long and at most two months longer. A month is dropped within half a second or another time:
-- whoever reads or writes the table is not kept waiting behind us, so it is one month a call. Returns the partition that went, or null.
create function app.forget_months(p_table text, p_days integer) returns text
language plpgsql volatile security definer set search_path = '' set lock_timeout = '500ms' as $$
declare
  v_before timestamptz := least(date_trunc('month', clock_timestamp()) - interval '1 month', clock_timestamp() - make_interval(days => p_days));
  v_part record;
begin
  if p_table <> all (array['events', 'deliveries', 'attempts', 'security_events', 'access_log']) or p_days < 7 then
    raise exception 'not kept by months, or too short: % for % days', p_table, p_days;
  end if;
  for v_part in
    select c.relname as name, to_date(right(c.relname, 6), 'YYYYMM')::timestamptz as began,
      (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month')::timestamptz as ended
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = ('public.' || p_table)::regclass and c.relname ~ ('^' || p_table || '_[0-9]{6}$') order by c.relname
  loop
    exit when v_part.ended > v_before;
    continue when app.is_needed(p_table, v_part.began, v_part.ended);
    begin
      execute format('drop table public.%I', v_part.name);
    exception when lock_not_available then
      return null;
    end;
    return v_part.name;
  end loop;
  return null;
end $$;
grant execute on function app.forget_months(text, integer) to wedsync_service;
reset role;

-- 80_bookings.sql
-- Bookings: which days are free, what cannot both be right, and how a wedding hears of it.
set role wedsync_recorder;

-- A day of a supplier runs from five in the morning (what ends later belongs to the night before) to midnight, where the supplier is. Free: one
-- resource has nothing in it. Partly: one has four hours together. The longest stretch asked for is what the callers allow.
create function app.days_of(p_supplier uuid, p_from date, p_to date) returns table ("on" date, state text)
language sql stable set search_path = '' as $$
  with days as materialized (
    select d::date as day, tstzrange(timezone(s.time_zone, d::date + time '05:00'), timezone(s.time_zone, (d::date + 1) + time '00:00')) as span
    from public.suppliers s cross join generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') as d
    where s.supplier_id = p_supplier),
  whole as materialized (select tstzrange(min(lower(d.span)), max(upper(d.span))) as span from days d),
  blocks as materialized (
    select b.resource_id, b.blocked as during from public.bookings b
    where b.supplier_id = p_supplier and b.state <> 'cancelled' and b.blocked && (select w.span from whole w)
    union all
    select t.resource_id, t.during from public.busy_times t where t.supplier_id = p_supplier and t.during && (select w.span from whole w)),
  taken as (
    select d.day, d.span, r.id, coalesce(range_agg(k.during * d.span), '{}') as busy
    from days d
    left join public.resources r on r.supplier_id = p_supplier and r.is_active
    left join blocks k on k.resource_id = r.id and k.during && d.span
    group by d.day, d.span, r.id)
  select t.day, case when bool_or(isempty(t.busy)) then 'free' when bool_or(exists (
      select from unnest(tstzmultirange(t.span) - t.busy) as g(gap) where upper(g.gap) - lower(g.gap) >= interval '4 hours')) then 'partly'
    else 'taken' end
  from taken t group by t.day order by t.day;
$$;

-- The wedding of a link of the entered supplier; null for any other link, and for one that is not, or no longer, active.
create function app.wedding_of_link(p_link uuid) returns uuid
language sql stable security definer set search_path = '' as $$
  select l.wedding_id from public.links l where l.id = p_link and l.supplier_id = app.tenant() and l.status = 'active';
$$;
grant execute on function app.wedding_of_link(uuid) to wedsync_user;

-- For the team, in its own tenant.
create function app.availability(p_from date, p_to date) returns table ("on" date, state text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'member', 'system') then raise insufficient_privilege using message = 'availability is the team''s'; end if;
  return query select d."on", d.state from app.days_of(app.tenant(), p_from, p_to) d;
end $$;

-- For the couple, of a supplier that is linked to them; days, never what is in them.
create function app.linked_days(p_link uuid, p_from date, p_to date) returns table ("on" date, state text)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_supplier uuid;
begin
  select l.supplier_id into v_supplier from public.links l where l.wedding_id = app.tenant() and l.id = p_link and l.status = 'active'
    and (app.mask() & 512 <> 0 or l.id = app.link());
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  return query select d."on", d.state from app.days_of(v_supplier, p_from, p_to) d;
end $$;

-- For anybody whom the supplier lets ask: by a link of the number that holds now, or publicly (p_number null). Free or not, nothing else; whether
-- there is no such supplier, it is not public, or the link has ended is answered alike.
create function app.public_days(p_supplier uuid, p_number integer, p_from date, p_to date) returns table ("on" date, is_free boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform from public.booking_settings s where s.supplier_id = p_supplier
    and case when p_number is null then s.is_public else s.has_link and s.link_number = p_number end;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  return query select d."on", d.state = 'free' from app.days_of(p_supplier, p_from, p_to) d;
end $$;
create function app.public_supplier(p_supplier uuid, p_number integer) returns text
language sql stable security definer set search_path = '' as $$
  select u.name from public.booking_settings s join public.suppliers u using (supplier_id)
  where s.supplier_id = p_supplier and case when p_number is null then s.is_public else s.has_link and s.link_number = p_number end;
$$;
grant execute on function app.availability(date, date), app.linked_days(uuid, date, date), app.public_days(uuid, integer, date, date),
  app.public_supplier(uuid, integer) to wedsync_user;

-- A date where something is, from midnight to midnight.
create function app.day_there(p_on date, p_zone text) returns tstzrange language sql stable
  return tstzrange(timezone(p_zone, p_on + time '00:00'), timezone(p_zone, (p_on + 1) + time '00:00'));

-- Weddings of active links that have no booking, on days when no resource has nothing in it: with each booking that stands in the way.
create function app.without_room(p_supplier uuid, p_window tstzrange)
returns table (kind text, booking_id uuid, link_id uuid, other_table text, other_id uuid, during tstzrange)
language sql stable set search_path = '' as $$
  with unbooked as materialized (
    select l.id, app.day_there(w."on", w.time_zone) as day
    from public.links l join public.weddings w on w.wedding_id = l.wedding_id
    where l.supplier_id = p_supplier and l.status = 'active' and w."on" is not null and w.date_status <> 'cancelled'
      and app.day_there(w."on", w.time_zone) && p_window and upper(app.day_there(w."on", w.time_zone)) > app.now()
      and not exists (select from public.bookings b where b.supplier_id = p_supplier and b.link_id = l.id and b.state <> 'cancelled')),
  full_days as (
    select u.id, u.day from unbooked u
    where not exists (
      select from public.resources r where r.supplier_id = p_supplier and r.is_active
        and not exists (select from public.bookings b where b.supplier_id = p_supplier and b.resource_id = r.id and b.state <> 'cancelled'
          and b.blocked && u.day)
        and not exists (select from public.busy_times t where t.supplier_id = p_supplier and t.resource_id = r.id and t.during && u.day)))
  select 'no_room', null::uuid, f.id, 'bookings', b.id, f.day
  from full_days f join public.bookings b on b.supplier_id = p_supplier and b.state <> 'cancelled' and b.blocked && f.day;
$$;

-- The conflict check: what cannot both be right of one supplier in one stretch of time. `during` lies in the booking's own stretch, so that a
-- conflict is looked at again whenever either side of it changes. Measured by bench/bookings.py: two index scans and what is near.
create function app.clashes(p_supplier uuid, p_window tstzrange)
returns table (kind text, booking_id uuid, link_id uuid, other_table text, other_id uuid, during tstzrange)
language sql stable set search_path = '' as $$
  with near as materialized (
    select b.id, b.resource_id, b.wedding_id, b.link_id, b."on", b.at_local, coalesce(b.days, 1) as days, b.starts_at, b.ends_at, b.blocked
    from public.bookings b
    where b.supplier_id = p_supplier and b.blocked && p_window and b.state in ('hold', 'booked') and b.ends_at > app.now()),
  engaged as materialized (
    select n.*, l.status, l.mask, w."on" as wedding_on, w.time_zone, w.date_status, w.ceremony_at
    from near n
    join public.links l on l.wedding_id = n.wedding_id and l.id = n.link_id
    join public.weddings w on w.wedding_id = n.wedding_id
    where n.link_id is not null),
  alive as (select e.* from engaged e where e.status = 'active' and e.date_status <> 'cancelled'),
  items as (
    select e.id as booking_id, i.id, i.starts_at, app.later(i.starts_at, i.minutes) as ends_at, 'schedule_items' as of_table
    from alive e
    join public.schedule_items i on i.wedding_id = e.wedding_id
      and (i.owner_link_id = e.link_id or (i.kind = 'ceremony' and i.owner_link_id is null))
    where e.mask & 2 <> 0
      and case when i.at_local < time '05:00' then i."on" - 1 else i."on" end between e."on" and e."on" + e.days - 1
    union all
    select e.id, e.wedding_id, timezone(e.time_zone, e.wedding_on + e.ceremony_at), timezone(e.time_zone, e.wedding_on + e.ceremony_at), 'weddings'
    from alive e
    where e.ceremony_at is not null and e.wedding_on between e."on" and e."on" + e.days - 1
      and (e.mask & 2 = 0 or not exists (select from public.schedule_items i where i.wedding_id = e.wedding_id and i.kind = 'ceremony')))
  select 'busy', n.id, n.link_id, 'busy_times', t.id, n.blocked * t.during
  from near n join public.busy_times t on t.supplier_id = p_supplier and t.resource_id = n.resource_id and t.during && n.blocked
  union all
  select 'link_ended', e.id, e.link_id, 'links', e.link_id, e.blocked
  from engaged e where e.status in ('revoked', 'declined') or e.date_status = 'cancelled'
  union all
  select 'other_day', e.id, e.link_id, 'weddings', e.wedding_id, e.blocked
  from alive e
  where e.wedding_on is not null and not e.blocked && app.day_there(e.wedding_on, e.time_zone)
    and not exists (select from public.wedding_days d where d.wedding_id = e.wedding_id and e.blocked && app.day_there(d."on", d.zone))
  union all
  select case when x.starts_at < e.starts_at then 'too_early' else 'too_late' end, e.id, e.link_id, x.of_table, x.id, e.blocked
  from items x join alive e on e.id = x.booking_id
  where e.at_local is not null and not exists (
      select from engaged o where o.link_id = e.link_id and o.starts_at <= x.starts_at and o.ends_at >= x.ends_at)
  union all
  select r.* from app.without_room(p_supplier, p_window) r;
$$;
reset role;

-- 80_security.sql
-- Security: who looked at what and what was refused, written a few seconds later by every process, read by whom it concerns, and dropped by age.
set role wedsync_owner;
create policy gate on public.security_events as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.security_events for select to wedsync_user using (
  (select app.role()) in ('couple', 'owner', 'self'));
grant select on public.security_events to wedsync_user;
create index security_events_tenant on public.security_events (tenant_id, at desc, id);
create index security_events_at on public.security_events (at desc);
reset role;

set role wedsync_recorder;
-- Whose tenant a refusal concerns. The place was asked for by whoever was refused, so it may be anything; null where there is no such thing.
create function app.place_of(p_place text, p_name text) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  if p_place is null or p_name is null then return null;
  elsif p_place = 'tenant' then return (select s.id from public.streams s where s.id = p_name::uuid);
  elsif p_place = 'pass' then return (select p.wedding_id from public.passes p where p.token_hash = decode(p_name, 'hex'));
  elsif p_place = 'sign_in' then return (select s.person_id from public.sign_ins s where s.token_hash = decode(p_name, 'hex'));
  end if;
  return app.locate(p_place, p_name::uuid);
end $$;

-- What a process counted since it wrote last. Rows are taken in one order by everybody, so two processes never wait for each other in a ring.
-- A refusal at an id that nothing has is a slip of the finger, and no security event.
create function app.keep_watch(p_reads jsonb, p_notes jsonb) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.access_log as a (tenant_id, link_id, scope, source, slot, times)
    select r.tenant, r.link, 1 << b.bit, r.source, date_bin('5 minutes', clock_timestamp(), '2026-01-01'), sum(r.times)::integer
    from jsonb_to_recordset(p_reads) as r(tenant uuid, link uuid, scopes integer, source text, times integer)
    cross join generate_series(0, 10) as b(bit)
    where r.scopes & (1 << b.bit) <> 0
    group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
  on conflict (tenant_id, link_id, scope, source, slot) do update set times = a.times + excluded.times, last_at = clock_timestamp();
  insert into public.security_events (at, kind, tenant_id, actor_id, address, detail)
    select n.at, n.kind, n.tenant_id, n.actor, n.address, n.detail
    from (select r.at, r.kind, app.place_of(r.place, r.name) as tenant_id, r.actor, left(r.address, 60) as address, r.detail, r.place
      from jsonb_to_recordset(p_notes) as r(at timestamptz, kind text, actor uuid, address text, place text, name text, detail jsonb)) n
    where n.kind <> 'access.refused' or n.tenant_id is not null;
$$;

-- For the operator: newest first, filtered. Of tenants only the id.
create function app.security_log(p_since timestamptz, p_kind text, p_address text, p_limit integer)
returns table (at timestamptz, kind text, tenant_id uuid, actor_id uuid, address text, detail jsonb)
language sql stable security definer set search_path = '' as $$
  select e.at, e.kind, e.tenant_id, e.actor_id, e.address, e.detail from public.security_events e
  where e.at >= p_since and (p_kind is null or e.kind like p_kind) and (p_address is null or e.address = p_address)
  order by e.at desc, e.id limit p_limit;
$$;

grant execute on function app.keep_watch(jsonb, jsonb) to wedsync_user, wedsync_reader, wedsync_service;
grant execute on function app.security_log(timestamptz, text, text, integer) to wedsync_service;
reset role;

-- 81_booking_checks.sql
-- Bookings, continued: what follows from a change. All of it runs as the system, after the change is committed (a check inside of it could
-- miss what another transaction is just about to commit), and one check of a supplier at a time. Locks are taken in one order: the supplier's
-- 'conflicts', then rows (an insert may wait for a person who goes on to the stream), then its stream by one app.record; and, in a transaction of
-- their own or before the next wedding's, a wedding's 'told', rows and stream.
set role wedsync_recorder;

-- Conflicts of the stretches of time that changed: found, found again, resolved. Facts for app.record.
create function app.refresh_conflicts(p_supplier uuid, p_windows tstzrange[], p_link uuid) returns jsonb
language sql volatile set search_path = '' as $$
  with found as materialized (
    select distinct on (c.kind, c.booking_id, c.link_id, c.other_id) c.kind, c.booking_id, c.link_id, c.other_table, c.other_id, c.during
    from unnest(p_windows) as w(stretch) cross join lateral app.clashes(p_supplier, w.stretch) c),
  opened as (
    insert into public.booking_conflicts as k (supplier_id, kind, booking_id, link_id, other_table, other_id, during, since)
    select p_supplier, f.kind, f.booking_id, f.link_id, f.other_table, f.other_id, f.during, app.now() from found f
    on conflict (supplier_id, kind, booking_id, link_id, other_id) do update
      set during = excluded.during, since = case when k.state = 'resolved' then excluded.since else k.since end, resolved_at = null,
        state = case when k.state = 'resolved' then 'open' else k.state end
      where k.state = 'resolved' or k.during <> excluded.during
    returning 'conflict.found' as type, new.id, case when old.id is null then 'INSERT' else 'UPDATE' end as op, to_jsonb(new) as record,
      case when old.id is null then null else to_jsonb(old) end as old_record),
  ended as (
    update public.booking_conflicts k set state = 'resolved', resolved_at = app.now(), ignored_by = null, ignored_at = null
    where k.supplier_id = p_supplier and k.state <> 'resolved' and (k.during && any (p_windows) or k.link_id = p_link)
      and not exists (select from found f where f.kind = k.kind and f.other_id = k.other_id and f.booking_id is not distinct from k.booking_id
        and f.link_id is not distinct from k.link_id)
    returning 'conflict.resolved' as type, new.id, 'UPDATE' as op, to_jsonb(new) as record, to_jsonb(old) as old_record),
  changed as (select o.* from opened o union all select e.* from ended e)
  select coalesce(jsonb_agg(jsonb_build_object('type', c.type, 'scope', 1, 'table', 'booking_conflicts', 'id', c.id, 'op', c.op,
    'record', c.record, 'old', c.old_record)), '[]') from changed c;
$$;

-- Days of those stretches that are now told otherwise.
create function app.refresh_days(p_supplier uuid, p_windows tstzrange[]) returns jsonb
language sql volatile set search_path = '' as $$
  with now_so as materialized (
    select distinct on (d."on") d."on", d.state
    from unnest(p_windows) as w(stretch) join public.suppliers s on s.supplier_id = p_supplier
    cross join lateral app.days_of(p_supplier, timezone(s.time_zone, lower(w.stretch))::date,
      least(timezone(s.time_zone, upper(w.stretch))::date, timezone(s.time_zone, lower(w.stretch))::date + 400)) d),
  told as (
    insert into public.availability_days as a (supplier_id, "on", state)
    select p_supplier, n."on", n.state from now_so n
    where n.state <> 'free' or exists (select from public.availability_days x where x.supplier_id = p_supplier and x."on" = n."on")
    on conflict (supplier_id, "on") do update set state = excluded.state where a.state <> excluded.state
    returning new.id, case when old.id is null then 'INSERT' else 'UPDATE' end as op, to_jsonb(new) as record,
      case when old.id is null then null else to_jsonb(old) end as old_record)
  select coalesce(jsonb_agg(jsonb_build_object('type', 'availability.changed', 'scope', 1, 'table', 'availability_days', 'id', t.id, 'op', t.op,
    'record', t.record, 'old', t.old_record) order by t.record ->> 'on'), '[]') from told t;
$$;

-- What p_link, if given, is concerned by is looked at again wherever it is. Facts for app.record, in the settled supplier, whose 'conflicts' the
-- caller holds.
create function app.look_again(p_supplier uuid, p_windows tstzrange[], p_link uuid default null) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
  v_windows tstzrange[] := array(select w from unnest(p_windows) as w where not isempty(w) and not lower_inf(w) and not upper_inf(w));
begin
  if p_link is not null then
    v_windows := v_windows
      || array(select b.blocked from public.bookings b where b.supplier_id = p_supplier and b.link_id = p_link)
      || array(select k.during from public.booking_conflicts k where k.supplier_id = p_supplier and k.link_id = p_link and k.state <> 'resolved')
      || array(select app.day_there(w."on", w.time_zone) from public.links l join public.weddings w on w.wedding_id = l.wedding_id
        where l.id = p_link and w."on" is not null);
  end if;
  if cardinality(v_windows) = 0 then return '[]'; end if;
  return app.refresh_conflicts(p_supplier, v_windows, p_link) || app.refresh_days(p_supplier, v_windows);
end $$;

-- Before any row of a supplier is written that others write too.
create function app.begin_checks(p_supplier uuid) returns void language plpgsql volatile set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('conflicts:' || p_supplier, 0));
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
end $$;

-- The reaction of a supplier's own facts. Returns the nudge, or null when nothing changed.
create function app.check_bookings(p_windows tstzrange[], p_link uuid default null) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'check_bookings is the system''s'; end if;
  perform app.begin_checks(app.tenant());
  v_facts := app.look_again(app.tenant(), p_windows, p_link);
  return case when v_facts <> '[]' then app.record(v_facts) end;
end $$;

-- What a wedding knows of one link: its bookings, and how the supplier stands on the wedding's date. Facts for app.record.
create function app.refresh_link(p_wedding uuid, p_link uuid) returns jsonb
language sql volatile set search_path = '' as $$
  with link as (select l.id, l.supplier_id, w."on" from public.links l join public.weddings w on w.wedding_id = l.wedding_id
    where l.wedding_id = p_wedding and l.id = p_link and l.status = 'active' and l.supplier_id is not null),
  wanted as (
    select b.id, b.state, b."on", b.at_local, b.zone, b.minutes, b.days, b.starts_at, b.ends_at, b.expires_at
    from link l join public.bookings b on b.supplier_id = l.supplier_id and b.link_id = l.id),
  put as (
    insert into public.link_bookings as k (id, wedding_id, link_id, state, "on", at_local, zone, minutes, days, starts_at, ends_at, expires_at)
    select n.id, p_wedding, p_link, n.state, n."on", n.at_local, n.zone, n.minutes, n.days, n.starts_at, n.ends_at, n.expires_at from wanted n
    on conflict (wedding_id, id) do update set link_id = excluded.link_id, state = excluded.state, "on" = excluded."on",
      at_local = excluded.at_local, zone = excluded.zone, minutes = excluded.minutes, days = excluded.days, starts_at = excluded.starts_at,
      ends_at = excluded.ends_at, expires_at = excluded.expires_at
      where (k.link_id, k.state, k.starts_at, k.ends_at, k."on", k.at_local, k.zone, k.minutes, k.days, k.expires_at) is distinct from
        (excluded.link_id, excluded.state, excluded.starts_at, excluded.ends_at, excluded."on", excluded.at_local, excluded.zone, excluded.minutes,
          excluded.days, excluded.expires_at)
    returning 'link_booking.changed' as type, 'link_bookings' as of_table, new.id, case when old.id is null then 'INSERT' else 'UPDATE' end as op,
      to_jsonb(new) as record, case when old.id is null then null else to_jsonb(old) end as old_record),
  gone as (
    delete from public.link_bookings k where k.wedding_id = p_wedding and k.link_id = p_link and k.id not in (select n.id from wanted n)
    returning 'link_booking.changed', 'link_bookings', k.id, 'DELETE', null::jsonb, to_jsonb(k)),
  day as (
    select l."on", case when exists (select from wanted n where n.state in ('hold', 'booked') and tstzrange(n.starts_at, n.ends_at)
        && app.day_there(l."on", n.zone)) then 'yours' else d.state end as state
    from link l cross join lateral app.days_of(l.supplier_id, l."on", l."on") d where l."on" is not null),
  dated as (
    insert into public.link_days as k (wedding_id, link_id, "on", state) select p_wedding, p_link, d."on", d.state from day d
    on conflict (wedding_id, link_id) do update set "on" = excluded."on", state = excluded.state
      where (k."on", k.state) is distinct from (excluded."on", excluded.state)
    returning 'link_day.changed', 'link_days', new.id, case when old.id is null then 'INSERT' else 'UPDATE' end,
      to_jsonb(new), case when old.id is null then null else to_jsonb(old) end),
  undated as (
    delete from public.link_days k where k.wedding_id = p_wedding and k.link_id = p_link and not exists (select from day)
    returning 'link_day.changed', 'link_days', k.id, 'DELETE', null::jsonb, to_jsonb(k)),
  changed as (select p.* from put p union all select g.* from gone g union all select d.* from dated d union all select u.* from undated u)
  select coalesce(jsonb_agg(jsonb_build_object('type', c.type, 'scope', 1, 'link', p_link, 'table', c.of_table, 'id', c.id, 'op', c.op,
    'record', c.record, 'old', c.old_record)), '[]') from changed c;
$$;

-- One at a time in a wedding, all its links that are told of together.
create function app.put_told(p_wedding uuid, p_links uuid[]) returns text
language plpgsql volatile set search_path = '' as $$
declare
  v_home uuid := app.tenant();
  v_link uuid;
  v_facts jsonb := '[]';
  v_nudge text;
begin
  perform pg_advisory_xact_lock(hashtextextended('told:' || p_wedding, 0));
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  foreach v_link in array p_links loop
    v_facts := v_facts || app.refresh_link(p_wedding, v_link);
  end loop;
  if v_facts <> '[]' then v_nudge := app.record(v_facts); end if;
  perform app.settle(null, 'system', v_home, 'system', 2047, 2047);
  return v_nudge;
end $$;

-- The reaction that tells the other side: the weddings of these links, and those whose date is one of these days.
create function app.tell_weddings(p_links uuid[], p_days date[]) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'tell_weddings is the system''s'; end if;
  for r in
    select x.wedding_id, array_agg(x.id order by x.id) as links from public.links x join public.weddings w on w.wedding_id = x.wedding_id
    where x.supplier_id = app.tenant() and (x.id = any (p_links) or (x.status = 'active' and w."on" = any (p_days)))
    group by x.wedding_id order by x.wedding_id
  loop
    return next app.put_told(r.wedding_id, r.links);
  end loop;
end $$;

-- A link that became active with a date, and never had a booking, is given a hold of the day by the first resource that has it free. Once only:
-- whoever lets the hold go is not asked again. Facts for app.record, in the settled supplier.
create function app.propose_hold(p_wedding uuid, p_link uuid) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
  v_facts jsonb := '[]';
  l record;
  r record;
  b record;
begin
  select x.supplier_id, w."on", w.time_zone into l from public.links x join public.weddings w on w.wedding_id = x.wedding_id
    where x.wedding_id = p_wedding and x.id = p_link and x.status = 'active' and w.date_status <> 'cancelled'
      and lower(app.day_there(w."on", w.time_zone)) > app.now()
      and not exists (select from public.bookings k where k.supplier_id = x.supplier_id and k.link_id = x.id);
  if not found then return v_facts; end if;
  -- A business that is as new as the link: its own reaction may not have come by yet.
  insert into public.resources as x (supplier_id, name, is_default) values (l.supplier_id, 'Us', true)
    on conflict (supplier_id) where is_default do nothing
    returning x.id, to_jsonb(x) as record into b;
  if found then
    v_facts := jsonb_build_array(jsonb_build_object('type', 'resource.added', 'scope', 1, 'table', 'resources', 'id', b.id, 'op', 'INSERT',
      'record', b.record));
  end if;
  for r in select x.id from public.resources x where x.supplier_id = l.supplier_id and x.is_active order by not x.is_default, x.position, x.id loop
    insert into public.bookings as k (supplier_id, resource_id, category, state, reason, expires_at, wedding_id, link_id, "on", zone, days)
      values (l.supplier_id, r.id, 'wedding', 'hold', 'proposed', app.now() + interval '14 days', p_wedding, p_link, l."on", l.time_zone, 1)
      on conflict do nothing
      returning k.id, to_jsonb(k) as record into b;
    if found then
      v_facts := v_facts || jsonb_build_object('type', 'booking.held', 'scope', 1, 'table', 'bookings', 'id', b.id, 'op', 'INSERT',
        'record', b.record);
      exit;
    end if;
  end loop;
  return v_facts;
end $$;

-- The reaction of a wedding's facts: work for each supplier that it may concern, so that none waits for another. While one of a supplier waits no
-- other is owed: it looks at what stands, and what this one follows is committed. In order with nothing; the key is there to be found by.
create function app.follow_wedding(p_wedding uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_work constant text := 'bookings.follow_supplier';
  v_reactions constant uuid := '00000000-0000-7000-8000-000000000002';
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'follow_wedding is the system''s'; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, args)
  select uuidv7(), 'work', v_work, 0, p_wedding, v_reactions, p_wedding,
    jsonb_build_object('supplier_id', x.supplier_id, 'cause', nullif(current_setting('app.cause', true), ''))
  from (select distinct l.supplier_id from public.links l where l.wedding_id = p_wedding and l.supplier_id is not null) x
  where not exists (select from public.jobs j where j.destination_id = v_reactions and j.order_key = p_wedding and j.name = v_work
    and j.lease_token is null and j.args ->> 'supplier_id' = x.supplier_id::text);
end $$;

-- That work, first half: a hold where the supplier is newly linked to the entered wedding, and its conflicts. Returns the nudge, or null.
create function app.follow_supplier(p_supplier uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_links uuid[] := array(select x.id from public.links x where x.wedding_id = v_wedding and x.supplier_id = p_supplier
    and x.status in ('active', 'revoked', 'completed') order by x.id);
  v_link uuid;
  v_facts jsonb := '[]';
  v_nudge text;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'follow_supplier is the system''s'; end if;
  if cardinality(v_links) = 0 then return null; end if;
  perform app.begin_checks(p_supplier);
  foreach v_link in array v_links loop
    v_facts := v_facts || app.propose_hold(v_wedding, v_link);
  end loop;
  foreach v_link in array v_links loop
    v_facts := v_facts || app.look_again(p_supplier, '{}', v_link);
  end loop;
  if v_facts <> '[]' then v_nudge := app.record(v_facts); end if;
  perform app.settle(null, 'system', v_wedding, 'system', 2047, 2047);
  return v_nudge;
end $$;

-- Second half: what the entered wedding knows of that supplier.
create function app.tell_wedding(p_supplier uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'tell_wedding is the system''s'; end if;
  return app.put_told(app.tenant(), array(select x.id from public.links x where x.wedding_id = app.tenant() and x.supplier_id = p_supplier order by x.id));
end $$;
grant execute on function app.check_bookings(tstzrange[], uuid), app.tell_weddings(uuid[], date[]), app.follow_wedding(uuid),
  app.follow_supplier(uuid), app.tell_wedding(uuid) to wedsync_user;

-- The clock: holds whose time is over end, bookings that are over are fulfilled. First whose, then each in a transaction of its own.
create function app.suppliers_due(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct x.supplier_id from (
    (select b.supplier_id from public.bookings b where b.state = 'hold' and b.expires_at <= app.now() order by b.expires_at limit p_limit)
    union all
    (select b.supplier_id from public.bookings b where b.state = 'booked' and b.ends_at <= app.now() order by b.ends_at limit p_limit)) x
  order by x.supplier_id;
$$;

-- Returns the nudge, or null when there was nothing to end.
create function app.end_bookings(p_supplier uuid, p_limit integer default 500) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
  with due as (
    select b.id from public.bookings b where b.supplier_id = p_supplier
      and ((b.state = 'hold' and b.expires_at <= app.now()) or (b.state = 'booked' and b.ends_at <= app.now()))
    order by b.id limit p_limit for update skip locked),
  ended as (
    update public.bookings b set state = case when b.state = 'hold' then 'cancelled' else 'fulfilled' end,
      reason = case when b.state = 'hold' then 'expired' else b.reason end, expires_at = null
    from due d where b.supplier_id = p_supplier and b.id = d.id
    returning new.id, case when new.state = 'cancelled' then 'booking.expired' else 'booking.fulfilled' end as type, to_jsonb(new) as record,
      to_jsonb(old) as old_record)
  select jsonb_agg(jsonb_build_object('type', e.type, 'scope', 1, 'table', 'bookings', 'id', e.id, 'op', 'UPDATE', 'record', e.record,
    'old', e.old_record)) into v_facts from ended e;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;
grant execute on function app.suppliers_due(integer), app.end_bookings(uuid, integer) to wedsync_service;
reset role;

-- 82_invitations.sql
-- Invitations: what reaches over tenants. A couple is asked by several suppliers and is one couple; its page has no tenant; what it answers is told in
-- each supplier's own stream. A couple is held (its addresses' keys, in order) before anything about its mails is read and written.
set role wedsync_recorder;

-- What facts and the log show of an invitation: nothing sealed, no key, no token.
create function app.invitation_image(i public.invitations) returns jsonb language sql immutable set search_path = ''
  return to_jsonb(i) - '{sealed,token_hash,couple_index,delivery_id,delivery_at}'::text[];

create function app.invitation_fact(p_type text, n public.invitations, o public.invitations) returns jsonb
language sql immutable set search_path = ''
  return jsonb_build_object('supplier', (n).supplier_id, 'type', p_type, 'scope', 1, 'table', 'invitations', 'id', (n).id, 'op', 'UPDATE',
    'record', app.invitation_image(n), 'old', app.invitation_image(o));

-- Facts of suppliers' rows, each told in its supplier's stream, the streams in one order; then back to where we were. Who answers for a couple is
-- a guest there. Returns the nudges.
create function app.tell_suppliers(p_facts jsonb) returns setof text
language plpgsql volatile set search_path = '' as $$
declare
  v_tenant uuid := app.tenant();
  v_actor uuid := app.actor();
  v_kind text := app.actor_kind();
  v_role text := app.role();
  v_mask integer := app.mask();
  v_write_mask integer := app.write_mask();
  v_link uuid := app.link();
  v_membership uuid := app.membership();
  v_party uuid := app.party();
  s record;
begin
  for s in
    select (f.x ->> 'supplier')::uuid as id, jsonb_agg(f.x - 'supplier' order by f.n) as facts
    from jsonb_array_elements(p_facts) with ordinality as f(x, n) group by 1 order by 1
  loop
    perform app.settle(null, case v_kind when 'system' then 'system' else 'guest' end, s.id, 'system', 2047, 2047);
    return next app.record(s.facts);
  end loop;
  perform app.settle(v_actor, v_kind, v_tenant, v_role, v_mask, v_write_mask, v_link, v_membership, v_party);
end $$;

create function app.hold_couple(p_index bytea[]) returns void
language sql volatile security definer set search_path = '' as $$
  select pg_advisory_xact_lock(hashtextextended('couple:' || encode(x.key, 'hex'), 0)) from (select distinct unnest(p_index) as key order by 1) x;
$$;

-- Which of the addresses take no invitations, and why; asked by those who are about to write to them.
create function app.suppressed(p_index bytea[]) returns table (address_index bytea, reason text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'system') then raise insufficient_privilege using message = 'suppressed is for who invites'; end if;
  return query select s.address_index, s.reason from public.mail_suppressions s where s.address_index = any (p_index);
end $$;

-- When any supplier last wrote to one of these addresses.
create function app.last_invited(p_index bytea[]) returns timestamptz
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'last_invited is the system''s'; end if;
  return (select max(greatest(i.sent_at, i.reminded_at)) from public.invitations i where i.couple_index && p_index);
end $$;

-- Why a supplier's mails rest: more than one in twenty came back, or more than one in a thousand was reported, of those of thirty days. Two may come
-- back of a few before that says anything; one report says it.
create function app.invitation_brake(p_supplier uuid) returns text
language sql stable security definer set search_path = '' as $$
  select case when count(*) filter (where i.complained_at is not null) > 0.001 * count(*) then 'complaints'
      when count(*) filter (where i.state = 'bounced') > greatest(2, 0.05 * count(*)) then 'bounces' end
  from public.invitations i
  where i.supplier_id = p_supplier and i.mails > 0 and greatest(i.sent_at, i.reminded_at) > app.now() - interval '30 days';
$$;

-- Invitations of other suppliers for one of these addresses that still wait or are open: the worker names them in the same mail, the couple's page
-- shows them. Sealed for its supplier each; whether they mean the same couple only the names say.
create function app.invited_alike(p_index bytea[], p_not uuid)
returns table (id uuid, supplier_id uuid, supplier_name text, category text, sealed bytea, mails smallint, wedding_on date)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'invited_alike is the system''s'; end if;
  return query
    select i.id, i.supplier_id, s.name, s.category, i.sealed, i.mails, i.wedding_on
    from public.invitations i join public.suppliers s on s.supplier_id = i.supplier_id
    where i.couple_index && p_index and i.ended_at is null and i.id <> p_not and i.expires_at > app.now() and app.invitation_brake(i.supplier_id) is null
    order by i.created_at, i.id limit 20;
end $$;

-- A mail is owed: the invitation's own, naming others. All of them count it, so that none is written again within a fortnight.
create function app.owe_invitation(p_id uuid, p_delivery uuid, p_sealed bytea, p_named uuid[], p_again_after interval) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'owe_invitation is the system''s'; end if;
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, app.tenant(), 'mail', '00000000-0000-7000-8000-000000000001', 'invitation.sent', 'address', p_id, p_sealed, 2, v_at + interval '2 days');
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'mail', 2, app.tenant(), '00000000-0000-7000-8000-000000000001', v_at, v_at + interval '2 days');
  with held as (
    select i.supplier_id, i.id from public.invitations i
    where i.id = any (p_named || p_id) and i.ended_at is null and i.mails < 2 order by i.supplier_id, i.id for update),
  mailed as (
    update public.invitations i
    set mails = i.mails + 1, state = case i.state when 'queued' then 'sent' else i.state end, delivery_id = p_delivery, delivery_at = v_at, delivered_at = null,
      sent_at = coalesce(i.sent_at, app.now()), reminded_at = case when i.mails > 0 then app.now() end,
      next_at = case when i.mails = 0 then app.now() + p_again_after end
    from held h where i.supplier_id = h.supplier_id and i.id = h.id
    returning case when old.mails = 0 then 'invitation.sent' else 'invitation.reminded' end as type, new, old)
  select jsonb_agg(app.invitation_fact(m.type, m.new, m.old)) into v_facts from mailed m;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

-- One that gets no mail after all, or not now.
create function app.end_invitation(p_id uuid, p_state text, p_reason text) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  if app.role() not in ('system', 'owner', 'admin') then raise insufficient_privilege using message = 'end_invitation is the supplier''s'; end if;
  with ended as (
    update public.invitations i set state = p_state, reason = p_reason, ended_at = app.now(), next_at = null
    where i.supplier_id = app.tenant() and i.id = p_id and i.ended_at is null returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.ended', e.new, e.old)) into v_facts from ended e;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

create function app.client_fact(n public.clients, o public.clients) returns jsonb language sql immutable set search_path = ''
  return jsonb_build_object('supplier', (n).supplier_id, 'type', 'client.changed', 'scope', 1, 'table', 'clients', 'id', (n).id, 'op', 'UPDATE',
    'record', to_jsonb(n) - '{email_index,partner_email_index}'::text[], 'old', to_jsonb(o) - '{email_index,partner_email_index}'::text[]);

-- A couple that plans its wedding here already is asked there, by its own notices, not by a mail to whom it may concern. Null where there is none.
create function app.ask_couple(p_id uuid, p_email text, p_on date, out wedding uuid, out nudges text[])
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_supplier uuid := app.tenant();
  v_link public.links;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'ask_couple is the system''s'; end if;
  select w.wedding_id into wedding from public.persons p
    join public.memberships m on m.person_id = p.person_id and m.role in ('couple', 'partner') and m.removed_at is null
    join public.weddings w on w.wedding_id = m.wedding_id
    where p.email = lower(p_email) and w.date_status <> 'cancelled' and (w."on" is null or w."on" >= app.now()::date)
      and (p_on is null or w."on" is null or abs(w."on" - p_on) <= 31)
    order by w."on" nulls last, w.wedding_id limit 1;
  if wedding is null then return; end if;
  perform app.settle(null, 'system', wedding, 'system', 2047, 2047);
  insert into public.links (wedding_id, supplier_id, supplier_name, category, status, invited_by)
    select wedding, s.supplier_id, s.name, s.category, 'requested', 'supplier' from public.suppliers s where s.supplier_id = v_supplier
    on conflict do nothing returning * into v_link;
  if v_link.id is not null then
    nudges := array[app.record(jsonb_build_array(jsonb_build_object('type', 'link.requested', 'scope', 1, 'table', 'links', 'id', v_link.id, 'link', v_link.id,
      'op', 'INSERT', 'record', to_jsonb(v_link))))];
  else
    select l.* into v_link from public.links l where l.wedding_id = wedding and l.supplier_id = v_supplier and l.status in ('invited', 'requested', 'active');
  end if;
  perform app.settle(null, 'system', v_supplier, 'system', 2047, 2047);
  nudges := nudges || array(select app.keep_request(p_id, wedding, v_link.id, v_link.status));
end $$;

-- The invitation goes on as that request; where the engagement stands already there is nothing to ask.
create function app.keep_request(p_id uuid, p_wedding uuid, p_link uuid, p_status text) returns setof text
language plpgsql volatile set search_path = '' as $$
declare
  v_facts jsonb;
begin
  with asked as (
    update public.invitations i set state = case p_status when 'active' then 'joined' else 'sent' end, wedding_id = p_wedding, link_id = p_link, next_at = null,
      sent_at = app.now(), ended_at = case p_status when 'active' then app.now() end
    where i.supplier_id = app.tenant() and i.id = p_id and i.ended_at is null returning new as n, old as o),
  known as (
    update public.clients c set wedding_id = p_wedding, link_id = p_link from asked a
    where p_status = 'active' and c.supplier_id = app.tenant() and c.id = (a.n).client_id and c.link_id is null returning new, old)
  select coalesce((select jsonb_agg(app.invitation_fact(case p_status when 'active' then 'invitation.joined' else 'invitation.sent' end, a.n, a.o)) from asked a), '[]')
    || coalesce((select jsonb_agg(app.client_fact(k.new, k.old)) from known k), '[]') into v_facts;
  return query select app.tell_suppliers(v_facts);
end $$;

-- The couple's page: the invitation behind a token, then what other suppliers sent to the same addresses.
create function app.invitation_page(p_hash bytea)
returns table (id uuid, supplier_id uuid, supplier_name text, category text, website text, colour text, words text, sealed bytea, state text, is_over boolean,
  couple_index bytea[], wedding_id uuid, wedding_on date, is_own boolean)
language sql stable security definer set search_path = '' as $$
  with own as (select i.id, i.couple_index, i.ended_at from public.invitations i where i.token_hash = p_hash)
  select i.id, i.supplier_id, s.name, s.category, s.website, coalesce(y.colour, '#2f4a3a'), coalesce(y.words, ''), i.sealed, i.state,
    i.ended_at is not null or i.expires_at <= app.now(), i.couple_index, i.wedding_id, i.wedding_on, i.id = o.id
  from own o join public.invitations i on i.couple_index && o.couple_index
    and (i.id = o.id or o.ended_at is null and i.ended_at is null and i.expires_at > app.now() and i.link_id is null)
  join public.suppliers s on s.supplier_id = i.supplier_id
  left join public.invitation_styles y on y.supplier_id = i.supplier_id
  order by i.id = o.id desc, i.created_at, i.id limit 20;
$$;

create function app.note_opened(p_hash bytea) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  with opened as (
    update public.invitations i set state = 'opened', opened_at = app.now()
    where i.token_hash = p_hash and i.state in ('queued', 'sent') and i.expires_at > app.now() returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.opened', o.new, o.old)) into v_facts from opened o;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

-- Somebody came with a pass from a mail and nobody of that address was here: they are now, signed in. Whoever was here before signs in as always: a link
-- that lay in a mailbox for weeks opens no account. p_purpose couple: of an open invitation; invite: a supplier that a couple named, by its address.
create function app.arrive(p_purpose text, p_hash bytea, p_email text, p_session_hash bytea, p_days integer, out person_id uuid, out is_new boolean)
language plpgsql volatile security definer set search_path = '' as $$
begin
  if p_purpose = 'couple' then
    perform from public.invitations i where i.token_hash = p_hash and i.ended_at is null and i.expires_at > app.now();
  else
    perform from public.passes p join public.links l on l.wedding_id = p.wedding_id and l.id = p.link_id
      where p.purpose = 'invite' and p.token_hash = p_hash and p.revoked_at is null and p.expires_at > app.now() and l.status = 'invited'
        and l.invited_email = lower(p_email);
  end if;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  select not exists (select from public.persons p where p.email = lower(p_email)) into is_new;
  person_id := app.person_for(p_email);
  if is_new then
    insert into public.sessions (person_id, token_hash, expires_at)
      values (arrive.person_id, p_session_hash, clock_timestamp() + make_interval(days => p_days));
  end if;
end $$;

-- Inside the couple's new wedding: the invitation is used up and the suppliers it takes with it become known to each other's records; the others it was
-- shown are declined. p_links beside p_taken. False when somebody was quicker.
create function app.take_invitations(p_hash bytea, p_taken uuid[], p_links uuid[], p_shown uuid[], out is_taken boolean, out nudges text[])
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_own public.invitations;
  v_facts jsonb;
begin
  if app.role() <> 'couple' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  select i.* into v_own from public.invitations i where i.token_hash = p_hash and i.ended_at is null and i.expires_at > app.now() for update;
  is_taken := found;
  if not is_taken then return; end if;
  with answered as (
    update public.invitations i
    set state = case when i.id = any (p_taken) then 'joined' else 'declined' end, ended_at = app.now(), next_at = null, opened_at = coalesce(i.opened_at, app.now()),
      wedding_id = case when i.id = any (p_taken) then v_wedding end, link_id = p_links[array_position(p_taken, i.id)]
    where i.id = any (p_shown || v_own.id) and i.couple_index && v_own.couple_index and i.ended_at is null
    returning new as n, old as o),
  known as (
    update public.clients c set wedding_id = v_wedding, link_id = (a.n).link_id from answered a
    where (a.n).state = 'joined' and c.supplier_id = (a.n).supplier_id and c.id = (a.n).client_id and c.link_id is null returning new, old)
  select coalesce((select jsonb_agg(app.invitation_fact('invitation.' || (a.n).state, a.n, a.o)) from answered a), '[]')
    || coalesce((select jsonb_agg(app.client_fact(k.new, k.old)) from known k), '[]') into v_facts;
  insert into public.joins (wedding_id, joined, joined_id, brought_by, brought_by_id, first_supplier_id)
    values (v_wedding, 'couple', v_wedding, 'supplier', v_own.supplier_id, v_own.supplier_id);
  nudges := array(select app.tell_suppliers(v_facts));
end $$;

-- "No, thank you": this one alone.
create function app.decline_invitation(p_hash bytea) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  with declined as (
    update public.invitations i set state = 'declined', ended_at = app.now(), next_at = null, opened_at = coalesce(i.opened_at, app.now())
    where i.token_hash = p_hash and i.ended_at is null returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.declined', d.new, d.old)) into v_facts from declined d;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

-- The reaction to an answered link: a request that an invitation became is answered with it; a supplier whom a couple named and who was not here
-- before has joined, brought by that couple.
create function app.note_link(p_link uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  l public.links;
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'note_link is the system''s'; end if;
  select x.* into l from public.links x where x.wedding_id = app.tenant() and x.id = p_link;
  if l.invited_by = 'couple' and l.status = 'active' then
    insert into public.joins (wedding_id, joined, joined_id, brought_by, brought_by_id, first_supplier_id)
      select l.wedding_id, 'supplier', s.supplier_id, 'couple', l.wedding_id,
        (select j.first_supplier_id from public.joins j where j.wedding_id = l.wedding_id and j.joined = 'couple')
      from public.suppliers s where s.supplier_id = l.supplier_id and s.created_at >= l.created_at
      on conflict (joined, joined_id) do nothing;
  end if;
  with answered as (
    update public.invitations i set state = case l.status when 'active' then 'joined' else 'declined' end, ended_at = app.now()
    where i.link_id = p_link and i.supplier_id = l.supplier_id and i.ended_at is null and l.status in ('active', 'declined', 'revoked') returning new as n, old as o),
  known as (
    update public.clients c set wedding_id = l.wedding_id, link_id = l.id from answered a
    where (a.n).state = 'joined' and c.supplier_id = (a.n).supplier_id and c.id = (a.n).client_id and c.link_id is null returning new, old)
  select coalesce((select jsonb_agg(app.invitation_fact('invitation.' || (a.n).state, a.n, a.o)) from answered a), '[]')
    || coalesce((select jsonb_agg(app.client_fact(k.new, k.old)) from known k), '[]') into v_facts;
  return query select app.tell_suppliers(v_facts);
end $$;

create function app.invitation_addressee(p_id uuid) returns table (supplier_id uuid, supplier_name text, sealed bytea)
language sql stable security definer set search_path = '' as $$
  select i.supplier_id, s.name, i.sealed from public.invitations i join public.suppliers s on s.supplier_id = i.supplier_id where i.id = p_id;
$$;

-- Nobody writes to this address again, whoever asks: open invitations to it end, mails that wait are not sent. A report also counts against the one
-- supplier whose mail it was.
create function app.suppress(p_invitation uuid, p_index bytea, p_reason text, p_id uuid, p_sealed bytea) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_stored bytea;
  v_ended public.invitations[];
  v_facts jsonb;
begin
  -- Between two keys the invitation may still bear the older index.
  select i.couple_index[1] into v_stored from public.invitations i where i.id = p_invitation;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.hold_couple(array[v_stored, p_index]);
  insert into public.mail_suppressions as s (id, address_index, reason, sealed) values (p_id, p_index, p_reason, p_sealed)
    on conflict (address_index) do update set reason = excluded.reason where excluded.reason = 'complained' or s.reason = 'bounced';
  if p_reason in ('opted_out', 'complained') then
    insert into public.mail_consents (address_index, topic, act, method, source)
      values (p_index, 'invitations', 'withdrawn', case p_reason when 'complained' then 'complaint' else 'one_click' end, 'an invitation');
  end if;
  with held as (
    select i.supplier_id, i.id from public.invitations i
    where i.couple_index[1] in (v_stored, p_index) and (i.ended_at is null or i.id = p_invitation) order by i.supplier_id, i.id for update),
  ended as (
    update public.invitations i
    set state = case when i.ended_at is not null then i.state when i.id = p_invitation and p_reason = 'bounced' then 'bounced' else 'suppressed' end,
      ended_at = coalesce(i.ended_at, app.now()), next_at = null,
      reason = case when i.ended_at is null then p_reason else i.reason end,
      complained_at = case when i.id = p_invitation and p_reason = 'complained' then coalesce(i.complained_at, app.now()) else i.complained_at end
    from held h where i.supplier_id = h.supplier_id and i.id = h.id
    returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.ended', e.new, e.old)), array_agg(e.new) into v_facts, v_ended from ended e;
  perform app.end_jobs(array(select j.id from unnest(v_ended) e join public.jobs j on j.id = (e).delivery_id and j.lease_token is null), 'cancelled',
    'the address takes no more invitations');
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

grant execute on function app.hold_couple(bytea[]), app.suppressed(bytea[]), app.last_invited(bytea[]), app.invitation_brake(uuid),
  app.invited_alike(bytea[], uuid), app.owe_invitation(uuid, uuid, bytea, uuid[], interval), app.end_invitation(uuid, text, text),
  app.ask_couple(uuid, text, date), app.invitation_page(bytea), app.note_opened(bytea), app.arrive(text, bytea, text, bytea, integer),
  app.take_invitations(bytea, uuid[], uuid[], uuid[]), app.decline_invitation(bytea), app.note_link(uuid), app.invitation_addressee(uuid),
  app.suppress(uuid, bytea, text, uuid, bytea), app.invitation_image(public.invitations) to wedsync_user;
reset role;

-- 82_invitations_clock.sql
-- Invitations by the clock: mails that are due, what became of those that left, what nobody answered; and the figures of the whole way.
set role wedsync_recorder;

-- One waiting job of a supplier is enough, for it looks at what stands. Whoever's mails rest is left alone.
create function app.poke_invitations(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'invitations.post', 2, d.supplier_id, '00000000-0000-7000-8000-000000000003', '{}'
    from (select distinct i.supplier_id from public.invitations i where i.next_at <= app.now() and i.ended_at is null limit p_limit) d
    where app.invitation_brake(d.supplier_id) is null
      and not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-000000000003' and j.tenant_id = d.supplier_id
        and j.name = 'invitations.post');
  get diagnostics n = row_count;
  return n;
end $$;

-- What the ledger says of mails: taken by the other side, or refused for good, which is a bounce and ends the address for everybody. A mail that ended
-- because no server of ours could send it says nothing of the address: it is due again.
create function app.follow_invitations(p_limit integer default 1000) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', '00000000-0000-7000-8000-000000000000', 'system', 0, 0);
  with told as materialized (
    select i.supplier_id, i.id, d.state, exists (select from public.attempts t where t.delivery_id = d.id and t.made_at >= i.delivery_at
      and t.outcome = 'rejected') as is_refused
    from public.invitations i join public.deliveries d on d.id = i.delivery_id and d.made_at = i.delivery_at
    where i.delivery_id is not null and i.delivered_at is null and i.ended_at is null and d.state in ('delivered', 'dead', 'expired')
    order by i.supplier_id, i.id limit p_limit for update of i skip locked),
  followed as (
    update public.invitations i
    set delivered_at = case when t.state = 'delivered' then app.now() end,
      state = case when t.is_refused and t.state = 'dead' then 'bounced' when t.state <> 'delivered' and i.mails = 1 then 'queued' else i.state end,
      ended_at = case when t.is_refused and t.state = 'dead' then app.now() end,
      reason = case when t.is_refused and t.state = 'dead' then 'bounced' else i.reason end,
      mails = case when t.state = 'delivered' or t.is_refused then i.mails else i.mails - 1 end,
      delivery_id = case when t.state = 'delivered' or t.is_refused then i.delivery_id end,
      delivery_at = case when t.state = 'delivered' or t.is_refused then i.delivery_at end,
      sent_at = case when t.state = 'delivered' or t.is_refused or i.mails > 1 then i.sent_at end,
      reminded_at = case when t.state = 'delivered' or t.is_refused then i.reminded_at end,
      next_at = case when t.state = 'delivered' then i.next_at when not t.is_refused then app.now() end
    from told t where i.supplier_id = t.supplier_id and i.id = t.id
    returning case new.state when 'bounced' then 'invitation.ended' else 'invitation.delivered' end as type, t.state as went, new, old),
  kept as (
    insert into public.mail_suppressions (address_index, reason)
    select distinct (f.new).couple_index[1], 'bounced' from followed f where (f.new).state = 'bounced'
    on conflict (address_index) do nothing)
  select jsonb_agg(app.invitation_fact(case when f.went = 'delivered' or f.type = 'invitation.ended' then f.type else 'invitation.queued' end, f.new, f.old))
    into v_facts from followed f;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

create function app.expire_invitations(p_limit integer default 1000) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', '00000000-0000-7000-8000-000000000000', 'system', 0, 0);
  with due as (
    select i.supplier_id, i.id from public.invitations i where i.expires_at <= app.now() and i.ended_at is null
    order by i.supplier_id, i.id limit p_limit for update skip locked),
  ended as (
    update public.invitations i set state = 'expired', ended_at = app.now(), next_at = null from due d
    where i.supplier_id = d.supplier_id and i.id = d.id returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.ended', e.new, e.old)) into v_facts from ended e;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

-- The way of the entered supplier's clients: each counted once, by the farthest it came.
create function app.invitation_funnel()
returns table (clients integer, invited integer, delivered integer, opened integer, joined integer, second_supplier integer, suppliers_joined integer,
  waiting integer, declined integer, bounced integer, complained integer, brake text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'member', 'system') then raise insufficient_privilege using message = 'the figures are the supplier''s'; end if;
  return query
    with mine as (
      select i.client_id, bool_or(i.sent_at is not null) as sent, bool_or(i.delivered_at is not null or i.opened_at is not null or i.state = 'joined') as arrived,
        bool_or(i.opened_at is not null or i.state = 'joined') as seen, bool_or(i.state = 'joined') as came, bool_or(i.state = 'queued') as waits,
        bool_or(i.state = 'declined') as refused, bool_or(i.state = 'bounced') as returned, bool_or(i.complained_at is not null) as reported
      from public.invitations i where i.supplier_id = app.tenant() group by i.client_id),
    weddings as (
      select j.wedding_id from public.joins j
      where j.first_supplier_id = app.tenant() and j.joined = 'couple'),
    sums as (
      select count(*) filter (where m.sent)::integer, count(*) filter (where m.arrived)::integer, count(*) filter (where m.seen)::integer,
        count(*) filter (where m.came)::integer, count(*) filter (where m.waits)::integer, count(*) filter (where m.refused)::integer,
        count(*) filter (where m.returned)::integer, count(*) filter (where m.reported)::integer from mine m)
    select (select count(*)::integer from public.clients c where c.supplier_id = app.tenant()), s.sent, s.arrived, s.seen, s.came,
      (select count(*)::integer from weddings w where exists (select from public.links l where l.wedding_id = w.wedding_id and l.status = 'active'
        and l.supplier_id <> app.tenant())),
      (select count(*)::integer from public.joins j where j.first_supplier_id = app.tenant() and j.joined = 'supplier'),
      s.waits, s.refused, s.returned, s.reported, app.invitation_brake(app.tenant())
    from sums as s(sent, arrived, seen, came, waits, refused, returned, reported);
end $$;

grant execute on function app.invitation_funnel() to wedsync_user;
grant execute on function app.poke_invitations(integer), app.follow_invitations(integer), app.expire_invitations(integer) to wedsync_service;
reset role;

-- 83_consents.sql
-- Who agreed to mails that offer something, and who takes no more of them: a ledger, and the one question that is asked of it before any such mail.
-- Home: the platform, for an address may be known to many. What concerns somebody's own wedding is no offer and asks nobody.
set role wedsync_owner;
create table public.mail_consents (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' check (tenant_id = '00000000-0000-7000-8000-000000000000'),
  address_index bytea not null check (length(address_index) = 16),
  supplier_id uuid,
  topic text not null check (topic in ('invitations', 'journeys', 'marketing', 'all')),
  act text not null check (act in ('given', 'withdrawn')),
  method text not null check (method in ('page', 'one_click', 'api', 'import', 'provider', 'complaint')),
  wording text not null default '' check (length(wording) <= 1000),
  source text not null default '' check (length(source) <= 300),
  sealed bytea,
  made_at timestamptz not null default clock_timestamp()
);
comment on table public.mail_consents is 'Consent to mails that offer something, and its withdrawal, to which words, how and whence: only ever added to';
comment on column public.mail_consents.supplier_id is 'From whom; null = from everybody';
comment on column public.mail_consents.sealed is 'The address, only so that the index can follow a new key';
create index mail_consents_address on public.mail_consents (address_index, made_at);
call app.protect('public.mail_consents', 'tenant_id', 'false', null);
grant insert, update on public.mail_consents to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- One line more. Only its owner takes a withdrawal back, on a page; what others bring along never does.
create function app.note_mail_consent(p_id uuid, p_index bytea, p_sealed bytea, p_supplier uuid, p_topic text, p_act text, p_method text, p_wording text,
  p_source text) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.mail_consents (id, address_index, sealed, supplier_id, topic, act, method, wording, source)
    values (p_id, p_index, p_sealed, p_supplier, p_topic, p_act, p_method, p_wording, p_source);
$$;

-- Which of these addresses get no such mail of this supplier, and why; the most restrictive word wins. p: [{n, index: [hex, by every key]}].
create function app.mail_refusals(p jsonb, p_topic text, p_supplier uuid) returns table (n integer, reason text)
language sql stable security definer set search_path = '' as $$
  with asked as (
    select (f.x ->> 'n')::integer as n, array(select decode(i, 'hex') from jsonb_array_elements_text(f.x -> 'index') as i) as index
    from jsonb_array_elements(p) as f(x)),
  judged as (
    select a.n, coalesce(
      (select s.reason from public.mail_suppressions s where s.address_index = any (a.index)
        and (s.covers = 'all' or s.reason = 'complained' or p_topic in ('invitations', 'marketing')) limit 1),
      (select 'withdrawn' from public.mail_consents w where w.address_index = any (a.index) and w.act = 'withdrawn' and w.topic in (p_topic, 'all')
        and (w.supplier_id is null or w.supplier_id = p_supplier)
        and not exists (select from public.mail_consents g where g.address_index = any (a.index) and g.act = 'given' and g.method = 'page'
          and g.topic in (p_topic, 'all') and g.supplier_id is not distinct from w.supplier_id and g.made_at > w.made_at) limit 1),
      case when p_topic = 'marketing' and not exists (select from public.mail_consents g where g.address_index = any (a.index) and g.act = 'given'
        and g.topic in ('marketing', 'all') and (g.supplier_id is null or g.supplier_id = p_supplier)) then 'never_given' end) as reason
    from asked a)
  select j.n, j.reason from judged j where j.reason is not null;
$$;

grant execute on function app.note_mail_consent(uuid, bytea, bytea, uuid, text, text, text, text, text), app.mail_refusals(jsonb, text, uuid)
  to wedsync_user;
reset role;

-- 83_deciding.sql
-- Telling people: how each of them can be reached now, what is put into their inboxes and kept of the decision, and what is told later.
set role wedsync_owner;
create table public.wedding_choices (
  wedding_id uuid primary key references public.weddings on delete cascade,
  id uuid generated always as (wedding_id) stored,
  choices jsonb not null default '{}' check (jsonb_typeof(choices) = 'object' and length(choices::text) <= 4000),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.wedding_choices is 'What the couple chose for everybody at their wedding who did not choose: kind of notice -> channel -> now, digest or off';
create trigger bump before update on public.wedding_choices for each row execute function app.bump();
call app.protect('public.wedding_choices', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.inbox to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- How each of these people can be told now of a fact of the entered wedding. Their rows are locked in one order until the decision is in, so that
-- two facts at once do not both take the last place in somebody's hour. Who was decided on before is not asked about again.
create function app.reach_of(p_event uuid, p_people uuid[])
returns table (person_id uuid, channels jsonb, choices jsonb, weddings jsonb, zone text, quiet_from time, quiet_until time, digest_at time,
  sent_at timestamptz[], waiting_until timestamptz, wedding_choices jsonb, is_live boolean, live_from timestamptz, at timestamptz,
  takes_texts boolean, is_stopped boolean, locale text)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'reach_of is the system''s'; end if;
  insert into public.reaches (person_id) select x from unnest(p_people) x order by x on conflict do nothing;
  perform from public.reaches r where r.person_id = any (p_people) order by r.person_id for update;
  return query
    select r.person_id, f.channels, f.choices, f.weddings, f.zone, f.quiet_from, f.quiet_until, f.digest_at, r.sent_at,
      (select min(h.due_at) from public.held_notices h where h.person_id = r.person_id and h.reason = 'limit' and h.ended_at is null),
      (select c.choices from public.wedding_choices c where c.wedding_id = app.tenant()),
      exists (select from public.wedding_days d where d.wedding_id = app.tenant() and app.now() between d.live_from and d.live_until),
      (select min(d.live_from) from public.wedding_days d where d.wedding_id = app.tenant() and d.live_from > app.now()), app.now(),
      coalesce(h.state = 'verified' and h.takes_texts, false), coalesce(app.is_stopped(h.number_index), false), f.locale
    from public.reaches r left join public.preferences f on f.person_id = r.person_id
    left join public.phones h on h.person_id = r.person_id
    where r.person_id = any (p_people)
      and not exists (select from public.decisions d where d.person_id = r.person_id and d.event_id = p_event);
end $$;

-- What a person has not read and not seen, counted anew; the fact of it, or null where it is as it was. The stream is locked by then.
create function app.count_inbox(p_person uuid) returns jsonb
language sql volatile set search_path = '' as $$
  with counted as (
    select count(*)::integer as unread, count(*) filter (where i.seen_at is null)::integer as unseen
    from public.inbox i where i.person_id = p_person and i.read_at is null and i.archived_at is null),
  kept as (
    insert into public.inbox_counts as c (person_id, unread, unseen) select p_person, n.unread, n.unseen from counted n
    on conflict (person_id) do update set unread = excluded.unread, unseen = excluded.unseen
      where (c.unread, c.unseen) is distinct from (excluded.unread, excluded.unseen)
    returning new.id, to_jsonb(new) as record, case when old.person_id is null then null else to_jsonb(old) end as old_record)
  select jsonb_build_object('type', 'inbox.counted', 'scope', 512, 'table', 'inbox_counts', 'id', k.id,
    'op', case when k.old_record is null then 'INSERT' else 'UPDATE' end, 'record', k.record, 'old', k.old_record) from kept k;
$$;

-- In-app notices: rows of other persons' inboxes, each in its own stream, in sorted order; once per (person, event). With them, where it was
-- decided, the decision of each person, what is told later, and that somebody was told: one statement each for all of them.
-- p: [{person_id, event_id, type, title, detail, href, occurred_at, category, severity, outcomes, trace, at, counts, held: [...]}].
-- Their streams are locked in one order and written in one statement, for thirteen suppliers are told at once: one by one this cost four times as
-- much. Facts of an inbox owe nothing: no reaction is of them, and a person has no endpoints.
create function app.put_notices(p jsonb) returns setof text
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
  v_home uuid := app.tenant();
  v_at timestamptz := clock_timestamp();
  v_cause uuid := coalesce(nullif(current_setting('app.cause', true), '')::uuid, uuidv7());
  v_people uuid[] := array(select distinct (f.x ->> 'person_id')::uuid from jsonb_array_elements(p) as f(x));
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'put_notices is the system''s'; end if;
  perform from public.streams s where s.id = any (v_people) order by s.id for update;
  with put as (
    insert into public.inbox as i (person_id, event_id, stream_id, type, title, detail, href, occurred_at, category, severity)
      select (f.x ->> 'person_id')::uuid, (f.x ->> 'event_id')::uuid, v_home, f.x ->> 'type', f.x ->> 'title', f.x ->> 'detail', f.x ->> 'href',
        (f.x ->> 'occurred_at')::timestamptz, coalesce(f.x ->> 'category', 'account'), coalesce(f.x ->> 'severity', 'normal')
      from jsonb_array_elements(p) with ordinality as f(x, n) order by f.n
      on conflict (person_id, event_id) do nothing
      returning i.person_id, i.id, to_jsonb(i) as record)
  select jsonb_agg(jsonb_build_object('type', 'notice.added', 'scope', 512, 'table', 'inbox', 'id', u.id, 'op', 'INSERT', 'record', u.record,
    'person', u.person_id) order by u.id) into v_facts from put u;
  if v_facts is not null then
    v_facts := v_facts || coalesce((select jsonb_agg(c.fact || jsonb_build_object('person', c.person)) from (
      select w.person, app.count_inbox(w.person) as fact
      from (select distinct (f.x ->> 'person')::uuid as person from jsonb_array_elements(v_facts) as f(x)) w) c where c.fact is not null), '[]');
    return query select t.nudge from app.tell_people(v_facts, v_at, v_cause) as t(nudge);
  end if;
  perform app.keep_decisions(v_home, p);
end $$;

-- Facts of inboxes into the streams of their persons, which are locked: one statement for all of them. Returns the nudges.
create function app.tell_people(v_facts jsonb, v_at timestamptz, v_cause uuid) returns setof text
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
begin
  return query
      with written as (
        insert into public.events (stream_id, seq, recorded_at, id, epoch, type, scope, subject_table, subject_id, op, record, old_record, actor_kind,
          actor_id, cause, occurred_at)
        select s.id, s.top + row_number() over (partition by s.id order by f.n), v_at, uuidv7(), s.epoch, f.x ->> 'type', 512, f.x ->> 'table',
          (f.x ->> 'id')::uuid, f.x ->> 'op', nullif(f.x -> 'record', 'null'), nullif(f.x -> 'old', 'null'), app.actor_kind(), app.actor(), v_cause, v_at
        from jsonb_array_elements(v_facts) with ordinality as f(x, n) join public.streams s on s.id = (f.x ->> 'person')::uuid
        returning events)
      select jsonb_agg(app.event_json(w.events, 'person') order by (w.events).seq)::text from written w group by (w.events).stream_id;
    update public.streams s set top = s.top + c.n
      from (select (f.x ->> 'person')::uuid as person, count(*) as n from jsonb_array_elements(v_facts) as f(x) group by 1) c where s.id = c.person;
end $$;

-- What somebody did about their notices in another place: these of the entered wedding are acted on, which is read. By a pass of a link that has one
-- person it was that person; of more, nobody knows who.
create function app.act_notices(p_person uuid, p_link uuid, p_event uuid, p_alert uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_home uuid := app.tenant();
  v_now timestamptz := app.now();
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'act_notices is the system''s'; end if;
  if p_person is null then
    select min(m.person_id::text)::uuid into p_person from public.links l
      join public.supplier_members m on m.supplier_id = l.supplier_id and m.removed_at is null
      where l.wedding_id = v_home and l.id = p_link having count(*) = 1;
  end if;
  perform from public.streams s where s.id = p_person for update;
  with done as (
    update public.inbox i
    set delivered_at = coalesce(i.delivered_at, v_now), seen_at = coalesce(i.seen_at, v_now), read_at = coalesce(i.read_at, v_now), acted_at = v_now
    where i.person_id = p_person and i.stream_id = v_home and i.acted_at is null and (i.event_id = p_event
      or i.event_id in (select e.id from public.events e where e.stream_id = v_home and e.subject_table = 'alerts' and e.subject_id = p_alert))
    returning new.id, to_jsonb(new) as record, to_jsonb(old) as before)
  select jsonb_agg(jsonb_build_object('type', 'notice.marked', 'scope', 512, 'table', 'inbox', 'id', d.id, 'op', 'UPDATE', 'record', d.record,
    'old', d.before, 'person', p_person) order by d.id) into v_facts from done d;
  if v_facts is null then return; end if;
  v_facts := v_facts || coalesce((select jsonb_build_array(c.fact || jsonb_build_object('person', p_person))
    from (select app.count_inbox(p_person) as fact) c where c.fact is not null), '[]');
  return query select t.nudge from app.tell_people(v_facts, clock_timestamp(), coalesce(nullif(current_setting('app.cause', true), '')::uuid, uuidv7()))
    as t(nudge);
end $$;

create function app.keep_decisions(p_stream uuid, p jsonb) returns void
language sql volatile set search_path = '' as $$
  with told as materialized (
    select (f.x ->> 'person_id')::uuid as person_id, (f.x ->> 'event_id')::uuid as event_id, (f.x ->> 'at')::timestamptz as at, f.x
    from jsonb_array_elements(p) as f(x) where f.x ? 'outcomes'),
  kept as (
    insert into public.decisions (person_id, event_id, stream_id, type, title, category, severity, outcomes, trace, decided_at)
    select t.person_id, t.event_id, p_stream, t.x ->> 'type', t.x ->> 'title', t.x ->> 'category', t.x ->> 'severity', t.x -> 'outcomes',
      t.x -> 'trace', t.at from told t),
  counted as (
    update public.reaches r set sent_at = array(select s from unnest(r.sent_at) s where s > t.at - interval '1 hour') || t.at
    from told t where r.person_id = t.person_id and (t.x -> 'counts')::boolean)
  insert into public.held_notices (person_id, event_id, channel, stream_id, link_id, scope, pass_id, reason, couple, title, before, after, href,
    severity, due_at, stale_at, held_at)
  select t.person_id, t.event_id, h.x ->> 'channel', p_stream, (h.x ->> 'link_id')::uuid, (h.x ->> 'scope')::integer, (h.x ->> 'pass_id')::uuid,
    h.x ->> 'reason', h.x ->> 'couple', h.x ->> 'title', h.x ->> 'before', h.x ->> 'after', t.x ->> 'href', t.x ->> 'severity',
    (h.x ->> 'due_at')::timestamptz, (h.x ->> 'stale_at')::timestamptz, t.at
  from told t, jsonb_array_elements(t.x -> 'held') as h(x);
$$;

-- Marks of one's own notices: seen, read (which is seen), unread, acted (which is read), archived, restored. Newest first, 200 at a time: these, or
-- with p_until all that are not newer. The last row is of the counts, where they changed.
create function app.mark_notices(p_ids uuid[], p_until uuid, p_as text)
returns table (id uuid, subject text, record jsonb, old_record jsonb)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_at timestamptz := app.now();
  v_counts jsonb;
begin
  if app.role() <> 'self' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform from public.streams s where s.id = app.tenant() for update;
  return query
    update public.inbox i set
      delivered_at = coalesce(i.delivered_at, v_at),
      seen_at = case when p_as in ('seen', 'read', 'acted', 'archived') then coalesce(i.seen_at, v_at) else i.seen_at end,
      read_at = case when p_as in ('read', 'acted') then coalesce(i.read_at, v_at) when p_as = 'unread' then null else i.read_at end,
      acted_at = case when p_as = 'acted' then coalesce(i.acted_at, v_at) else i.acted_at end,
      archived_at = case when p_as = 'archived' then coalesce(i.archived_at, v_at) when p_as in ('restored', 'unread') then null else i.archived_at end
    where i.id in (select n.id from public.inbox n where n.person_id = app.tenant() and (n.id = any (p_ids) or n.id <= p_until)
        and case p_as when 'delivered' then n.delivered_at is null when 'seen' then n.seen_at is null when 'read' then n.read_at is null
          when 'unread' then n.read_at is not null or n.archived_at is not null when 'acted' then n.acted_at is null
          when 'archived' then n.archived_at is null when 'restored' then n.archived_at is not null end
        order by n.id desc limit 200)
    returning new.id, 'inbox', to_jsonb(new), to_jsonb(old);
  if not found then return; end if;
  v_counts := app.count_inbox(app.tenant());
  if v_counts is not null then
    return query select (v_counts ->> 'id')::uuid, 'inbox_counts', v_counts -> 'record', nullif(v_counts -> 'old', 'null');
  end if;
end $$;

-- Where one's own inbox stands: its counts, and how far its stream has come.
create function app.inbox_state() returns table (unread integer, unseen integer, epoch integer, seq bigint)
language sql stable security definer set search_path = '' as $$
  select coalesce(c.unread, 0), coalesce(c.unseen, 0), s.epoch, s.top
  from public.streams s left join public.inbox_counts c on c.person_id = s.id
  where s.id = app.tenant() and app.role() = 'self';
$$;

-- How many notices whoever acts has not read, wherever they are: for the frame of every page.
create function app.my_unread() returns integer language sql stable security definer set search_path = ''
  return coalesce((select c.unread from public.inbox_counts c where c.person_id = app.actor() and app.actor_kind() in ('person', 'key')), 0);

-- What waited and is due becomes a digest of each person and channel; it takes one place in the person's hour, and waits for one. What nobody is
-- helped by any more, or whose link no longer holds it, ends here. For the clock; by person, so that what one cannot be told keeps back nobody.
create function app.make_digests() returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
  v_now timestamptz := app.now();
  v_recent timestamptz[];
  v_facts jsonb;
begin
  for r in select distinct h.person_id from public.held_notices h where h.ended_at is null and h.due_at <= v_now order by 1 limit 500 loop
    select array(select s from unnest(x.sent_at) s where s > v_now - interval '1 hour' order by s) into v_recent
      from public.reaches x where x.person_id = r.person_id for update skip locked;
    continue when not found;
    perform app.end_held(r.person_id, v_now);
    if cardinality(v_recent) >= 7 then
      update public.held_notices h set due_at = v_recent[cardinality(v_recent) - 6] + interval '1 hour'
        where h.person_id = r.person_id and h.ended_at is null and h.due_at <= v_now;
      continue;
    end if;
    perform app.settle(null, 'system', r.person_id, 'system', 2047, 2047);
    with due as (
      update public.held_notices h set ended_at = v_now, ended = 'sent'
      where h.person_id = r.person_id and h.ended_at is null
        and (h.due_at <= v_now or h.reason in (select o.reason from public.held_notices o
          where o.person_id = h.person_id and o.channel = h.channel and o.reason = 'limit' and o.ended_at is null and o.due_at <= v_now))
      returning h.*),
    made as (
      insert into public.digests (person_id, channel, items, made_at)
      select d.person_id, d.channel, jsonb_agg(jsonb_build_object('event_id', d.event_id, 'couple', d.couple, 'title', d.title, 'before', d.before,
        'after', d.after, 'href', d.href, 'severity', d.severity, 'pass_id', d.pass_id, 'wedding_id', d.stream_id, 'link_id', d.link_id,
        'scope', d.scope) order by d.held_at, d.event_id), v_now
      from due d group by d.person_id, d.channel
      returning id, to_jsonb(digests) as record)
    select jsonb_agg(jsonb_build_object('type', 'digest.made', 'scope', 512, 'table', 'digests', 'id', m.id, 'op', 'INSERT', 'record', m.record))
      into v_facts from made m;
    if v_facts is not null then
      update public.reaches x set sent_at = v_recent || v_now where x.person_id = r.person_id;
      return next app.record(v_facts);
    end if;
  end loop;
end $$;

-- Whether a link that something was held for may still see it; what is of no link is the couple's own.
create function app.link_sees(p_wedding uuid, p_link uuid, p_scope integer) returns boolean
language sql stable set search_path = '' as $$
  select p_link is null or exists (select from public.links l where l.wedding_id = p_wedding and l.id = p_link and l.status = 'active'
    and (p_scope = 0 or l.mask & p_scope <> 0));
$$;

-- The same of all that a digest tells: asked at the last moment, when a worker has it in its hand.
create function app.digest_stands(p_digest jsonb) returns boolean
language sql stable set search_path = '' as $$
  select coalesce(bool_and(app.link_sees((i.x ->> 'wedding_id')::uuid, (i.x ->> 'link_id')::uuid, (i.x ->> 'scope')::integer)), true)
  from jsonb_array_elements(p_digest -> 'items') as i(x);
$$;

create function app.end_held(p_person uuid, p_now timestamptz) returns void
language sql volatile set search_path = '' as $$
  update public.held_notices h set ended_at = p_now, ended = case when h.stale_at <= p_now then 'stale' else 'revoked' end
  where h.person_id = p_person and h.ended_at is null and (h.stale_at <= p_now
    or not exists (select from app.standing(h.person_id, h.stream_id))
    or not app.link_sees(h.stream_id, h.link_id, h.scope));
$$;

-- What was decided so long ago that nobody asks any more.
create function app.forget_decisions(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_before timestamptz := app.now() - make_interval(days => p_days);
  v integer;
begin
  delete from public.held_notices h where h.ended_at < v_before;
  delete from public.digests d where d.made_at < v_before;
  delete from public.decisions d where d.decided_at < v_before;
  get diagnostics v = row_count;
  return v;
end $$;

-- An event as its reader sees it, for those who ask why they were (not) told of it.
grant execute on function app.event_json(public.events, text) to wedsync_user;
grant execute on function app.reach_of(uuid, uuid[]), app.put_notices(jsonb), app.act_notices(uuid, uuid, uuid, uuid), app.mark_notices(uuid[], uuid, text), app.inbox_state(), app.my_unread()
  to wedsync_user;
grant execute on function app.make_digests(), app.forget_decisions(integer) to wedsync_service;
reset role;

-- 83_mailing.sql
-- Mail of the platform: the health of its providers, what they say of mails, and whom nobody writes to.
set role wedsync_recorder;

-- The chain of this installation, first to last. Who is not named sends no more.
create function app.name_mail_providers(p_names text[]) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.mail_providers as m (name, position)
    select n.name, n.position from unnest(p_names) with ordinality as n(name, position) order by n.name
    on conflict (name) do update set position = excluded.position where m.position is distinct from excluded.position;
  update public.mail_providers m set position = null where m.name <> all (p_names) and m.position is not null;
$$;

create function app.mail_health() returns table (name text, health text)
language sql stable security definer set search_path = '' as $$
  select m.name, m.health::text from public.mail_providers m where m.position is not null;
$$;

-- One provider's health, to be judged anew and kept in the same transaction.
create function app.hold_mail_provider(p_name text) returns text
language sql volatile security definer set search_path = '' as $$
  select m.health::text from public.mail_providers m where m.name = p_name for update;
$$;

-- Its health after a result. That it went down or came back is told, each once. Returns the nudge of that.
create function app.keep_mail_provider(p_name text, p_health text, p_is_down boolean, p_reason text, p_is_good boolean, p_is_probe boolean, p_took_ms real)
returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v record;
  v_old public.mail_providers;
  v_new public.mail_providers;
begin
  update public.mail_providers m
  set health = p_health::jsonb, is_down = p_is_down, reason = p_reason,
    changed_at = case when m.is_down <> p_is_down then clock_timestamp() else m.changed_at end,
    succeeded_at = case when p_is_good and not p_is_probe then clock_timestamp() else m.succeeded_at end,
    failed_at = case when not p_is_good then clock_timestamp() else m.failed_at end,
    probed_at = case when p_is_probe then clock_timestamp() else m.probed_at end,
    took_ms = coalesce(p_took_ms, m.took_ms)
  where m.name = p_name returning old as o, new as n into v;
  if not found then return; end if;
  v_old := v.o;
  v_new := v.n;
  if v_old.is_down = v_new.is_down then return; end if;
  perform app.settle(null, 'system', v_new.tenant_id, 'system', 2047, 2047);
  return next app.record(jsonb_build_array(jsonb_build_object('type', 'mail_provider.' || case when v_new.is_down then 'failed' else 'recovered' end,
    'scope', 1, 'table', 'mail_providers', 'id', v_new.id, 'op', 'UPDATE',
    'record', to_jsonb(v_new) - 'health', 'old', to_jsonb(v_old) - 'health')));
end $$;

-- Whether one of these indexes (of one address, by every key) takes no mail at all, and why.
create function app.mail_refused(p_index bytea[]) returns text
language sql stable security definer set search_path = '' as $$
  select s.reason from public.mail_suppressions s where s.address_index = any (p_index) and s.covers = 'all' limit 1;
$$;

-- Another provider than the first took it. What hooks say of it meanwhile stays.
create function app.note_mail_failover(p_delivery uuid, p_tenant uuid, p_provider text, p_is_possible_duplicate boolean) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.mail_statuses as s (delivery_id, tenant_id, provider, status, rank, is_failed_over, is_possible_duplicate, at)
    values (p_delivery, p_tenant, p_provider, 'accepted', 1, true, p_is_possible_duplicate, clock_timestamp())
    on conflict (delivery_id) do update set is_failed_over = true, is_possible_duplicate = s.is_possible_duplicate or excluded.is_possible_duplicate;
$$;

-- What a provider said of mails: p is [{event, delivery, status, rank, at, detail, reason, key, sealed, suppression}]. A saying counts once; of a mail
-- the highest rank stands. Where `reason` is given the address (`key`) is over, for all mail, in this transaction. Returns nudges; a mail that is
-- not ours says nothing.
create function app.take_mail_events(p_provider text, p text) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  e record;
begin
  for e in
    with said as (
      select x.*, d.tenant_id, d.type, d.recipient_id
      from jsonb_to_recordset(p::jsonb) as x(event text, delivery uuid, status text, rank smallint, at timestamptz, detail text, reason text, key text,
        sealed text, suppression uuid)
      cross join lateral (select d.tenant_id, d.type, d.recipient_id from public.deliveries d where d.id = x.delivery limit 1) d),
    kept as (
      insert into public.mail_events (tenant_id, provider, event_id, delivery_id, status, detail, at)
      select s.tenant_id, p_provider, s.event, s.delivery, s.status, coalesce(s.detail, ''), s.at from said s order by s.event
      on conflict (provider, event_id) do nothing returning event_id),
    fresh as (select distinct on (s.event) s.* from said s join kept k on k.event_id = s.event order by s.event),
    risen as (
      insert into public.mail_statuses as m (delivery_id, tenant_id, provider, status, rank, at)
      select distinct on (f.delivery) f.delivery, f.tenant_id, p_provider, f.status, f.rank, f.at from fresh f order by f.delivery, f.rank desc
      on conflict (delivery_id) do update set status = excluded.status, rank = excluded.rank, at = excluded.at, provider = excluded.provider
        where excluded.rank > m.rank)
    select f.type, f.recipient_id, f.reason, decode(f.key, 'hex') as key, decode(f.sealed, 'hex') as sealed, f.suppression
    from fresh f where f.reason is not null order by f.key
  loop
    if e.type = 'invitation.sent' and exists (select from public.invitations i where i.id = e.recipient_id) then
      return query select app.suppress(e.recipient_id, e.key, e.reason, e.suppression, e.sealed);
    end if;
    insert into public.mail_suppressions as s (id, address_index, reason, covers, sealed) values (e.suppression, e.key, e.reason, 'all', e.sealed)
      on conflict (address_index) do update set covers = 'all', sealed = coalesce(s.sealed, excluded.sealed),
        reason = case when excluded.reason = 'complained' or s.reason = 'bounced' then excluded.reason else s.reason end;
  end loop;
end $$;

-- The operator was told that an address takes mail after all. What its owner asked for, or reported, still holds for invitations.
create function app.lift_mail_suppression(p_index bytea[]) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  if app.role() <> 'operator' then raise insufficient_privilege using message = 'lift_mail_suppression is the operator''s'; end if;
  with lifted as (
    update public.mail_suppressions s set covers = 'invitations' where s.address_index = any (p_index) and s.covers = 'all' returning s.id, s.reason)
  select count(*) into n from lifted;
  delete from public.mail_suppressions s where s.address_index = any (p_index) and s.covers = 'invitations' and s.reason = 'bounced' and n > 0;
  return n;
end $$;

-- For the operator: what became of the mails that anything is known of, since a time.
create function app.mail_figures(p_since timestamptz)
returns table (mails integer, delivered integer, delayed integer, failed integer, bounced integer, complained integer, failed_over integer,
  possible_duplicates integer, suppressed_addresses integer)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'operator' then raise insufficient_privilege using message = 'the figures are the operator''s'; end if;
  return query
    select count(*)::integer, count(*) filter (where s.status in ('delivered', 'opened'))::integer, count(*) filter (where s.status = 'delayed')::integer,
      count(*) filter (where s.status in ('failed', 'suppressed'))::integer, count(*) filter (where s.status = 'bounced')::integer,
      count(*) filter (where s.status = 'complained')::integer, count(*) filter (where s.is_failed_over)::integer,
      count(*) filter (where s.is_possible_duplicate)::integer,
      (select count(*)::integer from public.mail_suppressions x where x.covers = 'all')
    from public.mail_statuses s where s.at >= p_since;
end $$;

-- The probe is owed: of whom nothing was heard for four minutes, and every twenty seconds of who is down. One waiting job is enough.
create function app.poke_mail_probes() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'mail.probe', 1, '00000000-0000-7000-8000-000000000000', '00000000-0000-7000-8000-000000000003', '{}'
    where exists (select from public.mail_providers m where m.position is not null and case when m.is_down
        then greatest(m.probed_at, m.changed_at) < clock_timestamp() - interval '20 seconds'
        else coalesce(greatest(m.probed_at, m.succeeded_at), '-infinity') < clock_timestamp() - interval '4 minutes' end)
      and not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-000000000003'
        and j.tenant_id = '00000000-0000-7000-8000-000000000000' and j.name = 'mail.probe');
  get diagnostics n = row_count;
  return n;
end $$;

create function app.forget_mail_events(p_days integer, p_limit integer default 5000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.mail_events e where e.id in (select o.id from public.mail_events o
    where o.received_at < clock_timestamp() - make_interval(days => p_days) order by o.received_at limit p_limit);
  get diagnostics n = row_count;
  delete from public.mail_statuses s where s.delivery_id in (select o.delivery_id from public.mail_statuses o
    where o.at < clock_timestamp() - make_interval(days => p_days) order by o.at limit p_limit);
  return n;
end $$;

grant execute on function app.take_mail_events(text, text), app.lift_mail_suppression(bytea[]), app.mail_figures(timestamptz) to wedsync_user;
grant execute on function app.name_mail_providers(text[]), app.mail_health(), app.hold_mail_provider(text),
  app.keep_mail_provider(text, text, boolean, text, boolean, boolean, real), app.mail_refused(bytea[]),
  app.note_mail_failover(uuid, uuid, text, boolean), app.poke_mail_probes(), app.forget_mail_events(integer, integer) to wedsync_service;
reset role;

-- 83_phones.sql
-- What the system does with phones: whom it may text, what became of it, what was answered.
set role wedsync_owner;
-- Texts and calls wait for their own provider, so that one that is away keeps no mail waiting.
alter table public.destinations no force row level security;
insert into public.destinations (id, tenant_id, connector, max_in_flight) values
  ('00000000-0000-7000-8000-000000000009', '00000000-0000-7000-8000-000000000000', 'twilio', 16);
alter table public.destinations force row level security;
reset role;

set role wedsync_recorder;

create function app.is_stopped(p_number bytea) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from public.phone_stops s where s.number_index = p_number and s.lifted_at is null);
$$;

-- Answered by text or call, or confirmed in another way meanwhile.
create function app.is_answered(m public.phone_messages) returns boolean
language sql stable set search_path = '' as $$
  select m.answered_at is not null or exists (select from public.acknowledgements a where a.wedding_id = m.tenant_id and a.link_id = m.link_id
    and a.event_id = m.event_id and a.status = 'acknowledged')
    or exists (select from public.events e join public.alerts a on a.wedding_id = e.stream_id and a.id = e.subject_id
      where e.stream_id = m.tenant_id and e.id = m.event_id and e.subject_table = 'alerts' and a.state <> 'triggered');
$$;

-- Asked at the last moment, when a worker has the text in its hand: null, or why it may not leave.
create function app.unphoned(p_message uuid) returns text
language sql stable set search_path = '' as $$
  select case when m.id is null then 'cancelled:nothing is known of this text'
    when app.is_stopped(m.number_index) then 'revoked:the person wants no texts and calls'
    when m.event_id is not null and not exists (select from public.phones p where p.person_id = m.person_id and p.number_index = m.number_index
      and p.state = 'verified' and case m.kind when 'text' then p.takes_texts else p.takes_calls end) then 'revoked:the person takes these no more'
    when app.is_answered(m) then 'cancelled:it was answered already' end
  from (select p_message as wanted) w left join public.phone_messages m on m.id = w.wanted;
$$;

-- A code to the number that the entered person gave: the text alone, for minutes.
create function app.owe_code(p_phone uuid, p_delivery uuid, p_sealed bytea, p_minutes integer) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_until timestamptz := clock_timestamp() + make_interval(mins => p_minutes);
  v_person uuid := app.tenant();
begin
  if app.role() <> 'self' then raise insufficient_privilege using message = 'a code is asked for by the person'; end if;
  -- A code that counts no more is not texted after the one that does.
  perform app.end_jobs(array(select j.id from public.phone_messages m join public.jobs j on j.id = m.id and j.lease_token is null
    where m.person_id = v_person and m.tenant_id = v_person and m.event_id is null), 'cancelled', 'a newer code took its place');
  insert into public.phone_messages (id, tenant_id, made_at, person_id, number_index, kind)
    select p_delivery, v_person, v_at, v_person, p.number_index, 'text' from public.phones p where p.person_id = v_person and p.id = p_phone;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, v_person, 'twilio', '00000000-0000-7000-8000-000000000009', 'phone.code', 'person', v_person, p_sealed, 0, v_until);
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'twilio', 0, v_person, '00000000-0000-7000-8000-000000000009', v_at, v_until);
end $$;

-- How the entered person's newest text stands, and whether the number wants none: what their page shows.
create function app.my_phone() returns table (is_stopped boolean, state text, error_code integer, fate text)
language sql stable security definer set search_path = '' as $$
  select app.is_stopped(p.number_index), m.state, m.error_code, m.fate
  from public.phones p left join lateral (select x.state, x.error_code, x.fate from public.phone_messages x
    where x.person_id = p.person_id and x.number_index = p.number_index order by x.created_at desc limit 1) m on true
  where p.person_id = app.tenant() and app.role() = 'self';
$$;

-- Whom of these the system may text or call now: verified, agreed, not stopped, and of a business whose plan has a text left. p: [{person_id,
-- supplier_id}] of the entered wedding. Each once of one event. A text is counted here; in the order of the businesses, so that two of these never wait for each other.
create function app.phones_for(p jsonb, p_kind text, p_event uuid, p_is_emergency boolean)
returns table (person_id uuid, phone_id uuid, sealed bytea, number_index bytea, code smallint)
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'phones_for is the system''s'; end if;
  for r in
    select f.id, s.id as phone, s.sealed as words, s.number_index as idx, f.supplier,
      (10 + (select count(*) from public.phone_messages m where m.person_id = f.id and m.code is not null) % 90)::smallint as next_code
    from (select distinct on ((x ->> 'person_id')::uuid) (x ->> 'person_id')::uuid as id, (x ->> 'supplier_id')::uuid as supplier
      from jsonb_array_elements(p) as x order by (x ->> 'person_id')::uuid, (x ->> 'supplier_id')::uuid) f
    join public.phones s on s.person_id = f.id and s.state = 'verified' and case p_kind when 'text' then s.takes_texts else s.takes_calls end
    where not app.is_stopped(s.number_index) and not exists (select from public.phone_messages m
      where m.person_id = f.id and m.event_id = p_event and m.kind = p_kind and m.follows is null)
    order by f.supplier nulls first, f.id
  loop
    begin
      if p_kind = 'text' then perform app.claim_sms(r.supplier, app.tenant(), p_is_emergency); end if;
      return query select r.id, r.phone, r.words, r.idx, r.next_code;
    exception when sqlstate 'WS402' then
      -- The plan has no text left: the mail and the inbox say it.
      null;
    end;
  end loop;
end $$;

-- Texts and calls that are owed now, beside their deliveries. p: [{id, person_id, number_index hex, kind, severity, event_id, link_id, code, sealed hex}]
create function app.note_texts(p jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'note_texts is the system''s'; end if;
  insert into public.phone_messages (id, tenant_id, made_at, person_id, number_index, kind, severity, event_id, link_id, code, sealed)
    select (x ->> 'id')::uuid, app.tenant(), clock_timestamp(), (x ->> 'person_id')::uuid, decode(x ->> 'number_index', 'hex'), x ->> 'kind',
      x ->> 'severity', (x ->> 'event_id')::uuid, (x ->> 'link_id')::uuid, (x ->> 'code')::smallint, decode(x ->> 'sealed', 'hex')
    from jsonb_array_elements(p) as x
    on conflict (id) do nothing;
end $$;

-- A phone changed by what its holder or its carrier said; told in the person's stream. Returns the nudges.
create function app.tell_phones(p_phones jsonb) returns setof text
language plpgsql volatile set search_path = '' as $$
declare
  r record;
begin
  for r in select x from jsonb_array_elements(p_phones) as x order by x -> 'record' ->> 'person_id' loop
    perform app.settle(null, 'system', (r.x -> 'record' ->> 'person_id')::uuid, 'system', 2047, 2047);
    return next app.record(jsonb_build_array(jsonb_build_object('type', 'phone.changed', 'scope', 512, 'table', 'phones', 'id', r.x -> 'record' ->> 'id',
      'op', 'UPDATE', 'record', r.x -> 'record', 'old', r.x -> 'old')));
  end loop;
  perform app.settle(null, 'anonymous', null, 'none', 0, 0);
end $$;

create function app.phone_image(p public.phones) returns jsonb
language sql immutable set search_path = '' as $$
  select to_jsonb(p) - '{sealed,number_index,code_hash,code_expires_at,code_tries}'::text[];
$$;

-- The number wants nothing more, from now on and whatever waits: STOP, or the carrier says so. p_indexes: under every key of the ring.
create function app.stop_phone(p_indexes bytea[], p_sealed bytea, p_id uuid, p_reason text) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v jsonb;
begin
  insert into public.phone_stops as s (id, number_index, reason, sealed) values (p_id, p_indexes[1], p_reason, p_sealed)
    on conflict (number_index) do update set reason = excluded.reason, stopped_at = clock_timestamp(), lifted_at = null where s.lifted_at is not null;
  insert into public.phone_consents (person_id, number_index, act, channel, method)
    select p.person_id, p.number_index, 'withdrawn', c.channel, case p_reason when 'stopped' then 'text' else 'carrier' end
    from public.phones p cross join lateral (values ('text', p.takes_texts), ('call', p.takes_calls)) as c(channel, is_on)
    where p.number_index = any (p_indexes) and c.is_on;
  perform app.end_jobs(array(select j.id from public.phone_messages m join public.jobs j on j.id = m.id and j.lease_token is null
    where m.number_index = any (p_indexes) and m.created_at > clock_timestamp() - interval '4 days'), 'revoked', 'the person wants no texts and calls');
  with changed as (
    update public.phones p set takes_texts = false, takes_calls = false where p.number_index = any (p_indexes) and (p.takes_texts or p.takes_calls)
    returning app.phone_image(new) as record, app.phone_image(old) as old)
  select coalesce(jsonb_agg(jsonb_build_object('record', c.record, 'old', c.old)), '[]') into v from changed c;
  return query select * from app.tell_phones(v);
end $$;

-- START: texts again, for those whose number it is and who had taken them until the STOP. Calls are agreed to on the page only.
create function app.start_phone(p_indexes bytea[]) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v jsonb;
  v_back uuid[];
begin
  update public.phone_stops s set lifted_at = clock_timestamp() where s.number_index = any (p_indexes) and s.lifted_at is null;
  if not found then return; end if;
  v_back := array(select p.id from public.phones p where p.number_index = any (p_indexes) and p.state = 'verified' and not p.takes_texts
    and (select c.method from public.phone_consents c where c.person_id = p.person_id and c.channel = 'text'
      order by c.created_at desc, c.id desc limit 1) in ('text', 'carrier'));
  insert into public.phone_consents (person_id, number_index, act, channel, method, wording)
    select p.person_id, p.number_index, 'given', 'text', 'text', 'START'
    from public.phones p where p.id = any (v_back);
  with changed as (
    update public.phones p set takes_texts = true where p.id = any (v_back)
    returning app.phone_image(new) as record, app.phone_image(old) as old)
  select coalesce(jsonb_agg(jsonb_build_object('record', c.record, 'old', c.old)), '[]') into v from changed c;
  return query select * from app.tell_phones(v);
end $$;

-- Whether this was told for the first time.
create function app.hear_phone(p_key text, p_message uuid, p_number bytea, p_what text, p_code integer) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  insert into public.phone_hooks (key, message_id, number_index, what, error_code) values (p_key, p_message, p_number, p_what, p_code)
    on conflict (key) do nothing;
  return found;
end $$;

-- How a text or call stands, forward only. The row as it is then, with whether this moved it; none: nobody's.
create function app.phone_stands(p_message uuid, p_sid text, p_state text, p_rank integer, p_is_last boolean, p_code integer, p_fate text)
returns table (is_moved boolean, tenant_id uuid, person_id uuid, kind text, severity text, number_index bytea, sealed bytea, is_answered boolean,
  is_repeat boolean, takes_calls boolean, phone_sealed bytea, phone_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_moved boolean;
begin
  update public.phone_messages m set sid = p_sid, state = p_state, rank = p_rank, error_code = p_code, fate = p_fate, updated_at = clock_timestamp()
    where m.id = p_message and m.rank < p_rank and (m.sid = p_sid or m.sid = '');
  v_moved := found;
  return query
    select v_moved, m.tenant_id, m.person_id, m.kind, m.severity, m.number_index, m.sealed, app.is_answered(m), m.follows is not null,
      coalesce(p.takes_calls, false), p.sealed, p.id
    from public.phone_messages m left join public.phones p on p.person_id = m.person_id and p.number_index = m.number_index
    where m.id = p_message;
  -- What arrived needs its words no more; of a call they are spoken once it is taken, so they go when it has ended.
  if v_moved and p_is_last and p_fate = '' then update public.phone_messages m set sealed = null where m.id = p_message; end if;
end $$;

-- Nobody has this number: it is not used until its person gives another, or proves it again.
create function app.spoil_phone(p_number bytea) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v jsonb;
begin
  with changed as (
    update public.phones p set state = 'invalid', takes_texts = false, takes_calls = false where p.number_index = p_number and p.state <> 'invalid'
    returning app.phone_image(new) as record, app.phone_image(old) as old)
  select coalesce(jsonb_agg(jsonb_build_object('record', c.record, 'old', c.old)), '[]') into v from changed c;
  return query select * from app.tell_phones(v);
end $$;

-- A text that did not arrive goes once more, or as a call; once. The same notice, so the same event, link and code. False: it has been done.
create function app.follow_text(p_old uuid, p_new uuid, p_kind text, p_delivery bytea, p_words bytea, p_delay_s integer) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  m record;
  d record;
  v_at timestamptz := clock_timestamp();
begin
  select * into m from public.phone_messages x where x.id = p_old for update;
  if m.event_id is null or exists (select from public.phone_messages x where x.person_id = m.person_id and x.follows = p_old) then return false; end if;
  select x.* into d from public.deliveries x where x.id = p_old order by x.made_at desc limit 1;
  if d.id is null then return false; end if;
  insert into public.phone_messages (id, tenant_id, made_at, person_id, number_index, kind, severity, event_id, link_id, code, sealed, follows)
    values (p_new, m.tenant_id, v_at, m.person_id, m.number_index, p_kind, m.severity, m.event_id, m.link_id, m.code, p_words, p_old);
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, stream_id, seq, event_id, event_at, type, link_id, recipient_kind,
      recipient_id, sealed, lane, expires_at)
    values (p_new, v_at, d.tenant_id, d.connector, d.destination_id, d.stream_id, d.seq, d.event_id, d.event_at, d.type, d.link_id, d.recipient_kind,
      d.recipient_id, p_delivery, d.lane, d.expires_at);
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, event_id, expires_at, run_at)
    values (p_new, 'delivery', d.connector, d.lane, d.tenant_id, d.destination_id, v_at, d.event_id, d.expires_at,
      v_at + make_interval(secs => p_delay_s));
  update public.phone_messages x set sealed = null where x.id = p_old;
  return true;
end $$;

-- What the holder of a number was asked and has not answered, within a week.
create function app.phone_asks(p_indexes bytea[])
returns table (id uuid, tenant_id uuid, person_id uuid, link_id uuid, event_id uuid, code smallint, title text, created_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select distinct on (m.event_id, m.person_id) m.id, m.tenant_id, m.person_id, m.link_id, m.event_id, m.code, coalesce(i.title, ''), m.created_at
  from public.phone_messages m
  join public.phones p on p.person_id = m.person_id and p.number_index = m.number_index and p.state = 'verified'
  left join public.inbox i on i.person_id = m.person_id and i.event_id = m.event_id
  where m.number_index = any (p_indexes) and m.code is not null and m.answered_at is null and m.created_at > clock_timestamp() - interval '7 days'
  order by m.event_id, m.person_id, m.created_at desc;
$$;

-- What a call is about: its words, and what is asked in it. None: nobody's, or its words are gone.
create function app.phone_call(p_message uuid)
returns table (id uuid, tenant_id uuid, person_id uuid, link_id uuid, event_id uuid, code smallint, sealed bytea, sid text)
language sql stable security definer set search_path = '' as $$
  select m.id, m.tenant_id, m.person_id, m.link_id, m.event_id, m.code, m.sealed, m.sid from public.phone_messages m
  where m.id = p_message and m.kind = 'call' and not app.is_answered(m);
$$;

-- Answered, by whoever the entered person is: every text and call to them of this event; what has not left stays.
create function app.phone_answered(p_event uuid, p_answer text, p_by text) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  update public.phone_messages m set answer = p_answer, answered_by = p_by, answered_at = app.now(), sealed = null, updated_at = clock_timestamp()
    where m.person_id = app.actor() and m.tenant_id = app.tenant() and m.event_id = p_event and m.answered_at is null;
  perform app.end_jobs(array(select j.id from public.phone_messages m join public.jobs j on j.id = m.id and j.lease_token is null
    where m.person_id = app.actor() and m.event_id = p_event), 'cancelled', 'it was answered already');
end $$;

-- By the clock: what the provider refused when it was asked to send it. The ledger has the code; a number that wants nothing, or is nobody's, is not
-- asked again, and what a call may still say is owed as work, for its words are sealed. Returns the nudges.
create function app.mind_refused_texts(p_stopped text[], p_invalid text[], p_call text[]) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
begin
  for r in
    select m.id, m.tenant_id, m.number_index, coalesce(a.detail, '') as code from public.phone_messages m
    join public.deliveries d on d.id = m.id and d.state = 'dead'
    left join lateral (select t.detail from public.attempts t where t.delivery_id = m.id order by t.number desc limit 1) a on true
    where m.state = 'owed' and m.created_at > clock_timestamp() - interval '4 days'
    order by m.number_index, m.id limit 100
  loop
    update public.phone_messages m set state = 'refused', error_code = case when r.code ~ '^[0-9]{5}$' then r.code::integer end,
        fate = case when r.code = any (p_stopped) then 'stopped' when r.code = any (p_invalid) then 'invalid' when r.code = any (p_call) then 'call'
          else 'refused' end, updated_at = clock_timestamp()
      where m.id = r.id;
    if r.code = any (p_stopped) then
      return query select * from app.stop_phone(array[r.number_index], null, uuidv7(), 'carrier');
    elsif r.code = any (p_invalid) then
      return query select * from app.spoil_phone(r.number_index);
    elsif r.code = any (p_call) then
      insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
        values (uuidv7(), 'work', 'phones.follow', 0, r.tenant_id, '00000000-0000-7000-8000-000000000003', jsonb_build_object('message_id', r.id));
    end if;
  end loop;
end $$;

-- By the clock: words that nobody needs any more, and hooks that cannot be repeated.
create function app.forget_phones() returns void
language sql volatile security definer set search_path = '' as $$
  update public.phone_messages m set sealed = null where m.sealed is not null and m.created_at < clock_timestamp() - interval '2 days';
  delete from public.phone_hooks h where h.at < clock_timestamp() - interval '30 days';
$$;

do $$
declare f text;
begin
  foreach f in array array['owe_code(uuid, uuid, bytea, integer)', 'my_phone()', 'phones_for(jsonb, text, uuid, boolean)', 'note_texts(jsonb)',
    'stop_phone(bytea[], bytea, uuid, text)', 'start_phone(bytea[])', 'hear_phone(text, uuid, bytea, text, integer)',
    'phone_stands(uuid, text, text, integer, boolean, integer, text)', 'spoil_phone(bytea)', 'follow_text(uuid, uuid, text, bytea, bytea, integer)',
    'phone_asks(bytea[])', 'phone_call(uuid)', 'phone_image(public.phones)', 'phone_answered(uuid, text, text)'] loop
    execute format('grant execute on function app.%s to wedsync_user', f);
  end loop;
end $$;
grant execute on function app.forget_phones(), app.mind_refused_texts(text[], text[], text[]) to wedsync_service;
reset role;

-- 83_tests.sql
-- Tests of endpoints: a made-up example on the way that real events take, through lanes, restraint and the log, and recorded in no stream.

set role wedsync_recorder;
-- Owes one endpoint of the entered tenant an example, in live form and marked by its maker. What became of the asking: owed, inactive (the endpoint
-- wants nothing now) or many (30 of the last minute are enough). Nobody wants a test any more after ten minutes.
create function app.send_test(p_endpoint uuid, p_delivery uuid, p_event jsonb) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_tenant uuid := app.tenant();
  v_state text;
begin
  select e.state into v_state from public.endpoints e where e.id = p_endpoint and e.tenant_id = v_tenant and e.deleted_at is null;
  if not found or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  if v_state <> 'active' then return 'inactive'; end if;
  if (select count(*) from public.deliveries d
    where d.tenant_id = v_tenant and d.made_at > v_at - interval '1 minute' and d.destination_id = p_endpoint and d.is_test) >= 30 then
    return 'many';
  end if;
  perform app.ask_again(p_endpoint);
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, lane, expires_at, is_test)
    values (p_delivery, v_at, v_tenant, 'webhook', p_endpoint, p_event ->> 'type', 1, v_at + interval '10 minutes', true);
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, args, expires_at)
    values (p_delivery, 'delivery', 'webhook', 1, v_tenant, p_endpoint, v_at, p_event, v_at + interval '10 minutes');
  return 'owed';
end $$;
grant execute on function app.send_test(uuid, uuid, jsonb) to wedsync_user;
reset role;

-- 83_wording.sql
-- The words of notices as operators wrote them: each change is a version more, the newest of a key and locale is used. Home: the platform.
set role wedsync_owner;
create table public.wordings (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' check (tenant_id = '00000000-0000-7000-8000-000000000000'),
  key text not null check (key ~ '^[a-z_]+(\.[a-z_]+)?$' and length(key) <= 80),
  locale text not null check (locale ~ '^[a-z]{2}(-[A-Z]{2})?$'),
  number integer not null check (number >= 1),
  words jsonb check (jsonb_typeof(words) = 'object' and length(words::text) <= 8000),
  note text not null default '' check (length(note) <= 300),
  made_by uuid not null references public.persons,
  made_at timestamptz not null,
  unique (key, locale, number)
);
comment on table public.wordings is 'What an operator wrote for a notice in a language; only ever added to, so that what somebody was sent can be read again';
comment on column public.wordings.words is 'title, body, ask, button, confirm, each as far as it says something; null = as WedSync ships it from here on';
call app.protect('public.wordings', 'tenant_id', $$(select app.role()) = 'operator'$$, null);
grant insert on public.wordings to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- The newest versions of these texts in all languages that say something, as the sender of notices reads them; words of the product, nobody's own.
create function app.wordings_of(p_keys text[]) returns text
language sql stable security definer set search_path = '' as $$
  select jsonb_agg(jsonb_build_object('key', v.key, 'locale', v.locale, 'number', v.number, 'words', v.words))::text
  from (select distinct on (w.key, w.locale) w.key, w.locale, w.number, w.words from public.wordings w
    where w.key = any (p_keys) order by w.key, w.locale, w.number desc) v
  where v.words is not null;
$$;

-- A new version by an operator who has seen the newest one: of two at once the second is told so (null).
create function app.add_wording(p_key text, p_locale text, p_seen integer, p_words jsonb, p_note text) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v integer;
begin
  perform app.as_operator();
  insert into public.wordings (key, locale, number, words, note, made_by, made_at)
    select p_key, p_locale, p_seen + 1, p_words, p_note, app.actor(), app.now()
    where p_seen = coalesce((select max(w.number) from public.wordings w where w.key = p_key and w.locale = p_locale), 0)
    on conflict (key, locale, number) do nothing
    returning number into v;
  return v;
end $$;

-- Versions of one text in one language, newest first, with who wrote them.
create function app.wording_history(p_key text, p_locale text)
returns table (number integer, words jsonb, note text, made_at timestamptz, made_by text)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform app.as_operator();
  return query select w.number, w.words, w.note, w.made_at, coalesce(nullif(p.name, ''), p.email, '')
    from public.wordings w join public.persons p on p.person_id = w.made_by
    where w.key = p_key and w.locale = p_locale order by w.number desc limit 50;
end $$;

-- A sample of a notice to the operator who asks for it: sealed, and of use for an hour.
create function app.owe_sample(p_delivery uuid, p_sealed bytea) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_person uuid := app.as_operator();
begin
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, app.tenant(), 'mail', app.shared_destination('mail'), 'wording.sampled', 'person', v_person, p_sealed, 2,
      v_at + interval '1 hour');
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'mail', 2, app.tenant(), app.shared_destination('mail'), v_at, v_at + interval '1 hour');
end $$;

grant execute on function app.wordings_of(text[]), app.add_wording(text, text, integer, jsonb, text), app.wording_history(text, text),
  app.owe_sample(uuid, bytea) to wedsync_user;
reset role;

-- 84_alerts.sql
-- Alerts: whom a wedding can call, the steps that are owed, and what must not leave any more once somebody has acknowledged.
set role wedsync_owner;
-- Steps have places of their own: an import, or many, never keeps an emergency waiting.
alter table public.destinations no force row level security;
insert into public.destinations (id, tenant_id, connector, max_in_flight) values
 ('00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-000000000000', 'alerts', 32);
alter table public.destinations force row level security;
reset role;

set role wedsync_recorder;

-- Everybody of the entered wedding who may be called: the couple, helpers, and of active links that see the schedule the owners, admins and
-- assigned members. `tier` is what the couple has said, null where it said nothing; addresses are the system's alone.
create function app.people_on_call()
returns table (person_id uuid, name text, email text, role text, link_id uuid, supplier_id uuid, supplier_name text, category text, mask integer,
  tier smallint)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_is_system boolean := app.role() = 'system';
begin
  if not v_is_system and app.role() <> 'couple' then raise insufficient_privilege using message = 'people_on_call is the couple''s'; end if;
  return query
    select y.person_id, coalesce(nullif(y.name, ''), p.name), case when v_is_system then p.email end, y.role, y.link_id, y.supplier_id, y.supplier_name, y.category, y.mask, d.tier
    from (
      select m.person_id, m.name, case when m.role = 'helper' then 'helper' else 'couple' end as role, null::uuid as link_id, null::uuid as supplier_id,
        ''::text as supplier_name, ''::text as category, case when m.role = 'helper' then 3 else 2047 end as mask
      from public.memberships m
      where m.wedding_id = v_wedding and m.removed_at is null
      union all
      select sm.person_id, sm.name, 'supplier', l.id, l.supplier_id, l.supplier_name, l.category, l.mask
      from public.links l join public.supplier_members sm on sm.supplier_id = l.supplier_id and sm.removed_at is null
      where l.wedding_id = v_wedding and l.status = 'active' and l.mask & 2 <> 0
        and (sm.role in ('owner', 'admin') or exists (select from public.assignments a
          where a.supplier_id = sm.supplier_id and a.member_id = sm.id and a.link_id = l.id))) y
    join public.persons p on p.person_id = y.person_id
    left join public.duties d on d.wedding_id = v_wedding and d.person_id = y.person_id
    order by y.person_id, y.link_id nulls first;
end $$;

-- The next step of an alert as a job, or the end of what an acknowledgement holds: run when it is due, whatever becomes of this process. p_at_s
-- seconds of wedding time after p_began, which is machine time; returns when that is.
create function app.owe_step(p_name text, p_alert uuid, p_step integer, p_began timestamptz, p_at_s double precision) returns timestamptz
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_due timestamptz := p_began + make_interval(secs => p_at_s / app.speed());
begin
  if app.tenant() is null or app.mask() & 2 = 0 then raise insufficient_privilege using message = 'owe outside of a wedding'; end if;
  if p_name not in ('alerts.step', 'alerts.lapse') then raise exception 'unknown work %', p_name; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args, run_at)
    values (uuidv7(), 'work', p_name, 0, app.tenant(), '00000000-0000-7000-8000-00000000000a',
      jsonb_build_object('alert', p_alert, 'step', p_step, 'began', p_began), v_due);
  return v_due;
end $$;

-- The clock of the ladder: machine time, so that nothing is called late where wedding time stands still or runs.
create function app.ladder_now() returns timestamptz language sql volatile set search_path = '' return clock_timestamp();

-- Seconds of wedding time since a moment of machine time.
create function app.alert_since(p_began timestamptz) returns double precision language sql stable security definer set search_path = ''
  return greatest(0, extract(epoch from clock_timestamp() - p_began))::double precision * app.speed();

-- Whether anybody who was called for an alert has it before them: read in the product, or taken by their phone.
create function app.alert_heard(p_event uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'alert_heard is the system''s'; end if;
  return exists (select from public.inbox i where i.stream_id = app.tenant() and i.event_id = p_event
      and coalesce(i.delivered_at, i.seen_at, i.read_at) is not null)
    or exists (select from public.phone_messages m where m.tenant_id = app.tenant() and m.event_id = p_event and m.state = 'delivered');
end $$;

-- The fact that what is sent for an alert goes back to, the newest of these types, in live form.
create function app.alert_event(p_alert uuid, p_types text[]) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'alert_event is the system''s'; end if;
  return (select app.event_json(e, 'wedding') from public.events e
    where e.stream_id = app.tenant() and e.subject_table = 'alerts' and e.subject_id = p_alert and e.type = any (p_types) order by e.seq desc limit 1);
end $$;

-- Somebody has acknowledged, or it is over: what still waits to be sent about this alert stays here. Returns how much that was.
create function app.hush_alert(p_alert uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_jobs uuid[];
begin
  if app.tenant() is null or app.mask() & 2 = 0 then raise insufficient_privilege using message = 'hush outside of a wedding'; end if;
  select array_agg(j.id) into v_jobs from public.jobs j
    join public.events e on e.stream_id = app.tenant() and e.id = j.event_id and e.recorded_at = j.made_at
    where j.tenant_id = app.tenant() and j.kind = 'delivery' and j.lease_token is null and j.event_id is not null
      and e.subject_table = 'alerts' and e.subject_id = p_alert;
  if v_jobs is null then return 0; end if;
  perform app.end_jobs(v_jobs, 'cancelled', 'somebody has acknowledged the alert');
  return cardinality(v_jobs);
end $$;
grant execute on function app.people_on_call(), app.owe_step(text, uuid, integer, timestamptz, double precision), app.ladder_now(), app.alert_since(timestamptz), app.alert_heard(uuid), app.alert_event(uuid, text[]),
  app.hush_alert(uuid) to wedsync_user;

-- What calls the person whose home is entered and nobody has acknowledged yet, over all weddings.
create function app.my_alarms() returns table (alert_id uuid, title text, href text, raised_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select distinct on (a.raised_at, a.id) a.id, i.title, i.href, a.raised_at
  from public.alert_calls c
  join public.alerts a on a.wedding_id = c.wedding_id and a.id = c.alert_id and a.state = 'triggered' and a.kind = 'emergency'
  join public.inbox i on i.person_id = c.person_id and i.stream_id = a.wedding_id and i.type in ('alert.raised', 'alert.lapsed') and i.href like '%' || a.id
  where app.role() = 'self' and c.person_id = app.tenant() and c.answer is null
  order by a.raised_at desc, a.id, i.id desc
  limit 5;
$$;
grant execute on function app.my_alarms() to wedsync_user;

-- Steps that nobody ran in time, whatever became of their jobs: owed once more, and told to the operator.
create function app.late_alerts(p_late interval default interval '3 seconds') returns table (wedding_id uuid, alert_id uuid, late_s double precision)
language plpgsql volatile security definer set search_path = '' as $$
begin
  return query
    with late as materialized (
      select a.wedding_id, a.id, a.step, a.began_at, extract(epoch from clock_timestamp() - a.next_at)::double precision as late_s
      from public.alerts a where a.next_at < clock_timestamp() - p_late),
    owed as (
      insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
        select uuidv7(), 'work', 'alerts.step', 0, l.wedding_id, '00000000-0000-7000-8000-00000000000a',
          jsonb_build_object('alert', l.id, 'step', l.step, 'began', l.began_at)
        from late l
        where not exists (select from public.jobs j where j.name = 'alerts.step' and j.tenant_id = l.wedding_id
          and j.destination_id = '00000000-0000-7000-8000-00000000000a' and j.args ->> 'alert' = l.id::text and j.run_at <= clock_timestamp()))
    select l.wedding_id, l.id, l.late_s from late l;
end $$;

-- The morning of a wedding: four hours before it goes live everybody on call is asked to answer once, so that nobody finds out on the day that a
-- number is wrong. Once a day and wedding.
create function app.poke_drills(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'alerts.drill', 1, d.wedding_id, '00000000-0000-7000-8000-00000000000a', jsonb_build_object('on', d."on")
    from public.wedding_days d
    where d.live_until > app.now() and d.live_from - interval '4 hours' <= app.now()
      and not exists (select from public.alerts a where a.wedding_id = d.wedding_id and a.kind = 'drill'
        and a.raised_at >= d.live_from - interval '4 hours')
      and not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-00000000000a' and j.tenant_id = d.wedding_id
        and j.name = 'alerts.drill')
    limit p_limit;
  get diagnostics n = row_count;
  return n;
end $$;
grant execute on function app.late_alerts(interval), app.poke_drills(integer) to wedsync_service;
reset role;

-- 84_listening.sql
-- Listening: what an endpoint of the entered tenant would be sent, read from the log by position. Nothing is kept for a listener, so nothing of it
-- is left behind; the positions are its own, and since numbers are dense and in commit order within a stream, it misses nothing between two calls.
set role wedsync_recorder;

-- p_patterns: like those of subscriptions. p_after: {stream id: seq}; null only asks where everything stands. One row for each event, oldest first
-- within its stream, and one without an event for each stream that was read to its end or has not been asked for. A supplier hears a wedding from
-- the moment its link became active, as its endpoints do, and what its link may see now.
create function app.heard(p_patterns text[], p_after jsonb, p_limit integer)
returns table (stream text, epoch integer, seq bigint, event text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  return query
  with standing as materialized (
    select s.id, s.kind, s.epoch, s.top, s.id = app.tenant() as is_own, (p_after ->> s.id::text)::bigint as known from public.streams s
    where s.id in (select app.tenant() union select l.wedding_id from public.links l where l.supplier_id = app.tenant() and l.status = 'active')),
  news as materialized (
    select n.id, n.kind, n.epoch, n.top, n.is_own, coalesce(case when f.active is null then n.known else greatest(n.known, f.active - 1) end, n.top) as after
    from (select t.id, t.kind, t.epoch, t.top, t.is_own, t.known from standing t
      where p_after is not null and t.top > coalesce(t.known, -1) order by t.known nulls first limit 32) n
    left join lateral (select max(e.seq) as active from public.links l join public.events e on e.stream_id = n.id and e.subject_table = 'links'
        and e.subject_id = l.id and e.record ->> 'status' = 'active' and e.old_record ->> 'status' is distinct from 'active'
      where l.wedding_id = n.id and l.supplier_id = app.tenant() and l.status = 'active') f on not n.is_own),
  found as materialized (
    select n.id, n.kind, n.epoch, e.seq, e.event, e.nth, e.link_id, e.scopes
    from news n cross join lateral (
      select x.seq, app.event_for(x, n.kind, v.link_id) as event, row_number() over (order by x.seq) as nth, v.link_id, x.scope & v.mask as scopes
      from public.events x join public.event_types t on t.type = x.type
      cross join lateral (
        select null::uuid as link_id, 0 as mask where n.is_own
        union all
        select l.id, l.mask from public.links l where not n.is_own and l.wedding_id = n.id and l.supplier_id = app.tenant() and l.status = 'active'
          and app.sees(l.mask, l.id, null, x.scope, x.link_id, x.membership_id)
        limit 1) v
      where x.stream_id = n.id and x.seq > n.after and x.seq <= n.top and not x.bulk and x.type like any (p_patterns)
      order by x.seq limit p_limit) e),
  told as materialized (
    select app.tell_read(f.id, f.link_id, bit_or(f.scopes)) as is_told from found f group by f.id, f.link_id)
  select r.kind || ':' || r.id, r.epoch, r.seq, r.event from (
    select f.id, f.kind, f.epoch, f.seq, f.event, 0 as last from found f
    union all
    select s.id, s.kind, s.epoch, s.top, null, 1 from standing s
      where p_after is null or s.id in (select n.id from news n) and not exists (select from found f where f.id = s.id and f.nth = p_limit)) r
  where (select count(t.is_told) from told t) >= 0
  order by r.id, r.last, r.seq;
end $$;
grant execute on function app.heard(text[], jsonb, integer) to wedsync_user;
reset role;

-- 85_calendars.sql
-- Calendars: who has to be told that one must be looked at. Everybody may poke; the job looks at what stands.
set role wedsync_recorder;

-- One waiting job of a calendar is enough, for it looks at what stands. The row of its progress is written first: a job that is running has read that row
-- before, and is then no longer waiting when we look; one that waits will read it after us. Jobs of one calendar run one after the other. What must
-- wait (the provider said so) waits, unless p_now.
create function app.owe_syncs(p_calendars uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_work constant text := 'calendars.sync';
  n integer;
begin
  perform from public.calendar_progress g where g.calendar_id = any (p_calendars) order by g.calendar_id for update;
  update public.calendar_progress g set pokes = g.pokes + 1, pulls_wanted = g.pulls_wanted + p_pull::integer,
      not_before = case when not p_now then g.not_before end
    where g.calendar_id = any (p_calendars);
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select distinct c.connection_id, c.tenant_id, 'work', 4, 6000 from public.calendars c
    where c.id = any (p_calendars)
    order by c.connection_id
    on conflict (id) do nothing;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, args, run_at)
    select uuidv7(), 'work', v_work, 1, c.tenant_id, c.connection_id, c.id, nextval('public.calendar_pokes'),
      jsonb_build_object('calendar_id', c.id),
      clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0')) / app.speed()
    from public.calendars c join public.calendar_progress g on g.calendar_id = c.id join public.connections n on n.id = c.connection_id
    where c.id = any (p_calendars) and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null
      and (c.direction <> 'off' or g.watch_sealed is not null)
      and not exists (select from public.jobs j where j.destination_id = c.connection_id and j.order_key = c.id and j.name = v_work
        and j.lease_token is null and (j.run_at <= clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0'))
          or j.run_at = 'infinity'));
  get diagnostics n = row_count;
  return n;
end $$;

-- Those of the entered tenant.
create function app.poke_calendars(p_calendars uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  return app.owe_syncs(array(select c.id from public.calendars c where c.id = any (p_calendars) and c.tenant_id = app.tenant()), p_pull, p_now);
end $$;

-- The calendars of a connection are looked for: after it was connected, or when somebody asks.
create function app.find_calendars(p_connection uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.write_mask() & 512 = 0 then raise exception 'forbidden' using errcode = 'WS403'; end if;
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select c.id, c.tenant_id, 'work', 4, 6000 from public.connections c where c.id = p_connection and c.tenant_id = app.tenant()
    on conflict (id) do nothing;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'calendars.find', 1, c.tenant_id, c.id, jsonb_build_object('connection_id', c.id)
    from public.connections c where c.id = p_connection and c.tenant_id = app.tenant()
      and not exists (select from public.jobs j where j.destination_id = c.id and j.name = 'calendars.find' and j.lease_token is null);
end $$;

-- What of weddings a supplier's calendars may show: the items of active links that hold the schedule, and nothing else.
create function app.linked_items(p_items uuid[])
returns table (id uuid, wedding_id uuid, link_id uuid, couple_names text, title text, "on" date, at_local time, zone text, minutes integer,
  place text, updated_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'linked_items is the system''s'; end if;
  return query
    select i.id, i.wedding_id, l.id, w.couple_names, i.title, i."on", i.at_local, i.zone, i.minutes, i.place, i.updated_at
    from public.links l
    join public.weddings w on w.wedding_id = l.wedding_id
    join public.schedule_items i on i.wedding_id = l.wedding_id
    where l.supplier_id = app.tenant() and l.status = 'active' and l.mask & 2 <> 0 and w.date_status <> 'cancelled'
      and (p_items is null or i.id = any (p_items));
end $$;

-- The reaction of a wedding: items (null: all of it) changed, or who may see them. Marked in the couple's own calendars and in those of every
-- supplier that holds them or may see them now; a supplier that may no longer see one has it marked, and finds it gone.
create function app.mark_items(p_wedding uuid, p_items uuid[] default null) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_calendars uuid[];
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'mark_items is the system''s'; end if;
  with shown as (
    select c.id as calendar_id, c.tenant_id, i.id
    from public.schedule_items i
    join (select w.id, w.tenant_id from public.calendars w where w.tenant_id = p_wedding and w.direction in ('both', 'export') and w.has_schedule
      union all
      select s.id, s.tenant_id from public.links l join public.calendars s on s.tenant_id = l.supplier_id
      where l.wedding_id = p_wedding and l.status = 'active' and l.mask & 2 <> 0 and s.direction in ('both', 'export') and s.has_schedule) c on true
    where i.wedding_id = p_wedding and (p_items is null or i.id = any (p_items)) and i.starts_at > app.now() - interval '1 day'),
  put as (
    insert into public.calendar_events as e (tenant_id, calendar_id, kind, ours_id, wedding_id)
    select s.tenant_id, s.calendar_id, 'item', s.id, p_wedding from shown s order by s.calendar_id, s.id
    on conflict (calendar_id, kind, ours_id) where ours_id is not null do update set is_dirty = true, marks = e.marks + 1
    returning e.calendar_id, e.ours_id),
  rest as (
    update public.calendar_events e set is_dirty = true, marks = e.marks + 1
    where e.kind = 'item' and e.wedding_id = p_wedding and (p_items is null or e.ours_id = any (p_items))
      and not exists (select from shown s where s.calendar_id = e.calendar_id and s.id = e.ours_id)
    returning e.calendar_id),
  booked as (
    -- A booking bears the couple's names.
    update public.calendar_events e set is_dirty = true, marks = e.marks + 1
    from public.bookings b where p_items is null and b.wedding_id = p_wedding and e.kind = 'booking' and e.ours_id = b.id
    returning e.calendar_id)
  select array_agg(distinct x.calendar_id) into v_calendars
    from (select p.calendar_id from put p union all select r.calendar_id from rest r union all select b.calendar_id from booked b) x;
  return case when v_calendars is null then 0 else app.owe_syncs(v_calendars, false) end;
end $$;

-- The couple has answered a move that came from a calendar.
create function app.answer_move(p_wedding uuid, p_proposal uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_calendars uuid[];
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'answer_move is the system''s'; end if;
  with answered as (
    update public.calendar_events e set proposal_id = null, is_dirty = true, marks = e.marks + 1
    where e.proposal_id = p_proposal and e.wedding_id = p_wedding returning e.calendar_id)
  select array_agg(a.calendar_id) into v_calendars from answered a;
  return case when v_calendars is null then 0 else app.owe_syncs(v_calendars, false) end;
end $$;

grant execute on function app.poke_calendars(uuid[], boolean, boolean), app.find_calendars(uuid), app.linked_items(uuid[]),
  app.mark_items(uuid, uuid[]), app.answer_move(uuid, uuid) to wedsync_user;

-- The clock: calendars whose time to be asked has come. The next time is set by the run; until then they are left alone for five minutes.
create function app.poke_due_calendars(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_due uuid[];
begin
  with due as (
    select g.calendar_id from public.calendar_progress g
    where g.next_poll_at <= app.now() order by g.next_poll_at limit p_limit for update skip locked),
  put_off as (
    update public.calendar_progress g set next_poll_at = app.now() + interval '5 minutes'
    from due d where g.calendar_id = d.calendar_id returning g.calendar_id)
  select array_agg(p.calendar_id) into v_due from put_off p;
  return case when v_due is null then 0 else app.owe_syncs(v_due, true) end;
end $$;

-- What nobody looks at any more: runs, conflicts that are over, and what we took away so long ago that no calendar tells of it again.
create function app.forget_syncs(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.sync_runs r where r.ended_at < clock_timestamp() - make_interval(days => p_days);
  get diagnostics n = row_count;
  delete from public.calendar_conflicts k where k.state = 'resolved' and k.resolved_at < app.now() - make_interval(days => p_days);
  delete from public.calendar_events e where e.state = 'ended' and not e.is_dirty and e.changed_at < app.now() - interval '90 days';
  return n;
end $$;
grant execute on function app.poke_due_calendars(integer), app.forget_syncs(integer) to wedsync_service;
reset role;

-- 85_chat.sql
-- Channels in chat programs: who hears what, what is owed to them, and how a pressed button finds its message.
set role wedsync_recorder;

-- The channels that may hear of a wedding now, each with what it may see: the couple's own everything, a supplier's what its link may.
create function app.chats_of(p_wedding uuid)
returns table (chat_id uuid, tenant_id uuid, connector text, link_id uuid, mask integer, since timestamptz, locale text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'chats_of is the system''s'; end if;
  return query
    select c.id, c.tenant_id, n.connector, c.link_id, case when c.link_id is null then 2047 else l.mask end, date_trunc('milliseconds', l.active_since),
      (select f.locale from public.preferences f where f.person_id = n.connected_by)
    from public.chats c
    join public.connections n on n.id = c.connection_id and n.deleted_at is null and n.state in ('connecting', 'active', 'degraded', 'needs_reconnect')
    left join public.links l on l.wedding_id = c.wedding_id and l.id = c.link_id and l.status = 'active' and l.supplier_id = c.tenant_id
    where c.wedding_id = p_wedding and c.state in ('opening', 'active') and case when c.link_id is null then c.tenant_id = p_wedding else l.id is not null end
    order by c.id;
end $$;

-- What is owed to channels: [{id, chat, about, event_id, seq, type, link, sealed, expires_at}], each in its channel's order. About nothing: no message
-- is kept of it. Whoever is owed the same twice is owed it once.
create function app.owe_chats(p jsonb) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_made integer;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'owe_chats is the system''s'; end if;
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select distinct c.id, c.tenant_id, n.connector, 1, 50
    from jsonb_array_elements(p) as f(x) join public.chats c on c.id = (f.x ->> 'chat')::uuid join public.connections n on n.id = c.connection_id
    order by c.id
    on conflict (id) do nothing;
  insert into public.chat_messages (tenant_id, chat_id, about)
    select distinct c.tenant_id, c.id, f.x ->> 'about' from jsonb_array_elements(p) as f(x) join public.chats c on c.id = (f.x ->> 'chat')::uuid
    where f.x ->> 'about' <> '' order by 2, 3
    on conflict (chat_id, about) do nothing;
  with wanted as (
    select f.n, f.x, e.recorded_at as at, c.id as chat_id, d.connector
    from jsonb_array_elements(p) with ordinality as f(x, n)
    join public.events e on e.stream_id = app.tenant() and e.seq = (f.x ->> 'seq')::bigint and e.id = (f.x ->> 'event_id')::uuid
    join public.chats c on c.id = (f.x ->> 'chat')::uuid join public.destinations d on d.id = c.id),
  made as (
    insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, stream_id, seq, event_id, event_at, type, link_id, recipient_kind,
      recipient_id, sealed, lane, expires_at)
    select (w.x ->> 'id')::uuid, w.at, app.tenant(), w.connector, w.chat_id, app.tenant(), (w.x ->> 'seq')::bigint, (w.x ->> 'event_id')::uuid, w.at,
      w.x ->> 'type', (w.x ->> 'link')::uuid, 'address', w.chat_id, decode(w.x ->> 'sealed', 'hex'), coalesce((w.x ->> 'lane')::smallint, 1::smallint), clock_timestamp() + interval '2 days'
    from wanted w order by w.n
    on conflict (id, made_at) do nothing
    returning id, made_at, lane, connector, event_id, expires_at, destination_id)
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id, expires_at)
    select m.id, 'delivery', m.connector, m.lane, app.tenant(), m.destination_id, m.destination_id, nextval('public.chat_orders'), m.made_at, m.event_id,
      m.expires_at
    from made m
    on conflict (id) do nothing;
  get diagnostics v_made = row_count;
  return v_made;
end $$;

-- A channel as it is at the moment of sending, and whether it may hear of an event of this scope and link: the last look, for a link may have been
-- narrowed or ended since it was owed.
create function app.chat_now(p_chat uuid, p_scope integer, p_link uuid, p_membership uuid)
returns table (tenant_id uuid, connection_id uuid, wedding_id uuid, link_id uuid, connector text, state text, remote_id text, name text, is_private boolean,
  may_see boolean)
language sql stable security definer set search_path = '' as $$
  select c.tenant_id, c.connection_id, c.wedding_id, c.link_id, n.connector, c.state, c.remote_id, c.name, c.is_private,
    case when c.link_id is null then c.tenant_id = c.wedding_id
      else coalesce(l.status = 'active' and l.supplier_id = c.tenant_id and app.sees(l.mask, l.id, null, p_scope, p_link, p_membership), false) end
  from public.chats c join public.connections n on n.id = c.connection_id
  left join public.links l on l.wedding_id = c.wedding_id and l.id = c.link_id
  where c.id = p_chat;
$$;

-- Who is invited: the couple to their own channel; of a supplier its owners, admins and those who work at this wedding. Their own addresses only.
create function app.chat_people(p_chat uuid) returns table (email text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'chat_people is the system''s'; end if;
  return query
    select p.email from public.chats c
    join public.memberships m on c.link_id is null and m.wedding_id = c.wedding_id and m.removed_at is null and m.role <> 'helper'
    join public.persons p on p.person_id = m.person_id and p.email is not null
    where c.id = p_chat and c.tenant_id = app.tenant()
    union
    select p.email from public.chats c
    join public.supplier_members sm on c.link_id is not null and sm.supplier_id = c.tenant_id and sm.removed_at is null
    join public.persons p on p.person_id = sm.person_id and p.email is not null
    where c.id = p_chat and c.tenant_id = app.tenant() and (sm.role in ('owner', 'admin') or exists (select from public.assignments a
      where a.supplier_id = sm.supplier_id and a.member_id = sm.id and a.link_id = c.link_id))
    order by 1;
end $$;

-- Whose message a button is of, for the inbound door; the channel that the provider names must be the one it is in.
create function app.chat_of_button(p_connector text, p_message uuid, p_channel text) returns table (connection_id uuid, tenant_id uuid)
language sql stable security definer set search_path = '' as $$
  select c.connection_id, c.tenant_id from public.chat_messages m
  join public.chats c on c.id = m.chat_id and c.remote_id = p_channel and c.remote_id <> '' and c.state in ('active', 'paused')
  join public.connections n on n.id = c.connection_id and n.connector = p_connector and n.deleted_at is null
  where m.id = p_message;
$$;

-- A workspace lets us in again: its channels' destinations take deliveries, and what waited for it is ready with all its tries.
create function app.reopen_chats(p_connection uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_jobs uuid[];
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'reopen_chats is the system''s'; end if;
  update public.destinations d set state = 'active', reason = '', not_before = '-infinity'
    from public.chats c where c.connection_id = p_connection and c.tenant_id = app.tenant() and d.id = c.id and d.state = 'parked';
  v_jobs := array(select j.id from public.chats c join public.jobs j on j.destination_id = c.id and j.kind = 'delivery' and j.lease_token is null
    where c.connection_id = p_connection and c.tenant_id = app.tenant() and j.run_at = 'infinity' order by j.id for update of j);
  update public.jobs j set run_at = clock_timestamp(), attempt = 0 where j.id = any (v_jobs);
  update public.deliveries d set state = 'pending', reason = '' from public.jobs j
    where j.id = any (v_jobs) and d.id = j.id and d.made_at = j.made_at and d.state = 'parked';
  return cardinality(v_jobs);
end $$;

-- A link has ended: its channels are closed, each told in its supplier's stream. Returns the nudges.
create function app.end_chats(p_link uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'end_chats is the system''s'; end if;
  with ended as (
    update public.chats c set state = 'closed', reason = 'You are no longer linked to this wedding.'
    where c.wedding_id = v_wedding and c.link_id = p_link and c.state <> 'closed'
    returning new.tenant_id as tenant_id, jsonb_build_object('tenant', new.tenant_id, 'type', 'chat.changed', 'scope', 512, 'table', 'chats', 'id', new.id,
      'op', 'UPDATE', 'record', to_jsonb(new), 'old', to_jsonb(old)) as fact)
  select jsonb_agg(e.fact order by e.tenant_id) into v_facts from ended e;
  if v_facts is null then return; end if;
  return query select t.nudge from app.tell_tenants(v_facts) as t(nudge);
  perform app.settle(null, 'system', v_wedding, 'system', 2047, 2047);
end $$;

grant execute on function app.chats_of(uuid), app.owe_chats(jsonb), app.chat_now(uuid, integer, uuid, uuid), app.chat_people(uuid),
  app.chat_of_button(text, uuid, text), app.reopen_chats(uuid), app.end_chats(uuid) to wedsync_user;
reset role;

-- 85_marketing.sql
-- Marketing: who has to be told that an audience must be looked at, and how much of a shared allowance is whose.
set role wedsync_recorder;

-- As app.owe_records: one waiting job of an audience is enough, and the row of its progress is written first.
create function app.owe_marketing(p_audiences uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_work constant text := 'marketing.sync';
  n integer;
begin
  perform from public.marketing_progress g where g.audience_id = any (p_audiences) order by g.audience_id for update;
  update public.marketing_progress g set pokes = g.pokes + 1, pulls_wanted = g.pulls_wanted + p_pull::integer,
      not_before = case when not p_now then g.not_before end
    where g.audience_id = any (p_audiences);
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select a.id, a.tenant_id, 'work', 4, 6000 from public.marketing_audiences a where a.id = any (p_audiences) order by a.id
    on conflict (id) do nothing;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, args, run_at)
    select uuidv7(), 'work', v_work, 2, a.tenant_id, a.id, a.id, nextval('public.marketing_pokes'), jsonb_build_object('audience_id', a.id),
      clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0')) / app.speed()
    from public.marketing_audiences a join public.marketing_progress g on g.audience_id = a.id join public.connections n on n.id = a.id
    where a.id = any (p_audiences) and a.is_on and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null
      and not exists (select from public.jobs j where j.destination_id = a.id and j.order_key = a.id and j.name = v_work
        and j.lease_token is null and (j.run_at <= clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0'))
          or j.run_at = 'infinity'));
  get diagnostics n = row_count;
  return n;
end $$;

-- Those of the entered tenant; null: all of them.
create function app.poke_marketing(p_audiences uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  return app.owe_marketing(array(select a.id from public.marketing_audiences a
    where (p_audiences is null or a.id = any (p_audiences)) and a.tenant_id = app.tenant()), p_pull, p_now);
end $$;

-- One more act of the ledger, by who keeps it or by the engine.
create function app.add_marketing_consent(p_id uuid, p_client uuid, p_sealed bytea, p_act text, p_method text, p_wording text, p_source text,
  p_connection uuid)
returns table (id uuid, record jsonb)
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() is null or app.role() not in ('owner', 'admin', 'system') then
    raise insufficient_privilege using message = 'the ledger is kept by owners and admins';
  end if;
  return query
    insert into public.marketing_consents as c (supplier_id, id, client_id, sealed, act, method, wording, source, connection_id, made_by)
    values (app.tenant(), p_id, p_client, p_sealed, p_act, p_method, p_wording, p_source, p_connection, app.actor())
    returning c.id, to_jsonb(c);
end $$;

-- How many accounts share what a provider allows one application: all that are used.
create function app.marketing_sharers(p_connector text) returns integer
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'marketing_sharers is the system''s'; end if;
  return (select count(*)::integer from public.marketing_audiences a join public.connections n on n.id = a.id
    where n.connector = p_connector and a.is_on and n.deleted_at is null and n.state in ('connecting', 'active', 'degraded'));
end $$;

-- Which of these addresses the entered supplier may not write to: they bounced, reported us, took back what they agreed to, or want no offers of it on
-- a wedding of theirs. The most restrictive word wins; only its owner takes a withdrawal back, on a page. p_clients: the same addresses by the index
-- of this supplier's clients.
create function app.marketing_barred(p_index bytea[], p_clients bytea[]) returns setof bytea
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'marketing_barred is the system''s'; end if;
  return query
    select s.address_index from public.mail_suppressions s where s.address_index = any (p_index)
    union
    select w.address_index from public.mail_consents w
    where w.address_index = any (p_index) and w.act = 'withdrawn' and w.topic in ('marketing', 'journeys', 'all')
      and (w.supplier_id is null or w.supplier_id = app.tenant())
      and not exists (select from public.mail_consents g where g.address_index = w.address_index and g.act = 'given' and g.method = 'page'
        and g.topic in (w.topic, 'all') and g.supplier_id is not distinct from w.supplier_id and g.made_at > w.made_at)
    union
    select v.index from public.clients c
    join public.marketing_stops s on s.link_id = c.link_id
    cross join lateral (values (c.email_index), (c.partner_email_index)) as v(index)
    where c.supplier_id = app.tenant() and v.index = any (p_clients);
end $$;

-- The reaction of a wedding: a milestone of one link, or of all, has been reached. Returns how many audiences are looked at.
create function app.reach_marketing_milestone(p_link uuid, p_milestone text) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_suppliers uuid[];
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'reach_marketing_milestone is the system''s'; end if;
  with reached as (
    insert into public.marketing_milestones (tenant_id, client_id, milestone)
    select c.supplier_id, c.id, p_milestone from public.clients c
    where c.wedding_id = v_wedding and (p_link is null or c.link_id = p_link)
    order by c.supplier_id, c.id
    on conflict (tenant_id, client_id, milestone) do nothing returning tenant_id)
  select array_agg(distinct r.tenant_id) into v_suppliers from reached r;
  if v_suppliers is null then return 0; end if;
  return app.owe_marketing(array(select a.id from public.marketing_audiences a where a.tenant_id = any (v_suppliers)), false);
end $$;

grant execute on function app.poke_marketing(uuid[], boolean, boolean), app.marketing_sharers(text),
  app.add_marketing_consent(uuid, uuid, bytea, text, text, text, text, uuid), app.marketing_barred(bytea[], bytea[]),
  app.reach_marketing_milestone(uuid, text) to wedsync_user;

-- The clock: audiences whose time to be looked at has come. The next time is set by the run; until then they are left alone for five minutes.
create function app.poke_due_marketing(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_due uuid[];
begin
  with due as (
    select g.audience_id from public.marketing_progress g
    where g.next_poll_at <= app.now() order by g.next_poll_at limit p_limit for update skip locked),
  put_off as (
    update public.marketing_progress g set next_poll_at = app.now() + interval '5 minutes'
    from due d where g.audience_id = d.audience_id returning g.audience_id)
  select array_agg(p.audience_id) into v_due from put_off p;
  return case when v_due is null then 0 else app.owe_marketing(v_due, true) end;
end $$;
grant execute on function app.poke_due_marketing(integer) to wedsync_service;
reset role;

-- 85_records.sql
-- Records of CRMs: who has to be told that one must be looked at. Everybody may poke; the job looks at what stands.
set role wedsync_recorder;

-- As app.owe_syncs: one waiting job of a book is enough, and the row of its progress is written first, so that a job which is running is no longer
-- waiting when we look. What must wait (the provider said so) waits, unless p_now.
create function app.owe_records(p_books uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_work constant text := 'records.sync';
  n integer;
begin
  perform from public.record_progress g where g.book_id = any (p_books) order by g.book_id for update;
  update public.record_progress g set pokes = g.pokes + 1, pulls_wanted = g.pulls_wanted + p_pull::integer,
      not_before = case when not p_now then g.not_before end
    where g.book_id = any (p_books);
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select b.id, b.tenant_id, 'work', 4, 6000 from public.record_books b where b.id = any (p_books) order by b.id
    on conflict (id) do nothing;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, args, run_at)
    select uuidv7(), 'work', v_work, 1, b.tenant_id, b.id, b.id, nextval('public.record_pokes'), jsonb_build_object('book_id', b.id),
      clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0')) / app.speed()
    from public.record_books b join public.record_progress g on g.book_id = b.id join public.connections n on n.id = b.id
    where b.id = any (p_books) and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null and b.direction <> 'off'
      and not exists (select from public.jobs j where j.destination_id = b.id and j.order_key = b.id and j.name = v_work
        and j.lease_token is null and (j.run_at <= clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0'))
          or j.run_at = 'infinity'));
  get diagnostics n = row_count;
  return n;
end $$;

-- Those of the entered tenant; null: all of them.
create function app.poke_records(p_books uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  return app.owe_records(array(select b.id from public.record_books b
    where (p_books is null or b.id = any (p_books)) and b.tenant_id = app.tenant()), p_pull, p_now);
end $$;

-- A hook has come: the records it names, if any, and whatever else has changed. More than a run reads at once is found by the pull.
create function app.hint_records(p_book uuid, p_hints text[]) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'hint_records is the system''s'; end if;
  update public.record_progress g
    set hints = array(select distinct h from unnest(g.hints || p_hints) h order by h limit 200)
    where g.book_id = p_book and g.tenant_id = app.tenant();
  return app.poke_records(array[p_book], true);
end $$;

-- The couples on WedSync among a supplier's clients: what they have decided holds, whatever the records say. Only active links, only core.
create function app.joined_clients(p_clients uuid[])
returns table (client_id uuid, link_id uuid, "on" date)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'joined_clients is the system''s'; end if;
  return query
    select c.id, l.id, w."on"
    from public.clients c
    join public.links l on l.wedding_id = c.wedding_id and l.id = c.link_id and l.status = 'active' and l.supplier_id = c.supplier_id
    join public.weddings w on w.wedding_id = l.wedding_id
    where c.supplier_id = app.tenant() and c.id = any (p_clients);
end $$;

-- The reaction of a wedding: its date or who works for it changed. Its client in every supplier's books is looked at anew.
create function app.mark_records_of(p_wedding uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_books uuid[];
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'mark_records_of is the system''s'; end if;
  with marked as (
    update public.record_items i set is_dirty = true, marks = i.marks + 1
    from public.clients c where c.wedding_id = p_wedding and i.tenant_id = c.supplier_id and i.client_id = c.id
    returning i.book_id)
  select array_agg(distinct m.book_id) into v_books from marked m;
  return case when v_books is null then 0 else app.owe_records(v_books, false) end;
end $$;

grant execute on function app.poke_records(uuid[], boolean, boolean), app.hint_records(uuid, text[]), app.joined_clients(uuid[]),
  app.mark_records_of(uuid) to wedsync_user;

-- The clock: CRMs whose time to be asked has come. The next time is set by the run; until then they are left alone for five minutes.
create function app.poke_due_records(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_due uuid[];
begin
  with due as (
    select g.book_id from public.record_progress g
    where g.next_poll_at <= app.now() order by g.next_poll_at limit p_limit for update skip locked),
  put_off as (
    update public.record_progress g set next_poll_at = app.now() + interval '5 minutes'
    from due d where g.book_id = d.book_id returning g.book_id)
  select array_agg(p.book_id) into v_due from put_off p;
  return case when v_due is null then 0 else app.owe_records(v_due, true) end;
end $$;

create function app.forget_record_runs(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.record_runs r where r.ended_at < clock_timestamp() - make_interval(days => p_days);
  get diagnostics n = row_count;
  delete from public.record_conflicts k where k.state = 'resolved' and k.resolved_at < app.now() - make_interval(days => p_days);
  return n;
end $$;
grant execute on function app.poke_due_records(integer), app.forget_record_runs(integer) to wedsync_service;
reset role;

-- 86_feeds.sql
-- The door of a feed: a transaction that may read what the feed's maker may, in its own home or in a wedding of the supplier.
set role wedsync_recorder;

-- WS404 = there is none, WS410 = it was ended, or its maker has left. A wedding is entered by the supplier's own link, never by another's.
create function app.enter_feed(p_feed uuid, p_wedding uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  f record;
  s record;
begin
  select x.tenant_id, x.person_id, x.revoked_at into f from public.feeds x where x.id = p_feed;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  select * into s from app.standing(f.person_id, f.tenant_id);
  if not found or f.revoked_at is not null then raise exception 'gone' using errcode = 'WS410'; end if;
  if p_wedding is not null then
    select 'supplier' as role, l.mask, l.id as link_id, null::uuid as membership_id into s
    from public.links l
    join public.supplier_members m on m.supplier_id = l.supplier_id and m.person_id = f.person_id and m.removed_at is null
    where l.supplier_id = f.tenant_id and l.wedding_id = p_wedding and l.status = 'active'
      and (m.role in ('owner', 'admin')
        or exists (select from public.assignments a where a.supplier_id = m.supplier_id and a.member_id = m.id and a.link_id = l.id))
    order by l.mask desc, l.id limit 1;
    if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  else
    update public.feeds x set read_at = app.now()
    where x.tenant_id = f.tenant_id and x.id = p_feed and (x.read_at is null or x.read_at < app.now() - interval '1 hour');
  end if;
  perform app.settle(f.person_id, 'person', coalesce(p_wedding, f.tenant_id), s.role, s.mask, 0, s.link_id, s.membership_id);
  if s.link_id is not null then raise info 'entered % % %', coalesce(p_wedding, f.tenant_id), s.link_id, s.mask; end if;
  -- Policies that go by the role would let whoever has the address write.
  perform set_config('transaction_read_only', 'on', true);
end $$;
revoke all on function app.enter_feed(uuid, uuid) from public;
grant execute on function app.enter_feed(uuid, uuid) to wedsync_user;
reset role;

-- 86_journeys.sql
-- Journeys: what reaches over homes. A wedding asks for its supplier's journeys and how they write; a supplier has weddings begin one and lists them;
-- the clock finds what is due; whoever holds a mail's way out needs no login.
set role wedsync_recorder;

-- The journeys of the supplier behind a link of the entered wedding: the one that is named, or all that begin with a booking.
create function app.journeys_for(p_link uuid, p_journey uuid default null)
returns table (id uuid, name text, steps jsonb, version integer, is_active boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' and app.link() is distinct from p_link then
    raise insufficient_privilege using message = 'journeys are their supplier''s';
  end if;
  return query
    select j.id, j.name, j.steps, j.version, j.is_active
    from public.links l join public.journeys j on j.supplier_id = l.supplier_id
    where l.wedding_id = app.tenant() and l.id = p_link and l.status = 'active'
      and case when p_journey is null then j.is_active and j.starts = 'booking' else j.id = p_journey end
    order by j.id;
end $$;

-- In whose name a step writes: the business, and how its mails look.
create function app.sender_of(p_link uuid) returns table (name text, email text, colour text, signature text, address text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'sender_of is the system''s'; end if;
  return query
    select s.name, s.email, coalesce(y.colour, '#2f4a3a'), coalesce(y.signature, ''), coalesce(y.address, '')
    from public.links l join public.suppliers s on s.supplier_id = l.supplier_id
    left join public.invitation_styles y on y.supplier_id = s.supplier_id
    where l.wedding_id = app.tenant() and l.id = p_link;
end $$;

-- Work in every wedding that a supplier names, or in all that are ahead: they begin the journey, or follow its newest version. p_enrolled: only those
-- that are on it already. How many.
create function app.owe_enrolments(p_journey uuid, p_links uuid[] default null, p_enrolled boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  if app.role() not in ('owner', 'admin') then raise insufficient_privilege using message = 'journeys are begun by who leads the business'; end if;
  perform from public.journeys j where j.supplier_id = app.tenant() and j.id = p_journey;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'journeys.enrol', 3, l.wedding_id, '00000000-0000-7000-8000-000000000003',
      jsonb_build_object('journey', p_journey, 'link', l.id)
    from public.links l join public.weddings w on w.wedding_id = l.wedding_id
    where l.supplier_id = app.tenant() and l.status = 'active' and (p_links is null or l.id = any (p_links))
      and w.date_status <> 'cancelled' and (p_links is not null or p_enrolled or w."on" is null or w."on" >= app.now()::date)
      and (not p_enrolled or exists (select from public.enrolments e where e.wedding_id = l.wedding_id and e.link_id = l.id
        and e.journey_id = p_journey and e.state <> 'stopped'));
  get diagnostics n = row_count;
  return n;
end $$;

-- The weddings on the way of one of the entered supplier's journeys; a member sees those assigned, as everywhere (supplier_index).
create function app.enrolments_of(p_journey uuid, p_after uuid, p_limit integer)
returns table (id uuid, wedding_id uuid, link_id uuid, journey_version integer, state text, reason text, next_at timestamptz, began_at timestamptz,
  taken integer, failed integer)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'member', 'system') then raise insufficient_privilege using message = 'enrolments are the supplier''s'; end if;
  return query
    select e.id, e.wedding_id, e.link_id, e.journey_version, e.state, e.reason, e.next_at, e.began_at,
      (select count(*)::integer from public.journey_runs r where r.wedding_id = e.wedding_id and r.enrolment_id = e.id and r.state in ('sent', 'done')),
      (select count(*)::integer from public.journey_runs r where r.wedding_id = e.wedding_id and r.enrolment_id = e.id and r.state = 'failed')
    from public.enrolments e join public.links l on l.wedding_id = e.wedding_id and l.id = e.link_id
    where e.journey_id = p_journey and l.supplier_id = app.tenant() and (p_after is null or e.id < p_after)
      and (app.role() <> 'member' or exists (select from public.assignments a
        join public.supplier_members m on m.supplier_id = a.supplier_id and m.id = a.member_id
        where a.supplier_id = app.tenant() and a.link_id = e.link_id and m.person_id = app.actor()))
    order by e.id desc limit p_limit;
end $$;

create function app.owe_minding(p_weddings uuid[]) returns integer
language plpgsql volatile set search_path = '' as $$
declare
  n integer;
begin
  -- One waiting job of a wedding is enough, for it looks at what stands.
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'journeys.mind', 2, w.id, '00000000-0000-7000-8000-000000000003', '{}'
    from (select distinct unnest(p_weddings) as id) w
    where not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-000000000003' and j.tenant_id = w.id
      and j.name = 'journeys.mind');
  get diagnostics n = row_count;
  return n;
end $$;

-- Weddings where a step is due.
create function app.poke_journeys(p_limit integer default 500) returns integer
language sql volatile security definer set search_path = '' as $$
  select app.owe_minding(array(select e.wedding_id from public.enrolments e where e.state = 'active' and e.next_at <= app.now() limit p_limit));
$$;

-- Which milestones of the calendar hold for a wedding: fewer than six months to go, or its last day is over.
create function app.calendar_milestones(p_on date, p_last date, p_today date) returns text[]
language sql immutable set search_path = '' as $$
  select array_remove(array[case when (p_on - interval '6 months')::date <= p_today then 'six_months' end,
    case when p_last < p_today then 'date_passed' end], null);
$$;

-- Weddings where one of them holds and was not noted for every link that is active. What is over for a fortnight is left alone.
create function app.poke_milestones(p_limit integer default 500) returns integer
language sql volatile security definer set search_path = '' as $$
  select app.owe_minding(array(
    select w.wedding_id from public.weddings w
    where w."on" between app.now()::date - 14 and app.now()::date + 186 and w.date_status not in ('cancelled', 'postponed')
      and exists (
        select from public.links l
        cross join unnest(app.calendar_milestones(w."on", greatest(w."on", (select max(d."on") from public.wedding_days d where d.wedding_id = w.wedding_id)),
          (app.now() at time zone w.time_zone)::date)) as c(name)
        where l.wedding_id = w.wedding_id and l.status = 'active' and not exists (select from public.milestones m
          where m.wedding_id = l.wedding_id and m.link_id = l.id and m.name = c.name))
    limit p_limit));
$$;

-- Whose offers a mail's way out stops, for who holds it.
create function app.marketing_place(p_link uuid, p_person uuid) returns table (supplier_name text, is_stopped boolean)
language sql stable security definer set search_path = '' as $$
  select l.supplier_name, exists (select from public.marketing_stops s where s.wedding_id = l.wedding_id and s.link_id = l.id and s.person_id = p_person)
  from public.links l where l.id = p_link;
$$;

-- One press, no login. Returns the nudges; twice is once.
create function app.stop_marketing(p_link uuid, p_person uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := (select l.wedding_id from public.links l where l.id = p_link);
  v_stop public.marketing_stops;
begin
  if v_wedding is null then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(p_person, 'person', v_wedding, 'system', 2047, 2047);
  insert into public.marketing_stops (wedding_id, link_id, person_id, stopped_at) values (v_wedding, p_link, p_person, app.now())
    on conflict do nothing returning * into v_stop;
  if v_stop.id is not null then
    return next app.record(jsonb_build_array(jsonb_build_object('type', 'marketing.stopped', 'scope', 1, 'link', p_link, 'table', 'marketing_stops',
      'id', v_stop.id, 'op', 'INSERT', 'record', to_jsonb(v_stop))));
  end if;
end $$;

grant execute on function app.journeys_for(uuid, uuid), app.sender_of(uuid), app.owe_enrolments(uuid, uuid[], boolean),
  app.enrolments_of(uuid, uuid, integer), app.marketing_place(uuid, uuid), app.stop_marketing(uuid, uuid),
  app.calendar_milestones(date, date, date) to wedsync_user;
grant execute on function app.poke_journeys(integer), app.poke_milestones(integer) to wedsync_service;
reset role;

-- 86_keys.sql
-- Rotating keys: who may read and write what is sealed, in every table that holds it (wedsync.processes.sealed_places). `wedsync rotate-keys` comes as
-- wedsync_owner and works as wedsync_recorder, whose policies let it see all tenants; no door has this right.
set role wedsync_owner;
grant update (sealed, email_index) on public.guest_contacts to wedsync_recorder;
grant update (sealed) on public.guest_needs, public.notes, public.dietary_sheets, public.day_packs, public.booking_details, public.connections to wedsync_recorder;
grant update (sealed, email_index, partner_email_index) on public.clients to wedsync_recorder;
grant update (sealed) on public.enquiries, public.form_requests, public.form_drafts to wedsync_recorder;
grant update (account_key) on public.connections to wedsync_recorder;
grant update (account_sealed, credentials_sealed) on public.connection_accounts to wedsync_recorder;
reset role;

-- 87_plans.sql
-- Plans: what a business may have of everything that is limited, and the one place where that is asked and held. Couples are never limited.
-- Tiers are rows, so that an operator changes them by statement; whoever has no row of its own has the default. What is over a limit stays as it
-- is: only what is new is refused, and nothing that concerns a wedding in its protected window (docs/decisions/0021-limits-in-triggers-calls-in-batches.md).
set role wedsync_owner;

create table public.plans (
  plan text primary key check (plan ~ '^[a-z_]{2,40}$'),
  rank smallint not null unique,
  title text not null check (length(title) between 1 and 60)
);
comment on table public.plans is 'The tiers, the smallest first by rank';

create table public.plan_limits (
  plan text not null references public.plans,
  name text not null check (name in ('weddings', 'seats', 'connections', 'sms', 'api_calls', 'sync_minutes', 'history_months')),
  allowed bigint check (allowed >= 0),
  primary key (plan, name)
);
comment on table public.plan_limits is 'How much of what a tier holds; null = no limit. weddings, seats and connections stand, sms and api_calls are of a month, sync_minutes is how often a calendar is asked, history_months how far back the log is read';

create table public.plan_default (
  only_row boolean primary key default true check (only_row),
  plan text not null references public.plans
);
comment on table public.plan_default is 'WEDSYNC_DEFAULT_PLAN, written by the migrator; without a row the largest tier';

create table public.supplier_plans (
  supplier_id uuid primary key references public.suppliers on delete cascade,
  id uuid generated always as (supplier_id) stored,
  plan text references public.plans,
  extra jsonb not null default '{}' check (jsonb_typeof(extra) = 'object' and length(extra::text) <= 2000),
  reason text not null default '' check (length(reason) <= 300),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.supplier_plans is 'The plan an operator gave a business; plan null = the default. extra: limits of its own instead of the tier''s, {name: number or null}';
create trigger bump before update on public.supplier_plans for each row execute function app.bump();
call app.protect('public.supplier_plans', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$, null);
grant insert, update on public.supplier_plans to wedsync_recorder;

create table public.limit_notices (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  name text not null,
  level text not null check (level in ('near', 'reached')),
  month date,
  allowed bigint not null,
  used bigint not null,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (supplier_id, name)
);
comment on table public.limit_notices is 'What a business was told of: eight tenths of a limit are used, or all of it. Gone when less is used or a new month began, so that the next time is told again';
create trigger bump before update on public.limit_notices for each row execute function app.bump();
call app.protect('public.limit_notices', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$, null);
grant insert, update, delete on public.limit_notices to wedsync_recorder;

create table public.usage_days (
  supplier_id uuid not null references public.suppliers on delete cascade,
  "on" date not null,
  api_calls bigint not null default 0,
  sms bigint not null default 0,
  primary key (supplier_id, "on")
) with (fillfactor = 50);
comment on table public.usage_days is 'What was used on a day (UTC): calls of programs that were let in, SMS that were sent';
call app.protect('public.usage_days', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$, null);
grant insert, update on public.usage_days to wedsync_recorder;

create table public.usage_writers (
  id uuid primary key,
  batch bigint not null,
  at timestamptz not null default clock_timestamp()
);
comment on table public.usage_writers is 'The last batch of counted calls of each process: one that is sent twice counts once';

do $$
declare t text;
begin
  foreach t in array array['plans', 'plan_limits', 'plan_default', 'usage_writers'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('alter table public.%I force row level security', t);
    execute format('create policy recorder on public.%I for all to wedsync_recorder using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on public.%I to wedsync_recorder', t);
  end loop;
end $$;
reset role;

set role wedsync_recorder;
insert into public.plans (plan, rank, title) values
  ('free', 1, 'Free'), ('starter', 2, 'Starter'), ('professional', 3, 'Professional'), ('studio', 4, 'Studio');
insert into public.plan_limits (plan, name, allowed) values
  ('free', 'weddings', 3), ('starter', 'weddings', 25), ('professional', 'weddings', 100), ('studio', 'weddings', null),
  ('free', 'seats', 1), ('starter', 'seats', 1), ('professional', 'seats', 3), ('studio', 'seats', 10),
  ('free', 'connections', 0), ('starter', 'connections', 1), ('professional', 'connections', 3), ('studio', 'connections', null),
  ('free', 'sync_minutes', 240), ('starter', 'sync_minutes', 60), ('professional', 'sync_minutes', 15), ('studio', 'sync_minutes', 0),
  ('free', 'sms', 0), ('starter', 'sms', 0), ('professional', 'sms', 250), ('studio', 'sms', 1000),
  ('free', 'api_calls', 1000), ('starter', 'api_calls', 10000), ('professional', 'api_calls', 150000), ('studio', 'api_calls', 1500000),
  ('free', 'history_months', 3), ('starter', 'history_months', 12), ('professional', 'history_months', 24), ('studio', 'history_months', null);

-- Days and months of usage are those of UTC, so that they begin at one moment for all processes.
create function app.usage_day() returns date language sql stable set search_path = ''
  return (app.now() at time zone 'UTC')::date;

-- A wedding from a day before it is live until a day after it was, and a business that works at one.
create function app.is_protected(p_tenant uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.wedding_days d
    where app.now() between d.live_from - interval '24 hours' and d.live_until + interval '24 hours'
      and (d.wedding_id = p_tenant or exists (select from public.links l
        where l.wedding_id = d.wedding_id and l.supplier_id = p_tenant and l.status = 'active')));
$$;

create function app.plan_of(p_supplier uuid) returns text
language sql stable set search_path = '' as $$
  select coalesce((select s.plan from public.supplier_plans s where s.supplier_id = p_supplier),
    (select d.plan from public.plan_default d), (select p.plan from public.plans p order by p.rank desc limit 1));
$$;

-- Null: no limit.
create function app.allowed(p_supplier uuid, p_name text) returns bigint
language sql stable set search_path = '' as $$
  select case when s.extra ? p_name then (s.extra ->> p_name)::bigint else l.allowed end
  from public.plan_limits l left join public.supplier_plans s on s.supplier_id = p_supplier
  where l.plan = app.plan_of(p_supplier) and l.name = p_name;
$$;

-- Files and feeds are no accounts: every plan has them.
create function app.is_counted_account(c public.connections) returns boolean
language sql immutable set search_path = ''
  return coalesce(c.state not in ('draft', 'disconnected'), false) and c.deleted_at is null and c.connector not in ('ics', 'csv');

-- Active: linked, not cancelled, and its day not longer ago than a quarter of a year, in which it is still being delivered.
create function app.is_active_wedding(w public.weddings) returns boolean
language sql stable set search_path = ''
  return w.date_status <> 'cancelled' and (w."on" is null or w."on" >= app.usage_day() - 90);

create function app.used(p_supplier uuid, p_name text) returns bigint
language plpgsql stable set search_path = '' as $$
begin
  if p_name = 'weddings' then
    return (select count(*) from public.links l join public.weddings w on w.wedding_id = l.wedding_id
      where l.supplier_id = p_supplier and l.status = 'active' and app.is_active_wedding(w));
  elsif p_name = 'seats' then
    return (select count(*) from public.supplier_members m where m.supplier_id = p_supplier and m.removed_at is null);
  elsif p_name = 'connections' then
    return (select count(*) from public.connections c where c.tenant_id = p_supplier and app.is_counted_account(c));
  end if;
  return (select coalesce(sum(case p_name when 'sms' then u.sms else u.api_calls end), 0) from public.usage_days u
    where u.supplier_id = p_supplier and u."on" >= date_trunc('month', app.usage_day())::date);
end $$;

create function app.limit_in_words(p_name text, p_number bigint) returns text
language sql immutable set search_path = ''
  return p_number || ' ' || case p_name when 'weddings' then 'active wedding' when 'seats' then 'seat' when 'connections' then 'connected account'
    when 'sms' then 'text message' else 'API call' end || case when p_number = 1 then '' else 's' end
    || case when p_name in ('sms', 'api_calls') then ' a month' else '' end;

-- Refuse in words: what is limited, how much there is, and how to get more. A couple hears nothing of a business's plan.
create function app.refuse_limit(p_supplier uuid, p_name text, p_allowed bigint, p_used bigint) returns void
language plpgsql stable set search_path = '' as $$
declare
  v_plan record;
  v_next text;
  v_fewer text := case when p_name in ('sms', 'api_calls') then format('wait for %s, when a new month begins', to_char(date_trunc('month',
    app.usage_day()) + interval '1 month', 'FMDD FMMonth')) else 'end one that you no longer need' end;
begin
  if app.role() = 'couple' then
    raise exception '%', (select s.name from public.suppliers s where s.supplier_id = p_supplier)
      || ' cannot take on another wedding here just now. Write to them: as soon as they have made room, this works.'
      using errcode = 'WS402', detail = jsonb_build_object('status', 409, 'code', 'supplier_full');
  end if;
  select p.plan, p.title, p.rank into v_plan from public.plans p where p.plan = app.plan_of(p_supplier);
  select p.plan into v_next from public.plans p join public.plan_limits l on l.plan = p.plan and l.name = p_name
    where p.rank > v_plan.rank and (l.allowed is null or l.allowed > p_allowed) order by p.rank limit 1;
  raise exception '%', format('Your plan, %s, has %s, and all of it is used. Choose a larger plan under "Plan and usage", or %s.', v_plan.title,
      app.limit_in_words(p_name, p_allowed), v_fewer)
    using errcode = 'WS402', detail = jsonb_build_object('status', 402, 'code', 'limit_reached', 'limit', p_name, 'allowed', p_allowed,
      'used', p_used, 'plan', v_plan.plan, 'next_plan', v_next, 'raise_at', '/studio/' || p_supplier || '/plan');
end $$;

-- After the row is there: whoever comes second waits for the first one's commit, counts it, and is one too many. Where there is no limit nobody waits.
create function app.hold_limit(p_supplier uuid, p_name text, p_wedding uuid default null) returns void
language plpgsql volatile set search_path = '' as $$
declare
  v_allowed bigint := app.allowed(p_supplier, p_name);
  v_used bigint;
begin
  if v_allowed is null then return; end if;
  perform pg_advisory_xact_lock(hashtextextended('limit:' || p_name || ':' || p_supplier, 0));
  v_used := app.used(p_supplier, p_name);
  if v_used <= v_allowed or app.is_protected(coalesce(p_wedding, p_supplier)) then return; end if;
  perform app.refuse_limit(p_supplier, p_name, v_allowed, v_used - 1);
end $$;

create function app.hold_weddings() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' or old.status <> 'active' or old.supplier_id is distinct from new.supplier_id then
    if exists (select from public.weddings w where w.wedding_id = new.wedding_id and app.is_active_wedding(w)) then
      perform app.hold_limit(new.supplier_id, 'weddings', new.wedding_id);
    end if;
  end if;
  return null;
end $$;

create function app.hold_seats() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' or old.removed_at is not null then perform app.hold_limit(new.supplier_id, 'seats'); end if;
  return null;
end $$;

create function app.hold_connections() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if app.is_counted_account(new) and (tg_op = 'INSERT' or not app.is_counted_account(old)) then
    perform app.hold_limit(new.tenant_id, 'connections') from public.suppliers s where s.supplier_id = new.tenant_id;
  end if;
  return null;
end $$;

grant execute on function app.hold_weddings(), app.hold_seats(), app.hold_connections() to wedsync_owner;
reset role;

set role wedsync_owner;
create trigger hold_weddings after insert or update of status, supplier_id on public.links for each row
  when (new.status = 'active' and new.supplier_id is not null) execute function app.hold_weddings();
create trigger hold_seats after insert or update of removed_at on public.supplier_members for each row
  when (new.removed_at is null) execute function app.hold_seats();
create trigger hold_connections after insert or update of state, deleted_at on public.connections for each row
  when (new.state is not null) execute function app.hold_connections();
reset role;

-- 88_usage.sql
-- Usage: what is counted, what businesses are told of it, and the questions that others ask of a plan.
set role wedsync_recorder;

-- A program enters as a business, or through one of its links: a call of that business. Said beside the answer, so that kit.db counts it in
-- memory; refused where the month's are used up, unless a wedding of the business is in its window: nobody can tell what the call is for.
create function app.meter(p_tenant uuid, p_kind text, p_link uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  v_supplier uuid := case when p_kind = 'supplier' then p_tenant else (select l.supplier_id from public.links l where l.id = p_link) end;
  v_allowed bigint;
  v_used bigint;
begin
  if v_supplier is null then return; end if;
  v_allowed := app.allowed(v_supplier, 'api_calls');
  v_used := case when v_allowed is not null then app.used(v_supplier, 'api_calls') end;
  if v_used >= v_allowed and not app.is_protected(v_supplier) then
    perform app.refuse_limit(v_supplier, 'api_calls', v_allowed, v_used);
  end if;
  raise info 'metered %', v_supplier;
end $$;

-- What a process counted since its last batch, {supplier: calls}, in the order of the rows' keys. A batch that was written before, although its
-- writer did not hear so, changes nothing.
create function app.count_calls(p_writer uuid, p_batch bigint, p_calls jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  insert into public.usage_writers as w (id, batch) values (p_writer, p_batch)
    on conflict (id) do update set batch = excluded.batch, at = clock_timestamp() where w.batch < excluded.batch;
  if not found then return; end if;
  insert into public.usage_days as u (supplier_id, "on", api_calls)
    select s.supplier_id, app.usage_day(), c.value::bigint from jsonb_each_text(p_calls) c join public.suppliers s on s.supplier_id = c.key::uuid
    order by s.supplier_id
    on conflict (supplier_id, "on") do update set api_calls = u.api_calls + excluded.api_calls;
end $$;

create function app.forget_usage_writers() returns void
language sql volatile security definer set search_path = '' as $$
  delete from public.usage_writers w where w.at < clock_timestamp() - interval '7 days';
$$;

-- One text message of a business, before it is sent: counted, or refused. An emergency is always sent, and so is what a wedding in its window needs.
-- p_supplier null: the couple's own, which are nobody's to count.
create function app.claim_sms(p_supplier uuid, p_wedding uuid, p_is_emergency boolean) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_allowed bigint := app.allowed(p_supplier, 'sms');
  v_used bigint;
begin
  if app.role() <> 'system' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  if p_supplier is null then return; end if;
  perform pg_advisory_xact_lock(hashtextextended('limit:sms:' || p_supplier, 0));
  v_used := app.used(p_supplier, 'sms');
  if not p_is_emergency and v_used >= v_allowed and not app.is_protected(coalesce(p_wedding, p_supplier)) then
    perform app.refuse_limit(p_supplier, 'sms', v_allowed, v_used);
  end if;
  insert into public.usage_days as u (supplier_id, "on", sms) values (p_supplier, app.usage_day(), 1)
    on conflict (supplier_id, "on") do update set sms = u.sms + 1;
end $$;

-- How long a connected calendar of the entered tenant is left alone by the clock. What a provider tells of is fetched at once on every plan.
create function app.sync_every() returns interval
language sql stable security definer set search_path = '' as $$
  select case when app.is_protected(app.tenant()) then interval '0'
    else make_interval(mins => coalesce(app.allowed(s.supplier_id, 'sync_minutes'), 0)::integer) end
  from (select app.tenant() as id) t left join public.suppliers s on s.supplier_id = t.id;
$$;

-- From when on the entered business, or the business of the entered link, reads logs. What is older is kept and shows again on a larger plan.
create function app.history_from() returns timestamptz
language sql stable security definer set search_path = '' as $$
  select case when app.is_protected(app.tenant()) then '-infinity'
    else coalesce(app.now() - make_interval(months => app.allowed(x.supplier_id, 'history_months')::integer), '-infinity') end
  from (select coalesce((select l.supplier_id from public.links l where l.id = app.link()),
    (select s.supplier_id from public.suppliers s where s.supplier_id = app.tenant())) as supplier_id) x;
$$;

-- Is there room for one more? What asks before it begins (a consent, an invitation) spares people a refusal at the end; the triggers hold it.
create function app.ask_limit(p_name text) returns void
language plpgsql stable security definer set search_path = '' as $$
declare
  v_allowed bigint := app.allowed(app.tenant(), p_name);
  v_used bigint := app.used(app.tenant(), p_name);
begin
  if v_used >= v_allowed and not app.is_protected(app.tenant())
      and exists (select from public.suppliers s where s.supplier_id = app.tenant()) then
    perform app.refuse_limit(app.tenant(), p_name, v_allowed, v_used);
  end if;
end $$;

-- Clients of the entered business beyond the weddings it has room for, the nearest dates first: kept and shown, and not invited. Worked out and not
-- written down, so that a list of any length comes in, a larger plan wakes them at once and nothing has to be undone.
create function app.dormant_clients() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_room bigint := app.allowed(app.tenant(), 'weddings') - app.used(app.tenant(), 'weddings');
begin
  if v_room is null then return; end if;
  return query select x.id from (
    select c.id, c.wedding_on, row_number() over (order by c.wedding_on nulls last, c.created_at, c.id) as n from public.clients c
    where c.supplier_id = app.tenant() and c.link_id is null and c.stage not in ('cancelled', 'completed')
      and (c.wedding_on is null or c.wedding_on >= app.usage_day() - 90)) x
    where x.n > v_room and (x.wedding_on is null or x.wedding_on not between app.usage_day() - 1 and app.usage_day() + 1);
end $$;

-- The plan of the entered business with everything that is limited; used is null where nothing is counted.
create function app.plan_report() returns table (name text, allowed bigint, used bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'system') then raise exception 'forbidden' using errcode = 'WS403'; end if;
  return query select l.name, app.allowed(app.tenant(), l.name),
      case when l.name not in ('sync_minutes', 'history_months') then app.used(app.tenant(), l.name) end
    from public.plan_limits l where l.plan = app.plan_of(app.tenant());
end $$;

create function app.my_plan() returns table (plan text, title text, is_default boolean, extra jsonb, is_protected boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'system') then raise exception 'forbidden' using errcode = 'WS403'; end if;
  return query select p.plan, p.title, s.plan is null, coalesce(s.extra, '{}'), app.is_protected(app.tenant())
    from public.plans p left join public.supplier_plans s on s.supplier_id = app.tenant() where p.plan = app.plan_of(app.tenant());
end $$;

create function app.plans() returns table (plan text, title text, limits jsonb)
language sql stable security definer set search_path = '' as $$
  select p.plan, p.title, jsonb_object_agg(l.name, l.allowed) from public.plans p join public.plan_limits l on l.plan = p.plan
  group by p.plan, p.title, p.rank order by p.rank;
$$;

-- The operator gives a business a plan (null: the default) and limits of its own. Nothing the business has is touched. Returns the nudge, or null
-- where that is what it has.
create function app.set_plan(p_supplier uuid, p_plan text, p_extra jsonb, p_reason text) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_fact jsonb;
begin
  perform from public.suppliers s where s.supplier_id = p_supplier;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
  insert into public.supplier_plans as s (supplier_id, plan, extra, reason) values (p_supplier, p_plan, p_extra, p_reason)
    on conflict (supplier_id) do update set plan = excluded.plan, extra = excluded.extra, reason = excluded.reason
      where (s.plan, s.extra) is distinct from (excluded.plan, excluded.extra)
    returning jsonb_build_object('type', 'plan.changed', 'scope', 1, 'table', 'supplier_plans', 'id', new.id,
      'op', case when old.supplier_id is null then 'INSERT' else 'UPDATE' end, 'record', to_jsonb(new),
      'old', case when old.supplier_id is not null then to_jsonb(old) end) into v_fact;
  return case when v_fact is not null then app.record(jsonb_build_array(v_fact)) end;
end $$;

-- For the operator: the plan a business was given (null: the default), its own limits, and what it has and uses.
create function app.show_plan(p_supplier uuid)
returns table (given text, extra jsonb, plan text, title text, name text, allowed bigint, used bigint)
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform from public.suppliers s where s.supplier_id = p_supplier;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
  return query select (select s.plan from public.supplier_plans s where s.supplier_id = p_supplier), m.extra, m.plan, m.title, r.name, r.allowed, r.used
    from app.my_plan() m, app.plan_report() r;
end $$;

create function app.set_default_plan(p_plan text) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.plan_default as d (plan) values (p_plan) on conflict (only_row) do update set plan = excluded.plan where d.plan <> excluded.plan;
$$;

-- Where eight tenths of a limit are used, or all of it. A limit of one or two is no surprise to anybody, so it is not told of.
create function app.near_limits(p_supplier uuid default null)
returns table (supplier_id uuid, name text, month date, allowed bigint, used bigint, level text)
language sql stable set search_path = '' as $$
  select x.supplier_id, x.name, x.month, x.allowed, x.used, case when x.used >= x.allowed then 'reached' else 'near' end
  from (
    select c.supplier_id, c.name, c.month, c.used, app.allowed(c.supplier_id, c.name) as allowed from (
      select l.supplier_id, 'weddings' as name, null::date as month, count(*) as used
        from public.links l join public.weddings w on w.wedding_id = l.wedding_id
        where l.status = 'active' and app.is_active_wedding(w) and l.supplier_id = coalesce(p_supplier, l.supplier_id) group by l.supplier_id
      union all
      select m.supplier_id, 'seats', null, count(*) from public.supplier_members m
        where m.removed_at is null and m.supplier_id = coalesce(p_supplier, m.supplier_id) group by m.supplier_id
      union all
      select n.tenant_id, 'connections', null, count(*) from public.connections n join public.suppliers s on s.supplier_id = n.tenant_id
        where app.is_counted_account(n) and n.tenant_id = coalesce(p_supplier, n.tenant_id) group by n.tenant_id
      union all
      select u.supplier_id, k.name, date_trunc('month', app.usage_day())::date, sum(k.n)
        from public.usage_days u, lateral (values ('sms', u.sms), ('api_calls', u.api_calls)) k(name, n)
        where u."on" >= date_trunc('month', app.usage_day())::date and u.supplier_id = coalesce(p_supplier, u.supplier_id)
        group by u.supplier_id, k.name) c) x
  where x.allowed >= 3 and x.used >= x.allowed * 0.8;
$$;

-- Called by the clock: whose notices are not what stands.
create function app.suppliers_near_limits() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct coalesce(n.supplier_id, h.supplier_id) from app.near_limits() n
  full join public.limit_notices h on h.supplier_id = n.supplier_id and h.name = n.name and coalesce(h.month, '-infinity') = coalesce(n.month, '-infinity')
  where h.id is null or n.name is null or (h.level = 'near' and n.level = 'reached');
$$;

-- Each is told once that a limit comes near, and once that it is reached. Returns the nudge, or null when there was nothing to say.
create function app.warn_of_limits(p_supplier uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
  perform pg_advisory_xact_lock(hashtextextended('limit:notices:' || p_supplier, 0));
  delete from public.limit_notices h where h.supplier_id = p_supplier and not exists (select from app.near_limits(p_supplier) n
    where n.name = h.name and n.month is not distinct from h.month);
  with told as (
    insert into public.limit_notices as h (supplier_id, name, level, month, allowed, used)
    select n.supplier_id, n.name, n.level, n.month, n.allowed, n.used from app.near_limits(p_supplier) n order by n.name
    on conflict (supplier_id, name) do update set level = excluded.level, allowed = excluded.allowed, used = excluded.used
      where h.level = 'near' and excluded.level = 'reached'
    returning new.id, new.level, to_jsonb(new) as record, case when old.id is not null then to_jsonb(old) end as old_record)
  select jsonb_agg(jsonb_build_object('type', case t.level when 'near' then 'limit.neared' else 'limit.reached' end, 'scope', 1,
    'table', 'limit_notices', 'id', t.id, 'op', case when t.old_record is null then 'INSERT' else 'UPDATE' end, 'record', t.record,
    'old', t.old_record)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;

grant execute on function app.count_calls(uuid, bigint, jsonb), app.claim_sms(uuid, uuid, boolean), app.sync_every(), app.history_from(),
  app.ask_limit(text), app.dormant_clients(), app.plan_report(), app.my_plan(), app.plans() to wedsync_user;
grant execute on function app.set_plan(uuid, text, jsonb, text), app.show_plan(uuid), app.suppliers_near_limits(), app.warn_of_limits(uuid),
  app.forget_usage_writers(), app.plans() to wedsync_service;
grant execute on function app.set_default_plan(text) to wedsync_owner;
reset role;

-- 89_freeze.sql
-- The platform's freeze: its stretches as planned by the clock, the overrides that two operators give, the requests to migrate, and the trigger that
-- keeps everybody else's DDL out. Home: the platform. Read and written by functions alone, which ask for the operator.
set role wedsync_owner;
create table public.freezes (
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  kind text not null check (kind in ('live', 'guarded')),
  reason text not null check (length(reason) between 1 and 300),
  primary key (tenant_id, starts_at),
  check (starts_at < ends_at)
);
comment on table public.freezes is 'When the platform is, was and will be frozen, by the rule in wedsync/operations/freeze/model.py; what is over stays';
call app.protect('public.freezes', 'tenant_id', 'false', null);

create table public.freeze_rules (
  tenant_id uuid primary key default '00000000-0000-7000-8000-000000000000' references public.streams,
  is_enforced boolean not null,
  live_max integer not null check (live_max >= 0),
  planned_at timestamptz not null
);
comment on table public.freeze_rules is 'What the database needs of the rule to refuse by itself; no row = the platform never ran, nothing is refused';
call app.protect('public.freeze_rules', 'tenant_id', 'false', null);

create table public.freeze_overrides (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  reason text not null check (length(reason) between 10 and 500),
  minutes integer not null check (minutes between 5 and 240),
  asked_by uuid not null references public.persons,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  confirmed_by uuid references public.persons,
  confirmed_at timestamptz,
  ended_by uuid references public.persons,
  ended_at timestamptz,
  check (confirmed_by <> asked_by),
  check ((confirmed_by is null) = (confirmed_at is null)),
  check ((ended_by is null) = (ended_at is null))
);
comment on table public.freeze_overrides is 'Asked by one operator, in force once another has confirmed it, until it expires or is ended; never deleted';
create index freeze_overrides_recent on public.freeze_overrides (expires_at);
call app.protect('public.freeze_overrides', 'tenant_id', 'false', null);

grant insert, update, delete on public.freezes to wedsync_recorder;
grant insert, update on public.freeze_rules, public.freeze_overrides to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- Whoever entered the platform as its operator; everybody else is told so.
create function app.as_operator() returns uuid
language plpgsql stable set search_path = '' as $$
begin
  if app.role() <> 'operator' or app.tenant() <> '00000000-0000-7000-8000-000000000000' then
    raise exception 'only the operator' using errcode = 'WS403';
  end if;
  return app.actor();
end $$;

-- A cancelled or postponed wedding guards nothing.
create function app.stands(p_status text) returns boolean
language sql immutable set search_path = '' return p_status not in ('cancelled', 'postponed');

-- All that the rule is about: counts, dates and zones, nothing of any wedding. Peaks are told from a year of dates.
create function app.freeze_facts(p_behind interval, p_ahead interval) returns jsonb
language sql stable security definer set search_path = '' as $$
  with t as materialized (select app.now() as now)
  select jsonb_build_object('now', t.now,
    'days', (select coalesce(jsonb_agg(jsonb_build_object('wedding_id', d.wedding_id, 'live_from', d.live_from, 'live_until', d.live_until)), '[]')
      from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
      where d.live_until > t.now - p_behind and d.live_from < t.now + p_ahead and app.stands(w.date_status)),
    'dates', (select coalesce(jsonb_agg(jsonb_build_object('zone', x.zone, 'on', x."on", 'weddings', x.weddings)), '[]')
      from (select y.zone, y."on", count(distinct y.wedding_id) as weddings
        from (select w.time_zone as zone, w."on", w.wedding_id from public.weddings w where app.stands(w.date_status)
            and w."on" between (t.now - interval '30 days')::date and (t.now + interval '365 days')::date
          union select d.zone, d."on", d.wedding_id from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
            where app.stands(w.date_status) and d."on" between (t.now - interval '30 days')::date and (t.now + interval '365 days')::date) y
        group by y.zone, y."on") x),
    'overrides', (select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'reason', o.reason, 'minutes', o.minutes, 'asked_by', o.asked_by,
        'asked_by_name', coalesce(nullif(a.name, ''), a.email, ''), 'asked_at', o.asked_at, 'expires_at', o.expires_at, 'confirmed_by', o.confirmed_by,
        'confirmed_by_name', coalesce(nullif(c.name, ''), c.email, ''), 'confirmed_at', o.confirmed_at, 'ended_at', o.ended_at) order by o.asked_at desc), '[]')
      from public.freeze_overrides o join public.persons a on a.person_id = o.asked_by left join public.persons c on c.person_id = o.confirmed_by
      where o.expires_at > t.now - interval '30 days'))
  from t where session_user <> 'wedsync_user' or app.as_operator() is not null;
$$;

-- The clock writes what the rule says, so that the database can refuse by itself. What is over stays as it was.
create function app.plan_freezes(p_enforced boolean, p_live_max integer, p_stretches jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := app.now();
begin
  insert into public.freeze_rules as r (is_enforced, live_max, planned_at) values (p_enforced, p_live_max, v_now)
    on conflict (tenant_id) do update set is_enforced = excluded.is_enforced, live_max = excluded.live_max, planned_at = excluded.planned_at;
  delete from public.freezes f where f.ends_at > v_now and not exists (
    select from jsonb_to_recordset(p_stretches) as s(starts_at timestamptz) where s.starts_at = f.starts_at);
  insert into public.freezes as f (starts_at, ends_at, kind, reason)
    select s.starts_at, s.ends_at, s.kind, s.reason from jsonb_to_recordset(p_stretches) as s(starts_at timestamptz, ends_at timestamptz, kind text, reason text)
    where s.ends_at > v_now
  on conflict (tenant_id, starts_at) do update set ends_at = excluded.ends_at, kind = excluded.kind, reason = excluded.reason
    where (f.ends_at, f.kind, f.reason) is distinct from (excluded.ends_at, excluded.kind, excluded.reason);
end $$;

-- One operator asks. It waits an hour for another one.
create function app.ask_override(p_reason text, p_minutes integer) returns uuid
language sql volatile security definer set search_path = '' as $$
  insert into public.freeze_overrides (reason, minutes, asked_by, asked_at, expires_at)
  values (p_reason, p_minutes, app.as_operator(), app.now(), app.now() + interval '1 hour') returning id;
$$;

-- How one stands, locked until the end of the transaction that changes it.
create function app.hold_override(p_id uuid) returns table (asked_by uuid, confirmed_at timestamptz, ended_at timestamptz, is_late boolean)
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform app.as_operator();
  return query select o.asked_by, o.confirmed_at, o.ended_at, o.expires_at <= app.now() from public.freeze_overrides o where o.id = p_id for update;
end $$;

-- Another operator confirms: the table itself refuses the same one.
create function app.confirm_override(p_id uuid) returns void
language sql volatile security definer set search_path = '' as $$
  update public.freeze_overrides o set confirmed_by = app.as_operator(), confirmed_at = app.now(), expires_at = app.now() + make_interval(mins => o.minutes)
  where o.id = p_id and o.confirmed_at is null and o.ended_at is null and o.expires_at > app.now();
$$;

create function app.end_override(p_id uuid) returns void
language sql volatile security definer set search_path = '' as $$
  update public.freeze_overrides o set ended_by = app.as_operator(), ended_at = app.now() where o.id = p_id and o.ended_at is null;
$$;

-- Why the database refuses DDL now, by itself; null = it does not. Live hours are looked at as they stand, beside all that was planned.
create function app.frozen_because() returns text
language sql stable security definer set search_path = '' as $$
  select case when r.is_enforced and not exists (select from public.freeze_overrides o
      where o.confirmed_at is not null and o.ended_at is null and o.expires_at > app.now())
    then coalesce(
      (select case x.weddings when 1 then '1 wedding is live' else format('%s weddings are live', x.weddings) end
        from (select count(distinct d.wedding_id) as weddings from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
          where d.live_until > app.now() and d.live_from <= app.now() and app.stands(w.date_status)) x
        where x.weddings > r.live_max),
      (select f.reason from public.freezes f where f.starts_at <= app.now() and f.ends_at > app.now() limit 1)) end
  from public.freeze_rules r;
$$;

-- The event trigger's. Who makes it must be a superuser (see `wedsync doctor`); the upkeep of partitions goes on, everything else waits.
create function app.refuse_ddl() returns event_trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_because text := app.frozen_because();
  v_stack text;
begin
  if v_because is null then return; end if;
  get diagnostics v_stack = pg_context;
  if v_stack ~ 'function app\.(make_partitions|forget_months)\(' then return; end if;
  raise exception 'the platform is frozen, so % is refused: %', lower(tg_tag), v_because
    using errcode = 'WS423', hint = 'wedsync freeze check tells when it ends; two operators may override it: wedsync freeze override.';
end $$;
revoke execute on function app.refuse_ddl() from public;

grant execute on function app.freeze_facts(interval, interval), app.plan_freezes(boolean, integer, jsonb), app.frozen_because() to wedsync_service;
grant execute on function app.freeze_facts(interval, interval), app.as_operator(), app.ask_override(text, integer), app.hold_override(uuid),
  app.confirm_override(uuid), app.end_override(uuid) to wedsync_user;
grant execute on function app.freeze_facts(interval, interval), app.frozen_because() to wedsync_owner;
reset role;

-- 89_health.sql
-- Health: what attempts, queues, processes and probes came to, counted from where it happened by a watermark, kept as rows of minutes and hours.
-- Home: the platform. Read and written by functions alone; of tenants nothing but their own days (delivery_days).
set role wedsync_owner;
create table public.health_series (
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  step_s integer not null check (step_s in (60, 3600)),
  at timestamptz not null,
  kind text not null check (kind in ('channel', 'lane', 'edge', 'probe', 'gauge', 'wedding')),
  name text not null check (length(name) between 1 and 63),
  good bigint not null default 0,
  bad bigint not null default 0,
  refused bigint not null default 0,
  slow bigint not null default 0,
  gauge double precision,
  sketch jsonb not null default '{}',
  primary key (tenant_id, step_s, at, kind, name)
);
comment on table public.health_series is 'Machine time. channel: tries by connector; lane: deliveries by lane, bad = late or given up; edge: answers of web and sockets; probe: our own questions; gauge: the worst of a measure; wedding: deliveries of one that was live. Minutes are kept two days, hours 400';
comment on column public.health_series.refused is 'Tries whose cause is the receiver''s owner: a key that ended, what is not taken. Not counted as bad';
comment on column public.health_series.slow is 'Good ones that took longer than half a second';
comment on column public.health_series.sketch is 'Bucket -> count, the buckets of wedsync/kit/sketch.py';
create index health_series_at on public.health_series (step_s, at);
call app.protect('public.health_series', 'tenant_id', 'false', null);

create table public.health_marks (
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  name text not null check (name in ('attempts')),
  at timestamptz not null,
  primary key (tenant_id, name)
);
comment on table public.health_marks is 'Up to when something was counted: nothing before it is looked at again';
call app.protect('public.health_marks', 'tenant_id', 'false', null);

create table public.health_parts (
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  part text not null check (length(part) between 1 and 80),
  status text not null check (status in ('good', 'look', 'bad')),
  says text not null check (length(says) <= 500),
  since timestamptz not null,
  judged_at timestamptz not null,
  primary key (tenant_id, part)
);
comment on table public.health_parts is 'How each part was judged last, and since when it stands so';
call app.protect('public.health_parts', 'tenant_id', 'false', null);

create table public.health_changes (
  id bigint generated by default as identity primary key,
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  part text not null,
  was text not null check (was in ('good', 'look', 'bad')),
  status text not null check (status in ('good', 'look', 'bad')),
  says text not null check (length(says) <= 500),
  lasted_s double precision not null,
  at timestamptz not null
);
comment on table public.health_changes is 'Every change of a part, with how long it stood as it was: what failed, and what came back by itself; kept 400 days';
create index health_changes_at on public.health_changes (at desc);
call app.protect('public.health_changes', 'tenant_id', 'false', null);

create table public.process_beats (
  id uuid primary key,
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  kind text not null check (kind in ('web', 'worker', 'gateway', 'clock')),
  pool_max integer not null default 0,
  pool_in_use integer not null default 0,
  pool_waiting integer not null default 0,
  lag_ms double precision not null default 0,
  started_at timestamptz not null,
  at timestamptz not null,
  is_over boolean not null default false
) with (fillfactor = 50);
comment on table public.process_beats is 'Every process says every few seconds that it lives, how its pool stands and how late its loop is; forgotten after an hour';
call app.protect('public.process_beats', 'tenant_id', 'false', null);

create table public.delivery_days (
  tenant_id uuid not null,
  "on" date not null,
  connector text not null,
  good bigint not null default 0,
  bad bigint not null default 0,
  refused bigint not null default 0,
  slow bigint not null default 0,
  sketch jsonb not null default '{}',
  primary key (tenant_id, "on", connector)
);
comment on table public.delivery_days is 'What a tenant''s deliveries came to by provider and day (UTC), tried to a sketch of how long they took: its report; kept 400 days';
create index delivery_days_on on public.delivery_days ("on");
call app.protect('public.delivery_days', 'tenant_id', $$((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin')$$, null);

grant insert, update, delete on public.health_series, public.health_marks, public.health_parts, public.health_changes, public.process_beats,
  public.delivery_days to wedsync_recorder;
-- What is new since a moment is found without a look at what is older.
create index attempts_made on public.attempts (made_at);
reset role;

set role wedsync_recorder;
-- The same buckets as kit/sketch.py; a test holds them against each other.
create function app.bucket(p_ms double precision) returns integer
language sql immutable parallel safe set search_path = '' return ceil(ln(least(greatest(p_ms, 0.1), 86400000)) / ln(1.01::double precision / 0.99))::integer;

create function app.merge_sketches(a jsonb, b jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select case when a = '{}' then b when b = '{}' then a else (select jsonb_object_agg(m.key, m.n) from (
    select x.key, sum(x.value::bigint) as n from (select * from jsonb_each_text(a) union all select * from jsonb_each_text(b)) x group by x.key) m) end;
$$;

-- Adds to minutes and hours. p: [{at, kind, name, good, bad, refused, slow, gauge, sketch}].
create function app.add_health(p jsonb) returns void
language sql volatile set search_path = '' as $$
  insert into public.health_series as s (step_s, at, kind, name, good, bad, refused, slow, gauge, sketch)
  select x.step_s, date_bin(make_interval(secs => x.step_s), r.at, 'epoch'), r.kind, r.name, sum(coalesce(r.good, 0)), sum(coalesce(r.bad, 0)),
    sum(coalesce(r.refused, 0)), sum(coalesce(r.slow, 0)), max(r.gauge),
    coalesce((select jsonb_object_agg(m.key, m.n) from (select e.key, sum(e.value::bigint) as n
      from unnest(array_agg(r.sketch)) as k(sketch) cross join lateral jsonb_each_text(coalesce(k.sketch, '{}')) e group by e.key) m), '{}')
  from jsonb_to_recordset(p) as r(at timestamptz, kind text, name text, good bigint, bad bigint, refused bigint, slow bigint, gauge double precision, sketch jsonb)
  cross join (values (60), (3600)) as x(step_s)
  group by 1, 2, 3, 4 order by 1, 2, 3, 4
  on conflict (tenant_id, step_s, at, kind, name) do update set good = s.good + excluded.good, bad = s.bad + excluded.bad,
    refused = s.refused + excluded.refused, slow = s.slow + excluded.slow, gauge = greatest(s.gauge, excluded.gauge),
    sketch = app.merge_sketches(s.sketch, excluded.sketch);
$$;

-- In how many seconds a delivery of a lane is to be there.
create function app.deadline_s(p_lane integer) returns double precision
language sql immutable set search_path = '' return (array[10, 60, 900, 86400])[p_lane + 1]::double precision;

-- Counts the attempts since the watermark, up to p_lag ago: whatever was written then has committed. After a pause of the clock at most an hour is
-- looked back. Returns how many.
create function app.gather_health(p_lag interval) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_to timestamptz := clock_timestamp() - p_lag;
  v_from timestamptz;
  v_found jsonb;
  n integer;
begin
  select m.at into v_from from public.health_marks m where m.name = 'attempts' for update;
  v_from := greatest(coalesce(v_from, v_to - interval '1 hour'), v_to - interval '1 hour');
  if v_to <= v_from then return 0; end if;
  with seen as materialized (
    select d.tenant_id, d.connector, d.lane, date_bin('1 minute', a.made_at, 'epoch') as at, (a.made_at at time zone 'UTC')::date as "on", w.wedding_id,
      (a.outcome = 'delivered')::integer as good, (a.outcome in ('retry_later', 'unknown') and not x.is_owners)::integer as bad,
      (a.outcome in ('rejected', 'reconnect_needed') or x.is_owners)::integer as refused,
      (a.outcome = 'delivered' and a.total_ms > 500)::integer as slow, case when a.outcome = 'delivered' then app.bucket(a.total_ms) end as bucket,
      a.outcome = 'delivered' or x.is_given_up as is_done, x.is_given_up or x.took_s > app.deadline_s(d.lane) as is_late,
      case when a.outcome = 'delivered' then app.bucket(x.took_s * 1000) end as whole_bucket
    from public.attempts a
    join public.deliveries d on d.id = a.delivery_id and d.made_at > v_from - interval '40 days'
    -- What they do not take (4xx) is for whoever set it up; 408, 425 and 429 are the provider's own.
    cross join lateral (select coalesce(a.status between 400 and 499 and a.status not in (408, 425, 429), false) as is_owners,
      d.state in ('dead', 'expired') and a.number = d.attempts as is_given_up,
      extract(epoch from a.made_at - coalesce(d.event_at, d.made_at))::double precision as took_s) x
    left join lateral (select y.wedding_id from public.wedding_days y where y.wedding_id = coalesce(d.stream_id, d.tenant_id)
      and app.now() between y.live_from and y.live_until limit 1) w on true
    where a.made_at > v_from and a.made_at <= v_to and not a.is_late and not d.is_test),
  lines as (
    select s.at, 'channel' as kind, s.connector as name, s.bucket, s.good, s.bad, s.refused, s.slow from seen s
    union all
    select s.at, 'lane', (array['critical', 'high', 'normal', 'low'])[s.lane + 1], s.whole_bucket, (not s.is_late)::integer, s.is_late::integer, 0, 0
      from seen s where s.is_done
    union all
    select s.at, 'wedding', s.wedding_id::text, s.whole_bucket, (not s.is_late)::integer, s.is_late::integer, 0, 0 from seen s
      where s.is_done and s.wedding_id is not null),
  counted as (
    select l.at, l.kind, l.name, l.bucket, count(*) as times, sum(l.good) as good, sum(l.bad) as bad, sum(l.refused) as refused, sum(l.slow) as slow
    from lines l group by 1, 2, 3, 4),
  days as (
    insert into public.delivery_days as t (tenant_id, "on", connector, good, bad, refused, slow, sketch)
      select c.tenant_id, c."on", c.connector, sum(c.good), sum(c.bad), sum(c.refused), sum(c.slow),
        coalesce(jsonb_object_agg(c.bucket::text, c.times) filter (where c.bucket is not null), '{}')
      from (select s.tenant_id, s."on", s.connector, s.bucket, count(*) as times, sum(s.good) as good, sum(s.bad) as bad, sum(s.refused) as refused,
          sum(s.slow) as slow from seen s group by 1, 2, 3, 4) c
      group by 1, 2, 3 order by 1, 2, 3
    on conflict (tenant_id, "on", connector) do update set good = t.good + excluded.good, bad = t.bad + excluded.bad, refused = t.refused + excluded.refused,
      slow = t.slow + excluded.slow, sketch = app.merge_sketches(t.sketch, excluded.sketch))
  select (select count(*) from seen), jsonb_agg(to_jsonb(g)) into n, v_found from (
    select c.at, c.kind, c.name, sum(c.good) as good, sum(c.bad) as bad, sum(c.refused) as refused, sum(c.slow) as slow,
      jsonb_object_agg(c.bucket::text, c.times) filter (where c.bucket is not null) as sketch
    from counted c group by 1, 2, 3) g;
  if v_found is not null then perform app.add_health(v_found); end if;
  insert into public.health_marks (name, at) values ('attempts', v_to) on conflict (tenant_id, name) do update set at = excluded.at;
  return n;
end $$;

-- A process says that it lives, and what it counted since it said so last. p_over: it ends, and is missed by nobody.
create function app.beat(p_process uuid, p_kind text, p_started timestamptz, p jsonb, p_series jsonb, p_over boolean) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  if p_kind <> all (array['web', 'worker', 'gateway', 'clock']) or jsonb_array_length(p_series) > 8
      or exists (select from jsonb_array_elements(p_series) s where s.value ->> 'kind' <> 'edge') then
    raise exception 'not a beat' using errcode = 'WS422';
  end if;
  insert into public.process_beats as b (id, kind, pool_max, pool_in_use, pool_waiting, lag_ms, started_at, at, is_over)
    values (p_process, p_kind, coalesce((p ->> 'pool_max')::integer, 0), coalesce((p ->> 'pool_in_use')::integer, 0),
      coalesce((p ->> 'pool_waiting')::integer, 0), coalesce((p ->> 'lag_ms')::double precision, 0), p_started, v_now, p_over)
    on conflict (id) do update set pool_max = excluded.pool_max, pool_in_use = excluded.pool_in_use, pool_waiting = excluded.pool_waiting,
      lag_ms = excluded.lag_ms, at = excluded.at, is_over = excluded.is_over;
  if jsonb_array_length(p_series) > 0 then
    perform app.add_health((select jsonb_agg(s.value || jsonb_build_object('at', v_now)) from jsonb_array_elements(p_series) s));
  end if;
end $$;

-- What the clock asked by itself: [{kind probe or gauge, name, good, bad, gauge, sketch}].
create function app.keep_probes(p jsonb) returns void
language sql volatile security definer set search_path = '' as $$
  select app.add_health((select jsonb_agg(s.value || jsonb_build_object('at', clock_timestamp())) from jsonb_array_elements(p) s));
$$;

-- What was judged; a part that changed says so in health_changes, with how long it stood as it was. p: [{part, status, says}].
create function app.keep_health(p jsonb) returns table (part text, was text, status text, says text)
language sql volatile security definer set search_path = '' as $$
  with told as materialized (select x.part, x.status, left(x.says, 500) as says, clock_timestamp() as at
    from jsonb_to_recordset(p) as x(part text, status text, says text)),
  changed as materialized (select h.part, h.status as was, h.since, t.status, t.says, t.at from public.health_parts h join told t on t.part = h.part
    and t.status <> h.status),
  noted as (insert into public.health_changes (part, was, status, says, lasted_s, at)
    select c.part, c.was, c.status, c.says, extract(epoch from c.at - c.since), c.at from changed c),
  kept as (insert into public.health_parts as h (part, status, says, since, judged_at) select t.part, t.status, t.says, t.at, t.at from told t
    on conflict (tenant_id, part) do update set since = case when h.status = excluded.status then h.since else excluded.since end,
      status = excluded.status, says = excluded.says, judged_at = excluded.judged_at),
  gone as (delete from public.health_parts h where h.part not in (select t.part from told t) and h.judged_at < clock_timestamp() - interval '15 minutes')
  select c.part, c.was, c.status, c.says from changed c;
$$;

create function app.forget_health() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.process_beats b where b.at < clock_timestamp() - interval '1 hour';
  delete from public.health_changes c where c.at < clock_timestamp() - interval '400 days';
  delete from public.delivery_days d where d."on" < (clock_timestamp() - interval '400 days')::date;
  delete from public.health_series s where s.step_s = 60 and s.at < clock_timestamp() - interval '2 days'
    or s.step_s = 3600 and s.at < clock_timestamp() - interval '400 days' or s.kind = 'wedding' and s.at < clock_timestamp() - interval '30 days';
  get diagnostics n = row_count;
  return n;
end $$;

grant execute on function app.beat(uuid, text, timestamptz, jsonb, jsonb, boolean) to wedsync_user, wedsync_reader, wedsync_service;
grant execute on function app.gather_health(interval), app.keep_probes(jsonb), app.keep_health(jsonb), app.forget_health() to wedsync_service;
grant execute on function app.bucket(double precision) to wedsync_service;
reset role;

-- 89_integrity.sql
-- Integrity: what must be so of the data whatever happened, asked by `wedsync doctor --deep`, by the clock each night and after every restore. Each
-- question reads the tables themselves and no index that it judges, changes nothing, and names what it found: tenant, row, and what is wrong of it.
set role wedsync_owner;
create table public.integrity_checks (
  name text primary key check (name ~ '^[a-z_]{2,40}$'),
  checked_at timestamptz not null default clock_timestamp(),
  took_ms integer not null,
  found integer not null,
  first_found jsonb not null default '[]'
);
comment on table public.integrity_checks is 'How each question of integrity was answered last: how many flaws, and the first of them';
alter table public.integrity_checks enable row level security;
alter table public.integrity_checks force row level security;
create policy recorder on public.integrity_checks for all to wedsync_recorder using (true) with check (true);
grant select, insert, update on public.integrity_checks to wedsync_recorder;
grant select on public.schema_migrations to wedsync_recorder;
reset role;

set role wedsync_recorder;
create type app.flaw as (tenant_id uuid, subject uuid, told text);
comment on type app.flaw is 'Something that cannot be: whose, of which row, and what is wrong, without names of people';

-- Since when rows of a table that is kept by months are there; what is older may have been forgotten.
create function app.kept_since(p_table text) returns timestamptz
language sql stable set search_path = '' as $$
  select min(to_date(right(c.relname, 6), 'YYYYMM'))::timestamptz
  from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = ('public.' || p_table)::regclass and c.relname ~ ('^' || p_table || '_[0-9]{6}$');
$$;

-- The log of a stream is dense up to its top, from 1 unless months were forgotten, and no event is of an epoch that has not begun.
create function app.flaws_of_log() returns setof app.flaw
language sql stable set search_path = '' set enable_indexscan = off set enable_indexonlyscan = off set enable_bitmapscan = off as $$
  with logged as (
    select e.stream_id, min(e.seq) as lowest, max(e.seq) as highest, count(*) as events, max(e.epoch) as epoch from public.events e group by e.stream_id),
  whole as (select app.kept_since('events') <= min(m.applied_at) as is_so from public.schema_migrations m)
  select s.id, s.id, case
      when l.stream_id is null then format('its log is empty, and its newest event is number %s', s.top)
      when l.highest <> s.top then format('its log ends at %s, and its newest event is number %s', l.highest, s.top)
      when l.events <> l.highest - l.lowest + 1 then format('between %s and %s it has %s events', l.lowest, l.highest, l.events)
      when l.epoch > s.epoch then format('it has events of epoch %s and is at epoch %s', l.epoch, s.epoch)
      else format('its log begins at %s, and no month was forgotten', l.lowest) end
  from public.streams s left join logged l on l.stream_id = s.id cross join whole w
  where case when l.stream_id is null then s.top > 0 and w.is_so
    else l.highest <> s.top or l.events <> l.highest - l.lowest + 1 or l.epoch > s.epoch or l.lowest > 1 and w.is_so end
  union all
  select l.stream_id, l.stream_id, format('%s events are of a stream that is not there', l.events)
  from logged l where not exists (select from public.streams s where s.id = l.stream_id);
$$;

-- Whatever is owed waits in the queue, and whatever waits there is owed: an open delivery without a job is never sent, a job without one is sent twice.
create function app.flaws_of_queue() returns setof app.flaw
language sql stable set search_path = '' as $$
  select d.tenant_id, d.id, format('it is %s and no job will send it', d.state)
  from public.deliveries d left join public.jobs j on j.id = d.id and j.kind = 'delivery'
  where d.state in ('pending', 'in_flight', 'deferred', 'parked') and j.id is null
  union all
  select j.tenant_id, j.id, case when d.id is null then 'a job would send it and the ledger does not know it'
    else format('a job would send it and it is %s already', d.state) end
  from public.jobs j left join public.deliveries d on d.id = j.id and d.made_at = j.made_at
  where j.kind = 'delivery' and (d.id is null or d.state not in ('pending', 'in_flight', 'deferred', 'parked'));
$$;

-- Each delivery of a rule names the one before it to the same receiver; a row that is missing in between, or at the end, is a fact that nobody was told.
create function app.flaws_of_chains() returns setof app.flaw
language sql stable set search_path = '' set enable_indexscan = off set enable_bitmapscan = off as $$
  with chained as (
    select d.tenant_id, d.id, d.destination_id, d.stream_id, d.seq, d.previous_seq,
      lag(d.seq) over (partition by d.destination_id, d.stream_id order by d.seq) as before
    from public.deliveries d where d.subscription_id is not null and d.seq is not null and d.replay_of is null and not d.is_test),
  ends as (select c.destination_id, c.stream_id, max(c.seq) as seq from chained c group by c.destination_id, c.stream_id),
  lost as (
    select c.tenant_id, c.id, c.stream_id, c.previous_seq, c.before from chained c where c.previous_seq is not null and c.before is distinct from c.previous_seq)
  select l.tenant_id, l.id, format('the delivery of event %s that came before it is not in the ledger', l.previous_seq)
  from lost l
  where l.before is not null
    or exists (select from public.events e where e.stream_id = l.stream_id and e.seq = l.previous_seq and e.recorded_at >= app.kept_since('deliveries'))
  union all
  select t.tenant_id, h.destination_id, case when e.seq is null then format('event %s of stream %s was owed to it and is not in the ledger', h.seq, h.stream_id)
    else format('its newest delivery of stream %s is %s, and %s is remembered', h.stream_id, e.seq, h.seq) end
  from public.heads h join public.destinations t on t.id = h.destination_id
  left join ends e on e.destination_id = h.destination_id and e.stream_id = h.stream_id
  where e.seq > h.seq or (e.seq is null or e.seq < h.seq) and exists (select from public.events v
    where v.stream_id = h.stream_id and v.seq = h.seq and v.recorded_at >= app.kept_since('deliveries'));
$$;

-- A delivery counts its tries, and what it tells of is in the log.
create function app.flaws_of_deliveries() returns setof app.flaw
language sql stable set search_path = '' as $$
  select d.tenant_id, d.id, format('it counts %s tries and the ledger has %s', d.attempts, coalesce(a.n, 0))
  from public.deliveries d
  left join (select t.delivery_id, count(*) as n from public.attempts t where not t.is_late group by t.delivery_id) a on a.delivery_id = d.id
  where d.made_at >= app.kept_since('attempts') and d.attempts <> coalesce(a.n, 0)
  union all
  select d.tenant_id, d.id, format('it tells of event %s, which is not in the log', d.seq)
  from public.deliveries d left join public.events e on e.stream_id = d.stream_id and e.seq = d.seq and e.id = d.event_id
  where d.event_id is not null and d.event_at >= app.kept_since('events') and e.id is null;
$$;

-- Head counts are what counting the answers gives.
create function app.flaws_of_headcounts() returns setof app.flaw
language sql stable set search_path = '' as $$
  with counted as (
    select r.wedding_id, r.schedule_item_id, count(*)::integer as invited, count(*) filter (where r.status = 'accepted')::integer as accepted,
      count(*) filter (where r.status = 'declined')::integer as declined, count(*) filter (where r.status = 'tentative')::integer as tentative,
      count(*) filter (where r.status = 'needs_action')::integer as pending,
      count(*) filter (where r.status = 'accepted' and g.age_band in ('child', 'infant'))::integer as children
    from public.rsvps r join public.guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
    group by r.wedding_id, r.schedule_item_id),
  meals as (
    select x.wedding_id, x.schedule_item_id, jsonb_object_agg(x.menu_option_id, x.n) as meals
    from (select r.wedding_id, r.schedule_item_id, r.menu_option_id, count(*) as n from public.rsvps r
      where r.status = 'accepted' and r.menu_option_id is not null group by 1, 2, 3) x
    group by x.wedding_id, x.schedule_item_id)
  select coalesce(c.wedding_id, h.wedding_id), coalesce(c.schedule_item_id, h.schedule_item_id), format(
      'its head count says %s invited, %s accepted, %s declined, %s tentative, %s pending, %s children; the answers say %s, %s, %s, %s, %s, %s%s',
      h.invited, h.accepted, h.declined, h.tentative, h.pending, h.children, coalesce(c.invited, 0), coalesce(c.accepted, 0), coalesce(c.declined, 0),
      coalesce(c.tentative, 0), coalesce(c.pending, 0), coalesce(c.children, 0),
      case when coalesce(h.meals, '{}') <> coalesce(m.meals, '{}') then ', and other meals' else '' end)
  from counted c full join public.headcounts h on h.wedding_id = c.wedding_id and h.schedule_item_id = c.schedule_item_id
  left join meals m on m.wedding_id = c.wedding_id and m.schedule_item_id = c.schedule_item_id
  where (coalesce(h.invited, 0), coalesce(h.accepted, 0), coalesce(h.declined, 0), coalesce(h.tentative, 0), coalesce(h.pending, 0), coalesce(h.children, 0),
      coalesce(h.meals, '{}'))
    is distinct from (coalesce(c.invited, 0), coalesce(c.accepted, 0), coalesce(c.declined, 0), coalesce(c.tentative, 0), coalesce(c.pending, 0),
      coalesce(c.children, 0), coalesce(m.meals, '{}'));
$$;

-- No two bookings of one resource overlap. Asked in the order of their beginnings, not of the constraint's own index, which may be what is broken.
create function app.flaws_of_bookings() returns setof app.flaw
language sql stable set search_path = '' set enable_indexscan = off set enable_bitmapscan = off as $$
  select b.supplier_id, b.id, format('its resource is taken until %s by a booking that begins before it', to_char(b.busy_until at time zone 'UTC', 'YYYY-MM-DD HH24:MI"Z"'))
  from (select k.supplier_id, k.id, k.blocked, max(upper(k.blocked)) over (partition by k.supplier_id, k.resource_id order by lower(k.blocked), k.id
      rows between unbounded preceding and 1 preceding) as busy_until
    from public.bookings k where k.state <> 'cancelled' and not isempty(k.blocked)) b
  where b.busy_until > lower(b.blocked);
$$;

-- What a wedding knows of a supplier's bookings is what the supplier has. It follows a moment later, so what still has a reaction coming is left out.
create function app.flaws_of_shared_bookings() returns setof app.flaw
language sql stable set search_path = '' as $$
  with coming as (select j.tenant_id from public.jobs j where j.kind = 'reaction'),
  links as (
    select l.wedding_id, l.id, l.supplier_id from public.links l
    where l.status = 'active' and l.supplier_id is not null and l.supplier_id not in (select c.tenant_id from coming c)
      and l.wedding_id not in (select c.tenant_id from coming c)),
  theirs as (
    select l.wedding_id, b.id, b.link_id, b.state, b.starts_at, b.ends_at from links l
    join public.bookings b on b.supplier_id = l.supplier_id and b.link_id = l.id),
  known as (
    select k.wedding_id, k.id, k.link_id, k.state, k.starts_at, k.ends_at from links l
    join public.link_bookings k on k.wedding_id = l.wedding_id and k.link_id = l.id)
  select coalesce(t.wedding_id, k.wedding_id), coalesce(t.id, k.id), case
      when k.id is null then format('the supplier has it as %s and the wedding does not know it', t.state)
      when t.id is null then format('the wedding knows it as %s and the supplier does not have it', k.state)
      else format('the supplier has it as %s from %s, the wedding as %s from %s', t.state, t.starts_at, k.state, k.starts_at) end
  from theirs t full join known k on k.wedding_id = t.wedding_id and k.id = t.id
  where (t.link_id, t.state, t.starts_at, t.ends_at) is distinct from (k.link_id, k.state, k.starts_at, k.ends_at);
$$;

-- The commission ledger: every entry is of agreed terms, in their currency; of each fee it holds what the provider said, and of each payment our share
-- of what the supplier keeps of it.
create function app.flaws_of_commission() returns setof app.flaw
language sql stable set search_path = '' as $$
  with sums as (
    select e.supplier_id, e.payment_id, e.reference, e.currency,
      sum(case when e.kind in ('accrued', 'collected') then e.amount_minor else -e.amount_minor end) as minor
    from public.commission_entries e group by e.supplier_id, e.payment_id, e.reference, e.currency),
  fees as (
    select m.supplier_id, m.payment_id, m.id as reference, greatest(sum(m.amount_minor) - sum(m.returned_minor), 0) as minor
    from public.payment_movements m join public.payment_terms t on t.payment_id = m.payment_id and t.currency = m.currency
    where m.kind = 'fee' group by m.supplier_id, m.payment_id, m.id),
  shares as (
    select t.supplier_id, p.id as payment_id,
      (p.received_minor - p.outside_minor - p.refunded_minor - p.disputed_minor - p.lost_minor) * t.rate_bp / 10000 as minor
    from public.payments p join public.payment_terms t on t.payment_id = p.id where p.way <> 'outside')
  select s.supplier_id, s.payment_id, format('%s %s were posted for it, and no terms of this supplier in this currency were agreed', s.minor, s.currency)
  from sums s where not exists (select from public.payment_terms t
    where t.payment_id = s.payment_id and t.supplier_id = s.supplier_id and t.currency = s.currency)
  union all
  select coalesce(s.supplier_id, f.supplier_id), coalesce(s.payment_id, f.payment_id),
    format('of fee %s the ledger holds %s and the provider said %s', coalesce(s.reference, f.reference), coalesce(s.minor, 0), coalesce(f.minor, 0))
  from (select x.supplier_id, x.payment_id, x.reference, x.minor from sums x where x.reference <> '') s
  full join fees f on f.payment_id = s.payment_id and f.reference = s.reference
  where coalesce(s.minor, 0) <> coalesce(f.minor, 0)
  union all
  select h.supplier_id, h.payment_id, format('the ledger says that %s are due to us of it, and by what was kept it is %s', coalesce(s.minor, 0), h.minor)
  from shares h left join sums s on s.payment_id = h.payment_id and s.reference = ''
  where coalesce(s.minor, 0) <> h.minor;
$$;

-- One question by its name. For operators: it reads across tenants, and says ids and numbers.
create function app.flaws(p_check text) returns setof app.flaw
language plpgsql stable security definer set search_path = '' as $$
begin
  case p_check
    when 'log' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_log() f;
    when 'queue' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_queue() f;
    when 'chains' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_chains() f;
    when 'deliveries' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_deliveries() f;
    when 'headcounts' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_headcounts() f;
    when 'bookings' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_bookings() f;
    when 'shared_bookings' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_shared_bookings() f;
    when 'commission' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_commission() f;
  end case;
end $$;

create function app.note_integrity(p_name text, p_took_ms integer, p_found integer, p_first jsonb) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.integrity_checks as c (name, took_ms, found, first_found) values (p_name, p_took_ms, p_found, p_first)
  on conflict (name) do update set checked_at = clock_timestamp(), took_ms = excluded.took_ms, found = excluded.found, first_found = excluded.first_found;
$$;

create function app.integrity_standing() returns table (name text, checked_at timestamptz, took_ms integer, found integer, first_found jsonb)
language sql stable security definer set search_path = '' as $$
  select c.name, c.checked_at, c.took_ms, c.found, c.first_found from public.integrity_checks c order by c.name;
$$;

-- After a restore numbers that clients know mean something else: every stream is of a new epoch, and kept positions of sockets go. Seconds, so that
-- a second restore of the same copy is another epoch than the first, whose history was another.
create function app.begin_epoch() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_epoch integer;
begin
  select greatest(max(s.epoch) + 1, extract(epoch from clock_timestamp() - timestamptz '2026-01-01 00:00Z')::integer) into v_epoch from public.streams s;
  update public.streams s set epoch = v_epoch;
  delete from public.socket_positions;
  return v_epoch;
end $$;

grant execute on function app.flaws(text), app.note_integrity(text, integer, integer, jsonb), app.integrity_standing() to wedsync_service;
grant execute on function app.begin_epoch() to wedsync_owner;
reset role;

-- 89_ops.sql
-- What the operator asks of the database itself: connections by face, slow queries, tables, advice. Counts and names of ours, nothing of any wedding.
-- By hand, as wedsync_owner: select * from ops.advice(). Through the user door only for whoever entered the platform as its operator.
set role wedsync_owner;
create schema ops;
revoke all on schema ops from public;
grant usage on schema ops to wedsync_recorder, wedsync_user, wedsync_service;
grant create on schema ops to wedsync_recorder;

create table public.table_sizes (
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  "on" date not null,
  name text not null check (length(name) <= 63),
  bytes bigint not null,
  primary key (tenant_id, "on", name)
);
comment on table public.table_sizes is 'How large each table was on a day, so that its growth can be told; kept 400 days';
call app.protect('public.table_sizes', 'tenant_id', 'false', null);
grant insert, delete on public.table_sizes to wedsync_recorder;
reset role;

set role wedsync_recorder;
create function ops.allow() returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if session_user = 'wedsync_user' then perform app.as_operator(); end if;
  return true;
end $$;

-- Which side of the product a connection serves: pages and API of couples and suppliers, live screens, deliveries, the clock, people who migrate.
create function ops.face(p_application text, p_role name) returns text
language sql immutable set search_path = '' return case
  when p_application like 'wedsync-web%' then 'pages and API'
  when p_role = 'wedsync_reader' or p_application like 'wedsync-gateway%' then 'live screens'
  when p_application like 'wedsync-worker%' then 'deliveries'
  when p_application like 'wedsync-clock%' then 'clock'
  when p_role = 'wedsync_owner' or p_application like 'wedsync migrate%' then 'migrations'
  when p_role like 'wedsync\_%' then 'commands'
  else 'others' end;

create function ops.connections()
returns table (face text, total integer, active integer, idle integer, idle_in_transaction integer, waiting_for_lock integer, oldest_transaction_s double precision)
language sql stable security definer set search_path = '' as $$
  select ops.face(a.application_name, a.usename), count(*)::integer, count(*) filter (where a.state = 'active')::integer,
    count(*) filter (where a.state = 'idle')::integer, count(*) filter (where a.state like 'idle in transaction%')::integer,
    count(*) filter (where a.wait_event_type = 'Lock')::integer,
    coalesce(max(extract(epoch from clock_timestamp() - a.xact_start)), 0)::double precision
  from pg_catalog.pg_stat_activity a
  where a.datname = current_database() and a.backend_type = 'client backend' and ops.allow()
  group by 1 order by 2 desc, 1;
$$;

-- Weddings that are live, or will be within 72 hours: what a mistake would reach.
create function ops.weddings_due() returns table (live integer, due integer, next_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select count(distinct d.wedding_id) filter (where d.live_from <= app.now())::integer, count(distinct d.wedding_id)::integer,
    min(d.live_from) filter (where d.live_from > app.now())
  from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
  where d.live_until > app.now() and d.live_from < app.now() + interval '72 hours' and app.stands(w.date_status) and ops.allow();
$$;

-- A table with its partitions as one. dead_share: what vacuum has not taken back; growth: against the oldest sample of the last week.
-- weddings_touched: those due in 72 hours that would wait behind a lock on it.
create function ops.tables()
returns table (name text, total_bytes bigint, index_bytes bigint, live_rows bigint, dead_rows bigint, dead_share double precision, growth_bytes_week bigint,
  scans_of_all bigint, last_vacuum_at timestamptz, last_analyze_at timestamptz, weddings_touched integer)
language sql stable security definer set search_path = '' as $$
  with due as materialized (select w.due from ops.weddings_due() w),
  -- To measure a table takes a lock on it, so one that somebody locks is told as it was at its last vacuum: this must answer just then.
  locked as materialized (select k.relation from pg_catalog.pg_locks k where k.mode = 'AccessExclusiveLock' and k.relation is not null
    and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())),
  leaves as (
    select c.oid, coalesce(p.relname, c.relname)::text as name, coalesce(p.oid, c.oid) as root,
      greatest(c.relpages, 0)::bigint * 8192 as last_bytes, exists (select from locked k where k.relation = c.oid
        or k.relation in (select i.indexrelid from pg_catalog.pg_index i where i.indrelid = c.oid)) as is_locked
    from pg_catalog.pg_class c left join pg_catalog.pg_inherits i on i.inhrelid = c.oid left join pg_catalog.pg_class p on p.oid = i.inhparent
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'),
  found as (
    select l.name, l.root, sum(case when l.is_locked then l.last_bytes else pg_total_relation_size(l.oid) end)::bigint as bytes,
      sum(case when l.is_locked then 0 else pg_indexes_size(l.oid) end)::bigint as index_bytes,
      sum(coalesce(s.n_live_tup, 0))::bigint as live_rows, sum(coalesce(s.n_dead_tup, 0))::bigint as dead_rows, sum(coalesce(s.seq_scan, 0))::bigint as scans,
      max(greatest(s.last_vacuum, s.last_autovacuum)) as vacuumed, max(greatest(s.last_analyze, s.last_autoanalyze)) as analyzed
    from leaves l left join pg_catalog.pg_stat_all_tables s on s.relid = l.oid group by l.name, l.root)
  select f.name, f.bytes, f.index_bytes, f.live_rows, f.dead_rows,
    case when f.live_rows + f.dead_rows = 0 then 0 else f.dead_rows::double precision / (f.live_rows + f.dead_rows) end,
    f.bytes - (select t.bytes from public.table_sizes t where t.name = f.name and t."on" >= (app.now() - interval '7 days')::date order by t."on" limit 1),
    f.scans, f.vacuumed, f.analyzed,
    case when exists (select from pg_catalog.pg_attribute a where a.attrelid = f.root and not a.attisdropped
      and a.attname in ('wedding_id', 'tenant_id', 'stream_id', 'destination_id')) then (select d.due from due d) else 0 end
  from found f where ops.allow() order by f.bytes desc, f.name;
$$;

-- From pg_stat_statements where it is (their values are not in it), and what runs for longer than p_least_ms now.
create function ops.slow_queries(p_least_ms double precision default 100, p_limit integer default 20)
returns table (source text, query text, calls bigint, mean_ms double precision, max_ms double precision, total_ms double precision, rows_a_call double precision,
  hit_ratio double precision, tables text[], weddings_at_risk integer, advice text)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_schema text := (select n.nspname from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements');
  v_loaded boolean := current_setting('shared_preload_libraries') like '%pg_stat_statements%';
  v_due integer := (select w.due from ops.weddings_due() w);
  v_past text := 'select null::text, null::bigint, 0::float8, 0::float8, 0::float8, 0::float8, 0::float8 where false';
begin
  perform ops.allow();
  if v_schema is not null and v_loaded then
    v_past := format('select s.query, s.calls, s.mean_exec_time, s.max_exec_time, s.total_exec_time, s.rows::float8 / greatest(s.calls, 1),
        s.shared_blks_hit::float8 / nullif(s.shared_blks_hit + s.shared_blks_read, 0)
      from %I.pg_stat_statements s join pg_catalog.pg_database d on d.oid = s.dbid where d.datname = current_database()
        and s.mean_exec_time >= $1', v_schema);
  end if;
  return query execute format($q$
    with found(source, query, calls, mean_ms, max_ms, total_ms, rows_a_call, hit_ratio) as (
      select 'past', p.* from (%s) p
      union all
      select 'running', a.query, 1::bigint, x.ms, x.ms, x.ms, null, null from pg_catalog.pg_stat_activity a
        cross join lateral (select (extract(epoch from clock_timestamp() - a.query_start) * 1000)::float8 as ms) x
        where a.datname = current_database() and a.state = 'active' and a.backend_type = 'client backend' and a.pid <> pg_backend_pid() and x.ms >= $1),
    named as (
      select f.*, coalesce((select array_agg(c.relname::text order by c.relname) from pg_catalog.pg_class c where c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p') and not c.relispartition and f.query ~* ('\m' || c.relname || '\M')), '{}') as tables
      from found f order by f.total_ms desc limit $2)
    select n.source, left(regexp_replace(n.query, '\s+', ' ', 'g'), 400), n.calls, n.mean_ms, n.max_ms, n.total_ms, n.rows_a_call, n.hit_ratio, n.tables,
      case when exists (select from ops.tables() t where t.name = any (n.tables) and t.weddings_touched > 0) then $3 else 0 end,
      case
        when n.source = 'running' then 'It runs now. See what it waits for in pg_stat_activity; pg_cancel_backend ends it.'
        when n.rows_a_call > 1000 then 'It reads more than 1,000 rows a call: read page by page.'
        when n.hit_ratio < 0.9 then 'It reads from the disk: an index that fits, or more shared_buffers.'
        when exists (select from pg_catalog.pg_stat_user_tables s where s.relname = any (n.tables) and s.seq_scan > s.idx_scan and s.n_live_tup > 1000)
          then 'A table of it is mostly read as a whole: look at explain (analyze, buffers) for a missing index.'
        else 'Look at explain (analyze, buffers).' end
    from named n order by n.total_ms desc$q$, v_past) using p_least_ms, p_limit, v_due;
end $$;

-- What was read from memory, of all that was read, by this database since its statistics began; null where hardly anything was.
create function ops.cache_hit_ratio() returns double precision
language sql stable security definer set search_path = '' as $$
  select case when d.blks_hit + d.blks_read >= 1000 then d.blks_hit::double precision / (d.blks_hit + d.blks_read) end
  from pg_catalog.pg_stat_database d where d.datname = current_database() and ops.allow();
$$;

-- The fullest day ahead, against the fullest that was.
create function ops.season() returns table (peak_on date, peak_weddings integer, most_so_far integer, connections_used integer, connections_max integer)
language sql stable security definer set search_path = '' as $$
  with days as materialized (select w."on", count(*)::integer as weddings from public.weddings w
    where app.stands(w.date_status) and w."on" is not null group by w."on")
  select p."on", coalesce(p.weddings, 0), coalesce((select max(d.weddings) from days d where d."on" < app.now()::date), 0),
    (select count(*)::integer from pg_catalog.pg_stat_activity a where a.backend_type = 'client backend'), current_setting('max_connections')::integer
  from (select 1) one left join lateral (select d."on", d.weddings from days d where d."on" >= app.now()::date order by d.weddings desc, d."on" limit 1) p on true
  where ops.allow();
$$;

create function ops.storage() returns table (bytes bigint, table_bytes bigint, week_growth_bytes bigint, wal_bytes bigint)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_wal bigint;
begin
  begin
    v_wal := (select sum(w.size) from pg_catalog.pg_ls_waldir() w);
  exception when insufficient_privilege then
    v_wal := null;
  end;
  return query select pg_database_size(current_database()), sum(t.total_bytes)::bigint, sum(t.growth_bytes_week)::bigint, v_wal
    from ops.tables() t where ops.allow();
end $$;

-- The server in one row. sees_everything: our functions may look at the sessions of others; transaction_ids_used: of those until a standstill.
create function ops.server()
returns table (version text, is_standby boolean, cache_hit_ratio double precision, sees_everything boolean, counts_statements boolean,
  refuses_ddl boolean, oldest_transaction_s double precision, transaction_ids_used double precision, archive_failures bigint, archived_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select current_setting('server_version'), pg_is_in_recovery(), ops.cache_hit_ratio(), pg_has_role('wedsync_recorder', 'pg_read_all_stats', 'usage'),
    current_setting('shared_preload_libraries') like '%pg_stat_statements%' and exists (select from pg_catalog.pg_extension e where e.extname = 'pg_stat_statements'),
    exists (select from pg_catalog.pg_event_trigger t where t.evtfoid = 'app.refuse_ddl'::regproc and t.evtenabled <> 'D'),
    coalesce((select max(extract(epoch from clock_timestamp() - a.xact_start)) from pg_catalog.pg_stat_activity a
      where a.datname = current_database() and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()), 0)::double precision,
    (select age(d.datfrozenxid)::double precision / 2000000000 from pg_catalog.pg_database d where d.datname = current_database()),
    x.failed_count, x.last_archived_time
  from pg_catalog.pg_stat_archiver x where ops.allow();
$$;

create function ops.replicas() returns table (name text, state text, sync_state text, lag_s double precision, lag_bytes bigint)
language sql stable security definer set search_path = '' as $$
  select r.application_name, r.state, r.sync_state, coalesce(extract(epoch from r.replay_lag), 0)::double precision,
    case when pg_is_in_recovery() then null else pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)::bigint end
  from pg_catalog.pg_stat_replication r where ops.allow() order by r.application_name;
$$;

-- The two sides of the product, in counts: who is signed in and was seen within 15 minutes, and on how many weddings of the next 72 hours they are.
create function ops.faces() returns table (face text, people integer, sessions integer, weddings_due integer)
language sql stable security definer set search_path = '' as $$
  with due as materialized (select distinct d.wedding_id from public.wedding_days d
    where d.live_until > app.now() and d.live_from < app.now() + interval '72 hours'),
  seen as materialized (select s.person_id, count(*)::integer as sessions from public.sessions s
    where s.ended_at is null and s.expires_at > clock_timestamp() and s.last_seen_at > clock_timestamp() - interval '15 minutes' group by s.person_id)
  select 'WedMe', count(*)::integer, coalesce(sum(s.sessions), 0)::integer,
    (select count(*)::integer from due d)
  from seen s where ops.allow() and exists (select from public.memberships m where m.person_id = s.person_id and m.removed_at is null)
  union all
  select 'WedSync', count(*)::integer, coalesce(sum(s.sessions), 0)::integer,
    (select count(distinct l.wedding_id)::integer from due d join public.links l on l.wedding_id = d.wedding_id and l.status = 'active')
  from seen s where ops.allow() and exists (select from public.supplier_members m where m.person_id = s.person_id and m.removed_at is null);
$$;

-- How large each table is today, once a day.
create function app.sample_sizes() returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.table_sizes ("on", name, bytes) select app.now()::date, t.name, t.total_bytes from ops.tables() t on conflict do nothing;
  delete from public.table_sizes t where t."on" < (app.now() - interval '400 days')::date;
$$;
grant execute on function app.sample_sizes() to wedsync_service;
grant execute on function ops.allow(), ops.connections(), ops.weddings_due(), ops.tables(), ops.slow_queries(double precision, integer), ops.cache_hit_ratio(),
  ops.season(), ops.storage(), ops.server(), ops.replicas(), ops.faces() to wedsync_user, wedsync_service, wedsync_owner;
reset role;

-- 89_ops_advice.sql
-- What the operator should do before the season, or before Saturday: each row one defect that was found, and its remedy.
set role wedsync_recorder;
-- So long a transaction may do nothing before it is a defect: as long as the server itself lets it, and at most a minute.
create function ops.idle_patience_s() returns double precision
language sql stable set search_path = ''
  return least(60, coalesce(nullif(extract(epoch from current_setting('idle_in_transaction_session_timeout')::interval), 0), 60) / 2);

create function ops.advice() returns table (severity text, about text, says text, remedy text)
language sql stable security definer set search_path = '' as $$
  with busy as materialized (select t.name, t.live_rows, t.dead_rows, t.dead_share, t.scans_of_all, t.last_analyze_at, t.total_bytes from ops.tables() t),
  season as materialized (select s.peak_on, s.peak_weddings, s.most_so_far, s.connections_used, s.connections_max from ops.season() s),
  found(severity, about, says, remedy) as (
    select 'high', c.relname::text, 'This index is not valid: it is kept up with every write, and no query uses it.',
      format('drop index concurrently %I; then build it again.', c.relname)
    from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
    where not i.indisvalid and c.relnamespace = 'public'::regnamespace and c.relkind = 'i'
    union all
    select 'medium', b.name, format('%s %% of its rows are dead (%s).', round(b.dead_share * 100), b.dead_rows), format('vacuum (analyze) public.%I;', b.name)
    from busy b where b.dead_share > 0.2 and b.dead_rows > 1000
    union all
    select 'medium', b.name, format('It has %s rows and was never analyzed, so plans are guesses.', b.live_rows), format('analyze public.%I;', b.name)
    from busy b where b.last_analyze_at is null and b.live_rows > 1000
    union all
    select 'medium', r.relname::text, format('The foreign key %I has no index: deleting from %s reads all of it.', c.conname, c.confrelid::regclass),
      format('create index concurrently on %s (%s);', c.conrelid::regclass, (select string_agg(quote_ident(a.attname), ', ' order by k.n)
        from unnest(c.conkey) with ordinality as k(attnum, n) join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum))
    from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.conrelid
    where c.contype = 'f' and c.connamespace = 'public'::regnamespace and c.conparentid = 0 and r.reltuples > 1000
      and not exists (select from pg_catalog.pg_index i where i.indrelid = c.conrelid and i.indisvalid
        and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
    union all
    select 'high', ops.face(a.application_name, a.usename), format('A transaction has been open for %s s and does nothing; its locks and dead rows wait for it.',
        round(extract(epoch from clock_timestamp() - a.xact_start))), format('select pg_terminate_backend(%s);', a.pid)
    from pg_catalog.pg_stat_activity a where a.datname = current_database() and a.state like 'idle in transaction%'
      and a.xact_start < clock_timestamp() - make_interval(secs => ops.idle_patience_s())
    union all
    select 'high', coalesce(ops.face(h.application_name, h.usename), 'others'), format('%s connections wait for a lock that it holds.', count(distinct w.pid)),
      format('select pg_terminate_backend(%s);', h.pid)
    from pg_catalog.pg_stat_activity w cross join lateral unnest(pg_blocking_pids(w.pid)) as b(pid) join pg_catalog.pg_stat_activity h on h.pid = b.pid
    where w.datname = current_database() and w.wait_event_type = 'Lock' group by h.pid, h.application_name, h.usename
    union all
    select 'high', s.slot_name::text, 'Nobody reads this replication slot, and the server keeps its log for it until the disk is full.',
      format('select pg_drop_replication_slot(%L);', s.slot_name)
    from pg_catalog.pg_replication_slots s where not s.active
    union all
    select 'high', p.relname::text, format('Its last partition ends within four weeks (%s).', p.last), 'Run `wedsync clock`: it makes them three months ahead.'
    from (select r.relname, max(c.relname)::text as last from pg_catalog.pg_partitioned_table t join pg_catalog.pg_class r on r.oid = t.partrelid
        join pg_catalog.pg_inherits i on i.inhparent = r.oid join pg_catalog.pg_class c on c.oid = i.inhrelid
        where r.relnamespace = 'public'::regnamespace group by r.relname) p
    where to_date(right(p.last, 6), 'YYYYMM') + interval '1 month' < clock_timestamp() + interval '28 days'
    union all
    select 'medium', current_database()::text, format('Only %s %% of what is read comes from memory.', round((ops.cache_hit_ratio() * 100)::numeric, 1)),
      'Raise shared_buffers, or look at ops.slow_queries() for what reads whole tables.'
    where ops.cache_hit_ratio() < 0.9
    union all
    select case when s.connections_used > 0.9 * s.connections_max then 'high' else 'medium' end, 'connections',
      format('%s of %s connections are taken.', s.connections_used, s.connections_max), 'Lower WEDSYNC_POOL_SIZE, or raise max_connections.'
    from season s where s.connections_used > 0.8 * s.connections_max
    union all
    select 'medium', 'season', format('%s has %s weddings; the fullest day so far had %s.', s.peak_on, s.peak_weddings, s.most_so_far),
      'Load a staging database with as many (`wedsync bench`), and size pools and the machine before that day.'
    from season s where s.peak_weddings >= 10 and s.peak_weddings > 1.5 * s.most_so_far)
  select f.severity, f.about, f.says, f.remedy from found f where ops.allow() order by f.severity, f.about, f.says;
$$;

grant execute on function ops.advice(), ops.idle_patience_s() to wedsync_user, wedsync_service, wedsync_owner;
reset role;

-- 89_platform.sql
-- How the platform stands, for its operator: all that health is judged by, its history, breakers. Counts by connector and hosts that several tenants share; of no
-- tenant which.
set role wedsync_recorder;
-- All that health is judged by: counts, ages and states of ours, nothing of any wedding. Series are of the last p_minutes.
create function ops.health_facts(p_minutes integer) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('now', app.now(), 'machine_now', clock_timestamp(),
    'live', (select w.live from ops.weddings_due() w), 'due', (select w.due from ops.weddings_due() w),
    'zones', (select coalesce(jsonb_object_agg(z.zone, z.n), '{}') from (select w.time_zone as zone, count(*) as n from public.weddings w
      where app.stands(w.date_status) and w."on" between app.now()::date and (app.now() + interval '14 days')::date group by 1) z),
    'clock_leads', exists (select from pg_catalog.pg_locks k where k.locktype = 'advisory' and k.classid = 0 and k.objid = 1464028235::oid and k.granted
      and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())),
    'counted_to', (select m.at from public.health_marks m where m.name = 'attempts'),
    'lanes', (select jsonb_agg(jsonb_build_object('name', (array['critical', 'high', 'normal', 'low'])[q.lane + 1], 'oldest_s', q.oldest_s) order by q.lane)
      from app.queue_ages() q),
    'destinations', (select coalesce(jsonb_agg(to_jsonb(t) order by t.connector), '[]') from (select d.connector, count(*) as destinations,
        count(*) filter (where d.breaker_until > clock_timestamp()) as open, count(*) filter (where d.breaker_until <= clock_timestamp()) as half_open,
        count(*) filter (where d.state = 'parked') as parked, max(d.breaker_openings) as openings from public.destinations d group by d.connector) t),
    'accounts', (select coalesce(jsonb_agg(to_jsonb(t) order by t.connector), '[]') from (select n.connector,
        count(*) filter (where n.state = 'active') as connected, count(*) filter (where n.state = 'degraded') as degraded,
        count(*) filter (where n.state = 'needs_reconnect') as broken, min(h.ok_at) filter (where n.state = 'active') as least_fresh_at
      from public.connections n left join public.connection_health h on h.connection_id = n.id
      where n.deleted_at is null and n.state is not null group by n.connector) t),
    'mail', (select coalesce(jsonb_agg(jsonb_build_object('name', m.name, 'position', m.position, 'is_down', m.is_down, 'reason', m.reason,
        'changed_at', m.changed_at, 'heard_at', greatest(m.succeeded_at, m.probed_at)) order by m.position), '[]') from public.mail_providers m
      where m.position is not null),
    'failed_over', (select count(*) from public.mail_statuses s where s.is_failed_over and s.at > clock_timestamp() - interval '1 hour'),
    'processes', (select coalesce(jsonb_agg(to_jsonb(b) - 'tenant_id' order by b.kind, b.started_at), '[]') from public.process_beats b
      where b.at > clock_timestamp() - interval '15 minutes' and not b.is_over),
    'dead', (select count(*) from public.dead_jobs j where j.died_at > clock_timestamp() - interval '1 hour'),
    'database', (select to_jsonb(s) from (select x.connections_used, x.connections_max from ops.season() x) s),
    'series', (select coalesce(jsonb_agg(jsonb_build_object('kind', s.kind, 'name', s.name, 'at', s.at, 'good', s.good, 'bad', s.bad, 'refused', s.refused,
        'slow', s.slow, 'gauge', s.gauge, 'sketch', s.sketch) order by s.kind, s.name, s.at), '[]') from public.health_series s
      where s.step_s = 60 and s.kind <> 'wedding' and s.at > clock_timestamp() - make_interval(mins => p_minutes)))
  where ops.allow();
$$;

create function ops.health_since() returns table (part text, status text, since timestamptz, judged_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select h.part, h.status, h.since, h.judged_at from public.health_parts h where ops.allow();
$$;

create function ops.health_changes(p_limit integer) returns table (part text, was text, status text, says text, lasted_s double precision, at timestamptz)
language sql stable security definer set search_path = '' as $$
  select c.part, c.was, c.status, c.says, c.lasted_s, c.at from public.health_changes c where ops.allow() order by c.at desc, c.id desc limit p_limit;
$$;

create function ops.breakers() returns table (kind text, name text, state text, open_until timestamptz, openings integer, destinations integer, failing integer)
language sql stable security definer set search_path = '' as $$
  select 'connector', t.connector, case when bool_or(t.breaker_until > clock_timestamp()) then 'open' when bool_or(t.breaker_until is not null) then 'half_open'
      else 'closed' end,
    max(t.breaker_until), max(t.breaker_openings), count(*)::integer, count(*) filter (where t.breaker_failures > 0 or t.breaker_until is not null)::integer
  from public.destinations t where ops.allow() group by t.connector
  union all
  select 'host', h.host, case when h.open_until > clock_timestamp() then 'open' when h.open_until is not null then 'half_open' else 'closed' end, h.open_until,
    h.openings, (select count(*)::integer from public.destinations t where t.host = h.host), cardinality(h.failing)
  from public.hosts h where (select count(distinct t.tenant_id) from public.destinations t where t.host = h.host) > 1 and ops.allow()
  order by 1, 2;
$$;
grant execute on function ops.health_facts(integer), ops.health_since(), ops.health_changes(integer), ops.breakers() to wedsync_user, wedsync_service, wedsync_owner;
reset role;

-- 89_requests.sql
-- Requests to migrate: an operator asks, the clock, which alone may, applies. Home: the platform. Never deleted.
set role wedsync_owner;
create table public.migration_requests (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  steps jsonb not null,
  is_dry_run boolean not null,
  asked_by uuid not null references public.persons,
  asked_at timestamptz not null,
  state text not null default 'waiting' check (state in ('waiting', 'applied', 'rehearsed', 'refused', 'failed')),
  result text not null default '' check (length(result) <= 2000),
  ended_at timestamptz,
  check ((state = 'waiting') = (ended_at is null))
);
comment on table public.migration_requests is 'steps: name and findings of each file that was missing when it was asked; what was applied says result';
create unique index migration_requests_waiting on public.migration_requests (tenant_id) where state = 'waiting';
create index migration_requests_recent on public.migration_requests (asked_at desc);
call app.protect('public.migration_requests', 'tenant_id', 'false', null);
grant insert, update on public.migration_requests to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- One waits at a time: null where one does already.
create function app.ask_migration(p_steps jsonb, p_dry_run boolean) returns uuid
language sql volatile security definer set search_path = '' as $$
  insert into public.migration_requests (steps, is_dry_run, asked_by, asked_at) values (p_steps, p_dry_run, app.as_operator(), app.now())
  on conflict (tenant_id) where state = 'waiting' do nothing returning id;
$$;

create function app.migration_requests(p_limit integer)
returns table (id uuid, steps jsonb, is_dry_run boolean, asked_by uuid, asked_at timestamptz, state text, result text, ended_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform app.as_operator();
  return query select r.id, r.steps, r.is_dry_run, r.asked_by, r.asked_at, r.state, r.result, r.ended_at
    from public.migration_requests r order by r.asked_at desc, r.id limit p_limit;
end $$;

create function app.waiting_migration() returns table (id uuid, is_dry_run boolean)
language sql stable security definer set search_path = '' as $$
  select r.id, r.is_dry_run from public.migration_requests r where r.state = 'waiting';
$$;

create function app.end_migration(p_id uuid, p_state text, p_result text) returns void
language sql volatile security definer set search_path = '' as $$
  update public.migration_requests r set state = p_state, result = left(p_result, 2000), ended_at = app.now() where r.id = p_id and r.state = 'waiting';
$$;
grant execute on function app.ask_migration(jsonb, boolean), app.migration_requests(integer) to wedsync_user;
grant execute on function app.waiting_migration(), app.end_migration(uuid, text, text) to wedsync_service;
reset role;

-- 89_slo.sql
-- Promises and alerts: how much was good in which window, what fires, who was told, who took it up. Home: the platform.
-- Read and written by functions alone; of weddings only ids, phases and kinds of moments, and only where something is owed to them.
set role wedsync_owner;
create table public.alert_rules (
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  rule text not null check (rule ~ '^[a-z_]{1,40}$'),
  threshold double precision check (threshold > 0),
  is_on boolean not null default true,
  changed_by uuid not null references public.persons,
  changed_at timestamptz not null,
  primary key (tenant_id, rule)
);
comment on table public.alert_rules is 'What an operator set otherwise than wedsync/operations/slo/rules.py; threshold null = the default';
call app.protect('public.alert_rules', 'tenant_id', 'false', null);

create table public.platform_alerts (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  rule text not null check (length(rule) between 1 and 40),
  subject text not null check (length(subject) between 1 and 80),
  severity text not null check (severity in ('page', 'ticket')),
  says text not null check (length(says) <= 500),
  risk text not null default '' check (length(risk) <= 1000),
  opened_at timestamptz not null,
  last_at timestamptz not null,
  ended_at timestamptz,
  times integer not null default 1,
  told_at timestamptz,
  told_times integer not null default 0,
  acked_by uuid references public.persons,
  acked_at timestamptz,
  check ((acked_by is null) = (acked_at is null))
);
comment on table public.platform_alerts is 'One row for as long as something is wrong, and once more if it comes back within ten minutes; kept 400 days';
create unique index platform_alerts_open on public.platform_alerts (tenant_id, rule, subject) where ended_at is null;
create index platform_alerts_recent on public.platform_alerts (last_at desc);
call app.protect('public.platform_alerts', 'tenant_id', 'false', null);

create table public.alert_silences (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  rule text not null check (length(rule) between 1 and 40),
  subject text not null default '' check (length(subject) <= 80),
  reason text not null check (length(reason) between 3 and 300),
  until timestamptz not null,
  by uuid not null references public.persons,
  at timestamptz not null
);
comment on table public.alert_silences is 'Nobody is mailed of this rule and subject (empty: any) until then; it is shown all the same';
create index alert_silences_until on public.alert_silences (until);
call app.protect('public.alert_silences', 'tenant_id', 'false', null);

grant insert, update, delete on public.alert_rules, public.platform_alerts, public.alert_silences to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- What the series came to in each window. Up to two hours from minutes, longer ones from hours: those begin with the hour.
create function ops.health_sums() returns table (kind text, name text, window_s integer, good bigint, bad bigint, slow bigint)
language sql stable security definer set search_path = '' as $$
  select s.kind, s.name, w.s, sum(s.good)::bigint, sum(s.bad)::bigint, sum(s.slow)::bigint
  from (values (60), (300), (1800), (3600), (7200), (21600), (86400), (259200), (2592000)) as w(s)
  join public.health_series s on s.step_s = case when w.s <= 7200 then 60 else 3600 end
    and s.at > clock_timestamp() - make_interval(secs => w.s + case when w.s <= 7200 then 60 else 3600 end)
  where ops.allow() and s.kind in ('edge', 'lane', 'channel') or s.kind = 'wedding' and w.s <= 1800 and ops.allow()
  group by 1, 2, 3;
$$;

-- Whom it would hit: weddings of the next 72 hours to which something is owed by these connectors (null: by anything), most urgent first, with the
-- next moment of each: its kind and local time.
create function ops.at_risk(p_connectors text[]) returns jsonb
language sql stable security definer set search_path = '' set enable_seqscan = off as $$
  with due as materialized (
    select distinct on (d.wedding_id) d.wedding_id, d.zone, d.live_from <= app.now() as is_live, d.live_from from public.wedding_days d
    join public.weddings w on w.wedding_id = d.wedding_id
    where d.live_until > app.now() and d.live_from < app.now() + interval '72 hours' and app.stands(w.date_status) order by d.wedding_id, d.live_from),
  owed as materialized (
    select u.wedding_id, count(*) as jobs from due u cross join lateral (
      select from public.jobs j where j.tenant_id = u.wedding_id and j.lane = any ('{0,1,2,3}')
        and (p_connectors is null or j.kind = 'delivery' and j.name = any (p_connectors))
      union all
      select from public.links l join public.jobs j on j.tenant_id = l.supplier_id and j.kind = 'delivery' and j.lane = any ('{0,1,2,3}')
        join public.deliveries v on v.id = j.id and v.made_at = j.made_at and v.stream_id = u.wedding_id
        where l.wedding_id = u.wedding_id and l.status = 'active' and (p_connectors is null or j.name = any (p_connectors))) x
    group by 1),
  hit as (select u.wedding_id, u.zone, u.is_live, u.live_from, coalesce(o.jobs, 0) as jobs from due u left join owed o on o.wedding_id = u.wedding_id
    where o.jobs > 0 or p_connectors is null)
  select jsonb_build_object('live', count(*) filter (where h.is_live), 'due', count(*) filter (where not h.is_live), 'owed', coalesce(sum(h.jobs), 0),
    'first', (select coalesce(jsonb_agg(to_jsonb(f)), '[]') from (
      select b.wedding_id, b.is_live, b.jobs, b.zone, m.kind, to_char(m.starts_at at time zone b.zone, 'Dy HH24:MI') as at_local,
        extract(epoch from m.starts_at - app.now())::double precision as in_s
      from hit b left join lateral (select i.kind, i.starts_at from public.schedule_items i where i.wedding_id = b.wedding_id and i.starts_at > app.now()
        order by i.starts_at limit 1) m on true
      order by b.is_live desc, m.starts_at nulls last, b.live_from limit 3) f))
  from hit h where ops.allow();
$$;

create function ops.alert_rules() returns table (rule text, threshold double precision, is_on boolean, changed_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select r.rule, r.threshold, r.is_on, r.changed_at from public.alert_rules r where ops.allow();
$$;

create function app.set_alert_rule(p_rule text, p_threshold double precision, p_on boolean) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.alert_rules (rule, threshold, is_on, changed_by, changed_at) values (p_rule, p_threshold, p_on, app.as_operator(), app.now())
  on conflict (tenant_id, rule) do update set threshold = excluded.threshold, is_on = excluded.is_on, changed_by = excluded.changed_by,
    changed_at = excluded.changed_at;
$$;

-- What fires now: [{rule, subject, severity, says, risk}]. What fires already is one row; what came back within ten minutes is the same one again. What
-- no longer fires ends two minutes after it fired last.
create function app.keep_alerts(p jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  update public.platform_alerts a set ended_at = null, acked_by = case when a.severity = f.severity then a.acked_by end,
      acked_at = case when a.severity = f.severity then a.acked_at end, times = a.times + (a.ended_at is not null)::integer, last_at = v_now,
      severity = f.severity, says = left(f.says, 500), risk = left(f.risk, 1000),
      told_at = case when a.severity = 'ticket' and f.severity = 'page' then null else a.told_at end
    from jsonb_to_recordset(p) as f(rule text, subject text, severity text, says text, risk text)
    where a.rule = f.rule and a.subject = left(f.subject, 80) and a.id = (select n.id from public.platform_alerts n where n.rule = f.rule
      and n.subject = left(f.subject, 80) and (n.ended_at is null or n.ended_at > v_now - interval '10 minutes') order by n.ended_at desc nulls first limit 1);
  insert into public.platform_alerts (rule, subject, severity, says, risk, opened_at, last_at)
    select f.rule, left(f.subject, 80), f.severity, left(f.says, 500), left(f.risk, 1000), v_now, v_now
    from jsonb_to_recordset(p) as f(rule text, subject text, severity text, says text, risk text)
  on conflict (tenant_id, rule, subject) where ended_at is null do nothing;
  update public.platform_alerts a set ended_at = v_now where a.ended_at is null and a.last_at < v_now - interval '2 minutes';
end $$;

-- Of which the operators are to be told now, and who they are. What pages and nobody took up is told again every 15 minutes, four times in all.
create function app.untold_alerts() returns table (id uuid, rule text, subject text, severity text, says text, risk text, opened_at timestamptz, told_times integer)
language sql stable security definer set search_path = '' as $$
  select a.id, a.rule, a.subject, a.severity, a.says, a.risk, a.opened_at, a.told_times from public.platform_alerts a
  where a.ended_at is null and a.acked_at is null
    and (a.told_at is null or a.severity = 'page' and a.told_times < 4 and a.told_at < clock_timestamp() - interval '15 minutes')
    and not exists (select from public.alert_silences s where s.rule = a.rule and s.subject in ('', a.subject) and s.until > clock_timestamp())
  order by a.severity, a.opened_at, a.id;
$$;

create function app.operators() returns table (person_id uuid, name text, email text)
language sql stable security definer set search_path = '' as $$
  select p.person_id, p.name, p.email from public.persons p where p.is_operator and p.email is not null order by p.person_id;
$$;

-- The mails of alerts as deliveries, and that they were told. p: [{delivery, person, sealed hex}].
create function app.tell_alerts(p_alerts uuid[], p jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
begin
  update public.platform_alerts a set told_at = v_at, told_times = a.told_times + 1 where a.id = any (p_alerts);
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    select (m.x ->> 'delivery')::uuid, v_at, (m.x ->> 'person')::uuid, 'mail', app.shared_destination('mail'), 'platform.alerted', 'person',
      (m.x ->> 'person')::uuid, decode(m.x ->> 'sealed', 'hex'), 0, v_at + interval '6 hours' from jsonb_array_elements(p) as m(x);
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    select (m.x ->> 'delivery')::uuid, 'delivery', 'mail', 0, (m.x ->> 'person')::uuid, app.shared_destination('mail'), v_at, v_at + interval '6 hours'
    from jsonb_array_elements(p) as m(x);
end $$;

create function ops.alerts(p_limit integer)
returns table (id uuid, rule text, subject text, severity text, says text, risk text, opened_at timestamptz, last_at timestamptz, ended_at timestamptz,
  times integer, told_at timestamptz, acked_by_name text, acked_at timestamptz, is_silenced boolean)
language sql stable security definer set search_path = '' as $$
  select a.id, a.rule, a.subject, a.severity, a.says, a.risk, a.opened_at, a.last_at, a.ended_at, a.times, a.told_at,
    coalesce(nullif(p.name, ''), p.email), a.acked_at,
    exists (select from public.alert_silences s where s.rule = a.rule and s.subject in ('', a.subject) and s.until > clock_timestamp())
  from public.platform_alerts a left join public.persons p on p.person_id = a.acked_by
  where ops.allow() order by a.ended_at desc nulls first, a.severity, a.opened_at desc limit p_limit;
$$;

create function ops.alerts_waiting() returns integer
language sql stable security definer set search_path = '' as $$
  select count(*)::integer from public.platform_alerts a where a.ended_at is null and a.acked_at is null and ops.allow();
$$;

-- Whether there is such an alert; taking it up twice is once, and the first name stays.
create function app.acknowledge_alert(p_id uuid) returns boolean
language sql volatile security definer set search_path = '' as $$
  with taken as (update public.platform_alerts a set acked_by = coalesce(a.acked_by, app.as_operator()), acked_at = coalesce(a.acked_at, clock_timestamp())
    where a.id = p_id and app.as_operator() is not null returning a.id)
  select exists (select from taken);
$$;

create function app.silence_alerts(p_rule text, p_subject text, p_reason text, p_minutes integer) returns uuid
language sql volatile security definer set search_path = '' as $$
  insert into public.alert_silences (rule, subject, reason, until, by, at)
  values (p_rule, p_subject, p_reason, clock_timestamp() + make_interval(mins => p_minutes), app.as_operator(), clock_timestamp()) returning id;
$$;

create function ops.silences() returns table (id uuid, rule text, subject text, reason text, until timestamptz, by_name text)
language sql stable security definer set search_path = '' as $$
  select s.id, s.rule, s.subject, s.reason, s.until, coalesce(nullif(p.name, ''), p.email) from public.alert_silences s
  join public.persons p on p.person_id = s.by where s.until > clock_timestamp() and ops.allow() order by s.until, s.id;
$$;

create function app.end_silence(p_id uuid) returns boolean
language sql volatile security definer set search_path = '' as $$
  with ended as (update public.alert_silences s set until = clock_timestamp() where s.id = p_id and s.until > clock_timestamp()
    and app.as_operator() is not null returning s.id)
  select exists (select from ended);
$$;

-- Of each connector the hours since a time: how many were bad, by the rule of one per cent of at least twenty, and all of them together.
create function ops.provider_hours(p_days integer) returns table (name text, hours integer, bad_hours integer, good bigint, bad bigint, refused bigint, slow bigint,
  sketch jsonb)
language sql stable security definer set search_path = '' as $$
  select s.name, count(*)::integer, count(*) filter (where s.good + s.bad >= 20 and s.bad * 100 >= s.good + s.bad)::integer, sum(s.good)::bigint,
    sum(s.bad)::bigint, sum(s.refused)::bigint, sum(s.slow)::bigint,
    coalesce((select jsonb_object_agg(m.key, m.n) from (select e.key, sum(e.value::bigint) as n
      from unnest(array_agg(s.sketch)) as k(sketch) cross join lateral jsonb_each_text(k.sketch) e group by e.key) m), '{}')
  from public.health_series s
  where s.step_s = 3600 and s.kind = 'channel' and s.at > clock_timestamp() - make_interval(days => p_days) and ops.allow() group by s.name order by s.name;
$$;

grant execute on function ops.health_sums(), ops.at_risk(text[]), ops.alert_rules(), ops.alerts(integer), ops.alerts_waiting(), ops.silences(),
  ops.provider_hours(integer) to wedsync_user, wedsync_service;
grant execute on function app.set_alert_rule(text, double precision, boolean), app.acknowledge_alert(uuid), app.silence_alerts(text, text, text, integer),
  app.end_silence(uuid) to wedsync_user;
grant execute on function app.keep_alerts(jsonb), app.untold_alerts(), app.operators(), app.tell_alerts(uuid[], jsonb) to wedsync_service;
reset role;
