"""The demo's venue: how many its spaces take, and which it gives to which part of a wedding."""

from datetime import time

from wedsync.kit.db import Tx
from wedsync.venues import actions
from wedsync.venues.model import NewSpace, NewSpaceUse

SPACES = (
    NewSpace(name="The Old Glasshouse", seated_max=130, standing_max=200, note="Round tables of ten."),
    NewSpace(name="Orangery", seated_max=70, standing_max=140),
    NewSpace(
        name="Glasshouse and Orangery", seated_max=190, standing_max=320, note="With the doors between them open."
    ),
)


async def keep(tx: Tx) -> None:
    """All there are, as the business."""
    for space in SPACES:
        await actions.add(tx, space)


async def give(tx: Tx) -> None:
    """One wedding's dinner, as its venue."""
    spaces = {row["name"]: row["id"] for row in await tx.rows(actions.queries.offered, None)}
    parts = {row["title"]: row["id"] for row in await tx.rows(actions.queries.items, None)}
    dinner = NewSpaceUse(
        schedule_item_id=parts["Dinner"],
        space_id=spaces["The Old Glasshouse"],
        setup_at=time(10),
        ready_by=time(15, 30),
    )
    await actions.give(tx, dinner)
    drinks = NewSpaceUse(schedule_item_id=parts["Drinks"], space_id=spaces["Orangery"], arrangement="standing")
    await actions.give(tx, drinks)
