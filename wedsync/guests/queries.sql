-- name: guests
select g.id, g.wedding_id, g.party_id, g.first_name, g.last_name, g.display_name, g.name_sort, g.kind, g.age_band, g.plus_one_of, g.role,
  g.table_label, g.source_key, g.position, g.version, g.created_at, g.updated_at
from guests g
where g.wedding_id = $1 and (g.name_sort, g.id) > ($2, $3)
order by g.name_sort, g.id
limit $4

-- name: guest
select g.id, g.wedding_id, g.party_id, g.first_name, g.last_name, g.display_name, g.name_sort, g.kind, g.age_band, g.plus_one_of, g.role,
  g.table_label, g.source_key, g.position, g.version, g.created_at, g.updated_at
from guests g
where g.id = $1

-- name: guest_for_change
-- Whoever edits a guest or answers for a party holds the guests first, in the order of their ids, so that nobody waits in a circle.
select g.id, g.wedding_id, g.party_id, g.first_name, g.last_name, g.display_name, g.name_sort, g.kind, g.age_band, g.plus_one_of, g.role,
  g.table_label, g.source_key, g.position, g.version, g.created_at, g.updated_at
from guests g
where g.wedding_id = $1 and g.id = $2
for no key update

-- name: guest_current
select to_jsonb(g) as record from guests g where g.id = $1

-- name: parties
select p.id, p.wedding_id, p.name, p.side, p.tags, p.plus_ones_allowed, p.invited_at, p.version, p.created_at, p.updated_at
from parties p
where p.wedding_id = $1 and p.id > $2
order by p.id
limit $3

-- name: party
select p.id, p.name, p.side, p.plus_ones_allowed, p.invited_at, p.version from parties p where p.wedding_id = $1 and p.id = $2

-- name: party_for_change
select p.id, p.name, p.side, p.plus_ones_allowed, p.invited_at, p.version
from parties p
where p.wedding_id = $1 and p.id = $2
for no key update

-- name: party_members
-- Who is in a party, each with what they are invited to.
select g.id, g.display_name, array_agg(r.schedule_item_id) filter (where r.id is not null) as invited
from guests g
left join rsvps r on r.wedding_id = g.wedding_id and r.guest_id = g.id
where g.wedding_id = $1 and g.party_id = $2
group by g.wedding_id, g.id
order by g.position, g.created_at, g.id

-- name: party_current
select to_jsonb(p) as record from parties p where p.id = $1

-- name: rsvps
select r.id, r.wedding_id, r.guest_id, r.schedule_item_id, r.party_id, r.status, r.menu_option_id, r.responded_at, r.responded_by, r.version,
  r.created_at, r.updated_at
from rsvps r
where r.wedding_id = $1 and r.id > $2
order by r.id
limit $3

-- name: headcounts
select h.id, h.wedding_id, h.schedule_item_id, h.invited, h.accepted, h.declined, h.tentative, h.pending, h.children, h.meals, h.dietary,
  h.version, h.updated_at
from headcounts h
where h.wedding_id = $1

-- name: add_party
insert into parties (id, wedding_id, name, side, tags, plus_ones_allowed)
values (coalesce($1, uuidv7()), $2, $3, $4, $5, $6)
returning new.id, to_jsonb(new) as record

-- name: change_party
-- The row is locked before it is read, so that of two changes at once neither is lost; so of guests.
update parties p
set name = n.name, side = n.side, tags = n.tags, plus_ones_allowed = n.plus_ones_allowed
from (select (jsonb_populate_record(x, $2)).* from parties x where x.id = $1 for no key update) n
where p.id = $1 and ($3::integer is null or p.version = $3)
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: add_guests
-- One statement for any number of guests; the json array carries their ids.
insert into guests (id, wedding_id, party_id, first_name, last_name, display_name, name_sort, kind, age_band, plus_one_of, role, source_key, position)
select g.id, $1, g.party_id, g.first_name, g.last_name, g.display_name, g.name_sort, g.kind, g.age_band, g.plus_one_of, g.role, g.source_key, g.position
from jsonb_to_recordset($2) as g(id uuid, party_id uuid, first_name text, last_name text, display_name text, name_sort text, kind text,
  age_band text, plus_one_of uuid, role text, source_key text, position integer)
returning new.id, to_jsonb(new) as record

-- name: change_guest
update guests g
set first_name = n.first_name, last_name = n.last_name, display_name = n.display_name, name_sort = n.name_sort, age_band = n.age_band,
  role = n.role, table_label = n.table_label, party_id = n.party_id, kind = n.kind
from (select (jsonb_populate_record(x, $2)).* from guests x where x.id = $1 for no key update) n
where g.id = $1 and ($3::integer is null or g.version = $3)
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: move_guest
-- The party travels with the guest's other rows, because guests' own policies look at it; each row is told.
with moved_rsvps as (
    update rsvps r set party_id = $2 where r.wedding_id = $3 and r.guest_id = $1
    returning 'rsvps' as subject, new.id, to_jsonb(new) as record, to_jsonb(old) as old_record),
  moved_contacts as (
    update guest_contacts c set party_id = $2 where c.wedding_id = $3 and c.guest_id = $1
    returning 'guest_contacts' as subject, new.id, to_jsonb(new) as record, to_jsonb(old) as old_record),
  moved_needs as (
    update guest_needs n set party_id = $2 where n.wedding_id = $3 and n.guest_id = $1
    returning 'guest_needs' as subject, new.id, to_jsonb(new) as record, to_jsonb(old) as old_record)
select m.subject, m.id, m.record, m.old_record from moved_rsvps m
union all
select m.subject, m.id, m.record, m.old_record from moved_contacts m
union all
select m.subject, m.id, m.record, m.old_record from moved_needs m

-- name: guest_rows
-- All that hangs on guests, so that removing them is told row by row.
select 'rsvps' as subject, r.id, to_jsonb(r) as old_record from rsvps r where r.wedding_id = $1 and r.guest_id = any ($2)
union all
select 'guest_contacts', c.id, to_jsonb(c) from guest_contacts c where c.wedding_id = $1 and c.guest_id = any ($2)
union all
select 'guest_needs', n.id, to_jsonb(n) from guest_needs n where n.wedding_id = $1 and n.guest_id = any ($2)

-- name: remove_guests
delete from guests g where g.wedding_id = $1 and g.id = any ($2) returning g.id, to_jsonb(g) as old_record

-- name: remove_empty_party
delete from parties p
where p.wedding_id = $1 and p.id = $2 and not exists (select from guests g where g.wedding_id = $1 and g.party_id = $2)
returning p.id, to_jsonb(p) as old_record

-- name: rsvp_items
select i.id from schedule_items i where i.wedding_id = $1 and i.takes_rsvps

-- name: invite
insert into rsvps (wedding_id, guest_id, schedule_item_id, party_id)
select $1, g.id, i.id, g.party_id
from guests g cross join schedule_items i
where g.wedding_id = $1 and g.id = any ($2) and i.wedding_id = $1 and i.id = any ($3) and g.kind <> 'crew'
on conflict do nothing
returning new.id, to_jsonb(new) as record

-- name: invite_pairs
insert into rsvps (wedding_id, guest_id, schedule_item_id, party_id)
select $1, g.id, x.item_id, g.party_id
from unnest($2::uuid[], $3::uuid[]) as x(guest_id, item_id)
join guests g on g.wedding_id = $1 and g.id = x.guest_id
on conflict do nothing
returning new.id, to_jsonb(new) as record

-- name: withdraw
delete from rsvps r
where r.wedding_id = $1 and r.guest_id = any ($2) and r.schedule_item_id = any ($3)
returning r.id, to_jsonb(r) as old_record

-- name: reply
-- One statement: the answer, unless final numbers are locked for guests; the meal must be one of this item's.
update rsvps r
set status = $3, menu_option_id = $4, responded_at = app.now(), responded_by = $5
where r.wedding_id = app.tenant() and r.guest_id = $1 and r.schedule_item_id = $2 and ($5 <> 'guest' or not app.is_locked(r.wedding_id, $2))
  and ($4::uuid is null or exists (select from menu_options m where m.wedding_id = r.wedding_id and m.id = $4 and m.schedule_item_id = $2))
returning new.id, new.wedding_id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: rsvp_state
-- Why an answer could not be saved.
select app.is_locked(r.wedding_id, $2) as is_locked,
  $3::uuid is null or exists (select from menu_options m where m.wedding_id = r.wedding_id and m.id = $3 and m.schedule_item_id = $2) as has_menu
from rsvps r
where r.wedding_id = app.tenant() and r.guest_id = $1 and r.schedule_item_id = $2

-- name: put_contact
insert into guest_contacts as c (id, wedding_id, guest_id, party_id, sealed, email_index)
select g.id, g.wedding_id, g.id, g.party_id, $2, $3 from guests g where g.id = $1 for no key update of g
on conflict (wedding_id, guest_id) do update set sealed = excluded.sealed, email_index = excluded.email_index
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: put_needs
insert into guest_needs as n (id, wedding_id, guest_id, party_id, sealed)
select g.id, g.wedding_id, g.id, g.party_id, $2 from guests g where g.id = $1 for no key update of g
on conflict (wedding_id, guest_id) do update set sealed = excluded.sealed
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: contacts
select c.guest_id, c.sealed, c.version from guest_contacts c where c.wedding_id = $1 and ($2::uuid[] is null or c.guest_id = any ($2))

-- name: needs
select n.guest_id, n.sealed, n.version from guest_needs n where n.wedding_id = $1 and ($2::uuid[] is null or n.guest_id = any ($2))

-- name: reply_many
-- Any number of answers at once; the same answer again is no change, and a guest's answer stops at final numbers.
update rsvps r
set status = a.status, menu_option_id = case when a.keeps_menu then r.menu_option_id else a.menu_option_id end,
  responded_at = case when a.status = 'needs_action' then null else app.now() end, responded_by = $2
from jsonb_to_recordset($1) as a(guest_id uuid, schedule_item_id uuid, status text, menu_option_id uuid, keeps_menu boolean)
where r.wedding_id = app.tenant() and r.guest_id = a.guest_id and r.schedule_item_id = a.schedule_item_id
  and (r.status, r.menu_option_id) is distinct from (a.status, case when a.keeps_menu then r.menu_option_id else a.menu_option_id end)
  and ($2 <> 'guest' or not app.is_locked(r.wedding_id, r.schedule_item_id))
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: put_needs_many
insert into guest_needs as n (id, wedding_id, guest_id, party_id, sealed)
select g.id, g.wedding_id, g.id, g.party_id, decode(x.sealed, 'hex')
from jsonb_to_recordset($1) as x(guest_id uuid, sealed text)
join guests g on g.wedding_id = app.tenant() and g.id = x.guest_id
for no key update of g
on conflict (wedding_id, guest_id) do update set sealed = excluded.sealed
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: name_guests
-- Plus-ones get their names from whoever brings them.
update guests g
set first_name = x.first_name, last_name = x.last_name, display_name = x.display_name, name_sort = x.name_sort
from jsonb_to_recordset($1) as x(id uuid, first_name text, last_name text, display_name text, name_sort text)
where g.wedding_id = app.tenant() and g.id = x.id
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: guest_index
-- Every guest in the order of the list, as far as answer ($2) and part of the day ($3) choose; names and needs are matched in Python.
select g.id, g.party_id, g.display_name, g.name_sort, p.name as party_name
from guests g
join parties p on p.wedding_id = g.wedding_id and p.id = g.party_id
where g.wedding_id = $1
  and (($2 = '' and $3::uuid is null) or exists (
    select from rsvps r
    where r.wedding_id = $1 and r.guest_id = g.id and ($2 = '' or r.status = $2) and ($3::uuid is null or r.schedule_item_id = $3)))
order by g.name_sort, g.id

-- name: totals
select (select count(*)::int from guests g where g.wedding_id = $1) as guests, (select count(*)::int from parties p where p.wedding_id = $1) as parties

-- name: cards
-- The guests of a page of the list; a row's version tells a script whether it has changed.
select g.id, g.party_id, g.first_name, g.last_name, g.display_name, g.kind, g.age_band, g.role, g.table_label, g.version
from guests g
where g.wedding_id = $1 and g.id = any ($2)
order by g.position, g.name_sort, g.id

-- name: party_heads
select p.id, p.name, p.side, p.version, p.invited_at from parties p where p.wedding_id = $1 and p.id = any ($2)

-- name: answers_of
-- Whoever may see guests but not the schedule gets the answers without the titles.
select r.id, r.guest_id, r.schedule_item_id as item_id, coalesce(i.title, 'Part of the day') as title, r.status, r.menu_option_id, coalesce(m.name, '') as menu, r.version
from rsvps r
left join schedule_items i on i.wedding_id = r.wedding_id and i.id = r.schedule_item_id
left join menu_options m on m.wedding_id = r.wedding_id and m.id = r.menu_option_id
where r.wedding_id = $1 and r.guest_id = any ($2)
order by i.starts_at, r.schedule_item_id

-- name: hold_answers
-- An answer that comes while the couple edits waits until they have saved.
select r.id from rsvps r where r.wedding_id = $1 and r.guest_id = $2 order by r.schedule_item_id for no key update

-- name: items
-- What guests can be invited to, in the order of the day.
select i.id, i.title, i."on", i.at_local, i.zone
from schedule_items i
where i.wedding_id = $1 and (i.takes_rsvps or exists (select from rsvps r where r.wedding_id = $1 and r.schedule_item_id = i.id))
order by i.starts_at, i.id

-- name: menus
select m.id, m.schedule_item_id as item_id, m.name from menu_options m where m.wedding_id = $1 order by m.position, m.name, m.id

-- name: partners
select w.couple_names, w.partner_a, w.partner_b, app.now() as now from weddings w where w.wedding_id = $1

-- name: last_change
-- Who changed a guest or what hangs on it last.
select e.actor_kind, e.actor_id, coalesce(nullif(m.name, ''), p.name, '') as name
from events e
left join memberships m on m.wedding_id = e.stream_id and m.person_id = e.actor_id
left join app.people_of($1) p on p.person_id = e.actor_id
where e.stream_id = $1 and e.subject_id = any ($2) and e.subject_table in ('guests', 'rsvps', 'guest_contacts', 'guest_needs', 'parties')
order by e.seq desc
limit 1

-- name: hold_party
-- Two people of one party answer at once: the second waits for the first, and then sees what they said.
select g.id from guests g where g.wedding_id = app.tenant() and g.party_id = app.party() order by g.id for no key update

-- name: own_party
-- What whoever holds a party's link may know of the wedding.
select p.id, p.name, p.plus_ones_allowed, p.wedding_id, w.couple_names, w."on", w.date_status, w.time_zone, w.ceremony_venue, w.reception_venue,
  app.now() as now, app.published_slug() as slug
from parties p
join weddings w on w.wedding_id = p.wedding_id
where p.wedding_id = app.tenant() and p.id = app.party()

-- name: own_guests
select g.id, g.first_name, g.last_name, g.display_name, g.kind, g.age_band, g.source_key, n.sealed as needs
from guests g
left join guest_needs n on n.wedding_id = g.wedding_id and n.guest_id = g.id
where g.wedding_id = app.tenant() and g.party_id = app.party()
order by g.position, g.created_at, g.id

-- name: own_invitations
select r.guest_id, r.schedule_item_id as item_id, i.title, i."on", i.at_local, i.zone, i.place, r.status, r.menu_option_id, r.responded_at, r.version
from rsvps r
join schedule_items i on i.wedding_id = r.wedding_id and i.id = r.schedule_item_id
where r.wedding_id = app.tenant() and r.party_id = app.party()
order by i.starts_at, r.schedule_item_id

-- name: own_menus
-- The meals of what the party is invited to, and whether its numbers are final; an item without meals has one row without a name.
select x.item_id, m.id, m.name, app.is_locked(app.tenant(), x.item_id) as is_locked
from (select distinct r.schedule_item_id as item_id from rsvps r where r.wedding_id = app.tenant() and r.party_id = app.party()) x
left join menu_options m on m.wedding_id = app.tenant() and m.schedule_item_id = x.item_id
order by m.position, m.name, m.id

-- name: live_links
-- The newest link of each party.
select distinct on (p.party_id) p.party_id, p.id
from passes p
where p.wedding_id = $1 and p.party_id = any ($2) and p.purpose = 'rsvp' and p.revoked_at is null and p.expires_at > app.now()
order by p.party_id, p.created_at desc, p.id desc

-- name: end_links
update passes p
set revoked_at = app.now()
where p.wedding_id = $1 and p.party_id = $2 and p.purpose = 'rsvp' and p.revoked_at is null

-- name: contacts_of_parties
select c.guest_id, c.party_id, c.sealed
from guest_contacts c
join guests g on g.wedding_id = c.wedding_id and g.id = c.guest_id
where c.wedding_id = $1 and c.party_id = any ($2)
order by g.position, g.created_at, g.id

-- name: mark_invited
update parties p
set invited_at = app.now()
where p.wedding_id = $1 and p.id = any ($2)
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: letter_head
select p.name, w.couple_names, w."on"
from parties p
join weddings w on w.wedding_id = p.wedding_id
where p.wedding_id = $1 and p.id = $2

-- name: letter_answers
select r.guest_id, g.display_name, r.status, i.title, coalesce(m.name, '') as menu
from rsvps r
join guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
join schedule_items i on i.wedding_id = r.wedding_id and i.id = r.schedule_item_id
left join menu_options m on m.wedding_id = r.wedding_id and m.id = r.menu_option_id
where r.wedding_id = $1 and r.party_id = $2
order by g.position, g.created_at, g.id, i.starts_at, r.schedule_item_id

-- name: before_removal
select g.id, g.display_name, p.name as party_name,
  exists (select from rsvps r where r.wedding_id = $1 and r.guest_id = g.id and r.status <> 'needs_action') as answered,
  not exists (select from guests o where o.wedding_id = $1 and o.party_id = g.party_id and o.id <> g.id) as is_last
from guests g
join parties p on p.wedding_id = g.wedding_id and p.id = g.party_id
where g.wedding_id = $1 and g.id = $2

-- name: studio
select s.name, s.category, app.role() as role, app.now() as now from suppliers s where s.supplier_id = $1

-- name: holds
select app.role() = 'supplier' and app.mask() & $1 <> 0 as holds
