-- name: get
select w.* from weddings w where w.wedding_id = $1

-- name: get_for_change
select w.* from weddings w where w.wedding_id = $1 for update

-- name: current
select to_jsonb(w) as record from weddings w where w.wedding_id = $1

-- name: change
-- Writes the fields the json names; row images before and after go into the fact.
update weddings w
set couple_names = n.couple_names, partner_a = n.partner_a, partner_b = n.partner_b, "on" = n."on", date_status = n.date_status,
  time_zone = n.time_zone, ceremony_venue = n.ceremony_venue, ceremony_address = n.ceremony_address, ceremony_at = n.ceremony_at,
  reception_venue = n.reception_venue, reception_address = n.reception_address, reception_at = n.reception_at, guest_estimate = n.guest_estimate
from (select (jsonb_populate_record(x, $2)).* from weddings x where x.wedding_id = $1) n
where w.wedding_id = $1
returning new.wedding_id as id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: image
select w.wedding_id as id, to_jsonb(w) as record from weddings w where w.wedding_id = $1

-- name: keep_date
insert into date_history (wedding_id, "on", date_status, changed_by) values ($1, $2, $3, $4)

-- name: date_history
select h."on", h.date_status, h.changed_at from date_history h where h.wedding_id = $1 order by h.changed_at desc limit 50

-- name: members
select m.id, m.wedding_id, m.person_id, m.role, m.name, m.version, m.created_at, m.updated_at, m.removed_at
from memberships m
where m.wedding_id = $1 and m.removed_at is null
order by m.created_at, m.id

-- name: member_image
select m.id, to_jsonb(m) as record from memberships m where m.wedding_id = $1 and m.id = $2

-- name: remove_member
update memberships m
set removed_at = clock_timestamp()
where m.wedding_id = $1 and m.id = $2 and m.role <> 'couple' and m.removed_at is null
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: add_pass
insert into passes (id, wedding_id, purpose, token_hash, party_id, membership_id, link_id, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: passes_of_members
select p.id, p.membership_id, p.purpose, p.expires_at
from passes p
where p.wedding_id = $1 and p.membership_id is not null and p.revoked_at is null

-- name: revoke_passes_of_member
update passes p
set revoked_at = clock_timestamp()
where p.wedding_id = $1 and p.membership_id = $2 and p.revoked_at is null

-- name: site
select s.wedding_id, s.id, s.slug, s.is_published, s.welcome, s.snapshot, s.version, s.updated_at from sites s where s.wedding_id = $1

-- name: put_site
insert into sites as s (wedding_id, slug, is_published, welcome, snapshot)
values ($1, $2, $3, $4, $5)
on conflict (wedding_id) do update
set slug = excluded.slug, is_published = excluded.is_published, welcome = excluded.welcome, snapshot = excluded.snapshot
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: refresh_site
update sites s
set snapshot = $2
where s.wedding_id = $1 and s.snapshot <> $2
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: public_items
select i.title, i.kind, i."on", i.at_local, i.zone, i.place
from schedule_items i
where i.wedding_id = $1 and i.audience = 'public'
order by i.starts_at, i.id

-- name: events_after
-- The log by the rule: row security shows what this audience may see.
select e.id, e.epoch, e.seq, e.type, e.version, e.scope, e.link_id, e.membership_id, e.subject_table, e.subject_id, e.op, e.record, e.old_record,
  e.actor_kind, e.actor_id, e.cause, e.bulk, e.occurred_at
from events e
where e.stream_id = $1 and e.seq > $2
order by e.seq
limit $3

-- name: stream
select s.epoch, s.top from streams s where s.id = $1
