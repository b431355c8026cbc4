-- The portfolio index lives with the supplier but follows the weddings: one statement brings all suppliers of some weddings up to date, each told in
-- its own stream. The streams are locked first and in order, so that two of these never wait for each other in a circle, and what is read
-- afterwards is never older than what another has written.
set role wedsync_recorder;

-- Of these weddings, what stands in the index and is no longer so, as facts for the suppliers' streams: what waits for a link is listed newest
-- change first, tasks by date, enough for a portfolio to show and to act on. Of links whose supplier came meanwhile their own fact takes care.
create function app.index_weddings(p_weddings uuid[]) returns table (supplier_id uuid, wedding_id uuid, fact jsonb)
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off
  set enable_mergejoin = off as $$
declare
  v_suppliers uuid[] := array(
    select l.supplier_id from public.links l where l.wedding_id = any (p_weddings) and l.supplier_id is not null
    union select i.supplier_id from public.supplier_index i where i.wedding_id = any (p_weddings));
begin
  perform from public.streams s where s.id = any (v_suppliers) order by s.id for update;
  return query
    with wanted as materialized (
      select l.supplier_id, l.wedding_id, l.id, w.couple_names, w."on", w.date_status, w.time_zone,
        coalesce(nullif(w.reception_venue, ''), w.ceremony_venue) as venue, l.status, l.level, a.waiting, t.tasks_open, t.next_due, a.open || t.open as open
      from public.links l join public.weddings w on w.wedding_id = l.wedding_id
      cross join lateral (select count(*)::int as waiting, coalesce(jsonb_agg(jsonb_build_object('kind', 'acknowledge', 'id', x.id, 'type', x.type,
          'summary', x.summary, 'status', x.status, 'at', x.opened_at) order by x.opened_at desc, x.id), '[]') as open
        from public.acknowledgements x where x.wedding_id = l.wedding_id and x.link_id = l.id and x.status <> 'acknowledged') a
      cross join lateral (select count(*)::int as tasks_open, min(x.due_on) as next_due, coalesce(jsonb_agg(jsonb_build_object('kind', 'task', 'id', x.id,
          'title', x.title, 'due_on', x.due_on) order by x.due_on nulls last, x.id), '[]') as open
        from public.tasks x where x.wedding_id = l.wedding_id and x.link_id = l.id and x.status not in ('done', 'cancelled')) t
      where l.wedding_id = any (p_weddings) and l.supplier_id = any (v_suppliers) and l.status in ('requested', 'active')),
    gone as (
      delete from public.supplier_index i where i.wedding_id = any (p_weddings) and i.supplier_id = any (v_suppliers)
        and not exists (select from wanted n where n.supplier_id = i.supplier_id and n.wedding_id = i.wedding_id)
      returning i.supplier_id, i.wedding_id, i.id, to_jsonb(i) as old_record),
    kept as (
      insert into public.supplier_index as i (supplier_id, wedding_id, id, couple_names, "on", date_status, time_zone, venue, status, level, waiting,
        tasks_open, next_due, open)
      select n.* from wanted n
      on conflict on constraint supplier_index_pkey do update
        set id = excluded.id, couple_names = excluded.couple_names, "on" = excluded."on", date_status = excluded.date_status,
          time_zone = excluded.time_zone, venue = excluded.venue, status = excluded.status, level = excluded.level, waiting = excluded.waiting,
          tasks_open = excluded.tasks_open, next_due = excluded.next_due, open = excluded.open, changed_at = clock_timestamp()
        where (i.id, i.couple_names, i."on", i.date_status, i.time_zone, i.venue, i.status, i.level, i.waiting, i.tasks_open, i.next_due, i.open)
          is distinct from (excluded.id, excluded.couple_names, excluded."on", excluded.date_status, excluded.time_zone, excluded.venue,
            excluded.status, excluded.level, excluded.waiting, excluded.tasks_open, excluded.next_due, excluded.open)
      returning new.supplier_id, new.wedding_id, new.id, to_jsonb(new) as record, case when old.id is null then null else to_jsonb(old) end as old_record)
    select k.supplier_id, k.wedding_id, jsonb_build_object('type', 'portfolio.changed', 'scope', 1, 'link', k.id, 'table', 'supplier_index', 'id', k.id,
      'op', case when k.old_record is null then 'INSERT' else 'UPDATE' end, 'record', k.record, 'old', k.old_record) from kept k
    union all
    select g.supplier_id, g.wedding_id, jsonb_build_object('type', 'portfolio.removed', 'scope', 1, 'link', g.id, 'table', 'supplier_index', 'id', g.id,
      'op', 'DELETE', 'old', g.old_record) from gone g;
end $$;

-- The reaction of one wedding, by itself.
create function app.refresh_index(p_wedding uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'refresh_index is the system''s'; end if;
  for r in select x.supplier_id, jsonb_agg(x.fact) as facts from app.index_weddings(array[p_wedding]) x group by x.supplier_id order by x.supplier_id
  loop
    perform app.settle(null, 'system', r.supplier_id, 'system', 2047, 2047);
    return next app.record(r.facts);
  end loop;
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
end $$;
grant execute on function app.refresh_index(uuid) to wedsync_user;

-- The same reaction of all weddings that wait, oldest first, and the end of its jobs: fifty couples who change theirs at once cost a supplier one
-- statement and one fact of its stream each. So many links at once that nobody's stream is held for long.
-- Returns how many jobs were done, once, and the nudges.
create function app.sweep_index(p_jobs integer, p_links integer) returns table (done integer, nudge text)
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
  set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_waiting public.jobs[];
  v_jobs public.jobs[];
  v_causes jsonb;
  r record;
begin
  v_waiting := app.swept_jobs('suppliers.refresh_index', 0, p_jobs, interval '1 second');
  if v_waiting is null then return; end if;
  select array_agg(f.job) into v_jobs from (
    select j as job, sum(k.links) over (order by j.made_at, j.id) - k.links as before from unnest(v_waiting) j
    cross join lateral (select count(*) as links from public.links l where l.wedding_id = j.tenant_id) k) f
  where f.before < p_links;
  select jsonb_object_agg(e.stream_id, e.cause) into v_causes from unnest(v_jobs) x
    join public.events e on e.stream_id = x.order_key and e.seq = x.order_seq and e.recorded_at = x.made_at;
  for r in
    select x.supplier_id, jsonb_agg(x.fact || jsonb_build_object('cause', v_causes -> x.wedding_id::text)) as facts
    from app.index_weddings(array(select j.tenant_id from unnest(v_jobs) j)) x group by x.supplier_id order by x.supplier_id
  loop
    perform app.settle(null, 'system', r.supplier_id, 'system', 2047, 2047);
    nudge := app.record(r.facts);
    return next;
  end loop;
  perform app.settle(null, 'anonymous', null, 'none', 0, 0);
  perform app.end_swept(v_jobs);
  nudge := null;
  done := cardinality(v_jobs);
  return next;
end $$;
grant execute on function app.sweep_index(integer, integer) to wedsync_service;
reset role;
set role wedsync_owner;
grant insert, update, delete on public.supplier_index to wedsync_recorder;
reset role;

-- Whom a notice of the entered wedding may reach: the couple, and of each active link the owners, admins and assigned members. `since` is when
-- the link became active, in the milliseconds that events are told in: what was recorded before is not news to it.
set role wedsync_recorder;
create function app.audience_of(p_wedding uuid)
returns table (person_id uuid, email text, name text, role text, link_id uuid, supplier_id uuid, mask integer, channels jsonb,
  since timestamptz, membership_id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'audience_of is the system''s'; end if;
  return query
    select p.person_id, p.email, coalesce(nullif(m.name, ''), p.name), case when m.role = 'helper' then 'helper' else 'couple' end, null::uuid, null::uuid,
      case when m.role = 'helper' then 3 else 2047 end, f.channels, null::timestamptz, m.id
    from public.memberships m join public.persons p using (person_id) left join public.preferences f using (person_id)
    where m.wedding_id = p_wedding and m.removed_at is null
    union all
    select p.person_id, p.email, coalesce(nullif(sm.name, ''), p.name), 'supplier', l.id, l.supplier_id, l.mask, f.channels,
      date_trunc('milliseconds', l.active_since), null::uuid
    from public.links l join public.supplier_members sm on sm.supplier_id = l.supplier_id and sm.removed_at is null
    join public.persons p on p.person_id = sm.person_id left join public.preferences f on f.person_id = p.person_id
    where l.wedding_id = p_wedding and l.status = 'active'
      and (sm.role in ('owner', 'admin') or exists (select from public.assignments a
        where a.supplier_id = sm.supplier_id and a.member_id = sm.id and a.link_id = l.id));
end $$;

grant execute on function app.audience_of(uuid) to wedsync_user;
reset role;
