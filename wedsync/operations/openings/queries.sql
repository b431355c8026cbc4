-- name: ask
select app.ask_opening($1, $2, $3)

-- name: hold
select o.wedding_id, o.asked_by, o.approved_at, o.ended_at, o.is_late from app.hold_opening($1) o

-- name: approve
select app.approve_opening($1)

-- name: end
select app.end_opening($1)

-- name: note_look
select app.note_look($1, $2)

-- name: openings
-- The newest, or $1 alone.
select o.id, o.wedding_id, o.reason, o.minutes, o.asked_by, o.asked_by_name, o.asked_at, o.expires_at, o.approved_by_name, o.approved_at, o.ended_by_name,
  o.ended_at, o.state, o.looks
from app.openings($1) o

-- name: tell
-- The nudge; null where the couple was told before.
select app.tell_opening($1)

-- name: wedding
select w.id, w.couple_names, w."on", w.date_status, w.time_zone, w.country, w.locale, w.currency, w.ceremony_venue, w.ceremony_at, w.reception_venue,
  w.reception_at, w.guest_estimate, w.version, w.updated_at
from weddings w
where $1 > 0

-- name: schedule
select s.id, s."on", s.at_local, s.zone, s.minutes, s.kind, s.title, s.place, s.is_anchored, h.invited, h.accepted, h.declined, h.pending, s.updated_at
from schedule_items s
left join headcounts h on h.wedding_id = s.wedding_id and h.schedule_item_id = s.id
order by s.starts_at, s.id limit $1

-- name: guests
select g.id, g.display_name, g.kind, g.age_band, g.table_label,
  (select string_agg(i.title || ': ' || r.status, ', ' order by i.starts_at) from rsvps r
    join schedule_items i on i.wedding_id = r.wedding_id and i.id = r.schedule_item_id
    where r.wedding_id = g.wedding_id and r.guest_id = g.id) as answers, g.updated_at
from guests g
order by g.name_sort, g.id limit $1

-- name: suppliers
select l.id, l.supplier_name, l.category, l.status, l.level, l.active_since, l.updated_at
from links l
order by l.supplier_name, l.id limit $1

-- name: tasks
select t.id, t.title, t.status, t.due_on, t.origin, t.done_at, t.updated_at
from tasks t
order by t.due_on nulls last, t.id limit $1

-- name: deliveries
-- To whom is left out: the receiver's address is not in it, and persons are not named.
select d.id, d.made_at, d.type, d.connector, d.state, d.attempts, d.next_at, d.done_at
from deliveries d
order by d.made_at desc, d.id limit $1
