-- Bookings: which days are free, what cannot both be right, and how a wedding hears of it.
set role wedsync_recorder;

-- What is asked of many suppliers at once is stable and without settings of its own, so that it becomes part of the statement that asks.

-- A day of a supplier runs from five in the morning (what ends later belongs to the night before) to midnight, where the supplier is. Free: one
-- resource has nothing in it. Partly: one has four hours together. The longest stretch asked for is what the callers allow.
create function app.days_of(p_supplier uuid, p_from date, p_to date) returns table ("on" date, state text)
language sql stable as $$
  with days as materialized (
    select d::date as day, tstzrange(timezone(s.time_zone, d::date + time '05:00'), timezone(s.time_zone, (d::date + 1) + time '00:00')) as span
    from public.suppliers s cross join generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') as d
    where s.supplier_id = p_supplier),
  whole as materialized (select tstzrange(min(lower(d.span)), max(upper(d.span))) as span from days d),
  blocks as materialized (
    select b.resource_id, b.blocked as during from public.bookings b
    where b.supplier_id = p_supplier and b.state <> 'cancelled' and b.blocked && (select w.span from whole w)
    union all
    select t.resource_id, t.during from public.busy_times t where t.supplier_id = p_supplier and t.during && (select w.span from whole w)),
  taken as (
    select d.day, d.span, r.id, coalesce(range_agg(k.during * d.span), '{}') as busy
    from days d
    left join public.resources r on r.supplier_id = p_supplier and r.is_active
    left join blocks k on k.resource_id = r.id and k.during && d.span
    group by d.day, d.span, r.id)
  select t.day, case when bool_or(isempty(t.busy)) then 'free' when bool_or(exists (
      select from unnest(tstzmultirange(t.span) - t.busy) as g(gap) where upper(g.gap) - lower(g.gap) >= interval '4 hours')) then 'partly'
    else 'taken' end
  from taken t group by t.day order by t.day;
$$;

-- The wedding of a link of the entered supplier; null for any other link, and for one that is not, or no longer, active.
create function app.wedding_of_link(p_link uuid) returns uuid
language sql stable security definer set search_path = '' as $$
  select l.wedding_id from public.links l where l.id = p_link and l.supplier_id = app.tenant() and l.status = 'active';
$$;
grant execute on function app.wedding_of_link(uuid) to wedsync_user;

-- For the team, in its own tenant.
create function app.availability(p_from date, p_to date) returns table ("on" date, state text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'member', 'system') then raise insufficient_privilege using message = 'availability is the team''s'; end if;
  return query select d."on", d.state from app.days_of(app.tenant(), p_from, p_to) d;
end $$;

-- For the couple, of a supplier that is linked to them; days, never what is in them.
create function app.linked_days(p_link uuid, p_from date, p_to date) returns table ("on" date, state text)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_supplier uuid;
begin
  select l.supplier_id into v_supplier from public.links l where l.wedding_id = app.tenant() and l.id = p_link and l.status = 'active'
    and (app.mask() & 512 <> 0 or l.id = app.link());
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  return query select d."on", d.state from app.days_of(v_supplier, p_from, p_to) d;
end $$;

-- For anybody whom the supplier lets ask: by a link of the number that holds now, or publicly (p_number null). Free or not, nothing else; whether
-- there is no such supplier, it is not public, or the link has ended is answered alike.
create function app.public_days(p_supplier uuid, p_number integer, p_from date, p_to date) returns table ("on" date, is_free boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform from public.booking_settings s where s.supplier_id = p_supplier
    and case when p_number is null then s.is_public else s.has_link and s.link_number = p_number end;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  return query select d."on", d.state = 'free' from app.days_of(p_supplier, p_from, p_to) d;
end $$;
create function app.public_supplier(p_supplier uuid, p_number integer) returns text
language sql stable security definer set search_path = '' as $$
  select u.name from public.booking_settings s join public.suppliers u using (supplier_id)
  where s.supplier_id = p_supplier and case when p_number is null then s.is_public else s.has_link and s.link_number = p_number end;
$$;
grant execute on function app.availability(date, date), app.linked_days(uuid, date, date), app.public_days(uuid, integer, date, date),
  app.public_supplier(uuid, integer) to wedsync_user;

-- A date where something is, from midnight to midnight.
create function app.day_there(p_on date, p_zone text) returns tstzrange language sql stable
  return tstzrange(timezone(p_zone, p_on + time '00:00'), timezone(p_zone, (p_on + 1) + time '00:00'));

-- Weddings of active links that have no booking, on days when no resource has nothing in it: with each booking that stands in the way.
create function app.without_room(p_supplier uuid, p_window tstzrange)
returns table (kind text, booking_id uuid, link_id uuid, other_table text, other_id uuid, during tstzrange)
language sql stable as $$
  with unbooked as materialized (
    select l.id, app.day_there(w."on", w.time_zone) as day
    from public.links l join public.weddings w on w.wedding_id = l.wedding_id
    where l.supplier_id = p_supplier and l.status = 'active' and w."on" is not null and w.date_status <> 'cancelled'
      and app.day_there(w."on", w.time_zone) && p_window and upper(app.day_there(w."on", w.time_zone)) > app.now()
      and not exists (select from public.bookings b where b.supplier_id = p_supplier and b.link_id = l.id and b.state <> 'cancelled')),
  full_days as (
    select u.id, u.day from unbooked u
    where not exists (
      select from public.resources r where r.supplier_id = p_supplier and r.is_active
        and not exists (select from public.bookings b where b.supplier_id = p_supplier and b.resource_id = r.id and b.state <> 'cancelled'
          and b.blocked && u.day)
        and not exists (select from public.busy_times t where t.supplier_id = p_supplier and t.resource_id = r.id and t.during && u.day)))
  select 'no_room', null::uuid, f.id, 'bookings', b.id, f.day
  from full_days f join public.bookings b on b.supplier_id = p_supplier and b.state <> 'cancelled' and b.blocked && f.day;
$$;

-- The conflict check: what cannot both be right of one supplier in one stretch of time. `during` lies in the booking's own stretch, so that a
-- conflict is looked at again whenever either side of it changes. Measured by bench/bookings.py: two index scans and what is near.
create function app.clashes(p_supplier uuid, p_window tstzrange)
returns table (kind text, booking_id uuid, link_id uuid, other_table text, other_id uuid, during tstzrange)
language sql stable as $$
  with near as materialized (
    select b.id, b.resource_id, b.wedding_id, b.link_id, b."on", b.at_local, coalesce(b.days, 1) as days, b.starts_at, b.ends_at, b.blocked
    from public.bookings b
    where b.supplier_id = p_supplier and b.blocked && p_window and b.state in ('hold', 'booked') and b.ends_at > app.now()),
  engaged as materialized (
    select n.*, l.status, l.mask, w."on" as wedding_on, w.time_zone, w.date_status, w.ceremony_at
    from near n
    join public.links l on l.wedding_id = n.wedding_id and l.id = n.link_id
    join public.weddings w on w.wedding_id = n.wedding_id
    where n.link_id is not null),
  alive as (select e.* from engaged e where e.status = 'active' and e.date_status <> 'cancelled'),
  items as (
    select e.id as booking_id, i.id, i.starts_at, app.later(i.starts_at, i.minutes) as ends_at, 'schedule_items' as of_table
    from alive e
    join public.schedule_items i on i.wedding_id = e.wedding_id
      and (i.owner_link_id = e.link_id or (i.kind = 'ceremony' and i.owner_link_id is null))
    where e.mask & 2 <> 0
      and case when i.at_local < time '05:00' then i."on" - 1 else i."on" end between e."on" and e."on" + e.days - 1
    union all
    select e.id, e.wedding_id, timezone(e.time_zone, e.wedding_on + e.ceremony_at), timezone(e.time_zone, e.wedding_on + e.ceremony_at), 'weddings'
    from alive e
    where e.ceremony_at is not null and e.wedding_on between e."on" and e."on" + e.days - 1
      and (e.mask & 2 = 0 or not exists (select from public.schedule_items i where i.wedding_id = e.wedding_id and i.kind = 'ceremony')))
  select 'busy', n.id, n.link_id, 'busy_times', t.id, n.blocked * t.during
  from near n join public.busy_times t on t.supplier_id = p_supplier and t.resource_id = n.resource_id and t.during && n.blocked
  union all
  select 'link_ended', e.id, e.link_id, 'links', e.link_id, e.blocked
  from engaged e where e.status in ('revoked', 'declined') or e.date_status = 'cancelled'
  union all
  select 'other_day', e.id, e.link_id, 'weddings', e.wedding_id, e.blocked
  from alive e
  where e.wedding_on is not null and not e.blocked && app.day_there(e.wedding_on, e.time_zone)
    and not exists (select from public.wedding_days d where d.wedding_id = e.wedding_id and e.blocked && app.day_there(d."on", d.zone))
  union all
  select case when x.starts_at < e.starts_at then 'too_early' else 'too_late' end, e.id, e.link_id, x.of_table, x.id, e.blocked
  from items x join alive e on e.id = x.booking_id
  where e.at_local is not null and not exists (
      select from engaged o where o.link_id = e.link_id and o.starts_at <= x.starts_at and o.ends_at >= x.ends_at)
  union all
  select r.* from app.without_room(p_supplier, p_window) r;
$$;
reset role;
