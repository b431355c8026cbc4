-- Every statement of tasks. The tenant is the entered one: flat paths know no wedding id.

-- name: wedding
select w.wedding_id, w."on", app.task_day(w.time_zone) as today, ((select app.write_mask()) & 512) <> 0 as is_couple
from weddings w
where w.wedding_id = (select app.tenant())

-- name: page
-- $1 status ('' = any, 'to_do' = neither done nor cancelled), $2 link, $3 membership, $4 is unassigned only, $5 the last task of the page before.
select t.id, t.wedding_id, t.link_id, t.membership_id, t.title, t.detail, t.status, t.due_on, t.due_days_before, t.origin, t.done_at, t.done_by,
  t.position, t.answer, t.answer_note, t.answered_at, t.reminded_rung, t.reminded_at, t.noted_at, t.snoozed_until, t.after_ids, t.waits_for,
  t.photo_id, t.version, t.created_at, t.updated_at
from tasks t
where t.wedding_id = (select app.tenant())
  and ($1 = '' or t.status = $1 or ($1 = 'to_do' and t.status not in ('done', 'cancelled')))
  and ($2::uuid is null or t.link_id = $2)
  and ($3::uuid is null or t.membership_id = $3)
  and (not $4 or num_nonnulls(t.link_id, t.membership_id) = 0)
  and ($5::uuid is null or (coalesce(t.due_on, 'infinity'), t.position, t.id) > (
    select coalesce(c.due_on, 'infinity'), c.position, c.id from tasks c where c.wedding_id = (select app.tenant()) and c.id = $5))
order by coalesce(t.due_on, 'infinity'), t.position, t.id
limit $6

-- name: one
select t.id, t.wedding_id, t.link_id, t.membership_id, t.title, t.detail, t.status, t.due_on, t.due_days_before, t.origin, t.done_at, t.done_by,
  t.position, t.answer, t.answer_note, t.answered_at, t.reminded_rung, t.reminded_at, t.noted_at, t.snoozed_until, t.after_ids, t.waits_for,
  t.photo_id, t.version, t.created_at, t.updated_at, ((select app.write_mask()) & 512) <> 0 as is_couple,
  ((select app.write_mask()) & 512) <> 0 or t.link_id = (select app.link()) or t.membership_id = (select app.membership()) as may_write,
  coalesce(t.link_id = (select app.link()) or t.membership_id = (select app.membership()), false) as is_own,
  (select w."on" from weddings w where w.wedding_id = t.wedding_id) as wedding_on,
  (select app.task_day(w.time_zone) from weddings w where w.wedding_id = t.wedding_id) as today
from tasks t
where t.wedding_id = (select app.tenant()) and t.id = $1

-- name: current
select to_jsonb(t) as record from tasks t where t.wedding_id = (select app.tenant()) and t.id = $1

-- name: known_assignee
-- A live link or a member; nulls ask for nothing.
select ($1::uuid is null or exists (
    select from links l
    where l.wedding_id = (select app.tenant()) and l.id = $1 and l.status in ('invited', 'requested', 'active'))) as is_link,
  ($2::uuid is null or exists (
    select from memberships m
    where m.wedding_id = (select app.tenant()) and m.id = $2 and m.removed_at is null)) as is_member

-- name: add
-- Who is not the couple writes tasks of their own; the system what a journey says. Reminders that would have passed by now are behind it.
insert into tasks (wedding_id, link_id, membership_id, title, detail, due_on, due_days_before, origin, position, reminded_rung)
values ((select app.tenant()),
  case when (select app.write_mask()) & 512 <> 0 then $1::uuid else (select app.link()) end,
  case when (select app.write_mask()) & 512 <> 0 then $2::uuid else (select app.membership()) end,
  $3, $4, $5, $6,
  case when (select app.role()) = 'system' then 'template' when (select app.write_mask()) & 512 <> 0 then 'couple'
    when (select app.link()) is not null then 'supplier' else 'helper' end, $7,
  app.task_rung($5, (select app.task_day(w.time_zone) from weddings w where w.wedding_id = (select app.tenant()))))
returning new.id, new.link_id, new.membership_id, to_jsonb(new) as record

-- name: change
-- On another day it is reminded of anew. The row is locked before it is read, so that of two changes at once neither is lost.
update tasks t
set title = n.title, detail = n.detail, status = n.status, due_on = n.due_on, due_days_before = n.due_days_before, position = n.position,
  done_at = case when n.status <> 'done' then null when t.status = 'done' then t.done_at else app.now() end,
  done_by = case when n.status <> 'done' then null when t.status = 'done' then t.done_by else (select app.actor()) end,
  reminded_rung = case when n.due_on is distinct from t.due_on then app.task_rung(n.due_on, $4) else t.reminded_rung end,
  noted_at = case when n.due_on is distinct from t.due_on then null else t.noted_at end,
  snoozed_until = case when n.due_on is distinct from t.due_on then null else t.snoozed_until end
from (
  select (jsonb_populate_record(x, $2)).*
  from tasks x
  where x.wedding_id = (select app.tenant()) and x.id = $1
  for no key update) n
where t.wedding_id = (select app.tenant()) and t.id = $1 and ($3::integer is null or t.version = $3)
returning new.id, new.version, new.link_id, new.membership_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: assign
-- What the one before said of it, and was told, is over.
update tasks t
set link_id = $2, membership_id = $3, answer = null, answer_note = '', answered_at = null, noted_at = null, snoozed_until = null,
  reminded_at = null, reminded_rung = app.task_rung(t.due_on, $5)
where t.wedding_id = (select app.tenant()) and t.id = $1 and ($4::integer is null or t.version = $4)
returning new.id, new.version, old.link_id as old_link_id, old.membership_id as old_membership_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: answer
update tasks t
set answer = $2, answer_note = $3, answered_at = app.now()
where t.wedding_id = (select app.tenant()) and t.id = $1
returning new.id, new.version, new.link_id, new.membership_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: hush
-- No reminders until a day, or none at all where there is none.
update tasks t
set noted_at = case when $2::date is null then app.now() end, snoozed_until = $2
where t.wedding_id = (select app.tenant()) and t.id = $1
returning new.id, new.version, new.link_id, new.membership_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: chase
-- Asked by hand, at most once in twelve hours; what they had put off is asked again.
update tasks t
set reminded_at = app.now(), noted_at = null, snoozed_until = null, reminded_rung = greatest(t.reminded_rung, app.task_rung(t.due_on, $2))
where t.wedding_id = (select app.tenant()) and t.id = $1 and (t.reminded_at is null or t.reminded_at < app.now() - interval '12 hours')
returning new.id, new.version, new.link_id, new.membership_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: hold_order
-- One says at a time what waits for what: two arrows that are drawn at once could make a circle.
select pg_advisory_xact_lock(hashtextextended('task order:' || app.tenant(), 0))

-- name: order_of_tasks
-- Which task is to be done after which.
select t.id, t.title, t.after_ids from tasks t where t.wedding_id = (select app.tenant())

-- name: put_after
update tasks t
set after_ids = $2, waits_for = (
  select count(*) from tasks b where b.wedding_id = t.wedding_id and b.id = any ($2) and b.status not in ('done', 'cancelled'))
where t.wedding_id = (select app.tenant()) and t.id = $1
returning new.id, new.version, new.link_id, new.membership_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: recount
-- What waits for one task, counted anew.
update tasks t
set waits_for = n.left_over
from (
  select x.id, (select count(*) from tasks b where b.wedding_id = x.wedding_id and b.id = any (x.after_ids)
    and b.status not in ('done', 'cancelled'))::integer as left_over
  from tasks x
  where x.wedding_id = (select app.tenant()) and $1 = any (x.after_ids)) n
where t.wedding_id = (select app.tenant()) and t.id = n.id and t.waits_for <> n.left_over
returning new.id, new.link_id, new.membership_id, new.waits_for, new.status, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: drop_photo
delete from task_photos p where p.wedding_id = (select app.tenant()) and p.task_id = $1

-- name: put_photo
insert into task_photos (id, wedding_id, task_id, kind, bytes, sealed) values ($2, (select app.tenant()), $1, $3, $4, $5)

-- name: name_photo
update tasks t
set photo_id = $2
where t.wedding_id = (select app.tenant()) and t.id = $1
returning new.id, new.version, new.link_id, new.membership_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: photo
select p.id, p.wedding_id, p.kind, p.sealed from task_photos p where p.wedding_id = (select app.tenant()) and p.task_id = $1

-- name: reach_of_helpers
-- Whether we can write to those who have something to do, and when a helper last looked.
select m.id, p.email <> '' as has_mail, s.at as seen_at
from memberships m
left join app.people_of((select app.tenant())) p on p.person_id = m.person_id
left join app.helpers_seen() s on s.membership_id = m.id
where m.wedding_id = (select app.tenant()) and m.removed_at is null

-- name: weddings_of_due
select w.id from app.weddings_of_due_tasks() as w (id)

-- name: remind_of_due
select app.remind_of_tasks($1)

-- name: remove
delete from tasks t
where t.wedding_id = (select app.tenant()) and t.id = $1 and ($2::integer is null or t.version = $2)
returning old.id, old.link_id, old.membership_id, null::jsonb as record, to_jsonb(old) as old_record

-- name: follow_date
-- The due days of relative tasks, from the wedding's date as it is now.
update tasks t
set due_on = w."on" - t.due_days_before, noted_at = null, snoozed_until = null,
  reminded_rung = app.task_rung(w."on" - t.due_days_before, app.task_day(w.time_zone))
from weddings w
where w.wedding_id = (select app.tenant()) and t.wedding_id = w.wedding_id and t.due_days_before is not null
  and t.due_on is distinct from w."on" - t.due_days_before
returning new.id, new.link_id, new.membership_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: all_tasks
select t.id, t.link_id, t.membership_id, t.title, t.detail, t.status, t.due_on, t.due_days_before, t.origin, t.version,
  t.answer, t.answer_note, t.answered_at, t.noted_at, t.snoozed_until, t.reminded_at, t.waits_for, t.after_ids, t.photo_id,
  coalesce(t.link_id = (select app.link()) or t.membership_id = (select app.membership()), false) as is_own,
  ((select app.write_mask()) & 512) <> 0 as is_couple,
  ((select app.write_mask()) & 512) <> 0 or t.link_id = (select app.link()) or t.membership_id = (select app.membership()) as may_write
from tasks t
where t.wedding_id = (select app.tenant())
order by coalesce(t.due_on, 'infinity'), t.position, t.id
limit 2000

-- name: people
-- Whom a task can be given to, by name.
select 'membership' as kind, m.id, coalesce(nullif(m.name, ''), p.name, '') as name, m.role
from memberships m
left join app.people_of((select app.tenant())) p on p.person_id = m.person_id
where m.wedding_id = (select app.tenant()) and m.removed_at is null
union all
select 'link', l.id, l.supplier_name, 'link'
from links l
where l.wedding_id = (select app.tenant()) and l.status in ('invited', 'requested', 'active')
order by 1 desc, 3, 2

-- name: about_helper
-- The helper a pass opened for, and what of the wedding they see.
select m.name, w.wedding_id, w.couple_names, w."on", w.time_zone, w.ceremony_venue, w.ceremony_at, w.reception_venue, app.now() as now
from memberships m
join weddings w on w.wedding_id = m.wedding_id
where m.wedding_id = (select app.tenant()) and m.id = (select app.membership())

-- name: cues
select i.id, i.title, i."on", i.at_local, i.zone, i.place, i.starts_at + make_interval(mins => i.minutes) as ends_at,
  i.owner_membership_id is not distinct from (select app.membership()) as is_mine
from schedule_items i
where i.wedding_id = (select app.tenant())
order by i.starts_at, i.id

-- name: day_contacts
select c.name, c.what, c.phone from day_contacts c where c.wedding_id = (select app.tenant()) order by c.position, c.id
