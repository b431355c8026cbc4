-- Whose turn it is while the oldest ready jobs are more than a claim looks at: tenants take turns, and destinations behind full ones are found.
set role wedsync_owner;
create index jobs_tenants on public.jobs ((lane::bigint), tenant_id, destination_id, run_at) where lease_token is null;
create index destinations_tenant on public.destinations (tenant_id);

create table public.lane_turns (
  lane smallint primary key check (lane between 0 and 3),
  after uuid not null default '00000000-0000-0000-0000-000000000000',
  after_tenant uuid not null default '00000000-0000-0000-0000-000000000000'
) with (fillfactor = 50);
comment on table public.lane_turns is 'Where the rounds over destinations and over tenants stand, per lane; used only while a claim does not see all that is ready';
insert into public.lane_turns (lane) values (0), (1), (2), (3);
alter table public.lane_turns enable row level security;
alter table public.lane_turns force row level security;
create policy recorder on public.lane_turns for all to wedsync_recorder using (true) with check (true);
grant select, insert, update, delete on public.lane_turns to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- The oldest job that may run now of each of the next tenants, in turn. What one tenant waits for is then bounded by how many tenants wait, however
-- many jobs another has. Of a destination that has fewer places than tenants came for, the first who got none is the next whose turn it is.
-- One claimer at a time moves the round on.
create function app.take_turns(p_lane integer, p_limit integer, p_now timestamptz, p_per_min integer) returns setof public.jobs
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  v_platform constant uuid := '00000000-0000-7000-8000-000000000000';
  v_after uuid;
  -- Some more than are wanted: of a few nothing may be ready.
  v_width constant integer := p_limit + least(p_limit, 8);
  v_shared uuid[];
  v_seen uuid[];
  v_jobs uuid[];
  v_tenants uuid[];
  v_destinations uuid[];
  v_job public.jobs;
  v_taken uuid[] := '{}';
  v_stop integer;
begin
  select t.after_tenant into v_after from public.lane_turns t where t.lane = p_lane for update skip locked;
  if not found then return; end if;
  -- What all tenants share and has anything in this lane: looked up once, not for each tenant. The oldest is asked for, though any would do: only that
  -- leads to the index by destination; any one is looked for through all tenants of the lane.
  v_shared := array(select d.id from public.destinations d
    cross join lateral (select from public.jobs j where j.lane = p_lane and j.destination_id = d.id and j.lease_token is null and j.run_at <= p_now
      order by j.run_at limit 1) x
    where d.tenant_id = v_platform and d.state = 'active' and d.not_before <= p_now);
  with recursive round as (
    (select j.tenant_id as id, 1 as n from public.jobs j
      where j.lane::bigint = p_lane and j.lease_token is null and j.tenant_id > v_after order by j.tenant_id limit 1)
    union all
    select (select j.tenant_id from public.jobs j
        where j.lane::bigint = p_lane and j.lease_token is null and j.tenant_id > r.id order by j.tenant_id limit 1), r.n + 1
      from round r where r.id is not null and r.n < v_width)
  select array_agg(r.id order by r.n) filter (where r.id is not null), array_agg(f.id order by r.n) filter (where f.id is not null),
      array_agg(r.id order by r.n) filter (where f.id is not null), array_agg(f.destination_id order by r.n) filter (where f.id is not null)
    into v_seen, v_jobs, v_tenants, v_destinations
    from round r left join lateral (
      -- Of its own destinations, and of those that all tenants share, written out: a function would cost as much again.
      select x.id, x.destination_id from (
        (select d.id from public.destinations d where d.tenant_id = r.id and d.state = 'active' and d.not_before <= p_now limit 64)
        union all
        select s.id from unnest(v_shared) as s(id)) o
      cross join lateral (select j.id, j.destination_id, j.run_at from public.jobs j
        where j.lane::bigint = p_lane and j.tenant_id = r.id and j.destination_id = o.id and j.lease_token is null and j.run_at <= p_now
        order by j.run_at limit 1) x
      order by x.run_at limit 1) f on true;
  if v_jobs is not null then
    for v_job in select t.* from app.take(p_lane, array(select distinct x.id from unnest(v_destinations) as x(id)), p_limit, p_now, p_per_min, v_jobs) t loop
      v_taken := v_taken || v_job.id;
      return next v_job;
    end loop;
    select min(c.n) - 1 into v_stop from unnest(v_jobs, v_destinations) with ordinality as c(job, destination, n)
      where c.job <> all (v_taken) and (cardinality(v_taken) >= p_limit or exists (
        select from unnest(v_jobs, v_destinations) as o(job, destination) where o.destination = c.destination and o.job = any (v_taken)));
  end if;
  update public.lane_turns t set after_tenant = case when v_stop > 0 then v_tenants[v_stop] when v_stop = 0 then v_after
      when cardinality(v_seen) = v_width then v_seen[v_width] else v_nobody end
    where t.lane = p_lane;
end $$;

-- The next destinations of the round that have unleased jobs in this lane, twice as many as jobs are wanted and some more: each is locked and
-- counted, and some are full or rest. One claimer at a time moves the round on.
create function app.next_destinations(p_lane integer, p_known uuid[], p_wanted integer) returns uuid[]
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_width constant integer := least(128, p_wanted * 2 + 16);
  v_after uuid;
  v_found uuid[];
begin
  select t.after into v_after from public.lane_turns t where t.lane = p_lane for update skip locked;
  if not found then return null; end if;
  with recursive round as (
    (select j.destination_id as id, 1 as n from public.jobs j
      where j.lane = p_lane and j.lease_token is null and j.destination_id > v_after order by j.destination_id limit 1)
    union all
    select (select j.destination_id from public.jobs j
        where j.lane = p_lane and j.lease_token is null and j.destination_id > r.id order by j.destination_id limit 1), r.n + 1
      from round r where r.id is not null and r.n < v_width)
  select array_agg(r.id) into v_found from round r where r.id is not null;
  update public.lane_turns t set after = case when cardinality(v_found) = v_width then v_found[v_width] else '00000000-0000-0000-0000-000000000000' end
    where t.lane = p_lane;
  return array(select f.id from unnest(v_found) as f(id) where f.id <> all (p_known));
end $$;
reset role;
