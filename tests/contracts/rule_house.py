"""A wedding with endpoints and rules, and what they are owed."""

from typing import Any
from uuid import UUID, uuid4

from tests.contracts.town import Linked, Somebody, Town

ESTIMATE = "wedding.estimate_changed"
MANY = {"field": "record.guest_estimate", "operator": "greater", "value": 100}


class House:
    """Whoever keeps the rules: the couple, or a business that is linked to the wedding."""

    def __init__(self, town: Town, who: Somebody, wedding: str, place: str = "") -> None:
        self.town = town
        self.who = who
        self.wedding = wedding
        self.path = place or f"/api/v1/weddings/{wedding}"

    async def endpoint(self, *events: str) -> str:
        asked = {"url": f"https://example.com/{uuid4().hex[:8]}", "events": list(events) or ["*"]}
        made: dict[str, Any] = await self.who.got("POST", f"{self.path}/endpoints", asked, code=201)
        return str(made["id"])

    async def rule(self, endpoint: str, *types: str, code: int = 201, **fields: Any) -> Any:
        asked = {"name": "A rule", "endpoint_id": endpoint, "types": list(types) or ["wedding.*"]} | fields
        return await self.who.got("POST", f"{self.path}/rules", asked, code=code)

    async def owed(self, endpoint: str, event: Any = None) -> list[Any]:
        return await self.town.admin.fetch(
            """select subscription_id, event_id, type, lane, seq, previous_seq, state, reason, next_at from deliveries
            where destination_id = $1 and ($2::uuid is null or event_id = $2) and not is_test order by seq""",
            UUID(endpoint),
            event,
        )

    async def estimate(self, number: int) -> UUID:
        """One small change; the id of its event."""
        await self.who.got("PATCH", f"/api/v1/weddings/{self.wedding}", {"guest_estimate": number})
        event = (await self.town.events(self.wedding, "wedding.estimate_changed"))[-1]
        return event.id

    async def why(self, event: UUID) -> Any:
        return await self.who.got("GET", f"{self.path}/events/{event}/routing")


async def newly_wed(town: Town) -> House:
    """A couple of its own for each test."""
    ana = await town.person()
    return House(town, ana, await town.wedding(ana))


async def business_of(house: House, level: str = "full", **flags: bool) -> tuple[House, Linked]:
    linked = await house.town.linked(house.who, house.wedding, level, **flags)
    return House(house.town, linked.owner, house.wedding, f"/api/v1/suppliers/{linked.supplier}"), linked
