"""Figures that could not be kept: a gap is shown as a gap, an old measure as none, and nothing is foretold over it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from wedsync.operations import drawing
from wedsync.operations.health import judging
from wedsync.operations.health.model import Facts, Minute
from wedsync.operations.slo import trend

NOW = datetime(2027, 6, 5, 12, 0, 30, tzinfo=UTC)


def minute(ago: int) -> datetime:
    return NOW.replace(second=0) - timedelta(minutes=ago)


def facts(series: list[Minute], **more: Any) -> Facts:
    known: dict[str, Any] = {
        "now": NOW,
        "machine_now": NOW,
        **dict.fromkeys(("live", "due", "failed_over", "dead"), 0),
        **dict.fromkeys(("lanes", "destinations", "accounts", "mail", "processes"), ()),
        "zones": {},
        "clock_leads": True,
        "counted_to": NOW - timedelta(seconds=20),
        "database": {"connections_used": 1, "connections_max": 100},
    }
    return msgspec.structs.replace(msgspec.convert(known | {"series": ()} | more, Facts), series=series)


def measured(lost: range) -> list[Minute]:
    """Two measures and answers in every minute of forty, but none while it could not be kept."""
    kept = [ago for ago in range(40, -1, -1) if ago not in lost]
    return [
        *(Minute(kind="gauge", name="queue low", at=minute(ago), gauge=0.5) for ago in kept),
        *(Minute(kind="probe", name="database", at=minute(ago), good=2) for ago in kept),
        *(Minute(kind="edge", name="web", at=minute(ago), good=100) for ago in kept),
    ]


def test_a_gap_is_shown_as_a_gap_and_what_was_before_the_first_figure_is_none() -> None:
    signals = {one.name: one for one in judging.signals(facts(measured(range(10, 21))))}
    for one in signals.values():
        assert [place for place, value in enumerate(one.points) if value is None] == list(range(39, 50))
        assert one.points[0] == 0.0
    bars = drawing.spark(signals["web"])
    assert [x for x, _, _, kind in bars if kind == "gap"] == [float(x) for x in range(39, 50)]
    assert [kind for x, _, _, kind in bars if x == 50] == ["accent"]


def test_while_it_lasts_an_old_measure_is_not_shown_as_that_of_now() -> None:
    found = facts(measured(range(12)), counted_to=minute(12))
    signals = {one.name: one for one in judging.signals(found)}
    assert signals["queue low"].gauge is None
    assert (signals["web"].error_rate_now, signals["web"].p95_now_ms) == (None, None)
    assert signals["queue low"].fresh_s is not None and signals["queue low"].fresh_s > 600
    assert signals["queue low"].points[-10] is None
    parts = {one.part: one for one in judging.judge(found, judging.limits_of(found))}
    assert parts["figures"].status == "bad"
    assert "Not kept since 11:48 UTC" in parts["figures"].says
    assert parts["probe database"].status == "look", "nobody has asked it for five minutes"


def test_figures_of_this_moment_are_good_and_no_figures_at_all_are_not_judged() -> None:
    fresh = facts(measured(range(0)))
    assert {one.part: one.status for one in judging.judge(fresh, judging.limits_of(fresh))}["figures"] == "good"
    assert judging.gaps(fresh) == frozenset()
    new = facts([], counted_to=None)
    assert "figures" not in {one.part for one in judging.judge(new, judging.limits_of(new))}


def test_nothing_is_foretold_over_a_gap() -> None:
    ramp: list[float | None] = [0.2 + 0.005 * x for x in range(60)]
    assert trend.forecast(ramp, limit=1.0, horizon=360) is not None
    assert trend.forecast([*ramp[:45], None, *ramp[46:]], limit=1.0, horizon=360) is None, "fourteen are too few"
    assert trend.forecast([*ramp[:20], None, None, *ramp[22:]], limit=1.0, horizon=360) is not None


def test_a_process_that_had_nothing_to_keep_since_does_not_make_figures_stale_for_good() -> None:
    process = {"id": "p", "kind": "web", "pool_max": 4, "pool_in_use": 0, "pool_waiting": 0, "lag_ms": 0.0}
    quiet = process | {"started_at": NOW, "at": NOW, "unkept_since": NOW - timedelta(minutes=9)}

    def figures(lost: range) -> str:
        found = facts(measured(lost), processes=[quiet])
        return {one.part: one.status for one in judging.judge(found, judging.limits_of(found))}["figures"]

    assert figures(range(9)) == "bad"
    assert figures(range(2, 9)) == "good", "the clock could keep its measures again"
