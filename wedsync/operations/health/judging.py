"""Judges everything from one look at it: pure, so that the clock, the page and the tests say the same."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from wedsync.kit import sketch
from wedsync.operations.health import model
from wedsync.operations.health.model import Facts, Limits, Minute, Part, Signal, Status
from wedsync.web.admission import WORDS


def limits_of(facts: Facts, *, factor: float = 1.0) -> Limits:
    """As they hold at this moment: a live wedding halves them, the season may do so once more (`factor`)."""
    base, live = Limits(), 0.5 if facts.live else 1.0
    return msgspec.structs.replace(
        base, latency_ms=base.latency_ms * live * factor, error_share=base.error_share * live * factor
    )


def judge(facts: Facts, limits: Limits) -> list[Part]:
    """Every part, in the order of the page: what people notice first stands first."""
    return [
        *_figures(facts),
        *_edges(facts, limits),
        *_lanes(facts),
        *_channels(facts, limits),
        *_mail(facts),
        *_accounts(facts),
        *_processes(facts, limits),
        *_engines(facts, limits),
    ]


def worst(parts: Sequence[Part]) -> Status:
    return max((one.status for one in parts), key=model.WORST.index, default="good")


def signals(facts: Facts) -> list[Signal]:
    """What was measured, by series."""
    found: dict[tuple[model.Kind, str], list[Minute]] = {}
    for one in facts.series:
        found.setdefault((one.kind, one.name), []).append(one)
    lost = gaps(facts)
    return [_signal(facts, minutes, lost) for minutes in found.values()]


def gaps(facts: Facts) -> frozenset[datetime]:
    """Minutes of the hour of which nothing is known: the clock measures in every one, but there is nothing of them."""
    kept = {one.at for one in facts.series if one.kind in ("gauge", "probe")}
    now = facts.machine_now.replace(second=0, microsecond=0)
    hour = (now - timedelta(minutes=ago) for ago in range(2, model.MINUTES))
    return frozenset(at for at in hour if kept and at > min(kept) and at not in kept)


def stale_since(facts: Facts, *kinds: model.Kind) -> datetime | None:
    """Since when what series of these kinds come to is not kept; None while it is."""
    found = []
    # Who has nothing to keep never learns that there is room again; the clock, which measures all the while, does.
    if "edge" in kinds and not _has_room(facts):
        found += [
            one.unkept_since for one in facts.processes if one.unkept_since is not None and not _is_gone(facts, one)
        ]
    if {"channel", "lane"} & set(kinds) and facts.counted_to is not None:
        age_s = (facts.machine_now - facts.counted_to).total_seconds()
        found += [facts.counted_to] if age_s > model.STALE_S else []
    return min(found, default=None)


def _has_room(facts: Facts) -> bool:
    """Whether a measure of the last minutes was kept."""
    since = facts.machine_now - timedelta(seconds=model.STALE_S)
    return any(one.at > since for one in facts.series if one.kind in ("gauge", "probe"))


def _is_gone(facts: Facts, one: model.Process) -> bool:
    return (facts.machine_now - one.at).total_seconds() > model.GONE_S


def _signal(facts: Facts, minutes: list[Minute], lost: frozenset[datetime]) -> Signal:
    good, bad = sum(one.good for one in minutes), sum(one.bad for one in minutes)
    whole = sketch.merged(sketch.read(one.sketch) for one in minutes)
    share = _error_share(minutes)
    gauge = next((one.gauge for one in reversed(recent(facts, minutes)) if one.gauge is not None), None)
    last = max((one.at for one in minutes if one.good + one.bad + one.refused or one.gauge is not None), default=None)
    late = sketch.merged(sketch.read(one.sketch) for one in recent(facts, minutes))
    by_minute = {one.at: one for one in minutes}
    now = facts.machine_now.replace(second=0, microsecond=0)
    hour = [now - timedelta(minutes=ago) for ago in reversed(range(model.MINUTES))]
    is_gauge = minutes[0].kind == "gauge"
    return Signal(
        kind=minutes[0].kind,
        name=minutes[0].name,
        results=good + bad,
        refused=sum(one.refused for one in minutes),
        per_minute=(good + bad) / model.MINUTES,
        success_rate=None if share is None else 1 - share,
        error_rate=share,
        error_rate_now=_error_share(recent(facts, minutes)),
        p50_ms=whole.quantile(0.5),
        p95_ms=whole.quantile(0.95) if whole.total >= model.RATE_MIN else None,
        p99_ms=whole.quantile(0.99) if whole.total >= model.P99_MIN else None,
        p95_now_ms=late.quantile(0.95) if late.total >= model.RATE_MIN else None,
        fresh_s=None if last is None else max(0.0, (facts.machine_now - last).total_seconds() - 60),
        gauge=gauge,
        points=[_point(by_minute.get(at), is_gauge=is_gauge, is_lost=at in lost) for at in hour],
        bad_points=[float(by_minute[at].bad) if at in by_minute else 0.0 for at in hour],
    )


def _point(one: Minute | None, *, is_gauge: bool, is_lost: bool) -> float | None:
    if one is None:
        return None if is_lost else 0.0
    return (one.gauge or 0.0) if is_gauge else float(one.good + one.bad)


def recent(facts: Facts, minutes: Sequence[Minute]) -> list[Minute]:
    """Those of the last five minutes, the one that runs included."""
    since = facts.machine_now - timedelta(minutes=model.RECENT_MINUTES + 1)
    return [one for one in minutes if one.at > since]


def _error_share(minutes: Sequence[Minute]) -> float | None:
    good, bad = sum(one.good for one in minutes), sum(one.bad for one in minutes)
    return None if good + bad < model.RATE_MIN else bad / (good + bad)


def _rated(facts: Facts, kind: model.Kind, name: str, limits: Limits) -> tuple[Status, str]:
    """How the last five minutes of a series were, in a status and words."""
    since = stale_since(facts, kind)
    if since is not None:
        return "look", f"Not known: what happened since {since:%H:%M} UTC is not kept."
    minutes = recent(facts, [one for one in facts.series if one.kind == kind and one.name == name])
    share = _error_share(minutes)
    results = sum(one.good + one.bad for one in minutes)
    if share is None:
        return "good", f"{results} results in five minutes: too few to judge."
    p95 = sketch.merged(sketch.read(one.sketch) for one in minutes).quantile(0.95)
    says = f"{results} results in five minutes, {share:.1%} failed"
    says += "." if p95 is None else f", 95 of 100 within {_duration(p95)}."
    if share >= limits.bad_share:
        return "bad", says
    if share > limits.error_share or (p95 is not None and p95 > limits.latency_ms and kind != "lane"):
        return "look", says
    return "good", says


def _figures(facts: Facts) -> Iterator[Part]:
    """What all the others are judged by: whether it is of this moment."""
    since = stale_since(facts, "edge", "channel", "lane")
    if since is not None:
        says = f"Not kept since {since:%H:%M} UTC: rates, percentiles and promises are of before. "
        yield Part(part="figures", status="bad", says=says + "The database has no room for them, or no clock counts.")
    elif facts.counted_to is not None:
        yield Part(part="figures", status="good", says=f"Counted up to {facts.counted_to:%H:%M:%S} UTC.")


def _edges(facts: Facts, limits: Limits) -> Iterator[Part]:
    for name in sorted({one.name for one in facts.series if one.kind == "edge"}):
        status, says = _rated(facts, "edge", name, limits)
        yield Part(part=f"answers {name}", status=status, says=says)


def _lanes(facts: Facts) -> Iterator[Part]:
    for one in facts.lanes:
        status: Status = "bad" if one.oldest_s > model.PATIENCE_S[one.name] else "good"
        yield Part(
            part=f"queue {one.name}", status=status, says=f"The oldest ready job has waited {one.oldest_s:.1f} s."
        )


def _channels(facts: Facts, limits: Limits) -> Iterator[Part]:
    heard = {one.name for one in facts.series if one.kind == "channel"}
    held = {one.connector: one for one in facts.destinations}
    for name in sorted(heard | set(held)):
        status, says = _rated(facts, "channel", name, limits) if name in heard else ("good", "Nothing was sent lately.")
        if name in held:
            all_of = held[name]
            noun = "destination" if all_of.destinations == 1 else "destinations"
            says += f" {all_of.destinations} {noun}, {all_of.open} with an open breaker, {all_of.parked} parked."
            if all_of.open and status == "good":
                status = "bad" if all_of.destinations > 1 and all_of.open * 2 > all_of.destinations else "look"
        yield Part(part=f"deliveries {name}", status=status, says=says)


def _mail(facts: Facts) -> Iterator[Part]:
    well = [one.name for one in facts.mail if not one.is_down]
    for one in facts.mail:
        if not one.is_down:
            yield Part(part=f"mail {one.name}", status="good", says="It takes mail.")
        elif well:
            yield Part(
                part=f"mail {one.name}", status="look", says=f"Down, and {well[0]} stands in for it. {one.reason}"
            )
        else:
            yield Part(part=f"mail {one.name}", status="bad", says=f"Down, and nobody stands in for it. {one.reason}")


def _accounts(facts: Facts) -> Iterator[Part]:
    for one in facts.accounts:
        everybody = one.connected + one.degraded
        status: Status = "look" if one.broken or one.degraded else "good"
        if one.degraded > 1 and one.degraded * 2 > everybody:
            status = "bad"
        says = f"{one.connected} connected, {one.degraded} degraded, {one.broken} to be connected again."
        yield Part(part=f"accounts {one.connector}", status=status, says=says)


def _processes(facts: Facts, limits: Limits) -> Iterator[Part]:
    for kind in ("web", "worker", "gateway"):
        known = [one for one in facts.processes if one.kind == kind]
        if not known:
            continue
        alive = [one for one in known if not _is_gone(facts, one)]
        if not alive:
            yield Part(part=f"process {kind}", status="bad", says="None has said that it lives for 30 s.")
            continue
        gone = len(known) - len(alive)
        late = max(one.lag_ms for one in alive)
        says = f"{len(alive)} alive, {gone} gone within 15 minutes, at most {late:.0f} ms late."
        yield Part(part=f"process {kind}", status="look" if gone or late > limits.lag_ms else "good", says=says)
        yield from _late(kind, alive)
        pool_max, used = sum(one.pool_max for one in alive), sum(one.pool_in_use for one in alive)
        waiting = sum(one.pool_waiting for one in alive)
        if pool_max:
            is_full = used / pool_max > limits.pool_share
            status: Status = "bad" if waiting and is_full else "look" if waiting or is_full else "good"
            yield Part(
                part=f"pool {kind}", status=status, says=f"{used} of {pool_max} connections at work, {waiting} wait."
            )


def _late(kind: str, alive: Sequence[model.Process]) -> Iterator[Part]:
    """What processes that are late send away; nothing is said where none ever did."""
    late = [one for one in alive if one.shed_level]
    level = max((one.shed_level for one in late), default=0)
    if late:
        since = min(one.shed_since for one in late if one.shed_since is not None)
        says = f"{len(late)} of {len(alive)} late since {since:%H:%M} UTC. {WORDS[level]}"
        yield Part(part=f"load {kind}", status="bad" if level > 1 else "look", says=says)
    elif total := sum(one.shed_total for one in alive):
        yield Part(
            part=f"load {kind}", status="good", says=f"Everything is let in; {total} were sent away since the start."
        )


def _engines(facts: Facts, limits: Limits) -> Iterator[Part]:
    leads = "A clock leads." if facts.clock_leads else "No clock leads: start `wedsync clock`."
    yield Part(part="clock", status="good" if facts.clock_leads else "bad", says=leads)
    share = facts.database.connections_used / max(1, facts.database.connections_max)
    says = f"{facts.database.connections_used} of {facts.database.connections_max} connections."
    yield Part(part="database", status="look" if share > limits.pool_share else "good", says=says)
    for name in sorted({one.name for one in facts.series if one.kind == "probe"}):
        minutes = recent(facts, [one for one in facts.series if one.kind == "probe" and one.name == name])
        newest = minutes[-1:]
        is_bad = any(one.bad for one in newest) and not any(one.good for one in newest)
        failed, asked = sum(one.bad for one in minutes), sum(one.good + one.bad for one in minutes)
        status: Status = "bad" if is_bad else "look" if failed or not asked else "good"
        yield Part(part=f"probe {name}", status=status, says=f"Asked {asked} times in five minutes, {failed} in vain.")
    if facts.dead:
        yield Part(part="given up", status="look", says=f"{facts.dead} reactions or works were given up in an hour.")


def _duration(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
