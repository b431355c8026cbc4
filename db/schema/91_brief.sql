-- What the platform has done, as tables that reporting tools can read: synchronisation, connections, deliveries, days, figures, health. Thirteen views, of
-- ids, states, counts and times. No name, address, number, text, amount, credential or image of a row is in any of them, so that whoever builds a chart
-- sees how the platform does and nothing of a wedding. They answer to wedsync_reporter alone, by none of our doors: docs/howto/reporting.md.
create schema brief;
revoke all on schema brief from public;
grant usage on schema brief to wedsync_reporter, wedsync_owner;
grant usage, create on schema brief to wedsync_recorder;

-- What a view calls, its reader calls.
set role wedsync_owner;
grant execute on function app.now() to wedsync_reporter;
set role wedsync_recorder;
create view brief.sync_logs (id, home_kind, home_id, sequence, event_type, entity_type, entity_id, operation, actor_kind, is_bulk, occurred_at, recorded_at)
with (security_barrier) as
  select e.id, s.kind, e.stream_id, e.seq, e.type, e.subject_table, e.subject_id, e.op, e.actor_kind, e.bulk, e.occurred_at, e.recorded_at
  from public.events e join public.streams s on s.id = e.stream_id;
comment on view brief.sync_logs is 'Every change that couples and suppliers share, in the order of its home: what, when and by which kind of actor';

create view brief.sync_conflicts (id, source, tenant_id, connection_id, kind, status, kept, since, resolved_at) with (security_barrier) as
  select c.id, 'calendar', c.tenant_id, k.connection_id, c.kind, c.state, c.kept, c.since, c.resolved_at
  from public.calendar_conflicts c join public.calendars k on k.tenant_id = c.tenant_id and k.id = c.calendar_id
  union all
  select c.id, 'crm', c.tenant_id, c.book_id, c.kind, c.state, c.kept, c.since, c.resolved_at from public.record_conflicts c;
comment on view brief.sync_conflicts is 'What a synchronisation left to people, and which side they kept';

create view brief.calendar_connections (id, tenant_id, connection_id, provider, status, direction, conflict_policy, is_writable, last_sync_at, next_sync_at,
  last_outcome, failures, watch_until, credential_ends_at, connected_at) with (security_barrier) as
  select c.id, c.tenant_id, c.connection_id, n.connector, n.state, c.direction, c.policy, c.is_writable, p.synced_at, p.next_poll_at, p.outcome, p.failures,
    p.watch_until, a.expires_at, n.created_at
  from public.calendars c join public.connections n on n.tenant_id = c.tenant_id and n.id = c.connection_id
  left join public.calendar_progress p on p.calendar_id = c.id left join public.connection_accounts a on a.connection_id = n.id
  where n.deleted_at is null;
comment on view brief.calendar_connections is 'Each calendar of a connected account: its way, its rule for conflicts, and how fresh it is';

create view brief.crm_connections (id, tenant_id, provider, status, direction, last_sync_at, next_sync_at, last_outcome, failures, is_hooked, credential_ends_at,
  connected_at) with (security_barrier) as
  select b.id, b.tenant_id, n.connector, n.state, b.direction, p.synced_at, p.next_poll_at, p.outcome, p.failures, p.is_hooked, a.expires_at, n.created_at
  from public.record_books b join public.connections n on n.tenant_id = b.tenant_id and n.id = b.id
  left join public.record_progress p on p.book_id = b.id left join public.connection_accounts a on a.connection_id = n.id
  where n.deleted_at is null;
comment on view brief.crm_connections is 'Each connected CRM: its way, and how fresh it is';

create view brief.integration_sync_logs (id, source, tenant_id, connection_id, provider, began_at, ended_at, took_ms, outcome, pulled, taken, written, conflicts,
  unread) with (security_barrier) as
  select r.id, 'calendar', r.tenant_id, c.connection_id, n.connector, r.began_at, r.ended_at, (extract(epoch from r.ended_at - r.began_at) * 1000)::bigint,
    r.outcome, r.pulled, r.taken, r.written, r.conflicts, r.unread
  from public.sync_runs r join public.calendars c on c.tenant_id = r.tenant_id and c.id = r.calendar_id
  join public.connections n on n.tenant_id = c.tenant_id and n.id = c.connection_id
  union all
  select r.id, 'crm', r.tenant_id, r.book_id, n.connector, r.began_at, r.ended_at, (extract(epoch from r.ended_at - r.began_at) * 1000)::bigint, r.outcome,
    r.pulled, r.taken, r.written, r.conflicts, r.unread
  from public.record_runs r join public.connections n on n.tenant_id = r.tenant_id and n.id = r.book_id;
comment on view brief.integration_sync_logs is 'Runs of the synchronisation of calendars and CRMs that did something or went wrong';

create view brief.field_mappings (id, tenant_id, connection_id, provider, version, fields, is_current, made_at) with (security_barrier) as
  select m.id, m.tenant_id, m.book_id, n.connector, m.version, case jsonb_typeof(m.rules) when 'array' then jsonb_array_length(m.rules)
      when 'object' then (select count(*)::integer from jsonb_object_keys(m.rules)) else 0 end,
    m.version = max(m.version) over (partition by m.book_id), m.created_at
  from public.record_maps m join public.connections n on n.tenant_id = m.tenant_id and n.id = m.book_id;
comment on view brief.field_mappings is 'Every version of the map from a CRM''s values to fields of ours, and how many fields it fills';

create view brief.email_provider_health (provider, place, is_down, changed_at, succeeded_at, failed_at, probed_at, response_ms) with (security_barrier) as
  select m.name, m.position, m.is_down, m.changed_at, m.succeeded_at, m.failed_at, m.probed_at, m.took_ms from public.mail_providers m;
comment on view brief.email_provider_health is 'Who sends mail, in which place of the chain, and how they are';

create view brief.email_delivery_logs (id, tenant_id, notice_type, status, provider, provider_status, is_failed_over, attempts, made_at, done_at, status_at)
with (security_barrier) as
  select d.id, d.tenant_id, d.type, d.state, s.provider, s.status, coalesce(s.is_failed_over, false), d.attempts, d.made_at, d.done_at, s.at
  from public.deliveries d left join public.mail_statuses s on s.delivery_id = d.id where d.connector = 'mail';
comment on view brief.email_delivery_logs is 'Every mail: what it was about, who took it, and the most that is known of it; no address and no word';

create view brief.webhook_delivery_logs (id, tenant_id, endpoint_id, event_id, event_type, status, attempt, outcome, http_status, response_ms, made_at, attempted_at,
  next_at, done_at, is_test) with (security_barrier) as
  select d.id, d.tenant_id, d.destination_id, d.event_id, d.type, d.state, a.number, a.outcome, a.status, a.total_ms, d.made_at, a.started_at, d.next_at,
    d.done_at, d.is_test
  from public.deliveries d left join public.attempts a on a.delivery_id = d.id where d.connector = 'webhook';
comment on view brief.webhook_delivery_logs is 'Every try of every webhook, a row each; one without a try is one row without an attempt';

create view brief.webhook_endpoints (id, tenant_id, host, events, status, mode, authentication, created_at, updated_at) with (security_barrier) as
  select e.id, e.tenant_id, substring(e.url from '^[a-z]+://(?:[^/@]*@)?([^/:?#]+)'), e.events, e.state, e.mode, e.auth ->> 'kind', e.created_at, e.updated_at
  from public.endpoints e where e.deleted_at is null;
comment on view brief.webhook_endpoints is 'Where webhooks go: the host alone, for an address may hold a secret';

create view brief.wedding_day_protocols (id, wedding_id, day, time_zone, live_from, live_until, is_live, amendments, arrivals_expected, arrivals_there, emergencies,
  emergencies_open) with (security_barrier) as
  select d.id, d.wedding_id, d."on", d.zone, d.live_from, d.live_until, app.now() between d.live_from and d.live_until,
    (select count(*) from public.amendments m where m.wedding_id = d.wedding_id and m.made_at between d.live_from and d.live_until),
    (select count(*) from public.arrivals r where r.wedding_id = d.wedding_id and r."on" = d."on"),
    (select count(*) from public.arrivals r where r.wedding_id = d.wedding_id and r."on" = d."on" and r.arrived_at is not null),
    (select count(*) from public.alerts a where a.wedding_id = d.wedding_id and a.kind <> 'drill' and a.raised_at between d.live_from and d.live_until),
    (select count(*) from public.alerts a where a.wedding_id = d.wedding_id and a.kind <> 'drill' and a.raised_at between d.live_from and d.live_until
      and a.ended_at is null)
  from public.wedding_days d join public.weddings w on w.wedding_id = d.wedding_id where w.date_status not in ('cancelled', 'postponed');
comment on view brief.wedding_day_protocols is 'Each wedding day: when the protocol holds, and what happened in it, counted';

create view brief.performance_metrics (kind, name, step_s, at, good, bad, refused, slow, gauge) with (security_barrier) as
  select s.kind, s.name, s.step_s, s.at, s.good, s.bad, s.refused, s.slow, s.gauge from public.health_series s;
comment on view brief.performance_metrics is 'Answers, tries, queues and measures by the minute (two days) and by the hour (400)';

create view brief.health_checks (source, name, status, since, checked_at) with (security_barrier) as
  select 'part', h.part, h.status, h.since, h.judged_at from public.health_parts h
  union all
  select 'integrity', c.name, case when c.found = 0 then 'good' else 'bad' end, null, c.checked_at from public.integrity_checks c
  union all
  select 'connection', n.connector || ' ' || n.id, case n.state when 'active' then 'good' when 'degraded' then 'look' else 'bad' end, n.state_at, h.checked_at
  from public.connections n join public.connection_health h on h.connection_id = n.id
  where n.deleted_at is null and n.state in ('active', 'degraded', 'needs_reconnect');
comment on view brief.health_checks is 'How every part of the platform, every question of integrity and every connected account was judged last';

grant select on all tables in schema brief to wedsync_reporter;
reset role;
