-- name: platform_modes
select m.id, m.kind, m.reason, m.entered_by_name, m.entered_at, m.expires_at, m.left_by_name, m.left_at, m.is_in_force, m.weddings_told
from app.platform_modes() m

-- name: shedding
select s.process_id, s.level, s.since, s.total from ops.shedding() s

-- name: enter_mode
select app.enter_mode($1, $2, $3)

-- name: leave_mode
select app.leave_mode($1)

-- name: weddings_of_modes
select w from app.weddings_of_modes() w

-- name: tell_of_modes
select app.tell_of_modes($1)
