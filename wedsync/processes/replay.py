"""`wedsync replay`: sends webhooks again through the HTTP API, with a key or a token, counting first where asked."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from wedsync.processes import remote
from wedsync.processes.failures import CannotRun

BEGINNING: Final = "2020-01-01T00:00:00Z"


async def run(*, url: str, token: str, delivery: str, endpoint: str, since: str, is_dry_run: bool, as_new: bool) -> int:
    """Prints how many. Raises CannotRun in words."""
    path, body = request_for(delivery=delivery, endpoint=endpoint, since=since, is_dry_run=is_dry_run, as_new=as_new)
    async with remote.opened(url, token) as api:
        answer = await api.ask("POST", path, body)
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
        return f"/api/v1/deliveries/{remote.id_of(delivery)}/replay", again
    states = {} if since else {"states": ["dead"]}
    body = {"since": _time(since) if since else BEGINNING, "dry_run": is_dry_run, **states, **again}
    return f"/api/v1/endpoints/{remote.id_of(endpoint)}/recover", body


def _time(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CannotRun(f"--since {text} is not a time. Write it as 2027-06-05T14:30Z.") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
