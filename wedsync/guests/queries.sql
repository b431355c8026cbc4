-- name: guests
select g.* from guests g where g.wedding_id = $1 and (g.name_sort, g.id) > ($2, $3) order by g.name_sort, g.id limit $4

-- name: guest
select g.* from guests g where g.id = $1

-- name: guest_current
select to_jsonb(g) as record from guests g where g.id = $1

-- name: parties
select p.* from parties p where p.wedding_id = $1 and p.id > $2 order by p.id limit $3

-- name: party_current
select to_jsonb(p) as record from parties p where p.id = $1

-- name: rsvps
select r.* from rsvps r where r.wedding_id = $1 and r.id > $2 order by r.id limit $3

-- name: headcounts
select h.* from headcounts h where h.wedding_id = $1

-- name: add_party
insert into parties (id, wedding_id, name, side, tags, plus_ones_allowed)
values (coalesce($1, uuidv7()), $2, $3, $4, $5, $6)
returning new.id, to_jsonb(new) as record

-- name: change_party
update parties p
set name = n.name, side = n.side, tags = n.tags, plus_ones_allowed = n.plus_ones_allowed
from (select (jsonb_populate_record(x, $2)).* from parties x where x.id = $1) n
where p.id = $1 and ($3::integer is null or p.version = $3)
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: add_guests
-- One statement for any number of guests; the json array carries their ids.
insert into guests (id, wedding_id, party_id, first_name, last_name, display_name, name_sort, kind, age_band, plus_one_of, role, source_key, position)
select g.id, $1, g.party_id, g.first_name, g.last_name, g.display_name, g.name_sort, g.kind, g.age_band, g.plus_one_of, g.role, g.source_key, g.position
from jsonb_to_recordset($2) as g(id uuid, party_id uuid, first_name text, last_name text, display_name text, name_sort text, kind text,
  age_band text, plus_one_of uuid, role text, source_key text, position integer)
returning new.id, to_jsonb(new) as record

-- name: change_guest
update guests g
set first_name = n.first_name, last_name = n.last_name, display_name = n.display_name, name_sort = n.name_sort, age_band = n.age_band,
  role = n.role, table_label = n.table_label, party_id = n.party_id, kind = n.kind
from (select (jsonb_populate_record(x, $2)).* from guests x where x.id = $1) n
where g.id = $1 and ($3::integer is null or g.version = $3)
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: move_guest
-- The party travels with the guest's other rows, because guests' own policies look at it.
with moved_rsvps as (update rsvps r set party_id = $2 where r.wedding_id = $3 and r.guest_id = $1 returning 1),
  moved_contacts as (update guest_contacts c set party_id = $2 where c.wedding_id = $3 and c.guest_id = $1 returning 1)
update guest_needs n set party_id = $2 where n.wedding_id = $3 and n.guest_id = $1

-- name: guest_rows
-- All that hangs on guests, so that removing them is told row by row.
select 'rsvps' as subject, r.id, to_jsonb(r) as old_record from rsvps r where r.wedding_id = $1 and r.guest_id = any ($2)
union all
select 'guest_contacts', c.id, to_jsonb(c) from guest_contacts c where c.wedding_id = $1 and c.guest_id = any ($2)
union all
select 'guest_needs', n.id, to_jsonb(n) from guest_needs n where n.wedding_id = $1 and n.guest_id = any ($2)

-- name: remove_guests
delete from guests g where g.wedding_id = $1 and g.id = any ($2) returning g.id, to_jsonb(g) as old_record

-- name: remove_empty_party
delete from parties p
where p.wedding_id = $1 and p.id = $2 and not exists (select from guests g where g.wedding_id = $1 and g.party_id = $2)
returning p.id, to_jsonb(p) as old_record

-- name: rsvp_items
select i.id from schedule_items i where i.wedding_id = $1 and i.takes_rsvps

-- name: invite
insert into rsvps (wedding_id, guest_id, schedule_item_id, party_id)
select $1, g.id, i.id, g.party_id
from guests g cross join schedule_items i
where g.wedding_id = $1 and g.id = any ($2) and i.wedding_id = $1 and i.id = any ($3) and g.kind <> 'crew'
on conflict do nothing
returning new.id, to_jsonb(new) as record

-- name: withdraw
delete from rsvps r
where r.wedding_id = $1 and r.guest_id = any ($2) and r.schedule_item_id = $3
returning r.id, to_jsonb(r) as old_record

-- name: reply
-- One statement: the answer, unless final numbers are locked for guests; the same answer twice changes nothing but counts as seen.
update rsvps r
set status = $3, menu_option_id = $4, responded_at = clock_timestamp(), responded_by = $5
where r.wedding_id = app.tenant() and r.guest_id = $1 and r.schedule_item_id = $2 and ($5 <> 'guest' or not app.is_locked(r.wedding_id, $2))
returning new.id, new.wedding_id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: rsvp_state
select to_jsonb(r) as record, app.is_locked(r.wedding_id, $2) as is_locked
from rsvps r
where r.wedding_id = app.tenant() and r.guest_id = $1 and r.schedule_item_id = $2

-- name: put_contact
insert into guest_contacts as c (id, wedding_id, guest_id, party_id, sealed, email_index)
select g.id, g.wedding_id, g.id, g.party_id, $2, $3 from guests g where g.id = $1
on conflict (wedding_id, guest_id) do update set sealed = excluded.sealed, email_index = excluded.email_index
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: put_needs
insert into guest_needs as n (id, wedding_id, guest_id, party_id, sealed)
select g.id, g.wedding_id, g.id, g.party_id, $2 from guests g where g.id = $1
on conflict (wedding_id, guest_id) do update set sealed = excluded.sealed
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: contacts
select c.guest_id, c.sealed from guest_contacts c where c.wedding_id = $1 and ($2::uuid[] is null or c.guest_id = any ($2))

-- name: needs
select n.guest_id, n.sealed from guest_needs n where n.wedding_id = $1 and ($2::uuid[] is null or n.guest_id = any ($2))

-- name: count_of
select to_jsonb(h) as record from headcounts h where h.wedding_id = $1 and h.schedule_item_id = $2

-- name: lock
insert into headcount_locks (wedding_id, schedule_item_id, counts, sha256, locked_by)
values ($1, $2, $3, $4, $5)
on conflict do nothing
returning new.id, to_jsonb(new) as record

-- name: unlock
update headcount_locks l
set released_at = clock_timestamp()
where l.wedding_id = $1 and l.schedule_item_id = $2 and l.released_at is null
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: locks
select l.* from headcount_locks l where l.wedding_id = $1 and l.released_at is null

-- name: reply_many
-- Answers of the couple or an import, set-based; the same answer again is no change.
update rsvps r
set status = a.status, responded_at = app.now(), responded_by = $4
from unnest($1::uuid[], $2::uuid[], $3::text[]) as a(guest_id, schedule_item_id, status)
where r.wedding_id = app.tenant() and r.guest_id = a.guest_id and r.schedule_item_id = a.schedule_item_id and r.status <> a.status
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record
