-- Payments between a couple and one supplier (home: the wedding, of one link), what the provider said of them, and the commission ledger (home:
-- the supplier). The money goes to the supplier's own account; we keep an application fee, and only where the engagement began in our marketplace.
set role wedsync_owner;

create table public.payments (
  id uuid not null default uuidv7(),
  wedding_id uuid not null references public.weddings on delete cascade,
  link_id uuid not null,
  kind text not null check (kind in ('deposit', 'instalment', 'balance', 'extra')),
  title text not null default '' check (length(title) <= 120),
  amount_minor bigint not null check (amount_minor between 1 and 100000000000),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  due_on date,
  note text not null default '' check (length(note) <= 1000),
  status text not null default 'requested' check (status in ('requested', 'cancelled', 'part_paid', 'paid', 'part_refunded', 'refunded', 'disputed')),
  way text not null default '' check (way in ('', 'online', 'outside')),
  outside_minor bigint not null default 0 check (outside_minor >= 0),
  received_minor bigint not null default 0 check (received_minor >= 0),
  refunded_minor bigint not null default 0 check (refunded_minor >= 0),
  disputed_minor bigint not null default 0 check (disputed_minor >= 0),
  lost_minor bigint not null default 0 check (lost_minor >= 0),
  received_at timestamptz,
  reminded_at timestamptz,
  overdue_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (wedding_id, id),
  foreign key (wedding_id, link_id) references public.links (wedding_id, id),
  check (outside_minor + refunded_minor + disputed_minor + lost_minor <= received_minor),
  check ((received_minor > 0) = (received_at is not null)),
  check ((way = '') = (received_at is null))
);
comment on table public.payments is 'What one supplier asks the couple to pay by when, and what became of it; of one link: the couple and that supplier see it, nobody else';
comment on column public.payments.disputed_minor is 'Under dispute now; lost_minor went back to the payer by disputes that were lost';
comment on column public.payments.way is 'online: through the supplier''s account at the provider; outside: the supplier noted that it had come';
comment on column public.payments.outside_minor is 'Of what was received, that which the supplier noted: a transfer, cash';
comment on column public.payments.reminded_at is 'When the couple was reminded that its day comes close; another day empties it, and overdue_at';
create unique index payments_id on public.payments (id);
create index payments_link on public.payments (wedding_id, link_id);
create index payments_due on public.payments (due_on) where overdue_at is null and status in ('requested', 'part_paid') and due_on is not null;
create trigger bump before update on public.payments for each row execute function app.bump();
call app.protect('public.payments', 'wedding_id', $$((select app.mask()) & 512) <> 0 or link_id = (select app.link())$$,
  $$link_id = (select app.link())$$, false);
grant update on public.payments to wedsync_recorder;

create table public.payment_checkouts (
  id uuid primary key default uuidv7(),
  wedding_id uuid not null,
  payment_id uuid not null,
  amount_minor bigint not null,
  expires_at timestamptz not null,
  session text not null default '' check (length(session) <= 255),
  url text not null default '' check (length(url) <= 2048),
  opened_at timestamptz not null default clock_timestamp(),
  foreign key (wedding_id, payment_id) references public.payments (wedding_id, id) on delete cascade
);
comment on table public.payment_checkouts is 'Pages of the provider that the couple was sent to, its id our idempotency key: while one is open it is opened again, so that nobody pays twice';
create index payment_checkouts_payment on public.payment_checkouts (wedding_id, payment_id, expires_at);
call app.protect('public.payment_checkouts', 'wedding_id', $$((select app.mask()) & 512) <> 0 or payment_id in (select p.id from public.payments p)$$,
  $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.payout_accounts (
  id uuid not null default uuidv7(),
  supplier_id uuid not null references public.suppliers on delete cascade,
  connection_id uuid not null,
  connector text not null check (connector ~ '^[a-z_]{2,40}$'),
  account text not null check (length(account) between 1 and 255),
  may_charge boolean,
  may_pay_out boolean,
  said_at timestamptz,
  ended_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  unique (connector, account, supplier_id),
  foreign key (supplier_id, connection_id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.payout_accounts is 'The account at a payment provider that a supplier is paid into: its id there is no secret, for every hook names it';
comment on column public.payout_accounts.may_charge is 'As the provider said at said_at; null = it has not said so far';
create unique index payout_accounts_open on public.payout_accounts (connector, account) where ended_at is null;
create index payout_accounts_connection on public.payout_accounts (supplier_id, connection_id);
call app.protect('public.payout_accounts', 'supplier_id', $$((select app.mask()) & 512) <> 0$$, $$(select app.role()) = 'system'$$, false);

create table public.payment_terms (
  payment_id uuid not null,
  id uuid generated always as (payment_id) stored,
  supplier_id uuid not null references public.suppliers on delete cascade,
  wedding_id uuid not null,
  link_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  source text not null default '' check (source ~ '^[a-z0-9_]{0,40}$'),
  enquired_at timestamptz,
  rate_bp integer not null default 0 check (rate_bp between 0 and 10000),
  created_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, payment_id),
  check ((rate_bp > 0) <= (source = 'marketplace' and enquired_at is not null))
);
comment on table public.payment_terms is 'What we keep of a payment, as it was when it was asked for: nothing, unless the engagement began in our marketplace. Between us and the supplier; the couple does not see it';
comment on column public.payment_terms.rate_bp is 'Hundredths of a percent of what the supplier keeps';
create unique index payment_terms_payment on public.payment_terms (payment_id);
call app.protect('public.payment_terms', 'supplier_id', $$((select app.mask()) & 512) <> 0$$, null);
-- Never updated by it: who posts to the ledger locks the terms of the payment.
grant insert, update on public.payment_terms to wedsync_recorder;

create table public.payment_movements (
  supplier_id uuid not null references public.suppliers on delete cascade,
  account_id uuid not null,
  id text not null check (length(id) between 1 and 255),
  kind text not null check (kind in ('charge', 'refund', 'dispute', 'fee')),
  intent text not null default '' check (length(intent) <= 255),
  charge text not null default '' check (length(charge) <= 255),
  payment_id uuid,
  status text not null check (status in ('pending', 'inquiry', 'open', 'succeeded', 'failed', 'won', 'lost', 'closed')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor >= 0),
  returned_minor bigint not null default 0 check (returned_minor >= 0),
  said_at timestamptz not null,
  heard_at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, account_id, id),
  foreign key (supplier_id, account_id) references public.payout_accounts (supplier_id, id) on delete cascade
);
comment on table public.payment_movements is 'What the provider said of each charge, refund, dispute and fee, merged: whatever came twice or in another order leaves the same row';
comment on column public.payment_movements.returned_minor is 'Of a charge: refunded as it says itself; of a fee: given back to the supplier';
create index payment_movements_intent on public.payment_movements (supplier_id, account_id, intent) where intent <> '';
create index payment_movements_charge on public.payment_movements (supplier_id, account_id, charge) where charge <> '';
create index payment_movements_payment on public.payment_movements (supplier_id, payment_id) where payment_id is not null;
call app.protect('public.payment_movements', 'supplier_id', $$((select app.mask()) & 512) <> 0$$, $$(select app.role()) = 'system'$$, false);

create table public.commission_entries (
  id uuid not null default uuidv7(),
  supplier_id uuid not null,
  payment_id uuid not null,
  number bigint generated by default as identity,
  kind text not null check (kind in ('accrued', 'reversed', 'collected', 'returned')),
  reference text not null default '' check (length(reference) <= 255),
  debit text not null check (debit in ('receivable', 'income', 'provider')),
  credit text not null check (credit in ('receivable', 'income', 'provider')),
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  hook_id uuid,
  at timestamptz not null default clock_timestamp(),
  primary key (supplier_id, id),
  check ((kind, debit, credit) in (('accrued', 'receivable', 'income'), ('reversed', 'income', 'receivable'),
    ('collected', 'provider', 'receivable'), ('returned', 'receivable', 'provider')))
);
comment on table public.commission_entries is 'Our commission in double entry, append-only: each row moves one amount from one account to another, so debits and credits are equal whatever is added. A mistake is mended by a row more';
comment on column public.commission_entries.reference is 'Of what the provider took or gave back: its application fee''s id';
create index commission_entries_payment on public.commission_entries (payment_id);
create index commission_entries_reference on public.commission_entries (reference) where reference <> '';
call app.protect('public.commission_entries', 'supplier_id', $$((select app.mask()) & 512) <> 0$$, null);
grant insert on public.commission_entries to wedsync_recorder;
grant usage on sequence public.commission_entries_number_seq to wedsync_recorder;
create function app.keep_commission() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'the commission ledger is only added to' using errcode = 'WS409';
end $$;
create trigger append_only before update or delete on public.commission_entries for each row execute function app.keep_commission();
create trigger append_only_all before truncate on public.commission_entries for each statement execute function app.keep_commission();
reset role;

set role wedsync_recorder;
-- What a payment that is asked for at this moment will cost: decided once, here, whatever the operator charges later.
create function app.agree_terms(p_payment uuid, p_rate_bp integer) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  p record;
  v_at timestamptz;
begin
  select x.wedding_id, x.id, x.link_id, x.currency, l.supplier_id into p
    from public.payments x join public.links l on l.wedding_id = x.wedding_id and l.id = x.link_id
    where x.wedding_id = app.tenant() and x.id = p_payment and x.link_id = app.link();
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  v_at := (select a.began_at from app.attribution_of_link(p.supplier_id, p.link_id) a);
  insert into public.payment_terms (payment_id, supplier_id, wedding_id, link_id, currency, source, enquired_at, rate_bp)
    values (p.id, p.supplier_id, p.wedding_id, p.link_id, p.currency, case when v_at is null then '' else 'marketplace' end, v_at,
      case when v_at is null then 0 else p_rate_bp end);
end $$;

-- Where the couple pays to: nobody but the couple asks this, and it holds nothing that a checkout does not show or need.
create function app.payment_route(p_payment uuid)
returns table (supplier_id uuid, supplier_name text, connection_id uuid, connector text, account text, may_charge boolean, rate_bp integer)
language sql stable security definer set search_path = '' as $$
  select t.supplier_id, s.name, a.connection_id, a.connector, a.account, a.may_charge, t.rate_bp
  from public.payment_terms t
  join public.suppliers s on s.supplier_id = t.supplier_id
  join public.payout_accounts a on a.supplier_id = t.supplier_id and a.ended_at is null
  join public.connections c on c.id = a.connection_id and c.state in ('active', 'degraded') and c.deleted_at is null
  where t.payment_id = p_payment and t.wedding_id = app.tenant() and app.write_mask() & 512 <> 0
  order by a.created_at desc
  limit 1;
$$;

-- Whether the supplier of the entered link can be paid online.
create function app.is_paid_online() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.links l
    join public.payout_accounts a on a.supplier_id = l.supplier_id and a.ended_at is null and a.may_charge is not false
    join public.connections c on c.id = a.connection_id and c.state in ('active', 'degraded') and c.deleted_at is null
    where l.wedding_id = app.tenant() and l.id = app.link());
$$;

-- Whose hook this is, by the account that it names; of one that was disconnected too, for refunds and disputes come long after.
create function app.payout_account(p_connector text, p_account text)
returns table (id uuid, supplier_id uuid, connection_id uuid, is_open boolean)
language sql stable security definer set search_path = '' as $$
  select a.id, a.supplier_id, a.connection_id, a.ended_at is null from public.payout_accounts a
  where a.connector = p_connector and a.account = p_account
  order by a.ended_at is null desc, a.created_at desc
  limit 1;
$$;

-- What the provider said of a supplier's money goes to the payment in the wedding: inside enter_job, as the system in the place of that link,
-- whether or not it is active, for money moves after a link has ended. Null where the supplier has no such payment.
create function app.enter_job_payment(p_job uuid, p_lease uuid, p_payment uuid) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  l record;
begin
  select x.wedding_id, x.id, x.mask into l
    from public.jobs j
    join public.payment_terms t on t.supplier_id = j.tenant_id and t.payment_id = p_payment
    join public.links x on x.wedding_id = t.wedding_id and x.id = t.link_id
    where j.id = p_job and j.lease_token is not distinct from p_lease and j.lease_until > clock_timestamp() and j.kind = 'work';
  if not found then return null; end if;
  perform app.settle(null, 'system', l.wedding_id, 'supplier', l.mask, 0, l.id);
  return l.wedding_id;
end $$;

-- Brings the ledger to what is so now, by adding what is missing; the same said again adds nothing. p_due: what we are owed of this payment; p_fees:
-- [{id, minor}], what the provider took for us of it and has not given back. Only what a provider said moves it, never a person.
create function app.post_commission(p_payment uuid, p_due bigint, p_fees jsonb, p_hook uuid) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  t record;
  v_posted integer;
begin
  if app.actor_kind() <> 'system' then raise exception 'forbidden' using errcode = 'WS403'; end if;
  -- One at a time of a payment, so that what was added is counted.
  select x.supplier_id, x.currency, x.rate_bp into t from public.payment_terms x where x.payment_id = p_payment for update;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  with posted as (
    select e.reference, sum(case when e.kind in ('accrued', 'collected') then e.amount_minor else -e.amount_minor end) as minor
    from public.commission_entries e where e.payment_id = p_payment group by e.reference),
  wanted as (
    select '' as reference, p_due as minor
    union all
    select f.id, f.minor from jsonb_to_recordset(p_fees) as f(id text, minor bigint)),
  missing as (
    select w.reference, w.minor - coalesce(p.minor, 0) as minor from wanted w left join posted p on p.reference = w.reference)
  insert into public.commission_entries (supplier_id, payment_id, kind, reference, debit, credit, amount_minor, currency, hook_id)
    select t.supplier_id, p_payment, m.kind, m.reference, case m.kind when 'accrued' then 'receivable' when 'reversed' then 'income'
        when 'collected' then 'provider' else 'receivable' end,
      case m.kind when 'accrued' then 'income' when 'reversed' then 'receivable' when 'collected' then 'receivable' else 'provider' end,
      abs(m.minor), t.currency, p_hook
    from (select x.reference, x.minor, case when x.reference = '' then case when x.minor > 0 then 'accrued' else 'reversed' end
      else case when x.minor > 0 then 'collected' else 'returned' end end as kind from missing x where x.minor <> 0) m;
  get diagnostics v_posted = row_count;
  return v_posted;
end $$;

-- For the operator: every account of the ledger with its two sides, what stands between us and each supplier, and each fee as we have it.
create function app.commission_accounts() returns table (currency text, account text, debit_minor numeric, credit_minor numeric)
language sql stable security definer set search_path = '' as $$
  select s.currency, s.account, sum(s.debit), sum(s.credit) from (
    select e.currency, e.debit as account, e.amount_minor as debit, 0 as credit from public.commission_entries e
    union all
    select e.currency, e.credit, 0, e.amount_minor from public.commission_entries e) s
  group by s.currency, s.account order by s.currency, s.account;
$$;

create function app.commission_open() returns table (supplier_id uuid, name text, currency text, due_minor numeric, taken_minor numeric)
language sql stable security definer set search_path = '' as $$
  select e.supplier_id, coalesce(s.name, ''), e.currency,
    sum(case e.kind when 'accrued' then e.amount_minor when 'reversed' then -e.amount_minor else 0 end),
    sum(case e.kind when 'collected' then e.amount_minor when 'returned' then -e.amount_minor else 0 end)
  from public.commission_entries e left join public.suppliers s on s.supplier_id = e.supplier_id
  group by e.supplier_id, s.name, e.currency order by s.name, e.supplier_id, e.currency;
$$;

create function app.commission_fees() returns table (reference text, payment_id uuid, currency text, minor numeric)
language sql stable security definer set search_path = '' as $$
  select e.reference, min(e.payment_id::text)::uuid, e.currency, sum(case e.kind when 'collected' then e.amount_minor else -e.amount_minor end)
  from public.commission_entries e where e.reference <> '' group by e.reference, e.currency order by e.reference;
$$;

grant execute on function app.agree_terms(uuid, integer), app.payment_route(uuid), app.is_paid_online(), app.payout_account(text, text),
  app.enter_job_payment(uuid, uuid, uuid), app.post_commission(uuid, bigint, jsonb, uuid) to wedsync_user;
grant execute on function app.commission_accounts(), app.commission_open(), app.commission_fees() to wedsync_service;
reset role;
