-- Every statement of plans. The tenant is the entered business; what is limited, and what is used of it, the functions of the database know.

-- name: report
select r.name, r.allowed, r.used, r.kept from app.plan_report() r

-- name: mine
-- What the business has, and how many of its clients are kept beyond it.
select m.plan, m.title, m.is_default, m.is_protected, (app.now() at time zone 'UTC')::date as today,
  (select count(*)::integer from app.dormant_clients()) as dormant_clients
from app.my_plan() m

-- name: plans
select p.plan, p.title, p.limits from app.plans() p

-- name: usage
select u."on", u.api_calls, u.sms
from usage_days u
where u.supplier_id = (select app.tenant()) and u."on" between $1 and $2
order by u."on"

-- name: coming
-- Active weddings by the month of their day.
select to_char(i."on", 'YYYY-MM') as month, count(*)::integer as n
from supplier_index i
where i.supplier_id = (select app.tenant()) and i.status = 'active' and i.date_status <> 'cancelled' and i."on" >= $1
group by 1
order by 1
limit 12

-- name: my_role
select app.role() from suppliers s where s.supplier_id = (select app.tenant())

-- name: claim_sms
select app.claim_sms($1, $2, $3)

-- name: near
select s.id from app.suppliers_near_limits() as s (id)

-- name: warn
select app.warn_of_limits($1)

-- name: forget_writers
select app.forget_usage_writers()

-- name: give
select app.set_plan($1, $2, $3, $4)

-- name: given
-- For the operator, who is of no business.
select g.given, g.extra, g.plan, g.title, g.name, g.allowed, g.used from app.show_plan($1) g
