-- What the system does with phones: whom it may text, what became of it, what was answered.
set role wedsync_owner;
-- Texts and calls wait for their own provider, so that one that is away keeps no mail waiting; those of an emergency have places of their own. A call
-- of theirs that hangs holds its place for ten seconds, so there are many: some that hang leave room for the others.
alter table public.destinations no force row level security;
insert into public.destinations (id, tenant_id, connector, max_in_flight) values
  ('00000000-0000-7000-8000-000000000009', '00000000-0000-7000-8000-000000000000', 'twilio', 48),
  ('00000000-0000-7000-8000-00000000000b', '00000000-0000-7000-8000-000000000000', 'twilio', 32);
alter table public.destinations force row level security;
reset role;

set role wedsync_recorder;

create function app.is_stopped(p_number bytea) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from public.phone_stops s where s.number_index = p_number and s.lifted_at is null);
$$;

-- Answered by text or call, or confirmed in another way meanwhile.
create function app.is_answered(m public.phone_messages) returns boolean
language sql stable set search_path = '' as $$
  select m.answered_at is not null or exists (select from public.acknowledgements a where a.wedding_id = m.tenant_id and a.link_id = m.link_id
    and a.event_id = m.event_id and a.status = 'acknowledged')
    or exists (select from public.events e join public.alerts a on a.wedding_id = e.stream_id and a.id = e.subject_id
      where e.stream_id = m.tenant_id and e.id = m.event_id and e.subject_table = 'alerts' and a.state <> 'triggered');
$$;

-- Asked at the last moment, when a worker has the text in its hand: null, or why it may not leave.
create function app.unphoned(p_message uuid) returns text
language sql stable set search_path = '' as $$
  select case when m.id is null then 'cancelled:nothing is known of this text'
    when app.is_stopped(m.number_index) then 'revoked:the person wants no texts and calls'
    when m.event_id is not null and not exists (select from public.phones p where p.person_id = m.person_id and p.number_index = m.number_index
      and p.state = 'verified' and case m.kind when 'text' then p.takes_texts else p.takes_calls end) then 'revoked:the person takes these no more'
    when app.is_answered(m) then 'cancelled:it was answered already' end
  from (select p_message as wanted) w left join public.phone_messages m on m.id = w.wanted;
$$;

-- A code to the number that the entered person gave: the text alone, for minutes.
create function app.owe_code(p_phone uuid, p_delivery uuid, p_sealed bytea, p_minutes integer) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_until timestamptz := clock_timestamp() + make_interval(mins => p_minutes);
  v_person uuid := app.tenant();
begin
  if app.role() <> 'self' then raise insufficient_privilege using message = 'a code is asked for by the person'; end if;
  -- A code that counts no more is not texted after the one that does.
  perform app.end_jobs(array(select j.id from public.phone_messages m join public.jobs j on j.id = m.id and j.lease_token is null
    where m.person_id = v_person and m.tenant_id = v_person and m.event_id is null), 'cancelled', 'a newer code took its place');
  insert into public.phone_messages (id, tenant_id, made_at, person_id, number_index, kind)
    select p_delivery, v_person, v_at, v_person, p.number_index, 'text' from public.phones p where p.person_id = v_person and p.id = p_phone;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, v_person, 'twilio', '00000000-0000-7000-8000-000000000009', 'phone.code', 'person', v_person, p_sealed, 0, v_until);
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'twilio', 0, v_person, '00000000-0000-7000-8000-000000000009', v_at, v_until);
end $$;

-- How the entered person's newest text stands, and whether the number wants none: what their page shows.
create function app.my_phone() returns table (is_stopped boolean, state text, error_code integer, fate text)
language sql stable security definer set search_path = '' as $$
  select app.is_stopped(p.number_index), m.state, m.error_code, m.fate
  from public.phones p left join lateral (select x.state, x.error_code, x.fate from public.phone_messages x
    where x.person_id = p.person_id and x.number_index = p.number_index order by x.created_at desc limit 1) m on true
  where p.person_id = app.tenant() and app.role() = 'self';
$$;

-- Of which of these facts a text was made to the entered person.
create function app.my_texts(p_events uuid[]) returns table (event_id uuid)
language sql stable security definer set search_path = '' as $$
  select distinct m.event_id from public.phone_messages m
  where m.person_id = app.tenant() and app.role() = 'self' and m.kind = 'text' and m.event_id = any (p_events);
$$;

-- Whom of these the system may text or call now: verified, agreed, not stopped, and of a business whose plan has a text left. p: [{person_id,
-- supplier_id}] of the entered wedding. Each once of one event. A text is counted here; in the order of the businesses, so that two of these never wait for each other.
create function app.phones_for(p jsonb, p_kind text, p_event uuid, p_is_emergency boolean)
returns table (person_id uuid, phone_id uuid, sealed bytea, number_index bytea, code smallint)
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'phones_for is the system''s'; end if;
  for r in
    select f.id, s.id as phone, s.sealed as words, s.number_index as idx, f.supplier,
      (10 + (select count(*) from public.phone_messages m where m.person_id = f.id and m.code is not null) % 90)::smallint as next_code
    from (select distinct on ((x ->> 'person_id')::uuid) (x ->> 'person_id')::uuid as id, (x ->> 'supplier_id')::uuid as supplier
      from jsonb_array_elements(p) as x order by (x ->> 'person_id')::uuid, (x ->> 'supplier_id')::uuid) f
    join public.phones s on s.person_id = f.id and s.state = 'verified' and case p_kind when 'text' then s.takes_texts else s.takes_calls end
    where not app.is_stopped(s.number_index) and not exists (select from public.phone_messages m
      where m.person_id = f.id and m.event_id = p_event and m.kind = p_kind and m.follows is null)
    order by f.supplier nulls first, f.id
  loop
    begin
      if p_kind = 'text' then perform app.claim_sms(r.supplier, app.tenant(), p_is_emergency); end if;
      return query select r.id, r.phone, r.words, r.idx, r.next_code;
    exception when sqlstate 'WS402' then
      -- The plan has no text left: the mail and the inbox say it.
      null;
    end;
  end loop;
end $$;

-- Texts and calls that are owed now, beside their deliveries. p: [{id, person_id, number_index hex, kind, severity, event_id, link_id, code, sealed hex}]
create function app.note_texts(p jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if app.role() <> 'system' then raise insufficient_privilege using message = 'note_texts is the system''s'; end if;
  insert into public.phone_messages (id, tenant_id, made_at, person_id, number_index, kind, severity, event_id, link_id, code, sealed)
    select (x ->> 'id')::uuid, app.tenant(), clock_timestamp(), (x ->> 'person_id')::uuid, decode(x ->> 'number_index', 'hex'), x ->> 'kind',
      x ->> 'severity', (x ->> 'event_id')::uuid, (x ->> 'link_id')::uuid, (x ->> 'code')::smallint, decode(x ->> 'sealed', 'hex')
    from jsonb_array_elements(p) as x
    on conflict (id) do nothing;
end $$;

-- A phone changed by what its holder or its carrier said; told in the person's stream. Returns the nudges.
create function app.tell_phones(p_phones jsonb) returns setof text
language plpgsql volatile set search_path = '' as $$
declare
  r record;
begin
  for r in select x from jsonb_array_elements(p_phones) as x order by x -> 'record' ->> 'person_id' loop
    perform app.settle(null, 'system', (r.x -> 'record' ->> 'person_id')::uuid, 'system', 2047, 2047);
    return next app.record(jsonb_build_array(jsonb_build_object('type', 'phone.changed', 'scope', 512, 'table', 'phones', 'id', r.x -> 'record' ->> 'id',
      'op', 'UPDATE', 'record', r.x -> 'record', 'old', r.x -> 'old')));
  end loop;
  perform app.settle(null, 'anonymous', null, 'none', 0, 0);
end $$;

create function app.phone_image(p public.phones) returns jsonb
language sql immutable set search_path = '' as $$
  select to_jsonb(p) - '{sealed,number_index,code_hash,code_expires_at,code_tries}'::text[];
$$;

-- The number wants nothing more, from now on and whatever waits: STOP, or the carrier says so. p_indexes: under every key of the ring.
create function app.stop_phone(p_indexes bytea[], p_sealed bytea, p_id uuid, p_reason text) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v jsonb;
begin
  insert into public.phone_stops as s (id, number_index, reason, sealed) values (p_id, p_indexes[1], p_reason, p_sealed)
    on conflict (number_index) do update set reason = excluded.reason, stopped_at = clock_timestamp(), lifted_at = null where s.lifted_at is not null;
  insert into public.phone_consents (person_id, number_index, act, channel, method)
    select p.person_id, p.number_index, 'withdrawn', c.channel, case p_reason when 'stopped' then 'text' else 'carrier' end
    from public.phones p cross join lateral (values ('text', p.takes_texts), ('call', p.takes_calls)) as c(channel, is_on)
    where p.number_index = any (p_indexes) and c.is_on;
  perform app.end_jobs(array(select j.id from public.phone_messages m join public.jobs j on j.id = m.id and j.lease_token is null
    where m.number_index = any (p_indexes) and m.created_at > clock_timestamp() - interval '4 days'), 'revoked', 'the person wants no texts and calls');
  with changed as (
    update public.phones p set takes_texts = false, takes_calls = false where p.number_index = any (p_indexes) and (p.takes_texts or p.takes_calls)
    returning app.phone_image(new) as record, app.phone_image(old) as old)
  select coalesce(jsonb_agg(jsonb_build_object('record', c.record, 'old', c.old)), '[]') into v from changed c;
  return query select * from app.tell_phones(v);
end $$;

-- START: texts again, for those whose number it is and who had taken them until the STOP. Calls are agreed to on the page only.
create function app.start_phone(p_indexes bytea[]) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v jsonb;
  v_back uuid[];
begin
  update public.phone_stops s set lifted_at = clock_timestamp() where s.number_index = any (p_indexes) and s.lifted_at is null;
  if not found then return; end if;
  v_back := array(select p.id from public.phones p where p.number_index = any (p_indexes) and p.state = 'verified' and not p.takes_texts
    and (select c.method from public.phone_consents c where c.person_id = p.person_id and c.channel = 'text'
      order by c.created_at desc, c.id desc limit 1) in ('text', 'carrier'));
  insert into public.phone_consents (person_id, number_index, act, channel, method, wording)
    select p.person_id, p.number_index, 'given', 'text', 'text', 'START'
    from public.phones p where p.id = any (v_back);
  with changed as (
    update public.phones p set takes_texts = true where p.id = any (v_back)
    returning app.phone_image(new) as record, app.phone_image(old) as old)
  select coalesce(jsonb_agg(jsonb_build_object('record', c.record, 'old', c.old)), '[]') into v from changed c;
  return query select * from app.tell_phones(v);
end $$;

-- Whether this was told for the first time.
create function app.hear_phone(p_key text, p_message uuid, p_number bytea, p_what text, p_code integer) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  insert into public.phone_hooks (key, message_id, number_index, what, error_code) values (p_key, p_message, p_number, p_what, p_code)
    on conflict (key) do nothing;
  return found;
end $$;

-- How a text or call stands, forward only. The row as it is then, with whether this moved it; none: nobody's.
create function app.phone_stands(p_message uuid, p_sid text, p_state text, p_rank integer, p_is_last boolean, p_code integer, p_fate text)
returns table (is_moved boolean, tenant_id uuid, person_id uuid, kind text, severity text, number_index bytea, sealed bytea, is_answered boolean,
  is_repeat boolean, takes_calls boolean, phone_sealed bytea, phone_id uuid)
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_moved boolean;
begin
  update public.phone_messages m set sid = p_sid, state = p_state, rank = p_rank, error_code = p_code, fate = p_fate, updated_at = clock_timestamp()
    where m.id = p_message and m.rank < p_rank and (m.sid = p_sid or m.sid = '');
  v_moved := found;
  return query
    select v_moved, m.tenant_id, m.person_id, m.kind, m.severity, m.number_index, m.sealed, app.is_answered(m), m.follows is not null,
      coalesce(p.takes_calls, false), p.sealed, p.id
    from public.phone_messages m left join public.phones p on p.person_id = m.person_id and p.number_index = m.number_index
    where m.id = p_message;
  -- What arrived needs its words no more; of a call they are spoken once it is taken, so they go when it has ended.
  if v_moved and p_is_last and p_fate = '' then update public.phone_messages m set sealed = null where m.id = p_message; end if;
end $$;

-- Nobody has this number: it is not used until its person gives another, or proves it again.
create function app.spoil_phone(p_number bytea) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v jsonb;
begin
  with changed as (
    update public.phones p set state = 'invalid', takes_texts = false, takes_calls = false where p.number_index = p_number and p.state <> 'invalid'
    returning app.phone_image(new) as record, app.phone_image(old) as old)
  select coalesce(jsonb_agg(jsonb_build_object('record', c.record, 'old', c.old)), '[]') into v from changed c;
  return query select * from app.tell_phones(v);
end $$;

-- A text that did not arrive goes once more, or as a call; once. The same notice, so the same event, link and code. False: it has been done.
create function app.follow_text(p_old uuid, p_new uuid, p_kind text, p_delivery bytea, p_words bytea, p_delay_s integer) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  m record;
  d record;
  v_at timestamptz := clock_timestamp();
begin
  select * into m from public.phone_messages x where x.id = p_old for update;
  if m.event_id is null or exists (select from public.phone_messages x where x.person_id = m.person_id and x.follows = p_old) then return false; end if;
  select x.* into d from public.deliveries x where x.id = p_old order by x.made_at desc limit 1;
  if d.id is null then return false; end if;
  insert into public.phone_messages (id, tenant_id, made_at, person_id, number_index, kind, severity, event_id, link_id, code, sealed, follows)
    values (p_new, m.tenant_id, v_at, m.person_id, m.number_index, p_kind, m.severity, m.event_id, m.link_id, m.code, p_words, p_old);
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, stream_id, seq, event_id, event_at, type, link_id, recipient_kind,
      recipient_id, sealed, lane, expires_at)
    values (p_new, v_at, d.tenant_id, d.connector, d.destination_id, d.stream_id, d.seq, d.event_id, d.event_at, d.type, d.link_id, d.recipient_kind,
      d.recipient_id, p_delivery, d.lane, d.expires_at);
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, event_id, expires_at, run_at)
    values (p_new, 'delivery', d.connector, d.lane, d.tenant_id, d.destination_id, v_at, d.event_id, d.expires_at,
      v_at + make_interval(secs => p_delay_s));
  update public.phone_messages x set sealed = null where x.id = p_old;
  return true;
end $$;

-- What the holder of a number was asked and has not answered, within a week.
create function app.phone_asks(p_indexes bytea[])
returns table (id uuid, tenant_id uuid, person_id uuid, link_id uuid, event_id uuid, code smallint, title text, created_at timestamptz,
  locale text)
language sql stable security definer set search_path = '' as $$
  select distinct on (m.event_id, m.person_id) m.id, m.tenant_id, m.person_id, m.link_id, m.event_id, m.code, coalesce(i.title, ''), m.created_at,
    coalesce(f.locale, w.locale)
  from public.phone_messages m
  join public.phones p on p.person_id = m.person_id and p.number_index = m.number_index and p.state = 'verified'
  left join public.preferences f on f.person_id = m.person_id
  left join public.weddings w on w.wedding_id = m.tenant_id
  left join public.inbox i on i.person_id = m.person_id and i.event_id = m.event_id
  where m.number_index = any (p_indexes) and m.code is not null and m.answered_at is null and m.created_at > clock_timestamp() - interval '7 days'
  order by m.event_id, m.person_id, m.created_at desc;
$$;

-- What a call is about: its words, and what is asked in it. None: nobody's, or its words are gone.
create function app.phone_call(p_message uuid)
returns table (id uuid, tenant_id uuid, person_id uuid, link_id uuid, event_id uuid, code smallint, sealed bytea, sid text)
language sql stable security definer set search_path = '' as $$
  select m.id, m.tenant_id, m.person_id, m.link_id, m.event_id, m.code, m.sealed, m.sid from public.phone_messages m
  where m.id = p_message and m.kind = 'call' and not app.is_answered(m);
$$;

-- Answered, by whoever the entered person is: every text and call to them of this event; what has not left stays.
create function app.phone_answered(p_event uuid, p_answer text, p_by text) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  update public.phone_messages m set answer = p_answer, answered_by = p_by, answered_at = app.now(), sealed = null, updated_at = clock_timestamp()
    where m.person_id = app.actor() and m.tenant_id = app.tenant() and m.event_id = p_event and m.answered_at is null;
  perform app.end_jobs(array(select j.id from public.phone_messages m join public.jobs j on j.id = m.id and j.lease_token is null
    where m.person_id = app.actor() and m.event_id = p_event), 'cancelled', 'it was answered already');
end $$;

-- By the clock: what the provider refused when it was asked to send it. The ledger has the code; a number that wants nothing, or is nobody's, is not
-- asked again, and what a call may still say is owed as work, for its words are sealed. Returns the nudges.
create function app.mind_refused_texts(p_stopped text[], p_invalid text[], p_call text[]) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  r record;
begin
  for r in
    select m.id, m.tenant_id, m.number_index, m.severity, coalesce(a.detail, '') as code from public.phone_messages m
    join public.deliveries d on d.id = m.id and d.state = 'dead'
    left join lateral (select t.detail from public.attempts t where t.delivery_id = m.id order by t.number desc limit 1) a on true
    where m.state = 'owed' and m.created_at > clock_timestamp() - interval '4 days'
    order by m.number_index, m.id limit 100
  loop
    update public.phone_messages m set state = 'refused', error_code = case when r.code ~ '^[0-9]{5}$' then r.code::integer end,
        fate = case when r.code = any (p_stopped) then 'stopped' when r.code = any (p_invalid) then 'invalid' when r.code = any (p_call) then 'call'
          else 'refused' end, updated_at = clock_timestamp()
      where m.id = r.id;
    if r.code = any (p_stopped) then
      return query select * from app.stop_phone(array[r.number_index], null, uuidv7(), 'carrier');
    elsif r.code = any (p_invalid) then
      return query select * from app.spoil_phone(r.number_index);
    elsif r.code = any (p_call) then
      -- Of an emergency it goes where the steps of alerts go: imports have the other places, and may have all of them.
      insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, args)
        values (uuidv7(), 'work', 'phones.follow', 0, r.tenant_id, case when r.severity = 'critical' then '00000000-0000-7000-8000-00000000000a'::uuid
          else '00000000-0000-7000-8000-000000000003' end, jsonb_build_object('message_id', r.id));
    end if;
  end loop;
end $$;

-- By the clock: words that nobody needs any more, and hooks that cannot be repeated.
create function app.forget_phones() returns void
language sql volatile security definer set search_path = '' as $$
  update public.phone_messages m set sealed = null where m.sealed is not null and m.created_at < clock_timestamp() - interval '2 days';
  delete from public.phone_hooks h where h.at < clock_timestamp() - interval '30 days';
$$;

do $$
declare f text;
begin
  foreach f in array array['owe_code(uuid, uuid, bytea, integer)', 'my_phone()', 'my_texts(uuid[])', 'phones_for(jsonb, text, uuid, boolean)', 'note_texts(jsonb)',
    'stop_phone(bytea[], bytea, uuid, text)', 'start_phone(bytea[])', 'hear_phone(text, uuid, bytea, text, integer)',
    'phone_stands(uuid, text, text, integer, boolean, integer, text)', 'spoil_phone(bytea)', 'follow_text(uuid, uuid, text, bytea, bytea, integer)',
    'phone_asks(bytea[])', 'phone_call(uuid)', 'phone_image(public.phones)', 'phone_answered(uuid, text, text)'] loop
    execute format('grant execute on function app.%s to wedsync_user', f);
  end loop;
end $$;
grant execute on function app.forget_phones(), app.mind_refused_texts(text[], text[], text[]) to wedsync_service;
reset role;
