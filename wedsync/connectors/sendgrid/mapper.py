"""From a message for a person to SendGrid's mail, and from its hooks to what became of mails."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.connections.mailing import letter
from wedsync.connections.mailing.contract import DELIVERY_TAG, Said, Status
from wedsync.connections.mailing.letter import Mail

STATUSES: Final[Mapping[str, Status]] = {
    "processed": "accepted",
    "deferred": "delayed",
    "delivered": "delivered",
    "open": "opened",
    "click": "opened",
    "dropped": "suppressed",
    "bounce": "bounced",
    "spamreport": "complained",
}
OFF: Final = {"enable": False}


class _Event(msgspec.Struct, frozen=True):
    """One element of a hook; our custom arguments stand beside its own members."""

    event: str
    timestamp: int
    sg_event_id: str = ""
    email: str = ""
    type: str = ""
    reason: str = ""
    status: str = ""
    delivery_id: Any = None


def to_mail(mail: Mail, *, delivery_id: UUID, sender: str) -> dict[str, Any]:
    """The body of a send. Raises ValueError for an address that is none.

    No link or picture of theirs is put into a mail: what it says is ours. The custom argument is stored there for long,
    so it names the delivery and nobody.
    """
    sender_name, sender_address = parseaddr(sender)
    from_address = letter.checked_address(sender_address)
    headers = letter.headers(mail) | {"Message-ID": f"<{delivery_id}@{from_address.rpartition('@')[2]}>"}
    if mail.language:
        headers["Content-Language"] = letter.one_line(mail.language)
    content = [("text/plain", mail.text), ("text/html", mail.html)]
    body: dict[str, Any] = {
        "personalizations": [
            {
                "to": [_person(mail.to_name, letter.checked_address(mail.to))],
                "custom_args": {DELIVERY_TAG: str(delivery_id)},
            }
        ],
        "from": _person(mail.from_name or sender_name, from_address),
        "subject": letter.subject(mail),
        "content": [{"type": kind, "value": text} for kind, text in content if text],
        "headers": headers,
        "tracking_settings": {"click_tracking": OFF, "open_tracking": OFF},
    }
    if mail.reply_to:
        body["reply_to"] = {"email": letter.checked_address(mail.reply_to)}
    return body


def read(body: bytes) -> tuple[Said, ...]:
    """What a hook says of mails, in its order. Raises ValueError."""
    return tuple(said for event in msgspec.json.decode(body, type=list[_Event]) if (said := _said(event)) is not None)


def _said(event: _Event) -> Said | None:
    status = STATUSES.get(event.event)
    if status is None or not event.sg_event_id:
        return None
    # "blocked" is this mail's or this hour's; "bounce" is the address.
    is_hard = event.event == "bounce" and event.type != "blocked"
    if status == "bounced" and not is_hard:
        status = "failed"
    return Said(
        id=event.sg_event_id[:200],
        status=status,
        at=datetime.fromtimestamp(event.timestamp, UTC),
        delivery=_delivery(event.delivery_id),
        address=event.email,
        detail=_detail(event),
        ends_address=is_hard or status == "complained",
    )


def _detail(event: _Event) -> str:
    """The kind and the code; of a drop their few known words. Sentences quote addresses, so they are left out."""
    if event.event == "dropped":
        return event.reason[:100] if "@" not in event.reason else ""
    return " ".join(part for part in (event.type, event.status) if part and "@" not in part)[:100]


def _person(name: str, address: str) -> dict[str, str]:
    plain = letter.one_line(name)
    return {"email": address, "name": plain} if plain else {"email": address}


def _delivery(text: Any) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
