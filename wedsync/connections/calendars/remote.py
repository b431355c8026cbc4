"""The other side as the engine sees it: one connected account, opened for one run."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from wedsync.connections.accounts.opening import Ask
from wedsync.connections.calendars.contract import (
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
    Watching,
)
from wedsync.connections.contract import Outcome, ReconnectNeeded, RetryLater
from wedsync.kit.db import Door, Row, Tx


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Whose account it is; `held` is its row of `app.account`, where it was read already, and `read_at` when."""

    connection_id: UUID
    tenant: UUID
    connector: str
    held: Row | None = None
    read_at: datetime | None = None


class Session(Protocol):
    """An opened account. What it answers to is told to whoever judges the connection's health: a failure at once, what
    went well by `tell`, so that it takes no transaction of its own."""

    @property
    def poll_s(self) -> float:
        """How often its calendars are asked while nothing is told by itself."""

    @property
    def watches(self) -> bool:
        """Whether it can tell us of changes."""

    async def calendars(self) -> tuple[RemoteCalendar, ...] | Outcome: ...
    async def pull(self, pull: Pull) -> Pulled | CursorLost | Gone | Outcome: ...
    async def push(self, push: Push) -> Pushed | Moved | Gone | ReadOnly | Outcome: ...
    async def watch(self, watch: Watch, held: Watching | None = None) -> Watching | Outcome: ...
    async def unwatch(self, calendar: str, watching: Watching) -> Outcome: ...
    async def tell(self, tx: Tx, ask: Ask | None = None) -> bool: ...

    def well(self) -> tuple[str, int] | None:
        """What `tell` would tell, and how often that was, where it is of one kind."""


class Remote(Protocol):
    """The way to accounts of one process."""

    async def open(self, where: Where, door: Door) -> Session | ReconnectNeeded | RetryLater: ...
