-- Every statement of forms. The tenant is the entered one: flat paths know no home.
-- Events carry how a form stands, never what was asked or answered: the log outlasts whoever may read that.

-- name: role
select (select app.role())

-- name: forms
-- $1 one of them, or all.
select f.id, f.supplier_id, f.title, f.intro, f.sections, f.is_active, f.version, f.created_at, f.updated_at
from forms f
where f.supplier_id = (select app.tenant()) and ($1::uuid is null or f.id = $1)
order by not f.is_active, f.title, f.id
limit 200

-- name: page
-- $1 the last one of the page before.
select f.id, f.supplier_id, f.title, f.intro, f.sections, f.is_active, f.version, f.created_at, f.updated_at
from forms f
where f.supplier_id = (select app.tenant()) and ($1::uuid is null or f.id > $1)
order by f.id
limit $2

-- name: claim_form
select f.id, f.title, f.intro, f.sections, f.is_active, f.version
from forms f
where f.supplier_id = (select app.tenant()) and f.id = $1
for update

-- name: current_form
select to_jsonb(f) as record from forms f where f.supplier_id = (select app.tenant()) and f.id = $1

-- name: count_forms
select count(*)::int from forms f where f.supplier_id = (select app.tenant())

-- name: add_form
insert into forms (supplier_id, title, intro, sections)
values ((select app.tenant()), $1, $2, $3)
returning new.id, to_jsonb(new) as record

-- name: change_form
update forms f
set title = $2, intro = $3, sections = $4, is_active = $5
where f.supplier_id = (select app.tenant()) and f.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: remove_form
delete from forms f
where f.supplier_id = (select app.tenant()) and f.id = $1
returning old.id, null::jsonb as record, to_jsonb(old) as old_record

-- name: sent
select s.form_id, s.asked, s.answered, s.known, s.avoided from app.forms_sent() s

-- name: weddings
-- Where a form can be asked: weddings that are linked and not over, soonest first.
select i.wedding_id, i.couple_names, i."on"
from supplier_index i
where i.supplier_id = (select app.tenant()) and i.status = 'active' and (i."on" is null or i."on" >= (app.now() at time zone i.time_zone)::date)
order by i."on" nulls last, i.couple_names
limit 300

-- name: me
-- Who is asking, in a wedding.
select w.wedding_id, (select app.role()) as role, (select app.link()) as link_id, w.couple_names, w."on", w.time_zone, app.now() as now
from weddings w
where w.wedding_id = (select app.tenant())

-- name: of_link
select f.id, f.title, f.intro, f.sections, f.version, f.is_active from app.forms_of_link($1, $2) f

-- name: standing
-- What is asked already of this link with this form.
select r.id from form_requests r
where r.wedding_id = (select app.tenant()) and r.link_id = $1 and r.form_id = $2 and r.state in ('asked', 'started', 'submitted')

-- name: ask
-- Nothing where another was quicker.
insert into form_requests (wedding_id, link_id, form_id, form_version, title, intro, sections, word, due_on, reminded_rung)
values ((select app.tenant()), $1, $2, $3, $4, $5, $6, $7, $8, app.form_rung_now($8))
on conflict (wedding_id, link_id, form_id) where state in ('asked', 'started', 'submitted') do nothing
returning new.id, new.link_id, to_jsonb(new) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as record

-- name: requests
-- Newest first; $1 a link or all, $2 the last one of the page before.
select r.id, r.wedding_id, r.link_id, l.supplier_name, r.form_id, r.form_version, r.title, r.intro, r.sections, r.word, r.due_on, r.state,
  r.submitted_at, r.submitted_by, r.submissions, r.changed, r.known, r.avoided, r.reminded_at, r.sealed, r.pass_id, r.pass_until, r.version, r.created_at,
  r.updated_at
from form_requests r
join links l on l.wedding_id = r.wedding_id and l.id = r.link_id
where r.wedding_id = (select app.tenant()) and ($1::uuid is null or r.link_id = $1) and ($2::uuid is null or r.id < $2)
order by r.id desc
limit $3

-- name: request
select r.id, r.wedding_id, r.link_id, l.supplier_name, r.form_id, r.form_version, r.title, r.intro, r.sections, r.word, r.due_on, r.state,
  r.submitted_at, r.submitted_by, r.submissions, r.changed, r.known, r.avoided, r.reminded_at, r.sealed, r.pass_id, r.pass_until, r.version, r.created_at,
  r.updated_at
from form_requests r
join links l on l.wedding_id = r.wedding_id and l.id = r.link_id
where r.wedding_id = (select app.tenant()) and r.id = $1

-- name: by_pass
select r.id from form_requests r where r.wedding_id = (select app.tenant()) and r.pass_hash = $1

-- name: hold
-- The row to be changed, locked: what the rules look at stays so until it is written.
select r.id, r.wedding_id, r.link_id, l.supplier_name, r.form_id, r.title, r.sections, r.word, r.due_on, r.state, r.submissions, r.sealed,
  r.version
from form_requests r
join links l on l.wedding_id = r.wedding_id and l.id = r.link_id
where r.wedding_id = (select app.tenant()) and r.id = $1
for update of r

-- name: current_request
select to_jsonb(r) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as record
from form_requests r
where r.wedding_id = (select app.tenant()) and r.id = $1

-- name: move
-- $2 the state, $3 and $4 the word and the day asked with.
update form_requests r
set state = $2, word = $3, due_on = $4, reminded_rung = app.form_rung_now($4)
where r.wedding_id = (select app.tenant()) and r.id = $1
returning new.id, new.version, new.link_id, to_jsonb(new) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as record,
  to_jsonb(old) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as old_record

-- name: submit
update form_requests r
set state = 'submitted', submitted_at = app.now(), submitted_by = $2, submissions = r.submissions + 1, changed = $3, known = $4, avoided = $5,
  sealed = $6
where r.wedding_id = (select app.tenant()) and r.id = $1
returning new.id, new.version, new.link_id, to_jsonb(new) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as record,
  to_jsonb(old) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as old_record

-- name: put_pass
update form_requests r
set pass_id = $2, pass_hash = $3, pass_until = $4
where r.wedding_id = (select app.tenant()) and r.id = $1
returning new.id, new.version, new.link_id, to_jsonb(new) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as record,
  to_jsonb(old) - '{intro,sections,sealed,reminded_rung,pass_id,pass_hash,pass_until}'::text[] as old_record

-- name: draft
select d.sealed, d.updated_at from form_drafts d where d.wedding_id = (select app.tenant()) and d.request_id = $1

-- name: put_draft
insert into form_drafts (wedding_id, request_id, link_id, sealed)
values ((select app.tenant()), $1, $2, $3)
on conflict (wedding_id, request_id) do update set sealed = excluded.sealed, updated_at = app.now()

-- name: drop_draft
delete from form_drafts d where d.wedding_id = (select app.tenant()) and d.request_id = $1

-- name: record
-- What the record holds of the core fields, as the one who answers may see it.
select w.couple_names, w.partner_a, w.partner_b, w."on", w.ceremony_venue, w.ceremony_address, w.ceremony_at, w.reception_venue,
  w.reception_address, w.reception_at, w.guest_estimate, w.version
from weddings w
where w.wedding_id = (select app.tenant())

-- name: counts
select h.accepted, h.dietary from headcounts h where h.wedding_id = (select app.tenant())

-- name: contacts
select c.name, c.what, c.phone from day_contacts c where c.wedding_id = (select app.tenant()) order by c.position, c.id limit 50

-- name: guests
select g.id, g.display_name from guests g where g.wedding_id = (select app.tenant()) order by g.name_sort, g.id limit 2000

-- name: tally
-- How often this couple was not asked again, over all its forms.
select count(*) filter (where r.submissions > 0)::int as answered, coalesce(sum(r.avoided), 0)::int as avoided,
  count(*) filter (where r.state in ('asked', 'started'))::int as waiting
from form_requests r
where r.wedding_id = (select app.tenant()) and r.state <> 'withdrawn'

-- name: weddings_of_due
select w.id from app.weddings_of_due_forms() as w (id)

-- name: remind_of_due
select app.remind_of_forms($1)
