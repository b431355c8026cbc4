"""What the ends of tries say about their destinations and hosts: from breakers as they stand to breakers after.

Only what is the destination's own counts as a failure: no connection, no answer in time, 5xx. A 429 is its rate limit's
business, and an address we refuse, our own proxy, a token that we did not get, a bug of ours or a worker that stopped
says nothing about it. Of a host only silence counts: one that answers is there, whatever it says to one tenant.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from wedsync.events.retry import Outcome
from wedsync.kit import breaker
from wedsync.kit.breaker import FAILURES_LIVE_MAX, FAILURES_MAX, Breaker, Result, Shared

if TYPE_CHECKING:
    from wedsync.events.jobs import Ending

OVERRUN = frozenset({429, 502, 504})
"""The receiver, or the proxy before it, takes less than it is sent."""
TOO_MANY = 429


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A destination's breaker: the type `app.breaker` of the database, times in seconds of the clock of `now_s`."""

    destination: UUID
    now_s: float
    failures: int
    open_until: float | None
    openings: int
    since: float | None
    results: int
    failed: int
    slow: int


class HostStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A host's breaker: the type `app.host_breaker`, with the destinations whose tries have just ended. Tenants are in
    `failing` and `well`.
    """

    host: str
    destinations: list[UUID]
    now_s: float
    failures: int
    open_until: float | None
    openings: int
    since: float | None
    failing: list[UUID]
    well: list[UUID]


def sign(outcome: Outcome) -> Result | None:
    """What one try says about its destination; None where it says nothing."""
    exchange = outcome.exchange
    took_s = (exchange.total_ms or 0.0) / 1000
    if exchange.status is not None:
        return None if exchange.status == TOO_MANY else Result(is_failure=exchange.status >= 500, took_s=took_s)
    if outcome.word == "delivered":
        return Result(is_failure=False, took_s=took_s)
    if outcome.is_ours or outcome.is_unasked:
        return None
    # Without an answer, but with the time it took: the call was really made. With a short ladder it was refused by us.
    is_silence = outcome.word in ("retry_later", "unknown") and outcome.tries_max is None
    return Result(is_failure=True, took_s=took_s) if is_silence and exchange.total_ms is not None else None


def is_well(outcome: Outcome) -> bool | None:
    """Whether its owner has set the destination up so that it works; None where the try does not tell, as a bug of ours
    does not.
    """
    if outcome.word == "delivered":
        return True
    if outcome.is_unasked:
        return None if outcome.is_ours else False
    return False if outcome.exchange.status is not None or sign(outcome) is not None else None


def is_reached(outcome: Outcome) -> bool | None:
    """Whether the host answered; None where the try says nothing of it."""
    if outcome.exchange.status is not None or outcome.word == "delivered":
        return True
    return False if outcome.is_unreachable and sign(outcome) is not None else None


def hopeful(ending: "Ending") -> "Ending":
    """The end of a test. It may show that things are mended; trying what is broken makes nothing worse."""
    return msgspec.structs.replace(
        ending,
        result=None if ending.result is None or ending.result.is_bad else ending.result,
        is_reached=ending.is_reached or None,
        is_well=ending.is_well or None,
        is_overrun=False,
    )


def is_any_bad(endings: Iterable["Ending"]) -> bool:
    """Whether a breaker that is closed has something to count. A host that was silent was so to a destination."""
    return any(e.kind == "delivery" and e.result is not None and e.result.is_bad for e in endings)


def judged(
    rows: Iterable[Mapping[str, Any]], endings: Sequence["Ending"], live: Collection[UUID] = ()
) -> list[Standing]:
    """The breakers after these ends, of `rows` as they were locked; those that did not change are left out. `live`: the
    deliveries that failed while their wedding was live.
    """
    changed = []
    for row in rows:
        standing = Standing(**row)
        before = after = Breaker(
            failures=standing.failures,
            open_until=standing.open_until,
            openings=standing.openings,
            since=standing.since,
            results=standing.results,
            failed=standing.failed,
            slow=standing.slow,
        )
        for ended in endings:
            if ended.destination == standing.destination and ended.result is not None:
                after = breaker.after(after, ended.result, now=standing.now_s, failures_max=_failures_max(ended, live))
        if after != before:
            changed.append(
                Standing(destination=standing.destination, now_s=standing.now_s, **msgspec.structs.asdict(after))
            )
    return changed


def bad(endings: Iterable["Ending"]) -> list[UUID]:
    """Destinations whose hosts begin to be counted."""
    return sorted({e.destination for e in endings if e.kind == "delivery" and e.is_reached is False})


def judged_hosts(rows: Iterable[Mapping[str, Any]], endings: Sequence["Ending"]) -> list[HostStanding]:
    """The same for the hosts of these destinations."""
    changed = []
    for row in rows:
        standing = HostStanding(**row)
        before = after = Shared(
            failures=standing.failures,
            open_until=standing.open_until,
            openings=standing.openings,
            since=standing.since,
            failing=tuple(standing.failing),
            well=tuple(standing.well),
        )
        for ended in endings:
            if ended.destination in standing.destinations and ended.is_reached is not None:
                after = breaker.after_shared(
                    after, is_failure=not ended.is_reached, sharer=ended.tenant, now=standing.now_s
                )
        if after != before:
            changed.append(_standing(standing, after))
    return changed


def _standing(standing: HostStanding, after: Shared) -> HostStanding:
    return msgspec.structs.replace(
        standing,
        failures=after.failures,
        open_until=after.open_until,
        openings=after.openings,
        since=after.since,
        failing=list(after.failing),
        well=list(after.well),
    )


def _failures_max(ended: "Ending", live: Collection[UUID]) -> int:
    return FAILURES_LIVE_MAX if ended.job in live else FAILURES_MAX
