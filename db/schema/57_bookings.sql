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
call app.protect('public.busy_sources', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$);

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
