-- Reminders of tasks on a ladder until somebody has done, noted or put them off; and the photographs that show they are done.
set role wedsync_owner;

create table public.task_photos (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  task_id uuid not null,
  kind text not null check (kind in ('jpeg', 'png', 'webp')),
  bytes integer not null check (bytes between 1 and 8388608),
  sealed bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, task_id),
  foreign key (wedding_id, task_id) references public.tasks (wedding_id, id) on delete cascade
);
comment on table public.task_photos is 'The photograph that shows a task is done: whoever sees the task sees it, whoever works on the task puts it there. Told as task.photo_added';
-- The task's own policies are asked: nobody sees the photograph of a task that they do not see.
call app.protect('public.task_photos', 'wedding_id',
  $$exists (select from public.tasks t where t.wedding_id = task_photos.wedding_id and t.id = task_photos.task_id)$$,
  $$exists (select from public.tasks t where t.wedding_id = task_photos.wedding_id and t.id = task_photos.task_id
    and (((select app.write_mask()) & 512) <> 0 or t.link_id = (select app.link()) or t.membership_id = (select app.membership())))$$);
create index tasks_reminded on public.tasks (due_on, wedding_id)
  where due_on is not null and noted_at is null and status not in ('done', 'cancelled') and answer is distinct from 'declined';
grant update on public.tasks to wedsync_recorder;
-- Keys are rotated as the recorder.
grant update (sealed) on public.task_photos to wedsync_recorder;
reset role;

set role wedsync_recorder;

-- How many reminders are behind a task on a day: two weeks, three days and a day before it is due, on the day, and one, three and seven days after.
create function app.task_rung(p_due date, p_today date) returns integer
language sql immutable set search_path = '' as $$
  select count(*)::integer from unnest(array[-14, -3, -1, 0, 1, 3, 7]) o where p_due + o <= p_today;
$$;

-- The day that reminders go by: it begins at nine in the morning where the wedding is.
create function app.task_day(p_zone text) returns date
language sql stable set search_path = '' as $$
  select ((app.now() at time zone p_zone) - interval '9 hours')::date;
$$;

-- What the clock has to remind of: given to somebody who is still there, or to nobody yet; a task that waits for another is left alone, and so
-- is one that was due a month ago.
create function app.due_tasks(p_wedding uuid) returns table (wedding_id uuid, id uuid, is_late boolean, rung integer)
language sql stable set search_path = '' as $$
  select t.wedding_id, t.id, t.due_on < app.task_day(w.time_zone), app.task_rung(t.due_on, app.task_day(w.time_zone))
  from public.tasks t
  join public.weddings w on w.wedding_id = t.wedding_id
  left join public.links l on l.wedding_id = t.wedding_id and l.id = t.link_id
  left join public.memberships m on m.wedding_id = t.wedding_id and m.id = t.membership_id
  where t.due_on between app.now()::date - 30 and app.now()::date + 15 and t.noted_at is null and t.status not in ('done', 'cancelled')
    and t.answer is distinct from 'declined' and t.waits_for = 0 and (p_wedding is null or t.wedding_id = p_wedding)
    and w.date_status <> 'cancelled' and (t.link_id is null or l.status = 'active') and (t.membership_id is null or m.removed_at is null)
    and case when t.snoozed_until is not null then t.snoozed_until <= app.task_day(w.time_zone)
      else app.task_rung(t.due_on, app.task_day(w.time_zone)) > t.reminded_rung end;
$$;

create function app.weddings_of_due_tasks(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct d.wedding_id from app.due_tasks(null) d limit p_limit;
$$;

-- Each is told once of a rung, however many rungs have passed meanwhile. Returns the nudge, or null when there was nothing to say.
create function app.remind_of_tasks(p_wedding uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  with due as (
    select t.id from public.tasks t
    where t.wedding_id = p_wedding and t.id in (select d.id from app.due_tasks(p_wedding) d)
    order by t.id for update skip locked),
  told as (
    update public.tasks t
    set reminded_rung = d.rung, reminded_at = app.now(), snoozed_until = null
    from due u join app.due_tasks(p_wedding) d on d.id = u.id
    where t.wedding_id = p_wedding and t.id = u.id and t.noted_at is null and t.status not in ('done', 'cancelled')
    returning new.id, new.link_id, new.membership_id, case when d.is_late then 'task.overdue' else 'task.due_soon' end as type,
      to_jsonb(new) as record, to_jsonb(old) as old_record)
  select jsonb_agg(jsonb_build_object('type', t.type, 'scope', 4, 'link', t.link_id, 'membership', t.membership_id, 'table', 'tasks',
    'id', t.id, 'op', 'UPDATE', 'record', t.record, 'old', t.old_record)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;
grant execute on function app.task_rung(date, date), app.task_day(text) to wedsync_user;
grant execute on function app.weddings_of_due_tasks(integer), app.remind_of_tasks(uuid) to wedsync_service;
reset role;
