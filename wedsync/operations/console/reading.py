"""What the console reads: each a bounded look, so that it costs the same on a quiet night and on a Saturday in June."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.kit import clock, sql
from wedsync.kit.db import Row, Tx
from wedsync.operations.console.model import (
    DEAD_DAYS,
    LANES,
    LOOKED,
    SHOWN,
    Act,
    Board,
    BoardLine,
    Business,
    DeadLetter,
    DeadLetters,
    DeadWork,
    EventLine,
    Lane,
    Reason,
    Refused,
    Stream,
    TenantCounts,
    Tenants,
    TypeCount,
    Use,
)
from wedsync.operations.wedding_day import readiness
from wedsync.schedule.model import phase
from wedsync.schedule.rows import Span
from wedsync.web.context import as_struct, invalid

queries = sql.load("wedsync.operations.console")
REFUSED_SINCE: Final = timedelta(hours=24)
ACTS: Final = 50


async def board(tx: Tx) -> Board:
    """Of this moment, by wedding time."""
    now = clock.now()
    rows = await tx.rows(queries.board, SHOWN)
    return Board(whole=rows[0]["whole"] if rows else 0, weddings=[_line(row, now) for row in rows])


def _line(row: Row, now: datetime) -> BoardLine:
    known = dict(row)
    standing = msgspec.json.decode(known.pop("standing"), type=readiness.Standing)
    known.pop("whole")
    span = Span(on=row["on"], zone=row["zone"], live_from=row["live_from"], live_until=row["live_until"])
    return BoardLine(**known, phase=phase(span, now), readiness=readiness.judge(standing).score)


async def stream(tx: Tx, *, type: str = "", lane: str = "", id: UUID | None = None) -> Stream:
    """`type` is a whole type or a noun; `id` a stream or an event. Raises Refusal 422 for a lane that is none."""
    if lane and lane not in LANES:
        raise invalid("lane", "is no lane", f"One of {', '.join(LANES)}.")
    number = LANES.index(lane) if lane else None
    told = msgspec.json.decode(await tx.value(queries.stream, LOOKED, type, number, id, SHOWN))
    return Stream(
        looked=told["looked"],
        matched=told["matched"],
        per_second=_rate(told),
        types=[TypeCount(type=one["type"], lane=lane_of(one), times=one["times"]) for one in told["types"]],
        lines=[_event(one) for one in told["lines"]],
    )


def _rate(told: Mapping[str, Any]) -> float | None:
    """Of what was looked at; None where that is too little to say."""
    if told["looked"] < 2:
        return None
    moments = msgspec.convert([told["since"], told["until"]], type=list[datetime])
    seconds = (moments[1] - moments[0]).total_seconds()
    return told["looked"] / seconds if seconds > 0 else None


def lane_of(one: Mapping[str, Any]) -> Lane:
    return LANES[one["lane"]]


def _event(one: dict[str, Any]) -> EventLine:
    return msgspec.convert(one | {"lane": lane_of(one)}, type=EventLine)


async def dead_letters(tx: Tx) -> DeadLetters:
    """Of 30 days; where most was given up first."""
    rows = await tx.rows(queries.dead_letters, DEAD_DAYS, SHOWN)
    work = [as_struct(DeadWork, row) for row in await tx.rows(queries.dead_work, SHOWN)]
    return DeadLetters(whole=rows[0]["whole"] if rows else 0, letters=[_letter(row) for row in rows], work=work)


def _letter(row: Row) -> DeadLetter:
    known = dict(row)
    known.pop("whole")
    return DeadLetter(**known | {"reasons": msgspec.json.decode(known["reasons"], type=list[Reason])})


async def tenants(tx: Tx) -> Tenants:
    """Those with accounts or places to mend first, then those whose tries failed."""
    counts = await tx.row(queries.tenant_counts)
    assert counts is not None
    rows = await tx.rows(queries.tenants, SHOWN)
    return Tenants(counts=as_struct(TenantCounts, counts), businesses=[_business(row) for row in rows])


def _business(row: Row) -> Business:
    return Business(**dict(row) | {"used": msgspec.json.decode(row["used"], type=list[Use])})


async def refusals(tx: Tx, kind: str) -> list[Refused]:
    """Of 24 hours, of one kind where it is named."""
    since = clock.machine_now() - REFUSED_SINCE
    return [as_struct(Refused, row) for row in await tx.rows(queries.refusals, since, kind, SHOWN)]


async def refusal_kinds(tx: Tx) -> list[tuple[str, int]]:
    """How often each kind in 24 hours, the most frequent first."""
    since = clock.machine_now() - REFUSED_SINCE
    return [(row["kind"], row["times"]) for row in await tx.rows(queries.refusal_kinds, since)]


async def acts(tx: Tx) -> list[Act]:
    """Newest first."""
    return [as_struct(Act, row) for row in await tx.rows(queries.acts, ACTS)]
