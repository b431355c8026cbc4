-- What the operator should do before the season, or before Saturday: each row one defect that was found, and its remedy.
set role wedsync_recorder;
-- So long a transaction may do nothing before it is a defect: as long as the server itself lets it, and at most a minute.
create function ops.idle_patience_s() returns double precision
language sql stable set search_path = ''
  return least(60, coalesce(nullif(extract(epoch from current_setting('idle_in_transaction_session_timeout')::interval), 0), 60) / 2);

create function ops.advice() returns table (severity text, about text, says text, remedy text)
language sql stable security definer set search_path = '' as $$
  with busy as materialized (select t.name, t.live_rows, t.dead_rows, t.dead_share, t.scans_of_all, t.last_analyze_at, t.total_bytes from ops.tables() t),
  season as materialized (select s.peak_on, s.peak_weddings, s.most_so_far, s.connections_used, s.connections_max from ops.season() s),
  found(severity, about, says, remedy) as (
    select 'high', c.relname::text, 'This index is not valid: it is kept up with every write, and no query uses it.',
      format('drop index concurrently %I; then build it again.', c.relname)
    from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
    where not i.indisvalid and c.relnamespace = 'public'::regnamespace and c.relkind = 'i'
    union all
    select 'medium', b.name, format('%s %% of its rows are dead (%s).', round(b.dead_share * 100), b.dead_rows), format('vacuum (analyze) public.%I;', b.name)
    from busy b where b.dead_share > 0.2 and b.dead_rows > 1000
    union all
    select 'medium', b.name, format('It has %s rows and was never analyzed, so plans are guesses.', b.live_rows), format('analyze public.%I;', b.name)
    from busy b where b.last_analyze_at is null and b.live_rows > 1000
    union all
    select 'medium', r.relname::text, format('The foreign key %I has no index: deleting from %s reads all of it.', c.conname, c.confrelid::regclass),
      format('create index concurrently on %s (%s);', c.conrelid::regclass, (select string_agg(quote_ident(a.attname), ', ' order by k.n)
        from unnest(c.conkey) with ordinality as k(attnum, n) join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum))
    from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.conrelid
    where c.contype = 'f' and c.connamespace = 'public'::regnamespace and c.conparentid = 0 and r.reltuples > 1000
      and not exists (select from pg_catalog.pg_index i where i.indrelid = c.conrelid and i.indisvalid
        and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
    union all
    select 'high', ops.face(a.application_name, a.usename), format('A transaction has been open for %s s and does nothing; its locks and dead rows wait for it.',
        round(extract(epoch from clock_timestamp() - a.xact_start))), format('select pg_terminate_backend(%s);', a.pid)
    from pg_catalog.pg_stat_activity a where a.datname = current_database() and a.state like 'idle in transaction%'
      and a.xact_start < clock_timestamp() - make_interval(secs => ops.idle_patience_s())
    union all
    select 'high', coalesce(ops.face(h.application_name, h.usename), 'others'), format('%s connections wait for a lock that it holds.', count(distinct w.pid)),
      format('select pg_terminate_backend(%s);', h.pid)
    from pg_catalog.pg_stat_activity w cross join lateral unnest(pg_blocking_pids(w.pid)) as b(pid) join pg_catalog.pg_stat_activity h on h.pid = b.pid
    where w.datname = current_database() and w.wait_event_type = 'Lock' group by h.pid, h.application_name, h.usename
    union all
    select 'high', s.slot_name::text, 'Nobody reads this replication slot, and the server keeps its log for it until the disk is full.',
      format('select pg_drop_replication_slot(%L);', s.slot_name)
    from pg_catalog.pg_replication_slots s where not s.active
    union all
    select 'high', p.relname::text, format('Its last partition ends within four weeks (%s).', p.last), 'Run `wedsync clock`: it makes them three months ahead.'
    from (select r.relname, max(c.relname)::text as last from pg_catalog.pg_partitioned_table t join pg_catalog.pg_class r on r.oid = t.partrelid
        join pg_catalog.pg_inherits i on i.inhparent = r.oid join pg_catalog.pg_class c on c.oid = i.inhrelid
        where r.relnamespace = 'public'::regnamespace group by r.relname) p
    where to_date(right(p.last, 6), 'YYYYMM') + interval '1 month' < clock_timestamp() + interval '28 days'
    union all
    select 'medium', current_database()::text, format('Only %s %% of what is read comes from memory.', round((ops.cache_hit_ratio() * 100)::numeric, 1)),
      'Raise shared_buffers, or look at ops.slow_queries() for what reads whole tables.'
    where ops.cache_hit_ratio() < 0.9
    union all
    select case when s.connections_used > 0.9 * s.connections_max then 'high' else 'medium' end, 'connections',
      format('%s of %s connections are taken.', s.connections_used, s.connections_max), 'Lower WEDSYNC_DATABASE_CONNECTIONS, or raise max_connections.'
    from season s where s.connections_used > 0.8 * s.connections_max
    union all
    select 'medium', 'season', format('%s has %s weddings; the fullest day so far had %s.', s.peak_on, s.peak_weddings, s.most_so_far),
      'Load a staging database with as many (`wedsync bench`), and size pools and the machine before that day.'
    from season s where s.peak_weddings >= 10 and s.peak_weddings > 1.5 * s.most_so_far)
  select f.severity, f.about, f.says, f.remedy from found f where ops.allow() order by f.severity, f.about, f.says;
$$;

grant execute on function ops.advice(), ops.idle_patience_s() to wedsync_user, wedsync_service, wedsync_owner;
reset role;
