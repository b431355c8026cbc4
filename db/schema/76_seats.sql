-- Seats of workers: who follows a process that was killed frees what it held. See wedsync/processes/seats.py.
set role wedsync_recorder;

-- Whoever had this seat is gone, for somebody else sits there now: its leases have lapsed, and need not be waited for. Returns how many.
create function app.vacate(p_seat integer, p_attempts_max integer default 12) returns integer
language plpgsql volatile security definer set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_freed integer := 0;
  v_more integer;
begin
  update public.jobs j set lease_until = '-infinity' where j.lease_token is not null and j.lease_seat = p_seat;
  loop
    v_more := app.reclaim(p_attempts_max);
    v_freed := v_freed + v_more;
    exit when v_more < 1000;
  end loop;
  return v_freed;
end $$;

grant execute on function app.vacate(integer, integer) to wedsync_service;
reset role;
