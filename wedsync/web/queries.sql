-- name: kept_answer
-- What was done under a key before, for the person whose key it is.
select k.id, k.request, k.answer from app.kept_answer($1, $2) k

-- name: begin_once
-- free, under_way or done.
select app.begin_once($1)

-- name: claim_once
-- Whether this transaction changes anything, and so holds the key from its commit on.
select app.claim_once($1, $2, $3, $4, $5)

-- name: keep_answer
-- The sealed answer of the claim.
select app.keep_answer($1, $2, $3, $4)

-- name: forget_answers
-- Keys and answers older than a day.
select app.forget_answers()

-- name: last_hand
-- Who changed a row last, by name.
select coalesce(nullif(m.name, ''), p.name, l.supplier_name, '') as who
from events e
left join memberships m on m.wedding_id = e.stream_id and m.person_id = e.actor_id
left join app.people_of((select app.tenant())) p on p.person_id = e.actor_id
left join links l on l.wedding_id = e.stream_id and l.id = e.link_id
where e.stream_id = (select app.tenant()) and e.subject_table = $1 and e.subject_id = $2
order by e.seq desc
limit 1
