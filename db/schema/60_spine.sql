-- The spine's tables: streams, events, subscriptions, deliveries, jobs, attempts, and what guards them.
set role wedsync_owner;

-- Domains, where every recorded change writes: a table's check is read from its text in each statement that writes, also one that leaves the
-- column alone; a domain's is kept, and asked only of what is given to the column. A delivery's states alone were a third of its insert.
-- Another value comes as a new check, not valid at first, and is validated afterwards: that stands in nobody's way.
-- squawk-ignore ban-create-domain-with-constraint
create domain app.stream_kind as text check (value in ('wedding', 'supplier', 'person', 'platform'));
-- squawk-ignore ban-create-domain-with-constraint
create domain app.event_op as text check (value in ('INSERT', 'UPDATE', 'DELETE'));
-- squawk-ignore ban-create-domain-with-constraint
create domain app.delivery_state as text check (value in ('pending', 'in_flight', 'deferred', 'parked', 'delivered', 'superseded', 'filtered',
  'expired', 'cancelled', 'revoked', 'dead'));
-- squawk-ignore ban-create-domain-with-constraint
create domain app.recipient_kind as text check (value in ('person', 'guest', 'address'));
-- squawk-ignore ban-create-domain-with-constraint
create domain app.job_kind as text check (value in ('delivery', 'reaction', 'work'));
-- squawk-ignore ban-create-domain-with-constraint
create domain app.traceparent as text check (length(value) = 55);

create table public.streams (
  id uuid primary key,
  kind app.stream_kind not null,
  epoch integer not null default 1,
  top bigint not null default 0
) with (fillfactor = 50);
comment on table public.streams is 'The ordered log of one tenant object; top is the newest seq; epoch is new after a restore';

create table public.event_types (
  type text primary key check (type ~ '^[a-z_]+\.[a-z_]+$'),
  lane smallint not null default 2 check (lane between 0 and 3),
  acknowledge boolean not null default false
);
comment on table public.event_types is 'What record needs to know of a type; written from the catalogue by the migrator';
create table public.reaction_types (
  name text not null,
  type text not null references public.event_types on delete cascade,
  condition jsonpath,
  is_merged boolean not null default false,
  is_swept boolean not null default false,
  needs text check (needs in ('chats')),
  primary key (name, type)
);
comment on table public.reaction_types is 'Which reactions a type owes; written from the nouns'' reactions by the migrator';
comment on column public.reaction_types.condition is 'What the fact (op, record, old, link…) must fulfil; null = always';
comment on column public.reaction_types.is_merged is 'It looks at what stands: one that waits serves all facts of its stream';
comment on column public.reaction_types.is_swept is 'Merged, and done for all streams at once as soon as it is owed; only what is not, is claimed like any other, a second later';
comment on column public.reaction_types.needs is 'Of what the stream must have any, for otherwise there is nothing to do (app.has_any); null = nothing';
create index reaction_types_type on public.reaction_types (type);

create table public.events (
  stream_id uuid not null,
  seq bigint not null,
  recorded_at timestamptz not null default clock_timestamp(),
  id uuid not null,
  epoch integer not null,
  type text not null,
  version smallint not null default 1,
  scope integer not null,
  link_id uuid,
  membership_id uuid,
  subject_table text not null,
  subject_id uuid not null,
  op app.event_op not null,
  record jsonb,
  old_record jsonb,
  actor_kind text not null,
  actor_id uuid,
  cause uuid not null,
  bulk boolean not null default false,
  occurred_at timestamptz not null,
  primary key (stream_id, seq, recorded_at)
) partition by range (recorded_at);
comment on table public.events is 'A recorded fact about one changed row; payloads live here once; density of seq rests on the stream lock';
create index events_subject on public.events (stream_id, subject_table, subject_id, seq);
create index events_id on public.events (id);

create table public.endpoints (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  url text not null check (length(url) between 8 and 2000),
  description text not null default '' check (length(description) <= 300),
  events text[] not null default '{*}' check (cardinality(events) <= 50),
  secret_sealed bytea not null,
  old_secrets jsonb not null default '[]',
  header_names text[] not null default '{}' check (cardinality(header_names) <= 20),
  auth jsonb not null default '{"kind": "none"}',
  credentials_sealed bytea,
  state text not null default 'active' check (state in ('active', 'paused', 'disabled')),
  state_reason text not null default '' check (length(state_reason) <= 300),
  mode text not null default 'parallel' check (mode in ('parallel', 'ordered', 'latest')),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz
);
comment on table public.endpoints is 'A webhook destination of a wedding or a supplier; secrets sealed, shown once';
comment on column public.endpoints.events is 'What goes there that no rule takes; may be empty where there are rules';
comment on column public.endpoints.mode is 'parallel; ordered: one event of a stream after the other; latest: of one row only the newest that is not sent yet';
comment on column public.endpoints.auth is 'What may be seen of how we prove who we are; kind none, api_key, basic, bearer, oauth2 or mtls';
comment on column public.endpoints.credentials_sealed is 'Values of its own headers and the secrets of auth, one sealed text; null = none';
create index endpoints_tenant on public.endpoints (tenant_id);
create trigger bump before update on public.endpoints for each row execute function app.bump();
call app.protect('public.endpoints', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$,
  $$((select app.write_mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$, false);
grant update on public.endpoints to wedsync_recorder;

create table public.destinations (
  id uuid primary key,
  tenant_id uuid not null,
  connector text not null,
  max_in_flight smallint not null default 4 check (max_in_flight between 1 and 64),
  not_before timestamptz not null default '-infinity',
  state text not null default 'active' check (state in ('active', 'parked')),
  per_min integer check (per_min between 1 and 1000000),
  rate_share double precision not null default 1 check (rate_share between 0 and 1),
  rate_at timestamptz not null default '-infinity',
  tokens double precision,
  tokens_at timestamptz,
  breaker_failures integer not null default 0,
  breaker_until timestamptz,
  breaker_openings integer not null default 0,
  breaker_from timestamptz,
  breaker_results integer not null default 0,
  breaker_failed integer not null default 0,
  breaker_slow integer not null default 0
) with (fillfactor = 50);
comment on table public.destinations is 'What the claim locks: in-flight cap, rate limit and breaker move not_before; id = endpoint id, or one per channel';
comment on column public.destinations.per_min is 'Deliveries a minute; null = WEDSYNC_DELIVERIES_PER_MIN. What all tenants share (mail, reactions, work) has no rate';
comment on column public.destinations.rate_share is 'What the receiver has left of the rate by 429, 502 and 504, as of rate_at; a tenth comes back each minute';
comment on column public.destinations.tokens is 'Of the bucket, as of tokens_at; null = full. It holds a minute of the rate';
comment on column public.destinations.breaker_until is 'Open until then, afterwards half open: one probe at a time; null = closed. See wedsync/kit/breaker.py';
comment on column public.destinations.breaker_from is 'When the window of results began; null = nothing bad was seen';
grant select, insert, update on public.destinations to wedsync_recorder;

create table public.subscriptions (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  destination_id uuid not null references public.destinations,
  connector text not null,
  patterns text[] not null,
  mode text not null default 'parallel' check (mode in ('parallel', 'ordered', 'latest')),
  active boolean not null default true,
  position integer not null default 2147483647,
  condition jsonpath,
  lane smallint check (lane between 1 and 3),
  shape jsonb,
  quiet jsonb,
  since timestamptz not null default clock_timestamp(),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.subscriptions is 'Who wants which event types (SQL like patterns), where to. tenant = wedding, or supplier: then every stream its active links open';
comment on column public.subscriptions.position is 'Of those of one destination the first that matches takes the event; an endpoint''s own list is the last';
comment on column public.subscriptions.condition is 'What the fact (op, record, old, severity) must fulfil; null = always';
comment on column public.subscriptions.lane is 'The lane of what it takes; null = by type, severity and how near the wedding is';
comment on column public.subscriptions.shape is 'A field map whose result is sent as data; null = the event as it is';
comment on column public.subscriptions.quiet is 'When nothing but the urgent leaves: {zone, from, until, days}; null = never';
create index subscriptions_tenant on public.subscriptions (tenant_id) where active;
create trigger bump before update on public.subscriptions for each row execute function app.bump();
call app.protect('public.subscriptions', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$,
  $$((select app.write_mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$);
grant select, insert, update on public.subscriptions to wedsync_recorder;

create table public.heads (
  destination_id uuid not null references public.destinations on delete cascade,
  stream_id uuid not null,
  seq bigint not null,
  primary key (destination_id, stream_id)
) with (fillfactor = 50);
comment on table public.heads is 'The last seq owed to a destination per stream, by whichever rule: what the next delivery names as previous_sequence';

create table public.deliveries (
  id uuid not null,
  made_at timestamptz not null,
  tenant_id uuid not null,
  connector text not null,
  destination_id uuid not null,
  subscription_id uuid,
  stream_id uuid,
  seq bigint,
  event_id uuid,
  event_at timestamptz,
  type text not null,
  link_id uuid,
  previous_seq bigint,
  recipient_kind app.recipient_kind,
  recipient_id uuid,
  sealed bytea,
  lane smallint not null,
  state app.delivery_state not null default 'pending',
  reason text not null default '',
  attempts integer not null default 0,
  next_at timestamptz,
  expires_at timestamptz,
  done_at timestamptz,
  replay_of uuid,
  is_test boolean not null default false,
  as_new boolean not null default false,
  primary key (id, made_at)
) partition by range (made_at);
comment on table public.deliveries is 'One event owed to one subscription or person; the durable ledger, one row each for ever until retention';
comment on column public.deliveries.is_test is 'Somebody asked for it to see it arrive: a past event once more, or without an event a made-up example, kept in the job''s args while that lives';
comment on column public.deliveries.as_new is 'A replay that the receiver must not take for a repeat: its webhook-id is its own';
create index deliveries_tenant on public.deliveries (tenant_id, made_at desc);
create index deliveries_event on public.deliveries (event_id);
create index deliveries_open on public.deliveries (destination_id, state) where state in ('parked', 'dead');

create table public.jobs (
  id uuid primary key,
  kind app.job_kind not null,
  name text not null default '',
  lane smallint not null default 2 check (lane between 0 and 3),
  tenant_id uuid not null,
  destination_id uuid not null,
  order_key uuid,
  order_seq bigint not null default 0,
  is_latest boolean not null default false,
  made_at timestamptz not null default clock_timestamp(),
  event_id uuid,
  args jsonb,
  run_at timestamptz not null default clock_timestamp(),
  attempt smallint not null default 0,
  live_until timestamptz,
  expires_at timestamptz,
  lease_token uuid,
  lease_until timestamptz,
  lease_seat integer,
  traceparent app.traceparent default nullif(current_setting('trace.parent', true), '')
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
comment on table public.jobs is 'Live work only, deleted when terminal: deliveries (id = delivery id), reactions, work (imports). order_key set = in order_seq order per destination';
comment on column public.jobs.lease_seat is 'Of the worker that holds it: whoever follows in the same seat knows that it is gone; null = nobody would follow';
comment on column public.jobs.traceparent is 'The span of the transaction that owes it, where that one is traced: W3C Trace Context';
-- An expression, so that nothing but the look at a lane's oldest uses it: to find one destination's oldest, a plan made while few were ready
-- would wade through the whole lane.
create index jobs_ready on public.jobs ((lane::integer), run_at) where lease_token is null;
create index jobs_lease on public.jobs (lease_until) where lease_token is not null;
create index jobs_busy on public.jobs (destination_id) where lease_token is not null;
comment on column public.jobs.is_latest is 'Mode latest: unsent, it gives way to a newer job of its order (the same subscription, stream and row)';
-- Order is per destination, key and name: two reactions of one stream do not wait for each other.
create index jobs_order on public.jobs (destination_id, order_key, name, order_seq) where order_key is not null;

create table public.attempts (
  id uuid not null default uuidv7(),
  made_at timestamptz not null default clock_timestamp(),
  delivery_id uuid not null,
  tenant_id uuid not null,
  number integer not null,
  outcome text not null,
  status integer,
  detail text not null default '' check (length(detail) <= 2000),
  response_head text not null default '' check (length(response_head) <= 8192),
  address text not null default '',
  resolve_ms real,
  first_byte_ms real,
  total_ms real,
  is_late boolean not null default false,
  started_at timestamptz not null,
  primary key (id, made_at)
) partition by range (made_at);
comment on table public.attempts is 'One try of a delivery: recorded in the statement that advances its state, or marked late';
create index attempts_delivery on public.attempts (delivery_id, number);

create table public.socket_positions (
  key bytea primary key,
  stream_id uuid not null,
  epoch integer not null,
  seq bigint not null,
  updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
comment on table public.socket_positions is 'The last position a socket confirmed, kept ten minutes so that a reconnect misses nothing';

create table public.security_events (
  id uuid not null default uuidv7(),
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  tenant_id uuid,
  actor_id uuid,
  address text not null default '',
  detail jsonb not null default '{}',
  primary key (id, at)
) partition by range (at);
comment on table public.security_events is 'Refusals and sign-ins, with addresses; never a secret';

create table public.access_log (
  tenant_id uuid not null,
  link_id uuid not null,
  scope integer not null,
  source text not null,
  slot timestamptz not null,
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  times integer not null default 1,
  primary key (tenant_id, link_id, scope, source, slot)
) partition by range (slot);
comment on table public.access_log is 'Who read what: one row per link, scope, source and five minutes';

-- Events, deliveries, attempts and subscriptions are read by the rule; only definer functions write the spine.
do $$
declare t text;
begin
  foreach t in array array['streams', 'event_types', 'reaction_types', 'events', 'destinations', 'heads', 'deliveries', 'jobs', 'attempts',
    'socket_positions', 'security_events', 'access_log'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('alter table public.%I force row level security', t);
    execute format('create policy recorder on public.%I for all to wedsync_recorder using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on public.%I to wedsync_recorder', t);
  end loop;
end $$;

create policy gate on public.events as restrictive for all to wedsync_user using (stream_id = (select app.tenant()));
create policy readable on public.events for select to wedsync_user using (
  case
    when link_id is not null then link_id = (select app.link()) or ((select app.mask()) & 512) <> 0
    when membership_id is not null then membership_id = (select app.membership()) or ((select app.mask()) & 512) <> 0
    else ((select app.mask()) & scope) <> 0
  end);
grant select on public.events to wedsync_user;
create policy gate on public.streams as restrictive for all to wedsync_user using (id = (select app.tenant()));
create policy readable on public.streams for select to wedsync_user using (true);
grant select on public.streams to wedsync_user;
create policy gate on public.destinations as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.destinations for select to wedsync_user using (
  ((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system'));
grant select (id, tenant_id, connector, not_before, state, per_min, rate_share, rate_at, breaker_failures, breaker_until, breaker_openings)
  on public.destinations to wedsync_user;
create policy gate on public.deliveries as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.deliveries for select to wedsync_user using (
  ((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin'));
grant select (id, made_at, tenant_id, connector, destination_id, subscription_id, stream_id, seq, event_id, type, previous_seq, recipient_kind,
  recipient_id, lane, state, reason, attempts, next_at, expires_at, done_at, replay_of, as_new, is_test) on public.deliveries to wedsync_user;
create policy gate on public.attempts as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.attempts for select to wedsync_user using (
  ((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin'));
grant select on public.attempts to wedsync_user;
create policy gate on public.access_log as restrictive for all to wedsync_user using (tenant_id = (select app.tenant()));
create policy readable on public.access_log for select to wedsync_user using (((select app.mask()) & 512) <> 0);
grant select on public.access_log to wedsync_user;

-- Partitions: monthly, made three months ahead by the clock and by every migration; children carry the parent's protection.
create function app.make_partitions(p_until date default (current_date + 100)) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  t text;
  m date;
  child text;
  made integer := 0;
begin
  foreach t in array array['events', 'deliveries', 'attempts', 'security_events', 'access_log'] loop
    m := date_trunc('month', current_date - interval '1 month')::date;
    while m <= p_until loop
      child := format('%s_%s', t, to_char(m, 'YYYYMM'));
      if to_regclass('public.' || child) is null then
        execute format('create table public.%I partition of public.%I for values from (%L) to (%L)', child, t, m, (m + interval '1 month')::date);
        execute format('alter table public.%I enable row level security', child);
        execute format('alter table public.%I force row level security', child);
        made := made + 1;
      end if;
      m := (m + interval '1 month')::date;
    end loop;
  end loop;
  return made;
end $$;
select app.make_partitions();
grant execute on function app.make_partitions(date) to wedsync_service;
reset role;
