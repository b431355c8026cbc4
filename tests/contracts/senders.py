"""A program of somebody else's that sends hooks, and what is known of those it sent."""

import hashlib
import hmac
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from tests.contracts.town import Somebody, Town
from tests.eventually import eventually

COUPLES = "/api/webhooks/couples"
SIGNATURE = "x-wedsync-signature"


class Sender:
    """A program of somebody else's, at an address of its own."""

    def __init__(self, town: Town) -> None:
        self.town = town
        # Each test comes from another address, as limits count by it.
        app: Any = town.app
        transport = httpx.ASGITransport(app=app, client=(str(uuid4()), 4000))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://test")

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        named = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return await self.http.post(path, content=content, headers=named)

    async def couples(self, secret: str, said: Any) -> httpx.Response:
        content = said if isinstance(said, bytes) else msgspec.json.encode(said)
        return await self.post(COUPLES, content, **{SIGNATURE: signed(secret, content)})

    async def reasons(self) -> list[dict[str, Any]]:
        """The security events of this address, each as often as it happened."""
        return [one for one in await self.notes() for _ in range(one.get("times", 1))]

    async def notes(self) -> list[dict[str, Any]]:
        """The rows of them: equal ones within seconds are one with its count."""
        await self.town.watched()
        client: Any = self.http._transport
        rows = await self.town.admin.fetch(
            "select detail, tenant_id from security_events where address = $1 order by at, id", client.client[0]
        )
        return [msgspec.json.decode(r["detail"]) | {"tenant": r["tenant_id"]} for r in rows]


def signed(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def said(wedding: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "type": "wedding.updated",
        "couple_id": wedding,
        "occurred_at": "2026-11-21T10:00:00Z",
        "data": {"guest_estimate": 80},
    } | fields


async def source(ana: Somebody, wedding: str, connector: str = "zapier_hook", **fields: Any) -> dict[str, Any]:
    path = f"/api/v1/weddings/{wedding}/connections"
    made: dict[str, Any] = await ana.got("POST", path, {"connector": connector} | fields, code=201)
    return made


def at(made: dict[str, Any]) -> str:
    return f"/hooks/{made['connector']}/{made['id']}"


async def settled(ana: Somebody, hook: str) -> dict[str, Any]:
    """What came of a hook, when it has been worked on."""

    async def done() -> dict[str, Any]:
        found: dict[str, Any] = await ana.got("GET", f"/api/v1/hooks/{hook}")
        return found if found["status"] != "received" else {}

    return await eventually(done)
