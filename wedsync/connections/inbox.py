"""The inbox: what a verified request holds is committed, each element once, before its sender is told so.

What arrives while a commit is under way goes with the next one: under load many requests share a statement and a
commit, and a single one waits for nobody. One that cannot be kept does not take the others with it. While the database
is slow only so much waits: whoever comes then is told to come again.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.connections.elements import Element
from wedsync.events.jobs import is_passing
from wedsync.kit import failpoints, traces
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.db import Door
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing

TABLE: Final = "inbox_hooks"
TOGETHER_MAX: Final = 64
"""Requests in one commit."""
TOGETHER_BYTES_MAX: Final = 4 * 1024 * 1024
"""Of one commit, unless one request alone is larger."""
WAITING_MAX: Final = 2000
WAITING_BYTES_MAX: Final = 32 * 1024 * 1024
"""What one process keeps of requests that are not committed yet; above it they are refused."""
AWAY: Final = "We cannot keep anything at this moment. Send it again after Retry-After."
KEPT_HEADERS: Final = frozenset(
    {
        *(
            "content-type",
            "user-agent",
            "webhook-id",
            "webhook-timestamp",
            "svix-id",
            "svix-timestamp",
            "idempotency-key",
        ),
        *("x-github-event", "x-github-delivery", "x-slack-retry-num", "x-slack-retry-reason"),
        *("x-goog-channel-id", "x-goog-resource-id", "x-goog-resource-state", "x-goog-message-number"),
    }
)
VALUE_CHARACTERS_MAX: Final = 300
KEEP: Final = "select * from app.receive_hooks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"


class Denied(Refusal):
    """A refusal at the inbound door. `reason` is for the operator and the tenant, never for the sender."""

    def __init__(
        self, status: int, code: str, detail: str, *, reason: str, tenant: UUID | None = None, **more: Any
    ) -> None:
        super().__init__(status, code, detail, **more)
        self.reason = reason
        self.tenant = tenant


class Received(msgspec.Struct, frozen=True):
    """One element's row; `is_new` is false where it had come before."""

    id: UUID
    is_new: bool


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Whose hooks these are. `id` is the connection's, or the wedding's for the couples' hook.

    `connection` and `version` are what the signature was verified with; None where the platform's secret was.
    """

    id: UUID
    tenant: UUID
    connector: str
    verified_by: str
    connection: UUID | None = None
    version: int | None = None


class _Request(msgspec.Struct, frozen=True):
    """The columns of one request's elements, and who waits for them."""

    rows: list[tuple[Any, ...]]
    size: int
    answer: "asyncio.Future[list[Received]]"


class Inbox:
    """The way into the inbox of one process."""

    def __init__(self, door: Door, ring: KeyRing) -> None:
        self._door = door
        self._ring = ring
        self._waiting: deque[_Request] = deque()
        self._asked = 0
        self._bytes = 0
        self._committing: asyncio.Task[None] | None = None

    async def keep(self, source: Source, elements: Sequence[Element], headers: Mapping[str, str]) -> list[Received]:
        """Keep elements and owe their work; answered in their order, after their commit.

        Nothing is answered, and nothing kept, where the source's secrets are no longer those it was verified with.
        Raises Refusal 503 where too much waits already.
        """
        if not elements:
            return []
        size = sum(len(one.body) for one in elements)
        if self._asked >= WAITING_MAX or (self._asked and self._bytes + size > WAITING_BYTES_MAX):
            raise away(5)
        failpoints.hit("after_verify")
        kept = {n: v.replace("\0", "")[:VALUE_CHARACTERS_MAX] for n, v in headers.items() if n in KEPT_HEADERS}
        told = msgspec.json.encode(kept).decode()
        answer: asyncio.Future[list[Received]] = asyncio.get_running_loop().create_future()
        self._asked, self._bytes = self._asked + 1, self._bytes + size
        self._waiting.append(_Request([self._row(source, one, told) for one in elements], size, answer))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())
        return await answer

    def _row(self, source: Source, one: Element, headers: str) -> tuple[Any, ...]:
        hook_id = uuid4()
        sealed = self._ring.seal(one.body, tenant=source.tenant, table=TABLE, column="sealed", row=hook_id)
        whose = (source.tenant, source.id, source.connection, source.version, source.connector, source.verified_by)
        doing = traces.current()
        traceparent = None if doing is None else doing.traceparent
        return (*whose, hook_id, one.key, headers, sealed, traceparent, one.is_look)

    async def _commit_all(self) -> None:
        traces.forget()
        batch: list[_Request] = []
        try:
            while self._waiting:
                batch = self._batch()
                await self._commit(batch)
                self._asked, self._bytes = self._asked - len(batch), self._bytes - sum(one.size for one in batch)
        finally:
            # Left before its end, as at shutdown: nobody is to wait for an answer that does not come.
            for one in (*batch, *self._waiting):
                _fail(one, away(1))
            self._waiting.clear()
            self._asked = self._bytes = 0
            self._committing = None

    def _batch(self) -> list[_Request]:
        """The next of those that wait, as many as go together."""
        batch = [self._waiting.popleft()]
        size = batch[0].size
        while self._waiting and len(batch) < TOGETHER_MAX and size + self._waiting[0].size <= TOGETHER_BYTES_MAX:
            size += self._waiting[0].size
            batch.append(self._waiting.popleft())
        return batch

    async def _commit(self, batch: list[_Request]) -> None:
        """Every request of the batch is answered: with its rows, or with why it has none."""
        try:
            found = await self._insert(batch)
        except Exception as error:
            if len(batch) == 1 or is_passing(error):
                for one in batch:
                    _fail(one, error)
                return
            # By halves: one that cannot be kept costs its neighbours a few commits, not one each.
            middle = len(batch) // 2
            for part in (batch[:middle], batch[middle:]):
                await self._commit(part)
            return
        for n, one in enumerate(batch):
            if not one.answer.done():
                one.answer.set_result(found.get(n, []))

    async def _insert(self, batch: list[_Request]) -> dict[int, list[Received]]:
        rows = [(n, *row) for n, one in enumerate(batch) for row in one.rows]
        found: dict[int, list[Received]] = {}
        async with self._door.bare(ANONYMOUS) as tx:
            for row in await tx.rows(KEEP, *map(list, zip(*rows, strict=True))):
                found.setdefault(row["request"], []).append(Received(row["id"], row["is_new"]))
            failpoints.hit("after_insert")
            # No fact to tell yet; the empty nudge wakes the workers and what they sweep.
            tx.nudges.append("[]")
        return found


def away(after_s: int) -> Refusal:
    """Whoever sends comes again."""
    return Refusal(503, "unavailable", AWAY, headers={"Retry-After": str(after_s)})


def _fail(one: _Request, error: Exception) -> None:
    if not one.answer.done():
        one.answer.set_exception(error)
