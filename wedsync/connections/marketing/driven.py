"""What the fake of a marketing provider offers beside `fakes.Fake`, so that one suite and the sandbox can drive all.

Who drives acts as the business, or as somebody who reads its letters. The fake writes what is made here in the
provider's form by itself, never with the connector's mapper: a mapper that is wrong both ways would agree with itself.
A fake's `build(settings)` returns a `Driven`; `tests/connectors` runs over all that have `markets`.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol, runtime_checkable

import msgspec

from wedsync.connections.calendars.driven import DUPLICATE, OFF
from wedsync.connections.calendars.driven import MOODS as OF_ALL
from wedsync.connections.contract import Connection
from wedsync.connections.fakes import Fake, Moods

SPENT: Final = "quota used up"
MOODS: Final[Mapping[str, str]] = {name: does for name, does in OF_ALL.items() if name not in (DUPLICATE, OFF)}
"""The moods that every fake of a marketing provider knows; one with hooks has those two as well, one that lets an
application ask only so often a day has SPENT."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A member as the business reads it there."""

    status: str
    first_name: str = ""
    last_name: str = ""
    tags: frozenset[str] = frozenset()


@runtime_checkable
class Driven(Fake, Protocol):
    """`account` is one of ACCOUNTS of `calendars.driven`; what one has no other sees."""

    moods: Moods

    def settings_at(self, at: str) -> Mapping[str, Any]:
        """What the operator's settings of the manifest must be for a connector that is to speak to the fake at `at`."""
        ...

    def connection(self, at: str, account: str) -> Connection:
        """A connection of one of ACCOUNTS."""
        ...

    def list_of(self, account: str) -> str:
        """The id of the one list that it has from its start."""
        ...

    async def unsubscribe(self, account: str, email: str) -> None:
        """As whoever reads the letters does by the link in one; hooks are sent as after any."""
        ...

    def seen(self, account: str) -> dict[str, Seen]:
        """Every member of the list, by their address."""
        ...

    def send(self, account: str, title: str, *, sends: int, opens: int, clicks: int) -> None:
        """A campaign went out, and this became of it."""
        ...
