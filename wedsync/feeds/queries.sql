-- name: list
-- Those of the entered home that the actor may see and that were not ended: their own first.
select f.id, f.title, f.person_id = app.actor() as is_own, f.read_at, f.created_at, f.version,
  coalesce(nullif(m.name, ''), nullif(s.name, ''), '') as of
from feeds f
left join memberships m on m.wedding_id = f.tenant_id and m.person_id = f.person_id
left join supplier_members s on s.supplier_id = f.tenant_id and s.person_id = f.person_id
where f.tenant_id = app.tenant() and f.revoked_at is null and ($1::uuid is null or f.id = $1)
order by (f.person_id = app.actor()) desc, f.created_at, f.id

-- name: count
select count(*) from feeds f where f.tenant_id = app.tenant() and f.person_id = app.actor() and f.revoked_at is null

-- name: add
insert into feeds (tenant_id, person_id, title) values (app.tenant(), app.actor(), $1) returning id

-- name: revoke
update feeds f set revoked_at = app.now()
where f.tenant_id = app.tenant() and f.id = $1 and f.revoked_at is null and ($2::integer is null or f.version = $2)

-- name: current
select to_jsonb(f) as record from feeds f where f.tenant_id = app.tenant() and f.id = $1 and f.revoked_at is null

-- name: home
-- What the feed is of, and as whom it is read.
select app.role() as role, app.now() as now,
  coalesce((select w.couple_names from weddings w where w.wedding_id = app.tenant()),
    (select s.name from suppliers s where s.supplier_id = app.tenant()), '') as name

-- name: wedding
-- Scope core.
select w.wedding_id as id, w.couple_names, w."on", w.date_status, w.ceremony_venue, w.time_zone, w.updated_at, w.version
from weddings w
where w.wedding_id = app.tenant() and w."on" is not null and w.date_status <> 'cancelled'

-- name: items
-- Scope schedule.
select i.id, i.title, i."on", i.at_local, i.zone, i.minutes, i.place, i.updated_at, i.version,
  coalesce(i.owner_membership_id = app.membership(), false) as is_own
from schedule_items i
where i.wedding_id = app.tenant()
order by i.starts_at, i.id
limit 1000

-- name: tasks
-- What the membership has to do by a day, on that day; not what it said it cannot do.
select t.id, t.title, coalesce(t.due_on, w."on" - t.due_days_before) as "on", t.updated_at, t.version
from tasks t
join weddings w on w.wedding_id = t.wedding_id
where t.wedding_id = app.tenant() and t.membership_id = app.membership() and t.status not in ('done', 'cancelled')
  and t.answer is distinct from 'declined' and coalesce(t.due_on, w."on" - t.due_days_before) is not null
order by 3, t.id
limit 1000

-- name: weddings
-- Of the entered supplier, as far as the reader works on them.
select i.wedding_id
from supplier_index i
where i.supplier_id = app.tenant() and i.status = 'active' and (i."on" is null or i."on" >= (app.now() - interval '90 days')::date)
order by i."on" nulls last, i.wedding_id
limit 100
