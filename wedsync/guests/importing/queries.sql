-- name: ground
-- What reading a list needs to know of the wedding; whether the caller may import into it.
select w.country, (app.mask() & 512) <> 0 and (app.write_mask() & 512) <> 0 as may_import from weddings w where w.wedding_id = $1

-- name: events
-- What answers can be for, in the order of the day.
select i.id, i.title, i.takes_rsvps
from schedule_items i
where i.wedding_id = $1 and (i.takes_rsvps or exists (select from rsvps r where r.wedding_id = $1 and r.schedule_item_id = i.id))
order by i.starts_at, i.id

-- name: menus
select m.id, m.schedule_item_id as item_id, m.name from menu_options m where m.wedding_id = $1 order by m.position, m.id

-- name: stored_guests
select g.id, g.party_id, g.source_key, g.kind, g.first_name, g.last_name, g.display_name, g.role, g.table_label, g.age_band, g.plus_one_of, g.version
from guests g
where g.wedding_id = $1 and g.kind <> 'crew'
order by g.name_sort, g.id

-- name: stored_parties
select p.id, p.name, p.side, p.tags, p.version from parties p where p.wedding_id = $1 order by p.id

-- name: stored_contacts
select c.guest_id, c.sealed, c.version from guest_contacts c where c.wedding_id = $1

-- name: stored_needs
select n.guest_id, n.sealed, n.version from guest_needs n where n.wedding_id = $1

-- name: stored_answers
select r.id, r.guest_id, r.schedule_item_id as item_id, r.status, r.menu_option_id, r.responded_at, r.responded_by, r.version
from rsvps r
where r.wedding_id = $1

-- name: journals
-- What finished imports of a source left behind, oldest first.
select i.id, i.undo
from imports i
where i.wedding_id = $1 and i.source = $2 and i.status = 'finished' and i.undo is not null
order by i.finished_at, i.id

-- name: hold_imports
-- One import at a time writes to a wedding; the others wait here.
select i.id from imports i where i.wedding_id = $1 and i.status = 'running' order by i.id for no key update

-- name: state_of
-- Changes with every change of a guest, party or answer, contact or need: what was decided on an older state is decided again.
select
  (select coalesce(sum(g.version), 0)::text || '/' || count(*)::text from guests g where g.wedding_id = $1) || ' '
  || (select coalesce(sum(p.version), 0)::text || '/' || count(*)::text from parties p where p.wedding_id = $1) || ' '
  || (select coalesce(sum(r.version), 0)::text || '/' || count(*)::text from rsvps r where r.wedding_id = $1) || ' '
  || (select coalesce(sum(c.version), 0)::text || '/' || count(*)::text from guest_contacts c where c.wedding_id = $1) || ' '
  || (select coalesce(sum(n.version), 0)::text || '/' || count(*)::text from guest_needs n where n.wedding_id = $1) as state

-- name: add_import
insert into imports (id, wedding_id, source, filename, rows, rejected, plan)
values ($1, $2, $3, $4, $5, $6, $7)
returning new.id, jsonb_build_object('id', new.id, 'wedding_id', new.wedding_id, 'source', new.source, 'filename', new.filename, 'status', new.status,
  'rows', new.rows, 'done', new.done, 'created', new.created, 'updated', new.updated, 'skipped', new.skipped, 'rejected', new.rejected,
  'errors', new.errors, 'version', new.version, 'created_at', new.created_at, 'updated_at', new.updated_at, 'finished_at', new.finished_at) as record

-- name: change_import
-- $3: the states it may be in; $4: what changes, absent fields stay; $5 and $6: sealed, null stays. Images leave out what is sealed.
update imports i
set status = coalesce(n.status, i.status), source = coalesce(n.source, i.source), rows = coalesce(n.rows, i.rows), done = coalesce(n.done, i.done),
  created = coalesce(n.created, i.created), updated = coalesce(n.updated, i.updated), skipped = coalesce(n.skipped, i.skipped),
  rejected = coalesce(n.rejected, i.rejected), errors = coalesce(n.errors, i.errors), plan = coalesce($5, i.plan), undo = coalesce($6, i.undo),
  finished_at = case when n.status in ('finished', 'failed') then app.now() else i.finished_at end
from jsonb_to_record($4) as n(status text, source text, rows integer, done integer, created integer, updated integer, skipped integer,
  rejected integer, errors jsonb)
where i.wedding_id = $1 and i.id = $2 and i.status = any ($3)
returning new.id,
  jsonb_build_object('id', new.id, 'wedding_id', new.wedding_id, 'source', new.source, 'filename', new.filename, 'status', new.status,
    'rows', new.rows, 'done', new.done, 'created', new.created, 'updated', new.updated, 'skipped', new.skipped, 'rejected', new.rejected,
    'errors', new.errors, 'version', new.version, 'created_at', new.created_at, 'updated_at', new.updated_at, 'finished_at', new.finished_at) as record,
  jsonb_build_object('id', old.id, 'wedding_id', old.wedding_id, 'source', old.source, 'filename', old.filename, 'status', old.status,
    'rows', old.rows, 'done', old.done, 'created', old.created, 'updated', old.updated, 'skipped', old.skipped, 'rejected', old.rejected,
    'errors', old.errors, 'version', old.version, 'created_at', old.created_at, 'updated_at', old.updated_at, 'finished_at', old.finished_at)
    as old_record

-- name: one
select i.id, i.wedding_id, i.source, i.filename, i.status, i.rows, i.done, i.created, i.updated, i.skipped, i.rejected, i.errors, i.version,
  i.created_at, i.finished_at, i.status = 'finished' and i.finished_at > app.now() - interval '30 days' as can_undo
from imports i
where i.wedding_id = $1 and i.id = $2

-- name: sealed_plan
select i.plan from imports i where i.wedding_id = $1 and i.id = $2 and i.plan is not null

-- name: sealed_undo
select i.undo from imports i where i.wedding_id = $1 and i.id = $2 and i.undo is not null

-- name: earlier
select i.id, i.filename, i.status, i.rows, i.created, i.updated, i.finished_at
from imports i
where i.wedding_id = $1 and i.status in ('finished', 'undone') and i.finished_at is not null
order by i.finished_at desc
limit 20

-- name: new_ids
select coalesce(array_agg(uuidv7()), '{}') from generate_series(1, $1::integer)

-- name: insert_parties
insert into parties (id, wedding_id, name, side, tags, plus_ones_allowed)
select p.id, $1, p.name, p.side, p.tags, p.plus_ones_allowed
from jsonb_to_recordset($2) as p(id uuid, name text, side text, tags text[], plus_ones_allowed integer)
returning new.id, new.version

-- name: insert_guests
insert into guests (id, wedding_id, party_id, first_name, last_name, display_name, name_sort, kind, age_band, plus_one_of, role, table_label,
  source_key, position)
select g.id, $1, g.party_id, g.first_name, g.last_name, g.display_name, g.name_sort, g.kind, g.age_band, g.plus_one_of, g.role, g.table_label,
  g.source_key, g.position
from jsonb_to_recordset($2) as g(id uuid, party_id uuid, first_name text, last_name text, display_name text, name_sort text, kind text,
  age_band text, plus_one_of uuid, role text, table_label text, source_key text, position integer)
returning new.id, new.version

-- name: insert_contacts
insert into guest_contacts (id, wedding_id, guest_id, party_id, sealed, email_index)
select c.guest_id, $1, c.guest_id, c.party_id, decode(c.sealed, 'hex'), decode(c.email_index, 'hex')
from jsonb_to_recordset($2) as c(guest_id uuid, party_id uuid, sealed text, email_index text)
returning new.id, new.version

-- name: insert_needs
insert into guest_needs (id, wedding_id, guest_id, party_id, sealed)
select n.guest_id, $1, n.guest_id, n.party_id, decode(n.sealed, 'hex')
from jsonb_to_recordset($2) as n(guest_id uuid, party_id uuid, sealed text)
returning new.id, new.version

-- name: insert_answers
insert into rsvps (wedding_id, guest_id, schedule_item_id, party_id, status, menu_option_id, responded_at, responded_by)
select $1, r.guest_id, r.item_id, r.party_id, r.status, r.menu_option_id,
  case when r.status <> 'needs_action' then coalesce(r.responded_at, app.now()) end, case when r.status <> 'needs_action' then 'import' end
from jsonb_to_recordset($2) as r(guest_id uuid, item_id uuid, party_id uuid, status text, menu_option_id uuid, responded_at timestamptz)
returning new.id, new.guest_id, new.version

-- name: update_parties
update parties p
set side = x.side, tags = x.tags
from jsonb_to_recordset($2) as x(id uuid, version integer, side text, tags text[])
where p.wedding_id = $1 and p.id = x.id and p.version = x.version
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: update_guests
update guests g
set first_name = x.first_name, last_name = x.last_name, display_name = x.display_name, name_sort = x.name_sort, age_band = x.age_band,
  role = x.role, table_label = x.table_label
from jsonb_to_recordset($2) as x(id uuid, version integer, first_name text, last_name text, display_name text, name_sort text, age_band text,
  role text, table_label text)
where g.wedding_id = $1 and g.id = x.id and g.version = x.version
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: update_contacts
update guest_contacts c
set sealed = decode(x.sealed, 'hex'), email_index = decode(x.email_index, 'hex')
from jsonb_to_recordset($2) as x(guest_id uuid, version integer, sealed text, email_index text)
where c.wedding_id = $1 and c.guest_id = x.guest_id and c.version = x.version
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: update_needs
update guest_needs n
set sealed = decode(x.sealed, 'hex')
from jsonb_to_recordset($2) as x(guest_id uuid, version integer, sealed text)
where n.wedding_id = $1 and n.guest_id = x.guest_id and n.version = x.version
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: update_answers
update rsvps r
set status = x.status, menu_option_id = x.menu_option_id,
  responded_at = case when r.status = x.status then r.responded_at else coalesce(x.responded_at, app.now()) end,
  responded_by = case when r.status = x.status then r.responded_by else 'import' end
from jsonb_to_recordset($2) as x(id uuid, version integer, status text, menu_option_id uuid, responded_at timestamptz)
where r.wedding_id = $1 and r.id = x.id and r.version = x.version
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: untouched
-- Of the guests an import made, those that are as it left them: nothing of theirs was changed, added or taken away since.
select g.id
from jsonb_to_recordset($2) as x(id uuid, answers integer, has_contact boolean, has_needs boolean)
join guests g on g.wedding_id = $1 and g.id = x.id and g.version = 1
where (select count(*) from rsvps r where r.wedding_id = $1 and r.guest_id = g.id and r.version = 1) = x.answers
  and (select count(*) from rsvps r where r.wedding_id = $1 and r.guest_id = g.id) = x.answers
  and exists (select from guest_contacts c where c.wedding_id = $1 and c.guest_id = g.id) = x.has_contact
  and exists (select from guest_needs n where n.wedding_id = $1 and n.guest_id = g.id) = x.has_needs
  and not exists (select from guest_contacts c where c.wedding_id = $1 and c.guest_id = g.id and c.version > 1)
  and not exists (select from guest_needs n where n.wedding_id = $1 and n.guest_id = g.id and n.version > 1)
  and not exists (select from parties p where p.wedding_id = $1 and p.id = g.party_id and p.id = any ($3) and p.version > 1)
for no key update of g

-- name: names_of
select g.id, g.display_name, g.plus_one_of from guests g where g.wedding_id = $1 and g.id = any ($2)

-- name: attached
-- All that hangs on guests, so that removing them is told row by row.
select 'rsvps' as subject, r.id, to_jsonb(r) as old_record from rsvps r where r.wedding_id = $1 and r.guest_id = any ($2)
union all
select 'guest_contacts', c.id, to_jsonb(c) from guest_contacts c where c.wedding_id = $1 and c.guest_id = any ($2)
union all
select 'guest_needs', n.id, to_jsonb(n) from guest_needs n where n.wedding_id = $1 and n.guest_id = any ($2)

-- name: delete_guests
delete from guests g where g.wedding_id = $1 and g.id = any ($2) returning g.id, to_jsonb(g) as old_record

-- name: delete_parties
-- Parties an import made, as far as nobody is in them and nobody changed them.
delete from parties p
where p.wedding_id = $1 and p.id = any ($2) and p.version = 1
  and not exists (select from guests g where g.wedding_id = $1 and g.party_id = p.id)
returning p.id, to_jsonb(p) as old_record

-- name: delete_answers
delete from rsvps r
using jsonb_to_recordset($2) as x(id uuid, version integer)
where r.wedding_id = $1 and r.id = x.id and r.version = x.version
returning r.id, to_jsonb(r) as old_record

-- name: delete_contacts
delete from guest_contacts c
using jsonb_to_recordset($2) as x(id uuid, version integer)
where c.wedding_id = $1 and c.id = x.id and c.version = x.version
returning c.id, to_jsonb(c) as old_record

-- name: delete_needs
delete from guest_needs n
using jsonb_to_recordset($2) as x(id uuid, version integer)
where n.wedding_id = $1 and n.id = x.id and n.version = x.version
returning n.id, to_jsonb(n) as old_record

-- name: restore_parties
update parties p
set side = b.side, tags = b.tags
from jsonb_to_recordset($2) as x(version integer, before jsonb)
cross join lateral jsonb_to_record(x.before) as b(id uuid, side text, tags text[])
where p.wedding_id = $1 and p.id = b.id and p.version = x.version
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: restore_guests
update guests g
set first_name = b.first_name, last_name = b.last_name, display_name = b.display_name, name_sort = b.name_sort, age_band = b.age_band,
  role = b.role, table_label = b.table_label
from jsonb_to_recordset($2) as x(version integer, before jsonb)
cross join lateral jsonb_to_record(x.before) as b(id uuid, first_name text, last_name text, display_name text, name_sort text, age_band text,
  role text, table_label text)
where g.wedding_id = $1 and g.id = b.id and g.version = x.version
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: restore_contacts
update guest_contacts c
set sealed = b.sealed, email_index = b.email_index
from jsonb_to_recordset($2) as x(version integer, before jsonb)
cross join lateral jsonb_to_record(x.before) as b(id uuid, sealed bytea, email_index bytea)
where c.wedding_id = $1 and c.id = b.id and c.version = x.version
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: restore_needs
update guest_needs n
set sealed = b.sealed
from jsonb_to_recordset($2) as x(version integer, before jsonb)
cross join lateral jsonb_to_record(x.before) as b(id uuid, sealed bytea)
where n.wedding_id = $1 and n.id = b.id and n.version = x.version
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: restore_answers
update rsvps r
set status = b.status, menu_option_id = (select m.id from menu_options m where m.wedding_id = $1 and m.id = b.menu_option_id),
  responded_at = b.responded_at, responded_by = b.responded_by
from jsonb_to_recordset($2) as x(version integer, before jsonb)
cross join lateral jsonb_to_record(x.before) as b(id uuid, status text, menu_option_id uuid, responded_at timestamptz, responded_by text)
where r.wedding_id = $1 and r.id = b.id and r.version = x.version
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: may_read_guests
select (app.mask() & 16) <> 0

-- name: exported_guests
select g.id, g.party_id, p.name as party, p.side, p.tags, g.first_name, g.last_name, g.display_name, g.kind, g.age_band, g.role, g.table_label,
  coalesce(h.display_name, '') as plus_one_of
from guests g
join parties p on p.wedding_id = g.wedding_id and p.id = g.party_id
left join guests h on h.wedding_id = g.wedding_id and h.id = g.plus_one_of
where g.wedding_id = $1 and g.kind <> 'crew'
order by p.name, g.party_id, g.position, g.id

-- name: exported_answers
select r.guest_id, i.title, r.status, coalesce(m.name, '') as meal
from rsvps r
join schedule_items i on i.wedding_id = r.wedding_id and i.id = r.schedule_item_id
left join menu_options m on m.wedding_id = r.wedding_id and m.id = r.menu_option_id
where r.wedding_id = $1
order by i.starts_at, i.id

-- name: forget_uploads
-- Files of imports that ended so many days ago.
select app.forget_uploads($1)
