"""The alert rules as they stand, played against incidents of known begin and end: right as often as their page says."""

import msgspec
import pytest

from wedsync.operations.slo import backtest as predictions
from wedsync.operations.slo import played, rules
from wedsync.processes import backtest
from wedsync.processes.cli import app

FLOORS = {"errors": (0.7, 0.95), "latency": (0.6, 0.95), "promise": (0.95, 0.95), "wedding": (0.9, 0.9)}
"""Precision and recall. What the first lack is single bad minutes, which stand above a threshold of five."""
WITHIN_MIN = {"errors": 2, "latency": 3, "promise": 5, "wedding": 5}


@pytest.mark.prove  # in each run the test below plays rules that are laxer and stricter
def test_alerts_are_as_right_as_their_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["backtest", "--json"])
    assert ended.value.code == 0
    found = msgspec.convert(msgspec.json.decode(capsys.readouterr().out)["alerts"], played.Played)
    with capsys.disabled():
        print("\n" + "\n".join(backtest.lines(found, predictions.MEASURED)))
    assert found == played.MEASURED, "write the new figures into MEASURED"
    assert {one.rule for one in found.scores} == set(FLOORS)
    for one in found.scores:
        precision, recall = FLOORS[one.rule]
        assert one.precision >= precision, one
        assert one.recall >= recall, one
        assert one.delay <= WITHIN_MIN[one.rule], one
        assert one.incidents >= 10
    assert set(found.false_alarms) <= {"spike", "slow spike", "night"}


def test_rules_that_are_laxer_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The floors can break: of ten times the threshold fewer incidents are told, of a tenth more alarms are false."""

    def set_to(times: float) -> None:
        known = rules.BY_NAME["errors"]
        threshold = (known.threshold or 0.0) * times
        monkeypatch.setattr(played, "ON", {**played.ON, "errors": msgspec.structs.replace(known, threshold=threshold)})

    set_to(10)
    lax = {one.rule: one for one in played.run(7, each=2).scores}["errors"]
    assert lax.recall < FLOORS["errors"][1]
    set_to(0.02)
    strict = {one.rule: one for one in played.run(7, each=2).scores}["errors"]
    assert strict.precision < FLOORS["errors"][0]


def test_windows_are_cut_as_the_database_cuts_them() -> None:
    """The minute that runs and as many before it; above two hours whole hours, the one that runs and as many before."""
    minutes = [(1, 0, 0)] * 600
    hours = [(1000, 10, 0)] * played.MONTH_H
    found = {one.window_s: one for one in played._Sums(hours, minutes).at(599)}
    assert (found[300].good, found[3600].good, found[7200].good) == (6, 61, 121)
    assert (found[21_600].good, found[21_600].bad) == (7 * 60, 0)
    assert (found[86_400].good, found[86_400].bad) == (600 + 15 * 990, 15 * 10)
