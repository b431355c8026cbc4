-- Friday's preflight: what the weddings of the next days need, in counts, and the reports that were made of it. Home: the platform.
set role wedsync_owner;
create table public.preflights (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' references public.streams,
  weekend date not null,
  at timestamptz not null,
  is_ready boolean not null,
  report jsonb not null,
  told_at timestamptz
);
comment on table public.preflights is 'What was found before a weekend (the date of its Friday), check by check, in counts; each is kept 400 days';
create index preflights_recent on public.preflights (at desc);
create unique index preflights_told on public.preflights (tenant_id, weekend) where told_at is not null;
call app.protect('public.preflights', 'tenant_id', 'false', null);
grant insert, update, delete on public.preflights to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- Everything that the report is judged by, of weddings that are live within p_ahead: counts and states, of no wedding which. Accounts are those of
-- the weddings and of the suppliers who are linked to them; a credential that ends before the last of them is over and was not renewed is late.
create function ops.preflight_facts(p_ahead interval) returns jsonb
language sql stable security definer set search_path = '' as $$
  with due as materialized (
    select d.wedding_id, min(d.live_from) as live_from, max(d.live_until) as live_until from public.wedding_days d
    join public.weddings w on w.wedding_id = d.wedding_id
    where d.live_until > app.now() and d.live_from < app.now() + p_ahead and app.stands(w.date_status) group by d.wedding_id),
  homes as materialized (
    select u.wedding_id as id, u.wedding_id from due u
    union select l.supplier_id, l.wedding_id from public.links l join due u on u.wedding_id = l.wedding_id where l.status = 'active' and l.supplier_id is not null),
  accounts as (
    select n.connector, n.state, n.state_reason, a.expires_at, a.refreshed_at, h.ok_at, (select count(*) from homes o where o.id = n.tenant_id) as weddings
    from public.connections n left join public.connection_accounts a on a.connection_id = n.id left join public.connection_health h on h.connection_id = n.id
    where n.tenant_id in (select o.id from homes o) and n.deleted_at is null and n.state is not null and n.state not in ('draft', 'disconnected', 'paused'))
  select jsonb_build_object('now', app.now(), 'machine_now', clock_timestamp(),
    'weddings', (select count(*) from due), 'first_at', (select min(u.live_from) from due u), 'last_at', (select max(u.live_until) from due u),
    'accounts', (select coalesce(jsonb_agg(to_jsonb(t) order by t.connector), '[]') from (select a.connector, count(*) as accounts, max(a.weddings) as weddings,
        count(*) filter (where a.state = 'needs_reconnect') as broken, count(*) filter (where a.state = 'degraded') as degraded,
        count(*) filter (where a.state in ('active', 'degraded') and a.expires_at < clock_timestamp() - interval '1 hour'
          and coalesce(a.refreshed_at, '-infinity') < a.expires_at) as ended,
        count(*) filter (where a.state = 'active' and coalesce(a.ok_at, '-infinity') < clock_timestamp() - interval '24 hours') as silent
      from accounts a group by a.connector) t),
    'mail', (select coalesce(jsonb_agg(jsonb_build_object('name', m.name, 'is_down', m.is_down) order by m.position), '[]') from public.mail_providers m
      where m.position is not null),
    'endpoints', (select count(*) from public.endpoints e where e.tenant_id in (select o.id from homes o) and e.deleted_at is null and e.state = 'disabled'),
    'owed', (select count(*) from public.jobs j where j.tenant_id in (select o.id from homes o) and j.kind = 'delivery' and j.run_at < clock_timestamp()),
    'oldest_s', (select coalesce(max(q.oldest_s), 0) from app.queue_ages() q where q.lane < 3),
    'parked', (select count(*) from public.deliveries v where v.tenant_id in (select o.id from homes o) and v.state = 'parked'
      and v.made_at > clock_timestamp() - interval '30 days'),
    'given_up', (select count(*) from public.deliveries v where v.tenant_id in (select o.id from homes o) and v.state = 'dead'
      and v.made_at > clock_timestamp() - interval '30 days' and v.done_at > clock_timestamp() - interval '7 days'),
    'breakers', (select count(*) from public.destinations d where d.breaker_until > clock_timestamp()
      and (d.tenant_id in (select o.id from homes o) or d.tenant_id = '00000000-0000-7000-8000-000000000000')),
    'unacknowledged', (select count(*) from public.acknowledgements k join public.links l on l.wedding_id = k.wedding_id and l.id = k.link_id
      where k.wedding_id in (select u.wedding_id from due u) and k.status <> 'acknowledged' and l.status = 'active'),
    'proposals', (select count(*) from public.proposals p where p.wedding_id in (select u.wedding_id from due u) and p.state = 'open'),
    'alerts', (select count(*) from public.platform_alerts a where a.ended_at is null and a.acked_at is null),
    'emergencies', (select count(*) from public.alerts a where a.wedding_id in (select u.wedding_id from due u) and a.state in ('triggered', 'unanswered')),
    'operators', (select count(*) from app.operators()),
    'used', (select s.connections_used from ops.season() s), 'max', (select s.connections_max from ops.season() s),
    'fullest_so_far', (select coalesce(max(x.n), 0) from (select count(*) as n from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id
      where d.live_until < app.now() and app.stands(w.date_status) group by d."on") x),
    'fullest', (select coalesce(max(x.n), 0) from (select count(*) as n from public.wedding_days d where d.wedding_id in (select u.wedding_id from due u)
      and d.live_until > app.now() and d.live_from < app.now() + p_ahead group by d."on") x),
    'clock_leads', (ops.health_facts(1) ->> 'clock_leads')::boolean,
    'processes', (select coalesce(jsonb_agg(distinct b.kind), '[]') from public.process_beats b where b.at > clock_timestamp() - interval '1 minute' and not b.is_over),
    'examined_at', (select min(c.checked_at) from public.integrity_checks c), 'flaws', (select coalesce(sum(c.found), 0) from public.integrity_checks c),
    'defects', (select coalesce(jsonb_agg(a.about || ': ' || a.says order by a.about), '[]') from ops.advice() a where a.severity = 'high'),
    'server', (select jsonb_build_object('refuses_ddl', v.refuses_ddl, 'archived_at', v.archived_at, 'archive_failures', v.archive_failures,
      'archives', current_setting('archive_mode') <> 'off') from ops.server() v),
    'standbys', (select coalesce(jsonb_agg(jsonb_build_object('name', r.name, 'lag_s', r.lag_s) order by r.name), '[]') from ops.replicas() r),
    'migration_waits', exists (select from public.migration_requests r where r.state = 'waiting'))
  where ops.allow();
$$;

create function app.keep_preflight(p_weekend date, p_is_ready boolean, p_report jsonb) returns uuid
language sql volatile security definer set search_path = '' as $$
  delete from public.preflights p where p.at < app.now() - interval '400 days';
  insert into public.preflights (weekend, at, is_ready, report) values (p_weekend, app.now(), p_is_ready, p_report) returning id;
$$;

create function ops.preflights(p_limit integer) returns table (id uuid, weekend date, at timestamptz, is_ready boolean, report jsonb, told_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select p.id, p.weekend, p.at, p.is_ready, p.report, p.told_at from public.preflights p where ops.allow() order by p.at desc, p.id limit p_limit;
$$;

-- Of this weekend's newest report, where weddings are ahead: what is to be mended now, and whether that was asked within its six hours and a half.
create function ops.preflight_word() returns table (weddings integer, to_mend integer, is_fresh boolean)
language sql stable security definer set search_path = '' as $$
  select (p.report ->> 'weddings')::integer,
    (select count(*)::integer from jsonb_array_elements(p.report -> 'checks') c where c ->> 'status' = 'bad'), p.at > app.now() - interval '390 minutes'
  from public.preflights p
  where p.weekend = (app.now() at time zone 'UTC')::date + 5 - extract(isodow from app.now() at time zone 'UTC')::integer
    and (p.report ->> 'weddings')::integer > 0 and ops.allow()
  order by p.at desc, p.id limit 1;
$$;

-- When the clock looked last before a weekend, and whether the operators were told.
create function app.preflight_of(p_weekend date) returns table (at timestamptz, is_told boolean)
language sql stable security definer set search_path = '' as $$
  select max(p.at), coalesce(bool_or(p.told_at is not null), false) from public.preflights p where p.weekend = p_weekend;
$$;

-- The mails as deliveries, once of each weekend: whoever comes second tells nobody. p: [{delivery, person, sealed hex}].
create function app.tell_preflight(p_id uuid, p jsonb) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  update public.preflights f set told_at = app.now() where f.id = p_id
    and not exists (select from public.preflights t where t.weekend = f.weekend and t.told_at is not null);
  if not found then return false; end if;
  perform app.tell_alerts('{}', p);
  return true;
exception when unique_violation then
  return false;
end $$;

grant execute on function ops.preflight_facts(interval), ops.preflights(integer), ops.preflight_word() to wedsync_user, wedsync_service, wedsync_owner;
grant execute on function app.keep_preflight(date, boolean, jsonb), app.preflight_of(date), app.tell_preflight(uuid, jsonb) to wedsync_service;
reset role;
