"""A web process that is late sends away what can wait, by kind, before it costs anything, and takes it in again."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from litestar.routes import HTTPRoute
from msgspec.structs import replace

from tests.contracts.town import Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres, clone, drop, settings_for
from tests.eventually import eventually
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.pools import Waiting
from wedsync.processes import load_followed
from wedsync.web.admission import SHED, Kind, Standing, kind_of
from wedsync.web.shedding import Load

PATIENCE_S = 60.0
HOLDERS = 64


@pytest_asyncio.fixture(scope="module")
async def town(
    postgres: RunningPostgres, worker: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """A process of its own, late from a tenth of a second on: what it sends away, no other test is to miss."""
    database: Database = await clone(postgres, f"wedsync_{worker}_shedding")
    settings = replace(settings_for(tmp_path_factory.mktemp("shedding"), database, valkey_url), shed_delay_ms=100)
    async with built(database, postgres, settings) as made:
        yield made
    await drop(postgres, database.name)


@pytest.fixture
def load(town: Town) -> Iterator[Load]:
    found: Load = town.app.state.load
    yield found
    found.gate.standing = Standing()


@asynccontextmanager
async def saturated(town: Town) -> AsyncIterator[None]:
    """Many more want a connection than there are, and whoever has one keeps it for a while."""
    is_over = asyncio.Event()

    async def hold() -> None:
        while not is_over.is_set():
            async with town.door.bare(ANONYMOUS) as tx:
                await tx.value("select pg_sleep(0.1)::text")

    holding = [asyncio.create_task(hold()) for _ in range(HOLDERS)]
    try:
        yield
    finally:
        is_over.set()
        await asyncio.gather(*holding)


def level(town: Town) -> int:
    found: Load = town.app.state.load
    return found.gate.level


def routes(town: Town) -> Iterator[tuple[str, str, Kind]]:
    """Every method and path, with ids of nothing, and its kind."""
    for route in town.app.routes:
        if isinstance(route, HTTPRoute):
            parts = [part if isinstance(part, str) else _value(part.type) for part in route.path_components]
            for method in sorted(route.methods):
                yield method, "/" + "/".join(parts), kind_of(method, route.path_format)


def _value(kind: type) -> str:
    return str(UUID(int=7)) if kind is UUID else "1" if kind is int else "x"


def counted(text: str, kind: str) -> float:
    """How many of a kind `/metrics` says were sent away."""
    lines = [line for line in text.splitlines() if line.startswith("wedsync_web_shed_total{") and f'"{kind}"' in line]
    return float(lines[0].rsplit(" ", 1)[1])


async def test_a_process_that_is_late_sends_exports_away_takes_calls_for_help_and_recovers_by_itself(
    town: Town, otto: Somebody
) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    export, alerts = f"/api/v1/weddings/{wedding}/guests/export", f"/api/v1/weddings/{wedding}/alerts"
    assert (await ana.ask("GET", export)).status_code == 200
    async with saturated(town):
        await eventually(lambda: level(town) >= 1, within_s=PATIENCE_S)
        answer = await ana.ask("GET", export)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["kind"]) == (503, "busy", "bulk")
        assert answer.headers["content-type"] == "application/problem+json"
        assert 30 <= int(answer.headers["retry-after"]) < 60
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        called = await ana.ask("POST", alerts, {"what": "medical", "detail": "Somebody fainted."})
        assert called.status_code == 201, called.text
        assert (await town.public.ask("GET", "/healthz")).status_code == 200

        async def late() -> list[dict[str, Any]]:
            return await shedding(otto)

        [process] = await eventually(late, within_s=PATIENCE_S)
        assert process["level"] >= 1 and process["since"] and process["total"] >= 1
        page = await otto.see("/ops/modes")
        assert "Late, so that work is sent away" in page and "The web is late since" in page
        health = await otto.got("GET", "/api/v1/platform/health")
        assert {one["part"] for one in health["parts"] if one["status"] != "good"} >= {"load web"}
    assert counted((await town.public.ask("GET", "/metrics")).text, "bulk") >= 1
    await eventually(lambda: level(town) == 0, within_s=PATIENCE_S)
    assert (await ana.ask("GET", export)).status_code == 200

    async def is_over() -> bool:
        return not await shedding(otto)

    assert await eventually(is_over, within_s=PATIENCE_S)
    assert "Late, so that work is sent away" not in await otto.see("/ops/modes")


async def shedding(otto: Somebody) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await otto.got("GET", "/api/v1/platform/modes"))["shedding"]
    return found


async def test_whoever_is_sent_away_costs_neither_a_look_at_who_asks_nor_a_read_of_the_body(
    town: Town, load: Load
) -> None:
    """Every route, at every level: what reached for the database or the body would fail."""
    asked = [(method, path, kind) for method, path, kind in routes(town) if kind != Kind.VITAL]
    state, held = town.app.state, town.app.state.ctx
    state.ctx = replace(held, door=None)
    try:
        for now in (1, 3):
            for method, path, kind in asked:
                if SHED[now][kind] < 1:
                    continue
                load.gate.standing = Standing(now)
                status, headers, body = await raw(town, method, path)
                assert status == 503, (method, path)
                assert headers[b"content-type"] == b"application/problem+json"
                assert int(headers[b"retry-after"]) >= 1
                assert headers[b"cache-control"] == b"no-store"
                assert (json.loads(body)["kind"] if method != "HEAD" else kind.name.lower()) == kind.name.lower()
    finally:
        state.ctx = held
    assert len(asked) > 700


async def raw(town: Town, method: str, path: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request whose body nobody may read; the status, the headers and the body of its answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"accept", b"application/json"), (b"content-length", b"5"), (b"authorization", b"Bearer wsk_x")],
        "client": ("198.51.100.9", 1),
        "server": ("test", 80),
        "state": {},
    }
    await town.app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def test_people_are_shown_a_page_and_scripts_a_problem(town: Town, load: Load) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    load.gate.standing = Standing(3)
    shown = await ana.see(f"/me/{wedding}/guests", code=503)
    assert "Just a moment, please" in shown and "Try again" in shown and "<html" in shown
    assert "calls for help and the day’s pages still open" in shown
    assert (await ana.ask("GET", f"/me/{wedding}/guests")).json()["code"] == "busy"
    await ana.see(f"/me/{wedding}/alerts")
    await ana.see(f"/me/{wedding}/day")
    load.gate.standing = Standing(4)
    answers = [await ana.send(f"/me/{wedding}/tasks", title="Order the cake") for _ in range(2)]
    assert sorted(one.status_code for one in answers) == [303, 503]
    refused = next(one for one in answers if one.status_code == 503)
    assert "what you typed is still there" in refused.text
    assert len(await ana.got("GET", f"/api/v1/weddings/{wedding}/alerts", code=200)) >= 1
    load.gate.standing = Standing()
    tasks = await ana.got("GET", f"/api/v1/weddings/{wedding}/tasks")
    assert len(tasks["items"]) == 1, "nothing was changed by what was sent away"


async def test_a_wedding_that_is_live_is_let_in_before_the_others(town: Town, load: Load) -> None:
    ana, bea = await town.person(), await town.person("bea")
    live, other = await town.wedding(ana), await town.wedding(bea)
    await town.admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1, current_date, 'UTC', app.now() - interval '1 h', app.now() + interval '9 h')""",
        UUID(live),
    )
    await load_followed.take_live(town.door, load)
    assert UUID(live) in load.live and UUID(other) not in load.live
    load.gate.standing = Standing(3)
    await ana.got("GET", f"/api/v1/weddings/{live}/guests")
    await bea.got("GET", f"/api/v1/weddings/{other}/guests", code=503)
    load.gate.standing = Standing(1)
    assert (await ana.ask("GET", f"/api/v1/weddings/{live}/guests/export")).status_code == 200
    assert (await bea.ask("GET", f"/api/v1/weddings/{other}/guests/export")).status_code == 503


async def test_who_has_switched_it_off_is_never_sent_away() -> None:
    load = Load(delay_s=0)
    for _ in range(100):
        load.look(lag_s=9.0, waiting=Waiting(count=99, ended=1, held_s=9.0), size=1)
    assert (load.gate.level, load.gate.pressure) == (0, 0.0)


def test_how_late_it_is_is_told_by_the_loop_by_connections_and_by_what_is_under_way() -> None:
    assert pressure(lag_s=0.5) == pytest.approx(1.0, abs=0.01)
    # Twenty wait for two connections that are kept for a tenth of a second each: the last of them for a second.
    assert pressure(waiting=20) == pytest.approx(2.0, abs=0.01)
    assert pressure(under_way=1500) == pytest.approx(3.0, abs=0.01)
    assert pressure() == 0


def pressure(*, lag_s: float = 0.0, waiting: int = 0, under_way: int = 0) -> float:
    load = Load(delay_s=0.5)
    load.under_way = under_way
    for times in range(1, 60):
        load.look(lag_s=lag_s, waiting=Waiting(count=waiting, ended=10 * times, held_s=1.0 * times), size=2)
    return load.gate.pressure
