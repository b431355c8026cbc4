"""What a venue system's answers mean in the words of the contract.

Nothing of a body is kept, and what a system says went wrong is not repeated: it may quote a couple.
"""

from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Outcome, ReconnectNeeded, Rejected, RetryLater
from wedsync.connections.records.answers import tried, understood, written
from wedsync.connections.records.contract import Gone, Moved, ReadOnly
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
ONLY_READS: Final = "The booking system lets this key only read. Give us one that may write, or choose to only read."
KEY: Final = "The booking system does not know this key any more. Make a new one there, and connect again."


def read(exchange: Reply | Failure, kind: type[Read], *, now: datetime) -> Read | Gone | Outcome:
    """The answer of a call that changes nothing, understood; or what is to be done."""
    return understood(exchange, kind, partial(trouble, now=now))


def wrote(exchange: Reply | Failure, *, now: datetime) -> Gone | Moved | ReadOnly | Outcome | None:
    """The same of a call that changes something; None: it did."""
    if isinstance(exchange, Reply) and exchange.status == 412:
        return Moved(reason="The booking was changed there meanwhile.", attempt=tried(exchange))
    return written(exchange, only_reads=dict.fromkeys((403, 405), ONLY_READS), trouble=partial(trouble, now=now))


def trouble(exchange: Reply | Failure, *, now: datetime) -> Outcome:
    """What to do about an answer that is not what was asked for."""
    attempt = tried(exchange)
    if isinstance(exchange, Failure):
        return replies.no_answer(exchange, attempt)
    if exchange.status < 300:
        reason = "The booking system's answer broke off, or is not as the venue API has it."
        return RetryLater(reason=reason, attempt=attempt)
    if replies.is_passing(exchange.status):
        after_s = replies.retry_after_s(exchange.headers, now=now)
        reason = f"The booking system answered {exchange.status}: not now."
        return RetryLater(reason=reason, after_s=after_s, attempt=attempt)
    if exchange.status in (401, 403):
        return ReconnectNeeded(reason=KEY, attempt=attempt)
    if exchange.status in (404, 410) or exchange.status < 400:
        return nowhere(attempt)
    return Rejected(reason=f"The booking system answered {exchange.status}.", attempt=attempt)


def nowhere(attempt: Attempt) -> RetryLater:
    """There is no such API at this address, at least not now."""
    reason = "The booking system has no venue API at this address. Check the address."
    return RetryLater(reason=reason, tries_max=replies.SHORT_LADDER, attempt=attempt)
