"""A message of a link's correspondence, and how the two places it may be in become one list; pure."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from wedsync.connections.correspondence.facts import EVENTS

__all__ = ("EVENTS",)

TABLE: Final = "messages"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was said, in plain text. `source` is the CRM it came from, `shared_at` null while only the
    supplier reads it; `is_changed`: it was changed there since it was shared, and what is shared is as it was;
    `is_gone`: it is shared, and not there any more."""

    id: UUID
    link_id: UUID
    text: str
    said_at: datetime
    source: str = ""
    shared_at: datetime | None = None
    is_changed: bool = False
    is_gone: bool = False


class Words(msgspec.Struct, frozen=True):
    """What of a shared message is sealed."""

    text: str
    source: str = ""


def together(
    own: Iterable[Message], shared: Iterable[Message], most: int, gone: Collection[UUID] = frozenset()
) -> list[Message]:
    """The newest first, each once: one that is in both places is shared. `gone`: the CRM has these no more."""
    found = {one.id: one for one in own}
    for one in shared:
        mine = found.get(one.id)
        if mine is None:
            found[one.id] = msgspec.structs.replace(one, is_gone=one.id in gone)
        else:
            is_changed = mine.text != one.text
            found[one.id] = msgspec.structs.replace(mine, shared_at=one.shared_at, is_changed=is_changed)
    return sorted(found.values(), key=lambda one: (one.said_at, one.id), reverse=True)[:most]
