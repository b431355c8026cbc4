"""How far the lists have been read: newest change first, down to what the last reading saw.

Workspace tells changes only to the second and by no log, so a row that changed in the second of the mark may have
changed again after it was read. As long as the last reading was near its mark, it goes on two minutes below it; after
that nothing can have been missed, and it stops at the mark itself.
"""

from datetime import datetime, timedelta
from typing import Final, Literal, get_args

import msgspec

OVERLAP: Final = timedelta(minutes=2)
Phase = Literal["contacts", "galleries", "notes", "jobs"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
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
    """`done` are the marks of lists that were read to their end; `coming` those of the reading that is under way, at
    `page` of the list `phase`."""

    done: dict[Phase, Mark] = {}
    coming: dict[Phase, Mark] = {}
    phase: Phase = PHASES[0]
    page: int = 1

    def onward(self, mark: Mark | None) -> "Cursor":
        """The next page of the same list; `mark` is that of its first page."""
        return Cursor(done=self.done, coming=self._with(mark), phase=self.phase, page=self.page + 1)

    def after(self, mark: Mark | None) -> "Cursor":
        """The next list; after the last one, the next reading."""
        coming, then = self._with(mark), PHASES.index(self.phase) + 1
        if then == len(PHASES):
            return Cursor(done={**self.done, **coming})
        return Cursor(done=self.done, coming=coming, phase=PHASES[then])

    def _with(self, mark: Mark | None) -> dict[Phase, Mark]:
        return self.coming if mark is None else {**self.coming, self.phase: mark}


def read(text: str) -> Cursor:
    """What cannot be read begins anew."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except msgspec.DecodeError:
        return Cursor()


def written(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
