"""`wedsync security`: what was refused and who signed in, for the operator, as a table or as JSON lines."""

import re
import sys
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.db import connect_pool
from wedsync.processes.engines import reach
from wedsync.processes.failures import CannotRun

AGO: Final = re.compile(r"^(\d{1,6})([mhd])$")
UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
PIPED_WIDTH: Final = 1000
"""What is read by a program has each event in a line, however long."""
KIND: Final = re.compile(r"^[a-z_]+(\.(\*|[a-z_]+))?$")


async def run(settings: Settings, *, since: str, kind: str, address: str, limit: int, is_json: bool) -> int:
    """Newest first."""
    at, pattern = _since(since), _pattern(kind)
    pool = await connect_pool(reach(settings).door("service"), size=1, application="wedsync-security")
    try:
        rows = await pool.fetch(
            "select at, kind, tenant_id, actor_id, address, detail from app.security_log($1, $2, $3, $4)",
            at,
            pattern,
            address or None,
            limit,
        )
    finally:
        await pool.close()
    found = [dict(row) | {"detail": msgspec.json.decode(row["detail"])} for row in rows]
    if is_json:
        for one in found:
            sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
    else:
        _show(found, since)
    return 0


def _since(text: str) -> datetime:
    """`90m`, `24h`, `7d`, or a time. Raises CannotRun."""
    ago = AGO.match(text)
    if ago is not None:
        return clock.machine_now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CannotRun(f"--since is {text!r}; write it like 24h, 7d or 2027-06-05T14:30Z.") from None
    if at.tzinfo is None:
        raise CannotRun(f"--since is {text!r}, which has no time zone; write it like 2027-06-05T14:30Z.")
    return at


def _pattern(kind: str) -> str | None:
    """`access.refused`, `access.*` or `access`, as SQL's like has it. Raises CannotRun."""
    if not kind:
        return None
    if not KIND.match(kind):
        raise CannotRun(f"--kind is {kind!r}; write it like access.refused or sign_in.*.")
    noun, _, verb = kind.partition(".")
    noun, verb = noun.replace("_", r"\_"), verb.replace("_", r"\_")
    return f"{noun}.{verb if verb and verb != '*' else '%'}"


def _show(found: list[dict[str, Any]], since: str) -> None:
    if not found:
        sys.stdout.write(f"Nothing since {since}.\n")
        return
    table = Table("At", "Kind", "Times", "Address", "Endpoint", "Status", "Reason", "Tenant", "Actor", box=None)
    for one in found:
        detail = one["detail"]
        table.add_row(
            f"{one['at']:%Y-%m-%d %H:%M:%S}",
            one["kind"],
            str(detail.get("times", 1)),
            one["address"],
            detail.get("endpoint", ""),
            str(detail.get("status", "")),
            detail.get("reason", ""),
            str(one["tenant_id"] or ""),
            str(one["actor_id"] or ""),
        )
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, markup=False).print(table)
