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
