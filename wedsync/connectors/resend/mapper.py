"""From a message for a person to Resend's mail, and from its hooks to what became of one."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import formataddr, parseaddr
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.connections.mailing import letter
from wedsync.connections.mailing.contract import DELIVERY_TAG, Said, Status
from wedsync.connections.mailing.letter import Mail

STATUSES: Final[Mapping[str, Status]] = {
    "email.sent": "accepted",
    "email.scheduled": "accepted",
    "email.delivery_delayed": "delayed",
    "email.delivered": "delivered",
    "email.opened": "opened",
    "email.clicked": "opened",
    "email.failed": "failed",
    "email.bounced": "bounced",
    "email.suppressed": "suppressed",
    "email.complained": "complained",
}


class _Bounce(msgspec.Struct, frozen=True):
    type: str = ""
    subType: str = ""  # noqa: N815 -- theirs


class _Reason(msgspec.Struct, frozen=True):
    reason: str = ""


class _Data(msgspec.Struct, frozen=True):
    to: list[str] | str = ""
    tags: dict[str, str] | list[dict[str, str]] = {}
    bounce: _Bounce | None = None
    failed: _Reason | None = None
    suppressed: _Reason | None = None


class _Hook(msgspec.Struct, frozen=True):
    type: str
    created_at: datetime
    data: _Data = _Data()


def to_email(mail: Mail, *, delivery_id: UUID, sender: str) -> dict[str, Any]:
    """The body of a send (their SendEmailRequest). Raises ValueError for an address that is none."""
    sender_name, sender_address = parseaddr(sender)
    body: dict[str, Any] = {
        "from": _named(mail.from_name or sender_name, letter.checked_address(sender_address)),
        "to": [_named(mail.to_name, letter.checked_address(mail.to))],
        "subject": letter.subject(mail),
        "text": mail.text,
        "tags": [{"name": DELIVERY_TAG, "value": str(delivery_id)}],
    }
    headers = letter.headers(mail)
    if mail.language:
        headers["Content-Language"] = letter.one_line(mail.language)
    if headers:
        body["headers"] = headers
    if mail.html:
        body["html"] = mail.html
    if mail.reply_to:
        body["reply_to"] = letter.checked_address(mail.reply_to)
    return body


def read(body: bytes, hook_id: str) -> tuple[Said, ...]:
    """What a hook says: one thing, or nothing of a mail. Raises ValueError."""
    hook = msgspec.json.decode(body, type=_Hook)
    status = STATUSES.get(hook.type)
    if status is None or not hook_id:
        return ()
    data = hook.data
    # A bounce that may pass says nothing of the address; only "Permanent" does.
    is_hard = status == "bounced" and data.bounce is not None and data.bounce.type.casefold() == "permanent"
    if status == "bounced" and not is_hard:
        status = "failed"
    addresses = [data.to] if isinstance(data.to, str) else data.to
    return (
        Said(
            id=hook_id,
            status=status,
            at=hook.created_at,
            delivery=_delivery(data.tags),
            # Of several nobody could say which; ours have one.
            address=parseaddr(addresses[0])[1] if len(addresses) == 1 else "",
            detail=_detail(data),
            ends_address=is_hard or status == "complained",
        ),
    )


def _named(name: str, address: str) -> str:
    """`Name <address>`, the name in clear: the API takes UTF-8, and encodes it itself."""
    plain = letter.one_line(name)
    return formataddr((plain, address), charset="utf-8") if plain.isascii() else f'"{_quoted(plain)}" <{address}>'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _delivery(tags: dict[str, str] | list[dict[str, str]]) -> UUID | None:
    """Sent as a list, told as a map; both are read."""
    found = tags if isinstance(tags, dict) else {one.get("name", ""): one.get("value", "") for one in tags}
    try:
        return UUID(found.get(DELIVERY_TAG, ""))
    except ValueError:
        return None


def _detail(data: _Data) -> str:
    """Their words for the kind, never their sentences, which quote addresses."""
    if data.bounce is not None:
        return f"{data.bounce.type} {data.bounce.subType}".strip()[:100]
    told = data.failed or data.suppressed
    return told.reason[:100] if told is not None else ""
