"""The events of marketing: which list is kept in step, and who agreed or withdrew. No address is in any."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

Act = Literal["given", "withdrawn"]
Method = Literal["page", "api", "provider"]


class AudienceTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `marketing_audiences` as its events carry it."""

    id: UUID
    tenant_id: UUID
    list_id: str
    title: str
    is_on: bool
    has_templates: bool
    version: int
    created_at: datetime
    updated_at: datetime


class ConsentTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `marketing_consents` as its events carry it: the address is sealed."""

    id: UUID
    supplier_id: UUID
    client_id: UUID | None
    sealed: str
    act: Act
    method: Method
    wording: str
    source: str
    connection_id: UUID | None
    made_by: UUID | None
    created_at: datetime


_AT = "2026-11-21T10:00:00+00:00"
_AUDIENCE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-00000000000e",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "list_id": "a6b5da1054",
    "title": "Couples",
    "is_on": True,
    "has_templates": True,
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
_CONSENT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000051",
    "supplier_id": "01920000-0000-7000-8000-00000000000a",
    "client_id": "01920000-0000-7000-8000-000000000041",
    "sealed": "\\x01",
    "act": "given",
    "method": "page",
    "wording": "Yes, write to me about offers and news, four times a year.",
    "source": "Contact form of our website",
    "connection_id": None,
    "made_by": "01920000-0000-7000-8000-000000000001",
    "created_at": _AT,
}


def _audience(name: str, says: str) -> EventType:
    return EventType(
        type=f"marketing_audience.{name}",
        scope=Scope.PRIVATE,
        table="marketing_audiences",
        row=AudienceTold,
        description=says,
        example=_AUDIENCE,
    )


def _consent(name: str, says: str, **example: Any) -> EventType:
    return EventType(
        type=f"marketing_consent.{name}",
        scope=Scope.PRIVATE,
        table="marketing_consents",
        row=ConsentTold,
        description=says,
        example={**_CONSENT, **example},
        lane=Lane.NORMAL,
    )


OPENED = _audience("opened", "A marketing account was connected.")
CHANGED = _audience("changed", "Another list of a marketing account is kept in step, or none.")
GIVEN = _consent("given", "A client agreed to be written to about offers and news.")
WITHDRAWN = _consent(
    "withdrawn",
    "A client wants no more marketing mail, or their mailbox does not.",
    act="withdrawn",
    method="provider",
    wording="",
    source="unsubscribed",
)
EVENTS = (OPENED, CHANGED, GIVEN, WITHDRAWN)
