"""The public page says what is so, in five words, and never more than is known."""

from datetime import UTC, datetime, timedelta

import pytest

from wedsync.operations.status import model
from wedsync.operations.status.pages import percent

NOW = datetime(2027, 6, 5, 15, tzinfo=UTC)


def facts(*parts: tuple[str, model.Judged], ago_s: float = 20) -> model.Facts:
    return model.Facts(
        now=NOW,
        machine_now=NOW,
        judged_at=NOW - timedelta(seconds=ago_s),
        parts=[model.PartState(part=part, status=status, since=NOW) for part, status in parts],
        days=[],
        announcements=[],
    )


def state(area: str, *parts: tuple[str, model.Judged], ago_s: float = 20) -> model.State:
    found = model.status(facts(*parts, ago_s=ago_s))
    return next(one.state for one in found.areas if one.name == area)


@pytest.mark.parametrize(
    ("area", "part", "status", "says"),
    [
        ("pages", "process web", "bad", "down"),
        ("pages", "answers web", "look", "slow"),
        ("pages", "pool web", "bad", "partly"),
        ("screens", "process gateway", "bad", "down"),
        ("screens", "answers screens", "bad", "partly"),
        ("deliveries", "queue critical", "bad", "down"),
        ("deliveries", "queue low", "bad", "works"),
        ("deliveries", "deliveries webhook", "bad", "works"),
        ("phones", "deliveries twilio", "bad", "partly"),
        ("accounts", "accounts google_calendar", "bad", "partly"),
        ("accounts", "accounts google_calendar", "look", "works"),
        ("mail", "mail resend", "look", "works"),
    ],
)
def test_each_part_is_told_as_people_meet_it(area: str, part: str, status: model.Judged, says: str) -> None:
    assert state(area, (part, status)) == says


def test_all_who_stand_in_for_each_other_must_be_down() -> None:
    assert state("mail", ("mail resend", "bad"), ("mail smtp", "good")) == "works"
    assert state("mail", ("mail resend", "bad"), ("mail smtp", "bad")) == "down"


def test_what_was_not_judged_lately_is_not_known() -> None:
    assert state("pages", ("process web", "good"), ago_s=121) == "unknown"


def test_a_share_is_never_rounded_up_to_all_of_it() -> None:
    assert percent(0.999999) == "99.999 %"
    assert percent(1.0) == "100 %"
