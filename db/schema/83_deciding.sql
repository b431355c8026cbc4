-- Telling people: how each of them can be reached now, what is put into their inboxes and kept of the decision, and what is told later.
set role wedsync_owner;
create table public.wedding_choices (
  wedding_id uuid primary key references public.weddings on delete cascade,
  id uuid generated always as (wedding_id) stored,
  choices jsonb not null default '{}' check (jsonb_typeof(choices) = 'object' and length(choices::text) <= 4000),
  version integer not null default 1,
  updated_at timestamptz not null default clock_timestamp()
);
comment on table public.wedding_choices is 'What the couple chose for everybody at their wedding who did not choose: kind of notice -> channel -> now, digest or off';
create trigger bump before update on public.wedding_choices for each row execute function app.bump();
call app.protect('public.wedding_choices', 'wedding_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.inbox to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- How each of these people can be told now of a fact of the entered wedding. Their rows are locked in one order until the decision is in, so that
-- two facts at once do not both take the last place in somebody's hour. Who was decided on before has that decision's outcomes: it is not made again.
create function app.reach_of(p_event uuid, p_people uuid[])
returns table (person_id uuid, channels jsonb, choices jsonb, weddings jsonb, zone text, quiet_from time, quiet_until time, digest_at time,
  sent_at timestamptz[], waiting_until timestamptz, wedding_choices jsonb, is_live boolean, live_from timestamptz, at timestamptz,
  takes_texts boolean, is_stopped boolean, locale text, outcomes jsonb)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'reach_of is the system''s'; end if;
  insert into public.reaches (person_id) select x from unnest(p_people) x order by x on conflict do nothing;
  perform from public.reaches r where r.person_id = any (p_people) order by r.person_id for update;
  return query
    select r.person_id, f.channels, f.choices, f.weddings, f.zone, f.quiet_from, f.quiet_until, f.digest_at, r.sent_at,
      (select min(h.due_at) from public.held_notices h where h.person_id = r.person_id and h.reason = 'limit' and h.ended_at is null),
      (select c.choices from public.wedding_choices c where c.wedding_id = app.tenant()),
      exists (select from public.wedding_days d where d.wedding_id = app.tenant() and app.now() between d.live_from and d.live_until),
      (select min(d.live_from) from public.wedding_days d where d.wedding_id = app.tenant() and d.live_from > app.now()), app.now(),
      coalesce(h.state = 'verified' and h.takes_texts, false), coalesce(app.is_stopped(h.number_index), false), f.locale,
      (select d.outcomes from public.decisions d where d.person_id = r.person_id and d.event_id = p_event)
    from public.reaches r left join public.preferences f on f.person_id = r.person_id
    left join public.phones h on h.person_id = r.person_id
    where r.person_id = any (p_people);
end $$;

-- What persons have not read and not seen, counted anew; facts of those where it is no longer as it was. Their streams are locked by then.
create function app.count_inboxes(p_people uuid[]) returns jsonb
language sql volatile set search_path = '' as $$
  with counted as (
    select p.person_id, count(i.person_id)::integer as unread, count(i.person_id) filter (where i.seen_at is null)::integer as unseen
    from unnest(p_people) as p(person_id)
    left join public.inbox i on i.person_id = p.person_id and i.read_at is null and i.archived_at is null
    group by p.person_id),
  kept as (
    insert into public.inbox_counts as c (person_id, unread, unseen) select n.person_id, n.unread, n.unseen from counted n order by n.person_id
    on conflict (person_id) do update set unread = excluded.unread, unseen = excluded.unseen
      where (c.unread, c.unseen) is distinct from (excluded.unread, excluded.unseen)
    returning new.id, new.person_id, to_jsonb(new) as record, case when old.person_id is null then null else to_jsonb(old) end as old_record)
  select coalesce(jsonb_agg(jsonb_build_object('type', 'inbox.counted', 'scope', 512, 'table', 'inbox_counts', 'id', k.id,
    'op', case when k.old_record is null then 'INSERT' else 'UPDATE' end, 'record', k.record, 'old', k.old_record, 'person', k.person_id)), '[]')
  from kept k;
$$;

-- The same of one person: its fact, or null where it is as it was.
create function app.count_inbox(p_person uuid) returns jsonb
language sql volatile set search_path = ''
  return app.count_inboxes(array[p_person]) -> 0;

-- In-app notices: rows of other persons' inboxes, each in its own stream, in sorted order; once per (person, event). With them, where it was
-- decided, the decision of each person, what is told later, and that somebody was told: one statement each for all of them.
-- p: [{person_id, event_id, type, title, detail, href, occurred_at, category, severity, outcomes, trace, at, counts, held: [...]}].
-- Their streams are locked in one order and written in one statement, for thirteen suppliers are told at once: one by one this cost four times as
-- much. Facts of an inbox owe nothing: no reaction is of them, and a person has no endpoints.
create function app.put_notices(p jsonb) returns setof text
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
  v_home uuid := app.tenant();
  v_at timestamptz := clock_timestamp();
  v_cause uuid := coalesce(nullif(current_setting('app.cause', true), '')::uuid, uuidv7());
  v_people uuid[] := array(select distinct (f.x ->> 'person_id')::uuid from jsonb_array_elements(p) as f(x));
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'put_notices is the system''s'; end if;
  perform from public.streams s where s.id = any (v_people) order by s.id for update;
  with put as (
    insert into public.inbox as i (person_id, event_id, stream_id, type, title, detail, href, occurred_at, category, severity)
      select (f.x ->> 'person_id')::uuid, (f.x ->> 'event_id')::uuid, v_home, f.x ->> 'type', f.x ->> 'title', f.x ->> 'detail', f.x ->> 'href',
        (f.x ->> 'occurred_at')::timestamptz, coalesce(f.x ->> 'category', 'account'), coalesce(f.x ->> 'severity', 'normal')
      from jsonb_array_elements(p) with ordinality as f(x, n) order by f.n
      on conflict (person_id, event_id) do nothing
      returning i.person_id, i.id, to_jsonb(i) as record)
  select jsonb_agg(jsonb_build_object('type', 'notice.added', 'scope', 512, 'table', 'inbox', 'id', u.id, 'op', 'INSERT', 'record', u.record,
    'person', u.person_id) order by u.id) into v_facts from put u;
  if v_facts is not null then
    v_facts := v_facts || app.count_inboxes(array(select distinct (f.x ->> 'person')::uuid from jsonb_array_elements(v_facts) as f(x)));
    return query select t.nudge from app.tell_people(v_facts, v_at, v_cause) as t(nudge);
  end if;
  perform app.keep_decisions(v_home, p);
end $$;

-- Facts of inboxes into the streams of their persons, which are locked: one statement for all of them. Returns the nudges.
create function app.tell_people(v_facts jsonb, v_at timestamptz, v_cause uuid) returns setof text
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
begin
  return query
      with written as (
        insert into public.events (stream_id, seq, recorded_at, id, epoch, type, scope, subject_table, subject_id, op, record, old_record, actor_kind,
          actor_id, cause, occurred_at)
        select s.id, s.top + row_number() over (partition by s.id order by f.n), v_at, uuidv7(), s.epoch, f.x ->> 'type', 512, f.x ->> 'table',
          (f.x ->> 'id')::uuid, f.x ->> 'op', nullif(f.x -> 'record', 'null'), nullif(f.x -> 'old', 'null'), app.actor_kind(), app.actor(), v_cause, v_at
        from jsonb_array_elements(v_facts) with ordinality as f(x, n) join public.streams s on s.id = (f.x ->> 'person')::uuid
        returning events)
      select '[' || string_agg(app.event_text(w.events, 'person'), ', ' order by (w.events).seq) || ']' from written w group by (w.events).stream_id;
    update public.streams s set top = s.top + c.n
      from (select (f.x ->> 'person')::uuid as person, count(*) as n from jsonb_array_elements(v_facts) as f(x) group by 1) c where s.id = c.person;
end $$;

-- What somebody did about their notices in another place: these of the entered wedding are acted on, which is read. By a pass of a link that has one
-- person it was that person; of more, nobody knows who.
create function app.act_notices(p_person uuid, p_link uuid, p_event uuid, p_alert uuid) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_home uuid := app.tenant();
  v_now timestamptz := app.now();
  v_facts jsonb;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'act_notices is the system''s'; end if;
  if p_person is null then
    select min(m.person_id::text)::uuid into p_person from public.links l
      join public.supplier_members m on m.supplier_id = l.supplier_id and m.removed_at is null
      where l.wedding_id = v_home and l.id = p_link having count(*) = 1;
  end if;
  perform from public.streams s where s.id = p_person for update;
  with done as (
    update public.inbox i
    set delivered_at = coalesce(i.delivered_at, v_now), seen_at = coalesce(i.seen_at, v_now), read_at = coalesce(i.read_at, v_now), acted_at = v_now
    where i.person_id = p_person and i.stream_id = v_home and i.acted_at is null and (i.event_id = p_event
      or i.event_id in (select e.id from public.events e where e.stream_id = v_home and e.subject_table = 'alerts' and e.subject_id = p_alert))
    returning new.id, to_jsonb(new) as record, to_jsonb(old) as before)
  select jsonb_agg(jsonb_build_object('type', 'notice.marked', 'scope', 512, 'table', 'inbox', 'id', d.id, 'op', 'UPDATE', 'record', d.record,
    'old', d.before, 'person', p_person) order by d.id) into v_facts from done d;
  if v_facts is null then return; end if;
  v_facts := v_facts || coalesce((select jsonb_build_array(c.fact || jsonb_build_object('person', p_person))
    from (select app.count_inbox(p_person) as fact) c where c.fact is not null), '[]');
  return query select t.nudge from app.tell_people(v_facts, clock_timestamp(), coalesce(nullif(current_setting('app.cause', true), '')::uuid, uuidv7()))
    as t(nudge);
end $$;

create function app.keep_decisions(p_stream uuid, p jsonb) returns void
language sql volatile set search_path = '' as $$
  with told as materialized (
    select (f.x ->> 'person_id')::uuid as person_id, (f.x ->> 'event_id')::uuid as event_id, (f.x ->> 'at')::timestamptz as at, f.x
    from jsonb_array_elements(p) as f(x) where f.x ? 'outcomes'),
  kept as (
    insert into public.decisions (person_id, event_id, stream_id, type, title, category, severity, outcomes, trace, decided_at)
    select t.person_id, t.event_id, p_stream, t.x ->> 'type', t.x ->> 'title', t.x ->> 'category', t.x ->> 'severity', t.x -> 'outcomes',
      t.x -> 'trace', t.at from told t),
  counted as (
    update public.reaches r set sent_at = array(select s from unnest(r.sent_at) s where s > t.at - interval '1 hour') || t.at
    from told t where r.person_id = t.person_id and (t.x -> 'counts')::boolean)
  insert into public.held_notices (person_id, event_id, channel, stream_id, link_id, scope, pass_id, reason, couple, title, before, after, href,
    severity, due_at, stale_at, held_at)
  select t.person_id, t.event_id, h.x ->> 'channel', p_stream, (h.x ->> 'link_id')::uuid, (h.x ->> 'scope')::integer, (h.x ->> 'pass_id')::uuid,
    h.x ->> 'reason', h.x ->> 'couple', h.x ->> 'title', h.x ->> 'before', h.x ->> 'after', t.x ->> 'href', t.x ->> 'severity',
    (h.x ->> 'due_at')::timestamptz, (h.x ->> 'stale_at')::timestamptz, t.at
  from told t, jsonb_array_elements(t.x -> 'held') as h(x);
$$;

-- Marks of one's own notices: seen, read (which is seen), unread, acted (which is read), archived, restored. Newest first, 200 at a time: these, or
-- with p_until all that are not newer. The last row is of the counts, where they changed.
create function app.mark_notices(p_ids uuid[], p_until uuid, p_as text)
returns table (id uuid, subject text, record jsonb, old_record jsonb)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_at timestamptz := app.now();
  v_counts jsonb;
begin
  if app.role() <> 'self' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform from public.streams s where s.id = app.tenant() for update;
  return query
    update public.inbox i set
      delivered_at = coalesce(i.delivered_at, v_at),
      seen_at = case when p_as in ('seen', 'read', 'acted', 'archived') then coalesce(i.seen_at, v_at) else i.seen_at end,
      read_at = case when p_as in ('read', 'acted') then coalesce(i.read_at, v_at) when p_as = 'unread' then null else i.read_at end,
      acted_at = case when p_as = 'acted' then coalesce(i.acted_at, v_at) else i.acted_at end,
      archived_at = case when p_as = 'archived' then coalesce(i.archived_at, v_at) when p_as in ('restored', 'unread') then null else i.archived_at end
    where i.id in (select n.id from public.inbox n where n.person_id = app.tenant() and (n.id = any (p_ids) or n.id <= p_until)
        and case p_as when 'delivered' then n.delivered_at is null when 'seen' then n.seen_at is null when 'read' then n.read_at is null
          when 'unread' then n.read_at is not null or n.archived_at is not null when 'acted' then n.acted_at is null
          when 'archived' then n.archived_at is null when 'restored' then n.archived_at is not null end
        order by n.id desc limit 200)
    returning new.id, 'inbox', to_jsonb(new), to_jsonb(old);
  if not found then return; end if;
  v_counts := app.count_inbox(app.tenant());
  if v_counts is not null then
    return query select (v_counts ->> 'id')::uuid, 'inbox_counts', v_counts -> 'record', nullif(v_counts -> 'old', 'null');
  end if;
end $$;

-- Where one's own inbox stands: its counts, and how far its stream has come.
create function app.inbox_state() returns table (unread integer, unseen integer, epoch integer, seq bigint)
language sql stable security definer set search_path = '' as $$
  select coalesce(c.unread, 0), coalesce(c.unseen, 0), s.epoch, s.top
  from public.streams s left join public.inbox_counts c on c.person_id = s.id
  where s.id = app.tenant() and app.role() = 'self';
$$;

-- How many notices whoever acts has not read, wherever they are: for the frame of every page.
create function app.my_unread() returns integer language sql stable security definer set search_path = ''
  return coalesce((select c.unread from public.inbox_counts c where c.person_id = app.actor() and app.actor_kind() in ('person', 'key')), 0);

-- What waited and is due becomes a digest of each person and channel; it takes one place in the person's hour, and waits for one. What nobody is
-- helped by any more, or whose link no longer holds it, ends here. For the clock; by person, so that what one cannot be told keeps back nobody.
create function app.make_digests() returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
  v_now timestamptz := app.now();
  v_recent timestamptz[];
  v_facts jsonb;
begin
  for r in select distinct h.person_id from public.held_notices h where h.ended_at is null and h.due_at <= v_now order by 1 limit 500 loop
    select array(select s from unnest(x.sent_at) s where s > v_now - interval '1 hour' order by s) into v_recent
      from public.reaches x where x.person_id = r.person_id for update skip locked;
    continue when not found;
    perform app.end_held(r.person_id, v_now);
    if cardinality(v_recent) >= 7 then
      update public.held_notices h set due_at = v_recent[cardinality(v_recent) - 6] + interval '1 hour'
        where h.person_id = r.person_id and h.ended_at is null and h.due_at <= v_now;
      continue;
    end if;
    perform app.settle(null, 'system', r.person_id, 'system', 2047, 2047);
    with due as (
      update public.held_notices h set ended_at = v_now, ended = 'sent'
      where h.person_id = r.person_id and h.ended_at is null
        and (h.due_at <= v_now or h.reason in (select o.reason from public.held_notices o
          where o.person_id = h.person_id and o.channel = h.channel and o.reason = 'limit' and o.ended_at is null and o.due_at <= v_now))
      returning h.*),
    made as (
      insert into public.digests (person_id, channel, items, made_at)
      select d.person_id, d.channel, jsonb_agg(jsonb_build_object('event_id', d.event_id, 'couple', d.couple, 'title', d.title, 'before', d.before,
        'after', d.after, 'href', d.href, 'severity', d.severity, 'pass_id', d.pass_id, 'wedding_id', d.stream_id, 'link_id', d.link_id,
        'scope', d.scope) order by d.held_at, d.event_id), v_now
      from due d group by d.person_id, d.channel
      returning id, to_jsonb(digests) as record)
    select jsonb_agg(jsonb_build_object('type', 'digest.made', 'scope', 512, 'table', 'digests', 'id', m.id, 'op', 'INSERT', 'record', m.record))
      into v_facts from made m;
    if v_facts is not null then
      update public.reaches x set sent_at = v_recent || v_now where x.person_id = r.person_id;
      return next app.record(v_facts);
    end if;
  end loop;
end $$;

-- Whether a link that something was held for may still see it; what is of no link is the couple's own.
create function app.link_sees(p_wedding uuid, p_link uuid, p_scope integer) returns boolean
language sql stable set search_path = '' as $$
  select p_link is null or exists (select from public.links l where l.wedding_id = p_wedding and l.id = p_link and l.status = 'active'
    and (p_scope = 0 or l.mask & p_scope <> 0));
$$;

-- The same of all that a digest tells: asked at the last moment, when a worker has it in its hand.
create function app.digest_stands(p_digest jsonb) returns boolean
language sql stable set search_path = '' as $$
  select coalesce(bool_and(app.link_sees((i.x ->> 'wedding_id')::uuid, (i.x ->> 'link_id')::uuid, (i.x ->> 'scope')::integer)), true)
  from jsonb_array_elements(p_digest -> 'items') as i(x);
$$;

-- The page of the entered person as a helper of a wedding: its pass, as it was made last. For what is told to them together.
create function app.helped_at(p_wedding uuid) returns uuid
language sql stable security definer set search_path = '' as $$
  select x.id from public.memberships m
  join public.passes x on x.wedding_id = m.wedding_id and x.membership_id = m.id and x.purpose = 'help' and x.revoked_at is null
    and x.expires_at > app.now()
  where app.role() = 'system' and m.person_id = app.tenant() and m.wedding_id = p_wedding and m.role = 'helper' and m.removed_at is null
  order by x.created_at desc limit 1;
$$;

create function app.end_held(p_person uuid, p_now timestamptz) returns void
language sql volatile set search_path = '' as $$
  update public.held_notices h set ended_at = p_now, ended = case when h.stale_at <= p_now then 'stale' else 'revoked' end
  where h.person_id = p_person and h.ended_at is null and (h.stale_at <= p_now
    or not exists (select from app.standing(h.person_id, h.stream_id))
    or not app.link_sees(h.stream_id, h.link_id, h.scope));
$$;

-- What was decided so long ago that nobody asks any more.
create function app.forget_decisions(p_days integer) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_before timestamptz := app.now() - make_interval(days => p_days);
  v integer;
begin
  delete from public.held_notices h where h.ended_at < v_before;
  delete from public.digests d where d.made_at < v_before;
  delete from public.decisions d where d.decided_at < v_before;
  get diagnostics v = row_count;
  return v;
end $$;

-- An event as its reader sees it, for those who ask why they were (not) told of it.
grant execute on function app.event_json(public.events, text), app.event_text(public.events, text) to wedsync_user;
grant execute on function app.reach_of(uuid, uuid[]), app.put_notices(jsonb), app.act_notices(uuid, uuid, uuid, uuid), app.mark_notices(uuid[], uuid, text), app.inbox_state(), app.my_unread(),
  app.helped_at(uuid) to wedsync_user;
grant execute on function app.make_digests(), app.forget_decisions(integer) to wedsync_service;
reset role;
