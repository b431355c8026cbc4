"""Reads the database's health and metrics, and takes requests to bring it forward, which the clock applies."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import msgspec
import structlog
from litestar.datastructures import State

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Tx
from wedsync.kit.errors import Refusal
from wedsync.operations.database import lint, model, sizing
from wedsync.operations.freeze import actions as freeze
from wedsync.web.context import as_struct

queries = sql.load("wedsync.operations.database")
log = structlog.get_logger("database")
S = TypeVar("S", bound=msgspec.Struct)
TABLES_SHOWN: Final = 20
SLOW_MS: Final = 100.0
REQUESTS_SHOWN: Final = 20


class Step(Protocol):
    """A file of db/migrations, as the release that runs has it."""

    @property
    def version(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def checksum(self) -> str: ...


Steps = Callable[[], Sequence[Step]]


def provide_steps(state: State, actor: Actor) -> Steps:
    """Dependency `steps`; it asks for `actor` to go on the chain of the others."""
    steps: Steps = state.steps
    return steps


async def pool_plan(tx: Tx, settings: Settings) -> sizing.Plan:
    """What each process may have now."""
    return sizing.plan(msgspec.json.decode(await tx.value(queries.pool_facts), type=sizing.Facts), settings)


async def health(tx: Tx, settings: Settings) -> model.Health:
    """Everything of one moment. Raises Refusal 403 for everybody but the operator."""
    server = await _one(tx, model.Server, queries.server)
    due = await _one(tx, model.WeddingsDue, queries.weddings_due)
    season = await _one(tx, model.Season, queries.season)
    replicas = await _all(tx, model.Replica, queries.replicas)
    advice = await _all(tx, model.Advice, queries.advice)
    tables = await _all(tx, model.Table, queries.tables, 1000)
    pools = await pool_plan(tx, settings)
    ready = model.readiness(due, server, advice, replicas)
    return model.Health(
        status=model.status(ready, advice, season),
        wedding_readiness=ready,
        connections=await _all(tx, model.Connections, queries.connections),
        replication={
            "is_standby": server.is_standby,
            "replicas": replicas,
            "archived_at": server.archived_at,
            "archive_failures": server.archive_failures,
        },
        oldest_transaction_s=server.oldest_transaction_s,
        bloat=sorted((one for one in tables if one.dead_rows), key=lambda one: -one.dead_rows)[:10],
        storage=await _one(tx, model.Storage, queries.storage),
        season_readiness={"is_ready": season.is_ready, **msgspec.structs.asdict(season), "pools": pools},
        faces=await _all(tx, model.Face, queries.faces),
        cache_hit_ratio=server.cache_hit_ratio,
        advice=advice,
        server=server,
    )


async def metrics(tx: Tx, door: Door) -> model.Metrics:
    """What is slow, with what to do; `pools` are of the process that answers, and of all by face."""
    server = await _one(tx, model.Server, queries.server)
    pool = model.Pool(
        size=door.pool.get_size(),
        idle=door.pool.get_idle_size(),
        max=door.pool.get_max_size(),
        waiting=door.waiting.count,
    )
    return model.Metrics(
        slow_queries=await _all(tx, model.SlowQuery, queries.slow_queries, SLOW_MS, 20),
        cache_hit_ratio=server.cache_hit_ratio,
        cache_hit_goal=model.CACHE_GOAL,
        pools={"this_process": pool, "by_face": await _all(tx, model.Connections, queries.connections)},
        tables=await _all(tx, model.Table, queries.tables, TABLES_SHOWN),
        counts_statements=server.counts_statements,
    )


async def plan(tx: Tx, steps: Steps) -> list[model.Planned]:
    """The files that this database lacks, and what their texts should not do. Raises Refusal 409 where files and
    database do not belong together.
    """
    rows = await tx.rows(queries.migrations)
    applied = {row["version"]: row["checksum"] for row in rows}
    known = steps()
    changed = [one.name for one in known if applied.get(one.version, one.checksum) != one.checksum]
    if changed or any(row["ends_older"] and row["version"] > len(known) for row in rows):
        detail = "This release and the database do not belong together. `wedsync doctor` says in what."
        raise Refusal(409, "release_mismatch", detail)
    return [
        model.Planned(name=one.name, findings=lint.findings(one.text)) for one in known if one.version not in applied
    ]


async def ask(tx: Tx, settings: Settings, steps: Steps, asked: model.AskMigration) -> model.Request:
    """Store a request for the clock. Raises Refusal 423 in a freeze, 409 where one waits already."""
    verdict = await freeze.verdict(tx.value, settings)
    if verdict.is_frozen:
        raise freeze.frozen(verdict)
    planned = await plan(tx, steps)
    id: UUID | None = await tx.value(queries.ask_migration, msgspec.json.encode(planned).decode(), asked.dry_run)
    if id is None:
        raise Refusal(409, "already_waiting", "A request waits for the clock already. Look at it, and ask again later.")
    log.warning("migration_asked", request=str(id), person=str(tx.actor.id), steps=[one.name for one in planned])
    return next(one for one in await requests(tx) if one.id == id)


async def requests(tx: Tx) -> list[model.Request]:
    """Newest first."""
    rows = await tx.rows(queries.requests, REQUESTS_SHOWN)
    return [model.Request(**{**row, "steps": _steps(row["steps"])}) for row in rows]


def _steps(text: str) -> list[model.Planned]:
    return msgspec.json.decode(text, type=list[model.Planned])


async def _one(tx: Tx, kind: type[S], statement: str) -> S:
    row = await tx.row(statement)
    if row is None:
        raise LookupError(statement)
    return as_struct(kind, row)


async def _all(tx: Tx, kind: type[S], statement: str, *values: Any) -> list[S]:
    return [as_struct(kind, row) for row in await tx.rows(statement, *values)]
