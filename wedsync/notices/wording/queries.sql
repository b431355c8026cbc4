-- Every statement of the words of notices. The tenant is the platform, entered by its operator.

-- name: newest
-- What was written for each text in each language, and when; of one text where it is named.
select distinct on (w.key, w.locale) w.key, w.locale, w.number, w.words, w.made_at
from wordings w
where $1::text is null or w.key = any (array[$1, 'change'])
order by w.key, w.locale, w.number desc

-- name: history
-- Newest first.
select h.number, h.words, h.note, h.made_at, h.made_by from app.wording_history($1, $2) h

-- name: add
select app.add_wording($1, $2, $3, $4, $5)

-- name: owe_sample
select app.owe_sample($1, $2)
