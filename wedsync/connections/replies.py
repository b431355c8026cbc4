"""What an HTTP answer means for a delivery: one table for every connector, so that all keep the same manners."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from wedsync.connections.contract import Attempt, RetryLater
from wedsync.kit.http import Failure

RETRY_AFTER_MAX_S = 86_400.0
#: After this many tries of something that hardly passes by itself, a person has to look.
SHORT_LADDER = 3
#: No way to the other side at all, or no word from it: not one path's fault.
UNREACHABLE = frozenset({"name", "connect", "tls", "timeout"})
#: 408 and 425 ask for another try; 429 and 5xx are about the moment, not about the request (RFC 9110, RFC 8470).
PASSING = frozenset({408, 425, 429})


def is_passing(status: int) -> bool:
    """Whether the same request may well be taken later."""
    return status in PASSING or status >= 500


def retry_after_s(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds `Retry-After` asks for (a number or a date, RFC 9110 10.2.3), at most a day; None if unreadable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), RETRY_AFTER_MAX_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), RETRY_AFTER_MAX_S)


def no_answer(failure: Failure, attempt: Attempt) -> RetryLater:
    """A call without an answer, where repeating it is safe. A URL that leads inwards is not going to heal by itself."""
    return RetryLater(
        reason=failure.reason,
        tries_max=SHORT_LADDER if failure.kind == "refused" else None,
        is_ours=failure.kind == "proxy",
        is_unreachable=failure.kind in UNREACHABLE,
        attempt=attempt,
    )
