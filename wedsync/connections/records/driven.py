"""What the fake of a CRM offers beside `fakes.Fake`, so that one suite and the sandbox can drive all: `Driven` where it
holds records, `Taking` where it only takes in.

Who drives acts as the studio's owner in the provider's own application. The fake writes what is made here in the
provider's form by itself, never with the connector's mapper: a mapper that is wrong both ways would agree with itself.
A fake's `build(settings)` returns a `Driven`; `tests/connectors` runs over all that have `records`. That of a connector
of documents has `rules` too, the map that says which of its values is what.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol, runtime_checkable

import msgspec

from wedsync.connections.calendars.driven import DUPLICATE, OFF
from wedsync.connections.calendars.driven import MOODS as OF_ALL
from wedsync.connections.contract import Connection
from wedsync.connections.fakes import Fake, Moods
from wedsync.connections.records.record import Record

READ_ONLY: Final = "read only"
MOODS: Final[Mapping[str, str]] = {**OF_ALL, READ_ONLY: "Lets the key only read: 403 for every write."}
"""The moods that every fake of a CRM knows, by the names of `calendars.driven`, whose ACCOUNTS they have too; one
without hooks leaves out `duplicate` and `push off`. A fake whose hooks a person asks for in the provider's own
pages has `subscribe(account, address, key)`."""


@runtime_checkable
class Driven(Fake, Protocol):
    """`account` is one of ACCOUNTS; what one studio has no other sees."""

    moods: Moods
    page_size: int

    def settings_at(self, at: str) -> Mapping[str, Any]:
        """What the operator's settings of the manifest must be for a connector that is to speak to the fake at `at`."""
        ...

    def connection(self, at: str, account: str) -> Connection:
        """A connection of one of ACCOUNTS."""
        ...

    async def make(self, account: str, record: Record) -> str:
        """The new job's id. Hooks are sent as after any new one."""
        ...

    async def change(self, account: str, id: str, **fields: Any) -> None:
        """Fields of `Record` are otherwise from now on."""
        ...

    async def delete(self, account: str, id: str) -> None: ...

    def seen(self, account: str) -> dict[str, Record]:
        """Every job that is there now, by its id."""
        ...


TAKING_MOODS: Final[Mapping[str, str]] = {name: does for name, does in OF_ALL.items() if name not in (DUPLICATE, OFF)}
"""The moods that every fake knows which only takes in."""


class Taken(msgspec.Struct, frozen=True):
    """One thing that came in, as a person there reads it."""

    reference: str
    record: Record


@runtime_checkable
class Taking(Fake, Protocol):
    """`account` is one of ACCOUNTS of `calendars.driven`; what one was sent no other sees."""

    moods: Moods

    def settings_at(self, at: str) -> Mapping[str, Any]:
        """As `Driven.settings_at`."""
        ...

    def connection(self, at: str, account: str) -> Connection:
        """As `Driven.connection`."""
        ...

    def taken(self, account: str) -> list[Taken]:
        """Everything that came in, the oldest first."""
        ...
