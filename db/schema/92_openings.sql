-- Break-glass: one wedding, opened to one operator for a while, with a reason and by the word of a second one. Home: the wedding, whose couple
-- reads it all: who asked, why, who approved, what was looked at, and until when. Nothing else lets an operator into a wedding.
set role wedsync_owner;
create table public.openings (
  id uuid primary key default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  reason text not null check (length(reason) between 10 and 500),
  minutes integer not null check (minutes between 5 and 240),
  asked_by uuid not null references public.persons,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  approved_by uuid references public.persons,
  approved_at timestamptz,
  ended_by uuid references public.persons,
  ended_at timestamptz,
  told_at timestamptz,
  unique (wedding_id, id),
  check (approved_by <> asked_by),
  check ((approved_by is null) = (approved_at is null)),
  check ((ended_by is null) = (ended_at is null)),
  check (expires_at <= coalesce(approved_at + interval '240 minutes', asked_at + interval '1 hour'))
);
comment on table public.openings is 'Scope private: asked by one operator, in force once another approved it, until it expires or either side ends it; kept with the wedding';
create index openings_recent on public.openings (asked_at);
call app.protect('public.openings', 'wedding_id', $$(select app.role()) = 'couple'$$, null);

create table public.opening_looks (
  id uuid primary key default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  opening_id uuid not null,
  person_id uuid not null references public.persons,
  part text not null check (part in ('wedding', 'schedule', 'guests', 'suppliers', 'tasks', 'deliveries')),
  at timestamptz not null,
  is_used boolean not null default false,
  foreign key (wedding_id, opening_id) references public.openings (wedding_id, id) on delete cascade
);
comment on table public.opening_looks is 'Scope private: every look of an operator, committed before anything is shown; each lets in once';
create index opening_looks_opening on public.opening_looks (opening_id, at);
create index opening_looks_wedding on public.opening_looks (wedding_id, opening_id);
call app.protect('public.opening_looks', 'wedding_id', $$(select app.role()) = 'couple'$$, null);
grant insert, update on public.openings, public.opening_looks to wedsync_recorder;

-- All that an operator sees of a wedding that is open to them. They hold no scope, so every other table is closed, and a new one is too. Sealed
-- columns are not read by anything that enters so, and what is sealed in other tables (contacts, needs, budget, notes) is not among these.
do $$
declare
  t text;
begin
  foreach t in array array['weddings', 'schedule_items', 'headcounts', 'guests', 'rsvps', 'links', 'tasks', 'deliveries'] loop
    execute format('create policy opened on public.%I for select to wedsync_user using ((select app.role()) = ''opened'')', t);
  end loop;
end $$;
-- Whoever sees a task sees its photographs, which are sealed: these stay closed.
create policy unopened on public.task_photos as restrictive for select to wedsync_user using ((select app.role()) <> 'opened');
reset role;

set role wedsync_recorder;
create function app.is_open(o public.openings) returns boolean
language sql stable set search_path = '' return o.approved_at is not null and o.ended_at is null and o.expires_at > app.now();

-- Beside the openings themselves, where who looks for misuse looks: the wedding's events of security outlive nothing but their age.
create function app.note_opening(p_kind text, p_wedding uuid) returns void
language sql volatile set search_path = '' as $$
  insert into public.security_events (kind, tenant_id, actor_id, detail)
  values (p_kind, p_wedding, app.actor(), jsonb_build_object('actor_kind', app.actor_kind()));
$$;

-- One operator asks. It waits an hour for another one.
create function app.ask_opening(p_wedding uuid, p_reason text, p_minutes integer) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_by uuid := app.as_operator();
  v_now timestamptz := app.now();
  v_id uuid;
begin
  perform from public.weddings w where w.wedding_id = p_wedding;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.openings (wedding_id, reason, minutes, asked_by, asked_at, expires_at)
    values (p_wedding, p_reason, p_minutes, v_by, v_now, v_now + interval '1 hour') returning id into v_id;
  perform app.note_opening('opening.asked', p_wedding);
  return v_id;
end $$;

-- How one stands, locked until the end of the transaction that changes it.
create function app.hold_opening(p_id uuid)
returns table (wedding_id uuid, asked_by uuid, approved_at timestamptz, ended_at timestamptz, is_late boolean)
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform app.as_operator();
  return query select o.wedding_id, o.asked_by, o.approved_at, o.ended_at, o.expires_at <= app.now() from public.openings o where o.id = p_id for update;
end $$;

-- Another operator approves, which the table itself demands. The couple is told by work of their wedding that is owed with it.
create function app.approve_opening(p_id uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_by uuid := app.as_operator();
  v_now timestamptz := app.now();
  v_wedding uuid;
begin
  update public.openings o set approved_by = v_by, approved_at = v_now, expires_at = v_now + make_interval(mins => o.minutes)
    where o.id = p_id and o.approved_at is null and o.ended_at is null and o.expires_at > v_now returning o.wedding_id into v_wedding;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    values (uuidv7(), 'work', 'openings', 1, v_wedding, '00000000-0000-7000-8000-000000000003', jsonb_build_object('opening_id', p_id));
  perform app.note_opening('opening.approved', v_wedding);
end $$;

-- The couple is told, once: inside that work, in the transaction that records it.
create function app.tell_opening(p_id uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  with told as (
    update public.openings o set told_at = app.now()
      where o.id = p_id and o.wedding_id = app.tenant() and o.approved_at is not null and o.told_at is null
      returning new.id, to_jsonb(new) as record, to_jsonb(old) as old)
  select jsonb_agg(jsonb_build_object('type', 'opening.approved', 'scope', 512, 'table', 'openings', 'id', t.id, 'op', 'UPDATE', 'record', t.record,
    'old', t.old)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;

-- By any operator, or by the couple of the wedding that it opens. False where there is nothing to end.
create function app.end_opening(p_id uuid) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid;
begin
  if app.role() <> 'couple' then perform app.as_operator(); end if;
  update public.openings o set ended_by = app.actor(), ended_at = app.now()
    where o.id = p_id and o.ended_at is null and o.expires_at > app.now() and (app.role() <> 'couple' or o.wedding_id = app.tenant())
    returning o.wedding_id into v_wedding;
  if not found then return false; end if;
  perform app.note_opening('opening.ended', v_wedding);
  return true;
end $$;

-- Before anything is shown it is written who looks at what; only the operator who asked, and only while it is in force.
create function app.note_look(p_id uuid, p_part text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_by uuid := app.as_operator();
  v_look uuid;
begin
  insert into public.opening_looks (wedding_id, opening_id, person_id, part, at)
    select o.wedding_id, o.id, v_by, p_part, app.now() from public.openings o where o.id = p_id and o.asked_by = v_by and app.is_open(o)
    returning id into v_look;
  if v_look is null then raise exception 'not found' using errcode = 'WS404'; end if;
  return v_look;
end $$;

-- The service door into the wedding: by a look that is on record and has not let anybody in. No scope is held, so what it shows are the tables that
-- name it in a policy. Nothing can be written.
create function app.enter_opening(p_person uuid, p_look uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_wedding uuid;
begin
  update public.opening_looks l set is_used = true
    from public.openings o, public.persons p
    where l.id = p_look and not l.is_used and l.person_id = p_person and l.at > app.now() - interval '1 minute'
      and o.id = l.opening_id and app.is_open(o) and p.person_id = p_person and p.is_operator
    returning l.wedding_id into v_wedding;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(p_person, 'person', v_wedding, 'opened', 0, 0);
  perform set_config('transaction_read_only', 'on', true);
end $$;

-- For the operator of all weddings, which are ids to them; for a couple of their own. Newest first, with every look. p_id: that one alone.
create function app.openings(p_id uuid default null, p_limit integer default 100)
returns table (id uuid, wedding_id uuid, reason text, minutes integer, asked_by uuid, asked_by_name text, asked_at timestamptz, expires_at timestamptz,
  approved_by_name text, approved_at timestamptz, ended_by_name text, ended_at timestamptz, state text, looks jsonb)
language plpgsql stable security definer set search_path = '' as $$
declare
  v_wedding uuid := case when app.role() = 'couple' then app.tenant() end;
begin
  if v_wedding is null then perform app.as_operator(); end if;
  return query
  select o.id, o.wedding_id, o.reason, o.minutes, o.asked_by, app.operator_name(a, v_wedding), o.asked_at, o.expires_at, app.operator_name(b, v_wedding),
    o.approved_at, case when c.person_id is null then ''
      when exists (select from public.memberships m where m.wedding_id = o.wedding_id and m.person_id = c.person_id) then 'the couple'
      else app.operator_name(c, v_wedding) end, o.ended_at,
    case when app.is_open(o) then 'open' when o.ended_at is null and o.expires_at > app.now() then 'asked' else 'over' end,
    (select coalesce(jsonb_agg(jsonb_build_object('part', l.part, 'at', l.at) order by l.at desc), '[]')
      from (select k.part, k.at from public.opening_looks k where k.opening_id = o.id order by k.at desc limit 500) l)
  from public.openings o join public.persons a on a.person_id = o.asked_by left join public.persons b on b.person_id = o.approved_by
  left join public.persons c on c.person_id = o.ended_by
  where (v_wedding is null or o.wedding_id = v_wedding) and (p_id is null or o.id = p_id)
  order by o.asked_at desc, o.id desc limit p_limit;
end $$;

-- A couple reads the name an operator gave; addresses are among operators.
create function app.operator_name(p public.persons, p_wedding uuid) returns text
language sql immutable set search_path = '' return case when (p).person_id is null then ''
  when (p).name <> '' then (p).name when p_wedding is null then coalesce((p).email, '') else 'An operator' end;

grant execute on function app.ask_opening(uuid, text, integer), app.hold_opening(uuid), app.approve_opening(uuid), app.end_opening(uuid),
  app.tell_opening(uuid), app.note_look(uuid, text), app.enter_opening(uuid, uuid), app.openings(uuid, integer) to wedsync_user;
reset role;
