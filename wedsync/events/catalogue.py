"""The catalogue of event types: what can be recorded, who may see it, how urgent it is, who must confirm it.

Nouns define their types in `model.py`; the AsyncAPI document, the database's `event_types` and the reference are made
from here. A type's shape is never reused: a new shape is a new version.
"""

import builtins
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, Literal

import msgspec

from wedsync.events.scope import Scope


class Lane(IntEnum):
    """How urgently a job is served; low is for imports, digests and replays."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """One type of fact. `row` is the struct of the row's image; `example` is a whole image of it.

    `opened` is for tables with sealed images: what those who may see it find in place of `sealed`. `is_severe`: every
    one goes one lane more urgently than `lane` says; an action may say so of a single one.
    """

    type: str
    scope: Scope
    table: str
    row: "builtins.type[msgspec.Struct]"
    description: str
    example: Mapping[str, Any]
    opened: Mapping[str, Any] = {}
    version: int = 1
    lane: Lane = Lane.NORMAL
    acknowledge: bool = False
    is_severe: bool = False


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """What a noun does because of facts of lower ones: `run(tx, event)` as the system, once each, in stream order.

    `condition` is a jsonpath predicate over the fact (`op, record, old, link, membership`): where it does not hold,
    nothing is owed. A merged one looks at what stands, not at its event: one that waits serves all facts of a stream.
    `sweep` is a statement of the service door that does what waits of it in all streams as far as it can, and ends its
    jobs: rows of `done`, how many, and `nudge`. `run` is for what it left. Only one that is merged can be swept, or for
    which the order of a stream's facts means nothing (`is_orderless`). People wait for a prompt one:
    what else a worker begins meanwhile waits for it. `afterwards(tx, event, left)` is what of it can wait until what
    `run` did is committed and told: `left` is what `run` returned, and None leaves nothing. The job lasts until both
    are done: where it is run again in between, `run` finds its own part done and says again what is left. `needs` names
    what a stream must have any of (`app.has_any`): where there is nothing to do, nothing is owed.
    """

    name: str
    types: tuple[str, ...]
    run: Any
    condition: str | None = None
    is_merged: bool = False
    is_orderless: bool = False
    sweep: str | None = None
    is_prompt: bool = False
    afterwards: Any = None
    needs: Literal["chats"] | None = None


class Catalogue:
    """All types and reactions of one process, checked for doubles and unknown types.

    `swept` has statements by the names of works: they do, as a `sweep` of a reaction, what is owed without a fact.
    """

    def __init__(
        self, types: Iterable[EventType], reactions: Iterable[Reaction] = (), swept: Mapping[str, str] | None = None
    ) -> None:
        self.swept = swept or {}
        self.types: dict[str, EventType] = {}
        for kind in types:
            if kind.type in self.types:
                raise ValueError(f"{kind.type} is defined twice")
            self.types[kind.type] = kind
        self.reactions: dict[str, Reaction] = {}
        self._owed: list[dict[str, Any]] = []
        for reaction in reactions:
            self._add(reaction)

    def _add(self, reaction: Reaction) -> None:
        """A higher noun may add types to a merged reaction of a lower one, by naming it with the same `run`."""
        unknown = [t for t in reaction.types if t not in self.types]
        known = self.reactions.setdefault(reaction.name, reaction)
        if unknown or (known is not reaction and (known.run is not reaction.run or not known.is_merged)):
            raise ValueError(f"reaction {reaction.name}: unknown types {unknown} or a double name")
        is_swept = reaction.sweep is not None
        if is_swept and not (reaction.is_merged or reaction.is_orderless):
            raise ValueError(f"reaction {reaction.name}: only a merged one can be swept, or one without order")
        self._owed += [
            {"name": reaction.name, "type": kind, "condition": reaction.condition, "is_merged": reaction.is_merged}
            | {"is_swept": is_swept, "needs": reaction.needs}
            for kind in reaction.types
        ]

    def prompt(self) -> frozenset[str]:
        """The names of the reactions that go first."""
        return frozenset(name for name, reaction in self.reactions.items() if reaction.is_prompt)

    def types_of(self, reactions: Iterable[Reaction]) -> list[str]:
        """The types that owe any of these, whichever noun named them."""
        names = {reaction.name for reaction in reactions}
        return sorted({owed["type"] for owed in self._owed if owed["name"] in names})

    def for_database(self) -> str:
        """JSON for `app.sync_catalogue`."""
        types = [{"type": t.type, "lane": int(t.lane), "acknowledge": t.acknowledge} for t in self.types.values()]
        return msgspec.json.encode({"types": types, "reactions": self._owed}).decode()
