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
