"""`wedsync mode`: enter and leave the platform's modes, through the API that is open in all of them."""

import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from wedsync.operations.modes.model import PlatformMode, PlatformModes
from wedsync.processes import remote
from wedsync.processes.failures import CannotRun

PATH: Final = "/api/v1/platform/modes"


async def status(*, url: str, token: str, is_json: bool) -> int:
    """What is in force, what was, and what late processes of the web send away; always 0."""
    found = await _known(url, token)
    if is_json:
        _say(msgspec.json.encode(found).decode())
        return 0
    for line in told(found):
        _say(line)
    return 0


def told(found: PlatformModes) -> list[str]:
    """In words."""
    modes = [f"{'in force' if one.is_in_force else 'over':8}  {_words(one)}" for one in found.items]
    sheds = [
        f"shedding  since {one.since:%a %d %b %H:%M} UTC, level {one.level}, {one.total} sent away: {one.says}"
        for one in found.shedding
    ]
    return [
        *(modes or ["No mode was entered in the last 30 days."]),
        *(sheds or ["Nothing is sent away: the web is on time."]),
    ]


async def enter(asked: Mapping[str, Any], *, url: str, token: str) -> int:
    """It ends by itself."""
    async with remote.opened(url, token) as api:
        made = msgspec.convert(await api.ask("POST", PATH, asked), type=PlatformMode)
    _say(f"In force: {_words(made)}")
    return 0


async def leave(kind: str, *, url: str, token: str) -> int:
    """Raises CannotRun where none of the kind is in force."""
    standing = next((one for one in (await _known(url, token)).items if one.kind == kind and one.is_in_force), None)
    if standing is None:
        raise CannotRun(f"The mode {kind} is not in force.")
    async with remote.opened(url, token) as api:
        await api.ask("POST", f"{PATH}/{standing.id}/leave")
    _say(f"Over: {kind}. The weddings that were told are told so.")
    return 0


async def _known(url: str, token: str) -> PlatformModes:
    async with remote.opened(url, token) as api:
        return msgspec.convert(await api.ask("GET", PATH), type=PlatformModes)


def _words(one: PlatformMode) -> str:
    return f"{one.kind} until {one.expires_at:%a %d %b %H:%M} UTC, by {one.entered_by_name}: {one.reason}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
