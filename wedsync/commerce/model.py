"""What is limited, in words and numbers, and the events of plans and limits."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope

Name = Literal["weddings", "seats", "connections", "sms", "api_calls", "sync_minutes", "history_months"]
Per = Literal["standing", "month", "rate"]
State = Literal["open", "near", "reached", "free"]
NEAR: Final = 0.8
"""Eight tenths used: time to say so."""


class Kind(msgspec.Struct, frozen=True):
    """One thing that is limited: its words, and what it is counted by."""

    title: str
    about: str
    per: Per


KINDS: Final[Mapping[Name, Kind]] = {
    "weddings": Kind("Active weddings", "Linked, and not longer ago than 90 days.", "standing"),
    "seats": Kind("Seats", "People of your team who can sign in.", "standing"),
    "connections": Kind("Connected accounts", "Calendars, CRMs and mail. Files and feeds do not count.", "standing"),
    "sms": Kind("Text messages this month", "Emergencies are always sent.", "month"),
    "api_calls": Kind("API calls this month", "Requests of your programs with an API key.", "month"),
    "sync_minutes": Kind("Calendars are asked", "What a calendar tells us by itself comes at once.", "rate"),
    "history_months": Kind("Logs go back", "Older entries are kept, and show again on a larger plan.", "rate"),
}


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of a business. `allowed` null: no limit. `used` null: nothing is counted. `kept` of what is allowed is
    for weddings within three days alone.
    """

    name: Name
    title: str
    per: Per
    allowed: int | None
    used: int | None
    state: State
    kept: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A tier with its limits by name; null: no limit."""

    plan: str
    title: str
    limits: dict[str, int | None]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a business has and uses. `is_protected`: a wedding of it is in its window, so that nothing is refused.

    `dormant_clients` are kept beyond the weddings there is room for; `resets_on` is when the month's counts begin anew.
    """

    supplier_id: UUID
    plan: str
    title: str
    is_default: bool
    is_protected: bool
    dormant_clients: int
    resets_on: date
    limits: list[Limit]


class UsageDay(msgspec.Struct, frozen=True, kw_only=True):
    """What was used on a day (UTC); days without anything are left out."""

    on: date
    api_calls: int
    sms: int


class SupplierPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `supplier_plans`; `plan` null is the default of this installation."""

    supplier_id: UUID
    id: UUID
    plan: str | None
    extra: dict[str, int | None]
    reason: str
    version: int
    created_at: datetime
    updated_at: datetime


class LimitNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `limit_notices`."""

    id: UUID
    supplier_id: UUID
    name: str
    level: Literal["near", "reached"]
    month: date | None
    allowed: int
    used: int
    version: int
    created_at: datetime
    updated_at: datetime


def limit(name: Name, allowed: int | None, used: int | None, kept: int = 0) -> Limit:
    """One limit with how it stands."""
    kind, stands = KINDS[name], state(allowed, used)
    return Limit(name=name, title=kind.title, per=kind.per, allowed=allowed, used=used, state=stands, kept=kept)


def state(allowed: int | None, used: int | None) -> State:
    """`free` where there is no limit, `reached` when all of it is used, `near` from eight tenths on."""
    if allowed is None or used is None:
        return "free"
    if used >= allowed:
        return "reached"
    return "near" if used >= allowed * NEAR else "open"


def in_words(name: Name, allowed: int | None) -> str:
    """How much of something a plan holds: `25`, `no limit`, `every 15 minutes`."""
    if name == "sync_minutes":
        return _every(allowed or 0)
    if name == "history_months":
        return "all the way" if allowed is None else _months(allowed)
    return "no limit" if allowed is None else f"{allowed:,}" if allowed else "none"


def _every(minutes: int) -> str:
    if not minutes:
        return "as often as it helps"
    if minutes % 60:
        return f"every {minutes} minutes"
    return "every hour" if minutes == 60 else f"every {minutes // 60} hours"


def _months(months: int) -> str:
    if months and months % 12 == 0:
        return "a year" if months == 12 else f"{months // 12} years"
    return "a month" if months == 1 else f"{months} months"


def resets_on(today: date) -> date:
    """The first of the next month."""
    return date(today.year + today.month // 12, today.month % 12 + 1, 1)


def ordered(limits: Sequence[Limit]) -> list[Limit]:
    """As pages and answers list them."""
    names = list(KINDS)
    return sorted(limits, key=lambda one: names.index(one.name))


_S, _AT = "01920000-0000-7000-8000-00000000000a", "2026-11-21T10:00:00+00:00"
_PLAN: dict[str, Any] = {
    "supplier_id": _S,
    "id": _S,
    "plan": "professional",
    "extra": {"seats": 5},
    "reason": "Paid for a year",
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}
_NOTICE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000081",
    "supplier_id": _S,
    "name": "weddings",
    "level": "near",
    "month": None,
    "allowed": 25,
    "used": 20,
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}


def _limit(name: str, says: str, **more: Any) -> EventType:
    return EventType(
        type=name,
        scope=Scope.CORE,
        table="limit_notices",
        row=LimitNotice,
        description=says,
        example=_NOTICE | more,
    )


CHANGED = EventType(
    type="plan.changed",
    scope=Scope.CORE,
    table="supplier_plans",
    row=SupplierPlan,
    description="The operator gave the business another plan, or limits of its own. What it has stays as it is.",
    example=_PLAN,
)
NEARED = _limit("limit.neared", "Eight tenths of a limit are used. Nothing is refused yet.")
REACHED = _limit(
    "limit.reached", "All of a limit is used: what is new is refused, what is there goes on.", level="reached", used=25
)
EVENTS = (CHANGED, NEARED, REACHED)
