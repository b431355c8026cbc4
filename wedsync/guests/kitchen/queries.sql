-- name: count_of
select to_jsonb(h) as record, coalesce(i.title, '') as title
from headcounts h
left join schedule_items i on i.wedding_id = h.wedding_id and i.id = h.schedule_item_id
where h.wedding_id = $1 and h.schedule_item_id = $2

-- name: lock
insert into headcount_locks (wedding_id, schedule_item_id, counts, sha256, locked_by, locked_at)
values ($1, $2, $3, $4, $5, app.now())
on conflict do nothing
returning new.id, to_jsonb(new) as record

-- name: unlock
update headcount_locks l
set released_at = app.now()
where l.wedding_id = $1 and l.schedule_item_id = $2 and l.released_at is null
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: counts_now
-- Counts with the final numbers, where they are taken.
select h.schedule_item_id as item_id, coalesce(i.title, 'Guests') as title, h.invited, h.accepted, h.declined, h.tentative, h.pending, h.children,
  h.meals, h.dietary, l.locked_at, l.sha256, l.counts as locked
from headcounts h
left join schedule_items i on i.wedding_id = h.wedding_id and i.id = h.schedule_item_id
left join headcount_locks l on l.wedding_id = h.wedding_id and l.schedule_item_id = h.schedule_item_id and l.released_at is null
where h.wedding_id = $1 and (h.invited > 0 or l.id is not null)
order by i.starts_at, h.schedule_item_id

-- name: count_readers
-- Who gets final numbers: every live link that may see counts.
select l.supplier_name from links l where l.wedding_id = $1 and l.status = 'active' and l.mask & 8 <> 0 order by l.supplier_name

-- name: hold_stream
select app.hold_stream()

-- name: needs_of_coming
-- Who comes to the items (null: to any that is counted), with what they need; an item nobody comes to has one row without a guest.
select h.schedule_item_id as item_id, r.guest_id, n.sealed
from headcounts h
left join rsvps r on r.wedding_id = h.wedding_id and r.schedule_item_id = h.schedule_item_id and r.status = 'accepted'
left join guest_needs n on n.wedding_id = r.wedding_id and n.guest_id = r.guest_id
where h.wedding_id = $1 and ($2::uuid[] is null or h.schedule_item_id = any ($2))

-- name: put_dietary
update headcounts h
set dietary = x.dietary
from jsonb_to_recordset($2) as x(item_id uuid, dietary jsonb)
where h.wedding_id = $1 and h.schedule_item_id = x.item_id and h.dietary <> x.dietary
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: has_needs
select n.id from guest_needs n where n.wedding_id = $1 and n.guest_id = $2

-- name: coming_to
select r.schedule_item_id as item_id from rsvps r where r.wedding_id = $1 and r.guest_id = $2 and r.status = 'accepted'

-- name: coming
-- Who comes to an item, in the order a kitchen plates: by table, then by name.
select g.id, g.display_name, g.table_label, g.age_band, coalesce(m.name, '') as menu, n.sealed
from rsvps r
join guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
left join menu_options m on m.wedding_id = r.wedding_id and m.id = r.menu_option_id
left join guest_needs n on n.wedding_id = r.wedding_id and n.guest_id = r.guest_id
where r.wedding_id = $1 and r.schedule_item_id = $2 and r.status = 'accepted'
order by nullif(g.table_label, '') nulls last, g.name_sort, g.id

-- name: latest_sheet
select s.id, s.number, s.made_at, s.sealed
from dietary_sheets s
where s.wedding_id = $1 and s.schedule_item_id = $2
order by s.number desc
limit 1

-- name: add_sheet
insert into dietary_sheets (id, wedding_id, schedule_item_id, number, sealed, changes, made_at)
values ($1, $2, $3, $4, $5, $6, app.now())
returning new.id, to_jsonb(new) as record

-- name: item_title
select i.title from schedule_items i where i.wedding_id = $1 and i.id = $2

-- name: sheet_readers
-- Who was asked to confirm an item's sheet, and how far they are.
select l.supplier_name as name, a.status as state, a.acknowledged_at as when
from acknowledgements a
join links l on l.wedding_id = a.wedding_id and l.id = a.link_id
where a.wedding_id = $1 and a.about = $2
order by l.supplier_name

-- name: meals
-- All meals, with how many have chosen each.
select m.schedule_item_id as item_id, m.id, m.name,
  (select count(*)::int from rsvps r where r.wedding_id = m.wedding_id and r.menu_option_id = m.id) as chosen
from menu_options m
where m.wedding_id = $1
order by m.position, m.name, m.id

-- name: menu
-- An item's meals, with how many have chosen each.
select m.id, m.name, (select count(*)::int from rsvps r where r.wedding_id = m.wedding_id and r.menu_option_id = m.id) as chosen
from menu_options m
where m.wedding_id = $1 and m.schedule_item_id = $2
order by m.position, m.name, m.id

-- name: add_meals
insert into menu_options (wedding_id, schedule_item_id, name, position)
select $1, $2, x.name, $4::integer + x.n::integer from unnest($3::text[]) with ordinality as x(name, n)
returning new.id, to_jsonb(new) as record

-- name: change_meals
update menu_options m
set name = x.name, position = x.position
from jsonb_to_recordset($2) as x(id uuid, name text, position integer)
where m.wedding_id = $1 and m.id = x.id and (m.name, m.position) is distinct from (x.name, x.position)
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove_meals
delete from menu_options m where m.wedding_id = $1 and m.id = any ($2) returning m.id, to_jsonb(m) as old_record

-- name: sheet_items
-- The schedule items a sheet was sent for; without the schedule's scope they have no titles, days or times.
select s.schedule_item_id as id, coalesce(i.title, 'The meal') as title, coalesce(i."on", w."on") as "on", i.at_local, w.time_zone as zone
from (select distinct d.schedule_item_id from dietary_sheets d where d.wedding_id = $1) s
join weddings w on w.wedding_id = $1
left join schedule_items i on i.wedding_id = $1 and i.id = s.schedule_item_id
order by i.starts_at nulls last, s.schedule_item_id

-- name: couple_names
select w.couple_names from weddings w where w.wedding_id = $1
