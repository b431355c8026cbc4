-- name: status
select app.public_status($1)

-- name: announce
select app.announce($1, $2, $3, $4, $5, $6, $7)

-- name: say_more
select app.say_more($1, $2, $3, $4)

-- name: load
select l.hour, l.answers from ops.load_by_hour() l
