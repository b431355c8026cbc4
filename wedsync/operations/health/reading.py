"""What the doors of health show: parts, signals, processes, fallbacks and what changed, of one moment."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wedsync.connections import manifest as manifests
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.operations.freeze import actions as freeze
from wedsync.operations.health import actions, fallbacks, judging, model
from wedsync.operations.health.actions import queries
from wedsync.operations.health.fallbacks import Fallback
from wedsync.operations.slo import season
from wedsync.web.context import as_struct


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is that of the worst part."""

    status: model.Status
    is_frozen: bool
    live_weddings: int
    judged_every_s: Annotated[float, Meta(description="10 while a wedding is live, else 30.")]
    limits: Annotated[model.Limits, Meta(description="What is too much at this moment.")]
    parts: list[model.Part]
    signals: list[model.Signal]
    processes: list[model.Process]
    fallbacks: list[Fallback]
    changes: list[model.PartChange]


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """The destinations of one connector together, or one host that several tenants share."""

    kind: Literal["connector", "host"]
    name: str
    state: Literal["closed", "open", "half_open"]
    open_until: datetime | None
    openings: int
    destinations: int
    failing: int


async def breakers(tx: Tx) -> list[Breaker]:
    """Of all connectors, and hosts that several tenants share."""
    return [as_struct(Breaker, row) for row in await tx.rows(queries.breakers)]


async def health(tx: Tx, settings: Settings) -> Health:
    """Judged at the moment it is asked, whether a clock runs or not."""
    facts = await actions.facts(tx.value)
    factor = season.season(facts.zones, facts.now.date()).factor
    parts = await actions.parts(tx, facts, factor=factor)
    return Health(
        status=judging.worst(parts),
        is_frozen=(await freeze.verdict(tx.value, settings)).is_frozen,
        live_weddings=facts.live,
        judged_every_s=facts.judge_s,
        limits=judging.limits_of(facts, factor=factor),
        parts=parts,
        signals=judging.signals(facts),
        processes=facts.processes,
        fallbacks=fallbacks.ladders(settings, manifests.find(), facts),
        changes=await actions.changes(tx),
    )
