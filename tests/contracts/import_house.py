"""Imports through the real application and a worker of this process: files in, outcomes out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from tests.contracts.guest_house import GuestHouse, Visitor
from tests.eventually import eventually
from wedsync.events.jobs import Queue
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.processes import registry
from wedsync.processes.worker import Worker

FILES = Path(__file__).parents[1] / "fixtures" / "imports"


@asynccontextmanager
async def working(door: Door, settings: Settings) -> AsyncIterator[None]:
    """A worker that runs every work and reaction of the product, and sends nothing."""
    service = await connect_pool(settings.door("service"), size=2, application="test-worker")
    stop, wake = asyncio.Event(), asyncio.Event()
    worker = Worker(
        queue=Queue(Door(service)),
        door=door,
        catalogue=registry.catalogue(settings),
        senders={},
        works=registry.works(settings),
        wake=wake,
    )
    running = asyncio.create_task(worker.run(stop))
    try:
        yield
    finally:
        stop.set()
        await running
        await service.close()


class Importer:
    """Somebody who imports into one wedding."""

    def __init__(self, house: GuestHouse, visitor: Visitor) -> None:
        self.house = house
        self.http = visitor.http

    @property
    def path(self) -> str:
        return f"/api/v1/weddings/{self.house.id}/guests/import"

    async def send(self, data: bytes, name: str = "guests.csv", *, choices: str = "", **query: Any) -> httpx.Response:
        """As a form."""
        form = {"choices": choices} if choices else {}
        return await self.http.post(self.path, files={"file": (name, data)}, data=form, params=query)

    async def trial(self, data: bytes, name: str = "guests.csv", **more: Any) -> dict[str, Any]:
        """The dry run of a file that can be read."""
        answer = await self.send(data, name, dry_run="true", **more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def bring(self, data: bytes, name: str = "guests.csv", **more: Any) -> dict[str, Any]:
        """Import for good; returns its end."""
        answer = await self.send(data, name, **more)
        assert answer.status_code == 202, answer.text
        return await self.ended(UUID(answer.json()["import_id"]))

    async def state(self, import_id: UUID) -> dict[str, Any]:
        """How far it is."""
        answer = await self.http.get(f"/api/v1/imports/{import_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def ended(self, import_id: UUID) -> dict[str, Any]:
        """The outcome, once there is one."""
        found: dict[str, Any] = {}

        async def is_over() -> bool:
            found.update(await self.state(import_id))
            return found["status"] not in ("pending", "running")

        is_known: bool = await eventually(is_over, within_s=60)
        assert is_known
        return found

    async def undo(self, import_id: str) -> dict[str, Any]:
        """Take it back."""
        answer = await self.http.post(f"/api/v1/imports/{import_id}/undo")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def content(self) -> dict[str, list[Any]]:
        """Every row of the guest list, without what a touched row alone changes."""
        found: dict[str, list[Any]] = {}
        for table in ("parties", "guests", "guest_contacts", "guest_needs", "rsvps"):
            rows = await self.house.wedding.admin.fetch(
                f"select to_jsonb(t) - $2::text[] as row from {table} t where wedding_id = $1 order by id",
                self.house.id,
                ["version", "updated_at"],
            )
            found[table] = [row["row"] for row in rows]
        return found

    async def names(self) -> set[str]:
        """Who is on the list."""
        rows = await self.house.wedding.admin.fetch(
            "select display_name from guests where wedding_id = $1", self.house.id
        )
        return {row["display_name"] for row in rows}


async def importer(house: GuestHouse) -> Importer:
    """Ana."""
    return Importer(house, await house.visitor(house.wedding.ana))
