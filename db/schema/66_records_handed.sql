-- What CRMs hand out beside jobs: galleries, which move the photo deliveries of the couple's wedding, and what was said with a couple, which only the
-- supplier reads. What of that is shared with the couple is a row of another table, whose home is the wedding.
set role wedsync_owner;

create table public.record_galleries (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  book_id uuid not null,
  remote_key bytea not null,
  record_key bytea not null,
  delivery_id uuid,
  sealed bytea not null,
  is_dirty boolean not null default true,
  reason text not null default '' check (length(reason) <= 500),
  changed_at timestamptz not null default clock_timestamp(),
  gone_at timestamptz,
  unique (book_id, remote_key),
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade
);
comment on table public.record_galleries is 'A gallery of a CRM, sealed, and the photo delivery of the couple''s wedding that it is; record_key finds the job it belongs to';
comment on column public.record_galleries.delivery_id is 'In the wedding''s home; null until it was taken over there';
comment on column public.record_galleries.reason is 'Why it could not be taken over, for the supplier';
comment on column public.record_galleries.gone_at is 'When it was found that the CRM has it no more; what was delivered of it stays delivered';
create index record_galleries_dirty on public.record_galleries (book_id) where is_dirty;
create index record_galleries_tenant on public.record_galleries (tenant_id, book_id, changed_at desc);
call app.protect('public.record_galleries', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant update on public.record_galleries to wedsync_recorder;

create table public.record_messages (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  book_id uuid not null,
  remote_key bytea not null,
  record_key bytea not null,
  sealed bytea not null,
  said_at timestamptz not null,
  changed_at timestamptz not null default clock_timestamp(),
  gone_at timestamptz,
  unique (book_id, remote_key),
  foreign key (tenant_id, book_id) references public.record_books (tenant_id, id) on delete cascade
);
comment on table public.record_messages is 'What was said with a couple or noted of it in a CRM, sealed: the supplier''s alone, whatever the couple''s wedding shares';
comment on column public.record_messages.gone_at is 'When the CRM had it no more: its words are forgotten, and what was shared of it stays until it is taken back';
create index record_messages_record on public.record_messages (book_id, record_key, said_at desc);
create index record_messages_tenant on public.record_messages (tenant_id, said_at desc);
call app.protect('public.record_messages', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);
grant update on public.record_messages to wedsync_recorder;

create table public.messages (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  source_id uuid not null,
  sealed bytea not null,
  said_at timestamptz not null,
  shared_by uuid,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, link_id, source_id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id)
);
comment on table public.messages is 'Scope core, of one link: what a supplier has shared with the couple of its correspondence, sealed; both read it, and nobody else';
comment on column public.messages.source_id is 'The message of the supplier''s CRM that it was when it was shared; what changes there since is not shared by itself';
create unique index messages_id on public.messages (id);
create trigger bump before update on public.messages for each row execute function app.bump();
call app.protect('public.messages', 'wedding_id', $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$link_id = (select app.link())$$);
grant update on public.messages to wedsync_recorder;
reset role;
