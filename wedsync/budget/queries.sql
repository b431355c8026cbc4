-- Every statement of the budget. The tenant is the entered one: flat paths know no wedding id.

-- name: wedding
-- A row only for the couple. How many may still come: invited and not declined, at the item most are invited to.
select w.currency, w.guest_estimate,
  (select max(h.invited - h.declined) from headcounts h where h.wedding_id = w.wedding_id) as expected
from weddings w
where w.wedding_id = (select app.tenant()) and ((select app.mask()) & 256) <> 0

-- name: lines
select l.id, l.wedding_id, l.category, l.title, l.supplier_name, l.estimate_minor, l.agreed_minor, l.currency, l.per_guest, l.position, l.version,
  l.created_at, l.updated_at
from budget_lines l
where l.wedding_id = (select app.tenant())
order by l.position, l.id

-- name: payments
-- Of one line, or of all ($1 null).
select p.id, p.wedding_id, p.budget_line_id, p.kind, p.amount_minor, p.currency, p.due_on, p.paid_on, p.note, p.version, p.created_at, p.updated_at
from budget_payments p
where p.wedding_id = (select app.tenant()) and ($1::uuid is null or p.budget_line_id = $1)
order by p.budget_line_id, coalesce(p.due_on, p.paid_on, 'infinity'), p.id

-- name: line
select l.id, l.wedding_id, l.category, l.title, l.supplier_name, l.estimate_minor, l.agreed_minor, l.currency, l.per_guest, l.position, l.version,
  l.created_at, l.updated_at, to_jsonb(l) as record,
  exists (select from budget_payments p where p.wedding_id = l.wedding_id and p.budget_line_id = l.id) as has_payments
from budget_lines l
where l.wedding_id = (select app.tenant()) and l.id = $1

-- name: payment
select p.id, p.wedding_id, p.budget_line_id, p.kind, p.amount_minor, p.currency, p.due_on, p.paid_on, p.note, p.version, p.created_at, p.updated_at,
  to_jsonb(p) as record
from budget_payments p
where p.wedding_id = (select app.tenant()) and p.id = $1

-- name: add_line
insert into budget_lines (wedding_id, title, category, supplier_name, estimate_minor, agreed_minor, currency, per_guest, position)
values ((select app.tenant()), $1, $2, $3, $4, $5, $6, $7, $8)
returning new.id, to_jsonb(new) as record

-- name: change_line
-- The row is locked before it is read, so that of two changes at once neither is lost; so below.
update budget_lines l
set title = n.title, category = n.category, supplier_name = n.supplier_name, estimate_minor = n.estimate_minor, agreed_minor = n.agreed_minor,
  currency = n.currency, per_guest = n.per_guest, position = n.position
from (
  select (jsonb_populate_record(x, $2)).*
  from budget_lines x
  where x.wedding_id = (select app.tenant()) and x.id = $1
  for no key update) n
where l.wedding_id = (select app.tenant()) and l.id = $1 and ($3::integer is null or l.version = $3)
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove_payments
delete from budget_payments p
where p.wedding_id = (select app.tenant()) and p.budget_line_id = $1
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: remove_line
delete from budget_lines l
where l.wedding_id = (select app.tenant()) and l.id = $1 and ($2::integer is null or l.version = $2)
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: add_payment
insert into budget_payments (wedding_id, budget_line_id, kind, amount_minor, currency, due_on, paid_on, note)
select l.wedding_id, l.id, $2, $3, l.currency, $4, $5, $6
from budget_lines l
where l.wedding_id = (select app.tenant()) and l.id = $1
returning new.id, to_jsonb(new) as record

-- name: change_payment
update budget_payments p
set kind = n.kind, amount_minor = n.amount_minor, due_on = n.due_on, paid_on = n.paid_on, note = n.note
from (
  select (jsonb_populate_record(x, $2)).*
  from budget_payments x
  where x.wedding_id = (select app.tenant()) and x.id = $1
  for no key update) n
where p.wedding_id = (select app.tenant()) and p.id = $1 and ($3::integer is null or p.version = $3)
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove_payment
delete from budget_payments p
where p.wedding_id = (select app.tenant()) and p.id = $1 and ($2::integer is null or p.version = $2)
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: today
-- The day it is where the wedding is.
select (app.now() at time zone w.time_zone)::date from weddings w where w.wedding_id = (select app.tenant())
