-- Facts by the ten thousands, as an import writes them: they owe nothing, and their images do not travel twice.
set role wedsync_recorder;

-- Many facts that owe nothing, as arrays: an import writes ten thousands, which as one document would be read seven times over.
-- p_kinds: [{type, version, scope, table, op}]; p_kind: which of them each row is, from 1; images as JSON text. They get their numbers
-- first, then p_facts and what is derived (every item's head counts are looked at). Returns a wake: whoever follows reads the log.
create function app.record_bulk(p_kinds jsonb, p_kind integer[], p_ids uuid[], p_records text[], p_olds text[], p_facts jsonb,
  p_cause uuid default null) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_tenant uuid := app.tenant();
  v_kind text;
  v_epoch integer;
  v_top bigint;
  v_at timestamptz := clock_timestamp();
  v_cause uuid := coalesce(p_cause, nullif(current_setting('app.cause', true), '')::uuid, uuidv7());
  v_items uuid[];
  v_facts jsonb := p_facts;
begin
  if v_tenant is null then raise insufficient_privilege using message = 'record outside of a tenant'; end if;
  select s.kind, s.epoch, s.top into v_kind, v_epoch, v_top from public.streams s where s.id = v_tenant for update;
  if not found then raise insufficient_privilege using message = 'record on an unknown stream'; end if;
  insert into public.events (stream_id, seq, recorded_at, id, epoch, type, version, scope, subject_table, subject_id, op, record, old_record, actor_kind,
    actor_id, cause, bulk, occurred_at)
  select v_tenant, v_top + f.n, v_at, uuidv7(), v_epoch, k.type, k.version, k.scope, k.subject_table, f.id, k.op, f.record::jsonb, f.old::jsonb,
    app.actor_kind(), app.actor(), v_cause, true, v_at
  from unnest(p_kind, p_ids, p_records, p_olds) with ordinality as f(kind, id, record, old, n)
  join (select x.n, x.k ->> 'type' as type, (x.k ->> 'version')::smallint as version, (x.k ->> 'scope')::integer as scope, x.k ->> 'table' as subject_table,
      x.k ->> 'op' as op
    from jsonb_array_elements(p_kinds) with ordinality as x(k, n)) k on k.n = f.kind;
  update public.streams s set top = s.top + cardinality(p_ids) where s.id = v_tenant;
  if v_kind = 'wedding' then
    select array_agg(i.item) into v_items from (select r.schedule_item_id as item from public.rsvps r where r.wedding_id = v_tenant
      union select h.schedule_item_id from public.headcounts h where h.wedding_id = v_tenant) i;
    v_facts := v_facts || coalesce((select jsonb_agg(app.headcount_fact(h.id, h.op, h.record, h.old_record))
      from app.derive_headcounts(v_tenant, v_items) h), '[]');
  end if;
  -- The answers among them were counted above with all others, and must not be added once more.
  select jsonb_agg(f.x || '{"is_counted": true}' order by f.n) into v_facts from jsonb_array_elements(v_facts) with ordinality as f(x, n);
  if v_facts is not null then perform app.record(v_facts, v_cause); end if;
  select s.top into v_top from public.streams s where s.id = v_tenant;
  return jsonb_build_array(jsonb_build_object('stream', v_kind || ':' || v_tenant, 'epoch', v_epoch, 'seq', v_top, 'wake', true))::text;
end $$;
grant execute on function app.record_bulk(jsonb, integer[], uuid[], text[], text[], jsonb, uuid) to wedsync_user;

-- Rows an import inserted in this transaction, told without their images having travelled: the database has them. For the system only, and
-- for the tables of guests. p_kinds: [{type, version, scope, table}]; p_counts: how many of p_ids each has. Returns the cause of the action.
create function app.record_inserted(p_kinds jsonb, p_counts integer[], p_ids uuid[]) returns uuid
language plpgsql volatile security definer set search_path = '' set enable_nestloop = off as $$
declare
  v_tenant uuid := app.tenant();
  v_epoch integer;
  v_top bigint;
  v_at timestamptz := clock_timestamp();
  v_cause uuid := coalesce(nullif(current_setting('app.cause', true), '')::uuid, uuidv7());
  v_from integer := 0;
  k record;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'only work of the system tells rows by their ids'; end if;
  select s.epoch, s.top into v_epoch, v_top from public.streams s where s.id = v_tenant for update;
  for k in select x.n, x.k ->> 'type' as type, (x.k ->> 'version')::smallint as version, (x.k ->> 'scope')::integer as scope, x.k ->> 'table' as subject
    from jsonb_array_elements(p_kinds) with ordinality as x(k, n) order by x.n loop
    if k.subject not in ('parties', 'guests', 'guest_contacts', 'guest_needs', 'rsvps') then
      raise insufficient_privilege using message = 'no table of guests: ' || k.subject;
    end if;
    execute format('insert into public.events (stream_id, seq, recorded_at, id, epoch, type, version, scope, subject_table, subject_id, op, record,
        actor_kind, actor_id, cause, bulk, occurred_at)
      select $1, $2 + i.n, $3, uuidv7(), $4, $5, $6, $7, $8, t.id, ''INSERT'', to_jsonb(t), app.actor_kind(), app.actor(), $9, true, $3
      from unnest($10) with ordinality as i(id, n) join public.%I t on t.wedding_id = $1 and t.id = i.id', k.subject)
      using v_tenant, v_top + v_from, v_at, v_epoch, k.type, k.version, k.scope, k.subject, v_cause, p_ids[v_from + 1 : v_from + p_counts[k.n]];
    v_from := v_from + p_counts[k.n];
  end loop;
  update public.streams s set top = s.top + cardinality(p_ids) where s.id = v_tenant;
  return v_cause;
end $$;
grant execute on function app.record_inserted(jsonb, integer[], uuid[]) to wedsync_user;
reset role;
