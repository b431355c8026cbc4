"""Credentials that stay fresh: one refresh however many ask, nothing lost, and a connection says when it is over."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.account_house import House, housed
from tests.contracts.town import Linked
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.accounts.model import Health, is_sick
from wedsync.connections.accounts.telling import Telling
from wedsync.connections.contract import Connection, Delivered, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connections.fake_client import CLIENT_SECRET
from wedsync.kit import clock
from wedsync.kit.config import Settings

AWAY = RetryLater(reason="Acme did not answer.")


@pytest_asyncio.fixture(scope="module")
async def house(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[House]:
    async with housed(database, postgres, settings) as made:
        yield made


@pytest.fixture(autouse=True)
def _fine(house: House) -> Iterator[None]:
    yield
    house.acme.consent.moods.switch("fine")


@pytest_asyncio.fixture
async def business(house: House) -> Linked:
    return await house.supplier()


async def opened(house: House, id: UUID, business: Linked) -> Connection | ReconnectNeeded | RetryLater:
    """By a process that remembers nothing."""
    accounts = house.accounts()
    try:
        return await accounts.open(id, UUID(business.supplier))
    finally:
        await accounts.close()


def token_of(found: object) -> str:
    assert isinstance(found, Connection), found
    return found.secrets["access_token"][0]


@pytest.mark.parametrize("many", [2, pytest.param(4, marks=pytest.mark.prove)])
async def test_workers_that_need_the_next_token_at_once_make_one_refresh(
    house: House, business: Linked, many: int
) -> None:
    id = await house.connected(business)
    await house.expires(id, -1)
    before = house.acme.consent.refreshes
    environ = {**os.environ, **house.settings.environ()}
    command = (sys.executable, "-m", "tests.contracts.account_program", str(id), business.supplier)
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    workers = [await asyncio.create_subprocess_exec(*command, env=environ, **pipes) for _ in range(many)]  # type: ignore[arg-type]
    for worker in workers:
        assert worker.stdout is not None
        assert (await worker.stdout.readline()).strip() == b"ready"
    said = await asyncio.gather(*(worker.communicate(b"go\n") for worker in workers))
    tokens = [line for out, _ in said for line in out.decode().split()]
    assert (len(tokens), len(set(tokens))) == (8 * many, 1)
    assert house.acme.consent.refreshes == before + 1
    assert token_of(await opened(house, id, business)).endswith(tokens[0])


async def test_a_token_that_ends_soon_is_exchanged_while_it_is_used(house: House, business: Linked) -> None:
    id = await house.connected(business)
    first = token_of(await opened(house, id, business))
    await house.expires(id, 200)
    before = house.acme.consent.refreshes
    assert token_of(await opened(house, id, business)) == first
    second = token_of(await opened(house, id, business))
    assert (second != first, house.acme.consent.refreshes) == (True, before + 1)


async def test_a_provider_that_is_away_is_waited_for_and_asked_no_more_than_needed(
    house: House, business: Linked
) -> None:
    id = await house.connected(business)
    tenant = UUID(business.supplier)
    await house.expires(id, 200)
    accounts = house.accounts()
    house.acme.consent.moods.switch("5xx")
    first = token_of(await accounts.open(id, tenant))
    await accounts.close()
    for _ in range(3):
        assert token_of(await accounts.open(id, tenant)) == first
    await accounts.close()
    (line,) = await house.admin.fetch(
        "select word, times from connection_log where connection_id = $1 and what = 'refresh'", id
    )
    assert (line["word"], line["times"]) == ("retry_later", 1)
    await house.expires(id, -1)
    assert isinstance(await accounts.open(id, tenant), RetryLater)
    assert await house.state(id) == "active"
    house.acme.consent.moods.switch("fine")
    assert token_of(await accounts.open(id, tenant)) != first


async def test_access_that_was_taken_away_is_told_and_mended(house: House, business: Linked) -> None:
    id = await house.connected(business)
    house.acme.consent.moods.switch("dead token")
    await house.expires(id, -1)
    said = await opened(house, id, business)
    assert isinstance(said, ReconnectNeeded)
    assert "invalid_grant" in said.reason
    assert await house.state(id) == "needs_reconnect"
    asked = house.acme.consent.refreshes
    assert isinstance(await opened(house, id, business), ReconnectNeeded)
    assert house.acme.consent.refreshes == asked
    (event,) = await house.events(business.supplier, "connection.broken", kind="supplier")
    assert (event.record or {})["state_reason"] == said.reason
    assert "notices.connection_broken" in await house.react(business.supplier)
    (letter,) = await house.mails(business.supplier, to=business.owner.email)
    assert "Acme Calendar" in letter["text"]
    assert f"/studio/{business.supplier}/accounts/{id}" in letter["text"]
    house.acme.consent.moods.switch("fine")
    begun = await business.owner.got("POST", f"/api/v1/connections/{id}/reconnect", {})
    await business.owner.see(await house.answered(begun["authorize_url"]), code=303)
    assert await house.state(id) == "active"
    assert isinstance(await opened(house, id, business), Connection)


async def test_a_token_refused_before_its_time_is_exchanged_once_before_a_person_is_asked(
    house: House, business: Linked
) -> None:
    id = await house.connected(business)
    tenant, accounts = UUID(business.supplier), house.accounts()
    await house.expires(id, 3000)
    first = token_of(await accounts.open(id, tenant))
    before = house.acme.consent.refreshes
    said = await Telling(accounts, id, tenant).told(ReconnectNeeded(reason="401"), "pull")
    assert isinstance(said, RetryLater)
    assert await house.state(id) == "active"
    second = token_of(await accounts.open(id, tenant))
    assert (second != first, house.acme.consent.refreshes) == (True, before + 1)
    said = await Telling(accounts, id, tenant).told(ReconnectNeeded(reason="401 again"), "pull")
    assert isinstance(said, ReconnectNeeded)
    assert (await house.state(id), house.acme.consent.refreshes) == ("needs_reconnect", before + 1)


async def test_who_was_refused_with_the_token_before_the_next_breaks_nothing(house: House, business: Linked) -> None:
    id = await house.connected(business)
    tenant, accounts = UUID(business.supplier), house.accounts()
    await accounts.open(id, tenant)
    telling = Telling(accounts, id, tenant)
    await house.expires(id, -1)
    token_of(await opened(house, id, business))
    before = house.acme.consent.refreshes
    assert isinstance(await telling.told(ReconnectNeeded(reason="401"), "pull"), RetryLater)
    assert await house.state(id) == "active"
    token_of(await accounts.open(id, tenant))
    assert house.acme.consent.refreshes == before


async def test_a_person_who_checks_hears_of_the_next_token_too(house: House, business: Linked) -> None:
    id = await house.connected(business)
    token = token_of(await opened(house, id, business))
    await house.expires(id, 3000)
    house.acme.refused.add(token)
    report = await business.owner.got("POST", f"/api/v1/connections/{id}/check")
    assert (report["state"], report["failures"]) == ("active", 0)
    assert token_of(await opened(house, id, business)) != token


async def test_a_key_that_does_not_end_by_itself_is_refused_for_good(house: House, business: Linked) -> None:
    id = await house.connected(business)
    ends = "update connection_accounts set expires_at = null, refreshed_at = null where connection_id = $1"
    await house.admin.execute(ends, id)
    said = await Telling(house.accounts(), id, UUID(business.supplier)).told(ReconnectNeeded(reason="401"), "pull")
    assert (type(said), await house.state(id)) == (ReconnectNeeded, "needs_reconnect")


async def test_exchanges_move_an_account_and_back(house: House, business: Linked) -> None:
    id = await house.connected(business)
    tenant, accounts = UUID(business.supplier), house.accounts()
    for outcome in (AWAY, Rejected(reason="no"), AWAY, RetryLater(reason="our proxy", is_ours=True)):
        await accounts.heard(id, tenant, outcome, what="pull")
    assert await house.state(id) == "active"
    await accounts.heard(id, tenant, Unknown(reason="It may have it."), what="push")
    assert await house.state(id) == "degraded"
    await accounts.heard(id, tenant, Delivered(), what="pull")
    assert await house.state(id) == "active"
    await accounts.heard(id, tenant, ReconnectNeeded(reason="401"), what="pull")
    assert await house.state(id) == "needs_reconnect"
    await accounts.heard(id, tenant, None, what="pull")
    types = [e.type for e in await house.events(business.supplier, kind="supplier")][-4:]
    assert types == ["connection.changed", "connection.mended", "connection.broken", "connection.mended"]
    log = (await business.owner.got("GET", f"/api/v1/connections/{id}/log"))["items"]
    assert [(line["word"], line["times"]) for line in log if line["what"] == "pull"][:2] == [
        ("ok", 1),
        ("reconnect_needed", 1),
    ]
    await business.owner.got("POST", f"/api/v1/connections/{id}/pause")
    await accounts.heard(id, tenant, ReconnectNeeded(reason="401"), what="pull")
    assert await house.state(id) == "paused"
    assert isinstance(await accounts.open(id, tenant), RetryLater)


async def test_the_log_is_bounded(house: House, business: Linked) -> None:
    id = await house.connected(business)
    accounts = house.accounts()
    for n in range(230):
        await accounts.heard(id, UUID(business.supplier), Rejected(reason=f"number {n}"), what="push")
    assert await house.admin.fetchval("select count(*) from connection_log where connection_id = $1", id) == 200


async def test_the_clock_judges_by_traffic_every_thirty_seconds(house: House, business: Linked) -> None:
    id = await house.connected(business)
    tenant, accounts = UUID(business.supplier), house.accounts()
    for outcome in (AWAY, AWAY, None, AWAY, AWAY, None, AWAY):
        await accounts.heard(id, tenant, outcome, what="pull")
    assert await house.state(id) == "degraded"
    await judge(house)
    assert await house.state(id) == "degraded"
    # The failures are six minutes old, then twelve: first their share is less than what came since, then they are none.
    await known(house, id, "failures = 0, window_at = window_at - interval '12 minutes', checked_at = '-infinity'")
    nudges = await judge(house)
    assert await house.state(id) == "active"
    assert any("connection.mended" in nudge for nudge in nudges)
    await known(house, id, "failures = 2")
    assert await judge(house) == []
    await known(house, id, "failures = 3, reason = 'away', checked_at = clock_timestamp() - interval '31 seconds'")
    assert len(await judge(house)) == 1
    health = await business.owner.got("GET", f"/api/v1/connections/{id}/health")
    assert (health["state"], health["state_reason"]) == ("degraded", "away")
    assert health["checked_at"] is not None


async def test_the_clock_and_the_model_judge_alike(house: House) -> None:
    rows = await house.admin.fetch(
        """select f, o, x, l, app.is_sick(f, o, x, l) as sick
        from generate_series(0, 5) f, generate_series(0, 9) o, generate_series(0, 9) x, (values (true), (false)) v(l)"""
    )
    for row in rows:
        health = Health(failures=row["f"], ok=row["o"], failed=row["x"], is_live=row["l"])
        assert is_sick(health) == row["sick"], health


async def known(house: House, id: UUID, health: str) -> None:
    """As if this had come of its traffic."""
    await house.admin.execute(f"update connection_health set {health} where connection_id = $1", id)


async def judge(house: House) -> list[str]:
    return [row[0] for row in await house.admin.fetch("select app.judge_connections()")]


async def test_on_a_wedding_day_two_failures_are_enough_and_ten_seconds_too_long(house: House) -> None:
    ana = await house.person()
    wedding = await house.wedding(ana)
    business = await house.linked(ana, wedding)
    id = await house.connected(business)
    now = clock.machine_now()
    await house.admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1, '2026-01-01', 'UTC', $2::timestamptz - interval '1 hour', $2::timestamptz + interval '1 hour')""",
        UUID(wedding),
        now,
    )
    for _ in range(2):
        await house.accounts().heard(id, UUID(business.supplier), AWAY, what="pull")
    assert await house.state(id) == "degraded"
    await known(house, id, "failures = 0, window_failed = 0, checked_at = clock_timestamp() - interval '11 seconds'")
    await judge(house)
    assert await house.state(id) == "active"


async def test_a_token_is_in_nothing_that_is_kept_or_told(
    house: House, business: Linked, capfd: pytest.CaptureFixture[str]
) -> None:
    id = await house.connected(business)
    token = token_of(await opened(house, id, business))
    house.acme.consent.grants.revoke(token)
    report = await business.owner.got("POST", f"/api/v1/connections/{id}/check")
    assert report["state"] == "needs_reconnect"
    assert token not in str(report)
    assert "•••" in report["state_reason"]
    dump = await house.admin.fetch(
        """select to_jsonb(e)::text from events e where stream_id = $1 union all
        select to_jsonb(l)::text from connection_log l where tenant_id = $1 union all
        select to_jsonb(h)::text from connection_health h where tenant_id = $1 union all
        select to_jsonb(c)::text from connections c where tenant_id = $1""",
        UUID(business.supplier),
    )
    seen = " ".join(row[0] for row in dump) + "".join(capfd.readouterr())
    seen += (await business.owner.ask("GET", "/metrics")).text
    for secret in (token, CLIENT_SECRET):
        assert secret not in seen


async def test_what_is_not_open_is_not_asked(house: House, business: Linked) -> None:
    id = await house.connected(business)
    assert isinstance(await opened(house, UUID(int=7), business), ReconnectNeeded)
    await business.owner.got("POST", f"/api/v1/connections/{id}/pause")
    paused = await opened(house, id, business)
    assert (isinstance(paused, RetryLater), getattr(paused, "is_ours", False)) == (True, True)
    await business.owner.got("POST", f"/api/v1/connections/{id}/resume")
    await business.owner.got("POST", f"/api/v1/connections/{id}/disconnect")
    assert isinstance(await opened(house, id, business), ReconnectNeeded)


async def test_a_token_that_cannot_be_opened_or_exchanged_is_for_people(house: House, business: Linked) -> None:
    id = await house.connected(business)
    broken = "update connection_accounts set credentials_sealed = '\\x00' where connection_id = $1 returning true"
    kept = await house.admin.fetchval("select credentials_sealed from connection_accounts where connection_id = $1", id)
    await house.admin.fetchval(broken, id)
    said = await opened(house, id, business)
    assert isinstance(said, ReconnectNeeded)
    assert "cannot be opened" in said.reason
    await house.admin.execute(
        "update connection_accounts set credentials_sealed = $2 where connection_id = $1", id, kept
    )
    assert isinstance(await opened(house, id, business), Connection)


async def test_who_has_just_asked_in_vain_is_not_followed_by_the_next(house: House, business: Linked) -> None:
    id = await house.connected(business)
    await house.expires(id, -1)
    house.acme.consent.moods.switch("5xx")
    tenant = UUID(business.supplier)
    several = [house.accounts() for _ in range(3)]
    asked = house.acme.consent.refreshes
    said = await asyncio.gather(*(accounts.open(id, tenant) for accounts in several))
    assert all(isinstance(one, RetryLater) for one in said)
    assert house.acme.consent.refreshes == asked
    for accounts in several:
        await accounts.close()
    house.acme.consent.moods.switch("fine")
    assert isinstance(await opened(house, id, business), Connection)
