-- Mail of the platform: the health of its providers, what they say of mails, and whom nobody writes to.
set role wedsync_recorder;

-- The chain of this installation, first to last. Who is not named sends no more.
create function app.name_mail_providers(p_names text[]) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.mail_providers as m (name, position)
    select n.name, n.position from unnest(p_names) with ordinality as n(name, position) order by n.name
    on conflict (name) do update set position = excluded.position where m.position is distinct from excluded.position;
  update public.mail_providers m set position = null where m.name <> all (p_names) and m.position is not null;
$$;

create function app.mail_health() returns table (name text, health text)
language sql stable security definer set search_path = '' as $$
  select m.name, m.health::text from public.mail_providers m where m.position is not null;
$$;

-- One provider's health, to be judged anew and kept in the same transaction.
create function app.hold_mail_provider(p_name text) returns text
language sql volatile security definer set search_path = '' as $$
  select m.health::text from public.mail_providers m where m.name = p_name for update;
$$;

-- Its health after a result. That it went down or came back is told, each once. Returns the nudge of that.
create function app.keep_mail_provider(p_name text, p_health text, p_is_down boolean, p_reason text, p_is_good boolean, p_is_probe boolean, p_took_ms real)
returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v record;
  v_old public.mail_providers;
  v_new public.mail_providers;
begin
  update public.mail_providers m
  set health = p_health::jsonb, is_down = p_is_down, reason = p_reason,
    changed_at = case when m.is_down <> p_is_down then clock_timestamp() else m.changed_at end,
    succeeded_at = case when p_is_good and not p_is_probe then clock_timestamp() else m.succeeded_at end,
    failed_at = case when not p_is_good then clock_timestamp() else m.failed_at end,
    probed_at = case when p_is_probe then clock_timestamp() else m.probed_at end,
    took_ms = coalesce(p_took_ms, m.took_ms)
  where m.name = p_name returning old as o, new as n into v;
  if not found then return; end if;
  v_old := v.o;
  v_new := v.n;
  if v_old.is_down = v_new.is_down then return; end if;
  perform app.settle(null, 'system', v_new.tenant_id, 'system', 2047, 2047);
  return next app.record(jsonb_build_array(jsonb_build_object('type', 'mail_provider.' || case when v_new.is_down then 'failed' else 'recovered' end,
    'scope', 1, 'table', 'mail_providers', 'id', v_new.id, 'op', 'UPDATE',
    'record', to_jsonb(v_new) - 'health', 'old', to_jsonb(v_old) - 'health')));
end $$;

-- Whether one of these indexes (of one address, by every key) takes no mail at all, and why.
create function app.mail_refused(p_index bytea[]) returns text
language sql stable security definer set search_path = '' as $$
  select s.reason from public.mail_suppressions s where s.address_index = any (p_index) and s.covers = 'all' limit 1;
$$;

-- Another provider than the first took it. What hooks say of it meanwhile stays.
create function app.note_mail_failover(p_delivery uuid, p_tenant uuid, p_provider text, p_is_possible_duplicate boolean) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.mail_statuses as s (delivery_id, tenant_id, provider, status, rank, is_failed_over, is_possible_duplicate, at)
    values (p_delivery, p_tenant, p_provider, 'accepted', 1, true, p_is_possible_duplicate, clock_timestamp())
    on conflict (delivery_id) do update set is_failed_over = true, is_possible_duplicate = s.is_possible_duplicate or excluded.is_possible_duplicate;
$$;

-- What a provider said of mails: p is [{event, delivery, status, rank, at, detail, reason, key, sealed, suppression}]. A saying counts once; of a mail
-- the highest rank stands. Where `reason` is given the address (`key`) is over, for all mail, in this transaction. Returns nudges; a mail that is
-- not ours says nothing.
create function app.take_mail_events(p_provider text, p text) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  e record;
begin
  for e in
    with said as (
      select x.*, d.tenant_id, d.type, d.recipient_id
      from jsonb_to_recordset(p::jsonb) as x(event text, delivery uuid, status text, rank smallint, at timestamptz, detail text, reason text, key text,
        sealed text, suppression uuid)
      cross join lateral (select d.tenant_id, d.type, d.recipient_id from public.deliveries d where d.id = x.delivery limit 1) d),
    kept as (
      insert into public.mail_events (tenant_id, provider, event_id, delivery_id, status, detail, at)
      select s.tenant_id, p_provider, s.event, s.delivery, s.status, coalesce(s.detail, ''), s.at from said s order by s.event
      on conflict (provider, event_id) do nothing returning event_id),
    fresh as (select distinct on (s.event) s.* from said s join kept k on k.event_id = s.event order by s.event),
    risen as (
      insert into public.mail_statuses as m (delivery_id, tenant_id, provider, status, rank, at)
      select distinct on (f.delivery) f.delivery, f.tenant_id, p_provider, f.status, f.rank, f.at from fresh f order by f.delivery, f.rank desc
      on conflict (delivery_id) do update set status = excluded.status, rank = excluded.rank, at = excluded.at, provider = excluded.provider
        where excluded.rank > m.rank)
    select f.type, f.recipient_id, f.reason, decode(f.key, 'hex') as key, decode(f.sealed, 'hex') as sealed, f.suppression
    from fresh f where f.reason is not null order by f.key
  loop
    if e.type = 'invitation.sent' and exists (select from public.invitations i where i.id = e.recipient_id) then
      return query select app.suppress(e.recipient_id, e.key, e.reason, e.suppression, e.sealed);
    end if;
    insert into public.mail_suppressions as s (id, address_index, reason, covers, sealed) values (e.suppression, e.key, e.reason, 'all', e.sealed)
      on conflict (address_index) do update set covers = 'all', sealed = coalesce(s.sealed, excluded.sealed),
        reason = case when excluded.reason = 'complained' or s.reason = 'bounced' then excluded.reason else s.reason end;
  end loop;
end $$;

-- The operator was told that an address takes mail after all. What its owner asked for, or reported, still holds for invitations.
create function app.lift_mail_suppression(p_index bytea[]) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  if app.role() <> 'operator' then raise insufficient_privilege using message = 'lift_mail_suppression is the operator''s'; end if;
  with lifted as (
    update public.mail_suppressions s set covers = 'invitations' where s.address_index = any (p_index) and s.covers = 'all' returning s.id, s.reason)
  select count(*) into n from lifted;
  delete from public.mail_suppressions s where s.address_index = any (p_index) and s.covers = 'invitations' and s.reason = 'bounced' and n > 0;
  return n;
end $$;

-- For the operator: what became of the mails that anything is known of, since a time.
create function app.mail_figures(p_since timestamptz)
returns table (mails integer, delivered integer, delayed integer, failed integer, bounced integer, complained integer, failed_over integer,
  possible_duplicates integer, suppressed_addresses integer)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'operator' then raise insufficient_privilege using message = 'the figures are the operator''s'; end if;
  return query
    select count(*)::integer, count(*) filter (where s.status in ('delivered', 'opened'))::integer, count(*) filter (where s.status = 'delayed')::integer,
      count(*) filter (where s.status in ('failed', 'suppressed'))::integer, count(*) filter (where s.status = 'bounced')::integer,
      count(*) filter (where s.status = 'complained')::integer, count(*) filter (where s.is_failed_over)::integer,
      count(*) filter (where s.is_possible_duplicate)::integer,
      (select count(*)::integer from public.mail_suppressions x where x.covers = 'all')
    from public.mail_statuses s where s.at >= p_since;
end $$;

-- The probe is owed: of whom nothing was heard for so long, and every twenty seconds of who is down. One waiting job is enough.
create function app.poke_mail_probes() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'mail.probe', 1, '00000000-0000-7000-8000-000000000000', '00000000-0000-7000-8000-000000000003', '{}'
    where exists (select from public.mail_providers m where m.position is not null and case when m.is_down
        then greatest(m.probed_at, m.changed_at) < clock_timestamp() - interval '20 seconds'
        else coalesce(greatest(m.probed_at, m.succeeded_at), '-infinity') < clock_timestamp() - app.mail_heard_within() end)
      and not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-000000000003'
        and j.tenant_id = '00000000-0000-7000-8000-000000000000' and j.name = 'mail.probe');
  get diagnostics n = row_count;
  return n;
end $$;

create function app.forget_mail_events(p_days integer, p_limit integer default 5000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.mail_events e where e.id in (select o.id from public.mail_events o
    where o.received_at < clock_timestamp() - make_interval(days => p_days) order by o.received_at limit p_limit);
  get diagnostics n = row_count;
  delete from public.mail_statuses s where s.delivery_id in (select o.delivery_id from public.mail_statuses o
    where o.at < clock_timestamp() - make_interval(days => p_days) order by o.at limit p_limit);
  return n;
end $$;

grant execute on function app.take_mail_events(text, text), app.lift_mail_suppression(bytea[]), app.mail_figures(timestamptz) to wedsync_user;
grant execute on function app.name_mail_providers(text[]), app.mail_health(), app.hold_mail_provider(text),
  app.keep_mail_provider(text, text, boolean, text, boolean, boolean, real), app.mail_refused(bytea[]),
  app.note_mail_failover(uuid, uuid, text, boolean), app.poke_mail_probes(), app.forget_mail_events(integer, integer) to wedsync_service;
reset role;
