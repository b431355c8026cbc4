-- name: get
select w.wedding_id, w.id, w.couple_names, w.partner_a, w.partner_b, w."on", w.date_status, w.time_zone, w.country, w.locale, w.currency,
  w.ceremony_venue, w.ceremony_address, w.ceremony_at, w.reception_venue, w.reception_address, w.reception_at, w.guest_estimate,
  w.version, w.created_at, w.updated_at from weddings w where w.wedding_id = $1

-- name: get_for_change
select w.wedding_id, w.id, w.couple_names, w.partner_a, w.partner_b, w."on", w.date_status, w.time_zone, w.country, w.locale, w.currency,
  w.ceremony_venue, w.ceremony_address, w.ceremony_at, w.reception_venue, w.reception_address, w.reception_at, w.guest_estimate,
  w.version, w.created_at, w.updated_at from weddings w where w.wedding_id = $1 for update

-- name: current
select to_jsonb(w) as record from weddings w where w.wedding_id = $1

-- name: guard
-- How the wedding is guarded before and on its day.
select app.day_guard()

-- name: change
-- Writes the fields the json names; row images before and after go into the fact.
update weddings w
set couple_names = n.couple_names, partner_a = n.partner_a, partner_b = n.partner_b, "on" = n."on", date_status = n.date_status,
  time_zone = n.time_zone, ceremony_venue = n.ceremony_venue, ceremony_address = n.ceremony_address, ceremony_at = n.ceremony_at,
  reception_venue = n.reception_venue, reception_address = n.reception_address, reception_at = n.reception_at, guest_estimate = n.guest_estimate
from (select (jsonb_populate_record(x, $2)).* from weddings x where x.wedding_id = $1 for no key update) n
where w.wedding_id = $1
returning new.wedding_id as id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: image
select w.wedding_id as id, to_jsonb(w) as record from weddings w where w.wedding_id = $1

-- name: keep_date
insert into date_history (wedding_id, "on", date_status, changed_by) values ($1, $2, $3, $4)

-- name: date_history
-- What the date was before each change, newest first; row security shows it to the couple alone.
select h.id, h.wedding_id, h."on", h.date_status, h.changed_at, h.changed_by, h.reason, coalesce(nullif(m.name, ''), p.name, '') as who
from date_history h
left join memberships m on m.wedding_id = h.wedding_id and m.person_id = h.changed_by
left join app.people_of($1) p on p.person_id = h.changed_by
where h.wedding_id = $1 and ($2::uuid is null or h.id < $2)
order by h.id desc
limit $3

-- name: reasks_avoided
-- How many questions of forms the record had the answer to, so that nobody asked the couple again.
select coalesce(sum(r.avoided), 0)::int from form_requests r where r.wedding_id = $1 and r.state <> 'withdrawn'

-- name: members
select m.id, m.wedding_id, m.person_id, m.role, m.name, m.version, m.created_at, m.updated_at, m.removed_at
from memberships m
where m.wedding_id = $1 and m.removed_at is null
order by m.created_at, m.id

-- name: member_image
select m.id, to_jsonb(m) as record from memberships m where m.wedding_id = $1 and m.id = $2

-- name: remove_member
update memberships m
set removed_at = app.now()
where m.wedding_id = $1 and m.id = $2 and m.role <> 'couple' and m.removed_at is null
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: add_pass
insert into passes (id, wedding_id, purpose, token_hash, party_id, membership_id, link_id, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: link_passes
select p.id, p.link_id from passes p where p.wedding_id = $1 and p.purpose = $2 and p.link_id = any ($3) and p.revoked_at is null

-- name: add_link_passes
insert into passes (id, wedding_id, purpose, token_hash, link_id, expires_at)
select n.id, $1, $2, n.token_hash, n.link_id, $6
from unnest($3::uuid[], $4::bytea[], $5::uuid[]) as n(id, token_hash, link_id)

-- name: revoke_passes_of_member
update passes p
set revoked_at = app.now()
where p.wedding_id = $1 and p.membership_id = $2 and p.revoked_at is null

-- name: site
select s.wedding_id, s.id, s.slug, s.is_published, s.welcome, s.snapshot, s.version, s.updated_at from sites s where s.wedding_id = $1

-- name: site_current
select to_jsonb(s) as record from sites s where s.wedding_id = $1

-- name: put_site
-- With a version: only what was read is replaced.
insert into sites as s (wedding_id, slug, is_published, welcome, snapshot)
values ($1, $2, $3, $4, $5)
on conflict (wedding_id) do update
set slug = excluded.slug, is_published = excluded.is_published, welcome = excluded.welcome, snapshot = excluded.snapshot
where $6::integer is null or s.version = $6
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
-- The log by the rule: row security shows what this audience may see, and a business reads as far back as its plan goes.
select e.id, e.epoch, e.seq, e.type, e.version, e.scope, e.link_id, e.membership_id, e.subject_table, e.subject_id, e.op, e.record, e.old_record,
  e.actor_kind, e.actor_id, e.cause, e.bulk, e.occurred_at
from events e
where e.stream_id = $1 and e.seq > $2 and e.recorded_at >= (select app.history_from())
order by e.seq
limit $3

-- name: stream
select s.epoch, s.top from streams s where s.id = $1

-- name: head
-- What the frame of every page shows.
select w.couple_names, w."on", app.role() as role, app.now() as now, app.my_unread() as unread,
  (select count(*)::int from events e
    where e.stream_id = $1 and e.seq > coalesce((select r.seq from activity_reads r where r.wedding_id = $1 and r.person_id = $2), 0)
      and not e.bulk and e.actor_kind <> 'system' and e.actor_id is distinct from $2 and e.type = any ($3)) as new,
  (select count(*)::int from tasks t where t.wedding_id = $1 and t.status not in ('done', 'cancelled') and t.due_on < (app.now() at time zone w.time_zone)::date) as late,
  (select count(*)::int from proposals p where p.wedding_id = $1 and p.state in ('open', 'stale')) as proposed
from weddings w
where w.wedding_id = $1

-- name: news
select e.id, e.seq, e.type, e.op, e.record, e.old_record, e.actor_kind, e.actor_id, e.link_id, e.occurred_at,
  coalesce(nullif(m.name, ''), p.name, l.supplier_name, '') as who
from events e
left join memberships m on m.wedding_id = e.stream_id and m.person_id = e.actor_id
left join app.people_of($1) p on p.person_id = e.actor_id
left join links l on l.wedding_id = e.stream_id and l.id = e.link_id
where e.stream_id = $1 and e.seq < $2 and not e.bulk and e.type = any ($3)
order by e.seq desc
limit $4

-- name: read_until
select r.seq from activity_reads r where r.wedding_id = $1 and r.person_id = $2

-- name: mark_read
insert into activity_reads as r (wedding_id, person_id, seq)
select $1, $2, s.top from streams s where s.id = $1
on conflict (wedding_id, person_id) do update set seq = excluded.seq where excluded.seq > r.seq

-- name: tally
select a.about, a.type, a.summary, a.status, a.opened_at, l.supplier_name
from acknowledgements a join links l on l.wedding_id = a.wedding_id and l.id = a.link_id
where a.wedding_id = $1
order by a.opened_at desc, l.supplier_name
limit 300

-- name: counts
select h.schedule_item_id as item_id, i.title, h.invited, h.accepted, h.declined, h.tentative, h.pending, h.children
from headcounts h join schedule_items i on i.wedding_id = h.wedding_id and i.id = h.schedule_item_id
where h.wedding_id = $1
order by i.starts_at

-- name: next_tasks
select t.id, t.title, t.detail, t.due_on
from tasks t
where t.wedding_id = $1 and t.status not in ('done', 'cancelled')
order by t.due_on nulls last, t.id
limit 6

-- name: promised
-- Photographs and films that suppliers promised, and which day comes next.
select count(*)::int as of, count(*) filter (where d.delivered_at is not null)::int as done,
  count(*) filter (where d.stage = 'delivered' and d.viewed_at is null)::int as unseen, min(d.promised_on) filter (where d.delivered_at is null) as next_on
from photo_deliveries d
where d.wedding_id = $1

-- name: fit
-- Spaces that venues give, and those that are too small for whoever has accepted.
select count(*)::int as of, count(*) filter (where u.is_over)::int as over,
  coalesce(array_agg(u.name order by u.name) filter (where u.is_over), '{}') as names
from space_uses u
join links l on l.wedding_id = u.wedding_id and l.id = u.link_id and l.status = 'active'
where u.wedding_id = $1

-- name: first_steps
select exists (select from guests g where g.wedding_id = $1) as guests, exists (select from schedule_items i where i.wedding_id = $1) as schedule,
  exists (select from links l where l.wedding_id = $1) as suppliers, exists (select from sites s where s.wedding_id = $1) as site

-- name: linked_names
select l.supplier_name from links l where l.wedding_id = $1 and l.status = 'active' order by l.supplier_name

-- name: member_people
select m.id, m.person_id, m.role, coalesce(nullif(m.name, ''), p.name, '') as name, coalesce(p.email, '') as email, m.created_at,
  (select count(*)::int from tasks t where t.wedding_id = $1 and t.membership_id = m.id and t.status not in ('done', 'cancelled')) as tasks_open,
  (select count(*)::int from schedule_items i where i.wedding_id = $1 and i.owner_membership_id = m.id) as cues, s.at as last_seen_at
from memberships m
left join app.people_of($1) p on p.person_id = m.person_id
left join app.helpers_seen() s on s.membership_id = m.id
where m.wedding_id = $1 and m.removed_at is null
order by m.created_at, m.id

-- name: guest_names
select g.id, g.display_name from guests g where g.wedding_id = $1 and g.id = any ($2)
