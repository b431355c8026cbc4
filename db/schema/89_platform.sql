-- How the platform stands, for its operator: queue, clock, connections, breakers. Counts by connector and hosts that several tenants share; of no
-- tenant which.
set role wedsync_recorder;
create function ops.parts() returns table (part text, status text, says text)
language sql stable security definer set search_path = '' as $$
  select 'queue ' || (array['critical', 'high', 'normal', 'low'])[q.lane + 1], case when q.oldest_s > (array[5, 30, 60, 600])[q.lane + 1] then 'bad' else 'good' end,
    format('The oldest ready job has waited %s s.', round(q.oldest_s::numeric, 1))
  from app.queue_ages() q where ops.allow()
  union all
  select 'clock', case when x.leads then 'good' else 'bad' end, case when x.leads then 'A clock leads.' else 'No clock leads: start `wedsync clock`.' end
  from (select exists (select from pg_catalog.pg_locks k where k.locktype = 'advisory' and k.classid = 0 and k.objid = 1464028235::oid and k.granted
    and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())) as leads) x
  union all
  select 'deliveries ' || d.connector, case when d.open > 0 then 'look' else 'good' end,
    format('%s destinations, %s with an open breaker, %s parked.', d.destinations, d.open, d.parked)
  from (select t.connector, count(*) as destinations, count(*) filter (where t.breaker_until > clock_timestamp()) as open,
      count(*) filter (where t.state = 'parked') as parked from public.destinations t group by t.connector) d
  union all
  select 'accounts ' || c.connector, case when c.broken > 0 then 'look' else 'good' end,
    format('%s connected, %s degraded, %s to be connected again.', c.connected, c.degraded, c.broken)
  from (select n.connector, count(*) filter (where n.state = 'active') as connected, count(*) filter (where n.state = 'degraded') as degraded,
      count(*) filter (where n.state = 'needs_reconnect') as broken
    from public.connections n where n.deleted_at is null and n.state is not null group by n.connector) c
  order by 1;
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
grant execute on function ops.parts(), ops.breakers() to wedsync_user, wedsync_service, wedsync_owner;
reset role;
