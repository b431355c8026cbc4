-- The ledger: how a try ends, what may leave, what is sent again. Every change of state is fenced by the lease.
set role wedsync_owner;
alter table public.attempts add column request_headers jsonb not null default '{}' check (length(request_headers::text) <= 8192);
comment on column public.attempts.request_headers is 'As they were sent, what is secret in them masked';
reset role;

set role wedsync_recorder;

create type app.ending as (
  job uuid, lease uuid, kind text, made_at timestamptz, tenant uuid, destination uuid, number integer, state text, reason text, delay_s double precision,
  expires_at timestamptz, close text, rest_s double precision, is_overrun boolean, outcome text, status integer, detail text, response_head text, address text,
  resolve_ms real, first_byte_ms real, total_ms real, started_at timestamptz, is_well boolean, request_headers jsonb);
comment on type app.ending is 'How one try ended. state: delivered, dead, cancelled (terminal), deferred (again in delay_s), parked; close: why the destination wants no more; rest_s: it wants nothing for so long; is_overrun: it takes less than it is sent; is_well: whether the destination did what it should, null = the try says nothing of it';

-- What tries say of their destinations, locked before. A success among them ends the count.
create function app.note_health(p json) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update public.destinations d set failing_since = case when not h.is_well then coalesce(d.failing_since, app.now()) end,
    failed_times = case when h.is_well then 0 else d.failed_times + h.failures end, failed_at = case when not h.is_well then app.now() end
  from (select t.destination, bool_or(t.is_well) as is_well, count(*) filter (where not t.is_well)::integer as failures
    from json_populate_recordset(null::app.ending, p) t where t.kind = 'delivery' and t.is_well is not null group by t.destination) h
  where d.id = h.destination and d.tenant_id <> '00000000-0000-7000-8000-000000000000' and (not h.is_well or d.failing_since is not null);
$$;

-- Ends tries in one statement: the job goes or waits, the attempt is written, the delivery says how it stands. Returns the jobs whose lease was lost:
-- their attempts are kept, marked late, and change nothing. An attempt bears its lease as id: ends that are told twice are written once.
-- p_breakers, p_hosts: app.breaker and app.host_breaker rows, judged from these ends after app.breakers and app.host_breakers have locked them; null
-- where none of them is bad. If a breaker counts all the same, nothing is done but to say so. nudge: what was recorded for those who look on.
create function app.complete(p json, p_breakers json, p_hosts json) returns table (job uuid, nudge text, is_counted boolean)
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_speed double precision := app.speed();
  v_from timestamptz;
  v_to timestamptz;
  v_ended public.jobs[];
  v_late uuid[];
  v_latest public.jobs[];
  v_touched uuid[];
  v_told app.ending[];
  v_asked uuid[];
  v_rests boolean;
  v_closes boolean;
  v_slows boolean;
  v_counts boolean;
  v_ill boolean;
  v_failing boolean;
begin
  -- Read once. The bounds are known before the statement that needs them starts: only the partitions between them are opened.
  v_told := array(select t from json_populate_recordset(null::app.ending, p) t);
  select min(t.made_at), max(t.made_at), array_agg(distinct t.destination) filter (where t.kind = 'delivery'), coalesce(bool_or(t.rest_s is not null), false),
      coalesce(bool_or(t.close is not null), false), coalesce(bool_or(t.is_overrun), false), coalesce(bool_or(not t.is_well), false)
    into v_from, v_to, v_asked, v_rests, v_closes, v_slows, v_ill from unnest(v_told) t;
  -- Destinations before jobs, as everywhere and in one order, so that two of these never wait for each other.
  select coalesce(bool_or(d.breaker_from is not null or d.breaker_until is not null or exists (select from public.hosts h where h.host = d.host
      and (h.open_until is not null or h.failures > 0 or d.tenant_id = any (h.failing) or d.tenant_id <> all (h.well) and cardinality(h.well) < 32))), false),
      coalesce(bool_or(d.failing_since is not null), false) into v_counts, v_failing
    from unnest(v_asked) as x(id) join public.destinations d on d.id = x.id;
  if p_breakers is null and v_counts then
    return query select null::uuid, null::text, true;
    return;
  end if;
  v_ill := v_ill or v_failing;
  if v_ill or v_rests or v_closes or v_slows then
    select array_agg(distinct t.destination) into v_touched from unnest(v_told) t
      where t.close is not null or t.rest_s is not null or t.is_overrun or v_ill and t.is_well is not null;
    perform from public.endpoints e join unnest(v_told) t on e.id = t.destination and t.close is not null order by e.id for no key update of e;
    perform from public.destinations d where d.id = any (v_touched) order by d.id for no key update;
    if v_slows then perform app.slow_down(array(select t.destination from unnest(v_told) t where t.is_overrun)); end if;
  end if;
  if v_ill then perform app.note_health(p); end if;
  if p_breakers is not null then
    perform app.set_breakers(p_breakers);
    perform app.set_hosts(p_hosts);
  end if;
  if v_rests then
    perform app.rest(r.destination, r.rest_s) from (select t.destination, max(t.rest_s) as rest_s
      from unnest(v_told) t where t.rest_s is not null group by t.destination order by t.destination) r;
  end if;
  if v_closes then
    return query select null::uuid, n.nudge, false from (select array_agg(c.destination) as ids, array_agg(c.close) as reasons
        from (select distinct on (t.destination) t.destination, t.close from unnest(v_told) t
          where t.close is not null order by t.destination) c) x
      cross join lateral app.park(x.ids, x.reasons) as n(nudge);
  end if;
  with told as materialized (
    select t, r.run_at, case when t.state = 'deferred' and t.expires_at <= r.run_at then 'expired' else t.state end as state
    from unnest(v_told) t
    cross join lateral (select case when t.state = 'parked' then 'infinity' else v_now + make_interval(secs => t.delay_s / v_speed) end as run_at) r),
  gone as (
    delete from public.jobs j using told w where j.id = (w.t).job and j.lease_token is not distinct from (w.t).lease and w.state not in ('deferred', 'parked')
    returning j as job, w.t, w.state, w.run_at),
  kept as (
    update public.jobs j set lease_token = null, lease_until = null, run_at = w.run_at from told w
    where j.id = (w.t).job and j.lease_token is not distinct from (w.t).lease and w.state in ('deferred', 'parked')
    returning j as job, w.t, w.state, w.run_at),
  advanced as (select g.t, g.state, g.run_at from gone g union all select k.t, k.state, k.run_at from kept k),
  ledger as (
    update public.deliveries d set state = a.state, reason = coalesce((a.t).reason, ''), attempts = d.attempts + 1,
      next_at = case when a.state = 'deferred' then a.run_at end, done_at = case when a.state not in ('deferred', 'parked') then v_now end,
      sealed = case when a.state in ('deferred', 'parked') then d.sealed end
    from advanced a where (a.t).kind = 'delivery' and d.id = (a.t).job and d.made_at = (a.t).made_at and d.made_at between v_from and v_to
    returning a.t, d.attempts),
  late as (
    select w.t from told w where (w.t).job not in (select (a.t).job from advanced a)
      and not exists (select from public.attempts p where p.delivery_id = (w.t).job and p.id = (w.t).lease
        and p.made_at between v_from and v_now)),
  tried as (
    insert into public.attempts (id, delivery_id, tenant_id, number, outcome, status, detail, response_head, address, resolve_ms, first_byte_ms, total_ms,
      is_late, started_at, request_headers)
    select (x.t).lease, (x.t).job, (x.t).tenant, x.number, (x.t).outcome, (x.t).status, coalesce((x.t).detail, ''), coalesce((x.t).response_head, ''),
      coalesce((x.t).address, ''), (x.t).resolve_ms, (x.t).first_byte_ms, (x.t).total_ms, x.is_late, (x.t).started_at,
      coalesce((x.t).request_headers, '{}')
    from (select l.t, l.attempts as number, false as is_late from ledger l union all select l.t, (l.t).number, true from late l) x
    where (x.t).kind = 'delivery'),
  buried as (
    insert into public.dead_jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id, args, attempts, reason)
    select (g.job).id, (g.job).kind, (g.job).name, (g.job).lane, (g.job).tenant_id, (g.job).destination_id, (g.job).order_key, (g.job).order_seq,
      (g.job).made_at, (g.job).event_id, (g.job).args, (g.job).attempt, coalesce((g.t).reason, '')
    from gone g where g.state = 'dead' and (g.t).kind <> 'delivery')
  select array(select g.job from gone g where (g.job).order_key is not null), array(select (l.t).job from late l),
    array(select k.job from kept k where (k.job).is_latest) into v_ended, v_late, v_latest;
  if cardinality(v_ended) > 0 then perform app.call_next(v_ended); end if;
  if cardinality(v_latest) > 0 then
    perform app.supersede(array_agg(k.destination_id), array_agg(k.order_key)) from unnest(v_latest) k;
  end if;
  return query select x.id, null::text, false from unnest(v_late) as x(id);
end $$;

-- Whether something of a destination is ready.
create function app.is_awaited(p_destination uuid) returns boolean
language sql stable set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  select exists (select from unnest('{0,1,2,3}'::smallint[]) as l(lane) cross join lateral (
    select from public.jobs j where j.lane = l.lane and j.destination_id = p_destination and j.lease_token is null and j.run_at <= clock_timestamp()
    order by j.run_at limit 1) x);
$$;

-- The end of a reaction or of work, inside the transaction of what it did: both or neither. Returns whether something of its destination is ready and
-- may have waited for this end: who has no such word need not ask for more at once.
create function app.finish_job(p_job uuid, p_lease uuid) returns boolean
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  j public.jobs;
begin
  delete from public.jobs x where x.id = p_job and x.lease_token is not distinct from p_lease and x.kind in ('reaction', 'work') returning x.* into j;
  if not found then raise exception 'lease lost' using errcode = 'WS409'; end if;
  if j.order_key is not null then perform app.call_next(array[j]); end if;
  return app.is_awaited(j.destination_id);
end $$;

-- Inside enter_job: what a reaction records has the cause of the event it answers.
create function app.enter_cause(p_cause uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform set_config('app.cause', p_cause::text, true);
end $$;

-- May an audience see an event? The rule, as for rows: a link's own, a membership's own, or the scope.
create function app.sees(p_mask integer, p_link uuid, p_membership uuid, p_scope integer, p_event_link uuid, p_event_membership uuid) returns boolean
language sql immutable set search_path = ''
  return case
    when p_event_link is not null then p_event_link is not distinct from p_link or p_mask & 512 <> 0
    when p_event_membership is not null then p_event_membership is not distinct from p_membership or p_mask & 512 <> 0
    else p_mask & p_scope <> 0 end;

-- A person's right to hear of an event now; what concerns only themselves (a sign-in) has no event.
create function app.person_sees(p_person uuid, p_tenant uuid, p_scope integer, p_event_link uuid, p_event_membership uuid) returns boolean
language sql stable set search_path = ''
  return coalesce((select bool_or(app.sees(s.mask, s.link_id, s.membership_id, p_scope, p_event_link, p_event_membership))
    from app.standing(p_person, p_tenant) s), false);

-- An event as a link may see it: what a row was before it came to that link stays with whom it was. Part of the statement that asks, as share_now is.
create function app.event_for(e public.events, p_kind text, p_link uuid) returns text
language sql stable
  return (app.event_json(e, p_kind) || case when p_link is not null and (e).op = 'UPDATE'
      and (((e).old_record ->> 'link_id') is distinct from ((e).record ->> 'link_id')
        or ((e).old_record ->> 'membership_id') is distinct from ((e).record ->> 'membership_id'))
    then '{"op": "INSERT", "old_record": null}' else '{}' end::jsonb)::text;

create type app.payload as (
  job uuid, lease uuid, event text, previous_seq bigint, replay_of uuid, type text, url text, secret_sealed bytea, old_secrets jsonb,
  recipient_kind text, recipient_id uuid, email text, contact_id uuid, contact_sealed bytea, sealed bytea, credentials_sealed bytea, as_new boolean,
  link_id uuid, shape jsonb, is_test boolean);
comment on type app.payload is 'What a leased job needs to run: the event in live form and where it goes, everything secret still sealed';

-- The event of a leased reaction in live form, as app.payloads gives it; null where it is no longer kept.
create function app.event_of_job(j public.jobs) returns text
language sql stable security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  select app.event_text(e, s.kind) from public.events e join public.streams s on s.id = e.stream_id
  where e.stream_id = (j).order_key and e.seq = (j).order_seq and e.recorded_at = (j).made_at and e.id = (j).event_id;
$$;

-- What may leave now. Judged at the last moment: lease, expiry, subscription, endpoint, link and scope must hold. What may not is ended here (revoked,
-- cancelled, expired) or put aside (parked), and is not among the rows.
create function app.payloads(p_jobs uuid[], p_leases uuid[]) returns setof app.payload
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_may app.payload[];
  v_ends jsonb;
  v_parked uuid[];
  v_from timestamptz;
  v_to timestamptz;
  v_event_from timestamptz;
  v_event_to timestamptz;
begin
  -- Bounds known before a statement starts: only the partitions between them are opened.
  select min(j.made_at), max(j.made_at) into v_from, v_to from public.jobs j where j.id = any (p_jobs);
  select min(coalesce(d.event_at, j.made_at)), max(coalesce(d.event_at, j.made_at)) into v_event_from, v_event_to from public.jobs j
    left join public.deliveries d on d.id = j.id and d.made_at = j.made_at and d.made_at between v_from and v_to where j.id = any (p_jobs);
  with held as (
    select j.id, j.kind, j.made_at, j.lease_token, j.expires_at, j.destination_id, j.order_key, j.order_seq, j.tenant_id, j.args
    from unnest(p_jobs, p_leases) as a(job, lease) join public.jobs j on j.id = a.job and j.lease_token is not distinct from a.lease and j.lease_until > clock_timestamp()),
  known as (
    select h.id, h.kind, h.lease_token, h.expires_at, h.tenant_id, h.args, d as delivery, e as event, st.kind as stream_kind, s.tenant_id as subscriber, s.active, s.shape,
      l.id as link_id, l.mask, l.status as link_status, o.state as destination_state, n.url, n.secret_sealed, n.old_secrets, n.credentials_sealed, n.state as endpoint_state,
      n.deleted_at, p.email, c.id as contact_id, c.sealed as contact_sealed
    from held h
    left join public.deliveries d on h.kind = 'delivery' and d.id = h.id and d.made_at = h.made_at and d.made_at between v_from and v_to
    left join public.events e on case when h.kind = 'delivery' then d.stream_id else h.order_key end = e.stream_id
      and e.seq = case when h.kind = 'delivery' then d.seq else h.order_seq end
      and e.recorded_at = case when h.kind = 'delivery' then d.event_at else h.made_at end and e.recorded_at between v_event_from and v_event_to
    left join public.streams st on st.id = e.stream_id
    left join public.subscriptions s on s.id = d.subscription_id
    left join public.links l on d.link_id is not null and l.wedding_id = d.stream_id and l.id = d.link_id
    left join public.destinations o on o.id = h.destination_id
    left join public.endpoints n on d.connector = 'webhook' and n.id = d.destination_id
    left join public.persons p on d.recipient_kind = 'person' and p.person_id = d.recipient_id
    left join public.guest_contacts c on d.recipient_kind = 'guest' and c.wedding_id = d.tenant_id and c.guest_id = d.recipient_id),
  judged as materialized (
    select k.id, k.lease_token, case
        when k.kind = 'work' then 'ok'
        when k.kind = 'reaction' then case when (k.event).id is null then 'cancelled:its event is no longer kept' else 'ok' end
        when (k.delivery).id is null then 'cancelled:there is no such delivery'
        when k.expires_at <= clock_timestamp() then 'expired:its time had passed before it could be sent'
        when k.destination_state = 'parked' or k.endpoint_state <> 'active' and k.deleted_at is null then 'parked'
        when (k.delivery).event_id is not null and (k.event).id is null then 'cancelled:its event is no longer kept'
        when (k.delivery).subscription_id is not null then case
          when k.active is not true and not (k.delivery).is_test or k.deleted_at is not null then 'cancelled:the subscription had ended'
          when k.subscriber = (k.delivery).stream_id then 'ok'
          when k.link_status = 'active' and app.sees(k.mask, k.link_id, null, (k.event).scope, (k.event).link_id, (k.event).membership_id) then 'ok'
          else 'revoked:the supplier may no longer see this' end
        when (k.event).subject_table = 'alerts' and app.is_hushed((k.event).type, (k.event).stream_id, (k.event).subject_id)
          then 'cancelled:somebody has acknowledged the alert'
        when (k.delivery).link_id is not null and coalesce(k.link_status, '') not in ('invited', 'requested', 'active')
          then 'revoked:the supplier is no longer linked to this wedding'
        when (k.delivery).recipient_kind = 'person' then case
          when (k.event).id is not null and not app.person_sees((k.delivery).recipient_id, k.tenant_id, (k.event).scope, (k.event).link_id,
            (k.event).membership_id) then 'revoked:this person may no longer see this'
          when (k.delivery).type = 'digest.made' and not app.digest_stands((k.event).record)
            then 'revoked:this person may no longer see some of it; their inbox has the rest'
          when (k.delivery).connector = 'twilio' then coalesce(app.unphoned(k.id), 'ok')
          when k.email is null then 'cancelled:this person has no e-mail address'
          else 'ok' end
        when (k.delivery).recipient_kind = 'guest' and k.contact_id is null then 'cancelled:there are no contact details for this guest'
        else 'ok' end as verdict,
      row(k.id, k.lease_token, case when (k.event).id is not null then app.event_for(k.event, k.stream_kind, (k.delivery).link_id)
          when (k.delivery).is_test then k.args::text end, (k.delivery).previous_seq,
        (k.delivery).replay_of, (k.delivery).type, k.url, k.secret_sealed, k.old_secrets, (k.delivery).recipient_kind, (k.delivery).recipient_id,
        k.email, k.contact_id, k.contact_sealed, (k.delivery).sealed, k.credentials_sealed, (k.delivery).as_new,
        case when k.subscriber <> (k.delivery).stream_id then (k.delivery).link_id end, k.shape, (k.delivery).is_test)::app.payload as payload
    from known k)
  select array_agg(g.payload) filter (where g.verdict = 'ok'), array_agg(g.id) filter (where g.verdict = 'parked'),
    jsonb_object_agg(g.verdict, g.ids) filter (where g.verdict not in ('ok', 'parked')) into v_may, v_parked, v_ends
  from (select j.payload, j.id, j.verdict, case when j.verdict <> 'ok' then jsonb_agg(j.id) over (partition by j.verdict) end as ids from judged j) g;
  if v_parked is not null then perform app.give_up_place(v_parked, p_jobs, p_leases); end if;
  if v_ends is not null then
    perform app.end_jobs(array(select x.id::uuid from jsonb_array_elements_text(f.value) as x(id)), split_part(f.key, ':', 1), split_part(f.key, ':', 2))
      from jsonb_each(v_ends) as f(key, value);
  end if;
  return query select m.* from unnest(v_may) m;
end $$;

-- Claimed, then parked before anything was sent: aside, without having burnt an attempt. The destinations are locked and asked again, for whoever
-- opens one brings back only what is aside by then; where one is open again the job is simply free.
create function app.give_up_place(p_parked uuid[], p_jobs uuid[], p_leases uuid[]) returns void
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_closed uuid[];
begin
  select array_agg(o.id) filter (where o.state = 'parked') into v_closed from (select d.id, d.state from public.destinations d
    where d.id in (select j.destination_id from public.jobs j where j.id = any (p_parked)) order by d.id for no key update) o;
  with shelved as (
    update public.jobs j set lease_token = null, lease_until = null, attempt = greatest(0, j.attempt - 1),
      run_at = case when j.destination_id = any (v_closed) then 'infinity' else j.run_at end
    from unnest(p_jobs, p_leases) as a(job, lease)
    where j.id = a.job and j.lease_token is not distinct from a.lease and j.id = any (p_parked) returning j.id, j.made_at, j.destination_id, j.run_at)
  update public.deliveries d set state = 'parked', next_at = null, reason = app.parked_because(s.destination_id)
  from shelved s where s.run_at = 'infinity' and d.id = s.id and d.made_at = s.made_at;
end $$;

-- Sends deliveries again, as new rows that name the first one; the receiver knows the event by its id. Through the user door those of the entered
-- tenant, through the service door any. What is still on its way is left alone. In order among themselves, never in front of new events.
-- As new each has an id of its own, for receivers that have the event's id and yet not what it said.
create function app.replay(p_deliveries uuid[], p_as_new boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.tenant() is null and session_user <> 'wedsync_service' or app.tenant() is not null and app.mask() & 512 = 0 then
    raise exception 'forbidden' using errcode = 'WS403';
  end if;
  return app.send_again(p_deliveries, p_as_new, app.tenant());
end $$;

-- What app.replay and the operator's replay do, once it is known that they may. p_tenant null: of any tenant.
create function app.send_again(p_deliveries uuid[], p_as_new boolean, p_tenant uuid) returns integer
language plpgsql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_at timestamptz := clock_timestamp();
  n integer;
begin
  with made as (
    insert into public.deliveries as n (id, made_at, tenant_id, connector, destination_id, subscription_id, stream_id, seq, event_id, event_at, type, link_id,
      previous_seq, lane, replay_of, as_new, actor_kind, actor_id)
    select uuidv7(), v_at, d.tenant_id, d.connector, d.destination_id, d.subscription_id, d.stream_id, d.seq, d.event_id, d.event_at, d.type, d.link_id,
      d.previous_seq, 3, coalesce(d.replay_of, d.id), p_as_new, case when app.actor() is not null then app.actor_kind() end, app.actor()
    from public.deliveries d
    where d.id = any (p_deliveries) and d.tenant_id = coalesce(p_tenant, d.tenant_id) and d.subscription_id is not null and d.event_id is not null
      and not d.is_test and d.state in ('delivered', 'superseded', 'filtered', 'expired', 'cancelled', 'revoked', 'dead')
    order by d.made_at, d.seq limit 10000
    returning n.id, n.connector, n.tenant_id, n.destination_id, n.subscription_id, n.stream_id, n.seq, n.event_id)
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id)
  select m.id, 'delivery', m.connector, 3, m.tenant_id, m.destination_id,
    case when s.mode <> 'parallel' then md5(m.stream_id || ' again')::uuid end, m.seq, v_at, m.event_id
  from made m left join public.subscriptions s on s.id = m.subscription_id;
  get diagnostics n = row_count;
  return n;
end $$;

-- The same for what one destination missed since a time: everything that ended otherwise than delivered, and was not delivered by a replay since.
create function app.replay_since(p_destination uuid, p_since timestamptz) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  return app.replay(array(
    select d.id from public.deliveries d
    where d.destination_id = p_destination and d.made_at >= p_since and d.tenant_id = coalesce(app.tenant(), d.tenant_id)
      and d.replay_of is null and not d.is_test and d.state in ('expired', 'cancelled', 'dead')
      and not exists (select from public.deliveries a where a.replay_of = d.id and a.made_at >= p_since and a.state not in ('expired', 'cancelled', 'dead', 'revoked'))
    order by d.made_at limit 10000));
end $$;

-- Before a parked destination is opened again: what was owed to it before a time is let go.
create function app.let_go(p_destination uuid, p_before timestamptz) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_jobs uuid[];
begin
  perform from public.destinations d where d.id = p_destination and d.tenant_id = app.tenant() and app.mask() & 512 <> 0 for update;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  v_jobs := array(select j.id from public.jobs j where j.lane = any ('{0,1,2,3}') and j.destination_id = p_destination and j.lease_token is null
    and j.made_at < p_before order by j.id for update);
  perform app.end_jobs(v_jobs, 'cancelled', 'let go when the endpoint was opened again');
  return cardinality(v_jobs);
end $$;

-- Given-up reactions and work, once more: the cause is mended.
create function app.raise_dead(p_jobs uuid[]) returns setof uuid
language sql volatile security definer set search_path = '' as $$
  with gone as (delete from public.dead_jobs d where d.id = any (p_jobs) returning d.id, d.kind, d.name, d.lane, d.tenant_id, d.destination_id, d.order_key,
    d.order_seq, d.made_at, d.event_id, d.args)
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, made_at, event_id, args)
  select g.id, g.kind, g.name, g.lane, g.tenant_id, g.destination_id, g.order_key, g.order_seq, g.made_at, g.event_id, g.args from gone g
  returning id;
$$;

-- Which of these deliveries are on the wire now: the ledger itself is not written for that.
create function app.in_flight(p_deliveries uuid[]) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select j.id from public.jobs j where j.id = any (p_deliveries) and j.tenant_id = app.tenant() and j.lease_token is not null and j.lease_until > clock_timestamp();
$$;

grant execute on function app.complete(json, json, json), app.payloads(uuid[], uuid[]), app.event_of_job(public.jobs), app.replay(uuid[], boolean), app.replay_since(uuid, timestamptz), app.raise_dead(uuid[])
  to wedsync_service;
grant execute on function app.finish_job(uuid, uuid), app.enter_cause(uuid), app.replay(uuid[], boolean), app.replay_since(uuid, timestamptz), app.let_go(uuid, timestamptz),
  app.in_flight(uuid[]), app.sees(integer, uuid, uuid, integer, uuid, uuid) to wedsync_user;
reset role;
