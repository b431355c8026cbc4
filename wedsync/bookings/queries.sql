-- name: home
-- Who acts in the entered supplier, and what it books by.
select s.name, s.time_zone, app.role() as role, app.actor() as actor, app.now() as now,
  coalesce((select b.hold_hours from booking_settings b where b.supplier_id = s.supplier_id), $1::int) as hold_hours
from suppliers s
where s.supplier_id = app.tenant()

-- name: resources
-- All, or one; those in use first.
select r.id, r.supplier_id, r.name, r.is_default, r.is_active, r.position, r.version, r.created_at, r.updated_at
from resources r
where r.supplier_id = app.tenant() and ($1::uuid is null or r.id = $1)
order by not r.is_active, not r.is_default, r.position, r.created_at, r.id

-- name: resource_current
select to_jsonb(r) as record from resources r where r.supplier_id = app.tenant() and r.id = $1

-- name: default_resource
select r.id from resources r where r.supplier_id = app.tenant() and r.is_default

-- name: add_default_resource
insert into resources (supplier_id, name, is_default) values (app.tenant(), $1, true)
on conflict (supplier_id) where is_default do nothing
returning new.id, to_jsonb(new) as record

-- name: add_resource
insert into resources (supplier_id, name, position)
select app.tenant(), $1, coalesce(max(r.position), 0) + 1 from resources r where r.supplier_id = app.tenant()
returning new.id, to_jsonb(new) as record

-- name: change_resource
update resources r set name = $2, is_active = $3
where r.supplier_id = app.tenant() and r.id = $1 and ($4::int is null or r.version = $4)
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: settings
select b.id, b.supplier_id, b.is_public, b.link_number, b.has_link, b.hold_hours, b.version, b.updated_at
from booking_settings b
where b.supplier_id = app.tenant()

-- name: settings_current
select to_jsonb(b) as record from booking_settings b where b.supplier_id = app.tenant()

-- name: put_settings
insert into booking_settings as b (supplier_id, is_public, hold_hours, has_link, link_number)
values (app.tenant(), coalesce($1, false), coalesce($2, 72), coalesce($3, false), coalesce($4, 0))
on conflict (supplier_id) do update
  set is_public = coalesce($1, b.is_public), hold_hours = coalesce($2, b.hold_hours), has_link = coalesce($3, b.has_link),
    link_number = coalesce($4, b.link_number)
  where $5::int is null or b.version = $5
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: wedding_of_link
select app.wedding_of_link($1)

-- name: free_gaps
-- Where each resource in use has nothing, between two instants; without the booking that is to be moved.
select r.id as resource_id, r.name as resource, lower(g.gap) as starts_at, upper(g.gap) as ends_at
from resources r
cross join lateral unnest(tstzmultirange(tstzrange($1, $2)) - coalesce((
  select range_agg(k.during) from (
    select b.blocked as during from bookings b
    where b.supplier_id = app.tenant() and b.resource_id = r.id and b.state <> 'cancelled' and b.blocked && tstzrange($1, $2)
      and b.id is distinct from $3::uuid and not (b.state = 'hold' and b.expires_at <= app.now())
    union all
    select t.during from busy_times t where t.supplier_id = app.tenant() and t.resource_id = r.id and t.during && tstzrange($1, $2)) k), '{}')) as g(gap)
where r.supplier_id = app.tenant() and r.is_active
order by r.is_default desc, r.position, g.gap

-- name: reclaim
-- Holds in the way whose time is over, before the clock has come by.
update bookings b set state = 'cancelled', reason = 'expired', expires_at = null
where b.supplier_id = app.tenant() and b.resource_id = $1 and b.state = 'hold' and b.expires_at <= app.now() and b.blocked && tstzrange($2, $3)
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: add
-- No row where the time is taken: the exclusion constraint decides, also between two that come at once.
insert into bookings (supplier_id, resource_id, category, state, expires_at, wedding_id, link_id, "on", at_local, zone, minutes, days,
  before_minutes, after_minutes, created_by)
values (app.tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, app.actor())
on conflict do nothing
returning new.id, to_jsonb(new) as record

-- name: put_details
insert into booking_details as d (supplier_id, booking_id, is_private, link_id, created_by, sealed)
values (app.tenant(), $1, $2, $3, $4, $5)
on conflict (supplier_id, booking_id) do update set is_private = excluded.is_private, link_id = excluded.link_id, sealed = excluded.sealed

-- name: details
select d.sealed from booking_details d where d.supplier_id = app.tenant() and d.booking_id = $1

-- name: for_change
select b.id, b.resource_id, b.category, b.state, b.expires_at, b.wedding_id, b.link_id, b."on", b.at_local, b.zone, b.minutes, b.days,
  b.before_minutes, b.after_minutes, b.created_by, b.version
from bookings b
where b.supplier_id = app.tenant() and b.id = $1
for update

-- name: current
select to_jsonb(b) as record from bookings b where b.supplier_id = app.tenant() and b.id = $1

-- name: lock_resource
-- Two bookings that are moved onto each other would each wait for the other to end.
select pg_advisory_xact_lock(hashtextextended('resource:' || $1::text, 0))

-- name: is_taken
select exists (select from bookings b where b.supplier_id = app.tenant() and b.resource_id = $1 and b.state <> 'cancelled' and b.id <> $2
  and b.blocked && tstzrange($3, $4))

-- name: change
update bookings b
set resource_id = $2, category = $3, expires_at = $4, wedding_id = $5, link_id = $6, "on" = $7, at_local = $8, zone = $9, minutes = $10,
  days = $11, before_minutes = $12, after_minutes = $13
where b.supplier_id = app.tenant() and b.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: set_state
update bookings b set state = $2, reason = $3, expires_at = null
where b.supplier_id = app.tenant() and b.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: bookings
-- Of a stretch of time, in order of their starts; words only where the reader may have them.
select b.id, b.supplier_id, b.resource_id, b.category, b.state, b.reason, b.expires_at, b.wedding_id, b.link_id, b."on", b.at_local, b.zone,
  b.minutes, b.days, b.before_minutes, b.after_minutes, b.starts_at, b.ends_at, b.created_by, b.version, b.created_at, b.updated_at,
  r.name as resource, d.sealed, d.booking_id is not null as is_open, i.couple_names,
  array(select c.kind from booking_conflicts c where c.supplier_id = b.supplier_id and c.booking_id = b.id and c.state = 'open') as conflicts
from bookings b
join resources r on r.supplier_id = b.supplier_id and r.id = b.resource_id
left join booking_details d on d.supplier_id = b.supplier_id and d.booking_id = b.id
left join supplier_index i on i.supplier_id = b.supplier_id and i.id = b.link_id
where b.supplier_id = app.tenant() and b.blocked && tstzrange($1, $2) and ($3 or b.state <> 'cancelled')
  and ($4::timestamptz is null or (b.starts_at, b.id) > ($4, $5::uuid))
order by b.starts_at, b.id
limit $6

-- name: booking
select b.id, b.supplier_id, b.resource_id, b.category, b.state, b.reason, b.expires_at, b.wedding_id, b.link_id, b."on", b.at_local, b.zone,
  b.minutes, b.days, b.before_minutes, b.after_minutes, b.starts_at, b.ends_at, b.created_by, b.version, b.created_at, b.updated_at,
  r.name as resource, d.sealed, d.booking_id is not null as is_open, i.couple_names,
  array(select c.kind from booking_conflicts c where c.supplier_id = b.supplier_id and c.booking_id = b.id and c.state = 'open') as conflicts
from bookings b
join resources r on r.supplier_id = b.supplier_id and r.id = b.resource_id
left join booking_details d on d.supplier_id = b.supplier_id and d.booking_id = b.id
left join supplier_index i on i.supplier_id = b.supplier_id and i.id = b.link_id
where b.supplier_id = app.tenant() and b.id = $1

-- name: conflicts
-- Newest first; over those that are past nobody worries.
select c.id, c.supplier_id, c.kind, c.booking_id, c.link_id, c.other_table, c.other_id, c.during, lower(c.during) as starts_at,
  upper(c.during) as ends_at, c.state, c.since, c.resolved_at, c.ignored_by, c.ignored_at, c.version, c.updated_at
from booking_conflicts c
where c.supplier_id = app.tenant() and ($1 = '' or c.state = $1) and ($2 or upper(c.during) > app.now()) and ($3::uuid is null or c.id = $3)
  and ($4::timestamptz is null or (c.since, c.id) < ($4, $5::uuid))
order by c.since desc, c.id desc
limit $6

-- name: conflict_current
select to_jsonb(c) as record from booking_conflicts c where c.supplier_id = app.tenant() and c.id = $1

-- name: lock_conflicts
-- The check takes it too, before it holds any row.
select pg_advisory_xact_lock(hashtextextended('conflicts:' || app.tenant(), 0))

-- name: set_ignored
update booking_conflicts c
set state = case when $2 then 'ignored' else 'open' end, ignored_by = case when $2 then app.actor() end,
  ignored_at = case when $2 then app.now() end
where c.supplier_id = app.tenant() and c.id = $1 and c.state <> 'resolved'
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: availability
select a."on", a.state from app.availability($1, $2) a

-- name: linked_days
select a."on", a.state from app.linked_days($1, $2, $3) a

-- name: public_days
select a."on", a.is_free from app.public_days($1, $2, $3, $4) a

-- name: public_supplier
select app.public_supplier($1, $2)

-- name: link_bookings
select k.id, k.wedding_id, k.link_id, k.state, k."on", k.at_local, k.zone, k.minutes, k.days, k.starts_at, k.ends_at, k.expires_at, k.version,
  k.updated_at
from link_bookings k
where k.wedding_id = $1
order by k.starts_at, k.id

-- name: sources
select s.id, s.supplier_id, s.source, s.name, s.resource_id, s.times, s.changed::text as changed, s.refreshed_at, s.version, s.updated_at
from busy_sources s
where s.supplier_id = app.tenant() and ($1::text is null or s.source = $1)
order by s.name, s.source

-- name: put_source
-- The source, locked: who tells of a calendar twice at once is heard one after the other.
insert into busy_sources as s (supplier_id, source, name, resource_id, refreshed_at)
values (app.tenant(), $1, coalesce($2, ''), $3, app.now())
on conflict (supplier_id, source) do update set refreshed_at = app.now(), name = coalesce($2, s.name), resource_id = coalesce($3, s.resource_id)
returning new.id, new.resource_id, to_jsonb(old) as old_record,
  (old.name, old.resource_id) is distinct from (new.name, new.resource_id) as is_renamed

-- name: put_busy
-- What is busy now ($3...$6); of the rest all goes ($7), or what is named ($8). Returns what changed.
with given as (
  select g.external_id, tstzrange(g.starts_at, g.ends_at) as during, g.is_private
  from unnest($3::text[], $4::timestamptz[], $5::timestamptz[], $6::boolean[]) as g(external_id, starts_at, ends_at, is_private)),
put as (
  insert into busy_times as t (supplier_id, source_id, external_id, resource_id, during, is_private)
  select app.tenant(), $1, g.external_id, $2, g.during, g.is_private from given g
  on conflict (supplier_id, source_id, external_id) do update
    set during = excluded.during, resource_id = excluded.resource_id, is_private = excluded.is_private
    where (t.during, t.resource_id, t.is_private) is distinct from (excluded.during, excluded.resource_id, excluded.is_private)
  returning new.during as after, old.during as before),
gone as (
  delete from busy_times t
  where t.supplier_id = app.tenant() and t.source_id = $1
    and case when $7 then t.external_id <> all ($3::text[]) else t.external_id = any ($8::text[]) end
  returning old.during as before)
select coalesce(range_agg(x.during), '{}')::text as changed
from (select p.after as during from put p union all select p.before from put p where p.before is not null
  union all select g.before from gone g) x

-- name: note_change
update busy_sources s
set changed = $2::text::tstzmultirange, times = (select count(*) from busy_times t where t.supplier_id = app.tenant() and t.source_id = $1)
where s.supplier_id = app.tenant() and s.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: end_source
delete from busy_sources s where s.supplier_id = app.tenant() and s.source = $1
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: busy
-- Of a stretch of time, with the calendar it comes from.
select t.id, t.resource_id, lower(t.during) as starts_at, upper(t.during) as ends_at, s.source, s.name, exists (
    select from booking_conflicts k where k.supplier_id = t.supplier_id and k.kind = 'busy' and k.other_id = t.id and k.state = 'open'
      and k.during && t.during) as has_conflict
from busy_times t join busy_sources s on s.supplier_id = t.supplier_id and s.id = t.source_id
where t.supplier_id = app.tenant() and t.during && tstzrange($1, $2)
order by lower(t.during), t.id
limit 1000

-- name: sweep_checks
select s.done, s.nudge from app.sweep_checks(12) s

-- name: check_bookings
select app.check_bookings(array(select r.stretch from unnest($1::text::tstzmultirange) as r(stretch)), $2)

-- name: tell_weddings
select app.tell_weddings($1, $2)

-- name: follow_wedding
select app.follow_wedding($1)

-- name: follow_supplier
select app.follow_supplier($1) as nudge, app.is_told($1) as is_told

-- name: tell_wedding
select app.tell_wedding($1)

-- name: suppliers_due
select d.supplier_id from app.suppliers_due() as d (supplier_id)

-- name: end_bookings
select app.end_bookings($1)

-- name: weddings
-- What a booking can be for, soonest first.
select i.id, i.couple_names, i."on" from supplier_index i
where i.supplier_id = app.tenant() and i.status = 'active' and (i."on" is null or i."on" >= app.now()::date - 30)
order by i."on" nulls last, i.id
