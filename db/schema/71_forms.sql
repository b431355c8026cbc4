-- Forms: the questionnaires of a supplier (home: the supplier), what it asked a couple with them, and what was answered (home: the wedding).
set role wedsync_owner;

create table public.forms (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  title text not null check (length(title) between 1 and 120),
  intro text not null default '' check (length(intro) <= 2000),
  sections jsonb not null default '[]' check (jsonb_typeof(sections) = 'array' and length(sections::text) <= 131072),
  is_active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id)
);
comment on table public.forms is 'A questionnaire of a supplier: its sections of fields; those who were asked keep the version they were asked in';
create unique index forms_id on public.forms (id);
create trigger bump before update on public.forms for each row execute function app.bump();
call app.protect('public.forms', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$);

create table public.form_requests (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  form_id uuid not null,
  form_version integer not null check (form_version > 0),
  title text not null check (length(title) between 1 and 120),
  intro text not null default '' check (length(intro) <= 2000),
  sections jsonb not null check (jsonb_typeof(sections) = 'array' and length(sections::text) <= 131072),
  word text not null default '' check (length(word) <= 1000),
  due_on date,
  state text not null default 'asked' check (state in ('asked', 'started', 'submitted', 'locked', 'withdrawn')),
  submitted_at timestamptz,
  submitted_by text not null default '' check (length(submitted_by) <= 300),
  submissions integer not null default 0 check (submissions >= 0),
  changed jsonb not null default '[]' check (jsonb_typeof(changed) = 'array'),
  known integer not null default 0 check (known >= 0),
  avoided integer not null default 0 check (avoided between 0 and known),
  sealed bytea,
  reminded_rung smallint not null default 0 check (reminded_rung between 0 and 20),
  reminded_at timestamptz,
  pass_id uuid,
  pass_hash bytea unique check (length(pass_hash) = 32),
  pass_until timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  check ((submitted_at is null) = (sealed is null)),
  check (num_nonnulls(pass_id, pass_hash, pass_until) in (0, 3))
);
comment on table public.form_requests is 'Of one link: a form the couple was asked to answer, as it was then, and the sealed answers; the couple and that supplier see it';
comment on column public.form_requests.form_id is 'A row of forms in the supplier''s home; title, intro and sections are copies, and stay when it is changed or removed';
comment on column public.form_requests.known is 'Fields that the record held already when it was answered; avoided: those of them that were confirmed as they stood';
comment on column public.form_requests.changed is 'Fields answered otherwise than the time before';
comment on column public.form_requests.reminded_rung is 'How many reminders of its day are behind it; reminded_at: when the last one was told';
comment on column public.form_requests.pass_hash is 'SHA-256 of the token that opens this one form without an account';
create unique index form_requests_id on public.form_requests (id);
create index form_requests_form on public.form_requests (form_id);
create unique index form_requests_open on public.form_requests (wedding_id, link_id, form_id) where state in ('asked', 'started', 'submitted');
create index form_requests_reminded on public.form_requests (due_on, wedding_id) where due_on is not null and state in ('asked', 'started');
grant update on public.form_requests to wedsync_recorder;
create trigger bump before update on public.form_requests for each row execute function app.bump();
-- Who answers and who asks is kept to by the actions; nobody else reads or writes a row.
call app.protect('public.form_requests', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$((select app.write_mask()) & 512) <> 0 or link_id = (select app.link())$$, false);
drop policy insertable on public.form_requests;
create policy insertable on public.form_requests for insert to wedsync_user
  with check ((link_id = (select app.link()) and (select app.role()) = 'supplier') or (select app.role()) = 'system');

create table public.form_drafts (
  request_id uuid not null,
  wedding_id uuid not null,
  link_id uuid not null,
  sealed bytea not null,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, request_id),
  foreign key (wedding_id, request_id) references public.form_requests (wedding_id, id) on delete cascade
);
comment on table public.form_drafts is 'What is typed into a form and not sent yet, sealed: whoever answers sees it, the supplier who asks does not';
call app.protect('public.form_drafts', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or (link_id = (select app.link()) and (select app.role()) = 'form')$$,
  $$((select app.write_mask()) & 512) <> 0 or (link_id = (select app.link()) and (select app.role()) = 'form')$$);
reset role;

-- A link's own supplier's forms: they stand in another home, which the wedding's gate closes. Null: all that are in use.
set role wedsync_recorder;
create function app.forms_of_link(p_link uuid, p_form uuid default null)
returns table (id uuid, title text, intro text, sections jsonb, version integer, is_active boolean)
language sql stable security definer set search_path = '' as $$
  select f.id, f.title, f.intro, f.sections, f.version, f.is_active
  from public.links l
  join public.forms f on f.supplier_id = l.supplier_id
  where l.wedding_id = app.tenant() and l.id = p_link and l.status = 'active'
    and ((app.link() = p_link and app.role() = 'supplier') or app.role() = 'system')
    and (f.id = p_form or (p_form is null and f.is_active))
  order by f.title, f.id;
$$;

-- What became of each form of the entered supplier over all its weddings: numbers, and never whose.
create function app.forms_sent()
returns table (form_id uuid, asked integer, answered integer, known integer, avoided integer)
language sql stable security definer set search_path = '' as $$
  select r.form_id, count(*) filter (where r.state <> 'withdrawn')::int, count(*) filter (where r.submissions > 0)::int,
    coalesce(sum(r.known), 0)::int, coalesce(sum(r.avoided), 0)::int
  from public.forms f
  join public.form_requests r on r.form_id = f.id
  where f.supplier_id = app.tenant() and app.role() in ('owner', 'admin', 'member')
  group by r.form_id;
$$;

-- How many reminders are behind a form on a day: a week and a day before it is wanted, and one and four days after.
create function app.form_rung(p_due date, p_today date) returns smallint
language sql immutable set search_path = '' as $$
  select count(*)::smallint from unnest(array[-7, -1, 1, 4]) o where p_due + o <= p_today;
$$;

-- The rung on which a form stands that is asked now, in the entered wedding: what has passed is not told after the asking.
create function app.form_rung_now(p_due date) returns smallint
language sql stable set search_path = '' as $$
  select coalesce(app.form_rung(p_due, (select app.task_day(w.time_zone) from public.weddings w where w.wedding_id = app.tenant())), 0::smallint);
$$;

-- What the clock has to remind of: asked and not sent, by a link that is active; what was wanted a month ago is left alone.
create function app.due_forms(p_wedding uuid) returns table (wedding_id uuid, id uuid, is_late boolean, rung smallint)
language sql stable set search_path = '' as $$
  select r.wedding_id, r.id, r.due_on < app.task_day(w.time_zone), app.form_rung(r.due_on, app.task_day(w.time_zone))
  from public.form_requests r
  join public.weddings w on w.wedding_id = r.wedding_id
  join public.links l on l.wedding_id = r.wedding_id and l.id = r.link_id and l.status = 'active'
  where r.due_on between app.now()::date - 30 and app.now()::date + 8 and r.state in ('asked', 'started')
    and (p_wedding is null or r.wedding_id = p_wedding) and w.date_status <> 'cancelled'
    and app.form_rung(r.due_on, app.task_day(w.time_zone)) > r.reminded_rung;
$$;

create function app.weddings_of_due_forms(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct d.wedding_id from app.due_forms(null) d limit p_limit;
$$;

-- Each is told once of a rung, however many rungs have passed meanwhile. Returns the nudge, or null when there was nothing to say.
create function app.remind_of_forms(p_wedding uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  with due as (
    select r.id from public.form_requests r
    where r.wedding_id = p_wedding and r.id in (select d.id from app.due_forms(p_wedding) d)
    order by r.id for update skip locked),
  told as (
    update public.form_requests r
    set reminded_rung = d.rung, reminded_at = app.now()
    from due u join app.due_forms(p_wedding) d on d.id = u.id
    where r.wedding_id = p_wedding and r.id = u.id and r.state in ('asked', 'started')
    returning new.id, new.link_id, case when d.is_late then 'form.overdue' else 'form.due_soon' end as type,
      to_jsonb(new) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as record,
      to_jsonb(old) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as old_record)
  select jsonb_agg(jsonb_build_object('type', t.type, 'scope', 1, 'link', t.link_id, 'table', 'form_requests', 'id', t.id, 'op', 'UPDATE',
    'record', t.record, 'old', t.old_record)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;
grant execute on function app.forms_of_link(uuid, uuid), app.forms_sent(), app.form_rung(date, date), app.form_rung_now(date) to wedsync_user;
grant execute on function app.weddings_of_due_forms(integer), app.remind_of_forms(uuid) to wedsync_service;
reset role;
