"""What Twilio's answers mean in the words of the contract. Its own messages quote numbers, so only codes are kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import (
    Attempt,
    Delivered,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Unknown,
    attempt_of,
)
from wedsync.connectors.twilio import taxonomy
from wedsync.kit.http import Failure, Reply

UNSURE = "It may have been taken, but Twilio's answer never came whole."


class _Made(msgspec.Struct, frozen=True):
    sid: str


class _Error(msgspec.Struct, frozen=True):
    code: int | None = None


class _Found(msgspec.Struct, frozen=True):
    messages: list[dict[str, Any]] | None = None
    calls: list[dict[str, Any]] | None = None


def sent(exchange: Reply | Failure, *, now: datetime) -> Outcome:
    """Of a text or call. Twilio has no idempotency keys: a repeat looks first whether it is there."""
    attempt = _attempt(exchange)
    if isinstance(exchange, Failure):
        if exchange.may_have_arrived:
            return Unknown(reason=UNSURE, repeat_is_safe=True, attempt=attempt)
        return replies.no_answer(exchange, attempt)
    if exchange.status >= 300:
        return _refused(exchange, attempt, now)
    if exchange.ending != "whole":
        return Unknown(reason=UNSURE, repeat_is_safe=True, attempt=attempt)
    try:
        return Delivered(remote_id=msgspec.json.decode(exchange.body, type=_Made).sid, attempt=attempt)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Unknown(reason=UNSURE, repeat_is_safe=True, attempt=attempt)


def found(exchange: Reply | Failure, *, now: datetime) -> list[Mapping[str, Any]] | Outcome:
    """A list of what was sent; what cannot be read is asked again, before anything is sent twice."""
    attempt = _attempt(exchange)
    if isinstance(exchange, Failure):
        return replies.no_answer(exchange, attempt)
    if exchange.status >= 300:
        return _refused(exchange, attempt, now)
    try:
        page = msgspec.json.decode(exchange.body, type=_Found)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return RetryLater(reason="Twilio's list could not be read.", attempt=attempt)
    return [*(page.messages or ()), *(page.calls or ())]


def _refused(reply: Reply, attempt: Attempt, now: datetime) -> Outcome:
    code = _code(reply)
    known = taxonomy.row(code)
    told: Attempt = msgspec.structs.replace(attempt, detail="" if code is None else str(code))
    why = known.reason if code in taxonomy.ERRORS else f"Twilio answered {reply.status}."
    if known.outcome == "reconnect" or reply.status == 401:
        return ReconnectNeeded(reason=taxonomy.ERRORS[20003].reason, attempt=told)
    if known.outcome == "retry" or replies.is_passing(reply.status):
        return RetryLater(reason=why, after_s=replies.retry_after_s(reply.headers, now=now), attempt=told)
    return Rejected(reason=why, attempt=told)


def _code(reply: Reply) -> int | None:
    try:
        return msgspec.json.decode(reply.body, type=_Error).code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _attempt(exchange: Reply | Failure) -> Attempt:
    kept: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
    return kept
