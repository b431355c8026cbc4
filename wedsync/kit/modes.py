"""What does not work for a while, as a process knows it: the modes that an operator entered, in plain words.

Each process of the web looks every second. In read-only mode its user door opens transactions that cannot write, and
whoever tries is told what works, what waits and until when.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Final, Literal

import msgspec

from wedsync.kit import clock
from wedsync.kit.errors import Refusal

Kind = Literal["read_only", "late"]
AGAIN_S: Final = 60
"""A mode may be left before its end, so nobody is sent away for longer."""


class Words(msgspec.Struct, frozen=True):
    """What people are told: what it is, what works, and what waits."""

    title: str
    works: str
    waits: str


WORDS: Final[Mapping[Kind, Words]] = {
    "read_only": Words(
        "Nothing can be changed for a while",
        "Everything can be read, live pages stay up to date, and what was owed still goes out.",
        "Changes, answers and new sign-ups wait. In an emergency call: the day pack has everybody’s numbers.",
    ),
    "late": Words(
        "E-mails, texts and other systems are told late",
        "Everything can be read and changed, and live pages are up to date.",
        "What leaves WedSync may come late; nothing of it is lost.",
    ),
}


class Mode(msgspec.Struct, frozen=True):
    """One that is in force."""

    kind: Kind
    until: datetime

    @property
    def words(self) -> Words:
        return WORDS[self.kind]

    def refusal(self) -> Refusal:
        """What a change is answered with."""
        left_s = int((self.until - clock.now()).total_seconds())
        words = self.words
        return Refusal(
            503,
            "read_only",
            f"{words.title}, until {self.until:%H:%M} UTC at the latest, and nothing was changed. {words.works} "
            f"{words.waits}",
            headers={"Retry-After": str(max(1, min(left_s, AGAIN_S)))},
            extra={"until": self.until, "works": words.works, "waits": words.waits},
        )


class Modes:
    """Those of one process; whoever follows them replaces `all`."""

    def __init__(self) -> None:
        self.all: Sequence[Mode] = ()

    @property
    def now(self) -> list[Mode]:
        """In force: one whose time is over is over, also where nobody could be asked."""
        return [one for one in self.all if one.until > clock.now()] if self.all else []

    @property
    def read_only(self) -> Mode | None:
        return next((one for one in self.now if one.kind == "read_only"), None)


SHOWN: ContextVar[Sequence[Mode]] = ContextVar("shown_modes", default=())
"""What the page that is being made has to show."""
