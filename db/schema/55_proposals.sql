-- Proposals: changes suggested to whoever owns the fields. Home: the wedding. A supplier sees its own, the couple all.
set role wedsync_owner;

create table public.proposals (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid,
  origin text not null check (origin in ('supplier', 'couple', 'hook')),
  source_id uuid not null,
  source_name text not null check (length(source_name) between 1 and 300),
  hook_id uuid,
  repeat_key text not null check (length(repeat_key) = 64),
  subject text not null check (subject in ('weddings', 'schedule_items', 'guests', 'rsvps', 'links')),
  subject_id uuid,
  title text not null check (length(title) between 1 and 700),
  seen jsonb not null default '{}' check (length(seen::text) <= 16384),
  wanted jsonb not null check (length(wanted::text) between 3 and 16384),
  why text not null default '' check (length(why) <= 1000),
  state text not null default 'open' check (state in ('open', 'stale', 'accepted', 'refused', 'withdrawn')),
  word text not null default '' check (length(word) <= 1000),
  decided_at timestamptz,
  decided_by uuid,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id)
);
comment on table public.proposals is 'A change suggested to whoever owns the fields: what its source saw (seen), what it wants instead (wanted), what came of it. subject_id null = a new row';
comment on column public.proposals.source_id is 'Who keeps suggesting: a link, a person, a connection, or the wedding for its own hook';
comment on column public.proposals.repeat_key is 'Digest of source, row and fields: what is suggested again takes the place of what still waits';
create unique index proposals_id on public.proposals (id);
create unique index proposals_waiting on public.proposals (wedding_id, repeat_key) where state in ('open', 'stale');
create index proposals_home on public.proposals (wedding_id, created_at desc, id);
create trigger bump before update on public.proposals for each row execute function app.bump();
-- A supplier sees its own as long as it sees what they are about: title and seen hold that. Subjects as in wedsync/proposals/subjects.py.
call app.protect('public.proposals', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or (link_id = (select app.link())
    and ((select app.mask()) & case subject when 'schedule_items' then 2 when 'guests' then 16 when 'rsvps' then 16 else 1 end) <> 0)$$,
  $$((select app.write_mask()) & 512) <> 0 or link_id = (select app.link())$$, false);
-- Whoever suggests may say it anew or take it back; what is decided is decided, and deciding is the couple's.
drop policy updatable on public.proposals;
create policy updatable on public.proposals for update to wedsync_user
  using (((select app.write_mask()) & 512) <> 0 or (link_id = (select app.link()) and state in ('open', 'stale')))
  with check (((select app.write_mask()) & 512) <> 0 or (link_id = (select app.link()) and state in ('open', 'withdrawn')));
reset role;
