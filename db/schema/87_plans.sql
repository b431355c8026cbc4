-- Plans: what a business may have of everything that is limited, and the one place where that is asked and held. Couples are never limited.
-- Tiers are rows, so that an operator changes them by statement; whoever has no row of its own has the default. What is over a limit stays as it
-- is: only what is new is refused, and nothing that concerns a wedding in its protected window (docs/decisions/0021-limits-in-triggers-calls-in-batches.md).
set role wedsync_owner;

create table public.plans (
  plan text primary key check (plan ~ '^[a-z_]{2,40}$'),
  rank smallint not null unique,
  title text not null check (length(title) between 1 and 60)
);
comment on table public.plans is 'The tiers, the smallest first by rank';

create table public.plan_limits (
  plan text not null references public.plans,
  name text not null check (name in ('weddings', 'seats', 'connections', 'sms', 'api_calls', 'sync_minutes', 'history_months')),
  allowed bigint check (allowed >= 0),
  primary key (plan, name)
);
comment on table public.plan_limits is 'How much of what a tier holds; null = no limit. weddings, seats and connections stand, sms and api_calls are of a month, sync_minutes is how often a calendar is asked, history_months how far back the log is read';

create table public.plan_default (
  only_row boolean primary key default true check (only_row),
  plan text not null references public.plans
);
comment on table public.plan_default is 'WEDSYNC_DEFAULT_PLAN, written by the migrator; without a row the largest tier';

create table public.supplier_plans (
  supplier_id uuid primary key references public.suppliers on delete cascade,
  id uuid generated always as (supplier_id) stored,
  plan text references public.plans,
  extra jsonb not null default '{}' check (jsonb_typeof(extra) = 'object' and length(extra::text) <= 2000),
  reason text not null default '' check (length(reason) <= 300),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.supplier_plans is 'The plan an operator gave a business; plan null = the default. extra: limits of its own instead of the tier''s, {name: number or null}';
create trigger bump before update on public.supplier_plans for each row execute function app.bump();
call app.protect('public.supplier_plans', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$, null);
grant insert, update on public.supplier_plans to wedsync_recorder;

create table public.limit_notices (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  name text not null,
  level text not null check (level in ('near', 'reached')),
  month date,
  allowed bigint not null,
  used bigint not null,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (supplier_id, name)
);
comment on table public.limit_notices is 'What a business was told of: eight tenths of a limit are used, or all of it. Gone when less is used or a new month began, so that the next time is told again';
create trigger bump before update on public.limit_notices for each row execute function app.bump();
call app.protect('public.limit_notices', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$, null);
grant insert, update, delete on public.limit_notices to wedsync_recorder;

create table public.usage_days (
  supplier_id uuid not null references public.suppliers on delete cascade,
  "on" date not null,
  api_calls bigint not null default 0,
  sms bigint not null default 0,
  primary key (supplier_id, "on")
) with (fillfactor = 50);
comment on table public.usage_days is 'What was used on a day (UTC): calls of programs that were let in, SMS that were sent';
call app.protect('public.usage_days', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'system')$$, null);
grant insert, update on public.usage_days to wedsync_recorder;

create table public.usage_writers (
  id uuid primary key,
  batch bigint not null,
  at timestamptz not null default clock_timestamp()
);
comment on table public.usage_writers is 'The last batch of counted calls of each process: one that is sent twice counts once';

do $$
declare t text;
begin
  foreach t in array array['plans', 'plan_limits', 'plan_default', 'usage_writers'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('alter table public.%I force row level security', t);
    execute format('create policy recorder on public.%I for all to wedsync_recorder using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on public.%I to wedsync_recorder', t);
  end loop;
end $$;
reset role;

set role wedsync_recorder;
insert into public.plans (plan, rank, title) values
  ('free', 1, 'Free'), ('starter', 2, 'Starter'), ('professional', 3, 'Professional'), ('studio', 4, 'Studio');
insert into public.plan_limits (plan, name, allowed) values
  ('free', 'weddings', 3), ('starter', 'weddings', 25), ('professional', 'weddings', 100), ('studio', 'weddings', null),
  ('free', 'seats', 1), ('starter', 'seats', 1), ('professional', 'seats', 3), ('studio', 'seats', 10),
  ('free', 'connections', 0), ('starter', 'connections', 1), ('professional', 'connections', 3), ('studio', 'connections', null),
  ('free', 'sync_minutes', 240), ('starter', 'sync_minutes', 60), ('professional', 'sync_minutes', 15), ('studio', 'sync_minutes', 0),
  ('free', 'sms', 0), ('starter', 'sms', 0), ('professional', 'sms', 250), ('studio', 'sms', 1000),
  ('free', 'api_calls', 1000), ('starter', 'api_calls', 10000), ('professional', 'api_calls', 150000), ('studio', 'api_calls', 1500000),
  ('free', 'history_months', 3), ('starter', 'history_months', 12), ('professional', 'history_months', 24), ('studio', 'history_months', null);

-- Days and months of usage are those of UTC, so that they begin at one moment for all processes.
create function app.usage_day() returns date language sql stable set search_path = ''
  return (app.now() at time zone 'UTC')::date;

-- A wedding from a day before it is live until a day after it was, and a business that works at one.
create function app.is_protected(p_tenant uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.wedding_days d
    where app.now() between d.live_from - interval '24 hours' and d.live_until + interval '24 hours'
      and (d.wedding_id = p_tenant or exists (select from public.links l
        where l.wedding_id = d.wedding_id and l.supplier_id = p_tenant and l.status = 'active')));
$$;

create function app.plan_of(p_supplier uuid) returns text
language sql stable set search_path = '' as $$
  select coalesce((select s.plan from public.supplier_plans s where s.supplier_id = p_supplier),
    (select d.plan from public.plan_default d), (select p.plan from public.plans p order by p.rank desc limit 1));
$$;

-- Null: no limit.
create function app.allowed(p_supplier uuid, p_name text) returns bigint
language sql stable set search_path = '' as $$
  select case when s.extra ? p_name then (s.extra ->> p_name)::bigint else l.allowed end
  from public.plan_limits l left join public.supplier_plans s on s.supplier_id = p_supplier
  where l.plan = app.plan_of(p_supplier) and l.name = p_name;
$$;

-- Files and feeds are no accounts: every plan has them.
create function app.is_counted_account(c public.connections) returns boolean
language sql immutable set search_path = ''
  return coalesce(c.state not in ('draft', 'disconnected'), false) and c.deleted_at is null and c.connector not in ('ics', 'csv');

-- Active: linked, not cancelled, and its day not longer ago than a quarter of a year, in which it is still being delivered.
create function app.is_active_wedding(w public.weddings) returns boolean
language sql stable set search_path = ''
  return w.date_status <> 'cancelled' and (w."on" is null or w."on" >= app.usage_day() - 90);

create function app.used(p_supplier uuid, p_name text) returns bigint
language plpgsql stable set search_path = '' as $$
begin
  if p_name = 'weddings' then
    return (select count(*) from public.links l join public.weddings w on w.wedding_id = l.wedding_id
      where l.supplier_id = p_supplier and l.status = 'active' and app.is_active_wedding(w));
  elsif p_name = 'seats' then
    return (select count(*) from public.supplier_members m where m.supplier_id = p_supplier and m.removed_at is null);
  elsif p_name = 'connections' then
    return (select count(*) from public.connections c where c.tenant_id = p_supplier and app.is_counted_account(c));
  end if;
  return (select coalesce(sum(case p_name when 'sms' then u.sms else u.api_calls end), 0) from public.usage_days u
    where u.supplier_id = p_supplier and u."on" >= date_trunc('month', app.usage_day())::date);
end $$;

create function app.limit_in_words(p_name text, p_number bigint) returns text
language sql immutable set search_path = ''
  return p_number || ' ' || case p_name when 'weddings' then 'active wedding' when 'seats' then 'seat' when 'connections' then 'connected account'
    when 'sms' then 'text message' else 'API call' end || case when p_number = 1 then '' else 's' end
    || case when p_name in ('sms', 'api_calls') then ' a month' else '' end;

-- Refuse in words: what is limited, how much there is, and how to get more. A couple hears nothing of a business's plan.
create function app.refuse_limit(p_supplier uuid, p_name text, p_allowed bigint, p_used bigint) returns void
language plpgsql stable set search_path = '' as $$
declare
  v_plan record;
  v_next text;
  v_fewer text := case when p_name in ('sms', 'api_calls') then format('wait for %s, when a new month begins', to_char(date_trunc('month',
    app.usage_day()) + interval '1 month', 'FMDD FMMonth')) else 'end one that you no longer need' end;
begin
  if app.role() = 'couple' then
    raise exception '%', (select s.name from public.suppliers s where s.supplier_id = p_supplier)
      || ' cannot take on another wedding here just now. Write to them: as soon as they have made room, this works.'
      using errcode = 'WS402', detail = jsonb_build_object('status', 409, 'code', 'supplier_full');
  end if;
  select p.plan, p.title, p.rank into v_plan from public.plans p where p.plan = app.plan_of(p_supplier);
  select p.plan into v_next from public.plans p join public.plan_limits l on l.plan = p.plan and l.name = p_name
    where p.rank > v_plan.rank and (l.allowed is null or l.allowed > p_allowed) order by p.rank limit 1;
  raise exception '%', format('Your plan, %s, has %s, and all of it is used. Choose a larger plan under "Plan and usage", or %s.', v_plan.title,
      app.limit_in_words(p_name, p_allowed), v_fewer)
    using errcode = 'WS402', detail = jsonb_build_object('status', 402, 'code', 'limit_reached', 'limit', p_name, 'allowed', p_allowed,
      'used', p_used, 'plan', v_plan.plan, 'next_plan', v_next, 'raise_at', '/studio/' || p_supplier || '/plan');
end $$;

-- After the row is there: whoever comes second waits for the first one's commit, counts it, and is one too many. Where there is no limit nobody waits.
create function app.hold_limit(p_supplier uuid, p_name text, p_wedding uuid default null) returns void
language plpgsql volatile set search_path = '' as $$
declare
  v_allowed bigint := app.allowed(p_supplier, p_name);
  v_used bigint;
begin
  if v_allowed is null then return; end if;
  perform pg_advisory_xact_lock(hashtextextended('limit:' || p_name || ':' || p_supplier, 0));
  v_used := app.used(p_supplier, p_name);
  if v_used <= v_allowed or app.is_protected(coalesce(p_wedding, p_supplier)) then return; end if;
  perform app.refuse_limit(p_supplier, p_name, v_allowed, v_used - 1);
end $$;

create function app.hold_weddings() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' or old.status <> 'active' or old.supplier_id is distinct from new.supplier_id then
    if exists (select from public.weddings w where w.wedding_id = new.wedding_id and app.is_active_wedding(w)) then
      perform app.hold_limit(new.supplier_id, 'weddings', new.wedding_id);
    end if;
  end if;
  return null;
end $$;

create function app.hold_seats() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' or old.removed_at is not null then perform app.hold_limit(new.supplier_id, 'seats'); end if;
  return null;
end $$;

create function app.hold_connections() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if app.is_counted_account(new) and (tg_op = 'INSERT' or not app.is_counted_account(old)) then
    perform app.hold_limit(new.tenant_id, 'connections') from public.suppliers s where s.supplier_id = new.tenant_id;
  end if;
  return null;
end $$;

grant execute on function app.hold_weddings(), app.hold_seats(), app.hold_connections() to wedsync_owner;
reset role;

set role wedsync_owner;
create trigger hold_weddings after insert or update of status, supplier_id on public.links for each row
  when (new.status = 'active' and new.supplier_id is not null) execute function app.hold_weddings();
create trigger hold_seats after insert or update of removed_at on public.supplier_members for each row
  when (new.removed_at is null) execute function app.hold_seats();
create trigger hold_connections after insert or update of state, deleted_at on public.connections for each row
  when (new.state is not null) execute function app.hold_connections();
reset role;
