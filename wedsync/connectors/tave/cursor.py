"""How far the lists have been read: newest change first, down to what the last reading saw.

Workspace tells changes only to the second and by no log, so a row that changed in the second of the mark may have
changed again after it was read. As long as the last reading was near its mark, it goes on two minutes below it; after
that nothing can have been missed, and it stops at the mark itself.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

OVERLAP: Final = timedelta(minutes=2)
YOUNG: Final = timedelta(minutes=10)
"""Two clocks may differ by less."""


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest change that was seen, and when we asked."""

    at: datetime
    asked: datetime

    @property
    def floor(self) -> datetime:
        """Rows that changed at or before this were read."""
        return self.at - OVERLAP if self.asked - self.at < YOUNG else self.at


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`jobs` and `contacts` are what was read to the end; `next_jobs`, `next_contacts` the marks of the reading that is
    under way, at `page` of what `phase` says."""

    jobs: Mark | None = None
    contacts: Mark | None = None
    next_jobs: Mark | None = None
    next_contacts: Mark | None = None
    phase: Literal["contacts", "jobs"] = "contacts"
    page: int = 1


def read(text: str) -> Cursor:
    """What cannot be read begins anew."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except msgspec.DecodeError:
        return Cursor()


def written(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
