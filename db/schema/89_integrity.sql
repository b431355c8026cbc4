-- Integrity: what must be so of the data whatever happened, asked by `wedsync doctor --deep`, by the clock each night and after every restore. Each
-- question reads the tables themselves and no index that it judges, changes nothing, and names what it found: tenant, row, and what is wrong of it.
set role wedsync_owner;
create table public.integrity_checks (
  name text primary key check (name ~ '^[a-z_]{2,40}$'),
  checked_at timestamptz not null default clock_timestamp(),
  took_ms integer not null,
  found integer not null,
  first_found jsonb not null default '[]'
);
comment on table public.integrity_checks is 'How each question of integrity was answered last: how many flaws, and the first of them';
alter table public.integrity_checks enable row level security;
alter table public.integrity_checks force row level security;
create policy recorder on public.integrity_checks for all to wedsync_recorder using (true) with check (true);
grant select, insert, update on public.integrity_checks to wedsync_recorder;
grant select on public.schema_migrations to wedsync_recorder;
reset role;

set role wedsync_recorder;
create type app.flaw as (tenant_id uuid, subject uuid, told text);
comment on type app.flaw is 'Something that cannot be: whose, of which row, and what is wrong, without names of people';

-- Since when rows of a table that is kept by months are there; what is older may have been forgotten.
create function app.kept_since(p_table text) returns timestamptz
language sql stable set search_path = '' as $$
  select min(to_date(right(c.relname, 6), 'YYYYMM'))::timestamptz
  from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = ('public.' || p_table)::regclass and c.relname ~ ('^' || p_table || '_[0-9]{6}$');
$$;

-- The log of a stream is dense up to its top, from 1 unless months were forgotten, and no event is of an epoch that has not begun.
create function app.flaws_of_log() returns setof app.flaw
language sql stable set search_path = '' set enable_indexscan = off set enable_indexonlyscan = off set enable_bitmapscan = off as $$
  with logged as (
    select e.stream_id, min(e.seq) as lowest, max(e.seq) as highest, count(*) as events, max(e.epoch) as epoch from public.events e group by e.stream_id),
  whole as (select app.kept_since('events') <= min(m.applied_at) as is_so from public.schema_migrations m)
  select s.id, s.id, case
      when l.stream_id is null then format('its log is empty, and its newest event is number %s', s.top)
      when l.highest <> s.top then format('its log ends at %s, and its newest event is number %s', l.highest, s.top)
      when l.events <> l.highest - l.lowest + 1 then format('between %s and %s it has %s events', l.lowest, l.highest, l.events)
      when l.epoch > s.epoch then format('it has events of epoch %s and is at epoch %s', l.epoch, s.epoch)
      else format('its log begins at %s, and no month was forgotten', l.lowest) end
  from public.streams s left join logged l on l.stream_id = s.id cross join whole w
  where case when l.stream_id is null then s.top > 0 and w.is_so
    else l.highest <> s.top or l.events <> l.highest - l.lowest + 1 or l.epoch > s.epoch or l.lowest > 1 and w.is_so end
  union all
  select l.stream_id, l.stream_id, format('%s events are of a stream that is not there', l.events)
  from logged l where not exists (select from public.streams s where s.id = l.stream_id);
$$;

-- Whatever is owed waits in the queue, and whatever waits there is owed: an open delivery without a job is never sent, a job without one is sent twice.
create function app.flaws_of_queue() returns setof app.flaw
language sql stable set search_path = '' as $$
  select d.tenant_id, d.id, format('it is %s and no job will send it', d.state)
  from public.deliveries d left join public.jobs j on j.id = d.id and j.kind = 'delivery'
  where d.state in ('pending', 'in_flight', 'deferred', 'parked') and j.id is null
  union all
  select j.tenant_id, j.id, case when d.id is null then 'a job would send it and the ledger does not know it'
    else format('a job would send it and it is %s already', d.state) end
  from public.jobs j left join public.deliveries d on d.id = j.id and d.made_at = j.made_at
  where j.kind = 'delivery' and (d.id is null or d.state not in ('pending', 'in_flight', 'deferred', 'parked'));
$$;

-- Each delivery of a rule names the one before it to the same receiver; a row that is missing in between, or at the end, is a fact that nobody was told.
create function app.flaws_of_chains() returns setof app.flaw
language sql stable set search_path = '' set enable_indexscan = off set enable_bitmapscan = off as $$
  with chained as (
    select d.tenant_id, d.id, d.destination_id, d.stream_id, d.seq, d.previous_seq,
      lag(d.seq) over (partition by d.destination_id, d.stream_id order by d.seq) as before
    from public.deliveries d where d.subscription_id is not null and d.seq is not null and d.replay_of is null and not d.is_test),
  ends as (select c.destination_id, c.stream_id, max(c.seq) as seq from chained c group by c.destination_id, c.stream_id),
  lost as (
    select c.tenant_id, c.id, c.stream_id, c.previous_seq, c.before from chained c where c.previous_seq is not null and c.before is distinct from c.previous_seq)
  select l.tenant_id, l.id, format('the delivery of event %s that came before it is not in the ledger', l.previous_seq)
  from lost l
  where l.before is not null
    or exists (select from public.events e where e.stream_id = l.stream_id and e.seq = l.previous_seq and e.recorded_at >= app.kept_since('deliveries'))
  union all
  select t.tenant_id, h.destination_id, case when e.seq is null then format('event %s of stream %s was owed to it and is not in the ledger', h.seq, h.stream_id)
    else format('its newest delivery of stream %s is %s, and %s is remembered', h.stream_id, e.seq, h.seq) end
  from public.heads h join public.destinations t on t.id = h.destination_id
  left join ends e on e.destination_id = h.destination_id and e.stream_id = h.stream_id
  where e.seq > h.seq or (e.seq is null or e.seq < h.seq) and exists (select from public.events v
    where v.stream_id = h.stream_id and v.seq = h.seq and v.recorded_at >= app.kept_since('deliveries'));
$$;

-- A delivery counts its tries, and what it tells of is in the log.
create function app.flaws_of_deliveries() returns setof app.flaw
language sql stable set search_path = '' as $$
  select d.tenant_id, d.id, format('it counts %s tries and the ledger has %s', d.attempts, coalesce(a.n, 0))
  from public.deliveries d
  left join (select t.delivery_id, count(*) as n from public.attempts t where not t.is_late group by t.delivery_id) a on a.delivery_id = d.id
  where d.made_at >= app.kept_since('attempts') and d.attempts <> coalesce(a.n, 0)
  union all
  select d.tenant_id, d.id, format('it tells of event %s, which is not in the log', d.seq)
  from public.deliveries d left join public.events e on e.stream_id = d.stream_id and e.seq = d.seq and e.id = d.event_id
  where d.event_id is not null and d.event_at >= app.kept_since('events') and e.id is null;
$$;

-- Head counts are what counting the answers gives.
create function app.flaws_of_headcounts() returns setof app.flaw
language sql stable set search_path = '' as $$
  with counted as (
    select r.wedding_id, r.schedule_item_id, count(*)::integer as invited, count(*) filter (where r.status = 'accepted')::integer as accepted,
      count(*) filter (where r.status = 'declined')::integer as declined, count(*) filter (where r.status = 'tentative')::integer as tentative,
      count(*) filter (where r.status = 'needs_action')::integer as pending,
      count(*) filter (where r.status = 'accepted' and g.age_band in ('child', 'infant'))::integer as children
    from public.rsvps r join public.guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
    group by r.wedding_id, r.schedule_item_id),
  meals as (
    select x.wedding_id, x.schedule_item_id, jsonb_object_agg(x.menu_option_id, x.n) as meals
    from (select r.wedding_id, r.schedule_item_id, r.menu_option_id, count(*) as n from public.rsvps r
      where r.status = 'accepted' and r.menu_option_id is not null group by 1, 2, 3) x
    group by x.wedding_id, x.schedule_item_id)
  select coalesce(c.wedding_id, h.wedding_id), coalesce(c.schedule_item_id, h.schedule_item_id), format(
      'its head count says %s invited, %s accepted, %s declined, %s tentative, %s pending, %s children; the answers say %s, %s, %s, %s, %s, %s%s',
      h.invited, h.accepted, h.declined, h.tentative, h.pending, h.children, coalesce(c.invited, 0), coalesce(c.accepted, 0), coalesce(c.declined, 0),
      coalesce(c.tentative, 0), coalesce(c.pending, 0), coalesce(c.children, 0),
      case when coalesce(h.meals, '{}') <> coalesce(m.meals, '{}') then ', and other meals' else '' end)
  from counted c full join public.headcounts h on h.wedding_id = c.wedding_id and h.schedule_item_id = c.schedule_item_id
  left join meals m on m.wedding_id = c.wedding_id and m.schedule_item_id = c.schedule_item_id
  where (coalesce(h.invited, 0), coalesce(h.accepted, 0), coalesce(h.declined, 0), coalesce(h.tentative, 0), coalesce(h.pending, 0), coalesce(h.children, 0),
      coalesce(h.meals, '{}'))
    is distinct from (coalesce(c.invited, 0), coalesce(c.accepted, 0), coalesce(c.declined, 0), coalesce(c.tentative, 0), coalesce(c.pending, 0),
      coalesce(c.children, 0), coalesce(m.meals, '{}'));
$$;

-- No two bookings of one resource overlap. Asked in the order of their beginnings, not of the constraint's own index, which may be what is broken.
create function app.flaws_of_bookings() returns setof app.flaw
language sql stable set search_path = '' set enable_indexscan = off set enable_bitmapscan = off as $$
  select b.supplier_id, b.id, format('its resource is taken until %s by a booking that begins before it', to_char(b.busy_until at time zone 'UTC', 'YYYY-MM-DD HH24:MI"Z"'))
  from (select k.supplier_id, k.id, k.blocked, max(upper(k.blocked)) over (partition by k.supplier_id, k.resource_id order by lower(k.blocked), k.id
      rows between unbounded preceding and 1 preceding) as busy_until
    from public.bookings k where k.state <> 'cancelled' and not isempty(k.blocked)) b
  where b.busy_until > lower(b.blocked);
$$;

-- What a wedding knows of a supplier's bookings is what the supplier has. It follows a moment later, so what still has a reaction coming is left out.
create function app.flaws_of_shared_bookings() returns setof app.flaw
language sql stable set search_path = '' as $$
  with coming as (select j.tenant_id from public.jobs j where j.kind = 'reaction'),
  links as (
    select l.wedding_id, l.id, l.supplier_id from public.links l
    where l.status = 'active' and l.supplier_id is not null and l.supplier_id not in (select c.tenant_id from coming c)
      and l.wedding_id not in (select c.tenant_id from coming c)),
  theirs as (
    select l.wedding_id, b.id, b.link_id, b.state, b.starts_at, b.ends_at from links l
    join public.bookings b on b.supplier_id = l.supplier_id and b.link_id = l.id),
  known as (
    select k.wedding_id, k.id, k.link_id, k.state, k.starts_at, k.ends_at from links l
    join public.link_bookings k on k.wedding_id = l.wedding_id and k.link_id = l.id)
  select coalesce(t.wedding_id, k.wedding_id), coalesce(t.id, k.id), case
      when k.id is null then format('the supplier has it as %s and the wedding does not know it', t.state)
      when t.id is null then format('the wedding knows it as %s and the supplier does not have it', k.state)
      else format('the supplier has it as %s from %s, the wedding as %s from %s', t.state, t.starts_at, k.state, k.starts_at) end
  from theirs t full join known k on k.wedding_id = t.wedding_id and k.id = t.id
  where (t.link_id, t.state, t.starts_at, t.ends_at) is distinct from (k.link_id, k.state, k.starts_at, k.ends_at);
$$;

-- The commission ledger: every entry is of agreed terms, in their currency; of each fee it holds what the provider said, and of each payment our share
-- of what the supplier keeps of it.
create function app.flaws_of_commission() returns setof app.flaw
language sql stable set search_path = '' as $$
  with sums as (
    select e.supplier_id, e.payment_id, e.reference, e.currency,
      sum(case when e.kind in ('accrued', 'collected') then e.amount_minor else -e.amount_minor end) as minor
    from public.commission_entries e group by e.supplier_id, e.payment_id, e.reference, e.currency),
  fees as (
    select m.supplier_id, m.payment_id, m.id as reference, greatest(sum(m.amount_minor) - sum(m.returned_minor), 0) as minor
    from public.payment_movements m join public.payment_terms t on t.payment_id = m.payment_id and t.currency = m.currency
    where m.kind = 'fee' group by m.supplier_id, m.payment_id, m.id),
  shares as (
    select t.supplier_id, p.id as payment_id,
      (p.received_minor - p.outside_minor - p.refunded_minor - p.disputed_minor - p.lost_minor) * t.rate_bp / 10000 as minor
    from public.payments p join public.payment_terms t on t.payment_id = p.id where p.way <> 'outside')
  select s.supplier_id, s.payment_id, format('%s %s were posted for it, and no terms of this supplier in this currency were agreed', s.minor, s.currency)
  from sums s where not exists (select from public.payment_terms t
    where t.payment_id = s.payment_id and t.supplier_id = s.supplier_id and t.currency = s.currency)
  union all
  select coalesce(s.supplier_id, f.supplier_id), coalesce(s.payment_id, f.payment_id),
    format('of fee %s the ledger holds %s and the provider said %s', coalesce(s.reference, f.reference), coalesce(s.minor, 0), coalesce(f.minor, 0))
  from (select x.supplier_id, x.payment_id, x.reference, x.minor from sums x where x.reference <> '') s
  full join fees f on f.payment_id = s.payment_id and f.reference = s.reference
  where coalesce(s.minor, 0) <> coalesce(f.minor, 0)
  union all
  select h.supplier_id, h.payment_id, format('the ledger says that %s are due to us of it, and by what was kept it is %s', coalesce(s.minor, 0), h.minor)
  from shares h left join sums s on s.payment_id = h.payment_id and s.reference = ''
  where coalesce(s.minor, 0) <> h.minor;
$$;

-- How many notices a person has not read, and has not seen, is what counting them gives.
create function app.flaws_of_inboxes() returns setof app.flaw
language sql stable set search_path = '' as $$
  with counted as (
    select i.person_id, count(*)::integer as unread, count(*) filter (where i.seen_at is null)::integer as unseen
    from public.inbox i where i.read_at is null and i.archived_at is null group by i.person_id)
  select coalesce(c.person_id, k.person_id), coalesce(c.person_id, k.person_id), format('its count says %s unread and %s unseen, and there are %s and %s',
    coalesce(k.unread, 0), coalesce(k.unseen, 0), coalesce(c.unread, 0), coalesce(c.unseen, 0))
  from counted c full join public.inbox_counts k on k.person_id = c.person_id
  where (coalesce(c.unread, 0), coalesce(c.unseen, 0)) <> (coalesce(k.unread, 0), coalesce(k.unseen, 0));
$$;

-- One question by its name. For operators: it reads across tenants, and says ids and numbers.
create function app.flaws(p_check text) returns setof app.flaw
language plpgsql stable security definer set search_path = '' as $$
begin
  case p_check
    when 'log' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_log() f;
    when 'queue' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_queue() f;
    when 'chains' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_chains() f;
    when 'deliveries' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_deliveries() f;
    when 'headcounts' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_headcounts() f;
    when 'bookings' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_bookings() f;
    when 'shared_bookings' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_shared_bookings() f;
    when 'inboxes' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_inboxes() f;
    when 'commission' then return query select f.tenant_id, f.subject, f.told from app.flaws_of_commission() f;
  end case;
end $$;

create function app.note_integrity(p_name text, p_took_ms integer, p_found integer, p_first jsonb) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.integrity_checks as c (name, took_ms, found, first_found) values (p_name, p_took_ms, p_found, p_first)
  on conflict (name) do update set checked_at = clock_timestamp(), took_ms = excluded.took_ms, found = excluded.found, first_found = excluded.first_found;
$$;

create function app.integrity_standing() returns table (name text, checked_at timestamptz, took_ms integer, found integer, first_found jsonb)
language sql stable security definer set search_path = '' as $$
  select c.name, c.checked_at, c.took_ms, c.found, c.first_found from public.integrity_checks c order by c.name;
$$;

-- After a restore numbers that clients know mean something else: every stream is of a new epoch, and kept positions of sockets go. Seconds, so that
-- a second restore of the same copy is another epoch than the first, whose history was another.
create function app.begin_epoch() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_epoch integer;
begin
  select greatest(max(s.epoch) + 1, extract(epoch from clock_timestamp() - timestamptz '2026-01-01 00:00Z')::integer) into v_epoch from public.streams s;
  update public.streams s set epoch = v_epoch;
  delete from public.socket_positions;
  return v_epoch;
end $$;

grant execute on function app.flaws(text), app.note_integrity(text, integer, integer, jsonb), app.integrity_standing() to wedsync_service;
grant execute on function app.begin_epoch() to wedsync_owner;
reset role;
