"""The inbox: what a verified request holds is committed, each element once, before its sender is told so.

What arrives while a commit is under way goes with the next one: under load many requests share a statement and a
commit, and a single one waits for nobody. One that cannot be kept does not take the others with it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.connections.elements import Element
from wedsync.events.jobs import is_passing
from wedsync.kit import failpoints
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.db import Door
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing

TABLE: Final = "inbox_hooks"
TOGETHER_MAX: Final = 64
"""Requests in one commit."""
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
KEEP: Final = "select * from app.receive_hooks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"


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
    answer: "asyncio.Future[list[Received]]"


class Inbox:
    """The way into the inbox of one process."""

    def __init__(self, door: Door, ring: KeyRing) -> None:
        self._door = door
        self._ring = ring
        self._waiting: list[_Request] = []
        self._committing: asyncio.Task[None] | None = None

    async def keep(self, source: Source, elements: Sequence[Element], headers: Mapping[str, str]) -> list[Received]:
        """Keep elements and owe their work; answered in their order, after their commit.

        Nothing is answered, and nothing kept, where the source's secrets are no longer those it was verified with.
        """
        if not elements:
            return []
        failpoints.hit("after_verify")
        kept = {n: v.replace("\0", "")[:VALUE_CHARACTERS_MAX] for n, v in headers.items() if n in KEPT_HEADERS}
        told = msgspec.json.encode(kept).decode()
        answer: asyncio.Future[list[Received]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request([self._row(source, one, told) for one in elements], answer))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())
        return await answer

    def _row(self, source: Source, one: Element, headers: str) -> tuple[Any, ...]:
        hook_id = uuid4()
        sealed = self._ring.seal(one.body, tenant=source.tenant, table=TABLE, column="sealed", row=hook_id)
        whose = (source.tenant, source.id, source.connection, source.version, source.connector, source.verified_by)
        return (*whose, hook_id, one.key, headers, sealed)

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
                await self._commit(batch)
        finally:
            self._committing = None

    async def _commit(self, batch: list[_Request]) -> None:
        """Every request of the batch is answered: with its rows, or with why it has none."""
        try:
            found = await self._insert(batch)
        except Exception as error:
            if len(batch) == 1 or is_passing(error):
                for one in batch:
                    _fail(one, error)
                return
            for one in batch:
                await self._commit([one])
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
            # No fact to tell yet; the empty nudge wakes the workers.
            tx.nudges.append("[]")
        return found


def _fail(one: _Request, error: Exception) -> None:
    if not one.answer.done():
        one.answer.set_exception(error)
