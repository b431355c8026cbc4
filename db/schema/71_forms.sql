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
comment on column public.form_requests.pass_hash is 'SHA-256 of the token that opens this one form without an account';
create unique index form_requests_id on public.form_requests (id);
create index form_requests_form on public.form_requests (form_id);
create unique index form_requests_open on public.form_requests (wedding_id, link_id, form_id) where state in ('asked', 'started', 'submitted');
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
grant execute on function app.forms_of_link(uuid, uuid), app.forms_sent() to wedsync_user;
reset role;
