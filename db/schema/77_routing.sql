-- Why an event went where it went: the predicates of app.owe_facts, asked of what was recorded. And past events to try a rule on.
set role wedsync_recorder;

-- The streams the entered tenant hears, and as whom: its own, and of a supplier the weddings of its active links.
create function app.heard_streams() returns table (stream_id uuid, link_id uuid, mask integer)
language sql stable set search_path = '' as $$
  select app.tenant(), null::uuid, null::integer
  union all
  select l.wedding_id, l.id, l.mask from public.links l where l.supplier_id = app.tenant() and l.status = 'active';
$$;

-- The fact that an event was recorded from, as far as conditions may ask of it.
create function app.fact_of(e public.events) returns jsonb language sql immutable
  return jsonb_build_object('type', e.type, 'op', e.op, 'record', e.record, 'old', e.old_record, 'table', e.subject_table, 'id', e.subject_id,
    'severity', case when e.is_severe then 'high' end);

-- One event of the entered tenant, and how it stands to it now: may_see false where it was owed once and may not be seen any more. No row where it
-- never concerned the tenant. is_near: within 24 hours of the wedding or live, when it was recorded, and now.
create function app.heard_event(p_event uuid)
returns table (stream text, seq bigint, type text, bulk boolean, is_severe boolean, occurred_at timestamptz, type_lane smallint, may_see boolean,
  was_near boolean, is_near boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  return query
    select s.kind || ':' || e.stream_id, e.seq, e.type, e.bulk, e.is_severe, e.occurred_at, coalesce(t.lane, 2::smallint),
      h.is_heard is true and app.tell_read(e.stream_id, h.link_id, h.scopes),
      app.is_near(e.stream_id, e.occurred_at), app.is_near(e.stream_id, app.now())
    from public.events e
    join public.streams s on s.id = e.stream_id
    left join public.event_types t on t.type = e.type
    left join lateral (select true as is_heard, x.link_id, coalesce(e.scope & x.mask, 0) as scopes from app.heard_streams() x
      where x.stream_id = e.stream_id and app.hears(x.mask, x.link_id, e.scope, e.link_id, e.membership_id) limit 1) h on true
    where e.id = p_event
      and (h.is_heard or exists (select from public.deliveries d where d.event_id = p_event and d.tenant_id = app.tenant()));
end $$;

create function app.is_near(p_stream uuid, p_at timestamptz) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from public.wedding_days d where d.wedding_id = p_stream and p_at between d.live_from - interval '24 hours' and d.live_until);
$$;

-- What each subscription of the entered tenant would do with an event now. p_rows: {subscription id: [jsonpath, ...]}, answered one by one.
-- would_take: it is the first of its destination that matches.
create function app.routed(p_event uuid, p_rows jsonb)
returns table (subscription_id uuid, destination_id uuid, "position" integer, active boolean, since timestamptz, may_see boolean, is_asked boolean,
  is_met boolean, rows_met boolean[], would_take boolean, lane smallint, held_until timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  return query
    with asked as (
      select s.id, s.destination_id, s.position, s.active, s.since, s.lane as own_lane, s.quiet, e.stream_id, e.is_severe, e.bulk,
        coalesce(t.lane, 2::smallint) as type_lane, coalesce(h.may_see, false) as may_see, e.type like any (s.patterns) as is_asked,
        coalesce(h.may_see, false) and app.holds(s.condition, f.fact) as is_met,
        case when h.may_see then array(select app.holds(r.path::jsonpath, f.fact)
          from jsonb_array_elements_text(coalesce(p_rows -> s.id::text, '[]')) with ordinality as r(path, n) order by r.n) end as rows_met
      from public.events e
      join public.subscriptions s on s.tenant_id = app.tenant() and s.connector = 'webhook'
      left join public.event_types t on t.type = e.type
      left join lateral (select x.link_id, app.hears(x.mask, x.link_id, e.scope, e.link_id, e.membership_id) as may_see
        from app.heard_streams() x where x.stream_id = e.stream_id) h on true
      cross join lateral (select app.fact_for(app.fact_of(e), h.link_id) as fact) f
      where e.id = p_event),
    matched as (
      select a.id, a.active and a.may_see and a.is_asked and a.is_met and not a.bulk as is_matched from asked a),
    first as (
      select distinct on (a.destination_id) a.id from asked a join matched m on m.id = a.id and m.is_matched
      order by a.destination_id, a.position, a.id),
    laned as (
      select a.id, app.is_near(a.stream_id, app.now()) as is_near,
        app.lane_for(a.own_lane, a.type_lane, app.is_near(a.stream_id, app.now()), a.is_severe) as lane from asked a)
    select a.id, a.destination_id, a.position, a.active, a.since, a.may_see, a.is_asked, a.is_met, a.rows_met, f.id is not null, l.lane,
      case when a.quiet is not null and l.lane > 0 and not l.is_near then app.held_until(a.quiet, a.stream_id) end
    from asked a join laned l on l.id = a.id left join first f on f.id = a.id
    order by a.destination_id, a.position, a.id;
end $$;

-- The newest events of these types that the entered tenant may see, as it would be sent them, each with what every condition row says of it.
create function app.past_events(p_types text[], p_rows text[], p_limit integer)
returns table (id uuid, occurred_at timestamptz, event text, rows_met boolean[])
language plpgsql stable security definer set search_path = '' as $$
declare
  v_patterns text[] := app.like_patterns(p_types);
  v_deep integer;
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  -- However much is in the log, and however many weddings a supplier has, no more than this is looked at.
  select greatest(100, 4000 / count(*)) into v_deep from app.heard_streams() h;
  return query
    with news as materialized (
      select x.e, s.kind, h.link_id, (x.e).scope & h.mask as scopes
      from app.heard_streams() h
      join public.streams s on s.id = h.stream_id
      cross join lateral (
        select w.e from (select e from public.events e where e.stream_id = h.stream_id order by e.seq desc limit v_deep) w
        where not (w.e).bulk and (w.e).type like any (v_patterns)
          and app.hears(h.mask, h.link_id, (w.e).scope, (w.e).link_id, (w.e).membership_id)
        limit p_limit) x
      order by (x.e).occurred_at desc, (x.e).seq desc limit p_limit),
    told as materialized (
      select app.tell_read((n.e).stream_id, n.link_id, bit_or(n.scopes)) as is_told from news n
      where n.link_id is not null group by (n.e).stream_id, n.link_id)
    select (n.e).id, (n.e).occurred_at, app.event_for(n.e, n.kind, n.link_id),
      array(select app.holds(r.path::jsonpath, app.fact_for(app.fact_of(n.e), n.link_id)) from unnest(p_rows) with ordinality as r(path, n) order by r.n)
    from news n
    where (select count(t.is_told) from told t) >= 0
    order by (n.e).occurred_at desc, (n.e).seq desc;
end $$;

-- One real event, sent once more to see it arrive: to the rule's endpoint, in its shape, marked as a test. It is no part of the numbered chain.
-- The first of these that the rule's endpoint could have been sent: of a type that the rule asks for, since the endpoint is there, and to be seen now.
-- What became of the asking: as app.send_test, whose limit it shares, or unheard.
create function app.owe_test(p_rule uuid, p_delivery uuid, p_events uuid[], out asked text, out event_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
  v record;
begin
  select x.id, x.endpoint_id, x.types, n.created_at into r from public.rules x join public.endpoints n on n.id = x.endpoint_id
    where x.id = p_rule and x.tenant_id = app.tenant() and x.deleted_at is null;
  if not found or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  select e.id, e.stream_id, e.seq, e.recorded_at, e.type, h.link_id into v
  from unnest(p_events) with ordinality as a(id, n)
  join public.events e on e.id = a.id and e.recorded_at >= r.created_at and not e.bulk and e.type like any (app.like_patterns(r.types))
  join app.heard_streams() h on h.stream_id = e.stream_id and app.hears(h.mask, h.link_id, e.scope, e.link_id, e.membership_id)
  order by a.n limit 1;
  if not found then asked := 'unheard'; return; end if;
  asked := app.send_test(r.endpoint_id, p_delivery, jsonb_build_object('type', v.type));
  if asked <> 'owed' then return; end if;
  event_id := v.id;
  update public.deliveries d set subscription_id = r.id, stream_id = v.stream_id, seq = v.seq, event_id = v.id, event_at = v.recorded_at, link_id = v.link_id
    from public.jobs j where j.id = p_delivery and d.id = j.id and d.made_at = j.made_at;
  update public.jobs j set event_id = v.id, args = null where j.id = p_delivery;
end $$;

grant execute on function app.heard_event(uuid), app.routed(uuid, jsonb), app.past_events(text[], text[], integer), app.owe_test(uuid, uuid, uuid[])
  to wedsync_user;
reset role;
