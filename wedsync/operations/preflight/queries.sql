-- name: facts
-- Everything that the report is judged by; the owed, of weddings that are live so soon.
select ops.preflight_facts($1)

-- name: keep
select app.keep_preflight($1, $2, $3)

-- name: latest
-- Newest first.
select p.id, p.weekend, p.at, p.is_ready, p.report, p.told_at from ops.preflights($1) p

-- name: of_weekend
select p.at, p.is_told from app.preflight_of($1) p

-- name: operators
-- Who is told.
select o.person_id, o.name, o.email from app.operators() o

-- name: tell
select app.tell_preflight($1, $2)
