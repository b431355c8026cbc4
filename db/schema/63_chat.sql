-- Channels of weddings in chat programs, and the messages in them. Home: whose workspace it is, a couple's or a supplier's.
set role wedsync_owner;

create table public.chats (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  connection_id uuid not null,
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid,
  name text not null check (length(name) between 1 and 80),
  is_private boolean not null default true,
  state text not null default 'opening' check (state in ('opening', 'waiting', 'active', 'paused', 'failed', 'closed')),
  reason text not null default '' check (length(reason) <= 500),
  remote_id text not null default '' check (length(remote_id) <= 255),
  url text not null default '' check (length(url) <= 1000),
  posts_by uuid,
  people integer not null default 0 check (people >= 0),
  strangers integer not null default 0 check (strangers >= 0),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade,
  foreign key (tenant_id, posts_by) references public.connections (tenant_id, id) on delete set null (posts_by),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id) on delete cascade
);
comment on table public.chats is 'A channel of one wedding in a connected workspace: with a link it hears exactly what that link may see, without one it is the couple''s own';
comment on column public.chats.remote_id is 'The channel''s id there; empty until it is made';
comment on column public.chats.url is 'Where people open it, as its program told; empty where it did not';
comment on column public.chats.posts_by is 'The account whose address takes its messages, where the program lets nobody post with the one that made it; without it the channel is waiting';
comment on column public.chats.people is 'Who was to be invited; strangers of them have no account in the workspace, or could not be';
create unique index chats_one on public.chats (connection_id, wedding_id) where state not in ('closed', 'failed');
create unique index chats_posts_by on public.chats (posts_by) where state not in ('closed', 'failed');
create index chats_wedding on public.chats (wedding_id) where state in ('opening', 'active');
create index chats_tenant on public.chats (tenant_id, created_at desc);
create trigger bump before update on public.chats for each row execute function app.bump();
call app.protect('public.chats', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) = 'member'$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant update on public.chats to wedsync_recorder;

create table public.chat_messages (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null,
  chat_id uuid not null,
  about text not null check (length(about) <= 200),
  remote_id text not null default '' check (length(remote_id) <= 255),
  sealed bytea,
  pressed_by text not null default '' check (length(pressed_by) <= 100),
  changed_at timestamptz not null default clock_timestamp(),
  unique (tenant_id, id),
  unique (chat_id, about),
  foreign key (tenant_id, chat_id) references public.chats (tenant_id, id) on delete cascade
);
comment on table public.chat_messages is 'The message of one matter in a channel, changed in place when the matter changes; sealed: what it says now';
comment on column public.chat_messages.pressed_by is 'Who confirmed it there, as that program mentions people';
create index chat_messages_tenant on public.chat_messages (tenant_id, chat_id);
call app.protect('public.chat_messages', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update (sealed) on public.chat_messages to wedsync_recorder;

create sequence public.chat_orders;
grant usage on sequence public.chat_orders to wedsync_recorder;
reset role;
