"""How fakes of marketing providers answer a call in whatever mood they are; what they say is each provider's own."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType

from wedsync.connections.calendars import driven
from wedsync.connections.fakes import FINE, Moods, drop_connection

EXCHANGES_MAX: Final = 2000
SILENT: Final = (driven.DUPLICATE, driven.OFF)
"""Moods of hooks, not of the API."""
AnyRequest = Request[Any, Any, Any]


class ProviderError(Exception):
    """An error with the body that the provider tells it by; bytes are no JSON."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(status))
        self.status = status
        self.body = body


class Exchange(msgspec.Struct, frozen=True):
    """One call of the API as it was on the wire. No token is kept."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    answer: Any


class Answering(Protocol):
    """What a fake needs for it. `trouble` is what the provider says in a mood, None where it does what is asked."""

    moods: Moods
    exchanges: deque[Exchange]
    stopping: asyncio.Event

    @property
    def address(self) -> str: ...
    def trouble(self, mood: str) -> ProviderError | None: ...


async def answered(
    fake: Answering, request: AnyRequest, act: Callable[[Any], Any], *, code: int = 200
) -> Response[bytes]:
    """What `act` makes of the body, None is 204; or what the mood makes of it."""
    mood = FINE if fake.moods.current in SILENT else fake.moods.take()
    if mood == driven.SLOW:
        with suppress(TimeoutError):
            await asyncio.wait_for(fake.stopping.wait(), driven.SLOW_S)
    raw = await request.body()
    body = msgspec.json.decode(raw) if raw else None
    error = fake.trouble(mood)
    try:
        if error is not None:
            raise error
        answer = act(body)
        status = 204 if answer is None else code
    except ProviderError as refused:
        answer, status = refused.body, refused.status
    if not isinstance(answer, bytes):
        path = request.url.path.removeprefix(fake.address)
        fake.exchanges.append(Exchange(request.method, path, dict(request.query_params), body, status, answer))
    if mood == driven.LOST:
        drop_connection(request)
    return _told(mood, answer, status)


def _told(mood: str, answer: Any, status: int) -> Response[bytes]:
    headers: Mapping[str, str] = {"retry-after": str(driven.RETRY_AFTER_S)} if mood == driven.BUSY else {}
    if answer is None or isinstance(answer, bytes):
        return Response(answer or b"", status_code=status, headers=headers, media_type=MediaType.HTML)
    told = msgspec.json.encode(odd(answer) if mood == driven.ODD else answer)
    if mood == driven.TRUNCATED:
        told = told[: len(told) // 2]
    return Response(told, status_code=status, headers=headers, media_type=MediaType.JSON)


def odd(answer: Any) -> Any:
    """With members that nobody has heard of, all the way down."""
    if isinstance(answer, list):
        return [odd(one) for one in answer]
    if isinstance(answer, dict):
        return {**{name: odd(one) for name, one in answer.items()}, "x_nobody_knows": {"deep": [1, None, "x"]}}
    return answer
