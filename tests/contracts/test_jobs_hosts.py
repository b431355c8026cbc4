"""Hosts that several endpoints share: left alone when they fail several, asked by one, and told between workers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.engines_fixture import RunningPostgres, clone, drop
from tests.ledger import Ledger, Wedding, admin_url, opened
from tests.rules.test_hints import heard_by
from wedsync.events.breakers import hopeful
from wedsync.events.deliver import ending
from wedsync.events.hints import Hint, Hints
from wedsync.events.jobs import Job, Queue
from wedsync.events.retry import Exchange, Outcome, State, Verdict
from wedsync.kit import clock

SILENT = Outcome(word="retry_later", reason="No connection.", is_unreachable=True, exchange=Exchange(total_ms=9.0))
BROKEN = Outcome(word="retry_later", reason="It answered 500.", exchange=Exchange(status=500))
TOKENLESS = Outcome(word="retry_later", reason="No token.", is_unasked=True, exchange=Exchange(total_ms=9.0))
MISSING = Outcome(word="retry_later", reason="It answered 404.", exchange=Exchange(status=404))
SEND_TEST = """select app.send_test($1, $2, '{"type": "party.tried"}')"""
HEALTH = "select breaker_failures, failed_times from destinations where id = $1"
TAKEN = Outcome(word="delivered", exchange=Exchange(status=200, total_ms=5.0))


@pytest_asyncio.fixture(scope="module")
async def engine(postgres: RunningPostgres, worker: str) -> AsyncIterator[Ledger]:
    database = await clone(postgres, f"wedsync_{worker}_hosts")
    admin = admin_url(postgres, database)
    async with opened(user=database.user, service=database.service, admin=admin, size=8) as ledger:
        yield ledger
    await drop(postgres, database.name)


@pytest_asyncio.fixture
async def ledger(engine: Ledger) -> Ledger:
    await engine.admin.execute("delete from jobs")
    await engine.admin.execute("delete from hosts")
    return engine


async def town(ledger: Ledger, endpoints: int, *, facts: int = 4) -> tuple[str, list[Wedding], list[UUID]]:
    """A host and so many endpoints on it, each of another wedding and owed so many."""
    host = f"{uuid4().hex}.test"
    weddings = [await ledger.wedding() for _ in range(endpoints)]
    made = [await ledger.endpoint(one, url=f"https://{host}/hook/{n}") for n, one in enumerate(weddings)]
    for wedding in weddings:
        await ledger.facts(wedding, facts)
    return f"{host}:443", weddings, made


async def neighbours(ledger: Ledger, wedding: Wedding, host: str, endpoints: int, *, facts: int) -> list[UUID]:
    """More endpoints of one who is there already."""
    url = f"https://{host.removesuffix(':443')}/more"
    made = [await ledger.endpoint(wedding, url=f"{url}/{n}") for n in range(endpoints)]
    await ledger.facts(wedding, facts)
    return made


async def ended(ledger: Ledger, jobs: Sequence[Job], outcome: Outcome) -> None:
    state: State = "delivered" if outcome.word == "delivered" else "deferred"
    verdict = Verdict(state=state, reason=outcome.reason, delay_s=0.0 if state == "delivered" else 3600.0)
    at = clock.machine_now()
    await ledger.queue.complete([ending(job, outcome, verdict, started_at=at, took_ms=1.0) for job in jobs])


async def each_once(ledger: Ledger, outcome: Outcome, endpoints: Sequence[UUID]) -> None:
    """One try of each of these ends so; the rest is given back."""
    jobs = await ledger.claim()
    firsts = [next(job for job in jobs if job.destination_id == one) for one in endpoints]
    await ledger.queue.release([job for job in jobs if job not in firsts])
    for job in firsts:
        await ended(ledger, [job], outcome)


async def host_of(ledger: Ledger, host: str) -> Any:
    return await ledger.admin.fetchrow(
        "select failures, openings, open_until - statement_timestamp() as left_over, failing, well from hosts"
        " where host = $1",
        host,
    )


async def make_half_open(ledger: Ledger, host: str) -> None:
    """As if its time had gone by, and every destination's own as well."""
    await ledger.admin.execute("update hosts set open_until = clock_timestamp() where host = $1", host)
    await ledger.admin.execute("update destinations set not_before = '-infinity', breaker_until = null")


async def test_fifty_endpoints_on_a_dead_host_are_not_each_asked_five_times(ledger: Ledger) -> None:
    host, _, endpoints = await town(ledger, 50, facts=1)
    jobs = await ledger.claim(50)
    await ledger.queue.release(jobs[5:])
    for job in jobs[:5]:
        await ended(ledger, [job], SILENT)
    row = await host_of(ledger, host)
    assert (row["failures"], row["openings"]) == (5, 1)
    assert 25 < row["left_over"].total_seconds() <= 30
    assert await ledger.claim() == []
    tries = [(await ledger.jobs(one))[0]["attempt"] for one in endpoints]
    assert sorted(tries) == [0] * 45 + [1] * 5


async def test_one_endpoint_alone_never_closes_its_host(ledger: Ledger) -> None:
    host, _, [broken, *others] = await town(ledger, 3, facts=6)
    for _ in range(4):
        await each_once(ledger, SILENT, [broken])
    assert (await host_of(ledger, host))["openings"] == 0
    assert {job.destination_id for job in await ledger.claim()} == {broken, *others}


async def test_a_host_that_serves_most_of_its_endpoints_stays_open_to_them(ledger: Ledger) -> None:
    host, weddings, endpoints = await town(ledger, 8, facts=4)
    broken, well = endpoints[:2], endpoints[2:]
    await each_once(ledger, SILENT, broken[:1])
    await each_once(ledger, TAKEN, well)
    for _ in range(3):
        await each_once(ledger, SILENT, broken)
    row = await host_of(ledger, host)
    assert (row["openings"], row["failures"]) == (0, 6)
    tenants = [one.id for one in weddings]
    assert (set(row["failing"]), set(row["well"])) == (set(tenants[:2]), set(tenants[2:]))
    await each_once(ledger, MISSING, well[:1])
    assert (await host_of(ledger, host))["failures"] == 0


async def test_what_one_tenant_can_bring_about_alone_never_closes_a_host_to_others(ledger: Ledger) -> None:
    """Any number of its endpoints, live or not; a server that answers; a token server of its own."""
    host, [loud, other], [first, quiet] = await town(ledger, 2, facts=20)
    more = await neighbours(ledger, loud, host, 3, facts=20)
    await ledger.admin.execute("update jobs set live_until = clock_timestamp() + interval '1 hour'")
    for outcome in (SILENT, BROKEN, TOKENLESS):
        for _ in range(4):
            await ledger.admin.execute("update destinations set not_before = '-infinity', breaker_until = null")
            await each_once(ledger, outcome, [first, *more])
    row = await host_of(ledger, host)
    assert row is None or (row["openings"], row["failing"]) == (0, [])
    assert quiet in {job.destination_id for job in await ledger.claim(200)}
    assert other.id != loud.id


async def test_a_token_that_is_not_had_is_the_endpoints_trouble_and_no_breakers(ledger: Ledger) -> None:
    host, _, [one, _other] = await town(ledger, 2, facts=8)
    for _ in range(6):
        await each_once(ledger, TOKENLESS, [one])
    row = await ledger.admin.fetchrow("select breaker_failures, failed_times from destinations where id = $1", one)
    assert (row["breaker_failures"], row["failed_times"]) == (0, 6), "its owner is warned of it all the same"
    assert await host_of(ledger, host) is None


async def test_a_probe_is_another_tenants_than_the_last(ledger: Ledger) -> None:
    host, [loud, *_], endpoints = await town(ledger, 2, facts=6)
    more = await neighbours(ledger, loud, host, 6, facts=6)
    for _ in range(3):
        await each_once(ledger, SILENT, endpoints)
    mine = {endpoints[0], *more}
    probed = []
    for _ in range(6):
        await make_half_open(ledger, host)
        [probe] = await ledger.claim()
        probed.append(probe.destination_id in mine)
        await ended(ledger, [probe], SILENT)
    assert probed in ([True, False] * 3, [False, True] * 3)


async def test_a_test_is_let_through_and_can_only_mend(ledger: Ledger) -> None:
    host, weddings, endpoints = await town(ledger, 5)
    await each_once(ledger, SILENT, endpoints)
    before = await host_of(ledger, host)
    for outcome in (SILENT, TOKENLESS, TAKEN):
        await ledger.admin.execute("update hosts set open_until = clock_timestamp() + interval '1 hour'")
        assert await ledger.claim() == []
        async with ledger.user.enter(weddings[3].couple, weddings[3].id) as tx:
            sent = uuid4()
            assert await tx.value(SEND_TEST, endpoints[3], sent) == "owed"
        [job] = await ledger.claim()
        assert job.id == sent
        verdict, at = Verdict(state="delivered" if outcome is TAKEN else "dead"), clock.machine_now()
        told = ending(job, outcome, verdict, started_at=at, took_ms=1.0)
        await ledger.queue.complete([hopeful(told)])
        row = await ledger.admin.fetchrow(HEALTH, endpoints[3])
        if outcome is not TAKEN:
            assert (row["breaker_failures"], row["failed_times"]) == (1, 1), "as the real one left them"
            assert (await host_of(ledger, host))["openings"] == before["openings"]
            await ledger.admin.execute("update hosts set probed = null, probing_until = '-infinity'")
    assert (row["breaker_failures"], row["failed_times"]) == (0, 0)
    assert await host_of(ledger, host) is None


async def test_one_probe_goes_to_a_host_and_never_twice_to_the_same_endpoint(ledger: Ledger) -> None:
    host, _, endpoints = await town(ledger, 5)
    await each_once(ledger, SILENT, endpoints)
    probed = []
    for opening in (2, 3):
        await make_half_open(ledger, host)
        rounds = await asyncio.gather(*(ledger.claim(8) for _ in range(6)))
        [probe] = [job for jobs in rounds for job in jobs]
        probed.append(probe.destination_id)
        await ended(ledger, [probe], SILENT)
        assert (await host_of(ledger, host))["openings"] == opening
        assert await ledger.claim() == []
    assert len(set(probed)) == 2
    await make_half_open(ledger, host)
    [probe] = await ledger.claim()
    await ended(ledger, [probe], TAKEN)
    assert await host_of(ledger, host) is None
    assert {job.destination_id for job in await ledger.claim()} == set(endpoints)


async def test_a_probe_whose_worker_ended_is_followed_by_another(ledger: Ledger) -> None:
    host, _, endpoints = await town(ledger, 5)
    await each_once(ledger, SILENT, endpoints)
    await make_half_open(ledger, host)
    assert len(await ledger.claim()) == 1
    await ledger.admin.execute("update hosts set probing_until = clock_timestamp()")
    assert len(await ledger.claim()) == 1


async def test_whoever_puts_an_endpoint_to_work_has_its_host_asked_at_once(ledger: Ledger) -> None:
    host, weddings, endpoints = await town(ledger, 5)
    await each_once(ledger, SILENT, endpoints)
    assert await ledger.claim() == []
    for quiet in ("description = 'words'", "state = 'paused'"):
        await changed(ledger, weddings[0], endpoints[0], quiet)
        assert await ledger.claim() == []
    await ledger.admin.execute("select app.settle(null, 'anonymous', null, 'none', 0, 0)")
    await ledger.admin.execute("update endpoints set warned_hours = 1, state = 'active' where id = $1", endpoints[1])
    assert (await host_of(ledger, host))["left_over"].total_seconds() > 5
    await changed(ledger, weddings[0], endpoints[0], "state = 'active'")
    [probe] = await ledger.claim()
    assert probe.destination_id in endpoints
    moved = f"https://{uuid4().hex}.test/"
    await changed(ledger, weddings[1], endpoints[1], f"url = '{moved}'")
    assert endpoints[1] in {job.destination_id for job in await ledger.claim()}


async def changed(ledger: Ledger, wedding: Wedding, endpoint: UUID, change: str) -> None:
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        await tx.run(f"update endpoints set {change} where id = $1", endpoint)


async def test_a_tenant_sees_until_when_its_hosts_rest_and_nobody_elses(ledger: Ledger) -> None:
    host, [wedding, *_], endpoints = await town(ledger, 5)
    await each_once(ledger, SILENT, endpoints)
    shown = "select host, open_until > app.now() as is_open from app.hosts_of($1)"
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        assert {(row["host"], row["is_open"]) for row in await tx.rows(shown, endpoints)} == {(host, True)}
    other = await ledger.wedding()
    async with ledger.user.enter(other.couple, other.id) as tx:
        assert await tx.rows(shown, endpoints) == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.com/a?b", "example.com:443"),
        ("http://example.com", "example.com:80"),
        ("https://example.com:8443#x", "example.com:8443"),
        ("https://[2001:db8::1]/x", "[2001:db8::1]:443"),
    ],
)
async def test_the_database_and_the_workers_call_a_host_the_same(ledger: Ledger, url: str, host: str) -> None:
    from_database = await ledger.admin.fetchval("select app.host_of($1)", url)
    hints = Hints()
    hints.believe(Hint(hosts={host: 60.0}))
    assert from_database == host
    assert hints.is_shunned(uuid4(), url)


async def test_what_one_worker_sees_fail_another_does_not_claim(ledger: Ledger) -> None:
    """Even where the database would let it: a hint may come before, and be wrong."""
    _, _, [broken, well] = await town(ledger, 2, facts=6)
    teller, hearer = heard_by()
    mine, theirs = Queue(ledger.service, hints=teller), Queue(ledger.service, hints=hearer)
    verdict, at = Verdict(state="deferred", reason="It answered 500.", delay_s=3600), clock.machine_now()
    await ledger.admin.execute("update jobs set run_at = 'infinity' where destination_id = $1", well)
    for _ in range(5):
        [job] = await mine.claim([0, 0, 0, 0], 1)
        await mine.complete([ending(job, SILENT, verdict, started_at=at, took_ms=1.0)])
    assert (teller.shunned(), hearer.shunned()) == ([], [broken])
    await ledger.admin.execute("update destinations set breaker_until = null, not_before = '-infinity'")
    await ledger.admin.execute("update jobs set run_at = clock_timestamp()")
    assert {job.destination_id for job in await theirs.claim([0, 0, 0, 0], 16)} == {well}
    assert broken in {job.destination_id for job in await mine.claim([0, 0, 0, 0], 16)}
