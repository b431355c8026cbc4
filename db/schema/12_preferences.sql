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
