"""An HTTP client for loads: raw connections that stay open and requests made beforehand.

A closed loop asks again as soon as it is answered and finds the most that is served. An open loop asks when it is time,
answered or not, and counts waiting from when it was due: a server that stalls cannot slow the question down.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import httptools
import msgspec

TIMEOUT_S = 20.0
PACE_S = 0.002
"""Timers of uvloop tick in milliseconds; a shorter sleep is a busy loop."""


class Answer(msgspec.Struct, frozen=True):
    """What came back; status 0 where nothing did."""

    status: int
    body: bytes = b""

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 400


class Load(msgspec.Struct):
    """What a load met: how long each call took, from when it was due, and what failed."""

    took_ms: list[float] = []
    seconds: float = 0.0
    statuses: dict[int, int] = {}

    def note(self, answer: Answer, took_ms: float) -> None:
        self.took_ms.append(took_ms)
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1

    @property
    def errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 400)

    @property
    def per_s(self) -> float:
        return (len(self.took_ms) - self.errors) / self.seconds


def request(
    method: str,
    path: str,
    *,
    token: str = "",
    cookie: str = "",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of a request; `body` is sent as JSON unless it is bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if cookie:
        lines += [f"Cookie: wedsync_session={cookie}", "Sec-Fetch-Site: same-origin"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    content = b""
    if body is not None:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        if not isinstance(body, bytes):
            lines.append("Content-Type: application/json")
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


class Connection(asyncio.Protocol):
    """One connection: one call at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._waiting: asyncio.Future[Answer] | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def call(self, content: bytes) -> Answer:
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(content)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._waiting
        except TimeoutError:
            self.close()
            return Answer(0)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._answer(Answer(0))

    def on_message_begin(self) -> None:
        self._body = []

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._body))
        if not self._parser.should_keep_alive():
            self.close()
        self._parser = httptools.HttpResponseParser(self)
        self._answer(answer)

    def _answer(self, answer: Answer) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)


class Caller:
    """Connections to one port, lent to whoever calls; who finds none free waits."""

    def __init__(self, port: int, size: int) -> None:
        self._port = port
        self._free: asyncio.LifoQueue[Connection | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._free.put_nowait(None)

    async def call(self, content: bytes) -> Answer:
        """Send it over a connection, opening one where the last one was closed."""
        connection = await self._free.get()
        try:
            if connection is None or not connection.is_open:
                connection = await self._open()
            return await connection.call(content)
        finally:
            self._free.put_nowait(connection)

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, "127.0.0.1", self._port))[1]

    def close(self) -> None:
        while not self._free.empty():
            connection = self._free.get_nowait()
            if connection is not None:
                connection.close()


@asynccontextmanager
async def calling(port: int, size: int) -> AsyncIterator[Caller]:
    caller = Caller(port, size)
    try:
        yield caller
    finally:
        caller.close()


async def closed_loop(caller: Caller, make: Callable[[], bytes], *, at_once: int, seconds: float) -> Load:
    """So many who ask again as soon as they are answered."""
    load, began = Load(), time.perf_counter()

    async def ask() -> None:
        while (at := time.perf_counter()) - began < seconds:
            answer = await caller.call(make())
            load.note(answer, (time.perf_counter() - at) * 1000)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(ask())
    load.seconds = time.perf_counter() - began
    return load


async def open_loop(caller: Caller, make: Callable[[], bytes], *, per_s: float, seconds: float) -> Load:
    """So many calls a second, however long each takes."""
    load = Load()

    async def ask(due: float) -> None:
        answer = await caller.call(make())
        load.note(answer, (time.perf_counter() - due) * 1000)

    load.seconds = await paced(ask, per_s=per_s, seconds=seconds)
    return load


async def paced(work: Callable[[float], Awaitable[None]], *, per_s: float, seconds: float) -> float:
    """Start work so often a second, each told when it was due, and wait for all of it; returns how long it took."""
    began, started = time.perf_counter(), 0
    async with asyncio.TaskGroup() as group:
        while started < seconds * per_s:
            elapsed = time.perf_counter() - began
            while started < min(elapsed, seconds) * per_s:
                group.create_task(_awaited(work(began + started / per_s)))
                started += 1
            await asyncio.sleep(PACE_S)
    return time.perf_counter() - began


async def _awaited(work: Awaitable[None]) -> None:
    await work
