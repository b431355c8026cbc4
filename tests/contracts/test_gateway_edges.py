"""What seldom happens: databases and clients that go away in the middle, floods, strange tokens, retention."""

import asyncio
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.eventually import eventually
from tests.gateway_world import SECRET, World, gateway_world, on_uvloop, person_of
from wedsync.events.audience import Audience
from wedsync.events.joins import PLATFORM
from wedsync.events.scope import Scope
from wedsync.events.tokens import Sessions, TokenRefused, Tokens

FLORIST = Audience(int(Scope.CORE | Scope.SCHEDULE), link_id="11111111-0000-7000-8000-000000000001", role="supplier")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"sub": "x", "role": "authenticated"}, "InvalidJWTToken"),
        ({"sub": "x", "role": "root", "exp": 9e9}, "InvalidJWTToken"),
        ({"sub": "x", "sid": "y", "role": "authenticated", "exp": 9e9}, "InvalidJWTToken"),
        ({"role": "authenticated", "exp": 9e9}, "InvalidJWTToken"),
        ({"role": "anon", "exp": 1}, "InvalidJWTToken"),
    ],
)
def test_a_token_without_what_it_needs_is_refused(claims: dict[str, Any], code: str) -> None:
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
    with pytest.raises(TokenRefused, match=code):
        Tokens(SECRET).verify(token)


def test_no_algorithm_but_ours_is_believed() -> None:
    claims = {"sub": "0192aa00-0000-7000-8000-000000000001", "role": "anon", "exp": int(time.time()) + 60}
    other = jwt.encode({"alg": "HS512"}, claims, OctKey.import_key(SECRET * 3), algorithms=["HS512"])
    none = "eyJhbGciOiJub25lIn0." + other.split(".")[1] + "."
    for token in (other, none, "x" * 5000, "a.b", "é.é.é"):
        with pytest.raises(TokenRefused):
            Tokens(SECRET).verify(token)


@on_uvloop
async def test_sessions_are_asked_for_at_most_every_five_seconds() -> None:
    async with gateway_world() as world:
        now = [0.0]
        sessions = Sessions(world.log, monotonic=lambda: now[0])
        world.log.sessions.add("s")
        assert await sessions.is_alive("s")
        world.log.sessions.clear()
        now[0] = 4.9
        assert await sessions.is_alive("s")
        now[0] = 5.1
        assert not await sessions.is_alive("s")
        world.log.sessions.add("s")
        assert await sessions.is_alive("s")
        sessions.end("s")
        assert not await sessions.is_alive("s")
        now[0] = 99.0
        sessions.forget_old()


@on_uvloop
async def test_a_join_with_a_bad_token_of_its_own_or_too_many_words_is_refused() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with world.client(world.person(wedding)) as client:
            refused = await client.join(topic, token=world.person(wedding, expires_in_s=-9))
            assert refused["response"]["reason"].startswith("InvalidJWTToken: Token has expired ")
            refused = await client.join(topic, {"presence": {"key": "x" * 70_000}})
            assert refused["response"]["reason"].startswith("PayloadTooLarge")


@on_uvloop
async def test_text_that_is_not_utf_8_closes_with_1007() -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        await client.socket.send(b"\xff\xfe", text=True)
        assert await client.close_code() == 1007


@on_uvloop
async def test_a_flood_of_heartbeats_is_slowed_and_all_are_answered() -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        for number in range(230):
            await client.send("phoenix", "heartbeat", {}, ref=number, join_ref=None)
        assert [(await client.read())[1] for _ in range(230)] == list(range(230))


@on_uvloop
async def test_a_reader_that_stalls_for_a_moment_gets_all_of_it_in_order() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            (socket,) = world.hub.sockets
            client.socket.transport.pause_reading()
            body = {"note": "x" * 50_000}
            while not socket.is_congested:
                world.happens(wedding, record=body)
                await asyncio.sleep(0)
            for _ in range(5):
                world.happens(wedding, record=body)
            client.socket.transport.resume_reading()
            count = len(world.log.streams[wedding])
            seen = [(await client.until("broadcast"))["payload"]["sequence"] for _ in range(count)]
            assert seen == list(range(1, count + 1))
            await eventually(lambda: not socket.is_congested and socket.queued_bytes == 0)


@on_uvloop
async def test_a_long_message_of_the_feed_does_not_hold_the_loop() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.hub.take(json.dumps([world.log.write(wedding) for _ in range(3000)]).encode())
            assert world.hub.streams[f"wedding:{wedding}"].top < 3000
            seen = [(await client.until("broadcast"))["payload"]["sequence"] for _ in range(3000)]
            assert seen == list(range(1, 3001))


@on_uvloop
async def test_an_unpublished_website_closes_to_its_visitors() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        world.log.sites["ana-and-ben"] = wedding
        async with world.client(world.visitor()) as visitor, world.client(world.person(wedding)) as ana:
            await visitor.join("realtime:site:ana-and-ben")
            await ana.join(f"realtime:wedding:{wedding}")
            world.log.sites.clear()
            world.happens(wedding, table="sites", type="site.changed", scope=int(Scope.PRIVATE), op="UPDATE")
            await visitor.until("phx_close")
            assert (await ana.until("broadcast"))["event"] == "site.changed"


@on_uvloop
async def test_the_platforms_stream_is_for_operators() -> None:
    async with gateway_world() as world:
        world.log.streams[PLATFORM], world.log.kinds[PLATFORM], world.log.epochs[PLATFORM] = [], "platform", 1
        operator = world.person(PLATFORM, Audience(1, role="operator"))
        async with world.client(operator) as client, world.client(world.person(world.log.stream())) as other:
            assert (await client.join("realtime:platform"))["status"] == "ok"
            assert (await other.join("realtime:platform"))["status"] == "error"
            world.happens(PLATFORM, scope=int(Scope.CORE), type="breaker.opened", table="breakers")
            assert (await client.until("broadcast"))["event"] == "breaker.opened"
            world.log.standing.clear()
            person, _ = person_of(operator)
            inbox = world.log.stream("person")
            world.happens(inbox, row_id=person, table="persons", type="person.changed", scope=int(Scope.PRIVATE))
            await client.until("phx_close")


@on_uvloop
async def test_a_supplier_that_is_present_loses_a_scope_and_leaves_the_room() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding, FLORIST)
        here = {"presence": {"enabled": True, "key": "florist", "scope": "schedule"}}
        async with world.client(token) as florist, world.client(world.person(wedding)) as ana:
            await ana.join(topic, {"presence": {"enabled": True, "key": "ana"}})
            await florist.join(topic, here)
            await florist.send(topic, "presence", {"event": "track", "payload": {}})
            assert "florist" in (await ana.until("presence_diff"))["joins"]
            person, _ = person_of(token)
            world.log.standing[person, wedding] = Audience(1, link_id=FLORIST.link_id)
            world.happens(wedding, row_id=FLORIST.link_id, table="links", scope=1, link_id=FLORIST.link_id)
            assert "florist" in (await ana.until("presence_diff"))["leaves"]


async def away_while(world: World, wedding: str, client: Any, what: str) -> None:
    """The database goes away while a question is on its way."""
    world.log.gates[what] = asyncio.Event()
    await eventually(lambda: world.log.asked.get(what, 0))
    world.log.is_away = True
    world.log.gates.pop(what).set()


@pytest.mark.parametrize("what", ["stream_top", "audience", "position", "sessions_alive"])
@on_uvloop
async def test_a_database_that_goes_away_during_a_join_refuses_it_and_the_next_one_works(what: str) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with world.client(world.person(wedding)) as client:
            world.log.asked.clear()
            gone = asyncio.ensure_future(away_while(world, wedding, client, what))
            await asyncio.sleep(0)
            refused = await client.join(topic)
            await gone
            assert refused["response"]["reason"].startswith("DatabaseLackOfConnections")
            world.log.is_away = False
            assert (await client.join(topic))["status"] == "ok"
            world.happens(wedding)
            assert (await client.until("broadcast"))["meta"]["id"] == "1:1:0"


@on_uvloop
async def test_a_database_that_goes_away_while_catching_up_makes_the_client_rejoin() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        for _ in range(500):
            world.log.write(wedding)
        async with world.client(world.person(wedding)) as client:
            gone = asyncio.ensure_future(away_while(world, wedding, client, "read_events"))
            await asyncio.sleep(0)
            await client.join(topic, {"broadcast": {"recover": "1:0"}})
            await gone
            assert "DatabaseLackOfConnections" in (await client.until("system"))["message"]
            assert (await client.read())[3] == "phx_error"
            world.log.is_away = False
            await client.join(topic, {"broadcast": {"recover": "1:0"}})
            seen = [(await client.until("broadcast"))["payload"]["sequence"] for _ in range(500)]
            assert seen == list(range(1, 501))


@on_uvloop
async def test_a_gap_that_cannot_be_read_is_read_when_the_database_is_back() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.log.is_away = True
            failures = world.hub.stats.reader_failures
            world.log.write(wedding)
            world.happens(wedding)
            await eventually(lambda: world.hub.stats.reader_failures > failures)
            world.log.is_away = False
            assert [(await client.until("broadcast"))["payload"]["sequence"] for _ in range(2)] == [1, 2]


@on_uvloop
async def test_events_that_arrive_while_a_stream_is_opened_are_not_lost() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        gate = world.log.gates["position"] = asyncio.Event()
        async with world.client(world.person(wedding)) as client:
            joining = asyncio.ensure_future(client.join(f"realtime:wedding:{wedding}"))
            await eventually(lambda: world.log.asked.get("position"))
            world.happens(wedding)
            gate.set()
            assert (await joining)["status"] == "ok"
            world.happens(wedding)
            seen = await client.until("broadcast")
            assert seen["payload"]["sequence"] in (1, 2)
            if seen["payload"]["sequence"] == 1:
                assert (await client.until("broadcast"))["meta"]["id"] == "1:2:1"


@on_uvloop
async def test_a_client_that_leaves_before_it_is_answered_keeps_what_it_is_owed() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as client:
            await client.join(topic)
            await world.gateway.upkeep.save_positions()
            client.socket.transport.abort()
        await eventually(lambda: not world.hub.sockets)
        world.hub.positions._entries.clear()
        world.happens(wedding)
        gate = world.log.gates["position"] = asyncio.Event()
        world.log.asked.clear()
        async with world.client(token) as client:
            await client.send(topic, "phx_join", {"config": {}}, ref="1", join_ref="1")
            await eventually(lambda: world.log.asked.get("position"))
            client.socket.transport.abort()
            await eventually(lambda: not world.hub.sockets)
            gate.set()
        async with world.client(token) as client:
            await client.join(topic)
            assert (await client.until("broadcast"))["meta"]["id"] == "1:1:0"


@on_uvloop
async def test_what_retention_took_is_skipped_and_told() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        for _ in range(300):
            world.log.write(wedding)
        world.log.forget(wedding, 290)
        async with world.client(world.person(wedding)) as client:
            answer = await client.join(f"realtime:wedding:{wedding}", {"broadcast": {"recover": "1:5"}})
            assert answer["response"]["recovery"]["status"] == "truncated"
            assert answer["response"]["recovery"]["missed"] == 285
            seen = [(await client.until("broadcast"))["payload"]["sequence"] for _ in range(10)]
            assert seen == list(range(291, 301))
            for _ in range(3):
                world.log.write(wedding)
            world.log.forget(wedding, 302)
            world.happens(wedding)
            assert (await client.until("broadcast", lambda p: "meta" in p))["payload"]["sequence"] == 303


@on_uvloop
async def test_a_log_of_another_epoch_is_noticed_by_polling_too() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.log.epochs[wedding] = 2
            await client.until("phx_error")


@on_uvloop
async def test_presence_frames_that_make_no_sense_are_answered() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with world.client(world.person(wedding)) as client:
            await client.join(topic)
            for payload in ([], {"event": 7}, {"event": "wave", "payload": {}}):
                ref = await client.send(topic, "presence", payload)
                assert (await client.reply(ref))["status"] == "error"
            ref = await client.send(topic, "unheard_of", {})
            assert await client.nothing_until_heartbeat() == []
            ref = await client.send("phoenix", "unheard_of", {})
            assert await client.nothing_until_heartbeat() == []
            large = {"event": "x", "payload": {"x": "y" * 262_200}}
            ref = await client.send(topic, "broadcast", large)
            assert (await client.reply(ref))["response"]["reason"].startswith("PayloadTooLarge")


@on_uvloop
async def test_an_event_that_cannot_be_rendered_is_left_out_and_the_next_one_comes() -> None:
    def open_sealed(table: str, record: dict[str, Any], tenant: str) -> dict[str, Any]:
        raise RuntimeError("a bug")

    async with gateway_world(open_sealed=open_sealed) as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.happens(wedding, record={"sealed": "\\x01"})
            world.happens(wedding)
            assert (await client.until("broadcast"))["payload"]["sequence"] == 2


@on_uvloop
async def test_a_replay_waits_for_a_slow_reader_instead_of_cutting_it() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        for _ in range(300):
            world.log.write(wedding, record={"note": "x" * 20_000})
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}", {"broadcast": {"recover": "1:0"}})
            client.socket.transport.pause_reading()
            (socket,) = world.hub.sockets
            await eventually(lambda: socket.is_congested and socket.waiters)
            client.socket.transport.resume_reading()
            seen = [(await client.until("broadcast"))["payload"]["sequence"] for _ in range(300)]
            assert seen == list(range(1, 301))


@on_uvloop
async def test_a_poll_leaves_to_the_feed_what_is_on_its_way_and_reads_what_never_came() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}")
            world.hub.feed_is_up = True
            event = world.log.write(wedding)
            polling = asyncio.create_task(world.hub.poll())
            await asyncio.sleep(0)
            world.hub.take(json.dumps([event]).encode())
            assert await polling == 0
            assert "read_events" not in world.log.asked
            world.log.write(wedding)
            assert await world.hub.poll() == 1
            for number in (1, 2):
                assert (await client.until("broadcast", lambda p: "meta" in p))["payload"]["sequence"] == number


@on_uvloop
async def test_a_table_nobody_asked_for_neither_is_sent_nor_moves_what_was_sent_last() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        asked = {"postgres_changes": [{"event": "*", "schema": "public", "table": "rsvps"}]}
        async with world.client(world.person(wedding)) as client:
            await client.join(topic, asked)
            await client.until("system")
            world.happens(wedding)
            world.happens(wedding, table="tasks", type="task.done")
            world.happens(wedding)
            revs = [(await client.until("postgres_changes"))["data"]["record"]["rev"] for _ in range(2)]
            assert revs[1].startswith("1:3:1"), revs
