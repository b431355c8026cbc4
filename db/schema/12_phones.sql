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
