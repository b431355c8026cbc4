"""The freeze as it stands, its overrides by two operators, and the plan that the database refuses by."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Meta

from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.operations.freeze import model
from wedsync.operations.platform import by_another

queries = sql.load("wedsync.operations.freeze")
log = structlog.get_logger("freeze")

Value = Callable[..., Awaitable[Any]]
"""Asks one value: `Tx.value`, or `fetchval` of a connection of the clock's."""
MINUTES: Final = 60


class AskOverride(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one operator asks another for."""

    reason: Annotated[str, Meta(min_length=10, max_length=500, description="What must be changed now, and why.")]
    minutes: Annotated[int, Meta(ge=5, le=240, description="So long it holds, from the confirmation on.")] = MINUTES


def rule_of(settings: Settings) -> model.Rule:
    return model.rule_of(settings.env, settings.freeze_live_max, settings.freeze_guarded)


async def facts(value: Value) -> model.Facts:
    """What the rule is about, at wedding time."""
    return msgspec.json.decode(await value(queries.facts, model.BEHIND, model.AHEAD), type=model.Facts)


async def verdict(value: Value, settings: Settings) -> model.Verdict:
    """Whether the platform is frozen now."""
    return model.judge(rule_of(settings), await facts(value))


async def plan(value: Value, settings: Settings) -> model.Verdict:
    """Write down what the rule says, for the database to refuse by itself."""
    found = await verdict(value, settings)
    stretches = msgspec.json.encode(found.ahead).decode()
    await value(queries.plan, rule_of(settings).is_enforced, settings.freeze_live_max, stretches)
    return found


async def ask(tx: Tx, asked: AskOverride) -> UUID:
    """One operator asks for an override; it is in force only when another one has confirmed it."""
    id: UUID = await tx.value(queries.ask_override, asked.reason, asked.minutes)
    log.warning("freeze_override_asked", override=str(id), person=str(tx.actor.id), minutes=asked.minutes)
    return id


async def confirm(tx: Tx, id: UUID) -> None:
    """Another operator confirms. Raises Refusal 403 for the one who asked, 409 where there is nothing to confirm."""
    held = await _held(tx, id)
    by_another(tx, held, "override", "confirm")
    await tx.value(queries.confirm_override, id)
    log.warning("freeze_overridden", override=str(id), person=str(tx.actor.id), asked_by=str(held["asked_by"]))


async def end(tx: Tx, id: UUID) -> None:
    """Any operator ends it before its time; ending twice is ending once."""
    await _held(tx, id)
    await tx.value(queries.end_override, id)
    log.warning("freeze_override_ended", override=str(id), person=str(tx.actor.id))


async def _held(tx: Tx, id: UUID) -> Row:
    held = await tx.row(queries.hold_override, id)
    if held is None:
        raise not_found("override")
    return held


def frozen(found: model.Verdict) -> Refusal:
    """The answer 423 of a frozen platform."""
    later = found.next_window
    when = f" Again from {later.starts_at:%A %d %B %H:%M} UTC." if later else ""
    detail = f"The platform is frozen. {found.reason}{when} Two operators may override it: `wedsync freeze override`."
    extra = {"verdict": msgspec.to_builtins(found, builtin_types=())}
    return Refusal(423, "frozen", detail, extra=extra)
