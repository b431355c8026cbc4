"""What the public page is made of, kept for some seconds in each process; and what operators announce on it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
import structlog
from litestar.datastructures import State
from msgspec import Meta

from wedsync.events.jobs import is_passing
from wedsync.kit import clock, sql
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.operations.freeze import actions as freeze
from wedsync.operations.freeze import model as freezing
from wedsync.operations.status import model, windows
from wedsync.operations.status.windows import Proposal

queries = sql.load("wedsync.operations.status")
log = structlog.get_logger("status")
KEPT_S: Final = 15.0
"""However many look, each process asks the database this often."""
WAIT_S: Final = 3.0


class Announce(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What everybody is told. A maintenance needs both times; an incident begins now where it has none."""

    kind: Literal["incident", "maintenance"]
    title: Annotated[str, Meta(min_length=3, max_length=120)]
    says: Annotated[str, Meta(min_length=3, max_length=1000, description="What it means for people, in plain words.")]
    areas: Annotated[list[str], Meta(min_length=1, max_length=12)]
    state: Literal["works", "slow", "partly", "down", "planned"] = "partly"
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class SayMore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more word, how it is meanwhile, and whether it is over."""

    says: Annotated[str, Meta(min_length=3, max_length=1000)]
    state: Literal["works", "slow", "partly", "down"] | None = None
    is_over: bool = False


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID


class Kept:
    """The last status of a process. One asks at a time; who comes meanwhile has the last one."""

    def __init__(self, ask: Callable[[], Awaitable[model.Status]]) -> None:
        self._ask = ask
        self._lock = asyncio.Lock()
        self._at = -KEPT_S
        self._last: model.Status | None = None

    async def status(self) -> model.Status:
        """At most `KEPT_S` old, or what is known when the database cannot be asked."""
        if self._last is not None and (clock.monotonic() - self._at < KEPT_S or self._lock.locked()):
            return self._last
        async with self._lock:
            if self._last is None or clock.monotonic() - self._at >= KEPT_S:
                self._last = await self._asked()
                self._at = clock.monotonic()
        return self._last

    def forget(self) -> None:
        """Something was announced: the next who looks sees it."""
        self._at = -KEPT_S

    async def _asked(self) -> model.Status:
        try:
            return await asyncio.wait_for(self._ask(), WAIT_S)
        except Exception as error:
            if not (is_passing(error) or isinstance(error, TimeoutError)):
                raise
            log.warning("status_not_asked", reason=type(error).__name__)
            now = clock.machine_now()
            return model.unreachable(self._last or model.unheard(now), now)


def keeping(door: Door) -> Kept:
    """Of one process."""

    async def ask() -> model.Status:
        async with door.bare(ANONYMOUS) as tx:
            return await look(tx)

    return Kept(ask)


async def look(tx: Tx) -> model.Status:
    """As it stands now."""
    return model.status(msgspec.json.decode(await tx.value(queries.status, model.DAYS), type=model.Facts))


async def proposed(tx: Tx, settings: Settings) -> list[Proposal]:
    """Where weddings and load allow it, whatever profile this is: weddings count in every one."""
    load = {row["hour"]: row["answers"] for row in await tx.rows(queries.load)}
    found = await _stretches(tx, settings)
    return windows.propose(found.at, found.ahead, load)


async def _stretches(tx: Tx, settings: Settings) -> freezing.Verdict:
    rule = msgspec.structs.replace(freeze.rule_of(settings), env=freezing.FROZEN_PROFILE)
    return freezing.judge(rule, await freeze.facts(tx.value))


async def announce(tx: Tx, settings: Settings, asked: Announce) -> UUID:
    """Raises Refusal 409 for a maintenance where a wedding is near, 422 for areas or times that are none."""
    strangers = [name for name in asked.areas if name not in model.BY_NAME]
    if strangers:
        raise _wrong("areas", "names what is no part", f"Of {', '.join(model.BY_NAME)}.")
    starts_at = _utc(asked.starts_at) or clock.now()
    ends_at = _utc(asked.ends_at)
    if asked.kind == "maintenance":
        await _allow(tx, settings, asked, starts_at, ends_at)
    elif asked.state == "planned":
        raise _wrong("state", "is not planned for an incident", "works, slow, partly or down.")
    elif ends_at is not None and ends_at <= starts_at:
        raise _wrong("ends_at", "is not after the beginning")
    state = "planned" if asked.kind == "maintenance" else asked.state
    areas = list(dict.fromkeys(asked.areas))
    values = (asked.kind, state, areas, asked.title, asked.says, starts_at, ends_at)
    id: UUID = await tx.value(queries.announce, *values)
    log.warning("announced", announcement=str(id), kind=asked.kind, state=state, person=str(tx.actor.id))
    return id


async def _allow(tx: Tx, settings: Settings, asked: Announce, starts_at: datetime, ends_at: datetime | None) -> None:
    if asked.starts_at is None or ends_at is None:
        raise _wrong("ends_at", "is missing", "A maintenance is announced with its beginning and its end.")
    if ends_at <= starts_at or ends_at - starts_at > timedelta(hours=24):
        raise _wrong("ends_at", "is not within a day after the beginning")
    found = await _stretches(tx, settings)
    if starts_at <= found.at:
        raise _wrong("starts_at", "has passed", "Announce it before it begins.")
    if not windows.clear(starts_at, ends_at, found.ahead):
        near = next(one for one in found.ahead if not windows.clear(starts_at, ends_at, [one]))
        detail = f"Weddings are too near to this time: {near.reason}. Choose one of the windows that are proposed."
        raise Refusal(409, "weddings_near", detail)


async def say_more(tx: Tx, id: UUID, asked: SayMore) -> None:
    """Raises Refusal 404 where nothing of it is open."""
    if not await tx.value(queries.say_more, id, asked.says, asked.state, asked.is_over):
        raise not_found("open announcement")
    log.warning("announcement_changed", announcement=str(id), is_over=asked.is_over, person=str(tx.actor.id))


def _utc(at: datetime | None) -> datetime | None:
    """A time without a zone is of UTC, as the form says."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _wrong(field: str, reason: str, fix: str = "") -> Refusal:
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])


def provide_kept(state: State, actor: Actor) -> Kept:
    """Dependency `kept`: this process's; it asks for `actor` to go on the chain of the others."""
    kept: Kept = state.status
    return kept
