"""Whose request it is, for whatever is counted: the block of its address, and whether its person is at home there.

The one place that reads a client's address. What counts is the block, because an IPv6 customer has 2^64 addresses.
"""

from collections import OrderedDict
from typing import Any, Final
from uuid import UUID

from litestar.types import HTTPScope

from wedsync.kit import addresses, clock
from wedsync.kit.watch import Place

KNOWN_S: Final = 60.0
KNOWN_MAX: Final = 50_000
"""Pairs of person and place; the least recently used are forgotten, until they enter again."""


def address_of(scope: HTTPScope | Any) -> str:
    """As it is: what is said of a caller, never what counts as one."""
    client = scope["client"]
    return client[0] if client else ""


def set_address(scope: HTTPScope, address: str) -> None:
    """As our own proxies say it, for everybody after."""
    scope["client"] = (address, 0)


def block_of(scope: HTTPScope | Any) -> str:
    """What limits count as one caller."""
    return addresses.block_of(address_of(scope))


class Residents:
    """Who entered which wedding, business, row or pass lately: strangers must not use up what is for its people."""

    def __init__(self) -> None:
        self._entered: OrderedDict[tuple[UUID, str], float] = OrderedDict()

    def has(self, person: UUID, named: str) -> bool:
        """Whether the person has entered what a path names within the last minute."""
        at = self._entered.get((person, named))
        return at is not None and clock.monotonic() - at < KNOWN_S

    def entered(self, person: UUID, named: str, place: Place) -> None:
        """A transaction of the request was let in somewhere; only what the path names counts."""
        if place[1] != named:
            return
        self._entered[person, named] = clock.monotonic()
        self._entered.move_to_end((person, named))
        if len(self._entered) > KNOWN_MAX:
            self._entered.popitem(last=False)
