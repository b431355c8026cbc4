-- name: links
select l.* from links l where l.wedding_id = $1 and l.status not in ('declined', 'revoked') order by l.created_at, l.id

-- name: link
select l.* from links l where l.id = $1

-- name: link_for_change
select l.* from links l where l.id = $1 for update

-- name: link_current
select to_jsonb(l) as record from links l where l.id = $1

-- name: invite
insert into links (wedding_id, supplier_name, category, invited_email, level, scopes, invited_by)
values ($1, $2, $3, $4, $5, $6, 'couple')
returning new.id, to_jsonb(new) as record

-- name: same_invitation
select l.id from links l where l.wedding_id = $1 and l.invited_email = $2 and l.status in ('invited', 'requested', 'active')

-- name: change
update links l
set level = $2, scopes = $3, can_edit_timeline = $4, status = $5
where l.id = $1
returning new.id, new.version, to_jsonb(new) as record, to_jsonb(old) as old_record

-- name: supplier
select s.* from suppliers s where s.supplier_id = $1

-- name: supplier_image
select s.supplier_id as id, to_jsonb(s) as record from suppliers s where s.supplier_id = $1

-- name: members
select m.* from supplier_members m where m.supplier_id = $1 and m.removed_at is null order by m.created_at

-- name: portfolio
select i.* from supplier_index i where i.supplier_id = $1 order by i."on" nulls last, i.wedding_id

-- name: assign
insert into assignments (supplier_id, member_id, link_id) values ($1, $2, $3) on conflict do nothing

-- name: unassign
delete from assignments a where a.supplier_id = $1 and a.member_id = $2 and a.link_id = $3

-- name: note_access
-- One row per link, scope, source and five minutes: the couple can read who looked.
select app.note_access($1, $2)
