"""Nothing is lost: gaps are read from the log, clients that never asked get what they missed, others a verdict."""

import asyncio
import json
from typing import Any

import pytest

from tests.gateway_world import MemoryLog, World, gateway_world, on_uvloop, person_of
from wedsync.events.audience import Audience
from wedsync.events.scope import Scope
from wedsync.kit import clock

SUPPLIER = Audience(int(Scope.CORE | Scope.SCHEDULE), link_id="11111111-0000-7000-8000-000000000001")


async def numbers(client: Any, count: int) -> list[int]:
    """The sequence numbers of the next broadcasts."""
    return [(await client.until("broadcast"))["payload"]["sequence"] for _ in range(count)]


async def confirmed(world: World, client: Any) -> None:
    """Ping every socket and wait until the pongs are in."""
    for socket in world.hub.sockets:
        socket.pinged_at = 0.0
    world.gateway.upkeep.tick(clock.monotonic())
    await client.nothing_until_heartbeat()
    await world.gateway.upkeep.save_positions()


@on_uvloop
async def test_events_that_overtake_each_other_arrive_in_order() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            events = [world.log.write(wedding) for _ in range(4)]
            for event in (events[1], events[3], events[0], events[0], events[2]):
                world.hub.take(json.dumps([event]).encode())
            assert await numbers(client, 4) == [1, 2, 3, 4]
            assert await client.nothing_until_heartbeat() == []
            assert "read_events" not in world.log.asked


@on_uvloop
async def test_an_event_the_feed_lost_is_read_from_the_log() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.log.write(wedding)
            world.happens(wedding)
            assert await numbers(client, 2) == [1, 2]
            assert world.log.asked["read_events"] == 1


@on_uvloop
async def test_with_the_feed_down_the_log_is_polled() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            for _ in range(3):
                world.log.write(wedding)
            assert await numbers(client, 3) == [1, 2, 3]


@on_uvloop
async def test_many_events_come_as_a_wake_word_and_are_read() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            for _ in range(1200):
                world.log.write(wedding)
            wake = {"stream": f"wedding:{wedding}", "epoch": 1, "seq": 1200, "wake": True}
            world.hub.take(json.dumps([wake]).encode())
            assert await numbers(client, 1200) == list(range(1, 1201))


@on_uvloop
async def test_a_feed_message_that_is_none_is_ignored() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            for nonsense in (b"", b"{}", b"[1]", b'[{"stream": 1}]', b"\xff"):
                world.hub.take(nonsense)
            world.happens(wedding)
            assert await numbers(client, 1) == [1]


@pytest.mark.parametrize("vsn", ["2.0.0", "1.0.0"])
@on_uvloop
async def test_a_client_that_lost_its_socket_gets_everything_it_missed(vsn: str) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token, vsn=vsn) as client:
            await client.join(topic)
            world.happens(wedding)
            assert await numbers(client, 1) == [1]
            await confirmed(world, client)
            world.happens(wedding)
            client.socket.transport.abort()
        await gone(world)
        for _ in range(3):
            world.happens(wedding)
        async with world.client(token, vsn=vsn) as client:
            answer = await client.join(topic)
            assert "recovery" not in answer["response"]
            casts = [await client.until("broadcast") for _ in range(4)]
            assert [c["meta"]["id"] for c in casts] == ["1:2:1", "1:3:2", "1:4:3", "1:5:4"]
            assert all(c["meta"]["replayed"] for c in casts)
            world.happens(wedding)
            live = await client.until("broadcast")
            assert live["meta"] == {"id": "1:6:5"}


async def gone(world: World) -> None:
    """The gateway has noticed that every socket is closed."""
    async with asyncio.timeout(30):
        while world.hub.sockets:
            await asyncio.sleep(0)


@on_uvloop
async def test_a_client_that_left_on_purpose_starts_anew() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as client:
            await client.join(topic)
            await client.send(topic, "phx_leave", {})
            await client.until("phx_close")
            world.happens(wedding)
            await client.join(topic)
            assert await client.nothing_until_heartbeat() == []


@on_uvloop
async def test_two_tabs_of_one_session_each_get_what_they_missed() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as first:
            await first.join(topic)
            async with world.client(token) as second:
                await second.join(topic)
                world.happens(wedding)
                assert await numbers(first, 1) == await numbers(second, 1) == [1]
                first.socket.transport.abort()
                await confirmed(world, second)
                second.socket.transport.abort()
        await gone(world)
        world.happens(wedding)
        async with world.client(token) as first, world.client(token) as second, world.client(token) as third:
            for client in (first, second, third):
                await client.join(topic)
            got = [await client.nothing_until_heartbeat() for client in (first, second, third)]
            # The third was never lost; it may as well be one of the others whose connection hangs.
            assert [[f[4]["payload"]["sequence"] for f in frames] for frames in got] == [[1, 2], [2], [1, 2]]


@on_uvloop
async def test_a_client_whose_old_connection_hangs_gets_what_went_into_it() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as hanging:
            await hanging.join(topic)
            hanging.socket.transport.pause_reading()
            world.happens(wedding)
            async with world.client(token) as client:
                await client.join(topic)
                assert await numbers(client, 1) == [1]
            hanging.socket.transport.abort()


@on_uvloop
async def test_another_device_of_the_same_session_is_told_apart_by_its_client_id() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token, query="&client_id=phone") as phone:
            await phone.join(topic)
            phone.socket.transport.abort()
        await gone(world)
        world.happens(wedding)
        async with (
            world.client(token, query="&client_id=laptop") as laptop,
            world.client(token, query="&client_id=phone") as phone,
        ):
            await laptop.join(topic)
            await phone.join(topic)
            assert await laptop.nothing_until_heartbeat() == []
            assert await numbers(phone, 1) == [1]


@on_uvloop
async def test_a_gateway_that_died_left_the_positions_in_the_database() -> None:
    log = MemoryLog()
    async with gateway_world(log) as world:
        wedding = log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as client:
            await client.join(topic)
            world.happens(wedding)
            assert await numbers(client, 1) == [1]
            await confirmed(world, client)
            kept = dict(log.positions)
    assert list(kept.values()) == [(1, 1)]
    log.positions = kept
    for _ in range(1000):
        log.write(wedding)
    async with gateway_world(log) as world, world.client(token) as client, world.client(token) as tab:
        await client.join(topic)
        await tab.join(topic)
        assert await numbers(client, 1000) == list(range(2, 1002))
        assert await numbers(tab, 1000) == list(range(2, 1002))


@on_uvloop
async def test_a_position_is_saved_at_the_join_so_that_a_kill_loses_nothing() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        world.log.write(wedding)
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            assert list(world.log.positions.values()) == [(1, 1)]


@on_uvloop
async def test_positions_wait_while_the_database_is_away() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.happens(wedding)
            assert await numbers(client, 1) == [1]
            world.log.is_away = True
            await confirmed(world, client)
            assert list(world.log.positions.values()) == [(1, 0)]
            world.log.is_away = False
            await world.gateway.upkeep.save_positions()
            assert list(world.log.positions.values()) == [(1, 1)]


@pytest.mark.parametrize(
    ("recover", "status", "start", "missed", "replayed"),
    [
        ({"epoch": 1, "seq": 3}, "recovered", 3, 0, [4, 5]),
        ("1:3", "recovered", 3, 0, [4, 5]),
        ("1:3:2", "recovered", 3, 0, [4, 5]),
        ({"epoch": 1, "seq": 5}, "recovered", 5, 0, []),
        ({"epoch": 2, "seq": 3}, "reset", 5, 0, []),
        ({"epoch": 1, "seq": 99}, "reset", 5, 0, []),
    ],
)
@on_uvloop
async def test_who_asks_to_recover_gets_a_verdict(
    recover: Any, status: str, start: int, missed: int, replayed: list[int]
) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        for _ in range(5):
            world.log.write(wedding)
        async with world.client(world.person(wedding)) as client:
            answer = await client.join(f"realtime:wedding:{wedding}", {"broadcast": {"recover": recover}})
            verdict = {"epoch": 1, "top": 5, "from": start, "status": status, "missed": missed}
            assert answer["response"]["recovery"] == verdict
            assert await numbers(client, len(replayed)) == replayed
            notice = await client.until("broadcast")
            assert (notice["event"], notice["payload"]) == ("wedsync:recovery", verdict)


@on_uvloop
async def test_a_since_below_ten_to_the_eleven_is_a_number_and_above_it_a_time() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        world.log.write(wedding, occurred_at="2026-05-01T10:00:00.000Z")
        world.log.write(wedding, occurred_at="2026-05-01T11:00:00.000Z")
        token, topic = world.person(wedding), f"realtime:wedding:{wedding}"
        async with world.client(token) as by_number, world.client(token, query="&client_id=b") as by_time:
            await by_number.join(topic, {"broadcast": {"replay": {"since": 1}}, "private": True})
            assert await numbers(by_number, 1) == [2]
            await by_time.join(topic, {"broadcast": {"replay": {"since": 1777631400000}}, "private": True})
            assert await numbers(by_time, 1) == [2]


@on_uvloop
async def test_what_lies_beyond_the_limit_is_told_and_not_hidden() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        for _ in range(30):
            world.log.write(wedding)
        async with world.client(world.person(wedding)) as client:
            asked = {"broadcast": {"recover": "1:0", "replay": {"limit": 10}}}
            answer = await client.join(f"realtime:wedding:{wedding}", asked)
            assert answer["response"]["recovery"]["status"] == "truncated"
            assert answer["response"]["recovery"]["missed"] == 20
            assert await numbers(client, 10) == list(range(21, 31))


@on_uvloop
async def test_a_replay_shows_only_what_the_audience_may_see_and_its_positions_have_no_gap() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        for number in range(9):
            world.log.write(wedding, scope=int(Scope.SCHEDULE if number % 3 == 0 else Scope.GUESTS))
        async with world.client(world.person(wedding, SUPPLIER)) as client:
            await client.join(f"realtime:wedding:{wedding}", {"broadcast": {"recover": "1:0"}})
            ids = [(await client.until("broadcast"))["meta"]["id"] for _ in range(3)]
            assert ids == ["1:1:0", "1:4:1", "1:7:4"]
            assert (await client.until("broadcast"))["event"] == "wedsync:recovery"
            world.happens(wedding, scope=int(Scope.SCHEDULE))
            assert (await client.until("broadcast"))["meta"]["id"] == "1:10:7"


@on_uvloop
async def test_events_during_a_replay_come_after_it_and_once() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        for _ in range(600):
            world.log.write(wedding)
        gate = world.log.gates["read_events"] = asyncio.Event()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}", {"broadcast": {"recover": "1:0"}})
            for _ in range(5):
                world.happens(wedding)
            gate.set()
            assert await numbers(client, 605) == list(range(1, 606))
            world.happens(wedding)
            after = [c["payload"].get("sequence") for c in [await client.until("broadcast") for _ in range(2)]]
            assert after in ([None, 606], [606, None])


@on_uvloop
async def test_a_restored_log_makes_every_client_join_anew_and_say_so() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as client:
            await client.join(topic)
            world.happens(wedding)
            await confirmed(world, client)
            world.log.streams[wedding].clear()
            world.log.epochs[wedding] = 2
            world.happens(wedding)
            assert "RealtimeRestarting" in (await client.until("system"))["message"]
            assert await client.until("phx_error")
            answer = await client.join(topic)
            assert answer["response"]["recovery"]["status"] == "reset"
            world.happens(wedding)
            assert (await client.until("broadcast", lambda p: "meta" in p))["meta"]["id"] == "2:2:1"


@on_uvloop
async def test_a_database_that_is_away_refuses_joins_with_a_reason_and_keeps_sockets() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as client:
            world.log.is_away = True
            refused = await client.join(topic)
            assert refused["response"]["reason"].startswith("DatabaseLackOfConnections")
            world.log.is_away = False
            assert (await client.join(topic))["status"] == "ok"
            world.log.is_away = True
            world.happens(wedding)
            assert await numbers(client, 1) == [1]


@on_uvloop
async def test_another_persons_position_is_never_taken() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, ana, ben = f"realtime:wedding:{wedding}", world.person(wedding), world.person(wedding)
        assert person_of(ana) != person_of(ben)
        async with world.client(ana) as client:
            await client.join(topic)
            client.socket.transport.abort()
        await gone(world)
        world.happens(wedding)
        async with world.client(ben) as client:
            await client.join(topic)
            assert await client.nothing_until_heartbeat() == []
