-- The queue: which job may run now, by whom, until when. Claiming, leases, parking, order.
-- A job waits at run_at 'infinity' when something must happen first: its destination is parked, or a lower job of its order is live.
set role wedsync_owner;

create index jobs_fair on public.jobs (lane, destination_id, run_at) where lease_token is null;
create index jobs_expiry on public.jobs (expires_at) where expires_at is not null;

alter table public.destinations add column reason text not null default '' check (length(reason) <= 300);
comment on column public.destinations.reason is 'Why it is parked, in words for its owner';

create table public.dead_jobs (
  id uuid primary key,
  kind text not null,
  name text not null,
  lane smallint not null,
  tenant_id uuid not null,
  destination_id uuid not null,
  order_key uuid,
  order_seq bigint not null,
  made_at timestamptz not null,
  event_id uuid,
  args jsonb,
  attempts smallint not null,
  reason text not null default '',
  died_at timestamptz not null default clock_timestamp()
);
comment on table public.dead_jobs is 'Reactions and work that were given up, with the last reason; a delivery that is given up is a row of deliveries';

alter table public.dead_jobs enable row level security;
alter table public.dead_jobs force row level security;
create policy recorder on public.dead_jobs for all to wedsync_recorder using (true) with check (true);
grant select, insert, update, delete on public.dead_jobs to wedsync_recorder;

alter table public.deliveries add column actor_kind text, add column actor_id uuid;
comment on column public.deliveries.actor_id is 'Who cancelled it, or asked for this repeat of another; null = the engine';
grant select (actor_kind, actor_id) on public.deliveries to wedsync_user;

-- How fast wedding time runs: a drill that plays a day in minutes retries as much faster.
create function app.speed() returns double precision language sql stable parallel safe security definer set search_path = ''
  return coalesce((select c.speed from public.clock_setting c), 1);
grant execute on function app.speed() to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- Plans of these functions are made once a connection, whatever is in the table then: with nothing but index scans and nested loops they stay
-- right when it holds 100,000 rows a second later. Planned anew at each call, app.payloads of one job costs 4.5 ms of CPU instead of 0.5.
-- A queue is mostly empty, and then all indexes cost the same: a job that is looked for by its id, or by its order, says of its lease what no partial
-- index promises (`is not distinct from`, `num_nulls`), and what goes round by tenants says `lane::bigint`, so that only one index fits each. Else a plan
-- made in the quiet walks through everything that is ready, or leased, for each job.

-- Up to p_limit jobs of one lane at these destinations, leased for a minute. Two statements: the first owns the destinations, the second
-- counts on a snapshot taken after that, so that the cap is exact however many claim at once.
-- Here a destination's tokens are spent too, also those of jobs that are given back unsent: never more leave than the rate allows. The bucket holds
-- twelve seconds' worth, so a minute that begins with a full one sees a fifth more than the rate, and no minute sees more than that.
-- p_jobs: only these, in this order.
create function app.take(p_lane integer, p_destinations uuid[], p_limit integer, p_now timestamptz, p_per_min integer,
  p_jobs uuid[] default null) returns setof public.jobs
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_active uuid[];
  v_parked uuid[];
  v_ordered uuid[];
begin
  select array_agg(o.id) filter (where o.state = 'active'), array_agg(o.id) filter (where o.state = 'parked') into v_active, v_parked
    from (select d.id, d.state from public.destinations d
      where d.id = any (p_destinations) and d.not_before <= p_now for no key update skip locked) o;
  if v_parked is not null then perform app.shelve(p_lane, v_parked, p_now); end if;
  if v_active is not null then v_active := app.askable(p_lane, v_active, p_now); end if;
  if coalesce(cardinality(v_active), 0) = 0 then return; end if;
  v_ordered := array(select o.id from unnest(v_active) as o(id)
    where exists (select from public.jobs j where j.destination_id = o.id and j.order_key is not null));
  if cardinality(v_ordered) > 0 then perform app.line_up(p_lane, v_ordered, p_now); end if;
  return query
    with room as materialized (
      select d.id, r.per_min, t.tokens, greatest(0, least(floor(t.tokens), case when d.breaker_until is null
          and not exists (select from public.hosts h where h.host = d.host and h.open_until is not null) then d.max_in_flight else 1 end
        - (select count(*) from public.jobs b where b.destination_id = d.id and b.lease_token is not null)))::integer as free
      from unnest(v_active) as o(id) join public.destinations d on d.id = o.id
      cross join lateral (select case when d.tenant_id <> '00000000-0000-7000-8000-000000000000'
        then greatest(1, app.share_now(d.rate_share, d.rate_at, p_now) * coalesce(d.per_min, p_per_min)) end as per_min) r
      cross join lateral (select case when r.per_min is not null then least(greatest(1, r.per_min / 5),
        coalesce(d.tokens + greatest(0, extract(epoch from p_now - d.tokens_at))::double precision * r.per_min / 60, 1e9)) end as tokens) t),
    offered as materialized (
      select j.id, j.destination_id, j.run_at, j.order_key, j.order_seq, j.name, p.turn from unnest(p_jobs) with ordinality as p(id, turn)
      join public.jobs j on j.id = p.id where num_nulls(j.lease_token) = 1 and j.run_at <= p_now),
    picked as (
      select c.id from room r cross join lateral (
        select w.id, w.run_at, w.turn from (
          (select j.id, j.run_at, j.order_key, j.order_seq, j.name, 0 as turn from public.jobs j
            where p_jobs is null and j.lane = p_lane and j.destination_id = r.id and j.lease_token is null and j.run_at <= p_now
            order by j.run_at limit 256)
          union all
          (select o.id, o.run_at, o.order_key, o.order_seq, o.name, o.turn from offered o where o.destination_id = r.id order by o.turn)) w
        where w.order_key is null or not exists (select from public.jobs p
          where p.destination_id = r.id and p.order_key = w.order_key and p.name = w.name and p.order_seq < w.order_seq)
        limit r.free) c
      order by c.turn, c.run_at limit p_limit),
    leased as (
      update public.jobs j set lease_token = gen_random_uuid(), lease_until = clock_timestamp() + interval '60 seconds', attempt = j.attempt + 1,
        lease_seat = nullif(current_setting('app.seat', true), '')::integer
      from picked p where j.id = p.id and num_nulls(j.lease_token) = 1
      returning j as job),
    spent as (
      update public.destinations d set tokens = s.left_over, tokens_at = greatest(d.tokens_at, p_now), not_before = case when s.left_over < 1
        then greatest(d.not_before, p_now + make_interval(secs => (1 - s.left_over) * 60 / s.per_min)) else d.not_before end
      from (select r.id, r.per_min, r.tokens, c.n, r.tokens - c.n as left_over from room r
        cross join lateral (select count(*) as n from leased l where (l.job).destination_id = r.id) c
        where r.tokens is not null and (c.n > 0 or r.tokens < 1)) s
      where d.id = s.id)
    select (l.job).* from leased l;
end $$;

-- In words for the owner: what we were told, or what the owner said.
create function app.parked_because(p_destination uuid) returns text
language sql stable set search_path = '' as $$
  select coalesce(nullif(d.reason, ''), nullif(e.state_reason, ''), 'its endpoint is not active')
  from public.destinations d left join public.endpoints e on e.id = d.id where d.id = p_destination;
$$;

-- Jobs of parked destinations that came into view: out of the ready range, and the ledger says why.
create function app.shelve(p_lane integer, p_destinations uuid[], p_now timestamptz) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  with seen as (
    select w.id, app.parked_because(o.id) as reason from unnest(p_destinations) as o(id) cross join lateral (
      select j.id from public.jobs j where j.lane = p_lane and j.destination_id = o.id and j.lease_token is null and j.run_at <= p_now limit 256) w),
  shelved as (
    update public.jobs j set run_at = 'infinity' from seen s where j.id = s.id and num_nulls(j.lease_token) = 1 returning j.id, j.made_at, s.reason)
  update public.deliveries d set state = 'parked', reason = s.reason, next_at = null from shelved s where d.id = s.id and d.made_at = s.made_at;
$$;

-- Ordered jobs behind a live one leave the ready range, each once, so that no claim wades through them. Whoever ends the job before brings
-- them back (app.call_next). The lock on the job before makes that sure: it cannot end between our look and our commit.
create function app.line_up(p_lane integer, p_destinations uuid[], p_now timestamptz) returns void
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_waiting uuid[];
begin
  select array_agg(b.id) into v_waiting from (
    select w.id from unnest(p_destinations) as o(id) cross join lateral (
      select j.id, j.order_key, j.name, j.order_seq from public.jobs j
      where j.lane = p_lane and j.destination_id = o.id and j.lease_token is null and j.run_at <= p_now
      order by j.run_at limit 128) w
    cross join lateral (select x.id from public.jobs x where x.destination_id = o.id and x.order_key = w.order_key and x.name = w.name
      and w.order_key is not null and x.order_seq < w.order_seq order by x.order_seq desc limit 1) before
    join public.jobs l on l.id = before.id
    for key share of l skip locked) b;
  if v_waiting is not null then
    update public.jobs j set run_at = 'infinity' where j.id = any (v_waiting) and j.lease_token is null;
  end if;
end $$;

-- What a sweep may do of one reaction or work, locked, oldest first. It can be claimed a second after it was owed, so that a narrow stretch of its
-- lane holds it: another index of this table would cost every job. p_late: so long after that a sweep still takes it. What was ever claimed, or has
-- waited longer, is left to the claims: what cannot be done holds nothing else back. A job that is locked is being waited with, or lost to another sweep.
create function app.swept_jobs(p_name text, p_lane integer, p_jobs integer, p_late interval default '0') returns public.jobs[]
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  return (select array_agg(x.job) from (
    select j as job from public.jobs j
    where j.lane::integer = p_lane and j.lease_token is null and j.run_at > clock_timestamp() - p_late and j.run_at <= clock_timestamp() + interval '1 second'
      and j.name = p_name and j.kind <> 'delivery' and j.attempt = 0
    order by j.run_at limit p_jobs for update skip locked) x);
end $$;

create function app.call_next(p_ended public.jobs[]) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update public.jobs n set run_at = clock_timestamp() from (
    select x.id from unnest(p_ended) as g cross join lateral (
      select j.id from public.jobs j where j.destination_id = g.destination_id and j.order_key = g.order_key and j.name = g.name
        and j.order_seq > g.order_seq order by j.order_seq limit 1) x
    where g.order_key is not null) x
  where n.id = x.id and num_nulls(n.lease_token) = 1 and n.run_at = 'infinity';
$$;

create function app.end_swept(p_jobs public.jobs[]) returns void
language sql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
  delete from public.jobs j using unnest(p_jobs) x where j.id = x.id;
  select app.call_next(p_jobs);
$$;

-- Jobs for one worker. p_own: how many of each lane's reserved places are free, critical first; p_shared: places any lane may have; p_per_min: the
-- rate of destinations that have none of their own; p_shunned: destinations that the worker has heard are left alone just now.
create function app.claim(p_own integer[], p_shared integer, p_per_min integer, p_shunned uuid[] default '{}') returns setof public.jobs
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_shared integer := p_shared;
  v_limit integer;
  v_width integer;
  v_taken integer;
  v_more integer;
  v_seen integer;
  v_tenants integer;
  v_window uuid[];
begin
  -- A claim that a crash of the database undoes only means that the job is ready again.
  set local synchronous_commit = off;
  for v_lane in 0..3 loop
    v_limit := p_own[v_lane + 1] + v_shared;
    continue when v_limit <= 0;
    v_width := greatest(128, v_limit * 4);
    -- The oldest ready jobs, and no more of their destinations than a full claim needs: each is locked and counted.
    select array_agg(o.destination_id) filter (where o.destination_id <> all (p_shunned)), coalesce(max(o.seen), 0),
      count(distinct o.tenant_id) into v_window, v_seen, v_tenants from (
      select w.destination_id, any_value(w.tenant_id) as tenant_id, sum(count(*)) over () as seen
      from (select j.destination_id, j.tenant_id, j.run_at from public.jobs j
        where j.lane::integer = v_lane and j.lease_token is null and j.run_at <= v_now order by j.run_at limit v_width) w
      group by w.destination_id order by min(w.run_at) limit v_limit + 16) o;
    continue when v_seen = 0;
    v_taken := 0;
    if v_seen = v_width and (v_tenants < 16 or random() < 0.25) then
      -- More is ready than we look at, and the oldest are few tenants': a quarter of the places goes by turns. Where they are many tenants', all
      -- of them do, in one claim of four: that costs a quarter as much.
      return query select t.* from app.take_turns(v_lane, case when v_tenants < 16 then greatest(1, v_limit / 4) else v_limit end, v_now, p_per_min) t;
      get diagnostics v_taken = row_count;
    end if;
    if v_taken < v_limit then
      return query select t.* from app.take(v_lane, v_window, v_limit - v_taken, v_now, p_per_min) t;
      get diagnostics v_more = row_count;
      v_taken := v_taken + v_more;
    end if;
    if v_taken * 2 < v_limit and v_seen = v_width then
      -- The oldest belong to destinations that are full or resting: go round the others. Half a claim is enough to do without: it costs a third of one.
      return query select t.* from app.take(v_lane, app.next_destinations(v_lane, v_window || p_shunned, v_limit - v_taken), v_limit - v_taken, v_now, p_per_min) t;
      get diagnostics v_more = row_count;
      v_taken := v_taken + v_more;
    end if;
    v_shared := v_shared - greatest(0, v_taken - p_own[v_lane + 1]);
  end loop;
end $$;

-- The worker lives: its leases last another minute. Returns the jobs it still holds.
create function app.heartbeat(p_jobs uuid[], p_leases uuid[]) returns setof uuid
language sql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update public.jobs j set lease_until = clock_timestamp() + interval '60 seconds'
  from unnest(p_jobs, p_leases) as h(job, lease) where j.id = h.job and j.lease_token is not distinct from h.lease returning j.id;
$$;

-- Jobs that were claimed and not begun, given back as they were: no attempt is burnt.
create function app.release(p_jobs uuid[], p_leases uuid[]) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  n integer;
begin
  update public.jobs j set lease_token = null, lease_until = null, attempt = greatest(0, j.attempt - 1)
    from unnest(p_jobs, p_leases) as h(job, lease) where j.id = h.job and j.lease_token is not distinct from h.lease;
  get diagnostics n = row_count;
  return n;
end $$;

-- Leases whose worker is gone. The attempt stays counted, so a job that kills every worker is given up in the end.
create function app.reclaim(p_attempts_max integer default 12) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_lapsed uuid[];
begin
  select array_agg(x.id) into v_lapsed from (select j.id from public.jobs j
    where j.lease_token is not null and j.lease_until < clock_timestamp() order by j.lease_until limit 1000 for update skip locked) x;
  if v_lapsed is null then return 0; end if;
  perform app.end_jobs(array(select j.id from public.jobs j where j.id = any (v_lapsed) and j.attempt >= p_attempts_max), 'dead',
    'its workers ended before it did, time and again');
  update public.jobs j set lease_token = null, lease_until = null, run_at = clock_timestamp() where j.id = any (v_lapsed) and j.lease_token is not null;
  perform app.supersede(array_agg(j.destination_id), array_agg(j.order_key)) from public.jobs j where j.id = any (v_lapsed) and j.is_latest;
  return cardinality(v_lapsed);
end $$;

-- Jobs that nobody wants any more after their time.
create function app.expire() returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_late uuid[];
begin
  select array_agg(x.id) into v_late from (select j.id from public.jobs j
    where j.expires_at <= clock_timestamp() and j.lease_token is null order by j.expires_at limit 1000 for update skip locked) x;
  if v_late is null then return 0; end if;
  perform app.end_jobs(v_late, 'expired', 'its time had passed before it could be sent');
  return cardinality(v_late);
end $$;

-- Ends jobs outside of an attempt: off the queue, and the ledger says how. A sealed payload goes with it.
create function app.end_jobs(p_jobs uuid[], p_state text, p_reason text) returns void
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ended public.jobs[];
begin
  if cardinality(p_jobs) = 0 then return; end if;
  with gone as (delete from public.jobs j where j.id = any (p_jobs) returning j as job),
  told as (
    update public.deliveries d set state = p_state, reason = p_reason, next_at = null, done_at = clock_timestamp(), sealed = null,
      actor_kind = case when p_state = 'cancelled' and app.actor() is not null then app.actor_kind() else d.actor_kind end,
      actor_id = case when p_state = 'cancelled' then coalesce(app.actor(), d.actor_id) else d.actor_id end
    from gone g where d.id = (g.job).id and d.made_at = (g.job).made_at),
  kept as (
    insert into public.dead_jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id, args, attempts, reason)
    select (g.job).id, (g.job).kind, (g.job).name, (g.job).lane, (g.job).tenant_id, (g.job).destination_id, (g.job).order_key, (g.job).order_seq,
      (g.job).made_at, (g.job).event_id, (g.job).args, (g.job).attempt, p_reason from gone g where (g.job).kind <> 'delivery'
    on conflict (id) do nothing)
  select array_agg(g.job) filter (where (g.job).order_key is not null) into v_ended from gone g;
  if v_ended is not null then perform app.call_next(v_ended); end if;
end $$;

-- Mode latest: of each order, whatever waits behind a newer job is not sent any more. What is on the wire is left alone; it is asked about again
-- when its try has ended.
create function app.supersede(p_destinations uuid[], p_keys uuid[]) returns void
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_old uuid[];
begin
  if p_keys is null then return; end if;
  v_old := array(select j.id from unnest(p_destinations, p_keys) as k(destination, key)
    join public.jobs j on j.destination_id = k.destination and j.order_key = k.key and j.is_latest and j.lease_token is null
    where exists (select from public.jobs n where n.destination_id = j.destination_id and n.order_key = j.order_key and n.name = j.name
      and n.order_seq > j.order_seq)
    for update of j skip locked);
  perform app.end_jobs(v_old, 'superseded', 'a newer change of the same thing took its place');
end $$;

-- Destinations that want, or can take, nothing more until a person mends them. Claims put their jobs aside as they meet them. Endpoints are locked
-- first, as their owners' changes do it, streams last. Each tenant is told in its stream; returns the nudges. What all tenants share is never parked.
create function app.park(p_destinations uuid[], p_reasons text[]) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform from public.endpoints e where e.id = any (p_destinations) order by e.id for no key update;
  perform from public.destinations d where d.id = any (p_destinations) order by d.id for no key update;
  return query select t.nudge from app.tell_tenants(app.shut(p_destinations, p_reasons)) as t(nudge);
end $$;

-- A change of an endpoint that the engine made, as a fact of its tenant: without anything secret, even sealed.
create function app.endpoint_fact(p_type text, p_new public.endpoints, p_old public.endpoints) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('tenant', (p_new).tenant_id, 'type', p_type, 'scope', 512, 'table', 'endpoints', 'id', (p_new).id, 'op', 'UPDATE',
    'record', to_jsonb(p_new) - s.names, 'old', to_jsonb(p_old) - s.names)
  from (select '{secret_sealed,old_secrets,credentials_sealed}'::text[] as names) s;
$$;

-- What is to be told of it, by whoever has locked them all.
create function app.shut(p_destinations uuid[], p_reasons text[]) returns jsonb
language sql volatile set search_path = '' as $$
  with closed as (
    update public.destinations d set state = 'parked', reason = left(c.reason, 300) from unnest(p_destinations, p_reasons) as c(id, reason)
    where d.id = c.id and d.state = 'active' and d.tenant_id <> '00000000-0000-7000-8000-000000000000' returning d.id, d.reason),
  disabled as (
    update public.endpoints e set state = 'disabled', state_reason = c.reason from closed c where e.id = c.id and e.state = 'active'
    returning new.id, app.endpoint_fact('endpoint.changed', new, old) as fact)
  select coalesce(jsonb_agg(d.fact order by d.id), '[]') from disabled d;
$$;

-- Facts of endpoints of many tenants, each in its own stream, in one order; returns the nudges.
create function app.tell_tenants(p_facts jsonb) returns setof text
language plpgsql volatile set search_path = '' as $$
declare
  t record;
begin
  for t in select (f.x ->> 'tenant')::uuid as tenant_id, jsonb_agg(f.x - 'tenant' order by f.n) as facts
    from jsonb_array_elements(p_facts) with ordinality as f(x, n) group by 1 order by 1
  loop
    perform app.settle(null, 'system', t.tenant_id, 'system', 0, 0);
    return next app.record(t.facts);
  end loop;
  perform app.settle(null, 'anonymous', null, 'none', 0, 0);
end $$;

-- Parked no more: everything that waited is ready again, with its attempts before it.
create function app.revive() returns trigger
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  update public.jobs j set run_at = clock_timestamp(), attempt = 0
    where j.lane = any ('{0,1,2,3}') and j.destination_id = new.id and j.lease_token is null and j.run_at = 'infinity';
  update public.deliveries d set state = 'pending', reason = '' where d.destination_id = new.id and d.state = 'parked';
  new.reason := '';
  new.failing_since := null;
  new.failed_times := 0;
  return new;
end $$;
reset role;

set role wedsync_owner;
create trigger revive before update of state on public.destinations for each row when (old.state = 'parked' and new.state = 'active')
  execute function app.revive();
reset role;

set role wedsync_recorder;
grant execute on function app.claim(integer[], integer, integer, uuid[]), app.heartbeat(uuid[], uuid[]), app.release(uuid[], uuid[]), app.reclaim(integer),
  app.expire() to wedsync_service;
reset role;
