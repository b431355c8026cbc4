"""Plans as pure rules: how a limit stands, in which words, how a chart is drawn, and how a process counts."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.commerce import charts, model
from wedsync.kit.config import Settings
from wedsync.kit.meter import Meter

NUMBERS = st.integers(min_value=0, max_value=10**9)


@given(st.none() | NUMBERS, st.none() | NUMBERS)
def test_a_limit_is_open_near_reached_or_none(allowed: int | None, used: int | None) -> None:
    state = model.state(allowed, used)
    if allowed is None or used is None:
        assert state == "free"
    else:
        assert (state == "reached") == (used >= allowed)
        assert (state == "near") == (0.8 * allowed <= used < allowed)


@pytest.mark.parametrize(
    ("name", "allowed", "words"),
    [
        ("weddings", 25, "25"),
        ("weddings", None, "no limit"),
        ("sms", 0, "none"),
        ("api_calls", 150_000, "150,000"),
        ("sync_minutes", 0, "as often as it helps"),
        ("sync_minutes", 15, "every 15 minutes"),
        ("sync_minutes", 60, "every hour"),
        ("sync_minutes", 240, "every 4 hours"),
        ("history_months", 1, "a month"),
        ("history_months", 3, "3 months"),
        ("history_months", 12, "a year"),
        ("history_months", 24, "2 years"),
        ("history_months", None, "all the way"),
    ],
)
def test_what_a_plan_holds_in_words(name: model.Name, allowed: int | None, words: str) -> None:
    assert model.in_words(name, allowed) == words


def test_months_begin_anew_on_the_first() -> None:
    assert model.resets_on(date(2026, 11, 21)) == date(2026, 12, 1)
    assert model.resets_on(date(2026, 12, 31)) == date(2027, 1, 1)


@given(st.lists(NUMBERS, min_size=1, max_size=40))
def test_a_chart_holds_every_bar_and_says_its_sum(values: list[int]) -> None:
    drawn = charts.bars("Calls", [(str(place), value) for place, value in enumerate(values)], unit="calls")
    assert drawn.top >= max(values)
    assert all(0 <= bar.y <= 100 and round(bar.y + bar.height, 2) == 100 for bar in drawn.bars)
    assert all((bar.height > 0) == (bar.value > 0) for bar in drawn.bars)
    assert drawn.bars[-1].x + drawn.bars[-1].width <= drawn.width
    assert (f"{sum(values):,}" in drawn.says) == bool(sum(values))


def test_a_default_plan_bites_where_there_are_real_weddings_only() -> None:
    plans = {env: Settings(env=env).plan for env in ("development", "test", "drill", "staging", "production")}
    assert set(plans.values()) == {"studio", "free"}
    assert (plans["staging"], plans["production"]) == ("free", "free")
    assert Settings(env="development", default_plan="starter").plan == "starter"


async def test_a_batch_that_could_not_be_written_is_sent_again_as_it_was() -> None:
    meter, written, is_away = Meter(), [], True

    async def write(_: UUID, batch: int, calls: str) -> None:
        if is_away:
            raise OSError
        written.append((batch, calls))

    call: set[str] = set()
    meter.count("a", call)
    meter.count("a", call)
    meter.count("a", None)
    with pytest.raises(OSError):
        await meter.flush(write)
    meter.count("b", set())
    is_away = False
    await meter.flush(write)
    await meter.flush(write)
    assert written == [(1, '{"a":2}'), (2, '{"b":1}')]
