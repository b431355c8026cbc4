-- Every statement of journeys. The tenant is the entered one: a supplier for its journeys, a wedding for what is on its way.

-- name: role
-- As what somebody has entered.
select app.role()

-- name: page
-- $1 the last one of the page before.
select j.id, j.supplier_id, j.name, j.starts, j.is_active, j.steps, j.version, j.created_at, j.updated_at
from journeys j
where j.supplier_id = (select app.tenant()) and ($1::uuid is null or j.id > $1)
order by j.id
limit $2

-- name: one
select j.id, j.supplier_id, j.name, j.starts, j.is_active, j.steps, j.version, j.created_at, j.updated_at
from journeys j
where j.supplier_id = (select app.tenant()) and j.id = $1

-- name: current
select to_jsonb(j) as record from journeys j where j.supplier_id = (select app.tenant()) and j.id = $1

-- name: add
insert into journeys (supplier_id, name, starts, is_active, steps)
values ((select app.tenant()), $1, $2, $3, $4)
returning new.id, to_jsonb(new) as record

-- name: change
update journeys j
set name = coalesce($2, j.name), starts = coalesce($3, j.starts), is_active = coalesce($4, j.is_active), steps = coalesce($5::jsonb, j.steps)
where j.supplier_id = (select app.tenant()) and j.id = $1 and ($6::integer is null or j.version = $6)
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove
delete from journeys j
where j.supplier_id = (select app.tenant()) and j.id = $1 and ($2::integer is null or j.version = $2)
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: owe_enrolments
select app.owe_enrolments($1, $2, $3)

-- name: enrolments_of
select e.id, e.wedding_id, e.link_id, e.journey_version, e.state, e.reason, e.next_at, e.began_at, e.taken, e.failed, s.couple_names, s."on"
from app.enrolments_of($1, $2, $3) e
left join supplier_index s on s.supplier_id = (select app.tenant()) and s.wedding_id = e.wedding_id
order by e.id desc

-- name: weddings_ahead
-- For whom a journey can be looked at: weddings the entered supplier works for, the next first.
select s.wedding_id, s.id as link_id, s.couple_names, s."on"
from supplier_index s
where s.supplier_id = (select app.tenant()) and s.status = 'active'
order by s."on" < app.now()::date, s."on" nulls last, s.id
limit 200

-- name: journeys_for
select j.id, j.name, j.steps, j.version, j.is_active from app.journeys_for($1, $2) j

-- name: about
-- What a plan is made from, and who asks. $1 the link. A day of rehearsal belongs to the days the wedding lasts.
select w.wedding_id, w.couple_names, w."on", w.date_status, w.time_zone, w.ceremony_venue, w.reception_venue, l.id as link_id, l.supplier_id,
  l.supplier_name, l.status, coalesce(m.reached_at, l.active_since) as booked_at, app.now() as now, (select app.role()) as role, (select app.link()) is not distinct from l.id as is_supplier,
  ((select app.write_mask()) & 512) <> 0 as is_couple, least(w."on", d.first_on) as first_on, greatest(w."on", d.last_on) as last_on,
  coalesce(d.live_until, timezone(w.time_zone, (w."on" + 1) + time '00:00')) as ended_at
from weddings w
join links l on l.wedding_id = w.wedding_id and l.id = $1
left join milestones m on m.wedding_id = l.wedding_id and m.link_id = l.id and m.name = 'booked'
left join lateral (
  select min(x."on") as first_on, max(x."on") as last_on, max(x.live_until) as live_until
  from wedding_days x where x.wedding_id = w.wedding_id) d on true
where w.wedding_id = (select app.tenant())

-- name: enrol
-- Twice is once: whoever is on the way already is brought to this version.
insert into enrolments (wedding_id, link_id, journey_id, journey_version, name, steps, booked_at, began_at, counts_from)
values ((select app.tenant()), $1, $2, $3, $4, $5, $6, (select app.now()), (select app.now()))
on conflict (wedding_id, link_id, journey_id) do update
set journey_version = excluded.journey_version, name = excluded.name, steps = excluded.steps
where (enrolments.journey_version, enrolments.name) is distinct from (excluded.journey_version, excluded.name)
returning new.id, old.id is null as is_new, to_jsonb(new) - 'steps' as record, to_jsonb(old) - 'steps' as old_record

-- name: enrolment
select e.id, e.wedding_id, e.link_id, e.journey_id, e.journey_version, e.name, e.steps, e.state, e.reason, e.booked_at, e.began_at, e.counts_from, e.next_at,
  e.version, e.created_at, e.updated_at
from enrolments e
where e.wedding_id = (select app.tenant()) and e.id = $1

-- name: claim
-- Held until the end of the transaction: a step is taken by one, and not while somebody pauses or stops.
select e.id, e.wedding_id, e.link_id, e.journey_id, e.journey_version, e.name, e.steps, e.state, e.reason, e.booked_at, e.began_at, e.counts_from, e.next_at,
  e.version, e.created_at, e.updated_at
from enrolments e
where e.wedding_id = (select app.tenant()) and e.id = $1
for update

-- name: enrolments
-- $1 of one link where it is named.
select e.id, e.wedding_id, e.link_id, e.journey_id, e.journey_version, e.name, e.steps, e.state, e.reason, e.booked_at, e.began_at, e.counts_from, e.next_at,
  e.version, e.created_at, e.updated_at
from enrolments e
where e.wedding_id = (select app.tenant()) and ($1::uuid is null or e.link_id = $1)
order by e.id

-- name: due
select e.id from enrolments e
where e.wedding_id = (select app.tenant()) and e.state = 'active' and e.next_at <= app.now()
order by e.next_at, e.id

-- name: set_next
update enrolments e
set next_at = $2
where e.wedding_id = (select app.tenant()) and e.id = $1 and e.next_at is distinct from $2
returning new.id, to_jsonb(new) - 'steps' as record, to_jsonb(old) - 'steps' as old_record

-- name: set_state
update enrolments e
set state = $2, reason = $3, next_at = $4, counts_from = case when $5 then (select app.now()) else e.counts_from end
where e.wedding_id = (select app.tenant()) and e.id = $1
returning new.id, new.link_id, new.version, to_jsonb(new) - 'steps' as record, to_jsonb(old) - 'steps' as old_record

-- name: runs
-- $1 of one enrolment.
select r.id, r.wedding_id, r.link_id, r.enrolment_id, r.key, r.kind, r.title, r.content, r.state, r.reason, r.answer, r.people, r.due_at, r.done_at, r.version,
  r.created_at, r.updated_at
from journey_runs r
where r.wedding_id = (select app.tenant()) and r.enrolment_id = $1
order by r.id

-- name: said
-- What became of the mails and texts of an enrolment's steps.
select s.key, s.status, s.people from app.said_of_steps($1) s

-- name: take
-- Whoever is second takes nothing.
insert into journey_runs (wedding_id, link_id, enrolment_id, key, kind, title, content, state, answer, reason, due_at, done_at)
values ((select app.tenant()), $1, $2, $3, $4, $5, $6, $7, case when $7 = 'failed' then '' else $8 end, case when $7 = 'failed' then $8 else '' end, $9,
  (select app.now()))
on conflict (wedding_id, enrolment_id, key) do nothing
returning new.id, to_jsonb(new) as record

-- name: run
-- A step that is to be said, with the words of the version it is of.
select r.id, r.link_id, r.key, r.kind, e.state as enrolment_state, e.steps
from journey_runs r
join enrolments e on e.wedding_id = r.wedding_id and e.id = r.enrolment_id
where r.wedding_id = (select app.tenant()) and r.id = $1 and r.state = 'due'
for update of r

-- name: finish
update journey_runs r
set state = $2, reason = $3, people = $4
where r.wedding_id = (select app.tenant()) and r.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: couple
-- Whom a step speaks to, and who of them wants no offers of this supplier. $1 the link.
select a.person_id, a.email, a.name, a.role, a.mask,
  exists (select from marketing_stops s where s.wedding_id = (select app.tenant()) and s.link_id = $1 and s.person_id = a.person_id) as is_stopped
from app.audience_of((select app.tenant())) a
where a.role = 'couple'
order by a.person_id

-- name: first_of_couple
-- To whom a task for the couple is given.
select m.id from memberships m
where m.wedding_id = (select app.tenant()) and m.role = 'couple' and m.removed_at is null
order by m.id
limit 1

-- name: sender
select s.name, s.email, s.colour, s.signature, s.address from app.sender_of($1) s

-- name: owe
select app.owe($1)

-- name: milestones
-- $1 of one link.
select m.id, m.wedding_id, m.link_id, m.supplier_id, m.name, m.reached_at, m.version, m.created_at
from milestones m
where m.wedding_id = (select app.tenant()) and m.link_id = $1
order by m.reached_at, m.id

-- name: reach
-- For one link, or for every active one; once each.
insert into milestones (wedding_id, link_id, supplier_id, name, reached_at)
select l.wedding_id, l.id, l.supplier_id, $2, (select app.now())
from links l
where l.wedding_id = (select app.tenant()) and l.status = 'active' and ($1::uuid is null or l.id = $1)
order by l.id
on conflict (wedding_id, link_id, name) do nothing
returning new.id, new.link_id, to_jsonb(new) as record

-- name: calendar_names
-- Which milestones the calendar says hold now.
select case when w.date_status in ('cancelled', 'postponed') or w."on" is null then '{}'
  else app.calendar_milestones(w."on", greatest(w."on", (select max(d."on") from wedding_days d where d.wedding_id = w.wedding_id)),
    (app.now() at time zone w.time_zone)::date) end as names
from weddings w
where w.wedding_id = (select app.tenant())

-- name: withdraw
-- Milestones of the calendar that hold no more.
delete from milestones m
where m.wedding_id = (select app.tenant()) and m.name in ('six_months', 'date_passed') and m.name <> all ($1)
returning old.id, old.link_id, null::jsonb as record, to_jsonb(old) as old_record

-- name: withdraw_one
delete from milestones m
where m.wedding_id = (select app.tenant()) and m.link_id = $1 and m.name = $2
returning old.id, old.link_id, null::jsonb as record, to_jsonb(old) as old_record

-- name: stop_offers
insert into marketing_stops (wedding_id, link_id, person_id, stopped_at)
values ((select app.tenant()), $1, (select app.actor()), (select app.now()))
on conflict (wedding_id, link_id, person_id) do nothing
returning new.id, to_jsonb(new) as record

-- name: take_offers
delete from marketing_stops s
where s.wedding_id = (select app.tenant()) and s.link_id = $1 and s.person_id = (select app.actor())
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: offers
-- Suppliers of the entered wedding, and whether whoever asks wants no offers of theirs.
select l.id as link_id, l.supplier_name,
  exists (select from marketing_stops s where s.wedding_id = l.wedding_id and s.link_id = l.id and s.person_id = (select app.actor())) as is_stopped
from links l
where l.wedding_id = (select app.tenant()) and l.status = 'active' and ($1::uuid is null or l.id = $1)
order by l.supplier_name, l.id

-- name: marketing_place
select p.supplier_name, p.is_stopped from app.marketing_place($1, $2) p

-- name: stop_marketing
select app.stop_marketing($1, $2)

-- name: poke
select app.poke_journeys()

-- name: poke_milestones
select app.poke_milestones($1)

-- name: my_link
-- The link of a supplier that whoever asks works for, in the entered wedding.
select l.id from links l
where l.wedding_id = (select app.tenant()) and l.supplier_id = $1 and l.id = (select app.link())

-- name: has_text
-- Whether the business has a text left for this wedding.
select app.has_text($1, $2)
