"""Speaks to Microsoft Graph: one call, with the headers every call needs, and what came back as far as it can be read.

Knows nothing of events. A link that Graph gives is followed on our own base address only, so that no answer can lead a
token elsewhere; and an answer's body goes into no log, for people's calendars are in it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from wedsync.connections.contract import Attempt, Connection, attempt_of
from wedsync.kit.http import Failure, Reply, Wire

PAGE_MAX: Final = 100
BODY_MAX_BYTES: Final = 16 * 1024 * 1024
PREFER: Final = (
    f'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text", odata.maxpagesize={PAGE_MAX}'
)


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
    """The calls to one base address, such as https://graph.microsoft.com/v1.0."""

    def __init__(self, wire: Wire, base_url: str) -> None:
        self._wire = wire
        self._base_url = base_url.rstrip("/")

    async def call(
        self,
        method: str,
        path: str,
        connection: Connection,
        *,
        timeout_s: float,
        body: Mapping[str, Any] | None = None,
        etag: str = "",
    ) -> Answer:
        """`path` is below the base address, its query included; `etag` makes it a condition."""
        token = next(iter(connection.secrets.get("access_token", ())), "")
        headers = {"authorization": f"Bearer {token}", "accept": "application/json", "prefer": PREFER}
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


def stamp(at: datetime) -> str:
    """An instant as Graph wants it in queries; in UTC, or its plus would be a space."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


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
