"""A business with a calendar: an owner, a colleague, a wedding it works for, and whoever has nothing to do with it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tests.contracts.town import Linked, Somebody, Town

DAY = "2027-06-05"


class Studio(msgspec.Struct, frozen=True, kw_only=True):
    """A business linked to one wedding on DAY, after everything that follows from the link was done."""

    town: Town
    business: Linked
    couple: Somebody
    wedding: str

    @property
    def owner(self) -> Somebody:
        return self.business.owner

    @property
    def supplier(self) -> str:
        return self.business.supplier

    @property
    def path(self) -> str:
        return f"/api/v1/suppliers/{self.supplier}"

    async def book(self, *, code: int = 201, who: Somebody | None = None, **fields: Any) -> Any:
        """Ask for ten hours from noon of a day (or what the fields say)."""
        asked = {"on": DAY, "at_local": "12:00:00", "minutes": 600, "category": "client"} | fields
        if "days" in fields:
            asked = {k: v for k, v in asked.items() if k not in ("at_local", "minutes")}
        return await (who or self.owner).got("POST", f"{self.path}/bookings", asked, code=code)

    async def react(self) -> None:
        """All reactions of both sides, until there are none."""
        while await self.town.react(self.supplier) + await self.town.react(self.wedding):
            pass

    async def days(self, first: str, last: str = "") -> dict[str, str]:
        found = await self.owner.got("GET", f"{self.path}/availability?from={first}&to={last or first}")
        return {day["on"]: day["state"] for day in found["items"]}

    async def conflicts(self, state: str = "open") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.owner.got("GET", f"{self.path}/conflicts?state={state}"))["items"]
        return found

    async def told(self, *types: str, of_wedding: bool = False) -> Sequence[Any]:
        """Facts of the business, or of the wedding."""
        tenant, kind = (self.wedding, "wedding") if of_wedding else (self.supplier, "supplier")
        return await self.town.events(tenant, *types, kind=kind)

    async def colleague(self, role: str = "member") -> Somebody:
        somebody = await self.town.person("colleague")
        await self.owner.got("POST", f"{self.path}/members", {"email": somebody.email, "role": role}, code=201)
        return somebody


async def opened(town: Town, **fields: Any) -> Studio:
    """A new one; the hold that the link proposed is let go, so that the calendar is empty."""
    couple = await town.person()
    wedding = await town.wedding(couple, **({"on": DAY} | fields))
    business = await town.linked(couple, wedding)
    studio = Studio(town=town, business=business, couple=couple, wedding=wedding)
    await studio.react()
    for held in (await studio.owner.got("GET", f"{studio.path}/bookings?from=2027-01-01&to=2027-12-31"))["items"]:
        await studio.owner.got("POST", f"/api/v1/bookings/{held['id']}/cancel")
    await studio.react()
    return studio
