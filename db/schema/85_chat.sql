-- Channels in chat programs: who hears what, what is owed to them, and how a pressed button finds its message.
set role wedsync_recorder;

-- The channels that may hear of a wedding now, each with what it may see: the couple's own everything, a supplier's what its link may.
create function app.chats_of(p_wedding uuid)
returns table (chat_id uuid, tenant_id uuid, connector text, link_id uuid, mask integer, since timestamptz, locale text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'chats_of is the system''s'; end if;
  return query
    select c.id, c.tenant_id, n.connector, c.link_id, case when c.link_id is null then 2047 else l.mask end, date_trunc('milliseconds', l.active_since),
      (select f.locale from public.preferences f where f.person_id = n.connected_by)
    from public.chats c
    join public.connections n on n.id = coalesce(c.posts_by, c.connection_id) and n.deleted_at is null and n.state in ('connecting', 'active', 'degraded', 'needs_reconnect')
    left join public.links l on l.wedding_id = c.wedding_id and l.id = c.link_id and l.status = 'active' and l.supplier_id = c.tenant_id
    where c.wedding_id = p_wedding and c.state in ('opening', 'active') and case when c.link_id is null then c.tenant_id = p_wedding else l.id is not null end
    order by c.id;
end $$;

-- What is owed to channels: [{id, chat, about, event_id, seq, type, link, sealed, expires_at}], each in its channel's order. About nothing: no message
-- is kept of it. Whoever is owed the same twice is owed it once.
create function app.owe_chats(p jsonb) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_made integer;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'owe_chats is the system''s'; end if;
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select distinct c.id, c.tenant_id, n.connector, 1, 50
    from jsonb_array_elements(p) as f(x) join public.chats c on c.id = (f.x ->> 'chat')::uuid join public.connections n on n.id = c.connection_id
    order by c.id
    on conflict (id) do nothing;
  insert into public.chat_messages (tenant_id, chat_id, about)
    select distinct c.tenant_id, c.id, f.x ->> 'about' from jsonb_array_elements(p) as f(x) join public.chats c on c.id = (f.x ->> 'chat')::uuid
    where f.x ->> 'about' <> '' order by 2, 3
    on conflict (chat_id, about) do nothing;
  with wanted as (
    select f.n, f.x, e.recorded_at as at, c.id as chat_id, d.connector
    from jsonb_array_elements(p) with ordinality as f(x, n)
    join public.events e on e.stream_id = app.tenant() and e.seq = (f.x ->> 'seq')::bigint and e.id = (f.x ->> 'event_id')::uuid
    join public.chats c on c.id = (f.x ->> 'chat')::uuid join public.destinations d on d.id = c.id),
  made as (
    insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, stream_id, seq, event_id, event_at, type, link_id, recipient_kind,
      recipient_id, sealed, lane, expires_at)
    select (w.x ->> 'id')::uuid, w.at, app.tenant(), w.connector, w.chat_id, app.tenant(), (w.x ->> 'seq')::bigint, (w.x ->> 'event_id')::uuid, w.at,
      w.x ->> 'type', (w.x ->> 'link')::uuid, 'address', w.chat_id, decode(w.x ->> 'sealed', 'hex'), coalesce((w.x ->> 'lane')::smallint, 1::smallint), clock_timestamp() + interval '2 days'
    from wanted w order by w.n
    on conflict (id, made_at) do nothing
    returning id, made_at, lane, connector, event_id, expires_at, destination_id)
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id, expires_at)
    select m.id, 'delivery', m.connector, m.lane, app.tenant(), m.destination_id, m.destination_id, nextval('public.chat_orders'), m.made_at, m.event_id,
      m.expires_at
    from made m
    on conflict (id) do nothing;
  get diagnostics v_made = row_count;
  return v_made;
end $$;

-- A channel as it is at the moment of sending, and whether it may hear of an event of this scope and link: the last look, for a link may have been
-- narrowed or ended since it was owed.
create function app.chat_now(p_chat uuid, p_scope integer, p_link uuid, p_membership uuid)
returns table (tenant_id uuid, connection_id uuid, wedding_id uuid, link_id uuid, connector text, posts_by uuid, poster text, state text, remote_id text,
  name text, is_private boolean, may_see boolean)
language sql stable security definer set search_path = '' as $$
  select c.tenant_id, c.connection_id, c.wedding_id, c.link_id, n.connector, c.posts_by, p.connector, c.state, c.remote_id, c.name, c.is_private,
    case when c.link_id is null then c.tenant_id = c.wedding_id
      else coalesce(l.status = 'active' and l.supplier_id = c.tenant_id and app.sees(l.mask, l.id, null, p_scope, p_link, p_membership), false) end
  from public.chats c join public.connections n on n.id = c.connection_id left join public.connections p on p.id = c.posts_by
  left join public.links l on l.wedding_id = c.wedding_id and l.id = c.link_id
  where c.id = p_chat;
$$;

-- Who is invited: the couple to their own channel; of a supplier its owners, admins and those who work at this wedding. Their own addresses only.
create function app.chat_people(p_chat uuid) returns table (email text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'chat_people is the system''s'; end if;
  return query
    select p.email from public.chats c
    join public.memberships m on c.link_id is null and m.wedding_id = c.wedding_id and m.removed_at is null and m.role <> 'helper'
    join public.persons p on p.person_id = m.person_id and p.email is not null
    where c.id = p_chat and c.tenant_id = app.tenant()
    union
    select p.email from public.chats c
    join public.supplier_members sm on c.link_id is not null and sm.supplier_id = c.tenant_id and sm.removed_at is null
    join public.persons p on p.person_id = sm.person_id and p.email is not null
    where c.id = p_chat and c.tenant_id = app.tenant() and (sm.role in ('owner', 'admin') or exists (select from public.assignments a
      where a.supplier_id = sm.supplier_id and a.member_id = sm.id and a.link_id = c.link_id))
    order by 1;
end $$;

-- Whose message a button is of, for the inbound door; the channel that the provider names must be the one it is in.
create function app.chat_of_button(p_connector text, p_message uuid, p_channel text) returns table (connection_id uuid, tenant_id uuid)
language sql stable security definer set search_path = '' as $$
  select c.connection_id, c.tenant_id from public.chat_messages m
  join public.chats c on c.id = m.chat_id and c.remote_id = p_channel and c.remote_id <> '' and c.state in ('active', 'paused')
  join public.connections n on n.id = c.connection_id and n.connector = p_connector and n.deleted_at is null
  where m.id = p_message;
$$;

-- A workspace lets us in again: its channels' destinations take deliveries, and what waited for it is ready with all its tries.
create function app.reopen_chats(p_connection uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_jobs uuid[];
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'reopen_chats is the system''s'; end if;
  update public.destinations d set state = 'active', reason = '', not_before = '-infinity'
    from public.chats c where p_connection in (c.connection_id, c.posts_by) and c.tenant_id = app.tenant() and d.id = c.id and d.state = 'parked';
  v_jobs := array(select j.id from public.chats c join public.jobs j on j.destination_id = c.id and j.kind = 'delivery' and j.lease_token is null
    where p_connection in (c.connection_id, c.posts_by) and c.tenant_id = app.tenant() and j.run_at = 'infinity' order by j.id for update of j);
  update public.jobs j set run_at = clock_timestamp(), attempt = 0 where j.id = any (v_jobs);
  update public.deliveries d set state = 'pending', reason = '' from public.jobs j
    where j.id = any (v_jobs) and d.id = j.id and d.made_at = j.made_at and d.state = 'parked';
  return cardinality(v_jobs);
end $$;

-- A link has ended: its channels are closed, each told in its supplier's stream. Returns the nudges.
create function app.end_chats(p_link uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'end_chats is the system''s'; end if;
  with ended as (
    update public.chats c set state = 'closed', reason = 'You are no longer linked to this wedding.'
    where c.wedding_id = v_wedding and c.link_id = p_link and c.state <> 'closed'
    returning new.tenant_id as tenant_id, jsonb_build_object('tenant', new.tenant_id, 'type', 'chat.changed', 'scope', 512, 'table', 'chats', 'id', new.id,
      'op', 'UPDATE', 'record', to_jsonb(new), 'old', to_jsonb(old)) as fact)
  select jsonb_agg(e.fact order by e.tenant_id) into v_facts from ended e;
  if v_facts is null then return; end if;
  return query select t.nudge from app.tell_tenants(v_facts) as t(nudge);
  perform app.settle(null, 'system', v_wedding, 'system', 2047, 2047);
end $$;

grant execute on function app.chats_of(uuid), app.owe_chats(jsonb), app.chat_now(uuid, integer, uuid, uuid), app.chat_people(uuid),
  app.chat_of_button(text, uuid, text), app.reopen_chats(uuid), app.end_chats(uuid) to wedsync_user;
reset role;
