-- Photo deliveries: what a supplier promised to hand over, how far it is, and where it can be seen. Home: the wedding.
set role wedsync_owner;

create table public.photo_deliveries (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  kind text not null check (kind in ('sneak_peek', 'preview', 'gallery', 'album', 'print', 'film', 'teaser')),
  title text not null default '' check (length(title) <= 120),
  stage text not null default 'not_started' check (stage in ('not_started', 'backed_up', 'culling', 'editing', 'quality_check', 'ready',
    'delivered', 'viewed', 'downloaded', 'archived')),
  standing text not null default 'on_track' check (standing in ('on_track', 'delayed', 'on_hold')),
  reason text not null default '' check (length(reason) <= 500),
  promised_on date,
  promised_at timestamptz,
  promises jsonb not null default '[]' check (jsonb_typeof(promises) = 'array' and jsonb_array_length(promises) <= 50),
  shot_count integer check (shot_count between 0 and 1000000),
  culled_count integer check (culled_count between 0 and 1000000),
  edited_count integer check (edited_count between 0 and 1000000),
  delivered_count integer check (delivered_count between 0 and 1000000),
  gallery_url text not null default '' check (gallery_url = '' or (gallery_url ~* '^https://' and length(gallery_url) <= 2048)),
  gallery_hint text not null default '' check (length(gallery_hint) <= 200),
  note text not null default '' check (length(note) <= 2000),
  delivered_at timestamptz,
  viewed_at timestamptz,
  warned_at timestamptz,
  overdue_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  check (standing = 'on_track' or reason <> ''),
  check ((promised_on is null) = (promised_at is null)),
  check ((stage in ('delivered', 'viewed', 'downloaded', 'archived')) = (delivered_at is not null))
);
comment on table public.photo_deliveries is 'Scope photos, of one link: a sneak peek, gallery, album or film, how far it is, and by when it was promised; the couple and that supplier see it';
comment on column public.photo_deliveries.standing is 'Beside the stage: delayed keeps the reason of the newest promise, on_hold why nothing is done just now';
comment on column public.photo_deliveries.promises is 'Every day it was promised for, oldest first: {promised_on, at, reason}; a later day has a reason';
comment on column public.photo_deliveries.promised_at is 'When the promise that holds was made; the window that the supplier is reminded in begins then, or with the wedding';
comment on column public.photo_deliveries.gallery_hint is 'How the couple gets in, in words; never a password';
comment on column public.photo_deliveries.warned_at is 'When the supplier was told that seven tenths of the window have passed; a new promise empties it';
create unique index photo_deliveries_id on public.photo_deliveries (id);
create index photo_deliveries_link on public.photo_deliveries (wedding_id, link_id);
create index photo_deliveries_open on public.photo_deliveries (promised_on)
  where overdue_at is null and delivered_at is null and promised_on is not null;
create trigger bump before update on public.photo_deliveries for each row execute function app.bump();
-- The couple only notes that they have seen it, which the action keeps to; what there is and how far is the supplier's.
call app.protect('public.photo_deliveries', 'wedding_id',
  $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$link_id = (select app.link())$$);
drop policy updatable on public.photo_deliveries;
create policy updatable on public.photo_deliveries for update to wedsync_user
  using (link_id = (select app.link()) or ((select app.write_mask()) & 512) <> 0)
  with check (link_id = (select app.link()) or ((select app.write_mask()) & 512) <> 0);
grant update on public.photo_deliveries to wedsync_recorder;
reset role;

set role wedsync_recorder;

-- When the supplier is reminded: seven tenths of the way from the promise, or from the wedding where that is later, to the end of the promised
-- day. What was promised for before the wedding (the engagement's pictures) has nothing to do with its date.
create function app.photo_alert_at(p_promised_at timestamptz, p_promised_on date, p_wedding_on date, p_zone text) returns timestamptz
language sql immutable set search_path = '' as $$
  select w.starts + (w.ends - w.starts) * 0.7 from (
    select greatest(p_promised_at, case when p_wedding_on <= p_promised_on then timezone(p_zone, p_wedding_on + time '00:00') end) as starts,
      timezone(p_zone, (p_promised_on + 1) + time '00:00') as ends) w;
$$;

-- What the clock has to say something about: promised, not handed over, and late or becoming so. A link that ended and a wedding that was
-- cancelled promise nothing any more.
create function app.late_photos(p_wedding uuid) returns table (wedding_id uuid, id uuid, is_overdue boolean)
language sql stable set search_path = '' as $$
  select d.wedding_id, d.id, timezone(w.time_zone, (d.promised_on + 1) + time '00:00') <= app.now()
  from public.photo_deliveries d
  join public.weddings w on w.wedding_id = d.wedding_id
  join public.links l on l.wedding_id = d.wedding_id and l.id = d.link_id
  where d.promised_on is not null and d.overdue_at is null and d.delivered_at is null and (p_wedding is null or d.wedding_id = p_wedding)
    and l.status = 'active' and w.date_status <> 'cancelled'
    and (timezone(w.time_zone, (d.promised_on + 1) + time '00:00') <= app.now()
      or (d.warned_at is null and d.stage <> 'ready' and app.photo_alert_at(d.promised_at, d.promised_on, w."on", w.time_zone) <= app.now()));
$$;

create function app.weddings_of_late_photos(p_limit integer default 500) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select distinct p.wedding_id from app.late_photos(null) p limit p_limit;
$$;

-- Each is told once of a promise: that it becomes late, and that it is. Returns the nudge, or null when there was nothing to say.
create function app.warn_of_photos(p_wedding uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_facts jsonb;
begin
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
  with due as (
    select d.id from public.photo_deliveries d
    where d.wedding_id = p_wedding and d.id in (select p.id from app.late_photos(p_wedding) p)
    order by d.id for update skip locked),
  told as (
    update public.photo_deliveries d
    set warned_at = coalesce(d.warned_at, app.now()), overdue_at = case when p.is_overdue then app.now() end
    from due u join app.late_photos(p_wedding) p on p.id = u.id
    where d.wedding_id = p_wedding and d.id = u.id and d.overdue_at is null and d.delivered_at is null
    returning new.id, new.link_id, case when new.overdue_at is null then 'photos.at_risk' else 'photos.overdue' end as type,
      to_jsonb(new) as record, to_jsonb(old) as old_record)
  select jsonb_agg(jsonb_build_object('type', t.type, 'scope', 128, 'link', t.link_id, 'table', 'photo_deliveries', 'id', t.id, 'op', 'UPDATE',
    'record', t.record, 'old', t.old_record)) into v_facts from told t;
  return case when v_facts is not null then app.record(v_facts) end;
end $$;
grant execute on function app.weddings_of_late_photos(integer), app.warn_of_photos(uuid) to wedsync_service;
reset role;
