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
