-- The operator's console: today's weddings, the newest events, what was given up, businesses and what operators did. Ids, types, lanes, counts, times and
-- zones; of no wedding or business what it holds.
set role wedsync_owner;
create table public.operator_acts (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  by uuid not null references public.persons,
  act text not null check (act in ('deliveries.replayed', 'work.raised', 'announcement.made', 'announcement.changed')),
  about text not null check (length(about) between 1 and 120),
  reason text not null check (length(reason) between 3 and 300),
  times integer not null check (times >= 0),
  at timestamptz not null
);
comment on table public.operator_acts is 'What an operator did to what is owed or said in public: who, when, why, to how many; never changed nor deleted';
create index operator_acts_at on public.operator_acts (at desc);
call app.protect('public.operator_acts', 'tenant_id', 'false', null);
grant insert on public.operator_acts to wedsync_recorder;
-- A repeat is found by what it repeats; few rows are repeats.
create index deliveries_replays on public.deliveries (replay_of) where replay_of is not null;
reset role;

set role wedsync_recorder;
create function app.note_act(p_act text, p_about text, p_reason text, p_times integer) returns void
language sql volatile set search_path = '' as $$
  insert into public.operator_acts (by, act, about, reason, times, at) values (app.as_operator(), p_act, p_about, p_reason, p_times, clock_timestamp());
$$;

-- What wedsync/operations/wedding_day/queries.sql asks for the couple, with ids in the place of names.
create function app.bare_standing(p_wedding uuid) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'suppliers', (select coalesce(jsonb_agg(l.id), '[]') from public.links l where l.wedding_id = w.wedding_id and l.status = 'active'),
    'invited', (select coalesce(jsonb_agg(l.id), '[]') from public.links l where l.wedding_id = w.wedding_id and l.status = 'invited'),
    'items', (select count(*) from public.schedule_items i where i.wedding_id = w.wedding_id),
    'has_date', w."on" is not null,
    'places', (w.ceremony_venue <> '')::integer + (w.reception_venue <> '')::integer,
    'unowned', (select coalesce(jsonb_agg(i.id), '[]') from public.schedule_items i where i.wedding_id = w.wedding_id and i.owner_link_id is null
      and i.owner_membership_id is null),
    'unconfirmed', (select coalesce(jsonb_object_agg(x.link_id, x.n), '{}') from (select a.link_id, count(*) as n from public.acknowledgements a
      join public.links l on l.wedding_id = a.wedding_id and l.id = a.link_id and l.status = 'active'
      where a.wedding_id = w.wedding_id and a.status <> 'acknowledged' group by 1) x),
    'arriving', (select coalesce(jsonb_agg(distinct r.link_id), '[]') from public.arrivals r join public.wedding_days d on d.wedding_id = r.wedding_id
      and d."on" = r."on" where r.wedding_id = w.wedding_id and r.confirmed_at is not null),
    'contacts', (select count(*) from public.day_contacts c where c.wedding_id = w.wedding_id),
    'takes_rsvps', (select count(*) from public.schedule_items i where i.wedding_id = w.wedding_id and i.takes_rsvps),
    'locked', (select count(distinct k.schedule_item_id) from public.headcount_locks k where k.wedding_id = w.wedding_id and k.released_at is null),
    'has_needs', exists (select from public.guest_needs n where n.wedding_id = w.wedding_id),
    'has_sheet', exists (select from public.dietary_sheets s where s.wedding_id = w.wedding_id),
    'unpaid', (select coalesce(jsonb_agg(distinct p.link_id), '[]') from public.payments p where p.wedding_id = w.wedding_id
      and p.status in ('requested', 'part_paid') and p.due_on < app.now()::date),
    'tasks_late', (select count(*) from public.tasks t where t.wedding_id = w.wedding_id and t.status not in ('done', 'cancelled')
      and t.due_on < app.now()::date))
  from public.weddings w where w.wedding_id = p_wedding;
$$;

-- Which weddings are live or of today where they are held, the most urgent first; `whole` counts them all. standing is what readiness is judged by, with
-- ids where the couple's own page has names.
create function ops.board(p_limit integer) returns table (wedding_id uuid, "on" date, zone text, live_from timestamptz, live_until timestamptz,
  p0 integer, p1 integer, p2 integer, p3 integer, unanswered integer, sent bigint, late bigint, standing jsonb, whole bigint)
language sql stable security definer set search_path = '' as $$
  with days as materialized (
    select distinct on (d.wedding_id) d.wedding_id, d."on", d.zone, d.live_from, d.live_until, app.now() between d.live_from and d.live_until as is_live
    from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
    where d.live_until > app.now() - interval '36 hours' and d.live_from < app.now() + interval '36 hours' and app.stands(w.date_status)
      and (app.now() between d.live_from and d.live_until or d."on" = timezone(d.zone, app.now())::date)
    order by d.wedding_id, (app.now() between d.live_from and d.live_until) desc, d.live_from),
  calls as materialized (
    select a.wedding_id, count(*) filter (where a.severity = 'p0')::integer as p0, count(*) filter (where a.severity = 'p1')::integer as p1,
      count(*) filter (where a.severity = 'p2')::integer as p2, count(*) filter (where a.severity = 'p3')::integer as p3,
      count(*) filter (where a.state = 'triggered')::integer as unanswered
    from public.alerts a where a.ended_at is null and a.kind <> 'drill' and a.wedding_id in (select y.wedding_id from days y) group by 1),
  sums as materialized (
    select s.name, sum(s.good + s.bad)::bigint as sent, sum(s.bad)::bigint as late from public.health_series s
    where s.step_s = 60 and s.kind = 'wedding' and s.at > clock_timestamp() - interval '1 hour' group by 1),
  shown as materialized (
    select y.*, coalesce(c.p0, 0) as p0, coalesce(c.p1, 0) as p1, coalesce(c.p2, 0) as p2, coalesce(c.p3, 0) as p3,
      coalesce(c.unanswered, 0) as unanswered, coalesce(h.sent, 0) as sent, coalesce(h.late, 0) as late, count(*) over () as whole
    from days y left join calls c on c.wedding_id = y.wedding_id left join sums h on h.name = y.wedding_id::text
    order by coalesce(c.p0, 0) desc, coalesce(c.p1, 0) desc, y.is_live desc, y.live_from, y.wedding_id limit p_limit)
  select x.wedding_id, x."on", x.zone, x.live_from, x.live_until, x.p0, x.p1, x.p2, x.p3, x.unanswered, x.sent, x.late,
    app.bare_standing(x.wedding_id), x.whole
  from shown x where ops.allow()
  order by x.p0 desc, x.p1 desc, x.is_live desc, x.live_from, x.wedding_id;
$$;

-- Of the newest p_look events (of one stream, or one event, where p_id names it) those of a type and a lane: what is of one action, type and stream is one
-- line. Read backwards by the index of ids, which are in the order of time, so it costs the same however much happens. Never an image.
create function ops.newest_events(p_look integer, p_type text, p_lane integer, p_id uuid, p_limit integer) returns jsonb
language sql stable security definer set search_path = '' set enable_seqscan = off set enable_bitmapscan = off as $$
  with seen as materialized (
    select a.* from (select e.id, e.recorded_at, e.type, e.stream_id, e.seq, e.cause, e.subject_table, e.op, e.actor_kind, e.bulk, e.scope
      from public.events e where p_id is null order by e.id desc limit p_look) a
    union all
    select b.* from (select e.id, e.recorded_at, e.type, e.stream_id, e.seq, e.cause, e.subject_table, e.op, e.actor_kind, e.bulk, e.scope
      from public.events e where e.stream_id = p_id order by e.seq desc limit p_look) b
    union all
    select c.* from (select e.id, e.recorded_at, e.type, e.stream_id, e.seq, e.cause, e.subject_table, e.op, e.actor_kind, e.bulk, e.scope
      from public.events e where e.id = p_id limit 1) c),
  named as materialized (
    select n.*, coalesce(t.lane, 2) as lane, s.kind as stream_kind from seen n left join public.event_types t on t.type = n.type
      left join public.streams s on s.id = n.stream_id
    where (p_type = '' or n.type = p_type or n.type like replace(p_type, '_', '\_') || '.%') and (p_lane is null or coalesce(t.lane, 2) = p_lane)),
  lines as materialized (
    select (array_agg(n.id order by n.id desc))[1] as id, max(n.recorded_at) as at, n.type, n.lane, n.stream_kind, n.stream_id, n.cause, n.subject_table,
      count(*) as times, min(n.seq) as first_seq, max(n.seq) as last_seq, min(n.actor_kind) as actor_kind, bool_or(n.bulk) as is_bulk
    from named n group by n.type, n.lane, n.stream_kind, n.stream_id, n.cause, n.subject_table order by 1 desc limit p_limit)
  select jsonb_build_object(
    'looked', (select count(*) from seen), 'matched', (select count(*) from named),
    'since', (select min(n.recorded_at) from seen n), 'until', (select max(n.recorded_at) from seen n),
    'types', (select coalesce(jsonb_agg(to_jsonb(y)), '[]') from (select n.type, n.lane, count(*) as times from named n group by 1, 2 order by 3 desc, 1 limit 40) y),
    'lines', (select coalesce(jsonb_agg(to_jsonb(l) order by l.id desc), '[]') from lines l))
  where ops.allow();
$$;

-- What was given up and is not on its way again, of p_days, by where it was owed to. A host is named only where several tenants share it; of a reason
-- only what stands before the first colon, which is ours.
create function ops.dead_letters(p_days integer, p_limit integer) returns table (destination_id uuid, connector text, host text, dead bigint, repeatable bigint,
  first_at timestamptz, last_at timestamptz, reasons jsonb, whole bigint)
language sql stable security definer set search_path = '' set enable_seqscan = off as $$
  with dead as materialized (
    select d.id, d.destination_id, d.connector, d.made_at, coalesce(d.done_at, d.made_at) as at, left(split_part(d.reason, ':', 1), 120) as reason,
      d.subscription_id is not null and d.event_id is not null as is_repeatable
    from public.deliveries d
    where d.state = 'dead' and d.made_at > clock_timestamp() - make_interval(days => p_days) and d.replay_of is null and not d.is_test limit 50000),
  open as materialized (
    select d.* from dead d where not exists (select from public.deliveries a where a.replay_of = d.id
      and a.state not in ('expired', 'cancelled', 'dead', 'revoked'))),
  grouped as materialized (
    select o.destination_id, o.connector, count(*) as dead, count(*) filter (where o.is_repeatable) as repeatable, min(o.at) as first_at, max(o.at) as last_at
    from open o group by 1, 2)
  select g.destination_id, g.connector,
    coalesce((select t.host from public.destinations t where t.id = g.destination_id
      and (select count(distinct x.tenant_id) from public.destinations x where x.host = t.host) > 1), ''),
    g.dead, g.repeatable, g.first_at, g.last_at,
    (select jsonb_agg(to_jsonb(r)) from (select o.reason, count(*) as times from open o where o.destination_id = g.destination_id and o.connector = g.connector
      group by 1 order by 2 desc, 1 limit 3) r),
    sum(g.dead) over ()::bigint
  from grouped g where ops.allow() order by g.dead desc, g.last_at desc, g.destination_id limit p_limit;
$$;

-- Reactions and work that were given up, by what they are.
create function ops.dead_work(p_limit integer) returns table (kind text, name text, reason text, dead bigint, tenants bigint, first_at timestamptz, last_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select j.kind, j.name, left(split_part(j.reason, ':', 1), 120), count(*), count(distinct j.tenant_id), min(j.died_at), max(j.died_at)
  from public.dead_jobs j where ops.allow() group by 1, 2, 3 order by 4 desc, 7 desc, 1, 2, 3 limit p_limit;
$$;

-- The operator sends again what was given up at one destination, at most p_limit at once, the oldest first. It stands in the log of whom it belongs to with
-- who did it, in their security events, and in operator_acts.
create function app.replay_dead(p_destination uuid, p_days integer, p_limit integer, p_reason text) returns integer
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off as $$
declare
  v_by uuid := app.as_operator();
  v_ids uuid[];
  n integer;
begin
  perform from public.destinations t where t.id = p_destination for update;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  v_ids := array(select d.id from public.deliveries d
    where d.destination_id = p_destination and d.state = 'dead' and d.made_at > clock_timestamp() - make_interval(days => p_days) and d.replay_of is null
      and not d.is_test and d.subscription_id is not null and d.event_id is not null
      and not exists (select from public.deliveries a where a.replay_of = d.id and a.state not in ('expired', 'cancelled', 'dead', 'revoked'))
    order by d.made_at, d.seq limit p_limit);
  n := app.send_again(v_ids, false, null);
  insert into public.security_events (kind, tenant_id, actor_id, detail)
    select 'operator.replayed', d.tenant_id, v_by, jsonb_build_object('actor_kind', 'person', 'reason', p_reason, 'times', count(*))
    from public.deliveries d where d.id = any (v_ids) group by d.tenant_id;
  perform app.note_act('deliveries.replayed', p_destination::text, p_reason, n);
  return n;
end $$;

-- The same for reactions and work of one name that were given up.
create function app.raise_work(p_kind text, p_name text, p_limit integer, p_reason text) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  perform app.as_operator();
  select count(*) into n from app.raise_dead(array(select j.id from public.dead_jobs j where j.kind = p_kind and j.name = p_name
    order by j.died_at, j.id limit p_limit for update skip locked));
  perform app.note_act('work.raised', left(p_kind || ' ' || p_name, 120), p_reason, n);
  return n;
end $$;

-- Businesses, those in trouble first: plan, what they use of it, accounts and how their last week went. Named only where their page is public.
create function ops.tenants(p_limit integer) returns table (supplier_id uuid, name text, category text, plan text, since timestamptz, accounts integer,
  broken integer, parked integer, good bigint, bad bigint, used jsonb)
language sql stable security definer set search_path = '' as $$
  with accounts as materialized (
    select c.tenant_id, count(*)::integer as accounts, count(*) filter (where c.state = 'needs_reconnect')::integer as broken
    from public.connections c where c.deleted_at is null and c.state in ('active', 'degraded', 'needs_reconnect') group by 1),
  parked as materialized (select d.tenant_id, count(*)::integer as parked from public.destinations d where d.state = 'parked' group by 1),
  week as materialized (
    select d.tenant_id, sum(d.good)::bigint as good, sum(d.bad)::bigint as bad from public.delivery_days d
    where d."on" > (clock_timestamp() - interval '7 days')::date group by 1),
  shown as materialized (
    select s.supplier_id, s.name, s.category, s.created_at, coalesce(a.accounts, 0) as accounts, coalesce(a.broken, 0) as broken, coalesce(p.parked, 0) as parked,
      coalesce(w.good, 0) as good, coalesce(w.bad, 0) as bad
    from public.suppliers s left join accounts a on a.tenant_id = s.supplier_id left join parked p on p.tenant_id = s.supplier_id
      left join week w on w.tenant_id = s.supplier_id
    order by coalesce(a.broken, 0) + coalesce(p.parked, 0) desc, coalesce(w.bad, 0) desc, s.supplier_id desc limit p_limit)
  select x.supplier_id, case when exists (select from public.listings l where l.supplier_id = x.supplier_id and l.is_published) then x.name else '' end,
    x.category, (select p.title from public.plans p where p.plan = app.plan_of(x.supplier_id)), x.created_at, x.accounts, x.broken, x.parked, x.good, x.bad,
    (select jsonb_agg(jsonb_build_object('name', n.name, 'used', app.used(x.supplier_id, n.name), 'allowed', app.allowed(x.supplier_id, n.name)) order by n.place)
      from unnest(array['weddings', 'seats', 'connections', 'sms', 'api_calls']) with ordinality as n(name, place))
  from shown x where ops.allow()
  order by x.broken + x.parked desc, x.bad desc, x.supplier_id desc;
$$;

create function ops.tenant_counts() returns table (businesses bigint, weddings bigint, links bigint, accounts bigint, persons bigint)
language sql stable security definer set search_path = '' as $$
  select (select count(*) from public.suppliers), (select count(*) from public.weddings w where app.stands(w.date_status)),
    (select count(*) from public.links l where l.status = 'active'),
    (select count(*) from public.connections c where c.deleted_at is null and c.state is not null),
    (select count(*) from public.persons)
  where ops.allow();
$$;

-- Refusals and sign-ins of everybody, newest first; of tenants and people only the id.
create function ops.refusals(p_since timestamptz, p_kind text, p_limit integer)
returns table (at timestamptz, kind text, tenant_id uuid, address text, endpoint text, reason text, times integer)
language sql stable security definer set search_path = '' as $$
  select e.at, e.kind, e.tenant_id, e.address, coalesce(e.detail ->> 'endpoint', ''), coalesce(e.detail ->> 'reason', ''),
    coalesce((e.detail ->> 'times')::integer, 1)
  from app.security_log(p_since, nullif(p_kind, ''), null, p_limit) e where ops.allow();
$$;

create function ops.refusal_kinds(p_since timestamptz) returns table (kind text, times bigint)
language sql stable security definer set search_path = '' as $$
  select e.kind, sum(coalesce((e.detail ->> 'times')::bigint, 1))::bigint from public.security_events e where e.at >= p_since and ops.allow()
  group by 1 order by 2 desc, 1;
$$;

create function ops.acts(p_limit integer) returns table (id uuid, at timestamptz, by_name text, act text, about text, reason text, times integer)
language sql stable security definer set search_path = '' as $$
  select a.id, a.at, coalesce(nullif(p.name, ''), p.email), a.act, a.about, a.reason, a.times from public.operator_acts a
  join public.persons p on p.person_id = a.by where ops.allow() order by a.at desc, a.id desc limit p_limit;
$$;

-- What every page of the operator says at its head: alerts nobody took up, weddings that are live, open calls of the gravest kinds, what is sent away.
create function ops.head() returns table (waiting integer, live integer, next_at timestamptz, urgent integer, shed_level integer, shed_since timestamptz)
language sql stable security definer set search_path = '' as $$
  select ops.alerts_waiting(), d.live, d.next_at, (select count(*)::integer from public.alerts a where a.ended_at is null and a.kind <> 'drill'
      and a.severity in ('p0', 'p1')), (select coalesce(max(s.level), 0) from ops.shedding() s), (select min(s.since) from ops.shedding() s)
  from ops.weddings_due() d where ops.allow();
$$;

grant execute on function ops.board(integer), ops.newest_events(integer, text, integer, uuid, integer), ops.dead_letters(integer, integer),
  ops.dead_work(integer), ops.tenants(integer), ops.tenant_counts(), ops.refusals(timestamptz, text, integer), ops.refusal_kinds(timestamptz),
  ops.acts(integer), ops.head(), app.replay_dead(uuid, integer, integer, text), app.raise_work(text, text, integer, text) to wedsync_user;
reset role;
