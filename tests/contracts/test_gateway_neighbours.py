"""Two gateways on one log and one Valkey: what clients say to each other crosses, and so does who is here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.eventually import eventually
from tests.gateway_world import COUPLE, MemoryLog, World, gateway_world, on_uvloop
from wedsync.events.audience import Audience
from wedsync.events.presence import REMOTE_S
from wedsync.events.scope import Scope
from wedsync.kit import clock

FLORIST = Audience(int(Scope.CORE | Scope.SCHEDULE), link_id="11111111-0000-7000-8000-000000000001")


@asynccontextmanager
async def two(valkey_url: str) -> AsyncIterator[tuple[World, World]]:
    log = MemoryLog()
    settings = {"valkey_url": valkey_url}
    async with gateway_world(log, settings=settings) as one, gateway_world(log, settings=settings) as other:
        await eventually(lambda: one.hub.feed_is_up and other.hub.feed_is_up)
        yield one, other


@on_uvloop
async def test_a_broadcast_reaches_the_sockets_of_the_other_gateway_in_order_and_by_scope(valkey_url: str) -> None:
    async with two(valkey_url) as (one, other):
        wedding = one.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with (
            one.client(one.person(wedding)) as ana,
            other.client(one.person(wedding)) as ben,
            other.client(one.person(wedding, FLORIST)) as florist,
        ):
            for client in (ana, ben, florist):
                await client.join(topic)
            for number in range(20):
                said = {"event": "cursor", "payload": {"n": number}, "scope": "schedule" if number == 7 else "private"}
                await ana.send(topic, "broadcast", said)
            assert [(await ben.until("broadcast"))["payload"]["n"] for _ in range(20)] == list(range(20))
            assert (await florist.until("broadcast"))["payload"]["n"] == 7
            assert await florist.nothing_until_heartbeat() == []
            assert await ana.nothing_until_heartbeat() == []


@on_uvloop
async def test_presence_crosses_and_ends_with_its_gateway(valkey_url: str) -> None:
    async with two(valkey_url) as (one, other):
        wedding = one.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with one.client(one.person(wedding, COUPLE)) as ana:
            await ana.join(topic, {"presence": {"enabled": True, "key": "ana"}})
            await ana.send(topic, "presence", {"event": "track", "payload": {"at": "guests"}})
            await ana.until("presence_diff")
            async with other.client(one.person(wedding, COUPLE)) as ben:
                await ben.join(topic, {"presence": {"enabled": True, "key": "ben"}})
                joined = await ben.until("presence_diff")
                assert joined["joins"]["ana"]["metas"][0]["at"] == "guests"
                await ben.send(topic, "presence", {"event": "track", "payload": {"at": "tasks"}})
                assert "ben" in (await ana.until("presence_diff"))["joins"]
                await ana.send(topic, "presence", {"event": "track", "payload": {"at": "budget"}})
                moved = await ben.until("presence_diff", lambda p: "ana" in p["joins"])
                assert (
                    moved["joins"]["ana"]["metas"][0]["phx_ref_prev"] == joined["joins"]["ana"]["metas"][0]["phx_ref"]
                )
                await ana.send(topic, "presence", {"event": "untrack"})
                assert "ana" in (await ben.until("presence_diff", lambda p: p["leaves"]))["leaves"]
                # Until it is asked to, the other gateway announces nobody: they would be back before they have gone.
                other.gateway.upkeep._announced_at = clock.monotonic() + REMOTE_S
                one.hub.streams[f"wedding:{wedding}"].presences[topic].expire(clock.monotonic() + REMOTE_S + 1)
                left = await ana.until("presence_diff", lambda p: "ben" in p["leaves"])
                assert left["joins"] == {}
                other.gateway.upkeep._announced_at = 0.0
                other.gateway.upkeep.tick(clock.monotonic())
                assert "ben" in (await ana.until("presence_diff"))["joins"]


@on_uvloop
async def test_what_is_no_message_of_a_gateway_is_ignored(valkey_url: str) -> None:
    async with two(valkey_url) as (one, _):
        assert one.hub.neighbours is not None
        for nonsense in (b"", b"\x81", b"{}", b"\xc1"):
            one.hub.neighbours.take(nonsense)
