-- name: connections
select c.id, c.tenant_id, c.connector, c.title, c.scheme, c.settings, c.version, c.created_at, c.updated_at
from connections c
where c.tenant_id = $1 and c.deleted_at is null
order by c.created_at, c.id

-- name: connection
select c.id, c.tenant_id, c.connector, c.title, c.scheme, c.settings, c.version, c.created_at, c.updated_at
from connections c
where c.id = $1 and c.deleted_at is null

-- name: add
insert into connections (id, tenant_id, connector, title, scheme, settings, sealed)
values ($1, $2, $3, $4, $5, $6, $7)
returning new.id, to_jsonb(new) - 'sealed' as record, null::jsonb as old_record

-- name: secrets
select c.scheme, c.sealed from connections c where c.id = $1 and c.deleted_at is null for update

-- name: hold
-- Nobody keeps hooks of this source while it is being changed.
select c.scheme, c.title, c.settings, c.connector, c.version from connections c where c.id = $1 and c.deleted_at is null for update

-- name: rotate
update connections c
set sealed = $2
where c.id = $1
returning new.id, to_jsonb(new) - 'sealed' as record, to_jsonb(old) - 'sealed' as old_record

-- name: remove
update connections c
set deleted_at = app.now()
where c.id = $1 and c.deleted_at is null
returning new.id, to_jsonb(new) - 'sealed' as record, to_jsonb(old) - 'sealed' as old_record

-- name: hooks
-- Newest first; the cursor is the last row's time and id.
select h.id, h.source_id, h.connector, h.dedupe_key, h.received_at, h.headers, h.verified_by, h.status, h.error, h.type, h.processed_at, h.replays
from inbox_hooks h
where h.tenant_id = $1 and ($2::text is null or h.status = $2) and ($3::timestamptz is null or (h.received_at, h.id) < ($3, $4::uuid))
order by h.received_at desc, h.id desc
limit $5

-- name: hook
select h.id, h.source_id, h.connector, h.dedupe_key, h.received_at, h.headers, h.verified_by, h.status, h.error, h.type, h.processed_at, h.replays
from inbox_hooks h
where h.id = $1

-- name: replay
update inbox_hooks h set status = 'received', error = '', replays = h.replays + 1 where h.id = $1

-- name: due
-- What a job works on; row security and the lock keep two jobs from doing it at once.
select h.id, h.sealed, h.headers, h.connector, h.source_id, c.settings
from inbox_hooks h left join connections c on c.tenant_id = h.tenant_id and c.id = h.source_id
where h.id = $1 and h.status = 'received'
for update of h

-- name: settle
update inbox_hooks h set status = $2, error = $3, type = $4, processed_at = app.now() where h.id = $1

-- name: guests_by_email
select c.guest_id from guest_contacts c where c.wedding_id = app.tenant() and c.email_index = any ($1) order by c.guest_id limit 2

-- name: forget_hooks
select app.forget_hooks($1)
