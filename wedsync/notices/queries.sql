-- name: wedding
select w.couple_names, w."on", w.time_zone from weddings w where w.wedding_id = $1

-- name: audience
select a.person_id, a.email, a.name, a.role, a.link_id, a.supplier_id, a.mask, a.channels, a.since from app.audience_of($1) a

-- name: supplier
select s.name from suppliers s where s.supplier_id = $1

-- name: colleagues
select c.person_id, c.name, c.email from app.colleagues() c

-- name: plan
select m.title from app.my_plan() m

-- name: put_notices
select app.put_notices($1)

-- name: owe
select app.owe($1)

-- name: phones_for
-- Whom the system may text or call now of this event, each once; a text of a business is counted.
select p.person_id, p.phone_id, p.sealed, p.number_index, p.code from app.phones_for($1, $2, $3, $4) p

-- name: note_texts
select app.note_texts($1)

-- name: link_passes
select p.id, p.link_id from passes p where p.wedding_id = $1 and p.purpose = $2 and p.link_id = any ($3) and p.revoked_at is null

-- name: party_pass
select p.id from passes p
where p.wedding_id = $1 and p.purpose = 'rsvp' and p.party_id = $2 and p.revoked_at is null
order by p.created_at desc
limit 1

-- name: party_contacts
select c.guest_id, c.sealed
from guest_contacts c join guests g on g.wedding_id = c.wedding_id and g.id = c.guest_id
where c.wedding_id = $1 and c.party_id = $2
order by g.position, g.id

-- name: party_answers
select g.display_name, r.status, i.title, m.name as menu
from rsvps r
join guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
join schedule_items i on i.wedding_id = r.wedding_id and i.id = r.schedule_item_id
left join menu_options m on m.wedding_id = r.wedding_id and m.id = r.menu_option_id
where r.wedding_id = $1 and r.party_id = $2
order by g.position, g.id, i.starts_at

-- name: party_name
select p.name from parties p where p.wedding_id = $1 and p.id = $2

-- name: keepers
-- Who keeps the tenant's webhooks: the couple, or owners and admins.
select k.person_id, k.name, k.email from app.keepers() k

-- name: enquiry
-- What was asked, by whom sealed, and of which business.
select s.name as business, s.email as business_email, q.sealed, q.wedding_on, q.sends_copy
from enquiries q join suppliers s on s.supplier_id = q.supplier_id
where q.supplier_id = app.tenant() and q.id = $1
