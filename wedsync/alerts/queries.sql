-- Every statement of alerts. The tenant is the entered wedding.

-- name: me
-- Who is asking, and whether this is a day on which everybody of the wedding may raise an emergency.
select (select app.actor()) as id, (select app.role()) as role, (select app.mask()) as mask, (select app.link()) as link_id, w.couple_names,
  l.supplier_name, m.name as member_name,
  exists (select from wedding_days d where d.wedding_id = w.wedding_id
    and app.now() between d.live_from - interval '12 hours' and d.live_until + interval '6 hours') as is_the_day
from weddings w
left join links l on l.wedding_id = w.wedding_id and l.id = (select app.link())
left join memberships m on m.wedding_id = w.wedding_id and m.id = (select app.membership())
where w.wedding_id = (select app.tenant())

-- name: hold
-- Two who raise the same matter at once raise one alert.
select pg_advisory_xact_lock(hashtextextended('alerts:' || app.tenant(), 0))

-- name: open
-- What is not over, newest first.
select a.id, a.wedding_id, a.kind, a.what, a.place, a.sealed, a.state, a.times
from alerts a
where a.wedding_id = (select app.tenant()) and a.ended_at is null and a.kind = 'emergency'
order by a.id desc

-- name: open_dietary
select a.id, a.wedding_id, a.sealed from alerts a
where a.wedding_id = (select app.tenant()) and a.ended_at is null and a.kind = 'dietary'
order by a.id desc
limit 1

-- name: is_close
-- Whether the wedding is within 72 hours, or on: by its schedule, or by its day where there is none.
select exists (select from wedding_days d
    where d.wedding_id = (select app.tenant()) and d.live_from <= app.now() + interval '72 hours' and d.live_until > app.now())
  or exists (select from weddings w where w.wedding_id = (select app.tenant())
    and not exists (select from wedding_days d where d.wedding_id = w.wedding_id)
    and w."on" between (app.now() at time zone w.time_zone)::date and (app.now() at time zone w.time_zone)::date + 3)

-- name: add
insert into alerts (id, wedding_id, kind, what, place, sealed, severity, raised_by, raised_name, raised_link, raised_at, began_at, next_at)
values ($1, (select app.tenant()), $2, $3, $4, $5, $7, (select app.actor()), $6, (select app.link()), (select app.now()), app.ladder_now(), app.ladder_now())
returning new.id, new.began_at, to_jsonb(new) as record

-- name: repeat
update alerts a
set sealed = $2, times = least(a.times + 1, 1000)
where a.wedding_id = (select app.tenant()) and a.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: claim
-- Held until the end of the transaction: whoever acknowledges and whoever escalates never do so at once.
select a.id, a.wedding_id, a.kind, a.what, a.severity, a.place, a.sealed, a.state, a.step, a.began_at, a.held_until, a.raised_by, a.raised_link,
  a.acknowledged_by, a.version
from alerts a
where a.wedding_id = (select app.tenant()) and a.id = $1
for update

-- name: owe_step
select app.owe_step($1, $2, $3, $4, $5)

-- name: advance
update alerts a
set step = $2, next_at = $3, is_breached = a.is_breached or $4
where a.wedding_id = (select app.tenant()) and a.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: give_up
update alerts a
set state = $2, step = $3, next_at = null, outcome = $4, ended_at = (select app.now())
where a.wedding_id = (select app.tenant()) and a.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: acknowledge
-- $4 seconds of wedding time until it escalates again.
update alerts a
set state = 'acknowledged', next_at = null, acknowledged_by = (select app.actor()), acknowledged_name = $2, acknowledged_via = $3,
  acknowledged_at = (select app.now()), held_until = $4
where a.wedding_id = (select app.tenant()) and a.id = $1
returning new.id, new.held_until, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: keep
update alerts a
set held_until = $2
where a.wedding_id = (select app.tenant()) and a.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: lapse
update alerts a
set state = 'triggered', step = 0, began_at = app.ladder_now(), next_at = app.ladder_now(), held_until = null
where a.wedding_id = (select app.tenant()) and a.id = $1
returning new.id, new.began_at, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: end
update alerts a
set state = $2, next_at = null, held_until = null, outcome = $3, ended_at = (select app.now())
where a.wedding_id = (select app.tenant()) and a.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: machine_now
select app.ladder_now()

-- name: since
select app.alert_since($1)

-- name: hush
select app.hush_alert($1)

-- name: answer
update alert_calls c
set answer = $2, answered_at = (select app.now())
where c.wedding_id = (select app.tenant()) and c.alert_id = $1 and c.person_id = (select app.actor()) and c.answer is distinct from 'acknowledged'
returning c.id

-- name: forget_answers
-- Whoever said that they see to it is called again like everybody.
update alert_calls c
set answer = null, answered_at = null
where c.wedding_id = (select app.tenant()) and c.alert_id = $1 and c.answer is not null

-- name: my_name
-- As whoever called them knows them.
select c.name from alert_calls c where c.wedding_id = (select app.tenant()) and c.alert_id = $1 and c.person_id = (select app.actor())

-- name: of_event
-- What somebody was called for by this event.
select e.subject_id as id
from events e
where e.stream_id = (select app.tenant()) and e.id = $1 and e.subject_table = 'alerts'

-- name: left_to_answer
-- Whether anybody who was called might still say yes.
select exists (select from alert_calls c where c.wedding_id = (select app.tenant()) and c.alert_id = $1 and c.answer is distinct from 'cannot')

-- name: people
select p.person_id, p.name, p.email, p.role, p.link_id, p.supplier_id, p.supplier_name, p.category, p.mask, p.tier from app.people_on_call() p

-- name: words
-- Whose wedding it is, in which language, and what an operator wrote instead of these texts ($1).
select w.couple_names, w.locale, app.wordings_of($1) as wordings from weddings w where w.wedding_id = (select app.tenant())

-- name: locales
-- Which language each of these people chose.
select l.person_id, l.locale from app.locales_of($1) l

-- name: called
-- Who is called now: anew, or once more. $2 persons with their tier as {person_id, link_id, name, tier, id, token_hash}, $3 the ways.
insert into alert_calls (id, wedding_id, alert_id, person_id, link_id, name, tier, channels, token_hash)
select x.id, (select app.tenant()), $1, x.person_id, x.link_id, x.name, x.tier, $3::text[], decode(x.token_hash, 'hex')
from jsonb_to_recordset($2::jsonb) as x(id uuid, person_id uuid, link_id uuid, name text, tier smallint, token_hash text)
order by x.person_id
on conflict (wedding_id, alert_id, person_id) do update
set last_at = app.ladder_now(), calls = alert_calls.calls + 1,
  channels = array(select distinct y from unnest(alert_calls.channels || excluded.channels) y order by y)
returning new.id, new.person_id

-- name: alert_event
select app.alert_event($1, $2)

-- name: heard
select app.alert_heard($1)

-- name: put_notices
select app.put_notices($1)

-- name: owe
select app.owe($1)

-- name: list
-- $1 the last one of the page before; $2 only those that are not over.
select a.id, a.wedding_id, a.kind, a.what, a.severity, a.place, a.sealed, a.state, a.times, a.step, a.next_at, a.is_breached, a.raised_name, a.raised_at,
  a.acknowledged_name, a.acknowledged_via, a.acknowledged_at, a.held_until, a.outcome, a.ended_at, a.version
from alerts a
where a.wedding_id = (select app.tenant()) and ($1::uuid is null or a.id < $1) and (not $2::boolean or a.ended_at is null)
order by a.id desc
limit $3

-- name: one
select a.id, a.wedding_id, a.kind, a.what, a.severity, a.place, a.sealed, a.state, a.times, a.step, a.next_at, a.is_breached, a.raised_name, a.raised_at,
  a.acknowledged_name, a.acknowledged_via, a.acknowledged_at, a.held_until, a.outcome, a.ended_at, a.version
from alerts a
where a.wedding_id = (select app.tenant()) and a.id = $1

-- name: calls
select c.person_id, c.name, c.tier, c.channels, c.first_at, c.last_at, c.calls, c.answer, c.answered_at
from alert_calls c
where c.wedding_id = (select app.tenant()) and c.alert_id = $1
order by c.tier, c.first_at, c.name

-- name: my_alert
-- The alert that a pass was made for.
select c.alert_id, c.name from alert_calls c where c.wedding_id = (select app.tenant()) and c.token_hash = $1

-- name: set_duty
insert into duties (wedding_id, person_id, tier)
values ((select app.tenant()), $1, $2)
on conflict (wedding_id, person_id) do update
set tier = excluded.tier
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: clear_duty
delete from duties d where d.wedding_id = (select app.tenant()) and d.person_id = $1
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: alarms
-- What calls me and nobody has acknowledged yet, over all weddings; in my own home.
select m.alert_id, m.title, m.href, m.raised_at from app.my_alarms() m

-- name: late
select l.wedding_id, l.alert_id, l.late_s from app.late_alerts() l

-- name: poke_drills
select app.poke_drills($1)
