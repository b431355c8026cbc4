-- Invitations by the clock: mails that are due, what became of those that left, what nobody answered; and the figures of the whole way.
set role wedsync_recorder;

-- One waiting job of a supplier is enough, for it looks at what stands. Whoever's mails rest is left alone.
create function app.poke_invitations(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'invitations.post', 2, d.supplier_id, '00000000-0000-7000-8000-000000000003', '{}'
    from (select distinct i.supplier_id from public.invitations i where i.next_at <= app.now() and i.ended_at is null limit p_limit) d
    where app.invitation_brake(d.supplier_id) is null
      and not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-000000000003' and j.tenant_id = d.supplier_id
        and j.name = 'invitations.post');
  get diagnostics n = row_count;
  return n;
end $$;

-- What the ledger says of mails: taken by the other side, or refused for good, which is a bounce and ends the address for everybody. A mail that ended
-- because no server of ours could send it says nothing of the address: it is due again.
create function app.follow_invitations(p_limit integer default 1000) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', '00000000-0000-7000-8000-000000000000', 'system', 0, 0);
  with told as materialized (
    select i.supplier_id, i.id, d.state, exists (select from public.attempts t where t.delivery_id = d.id and t.made_at >= i.delivery_at
      and t.outcome = 'rejected') as is_refused
    from public.invitations i join public.deliveries d on d.id = i.delivery_id and d.made_at = i.delivery_at
    where i.delivery_id is not null and i.delivered_at is null and i.ended_at is null and d.state in ('delivered', 'dead', 'expired')
    order by i.supplier_id, i.id limit p_limit for update of i skip locked),
  followed as (
    update public.invitations i
    set delivered_at = case when t.state = 'delivered' then app.now() end,
      state = case when t.is_refused and t.state = 'dead' then 'bounced' when t.state <> 'delivered' and i.mails = 1 then 'queued' else i.state end,
      ended_at = case when t.is_refused and t.state = 'dead' then app.now() end,
      reason = case when t.is_refused and t.state = 'dead' then 'bounced' else i.reason end,
      mails = case when t.state = 'delivered' or t.is_refused then i.mails else i.mails - 1 end,
      delivery_id = case when t.state = 'delivered' or t.is_refused then i.delivery_id end,
      delivery_at = case when t.state = 'delivered' or t.is_refused then i.delivery_at end,
      sent_at = case when t.state = 'delivered' or t.is_refused or i.mails > 1 then i.sent_at end,
      reminded_at = case when t.state = 'delivered' or t.is_refused then i.reminded_at end,
      next_at = case when t.state = 'delivered' then i.next_at when not t.is_refused then app.now() end
    from told t where i.supplier_id = t.supplier_id and i.id = t.id
    returning case new.state when 'bounced' then 'invitation.ended' else 'invitation.delivered' end as type, t.state as went, new, old),
  kept as (
    insert into public.mail_suppressions (address_index, reason)
    select distinct (f.new).couple_index[1], 'bounced' from followed f where (f.new).state = 'bounced'
    on conflict (address_index) do nothing)
  select jsonb_agg(app.invitation_fact(case when f.went = 'delivered' or f.type = 'invitation.ended' then f.type else 'invitation.queued' end, f.new, f.old))
    into v_facts from followed f;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

create function app.expire_invitations(p_limit integer default 1000) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', '00000000-0000-7000-8000-000000000000', 'system', 0, 0);
  with due as (
    select i.supplier_id, i.id from public.invitations i where i.expires_at <= app.now() and i.ended_at is null
    order by i.supplier_id, i.id limit p_limit for update skip locked),
  ended as (
    update public.invitations i set state = 'expired', ended_at = app.now(), next_at = null from due d
    where i.supplier_id = d.supplier_id and i.id = d.id returning new, old)
  select jsonb_agg(app.invitation_fact('invitation.ended', e.new, e.old)) into v_facts from ended e;
  if v_facts is not null then return query select app.tell_suppliers(v_facts); end if;
end $$;

-- The way of the entered supplier's clients: each counted once, by the farthest it came.
create function app.invitation_funnel()
returns table (clients integer, invited integer, delivered integer, opened integer, joined integer, second_supplier integer, suppliers_joined integer,
  waiting integer, declined integer, bounced integer, complained integer, brake text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'member', 'system') then raise insufficient_privilege using message = 'the figures are the supplier''s'; end if;
  return query
    with mine as (
      select i.client_id, bool_or(i.sent_at is not null) as sent, bool_or(i.delivered_at is not null or i.opened_at is not null or i.state = 'joined') as arrived,
        bool_or(i.opened_at is not null or i.state = 'joined') as seen, bool_or(i.state = 'joined') as came, bool_or(i.state = 'queued') as waits,
        bool_or(i.state = 'declined') as refused, bool_or(i.state = 'bounced') as returned, bool_or(i.complained_at is not null) as reported
      from public.invitations i where i.supplier_id = app.tenant() group by i.client_id),
    weddings as (
      select j.wedding_id from public.joins j
      where j.first_supplier_id = app.tenant() and j.joined = 'couple'),
    sums as (
      select count(*) filter (where m.sent)::integer, count(*) filter (where m.arrived)::integer, count(*) filter (where m.seen)::integer,
        count(*) filter (where m.came)::integer, count(*) filter (where m.waits)::integer, count(*) filter (where m.refused)::integer,
        count(*) filter (where m.returned)::integer, count(*) filter (where m.reported)::integer from mine m)
    select (select count(*)::integer from public.clients c where c.supplier_id = app.tenant()), s.sent, s.arrived, s.seen, s.came,
      (select count(*)::integer from weddings w where exists (select from public.links l where l.wedding_id = w.wedding_id and l.status = 'active'
        and l.supplier_id <> app.tenant())),
      (select count(*)::integer from public.joins j where j.first_supplier_id = app.tenant() and j.joined = 'supplier'),
      s.waits, s.refused, s.returned, s.reported, app.invitation_brake(app.tenant())
    from sums as s(sent, arrived, seen, came, waits, refused, returned, reported);
end $$;

grant execute on function app.invitation_funnel() to wedsync_user;
grant execute on function app.poke_invitations(integer), app.follow_invitations(integer), app.expire_invitations(integer) to wedsync_service;
reset role;
