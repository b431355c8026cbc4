"""What the fake of a calendar provider offers beside `fakes.Fake`, so that one suite and the sandbox can drive all.

Who drives acts as the person whose calendar it is, in the provider's own application. The fake writes what is made here
in the provider's form by itself, never with the connector's mapper: a mapper that is wrong both ways would agree with
itself. A fake's `build(settings)` returns a `Driven`; `tests/connectors` runs over all that have `calendars`.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol, runtime_checkable

import msgspec

from wedsync.connections.calendars.event import Times
from wedsync.connections.contract import Connection
from wedsync.connections.fakes import Fake, Moods

ACCOUNTS: Final = ("carla@sandbox.example", "dario@sandbox.example")
"""Accounts that every fake has from its start, each with at least one calendar (that can be written, if any can)."""

SLOW: Final = "slow"
BUSY: Final = "429"
BROKEN: Final = "5xx"
DEAD: Final = "dead token"
LOST: Final = "lost reply"
TRUNCATED: Final = "truncated"
ODD: Final = "unknown fields"
DUPLICATE: Final = "duplicate"
OFF: Final = "push off"

SLOW_S: Final = 3.0
RETRY_AFTER_S: Final = 7

MOODS: Final[Mapping[str, str]] = {
    SLOW: f"Answers after {SLOW_S:g} seconds.",
    BUSY: f"Answers 429 with Retry-After: {RETRY_AFTER_S}.",
    BROKEN: "Answers 503.",
    DEAD: "Refuses every token or password: 401.",
    LOST: "Does what is asked and closes the connection without an answer.",
    TRUNCATED: "Answers 200 with the first half of the answer.",
    ODD: "Answers with members and properties that nobody has heard of.",
    DUPLICATE: "Sends every notification twice.",
    OFF: "Sends no notifications.",
}
"""The moods that every calendar fake knows; one without notifications leaves out the last two.

All but the last two are taken (`moods.take()`) once for each API call, and not by consent, tokens or the fake's pages.
"""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a person sees it there: a series is one, exceptions are not told. `id` as in `Change.id`."""

    id: str
    title: str
    times: Times


@runtime_checkable
class Driven(Fake, Protocol):
    """`calendar` is always the id that the connector's `calendars` told.

    `page_size` is how many changes the fake puts on one page at most (where the provider pages at all).
    """

    moods: Moods
    page_size: int

    def settings_at(self, at: str) -> Mapping[str, Any]:
        """What the operator's settings of the manifest must be for a connector that is to speak to the fake served
        at `at` (`http://127.0.0.1:4711`); those not named here keep their defaults."""
        ...

    def connection(self, at: str, account: str) -> Connection:
        """A connection that is signed in as one of ACCOUNTS."""
        ...

    async def make(self, calendar: str, *, title: str, times: Times) -> str:
        """The new event's id. Watchers are notified as after any change."""
        ...

    async def move(self, calendar: str, id: str, times: Times) -> None: ...

    async def delete(self, calendar: str, id: str) -> None: ...

    def seen(self, calendar: str) -> list[Seen]:
        """Every event that is there now."""
        ...

    def forget_cursors(self) -> None:
        """From now on nobody's cursor is known."""
        ...
