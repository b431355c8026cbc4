"""What Workspace's answers mean in the words of the contract.

Nothing of an answer's body is kept but the type and the names of what was wrong: bodies are couples and money.
"""

from datetime import datetime
from typing import TypeVar

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import (
    Attempt,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Unknown,
    attempt_of,
)
from wedsync.connections.records.contract import Gone, ReadOnly
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
NAMES_MAX = 8


class _Error(msgspec.Struct, frozen=True):
    type: str = ""
    detail: object = None


def status_of(exchange: Reply | Failure) -> int:
    """0 where there was no answer."""
    return exchange.status if isinstance(exchange, Reply) else 0


def tried(exchange: Reply | Failure) -> Attempt:
    """For the log of what was said, without a word of the answer."""
    attempt: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="", request_headers={})
    return attempt


def read(exchange: Reply | Failure, kind: type[Read], *, now: datetime) -> Read | Gone | Outcome:
    """The answer of a call that changes nothing, understood; or what is to be done."""
    found = _decoded(exchange, kind)
    if found is not None:
        return found
    if status_of(exchange) in (404, 410):
        return Gone(attempt=tried(exchange))
    return trouble(exchange, now=now)


def wrote(exchange: Reply | Failure, *, now: datetime) -> Gone | ReadOnly | Outcome | None:
    """The same of a call that changes something; None: it did. The same values again are the same change."""
    attempt, status = tried(exchange), status_of(exchange)
    if isinstance(exchange, Failure):
        if exchange.may_have_arrived:
            return Unknown(reason=exchange.reason, repeat_is_safe=True, attempt=attempt)
        return replies.no_answer(exchange, attempt)
    if 200 <= status < 300:
        return None
    if status in (404, 410):
        return Gone(attempt=attempt)
    if status == 403:
        reason = "Workspace lets this key only read. Make one under Settings, API, that may read and write."
        return ReadOnly(reason=reason, attempt=attempt)
    return trouble(exchange, now=now)


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


def _decoded(exchange: Reply | Failure, kind: type[Read]) -> Read | None:
    if not isinstance(exchange, Reply) or not 200 <= exchange.status < 300 or exchange.ending != "whole":
        return None
    try:
        return msgspec.json.decode(exchange.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


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
