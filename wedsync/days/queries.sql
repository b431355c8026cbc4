-- Every statement of wedding days. The tenant is the entered wedding.

-- name: hold
-- The schedule's own lock: one writer of a plan, and of what is said about it on the day.
select pg_advisory_xact_lock(hashtextextended('schedule:' || app.tenant(), 0))

-- name: about
-- Who asks, and what of.
select w.wedding_id, w.couple_names, w.time_zone, (select app.role()) as role, (select app.actor()) as actor_id, (select app.link()) as link_id,
  (select app.membership()) as membership_id, (select app.mask()) as mask, ((select app.write_mask()) & 2) <> 0 as may_write,
  ((select app.write_mask()) & 512) <> 0 as is_couple, (select app.now()) as now, (select app.my_name()) as name
from weddings w
where w.wedding_id = (select app.tenant())

-- name: days
select d.id, d.wedding_id, d."on", d.zone, d.live_from, d.live_until, d.version, d.updated_at
from wedding_days d
where d.wedding_id = (select app.tenant())
order by d."on"

-- name: item
select i.id, i.title, i.kind, i."on", i.at_local, i.zone, i.starts_at, i.minutes, i.place, i.owner_link_id, i.owner_membership_id
from schedule_items i
where i.wedding_id = (select app.tenant()) and i.id = $1

-- name: amend
insert into amendments (wedding_id, number, kind, schedule_item_id, title, before, after, reason, author_id, author_name, author_link_id, made_at)
select (select app.tenant()), coalesce(max(a.number), 0) + 1, $1, $2, $3, $4, $5, $6, (select app.actor()), $7, (select app.link()), (select app.now())
from amendments a
where a.wedding_id = (select app.tenant())
returning new.id, to_jsonb(new) as record, null::jsonb as old_record

-- name: amendments
-- Newest first; $1 the last one of the page before.
select a.id, a.wedding_id, a.number, a.kind, a.schedule_item_id, a.title, a.before, a.after, a.reason, a.author_id, a.author_name, a.author_link_id,
  a.made_at
from amendments a
where a.wedding_id = (select app.tenant()) 
  and ($1::uuid is null or a.number < (select x.number from amendments x where x.wedding_id = (select app.tenant()) and x.id = $1))
order by a.number desc
limit $2

-- name: amendment
select a.id, a.wedding_id, a.number, a.kind, a.schedule_item_id, a.title, a.before, a.after, a.reason, a.author_id, a.author_name, a.author_link_id,
  a.made_at
from amendments a
where a.wedding_id = (select app.tenant()) and a.id = $1

-- name: standing
-- How each amendment stands with those who confirm it.
select a.about, count(*)::integer as asked, count(*) filter (where a.status = 'acknowledged')::integer as confirmed,
  coalesce(array_agg(l.supplier_name order by l.supplier_name) filter (where a.status <> 'acknowledged'), '{}') as waiting_for
from acknowledgements a
join links l on l.wedding_id = a.wedding_id and l.id = a.link_id
where a.wedding_id = (select app.tenant()) and a.type = 'amendment.made'
group by a.about

-- name: arrivals
-- Of one day, or of all that there are: when the date changes, what was said of the old one holds no longer.
select r.id, r.wedding_id, r.link_id, r.supplier_name, r."on", r.zone, r.expected_at, r.contact_name, r.contact_phone, r.vehicle, r.confirmed_at, r.asked, r.state,
  r.eta_at, r.arrived_at, r.left_at, r.rung, r.said_by, r.version, r.created_at, r.updated_at
from arrivals r
where r.wedding_id = (select app.tenant()) and ($1::date is null or r."on" = $1)
  and exists (select from wedding_days d where d.wedding_id = r.wedding_id and d."on" = r."on")
order by r.expected_at, r.id

-- name: arrival
select r.id, r.wedding_id, r.link_id, r.supplier_name, r."on", r.zone, r.expected_at, r.contact_name, r.contact_phone, r.vehicle, r.confirmed_at, r.asked, r.state,
  r.eta_at, r.arrived_at, r.left_at, r.rung, r.said_by, r.version, r.created_at, r.updated_at
from arrivals r
where r.wedding_id = (select app.tenant()) and r.id = $1

-- name: current_arrival
select to_jsonb(r) as record from arrivals r where r.wedding_id = (select app.tenant()) and r.id = $1

-- name: claim_arrival
select r.id, r.link_id, r.state, r.rung, r.version, r.contact_name
from arrivals r
where r.wedding_id = (select app.tenant()) and r.id = $1
for update

-- name: confirm_arrival
insert into arrivals (wedding_id, link_id, supplier_name, "on", zone, expected_at, contact_name, contact_phone, vehicle, confirmed_at, said_by)
select (select app.tenant()), $1, n.name, $2, $3, $4, $5, $6, $7, (select app.now()), $8
from (select app.link_name($1) as name) n
where n.name is not null
on conflict (wedding_id, link_id, "on") do update
set zone = excluded.zone, expected_at = excluded.expected_at, contact_name = excluded.contact_name, contact_phone = excluded.contact_phone,
  vehicle = excluded.vehicle, confirmed_at = excluded.confirmed_at, said_by = excluded.said_by, rung = 0
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: ask_arrival
-- Asked once more, or for the first time with when they are needed; who has said when they come is not asked.
insert into arrivals (wedding_id, link_id, supplier_name, "on", zone, expected_at, asked)
select (select app.tenant()), $1, n.name, $2, $3, $4, $5
from (select app.link_name($1) as name) n
where n.name is not null
on conflict (wedding_id, link_id, "on") do update
set asked = excluded.asked
where arrivals.confirmed_at is null and arrivals.asked < excluded.asked
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: step_arrival
update arrivals r
set state = $2, eta_at = $3, said_by = $4, rung = case when $2 = 'on_my_way' then r.rung else 0 end,
  arrived_at = case when $2 in ('on_site', 'ready') then coalesce(r.arrived_at, (select app.now())) else r.arrived_at end,
  left_at = case when $2 = 'left' then (select app.now()) end
where r.wedding_id = (select app.tenant()) and r.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: climb
update arrivals r
set rung = $2
where r.wedding_id = (select app.tenant()) and r.id = $1 and r.rung < $2 and r.state in ('expected', 'on_my_way')
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: marks
select m.id, m.wedding_id, m.schedule_item_id, m.state, m.late_minutes, m.started_at, m.done_at, m.said_by, m.version, m.updated_at
from item_marks m
where m.wedding_id = (select app.tenant())

-- name: mark
insert into item_marks (wedding_id, schedule_item_id, state, late_minutes, said_by, started_at, done_at)
values ((select app.tenant()), $1, coalesce($2, 'planned'), coalesce($3, 0), $4, case when $2 in ('started', 'done') then (select app.now()) end,
  case when $2 = 'done' then (select app.now()) end)
on conflict (wedding_id, schedule_item_id) do update
set state = coalesce($2, item_marks.state), late_minutes = coalesce($3, item_marks.late_minutes), said_by = excluded.said_by,
  started_at = case when $2 = 'planned' then null else coalesce(item_marks.started_at, excluded.started_at) end,
  done_at = case when $2 in ('planned', 'started') then null else coalesce(item_marks.done_at, excluded.done_at) end
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: guard
select app.day_guard()

-- name: couple_count
select app.couple_count()

-- name: hold_change
insert into held_changes (wedding_id, fields, reason, asked_by, asked_name, asked_at)
values ((select app.tenant()), $1, $2, (select app.actor()), $3, (select app.now()))
on conflict (wedding_id) where state = 'waiting' do nothing
returning new.id, to_jsonb(new) as record, null::jsonb as old_record

-- name: claim_change
select c.id, c.fields, c.state, c.asked_by, c.asked_name
from held_changes c
where c.wedding_id = (select app.tenant()) and c.id = $1
for update

-- name: end_change
update held_changes c
set state = $2, ended_by = (select app.actor()), ended_name = $3, ended_at = (select app.now())
where c.wedding_id = (select app.tenant()) and c.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: held_changes
select c.id, c.wedding_id, c.fields, c.reason, c.state, c.asked_by, c.asked_name, c.asked_at, c.ended_by, c.ended_name, c.ended_at, c.version,
  c.updated_at
from held_changes c
where c.wedding_id = (select app.tenant()) and ($1::uuid is null or c.id = $1)
order by c.id desc
limit 50

-- name: put_pack
-- The newest five of each audience are kept. The fact tells of the file and does not carry it.
with old as (
  delete from day_packs p
  where p.wedding_id = (select app.tenant()) and p.id in (
    select x.id from day_packs x
    where x.wedding_id = (select app.tenant()) and x.link_id is not distinct from $2
    order by x.made_at desc, x.id desc
    offset 4))
insert into day_packs (id, wedding_id, link_id, because, number, bytes, sealed, made_at)
values ($1, (select app.tenant()), $2, $3, $4, $5, $6, (select app.now()))
returning new.id, to_jsonb(new) - 'sealed' as record, null::jsonb as old_record

-- name: packs
-- Newest first: a supplier's own, the couple's all.
select p.id, p.wedding_id, p.link_id, p.because, p.number, p.bytes, p.made_at
from day_packs p
where p.wedding_id = (select app.tenant())
order by p.made_at desc, p.id desc
limit 200

-- name: pack
select p.id, p.wedding_id, p.sealed, p.made_at from day_packs p where p.wedding_id = (select app.tenant()) and p.id = $1

-- name: last_number
select coalesce(max(a.number), 0) from amendments a where a.wedding_id = (select app.tenant())

-- name: owe_look
-- The clock of the day looks at once.
select app.owe_look()

-- name: owe_packs
-- Day packs are made anew, in a moment.
select app.owe_packs()

-- name: plan
select i.id, i.wedding_id, i.kind, i.title, i."on", i.at_local, i.zone, i.starts_at, i.minutes, i.buffer_minutes, i.place, i.owner_link_id,
  i.owner_membership_id, i.is_anchored, i.takes_rsvps, i.audience, i.position, i.version, i.created_at, i.updated_at,
  coalesce((
    select jsonb_agg(jsonb_build_object('item_id', d.after_item_id, 'lag_minutes', d.lag_minutes) order by d.after_item_id)
    from schedule_dependencies d
    where d.wedding_id = i.wedding_id and d.item_id = i.id), '[]') as after
from schedule_items i
where i.wedding_id = (select app.tenant())
order by i.starts_at, i.id

-- name: helper_session
-- Whether this helper's page may listen.
select s.session_id from app.helper_session() s

-- name: begin_stage
insert into day_stages (wedding_id, "on", stage, began_at)
values ((select app.tenant()), $1, $2, (select app.now()))
on conflict (wedding_id, "on", stage) do nothing
returning new.id, to_jsonb(new) as record, null::jsonb as old_record

-- name: gates
select g.id, g.wedding_id, g.schedule_item_id, g.latitude, g.longitude, g.plan_b, g.plan_b_place, g.zone, g.decide_by, g.rain_mm_max, g.gust_kmh_max,
  g.cold_c_min, g.heat_c_max, g.state, g.crossed, g.rain_mm, g.rain_chance, g.gust_kmh, g.low_c, g.high_c, g.forecast_at, g.trouble, g.next_at,
  g.asked_links, g.decided_name, g.decided_at, g.reason, g.version, g.created_at, g.updated_at, i.title, i.starts_at
from weather_gates g
join schedule_items i on i.wedding_id = g.wedding_id and i.id = g.schedule_item_id
where g.wedding_id = (select app.tenant()) and ($1::uuid is null or g.id = $1)
order by i.starts_at, g.id

-- name: gates_due
select g.id, g.wedding_id, g.schedule_item_id, g.latitude, g.longitude, g.plan_b, g.plan_b_place, g.zone, g.decide_by, g.rain_mm_max, g.gust_kmh_max,
  g.cold_c_min, g.heat_c_max, g.state, g.crossed, g.rain_mm, g.rain_chance, g.gust_kmh, g.low_c, g.high_c, g.forecast_at, g.trouble, g.next_at,
  g.asked_links, g.decided_name, g.decided_at, g.reason, g.version, g.created_at, g.updated_at, i.starts_at, i.starts_at + make_interval(mins => i.minutes) as ends_at
from weather_gates g
join schedule_items i on i.wedding_id = g.wedding_id and i.id = g.schedule_item_id
where g.wedding_id = (select app.tenant()) and g.state in ('waiting', 'asked') and g.next_at <= (select app.now())
order by g.next_at, g.id

-- name: claim_gate
select g.id, g.wedding_id, g.schedule_item_id, g.latitude, g.longitude, g.plan_b, g.plan_b_place, g.zone, g.decide_by, g.rain_mm_max, g.gust_kmh_max,
  g.cold_c_min, g.heat_c_max, g.state, g.crossed, g.rain_mm, g.rain_chance, g.gust_kmh, g.low_c, g.high_c, g.forecast_at, g.trouble, g.next_at,
  g.asked_links, g.decided_name, g.decided_at, g.reason, g.version, g.created_at, g.updated_at
from weather_gates g
where g.wedding_id = (select app.tenant()) and g.id = $1
for update

-- name: gate_count
-- Beside the one of this item.
select count(*)::integer from weather_gates g where g.wedding_id = (select app.tenant()) and g.schedule_item_id <> $1

-- name: put_gate
insert into weather_gates (wedding_id, schedule_item_id, latitude, longitude, plan_b, plan_b_place, zone, decide_by, rain_mm_max, gust_kmh_max,
  cold_c_min, heat_c_max, next_at)
values ((select app.tenant()), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, (select app.now()))
on conflict (wedding_id, schedule_item_id) do update
set latitude = excluded.latitude, longitude = excluded.longitude, plan_b = excluded.plan_b, plan_b_place = excluded.plan_b_place,
  zone = excluded.zone, decide_by = excluded.decide_by, rain_mm_max = excluded.rain_mm_max, gust_kmh_max = excluded.gust_kmh_max,
  cold_c_min = excluded.cold_c_min, heat_c_max = excluded.heat_c_max, next_at = excluded.next_at, state = 'waiting', crossed = '{}',
  asked_links = '{}', decided_name = '', decided_at = null, reason = ''
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove_gate
delete from weather_gates g
where g.wedding_id = (select app.tenant()) and g.id = $1
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: gate_seen
update weather_gates g
set state = $2, crossed = $3, rain_mm = $4, rain_chance = $5, gust_kmh = $6, low_c = $7, high_c = $8, next_at = $9, asked_links = $10,
  forecast_at = (select app.now()), trouble = ''
where g.wedding_id = (select app.tenant()) and g.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: gate_trouble
update weather_gates g
set trouble = $2, next_at = $3
where g.wedding_id = (select app.tenant()) and g.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: decide_gate
update weather_gates g
set state = $2, decided_name = $3, reason = $4, decided_at = (select app.now())
where g.wedding_id = (select app.tenant()) and g.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: leading_links
-- Suppliers who may change the schedule: whoever leads the day.
select l.id from links l
where l.wedding_id = (select app.tenant()) and l.status = 'active' and l.can_edit_timeline
order by l.id
