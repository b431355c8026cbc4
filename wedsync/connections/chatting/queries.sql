-- name: enter
select app.enter_account($1, $2)

-- name: chats
select c.id, c.tenant_id, c.connection_id, c.wedding_id, c.link_id, c.name, c.is_private, c.state, c.reason, c.remote_id, c.url, c.posts_by, c.people, c.strangers,
  c.version, c.created_at, c.updated_at
from chats c
where c.tenant_id = $1 and ($2::uuid is null or c.wedding_id = $2) and c.state <> 'closed'
order by c.created_at desc, c.id
limit 200

-- name: chat
select c.id, c.tenant_id, c.connection_id, c.wedding_id, c.link_id, c.name, c.is_private, c.state, c.reason, c.remote_id, c.url, c.posts_by, c.people, c.strangers,
  c.version, c.created_at, c.updated_at
from chats c where c.id = $1

-- name: current
select to_jsonb(c) as record from chats c where c.id = $1

-- name: hold
select c.id, c.tenant_id, c.connection_id, c.state, c.remote_id, c.version from chats c where c.id = $1 for update

-- name: last_posted
-- When a message of each channel last changed.
select m.chat_id, max(m.changed_at) as at from chat_messages m where m.tenant_id = $1 and m.remote_id <> '' group by m.chat_id

-- name: workspaces
-- Those of the tenant that chats can be made in.
select c.id, c.connector, c.title, c.state from connections c
where c.tenant_id = $1 and c.connector = any ($2) and c.state in ('connecting', 'active', 'degraded', 'needs_reconnect') and c.deleted_at is null
order by c.created_at, c.id

-- name: maker
select c.connector from connections c where c.id = $1

-- name: weddings_of_supplier
-- Weddings it is linked to, the next first; id is the link's.
select i.id, i.wedding_id, i.couple_names, i."on" from supplier_index i
where i.supplier_id = $1 and i.status = 'active' and ($2::uuid is null or i.wedding_id = $2)
order by i."on" nulls last, i.couple_names
limit 500

-- name: wedding
select w.couple_names, w."on" from weddings w where w.wedding_id = $1

-- name: hold_workspace
-- Two who give the same account to a channel each come one after the other.
select c.id from connections c where c.id = $1 for update

-- name: open_one
-- A channel that is made or written into with this account, of one wedding or of any.
select c.id from chats c where $1 in (c.connection_id, c.posts_by) and ($2::uuid is null or c.wedding_id = $2) and c.state not in ('closed', 'failed')
limit 1

-- name: add
insert into chats (id, tenant_id, connection_id, wedding_id, link_id, name, is_private)
values ($1, $2, $3, $4, $5, $6, $7)
returning new.id, new.version, to_jsonb(new) as record, null::jsonb as old_record

-- name: move
update chats c set state = $2, reason = $3 where c.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: made
-- The workspace has made it; somebody may have paused or closed it meanwhile. $6: it waits for the account that takes its messages.
update chats c
set state = case when c.state <> 'opening' then c.state when $6 and c.posts_by is null then 'waiting' else 'active' end, reason = '', remote_id = $2,
  people = $3, strangers = $4, url = $5
where c.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: wire
-- Its messages go by this account from now on.
update chats c set posts_by = $2, state = case when c.state = 'waiting' then 'active' else c.state end where c.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: refused
update chats c set state = 'failed', reason = $2 where c.id = $1 and c.state = 'opening'
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: people
select p.email from app.chat_people($1) p

-- name: now
select n.tenant_id, n.connection_id, n.wedding_id, n.link_id, n.connector, n.posts_by, n.poster, n.state, n.remote_id, n.name, n.is_private, n.may_see
from app.chat_now($1, $2, $3, $4) n

-- name: message
select m.id, m.remote_id, m.sealed, m.pressed_by from chat_messages m where m.chat_id = $1 and m.about = $2

-- name: said
update chat_messages m set remote_id = $2, sealed = $3, pressed_by = $4, changed_at = app.now() where m.id = $1

-- name: chats_of
select c.chat_id, c.tenant_id, c.connector, c.link_id, c.mask, c.since, c.locale from app.chats_of($1) c

-- name: words
-- In which language the wedding is, and what an operator wrote instead of these texts.
select w.locale, app.wordings_of($2) as wordings from weddings w where w.wedding_id = $1

-- name: owe
select app.owe_chats($1)

-- name: asked
-- What this event asks links to confirm.
select a.link_id, a.about from acknowledgements a where a.wedding_id = $1 and a.event_id = $2

-- name: reopen
select app.reopen_chats($1)

-- name: end
select app.end_chats($1)

-- name: of_button
select b.connection_id, b.tenant_id from app.chat_of_button($1, $2, $3) b

-- name: pressed
-- The message's channel must be the one that was named, and its matter one that a link can confirm, or an emergency that the couple can.
select m.id, m.about, c.link_id from chat_messages m join chats c on c.id = m.chat_id
where m.id = $1 and c.remote_id = $2 and (c.link_id is not null or m.about like 'alert:%')
for update of m

-- name: note_presser
update chat_messages m set pressed_by = $2 where m.id = $1

-- name: to_confirm
select a.id, a.status from acknowledgements a where a.wedding_id = app.tenant() and a.link_id = app.link() and a.about = $1
