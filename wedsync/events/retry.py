"""When a try that failed is made again: pure decisions from what it came to, how often it was tried, and a die.

The schedule is that of Standard Webhooks with two early steps more: twelve tries over about three days. Seconds of
wedding time: the database divides them by the speed of a drill.
"""

import random
from collections.abc import Mapping
from typing import Literal

import msgspec

SCHEDULE_S = (0, 5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Before each try; the first is at once."""
TRIES_MAX = len(SCHEDULE_S)
UNSURE_TRIES_MAX = 3
"""Where a repeat might make a second thing there, three times at most: at least once stays the promise."""
JITTER = 0.2
PAUSE_MAX_S = 86_400.0
"""However long a receiver asks us to wait."""

Word = Literal["delivered", "retry_later", "reconnect_needed", "rejected", "unknown"]
State = Literal["delivered", "deferred", "parked", "dead"]


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What one try looked like, for the attempt log. Times in milliseconds; headers masked, no body of ours."""

    status: int | None = None
    detail: str = ""
    response_head: str = ""
    address: str = ""
    resolve_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None
    request_headers: Mapping[str, str] = {}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one try came to, in a connector's word.

    `after_s`: the other side asks not to be tried sooner. `tries_max`: the reason hardly passes, so after that many it
    waits for a person. `disable`: it wants no more of anything. `is_ours`: it never came as far as the other side, for
    a reason of ours; `is_unasked`: nor that, for one of whoever set it up. `is_unreachable`: there was no connection or
    no answer in time, whatever was asked. `repeat_is_safe`: sending again cannot make a second thing there.
    """

    word: Word
    reason: str = ""
    after_s: float | None = None
    tries_max: int | None = None
    disable: bool = False
    is_ours: bool = False
    is_unasked: bool = False
    is_unreachable: bool = False
    repeat_is_safe: bool = True
    exchange: Exchange = Exchange()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the job. `close`: why its destination takes no more. `rest_s`: it takes nothing for so long."""

    state: State
    reason: str = ""
    delay_s: float = 0.0
    close: str | None = None
    rest_s: float | None = None


def decide(outcome: Outcome, *, attempt: int, rng: random.Random) -> Verdict:
    """What becomes of a job after its `attempt`-th try (from 1)."""
    if outcome.word == "delivered":
        return Verdict(state="delivered", close=_wish(outcome))
    if outcome.word == "reconnect_needed":
        return Verdict(state="parked", reason=outcome.reason, close=outcome.reason or "it must be connected again")
    if outcome.disable:
        return Verdict(state="parked", reason=outcome.reason, close=_wish(outcome))
    if outcome.word == "rejected" or attempt >= _tries(outcome):
        is_for_a_person = outcome.word != "rejected" and outcome.tries_max is not None
        return Verdict(state="parked" if is_for_a_person else "dead", reason=outcome.reason)
    return Verdict(
        state="deferred",
        reason=outcome.reason,
        delay_s=pause_s(attempt, after_s=outcome.after_s, rng=rng),
        rest_s=None if outcome.after_s is None else min(outcome.after_s, PAUSE_MAX_S),
    )


def pause_s(attempt: int, *, after_s: float | None, rng: random.Random) -> float:
    """Seconds from the `attempt`-th try to the next: the schedule's within a fifth, or longer where asked for."""
    planned = SCHEDULE_S[min(attempt, TRIES_MAX - 1)] * rng.uniform(1 - JITTER, 1 + JITTER)
    return max(planned, min(after_s or 0.0, PAUSE_MAX_S))


def _tries(outcome: Outcome) -> int:
    limit = TRIES_MAX if outcome.tries_max is None else min(outcome.tries_max, TRIES_MAX)
    return min(limit, UNSURE_TRIES_MAX) if outcome.word == "unknown" and not outcome.repeat_is_safe else limit


def _wish(outcome: Outcome) -> str | None:
    if not outcome.disable:
        return None
    return outcome.reason or "The receiver asked for no more deliveries."
