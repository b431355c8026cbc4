"""A business on a plan with an owner, a program of theirs, and weddings that are ahead or live."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec

from tests.contracts.town import Linked, Somebody, Town
from wedsync.kit import clock


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """The business, and how to ask about its plan."""

    town: Town
    business: Linked

    @property
    def owner(self) -> Somebody:
        return self.business.owner

    @property
    def id(self) -> str:
        return self.business.supplier

    @property
    def api(self) -> str:
        return f"/api/v1/suppliers/{self.id}"

    async def give(self, plan: str | None = None, **extra: int | None) -> None:
        """As the operator does it."""
        words = msgspec.json.encode(extra).decode()
        await self.town.admin.fetchval("select app.set_plan($1, $2, $3, 'test')", UUID(self.id), plan, words)

    async def plan(self) -> dict[str, Any]:
        """The report, with its limits by name."""
        found: dict[str, Any] = await self.owner.got("GET", f"{self.api}/plan")
        return {**found, "limits": {one["name"]: one for one in found["limits"]}}

    async def used(self, name: str) -> int:
        found: int = (await self.plan())["limits"][name]["used"]
        return found

    async def invited(self, couple: Somebody, wedding: str) -> str:
        """An invitation that waits for its answer; its link."""
        asked = {"supplier_name": "Marlow Photo", "email": self.owner.email}
        link: str = (await couple.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201))["id"]
        return link

    async def invitations(self, couple: Somebody, count: int) -> list[str]:
        """Invitations to so many weddings, written at once: what is tried is how they are answered."""
        rows = await self.town.admin.fetch(
            """with made as materialized (
              select w.id, app.create_wedding($1, w.id, 'Ana & Ben', 'Europe/London', 'GB', 'GBP') as member
              from (select uuidv7() as id from generate_series(1, $2)) w)
            select m.id from made m where m.member is not null""",
            couple.id,
            count,
        )
        links = await self.town.admin.fetch(
            """insert into links (wedding_id, supplier_name, category, invited_email, invited_by)
            select w, 'Marlow Photo', 'photographer', $2, 'couple' from unnest($1::uuid[]) w returning id""",
            [row["id"] for row in rows],
            self.owner.email,
        )
        return [str(row["id"]) for row in links]

    async def accept(self, link: str) -> httpx.Response:
        return await self.owner.ask("POST", f"/api/v1/links/{link}/answer", {"supplier_id": self.id})

    async def link(self, couple: Somebody) -> str:
        """Linked to one more wedding; its id."""
        wedding = await self.town.wedding(couple)
        answer = await self.accept(await self.invited(couple, wedding))
        assert answer.status_code == 204, answer.text
        return wedding

    async def live(self, wedding: str, hours: float = 0) -> None:
        """The wedding is live, or was so many hours ago."""
        at = clock.now() - timedelta(hours=hours)
        await self.town.admin.execute("delete from wedding_days where wedding_id = $1", UUID(wedding))
        await self.town.admin.execute(
            """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
            values ($1, $2, 'UTC', $3, $4)""",
            UUID(wedding),
            at.date(),
            at - timedelta(hours=1),
            at,
        )

    async def program(self) -> Somebody:
        """A program of the owner's, with a key for all that is theirs."""
        asked = {"name": "CRM"}
        key = (await self.owner.got("POST", "/api/v1/api-keys", asked, code=201))["secret"]
        return Somebody(self.town.app, bearer=key)

    async def counted(self) -> None:
        """Have written what the process counted, as it does every few seconds."""
        await self.town.app.state.meter.flush(self.town.door.count_calls)


async def at_once(*asked: Any) -> list[int]:
    """The statuses of requests that come together, sorted."""
    return sorted(answer.status_code for answer in await asyncio.gather(*asked))
