"""From a message for a person to the bytes of a mail (RFC 5322, MIME); nothing in it can break out of a header."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any
from uuid import UUID

import idna
import msgspec

ADDRESS_CHARACTERS_MAX = 254
SUBJECT_CHARACTERS_MAX = 400

# Every server takes 7 bit; whatever is not ASCII travels as quoted-printable or base64.
_POLICY = SMTP.clone(cte_type="7bit")
_POLICY_UTF8 = SMTP.clone(cte_type="7bit", utf8=True)
# What some parser takes for the end of a line: controls, NEL, line and paragraph separators.
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FORBIDDEN_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029<>()\[\]:;,\\\"]")


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A message for one person, as the delivery's `message` holds it.

    `unsubscribe_url` makes the List-Unsubscribe headers of RFC 8058 (one click, a POST to that URL).
    `is_automatic` marks it as no person's own writing (RFC 3834), so that no out-of-office note answers it.
    """

    to: str
    subject: str
    text: str
    html: str = ""
    to_name: str = ""
    from_name: str = ""
    reply_to: str = ""
    unsubscribe_url: str = ""
    language: str = ""
    is_automatic: bool = True


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to the server. `needs_utf8`: an address cannot be written in ASCII (RFC 6531)."""

    sender: str
    recipient: str
    content: bytes
    message_id: str
    needs_utf8: bool


def read(message: Mapping[str, Any]) -> Mail:
    """Raises msgspec.ValidationError for a message of the wrong shape; keys we do not know are left alone."""
    return msgspec.convert(dict(message), Mail)


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
    message["Subject"] = _one_line(mail.subject)[:SUBJECT_CHARACTERS_MAX]
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    if mail.is_automatic:
        message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{_checked_url(mail.unsubscribe_url)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    if mail.language:
        # Last, because a Content- header that is there earlier moves into the text part.
        message["Content-Language"] = _one_line(mail.language)
    return Envelope(
        sender=from_address,
        recipient=to_address,
        content=message.as_bytes(),
        message_id=message_id,
        needs_utf8=needs_utf8,
    )


def checked_address(text: str) -> str:
    """The address with its domain in ASCII form. Raises ValueError, whose text never repeats the address."""
    local, at, domain = text.strip().rpartition("@")
    if not at or not local or len(text) > ADDRESS_CHARACTERS_MAX or _FORBIDDEN_IN_ADDRESS.search(local + domain):
        raise ValueError("This is not a mail address such as name@example.com.")
    if "@" in local or local.startswith(".") or local.endswith(".") or ".." in local:
        raise ValueError("This is not a mail address: the part before the @ is malformed.")
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as cause:
        raise ValueError("This is not a mail address: the part after the @ is no domain.") from cause


def _mailbox(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(_one_line(name), username=local, domain=domain)


def _one_line(text: str) -> str:
    return " ".join(_BREAKS.sub(" ", text).split())


def _checked_url(url: str) -> str:
    if not re.fullmatch(r"https?://[!-;=?-~]+", url):
        raise ValueError("The unsubscribe address is not a plain http(s) URL.")
    return url
