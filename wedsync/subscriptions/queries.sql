-- name: endpoints
select e.id, e.tenant_id, e.url, e.description, e.events, e.state, e.state_reason, e.version, e.created_at, e.updated_at
from endpoints e
where e.tenant_id = $1 and e.deleted_at is null
order by e.created_at, e.id

-- name: endpoint
select e.id, e.tenant_id, e.url, e.description, e.events, e.state, e.state_reason, e.version, e.created_at, e.updated_at
from endpoints e
where e.id = $1 and e.deleted_at is null

-- name: secrets
select e.secret_sealed, e.old_secrets from endpoints e where e.id = $1 and e.deleted_at is null for update

-- name: add
insert into endpoints (id, tenant_id, url, description, events, secret_sealed)
values ($1, $2, $3, $4, $5, $6)
returning new.id, to_jsonb(new) - 'secret_sealed' - 'old_secrets' as record, null::jsonb as old_record

-- name: change
update endpoints e
set url = coalesce($2, e.url), events = coalesce($3, e.events), description = coalesce($4, e.description), state = coalesce($5, e.state),
  state_reason = case when $5 is null then e.state_reason when $5 = 'paused' then 'paused by its owner' else '' end
where e.id = $1 and e.deleted_at is null and ($6::integer is null or e.version = $6)
returning new.id, new.version, to_jsonb(new) - 'secret_sealed' - 'old_secrets' as record, to_jsonb(old) - 'secret_sealed' - 'old_secrets' as old_record

-- name: current
select to_jsonb(e) - 'secret_sealed' - 'old_secrets' as record from endpoints e where e.id = $1 and e.deleted_at is null

-- name: rotate
update endpoints e
set secret_sealed = $2, old_secrets = $3
where e.id = $1
returning new.id, to_jsonb(new) - 'secret_sealed' - 'old_secrets' as record, to_jsonb(old) - 'secret_sealed' - 'old_secrets' as old_record

-- name: remove
update endpoints e
set deleted_at = app.now(), state = 'disabled', state_reason = 'removed by its owner'
where e.id = $1 and e.deleted_at is null
returning new.id, to_jsonb(new) - 'secret_sealed' - 'old_secrets' as record, to_jsonb(old) - 'secret_sealed' - 'old_secrets' as old_record

-- name: connect
select app.connect_endpoint($1)

-- name: deliveries
select d.id, d.made_at, d.connector, d.destination_id, d.event_id, d.type, d.seq, d.previous_seq, d.lane, d.state, d.reason, d.attempts, d.next_at,
  d.done_at, d.replay_of
from deliveries d
where d.tenant_id = $1 and ($2::text is null or d.state = $2) and ($3::uuid is null or d.destination_id = $3)
  and ($4::timestamptz is null or (d.made_at, d.id) < ($4, $5))
order by d.made_at desc, d.id desc
limit $6

-- name: delivery
select d.id, d.made_at, d.connector, d.destination_id, d.event_id, d.type, d.seq, d.previous_seq, d.lane, d.state, d.reason, d.attempts, d.next_at,
  d.done_at, d.replay_of
from deliveries d
where d.id = $1

-- name: attempts
select a.number, a.started_at, a.outcome, a.status, a.detail, a.response_head, a.address, a.resolve_ms, a.first_byte_ms, a.total_ms, a.is_late
from attempts a
where a.delivery_id = $1
order by a.number, a.made_at

-- name: replay_since
select app.replay_since($1, $2)

-- name: replay
select app.replay($1)
