-- Arrivals: sessions and keys looked up, signing in, new weddings and suppliers, invitations and requests taken up, the public site.
-- Definer functions of wedsync_recorder, because whoever arrives has no tenant yet.
set role wedsync_recorder;

create function app.session(p_hash bytea)
returns table (person_id uuid, session_id uuid, name text, email text, is_operator boolean, kind text, expires_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select p.person_id, s.id, p.name, p.email, p.is_operator, s.kind, s.expires_at
  from public.sessions s join public.persons p using (person_id)
  where s.token_hash = p_hash and s.ended_at is null and s.expires_at > clock_timestamp();
$$;

create function app.session_of(p_sid uuid)
returns table (person_id uuid, session_id uuid, name text, email text, is_operator boolean, kind text, expires_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select p.person_id, s.id, p.name, p.email, p.is_operator, s.kind, s.expires_at
  from public.sessions s join public.persons p using (person_id)
  where s.id = p_sid and s.ended_at is null and s.expires_at > clock_timestamp();
$$;

create function app.session_alive(p_sid uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.sessions s where s.id = p_sid and s.ended_at is null and s.expires_at > clock_timestamp());
$$;

create function app.api_key(p_hash bytea) returns table (key_id uuid, person_id uuid, tenant_id uuid, name text, email text, is_operator boolean)
language sql volatile security definer set search_path = '' as $$
  update public.api_keys k set last_used_at = clock_timestamp()
  from public.persons p
  where k.token_hash = p_hash and k.revoked_at is null and p.person_id = k.person_id
  returning k.id, p.person_id, k.tenant_id, p.name, p.email, p.is_operator;
$$;

-- Weddings and suppliers a person is part of: what the first page after sign-in shows.
create function app.places(p_person uuid)
returns table (kind text, id uuid, name text, role text, "on" date, date_status text, time_zone text)
language sql stable security definer set search_path = '' as $$
  select 'wedding', w.wedding_id, w.couple_names, m.role, w."on", w.date_status, w.time_zone
  from public.memberships m join public.weddings w using (wedding_id)
  where m.person_id = p_person and m.removed_at is null
  union all
  select 'supplier', s.supplier_id, s.name, m.role, null, null, s.time_zone
  from public.supplier_members m join public.suppliers s using (supplier_id)
  where m.person_id = p_person and m.removed_at is null
  order by 1 desc, 5 nulls last, 3;
$$;

create function app.person_for(p_email text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v uuid;
begin
  insert into public.persons (email) values (lower(p_email)) on conflict (email) where email is not null do nothing returning person_id into v;
  if v is null then
    select person_id into v from public.persons where email = lower(p_email);
  else
    insert into public.streams (id, kind) values (v, 'person');
  end if;
  return v;
end $$;

-- A sign-in pass: the mail is a delivery with a sealed payload, so the link is in no event, log or other table.
create function app.request_sign_in(p_person uuid, p_hash bytea, p_minutes integer, p_delivery uuid, p_sealed bytea) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
begin
  insert into public.sign_ins (person_id, token_hash, expires_at) values (p_person, p_hash, v_at + make_interval(mins => p_minutes));
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, p_person, 'mail', '00000000-0000-7000-8000-000000000001', 'session.requested', 'person', p_person, p_sealed, 0,
      v_at + make_interval(mins => p_minutes));
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'mail', 0, p_person, '00000000-0000-7000-8000-000000000001', v_at, v_at + make_interval(mins => p_minutes));
end $$;

-- A pass that may be used again is the demo's: its page need not wait for a press.
create function app.is_reusable_sign_in(p_hash bytea) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.sign_ins s where s.token_hash = p_hash and s.is_reusable and s.expires_at > clock_timestamp());
$$;

-- Redeem a sign-in pass once and open a session; null when it is unknown, used or late.
create function app.open_session(p_pass_hash bytea, p_session_hash bytea, p_days integer)
returns table (person_id uuid, session_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_person uuid;
begin
  update public.sign_ins set used_at = clock_timestamp()
    where token_hash = p_pass_hash and (used_at is null or is_reusable) and expires_at > clock_timestamp() returning sign_ins.person_id into v_person;
  if v_person is null then return; end if;
  return query insert into public.sessions (person_id, token_hash, expires_at)
    values (v_person, p_session_hash, clock_timestamp() + make_interval(days => p_days)) returning sessions.person_id, sessions.id;
end $$;

create function app.end_session(p_sid uuid) returns uuid
language sql volatile security definer set search_path = '' as $$
  update public.sessions set ended_at = clock_timestamp() where id = p_sid and ended_at is null returning person_id;
$$;

-- New tenants. The creator becomes couple, or owner; the caller then enters and records.
create function app.create_wedding(p_person uuid, p_wedding uuid, p_names text, p_zone text, p_country text, p_currency text, p_role text default 'couple')
returns uuid language plpgsql volatile security definer set search_path = '' as $$
declare
  v_member uuid;
begin
  insert into public.streams (id, kind) values (p_wedding, 'wedding');
  insert into public.weddings (wedding_id, couple_names, time_zone, country, currency) values (p_wedding, p_names, p_zone, p_country, p_currency);
  insert into public.memberships (wedding_id, person_id, role) values (p_wedding, p_person, p_role) returning id into v_member;
  return v_member;
end $$;

create function app.create_supplier(p_person uuid, p_supplier uuid, p_name text, p_category text, p_zone text)
returns uuid language plpgsql volatile security definer set search_path = '' as $$
declare
  v_member uuid;
begin
  insert into public.streams (id, kind) values (p_supplier, 'supplier');
  insert into public.suppliers (supplier_id, name, category, time_zone) values (p_supplier, p_name, p_category, p_zone);
  insert into public.supplier_members (supplier_id, person_id, role) values (p_supplier, p_person, 'owner') returning id into v_member;
  return v_member;
end $$;

-- The couple names a partner by e-mail or a helper by name: who acts must be couple of the entered wedding.
create function app.add_member(p_email text, p_name text, p_role text) returns table (membership_id uuid, person_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_person uuid;
begin
  if app.role() <> 'couple' or p_role not in ('partner', 'helper') then raise exception 'forbidden' using errcode = 'WS403'; end if;
  if p_email is not null and p_email <> '' then
    v_person := app.person_for(p_email);
  else
    insert into public.persons (name) values (p_name) returning persons.person_id into v_person;
    insert into public.streams (id, kind) values (v_person, 'person');
  end if;
  return query insert into public.memberships (wedding_id, person_id, role, name) values (app.tenant(), v_person, p_role, p_name)
    on conflict (wedding_id, person_id) do update set removed_at = null, role = case when memberships.role = 'couple' then 'couple' else excluded.role end
    returning memberships.id, memberships.person_id;
end $$;

-- A business names a colleague by e-mail, or takes one back; no row where they are in it already. Who acts must be its owner, or its admin
-- where no owner is made.
create function app.add_colleague(p_email text, p_name text, p_role text) returns table (id uuid, record jsonb, old_record jsonb)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
begin
  if not (app.role() = 'owner' or (app.role() = 'admin' and p_role <> 'owner')) then raise exception 'forbidden' using errcode = 'WS403'; end if;
  return query insert into public.supplier_members as m (supplier_id, person_id, role, name)
    values (app.tenant(), app.person_for(p_email), p_role, p_name)
    on conflict (supplier_id, person_id) do update
      set removed_at = null, role = excluded.role, name = coalesce(nullif(excluded.name, ''), m.name) where m.removed_at is not null
    returning new.id, to_jsonb(new), case when old.id is null then null else to_jsonb(old) end;
end $$;

-- Names and addresses of the people of the entered business, for themselves.
create function app.colleagues() returns table (person_id uuid, name text, email text)
language sql stable security definer set search_path = '' as $$
  select p.person_id, coalesce(nullif(m.name, ''), nullif(p.name, ''), split_part(coalesce(p.email, ''), '@', 1)), coalesce(p.email, '')
  from public.supplier_members m join public.persons p using (person_id)
  where m.supplier_id = app.tenant() and m.removed_at is null and app.role() in ('owner', 'admin', 'member', 'system');
$$;

-- Whether a link is the entered business's own and not over: its portfolio follows a moment later.
create function app.owns_link(p_link uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.links l where l.id = p_link and l.supplier_id = app.tenant() and l.status in ('requested', 'active'));
$$;

-- Inside enter_pass: a helper's page is a session of its own, so that its socket can be told apart and cut. No row for a person with an e-mail:
-- who has none exists for this pass alone, anybody else's session would open more than the pass does. Nobody knows what its hash is of.
create function app.helper_session() returns table (person_id uuid, session_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
begin
  if app.role() <> 'helper' then return; end if;
  perform from public.persons p where p.person_id = app.actor() and p.email is null;
  if not found then return; end if;
  -- In read-only mode the page is shown all the same, and goes on hearing of news where it did before.
  if current_setting('transaction_read_only') = 'on' then
    return query select s.person_id, s.id from public.sessions s
      where s.person_id = app.actor() and s.kind = 'helper' and s.ended_at is null and s.expires_at > clock_timestamp() order by s.id limit 1;
    return;
  end if;
  return query update public.sessions s set last_seen_at = clock_timestamp()
    where s.person_id = app.actor() and s.kind = 'helper' and s.ended_at is null and s.expires_at > clock_timestamp() returning s.person_id, s.id;
  if found then return; end if;
  return query insert into public.sessions (person_id, token_hash, kind, expires_at)
    values (app.actor(), sha256(uuid_send(gen_random_uuid())), 'helper', clock_timestamp() + interval '30 days')
    returning sessions.person_id, sessions.id;
end $$;

-- When the helpers of the entered wedding last looked at their pages, for its couple.
create function app.helpers_seen() returns table (membership_id uuid, at timestamptz)
language sql stable security definer set search_path = '' as $$
  select m.id, max(s.last_seen_at) from public.memberships m join public.sessions s on s.person_id = m.person_id and s.kind = 'helper'
  where m.wedding_id = app.tenant() and m.role = 'helper' and app.role() = 'couple' group by m.id;
$$;

-- A helper's old link ends, by the couple or with the day, and with it what it opened: one event in the helper's own stream cuts the sockets. Returns the nudges.
create function app.end_helper_sessions(p_membership uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_person uuid;
  v_wedding uuid := app.tenant();
  v_actor uuid := app.actor();
  v_kind text := app.actor_kind();
  v_own uuid := app.membership();
  v_role text := app.role();
  v_facts jsonb;
begin
  if v_role not in ('couple', 'system') then raise exception 'forbidden' using errcode = 'WS403'; end if;
  select m.person_id into v_person from public.memberships m where m.wedding_id = v_wedding and m.id = p_membership and m.role = 'helper';
  with ended as (
    update public.sessions s set ended_at = clock_timestamp() where s.person_id = v_person and s.kind = 'helper' and s.ended_at is null
    returning new.id, to_jsonb(new) - 'token_hash' - 'last_seen_at' as record, to_jsonb(old) - 'token_hash' - 'last_seen_at' as old_record)
  select jsonb_agg(jsonb_build_object('type', 'session.ended', 'scope', 512, 'table', 'sessions', 'id', e.id, 'op', 'UPDATE', 'record', e.record,
    'old', e.old_record)) into v_facts from ended e;
  if v_facts is null then return; end if;
  perform app.settle(v_actor, v_kind, v_person, 'self', 2047, 2047);
  return next app.record(v_facts);
  perform app.settle(v_actor, v_kind, v_wedding, v_role, 2047, 2047, null, v_own);
end $$;

-- A supplier takes up an invitation addressed to one of its owners' or admins' e-mail addresses.
create function app.invitations(p_person uuid)
returns table (link_id uuid, wedding_id uuid, couple_names text, "on" date, supplier_name text, category text, level text)
language sql stable security definer set search_path = '' as $$
  select l.id, l.wedding_id, w.couple_names, w."on", l.supplier_name, l.category, l.level
  from public.persons p join public.links l on l.invited_email = p.email join public.weddings w on w.wedding_id = l.wedding_id
  where p.person_id = p_person and l.status = 'invited' and l.invited_by = 'couple' order by w."on" nulls last, l.id;
$$;

create function app.enter_invitation(p_person uuid, p_link uuid, p_supplier uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  l record;
begin
  select x.* into l from public.links x join public.persons p on p.person_id = p_person and p.email = x.invited_email
    where x.id = p_link and x.status = 'invited' and x.invited_by = 'couple' for update of x;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform from public.supplier_members m where m.supplier_id = p_supplier and m.person_id = p_person and m.role in ('owner', 'admin') and m.removed_at is null;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(p_person, 'person', l.wedding_id, 'supplier', 1, 0, l.id);
end $$;

-- Inside enter_invitation: the supplier answers. The level was set by the couple and stays what it was.
create function app.answer_invitation(p_supplier uuid, p_accept boolean) returns setof public.links
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform from public.supplier_members m where m.supplier_id = p_supplier and m.person_id = app.actor() and m.role in ('owner', 'admin') and m.removed_at is null;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  return query update public.links set supplier_id = p_supplier, status = case when p_accept then 'active' else 'declined' end
    where wedding_id = app.tenant() and id = app.link() and status = 'invited' and invited_by = 'couple' returning *;
end $$;

-- A supplier asks to be linked to a wedding whose couple's e-mail it knows; says the same whether or not there is one.
create function app.enter_request(p_person uuid, p_supplier uuid, p_couple_email text) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  v record;
begin
  perform from public.supplier_members m where m.supplier_id = p_supplier and m.person_id = p_person and m.role in ('owner', 'admin') and m.removed_at is null;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  select m.wedding_id into v from public.persons p join public.memberships m on m.person_id = p.person_id
    join public.weddings w on w.wedding_id = m.wedding_id
    where p.email = lower(p_couple_email) and m.role in ('couple', 'partner') and m.removed_at is null
    order by w."on" nulls last limit 1;
  if not found then return false; end if;
  perform app.settle(p_person, 'person', v.wedding_id, 'requesting', 0, 0);
  return true;
end $$;

create function app.request_link(p_supplier uuid) returns setof public.links
language plpgsql volatile security definer set search_path = '' as $$
declare
  v uuid := uuidv7();
begin
  if app.role() <> 'requesting' then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(app.actor(), 'person', app.tenant(), 'requesting', 0, 0, v);
  return query insert into public.links (id, wedding_id, supplier_id, supplier_name, category, status, invited_by)
    select v, app.tenant(), s.supplier_id, s.name, s.category, 'requested', 'supplier' from public.suppliers s
    join public.supplier_members m on m.supplier_id = s.supplier_id and m.person_id = app.actor() and m.role in ('owner', 'admin')
    where s.supplier_id = p_supplier
    on conflict do nothing returning *;
end $$;

-- Names and addresses of the people of the entered wedding, for its couple: members, and who works for a linked supplier.
create function app.people_of(p_wedding uuid) returns table (person_id uuid, name text, email text)
language sql stable security definer set search_path = '' as $$
  select p.person_id, coalesce(nullif(p.name, ''), split_part(coalesce(p.email, ''), '@', 1)), coalesce(p.email, '')
  from public.persons p
  where p_wedding = app.tenant() and app.mask() & 512 <> 0 and p.person_id in (
    select m.person_id from public.memberships m where m.wedding_id = p_wedding
    union
    select sm.person_id from public.supplier_members sm join public.links l on l.supplier_id = sm.supplier_id where l.wedding_id = p_wedding);
$$;

-- The public website by slug: nothing but what the couple published.
create function app.site(p_slug text) returns table (wedding_id uuid, welcome text, snapshot jsonb, version integer)
language sql stable security definer set search_path = '' as $$
  select s.wedding_id, s.welcome, s.snapshot, s.version from public.sites s where s.slug = p_slug and s.is_published;
$$;

do $$
declare
  f text;
begin
  foreach f in array array['session(bytea)', 'session_of(uuid)', 'session_alive(uuid)', 'api_key(bytea)', 'places(uuid)', 'person_for(text)',
    'request_sign_in(uuid, bytea, integer, uuid, bytea)', 'open_session(bytea, bytea, integer)', 'is_reusable_sign_in(bytea)', 'end_session(uuid)',
    'create_wedding(uuid, uuid, text, text, text, text, text)', 'create_supplier(uuid, uuid, text, text, text)',
    'add_member(text, text, text)', 'add_colleague(text, text, text)', 'colleagues()', 'owns_link(uuid)', 'helper_session()', 'helpers_seen()',
    'end_helper_sessions(uuid)', 'invitations(uuid)', 'enter_invitation(uuid, uuid, uuid)',
    'answer_invitation(uuid, boolean)', 'enter_request(uuid, uuid, text)', 'people_of(uuid)', 'request_link(uuid)',
    'site(text)'] loop
    execute format('grant execute on function app.%s to wedsync_user', f);
  end loop;
end $$;
grant execute on function app.session_alive(uuid) to wedsync_reader;
reset role;

-- For whoever holds the owner's address (the demo, `wedsync token`): sessions without a mail. Never granted to a door.
set role wedsync_recorder;
create function app.issue_session(p_person uuid, p_hash bytea, p_days integer) returns uuid
language sql volatile security definer set search_path = '' as $$
  insert into public.sessions (person_id, token_hash, kind, expires_at)
  values (p_person, p_hash, 'demo', clock_timestamp() + make_interval(days => p_days)) returning id;
$$;
create function app.issue_sign_in(p_person uuid, p_hash bytea, p_days integer) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.sign_ins (person_id, token_hash, expires_at, is_reusable)
  values (p_person, p_hash, clock_timestamp() + make_interval(days => p_days), true);
$$;
create function app.make_operator(p_person uuid) returns void
language sql volatile security definer set search_path = '' as $$
  update public.persons set is_operator = true where person_id = p_person;
$$;
create function app.name_person(p_person uuid, p_name text) returns void
language sql volatile security definer set search_path = '' as $$
  update public.persons set name = p_name where person_id = p_person;
$$;
grant execute on function app.issue_session(uuid, bytea, integer), app.issue_sign_in(uuid, bytea, integer), app.make_operator(uuid),
  app.name_person(uuid, text) to wedsync_owner;
reset role;
