"""Calls no oftener than Tripleseat takes them: each waits for its turn, evenly spaced, for every venue by itself."""

import asyncio
from collections import OrderedDict
from typing import Final

from wedsync.kit import clock

REMEMBERED_MAX: Final = 10_000


class Pace:
    """Turns of any number of venues in this process; one venue is read by one process at a time."""

    def __init__(self, per_second: int) -> None:
        self._gap_s = 1.0 / per_second
        self._next: OrderedDict[str, float] = OrderedDict()

    async def turn(self, venue: str, *, within_s: float) -> float:
        """Seconds that were waited. Raises TimeoutError, at once, where the turn would come too late."""
        now = clock.monotonic()
        at = max(now, self._next.pop(venue, now))
        if at - now > within_s:
            self._next[venue] = at
            raise TimeoutError
        self._next[venue] = at + self._gap_s
        if len(self._next) > REMEMBERED_MAX:
            self._next.popitem(last=False)
        if at > now:
            await asyncio.sleep(at - now)
        return at - now
