-- name: hear
-- Whether this was told for the first time.
select app.hear_phone($1, $2, $3, $4, $5)

-- name: stands
select s.is_moved, s.tenant_id, s.person_id, s.kind, s.severity, s.number_index, s.sealed, s.is_answered, s.is_repeat, s.takes_calls,
  s.phone_sealed, s.phone_id
from app.phone_stands($1, $2, $3, $4, $5, $6, $7) s

-- name: stop
select app.stop_phone($1, $2, $3, $4)

-- name: start
select app.start_phone($1)

-- name: spoil
select app.spoil_phone($1)

-- name: follow
select app.follow_text($1, $2, $3, $4, $5, $6)

-- name: asks
select a.id, a.tenant_id, a.person_id, a.link_id, a.event_id, a.code, a.title, a.created_at, a.locale from app.phone_asks($1) a
order by a.created_at desc

-- name: call
select c.id, c.tenant_id, c.person_id, c.event_id, c.code, c.sealed from app.phone_call($1) c

-- name: mind_refused
select app.mind_refused_texts($1, $2, $3)

-- name: forget
select app.forget_phones()

-- name: answered
select app.phone_answered($1, $2, $3)
