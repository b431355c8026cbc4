"""A space of a supplier's own in the world of every audience, given to a part of a wedding."""

from uuid import UUID

from wedsync.kit.actor import Actor
from wedsync.kit.db import Door
from wedsync.venues import actions
from wedsync.venues.model import NewSpace, NewSpaceUse


async def give_space(door: Door, who: Actor, business: UUID, wedding: UUID, word: str) -> dict[str, UUID]:
    """The ids of the space and of its use; both name `word`."""
    async with door.enter(who, business) as tx:
        space = await actions.add(tx, NewSpace(name=f"Hall {word}", seated_max=80, note=word))
    async with door.enter(who, wedding) as tx:
        (item, *_) = await tx.rows(actions.queries.items, None)
        use = await actions.give(tx, NewSpaceUse(schedule_item_id=item["id"], space_id=space))
    return {"spaces": space, "space_uses": use}
