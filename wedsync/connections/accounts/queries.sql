-- name: enter
select app.enter_account($1, $2)

-- name: account
select a.connector, a.settings, a.state, a.state_reason, a.hooks_sealed, a.credentials_sealed, a.expires_at, a.refreshed_at
from app.account($1, $2) a

-- name: hold
-- One refresh however many ask: whoever comes second waits here, and then finds the token new.
select a.credentials_sealed, a.expires_at, a.refreshed_at, a.tried_at from connection_accounts a where a.connection_id = $1 for update

-- name: hold_free
-- The same for those who can go on with what they have.
select a.credentials_sealed, a.expires_at, a.refreshed_at, a.tried_at from connection_accounts a where a.connection_id = $1 for update skip locked

-- name: keep_tokens
update connection_accounts a
set credentials_sealed = $2, expires_at = $3, refreshed_at = $4, tried_at = null
where a.connection_id = $1

-- name: another
-- True where a token that was refused is not the last word: a newer one than of $2 is here, or it is older than $4 and is exchanged at $3.
update connection_accounts a
set expires_at = case when a.refreshed_at > $2 then a.expires_at else least(a.expires_at, $3) end
where a.connection_id = $1 and a.expires_at is not null and (a.refreshed_at > $2 or a.refreshed_at < $4)
returning true

-- name: tried
update connection_accounts a set tried_at = $2 where a.connection_id = $1

-- name: heard
select h.state, h.failures, h.ok, h.failed, h.is_live from app.hear_account($1, $2, $3, $4, $5, $6, $7) h

-- name: move
update connections c
set state = $3, state_reason = $4, state_at = app.now()
where c.id = $1 and c.state = $2 and c.deleted_at is null
returning new.id, app.connection_image(new) as record, app.connection_image(old) as old_record

-- name: my_role
select app.role()

-- name: draft
-- One that was begun and not finished is gone on with.
select c.id from connections c where c.tenant_id = $1 and c.connector = $2 and c.state = 'draft' and c.deleted_at is null for update

-- name: ask_limit
select app.ask_limit('connections')

-- name: add
insert into connections (id, tenant_id, connector, title, scheme, sealed, settings, state, state_at)
values ($1, $2, $3, $4, $5, $6, $7, 'draft', app.now())
returning new.id, app.connection_image(new) as record, null::jsonb as old_record

-- name: add_account
insert into connection_accounts (connection_id, tenant_id) values ($1, $2)

-- name: add_health
insert into connection_health (connection_id, tenant_id) values ($1, $2)

-- name: add_consent
insert into connection_consents (id, tenant_id, connection_id, person_id, session_id, state_hash, verifier_sealed, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: take_consent
select t.id, t.tenant_id, t.connection_id, t.verifier_sealed from app.take_consent($1, $2, $3) t

-- name: hold_account
-- First of all locks; see 63_accounts.sql.
select a.account_sealed, a.credentials_sealed from connection_accounts a where a.connection_id = $1 for update

-- name: keep_account
update connection_accounts a set account_sealed = $2, credentials_sealed = $3, expires_at = $4, refreshed_at = $5 where a.connection_id = $1

-- name: well_again
update connection_health h
set failures = 0, ok_at = $2, reason = '', what = $3, window_ok = 0, window_failed = 0, before_ok = 0, before_failed = 0
where h.connection_id = $1

-- name: one
select c.id, c.tenant_id, c.connector from connections c
where c.id = $1 and c.state is not null and c.deleted_at is null

-- name: hold_one
select c.id, c.tenant_id, c.connector, c.state, c.sealed from connections c
where c.id = $1 and c.state is not null and c.deleted_at is null
for update

-- name: is_paid_elsewhere
-- Whether another business is paid into this account: each of its hooks is somebody's one.
select exists (select from app.payout_account($1, $2) a where a.is_open and a.supplier_id <> (select app.tenant()))

-- name: same_account
select c.id, c.title from connections c
where c.tenant_id = $1 and c.account_key = any ($2) and c.id <> $3 and c.state <> 'disconnected' and c.deleted_at is null
limit 1

-- name: connect
update connections c
set state = $2, state_reason = '', state_at = app.now(), account_key = $3, connected_by = app.actor(), sealed = $4,
  title = case when $5 = '' then c.title else $5 end
where c.id = $1
returning new.id, app.connection_image(new) as record, app.connection_image(old) as old_record

-- name: name_account
update connection_accounts a set account_sealed = $2 where a.connection_id = $1

-- name: disconnect
update connections c
set state = 'disconnected', state_reason = '', state_at = app.now(), sealed = $2
where c.id = $1
returning new.id, app.connection_image(new) as record, app.connection_image(old) as old_record

-- name: forget_credentials
update connection_accounts a set credentials_sealed = null, expires_at = null, refreshed_at = null where a.connection_id = $1

-- name: note
select app.note_connection($1, $2, $3, $4)

-- name: report
select c.id as connection_id, c.state, c.state_reason, c.state_at, h.failures, h.ok_at, h.failed_at, h.what, h.reason,
  nullif(h.checked_at, '-infinity') as checked_at, s.until as safe_until, s.zone as safe_zone, s.why as safe_why
from connections c join connection_health h on h.connection_id = c.id left join lateral app.safe_mode(c.id) s on true
where c.id = $1 and c.state is not null and c.deleted_at is null

-- name: reports
select c.id as connection_id, c.connector, c.title, c.state, c.state_reason, c.state_at, h.failures, h.ok_at, h.failed_at, h.what, h.reason,
  nullif(h.checked_at, '-infinity') as checked_at, s.until as safe_until, s.zone as safe_zone, s.why as safe_why
from connections c join connection_health h on h.connection_id = c.id left join lateral app.safe_mode(c.id) s on true
where c.tenant_id = $1 and c.state is not null and c.deleted_at is null
order by c.created_at, c.id

-- name: log
select l.id, l.what, l.word, l.reason, l.times, l.began_at, l.at, l.actor_id
from connection_log l
where l.connection_id = $1 and ($2::bigint is null or l.id < $2)
order by l.id desc
limit $3

-- name: account_key
select c.account_key from connections c where c.id = $1

-- name: identify
update connections c set account_key = $2
where c.id = $1
returning new.id, app.connection_image(new) as record, app.connection_image(old) as old_record

-- name: judge_connections
select j.nudge from app.judge_connections() as j(nudge)

-- name: forget_consents
select app.forget_consents()
