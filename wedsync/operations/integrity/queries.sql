-- What integrity asks of the service door; the questions themselves are the functions of db/schema/89_integrity.sql.

-- name: flaws
-- What one question finds, at most so many.
select f.tenant_id, f.subject, f.told from app.flaws($1) f limit $2

-- name: note
-- How a question was answered.
select app.note_integrity($1, $2, $3, $4)

-- name: standing
-- How each question was answered last.
select s.name, s.checked_at, s.took_ms, s.found, s.first_found from app.integrity_standing() s
