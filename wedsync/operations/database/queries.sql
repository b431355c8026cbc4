-- name: connections
select c.face, c.total, c.active, c.idle, c.idle_in_transaction, c.waiting_for_lock, c.oldest_transaction_s from ops.connections() c

-- name: tables
select t.name, t.total_bytes, t.index_bytes, t.live_rows, t.dead_rows, t.dead_share, t.growth_bytes_week, t.scans_of_all, t.last_vacuum_at,
  t.last_analyze_at, t.weddings_touched
from ops.tables() t
order by t.total_bytes desc, t.name
limit $1

-- name: storage
select s.bytes, s.table_bytes, s.week_growth_bytes, s.wal_bytes from ops.storage() s

-- name: slow_queries
select q.source, q.query, q.calls, q.mean_ms, q.max_ms, q.total_ms, q.rows_a_call, q.hit_ratio, q.tables, q.weddings_at_risk, q.advice
from ops.slow_queries($1, $2) q

-- name: advice
select a.severity, a.about, a.says, a.remedy from ops.advice() a

-- name: server
select v.version, v.is_standby, v.cache_hit_ratio, v.sees_everything, v.counts_statements, v.refuses_ddl, v.oldest_transaction_s,
  v.transaction_ids_used, v.archive_failures, v.archived_at
from ops.server() v

-- name: replicas
select r.name, r.state, r.sync_state, r.lag_s, r.lag_bytes from ops.replicas() r

-- name: weddings_due
select w.live, w.due, w.next_at from ops.weddings_due() w

-- name: season
select s.peak_on, s.peak_weddings, s.most_so_far, s.connections_used, s.connections_max from ops.season() s

-- name: faces
select f.face, f.people, f.sessions, f.weddings_due from ops.faces() f

-- name: migrations
select m.version, m.checksum, m.ends_older from schema_migrations m order by m.version

-- name: ask_migration
select app.ask_migration($1, $2)

-- name: requests
select r.id, r.steps, r.is_dry_run, r.asked_by, r.asked_at, r.state, r.result, r.ended_at from app.migration_requests($1) r

-- name: waiting
select r.id, r.is_dry_run from app.waiting_migration() r

-- name: end_migration
select app.end_migration($1, $2, $3)

-- name: sample
select app.sample_sizes()

-- name: pool_facts
-- What pools are sized by.
select ops.pool_facts()
