-- name: session_image
select s.id, jsonb_build_object('id', s.id, 'person_id', s.person_id, 'kind', s.kind, 'created_at', s.created_at, 'expires_at', s.expires_at,
  'ended_at', s.ended_at) as record, null::jsonb as old_record
from sessions s
where s.id = $1

-- name: add_key
insert into api_keys (person_id, tenant_id, name, prefix, token_hash)
values ($1, $2, $3, $4, $5)
returning id, name, prefix, tenant_id, created_at, last_used_at, revoked_at

-- name: hold_keys
-- One request at a time makes keys of a person, so that they can be counted.
select p.person_id from persons p where p.person_id = $1 for no key update

-- name: count_keys
select count(*) from api_keys k where k.person_id = $1 and k.revoked_at is null

-- name: keys
select k.id, k.name, k.prefix, k.tenant_id, k.created_at, k.last_used_at, k.revoked_at
from api_keys k
where k.revoked_at is null
order by k.created_at desc, k.id

-- name: revoke_key
update api_keys k set revoked_at = clock_timestamp() where k.id = $1 and k.revoked_at is null returning k.id

-- name: rename
update persons p set name = $2 where p.person_id = $1 returning p.person_id
