"""Suppliers, links and what a link may see: levels, flags and the bits they become."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.kit.errors import FieldError, Refusal
from wedsync.suppliers.team import model as team

Level = Literal["basic", "standard", "full"]
LEVELS: dict[str, Scope] = {
    "basic": Scope(0),
    "standard": Scope.SCHEDULE | Scope.TASKS | Scope.COUNTS,
    "full": Scope.SCHEDULE | Scope.TASKS | Scope.COUNTS | Scope.GUESTS | Scope.PHOTOS,
}
Category = Annotated[str, Meta(pattern="^[a-z_]{2,40}$")]
Email = Annotated[
    str, Meta(min_length=3, max_length=320, pattern=r"^[^@\s<>\"',;:]+@[^@\s<>\"',;:]+\.[^@\s<>\"',;:]+$")
]


class Supplier(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `suppliers`."""

    supplier_id: UUID
    id: UUID
    name: str
    category: str
    email: str
    phone: str
    website: str
    time_zone: str
    version: int
    created_at: datetime
    updated_at: datetime


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `links`: one supplier's engagement in one wedding."""

    id: UUID
    wedding_id: UUID
    supplier_id: UUID | None
    link_id: UUID
    supplier_name: str
    category: str
    invited_email: str | None
    status: str
    level: Level
    scopes: int
    mask: int
    can_view_guests: bool
    can_view_dietary: bool
    can_view_contacts: bool
    can_view_budget: bool
    can_edit_timeline: bool
    invited_by: str
    active_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class IndexRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `supplier_index`: one wedding of the portfolio; `id` is the link's."""

    supplier_id: UUID
    wedding_id: UUID
    id: UUID
    couple_names: str
    on: date | None
    date_status: str
    time_zone: str
    venue: str
    status: str
    level: str
    waiting: int
    tasks_open: int
    next_due: date | None
    open: list[dict[str, Any]]
    changed_at: datetime
    version: int
    updated_at: datetime


class NewSupplier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A business to register; the caller becomes its owner."""

    name: Annotated[str, Meta(min_length=1, max_length=300)]
    category: Category
    time_zone: str = "Europe/London"


class NewLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The couple invites a supplier by e-mail."""

    supplier_name: Annotated[str, Meta(min_length=1, max_length=300)]
    email: Email
    category: Category = "other"
    level: Level = "standard"


class LinkRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplier asks a couple it works for to be linked."""

    couple_email: Email


class LinkChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the couple grants. Choosing a level sets its scopes afresh; each flag then switches one on or off."""

    level: Level | UnsetType = UNSET
    can_view_guests: bool | UnsetType = UNSET
    can_view_dietary: bool | UnsetType = UNSET
    can_view_contacts: bool | UnsetType = UNSET
    can_edit_timeline: bool | UnsetType = UNSET
    can_view_budget: bool | UnsetType = UNSET
    status: Literal["active", "declined"] | UnsetType = UNSET


class InvitationAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplier takes up or declines an invitation, as one of its businesses."""

    supplier_id: UUID
    accept: bool = True


class Grant(msgspec.Struct, frozen=True):
    """What is stored of a link's permission."""

    level: str
    scopes: Scope
    can_edit_timeline: bool


_FLAGS = (("can_view_guests", Scope.GUESTS), ("can_view_dietary", Scope.DIETARY), ("can_view_contacts", Scope.CONTACTS))


def grant(before: Grant, change: LinkChange) -> Grant:
    """The grant after a change. `dietary` and `contacts` come and go by their own flag only, whatever the level.

    Raises Refusal 422 for `can_view_budget: true`: there is no such permission.
    """
    if change.can_view_budget is True:
        raise Refusal(
            422,
            "budget_is_private",
            "can_view_budget can never be true: the budget is the couple's alone.",
            errors=[FieldError("can_view_budget", "can never be true", "Leave it out, or send false.")],
        )
    level, scopes, edits = before.level, before.scopes, before.can_edit_timeline
    if change.level is not UNSET:
        level = change.level
        scopes = LEVELS[level] | (scopes & (Scope.DIETARY | Scope.CONTACTS))
        edits = edits and bool(scopes & Scope.SCHEDULE)
    for name, bit in _FLAGS:
        wanted = getattr(change, name)
        if wanted is not UNSET:
            scopes = scopes | bit if wanted else scopes & ~bit
    if change.can_edit_timeline is not UNSET:
        edits = change.can_edit_timeline
        scopes = scopes | Scope.SCHEDULE if edits else scopes
    return Grant(level, scopes, edits)


SEES = {
    Scope.CORE: "Names, date, venues and times, estimated guest count",
    Scope.SCHEDULE: "The schedule and on-day contacts",
    Scope.TASKS: "Shared tasks",
    Scope.COUNTS: "Head counts and meal totals, without names",
    Scope.GUESTS: "Guests' names, parties, answers and meals",
    Scope.DIETARY: "Named dietary and access needs",
    Scope.CONTACTS: "Guests' e-mail, phone and address",
    Scope.PHOTOS: "Shared photos",
}
NEVER = ("Your budget and payments", "Your private notes", "What other suppliers are paid", "Tasks given to others")


def trade(category: str) -> str:
    """A category as people read it: make_up is "Make up", dj is "DJ"."""
    return "DJ" if category == "dj" else category.replace("_", " ").capitalize()


def panel(mask: int) -> tuple[list[str], list[str], tuple[str, ...]]:
    """(sees, does not see now, never sees) in words, for the couple's page."""
    return [t for s, t in SEES.items() if s & mask], [t for s, t in SEES.items() if not s & mask], NEVER


_W, _S, _L, _AT = (
    "01920000-0000-7000-8000-000000000001",
    "01920000-0000-7000-8000-00000000000a",
    "01920000-0000-7000-8000-00000000000b",
    "2026-11-21T10:00:00Z",
)
_LINK: dict[str, Any] = {
    "id": _L,
    "wedding_id": _W,
    "supplier_id": _S,
    "link_id": _L,
    "supplier_name": "Example Photography",
    "category": "photographer",
    "invited_email": "studio@example.test",
    "status": "active",
    "level": "standard",
    "scopes": 14,
    "mask": 15,
    "can_view_guests": False,
    "can_view_dietary": False,
    "can_view_contacts": False,
    "can_view_budget": False,
    "can_edit_timeline": False,
    "invited_by": "couple",
    "active_since": _AT,
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
_SUPPLIER: dict[str, Any] = {
    "supplier_id": _S,
    "id": _S,
    "name": "Example Photography",
    "category": "photographer",
    "email": "",
    "phone": "",
    "website": "",
    "time_zone": "Europe/London",
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}
_INDEX: dict[str, Any] = {
    "supplier_id": _S,
    "wedding_id": _W,
    "id": _L,
    "couple_names": "Ana & Ben",
    "on": "2027-06-05",
    "date_status": "confirmed",
    "time_zone": "Europe/London",
    "venue": "The Old Barn",
    "status": "active",
    "level": "standard",
    "waiting": 1,
    "tasks_open": 0,
    "next_due": None,
    "open": [],
    "changed_at": _AT,
    "version": 3,
    "updated_at": _AT,
}


def _link(name: str, text: str, lane: Lane = Lane.NORMAL) -> EventType:
    return EventType(
        type=f"link.{name}", scope=Scope.CORE, table="links", row=Link, description=text, example=_LINK, lane=lane
    )


INVITED = _link("invited", "The couple invited a supplier.")
REQUESTED = _link("requested", "A supplier asked to be linked.")
ACCEPTED = _link("accepted", "The link is active.", Lane.HIGH)
DECLINED = _link("declined", "The invitation or request was declined.")
SCOPES_CHANGED = _link(
    "scopes_changed", "What the link may see or change was switched; open sockets feel it at once.", Lane.CRITICAL
)
REVOKED = _link("revoked", "The link was ended by the couple; sockets and deliveries stop.", Lane.CRITICAL)
REGISTERED = EventType(
    type="supplier.registered",
    scope=Scope.CORE,
    table="suppliers",
    row=Supplier,
    description="A business was registered.",
    example=_SUPPLIER,
)
SUPPLIER_CHANGED = EventType(
    type="supplier.changed",
    scope=Scope.CORE,
    table="suppliers",
    row=Supplier,
    description="A business changed its details.",
    example=_SUPPLIER,
)
PORTFOLIO_CHANGED = EventType(
    type="portfolio.changed",
    scope=Scope.CORE,
    table="supplier_index",
    row=IndexRow,
    description="A wedding of the portfolio changed: names, date, or what is open.",
    example=_INDEX,
)
PORTFOLIO_REMOVED = EventType(
    type="portfolio.removed",
    scope=Scope.CORE,
    table="supplier_index",
    row=IndexRow,
    description="A wedding left the portfolio.",
    example=_INDEX,
)
EVENTS = (
    INVITED,
    REQUESTED,
    ACCEPTED,
    DECLINED,
    SCOPES_CHANGED,
    REVOKED,
    REGISTERED,
    SUPPLIER_CHANGED,
    PORTFOLIO_CHANGED,
    PORTFOLIO_REMOVED,
    *team.EVENTS,
)
