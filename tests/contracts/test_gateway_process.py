"""The gateway as a process of its own: it starts from settings, drains on SIGTERM, and a kill -9 loses nothing."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from realtime import AsyncRealtimeClient, RealtimePostgresChangesListenEvent
from websockets.asyncio.client import connect

from tests.eventually import eventually
from tests.gateway_world import Client, on_uvloop
from tests.world import build
from wedsync.events import record
from wedsync.kit.config import Settings, with_ports
from wedsync.kit.db import Door
from wedsync.kit.valkey import Publisher
from wedsync.processes.gateway import FEED
from wedsync.tasks import actions as tasks
from wedsync.tasks.model import NewTask


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """`wedsync gateway`, ready."""
    command = (sys.executable, "-m", "wedsync.processes.start", "gateway")
    told = settings.environ(without=("database_url", "service_database_url", "owner_database_url"))
    running = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    assert running.stdin is not None
    running.stdin.write(msgspec.json.encode(told))
    running.stdin.close()
    try:
        await eventually(lambda: _is_ready(settings.gateway_port), within_s=60, what="the gateway is ready")
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def _is_ready(port: int) -> bool:
    async with httpx.AsyncClient() as web:
        try:
            answer = (await web.get(f"http://127.0.0.1:{port}/readyz")).json()
        except httpx.TransportError:
            return False
    return answer["status"] == "ready" and answer["feed"]


@on_uvloop
async def test_a_term_drains_and_a_kill_loses_nothing(settings: Settings) -> None:
    settings = with_ports(settings, gateway_port=free_port())
    world = await build(settings)
    publisher = Publisher(settings.valkey_url)

    async def published(nudge: str) -> None:
        await publisher.publish(FEED, nudge)

    world.door = Door(world.door.pool, flush=record.flush, published=published)
    told: dict[str, None] = {}

    def hear(change: dict[str, Any]) -> None:
        told[change["data"]["record"]["title"]] = None

    base = f"ws://127.0.0.1:{settings.gateway_port}/realtime/v1"
    client = AsyncRealtimeClient(base, world.tokens["couple"], initial_backoff=0.1, max_retries=50)
    async with process(settings) as first:
        channel = client.channel(f"wedding:{world.wedding_id}", {"config": {"private": True}})
        channel.on_postgres_changes(RealtimePostgresChangesListenEvent.Insert, hear, table="tasks")
        await channel.subscribe()

        async def write(number: int) -> None:
            async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
                await tasks.add(tx, NewTask(title=f"number {number}"))

        for number in range(60):
            await write(number)
        first.send_signal(signal.SIGKILL)
        await first.wait()
        for number in range(60, 120):
            await write(number)
    async with process(settings) as second:
        for number in range(120, 180):
            await write(number)
        wanted = {f"number {number}" for number in range(180)}
        await eventually(lambda: wanted <= told.keys(), within_s=60, what="every task arrived")
        assert [t for t in told if t in wanted] == [f"number {number}" for number in range(180)]
        address = f"{base}/websocket?apikey={world.tokens['couple']}&vsn=2.0.0"
        async with connect(address, compression=None) as raw:
            other = Client(raw, "2.0.0")
            await other.join(f"realtime:wedding:{world.wedding_id}")
            client.auto_reconnect = False
            second.send_signal(signal.SIGTERM)
            assert await other.close_code() == 1012
        async with asyncio.timeout(30):
            assert await second.wait() == 0
    await client.close()
    await publisher.close()
    await world.door.pool.close()
