"""What Workspace's answers mean in the words of the contract.

Nothing of an answer's body is kept but the type and the names of what was wrong: bodies are couples and money.
"""

from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import (
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
)
from wedsync.connections.records.answers import tried, understood, written
from wedsync.connections.records.contract import Gone, ReadOnly
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
NAMES_MAX = 8
ONLY_READS = "Workspace lets this key only read. Make one under Settings, API, that may read and write."


class _Error(msgspec.Struct, frozen=True):
    type: str = ""
    detail: object = None


def read(exchange: Reply | Failure, kind: type[Read], *, now: datetime) -> Read | Gone | Outcome:
    """The answer of a call that changes nothing, understood; or what is to be done."""
    return understood(exchange, kind, partial(trouble, now=now))


def wrote(exchange: Reply | Failure, *, now: datetime) -> Gone | ReadOnly | Outcome | None:
    """The same of a call that changes something; None: it did."""
    return written(exchange, only_reads={403: ONLY_READS}, trouble=partial(trouble, now=now))


def nowhere() -> RetryLater:
    """A 404 to a question that has an answer in every studio."""
    return RetryLater(reason="Workspace answered 404 where its API should be.", tries_max=3)


def trouble(exchange: Reply | Failure, *, now: datetime) -> Outcome:
    """What to do about an answer that is not what was asked for."""
    attempt = tried(exchange)
    if isinstance(exchange, Failure):
        return replies.no_answer(exchange, attempt)
    error = _error(exchange)
    if exchange.status < 300:
        return RetryLater(reason="Workspace's answer broke off or could not be read.", attempt=attempt)
    if replies.is_passing(exchange.status) or error.type == "quota-limit":
        after_s = replies.retry_after_s(exchange.headers, now=now)
        return RetryLater(reason=f"Workspace answered {exchange.status}: not now.", after_s=after_s, attempt=attempt)
    if exchange.status in (401, 403):
        reason = "Workspace does not know this key any more. Make a new one under Settings, API, and connect again."
        return ReconnectNeeded(reason=reason, attempt=attempt)
    named = ", ".join(_names(error))
    reason = f"Workspace answered {exchange.status}" + (f" and does not like {named}." if named else ".")
    return Rejected(reason=reason, attempt=attempt)


def _error(reply: Reply) -> _Error:
    try:
        return msgspec.json.decode(reply.body, type=_Error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Error()


def _names(error: _Error) -> list[str]:
    """The fields that a validation error names, never what was in them."""
    detail = error.detail
    names = detail if isinstance(detail, dict) else {}
    return [str(name)[:40] for name in list(names)[:NAMES_MAX] if str(name).isidentifier()]
