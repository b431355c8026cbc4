"""What guests do because of facts: keep the dietary totals of each schedule item true."""

from uuid import UUID

from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.guests import facts
from wedsync.guests.kitchen import dietary
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing

ANSWERS = (facts.REPLIED.type, facts.UNINVITED.type)
_NOW, _BEFORE = (f'exists($.{image} ? (@.status == "accepted"))' for image in ("record", "old"))
COUNTS = f'$.table == "{facts.NEEDS_CHANGED.table}" || ({_NOW} && !{_BEFORE}) || (!{_NOW} && {_BEFORE})'
"""Who comes is counted with their needs, nobody else."""


def reactions(ring: KeyRing, settings: Settings) -> tuple[Reaction, ...]:
    """Needs are sealed, so counting them takes the key ring of the process that runs this."""

    async def recount(tx: Tx, event: Event) -> None:
        row = event.record or event.old_record or {}
        guest = UUID(row["guest_id"])
        if event.type in ANSWERS:
            if await dietary.has_needs(tx, event.tenant, guest):
                await dietary.recount(tx, ring, event.tenant, [UUID(row["schedule_item_id"])])
            return
        # A removed guest's needs go with their answers, each a fact of its own; by then only all items can be asked.
        items = await dietary.items_of(tx, event.tenant, guest) if event.op != "DELETE" else None
        if items is None or items:
            await dietary.recount(tx, ring, event.tenant, items)

    types = (*ANSWERS, facts.NEEDS_CHANGED.type)
    return (Reaction(name="guests.recount_dietary", types=types, run=recount, condition=COUNTS),)
