"""Frames as the Dart, Swift, Kotlin and Python clients write them, and what each of them demands of the answers."""

import json
from typing import Any

import pytest

from tests.gateway_world import Client, World, gateway_world, on_uvloop

#: Kotlin decodes an entry with a strict reader: a key it does not know throws, and the client reconnects for ever.
KNOWN_TO_KOTLIN = {"event", "schema", "table", "filter", "id", "select"}
DART = """["{ref}","{ref}","{topic}","phx_join",{{"config":{{"broadcast":{{"ack":false,"self":false}},\
"presence":{{"key":"","enabled":false}},"private":true,\
"postgres_changes":[{{"event":"*","schema":"public","table":"rsvps"}}]}},"access_token":"{token}"}}]"""
SWIFT = """["{ref}","{ref}","{topic}","phx_join",{{"config":{{"broadcast":{{"ack":false,"self":false,"replay":null}},\
"presence":{{"key":"","enabled":true}},"postgres_changes":[{{"event":"INSERT","schema":"public","table":"rsvps",\
"filter":null}}],"private":true}},"access_token":"{token}","version":"realtime-swift/2.40.0"}}]"""
KOTLIN = """["2","5","{topic}","phx_join",{{"config":{{"broadcast":{{"ack":false,"self":false}},"presence":{{"key":"",\
"enabled":true}},"postgres_changes":[{{"event":"*","schema":"public","table":"rsvps","filter":"status=eq.accepted"}},\
{{"event":"DELETE","schema":"public","table":"tasks"}}],"private":true}},"access_token":"{token}"}}]"""
PYTHON_OLD = """{{"topic":"{topic}","event":"phx_join","payload":{{"config":{{"broadcast":null,"presence":{{"key":"",\
"enabled":"true"}},"private":false,"postgres_changes":[{{"event":"*","schema":"public","table":"rsvps"}},null]}},\
"access_token":"{token}"}},"ref":"{ref}"}}"""


async def joined(world: World, client: Client, frame: str, wedding: str, token: str) -> list[list[Any]]:
    """Send a client's join as it writes it; returns what comes until the next heartbeat is answered."""
    await client.socket.send(frame.format(ref="1", topic=f"realtime:wedding:{wedding}", token=token))
    frames: list[list[Any]] = []
    while not frames or frames[-1][3] != "system":
        frames.append(await client.read())
    return frames


@pytest.mark.parametrize(
    ("frame", "vsn", "join_ref", "ref"),
    [(DART, "2.0.0", "1", "1"), (SWIFT, "2.0.0", "1", "1"), (KOTLIN, "2.0.0", "2", "5"), (PYTHON_OLD, "", None, "1")],
    ids=["dart", "swift", "kotlin", "python"],
)
@on_uvloop
async def test_a_join_satisfies_the_client_that_wrote_it(frame: str, vsn: str, join_ref: Any, ref: str) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding)
        async with world.client(token, vsn=vsn) as client:
            frames = await joined(world, client, frame, wedding, token)
            reply = frames[0]
            assert reply[:2] == [join_ref, ref]
            assert reply[3] == "phx_reply"
            assert reply[4]["status"] == "ok"
            # Swift and Kotlin are subscribed by this key alone.
            asked = frame.format(ref="1", topic="", token="")
            sent = json.loads(asked)
            config = (sent["payload"] if isinstance(sent, dict) else sent[4])["config"]
            echoed = reply[4]["response"]["postgres_changes"]
            assert [{k: v for k, v in e.items() if k != "id"} for e in echoed] == [
                e for e in config["postgres_changes"] if e is not None
            ]
            for entry in echoed:
                assert set(entry) <= KNOWN_TO_KOTLIN
                assert isinstance(entry["id"], int)
                assert 0 < entry["id"] < 2**31
            assert set(frames[-1][4]) == {"extension", "status", "message", "channel"}


@on_uvloop
async def test_kotlin_finds_every_key_its_strict_readers_want_in_a_change() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token = world.person(wedding)
        async with world.client(token) as client:
            await joined(world, client, KOTLIN, wedding, token)
            world.happens(wedding, op="UPDATE")
            change = await client.until("postgres_changes")
            assert {"ids", "data"} == set(change)
            wanted = {"schema", "table", "commit_timestamp", "type", "errors", "columns", "record", "old_record"}
            assert set(change["data"]) == wanted
            assert change["data"]["old_record"] is not None
            assert change["data"]["commit_timestamp"].endswith("Z")
            assert all(set(column) == {"name", "type"} for column in change["data"]["columns"])


@on_uvloop
async def test_heartbeats_of_all_clients_are_answered_with_their_ref() -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        for sent, ref in (
            ('[null,"12","phoenix","heartbeat",{}]', "12"),
            ('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":null,"join_ref":null}', None),
            ('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":0}', 0),
        ):
            await client.socket.send(sent)
            assert (await client.read())[1] == ref


@on_uvloop
async def test_darts_leave_and_token_frames() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        token, topic = world.person(wedding), f"realtime:wedding:{wedding}"
        async with world.client(token) as client:
            await joined(world, client, DART, wedding, token)
            await client.socket.send(f'["1","2","{topic}","access_token",{{"access_token":"{token}"}}]')
            await client.socket.send(f'["1","3","{topic}","phx_leave",{{}}]')
            assert await client.read() == ["1", "3", topic, "phx_reply", {"status": "ok", "response": {}}]
            assert await client.read() == ["1", "1", topic, "phx_close", {}]


@on_uvloop
async def test_a_stale_join_ref_on_a_push_is_tolerated() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with world.client(world.person(wedding)) as client:
            await client.join(topic, {"broadcast": {"ack": True}})
            for stale in ("99", None):
                ref = await client.send(topic, "broadcast", {"event": "x", "payload": {}}, join_ref=stale)
                assert (await client.reply(ref))["status"] == "ok"
