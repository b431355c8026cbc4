"""The catalogue of event types: what can be recorded, who may see it, how urgent it is, who must confirm it.

Nouns define their types in `model.py`; the AsyncAPI document, the database's `event_types` and the reference are made
from here. A type's shape is never reused: a new shape is a new version.
"""

import builtins
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

import msgspec

from wedsync.events.scope import Scope


class Lane(IntEnum):
    """How urgently a job is served; low is for imports, digests and replays."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """One type of fact. `row` is the struct of the row's image; `example` is a whole image of it."""

    type: str
    scope: Scope
    table: str
    row: "builtins.type[msgspec.Struct]"
    description: str
    example: Mapping[str, Any]
    version: int = 1
    lane: Lane = Lane.NORMAL
    acknowledge: bool = False


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """What a noun does because of facts of lower ones: `run(tx, event)` as the system, once each, in stream order."""

    name: str
    types: tuple[str, ...]
    run: Any


class Catalogue:
    """All types and reactions of one process, checked for doubles and unknown types."""

    def __init__(self, types: Iterable[EventType], reactions: Iterable[Reaction] = ()) -> None:
        self.types: dict[str, EventType] = {}
        for kind in types:
            if kind.type in self.types:
                raise ValueError(f"{kind.type} is defined twice")
            self.types[kind.type] = kind
        self.reactions: dict[str, Reaction] = {}
        for reaction in reactions:
            unknown = [t for t in reaction.types if t not in self.types]
            if unknown or reaction.name in self.reactions:
                raise ValueError(f"reaction {reaction.name}: unknown types {unknown} or a double name")
            self.reactions[reaction.name] = reaction

    def for_database(self) -> str:
        """JSON for `app.sync_catalogue`."""
        types = [{"type": t.type, "lane": int(t.lane), "acknowledge": t.acknowledge} for t in self.types.values()]
        reactions = [{"name": r.name, "type": t} for r in self.reactions.values() for t in r.types]
        return msgspec.json.encode({"types": types, "reactions": reactions}).decode()
