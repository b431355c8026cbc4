"""Sends one signed webhook, and knows nothing of what is in it."""

from collections.abc import Sequence
from datetime import datetime

from wedsync.connections import signatures
from wedsync.connections.contract import Attempt, attempt_of
from wedsync.connectors.webhook.proof import Proof
from wedsync.kit import traces
from wedsync.kit.credentials import MASK
from wedsync.kit.http import Failure, Reply, Wire

CONTENT_TYPE = "application/json"


async def post(
    wire: Wire,
    url: str,
    *,
    message_id: str,
    body: bytes,
    secrets: Sequence[str],
    proof: Proof,
    at: datetime,
    timeout_s: float,
) -> tuple[Reply | Failure, Attempt]:
    """One POST, signed anew with each try's own time; what came back, and the entry for the attempt log."""
    timestamp = int(at.timestamp())
    ours = {
        "content-type": CONTENT_TYPE,
        signatures.ID: message_id,
        signatures.TIMESTAMP: str(timestamp),
        signatures.SIGNATURE: signatures.sign(secrets, message_id=message_id, timestamp=timestamp, body=body),
    }
    trying = traces.current()
    if trying is not None:
        ours[traces.HEADER] = trying.traceparent
    exchange = await wire.request(
        "POST", url, headers={**proof.headers, **ours}, body=body, timeout_s=timeout_s, identity=proof.identity
    )
    return exchange, attempt_of(exchange, request_headers={**dict.fromkeys(proof.headers, MASK), **ours})
