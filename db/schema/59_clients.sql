-- A supplier's own clients, as its books or its CRM know them, and the lists they came in with (home: the supplier). No wedding and no other
-- supplier ever sees them; who a couple is stays the supplier's until the couple joins (link_id).
set role wedsync_owner;

create table public.clients (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  stage text not null default 'enquiry' check (stage in ('enquiry', 'held', 'booked', 'fulfilled', 'completed', 'cancelled')),
  wedding_on date,
  source text not null default '' check (source ~ '^[a-z0-9_]{0,40}$'),
  external_id text check (length(external_id) between 1 and 200),
  wedding_id uuid,
  link_id uuid,
  sealed bytea not null,
  email_index bytea,
  partner_email_index bytea,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete set null (wedding_id, link_id),
  check ((link_id is null) = (wedding_id is null)),
  check (external_id is null or source <> '')
);
comment on table public.clients is 'A couple as the supplier knows it; names, addresses, place and notes are sealed JSON, the two indexes are keyed blind indexes of the e-mails';
comment on column public.clients.external_id is 'What the source (a CRM, a kind of export) calls it; the same there is the same here';
comment on column public.clients.link_id is 'The engagement in the wedding of a couple that has joined';
create unique index clients_source on public.clients (supplier_id, source, external_id) where external_id is not null;
create index clients_by_date on public.clients (supplier_id, (coalesce(wedding_on, date '9999-12-31')), id);
create index clients_email on public.clients (supplier_id, email_index) where email_index is not null;
create index clients_partner_email on public.clients (supplier_id, partner_email_index) where partner_email_index is not null;
create index clients_link on public.clients (wedding_id, link_id) where link_id is not null;
create trigger bump before update on public.clients for each row execute function app.bump();
call app.protect('public.clients', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin', 'system')$$);

create table public.client_imports (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  source text not null default '' check (length(source) <= 60),
  filename text not null default '' check (length(filename) <= 255),
  status text not null default 'pending' check (status in ('pending', 'finished', 'undone')),
  rows integer not null default 0,
  created integer not null default 0,
  updated integer not null default 0,
  skipped integer not null default 0,
  rejected integer not null default 0,
  errors jsonb not null default '[]',
  plan bytea,
  undo bytea,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (supplier_id, id)
);
comment on table public.client_imports is 'One uploaded list of clients; plan (the file and what was chosen) and undo are sealed, errors name cells with values masked';
create trigger bump before update on public.client_imports for each row execute function app.bump();
call app.protect('public.client_imports', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$,
  $$(select app.role()) in ('owner', 'admin', 'system')$$, false);
reset role;
