-- Guests: parties, people invited, their contacts and needs (sealed), RSVPs, head counts, sheets, imports. Home: the wedding.
set role wedsync_owner;

create table public.parties (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  name text not null check (length(name) between 1 and 300),
  side text not null default '' check (side in ('', 'partner_a', 'partner_b', 'both')),
  tags text[] not null default '{}',
  plus_ones_allowed integer not null default 0 check (plus_ones_allowed between 0 and 20),
  invited_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id)
);
comment on table public.parties is 'Scope guests: people invited together';
create unique index parties_id on public.parties (id);
create trigger bump before update on public.parties for each row execute function app.bump();
call app.protect('public.parties', 'wedding_id',
  $$((select app.mask()) & 16) <> 0 or id = (select app.party())$$, $$((select app.write_mask()) & 16) <> 0$$);
alter table public.passes add foreign key (wedding_id, party_id) references public.parties (wedding_id, id) on delete cascade;

create table public.guests (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  party_id uuid not null,
  first_name text not null default '' check (length(first_name) <= 300),
  last_name text not null default '' check (length(last_name) <= 300),
  display_name text not null check (length(display_name) between 1 and 600),
  name_sort text not null check (length(name_sort) <= 700),
  kind text not null default 'named' check (kind in ('named', 'plus_one', 'crew')),
  age_band text not null default 'adult' check (age_band in ('adult', 'teen', 'child', 'infant')),
  plus_one_of uuid,
  role text not null default '' check (length(role) <= 60),
  table_label text not null default '' check (length(table_label) <= 60),
  source_key text check (length(source_key) <= 400),
  position integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, party_id) references public.parties (wedding_id, id),
  foreign key (wedding_id, plus_one_of) references public.guests (wedding_id, id) on delete set null (plus_one_of)
);
comment on table public.guests is 'Scope guests: a person invited; name_sort is a fold stored by the application because the engine has no collations for people';
create unique index guests_id on public.guests (id);
create index guests_party on public.guests (wedding_id, party_id);
create index guests_plus_one on public.guests (wedding_id, plus_one_of) where plus_one_of is not null;
create index guests_sort on public.guests (wedding_id, name_sort, id);
create unique index guests_source on public.guests (wedding_id, source_key) where source_key is not null;
create trigger bump before update on public.guests for each row execute function app.bump();
call app.protect('public.guests', 'wedding_id',
  $$((select app.mask()) & 16) <> 0 or party_id = (select app.party())$$, $$((select app.write_mask()) & 16) <> 0 or party_id = (select app.party())$$);

create table public.guest_contacts (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  guest_id uuid not null,
  party_id uuid not null,
  sealed bytea not null,
  email_index bytea,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, guest_id),
  foreign key (wedding_id, guest_id) references public.guests (wedding_id, id) on delete cascade
);
comment on table public.guest_contacts is 'Scope contacts: sealed JSON {email, phone, address}; email_index is a keyed blind index';
create index guest_contacts_email on public.guest_contacts (wedding_id, email_index);
create trigger bump before update on public.guest_contacts for each row execute function app.bump();
call app.protect('public.guest_contacts', 'wedding_id',
  $$((select app.mask()) & 64) <> 0 or party_id = (select app.party())$$, $$((select app.write_mask()) & 64) <> 0 or party_id = (select app.party())$$);

create table public.guest_needs (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  guest_id uuid not null,
  party_id uuid not null,
  sealed bytea not null,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, guest_id),
  foreign key (wedding_id, guest_id) references public.guests (wedding_id, id) on delete cascade
);
comment on table public.guest_needs is 'Scope dietary (health data): sealed JSON {answered, allergens, diets, access, note}';
create trigger bump before update on public.guest_needs for each row execute function app.bump();
call app.protect('public.guest_needs', 'wedding_id',
  $$((select app.mask()) & 32) <> 0 or party_id = (select app.party())$$, $$((select app.write_mask()) & 32) <> 0 or party_id = (select app.party())$$);

create table public.menu_options (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  course text not null default 'main' check (course in ('starter', 'main', 'dessert', 'child', 'other')),
  position integer not null default 0,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade
);
comment on table public.menu_options is 'Scope counts: what can be eaten at a schedule item';
create index menu_options_item on public.menu_options (wedding_id, schedule_item_id);
create trigger bump before update on public.menu_options for each row execute function app.bump();
call app.protect('public.menu_options', 'wedding_id',
  $$((select app.mask()) & 24) <> 0 or (select app.party()) is not null$$, $$((select app.write_mask()) & 16) <> 0$$);

create table public.rsvps (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  guest_id uuid not null,
  schedule_item_id uuid not null,
  party_id uuid not null,
  status text not null default 'needs_action' check (status in ('needs_action', 'accepted', 'declined', 'tentative')),
  menu_option_id uuid,
  responded_at timestamptz,
  responded_by text check (responded_by in ('guest', 'couple', 'helper', 'import')),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, guest_id, schedule_item_id),
  unique (wedding_id, id),
  foreign key (wedding_id, guest_id) references public.guests (wedding_id, id) on delete cascade,
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade,
  foreign key (wedding_id, menu_option_id) references public.menu_options (wedding_id, id) on delete set null (menu_option_id)
) with (fillfactor = 80);
comment on table public.rsvps is 'Scope guests: a row means the guest is invited to the item; status is the answer; history is in the events';
-- Without the status, so that an answer changes no index.
create index rsvps_item on public.rsvps (wedding_id, schedule_item_id);
create trigger bump before update on public.rsvps for each row execute function app.bump();
call app.protect('public.rsvps', 'wedding_id',
  $$((select app.mask()) & 16) <> 0 or party_id = (select app.party())$$, $$((select app.write_mask()) & 16) <> 0 or party_id = (select app.party())$$);

create table public.headcounts (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  invited integer not null default 0,
  accepted integer not null default 0,
  declined integer not null default 0,
  tentative integer not null default 0,
  pending integer not null default 0,
  children integer not null default 0,
  meals jsonb not null default '{}',
  dietary jsonb not null default '{}',
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, schedule_item_id),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade
) with (fillfactor = 50);
comment on table public.headcounts is 'Scope counts: derived per schedule item by app.record; dietary totals come from the sheet, cells below 3 say "<3"; no names';
create trigger bump before update on public.headcounts for each row execute function app.bump();
call app.protect('public.headcounts', 'wedding_id', $$((select app.mask()) & 8) <> 0$$, $$(select app.role()) = 'system'$$, false);
revoke insert on public.headcounts from wedsync_user;
drop policy insertable on public.headcounts;
grant insert, update on public.headcounts to wedsync_recorder;

create table public.headcount_locks (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  counts jsonb not null,
  sha256 text not null check (length(sha256) = 64),
  locked_at timestamptz not null default clock_timestamp(),
  locked_by uuid,
  released_at timestamptz,
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade
);
comment on table public.headcount_locks is 'Scope counts: final numbers, a snapshot for caterer and venue; afterwards only differences';
create unique index headcount_locks_one on public.headcount_locks (wedding_id, schedule_item_id) where released_at is null;
create trigger bump before update on public.headcount_locks for each row execute function app.bump();
call app.protect('public.headcount_locks', 'wedding_id', $$((select app.mask()) & 8) <> 0$$, $$((select app.write_mask()) & 16) <> 0$$, false);

create table public.dietary_sheets (
  id uuid not null default uuidv7(),
  wedding_id uuid not null,
  schedule_item_id uuid not null,
  number integer not null check (number > 0),
  sealed bytea not null,
  changes integer not null default 0,
  made_at timestamptz not null default clock_timestamp(),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  unique (wedding_id, schedule_item_id, number),
  foreign key (wedding_id, schedule_item_id) references public.schedule_items (wedding_id, id) on delete cascade
);
comment on table public.dietary_sheets is 'Scope dietary: a numbered sheet for the caterer (sealed JSON of rows, totals and what changed)';
create trigger bump before update on public.dietary_sheets for each row execute function app.bump();
call app.protect('public.dietary_sheets', 'wedding_id', $$((select app.mask()) & 32) <> 0$$, $$((select app.write_mask()) & 32) <> 0$$, false);

create table public.imports (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  source text not null default '' check (length(source) <= 60),
  filename text not null default '' check (length(filename) <= 255),
  status text not null default 'pending' check (status in ('pending', 'running', 'finished', 'failed', 'undone')),
  rows integer not null default 0,
  done integer not null default 0,
  created integer not null default 0,
  updated integer not null default 0,
  skipped integer not null default 0,
  rejected integer not null default 0,
  errors jsonb not null default '[]',
  plan bytea,
  undo bytea,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (wedding_id, id)
);
comment on table public.imports is 'Scope private: one uploaded guest list; plan and undo are sealed, errors name cells by row and column with values masked';
create unique index imports_id on public.imports (id);
create trigger bump before update on public.imports for each row execute function app.bump();
call app.protect('public.imports', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
reset role;

-- Guests may not read the locks, but their answers stop at one.
set role wedsync_recorder;
create function app.is_locked(p_wedding uuid, p_item uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.headcount_locks l where l.wedding_id = p_wedding and l.schedule_item_id = p_item and l.released_at is null);
$$;
grant execute on function app.is_locked(uuid, uuid) to wedsync_user;

-- Dietary totals are written by a reaction, not under the stream's lock; it takes that lock first, in the order app.record does,
-- because the two the other way round would wait for each other.
create function app.hold_stream() returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'only reactions hold a stream'; end if;
  perform from public.streams s where s.id = app.tenant() for update;
end $$;

-- A party that has answered is shown the way to the website, where there is one.
create function app.published_slug() returns text
language sql stable security definer set search_path = '' as $$
  select s.slug from public.sites s where s.wedding_id = app.tenant() and s.is_published;
$$;

-- Finding a lost invitation, from the website, by nobody in particular: the names of those whose party holds a link. They are compared
-- in the web process, which tells nobody any of them; contacts stay sealed.
create function app.party_names(p_slug text)
returns table (wedding_id uuid, couple_names text, party_id uuid, party_name text, pass_id uuid, guest_id uuid, display_name text, contact bytea)
language sql stable security definer set search_path = '' as $$
  select s.wedding_id, w.couple_names, y.id, y.name, x.id, g.id, g.display_name, c.sealed
  from public.sites s
  join public.weddings w on w.wedding_id = s.wedding_id
  join public.parties y on y.wedding_id = s.wedding_id
  join lateral (select p.id from public.passes p where p.wedding_id = y.wedding_id and p.party_id = y.id and p.purpose = 'rsvp' and p.revoked_at is null
    and p.expires_at > app.now() order by p.created_at desc, p.id desc limit 1) x on true
  join public.guests g on g.wedding_id = y.wedding_id and g.party_id = y.id
  left join public.guest_contacts c on c.wedding_id = g.wedding_id and c.guest_id = g.id
  where s.slug = p_slug and s.is_published
  order by y.id, g.position, g.id;
$$;

-- The link goes to the party's own address as a delivery with a sealed payload, like a sign-in link.
create function app.owe_party_link(p_slug text, p_party uuid, p_delivery uuid, p_sealed bytea, p_minutes integer) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_wedding uuid;
begin
  select s.wedding_id into v_wedding from public.sites s join public.parties y on y.wedding_id = s.wedding_id and y.id = p_party
    where s.slug = p_slug and s.is_published;
  if not found then return false; end if;
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, v_wedding, 'mail', '00000000-0000-7000-8000-000000000001', 'party_link.requested', 'guest', p_party, p_sealed, 1,
      v_at + make_interval(mins => p_minutes));
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'mail', 1, v_wedding, '00000000-0000-7000-8000-000000000001', v_at, v_at + make_interval(mins => p_minutes));
  return true;
end $$;
grant execute on function app.hold_stream(), app.published_slug(), app.party_names(text), app.owe_party_link(text, uuid, uuid, bytea, integer) to wedsync_user;
reset role;
