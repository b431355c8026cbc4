"""From a message for a person to the bytes of a mail (RFC 5322, MIME); nothing in it can break out of a header."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from uuid import UUID

import msgspec

from wedsync.connections.mailing.letter import Mail, checked_address, headers, one_line, subject

# Every server takes 7 bit; whatever is not ASCII travels as quoted-printable or base64.
_POLICY = SMTP.clone(cte_type="7bit")
_POLICY_UTF8 = SMTP.clone(cte_type="7bit", utf8=True)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to the server. `needs_utf8`: an address cannot be written in ASCII (RFC 6531)."""

    sender: str
    recipient: str
    content: bytes
    message_id: str
    needs_utf8: bool


def to_envelope(mail: Mail, *, delivery_id: UUID, sender: str, at: datetime) -> Envelope:
    """The mail as bytes. `sender` is `Name <address>`. Raises ValueError for an address that is none.

    The Message-ID derives from the delivery, so a repeat is recognisable as the same mail wherever it arrives.
    """
    sender_name, sender_address = parseaddr(sender)
    from_address = checked_address(sender_address)
    to_address = checked_address(mail.to)
    needs_utf8 = not (from_address + to_address).isascii()
    message = EmailMessage(policy=_POLICY_UTF8 if needs_utf8 else _POLICY)
    message_id = f"<{delivery_id}@{from_address.rpartition('@')[2]}>"
    message["From"] = _mailbox(mail.from_name or sender_name, from_address)
    message["To"] = _mailbox(mail.to_name, to_address)
    if mail.reply_to:
        message["Reply-To"] = _mailbox("", checked_address(mail.reply_to))
    message["Subject"] = subject(mail)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    for name, value in headers(mail).items():
        message[name] = value
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    if mail.language:
        # Last, because a Content- header that is there earlier moves into the text part.
        message["Content-Language"] = one_line(mail.language)
    return Envelope(
        sender=from_address,
        recipient=to_address,
        content=message.as_bytes(),
        message_id=message_id,
        needs_utf8=needs_utf8,
    )


def _mailbox(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(one_line(name), username=local, domain=domain)
