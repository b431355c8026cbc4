-- Feeds: calendars we publish, one signed address each, showing what their maker may see (home: the wedding or the supplier).
set role wedsync_owner;

create table public.feeds (
  id uuid not null default uuidv7(),
  tenant_id uuid not null references public.streams on delete cascade,
  person_id uuid not null references public.persons,
  title text not null default '' check (length(title) <= 120),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  read_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, id)
);
comment on table public.feeds is 'A calendar feed: its address is its id, signed, so nothing here opens it; it shows what person_id may see, for as long as they may';
comment on column public.feeds.read_at is 'When a calendar last asked, to the hour';
create unique index feeds_id on public.feeds (id);
create index feeds_person on public.feeds (person_id);
create trigger bump before update on public.feeds for each row execute function app.bump();
-- Their own for everybody; who runs the wedding or the business sees all of it, and ends them.
call app.protect('public.feeds', 'tenant_id',
  $$person_id = (select app.actor()) or (select app.role()) in ('couple', 'owner', 'admin')$$, $$person_id = (select app.actor())$$, false);
create policy ended on public.feeds for update to wedsync_user
  using ((select app.role()) in ('couple', 'owner', 'admin')) with check ((select app.role()) in ('couple', 'owner', 'admin'));
-- Whoever may end a feed may not make it another person's, which would show them what that person sees.
revoke update on public.feeds from wedsync_user;
grant update (tenant_id, revoked_at) on public.feeds to wedsync_user;
grant update on public.feeds to wedsync_recorder;
reset role;
