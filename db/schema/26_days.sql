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

create table public.day_stages (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  "on" date not null,
  stage text not null check (stage in ('stand_down', 'aftercare')),
  began_at timestamptz not null,
  primary key (wedding_id, id),
  unique (wedding_id, "on", stage)
);
comment on table public.day_stages is 'Scope core: what came after a wedding day, each once: stand-down when it was over, aftercare a day after its last item';
call app.protect('public.day_stages', 'wedding_id', $$((select app.mask()) & 1) <> 0$$, $$(select app.role()) = 'system'$$);

create table public.weather_gates (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  latitude double precision not null check (latitude between -90 and 90),
  longitude double precision not null check (longitude between -180 and 180),
  plan_b text not null check (length(plan_b) between 3 and 300),
  plan_b_place text not null check (length(plan_b_place) between 1 and 300),
  zone text not null check (length(zone) <= 64),
  decide_by timestamptz not null,
  rain_mm_max double precision not null check (rain_mm_max between 0 and 500),
  gust_kmh_max double precision not null check (gust_kmh_max between 5 and 300),
  cold_c_min double precision not null check (cold_c_min between -60 and 60),
  heat_c_max double precision not null check (heat_c_max between -60 and 60),
  state text not null default 'waiting' check (state in ('waiting', 'asked', 'kept', 'switched', 'lapsed')),
  crossed text[] not null default '{}' check (crossed <@ array['rain', 'gust', 'cold', 'heat']),
  rain_mm double precision,
  rain_chance double precision,
  gust_kmh double precision,
  low_c double precision,
  high_c double precision,
  forecast_at timestamptz,
  trouble text not null default '' check (length(trouble) <= 300),
  next_at timestamptz not null,
  asked_links uuid[] not null default '{}',
  decided_name text not null default '' check (length(decided_name) <= 300),
  decided_at timestamptz,
  reason text not null default '' check (length(reason) <= 500),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, schedule_item_id),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade,
  check (cold_c_min < heat_c_max)
);
comment on table public.weather_gates is 'Scope schedule: an item out of doors, what is done instead in bad weather, by when that is decided, and what the forecast says of it';
comment on column public.weather_gates.asked_links is 'Links that were asked to decide beside the couple: who may edit the timeline';
create index weather_gates_due on public.weather_gates (next_at) where state in ('waiting', 'asked');
create trigger bump before update on public.weather_gates for each row execute function app.bump();
call app.protect('public.weather_gates', 'wedding_id', $$((select app.mask()) & 2) <> 0$$, $$((select app.write_mask()) & 2) <> 0$$);
reset role;
