-- name: begin
-- The audience of a job and how far it is, locked: whoever pokes it from here on finds its job running, and owes another.
select a.id, a.tenant_id, n.connector, a.list_id, a.has_templates, s.name as business, g.cursor_at, g.pending, g.pulls_wanted, g.pulls_done, g.hook_asked_at,
  g.reports_at, g.asked_on, g.asked, g.failures, g.not_before, g.outcome, app.marketing_sharers(n.connector) as sharers
from marketing_progress g
join marketing_audiences a on a.id = g.audience_id
join connections n on n.id = a.id
join suppliers s on s.supplier_id = a.tenant_id
where g.audience_id = $1 and a.is_on and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null
for update of g

-- name: open_audience
-- One more audience, or the one there is.
insert into marketing_audiences (id, tenant_id)
select n.id, n.tenant_id from connections n where n.id = $1 and n.tenant_id = app.tenant()
on conflict (id) do nothing
returning new.id, to_jsonb(new) as record

-- name: add_progress
insert into marketing_progress (audience_id, tenant_id) values ($1, app.tenant())

-- name: connector_of
select n.connector from connections n join streams s on s.id = n.tenant_id where n.id = $1 and s.kind = 'supplier'

-- name: my_role
select app.role()

-- name: hold_audience
select a.id, a.tenant_id, n.connector, a.list_id, a.is_on, a.has_templates, a.version, g.lists
from marketing_audiences a
join connections n on n.id = a.id
join marketing_progress g on g.audience_id = a.id
where a.id = $1 and a.tenant_id = app.tenant()
for update of a

-- name: audience_current
select to_jsonb(a) as record from marketing_audiences a where a.id = $1

-- name: change_audience
update marketing_audiences a set list_id = $2, title = $3, is_on = $4, has_templates = $5
where a.id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record, new.version

-- name: forget_members
-- Another list holds nobody yet.
delete from marketing_members m where m.audience_id = $1

-- name: begin_anew
update marketing_progress g
set cursor_at = case when $2 then '' else g.cursor_at end, pending = '', not_before = null, hook_asked_at = null, pulls_wanted = g.pulls_wanted + 1
where g.audience_id = $1

-- name: keep_lists
update marketing_progress g set lists = $2::text::jsonb where g.audience_id = $1

-- name: consents
-- The whole ledger of a supplier, in its order.
select c.id, c.client_id, c.sealed, c.act, c.method, c.created_at
from marketing_consents c
where c.supplier_id = app.tenant()
order by c.created_at, c.id

-- name: consents_page
select c.id, c.supplier_id, c.client_id, c.sealed, c.act, c.method, c.wording, c.source, c.connection_id, c.made_by, c.created_at
from marketing_consents c
where c.supplier_id = app.tenant() and ($1::timestamptz is null or (c.created_at, c.id) < ($1, $2::uuid))
order by c.created_at desc, c.id desc
limit $3

-- name: add_consent
select a.id, a.record from app.add_marketing_consent($1, $2, $3, $4, $5, $6, $7, $8) a

-- name: clients
-- Every client who may have agreed, with the milestones that were told of them, the older first.
select c.id, c.sealed, c.stage, c.wedding_on,
  array(select m.milestone from marketing_milestones m where m.tenant_id = c.supplier_id and m.client_id = c.id order by m.milestone) as milestones
from clients c
where c.supplier_id = app.tenant() and c.id = any ($1::uuid[])
order by c.created_at, c.id

-- name: clients_of_addresses
-- Those that have one of these addresses now.
select c.id from clients c
where c.supplier_id = app.tenant() and (c.email_index = any ($1::bytea[]) or c.partner_email_index = any ($1::bytea[]))

-- name: one_client
select c.id, c.sealed from clients c where c.supplier_id = app.tenant() and c.id = $1

-- name: some_clients
-- For the page on which people say who has agreed.
select c.id, c.sealed, c.stage, c.wedding_on
from clients c
where c.supplier_id = app.tenant() and (c.email_index is not null or c.partner_email_index is not null)
order by c.wedding_on desc nulls last, c.id
limit $1

-- name: barred
select app.marketing_barred($1::bytea[], $2::bytea[]) as address_index

-- name: members
select m.id, m.client_id, m.state, m.reason, m.sealed, m.changed_at from marketing_members m
where m.audience_id = $1 and m.tenant_id = app.tenant()
order by m.changed_at desc, m.id desc

-- name: members_page
select m.id, m.audience_id, m.client_id, m.state, m.reason, m.sealed, m.changed_at from marketing_members m
where m.audience_id = $1 and m.tenant_id = app.tenant() and ($2::timestamptz is null or (m.changed_at, m.id) < ($2, $3::uuid))
order by m.changed_at desc, m.id desc
limit $4

-- name: put_member
insert into marketing_members (id, tenant_id, audience_id, client_id, state, reason, sealed)
values ($1, app.tenant(), $2, $3, $4, $5, $6)
on conflict (id) do update set client_id = excluded.client_id, state = excluded.state, reason = excluded.reason, sealed = excluded.sealed, changed_at = app.now()

-- name: retag_member
update marketing_members m set sealed = $2, changed_at = app.now() where m.id = $1

-- name: begin_journey
-- Noted once; null where it was noted before.
update marketing_members m set begun = m.begun || $2::text where m.id = $1 and not $2::text = any (m.begun) returning true

-- name: unbegin_journey
update marketing_members m set begun = array_remove(m.begun, $2::text) where m.id = $1

-- name: pend
update marketing_progress g set pending = $2 where g.audience_id = $1

-- name: left
update marketing_progress g set cursor_at = $2 where g.audience_id = $1

-- name: pulled
update marketing_progress g set pulls_done = $2 where g.audience_id = $1

-- name: hooked
update marketing_progress g set hook_asked_at = app.now() where g.audience_id = $1

-- name: templates
select t.name, t.remote_id, t.digest, t.pushed_at from marketing_templates t where t.audience_id = $1 and t.tenant_id = app.tenant()

-- name: put_template
insert into marketing_templates (tenant_id, audience_id, name, remote_id, digest) values (app.tenant(), $1, $2, $3, $4)
on conflict (audience_id, name) do update set remote_id = excluded.remote_id, digest = excluded.digest, pushed_at = app.now()

-- name: triggers
select t.milestone, t.place from marketing_triggers t where t.audience_id = $1 and t.tenant_id = app.tenant() order by t.milestone

-- name: clear_triggers
delete from marketing_triggers t where t.audience_id = $1

-- name: add_trigger
insert into marketing_triggers (tenant_id, audience_id, milestone, place) values (app.tenant(), $1, $2, $3)

-- name: put_campaign
insert into marketing_campaigns (tenant_id, audience_id, remote_id, title, sent_at, sends, opens, clicks, bounces, unsubscribes, complaints, as_of)
values (app.tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, app.now())
on conflict (audience_id, remote_id) do update set title = excluded.title, sent_at = excluded.sent_at, sends = excluded.sends, opens = excluded.opens,
  clicks = excluded.clicks, bounces = excluded.bounces, unsubscribes = excluded.unsubscribes, complaints = excluded.complaints, as_of = excluded.as_of

-- name: reported
update marketing_progress g set reports_at = app.now() where g.audience_id = $1

-- name: campaigns
-- The newest first.
select c.remote_id, c.audience_id, c.title, c.sent_at, c.sends, c.opens, c.clicks, c.bounces, c.unsubscribes, c.complaints, c.as_of
from marketing_campaigns c
where c.audience_id = $1 and c.tenant_id = app.tenant()
order by c.sent_at desc, c.remote_id
limit $2

-- name: end_run
-- $4 how long nothing is asked at all, in seconds; $5 when it is looked at again by itself, which the plan may put off; $6 what was asked.
update marketing_progress g
set outcome = $2, reason = $3, not_before = app.now() + make_interval(secs => $4::double precision),
  next_poll_at = app.next_poll(g.audience_id, greatest(make_interval(secs => $5::double precision), app.sync_every())),
  failures = case when $2 in ('done', 'held') then 0 else g.failures + 1 end,
  synced_at = case when $2 = 'done' then app.now() else g.synced_at end,
  asked_on = $7, asked = case when g.asked_on = $7 then g.asked else 0 end + $6
where g.audience_id = $1

-- name: audience
select a.id, a.tenant_id, n.connector, n.title as account, n.state as connection_state, a.list_id, a.title, a.is_on, a.has_templates, g.outcome, g.reason,
  g.synced_at, g.not_before, g.lists, a.version, a.updated_at,
  (select count(*) from marketing_members m where m.audience_id = a.id and m.state in ('there', 'sending')) as members,
  (select count(*) from marketing_members m where m.audience_id = a.id and m.state = 'out') as gone
from marketing_audiences a
join connections n on n.id = a.id
join marketing_progress g on g.audience_id = a.id
where a.id = $1 and a.tenant_id = app.tenant() and n.deleted_at is null

-- name: poke
select app.poke_marketing($1::uuid[], $2, $3)

-- name: is_audience
select exists (select from marketing_audiences a where a.id = $1 and a.tenant_id = app.tenant())

-- name: reach
select app.reach_marketing_milestone($1, $2)

-- name: poke_due
select app.poke_due_marketing()
