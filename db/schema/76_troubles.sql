-- Endpoints that fail for long: their owners are warned by mail after an hour, a day, three and four days without a single success, and after five
-- they are switched off. The count stands with the destination, where each try ends; what was told of it stands with the endpoint.
set role wedsync_owner;
alter table public.destinations
  add column failing_since timestamptz,
  add column failed_times integer not null default 0,
  add column failed_at timestamptz;
comment on column public.destinations.failing_since is 'Wedding time of the first failure after the last success; null = the last try succeeded';
create index destinations_failing on public.destinations (failing_since) where failing_since is not null;
grant select (failing_since, failed_times, failed_at) on public.destinations to wedsync_user;

alter table public.endpoints
  add column failing_since timestamptz,
  add column warned_hours smallint not null default 0,
  add column blocked_since timestamptz;
comment on column public.endpoints.failing_since is 'Nothing has succeeded since then, as its owners were told; null = they were not, or it is well again';
comment on column public.endpoints.warned_hours is 'The last warning: 1, 24, 72 or 96 hours after failing_since';
comment on column public.endpoints.blocked_since is 'Since then one that waits for a person has kept back what comes after it in order, as its owners were told';
create index endpoints_failing on public.endpoints (failing_since) where failing_since is not null;

alter table public.endpoints add column certificate_days smallint;
comment on column public.endpoints.certificate_days is 'The last warning that its client certificate ends, so many days before: 30, 7 or 1; null = none, or another certificate since';
create index endpoints_certificates on public.endpoints (id) where auth ->> 'kind' = 'mtls' and deleted_at is null;
reset role;

set role wedsync_recorder;
-- The hours of the last warning that is due after so long.
create function app.warning_after(p_ill interval) returns integer
language sql immutable set search_path = ''
  return case when p_ill >= interval '96 hours' then 96 when p_ill >= interval '72 hours' then 72 when p_ill >= interval '24 hours' then 24
    when p_ill >= interval '1 hour' then 1 else 0 end;

-- Destinations that have failed for so long, so often and over such a time that they are switched off.
create function app.is_hopeless(d public.destinations, p_now timestamptz) returns boolean
language sql immutable set search_path = ''
  return (d).state = 'active' and (d).failing_since <= p_now - interval '5 days' and (d).failed_times >= 20
    and (d).failed_at - (d).failing_since >= interval '12 hours';

-- The hours that its owners are due to be warned of; 0 = nothing.
create function app.warning_of(d public.destinations, p_now timestamptz) returns integer
language sql immutable set search_path = ''
  return case when (d).state = 'active' and (d).failed_times >= 3 and (d).failing_since is not null
    then app.warning_after(p_now - (d).failing_since) else 0 end;

-- Since when, an hour at least, something waits at an ordered destination behind what waits for a person; null = nothing does. Other orders of it
-- may well go on, so nothing of this counts as failing.
create function app.blocked_since(p_destination uuid) returns timestamptz
language sql volatile set search_path = '' as $$
  select min(n.made_at) from public.deliveries w
  join public.jobs b on b.id = w.id and b.made_at = w.made_at and b.run_at = 'infinity' and b.order_key is not null
  cross join lateral (select j.made_at from public.jobs j where j.destination_id = b.destination_id and j.order_key = b.order_key and j.name = b.name
    and j.order_seq > b.order_seq order by j.order_seq limit 1) n
  where w.destination_id = p_destination and w.state = 'parked' and n.made_at <= clock_timestamp() - interval '1 hour' / app.speed();
$$;

-- Called by the clock. All endpoints that this may change are locked first, by id, then their destinations; streams come last, each once, for
-- whoever changes an endpoint holds it while it waits for its tenant's stream.
create function app.mind_failing() returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := app.now();
  v_all uuid[];
  v_ids uuid[];
  v_reasons text[];
  v_facts jsonb;
begin
  select array_agg(x.id) into v_all from (
    select d.id from public.destinations d join public.endpoints e on e.id = d.id
      where d.failing_since is not null and (app.warning_of(d, v_now) > e.warned_hours or app.is_hopeless(d, v_now))
    union
    select e.id from public.endpoints e join public.destinations d on d.id = e.id where e.failing_since is not null and d.failing_since is null
    union
    select e.id from public.endpoints e where e.state = 'active' and e.deleted_at is null and (e.mode = 'ordered' or e.blocked_since is not null)
      and (e.blocked_since is null) <> (app.blocked_since(e.id) is null)) x;
  if v_all is null then return; end if;
  perform from public.endpoints e where e.id = any (v_all) order by e.id for no key update;
  perform from public.destinations d where d.id = any (v_all) order by d.id for no key update;
  with warned as (
    update public.endpoints e set failing_since = d.failing_since, warned_hours = app.warning_of(d, v_now) from public.destinations d
    where e.id = any (v_all) and d.id = e.id and e.state = 'active' and e.deleted_at is null and app.warning_of(d, v_now) > e.warned_hours
    returning app.endpoint_fact('endpoint.failing', new, old) as fact),
  mended as (
    update public.endpoints e set failing_since = null, warned_hours = 0 from public.destinations d
    where e.id = any (v_all) and d.id = e.id and e.failing_since is not null and e.state = 'active' and d.failing_since is null
    returning app.endpoint_fact('endpoint.changed', new, old) as fact)
  select coalesce(jsonb_agg(c.fact), '[]') into v_facts from (select w.fact from warned w union all select m.fact from mended m) c;
  with told as (
    update public.endpoints e set blocked_since = b.since
    from (select x.id, app.blocked_since(x.id) as since from unnest(v_all) as x(id)) b
    where e.id = b.id and e.state = 'active' and e.deleted_at is null and (e.blocked_since is null) <> (b.since is null)
    returning app.endpoint_fact('endpoint.changed', new, old) as fact)
  select v_facts || coalesce(jsonb_agg(t.fact), '[]') into v_facts from told t;
  select array_agg(d.id order by d.id), array_agg(format('nothing was delivered since %s, in %s tries', to_char(d.failing_since at time zone 'UTC',
      'YYYY-MM-DD HH24:MI "UTC"'), d.failed_times) order by d.id) into v_ids, v_reasons
    from public.destinations d where d.id = any (v_all) and app.is_hopeless(d, v_now);
  return query select t.nudge from app.tell_tenants(v_facts || app.shut(v_ids, v_reasons)) as t(nudge);
end $$;

-- The warning that is due of a certificate which ends then: so many days before; null = none yet.
create function app.certificate_warning(p_until timestamptz, p_now timestamptz) returns integer
language sql immutable set search_path = ''
  return case when p_until <= p_now + interval '1 day' then 1 when p_until <= p_now + interval '7 days' then 7
    when p_until <= p_now + interval '30 days' then 30 end;

-- Called by the clock: who sends under a client certificate hears 30, 7 and 1 days before its end, each once. What is switched off sends nothing.
create function app.mind_certificates() returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := app.now();
  v_ids uuid[];
  v_facts jsonb;
begin
  select array_agg(e.id) into v_ids from public.endpoints e
    where e.auth ->> 'kind' = 'mtls' and e.deleted_at is null and e.state <> 'disabled'
      and app.certificate_warning((e.auth ->> 'expires_at')::timestamptz, v_now) < coalesce(e.certificate_days, 31);
  if v_ids is null then return; end if;
  perform from public.endpoints e where e.id = any (v_ids) order by e.id for no key update;
  with warned as (
    update public.endpoints e set certificate_days = app.certificate_warning((e.auth ->> 'expires_at')::timestamptz, v_now)
    where e.id = any (v_ids) and e.auth ->> 'kind' = 'mtls' and e.deleted_at is null and e.state <> 'disabled'
      and app.certificate_warning((e.auth ->> 'expires_at')::timestamptz, v_now) < coalesce(e.certificate_days, 31)
    returning app.endpoint_fact('endpoint.certificate_ending', new, old) as fact)
  select coalesce(jsonb_agg(w.fact), '[]') into v_facts from warned w;
  return query select t.nudge from app.tell_tenants(v_facts) as t(nudge);
end $$;

-- Who keeps the entered tenant's endpoints: the couple, or the owners and admins of a business. For reactions.
create function app.keepers() returns table (person_id uuid, name text, email text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  return query
    select p.person_id, coalesce(nullif(m.name, ''), nullif(p.name, ''), split_part(p.email, '@', 1)), p.email::text
    from public.memberships m join public.persons p using (person_id)
    where m.wedding_id = app.tenant() and m.removed_at is null and m.role <> 'helper' and p.email is not null
    union all
    select p.person_id, coalesce(nullif(m.name, ''), nullif(p.name, ''), split_part(p.email, '@', 1)), p.email::text
    from public.supplier_members m join public.persons p using (person_id)
    where m.supplier_id = app.tenant() and m.removed_at is null and m.role in ('owner', 'admin') and p.email is not null;
end $$;

grant execute on function app.mind_failing(), app.mind_certificates() to wedsync_service;
grant execute on function app.keepers() to wedsync_user;
reset role;
