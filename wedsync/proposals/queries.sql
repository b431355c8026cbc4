-- Every statement of proposals. The tenant is the entered one: flat paths know no wedding id.
-- Events carry what was suggested, never what was there (title, seen): the log outlasts a supplier's right to see that.

-- name: me
-- Who is asking, and what they may see and decide here.
select w.wedding_id, (select app.role()) as role, (select app.mask()) as mask, ((select app.write_mask()) & 512) <> 0 as is_couple,
  (select app.link()) as link_id, l.supplier_name
from weddings w
left join links l on l.wedding_id = w.wedding_id and l.id = (select app.link())
where w.wedding_id = (select app.tenant())

-- name: waiting_beside
-- How many of one source wait ($2 a supplier by its link with all its hooks, else $3 the source), but for what is said anew ($1 its key).
select count(*)::int
from proposals p
where p.wedding_id = (select app.tenant()) and p.state in ('open', 'stale') and p.repeat_key <> $1
  and p.link_id is not distinct from $2 and ($2 is not null or p.source_id = $3)

-- name: current
-- Rows that proposals are about, as the asker sees them.
select 'weddings' as subject, w.wedding_id as id, w.version, 'The wedding' as title, to_jsonb(w) as record
from weddings w
where w.wedding_id = (select app.tenant()) and w.wedding_id = any ($1)
union all
select 'schedule_items', i.id, i.version, i.title, to_jsonb(i)
from schedule_items i
where i.wedding_id = (select app.tenant()) and i.id = any ($1)
union all
select 'guests', g.id, g.version, g.display_name, to_jsonb(g)
from guests g
where g.wedding_id = (select app.tenant()) and g.id = any ($1)
union all
select 'rsvps', r.id, r.version, concat_ws(', ', g.display_name, i.title), to_jsonb(r)
from rsvps r
join guests g on g.wedding_id = r.wedding_id and g.id = r.guest_id
left join schedule_items i on i.wedding_id = r.wedding_id and i.id = r.schedule_item_id
where r.wedding_id = (select app.tenant()) and r.id = any ($1)
union all
select 'links', l.id, l.version, l.supplier_name, to_jsonb(l)
from links l
where l.wedding_id = (select app.tenant()) and l.id = any ($1)

-- name: hold_answer
select r.version, r.guest_id, r.schedule_item_id, r.status, r.menu_option_id
from rsvps r
where r.wedding_id = (select app.tenant()) and r.id = $1
for update

-- name: put
-- What waits of the same source, row and fields is replaced: its reader sees the newest, once.
insert into proposals (wedding_id, link_id, origin, source_id, source_name, hook_id, repeat_key, subject, subject_id, title, seen, wanted, why)
values ((select app.tenant()), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (wedding_id, repeat_key) where state in ('open', 'stale') do update
set source_name = excluded.source_name, hook_id = excluded.hook_id, title = excluded.title, seen = excluded.seen, wanted = excluded.wanted,
  why = excluded.why, state = 'open'
returning new.id, new.link_id, to_jsonb(new) - '{title,seen}'::text[] as record, to_jsonb(old) - '{title,seen}'::text[] as old_record

-- name: take_back
-- By its key (a source that says what is so already has changed its mind) or by its id.
update proposals p
set state = 'withdrawn', decided_at = app.now(), decided_by = (select app.actor())
where p.wedding_id = (select app.tenant()) and p.state in ('open', 'stale') and (p.repeat_key = $1 or p.id = $2)
  and p.link_id is not distinct from (select app.link())
returning new.id, new.link_id, to_jsonb(new) - '{title,seen}'::text[] as record, to_jsonb(old) - '{title,seen}'::text[] as old_record

-- name: settle
update proposals p
set state = $2, word = $3, decided_at = app.now(), decided_by = (select app.actor())
where p.wedding_id = (select app.tenant()) and p.id = $1
returning new.id, new.link_id, to_jsonb(new) - '{title,seen}'::text[] as record, to_jsonb(old) - '{title,seen}'::text[] as old_record

-- name: overtake
update proposals p
set state = 'stale'
where p.wedding_id = (select app.tenant()) and p.id = $1 and p.state = 'open'
returning new.id, new.link_id, to_jsonb(new) - '{title,seen}'::text[] as record, to_jsonb(old) - '{title,seen}'::text[] as old_record

-- name: held
select p.id, p.wedding_id, p.link_id, p.subject, p.subject_id, p.seen, p.wanted, p.state, p.version, p.source_name, p.why
from proposals p
where p.wedding_id = (select app.tenant()) and p.id = $1
for update

-- name: one
select p.id, p.wedding_id, p.link_id, p.origin, p.source_id, p.source_name, p.hook_id, p.repeat_key, p.subject, p.subject_id, p.title, p.seen,
  p.wanted, p.why, p.state, p.word, p.decided_at, p.decided_by, p.version, p.created_at, p.updated_at
from proposals p
where p.wedding_id = (select app.tenant()) and p.id = $1

-- name: page
-- Newest first; $1 'waiting', a state or '' for all, $2 a source; the cursor is the last row's time and id.
select p.id, p.wedding_id, p.link_id, p.origin, p.source_id, p.source_name, p.hook_id, p.repeat_key, p.subject, p.subject_id, p.title, p.seen,
  p.wanted, p.why, p.state, p.word, p.decided_at, p.decided_by, p.version, p.created_at, p.updated_at
from proposals p
where p.wedding_id = (select app.tenant())
  and ($1 = '' or p.state = $1 or ($1 = 'waiting' and p.state in ('open', 'stale')))
  and ($2::uuid is null or p.source_id = $2)
  and ($3::timestamptz is null or (p.created_at, p.id) < ($3, $4::uuid))
order by p.created_at desc, p.id desc
limit $5

-- name: waiting
-- What waits, oldest first: the order in which it was suggested. $1 of each source at most, so that none pushes another off the page.
select p.id, p.wedding_id, p.link_id, p.origin, p.source_id, p.source_name, p.hook_id, p.repeat_key, p.subject, p.subject_id, p.title, p.seen,
  p.wanted, p.why, p.state, p.word, p.decided_at, p.decided_by, p.version, p.created_at, p.updated_at
from proposals p
join (
  select w.id, row_number() over (partition by w.source_id order by w.created_at, w.id) as place
  from proposals w
  where w.wedding_id = (select app.tenant()) and w.state in ('open', 'stale')) r on r.id = p.id
where p.wedding_id = (select app.tenant()) and r.place <= $1
order by p.created_at, p.id

-- name: choices
-- What a supplier may suggest a change of, with what is there now.
select 'weddings' as subject, w.wedding_id as id, 'The wedding' as title, to_jsonb(w) as record, 0 as place, null::timestamptz as starts_at
from weddings w
where w.wedding_id = (select app.tenant())
union all
select 'schedule_items', i.id, i.title, to_jsonb(i), 1, i.starts_at
from schedule_items i
where i.wedding_id = (select app.tenant())
union all
select 'links', l.id, 'What we may see', to_jsonb(l), 2, null
from links l
where l.wedding_id = (select app.tenant()) and l.id = (select app.link())
order by 5, 6, 3

-- name: couple_names
select w.couple_names from weddings w where w.wedding_id = (select app.tenant())

-- name: guard
-- How the entered wedding is guarded before and on its day.
select app.day_guard()
