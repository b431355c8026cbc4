"""The inbox: what a verified request holds is committed, each element once, before its sender is told so."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.connections.elements import Element
from wedsync.kit import failpoints
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing

TABLE: Final = "inbox_hooks"
KEPT_HEADERS: Final = frozenset(
    {
        *(
            "content-type",
            "user-agent",
            "webhook-id",
            "webhook-timestamp",
            "svix-id",
            "svix-timestamp",
            "idempotency-key",
        ),
        *("x-github-event", "x-github-delivery", "x-slack-retry-num", "x-slack-retry-reason"),
        *("x-goog-channel-id", "x-goog-resource-id", "x-goog-resource-state", "x-goog-message-number"),
    }
)
VALUE_CHARACTERS_MAX: Final = 300


class Denied(Refusal):
    """A refusal at the inbound door. `reason` is for the operator and the tenant, never for the sender."""

    def __init__(
        self, status: int, code: str, detail: str, *, reason: str, tenant: UUID | None = None, **more: Any
    ) -> None:
        super().__init__(status, code, detail, **more)
        self.reason = reason
        self.tenant = tenant


class Received(msgspec.Struct, frozen=True):
    """One element's row; `is_new` is false where it had come before."""

    id: UUID
    is_new: bool


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Whose hooks these are. `id` is the connection's, or the wedding's for the couples' hook."""

    id: UUID
    tenant: UUID
    connector: str
    verified_by: str


async def receive(
    tx: Tx, ring: KeyRing, source: Source, elements: Sequence[Element], headers: Mapping[str, str]
) -> list[Received]:
    """Keep elements and owe their work; answered in their order."""
    if not elements:
        return []
    failpoints.hit("after_verify")
    kept = {n: v.replace("\0", "")[:VALUE_CHARACTERS_MAX] for n, v in headers.items() if n in KEPT_HEADERS}
    rows = [_row(ring, source.tenant, one, kept) for one in elements]
    made = await tx.rows(
        "select * from app.receive_hooks($1, $2, $3, $4, $5)",
        source.tenant,
        source.id,
        source.connector,
        source.verified_by,
        msgspec.json.encode(rows).decode(),
    )
    failpoints.hit("after_insert")
    # No fact to tell yet; the empty nudge wakes the workers.
    tx.nudges.append("[]")
    return [Received(row["id"], row["is_new"]) for row in made]


def _row(ring: KeyRing, tenant: UUID, one: Element, headers: Mapping[str, str]) -> dict[str, Any]:
    hook_id = uuid4()
    sealed = ring.seal(one.body, tenant=tenant, table=TABLE, column="sealed", row=hook_id)
    return {"id": hook_id, "key": one.key, "headers": headers, "sealed": sealed.hex(), "type": ""}
