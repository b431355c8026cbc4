"""Files that are published at an address (calendar feeds, lists of clients): fetched only if they have changed.

A few redirects are followed, each judged like the first address. The address is a secret: it stands in no log.
"""

from datetime import datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Outcome, ReconnectNeeded, RetryLater, Tools, attempt_of
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply

REDIRECTS_MAX: Final = 4
_MOVED: Final = frozenset({301, 302, 303, 307, 308})


async def fetch(
    tools: Tools, url: str, *, accept: str, etag: str, modified: str, body_max_bytes: int, timeout_s: float
) -> tuple[Reply | Failure, Attempt]:
    """What came back, and the entry for the attempt log, in which the address stands nowhere."""
    until = clock.monotonic() + timeout_s
    headers = {"accept": accept}
    headers |= {"if-none-match": etag} if etag else {}
    headers |= {"if-modified-since": modified} if modified else {}
    for _ in range(REDIRECTS_MAX):
        left_s = max(until - clock.monotonic(), 0.001)
        exchange = await tools.wire.request(
            "GET", url, headers=headers, timeout_s=left_s, body_max_bytes=body_max_bytes
        )
        attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
        if isinstance(exchange, Failure) or exchange.status not in _MOVED or not exchange.headers.get("location"):
            return exchange, attempt
        url = urljoin(url, exchange.headers["location"])
    return exchange, attempt


def refused(what: str, reply: Reply, attempt: Attempt, now: datetime) -> Outcome:
    """What is neither the file nor the word that it has not changed; `what` is what it should have been: a feed."""
    if replies.is_passing(reply.status):
        after_s = replies.retry_after_s(reply.headers, now=now)
        return RetryLater(reason=f"The {what}'s server answered {reply.status}.", after_s=after_s, attempt=attempt)
    if reply.status in (401, 403, 404, 410):
        return ReconnectNeeded(
            reason=f"The {what} is not at this address any more ({reply.status}). Copy its address anew.",
            attempt=attempt,
        )
    return RetryLater(
        reason=f"The {what}'s server answered {reply.status}.", tries_max=replies.SHORT_LADDER, attempt=attempt
    )


def size_told(reply: Reply) -> str:
    """How large a file is that is too large, as far as its server says."""
    size = reply.headers.get("content-length", "")
    return f"{int(size) / 1_048_576:.0f} MiB" if size.isascii() and size.isdigit() else "larger"


def unanswered(failure: Failure, attempt: Attempt) -> Outcome:
    """No answer came: an address that leads where we do not go needs another one."""
    if failure.kind == "refused":
        return ReconnectNeeded(reason=failure.reason, attempt=attempt)
    return replies.no_answer(failure, attempt)


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""
