"""The rules of clients: what a record holds, what may be asked for, and how a couple is called."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.transforms import email_address

Stage = Literal["enquiry", "held", "booked", "fulfilled", "completed", "cancelled"]
STAGES: Final[Mapping[Stage, str]] = {
    "enquiry": "Enquiry",
    "held": "Date held",
    "booked": "Booked",
    "fulfilled": "Wedding done",
    "completed": "Completed",
    "cancelled": "Cancelled",
}
"""In the order of an engagement: asked, held, booked, the day was, all is delivered and paid; or it did not happen."""
UNDATED: Final = date(9999, 12, 31)
"""Where a client without a date stands in the list: after all others."""
NAME_CHARS_MAX: Final = 300
EMAIL_CHARS_MAX: Final = 254
PHONE_CHARS_MAX: Final = 60
NOTE_CHARS_MAX: Final = 4000
CONTACTS_MAX: Final = 20
Name = Annotated[str, Meta(max_length=NAME_CHARS_MAX)]
Email = Annotated[str, Meta(max_length=EMAIL_CHARS_MAX)]
Phone = Annotated[str, Meta(max_length=PHONE_CHARS_MAX)]
Note = Annotated[str, Meta(max_length=NOTE_CHARS_MAX)]
Source = Annotated[str, Meta(pattern="^[a-z0-9_]{0,40}$")]
ExternalId = Annotated[str, Meta(min_length=1, max_length=200)]


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else whom a supplier's CRM names of the same job: a parent, a planner, another vendor."""

    name: str = ""
    role: str = ""
    email: str = ""
    phone: str = ""


class Details(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is sealed of a client. `name` and `partner_name` are the two who marry, as the supplier wrote them."""

    name: str = ""
    partner_name: str = ""
    email: str = ""
    partner_email: str = ""
    phone: str = ""
    partner_phone: str = ""
    venue: str = ""
    package: str = ""
    note: str = ""
    contacts: tuple[Contact, ...] = ()

    @property
    def couple_names(self) -> str:
        """What the couple is called; an address where there are no names."""
        return " & ".join(name for name in (self.name, self.partner_name) if name) or self.email or self.partner_email

    @property
    def emails(self) -> tuple[str, ...]:
        return tuple(email for email in (self.email, self.partner_email) if email)


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `clients`: opened for the team of the supplier, sealed everywhere else."""

    id: UUID
    supplier_id: UUID
    stage: Stage
    wedding_on: date | None
    source: str
    external_id: str | None
    wedding_id: UUID | None
    link_id: UUID | None
    sealed: str
    version: int
    created_at: datetime
    updated_at: datetime


class ClientView(msgspec.Struct, frozen=True, kw_only=True):
    """A client as its supplier's team sees it. `link_id`: the engagement, once the couple has joined. `contacts`:
    whom a CRM names beside the two. `is_dormant`: beyond the weddings that the plan has room for, kept and not invited.
    """

    id: UUID
    supplier_id: UUID
    couple_names: str
    name: str
    partner_name: str
    email: str
    partner_email: str
    phone: str
    partner_phone: str
    wedding_on: date | None
    venue: str
    package: str
    note: str
    stage: Stage
    source: str
    external_id: str | None
    contacts: tuple[Contact, ...]
    wedding_id: UUID | None
    link_id: UUID | None
    is_dormant: bool
    version: int
    created_at: datetime
    updated_at: datetime


class NewClient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A client to add: at least a name or an e-mail. `is_another`: although one like it is there already."""

    name: Name = ""
    partner_name: Name = ""
    email: Email = ""
    partner_email: Email = ""
    phone: Phone = ""
    partner_phone: Phone = ""
    wedding_on: date | None = None
    venue: Name = ""
    package: Name = ""
    note: Note = ""
    stage: Stage = "enquiry"
    source: Source = ""
    external_id: ExternalId | None = None
    is_another: bool = False


class ClientChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be otherwise; what is absent stays."""

    name: Name | UnsetType = UNSET
    partner_name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    partner_email: Email | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    partner_phone: Phone | UnsetType = UNSET
    wedding_on: date | None | UnsetType = UNSET
    venue: Name | UnsetType = UNSET
    package: Name | UnsetType = UNSET
    note: Note | UnsetType = UNSET
    stage: Stage | UnsetType = UNSET


WORDS: Final = tuple(name for name in Details.__struct_fields__ if name != "contacts")


def details_of(given: Mapping[str, Any], before: Details | None = None) -> Details:
    """The words of a request over those there were. Raises Refusal 422 for an address that is none, or for nobody."""
    said: dict[str, str] = {}
    for name in WORDS:
        if isinstance(given.get(name), str):
            text = given[name].strip() if name == "note" else " ".join(given[name].split())
            said[name] = _address(name, text) if name in ("email", "partner_email") and text else text
    found = msgspec.structs.replace(before or Details(), **said)
    if not found.couple_names:
        raise invalid("name", "is missing", "Give the name or the e-mail of one of the two.")
    return found


def changes_of(change: ClientChange) -> dict[str, Any]:
    """The fields that a change names."""
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}


def invalid(field: str, reason: str, fix: str = "") -> Refusal:
    """One field that cannot be taken."""
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])


def _address(field: str, text: str) -> str:
    try:
        return email_address(text)
    except ValueError as error:
        raise invalid(field, "is not an e-mail address", "Write it like name@example.com.") from error
