-- name: name_providers
select app.name_mail_providers($1)

-- name: health
select h.name, h.health from app.mail_health() h

-- name: hold
-- One provider's health, locked until the end of the transaction.
select app.hold_mail_provider($1)

-- name: is_live
-- Whether this mail is of a wedding that is live now.
select exists (select from app.live_deliveries(array[$1::uuid]))

-- name: keep
select k from app.keep_mail_provider($1, $2, $3, $4, $5, $6, $7) k

-- name: refused
select app.mail_refused($1)

-- name: note_failover
select app.note_mail_failover($1, $2, $3, $4)

-- name: take_events
select t from app.take_mail_events($1, $2) t

-- name: poke_probes
select app.poke_mail_probes()

-- name: forget_events
select app.forget_mail_events($1)

-- name: providers
-- For the operator: everybody who is in the chain now, in its order, then who was.
select m.name, m.position, m.is_down, m.reason, m.health::text as health, m.changed_at, m.succeeded_at, m.failed_at, m.probed_at, m.took_ms
from mail_providers m
order by m.position nulls last, m.name

-- name: figures
select f.mails, f.delivered, f.delayed, f.failed, f.bounced, f.complained, f.failed_over, f.possible_duplicates, f.suppressed_addresses
from app.mail_figures($1) f

-- name: lift
select app.lift_mail_suppression($1)
