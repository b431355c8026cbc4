"""Calls no oftener than a provider takes them: each waits for its turn, evenly spaced, for every account by itself."""

import asyncio
from collections import OrderedDict
from typing import Final

from wedsync.kit import clock

REMEMBERED_MAX: Final = 10_000


class Pace:
    """Turns of any number of accounts in this process; one account is read by one process at a time."""

    def __init__(self, per_second: int) -> None:
        self._gap_s = 1.0 / per_second
        self._next: OrderedDict[str, float] = OrderedDict()

    async def turn(self, account: str, *, within_s: float) -> float:
        """Seconds that were waited. Raises TimeoutError, at once, where the turn would come too late."""
        now = clock.monotonic()
        at = max(now, self._next.pop(account, now))
        if at - now > within_s:
            self._next[account] = at
            raise TimeoutError
        self._next[account] = at + self._gap_s
        if len(self._next) > REMEMBERED_MAX:
            self._next.popitem(last=False)
        if at > now:
            await asyncio.sleep(at - now)
        return at - now
