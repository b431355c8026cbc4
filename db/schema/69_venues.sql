-- Spaces of a venue and how many they take (home: the supplier), and which of them it gives to which part of a wedding (home: the wedding).
set role wedsync_owner;

create table public.spaces (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  name text not null check (length(name) between 1 and 120),
  resource_id uuid,
  seated_max integer check (seated_max between 1 and 100000),
  standing_max integer check (standing_max between 1 and 100000),
  note text not null default '' check (length(note) <= 500),
  is_active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  foreign key (supplier_id, resource_id) references public.resources (supplier_id, id),
  check (num_nonnulls(seated_max, standing_max) > 0)
);
comment on table public.spaces is 'A room, garden or barn of a supplier, or several used as one, and how many it takes';
comment on column public.spaces.seated_max is 'Null: nobody is seated there';
comment on column public.spaces.resource_id is 'What is booked when the space is, where it can be booked';
create trigger bump before update on public.spaces for each row execute function app.bump();
call app.protect('public.spaces', 'supplier_id', 'true', $$(select app.role()) in ('owner', 'admin', 'system')$$);

alter table public.record_spaces
  add foreign key (tenant_id, space_id) references public.spaces (supplier_id, id) on delete set null (space_id);
create index record_spaces_space on public.record_spaces (tenant_id, space_id) where space_id is not null;

create table public.space_uses (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  schedule_item_id uuid not null,
  space_id uuid not null,
  name text not null check (length(name) between 1 and 120),
  arrangement text not null check (arrangement in ('seated', 'standing')),
  capacity integer not null check (capacity between 1 and 100000),
  is_over boolean not null default false,
  setup_at time,
  ready_by time,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, schedule_item_id, link_id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  -- The item is taken off the schedule before app.record takes its spaces back and says so.
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) deferrable initially deferred,
  check (setup_at <= ready_by)
);
comment on table public.space_uses is 'Scope core, of one link: the space a venue gives to a schedule item; the couple and that supplier see it. It holds no head count';
comment on column public.space_uses.space_id is 'A row of spaces in the supplier''s home; name and capacity are copies, and stay when the space is changed or removed';
comment on column public.space_uses.is_over is 'More have accepted than it takes: kept by app.record together with the head counts';
create unique index space_uses_id on public.space_uses (id);
create index space_uses_link on public.space_uses (wedding_id, link_id);
create trigger bump before update on public.space_uses for each row execute function app.bump();
call app.protect('public.space_uses', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$, $$link_id = (select app.link())$$);
grant update, delete on public.space_uses to wedsync_recorder;
reset role;

-- What the entered link's own supplier can give: its spaces stand in another home, which the wedding's gate closes.
set role wedsync_recorder;
create function app.offered_spaces(p_space uuid default null)
returns table (id uuid, name text, seated_max integer, standing_max integer, is_active boolean)
language sql stable security definer set search_path = '' as $$
  select s.id, s.name, s.seated_max, s.standing_max, s.is_active
  from public.links l
  join public.spaces s on s.supplier_id = l.supplier_id
  where l.wedding_id = app.tenant() and l.id = app.link() and l.status = 'active' and (p_space is null or s.id = p_space)
  order by not s.is_active, s.name, s.id;
$$;
grant execute on function app.offered_spaces(uuid) to wedsync_user;
reset role;
