"""The gateway speaks Phoenix as Supabase does: joins, leaves, heartbeats, broadcasts and refusals, in both framings."""

import asyncio
import json
from typing import Any

import pytest
from realtime.message import ServerMessageAdapter

from tests.gateway_world import COUPLE, gateway_world, on_uvloop
from wedsync.events.audience import Audience
from wedsync.events.scope import Scope

TASKS = {"event": "*", "schema": "public", "table": "tasks", "filter": "status=eq.open"}
RSVPS = {"event": "*", "schema": "public", "table": "rsvps"}
SUPPLIER = Audience(int(Scope.CORE | Scope.SCHEDULE), link_id="11111111-0000-7000-8000-000000000001", role="supplier")
OTHER = Audience(int(Scope.CORE | Scope.SCHEDULE), link_id="11111111-0000-7000-8000-000000000002", role="supplier")


@pytest.mark.parametrize("vsn", ["2.0.0", "1.0.0", ""])
@on_uvloop
async def test_a_join_is_answered_then_changes_flow(vsn: str) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding), vsn=vsn) as client:
            topic = f"realtime:wedding:{wedding}"
            answer = await client.join(topic, {"postgres_changes": [RSVPS, TASKS]})
            assert answer["status"] == "ok"
            echoed = answer["response"]["postgres_changes"]
            assert [{k: v for k, v in e.items() if k != "id"} for e in echoed] == [RSVPS, TASKS]
            system = await client.until("system")
            assert system == {
                "extension": "postgres_changes",
                "status": "ok",
                "message": "Subscribed to PostgreSQL",
                "channel": f"wedding:{wedding}",
            }
            event = world.happens(wedding)
            change = await client.until("postgres_changes")
            assert change["ids"] == [echoed[0]["id"]]
            assert change["data"]["record"] == {"rev": "1:1:0", **event["record"]}
            assert change["data"]["errors"] is None
            assert "old_record" not in change["data"]


@on_uvloop
async def test_a_v1_frame_never_has_a_join_ref_and_the_python_models_accept_all_of_them() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding), vsn="1.0.0") as client:
            topic = f"realtime:wedding:{wedding}"
            config = {"postgres_changes": [RSVPS], "presence": {"enabled": True, "key": "ana"}}
            await client.send(topic, "phx_join", {"config": config}, ref="1", join_ref="1")
            await client.send("phoenix", "heartbeat", {}, ref=None, join_ref=None)
            await client.send(topic, "presence", {"type": "presence", "event": "track", "payload": {"at": "guests"}})
            seen = set()
            while "presence_diff" not in seen:
                text = await client.socket.recv()
                assert "join_ref" not in json.loads(text)
                seen.add(ServerMessageAdapter.validate_json(text).event)
            world.happens(wedding, op="UPDATE", old_record={"id": "x", "status": "needs_action"})
            assert ServerMessageAdapter.validate_json(await client.socket.recv()).event == "postgres_changes"
            world.happens(wedding, op="DELETE", old_record={"id": "x", "status": "needs_action"})
            assert ServerMessageAdapter.validate_json(await client.socket.recv()).event == "postgres_changes"


@pytest.mark.parametrize("ref", ["7", 0, None])
@on_uvloop
async def test_a_heartbeat_echoes_any_ref(ref: Any) -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        await client.send("phoenix", "heartbeat", {}, ref=ref, join_ref=None)
        assert await client.read() == [None, ref, "phoenix", "phx_reply", {"status": "ok", "response": {}}]


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("realtime:", "TopicNameRequired"),
        ("realtime:wedding:not-an-id", "Unauthorized"),
        ("realtime:wedding:0192aa00-0000-7000-8000-000000000001", "Unauthorized"),
        ("realtime:wedding:0192aa00-0000-7000-8000-000000000001:more", "Unauthorized"),
        ("realtime:kitchen:0192aa00-0000-7000-8000-000000000001", "Unauthorized"),
        ("realtime:site:nobody", "Unauthorized"),
        ("realtime:platform", "Unauthorized"),
        ("elsewhere", "Unauthorized"),
    ],
)
@on_uvloop
async def test_what_nobody_may_join_is_refused_with_a_reason(topic: str, code: str) -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        answer = await client.join(topic)
        assert answer["status"] == "error"
        assert answer["response"]["reason"].startswith(f"{code}: ")


@on_uvloop
async def test_absent_and_foreign_weddings_are_refused_in_the_same_words() -> None:
    async with gateway_world() as world:
        mine, foreign = world.log.stream(), world.log.stream()
        async with world.client(world.person(mine)) as client:
            there = await client.join(f"realtime:wedding:{foreign}")
            nowhere = await client.join("realtime:wedding:0192aa00-0000-7000-8000-000000000001")
            assert there["response"]["reason"].replace(foreign, "X") == nowhere["response"]["reason"].replace(
                "0192aa00-0000-7000-8000-000000000001", "X"
            )


@on_uvloop
async def test_the_third_identical_refusal_closes_for_good() -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        topic = "realtime:wedding:0192aa00-0000-7000-8000-000000000001"
        for _ in range(2):
            assert (await client.join(topic))["status"] == "error"
            assert await client.nothing_until_heartbeat() == []
        assert (await client.join(topic))["status"] == "error"
        ref = client.join_refs[topic]
        assert await client.read() == [ref, ref, topic, "phx_close", {}]


@on_uvloop
async def test_leaving_is_answered_and_closed_and_then_silent() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            topic = f"realtime:wedding:{wedding}"
            await client.join(topic)
            ref = await client.send(topic, "phx_leave", {})
            assert await client.read() == ["1", ref, topic, "phx_reply", {"status": "ok", "response": {}}]
            assert await client.read() == ["1", "1", topic, "phx_close", {}]
            world.happens(wedding)
            assert await client.nothing_until_heartbeat() == []
            again = await client.send(topic, "phx_leave", {})
            assert (await client.reply(again))["status"] == "ok"


@on_uvloop
async def test_a_topic_nobody_joined_is_unmatched() -> None:
    async with gateway_world() as world, world.client(world.person(world.log.stream())) as client:
        ref = await client.send("realtime:wedding:x", "broadcast", {"event": "e", "payload": {}}, join_ref=None)
        assert await client.reply(ref) == {"status": "error", "response": {"reason": "unmatched topic"}}


@on_uvloop
async def test_joining_twice_replaces_the_first_join() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with world.client(world.person(wedding)) as client:
            await client.join(topic)
            first = client.join_refs[topic]
            second = await client.send(topic, "phx_join", {"config": {}}, ref="9", join_ref="9")
            assert await client.read() == [first, first, topic, "phx_close", {}]
            assert (await client.reply(second))["status"] == "ok"
            world.happens(wedding)
            await client.until("broadcast")
            assert await client.nothing_until_heartbeat() == []


@on_uvloop
async def test_an_event_comes_once_as_a_change_or_as_a_broadcast() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        token = world.person(wedding)
        async with world.client(token) as both, world.client(token) as changes, world.client(token) as some:
            await both.join(topic, {"postgres_changes": [RSVPS], "broadcast": {"events": True}})
            await changes.join(topic, {"postgres_changes": [RSVPS]})
            await some.join(topic, {"broadcast": {"events": ["task.*"]}})
            world.happens(wedding)
            task = world.happens(wedding, table="tasks", type="task.assigned", scope=int(Scope.TASKS))
            frames = [f for f in await both.nothing_until_heartbeat() if f[3] != "system"]
            assert [f[3] for f in frames] == ["postgres_changes", "broadcast"]
            assert frames[1][4]["meta"] == {"id": "1:2:1"}
            assert frames[1][4]["payload"]["record"] == task["record"]
            assert [f[3] for f in await changes.nothing_until_heartbeat()] == ["system", "postgres_changes"]
            assert [f[4]["event"] for f in await some.nothing_until_heartbeat()] == ["task.assigned"]


@on_uvloop
async def test_a_binding_with_a_mistake_is_told_and_the_others_work() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            wrong = {**RSVPS, "filter": "status=foo.x"}
            answer = await client.join(f"realtime:wedding:{wedding}", {"postgres_changes": [wrong, None, RSVPS]})
            assert len(answer["response"]["postgres_changes"]) == 2
            system = await client.until("system")
            assert system["status"] == "error"
            assert "foo" in system["message"]
            world.happens(wedding)
            change = await client.until("postgres_changes")
            assert change["ids"] == [answer["response"]["postgres_changes"][1]["id"]]


@on_uvloop
async def test_columns_can_be_chosen_and_the_key_is_always_there() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as client:
            await client.join(f"realtime:wedding:{wedding}", {"postgres_changes": [{**RSVPS, "select": ["status"]}]})
            event = world.happens(wedding)
            change = await client.until("postgres_changes")
            assert change["data"]["record"] == {"rev": "1:1:0", "id": event["subject"]["id"], "status": "accepted"}


@on_uvloop
async def test_broadcasts_reach_the_others_and_the_sender_only_when_asked() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        token = world.person(wedding)
        async with world.client(token) as ana, world.client(token, vsn="1.0.0") as ben:
            await ana.join(topic, {"broadcast": {"ack": True, "self": True}})
            await ben.join(topic)
            said = {"type": "broadcast", "event": "cursor", "payload": {"x": 1}}
            ref = await ana.send(topic, "broadcast", said)
            assert await ana.until("broadcast") == said
            assert (await ana.reply(ref)) == {"status": "ok", "response": {}}
            assert await ben.until("broadcast") == said
            await ben.send(topic, "broadcast", said)
            assert await ana.until("broadcast") == said
            assert await ben.nothing_until_heartbeat() == []


@on_uvloop
async def test_binary_broadcasts_are_kind_4_for_v2_and_text_for_v1() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        token = world.person(wedding)
        async with world.client(token) as ana, world.client(token) as ben, world.client(token, vsn="1.0.0") as old:
            for client in (ana, ben, old):
                await client.join(topic)
            payload = b'{"x":1}'
            head = bytes((3, 1, 1, len(topic), 6, 0))
            await ana.socket.send(head + b"\x01" + b"1" + b"7" + topic.encode() + b"cursor" + payload)
            frame = (await ben.read())[4]
            assert frame == bytes((4, len(topic), 6, 0, 1)) + topic.encode() + b"cursor" + payload
            assert await old.until("broadcast") == {"type": "broadcast", "event": "cursor", "payload": {"x": 1}}
            await ana.socket.send(head + b"\x00" + b"1" + b"8" + topic.encode() + b"cursor" + b"\xff\x00")
            assert (await ben.read())[4][-2:] == b"\xff\x00"
            assert await old.nothing_until_heartbeat() == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"event": "rsvp.replied", "payload": {}}, "ReservedEvent"),
        ({"event": "wedsync:revoked", "payload": {}}, "ReservedEvent"),
        ({"event": "WedSync:x", "payload": {}}, "ReservedEvent"),
        ({"event": "", "payload": {}}, "InvalidPayload"),
        ({"event": "x" * 300, "payload": {}}, "InvalidPayload"),
        ({"event": "x", "payload": [1]}, "InvalidPayload"),
        ({"event": "x", "payload": {}, "scope": "budget"}, "Unauthorized"),
        ({"event": "x", "payload": {}, "scope": "nonsense"}, "Unauthorized"),
        ([1], "InvalidPayload"),
    ],
)
@on_uvloop
async def test_a_broadcast_that_may_not_be_is_refused_with_a_reason(said: Any, code: str) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with world.client(world.person(wedding, SUPPLIER)) as sender, world.client(world.person(wedding)) as ana:
            await sender.join(topic)
            await ana.join(topic)
            ref = await sender.send(topic, "broadcast", said)
            answer = await sender.reply(ref)
            assert answer["status"] == "error"
            assert answer["response"]["reason"].startswith(f"{code}: ")
            assert await ana.nothing_until_heartbeat() == []


@on_uvloop
async def test_a_broadcast_reaches_only_who_sees_its_scope() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with (
            world.client(world.person(wedding, COUPLE)) as ana,
            world.client(world.person(wedding, COUPLE)) as ben,
            world.client(world.person(wedding, SUPPLIER)) as florist,
            world.client(world.person(wedding, SUPPLIER)) as colleague,
            world.client(world.person(wedding, OTHER)) as venue,
        ):
            for client in (ana, ben, florist, colleague, venue):
                await client.join(topic)
            await ana.send(topic, "broadcast", {"event": "private", "payload": {}})
            await florist.send(topic, "broadcast", {"event": "ours", "payload": {}})
            await florist.send(topic, "broadcast", {"event": "all", "payload": {}, "scope": "schedule"})
            heard = {"ana": await heard_by(ana, 2), "ben": await heard_by(ben, 3)}
            heard |= {"colleague": await heard_by(colleague, 2), "venue": await heard_by(venue, 1)}
            assert heard == {
                "ana": ["ours", "all"],
                "ben": ["private", "ours", "all"],
                "colleague": ["ours", "all"],
                "venue": ["all"],
            }
            assert await florist.nothing_until_heartbeat() == []


async def heard_by(client: Any, count: int) -> list[str]:
    """The names of the next broadcasts, and that no more follow."""
    names = [(await client.until("broadcast"))["event"] for _ in range(count)]
    assert await client.nothing_until_heartbeat() == []
    return names


@on_uvloop
async def test_a_website_is_open_to_anonymous_visitors_and_nothing_else_is() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        world.log.sites["ana-and-ben"] = wedding
        async with world.client(world.visitor()) as visitor:
            assert (await visitor.join(f"realtime:wedding:{wedding}"))["status"] == "error"
            assert (await visitor.join("realtime:site:ana-and-ben"))["status"] == "ok"
            world.happens(wedding)
            world.happens(wedding, table="sites_public", type="site.published", scope=int(Scope.SITE))
            cast = await visitor.until("broadcast")
            assert cast["event"] == "site.published"
            assert cast["meta"]["id"] == "1:2:0"
            ref = await visitor.send("realtime:site:ana-and-ben", "broadcast", {"event": "hi", "payload": {}})
            assert (await visitor.reply(ref))["response"]["reason"].startswith("Unauthorized")


@on_uvloop
async def test_the_apikey_of_the_socket_is_the_token_of_joins_that_bring_none() -> None:
    async with gateway_world() as world:
        wedding, other = world.log.stream(), world.log.stream()
        ana, ben = world.person(wedding), world.person(other)
        async with world.client(ana) as client:
            assert (await client.join(f"realtime:wedding:{wedding}"))["status"] == "ok"
            assert (await client.join(f"realtime:wedding:{other}", token=ben))["status"] == "ok"
            assert (await client.join(f"realtime:wedding:{wedding}", token="sb_publishable_x"))["status"] == "ok"


@on_uvloop
async def test_a_page_older_than_its_key_reconnects_and_joins_with_a_fresh_token() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        stale, fresh = world.person(wedding, expires_in_s=-60), world.person(wedding)
        topic = f"realtime:wedding:{wedding}"
        async with world.client(stale) as client:
            refused = await client.join(topic)
            assert refused["response"]["reason"].startswith("InvalidJWTToken")
            assert (await client.join(topic, token=fresh))["status"] == "ok"


@on_uvloop
async def test_kotlin_is_not_told_of_a_refused_broadcast_it_did_not_ask_about() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with world.client(world.person(wedding)) as client:
            next(iter(world.hub.sockets)).agent = "realtime-kt/3.0.0"
            await client.join(topic)
            await client.send(topic, "broadcast", {"event": "rsvp.replied", "payload": {}})
            assert await client.nothing_until_heartbeat() == []


@on_uvloop
async def test_what_is_sent_while_a_join_is_asked_for_waits_for_its_answer() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        gate = world.log.gates["audience"] = asyncio.Event()
        async with world.client(world.person(wedding)) as client:
            await client.send(topic, "phx_join", {"config": {"broadcast": {"ack": True}}}, ref="1", join_ref="1")
            await client.send(topic, "broadcast", {"event": "early", "payload": {}}, ref="2", join_ref="1")
            assert await client.nothing_until_heartbeat() == []
            gate.set()
            assert (await client.read())[1] == "1"
            assert await client.read() == ["1", "2", topic, "phx_reply", {"status": "ok", "response": {}}]
