"""The events of public pages and enquiries, all in the supplier's own stream."""

from typing import Any

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.market.model import Asked, Enquiry, Listing

_S, _AT = "01920000-0000-7000-8000-00000000000a", "2026-11-21T10:00:00+00:00"
_LISTING: dict[str, Any] = {
    "id": _S,
    "supplier_id": _S,
    "slug": "petal-and-frame",
    "is_published": True,
    "takes_enquiries": True,
    "tagline": "Quiet pictures of loud days",
    "place": "Porto and wherever you marry",
    "about": "We photograph twenty weddings a year.",
    "portfolio": [{"title": "Maria & Tom, Serra", "url": "https://gallery.example.com/maria-and-tom"}],
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
_ENQUIRY: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000051",
    "supplier_id": _S,
    "source": "marketplace",
    "state": "received",
    "wedding_on": "2027-06-05",
    "client_id": None,
    "attributed_until": None,
    "sends_copy": True,
    "sealed": "\\x01…",
    "received_at": _AT,
    "settled_at": None,
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}
_FILED: dict[str, Any] = {
    **_ENQUIRY,
    "client_id": "01920000-0000-7000-8000-000000000041",
    "attributed_until": "2027-05-20T10:00:00+00:00",
    "version": 2,
}
_OPENED: dict[str, Any] = msgspec.to_builtins(
    Asked(
        name="Maria Santos",
        partner_name="Tom Okafor",
        email="maria@example.org",
        venue="Quinta da Serra",
        message="Are you free on our day? We love how you see people.",
    )
)


def _enquiry(name: str, says: str, example: dict[str, Any], lane: Lane = Lane.NORMAL) -> EventType:
    return EventType(
        type=f"enquiry.{name}",
        scope=Scope.CORE,
        table="enquiries",
        row=Enquiry,
        description=says,
        example=example,
        opened=_OPENED,
        lane=lane,
    )


LISTING_CHANGED = EventType(
    type="listing.changed",
    scope=Scope.CORE,
    table="listings",
    row=Listing,
    description="The public page of the business was made, changed, published or taken back.",
    example=_LISTING,
)
RECEIVED = _enquiry("received", "A couple asked on the business's public page.", _ENQUIRY, Lane.HIGH)
FILED = _enquiry("filed", "Whoever asked is a client now, or was one already.", _FILED)
ANSWERED = _enquiry(
    "answered", "Somebody of the business answered.", {**_FILED, "state": "answered", "settled_at": _AT}, Lane.HIGH
)
DECLINED = _enquiry(
    "declined", "The business cannot do it, and said so.", {**_FILED, "state": "declined", "settled_at": _AT}, Lane.HIGH
)
EVENTS = (LISTING_CHANGED, RECEIVED, FILED, ANSWERED, DECLINED)
