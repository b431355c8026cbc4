"""`wedsync operator`: a second operator is made and taken away at the prompt, is kept, and the last one stays."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.contracts.town import Somebody, Town
from tests.engines_fixture import RunningPostgres, clone, drop, settings_for
from tests.served import served
from wedsync.processes import operators
from wedsync.processes.failures import CannotRun


@pytest_asyncio.fixture(scope="module")
async def town(
    postgres: RunningPostgres, worker: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """A town of its own: nobody else's operators are in it."""
    own = await clone(postgres, f"wedsync_{worker}_operators")
    settings = settings_for(tmp_path_factory.mktemp("operators"), own, valkey_url)
    admin = await asyncpg.connect(postgres.admin_url, database=own.name)
    async with served(settings) as app:
        yield Town(app, settings, admin)
    await admin.close()
    await drop(postgres, own.name)


@pytest_asyncio.fixture
async def nobody_operates(town: Town) -> None:
    await town.admin.execute("update persons set is_operator = false")


async def said(town: Town, somebody: Somebody) -> list[tuple[str, Any]]:
    rows = await town.admin.fetch(
        """select kind, detail ->> 'by' as by from security_events
        where tenant_id = $1 and kind like 'operator.%' order by at""",
        somebody.id,
    )
    return [(row["kind"], row["by"]) for row in rows]


@pytest.mark.usefixtures("nobody_operates")
async def test_a_second_operator_is_added_sees_the_pages_and_is_kept(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    otto, olga = await town.person("otto"), await town.person("olga")
    for one in (otto, olga):
        assert await operators.add(town.settings, email=one.email.upper()) == 0
    assert f"{olga.email.upper()} is an operator." in capsys.readouterr().out
    await olga.see("/ops/alerts")
    assert await operators.show(town.settings) == 0
    shown = capsys.readouterr().out
    assert otto.email in shown
    assert "Have at least two" not in shown
    assert await operators.add(town.settings, email=olga.email) == 0
    assert "already" in capsys.readouterr().out
    [(kind, by)] = await said(town, olga)
    assert (kind, "@" in by) == ("operator.added", True)


@pytest.mark.usefixtures("nobody_operates")
async def test_who_is_removed_sees_nothing_and_the_last_one_stays(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    otto, olga = await town.person("otto"), await town.person("olga")
    for one in (otto, olga):
        await operators.add(town.settings, email=one.email)
    await olga.see("/ops/alerts")
    assert await operators.remove(town.settings, email=olga.email) == 0
    refused = "what a process remembers of her for seconds opens nothing: the database is asked"
    assert "There is no such" in await olga.see("/ops/alerts", code=404), refused
    assert [kind for kind, _ in await said(town, olga)] == ["operator.added", "operator.removed"]
    with pytest.raises(CannotRun, match="is the last operator"):
        await operators.remove(town.settings, email=otto.email)
    await otto.see("/ops/alerts")
    capsys.readouterr()
    await operators.show(town.settings)
    assert "Have at least two" in capsys.readouterr().out


async def test_an_address_that_nobody_signs_in_by_is_told(town: Town) -> None:
    with pytest.raises(CannotRun, match="Nobody signs in as"):
        await operators.add(town.settings, email="nobody@example.org")


async def test_no_door_that_answers_requests_can_make_one(town: Town) -> None:
    for door in ("user", "reader", "service"):
        connection = await asyncpg.connect(town.settings.door(door))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select app.operate('a@example.org', true, 'me')")
        await connection.close()


async def test_an_operator_who_signs_in_is_led_to_the_console(town: Town, otto: Somebody) -> None:
    answer = await otto.ask("GET", "/me")
    assert (answer.status_code, answer.headers.get("location")) == (303, "/ops")
    await town.wedding(otto)
    for words in ("Operating WedSync", "Ana &amp; Ben"):
        assert words in await otto.see("/me"), words
    assert "Operating WedSync" not in await (await town.person()).see("/me")
