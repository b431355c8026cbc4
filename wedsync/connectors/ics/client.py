"""Fetches a feed: only if it has changed, at most 10 MiB, following a few redirects, each judged like the first."""

from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from wedsync.connections.contract import Attempt, Tools, attempt_of
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply

BODY_MAX_BYTES: Final = 10 * 1024 * 1024
REDIRECTS_MAX: Final = 4
_MOVED: Final = frozenset({301, 302, 303, 307, 308})


async def fetch(
    tools: Tools, url: str, *, etag: str, modified: str, timeout_s: float
) -> tuple[Reply | Failure, Attempt]:
    """What came back, and the entry for the attempt log, in which the address stands nowhere."""
    until = clock.monotonic() + timeout_s
    headers = {"accept": "text/calendar, text/plain;q=0.5, */*;q=0.1"}
    headers |= {"if-none-match": etag} if etag else {}
    headers |= {"if-modified-since": modified} if modified else {}
    for _ in range(REDIRECTS_MAX):
        left_s = max(until - clock.monotonic(), 0.001)
        exchange = await tools.wire.request(
            "GET", url, headers=headers, timeout_s=left_s, body_max_bytes=BODY_MAX_BYTES
        )
        attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
        if isinstance(exchange, Failure) or exchange.status not in _MOVED or not exchange.headers.get("location"):
            return exchange, attempt
        url = urljoin(url, exchange.headers["location"])
    return exchange, attempt


def address_of(text: str) -> str:
    """`webcal://` is what calendar programs say for https (draft-hoffman); without anything it is https, too."""
    text = text.strip()
    scheme, there, rest = text.partition("://")
    if not there:
        return f"https://{text}"
    return f"https://{rest}" if scheme.lower() in ("webcal", "webcals") else text


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""
