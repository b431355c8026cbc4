"""The gateway's limits by address, what it tells of supplier's reads and refusals, and when it writes that."""

import json
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.gateway_world import World, gateway_world, on_uvloop
from wedsync.events.audience import Audience
from wedsync.events.scope import Scope
from wedsync.kit.addresses import networks
from wedsync.processes.gateway_door import Opened

LINK = "01920000-0000-7000-8000-00000000000b"
SUPPLIER = Audience(int(Scope.CORE | Scope.GUESTS), link_id=LINK, role="supplier")
ROUTES = (
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/realtime/v1/api/ping"),
    ("POST", "/realtime/v1/api/broadcast"),
    ("POST", "/realtime/v1/api/broadcast/wedding/events/x"),
    ("POST", "/socket/api/broadcast"),
    ("GET", "/realtime/v1/websocket"),
    ("OPTIONS", "/realtime/v1/api/broadcast"),
    ("GET", "/nothing/here"),
)


async def watched(world: World) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Reads and notes, as they are written."""
    await world.hub.lookers.watch.flush(world.log.keep_watch)
    reads = [one for text, _ in world.log.watched for one in json.loads(text)]
    notes = [one for _, text in world.log.watched for one in json.loads(text)]
    return reads, notes


@on_uvloop
async def test_every_route_of_the_gateway_refuses_an_address_that_asks_too_often() -> None:
    trusting = {"requests_per_address": 10, "trusted_proxies": ("127.0.0.1/32",)}
    async with gateway_world(settings=trusting) as world, httpx.AsyncClient() as http:
        base = f"http://127.0.0.1:{world.gateway.port}"
        for number, (method, path) in enumerate(ROUTES):
            own = {"x-forwarded-for": f"203.0.113.{number}"}
            answers = [await http.request(method, base + path, headers=own) for _ in range(30)]
            late = answers[-1]
            assert answers[0].status_code != 429, path
            assert late.status_code == 429, path
            assert late.headers["content-type"] == "application/problem+json"
            assert late.headers["ratelimit"].startswith('"address";r=0')
            assert int(late.headers["retry-after"]) >= 1
        opening = f"/realtime/v1/websocket?apikey={world.visitor()}"
        for _ in range(30):
            try:
                await (await world.raw(opening)).close()
            except InvalidStatus as refused:
                assert refused.response.status_code == 429
                break
        else:
            pytest.fail("a handshake is not limited")


@on_uvloop
async def test_an_address_has_only_so_many_sockets() -> None:
    async with gateway_world(settings={"connections_per_address": 2}) as world:
        token = world.visitor()
        async with world.client(token), world.client(token):
            with pytest.raises(InvalidStatus) as refused:
                async with world.client(token):
                    pytest.fail("a third socket was opened")
            assert refused.value.response.status_code == 429
        _, notes = await watched(world)
        assert [note["kind"] for note in notes] == ["request.limited"]


def test_connections_that_are_no_sockets_are_counted_too_but_a_proxy_speaks_for_many() -> None:
    opened = Opened(2, networks(["10.0.0.0/8"]))
    assert [opened.came("203.0.113.9") for _ in range(3)] == [True, True, False]
    opened.went("203.0.113.9")
    opened.went("203.0.113.9")
    assert opened.came("203.0.113.9")
    assert all(opened.came("10.1.1.1") for _ in range(9))


@on_uvloop
async def test_what_a_suppliers_socket_is_sent_is_a_look_and_the_couples_is_none() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        supplier, couple = world.person(wedding, SUPPLIER), world.person(wedding)
        async with world.client(supplier) as theirs, world.client(couple) as ours:
            for client in (theirs, ours):
                assert (await client.join(f"realtime:wedding:{wedding}"))["status"] == "ok"
            world.happens(wedding)
            world.happens(wedding, scope=int(Scope.BUDGET), type="budget_line.added", table="budget_lines")
            await theirs.until("broadcast")
            await theirs.nothing_until_heartbeat()
            reads, _ = await watched(world)
        assert all(read["link"] == LINK and read["tenant"] == wedding and read["source"] == "live" for read in reads)
        assert {read["scopes"] for read in reads} == {int(Scope.CORE), int(Scope.GUESTS)}


@on_uvloop
async def test_refused_handshakes_and_joins_are_noted_without_what_was_sent() -> None:
    async with gateway_world() as world:
        wedding = world.log.stream()
        stranger = world.person(world.log.stream())
        with pytest.raises(InvalidStatus):
            await world.raw("/realtime/v1/websocket?apikey=hush-hush")
        async with world.client(stranger) as client:
            assert (await client.join(f"realtime:wedding:{wedding}"))["status"] == "error"
            assert (await client.join("realtime:hush-hush"))["status"] == "error"
        _, notes = await watched(world)
        told = {(note["kind"], note["detail"]["endpoint"]): note for note in notes}
        assert set(told) == {
            ("socket.refused", "GET /realtime/v1/websocket"),
            ("join.refused", "join realtime:wedding"),
            ("join.refused", "join realtime:unknown"),
        }
        assert told["join.refused", "join realtime:wedding"]["name"] == wedding
        assert "hush" not in json.dumps(notes)
