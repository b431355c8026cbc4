"""Opened accounts of real CRMs: through the connectors' host, each answer told to the connection's health."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from wedsync.connections.accounts.opening import Accounts
from wedsync.connections.accounts.telling import Telling
from wedsync.connections.contract import (
    Connection,
    Delivered,
    Outcome,
    ReconnectNeeded,
    RetryLater,
)
from wedsync.connections.host import Host
from wedsync.connections.records.contract import (
    Found,
    Gone,
    Handed,
    Hands,
    Hooks,
    Houses,
    Known,
    Listed,
    Moved,
    Pull,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    Records,
    RemoteGallery,
    RemoteMessage,
    RemoteSpace,
    Send,
    Sends,
    Sent,
)
from wedsync.connections.records.mapped import Mapped
from wedsync.connections.records.record import Field
from wedsync.connections.records.remote import Outlet, Session, Where
from wedsync.kit.db import Door, Tx

POLL_S: Final = 300.0


class Connected:
    """The way to CRMs of one process. `accounts_of` gives its accounts for its door, which is opened after this."""

    def __init__(self, host: Host, accounts_of: Callable[[Door], Accounts]) -> None:
        self._host = host
        self._accounts_of = accounts_of

    async def open(self, where: Where, door: Door) -> Session | ReconnectNeeded | RetryLater:
        """The account, its token fresh."""
        accounts = self._accounts_of(door)
        opened = await accounts.open(where.connection_id, where.tenant)
        if not isinstance(opened, Connection):
            return opened
        connector = self._host.connector(where.connector, Records)
        if connector is None:
            return ReconnectNeeded(reason=f"This installation has no connector {where.connector!r} for records.")
        if where.map is not None:
            connector = Mapped(connector, where.map, opened)
        return Account(self._host, accounts, where, opened, connector)

    async def outlet(self, where: Where, door: Door) -> Outlet | ReconnectNeeded | RetryLater:
        """The same of one that only takes in."""
        accounts = self._accounts_of(door)
        opened = await accounts.open(where.connection_id, where.tenant)
        return opened if not isinstance(opened, Connection) else Inlet(self._host, accounts, where, opened)


class Account:
    """One account, opened for one run."""

    def __init__(
        self, host: Host, accounts: Accounts, where: Where, connection: Connection, connector: Records
    ) -> None:
        self._host = host
        self._where = where
        self._connection = connection
        self._connector = connector
        self.writes: frozenset[Field] = connector.writes
        self.spelled = connector.spelled
        manifest = host.manifests[where.connector]
        self._timeout_s = manifest.limits.timeout_s
        self.poll_s = POLL_S if manifest.records is None else float(manifest.records.poll_s)
        self.hooks = manifest.hooks is not None and host.connector(where.connector, Hooks) is not None
        self.hands = host.connector(where.connector, Hands) is not None
        self.houses = host.connector(where.connector, Houses) is not None
        self._telling = Telling(accounts, where.connection_id, where.tenant)

    async def pull(self, cursor: str) -> Pulled | Outcome:
        """One page of what may have changed."""
        asked = Pull(cursor=cursor, timeout_s=self._timeout_s)
        said: Any = await self._host.call(
            self._where.connector,
            Records,
            lambda _: self._connector.pull(asked, self._connection),
            self._connection,
            timeout_s=self._timeout_s,
        )
        return await self._telling.told(said, "pull")

    async def read(self, id: str) -> Found | Gone | Outcome:
        """One record."""
        said: Any = await self._host.call(
            self._where.connector,
            Records,
            lambda _: self._connector.read(id, self._connection, timeout_s=self._timeout_s),
            self._connection,
            timeout_s=self._timeout_s,
        )
        return await self._telling.told(said, "read")

    async def push(self, push: Push) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        """One record written."""
        asked = msgspec.structs.replace(push, timeout_s=self._timeout_s)
        said: Any = await self._host.call(
            self._where.connector,
            Records,
            lambda _: self._connector.push(asked, self._connection),
            self._connection,
            timeout_s=self._timeout_s,
        )
        return await self._telling.told(said, "push")

    async def listed(self, cursor: str) -> Listed | Outcome:
        """One page of all ids."""
        said: Any = await self._host.call(
            self._where.connector,
            Records,
            lambda _: self._connector.listed(cursor, self._connection, timeout_s=self._timeout_s),
            self._connection,
            timeout_s=self._timeout_s,
        )
        return await self._telling.told(said, "list")

    async def handed(self, kind: Handed, cursor: str) -> Listed | Outcome:
        """One page of all ids of galleries or messages."""
        said: Any = await self._host.call(
            self._where.connector,
            Hands,
            lambda one: one.handed(kind, cursor, self._connection, timeout_s=self._timeout_s),
            self._connection,
            timeout_s=self._timeout_s,
        )
        return await self._telling.told(said, "list")

    async def look(self, kind: Handed, id: str) -> RemoteGallery | RemoteMessage | Gone | Outcome:
        """One gallery or message."""
        said: Any = await self._host.call(
            self._where.connector,
            Hands,
            lambda one: one.look(kind, id, self._connection, timeout_s=self._timeout_s),
            self._connection,
            timeout_s=self._timeout_s,
        )
        return await self._telling.told(said, "read")

    async def spaces(self) -> tuple[RemoteSpace, ...] | Outcome:
        """All spaces there are."""
        said: Any = await self._host.call(
            self._where.connector,
            Houses,
            lambda one: one.spaces(self._connection, timeout_s=self._timeout_s),
            self._connection,
            timeout_s=self._timeout_s,
        )
        return await self._telling.told(said, "spaces")

    async def hook(self, address: str) -> Delivered | ReadOnly | Outcome:
        """Hints are asked for, at our address with the secret that the connection's hooks have."""
        (secret, *_) = self._connection.secrets.get("secret", ("",))
        said: Any = await self._host.call(
            self._where.connector,
            Hooks,
            lambda one: one.hook(
                f"{address}?secret={quote(secret, safe='')}", self._connection, timeout_s=self._timeout_s
            ),
            self._connection,
            timeout_s=self._timeout_s,
        )
        return await self._telling.told(said, "watch")

    async def tell(self, tx: Tx) -> None:
        """What went well since the last time, counted in this transaction of the account's tenant."""
        await self._telling.tell(tx)


class Inlet:
    """One account that only takes in, opened for one run."""

    def __init__(self, host: Host, accounts: Accounts, where: Where, connection: Connection) -> None:
        self._host = host
        self._where = where
        self._connection = connection
        manifest = host.manifests[where.connector]
        self._timeout_s = manifest.limits.timeout_s
        self.poll_s = POLL_S if manifest.sends is None else float(manifest.sends.poll_s)
        self._telling = Telling(accounts, where.connection_id, where.tenant)

    async def send(self, send: Send) -> Sent | Known | Outcome:
        """One record handed in."""
        asked = msgspec.structs.replace(send, timeout_s=self._timeout_s)
        said: Any = await self._host.call(
            self._where.connector,
            Sends,
            lambda one: one.send(asked, self._connection),
            self._connection,
            timeout_s=self._timeout_s,
        )
        return await self._telling.told(said, "send")

    async def tell(self, tx: Tx) -> None:
        """As `Account.tell`."""
        await self._telling.tell(tx)
