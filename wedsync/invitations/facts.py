"""The events of invitations, all in the supplier's own stream."""

from typing import Any

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.invitations.model import Invitation, StyleRow

_S, _AT = "01920000-0000-7000-8000-00000000000a", "2026-11-21T10:00:00+00:00"
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000071",
    "supplier_id": _S,
    "client_id": "01920000-0000-7000-8000-000000000041",
    "state": "sent",
    "reason": "",
    "wedding_on": "2027-06-05",
    "mails": 1,
    "next_at": "2026-12-05T10:00:00+00:00",
    "expires_at": "2027-01-20T10:00:00+00:00",
    "sent_at": _AT,
    "delivered_at": None,
    "opened_at": None,
    "reminded_at": None,
    "ended_at": None,
    "complained_at": None,
    "wedding_id": None,
    "link_id": None,
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
_STYLE: dict[str, Any] = {
    "id": _S,
    "supplier_id": _S,
    "colour": "#2f4a3a",
    "words": "We look forward to your day.",
    "signature": "Carla and Finn",
    "address": "3 Mill Lane, Marlow",
    "version": 1,
    "updated_at": _AT,
}
_JOINED: dict[str, Any] = {"state": "joined", "ended_at": _AT, "next_at": None, "version": 4}
_LINK: dict[str, Any] = {
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
}


def _kind(name: str, says: str, lane: Lane = Lane.NORMAL, **more: Any) -> EventType:
    return EventType(
        type=f"invitation.{name}",
        scope=Scope.CORE,
        table="invitations",
        row=Invitation,
        description=says,
        example={**_EXAMPLE, **more},
        lane=lane,
    )


QUEUED = _kind("queued", "A couple is to be invited by mail.", Lane.LOW, state="queued", mails=0, sent_at=None)
SENT = _kind("sent", "The invitation is on its way, or a couple that was here already has been asked.", Lane.LOW)
DELIVERED = _kind("delivered", "The other side's mail server took the mail.", Lane.LOW, delivered_at=_AT)
REMINDED = _kind("reminded", "The one reminder is on its way.", Lane.LOW, mails=2, reminded_at=_AT, next_at=None)
OPENED = _kind("opened", "The couple looks at its page.", state="opened", opened_at=_AT)
JOINED = _kind("joined", "The couple has confirmed; the client is linked.", **_JOINED, **_LINK)
DECLINED = _kind("declined", "The couple said no.", state="declined", ended_at=_AT)
ENDED = _kind(
    "ended",
    "It came back, nobody answered, it was withdrawn, or the address takes no more of these mails.",
    state="expired",
    ended_at=_AT,
)
STYLED = EventType(
    type="invitation_style.changed",
    scope=Scope.CORE,
    table="invitation_styles",
    row=StyleRow,
    description="The supplier's invitations look different from now on.",
    example=_STYLE,
)
EVENTS = (QUEUED, SENT, DELIVERED, REMINDED, OPENED, JOINED, DECLINED, ENDED, STYLED)
