"""`wedsync migrate`: brings the database forward, starting the embedded one for it where nobody runs it.

In a cluster that is not ours, roles and the database are made first by its administrator, with `--prepare`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from wedsync.kit.config import Settings, SettingsInvalid, variable
from wedsync.processes import freezing, migrate
from wedsync.processes.engines import Engines, held, reach, require
from wedsync.processes.postgres import DATABASE

LOGINS: Final[Mapping[str, str]] = {
    "database_url": "wedsync_user",
    "reader_database_url": "wedsync_reader",
    "service_database_url": "wedsync_service",
    "owner_database_url": "wedsync_owner",
}


async def run(settings: Settings, *, is_plan: bool, is_prepared: bool = False) -> None:
    """Apply what is missing and name it; with `is_plan` only name it. SettingsInvalid says what is needed for it."""
    if is_plan and is_prepared:
        raise SettingsInvalid(["--prepare changes the cluster and --plan changes nothing: leave one of them out."])
    if is_prepared:
        await _prepare(settings)
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
            elif is_prepared:
                own = urlsplit(running.owner_database_url).path
                for refused in await migrate.fence(urlsplit(settings.admin_database_url)._replace(path=own).geturl()):
                    print(refused)
    told = "would be applied" if is_plan else "applied"
    print("\n".join(f"{name}: {told}" for name in names) or "The database is up to date.")


async def _prepare(settings: Settings) -> None:
    require(settings, "admin_database_url", *LOGINS)
    database, passwords = logins(settings)
    await migrate.prepare(settings.admin_database_url, database=database, passwords=passwords)
    print("Roles and database: prepared")


def logins(settings: Settings) -> tuple[str, dict[str, str]]:
    """The database's name, and each login role's password, as the four addresses have them.

    SettingsInvalid where an address is another role's, has no password or leads to another database.
    """
    passwords: dict[str, str] = {}
    wrong: list[str] = []
    owned = urlsplit(settings.owner_database_url).path
    for field, role in LOGINS.items():
        address = urlsplit(getattr(settings, field))
        passwords[role] = unquote(address.password or "")
        if unquote(address.username or "") != role or not address.password:
            wrong.append(f"{variable(field)} must be of {role}, with a password: postgresql://{role}:…@host/wedsync.")
        elif address.path != owned or len(owned) < 2:
            wrong.append(f"{variable(field)} must end with the database's name, the same in all four: …/wedsync.")
    if wrong:
        raise SettingsInvalid(wrong)
    return unquote(owned[1:]), passwords


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
