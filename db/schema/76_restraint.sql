-- Restraint towards destinations: pauses they ask for, the rate they can take, the breaker of those that fail. All of it moves not_before, which the
-- claim honours: nothing here costs a job an attempt or its place, and expiry holds.
set role wedsync_recorder;

-- What is left of a destination's rate: halved by each 429, 502 or 504, and a tenth of the whole comes back each minute. Without settings of its own it
-- becomes part of the statement that asks; as a call it was a tenth of what a delivery costs.
create function app.share_now(p_share double precision, p_at timestamptz, p_now timestamptz) returns double precision
language sql immutable
  return case when p_share >= 1 then 1 else least(1, p_share + greatest(0, extract(epoch from p_now - p_at)) / 600) end;

-- A tenant's destination that asked for a pause: nothing is claimed for it until then; its jobs keep their place and their attempts.
create function app.rest(p_destination uuid, p_seconds double precision) returns void
language sql volatile security definer set search_path = '' as $$
  update public.destinations d set not_before = greatest(d.not_before, clock_timestamp() + make_interval(secs => least(p_seconds, 86400) / app.speed()))
  where d.id = p_destination and d.tenant_id <> '00000000-0000-7000-8000-000000000000';
$$;

-- How destinations stand with their breakers, locked until the end of the transaction that judges their results. p_closing: those that will be
-- parked in it, whose endpoints are locked before. Times in seconds of the clock that retries go by.
create type app.breaker as (
  destination uuid, now_s double precision, failures integer, open_until double precision, openings integer, since double precision, results integer,
  failed integer, slow integer);
create function app.breakers(p_destinations uuid[], p_closing uuid[]) returns setof app.breaker
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_speed double precision := app.speed();
begin
  perform from public.endpoints e where e.id = any (p_closing) order by e.id for no key update;
  return query select d.id, extract(epoch from clock_timestamp())::double precision * v_speed, d.breaker_failures,
      extract(epoch from d.breaker_until)::double precision * v_speed, d.breaker_openings, extract(epoch from d.breaker_from)::double precision * v_speed,
      d.breaker_results, d.breaker_failed, d.breaker_slow
    from public.destinations d where d.id = any (p_destinations) and d.tenant_id <> '00000000-0000-7000-8000-000000000000'
    order by d.id for no key update;
end $$;

-- An open breaker moves not_before as a pause does: jobs keep their place and their attempts, and expire as ever.
create function app.set_breakers(p json) returns void
language sql volatile set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  update public.destinations d set breaker_failures = b.failures, breaker_until = to_timestamp(b.open_until / app.speed()), breaker_openings = b.openings,
    breaker_from = to_timestamp(b.since / app.speed()), breaker_results = b.results, breaker_failed = b.failed, breaker_slow = b.slow,
    not_before = greatest(d.not_before, to_timestamp(b.open_until / app.speed()))
  from json_populate_recordset(null::app.breaker, p) b where d.id = b.destination;
$$;

-- The receiver is overrun: half the rate for now. What several tries of one moment say counts once.
create function app.slow_down(p_destinations uuid[]) returns void
language sql volatile set search_path = '' as $$
  update public.destinations d set rate_share = greatest(0.01, app.share_now(d.rate_share, d.rate_at, clock_timestamp()) / 2), rate_at = clock_timestamp()
  where d.id = any (p_destinations) and d.tenant_id <> '00000000-0000-7000-8000-000000000000' and d.rate_at < clock_timestamp() - interval '1 second';
$$;

-- Of these deliveries those of a wedding that is live at this moment: their failures count sooner. What a job knew when it was owed does not decide it:
-- it may be tried hours later, and a day's hours may move. Asked only where a try has failed.
create function app.live_deliveries(p_deliveries uuid[]) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select d.id from public.deliveries d
  where d.id = any (p_deliveries)
    and exists (select from public.wedding_days y where y.wedding_id = d.stream_id and app.now() between y.live_from and y.live_until);
$$;

grant execute on function app.breakers(uuid[], uuid[]), app.live_deliveries(uuid[]) to wedsync_service;
reset role;
