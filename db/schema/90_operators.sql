-- Who operates the platform. By hand alone, with the owner's address: no door that answers requests can make an operator of anybody.
set role wedsync_recorder;
-- Makes an operator of whoever signs in by this address, or no longer. unknown: nobody does; last: the last operator stays, for alerts and overrides
-- would reach nobody; same: it was so already. What changed is kept among the events of security, where the person reads it too.
create function app.operate(p_email text, p_is boolean, p_by text) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v record;
begin
  perform pg_advisory_xact_lock(hashtext('app.operate'));
  select p.person_id, p.is_operator into v from public.persons p where p.email = lower(p_email);
  if not found then return 'unknown'; end if;
  if v.is_operator = p_is then return 'same'; end if;
  if not p_is and not exists (select from app.operators() o where o.person_id <> v.person_id) then return 'last'; end if;
  update public.persons p set is_operator = p_is where p.person_id = v.person_id;
  insert into public.security_events (kind, tenant_id, detail)
    values (case when p_is then 'operator.added' else 'operator.removed' end, v.person_id, jsonb_build_object('by', left(p_by, 100)));
  return 'changed';
end $$;

-- The operators, and when each was here last.
create function app.operators_seen() returns table (person_id uuid, name text, email text, seen_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select o.person_id, o.name, o.email,
    (select max(s.last_seen_at) from public.sessions s where s.person_id = o.person_id)
  from app.operators() o order by o.email;
$$;
grant execute on function app.operate(text, boolean, text), app.operators_seen() to wedsync_owner;
reset role;
