"""Opened accounts of real providers: through the connectors' host, each answer told to the connection's health."""

from collections.abc import Callable
from typing import Final

import msgspec

from wedsync.connections.accounts.opening import Accounts, Ask
from wedsync.connections.accounts.telling import Telling
from wedsync.connections.calendars.contract import (
    Calendars,
    CursorLost,
    Gone,
    Moved,
    Pull,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    RemoteCalendar,
    Watch,
    Watches,
    Watching,
)
from wedsync.connections.calendars.remote import Session, Where
from wedsync.connections.contract import (
    Connection,
    Outcome,
    ReconnectNeeded,
    RetryLater,
)
from wedsync.connections.host import Host
from wedsync.kit.db import Door, Tx

POLL_S: Final = 900.0


class Connected:
    """The way to accounts of one process. `accounts_of` makes them for its door, which is opened after this."""

    def __init__(self, host: Host, accounts_of: Callable[[Door], Accounts]) -> None:
        self._host = host
        self._accounts_of = accounts_of
        self._accounts: Accounts | None = None

    async def open(self, where: Where, door: Door) -> Session | ReconnectNeeded | RetryLater:
        """The account, its token fresh."""
        if self._accounts is None:
            self._accounts = self._accounts_of(door)
        opened = await self._accounts.open(where.connection_id, where.tenant, where.held)
        if not isinstance(opened, Connection):
            return opened
        if self._host.connector(where.connector, Calendars) is None:
            return ReconnectNeeded(reason=f"This installation has no connector {where.connector!r} for calendars.")
        return Account(self._host, self._accounts, where, opened)

    async def close(self) -> None:
        """What is being exchanged for new tokens is kept."""
        if self._accounts is not None:
            await self._accounts.close()


class Account:
    """One account, opened for one run."""

    def __init__(self, host: Host, accounts: Accounts, where: Where, connection: Connection) -> None:
        self._host = host
        self._where = where
        self._connection = connection
        manifest = host.manifests[where.connector]
        self._timeout_s = manifest.limits.timeout_s
        self.poll_s = POLL_S if manifest.calendars is None else float(manifest.calendars.poll_s)
        self._telling = Telling(accounts, where.connection_id, where.tenant, where.read_at)
        self.watches = manifest.hooks is not None and host.connector(where.connector, Watches) is not None

    async def calendars(self) -> tuple[RemoteCalendar, ...] | Outcome:
        """Which there are."""
        name = self._where.connector
        said = await self._host.calendars(name, self._connection, timeout_s=self._timeout_s)
        return await self._telling.told(said, "calendars")

    async def pull(self, pull: Pull) -> Pulled | CursorLost | Gone | Outcome:
        """One page."""
        asked = msgspec.structs.replace(pull, timeout_s=self._timeout_s)
        return await self._telling.told(await self._host.pull(self._where.connector, asked, self._connection), "pull")

    async def push(self, push: Push) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        """One event."""
        asked = msgspec.structs.replace(push, timeout_s=self._timeout_s)
        return await self._telling.told(await self._host.push(self._where.connector, asked, self._connection), "push")

    async def watch(self, watch: Watch, held: Watching | None = None) -> Watching | Outcome:
        """What it sends is verified by the secret that the connection's hooks have. `held` goes on where it can."""
        (token, *_) = self._connection.secrets.get("secret", ("",))
        asked = msgspec.structs.replace(watch, token=token, timeout_s=self._timeout_s)
        said = await self._host.watch(self._where.connector, asked, self._connection, held=held)
        return await self._telling.told(said, "watch")

    async def unwatch(self, calendar: str, watching: Watching) -> Outcome:
        """What is not there any more is as good as ended."""
        name = self._where.connector
        return await self._host.unwatch(name, calendar, watching, self._connection, timeout_s=self._timeout_s)

    def well(self) -> tuple[str, int] | None:
        """What went well since the last time, and how often, where it is of one kind."""
        return self._telling.well()

    async def tell(self, tx: Tx, ask: Ask | None = None) -> bool:
        """What went well since the last time, counted in this transaction of the account's tenant."""
        return await self._telling.tell(tx, ask)
