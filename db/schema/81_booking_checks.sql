-- Bookings, continued: what follows from a change. All of it runs as the system, after the change is committed (a check inside of it could
-- miss what another transaction is just about to commit), and one check of a supplier at a time. Locks are taken in one order: the supplier's
-- 'conflicts', then rows (an insert may wait for a person who goes on to the stream), then its stream by one app.record; and, in a transaction of
-- their own or before the next wedding's, a wedding's 'told', rows and stream.
set role wedsync_recorder;

-- A stretch of time of a supplier that is looked at again, and the link because of which, if any.
create type app.look as (supplier_id uuid, stretch tstzrange, link_id uuid);

-- Conflicts in those stretches: found, found again, resolved. Facts for app.record.
create function app.refresh_conflicts(p_looks app.look[]) returns table (supplier_id uuid, fact jsonb)
language sql volatile set search_path = '' as $$
  with found as materialized (
    select distinct on (o.supplier_id, c.kind, c.booking_id, c.link_id, c.other_id) o.supplier_id, c.kind, c.booking_id, c.link_id, c.other_table,
      c.other_id, c.during
    from unnest(p_looks) o cross join lateral app.clashes(o.supplier_id, o.stretch) c),
  opened as (
    insert into public.booking_conflicts as k (supplier_id, kind, booking_id, link_id, other_table, other_id, during, since)
    select f.supplier_id, f.kind, f.booking_id, f.link_id, f.other_table, f.other_id, f.during, app.now() from found f
    on conflict (supplier_id, kind, booking_id, link_id, other_id) do update
      set during = excluded.during, since = case when k.state = 'resolved' then excluded.since else k.since end, resolved_at = null,
        state = case when k.state = 'resolved' then 'open' else k.state end
      where k.state = 'resolved' or k.during <> excluded.during
    returning 'conflict.found' as type, case when old.id is null then 'INSERT' else 'UPDATE' end as op, new.supplier_id, new.id,
      to_jsonb(new) as record, case when old.id is null then null else to_jsonb(old) end as old_record),
  stood as materialized (
    select k.supplier_id, k.id from unnest(p_looks) o join public.booking_conflicts k on k.supplier_id = o.supplier_id and k.during && o.stretch
      and k.state <> 'resolved'
    union
    select k.supplier_id, k.id from unnest(p_looks) o join public.booking_conflicts k on k.supplier_id = o.supplier_id and k.link_id = o.link_id
      and k.state <> 'resolved'),
  ended as (
    update public.booking_conflicts k set state = 'resolved', resolved_at = app.now(), ignored_by = null, ignored_at = null
    from stood s
    where k.supplier_id = s.supplier_id and k.id = s.id and k.state <> 'resolved'
      and not exists (select from found f where f.supplier_id = k.supplier_id and f.kind = k.kind and f.other_id = k.other_id
        and f.booking_id is not distinct from k.booking_id and f.link_id is not distinct from k.link_id)
    returning 'conflict.resolved', 'UPDATE', new.supplier_id, new.id, to_jsonb(new), to_jsonb(old)),
  changed as (select o.* from opened o union all select e.* from ended e)
  select c.supplier_id, jsonb_build_object('type', c.type, 'scope', 1, 'table', 'booking_conflicts', 'id', c.id, 'op', c.op, 'record', c.record,
    'old', c.old_record)
  from changed c;
$$;

-- Days of those stretches that are now told otherwise. `is_awaited`: it is the date of a linked wedding, which is to be told. A wedding that comes to that
-- day or to this supplier at this moment, and is not seen here yet, is followed afterwards: that waits for the lock which whoever asks here holds.
-- What is there already is asked for one by one (`limit 1`): for many suppliers at once the planner would read whole tables.
create function app.refresh_days(p_looks app.look[]) returns table (supplier_id uuid, fact jsonb)
language sql volatile set search_path = '' as $$
  with now_so as materialized (
    select distinct on (s.supplier_id, d."on") s.supplier_id, d."on", d.state
    from unnest(p_looks) o join public.suppliers s on s.supplier_id = o.supplier_id
    cross join lateral app.days_of(s.supplier_id, timezone(s.time_zone, lower(o.stretch))::date,
      least(timezone(s.time_zone, upper(o.stretch))::date, timezone(s.time_zone, lower(o.stretch))::date + 400)) d),
  told as (
    insert into public.availability_days as a (supplier_id, "on", state)
    select n.supplier_id, n."on", n.state from now_so n
    left join lateral (select x.id from public.availability_days x where x.supplier_id = n.supplier_id and x."on" = n."on" limit 1) x on true
    where n.state <> 'free' or x.id is not null
    on conflict (supplier_id, "on") do update set state = excluded.state where a.state <> excluded.state
    returning new.supplier_id, new.id, new."on", case when old.id is null then 'INSERT' else 'UPDATE' end as op, to_jsonb(new) as record,
      case when old.id is null then null else to_jsonb(old) end as old_record)
  select t.supplier_id, jsonb_build_object('type', 'availability.changed', 'scope', 1, 'table', 'availability_days', 'id', t.id, 'op', t.op,
    'record', t.record, 'old', t.old_record, 'is_awaited', coalesce((select true from public.links l join public.weddings w on w.wedding_id = l.wedding_id
      where l.supplier_id = t.supplier_id and l.status = 'active' and w."on" = t."on" limit 1), false))
  from told t order by t.supplier_id, t."on";
$$;

-- What there is to look at where those stretches of a supplier changed: what p_link, if given, is concerned by is looked at wherever it is.
create function app.looks_of(p_supplier uuid, p_windows tstzrange[], p_link uuid default null) returns app.look[]
language plpgsql stable set search_path = '' as $$
declare
  v_windows tstzrange[] := p_windows;
begin
  if p_link is not null then
    v_windows := v_windows
      || array(select b.blocked from public.bookings b where b.supplier_id = p_supplier and b.link_id = p_link)
      || array(select k.during from public.booking_conflicts k where k.supplier_id = p_supplier and k.link_id = p_link and k.state <> 'resolved')
      || array(select app.day_there(w."on", w.time_zone) from public.links l join public.weddings w on w.wedding_id = l.wedding_id
        where l.id = p_link and w."on" is not null);
  end if;
  return array(select row(p_supplier, w, p_link)::app.look from unnest(v_windows) as w where not isempty(w) and not lower_inf(w) and not upper_inf(w));
end $$;

-- Facts for app.record, of each supplier that has any. The caller holds the 'conflicts' of all of them.
create function app.look_again(p_looks app.look[]) returns table (supplier_id uuid, facts jsonb)
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
  set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  if cardinality(p_looks) = 0 then return; end if;
  return query
    select f.supplier_id, jsonb_agg(f.fact) from (
      select c.supplier_id, c.fact from app.refresh_conflicts(p_looks) c
      union all
      select d.supplier_id, d.fact from app.refresh_days(p_looks) d) f
    group by f.supplier_id order by f.supplier_id;
end $$;

-- Before any row of a supplier is written that others write too.
create function app.begin_checks(p_supplier uuid) returns void language plpgsql volatile set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('conflicts:' || p_supplier, 0));
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
end $$;

-- The reaction of a supplier's own facts. Returns the nudge, or null when nothing changed.
create function app.check_bookings(p_windows tstzrange[], p_link uuid default null) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'check_bookings is the system''s'; end if;
  perform app.begin_checks(app.tenant());
  select a.facts into v_facts from app.look_again(app.looks_of(app.tenant(), p_windows, p_link)) a;
  return case when found then app.record(v_facts) end;
end $$;

-- The same of all suppliers that owe it (bookings.check_booking), each in its own stream, and the end of those jobs: they are looked at by one
-- statement, for to begin one costs more than to look. A supplier that is being checked is left to the claims, which wait. Suppliers come in order,
-- as in every sweep that holds several streams, and so few that none is held for long.
create function app.owed_checks(p_jobs integer) returns table (job public.jobs, cause uuid, link uuid, windows tstzrange[])
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
  set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  return query
    select x, e.cause, coalesce(e.record ->> 'link_id', e.old_record ->> 'link_id')::uuid,
      array(select u from unnest((select range_agg((i.image ->> 'blocked')::tstzrange)
        from (values (e.record), (e.old_record)) as i(image) where i.image is not null)) as u)
    from unnest(app.swept_jobs('bookings.check_booking', 0, p_jobs)) x
    left join public.events e on e.stream_id = x.order_key and e.seq = x.order_seq and e.recorded_at = x.made_at
    order by x.tenant_id, x.order_seq;
end $$;

create function app.sweep_checks(p_jobs integer) returns table (done integer, nudge text)
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
  v_done public.jobs[] := '{}';
  v_looks app.look[] := '{}';
  v_causes jsonb := '{}';
  r record;
begin
  for r in select o.job, o.cause, o.link, o.windows from app.owed_checks(p_jobs) o
  loop
    continue when not pg_try_advisory_xact_lock(hashtextextended('conflicts:' || (r.job).tenant_id, 0));
    v_looks := v_looks || app.looks_of((r.job).tenant_id, r.windows, r.link);
    v_causes := v_causes || jsonb_build_object((r.job).tenant_id, r.cause);
    v_done := v_done || r.job;
  end loop;
  for r in select a.supplier_id, a.facts from app.look_again(v_looks) a
  loop
    perform app.settle(null, 'system', r.supplier_id, 'system', 2047, 2047);
    nudge := app.record(r.facts, (v_causes ->> r.supplier_id::text)::uuid);
    return next;
  end loop;
  if cardinality(v_done) = 0 then return; end if;
  perform app.settle(null, 'anonymous', null, 'none', 0, 0);
  perform app.end_swept(v_done);
  nudge := null;
  done := cardinality(v_done);
  return next;
end $$;
grant execute on function app.sweep_checks(integer) to wedsync_service;

-- How a linked supplier stands on the date of the wedding; no row where the link has ended or there is no date.
create function app.day_of_link(p_wedding uuid, p_link uuid) returns table ("on" date, state text)
language sql stable set search_path = '' as $$
  select w."on", case when exists (select from public.bookings b where b.supplier_id = l.supplier_id and b.link_id = l.id
      and b.state in ('hold', 'booked') and tstzrange(b.starts_at, b.ends_at) && app.day_there(w."on", b.zone)) then 'yours' else d.state end
  from public.links l join public.weddings w on w.wedding_id = l.wedding_id cross join lateral app.days_of(l.supplier_id, w."on", w."on") d
  where l.wedding_id = p_wedding and l.id = p_link and l.status = 'active' and l.supplier_id is not null and w."on" is not null;
$$;

-- What a wedding knows of one link: its bookings, and how the supplier stands on the wedding's date. Facts for app.record.
create function app.refresh_link(p_wedding uuid, p_link uuid) returns jsonb
language sql volatile set search_path = '' as $$
  with link as (select l.id, l.supplier_id from public.links l
    where l.wedding_id = p_wedding and l.id = p_link and l.status = 'active' and l.supplier_id is not null),
  wanted as (
    select b.id, b.state, b."on", b.at_local, b.zone, b.minutes, b.days, b.starts_at, b.ends_at, b.expires_at
    from link l join public.bookings b on b.supplier_id = l.supplier_id and b.link_id = l.id),
  put as (
    insert into public.link_bookings as k (id, wedding_id, link_id, state, "on", at_local, zone, minutes, days, starts_at, ends_at, expires_at)
    select n.id, p_wedding, p_link, n.state, n."on", n.at_local, n.zone, n.minutes, n.days, n.starts_at, n.ends_at, n.expires_at from wanted n
    on conflict (wedding_id, id) do update set link_id = excluded.link_id, state = excluded.state, "on" = excluded."on",
      at_local = excluded.at_local, zone = excluded.zone, minutes = excluded.minutes, days = excluded.days, starts_at = excluded.starts_at,
      ends_at = excluded.ends_at, expires_at = excluded.expires_at
      where (k.link_id, k.state, k.starts_at, k.ends_at, k."on", k.at_local, k.zone, k.minutes, k.days, k.expires_at) is distinct from
        (excluded.link_id, excluded.state, excluded.starts_at, excluded.ends_at, excluded."on", excluded.at_local, excluded.zone, excluded.minutes,
          excluded.days, excluded.expires_at)
    returning 'link_booking.changed' as type, 'link_bookings' as of_table, new.id, case when old.id is null then 'INSERT' else 'UPDATE' end as op,
      to_jsonb(new) as record, case when old.id is null then null else to_jsonb(old) end as old_record),
  gone as (
    delete from public.link_bookings k where k.wedding_id = p_wedding and k.link_id = p_link and k.id not in (select n.id from wanted n)
    returning 'link_booking.changed', 'link_bookings', k.id, 'DELETE', null::jsonb, to_jsonb(k)),
  day as (select d."on", d.state from app.day_of_link(p_wedding, p_link) d),
  dated as (
    insert into public.link_days as k (wedding_id, link_id, "on", state) select p_wedding, p_link, d."on", d.state from day d
    on conflict (wedding_id, link_id) do update set "on" = excluded."on", state = excluded.state
      where (k."on", k.state) is distinct from (excluded."on", excluded.state)
    returning 'link_day.changed', 'link_days', new.id, case when old.id is null then 'INSERT' else 'UPDATE' end,
      to_jsonb(new), case when old.id is null then null else to_jsonb(old) end),
  undated as (
    delete from public.link_days k where k.wedding_id = p_wedding and k.link_id = p_link and not exists (select from day)
    returning 'link_day.changed', 'link_days', k.id, 'DELETE', null::jsonb, to_jsonb(k)),
  changed as (select p.* from put p union all select g.* from gone g union all select d.* from dated d union all select u.* from undated u)
  select coalesce(jsonb_agg(jsonb_build_object('type', c.type, 'scope', 1, 'link', p_link, 'table', c.of_table, 'id', c.id, 'op', c.op,
    'record', c.record, 'old', c.old_record)), '[]') from changed c;
$$;

-- One at a time in a wedding, all its links that are told of together.
create function app.put_told(p_wedding uuid, p_links uuid[]) returns text
language plpgsql volatile set search_path = '' as $$
declare
  v_home uuid := app.tenant();
  v_link uuid;
  v_facts jsonb := '[]';
  v_nudge text;
begin
  perform pg_advisory_xact_lock(hashtextextended('told:' || p_wedding, 0));
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  foreach v_link in array p_links loop
    v_facts := v_facts || app.refresh_link(p_wedding, v_link);
  end loop;
  if v_facts <> '[]' then v_nudge := app.record(v_facts); end if;
  perform app.settle(null, 'system', v_home, 'system', 2047, 2047);
  return v_nudge;
end $$;

-- The reaction that tells the other side: the weddings of these links, and those whose date is one of these days.
create function app.tell_weddings(p_links uuid[], p_days date[]) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'tell_weddings is the system''s'; end if;
  for r in
    select x.wedding_id, array_agg(x.id order by x.id) as links from public.links x join public.weddings w on w.wedding_id = x.wedding_id
    where x.supplier_id = app.tenant() and (x.id = any (p_links) or (x.status = 'active' and w."on" = any (p_days)))
    group by x.wedding_id order by x.wedding_id
  loop
    return next app.put_told(r.wedding_id, r.links);
  end loop;
end $$;

-- A link that became active with a date, and never had a booking, is given a hold of the day by the first resource that has it free. Once only:
-- whoever lets the hold go is not asked again. Facts for app.record, in the settled supplier.
create function app.propose_hold(p_wedding uuid, p_link uuid) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
  v_facts jsonb := '[]';
  l record;
  r record;
  b record;
begin
  select x.supplier_id, w."on", w.time_zone into l from public.links x join public.weddings w on w.wedding_id = x.wedding_id
    where x.wedding_id = p_wedding and x.id = p_link and x.status = 'active' and w.date_status <> 'cancelled'
      and lower(app.day_there(w."on", w.time_zone)) > app.now()
      and not exists (select from public.bookings k where k.supplier_id = x.supplier_id and k.link_id = x.id);
  if not found then return v_facts; end if;
  -- A business that is as new as the link: its own reaction may not have come by yet.
  insert into public.resources as x (supplier_id, name, is_default) values (l.supplier_id, 'Us', true)
    on conflict (supplier_id) where is_default do nothing
    returning x.id, to_jsonb(x) as record into b;
  if found then
    v_facts := jsonb_build_array(jsonb_build_object('type', 'resource.added', 'scope', 1, 'table', 'resources', 'id', b.id, 'op', 'INSERT',
      'record', b.record));
  end if;
  for r in select x.id from public.resources x where x.supplier_id = l.supplier_id and x.is_active order by not x.is_default, x.position, x.id loop
    insert into public.bookings as k (supplier_id, resource_id, category, state, reason, expires_at, wedding_id, link_id, "on", zone, days)
      values (l.supplier_id, r.id, 'wedding', 'hold', 'proposed', app.now() + interval '14 days', p_wedding, p_link, l."on", l.time_zone, 1)
      on conflict do nothing
      returning k.id, to_jsonb(k) as record into b;
    if found then
      v_facts := v_facts || jsonb_build_object('type', 'booking.held', 'scope', 1, 'table', 'bookings', 'id', b.id, 'op', 'INSERT',
        'record', b.record);
      exit;
    end if;
  end loop;
  return v_facts;
end $$;

-- The reaction of a wedding's facts: work for each supplier that it may concern, so that none waits for another. While one of a supplier waits no
-- other is owed: it looks at what stands, and what this one follows is committed. In order with nothing; the key is there to be found by.
create function app.follow_wedding(p_wedding uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_work constant text := 'bookings.follow_supplier';
  v_reactions constant uuid := '00000000-0000-7000-8000-000000000002';
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'follow_wedding is the system''s'; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, args)
  select uuidv7(), 'work', v_work, 0, p_wedding, v_reactions, p_wedding,
    jsonb_build_object('supplier_id', x.supplier_id, 'cause', nullif(current_setting('app.cause', true), ''))
  from (select distinct l.supplier_id from public.links l where l.wedding_id = p_wedding and l.supplier_id is not null) x
  where not exists (select from public.jobs j where j.destination_id = v_reactions and j.order_key = p_wedding and j.name = v_work
    and j.lease_token is null and j.args ->> 'supplier_id' = x.supplier_id::text);
end $$;

-- That work, first half: a hold where the supplier is newly linked to the entered wedding, and its conflicts. Returns the nudge, or null.
create function app.follow_supplier(p_supplier uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_links uuid[] := array(select x.id from public.links x where x.wedding_id = v_wedding and x.supplier_id = p_supplier
    and x.status in ('active', 'revoked', 'completed') order by x.id);
  v_link uuid;
  v_looks app.look[] := '{}';
  v_facts jsonb := '[]';
  v_nudge text;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'follow_supplier is the system''s'; end if;
  if cardinality(v_links) = 0 then return null; end if;
  perform app.begin_checks(p_supplier);
  foreach v_link in array v_links loop
    v_facts := v_facts || app.propose_hold(v_wedding, v_link);
  end loop;
  foreach v_link in array v_links loop
    v_looks := v_looks || app.looks_of(p_supplier, '{}', v_link);
  end loop;
  v_facts := v_facts || coalesce((select a.facts from app.look_again(v_looks) a), '[]');
  if v_facts <> '[]' then v_nudge := app.record(v_facts); end if;
  perform app.settle(null, 'system', v_wedding, 'system', 2047, 2047);
  return v_nudge;
end $$;

-- Whether the entered wedding knows already how that supplier stands on its date, and no more of one whose link has ended: most changes of a
-- wedding are none of that. What the supplier books and frees is told by reactions to that.
create function app.is_told(p_supplier uuid) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'is_told is the system''s'; end if;
  return not exists (
    select from public.links l left join public.link_days k on k.wedding_id = l.wedding_id and k.link_id = l.id
    left join lateral app.day_of_link(l.wedding_id, l.id) d on true
    where l.wedding_id = app.tenant() and l.supplier_id = p_supplier and ((k."on", k.state) is distinct from (d."on", d.state)
      or (l.status <> 'active' and exists (select from public.link_bookings b where b.wedding_id = l.wedding_id and b.link_id = l.id))));
end $$;

-- Second half, where it is not told: what the entered wedding knows of that supplier.
create function app.tell_wedding(p_supplier uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'tell_wedding is the system''s'; end if;
  return app.put_told(app.tenant(), array(select x.id from public.links x where x.wedding_id = app.tenant() and x.supplier_id = p_supplier order by x.id));
end $$;
grant execute on function app.check_bookings(tstzrange[], uuid), app.tell_weddings(uuid[], date[]), app.follow_wedding(uuid),
  app.follow_supplier(uuid), app.is_told(uuid), app.tell_wedding(uuid) to wedsync_user;

-- The clock: holds whose time is over end, bookings that are over are fulfilled. First whose, then each in a transaction of its own.
create function app.suppliers_due(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct x.supplier_id from (
    (select b.supplier_id from public.bookings b where b.state = 'hold' and b.expires_at <= app.now() order by b.expires_at limit p_limit)
    union all
    (select b.supplier_id from public.bookings b where b.state = 'booked' and b.ends_at <= app.now() order by b.ends_at limit p_limit)) x
  order by x.supplier_id;
$$;

-- Returns the nudge, or null when there was nothing to end.
create function app.end_bookings(p_supplier uuid, p_limit integer default 500) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_supplier, 'system', 2047, 2047);
  with due as (
    select b.id from public.bookings b where b.supplier_id = p_supplier
      and ((b.state = 'hold' and b.expires_at <= app.now()) or (b.state = 'booked' and b.ends_at <= app.now()))
    order by b.id limit p_limit for update skip locked),
  ended as (
    update public.bookings b set state = case when b.state = 'hold' then 'cancelled' else 'fulfilled' end,
      reason = case when b.state = 'hold' then 'expired' else b.reason end, expires_at = null
    from due d where b.supplier_id = p_supplier and b.id = d.id
    returning new.id, case when new.state = 'cancelled' then 'booking.expired' else 'booking.fulfilled' end as type, to_jsonb(new) as record,
      to_jsonb(old) as old_record)
  select jsonb_agg(jsonb_build_object('type', e.type, 'scope', 1, 'table', 'bookings', 'id', e.id, 'op', 'UPDATE', 'record', e.record,
    'old', e.old_record)) into v_facts from ended e;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;
grant execute on function app.suppliers_due(integer), app.end_bookings(uuid, integer) to wedsync_service;
reset role;
