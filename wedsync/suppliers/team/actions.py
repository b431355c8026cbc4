"""Every write of a business's team: invite, change, remove, and who works on which wedding.

Standing is read from the rows by every transaction, so it ends with the commit; open sockets hear it from the event.
"""

from typing import Any
from uuid import UUID

from msgspec import UNSET

from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers.team import model as team
from wedsync.web.context import stale

queries = sql.load("wedsync.suppliers")


async def invite(tx: Tx, new: team.NewColleague) -> UUID:
    """Somebody joins the entered business; their mail follows. Raises Refusal 403, 409 for who is in it already."""
    mine: str = await tx.value(queries.my_role)
    team.check(mine, new.role, new.role)
    row = await tx.row(
        "select * from app.add_colleague($1, $2, $3)", new.email.strip().lower(), new.name.strip(), new.role
    )
    if row is None:
        raise Refusal(409, "already_member", "They are in your team already. Change their role instead.")
    record(tx, team.JOINED, op="INSERT" if row["old_record"] is None else "UPDATE", row=row)
    member_id: UUID = row["id"]
    return member_id


async def change(tx: Tx, member_id: UUID, wanted: team.ColleagueChange, *, version: int | None = None) -> None:
    """Give another role or name. Raises Refusal 403, 404, 409 for the last owner, 412."""
    before = await _claimed(tx, member_id, version)
    role = before["role"] if wanted.role is UNSET else wanted.role
    name = before["name"] if wanted.name is UNSET else wanted.name.strip()
    team.check(await tx.value(queries.my_role), before["role"], role)
    if (role, name) == (before["role"], before["name"]):
        return
    if before["role"] == "owner" != role:
        await _check_not_last(tx, member_id)
    row = _written(await tx.row(queries.change_member, member_id, role, name))
    record(tx, team.CHANGED, op="UPDATE", row=row)


async def remove(tx: Tx, member_id: UUID, *, version: int | None = None) -> None:
    """Somebody leaves: what they see of the business and its weddings ends with the commit. Raises as `change`."""
    before = await _claimed(tx, member_id, version)
    team.check(await tx.value(queries.my_role), before["role"])
    if before["role"] == "owner":
        await _check_not_last(tx, member_id)
    await _end(tx, await tx.rows(queries.unassign_all, member_id))
    record(tx, team.REMOVED, op="UPDATE", row=_written(await tx.row(queries.remove_member, member_id)))


async def assign(tx: Tx, member_id: UUID, link_id: UUID) -> None:
    """A member works on a wedding of the business; saying it twice changes nothing. Raises Refusal 403, 404."""
    await _claimed_to_assign(tx, member_id)
    row = await tx.row(queries.assign, member_id, link_id)
    if row is not None:
        record(tx, team.ASSIGNED, op="INSERT", row=row)
    elif not await tx.value(queries.is_assigned, member_id, link_id):
        raise not_found("link")


async def unassign(tx: Tx, member_id: UUID, link_id: UUID) -> None:
    """They no longer work on it; saying it twice changes nothing. Raises Refusal 403, 404."""
    await _claimed_to_assign(tx, member_id)
    await _end(tx, await tx.rows(queries.unassign, member_id, link_id))


async def assign_exactly(tx: Tx, member_id: UUID, among: set[UUID], links: set[UUID]) -> None:
    """Of the links that a form showed, those that were ticked. Raises Refusal 403, 404."""
    before = {r["link_id"] for r in await tx.rows(queries.links_of_member, member_id)}
    await _claimed_to_assign(tx, member_id)
    for link_id in sorted(links - before):
        await assign(tx, member_id, link_id)
    for link_id in sorted((before & among) - links):
        await unassign(tx, member_id, link_id)


async def _claimed(tx: Tx, member_id: UUID, version: int | None) -> Row:
    """One writer of a team at a time: two owners who demote each other would leave none."""
    await tx.run(queries.lock_team)
    row = await tx.row(queries.member, member_id)
    if row is None:
        raise not_found("member")
    if version is not None and version != row["version"]:
        raise await stale(tx, queries.member_current, member_id)
    return row


async def _claimed_to_assign(tx: Tx, member_id: UUID) -> None:
    row = await _claimed(tx, member_id, None)
    team.check(await tx.value(queries.my_role), row["role"])


async def _check_not_last(tx: Tx, member_id: UUID) -> None:
    if not await tx.value(queries.has_other_owner, member_id):
        raise Refusal(409, "last_owner", "A business needs an owner. Make somebody else owner first.")


async def _end(tx: Tx, rows: list[Row]) -> None:
    for row in rows:
        record(tx, team.UNASSIGNED, op="DELETE", row=row)


def _written(row: Row | None) -> Any:
    if row is None:
        raise Refusal(403, "forbidden", "Only an owner manages owners. Ask one of them.")
    return row
