-- What people do with single deliveries that have not ended: those that wait for a person are released, and what waits at all can be cancelled.
-- Only of what goes to endpoints of the entered tenant: mails to its people, or to others about it, are not a single keeper's to stop.
set role wedsync_recorder;

-- Parked ones whose destination takes deliveries: ready again, with all their tries before them. Where the destination itself is parked, resuming
-- it brings them back. Returns how many.
create function app.unpark(p_deliveries uuid[]) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_jobs uuid[];
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform from public.destinations d where d.id in (select j.destination_id from public.jobs j where j.id = any (p_deliveries))
    and d.tenant_id = app.tenant() order by d.id for no key update;
  v_jobs := array(select j.id from public.jobs j
    join public.destinations d on d.id = j.destination_id and d.tenant_id = app.tenant() and d.state = 'active'
    join public.endpoints e on e.id = d.id
    join public.deliveries w on w.id = j.id and w.made_at = j.made_at and w.state = 'parked'
    where j.id = any (p_deliveries) and j.tenant_id = app.tenant() and j.kind = 'delivery' and j.lease_token is null order by j.id for update of j);
  update public.jobs j set run_at = clock_timestamp(), attempt = 0 where j.id = any (v_jobs);
  update public.deliveries d set state = 'pending', reason = '' from public.jobs j
    where j.id = any (v_jobs) and d.id = j.id and d.made_at = j.made_at;
  return cardinality(v_jobs);
end $$;

-- Waiting ones that nobody wants any more: never what is on the wire. Who did it stands in the ledger. Returns how many.
create function app.cancel(p_deliveries uuid[]) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_jobs uuid[];
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform from public.destinations d where d.id in (select j.destination_id from public.jobs j where j.id = any (p_deliveries))
    and d.tenant_id = app.tenant() order by d.id for no key update;
  v_jobs := array(select j.id from public.jobs j join public.endpoints e on e.id = j.destination_id and e.tenant_id = app.tenant()
    where j.id = any (p_deliveries) and j.tenant_id = app.tenant() and j.kind = 'delivery' and j.lease_token is null order by j.id for update of j);
  perform app.end_jobs(v_jobs, 'cancelled', 'cancelled by hand');
  return cardinality(v_jobs);
end $$;

-- How many of its order wait for one delivery of the entered tenant to end; counted no further than 1000.
create function app.waiting_behind(p_delivery uuid) returns integer
language sql stable security definer set search_path = '' as $$
  select count(*)::integer from (
    select from public.jobs b join public.jobs j on j.destination_id = b.destination_id and j.order_key = b.order_key and j.name = b.name
      and j.order_seq > b.order_seq
    where b.id = p_delivery and b.tenant_id = app.tenant() and app.mask() & 512 <> 0 and b.order_key is not null limit 1000) w;
$$;

grant execute on function app.unpark(uuid[]), app.cancel(uuid[]), app.waiting_behind(uuid) to wedsync_user;
reset role;
