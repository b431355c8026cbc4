"""The worker is killed with SIGKILL when the inboxes have a change and its letters are not owed yet: the next one
writes them, and nobody is told twice.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town, built
from tests.crash.scene import KEPT_ENVIRON, ROOT
from tests.engines_fixture import Database, RunningPostgres, settings_for
from tests.eventually import eventually
from wedsync.connectors.smtp.fake import Mailbox
from wedsync.events.jobs import queries
from wedsync.events.retry import TRIES_MAX
from wedsync.kit import failpoints

OWED = "select count(*) from deliveries where tenant_id = $1 and type = 'wedding.times_changed'"
TOLD = """select (select count(*) from inbox where person_id = $1 and type = 'wedding.times_changed') as inbox,
    (select count(*) from decisions where person_id = $1 and type = 'wedding.times_changed') as decisions,
    (select cardinality(sent_at) from reaches where person_id = $1) as counted"""


@pytest_asyncio.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    opened = Mailbox()
    await opened.start()
    yield opened
    await opened.stop()


@pytest_asyncio.fixture
async def town(
    make_database: Callable[[], Awaitable[Database]],
    postgres: RunningPostgres,
    valkey_url: str,
    tmp_path: Path,
    mailbox: Mailbox,
) -> AsyncIterator[Town]:
    database = await make_database()
    settings = settings_for(tmp_path, database, valkey_url, WEDSYNC_SMTP_URL=mailbox.address)
    async with built(database, postgres, settings) as made:
        yield made


@contextmanager
def worker(town: Town, armed: str = "") -> Iterator["subprocess.Popen[bytes]"]:
    kept = {name: os.environ[name] for name in KEPT_ENVIRON if name in os.environ}
    environ = {**kept, **town.settings.environ(), "WEDSYNC_ENV": "test", failpoints.VARIABLE: armed}
    started = subprocess.Popen([sys.executable, "-m", "tests.crash.alert_worker"], env=environ, cwd=ROOT)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        started.wait()


async def moved(town: Town, ana: Somebody, wedding: str) -> Linked:
    """A ceremony has moved, and nothing but telling the one supplier of it is owed."""
    business = await town.linked(ana, wedding)
    await town.admin.execute("delete from jobs")
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": "14:10"})
    await town.admin.execute("delete from jobs where name <> 'notices.tell'")
    return business


async def test_a_worker_killed_between_the_inboxes_and_the_letters_leaves_nobody_without_and_tells_nobody_twice(
    town: Town, mailbox: Mailbox
) -> None:
    ana = await town.person("ana")
    wedding = await town.wedding(ana)
    business = await moved(town, ana, wedding)
    told = {"inbox": 1, "decisions": 1, "counted": 1}
    with worker(town, "before_finish=kill9") as killed:
        await eventually(lambda: killed.poll() is not None, within_s=60, what="the worker is killed")
    assert dict(await town.admin.fetchrow(TOLD, business.owner.id)) == told
    assert await town.admin.fetchval(OWED, UUID(wedding)) == 0
    await town.admin.execute("update jobs set lease_until = clock_timestamp() where lease_token is not null")
    assert await town.admin.fetchval(queries.reclaim, TRIES_MAX) == 1
    with worker(town):

        async def over() -> bool:
            left: int = await town.admin.fetchval("select count(*) from jobs where tenant_id = $1", UUID(wedding))
            return left == 0

        await eventually(over, within_s=60, what="all that was owed has ended")
    assert dict(await town.admin.fetchrow(TOLD, business.owner.id)) == told
    assert await town.admin.fetchval(OWED, UUID(wedding)) == 1
    assert [mail.to for mail in mailbox.mails] == [business.owner.email]
