"""What providers say of mails, at one address of the platform's: verified, kept once, and felt in one transaction.

Of an address only its keyed index goes to the database, and the address sealed, and only where it is over.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from wedsync.connections.host import Host
from wedsync.connections.inbox import Denied
from wedsync.connections.mailing.contract import RANKS, Said, Tells
from wedsync.connections.mailing.kept import queries
from wedsync.connections.manifest import operators
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.consents import sealed
from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing

SAID_MAX: Final = 5_000
"""Of one hook: a body of 1 MiB holds fewer."""


def tells(host: Host, connector: str) -> bool:
    """Whether a hook of this connector is about mails."""
    manifest = host.manifests.get(connector)
    return manifest is not None and manifest.mails is not None and manifest.mails.scheme is not None


def heard(host: Host, settings: Any, connector: str, headers: Mapping[str, str], body: bytes) -> Sequence[Said] | str:
    """What a verified hook says, or why it is not verified. Raises Denied 404, 422."""
    mails, teller = host.manifests[connector].mails, host.connector(connector, Tells)
    if mails is None or mails.scheme is None or teller is None:
        raise Denied(404, "not_found", "There is nothing at this address.", reason="there is no such source")
    secrets = [one.strip() for one in str(operators(settings, mails.secrets)).split(",") if one.strip()]
    now = clock.machine_now().timestamp()
    why = verify(mails.scheme, Request(headers=headers, body=body, url="", secrets=secrets, now=now))
    if why is not None:
        return why
    try:
        return teller.said(body, headers.get(mails.id_header, "")[:200])[:SAID_MAX]
    except ValueError as error:
        wrong = "the body is not what it should be"
        raise Denied(422, "invalid", "The body is not what this provider sends.", reason=wrong) from error


async def keep(door: Door, ring: KeyRing, connector: str, said: Sequence[Said]) -> None:
    """What is said of mails of ours; the rest is of other programs with the same account."""
    rows = [_row(ring, one) for one in said if one.delivery is not None]
    if not rows:
        return
    async with door.bare(ANONYMOUS) as tx:
        told = await tx.rows(queries.take_events, connector, msgspec.json.encode(rows).decode())
        tx.nudges += [row[0] for row in told]


def _row(ring: KeyRing, said: Said) -> dict[str, Any]:
    row: dict[str, Any] = {
        "event": said.id,
        "delivery": said.delivery,
        "status": said.status,
        "rank": RANKS[said.status],
        "at": said.at,
        "detail": said.detail.replace("\0", ""),
    }
    if not said.ends_address or not said.address:
        return row
    suppression = uuid4()
    return row | {
        "reason": "complained" if said.status == "complained" else "bounced",
        "key": sealed.index(ring, said.address).hex(),
        "sealed": sealed.seal_address(ring, suppression, said.address).hex(),
        "suppression": suppression,
    }
