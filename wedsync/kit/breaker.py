"""A circuit breaker as a pure state machine: when what keeps failing is left alone, and when it is asked again.

Closed: everything may be tried. Open: nothing is, until a time. Half open: that time is over and one probe may go; its
success closes the breaker, its failure opens it for twice as long. Counting costs nothing while all is well: a window
of results begins with the first bad one (a failure or a slow answer) and lasts a minute.

What several share, such as the host of many endpoints, is judged by how many of them it fails, not by how often: one
broken path must not close a host to all the others. Those who share are tenants, for one of them may have as many
endpoints as it likes; and nobody's wedding day makes the others wait sooner.
"""

from typing import Final, Literal
from uuid import UUID

import msgspec

FAILURES_MAX: Final = 5
FAILURES_LIVE_MAX: Final = 2
"""In a row, while the wedding it concerns is under way: the backup must take over sooner."""
WINDOW_S: Final = 60.0
RESULTS_MIN: Final = 10
FAILED_SHARE: Final = 0.5
SLOW_S: Final = 8.0
SLOW_SHARE: Final = 0.8
OPEN_S: Final = 30.0
OPEN_MAX_S: Final = 900.0

SHARERS_MIN: Final = 2
"""So many must fail before it can be the host's fault."""
SHARERS_MAX: Final = 32
"""So many that are well are remembered, and one less that are not: with more it is not the host."""

State = Literal["closed", "open", "half_open"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One call that says something about the destination: whether it failed, and how long it took."""

    is_failure: bool
    took_s: float = 0.0

    @property
    def is_slow(self) -> bool:
        return self.took_s > SLOW_S

    @property
    def is_bad(self) -> bool:
        return self.is_failure or self.is_slow


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a destination; the default is one in good health. Times in seconds of one clock.

    `failures` in a row; `openings` in a row; `since` when the window began, with its `results`, `failed` and `slow`.
    """

    failures: int = 0
    open_until: float | None = None
    openings: int = 0
    since: float | None = None
    results: int = 0
    failed: int = 0
    slow: int = 0


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """The same of what several share: in `failing` and `well` is, of each, how its last result in the window was."""

    failures: int = 0
    open_until: float | None = None
    openings: int = 0
    since: float | None = None
    failing: tuple[UUID, ...] = ()
    well: tuple[UUID, ...] = ()


def state(breaker: Breaker | Shared, *, now: float) -> State:
    """What may be tried now."""
    if breaker.open_until is None:
        return "closed"
    return "open" if now < breaker.open_until else "half_open"


def after(breaker: Breaker, result: Result, *, now: float, failures_max: int = FAILURES_MAX) -> Breaker:
    """The breaker after one result. What was on its way when it opened changes nothing: the probe decides."""
    match state(breaker, now=now):
        case "open":
            return breaker
        case "half_open":
            return _opened(breaker, now=now) if result.is_failure else Breaker()
        case _:
            counted = _counted(breaker, result, now=now)
            return _opened(counted, now=now) if _is_too_much(counted, failures_max) else counted


def _counted(breaker: Breaker, result: Result, *, now: float) -> Breaker:
    failures = breaker.failures + 1 if result.is_failure else 0
    since = breaker.since
    if since is None or now - since >= WINDOW_S:
        if not result.is_bad:
            return Breaker()
        breaker, since = Breaker(), now
    return Breaker(
        failures=failures,
        since=since,
        results=breaker.results + 1,
        failed=breaker.failed + result.is_failure,
        slow=breaker.slow + result.is_slow,
    )


def _is_too_much(breaker: Breaker, failures_max: int) -> bool:
    if breaker.failures >= failures_max:
        return True
    if breaker.results < RESULTS_MIN:
        return False
    return breaker.failed >= FAILED_SHARE * breaker.results or breaker.slow > SLOW_SHARE * breaker.results


def _opened(breaker: Breaker, *, now: float) -> Breaker:
    openings = breaker.openings + 1
    return Breaker(failures=max(breaker.failures, 1), openings=openings, open_until=now + _pause_s(openings))


def _pause_s(openings: int) -> float:
    return min(OPEN_S * 2.0 ** min(openings - 1, 16), OPEN_MAX_S)


def after_shared(shared: Shared, *, is_failure: bool, sharer: UUID, now: float) -> Shared:
    """The shared breaker after one result of one of those who share it."""
    match state(shared, now=now):
        case "open":
            return shared
        case "half_open":
            return _opened_shared(shared, now=now) if is_failure else Shared()
        case _:
            counted = _counted_shared(shared, sharer, is_failure=is_failure, now=now)
            return _opened_shared(counted, now=now) if _is_the_hosts(counted) else counted


def _counted_shared(shared: Shared, sharer: UUID, *, is_failure: bool, now: float) -> Shared:
    failures = shared.failures + 1 if is_failure else 0
    since, failing, well = shared.since, shared.failing, shared.well
    if since is None or now - since >= WINDOW_S:
        if not is_failure:
            return Shared()
        since, failing, well = now, (), ()
    failing = tuple(one for one in failing if one != sharer)
    well = tuple(one for one in well if one != sharer)
    if is_failure:
        failing = (*failing, sharer)[-(SHARERS_MAX - 1) :]
    else:
        well = (*well, sharer)[-SHARERS_MAX:]
    return Shared(failures=failures, since=since, failing=failing, well=well)


def _is_the_hosts(shared: Shared) -> bool:
    failing, known = len(shared.failing), len(shared.failing) + len(shared.well)
    if failing < SHARERS_MIN or failing < FAILED_SHARE * known:
        return False
    return shared.failures >= FAILURES_MAX or known >= RESULTS_MIN


def _opened_shared(shared: Shared, *, now: float) -> Shared:
    openings = shared.openings + 1
    return Shared(failures=max(shared.failures, 1), openings=openings, open_until=now + _pause_s(openings))
