-- name: endpoints
select e.id, e.tenant_id, e.url, e.description, e.events, e.state, e.state_reason, e.mode, e.header_names, e.auth, e.version, e.created_at, e.updated_at,
  e.failing_since, e.warned_hours, e.blocked_since, e.certificate_days, d.breaker_failures, d.breaker_until, h.host, h.open_until as host_until
from endpoints e
left join destinations d on d.id = e.id
left join app.hosts_of(array[e.id]) h on h.destination_id = e.id
where e.tenant_id = $1 and e.deleted_at is null
order by e.created_at, e.id

-- name: endpoint
select e.id, e.tenant_id, e.url, e.description, e.events, e.state, e.state_reason, e.mode, e.header_names, e.auth, e.version, e.created_at, e.updated_at,
  e.failing_since, e.warned_hours, e.blocked_since, e.certificate_days, d.breaker_failures, d.breaker_until, h.host, h.open_until as host_until
from endpoints e
left join destinations d on d.id = e.id
left join app.hosts_of(array[e.id]) h on h.destination_id = e.id
where e.id = $1 and e.deleted_at is null

-- name: secrets
select e.secret_sealed, e.old_secrets, e.version from endpoints e where e.id = $1 and e.deleted_at is null for update

-- name: hold_endpoints
-- Who adds one does so one at a time, so that what is counted then is so.
select pg_advisory_xact_lock(hashtextextended('endpoints:' || $1::uuid::text, 0))

-- name: count_endpoints
select count(*) from endpoints e where e.tenant_id = $1 and e.deleted_at is null

-- name: add
insert into endpoints (id, tenant_id, url, description, events, secret_sealed, mode, header_names, auth, credentials_sealed)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (id) do nothing
returning new.id, to_jsonb(new) - '{secret_sealed,old_secrets,credentials_sealed}'::text[] as record, null::jsonb as old_record

-- name: change
-- Names of headers, auth and what is sealed of both change together or not at all.
update endpoints e
set url = coalesce($2, e.url), events = coalesce($3, e.events), description = coalesce($4, e.description), state = coalesce($5, e.state),
  state_reason = case when $5 is null then e.state_reason when $5 = 'paused' then 'paused by its owner' else '' end,
  mode = coalesce($6, e.mode), header_names = coalesce($8, e.header_names), auth = coalesce($9, e.auth),
  credentials_sealed = case when $8::text[] is null then e.credentials_sealed else $10 end,
  certificate_days = case when $9::jsonb is null or $9::jsonb ->> 'expires_at' = e.auth ->> 'expires_at' then e.certificate_days end
where e.id = $1 and e.deleted_at is null and ($7::integer is null or e.version = $7)
returning new.id, new.version, to_jsonb(new) - '{secret_sealed,old_secrets,credentials_sealed}'::text[] as record, to_jsonb(old) - '{secret_sealed,old_secrets,credentials_sealed}'::text[] as old_record

-- name: credentials
select e.tenant_id, e.url, e.version, e.credentials_sealed from endpoints e where e.id = $1 and e.deleted_at is null for update

-- name: current
select to_jsonb(e) - '{secret_sealed,old_secrets,credentials_sealed}'::text[] as record from endpoints e where e.id = $1 and e.deleted_at is null

-- name: rotate
update endpoints e
set secret_sealed = $2, old_secrets = $3
where e.id = $1
returning new.id, to_jsonb(new) - '{secret_sealed,old_secrets,credentials_sealed}'::text[] as record, to_jsonb(old) - '{secret_sealed,old_secrets,credentials_sealed}'::text[] as old_record

-- name: remove
update endpoints e
set deleted_at = app.now(), state = 'disabled', state_reason = 'removed by its owner'
where e.id = $1 and e.deleted_at is null
returning new.id, to_jsonb(new) - '{secret_sealed,old_secrets,credentials_sealed}'::text[] as record, to_jsonb(old) - '{secret_sealed,old_secrets,credentials_sealed}'::text[] as old_record

-- name: connect
select app.connect_endpoint($1)

-- name: deliveries
select d.id, d.made_at, d.connector, d.destination_id, d.event_id, d.type, d.seq, d.previous_seq, d.lane, d.state, d.reason, d.attempts, d.next_at,
  d.done_at, d.replay_of, d.is_test, d.as_new, d.expires_at, d.actor_kind, d.actor_id
from deliveries d
where d.tenant_id = $1 and ($2::text is null or d.state = $2) and ($3::uuid is null or d.destination_id = $3)
  and ($4::timestamptz is null or (d.made_at, d.id) < ($4, $5)) and d.made_at >= (select app.history_from())
order by d.made_at desc, d.id desc
limit $6

-- name: delivery
select d.id, d.made_at, d.connector, d.destination_id, d.event_id, d.type, d.seq, d.previous_seq, d.lane, d.state, d.reason, d.attempts, d.next_at,
  d.done_at, d.replay_of, d.is_test, d.as_new, d.expires_at, d.actor_kind, d.actor_id
from deliveries d
where d.id = $1

-- name: attempts
select a.number, a.started_at, a.outcome, a.status, a.detail, a.response_head, a.address, a.resolve_ms, a.first_byte_ms, a.total_ms, a.is_late,
  a.request_headers::text as request_headers
from attempts a
where a.delivery_id = $1
order by a.number, a.made_at

-- name: replay
select app.replay($1, $2)

-- name: unpark
select app.unpark($1)

-- name: cancel
select app.cancel($1)

-- name: waiting_behind
select app.waiting_behind($1)

-- name: parked_ids
-- Of one endpoint, all or of one type, oldest first; by the index of what is parked.
select d.id
from deliveries d
where d.tenant_id = app.tenant() and d.destination_id = $1 and d.state = 'parked' and ($2::text is null or d.type = $2)
order by d.made_at, d.seq
limit $3

-- name: keeper
-- Who did it, for people of the same wedding or business.
select k.name
from (select p.person_id, p.name from app.people_of(app.tenant()) p union all select c.person_id, c.name from app.colleagues() c) k
where k.person_id = $1
limit 1

-- name: dead
-- What was given up and not sent again since; by the index of what is dead.
select d.id
from deliveries d
where d.tenant_id = app.tenant() and d.destination_id = $1 and d.made_at >= $2 and d.state = 'dead' and d.replay_of is null and not d.is_test
  and not exists (select from deliveries a where a.replay_of = d.id and a.tenant_id = d.tenant_id and a.made_at >= $2
    and a.state not in ('expired', 'cancelled', 'dead', 'revoked'))
order by d.made_at, d.seq
limit $3

-- name: missed
-- The same for everything that ended otherwise than delivered.
select d.id
from deliveries d
where d.tenant_id = app.tenant() and d.destination_id = $1 and d.made_at >= $2 and d.state = any ($3::text[]) and d.replay_of is null
  and not d.is_test
  and not exists (select from deliveries a where a.replay_of = d.id and a.tenant_id = d.tenant_id and a.made_at >= $2
    and a.state not in ('expired', 'cancelled', 'dead', 'revoked'))
order by d.made_at, d.seq
limit $4

-- name: let_go
select app.let_go($1, $2)

-- name: week
-- How an endpoint's newest deliveries stand: one range of the tenant's index, never more than $3 rows.
select g.destination_id, g.state, g.count, g.done_at, g.made_at, g.reason, t.started_at as tried_at
from (
  select w.destination_id, w.state, count(*)::integer as count, max(w.done_at) as done_at, max(w.made_at) as made_at,
    (array_agg(w.reason order by w.made_at desc))[1] as reason, (array_agg(w.id order by w.made_at desc))[1] as newest
  from (
    select d.id, d.destination_id, d.state, d.done_at, d.made_at, d.reason
    from deliveries d
    where d.tenant_id = $1 and d.made_at >= $2 and d.connector = 'webhook'
    order by d.made_at desc
    limit $3) w
  group by w.destination_id, w.state) g
left join lateral (select a.started_at from attempts a where a.delivery_id = g.newest order by a.number desc limit 1) t on true

-- name: seen_types
select distinct w.type
from (
  select d.type, d.destination_id
  from deliveries d
  where d.tenant_id = $1 and d.made_at >= $3 and d.connector = 'webhook'
  order by d.made_at desc
  limit $4) w
where w.destination_id = $2
order by w.type

-- name: log
select d.id, d.made_at, d.connector, d.destination_id, d.event_id, d.type, d.seq, d.previous_seq, d.lane, d.state, d.reason, d.attempts, d.next_at,
  d.done_at, d.replay_of, d.is_test, d.as_new, d.expires_at, d.actor_kind, d.actor_id
from deliveries d
where d.tenant_id = $1 and d.destination_id = $2 and ($3::text[] is null or d.state = any ($3)) and ($4::text is null or d.type = $4)
  and ($5::timestamptz is null or (d.made_at, d.id) < ($5, $6))
order by d.made_at desc, d.id desc
limit $7

-- name: in_flight
select i.id from app.in_flight($1) as i(id)

-- name: send_test
select app.send_test($1, $2, $3)

-- name: heard
-- Where each stream stands that this tenant may hear of, and with what came after the given positions.
select h.stream, h.epoch, h.seq, h.event from app.heard($1, $2, $3) h

-- name: parked
-- By the index of what is parked, and no further than $2 rows.
select count(*)::integer as count, min(p.made_at) as oldest
from (select d.made_at from deliveries d where d.tenant_id = app.tenant() and d.destination_id = $1 and d.state = 'parked' limit $2) p

-- name: my_role
select app.role()

-- name: may_keep
-- Whether who entered may add and change endpoints here.
select app.write_mask() & 512 <> 0
