-- Invitations: a supplier invites a client's couple by mail (home: the supplier), and who brought whom here (home: the
-- wedding). Who takes no more of these mails stands in 63_mailing.sql. The functions stand in 82_invitations.sql.
set role wedsync_owner;

create table public.invitations (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  client_id uuid not null,
  state text not null default 'queued' check (state in ('queued', 'sent', 'opened', 'joined', 'declined', 'bounced', 'suppressed', 'expired', 'withdrawn')),
  reason text not null default '' check (length(reason) <= 60),
  wedding_on date,
  mails smallint not null default 0 check (mails between 0 and 2),
  next_at timestamptz,
  expires_at timestamptz not null,
  sent_at timestamptz,
  delivered_at timestamptz,
  opened_at timestamptz,
  reminded_at timestamptz,
  ended_at timestamptz,
  complained_at timestamptz,
  wedding_id uuid,
  link_id uuid,
  sealed bytea not null,
  token_hash bytea not null unique check (length(token_hash) = 32),
  couple_index bytea[] not null check (cardinality(couple_index) between 1 and 2),
  delivery_id uuid,
  delivery_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  check ((link_id is null) = (wedding_id is null)),
  check ((state in ('queued', 'sent', 'opened')) = (ended_at is null)),
  check ((delivery_id is null) = (delivery_at is null))
);
comment on table public.invitations is 'A couple invited by a supplier that has it as a client; sealed is what was known of it (names, addresses, date, place)';
comment on column public.invitations.couple_index is 'Keyed blind indexes of the couple''s addresses, alike for all suppliers; the first is the one that is written to';
comment on column public.invitations.mails is 'At most two: the invitation and one reminder';
comment on column public.invitations.next_at is 'When somebody looks whether a mail is due; null: no more mails';
comment on column public.invitations.link_id is 'The engagement that came of it, or the request to a couple that was here already';
-- One that waits or is open for each client: whoever adds a second at the same time is refused.
create unique index invitations_open on public.invitations (supplier_id, client_id) where ended_at is null;
create unique index invitations_id on public.invitations (id);
create index invitations_due on public.invitations (next_at) where ended_at is null and next_at is not null;
create index invitations_expiring on public.invitations (expires_at) where ended_at is null;
create index invitations_mailed on public.invitations (delivery_at) where delivery_id is not null and delivered_at is null and ended_at is null;
create index invitations_couple on public.invitations using gin (couple_index);
create index invitations_client on public.invitations (supplier_id, client_id);
create index invitations_link on public.invitations (link_id) where link_id is not null;
create trigger bump before update on public.invitations for each row execute function app.bump();
call app.protect('public.invitations', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin', 'system')$$, false);
grant insert, update on public.invitations to wedsync_recorder;

create table public.invitation_styles (
  supplier_id uuid primary key references public.suppliers on delete cascade,
  id uuid generated always as (supplier_id) stored,
  colour text not null default '#2f4a3a' check (colour ~ '^#[0-9a-f]{6}$'),
  words text not null default '' check (length(words) <= 1000),
  signature text not null default '' check (length(signature) <= 200),
  address text not null default '' check (length(address) <= 300),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.invitation_styles is 'How a supplier''s invitations look: its colour, its own words, who signs, and the postal address that a mail must name';
create trigger bump before update on public.invitation_styles for each row execute function app.bump();
call app.protect('public.invitation_styles', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin')$$, false);

create table public.joins (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  joined text not null check (joined in ('couple', 'supplier')),
  joined_id uuid not null,
  brought_by text not null check (brought_by in ('couple', 'supplier')),
  brought_by_id uuid not null,
  first_supplier_id uuid references public.suppliers on delete set null,
  joined_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (joined, joined_id)
);
comment on table public.joins is 'Who brought whom: a supplier a couple (joined_id is the wedding), a couple a supplier that was not here before';
comment on column public.joins.brought_by_id is 'The supplier, or the wedding of the couple';
comment on column public.joins.first_supplier_id is 'The supplier with whom the chain began; null where a couple came by itself';
create index joins_first_supplier on public.joins (first_supplier_id) where first_supplier_id is not null;
call app.protect('public.joins', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, null);
grant insert on public.joins to wedsync_recorder;
-- Who a client is stays the supplier's; that it has joined is known where the couple answers.
grant update on public.clients to wedsync_recorder;
reset role;
