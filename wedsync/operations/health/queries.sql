-- name: facts
select ops.health_facts($1)

-- name: since
select h.part, h.status, h.since, h.judged_at from ops.health_since() h

-- name: changes
select c.part, c.was, c.status, c.says, c.lasted_s, c.at from ops.health_changes($1) c

-- name: gather
-- Attempts since the watermark.
select app.gather_health($1)

-- name: keep_probes
select app.keep_probes($1)

-- name: keep
select k.part, k.was, k.status, k.says from app.keep_health($1) k

-- name: forget
select app.forget_health()

-- name: breakers
select b.kind, b.name, b.state, b.open_until, b.openings, b.destinations, b.failing from ops.breakers() b
