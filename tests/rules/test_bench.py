"""What the bench says of its measurements: percentiles, medians, verdicts, and when a figure counts as worse."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.connections import asked_after
from bench.drain import tenths
from bench.imports import decide, guest_list
from bench.provider import Question
from bench.report import (
    Budget,
    Line,
    Measured,
    compare,
    is_compared,
    judge,
    medians,
    percentile,
    read_lines,
    rounded,
    steal_percent,
    worse_percent,
)
from bench.rounds import Plan, conclude
from bench.webhooks import sustained
from wedsync.processes.drills.listeners import seq_of


def line(scenario: str = "rsvp", *, scale: float = 1.0, **figures: float) -> Line:
    return Line(scenario=scenario, met=None, scale=scale, figures=figures)


def run(**figures: float) -> Measured:
    return Measured(figures=figures, seconds=1.0, steal_percent=0.0)


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert [percentile(hundred, p) for p in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(1, 100))
def test_a_percentile_is_one_of_the_values_and_enough_are_not_above_it(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-6


def test_a_figure_is_the_median_of_the_runs_that_have_it() -> None:
    runs = [{"p50_ms": 1.0}, {"p50_ms": 9.0, "late": 4.0}, {"p50_ms": 2.0}]
    assert medians(runs) == {"p50_ms": 2.0, "late": 4.0}
    assert medians([]) == {}


def test_figures_keep_four_digits() -> None:
    assert [rounded(value) for value in (0.0, 0.123456, 12.34567, 881.27, 123456.7)] == [
        *(0.0, 0.1235, 12.35, 881.3, 123457.0)
    ]


def test_a_budget_says_by_how_much_it_was_met_or_missed() -> None:
    budgets = (
        Budget("rate_per_s", 800, is_floor=True),
        Budget("p99_ms", 30),
        Budget("errors", 0),
        Budget("gone_ms", 1),
    )
    rate, p99, errors, gone = judge(budgets, {"rate_per_s": 600.0, "p99_ms": 24.0, "errors": 0.0})
    assert (rate.met, rate.budget, rate.margin_percent) == (False, ">= 800", -25.0)
    assert (p99.met, p99.budget, p99.margin_percent) == (True, "<= 30", 20.0)
    assert (errors.met, errors.margin_percent) == (True, None)
    assert (gone.met, gone.measured) == (False, None)
    assert not judge((Budget("errors", 0),), {"errors": 1.0})[0].met


def test_only_figures_of_the_product_are_compared() -> None:
    assert all(
        is_compared(figure) for figure in ("rate_per_s", "p99_ms", "web_us", "idle_socket_kb", "ready_s", "errors")
    )
    assert not any(is_compared(figure) for figure in ("frames", "load_us", "web_percent"))


def test_worse_is_lower_for_a_rate_and_higher_for_everything_else() -> None:
    assert worse_percent("rate_per_s", 1000, 700) == pytest.approx(30)
    assert worse_percent("rate_per_s", 1000, 1300) == pytest.approx(-30)
    assert worse_percent("p99_ms", 10, 13) == pytest.approx(30)
    assert worse_percent("errors", 0, 0) == 0
    assert worse_percent("errors", 0, 2) is None


def test_more_than_a_fifth_worse_is_told_and_a_fifth_is_not() -> None:
    base = [line(rate_per_s=1000, p99_ms=10, frames=5, errors=0), line("gone", p99_ms=1)]
    assert compare(base, [line(rate_per_s=800, p99_ms=12, frames=1, errors=0), line("new", p99_ms=9)]) == []
    found = compare(base, [line(rate_per_s=700, p99_ms=13, errors=1)])
    assert [(one.figure, one.worse_percent) for one in found] == [
        *(("rate_per_s", 30.0), ("p99_ms", 30.0), ("errors", None))
    ]


def test_measurements_of_different_scales_are_not_compared() -> None:
    with pytest.raises(ValueError, match="scale"):
        compare([line(p99_ms=1)], [line(p99_ms=1, scale=0.05)])


def test_a_scenario_that_measured_nothing_is_not_compared() -> None:
    assert compare([line(scale=0.05)], [line(p99_ms=1)]) == []


def test_budgets_are_met_or_not_only_where_all_of_it_was_measured() -> None:
    budgets = (Budget("p99_ms", 30),)

    def concluded(measured: float, *, scale: float = 1.0, failed: str = "") -> bool | None:
        made = Line(scenario="rsvp", met=None, scale=scale, runs=[run(p99_ms=measured)], failed=failed)
        return conclude(made, budgets).met

    assert concluded(20) is True
    assert concluded(40) is False
    assert concluded(20, scale=0.05) is None
    assert concluded(20, failed="StageFailed: web ended") is False
    assert concluded(20, failed="not run: no clock") is None


def test_a_file_of_lines_is_read_back_without_its_machine(tmp_path: Path) -> None:
    path = tmp_path / "before.jsonl"
    written = line(rate_per_s=812.5)
    path.write_bytes(b'{"machine": {"cores": 2}}\n\n' + msgspec.json.encode(written) + b"\n")
    assert read_lines(path) == [written]


def test_steal_is_the_share_of_all_ticks() -> None:
    assert steal_percent((1000, 10), (2000, 40)) == 3.0
    assert steal_percent((5, 0), (5, 0)) == 0.0


def test_a_part_of_the_load_is_never_nothing() -> None:
    part = Plan(scale=0.05)
    assert (part.count(100), part.count(1), part.count(10, least=2)) == (5, 1, 2)
    assert part.rate(200) == 10
    assert part.seconds(15) == 3
    assert (Plan().count(100), Plan().rate(200), Plan().seconds(15)) == (100, 200, 15)


def test_the_sustained_rate_leaves_both_ends_out() -> None:
    steady = [n * 1_000_000 for n in range(1000)]
    late = [at + 60_000_000_000 for at in steady[-50:]]
    assert sustained(steady) == pytest.approx(1000)
    assert sustained([*steady[:-50], *late]) == pytest.approx(1000, rel=0.01)


def test_the_position_of_a_change_is_found_in_its_frame() -> None:
    frame = (
        b'["1",null,"realtime:wedding:x","postgres_changes",{"ids":[1],"data":{"record":{"rev":"1:42:41","id":"x"}}}]'
    )
    assert seq_of(frame) == 42
    with pytest.raises(ValueError, match="without a position"):
        seq_of(b"[]")


def test_the_guest_list_of_the_bench_is_imported_whole() -> None:
    assert decide(guest_list(60)) > 0


def test_a_rate_that_falls_shows_between_the_first_and_the_last_tenth() -> None:
    steady = [n * 1_000_000 for n in range(10_000)]
    assert tenths(steady) == pytest.approx((1_000, 1_000))
    falling = [n * 1_000_000 if n < 5_000 else n * 2_000_000 for n in range(10_000)]
    assert tenths(falling) == pytest.approx((1_000, 500))


def test_a_notification_is_heeded_by_the_next_question_about_its_own_calendar() -> None:
    questions = [Question(at, calendar) for at, calendar in ((5.0, "a"), (1.0, "a"), (2.0, "b"))]
    assert asked_after({"a": [0.5, 0.75, 1.5], "b": [2.5], "c": [1.0]}, questions) == [500.0, 250.0, 3500.0]
