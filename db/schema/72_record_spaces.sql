-- Whether those who have accepted fit into the spaces they were given: a fact of the head counts, found under the stream's lock.
set role wedsync_recorder;

-- The uses that became too small, or are no longer, turned. A link that ended is told nothing. No row of it holds a number of people.
create function app.turned_uses(p_wedding uuid, p_items uuid[], p_use uuid default null)
returns table (id uuid, link_id uuid, is_over boolean, record jsonb, old_record jsonb)
language sql volatile set search_path = '' as $$
  update public.space_uses u set is_over = not u.is_over
  where u.wedding_id = p_wedding and u.schedule_item_id = any (p_items) and (p_use is null or u.id = p_use)
    and u.is_over <> (u.capacity < coalesce((select h.accepted from public.headcounts h
      where h.wedding_id = p_wedding and h.schedule_item_id = u.schedule_item_id), 0))
    and exists (select from public.links l where l.wedding_id = p_wedding and l.id = u.link_id and l.status = 'active')
  returning new.id, new.link_id, new.is_over, to_jsonb(new), to_jsonb(old);
$$;

-- What follows for spaces from facts: head counts that changed, and items that were taken off the schedule with what was given to them.
create function app.space_facts(p_wedding uuid, p_facts jsonb) returns jsonb
language sql volatile set search_path = '' as $$
  with told as materialized (
    select f.x ->> 'table' as subject, f.x ->> 'op' as op, (f.x ->> 'id')::uuid as id, (f.x -> 'record' ->> 'schedule_item_id')::uuid as item
    from jsonb_array_elements(p_facts) as f(x) where f.x ->> 'table' in ('headcounts', 'schedule_items')),
  turned as (
    select t.id, t.link_id, case when t.is_over then 'space.exceeded' else 'space.fits_again' end as type, 'UPDATE' as op, t.record, t.old_record
    from app.turned_uses(p_wedding, array(select k.item from told k where k.subject = 'headcounts')) t),
  gone as (
    delete from public.space_uses u using told k
    where k.subject = 'schedule_items' and k.op = 'DELETE' and u.wedding_id = p_wedding and u.schedule_item_id = k.id
    returning u.id, u.link_id, 'space.withdrawn' as type, 'DELETE' as op, null::jsonb as record, to_jsonb(u) as old_record)
  select coalesce(jsonb_agg(jsonb_build_object('type', y.type, 'scope', 1, 'link', y.link_id, 'table', 'space_uses', 'id', y.id, 'op', y.op,
    'record', y.record, 'old', y.old_record)), '[]')
  from (select t.id, t.link_id, t.type, t.op, t.record, t.old_record from turned t
    union all select g.id, g.link_id, g.type, g.op, g.record, g.old_record from gone g) y;
$$;

-- Before a venue writes what it gives: the schedule and the stream, in the order in which taking an item off and an answer lock them. Whoever
-- waited here finds the head counts as they are, and two that change one row do not wait for each other.
create function app.hold_uses() returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.link() is null then raise insufficient_privilege using message = 'only a linked supplier gives spaces'; end if;
  perform pg_advisory_xact_lock(hashtextextended('schedule:' || app.tenant(), 0));
  perform from public.streams s where s.id = app.tenant() for update;
end $$;

-- The same for what a link has just written, whatever of the head counts it may read: it learns that it is too small, not by how many.
create function app.judge_use(p_use uuid) returns table (id uuid, link_id uuid, is_over boolean, record jsonb, old_record jsonb)
language sql volatile security definer set search_path = '' as $$
  select t.id, t.link_id, t.is_over, t.record, t.old_record
  from public.space_uses u
  cross join lateral app.turned_uses(u.wedding_id, array[u.schedule_item_id], u.id) t
  where u.wedding_id = app.tenant() and u.id = p_use and u.link_id = app.link();
$$;
grant execute on function app.hold_uses(), app.judge_use(uuid) to wedsync_user;
reset role;
