-- name: mine
select p.id, p.person_id, p.sealed, p.number_index, p.region, p.line, p.state, p.takes_texts, p.takes_calls, p.verified_at, p.code_hash,
  p.code_expires_at, p.code_tries
from phones p
where p.person_id = $1

-- name: standing
-- Whether the number wants nothing, and how its newest text stands.
select m.is_stopped, m.state, m.error_code, m.fate from app.my_phone() m

-- name: add
insert into phones (id, person_id, sealed, number_index, region, line, takes_texts, takes_calls)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning new.id, app.phone_image(new) as record, null::jsonb as old_record

-- name: change
-- Another number begins anew.
update phones p
set sealed = $2, number_index = $3, region = $4, line = $5, takes_texts = $6, takes_calls = $7, state = 'unverified', verified_at = null,
  code_hash = null, code_expires_at = null, code_tries = 0
where p.person_id = $1
returning new.id, app.phone_image(new) as record, app.phone_image(old) as old_record

-- name: agree
update phones p
set takes_texts = $2, takes_calls = $3
where p.person_id = $1
returning new.id, app.phone_image(new) as record, app.phone_image(old) as old_record

-- name: set_code
update phones p
set code_hash = $2, code_expires_at = app.now() + make_interval(mins => $3), code_tries = 0
where p.person_id = $1
returning p.id

-- name: try_code
-- One try more, whatever comes of it.
update phones p
set code_tries = p.code_tries + 1
where p.person_id = $1
returning p.code_hash, p.code_expires_at > app.now() as is_open, p.code_tries

-- name: verify
update phones p
set state = 'verified', verified_at = app.now(), code_hash = null, code_expires_at = null, code_tries = 0
where p.person_id = $1
returning new.id, app.phone_image(new) as record, app.phone_image(old) as old_record

-- name: remove
delete from phones p
where p.person_id = $1
returning p.id, app.phone_image(p) as old_record

-- name: consent
insert into phone_consents (person_id, number_index, act, channel, wording, wording_version, method, source, address, agent)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: consents
select c.id, c.act, c.channel, c.purpose, c.wording, c.wording_version, c.method, c.created_at
from phone_consents c
where c.person_id = $1
order by c.created_at desc, c.id desc
limit 100

-- name: owe_code
select app.owe_code($1, $2, $3, $4)
