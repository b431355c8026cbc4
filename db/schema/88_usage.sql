-- Usage: what is counted, what businesses are told of it, and the questions that others ask of a plan.
set role wedsync_recorder;

-- A program enters as a business, or through one of its links: a call of that business. Said beside the answer, so that kit.db counts it in
-- memory; refused where the month's are used up, unless a wedding of the business is in its window: nobody can tell what the call is for.
create function app.meter(p_tenant uuid, p_kind text, p_link uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  v_supplier uuid := case when p_kind = 'supplier' then p_tenant else (select l.supplier_id from public.links l where l.id = p_link) end;
  v_allowed bigint;
  v_used bigint;
begin
  if v_supplier is null then return; end if;
  v_allowed := app.allowed(v_supplier, 'api_calls');
  v_used := case when v_allowed is not null then app.used(v_supplier, 'api_calls') end;
  if v_used >= v_allowed and not app.is_protected(v_supplier) then
    perform app.refuse_limit(v_supplier, 'api_calls', v_allowed, v_used);
  end if;
  raise info 'metered %', v_supplier;
end $$;

-- What a process counted since its last batch, {supplier: calls}, in the order of the rows' keys. A batch that was written before, although its
-- writer did not hear so, changes nothing.
create function app.count_calls(p_writer uuid, p_batch bigint, p_calls jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  insert into public.usage_writers as w (id, batch) values (p_writer, p_batch)
    on conflict (id) do update set batch = excluded.batch, at = clock_timestamp() where w.batch < excluded.batch;
  if not found then return; end if;
  insert into public.usage_days as u (supplier_id, "on", api_calls)
    select s.supplier_id, app.usage_day(), c.value::bigint from jsonb_each_text(p_calls) c join public.suppliers s on s.supplier_id = c.key::uuid
    order by s.supplier_id
    on conflict (supplier_id, "on") do update set api_calls = u.api_calls + excluded.api_calls;
end $$;

create function app.forget_usage_writers() returns void
language sql volatile security definer set search_path = '' as $$
  delete from public.usage_writers w where w.at < clock_timestamp() - interval '7 days';
$$;

-- Whether a wedding is in its window, or three days before it: when its suppliers confirm, and what is said must arrive.
create function app.is_near(p_wedding uuid) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from public.wedding_days d where d.wedding_id = p_wedding
    and app.now() between d.live_from - interval '72 hours' and d.live_until + interval '24 hours');
$$;

-- How many of a month's texts a business keeps for its weddings that are near: a tenth for each of them, together at most half.
create function app.sms_kept(p_supplier uuid, p_allowed bigint) returns bigint
language sql stable set search_path = '' as $$
  select least(p_allowed / 2, (p_allowed + 9) / 10 * (select count(*) from public.links l
    where l.supplier_id = p_supplier and l.status = 'active' and app.is_near(l.wedding_id)));
$$;

-- Whether a business has a text left that is no emergency's. p_supplier null: the couple's own, which are nobody's to count.
create function app.has_text(p_supplier uuid, p_wedding uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select p_supplier is null or app.is_protected(coalesce(p_wedding, p_supplier)) or coalesce(app.used(p_supplier, 'sms')
    < a.allowed - case when app.is_near(p_wedding) then 0 else app.sms_kept(p_supplier, a.allowed) end, true)
  from (select app.allowed(p_supplier, 'sms') as allowed) a;
$$;

-- One text message of a business, before it is sent: counted, or refused. An emergency is always sent, and so is what a wedding in its window needs;
-- what is for other weddings leaves those that are near their share.
create function app.claim_sms(p_supplier uuid, p_wedding uuid, p_is_emergency boolean) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  if p_supplier is null then return; end if;
  perform pg_advisory_xact_lock(hashtextextended('limit:sms:' || p_supplier, 0));
  if not p_is_emergency and not app.has_text(p_supplier, p_wedding) then
    perform app.refuse_limit(p_supplier, 'sms', app.allowed(p_supplier, 'sms'), app.used(p_supplier, 'sms'));
  end if;
  insert into public.usage_days as u (supplier_id, "on", sms) values (p_supplier, app.usage_day(), 1)
    on conflict (supplier_id, "on") do update set sms = u.sms + 1;
end $$;

-- How long a connected calendar of a tenant is left alone by the clock. What a provider tells of is fetched at once on every plan.
create function app.sync_every_of(p_tenant uuid) returns interval
language sql stable set search_path = '' as $$
  select case when app.is_protected(p_tenant) then interval '0'
    else make_interval(mins => coalesce(app.allowed(s.supplier_id, 'sync_minutes'), 0)::integer) end
  from (select p_tenant as id) t left join public.suppliers s on s.supplier_id = t.id;
$$;
create function app.sync_every() returns interval
language sql stable security definer set search_path = ''
  return app.sync_every_of(app.tenant());

-- From when on the entered business, or the business of the entered link, reads logs. What is older is kept and shows again on a larger plan.
create function app.history_from() returns timestamptz
language sql stable security definer set search_path = '' as $$
  select case when app.is_protected(app.tenant()) then '-infinity'
    else coalesce(app.now() - make_interval(months => app.allowed(x.supplier_id, 'history_months')::integer), '-infinity') end
  from (select coalesce((select l.supplier_id from public.links l where l.id = app.link()),
    (select s.supplier_id from public.suppliers s where s.supplier_id = app.tenant())) as supplier_id) x;
$$;

-- Is there room for one more? What asks before it begins (a consent, an invitation) spares people a refusal at the end; the triggers hold it.
create function app.ask_limit(p_name text) returns void
language plpgsql stable security definer set search_path = '' as $$
declare
  v_allowed bigint := app.allowed(app.tenant(), p_name);
  v_used bigint := app.used(app.tenant(), p_name);
begin
  if v_used >= v_allowed and not app.is_protected(app.tenant())
      and exists (select from public.suppliers s where s.supplier_id = app.tenant()) then
    perform app.refuse_limit(app.tenant(), p_name, v_allowed, v_used);
  end if;
end $$;

-- Clients of the entered business beyond the weddings it has room for, the nearest dates first: kept and shown, and not invited. Worked out and not
-- written down, so that a list of any length comes in, a larger plan wakes them at once and nothing has to be undone.
create function app.dormant_clients() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_room bigint := app.allowed(app.tenant(), 'weddings') - app.used(app.tenant(), 'weddings');
begin
  if v_room is null then return; end if;
  return query select x.id from (
    select c.id, c.wedding_on, row_number() over (order by c.wedding_on nulls last, c.created_at, c.id) as n from public.clients c
    where c.supplier_id = app.tenant() and c.link_id is null and c.stage not in ('cancelled', 'completed')
      and (c.wedding_on is null or c.wedding_on >= app.usage_day() - 90)) x
    where x.n > v_room and (x.wedding_on is null or x.wedding_on not between app.usage_day() - 1 and app.usage_day() + 1);
end $$;

-- The plan of the entered business with everything that is limited; used is null where nothing is counted.
create function app.plan_report() returns table (name text, allowed bigint, used bigint, kept bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'system') then raise exception 'forbidden' using errcode = 'WS403'; end if;
  return query select l.name, app.allowed(app.tenant(), l.name),
      case when l.name not in ('sync_minutes', 'history_months') then app.used(app.tenant(), l.name) end,
      case when l.name = 'sms' then coalesce(app.sms_kept(app.tenant(), app.allowed(app.tenant(), l.name)), 0) else 0 end
    from public.plan_limits l where l.plan = app.plan_of(app.tenant());
end $$;

create function app.my_plan() returns table (plan text, title text, is_default boolean, extra jsonb, is_protected boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'system') then raise exception 'forbidden' using errcode = 'WS403'; end if;
  return query select p.plan, p.title, s.plan is null, coalesce(s.extra, '{}'), app.is_protected(app.tenant())
    from public.plans p left join public.supplier_plans s on s.supplier_id = app.tenant() where p.plan = app.plan_of(app.tenant());
end $$;

create function app.plans() returns table (plan text, title text, limits jsonb)
language sql stable security definer set search_path = '' as $$
  select p.plan, p.title, jsonb_object_agg(l.name, l.allowed) from public.plans p join public.plan_limits l on l.plan = p.plan
  group by p.plan, p.title, p.rank order by p.rank;
$$;

-- The operator gives a business a plan (null: the default) and limits of its own. Nothing the business has is touched. Returns the nudge, or null
-- where that is what it has.
create function app.set_plan(p_supplier uuid, p_plan text, p_extra jsonb, p_reason text) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_fact jsonb;
begin
  perform from public.suppliers s where s.supplier_id = p_supplier;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
  insert into public.supplier_plans as s (supplier_id, plan, extra, reason) values (p_supplier, p_plan, p_extra, p_reason)
    on conflict (supplier_id) do update set plan = excluded.plan, extra = excluded.extra, reason = excluded.reason
      where (s.plan, s.extra) is distinct from (excluded.plan, excluded.extra)
    returning jsonb_build_object('type', 'plan.changed', 'scope', 1, 'table', 'supplier_plans', 'id', new.id,
      'op', case when old.supplier_id is null then 'INSERT' else 'UPDATE' end, 'record', to_jsonb(new),
      'old', case when old.supplier_id is not null then to_jsonb(old) end) into v_fact;
  return case when v_fact is not null then app.record(jsonb_build_array(v_fact)) end;
end $$;

-- For the operator: the plan a business was given (null: the default), its own limits, and what it has and uses.
create function app.show_plan(p_supplier uuid)
returns table (given text, extra jsonb, plan text, title text, name text, allowed bigint, used bigint)
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform from public.suppliers s where s.supplier_id = p_supplier;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
  return query select (select s.plan from public.supplier_plans s where s.supplier_id = p_supplier), m.extra, m.plan, m.title, r.name, r.allowed, r.used
    from app.my_plan() m, app.plan_report() r;
end $$;

create function app.set_default_plan(p_plan text) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.plan_default as d (plan) values (p_plan) on conflict (only_row) do update set plan = excluded.plan where d.plan <> excluded.plan;
$$;

-- Where eight tenths of a limit are used, or all of it. A limit of one or two is no surprise to anybody, so it is not told of.
create function app.near_limits(p_supplier uuid default null)
returns table (supplier_id uuid, name text, month date, allowed bigint, used bigint, level text)
language sql stable set search_path = '' as $$
  select x.supplier_id, x.name, x.month, x.allowed, x.used, case when x.used >= x.allowed then 'reached' else 'near' end
  from (
    select c.supplier_id, c.name, c.month, c.used, app.allowed(c.supplier_id, c.name) as allowed from (
      select l.supplier_id, 'weddings' as name, null::date as month, count(*) as used
        from public.links l join public.weddings w on w.wedding_id = l.wedding_id
        where l.status = 'active' and app.is_active_wedding(w) and l.supplier_id = coalesce(p_supplier, l.supplier_id) group by l.supplier_id
      union all
      select m.supplier_id, 'seats', null, count(*) from public.supplier_members m
        where m.removed_at is null and m.supplier_id = coalesce(p_supplier, m.supplier_id) group by m.supplier_id
      union all
      select n.tenant_id, 'connections', null, count(*) from public.connections n join public.suppliers s on s.supplier_id = n.tenant_id
        where app.is_counted_account(n) and n.tenant_id = coalesce(p_supplier, n.tenant_id) group by n.tenant_id
      union all
      select u.supplier_id, k.name, date_trunc('month', app.usage_day())::date, sum(k.n)
        from public.usage_days u, lateral (values ('sms', u.sms), ('api_calls', u.api_calls)) k(name, n)
        where u."on" >= date_trunc('month', app.usage_day())::date and u.supplier_id = coalesce(p_supplier, u.supplier_id)
        group by u.supplier_id, k.name) c) x
  where x.allowed >= 3 and x.used >= x.allowed * 0.8;
$$;

-- Called by the clock: whose notices are not what stands.
create function app.suppliers_near_limits() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct coalesce(n.supplier_id, h.supplier_id) from app.near_limits() n
  full join public.limit_notices h on h.supplier_id = n.supplier_id and h.name = n.name and coalesce(h.month, '-infinity') = coalesce(n.month, '-infinity')
  where h.id is null or n.name is null or (h.level = 'near' and n.level = 'reached');
$$;

-- Each is told once that a limit comes near, and once that it is reached. Returns the nudge, or null when there was nothing to say.
create function app.warn_of_limits(p_supplier uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
  perform pg_advisory_xact_lock(hashtextextended('limit:notices:' || p_supplier, 0));
  delete from public.limit_notices h where h.supplier_id = p_supplier and not exists (select from app.near_limits(p_supplier) n
    where n.name = h.name and n.month is not distinct from h.month);
  with told as (
    insert into public.limit_notices as h (supplier_id, name, level, month, allowed, used)
    select n.supplier_id, n.name, n.level, n.month, n.allowed, n.used from app.near_limits(p_supplier) n order by n.name
    on conflict (supplier_id, name) do update set level = excluded.level, allowed = excluded.allowed, used = excluded.used
      where h.level = 'near' and excluded.level = 'reached'
    returning new.id, new.level, to_jsonb(new) as record, case when old.id is not null then to_jsonb(old) end as old_record)
  select jsonb_agg(jsonb_build_object('type', case t.level when 'near' then 'limit.neared' else 'limit.reached' end, 'scope', 1,
    'table', 'limit_notices', 'id', t.id, 'op', case when t.old_record is null then 'INSERT' else 'UPDATE' end, 'record', t.record,
    'old', t.old_record)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;

grant execute on function app.count_calls(uuid, bigint, jsonb), app.claim_sms(uuid, uuid, boolean), app.has_text(uuid, uuid), app.sync_every(), app.history_from(),
  app.ask_limit(text), app.dormant_clients(), app.plan_report(), app.my_plan(), app.plans() to wedsync_user;
grant execute on function app.set_plan(uuid, text, jsonb, text), app.show_plan(uuid), app.suppliers_near_limits(), app.warn_of_limits(uuid),
  app.forget_usage_writers(), app.plans() to wedsync_service;
grant execute on function app.set_default_plan(text) to wedsync_owner;
reset role;
