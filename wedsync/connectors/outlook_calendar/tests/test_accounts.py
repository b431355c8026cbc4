"""Calendars that are listed, subscriptions that are asked for, and rules at their edges: what Graph may answer."""

from datetime import date, timedelta
from typing import Any

import pytest

from wedsync.connections.calendars.contract import Watch, Watching
from wedsync.connections.calendars.event import Days
from wedsync.connections.contract import Delivered, Outcome, ReconnectNeeded, RetryLater, Unknown
from wedsync.connectors.outlook_calendar import connector as connectors
from wedsync.connectors.outlook_calendar.recurrence import Unholdable, same, to_lines, to_recurrence
from wedsync.connectors.outlook_calendar.tests.scripted import (
    BASE,
    HELD,
    NOW,
    Script,
    connector,
    failure,
    refusal,
    reply,
)
from wedsync.connectors.outlook_calendar.tests.staged import timed
from wedsync.kit.http import Failure, Reply

ZONE = reply(200, {"value": "W. Europe Standard Time"})


def book(id: str) -> dict[str, Any]:
    return {"id": id, "name": id.upper(), "canEdit": True}


def page(*items: Any, link: str = "") -> Reply:
    return reply(200, {"value": list(items), **({"@odata.nextLink": link} if link else {})})


async def calendars(script: Script) -> Any:
    return await connector(script).calendars(HELD, timeout_s=5)


async def test_calendars_come_on_pages_in_the_zone_of_the_mailbox() -> None:
    script = Script(
        ZONE, page(book("a"), {"name": "no id"}, "nothing", link=f"{BASE}/me/calendars?$skip=1"), page(book("b"))
    )
    found = await calendars(script)
    assert [(one.id, one.zone, one.is_writable) for one in found] == [
        ("a", "Europe/Berlin", True),
        ("b", "Europe/Berlin", True),
    ]
    assert script.asked[2].url == f"{BASE}/me/calendars?$skip=1"


async def test_pages_of_calendars_without_end_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors, "CALENDAR_PAGES_MAX", 2)
    again = page(book("a"), link=f"{BASE}/me/calendars?$skip=1")
    assert [one.id for one in await calendars(Script(ZONE, again, again))] == ["a", "a"]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((ZONE, refusal(503)), RetryLater),
        ((ZONE, refusal(403)), ReconnectNeeded),
        ((ZONE, reply(200, b"[")), RetryLater),
        ((ZONE, page(book("a"), link="https://evil.example/x")), RetryLater),
        ((refusal(429),), RetryLater),
        ((refusal(401),), ReconnectNeeded),
    ],
)
async def test_calendars_are_told_all_or_not(answers: tuple[Reply, ...], kind: type) -> None:
    script = Script(*answers)
    assert isinstance(await calendars(script), kind)
    assert script.left == []


@pytest.mark.parametrize("zone", [refusal(403), refusal(404), reply(200, {"value": "tzone://Microsoft/Custom"})])
async def test_a_mailbox_without_a_zone_to_be_named_has_utc(zone: Reply) -> None:
    (found,) = await calendars(Script(zone, page(book("a"))))
    assert found.zone == "UTC"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ({"mail": "a@x.example", "displayName": "A"}, "a@x.example"),
        ({"userPrincipalName": "u@x.example", "mail": None}, "u@x.example"),
        ({"displayName": "A"}, "A"),
        ({}, ""),
    ],
)
async def test_an_account_is_called_by_the_best_name_it_has(said: dict[str, Any], title: str) -> None:
    found: Any = await connector(Script(reply(200, {"id": "1", **said}))).account(HELD, timeout_s=5)
    assert (found.id, found.title) == ("1", title)


async def test_an_account_without_an_id_is_none() -> None:
    assert isinstance(await connector(Script(reply(200, {"mail": "a"}))).account(HELD, timeout_s=5), RetryLater)


def watch(days: float = 1) -> Watch:
    return Watch(
        calendar="c1", id="w", token="t", address="https://us.example/d", expires_at=NOW + timedelta(days=days)
    )


ENDS = "2027-01-06T12:00:00Z"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(201, {"id": "s1", "expirationDateTime": ENDS}), Watching),
        (reply(201, {"id": "s1", "expirationDateTime": "2027-01-06T12:00:00"}), Watching),
        (reply(201, {"expirationDateTime": ENDS}), Unknown),
        (reply(201, {"id": "s1"}), Unknown),
        (reply(201, {"id": "s1", "expirationDateTime": "soon"}), Unknown),
        (reply(201, b"{"), Unknown),
        (refusal(400, "ValidationError"), RetryLater),
        (refusal(403), ReconnectNeeded),
        (refusal(503), RetryLater),
        (failure("timeout", may_have_arrived=True), Unknown),
    ],
)
async def test_every_answer_to_a_subscription_means_one_thing(answer: Reply | Failure, kind: type) -> None:
    found = await connector(Script(answer)).watch(watch(), HELD)
    assert isinstance(found, kind), found
    if isinstance(found, Watching):
        assert (found.id, found.expires_at) == ("s1", NOW + timedelta(days=1))


async def test_a_subscription_that_is_gone_is_made_anew_and_given_up_without_a_word() -> None:
    held = Watching(id="s/0", expires_at=NOW)
    script = Script(refusal(404), reply(201, {"id": "s1", "expirationDateTime": ENDS}))
    found = await connector(script).renew(held, watch(), HELD)
    assert isinstance(found, Watching)
    assert script.said == ["PATCH /subscriptions/s%2F0", "POST /subscriptions"]
    outcomes: list[Outcome] = [
        await connector(Script(answer)).unwatch("c1", held, HELD) for answer in (reply(204), refusal(404), refusal(503))
    ]
    assert [type(one) for one in outcomes] == [Delivered, Delivered, RetryLater]


def pattern(**said: Any) -> dict[str, Any]:
    return {"pattern": {"interval": 1, **said}, "range": {"type": "noEnd", "startDate": "2027-01-31"}}


NOON = timed("2027-01-31T12:00:00", "2027-01-31T13:00:00")


@pytest.mark.parametrize(
    ("rule", "start", "day"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2027-01-31", 31),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2027-02-28", 31),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "2027-01-30", 30),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1", "2027-02-28", 29),
        ("FREQ=MONTHLY;BYMONTHDAY=28", "2027-01-28", 28),
    ],
)
def test_the_last_days_of_a_month_are_said_either_way(rule: str, start: str, day: int) -> None:
    times = timed(f"{start}T12:00:00", f"{start}T13:00:00")
    made, _ = to_recurrence((f"RRULE:{rule}",), times)
    assert made is not None
    assert made["pattern"]["dayOfMonth"] == day
    assert to_lines(made, times, ()) == (f"RRULE:{rule}",)


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2027-01-30"),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "2027-01-29"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2027-01-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "2027-01-30"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;BYSETPOS=1", "2027-01-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=12", "2027-01-13"),
    ],
)
def test_a_day_that_outlook_would_take_otherwise_is_refused(rule: str, start: str) -> None:
    with pytest.raises(Unholdable):
        to_recurrence((f"RRULE:{rule}",), timed(f"{start}T12:00:00", f"{start}T13:00:00"))


def test_days_left_out_of_a_series_of_whole_days_are_days() -> None:
    weekly = pattern(type="weekly", daysOfWeek=["sunday"])
    days = Days(on="2027-01-31", until="2027-02-01")
    made = to_lines(weekly, days, [date(2027, 2, 7)])
    assert made == ("RRULE:FREQ=WEEKLY;BYDAY=SU", "EXDATE;VALUE=DATE:20270207")
    assert to_recurrence(made, days)[1] == frozenset([date(2027, 2, 7)])
    assert same(to_recurrence(made, days)[0], weekly)
    assert not same(None, weekly)
    assert same(None, {})
    assert to_lines(weekly, NOON, ()) == ("RRULE:FREQ=WEEKLY;BYDAY=SU",)
