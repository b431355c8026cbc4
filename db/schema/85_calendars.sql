-- Calendars: who has to be told that one must be looked at. Everybody may poke; the job looks at what stands.
set role wedsync_recorder;

-- One waiting job of a calendar is enough, for it looks at what stands. The row of its progress is written first: a job that is running has read that row
-- before, and is then no longer waiting when we look; one that waits will read it after us. Jobs of one calendar run one after the other. What must
-- wait (the provider said so) waits, unless p_now.
create function app.owe_syncs(p_calendars uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_work constant text := 'calendars.sync';
  n integer;
begin
  perform from public.calendar_progress g where g.calendar_id = any (p_calendars) order by g.calendar_id for update;
  update public.calendar_progress g set pokes = g.pokes + 1, pulls_wanted = g.pulls_wanted + p_pull::integer,
      not_before = case when not p_now then g.not_before end
    where g.calendar_id = any (p_calendars);
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select distinct c.connection_id, c.tenant_id, 'work', 4, 6000 from public.calendars c
    where c.id = any (p_calendars)
    order by c.connection_id
    on conflict (id) do nothing;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, args, run_at)
    select uuidv7(), 'work', v_work, 1, c.tenant_id, c.connection_id, c.id, nextval('public.calendar_pokes'),
      jsonb_build_object('calendar_id', c.id),
      clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0')) / app.speed()
    from public.calendars c join public.calendar_progress g on g.calendar_id = c.id join public.connections n on n.id = c.connection_id
    where c.id = any (p_calendars) and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null
      and (c.direction <> 'off' or g.watch_sealed is not null)
      and not exists (select from public.jobs j where j.destination_id = c.connection_id and j.order_key = c.id and j.name = v_work
        and num_nulls(j.lease_token) = 1 and (j.run_at <= clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0'))
          or j.run_at = 'infinity'));
  get diagnostics n = row_count;
  return n;
end $$;

-- Those of the entered tenant.
create function app.poke_calendars(p_calendars uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  return app.owe_syncs(array(select c.id from public.calendars c where c.id = any (p_calendars) and c.tenant_id = app.tenant()), p_pull, p_now);
end $$;

-- Many runs begin at once: of each leased job its calendar, how far that is and its account, as connections.calendars' `begin` reads them for one, and locked
-- like there: whoever pokes one from here on finds its job running, and owes another. What somebody holds just now is left out, and begins by itself.
create function app.begin_syncs(p_jobs uuid[], p_leases uuid[])
returns table (job uuid, id uuid, tenant_id uuid, connection_id uuid, connector text, title text, sealed bytea, zone text, direction text, policy text,
  has_bookings boolean, has_schedule boolean, resource_id uuid, home text, cursor_sealed bytea, cursor_for text, generation integer, is_listing boolean,
  unread integer, listed_at timestamptz, expanded_until timestamptz, pulls_wanted bigint, pulls_done bigint, is_unmarked boolean, may_sweep boolean,
  watch_sealed bytea, watch_until timestamptz, watch_again_at timestamptz, failures integer, not_before timestamptz, outcome text, is_safe boolean,
  has_source boolean, settings jsonb, state text, state_reason text, hooks_sealed bytea, credentials_sealed bytea, expires_at timestamptz,
  refreshed_at timestamptz)
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
  set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_is_any_live boolean := exists (select from public.wedding_days d
    where app.now() < d.live_until and app.now() >= d.live_from - interval '22 hours');
begin
  -- It says nothing that a crash of the database may not undo: the lease is lost with it, and the run begins again.
  set local synchronous_commit = off;
  return query
    select j.id, c.id, c.tenant_id, c.connection_id, n.connector, n.title, c.sealed, c.zone, c.direction, c.policy, c.has_bookings, c.has_schedule,
      c.resource_id, s.kind::text, g.cursor_sealed, g.cursor_for, g.generation, g.is_listing, g.unread, g.listed_at, g.expanded_until, g.pulls_wanted,
      g.pulls_done, g.is_unmarked, g.may_sweep, g.watch_sealed, g.watch_until, g.watch_again_at, g.failures, g.not_before, g.outcome,
      v_is_any_live and exists (select from app.safe_spans(c.tenant_id, n.state = 'degraded')),
      exists (select from public.busy_sources b where b.supplier_id = c.tenant_id and b.source = 'calendar:' || c.id),
      a.settings, a.state, a.state_reason, a.hooks_sealed, a.credentials_sealed, a.expires_at, a.refreshed_at
    from unnest(p_jobs, p_leases) as h(job, lease)
    join public.jobs j on j.id = h.job and j.lease_token is not distinct from h.lease and j.lease_until > clock_timestamp() and j.kind = 'work' and j.name = 'calendars.sync'
    join public.calendars c on c.id = (j.args ->> 'calendar_id')::uuid and c.tenant_id = j.tenant_id
    join public.calendar_progress g on g.calendar_id = c.id
    join public.connections n on n.id = c.connection_id and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null
    join public.streams s on s.id = c.tenant_id
    left join lateral (select n.settings, n.state, n.state_reason, n.sealed as hooks_sealed, x.credentials_sealed, x.expires_at, x.refreshed_at
      from public.connection_accounts x where x.connection_id = n.id) a on true
    for update of g skip locked;
end $$;

-- How one run of many ended: its job, its calendar, the line of its account's log that it counts in; what it knows now of there, if it has pulled; how often
-- what went well; numbers as in sync_runs, from pulled to unread.
create type app.sync_end as (job public.jobs, calendar_id uuid, connection_id uuid, note bigint, cursor bytea, cursor_for text, wanted bigint,
  poll_s double precision, what text, times integer, began_at timestamptz, numbers integer[]);

-- Many runs end, each as calendars.end_run and accounts.heard end one, with its job. Only where all is well: the calendar was in step before and has
-- nothing marked, its account is well and its log goes on where it was, no wedding of its tenant is near enough for safe mode; and what a pull has brought
-- is known already, as it comes back of what was written there. Everything it takes is taken at once or left out, so that it waits for nobody and nobody
-- for it. p_ends: connections.calendars.together.End; what is left out ends by itself.
create function app.end_syncs(p_ends json) returns table (job uuid, is_waited boolean)
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
  set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz := app.now();
  v_is_any_live boolean := exists (select from public.wedding_days d where v_now < d.live_until and v_now >= d.live_from - interval '22 hours');
  v_ends app.sync_end[];
begin
  -- As with one that records nothing: what a crash of the database undoes is done again, and the lease is lost with it.
  set local synchronous_commit = off;
  select array_agg(x.ended) into v_ends from (
    select row(j, g.calendar_id, n.id, l.id, decode(e.cursor, 'base64'), e.cursor_for, e.wanted, e.poll_s, e.what, e.times, e.began_at,
      e.numbers)::app.sync_end as ended
    from json_to_recordset(p_ends) as e(job uuid, lease uuid, cursor text, cursor_for text, wanted bigint, poll_s double precision, what text,
      times integer, began_at timestamptz, numbers integer[], echoes json)
    join public.jobs j on j.id = e.job and j.lease_token is not distinct from e.lease and j.lease_until > clock_timestamp() and j.kind = 'work'
      and j.name = 'calendars.sync'
    join public.calendars c on c.id = (j.args ->> 'calendar_id')::uuid and c.tenant_id = j.tenant_id
    join public.calendar_progress g on g.calendar_id = c.id and g.outcome = 'done' and g.failures = 0
    join public.connections n on n.id = c.connection_id and n.tenant_id = c.tenant_id and n.state = 'active' and n.deleted_at is null
    join public.connection_health h on h.connection_id = n.id and h.failures = 0
    join public.connection_log l on l.id = (select k.id from public.connection_log k where k.connection_id = n.id and k.what = e.what
      order by k.id desc limit 1) and l.word = 'ok' and l.reason = '' and l.actor_id is null
    where not (v_is_any_live and exists (select from app.safe_spans(c.tenant_id, false)))
      and not exists (select from public.calendar_events m where m.calendar_id = c.id and m.is_dirty)
      and not exists (select from json_array_elements(e.echoes) as o(echo) where not exists (select from public.calendar_events m
        where m.calendar_id = c.id and m.remote_key = decode(o.echo ->> 0, 'base64') and m.etag = o.echo ->> 1 and m.generation = g.generation))
    for update of j, g, h, l skip locked) x;
  if v_ends is null then return; end if;
  insert into public.sync_runs (tenant_id, calendar_id, began_at, outcome, pulled, taken, written, conflicts, unread)
    select (x.job).tenant_id, x.calendar_id, x.began_at, 'done', x.numbers[1], x.numbers[2], x.numbers[3], x.numbers[4], x.numbers[5]
    from unnest(v_ends) x where x.numbers <> '{0,0,0,0,0}';
  update public.calendar_progress g
    set cursor_sealed = coalesce(x.cursor, g.cursor_sealed), cursor_for = case when x.cursor is null then g.cursor_for else x.cursor_for end,
      pulls_done = case when x.cursor is null then g.pulls_done else x.wanted end, pulled_at = case when x.cursor is null then g.pulled_at else v_now end,
      reason = '', not_before = v_now, synced_at = v_now,
      -- A look because of a hook puts off the next look by itself only where that is near.
      next_poll_at = case when g.next_poll_at > v_now + interval '5 minutes' then g.next_poll_at
        else least(v_now + greatest(make_interval(secs => x.poll_s), app.sync_every_of(g.tenant_id)),
          case when g.watch_again_at > v_now then g.watch_again_at end) end
    from unnest(v_ends) x where g.calendar_id = x.calendar_id;
  perform app.count_exchanges(array_agg(y.connection_id), y.what, '', 1, y.times)
    from (select x.connection_id, x.what, sum(x.times)::integer as times from unnest(v_ends) x group by x.connection_id, x.what) y
    group by y.what, y.times;
  update public.connection_log l set times = l.times + y.times, at = clock_timestamp()
    from (select x.note, sum(x.times)::integer as times from unnest(v_ends) x group by x.note) y where l.id = y.note;
  perform app.end_swept(array(select x.job from unnest(v_ends) x));
  return query select (x.job).id, app.is_awaited((x.job).destination_id) from unnest(v_ends) x;
end $$;

-- The calendars of a connection are looked for: after it was connected, or when somebody asks.
create function app.find_calendars(p_connection uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.write_mask() & 512 = 0 then raise exception 'forbidden' using errcode = 'WS403'; end if;
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select c.id, c.tenant_id, 'work', 4, 6000 from public.connections c where c.id = p_connection and c.tenant_id = app.tenant()
    on conflict (id) do nothing;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    select uuidv7(), 'work', 'calendars.find', 1, c.tenant_id, c.id, jsonb_build_object('connection_id', c.id)
    from public.connections c where c.id = p_connection and c.tenant_id = app.tenant()
      and not exists (select from public.jobs j where j.destination_id = c.id and j.name = 'calendars.find' and j.lease_token is null);
end $$;

-- What of weddings a supplier's calendars may show: the items of active links that hold the schedule, and nothing else.
create function app.linked_items(p_items uuid[])
returns table (id uuid, wedding_id uuid, link_id uuid, couple_names text, title text, "on" date, at_local time, zone text, minutes integer,
  place text, updated_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'linked_items is the system''s'; end if;
  return query
    select i.id, i.wedding_id, l.id, w.couple_names, i.title, i."on", i.at_local, i.zone, i.minutes, i.place, i.updated_at
    from public.links l
    join public.weddings w on w.wedding_id = l.wedding_id
    join public.schedule_items i on i.wedding_id = l.wedding_id
    where l.supplier_id = app.tenant() and l.status = 'active' and l.mask & 2 <> 0 and w.date_status <> 'cancelled'
      and (p_items is null or i.id = any (p_items));
end $$;

-- The reaction of a wedding: items (null: all of it) changed, or who may see them. Marked in the couple's own calendars and in those of every
-- supplier that holds them or may see them now; a supplier that may no longer see one has it marked, and finds it gone.
create function app.mark_items(p_wedding uuid, p_items uuid[] default null) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_calendars uuid[];
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'mark_items is the system''s'; end if;
  with shown as (
    select c.id as calendar_id, c.tenant_id, i.id
    from public.schedule_items i
    join (select w.id, w.tenant_id from public.calendars w where w.tenant_id = p_wedding and w.direction in ('both', 'export') and w.has_schedule
      union all
      select s.id, s.tenant_id from public.links l join public.calendars s on s.tenant_id = l.supplier_id
      where l.wedding_id = p_wedding and l.status = 'active' and l.mask & 2 <> 0 and s.direction in ('both', 'export') and s.has_schedule) c on true
    where i.wedding_id = p_wedding and (p_items is null or i.id = any (p_items)) and i.starts_at > app.now() - interval '1 day'),
  put as (
    insert into public.calendar_events as e (tenant_id, calendar_id, kind, ours_id, wedding_id)
    select s.tenant_id, s.calendar_id, 'item', s.id, p_wedding from shown s order by s.calendar_id, s.id
    on conflict (calendar_id, kind, ours_id) where ours_id is not null do update set is_dirty = true, marks = e.marks + 1
    returning e.calendar_id, e.ours_id),
  rest as (
    update public.calendar_events e set is_dirty = true, marks = e.marks + 1
    where e.kind = 'item' and e.wedding_id = p_wedding and (p_items is null or e.ours_id = any (p_items))
      and not exists (select from shown s where s.calendar_id = e.calendar_id and s.id = e.ours_id)
    returning e.calendar_id),
  booked as (
    -- A booking bears the couple's names.
    update public.calendar_events e set is_dirty = true, marks = e.marks + 1
    from public.bookings b where p_items is null and b.wedding_id = p_wedding and e.kind = 'booking' and e.ours_id = b.id
    returning e.calendar_id)
  select array_agg(distinct x.calendar_id) into v_calendars
    from (select p.calendar_id from put p union all select r.calendar_id from rest r union all select b.calendar_id from booked b) x;
  return case when v_calendars is null then 0 else app.owe_syncs(v_calendars, false) end;
end $$;

-- The couple has answered a move that came from a calendar.
create function app.answer_move(p_wedding uuid, p_proposal uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_calendars uuid[];
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'answer_move is the system''s'; end if;
  with answered as (
    update public.calendar_events e set proposal_id = null, is_dirty = true, marks = e.marks + 1
    where e.proposal_id = p_proposal and e.wedding_id = p_wedding returning e.calendar_id)
  select array_agg(a.calendar_id) into v_calendars from answered a;
  return case when v_calendars is null then 0 else app.owe_syncs(v_calendars, false) end;
end $$;

grant execute on function app.poke_calendars(uuid[], boolean, boolean), app.begin_syncs(uuid[], uuid[]),
  app.end_syncs(json), app.find_calendars(uuid), app.linked_items(uuid[]),
  app.mark_items(uuid, uuid[]), app.answer_move(uuid, uuid) to wedsync_user;

-- The clock: calendars whose time to be asked has come. The next time is set by the run; until then they are left alone for five minutes.
create function app.poke_due_calendars(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_due uuid[];
begin
  with due as (
    select g.calendar_id from public.calendar_progress g
    where g.next_poll_at <= app.now() order by g.next_poll_at limit p_limit for update skip locked),
  put_off as (
    update public.calendar_progress g set next_poll_at = app.now() + interval '5 minutes'
    from due d where g.calendar_id = d.calendar_id returning g.calendar_id)
  select array_agg(p.calendar_id) into v_due from put_off p;
  return case when v_due is null then 0 else app.owe_syncs(v_due, true) end;
end $$;

-- A sweep waits for no calendar that a run is at just now: it would keep all others waiting, so what is of that one stays for the next sweep.

-- The reaction calendars.mark_booking of all businesses that owe it, and the end of its jobs: a claim, a lease and a transaction each would cost ten times
-- as much as the mark.
create function app.sweep_marks(p_jobs integer) returns table (done integer, nudge text)
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
  set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_jobs public.jobs[];
  v_tenants uuid[];
  v_bookings uuid[];
  v_events uuid[];
  v_busy uuid[];
  v_calendars uuid[];
begin
  v_jobs := app.swept_jobs('calendars.mark_booking', 0, p_jobs);
  if v_jobs is null then return; end if;
  select array_agg(distinct x.tenant_id), array_agg(distinct e.subject_id) into v_tenants, v_bookings from unnest(v_jobs) x
    join public.events e on e.stream_id = x.order_key and e.seq = x.order_seq and e.recorded_at = x.made_at;
  -- In the order of a run: what it keeps of an event, then its progress.
  v_events := array(select e.id from public.calendar_events e where e.ours_id = any (v_bookings) and e.kind = 'booking'
    order by e.calendar_id, e.id for update skip locked);
  v_calendars := array(select g.calendar_id from public.calendar_progress g
    where g.calendar_id in (select c.id from public.calendars c where c.tenant_id = any (v_tenants)) order by g.calendar_id for update skip locked);
  v_busy := array(
    select e.tenant_id from public.calendar_events e where e.ours_id = any (v_bookings) and e.kind = 'booking' and e.id <> all (v_events)
    union select c.tenant_id from public.calendars c where c.tenant_id = any (v_tenants) and c.id <> all (v_calendars));
  select array_agg(x.job) into v_jobs from (select w as job from unnest(v_jobs) w where w.tenant_id <> all (v_busy)) x;
  if v_jobs is null then return; end if;
  with changed as (
    select distinct x.tenant_id, e.subject_id from unnest(v_jobs) x
    join public.events e on e.stream_id = x.order_key and e.seq = x.order_seq and e.recorded_at = x.made_at),
  marked as (
    insert into public.calendar_events as e (tenant_id, calendar_id, kind, ours_id)
    select c.tenant_id, c.id, 'booking', b.id
    from changed g
    join public.bookings b on b.supplier_id = g.tenant_id and b.id = g.subject_id
    join public.calendars c on c.tenant_id = g.tenant_id and c.direction in ('both', 'export')
    where (c.has_bookings and b.state in ('hold', 'booked') and coalesce(c.resource_id, b.resource_id) = b.resource_id)
      or exists (select from public.calendar_events x where x.calendar_id = c.id and x.kind = 'booking' and x.ours_id = b.id)
    order by c.id, b.id
    on conflict (calendar_id, kind, ours_id) where ours_id is not null do update set is_dirty = true, marks = e.marks + 1
    returning e.calendar_id)
  select array_agg(distinct m.calendar_id) into v_calendars from marked m;
  if v_calendars is not null then perform app.owe_syncs(v_calendars, false); end if;
  perform app.end_swept(v_jobs);
  return query select cardinality(v_jobs), null::text;
end $$;

-- What providers have sent that says only that there is something to look at, of all calendars' accounts: their calendars are asked, each once however many
-- there are. An account in safe mode, and one that is of something else, is left to the claims.
create function app.sweep_looks(p_jobs integer) returns table (done integer, nudge text)
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
  set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_waiting public.jobs[];
  v_jobs public.jobs[];
  v_calendars uuid[];
  v_free uuid[];
  v_is_any_live boolean;
begin
  v_waiting := app.swept_jobs('hooks', 1, p_jobs);
  if v_waiting is null then return; end if;
  v_is_any_live := exists (select from public.wedding_days d where app.now() < d.live_until and app.now() >= d.live_from - interval '22 hours');
  select array_agg(x.job) into v_jobs from (
    select w as job from unnest(v_waiting) w
    join public.connections c on c.id = w.order_key and c.tenant_id = w.tenant_id and c.state is not null and c.deleted_at is null
    where w.args ? 'is_look' and exists (select from public.calendars k where k.connection_id = c.id)
      and not exists (select from public.record_books b where b.id = c.id)
      and not exists (select from public.marketing_audiences a where a.id = c.id)
      and not (v_is_any_live and exists (select from app.safe_spans(c.tenant_id, c.state = 'degraded')))) x;
  if v_jobs is null then return; end if;
  v_free := array(select g.calendar_id from public.calendar_progress g where g.calendar_id in (
      select c.id from public.calendars c where c.connection_id in (select x.order_key from unnest(v_jobs) x) and c.direction <> 'off')
    order by g.calendar_id for update skip locked);
  select array_agg(x.job) into v_jobs from (
    select w as job from unnest(v_jobs) w
    where not exists (select from public.calendars c where c.connection_id = w.order_key and c.direction <> 'off' and c.id <> all (v_free))) x;
  if v_jobs is null then return; end if;
  -- In the order in which repeats are received.
  perform from public.inbox_hooks h where h.id in (select (x.args ->> 'hook_id')::uuid from unnest(v_jobs) x) order by h.source_id, h.dedupe_key for update;
  with looked as (
    update public.inbox_hooks h set status = 'applied', error = '', type = 'calendar.notified', processed_at = app.now()
    from unnest(v_jobs) x where h.id = (x.args ->> 'hook_id')::uuid and h.tenant_id = x.tenant_id and h.status = 'received'
    returning h.source_id)
  select array_agg(distinct k.id) into v_calendars
    from looked l join public.calendars k on k.connection_id = l.source_id and k.direction <> 'off';
  if v_calendars is not null then perform app.owe_syncs(v_calendars, true); end if;
  perform app.end_swept(v_jobs);
  return query select cardinality(v_jobs), null::text;
end $$;
grant execute on function app.sweep_marks(integer), app.sweep_looks(integer) to wedsync_service;

-- What nobody looks at any more: runs, conflicts that are over, and what we took away so long ago that no calendar tells of it again.
create function app.forget_syncs(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.sync_runs r where r.ended_at < clock_timestamp() - make_interval(days => p_days);
  get diagnostics n = row_count;
  delete from public.calendar_conflicts k where k.state = 'resolved' and k.resolved_at < app.now() - make_interval(days => p_days);
  delete from public.calendar_events e where e.state = 'ended' and not e.is_dirty and e.changed_at < app.now() - interval '90 days';
  return n;
end $$;
grant execute on function app.poke_due_calendars(integer), app.forget_syncs(integer) to wedsync_service;
reset role;
