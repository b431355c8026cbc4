-- Who operates the platform. By hand alone, with the owner's address: no door that answers requests can make an operator of anybody.
set role wedsync_recorder;
-- Makes an operator of whoever signs in by this address, or no longer. Null: nobody does, or nothing changed. It is kept among the events of
-- security, where the person reads it too. The last operator stays: alerts and overrides would reach nobody.
create function app.operate(p_email text, p_is boolean, p_by text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_person uuid;
begin
  perform pg_advisory_xact_lock(hashtext('app.operate'));
  if not p_is and (select count(*) from app.operators() o where lower(o.email) <> lower(p_email)) = 0
      and exists (select from app.operators() o where lower(o.email) = lower(p_email)) then
    raise exception 'the last operator stays' using errcode = 'WS409', hint = 'Add another one first: wedsync operator add.';
  end if;
  update public.persons p set is_operator = p_is where p.email = lower(p_email) and p.is_operator <> p_is returning p.person_id into v_person;
  if v_person is not null then
    insert into public.security_events (kind, tenant_id, actor_id, detail)
    values (case when p_is then 'operator.added' else 'operator.removed' end, v_person, null, jsonb_build_object('by', left(p_by, 100)));
  end if;
  return v_person;
end $$;

-- Whether somebody signs in by this address.
create function app.is_known(p_email text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.persons p where p.email = lower(p_email));
$$;

-- The operators, and when each was here last.
create function app.operators_seen() returns table (person_id uuid, name text, email text, seen_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select o.person_id, o.name, o.email,
    (select max(s.last_seen_at) from public.sessions s where s.person_id = o.person_id)
  from app.operators() o order by o.email;
$$;
grant execute on function app.operate(text, boolean, text), app.is_known(text), app.operators_seen() to wedsync_owner;
reset role;
