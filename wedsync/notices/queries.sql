-- name: wedding
-- With what an operator wrote instead of these texts ($2).
select w.couple_names, w."on", w.time_zone, w.locale, app.wordings_of($2) as wordings from weddings w where w.wedding_id = $1

-- name: audience
-- The same with each person whom one of its notices may reach, and the pass by which their link confirms; one row without any where there is none.
-- With how they can be told now of an event ($3), where it is meant for their role ($4), was not their own doing ($5), and is shown to them ($6 to $8).
with people as materialized (
  select a.person_id, a.email, a.name, a.role, a.link_id, a.supplier_id, a.mask, a.since, a.membership_id from app.audience_of($1) a),
reached as materialized (
  select r.person_id, r.channels, r.choices, r.weddings, r.zone, r.quiet_from, r.quiet_until, r.digest_at, r.sent_at, r.waiting_until,
    r.wedding_choices, r.is_live, r.live_from, r.at, r.takes_texts, r.is_stopped, r.locale, r.outcomes
  from app.reach_of($3, array(select distinct p.person_id from people p
    where p.role = any ($4) and p.person_id is distinct from $5 and app.sees(p.mask, p.link_id, p.membership_id, $6, $7, $8))) r)
select w.couple_names, w."on", w.time_zone, w.locale as wedding_locale, t.wordings,
  p.person_id, p.email, p.name, p.role, p.link_id, p.supplier_id, p.mask, p.since, p.membership_id, k.id as pass_id,
  r.channels, r.choices, r.weddings, r.zone, r.quiet_from, r.quiet_until, r.digest_at, r.sent_at, r.waiting_until,
  r.wedding_choices, r.is_live, r.live_from, r.at, r.takes_texts, r.is_stopped, r.locale, r.outcomes
from weddings w cross join (select app.wordings_of($2) as wordings offset 0) t left join people p on true
left join lateral (select x.id from passes x where x.wedding_id = $1 and x.purpose = 'ack' and x.link_id = p.link_id and x.revoked_at is null limit 1) k
  on true
left join reached r on r.person_id = p.person_id
where w.wedding_id = $1

-- name: digest
-- What is told together, and to whom; inside the person's own stream.
select d.person_id, d.channel, d.items, p.name, p.email, f.locale, app.wordings_of($2) as wordings
from digests d join persons p using (person_id) left join preferences f using (person_id)
where d.id = $1

-- name: inbox
-- Newest first, from a place on; unread ones, those put away, or all that are not; of one wedding where it is named.
select n.id, n.person_id, n.event_id, n.stream_id, n.type, n.title, n.detail, n.href, n.occurred_at, n.category, n.severity, n.created_at,
  n.delivered_at, n.seen_at, n.read_at, n.acted_at, n.archived_at, n.version, n.updated_at
from inbox n
where n.person_id = $1 and n.id < $2 and (n.archived_at is not null) = ($4 = 'archived') and ($4 <> 'unread' or n.read_at is null)
  and ($5::uuid is null or n.stream_id = $5)
order by n.id desc
limit $3

-- name: mark
select m.id, m.subject, m.record, m.old_record from app.mark_notices($1, $2, $3) m

-- name: inbox_state
select s.unread, s.unseen, s.epoch, s.seq from app.inbox_state() s

-- name: preferences
select f.channels, f.choices, f.weddings, f.zone, f.quiet_from, f.quiet_until, f.digest_at, f.locale, f.version from preferences f where f.person_id = $1

-- name: takes_texts
-- Whether they agreed to texts on the page of their phone, which proved to be theirs.
select exists (select from phones h where h.person_id = $1 and h.state = 'verified' and h.takes_texts)

-- name: begin_preferences
insert into preferences (person_id) values ($1) on conflict (person_id) do nothing

-- name: hold_preferences
-- One at a time changes what a person chose.
select f.channels, f.choices, f.weddings, f.zone, f.quiet_from, f.quiet_until, f.digest_at, f.locale, f.version
from preferences f
where f.person_id = $1
for update

-- name: save_preferences
update preferences f
set channels = $2, choices = $3, weddings = $4, zone = $5, quiet_from = $6, quiet_until = $7, digest_at = $8, locale = $9
where f.person_id = $1
returning f.channels, f.choices, f.weddings, f.zone, f.quiet_from, f.quiet_until, f.digest_at, f.locale, f.version

-- name: wedding_choices
select c.choices, c.version from wedding_choices c where c.wedding_id = $1

-- name: begin_wedding_choices
insert into wedding_choices (wedding_id) values ($1) on conflict (wedding_id) do nothing

-- name: hold_wedding_choices
select c.choices, c.version from wedding_choices c where c.wedding_id = $1 for update

-- name: save_wedding_choices
update wedding_choices c set choices = $2 where c.wedding_id = $1 returning c.choices, c.version

-- name: may_choose
-- Whether it is the couple that is here.
select app.role() = 'couple'

-- name: decisions
-- Newest first, from a place on.
select d.event_id, d.stream_id, d.type, d.title, d.category, d.severity, d.outcomes, d.trace, d.decided_at
from decisions d
where d.person_id = $1 and ($2::timestamptz is null or (d.decided_at, d.event_id) < ($2, $3::uuid))
order by d.decided_at desc, d.event_id desc
limit $4

-- name: decision
select d.event_id, d.stream_id, d.type, d.title, d.category, d.severity, d.outcomes, d.trace, d.decided_at
from decisions d
where d.person_id = $1 and d.event_id = $2

-- name: held
-- What waits, or waited, of these facts.
select h.event_id, h.channel, h.due_at, h.ended_at, h.ended from held_notices h where h.person_id = $1 and h.event_id = any ($2)

-- name: texted
-- Of which of these facts the person was texted.
select t.event_id from app.my_texts($1) t

-- name: seen_event
-- An event of the entered wedding that its reader may see, in live form, and what the reader is here.
select app.event_json(e, 'wedding') as event, app.role() as role, app.link() as link_id, app.mask() as mask,
  (select date_trunc('milliseconds', l.active_since) from links l where l.wedding_id = $1 and l.id = app.link()) as since
from events e
where e.stream_id = $1 and e.id = $2

-- name: make_digests
select d.nudge from app.make_digests() as d(nudge)

-- name: forget_decisions
select app.forget_decisions($1)

-- name: notice_href
select n.href from inbox n where n.id = $1

-- name: first_place
select p.kind, p.id from app.places($1) p limit 1

-- name: my_zone
-- Where a person's hours are, as far as they said.
select f.zone from preferences f where f.person_id = $1

-- name: weddings_of
-- The weddings of the entered place, as its people may choose differently for one: a couple's own, a business's by date.
select w.wedding_id as id, w.couple_names as words from weddings w where w.wedding_id = $1
union all
(select i.wedding_id, i.couple_names from supplier_index i where i.supplier_id = $1 and i.status = 'active' order by i."on" nulls last, i.wedding_id
limit 100)

-- name: supplier
select s.name from suppliers s where s.supplier_id = $1

-- name: colleagues
select c.person_id, c.name, c.email from app.colleagues() c

-- name: plan
select m.title from app.my_plan() m

-- name: put_notices
select app.put_notices($1)

-- name: act_notices
select app.act_notices($1, $2, $3, $4)

-- name: owe
select app.owe($1)

-- name: phones_for
-- Whom the system may text or call now of this event, each once; a text of a business is counted.
select p.person_id, p.phone_id, p.sealed, p.number_index, p.code from app.phones_for($1, $2, $3, $4) p

-- name: note_texts
select app.note_texts($1)

-- name: helper_pass
-- The page of one helper: its pass, as it was made last.
select p.id from passes p
where p.wedding_id = $1 and p.purpose = 'help' and p.membership_id = $2 and p.revoked_at is null and p.expires_at > app.now()
order by p.created_at desc
limit 1

-- name: helped_at
-- The same in the helper's own home.
select app.helped_at($1)

-- name: party_pass
select p.id from passes p
where p.wedding_id = $1 and p.purpose = 'rsvp' and p.party_id = $2 and p.revoked_at is null
order by p.created_at desc
limit 1

-- name: party_contacts
select c.guest_id, c.sealed
from guest_contacts c join guests g on g.wedding_id = c.wedding_id and g.id = c.guest_id
where c.wedding_id = $1 and c.party_id = $2
order by g.position, g.id

-- name: party_answers
select g.display_name, r.status, i.title, m.name as menu
from rsvps r
join guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
join schedule_items i on i.wedding_id = r.wedding_id and i.id = r.schedule_item_id
left join menu_options m on m.wedding_id = r.wedding_id and m.id = r.menu_option_id
where r.wedding_id = $1 and r.party_id = $2
order by g.position, g.id, i.starts_at

-- name: party_name
select p.name from parties p where p.wedding_id = $1 and p.id = $2

-- name: keepers
-- Who keeps the tenant's webhooks: the couple, or owners and admins.
select k.person_id, k.name, k.email from app.keepers() k

-- name: enquiry
-- What was asked, by whom sealed, and of which business.
select s.name as business, s.email as business_email, q.sealed, q.wedding_on, q.sends_copy
from enquiries q join suppliers s on s.supplier_id = q.supplier_id
where q.supplier_id = app.tenant() and q.id = $1
