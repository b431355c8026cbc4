"""Plans of journeys: what a moved date moves, what is never taken twice, what rests around a wedding; by Hypothesis."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.journeys import model, planning, starters
from wedsync.journeys.model import Lane, Step, When
from wedsync.journeys.planning import Anchors, Planned, Taken
from wedsync.kit.errors import Refusal

ON = date(2027, 6, 5)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ZONES = ("Europe/London", "Pacific/Auckland", "Pacific/Honolulu", "America/New_York")


def anchors(on: date | None = ON, zone: str = "Europe/London", **more: Any) -> Anchors:
    end = None if on is None else datetime.combine(on + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    known = {"on": on, "first_on": on, "last_on": on, "ended_at": end}
    return Anchors(**{"zone": zone, "booked_at": NOON, "began_at": NOON, **known, **more})


def planned(steps: list[Step], at: Anchors, now: datetime = NOON, **more: Any) -> list[Planned]:
    given: dict[str, Any] = {"since": NOON, "taken": {}, "reached": {}, **more}
    return planning.plan(steps, at, now=now, **given)


def mail(key: str, anchor: Any = "wedding", days: int = 0, at: str = "", **more: Any) -> Step:
    when = When(anchor=anchor, days=days, at=at)
    return Step(key=key, kind="mail", title=key, subject="s", words="w", when=when, **more)


whens = st.builds(
    When,
    anchor=st.sampled_from(["booking", "wedding", "end", "before"]),
    days=st.integers(-200, 200),
    at=st.sampled_from(["", "00:30", "02:30", "10:00", "23:59"]),
)
kinds = st.sampled_from(["mail", "text", "task", "review", "wait", "form", "webhook"])


@st.composite
def journeys(draw: Any) -> list[Step]:
    made = draw(st.lists(st.tuples(kinds, whens, st.booleans(), st.sampled_from(["skip", "now"])), max_size=7))
    return [
        Step(
            key=f"s{n}",
            kind=kind,
            title="t",
            when=when,
            late=late,
            is_marketing=kind == "review" or (sells and kind in model.SPOKEN),
            days_max=draw(st.integers(1, 60)) if kind == "wait" else 0,
        )
        for n, (kind, when, sells, late) in enumerate(made)
    ]


def lived(steps: list[Step], at: Anchors, until: datetime, taken: dict[str, Taken]) -> list[tuple[str, datetime]]:
    """Whoever looks when `next_at` says, and takes what is due: what was taken when."""
    log: list[tuple[str, datetime]] = []
    now = NOON
    for _ in range(100):
        found = planned(steps, at, now, taken=taken)
        ready = planning.due(found, now)
        if ready is not None and ready.due_at is not None:
            taken[ready.key] = Taken(due_at=ready.due_at, done_at=now)
            log.append((ready.key, now))
            continue
        following = planning.next_at(found)
        if following is None or following > until:
            return log
        now = following
    raise AssertionError("a journey without an end")


@settings(max_examples=30, deadline=None)
@given(journeys(), st.sampled_from(ZONES), st.integers(0, 300), st.integers(-250, 250))
def test_a_moved_date_moves_what_was_not_taken_and_nothing_is_taken_twice(
    steps: list[Step], zone: str, days: int, moved: int
) -> None:
    taken: dict[str, Taken] = {}
    first = lived(steps, anchors(zone=zone), NOON + timedelta(days=days), taken)
    kept = dict(taken)
    there = anchors(ON + timedelta(days=moved), zone)
    again = planned(steps, there, NOON + timedelta(days=days), taken=taken)
    assert {one.key: one.due_at for one in again if one.state == "done" and one.key in kept} == {
        key: one.due_at for key, one in kept.items()
    }
    second = lived(steps, there, NOON + timedelta(days=900), taken)
    keys = [key for key, _ in (*first, *second)]
    assert len(keys) == len(set(keys))
    for step, one in zip(steps, planned(steps, there, NOON + timedelta(days=days), taken=kept), strict=True):
        is_plain = step.kind == "task" and step.late == "now" and step.when.anchor == "wedding"
        if is_plain and one.state == "planned" and not any(s.kind == "wait" for s in steps):
            hour = one.due_at.astimezone(ZoneInfo(zone)) if one.due_at else None
            assert hour is not None
            assert hour.date() == ON + timedelta(days=moved + step.when.days) or hour.strftime("%H:%M") != step.when.at


@settings(max_examples=30, deadline=None)
@given(journeys(), st.sampled_from(ZONES), st.integers(0, 3))
def test_nothing_is_sold_around_a_wedding_and_no_text_wakes_anybody(steps: list[Step], zone: str, lasts: int) -> None:
    at = anchors(zone=zone, last_on=ON + timedelta(days=lasts))
    for one, (key, now) in (
        (s, t) for t in lived(steps, at, NOON + timedelta(days=900), {}) for s in steps if s.key == t[0]
    ):
        local = now.astimezone(ZoneInfo(zone))
        if one.is_marketing:
            assert not ON - timedelta(days=2) <= local.date() <= ON + timedelta(days=lasts + 2), key
        if one.kind == "text":
            assert planning.POLITE[0] <= local.time().replace(second=0) <= planning.POLITE[1]


def test_late_waits_branches_and_why() -> None:
    steps = [
        mail("hello", "booking"),
        mail("past", days=-300),
        mail("still", days=-300, late="now"),
        Step(key="q", kind="branch", title="Details?", when=When(days=-14), milestone="final_details"),
        mail("yes", days=-10, only=Lane(step="q", answer="yes")),
        mail("no", days=-13, only=Lane(step="q", answer="no")),
        mail("album", days=-1, is_marketing=True),
        Step(key="w", kind="wait", title="Photos", when=When(anchor="end"), milestone="photos_delivered", days_max=60),
        mail("review", "before", 7, is_marketing=True),
    ]
    found = {one.key: one for one in planned(steps, anchors())}
    assert [(one.key, one.state, one.reason) for one in found.values()] == [
        ("hello", "planned", ""),
        ("past", "skipped", "past"),
        ("still", "planned", ""),
        ("q", "planned", ""),
        ("yes", "waiting", "undecided"),
        ("no", "waiting", "undecided"),
        ("album", "skipped", "around_the_day"),
        ("w", "waiting", "wait"),
        ("review", "planned", ""),
    ]
    assert found["hello"].due_at == NOON
    # Ten o'clock stays ten o'clock where the wedding is, on both sides of the change of clocks.
    assert found["q"].due_at == datetime(2027, 5, 22, 9, tzinfo=UTC)
    assert found["review"].due_at == datetime(2027, 8, 12, 9, tzinfo=UTC)
    delivered = datetime(2027, 6, 20, 18, tzinfo=UTC)
    soon = {one.key: one for one in planned(steps, anchors(), reached={"photos_delivered": delivered})}
    assert soon["review"].due_at == datetime(2027, 6, 27, 9, tzinfo=UTC)
    decided = {"q": Taken(due_at=NOON, done_at=NOON, answer="no")}
    answered = {one.key: one for one in planned(steps, anchors(), taken=decided)}
    assert (answered["yes"].reason, answered["no"].state) == ("other_answer", "planned")
    assert {one.reason for one in planned(steps[3:4], anchors(None))} == {"no_date"}
    assert {one.reason for one in planned(steps[:1], anchors(is_off=True))} == {"off"}
    # Offers after the day are only put off, and a rest makes what was due meanwhile past.
    thanks = planned([mail("thanks", "end", 1, is_marketing=True)], anchors())[0]
    assert (thanks.state, thanks.due_at) == ("held", datetime(2027, 6, 8, 9, tzinfo=UTC))
    rested = planned(
        [mail("x", days=-30)], anchors(), datetime(2027, 5, 20, tzinfo=UTC), since=datetime(2027, 5, 20, tzinfo=UTC)
    )
    assert rested[0].reason == "past"


def test_steps_are_settled_and_the_templates_are_sound() -> None:
    for one in starters.STARTERS.values():
        kept = model.settle(one.steps)
        assert len({step.key for step in kept}) == len(kept) == len(one.steps)
        assert model.settle(kept) == kept
        assert all(step.is_marketing for step in kept if step.kind == "review")
    wrong = (
        (msgspec.structs.replace(mail("a"), words="Dear {nobody}"), "steps[0].words"),
        (msgspec.structs.replace(mail("a"), subject=" "), "steps[0].subject"),
        (mail("a", only=Lane(step="b")), "steps[0].only"),
        (Step(kind="text", title="t", words="x", when=When(at="23:00")), "steps[0].when"),
        (Step(kind="review", title="t", subject="s", words="w", url="http://x"), "steps[0].url"),
        (Step(kind="wait", title="t"), "steps[0].days_max"),
        (Step(kind="branch", title="t"), "steps[0].milestone"),
        (Step(kind="webhook", title="t"), "steps[0].call"),
        (Step(kind="form", title="t"), "steps[0].form"),
    )
    for step, field in wrong:
        with pytest.raises(Refusal) as refused:
            model.settle([step])
        assert refused.value.errors[0].field == field
    with pytest.raises(Refusal):
        model.settle([mail("a"), mail("a")])
    assert model.filled("{couple}, {days_to_go} days", {"couple": "A & B", "days_to_go": "9"}) == "A & B, 9 days"
    with pytest.raises(LookupError):
        model.filled("{date}", {"date": ""})
