"""What is an alert: the rules, their thresholds, and what of everything that was judged fires now. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from wedsync.operations.health.model import Facts, Part, Signal
from wedsync.operations.slo import model, trend
from wedsync.operations.slo.model import Severity

RUNBOOKS: Final = "docs/runbooks"
URGENT: Final = ("queue critical", "queue high", "clock")
SERIOUS: Final = 10.0
"""So many times the threshold pages; up to there a ticket is opened."""


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` in the rule's own unit, null where it has none."""

    rule: str
    title: str
    about: str
    unit: str = ""
    threshold: float | None = None
    runbook: str = ""
    is_on: bool = True
    is_default: Annotated[bool, Meta(description="Nobody has set it otherwise.")] = True


RULES: Final = (
    AlertRule(
        rule="latency",
        title="Slow",
        about="95 of 100 answers of five minutes take longer.",
        unit="ms",
        threshold=500.0,
        runbook=f"{RUNBOOKS}/slow-database.md",
    ),
    AlertRule(
        rule="errors",
        title="Errors",
        about="A larger share of five minutes failed; ten times as much pages.",
        unit="share",
        threshold=0.01,
        runbook=f"{RUNBOOKS}/provider-down.md",
    ),
    AlertRule(
        rule="promise",
        title="A promise burns",
        about="What 30 days may miss of a promise is used up too fast, in two windows at once.",
        unit="share",
        threshold=0.999,
        runbook=f"{RUNBOOKS}/provider-down.md",
    ),
    AlertRule(
        rule="wedding",
        title="A live wedding is hit",
        about="The deliveries of one live wedding use up what its 14 hours may miss.",
        unit="share",
        threshold=0.999,
        runbook=f"{RUNBOOKS}/provider-down.md",
    ),
    AlertRule(
        rule="breaker",
        title="A breaker is held open",
        about="It has opened so often in a row that nothing will get through by itself soon.",
        unit="times",
        threshold=4.0,
        runbook=f"{RUNBOOKS}/breaker-held-open.md",
    ),
    AlertRule(
        rule="down",
        title="A part is down",
        about="A queue waits too long, a process or probe does not answer, or nobody stands in for who is down.",
        runbook=f"{RUNBOOKS}/provider-down.md",
    ),
    AlertRule(
        rule="refused",
        title="Many are refused",
        about="So many requests for what is not theirs, bad tokens, links and hooks came in ten minutes.",
        unit="times",
        threshold=500.0,
        runbook=f"{RUNBOOKS}/security-incident.md",
    ),
    AlertRule(
        rule="cache",
        title="Little comes from memory",
        about="A smaller share of what the database reads comes from memory.",
        unit="share",
        threshold=0.9,
        runbook=f"{RUNBOOKS}/slow-database.md",
    ),
    AlertRule(
        rule="forecast",
        title="Something runs out",
        about="By its trend of the last hour a limit is reached within so many hours. It never pages.",
        unit="hours",
        threshold=6.0,
        runbook=f"{RUNBOOKS}/season.md",
    ),
    AlertRule(
        rule="standby",
        title="The standby does not follow",
        about="The copy that takes over when the database fails is away: until it follows, a failure needs a restore.",
        runbook=f"{RUNBOOKS}/database-failover.md",
    ),
)
BY_NAME: Final[Mapping[str, AlertRule]] = {one.rule: one for one in RULES}


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """Something fires. `connectors` is what it is about, for whoever asks what they owe; None: everything."""

    rule: str
    subject: str
    severity: Severity
    says: str
    connectors: tuple[str, ...] | None = None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """Everything rules are asked about. `factor` makes thresholds of latency and errors stricter."""

    facts: Facts
    parts: Sequence[Part]
    signals: Sequence[Signal]
    sums: Sequence[model.Sum]
    factor: float = 1.0


def firing(rules: Mapping[str, AlertRule], judged: Judged) -> list[Firing]:
    """All that fires, of rules that are on."""
    return [one for name, ask in ASKED.items() if rules[name].is_on for one in ask(rules[name], judged)]


def _slow(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    limit = (rule.threshold or 0.0) * judged.factor
    for one in judged.signals:
        if one.kind in ("edge", "channel") and one.p95_now_ms is not None and one.p95_now_ms > limit:
            says = f"95 of 100 of {one.name} take up to {one.p95_now_ms:.0f} ms; {limit:.0f} ms is the threshold."
            yield Firing(
                rule=rule.rule,
                subject=f"{one.kind} {one.name}",
                severity="ticket",
                says=says,
                connectors=_connectors(one),
            )


def _failing(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    limit = (rule.threshold or 0.0) * judged.factor
    for one in judged.signals:
        share = one.error_rate_now
        if one.kind in ("edge", "channel") and share is not None and share > limit:
            severity: Severity = "page" if share >= SERIOUS * limit else "ticket"
            says = f"{share:.1%} of {one.name} failed in five minutes; {limit:.1%} is the threshold."
            yield Firing(
                rule=rule.rule,
                subject=f"{one.kind} {one.name}",
                severity=severity,
                says=says,
                connectors=_connectors(one),
            )


def _burning(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    for promise in model.PROMISES:
        goal = rule.threshold if promise.goal == BY_NAME["promise"].threshold and rule.threshold else promise.goal
        found = model.standing(judged.sums, msgspec.structs.replace(promise, goal=goal))
        if found.firing is not None:
            yield Firing(rule=rule.rule, subject=promise.name, severity=found.firing, says=found.says)


def _hit(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    for wedding, says in model.weddings_burning(judged.sums, goal=rule.threshold or 0.999):
        yield Firing(rule=rule.rule, subject=f"wedding {wedding}", severity="page", says=says)


def _held_open(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    for one in judged.facts.destinations:
        if one.open and one.openings >= (rule.threshold or 1):
            share = one.open / max(1, one.destinations)
            says = f"{one.open} of {one.destinations} destinations of {one.connector} are left alone; one has opened"
            yield Firing(
                rule=rule.rule,
                subject=f"channel {one.connector}",
                severity="page" if judged.facts.live and share > 0.5 else "ticket",
                says=f"{says} {one.openings} times in a row.",
                connectors=(one.connector,),
            )


def _down(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    for one in judged.parts:
        word, _, name = one.part.partition(" ")
        if one.status == "bad" and word in (
            "queue",
            "clock",
            "process",
            "pool",
            "probe",
            "mail",
            "accounts",
            "figures",
        ):
            is_urgent = one.part in URGENT or word in ("process", "mail") or one.part == "probe database"
            yield Firing(
                rule=rule.rule,
                subject=one.part,
                severity="page" if is_urgent else "ticket",
                says=f"{one.part}: {one.says}",
                connectors=("mail",) if word == "mail" else (name,) if word == "accounts" else None,
            )


def _refused(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    if judged.facts.refused > (rule.threshold or 0.0):
        says = f"{judged.facts.refused} requests were refused in ten minutes. `wedsync security` says of whom."
        yield Firing(rule=rule.rule, subject="security refusals", severity="ticket", says=says)


def _uncached(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    ratio, goal = judged.facts.database.cache_hit_ratio, rule.threshold or 0.0
    if ratio is not None and ratio < goal:
        says = f"{ratio:.1%} of what the database reads comes from memory; {goal:.0%} is the threshold."
        yield Firing(rule=rule.rule, subject="database cache", severity="ticket", says=says)


def _running_out(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    horizon_min = (rule.threshold or 0.0) * 60
    for one in judged.signals:
        if one.kind != "gauge":
            continue
        found = trend.forecast(one.points, limit=1.0, horizon=horizon_min)
        if found is not None:
            says = f"{one.name} is at {found.level:.0%} of its limit and reaches it in {_hours(found.soonest)} to "
            yield Firing(
                rule=rule.rule, subject=f"gauge {one.name}", severity="ticket", says=says + f"{_hours(found.latest)}."
            )


def _alone(rule: AlertRule, judged: Judged) -> Iterator[Firing]:
    away = judged.facts.database.standbys_away
    if away:
        many = "1 standby does" if away == 1 else f"{away} standbys do"
        severity: Severity = "page" if judged.facts.live else "ticket"
        says = f"{many} not follow: what is answered now is in one place."
        yield Firing(rule=rule.rule, subject="standby", severity=severity, says=says)


ASKED: Final[Mapping[str, Callable[[AlertRule, Judged], Iterator[Firing]]]] = {
    "latency": _slow,
    "errors": _failing,
    "promise": _burning,
    "wedding": _hit,
    "breaker": _held_open,
    "down": _down,
    "refused": _refused,
    "cache": _uncached,
    "forecast": _running_out,
    "standby": _alone,
}


def _connectors(one: Signal) -> tuple[str, ...] | None:
    return (one.name,) if one.kind == "channel" else None


def _hours(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
