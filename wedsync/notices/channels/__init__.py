"""The ways to tell a person outside of the product: each turns who was decided to be told into deliveries to owe.

The inbox is none of them: its row is made for everybody who is told.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import msgspec

from wedsync.events.event import Event
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.notices.model import Recipient
from wedsync.notices.wording import content as contents
from wedsync.notices.wording.content import Content, Matter
from wedsync.notices.wording.tongues import ENGLISH, Tongue


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One person to be told of one fact on one channel, decided already; `confirms` where opening the address can say
    "seen and fine"; `lines` where several facts are told as one. All of it is in the person's language (`tongue`). `on`
    is the wedding's day, `label` what has changed in a word or two, `key` the text it is said in where that is not the
    event's own.
    """

    person: Recipient
    event: Event
    title: str
    before: str
    after: str
    couple: str
    url: str
    confirms: bool
    severity: Literal["low", "normal", "high", "critical"]
    lines: Sequence[str] = ()
    label: str = ""
    on: str = ""
    tongue: Tongue = ENGLISH
    key: str = ""

    def content(self) -> Content:
        """What every channel draws. Raises WordMissing."""
        return contents.written(self.matter(), self.tongue)

    def matter(self) -> Matter:
        """What it is made of."""
        return Matter(
            key=self.key or self.event.type,
            couple=self.couple,
            title=self.title,
            label=self.label,
            before=self.before,
            after=self.after,
            url=self.url,
            on=self.on,
            confirms=self.confirms,
            severity=self.severity,
            lines=self.lines,
        )


Channel = Callable[[Tx, KeyRing, Settings, Sequence[Told]], Awaitable[list[dict[str, Any]]]]
"""Gives rows for `queries.owe`, all of one event; who has no address for the channel is left out."""
