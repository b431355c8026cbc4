"""Fetches a feed: only if it has changed, at most 10 MiB."""

from typing import Final

from wedsync.connections import published
from wedsync.connections.contract import Attempt, Tools
from wedsync.kit.http import Failure, Reply

BODY_MAX_BYTES: Final = 10 * 1024 * 1024


async def fetch(
    tools: Tools, url: str, *, etag: str, modified: str, timeout_s: float
) -> tuple[Reply | Failure, Attempt]:
    """What came back, and the entry for the attempt log."""
    return await published.fetch(
        tools,
        url,
        accept="text/calendar, text/plain;q=0.5, */*;q=0.1",
        etag=etag,
        modified=modified,
        body_max_bytes=BODY_MAX_BYTES,
        timeout_s=timeout_s,
    )


def address_of(text: str) -> str:
    """`webcal://` is what calendar programs say for https (draft-hoffman); without anything it is https, too."""
    text = text.strip()
    scheme, there, rest = text.partition("://")
    if not there:
        return f"https://{text}"
    return f"https://{rest}" if scheme.lower() in ("webcal", "webcals") else text
