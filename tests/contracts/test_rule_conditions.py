"""Conditions mean the same to PostgreSQL as to a reader of their rows, and no value gets out of its quotes."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.engines_fixture import Database
from wedsync.subscriptions.rules import conditions
from wedsync.subscriptions.rules import quiet as quiets
from wedsync.subscriptions.rules.conditions import Condition
from wedsync.subscriptions.rules.quiet import Quiet

ASK = "select app.holds($1::text::jsonpath, $2::text::jsonb)"
# Whatever might end a literal, a pattern or a path, and letters that have two cases.
LETTERS = "aAbBzZ09 \"'\\/$@?().*+[]{}|^-_%&!\n\t\x07\x7féÉß€😀"
TEXTS = st.one_of(
    st.text(LETTERS, max_size=12),
    st.sampled_from(['" || true', '") || (1 == 1', "\\u0022", "${x}", 'a" flag "i', "a.b", "AB", "ab", "a"]),
)
NUMBERS = st.one_of(st.integers(-(10**15), 10**15), st.floats(-1e15, 1e15, allow_nan=False))
SCALARS: st.SearchStrategy[Any] = st.one_of(TEXTS, NUMBERS, st.booleans())
HELD: st.SearchStrategy[Any] = st.one_of(st.none(), SCALARS, st.lists(SCALARS, max_size=3))


@st.composite
def conditions_of(draw: st.DrawFn, held: list[Any]) -> Condition:
    """A row about `record.x` or `old_record.x`, its value often one that is there."""
    near = st.one_of(SCALARS, st.sampled_from([v for v in held if v is not None and not isinstance(v, list)] or [""]))
    # Of lists nobody is asked whether they changed: fields.py does not offer it.
    apart = {"changed"} if any(isinstance(v, list) for v in held) else set()
    operator = draw(st.sampled_from([o for o in get_args(conditions.Operator) if o not in apart]))
    field = draw(st.sampled_from(("record.x", "old_record.x")))
    if operator in conditions.VALUELESS:
        return Condition(field=field, operator=operator)
    if operator == "one_of":
        return Condition(field=field, operator=operator, value=draw(st.lists(near, min_size=1, max_size=4)))
    if operator in ("contains", "starts_with"):
        return Condition(field=field, operator=operator, value=draw(TEXTS.filter(bool)))
    return Condition(field=field, operator=operator, value=draw(near))


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Condition], dict[str, Any]]:
    new, old = draw(HELD), draw(HELD)
    fact = {"op": draw(st.sampled_from(("INSERT", "UPDATE", "DELETE"))), "record": {"x": new}, "old": {"x": old}}
    if fact["op"] == "INSERT":
        fact["old"] = None
    if fact["op"] == "DELETE":
        fact["record"] = None
    asked = draw(st.lists(conditions_of([new, old]), min_size=1, max_size=3))
    return asked, fact


def holds(condition: Condition, fact: dict[str, Any]) -> bool:
    """How a reader takes a row: any of several values will do; texts, numbers and truths are never equal."""
    image, _, name = condition.field.partition(".")
    found = values(fact["old" if image == "old_record" else image], name)
    match condition.operator:
        case "present":
            return any(v is not None for v in found) and "" not in [v for v in found if isinstance(v, str)]
        case "absent":
            return not holds(msgspec.structs.replace(condition, operator="present"), fact)
        case "changed":
            new, old = values(fact["record"], name), values(fact["old"], name)
            return fact["op"] == "UPDATE" and bool(new) and not any(same(a, b) for a in new for b in old)
        case "is_not":
            return not any(same(v, condition.value) for v in found)
        case "one_of":
            assert isinstance(condition.value, list)
            return any(same(v, one) for v in found for one in condition.value)
    return any(compares(condition.operator, v, condition.value) for v in found)


def values(image: dict[str, Any] | None, name: str) -> list[Any]:
    if image is None or name not in image:
        return []
    return image[name] if isinstance(image[name], list) else [image[name]]


def kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(type(value))
    return "text" if isinstance(value, str) else "number"


def same(one: Any, other: Any) -> bool:
    return kind(one) == kind(other) and one == other


def compares(operator: str, held: Any, value: Any) -> bool:
    if kind(held) != kind(value) or held is None or (isinstance(held, bool) and operator != "is"):
        return held == value and operator == "is" and kind(held) == kind(value)
    if operator == "contains":
        return isinstance(held, str) and value.lower() in held.lower()
    if operator == "starts_with":
        return isinstance(held, str) and held.startswith(value)
    return {"is": held == value, "greater": held > value, "less": held < value}[operator]


@pytest.fixture(scope="module")
def ask(database: Database) -> Iterator[Callable[..., Any]]:
    """One connection, asked from property tests, which are not asynchronous."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database.owner))
        yield lambda statement, *values: runner.run(connection.fetchval(statement, *values))
        runner.run(connection.close())


@settings(max_examples=250, deadline=None)
@given(questions())
def test_the_database_reads_conditions_as_people_do(
    ask: Callable[..., Any], question: tuple[list[Condition], dict[str, Any]]
) -> None:
    asked, fact = question
    assume(not any(conditions.fault(condition) for condition in asked))
    text = json.dumps(fact)
    expected = [holds(condition, fact) for condition in asked]
    assert [ask(ASK, path, text) for path in conditions.rows(asked)] == expected
    assert ask(ASK, conditions.compiled(asked), text) == all(expected)


@settings(max_examples=120, deadline=None)
@given(st.text(LETTERS + '"\\', max_size=30))
def test_a_value_is_one_literal_whatever_it_holds(ask: Callable[..., Any], value: str) -> None:
    """The path, written anew by PostgreSQL, holds the value as one string and nothing else of it."""
    path = conditions.compiled([Condition(field="record.x", operator="is", value=value)])
    written = ask("select $1::text::jsonpath::text", path)
    assert written == f'exists ($."record"."x"?(@ == {ask("select to_jsonb($1::text)::text", value)}))'
    assert ask(ASK, path, json.dumps({"record": {"x": value}}))
    assert not ask(ASK, path, json.dumps({"record": {"x": value + "x"}}))


def test_nothing_asked_is_always_so(ask: Callable[..., Any]) -> None:
    assert conditions.compiled([]) is None
    assert ask("select app.holds(null, '{}')")


@settings(max_examples=80, deadline=None)
@given(
    begins=st.integers(0, 47),
    ends=st.integers(0, 47),
    days=st.none() | st.lists(st.integers(1, 7), min_size=1, max_size=7, unique=True),
    minute=st.integers(0, 60 * 24 * 400),
    zone=st.sampled_from(("Europe/London", "Pacific/Auckland", "America/New_York", "UTC")),
)
def test_quiet_hours_end_when_a_clock_on_the_wall_says_so(
    ask: Callable[..., Any], begins: int, ends: int, days: list[int] | None, minute: int, zone: str
) -> None:
    """Minute by minute from any moment, over changes of summer time: the first that is not quiet."""
    words = {"zone": zone, "from": clock(begins), "until": clock(ends)} | ({"days": days} if days else {})
    quiet = msgspec.convert(words, type=Quiet)
    assume(not any(quiets.fault(quiet)))
    at = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    until = ask("select app.quiet_until($1::text::jsonb, $2)", quiets.stored(quiet), at)
    if until is None:
        assert not is_quiet(words, at)
        return
    half_hours = [at, *(moment for moment in halves(at, until) if moment < until)]
    assert all(is_quiet(words, moment) for moment in half_hours)
    assert until - at > timedelta(days=7) or not is_quiet(words, until)


def clock(half_hour: int) -> str:
    return f"{half_hour // 2:02}:{half_hour % 2 * 30:02}"


def halves(at: datetime, until: datetime) -> list[datetime]:
    first = at.replace(minute=at.minute // 30 * 30) + timedelta(minutes=30)
    return [first + timedelta(minutes=30 * n) for n in range(int((until - at) / timedelta(minutes=30)) + 1)]


def is_quiet(words: dict[str, Any], at: datetime) -> bool:
    """By the instants at which quiet hours begin and end on the days around."""
    zone = ZoneInfo(words["zone"])
    begins, ends = time.fromisoformat(words["from"]), time.fromisoformat(words["until"])
    for back in (0, 1):
        day = at.astimezone(zone).date() - timedelta(days=back)
        last = day + timedelta(days=ends <= begins)
        since, until = instant(day, begins, zone), instant(last, ends, zone)
        if since <= at < until and day.isoweekday() in words.get("days", range(1, 8)):
            return True
    return False


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A time the clocks skip is the one after them; of a time they tell twice PostgreSQL means the later."""
    local = datetime.combine(day, at, zone)
    there = local.replace(fold=1).astimezone(UTC)
    is_skipped = there.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None)
    return local.replace(fold=0).astimezone(UTC) if is_skipped else there
