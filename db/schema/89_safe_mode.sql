-- Safe mode: accounts of a live wedding are asked less often, and what they say of the wedding is proposed.
set role wedsync_recorder;

-- Safe mode of a tenant's accounts: from two hours before the first item of a wedding day (`live_from`, by the venue's zone) until two hours after its
-- last, and in the day before where the provider is failing. Nothing is kept of it: it begins and ends with the wedding's own clock.
create function app.safe_spans(p_tenant uuid, p_is_failing boolean)
returns table (wedding_id uuid, since timestamptz, until timestamptz, zone text, why text)
language sql stable security definer set search_path = '' as $$
  select d.wedding_id, case when app.now() >= d.live_from then d.live_from else d.live_from - interval '22 hours' end, d.live_until, d.zone,
    case when app.now() >= d.live_from then 'live' else 'failing' end
  from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
  where app.now() < d.live_until and app.now() >= case when p_is_failing then d.live_from - interval '22 hours' else d.live_from end
    and app.stands(w.date_status)
    and (d.wedding_id = p_tenant or exists (select from public.links l
      where l.wedding_id = d.wedding_id and l.supplier_id = p_tenant and l.status = 'active'));
$$;

-- What is asked by itself: calendars, jobs of CRMs, mailing lists.
create function app.is_asked(p_connection uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.calendars x where x.connection_id = p_connection)
    or exists (select from public.record_books x where x.id = p_connection)
    or exists (select from public.marketing_audiences x where x.id = p_connection);
$$;

-- Until when an account of the entered tenant is in safe mode, since when and why: live, or failing. No row where it is not.
create function app.safe_mode(p_connection uuid) returns table (since timestamptz, until timestamptz, zone text, why text)
language sql stable security definer set search_path = '' as $$
  select min(s.since), max(s.until), (array_agg(s.zone order by s.until desc))[1], max(s.why)
  from public.connections c, lateral app.safe_spans(c.tenant_id, c.state = 'degraded') s
  where c.id = p_connection and c.tenant_id = app.tenant() and app.is_asked(c.id)
  having count(*) > 0;
$$;

-- When an account is asked again that is asked so often: in safe mode a fifth as often, which with the jitter of both is at most a quarter; as often as
-- before as soon as it is over.
create function app.next_poll(p_connection uuid, p_every interval) returns timestamptz
language sql stable security definer set search_path = '' as $$
  select app.now() + coalesce((select least(p_every * 5, greatest(p_every, s.until - app.now())) from app.safe_mode(p_connection) s), p_every);
$$;

-- Whether what comes from other systems about the entered wedding is proposed instead of done: in its last week, and while it is live.
create function app.holds_inbound() returns boolean
language sql stable security definer set search_path = '' as $$
  select app.day_guard() is not null or exists (select from public.wedding_days d
    where d.wedding_id = app.tenant() and app.now() >= d.live_from and app.now() < d.live_until);
$$;

-- A hook has announced something of an account. True where that waits because the account is in safe mode: it is looked at with the next look, whoever
-- owes that, and when safe mode is over at the latest.
create function app.hush(p_connection uuid) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_until timestamptz;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'hush is the system''s'; end if;
  select s.until into v_until from app.safe_mode(p_connection) s;
  if v_until is null then return false; end if;
  update public.calendar_progress g set pulls_wanted = g.pulls_wanted + 1, next_poll_at = least(g.next_poll_at, v_until)
    where g.calendar_id in (select c.id from public.calendars c where c.connection_id = p_connection and c.direction <> 'off');
  update public.record_progress g set pulls_wanted = g.pulls_wanted + 1, next_poll_at = least(g.next_poll_at, v_until) where g.book_id = p_connection;
  update public.marketing_progress g set pulls_wanted = g.pulls_wanted + 1, next_poll_at = least(g.next_poll_at, v_until) where g.audience_id = p_connection;
  return true;
end $$;
grant execute on function app.safe_mode(uuid), app.next_poll(uuid, interval), app.holds_inbound(), app.hush(uuid) to wedsync_user;
reset role;

-- For operators: accounts in safe mode now, by connector; whose they are is not told.
set role wedsync_recorder;
create function ops.safe_mode() returns table (connector text, accounts integer, failing integer, until timestamptz)
language sql stable security definer set search_path = '' as $$
  select c.connector, count(distinct c.id)::integer, (count(distinct c.id) filter (where s.why = 'failing'))::integer, max(s.until)
  from (
    select d.wedding_id as tenant_id from public.wedding_days d
      where d.live_until > app.now() and d.live_from - interval '22 hours' <= app.now()
    union
    select l.supplier_id from public.wedding_days d join public.links l on l.wedding_id = d.wedding_id and l.status = 'active'
      where d.live_until > app.now() and d.live_from - interval '22 hours' <= app.now() and l.supplier_id is not null) t
  join public.connections c on c.tenant_id = t.tenant_id and c.state in ('active', 'degraded') and c.deleted_at is null
  cross join lateral app.safe_spans(c.tenant_id, c.state = 'degraded') s
  where app.is_asked(c.id) and ops.allow()
  group by 1 order by 2 desc, 1;
$$;
grant execute on function ops.safe_mode() to wedsync_user;

-- How long nothing may be heard of who sends mail before it is asked: four minutes, and 45 seconds while a wedding is live, from two hours before its
-- first item on. So whoever stands in is known to be well, and the way to it is open, when the first mail needs it.
create function app.mail_heard_within() returns interval
language sql stable security definer set search_path = '' as $$
  select case when exists (select from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
      where d.live_until > app.now() and d.live_from <= app.now() and app.stands(w.date_status))
    then interval '45 seconds' else interval '4 minutes' end;
$$;

-- For operators: who sends mail and who stands in, when each was heard of, and whether that was lately enough for how it is now.
create function ops.mail_backups() returns table (name text, "position" integer, is_down boolean, reason text, heard_at timestamptz, is_warm boolean)
language sql stable security definer set search_path = '' as $$
  select m.name, m.position::integer, m.is_down, m.reason, greatest(m.probed_at, m.succeeded_at),
    not m.is_down and coalesce(greatest(m.probed_at, m.succeeded_at), '-infinity') > clock_timestamp() - app.mail_heard_within() - interval '30 seconds'
  from public.mail_providers m where m.position is not null and ops.allow() order by m.position;
$$;
grant execute on function ops.mail_backups() to wedsync_user;

reset role;
