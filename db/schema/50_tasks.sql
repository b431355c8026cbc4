-- Tasks, the couple's budget, and acknowledgements. Home: the wedding.
set role wedsync_owner;

create table public.tasks (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid,
  membership_id uuid,
  title text not null check (length(title) between 1 and 300),
  detail text not null default '' check (length(detail) <= 4000),
  status text not null default 'open' check (status in ('open', 'in_progress', 'waiting_on', 'done', 'cancelled')),
  due_on date,
  due_days_before integer check (due_days_before between -366 and 1100),
  origin text not null default 'couple' check (origin in ('couple', 'supplier', 'template', 'helper')),
  done_at timestamptz,
  done_by uuid,
  position integer not null default 0,
  answer text check (answer in ('accepted', 'declined')),
  answer_note text not null default '' check (length(answer_note) <= 500),
  answered_at timestamptz,
  reminded_rung integer not null default 0,
  reminded_at timestamptz,
  noted_at timestamptz,
  snoozed_until date,
  after_ids uuid[] not null default '{}' check (cardinality(after_ids) <= 20),
  waits_for integer not null default 0,
  photo_id uuid,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  foreign key (wedding_id, membership_id) references public.memberships (wedding_id, id),
  check (num_nonnulls(link_id, membership_id) <= 1)
);
comment on column public.tasks.answer is 'What whoever it was given to said; another hand empties it';
comment on column public.tasks.reminded_rung is 'How many reminders of the ladder (app.task_rung) are behind it, those that passed before it was given or moved too';
comment on column public.tasks.noted_at is 'Whoever has to do it knows: no reminders until its day or its hands change';
comment on column public.tasks.after_ids is 'Tasks that are to be done first; one that is gone holds nothing up';
comment on column public.tasks.waits_for is 'How many of them are not done yet, kept by a reaction: who has to do it may not see them';
comment on column public.tasks.photo_id is 'The photograph that shows it is done, in task_photos';
comment on table public.tasks is 'Scope tasks; assigned to a link (that supplier alone sees it) or a membership (partner, helper); due on a date or days before the wedding';
create unique index tasks_id on public.tasks (id);
create index tasks_due on public.tasks (wedding_id, status, due_on);
create index tasks_link on public.tasks (wedding_id, link_id);
create trigger bump before update on public.tasks for each row execute function app.bump();
call app.protect('public.tasks', 'wedding_id',
  $$((select app.mask()) & 512) <> 0
    or (link_id is null and membership_id is null and ((select app.mask()) & 4) <> 0)
    or link_id = (select app.link()) or membership_id = (select app.membership())$$,
  $$((select app.write_mask()) & 512) <> 0 or link_id = (select app.link()) or membership_id = (select app.membership())$$);
-- Whoever a task is given to works on it; taking it off the list is for those who wrote it.
drop policy deletable on public.tasks;
create policy deletable on public.tasks for delete to wedsync_user
  using (((select app.write_mask()) & 512) <> 0 or (origin = 'supplier' and link_id = (select app.link()))
    or (origin = 'helper' and membership_id = (select app.membership())));

create table public.budget_lines (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  category text not null default 'other' check (length(category) <= 60),
  title text not null check (length(title) between 1 and 300),
  supplier_name text not null default '' check (length(supplier_name) <= 300),
  estimate_minor bigint not null default 0 check (estimate_minor between 0 and 100000000000),
  agreed_minor bigint check (agreed_minor between 0 and 100000000000),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  per_guest boolean not null default false,
  position integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id)
);
comment on table public.budget_lines is 'Scope budget: the couple''s money, in minor units; no link can hold this scope';
create unique index budget_lines_id on public.budget_lines (id);
create trigger bump before update on public.budget_lines for each row execute function app.bump();
call app.protect('public.budget_lines', 'wedding_id', $$((select app.mask()) & 256) <> 0$$, $$((select app.write_mask()) & 256) <> 0$$);

create table public.budget_payments (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  budget_line_id uuid not null,
  kind text not null default 'balance' check (kind in ('deposit', 'interim', 'balance', 'damage', 'tip', 'refund')),
  amount_minor bigint not null check (amount_minor between -100000000000 and 100000000000),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  due_on date,
  paid_on date,
  note text not null default '' check (length(note) <= 1000),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, budget_line_id) references public.budget_lines (wedding_id, id) on delete cascade
);
comment on table public.budget_payments is 'Scope budget: what is due and what was paid on a line';
create unique index budget_payments_id on public.budget_payments (id);
create index budget_payments_line on public.budget_payments (wedding_id, budget_line_id);
create trigger bump before update on public.budget_payments for each row execute function app.bump();
call app.protect('public.budget_payments', 'wedding_id', $$((select app.mask()) & 256) <> 0$$, $$((select app.write_mask()) & 256) <> 0$$);

create table public.acknowledgements (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  link_id uuid not null,
  about text not null check (length(about) <= 120),
  event_id uuid not null,
  event_seq bigint not null,
  type text not null,
  summary jsonb not null default '{}',
  status text not null default 'open' check (status in ('open', 'seen', 'acknowledged')),
  opened_at timestamptz not null,
  seen_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by uuid,
  cannot_at timestamptz,
  via text check (via in ('page', 'pass', 'api', 'text', 'call', 'chat')),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, link_id, about),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id)
);
comment on table public.acknowledgements is 'A link''s "seen and fine" for the newest version of something that concerns it; opened by app.record, reopened by a newer change';
create unique index acknowledgements_id on public.acknowledgements (id);
create index acknowledgements_open on public.acknowledgements (wedding_id, status);
create trigger bump before update on public.acknowledgements for each row execute function app.bump();
call app.protect('public.acknowledgements', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$, $$link_id = (select app.link()) or ((select app.write_mask()) & 512) <> 0$$, false);
revoke insert on public.acknowledgements from wedsync_user;
drop policy insertable on public.acknowledgements;
grant insert, update on public.acknowledgements to wedsync_recorder;
reset role;
