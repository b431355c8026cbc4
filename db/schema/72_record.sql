-- app.record: a fact and what it owes, in the transaction of the change. The stream row is locked first; subscriptions, links and
-- reactions are matched in later statements, so that each sees what the previous holder of the lock committed.
set role wedsync_recorder;

-- An event in live form, as text: json is written as it is built, jsonb would be built, sorted and then written. Stable and without settings of
-- their own, so that both become part of the statement that asks.
create function app.event_text(e public.events, p_kind text) returns text
language sql stable
  return json_build_object('id', e.id, 'stream', p_kind || ':' || e.stream_id, 'epoch', e.epoch, 'seq', e.seq, 'type', e.type, 'version', e.version,
    'scope', e.scope, 'link_id', e.link_id, 'membership_id', e.membership_id,
    'subject', json_build_object('table', e.subject_table, 'id', e.subject_id), 'op', e.op, 'record', e.record, 'old_record', e.old_record,
    'actor', json_build_object('kind', e.actor_kind, 'id', e.actor_id), 'cause', e.cause, 'bulk', e.bulk,
    'occurred_at', to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text;
create function app.event_json(e public.events, p_kind text) returns jsonb
language sql stable
  return app.event_text(e, p_kind)::jsonb;

-- What a fact says, read out of its document once for the statements that need it; n is its place among the facts, from 1. A type that the
-- catalogue does not know has no lane and owes nothing.
create type app.told as (n integer, id uuid, type text, lane smallint, version smallint, scope integer, link_id uuid, membership_id uuid,
  subject text, subject_id uuid, op text, record jsonb, old_record jsonb, cause uuid, bulk boolean, is_severe boolean);

-- p_facts: [{type, scope, link, membership, table, id, op, record, old, bulk, severity, concerns: [link ids] | null, summary}] of the entered tenant.
-- Returns the nudge for Valkey: the events in live form, or one wake object when there are more than 64. p_cause: of an action in two calls; a fact
-- that follows from another tenant's action may name its own.
-- Plans are made once a connection: planned anew at each call, one answer of a guest would cost twice the CPU.
create function app.record(p_facts jsonb, p_cause uuid default null) returns text
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
  v_tenant uuid := app.tenant();
  v_kind text;
  v_epoch integer;
  v_base bigint;
  v_at timestamptz := clock_timestamp();
  v_cause uuid := coalesce(p_cause, nullif(current_setting('app.cause', true), '')::uuid, uuidv7());
  v_facts jsonb := p_facts;
  v_ids uuid[] := '{}';
  v_told app.told[];
  v_owes boolean;
  v_asks boolean;
  v_live timestamptz;
  v_nudge text;
begin
  if v_tenant is null then raise insufficient_privilege using message = 'record outside of a tenant'; end if;
  -- 1. the lock that makes commit order the order of seq
  select s.kind, s.epoch, s.top into v_kind, v_epoch, v_base from public.streams s where s.id = v_tenant for update;
  if not found then raise insufficient_privilege using message = 'record on an unknown stream'; end if;
  -- 2. derived facts; then once more, where a type asks, with what it asks. Bulk facts owe nothing and ask nobody
  if v_kind = 'wedding' then v_facts := v_facts || app.derived_facts(v_tenant, p_facts); end if;
  loop
    for v_n in cardinality(v_ids) + 1..jsonb_array_length(v_facts) loop v_ids := v_ids || uuidv7(); end loop;
    select array_agg(row(f.n, v_ids[f.n], f.type, t.lane, coalesce(f.version, 1::smallint), f.scope, f.link, f.membership, f.subject, f.id, f.op,
        f.record, f.old, f.cause, coalesce(f.bulk, false), coalesce(f.severity = 'high', false))::app.told order by f.n),
      bool_or(t.lane is not null and f.bulk is not true), v_told is null and v_kind = 'wedding' and bool_or(t.acknowledge and f.bulk is not true)
      into v_told, v_owes, v_asks
      from rows from (jsonb_to_recordset(v_facts) as (type text, version smallint, scope integer, link uuid, membership uuid, "table" text, id uuid,
        op text, record jsonb, old jsonb, cause uuid, bulk boolean, severity text)) with ordinality
        as f(type, version, scope, link, membership, subject, id, op, record, old, cause, bulk, severity, n)
      left join lateral (select y.lane, y.acknowledge from public.event_types y where y.type = f.type offset 0) t on true;
    exit when v_asks is not true;
    v_facts := v_facts || app.acknowledge_facts(v_tenant, v_facts, v_ids, v_base);
  end loop;
  -- 3. numbers, then the events
  update public.streams s set top = v_base + cardinality(v_ids) where s.id = v_tenant
    returning (select max(d.live_until) from (select app.now() as now offset 0) n, public.wedding_days d
      where v_kind = 'wedding' and d.wedding_id = v_tenant and n.now between d.live_from - interval '24 hours' and d.live_until) into v_live;
  with written as (
    insert into public.events as e (stream_id, seq, recorded_at, id, epoch, type, version, scope, link_id, membership_id, subject_table, subject_id, op,
      record, old_record, actor_kind, actor_id, cause, bulk, occurred_at, is_severe)
    select v_tenant, v_base + f.n, v_at, f.id, v_epoch, f.type, f.version, f.scope, f.link_id, f.membership_id, f.subject, f.subject_id, f.op,
      f.record, f.old_record, app.actor_kind(), app.actor(), coalesce(f.cause, v_cause), f.bulk, v_at, f.is_severe
    from unnest(v_told) f
    returning e.seq, case when cardinality(v_ids) <= 64 then app.event_text(e, v_kind) end as said)
  select case when cardinality(v_ids) <= 64 then '[' || string_agg(w.said, ', ' order by w.seq) || ']'
    else jsonb_build_array(jsonb_build_object('stream', v_kind || ':' || v_tenant, 'epoch', v_epoch, 'seq', v_base + cardinality(v_ids), 'wake', true))::text end
    into v_nudge from written w;
  -- 4. what the facts owe
  if v_owes then perform app.owe_facts(v_tenant, v_facts, v_told, v_base, v_at, v_live); end if;
  return v_nudge;
end $$;

-- Facts that follow from facts in the same transaction: head counts of the items that answers or guests touched, and of these whether all fit.
-- Answers that changed are added to what was counted: the stream's lock makes that right, and a count would read every guest. Few of them name a
-- meal, and only these look at meals.
create function app.derived_facts(p_wedding uuid, p_facts jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
  v_counted uuid[];
  v_meals boolean;
  v_all jsonb := '[]';
begin
  if p_facts @? '$[*] ? (@.table == "rsvps" && (@.op != "UPDATE" || @.is_counted == true)
      || @.table == "guests" && @.op == "UPDATE" && @.record.age_band != @.old.age_band)' then
    select array_agg(distinct x.item) into v_counted from (
      select (coalesce(nullif(f.x -> 'record', 'null'), f.x -> 'old') ->> 'schedule_item_id')::uuid as item
        from jsonb_array_elements(p_facts) as f(x) where f.x ->> 'table' = 'rsvps'
      union all
      select r.schedule_item_id from jsonb_array_elements(p_facts) as f(x)
        join public.rsvps r on r.wedding_id = p_wedding and r.guest_id = (f.x ->> 'id')::uuid
        where f.x ->> 'table' = 'guests' and f.x ->> 'op' = 'UPDATE' and f.x -> 'record' ->> 'age_band' is distinct from f.x -> 'old' ->> 'age_band') x
    where x.item is not null;
  elsif p_facts @? '$[*] ? (@.table == "rsvps")' then
    v_meals := p_facts @? '$[*] ? (@.table == "rsvps" && (@.record.menu_option_id != null || @.old.menu_option_id != null))';
    with sums as materialized (
      select a.item, sum((a.status = 'accepted')::integer - (a.was = 'accepted')::integer) as accepted,
        sum((a.status = 'declined')::integer - (a.was = 'declined')::integer) as declined,
        sum((a.status = 'tentative')::integer - (a.was = 'tentative')::integer) as tentative,
        sum((a.status = 'needs_action')::integer - (a.was = 'needs_action')::integer) as pending,
        sum(((a.status = 'accepted')::integer - (a.was = 'accepted')::integer) * a.is_child::integer) as children
      from (
        select (f.record ->> 'schedule_item_id')::uuid as item, f.record ->> 'status' as status, f.old ->> 'status' as was,
          coalesce((select g.age_band in ('child', 'infant') from public.guests g
            where g.wedding_id = p_wedding and g.id = (f.record ->> 'guest_id')::uuid), false) as is_child
        from jsonb_to_recordset(p_facts) as f("table" text, record jsonb, old jsonb) where f."table" = 'rsvps' offset 0) a
      group by a.item),
    changed as (
      update public.headcounts h set accepted = h.accepted + s.accepted, declined = h.declined + s.declined, tentative = h.tentative + s.tentative,
        pending = h.pending + s.pending, children = h.children + s.children,
        meals = case when v_meals then app.add_to_meals(h.meals, s.item, p_facts) else h.meals end
      from sums s
      where h.wedding_id = p_wedding and h.schedule_item_id = s.item
        and ((s.accepted, s.declined, s.tentative, s.pending, s.children) is distinct from (0, 0, 0, 0, 0)
          or v_meals and app.add_to_meals(h.meals, s.item, p_facts) <> h.meals)
      returning app.headcount_fact(new.id, 'UPDATE', to_jsonb(new), to_jsonb(old)) as fact)
    select (select coalesce(jsonb_agg(c.fact), '[]') from changed c), array_agg(s.item) filter (where not exists (
        select from public.headcounts h where h.wedding_id = p_wedding and h.schedule_item_id = s.item))
      into v_all, v_counted from sums s;
  end if;
  if v_counted is not null then
    select v_all || coalesce(jsonb_agg(app.headcount_fact(h.id, h.op, h.record, h.old_record)), '[]') into v_all
      from app.derive_headcounts(p_wedding, v_counted) h;
  end if;
  -- Most weddings have no spaces, and pay for one look into an index.
  if exists (select from public.space_uses u where u.wedding_id = p_wedding) then v_all := v_all || app.space_facts(p_wedding, p_facts || v_all); end if;
  return v_all;
end $$;

-- A type that says "acknowledge" opens, or reopens, one row per concerned active link that may see the fact.
create function app.acknowledge_facts(p_wedding uuid, p_facts jsonb, p_ids uuid[], p_base bigint) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
  v jsonb;
begin
  with asked as (
    select distinct on (l.id, f.about) l.id as link_id, f.about, p_ids[f.n] as event_id, f.x ->> 'type' as type, coalesce(f.x -> 'summary', '{}') as summary, p_base + f.n as seq
    from (select a.x, a.n, coalesce(a.x ->> 'about', (a.x ->> 'table') || ':' || (a.x ->> 'id')) as about
      from jsonb_array_elements(p_facts) with ordinality as a(x, n)) f
    join public.event_types t on t.type = f.x ->> 'type' and t.acknowledge
    join public.links l on l.wedding_id = p_wedding and l.status = 'active'
      and case when f.x ->> 'link' is null then l.mask & (f.x ->> 'scope')::integer <> 0 else l.id = (f.x ->> 'link')::uuid end
      and (coalesce(jsonb_typeof(f.x -> 'concerns'), 'null') <> 'array' or f.x -> 'concerns' ? l.id::text)
      and l.id is distinct from app.link()
    where not coalesce((f.x ->> 'bulk')::boolean, false)
    order by l.id, f.about, f.n desc),
  opened as (
    insert into public.acknowledgements as a (wedding_id, link_id, about, event_id, event_seq, type, summary, opened_at)
    select p_wedding, q.link_id, q.about, q.event_id, q.seq, q.type, q.summary, app.now() from asked q
    on conflict (wedding_id, link_id, about) do update
      set event_id = excluded.event_id, event_seq = excluded.event_seq, type = excluded.type, summary = excluded.summary, status = 'open',
        opened_at = excluded.opened_at, seen_at = null, acknowledged_at = null, acknowledged_by = null, cannot_at = null, via = null
    returning new.id as id, new.link_id as link_id, to_jsonb(new) as record, case when old.id is null then null else to_jsonb(old) end as old_record)
  select jsonb_agg(jsonb_build_object('type', 'acknowledgement.opened', 'scope', 1, 'link', o.link_id, 'table', 'acknowledgements', 'id', o.id,
    'op', case when o.old_record is null then 'INSERT' else 'UPDATE' end, 'record', o.record, 'old', o.old_record)) into v from opened o;
  return coalesce(v, '[]');
end $$;

-- A fact that a subscription takes, and one that a reaction answers.
create type app.matched as (id uuid, subscription_id uuid, tenant_id uuid, connector text, destination_id uuid, mode text, seq bigint, event_id uuid,
  type text, link_id uuid, order_key uuid, lane smallint, held_until timestamptz);
create type app.due as (n integer, event_id uuid, name text, is_merged boolean, is_swept boolean);

-- Whether a stream has any of what a reaction is about: a wedding without a channel owes no telling of one. Each such job cost a claim and four
-- round trips to find nothing.
create function app.has_any(p_needs text, p_stream uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return p_needs = 'chats' and exists (select from public.chats c where c.wedding_id = p_stream and c.state in ('opening', 'active'));
end $$;

-- What facts owe. One delivery per destination whose tenant may see the fact, by the first of its subscriptions that matches, with the previous seq
-- that destination was owed; app.routed says by the same predicates why. One reaction per name whose condition holds. A reaction that is merged
-- looks at what stands, not at its event: while one of its name waits in this stream no other is owed. The lock on the waiting one makes that sure:
-- it cannot start before our commit. What is swept by its noun is there to be claimed only if that has not come to it within a second.
create function app.owe_facts(p_stream uuid, p_facts jsonb, p_told app.told[], p_base bigint, p_at timestamptz, p_live timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_reaction constant uuid := '00000000-0000-7000-8000-000000000002';
  v_matched app.matched[];
  v_is_latest boolean;
  v_due app.due[];
  v_is_merged boolean;
  v_waiting text[] := '{}';
begin
  select array_agg(row(uuidv7(), f.subscription_id, f.tenant_id, f.connector, f.destination_id, f.mode, p_base + f.n, f.id, f.type, f.link_id,
      f.order_key, f.lane, case when f.quiet is not null and f.lane > 0 and p_live is null then app.held_until(f.quiet, p_stream) end)::app.matched),
    bool_or(f.mode = 'latest') into v_matched, v_is_latest
  from (
    select distinct on (s.destination_id, e.n) s.id as subscription_id, s.tenant_id, s.connector, s.destination_id, s.mode, s.quiet, e.n, e.id,
      e.type, a.link_id, app.lane_for(s.lane, e.lane, p_live is not null, e.is_severe) as lane,
      case s.mode when 'ordered' then p_stream when 'latest' then md5(s.id::text || p_stream || e.subject || e.subject_id)::uuid end as order_key
    from (select p_stream as tenant_id, null::uuid as link_id, null::integer as mask
      union all select l.supplier_id, l.id, l.mask from public.links l where l.wedding_id = p_stream and l.status = 'active') a
    join public.subscriptions s on s.tenant_id = a.tenant_id and s.active
    -- By type first, whatever the planner thinks a condition costs: everybody's rules are asked while the stream is held.
    join unnest(p_told) e on case when e.bulk or e.lane is null or not e.type like any (s.patterns) then false
      when not app.hears(a.mask, a.link_id, e.scope, e.link_id, e.membership_id) then false
      when s.condition is null then true
      else app.holds(s.condition, app.fact_for(p_facts -> (e.n - 1), a.link_id)) end
    order by s.destination_id, e.n, s.position, s.id) f;
  select array_agg(row(e.n, e.id, t.name, t.is_merged, t.is_swept)::app.due), bool_or(t.is_merged) into v_due, v_is_merged
    from unnest(p_told) e join public.reaction_types t on t.type = e.type
    where not e.bulk and (t.condition is null or jsonb_path_match(p_facts -> (e.n - 1), t.condition, '{}', true))
      and (t.needs is null or app.has_any(t.needs, p_stream));
  if v_matched is not null then
    with moved as (
      insert into public.heads as h (destination_id, stream_id, seq)
      select m.destination_id, p_stream, max(m.seq) from unnest(v_matched) m group by m.destination_id
      on conflict (destination_id, stream_id) do update set seq = excluded.seq
      returning new.destination_id, old.seq)
    insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, subscription_id, stream_id, seq, event_id, event_at, type, link_id,
      previous_seq, lane, state, reason, next_at)
    select m.id, p_at, m.tenant_id, m.connector, m.destination_id, m.subscription_id, p_stream, m.seq, m.event_id, p_at, m.type, m.link_id,
      coalesce(lag(m.seq) over (partition by m.destination_id order by m.seq), (select o.seq from moved o where o.destination_id = m.destination_id)),
      m.lane, case when m.held_until is null then 'pending' else 'deferred' end,
      case when m.held_until is null then '' else 'held by the quiet hours of its rule' end, m.held_until from unnest(v_matched) m;
  end if;
  if v_is_merged then
    v_waiting := array(
      select j.name from public.jobs j where j.destination_id = v_reaction and j.order_key = p_stream and num_nulls(j.lease_token) = 1
        and j.name in (select d.name from unnest(v_due) d where d.is_merged)
      for update skip locked);
  end if;
  if v_matched is not null or v_due is not null then
    insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, is_latest, made_at, event_id, live_until, run_at)
    select m.id, 'delivery', m.connector, m.lane, m.tenant_id, m.destination_id, m.order_key, m.seq, m.mode = 'latest', p_at, m.event_id, p_live,
      coalesce(m.held_until, clock_timestamp())
    from unnest(v_matched) m
    union all
    select uuidv7(), 'reaction', d.name, 0, p_stream, v_reaction, p_stream, p_base + d.n, false, p_at, d.event_id, p_live,
      case when d.is_swept then clock_timestamp() + interval '1 second' else clock_timestamp() end from unnest(v_due) d
      where not d.is_merged or (d.name <> all (v_waiting) and not exists (select from unnest(v_due) x where x.name = d.name and x.n < d.n));
  end if;
  -- Of what was owed before, and by this action itself, only the newest of each row goes on.
  if v_is_latest then
    perform app.supersede(array_agg(m.destination_id), array_agg(m.order_key)) from unnest(v_matched) m where m.mode = 'latest';
  end if;
end $$;

grant execute on function app.record(jsonb, uuid) to wedsync_user;

-- What all tenants share: texts and calls wait for their own provider, mails for theirs; and what calls people in an emergency waits for neither: it
-- has places of its own, so that a provider that hangs with all others in its hand keeps nobody from being called.
create function app.shared_destination(p_connector text, p_lane smallint default 1) returns uuid
language sql immutable parallel safe set search_path = ''
  return case when p_connector = 'twilio' and p_lane = 0 then '00000000-0000-7000-8000-00000000000b'::uuid
    when p_connector = 'twilio' then '00000000-0000-7000-8000-000000000009'
    when p_lane = 0 then '00000000-0000-7000-8000-00000000000c'
    else '00000000-0000-7000-8000-000000000001' end;

-- The user door hands direct deliveries (mails of notices) to the ledger. The id derives from (event or action, recipient, channel), so
-- owing twice makes one row. p: [{id, recipient_kind, recipient_id, event_id, seq, type, connector, lane, sealed hex, expires_at, link}] of the entered tenant, as system or couple.
create function app.owe(p jsonb) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_made integer;
begin
  if app.tenant() is null or app.role() not in ('system', 'couple', 'owner', 'admin', 'self', 'supplier') then
    raise insufficient_privilege using message = 'owe outside of a tenant';
  end if;
  with wanted as (
    select (f.x ->> 'id')::uuid as id, e.recorded_at as made_at, f.x
    from jsonb_array_elements(p) as f(x)
    join public.events e on e.stream_id = app.tenant() and e.seq = (f.x ->> 'seq')::bigint and e.id = (f.x ->> 'event_id')::uuid),
  made as (
    insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, stream_id, seq, event_id, event_at, type, link_id, recipient_kind,
      recipient_id, sealed, lane, expires_at)
    select w.id, w.made_at, app.tenant(), w.x ->> 'connector', app.shared_destination(w.x ->> 'connector', coalesce((w.x ->> 'lane')::smallint, 1::smallint)),
      app.tenant(), (w.x ->> 'seq')::bigint,
      (w.x ->> 'event_id')::uuid, w.made_at, w.x ->> 'type', (w.x ->> 'link')::uuid, w.x ->> 'recipient_kind',
      (w.x ->> 'recipient_id')::uuid, decode(w.x ->> 'sealed', 'hex'), coalesce((w.x ->> 'lane')::smallint, 1::smallint), (w.x ->> 'expires_at')::timestamptz
    from wanted w
    on conflict (id, made_at) do nothing
    returning id, made_at, lane, connector, event_id, expires_at)
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, event_id, expires_at)
  select m.id, 'delivery', m.connector, m.lane, app.tenant(), app.shared_destination(m.connector, m.lane), m.made_at, m.event_id, m.expires_at from made m
  on conflict (id) do nothing;
  get diagnostics v_made = row_count;
  return v_made;
end $$;
grant execute on function app.owe(jsonb) to wedsync_user;

-- Long work of a noun (an import) as a job of the entered tenant.
create function app.owe_work(p_name text, p_args jsonb, p_lane smallint default 3) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  v uuid := uuidv7();
begin
  if app.tenant() is null or app.role() not in ('system', 'couple', 'owner', 'admin') then raise insufficient_privilege using message = 'owe outside of a tenant'; end if;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
    values (v, 'work', p_name, p_lane, app.tenant(), '00000000-0000-7000-8000-000000000003', p_args);
  return v;
end $$;
grant execute on function app.owe_work(text, jsonb, smallint) to wedsync_user;

-- A webhook endpoint becomes a destination and a subscription of the ledger.
create function app.connect_endpoint(p_endpoint uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  e record;
begin
  select * into e from public.endpoints x where x.id = p_endpoint and x.tenant_id = app.tenant();
  if not found or not (app.mask() & 512 <> 0) then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.destinations as d (id, tenant_id, connector, state)
    values (e.id, e.tenant_id, 'webhook', case when e.state = 'active' and e.deleted_at is null then 'active' else 'parked' end)
    on conflict (id) do update set state = excluded.state, breaker_failures = 0, breaker_until = null, breaker_openings = 0, breaker_from = null,
      breaker_results = 0, breaker_failed = 0, breaker_slow = 0, not_before = case when d.breaker_until is null then d.not_before else '-infinity' end
    -- Whoever changes an endpoint may have mended it: it is tried at once.
    where d.state <> excluded.state or d.breaker_from is not null or d.breaker_until is not null;
  insert into public.subscriptions as s (id, tenant_id, destination_id, connector, patterns, mode, active)
    values (e.id, e.tenant_id, e.id, 'webhook', app.like_patterns(e.events), e.mode, e.deleted_at is null)
    on conflict (id) do update set patterns = excluded.patterns, mode = excluded.mode, active = excluded.active
    where (s.patterns, s.mode, s.active) is distinct from (excluded.patterns, excluded.mode, excluded.active);
  if e.deleted_at is not null then
    perform app.end_jobs(array(select j.id from public.jobs j where j.destination_id = e.id and j.kind = 'delivery'), 'cancelled',
      'the endpoint was deleted');
  end if;
end $$;
grant execute on function app.connect_endpoint(uuid) to wedsync_user;
reset role;

set role wedsync_owner;
alter table public.destinations no force row level security;
insert into public.destinations (id, tenant_id, connector, max_in_flight) values
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000000', 'mail', 16),
  ('00000000-0000-7000-8000-00000000000c', '00000000-0000-7000-8000-000000000000', 'mail', 32),
  ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000000', 'reaction', 16),
  ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000000', 'work', 4);
alter table public.destinations force row level security;
alter table public.streams no force row level security;
insert into public.streams (id, kind) values ('00000000-0000-7000-8000-000000000000', 'platform');
alter table public.streams force row level security;
reset role;

-- What record knows of types and reactions, replaced as a whole by the migrator and the tests.
set role wedsync_recorder;
create function app.sync_catalogue(p jsonb) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.event_types as t (type, lane, acknowledge)
    select x ->> 'type', (x ->> 'lane')::smallint, (x ->> 'acknowledge')::boolean from jsonb_array_elements(p -> 'types') as f(x)
    on conflict (type) do update set lane = excluded.lane, acknowledge = excluded.acknowledge
    where (t.lane, t.acknowledge) is distinct from (excluded.lane, excluded.acknowledge);
  delete from public.reaction_types r where (r.name, r.type) not in (select x ->> 'name', x ->> 'type' from jsonb_array_elements(p -> 'reactions') as f(x));
  insert into public.reaction_types as r (name, type, condition, is_merged, is_swept, needs)
    select x ->> 'name', x ->> 'type', (x ->> 'condition')::jsonpath, (x ->> 'is_merged')::boolean, (x ->> 'is_swept')::boolean, x ->> 'needs'
    from jsonb_array_elements(p -> 'reactions') as f(x)
    on conflict (name, type) do update set condition = excluded.condition, is_merged = excluded.is_merged, is_swept = excluded.is_swept, needs = excluded.needs
    where (r.condition::text, r.is_merged, r.is_swept, r.needs)
      is distinct from (excluded.condition::text, excluded.is_merged, excluded.is_swept, excluded.needs);
$$;
grant execute on function app.sync_catalogue(jsonb) to wedsync_owner;
reset role;
