"""Looks at everything, judges it, and keeps what was judged; the clock does so by itself, the doors when asked."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog

from wedsync.kit import clock, sketch, sql
from wedsync.kit.db import Row, Tx
from wedsync.operations.health import judging, model
from wedsync.operations.health.model import Facts, Part, PartChange
from wedsync.web.context import as_struct

queries = sql.load("wedsync.operations.health")
log = structlog.get_logger("health")

LAG: Final = timedelta(seconds=5)
"""What was written so long ago has committed."""

Value = Callable[..., Awaitable[Any]]
"""Asks one value: `Tx.value`, or `fetchval` of the clock's connection."""
Probe = Callable[[], Awaitable[bool]]
"""Asks a part of the platform's own whether it is well."""


async def facts(value: Value) -> Facts:
    """Everything of this moment."""
    return msgspec.json.decode(await value(queries.facts, model.MINUTES), type=Facts)


async def parts(tx: Tx, found: Facts, *, factor: float = 1.0) -> list[Part]:
    """As judged now, each with since when it stands so, where the clock judged it the same."""
    since = {(row["part"], row["status"]): row["since"] for row in await tx.rows(queries.since)}
    judged = judging.judge(found, judging.limits_of(found, factor=factor))
    return [msgspec.structs.replace(one, since=since.get((one.part, one.status))) for one in judged]


async def changes(tx: Tx, limit: int = 20) -> list[PartChange]:
    """Newest first."""
    return [as_struct(PartChange, row) for row in await tx.rows(queries.changes, limit)]


async def gather(value: Value, lag: timedelta = LAG) -> int:
    """Count what was tried since the last time."""
    counted: int = await value(queries.gather, lag)
    return counted


async def probe(value: Value, probes: Mapping[str, Probe]) -> None:
    """Ask each part, and keep whether it answered and in how long."""
    lines = []
    for name, ask in probes.items():
        began = clock.monotonic()
        is_good = await ask()
        took_ms = (clock.monotonic() - began) * 1000
        counts = {str(sketch.bucket(took_ms)): 1} if is_good else {}
        lines.append({"kind": "probe", "name": name, "good": int(is_good), "bad": int(not is_good), "sketch": counts})
    await value(queries.keep_probes, msgspec.json.encode(lines).decode())


async def measure(value: Value, found: Facts) -> None:
    """Keep what has a limit as a share of it, for whoever asks how it grows."""
    server = found.database
    shares = {"database connections": server.connections_used / max(1, server.connections_max)}
    shares |= {f"queue {one.name}": one.oldest_s / model.PATIENCE_S[one.name] for one in found.lanes}
    lines = [{"kind": "gauge", "name": name, "gauge": share} for name, share in shares.items()]
    await value(queries.keep_probes, msgspec.json.encode(lines).decode())


async def keep(rows: Callable[..., Awaitable[Sequence[Row]]], judged: Sequence[Part]) -> None:
    """Write down what was judged. What went down is one warning, what came back one info."""
    told = [{"part": one.part, "status": one.status, "says": one.says} for one in judged]
    for row in await rows(queries.keep, msgspec.json.encode(told).decode()):
        if model.WORST.index(row["status"]) > model.WORST.index(row["was"]):
            log.warning("part_worse", part=row["part"], status=row["status"], says=row["says"])
        else:
            log.info("part_better", part=row["part"], status=row["status"], was=row["was"])
