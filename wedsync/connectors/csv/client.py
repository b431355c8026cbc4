"""Fetches a list at an address and reads it, or says what is to be done."""

import asyncio
import hashlib
from typing import Final

import msgspec

from wedsync.connections import published
from wedsync.connections.contract import Attempt, Connection, Outcome, ReconnectNeeded, Rejected, RetryLater, Tools
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


async def whole(tools: Tools, connection: Connection, known: Cursor, timeout_s: float) -> Read | Reply | Outcome:
    """The list; 304 as it came where it is the one that is known; else what is to be done."""
    address = address_of(connection)
    if not address:
        return ReconnectNeeded(reason="The connection has no address. Connect the list again.")
    exchange, attempt = await published.fetch(
        tools,
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
        return published.refused("list", exchange, attempt, tools.machine_now())
    if exchange.ending == "capped":
        told = published.size_told(exchange)
        return Rejected(reason=f"The list is {told}; at most {BODY_MAX_BYTES >> 20} MiB are read.", attempt=attempt)
    if exchange.ending == "cut":
        # Half a list would look as if all the rest had been deleted.
        return RetryLater(reason="Only a part of the list came.", attempt=attempt)
    return await _read(exchange, attempt)


def address_of(connection: Connection) -> str:
    text = connection.secrets.get("address", ("",))[0].strip()
    return text if not text or "://" in text else f"https://{text}"


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
