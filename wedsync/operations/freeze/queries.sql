-- name: facts
select app.freeze_facts($1, $2)

-- name: plan
select app.plan_freezes($1, $2, $3)

-- name: ask_override
select app.ask_override($1, $2)

-- name: hold_override
select o.asked_by, o.confirmed_at, o.ended_at, o.is_late from app.hold_override($1) o

-- name: confirm_override
select app.confirm_override($1)

-- name: end_override
select app.end_override($1)
