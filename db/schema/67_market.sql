-- The public door of a business: its page and what couples ask there (home: the supplier). Anybody reads a published page and asks by it;
-- what was asked is the business's alone, as its clients are.
set role wedsync_owner;

create table public.listings (
  supplier_id uuid primary key references public.suppliers on delete cascade,
  id uuid generated always as (supplier_id) stored,
  slug text not null constraint listings_slug unique check (slug ~ '^[a-z0-9](?:[a-z0-9-]{1,60}[a-z0-9])$'),
  is_published boolean not null default false,
  takes_enquiries boolean not null default true,
  tagline text not null default '' check (length(tagline) <= 160),
  place text not null default '' check (length(place) <= 200),
  about text not null default '' check (length(about) <= 4000),
  portfolio jsonb not null default '[]' check (jsonb_typeof(portfolio) = 'array' and jsonb_array_length(portfolio) <= 12),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.listings is 'The public page of a business, off until it is published; its name and category are the business''s';
comment on column public.listings.portfolio is 'Links to its work: [{"title", "url"}]';
create trigger bump before update on public.listings for each row execute function app.bump();
call app.protect('public.listings', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin')$$, false);

create table public.enquiries (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  form_key uuid not null,
  source text not null default 'marketplace' check (source ~ '^[a-z_]{2,40}$'),
  state text not null default 'received' check (state in ('received', 'answered', 'declined')),
  wedding_on date,
  client_id uuid,
  attributed_until timestamptz,
  sends_copy boolean not null default true,
  sealed bytea not null,
  received_at timestamptz not null default app.now(),
  settled_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (supplier_id, form_key),
  foreign key (supplier_id, client_id) references public.clients (supplier_id, id) on delete set null (client_id),
  check ((state = 'received') = (settled_at is null))
);
comment on table public.enquiries is 'What a couple asked on a business''s page; who they are, what they wrote and what they were answered is sealed JSON';
comment on column public.enquiries.form_key is 'Of the form that was sent: sent twice, it is one enquiry';
comment on column public.enquiries.attributed_until is 'Until then what they book began here; null = the business knew them before they asked';
comment on column public.enquiries.sends_copy is 'Whether the address they gave is told that it was passed on; nobody is mailed often by strangers who type it';
create index enquiries_by_time on public.enquiries (supplier_id, received_at desc, id desc);
create index enquiries_waiting on public.enquiries (supplier_id) where state = 'received';
create index enquiries_client on public.enquiries (supplier_id, client_id) where client_id is not null;
create trigger bump before update on public.enquiries for each row execute function app.bump();
call app.protect('public.enquiries', 'supplier_id', $$(select app.role()) in ('owner', 'admin', 'member', 'system')$$,
  $$(select app.role()) in ('owner', 'admin', 'system')$$, false);
-- An enquiry comes in by app.enquire alone.
revoke insert on public.enquiries from wedsync_user;
drop policy insertable on public.enquiries;
grant insert on public.enquiries to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- The public page by slug: nothing but what the business published.
create function app.listing(p_slug text)
returns table (supplier_id uuid, name text, category text, website text, slug text, takes_enquiries boolean, tagline text, place text, about text,
  portfolio jsonb)
language sql stable security definer set search_path = '' as $$
  select l.supplier_id, s.name, s.category, s.website, l.slug, l.takes_enquiries, l.tagline, l.place, l.about, l.portfolio
  from public.listings l join public.suppliers s on s.supplier_id = l.supplier_id
  where l.slug = p_slug and l.is_published;
$$;

-- The first of these addresses that no other business has; null where all are taken. It may be taken a moment later: the unique key decides.
create function app.free_slug(p_wanted text[]) returns text
language sql stable security definer set search_path = '' as $$
  select w.slug from unnest(p_wanted) with ordinality as w(slug, n)
  where not exists (select from public.listings l where l.slug = w.slug and l.supplier_id is distinct from app.tenant())
  order by w.n limit 1;
$$;

-- Somebody whom nobody knows asks by a published page: enters the business as just that, and may do nothing there but this. No row where the
-- same form came before.
create function app.enquire(p_slug text, p_id uuid, p_form_key uuid, p_on date, p_sends_copy boolean, p_sealed bytea)
returns table (id uuid, record jsonb)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_supplier uuid;
begin
  select l.supplier_id into v_supplier from public.listings l where l.slug = p_slug and l.is_published and l.takes_enquiries;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(null, 'anonymous', v_supplier, 'enquirer', 0, 0);
  return query insert into public.enquiries as q (id, supplier_id, form_key, wedding_on, sends_copy, sealed)
    values (p_id, v_supplier, p_form_key, p_on, p_sends_copy, p_sealed)
    on conflict (supplier_id, form_key) do nothing
    returning q.id, to_jsonb(q) - 'form_key';
end $$;

-- THE rule of what we may take a share of: the engagement began with an enquiry on the business's page, and the link was made while that enquiry
-- counts (180 days). A client whom the business had before, or brought in, has no such enquiry and is free for ever.
create function app.attribution_of_link(p_supplier uuid, p_link uuid)
returns table (enquiry_id uuid, source text, began_at timestamptz, ends_at timestamptz)
language sql stable set search_path = '' as $$
  select q.id, q.source, q.received_at, q.attributed_until
  from public.clients c
  join public.links l on l.wedding_id = c.wedding_id and l.id = c.link_id
  join public.enquiries q on q.supplier_id = c.supplier_id and q.client_id = c.id
  where c.supplier_id = p_supplier and c.link_id = p_link and l.created_at >= q.received_at and l.created_at < q.attributed_until
    and not exists (select from public.clients o where o.supplier_id = p_supplier and o.link_id = p_link and o.created_at < c.created_at)
  order by q.received_at limit 1;
$$;
grant execute on function app.listing(text), app.free_slug(text[]), app.enquire(text, uuid, uuid, date, boolean, bytea) to wedsync_user;
reset role;
