"""The life of an account: whatever its provider answers, it is never stuck, and nobody's pause is undone by traffic."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections.accounts import model
from wedsync.connections.accounts.model import HEARD, Health
from wedsync.connections.contract import Delivered, ReconnectNeeded, Rejected, RetryLater, Unknown

STATES = st.sampled_from(("draft", "connecting", "active", "degraded", "needs_reconnect", "paused", "disconnected"))
OUTCOMES = st.sampled_from(
    (
        None,
        Delivered(),
        RetryLater(reason="away"),
        RetryLater(reason="our proxy", is_ours=True),
        Rejected(reason="no"),
        Unknown(reason="perhaps"),
        ReconnectNeeded(reason="401"),
    )
)
COUNTS = st.integers(0, 40)
HEALTHS = st.builds(Health, failures=COUNTS, ok=COUNTS, failed=COUNTS, is_live=st.booleans())
NOW = datetime(2027, 6, 5, 12, tzinfo=UTC)


@given(STATES, HEALTHS, OUTCOMES)
def test_what_people_decided_no_traffic_undoes(state, health, outcome) -> None:  # type: ignore[no-untyped-def]
    after = model.moved(state, health, outcome)
    if state not in HEARD:
        assert after == state
    else:
        assert after in HEARD


@given(STATES.filter(lambda s: s in HEARD), HEALTHS, OUTCOMES)
def test_only_a_provider_that_refuses_us_asks_for_a_person(state, health, outcome) -> None:  # type: ignore[no-untyped-def]
    after = model.moved(state, health, outcome)
    if after == "needs_reconnect":
        assert state == "needs_reconnect" or isinstance(outcome, ReconnectNeeded)
    if isinstance(outcome, ReconnectNeeded):
        assert after == "needs_reconnect"


@given(STATES.filter(lambda s: s in HEARD), st.lists(OUTCOMES, max_size=60), st.booleans())
def test_whatever_happened_enough_successes_make_it_active(state, outcomes, is_live) -> None:  # type: ignore[no-untyped-def]
    failures = ok = failed = 0
    for outcome in [*outcomes, *([None] * 80)]:
        said = model.sign(outcome)
        failures = 0 if said > 0 else failures + 1 if said < 0 else failures
        ok, failed = ok + (said > 0), failed + (said < 0)
        state = model.moved(state, Health(failures=failures, ok=ok, failed=failed, is_live=is_live), outcome)
    assert state == "active"


@given(STATES.filter(lambda s: s in HEARD), HEALTHS)
def test_what_is_ours_or_about_one_thing_says_nothing_of_the_account(state, health) -> None:  # type: ignore[no-untyped-def]
    for outcome in (Rejected(reason="no"), RetryLater(reason="proxy", is_ours=True)):
        assert model.moved(state, health, outcome) == state


@given(st.floats(1, 1e6), st.floats(-1e5, 1e6))
def test_a_token_is_due_before_it_ends_but_not_at_once(life_s: float, left_s: float) -> None:
    made = NOW + timedelta(seconds=left_s - life_s)
    due = model.is_due(NOW, NOW + timedelta(seconds=left_s), made)
    assert due or left_s > min(model.EARLY_S, life_s / 4) - 1e-3
    assert not (due and left_s > model.EARLY_S)
    assert not model.is_due(NOW, None, made)


def test_a_row_says_nothing_of_what_it_holds() -> None:
    held = model.Credentials(access_token="an-access-token", refresh_token="a-refresh-token", password="a-password")
    assert repr(held) == "Credentials(…)"
    assert set(held.opened) == {"access_token", "password"}
