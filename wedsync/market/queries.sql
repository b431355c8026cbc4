-- name: home
-- Who acts in the entered supplier, what it is called, and when it is.
select s.name, s.category, s.website, app.role() as role, app.now() as now from suppliers s where s.supplier_id = app.tenant()

-- name: listing
select l.id, l.supplier_id, l.slug, l.is_published, l.takes_enquiries, l.tagline, l.place, l.about, l.portfolio, l.version, l.created_at, l.updated_at
from listings l
where l.supplier_id = app.tenant()

-- name: listing_current
select to_jsonb(l) as record from listings l where l.supplier_id = app.tenant()

-- name: free_slug
select app.free_slug($1)

-- name: put_listing
-- $8 the version it is changed from; without one it is changed whatever it was.
insert into listings as l (supplier_id, slug, is_published, takes_enquiries, tagline, place, about, portfolio)
values (app.tenant(), $1, $2, $3, $4, $5, $6, $7)
on conflict (supplier_id) do update
set slug = excluded.slug, is_published = excluded.is_published, takes_enquiries = excluded.takes_enquiries, tagline = excluded.tagline,
  place = excluded.place, about = excluded.about, portfolio = excluded.portfolio
where $8::int is null or l.version = $8
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: enquire
select q.id, q.record from app.enquire($1, $2, $3, $4, $5, $6) q

-- name: page
-- $1 a state or ''; ($2, $3) the enquiry a page goes on after.
select q.id, q.supplier_id, q.source, q.state, q.wedding_on, q.client_id, q.attributed_until, q.sealed, q.received_at, q.settled_at, q.version
from enquiries q
where q.supplier_id = app.tenant() and ($1 = '' or q.state = $1) and ($2::timestamptz is null or (q.received_at, q.id) < ($2, $3::uuid))
order by q.received_at desc, q.id desc
limit $4

-- name: one
select q.id, q.supplier_id, q.source, q.state, q.wedding_on, q.client_id, q.attributed_until, q.sealed, q.received_at, q.settled_at, q.version
from enquiries q
where q.supplier_id = app.tenant() and q.id = $1

-- name: counts
-- How many of each state.
select q.state, count(*)::integer as n from enquiries q where q.supplier_id = app.tenant() group by q.state

-- name: for_change
select q.id, q.state, q.wedding_on, q.client_id, q.sealed, q.received_at, q.version
from enquiries q
where q.supplier_id = app.tenant() and q.id = $1
for no key update

-- name: enquiry_current
-- The image that a refused change shows, without what is sealed.
select jsonb_build_object('id', q.id, 'state', q.state, 'version', q.version) as record
from enquiries q
where q.supplier_id = app.tenant() and q.id = $1

-- name: file
update enquiries q
set client_id = $2, attributed_until = $3
where q.supplier_id = app.tenant() and q.id = $1
returning new.id, to_jsonb(new) - 'form_key' as record, to_jsonb(old) - 'form_key' as old_record

-- name: settle
update enquiries q
set state = $2, sealed = $3, settled_at = app.now()
where q.supplier_id = app.tenant() and q.id = $1
returning new.id, to_jsonb(new) - 'form_key' as record, to_jsonb(old) - 'form_key' as old_record

-- name: waiting_client
-- The client that this enquiry made, while nobody has moved it on.
select c.id
from clients c
where c.supplier_id = app.tenant() and c.source = 'marketplace' and c.external_id = $1::uuid::text and c.stage = 'enquiry'
