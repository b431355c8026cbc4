-- Alerts: whom a wedding can call, the steps that are owed, and what must not leave any more once somebody has acknowledged.
set role wedsync_owner;
-- Steps have places of their own: an import, or many, never keeps an emergency waiting.
alter table public.destinations no force row level security;
insert into public.destinations (id, tenant_id, connector, max_in_flight) values
 ('00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-000000000000', 'alerts', 32);
alter table public.destinations force row level security;
reset role;

set role wedsync_recorder;

-- Everybody of the entered wedding who may be called: the couple, helpers, and of active links that see the schedule the owners, admins and
-- assigned members. `tier` is what the couple has said, null where it said nothing; addresses are the system's alone.
create function app.people_on_call()
returns table (person_id uuid, name text, email text, role text, link_id uuid, supplier_id uuid, supplier_name text, category text, mask integer,
  tier smallint)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_wedding uuid := app.tenant();
  v_is_system boolean := app.role() = 'system';
begin
  if not v_is_system and app.role() <> 'couple' then raise insufficient_privilege using message = 'people_on_call is the couple''s'; end if;
  return query
    select y.person_id, coalesce(nullif(y.name, ''), p.name), case when v_is_system then p.email end, y.role, y.link_id, y.supplier_id, y.supplier_name, y.category, y.mask, d.tier
    from (
      select m.person_id, m.name, case when m.role = 'helper' then 'helper' else 'couple' end as role, null::uuid as link_id, null::uuid as supplier_id,
        ''::text as supplier_name, ''::text as category, case when m.role = 'helper' then 3 else 2047 end as mask
      from public.memberships m
      where m.wedding_id = v_wedding and m.removed_at is null
      union all
      select sm.person_id, sm.name, 'supplier', l.id, l.supplier_id, l.supplier_name, l.category, l.mask
      from public.links l join public.supplier_members sm on sm.supplier_id = l.supplier_id and sm.removed_at is null
      where l.wedding_id = v_wedding and l.status = 'active' and l.mask & 2 <> 0
        and (sm.role in ('owner', 'admin') or exists (select from public.assignments a
          where a.supplier_id = sm.supplier_id and a.member_id = sm.id and a.link_id = l.id))) y
    join public.persons p on p.person_id = y.person_id
    left join public.duties d on d.wedding_id = v_wedding and d.person_id = y.person_id
    order by y.person_id, y.link_id nulls first;
end $$;

-- Which language each of these people chose, where they did.
create function app.locales_of(p_people uuid[]) returns table (person_id uuid, locale text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'locales_of is the system''s'; end if;
  return query select f.person_id, f.locale from public.preferences f where f.person_id = any (p_people) and f.locale is not null;
end $$;

-- The next step of an alert as a job, or the end of what an acknowledgement holds: run when it is due, whatever becomes of this process. p_at_s
-- seconds of wedding time after p_began, which is machine time; returns when that is.
create function app.owe_step(p_name text, p_alert uuid, p_step integer, p_began timestamptz, p_at_s double precision) returns timestamptz
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_due timestamptz := p_began + make_interval(secs => p_at_s / app.speed());
begin
  if app.tenant() is null or app.mask() & 2 = 0 then raise insufficient_privilege using message = 'owe outside of a wedding'; end if;
  if p_name not in ('alerts.step', 'alerts.lapse') then raise exception 'unknown work %', p_name; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args, run_at)
    values (uuidv7(), 'work', p_name, 0, app.tenant(), '00000000-0000-7000-8000-00000000000a',
      jsonb_build_object('alert', p_alert, 'step', p_step, 'began', p_began), v_due);
  return v_due;
end $$;

-- The clock of the ladder: machine time, so that nothing is called late where wedding time stands still or runs.
create function app.ladder_now() returns timestamptz language sql volatile set search_path = '' return clock_timestamp();

-- Seconds of wedding time since a moment of machine time.
create function app.alert_since(p_began timestamptz) returns double precision language sql stable security definer set search_path = ''
  return greatest(0, extract(epoch from clock_timestamp() - p_began))::double precision * app.speed();

-- Whether anybody who was called for an alert has it before them: read in the product, or taken by their phone.
create function app.alert_heard(p_event uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'alert_heard is the system''s'; end if;
  return exists (select from public.inbox i where i.stream_id = app.tenant() and i.event_id = p_event
      and coalesce(i.delivered_at, i.seen_at, i.read_at) is not null)
    or exists (select from public.phone_messages m where m.tenant_id = app.tenant() and m.event_id = p_event and m.state = 'delivered');
end $$;

-- The fact that what is sent for an alert goes back to, the newest of these types, in live form.
create function app.alert_event(p_alert uuid, p_types text[]) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'alert_event is the system''s'; end if;
  return (select app.event_json(e, 'wedding') from public.events e
    where e.stream_id = app.tenant() and e.subject_table = 'alerts' and e.subject_id = p_alert and e.type = any (p_types) order by e.seq desc limit 1);
end $$;

-- Which facts of an alert call people. The others tell what became of it, and leave whatever was answered.
create function app.calls_people(p_type text) returns boolean language sql immutable set search_path = ''
  return p_type in ('alert.raised', 'alert.lapsed', 'alert.escalated', 'alert.breached');

-- Whether a call of an alert is of no use any more: somebody sees to it, or it is over.
create function app.is_hushed(p_type text, p_wedding uuid, p_alert uuid) returns boolean
language sql stable set search_path = '' as $$
  select app.calls_people(p_type) and exists (select from public.alerts a
    where a.wedding_id = p_wedding and a.id = p_alert and a.state in ('acknowledged', 'resolved', 'cancelled'));
$$;

-- Asked once more by a worker that had something in its hand for longer than a moment: whether it may still leave.
create function app.may_still_leave(p_delivery uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select not exists (select from public.deliveries d
    join public.events e on e.stream_id = d.stream_id and e.seq = d.seq and e.recorded_at = d.event_at
    where d.id = p_delivery and e.subject_table = 'alerts' and app.is_hushed(e.type, e.stream_id, e.subject_id));
$$;
grant execute on function app.may_still_leave(uuid) to wedsync_service;

-- Somebody has acknowledged, or it is over: what still calls people about this alert stays here. What a program subscribed to, and what changes a
-- message that stands in a channel, is owed all the same. Returns how much that was.
create function app.hush_alert(p_alert uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_jobs uuid[];
begin
  if app.tenant() is null or app.mask() & 2 = 0 then raise insufficient_privilege using message = 'hush outside of a wedding'; end if;
  select array_agg(j.id) into v_jobs from public.jobs j
    join public.events e on e.stream_id = app.tenant() and e.id = j.event_id and e.recorded_at = j.made_at
    join public.deliveries d on d.id = j.id and d.made_at = j.made_at and d.subscription_id is null
    where j.tenant_id = app.tenant() and j.kind = 'delivery' and j.lease_token is null and j.event_id is not null
      and e.subject_table = 'alerts' and e.subject_id = p_alert and app.calls_people(e.type);
  if v_jobs is null then return 0; end if;
  perform app.end_jobs(v_jobs, 'cancelled', 'somebody has acknowledged the alert');
  return cardinality(v_jobs);
end $$;
grant execute on function app.people_on_call(), app.locales_of(uuid[]), app.owe_step(text, uuid, integer, timestamptz, double precision), app.ladder_now(), app.alert_since(timestamptz), app.alert_heard(uuid), app.alert_event(uuid, text[]),
  app.hush_alert(uuid) to wedsync_user;

-- What calls the person whose home is entered and nobody has acknowledged yet, over all weddings.
create function app.my_alarms() returns table (alert_id uuid, title text, href text, raised_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select distinct on (a.raised_at, a.id) a.id, i.title, i.href, a.raised_at
  from public.alert_calls c
  join public.alerts a on a.wedding_id = c.wedding_id and a.id = c.alert_id and a.state = 'triggered' and a.kind = 'emergency'
  join public.inbox i on i.person_id = c.person_id and i.stream_id = a.wedding_id and i.type in ('alert.raised', 'alert.lapsed') and i.href like '%' || a.id
  where app.role() = 'self' and c.person_id = app.tenant() and c.answer is null
  order by a.raised_at desc, a.id, i.id desc
  limit 5;
$$;
grant execute on function app.my_alarms() to wedsync_user;

-- Steps that nobody ran in time, whatever became of their jobs: owed once more, and told to the operator. A worker that holds one so long is not waited
-- for until its lease lapses, which is a minute: a step that is taken twice is taken once.
create function app.late_alerts(p_late interval default interval '3 seconds') returns table (wedding_id uuid, alert_id uuid, late_s double precision)
language plpgsql volatile security definer set search_path = '' as $$
begin
  return query
    with late as materialized (
      select a.wedding_id, a.id, a.step, a.began_at, extract(epoch from clock_timestamp() - a.next_at)::double precision as late_s
      from public.alerts a where a.next_at < clock_timestamp() - p_late),
    owed as (
      insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
        select uuidv7(), 'work', 'alerts.step', 0, l.wedding_id, '00000000-0000-7000-8000-00000000000a',
          jsonb_build_object('alert', l.id, 'step', l.step, 'began', l.began_at)
        from late l
        where not exists (select from public.jobs j where j.name = 'alerts.step' and j.tenant_id = l.wedding_id and j.lease_token is null
          and j.destination_id = '00000000-0000-7000-8000-00000000000a' and j.args ->> 'alert' = l.id::text and j.run_at <= clock_timestamp()))
    select l.wedding_id, l.id, l.late_s from late l;
end $$;

-- The morning of a wedding: four hours before it goes live everybody on call is asked to answer once, so that nobody finds out on the day that a
-- number is wrong. Once a day and wedding.
create function app.poke_drills(p_within_s double precision default 0, p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args, run_at)
    select uuidv7(), 'work', 'alerts.drill', 1, d.wedding_id, '00000000-0000-7000-8000-0000000000d2', jsonb_build_object('on', d."on"),
      clock_timestamp() + app.own_turn(d.wedding_id, p_within_s)
    from public.wedding_days d
    where d.live_until > app.now() and d.live_from - interval '4 hours' <= app.now()
      and not exists (select from public.alerts a where a.wedding_id = d.wedding_id and a.kind = 'drill'
        and a.raised_at >= d.live_from - interval '4 hours')
      and not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-0000000000d2' and j.tenant_id = d.wedding_id
        and j.name = 'alerts.drill')
    limit p_limit;
  get diagnostics n = row_count;
  return n;
end $$;
grant execute on function app.late_alerts(interval), app.poke_drills(double precision, integer) to wedsync_service;
reset role;
