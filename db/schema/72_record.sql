-- app.record: a fact and what it owes, in the transaction of the change. The stream row is locked first; subscriptions, links and
-- reactions are matched in later statements, so that each sees what the previous holder of the lock committed.
set role wedsync_recorder;

-- Head counts are facts of facts: recomputed under the stream lock for the items an answer or a guest touched. A wedding that no statistics know
-- looks small to the planner: without hash joins a list of 10,000 that was just brought in would be read 10,000 times.
create function app.derive_headcounts(p_wedding uuid, p_items uuid[])
returns table (id uuid, op text, record jsonb, old_record jsonb)
language sql volatile set search_path = '' set enable_nestloop = off as $$
  with counted as (
    select r.schedule_item_id, count(*)::int as invited, count(*) filter (where r.status = 'accepted')::int as accepted,
      count(*) filter (where r.status = 'declined')::int as declined, count(*) filter (where r.status = 'tentative')::int as tentative,
      count(*) filter (where r.status = 'needs_action')::int as pending,
      count(*) filter (where r.status = 'accepted' and g.age_band in ('child', 'infant'))::int as children
    from public.rsvps r join public.guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
    where r.wedding_id = p_wedding and r.schedule_item_id = any (p_items)
    group by r.schedule_item_id),
  meals as (
    select x.schedule_item_id, jsonb_object_agg(x.menu_option_id, x.n) as meals
    from (select r.schedule_item_id, r.menu_option_id, count(*) as n from public.rsvps r
      where r.wedding_id = p_wedding and r.schedule_item_id = any (p_items) and r.status = 'accepted' and r.menu_option_id is not null
      group by 1, 2) x
    group by x.schedule_item_id),
  wanted as (
    select i.item as schedule_item_id, coalesce(c.invited, 0) as invited, coalesce(c.accepted, 0) as accepted, coalesce(c.declined, 0) as declined,
      coalesce(c.tentative, 0) as tentative, coalesce(c.pending, 0) as pending, coalesce(c.children, 0) as children, coalesce(m.meals, '{}') as meals
    from unnest(p_items) as i(item)
    join public.schedule_items s on s.wedding_id = p_wedding and s.id = i.item
    left join counted c on c.schedule_item_id = i.item left join meals m on m.schedule_item_id = i.item)
  insert into public.headcounts as h (wedding_id, schedule_item_id, invited, accepted, declined, tentative, pending, children, meals)
  select p_wedding, w.schedule_item_id, w.invited, w.accepted, w.declined, w.tentative, w.pending, w.children, w.meals from wanted w
  on conflict (wedding_id, schedule_item_id) do update
    set invited = excluded.invited, accepted = excluded.accepted, declined = excluded.declined, tentative = excluded.tentative,
      pending = excluded.pending, children = excluded.children, meals = excluded.meals
    where (h.invited, h.accepted, h.declined, h.tentative, h.pending, h.children, h.meals)
      is distinct from (excluded.invited, excluded.accepted, excluded.declined, excluded.tentative, excluded.pending, excluded.children, excluded.meals)
  returning new.id, case when old.id is null then 'INSERT' else 'UPDATE' end, to_jsonb(new), case when old.id is null then null else to_jsonb(old) end;
$$;

-- Stable as what it calls: as immutable it would not become part of the statement that asks, and would cost more than all else of a head count.
create function app.headcount_fact(p_id uuid, p_op text, p_record jsonb, p_old jsonb) returns jsonb language sql stable
  return jsonb_build_object('type', 'headcount.changed', 'scope', 8, 'table', 'headcounts', 'id', p_id, 'op', p_op, 'record', p_record, 'old', p_old);

-- An event in live form. Stable and without settings of its own, so that it becomes part of the statement that asks.
create function app.event_json(e public.events, p_kind text) returns jsonb
language sql stable
  return jsonb_build_object('id', e.id, 'stream', p_kind || ':' || e.stream_id, 'epoch', e.epoch, 'seq', e.seq, 'type', e.type, 'version', e.version,
    'scope', e.scope, 'link_id', e.link_id, 'membership_id', e.membership_id,
    'subject', jsonb_build_object('table', e.subject_table, 'id', e.subject_id), 'op', e.op, 'record', e.record, 'old_record', e.old_record,
    'actor', jsonb_build_object('kind', e.actor_kind, 'id', e.actor_id), 'cause', e.cause, 'bulk', e.bulk,
    'occurred_at', to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));

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
  v_ids uuid[];
  v_owes boolean;
  v_asks boolean;
  v_nudge text;
begin
  if v_tenant is null then raise insufficient_privilege using message = 'record outside of a tenant'; end if;
  -- 1. the lock that makes commit order the order of seq
  select s.kind, s.epoch, s.top into v_kind, v_epoch, v_base from public.streams s where s.id = v_tenant for update;
  if not found then raise insufficient_privilege using message = 'record on an unknown stream'; end if;
  -- 2. derived facts; bulk facts owe nothing and ask nobody
  if v_kind = 'wedding' then v_facts := v_facts || app.derived_facts(v_tenant, p_facts); end if;
  v_ids := array(select uuidv7() from jsonb_array_elements(v_facts));
  select count(*) > 0, coalesce(bool_or(t.acknowledge), false) into v_owes, v_asks
    from jsonb_array_elements(v_facts) as f(x) join public.event_types t on t.type = f.x ->> 'type'
    where not coalesce((f.x ->> 'bulk')::boolean, false);
  if v_asks and v_kind = 'wedding' then
    v_facts := v_facts || app.acknowledge_facts(v_tenant, v_facts, v_ids, v_base);
    v_ids := v_ids || array(select uuidv7() from generate_series(cardinality(v_ids) + 1, jsonb_array_length(v_facts)));
  end if;
  -- 3. numbers, then the events
  update public.streams s set top = v_base + cardinality(v_ids) where s.id = v_tenant;
  with written as (
    insert into public.events (stream_id, seq, recorded_at, id, epoch, type, version, scope, link_id, membership_id, subject_table, subject_id, op,
      record, old_record, actor_kind, actor_id, cause, bulk, occurred_at, is_severe)
    select v_tenant, v_base + f.n, v_at, v_ids[f.n], v_epoch, f.x ->> 'type', coalesce((f.x ->> 'version')::smallint, 1),
      (f.x ->> 'scope')::integer, (f.x ->> 'link')::uuid, (f.x ->> 'membership')::uuid, f.x ->> 'table', (f.x ->> 'id')::uuid, f.x ->> 'op',
      nullif(f.x -> 'record', 'null'), nullif(f.x -> 'old', 'null'), app.actor_kind(), app.actor(), coalesce((f.x ->> 'cause')::uuid, v_cause),
      coalesce((f.x ->> 'bulk')::boolean, false), v_at, coalesce(f.x ->> 'severity' = 'high', false)
    from jsonb_array_elements(v_facts) with ordinality as f(x, n)
    returning events)
  select case when cardinality(v_ids) <= 64 then jsonb_agg(app.event_json(w.events, v_kind) order by (w.events).seq)::text
    else jsonb_build_array(jsonb_build_object('stream', v_kind || ':' || v_tenant, 'epoch', v_epoch, 'seq', v_base + cardinality(v_ids), 'wake', true))::text end
    into v_nudge from written w;
  -- 4. what the facts owe
  if v_owes then perform app.owe_facts(v_tenant, v_facts, v_ids, v_base, v_at); end if;
  return v_nudge;
end $$;

-- Answers that changed, added to what was counted: the stream's lock makes that right, and a count would read every guest.
create function app.add_to_headcounts(p_wedding uuid, p_items uuid[], p_facts jsonb)
returns table (id uuid, op text, record jsonb, old_record jsonb)
language sql volatile set search_path = '' as $$
  with answers as materialized (
    select (f.x -> 'record' ->> 'schedule_item_id')::uuid as item, i.status, i.menu, i.n, g.age_band in ('child', 'infant') as is_child
    from jsonb_array_elements(p_facts) as f(x)
    join public.guests g on g.wedding_id = p_wedding and g.id = (f.x -> 'record' ->> 'guest_id')::uuid
    cross join lateral (values (f.x -> 'record' ->> 'status', f.x -> 'record' ->> 'menu_option_id', 1),
      (f.x -> 'old' ->> 'status', f.x -> 'old' ->> 'menu_option_id', -1)) as i(status, menu, n)
    where f.x ->> 'table' = 'rsvps'),
  sums as (
    select a.item, coalesce(sum(a.n) filter (where a.status = 'accepted'), 0) as accepted, coalesce(sum(a.n) filter (where a.status = 'declined'), 0) as declined,
      coalesce(sum(a.n) filter (where a.status = 'tentative'), 0) as tentative, coalesce(sum(a.n) filter (where a.status = 'needs_action'), 0) as pending,
      coalesce(sum(a.n) filter (where a.status = 'accepted' and a.is_child), 0) as children
    from answers a where a.item = any (p_items) group by a.item)
  update public.headcounts h set accepted = h.accepted + s.accepted, declined = h.declined + s.declined, tentative = h.tentative + s.tentative,
    pending = h.pending + s.pending, children = h.children + s.children, meals = m.meals
  from sums s, lateral (
    select coalesce(jsonb_object_agg(x.menu, x.n) filter (where x.n <> 0), '{}') as meals from (
      select y.menu, sum(y.n) as n from (
        select k.key as menu, k.value::integer as n from public.headcounts b, jsonb_each_text(b.meals) k
          where b.wedding_id = p_wedding and b.schedule_item_id = s.item
        union all select a.menu, a.n from answers a where a.item = s.item and a.status = 'accepted' and a.menu is not null) y
      group by y.menu) x) m
  where h.wedding_id = p_wedding and h.schedule_item_id = s.item
    and ((s.accepted, s.declined, s.tentative, s.pending, s.children) is distinct from (0, 0, 0, 0, 0) or m.meals <> h.meals)
  returning new.id, 'UPDATE', to_jsonb(new), to_jsonb(old);
$$;

-- Facts that follow from facts in the same transaction: head counts of the items that answers or guests touched, and of these whether all fit.
create function app.derived_facts(p_wedding uuid, p_facts jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
  v_changed uuid[];
  v_counted uuid[];
  v_all jsonb := '[]';
begin
  select array_agg(i.item) filter (where i.is_added), array_agg(i.item) filter (where not i.is_added) into v_changed, v_counted from (
    select x.item, bool_and(x.is_answer) and exists (select from public.headcounts h where h.wedding_id = p_wedding and h.schedule_item_id = x.item) as is_added
    from (
      select (coalesce(nullif(f.x -> 'record', 'null'), f.x -> 'old') ->> 'schedule_item_id')::uuid as item,
          f.x ->> 'op' = 'UPDATE' and f.x -> 'is_counted' is null as is_answer
        from jsonb_array_elements(p_facts) as f(x) where f.x ->> 'table' = 'rsvps'
      union all
      select r.schedule_item_id, false from jsonb_array_elements(p_facts) as f(x)
        join public.rsvps r on r.wedding_id = p_wedding and r.guest_id = (f.x ->> 'id')::uuid
        where f.x ->> 'table' = 'guests' and f.x ->> 'op' = 'UPDATE' and f.x -> 'record' ->> 'age_band' is distinct from f.x -> 'old' ->> 'age_band') x
    where x.item is not null group by x.item) i;
  if v_changed is not null then
    select v_all || coalesce(jsonb_agg(app.headcount_fact(h.id, h.op, h.record, h.old_record)), '[]') into v_all
      from app.add_to_headcounts(p_wedding, v_changed, p_facts) h;
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

-- What facts owe. One delivery per destination whose tenant may see the fact, by the first of its subscriptions that matches, with the previous seq
-- that destination was owed; app.routed says by the same predicates why. One reaction per name whose condition holds. A reaction that is merged
-- looks at what stands, not at its event: while one of its name waits in this stream no other is owed. The lock on the waiting one makes that sure:
-- it cannot start before our commit. What is swept by its noun is there to be claimed only if that has not come to it within a second.
create function app.owe_facts(p_stream uuid, p_facts jsonb, p_ids uuid[], p_base bigint, p_at timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_reaction constant uuid := '00000000-0000-7000-8000-000000000002';
  v_live timestamptz;
  v_destinations uuid[];
  v_keys uuid[];
begin
  select max(d.live_until) into v_live from public.wedding_days d
    where d.wedding_id = p_stream and app.now() between d.live_from - interval '24 hours' and d.live_until;
  with told as materialized (
    select f.n, p_base + f.n as seq, p_ids[f.n] as event_id, f.x ->> 'type' as type, t.lane, (f.x ->> 'scope')::integer as scope,
      (f.x ->> 'table') || (f.x ->> 'id') as subject, coalesce(f.x ->> 'severity' = 'high', false) as is_severe,
      (f.x ->> 'link')::uuid as link_id, (f.x ->> 'membership')::uuid as membership_id, f.x
    from jsonb_array_elements(p_facts) with ordinality as f(x, n) join public.event_types t on t.type = f.x ->> 'type'
    where not coalesce((f.x ->> 'bulk')::boolean, false)),
  wanted as materialized (
    select s.id, s.tenant_id, s.connector, s.destination_id, s.mode, s.patterns, s.position, s.condition, s.lane, s.quiet, a.link_id, a.mask
    from (select p_stream as tenant_id, null::uuid as link_id, null::integer as mask
      union all select l.supplier_id, l.id, l.mask from public.links l where l.wedding_id = p_stream and l.status = 'active') a
    join public.subscriptions s on s.tenant_id = a.tenant_id and s.active),
  matched as materialized (
    select uuidv7() as id, f.subscription_id, f.tenant_id, f.connector, f.destination_id, f.mode, f.seq, f.event_id, f.type, f.link_id, f.order_key, f.lane,
      coalesce(lag(f.seq) over (partition by f.destination_id order by f.seq), h.seq) as previous_seq,
      case when f.quiet is not null and f.lane > 0 and v_live is null then app.held_until(f.quiet, p_stream) end as held_until
    from (
      select distinct on (w.destination_id, e.seq) w.id as subscription_id, w.tenant_id, w.connector, w.destination_id, w.mode, w.quiet, e.seq, e.event_id,
        e.type, w.link_id, app.lane_for(w.lane, e.lane, v_live is not null, e.is_severe) as lane,
        case w.mode when 'ordered' then p_stream when 'latest' then md5(w.id::text || p_stream || e.subject)::uuid end as order_key
      -- By type first, whatever the planner thinks a condition costs: everybody's rules are asked while the stream is held.
      from wanted w join told e on case when not e.type like any (w.patterns) then false
        when not app.hears(w.mask, w.link_id, e.scope, e.link_id, e.membership_id) then false
        else app.holds(w.condition, app.fact_for(e.x, w.link_id)) end
      order by w.destination_id, e.seq, w.position, w.id) f
    left join public.heads h on h.destination_id = f.destination_id and h.stream_id = p_stream),
  owed as (
    insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, subscription_id, stream_id, seq, event_id, event_at, type, link_id,
      previous_seq, lane, state, reason, next_at)
    select m.id, p_at, m.tenant_id, m.connector, m.destination_id, m.subscription_id, p_stream, m.seq, m.event_id, p_at, m.type, m.link_id,
      m.previous_seq, m.lane, case when m.held_until is null then 'pending' else 'deferred' end,
      case when m.held_until is null then '' else 'held by the quiet hours of its rule' end, m.held_until from matched m),
  remembered as (
    insert into public.heads as h (destination_id, stream_id, seq)
    select m.destination_id, p_stream, max(m.seq) from matched m group by m.destination_id
    on conflict (destination_id, stream_id) do update set seq = excluded.seq),
  due as (
    select e.seq, e.event_id, t.name, t.is_merged, t.is_swept, row_number() over (partition by t.name order by e.seq) as nth
    from told e join public.reaction_types t on t.type = e.type
    where t.condition is null or jsonb_path_match(e.x, t.condition, '{}', true)),
  waiting as (
    select j.name from public.jobs j where j.destination_id = v_reaction and j.order_key = p_stream and j.lease_token is null
      and j.name in (select d.name from due d where d.is_merged)
    for update skip locked),
  jobs as (
    insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, is_latest, made_at, event_id, live_until, run_at)
    select m.id, 'delivery', m.connector, m.lane, m.tenant_id, m.destination_id, m.order_key, m.seq, m.mode = 'latest', p_at, m.event_id, v_live,
      coalesce(m.held_until, clock_timestamp())
    from matched m
    union all
    select uuidv7(), 'reaction', d.name, 0, p_stream, v_reaction, p_stream, d.seq, false, p_at, d.event_id, v_live,
      case when d.is_swept then clock_timestamp() + interval '1 second' else clock_timestamp() end from due d
      where not d.is_merged or (d.nth = 1 and not exists (select from waiting w where w.name = d.name)))
  select array_agg(m.destination_id), array_agg(m.order_key) into v_destinations, v_keys from matched m where m.mode = 'latest';
  -- Of what was owed before, and by this action itself, only the newest of each row goes on.
  if v_keys is not null then perform app.supersede(v_destinations, v_keys); end if;
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
  insert into public.reaction_types as r (name, type, condition, is_merged, is_swept)
    select x ->> 'name', x ->> 'type', (x ->> 'condition')::jsonpath, (x ->> 'is_merged')::boolean, (x ->> 'is_swept')::boolean from jsonb_array_elements(p -> 'reactions') as f(x)
    on conflict (name, type) do update set condition = excluded.condition, is_merged = excluded.is_merged, is_swept = excluded.is_swept
    where (r.condition::text, r.is_merged, r.is_swept) is distinct from (excluded.condition::text, excluded.is_merged, excluded.is_swept);
$$;
grant execute on function app.sync_catalogue(jsonb) to wedsync_owner;
reset role;
