"""What an alert is, who can be called for it, and what may become of it; pure."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing
from wedsync.notices.wording.tongues import ENGLISH, Tongue
from wedsync.web.context import invalid

What = Literal["medical", "safety", "weather", "supplier_missing", "venue", "transport", "lost", "other"]
Kind = Literal["emergency", "drill", "dietary"]
Via = Literal["page", "api", "link", "text", "call", "chat"]
State = Literal["triggered", "acknowledged", "resolved", "cancelled", "unanswered"]
Answer = Literal["acknowledged", "cannot"]
Severity = Literal["p0", "p1", "p2", "p3"]

ALERTS: Final = "alerts"
OPEN: Final = ("triggered", "acknowledged")
STORM_MAX: Final = 5
"""So many different open alerts of one wedding; another one is told within the newest."""
DETAILS_CHARACTERS_MAX: Final = 4000
WHAT: Final[dict[str, str]] = {
    "medical": "Medical help is needed",
    "safety": "Somebody is in danger",
    "weather": "The weather turns",
    "supplier_missing": "A supplier has not come",
    "venue": "Something is wrong at the venue",
    "transport": "Transport has failed",
    "lost": "Somebody or something is missing",
    "other": "Help is needed",
}
NAMED: Final = {"drill": "Drill", "dietary": "A severe allergy"}
YES: Final = {"drill": "I can be reached", "dietary": "The kitchen knows"}
"""What acknowledging says, where it is not that somebody sees to it."""
SEVERITIES: Final[dict[Severity, str]] = {
    "p0": "Danger to life or safety: everybody is called at once",
    "p1": "The ceremony is at risk: people are called second by second",
    "p2": "Guests notice it: whoever leads the day first, others after ten minutes",
    "p3": "Small: a line on the screen, others after half an hour",
}
URGENT_BY_ITSELF: Final = frozenset({"medical", "safety"})
STATES: Final[dict[str, str]] = {
    "triggered": "Nobody has answered yet",
    "acknowledged": "Somebody is on it",
    "resolved": "Resolved",
    "cancelled": "False alarm",
    "unanswered": "Nobody answered",
}


class OnCall(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of the wedding who can be called; `tier` is what the couple has said, `email` for the system alone."""

    person_id: UUID
    name: str
    email: str | None
    role: str
    link_id: UUID | None
    supplier_id: UUID | None
    supplier_name: str | None
    category: str | None
    mask: int
    tier: int | None


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `alerts` as it is stored: `sealed` holds what happened in words."""

    id: UUID
    wedding_id: UUID
    kind: Kind
    what: What
    severity: Severity
    place: str
    sealed: str
    state: State
    times: int
    step: int
    began_at: datetime
    next_at: datetime | None
    is_breached: bool
    raised_by: UUID | None
    raised_name: str
    raised_link: UUID | None
    raised_at: datetime
    acknowledged_by: UUID | None
    acknowledged_name: str
    acknowledged_via: Via | None
    acknowledged_at: datetime | None
    held_until: datetime | None
    outcome: str
    ended_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it stands. `detail` is what happened, `times` how often it was raised, `held_until` when it escalates
    again unless whoever acknowledged it resolves it or says that they are on it; `step` is the next of the ladder."""

    id: UUID
    wedding_id: UUID
    kind: Kind
    what: What
    severity: Severity
    place: str
    detail: str
    state: State
    times: int
    step: int
    next_at: datetime | None
    is_breached: bool
    raised_name: str
    raised_at: datetime
    acknowledged_name: str
    acknowledged_via: Via | None
    acknowledged_at: datetime | None
    held_until: datetime | None
    outcome: str
    ended_at: datetime | None
    version: int


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Who was called for an alert, when first and last, how often, on which ways, and what they answered."""

    person_id: UUID
    name: str
    tier: int
    channels: list[str]
    first_at: datetime
    last_at: datetime
    calls: int
    answer: Answer | None
    answered_at: datetime | None


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `duties`: whom the couple has placed on the ladder; 0 is never."""

    id: UUID
    wedding_id: UUID
    person_id: UUID
    tier: int
    version: int
    created_at: datetime
    updated_at: datetime


class NewAlert(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An emergency. It calls people at once, so `detail` says what happened and what is needed: it is the reason."""

    what: What
    detail: Annotated[str, Meta(min_length=3, max_length=500, description="What happened, and what is needed")]
    place: Annotated[str, Meta(max_length=120, description="Where: Orangery, car park")] = ""
    severity: Annotated[Severity | None, Meta(description="p0 for medical help and danger, p1 else, when absent")] = (
        None
    )


class Ending(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it ended."""

    outcome: Annotated[str, Meta(max_length=500, description="What was done")] = ""


class DutyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When this person is called: 1 first, 2 after 25 seconds, 3 after 40 seconds, 0 never, null as is usual."""

    tier: Annotated[int, Meta(ge=0, le=3)] | None


def severity_of(new: NewAlert) -> Severity:
    """How urgent it is, where nobody said so."""
    return new.severity or ("p0" if new.what in URGENT_BY_ITSELF else "p1")


def seal(ring: KeyRing, wedding_id: UUID, alert_id: UUID, detail: str) -> bytes:
    """For one row and no other."""
    plain = msgspec.json.encode({"detail": detail})
    return ring.seal(plain, tenant=wedding_id, table=ALERTS, column="sealed", row=alert_id)


def unseal(ring: KeyRing, wedding_id: UUID, alert_id: UUID, sealed: bytes) -> str:
    """What happened, in words. Raises SealError when it was sealed for another row."""
    plain = ring.open(sealed, tenant=wedding_id, table=ALERTS, column="sealed", row=alert_id)
    detail: str = msgspec.json.decode(plain)["detail"]
    return detail


def opened(ring: KeyRing, row: Any) -> Alert:
    """A row of a query with what is sealed in it opened."""
    given = dict(row) | {"detail": unseal(ring, row["wedding_id"], row["id"], row["sealed"])}
    return Alert(**{name: given[name] for name in Alert.__struct_fields__})


def added(before: str, more: str) -> str:
    """What was said, and what was said when it was raised again, newest last; the oldest gives way."""
    return f"{before}\n{more}"[-DETAILS_CHARACTERS_MAX:]


def text_of(kind: str, what: str) -> str:
    """The text by which it calls people."""
    return f"alert.{kind if kind in NAMED else what}"


def title(kind: str, what: str, place: str, tongue: Tongue = ENGLISH) -> str:
    """What may be said outside of the product: never what happened to whom."""
    return tongue.text(text_of(kind, what)).title + (f" ({place})" if place else "")


def invalid_detail() -> Refusal:
    """What happened is the reason for calling people."""
    return invalid("detail", "is too short", "Say what happened and what is needed.")


def check_open(state: str) -> None:
    """Raises Refusal 409 for an alert that is over."""
    if state not in OPEN:
        raise Refusal(409, "over", f"This alert is over: {STATES[state].lower()}. Raise a new one if help is needed.")
