-- name: state
select c.state from connections c where c.id = $1 and c.deleted_at is null

-- name: account_sealed
select a.account_sealed from connection_accounts a where a.connection_id = $1
