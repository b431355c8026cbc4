-- Journeys: what reaches over homes. A wedding asks for its supplier's journeys and how they write; a supplier has weddings begin one and lists them;
-- the clock finds what is due; whoever holds a mail's way out needs no login.
set role wedsync_recorder;

-- The journeys of the supplier behind a link of the entered wedding: the one that is named, or all that begin with a booking.
create function app.journeys_for(p_link uuid, p_journey uuid default null)
returns table (id uuid, name text, steps jsonb, version integer, is_active boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' and app.link() is distinct from p_link then
    raise insufficient_privilege using message = 'journeys are their supplier''s';
  end if;
  return query
    select j.id, j.name, j.steps, j.version, j.is_active
    from public.links l join public.journeys j on j.supplier_id = l.supplier_id
    where l.wedding_id = app.tenant() and l.id = p_link and l.status = 'active'
      and case when p_journey is null then j.is_active and j.starts = 'booking' else j.id = p_journey end
    order by j.id;
end $$;

-- In whose name a step writes: the business, and how its mails look.
create function app.sender_of(p_link uuid) returns table (name text, email text, colour text, signature text, address text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'sender_of is the system''s'; end if;
  return query
    select s.name, s.email, coalesce(y.colour, '#2f4a3a'), coalesce(y.signature, ''), coalesce(y.address, '')
    from public.links l join public.suppliers s on s.supplier_id = l.supplier_id
    left join public.invitation_styles y on y.supplier_id = s.supplier_id
    where l.wedding_id = app.tenant() and l.id = p_link;
end $$;

-- Work in every wedding that a supplier names, or in all that are ahead: they begin the journey, or follow its newest version. p_enrolled: only those
-- that are on it already. How many.
create function app.owe_enrolments(p_journey uuid, p_links uuid[] default null, p_enrolled boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  if app.role() not in ('owner', 'admin') then raise insufficient_privilege using message = 'journeys are begun by who leads the business'; end if;
  perform from public.journeys j where j.supplier_id = app.tenant() and j.id = p_journey;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'journeys.enrol', 3, l.wedding_id, '00000000-0000-7000-8000-000000000003',
      jsonb_build_object('journey', p_journey, 'link', l.id)
    from public.links l join public.weddings w on w.wedding_id = l.wedding_id
    where l.supplier_id = app.tenant() and l.status = 'active' and (p_links is null or l.id = any (p_links))
      and w.date_status <> 'cancelled' and (p_links is not null or p_enrolled or w."on" is null or w."on" >= app.now()::date)
      and (not p_enrolled or exists (select from public.enrolments e where e.wedding_id = l.wedding_id and e.link_id = l.id
        and e.journey_id = p_journey and e.state <> 'stopped'));
  get diagnostics n = row_count;
  return n;
end $$;

-- The weddings on the way of one of the entered supplier's journeys; a member sees those assigned, as everywhere (supplier_index).
create function app.enrolments_of(p_journey uuid, p_after uuid, p_limit integer)
returns table (id uuid, wedding_id uuid, link_id uuid, journey_version integer, state text, reason text, next_at timestamptz, began_at timestamptz,
  taken integer, failed integer)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('owner', 'admin', 'member', 'system') then raise insufficient_privilege using message = 'enrolments are the supplier''s'; end if;
  return query
    select e.id, e.wedding_id, e.link_id, e.journey_version, e.state, e.reason, e.next_at, e.began_at,
      (select count(*)::integer from public.journey_runs r where r.wedding_id = e.wedding_id and r.enrolment_id = e.id and r.state in ('sent', 'done')),
      (select count(*)::integer from public.journey_runs r where r.wedding_id = e.wedding_id and r.enrolment_id = e.id and r.state = 'failed')
    from public.enrolments e join public.links l on l.wedding_id = e.wedding_id and l.id = e.link_id
    where e.journey_id = p_journey and l.supplier_id = app.tenant() and (p_after is null or e.id < p_after)
      and (app.role() <> 'member' or exists (select from public.assignments a
        join public.supplier_members m on m.supplier_id = a.supplier_id and m.id = a.member_id
        where a.supplier_id = app.tenant() and a.link_id = e.link_id and m.person_id = app.actor()))
    order by e.id desc limit p_limit;
end $$;

-- How the mails and texts of an enrolment's steps stand, as far as their providers have said: for the supplier of its link, and the couple. 'waiting' has
-- not left yet; what a provider took and says no more of is 'accepted'.
create function app.said_of_steps(p_enrolment uuid) returns table (key text, status text, people integer)
language sql stable security definer set search_path = '' as $$
  select r.key, coalesce(s.status, case when m.state in ('delivered', 'undelivered', 'failed', 'refused') then m.state end,
      case when d.state = 'delivered' then 'accepted' when d.done_at is null then 'waiting' else 'failed' end) as status, count(*)::integer
  from public.enrolments e
  join public.journey_runs r on r.wedding_id = e.wedding_id and r.enrolment_id = e.id and r.state = 'sent'
  join public.events v on v.stream_id = r.wedding_id and v.subject_table = 'journey_runs' and v.subject_id = r.id and v.type = 'journey_step.due'
  join public.deliveries d on d.event_id = v.id and d.made_at = v.recorded_at and d.subscription_id is null and d.recipient_kind = 'person'
  left join public.mail_statuses s on s.delivery_id = d.id
  left join public.phone_messages m on m.id = d.id
  where e.wedding_id = app.tenant() and e.id = p_enrolment and (app.mask() & 512 <> 0 or e.link_id = app.link())
  group by 1, 2;
$$;

-- One waiting job of a wedding is enough, for it looks at what stands; each in its own turn within so many seconds.
create function app.owe_minding(p_weddings uuid[], p_within_s double precision default 0) returns integer
language plpgsql volatile set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args, run_at)
    select uuidv7(), 'work', 'journeys.mind', 2, w.id, '00000000-0000-7000-8000-000000000003', '{}',
      clock_timestamp() + app.own_turn(w.id, p_within_s)
    from (select distinct unnest(p_weddings) as id) w
    where not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-000000000003' and j.tenant_id = w.id
      and j.name = 'journeys.mind');
  get diagnostics n = row_count;
  return n;
end $$;

-- Weddings where a step is due.
create function app.poke_journeys(p_limit integer default 500) returns integer
language sql volatile security definer set search_path = '' as $$
  select app.owe_minding(array(select e.wedding_id from public.enrolments e where e.state = 'active' and e.next_at <= app.now() limit p_limit));
$$;

-- Which milestones of the calendar hold for a wedding: fewer than six months to go, or its last day is over.
create function app.calendar_milestones(p_on date, p_last date, p_today date) returns text[]
language sql immutable set search_path = '' as $$
  select array_remove(array[case when (p_on - interval '6 months')::date <= p_today then 'six_months' end,
    case when p_last < p_today then 'date_passed' end], null);
$$;

-- Weddings where one of them holds and was not noted for every link that is active. What is over for a fortnight is left alone.
create function app.poke_milestones(p_within_s double precision default 0, p_limit integer default 500) returns integer
language sql volatile security definer set search_path = '' as $$
  select app.owe_minding(array(
    select w.wedding_id from public.weddings w
    where w."on" between app.now()::date - 14 and app.now()::date + 186 and w.date_status not in ('cancelled', 'postponed')
      and exists (
        select from public.links l
        cross join unnest(app.calendar_milestones(w."on", greatest(w."on", (select max(d."on") from public.wedding_days d where d.wedding_id = w.wedding_id)),
          (app.now() at time zone w.time_zone)::date)) as c(name)
        where l.wedding_id = w.wedding_id and l.status = 'active' and not exists (select from public.milestones m
          where m.wedding_id = l.wedding_id and m.link_id = l.id and m.name = c.name))
    limit p_limit), p_within_s);
$$;

-- Whose offers a mail's way out stops, for who holds it.
create function app.marketing_place(p_link uuid, p_person uuid) returns table (supplier_name text, is_stopped boolean)
language sql stable security definer set search_path = '' as $$
  select l.supplier_name, exists (select from public.marketing_stops s where s.wedding_id = l.wedding_id and s.link_id = l.id and s.person_id = p_person)
  from public.links l where l.id = p_link;
$$;

-- One press, no login. Returns the nudges; twice is once.
create function app.stop_marketing(p_link uuid, p_person uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid := (select l.wedding_id from public.links l where l.id = p_link);
  v_stop public.marketing_stops;
begin
  if v_wedding is null then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(p_person, 'person', v_wedding, 'system', 2047, 2047);
  insert into public.marketing_stops (wedding_id, link_id, person_id, stopped_at) values (v_wedding, p_link, p_person, app.now())
    on conflict do nothing returning * into v_stop;
  if v_stop.id is not null then
    return next app.record(jsonb_build_array(jsonb_build_object('type', 'marketing.stopped', 'scope', 1, 'link', p_link, 'table', 'marketing_stops',
      'id', v_stop.id, 'op', 'INSERT', 'record', to_jsonb(v_stop))));
  end if;
end $$;

grant execute on function app.journeys_for(uuid, uuid), app.sender_of(uuid), app.owe_enrolments(uuid, uuid[], boolean),
  app.enrolments_of(uuid, uuid, integer), app.marketing_place(uuid, uuid), app.stop_marketing(uuid, uuid),
  app.calendar_milestones(date, date, date), app.said_of_steps(uuid) to wedsync_user;
grant execute on function app.poke_journeys(integer), app.poke_milestones(double precision, integer) to wedsync_service;
reset role;
