"""A wedding with a planner, a photographer and a florist who sees no schedule; and a clock that the tests move."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tests.contracts.town import LEASE_WORK, Linked, Somebody, Town
from wedsync.alerts import actions, calling
from wedsync.events.jobs import Job

HELP = {"what": "supplier_missing", "detail": "The band is not here: mauve-otter-41.", "place": "Barn"}


class House(msgspec.Struct, frozen=True, kw_only=True):
    """Whose wedding, and who works at it."""

    town: Town
    ana: Somebody
    wedding: str
    planner: Linked
    photographer: Linked
    florist: Linked

    @property
    def path(self) -> str:
        return f"/api/v1/weddings/{self.wedding}/alerts"

    async def raised(self, by: Somebody | None = None, *, code: int = 201, **fields: Any) -> str:
        """An emergency of which nobody has been told yet."""
        made = await (by or self.ana).got("POST", self.path, HELP | fields, code=code)
        id: str = made["id"]
        return id

    async def one(self, alert: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.ana.got("GET", f"/api/v1/alerts/{alert}")
        return found

    async def called(self, alert: str) -> dict[str, set[str]]:
        """E-mail of everybody who was called, with the ways."""
        calls = (await self.ana.got("GET", f"/api/v1/alerts/{alert}/calls"))["items"]
        named = {str(one.id): one.email.partition(".")[0] for one in self.people}
        return {f"{named[call['person_id']]}": set(call["channels"]) for call in calls}

    @property
    def people(self) -> tuple[Somebody, ...]:
        return (self.ana, self.planner.owner, self.photographer.owner, self.florist.owner)

    async def leased(self, name: str = actions.STEP) -> Job | None:
        row = await self.town.admin.fetchrow(LEASE_WORK, UUID(self.wedding), name)
        return None if row is None else Job(**row)

    async def work(self, name: str = actions.STEP) -> int:
        """Everything that is due by now, as a worker does it; how much that was."""
        works, done = calling.works(self.town.ring, self.town.settings), 0
        while job := await self.leased(name):
            await works[name](self.town.door, job)
            done += 1
        return done

    async def later(self, seconds: float) -> None:
        """So much time goes by, step by step; what falls due is done when it does."""
        for _ in range(round(seconds)):
            await self.town.admin.execute(
                """with moved as (update alerts set began_at = began_at - interval '1 second',
                    next_at = next_at - interval '1 second', held_until = held_until - interval '1 second'
                    where wedding_id = $1)
                update jobs set run_at = run_at - interval '1 second', args = jsonb_set(args, '{began}',
                    to_jsonb((args ->> 'began')::timestamptz - interval '1 second'))
                where tenant_id = $1 and name like 'alerts.%'""",
                UUID(self.wedding),
            )
            await self.work()
            await self.work(actions.LAPSE)

    async def mails(self, who: Somebody) -> list[dict[str, Any]]:
        return [m for m in await self.town.mails(self.wedding, to=who.email) if "/alarm/" in m["text"]]

    async def types(self) -> list[str]:
        return [e.type for e in await self.town.events(self.wedding) if e.type.startswith("alert.")]


async def linked(town: Town, ana: Somebody, wedding: str, name: str, category: str, level: str) -> Linked:
    owner = await town.person(name)
    made = await owner.got("POST", "/api/v1/suppliers", {"name": name.title(), "category": category}, code=201)
    asked = {"supplier_name": name.title(), "email": owner.email, "level": level, "category": category}
    link = (await ana.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201))["id"]
    await owner.got("POST", f"/api/v1/links/{link}/answer", {"supplier_id": made["id"]}, code=204)
    return Linked(owner=owner, supplier=made["id"], link=link)


async def house(town: Town, ana: Somebody, at: datetime) -> House:
    """A ceremony at this time, everybody linked, nothing raised."""
    wedding = await town.wedding(ana, on=at.date().isoformat(), time_zone="UTC")
    item = {"title": "Ceremony", "kind": "ceremony", "on": at.date().isoformat(), "at_local": f"{at:%H:%M}:00"}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", item, code=201)
    made = House(
        town=town,
        ana=ana,
        wedding=wedding,
        planner=await linked(town, ana, wedding, "planner", "planner", "full"),
        photographer=await linked(town, ana, wedding, "photographer", "photographer", "standard"),
        florist=await linked(town, ana, wedding, "florist", "florist", "basic"),
    )
    await town.react(wedding)
    return made
