-- Roles: three login doors that own nothing and bypass nothing, one owner, one recorder and one reporter without login.
-- Run once per cluster by its administrator; idempotent. Passwords are set by whoever runs the cluster.
do $$
declare
  r record;
begin
  for r in
    select * from (values
      ('wedsync_owner', 'login'),      -- owns tables; migrations only
      ('wedsync_recorder', 'nologin'), -- owns the definer functions; alone writes streams, events, jobs, heads
      ('wedsync_user', 'login'),       -- user door: acts as one actor in one tenant
      ('wedsync_reader', 'login'),     -- reader door: the gateway; executes reader functions, selects nothing itself
      ('wedsync_service', 'login'),    -- service door: worker and clock; queue columns and payloads by lease
      ('wedsync_reporter', 'nologin')  -- reads schema brief and nothing else; whoever reports gets a login in it
    ) as roles(name, can_login)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = r.name) then
      execute format('create role %I %s nosuperuser nobypassrls nocreatedb nocreaterole noinherit', r.name, r.can_login);
    end if;
  end loop;
end $$;
grant wedsync_recorder to wedsync_owner with set true, inherit true;
-- What the operator is told of the server's own state, by functions of schema ops. A managed server whose administrator may not grant it says so in
-- `wedsync doctor`, and these functions then see less.
do $$
begin
  grant pg_monitor to wedsync_recorder with inherit true, set false;
exception when insufficient_privilege then
  raise notice 'pg_monitor could not be granted to wedsync_recorder';
end $$;
