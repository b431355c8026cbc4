"""`wedsync replay`: sends webhooks again through the HTTP API, with a key or a token, counting first where asked."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.kit.http import Failure, Wire
from wedsync.processes.failures import CannotRun

TIMEOUT_S: Final = 30.0
BEGINNING: Final = "2020-01-01T00:00:00Z"


async def run(*, url: str, token: str, delivery: str, endpoint: str, since: str, is_dry_run: bool, as_new: bool) -> int:
    """Prints how many. Raises CannotRun in words."""
    path, body = request_for(delivery=delivery, endpoint=endpoint, since=since, is_dry_run=is_dry_run, as_new=as_new)
    wire = Wire()
    try:
        answer = await _asked(wire, url.rstrip("/") + path, token, body)
    finally:
        await wire.close()
    count = answer["replayed"]
    deliveries = f"{count} {'delivery' if count == 1 else 'deliveries'}"
    sys.stdout.write(f"{deliveries} would be sent again.\n" if is_dry_run else f"{deliveries} put back.\n")
    return 0


def request_for(
    *, delivery: str, endpoint: str, since: str, is_dry_run: bool, as_new: bool = False
) -> tuple[str, Mapping[str, Any]]:
    """The path and the body; CannotRun where the options do not say one thing."""
    again = {"as_new": True} if as_new else {}
    if bool(delivery) == bool(endpoint):
        raise CannotRun("Name one delivery, or an endpoint with --endpoint.")
    if delivery:
        if since or is_dry_run:
            raise CannotRun("--since and --dry-run go with --endpoint; one delivery is one.")
        return f"/api/v1/deliveries/{_id(delivery)}/replay", again
    states = {} if since else {"states": ["dead"]}
    body = {"since": _time(since) if since else BEGINNING, "dry_run": is_dry_run, **states, **again}
    return f"/api/v1/endpoints/{_id(endpoint)}/recover", body


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CannotRun(f"{text} is not an id. Copy it from the address of its page.") from None


def _time(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CannotRun(f"--since {text} is not a time. Write it as 2027-06-05T14:30Z.") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


async def _asked(wire: Wire, url: str, token: str, body: Mapping[str, Any]) -> dict[str, Any]:
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/json",
    }
    content = msgspec.json.encode(body)
    reply = await wire.request("POST", url, headers=headers, body=content, timeout_s=TIMEOUT_S, trusted=True)
    if isinstance(reply, Failure):
        raise CannotRun(f"{reply.reason} Does WedSync run, and is --url right?")
    try:
        answer = msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CannotRun(f"{url} answered {reply.status}, and not as WedSync does. Is --url right?") from None
    if reply.status != 202:
        raise CannotRun(f"WedSync answered {reply.status}: {answer.get('detail', '')}")
    return answer
