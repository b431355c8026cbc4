"""A person's phone, the words they agree to, and what an answered text means; pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
import phonenumbers
from msgspec import Meta
from phonenumbers import PhoneNumberType, number_type

from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope
from wedsync.web.context import invalid

CODE_DIGITS: Final = 6
CODE_MINUTES: Final = 10
CODE_TRIES: Final = 5
WORDING_VERSION: Final = "2026-11"
TEXTS_WORDING: Final = (
    "Text me about my weddings: changes that concern me, what I am asked to confirm, and what cannot wait. "
    "Message and data rates may apply. I can answer STOP at any time, or HELP for help."
)
CALLS_WORDING: Final = "Call me, by an automatic voice, when something cannot wait and I have not confirmed it."
"""Of WORDING_VERSION: the ledger keeps the very words. Change them and the version together."""
REFUSED_LINES: Final = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PAGER,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
        PhoneNumberType.TOLL_FREE,
    }
)
"""What nobody carries in a pocket, or what somebody earns from being texted."""
LINES: Final = {PhoneNumberType.MOBILE: "mobile", PhoneNumberType.FIXED_LINE: "landline"}
Line = Literal["mobile", "landline", "unknown"]
State = Literal["unverified", "verified", "invalid"]
Answer = Literal["confirmed", "cannot"]


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `phones` as facts show it: without the number."""

    id: UUID
    person_id: UUID
    region: str
    line: Line
    state: State
    takes_texts: bool
    takes_calls: bool
    verified_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What is agreed to, word for word."""

    version: str = WORDING_VERSION
    texts: str = TEXTS_WORDING
    calls: str = CALLS_WORDING


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One's own phone. `is_stopped`: the number has said STOP, which only START from it takes back. `last_text` is how
    the newest text stands (`owed`, `sent`, `delivered`, `undelivered`…)."""

    number: str
    region: str
    line: Line
    state: State
    takes_texts: bool
    takes_calls: bool
    is_stopped: bool
    last_text: str | None
    verified_at: datetime | None


class Mine(msgspec.Struct, frozen=True, kw_only=True):
    """`is_on_offer`: this installation sends texts. `answers_to` is the number that START is texted to."""

    is_on_offer: bool
    answers_to: str
    wording: Wording
    phone: Shown | None


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """A line of one's own ledger. `method`: `text` is STOP or START from the phone itself, `carrier` the provider's."""

    id: UUID
    act: Literal["given", "withdrawn"]
    channel: Literal["text", "call"]
    purpose: str
    wording: str
    wording_version: str
    method: str
    created_at: datetime


class NewPhone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number in international form (`+44 7700 900123`). `wording_version` is of the words that were shown and agreed
    to; see `GET /api/v1/me/phone`."""

    number: Annotated[str, Meta(min_length=5, max_length=40)]
    takes_texts: bool
    takes_calls: bool = False
    wording_version: Annotated[str, Meta(max_length=20)]


class Agreed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is agreed to from now on."""

    takes_texts: bool
    takes_calls: bool
    wording_version: Annotated[str, Meta(max_length=20)]


class Code(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As it was texted."""

    code: Annotated[str, Meta(min_length=1, max_length=20)]


class Number(msgspec.Struct, frozen=True):
    e164: str
    region: str
    line: Line


def number(text: str, *, regions: Sequence[str] = ()) -> Number:
    """A number as it is dialled from anywhere. Raises Refusal 422 for what is none, or cannot be texted."""
    try:
        parsed = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException as error:
        raise _no_number(
            "is not a phone number with its country", "Begin with + and the country, such as +44."
        ) from error
    if not phonenumbers.is_valid_number(parsed):
        raise _no_number("is not a number that exists", "Check its digits.")
    region = phonenumbers.region_code_for_number(parsed) or ""
    kind = number_type(parsed)
    if kind in REFUSED_LINES:
        raise _no_number("is a service's number", "Give the number of a phone that you carry.")
    if regions and region not in regions:
        raise _no_number("is of a country that we do not text", "Give another number, or stay with mail.")
    line: Line = LINES.get(kind, "unknown")  # type: ignore[assignment]
    return Number(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), region, line)


def pretty(e164: str) -> str:
    """A number as people read it."""
    try:
        parsed = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def regions(setting: str) -> tuple[str, ...]:
    """`GB, ie` -> GB, IE."""
    return tuple(one.strip().upper() for one in setting.split(",") if one.strip())


def code_words(code: str) -> str:
    """The text with the code: for whom it is and how long it holds; nobody else's product asks for it."""
    return f"{code} is your WedSync code, for {CODE_MINUTES} minutes. Reply STOP to get no texts, HELP for help."


def code_in(text: str) -> str:
    """The digits of what was typed."""
    return "".join(re.findall(r"\d", text))


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person was asked by text and has not answered."""

    id: UUID
    tenant_id: UUID
    person_id: UUID
    event_id: UUID
    code: int
    title: str
    locale: str | None = None
    """What they chose, else the wedding's."""


YES: Final = frozenset(
    {
        "1",
        "ok",
        "okay",
        "yes",
        "y",
        "ack",
        "confirm",
        "confirmed",
        "fine",
        "k",
        "👍",
        "got it",
        "done",
        "ja",
        "oui",
        "si",
        "sí",
    }
)
NO: Final = frozenset({"2", "no", "n", "cannot", "can't", "cant", "not possible", "impossible", "nein", "nee", "non"})


class Meant(msgspec.Struct, frozen=True):
    """What an answer says, and to which question; without a code it is to the newest."""

    answer: Answer | None
    code: int | None


def meant(text: str) -> Meant:
    """`OK`, `1`, `OK 12`, `12`, `no 12`; anything else is for people, not for us."""
    words = text.lower().replace("’", "'").strip(' \t\r\n.,!?"*').split()
    codes = [int(word) for word in words if re.fullmatch(r"[1-9]\d", word)]
    rest = " ".join(word.strip(".,!") for word in words if not re.fullmatch(r"[1-9]\d", word))
    code = codes[0] if len(codes) == 1 else None
    if len(codes) > 1:
        return Meant(None, None)
    if rest in YES or (not rest and code is not None):
        return Meant("confirmed", code)
    return Meant("cannot", code) if rest in NO else Meant(None, None)


def which(asks: Sequence[Asked], code: int | None) -> Asked | None:
    """The question that is meant: of the code, else the newest. Ids are in the order of time only within a wedding, so
    `asks` come newest first."""
    found = asks if code is None else [one for one in asks if one.code == code]
    return found[0] if found else None


def _no_number(reason: str, fix: str) -> Exception:
    return invalid("number", reason, fix)


_EXAMPLE = {
    "id": "01920000-0000-7000-8000-000000000021",
    "person_id": "01920000-0000-7000-8000-000000000002",
    "region": "GB",
    "line": "mobile",
    "state": "verified",
    "takes_texts": True,
    "takes_calls": False,
    "verified_at": "2026-11-21T10:00:00Z",
    "version": 2,
    "created_at": "2026-11-21T09:58:00Z",
    "updated_at": "2026-11-21T10:00:00Z",
}


def _type(name: str, text: str) -> EventType:
    return EventType(
        type=f"phone.{name}", scope=Scope.PRIVATE, table="phones", row=Phone, description=text, example=_EXAMPLE
    )


ADDED = _type("added", "A person gave their number.")
CHANGED = _type("changed", "A number was proved, changed or spoiled, or its person agrees to more or less.")
REMOVED = _type("removed", "A person took their number away.")
EVENTS = (ADDED, CHANGED, REMOVED)
