"""Presence: who is here, told in batches to those who may know, without flapping and without stray leaves."""

from typing import Any

import pytest

from tests.gateway_world import COUPLE, Client, gateway_world, on_uvloop
from wedsync.events.audience import Audience
from wedsync.events.presence import GRACE_S
from wedsync.events.scope import Scope
from wedsync.kit import clock

FLORIST = Audience(int(Scope.CORE | Scope.SCHEDULE), link_id="11111111-0000-7000-8000-000000000001")
VENUE = Audience(int(Scope.CORE | Scope.SCHEDULE), link_id="11111111-0000-7000-8000-000000000002")


def asks(key: str = "", **more: Any) -> dict[str, Any]:
    return {"presence": {"key": key, "enabled": True, **more}}


async def track(client: Client, topic: str, meta: Any, **more: Any) -> Any:
    """Track and return the reply."""
    push = {"type": "presence", "event": "TRACK", "payload": meta, **more}
    return await client.reply(await client.send(topic, "presence", push))


def names(state: dict[str, Any]) -> dict[str, list[str]]:
    """Key -> what stands in its metas as `at`."""
    return {key: [meta["at"] for meta in value["metas"]] for key, value in state.items()}


@on_uvloop
async def test_a_join_is_told_who_is_here_and_then_of_changes() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as ana, world.client(token) as ben:
            await ana.join(topic, asks("ana"))
            assert await ana.until("presence_state") == {}
            assert (await track(ana, topic, {"at": "guests"}))["status"] == "ok"
            joined = await ana.until("presence_diff")
            assert names(joined["joins"]) == {"ana": ["guests"]}
            assert joined["leaves"] == {}
            await ben.join(topic, asks("ben"))
            state = await ben.until("presence_state")
            assert names(state) == {"ana": ["guests"]}
            await track(ana, topic, {"at": "budget"})
            changed = await ben.until("presence_diff")
            old, new = state["ana"]["metas"][0], changed["joins"]["ana"]["metas"][0]
            assert new["phx_ref_prev"] == old["phx_ref"]
            assert changed["leaves"]["ana"]["metas"] == [old]
            untracked = await ana.send(topic, "presence", {"type": "presence", "event": "untrack"})
            await ana.reply(untracked)
            left = await ben.until("presence_diff")
            assert left["joins"] == {}
            assert left["leaves"]["ana"]["metas"][0]["phx_ref"] == new["phx_ref"]


@on_uvloop
async def test_the_same_words_twice_are_told_once_and_a_flash_is_never_told() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as ana, world.client(token) as ben:
            await ben.join(topic, asks("ben"))
            await ana.join(topic, asks("ana"))
            await track(ana, topic, {"at": "a"})
            await ana.reply(await ana.send(topic, "presence", {"event": "untrack"}))
            await track(ben, topic, {"at": "b"})
            await track(ben, topic, {"at": "b"})
            told = await ana.until("presence_diff")
            assert names(told["joins"]) == {"ben": ["b"]}
            assert told["leaves"] == {}
            world.hub.flush_presence(world.hub.streams[f"wedding:{wedding}"], topic)
            assert await ana.nothing_until_heartbeat() == []


@on_uvloop
async def test_presence_is_seen_by_its_scope() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with (
            world.client(world.person(wedding, COUPLE)) as ana,
            world.client(world.person(wedding, FLORIST)) as florist,
            world.client(world.person(wedding, VENUE)) as venue,
        ):
            await venue.join(topic, asks("venue"))
            await florist.join(topic, asks("florist"))
            await ana.join(topic, asks("ana"))
            await track(ana, topic, {"at": "budget"})
            await track(florist, topic, {"at": "timeline"})
            await track(venue, topic, {"at": "hall"}, scope="schedule")
            world.hub.flush_presence(world.hub.streams[f"wedding:{wedding}"], topic)
            told: dict[str, set[str]] = {}
            for name, client in {"ana": ana, "florist": florist, "venue": venue}.items():
                frames = await client.nothing_until_heartbeat()
                told[name] = {key for f in frames if f[3] == "presence_diff" for key in f[4]["joins"]}
            assert told == {"ana": {"ana", "florist", "venue"}, "florist": {"florist", "venue"}, "venue": {"venue"}}
            refused = await track(florist, topic, {"at": "x"}, scope="budget")
            assert refused["response"]["reason"].startswith("Unauthorized")


@on_uvloop
async def test_a_lost_socket_leaves_only_after_a_while_and_not_if_it_returns() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, ana_token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(world.person(wedding)) as ben:
            await ben.join(topic, asks("ben"))
            async with world.client(ana_token) as ana:
                await ana.join(topic, asks("ana"))
                await track(ana, topic, {"at": "guests"})
                await ben.until("presence_diff")
                ana.socket.transport.abort()
            async with world.client(ana_token) as ana:
                await ana.join(topic, asks("ana"))
                await track(ana, topic, {"at": "guests"})
                world.gateway.upkeep.tick(clock.monotonic() + GRACE_S + 1)
                world.hub.flush_presence(world.hub.streams[f"wedding:{wedding}"], topic)
                assert await ben.nothing_until_heartbeat() == []
                ana.socket.transport.abort()
            while world.hub.streams[f"wedding:{wedding}"].channels.__len__() > 1:
                await ben.nothing_until_heartbeat()
            world.gateway.upkeep.tick(clock.monotonic() + GRACE_S + 1)
            left = await ben.until("presence_diff")
            assert names(left["leaves"]) == {"ana": ["guests"]}


@on_uvloop
async def test_tracking_without_having_asked_makes_it_so() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic, token = f"realtime:wedding:{wedding}", world.person(wedding)
        async with world.client(token) as client:
            await client.join(topic)
            await client.send(topic, "presence", {"event": "track", "payload": {"at": "guests"}})
            state = await client.until("presence_state")
            assert [value["metas"][0]["at"] for value in state.values()] == ["guests"]
            key = next(iter(state))
            assert len(key) == 36


@pytest.mark.parametrize("meta", [None, [1], "here", {"at": "x" * 9000}])
@on_uvloop
async def test_a_presence_that_is_no_small_object_is_refused(meta: Any) -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        topic = f"realtime:wedding:{wedding}"
        async with world.client(world.person(wedding)) as client:
            await client.join(topic)
            assert (await track(client, topic, meta))["status"] == "error"


@on_uvloop
async def test_a_visitor_may_look_but_not_be_present() -> None:
    async with gateway_world() as world:
        world.log.sites["ana-and-ben"] = world.log.stream()
        async with world.client(world.visitor()) as client:
            await client.join("realtime:site:ana-and-ben", asks())
            assert (await track(client, "realtime:site:ana-and-ben", {}))["status"] == "error"
