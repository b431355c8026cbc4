"""The events of payments, with what each means and an image of its row."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.payments.model import LinkPayment

_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000071",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
    "kind": "deposit",
    "title": "",
    "amount_minor": 60000,
    "currency": "GBP",
    "due_on": "2027-01-15",
    "note": "It holds the day for you.",
    "status": "requested",
    "way": "",
    "outside_minor": 0,
    "received_minor": 0,
    "refunded_minor": 0,
    "disputed_minor": 0,
    "lost_minor": 0,
    "received_at": None,
    "reminded_at": None,
    "overdue_at": None,
    "version": 1,
    "created_at": "2026-12-06T10:00:00+00:00",
    "updated_at": "2026-12-06T10:00:00+00:00",
}
_PAID = {"status": "paid", "way": "online", "received_minor": 60000, "received_at": "2027-01-10T19:30:00+00:00"}


def _type(
    name: str, description: str, *, lane: Lane = Lane.NORMAL, image: Mapping[str, Any] = MappingProxyType({})
) -> EventType:
    return EventType(
        type=f"payment.{name}",
        scope=Scope.CORE,
        table="payments",
        row=LinkPayment,
        description=description,
        example={**_EXAMPLE, **image},
        lane=lane,
    )


REQUESTED = _type("requested", "A supplier asks the couple to pay something, by a day or now.")
CHANGED = _type("changed", "What is asked for, or how far it came, is another now.")
CANCELLED = _type("cancelled", "It is not asked for any more; nothing was paid.", image={"status": "cancelled"})
RECEIVED = _type("received", "Money came, online or noted by the supplier.", lane=Lane.HIGH, image=_PAID)
REFUNDED = _type(
    "refunded",
    "The supplier sent all or some of it back.",
    lane=Lane.HIGH,
    image={**_PAID, "status": "part_refunded", "refunded_minor": 20000},
)
DISPUTED = _type(
    "disputed",
    "The couple's bank disputes it: the supplier has to answer the provider in time.",
    lane=Lane.HIGH,
    image={**_PAID, "status": "disputed", "disputed_minor": 60000},
)
DISPUTE_CLOSED = _type(
    "dispute_closed",
    "A dispute is over: the money stays, or has gone back.",
    lane=Lane.HIGH,
    image={**_PAID, "status": "refunded", "lost_minor": 60000},
)
_REMINDED = {"reminded_at": "2027-01-12T00:00:00+00:00"}
DUE_SOON = _type("due_soon", "The day by which it is asked for comes close, and it is not paid.", image=_REMINDED)
OVERDUE = _type(
    "overdue",
    "The day by which it was asked for has passed, and it is not paid.",
    image={**_REMINDED, "overdue_at": "2027-01-16T00:00:00+00:00"},
)
EVENTS = (REQUESTED, CHANGED, CANCELLED, RECEIVED, REFUNDED, DISPUTED, DISPUTE_CLOSED, DUE_SOON, OVERDUE)
