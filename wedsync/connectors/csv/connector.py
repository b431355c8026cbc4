"""A list at an address, for the host: read whole whenever it has changed, one document a row, never written.

Its address is a secret, since it is all that somebody needs to read the list.
"""

import hashlib

import msgspec

from wedsync.connections import published
from wedsync.connections.contract import (
    Account,
    Connection,
    Outcome,
    RetryLater,
    Tools,
)
from wedsync.connections.records.contract import Found, Gone, Listed, Moved, Pull, Pulled, Push, Pushed, ReadOnly
from wedsync.connections.records.record import Field, Record
from wedsync.connectors.csv import mapper
from wedsync.connectors.csv.client import Cursor, Read, address_of, whole
from wedsync.kit.http import Reply


class Csv:
    """Reads lists."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    @property
    def writes(self) -> frozenset[Field]:
        return frozenset()

    def spelled(self, record: Record) -> Record:
        return record

    def may_write(self, connection: Connection) -> bool:
        return False

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """The list itself, by its address. Fetched to see that it is one."""
        read = await whole(self._tools, connection, Cursor(), timeout_s)
        if not isinstance(read, Read):
            return _anew(read)
        address = address_of(connection)
        host = published.host_of(address)
        return Account(id=f"{host}:{hashlib.blake2b(address.encode(), digest_size=16).hexdigest()}", title=host)

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | Outcome:
        """Every row, with what is in it; nothing where the list has not changed."""
        known = _cursor(pull.cursor)
        read = await whole(self._tools, connection, known, pull.timeout_s)
        if isinstance(read, Reply):
            return Pulled(hints=(), cursor=pull.cursor)
        if not isinstance(read, Read):
            return read
        after = msgspec.json.encode(read.cursor).decode()
        if read.cursor.digest == known.digest:
            return Pulled(hints=(), cursor=after, attempt=read.attempt)
        hints = tuple(mapper.hint(one) for one in read.rows.found.values())
        return Pulled(hints=hints, cursor=after, attempt=read.attempt)

    async def listed(self, cursor: str, connection: Connection, *, timeout_s: float) -> Listed | Outcome:
        read = await whole(self._tools, connection, Cursor(), timeout_s)
        return Listed(ids=tuple(read.rows.found), attempt=read.attempt) if isinstance(read, Read) else _anew(read)

    async def read(self, id: str, connection: Connection, *, timeout_s: float) -> Found | Gone | Outcome:
        read = await whole(self._tools, connection, Cursor(), timeout_s)
        if not isinstance(read, Read):
            return _anew(read)
        found = read.rows.found.get(id)
        return Gone(attempt=read.attempt) if found is None else found

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        return ReadOnly(reason="A list at an address can only be read.")

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""


def connect(tools: Tools) -> Csv:
    return Csv(tools)


def _anew(said: Reply | Outcome) -> Outcome:
    """Nothing was said to be known, so "not changed" is no answer."""
    if isinstance(said, Reply):
        return RetryLater(reason="The list's server answered 304 to somebody who has nothing.", tries_max=3)
    return said


def _cursor(text: str) -> Cursor:
    """What cannot be read begins anew."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except msgspec.MsgspecError:
        return Cursor()
