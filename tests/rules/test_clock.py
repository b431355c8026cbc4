"""The two clocks: wedding time moves in a drill, machine time never."""

from datetime import UTC, datetime, timedelta

import pytest

from wedsync.kit import clock
from wedsync.kit.clock import Clock

SATURDAY = datetime(2027, 6, 12, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _back_to_equal() -> object:
    yield
    clock.follow(None, env="production")


def test_they_are_equal_unless_one_is_moved() -> None:
    assert abs(clock.now() - clock.machine_now()) < timedelta(seconds=1)
    assert clock.machine_now().tzinfo is UTC


def test_a_moved_clock_runs_from_its_base_at_its_speed() -> None:
    moved = Clock(base=SATURDAY, set_at=datetime(2026, 1, 1, tzinfo=UTC), speed=60)
    assert moved.at(datetime(2026, 1, 1, 0, 1, tzinfo=UTC)) == SATURDAY + timedelta(hours=1)


def test_a_drill_moves_wedding_time_only() -> None:
    clock.follow(Clock(base=SATURDAY, set_at=clock.machine_now()), env="drill")
    assert clock.speed() == 1.0
    assert timedelta() <= clock.now() - SATURDAY < timedelta(seconds=1)
    assert abs(clock.machine_now() - datetime.now(tz=UTC)) < timedelta(seconds=1)
    clock.follow(None, env="drill")


@pytest.mark.parametrize("env", ["development", "staging", "production"])
def test_no_other_profile_may_move_it(env: str) -> None:
    with pytest.raises(ValueError, match="only in the profiles test and drill"):
        clock.follow(Clock(base=SATURDAY, set_at=SATURDAY), env=env)


def test_durations_never_go_back() -> None:
    assert clock.monotonic() <= clock.monotonic()
