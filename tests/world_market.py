"""The public page of a business in the world, and what somebody asked there."""

from datetime import date
from uuid import UUID, uuid4

from wedsync.kit.actor import Actor
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing
from wedsync.market import actions, reading
from wedsync.market.model import NewEnquiry, NewListing

ON = date(2099, 6, 5)


async def keep_enquiry(door: Door, ring: KeyRing, actor: Actor, supplier: UUID, *, word: str) -> dict[str, UUID]:
    """`word` is in what only the business's own team may ever read; the page itself is published."""
    slug = f"shop-{supplier.hex[:12]}"
    async with door.enter(actor, supplier) as tx:
        await actions.put_listing(tx, NewListing(slug=slug, is_published=True))
    asked = NewEnquiry(
        form_key=uuid4(), name=f"Asker {word}", email=f"{word}@world.invalid", message=word, wedding_on=ON
    )
    await actions.enquire(door, ring, await reading.published(door, slug), asked, sends_copy=True)
    async with door.enter(actor, supplier) as tx:
        [made], _ = await reading.page(tx, ring, None, limit=1)
    return {"enquiry": made.id}
