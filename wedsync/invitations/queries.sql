-- name: chosen
-- Clients named by id, or all who may be worth asking: not invited, not linked, not over. Those whose wedding is next come first.
select c.id, c.stage, c.wedding_on, c.link_id is not null as is_linked, c.sealed,
  array(select i.state from invitations i where i.supplier_id = c.supplier_id and i.client_id = c.id) as states,
  c.id in (select d.id from app.dormant_clients() as d (id)) as is_dormant
from clients c
where c.supplier_id = app.tenant()
  and case when $2 then c.stage in ('enquiry', 'held', 'booked') and ($3 = '' or c.stage = $3) and c.link_id is null
      and coalesce(c.wedding_on, date '9999-12-31') >= app.now()::date
      and not exists (select from invitations i where i.supplier_id = c.supplier_id and i.client_id = c.id)
    else c.id = any ($1) end
order by coalesce(c.wedding_on, date '9999-12-31'), c.id
limit $4

-- name: client
-- One, as it is at the last moment.
select c.id, c.stage, c.wedding_on, c.link_id is not null as is_linked, c.sealed
from clients c
where c.supplier_id = app.tenant() and c.id = $1

-- name: is_dormant
select exists (select from app.dormant_clients() as d (id) where d.id = $1)

-- name: suppressed
select s.address_index, s.reason from app.suppressed($1) s

-- name: brake
select app.invitation_brake(app.tenant())

-- name: new_id
select uuidv7()

-- name: add
insert into invitations (id, supplier_id, client_id, wedding_on, next_at, expires_at, sealed, token_hash, couple_index)
values ($1, app.tenant(), $2, $3, $4, $5, $6, $7, $8)
on conflict (supplier_id, client_id) where ended_at is null do nothing
returning new.id, app.invitation_image(new) as record

-- name: post
select app.owe_work('invitations.post', '{}', 2::smallint)

-- name: one
select i.id, i.supplier_id, i.client_id, i.state, i.reason, i.wedding_on, i.mails, i.expires_at, i.sent_at, i.delivered_at, i.opened_at,
  i.reminded_at, i.ended_at, i.wedding_id, i.link_id, i.sealed, i.version, i.created_at
from invitations i
where i.supplier_id = app.tenant() and i.id = $1

-- name: page
-- Newest first; $1 state or '', $2 the one a page goes on after.
select i.id, i.supplier_id, i.client_id, i.state, i.reason, i.wedding_on, i.mails, i.expires_at, i.sent_at, i.delivered_at, i.opened_at,
  i.reminded_at, i.ended_at, i.wedding_id, i.link_id, i.sealed, i.version, i.created_at
from invitations i
where i.supplier_id = app.tenant() and ($1 = '' or i.state = $1) and ($2::uuid is null or i.id < $2)
order by i.id desc
limit $3

-- name: end
select app.end_invitation($1, $2, $3)

-- name: end_of_client
-- The invitation of a client that waits or is open.
select i.id from invitations i where i.supplier_id = app.tenant() and i.client_id = $1 and i.ended_at is null

-- name: funnel
select f.clients, f.invited, f.delivered, f.opened, f.joined, f.second_supplier, f.suppliers_joined, f.waiting, f.declined, f.bounced, f.complained, f.brake
from app.invitation_funnel() f

-- name: style
select s.name, s.email, coalesce(y.colour, '#2f4a3a') as colour, coalesce(y.words, '') as words, coalesce(y.signature, '') as signature,
  coalesce(y.address, '') as address
from suppliers s left join invitation_styles y on y.supplier_id = s.supplier_id
where s.supplier_id = app.tenant()

-- name: put_style
insert into invitation_styles as y (supplier_id, colour, words, signature, address)
values (app.tenant(), $1, $2, $3, $4)
on conflict (supplier_id) do update
set colour = excluded.colour, words = excluded.words, signature = excluded.signature, address = excluded.address
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: due
-- Whose turn has come; the clock brings the rest.
select i.id from invitations i
where i.supplier_id = app.tenant() and i.ended_at is null and i.next_at <= app.now() and i.expires_at > app.now()
order by i.next_at, i.id
limit $1

-- name: for_mail
-- The one that is about to be written. Not locked: its couple is held first, then it is read again.
select i.id, i.supplier_id, i.client_id, i.wedding_on, i.mails, i.sealed, i.couple_index, i.link_id
from invitations i
where i.supplier_id = app.tenant() and i.id = $1 and i.ended_at is null and i.next_at <= app.now()

-- name: hold_couple
select app.hold_couple($1)

-- name: ask_couple
select a.wedding, a.nudges from app.ask_couple($1, $2, $3) a

-- name: last_invited
select app.last_invited($1) as last_at, app.now() as now

-- name: wait
-- Nobody is written to again so soon: looked at when that is over.
update invitations i set next_at = $2 where i.supplier_id = app.tenant() and i.id = $1

-- name: alike
select a.id, a.supplier_id, a.supplier_name, a.category, a.sealed, a.mails, a.wedding_on from app.invited_alike($1, $2) a

-- name: owe
select app.owe_invitation($1, $2, $3, $4, $5)

-- name: open_page
select p.id, p.supplier_id, p.supplier_name, p.category, p.website, p.colour, p.words, p.sealed, p.state, p.is_over, p.couple_index, p.wedding_id, p.wedding_on,
  p.is_own
from app.invitation_page($1) p

-- name: note_opened
select app.note_opened($1)

-- name: arrive
select a.person_id, a.is_new from app.arrive($1, $2, $3, $4, $5) a

-- name: take
select t.is_taken, t.nudges from app.take_invitations($1, $2, $3, $4) t

-- name: decline
select app.decline_invitation($1)

-- name: note_link
select app.note_link($1)

-- name: addressee
-- Whose mail it was and what was sealed of it, for who holds its way out.
select a.supplier_id, a.supplier_name, a.sealed from app.invitation_addressee($1) a

-- name: suppress
select app.suppress($1, $2, $3, $4, $5)

-- name: pass_link
-- The link behind a pass of a supplier that was named, and what it may see of the wedding before it answers.
select l.id, l.supplier_name, l.category, l.invited_email, l.level, w.wedding_id, w.couple_names, w."on", w.date_status, w.time_zone, w.ceremony_venue,
  w.ceremony_address, w.ceremony_at, w.reception_venue, w.reception_address, w.reception_at, w.guest_estimate, app.now() as now
from links l join weddings w on w.wedding_id = l.wedding_id
where l.id = app.link()

-- name: poke
select app.poke_invitations()

-- name: follow
select app.follow_invitations()

-- name: expire
select app.expire_invitations()
