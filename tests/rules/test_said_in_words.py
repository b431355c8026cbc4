"""What pages and commands say in words, for the cases that are seldom seen."""

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException, SerializationException

from wedsync.clients.importing import checking as clients_checking
from wedsync.connections import clienting
from wedsync.connections.charging.contract import Fee, Fees
from wedsync.connections.charging.reconciling import Difference, fees_of
from wedsync.connections.contract import ReconnectNeeded, Rejected, RetryLater
from wedsync.connections.records import run as records_run
from wedsync.connections.records.contract import ReadOnly
from wedsync.guests.importing import checking, needs
from wedsync.guests.importing.name_lines import read_line
from wedsync.guests.importing.workbook import _text
from wedsync.kit.errors import Refusal
from wedsync.notices.wording import checking as notice_checking
from wedsync.notices.wording.tongues import DIGEST, SHARED, Text, spoken_by
from wedsync.payments import view as payments_view
from wedsync.schedule import view as schedule_view
from wedsync.subscriptions import view as subscriptions_view
from wedsync.subscriptions import wording
from wedsync.subscriptions.pages import rule_form
from wedsync.subscriptions.rules import explain
from wedsync.subscriptions.rules.conditions import Condition
from wedsync.subscriptions.rules.fields import Field
from wedsync.subscriptions.rules.wording import condition_words
from wedsync.suppliers import booked
from wedsync.tasks import view as tasks_view
from wedsync.web import problems
from wedsync.web.forms import Form

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "detail", "said"),
    [
        (None, "", "if it goes on"),
        (None, "something odd", "if it goes on"),
        (204, "", ""),
        (302, "", "follow no redirects"),
        (500, "", "its own log says why"),
        (418, "", "refused the request"),
    ],
)
def test_what_to_do_about_a_try(status: int | None, detail: str, said: str) -> None:
    told = wording.advice(status=status, detail=detail)
    assert said in told and bool(told) is bool(said)
    assert wording.advice(status=500, detail="", is_once=True) == "Your receiver failed; its own log says why."


def test_what_came_back() -> None:
    happened = [
        wording.happened(status=status, detail=detail) for status, detail in ((None, ""), (None, "Late."), (200, ""))
    ]
    assert happened == ["No answer.", "Late.", "Taken."]
    assert wording.happened(status=404, detail="") == "The receiver answered 404."


@pytest.mark.parametrize(
    ("after_s", "said"),
    [(None, "at any moment"), (-5, "at any moment"), (40, "in 40 s"), (720, "in 12 min"), (18_000, "in 5 h")],
)
def test_until_the_next_try(after_s: int | None, said: str) -> None:
    at = None if after_s is None else NOW + timedelta(seconds=after_s)
    assert subscriptions_view._until(at, NOW) == said


def test_why_an_endpoint_hears_nothing() -> None:
    row: dict[str, Any] = dict.fromkeys(("breaker_until", "host_until", "failing_since", "blocked_since"))
    assert subscriptions_view._restraints(row, NOW) == []
    row |= {"breaker_until": NOW, "breaker_failures": None, "blocked_since": NOW, "failing_since": NOW}
    row |= {"host_until": NOW + timedelta(minutes=1), "host": "a.test:443"}
    said = subscriptions_view._restraints(row, NOW)
    assert [
        part in one
        for part, one in zip(("tries now", "a.test, fails", "five days", "wait in order"), said, strict=True)
    ] == [True] * 4


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Condition(field="record.status", operator="is", value="declined"), "Status is declined"),
        (Condition(field="record.status", operator="one_of", value=["a_b", "c"]), "a b, c"),
        (Condition(field="record.is_vip", operator="is", value=True), "Is vip is yes"),
        (Condition(field="record.is_vip", operator="is", value=False), "no"),
        (Condition(field="record.note", operator="is", value=""), "“”"),
        (Condition(field="old_record.note", operator="present"), "Note before"),
        (Condition(field="op", operator="is", value="INSERT"), "What happened is"),
    ],
)
def test_a_condition_in_words(condition: Condition, said: str) -> None:
    assert said in condition_words(condition)


def test_how_a_lane_comes_about() -> None:
    event: Any = {"type": "guest.added", "type_lane": 2, "is_severe": True}
    assert [step.lane for step in explain.lane_steps(event, own=None, is_near=True)] == [2, 1, 0]
    assert [step.lane for step in explain.lane_steps(event, own=3, is_near=True)] == [3]


def test_rows_of_a_rules_form_come_and_go() -> None:
    state = rule_form.of_form(Form([]))
    for do in ("condition", "condition", "shape", "shape", "unask-0", "unsend-1", "unask-x", "unsend-²", "eat"):
        rule_form.pressed(state, do)
    assert (len(state.rows), len(state.shape)) == (1, 1)
    yes = Field("record.is_vip", "yes_no")
    row = rule_form.Asked(field="record.is_vip", operator="is", values=["true"])
    assert rule_form._condition(row, yes)["value"] is True
    assert [value for value, _ in rule_form._row(0, row, yes)["options"]] == ["true", "false"]
    many = rule_form.Asked(field="record.n", operator="one_of", values=["1, 2", " ", "x"])
    assert rule_form._condition(many, Field("record.n", "number"))["value"] == [1, 2, "x"]
    assert "value" not in rule_form._condition(rule_form.Asked(field="record.n", operator="present"), None)


HELD: dict[str, Any] = {
    "state": "hold",
    "at_local": time(10),
    "starts_at": NOW,
    "ends_at": NOW + timedelta(hours=2),
    "zone": "UTC",
    "days": 1,
    "on": NOW.date(),
    "wedding_on": NOW.date(),
    "expires_at": NOW,
    "is_only": True,
    "ceremony_at": time(20),
    "time_zone": "UTC",
}


def test_a_booking_as_the_couple_reads_it() -> None:
    held = booked.line(HELD)
    assert (held["tone"], "until" in held["words"], "outside" in held["warning"]) == ("wait", True, True)
    for changed in ({"wedding_on": None}, {"is_only": False}, {"ceremony_at": None}, {"at_local": None}):
        assert booked.line({**HELD, **changed})["warning"] == ""
    assert "another day" in booked.line({**HELD, "on": date(2027, 5, 1)})["warning"]


def test_amounts_and_days_of_payments() -> None:
    assert payments_view.amount(Form([("amount", "12.50")]), "EUR") == 1250
    for text in ("", "0", "x", "-1"):
        with pytest.raises(Refusal):
            payments_view.amount(Form([("amount", text)]), "EUR")
    today = date(2027, 6, 1)
    tones = [payments_view._due(on, today)[1] for on in (None, date(2027, 5, 1), date(2027, 6, 9), date(2027, 9, 1))]
    assert tones == ["wait", "bad", "wait", ""]


def test_what_somebody_else_took_away_is_not_there() -> None:
    everything: Any = SimpleNamespace()
    with pytest.raises(Refusal, match="no such item"):
        schedule_view.edited(everything, None, "/x")
    with pytest.raises(Refusal, match="no such item"):
        tasks_view.edited(None, "/x")
    assert [tasks_view._days(days) for days in (0, 1, -2)] == ["on the day", "1 day before", "2 days after"]


def test_a_schedule_form_without_a_day_keeps_the_one_it_has() -> None:
    assert "on" not in schedule_view.fields(Form([("title", "Cake"), ("at_local", "18:00")]))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (SerializationException("no JSON"), 400, "malformed"),
        (HTTPException("odd", status_code=400), 400, "malformed"),
        (HTTPException("large", status_code=413), 413, "too_large"),
        (NotFoundException(), 404, "not_found"),
        (MethodNotAllowedException(headers={"allow": "GET"}), 405, "method_not_allowed"),
        (HTTPException("tea", status_code=418), 418, "refused"),
    ],
)
def test_what_the_framework_refuses_is_said_in_our_words(error: Any, status: int, code: str) -> None:
    refusal = problems._translate(error)
    assert (refusal.status, refusal.code) == (status, code)


class Listed:
    """A provider that lists fees, a page at a time."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)

    async def fees(self, cursor: str, *, timeout_s: float) -> Any:
        return self.pages[int(cursor or "0")]


async def test_fees_are_read_to_the_last_page_or_not_at_all() -> None:
    fee = Fee(id="f1", account="a", charge="c", currency="EUR", amount_minor=1, returned_minor=0, made_at=NOW)
    both: Any = Listed(Fees(items=(fee,), cursor="1"), Fees(items=(fee,), cursor=""))
    found = await fees_of(both)
    assert isinstance(found, list) and len(found) == 2
    away: Any = Listed(Fees(items=(fee,), cursor="1"), RetryLater(reason="Later."))
    assert isinstance(await fees_of(away), RetryLater)
    said = [
        Difference(fee="f1", currency="EUR", ours_minor=ours, theirs_minor=theirs).words[:7] for ours, theirs in SIDES
    ]
    assert said == ["not in ", "not at ", "another"]


SIDES = ((None, 1), (1, None), (1, 2))


@pytest.mark.parametrize("said", [{}, [], "Maria", {"price": 100}, {"notes": "x"}])
def test_a_body_without_a_client_is_refused(said: Any) -> None:
    with pytest.raises(Refusal):
        clienting.read(clienting.ClientMap(columns={}), said, "PT")


def test_how_a_run_over_records_ended() -> None:
    words = [records_run.stopped(one).word for one in ENDINGS]
    assert words == ["reconnect", "later", "read_only", "failed"]


ENDINGS: tuple[Any, ...] = (
    ReconnectNeeded(reason="x"),
    RetryLater(reason="x"),
    ReadOnly(reason="x"),
    Rejected(reason=""),
)


def test_what_lists_of_guests_say() -> None:
    undone: Any = {"status": "undone"}
    assert checking.outcome_words(undone) == clients_checking.outcome_words(undone) == "taken back"
    counts: Any = {"status": "done", "rows": 3, "created": 2, "updated": 1}
    assert checking.outcome_words(counts) == clients_checking.outcome_words(counts) == "3 rows: 2 new, 1 changed"
    assert clients_checking._shown("wedding_on", "2027-06-05") != clients_checking._shown("stage", "booked")
    assert [_text(value) for value in (date(2027, 6, 5), time(9, 30), timedelta(hours=1), None, 7)] == [
        "2027-06-05",
        "09:30:00",
        "1:00:00",
        "",
        "7",
    ]
    assert needs._stored_allergen("tomatoes (allergy, severe, cross-contact ok: no)") is None
    allergens: dict[str, Any] = {}
    needs._add(allergens, "milk", "avoid", "severe")
    assert allergens["milk"].kind == "allergy", "nobody is in danger of what they only avoid"
    strict = needs.Allergen(key="cereals_gluten", kind="coeliac", severity="severe", cross_contact_ok="no")
    allergens["cereals_gluten"] = strict
    needs._add(allergens, "cereals_gluten", "allergy", "anaphylaxis")
    assert allergens["cereals_gluten"] is strict
    assert read_line("Maria Santos ()").people == read_line("Maria Santos").people


def test_notices_say_no_more_than_they_may() -> None:
    english = spoken_by(DIGEST, ["en"])
    assert english.day(None) == english.phrase("no_date")
    shared = next(iter(SHARED))
    (fault,) = notice_checking.faults(shared, Text(title="Mine"))
    assert (fault.field, fault.reason) == ("title", "cannot be chosen here")
    assert notice_checking.sample(DIGEST, english).title
