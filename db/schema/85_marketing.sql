-- Marketing: who has to be told that an audience must be looked at, and how much of a shared allowance is whose.
set role wedsync_recorder;

-- As app.owe_records: one waiting job of an audience is enough, and the row of its progress is written first.
create function app.owe_marketing(p_audiences uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_work constant text := 'marketing.sync';
  n integer;
begin
  perform from public.marketing_progress g where g.audience_id = any (p_audiences) order by g.audience_id for update;
  update public.marketing_progress g set pokes = g.pokes + 1, pulls_wanted = g.pulls_wanted + p_pull::integer,
      not_before = case when not p_now then g.not_before end
    where g.audience_id = any (p_audiences);
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select a.id, a.tenant_id, 'work', 4, 6000 from public.marketing_audiences a where a.id = any (p_audiences) order by a.id
    on conflict (id) do nothing;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, args, run_at)
    select uuidv7(), 'work', v_work, 2, a.tenant_id, a.id, a.id, nextval('public.marketing_pokes'), jsonb_build_object('audience_id', a.id),
      clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0')) / app.speed()
    from public.marketing_audiences a join public.marketing_progress g on g.audience_id = a.id join public.connections n on n.id = a.id
    where a.id = any (p_audiences) and a.is_on and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null
      and not exists (select from public.jobs j where j.destination_id = a.id and j.order_key = a.id and j.name = v_work
        and num_nulls(j.lease_token) = 1 and (j.run_at <= clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0'))
          or j.run_at = 'infinity'));
  get diagnostics n = row_count;
  return n;
end $$;

-- Those of the entered tenant; null: all of them.
create function app.poke_marketing(p_audiences uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  return app.owe_marketing(array(select a.id from public.marketing_audiences a
    where (p_audiences is null or a.id = any (p_audiences)) and a.tenant_id = app.tenant()), p_pull, p_now);
end $$;

-- One more act of the ledger, by who keeps it or by the engine.
create function app.add_marketing_consent(p_id uuid, p_client uuid, p_sealed bytea, p_act text, p_method text, p_wording text, p_source text,
  p_connection uuid)
returns table (id uuid, record jsonb)
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() is null or app.role() not in ('owner', 'admin', 'system') then
    raise insufficient_privilege using message = 'the ledger is kept by owners and admins';
  end if;
  return query
    insert into public.marketing_consents as c (supplier_id, id, client_id, sealed, act, method, wording, source, connection_id, made_by)
    values (app.tenant(), p_id, p_client, p_sealed, p_act, p_method, p_wording, p_source, p_connection, app.actor())
    returning c.id, to_jsonb(c);
end $$;

-- How many accounts share what a provider allows one application: all that are used.
create function app.marketing_sharers(p_connector text) returns integer
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'marketing_sharers is the system''s'; end if;
  return (select count(*)::integer from public.marketing_audiences a join public.connections n on n.id = a.id
    where n.connector = p_connector and a.is_on and n.deleted_at is null and n.state in ('connecting', 'active', 'degraded'));
end $$;

-- Which of these addresses the entered supplier may not write to: they bounced, reported us, took back what they agreed to, or want no offers of it on
-- a wedding of theirs. The most restrictive word wins; only its owner takes a withdrawal back, on a page. p_clients: the same addresses by the index
-- of this supplier's clients.
create function app.marketing_barred(p_index bytea[], p_clients bytea[]) returns setof bytea
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'marketing_barred is the system''s'; end if;
  return query
    select s.address_index from public.mail_suppressions s where s.address_index = any (p_index)
    union
    select w.address_index from public.mail_consents w
    where w.address_index = any (p_index) and w.act = 'withdrawn' and w.topic in ('marketing', 'journeys', 'all')
      and (w.supplier_id is null or w.supplier_id = app.tenant())
      and not exists (select from public.mail_consents g where g.address_index = w.address_index and g.act = 'given' and g.method = 'page'
        and g.topic in (w.topic, 'all') and g.supplier_id is not distinct from w.supplier_id and g.made_at > w.made_at)
    union
    select v.index from public.clients c
    join public.marketing_stops s on s.link_id = c.link_id
    cross join lateral (values (c.email_index), (c.partner_email_index)) as v(index)
    where c.supplier_id = app.tenant() and v.index = any (p_clients);
end $$;

-- Until when an audience is not looked at by itself, because a wedding of its business is on; null where it need not wait. Who works at weddings without
-- a pause waits a day at most. What a withdrawal or a hook of the provider's brings about never waits.
create function app.marketing_waits(p_audience uuid) returns timestamptz
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select case when coalesce(g.synced_at, app.now()) > app.now() - interval '1 day' then least(max(s.until), app.now() + interval '1 day') end
    from public.marketing_progress g
    join public.connections c on c.id = g.audience_id
    cross join lateral app.safe_spans(g.tenant_id, c.state = 'degraded') s
    where g.audience_id = p_audience
    group by g.synced_at);
end $$;

-- The reaction of a wedding: a milestone of one link, or of all, has been reached. Returns how many audiences are looked at.
create function app.reach_marketing_milestone(p_link uuid, p_milestone text) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_suppliers uuid[];
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'reach_marketing_milestone is the system''s'; end if;
  with reached as (
    insert into public.marketing_milestones (tenant_id, client_id, milestone)
    select c.supplier_id, c.id, p_milestone from public.clients c
    where c.wedding_id = v_wedding and (p_link is null or c.link_id = p_link)
    order by c.supplier_id, c.id
    on conflict (tenant_id, client_id, milestone) do nothing returning tenant_id)
  select array_agg(distinct r.tenant_id) into v_suppliers from reached r;
  if v_suppliers is null then return 0; end if;
  return app.owe_marketing(array(select a.id from public.marketing_audiences a
    where a.tenant_id = any (v_suppliers) and app.marketing_waits(a.id) is null), false);
end $$;

grant execute on function app.poke_marketing(uuid[], boolean, boolean), app.marketing_sharers(text),
  app.add_marketing_consent(uuid, uuid, bytea, text, text, text, text, uuid), app.marketing_barred(bytea[], bytea[]),
  app.reach_marketing_milestone(uuid, text) to wedsync_user;

-- The clock: audiences whose time to be looked at has come. The next time is set by the run; until then they are left alone for five minutes, and
-- those that wait for a wedding of today until it is over.
create function app.poke_due_marketing(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_due uuid[];
begin
  with due as (
    select g.audience_id from public.marketing_progress g
    where g.next_poll_at <= app.now() order by g.next_poll_at limit p_limit for update skip locked),
  put_off as (
    update public.marketing_progress g set next_poll_at = coalesce(d.waits_until, app.now() + interval '5 minutes')
    from (select x.audience_id, app.marketing_waits(x.audience_id) as waits_until from due x) d
    where g.audience_id = d.audience_id returning g.audience_id, d.waits_until)
  select array_agg(p.audience_id) filter (where p.waits_until is null) into v_due from put_off p;
  return case when v_due is null then 0 else app.owe_marketing(v_due, true) end;
end $$;
grant execute on function app.poke_due_marketing(integer) to wedsync_service;
reset role;
