"""A mode as the operator sees it, what a wedding was told of it, and the events of that."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.kit.modes import Kind
from wedsync.web.admission import WORDS

MINUTES_MAX: Final = 720


class EnterMode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator says."""

    kind: Kind
    reason: Annotated[str, Meta(min_length=10, max_length=500, description="Why; for the record, told to operators.")]
    minutes: Annotated[
        int, Meta(ge=1, le=MINUTES_MAX, description="It ends by itself after so many, if nobody ends it before.")
    ]


class PlatformMode(msgspec.Struct, frozen=True, kw_only=True):
    """One that is, or was, in force. `weddings_told`: to how many it was told."""

    id: UUID
    kind: Kind
    reason: str
    entered_by_name: str
    entered_at: datetime
    expires_at: datetime
    left_by_name: str
    left_at: datetime | None
    is_in_force: bool
    weddings_told: int


class Shedding(msgspec.Struct, frozen=True, kw_only=True):
    """A process of the web that is late and sends work away, by itself and until it is on time again."""

    process_id: UUID
    level: Annotated[int, Meta(description="1 bulk; 2 and every second read; 3 all reads; 4 and every second change.")]
    since: datetime
    total: Annotated[int, Meta(description="Requests it has sent away since it began.")]

    @property
    def says(self) -> str:
        return WORDS[self.level]


class PlatformModes(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `shedding` is of this moment."""

    items: list[PlatformMode]
    shedding: list[Shedding] = []


class ModeNote(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `mode_notes`: `until_local` by the clock of the venue."""

    id: UUID
    wedding_id: UUID
    kind: Kind
    mode_id: UUID
    expires_at: datetime
    until_local: str
    told_at: datetime
    over_at: datetime | None


_NOTE: Final[dict[str, Any]] = {
    "id": "01920000-0000-7000-8000-0000000000f1",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "kind": "read_only",
    "mode_id": "01920000-0000-7000-8000-0000000000f2",
    "expires_at": "2027-06-05T13:30:00+00:00",
    "until_local": "14:30",
    "told_at": "2027-06-05T13:00:00+00:00",
    "over_at": None,
}


def _type(name: str, says: str, **image: Any) -> EventType:
    return EventType(
        type=f"mode.{name}",
        scope=Scope.CORE,
        table="mode_notes",
        row=ModeNote,
        description=says,
        example=_NOTE | image,
        lane=Lane.HIGH,
    )


_OVER: Final = {"over_at": "2027-06-05T13:20:00+00:00"}
EVENTS: Final = (
    _type("read_only", "For a while nothing can be changed; everything can be read. Told to weddings that are near."),
    _type("read_only_over", "Everything can be changed again.", **_OVER),
    _type("late", "E-mails, texts and other systems are told late for a while; nothing is lost.", kind="late"),
    _type("late_over", "What leaves WedSync is on time again.", kind="late", **_OVER),
)
