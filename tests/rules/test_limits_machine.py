"""Limits against a model that remembers every use: never more than allowed, never a refusal without need."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from wedsync.kit.limits import Bucket, LocalLimits, Window

WINDOW = Window("w", 5, 10.0)
BUCKET = Bucket("b", per_s=0.5, burst=4)
KEYS = st.sampled_from(["ana", "ben"])
SMALL = 1e-6


class Uses(RuleBasedStateMachine):
    """Two callers and a clock of whole eighths of seconds, which a float holds exactly."""

    def __init__(self) -> None:
        super().__init__()
        self.eighths = 0
        self.limits = LocalLimits(lambda: self.eighths / 8)
        self.hits: dict[str, list[int]] = {"ana": [], "ben": []}
        self.level: dict[str, tuple[float, int]] = {"ana": (4.0, 0), "ben": (4.0, 0)}

    @rule(eighths=st.integers(1, 104))
    def time_goes_by(self, eighths: int) -> None:
        self.eighths += eighths

    @rule(key=KEYS, cost=st.integers(1, 3))
    def uses_a_window(self, key: str, cost: int) -> None:
        live = [at for at in self.hits[key] if at > self.eighths - WINDOW.window_s * 8]
        may = len(live) + cost <= WINDOW.count
        decision = self.limits.hit(WINDOW, key, cost)
        assert decision.is_allowed == may
        self.hits[key] = live + [self.eighths] * cost * may
        assert decision.remaining == WINDOW.count - len(self.hits[key])

    @rule(key=KEYS, cost=st.integers(1, 3))
    def uses_a_bucket(self, key: str, cost: int) -> None:
        held, at = self.level[key]
        held = min(BUCKET.burst, held + (self.eighths - at) / 8 * BUCKET.per_s)
        decision = self.limits.hit(BUCKET, key, cost)
        assert decision.is_allowed == (held - cost >= -SMALL)
        self.level[key] = (held - cost * decision.is_allowed, self.eighths)
        assert decision.remaining == math.floor(self.level[key][0] + SMALL)

    @rule(key=KEYS)
    def who_is_refused_may_when_told(self, key: str) -> None:
        decision = self.limits.hit(WINDOW, key)
        if not decision.is_allowed:
            self.eighths += math.ceil(decision.reset_s * 8 - SMALL)
        else:
            self.hits[key] = [*self.hits[key], self.eighths]
            return
        assert self.limits.hit(WINDOW, key).is_allowed
        self.hits[key] = [*(at for at in self.hits[key] if at > self.eighths - WINDOW.window_s * 8), self.eighths]


TestUses = Uses.TestCase
TestUses.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


@pytest.mark.prove
def test_long_use() -> None:
    run_state_machine_as_test(Uses, settings=settings(max_examples=3_000, stateful_step_count=80, deadline=None))
