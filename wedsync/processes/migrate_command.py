"""`wedsync migrate`: brings the database forward, starting the embedded one for it where nobody runs it."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from wedsync.kit.config import Settings
from wedsync.processes import freezing, migrate
from wedsync.processes.engines import Engines, held, reach, require
from wedsync.processes.postgres import DATABASE


async def run(settings: Settings, *, is_plan: bool) -> None:
    """Apply what is missing and name it; with `is_plan` only name it."""
    with running_database(settings) as (running, engines):
        if engines is not None and engines.postgres is not None:
            admin = engines.postgres.url(database="postgres")
            await migrate.prepare(admin, database=DATABASE, passwords=engines.passwords)
        require(running, "owner_database_url")
        if is_plan:
            names = await migrate.pending(running.owner_database_url)
        else:
            names = await bring_forward(running)
            if engines is not None and engines.postgres is not None:
                await migrate.fence(engines.postgres.url())
    told = "would be applied" if is_plan else "applied"
    print("\n".join(f"{name}: {told}" for name in names) or "The database is up to date.")


async def bring_forward(settings: Settings) -> list[str]:
    """Apply what is missing, unless the platform is frozen: then MigrationRefused. What lacks nothing is never held."""
    if await migrate.pending(settings.owner_database_url):
        await freezing.refuse_when_frozen(settings.owner_database_url, settings)
    return await migrate.migrate(settings.owner_database_url, default_plan=settings.plan)


@contextmanager
def running_database(settings: Settings) -> Iterator[tuple[Settings, Engines | None]]:
    """Settings that lead to a running database; the engine too where it had to be started for this."""
    reached = reach(settings)
    if reached.database_url or reached.owner_database_url:
        yield reached, None
        return
    with held(settings.data_dir):
        # Only PostgreSQL is needed; an address, whatever it is, keeps Valkey from being started.
        engines = Engines(msgspec.structs.replace(settings, valkey_url=settings.valkey_url or "unix:///"))
        try:
            yield engines.start(), engines
        finally:
            engines.stop()
