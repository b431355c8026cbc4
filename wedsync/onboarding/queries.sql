-- name: home
-- The entered business, who acts, what was kept of its setting up, and what of the steps is there already. A category that is known is chosen.
-- $1 the connectors of calendars.
select s.name, s.category, s.time_zone, app.role() as role, app.now() as now, o.done, o.skipped, o.finished_at,
  exists (select from connections c where c.tenant_id = app.tenant() and c.connector = any ($1) and c.deleted_at is null
    and c.state in ('connecting', 'active', 'degraded', 'needs_reconnect', 'paused')) as has_calendar,
  exists (select from clients c where c.supplier_id = app.tenant()) as has_clients,
  exists (select from supplier_index i where i.supplier_id = app.tenant() and i.status = 'active') as has_wedding
from suppliers s left join onboardings o on o.supplier_id = s.supplier_id
where s.supplier_id = app.tenant()

-- name: put
-- $1 done and $2 skipped besides what there is, $3 whether this is the end of it. What is done is no longer skipped.
insert into onboardings as o (supplier_id, done, skipped, finished_at)
values (app.tenant(), $1, $2, case when $3 then app.now() end)
on conflict (supplier_id) do update
set done = array(select distinct unnest(o.done || excluded.done) order by 1),
  skipped = array(select distinct unnest(o.skipped || excluded.skipped) except select unnest(excluded.done) order by 1),
  finished_at = coalesce(o.finished_at, excluded.finished_at)
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: soonest_client
-- The next to marry of those whom an invitation could reach; the preview is drawn with them.
select c.id, c.supplier_id, c.wedding_on, c.sealed
from clients c
where c.supplier_id = app.tenant() and c.stage not in ('cancelled', 'completed') and c.email_index is not null
order by coalesce(c.wedding_on, date '9999-12-31') < app.now()::date, coalesce(c.wedding_on, date '9999-12-31'), c.id
limit 1

-- name: connected
-- What is connected of calendars, with what of it is used.
select c.id, c.connector, c.title, c.state, (select count(*)::int from calendars k where k.connection_id = c.id) as found,
  (select count(*)::int from calendars k where k.connection_id = c.id and k.direction <> 'off') as used
from connections c
where c.tenant_id = app.tenant() and c.connector = any ($1) and c.deleted_at is null and c.state not in ('draft', 'disconnected')
order by c.created_at

-- name: client_counts
select count(*)::int as clients, count(*) filter (where c.wedding_on >= app.now()::date)::int as coming
from clients c
where c.supplier_id = app.tenant()

-- name: weddings
-- Those in step already.
select i.wedding_id, i.couple_names, i."on", i.venue, i.time_zone, i.changed_at
from supplier_index i
where i.supplier_id = app.tenant() and i.status = 'active'
order by i."on" nulls last, i.id
limit 3
