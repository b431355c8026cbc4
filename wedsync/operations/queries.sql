-- name: my_role
select app.role()

-- name: access
-- Who looked at what since a time: a look is five minutes in which something was read, however many requests that took.
select l.id as link_id, l.supplier_name, l.category, l.status, a.scope, max(a.last_at) as last_at, sum(a.times)::bigint as requests,
  count(distinct a.slot)::integer as looks, array_agg(distinct a.source order by a.source) as sources
from access_log a
join links l on l.wedding_id = a.tenant_id and l.id = a.link_id
where a.tenant_id = $1 and a.slot >= $2
group by l.id, l.supplier_name, l.category, l.status, a.scope
order by l.supplier_name, l.id, a.scope

-- name: never_looked
-- Linked, and nothing read since a time.
select l.id as link_id, l.supplier_name
from links l
where l.wedding_id = $1 and l.status = 'active'
  and not exists (select from access_log a where a.tenant_id = $1 and a.link_id = l.id and a.slot >= $2)
order by l.supplier_name, l.id

-- name: security_events
-- Newest first, after a place, of some kinds.
select e.id, e.at, e.kind, e.actor_id, e.address, e.detail
from security_events e
where e.tenant_id = $1 and ($2::text[] is null or e.kind = any ($2))
  and ($3::timestamptz is null or (e.at, e.id) < ($3, $4::uuid))
order by e.at desc, e.id desc
limit $5
