"""Somebody at the pages of webhooks, and what has become of the deliveries they look at."""

from typing import Any
from uuid import UUID, uuid4

import msgspec

from tests.contracts.town import Somebody, Town


class Desk(msgspec.Struct, frozen=True):
    """Somebody with webhooks: the path of their pages, and of their tenant in the API."""

    town: Town
    who: Somebody
    path: str
    api: str
    tenant: str

    async def add(self, **fields: Any) -> str:
        """A new endpoint's id."""
        form = {"id": str(uuid4()), "url": "https://example.com/hook", "events": ["wedding.*"]} | fields
        answer = await self.who.send(self.path, **form)
        assert answer.status_code == 200, answer.text
        return str(form["id"])

    async def owe(self, *estimates: int) -> None:
        """Something happens that endpoints hear of."""
        for estimate in estimates:
            await self.who.got("PATCH", f"/api/v1/weddings/{self.tenant}", {"guest_estimate": estimate})

    async def end(self, endpoint: str, state: str, *, status: int = 500) -> list[str]:
        """As the worker would, when everything owed has ended this way after one try; the ids, oldest first."""
        await self.town.admin.execute("delete from jobs where destination_id = $1", UUID(endpoint))
        rows = await self.town.admin.fetch(
            """update deliveries set state = $2, reason = 'The receiver answered ' || $3 || '.', attempts = 1,
            done_at = clock_timestamp()
            where destination_id = $1 and done_at is null returning id, made_at""",
            UUID(endpoint),
            state,
            str(status),
        )
        await self.town.admin.executemany(
            """insert into attempts (delivery_id, tenant_id, number, outcome, status, response_head, address,
            resolve_ms, first_byte_ms, total_ms, started_at, request_headers)
            values ($1, $2, 1, 'retry_later', $3, '<b>no</b>', '203.0.113.9', 1.5, 40, 41, clock_timestamp(),
              '{"webhook-signature": "•••", "webhook-id": "w"}')""",
            [(row["id"], UUID(self.tenant), status) for row in rows],
        )
        return [str(row["id"]) for row in sorted(rows, key=lambda r: r["made_at"])]

    async def states(self, endpoint: str) -> list[str]:
        rows = await self.town.admin.fetch(
            "select state from deliveries where destination_id = $1 order by made_at", UUID(endpoint)
        )
        return [row["state"] for row in rows]
