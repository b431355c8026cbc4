-- What the protocol of a wedding day looks at. The tenant is the entered wedding.

-- name: head
select w.wedding_id, w.couple_names, w."on", w.time_zone, w.country, w.ceremony_venue, w.ceremony_address, w.reception_venue, w.reception_address,
  w.guest_estimate, (select app.now()) as now, (select app.role()) as role, (select app.mask()) as mask, (select app.link()) as link_id,
  (select app.actor()) as actor_id, w.date_status not in ('cancelled', 'postponed') as stands
from weddings w
where w.wedding_id = (select app.tenant())

-- name: links
-- Everybody who works at it, and who was invited and has not answered.
select l.id, l.supplier_name, l.category, l.mask, l.status
from links l
where l.wedding_id = (select app.tenant()) and l.status in ('invited', 'active')
order by l.supplier_name, l.id

-- name: standing
-- What readiness is judged by, for the couple.
select
  (select count(*)::integer from schedule_items i where i.wedding_id = w.wedding_id) as items,
  w."on" is not null as has_date,
  (w.ceremony_venue <> '')::integer + (w.reception_venue <> '')::integer as places,
  array(select i.title from schedule_items i
    where i.wedding_id = w.wedding_id and i.owner_link_id is null and i.owner_membership_id is null order by i.starts_at, i.id) as unowned,
  (select coalesce(jsonb_object_agg(x.name, x.n), '{}') from (
    select l.supplier_name as name, count(*) as n
    from acknowledgements a join links l on l.wedding_id = a.wedding_id and l.id = a.link_id and l.status = 'active'
    where a.wedding_id = w.wedding_id and a.status <> 'acknowledged' group by 1) x) as unconfirmed,
  array(select r.supplier_name
    from arrivals r join wedding_days d on d.wedding_id = r.wedding_id and d."on" = r."on"
    where r.wedding_id = w.wedding_id and r.confirmed_at is not null) as arriving,
  (select count(*)::integer from day_contacts c where c.wedding_id = w.wedding_id) as contacts,
  (select count(*)::integer from schedule_items i where i.wedding_id = w.wedding_id and i.takes_rsvps) as takes_rsvps,
  (select count(distinct k.schedule_item_id)::integer from headcount_locks k
    where k.wedding_id = w.wedding_id and k.released_at is null) as locked,
  exists (select from guest_needs n where n.wedding_id = w.wedding_id) as has_needs,
  exists (select from dietary_sheets s where s.wedding_id = w.wedding_id) as has_sheet,
  array(select distinct l.supplier_name from payments p join links l on l.wedding_id = p.wedding_id and l.id = p.link_id
    where p.wedding_id = w.wedding_id and p.status in ('requested', 'part_paid') and p.due_on < (select app.now())::date) as unpaid,
  (select count(*)::integer from tasks t where t.wedding_id = w.wedding_id and t.status not in ('done', 'cancelled') and t.due_on < (select app.now())::date) as tasks_late
from weddings w
where w.wedding_id = (select app.tenant())

-- name: watches
select x."on", x.next_at, x.packs from day_watches x where x.wedding_id = (select app.tenant())

-- name: put_watch
insert into day_watches (wedding_id, "on", next_at)
values ((select app.tenant()), $1, $2)
on conflict (wedding_id, "on") do update
set next_at = excluded.next_at

-- name: put_packed
-- So many of a day's packs were made by the clock.
insert into day_watches (wedding_id, "on", next_at, packs)
values ((select app.tenant()), $1, (select app.now()), $2)
on conflict (wedding_id, "on") do update
set packs = excluded.packs

-- name: hold
-- One look at a wedding at a time.
select pg_advisory_xact_lock(hashtextextended('days.mind:' || app.tenant(), 0))

-- name: hold_packs
-- One making of its packs at a time.
select pg_advisory_xact_lock(hashtextextended('days.pack:' || app.tenant(), 0))

-- name: packed
-- The last amendment that is in a day pack.
select coalesce(max(p.number), 0) from day_packs p where p.wedding_id = (select app.tenant())

-- name: arrival
-- Who does not come, and what they do.
select r.id, r.link_id, r.supplier_name, r.contact_name, r.contact_phone, r.expected_at, r.eta_at, r.zone, r.state, r.rung, l.category
from arrivals r
join links l on l.wedding_id = r.wedding_id and l.id = r.link_id
where r.wedding_id = (select app.tenant()) and r.id = $1

-- name: backups
select b.supplier_id, b.name, b.place, b.slug from app.backups($1) b

-- name: poke
select app.poke_days($1)

-- name: poke_weather
select app.poke_weather()

-- name: look_as
select app.look_as($1)

-- name: calmed
-- The emergency that the clock raised about who had not come, once nobody is missing ($1 the rung of it); who came meanwhile.
select a.id,
  array(select r.supplier_name from arrivals r
    where r.wedding_id = a.wedding_id and r.arrived_at >= a.raised_at order by r.arrived_at, r.id) as names,
  array(select r.arrived_at from arrivals r
    where r.wedding_id = a.wedding_id and r.arrived_at >= a.raised_at order by r.arrived_at, r.id) as times,
  array(select r.zone from arrivals r
    where r.wedding_id = a.wedding_id and r.arrived_at >= a.raised_at order by r.arrived_at, r.id) as zones
from alerts a
where a.wedding_id = (select app.tenant()) and a.ended_at is null and a.kind = 'emergency' and a.what = 'supplier_missing' and a.raised_by is null
  and not exists (select from arrivals r join links l on l.wedding_id = r.wedding_id and l.id = r.link_id and l.status = 'active'
    where r.wedding_id = a.wedding_id and r.rung >= $1 and r.state in ('expected', 'on_my_way'))

-- name: open_alerts
-- Raised until $1 and not over, but for danger to life: that is ended by people alone.
select a.id from alerts a
where a.wedding_id = (select app.tenant()) and a.ended_at is null and a.state in ('triggered', 'acknowledged') and a.raised_at <= $1
  and a.severity <> 'p0'
order by a.id

-- name: aftercare
select d.id, d.wedding_id, d."on", d.stage, d.began_at from day_stages d where d.wedding_id = (select app.tenant()) order by d."on", d.began_at

-- name: promised
select p.id, l.supplier_name, p.kind, p.title, p.promised_on, p.stage
from photo_deliveries p
join links l on l.wedding_id = p.wedding_id and l.id = p.link_id
where p.wedding_id = (select app.tenant()) and p.delivered_at is null and p.stage not in ('delivered', 'viewed', 'downloaded', 'archived')
order by p.promised_on nulls last, p.id
limit 100

-- name: owed
select p.id, l.supplier_name, p.title, p.due_on
from payments p
join links l on l.wedding_id = p.wedding_id and l.id = p.link_id
where p.wedding_id = (select app.tenant()) and p.status in ('requested', 'part_paid')
order by p.due_on nulls last, p.id
limit 100

-- name: left_to_do
select t.id, t.title, t.due_on
from tasks t
where t.wedding_id = (select app.tenant()) and t.status not in ('done', 'cancelled')
order by t.due_on nulls last, t.id
limit 100

-- name: due
select w.live, w.due, w.next_at from ops.weddings_due() w

-- name: safe_accounts
select s.connector, s.accounts, s.failing, s.until from ops.safe_mode() s

-- name: mail_backups
-- Who sends mail, first to last.
select m.name, m.position, m.is_down, m.reason, m.heard_at, m.is_warm from ops.mail_backups() m

-- name: spots
-- Where items are, as far as plans for bad weather say it.
select i.kind, i.place, g.latitude, g.longitude
from weather_gates g
join schedule_items i on i.wedding_id = g.wedding_id and i.id = g.schedule_item_id
where g.wedding_id = (select app.tenant())
order by i.starts_at, i.id
