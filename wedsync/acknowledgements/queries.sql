-- name: of_wedding
select a.id, a.wedding_id, a.link_id, a.about, a.event_id, a.event_seq, a.type, a.summary, a.status, a.opened_at, a.seen_at,
  a.acknowledged_at, a.acknowledged_by, a.cannot_at, a.via, a.version, a.updated_at, l.supplier_name
from acknowledgements a join links l on l.wedding_id = a.wedding_id and l.id = a.link_id
where a.wedding_id = $1 and ($2::text is null or a.status = $2)
order by a.opened_at desc, a.id
limit 500

-- name: get
select a.id, a.wedding_id, a.link_id, a.about, a.event_id, a.event_seq, a.type, a.summary, a.status, a.opened_at, a.seen_at,
  a.acknowledged_at, a.acknowledged_by, a.cannot_at, a.via, a.version, a.updated_at from acknowledgements a where a.id = $1

-- name: see
update acknowledgements a
set status = 'seen', seen_at = app.now()
where a.wedding_id = $1 and a.status = 'open' and ($2::uuid is null or a.id = $2) and a.link_id = app.link()
returning new.id, new.link_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: give
update acknowledgements a
set status = 'acknowledged', seen_at = coalesce(a.seen_at, app.now()), acknowledged_at = app.now(), acknowledged_by = $2, cannot_at = null,
  via = $3
where a.id = $1 and a.status <> 'acknowledged' and a.link_id = app.link()
returning new.id, new.link_id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: give_all
update acknowledgements a
set status = 'acknowledged', seen_at = coalesce(a.seen_at, app.now()), acknowledged_at = app.now(), acknowledged_by = $2, cannot_at = null,
  via = $3
where a.wedding_id = app.tenant() and a.id = any ($1) and a.status <> 'acknowledged' and a.link_id = app.link()
returning new.id, new.link_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: decline
update acknowledgements a
set status = 'seen', seen_at = coalesce(a.seen_at, app.now()), cannot_at = app.now(), via = $2
where a.id = $1 and a.status <> 'acknowledged' and a.link_id = app.link()
returning new.id, new.link_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: of_event
-- What the entered link was asked by this event, as long as nothing newer has taken its place.
select a.id, a.status from acknowledgements a where a.wedding_id = app.tenant() and a.link_id = app.link() and a.event_id = $1

-- name: waiting
select a.id, a.type, a.summary, a.status, a.opened_at
from acknowledgements a
where a.wedding_id = $1 and a.link_id = app.link() and a.status <> 'acknowledged'
order by a.opened_at desc, a.id

-- name: of_link
select a.id, a.type, a.summary, a.status, a.opened_at, a.acknowledged_at
from acknowledgements a
where a.wedding_id = $1 and a.link_id = app.link()
order by a.opened_at desc, a.id
limit 50

-- name: pass_head
select w.wedding_id, w.couple_names, w."on", l.supplier_name
from weddings w join links l on l.wedding_id = w.wedding_id and l.id = app.link()
where w.wedding_id = app.tenant()
