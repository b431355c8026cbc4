-- name: board
select b.wedding_id, b."on", b.zone, b.live_from, b.live_until, b.p0, b.p1, b.p2, b.p3, b.unanswered, b.sent, b.late, b.standing, b.whole
from ops.board($1) b

-- name: stream
select ops.newest_events($1, $2, $3, $4, $5)

-- name: dead_letters
select d.destination_id, d.connector, d.host, d.dead, d.repeatable, d.first_at, d.last_at, d.reasons, d.whole
from ops.dead_letters($1, $2) d

-- name: dead_work
select w.kind, w.name, w.reason, w.dead, w.tenants, w.first_at, w.last_at from ops.dead_work($1) w

-- name: replay
select app.replay_dead($1, $2, $3, $4)

-- name: raise_work
select app.raise_work($1, $2, $3, $4)

-- name: tenants
select t.supplier_id, t.name, t.category, t.plan, t.since, t.accounts, t.broken, t.parked, t.good, t.bad, t.used from ops.tenants($1) t

-- name: tenant_counts
select c.businesses, c.weddings, c.links, c.accounts, c.persons from ops.tenant_counts() c

-- name: refusals
select r.at, r.kind, r.tenant_id, r.address, r.endpoint, r.reason, r.times from ops.refusals($1, $2, $3) r

-- name: refusal_kinds
select k.kind, k.times from ops.refusal_kinds($1) k

-- name: acts
select a.id, a.at, a.by_name, a.act, a.about, a.reason, a.times from ops.acts($1) a
