-- Every statement of the schedule. The tenant is the entered one: flat paths know no wedding id.

-- name: lock
-- One writer of a wedding's schedule at a time. Rows cannot be the lock: an empty schedule has none, and a supplier may lock no other.
select pg_advisory_xact_lock(hashtextextended('schedule:' || app.tenant(), 0))

-- name: plan
-- Read after the lock, so that it sees what the writer before committed.
select i.id, i.wedding_id, i.kind, i.title, i."on", i.at_local, i.zone, i.starts_at, i.minutes, i.buffer_minutes, i.place, i.owner_link_id,
  i.owner_membership_id, i.is_anchored, i.takes_rsvps, i.audience, i.position, i.version, i.created_at, i.updated_at,
  coalesce((
    select jsonb_agg(jsonb_build_object('item_id', d.after_item_id, 'lag_minutes', d.lag_minutes) order by d.after_item_id)
    from schedule_dependencies d
    where d.wedding_id = i.wedding_id and d.item_id = i.id), '[]') as after,
  ((select app.write_mask()) & 2) <> 0 as may_write, ((select app.write_mask()) & 512) <> 0 as is_couple, (select app.day_guard()) as guard
from schedule_items i
where i.wedding_id = (select app.tenant())
order by i.starts_at, i.id

-- name: page
-- $1 is the last item of the page before.
select i.id, i.wedding_id, i.kind, i.title, i."on", i.at_local, i.zone, i.starts_at, i.minutes, i.buffer_minutes, i.place, i.owner_link_id,
  i.owner_membership_id, i.is_anchored, i.takes_rsvps, i.audience, i.position, i.version, i.created_at, i.updated_at,
  coalesce((
    select jsonb_agg(jsonb_build_object('item_id', d.after_item_id, 'lag_minutes', d.lag_minutes) order by d.after_item_id)
    from schedule_dependencies d
    where d.wedding_id = i.wedding_id and d.item_id = i.id), '[]') as after
from schedule_items i
where i.wedding_id = (select app.tenant())
  and ($1::uuid is null
    or (i.starts_at, i.id) > (select c.starts_at, c.id from schedule_items c where c.wedding_id = (select app.tenant()) and c.id = $1))
order by i.starts_at, i.id
limit $2

-- name: one
select i.id, i.wedding_id, i.kind, i.title, i."on", i.at_local, i.zone, i.starts_at, i.minutes, i.buffer_minutes, i.place, i.owner_link_id,
  i.owner_membership_id, i.is_anchored, i.takes_rsvps, i.audience, i.position, i.version, i.created_at, i.updated_at,
  coalesce((
    select jsonb_agg(jsonb_build_object('item_id', d.after_item_id, 'lag_minutes', d.lag_minutes) order by d.after_item_id)
    from schedule_dependencies d
    where d.wedding_id = i.wedding_id and d.item_id = i.id), '[]') as after
from schedule_items i
where i.wedding_id = (select app.tenant()) and i.id = $1

-- name: current
select to_jsonb(i) as record from schedule_items i where i.wedding_id = (select app.tenant()) and i.id = $1

-- name: wedding
-- What new items take over, and the core times that ceremony and reception stand for.
select w.wedding_id, w."on", w.time_zone, w.ceremony_at, w.reception_at, uuidv7() as fresh_id, ((select app.write_mask()) & 2) <> 0 as may_write,
  ((select app.write_mask()) & 512) <> 0 as is_couple, (select app.day_guard()) as guard
from weddings w
where w.wedding_id = (select app.tenant())

-- name: last_date
-- The date the items were made for, where the wedding had none for a while.
select h."on"
from date_history h
where h.wedding_id = (select app.tenant()) and h."on" is not null
order by h.changed_at desc, h.id desc
limit 1

-- name: known_owner
-- An owner this audience may name: a live link or a member.
select exists (
    select from links l
    where l.wedding_id = (select app.tenant()) and l.id = $1 and l.status in ('invited', 'requested', 'active'))
  or exists (
    select from memberships m
    where m.wedding_id = (select app.tenant()) and m.id = $2 and m.removed_at is null) as known

-- name: add
insert into schedule_items (id, wedding_id, kind, title, "on", at_local, zone, minutes, buffer_minutes, place, owner_link_id, owner_membership_id,
  is_anchored, takes_rsvps, audience, position)
select n.id, (select app.tenant()), n.kind, n.title, n."on", n.at_local, n.zone, n.minutes, n.buffer_minutes, n.place, n.owner_link_id,
  n.owner_membership_id, n.is_anchored, n.takes_rsvps, n.audience, n.position
from jsonb_to_record($1) as n(id uuid, kind text, title text, "on" date, at_local time, zone text, minutes integer, buffer_minutes integer,
  place text, owner_link_id uuid, owner_membership_id uuid, is_anchored boolean, takes_rsvps boolean, audience text, position integer)
returning new.id, new.starts_at, to_jsonb(new) as record

-- name: write
-- Every changed item in one statement; each object of the json names an item and the fields that are new.
update schedule_items i
set kind = n.kind, title = n.title, "on" = n."on", at_local = n.at_local, zone = n.zone, minutes = n.minutes, buffer_minutes = n.buffer_minutes,
  place = n.place, owner_link_id = n.owner_link_id, owner_membership_id = n.owner_membership_id, is_anchored = n.is_anchored,
  takes_rsvps = n.takes_rsvps, audience = n.audience, position = n.position
from (
  select (jsonb_populate_record(x, c.fields)).*
  from jsonb_array_elements($1) as c(fields)
  join schedule_items x on x.wedding_id = (select app.tenant()) and x.id = (c.fields ->> 'id')::uuid
  for no key update of x) n
where i.wedding_id = (select app.tenant()) and i.id = n.id
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove
delete from schedule_items i
where i.wedding_id = (select app.tenant()) and i.id = $1
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: has_answers
select app.item_has_answers($1)

-- name: put_dependencies
-- $1: the rows; $2: the items whose dependencies they replace.
with wanted as (
  select n.item_id, n.after_item_id, n.lag_minutes
  from jsonb_to_recordset($1) as n(item_id uuid, after_item_id uuid, lag_minutes integer)),
gone as (
  delete from schedule_dependencies d
  where d.wedding_id = (select app.tenant()) and d.item_id = any ($2::uuid[])
    and not exists (select from wanted w where w.item_id = d.item_id and w.after_item_id = d.after_item_id))
insert into schedule_dependencies as d (wedding_id, item_id, after_item_id, lag_minutes)
select (select app.tenant()), w.item_id, w.after_item_id, w.lag_minutes from wanted w
on conflict (wedding_id, item_id, after_item_id) do update
set lag_minutes = excluded.lag_minutes
where d.lag_minutes <> excluded.lag_minutes

-- name: put_days
-- Makes the days what the json says; only rows that changed come back.
with wanted as (
  select n."on", n.zone, n.live_from, n.live_until
  from jsonb_to_recordset($1) as n("on" date, zone text, live_from timestamptz, live_until timestamptz)),
gone as (
  delete from wedding_days d
  where d.wedding_id = (select app.tenant()) and d."on" not in (select w."on" from wanted w)
  returning old.id, 'DELETE' as op, null::jsonb as record, to_jsonb(old) as old_record),
kept as (
  insert into wedding_days as d (wedding_id, "on", zone, live_from, live_until)
  select (select app.tenant()), w."on", w.zone, w.live_from, w.live_until from wanted w
  on conflict (wedding_id, "on") do update
  set zone = excluded.zone, live_from = excluded.live_from, live_until = excluded.live_until
  where (d.zone, d.live_from, d.live_until) is distinct from (excluded.zone, excluded.live_from, excluded.live_until)
  returning new.id, case when old.id is null then 'INSERT' else 'UPDATE' end as op, to_jsonb(new) as record,
    case when old.id is null then null else to_jsonb(old) end as old_record)
select g.id, g.op, g.record, g.old_record from gone g
union all
select k.id, k.op, k.record, k.old_record from kept k

-- name: days
select d.id, d.wedding_id, d."on", d.zone, d.live_from, d.live_until, d.version, d.updated_at
from wedding_days d
where d.wedding_id = (select app.tenant())
order by d."on"

-- name: contacts
-- $1 is the last contact of the page before.
select c.id, c.wedding_id, c.name, c.what, c.phone, c.position, c.version, c.updated_at
from day_contacts c
where c.wedding_id = (select app.tenant())
  and ($1::uuid is null
    or (c.position, c.id) > (select x.position, x.id from day_contacts x where x.wedding_id = (select app.tenant()) and x.id = $1))
order by c.position, c.id
limit $2

-- name: contact
select c.id, c.wedding_id, c.name, c.what, c.phone, c.position, c.version, c.updated_at, to_jsonb(c) as record,
  ((select app.write_mask()) & 2) <> 0 as may_write
from day_contacts c
where c.wedding_id = (select app.tenant()) and c.id = $1

-- name: add_contact
insert into day_contacts (wedding_id, name, what, phone, position)
select w.wedding_id, $1, $2, $3, $4 from weddings w where w.wedding_id = (select app.tenant())
returning new.id, to_jsonb(new) as record

-- name: change_contact
-- The row is locked before it is read, so that of two changes at once neither is lost.
update day_contacts c
set name = n.name, what = n.what, phone = n.phone, position = n.position
from (
  select (jsonb_populate_record(x, $2)).*
  from day_contacts x
  where x.wedding_id = (select app.tenant()) and x.id = $1
  for no key update) n
where c.wedding_id = (select app.tenant()) and c.id = $1 and ($3::integer is null or c.version = $3)
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove_contact
delete from day_contacts c
where c.wedding_id = (select app.tenant()) and c.id = $1 and ($2::integer is null or c.version = $2)
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: unconfirmed
-- Which suppliers have not confirmed the newest change of an item, and what it was before.
select a.about, a.summary, l.supplier_name
from acknowledgements a
join links l on l.wedding_id = a.wedding_id and l.id = a.link_id
where a.wedding_id = (select app.tenant()) and a.status <> 'acknowledged' and l.status = 'active' and a.about like 'schedule\_items:%'
order by l.supplier_name, a.id

-- name: owners
-- Whom an item can be given to: (kind, id, name), and for links their scopes.
select 'link' as kind, l.id, l.supplier_name as name, l.mask, l.status
from links l
where l.wedding_id = (select app.tenant()) and l.status in ('invited', 'requested', 'active')
union all
select 'membership', m.id, coalesce(nullif(m.name, ''), p.name, ''), 0, m.role
from memberships m
left join app.people_of((select app.tenant())) p on p.person_id = m.person_id
where m.wedding_id = (select app.tenant()) and m.removed_at is null
order by 1 desc, 3, 2
