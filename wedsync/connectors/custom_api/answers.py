"""What the answers of an API that we know only by its description mean in the words of the contract.

Nothing of an answer's body is kept: bodies are couples and money.
"""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Outcome, ReconnectNeeded, Rejected, RetryLater
from wedsync.connections.records.answers import tried, written
from wedsync.connections.records.contract import Gone, ReadOnly
from wedsync.kit.http import Failure, Reply
from wedsync.kit.oauth import TokenError


class Whole(msgspec.Struct, frozen=True):
    """An answer that came whole and is JSON."""

    value: Any


def read(exchange: Reply | Failure, *, now: datetime) -> Whole | Gone | Outcome:
    """The answer of a call that changes nothing."""
    if isinstance(exchange, Reply) and 200 <= exchange.status < 300 and exchange.ending == "whole":
        try:
            return Whole(msgspec.json.decode(exchange.body))
        except (msgspec.DecodeError, UnicodeDecodeError):
            reason = "The API answered 200 with something that is not JSON."
            return RetryLater(reason=reason, attempt=tried(exchange))
    if isinstance(exchange, Reply) and exchange.status in (404, 410):
        return Gone(attempt=tried(exchange))
    return trouble(exchange, now=now)


def wrote(exchange: Reply | Failure, *, now: datetime) -> Gone | ReadOnly | Outcome | None:
    """The same of a call that changes something; None: it did."""
    only_reads = {status: f"The API answered {status} to a change: this key only reads." for status in (403, 405)}
    return written(exchange, only_reads=only_reads, trouble=partial(trouble, now=now))


def trouble(exchange: Reply | Failure, *, now: datetime) -> Outcome:
    """What to do about an answer that is not what was asked for."""
    attempt = tried(exchange)
    if isinstance(exchange, Failure):
        return replies.no_answer(exchange, attempt)
    if exchange.status < 300:
        return RetryLater(reason="The API's answer broke off.", attempt=attempt)
    if exchange.status < 400:
        reason = f"The API answered {exchange.status}: it has moved. Describe it by its new address."
        return ReconnectNeeded(reason=reason, attempt=attempt)
    if replies.is_passing(exchange.status):
        after_s = replies.retry_after_s(exchange.headers, now=now)
        return RetryLater(reason=f"The API answered {exchange.status}: not now.", after_s=after_s, attempt=attempt)
    if exchange.status in (401, 403):
        reason = f"The API answered {exchange.status}: it does not let us in. Look at the key and at how it is sent."
        return ReconnectNeeded(reason=reason, attempt=attempt)
    return Rejected(reason=f"The API answered {exchange.status}.", attempt=attempt)


def untold(error: TokenError) -> Outcome:
    """There is no token to call with."""
    if error.is_passing:
        return RetryLater(reason=str(error), is_ours=error.is_ours, is_unasked=True)
    return ReconnectNeeded(reason=str(error))
