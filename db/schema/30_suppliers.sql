-- Suppliers: businesses and their people (home: the supplier), links into weddings (home: the wedding), the portfolio index.
set role wedsync_owner;

create table public.suppliers (
  supplier_id uuid primary key default uuidv7(),
  id uuid generated always as (supplier_id) stored,
  name text not null check (length(name) between 1 and 300),
  category text not null check (category ~ '^[a-z_]{2,40}$'),
  email text not null default '' check (length(email) <= 320),
  phone text not null default '' check (length(phone) <= 40),
  website text not null default '' check (length(website) <= 500),
  time_zone text not null default 'Europe/London' check (length(time_zone) <= 64),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.suppliers is 'A business: an organisation and a tenant of its own';
create trigger bump before update on public.suppliers for each row execute function app.bump();
call app.protect('public.suppliers', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin')$$, false);
revoke insert on public.suppliers from wedsync_user;
grant insert on public.suppliers to wedsync_recorder;

create table public.supplier_members (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  person_id uuid not null references public.persons,
  role text not null check (role in ('owner', 'admin', 'member')),
  name text not null default '' check (length(name) <= 300),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  removed_at timestamptz,
  primary key (supplier_id, id),
  unique (supplier_id, person_id)
);
comment on table public.supplier_members is 'Owner and admin see all weddings of the supplier, a member those assigned';
create index supplier_members_person on public.supplier_members (person_id);
create trigger bump before update on public.supplier_members for each row execute function app.bump();
-- An owner manages everybody; an admin neither touches an owner nor makes one. Who joins comes in by app.add_colleague.
call app.protect('public.supplier_members', 'supplier_id', 'true',
  $$(select app.role()) = 'owner' or ((select app.role()) = 'admin' and role <> 'owner')$$, false);
revoke insert, update on public.supplier_members from wedsync_user;
drop policy insertable on public.supplier_members;
grant update (role, name, removed_at) on public.supplier_members to wedsync_user;
grant insert, update on public.supplier_members to wedsync_recorder;

create table public.links (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  supplier_id uuid references public.suppliers,
  link_id uuid generated always as (id) stored,
  supplier_name text not null check (length(supplier_name) between 1 and 300),
  category text not null check (category ~ '^[a-z_]{2,40}$'),
  invited_email text check (invited_email = lower(invited_email) and length(invited_email) <= 320),
  status text not null default 'invited' check (status in ('invited', 'requested', 'active', 'declined', 'revoked', 'completed')),
  level text not null default 'basic' check (level in ('basic', 'standard', 'full')),
  scopes integer not null default 0 check (scopes & ~254 = 0),
  mask integer generated always as (scopes | 1) stored,
  can_view_guests boolean generated always as (scopes & 16 <> 0) stored,
  can_view_dietary boolean generated always as (scopes & 32 <> 0) stored,
  can_view_contacts boolean generated always as (scopes & 64 <> 0) stored,
  can_view_budget boolean generated always as (false) stored,
  can_edit_timeline boolean not null default false,
  invited_by text not null default 'couple' check (invited_by in ('couple', 'supplier')),
  active_since timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  check (not can_edit_timeline or scopes & 2 <> 0),
  check (status <> 'active' or supplier_id is not null)
);
comment on table public.links is 'One supplier''s engagement in one wedding. The check on scopes makes budget (256) and private (512) ungrantable by any statement';
create unique index links_id on public.links (id);
create unique index links_once on public.links (wedding_id, supplier_id) where supplier_id is not null and status in ('invited', 'requested', 'active');
create index links_supplier on public.links (supplier_id, wedding_id) where supplier_id is not null;
create trigger bump before update on public.links for each row execute function app.bump();
-- What happened before a link was active is not news to it, whichever action made it active.
create function app.note_activation() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.status = 'active' and (tg_op = 'INSERT' or old.status <> 'active') then new.active_since := clock_timestamp(); end if;
  return new;
end $$;
create trigger note_activation before insert or update of status on public.links for each row execute function app.note_activation();
call app.protect('public.links', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or id = (select app.link())$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.links to wedsync_recorder;

alter table public.schedule_items add foreign key (wedding_id, owner_link_id) references public.links (wedding_id, id);
alter table public.schedule_items add foreign key (wedding_id, owner_membership_id) references public.memberships (wedding_id, id);
create index schedule_items_owner on public.schedule_items (wedding_id, owner_link_id);
alter table public.passes add foreign key (wedding_id, membership_id) references public.memberships (wedding_id, id) on delete cascade;
alter table public.passes add foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete cascade;

create table public.assignments (
  id uuid not null default uuidv7(),
  supplier_id uuid not null,
  member_id uuid not null,
  link_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (supplier_id, member_id, link_id),
  foreign key (supplier_id, member_id) references public.supplier_members (supplier_id, id) on delete cascade
);
comment on table public.assignments is 'Which links a supplier''s member works on';
create index assignments_link on public.assignments (link_id);
call app.protect('public.assignments', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin')$$);

create table public.supplier_index (
  supplier_id uuid not null references public.suppliers on delete cascade,
  wedding_id uuid not null,
  id uuid not null,
  couple_names text not null,
  "on" date,
  date_status text not null,
  time_zone text not null,
  venue text not null default '',
  status text not null,
  level text not null,
  waiting integer not null default 0,
  tasks_open integer not null default 0,
  next_due date,
  open jsonb not null default '[]',
  changed_at timestamptz not null default clock_timestamp(),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, wedding_id),
  unique (supplier_id, id)
);
comment on table public.supplier_index is 'The portfolio: one row per link (id = link id), kept by a reaction; waiting counts acknowledgements not given, open names them and the link''s tasks';
create index supplier_index_on on public.supplier_index (supplier_id, "on");
create index supplier_index_wedding on public.supplier_index (wedding_id);
create trigger bump before update on public.supplier_index for each row execute function app.bump();
call app.protect('public.supplier_index', 'supplier_id',
  $$(select app.role()) in ('owner', 'admin', 'system') or id in (select a.link_id from public.assignments a
      join public.supplier_members m on m.supplier_id = a.supplier_id and m.id = a.member_id
      where m.person_id = (select app.actor()))$$,
  $$(select app.role()) = 'system'$$);
reset role;
