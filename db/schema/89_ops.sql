-- What the operator asks of the database itself: connections by face, slow queries, tables, advice. Counts and names of ours, nothing of any wedding.
-- By hand, as wedsync_owner: select * from ops.advice(). Through the user door only for whoever entered the platform as its operator.
set role wedsync_owner;
create schema ops;
revoke all on schema ops from public;
grant usage on schema ops to wedsync_recorder, wedsync_user, wedsync_reader, wedsync_service;
grant create on schema ops to wedsync_recorder;

create table public.table_sizes (
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  "on" date not null,
  name text not null check (length(name) <= 63),
  bytes bigint not null,
  primary key (tenant_id, "on", name)
);
comment on table public.table_sizes is 'How large each table was on a day, so that its growth can be told; kept 400 days';
call app.protect('public.table_sizes', 'tenant_id', 'false', null);
grant insert, delete on public.table_sizes to wedsync_recorder;
reset role;

set role wedsync_recorder;
create function ops.allow() returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if session_user = 'wedsync_user' then perform app.as_operator(); end if;
  return true;
end $$;

-- Which side of the product a connection serves: pages and API of couples and suppliers, live screens, deliveries, the clock, people who migrate.
create function ops.face(p_application text, p_role name) returns text
language sql immutable set search_path = '' return case
  when p_application like 'wedsync-web%' then 'pages and API'
  when p_role = 'wedsync_reader' or p_application like 'wedsync-gateway%' then 'live screens'
  when p_application like 'wedsync-worker%' then 'deliveries'
  when p_application like 'wedsync-clock%' then 'clock'
  when p_role = 'wedsync_owner' or p_application like 'wedsync migrate%' then 'migrations'
  when p_role like 'wedsync\_%' then 'commands'
  else 'others' end;

create function ops.connections()
returns table (face text, total integer, active integer, idle integer, idle_in_transaction integer, waiting_for_lock integer, oldest_transaction_s double precision)
language sql stable security definer set search_path = '' as $$
  select ops.face(a.application_name, a.usename), count(*)::integer, count(*) filter (where a.state = 'active')::integer,
    count(*) filter (where a.state = 'idle')::integer, count(*) filter (where a.state like 'idle in transaction%')::integer,
    count(*) filter (where a.wait_event_type = 'Lock')::integer,
    coalesce(max(extract(epoch from clock_timestamp() - a.xact_start)), 0)::double precision
  from pg_catalog.pg_stat_activity a
  where a.datname = current_database() and a.backend_type = 'client backend' and ops.allow()
  group by 1 order by 2 desc, 1;
$$;

-- Weddings that are live, or will be within 72 hours: what a mistake would reach.
create function ops.weddings_due() returns table (live integer, due integer, next_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select count(distinct d.wedding_id) filter (where d.live_from <= app.now())::integer, count(distinct d.wedding_id)::integer,
    min(d.live_from) filter (where d.live_from > app.now())
  from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
  where d.live_until > app.now() and d.live_from < app.now() + interval '72 hours' and app.stands(w.date_status) and ops.allow();
$$;

-- A table with its partitions as one. dead_share: what vacuum has not taken back; growth: against the oldest sample of the last week.
-- weddings_touched: those due in 72 hours that would wait behind a lock on it.
create function ops.tables()
returns table (name text, total_bytes bigint, index_bytes bigint, live_rows bigint, dead_rows bigint, dead_share double precision, growth_bytes_week bigint,
  scans_of_all bigint, last_vacuum_at timestamptz, last_analyze_at timestamptz, weddings_touched integer)
language sql stable security definer set search_path = '' as $$
  with due as materialized (select w.due from ops.weddings_due() w),
  -- To measure a table takes a lock on it, so one that somebody locks is told as it was at its last vacuum: this must answer just then.
  locked as materialized (select k.relation from pg_catalog.pg_locks k where k.mode = 'AccessExclusiveLock' and k.relation is not null
    and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())),
  leaves as (
    select c.oid, coalesce(p.relname, c.relname)::text as name, coalesce(p.oid, c.oid) as root,
      greatest(c.relpages, 0)::bigint * 8192 as last_bytes, exists (select from locked k where k.relation = c.oid
        or k.relation in (select i.indexrelid from pg_catalog.pg_index i where i.indrelid = c.oid)) as is_locked
    from pg_catalog.pg_class c left join pg_catalog.pg_inherits i on i.inhrelid = c.oid left join pg_catalog.pg_class p on p.oid = i.inhparent
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'),
  found as (
    select l.name, l.root, sum(case when l.is_locked then l.last_bytes else pg_total_relation_size(l.oid) end)::bigint as bytes,
      sum(case when l.is_locked then 0 else pg_indexes_size(l.oid) end)::bigint as index_bytes,
      sum(coalesce(s.n_live_tup, 0))::bigint as live_rows, sum(coalesce(s.n_dead_tup, 0))::bigint as dead_rows, sum(coalesce(s.seq_scan, 0))::bigint as scans,
      max(greatest(s.last_vacuum, s.last_autovacuum)) as vacuumed, max(greatest(s.last_analyze, s.last_autoanalyze)) as analyzed
    from leaves l left join pg_catalog.pg_stat_all_tables s on s.relid = l.oid group by l.name, l.root)
  select f.name, f.bytes, f.index_bytes, f.live_rows, f.dead_rows,
    case when f.live_rows + f.dead_rows = 0 then 0 else f.dead_rows::double precision / (f.live_rows + f.dead_rows) end,
    f.bytes - (select t.bytes from public.table_sizes t where t.name = f.name and t."on" >= (app.now() - interval '7 days')::date order by t."on" limit 1),
    f.scans, f.vacuumed, f.analyzed,
    case when exists (select from pg_catalog.pg_attribute a where a.attrelid = f.root and not a.attisdropped
      and a.attname in ('wedding_id', 'tenant_id', 'stream_id', 'destination_id')) then (select d.due from due d) else 0 end
  from found f where ops.allow() order by f.bytes desc, f.name;
$$;

-- From pg_stat_statements where it is (their values are not in it), and what runs for longer than p_least_ms now.
create function ops.slow_queries(p_least_ms double precision default 100, p_limit integer default 20)
returns table (source text, query text, calls bigint, mean_ms double precision, max_ms double precision, total_ms double precision, rows_a_call double precision,
  hit_ratio double precision, tables text[], weddings_at_risk integer, advice text)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_schema text := (select n.nspname from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements');
  v_loaded boolean := current_setting('shared_preload_libraries') like '%pg_stat_statements%';
  v_due integer := (select w.due from ops.weddings_due() w);
  v_past text := 'select null::text, null::bigint, 0::float8, 0::float8, 0::float8, 0::float8, 0::float8 where false';
begin
  perform ops.allow();
  if v_schema is not null and v_loaded then
    v_past := format('select s.query, s.calls, s.mean_exec_time, s.max_exec_time, s.total_exec_time, s.rows::float8 / greatest(s.calls, 1),
        s.shared_blks_hit::float8 / nullif(s.shared_blks_hit + s.shared_blks_read, 0)
      from %I.pg_stat_statements s join pg_catalog.pg_database d on d.oid = s.dbid where d.datname = current_database()
        and s.mean_exec_time >= $1', v_schema);
  end if;
  return query execute format($q$
    with found(source, query, calls, mean_ms, max_ms, total_ms, rows_a_call, hit_ratio) as (
      select 'past', p.* from (%s) p
      union all
      select 'running', a.query, 1::bigint, x.ms, x.ms, x.ms, null, null from pg_catalog.pg_stat_activity a
        cross join lateral (select (extract(epoch from clock_timestamp() - a.query_start) * 1000)::float8 as ms) x
        where a.datname = current_database() and a.state = 'active' and a.backend_type = 'client backend' and a.pid <> pg_backend_pid() and x.ms >= $1),
    named as (
      select f.*, coalesce((select array_agg(c.relname::text order by c.relname) from pg_catalog.pg_class c where c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p') and not c.relispartition and f.query ~* ('\m' || c.relname || '\M')), '{}') as tables
      from found f order by f.total_ms desc limit $2)
    select n.source, left(regexp_replace(n.query, '\s+', ' ', 'g'), 400), n.calls, n.mean_ms, n.max_ms, n.total_ms, n.rows_a_call, n.hit_ratio, n.tables,
      case when exists (select from ops.tables() t where t.name = any (n.tables) and t.weddings_touched > 0) then $3 else 0 end,
      case
        when n.source = 'running' then 'It runs now. See what it waits for in pg_stat_activity; pg_cancel_backend ends it.'
        when n.rows_a_call > 1000 then 'It reads more than 1,000 rows a call: read page by page.'
        when n.hit_ratio < 0.9 then 'It reads from the disk: an index that fits, or more shared_buffers.'
        when exists (select from pg_catalog.pg_stat_user_tables s where s.relname = any (n.tables) and s.seq_scan > s.idx_scan and s.n_live_tup > 1000)
          then 'A table of it is mostly read as a whole: look at explain (analyze, buffers) for a missing index.'
        else 'Look at explain (analyze, buffers).' end
    from named n order by n.total_ms desc$q$, v_past) using p_least_ms, p_limit, v_due;
end $$;

-- What was read from memory, of all that was read, by this database since its statistics began; null where hardly anything was.
create function ops.cache_hit_ratio() returns double precision
language sql stable security definer set search_path = '' as $$
  select case when d.blks_hit + d.blks_read >= 1000 then d.blks_hit::double precision / (d.blks_hit + d.blks_read) end
  from pg_catalog.pg_stat_database d where d.datname = current_database() and ops.allow();
$$;

-- The fullest day ahead, against the fullest that was.
create function ops.season() returns table (peak_on date, peak_weddings integer, most_so_far integer, connections_used integer, connections_max integer)
language sql stable security definer set search_path = '' as $$
  with days as materialized (select w."on", count(*)::integer as weddings from public.weddings w
    where app.stands(w.date_status) and w."on" is not null group by w."on")
  select p."on", coalesce(p.weddings, 0), coalesce((select max(d.weddings) from days d where d."on" < app.now()::date), 0),
    (select count(*)::integer from pg_catalog.pg_stat_activity a where a.backend_type = 'client backend'), current_setting('max_connections')::integer
  from (select 1) one left join lateral (select d."on", d.weddings from days d where d."on" >= app.now()::date order by d.weddings desc, d."on" limit 1) p on true
  where ops.allow();
$$;

-- What every process sizes its pool by: counts of ours, so each of them may ask. Processes: alive within half a minute.
create function ops.pool_facts() returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('now', app.now(), 'max', current_setting('max_connections')::integer,
    'zones', (select coalesce(jsonb_object_agg(z.zone, z.n), '{}') from (select w.time_zone as zone, count(*) as n from public.weddings w
      where app.stands(w.date_status) and w."on" between app.now()::date and (app.now() + interval '14 days')::date group by 1) z),
    'live', count(distinct d.wedding_id) filter (where d.live_from <= app.now()), 'due', count(distinct d.wedding_id),
    'processes', (select coalesce(jsonb_object_agg(b.kind, b.n), '{}') from (select p.kind, count(*) as n from public.process_beats p
      where p.at > clock_timestamp() - interval '30 seconds' and not p.is_over group by 1) b))
  from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
  where d.live_until > app.now() and d.live_from < app.now() + interval '72 hours' and app.stands(w.date_status);
$$;

create function ops.storage() returns table (bytes bigint, table_bytes bigint, week_growth_bytes bigint, wal_bytes bigint)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_wal bigint;
begin
  begin
    v_wal := (select sum(w.size) from pg_catalog.pg_ls_waldir() w);
  exception when insufficient_privilege then
    v_wal := null;
  end;
  return query select pg_database_size(current_database()), sum(t.total_bytes)::bigint, sum(t.growth_bytes_week)::bigint, v_wal
    from ops.tables() t where ops.allow();
end $$;

-- The server in one row. sees_everything: our functions may look at the sessions of others; transaction_ids_used: of those until a standstill.
create function ops.server()
returns table (version text, is_standby boolean, cache_hit_ratio double precision, sees_everything boolean, counts_statements boolean,
  refuses_ddl boolean, oldest_transaction_s double precision, transaction_ids_used double precision, archive_failures bigint, archived_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select current_setting('server_version'), pg_is_in_recovery(), ops.cache_hit_ratio(), pg_has_role('wedsync_recorder', 'pg_read_all_stats', 'usage'),
    current_setting('shared_preload_libraries') like '%pg_stat_statements%' and exists (select from pg_catalog.pg_extension e where e.extname = 'pg_stat_statements'),
    exists (select from pg_catalog.pg_event_trigger t where t.evtfoid = 'app.refuse_ddl'::regproc and t.evtenabled <> 'D'),
    coalesce((select max(extract(epoch from clock_timestamp() - a.xact_start)) from pg_catalog.pg_stat_activity a
      where a.datname = current_database() and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()), 0)::double precision,
    (select age(d.datfrozenxid)::double precision / 2000000000 from pg_catalog.pg_database d where d.datname = current_database()),
    x.failed_count, x.last_archived_time
  from pg_catalog.pg_stat_archiver x where ops.allow();
$$;

create function ops.replicas() returns table (name text, state text, sync_state text, lag_s double precision, lag_bytes bigint)
language sql stable security definer set search_path = '' as $$
  select r.application_name, r.state, r.sync_state, coalesce(extract(epoch from r.replay_lag), 0)::double precision,
    case when pg_is_in_recovery() then null else pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)::bigint end
  from pg_catalog.pg_stat_replication r where ops.allow() order by r.application_name;
$$;

-- The two sides of the product, in counts: who is signed in and was seen within 15 minutes, and on how many weddings of the next 72 hours they are.
create function ops.faces() returns table (face text, people integer, sessions integer, weddings_due integer)
language sql stable security definer set search_path = '' as $$
  with due as materialized (select distinct d.wedding_id from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
    where d.live_until > app.now() and d.live_from < app.now() + interval '72 hours' and app.stands(w.date_status)),
  seen as materialized (select s.person_id, count(*)::integer as sessions from public.sessions s
    where s.ended_at is null and s.expires_at > clock_timestamp() and s.last_seen_at > clock_timestamp() - interval '15 minutes' group by s.person_id)
  select 'WedMe', count(*)::integer, coalesce(sum(s.sessions), 0)::integer,
    (select count(*)::integer from due d)
  from seen s where ops.allow() and exists (select from public.memberships m where m.person_id = s.person_id and m.removed_at is null)
  union all
  select 'WedSync', count(*)::integer, coalesce(sum(s.sessions), 0)::integer,
    (select count(distinct l.wedding_id)::integer from due d join public.links l on l.wedding_id = d.wedding_id and l.status = 'active')
  from seen s where ops.allow() and exists (select from public.supplier_members m where m.person_id = s.person_id and m.removed_at is null);
$$;

-- How large each table is today, once a day.
create function app.sample_sizes() returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.table_sizes ("on", name, bytes) select app.now()::date, t.name, t.total_bytes from ops.tables() t on conflict do nothing;
  delete from public.table_sizes t where t."on" < (app.now() - interval '400 days')::date;
$$;
grant execute on function app.sample_sizes() to wedsync_service;
grant execute on function ops.allow(), ops.connections(), ops.weddings_due(), ops.tables(), ops.slow_queries(double precision, integer), ops.cache_hit_ratio(),
  ops.season(), ops.storage(), ops.server(), ops.replicas(), ops.faces(), ops.pool_facts() to wedsync_user, wedsync_service, wedsync_owner;
grant execute on function ops.pool_facts() to wedsync_reader;
reset role;
