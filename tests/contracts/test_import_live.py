"""An import on other people's screens: too many rows to be pushed, so a socket is woken and reads them from the log."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from realtime import AsyncRealtimeClient, RealtimePostgresChangesListenEvent

from tests.contracts.guest_house import GuestHouse, building
from tests.contracts.import_house import FILES, importer, working
from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import eventually
from tests.gateway_world import on_uvloop
from wedsync.events import record
from wedsync.events.reader import DatabaseReader
from wedsync.kit.config import Settings
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing
from wedsync.kit.valkey import Publisher
from wedsync.processes import registry
from wedsync.processes.gateway import FEED, Gateway, options

pytestmark = pytest.mark.usefixtures("nothing_owed")

LIST = (FILES / "messy_300.csv").read_bytes()


class Screen:
    """What an unmodified client was told of each table, in the order it was told."""

    def __init__(self) -> None:
        self.changes: dict[str, list[dict[str, Any]]] = {}

    def hear(self, change: dict[str, Any]) -> None:
        self.changes.setdefault(change["data"]["table"], []).append(change["data"]["record"])

    def ids(self, table: str) -> list[str]:
        return [row["id"] for row in self.changes.get(table, [])]

    def revisions(self) -> list[tuple[int, int]]:
        """(number in the log, what was sent before it) of everything told."""
        parts = [row["rev"].split(":") for rows in self.changes.values() for row in rows]
        return sorted((int(seq), int(previous)) for _, seq, previous in parts)


class Nudges:
    """What is published after each commit, published too."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.woke = 0

    async def __call__(self, nudge: str) -> None:
        self.woke += sum("wake" in one for one in json.loads(nudge))
        await self.publisher.publish(FEED, nudge)


@asynccontextmanager
async def gateway_on(settings: Settings) -> AsyncIterator[Gateway]:
    reader = await DatabaseReader.open(settings.door("reader"), size=4)
    ring = KeyRing.from_setting(settings.seal_keys)
    gateway = Gateway(settings, reader, options(registry.catalogue(), ring))
    await gateway.start("127.0.0.1", 0)
    try:
        await eventually(lambda: gateway.hub.feed_is_up)
        yield gateway
    finally:
        await gateway.stop(drain_s=0)
        await reader.close()


@asynccontextmanager
async def looking(gateway: Gateway, house: GuestHouse, token: str) -> AsyncIterator[Screen]:
    """Supabase's own client, joined to the wedding."""
    screen = Screen()
    client = AsyncRealtimeClient(f"ws://127.0.0.1:{gateway.port}/realtime/v1", token, initial_backoff=0.05)
    channel = client.channel(f"wedding:{house.id}", {"config": {"private": True}})
    channel.on_postgres_changes(RealtimePostgresChangesListenEvent.All, screen.hear, table="*")
    joined = asyncio.Event()
    await channel.subscribe(lambda *_: joined.set())
    try:
        async with asyncio.timeout(30):
            await joined.wait()
        yield screen
    finally:
        await client.close()


async def stored(house: GuestHouse, table: str) -> list[str]:
    """The ids of its rows in the order of the log."""
    rows = await house.wedding.admin.fetch(
        "select subject_id from events where stream_id = $1 and subject_table = $2 order by seq", house.id, table
    )
    return [str(row["subject_id"]) for row in rows]


@on_uvloop
async def test_a_whole_list_reaches_an_unmodified_client_once_and_in_order(
    database: Database, postgres: RunningPostgres, settings: Settings
) -> None:
    publisher = Publisher(settings.valkey_url)
    nudges = Nudges(publisher)
    async with building(database, postgres, settings) as build, gateway_on(settings) as gateway:
        house = await build()
        ana = await importer(house)
        token = ana.http.headers["authorization"].removeprefix("Bearer ")
        planner = (await house.visitor(house.wedding.planner.actor)).http.headers["authorization"]
        door = Door(house.wedding.door.pool, flush=record.flush, published=nudges)
        async with (
            looking(gateway, house, token) as hers,
            looking(gateway, house, planner.removeprefix("Bearer ")) as theirs,
            working(door, settings),
        ):
            done = await ana.bring(LIST, "messy_300.csv")
            assert nudges.woke, "it was too much to be pushed"
            count = len(await stored(house, "rsvps"))
            await eventually(
                lambda: len(hers.ids("rsvps")) >= count <= len(theirs.ids("rsvps")), within_s=60, what="all answers"
            )
            await eventually(lambda: "finished" in {row["status"] for row in hers.changes["imports"]}, within_s=60)
            for table in ("parties", "guests", "rsvps", "guest_contacts", "guest_needs"):
                assert hers.ids(table) == await stored(house, table)
            for table in ("parties", "guests", "rsvps"):
                assert theirs.ids(table) == await stored(house, table)
            assert not theirs.ids("imports")
            assert not theirs.ids("guest_contacts")
            seen = hers.revisions()
            assert [previous for _, previous in seen[1:]] == [seq for seq, _ in seen[:-1]], "nothing is missing between"
            assert {row["id"] for row in hers.changes["imports"]} == {str(UUID(done["id"]))}
    await publisher.close()
