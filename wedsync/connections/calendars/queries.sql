-- name: begin
-- The calendar of a job, how far it is, and its account, for `remote.open`. Locked: whoever pokes it from here on finds its job running, and owes another.
select c.id, c.tenant_id, c.connection_id, n.connector, n.title, c.sealed, c.zone, c.direction, c.policy, c.has_bookings, c.has_schedule, c.resource_id,
  s.kind as home, g.cursor_sealed, g.cursor_for, g.generation, g.is_listing, g.unread, g.listed_at, g.expanded_until, g.pulls_wanted, g.pulls_done,
  g.is_unmarked, g.may_sweep, g.watch_sealed, g.watch_until, g.watch_again_at, g.failures, g.not_before, g.outcome,
  exists (select from app.safe_mode(n.id)) as is_safe,
  exists (select from busy_sources b where b.supplier_id = c.tenant_id and b.source = 'calendar:' || c.id) as has_source,
  a.settings, a.state, a.state_reason, a.hooks_sealed, a.credentials_sealed, a.expires_at, a.refreshed_at
from calendar_progress g
join calendars c on c.id = g.calendar_id
join connections n on n.id = c.connection_id
join streams s on s.id = c.tenant_id
left join lateral app.account(n.id, n.tenant_id) a on true
where g.calendar_id = $1 and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null
for update of g

-- name: begin_together
-- The same of many jobs by their leases, with each its job; what cannot be had at once is left out.
select b.job, b.id, b.tenant_id, b.connection_id, b.connector, b.title, b.sealed, b.zone, b.direction, b.policy, b.has_bookings, b.has_schedule,
  b.resource_id, b.home, b.cursor_sealed, b.cursor_for, b.generation, b.is_listing, b.unread, b.listed_at, b.expanded_until, b.pulls_wanted,
  b.pulls_done, b.is_unmarked, b.may_sweep, b.watch_sealed, b.watch_until, b.watch_again_at, b.failures, b.not_before, b.outcome, b.is_safe,
  b.has_source, b.settings, b.state, b.state_reason, b.hooks_sealed, b.credentials_sealed, b.expires_at, b.refreshed_at
from app.begin_syncs($1, $2) b

-- name: end_together
-- Runs end with their jobs; one that is not told of has to end by itself.
select e.job, e.is_waited from app.end_syncs($1) e

-- name: mark_known
-- All of ours that this calendar has heard of is looked at again.
update calendar_events e set is_dirty = true, marks = e.marks + 1 where e.calendar_id = $1 and e.kind <> 'theirs'

-- name: mark_ours
-- What is to come and not there yet: bookings of $2 (null: of all resources) where $3, items where $4.
insert into calendar_events (tenant_id, calendar_id, kind, ours_id, wedding_id)
select app.tenant(), $1, x.kind, x.id, x.wedding_id
from (
  select 'booking' as kind, b.id, null::uuid as wedding_id from bookings b
  where $3::boolean and b.supplier_id = app.tenant() and b.state in ('hold', 'booked') and b.ends_at > app.now()
    and ($2::uuid is null or b.resource_id = $2)
  union all
  select 'item', i.id, i.wedding_id from schedule_items i
  where $4::boolean and i.wedding_id = app.tenant() and i.starts_at > app.now() - interval '1 day'
  union all
  select 'item', l.id, l.wedding_id from app.linked_items(null) l
  where $4::boolean and timezone(l.zone, l."on" + l.at_local) > app.now() - interval '1 day') x
on conflict (calendar_id, kind, ours_id) where ours_id is not null do nothing

-- name: marked
update calendar_progress g set is_unmarked = false where g.calendar_id = $1

-- name: dirty
-- What has to be looked at, the oldest change first; of a booking what stands of it, category null where it is not there.
select e.id, e.kind, e.ours_id, e.wedding_id, e.state, e.etag, e.sealed, e.creation, e.marks, e.verdict, e.proposal_id,
  exists (select from calendar_conflicts k where k.calendar_id = e.calendar_id and k.event_id = e.id and k.state = 'open') as is_disputed,
  b.category, b.state as booked, b.resource_id, b.starts_at, b.ends_at, b."on", b.zone, b.days, b.updated_at, d.sealed as words, i.couple_names
from calendar_events e
left join bookings b on e.kind = 'booking' and b.supplier_id = app.tenant() and b.id = e.ours_id
left join booking_details d on d.supplier_id = b.supplier_id and d.booking_id = b.id
left join supplier_index i on i.supplier_id = b.supplier_id and i.id = b.link_id and i.status = 'active'
where e.calendar_id = $1 and e.is_dirty and e.kind <> 'theirs' and e.id <> all ($2::uuid[])
order by e.changed_at, e.id
limit $3

-- name: linked_items
select l.id, l.wedding_id, l.link_id, l.couple_names, l.title, l."on", l.at_local, l.zone, l.minutes, l.place, l.updated_at
from app.linked_items($1) l

-- name: own_items
select i.id, i.wedding_id, null::uuid as link_id, '' as couple_names, i.title, i."on", i.at_local, i.zone, i.minutes, i.place, i.updated_at
from schedule_items i
where i.wedding_id = app.tenant() and i.id = any ($1)

-- name: put_state
-- What became of one event of ours. Clean only where nobody has marked it since it was read. $13: just now it was there, as if it had been listed.
update calendar_events e
set state = $2, remote_key = $3, etag = $4, sealed = $5, creation = $6, is_dirty = $7 or e.marks <> $8, verdict = $9, proposal_id = $10,
  first_at = $11, last_at = $12, generation = coalesce($13, e.generation), changed_at = app.now()
where e.id = $1

-- name: known
-- Rows of these remote ids, and those that these markers name, of this calendar or another one of ours.
select e.id, e.calendar_id, e.kind, e.state, e.remote_key, e.etag, e.series_key, e.original, e.sealed, e.creation, e.marks, e.verdict, e.proposal_id,
  e.generation
from calendar_events e
where (e.calendar_id = $1 and e.remote_key = any ($2)) or e.id = any ($3)

-- name: seen
update calendar_events e set generation = $2 where e.id = any ($1)

-- name: put_theirs
-- Busy time of theirs, without a word. $2 remote keys, $3 etags, $4 series, $5 original starts, $6 events, $7 and $8 when; $9 the generation.
insert into calendar_events as e (tenant_id, calendar_id, kind, state, remote_key, etag, series_key, original, event, first_at, last_at, generation,
  is_dirty)
select app.tenant(), $1, 'theirs', 'there', g.remote_key, g.etag, g.series_key, g.original, g.event::jsonb, g.first_at, g.last_at, $9, false
from unnest($2::bytea[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
  as g(remote_key, etag, series_key, original, event, first_at, last_at)
on conflict (calendar_id, remote_key) where remote_key is not null do update
  set etag = excluded.etag, series_key = excluded.series_key, original = excluded.original, event = excluded.event, first_at = excluded.first_at,
    last_at = excluded.last_at, generation = excluded.generation, changed_at = app.now()
  where e.kind = 'theirs'

-- name: exceptions_but
-- What we know of the exceptions of these series, but for these.
select e.remote_key
from calendar_events e
where e.calendar_id = $1 and e.kind = 'theirs' and e.series_key = any ($2) and e.remote_key <> all ($3)

-- name: drop_theirs
-- These, and the exceptions of these series.
delete from calendar_events e
where e.calendar_id = $1 and e.kind = 'theirs' and (e.remote_key = any ($2) or e.series_key = any ($2))
returning e.id, e.series_key

-- name: touched
-- The events of these keys as they are now, each with the starts that its exceptions have taken; one that is null was left out of its series, and
-- may have been busy before.
select e.id, e.event, array(select x.original from calendar_events x where x.calendar_id = e.calendar_id and x.series_key = e.remote_key) as without
from calendar_events e
where e.calendar_id = $1 and e.kind = 'theirs' and case when $2::bytea[] is null then e.event is not null else e.remote_key = any ($2) end

-- name: busy_of
-- What was told of these events as busy.
select t.external_id
from busy_times t
join busy_sources s on s.supplier_id = t.supplier_id and s.id = t.source_id
where t.supplier_id = app.tenant() and s.source = $1 and split_part(t.external_id, '.', 1) = any ($2::text[])

-- name: expanded
update calendar_progress g set expanded_until = $2 where g.calendar_id = $1

-- name: vanished
-- What a full listing of this generation has not named, within its window.
select e.id, e.kind, e.remote_key, e.sealed, e.marks
from calendar_events e
where e.calendar_id = $1 and e.state = 'there' and e.remote_key is not null and e.generation < $2
  and e.first_at < $4 and (e.last_at is null or e.last_at > $3) and (e.kind <> 'theirs' or e.event is not null)

-- name: in_window
select count(*) from calendar_events e
where e.calendar_id = $1 and e.state = 'there' and e.first_at < $3 and (e.last_at is null or e.last_at > $2)

-- name: adopt_vanished
update calendar_events e set generation = g.generation from calendar_progress g where g.calendar_id = $1 and e.calendar_id = $1

-- name: mark_vanished
update calendar_events e set sealed = $2, etag = '', is_dirty = true, marks = e.marks + 1, changed_at = app.now() where e.id = $1

-- name: put_ours_seen
-- What is there of one of ours, as a page tells it.
update calendar_events e
set state = $2, remote_key = $3, etag = $4, sealed = $5, is_dirty = e.is_dirty or $6, marks = e.marks + $6::boolean::integer, first_at = $7, last_at = $8,
  generation = $9, changed_at = app.now()
where e.id = $1

-- name: save_page
-- $6: it was the last one, and what was wanted up to $7 is done; $8: all of it was listed. Whether something of ours is to be looked at now.
update calendar_progress g
set cursor_sealed = $2, cursor_for = $3, generation = $4, is_listing = $5, pulls_done = case when $6 then $7 else g.pulls_done end,
  pulled_at = case when $6 then app.now() else g.pulled_at end, listed_at = case when $8 then app.now() else g.listed_at end,
  may_sweep = g.may_sweep and not $8, unread = $9
where g.calendar_id = $1
returning exists (select from calendar_events e where e.calendar_id = $1 and e.is_dirty)

-- name: watched_of
-- The calendars of a connection whose provider still tells of them.
select c.id, c.tenant_id, c.sealed, g.watch_sealed
from calendars c join calendar_progress g on g.calendar_id = c.id
where c.connection_id = $1 and g.watch_sealed is not null and g.watch_until > $2
order by c.id

-- name: forget_watches
-- Nobody may end them any more; who connects the account again asks for new ones.
update calendar_progress g set watch_sealed = null, watch_until = null, watch_again_at = null
where g.calendar_id in (select c.id from calendars c where c.connection_id = $1)

-- name: put_watch
update calendar_progress g set watch_sealed = $2, watch_until = $3, watch_again_at = $4 where g.calendar_id = $1

-- name: renew_watches
-- The provider has said that they end: the next run renews them.
update calendar_progress g set watch_again_at = null
where g.watch_sealed is not null and g.calendar_id in (select c.id from calendars c where c.connection_id = $1)

-- name: end_run
-- $4 how long nothing is asked at all, in seconds; $5 when it is asked again by itself, which the plan may put off. A watch that is due already waits
-- for a run that goes well: it is no reason to ask again at once. $6: it began in safe mode. $7: the run is told, as begun at $8 with its numbers. Its job
-- $14 ends with lease $15, and what went well of its account is heard, unless $16 is null.
with told as (
  insert into sync_runs (tenant_id, calendar_id, began_at, outcome, reason, pulled, taken, written, conflicts, unread)
  select app.tenant(), $1, $8, $2, $3, $9, $10, $11, $12, $13 where $7),
ended as (
  update calendar_progress g
  set outcome = $2, reason = $3, not_before = app.now() + make_interval(secs => $4::double precision),
    next_poll_at = least(case when $6 then app.next_poll((select c.connection_id from calendars c where c.id = $1),
        greatest(make_interval(secs => $5::double precision), app.sync_every()))
      else app.now() + greatest(make_interval(secs => $5::double precision), app.sync_every()) end, case when g.watch_again_at > app.now() then g.watch_again_at end),
    failures = case when $2 in ('done', 'held') then 0 else g.failures + 1 end,
    synced_at = case when $2 in ('done', 'held') then app.now() else g.synced_at end
  where g.calendar_id = $1
  returning g.calendar_id)
select h.state, h.failures, h.ok, h.failed, h.is_live, app.finish_job($14, $15) as is_waited
from (select count(*) from ended) e
-- Asked for nobody it would refuse: the condition must stay before it.
left join lateral (select x.state, x.failures, x.ok, x.failed, x.is_live from app.hear_account($16, $17, $18, $19, $20, $21, $22) x
  where $16::uuid is not null offset 0) h on true

-- name: poke
select app.poke_calendars($1::uuid[], $2, $3)

-- name: open_conflict
select k.id, k.kind, k.about, k.sealed
from calendar_conflicts k
where k.calendar_id = $1 and k.event_id is not distinct from $2 and k.state = 'open'

-- name: add_conflict
insert into calendar_conflicts (id, tenant_id, calendar_id, event_id, kind, about, sealed, since)
values ($1, app.tenant(), $2, $3, $4, $5, $6, app.now())
returning new.id, to_jsonb(new) - 'sealed' as record

-- name: change_conflict
update calendar_conflicts k set kind = $2, about = $3, sealed = $4
where k.id = $1
returning new.id, to_jsonb(new) - 'sealed' as record, to_jsonb(old) - 'sealed' as old_record

-- name: resolve_conflict
update calendar_conflicts k set state = 'resolved', kept = $2, resolved_at = app.now(), resolved_by = app.actor()
where k.id = $1 and k.state = 'open'
returning new.id, to_jsonb(new) - 'sealed' as record, to_jsonb(old) - 'sealed' as old_record

-- name: connector_of
select c.connector from connections c where c.id = $1 and c.state in ('connecting', 'active', 'degraded') and c.deleted_at is null

-- name: of_connection
select c.id, c.sealed, c.zone, c.is_writable, c.is_primary, c.is_there from calendars c where c.connection_id = $1 for update

-- name: add_calendar
insert into calendars (id, tenant_id, connection_id, remote_key, sealed, zone, is_writable, is_primary)
values ($1, app.tenant(), $2, $3, $4, $5, $6, $7)
returning new.id, to_jsonb(new) - '{sealed,remote_key}'::text[] as record

-- name: add_progress
insert into calendar_progress (calendar_id, tenant_id, next_poll_at) values ($1, app.tenant(), 'infinity')

-- name: refresh_calendar
update calendars c
set sealed = $2, zone = $3, is_writable = $4, is_primary = $5, is_there = true,
  direction = case when $4 or c.direction in ('off', 'import') then c.direction when c.direction = 'both' then 'import' else 'off' end
where c.id = $1
returning new.id, to_jsonb(new) - '{sealed,remote_key}'::text[] as record, to_jsonb(old) - '{sealed,remote_key}'::text[] as old_record

-- name: calendar_is_gone
update calendars c set is_there = false
where c.id = $1
returning new.id, to_jsonb(new) - '{sealed,remote_key}'::text[] as record, to_jsonb(old) - '{sealed,remote_key}'::text[] as old_record

-- name: calendars
-- Of a tenant, or one, or those of one connection; with how far each is.
select c.id, c.tenant_id, c.connection_id, n.connector, n.title as connection, n.state as connection_state, c.sealed, c.zone, c.is_writable,
  c.is_primary, c.is_there, c.direction, c.policy, c.has_bookings, c.has_schedule, c.resource_id, c.version, c.created_at, c.updated_at, g.outcome,
  g.reason, g.pulled_at, g.synced_at, g.watch_until, s.kind as home,
  (select count(*) from calendar_conflicts k where k.calendar_id = c.id and k.state = 'open')::int as conflicts
from calendars c
join connections n on n.id = c.connection_id
join calendar_progress g on g.calendar_id = c.id
join streams s on s.id = c.tenant_id
where c.tenant_id = app.tenant() and n.deleted_at is null and n.state is distinct from 'disconnected'
  and ($1::uuid is null or c.id = $1) and ($2::uuid is null or c.connection_id = $2)
order by n.created_at, c.is_primary desc, c.created_at, c.id

-- name: hold_calendar
select c.id, c.connection_id, c.is_writable, c.is_there, c.direction, c.policy, c.has_bookings, c.has_schedule, c.resource_id, c.version, s.kind as home,
  app.role() as role
from calendars c
join streams s on s.id = c.tenant_id
where c.id = $1
for update of c

-- name: calendar_current
select to_jsonb(c) - '{sealed,remote_key}'::text[] as record from calendars c where c.id = $1

-- name: change_calendar
update calendars c set direction = $2, policy = $3, has_bookings = $4, has_schedule = $5, resource_id = $6
where c.id = $1
returning new.id, new.version, to_jsonb(new) - '{sealed,remote_key}'::text[] as record, to_jsonb(old) - '{sealed,remote_key}'::text[] as old_record

-- name: begin_anew
-- Chosen otherwise: all of ours is looked at, and all of theirs listed and worked out again.
update calendar_progress g
set is_unmarked = true, listed_at = null, expanded_until = null, pulls_wanted = g.pulls_wanted + 1, not_before = null, outcome = 'waiting', reason = '',
  next_poll_at = case when $2 then 'infinity'::timestamptz else app.now() end
where g.calendar_id = $1

-- name: forget_theirs
delete from calendar_events e where e.calendar_id = $1 and e.kind = 'theirs'

-- name: known_resource
select exists (select from resources r where r.supplier_id = app.tenant() and r.id = $1)

-- name: runs
select r.id, r.calendar_id, r.began_at, r.ended_at, r.outcome, r.reason, r.pulled, r.taken, r.written, r.conflicts, r.unread
from sync_runs r
where r.calendar_id = $1 and ($2::timestamptz is null or (r.began_at, r.id) < ($2, $3::uuid))
order by r.began_at desc, r.id desc
limit $4

-- name: conflicts
-- Newest first; of one calendar, or all, or one.
select k.id, k.tenant_id, k.calendar_id, k.event_id, k.kind, k.about, k.sealed, k.state, k.kept, k.since, k.resolved_at, k.resolved_by, k.version,
  k.updated_at, c.sealed as calendar_sealed, c.zone, e.kind as of
from calendar_conflicts k
join calendars c on c.id = k.calendar_id
left join calendar_events e on e.id = k.event_id
where k.tenant_id = app.tenant() and ($1::uuid is null or k.id = $1) and ($2::uuid is null or k.calendar_id = $2) and ($3 = '' or k.state = $3)
  and ($4::timestamptz is null or (k.since, k.id) < ($4, $5::uuid))
order by k.since desc, k.id desc
limit $6

-- name: hold_conflict
select k.id, k.calendar_id, k.event_id, k.kind, k.state from calendar_conflicts k where k.id = $1 for update

-- name: give_verdict
update calendar_events e set verdict = $2, is_dirty = true, marks = e.marks + 1 where e.id = $1

-- name: let_sweep
update calendar_progress g set may_sweep = true, listed_at = null where g.calendar_id = $1

-- name: mark_bookings
insert into calendar_events as e (tenant_id, calendar_id, kind, ours_id)
select c.tenant_id, c.id, 'booking', b.id
from calendars c
join bookings b on b.supplier_id = c.tenant_id and b.id = any ($1)
where c.tenant_id = app.tenant() and c.direction in ('both', 'export')
  and ((c.has_bookings and b.state in ('hold', 'booked') and coalesce(c.resource_id, b.resource_id) = b.resource_id)
    or exists (select from calendar_events x where x.calendar_id = c.id and x.kind = 'booking' and x.ours_id = b.id))
order by c.id, b.id
on conflict (calendar_id, kind, ours_id) where ours_id is not null do update set is_dirty = true, marks = e.marks + 1
returning e.calendar_id

-- name: sweep_marks
select s.done, s.nudge from app.sweep_marks(64) s

-- name: sweep_looks
select s.done, s.nudge from app.sweep_looks(128) s

-- name: mark_items
select app.mark_items($1, $2)

-- name: answer_move
select app.answer_move($1, $2)

-- name: chosen_of
-- The calendars of a connection that are kept in step, and that bring busy times.
select c.id, c.direction from calendars c where c.connection_id = $1 and c.direction <> 'off'

-- name: find_calendars
select app.find_calendars($1)

-- name: my_role
select app.role()

-- name: poke_due
select app.poke_due_calendars()

-- name: forget_syncs
select app.forget_syncs($1)

-- name: resources
select r.id, r.name from resources r
where r.supplier_id = app.tenant() and r.is_active and not r.is_default
order by r.position, r.id
