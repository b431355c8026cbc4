"""Rules as they are set, what fires, whom it would hit, who is told, and who took it up."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from msgspec import Meta

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.operations.health import judging
from wedsync.operations.health.model import Facts
from wedsync.operations.shell import Head
from wedsync.operations.slo import model, risk, rules, season
from wedsync.operations.slo.rules import AlertRule, Firing
from wedsync.web import mail
from wedsync.web.context import as_struct

queries = sql.load("wedsync.operations.slo")
log = structlog.get_logger("alerts")

Value = Callable[..., Awaitable[Any]]
Rows = Callable[..., Awaitable[Sequence[Row]]]
"""Of a transaction, or of the clock's connection."""
SHOWN: Final = 100


class SetRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator wants otherwise. A threshold of null is the default again."""

    threshold: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    is_on: bool = True


class Silence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nobody is mailed of this rule and subject for so long; an empty subject is all of the rule."""

    rule: Annotated[str, Meta(max_length=40)]
    subject: Annotated[str, Meta(max_length=80)] = ""
    reason: Annotated[str, Meta(min_length=3, max_length=300)]
    minutes: Annotated[int, Meta(ge=5, le=10_080)] = 60


class Silenced(msgspec.Struct, frozen=True, kw_only=True):
    """Until when, by whom and why."""

    id: UUID
    rule: str
    subject: str
    reason: str
    until: datetime
    by_name: str


class PlatformAlert(msgspec.Struct, frozen=True, kw_only=True):
    """Something was wrong from `opened_at` on, until `ended_at`; `risk` says whom it would hit."""

    id: UUID
    rule: str
    subject: str
    severity: model.Severity
    says: str
    risk: str
    opened_at: datetime
    last_at: datetime
    ended_at: datetime | None
    times: Annotated[int, Meta(description="How often it came back within ten minutes.")]
    told_at: datetime | None
    acked_by_name: str | None
    acked_at: datetime | None
    is_silenced: bool
    runbook: str = ""


async def rules_now(rows: Rows) -> dict[str, AlertRule]:
    """The defaults, and what operators set otherwise."""
    found = dict(rules.BY_NAME)
    for row in await rows(queries.rules):
        known = found.get(row["rule"])
        if known is not None:
            threshold = known.threshold if row["threshold"] is None else row["threshold"]
            is_default = row["threshold"] is None and row["is_on"]
            found[known.rule] = msgspec.structs.replace(
                known, threshold=threshold, is_on=row["is_on"], is_default=is_default
            )
    return found


async def sums(rows: Rows) -> list[model.Sum]:
    """What every series came to in every window."""
    return [as_struct(model.Sum, row) for row in await rows(queries.sums)]


def season_of(facts: Facts) -> season.Season:
    return season.season(facts.zones, facts.now.date())


async def fire(value: Value, rows: Rows, facts: Facts) -> list[Firing]:
    """Judge every rule, and keep what fires with the sentence of whom it would hit."""
    factor = season_of(facts).factor * (0.5 if facts.live else 1.0)
    limits = judging.limits_of(facts, factor=season_of(facts).factor)
    judged = rules.Judged(
        facts=facts,
        parts=judging.judge(facts, limits),
        signals=judging.signals(facts),
        sums=await sums(rows),
        factor=factor,
    )
    found = rules.firing(await rules_now(rows), judged)
    told = [
        {
            "rule": one.rule,
            "subject": one.subject[:80],
            "severity": one.severity,
            "says": one.says,
            "risk": await at_risk(value, one),
        }
        for one in {(one.rule, one.subject[:80]): one for one in found}.values()
    ]
    await value(queries.keep, msgspec.json.encode(told).decode())
    return found


async def at_risk(value: Value, firing: Firing) -> str:
    """Computed from what is owed at this moment."""
    named = None if firing.connectors is None else list(firing.connectors)
    return risk.sentence(msgspec.json.decode(await value(queries.at_risk, named), type=risk.Risk))


async def tell(value: Value, rows: Rows, ring: KeyRing, public_url: str) -> int:
    """Mail every operator what they do not know yet, all of it in one letter. Returns how many alerts that were."""
    untold = await rows(queries.untold)
    if not untold:
        return 0
    people = await rows(queries.operators)
    letters = [_letter(ring, person, untold, public_url) for person in people]
    await value(queries.tell, [row["id"] for row in untold], msgspec.json.encode(letters).decode())
    for row in untold:
        log.warning(
            "operators_told", alert=str(row["id"]), rule=row["rule"], subject=row["subject"], people=len(people)
        )
    return len(untold)


def _letter(ring: KeyRing, person: Row, untold: Sequence[Row], public_url: str) -> dict[str, str]:
    alerts = [
        {**dict(row), "title": rules.BY_NAME[row["rule"]].title} for row in untold if row["rule"] in rules.BY_NAME
    ]
    first = "Now: " if untold[0]["severity"] == "page" else ""
    subject = f"{first}{untold[0]['says']}" + (f" And {len(untold) - 1} more." if len(untold) > 1 else "")
    delivery = uuid4()
    words = mail.compose("operations/notices/alert.txt", subject=subject, alerts=alerts, url=f"{public_url}/ops/alerts")
    content = mail.message(person["email"], words, name=person["name"] or "")
    sealed = ring.seal(content, tenant=person["person_id"], table="deliveries", column="sealed", row=delivery)
    return {"delivery": str(delivery), "person": str(person["person_id"]), "sealed": sealed.hex()}


async def alerts(tx: Tx) -> list[PlatformAlert]:
    """Open ones first, those that page before the others, then what is over, newest first."""
    rows = await tx.rows(queries.alerts, SHOWN)
    return [PlatformAlert(**row, runbook=_runbook(row["rule"])) for row in (dict(one) for one in rows)]


async def waiting(tx: Tx) -> Head:
    """What every page of the operator says at its head: alerts that nobody took up, weddings that are live."""
    row = await tx.row(queries.head)
    return Head() if row is None else as_struct(Head, row)


async def set_rule(tx: Tx, rule: str, asked: SetRule) -> AlertRule:
    """Raises Refusal 404 and 422."""
    known = rules.BY_NAME.get(rule)
    if known is None:
        raise not_found("rule")
    if asked.threshold is not None and known.threshold is None:
        fault = FieldError("threshold", "this rule has none", "Switch it on or off.")
        raise Refusal(422, "invalid", "threshold: this rule has none", errors=[fault])
    if asked.threshold is not None and known.unit == "share" and asked.threshold >= 1:
        fault = FieldError("threshold", "is not below 1", "Write a share, such as 0.01 for 1 %.")
        raise Refusal(422, "invalid", "threshold: write a share below 1", errors=[fault])
    await tx.value(queries.set_rule, rule, asked.threshold, asked.is_on)
    log.warning("alert_rule_set", rule=rule, threshold=asked.threshold, is_on=asked.is_on, person=str(tx.actor.id))
    return (await rules_now(tx.rows))[rule]


async def acknowledge(tx: Tx, id: UUID) -> PlatformAlert:
    """Somebody takes it up: it is mailed no more. Raises Refusal 404."""
    if not await tx.value(queries.acknowledge, id):
        raise not_found("alert")
    log.info("alert_taken", alert=str(id), person=str(tx.actor.id))
    return next(one for one in await alerts(tx) if one.id == id)


async def silence(tx: Tx, asked: Silence) -> Silenced:
    """Raises Refusal 422 for a rule that is none."""
    if asked.rule not in rules.BY_NAME:
        known = ", ".join(rules.BY_NAME)
        fault = FieldError("rule", "is no rule", f"One of {known}.")
        raise Refusal(422, "invalid", f"rule: one of {known}", errors=[fault])
    id: UUID = await tx.value(queries.silence, asked.rule, asked.subject, asked.reason, asked.minutes)
    log.warning("alerts_silenced", rule=asked.rule, subject=asked.subject, person=str(tx.actor.id))
    return next(one for one in await silences(tx) if one.id == id)


async def end_silence(tx: Tx, id: UUID) -> None:
    """Raises Refusal 404 where there is none in force."""
    if not await tx.value(queries.end_silence, id):
        raise not_found("silence")


async def silences(tx: Tx) -> list[Silenced]:
    """Those in force, whichever ends first."""
    return [as_struct(Silenced, row) for row in await tx.rows(queries.silences)]


def _runbook(rule: str) -> str:
    known: Mapping[str, AlertRule] = rules.BY_NAME
    return known[rule].runbook if rule in known else ""
