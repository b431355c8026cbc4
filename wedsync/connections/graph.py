"""Speaks to Microsoft Graph, for the connectors that do: one call, what came back as far as it can be read, and what it
means.

A link that Graph gives is followed on our own base address only, so that no answer can lead a token elsewhere; and an
answer's body goes into no log, for people's calendars and names are in it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

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
from wedsync.kit.http import Failure, Reply, Wire

BODY_MAX_BYTES: Final = 16 * 1024 * 1024
BUSY: Final = (409, 423)
"""Somebody else is at it just now."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `data` is {} where there is no body; None where there should be one that can be read."""

    exchange: Reply | Failure
    data: Mapping[str, Any] | None
    attempt: Attempt
    code: str = ""

    @property
    def status(self) -> int:
        """0 for no answer."""
        return self.exchange.status if isinstance(self.exchange, Reply) else 0

    @property
    def is_fine(self) -> bool:
        return 200 <= self.status < 300 and self.data is not None


class Graph:
    """The calls to one base address, such as https://graph.microsoft.com/v1.0; `prefer` goes with every one of them."""

    def __init__(self, wire: Wire, base_url: str, *, prefer: str = "") -> None:
        self._wire = wire
        self._base_url = base_url.rstrip("/")
        self._prefer = prefer

    async def call(
        self,
        method: str,
        path: str,
        token: str,
        *,
        timeout_s: float,
        body: Mapping[str, Any] | None = None,
        etag: str = "",
    ) -> Answer:
        """`path` is below the base address, its query included; `etag` makes it a condition."""
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if self._prefer:
            headers["prefer"] = self._prefer
        if body is not None:
            headers["content-type"] = "application/json"
        if etag:
            headers["if-match"] = etag
        exchange = await self._wire.request(
            method,
            self._base_url + path,
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            timeout_s=timeout_s,
            trusted=True,
            body_max_bytes=BODY_MAX_BYTES,
        )
        return _answer(exchange)

    def path_of(self, link: str) -> str | None:
        """A link of Graph's as a path below the base address; None where it leads elsewhere."""
        parts, base = urlsplit(link), urlsplit(self._base_url)
        if not parts.path.startswith(f"{base.path}/"):
            return None
        return parts.path.removeprefix(base.path) + (f"?{parts.query}" if parts.query else "")


def segment(id: str) -> str:
    """An id as one segment of a path: ids may hold slashes and signs."""
    return quote(id, safe="")


def to_outcome(answer: Answer, *, now: datetime, is_write: bool = False, signed_out: str, not_allowed: str) -> Outcome:
    """What an answer means that is not what was hoped for. `is_write`: something there may have changed by it.

    `signed_out` and `not_allowed` are told where a person has to help, after a 401 and a 403.
    """
    if isinstance(answer.exchange, Failure):
        if is_write and answer.exchange.may_have_arrived:
            return Unknown(reason=answer.exchange.reason, repeat_is_safe=True, attempt=answer.attempt)
        return replies.no_answer(answer.exchange, answer.attempt)
    if answer.status < 300:
        return _unreadable(answer, is_write)
    if is_passing(answer):
        after_s = replies.retry_after_s(answer.exchange.headers, now=now)
        return RetryLater(reason=f"Microsoft answered {answer.status}.", after_s=after_s, attempt=answer.attempt)
    if answer.status in (401, 403):
        return ReconnectNeeded(reason=signed_out if answer.status == 401 else not_allowed, attempt=answer.attempt)
    return Rejected(reason=f"Microsoft answered {answer.status} ({answer.code or 'no code'}).", attempt=answer.attempt)


def is_passing(answer: Answer) -> bool:
    """Whether the same may well be taken later."""
    return replies.is_passing(answer.status) or answer.status in BUSY


def list_of(data: Mapping[str, object] | None) -> list[Mapping[str, object]]:
    """The items of a collection; what is none of it is left out."""
    value = (data or {}).get("value")
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _answer(exchange: Reply | Failure) -> Answer:
    if isinstance(exchange, Failure):
        return Answer(exchange=exchange, data=None, attempt=attempt_of(exchange))
    data = _read(exchange)
    code = "" if exchange.status < 400 else _code(data)
    request_id = exchange.headers.get("request-id", "")
    detail = " ".join(part for part in (code, f"request-id {request_id}" if request_id else "") if part)
    attempt = msgspec.structs.replace(attempt_of(exchange), response_head="", detail=detail)
    return Answer(exchange=exchange, data=data, attempt=attempt, code=code)


def _read(reply: Reply) -> Mapping[str, Any] | None:
    if not reply.body and reply.ending == "whole":
        return {}
    try:
        data = msgspec.json.decode(reply.body) if reply.ending == "whole" else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return data if isinstance(data, dict) else None


def _code(data: Mapping[str, Any] | None) -> str:
    """Graph's word for what is wrong. Its sentence is not kept: it may quote what was sent."""
    error = (data or {}).get("error")
    code = error.get("code") if isinstance(error, dict) else error
    return code[:80] if isinstance(code, str) else ""


def _unreadable(answer: Answer, is_write: bool) -> Unknown | RetryLater:
    reason = "Microsoft's answer was cut off, or is not what it should be."
    if is_write:
        return Unknown(reason=reason, repeat_is_safe=True, attempt=answer.attempt)
    return RetryLater(reason=reason, attempt=answer.attempt)
