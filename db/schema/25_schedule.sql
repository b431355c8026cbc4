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
