-- The portfolio index lives with the supplier but follows the weddings: one function brings all suppliers of a wedding up to date,
-- each as its own tenant with its own event, in sorted order so that two weddings never wait for each other in a circle.
set role wedsync_recorder;

-- What waits for one link, newest change first, tasks by date: enough for a portfolio to show and to act on.
create function app.open_of(p_wedding uuid, p_link uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce((select jsonb_agg(jsonb_build_object('kind', 'acknowledge', 'id', a.id, 'type', a.type, 'summary', a.summary, 'status', a.status,
      'at', a.opened_at) order by a.opened_at desc, a.id)
    from public.acknowledgements a where a.wedding_id = p_wedding and a.link_id = p_link and a.status <> 'acknowledged'), '[]')
  || coalesce((select jsonb_agg(jsonb_build_object('kind', 'task', 'id', t.id, 'title', t.title, 'due_on', t.due_on) order by t.due_on nulls last, t.id)
    from public.tasks t where t.wedding_id = p_wedding and t.link_id = p_link and t.status not in ('done', 'cancelled')), '[]');
$$;

create function app.refresh_index(p_wedding uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
  v_facts jsonb;
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'refresh_index is the system''s'; end if;
  for r in
    select distinct x.supplier_id from (
      select l.supplier_id from public.links l where l.wedding_id = p_wedding and l.supplier_id is not null
      union select i.supplier_id from public.supplier_index i where i.wedding_id = p_wedding) x order by 1
  loop
    perform app.settle(null, 'system', r.supplier_id, 'system', 2047, 2047);
    with wanted as (
      select l.supplier_id, l.wedding_id, l.id, w.couple_names, w."on", w.date_status, w.time_zone,
        coalesce(nullif(w.reception_venue, ''), w.ceremony_venue) as venue, l.status, l.level,
        (select count(*)::int from public.acknowledgements a where a.wedding_id = l.wedding_id and a.link_id = l.id and a.status <> 'acknowledged') as waiting,
        (select count(*)::int from public.tasks t where t.wedding_id = l.wedding_id and t.link_id = l.id and t.status not in ('done', 'cancelled')) as tasks_open,
        (select min(t.due_on) from public.tasks t where t.wedding_id = l.wedding_id and t.link_id = l.id and t.status not in ('done', 'cancelled')) as next_due,
        app.open_of(l.wedding_id, l.id) as open
      from public.links l join public.weddings w on w.wedding_id = l.wedding_id
      where l.wedding_id = p_wedding and l.supplier_id = r.supplier_id and l.status in ('requested', 'active')),
    gone as (
      delete from public.supplier_index i where i.supplier_id = r.supplier_id and i.wedding_id = p_wedding and not exists (select from wanted)
      returning i.id, to_jsonb(i) as old_record),
    kept as (
      insert into public.supplier_index as i (supplier_id, wedding_id, id, couple_names, "on", date_status, time_zone, venue, status, level, waiting,
        tasks_open, next_due, open)
      select n.* from wanted n
      on conflict (supplier_id, wedding_id) do update
        set id = excluded.id, couple_names = excluded.couple_names, "on" = excluded."on", date_status = excluded.date_status,
          time_zone = excluded.time_zone, venue = excluded.venue, status = excluded.status, level = excluded.level, waiting = excluded.waiting,
          tasks_open = excluded.tasks_open, next_due = excluded.next_due, open = excluded.open, changed_at = clock_timestamp()
        where (i.id, i.couple_names, i."on", i.date_status, i.time_zone, i.venue, i.status, i.level, i.waiting, i.tasks_open, i.next_due, i.open)
          is distinct from (excluded.id, excluded.couple_names, excluded."on", excluded.date_status, excluded.time_zone, excluded.venue,
            excluded.status, excluded.level, excluded.waiting, excluded.tasks_open, excluded.next_due, excluded.open)
      returning new.id, to_jsonb(new) as record, case when old.id is null then null else to_jsonb(old) end as old_record)
    select jsonb_agg(f.x) into v_facts from (
      select jsonb_build_object('type', 'portfolio.changed', 'scope', 1, 'link', k.id, 'table', 'supplier_index', 'id', k.id,
        'op', case when k.old_record is null then 'INSERT' else 'UPDATE' end, 'record', k.record, 'old', k.old_record) as x from kept k
      union all
      select jsonb_build_object('type', 'portfolio.removed', 'scope', 1, 'link', g.id, 'table', 'supplier_index', 'id', g.id, 'op', 'DELETE', 'old', g.old_record)
      from gone g) f;
    if v_facts is not null then return next app.record(v_facts); end if;
  end loop;
  perform app.settle(null, 'system', p_wedding, 'system', 2047, 2047);
end $$;
grant execute on function app.refresh_index(uuid) to wedsync_user;
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
