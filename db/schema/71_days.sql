-- Days: what may still be changed directly, who is named on an amendment, and which wedding days the clock looks at.
set role wedsync_recorder;

-- How a wedding is guarded now: 'hard' from 24 hours before the first item of a day until the day is over (amendments only), 'soft' from a week
-- before it (date, places and times need two words), null otherwise. The same moments as `schedule.model.phase`. A plan that was made only within
-- those hours is still being made: it guards nothing.
create function app.day_guard() returns text
language sql stable security definer set search_path = '' as $$
  select case
    when bool_or(app.now() >= d.first_at - interval '24 hours' and i.made_at <= d.first_at - interval '24 hours') then 'hard'
    when bool_or(app.now() >= d.soft_from and i.made_at <= d.soft_from) then 'soft' end
  from (
    select w.live_until, w.live_from + interval '2 hours' as first_at,
      timezone(w.zone, timezone(w.zone, w.live_from + interval '2 hours') - interval '7 days') as soft_from
    from public.wedding_days w
    where w.wedding_id = app.tenant()) d,
    (select min(s.created_at) as made_at from public.schedule_items s where s.wedding_id = app.tenant()) i
  where app.now() < d.live_until;
$$;

-- How others know whoever acts here, and the business they act for.
create function app.my_name() returns text
language sql stable security definer set search_path = '' as $$
  select left(coalesce(
    (select concat_ws(' ', coalesce(nullif(sm.name, ''), nullif(p.name, '')), '(' || l.supplier_name || ')')
      from public.links l
      left join public.supplier_members sm on sm.supplier_id = l.supplier_id and sm.person_id = app.actor() and sm.removed_at is null
      left join public.persons p on p.person_id = app.actor()
      where l.wedding_id = app.tenant() and l.id = app.link()),
    (select coalesce(nullif(m.name, ''), p.name, '')
      from public.memberships m left join public.persons p on p.person_id = m.person_id
      where m.wedding_id = app.tenant() and m.person_id = app.actor() and m.removed_at is null), ''), 300);
$$;

-- The name of a linked supplier, for everybody who sees who comes on the day. Null for a link of another wedding, or one that is over.
create function app.link_name(p_link uuid) returns text
language sql stable security definer set search_path = '' as $$
  select l.supplier_name from public.links l
  where l.wedding_id = app.tenant() and l.id = p_link and l.status = 'active' and (app.mask() & 2 <> 0 or l.id = app.link());
$$;

-- How many of the couple's side there are: where somebody is alone, their own second word counts.
create function app.couple_count() returns integer
language sql stable security definer set search_path = '' as $$
  select count(*)::integer from public.memberships m
  where m.wedding_id = app.tenant() and m.removed_at is null and m.role in ('couple', 'partner') and app.role() in ('couple', 'system');
$$;
grant execute on function app.day_guard(), app.my_name(), app.link_name(uuid), app.couple_count() to wedsync_user;

-- The system sees the entered wedding as one linked supplier does, and can do nothing: for what is made for that supplier to keep. Whoever did
-- so enters its job again before it writes.
create function app.look_as(p_link uuid) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  l record;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'look_as is the system''s'; end if;
  select x.id, x.mask into l from public.links x where x.wedding_id = app.tenant() and x.id = p_link and x.status = 'active';
  if not found then return false; end if;
  perform app.settle(null, 'system', app.tenant(), 'supplier', l.mask, 0, l.id);
  return true;
end $$;
grant execute on function app.look_as(uuid) to wedsync_user;

-- Who could stand in for a supplier who does not come: businesses of the same trade with a public page that takes enquiries and nothing in their
-- calendar on that day. Nothing is told that their page does not say. For the couple.
create function app.backups(p_arrival uuid) returns table (supplier_id uuid, name text, place text, slug text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() not in ('couple', 'system') then return; end if;
  return query
    select s.supplier_id, s.name, x.place, x.slug
    from public.arrivals r
    join public.links l on l.wedding_id = r.wedding_id and l.id = r.link_id
    join public.suppliers s on s.category = l.category and s.supplier_id is distinct from l.supplier_id
    join public.listings x on x.supplier_id = s.supplier_id and x.is_published and x.takes_enquiries
    where r.wedding_id = app.tenant() and r.id = p_arrival
      and not exists (select from public.availability_days a where a.supplier_id = s.supplier_id and a."on" = r."on" and a.state <> 'free')
    order by s.name, s.supplier_id
    limit 20;
end $$;
grant execute on function app.backups(uuid) to wedsync_user;

reset role;
set role wedsync_owner;
-- Places of their own: many looks at once keep no emergency waiting, and of day packs, which are the heaviest work there is, never more than two are
-- made at a time, so that screens have the processors.
alter table public.destinations no force row level security;
insert into public.destinations (id, tenant_id, connector, max_in_flight) values
 ('00000000-0000-7000-8000-0000000000d2', '00000000-0000-7000-8000-000000000000', 'days', 8),
 ('00000000-0000-7000-8000-0000000000d3', '00000000-0000-7000-8000-000000000000', 'packs', 2);
alter table public.destinations force row level security;
reset role;
set role wedsync_recorder;

-- Where in a stretch of so many seconds a tenant has its turn, always the same: what falls due for all of them at once is not begun at once.
create function app.own_turn(p_tenant uuid, p_within_s double precision) returns interval
language sql immutable set search_path = '' as $$
  select make_interval(secs => p_within_s * (hashtextextended(p_tenant::text, 0) & 1023) / 1024.0);
$$;

-- Wedding days that the clock should look at now: those whose next look is due, and those of the next eight days (and of the last two, which have an
-- afterwards) that it does not know yet. One job of each wedding at a time, each in its own turn within so many seconds. What was cancelled or put off
-- is nobody's day.
create function app.poke_days(p_within_s double precision default 0, p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, run_at)
    select uuidv7(), 'work', 'days.mind', 1, d.wedding_id, '00000000-0000-7000-8000-0000000000d2',
      clock_timestamp() + app.own_turn(d.wedding_id, p_within_s)
    from (
      select distinct w.wedding_id
      from public.wedding_days w
      left join public.day_watches x on x.wedding_id = w.wedding_id and x."on" = w."on"
      join public.weddings g on g.wedding_id = w.wedding_id and app.stands(g.date_status)
      where w.live_until > app.now() - interval '2 days' and w.live_from < app.now() + interval '8 days' and coalesce(x.next_at, '-infinity') <= app.now()) d
    where not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-0000000000d2' and j.tenant_id = d.wedding_id
      and j.name = 'days.mind')
    limit p_limit;
  get diagnostics n = row_count;
  return n;
end $$;
grant execute on function app.poke_days(double precision, integer) to wedsync_service;

-- One waiting job of the entered wedding is enough, for it looks at what stands; one that waits for later comes at p_at.
create function app.owe_once(p_name text, p_lane smallint, p_destination uuid, p_at timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  if app.tenant() is null or app.role() <> 'system' then raise insufficient_privilege using message = 'what a wedding day owes is the system''s'; end if;
  update public.jobs j set run_at = p_at
    where j.destination_id = p_destination and j.tenant_id = app.tenant() and j.name = p_name and j.lease_token is null and j.run_at > p_at;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, run_at)
    select uuidv7(), 'work', p_name, p_lane, app.tenant(), p_destination, p_at
    where not exists (select from public.jobs j where j.destination_id = p_destination and j.tenant_id = app.tenant() and j.name = p_name
      and j.lease_token is null);
end $$;

-- The clock looks at the entered wedding at once: who was looked for has come.
create function app.owe_look() returns void
language sql volatile security definer set search_path = '' as $$
  select app.owe_once('days.mind', 1::smallint, '00000000-0000-7000-8000-0000000000d2', clock_timestamp());
$$;

-- Day packs of the entered wedding are to be made: in five to twenty seconds, so that what is amended meanwhile is in them and weddings take turns.
create function app.owe_packs() returns void
language sql volatile security definer set search_path = '' as $$
  select app.owe_once('days.pack', 2::smallint, '00000000-0000-7000-8000-0000000000d3',
    clock_timestamp() + interval '5 seconds' + app.own_turn(app.tenant(), 15));
$$;
grant execute on function app.owe_look(), app.owe_packs() to wedsync_user;

reset role;
set role wedsync_owner;
-- A place of its own: a provider of forecasts that hangs keeps no alert waiting.
alter table public.destinations no force row level security;
insert into public.destinations (id, tenant_id, connector, max_in_flight) values
 ('00000000-0000-7000-8000-0000000000d1', '00000000-0000-7000-8000-000000000000', 'weather', 4);
alter table public.destinations force row level security;
reset role;
set role wedsync_recorder;

-- Gates whose forecast is to be asked for now. One job of each wedding at a time.
create function app.poke_weather(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id)
    select uuidv7(), 'work', 'days.weather', 2, d.wedding_id, '00000000-0000-7000-8000-0000000000d1'
    from (
      select distinct g.wedding_id from public.weather_gates g join public.weddings w on w.wedding_id = g.wedding_id and app.stands(w.date_status)
      where g.state in ('waiting', 'asked') and g.next_at <= app.now()) d
    where not exists (select from public.jobs j where j.destination_id = '00000000-0000-7000-8000-0000000000d1' and j.tenant_id = d.wedding_id
      and j.name = 'days.weather')
    limit p_limit;
  get diagnostics n = row_count;
  return n;
end $$;
grant execute on function app.poke_weather(integer) to wedsync_service;
reset role;
