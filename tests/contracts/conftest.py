"""One application and one set of doors for every test through a door: building them costs more than most tests do."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from litestar import Litestar

from tests import ledger
from tests.contracts import one_wedding
from tests.contracts.guest_house import Builder, GuestHouse, houses
from tests.contracts.one_wedding import Stage
from tests.contracts.town import Somebody, Town, built
from tests.desk import Desk, seated
from tests.engines_fixture import Database, RunningPostgres, clone, drop, settings_for
from tests.ledger import Ledger
from tests.served import served
from wedsync.kit.config import Settings


@pytest_asyncio.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[Litestar]:
    """The web application, served to all who need no settings of their own."""
    async with served(settings) as made:
        yield made


@pytest_asyncio.fixture(scope="session")
async def town(app: Litestar, database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    """Where each test brings people of its own."""
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    yield Town(app, settings, admin)
    await admin.close()


@pytest_asyncio.fixture(scope="module")
async def own_town(
    postgres: RunningPostgres,
    worker: str,
    valkey_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Town]:
    """A town whose database is this file's alone: what counts everything there is, or is everybody's, asks for it."""
    name = request.module.__name__.rpartition(".")[2].removeprefix("test_")
    own = await clone(postgres, f"wedsync_{worker}_{name}")
    async with built(own, postgres, settings_for(tmp_path_factory.mktemp(name), own, valkey_url)) as made:
        yield made
    await drop(postgres, own.name)


@pytest_asyncio.fixture(scope="module")
async def nothing_owed(postgres: RunningPostgres, database: Database) -> None:
    """For files with a worker: what others left undone waits, or it does their thousands of jobs before this file's."""
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    await admin.execute("update jobs set run_at = run_at + interval '1 day' where lease_token is null")
    await admin.close()


@pytest_asyncio.fixture(scope="module")
async def otto(town: Town) -> Somebody:
    """Who operates the platform."""
    return await town.operator()


@pytest_asyncio.fixture(scope="session")
async def stage(database: Database, postgres: RunningPostgres) -> AsyncIterator[Stage]:
    """Where each test holds a wedding of its own."""
    async with one_wedding.opened(database, postgres.admin_url) as made:
        yield made


@pytest.fixture(scope="session")
def build(stage: Stage, app: Litestar, settings: Settings) -> Builder:
    """Makes a wedding with its plan and its guests."""
    return houses(stage, app, settings)


@pytest_asyncio.fixture(scope="session")
async def desk(app: Litestar, settings: Settings) -> AsyncIterator[Desk]:
    """One world of every audience, which its tests leave as it is or do not count."""
    async with seated(app, settings) as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def engine(postgres: RunningPostgres, worker: str, request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    """The ledger of a database that is this file's alone: a claim takes whatever is ready, whoever owed it."""
    database = await clone(postgres, f"wedsync_{worker}_{request.module.__name__.rpartition('_')[2]}")
    admin = ledger.admin_url(postgres, database)
    async with ledger.opened(user=database.user, service=database.service, admin=admin, size=8) as made:
        yield made
    await drop(postgres, database.name)


@pytest_asyncio.fixture
async def other(database: Database, postgres: RunningPostgres) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else's transaction."""
    connection = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        yield connection
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def ana(town: Town) -> Somebody:
    """Somebody who marries."""
    return await town.person()


@pytest_asyncio.fixture
async def wedding(town: Town, ana: Somebody) -> str:
    """Ana's."""
    return await town.wedding(ana)


@pytest_asyncio.fixture
async def house(build: Builder) -> GuestHouse:
    """A wedding of the house of guests."""
    return await build()
