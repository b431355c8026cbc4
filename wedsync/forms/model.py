"""What a form is: sections of fields, their conditions; what was asked of a wedding, and its answers."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

Kind = Literal["text", "long_text", "choice", "many", "date", "time", "number", "guests", "address", "songs", "link"]
State = Literal["asked", "started", "submitted", "locked", "withdrawn"]
OPEN: Final = ("asked", "started", "submitted")
"""States in which it can be answered, or answered otherwise."""
KINDS: Final[dict[Kind, str]] = {
    "text": "A line of text",
    "long_text": "Several lines",
    "choice": "One of a list",
    "many": "Several of a list",
    "date": "A date",
    "time": "A time of day",
    "number": "A number",
    "guests": "People of the guest list",
    "address": "An address",
    "songs": "A list of songs",
    "link": "A link to a file",
}
CHOOSING: Final = ("choice", "many")
Title = Annotated[str, Meta(min_length=1, max_length=120)]
Key = Annotated[
    str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$", description="Unique in its form; it stays when the label changes")
]
# A bar parts the values of a condition on the page.
Option = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^|\r\n]+$")]
Word = Annotated[str, Meta(max_length=1000)]
Answers = dict[str, Any]
SECTIONS_MAX: Final = 20
FIELDS_MAX: Final = 100


class ShowIf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Shown only where an earlier `choice` is one of these values, or, with `is_not`, none of them."""

    field: Key
    values: Annotated[tuple[Option, ...], Meta(min_length=1, max_length=40)]
    is_not: bool = False


class FormField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question. `maps_to` is the core field it is filled from and goes back into, of that field's kind."""

    key: Key
    kind: Kind
    label: Annotated[str, Meta(min_length=1, max_length=200)]
    hint: Annotated[str, Meta(max_length=500)] = ""
    is_required: bool = False
    options: Annotated[tuple[Option, ...], Meta(max_length=40)] = ()
    maps_to: Annotated[str, Meta(max_length=40)] = ""
    show_if: ShowIf | None = None


class FormSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Fields under one heading."""

    title: Title
    note: Annotated[str, Meta(max_length=1000)] = ""
    fields: Annotated[tuple[FormField, ...], Meta(max_length=FIELDS_MAX)] = ()


Sections = Annotated[tuple[FormSection, ...], Meta(max_length=SECTIONS_MAX)]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `forms`."""

    id: UUID
    supplier_id: UUID
    title: str
    intro: str
    sections: tuple[FormSection, ...]
    is_active: bool
    version: int
    created_at: datetime
    updated_at: datetime


class NewForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A form to begin with; `template` fills what is not given."""

    title: Annotated[str, Meta(max_length=120)] = ""
    intro: Annotated[str, Meta(max_length=2000)] = ""
    sections: Sections = ()
    template: Annotated[str, Meta(max_length=40)] = ""


class FormChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays. Those who were asked keep what they were asked."""

    title: Title | UnsetType = UNSET
    intro: Annotated[str, Meta(max_length=2000)] | UnsetType = UNSET
    sections: Sections | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class FormRequestTold(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked as its events carry it: how it stands, never what was asked or answered. `GET` it for that.
    `reminded_at`: when its day was last reminded of, by itself."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    form_id: UUID
    form_version: int
    title: str
    word: str
    due_on: date | None
    state: State
    submitted_at: datetime | None
    submitted_by: str
    submissions: int
    changed: list[str]
    known: int
    avoided: int
    reminded_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class FormRequest(FormRequestTold, frozen=True, kw_only=True):
    """One form asked of one wedding, with the answers once they are sent.

    For the couple also `draft`, what is typed and not sent, and `record`, what the wedding's record holds of the fields
    that are mapped: `{key: value}`.
    """

    supplier_name: str
    intro: str
    sections: list[FormSection]
    answers: Answers = {}
    draft: Answers = {}
    record: Answers = {}


class NewFormRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask the couple to answer a form of yours."""

    form_id: UUID
    due_on: date | None = None
    word: Word = ""


class FormDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers by key, as far as they are known: text, a list of texts, or a number.

    `seen` is what you were shown in mapped fields, where it may have changed meanwhile.
    """

    answers: Annotated[dict[str, Any], Meta(max_length=FIELDS_MAX)] = {}
    seen: Annotated[dict[str, Any], Meta(max_length=FIELDS_MAX)] = {}


class FormReopening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is still missing, in a sentence the couple reads."""

    word: Word = ""


class FormPass(msgspec.Struct, frozen=True, kw_only=True):
    """An address that opens this one form without an account."""

    url: str
    until: datetime
