-- Tests of endpoints: a made-up example on the way that real events take, through lanes, restraint and the log, and recorded in no stream.

set role wedsync_recorder;
-- Owes one endpoint of the entered tenant an example, in live form and marked by its maker. What became of the asking: owed, inactive (the endpoint
-- wants nothing now) or many (30 of the last minute are enough). Nobody wants a test any more after ten minutes.
create function app.send_test(p_endpoint uuid, p_delivery uuid, p_event jsonb) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_tenant uuid := app.tenant();
  v_state text;
begin
  select e.state into v_state from public.endpoints e where e.id = p_endpoint and e.tenant_id = v_tenant and e.deleted_at is null;
  if not found or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  if v_state <> 'active' then return 'inactive'; end if;
  if (select count(*) from public.deliveries d
    where d.tenant_id = v_tenant and d.made_at > v_at - interval '1 minute' and d.destination_id = p_endpoint and d.is_test) >= 30 then
    return 'many';
  end if;
  perform app.ask_again(p_endpoint);
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, lane, expires_at, is_test)
    values (p_delivery, v_at, v_tenant, 'webhook', p_endpoint, p_event ->> 'type', 1, v_at + interval '10 minutes', true);
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, args, expires_at)
    values (p_delivery, 'delivery', 'webhook', 1, v_tenant, p_endpoint, v_at, p_event, v_at + interval '10 minutes');
  return 'owed';
end $$;
grant execute on function app.send_test(uuid, uuid, jsonb) to wedsync_user;
reset role;
