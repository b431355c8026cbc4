"""`wedsync freeze`, and the gate in front of every migration: nothing passes while the platform is frozen."""

import sys
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.kit.config import Settings
from wedsync.kit.db import connect_pool
from wedsync.operations.freeze import actions, model
from wedsync.processes import migrate, remote
from wedsync.processes.engines import reach
from wedsync.processes.failures import MigrationRefused

PATH: Final = "/api/v1/platform/freeze"
KNOWN: Final = "select to_regprocedure('app.freeze_facts(interval, interval)') is not null"


async def status(settings: Settings, *, is_json: bool) -> int:
    """How it stands, and what is ahead; always 0."""
    found = await _verdict(settings)
    _show(found, is_json=is_json)
    if not is_json:
        for one in found.ahead:
            _say(f"  {_span(one.starts_at, one.ends_at)}  {one.reason}")
    return 0


async def check(settings: Settings, *, is_json: bool) -> int:
    """For deployment gates: 0 when something may be changed, 1 when not."""
    found = await _verdict(settings)
    _show(found, is_json=is_json)
    return 1 if found.is_frozen else 0


async def ask(*, url: str, token: str, because: str, minutes: int) -> int:
    """One operator asks; prints what another one has to say."""
    async with remote.opened(url, token) as api:
        made = await api.ask("POST", f"{PATH}/overrides", {"reason": because, "minutes": minutes})
    _say(f"Asked. It is not in force yet: within an hour, another operator says `wedsync freeze confirm {made['id']}`.")
    return 0


async def confirm(*, url: str, token: str, override: UUID) -> int:
    """Another operator confirms."""
    async with remote.opened(url, token) as api:
        made = await api.ask("POST", f"{PATH}/overrides/{override}/confirm")
    _say(f"In force until {made['expires_at']}: {made['reason']}")
    return 0


async def refuse_when_frozen(owner_dsn: str, settings: Settings) -> None:
    """Raises MigrationRefused. A database from before there was a freeze, and an empty one, are not frozen."""
    if not actions.rule_of(settings).is_enforced:
        return
    async with migrate.connected(owner_dsn) as connection:
        if not await connection.fetchval(KNOWN):
            return
        found = await actions.verdict(connection.fetchval, settings)
    if found.is_frozen:
        raise MigrationRefused(
            f"The platform is frozen, so nothing was migrated. {found.reason} {_next(found)} Until then the release "
            "that ran before goes on; two operators may override it: `wedsync freeze override`."
        )


async def _verdict(settings: Settings) -> model.Verdict:
    pool = await connect_pool(reach(settings).door("service"), size=1, application="wedsync-freeze")
    try:
        return await actions.verdict(pool.fetchval, settings)
    finally:
        await pool.close()


def _show(found: model.Verdict, *, is_json: bool) -> None:
    if is_json:
        _say(msgspec.json.encode(found).decode())
        return
    _say(f"{'frozen' if found.is_frozen else 'free'}: {found.reason}")
    _say(_next(found))


def _next(found: model.Verdict) -> str:
    window = found.next_window
    if window is None:
        return "When it may be changed again is not known."
    if window.starts_at <= found.at:
        return f"It may be changed now{_until(window.ends_at)}."
    return f"It may be changed again from {window.starts_at:%a %d %b %Y %H:%M} UTC{_until(window.ends_at)}."


def _until(at: Any) -> str:
    return f" until {at:%a %d %b %Y %H:%M} UTC" if at else ""


def _span(begins: Any, ends: Any) -> str:
    return f"{begins:%a %d %b %H:%M} - {ends:%a %d %b %H:%M} UTC"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
