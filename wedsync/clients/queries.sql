-- name: home
-- Who acts in the entered supplier, and where it is.
select s.name, s.time_zone, app.role() as role, app.now() as now from suppliers s where s.supplier_id = app.tenant()

-- name: hold
-- Who looks for the same couple before adding it does so one at a time; the others wait here.
select pg_advisory_xact_lock(hashtextextended('clients:' || app.tenant()::text, 0))

-- name: one
select c.id, c.supplier_id, c.stage, c.wedding_on, c.source, c.external_id, c.wedding_id, c.link_id, c.sealed, c.version, c.created_at, c.updated_at,
  c.id in (select d.id from app.dormant_clients() as d (id)) as is_dormant
from clients c
where c.supplier_id = app.tenant() and c.id = $1

-- name: page
-- $1 stage or ''; $2, $3 first and last day; ($4, $5) the client a page goes on after. Who has no date comes last.
select c.id, c.supplier_id, c.stage, c.wedding_on, c.source, c.external_id, c.wedding_id, c.link_id, c.sealed, c.version, c.created_at, c.updated_at,
  c.id in (select d.id from app.dormant_clients() as d (id)) as is_dormant
from clients c
where c.supplier_id = app.tenant() and ($1 = '' or c.stage = $1)
  and coalesce(c.wedding_on, date '9999-12-31') between coalesce($2, date '0001-01-01') and coalesce($3, date '9999-12-31')
  and ($4::date is null or (coalesce(c.wedding_on, date '9999-12-31'), c.id) > ($4, $5::uuid))
order by coalesce(c.wedding_on, date '9999-12-31'), c.id
limit $6

-- name: counts
-- How many of each stage.
select c.stage, count(*)::integer as n from clients c where c.supplier_id = app.tenant() group by c.stage order by c.stage

-- name: alike
-- Whoever may be the same couple: by one of the e-mails, or on the same day.
select c.id, c.wedding_on, c.sealed
from clients c
where c.supplier_id = app.tenant()
  and (c.email_index = any ($1) or c.partner_email_index = any ($1) or c.wedding_on = $2)
order by c.created_at, c.id

-- name: new_id
select uuidv7()

-- name: add
insert into clients (id, supplier_id, stage, wedding_on, source, external_id, sealed, email_index, partner_email_index)
values ($1, app.tenant(), $2, $3, $4, $5, $6, $7, $8)
on conflict (supplier_id, source, external_id) where external_id is not null do nothing
returning new.id, to_jsonb(new) - '{email_index,partner_email_index}'::text[] as record

-- name: by_external_id
select c.id from clients c where c.supplier_id = app.tenant() and c.source = $1 and c.external_id = $2

-- name: current
-- The image that a refused change shows, opened by the reader.
select jsonb_build_object('id', c.id, 'stage', c.stage, 'wedding_on', c.wedding_on, 'version', c.version) as record
from clients c
where c.supplier_id = app.tenant() and c.id = $1

-- name: for_change
select c.stage, c.wedding_on, c.sealed, c.version from clients c where c.supplier_id = app.tenant() and c.id = $1 for no key update

-- name: change
update clients c
set stage = $2, wedding_on = $3, sealed = $4, email_index = $5, partner_email_index = $6
where c.supplier_id = app.tenant() and c.id = $1
returning new.id, to_jsonb(new) - '{email_index,partner_email_index}'::text[] as record,
  to_jsonb(old) - '{email_index,partner_email_index}'::text[] as old_record

-- name: remove
delete from clients c
where c.supplier_id = app.tenant() and c.id = $1 and ($2::int is null or c.version = $2)
returning c.id, to_jsonb(c) - '{email_index,partner_email_index}'::text[] as old_record
