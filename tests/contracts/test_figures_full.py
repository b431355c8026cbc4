"""The store of figures is full: everything else goes on, it is said once, and nothing old is shown as new."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.contracts.test_jobs_worker import DELIVERED, always, states, working
from tests.contracts.town import Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres, copied, settings_for
from tests.eventually import eventually
from tests.ledger import Ledger, admin_url, opened
from wedsync.kit.actor import SYSTEM
from wedsync.kit.heart import Heart
from wedsync.operations.health import actions as health
from wedsync.processes import clock, health_watch
from wedsync.processes.clock import Timer
from wedsync.web.metrics import Edge

TABLES = ("health_series", "health_marks", "health_parts", "health_changes", "delivery_days")
FULL = """create function public.no_room() returns trigger language plpgsql as $$ begin
    raise exception 'could not extend file "base/5/1": No space left on device' using errcode = '53100'; end $$"""
PATIENCE_S = 30.0


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    async with copied(postgres, f"wedsync_{worker}_figures") as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def town(
    own: Database, postgres: RunningPostgres, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    async with built(own, postgres, settings_for(tmp_path_factory.mktemp("figures"), own, valkey_url)) as made:
        await made.admin.execute(FULL)
        yield made


@pytest_asyncio.fixture(scope="module")
async def ledger(own: Database, postgres: RunningPostgres) -> AsyncIterator[Ledger]:
    async with opened(user=own.user, service=own.service, admin=admin_url(postgres, own)) as ledger:
        yield ledger


@asynccontextmanager
async def full(town: Town) -> AsyncIterator[None]:
    """None of the tables that figures are kept in can be extended."""
    for table in TABLES:
        await town.admin.execute(
            f"create trigger full_disk before insert or update on {table} for each row execute function no_room()"
        )
    try:
        yield
    finally:
        for table in TABLES:
            await town.admin.execute(f"drop trigger full_disk on {table}")


async def published(_: str) -> bool:
    return True


async def part(otto: Somebody, name: str) -> dict[str, Any]:
    found = await otto.got("GET", "/api/v1/platform/health")
    return next((one for one in found["parts"] if one["part"] == name), {})


async def test_requests_and_deliveries_go_on_and_the_process_is_not_missed(
    town: Town, otto: Somebody, ledger: Ledger
) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)

    async def unkept() -> bool:
        found = "select unkept_since is not null from process_beats where kind = 'web' and not is_over"
        return bool(await town.admin.fetchval(found))

    async def kept() -> bool:
        await ana.got("GET", f"/api/v1/weddings/{wedding}")
        return not await unkept()

    async with full(town):
        await ana.got("POST", f"/api/v1/weddings/{wedding}/tasks", {"title": "Order the cake"}, code=201)
        told = await ledger.wedding()
        endpoint = await ledger.endpoint(told)
        await ledger.facts(told, 20)
        async with working(ledger, always(DELIVERED)):
            await eventually(states(ledger, endpoint, {"delivered": 20}))
        await eventually(_asking(ana, wedding, unkept), within_s=PATIENCE_S)
        figures = await part(otto, "figures")
        assert figures["status"] == "bad" and figures["says"].startswith("Not kept since ")
        assert (await part(otto, "process web"))["says"].startswith("1 alive, 0 gone"), "it says that it lives"
        edge = await part(otto, "answers web")
        assert not edge or edge["says"].startswith("Not known: what happened since ")
        page = await otto.see("/ops/health")
        assert "rates, percentiles and promises are of before" in page
    await eventually(kept, within_s=PATIENCE_S)
    assert (await part(otto, "figures")).get("status") != "bad"


def _asking(ana: Somebody, wedding: str, check: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        await ana.got("GET", f"/api/v1/weddings/{wedding}")
        return await check()

    return asked


async def test_the_clock_keeps_its_lead_and_does_all_else_and_says_it_once(town: Town) -> None:
    ticked: list[int] = []
    stop = asyncio.Event()

    async def other(_: Any) -> None:
        ticked.append(1)
        if len(ticked) >= 12:
            stop.set()

    watch = Timer("watch", 0.05, health_watch.watching(town.settings, published))
    async with full(town):
        with capture_logs() as lines:
            serving = clock.serve(town.settings, stop=stop, ticks=[watch, Timer("other", 0.05, other)])
            await asyncio.wait_for(serving, PATIENCE_S)
    said = [line["event"] for line in lines]
    assert said.count("clock_leads") == 1 and "clock_lost_database" not in said
    [line] = [line for line in lines if line["event"] == "health_not_kept"]
    assert {"tries", "probes", "measures", "parts"} <= set(line["what"])


async def test_the_watch_alerts_that_its_figures_are_stale_and_recovers_by_itself(
    town: Town, otto: Somebody, own: Database
) -> None:
    connection = await asyncpg.connect(own.service)
    try:
        await health.gather(connection.fetchval, timedelta())
        await town.admin.execute("update health_marks set at = at - interval '3 minutes'")
        async with full(town):
            store = health_watch.Store()
            with capture_logs() as lines:
                for _ in range(3):
                    await store.kept("tries", health.gather(connection.fetchval, timedelta()))
                    store.say()
            assert [line["event"] for line in lines] == ["health_not_kept"]
            await health_watch.watching(town.settings, published)(connection)
            [alert] = [one for one in await otto.got("GET", "/api/v1/platform/alerts") if one["subject"] == "figures"]
            assert (alert["rule"], alert["severity"], alert["ended_at"]) == ("down", "ticket", None)
            assert (await part(otto, "figures"))["status"] == "bad"
        with capture_logs() as lines:
            await store.kept("tries", health.gather(connection.fetchval, timedelta()))
            store.say()
        assert [line["event"] for line in lines] == ["health_kept_again"]
        await health_watch.watching(town.settings, published)(connection)

        async def are_figures_good() -> bool:
            return bool((await part(otto, "figures"))["status"] == "good")

        assert await eventually(are_figures_good, within_s=PATIENCE_S), "also what the web counts, at its next beat"
        assert (await part(otto, "probe database"))["status"] == "good"
    finally:
        await connection.close()


async def test_a_beat_that_cannot_keep_its_figures_is_said_once_and_its_end_once(town: Town) -> None:
    edge = Edge()
    heart = Heart("worker", answered=lambda: (edge.taken(),))
    door = town.door.regardless()
    answers: list[bool | None] = []

    async def write(*values: Any) -> bool | None:
        async with door.bare(SYSTEM) as tx:
            answers.append(await tx.value("select app.beat($1, $2, $3, $4, $5, $6)", *values))
        return answers[-1]

    async def beat() -> None:
        edge.count(200, 5.0)
        stop = asyncio.Event()
        stop.set()
        await heart.beat(write, stop)

    with capture_logs() as lines:
        async with full(town):
            for _ in range(3):
                await beat()
        await beat()
    assert answers == [False, False, False, True]
    assert [line["event"] for line in lines] == ["figures_not_kept", "figures_kept_again"]
