"""`wedsync operator`: who operates the platform. It needs the owner's address of the database, as migrations do.

Nobody becomes an operator through a door that answers requests: whoever holds a web process cannot make one.
"""

import getpass
import socket
import sys
from typing import Final

from rich.console import Console
from rich.table import Table

from wedsync.kit.config import Settings
from wedsync.processes.engines import reach, require
from wedsync.processes.failures import CannotRun
from wedsync.processes.migrate import connected

REFUSED: Final = {
    "unknown": "Nobody signs in as {email}. They sign in once at the front page; then say this again.",
    "last": "{email} is the last operator. Add another one first: wedsync operator add.",
}
FEW: Final = (
    "Have at least two: an override of the freeze takes two, and an alert needs somebody awake. `wedsync operator add`."
)


async def add(settings: Settings, *, email: str) -> int:
    """Somebody who has signed in before; pages know within 5 s. Raises CannotRun where nobody has this address."""
    return await _change(settings, email, is_operator=True)


async def remove(settings: Settings, *, email: str) -> int:
    """From their next request on they are one no longer. Raises CannotRun, also for the last one."""
    return await _change(settings, email, is_operator=False)


async def show(settings: Settings) -> int:
    """Every one, and when they were here last."""
    async with connected(_owner(settings)) as owner:
        rows = await owner.fetch("select name, email, seen_at from app.operators_seen()")
    table = Table("E-mail", "Name", "Here last (UTC)", box=None)
    for row in rows:
        table.add_row(row["email"], row["name"], f"{row['seen_at']:%Y-%m-%d %H:%M}" if row["seen_at"] else "never")
    if rows:
        Console(width=None if sys.stdout.isatty() else 120, markup=False).print(table)
    if len(rows) < 2:
        sys.stdout.write(f"{FEW}\n")
    return 0


async def _change(settings: Settings, email: str, *, is_operator: bool) -> int:
    async with connected(_owner(settings)) as owner:
        became = await owner.fetchval("select app.operate($1, $2, $3)", email, is_operator, _by())
    if became in REFUSED:
        raise CannotRun(REFUSED[became].format(email=email))
    words = "is an operator" if is_operator else "is no operator"
    sys.stdout.write(f"{email} {words}{' already' if became == 'same' else ''}.\n")
    return 0


def _owner(settings: Settings) -> str:
    running = reach(settings)
    require(running, "owner_database_url")
    return running.owner_database_url


def _by() -> str:
    """Whose hand it was, as far as this machine knows; kept with the change."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # an account without a name, as containers have them
        return socket.gethostname()
