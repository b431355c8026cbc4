"""What the doors of promises and alerts show: standing, scores of providers, and a tenant's own report."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.kit import clock, sketch
from wedsync.kit.db import Row, Tx
from wedsync.operations.health import actions as health
from wedsync.operations.health.model import Facts
from wedsync.operations.slo import actions, backtest, model, played, scores, season
from wedsync.operations.slo.actions import queries

Reliance = Literal["kept", "missed", "too little to say"]
TOTAL_MIN: Final = 20
GOAL: Final = 0.999


class Slo(msgspec.Struct, frozen=True, kw_only=True):
    """Promises of 30 days with their burn rates, and what makes thresholds stricter at this moment."""

    promises: list[model.Standing]
    season: season.Season
    played: Annotated[played.Played, Meta(description="How often alerts were right where the incidents are known.")]
    backtest: Annotated[backtest.Backtest, Meta(description="How often predictions were right where the end is known.")]


class ProviderReport(msgspec.Struct, frozen=True, kw_only=True):
    """A provider over some days: by requests and by hours, and how far it can be relied on."""

    name: str
    days: int
    total: int
    success_rate: float | None
    hours: int
    bad_hours: Annotated[int, Meta(description="Hours in which 1 % or more of at least 20 failed.")]
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    reliability: scores.Score


class ProviderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One provider in a tenant's report. `refused` is what the tenant itself can mend."""

    connector: str
    days: int
    delivered: int
    failed: int
    refused: int
    success_rate: float | None
    goal: float
    verdict: Reliance


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's tries came to by provider, `since` (UTC)."""

    tenant_id: UUID
    since: date
    made_at: datetime
    lines: list[ProviderLine]


async def slo(tx: Tx, facts: Facts | None = None) -> Slo:
    """Of this moment."""
    found = facts or await health.facts(tx.value)
    counted = await actions.sums(tx.rows)
    rules = await actions.rules_now(tx.rows)
    goal = rules["promise"].threshold or GOAL
    promises = [
        model.standing(counted, msgspec.structs.replace(one, goal=goal) if one.goal == GOAL else one)
        for one in model.PROMISES
    ]
    return Slo(promises=promises, season=actions.season_of(found), played=played.MEASURED, backtest=backtest.MEASURED)


async def providers(tx: Tx, days: int) -> list[ProviderReport]:
    """The most reliable first; of whom nothing is known last."""
    facts = await health.facts(tx.value)
    fresh = {one.connector: (one.connected, one.connected + one.degraded) for one in facts.accounts}
    found = [_provider(row, days, fresh) for row in await tx.rows(queries.providers, days)]
    return sorted(found, key=lambda one: (-(one.reliability.score or 0.0), one.name))


def _provider(row: Row, days: int, fresh: dict[str, tuple[int, int]]) -> ProviderReport:
    total = row["good"] + row["bad"]
    whole = sketch.read(msgspec.json.decode(row["sketch"]))
    in_touch, accounts = fresh.get(row["name"], (0, 0))
    return ProviderReport(
        name=row["name"],
        days=days,
        total=total,
        success_rate=None if total < TOTAL_MIN else row["good"] / total,
        hours=row["hours"],
        bad_hours=row["bad_hours"],
        p50_ms=whole.quantile(0.5),
        p95_ms=whole.quantile(0.95),
        p99_ms=whole.quantile(0.99),
        reliability=scores.score(
            row["name"],
            refused=row["refused"],
            success=scores.component(row["good"], total),
            speed=scores.component(row["good"] - row["slow"], row["good"]),
            availability=scores.component(row["hours"] - row["bad_hours"], row["hours"]),
            freshness=scores.component(in_touch, accounts),
        ),
    )


async def report(tx: Tx, tenant: UUID, days: int) -> Reliability:
    """Of the entered tenant, whose days alone are seen."""
    since = clock.machine_now().date() - timedelta(days=days)
    rows: Sequence[Row] = await tx.rows(queries.days, tenant, since)
    return Reliability(tenant_id=tenant, since=since, made_at=clock.machine_now(), lines=[_line(row) for row in rows])


def _line(row: Row) -> ProviderLine:
    total = row["good"] + row["bad"]
    rate = row["good"] / total if total else None
    verdict: Reliance = "too little to say" if total < TOTAL_MIN else "kept" if (rate or 0) >= GOAL else "missed"
    return ProviderLine(
        connector=row["connector"],
        days=row["days"],
        delivered=row["good"],
        failed=row["bad"],
        refused=row["refused"],
        success_rate=rate,
        goal=GOAL,
        verdict=verdict,
    )
