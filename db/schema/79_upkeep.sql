-- Upkeep: what the clock asks for, beside partitions and positions: old sign-ins and uploads, density of the log, how the queue stands.
set role wedsync_owner;
grant delete on public.sessions, public.sign_ins to wedsync_recorder;
grant update (plan, undo) on public.imports to wedsync_recorder;
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

-- Uploaded guest lists of imports that ended, or that nobody went on with, long enough ago: the file goes, what came of it stays. So does what
-- a finished import leaves for the next one of its list, which tells from it who changed a field; of one taken back nobody asks for it.
create function app.forget_uploads(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  update public.imports i set plan = null, undo = case when i.status = 'finished' then i.undo end
    where i.plan is not null and i.status <> 'running' and coalesce(i.finished_at, i.updated_at) < app.now() - make_interval(days => p_days);
  get diagnostics n = row_count;
  return n;
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
      where j.lane = l.lane and j.lease_token is null order by j.run_at limit 1))), 0)::double precision
  from generate_series(0, 3) as l(lane);
$$;

grant execute on function app.forget_sessions(integer), app.forget_uploads(integer), app.sparse_streams(timestamptz), app.queue_ages() to wedsync_service;
reset role;
