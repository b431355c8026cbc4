-- name: sums
select s.kind, s.name, s.window_s, s.good, s.bad, s.slow from ops.health_sums() s

-- name: at_risk
select ops.at_risk($1)

-- name: rules
select r.rule, r.threshold, r.is_on, r.changed_at from ops.alert_rules() r

-- name: set_rule
select app.set_alert_rule($1, $2, $3)

-- name: keep
select app.keep_alerts($1)

-- name: untold
select u.id, u.rule, u.subject, u.severity, u.says, u.risk, u.opened_at, u.told_times from app.untold_alerts() u

-- name: operators
select o.person_id, o.name, o.email from app.operators() o

-- name: tell
select app.tell_alerts($1, $2)

-- name: alerts
select a.id, a.rule, a.subject, a.severity, a.says, a.risk, a.opened_at, a.last_at, a.ended_at, a.times, a.told_at, a.acked_by_name, a.acked_at,
  a.is_silenced
from ops.alerts($1) a

-- name: head
-- With the word of this weekend's preflight, where there is one.
select h.waiting, h.live, h.next_at, h.urgent, h.shed_level, h.shed_since, coalesce(w.weddings, 0) as weekend, coalesce(w.to_mend, 0) as to_mend, coalesce(w.is_fresh, true) as is_fresh
from ops.head() h left join ops.preflight_word() w on true

-- name: acknowledge
select app.acknowledge_alert($1)

-- name: silence
select app.silence_alerts($1, $2, $3, $4)

-- name: silences
select s.id, s.rule, s.subject, s.reason, s.until, s.by_name from ops.silences() s

-- name: end_silence
select app.end_silence($1)

-- name: providers
select p.name, p.hours, p.bad_hours, p.good, p.bad, p.refused, p.slow, p.sketch from ops.provider_hours($1) p

-- name: days
-- A tenant's own deliveries by provider, by row security its own.
select d.connector, sum(d.good)::bigint as good, sum(d.bad)::bigint as bad, sum(d.refused)::bigint as refused, sum(d.slow)::bigint as slow,
  count(*)::integer as days
from delivery_days d
where d.tenant_id = $1 and d."on" > $2
group by d.connector
order by d.connector
