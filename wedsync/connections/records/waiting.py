"""Records that a hook has named and that are not there yet: providers tell before all of their servers know. They are
asked for a few times more; what is still not there was named in vain. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

DELAYS: Final = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10))
"""Between one look and the next. What takes longer is found by the list, or by the week's sweep."""
WAITS_MAX: Final = 200


class Wait(msgspec.Struct, frozen=True):
    """How often it was not there, and when it is looked for again."""

    tries: int
    due_at: datetime


Waits = Mapping[str, Wait]


def due(waits: Waits, now: datetime) -> list[str]:
    """Those to be looked for now, the oldest first."""
    return sorted((id for id, one in waits.items() if one.due_at <= now), key=lambda id: waits[id].due_at)


def after(waits: Waits, read: Iterable[str], missing: Iterable[str], now: datetime) -> dict[str, Wait]:
    """What is waited for once `read` were looked for and `missing` of them were not there. The newest where they are
    more than can be kept."""
    looked = set(read)
    left = {id: one for id, one in waits.items() if id not in looked}
    for id in missing:
        tries = waits[id].tries if id in waits else 0
        if tries < len(DELAYS):
            left[id] = Wait(tries + 1, now + DELAYS[tries])
    newest = sorted(left, key=lambda id: left[id].tries)[:WAITS_MAX]
    return {id: left[id] for id in newest}


def next_at(waits: Waits) -> datetime | None:
    """When somebody has to look."""
    return min((one.due_at for one in waits.values()), default=None)


def written(waits: Waits) -> str:
    return msgspec.json.encode(waits).decode()


def read(text: str) -> dict[str, Wait]:
    return msgspec.json.decode(text, type=dict[str, Wait])
