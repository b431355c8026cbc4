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
  add column warned_hours smallint not null default 0;
comment on column public.endpoints.failing_since is 'Nothing has succeeded since then, as its owners were told; null = they were not, or it is well again';
comment on column public.endpoints.warned_hours is 'The last warning: 1, 24, 72 or 96 hours after failing_since';
create index endpoints_failing on public.endpoints (failing_since) where failing_since is not null;
reset role;

set role wedsync_recorder;
-- The hours of the last warning that is due after so long.
create function app.warning_after(p_ill interval) returns integer
language sql immutable set search_path = ''
  return case when p_ill >= interval '96 hours' then 96 when p_ill >= interval '72 hours' then 72 when p_ill >= interval '24 hours' then 24
    when p_ill >= interval '1 hour' then 1 else 0 end;

-- Facts of endpoints of many tenants, each in its own stream, in one order; returns the nudges.
create function app.tell_tenants(p_facts jsonb) returns setof text
language plpgsql volatile set search_path = '' as $$
declare
  t record;
begin
  for t in select (f.x ->> 'tenant')::uuid as tenant_id, jsonb_agg(f.x - 'tenant') as facts from jsonb_array_elements(p_facts) as f(x) group by 1 order by 1 loop
    perform app.settle(null, 'system', t.tenant_id, 'system', 0, 0);
    return next app.record(t.facts);
  end loop;
  perform app.settle(null, 'anonymous', null, 'none', 0, 0);
end $$;

-- Called by the clock. Endpoints are locked before destinations, and streams last, as everywhere.
create function app.mind_failing() returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
  v_now timestamptz := app.now();
  v_ids uuid[];
  v_reasons text[];
begin
  with ill as materialized (
    select d.id, d.failing_since, d.failed_times, app.warning_after(v_now - d.failing_since) as hours from public.destinations d
    where d.failing_since is not null and d.state = 'active' and d.failed_times >= 3),
  warned as (
    update public.endpoints e set failing_since = i.failing_since, warned_hours = i.hours from ill i
    where e.id = i.id and e.state = 'active' and e.deleted_at is null and i.hours > e.warned_hours
    returning new.tenant_id, 'endpoint.failing' as type, new.id, to_jsonb(new) as record, to_jsonb(old) as old_record),
  mended as (
    update public.endpoints e set failing_since = null, warned_hours = 0
    where e.failing_since is not null and e.state = 'active' and not exists (select from public.destinations d where d.id = e.id and d.failing_since is not null)
    returning new.tenant_id, 'endpoint.changed' as type, new.id, to_jsonb(new) as record, to_jsonb(old) as old_record),
  changed as (select w.tenant_id, w.type, w.id, w.record, w.old_record from warned w
    union all select m.tenant_id, m.type, m.id, m.record, m.old_record from mended m)
  select jsonb_agg(jsonb_build_object('tenant', c.tenant_id, 'type', c.type, 'scope', 512, 'table', 'endpoints', 'id', c.id, 'op', 'UPDATE',
    'record', c.record - '{secret_sealed,old_secrets,credentials_sealed}'::text[], 'old', c.old_record - '{secret_sealed,old_secrets,credentials_sealed}'::text[])) into v_facts from changed c;
  if v_facts is not null then return query select t.nudge from app.tell_tenants(v_facts) as t(nudge); end if;
  select array_agg(d.id order by d.id), array_agg(format('nothing was delivered since %s, in %s tries', to_char(d.failing_since at time zone 'UTC',
      'YYYY-MM-DD HH24:MI "UTC"'), d.failed_times) order by d.id) into v_ids, v_reasons
    from public.destinations d
    where d.failing_since <= v_now - interval '5 days' and d.state = 'active' and d.failed_times >= 20 and d.failed_at - d.failing_since >= interval '12 hours';
  if v_ids is not null then return query select p.nudge from app.park(v_ids, v_reasons) as p(nudge); end if;
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

grant execute on function app.mind_failing() to wedsync_service;
grant execute on function app.keepers() to wedsync_user;
reset role;
