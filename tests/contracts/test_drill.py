"""A Saturday in small: what its options mean, and that it is played, survives what fails, and tells the truth."""

from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from wedsync.processes.drills import ledger, plan, report, saturday
from wedsync.processes.drills.ledger import Failed
from wedsync.processes.drills.plan import Trouble
from wedsync.processes.drills.report import Promise
from wedsync.processes.failures import CannotRun

PAIRS = ((True, True), (True, False), (False, True))
OPTIONS = {"weddings": 2, "speed": 900.0, "begin": "13:00", "end": "15:30", "rate": 6.0, "fail": ()}


def test_what_fails_is_said_in_a_word() -> None:
    found = plan.troubles_of(["worker@14:30", "resend@14:05+10m", "tave@9:00+5m=429"])
    assert found == [
        Trouble(what="tave", at=540, lasts=5, how="429"),
        Trouble(what="resend", at=845, lasts=10),
        Trouble(what="worker", at=870),
    ]
    assert [one.is_part for one in found] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("resend at two", "does not say what fails when"),
        ("resend@25:00+1m", "no time of day"),
        ("worker@14:75", "no time of day"),
        ("resend@14:05", "for how long"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, told: str) -> None:
    with pytest.raises(CannotRun, match=told):
        plan.troubles_of([text])


@pytest.mark.parametrize("wrong", [{"begin": "15:00", "end": "13:00"}, {"weddings": 0}, {"speed": 0.5}, {"rate": 0.0}])
def test_a_day_that_cannot_be_played_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CannotRun):
        plan.planned(today=date(2026, 4, 1), **{**OPTIONS, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("day", range(1, 8))
def test_it_is_the_next_saturday_and_runs_at_its_speed(day: int) -> None:
    made = plan.planned(today=date(2026, 4, day), **OPTIONS)  # type: ignore[arg-type]
    assert made.on.weekday() == plan.SATURDAY
    assert 0 < (made.on - date(2026, 4, day)).days <= 7
    assert made.takes_s == 10.0
    assert (made.moment(made.begin).hour, made.seconds(13 * 60 + 15)) == (12, 1.0)


def test_a_try_that_failed_at_one_provider_and_was_taken_by_the_next_is_told_of_both() -> None:
    """A mail is one try of its chain: what each provider said stands in its detail."""
    taken, waits, lost, hook = uuid4(), uuid4(), uuid4(), uuid4()
    away = "resend: No answer within 2 s.; resend: No answer within 1 s."

    def row(id: UUID, state: str, outcome: str, detail: str, connector: str = "mail") -> dict[str, object]:
        return {"id": id, "connector": connector, "state": state, "outcome": outcome, "detail": detail}

    found = ledger.failed_at(
        [
            row(taken, "delivered", "delivered", f"{away}; sendgrid: delivered; possible_duplicate"),
            row(waits, "delivered", "retry_later", "resend: It said: no.; smtp: Greylisted."),
            row(waits, "delivered", "delivered", "resend: delivered"),
            row(lost, "dead", "unknown", "Something went wrong on our side."),
            row(hook, "delivered", "retry_later", "It answered 500.", "webhook"),
        ],
        ("resend", "sendgrid", "smtp"),
    )
    assert found.by_place == [
        Failed(at="resend", tries=3, deliveries=2, elsewhere=1, arrived=2),
        Failed(at="smtp", tries=1, deliveries=1, elsewhere=0, arrived=1),
        Failed(at="mail", tries=1, deliveries=1, elsewhere=0, arrived=0),
        Failed(at="webhook", tries=1, deliveries=1, elsewhere=0, arrived=1),
    ]
    assert found.deliveries == {taken: "delivered", waits: "delivered", lost: "dead", hook: "delivered"}


def test_a_promise_that_nothing_could_break_is_not_called_kept() -> None:
    assert [Promise("It comes back", kept, "", is_shown=shown).verdict for kept, shown in PAIRS] == [
        "kept",
        "not shown",
        "not kept",
    ]


@pytest.mark.timeout(600)
async def test_a_small_saturday_loses_nothing(tmp_path: Path) -> None:
    wanted = saturday.planned(**{**OPTIONS, "fail": ["resend@13:30+20m", "gateway@14:00", "worker@14:20"]})  # type: ignore[arg-type]
    ended = await saturday.run(wanted, to=tmp_path, web_workers=1)
    told = msgspec.json.decode((tmp_path / "saturday.json").read_bytes(), type=report.Report)
    assert (told.lost, told.unanswered, told.refused) == (0, 0, {})
    kept = {one.words: one.is_kept for one in told.promises if one.decides}
    # How soon a killed gateway is back is this machine's, and the exit says so too.
    assert all(is_kept for words, is_kept in kept.items() if "every second" not in words)
    assert ended == (0 if all(kept.values()) else 1)
    assert told.facts > 5
    assert told.reopened >= told.screens
    assert {one.connector for one in told.owed} >= {"webhook"}
    assert "A Saturday with 2 weddings" in (tmp_path / "saturday.html").read_text()
