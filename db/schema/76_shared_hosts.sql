-- Breakers of hosts: fifty endpoints on one dead host need not find that out one by one. A host has a row only while something was wrong with it;
-- its rules stand in wedsync/kit/breaker.py, and the claim asks it beside the destination's own breaker. Counted are tenants, and only silence: what
-- one of them can bring about alone must not stop the others.
set role wedsync_owner;
alter table public.destinations add column host text;
comment on column public.destinations.host is 'host:port of its endpoint; null = it has none of its own';
create index destinations_host on public.destinations (host) where host is not null;

create table public.hosts (
  host text primary key,
  failures integer not null default 0,
  open_until timestamptz,
  openings integer not null default 0,
  since timestamptz,
  failing uuid[] not null default '{}',
  well uuid[] not null default '{}',
  probing_until timestamptz not null default '-infinity',
  probed uuid
) with (fillfactor = 50);
comment on table public.hosts is 'Breakers of hosts that several tenants share, while there is something to count; no row = in good health';
comment on column public.hosts.failing is 'Tenants that the host did not answer last in the window; well: those it did. Nobody is in both';
comment on column public.hosts.probing_until is 'A probe is on its way; if its worker ends, another may go then';
create index hosts_open on public.hosts (open_until) where open_until is not null;

alter table public.hosts enable row level security;
alter table public.hosts force row level security;
create policy recorder on public.hosts for all to wedsync_recorder using (true) with check (true);
grant select, insert, update, delete on public.hosts to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- The key of a host's breaker. Two spellings of one host have two breakers, and nothing worse.
create function app.host_of(p_url text) returns text
language sql immutable set search_path = ''
  return (select lower(m[2]) || ':' || coalesce(m[3], case lower(m[1]) when 'https' then '443' else '80' end)
    from regexp_match(p_url, '^(https?)://(\[[^]]+\]|[^/?#:]+)(?::(\d+))?', 'i') as m);

-- A host that is left alone may be asked by one, from now on.
create function app.ask_host(p_host text) returns void
language sql volatile set search_path = '' as $$
  update public.hosts h set open_until = clock_timestamp() where h.host = p_host and h.open_until > clock_timestamp();
$$;

-- Whoever tests an endpoint may have mended it: a breaker that is open, its own or its host's, lets one delivery through at once, and judges by it.
create function app.ask_again(p_destination uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update public.destinations d set not_before = '-infinity', breaker_until = least(d.breaker_until, clock_timestamp())
    where d.id = p_destination and d.breaker_until is not null;
  perform app.ask_host(d.host) from public.destinations d where d.id = p_destination and d.host is not null;
end $$;

create function app.know_host() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  new.host := (select app.host_of(e.url) from public.endpoints e where e.id = new.id);
  return new;
end $$;

-- An endpoint may move to another host. And a person who puts one to work, here or there, may have mended its host: that is asked once more, at
-- once. What the clock and workers write of an endpoint, and other words about it, say nothing of the host.
create function app.follow_host() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_host text := app.host_of(new.url);
begin
  if new.url <> old.url then
    update public.destinations d set host = v_host where d.id = new.id and d.host is distinct from v_host;
  end if;
  if app.actor() is not null and new.state = 'active' and (new.url, new.state) is distinct from (old.url, old.state) then
    perform app.ask_host(v_host);
  end if;
  return null;
end $$;

-- Of destinations that a claim holds, those whose host may be asked. Of a host that is half open it is one, by lot but of another tenant than the
-- last, and not the last one again: neither a single broken path nor a single tenant may answer for the host each time. Where somebody waits for a
-- test, that is the one.
create function app.askable(p_lane integer, p_destinations uuid[], p_now timestamptz) returns uuid[]
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_free uuid[];
  v_probes uuid[];
begin
  if not exists (select from public.hosts h where h.open_until is not null) then return p_destinations; end if;
  v_free := array(select d.id from public.destinations d where d.id = any (p_destinations)
    and not exists (select from public.hosts h where h.host = d.host and h.open_until is not null));
  with held as materialized (
    select h.host, h.probed from public.hosts h
    where h.open_until <= p_now and h.probing_until <= p_now and h.host in (select d.host from public.destinations d where d.id = any (p_destinations))
    for no key update skip locked)
  select array_agg(x.id) into v_probes from (
    select distinct on (h.host) d.id from held h join public.destinations d on d.host = h.host and d.id = any (p_destinations)
    where exists (select from public.jobs j where j.lane = p_lane and j.destination_id = d.id and j.lease_token is null and j.run_at <= p_now)
      and not exists (select from public.jobs b where b.destination_id = d.id and b.lease_token is not null)
    order by h.host, (d.tenant_id is not distinct from (select l.tenant_id from public.destinations l where l.id = h.probed)),
      not exists (select from public.jobs j join public.deliveries w on w.id = j.id and w.made_at = j.made_at and w.is_test
        where j.lane = p_lane and j.destination_id = d.id and j.lease_token is null and j.run_at <= p_now), (d.id is not distinct from h.probed), random()) x;
  if v_probes is not null then
    update public.hosts h set probing_until = p_now + interval '20 seconds', probed = d.id
      from public.destinations d where d.id = any (v_probes) and h.host = d.host;
  end if;
  return v_free || v_probes;
end $$;

-- How hosts stand, locked until the end of the transaction that judges their results: destinations are locked before. p_bad: those that got
-- no answer, whose hosts begin to be counted where other tenants share them.
create type app.host_breaker as (
  host text, destinations uuid[], now_s double precision, failures integer, open_until double precision, openings integer, since double precision,
  failing uuid[], well uuid[]);
create function app.host_breakers(p_destinations uuid[], p_bad uuid[]) returns setof app.host_breaker
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_speed double precision := app.speed();
begin
  insert into public.hosts (host)
    select distinct d.host from public.destinations d
    where d.id = any (p_bad) and d.host is not null
      and exists (select from public.destinations o where o.host = d.host and o.tenant_id <> d.tenant_id and o.state = 'active')
    order by d.host
    on conflict (host) do nothing;
  return query select h.host, array(select d.id from public.destinations d where d.host = h.host and d.id = any (p_destinations)),
      extract(epoch from clock_timestamp())::double precision * v_speed, h.failures, extract(epoch from h.open_until)::double precision * v_speed,
      h.openings, extract(epoch from h.since)::double precision * v_speed, h.failing, h.well
    from public.hosts h where h.host in (select d.host from public.destinations d where d.id = any (p_destinations))
    order by h.host for no key update;
end $$;

create function app.set_hosts(p json) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  delete from public.hosts h using json_populate_recordset(null::app.host_breaker, p) b
    where h.host = b.host and b.since is null and b.open_until is null;
  update public.hosts h set failures = b.failures, open_until = to_timestamp(b.open_until / app.speed()), openings = b.openings,
    since = to_timestamp(b.since / app.speed()), failing = b.failing, well = b.well, probing_until = '-infinity'
  from json_populate_recordset(null::app.host_breaker, p) b where h.host = b.host;
$$;

-- Hosts that nobody asked after for a day: their endpoints are gone.
create function app.forget_hosts() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.hosts h where coalesce(greatest(h.open_until, h.since), '-infinity') < clock_timestamp() - interval '1 day';
  get diagnostics n = row_count;
  return n;
end $$;

-- Until when the hosts of the entered tenant's destinations are left alone; nothing else of them, for others may live there too.
create function app.hosts_of(p_destinations uuid[]) returns table (destination_id uuid, host text, open_until timestamptz)
language sql stable security definer set search_path = '' as $$
  select d.id, h.host, h.open_until from public.destinations d join public.hosts h on h.host = d.host
  where d.id = any (p_destinations) and d.tenant_id = app.tenant() and h.open_until is not null
    and (app.mask() & 512 <> 0 or app.role() in ('owner', 'admin', 'system'));
$$;

grant execute on function app.host_breakers(uuid[], uuid[]), app.forget_hosts() to wedsync_service;
grant execute on function app.hosts_of(uuid[]) to wedsync_user;
reset role;

set role wedsync_owner;
create trigger know_host before insert on public.destinations for each row execute function app.know_host();
create trigger follow_host after update on public.endpoints for each row execute function app.follow_host();
reset role;
