-- name: hold_stored
-- As `stored`, in the order of locks: what is compared stays as it was until it is written.
select c.id, c.version, c.stage, c.wedding_on, c.source, c.external_id, c.sealed, c.created_at
from clients c
where c.supplier_id = app.tenant()
order by c.id
for no key update

-- name: stored
-- Everybody a list is compared with.
select c.id, c.version, c.stage, c.wedding_on, c.source, c.external_id, c.sealed
from clients c
where c.supplier_id = app.tenant()
order by c.created_at, c.id

-- name: new_ids
select array_agg(uuidv7()) as ids from generate_series(1, $1)

-- name: insert_clients
insert into clients (id, supplier_id, stage, wedding_on, source, external_id, sealed, email_index, partner_email_index)
select x.id, app.tenant(), x.stage, x.wedding_on, x.source, x.external_id, decode(x.sealed, 'hex'), decode(x.email_index, 'hex'),
  decode(x.partner_email_index, 'hex')
from jsonb_to_recordset($1) as x(id uuid, stage text, wedding_on date, source text, external_id text, sealed text, email_index text,
  partner_email_index text)
returning new.id, to_jsonb(new) - '{email_index,partner_email_index}'::text[] as record

-- name: update_clients
-- Those whose version is still the one that was read.
update clients c
set stage = x.stage, wedding_on = x.wedding_on, source = x.source, external_id = x.external_id, sealed = decode(x.sealed, 'hex'),
  email_index = decode(x.email_index, 'hex'), partner_email_index = decode(x.partner_email_index, 'hex')
from jsonb_to_recordset($1) as x(id uuid, version integer, stage text, wedding_on date, source text, external_id text, sealed text,
  email_index text, partner_email_index text)
where c.supplier_id = app.tenant() and c.id = x.id and c.version = x.version
returning new.id, new.version, to_jsonb(new) - '{email_index,partner_email_index}'::text[] as record,
  to_jsonb(old) - '{email_index,partner_email_index}'::text[] as old_record

-- name: delete_untouched
-- Of the clients an import made, those that nobody changed since and that have not joined.
delete from clients c
where c.supplier_id = app.tenant() and c.id = any ($1) and c.version = 1 and c.link_id is null
returning c.id, to_jsonb(c) - '{email_index,partner_email_index}'::text[] as old_record

-- name: kept
select c.id, c.sealed from clients c where c.supplier_id = app.tenant() and c.id = any ($1) order by c.id

-- name: add_import
insert into client_imports (id, supplier_id, source, filename, rows, rejected, plan)
values ($1, app.tenant(), $2, $3, $4, $5, $6)

-- name: choose
update client_imports i
set source = $2, rows = $3, rejected = $4, plan = $5
where i.supplier_id = app.tenant() and i.id = $1 and i.status = 'pending'

-- name: end_import
-- $3: what changes, absent fields stay; $4 sealed, null stays. Images leave out what is sealed.
update client_imports i
set status = n.status, source = coalesce(n.source, i.source), rows = coalesce(n.rows, i.rows), created = coalesce(n.created, i.created),
  updated = coalesce(n.updated, i.updated), skipped = coalesce(n.skipped, i.skipped), rejected = coalesce(n.rejected, i.rejected),
  errors = coalesce(n.errors, i.errors), undo = coalesce($4, i.undo),
  finished_at = case when n.status = 'finished' then app.now() else i.finished_at end
from jsonb_to_record($3) as n(status text, source text, rows integer, created integer, updated integer, skipped integer, rejected integer,
  errors jsonb)
where i.supplier_id = app.tenant() and i.id = $1 and i.status = $2
returning new.id, to_jsonb(new) - '{plan,undo}'::text[] as record, to_jsonb(old) - '{plan,undo}'::text[] as old_record

-- name: one
select i.id, i.supplier_id, i.source, i.filename, i.status, i.rows, i.created, i.updated, i.skipped, i.rejected, i.errors, i.created_at,
  i.finished_at, i.status = 'finished' and i.undo is not null and i.finished_at > app.now() - interval '30 days' as can_undo
from client_imports i
where i.supplier_id = app.tenant() and i.id = $1

-- name: sealed_plan
select i.plan from client_imports i where i.supplier_id = app.tenant() and i.id = $1 and i.plan is not null

-- name: sealed_undo
select i.undo from client_imports i where i.supplier_id = app.tenant() and i.id = $1 and i.undo is not null

-- name: earlier
select i.id, i.filename, i.status, i.rows, i.created, i.updated, i.finished_at
from client_imports i
where i.supplier_id = app.tenant() and i.finished_at is not null
order by i.finished_at desc, i.id
limit 10
