-- Every statement of venues. The tenant is the entered one: the supplier for spaces, the wedding for what is given to it.

-- name: role
select app.role()

-- name: spaces
-- All, or one; those in use first.
select s.id, s.supplier_id, s.name, s.resource_id, s.seated_max, s.standing_max, s.note, s.is_active, s.version, s.created_at, s.updated_at
from spaces s
where s.supplier_id = app.tenant() and ($1::uuid is null or s.id = $1)
order by not s.is_active, s.name, s.id

-- name: resources
-- What of the calendar a space can be.
select r.id, r.name, r.is_active from resources r where r.supplier_id = app.tenant() order by not r.is_default, r.position, r.id

-- name: space_current
select to_jsonb(s) as record from spaces s where s.supplier_id = app.tenant() and s.id = $1

-- name: claim_space
select s.id, s.name, s.resource_id, s.seated_max, s.standing_max, s.note, s.is_active, s.version
from spaces s
where s.supplier_id = app.tenant() and s.id = $1
for update

-- name: add_space
insert into spaces (supplier_id, name, resource_id, seated_max, standing_max, note)
values (app.tenant(), $1, $2, $3, $4, $5)
returning new.id, to_jsonb(new) as record

-- name: change_space
update spaces s
set name = $2, resource_id = $3, seated_max = $4, standing_max = $5, note = $6, is_active = $7
where s.supplier_id = app.tenant() and s.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove_space
delete from spaces s where s.supplier_id = app.tenant() and s.id = $1
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: offered
-- What the link's supplier can give; all, or one.
select o.id, o.name, o.seated_max, o.standing_max, o.is_active from app.offered_spaces($1) o

-- name: items
-- What a space can be given to: the part of the schedule that this link sees; all, or one.
select i.id, i.title, i."on", i.at_local
from schedule_items i
where i.wedding_id = (select app.tenant()) and ($1::uuid is null or i.id = $1)
order by i.starts_at, i.id

-- name: hold
select app.hold_uses()

-- name: page
-- $1 link, $2 the last one of the page before.
select u.id, u.wedding_id, u.link_id, u.schedule_item_id, u.space_id, u.name, u.arrangement, u.capacity, u.is_over, u.setup_at, u.ready_by,
  u.version, u.created_at, u.updated_at
from space_uses u
where u.wedding_id = (select app.tenant()) and ($1::uuid is null or u.link_id = $1) and ($2::uuid is null or u.id > $2)
order by u.id
limit $3

-- name: one
select u.id, u.wedding_id, u.link_id, u.schedule_item_id, u.space_id, u.name, u.arrangement, u.capacity, u.is_over, u.setup_at, u.ready_by,
  u.version, u.created_at, u.updated_at
from space_uses u
where u.wedding_id = (select app.tenant()) and u.id = $1

-- name: claim
select u.id, u.link_id, u.schedule_item_id, u.space_id, u.name, u.arrangement, u.capacity, u.setup_at, u.ready_by, u.version,
  coalesce(u.link_id = (select app.link()), false) as is_supplier
from space_uses u
where u.wedding_id = (select app.tenant()) and u.id = $1

-- name: current
select to_jsonb(u) as record from space_uses u where u.wedding_id = (select app.tenant()) and u.id = $1

-- name: has_space
-- Whether this link gives a space to the item already, but for one use of it.
select exists (select from space_uses u where u.wedding_id = (select app.tenant()) and u.link_id = (select app.link()) and u.schedule_item_id = $1
  and u.id is distinct from $2::uuid)

-- name: give
insert into space_uses (wedding_id, link_id, schedule_item_id, space_id, name, arrangement, capacity, setup_at, ready_by)
values ((select app.tenant()), (select app.link()), $1, $2, $3, $4, $5, $6, $7)
returning new.id, new.link_id, to_jsonb(new) as record

-- name: rearrange
update space_uses u
set schedule_item_id = $2, space_id = $3, name = $4, arrangement = $5, capacity = $6, setup_at = $7, ready_by = $8
where u.wedding_id = (select app.tenant()) and u.id = $1
returning new.id, new.version, new.link_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: withdraw
delete from space_uses u
where u.wedding_id = (select app.tenant()) and u.id = $1
returning old.id, old.link_id, null::jsonb as record, to_jsonb(old) as old_record

-- name: judge
-- What was just written, turned where those who have accepted fit no longer, or again.
select j.id, j.link_id, j.is_over, j.record, j.old_record from app.judge_use($1) j

-- name: shown
-- What the page of one wedding shows, in the order of the day; numbers only where they are shared.
select u.id, u.link_id, l.supplier_name, u.schedule_item_id, i.title, i."on", i.at_local, u.name, u.arrangement, u.capacity, u.is_over, u.setup_at,
  u.ready_by, h.accepted, h.pending
from space_uses u
join links l on l.wedding_id = u.wedding_id and l.id = u.link_id and l.status = 'active'
left join schedule_items i on i.wedding_id = u.wedding_id and i.id = u.schedule_item_id
left join headcounts h on h.wedding_id = u.wedding_id and h.schedule_item_id = u.schedule_item_id
where u.wedding_id = (select app.tenant())
order by i.starts_at, u.id
limit 200

-- name: about
-- The wedding as its pages name it.
select w.wedding_id as id, w.couple_names, w.time_zone, (select app.link()) as link_id
from weddings w
where w.wedding_id = (select app.tenant())
