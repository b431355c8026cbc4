-- Promises and alerts: how much was good in which window, what fires, who was told, who took it up. Home: the platform.
-- Read and written by functions alone; of weddings only ids, phases and kinds of moments, and only where something is owed to them.
set role wedsync_owner;
create table public.alert_rules (
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  rule text not null check (rule ~ '^[a-z_]{1,40}$'),
  threshold double precision check (threshold > 0),
  is_on boolean not null default true,
  changed_by uuid not null references public.persons,
  changed_at timestamptz not null,
  primary key (tenant_id, rule)
);
comment on table public.alert_rules is 'What an operator set otherwise than wedsync/operations/slo/rules.py; threshold null = the default';
call app.protect('public.alert_rules', 'tenant_id', 'false', null);

create table public.platform_alerts (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  rule text not null check (length(rule) between 1 and 40),
  subject text not null check (length(subject) between 1 and 80),
  severity text not null check (severity in ('page', 'ticket')),
  says text not null check (length(says) <= 500),
  risk text not null default '' check (length(risk) <= 1000),
  opened_at timestamptz not null,
  last_at timestamptz not null,
  ended_at timestamptz,
  times integer not null default 1,
  told_at timestamptz,
  told_times integer not null default 0,
  acked_by uuid references public.persons,
  acked_at timestamptz,
  check ((acked_by is null) = (acked_at is null))
);
comment on table public.platform_alerts is 'One row for as long as something is wrong, and once more if it comes back within ten minutes; kept 400 days';
create unique index platform_alerts_open on public.platform_alerts (tenant_id, rule, subject) where ended_at is null;
create index platform_alerts_recent on public.platform_alerts (last_at desc);
call app.protect('public.platform_alerts', 'tenant_id', 'false', null);

create table public.alert_silences (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  rule text not null check (length(rule) between 1 and 40),
  subject text not null default '' check (length(subject) <= 80),
  reason text not null check (length(reason) between 3 and 300),
  until timestamptz not null,
  by uuid not null references public.persons,
  at timestamptz not null
);
comment on table public.alert_silences is 'Nobody is mailed of this rule and subject (empty: any) until then; it is shown all the same';
create index alert_silences_until on public.alert_silences (until);
call app.protect('public.alert_silences', 'tenant_id', 'false', null);

grant insert, update, delete on public.alert_rules, public.platform_alerts, public.alert_silences to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- What the series came to in each window. Up to two hours from minutes, longer ones from hours: those begin with the hour.
create function ops.health_sums() returns table (kind text, name text, window_s integer, good bigint, bad bigint, slow bigint)
language sql stable security definer set search_path = '' as $$
  select s.kind, s.name, w.s, sum(s.good)::bigint, sum(s.bad)::bigint, sum(s.slow)::bigint
  from (values (60), (300), (1800), (3600), (7200), (21600), (86400), (259200), (2592000)) as w(s)
  join public.health_series s on s.step_s = case when w.s <= 7200 then 60 else 3600 end
    and s.at > clock_timestamp() - make_interval(secs => w.s + case when w.s <= 7200 then 60 else 3600 end)
  where ops.allow() and s.kind in ('edge', 'lane', 'channel') or s.kind = 'wedding' and w.s <= 1800 and ops.allow()
  group by 1, 2, 3;
$$;

-- Whom it would hit: weddings of the next 72 hours to which something is owed by these connectors (null: by anything), most urgent first, with the
-- next moment of each: its kind and local time.
create function ops.at_risk(p_connectors text[]) returns jsonb
language sql stable security definer set search_path = '' set enable_seqscan = off as $$
  with due as materialized (
    select distinct on (d.wedding_id) d.wedding_id, d.zone, d.live_from <= app.now() as is_live, d.live_from from public.wedding_days d
    join public.weddings w on w.wedding_id = d.wedding_id
    where d.live_until > app.now() and d.live_from < app.now() + interval '72 hours' and app.stands(w.date_status) order by d.wedding_id, d.live_from),
  owed as materialized (
    select u.wedding_id, count(*) as jobs from due u cross join lateral (
      select from public.jobs j where j.tenant_id = u.wedding_id and j.lane = any ('{0,1,2,3}')
        and (p_connectors is null or j.kind = 'delivery' and j.name = any (p_connectors))
      union all
      select from public.links l join public.jobs j on j.tenant_id = l.supplier_id and j.kind = 'delivery' and j.lane = any ('{0,1,2,3}')
        join public.deliveries v on v.id = j.id and v.made_at = j.made_at and v.stream_id = u.wedding_id
        where l.wedding_id = u.wedding_id and l.status = 'active' and (p_connectors is null or j.name = any (p_connectors))) x
    group by 1),
  hit as (select u.wedding_id, u.zone, u.is_live, u.live_from, coalesce(o.jobs, 0) as jobs from due u left join owed o on o.wedding_id = u.wedding_id
    where o.jobs > 0 or p_connectors is null)
  select jsonb_build_object('live', count(*) filter (where h.is_live), 'due', count(*) filter (where not h.is_live), 'owed', coalesce(sum(h.jobs), 0),
    'first', (select coalesce(jsonb_agg(to_jsonb(f)), '[]') from (
      select b.wedding_id, b.is_live, b.jobs, b.zone, m.kind, to_char(m.starts_at at time zone b.zone, 'Dy HH24:MI') as at_local,
        extract(epoch from m.starts_at - app.now())::double precision as in_s
      from hit b left join lateral (select i.kind, i.starts_at from public.schedule_items i where i.wedding_id = b.wedding_id and i.starts_at > app.now()
        order by i.starts_at limit 1) m on true
      order by b.is_live desc, m.starts_at nulls last, b.live_from limit 3) f))
  from hit h where ops.allow();
$$;

create function ops.alert_rules() returns table (rule text, threshold double precision, is_on boolean, changed_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select r.rule, r.threshold, r.is_on, r.changed_at from public.alert_rules r where ops.allow();
$$;

create function app.set_alert_rule(p_rule text, p_threshold double precision, p_on boolean) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.alert_rules (rule, threshold, is_on, changed_by, changed_at) values (p_rule, p_threshold, p_on, app.as_operator(), app.now())
  on conflict (tenant_id, rule) do update set threshold = excluded.threshold, is_on = excluded.is_on, changed_by = excluded.changed_by,
    changed_at = excluded.changed_at;
$$;

-- What fires now: [{rule, subject, severity, says, risk}]. What fires already is one row; what came back within ten minutes is the same one again. What
-- no longer fires ends two minutes after it fired last.
create function app.keep_alerts(p jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  update public.platform_alerts a set ended_at = null, acked_by = case when a.severity = f.severity then a.acked_by end,
      acked_at = case when a.severity = f.severity then a.acked_at end, times = a.times + (a.ended_at is not null)::integer, last_at = v_now,
      severity = f.severity, says = left(f.says, 500), risk = left(f.risk, 1000),
      told_at = case when a.severity = 'ticket' and f.severity = 'page' then null else a.told_at end
    from jsonb_to_recordset(p) as f(rule text, subject text, severity text, says text, risk text)
    where a.rule = f.rule and a.subject = left(f.subject, 80) and a.id = (select n.id from public.platform_alerts n where n.rule = f.rule
      and n.subject = left(f.subject, 80) and (n.ended_at is null or n.ended_at > v_now - interval '10 minutes') order by n.ended_at desc nulls first limit 1);
  insert into public.platform_alerts (rule, subject, severity, says, risk, opened_at, last_at)
    select f.rule, left(f.subject, 80), f.severity, left(f.says, 500), left(f.risk, 1000), v_now, v_now
    from jsonb_to_recordset(p) as f(rule text, subject text, severity text, says text, risk text)
  on conflict (tenant_id, rule, subject) where ended_at is null do nothing;
  update public.platform_alerts a set ended_at = v_now where a.ended_at is null and a.last_at < v_now - interval '2 minutes';
end $$;

-- Of which the operators are to be told now, and who they are. What pages and nobody took up is told again every 15 minutes, four times in all.
create function app.untold_alerts() returns table (id uuid, rule text, subject text, severity text, says text, risk text, opened_at timestamptz, told_times integer)
language sql stable security definer set search_path = '' as $$
  select a.id, a.rule, a.subject, a.severity, a.says, a.risk, a.opened_at, a.told_times from public.platform_alerts a
  where a.ended_at is null and a.acked_at is null
    and (a.told_at is null or a.severity = 'page' and a.told_times < 4 and a.told_at < clock_timestamp() - interval '15 minutes')
    and not exists (select from public.alert_silences s where s.rule = a.rule and s.subject in ('', a.subject) and s.until > clock_timestamp())
  order by a.severity, a.opened_at, a.id;
$$;

create function app.operators() returns table (person_id uuid, name text, email text)
language sql stable security definer set search_path = '' as $$
  select p.person_id, p.name, p.email from public.persons p where p.is_operator and p.email is not null order by p.person_id;
$$;

-- The mails of alerts as deliveries, and that they were told. p: [{delivery, person, sealed hex}].
create function app.tell_alerts(p_alerts uuid[], p jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
begin
  update public.platform_alerts a set told_at = v_at, told_times = a.told_times + 1 where a.id = any (p_alerts);
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    select (m.x ->> 'delivery')::uuid, v_at, (m.x ->> 'person')::uuid, 'mail', app.shared_destination('mail'), 'platform.alerted', 'person',
      (m.x ->> 'person')::uuid, decode(m.x ->> 'sealed', 'hex'), 0, v_at + interval '6 hours' from jsonb_array_elements(p) as m(x);
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    select (m.x ->> 'delivery')::uuid, 'delivery', 'mail', 0, (m.x ->> 'person')::uuid, app.shared_destination('mail'), v_at, v_at + interval '6 hours'
    from jsonb_array_elements(p) as m(x);
end $$;

create function ops.alerts(p_limit integer)
returns table (id uuid, rule text, subject text, severity text, says text, risk text, opened_at timestamptz, last_at timestamptz, ended_at timestamptz,
  times integer, told_at timestamptz, acked_by_name text, acked_at timestamptz, is_silenced boolean)
language sql stable security definer set search_path = '' as $$
  select a.id, a.rule, a.subject, a.severity, a.says, a.risk, a.opened_at, a.last_at, a.ended_at, a.times, a.told_at,
    coalesce(nullif(p.name, ''), p.email), a.acked_at,
    exists (select from public.alert_silences s where s.rule = a.rule and s.subject in ('', a.subject) and s.until > clock_timestamp())
  from public.platform_alerts a left join public.persons p on p.person_id = a.acked_by
  where ops.allow() order by a.ended_at desc nulls first, a.severity, a.opened_at desc limit p_limit;
$$;

create function ops.alerts_waiting() returns integer
language sql stable security definer set search_path = '' as $$
  select count(*)::integer from public.platform_alerts a where a.ended_at is null and a.acked_at is null and ops.allow();
$$;

-- Whether there is such an alert; taking it up twice is once, and the first name stays.
create function app.acknowledge_alert(p_id uuid) returns boolean
language sql volatile security definer set search_path = '' as $$
  with taken as (update public.platform_alerts a set acked_by = coalesce(a.acked_by, app.as_operator()), acked_at = coalesce(a.acked_at, clock_timestamp())
    where a.id = p_id and app.as_operator() is not null returning a.id)
  select exists (select from taken);
$$;

create function app.silence_alerts(p_rule text, p_subject text, p_reason text, p_minutes integer) returns uuid
language sql volatile security definer set search_path = '' as $$
  insert into public.alert_silences (rule, subject, reason, until, by, at)
  values (p_rule, p_subject, p_reason, clock_timestamp() + make_interval(mins => p_minutes), app.as_operator(), clock_timestamp()) returning id;
$$;

create function ops.silences() returns table (id uuid, rule text, subject text, reason text, until timestamptz, by_name text)
language sql stable security definer set search_path = '' as $$
  select s.id, s.rule, s.subject, s.reason, s.until, coalesce(nullif(p.name, ''), p.email) from public.alert_silences s
  join public.persons p on p.person_id = s.by where s.until > clock_timestamp() and ops.allow() order by s.until, s.id;
$$;

create function app.end_silence(p_id uuid) returns boolean
language sql volatile security definer set search_path = '' as $$
  with ended as (update public.alert_silences s set until = clock_timestamp() where s.id = p_id and s.until > clock_timestamp()
    and app.as_operator() is not null returning s.id)
  select exists (select from ended);
$$;

-- Of each connector the hours since a time: how many were bad, by the rule of one per cent of at least twenty, and all of them together.
create function ops.provider_hours(p_days integer) returns table (name text, hours integer, bad_hours integer, good bigint, bad bigint, refused bigint, slow bigint,
  sketch jsonb)
language sql stable security definer set search_path = '' as $$
  select s.name, count(*)::integer, count(*) filter (where s.good + s.bad >= 20 and s.bad * 100 >= s.good + s.bad)::integer, sum(s.good)::bigint,
    sum(s.bad)::bigint, sum(s.refused)::bigint, sum(s.slow)::bigint,
    coalesce((select jsonb_object_agg(m.key, m.n) from (select e.key, sum(e.value::bigint) as n
      from unnest(array_agg(s.sketch)) as k(sketch) cross join lateral jsonb_each_text(k.sketch) e group by e.key) m), '{}')
  from public.health_series s
  where s.step_s = 3600 and s.kind = 'channel' and s.at > clock_timestamp() - make_interval(days => p_days) and ops.allow() group by s.name order by s.name;
$$;

grant execute on function ops.health_sums(), ops.at_risk(text[]), ops.alert_rules(), ops.alerts(integer), ops.alerts_waiting(), ops.silences(),
  ops.provider_hours(integer) to wedsync_user, wedsync_service;
grant execute on function app.set_alert_rule(text, double precision, boolean), app.acknowledge_alert(uuid), app.silence_alerts(text, text, text, integer),
  app.end_silence(uuid) to wedsync_user;
grant execute on function app.keep_alerts(jsonb), app.untold_alerts(), app.operators(), app.tell_alerts(uuid[], jsonb) to wedsync_service;
reset role;
