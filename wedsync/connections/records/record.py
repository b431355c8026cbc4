"""A record: one job of a CRM in our words, the same for all of them.

Money is not in it. What a job earns, costs or may cost, and the notes in which such things are written, is the
supplier's and the couple's; no connector has a field to put it in.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal, get_args

import msgspec

from wedsync.clients.model import EMAIL_CHARS_MAX, NAME_CHARS_MAX, PHONE_CHARS_MAX, Stage
from wedsync.kit.transforms import email_address

Field = Literal[
    "stage",
    "wedding_on",
    "name",
    "partner_name",
    "email",
    "partner_email",
    "phone",
    "partner_phone",
    "venue",
    "package",
]
FIELDS: Final[tuple[Field, ...]] = get_args(Field)
TITLES: Final[Mapping[Field, str]] = {
    "stage": "stage",
    "wedding_on": "date",
    "name": "name",
    "partner_name": "partner’s name",
    "email": "e-mail",
    "partner_email": "partner’s e-mail",
    "phone": "phone",
    "partner_phone": "partner’s phone",
    "venue": "venue",
    "package": "package",
}


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job as either side holds it; empty where it says nothing."""

    stage: Stage = "enquiry"
    wedding_on: date | None = None
    name: str = ""
    partner_name: str = ""
    email: str = ""
    partner_email: str = ""
    phone: str = ""
    partner_phone: str = ""
    venue: str = ""
    package: str = ""


def checked(record: Record) -> Record:
    """As our clients would keep it, so that what is taken over compares equal to where it came from: blanks made one,
    what is too long cut, an address that is none left out."""
    made: dict[str, str] = {
        name: _line(getattr(record, name), NAME_CHARS_MAX) for name in ("name", "partner_name", "venue", "package")
    }
    made |= {name: _line(getattr(record, name), PHONE_CHARS_MAX) for name in ("phone", "partner_phone")}
    made |= {name: _address(getattr(record, name)) for name in ("email", "partner_email")}
    return msgspec.structs.replace(record, **made)


def _line(text: str, characters_max: int) -> str:
    return " ".join(text.replace("\0", "").split())[:characters_max].rstrip()


def _address(text: str) -> str:
    line = " ".join(text.replace("\0", "").split())
    if not line or len(line) > EMAIL_CHARS_MAX:
        return ""
    try:
        return email_address(line)
    except ValueError:
        return ""
