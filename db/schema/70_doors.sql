-- Doors: how a transaction becomes one actor in one tenant. Definer functions of wedsync_recorder; absent and foreign refuse alike.
-- SQLSTATE WS404 = no such thing for you, WS410 = the pass was good once, WS401 = not signed in.
set role wedsync_recorder;

-- One expression without a query: PL/pgSQL computes it in place.
create function app.settle(p_actor uuid, p_kind text, p_tenant uuid, p_role text, p_mask integer, p_write_mask integer,
  p_link uuid default null, p_membership uuid default null, p_party uuid default null) returns text
language plpgsql volatile set search_path = '' as $$
begin
  return concat(set_config('app.actor', coalesce(p_actor::text, ''), true), set_config('app.actor_kind', p_kind, true),
    set_config('app.tenant', p_tenant::text, true), set_config('app.role', p_role, true),
    set_config('app.mask', p_mask::text, true), set_config('app.write_mask', p_write_mask::text, true),
    set_config('app.link', coalesce(p_link::text, ''), true), set_config('app.membership', coalesce(p_membership::text, ''), true),
    set_config('app.party', coalesce(p_party::text, ''), true));
end $$;

-- What an actor is in a tenant: the one place where permission begins. No role = nothing.
create type app.rights as (kind text, role text, mask integer, write_mask integer, link_id uuid, membership_id uuid);
create function app.standing_of(p_person uuid, p_tenant uuid) returns app.rights
language plpgsql stable set search_path = '' as $$
declare
  v app.rights;
begin
  select s.kind, case when m.role = 'helper' then 'helper' when m.id is not null then 'couple' end,
      case when m.role = 'helper' then 3 else 2047 end, case when m.role = 'helper' then 0 else 2047 end, m.id
    into v.kind, v.role, v.mask, v.write_mask, v.membership_id
    from public.streams s
    left join public.memberships m on s.kind = 'wedding' and m.wedding_id = s.id and m.person_id = p_person and m.removed_at is null
    where s.id = p_tenant;
  if v.kind = 'wedding' and v.role is null then
    select 'supplier', l.mask, case when l.can_edit_timeline then 2 else 0 end, l.id into v.role, v.mask, v.write_mask, v.link_id
      from public.supplier_members sm
      join public.links l on l.supplier_id = sm.supplier_id and l.wedding_id = p_tenant and l.status = 'active'
      where sm.person_id = p_person and sm.removed_at is null
        and (sm.role in ('owner', 'admin') or exists (select from public.assignments a
          where a.supplier_id = sm.supplier_id and a.member_id = sm.id and a.link_id = l.id))
      order by l.mask desc, l.id limit 1;
  elsif v.kind = 'supplier' then
    select m.role, case when m.role = 'member' then 1 else 2047 end, case when m.role = 'member' then 0 else 2047 end, m.id
      into v.role, v.mask, v.write_mask, v.membership_id
      from public.supplier_members m
      where m.supplier_id = p_tenant and m.person_id = p_person and m.removed_at is null;
  elsif v.kind = 'person' and p_person = p_tenant then
    v.role := 'self';
  elsif v.kind = 'platform' then
    select 'operator', 1, 0 into v.role, v.mask, v.write_mask from public.persons p where p.person_id = p_person and p.is_operator;
  end if;
  return v;
end $$;

-- The same as a row; none for nothing.
create function app.standing(p_person uuid, p_tenant uuid)
returns table (kind text, role text, mask integer, write_mask integer, link_id uuid, membership_id uuid)
language sql stable security definer set search_path = '' as $$
  select s.kind, s.role, s.mask, s.write_mask, s.link_id, s.membership_id from app.standing_of(p_person, p_tenant) s where s.role is not null;
$$;

-- Enter one tenant as one person. Who enters through a link is told by a message beside the answer, so that kit.db counts what it reads
-- without asking; `see as` is no supplier's look and is not told. p_only narrows an API key to its tenant. p_kind is person or key.
create function app.enter(p_person uuid, p_tenant uuid, p_kind text default 'person', p_only uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  s app.rights;
  v_settled text;
begin
  if p_only is not null and p_only <> p_tenant and p_only <> p_person then
    raise exception 'not found' using errcode = 'WS404';
  end if;
  s := app.standing_of(p_person, p_tenant);
  if s.role is null then raise exception 'not found' using errcode = 'WS404'; end if;
  v_settled := app.settle(p_person, p_kind, p_tenant, s.role, s.mask, s.write_mask, s.link_id, s.membership_id);
  if p_kind = 'key' then perform app.meter(p_tenant, s.kind, s.link_id); end if;
  if s.link_id is not null then raise info 'entered % % %', p_tenant, s.link_id, s.mask; end if;
end $$;

-- What is told through a link by a function that enters no wedding, such as what a business hears of all of its own: said beside the answer, so
-- that kit.db counts it like a look. True, so that it can stand in a condition; its own rows (scopes that the link does not hold) are no look.
create function app.tell_read(p_wedding uuid, p_link uuid, p_scopes integer) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  if p_link is not null and p_scopes <> 0 then raise info 'read % % %', p_wedding, p_link, p_scopes; end if;
  return true;
end $$;

-- The tenant of a flat path's id; null where there is none.
create function app.locate(p_table text, p_id uuid) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  -- Written out, because a statement made from text would be planned anew on every flat path.
  if p_table = 'guests' then return (select t.wedding_id from public.guests t where t.id = p_id);
  elsif p_table = 'parties' then return (select t.wedding_id from public.parties t where t.id = p_id);
  elsif p_table = 'schedule_items' then return (select t.wedding_id from public.schedule_items t where t.id = p_id);
  elsif p_table = 'tasks' then return (select t.wedding_id from public.tasks t where t.id = p_id);
  elsif p_table = 'photo_deliveries' then return (select t.wedding_id from public.photo_deliveries t where t.id = p_id);
  elsif p_table = 'alerts' then return (select t.wedding_id from public.alerts t where t.id = p_id);
  elsif p_table = 'space_uses' then return (select t.wedding_id from public.space_uses t where t.id = p_id);
  elsif p_table = 'payments' then return (select t.wedding_id from public.payments t where t.id = p_id);
  elsif p_table = 'form_requests' then return (select t.wedding_id from public.form_requests t where t.id = p_id);
  elsif p_table = 'forms' then return (select t.supplier_id from public.forms t where t.id = p_id);
  elsif p_table = 'links' then return (select t.wedding_id from public.links t where t.id = p_id);
  elsif p_table = 'acknowledgements' then return (select t.wedding_id from public.acknowledgements t where t.id = p_id);
  elsif p_table = 'budget_lines' then return (select t.wedding_id from public.budget_lines t where t.id = p_id);
  elsif p_table = 'budget_payments' then return (select t.wedding_id from public.budget_payments t where t.id = p_id);
  elsif p_table = 'enrolments' then return (select t.wedding_id from public.enrolments t where t.id = p_id);
  elsif p_table = 'proposals' then return (select t.wedding_id from public.proposals t where t.id = p_id);
  elsif p_table = 'imports' then return (select t.wedding_id from public.imports t where t.id = p_id);
  elsif p_table = 'endpoints' then return (select t.tenant_id from public.endpoints t where t.id = p_id);
  elsif p_table = 'rules' then return (select t.tenant_id from public.rules t where t.id = p_id);
  elsif p_table = 'subscriptions' then return (select t.tenant_id from public.subscriptions t where t.id = p_id);
  elsif p_table = 'bookings' then return (select t.supplier_id from public.bookings t where t.id = p_id);
  elsif p_table = 'connections' then return (select t.tenant_id from public.connections t where t.id = p_id);
  elsif p_table = 'chats' then return (select t.tenant_id from public.chats t where t.id = p_id);
  elsif p_table = 'inbox_hooks' then return (select t.tenant_id from public.inbox_hooks t where t.id = p_id);
  elsif p_table = 'calendars' then return (select t.tenant_id from public.calendars t where t.id = p_id);
  elsif p_table = 'calendar_conflicts' then return (select t.tenant_id from public.calendar_conflicts t where t.id = p_id);
  elsif p_table = 'record_conflicts' then return (select t.tenant_id from public.record_conflicts t where t.id = p_id);
  elsif p_table = 'deliveries' then return (select t.tenant_id from public.deliveries t where t.id = p_id limit 1);
  end if;
  raise exception 'unknown kind %', p_table;
end $$;

create function app.enter_at(p_person uuid, p_table text, p_id uuid, p_kind text default 'person', p_only uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v uuid := app.locate(p_table, p_id);
begin
  if v is null then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.enter(p_person, v, p_kind, p_only);
end $$;

-- See as: the couple enters its own wedding exactly as one linked supplier, read only.
create function app.enter_as(p_person uuid, p_wedding uuid, p_link uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  l record;
begin
  perform from app.standing(p_person, p_wedding) s where s.role = 'couple';
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  select x.mask, x.id into l from public.links x where x.wedding_id = p_wedding and x.id = p_link and x.status in ('invited', 'requested', 'active');
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(p_person, 'person', p_wedding, 'supplier', l.mask, 0, l.id);
  -- Policies that go by the link or the role would let a look write.
  perform set_config('transaction_read_only', 'on', true);
end $$;

-- Enter by a pass. rsvp: one party. help: the helper's membership. ack: one link's acknowledgements. invite: one link's core, before it is taken up.
-- alarm: the schedule, as whoever was called for an alert, for a day and as long as they are of the wedding.
-- form: one form to answer, beside no more of core, schedule and counts than the supplier who asks sees itself.
create function app.enter_pass(p_purpose text, p_hash bytea) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  p record;
  v_person uuid;
begin
  if p_purpose = 'alarm' then
    select c.person_id, c.wedding_id, c.link_id, c.first_at into p from public.alert_calls c where c.token_hash = p_hash;
    if not found then raise exception 'not found' using errcode = 'WS404'; end if;
    perform from app.standing(p.person_id, p.wedding_id) s where s.mask & 2 <> 0;
    if not found or p.first_at < clock_timestamp() - interval '24 hours' then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(p.person_id, 'person', p.wedding_id, 'pass', 3, 0, p.link_id);
    return;
  end if;
  if p_purpose = 'form' then
    select r.wedding_id, r.link_id, r.state, r.pass_until, l.mask, l.status into p from public.form_requests r
      join public.links l on l.wedding_id = r.wedding_id and l.id = r.link_id where r.pass_hash = p_hash;
    if not found then raise exception 'not found' using errcode = 'WS404'; end if;
    if p.pass_until <= app.now() or p.status <> 'active' or p.state = 'withdrawn' then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(null, 'guest', p.wedding_id, 'form', p.mask & 11, 0, p.link_id);
    return;
  end if;
  select * into p from public.passes x where x.token_hash = p_hash and x.purpose = p_purpose;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  if p.revoked_at is not null or p.expires_at <= app.now() then raise exception 'gone' using errcode = 'WS410'; end if;
  if p.purpose = 'rsvp' then
    perform app.settle(p.party_id, 'guest', p.wedding_id, 'guest', 1, 0, null, null, p.party_id);
  elsif p.purpose = 'help' then
    select m.person_id into v_person from public.memberships m
      where m.wedding_id = p.wedding_id and m.id = p.membership_id and m.removed_at is null;
    if not found then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(v_person, 'person', p.wedding_id, 'helper', 3, 0, null, p.membership_id);
  elsif p.purpose = 'ack' then
    perform from public.links l where l.wedding_id = p.wedding_id and l.id = p.link_id and l.status = 'active';
    if not found then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(null, 'guest', p.wedding_id, 'pass', 1, 0, p.link_id);
    raise info 'entered % % %', p.wedding_id, p.link_id, 1;
  elsif p.purpose = 'invite' then
    -- A supplier that was named and has not answered yet: the core, as its link will see it.
    perform from public.links l where l.wedding_id = p.wedding_id and l.id = p.link_id and l.status = 'invited';
    if not found then raise exception 'gone' using errcode = 'WS410'; end if;
    perform app.settle(null, 'guest', p.wedding_id, 'pass', 1, 0, p.link_id);
    raise info 'entered % % %', p.wedding_id, p.link_id, 1;
  else
    raise exception 'not found' using errcode = 'WS404';
  end if;
end $$;

-- A leased job enters its tenant as the system: reactions and work of nouns run through the same actions as people.
create function app.enter_job(p_job uuid, p_lease uuid) returns void
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  j record;
begin
  select x.tenant_id, x.id into j from public.jobs x
    where x.id = p_job and x.lease_token is not distinct from p_lease and x.lease_until > clock_timestamp() and x.kind in ('reaction', 'work');
  if not found then raise exception 'lease lost' using errcode = 'WS409'; end if;
  perform app.settle(null, 'system', j.tenant_id, 'system', 2047, 2047);
end $$;

do $$
declare
  f text;
begin
  foreach f in array array['enter(uuid, uuid, text, uuid)', 'enter_at(uuid, text, uuid, text, uuid)', 'enter_as(uuid, uuid, uuid)',
    'enter_pass(text, bytea)', 'enter_job(uuid, uuid)', 'locate(text, uuid)'] loop
    execute format('grant execute on function app.%s to wedsync_user', f);
  end loop;
end $$;
reset role;

set role wedsync_owner;
grant execute on function app.tenant(), app.actor(), app.actor_kind(), app.role(), app.link(), app.membership(), app.party(), app.mask(),
  app.write_mask(), app.now(), app.bump() to wedsync_user, wedsync_recorder, wedsync_service, wedsync_reader;
grant execute on function app.moved_clock() to wedsync_user, wedsync_service;
reset role;
