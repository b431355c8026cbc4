"""Scopes: the unit of permission, storage and streaming; one int bitmask in SQL, names only at the edges."""

from collections.abc import Iterable
from enum import IntFlag
from functools import cache


class Scope(IntFlag):
    """What a row is about; the glossary's words, one bit each."""

    CORE = 1
    SCHEDULE = 2
    TASKS = 4
    COUNTS = 8
    GUESTS = 16
    DIETARY = 32
    CONTACTS = 64
    PHOTOS = 128
    BUDGET = 256
    PRIVATE = 512
    SITE = 1024

    def names(self) -> list[str]:
        """The set bits as lower-case words, lowest first."""
        return list(_names(self.value))

    @classmethod
    def from_names(cls, names: Iterable[str]) -> "Scope":
        """Raises ValueError on a word that is no scope."""
        mask = cls(0)
        for name in names:
            try:
                mask |= cls[name.upper()]
            except KeyError:
                raise ValueError(f"{name} is not a scope; scopes are {', '.join(cls(2047).names())}") from None
        return mask


@cache
def _names(mask: int) -> tuple[str, ...]:
    """At most 2,048 of them; going through the flags costs as much as signing a webhook."""
    return tuple(str(s.name).lower() for s in Scope if s & mask)


EVERYTHING = Scope(2047)
GRANTABLE = Scope.SCHEDULE | Scope.TASKS | Scope.COUNTS | Scope.GUESTS | Scope.DIETARY | Scope.CONTACTS | Scope.PHOTOS
