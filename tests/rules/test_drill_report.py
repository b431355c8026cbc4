"""A drill's report says that a promise is broken when one is: each planted loss is found, and no other blamed."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from wedsync.processes.drills import report
from wedsync.processes.drills.acting import Deeds
from wedsync.processes.drills.ledger import Failed, Kept, Owed, Taken
from wedsync.processes.drills.plan import Plan
from wedsync.processes.drills.watching import Lost, Probe

BEGAN = datetime(2027, 6, 5, 12, tzinfo=UTC)
IN_TIME = "Deliveries that are critical were there within 10 s, 999 of 1,000"
PLAN = Plan(weddings=1, speed=60.0, begin=480, end=600, per_min=1.0, on=date(2027, 6, 5))
SCREENS, ANSWERED, EVERY_SECOND, ARRIVED, AFTER_ALL = (
    "Nothing that happened was missing on a screen",
    "Everybody who asked was answered",
    "Pages, API and sockets answered every second",
    "What was owed arrived",
    "What failed at first was delivered after all",
)


class Day(msgspec.Struct):
    """What a drill counted; whole, until something is taken away."""

    deeds: Deeds
    lost: list[Lost]
    kept: Kept
    probes: list[Probe]

    def told(self) -> report.Report:
        return report.told(
            PLAN,
            began_at=BEGAN,
            took_s=120.0,
            deeds=self.deeds,
            screens=[],
            lost=self.lost,
            kept=self.kept,
            probes=self.probes,
            own_ms=[1.0, 4.0],
        )


def whole() -> Day:
    """1,000 deliveries, of which five failed at first and were delivered after all."""
    kept = Kept(
        recorded={(UUID(int=1), 1): BEGAN},
        committed={(UUID(int=1), 1): BEGAN},
        types={(UUID(int=1), 1): "task.added"},
        owed=[owed(1000), owed(3, state="superseded")],
        first_ms={"critical": [12.0]},
        taken={"critical": Taken(within_s=10.0, took_ms=[20.0] * 999 + [12_000.0])},
        failed=[Failed(at="resend", tries=7, deliveries=5, elsewhere=4, arrived=5)],
        failed_once=5,
        recovered=5,
        alerts={"raised": 2, "acknowledged": 2},
    )
    deeds = Deeds(done={"rsvp": 40}, took_ms=[10.0] * 40, repeated=2)
    return Day(deeds, [], kept, [Probe("REST", asked=100, late=1), Probe("page", asked=100)])


def owed(count: int, state: str = "delivered") -> Owed:
    return Owed(connector="webhook", lane="critical", state=state, reason="", count=count)


def a_lost_frame(day: Day) -> None:
    day.lost.append(Lost("w", "couple", 7))


def an_unanswered_call(day: Day) -> None:
    day.deeds.unanswered = 1


def a_second_without_an_answer(day: Day) -> None:
    day.probes[1].failed = 1


def two_deliveries_that_died(day: Day) -> None:
    day.kept.owed = [owed(998), owed(2, state="dead")]


def one_that_never_recovered(day: Day) -> None:
    day.kept.recovered = 4


def test_a_whole_day_keeps_every_promise_and_says_so(tmp_path: Path) -> None:
    made = whole().told()
    assert made.is_kept and all(one.is_kept for one in made.promises)
    assert set(report.lines(made).values()) == {
        f"kept ({told})"
        for told in (
            *("0 missing", "0 were not", "200 of 200", "1000 of 1000", "0.0 ms"),
            *("5 of 5, after 7 tries that failed", "999 of 1000; 99 of 100 within 0.02 s"),
        )
    }
    kept, page = report.write(made, tmp_path)
    assert all(one["is_kept"] for one in json.loads(kept.read_text())["promises"])
    assert "1000 of 1000" in page.read_text("utf-8")
    assert (made.own.count, made.own.worst) == (2, 4.0), "what the drill adds to its own times is told beside them"


@pytest.mark.parametrize(
    ("plant", "broken", "told"),
    [
        (a_lost_frame, SCREENS, "1 missing"),
        (an_unanswered_call, ANSWERED, "1 were not"),
        (a_second_without_an_answer, EVERY_SECOND, "199 of 200"),
        (two_deliveries_that_died, ARRIVED, "998 of 1000"),
        (one_that_never_recovered, AFTER_ALL, "4 of 5, after 7 tries that failed"),
    ],
)
def test_each_planted_loss_breaks_its_promise_and_no_other(
    plant: Callable[[Day], None], broken: str, told: str, tmp_path: Path
) -> None:
    day = whole()
    plant(day)
    made = day.told()
    assert not made.is_kept
    assert [(one.words, one.told) for one in made.promises if not one.is_kept] == [(broken, told)]
    assert report.lines(made)[broken] == f"NOT KEPT ({told})"
    kept, page = report.write(made, tmp_path)
    read = json.loads(kept.read_text())
    assert [one["seq"] for one in read["missing"]] == [one.seq for one in day.lost]
    said = {one["words"]: one["is_kept"] for one in read["promises"]}
    assert [words for words, is_kept in said.items() if not is_kept] == [broken]
    assert told in page.read_text("utf-8")


@pytest.mark.parametrize("second", [12_000.0, None], ids=["late", "never there"])
def test_two_of_a_thousand_that_are_not_in_time_are_told_of_and_do_not_decide(second: float | None) -> None:
    day = whole()
    day.kept.taken["critical"].took_ms[0] = second
    made = day.told()
    assert made.is_kept
    assert report.lines(made)[IN_TIME].startswith("NOT KEPT (998 of 1000; ")


def test_where_no_try_failed_nothing_is_shown() -> None:
    day = whole()
    day.kept.failed, day.kept.failed_once, day.kept.recovered = [], 0, 0
    assert report.lines(day.told())[AFTER_ALL] == "NOT SHOWN (no try failed, so this shows nothing)"


def test_a_time_that_was_not_kept_is_said_and_does_not_decide() -> None:
    made = msgspec.structs.replace(whole().told(), promises=[report.Promise("Fast", False, "80 ms", False)])
    assert made.is_kept and report.lines(made)["Fast"] == "NOT KEPT (80 ms)"
