-- name: connections
select c.id, c.tenant_id, c.connector, c.title, c.scheme, c.settings, c.state, c.state_reason, c.state_at, c.version, c.created_at, c.updated_at
from connections c
where c.tenant_id = $1 and c.deleted_at is null
order by c.created_at, c.id

-- name: connection
select c.id, c.tenant_id, c.connector, c.title, c.scheme, c.settings, c.state, c.state_reason, c.state_at, c.version, c.created_at, c.updated_at
from connections c
where c.id = $1 and c.deleted_at is null

-- name: add
insert into connections (id, tenant_id, connector, title, scheme, settings, sealed)
values ($1, $2, $3, $4, $5, $6, $7)
returning new.id, app.connection_image(new) as record, null::jsonb as old_record

-- name: secrets
select c.scheme, c.sealed from connections c where c.id = $1 and c.state is null and c.deleted_at is null for update

-- name: hold
select c.scheme, c.title, c.settings, c.connector, c.version from connections c where c.id = $1 and c.state is null and c.deleted_at is null for update

-- name: change
update connections c
set title = $2, settings = $3
where c.id = $1
returning new.id, new.version, app.connection_image(new) as record, app.connection_image(old) as old_record

-- name: current
select app.connection_image(c) as record from connections c where c.id = $1 and c.deleted_at is null

-- name: rotate
update connections c
set sealed = $2
where c.id = $1
returning new.id, app.connection_image(new) as record, app.connection_image(old) as old_record

-- name: remove
-- An account is disconnected first: its provider is told.
update connections c
set deleted_at = app.now()
where c.id = $1 and coalesce(c.state, 'draft') in ('draft', 'disconnected') and c.deleted_at is null
returning new.id, app.connection_image(new) as record, app.connection_image(old) as old_record

-- name: forget_account
update connection_accounts a set account_sealed = null where a.connection_id = $1

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
-- A couples' hook has the wedding as its source; its settings are those of the wedding's own connection, but the platform's hooks have none:
-- what the operator says is not read by a couple's map.
select h.id, h.sealed, h.headers, h.connector, h.source_id, c.settings, c.title, s.kind as home, c.state is not null as is_account
from inbox_hooks h
left join connections c on c.tenant_id = h.tenant_id
  and (c.id = h.source_id or (h.verified_by = 'couple' and c.connector = 'couples' and c.deleted_at is null))
left join streams s on s.id = h.tenant_id
where h.id = $1 and h.status = 'received'
for update of h

-- name: settle
update inbox_hooks h set status = $2, error = $3, type = $4, processed_at = app.now() where h.id = $1

-- name: guests_by_email
select c.guest_id from guest_contacts c where c.wedding_id = app.tenant() and c.email_index = any ($1) order by c.guest_id limit 2

-- name: find_row
-- Rows of the entered wedding that are called so: $1 table, $2 id, title, name or supplier, $3 indexes of an e-mail, $4 of an answer: the item.
select i.id
from schedule_items i
where $1 = 'schedule_items' and i.wedding_id = app.tenant() and (i.id::text = $2 or lower(i.title) = lower($2))
union all
select g.id
from guests g
left join guest_contacts c on c.wedding_id = g.wedding_id and c.guest_id = g.id
where $1 = 'guests' and g.wedding_id = app.tenant() and (g.id::text = $2 or lower(g.display_name) = lower($2) or c.email_index = any ($3))
union all
select r.id
from rsvps r
join guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
join schedule_items i on i.wedding_id = r.wedding_id and i.id = r.schedule_item_id
left join guest_contacts c on c.wedding_id = g.wedding_id and c.guest_id = g.id
where $1 = 'rsvps' and r.wedding_id = app.tenant() and (r.id::text = $2 or ((i.id::text = $4 or lower(i.title) = lower($4))
    and (g.id::text = $2 or lower(g.display_name) = lower($2) or c.email_index = any ($3))))
union all
select l.id
from links l
where $1 = 'links' and l.wedding_id = app.tenant() and l.status in ('invited', 'requested', 'active')
  and (l.id::text = $2 or lower(l.supplier_name) = lower($2))
limit 2

-- name: sealed_hook
-- What one source sent, for its owner to make a map of.
select h.id, h.tenant_id, h.sealed, c.id as connection_id, c.settings
from inbox_hooks h
join connections c on c.tenant_id = h.tenant_id and c.id = $2 and (c.id = h.source_id or (h.verified_by = 'couple' and c.connector = 'couples'))
where h.id = $1

-- name: hooks_of
-- The newest of one source, or of the wedding's own hook.
select h.id, h.received_at, h.status, h.error, h.type
from inbox_hooks h
join connections c on c.tenant_id = h.tenant_id and c.id = $1 and (c.id = h.source_id or (h.verified_by = 'couple' and c.connector = 'couples'))
order by h.received_at desc, h.id desc
limit 20

-- name: my_role
select app.role()

-- name: my_links
-- The weddings of the entered supplier, for its sources to name.
select x.id, x.couple_names, x."on"
from supplier_index x
where x.supplier_id = app.tenant() and x.status = 'active'
order by x.couple_names, x.id
limit 500

-- name: forget_hooks
select app.forget_hooks($1)

-- name: holds_inbound
-- Whether what comes from elsewhere about the entered wedding is proposed instead of done.
select app.holds_inbound()

-- name: hush
-- Whether what a hook announced of an account waits for its next look, as a wedding is on.
select app.hush($1)
