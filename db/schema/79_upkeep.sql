-- Upkeep: what the clock asks for, beside partitions and positions: old sign-ins and uploads, density of the log, how the queue stands.
set role wedsync_owner;
grant delete on public.sessions, public.sign_ins to wedsync_recorder;
grant update (plan, undo) on public.imports, public.client_imports to wedsync_recorder;
-- What is ready or on the wire is not in it, so it costs the queue nothing.
create index jobs_parked on public.jobs (made_at) where kind = 'delivery' and run_at = 'infinity';
reset role;

set role wedsync_recorder;
-- Sessions and sign-in passes that ended long enough ago that nobody asks after them.
create function app.forget_sessions(p_days integer default 30) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_before timestamptz := clock_timestamp() - make_interval(days => p_days);
  n integer;
  m integer;
begin
  delete from public.sessions s where coalesce(s.ended_at, s.expires_at) < v_before;
  get diagnostics n = row_count;
  delete from public.sign_ins s where s.expires_at < v_before;
  get diagnostics m = row_count;
  return n + m;
end $$;

-- Uploaded lists of imports that ended, or that nobody went on with, long enough ago: the file goes, what came of it stays. So does what
-- a finished import leaves for the next one of its list, which tells from it who changed a field; of one taken back nobody asks for it.
create function app.forget_uploads(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
  v_clients integer;
begin
  update public.imports i set plan = null, undo = case when i.status = 'finished' then i.undo end
    where i.plan is not null and i.status <> 'running' and coalesce(i.finished_at, i.updated_at) < app.now() - make_interval(days => p_days);
  get diagnostics n = row_count;
  -- What a list of clients needs to be taken back goes when it no longer can be.
  update public.client_imports i set plan = null, undo = case when i.finished_at > app.now() - interval '30 days' then i.undo end
    where (i.plan is not null or i.undo is not null) and coalesce(i.finished_at, i.updated_at) < app.now() - make_interval(days => p_days)
      and (i.plan is not null or i.finished_at <= app.now() - interval '30 days');
  get diagnostics v_clients = row_count;
  return n + v_clients;
end $$;

-- Streams whose log since a time has a hole or a double, or does not reach the stream's top. Density rests on the stream lock; this proves it.
-- recorded_at is read before the lock is had, so around the edge a higher seq may bear an earlier time: an hour of slack.
create function app.sparse_streams(p_since timestamptz) returns table (stream_id uuid, lowest bigint, highest bigint, events bigint, top bigint)
language sql stable security definer set search_path = '' as $$
  select x.stream_id, x.lowest, x.highest, x.events, s.top
  from (select e.stream_id, f.lowest, max(e.seq) as highest, count(*) as events
    from (select n.stream_id, min(n.seq) as lowest from public.events n where n.recorded_at >= p_since group by n.stream_id) f
    join public.events e on e.stream_id = f.stream_id and e.seq >= f.lowest and e.recorded_at >= p_since - interval '1 hour'
    group by e.stream_id, f.lowest) x
  join public.streams s on s.id = x.stream_id
  where x.events <> x.highest - x.lowest + 1 or x.highest <> s.top;
$$;

-- How long the oldest ready job of each lane has waited, and what is on the wire; cheap however long the queue is.
create function app.queue_ages() returns table (lane integer, oldest_s double precision)
language sql stable security definer set search_path = '' set enable_seqscan = off as $$
  select l.lane, coalesce(greatest(0, extract(epoch from clock_timestamp() - (select j.run_at from public.jobs j
      where j.lane::integer = l.lane and j.lease_token is null order by j.run_at limit 1))), 0)::double precision
  from generate_series(0, 3) as l(lane);
$$;

-- What waited so long for a parked destination, or for a person, that its row in the ledger is due to go: it ends, and says so.
create function app.expire_parked(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off as $$
declare
  v_before timestamptz := clock_timestamp() - make_interval(days => p_days);
  v_old uuid[];
begin
  select array_agg(x.id) into v_old from (select j.id from public.jobs j
    where j.kind = 'delivery' and j.run_at = 'infinity' and j.made_at < v_before and j.lease_token is null
    order by j.made_at limit 10000 for update skip locked) x;
  if v_old is null then return 0; end if;
  perform app.end_jobs(v_old, 'expired', format('it had waited for %s days', p_days));
  return cardinality(v_old);
end $$;

-- Whether anything that is not over needs rows of a table from this span of time. Asked of a month that is due to go, so hardly more than once; what
-- is likeliest to need it, for long, is what waits for a person, and that is looked up.
create function app.is_needed(p_table text, p_from timestamptz, p_until timestamptz) returns boolean
language sql stable set search_path = '' as $$
  select case p_table
    when 'deliveries' then exists (select from public.jobs j where j.kind = 'delivery' and j.run_at = 'infinity' and j.made_at >= p_from
        and j.made_at < p_until)
      or exists (select from public.jobs j where j.kind = 'delivery' and j.run_at < 'infinity' and j.made_at >= p_from and j.made_at < p_until)
    when 'events' then exists (select from public.jobs j where j.kind = 'reaction' and j.made_at >= p_from and j.made_at < p_until)
      or exists (select from public.jobs j join public.deliveries d on d.id = j.id and d.made_at = j.made_at
        where j.kind = 'delivery' and d.event_at >= p_from and d.event_at < p_until)
    else false end;
$$;

grant execute on function app.forget_sessions(integer), app.forget_uploads(integer), app.sparse_streams(timestamptz), app.queue_ages(),
  app.expire_parked(integer) to wedsync_service;
grant execute on function app.is_needed(text, timestamptz, timestamptz) to wedsync_owner;
reset role;

set role wedsync_owner;
-- Whole months of a partitioned table that ended so many days ago go, the oldest first; a month that is needed stays until it is not. The last
-- month always stays, so rows are kept at least so long and at most two months longer. A month is dropped within half a second or another time:
-- whoever reads or writes the table is not kept waiting behind us, so it is one month a call. Returns the partition that went, or null.
create function app.forget_months(p_table text, p_days integer) returns text
language plpgsql volatile security definer set search_path = '' set lock_timeout = '500ms' as $$
declare
  v_before timestamptz := least(date_trunc('month', clock_timestamp()) - interval '1 month', clock_timestamp() - make_interval(days => p_days));
  v_part record;
begin
  if p_table <> all (array['events', 'deliveries', 'attempts', 'security_events', 'access_log']) or p_days < 7 then
    raise exception 'not kept by months, or too short: % for % days', p_table, p_days;
  end if;
  for v_part in
    select c.relname as name, to_date(right(c.relname, 6), 'YYYYMM')::timestamptz as began,
      (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month')::timestamptz as ended
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = ('public.' || p_table)::regclass and c.relname ~ ('^' || p_table || '_[0-9]{6}$') order by c.relname
  loop
    exit when v_part.ended > v_before;
    continue when app.is_needed(p_table, v_part.began, v_part.ended);
    begin
      execute format('drop table public.%I', v_part.name);
    exception when lock_not_available then
      return null;
    end;
    return v_part.name;
  end loop;
  return null;
end $$;
grant execute on function app.forget_months(text, integer) to wedsync_service;
reset role;
