"""What a venue's own system says of its house: its spaces become ours, and what it has planned of a wedding is given to
the parts of that wedding, once the couple is here.

Only what changed there is taken over, so what the venue has changed here stays until it is changed there again. Times
of the ceremony and the reception are the couple's: another one there is proposed to them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.connections.records.contract import RemoteSpace, Use
from wedsync.connections.records.couples import ENTER_LINK
from wedsync.connections.records.run import Ended, Run, stopped
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.proposals import actions as proposals
from wedsync.proposals.model import NewProposal
from wedsync.venues import actions as venues
from wedsync.venues.model import NewSpace, NewSpaceUse

queries = sql.load("wedsync.connections.records")
CORE: Final[Mapping[str, str]] = {"ceremony": "ceremony_at", "reception": "reception_at"}
NAME_CHARS_MAX: Final = 120


class Seen(msgspec.Struct, frozen=True):
    """Of a space, what is taken over."""

    name: str
    seated_max: int | None
    standing_max: int | None
    is_active: bool


async def take_spaces(run: Run) -> Ended | None:
    """All spaces there are; None when they are here. One that nobody can be in is not understood."""
    said = await run.session.spaces()
    if not isinstance(said, tuple):
        return stopped(said)
    there = {one.id: _seen(one) for one in said if one.name.strip() and (one.seated_max or one.standing_max)}
    run.counts.unread += len(said) - len(there)
    async with run.enter() as tx:
        known = {row["remote_id"]: row for row in await tx.rows(queries.spaces, run.id)}
        new = {id: one for id, one in there.items() if id not in known}
        alike = {row["name"].casefold(): row["id"] for row in await tx.rows(queries.own_spaces, run.id)} if new else {}
        for id, one in new.items():
            space_id = alike.pop(one.name.casefold(), None)
            made = space_id or await venues.add(tx, _new(one))
            if not one.is_active:
                await venues.change(tx, made, {"is_active": False})
            await _keep(tx, run, id, made, one)
        for id, row in known.items():
            before = msgspec.json.decode(row["seen"], type=Seen)
            after = there.get(id) or msgspec.structs.replace(before, is_active=False)
            if after == before:
                continue
            if row["space_id"] is not None:
                await venues.change(tx, row["space_id"], _changed(before, after))
            await _keep(tx, run, id, row["space_id"], after)
    return None


async def give(run: Run, item_id: UUID, link_id: UUID) -> None:
    """What is planned of this record, given to its client's wedding. What cannot be given is left for next time."""
    async with run.enter() as tx:
        ours = {row["remote_id"]: row["space_id"] for row in await tx.rows(queries.spaces, run.id)}
        kept = run.seals.kept(item_id, await tx.value(queries.item_kept, item_id))
    news = [use for use in kept.uses if use not in kept.given and ours.get(use.space_id) is not None]
    done: list[Use] = []
    for use in news:
        if await _given(run, link_id, use, ours[use.space_id]):
            done.append(use)
    then = msgspec.structs.replace(kept, given=tuple(u for u in kept.uses if u in done or u in kept.given))
    if then != kept:
        async with run.enter() as tx:
            await tx.run(queries.put_kept, item_id, run.seals.item(item_id, then))


async def _given(run: Run, link_id: UUID, use: Use, space_id: UUID) -> bool:
    """One part of the day; False where the wedding has no such part yet, or what is wanted cannot be."""
    try:
        async with run.enter() as tx:
            if await tx.value(ENTER_LINK, run.job.id, run.job.lease_token, link_id) is None:
                return False
            parts = await tx.rows(queries.parts)
            part = next((row for row in parts if row["kind"] == use.part), None)
            if part is None:
                return False
            await _put(tx, part, use, space_id)
            await _propose(tx, use)
    except Refusal as refusal:
        if refusal.code == "lease_lost" or refusal.status == 503:
            raise
        return False
    run.counts.taken += 1
    return True


async def _put(tx: Tx, part: Row, use: Use, space_id: UUID) -> None:
    wanted: dict[str, Any] = {
        "space_id": space_id,
        "arrangement": use.arrangement,
        "setup_at": use.setup_at,
        "ready_by": use.ready_by,
    }
    if part["use_id"] is None:
        await venues.give(tx, NewSpaceUse(schedule_item_id=part["id"], **wanted))
    elif any(part[name] != value for name, value in wanted.items()):
        await venues.rearrange(tx, part["use_id"], wanted)


async def _propose(tx: Tx, use: Use) -> None:
    """Nothing where it is so already, and the same again is one suggestion."""
    if use.part in CORE and use.starts_at is not None:
        fields = {CORE[use.part]: use.starts_at.isoformat()}
        new = NewProposal(subject="weddings", fields=fields, why="Planned so in our booking system.")
        await proposals.suggest(tx, await proposals.source(tx), new)


def _seen(one: RemoteSpace) -> Seen:
    name = " ".join(one.name.split())[:NAME_CHARS_MAX].rstrip()
    return Seen(name, one.seated_max or None, one.standing_max or None, one.is_active)


def _new(one: Seen) -> NewSpace:
    return NewSpace(name=one.name, seated_max=one.seated_max, standing_max=one.standing_max)


def _changed(before: Seen, after: Seen) -> dict[str, Any]:
    names: Sequence[str] = Seen.__struct_fields__
    return {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}


async def _keep(tx: Tx, run: Run, remote_id: str, space_id: UUID | None, seen: Seen) -> None:
    await tx.run(queries.put_space, run.id, remote_id, space_id, msgspec.json.encode(seen).decode())
