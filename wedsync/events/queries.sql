-- What the delivery engine asks of the service door; each is one function of db/schema/76_*.sql, 77_ledger.sql or 79_upkeep.sql.

-- name: claim
-- Jobs leased to this worker: places of each lane's own (critical first), places any lane may have, the rate of a destination, those to pass over;
-- with the event of those reactions ($5) that somebody waits for, which saves them the asking.
select j.id, j.kind, j.name, j.lane, j.tenant_id, j.destination_id, j.made_at, j.event_id, j.args, j.attempt, j.live_until, j.expires_at,
  j.lease_token, j.order_key is not null as is_ordered, j.traceparent,
  case when j.kind = 'reaction' and j.name = any ($5) then app.event_of_job(j) end as event
from app.claim($1, $2, $3, $4) j

-- name: payloads
-- What leased jobs need to run; those that may not leave any more are ended there and are not among the rows.
select p.job, p.event, p.previous_seq, p.replay_of, p.type, p.url, p.secret_sealed, p.old_secrets, p.recipient_kind, p.recipient_id, p.email,
  p.contact_id, p.contact_sealed, p.sealed, p.credentials_sealed, p.as_new, p.link_id, p.shape, p.is_test
from app.payloads($1, $2) p

-- name: complete
-- How tries ended, as a list of app.ending, with the breakers judged from them; the jobs whose lease was lost, and nudges.
select c.job, c.nudge, c.is_counted from app.complete($1, $2, $3) c

-- name: vacate
-- What the worker before held in this seat is free at once; how many jobs.
select app.vacate($1, $2)

-- name: breakers
-- Destinations' breakers, locked; before them the endpoints of those that will be parked.
select b.destination, b.now_s, b.failures, b.open_until, b.openings, b.since, b.results, b.failed, b.slow from app.breakers($1, $2) b

-- name: live_deliveries
-- Of deliveries that failed, those of a wedding that is live now.
select l from app.live_deliveries($1) l

-- name: host_breakers
-- Breakers of these destinations' hosts, locked; those with a bad result begin to be counted.
select h.host, h.destinations, h.now_s, h.failures, h.open_until, h.openings, h.since, h.failing, h.well from app.host_breakers($1, $2) h

-- name: mind_failing
-- Endpoints that fail for long are told of, in the end switched off; nudges for those who look on.
select m.nudge from app.mind_failing() as m (nudge)

-- name: mind_certificates
-- Endpoints whose client certificate comes to its end are told of; nudges for those who look on.
select m.nudge from app.mind_certificates() as m (nudge)

-- name: forget_hosts
-- Breakers of hosts that nobody asked after for a day.
select app.forget_hosts()

-- name: heartbeat
-- Another minute for these leases; the jobs that are still held.
select h.job from app.heartbeat($1, $2) as h (job)

-- name: release
-- Given back as they were.
select app.release($1, $2)

-- name: reclaim
-- Leases that lapsed are ready again.
select app.reclaim($1)

-- name: expire
-- Jobs whose time has passed end.
select app.expire()

-- name: finish_job
-- The end of a job inside the transaction of what it did.
select app.finish_job($1, $2)

-- name: make_partitions
-- Partitions of the months ahead.
select app.make_partitions()

-- name: expire_parked
-- What waited so many days for its destination, or for a person, ends.
select app.expire_parked($1)

-- name: forget_months
-- The oldest month of a partitioned table goes, if it ended so many days ago and nothing needs it; its name.
select app.forget_months($1, $2)

-- name: forget_positions
-- Sockets' positions older than ten minutes.
select app.forget_positions()

-- name: forget_sessions
-- Sessions and sign-in passes that ended a month ago.
select app.forget_sessions()

-- name: sparse_streams
-- Streams whose log since a time has a hole or a double.
select s.stream_id, s.lowest, s.highest, s.events, s.top from app.sparse_streams(clock_timestamp() - $1::interval) s

-- name: queue_ages
-- How long the oldest ready job of each lane has waited, in seconds.
select a.lane, a.oldest_s from app.queue_ages() a

-- name: lead
-- Whether this connection is the one clock that leads.
select pg_try_advisory_lock($1)

-- name: may_still_leave
select app.may_still_leave($1)
