"""Whether a provider of mail is to be asked: a pure state from what real mails and probes came to.

A breaker counts what fails. Beside it stands a rest that the provider itself asks for: a limit of the moment, or a
quota that is used up. Who does not take our key is down at once, for no other mail will fare better. A probe that goes
well ends no rest and closes no breaker: it only lets the next mail be the test, whose success brings the provider back.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from wedsync.connections.contract import Delivered, Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.kit import breaker
from wedsync.kit.breaker import FAILURES_LIVE_MAX, FAILURES_MAX, Breaker, Result

REST_TOLD_S: Final = 600.0
"""Who rests longer is down for people; a limit of the moment is nobody's alarm."""
REASON_MAX_CHARACTERS: Final = 300
TOO_MANY: Final = 429


class Health(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is known of a provider; the default is one in good health. Seconds of the machine's clock.

    `rest_from` and `rest_until`: it asked to be left alone so long. `reason`: what was last wrong.
    """

    breaker: Breaker = Breaker()
    rest_from: float | None = None
    rest_until: float | None = None
    reason: str = ""


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """What one try says of a provider. `result` None: nothing of its health. `is_fatal`: nobody's mail will pass."""

    result: Result | None = None
    rest_s: float | None = None
    is_fatal: bool = False
    reason: str = ""

    @property
    def is_good(self) -> bool:
        return self.result is not None and not self.result.is_failure and self.rest_s is None


def sign(outcome: Outcome) -> Sign:
    """A mail that is refused for good is an answer, and so a good sign."""
    took_s = (outcome.attempt.total_ms or 0.0) / 1000
    match outcome:
        case Delivered() | Rejected():
            return Sign(result=Result(is_failure=False, took_s=took_s))
        case ReconnectNeeded(reason=reason):
            return Sign(result=Result(is_failure=True, took_s=took_s), is_fatal=True, reason=reason)
        case RetryLater(reason=reason, is_ours=True):
            return Sign(reason=reason)
        case RetryLater(reason=reason, after_s=after_s):
            is_asked = after_s is not None or outcome.attempt.status == TOO_MANY
            if is_asked and (outcome.attempt.status or 0) < 500:
                return Sign(rest_s=after_s or 1.0, reason=reason)
            return Sign(result=Result(is_failure=True, took_s=took_s), reason=reason)
        case Unknown(reason=reason):
            return Sign(result=Result(is_failure=True, took_s=took_s), reason=reason)


def after(health: Health, seen: Sign, *, now: float, is_live: bool = False, is_probe: bool = False) -> Health:
    """The health after one try. A probe that fails counts as one of a wedding day: there is no mail to ask again."""
    health = _rested(health, now=now)
    if seen.rest_s is not None:
        return msgspec.structs.replace(
            health, rest_from=now, rest_until=now + seen.rest_s, reason=seen.reason[:REASON_MAX_CHARACTERS]
        )
    if seen.result is None:
        return health
    state = breaker.state(health.breaker, now=now)
    if is_probe and not seen.result.is_failure and state != "closed":
        trial = msgspec.structs.replace(health.breaker, open_until=min(now, health.breaker.open_until or now))
        return msgspec.structs.replace(health, breaker=trial)
    failures_max = FAILURES_LIVE_MAX if is_live or is_probe else FAILURES_MAX
    judged = breaker.after(health.breaker, seen.result, now=now, failures_max=1 if seen.is_fatal else failures_max)
    reason = seen.reason[:REASON_MAX_CHARACTERS] if seen.result.is_failure else health.reason
    is_well = judged == Breaker() and health.rest_until is None
    return msgspec.structs.replace(health, breaker=judged, reason="" if is_well else reason)


def may_try(health: Health, *, now: float) -> bool:
    """Whether a mail goes there first. Half open it may: that is the test."""
    return breaker.state(health.breaker, now=now) != "open" and (health.rest_until is None or health.rest_until <= now)


def is_down(health: Health, *, now: float) -> bool:
    """What people are told. It is over when a mail has been taken, or the long rest it asked for has passed."""
    if health.breaker.open_until is not None:
        return True
    rests_on = health.rest_until is not None and health.rest_until > now
    return rests_on and (health.rest_until or 0.0) - (health.rest_from or 0.0) >= REST_TOLD_S


def order(names: Sequence[str], healths: Mapping[str, Health], *, now: float) -> list[str]:
    """Who is asked for the next mail, first to last: those that may be tried, or if nobody may, everybody."""
    well = [name for name in names if may_try(healths.get(name, Health()), now=now)]
    return well or list(names)


def _rested(health: Health, *, now: float) -> Health:
    if health.rest_until is None or health.rest_until > now:
        return health
    return msgspec.structs.replace(health, rest_from=None, rest_until=None)
