"""What pages and commands say in words, for the cases that are seldom seen."""

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException, SerializationException

from wedsync.clients.importing import checking as clients_checking
from wedsync.connections import clienting
from wedsync.connections import manifest as manifests
from wedsync.connections.charging.contract import Fee, Fees
from wedsync.connections.charging.reconciling import Difference, fees_of
from wedsync.connections.contract import ReconnectNeeded, Rejected, RetryLater
from wedsync.connections.manifest import Manifest
from wedsync.connections.records import run as records_run
from wedsync.connections.records.contract import ReadOnly
from wedsync.events.catalogue import Catalogue
from wedsync.guests.importing import checking, needs
from wedsync.guests.importing.name_lines import read_line
from wedsync.guests.importing.workbook import _text
from wedsync.kit import config_checks
from wedsync.kit.config import Settings
from wedsync.kit.errors import Refusal
from wedsync.kit.http import Failure, Reply, Timing
from wedsync.notices.wording import checking as notice_checking
from wedsync.notices.wording.tongues import DIGEST, SHARED, Text, spoken_by
from wedsync.operations.freeze import model as freeze
from wedsync.operations.slo import scores
from wedsync.payments import view as payments_view
from wedsync.processes import doctor, forwarding, freezing, registry, trigger, web
from wedsync.processes.demo_providers import pointed
from wedsync.processes.drills import report
from wedsync.processes.failures import CannotRun
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
NO_TIME = Timing(resolve_ms=0.0, first_byte_ms=0.0, total_ms=7.0, address="")


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


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("unix:///run/valkey.sock", True),
        ("postgresql:///x?host=/run/postgresql", True),
        ("postgresql://127.0.0.1/x", True),
        ("postgresql://db1,127.0.0.1/x", False),
    ],
)
def test_whether_an_address_stays_on_this_machine(url: str, is_local: bool) -> None:
    assert config_checks.is_local(url) is is_local


def test_a_word_that_is_no_day_is_named() -> None:
    settings = msgspec.structs.replace(Settings(), freeze_guarded=("saturday", "12-31", "someday", "13-45"))
    assert ["'someday'" in said or "'13-45'" in said for said in config_checks._days(settings)] == [True, True]


def test_the_demos_providers_are_the_sandbox_but_for_those_that_are_configured() -> None:
    own = {
        **{f"{name}_client_id": "ours" for name in OAUTH},
        "twilio_account_sid": "ours",
        "teams_hosts": "ours.example",
        "icloud_calendar_base_url": "https://ours.example",
        "tave_base_url": "https://ours.example",
        "light_blue_base_url": "https://ours.example",
        "open_meteo_base_url": "https://ours.example",
    }
    configured = msgspec.structs.replace(Settings(), **own)
    assert pointed(configured) == configured
    bare = pointed(Settings())
    at = Settings().sandbox_url
    assert all(getattr(bare, f"{name}_token_url").startswith(at) for name in OAUTH if name != "stripe")
    assert bare.stripe_base_url == f"{at}/stripe"
    mixed = pointed(msgspec.structs.replace(Settings(), mailchimp_client_id="ours"))
    assert mixed.mailchimp_metadata_url == Settings().mailchimp_metadata_url
    assert mixed.slack_client_id == bare.slack_client_id


OAUTH = (
    "google_calendar",
    "outlook_calendar",
    "stripe",
    "honeybook",
    "tripleseat",
    "constant_contact",
    "mailchimp",
    "slack",
)


def test_when_a_frozen_platform_may_be_changed_again() -> None:
    def said(window: Any) -> str:
        verdict: Any = SimpleNamespace(next_window=window, at=NOW)
        return freezing._next(verdict)

    window = freeze.Window(starts_at=NOW, ends_at=NOW + timedelta(hours=3))
    assert "not known" in said(None)
    assert said(window).startswith("It may be changed now")
    later = msgspec.structs.replace(window, starts_at=NOW + timedelta(hours=1))
    assert said(later).startswith("It may be changed again from Tue 01 Jun 2027 13:00 UTC")


def test_figures_of_nothing() -> None:
    assert report.spread([]) == report.Spread(0, 0.0, 0.0, 0.0, 0.0)
    assert (scores.wilson(0, 0), scores.mean([None]), scores.component(0, 0)) == (0.0, None, None)


FENCES = dict.fromkeys(("is_built", "refuses_ddl", "sees_sessions", "counts_statements"), True)


def test_the_doctor_on_fences_and_ports() -> None:
    assert doctor.fences({**FENCES, "is_built": False}, Settings()) == []
    assert [one.level for one in doctor.fences(FENCES, Settings())] == ["fine"]
    live = msgspec.structs.replace(Settings(), env="production")
    assert [one.level for one in doctor.fences({**FENCES, "refuses_ddl": False}, live)] == ["warning"]
    nobody = msgspec.structs.replace(live, port=1, gateway_port=1)
    (found,) = doctor._ports(nobody, is_running=True)
    assert (found.level, "gateway, web" in found.text) == ("warning", True)
    unset = msgspec.structs.replace(live, port=0, gateway_port=0)
    assert [one.level for one in doctor._ports(unset, is_running=False)] == ["fine"]


def test_only_https_is_promised_for_a_year() -> None:
    plain = msgspec.structs.replace(Settings(), public_url="http://127.0.0.1:8000")
    safe = msgspec.structs.replace(Settings(), public_url="https://wedsync.example")
    promised = ["Strict-Transport-Security" in web._headers(one) for one in (plain, safe)]
    assert promised == [plain.has_tls, safe.has_tls]


def reply(status: int) -> Reply:
    return Reply(status=status, headers={}, body=b"", ending="whole", timing=NO_TIME)


def test_a_program_that_was_forwarded_to_answers_in_words() -> None:
    gone = Failure(kind="refused", reason="Nobody listens there.", may_have_arrived=False, timing=NO_TIME)
    assert forwarding.told(gone).startswith("Nobody listens there.")
    assert forwarding.told(reply(204)) == "204 in 7 ms"
    assert forwarding.told(reply(500)).startswith("500 in 7 ms. Your receiver failed")
    assert [forwarding.is_taken(one) for one in (gone, reply(204), reply(500))] == [False, True, False]
    for url in ("localhost:3000", "ftp://a.test", "http://"):
        with pytest.raises(CannotRun, match="is not an address"):
            forwarding.checked(url)


@pytest.mark.parametrize(
    ("delivery", "attempts", "taken", "said"),
    [
        ({"state": "pending"}, [], False, "Still on its way"),
        ({"state": "delivered"}, [{"status": 204, "total_ms": 7.0}], True, "-> 204 in 7 ms"),
        ({"state": "failed", "reason": "It answered 500."}, [{"status": 500, "detail": ""}], False, "It answered 500."),
        ({"state": "failed", "reason": "No such name."}, [], False, "No such name."),
    ],
)
def test_what_came_of_a_made_up_event(
    delivery: dict[str, Any], attempts: list[Any], taken: bool, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"delivery": {"type": "rsvp.replied", "reason": "", **delivery}, "attempts": attempts}
    assert trigger._told(found) == (trigger.TAKEN if taken else trigger.NOT_TAKEN)
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Name an endpoint"),
        ({"endpoint": "x", "forward": "http://a.test"}, "Name an endpoint"),
        ({"forward": "http://a.test", "name": "rsvp.replid"}, "Did you mean rsvp.replied"),
        ({"forward": "http://a.test"}, "Give the secret"),
        ({"forward": "http://a.test", "secret": "short"}, "--secret"),
        ({"endpoint": "x"}, "WEDSYNC_TOKEN"),
        ({"endpoint": "x", "token": "t"}, "is not an id"),
    ],
)
async def test_a_made_up_event_that_cannot_be_sent(asked: dict[str, str], said: str) -> None:
    given = {
        "name": "rsvp.replied",
        "endpoint": "",
        "forward": "",
        "secret": "",
        "url": "http://127.0.0.1:9",
        "token": "",
    }
    with pytest.raises(CannotRun, match=said):
        await trigger.run(**given | asked)


def test_a_catalogue_refuses_doubles_and_unknown_types() -> None:
    known = registry.catalogue()
    (kind, *_), (reaction, *_) = known.types.values(), known.reactions.values()
    wrong: tuple[Any, ...] = (([kind, kind], []), ([kind], [msgspec.structs.replace(reaction, types=("none.none",))]))
    for types, reactions in wrong:
        with pytest.raises(ValueError, match=r"twice|unknown"):
            Catalogue(types, reactions)


@pytest.mark.parametrize(
    "changed",
    [{"connect": {"way": "oauth2"}}, {"does": ["connects", "watches"]}, {"does": []}],
)
def test_a_manifest_that_contradicts_itself_is_refused(changed: dict[str, Any]) -> None:
    from_disk = msgspec.to_builtins(manifests.find()["slack"])
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(from_disk | changed, Manifest)


def test_notices_say_no_more_than_they_may() -> None:
    english = spoken_by(DIGEST, ["en"])
    assert english.day(None) == english.phrase("no_date")
    shared = next(iter(SHARED))
    (fault,) = notice_checking.faults(shared, Text(title="Mine"))
    assert (fault.field, fault.reason) == ("title", "cannot be chosen here")
    assert notice_checking.sample(DIGEST, english).title
