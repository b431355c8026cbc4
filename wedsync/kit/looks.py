"""What a transaction was let into, and what it reads through a link, for the access log.

By what the database says beside its answers, and by which statements ran.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import msgspec

from wedsync.kit.meter import CALL, Meter
from wedsync.kit.watch import SOURCE, Place, Watch

ENTERED: ContextVar[Callable[[Place], None] | None] = ContextVar("entered", default=None)
"""Hears where the current request was let in: who has standing there is known only then."""


class Reads(msgspec.Struct, frozen=True):
    """Where reads through a link are counted, and calls of programs, and which scopes a statement reads."""

    watch: Watch
    scopes_of: Callable[[str], int]
    meter: Meter = msgspec.field(default_factory=Meter)


class Entered:
    """What the database says of an entering through a link; it says nothing of the couple's and of guests'.

    It comes as a message beside the answer, so that nobody asks for it and nobody waits for it. So does what a function
    told through links although no link was entered.
    """

    __slots__ = ("_call", "_reads", "_told", "link", "mask", "tenant", "touched")

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._call = CALL.get()  # it is heard outside of the request's context
        self._told: list[tuple[str, str, int]] = []
        self.tenant = self.link = ""
        self.mask = self.touched = 0

    def hear(self, _: object, message: Any) -> None:
        """`entered <tenant> <link> <mask>`, `read <tenant> <link> <scopes>`, `metered <supplier>`."""
        word, _, rest = str(message.message).partition(" ")
        if word == "metered":
            self._reads.meter.count(rest, self._call)
        if word not in ("entered", "read"):
            return
        tenant, link, number = rest.split(" ")
        if word == "read":
            self._told.append((tenant, link, int(number)))
        else:
            self.tenant, self.link, self.mask = tenant, link, int(number)

    def touch(self, statement: str) -> None:
        """A statement is run."""
        if self.link:
            self.touched |= self._reads.scopes_of(statement)

    def count(self) -> None:
        """It was given out: what was read of what the link holds."""
        for tenant, link, scopes in (*self._told, (self.tenant, self.link, self.touched & self.mask)):
            if scopes:
                self._reads.watch.read(tenant, link, scopes, SOURCE.get())
