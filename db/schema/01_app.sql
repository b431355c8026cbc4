-- The ground of every door: what a transaction is entered as, the two clocks, and the one way to protect a table.
-- Settings are written by app.enter* only and are local to the transaction; outside of one every policy sees nothing.
create schema app;
revoke all on schema public from public;
revoke all on schema app from public;
alter default privileges for role wedsync_owner revoke execute on functions from public;
alter default privileges for role wedsync_recorder revoke execute on functions from public;
grant usage on schema public, app to wedsync_recorder, wedsync_user, wedsync_reader, wedsync_service;
grant create on schema app to wedsync_recorder;

set role wedsync_owner;

-- '' appears where a setting was set in an earlier transaction of the same connection; it means "not entered".
create function app.tenant() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.tenant', true), '')::uuid;
create function app.actor() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.actor', true), '')::uuid;
create function app.actor_kind() returns text language sql stable parallel safe
  return coalesce(nullif(current_setting('app.actor_kind', true), ''), 'anonymous');
-- couple, helper, supplier, guest, public (weddings) · owner, admin, member (suppliers) · self (persons) · system
create function app.role() returns text language sql stable parallel safe
  return coalesce(nullif(current_setting('app.role', true), ''), 'none');
create function app.link() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.link', true), '')::uuid;
create function app.membership() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.membership', true), '')::uuid;
create function app.party() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.party', true), '')::uuid;
create function app.mask() returns integer language sql stable parallel safe
  return coalesce(nullif(current_setting('app.mask', true), '')::integer, 0);
create function app.write_mask() returns integer language sql stable parallel safe
  return coalesce(nullif(current_setting('app.write_mask', true), '')::integer, 0);

-- Wedding time: what people see or schedule. Equal to machine time unless a drill holds a row here.
create table public.clock_setting (
  only_row boolean primary key default true check (only_row),
  base timestamptz not null,
  set_at timestamptz not null default clock_timestamp(),
  speed double precision not null default 1 check (speed > 0 and speed <= 86400)
);
comment on table public.clock_setting is 'Profiles test and drill only: wedding time runs from base at speed; empty everywhere else';
create function app.now() returns timestamptz language sql stable parallel safe security definer set search_path = ''
  return coalesce(
    (select c.base + (clock_timestamp() - c.set_at) * c.speed from public.clock_setting c),
    clock_timestamp());
-- What a process takes over, so that its own wedding time is the database's; no row where nothing is moved.
create function app.moved_clock() returns table (base timestamptz, set_at timestamptz, speed double precision)
language sql stable security definer set search_path = ''
begin atomic
  select c.base, c.set_at, c.speed from public.clock_setting c;
end;

-- Optimistic locking: every changed row counts its versions, whoever changes it; but what is only sealed again says the same.
create function app.bump() returns trigger language plpgsql set search_path = '' as $$
begin
  if current_setting('sealing.anew', true) = 'on' then return new; end if;
  new.version := old.version + 1;
  new.updated_at := clock_timestamp();
  return new;
end $$;

-- One way to protect a table: forced row security, a restrictive gate on the tenant, and what may be read and written.
-- The gate is for wedsync_user alone: a gate without TO would also bind the recorder, whose functions check by themselves.
create procedure app.protect(p_table regclass, p_home name, p_read text, p_write text, p_delete boolean default true)
language plpgsql set search_path = '' as $$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format('alter table %s force row level security', p_table);
  execute format('revoke all on %s from public', p_table);
  execute format('create policy gate on %s as restrictive for all to wedsync_user
    using (%2$I = (select app.tenant())) with check (%2$I = (select app.tenant()))', p_table, p_home);
  execute format('create policy readable on %s for select to wedsync_user using (%s)', p_table, p_read);
  execute format('create policy recorder on %s for all to wedsync_recorder using (true) with check (true)', p_table);
  execute format('grant select on %s to wedsync_user, wedsync_recorder', p_table);
  if p_write is not null then
    execute format('create policy insertable on %s for insert to wedsync_user with check (%s)', p_table, p_write);
    execute format('create policy updatable on %1$s for update to wedsync_user using (%2$s) with check (%2$s)', p_table, p_write);
    execute format('grant insert, update on %s to wedsync_user', p_table);
    if p_delete then
      execute format('create policy deletable on %s for delete to wedsync_user using (%s)', p_table, p_write);
      execute format('grant delete on %s to wedsync_user', p_table);
    end if;
  end if;
end $$;
reset role;
