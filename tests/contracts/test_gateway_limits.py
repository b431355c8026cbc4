"""Bounded everywhere: slow readers are cut and resume, the urgent overtakes, the dead and idle go, nothing leaks."""

import asyncio
import gc
import json
import socket as sockets
from typing import Any

import pytest
from picows.picows import WSProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.gateway_world import Client, World, gateway_world, on_uvloop
from wedsync.events.channels import Channel
from wedsync.events.sockets import QUEUE_MAX_BYTES, Socket
from wedsync.events.wire import Framing
from wedsync.kit import clock


def quiet_socket(written: list[bytes], closed: list[int]) -> Socket:
    """A socket that writes into lists."""
    return Socket(
        framing=Framing.V2,
        claims=None,
        text=written.append,
        binary=written.append,
        ping=written.append,
        shut=lambda code, reason: closed.append(code),
        now=0.0,
    )


def test_what_is_urgent_overtakes_what_waits_and_hints_are_dropped() -> None:
    written: list[bytes] = []
    socket = quiet_socket(written, [])
    socket.send(b"1")
    socket.pause()
    socket.send(b"2")
    socket.hint(b"cursor")
    socket.send(b"3")
    socket.send(b"alert", is_urgent=True)
    assert socket.resume()
    assert written == [b"1", b"alert", b"2", b"3"]
    assert socket.dropped == 1
    assert socket.queued_bytes == 0


def test_a_reader_a_megabyte_behind_is_cut_with_1013_and_holds_nothing() -> None:
    closed: list[int] = []
    socket = quiet_socket([], closed)
    socket.pause()
    for _ in range(QUEUE_MAX_BYTES // 1000 + 2):
        socket.send(b"x" * 1000)
    assert closed == [1013]
    assert socket.queue is None
    assert socket.queued_bytes == 0


def test_writing_stops_again_when_the_transport_says_so() -> None:
    written: list[bytes] = []
    socket = quiet_socket(written, [])
    socket.pause()
    for number in range(4):
        socket.send(b"%d" % number)
    socket.queue.appendleft((lambda _: socket.pause(), b""))  # type: ignore[union-attr]
    assert not socket.resume()
    assert written == []
    assert socket.resume()
    assert written == [b"0", b"1", b"2", b"3"]


def test_a_flood_of_frames_is_slowed_and_not_refused() -> None:
    socket = quiet_socket([], [])
    assert all(socket.spend(0.0) == 0 for _ in range(200))
    assert 0 < socket.spend(0.0) < 0.1
    assert socket.spend(10.0) == 0


async def stalled(world: World, token: str, topic: str) -> tuple[Client, Any]:
    """A joined client that stops reading, with small kernel buffers at its end."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", world.gateway.port))
    raw.setblocking(False)
    manager = world.client(token, query="", sock=raw)
    client = await manager.__aenter__()
    await client.join(topic)
    client.socket.transport.pause_reading()
    return client, manager


@on_uvloop
async def test_a_stalled_reader_is_cut_and_gets_everything_when_it_returns() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        client, manager = await stalled(world, token, topic)
        body = {"note": "x" * 20_000}
        sent = 0
        while world.hub.sockets and not next(iter(world.hub.sockets)).is_closed:
            world.happens(wedding, record=body)
            sent += 1
            assert sent < 1000
            await asyncio.sleep(0)
        client.socket.transport.abort()
        await manager.__aexit__(None, None, None)
        async with world.client(token) as client:
            await client.join(topic)
            seen = [(await client.until("broadcast"))["payload"]["sequence"] for _ in range(sent)]
            assert seen == list(range(1, sent + 1))


@on_uvloop
async def test_critical_events_overtake_for_a_slow_reader_and_bulk_alerts_do_not() -> None:
    async with gateway_world(critical_types=frozenset({"schedule_item.moved"})) as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as client:
            await client.join(topic)
            socket = next(iter(world.hub.sockets))
            socket.pause()
            world.happens(wedding)
            world.happens(wedding, type="alert.raised", bulk=True)
            world.happens(wedding, type="schedule_item.moved")
            world.happens(wedding, type="alert.raised")
            socket.resume()
            order = [(await client.until("broadcast"))["payload"]["sequence"] for _ in range(4)]
            assert order == [3, 4, 1, 2]


@on_uvloop
async def test_a_slow_reader_is_told_how_many_hints_it_missed() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as ana:
            await ana.join(topic, {"presence": {"enabled": True, "key": "ana"}})
            await ana.until("presence_state")
            (slow,) = world.hub.sockets
            slow.pause()
            async with world.client(token) as ben:
                await ben.join(topic, {"presence": {"enabled": True, "key": "ben"}})
                for _ in range(3):
                    await ben.send(topic, "broadcast", {"event": "cursor", "payload": {}})
                await ben.send(topic, "presence", {"event": "track", "payload": {"at": "guests"}})
                await ben.until("presence_diff")
            assert slow.resume()
            world.hub.drained(slow)
            assert list(await ana.until("presence_state")) == ["ben"]
            assert (await ana.until("broadcast"))["payload"] == {"dropped": 3}


@on_uvloop
async def test_a_dead_socket_and_an_idle_one_are_gone_within_a_minute() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding)
        async with world.client(token) as idle, world.client(token) as busy:
            await busy.join(f"realtime:wedding:{wedding}")
            now = clock.monotonic()
            for socket in world.hub.sockets:
                socket.heard_at = now + 56
            world.gateway.upkeep.tick(now + 56)
            assert await idle.close_code() == 1012
            assert await busy.nothing_until_heartbeat() == []
            (left,) = world.hub.sockets
            left.heard_at = now - 50
            world.gateway.upkeep.tick(now)
            assert world.hub.sockets == set()
            assert await busy.close_code() == 1013


@on_uvloop
async def test_a_pong_every_twenty_seconds_keeps_a_quiet_socket() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            (socket,) = world.hub.sockets
            before = socket.heard_at
            world.gateway.upkeep.tick(clock.monotonic() + 20)
            while socket.heard_at == before:
                await asyncio.sleep(0)
            assert world.hub.stats.write_to_pong.counts != [0] * 15


@on_uvloop
async def test_nothing_is_left_of_sockets_that_came_and_went() -> None:
    async with gateway_world() as world:
        weddings = [world.log.stream() for _ in range(5)]
        tokens = [world.person(wedding) for wedding in weddings]
        for _ in range(10):
            for wedding, token in zip(weddings, tokens, strict=True):
                async with world.client(token) as client:
                    await client.join(f"realtime:wedding:{wedding}", {"presence": {"enabled": True}})
                    topic = f"realtime:wedding:{wedding}"
                    await client.send(topic, "presence", {"event": "track", "payload": {}})
                    world.happens(wedding)
                    await client.until("broadcast")
                    client.socket.transport.abort()
        while world.hub.sockets:
            await asyncio.sleep(0)
        now = clock.monotonic()
        world.gateway.upkeep.tick(now + 7)
        assert all(not stream.groups and not stream.channels for stream in world.hub.streams.values())
        world.gateway.upkeep.tick(now + 60)
        assert world.hub.streams == {}
        await world.gateway.upkeep.save_positions()
        world.gateway.upkeep.tick(now + 700)
        assert len(world.hub.positions) == 0
        world.hub._rendered.clear()
        gc.collect()
        assert [o for o in gc.get_objects() if isinstance(o, Channel | Socket)] == []


@on_uvloop
async def test_a_stop_asks_every_client_to_come_back() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as first, world.client(world.person(wedding)) as second:
            await first.join(f"realtime:wedding:{wedding}")
            await world.gateway.upkeep.drain(0)
            assert [await first.close_code(), await second.close_code()] == [1012, 1012]
            assert list(world.log.positions.values()) == [(1, 0)]


@pytest.mark.parametrize(
    "sent",
    ["", "x", "[]", '{"topic": 1}', b"\x00\x01", b"\x04\x00\x00\x00\x01", '["1","1","t","e",{]'],
)
@on_uvloop
async def test_what_is_no_frame_closes_the_socket_with_a_reason(sent: str | bytes) -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        await client.socket.send(sent)
        assert await client.close_code() == 1003
        assert client.socket.close_reason


@on_uvloop
async def test_a_frame_over_the_limit_closes_the_socket() -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        with pytest.raises(ConnectionClosed):
            await client.socket.send(json.dumps([None, None, "t", "e", {"x": "y" * 400_000}]))
            await client.socket.recv()
        assert await client.close_code() == 1009


@on_uvloop
async def test_fragments_are_put_together_and_bounded() -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        await client.socket.send(iter(['[null,"7","phoenix",', '"heart', 'beat",{}]']))
        assert (await client.read())[1] == "7"
        with pytest.raises(ConnectionClosed):
            await client.socket.send(iter(["[" + "1," * 50_000] * 4))
            await client.socket.recv()
        assert await client.close_code() == 1003


@on_uvloop
async def test_the_hundred_and_first_channel_is_refused() -> None:
    async with gateway_world() as world:
        weddings = [world.log.stream() for _ in range(101)]
        token = world.person(weddings[0])
        world.log.standing |= {(person, w): a for (person, _), a in world.log.standing.items() for w in weddings}
        async with world.client(token) as client:
            answers = [await client.join(f"realtime:wedding:{wedding}") for wedding in weddings]
            assert [a["status"] for a in answers] == ["ok"] * 100 + ["error"]
            assert answers[100]["response"]["reason"].startswith("ChannelRateLimitReached")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 401),
        ("?apikey=nonsense", 401),
        ("?apikey=a.b.c", 401),
        ("?apikey={token}&vsn=3.0.0", 403),
        ("?apikey={late}", 401),
        ("?apikey={forged}", 401),
    ],
)
@on_uvloop
async def test_a_handshake_without_a_good_key_is_refused(query: str, status: int) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding)
        late = world.person(wedding, expires_in_s=-8 * 86400)
        address = query.format(token=token, late=late, forged=token[:-6] + "AAAAAA")
        with pytest.raises(InvalidStatus) as refused:
            await world.raw(f"/realtime/v1/websocket{address}")
        assert refused.value.response.status_code == status


@on_uvloop
async def test_both_socket_paths_open_and_no_other_does() -> None:
    async with gateway_world() as world:
        token = world.person(world.log.stream())
        for path in ("/realtime/v1/websocket", "/socket/websocket"):
            socket = await world.raw(f"{path}?apikey={token}")
            await socket.close()
        with pytest.raises(InvalidStatus) as refused:
            await world.raw(f"/elsewhere?apikey={token}")
        assert refused.value.response.status_code == 404


@on_uvloop
async def test_too_many_sockets_and_a_draining_gateway_are_told_at_the_handshake() -> None:
    async with gateway_world(sockets_max=1) as world:
        token = world.person(world.log.stream())
        async with world.client(token):
            with pytest.raises(InvalidStatus) as refused:
                await world.raw(f"/realtime/v1/websocket?apikey={token}")
            assert refused.value.response.status_code == 429
            world.hub.is_draining = True
            with pytest.raises(InvalidStatus) as refused:
                await world.raw(f"/realtime/v1/websocket?apikey={token}")
            assert refused.value.response.status_code == 503


@on_uvloop
async def test_picows_is_built_as_the_pinned_version_wants_it() -> None:
    given: tuple[Any, ...] = (None, None, False, lambda _: None, None, True, 5.0, False, None, None)
    with pytest.raises((TypeError, AttributeError)):
        WSProtocol(*given)
    assert {"get_buffer", "buffer_updated", "connection_made"} <= set(dir(WSProtocol))
