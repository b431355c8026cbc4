"""A proposal, what it would change, how it stands beside what is now, and its events."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

SubjectName = Literal["weddings", "schedule_items", "guests", "rsvps", "links"]
State = Literal["open", "stale", "accepted", "refused", "withdrawn"]
Origin = Literal["supplier", "couple", "hook"]
Why = Annotated[str, Meta(max_length=1000)]
WAITING = ("open", "stale")
WAITING_MAX = 300
"""Of one source, a supplier with its hooks being one."""


class ProposalTold(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal as its events carry it: what its source wants (`wanted`), not what was there.

    Whoever suggested it may later not see that any more, and an event is not taken back; `GET` it instead.
    """

    id: UUID
    wedding_id: UUID
    link_id: UUID | None
    origin: Origin
    source_id: UUID
    source_name: str
    hook_id: UUID | None
    repeat_key: str
    subject: SubjectName
    subject_id: UUID | None
    wanted: dict[str, Any]
    why: str
    state: State
    word: str
    decided_at: datetime | None
    decided_by: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


class Proposal(ProposalTold, frozen=True, kw_only=True):
    """A row of `proposals`. `seen` is what the source saw in the fields it names; `title` names their row."""

    title: str
    seen: dict[str, Any]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field: what the source saw, what is there now, what it wants."""

    field: str
    label: str
    seen: Any
    now: Any
    wanted: Any


class ProposalView(Proposal, frozen=True, kw_only=True):
    """A proposal beside what is now. `stale`: a field is another than its source saw.

    `subject_version` is the version of the row that `changes` show, null where it is gone or not there yet.
    """

    changes: list[Change] = []
    subject_version: int | None = None


class NewProposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is suggested: fields of a row that is there, or a new row without `subject_id`."""

    subject: SubjectName
    subject_id: UUID | None = None
    fields: Annotated[dict[str, Any], Meta(min_length=1, max_length=30)]
    why: Why = ""


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`version`: the proposal as you read it. `subject_version`: the row beside it; needed where it is stale."""

    version: int
    subject_version: int | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A word to whoever suggested it."""

    word: Why = ""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Who suggests: a supplier by its link, one of the couple, or a connection by a hook it sent."""

    id: UUID
    origin: Origin
    name: str
    link_id: UUID | None = None
    hook_id: UUID | None = None


def repeat_key(source: UUID, subject: str, subject_id: UUID | None, what: Mapping[str, Any]) -> str:
    """The same for what is suggested again: by the fields it names, of a new row by what it says."""
    said = sorted(what) if subject_id is not None else sorted(what.items())
    text = msgspec.json.encode([source, subject, subject_id, said])
    return hashlib.sha256(text).hexdigest()


def is_same(one: Any, other: Any) -> bool:
    """Whether two values of a field are one: a time of day is written with seconds or without, nothing is empty."""
    return ("" if one is None else whole_time(one)) == ("" if other is None else whole_time(other))


def whole_time(value: Any) -> Any:
    """A time of day with its seconds; anything else as it is."""
    if isinstance(value, str) and len(value) == 5 and value[2] == ":" and (value[:2] + value[3:]).isdigit():
        return f"{value}:00"
    return value


def is_overtaken(seen: Mapping[str, Any], now: Mapping[str, Any] | None) -> bool:
    """Whether a field is another than was seen, or its row is gone; a new row has seen nothing."""
    if not seen:
        return False
    return now is None or any(not is_same(now.get(field), value) for field, value in seen.items())


_AT = "2026-11-21T10:00:00Z"
_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000031",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
    "origin": "supplier",
    "source_id": "01920000-0000-7000-8000-00000000000b",
    "source_name": "Hartley & Finch",
    "hook_id": None,
    "repeat_key": "0" * 64,
    "subject": "schedule_items",
    "subject_id": "01920000-0000-7000-8000-000000000011",
    "wanted": {"at_local": "15:30:00"},
    "why": "The light is better after three.",
    "state": "open",
    "word": "",
    "decided_at": None,
    "decided_by": None,
    "version": 1,
    "created_at": _AT,
    "updated_at": _AT,
}


def _type(name: str, text: str, lane: Lane = Lane.NORMAL, **image: Any) -> EventType:
    return EventType(
        type=f"proposal.{name}",
        scope=Scope.PRIVATE,
        table="proposals",
        row=ProposalTold,
        description=text,
        example={**_EXAMPLE, **image},
        lane=lane,
    )


OPENED = _type("opened", "A change was suggested, or suggested anew; the couple decides.", Lane.HIGH)
ACCEPTED = _type("accepted", "A suggestion was accepted, and its change made with it.", Lane.HIGH, state="accepted")
REFUSED = _type("refused", "A suggestion was refused; `word` may say why.", state="refused", word="Lunch is then.")
WITHDRAWN = _type("withdrawn", "Whoever suggested a change took it back.", state="withdrawn")
OVERTAKEN = _type(
    "overtaken", "What a suggestion was about has changed meanwhile: nothing is overwritten.", state="stale"
)
EVENTS = (OPENED, ACCEPTED, REFUSED, WITHDRAWN, OVERTAKEN)
