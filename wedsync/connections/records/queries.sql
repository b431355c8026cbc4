-- name: begin
-- The book of a job and how far it is, locked: whoever pokes it from here on finds its job running, and owes another.
select b.id, b.tenant_id, n.connector, n.title, b.direction, g.cursor_sealed, g.hints, g.waits, g.pulls_wanted, g.pulls_done, g.may_sweep, g.swept_at, g.hook_asked_at,
  g.failures, g.not_before, g.outcome, g.mapped_version, g.missing, coalesce(m.version, 0) as map_version, coalesce(m.rules, '[]') as rules,
  exists (select from app.safe_mode(n.id)) as is_safe
from record_progress g
join record_books b on b.id = g.book_id
join connections n on n.id = b.id
left join lateral (select x.version, x.rules from record_maps x where x.book_id = b.id order by x.version desc limit 1) m on true
where g.book_id = $1 and b.direction <> 'off' and n.state in ('connecting', 'active', 'degraded') and n.deleted_at is null
for update of g

-- name: open_book
-- One more book, or the one there is.
insert into record_books (id, tenant_id, direction)
select n.id, n.tenant_id, $2 from connections n where n.id = $1 and n.tenant_id = app.tenant()
on conflict (id) do nothing
returning new.id, to_jsonb(new) as record

-- name: add_progress
insert into record_progress (book_id, tenant_id) values ($1, app.tenant())

-- name: connector_of
select n.connector from connections n join streams s on s.id = n.tenant_id where n.id = $1 and s.kind = 'supplier'

-- name: known
-- What is known of these remote records.
select i.id, i.remote_key, i.state, i.etag, i.sealed, i.client_id from record_items i where i.book_id = $1 and i.remote_key = any ($2)

-- name: add_item
insert into record_items (id, tenant_id, book_id, remote_key, etag, sealed) values ($1, app.tenant(), $2, $3, $4, $5)

-- name: put_seen
-- What is there of it, as reading it told; $5: it is not what it was.
update record_items i
set state = case when $5 then $2 else i.state end, etag = $3, sealed = $4, is_dirty = i.is_dirty or $5, marks = i.marks + $5::boolean::integer,
  changed_at = case when $5 then app.now() else i.changed_at end
where i.id = $1

-- name: put_document
-- The record as it was told last.
insert into record_documents (item_id, tenant_id, book_id, sealed, read_at) values ($1, app.tenant(), $2, $3, app.now())
on conflict (item_id) do update set sealed = excluded.sealed, read_at = excluded.read_at

-- name: documents_of
select d.item_id, d.sealed from record_documents d where d.item_id = any ($1::uuid[])

-- name: remapped
-- Every record of a book that is to be read by its map anew, in the order of their ids.
select i.id, i.state, i.etag, i.sealed, d.sealed as document_sealed
from record_items i
left join record_documents d on d.item_id = i.id
where i.book_id = $1 and i.id > $2 and i.state in ('there', 'passed')
order by i.id
limit $3

-- name: mapped
update record_progress g set mapped_version = $2 where g.book_id = $1

-- name: missing
update record_progress g set missing = $2 where g.book_id = $1

-- name: map
-- The map that holds, or one of its versions; without one, an empty map of version 0.
select b.id as book_id, b.tenant_id, n.connector, n.title, coalesce(m.version, 0) as version, coalesce(m.rules, '[]') as rules, m.made_by, m.created_at, g.missing
from record_books b
join connections n on n.id = b.id
join record_progress g on g.book_id = b.id
left join lateral (
  select x.version, x.rules, x.made_by, x.created_at from record_maps x
  where x.book_id = b.id and ($2::integer is null or x.version = $2) order by x.version desc limit 1) m on true
where b.id = $1 and b.tenant_id = app.tenant()

-- name: maps
-- Every version of a map, newest first.
select m.book_id, m.version, m.rules, m.made_by, p.name as made_by_name, m.created_at
from record_maps m
left join persons p on p.id = m.made_by
where m.book_id = $1 and m.tenant_id = app.tenant() and ($2::integer is null or m.version < $2)
order by m.version desc
limit $3

-- name: add_map
insert into record_maps (tenant_id, book_id, version, rules, made_by) values (app.tenant(), $1, $2, $3::text::jsonb, app.actor())
returning new.id, to_jsonb(new) as record

-- name: found_again
-- A new map asks for its own: nothing is missing by it yet.
update record_progress g set missing = '{}', not_before = null where g.book_id = $1

-- name: read_anew
-- Where it is read from is another place now: from its beginning.
update record_progress g set cursor_sealed = null, pulls_wanted = g.pulls_wanted + 1, not_before = null where g.book_id = $1

-- name: forget_etags
update record_items i set etag = '' where i.book_id = $1

-- name: credentials
select n.tenant_id, n.connector, n.title, n.version, a.credentials_sealed
from connections n
join connection_accounts a on a.connection_id = n.id
where n.id = $1 and n.tenant_id = app.tenant() and n.deleted_at is null

-- name: last_documents
-- What was read last of a book, for who makes a map of it.
select d.item_id, d.sealed, d.read_at, i.sealed as item_sealed
from record_documents d
join record_items i on i.id = d.item_id
where d.book_id = $1 and d.tenant_id = app.tenant() and i.state in ('there', 'passed')
order by d.read_at desc, d.item_id
limit $2

-- name: document
select i.id, i.book_id, i.tenant_id, i.state, i.sealed as item_sealed, d.sealed, d.read_at
from record_items i
left join record_documents d on d.item_id = i.id
where i.id = $1 and i.book_id = $2 and i.tenant_id = app.tenant()

-- name: save_cursor
update record_progress g set cursor_sealed = $2 where g.book_id = $1

-- name: pulled
update record_progress g set pulls_done = $2, pulled_at = app.now() where g.book_id = $1

-- name: hinted
-- These have been read; what came meanwhile stays. $3: what is waited for, $4: until when.
update record_progress g set hints = array(select h from unnest(g.hints) h where h <> all ($2::text[])), waits = $3, look_at = $4 where g.book_id = $1

-- name: hooked
update record_progress g set hook_asked_at = app.now(), is_hooked = $2 where g.book_id = $1

-- name: swept
update record_progress g set swept_at = app.now(), may_sweep = false where g.book_id = $1

-- name: keys
-- Every record that was there the last time it was read.
select i.id, i.remote_key, i.sealed from record_items i where i.book_id = $1 and i.state in ('there', 'passed')

-- name: dirty
-- What has to be looked at, the oldest change first: it changed there, or its client did here.
select i.id, i.state, i.etag, i.sealed, i.marks, i.verdict, i.client_id, i.client_version, c.version, c.sealed as client_sealed, c.stage, c.wedding_on
from record_items i
left join clients c on c.supplier_id = i.tenant_id and c.id = i.client_id
where i.book_id = $1 and i.tenant_id = app.tenant() and i.id <> all ($2::uuid[])
  and (i.is_dirty or (i.state in ('there', 'removed') and c.version <> i.client_version))
order by i.changed_at, i.id
limit $3

-- name: client
select c.id, c.version, c.sealed, c.stage, c.wedding_on from clients c where c.supplier_id = app.tenant() and c.id = $1

-- name: joined
select j.client_id, j.link_id, j."on" from app.joined_clients($1) j

-- name: by_external_id
select c.id from clients c
where c.supplier_id = app.tenant() and c.source = $2 and c.external_id = $3
  and not exists (select from record_items i where i.book_id = $1 and i.client_id = c.id)

-- name: alike
-- Clients of no record of this book that may be the same couple: by one of the e-mails, or on the same day.
select c.id, c.wedding_on, c.sealed
from clients c
where c.supplier_id = app.tenant() and (c.email_index = any ($2::bytea[]) or c.partner_email_index = any ($2::bytea[]) or c.wedding_on = $3)
  and not exists (select from record_items i where i.book_id = $1 and i.client_id = c.id)
order by c.created_at, c.id
limit 50

-- name: put_state
-- What became of one. Clean only where nobody has marked it since it was read.
update record_items i
set client_id = $2, client_version = $3, state = $4, etag = $5, sealed = $6, is_dirty = $7 or i.marks <> $8, verdict = $9, changed_at = app.now()
where i.id = $1

-- name: end_run
-- $4 how long nothing is asked at all, in seconds; $5 when it is asked again by itself, which the plan may put off.
update record_progress g
set outcome = $2, reason = $3, not_before = app.now() + make_interval(secs => $4::double precision),
  next_poll_at = app.next_poll(g.book_id, greatest(make_interval(secs => $5::double precision), app.sync_every())),
  failures = case when $2 in ('done', 'held') then 0 else g.failures + 1 end,
  synced_at = case when $2 in ('done', 'held') then app.now() else g.synced_at end
where g.book_id = $1

-- name: add_run
insert into record_runs (tenant_id, book_id, began_at, outcome, reason, pulled, added, taken, written, conflicts, unread)
values (app.tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: poke
select app.poke_records($1::uuid[], $2, $3)

-- name: is_book
select exists (select from record_books b where b.id = $1 and b.tenant_id = app.tenant())

-- name: hint
select app.hint_records($1, $2::text[], $3)

-- name: mark_wedding
select app.mark_records_of($1)

-- name: poke_due
select app.poke_due_records()

-- name: forget_runs
select app.forget_record_runs($1)

-- name: open_conflict
select k.id, k.kind, k.about, k.sealed from record_conflicts k where k.book_id = $1 and k.item_id is not distinct from $2 and k.state = 'open'

-- name: add_conflict
insert into record_conflicts (id, tenant_id, book_id, item_id, client_id, kind, about, sealed, since)
values ($1, app.tenant(), $2, $3, $4, $5, $6, $7, app.now())
returning new.id, to_jsonb(new) - 'sealed' as record

-- name: change_conflict
update record_conflicts k set kind = $2, about = $3, sealed = $4
where k.id = $1
returning new.id, to_jsonb(new) - 'sealed' as record, to_jsonb(old) - 'sealed' as old_record

-- name: resolve_conflict
update record_conflicts k set state = 'resolved', kept = $2, resolved_at = app.now(), resolved_by = app.actor()
where k.id = $1 and k.state = 'open'
returning new.id, to_jsonb(new) - 'sealed' as record, to_jsonb(old) - 'sealed' as old_record

-- name: hold_conflict
select k.id, k.book_id, k.item_id, k.kind, k.state from record_conflicts k where k.id = $1 for update

-- name: give_verdict
update record_items i set verdict = $2, is_dirty = true, marks = i.marks + 1 where i.id = $1

-- name: let_sweep
update record_progress g set may_sweep = $2, swept_at = case when $2 then null else app.now() end where g.book_id = $1

-- name: books
-- Of a tenant, or one; with how far each is.
select b.id, b.tenant_id, n.connector, n.title, n.state as connection_state, b.direction, b.version, b.created_at, b.updated_at, g.outcome, g.reason,
  g.pulled_at, g.synced_at, g.is_hooked as is_told,
  (select count(*) from record_items i where i.book_id = b.id and i.client_id is not null)::int as clients,
  (select count(*) from record_conflicts k where k.book_id = b.id and k.state = 'open')::int as conflicts
from record_books b
join connections n on n.id = b.id
join record_progress g on g.book_id = b.id
where b.tenant_id = app.tenant() and n.deleted_at is null and n.state is distinct from 'disconnected' and ($1::uuid is null or b.id = $1)
order by n.created_at, b.id

-- name: hold_book
select b.id, b.direction, b.version, n.connector
from record_books b join connections n on n.id = b.id
where b.id = $1 and b.tenant_id = app.tenant()
for update of b

-- name: hook_secrets
select n.tenant_id, n.sealed from connections n where n.id = $1 and n.deleted_at is null

-- name: spaces
-- Spaces of a venue's system and those of ours that they are. `seen` is what was there when it was last taken over.
select s.remote_id, s.space_id, s.seen from record_spaces s where s.book_id = $1 for update

-- name: own_spaces
-- Ours that are none of this book's yet.
select s.id, s.name from spaces s
where s.supplier_id = app.tenant() and not exists (select from record_spaces r where r.book_id = $1 and r.space_id = s.id)

-- name: put_space
insert into record_spaces (tenant_id, book_id, remote_id, space_id, seen) values (app.tenant(), $1, $2, $3, $4::jsonb)
on conflict (book_id, remote_id) do update set seen = excluded.seen

-- name: item_kept
select i.sealed from record_items i where i.id = $1 for update

-- name: item_of_client
select i.sealed, i.client_id from record_items i where i.id = $1 and i.state = 'there' for update

-- name: put_kept
update record_items i set sealed = $2 where i.id = $1

-- name: parts
-- The parts of the entered wedding that a link sees, the first of each kind on its day first, with the space that the link gives to it.
select i.id, i.kind, u.id as use_id, u.space_id, u.arrangement, u.setup_at, u.ready_by
from schedule_items i
cross join weddings w
left join space_uses u on u.wedding_id = i.wedding_id and u.schedule_item_id = i.id and u.link_id = app.link()
where i.wedding_id = app.tenant() and w.wedding_id = i.wedding_id
order by (i."on" is distinct from w."on"), i.starts_at, i.id

-- name: book_current
select to_jsonb(b) as record from record_books b where b.id = $1

-- name: change_book
update record_books b set direction = $2
where b.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: begin_anew
-- Kept otherwise from now on: all of it is looked at again.
update record_progress g
set pulls_wanted = g.pulls_wanted + 1, not_before = null, outcome = 'waiting', reason = '', hook_asked_at = null,
  next_poll_at = case when $2 then 'infinity'::timestamptz else app.now() end
where g.book_id = $1

-- name: send_from_now
-- Who was added before is not sent: they are known there, or were left out on purpose.
update record_progress g set sends_from = default where g.book_id = $1

-- name: poke_senders
select app.poke_records(array(select b.id from record_books b where b.direction = 'send' and b.tenant_id = app.tenant()), false, false)

-- name: to_send
-- Clients that were not brought in from elsewhere ($2) and are not handed in as what they are, the oldest first: new ones; those whose sending was
-- begun; those that have booked since; and those that people want to be sent again.
select c.id as client_id, c.version, c.stage, c.wedding_on, c.sealed as client_sealed, i.id, i.state, i.etag, i.sealed
from clients c
join record_progress g on g.book_id = $1
left join record_items i on i.book_id = g.book_id and i.client_id = c.id
where c.supplier_id = app.tenant() and c.stage in ('enquiry', 'held', 'booked')
  and case when i.id is null then c.created_at >= g.sends_from and c.source = any ($2::text[])
    else i.state = 'sending' or i.verdict = 'ours' or (i.state in ('sent', 'refused') and i.etag <> 'booked' and c.stage = 'booked') end
order by c.created_at, c.id
limit $3

-- name: begin_sending
-- Noted before anything leaves, so that a try whose end nobody saw is known to have been made.
insert into record_items (id, tenant_id, book_id, remote_key, client_id, client_version, state, etag, sealed, is_dirty)
values ($1, app.tenant(), $2, $3, $4, $5, 'sending', $6, $7, false)
on conflict (id) do update set client_version = excluded.client_version, state = 'sending', etag = excluded.etag, sealed = excluded.sealed,
  changed_at = app.now()

-- name: end_sending
update record_items i set state = $2, verdict = '', is_dirty = false, changed_at = app.now() where i.id = $1

-- name: mark_all
update record_items i set is_dirty = true, marks = i.marks + 1 where i.book_id = $1

-- name: items
-- The records of a book that are clients, newest change first.
select i.id, i.book_id, i.client_id, i.state, i.sealed, i.tenant_id, i.changed_at, c.stage, c.wedding_on, c.sealed as client_sealed
from record_items i
join clients c on c.supplier_id = i.tenant_id and c.id = i.client_id
where i.book_id = $1 and i.tenant_id = app.tenant() and ($2::timestamptz is null or (i.changed_at, i.id) < ($2, $3::uuid))
order by i.changed_at desc, i.id desc
limit $4

-- name: runs
select r.id, r.book_id, r.began_at, r.ended_at, r.outcome, r.reason, r.pulled, r.added, r.taken, r.written, r.conflicts, r.unread
from record_runs r
where r.book_id = $1 and ($2::timestamptz is null or (r.began_at, r.id) < ($2, $3::uuid))
order by r.began_at desc, r.id desc
limit $4

-- name: conflicts
-- Newest first; of one book, or all, or one.
select k.id, k.tenant_id, k.book_id, k.item_id, k.client_id, k.kind, k.about, k.sealed, k.state, k.kept, k.since, k.resolved_at, k.version,
  n.connector, n.title
from record_conflicts k
join connections n on n.id = k.book_id
where k.tenant_id = app.tenant() and ($1::uuid is null or k.id = $1) and ($2::uuid is null or k.book_id = $2) and ($3 = '' or k.state = $3)
  and ($4::timestamptz is null or (k.since, k.id) < ($4, $5::uuid))
order by k.since desc, k.id desc
limit $6

-- name: my_role
select app.role()
