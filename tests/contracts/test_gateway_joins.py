"""How few times one after the other a join waits for the database, and what a refused one leaves behind."""

import asyncio
from functools import partial

from tests.eventually import eventually
from tests.gateway_world import gateway_world, on_uvloop


@on_uvloop
async def test_a_join_asks_at_once_what_does_not_depend_on_each_other() -> None:
    async with gateway_world() as world:
        log, wedding = world.log, world.log.stream()
        pairs = (("sessions_alive", "stream_top"), ("audience", "position"))
        log.gates |= {what: asyncio.Event() for pair in pairs for what in pair}
        async with world.client(world.person(wedding)) as client:
            joining = asyncio.ensure_future(client.join(f"realtime:wedding:{wedding}"))
            for pair in pairs:
                await eventually(partial(log.asked.keys().__ge__, set(pair)))
                for what in pair:
                    log.gates[what].set()
            assert (await joining)["status"] == "ok"
            world.happens(wedding)
            assert (await client.until("broadcast"))["meta"]["id"] == "1:1:0"


@on_uvloop
async def test_a_session_that_ended_is_refused_however_the_stream_is_found() -> None:
    async with gateway_world() as world:
        wedding, other = world.log.stream(), world.log.stream()
        token = world.person(wedding)
        world.log.sessions.clear()
        async with world.client(token) as client:
            for topic in (wedding, other):
                answer = await client.join(f"realtime:wedding:{topic}")
                assert answer["response"]["reason"].startswith("InvalidJWTToken")


@on_uvloop
async def test_a_refused_join_leaves_no_position_and_a_failed_one_is_asked_for_again() -> None:
    async with gateway_world() as world:
        wedding, other = world.log.stream(), world.log.stream()
        token = world.person(wedding)
        async with world.client(token) as client:
            answer = await client.join(f"realtime:wedding:{other}")
            assert answer["response"]["reason"].startswith("Unauthorized")
            assert len(world.hub.positions) == 0
            world.log.is_away = True
            answer = await client.join(f"realtime:wedding:{wedding}")
            assert answer["response"]["reason"].startswith("DatabaseLackOfConnections")
            world.log.is_away = False
            assert (await client.join(f"realtime:wedding:{wedding}"))["status"] == "ok"
            world.happens(wedding)
            assert (await client.until("broadcast"))["meta"]["id"] == "1:1:0"
