"""An event as it lives in the log, on the wire and in a job: one fact about one changed row."""

from typing import Any
from uuid import UUID

import msgspec


class Subject(msgspec.Struct, frozen=True):
    """The changed row."""

    table: str
    id: UUID


class Doer(msgspec.Struct, frozen=True):
    """Who did it; a guest's id is its party's, the system has none."""

    kind: str
    id: UUID | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The live form. `record` is null for a DELETE, `old_record` for an INSERT; `cause` is one per action."""

    id: UUID
    stream: str
    epoch: int
    seq: int
    type: str
    version: int
    scope: int
    subject: Subject
    op: str
    actor: Doer
    cause: UUID
    occurred_at: str
    link_id: UUID | None = None
    membership_id: UUID | None = None
    record: dict[str, Any] | None = None
    old_record: dict[str, Any] | None = None
    bulk: bool = False

    @property
    def tenant(self) -> UUID:
        """The id behind the stream's kind."""
        return UUID(self.stream.partition(":")[2])

    @property
    def position(self) -> str:
        """The cursor in text."""
        return f"{self.epoch}:{self.seq}"


def decode(text: str | bytes) -> Event:
    """Read one event in live form."""
    return msgspec.json.decode(text, type=Event)


def cursor(text: str) -> tuple[int, int]:
    """`<epoch>:<seq>` as two numbers. Raises ValueError."""
    epoch, _, seq = text.partition(":")
    if not (epoch.isdigit() and seq.isdigit() and len(seq) < 19 and len(epoch) < 10):
        raise ValueError("a cursor is <epoch>:<seq>, such as 1:42")
    return int(epoch), int(seq)
