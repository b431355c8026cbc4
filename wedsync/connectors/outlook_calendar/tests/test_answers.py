"""What Graph's answers mean, call by call, where it refuses, breaks off, forgets or leads elsewhere."""

from typing import Any

import pytest
from msgspec import structs

from wedsync.connections.calendars.contract import CursorLost, Gone, Moved, Pulled, Pushed, ReadOnly
from wedsync.connections.contract import ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connectors.outlook_calendar import pulling, pushing
from wedsync.connectors.outlook_calendar.mapper import transaction_id
from wedsync.connectors.outlook_calendar.tests import payloads
from wedsync.connectors.outlook_calendar.tests.scripted import (
    BASE,
    Script,
    failure,
    pulled,
    pushed,
    refusal,
    reply,
)
from wedsync.connectors.outlook_calendar.tests.staged import BERLIN, CEREMONY, timed
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply

DELTA = f"{BASE}/me/calendars/c1/calendarView/delta?$deltatoken=d1"
ITEM = payloads.SINGLE
TITLED = {**ITEM, "subject": "Another title"}
SATURDAYS = structs.replace(CEREMONY, rules=("RRULE:FREQ=WEEKLY;BYDAY=SA", "EXDATE;TZID=Europe/Berlin:20270619T140000"))


def page(*items: Any, **more: Any) -> Reply:
    return reply(200, {"value": list(items), **(more or {"@odata.deltaLink": DELTA})})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(400, "BadRequest"), Rejected),
        (refusal(400, "resyncRequired"), CursorLost),
        (refusal(401), ReconnectNeeded),
        (refusal(403), ReconnectNeeded),
        (refusal(403, "MailboxNotHostedInExchangeOnline"), ReconnectNeeded),
        (refusal(404), Gone),
        (refusal(404, "MailboxNotEnabledForRESTAPI"), ReconnectNeeded),
        (refusal(405), Rejected),
        (refusal(409), RetryLater),
        (refusal(410), CursorLost),
        (refusal(412), Rejected),
        (refusal(415), Rejected),
        (refusal(423), RetryLater),
        (refusal(429), RetryLater),
        (reply(500, b"<html>"), RetryLater),
        (reply(503, ["no object"]), RetryLater),
        (reply(200, b"{", ending="whole"), RetryLater),
        (reply(200, b'{"value": [\xff]}'), RetryLater),
        (reply(200, {"value": []}, ending="cut"), RetryLater),
        (reply(200, {"value": []}, ending="capped"), RetryLater),
        (page(**{"@odata.nextLink": "https://evil.example/elsewhere"}), RetryLater),
        (page(nothing=1), RetryLater),
        (failure("timeout", may_have_arrived=True), RetryLater),
        (failure("proxy"), RetryLater),
        (page(), Pulled),
    ],
)
async def test_every_answer_to_a_listing_means_one_thing(answer: Reply | Failure, kind: type) -> None:
    found = await pulled(Script(answer))
    assert isinstance(found, kind), found
    assert "tulip" not in repr(found)


async def test_what_graph_asks_us_to_wait_is_told() -> None:
    assert (await pulled(Script(refusal(429, retry_after="17")))).after_s == 17
    assert (await pushed(Script(refusal(503, retry_after="5")))).after_s == 5
    assert (await pushed(Script(refusal(423)))).after_s is None


def single(id: str, **more: Any) -> dict[str, Any]:
    return {**ITEM, "id": id, **more}


async def test_one_event_that_may_not_be_read_keeps_no_other_from_being_read() -> None:
    own = single("mine", transactionId=transaction_id("k1"))
    first = page(own, single("series", type="seriesMaster"), single("other"), {"id": "gone", "@removed": {}})
    script = Script(first, refusal(403), reply(200, single("mine")))
    found = await pulled(script)
    assert isinstance(found, Pulled)
    assert found.unread == 1
    assert {change.id: change.event is not None for change in found.changes} == {
        "other": True,
        "gone": False,
        "mine": True,
    }
    assert script.said[1:] == ["GET /me/events/series", "GET /me/events/mine"]
    missing = await pulled(Script(page(own), refusal(404)))
    assert [(change.id, change.event) for change in missing.changes] == [("mine", None)]
    spoilt = await pulled(Script(page(single("x", start=None), single("y"))))
    assert ([change.id for change in spoilt.changes], spoilt.unread) == (["y"], 1)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(refusal(401), ReconnectNeeded), (refusal(429), RetryLater), (reply(200, b"{"), RetryLater)],
)
async def test_an_event_that_cannot_be_fetched_now_is_not_left_out(answer: Reply, kind: type) -> None:
    assert isinstance(await pulled(Script(page(single("s", type="seriesMaster")), answer)), kind)


WEEKLY = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["saturday"], "firstDayOfWeek": "monday"},
    "range": {"type": "noEnd", "startDate": "2027-06-12", "recurrenceTimeZone": "W. Europe Standard Time"},
}
SERIES = single("s", type="seriesMaster", recurrence=WEEKLY)


def exception(id: str, on: str = "2027-06-19T12:00:00Z", **more: Any) -> dict[str, Any]:
    return single(id, type="exception", seriesMasterId="s", originalStart=on, **more)


async def test_exceptions_come_on_pages_of_their_own() -> None:
    first = {**SERIES, "exceptionOccurrences": [exception("e1")]}
    first["exceptionOccurrences@odata.nextLink"] = f"{BASE}/me/events/s/exceptionOccurrences?$skip=1"
    more = reply(
        200, {"value": [exception("e2"), exception("e3", "soon")], "@odata.nextLink": f"{BASE}/me/events/s/x?$skip=2"}
    )
    last = reply(200, {"value": [exception("e4", "2027-06-26T12:00:00Z")]})
    script = Script(page(SERIES, exception("e9")), reply(200, first), more, last)
    found = await pulled(script)
    assert isinstance(found, Pulled)
    assert [change.id for change in found.changes] == ["s", "e1", "e2", "e4"]
    assert found.changes[-1].original == "2027-06-26T14:00:00"
    assert (found.unread, found.has_more) == (1, False)
    refused = Script(page(SERIES), reply(200, first), refusal(503))
    assert isinstance(await pulled(refused), RetryLater)


async def test_pages_of_exceptions_without_end_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "EXCEPTION_PAGES_MAX", 2)
    link = f"{BASE}/me/events/s/exceptionOccurrences?$skip=1"
    first = {**SERIES, "exceptionOccurrences@odata.nextLink": link}
    again = reply(200, {"value": [exception("e1")], "@odata.nextLink": link})
    found = await pulled(Script(page(SERIES), reply(200, first), again, again))
    assert [change.id for change in found.changes] == ["s", "e1"]


async def test_a_series_is_fetched_once_in_a_round_on_however_many_pages_it_stands() -> None:
    next_ = {"@odata.nextLink": f"{BASE}/me/calendars/c1/calendarView/delta?$skiptoken=2"}
    occurrence = single("s.1", type="occurrence", seriesMasterId="s")
    first = await pulled(Script(page(SERIES, occurrence, **next_), reply(200, SERIES)))
    assert ([change.id for change in first.changes], first.has_more) == (["s"], True)
    last = await pulled(Script(page(occurrence)), first.cursor)
    assert (last.changes, last.has_more) == ((), False)
    later = await pulled(Script(page(occurrence), reply(200, SERIES)), last.cursor)
    assert [change.id for change in later.changes] == ["s"]


async def test_what_time_does_not_suffice_for_is_fetched_in_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = iter(range(0, 1000, 20))
    monkeypatch.setattr(clock, "monotonic", lambda: float(next(passed)))
    own = [single(name, transactionId=transaction_id(name)) for name in "ab"]
    first = await pulled(Script(page(*own)))
    assert (first.changes, first.has_more) == ((), True)
    # A call without a page of its own fetches one at least, or it would never end.
    second = await pulled(Script(reply(200, single("a"))), first.cursor)
    assert ([change.id for change in second.changes], second.has_more) == (["a"], True)
    third = await pulled(Script(reply(200, single("b"))), second.cursor)
    assert ([change.id for change in third.changes], third.has_more) == (["b"], False)


MADE = reply(201, {"id": "new", "@odata.etag": 'W/"1"'})


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((MADE,), Pushed),
        ((refusal(400, "ErrorInvalidRequest"),), Rejected),
        ((refusal(401),), ReconnectNeeded),
        ((refusal(403, "ErrorAccessDenied"),), ReadOnly),
        ((refusal(403),), ReconnectNeeded),
        ((refusal(404),), Gone),
        ((refusal(405),), Rejected),
        ((refusal(409),), RetryLater),
        ((refusal(409, "ErrorIrresolvableConflict"),), Moved),
        ((refusal(410),), Gone),
        ((refusal(412),), Moved),
        ((refusal(415),), Rejected),
        ((refusal(429),), RetryLater),
        ((refusal(500),), RetryLater),
        ((reply(201, b"{"),), Unknown),
        ((reply(201, {"no": "id"}),), Unknown),
        ((reply(201, {"id": "new"}, ending="cut"),), Unknown),
        ((failure("timeout", may_have_arrived=True),), Unknown),
        ((failure("connect"),), RetryLater),
        ((refusal(409, pushing.DUPLICATE), page({"id": "other"})), Moved),
        ((refusal(409, pushing.DUPLICATE), page()), Gone),
        ((refusal(409, pushing.DUPLICATE), refusal(503)), RetryLater),
    ],
)
async def test_every_answer_to_a_new_event_means_one_thing(answers: tuple[Reply | Failure, ...], kind: type) -> None:
    script = Script(*answers)
    found = await pushed(script)
    assert isinstance(found, kind), found
    assert script.left == []
    if isinstance(found, Unknown):
        assert found.repeat_is_safe
    if len(answers) > 1:
        assert "m%27%271" in script.asked[1].url


@pytest.mark.parametrize(
    ("answers", "etag", "kind"),
    [
        ((refusal(404),), "", Gone),
        ((refusal(403, "ErrorAccessDenied"),), "", ReadOnly),
        ((reply(200, b"{"),), "", Unknown),
        ((reply(200, ITEM),), 'W/"old"', Moved),
        ((reply(200, {**ITEM, "isOrganizer": False}),), "", ReadOnly),
        ((reply(200, {**ITEM, "attendees": [{}]}),), "", ReadOnly),
        ((reply(200, {**ITEM, "start": None}),), "", ReadOnly),
        ((reply(200, ITEM), reply(200, ITEM)), ITEM["@odata.etag"], Pushed),
        ((reply(200, ITEM), refusal(412)), ITEM["@odata.etag"], Moved),
        ((reply(200, ITEM), refusal(404)), "", Gone),
        ((reply(200, ITEM), refusal(423)), "", RetryLater),
        ((reply(200, ITEM), refusal(403, "ErrorAccessDenied")), "", ReadOnly),
    ],
)
async def test_every_answer_to_a_change_means_one_thing(answers: tuple[Reply, ...], etag: str, kind: type) -> None:
    script = Script(*answers)
    found = await pushed(script, id="i/1", etag=etag)
    assert isinstance(found, kind), found
    assert script.said[0] == "GET /me/events/i%2F1"
    if len(answers) > 1:
        assert script.asked[1].headers["if-match"] == ITEM["@odata.etag"]


async def test_what_outlook_cannot_hold_is_refused_before_it_is_sent() -> None:
    days = ",".join(f"202{7 + n // 12}{n % 12 + 1:02}12T140000" for n in range(24))
    many = structs.replace(CEREMONY, rules=("RRULE:FREQ=DAILY", f"EXDATE;TZID={BERLIN}:{days}"))
    script = Script()
    assert isinstance(await pushed(script, many), ReadOnly)
    assert script.asked == []
    daily = {**SERIES, "recurrence": {**WEEKLY, "pattern": {"type": "daily", "interval": 1}}}
    script = Script(reply(200, daily))
    found = await pushed(script, many, id="s")
    assert isinstance(found, ReadOnly)
    assert "leaves out more than" in found.reason
    assert len(script.asked) == 1
    backwards = structs.replace(CEREMONY, times=timed("2027-06-12T14:00:00", "2027-06-12T13:00:00"))
    assert isinstance(await pushed(Script(), backwards), ReadOnly)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((page(exception("o1")), reply(204)), Pushed),
        ((page(exception("o1")), refusal(404)), Pushed),
        ((page(exception("o1")), refusal(423)), RetryLater),
        ((page(exception("o2", "2027-06-26T12:00:00Z")),), Pushed),
        ((page(single("o3", start={}, originalStart="soon")),), Pushed),
        ((page(),), Pushed),
        ((refusal(404),), Gone),
        ((refusal(503),), RetryLater),
    ],
)
async def test_days_left_out_are_deleted_one_by_one(answers: tuple[Reply, ...], kind: type) -> None:
    made = reply(201, {**SERIES, "id": "new"})
    script = Script(made, *answers)
    found = await pushed(script, SATURDAYS)
    assert isinstance(found, kind), found
    assert script.left == []
    if isinstance(found, Pushed):
        # Each deleted day changes the series, so its etag is nobody's any more.
        assert (found.id, found.etag) == ("new", "")
    deleted = [said for said in script.said if said.startswith("DELETE")]
    assert deleted == ["DELETE /me/events/o1"] * (len(answers) - 1)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(204), Pushed),
        (refusal(404), Gone),
        (refusal(412), Moved),
        (refusal(403, "ErrorAccessDenied"), ReadOnly),
        (failure("broken", may_have_arrived=True), Unknown),
    ],
)
async def test_every_answer_to_a_deletion_means_one_thing(answer: Reply | Failure, kind: type) -> None:
    script = Script(answer)
    assert isinstance(await pushed(script, None, id="i1", etag='W/"1"'), kind)
    assert script.asked[0].headers["if-match"] == 'W/"1"'
