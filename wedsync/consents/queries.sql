-- Every statement of consents.

-- name: note
select app.note_mail_consent($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: refusals
select r.n, r.reason from app.mail_refusals($1, $2, $3) r
