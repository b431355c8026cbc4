-- How the platform stands, for its operator: all that health is judged by, its history, breakers. Counts by connector and hosts that several tenants share; of no
-- tenant which.
set role wedsync_recorder;
-- All that health is judged by: counts, ages and states of ours, nothing of any wedding. Series are of the last p_minutes.
create function ops.health_facts(p_minutes integer) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('now', app.now(), 'machine_now', clock_timestamp(),
    'live', (select w.live from ops.weddings_due() w), 'due', (select w.due from ops.weddings_due() w),
    'zones', (select coalesce(jsonb_object_agg(z.zone, z.n), '{}') from (select w.time_zone as zone, count(*) as n from public.weddings w
      where app.stands(w.date_status) and w."on" between app.now()::date and (app.now() + interval '14 days')::date group by 1) z),
    'clock_leads', exists (select from pg_catalog.pg_locks k where k.locktype = 'advisory' and k.classid = 0 and k.objid = 1464028235::oid and k.granted
      and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())),
    'counted_to', (select m.at from public.health_marks m where m.name = 'attempts'),
    'lanes', (select jsonb_agg(jsonb_build_object('name', (array['critical', 'high', 'normal', 'low'])[q.lane + 1], 'oldest_s', q.oldest_s) order by q.lane)
      from app.queue_ages() q),
    'destinations', (select coalesce(jsonb_agg(to_jsonb(t) order by t.connector), '[]') from (select d.connector, count(*) as destinations,
        count(*) filter (where d.breaker_until > clock_timestamp()) as open, count(*) filter (where d.breaker_until <= clock_timestamp()) as half_open,
        count(*) filter (where d.state = 'parked') as parked, max(d.breaker_openings) as openings from public.destinations d group by d.connector) t),
    'accounts', (select coalesce(jsonb_agg(to_jsonb(t) order by t.connector), '[]') from (select n.connector,
        count(*) filter (where n.state = 'active') as connected, count(*) filter (where n.state = 'degraded') as degraded,
        count(*) filter (where n.state = 'needs_reconnect') as broken, min(h.ok_at) filter (where n.state = 'active') as least_fresh_at
      from public.connections n left join public.connection_health h on h.connection_id = n.id
      where n.deleted_at is null and n.state is not null group by n.connector) t),
    'mail', (select coalesce(jsonb_agg(jsonb_build_object('name', m.name, 'position', m.position, 'is_down', m.is_down, 'reason', m.reason,
        'changed_at', m.changed_at, 'heard_at', greatest(m.succeeded_at, m.probed_at)) order by m.position), '[]') from public.mail_providers m
      where m.position is not null),
    'failed_over', (select count(*) from public.mail_statuses s where s.is_failed_over and s.at > clock_timestamp() - interval '1 hour'),
    'processes', (select coalesce(jsonb_agg(to_jsonb(b) - 'tenant_id' order by b.kind, b.started_at), '[]') from public.process_beats b
      -- The last of its kind is missed as long as it is remembered, unless it said goodbye.
      where not b.is_over and (b.at > clock_timestamp() - interval '15 minutes'
        or not exists (select from public.process_beats n where n.kind = b.kind and n.at > b.at))),
    'refused', (select coalesce(sum(coalesce((e.detail ->> 'times')::bigint, 1)), 0) from public.security_events e where e.at > clock_timestamp() - interval '10 minutes'
      and e.kind in ('access.refused', 'token.refused', 'pass.refused', 'hook.refused', 'sign_in.refused', 'flood.counted')),
    'dead', (select count(*) from public.dead_jobs j where j.died_at > clock_timestamp() - interval '1 hour'),
    'database', (select to_jsonb(s) from (select x.connections_used, x.connections_max, ops.cache_hit_ratio() as cache_hit_ratio,
      (select count(*) from pg_catalog.pg_replication_slots r where r.slot_type = 'physical' and not r.active) as standbys_away from ops.season() x) s),
    'series', (select coalesce(jsonb_agg(jsonb_build_object('kind', s.kind, 'name', s.name, 'at', s.at, 'good', s.good, 'bad', s.bad, 'refused', s.refused,
        'slow', s.slow, 'gauge', s.gauge, 'sketch', s.sketch) order by s.kind, s.name, s.at), '[]') from public.health_series s
      where s.step_s = 60 and s.kind <> 'wedding' and s.at > clock_timestamp() - make_interval(mins => p_minutes)))
  where ops.allow();
$$;

-- Web processes that send work away because they are late: what (wedsync/web/admission.py), since when, how much so far.
create function ops.shedding() returns table (process_id uuid, level integer, since timestamptz, total bigint)
language sql stable security definer set search_path = '' as $$
  select b.id, b.shed_level, b.shed_since, b.shed_total from public.process_beats b
  where b.shed_level > 0 and not b.is_over and b.at > clock_timestamp() - interval '30 seconds' and ops.allow() order by b.shed_since, b.id;
$$;

create function ops.health_since() returns table (part text, status text, since timestamptz, judged_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select h.part, h.status, h.since, h.judged_at from public.health_parts h where ops.allow();
$$;

create function ops.health_changes(p_limit integer) returns table (part text, was text, status text, says text, lasted_s double precision, at timestamptz)
language sql stable security definer set search_path = '' as $$
  select c.part, c.was, c.status, c.says, c.lasted_s, c.at from public.health_changes c where ops.allow() order by c.at desc, c.id desc limit p_limit;
$$;

create function ops.breakers() returns table (kind text, name text, state text, open_until timestamptz, openings integer, destinations integer, failing integer)
language sql stable security definer set search_path = '' as $$
  select 'connector', t.connector, case when bool_or(t.breaker_until > clock_timestamp()) then 'open' when bool_or(t.breaker_until is not null) then 'half_open'
      else 'closed' end,
    max(t.breaker_until), max(t.breaker_openings), count(*)::integer, count(*) filter (where t.breaker_failures > 0 or t.breaker_until is not null)::integer
  from public.destinations t where ops.allow() group by t.connector
  union all
  select 'host', h.host, case when h.open_until > clock_timestamp() then 'open' when h.open_until is not null then 'half_open' else 'closed' end, h.open_until,
    h.openings, (select count(*)::integer from public.destinations t where t.host = h.host), cardinality(h.failing)
  from public.hosts h where (select count(distinct t.tenant_id) from public.destinations t where t.host = h.host) > 1 and ops.allow()
  order by 1, 2;
$$;
grant execute on function ops.health_facts(integer), ops.shedding(), ops.health_since(), ops.health_changes(integer), ops.breakers() to wedsync_user, wedsync_service, wedsync_owner;
reset role;
