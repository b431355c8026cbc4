-- The public page of the platform: what operators announce, and what anybody may be told of how it does. Nothing of any tenant.
set role wedsync_owner;
create table public.announcements (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  kind text not null check (kind in ('incident', 'maintenance')),
  state text not null check (state in ('works', 'slow', 'partly', 'down', 'planned')),
  areas text[] not null check (cardinality(areas) between 1 and 12),
  title text not null check (length(title) between 3 and 120),
  says text not null check (length(says) between 3 and 1000),
  starts_at timestamptz not null,
  ends_at timestamptz,
  updates jsonb not null default '[]' check (jsonb_typeof(updates) = 'array' and jsonb_array_length(updates) <= 50),
  made_by uuid not null references public.persons,
  made_at timestamptz not null,
  changed_at timestamptz not null,
  check (ends_at > starts_at),
  check ((kind = 'maintenance') = (state = 'planned')),
  check (kind = 'incident' or ends_at is not null)
);
comment on table public.announcements is 'What operators tell everybody at /status: an incident until it is over, a maintenance with its times; kept';
comment on column public.announcements.state is 'How the areas are while it lasts, in the words of the page';
comment on column public.announcements.updates is 'What was said since: [{at, says}], oldest first';
create index announcements_at on public.announcements (starts_at desc);
call app.protect('public.announcements', 'tenant_id', 'false', null);
grant insert, update on public.announcements to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- For anybody: how parts were judged last and when, what each day of the last p_days came to by series, and what was announced. No wedding, no business.
create function app.public_status(p_days integer) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('now', app.now(), 'machine_now', clock_timestamp(),
    'judged_at', (select max(h.judged_at) from public.health_parts h),
    'parts', (select coalesce(jsonb_agg(jsonb_build_object('part', h.part, 'status', h.status, 'since', h.since) order by h.part), '[]') from public.health_parts h),
    'days', (select coalesce(jsonb_agg(jsonb_build_array(x."on", x.kind, x.name, x.good, x.bad)), '[]') from (
      select (s.at at time zone 'UTC')::date as "on", s.kind, s.name, sum(s.good)::bigint as good, sum(s.bad)::bigint as bad
      from public.health_series s where s.step_s = 3600 and s.kind in ('edge', 'lane', 'channel') and s.at > clock_timestamp() - make_interval(days => p_days)
      group by 1, 2, 3) x),
    'announcements', (select coalesce(jsonb_agg(to_jsonb(a) - 'made_by' - 'tenant_id' order by a.starts_at desc), '[]') from (
      select n.* from public.announcements n where coalesce(n.ends_at, app.now()) > app.now() - make_interval(days => p_days)
      order by n.starts_at desc limit 50) a));
$$;

create function app.announce(p_kind text, p_state text, p_areas text[], p_title text, p_says text, p_from timestamptz, p_until timestamptz) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_id uuid;
begin
  insert into public.announcements (kind, state, areas, title, says, starts_at, ends_at, made_by, made_at, changed_at)
    values (p_kind, p_state, p_areas, p_title, p_says, p_from, p_until, app.as_operator(), app.now(), app.now()) returning id into v_id;
  perform app.note_act('announcement.made', v_id::text, left(p_title, 300), 1);
  return v_id;
end $$;

-- One more word; p_state null leaves it as it is, p_over ends it now. A maintenance that has not begun is taken back by ending it. False: there is none open.
create function app.say_more(p_id uuid, p_says text, p_state text, p_over boolean) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform app.as_operator();
  update public.announcements a set updates = case when jsonb_array_length(a.updates) < 50 then a.updates else a.updates - 0 end
        || jsonb_build_object('at', app.now(), 'says', p_says),
      state = case when a.kind = 'incident' then coalesce(p_state, a.state) else a.state end,
      starts_at = case when p_over and a.starts_at >= app.now() then app.now() - interval '1 second' else a.starts_at end,
      ends_at = case when p_over then app.now() else a.ends_at end, changed_at = app.now()
    where a.id = p_id and coalesce(a.ends_at, 'infinity') > app.now();
  if not found then return false; end if;
  perform app.note_act('announcement.changed', p_id::text, left(p_says, 300), 1);
  return true;
end $$;

-- How many pages and calls are answered in an hour of the week (UTC, 0 = Monday midnight), on average of four weeks.
create function ops.load_by_hour() returns table (hour integer, answers double precision)
language sql stable security definer set search_path = '' as $$
  select ((extract(isodow from s.at at time zone 'UTC') - 1) * 24 + extract(hour from s.at at time zone 'UTC'))::integer, avg(s.good + s.bad)::double precision
  from public.health_series s
  where s.step_s = 3600 and s.kind = 'edge' and s.name = 'web' and s.at > clock_timestamp() - interval '28 days'
    and s.at < date_bin('1 hour', clock_timestamp(), 'epoch') and ops.allow()
  group by 1 order by 1;
$$;

grant execute on function app.public_status(integer), app.announce(text, text, text[], text, text, timestamptz, timestamptz),
  app.say_more(uuid, text, text, boolean), ops.load_by_hour() to wedsync_user;
reset role;
