"""The gateway's HTTP side on the same port: broadcasts as Supabase's clients post them, CORS, health, limits."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from tests.contracts.certificates import Certificates
from tests.gateway_world import Client, World, gateway_world, on_uvloop
from wedsync.events.audience import Audience
from wedsync.events.scope import Scope
from wedsync.processes import gateway_door, gateway_http

SUPPLIER = Audience(int(Scope.CORE | Scope.SCHEDULE), link_id="11111111-0000-7000-8000-000000000001")


def http(world: World) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{world.gateway.port}")


def batch(topic: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"topic": topic, "event": "cursor", "payload": {"x": 1}, "private": True, **more}]}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def speak(world: World, data: bytes, *, until_closed: bool = True) -> bytes:
    """Send bytes and read what comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    writer.write(data)
    async with asyncio.timeout(30):
        answer = await (reader.read(-1) if until_closed else reader.read(65536))
    writer.close()
    return answer


@pytest.mark.parametrize("prefix", ["/realtime/v1", "/socket", ""])
@on_uvloop
async def test_a_batch_reaches_the_sockets(prefix: str) -> None:
    async with gateway_world() as world, http(world) as web:
        wedding = world.log.stream()
        token = world.person(wedding)
        async with world.client(token) as ana, world.client(token, vsn="1.0.0") as ben:
            for client in (ana, ben):
                await client.join(f"realtime:wedding:{wedding}")
            body = batch(f"wedding:{wedding}")
            answer = await web.post(f"{prefix}/api/broadcast", json=body, headers={"apikey": token})
            assert (answer.status_code, answer.content) == (202, b"")
            assert answer.headers["access-control-allow-origin"] == "*"
            said = {"type": "broadcast", "event": "cursor", "payload": {"x": 1}}
            assert await ana.until("broadcast") == said
            assert await ben.until("broadcast") == said


@on_uvloop
async def test_one_event_as_json_and_as_bytes() -> None:
    async with gateway_world() as world, http(world) as web:
        wedding = world.log.stream()
        token, path = world.person(wedding), f"/realtime/v1/api/broadcast/wedding%3A{wedding}/events/map%2Fmoved"
        async with world.client(token) as ana:
            await ana.join(f"realtime:wedding:{wedding}")
            answer = await web.post(f"{path}?private=true&apikey=x&vsn=2.0.0", json={"x": 2}, headers=bearer(token))
            assert answer.status_code == 202
            assert (await ana.until("broadcast"))["event"] == "map/moved"
            raw = {**bearer(token), "content-type": "application/octet-stream"}
            assert (await web.post(path, content=b"\xff\x01", headers=raw)).status_code == 202
            assert (await ana.until("binary"))[-2:] == b"\xff\x01"
            text = {**bearer(token), "content-type": "text/plain"}
            assert (await web.post(path, content=b"x", headers=text)).status_code == 415
            wrong = {**bearer(token), "content-type": "application/json"}
            assert (await web.post(path, content=b"{", headers=wrong)).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b'{"messages": []}', 422),
        (b'{"messages": [{"topic": 1}]}', 422),
        (json.dumps({"messages": [{"topic": "x", "event": "e", "payload": {}}] * 101}).encode(), 422),
        (json.dumps(batch("wedding:0192aa00-0000-7000-8000-000000000001")).encode(), 403),
        (json.dumps(batch("nowhere")).encode(), 403),
        (json.dumps(batch("{mine}", event="rsvp.replied")).encode(), 422),
        (json.dumps(batch("{mine}", payload=[1])).encode(), 422),
        (json.dumps(batch("{mine}", scope="budget")).encode(), 403),
        (b"x" * 1_100_000, 413),
    ],
)
@on_uvloop
async def test_what_may_not_be_broadcast_is_refused_with_words(body: bytes, status: int) -> None:
    async with gateway_world() as world, http(world) as web:
        wedding = world.log.stream()
        token = world.person(wedding, SUPPLIER)
        async with world.client(world.person(wedding)) as ana:
            await ana.join(f"realtime:wedding:{wedding}")
            body = body.replace(b"{mine}", f"wedding:{wedding}".encode())
            answer = await web.post("/realtime/v1/api/broadcast", content=body, headers=bearer(token))
            assert answer.status_code == status
            assert answer.json()
            assert await ana.nothing_until_heartbeat() == []


@on_uvloop
async def test_a_batch_is_sent_whole_or_not_at_all() -> None:
    async with gateway_world() as world, http(world) as web:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as ana:
            await ana.join(f"realtime:wedding:{wedding}")
            body = batch(f"wedding:{wedding}")
            body["messages"] += batch("wedding:0192aa00-0000-7000-8000-000000000001")["messages"]
            answer = await web.post("/api/broadcast", json=body, headers=bearer(world.person(wedding)))
            assert answer.status_code == 403
            assert await ana.nothing_until_heartbeat() == []


@on_uvloop
async def test_without_a_living_token_nothing_is_taken() -> None:
    async with gateway_world() as world, http(world) as web:
        wedding = world.log.stream()
        token = world.person(wedding)
        late = world.person(wedding, expires_in_s=-5)
        for headers in ({}, bearer("nonsense"), bearer(late)):
            answer = await web.post("/api/broadcast", json=batch(f"wedding:{wedding}"), headers=headers)
            assert answer.status_code == 401
            assert answer.json()["message"]
        world.log.sessions.clear()
        answer = await web.post("/api/broadcast", json=batch(f"wedding:{wedding}"), headers=bearer(token))
        assert answer.status_code == 401
        world.log.is_away = True
        answer = await web.post("/api/broadcast", json=batch(f"wedding:{wedding}"), headers=bearer(token))
        assert answer.status_code == 503


@on_uvloop
async def test_a_flood_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing flows back while the test sends, however slow the machine is.
    monkeypatch.setattr(gateway_http, "BURST", 3.0)
    monkeypatch.setattr(gateway_http, "RATE_PER_S", 0.01)
    async with gateway_world() as world, http(world) as web:
        token = world.person(world.log.stream())
        answers = [await web.post("/api/broadcast", content=b"{}", headers=bearer(token)) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [422, 422, 422, 429]
        assert 1 < int(answers[-1].headers["retry-after"]) <= 101
        assert answers[-1].headers["x-rate-limit-remaining"] == "0"
        other = await web.post("/api/broadcast", content=b"{}", headers=bearer(world.person(world.log.stream())))
        assert other.status_code == 422, "another's flood is not mine"


@on_uvloop
async def test_browsers_may_ask_from_anywhere() -> None:
    async with gateway_world() as world, http(world) as web:
        answer = await web.options("/realtime/v1/api/broadcast")
        assert answer.status_code == 204
        allowed = answer.headers["access-control-allow-headers"]
        assert {"apikey", "authorization", "content-type"} <= {part.strip() for part in allowed.split(",")}


@on_uvloop
async def test_health_readiness_and_metrics() -> None:
    async with gateway_world() as world, http(world) as web:
        wedding = world.log.stream()
        async with world.client(world.person(wedding)) as ana:
            await ana.join(f"realtime:wedding:{wedding}")
            world.happens(wedding)
            await ana.until("broadcast")
            assert (await web.get("/healthz")).json()["status"] == "ok"
            assert (await web.get("/realtime/v1/api/ping")).status_code == 200
            assert (await web.get("/readyz")).json()["status"] == "ready"
            families = {f.name: f for f in text_string_to_metric_families((await web.get("/metrics")).text)}
            assert families["wedsync_gateway_sockets"].samples[0].value == 1
            assert families["wedsync_gateway_frames_out"].samples[0].value == 1
            assert families["wedsync_gateway_joins"].samples[0].labels == {"result": "ok"}
            buckets = families["wedsync_gateway_commit_to_write_ms"].samples
            assert buckets[-1].value >= 0
            world.log.is_away = True
            assert (await web.get("/readyz")).status_code == 503
            world.log.is_away = False
            world.hub.is_draining = True
            assert (await web.get("/readyz")).status_code == 503


@on_uvloop
async def test_what_is_not_there_is_not_there() -> None:
    async with gateway_world() as world, http(world) as web:
        assert (await web.get("/elsewhere")).status_code == 404
        assert (await web.get("/")).status_code == 404
        assert (await web.post("/healthz")).status_code == 405
        assert (await web.get("/api/broadcast")).status_code == 405
        assert (await web.get("/realtime/v1/websocket")).status_code == 426
        token = world.person(world.log.stream())
        assert (await web.post("/api/broadcast/a/b", headers=bearer(token))).status_code == 404


@on_uvloop
async def test_requests_in_one_breath_are_answered_in_order() -> None:
    async with gateway_world() as world:
        one = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
        last = b"GET /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        answer = await speak(world, one + one + last)
        assert [part.split(b" ")[0] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404"]


@on_uvloop
async def test_what_is_no_request_is_refused_and_closed() -> None:
    async with gateway_world() as world:
        assert (await speak(world, b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400")
        long = b"GET / HTTP/1.1\r\nx: " + b"y" * 20_000 + b"\r\n\r\n"
        assert (await speak(world, long)).startswith(b"HTTP/1.1 431")
        upgrade = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
        assert (await speak(world, upgrade)).startswith(b"HTTP/1.1 200")


@on_uvloop
async def test_a_head_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_door, "HEAD_TIMEOUT_S", 0.05)
    async with gateway_world() as world:
        assert await speak(world, b"") == b""
        assert (await speak(world, b"GET /healthz HTTP/1.1\r\nx: ")).startswith(b"HTTP/1.1 408")


@on_uvloop
async def test_firefoxs_connection_header_and_a_subprotocol_are_fine() -> None:
    async with gateway_world() as world:
        token = world.person(world.log.stream())
        head = (
            f"GET /realtime/v1/websocket?apikey={token}&vsn=1.0.0 HTTP/1.1\r\nhost: x\r\n"
            "connection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\nsec-websocket-version: 13\r\n"
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: phoenix, x\r\n\r\n"
        )
        frame = b'{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}'
        masked = bytes((0x81, 0x80 | len(frame), 0, 0, 0, 0)) + frame
        reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
        writer.write(head.encode() + masked)
        async with asyncio.timeout(30):
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b"101 Switching Protocols" in answer
            assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
            assert b"sec-websocket-protocol: phoenix" in answer.lower()
            assert b"phx_reply" in await reader.read(1000)
        writer.close()


@on_uvloop
async def test_with_a_certificate_the_port_speaks_tls_13(tmp_path: Path) -> None:
    authority = Certificates(tmp_path)
    authority.server("gateway.test")
    chain = tmp_path / "gateway.test.pem"
    async with gateway_world(settings={"tls_cert": chain, "tls_key": chain}) as world:
        trusted = ssl.create_default_context(cadata=authority.root_pem.decode())
        wedding = world.log.stream()
        address = f"wss://127.0.0.1:{world.gateway.port}/realtime/v1/websocket?apikey={world.person(wedding)}&vsn=2.0.0"
        async with connect(address, ssl=trusted, server_hostname="gateway.test", compression=None) as socket:
            client = Client(socket, "2.0.0")
            assert socket.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
            await client.join(f"realtime:wedding:{wedding}")
            world.happens(wedding, record={"note": "x" * 100_000})
            assert (await client.until("broadcast"))["payload"]["sequence"] == 1
        old = ssl.create_default_context(cadata=authority.root_pem.decode())
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(OSError):
            await connect(address, ssl=old, server_hostname="gateway.test")
