"""The six steps of setting a business up, and how far somebody has come; pure."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope

Key = Literal["business", "category", "calendar", "clients", "invitation", "wedding"]
State = Literal["done", "skipped", "open"]
TITLES: Final[Mapping[Key, str]] = {
    "business": "Your business",
    "category": "What you do",
    "calendar": "Your calendar",
    "clients": "Your clients",
    "invitation": "Their invitation",
    "wedding": "The first wedding",
}
"""In order."""


class Onboarding(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `onboardings`."""

    id: UUID
    supplier_id: UUID
    done: list[Key]
    skipped: list[Key]
    finished_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step as somebody finds it."""

    key: Key
    title: str
    state: State


def steps(done: Collection[str], skipped: Collection[str]) -> list[Step]:
    """All six; what is done counts as done, though it was skipped before."""
    return [Step(key=key, title=title, state=_state(key, done, skipped)) for key, title in TITLES.items()]


def _state(key: str, done: Collection[str], skipped: Collection[str]) -> State:
    if key in done:
        return "done"
    return "skipped" if key in skipped else "open"


def current(found: list[Step], wanted: str) -> Step | None:
    """The step somebody asks for, else the first that is open; None where none is."""
    asked = next((step for step in found if step.key == wanted), None)
    return asked or next((step for step in found if step.state == "open"), None)


_S, _AT = "01920000-0000-7000-8000-00000000000a", "2026-11-21T10:00:00+00:00"
_EXAMPLE: dict[str, Any] = {
    "id": _S,
    "supplier_id": _S,
    "done": ["category"],
    "skipped": ["calendar"],
    "finished_at": None,
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
CHANGED = EventType(
    type="onboarding.changed",
    scope=Scope.CORE,
    table="onboardings",
    row=Onboarding,
    description="Somebody set the business up a step further, skipped one, or is through.",
    example=_EXAMPLE,
)
EVENTS = (CHANGED,)
