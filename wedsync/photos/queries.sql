-- Every statement of photo deliveries. The tenant is the entered one: flat paths know no wedding id.

-- name: whose
select (select app.link()) as link_id, ((select app.write_mask()) & 512) <> 0 as is_couple, app.now() as now
from weddings w
where w.wedding_id = (select app.tenant())

-- name: page
-- $1 link, $2 the last one of the page before.
select d.id, d.wedding_id, d.link_id, d.kind, d.title, d.stage, d.standing, d.reason, d.promised_on, d.promised_at, d.promises, d.shot_count,
  d.culled_count, d.edited_count, d.delivered_count, d.gallery_url, d.gallery_hint, d.note, d.delivered_at, d.viewed_at, d.warned_at, d.overdue_at,
  d.version, d.created_at, d.updated_at
from photo_deliveries d
where d.wedding_id = (select app.tenant()) and ($1::uuid is null or d.link_id = $1) and ($2::uuid is null or d.id > $2)
order by d.id
limit $3

-- name: one
select d.id, d.wedding_id, d.link_id, d.kind, d.title, d.stage, d.standing, d.reason, d.promised_on, d.promised_at, d.promises, d.shot_count,
  d.culled_count, d.edited_count, d.delivered_count, d.gallery_url, d.gallery_hint, d.note, d.delivered_at, d.viewed_at, d.warned_at, d.overdue_at,
  d.version, d.created_at, d.updated_at
from photo_deliveries d
where d.wedding_id = (select app.tenant()) and d.id = $1

-- name: claim
-- The row to be changed, locked: what the rules look at stays so until it is written.
select d.id, d.link_id, d.kind, d.title, d.stage, d.standing, d.reason, d.promised_on, d.promised_at, d.promises, d.shot_count, d.culled_count,
  d.edited_count, d.delivered_count, d.gallery_url, d.gallery_hint, d.note, d.delivered_at, d.viewed_at, d.version,
  ((select app.write_mask()) & 512) <> 0 as is_couple, coalesce(d.link_id = (select app.link()), false) as is_supplier, app.now() as now
from photo_deliveries d
where d.wedding_id = (select app.tenant()) and d.id = $1
for update

-- name: current
select to_jsonb(d) as record from photo_deliveries d where d.wedding_id = (select app.tenant()) and d.id = $1

-- name: add
insert into photo_deliveries (wedding_id, link_id, kind, title, promised_on, promised_at, promises, shot_count, culled_count, edited_count,
  delivered_count, gallery_url, gallery_hint, note)
select (select app.tenant()), (select app.link()), n.kind, n.title, n.promised_on, n.promised_at, coalesce(n.promises, '[]'), n.shot_count,
  n.culled_count, n.edited_count, n.delivered_count, n.gallery_url, n.gallery_hint, n.note
from jsonb_populate_record(null::photo_deliveries, $1) n
returning new.id, new.link_id, to_jsonb(new) as record

-- name: change
update photo_deliveries d
set kind = n.kind, title = n.title, stage = n.stage, standing = n.standing, reason = n.reason, promised_on = n.promised_on,
  promised_at = n.promised_at, promises = n.promises, shot_count = n.shot_count, culled_count = n.culled_count, edited_count = n.edited_count,
  delivered_count = n.delivered_count, gallery_url = n.gallery_url, gallery_hint = n.gallery_hint, note = n.note, delivered_at = n.delivered_at,
  viewed_at = n.viewed_at, warned_at = n.warned_at, overdue_at = n.overdue_at
from (
  select (jsonb_populate_record(x, $2)).*
  from photo_deliveries x
  where x.wedding_id = (select app.tenant()) and x.id = $1
  for no key update) n
where d.wedding_id = (select app.tenant()) and d.id = $1
returning new.id, new.version, new.link_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove
delete from photo_deliveries d
where d.wedding_id = (select app.tenant()) and d.id = $1
returning old.id, old.link_id, null::jsonb as record, to_jsonb(old) as old_record

-- name: shown
-- What the page of one wedding shows, what comes first on top; what was put away last.
select d.id, d.link_id, l.supplier_name, d.kind, d.title, d.stage, d.standing, d.reason, d.promised_on, d.promises, d.shot_count, d.culled_count,
  d.edited_count, d.delivered_count, d.gallery_url, d.gallery_hint, d.note, d.delivered_at, d.viewed_at, d.overdue_at, d.version
from photo_deliveries d
join links l on l.wedding_id = d.wedding_id and l.id = d.link_id
where d.wedding_id = (select app.tenant())
order by d.stage = 'archived', d.promised_on nulls last, d.id
limit 200

-- name: about
-- The wedding as a form of one supplier names it.
select w.wedding_id as id, w.couple_names, w."on", (select app.link()) as link_id, app.now() as now
from weddings w
where w.wedding_id = (select app.tenant())

-- name: weddings_of_late
select w.id from app.weddings_of_late_photos() as w (id)

-- name: warn_of_late
select app.warn_of_photos($1)
