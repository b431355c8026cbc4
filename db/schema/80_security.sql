-- Security: who looked at what and what was refused, written a few seconds later by every process, read by whom it concerns, and dropped by age.
set role wedsync_owner;
create policy gate on public.security_events as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.security_events for select to wedsync_user using (
  (select app.role()) in ('couple', 'owner', 'self'));
grant select on public.security_events to wedsync_user;
create index security_events_tenant on public.security_events (tenant_id, at desc, id);
create index security_events_at on public.security_events (at desc);
reset role;

set role wedsync_recorder;
-- Whose tenant a refusal concerns. The place was asked for by whoever was refused, so it may be anything; null where there is no such thing.
create function app.place_of(p_place text, p_name text) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  if p_place is null or p_name is null then return null;
  elsif p_place = 'tenant' then return (select s.id from public.streams s where s.id = p_name::uuid);
  elsif p_place = 'pass' then return (select p.wedding_id from public.passes p where p.token_hash = decode(p_name, 'hex'));
  elsif p_place = 'sign_in' then return (select s.person_id from public.sign_ins s where s.token_hash = decode(p_name, 'hex'));
  end if;
  return app.locate(p_place, p_name::uuid);
end $$;

-- What a process counted since it wrote last. Rows are taken in one order by everybody, so two processes never wait for each other in a ring.
-- A refusal at an id that nothing has is a slip of the finger, and no security event.
create function app.keep_watch(p_reads jsonb, p_notes jsonb) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.access_log as a (tenant_id, link_id, scope, source, slot, times)
    select r.tenant, r.link, 1 << b.bit, r.source, date_bin('5 minutes', clock_timestamp(), '2026-01-01'), sum(r.times)::integer
    from jsonb_to_recordset(p_reads) as r(tenant uuid, link uuid, scopes integer, source text, times integer)
    cross join generate_series(0, 10) as b(bit)
    where r.scopes & (1 << b.bit) <> 0
    group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
  on conflict (tenant_id, link_id, scope, source, slot) do update set times = a.times + excluded.times, last_at = clock_timestamp();
  insert into public.security_events (at, kind, tenant_id, actor_id, address, detail)
    select n.at, n.kind, n.tenant_id, n.actor, n.address, n.detail
    from (select r.at, r.kind, app.place_of(r.place, r.name) as tenant_id, r.actor, left(r.address, 60) as address, r.detail, r.place
      from jsonb_to_recordset(p_notes) as r(at timestamptz, kind text, actor uuid, address text, place text, name text, detail jsonb)) n
    where n.kind <> 'access.refused' or n.tenant_id is not null;
$$;

-- For the operator: newest first, filtered. Of tenants only the id.
create function app.security_log(p_since timestamptz, p_kind text, p_address text, p_limit integer)
returns table (at timestamptz, kind text, tenant_id uuid, actor_id uuid, address text, detail jsonb)
language sql stable security definer set search_path = '' as $$
  select e.at, e.kind, e.tenant_id, e.actor_id, e.address, e.detail from public.security_events e
  where e.at >= p_since and (p_kind is null or e.kind like p_kind) and (p_address is null or e.address = p_address)
  order by e.at desc, e.id limit p_limit;
$$;

grant execute on function app.keep_watch(jsonb, jsonb) to wedsync_user, wedsync_reader, wedsync_service;
grant execute on function app.security_log(timestamptz, text, text, integer) to wedsync_service;
reset role;
