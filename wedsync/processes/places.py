"""How many jobs a worker may hold, lane by lane: places that no other lane's flood can take, and places for any.

A claim of 96 jobs costs the database and us hardly more than one of 16, so a claim may take many at once.
"""

from typing import Final

RESERVED: Final = (64, 48, 32, 16)
"""Places of each lane's own, critical first."""
SHARED: Final = 160
OWN_A_CLAIM: Final = 8
SHARED_A_CLAIM: Final = 88
"""One lane alone gets 96 jobs a claim, all four together at most 120."""


class Places:
    """Who is in which."""

    def __init__(self) -> None:
        self._running = [0, 0, 0, 0]

    def take(self, lane: int) -> None:
        self._running[lane] += 1

    def free(self, lane: int) -> None:
        self._running[lane] -= 1

    def own(self) -> list[int]:
        """How many the next claim may take of each lane into its own places."""
        return [max(0, min(OWN_A_CLAIM, mine - runs)) for mine, runs in zip(RESERVED, self._running, strict=True)]

    def shared(self) -> int:
        """And of any lane into those for any."""
        over = sum(max(0, runs - mine) for mine, runs in zip(RESERVED, self._running, strict=True))
        return max(0, min(SHARED_A_CLAIM, SHARED - over))
