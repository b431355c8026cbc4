"""A pool's bound, moved while the pool works; and how many wait for it.

asyncpg fixes a pool's size when it is opened. So it is opened with the most it may ever have, and what is too much now
rests: its holders are taken out of the queue that connections are handed out from. A connection at work is never
ended; it rests when it comes back. This leans on a few names inside asyncpg, which tests hold on to.
"""

from asyncio import QueueEmpty
from typing import Any

import msgspec


class Elastic:
    """One pool of asyncpg's. `size` is how many connections it may have now."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._most: int = pool.get_max_size()
        self._resting: list[Any] = []

    @property
    def size(self) -> int:
        return self._most - len(self._resting)

    async def fit(self, size: int) -> int:
        """Grow or shrink as far as goes now, and return the size it has: what is busy rests at a later call."""
        queue = self._pool._queue
        wanted = max(1, min(size, self._most))
        while self.size < wanted:
            queue.put_nowait(self._resting.pop())
        ended = []
        while self.size > wanted and not queue.empty():
            holder = _least_used(queue)
            self._resting.append(holder)
            if holder.is_connected():
                ended.append(holder)
        self._pool._maxsize = self.size
        for holder in ended:
            await holder.close()
        return self.size


def _least_used(queue: Any) -> Any:
    """One that has no connection, or else one that has."""
    try:
        return queue.get_disconnected_nowait()
    except QueueEmpty:
        return queue.get_nowait()


async def give_back(connection: Any) -> None:
    """What `Pool.release` does, in place: its own makes a task for each, a tenth of the CPU of a small request.

    The task is for whoever is cancelled while the driver still talks; then the holder ends the connection by itself.
    """
    if connection._con is not None:
        connection._con._on_release()
        await connection._holder.release(None)


class Waiting(msgspec.Struct):
    """How many are waiting for a connection now; how many were given back so far, and how long those were kept."""

    count: int = 0
    ended: int = 0
    held_s: float = 0.0

    def given_back(self, held_s: float) -> None:
        self.ended += 1
        self.held_s += held_s
