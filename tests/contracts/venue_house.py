"""A venue that gives a space of ten seats to the dinner of one couple, and others who must hear nothing of it."""

import asyncio
from typing import Any

import msgspec

from tests.contracts.town import Linked, Somebody, Town

ORANGERY = {"name": "Orangery", "seated_max": 10, "standing_max": 16}


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The dinner, the space it is given, and who is invited to it."""

    town: Town
    ana: Somebody
    wedding: str
    dinner: str
    venue: Linked
    other: Linked
    space: str
    id: str
    guests: list[str]

    @property
    def owner(self) -> Somebody:
        return self.venue.owner

    @property
    def path(self) -> str:
        return f"/api/v1/space-uses/{self.id}"

    @property
    def page(self) -> str:
        return f"/studio/{self.venue.supplier}/weddings/{self.wedding}"

    async def reply(self, guest: str, status: str = "accepted") -> None:
        await self.ana.got("PUT", f"/api/v1/guests/{guest}/rsvps/{self.dinner}", {"status": status})

    async def accept(self, first: int, last: int) -> None:
        """So many of the guests, all at once."""
        await asyncio.gather(*(self.reply(guest) for guest in self.guests[first:last]))

    async def types(self) -> list[str]:
        return [e.type for e in await self.town.events(self.wedding) if e.type.startswith("space.")]

    async def is_over(self) -> bool:
        found: bool = (await self.owner.got("GET", self.path))["is_over"]
        return found


async def invited(ana: Somebody, wedding: str, item: str, count: int) -> list[str]:
    """So many guests, invited to the item."""
    guests = [{"first_name": f"Guest {number}"} for number in range(count)]
    body = {"name": "Everybody", "guests": guests, "schedule_item_ids": [item]}
    made = await ana.got("POST", f"/api/v1/weddings/{wedding}/parties", body, code=201)
    asked: list[str] = made["guest_ids"]
    return asked


async def given(town: Town, ana: Somebody, *, guests: int = 12, level: str = "standard", **flags: bool) -> Given:
    """A linked venue whose orangery is given to the dinner."""
    wedding = await town.wedding(ana)
    path = f"/api/v1/weddings/{wedding}"
    item = {"title": "Dinner", "kind": "reception", "on": "2027-06-05", "at_local": "17:00:00", "takes_rsvps": True}
    dinner = (await ana.got("POST", f"{path}/schedule", item, code=201))["id"]
    venue = await town.linked(ana, wedding, level, **flags)
    other = await town.linked(ana, wedding, level="full")
    spaces = f"/api/v1/suppliers/{venue.supplier}/spaces"
    space = (await venue.owner.got("POST", spaces, ORANGERY, code=201))["id"]
    body = {"schedule_item_id": dinner, "space_id": space, "setup_at": "12:00:00", "ready_by": "16:30:00"}
    made = await venue.owner.got("POST", f"{path}/space-uses", body, code=201)
    asked = await invited(ana, wedding, dinner, guests)
    await town.react(wedding)
    return Given(
        town=town,
        ana=ana,
        wedding=wedding,
        dinner=dinner,
        venue=venue,
        other=other,
        space=space,
        id=made["id"],
        guests=asked,
    )


async def inbox(somebody: Somebody) -> list[dict[str, Any]]:
    """What the person was told of spaces."""
    found: list[dict[str, Any]] = (await somebody.got("GET", "/api/v1/me/inbox"))["items"]
    return [one for one in found if one["type"].startswith("space.")]
