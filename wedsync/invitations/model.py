"""The rules of invitations: who may be invited, who is asked at which address, when a mail is due. Pure."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.clients.model import Details
from wedsync.kit.seal import normalise

State = Literal["queued", "sent", "opened", "joined", "declined", "bounced", "suppressed", "expired", "withdrawn"]
STATES: Final[Mapping[State, str]] = {
    "queued": "Waits to be sent",
    "sent": "Sent",
    "opened": "Opened",
    "joined": "Joined",
    "declined": "Said no",
    "bounced": "Came back",
    "suppressed": "Wants no mails",
    "expired": "No answer",
    "withdrawn": "Withdrawn",
}
OPEN: Final = frozenset({"queued", "sent", "opened"})
Why = Literal["no_email", "past", "cancelled", "joined", "invited", "declined", "refused", "dormant"]
WHY: Final[Mapping[Why, str]] = {
    "no_email": "There is no e-mail address",
    "past": "The wedding is over",
    "cancelled": "Cancelled",
    "joined": "Linked with you already",
    "invited": "Invited already",
    "declined": "They said no",
    "refused": "Takes no invitations by mail",
    "dormant": "Beyond the weddings your plan has room for",
}
"""Why a client is left out, in words for its supplier. Of those who take no mails it never says which of the two."""
AGAIN_AFTER: Final = timedelta(days=14)
"""No couple gets two of these mails within this time, whoever sends them; the reminder comes after it."""
AWAKE_EVERY: Final = timedelta(days=1)
"""How long the first mail waits for room where the plan has become smaller since somebody chose the couple."""
LIFE: Final = timedelta(days=60)
CHOSEN_MAX: Final = 1000
SLICE: Final = 50
"""Couples that are written to before somebody looks again how many mails came back."""
COLOUR: Final = "#2f4a3a"
_OVER: Final = frozenset({"fulfilled", "completed"})


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `invitations` without what is sealed or secret."""

    id: UUID
    supplier_id: UUID
    client_id: UUID
    state: State
    reason: str
    wedding_on: date | None
    mails: int
    next_at: datetime | None
    expires_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None
    reminded_at: datetime | None
    ended_at: datetime | None
    complained_at: datetime | None
    wedding_id: UUID | None
    link_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


class InvitationView(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation as the supplier's team sees it. `link_id`: the engagement, or the request to a couple that was
    here already.
    """

    id: UUID
    client_id: UUID
    couple_names: str
    email: str
    state: State
    reason: str
    wedding_on: date | None
    mails: int
    expires_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None
    reminded_at: datetime | None
    ended_at: datetime | None
    wedding_id: UUID | None
    link_id: UUID | None
    version: int
    created_at: datetime


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed of an invitation: what the supplier knew of the couple when it invited. `to` is written to."""

    to: str
    name: str = ""
    partner_name: str = ""
    email: str = ""
    partner_email: str = ""
    venue: str = ""

    @property
    def details(self) -> Details:
        return Details(
            name=self.name, partner_name=self.partner_name, email=self.email, partner_email=self.partner_email
        )

    @property
    def couple_names(self) -> str:
        return self.details.couple_names


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A client somebody wants to invite; `states` are those of the invitations it has had."""

    id: UUID
    stage: str
    wedding_on: date | None
    is_linked: bool
    states: Collection[str]
    details: Details
    is_dormant: bool = False


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to invite: these clients, or `all` that can be invited, of one stage or of any."""

    client_ids: Annotated[list[UUID], Meta(max_length=CHOSEN_MAX)] = []
    all: bool = False
    stage: Literal["", "enquiry", "held", "booked"] = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one client that was chosen; `why` says why it is left out."""

    client_id: UUID
    couple_names: str
    email: str
    why: Why | None = None


class Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of all that were chosen; `invited` of them."""

    items: list[Verdict]
    invited: int


class Style(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a supplier's invitations look. `address` is the postal address that such a mail must name."""

    colour: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")] = COLOUR
    words: Annotated[str, Meta(max_length=1000)] = ""
    signature: Annotated[str, Meta(max_length=200)] = ""
    address: Annotated[str, Meta(max_length=300)] = ""


class StyleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `invitation_styles`."""

    id: UUID
    supplier_id: UUID
    colour: str
    words: str
    signature: str
    address: str
    version: int
    updated_at: datetime


class Funnel(msgspec.Struct, frozen=True, kw_only=True):
    """How far clients came, each counted once at every step that it reached.

    `second_supplier`: weddings brought here in which a second supplier works; `suppliers_joined`: businesses that came
    because of them. `brake`: why no mails leave now (`bounces`, `complaints`).
    """

    clients: int
    invited: int
    delivered: int
    opened: int
    joined: int
    second_supplier: int
    suppliers_joined: int
    waiting: int
    declined: int
    bounced: int
    complained: int
    brake: Literal["bounces", "complaints"] | None


def address(details: Details, refused: Mapping[str, str]) -> str:
    """Whom to write to; '' for nobody. `refused`: why an address, in its plain form, takes no mails. Who opted out or
    complained speaks for both of them; an address that mails came back from only for itself.
    """
    if any(refused.get(plain(email), "bounced") != "bounced" for email in details.emails):
        return ""
    return next((email for email in details.emails if plain(email) not in refused), "")


def plain(email: str) -> str:
    """What counts as the same address, as the keyed index sees it."""
    return normalise(email, "email")


def verdict(one: Candidate, today: date, refused: Mapping[str, str]) -> Why | None:
    """Why this client is not invited, the weightiest reason first; None when it is."""
    checks: tuple[tuple[Why, bool], ...] = (
        ("joined", one.is_linked or "joined" in one.states),
        ("cancelled", one.stage == "cancelled"),
        ("past", one.stage in _OVER or (one.wedding_on is not None and one.wedding_on < today)),
        ("invited", not OPEN.isdisjoint(one.states)),
        ("declined", "declined" in one.states),
        ("no_email", not one.details.emails),
        ("refused", not address(one.details, refused)),
        ("dormant", one.is_dormant),
    )
    return next((why for why, holds in checks if holds), None)


def expiry(now: datetime, on: date | None) -> datetime:
    """An invitation holds for two months, and not beyond the wedding's day."""
    ends = now + LIFE
    return ends if on is None else min(ends, datetime(on.year, on.month, on.day, 23, 59, tzinfo=now.tzinfo))


def names_in_words(names: list[str]) -> str:
    """ "A", "A and B", "A, B and C"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def ink(colour: str) -> str:
    """White or black, whichever is read better on a colour (WCAG 2 relative luminance)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def wedding_fields(known: Known, on: date | None) -> dict[str, Any]:
    """What the couple's page is filled in with, for them to confirm, correct or take out."""
    return {
        "couple_names": "" if "@" in known.couple_names else known.couple_names,
        "on": on,
        "ceremony_venue": known.venue,
    }
