-- Head counts, as app.derived_facts asks for them: counted anew, or added to.
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

-- The meals of an item after answers to it, from what they were before.
create function app.add_to_meals(p_meals jsonb, p_item uuid, p_facts jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select coalesce(jsonb_object_agg(x.menu, x.n) filter (where x.n <> 0), '{}') from (
    select y.menu, sum(y.n) as n from (
      select k.key as menu, k.value::integer as n from jsonb_each_text(p_meals) k
      union all
      select i.menu, i.n from jsonb_array_elements(p_facts) as f(x)
      cross join lateral (values (f.x -> 'record' ->> 'status', f.x -> 'record' ->> 'menu_option_id', 1),
        (f.x -> 'old' ->> 'status', f.x -> 'old' ->> 'menu_option_id', -1)) as i(status, menu, n)
      where f.x ->> 'table' = 'rsvps' and (f.x -> 'record' ->> 'schedule_item_id')::uuid = p_item and i.status = 'accepted' and i.menu is not null) y
    group by y.menu) x;
$$;
reset role;
