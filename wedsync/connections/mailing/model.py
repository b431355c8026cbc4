"""The events of mail: that a provider fails and another stands in, and that it is back."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope


class ProviderTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `mail_providers` as its events carry it."""

    id: UUID
    tenant_id: UUID
    name: str
    position: int | None
    is_down: bool
    reason: str
    changed_at: datetime
    succeeded_at: datetime | None
    failed_at: datetime | None
    probed_at: datetime | None
    took_ms: float | None
    version: int
    updated_at: datetime


_AT = "2026-11-21T10:00:00+00:00"
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000071",
    "tenant_id": "00000000-0000-7000-8000-000000000000",
    "name": "resend",
    "position": 1,
    "is_down": True,
    "reason": "No answer within 2 s.",
    "changed_at": _AT,
    "succeeded_at": "2026-11-21T09:58:00+00:00",
    "failed_at": _AT,
    "probed_at": None,
    "took_ms": 2000.5,
    "version": 9,
    "updated_at": _AT,
}


def _type(name: str, example: dict[str, Any], says: str) -> EventType:
    return EventType(
        type=name,
        scope=Scope.CORE,
        table="mail_providers",
        row=ProviderTold,
        description=says,
        example=example,
        lane=Lane.HIGH,
    )


FAILED = _type("mail_provider.failed", _EXAMPLE, "A provider of the operator's mail takes none; others stand in.")
RECOVERED = _type(
    "mail_provider.recovered", {**_EXAMPLE, "is_down": False, "reason": ""}, "It takes mail again and is used again."
)
EVENTS = (FAILED, RECOVERED)
