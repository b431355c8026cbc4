"""The webhook connector on stage with a receiver that really listens."""

from typing import Any
from uuid import UUID

import msgspec

from wedsync.connections import signatures
from wedsync.connections.contract import Connection, Delivers, Delivery, Outcome
from wedsync.connectors.webhook.fake import Hooks
from wedsync.kit import credentials
from wedsync.kit.credentials import Credentials

DELIVERY = UUID("01970000-0000-7000-8000-00000000d001")
TENANT = UUID("01970000-0000-7000-8000-00000000a001")
EVENT = {
    "id": "01970000-0000-7000-8000-00000000e001",
    "stream": "wedding:01970000-0000-7000-8000-00000000a001",
    "epoch": 1,
    "seq": 7,
    "type": "rsvp.replied",
    "version": 1,
    "scope": 16,
    "link_id": None,
    "membership_id": None,
    "subject": {"table": "rsvps", "id": "01970000-0000-7000-8000-00000000b001"},
    "op": "UPDATE",
    "record": {"id": "01970000-0000-7000-8000-00000000b001", "status": "accepted", "note": "Zoë 🎉"},
    "old_record": {"id": "01970000-0000-7000-8000-00000000b001", "status": "needs_action", "note": ""},
    "actor": {"kind": "guest", "id": "01970000-0000-7000-8000-00000000c001"},
    "cause": "01970000-0000-7000-8000-00000000f001",
    "bulk": False,
    "occurred_at": "2026-06-13T13:59:58.123456Z",
}


class Stage:
    """A receiver that really listens, and the connector that really calls it."""

    def __init__(self, hooks: Hooks, connector: Delivers, address: str) -> None:
        self.hooks = hooks
        self.connector = connector
        self.address = address
        self.secret = signatures.new_secret()

    async def send(
        self,
        name: str,
        *,
        secrets: tuple[str, ...] | None = None,
        held: Credentials | None = None,
        endpoint: UUID = TENANT,
        **changes: Any,
    ) -> Outcome:
        delivery = msgspec.structs.replace(Delivery(id=DELIVERY, tenant=TENANT, timeout_s=5.0, event=EVENT), **changes)
        settings = {"url": f"{self.address}/hooks/{name}"}
        given = {"secret": (self.secret,) if secrets is None else secrets}
        if held is not None:
            given["credentials"] = (credentials.to_text(held),)
        return await self.connector.deliver(delivery, Connection(id=endpoint, settings=settings, secrets=given))
