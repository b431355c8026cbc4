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
