"""What Google's answers mean in the words of the contract (developers.google.com/workspace/calendar/api/guides/errors).

Nothing of an answer's body but its error's own name is kept: bodies are people's calendars.
"""

from datetime import datetime
from typing import Final, TypeVar

import msgspec

from wedsync.connections import replies
from wedsync.connections.calendars.contract import Gone, Moved, ReadOnly
from wedsync.connections.contract import (
    Attempt,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Unknown,
    attempt_of,
)
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")

#: Google says "slow down" by 403 as well as by 429.
RATES: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})
#: The access that was granted is less than what we need, or the operator's project may not use the API.
SCOPES: Final = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
PROJECT: Final = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})


class _Detail(msgspec.Struct, frozen=True):
    reason: str = ""


class _Error(msgspec.Struct, frozen=True):
    errors: tuple[_Detail, ...] = ()
    details: tuple[_Detail, ...] = ()


class _Body(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class Heard(msgspec.Struct, frozen=True):
    """An answer with its status and the names Google gives what is wrong."""

    status: int
    reasons: frozenset[str]
    attempt: Attempt

    @property
    def why(self) -> str:
        return f"Google answered {self.status}" + (f" ({', '.join(sorted(self.reasons))})" if self.reasons else "")


def heard(exchange: Reply | Failure) -> Heard:
    """Status 0 where there was no answer."""
    attempt: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
    if isinstance(exchange, Failure):
        return Heard(0, frozenset(), attempt)
    reasons = _reasons(exchange) if exchange.status >= 400 else frozenset()
    return Heard(exchange.status, reasons, msgspec.structs.replace(attempt, detail=", ".join(sorted(reasons))))


def read(exchange: Reply | Failure, kind: type[Read], *, now: datetime) -> Read | Outcome:
    """The answer of a call that changes nothing, understood; or what is to be done."""
    found = _decoded(exchange, kind)
    return trouble(exchange, now=now) if found is None else found


def wrote(exchange: Reply | Failure, kind: type[Read], *, now: datetime) -> Read | Moved | Gone | ReadOnly | Outcome:
    """The same of a call that writes an event. A repeat is always safe: ids and etags make it the same write."""
    found = _decoded(exchange, kind)
    if found is not None:
        return found
    got = heard(exchange)
    if isinstance(exchange, Failure):
        if exchange.may_have_arrived:
            return Unknown(reason=exchange.reason, repeat_is_safe=True, attempt=got.attempt)
        return replies.no_answer(exchange, got.attempt)
    if got.status < 300:
        reason = "Google took the event, but its answer could not be read."
        return Unknown(reason=reason, repeat_is_safe=True, attempt=got.attempt)
    if got.status in (409, 412):
        return Moved(reason="The event was changed in Google Calendar meanwhile.", attempt=got.attempt)
    if got.status in (404, 410):
        return Gone(attempt=got.attempt)
    if got.status == 403 and not got.reasons & (RATES | SCOPES | PROJECT):
        return ReadOnly(reason="Google lets nobody but its organizer change this event.", attempt=got.attempt)
    return trouble(exchange, now=now)


def trouble(exchange: Reply | Failure, *, now: datetime) -> Outcome:
    """What to do about an answer that is not what was asked for."""
    got = heard(exchange)
    if isinstance(exchange, Failure):
        return replies.no_answer(exchange, got.attempt)
    if got.status < 300:
        return RetryLater(reason="Google's answer broke off or could not be read.", attempt=got.attempt)
    if replies.is_passing(got.status) or got.reasons & RATES:
        after_s = replies.retry_after_s(exchange.headers, now=now)
        return RetryLater(reason=f"{got.why}: not now.", after_s=after_s, attempt=got.attempt)
    if any(reason.startswith("push.") for reason in got.reasons):
        reason = f"{got.why}: it sends no notifications to this installation's address, which must be public https."
        return Rejected(reason=reason, attempt=got.attempt)
    if got.reasons & PROJECT:
        reason = "The operator's Google project may not use the Calendar API. Switch the API on in the Google console."
        return ReconnectNeeded(reason=reason, attempt=got.attempt)
    if got.reasons & SCOPES:
        reason = "Not all access that is needed was granted. Connect again and leave every box ticked."
        return ReconnectNeeded(reason=reason, attempt=got.attempt)
    if got.status == 401:
        reason = "Google does not take our access any more. Connect Google Calendar again."
        return ReconnectNeeded(reason=reason, attempt=got.attempt)
    return Rejected(reason=f"{got.why}.", attempt=got.attempt)


def _decoded(exchange: Reply | Failure, kind: type[Read]) -> Read | None:
    """None for whatever is not the whole of a good answer."""
    if isinstance(exchange, Failure) or exchange.ending != "whole" or not 200 <= exchange.status < 300:
        return None
    try:
        return msgspec.json.decode(exchange.body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _reasons(reply: Reply) -> frozenset[str]:
    try:
        error = msgspec.json.decode(reply.body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset()
    return frozenset(one.reason for one in (*error.errors, *error.details) if one.reason)
