-- Modes of the platform: what does not work for a while, who said so, until when; and what the people of each wedding were told of it, once.
-- Home: the platform, and of the notes the wedding. What is over stays.
set role wedsync_owner;
create table public.platform_modes (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  kind text not null check (kind in ('read_only', 'late')),
  reason text not null check (length(reason) between 10 and 500),
  entered_by uuid not null references public.persons,
  entered_at timestamptz not null,
  expires_at timestamptz not null,
  left_by uuid references public.persons,
  left_at timestamptz,
  check (expires_at > entered_at and expires_at <= entered_at + interval '12 hours'),
  check ((left_by is null) = (left_at is null))
);
comment on table public.platform_modes is 'In force from entered_at until it was left or has expired; never deleted, so that it is known who stopped what, and why';
create index platform_modes_recent on public.platform_modes (expires_at);
call app.protect('public.platform_modes', 'tenant_id', 'false', null);

create table public.mode_notes (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  kind text not null check (kind in ('read_only', 'late')),
  mode_id uuid not null,
  expires_at timestamptz not null,
  until_local text not null check (length(until_local) <= 5),
  told_at timestamptz not null,
  over_at timestamptz,
  primary key (wedding_id, id)
);
comment on table public.mode_notes is 'Scope core: the people of a wedding that was near were told of a mode, and that it is over; a mode that is prolonged is told once';
create unique index mode_notes_open on public.mode_notes (wedding_id, kind) where over_at is null;
create index mode_notes_of_mode on public.mode_notes (mode_id);
call app.protect('public.mode_notes', 'wedding_id', 'true', null);

grant insert, update on public.platform_modes, public.mode_notes to wedsync_recorder;
reset role;

set role wedsync_recorder;
create function app.modes_in_force() returns setof public.platform_modes
language sql stable set search_path = '' as $$
  select m.* from public.platform_modes m where m.entered_at <= app.now() and m.expires_at > app.now() and m.left_at is null;
$$;

-- What everybody may know: which modes are in force, and until when.
create function app.modes() returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('kind', m.kind, 'until', m.expires_at) order by m.kind), '[]') from app.modes_in_force() m;
$$;

-- Which weddings are live: their ids and nothing else, for a process that is late and lets them in before others.
create function app.live_weddings() returns uuid[]
language sql stable security definer set search_path = '' as $$
  select coalesce(array_agg(distinct d.wedding_id), '{}') from public.wedding_days d where app.now() between d.live_from and d.live_until;
$$;

-- The operator's list: those of the last 30 days, newest first.
create function app.platform_modes()
returns table (id uuid, kind text, reason text, entered_by_name text, entered_at timestamptz, expires_at timestamptz, left_by_name text, left_at timestamptz,
  is_in_force boolean, weddings_told integer)
language sql stable security definer set search_path = '' as $$
  select m.id, m.kind, m.reason, coalesce(nullif(a.name, ''), a.email, ''), m.entered_at, m.expires_at, coalesce(nullif(b.name, ''), b.email, ''), m.left_at,
    m.left_at is null and m.expires_at > app.now(), (select count(*)::integer from public.mode_notes n where n.mode_id = m.id)
  from public.platform_modes m join public.persons a on a.person_id = m.entered_by left join public.persons b on b.person_id = m.left_by
  where app.as_operator() is not null and m.expires_at > app.now() - interval '30 days' order by m.entered_at desc, m.id desc;
$$;

-- One of a kind at a time: whoever enters it again says a new end, and the one before is left.
create function app.enter_mode(p_kind text, p_reason text, p_minutes integer) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_by uuid := app.as_operator();
  v_id uuid;
begin
  perform pg_advisory_xact_lock(hashtext('platform_modes'), hashtext(p_kind));
  update public.platform_modes m set left_by = v_by, left_at = app.now()
    where m.kind = p_kind and m.left_at is null and m.expires_at > app.now();
  insert into public.platform_modes (kind, reason, entered_by, entered_at, expires_at)
    values (p_kind, p_reason, v_by, app.now(), app.now() + make_interval(mins => p_minutes)) returning id into v_id;
  return v_id;
end $$;

-- False where there is none, or it is over already.
create function app.leave_mode(p_id uuid) returns boolean
language sql volatile security definer set search_path = '' as $$
  with ended as (
    update public.platform_modes m set left_by = app.as_operator(), left_at = app.now()
    where m.id = p_id and m.left_at is null and m.expires_at > app.now() returning 1)
  select exists (select from ended);
$$;

-- Who has to be told, or told that it is over: live now or within 72 hours, and whoever was told before.
create function app.weddings_of_modes(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select x.wedding_id from (
    select d.wedding_id from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id cross join app.modes_in_force() m
    where d.live_until > app.now() and d.live_from < app.now() + interval '72 hours' and app.stands(w.date_status)
      and not exists (select from public.mode_notes n where n.wedding_id = d.wedding_id and n.kind = m.kind and n.over_at is null and n.mode_id = m.id)
    union
    select n.wedding_id from public.mode_notes n
    where n.over_at is null and not exists (select from app.modes_in_force() m where m.kind = n.kind)) x
  limit p_limit;
$$;

-- One wedding is told what is new: once that it began, once that it is over. Returns the nudge, or null when there was nothing to say.
create function app.tell_of_modes(p_wedding uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  -- One that was prolonged is the same to them; their pages show its new end.
  update public.mode_notes n set mode_id = m.id, expires_at = m.expires_at
    from app.modes_in_force() m where n.wedding_id = p_wedding and n.kind = m.kind and n.over_at is null and n.mode_id <> m.id;
  with began as (
    insert into public.mode_notes as n (wedding_id, kind, mode_id, expires_at, until_local, told_at)
      select w.wedding_id, m.kind, m.id, m.expires_at, to_char(m.expires_at at time zone w.time_zone, 'HH24:MI'), app.now()
      from app.modes_in_force() m join public.weddings w on w.wedding_id = p_wedding
      where app.stands(w.date_status) and exists (select from public.wedding_days d where d.wedding_id = p_wedding and d.live_until > app.now()
        and d.live_from < app.now() + interval '72 hours')
    on conflict (wedding_id, kind) where over_at is null do nothing
    returning n.id, n.kind, to_jsonb(n) as record, null::jsonb as old),
  ended as (
    update public.mode_notes n set over_at = app.now()
      where n.wedding_id = p_wedding and n.over_at is null and not exists (select from app.modes_in_force() m where m.kind = n.kind)
    returning new.id, new.kind, to_jsonb(new) as record, to_jsonb(old) as old)
  select jsonb_agg(jsonb_build_object('type', x.type, 'scope', 1, 'table', 'mode_notes', 'id', x.id, 'op', x.op, 'record', x.record, 'old', x.old) order by x.id)
    into v_facts
  from (select b.id, 'mode.' || b.kind as type, 'INSERT' as op, b.record, b.old from began b
    union all select e.id, 'mode.' || e.kind || '_over', 'UPDATE', e.record, e.old from ended e) x;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;

grant execute on function app.modes(), app.live_weddings() to wedsync_user, wedsync_service;
grant execute on function app.platform_modes(), app.enter_mode(text, text, integer), app.leave_mode(uuid) to wedsync_user;
grant execute on function app.weddings_of_modes(integer), app.tell_of_modes(uuid) to wedsync_service;
reset role;
