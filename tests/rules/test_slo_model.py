"""Promises, scores, seasons and predictions, held against what was worked out by hand and hours whose end is known."""

import math
from datetime import date

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.rules.house import ROOT
from wedsync.operations.health.model import Facts
from wedsync.operations.slo import backtest, model, risk, rules, scores, season, trend
from wedsync.operations.slo.model import Sum

ANSWERS = model.PROMISES[0]
EVERY = (300, 1800, 3600, 7200, 21_600, 86_400, 259_200, 2_592_000)


def sums(**bad: int) -> list[Sum]:
    """Of a thousand answers in each window, so many bad ones; `w3600=20`."""
    return [
        Sum(kind="edge", name="web", window_s=w, good=1000 - bad.get(f"w{w}", 0), bad=bad.get(f"w{w}", 0))
        for w in EVERY
    ]


@pytest.mark.parametrize(
    ("bad", "firing"),
    [
        ({"w3600": 15, "w300": 15}, "page"),  # 1.5 % of 0.1 % is 15 times as fast as it may be; 14.4 pages
        ({"w3600": 14, "w300": 15}, None),  # 14 times is not
        ({"w3600": 500, "w300": 0}, None),  # over already
        ({"w3600": 0, "w300": 500}, None),  # too short to matter
        ({"w21600": 10, "w1800": 10}, "page"),
        ({"w86400": 10, "w7200": 10}, "ticket"),
        ({"w86400": 9, "w7200": 10}, None),  # nine are chance
        ({"w259200": 10, "w21600": 1}, "ticket"),
    ],
)
def test_a_promise_alerts_in_two_windows_at_once(bad: dict[str, int], firing: str | None) -> None:
    assert model.standing(sums(**bad), ANSWERS).firing == firing


def test_what_is_left_of_a_promise() -> None:
    half = model.standing([Sum(kind="edge", name="web", window_s=2_592_000, good=19_990, bad=10)], ANSWERS)
    assert half.kept == pytest.approx(0.9995)
    assert half.left == pytest.approx(0.5)
    quick = model.burn([Sum(kind="edge", name="web", window_s=300, good=100, bad=5, slow=2)], model.PROMISES[1], 300)
    assert (quick.total, quick.missed) == (100, 2), "what failed was not slow"
    assert quick.rate == pytest.approx(2.0)
    assert model.standing([], ANSWERS).kept is None


def test_one_live_wedding_alerts_by_its_own_hours() -> None:
    def of(name: str, bad: int) -> list[Sum]:
        return [Sum(kind="wedding", name=name, window_s=w, good=100 - bad, bad=bad) for w in (60, 300, 1800)]

    [(wedding, says)] = model.weddings_burning([*of("hit", 3), *of("well", 0), *of("chance", 2)], goal=0.999)
    assert wedding == "hit"
    assert says == "3 of 100 deliveries of one live wedding were late or given up in 5 minutes."


@example(0, 197)
@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_never_says_more_than_was_seen_and_more_with_more(good: int, total: int) -> None:
    good = min(good, total)
    proved = scores.wilson(good, total)
    assert 0 <= proved <= good / total
    assert scores.wilson(good * 10, total * 10) >= proved - 1e-12


def test_scores_rank_as_by_hand() -> None:
    assert scores.wilson(3, 3) == pytest.approx(0.4385, abs=1e-4)
    assert scores.wilson(9990, 10_000) == pytest.approx(0.99817, abs=2e-4)

    def of(name: str, good: int, total: int, hours: int = 700, bad_hours: int = 0) -> scores.Score:
        parts = {
            "success": scores.component(good, total),
            "speed": scores.component(good, good),
            "availability": scores.component(hours - bad_hours, hours),
            "freshness": scores.component(0, 0),
        }
        return scores.score(name, refused=0, **parts)

    seeded = [
        of("few", 3, 3, hours=1),
        of("steady", 99_900, 100_000),
        of("flapping", 70_000, 100_000, bad_hours=200),
        of("dead", 0, 1000),
    ]
    ranked = sorted(seeded, key=lambda one: -(one.score or 0))
    assert [one.name for one in ranked] == ["steady", "flapping", "few", "dead"]
    assert ranked[-1].score == 0, "what never works is not helped by its speed"
    whole = [scores.wilson(99_900, 100_000), scores.wilson(99_900, 99_900), scores.wilson(700, 700)]
    assert ranked[0].score == pytest.approx(100 * math.prod(whole) ** (1 / 3), abs=0.02)


def test_thresholds_follow_the_season_of_the_markets() -> None:
    assert season.season({"Europe/London": 9, "Australia/Sydney": 1}, date(2027, 4, 30)).factor == 1
    assert season.season({"Europe/London": 9, "Australia/Sydney": 1}, date(2027, 5, 1)).factor == 0.5
    assert season.season({"Pacific/Auckland": 2}, date(2027, 1, 15)).factor == 0.5
    assert season.season({"Pacific/Auckland": 2}, date(2027, 7, 15)).factor == 1
    assert season.season({"Pacific/Honolulu": 1}, date(2027, 12, 1)).factor == 0.5
    assert season.season({}, date(2027, 6, 1)).factor == 1


def test_one_sentence_says_whom_it_would_hit() -> None:
    near = risk.Wedding(
        wedding_id="019ab3f2-0000-7000-8000-00000000abcd",
        is_live=True,
        jobs=9,
        zone="Europe/London",
        kind="ceremony",
        at_local="Sat 15:00",
        in_s=1500,
    )
    told = risk.sentence(risk.Risk(live=1, due=2, owed=14, first=[near]))
    assert told == (
        "1 live wedding and 2 of the next 72 hours are owed 14 messages; "
        "first …0000abcd (the ceremony at Sat 15:00 Europe/London, in 25 min)."
    )
    assert risk.sentence(risk.Risk(live=0, due=0, owed=0, first=[])).startswith("No wedding of the next 72 hours")


@given(st.floats(-1, 1), st.floats(-5, 5), st.integers(20, 40), st.integers(0, 8))
def test_a_line_has_its_slope_whatever_spikes_stand_on_it(slope: float, start: float, n: int, spikes: int) -> None:
    points = [start + slope * x for x in range(n)]
    assert trend.theil_sen(points).middle == pytest.approx(slope, abs=1e-9)
    for place in range(min(spikes, n // 6)):
        points[place * 5] += 100
    assert abs(trend.theil_sen(points).middle - slope) < 8


def test_what_runs_out_is_foretold_in_time() -> None:
    found = trend.forecast([0.4 + 0.005 * x for x in range(60)], limit=1.0, horizon=360)
    assert found is not None
    assert found.soonest == pytest.approx(61, abs=1) == pytest.approx(found.latest, abs=1)
    assert trend.forecast([0.4 + 0.005 * x for x in range(60)], limit=1.0, horizon=30) is None
    assert trend.forecast([0.9 - 0.005 * x for x in range(60)], limit=1.0, horizon=360) is None
    assert trend.forecast([0.0] * 50 + [0.5] * 10, limit=1.0, horizon=360) is None


def test_the_prediction_is_as_good_as_its_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    found = backtest.run(2027)
    with capsys.disabled():
        print(f"\nback-test of predictions: {found}")
    assert found == backtest.MEASURED, "write the new figures into MEASURED"
    assert found.precision >= 0.85
    assert found.recall >= 0.85


def test_every_rule_is_asked_and_leads_to_a_paper_that_is_there() -> None:
    assert set(rules.ASKED) == set(rules.BY_NAME)
    for one in rules.RULES:
        assert (ROOT / one.runbook).is_file(), one.runbook


@pytest.mark.parametrize(
    ("ratio", "threshold", "fires"), [(0.85, None, True), (0.9, None, False), (None, None, False), (0.97, 0.98, True)]
)
def test_little_from_memory_opens_a_ticket(ratio: float | None, threshold: float | None, fires: bool) -> None:
    """The default is 90 %."""
    known = {
        "now": "2027-06-05T12:00:00Z",
        "machine_now": "2027-06-05T12:00:00Z",
        **dict.fromkeys(("live", "due", "failed_over", "dead"), 0),
        **dict.fromkeys(("lanes", "destinations", "accounts", "mail", "processes", "series"), ()),
        "zones": {},
        "clock_leads": True,
        "counted_to": None,
        "database": {"connections_used": 1, "connections_max": 100, "cache_hit_ratio": ratio},
    }
    judged = rules.Judged(facts=msgspec.convert(known, Facts), parts=[], signals=[], sums=[])
    cache = rules.BY_NAME["cache"]
    set_so = {**rules.BY_NAME, "cache": replace(cache, threshold=threshold or cache.threshold)}
    found = [(one.rule, one.severity) for one in rules.firing(set_so, judged)]
    assert found == ([("cache", "ticket")] if fires else [])
