-- name: rules
-- In the order they are asked, endpoint by endpoint.
select r.id, r.tenant_id, r.endpoint_id, r.name, r.position, r.types, r.conditions, r.lane, r.mode, r.shape, r.quiet, r.is_active, r.version,
  r.created_at, r.updated_at
from rules r
where r.tenant_id = $1 and r.deleted_at is null
order by r.endpoint_id, r.position, r.id

-- name: rule
select r.id, r.tenant_id, r.endpoint_id, r.name, r.position, r.types, r.conditions, r.lane, r.mode, r.shape, r.quiet, r.is_active, r.version,
  r.created_at, r.updated_at
from rules r
where r.id = $1 and r.deleted_at is null

-- name: every_rule
-- Removed ones too: what they took stays theirs.
select r.id, r.tenant_id, r.endpoint_id, r.name, r.position, r.types, r.conditions, r.lane, r.mode, r.shape, r.quiet, r.is_active, r.version,
  r.created_at, r.updated_at, r.deleted_at
from rules r
where r.tenant_id = app.tenant()

-- name: every_endpoint
select e.id, e.url, e.description, e.state, e.state_reason, e.events, e.version, e.deleted_at
from endpoints e
where e.tenant_id = app.tenant()
order by e.created_at, e.id

-- name: hold_endpoint
-- Its rules change one at a time.
select e.id from endpoints e where e.id = $1 and e.tenant_id = app.tenant() and e.deleted_at is null for no key update

-- name: count
select count(*)::integer from rules r where r.tenant_id = app.tenant() and r.deleted_at is null

-- name: add
insert into rules (id, tenant_id, endpoint_id, name, types, conditions, lane, mode, shape, quiet, is_active, position)
select $1, app.tenant(), $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce(max(r.position), 0) + 1
from rules r
where r.tenant_id = app.tenant() and r.endpoint_id = $2
on conflict (id) do nothing
returning new.id, to_jsonb(new) - 'deleted_at' as record, null::jsonb as old_record

-- name: change
update rules r
set endpoint_id = $3, name = $4, types = $5, conditions = $6, lane = $7, mode = $8, shape = $9, quiet = $10, is_active = $11
where r.id = $1 and r.deleted_at is null and ($2::integer is null or r.version = $2)
returning new.id, new.version, to_jsonb(new) - 'deleted_at' as record, to_jsonb(old) - 'deleted_at' as old_record

-- name: place
update rules r
set position = w.n
from unnest($1::uuid[]) with ordinality as w(id, n)
where r.id = w.id and r.position <> w.n
returning new.id, new.version, new.conditions, to_jsonb(new) - 'deleted_at' as record, to_jsonb(old) - 'deleted_at' as old_record

-- name: remove
update rules r
set deleted_at = app.now(), is_active = false
where r.id = $1 and r.deleted_at is null
returning new.id, to_jsonb(new) - 'deleted_at' as record, to_jsonb(old) - 'deleted_at' as old_record

-- name: of_endpoint
select r.id, r.version from rules r where r.tenant_id = app.tenant() and r.endpoint_id = $1 and r.deleted_at is null order by r.position, r.id

-- name: current
select to_jsonb(r) - 'deleted_at' as record from rules r where r.id = $1 and r.deleted_at is null

-- name: connect
select app.connect_rule($1, $2)

-- name: past
select p.id, p.occurred_at, p.event, p.rows_met from app.past_events($1, $2, $3) p

-- name: owe_test
select t.asked, t.event_id from app.owe_test($1, $2, $3) t

-- name: heard
select h.stream, h.seq, h.type, h.bulk, h.is_severe, h.occurred_at, h.type_lane, h.may_see, h.was_near, h.is_near from app.heard_event($1) h

-- name: routed
select r.subscription_id, r.destination_id, r.position, r.active, r.may_see, r.is_asked, r.is_met, r.rows_met, r.would_take, r.lane, r.held_until
from app.routed($1, $2) r

-- name: owed
-- What became of one event here, oldest first.
select d.id, d.destination_id, d.subscription_id, d.lane, d.state, d.reason, d.made_at, d.replay_of, d.is_test
from deliveries d
where d.event_id = $1 and d.tenant_id = app.tenant() and d.connector = 'webhook'
order by d.made_at, d.id

-- name: zone
-- Where the entered tenant is at home.
select coalesce((select w.time_zone from weddings w where w.wedding_id = app.tenant()),
  (select s.time_zone from suppliers s where s.supplier_id = app.tenant()), 'UTC')
