-- The platform's freeze: its stretches as planned by the clock, the overrides that two operators give, the requests to migrate, and the trigger that
-- keeps everybody else's DDL out. Home: the platform. Read and written by functions alone, which ask for the operator.
set role wedsync_owner;
create table public.freezes (
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  kind text not null check (kind in ('live', 'guarded')),
  reason text not null check (length(reason) between 1 and 300),
  primary key (tenant_id, starts_at),
  check (starts_at < ends_at)
);
comment on table public.freezes is 'When the platform is, was and will be frozen, by the rule in wedsync/operations/freeze/model.py; what is over stays';
call app.protect('public.freezes', 'tenant_id', 'false', null);

create table public.freeze_rules (
  tenant_id uuid primary key default '00000000-0000-7000-8000-000000000000' references public.streams,
  is_enforced boolean not null,
  live_max integer not null check (live_max >= 0),
  planned_at timestamptz not null
);
comment on table public.freeze_rules is 'What the database needs of the rule to refuse by itself; no row = the platform never ran, nothing is refused';
call app.protect('public.freeze_rules', 'tenant_id', 'false', null);

create table public.freeze_overrides (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  reason text not null check (length(reason) between 10 and 500),
  minutes integer not null check (minutes between 5 and 240),
  asked_by uuid not null references public.persons,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  confirmed_by uuid references public.persons,
  confirmed_at timestamptz,
  ended_by uuid references public.persons,
  ended_at timestamptz,
  check (confirmed_by <> asked_by),
  check ((confirmed_by is null) = (confirmed_at is null)),
  check ((ended_by is null) = (ended_at is null))
);
comment on table public.freeze_overrides is 'Asked by one operator, in force once another has confirmed it, until it expires or is ended; never deleted';
create index freeze_overrides_recent on public.freeze_overrides (expires_at);
call app.protect('public.freeze_overrides', 'tenant_id', 'false', null);

grant insert, update, delete on public.freezes to wedsync_recorder;
grant insert, update on public.freeze_rules, public.freeze_overrides to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- Whoever entered the platform as its operator; everybody else is told so.
create function app.as_operator() returns uuid
language plpgsql stable set search_path = '' as $$
begin
  if app.role() <> 'operator' or app.tenant() <> '00000000-0000-7000-8000-000000000000' then
    raise exception 'only the operator' using errcode = 'WS403';
  end if;
  return app.actor();
end $$;

-- A cancelled or postponed wedding guards nothing.
create function app.stands(p_status text) returns boolean
language sql immutable set search_path = '' return p_status not in ('cancelled', 'postponed');

-- All that the rule is about: counts, dates and zones, nothing of any wedding. Peaks are told from a year of dates.
create function app.freeze_facts(p_behind interval, p_ahead interval) returns jsonb
language sql stable security definer set search_path = '' as $$
  with t as materialized (select app.now() as now)
  select jsonb_build_object('now', t.now,
    'days', (select coalesce(jsonb_agg(jsonb_build_object('wedding_id', d.wedding_id, 'live_from', d.live_from, 'live_until', d.live_until)), '[]')
      from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
      where d.live_until > t.now - p_behind and d.live_from < t.now + p_ahead and app.stands(w.date_status)),
    'dates', (select coalesce(jsonb_agg(jsonb_build_object('zone', x.zone, 'on', x."on", 'weddings', x.weddings)), '[]')
      from (select y.zone, y."on", count(distinct y.wedding_id) as weddings
        from (select w.time_zone as zone, w."on", w.wedding_id from public.weddings w where app.stands(w.date_status)
            and w."on" between (t.now - interval '30 days')::date and (t.now + interval '365 days')::date
          union select d.zone, d."on", d.wedding_id from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
            where app.stands(w.date_status) and d."on" between (t.now - interval '30 days')::date and (t.now + interval '365 days')::date) y
        group by y.zone, y."on") x),
    'overrides', (select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'reason', o.reason, 'minutes', o.minutes, 'asked_by', o.asked_by,
        'asked_by_name', coalesce(nullif(a.name, ''), a.email, ''), 'asked_at', o.asked_at, 'expires_at', o.expires_at, 'confirmed_by', o.confirmed_by,
        'confirmed_by_name', coalesce(nullif(c.name, ''), c.email, ''), 'confirmed_at', o.confirmed_at, 'ended_at', o.ended_at) order by o.asked_at desc), '[]')
      from public.freeze_overrides o join public.persons a on a.person_id = o.asked_by left join public.persons c on c.person_id = o.confirmed_by
      where o.expires_at > t.now - interval '30 days'))
  from t where session_user <> 'wedsync_user' or app.as_operator() is not null;
$$;

-- The clock writes what the rule says, so that the database can refuse by itself. What is over stays as it was.
create function app.plan_freezes(p_enforced boolean, p_live_max integer, p_stretches jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := app.now();
begin
  insert into public.freeze_rules as r (is_enforced, live_max, planned_at) values (p_enforced, p_live_max, v_now)
    on conflict (tenant_id) do update set is_enforced = excluded.is_enforced, live_max = excluded.live_max, planned_at = excluded.planned_at;
  delete from public.freezes f where f.ends_at > v_now and not exists (
    select from jsonb_to_recordset(p_stretches) as s(starts_at timestamptz) where s.starts_at = f.starts_at);
  insert into public.freezes as f (starts_at, ends_at, kind, reason)
    select s.starts_at, s.ends_at, s.kind, s.reason from jsonb_to_recordset(p_stretches) as s(starts_at timestamptz, ends_at timestamptz, kind text, reason text)
    where s.ends_at > v_now
  on conflict (tenant_id, starts_at) do update set ends_at = excluded.ends_at, kind = excluded.kind, reason = excluded.reason
    where (f.ends_at, f.kind, f.reason) is distinct from (excluded.ends_at, excluded.kind, excluded.reason);
end $$;

-- One operator asks. It waits an hour for another one.
create function app.ask_override(p_reason text, p_minutes integer) returns uuid
language sql volatile security definer set search_path = '' as $$
  insert into public.freeze_overrides (reason, minutes, asked_by, asked_at, expires_at)
  values (p_reason, p_minutes, app.as_operator(), app.now(), app.now() + interval '1 hour') returning id;
$$;

-- How one stands, locked until the end of the transaction that changes it.
create function app.hold_override(p_id uuid) returns table (asked_by uuid, confirmed_at timestamptz, ended_at timestamptz, is_late boolean)
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform app.as_operator();
  return query select o.asked_by, o.confirmed_at, o.ended_at, o.expires_at <= app.now() from public.freeze_overrides o where o.id = p_id for update;
end $$;

-- Another operator confirms: the table itself refuses the same one.
create function app.confirm_override(p_id uuid) returns void
language sql volatile security definer set search_path = '' as $$
  update public.freeze_overrides o set confirmed_by = app.as_operator(), confirmed_at = app.now(), expires_at = app.now() + make_interval(mins => o.minutes)
  where o.id = p_id and o.confirmed_at is null and o.ended_at is null and o.expires_at > app.now();
$$;

create function app.end_override(p_id uuid) returns void
language sql volatile security definer set search_path = '' as $$
  update public.freeze_overrides o set ended_by = app.as_operator(), ended_at = app.now() where o.id = p_id and o.ended_at is null;
$$;

-- Why the database refuses DDL now, by itself; null = it does not. Live hours are looked at as they stand, beside all that was planned.
create function app.frozen_because() returns text
language sql stable security definer set search_path = '' as $$
  select case when r.is_enforced and not exists (select from public.freeze_overrides o
      where o.confirmed_at is not null and o.ended_at is null and o.expires_at > app.now())
    then coalesce(
      (select case x.weddings when 1 then '1 wedding is live' else format('%s weddings are live', x.weddings) end
        from (select count(distinct d.wedding_id) as weddings from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
          where d.live_until > app.now() and d.live_from <= app.now() and app.stands(w.date_status)) x
        where x.weddings > r.live_max),
      (select f.reason from public.freezes f where f.starts_at <= app.now() and f.ends_at > app.now() limit 1)) end
  from public.freeze_rules r;
$$;

-- The event trigger's. Who makes it must be a superuser (see `wedsync doctor`); the upkeep of partitions goes on, everything else waits.
create function app.refuse_ddl() returns event_trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_because text := app.frozen_because();
  v_stack text;
begin
  if v_because is null then return; end if;
  get diagnostics v_stack = pg_context;
  if v_stack ~ 'function app\.(make_partitions|forget_months)\(' then return; end if;
  raise exception 'the platform is frozen, so % is refused: %', lower(tg_tag), v_because
    using errcode = 'WS423', hint = 'wedsync freeze check tells when it ends; two operators may override it: wedsync freeze override.';
end $$;
revoke execute on function app.refuse_ddl() from public;

grant execute on function app.freeze_facts(interval, interval), app.plan_freezes(boolean, integer, jsonb), app.frozen_because() to wedsync_service;
grant execute on function app.freeze_facts(interval, interval), app.as_operator(), app.ask_override(text, integer), app.hold_override(uuid),
  app.confirm_override(uuid), app.end_override(uuid) to wedsync_user;
grant execute on function app.freeze_facts(interval, interval), app.frozen_because() to wedsync_owner;
reset role;
