"""Looks at everything that the next weddings need, keeps the report, and tells the operators once of each weekend."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from litestar.datastructures import State

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing
from wedsync.operations.freeze import actions as freeze
from wedsync.operations.preflight import judging, model
from wedsync.operations.preflight.model import Machine, Report
from wedsync.web import mail

queries = sql.load("wedsync.operations.preflight")
log = structlog.get_logger("preflight")

Value = Callable[..., Awaitable[Any]]
Rows = Callable[..., Awaitable[Sequence[Row]]]
"""Of a transaction, or of the clock's connection."""
Look = Callable[[], Awaitable[Machine]]
"""What the machine that asks sees of itself."""
SHOWN: Final = 12


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it was made, and when the operators were told of it."""

    id: UUID
    weekend: date
    at: datetime
    is_ready: bool
    told_at: datetime | None
    report: Report


def provide_look(state: State, actor: Actor) -> Look:
    """Dependency `look`; it asks for `actor` to go on the chain of the others."""
    look: Look = state.look
    return look


async def examine(value: Value, settings: Settings, machine: Machine) -> Report:
    """Everything of this moment; changes nothing."""
    facts = msgspec.json.decode(await value(queries.facts, model.AHEAD), type=model.Facts)
    return judging.judge(facts, machine, await freeze.verdict(value, settings))


async def keep(value: Value, report: Report) -> UUID:
    """For whoever asks later."""
    id: UUID = await value(queries.keep, report.weekend, report.is_ready, msgspec.json.encode(report).decode())
    log.info("preflight_made", weekend=str(report.weekend), is_ready=report.is_ready, to_do=len(report.to_do))
    return id


async def reports(tx: Tx) -> list[Kept]:
    """Newest first."""
    rows = [dict(row) for row in await tx.rows(queries.latest, SHOWN)]
    return [Kept(**row | {"report": msgspec.json.decode(row["report"], type=Report)}) for row in rows]


async def tell(value: Value, rows: Rows, ring: KeyRing, public_url: str, *, id: UUID, report: Report) -> int:
    """Mail every operator; returns how many, 0 where the weekend's letter left before."""
    people = await rows(queries.operators)
    letters = [_letter(ring, person, report, public_url) for person in people]
    if not people or not await value(queries.tell, id, msgspec.json.encode(letters).decode()):
        return 0
    log.info("preflight_told", weekend=str(report.weekend), people=len(people))
    return len(people)


def _letter(ring: KeyRing, person: Row, report: Report, public_url: str) -> dict[str, str]:
    bad = sum(one.status == "bad" for one in report.checks)
    weddings = "1 wedding" if report.weddings == 1 else f"{report.weddings} weddings"
    state = "ready" if report.is_ready else f"{bad} to mend now"
    delivery = uuid4()
    words = mail.compose(
        "operations/notices/preflight.txt",
        subject=f"{weddings} this weekend: {state}",
        report=report,
        weddings=weddings,
        url=f"{public_url}/ops/preflight",
    )
    content = mail.message(person["email"], words, name=person["name"] or "")
    sealed = ring.seal(content, tenant=person["person_id"], table="deliveries", column="sealed", row=delivery)
    return {"delivery": str(delivery), "person": str(person["person_id"]), "sealed": sealed.hex()}
