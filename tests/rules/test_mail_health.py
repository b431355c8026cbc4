"""The health of mail providers: down only for a reason, back only by a mail or when a rest is over, whatever comes."""

from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections.contract import Attempt, Delivered, Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connections.mailing import health
from wedsync.connections.mailing.health import Health, Sign
from wedsync.kit.breaker import FAILURES_LIVE_MAX, FAILURES_MAX, Breaker, Result

NOW = 1_800_000_000.0
GOOD = Sign(result=Result(is_failure=False, took_s=0.1))
BAD = Sign(result=Result(is_failure=True, took_s=2.0), reason="No answer within 2 s.")
signs = st.sampled_from(
    [
        GOOD,
        BAD,
        Sign(),
        Sign(rest_s=7.0, reason="Answered 429."),
        Sign(rest_s=3600.0, reason="The quota is used up."),
        Sign(result=BAD.result, is_fatal=True, reason="It does not take our key."),
    ]
)
Course = list[tuple[Sign, float, bool, bool]]
steps = st.lists(st.tuples(signs, st.floats(0, 400), st.booleans(), st.booleans()), max_size=40)


def grown(course: Course) -> tuple[Health, float]:
    known, now = Health(), NOW
    for seen, after_s, is_live, is_probe in course:
        now += after_s
        known = health.after(known, seen, now=now, is_live=is_live, is_probe=is_probe)
    return known, now


@given(steps)
def test_who_is_down_is_so_for_a_reason_and_who_is_well_has_none_left(course: Course) -> None:
    known, now = grown(course)
    if health.is_down(known, now=now):
        assert known.reason
        assert any((seen.result is not None and seen.result.is_failure) or seen.rest_s for seen, *_ in course)


@given(steps)
def test_a_day_later_a_mail_that_is_taken_brings_everybody_back(course: Course) -> None:
    known, now = grown(course)
    assert health.may_try(known, now=now + 86_400)
    back = health.after(known, GOOD, now=now + 86_400)
    assert back == Health()
    assert not health.is_down(back, now=now + 86_400)


@given(steps)
def test_a_probe_that_goes_well_lets_a_mail_try_and_brings_nobody_back_by_itself(course: Course) -> None:
    known, now = grown(course)
    probed = health.after(known, GOOD, now=now, is_probe=True)
    assert health.is_down(probed, now=now) == health.is_down(known, now=now)
    if known.rest_until is None or known.rest_until <= now:
        assert health.may_try(probed, now=now)
    else:
        assert not health.may_try(probed, now=now)


def test_as_many_failures_as_a_breaker_allows_and_fewer_on_the_day_and_one_that_is_fatal() -> None:
    def failing(count: int, **more: bool) -> Health:
        known = Health()
        for _ in range(count):
            known = health.after(known, BAD, now=NOW, **more)
        return known

    assert health.may_try(failing(FAILURES_MAX - 1), now=NOW)
    assert not health.may_try(failing(FAILURES_MAX), now=NOW)
    assert not health.may_try(failing(FAILURES_LIVE_MAX, is_live=True), now=NOW)
    assert not health.may_try(failing(FAILURES_LIVE_MAX, is_probe=True), now=NOW)
    fatal = Sign(result=BAD.result, is_fatal=True, reason="x")
    assert not health.may_try(health.after(Health(), fatal, now=NOW), now=NOW)


def test_the_order_is_the_chains_without_the_ill_unless_all_are() -> None:
    ill = Health(breaker=Breaker(failures=5, openings=1, open_until=NOW + 30))
    names = ("resend", "sendgrid", "smtp")
    assert health.order(names, {}, now=NOW) == ["resend", "sendgrid", "smtp"]
    assert health.order(names, {"resend": ill}, now=NOW) == ["sendgrid", "smtp"]
    assert health.order(names, {"resend": ill}, now=NOW + 31) == ["resend", "sendgrid", "smtp"]
    assert health.order(names, dict.fromkeys(names, ill), now=NOW) == list(names)


def test_what_each_word_says_of_a_provider() -> None:
    def said(outcome: Outcome) -> tuple[bool | None, float | None, bool]:
        seen = health.sign(outcome)
        return None if seen.result is None else seen.result.is_failure, seen.rest_s, seen.is_fatal

    assert said(Delivered()) == said(Rejected(reason="x")) == (False, None, False)
    assert said(ReconnectNeeded(reason="x")) == (True, None, True)
    assert said(Unknown(reason="x")) == said(RetryLater(reason="x")) == (True, None, False)
    assert said(RetryLater(reason="our proxy", is_ours=True)) == (None, None, False)
    assert said(RetryLater(reason="x", after_s=9.0, attempt=Attempt(status=429))) == (None, 9.0, False)
    assert said(RetryLater(reason="x", attempt=Attempt(status=429))) == (None, 1.0, False)
    # A 503 with Retry-After is a provider that fails, not a limit of ours.
    assert said(RetryLater(reason="x", after_s=9.0, attempt=Attempt(status=503))) == (True, None, False)
