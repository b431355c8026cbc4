-- name: audience
-- A person's standing in one stream; no row where there is none.
select mask, link_id, membership_id, role
from app.audience($1, $2, $3)

-- name: sessions_alive
-- Those of the given sessions that live.
select s.sid
from unnest($1::uuid[]) as s (sid)
where app.session_alive(s.sid)

-- name: stream_top
-- Epoch, newest and oldest kept number of one stream.
select epoch, top, oldest
from app.stream_top($1, $2)

-- name: stream_tops
-- Epoch and newest number of every stream that has a socket: the polling floor.
select id, epoch, top
from app.stream_tops($1)

-- name: read_events
-- Events in live form after a number, in order.
select event
from app.read_events($1, $2, $3) as r (event)

-- name: site_stream
-- The wedding behind a published website's slug.
select app.site_stream($1) as wedding_id

-- name: save_positions
-- Confirmed positions of sockets, as [{key, stream, epoch, seq}].
select app.save_positions($1)

-- name: position
-- A kept position that is younger than ten minutes.
select epoch, seq
from app.position($1)

-- name: columns
-- Names and types of the tables' columns, as clients cast by them; the catalogue is open to every role.
select c.relname::text as table_name, a.attname::text as column_name, t.typname::text as type_name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid
join pg_catalog.pg_type t on t.oid = a.atttypid
where n.nspname = 'public' and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum

-- name: keep_watch
-- Reads through links and refusals, counted beside the sockets.
select app.keep_watch($1, $2)

-- name: beat
-- That this process lives, how it does, and what it wrote to screens since it said so last.
select app.beat($1, $2, $3, $4, $5, $6)
