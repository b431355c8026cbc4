"""What PostgreSQL's own types are is asked once in a process, not once in each connection: a run opens thousands.

The driver asks by the number of a type. Those of PostgreSQL itself are the same in each database of its version; what a
schema makes is asked as ever.
"""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

OWN_FROM: Final = 16_384
"""The first number that PostgreSQL gives to what others make."""
_ASK: Final = asyncpg.Connection._introspect_types
_TOLD: Final[dict[frozenset[int], Any]] = {}


async def told(self: asyncpg.Connection, numbers: Sequence[int], timeout: float | None) -> Any:
    """In place of the driver's own question."""
    asked = frozenset(numbers)
    if asked in _TOLD:
        return _TOLD[asked]
    said = await _ASK(self, numbers, timeout)
    if max(asked) < OWN_FROM:
        _TOLD[asked] = said
    return said


def keep() -> None:
    """From here on, for each connection of this process."""
    asyncpg.Connection._introspect_types = told
