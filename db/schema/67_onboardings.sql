-- How far somebody has come who sets a business up here (home: the supplier): only what nothing else tells. What is there (a calendar, clients,
-- a wedding) is read where it stands.
set role wedsync_owner;
create table public.onboardings (
  supplier_id uuid primary key references public.suppliers on delete cascade,
  id uuid generated always as (supplier_id) stored,
  done text[] not null default '{}',
  skipped text[] not null default '{}',
  finished_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.onboardings is 'Setting a business up: which steps were said to be done or skipped; no row = nobody has begun';
create trigger bump before update on public.onboardings for each row execute function app.bump();
call app.protect('public.onboardings', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin')$$, false);
reset role;
