"""The other side as the engine sees it: one connected CRM, opened for one run."""

from typing import Protocol
from uuid import UUID

import msgspec

from wedsync.connections.contract import Delivered, Outcome, ReconnectNeeded, RetryLater
from wedsync.connections.records.contract import (
    Found,
    Gone,
    Handed,
    Known,
    Listed,
    Moved,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    RemoteGallery,
    RemoteMessage,
    RemoteSpace,
    Send,
    Sent,
)
from wedsync.connections.records.fields import Compiled
from wedsync.connections.records.record import Field, Record
from wedsync.kit.db import Door, Tx


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Whose account it is, and the map by which its records are read."""

    connection_id: UUID
    tenant: UUID
    connector: str
    map: Compiled | None = None


class Session(Protocol):
    """An opened account. What it answers to is told to whoever judges the connection's health: a failure at once, what
    went well by `tell`, so that it takes no transaction of its own."""

    @property
    def poll_s(self) -> float:
        """How often it is asked while nothing is told by itself."""

    @property
    def hooks(self) -> bool:
        """Whether it can be told to tell us of changes."""

    @property
    def houses(self) -> bool:
        """Whether it has spaces too."""

    @property
    def hands(self) -> bool:
        """Whether it hands out galleries and messages, and lists which there are."""

    @property
    def writes(self) -> frozenset[Field]:
        """What of a record can be written there."""

    def spelled(self, record: Record) -> Record:
        """What reads back when this is written there."""

    async def pull(self, cursor: str) -> Pulled | Outcome: ...
    async def read(self, id: str) -> Found | Gone | Outcome: ...
    async def push(self, push: Push) -> Pushed | Moved | Gone | ReadOnly | Outcome: ...
    async def listed(self, cursor: str) -> Listed | Outcome: ...
    async def handed(self, kind: Handed, cursor: str) -> Listed | Outcome: ...
    async def look(self, kind: Handed, id: str) -> RemoteGallery | RemoteMessage | Gone | Outcome: ...
    async def spaces(self) -> tuple[RemoteSpace, ...] | Outcome: ...
    async def hook(self, address: str) -> Delivered | ReadOnly | Outcome: ...
    async def tell(self, tx: Tx) -> None: ...


class Outlet(Protocol):
    """An opened account that only takes in; what is told of it is told as by `Session`."""

    @property
    def poll_s(self) -> float:
        """How often we look whether something is left to be sent."""

    async def send(self, send: Send) -> Sent | Known | Outcome: ...
    async def tell(self, tx: Tx) -> None: ...


class Remote(Protocol):
    """The way to CRMs of one process."""

    async def open(self, where: Where, door: Door) -> Session | ReconnectNeeded | RetryLater: ...
    async def outlet(self, where: Where, door: Door) -> Outlet | ReconnectNeeded | RetryLater: ...
