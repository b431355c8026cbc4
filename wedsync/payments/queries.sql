-- Every statement of payments. The tenant is the entered one: the wedding for payments, the supplier for what the provider said.

-- name: whose
select (select app.link()) as link_id, ((select app.write_mask()) & 512) <> 0 as is_couple, w.currency, app.now() as now
from weddings w
where w.wedding_id = (select app.tenant())

-- name: page
-- $1 link, $2 the last one of the page before.
select p.id, p.wedding_id, p.link_id, p.kind, p.title, p.amount_minor, p.currency, p.due_on, p.note, p.status, p.way, p.outside_minor, p.received_minor,
  p.refunded_minor, p.disputed_minor, p.lost_minor, p.received_at, p.reminded_at, p.overdue_at, p.version, p.created_at, p.updated_at
from payments p
where p.wedding_id = (select app.tenant()) and ($1::uuid is null or p.link_id = $1) and ($2::uuid is null or p.id > $2)
order by p.id
limit $3

-- name: one
select p.id, p.wedding_id, p.link_id, p.kind, p.title, p.amount_minor, p.currency, p.due_on, p.note, p.status, p.way, p.outside_minor, p.received_minor,
  p.refunded_minor, p.disputed_minor, p.lost_minor, p.received_at, p.reminded_at, p.overdue_at, p.version, p.created_at, p.updated_at
from payments p
where p.wedding_id = (select app.tenant()) and p.id = $1

-- name: claim
-- The row to be changed, locked for its supplier; whether the couple is at the provider's page with it at $2, by the machine's clock as there.
select p.id, p.link_id, p.kind, p.title, p.amount_minor, p.currency, p.due_on, p.note, p.status, p.way, p.outside_minor, p.received_minor,
  p.refunded_minor, p.disputed_minor, p.lost_minor, p.received_at, p.reminded_at, p.overdue_at, p.version, app.now() as now, exists (select from payment_checkouts c
    where c.wedding_id = p.wedding_id and c.payment_id = p.id and c.expires_at > $2) as is_open
from payments p
where p.wedding_id = (select app.tenant()) and p.id = $1 and p.link_id = (select app.link())
for update

-- name: current
select to_jsonb(p) as record from payments p where p.wedding_id = (select app.tenant()) and p.id = $1

-- name: add
insert into payments (wedding_id, link_id, kind, title, amount_minor, currency, due_on, note)
select (select app.tenant()), (select app.link()), n.kind, n.title, n.amount_minor, n.currency, n.due_on, n.note
from jsonb_populate_record(null::payments, $1) n
returning new.id, new.link_id, to_jsonb(new) as record

-- name: agree
select app.agree_terms($1, $2)

-- name: change
update payments p
set kind = n.kind, title = n.title, amount_minor = n.amount_minor, due_on = n.due_on, note = n.note, status = n.status, way = n.way,
  outside_minor = n.outside_minor, received_minor = n.received_minor, refunded_minor = n.refunded_minor, disputed_minor = n.disputed_minor,
  lost_minor = n.lost_minor, received_at = n.received_at, reminded_at = n.reminded_at, overdue_at = n.overdue_at
from (
  select (jsonb_populate_record(x, $2)).*
  from payments x
  where x.wedding_id = (select app.tenant()) and x.id = $1
  for no key update) n
where p.wedding_id = (select app.tenant()) and p.id = $1
returning new.id, new.version, new.link_id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: shown
-- What the pages of one wedding show: what is to be paid first, by its day; then the newest.
select p.id, p.link_id, l.supplier_name, p.kind, p.title, p.amount_minor, p.currency, p.due_on, p.note, p.status, p.way, p.outside_minor,
  p.received_minor, p.refunded_minor, p.disputed_minor, p.lost_minor, p.received_at, p.version
from payments p
join links l on l.wedding_id = p.wedding_id and l.id = p.link_id
where p.wedding_id = (select app.tenant())
order by p.status not in ('requested', 'part_paid'), p.status = 'cancelled', case when p.status in ('requested', 'part_paid') then p.due_on end, p.id desc
limit 200

-- name: payable
-- Links whose supplier can be paid online, as the couple sees it.
select p.id from payments p where p.wedding_id = (select app.tenant()) and p.status in ('requested', 'part_paid')
  and exists (select from app.payment_route(p.id))

-- name: about
-- The wedding as a form of one supplier names it.
select w.wedding_id as id, w.couple_names, w.currency, (select app.link()) as link_id, app.is_paid_online() as is_paid_online, app.now() as now
from weddings w
where w.wedding_id = (select app.tenant())

-- name: route
-- Where the couple pays to, and what we keep of it.
select r.supplier_id, r.supplier_name, r.connection_id, r.connector, r.account, r.may_charge, r.rate_bp from app.payment_route($1) r

-- name: hold_checkout
-- Who opens a page for a payment does so one at a time; the others wait here, and come to the same page.
select pg_advisory_xact_lock(hashtextextended('checkout:' || $1::uuid::text, 0))

-- name: open_checkout
-- The page that can still be paid at; the provider counts by the machine's clock.
select c.id, c.url, c.amount_minor, c.expires_at from payment_checkouts c
where c.wedding_id = (select app.tenant()) and c.payment_id = $1 and c.expires_at > $2
order by c.opened_at desc
limit 1

-- name: plan_checkout
insert into payment_checkouts (wedding_id, payment_id, amount_minor, expires_at) values ((select app.tenant()), $1, $2, $3)
returning new.id, new.url, new.amount_minor, new.expires_at

-- name: keep_checkout
update payment_checkouts c set session = $2, url = $3, expires_at = $4 where c.wedding_id = (select app.tenant()) and c.id = $1

-- name: end_checkout
update payment_checkouts c set expires_at = $2 where c.wedding_id = (select app.tenant()) and c.id = $1 and c.url = ''

-- name: located
select a.id, a.supplier_id, a.connection_id, a.is_open from app.payout_account($1, $2) a

-- name: open_account
insert into payout_accounts (supplier_id, connection_id, connector, account)
values ((select app.tenant()), $1, $2, $3)
on conflict (connector, account, supplier_id) do update set connection_id = excluded.connection_id, ended_at = null

-- name: end_accounts
update payout_accounts a set ended_at = app.now() where a.supplier_id = (select app.tenant()) and a.connection_id = $1 and a.ended_at is null

-- name: end_account
update payout_accounts a set ended_at = coalesce(a.ended_at, app.now())
where a.supplier_id = (select app.tenant()) and a.connector = $1 and a.account = $2
returning new.connection_id

-- name: hold_account
-- What is said of one account is taken in one at a time: groups of movements are looked at as wholes.
select a.id, a.connection_id from payout_accounts a
where a.supplier_id = (select app.tenant()) and a.connector = $1 and a.account = $2
for update

-- name: note_account
update payout_accounts a set may_charge = $3, may_pay_out = $4, said_at = $5
where a.supplier_id = (select app.tenant()) and a.connector = $1 and a.account = $2 and (a.said_at is null or a.said_at <= $5)

-- name: movement
select m.kind, m.id, m.status, m.currency, m.amount_minor, m.said_at, m.intent, m.charge, m.returned_minor, m.payment_id as payment
from payment_movements m
where m.supplier_id = (select app.tenant()) and m.account_id = $1 and m.id = $2

-- name: keep_movement
insert into payment_movements (supplier_id, account_id, id, kind, intent, charge, payment_id, status, currency, amount_minor, returned_minor, said_at)
values ((select app.tenant()), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (supplier_id, account_id, id) do update
set intent = excluded.intent, charge = excluded.charge, payment_id = excluded.payment_id, status = excluded.status, currency = excluded.currency,
  amount_minor = excluded.amount_minor, returned_minor = excluded.returned_minor, said_at = excluded.said_at

-- name: payment_of
-- Whose payment a group of movements is: those of one intent, and of its charge. The charge alone names it.
with near as (
  select m.intent, m.charge from payment_movements m
  where m.supplier_id = (select app.tenant()) and m.account_id = $1 and ((m.intent = $2 and m.intent <> '') or (m.charge = $3 and m.charge <> '')))
select m.id, m.payment_id from payment_movements m
where m.supplier_id = (select app.tenant()) and m.account_id = $1
  and (m.intent in (select n.intent from near n where n.intent <> '') or m.charge in (select n.charge from near n where n.charge <> ''))
order by m.payment_id, m.id

-- name: adopt
update payment_movements m set payment_id = $2 where m.supplier_id = (select app.tenant()) and m.account_id = $1 and m.id = any ($3)

-- name: movements
select m.kind, m.id, m.status, m.currency, m.amount_minor, m.said_at, m.intent, m.charge, m.returned_minor, m.payment_id as payment
from payment_movements m
where m.supplier_id = (select app.tenant()) and m.payment_id = $1

-- name: charges
-- What can be refunded, with where: the newest first. Owners and admins alone see it.
select m.id, m.intent, m.amount_minor, a.account, a.connection_id, a.connector
from payment_movements m
join payout_accounts a on a.supplier_id = m.supplier_id and a.id = m.account_id and a.ended_at is null
where m.supplier_id = (select app.tenant()) and m.payment_id = $1 and m.kind = 'charge' and m.status = 'succeeded'
order by m.said_at desc, m.id

-- name: terms
select t.currency, t.source, t.rate_bp from payment_terms t where t.supplier_id = (select app.tenant()) and t.payment_id = $1

-- name: post
select app.post_commission($1, $2, $3, $4)

-- name: entries
-- The newest first, of the entered supplier.
select e.number, e.payment_id, e.kind, e.reference, e.debit, e.credit, e.amount_minor, e.currency, e.at
from commission_entries e
where e.supplier_id = (select app.tenant()) and ($1::bigint is null or e.number < $1)
order by e.number desc
limit $2

-- name: sums
-- What our share of a supplier's payments came to, and what was taken of it.
select e.currency, sum(case e.kind when 'accrued' then e.amount_minor when 'reversed' then -e.amount_minor else 0 end)::bigint as due_minor,
  sum(case e.kind when 'collected' then e.amount_minor when 'returned' then -e.amount_minor else 0 end)::bigint as taken_minor
from commission_entries e
where e.supplier_id = (select app.tenant())
group by e.currency
order by e.currency

-- name: bookings
-- What our share of each engagement came to and what was taken of it, with the couple as the business knows it. The newest entry first.
select t.link_id, t.wedding_id, i.couple_names, i."on", min(t.enquired_at) as enquired_at, max(t.rate_bp)::integer as rate_bp, e.currency,
  sum(case e.kind when 'accrued' then e.amount_minor when 'reversed' then -e.amount_minor else 0 end)::bigint as due_minor,
  sum(case e.kind when 'collected' then e.amount_minor when 'returned' then -e.amount_minor else 0 end)::bigint as taken_minor
from commission_entries e
join payment_terms t on t.supplier_id = e.supplier_id and t.payment_id = e.payment_id
left join supplier_index i on i.supplier_id = t.supplier_id and i.wedding_id = t.wedding_id and i.id = t.link_id
where e.supplier_id = (select app.tenant())
group by t.link_id, t.wedding_id, i.couple_names, i."on", e.currency
order by max(e.number) desc
limit 200

-- name: posted
-- The newest entries, each with whose engagement it is of.
select e.number, e.kind, e.amount_minor, e.currency, e.at, i.couple_names
from commission_entries e
join payment_terms t on t.supplier_id = e.supplier_id and t.payment_id = e.payment_id
left join supplier_index i on i.supplier_id = t.supplier_id and i.wedding_id = t.wedding_id and i.id = t.link_id
where e.supplier_id = (select app.tenant())
order by e.number desc
limit 100

-- name: my_role
select app.role()

-- name: weddings_of_due
select w.id from app.weddings_of_due_payments() as w (id)

-- name: remind_of_due
select app.remind_of_payments($1)

-- name: accounts
select a.currency, a.account, a.debit_minor, a.credit_minor from app.commission_accounts() a

-- name: open_items
select o.supplier_id, o.name, o.currency, o.due_minor, o.taken_minor from app.commission_open() o

-- name: fees_held
select f.reference, f.payment_id, f.currency, f.minor from app.commission_fees() f
