-- Every statement of a link's correspondence. The tenant is the supplier for what is its own, the wedding for what is shared.

-- name: standing
-- Which business a link is of, and whether whoever asks entered as it.
select l.id, l.supplier_id, l.wedding_id, l.supplier_name, coalesce(l.id = app.link(), false) as is_own
from links l
where l.wedding_id = app.tenant() and l.id = $1

-- name: my_role
select app.role()

-- name: own
-- What the supplier's CRMs hold of the couple of a link, the newest first; ($2, $3) the one that a page goes on after.
select m.id, m.tenant_id, m.sealed, m.said_at, coalesce(nullif(n.title, ''), n.connector) as source
from clients c
join record_items i on i.tenant_id = c.supplier_id and i.client_id = c.id
join record_messages m on m.book_id = i.book_id and m.record_key = i.remote_key
join connections n on n.id = m.book_id
where c.supplier_id = app.tenant() and c.link_id = $1 and m.gone_at is null
  and ($2::timestamptz is null or (m.said_at, m.id) < ($2, $3::uuid))
order by m.said_at desc, m.id desc
limit $4

-- name: gone_of
-- Of these messages of the supplier's own, those that its CRM has no more.
select m.id from record_messages m where m.tenant_id = app.tenant() and m.id = any ($1::uuid[]) and m.gone_at is not null

-- name: own_one
select m.id, m.tenant_id, m.sealed, m.said_at, coalesce(nullif(n.title, ''), n.connector) as source
from clients c
join record_items i on i.tenant_id = c.supplier_id and i.client_id = c.id
join record_messages m on m.book_id = i.book_id and m.record_key = i.remote_key
join connections n on n.id = m.book_id
where c.supplier_id = app.tenant() and c.link_id = $1 and m.id = $2 and m.gone_at is null

-- name: shared
-- What a link has shared, the newest first.
select m.id, m.wedding_id, m.link_id, m.source_id, m.sealed, m.said_at, m.updated_at
from messages m
where m.wedding_id = app.tenant() and m.link_id = $1 and ($2::timestamptz is null or (m.said_at, m.source_id) < ($2, $3::uuid))
order by m.said_at desc, m.source_id desc
limit $4

-- name: shared_one
select m.id, m.wedding_id, m.sealed from messages m
where m.wedding_id = app.tenant() and m.link_id = app.link() and m.source_id = $1
for update

-- name: share
insert into messages (id, wedding_id, link_id, source_id, sealed, said_at, shared_by)
values ($1, app.tenant(), app.link(), $2, $3, $4, app.actor())
on conflict (wedding_id, link_id, source_id) do update set sealed = excluded.sealed, said_at = excluded.said_at, shared_by = excluded.shared_by
returning new.id, new.link_id, old.id is not null as was_shared, to_jsonb(new) - 'sealed' as record, to_jsonb(old) - 'sealed' as old_record

-- name: withdraw
delete from messages m
where m.wedding_id = app.tenant() and m.link_id = app.link() and m.source_id = $1
returning old.id, old.link_id, null::jsonb as record, to_jsonb(old) - 'sealed' as old_record

-- name: about
-- The wedding as a page of one of its suppliers names it.
select w.couple_names, app.link() as link_id from weddings w where w.wedding_id = app.tenant()

-- name: known
-- Of what a CRM tells, what is here.
select m.id, m.remote_key, m.sealed, m.gone_at from record_messages m where m.book_id = $1 and m.remote_key = any ($2) for update

-- name: put
insert into record_messages (id, tenant_id, book_id, remote_key, record_key, sealed, said_at, changed_at)
values ($1, app.tenant(), $2, $3, $4, $5, $6, app.now())
on conflict (book_id, remote_key) do update
set record_key = excluded.record_key, sealed = excluded.sealed, said_at = excluded.said_at, changed_at = excluded.changed_at, gone_at = null
returning new.id, to_jsonb(new) - '{sealed,remote_key,record_key}'::text[] as record,
  to_jsonb(old) - '{sealed,remote_key,record_key}'::text[] as old_record

-- name: there
-- Those that were there the last time.
select m.id, m.sealed from record_messages m where m.book_id = $1 and m.gone_at is null order by m.id

-- name: forget
update record_messages m set sealed = $2, gone_at = app.now(), changed_at = app.now()
where m.id = $1
returning new.id, to_jsonb(new) - '{sealed,remote_key,record_key}'::text[] as record,
  to_jsonb(old) - '{sealed,remote_key,record_key}'::text[] as old_record
