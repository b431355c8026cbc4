-- name: known_galleries
select g.id, g.remote_key, g.sealed, g.gone_at from record_galleries g where g.book_id = $1 and g.remote_key = any ($2) for update

-- name: put_gallery
-- As it is told now. What is told anew is looked at again.
insert into record_galleries (id, tenant_id, book_id, remote_key, record_key, sealed, changed_at) values ($1, app.tenant(), $2, $3, $4, $5, app.now())
on conflict (book_id, remote_key) do update
set record_key = excluded.record_key, sealed = excluded.sealed, is_dirty = true, changed_at = excluded.changed_at, gone_at = null

-- name: there
-- Those that were there the last time.
select g.id, g.sealed from record_galleries g where g.book_id = $1 and g.gone_at is null order by g.id

-- name: gone
-- Deleted there: nothing is moved because of it, not even what was to be looked at.
update record_galleries g set gone_at = app.now(), is_dirty = false where g.book_id = $1 and g.remote_key = $2 and g.gone_at is null

-- name: unhung
-- Galleries to be looked at whose couple is on WedSync, the oldest change first.
select g.id, g.sealed, g.delivery_id, j.link_id
from record_galleries g
join record_items i on i.book_id = g.book_id and i.remote_key = g.record_key
join clients c on c.supplier_id = i.tenant_id and c.id = i.client_id and c.link_id is not null
join app.joined_clients(array[c.id]) j on true
where g.book_id = $1 and g.is_dirty
order by g.changed_at, g.id
limit $2

-- name: hung
update record_galleries g set sealed = $2, delivery_id = $3, reason = $4, is_dirty = false where g.id = $1

-- name: own_deliveries
-- What the entered link has promised or handed over.
select d.id, d.kind, d.stage, d.standing, d.promised_on, d.gallery_url, d.gallery_hint, d.delivered_count
from photo_deliveries d
where d.wedding_id = app.tenant() and d.link_id = app.link()
order by d.id

-- name: galleries
-- Galleries of a book, the one that changed last first.
select g.id, g.book_id, g.tenant_id, g.sealed, g.delivery_id, g.reason, g.is_dirty, g.changed_at, g.gone_at, i.client_id
from record_galleries g
left join record_items i on i.book_id = g.book_id and i.remote_key = g.record_key
where g.book_id = $1 and g.tenant_id = app.tenant() and ($2::timestamptz is null or (g.changed_at, g.id) < ($2, $3::uuid))
order by g.changed_at desc, g.id desc
limit $4
