-- Payments whose day comes close or has passed: the clock asks which, and says so once of each day.
set role wedsync_recorder;

-- Three days before the day the couple is reminded, unless it was asked only a day ago; once the day is over where the wedding is, both are told.
-- A link that ended asks for nothing any more, and neither does the wedding that was cancelled.
create function app.due_payments(p_wedding uuid) returns table (wedding_id uuid, id uuid, is_overdue boolean)
language sql stable set search_path = '' as $$
  select p.wedding_id, p.id, timezone(w.time_zone, (p.due_on + 1) + time '00:00') <= app.now()
  from public.payments p
  join public.weddings w on w.wedding_id = p.wedding_id
  join public.links l on l.wedding_id = p.wedding_id and l.id = p.link_id
  where p.due_on is not null and p.overdue_at is null and p.status in ('requested', 'part_paid') and (p_wedding is null or p.wedding_id = p_wedding)
    and l.status = 'active' and w.date_status <> 'cancelled'
    and (timezone(w.time_zone, (p.due_on + 1) + time '00:00') <= app.now()
      or (p.reminded_at is null and timezone(w.time_zone, (p.due_on - 3) + time '00:00') <= app.now()
        and p.created_at <= app.now() - interval '1 day'));
$$;

create function app.weddings_of_due_payments(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct d.wedding_id from app.due_payments(null) d limit p_limit;
$$;

-- Returns the nudge, or null when there was nothing to say.
create function app.remind_of_payments(p_wedding uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  with due as (
    select p.id from public.payments p
    where p.wedding_id = p_wedding and p.id in (select d.id from app.due_payments(p_wedding) d)
    order by p.id for update skip locked),
  told as (
    update public.payments p
    set reminded_at = coalesce(p.reminded_at, app.now()), overdue_at = case when d.is_overdue then app.now() end
    from due u join app.due_payments(p_wedding) d on d.id = u.id
    where p.wedding_id = p_wedding and p.id = u.id and p.overdue_at is null and p.status in ('requested', 'part_paid')
    returning new.id, new.link_id, case when new.overdue_at is null then 'payment.due_soon' else 'payment.overdue' end as type,
      to_jsonb(new) as record, to_jsonb(old) as old_record)
  select jsonb_agg(jsonb_build_object('type', t.type, 'scope', 1, 'link', t.link_id, 'table', 'payments', 'id', t.id, 'op', 'UPDATE',
    'record', t.record, 'old', t.old_record)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;
grant execute on function app.weddings_of_due_payments(integer), app.remind_of_payments(uuid) to wedsync_service;
reset role;
