"""A list at an address, for the host: read whole whenever it has changed, one document a row, never written.

Its address is a secret, since it is all that somebody needs to read the list.
"""

import asyncio
import hashlib
from typing import Final

import msgspec

from wedsync.connections import published
from wedsync.connections.contract import (
    Account,
    Attempt,
    Connection,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
)
from wedsync.connections.records.contract import Found, Gone, Listed, Moved, Pull, Pulled, Push, Pushed, ReadOnly
from wedsync.connections.records.record import Field, Record
from wedsync.connectors.csv import mapper
from wedsync.kit.http import Failure, Reply

BODY_MAX_BYTES: Final = 10 * 1024 * 1024
ACCEPT: Final = "text/csv, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, */*;q=0.1"


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the server said of the list, and a digest of it for servers that say nothing."""

    etag: str = ""
    modified: str = ""
    digest: str = ""


class Read(msgspec.Struct, frozen=True):
    """A list, whole."""

    rows: mapper.Rows
    cursor: Cursor
    attempt: Attempt


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
        read = await self._whole(connection, Cursor(), timeout_s)
        if not isinstance(read, Read):
            return _anew(read)
        address = _address(connection)
        host = published.host_of(address)
        return Account(id=f"{host}:{hashlib.blake2b(address.encode(), digest_size=16).hexdigest()}", title=host)

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | Outcome:
        """Every row, with what is in it; nothing where the list has not changed."""
        known = _cursor(pull.cursor)
        read = await self._whole(connection, known, pull.timeout_s)
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
        read = await self._whole(connection, Cursor(), timeout_s)
        return Listed(ids=tuple(read.rows.found), attempt=read.attempt) if isinstance(read, Read) else _anew(read)

    async def read(self, id: str, connection: Connection, *, timeout_s: float) -> Found | Gone | Outcome:
        read = await self._whole(connection, Cursor(), timeout_s)
        if not isinstance(read, Read):
            return _anew(read)
        found = read.rows.found.get(id)
        return Gone(attempt=read.attempt) if found is None else found

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        return ReadOnly(reason="A list at an address can only be read.")

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _whole(self, connection: Connection, known: Cursor, timeout_s: float) -> Read | Reply | Outcome:
        """The list; 304 as it came where it is the one that is known; else what is to be done."""
        address = _address(connection)
        if not address:
            return ReconnectNeeded(reason="The connection has no address. Connect the list again.")
        exchange, attempt = await published.fetch(
            self._tools,
            address,
            accept=ACCEPT,
            etag=known.etag,
            modified=known.modified,
            body_max_bytes=BODY_MAX_BYTES,
            timeout_s=timeout_s,
        )
        if isinstance(exchange, Failure):
            return published.unanswered(exchange, attempt)
        if exchange.status == 304:
            return exchange
        if exchange.status != 200:
            return published.refused("list", exchange, attempt, self._tools.machine_now())
        if exchange.ending == "capped":
            told = published.size_told(exchange)
            return Rejected(reason=f"The list is {told}; at most {BODY_MAX_BYTES >> 20} MiB are read.", attempt=attempt)
        if exchange.ending == "cut":
            # Half a list would look as if all the rest had been deleted.
            return RetryLater(reason="Only a part of the list came.", attempt=attempt)
        return await _read(exchange, attempt)


def connect(tools: Tools) -> Csv:
    return Csv(tools)


async def _read(reply: Reply, attempt: Attempt) -> Read | Outcome:
    try:
        rows = await asyncio.to_thread(mapper.read, reply.body)
    except mapper.ListError as error:
        return Rejected(reason=f"The address leads to {error}.", attempt=attempt)
    cursor = Cursor(
        etag=reply.headers.get("etag", ""),
        modified=reply.headers.get("last-modified", ""),
        digest=hashlib.blake2b(reply.body, digest_size=16).hexdigest(),
    )
    return Read(rows, cursor, attempt)


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


def _address(connection: Connection) -> str:
    text = connection.secrets.get("address", ("",))[0].strip()
    return text if not text or "://" in text else f"https://{text}"
