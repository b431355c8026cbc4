"""A message for one person as a delivery holds it, and what every provider of mail demands of its parts."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import idna
import msgspec

from wedsync.connections.contract import Delivery, Rejected

Form = TypeVar("Form")

ADDRESS_CHARACTERS_MAX = 254
SUBJECT_CHARACTERS_MAX = 400

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


def read(message: Mapping[str, Any]) -> Mail:
    """Raises msgspec.ValidationError for a message of the wrong shape; keys we do not know are left alone."""
    return msgspec.convert(dict(message), Mail)


def written(delivery: Delivery, write: Callable[[Mail], Form]) -> Form | Rejected:
    """The delivery's message as `write` puts it for one provider; refused where it cannot be, or is gone."""
    if delivery.message is None:
        return Rejected(reason="There is no mail to send: its content has been erased.")
    try:
        return write(read(delivery.message))
    except (msgspec.ValidationError, ValueError) as error:
        return Rejected(reason=f"The mail cannot be written: {error}")


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


def one_line(text: str) -> str:
    """Without anything that could end a header."""
    return " ".join(_BREAKS.sub(" ", text).split())


def subject(mail: Mail) -> str:
    """As it stands in a header."""
    return one_line(mail.subject)[:SUBJECT_CHARACTERS_MAX]


def headers(mail: Mail) -> dict[str, str]:
    """What is not the address, the subject or the body. Raises ValueError."""
    found: dict[str, str] = {}
    if mail.is_automatic:
        found["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe_url:
        found["List-Unsubscribe"] = f"<{_checked_url(mail.unsubscribe_url)}>"
        found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return found


def _checked_url(url: str) -> str:
    if not re.fullmatch(r"https?://[!-;=?-~]+", url):
        raise ValueError("The unsubscribe address is not a plain http(s) URL.")
    return url
