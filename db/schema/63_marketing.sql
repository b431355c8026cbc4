-- Marketing accounts of suppliers: who agreed to be written to (a ledger), the audience that is kept in step, its members and campaigns.
set role wedsync_owner;

create table public.marketing_consents (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  client_id uuid,
  sealed bytea not null,
  act text not null check (act in ('given', 'withdrawn')),
  method text not null check (method in ('page', 'api', 'provider')),
  wording text not null default '' check (length(wording) <= 1000),
  source text not null default '' check (length(source) <= 300),
  connection_id uuid,
  made_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  foreign key (supplier_id, client_id) references public.clients (supplier_id, id) on delete set null (client_id),
  check (act = 'withdrawn' or wording <> '')
);
comment on table public.marketing_consents is 'Who agreed to marketing mail of a supplier, to exactly which words, and when it was taken back: a ledger, only ever added to. The last act for an address holds';
comment on column public.marketing_consents.sealed is 'The address: another address of the same client has agreed to nothing';
comment on column public.marketing_consents.connection_id is 'The account at which they unsubscribed, were reported or bounced';
create index marketing_consents_made on public.marketing_consents (supplier_id, created_at, id);
create index marketing_consents_client on public.marketing_consents (supplier_id, client_id) where client_id is not null;
-- Written by app.add_marketing_consent alone, so that nobody changes or takes away what was said.
call app.protect('public.marketing_consents', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$, null, false);
grant insert, update (sealed) on public.marketing_consents to wedsync_recorder;

create table public.marketing_audiences (
  id uuid primary key,
  tenant_id uuid not null,
  list_id text not null default '' check (length(list_id) <= 100),
  title text not null default '' check (length(title) <= 300),
  is_on boolean not null default true,
  has_templates boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  foreign key (tenant_id, id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.marketing_audiences is 'A connected marketing account (id = the connection''s) and the list there that is kept in step; nothing leaves until a list is chosen';
create trigger bump before update on public.marketing_audiences for each row execute function app.bump();
call app.protect('public.marketing_audiences', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.marketing_progress (
  audience_id uuid primary key,
  tenant_id uuid not null,
  lists jsonb not null default '[]',
  cursor_at text not null default '' check (length(cursor_at) <= 100),
  pending text not null default '' check (length(pending) <= 200),
  pokes bigint not null default 0,
  pulls_wanted bigint not null default 1,
  pulls_done bigint not null default 0,
  hook_asked_at timestamptz,
  reports_at timestamptz,
  asked_on date,
  asked integer not null default 0,
  failures integer not null default 0,
  not_before timestamptz,
  next_poll_at timestamptz not null default clock_timestamp(),
  synced_at timestamptz,
  outcome text not null default 'waiting' check (outcome in ('waiting', 'done', 'held', 'later', 'quota', 'failed', 'reconnect')),
  reason text not null default '' check (length(reason) <= 1000),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade
) with (fillfactor = 50);
comment on table public.marketing_progress is 'How far an audience is kept in step: the engine''s own notes, and for people how fresh it is';
comment on column public.marketing_progress.pending is 'A batch that the provider is still working on; what it holds is in members that are sending';
comment on column public.marketing_progress.asked is 'Questions of this day in UTC, where the provider lets all of us ask only so many';
create index marketing_progress_due on public.marketing_progress (next_poll_at);
call app.protect('public.marketing_progress', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.marketing_progress to wedsync_recorder;

create table public.marketing_members (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  audience_id uuid not null,
  client_id uuid,
  state text not null check (state in ('sending', 'there', 'refused', 'out')),
  reason text not null default '' check (length(reason) <= 300),
  begun text[] not null default '{}',
  sealed bytea not null,
  changed_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade,
  foreign key (tenant_id, client_id) references public.clients (supplier_id, id) on delete set null (client_id)
);
comment on table public.marketing_members is 'What we have put into an audience: of each address what was sent, sealed. out: unsubscribed there, by whichever side';
comment on column public.marketing_members.begun is 'Milestones whose journeys were begun, noted before they are asked for';
create index marketing_members_tenant on public.marketing_members (tenant_id, audience_id, changed_at desc);
create index marketing_members_client on public.marketing_members (tenant_id, client_id) where client_id is not null;
call app.protect('public.marketing_members', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);
grant update on public.marketing_members to wedsync_recorder;

create table public.marketing_triggers (
  tenant_id uuid not null,
  audience_id uuid not null,
  milestone text not null check (milestone ~ '^[a-z][a-z_]{1,40}$'),
  place text not null check (length(place) between 1 and 100),
  primary key (audience_id, milestone),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade
);
comment on table public.marketing_triggers is 'Which milestone starts which journey there; every milestone is a tag beside';
create index marketing_triggers_tenant on public.marketing_triggers (tenant_id, audience_id);
call app.protect('public.marketing_triggers', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$);

create table public.marketing_milestones (
  tenant_id uuid not null references public.suppliers on delete cascade,
  client_id uuid not null,
  milestone text not null check (milestone ~ '^[a-z][a-z_]{1,40}$'),
  reached_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, client_id, milestone),
  foreign key (tenant_id, client_id) references public.clients (supplier_id, id) on delete cascade
);
comment on table public.marketing_milestones is 'Milestones that a client''s wedding has reached, as they were told: they become tags, and may start a journey once';
call app.protect('public.marketing_milestones', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, null, false);
grant insert on public.marketing_milestones to wedsync_recorder;

create table public.marketing_templates (
  tenant_id uuid not null,
  audience_id uuid not null,
  name text not null check (name ~ '^[a-z][a-z_]{1,40}$'),
  remote_id text not null check (length(remote_id) between 1 and 100),
  digest text not null check (length(digest) <= 64),
  pushed_at timestamptz not null default clock_timestamp(),
  primary key (audience_id, name),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade
);
comment on table public.marketing_templates is 'Which of our templates is which there, and the digest of what it said when it was last written';
create index marketing_templates_tenant on public.marketing_templates (tenant_id, audience_id);
call app.protect('public.marketing_templates', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.marketing_campaigns (
  tenant_id uuid not null,
  audience_id uuid not null,
  remote_id text not null check (length(remote_id) between 1 and 100),
  title text not null check (length(title) <= 300),
  sent_at timestamptz not null,
  sends integer not null default 0,
  opens integer not null default 0,
  clicks integer not null default 0,
  bounces integer not null default 0,
  unsubscribes integer not null default 0,
  complaints integer not null default 0,
  as_of timestamptz not null,
  primary key (audience_id, remote_id),
  foreign key (tenant_id, audience_id) references public.marketing_audiences (tenant_id, id) on delete cascade
);
comment on table public.marketing_campaigns is 'What became of each campaign, in the same numbers for every provider: people, not openings';
create index marketing_campaigns_sent on public.marketing_campaigns (tenant_id, audience_id, sent_at desc);
call app.protect('public.marketing_campaigns', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create sequence public.marketing_pokes;
grant usage on sequence public.marketing_pokes to wedsync_recorder;
reset role;
