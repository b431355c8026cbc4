-- Requests to migrate: an operator asks, the clock, which alone may, applies. Home: the platform. Never deleted.
set role wedsync_owner;
create table public.migration_requests (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  steps jsonb not null,
  is_dry_run boolean not null,
  asked_by uuid not null references public.persons,
  asked_at timestamptz not null,
  state text not null default 'waiting' check (state in ('waiting', 'applied', 'rehearsed', 'refused', 'failed')),
  result text not null default '' check (length(result) <= 2000),
  ended_at timestamptz,
  check ((state = 'waiting') = (ended_at is null))
);
comment on table public.migration_requests is 'steps: name and findings of each file that was missing when it was asked; what was applied says result';
create unique index migration_requests_waiting on public.migration_requests (tenant_id) where state = 'waiting';
create index migration_requests_recent on public.migration_requests (asked_at desc);
call app.protect('public.migration_requests', 'tenant_id', 'false', null);
grant insert, update on public.migration_requests to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- One waits at a time: null where one does already.
create function app.ask_migration(p_steps jsonb, p_dry_run boolean) returns uuid
language sql volatile security definer set search_path = '' as $$
  insert into public.migration_requests (steps, is_dry_run, asked_by, asked_at) values (p_steps, p_dry_run, app.as_operator(), app.now())
  on conflict (tenant_id) where state = 'waiting' do nothing returning id;
$$;

create function app.migration_requests(p_limit integer)
returns table (id uuid, steps jsonb, is_dry_run boolean, asked_by uuid, asked_at timestamptz, state text, result text, ended_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform app.as_operator();
  return query select r.id, r.steps, r.is_dry_run, r.asked_by, r.asked_at, r.state, r.result, r.ended_at
    from public.migration_requests r order by r.asked_at desc, r.id limit p_limit;
end $$;

create function app.waiting_migration() returns table (id uuid, is_dry_run boolean)
language sql stable security definer set search_path = '' as $$
  select r.id, r.is_dry_run from public.migration_requests r where r.state = 'waiting';
$$;

create function app.end_migration(p_id uuid, p_state text, p_result text) returns void
language sql volatile security definer set search_path = '' as $$
  update public.migration_requests r set state = p_state, result = left(p_result, 2000), ended_at = app.now() where r.id = p_id and r.state = 'waiting';
$$;
grant execute on function app.ask_migration(jsonb, boolean), app.migration_requests(integer) to wedsync_user;
grant execute on function app.waiting_migration(), app.end_migration(uuid, text, text) to wedsync_service;
reset role;
