"""Hands one event to a program on the developer's own machine, as a signed webhook like any that we send."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from wedsync.connections import signatures
from wedsync.connectors.webhook import mapper
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply, Wire
from wedsync.processes.failures import CannotRun
from wedsync.subscriptions import wording

TIMEOUT_S: Final = 10.0


def checked(url: str) -> str:
    """Whoever typed it may name any address. Raises CannotRun for what cannot be called."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CannotRun(f"--forward {url} is not an address. Write it whole: http://localhost:3000/hook.")
    return url


def checked_secret(secret: str) -> str:
    """Raises CannotRun for a secret that nothing can be signed with."""
    try:
        signatures.shared_key(secret)
    except ValueError as error:
        raise CannotRun(f"--secret: {error} Leave it out to get a new one, or copy it whole.") from error
    return secret


async def forward(
    wire: Wire, url: str, event: Mapping[str, Any], *, previous_seq: int | None, secrets: Sequence[str]
) -> Reply | Failure:
    """One POST, tried once."""
    body = mapper.to_body(event, previous_seq=previous_seq, is_test=bool(event.get("test")))
    timestamp = int(clock.machine_now().timestamp())
    headers = {
        "content-type": "application/json",
        signatures.ID: event["id"],
        signatures.TIMESTAMP: str(timestamp),
        signatures.SIGNATURE: signatures.sign(secrets, message_id=event["id"], timestamp=timestamp, body=body),
    }
    return await wire.request("POST", url, headers=headers, body=body, timeout_s=TIMEOUT_S, trusted=True)


def is_taken(exchange: Reply | Failure) -> bool:
    return isinstance(exchange, Reply) and 200 <= exchange.status < 300


def told(exchange: Reply | Failure) -> str:
    """`204 in 12 ms`, or what came instead and what to do about it."""
    if isinstance(exchange, Failure):
        return f"{exchange.reason} {wording.advice(status=None, detail=exchange.reason, is_once=True)}"
    words = f"{exchange.status} in {exchange.timing.total_ms:.0f} ms"
    advice = wording.advice(status=exchange.status, detail="", is_once=True)
    return f"{words}. {advice}" if advice else words
