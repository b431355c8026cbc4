-- name: links
select l.id, l.wedding_id, l.supplier_id, l.link_id, l.supplier_name, l.category, l.invited_email, l.status, l.level, l.scopes, l.mask,
  l.can_view_guests, l.can_view_dietary, l.can_view_contacts, l.can_view_budget, l.can_edit_timeline, l.invited_by, l.active_since, l.version,
  l.created_at, l.updated_at from links l where l.wedding_id = $1 and l.status not in ('declined', 'revoked') order by l.created_at, l.id

-- name: link
select l.id, l.wedding_id, l.supplier_id, l.link_id, l.supplier_name, l.category, l.invited_email, l.status, l.level, l.scopes, l.mask,
  l.can_view_guests, l.can_view_dietary, l.can_view_contacts, l.can_view_budget, l.can_edit_timeline, l.invited_by, l.active_since, l.version,
  l.created_at, l.updated_at from links l where l.id = $1

-- name: link_for_change
select l.id, l.wedding_id, l.supplier_id, l.link_id, l.supplier_name, l.category, l.invited_email, l.status, l.level, l.scopes, l.mask,
  l.can_view_guests, l.can_view_dietary, l.can_view_contacts, l.can_view_budget, l.can_edit_timeline, l.invited_by, l.active_since, l.version,
  l.created_at, l.updated_at from links l where l.id = $1 for update

-- name: link_current
select to_jsonb(l) as record from links l where l.id = $1

-- name: invite
insert into links (wedding_id, supplier_name, category, invited_email, level, scopes, invited_by)
values ($1, $2, $3, $4, $5, $6, 'couple')
returning new.id, to_jsonb(new) as record

-- name: link_up
insert into links (wedding_id, supplier_id, supplier_name, category, status, level, scopes, invited_by)
values ($1, $2, $3, $4, 'active', $5, $6, 'supplier')
returning new.id, to_jsonb(new) as record

-- name: same_invitation
select l.id from links l where l.wedding_id = $1 and l.invited_email = $2 and l.status in ('invited', 'requested', 'active')

-- name: change
update links l
set level = $2, scopes = $3, can_edit_timeline = $4, status = $5
where l.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: supplier
select s.supplier_id, s.id, s.name, s.category, s.email, s.phone, s.website, s.time_zone, s.version, s.created_at, s.updated_at from
  suppliers s where s.supplier_id = $1

-- name: describe
-- What is null stays.
update suppliers s
set name = coalesce($1, s.name), category = coalesce($2, s.category), time_zone = coalesce($3, s.time_zone)
where s.supplier_id = app.tenant()
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: supplier_image
select s.supplier_id as id, to_jsonb(s) as record from suppliers s where s.supplier_id = $1

-- name: portfolio
select i.supplier_id, i.wedding_id, i.id, i.couple_names, i."on", i.date_status, i.time_zone, i.venue, i.status, i.level, i.waiting,
  i.tasks_open, i.next_due, i.open, i.changed_at, i.version, i.updated_at from supplier_index i where i.supplier_id = $1 order by i."on"
  nulls last, i.wedding_id

-- name: sweep_index
-- Brings the portfolios of all weddings up to date that wait for it: so many jobs and links at once.
select s.done, s.nudge from app.sweep_index(64, 128) s

-- name: head
select s.name, s.category, app.role() as role, app.now() as now, app.my_unread() as unread,
  (select coalesce(sum(i.waiting + i.tasks_open), 0)::int from supplier_index i where i.supplier_id = $1) as waiting,
  (select count(*)::int from enquiries q where q.supplier_id = $1 and q.state = 'received') as enquiries,
  exists (select from onboardings o where o.supplier_id = $1 and o.finished_at is null) as is_setting_up
from suppliers s
where s.supplier_id = $1

-- name: wedding
-- What one wedding shows to one link, part by part; a part whose scope is missing has no rows.
select w.wedding_id as id, w.couple_names, w."on", w.date_status, w.time_zone, w.ceremony_venue, w.ceremony_address, w.ceremony_at,
  w.reception_venue, w.reception_address, w.reception_at, w.guest_estimate, app.mask() as mask, app.write_mask() & 2 <> 0 as may_edit, app.link() as link_id, app.now() as now,
  (select l.category from links l where l.wedding_id = $1 and l.id = app.link()) as category
from weddings w
where w.wedding_id = $1

-- name: wedding_open
select a.id, a.type, a.summary, a.status, a.opened_at
from acknowledgements a
where a.wedding_id = $1 and a.link_id = app.link() and a.status <> 'acknowledged'
order by a.opened_at desc, a.id

-- name: wedding_schedule
select i.id, i.title, i."on", i.at_local, i.place, i.minutes, i.is_anchored, i.owner_link_id = app.link() as is_mine
from schedule_items i
where i.wedding_id = $1
order by i.starts_at, i.id

-- name: wedding_tasks
select t.id, t.title, t.due_on as due, t.status, t.answer, t.waits_for, t.version,
  coalesce(t.link_id = app.link(), false) as is_mine
from tasks t
where t.wedding_id = $1 and t.status <> 'cancelled' and (t.link_id = app.link() or t.link_id is null)
order by t.status = 'done', t.link_id is null, t.due_on nulls last, t.id

-- name: wedding_photos
select d.id, d.kind, d.title, d.stage, d.standing, d.promised_on, d.delivered_at, d.viewed_at, d.overdue_at
from photo_deliveries d
where d.wedding_id = $1 and d.link_id = app.link()
order by d.stage = 'archived', d.promised_on nulls last, d.id

-- name: wedding_spaces
-- What this link gives; how many are coming only where head counts are shared.
select u.id, i.title, u.name, u.arrangement, u.capacity, u.is_over, u.setup_at, u.ready_by, h.accepted
from space_uses u
left join schedule_items i on i.wedding_id = u.wedding_id and i.id = u.schedule_item_id
left join headcounts h on h.wedding_id = u.wedding_id and h.schedule_item_id = u.schedule_item_id
where u.wedding_id = $1 and u.link_id = app.link()
order by i.starts_at, u.id

-- name: wedding_counts
select h.schedule_item_id as item_id, i.title, h.invited, h.accepted, h.declined, h.tentative, h.pending, h.children, h.meals, h.dietary,
  l.locked_at, l.counts as locked
from headcounts h
left join schedule_items i on i.wedding_id = h.wedding_id and i.id = h.schedule_item_id
left join headcount_locks l on l.wedding_id = h.wedding_id and l.schedule_item_id = h.schedule_item_id and l.released_at is null
where h.wedding_id = $1
order by i.starts_at

-- name: wedding_menu
select m.id, m.name from menu_options m where m.wedding_id = $1

-- name: wedding_contacts
select c.name, c.what, c.phone from day_contacts c where c.wedding_id = $1 order by c.position, c.id

-- name: open_of_links
select a.link_id, a.id, a.type, a.summary, a.status, a.opened_at
from acknowledgements a
where a.wedding_id = $1 and a.status <> 'acknowledged'
order by a.opened_at desc

-- name: last_seen
select x.link_id, max(x.last_at) as at from access_log x where x.tenant_id = $1 group by x.link_id

-- name: may_edit_timeline
select app.write_mask() & 2 <> 0

-- name: my_role
select app.role()

-- name: lock_team
-- One writer of a team at a time: an owner may not lock the rows of others' roles before knowing them.
select pg_advisory_xact_lock(hashtextextended('team:' || app.tenant(), 0))

-- name: team
-- Everybody, or one; owners first.
select m.id, m.supplier_id, m.person_id, m.role, c.name, c.email, m.version, m.created_at, m.updated_at,
  array(select a.link_id from assignments a where a.supplier_id = m.supplier_id and a.member_id = m.id order by a.id) as links
from supplier_members m
join app.colleagues() c on c.person_id = m.person_id
where m.supplier_id = $1 and m.removed_at is null and ($2::uuid is null or m.id = $2)
order by array_position('{owner,admin,member}', m.role), m.created_at, m.id

-- name: member
select m.id, m.role, m.name, m.version
from supplier_members m
where m.supplier_id = app.tenant() and m.id = $1 and m.removed_at is null

-- name: member_current
select to_jsonb(m) as record from supplier_members m where m.supplier_id = app.tenant() and m.id = $1 and m.removed_at is null

-- name: member_of_person
select m.id, to_jsonb(m) as record from supplier_members m where m.supplier_id = app.tenant() and m.person_id = $1

-- name: has_other_owner
select exists (
  select from supplier_members m
  where m.supplier_id = app.tenant() and m.role = 'owner' and m.removed_at is null and m.id <> $1)

-- name: change_member
update supplier_members m
set role = $2, name = $3
where m.supplier_id = app.tenant() and m.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove_member
update supplier_members m
set removed_at = app.now()
where m.supplier_id = app.tenant() and m.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: links_of_member
select a.link_id from assignments a where a.supplier_id = app.tenant() and a.member_id = $1

-- name: is_assigned
select exists (select from assignments a where a.supplier_id = app.tenant() and a.member_id = $1 and a.link_id = $2)

-- name: assign
insert into assignments (supplier_id, member_id, link_id)
select app.tenant(), $1::uuid, $2::uuid
where app.owns_link($2)
on conflict (supplier_id, member_id, link_id) do nothing
returning new.id, to_jsonb(new) as record

-- name: unassign
delete from assignments a
where a.supplier_id = app.tenant() and a.member_id = $1 and a.link_id = $2
returning old.id, to_jsonb(old) as old_record

-- name: unassign_all
delete from assignments a where a.supplier_id = app.tenant() and a.member_id = $1 returning old.id, to_jsonb(old) as old_record

-- name: team_weddings
-- What can be ticked, soonest first.
select i.id as link_id, i.couple_names, i."on" from supplier_index i where i.supplier_id = $1 order by i."on" nulls last, i.id

-- name: booked
-- What suppliers hold or have booked for a wedding and is still to come; is_only: the link has no other.
select k.link_id, k.state, k."on", k.at_local, k.zone, k.days, k.starts_at, k.ends_at, k.expires_at, w."on" as wedding_on, w.time_zone,
  w.ceremony_at, count(*) over (partition by k.link_id) = 1 as is_only
from link_bookings k join weddings w on w.wedding_id = k.wedding_id
where k.wedding_id = $1 and k.state in ('hold', 'booked') and k.ends_at > app.now()
order by k.starts_at, k.id

-- name: days
select d.link_id, d."on", d.state from link_days d where d.wedding_id = $1

-- name: clashes
-- Conflicts of the calendar that are open and still to come: how many, and when the first is.
select count(*)::int as open, min((lower(c.during) at time zone s.time_zone)::date) as first_on
from booking_conflicts c join suppliers s on s.supplier_id = c.supplier_id
where c.supplier_id = $1 and c.state = 'open' and upper(c.during) > app.now()
