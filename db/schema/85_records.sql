-- Records of CRMs: who has to be told that one must be looked at. Everybody may poke; the job looks at what stands.
set role wedsync_recorder;

-- As app.owe_syncs: one waiting job of a book is enough, and the row of its progress is written first, so that a job which is running is no longer
-- waiting when we look. What must wait (the provider said so) waits, unless p_now.
create function app.owe_records(p_books uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_work constant text := 'records.sync';
  n integer;
begin
  perform from public.record_progress g where g.book_id = any (p_books) order by g.book_id for update;
  update public.record_progress g set pokes = g.pokes + 1, pulls_wanted = g.pulls_wanted + p_pull::integer,
      not_before = case when not p_now then g.not_before end
    where g.book_id = any (p_books);
  insert into public.destinations (id, tenant_id, connector, max_in_flight, per_min)
    select b.id, b.tenant_id, 'work', 4, 6000 from public.record_books b where b.id = any (p_books) order by b.id
    on conflict (id) do nothing;
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, order_key, order_seq, args, run_at)
    select uuidv7(), 'work', v_work, 1, b.tenant_id, b.id, b.id, nextval('public.record_pokes'), jsonb_build_object('book_id', b.id),
      clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0')) / app.speed()
    from public.record_books b join public.record_progress g on g.book_id = b.id join public.connections n on n.id = b.id
    where b.id = any (p_books) and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null and b.direction <> 'off'
      and not exists (select from public.jobs j where j.destination_id = b.id and j.order_key = b.id and j.name = v_work
        and num_nulls(j.lease_token) = 1 and (j.run_at <= clock_timestamp() + greatest(interval '0', coalesce(g.not_before - app.now(), interval '0'))
          or j.run_at = 'infinity'));
  get diagnostics n = row_count;
  return n;
end $$;

-- Those of the entered tenant; null: all of them.
create function app.poke_records(p_books uuid[], p_pull boolean, p_now boolean default false) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  return app.owe_records(array(select b.id from public.record_books b
    where (p_books is null or b.id = any (p_books)) and b.tenant_id = app.tenant()), p_pull, p_now);
end $$;

-- A hook has come: the records it names, if any, and whatever else has changed. More than a run reads at once is found by the pull. p_waits: no run is
-- owed because of it, as the book is in safe mode.
create function app.hint_records(p_book uuid, p_hints text[], p_waits boolean) returns integer
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'hint_records is the system''s'; end if;
  update public.record_progress g
    set hints = array(select distinct h from unnest(g.hints || p_hints) h order by h limit 200)
    where g.book_id = p_book and g.tenant_id = app.tenant();
  return case when p_waits then 0 else app.poke_records(array[p_book], true) end;
end $$;

-- The couples on WedSync among a supplier's clients: what they have decided holds, whatever the records say. Only active links, only core.
create function app.joined_clients(p_clients uuid[])
returns table (client_id uuid, link_id uuid, "on" date)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'joined_clients is the system''s'; end if;
  return query
    select c.id, l.id, w."on"
    from public.clients c
    join public.links l on l.wedding_id = c.wedding_id and l.id = c.link_id and l.status = 'active' and l.supplier_id = c.supplier_id
    join public.weddings w on w.wedding_id = l.wedding_id
    where c.supplier_id = app.tenant() and c.id = any (p_clients);
end $$;

-- The reaction of a wedding: its date or who works for it changed. Its client in every supplier's books is looked at anew.
create function app.mark_records_of(p_wedding uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_books uuid[];
begin
  if app.role() <> 'system' or app.tenant() <> p_wedding then raise insufficient_privilege using message = 'mark_records_of is the system''s'; end if;
  with marked as (
    update public.record_items i set is_dirty = true, marks = i.marks + 1
    from public.clients c where c.wedding_id = p_wedding and i.tenant_id = c.supplier_id and i.client_id = c.id
    returning i.book_id)
  select array_agg(distinct m.book_id) into v_books from marked m;
  return case when v_books is null then 0 else app.owe_records(v_books, false) end;
end $$;

grant execute on function app.poke_records(uuid[], boolean, boolean), app.hint_records(uuid, text[], boolean), app.joined_clients(uuid[]),
  app.mark_records_of(uuid) to wedsync_user;

-- The clock: CRMs whose time to be asked has come. The next time is set by the run; until then they are left alone for five minutes. So are those
-- in which something is looked for that a hook has named; of these no list is read.
create function app.poke_due_records(p_limit integer default 1000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_due uuid[];
  v_looking uuid[];
begin
  with due as (
    select g.book_id from public.record_progress g
    where g.look_at <= app.now() order by g.look_at limit p_limit for update skip locked),
  put_off as (
    update public.record_progress g set look_at = app.now() + interval '5 minutes' from due d where g.book_id = d.book_id returning g.book_id)
  select array_agg(p.book_id) into v_looking from put_off p;
  with due as (
    select g.book_id from public.record_progress g
    where g.next_poll_at <= app.now() order by g.next_poll_at limit p_limit for update skip locked),
  put_off as (
    update public.record_progress g set next_poll_at = app.now() + interval '5 minutes'
    from due d where g.book_id = d.book_id returning g.book_id)
  select array_agg(p.book_id) into v_due from put_off p;
  return case when v_looking is null then 0 else app.owe_records(v_looking, false) end
    + case when v_due is null then 0 else app.owe_records(v_due, true) end;
end $$;

create function app.forget_record_runs(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.record_runs r where r.ended_at < clock_timestamp() - make_interval(days => p_days);
  get diagnostics n = row_count;
  delete from public.record_conflicts k where k.state = 'resolved' and k.resolved_at < app.now() - make_interval(days => p_days);
  return n;
end $$;
grant execute on function app.poke_due_records(integer), app.forget_record_runs(integer) to wedsync_service;
reset role;
