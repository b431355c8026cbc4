-- Rules: which events go to which endpoint, in which lane, in which shape. What is decided about a fact is decided by the functions here, for
-- app.owe_facts as it records and for whoever asks afterwards why.
set role wedsync_owner;

alter table public.endpoints add constraint endpoints_home unique (tenant_id, id);
alter table public.events add column is_severe boolean not null default false;
comment on column public.events.is_severe is 'Whoever recorded it said so: one lane more urgent than its type';

create table public.rules (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null,
  endpoint_id uuid not null,
  name text not null check (length(name) between 1 and 120),
  position integer not null,
  types text[] not null check (cardinality(types) between 1 and 50),
  conditions jsonb not null default '[]' check (jsonb_typeof(conditions) = 'array'),
  lane smallint check (lane between 1 and 3),
  mode text not null default 'parallel' check (mode in ('parallel', 'ordered', 'latest')),
  shape jsonb,
  quiet jsonb,
  is_active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  foreign key (tenant_id, endpoint_id) references public.endpoints (tenant_id, id)
);
comment on table public.rules is 'When these types, under this condition, in this lane, to this endpoint, in this shape; the first that matches takes the event';
comment on column public.rules.lane is 'Named by its tenant; 0, before everybody else''s, is only computed: by type, severity and nearness';
comment on column public.rules.position is 'Among the rules of its endpoint, lowest first';
create index rules_tenant on public.rules (tenant_id) where deleted_at is null;
create index rules_endpoint on public.rules (tenant_id, endpoint_id);
create trigger bump before update on public.rules for each row execute function app.bump();
call app.protect('public.rules', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$,
  $$((select app.write_mask()) & 512) <> 0 or (select app.role()) in ('owner', 'admin', 'system')$$, false);
reset role;

set role wedsync_recorder;

-- `rsvp.*` as like wants it.
create function app.like_patterns(p_events text[]) returns text[] language sql immutable parallel safe set search_path = '' as $$
  select array(select replace(replace(x, '_', '\_'), '*', '%') from unnest(p_events) with ordinality as u(x, n) order by n);
$$;

-- The four below become part of the statement that asks: no settings, no sub-selects.
-- May who is linked by this mask hear of a fact? No mask = the stream's own tenant, who hears all of it.
create function app.hears(p_mask integer, p_link uuid, p_scope integer, p_fact_link uuid, p_fact_membership uuid) returns boolean
language sql immutable parallel safe
  return case when p_mask is null then true when p_fact_link is not null then p_fact_link = p_link when p_fact_membership is not null then false
    else p_mask & p_scope <> 0 end;

-- A fact as a link may see it: what a row was before it came to that link is asked of by no condition either.
create function app.fact_for(p_fact jsonb, p_link uuid) returns jsonb language sql immutable parallel safe
  return case when p_link is not null and p_fact ->> 'op' = 'UPDATE'
      and ((p_fact -> 'old' ->> 'link_id') is distinct from (p_fact -> 'record' ->> 'link_id')
        or (p_fact -> 'old' ->> 'membership_id') is distinct from (p_fact -> 'record' ->> 'membership_id'))
    then p_fact || '{"op": "INSERT", "old": null}' else p_fact end;

create function app.holds(p_condition jsonpath, p_fact jsonb) returns boolean language sql immutable parallel safe
  return p_condition is null or coalesce(jsonb_path_match(p_fact, p_condition, '{}', true), false);

-- The rule's lane if it names one (never 0: no tenant goes before others by its own word); else the type's, one more urgent near the wedding, and one more for what is severe.
create function app.lane_for(p_own smallint, p_type smallint, p_is_near boolean, p_is_severe boolean) returns smallint
language sql immutable parallel safe
  return coalesce(p_own, greatest(0, p_type - p_is_near::integer - p_is_severe::integer)::smallint);

-- When the quiet hours that a moment lies in are over, the next ones being part of them where they follow at once; null where it lies in none.
-- p_quiet: {zone, from, until, days}: local times, `until` on the next day if it is not after `from`; days = on which they begin (1 = Monday).
create function app.quiet_until(p_quiet jsonb, p_at timestamptz) returns timestamptz
language plpgsql stable set search_path = '' as $$
declare
  v_zone text := p_quiet ->> 'zone';
  v_from time := (p_quiet ->> 'from')::time;
  v_until time := (p_quiet ->> 'until')::time;
  v_at timestamptz := p_at;
  v_end timestamptz;
begin
  for v_step in 1..8 loop
    select max((d.day + v_until + case when v_until <= v_from then interval '1 day' else interval '0' end) at time zone v_zone) into v_end
      from (select (v_at at time zone v_zone)::date - n as day from generate_series(0, 1) n) d
      where (p_quiet -> 'days' is null or p_quiet -> 'days' @> to_jsonb(extract(isodow from d.day)::integer))
        and v_at >= (d.day + v_from) at time zone v_zone
        and v_at < (d.day + v_until + case when v_until <= v_from then interval '1 day' else interval '0' end) at time zone v_zone;
    exit when v_end is null;
    v_at := v_end;
  end loop;
  return nullif(v_at, p_at);
end $$;

-- Until when quiet hours hold a delivery, by the clock that jobs run by: their end, or the beginning of the last day before the wedding.
create function app.held_until(p_quiet jsonb, p_stream uuid) returns timestamptz
language plpgsql stable set search_path = '' as $$
declare
  v_now timestamptz := app.now();
  v_until timestamptz := app.quiet_until(p_quiet, v_now);
  v_near timestamptz;
begin
  if v_until is null then return null; end if;
  select min(d.live_from) - interval '24 hours' into v_near from public.wedding_days d
    where d.wedding_id = p_stream and d.live_from - interval '24 hours' > v_now;
  return clock_timestamp() + (least(v_until, v_near) - v_now) / app.speed();
end $$;

-- A rule becomes a subscription of the ledger, with its conditions as the application has compiled them.
create function app.connect_rule(p_rule uuid, p_condition text) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
begin
  select x.id, x.tenant_id, x.endpoint_id, x.types, x.mode, x.is_active, x.position, x.lane, x.shape, x.quiet, x.deleted_at into r
    from public.rules x where x.id = p_rule and x.tenant_id = app.tenant();
  if not found or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.subscriptions as s (id, tenant_id, destination_id, connector, patterns, mode, active, position, condition, lane, shape, quiet)
    values (r.id, r.tenant_id, r.endpoint_id, 'webhook', app.like_patterns(r.types), r.mode, r.is_active and r.deleted_at is null, r.position,
      p_condition::jsonpath, r.lane, r.shape, r.quiet)
    on conflict (id) do update set destination_id = excluded.destination_id, patterns = excluded.patterns, mode = excluded.mode,
      active = excluded.active, position = excluded.position, condition = excluded.condition, lane = excluded.lane, shape = excluded.shape,
      quiet = excluded.quiet, since = case when s.active then s.since else clock_timestamp() end;
end $$;
grant execute on function app.connect_rule(uuid, text) to wedsync_user;
reset role;
