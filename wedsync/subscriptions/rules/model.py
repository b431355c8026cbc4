"""Rules as the API shows them, what a new one needs, and the facts of their changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope
from wedsync.kit.db import Row
from wedsync.kit.errors import FieldError, Refusal
from wedsync.subscriptions.model import Mode, Pattern
from wedsync.subscriptions.rules import quiet as quiets
from wedsync.subscriptions.rules import shape as shapes
from wedsync.subscriptions.rules.conditions import Condition
from wedsync.subscriptions.rules.fields import Fields
from wedsync.subscriptions.rules.quiet import Quiet
from wedsync.subscriptions.rules.shape import Rows

#: Of an endpoint; each is asked of every change of every wedding that its tenant hears, while that wedding is held.
RULES_MAX: Final = 20
#: Of all endpoints of a tenant.
TENANT_RULES_MAX: Final = 100
CONDITIONS_MAX: Final = 10
PAST_MAX: Final = 50
Name = Annotated[str, Meta(min_length=1, max_length=120)]
Types = Annotated[list[Pattern], Meta(min_length=1, max_length=50)]
Conditions = Annotated[list[Condition], Meta(max_length=CONDITIONS_MAX)]
LaneNumber = Annotated[int, Meta(ge=1, le=3, description="1 high, 2 normal, 3 low; critical only comes about")]
Position = Annotated[int, Meta(ge=1, le=RULES_MAX)]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When these types, under these conditions (all of them), in this lane, to this endpoint, in this shape.

    Of the rules of an endpoint, by position, the first that matches takes an event; what none takes goes by the
    endpoint's own list. `lane` null: by type, severity and how near the wedding is, which alone makes 0 (critical).
    `shape` null: the event as it is.
    """

    id: UUID
    tenant_id: UUID
    endpoint_id: UUID
    name: str
    position: int
    types: list[str]
    conditions: list[Condition]
    lane: int | None
    mode: Mode
    shape: Rows | None
    quiet: Quiet | None
    is_active: bool
    version: int
    created_at: datetime
    updated_at: datetime


class NewRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule to be; it comes after the others of its endpoint."""

    name: Name
    endpoint_id: UUID
    types: Types
    conditions: Conditions = []
    lane: LaneNumber | None = None
    mode: Mode = "parallel"
    shape: Rows | None = None
    quiet: Quiet | None = None
    is_active: bool = True


class RuleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change; what is absent stays. `position`: its place among the rules of its endpoint, 1 being asked first."""

    name: Name | UnsetType = UNSET
    endpoint_id: UUID | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    conditions: Conditions | UnsetType = UNSET
    lane: LaneNumber | None | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    shape: Rows | None | UnsetType = UNSET
    quiet: Quiet | None | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    position: Position | UnsetType = UNSET


class Draft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule to try on past events."""

    types: Types
    conditions: Conditions = []
    shape: Rows | None = None
    limit: Annotated[int, Meta(ge=1, le=PAST_MAX)] = PAST_MAX


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A past event: whether the draft takes it, else the rows that do not hold (from 0); the body it would be sent."""

    event_id: UUID
    type: str
    occurred_at: datetime
    is_match: bool
    failed: list[int]
    body: dict[str, Any] | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The newest events of these types that you may see, and which of them a draft would take."""

    considered: int
    matched: int
    items: list[Tried]


class TestSend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which past event to send; absent, the newest one that the rule takes."""

    event_id: UUID | None = None


class TestSent(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery that was made, marked as a test."""

    delivery_id: UUID
    event_id: UUID


def read(row: Row) -> Rule:
    """A row of the queries: JSON columns travel as text."""
    values = dict(row)
    for name in ("conditions", "shape", "quiet"):
        values[name] = None if values[name] is None else msgspec.json.decode(values[name])
    return msgspec.convert(values, type=Rule, builtin_types=(UUID, datetime))


def check(rule: NewRule, fields: Fields) -> None:
    """Raises Refusal 422 for what cannot work, by its field."""
    fields.check(rule.types, rule.conditions)
    if rule.shape is not None:
        shapes.check(rule.shape)
    if rule.quiet is not None:
        where, said = quiets.fault(rule.quiet)
        if said:
            raise wrong(where, said)
        if rule.mode == "ordered":
            raise wrong("quiet", "does not go with the order of events", "What is urgent would wait for what is held.")


def wrong(field: str, reason: str, fix: str = "") -> Refusal:
    """One field that cannot be taken."""
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])


def placed(order: Sequence[UUID], rule_id: UUID, position: int) -> list[UUID]:
    """The rules of an endpoint in their new order, one of them put at a place counted from 1."""
    rest = [one for one in order if one != rule_id]
    at = min(max(position, 1), len(rest) + 1) - 1
    return [*rest[:at], rule_id, *rest[at:]]


_AT = "2026-11-21T10:00:00Z"
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-00000000000d",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "endpoint_id": "01920000-0000-7000-8000-00000000000e",
    "name": "Who does not come",
    "position": 1,
    "types": ["rsvp.replied"],
    "conditions": [{"field": "record.status", "operator": "is", "value": "declined"}],
    "lane": 1,
    "mode": "parallel",
    "shape": [{"target": "guest", "source": "record.guest_id"}, {"target": "kind", "constant": "rsvp"}],
    "quiet": {"zone": "Europe/London", "from": "22:00", "until": "07:00"},
    "is_active": True,
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}


def _type(name: str, text: str) -> EventType:
    return EventType(
        type=f"rule.{name}", scope=Scope.PRIVATE, table="rules", row=Rule, description=text, example=_EXAMPLE
    )


ADDED = _type("added", "A routing rule was added.")
CHANGED = _type("changed", "A routing rule was changed, switched on or off, or got another place.")
REMOVED = _type("removed", "A routing rule was removed; what it was still owed is not sent.")
EVENTS = (ADDED, CHANGED, REMOVED)
