"""A trace goes from the caller through the commit to the last try of what it owed, in whichever process."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.collector import Collector, collecting
from tests.contracts.senders import Sender, said, source
from tests.contracts.town import Somebody, Town, built
from tests.crash.receiver import Receiver, receiving
from tests.engines_fixture import Database, RunningPostgres, copied
from tests.eventually import eventually
from wedsync.kit.config import Settings

RAISED = {"guest_estimate": 90}


@pytest_asyncio.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as made:
        yield made


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    async with copied(postgres, f"wedsync_{worker}_traces") as made:
        yield made


def traced(settings: Settings, database: Database, collector: Collector, share: int = 100) -> Settings:
    return msgspec.structs.replace(
        settings,
        database_url=database.user,
        service_database_url=database.service,
        egress_allow=("127.0.0.0/8",),
        otlp_url=collector.url,
        otlp_headers="authorization=Bearer%20collector-key",
        trace_share=share,
    )


@pytest_asyncio.fixture
async def town(
    own: Database, postgres: RunningPostgres, settings: Settings, collector: Collector
) -> AsyncIterator[Town]:
    async with built(own, postgres, traced(settings, own, collector)) as made:
        yield made


@asynccontextmanager
async def a_worker(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of its own, as the supervisor starts it; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wedsync.processes.start", "worker", stdin=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(settings.environ()))
        process.stdin.close()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def caller() -> tuple[str, str, dict[str, str]]:
    """Trace and span of a program that asks us, and the header by which it says so."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return trace, span, {"traceparent": f"00-{trace}-{span}-01"}


async def endpoint(ana: Somebody, wedding: str, receiver: Receiver) -> str:
    new = {"url": f"{receiver.url}/hook", "events": ["wedding.*"]}
    made = await ana.got("POST", f"/api/v1/weddings/{wedding}/endpoints", new, code=201)
    return str(made["id"])


async def change(ana: Somebody, wedding: str, headers: dict[str, str]) -> None:
    answer = await ana.ask("PATCH", f"/api/v1/weddings/{wedding}", RAISED, **headers)
    assert answer.status_code == 200


async def test_one_trace_from_the_request_to_the_last_try_over_a_killed_worker(
    town: Town, collector: Collector, receiver: Receiver
) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    await endpoint(ana, wedding, receiver)
    trace, above, headers = caller()
    receiver.status = "500 Internal Server Error"
    await change(ana, wedding, headers)
    async with a_worker(town.settings) as first:
        failed = await collector.span(trace, "attempt webhook")
        first.kill()
        await first.wait()
    receiver.status = "200 OK"
    await town.admin.execute("update jobs set run_at = clock_timestamp() where tenant_id = $1", UUID(wedding))
    async with a_worker(town.settings):
        delivery = await collector.span(trace, "delivery webhook")
    request = await collector.span(trace, "PATCH /api/v1/weddings/{wedding_id}")
    (commit,) = [s for s in collector.of(trace) if s.name == "transaction" and s.parent == request.id and s.events]
    tries = [s for s in collector.of(trace) if s.name == "attempt webhook"]
    assert (request.parent, commit.parent, delivery.parent) == (above, request.id, commit.id)
    assert [one.parent for one in tries] == [delivery.id, delivery.id]
    assert [one.attributes["wedsync.attempt"] for one in tries] == [1, 2]
    assert (failed.error, failed.attributes["wedsync.state"]) == ("retry_later", "deferred")
    assert (tries[1].error, delivery.error, delivery.attributes["wedsync.state"]) == ("", "", "delivered")
    assert [f"00-{trace}-{one.id}-01" for one in tries] == [got.traceparent for got in receiver.requests]
    calls = [s for s in collector.of(trace) if s.name == "HTTP POST"]
    assert [s.parent for s in calls] == [one.id for one in tries]
    assert [s.attributes["http.response.status_code"] for s in calls] == [500, 200]
    assert {s.service for s in (request, commit)} == {"wedsync-web"}
    assert {s.service for s in (delivery, *tries, *calls)} == {"wedsync-worker"}
    assert commit.events == ("wedding.estimate_changed",)
    assert delivery.began_ns <= tries[0].began_ns <= tries[1].ended_ns <= delivery.ended_ns


async def test_what_a_request_owes_inside_is_part_of_it_and_what_is_said_of_it_names_nobody(
    town: Town, collector: Collector
) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    trace, _, headers = caller()
    guest = {"first_name": "Carla", "last_name": "Canary", "contact": {"email": "carla@canary.example"}}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/guests", guest, code=201, **headers)
    asked = {"supplier_name": "Marlow Canary", "email": "marlow@canary.example", "level": "full"}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201, **headers)
    async with a_worker(town.settings):
        reactions = await eventually(lambda: [s for s in collector.of(trace) if s.name.startswith("reaction ")])
        reaction = reactions[0]
        (owed,) = [s for s in collector.of(trace) if s.id == reaction.parent]
    assert owed.name == "transaction"
    inside = [s for s in collector.of(trace) if s.parent == reaction.id]
    assert inside
    shown = msgspec.json.encode(collector.spans).decode().lower()
    for personal in ("canary", "carla", ana.email, str(ana.id), wedding, town.settings.otlp_headers):
        assert personal.lower() not in shown
    assert all("authorization: bearer collector-key" in head for head in collector.heads)


async def test_an_inbound_hook_is_worked_on_in_the_trace_of_its_sender(town: Town, collector: Collector) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    secret = (await source(ana, wedding, "couples"))["secret"]
    trace, above, headers = caller()
    sender = Sender(town)
    sender.http.headers.update(headers)
    assert (await sender.couples(secret, said(wedding))).status_code == 202
    async with a_worker(town.settings):
        work = await collector.span(trace, "work hooks")
    (request,) = [s for s in collector.of(trace) if s.name.startswith("POST ")]
    assert (request.parent, work.parent) == (above, request.id)


async def test_nothing_is_traced_nor_passed_on_at_a_share_of_none(
    own: Database, postgres: RunningPostgres, settings: Settings, collector: Collector, receiver: Receiver
) -> None:
    quiet = traced(settings, own, collector, share=0)
    async with built(own, postgres, quiet) as town:
        ana = await town.person()
        wedding = await town.wedding(ana)
        await endpoint(ana, wedding, receiver)
        await change(ana, wedding, caller()[2])
        kept = await town.admin.fetch("select traceparent from jobs where tenant_id = $1", UUID(wedding))
        assert {row["traceparent"] for row in kept} == {None}
        async with a_worker(quiet):
            await eventually(lambda: receiver.requests)
    assert [got.traceparent for got in receiver.requests] == [""]
    assert (collector.heads, collector.spans) == ([], [])


@pytest.mark.parametrize("status", ["503 Service Unavailable", "400 Bad Request"])
async def test_a_collector_that_is_away_or_refuses_is_in_nobodys_way(
    town: Town, collector: Collector, status: str
) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    collector.status = status
    trace, _, headers = caller()
    await change(ana, wedding, headers)
    await eventually(lambda: collector.heads)

    async def counted(name: str) -> int:
        text = (await town.public.ask("GET", "/metrics")).text
        return int(float(next(x for x in text.splitlines() if f'result="{name}"' in x).rpartition(" ")[2]))

    collector.status = "200 OK"
    again = caller()
    await change(ana, wedding, again[2])
    await collector.span(again[0], "PATCH /api/v1/weddings/{wedding_id}")
    # It is counted when the answer is back, a moment after the collector has it.
    await eventually(lambda: counted("exported"))
    is_busy = status.startswith("503")
    assert bool(collector.of(trace)) is is_busy
    assert (await counted("dropped") == 0) is is_busy
