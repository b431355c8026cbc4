"""How often, how many at once and how slowly anybody may ask: on every route, before anything that costs."""

import asyncio
import os
import signal
import socket as sockets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Litestar
from litestar.routes import HTTPRoute
from msgspec.structs import replace

from tests import seed
from tests.contracts.town import SAME_ORIGIN, Town, built
from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import until
from tests.product import PATIENCE_S
from wedsync.kit import addresses
from wedsync.kit.config import Settings
from wedsync.kit.limits import Bucket, Limits
from wedsync.kit.valkey import connect
from wedsync.processes.children import end, spawn
from wedsync.processes.engines import free_port
from wedsync.processes.gateway_door import Opened
from wedsync.web import limiting

PROXY = "10.9.8.7"
ONE = Bucket("one", per_s=0.0001, burst=1)


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    behind = replace(
        settings,
        trusted_proxies=(f"{PROXY}/32",),
        sign_ins_per_address=3,
        requests_per_person=200,
        anonymous_per_address=50,
    )
    async with built(database, postgres, behind) as made:
        yield made


def behind_proxy(app: Litestar, address: str, **headers: str) -> httpx.AsyncClient:
    """A client whose address only the proxy knows."""
    anything: Any = app
    transport = httpx.ASGITransport(app=anything, client=(PROXY, 1))
    named = {"x-forwarded-for": f"6.6.6.6, {address}"} | headers
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=named)


def asked(app: Litestar) -> Iterator[tuple[str, str]]:
    """Every method of every route, with ids and names of nothing."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            parts = [part if isinstance(part, str) else _value(part.type) for part in route.path_components]
            yield from ((method, "/" + "/".join(parts)) for method in sorted(route.methods))


def _value(kind: type) -> str:
    return str(UUID(int=7)) if kind is UUID else "1" if kind is int else "x"


def refused(answer: httpx.Response, what: object) -> None:
    assert answer.status_code == 429, (what, answer.text)
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["ratelimit"].endswith(f"t={answer.headers['retry-after']}"), what
    assert answer.headers["content-type"].startswith("application/problem+json") or "HEAD" in str(what)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


async def test_every_route_refuses_an_address_that_asks_too_often_before_it_does_anything(town: Town) -> None:
    state, held = town.app.state, (town.app.state.ctx, town.app.state.rates)
    state.ctx = replace(state.ctx, door=None)  # whatever reached for the database would fail
    state.rates = replace(state.rates, address=ONE)
    state.limits.hit(ONE, "198.51.100.1")
    try:
        async with behind_proxy(town.app, "198.51.100.1") as http:
            walked = [what for what in asked(town.app)]
            for method, path in walked:
                refused(await http.request(method, path), (method, path))
    finally:
        state.ctx, state.rates = held
    assert len(walked) > 200


async def test_what_no_route_takes_is_limited_too(town: Town) -> None:
    state, rates = town.app.state, town.app.state.rates
    state.rates = replace(rates, anonymous=Bucket("two", per_s=0.0001, burst=2))
    try:
        async with behind_proxy(town.app, "198.51.100.3") as http:
            asked = [("GET", "/no/such/page"), ("DELETE", "/healthz"), ("GET", "/wp-login.php"), ("PUT", "/healthz")]
            assert [(await http.request(*what)).status_code for what in asked] == [404, 405, 429, 429]
    finally:
        state.rates = rates


# Each route refuses an address each time, above; a third of them, by seed, are asked as somebody, all in `make prove`.
@pytest.mark.parametrize("share", [3, pytest.param(1, marks=pytest.mark.prove)])
async def test_every_route_refuses_a_person_and_a_stranger_who_ask_too_often(town: Town, share: int) -> None:
    """All but the doors of hooks, which know no persons and have limits of their own by source."""
    routes = list(asked(town.app))
    ana = await town.person()
    state, rates = town.app.state, town.app.state.rates
    state.rates = replace(rates, person=ONE, anonymous=ONE)
    state.limits.hit(ONE, str(ana.id))
    state.limits.hit(ONE, "198.51.100.2")
    bearer = f"Bearer {ana.bearer}"
    try:
        async with behind_proxy(town.app, "198.51.100.2") as http:
            for method, path in routes if share == 1 else seed.chosen(routes, share, "too often"):
                if not path.startswith((*limiting.HOOKS, "/sign-in", "/auth/sign-in")):
                    refused(await http.request(method, path), (method, path))
                    refused(await http.request(method, path, headers={"authorization": bearer}), (method, path, "ana"))
    finally:
        state.rates = rates


async def test_one_wedding_asked_for_by_many_addresses_is_limited_and_its_people_apart_from_strangers(
    town: Town,
) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    state, rates = town.app.state, town.app.state.rates
    state.rates = replace(rates, strangers=ONE)
    try:
        answers = []
        for number in range(3):
            async with behind_proxy(town.app, f"198.51.100.{10 + number}") as http:
                answers.append((await http.get(f"/api/v1/weddings/{wedding}")).status_code)
        assert answers == [401, 429, 429]
        await ana.got("GET", f"/api/v1/weddings/{wedding}")
        state.rates = replace(rates, tenant=Bucket("two", per_s=0.0001, burst=1))
        await ana.got("GET", f"/api/v1/weddings/{wedding}")
        await ana.got("GET", f"/api/v1/weddings/{wedding}", code=429)
    finally:
        state.rates = rates


async def test_strangers_who_are_signed_in_use_up_nothing_of_a_weddings_people(town: Town) -> None:
    ana, stranger = await town.person(), await town.person("stranger")
    wedding = await town.wedding(ana)
    path = f"/api/v1/weddings/{wedding}"
    await ana.got("GET", path)
    state, rates = town.app.state, town.app.state.rates
    state.rates = replace(rates, tenant=Bucket("few", per_s=0.0001, burst=3), newcomers=Bucket("new", 0.0001, 4))
    try:
        # Refused before and after it is known that they are strangers: 422 tells nobody's standing.
        for body in ({"couple_names": "X"}, {"couple_names": 7}) * 2:
            await stranger.ask("PATCH", path, body)
        await stranger.got("GET", path, code=429)
        other = await town.person("other")
        await other.got("GET", path, code=404)
        for _ in range(3):
            await ana.got("GET", path)
        await ana.got("GET", path, code=429)
    finally:
        state.rates = rates


async def test_all_keys_of_a_person_are_one_person_and_are_not_endless(town: Town) -> None:
    ana = await town.person()
    made = [await ana.got("POST", "/api/v1/api-keys", {"name": f"Key {n}"}, code=201) for n in range(50)]
    await ana.got("POST", "/api/v1/api-keys", {"name": "One more"}, code=409)
    await ana.got("DELETE", f"/api/v1/api-keys/{made[0]['id']}", code=204)
    await ana.got("POST", "/api/v1/api-keys", {"name": "In its place"}, code=201)
    state, rates = town.app.state, town.app.state.rates
    state.rates = replace(rates, person=Bucket("two", per_s=0.0001, burst=2))
    try:
        async with behind_proxy(town.app, "198.51.100.70") as http:
            assert [(await _me(http, key["secret"])).status_code for key in made[1:4]] == [200, 200, 429]
    finally:
        state.rates = rates


async def test_signing_in_is_strict_by_address_also_without_valkey_and_a_neighbour_is_not_hindered(town: Town) -> None:
    held = town.app.state.ctx
    client = connect("valkey://127.0.0.1:1")
    town.app.state.ctx = replace(held, limits=Limits(client))
    form = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"} | SAME_ORIGIN
    try:
        async with behind_proxy(town.app, "198.51.100.20", **form) as http:
            for _ in range(3):
                assert (await http.post("/sign-in", content="email=bea%40example.test")).status_code == 200
            late = await http.post("/sign-in", content="email=bea%40example.test")
            assert late.status_code == 429
            assert "A little slower" in late.text
            assert (await http.get("/")).status_code == 200
        async with behind_proxy(town.app, "198.51.100.21", **form) as http:
            assert (await http.post("/sign-in", content="email=bea%40example.test")).status_code == 200
    finally:
        town.app.state.ctx = held
        await client.aclose()


async def test_one_mailbox_is_sent_few_links_however_many_ask(town: Town) -> None:
    bea = await town.person("bea")
    for number in range(8):
        async with behind_proxy(town.app, f"198.51.100.{30 + number}") as http:
            assert (await http.post("/auth/sign-in", json={"email": bea.email})).status_code == 202
    assert len(await town.mails(bea.id)) == 5


async def test_guessed_credentials_are_stopped_before_the_database_and_good_ones_are_not(town: Town) -> None:
    ana = await town.person()
    async with behind_proxy(town.app, "198.51.100.50") as http:
        statuses = [(await _me(http, f"wsk_{number}")).status_code for number in range(limiting.LOOKUPS.burst + 40)]
        assert statuses[: limiting.LOOKUPS.burst] == [401] * limiting.LOOKUPS.burst
        assert statuses[-1] == 429
    async with behind_proxy(town.app, "198.51.100.51") as http:
        assert {(await _me(http, ana.bearer)).status_code for _ in range(limiting.LOOKUPS.burst + 40)} == {200}


async def _me(http: httpx.AsyncClient, secret: str) -> httpx.Response:
    return await http.get("/api/v1/me", headers={"authorization": f"Bearer {secret}"})


def test_the_database_and_signing_in_are_strictest_for_whatever_is_built_below_their_prefix(town: Town) -> None:
    rates = town.app.state.rates
    for path in ("/api/database/health", "/api/database/metrics", "/api/database/migrate", "/api/database/x/y"):
        assert limiting.strict_limit("GET", path, rates) is limiting.DATABASE
    assert limiting.strict_limit("POST", "/auth/sign-in", rates) is rates.sign_in
    assert limiting.strict_limit("POST", "/sign-in", rates) is rates.sign_in
    assert limiting.strict_limit("GET", "/sign-in/abc", rates) is limiting.ARRIVALS
    assert limiting.strict_limit("GET", "/api/v1/me", rates) is None
    assert limiting.DATABASE.count / limiting.DATABASE.window_s < rates.anonymous.per_s / 100


async def test_an_address_has_only_so_many_requests_under_way(town: Town) -> None:
    ana, state, rates = await town.person(), town.app.state, town.app.state.rates
    state.rates = replace(rates, connections=2)
    try:
        async with behind_proxy(town.app, "198.51.100.60", authorization=f"Bearer {ana.bearer}") as http:
            await http.get("/api/v1/me")
            answers = await asyncio.gather(*(http.get("/api/v1/me") for _ in range(6)))
            assert sorted({answer.status_code for answer in answers}) == [200, 429]
            assert (await http.get("/api/v1/me")).status_code == 200
    finally:
        state.rates = rates


def test_only_our_own_proxies_say_whose_address_it_is() -> None:
    ours = addresses.networks(["10.0.0.0/8", "fd00::/8"])
    assert addresses.client_of("203.0.113.9", "1.2.3.4", ours) == "203.0.113.9"
    assert addresses.client_of("10.1.1.1", None, ours) == "10.1.1.1"
    assert addresses.client_of("10.1.1.1", "1.2.3.4, 203.0.113.9", ours) == "203.0.113.9"
    assert addresses.client_of("10.1.1.1", "1.2.3.4, 203.0.113.9, 10.2.2.2", ours) == "203.0.113.9"
    assert addresses.client_of("10.1.1.1", "[2001:db8::1]:4711", ours) == "2001:db8::1"
    assert addresses.client_of("::ffff:10.1.1.1", "203.0.113.9:80", ours) == "203.0.113.9"
    assert addresses.client_of("10.1.1.1", "1.2.3.4, unknown", ours) == "10.1.1.1"
    assert addresses.client_of("10.1.1.1", "1.2.3.4", ()) == "10.1.1.1"


async def test_looking_for_a_party_and_slow_heads_count_a_block_of_ipv6(town: Town) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    await ana.got("PUT", f"/api/v1/weddings/{wedding}/site", {"slug": f"w-{wedding[-12:]}"})
    form = {"content-type": "application/x-www-form-urlencoded"} | SAME_ORIGIN
    codes = []
    for number in range(1, 25):
        async with behind_proxy(town.app, f"2001:db8:5:5::{number:x}", **form) as http:
            codes.append((await http.post(f"/w/w-{wedding[-12:]}/rsvp", content="name=Nobody")).status_code)
    assert codes[-1] == 429
    opened = Opened(2)
    assert [opened.came(f"2001:db8:6:6::{number}") for number in (1, 2, 3)] == [True, True, False]
    for number in (1, 2, 3):
        opened.went(f"2001:db8:6:6::{number}")
    assert opened.came("2001:db8:6:6::4")


def test_one_customers_ipv6_addresses_are_one_caller() -> None:
    assert addresses.block_of("2001:db8:1:2:3::4") == addresses.block_of("2001:db8:1:2:ffff::1")
    assert addresses.block_of("2001:db8:1:2::4") != addresses.block_of("2001:db8:1:3::4")
    assert addresses.block_of("::ffff:203.0.113.9") == "203.0.113.9"
    assert addresses.block_of("203.0.113.9") == "203.0.113.9"


@pytest.fixture(scope="module")
def served_web(settings: Settings, database: Database) -> Iterator[int]:
    """The web process as it is run, by itself; its port."""
    own = replace(settings, database_url=database.user, port=free_port(), web_workers=1)
    command = [sys.executable, "-m", "wedsync.processes.start", "web"]
    process = spawn(command, environ=os.environ, folder=Path.cwd(), log=own.data_dir / "web.log", stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(own.environ()))
        process.stdin.close()
        until(lambda: _answers(own.port), within_s=PATIENCE_S)
        yield own.port
    finally:
        end(process, (signal.SIGTERM, 20.0))


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def _drip(port: int, head: bytes, *, whole: bytes = b"") -> tuple[float, bytes]:
    """Send a head, then a byte at a time; returns after how long it was cut, and what was said."""
    began = time.monotonic()
    with sockets.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(whole)
        for byte in head + b"x" * 200:
            try:
                connection.sendall(bytes([byte]))
                connection.settimeout(0.1)
                said = connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                return time.monotonic() - began, b""
            return time.monotonic() - began, said
    return time.monotonic() - began, b"never cut"


async def test_a_body_or_a_head_that_comes_a_byte_at_a_time_is_cut_in_seconds(served_web: int) -> None:
    head = b"POST /auth/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n"
    slow_body = asyncio.to_thread(_drip, served_web, b"", whole=head)
    slow_head = asyncio.to_thread(_drip, served_web, b"GET / HTTP/1.1\r\nx-" + b"a" * 300)
    (body_s, told), (head_s, _) = await asyncio.gather(slow_body, slow_head)
    assert 4 < body_s < 9
    assert told.startswith(b"HTTP/1.1 408")
    assert 4 < head_s < 9


def test_a_head_that_is_too_large_is_refused(served_web: int) -> None:
    with sockets.create_connection(("127.0.0.1", served_web), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\ncookie: " + b"a" * 80_000 + b"\r\n\r\n")
        try:
            said = connection.recv(4096)
        except ConnectionError:
            said = b""
    assert said == b"" or said.startswith(b"HTTP/1.1 431"), said[:80]


async def test_the_served_web_tells_limits_to_programs(served_web: int) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{served_web}/api/v1/me")
    assert answer.status_code == 401
    assert "ratelimit" in answer.headers
