"""The demo photographer's public page, and what two couples asked there."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID, uuid4

from wedsync.kit.actor import Actor
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing
from wedsync.market import actions, reading
from wedsync.market.model import NewEnquiry, NewListing, Work

SLUG: Final = "petal-and-frame"
PAGE: Final = NewListing(
    slug=SLUG,
    is_published=True,
    tagline="Quiet pictures of loud days",
    place="Exampleham, and wherever you marry",
    about="We are two people with two small cameras, and you will forget that we are here.\n\n"
    "Twenty weddings a year, no more: each gets both of us, a whole day, and pictures within six weeks. We work in "
    "colour and on film, and we love rain.",
    portfolio=[
        Work(title="A chapel, a barn and eleven hours of rain", url="https://gallery.example.com/rain"),
        Work(title="Two hundred guests, one accordion", url="https://gallery.example.com/accordion"),
        Work(title="How we work, in four minutes", url="https://film.example.com/how-we-work"),
    ],
)
ASKED: Final = (
    (
        "Ines Leal",
        "Kofi Mensah",
        210,
        "The Old Glasshouse",
        "Are you free on our day? We saw the pictures in the rain.",
    ),
    ("Wren Doyle", "", 0, "", "We have no date yet. What does a small wedding on a weekday cost with you?"),
)
"""(one, the other, days ahead or 0, where, what they wrote)"""


async def open_page(door: Door, ring: KeyRing, owner: Actor, supplier_id: UUID, today: date) -> None:
    """Published, and asked by the same form as everybody's; addresses nobody has are mailed nothing."""
    async with door.enter(owner, supplier_id) as tx:
        await actions.put_listing(tx, PAGE)
    listing = await reading.published(door, SLUG)
    for name, partner, days, venue, message in ASKED:
        new = NewEnquiry(
            form_key=uuid4(),
            name=name,
            partner_name=partner,
            email=f"{name.split()[0].lower()}@demo.invalid",
            wedding_on=today + timedelta(days=days) if days else None,
            venue=venue,
            message=message,
        )
        await actions.enquire(door, ring, listing, new, sends_copy=False)
