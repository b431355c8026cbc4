-- Invitations: what reaches over tenants. A couple is asked by several suppliers and is one couple; its page has no tenant; what it answers is told in
-- each supplier's own stream. A couple is held (its addresses' keys, in order) before anything about its mails is read and written.
set role wedsync_recorder;

-- What facts and the log show of an invitation: nothing sealed, no key, no token.
create function app.invitation_image(i public.invitations) returns jsonb language sql immutable set search_path = ''
  return to_jsonb(i) - '{sealed,token_hash,couple_index,delivery_id,delivery_at}'::text[];

create function app.invitation_fact(p_type text, n public.invitations, o public.invitations) returns jsonb
language sql immutable set search_path = ''
  return jsonb_build_object('supplier', (n).supplier_id, 'type', p_type, 'scope', 1, 'table', 'invitations', 'id', (n).id, 'op', 'UPDATE',
    'record', app.invitation_image(n), 'old', app.invitation_image(o));

-- Facts of suppliers' rows, each told in its supplier's stream, the streams in one order; then back to where we were. Who answers for a couple is
-- a guest there. Returns the nudges.
create function app.tell_suppliers(p_facts jsonb) returns setof text
language plpgsql volatile set search_path = '' as $$
declare
  v_tenant uuid := app.tenant();
  v_actor uuid := app.actor();
  v_kind text := app.actor_kind();
  v_role text := app.role();
  v_mask integer := app.mask();
  v_write_mask integer := app.write_mask();
  v_link uuid := app.link();
  v_membership uuid := app.membership();
  v_party uuid := app.party();
  s record;
begin
  for s in
    select (f.x ->> 'supplier')::uuid as id, jsonb_agg(f.x - 'supplier' order by f.n) as facts
    from jsonb_array_elements(p_facts) with ordinality as f(x, n) group by 1 order by 1
  loop
    perform app.settle(null, case v_kind when 'system' then 'system' else 'guest' end, s.id, 'system', 2047, 2047);
    return next app.record(s.facts);
  end loop;
  perform app.settle(v_actor, v_kind, v_tenant, v_role, v_mask, v_write_mask, v_link, v_membership, v_party);
end $$;

create function app.hold_couple(p_index bytea[]) returns void
language sql volatile security definer set search_path = '' as $$
  select pg_advisory_xact_lock(hashtextextended('couple:' || encode(x.key, 'hex'), 0)) from (select distinct unnest(p_index) as key order by 1) x;
$$;

-- Which of the addresses take no invitations, and why; asked by those who are about to write to them.
create function app.suppressed(p_index bytea[]) returns table (address_index bytea, reason text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'system') then raise insufficient_privilege using message = 'suppressed is for who invites'; end if;
  return query select s.address_index, s.reason from public.mail_suppressions s where s.address_index = any (p_index);
end $$;

-- When any supplier last wrote to one of these addresses.
create function app.last_invited(p_index bytea[]) returns timestamptz
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'last_invited is the system''s'; end if;
  return (select max(greatest(i.sent_at, i.reminded_at)) from public.invitations i where i.couple_index && p_index);
end $$;

-- Why a supplier's mails rest: more than one in twenty came back, or more than one in a thousand was reported, of those of thirty days. Two may come
-- back of a few before that says anything; one report says it.
create function app.invitation_brake(p_supplier uuid) returns text
language sql stable security definer set search_path = '' as $$
  select case when count(*) filter (where i.complained_at is not null) > 0.001 * count(*) then 'complaints'
      when count(*) filter (where i.state = 'bounced') > greatest(2, 0.05 * count(*)) then 'bounces' end
  from public.invitations i
  where i.supplier_id = p_supplier and i.mails > 0 and greatest(i.sent_at, i.reminded_at) > app.now() - interval '30 days';
$$;

-- Invitations of other suppliers for one of these addresses that still wait or are open: the worker names them in the same mail, the couple's page
-- shows them. Sealed for its supplier each; whether they mean the same couple only the names say.
create function app.invited_alike(p_index bytea[], p_not uuid)
returns table (id uuid, supplier_id uuid, supplier_name text, category text, sealed bytea, mails smallint, wedding_on date)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'invited_alike is the system''s'; end if;
  return query
    select i.id, i.supplier_id, s.name, s.category, i.sealed, i.mails, i.wedding_on
    from public.invitations i join public.suppliers s on s.supplier_id = i.supplier_id
    where i.couple_index && p_index and i.ended_at is null and i.id <> p_not and i.expires_at > app.now() and app.invitation_brake(i.supplier_id) is null
    order by i.created_at, i.id limit 20;
end $$;

-- A mail is owed: the invitation's own, naming others. All of them count it, so that none is written again within a fortnight.
create function app.owe_invitation(p_id uuid, p_delivery uuid, p_sealed bytea, p_named uuid[], p_again_after interval) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'owe_invitation is the system''s'; end if;
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, app.tenant(), 'mail', '00000000-0000-7000-8000-000000000001', 'invitation.sent', 'address', p_id, p_sealed, 2, v_at + interval '2 days');
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'mail', 2, app.tenant(), '00000000-0000-7000-8000-000000000001', v_at, v_at + interval '2 days');
  with held as (
    select i.supplier_id, i.id from public.invitations i
    where i.id = any (p_named || p_id) and i.ended_at is null and i.mails < 2 order by i.supplier_id, i.id for update),
  mailed as (
    update public.invitations i
    set mails = i.mails + 1, state = case i.state when 'queued' then 'sent' else i.state end, delivery_id = p_delivery, delivery_at = v_at, delivered_at = null,
      sent_at = coalesce(i.sent_at, app.now()), reminded_at = case when i.mails > 0 then app.now() end,
      next_at = case when i.mails = 0 then app.now() + p_again_after end
    from held h where i.supplier_id = h.supplier_id and i.id = h.id
    returning case when old.mails = 0 then 'invitation.sent' else 'invitation.reminded' end as type, new, old)
  select jsonb_agg(app.invitation_fact(m.type, m.new, m.old)) into v_facts from mailed m;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

-- One that gets no mail after all, or not now.
create function app.end_invitation(p_id uuid, p_state text, p_reason text) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  if app.role() not in ('system', 'owner', 'admin') then raise insufficient_privilege using message = 'end_invitation is the supplier''s'; end if;
  with ended as (
    update public.invitations i set state = p_state, reason = p_reason, ended_at = app.now(), next_at = null
    where i.supplier_id = app.tenant() and i.id = p_id and i.ended_at is null returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.ended', e.new, e.old)) into v_facts from ended e;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

create function app.client_fact(n public.clients, o public.clients) returns jsonb language sql immutable set search_path = ''
  return jsonb_build_object('supplier', (n).supplier_id, 'type', 'client.changed', 'scope', 1, 'table', 'clients', 'id', (n).id, 'op', 'UPDATE',
    'record', to_jsonb(n) - '{email_index,partner_email_index}'::text[], 'old', to_jsonb(o) - '{email_index,partner_email_index}'::text[]);

-- A couple that plans its wedding here already is asked there, by its own notices, not by a mail to whom it may concern. Null where there is none.
create function app.ask_couple(p_id uuid, p_email text, p_on date, out wedding uuid, out nudges text[])
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_supplier uuid := app.tenant();
  v_link public.links;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'ask_couple is the system''s'; end if;
  select w.wedding_id into wedding from public.persons p
    join public.memberships m on m.person_id = p.person_id and m.role in ('couple', 'partner') and m.removed_at is null
    join public.weddings w on w.wedding_id = m.wedding_id
    where p.email = lower(p_email) and w.date_status <> 'cancelled' and (w."on" is null or w."on" >= app.now()::date)
      and (p_on is null or w."on" is null or abs(w."on" - p_on) <= 31)
    order by w."on" nulls last, w.wedding_id limit 1;
  if wedding is null then return; end if;
  perform app.settle(null, 'system', wedding, 'system', 2047, 2047);
  insert into public.links (wedding_id, supplier_id, supplier_name, category, status, invited_by)
    select wedding, s.supplier_id, s.name, s.category, 'requested', 'supplier' from public.suppliers s where s.supplier_id = v_supplier
    on conflict do nothing returning * into v_link;
  if v_link.id is not null then
    nudges := array[app.record(jsonb_build_array(jsonb_build_object('type', 'link.requested', 'scope', 1, 'table', 'links', 'id', v_link.id, 'link', v_link.id,
      'op', 'INSERT', 'record', to_jsonb(v_link))))];
  else
    select l.* into v_link from public.links l where l.wedding_id = wedding and l.supplier_id = v_supplier and l.status in ('invited', 'requested', 'active');
  end if;
  perform app.settle(null, 'system', v_supplier, 'system', 2047, 2047);
  nudges := nudges || array(select app.keep_request(p_id, wedding, v_link.id, v_link.status));
end $$;

-- The invitation goes on as that request; where the engagement stands already there is nothing to ask.
create function app.keep_request(p_id uuid, p_wedding uuid, p_link uuid, p_status text) returns setof text
language plpgsql volatile set search_path = '' as $$
declare
  v_facts jsonb;
begin
  with asked as (
    update public.invitations i set state = case p_status when 'active' then 'joined' else 'sent' end, wedding_id = p_wedding, link_id = p_link, next_at = null,
      sent_at = app.now(), ended_at = case p_status when 'active' then app.now() end
    where i.supplier_id = app.tenant() and i.id = p_id and i.ended_at is null returning new as n, old as o),
  known as (
    update public.clients c set wedding_id = p_wedding, link_id = p_link from asked a
    where p_status = 'active' and c.supplier_id = app.tenant() and c.id = (a.n).client_id and c.link_id is null returning new, old)
  select coalesce((select jsonb_agg(app.invitation_fact(case p_status when 'active' then 'invitation.joined' else 'invitation.sent' end, a.n, a.o)) from asked a), '[]')
    || coalesce((select jsonb_agg(app.client_fact(k.new, k.old)) from known k), '[]') into v_facts;
  return query select app.tell_suppliers(v_facts);
end $$;

-- The couple's page: the invitation behind a token, then what other suppliers sent to the same addresses.
create function app.invitation_page(p_hash bytea)
returns table (id uuid, supplier_id uuid, supplier_name text, category text, website text, colour text, words text, sealed bytea, state text, is_over boolean,
  couple_index bytea[], wedding_id uuid, wedding_on date, is_own boolean)
language sql stable security definer set search_path = '' as $$
  with own as (select i.id, i.couple_index, i.ended_at from public.invitations i where i.token_hash = p_hash)
  select i.id, i.supplier_id, s.name, s.category, s.website, coalesce(y.colour, '#2f4a3a'), coalesce(y.words, ''), i.sealed, i.state,
    i.ended_at is not null or i.expires_at <= app.now(), i.couple_index, i.wedding_id, i.wedding_on, i.id = o.id
  from own o join public.invitations i on i.couple_index && o.couple_index
    and (i.id = o.id or o.ended_at is null and i.ended_at is null and i.expires_at > app.now() and i.link_id is null)
  join public.suppliers s on s.supplier_id = i.supplier_id
  left join public.invitation_styles y on y.supplier_id = i.supplier_id
  order by i.id = o.id desc, i.created_at, i.id limit 20;
$$;

create function app.note_opened(p_hash bytea) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  with opened as (
    update public.invitations i set state = 'opened', opened_at = app.now()
    where i.token_hash = p_hash and i.state in ('queued', 'sent') and i.expires_at > app.now() returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.opened', o.new, o.old)) into v_facts from opened o;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

-- Somebody came with a pass from a mail and nobody of that address was here: they are now, signed in. Whoever was here before signs in as always: a link
-- that lay in a mailbox for weeks opens no account. p_purpose couple: of an open invitation; invite: a supplier that a couple named, by its address.
create function app.arrive(p_purpose text, p_hash bytea, p_email text, p_session_hash bytea, p_days integer, out person_id uuid, out is_new boolean)
language plpgsql volatile security definer set search_path = '' as $$
begin
  if p_purpose = 'couple' then
    perform from public.invitations i where i.token_hash = p_hash and i.ended_at is null and i.expires_at > app.now();
  else
    perform from public.passes p join public.links l on l.wedding_id = p.wedding_id and l.id = p.link_id
      where p.purpose = 'invite' and p.token_hash = p_hash and p.revoked_at is null and p.expires_at > app.now() and l.status = 'invited'
        and l.invited_email = lower(p_email);
  end if;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  select not exists (select from public.persons p where p.email = lower(p_email)) into is_new;
  person_id := app.person_for(p_email);
  if is_new then
    insert into public.sessions (person_id, token_hash, expires_at)
      values (arrive.person_id, p_session_hash, clock_timestamp() + make_interval(days => p_days));
  end if;
end $$;

-- Inside the couple's new wedding: the invitation is used up and the suppliers it takes with it become known to each other's records; the others it was
-- shown are declined. p_links beside p_taken. False when somebody was quicker.
create function app.take_invitations(p_hash bytea, p_taken uuid[], p_links uuid[], p_shown uuid[], out is_taken boolean, out nudges text[])
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_own public.invitations;
  v_facts jsonb;
begin
  if app.role() <> 'couple' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  select i.* into v_own from public.invitations i where i.token_hash = p_hash and i.ended_at is null and i.expires_at > app.now() for update;
  is_taken := found;
  if not is_taken then return; end if;
  with answered as (
    update public.invitations i
    set state = case when i.id = any (p_taken) then 'joined' else 'declined' end, ended_at = app.now(), next_at = null, opened_at = coalesce(i.opened_at, app.now()),
      wedding_id = case when i.id = any (p_taken) then v_wedding end, link_id = p_links[array_position(p_taken, i.id)]
    where i.id = any (p_shown || v_own.id) and i.couple_index && v_own.couple_index and i.ended_at is null
    returning new as n, old as o),
  known as (
    update public.clients c set wedding_id = v_wedding, link_id = (a.n).link_id from answered a
    where (a.n).state = 'joined' and c.supplier_id = (a.n).supplier_id and c.id = (a.n).client_id and c.link_id is null returning new, old)
  select coalesce((select jsonb_agg(app.invitation_fact('invitation.' || (a.n).state, a.n, a.o)) from answered a), '[]')
    || coalesce((select jsonb_agg(app.client_fact(k.new, k.old)) from known k), '[]') into v_facts;
  insert into public.joins (wedding_id, joined, joined_id, brought_by, brought_by_id, first_supplier_id)
    values (v_wedding, 'couple', v_wedding, 'supplier', v_own.supplier_id, v_own.supplier_id);
  nudges := array(select app.tell_suppliers(v_facts));
end $$;

-- "No, thank you": this one alone.
create function app.decline_invitation(p_hash bytea) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  with declined as (
    update public.invitations i set state = 'declined', ended_at = app.now(), next_at = null, opened_at = coalesce(i.opened_at, app.now())
    where i.token_hash = p_hash and i.ended_at is null returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.declined', d.new, d.old)) into v_facts from declined d;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

-- The reaction to an answered link: a request that an invitation became is answered with it; a supplier whom a couple named and who was not here
-- before has joined, brought by that couple.
create function app.note_link(p_link uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  l public.links;
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'note_link is the system''s'; end if;
  select x.* into l from public.links x where x.wedding_id = app.tenant() and x.id = p_link;
  if l.invited_by = 'couple' and l.status = 'active' then
    insert into public.joins (wedding_id, joined, joined_id, brought_by, brought_by_id, first_supplier_id)
      select l.wedding_id, 'supplier', s.supplier_id, 'couple', l.wedding_id,
        (select j.first_supplier_id from public.joins j where j.wedding_id = l.wedding_id and j.joined = 'couple')
      from public.suppliers s where s.supplier_id = l.supplier_id and s.created_at >= l.created_at
      on conflict (joined, joined_id) do nothing;
  end if;
  with answered as (
    update public.invitations i set state = case l.status when 'active' then 'joined' else 'declined' end, ended_at = app.now()
    where i.link_id = p_link and i.supplier_id = l.supplier_id and i.ended_at is null and l.status in ('active', 'declined', 'revoked') returning new as n, old as o),
  known as (
    update public.clients c set wedding_id = l.wedding_id, link_id = l.id from answered a
    where (a.n).state = 'joined' and c.supplier_id = (a.n).supplier_id and c.id = (a.n).client_id and c.link_id is null returning new, old)
  select coalesce((select jsonb_agg(app.invitation_fact('invitation.' || (a.n).state, a.n, a.o)) from answered a), '[]')
    || coalesce((select jsonb_agg(app.client_fact(k.new, k.old)) from known k), '[]') into v_facts;
  return query select app.tell_suppliers(v_facts);
end $$;

create function app.invitation_addressee(p_id uuid) returns table (supplier_id uuid, supplier_name text, sealed bytea)
language sql stable security definer set search_path = '' as $$
  select i.supplier_id, s.name, i.sealed from public.invitations i join public.suppliers s on s.supplier_id = i.supplier_id where i.id = p_id;
$$;

-- Nobody writes to this address again, whoever asks: open invitations to it end, mails that wait are not sent. A report also counts against the one
-- supplier whose mail it was.
create function app.suppress(p_invitation uuid, p_index bytea, p_reason text, p_id uuid, p_sealed bytea) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_stored bytea;
  v_ended public.invitations[];
  v_facts jsonb;
begin
  -- Between two keys the invitation may still bear the older index.
  select i.couple_index[1] into v_stored from public.invitations i where i.id = p_invitation;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.hold_couple(array[v_stored, p_index]);
  insert into public.mail_suppressions as s (id, address_index, reason, sealed) values (p_id, p_index, p_reason, p_sealed)
    on conflict (address_index) do update set reason = excluded.reason where excluded.reason = 'complained' or s.reason = 'bounced';
  if p_reason in ('opted_out', 'complained') then
    insert into public.mail_consents (address_index, topic, act, method, source)
      values (p_index, 'invitations', 'withdrawn', case p_reason when 'complained' then 'complaint' else 'one_click' end, 'an invitation');
  end if;
  with held as (
    select i.supplier_id, i.id from public.invitations i
    where i.couple_index[1] in (v_stored, p_index) and (i.ended_at is null or i.id = p_invitation) order by i.supplier_id, i.id for update),
  ended as (
    update public.invitations i
    set state = case when i.ended_at is not null then i.state when i.id = p_invitation and p_reason = 'bounced' then 'bounced' else 'suppressed' end,
      ended_at = coalesce(i.ended_at, app.now()), next_at = null,
      reason = case when i.ended_at is null then p_reason else i.reason end,
      complained_at = case when i.id = p_invitation and p_reason = 'complained' then coalesce(i.complained_at, app.now()) else i.complained_at end
    from held h where i.supplier_id = h.supplier_id and i.id = h.id
    returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.ended', e.new, e.old)), array_agg(e.new) into v_facts, v_ended from ended e;
  perform app.end_jobs(array(select j.id from unnest(v_ended) e join public.jobs j on j.id = (e).delivery_id and j.lease_token is null), 'cancelled',
    'the address takes no more invitations');
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

grant execute on function app.hold_couple(bytea[]), app.suppressed(bytea[]), app.last_invited(bytea[]), app.invitation_brake(uuid),
  app.invited_alike(bytea[], uuid), app.owe_invitation(uuid, uuid, bytea, uuid[], interval), app.end_invitation(uuid, text, text),
  app.ask_couple(uuid, text, date), app.invitation_page(bytea), app.note_opened(bytea), app.arrive(text, bytea, text, bytea, integer),
  app.take_invitations(bytea, uuid[], uuid[], uuid[]), app.decline_invitation(bytea), app.note_link(uuid), app.invitation_addressee(uuid),
  app.suppress(uuid, bytea, text, uuid, bytea), app.invitation_image(public.invitations) to wedsync_user;
reset role;
