"""Opened accounts of marketing providers: through the connectors' host, each answer told to the connection's health.

Where a provider lets one application ask only so often a day, every account has its share of that, so that one busy
business cannot use up everybody's.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import msgspec

from wedsync.connections.accounts.opening import Accounts
from wedsync.connections.accounts.telling import Telling
from wedsync.connections.contract import Connection, ReconnectNeeded, RetryLater
from wedsync.connections.host import Host
from wedsync.connections.marketing.allowance import share, until_midnight_s
from wedsync.connections.marketing.contract import (
    Markets,
    Spent,
    Tagging,
    Tells,
    Template,
    Trigger,
    Triggers,
    Upsert,
)
from wedsync.kit import clock
from wedsync.kit.db import Door, Tx

POLL_S: Final = 3600.0
SHARED: Final = (
    "This account has used up its share of what the provider lets WedSync ask in a day. It goes on after midnight UTC."
)


class Marketers:
    """The way to marketing providers of one process. `accounts_of` gives its accounts for its door."""

    def __init__(self, host: Host, accounts_of: Callable[[Door], Accounts]) -> None:
        self._host = host
        self._accounts_of = accounts_of

    async def open(
        self, connector: str, connection_id: UUID, tenant: UUID, door: Door, *, asked: int, sharers: int
    ) -> "Account | ReconnectNeeded | RetryLater":
        """The account, its token fresh. `asked` is how often it has asked today, `sharers` who share the allowance."""
        accounts = self._accounts_of(door)
        opened = await accounts.open(connection_id, tenant)
        if not isinstance(opened, Connection):
            return opened
        if self._host.connector(connector, Markets) is None:
            return ReconnectNeeded(reason=f"This installation has no connector {connector!r} for marketing.")
        return Account(self._host, accounts, connector, tenant, opened, asked=asked, sharers=sharers)


class Account:
    """One account, opened for one run. `asked` counts what this run has asked."""

    def __init__(
        self,
        host: Host,
        accounts: Accounts,
        connector: str,
        tenant: UUID,
        connection: Connection,
        *,
        asked: int,
        sharers: int,
    ) -> None:
        self._host = host
        self._connector = connector
        self._connection = connection
        manifest = host.manifests[connector]
        note = manifest.markets
        self._timeout_s = manifest.limits.timeout_s
        self.poll_s = POLL_S if note is None else float(note.poll_s)
        per_day = 0 if note is None else note.requests_per_day
        self._left = share(per_day, sharers, asked) if per_day else None
        self.batch_max = getattr(host.connector(connector, Markets), "batch_max", 1)
        self.triggers = host.connector(connector, Triggers) is not None
        self.tells = manifest.hooks is not None and host.connector(connector, Tells) is not None
        self.asked = 0
        self._telling = Telling(accounts, connection.id, tenant)

    async def lists(self) -> Any:
        """What members can be kept in."""
        return await self._ask(Markets, lambda c: c.lists(self._connection, timeout_s=self._timeout_s), "lists")

    async def upsert(self, upsert: Upsert) -> Any:
        """One batch."""
        asked = msgspec.structs.replace(upsert, timeout_s=self._timeout_s)
        return await self._ask(Markets, lambda c: c.upsert(asked, self._connection), "push")

    async def tag(self, tagging: Tagging) -> Any:
        """Gains and losses."""
        asked = msgspec.structs.replace(tagging, timeout_s=self._timeout_s)
        return await self._ask(Markets, lambda c: c.tag(asked, self._connection), "tag")

    async def withdraw(self, list_id: str, email: str) -> Any:
        """Out."""
        return await self._ask(
            Markets,
            lambda c: c.withdraw(list_id, email, self._connection, timeout_s=self._timeout_s),
            "withdraw",
        )

    async def left(self, list_id: str, cursor: str) -> Any:
        """Who has left."""
        return await self._ask(
            Markets, lambda c: c.left(list_id, cursor, self._connection, timeout_s=self._timeout_s), "pull"
        )

    async def write(self, template: Template) -> Any:
        """One template."""
        asked = msgspec.structs.replace(template, timeout_s=self._timeout_s)
        return await self._ask(Markets, lambda c: c.write(asked, self._connection), "template")

    async def reports(self) -> Any:
        """What became of campaigns."""
        return await self._ask(Markets, lambda c: c.reports(self._connection, timeout_s=self._timeout_s), "reports")

    async def trigger(self, trigger: Trigger) -> Any:
        """One person begins a journey."""
        asked = msgspec.structs.replace(trigger, timeout_s=self._timeout_s)
        return await self._ask(Triggers, lambda c: c.trigger(asked, self._connection), "trigger")

    async def hook(self, list_id: str, address: str) -> Any:
        """Hints are asked for, at our address with the secret that the connection's hooks have."""
        (secret, *_) = self._connection.secrets.get("secret", ("",))
        to = f"{address}?secret={quote(secret, safe='')}"
        return await self._ask(
            Tells, lambda c: c.hook(list_id, to, self._connection, timeout_s=self._timeout_s), "watch"
        )

    async def tell(self, tx: Tx) -> None:
        """What went well since the last time, counted in this transaction of the account's tenant."""
        await self._telling.tell(tx)

    async def _ask(self, protocol: Any, act: Callable[[Any], Awaitable[Any]], what: str) -> Any:
        if self._left is not None and self.asked >= self._left:
            return Spent(reason=SHARED, after_s=until_midnight_s(clock.machine_now()))
        self.asked += 1
        said: Any = await self._host.call(self._connector, protocol, act, self._connection, timeout_s=self._timeout_s)
        if isinstance(said, Spent):
            # The account itself is well: only its time has not come.
            return said
        return await self._telling.told(said, what)
