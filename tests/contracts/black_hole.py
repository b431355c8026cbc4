"""A way to a provider on which packets get lost: never let in, let in and never answered, or answered to nobody."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

Mode = Literal["fine", "silent", "deaf"]
FILLED = 8
"""More than a listener with the shortest of queues takes: what comes after them is dropped by the kernel."""


class Way:
    """Leads to a provider. `silent`: what comes is read and led nowhere. `deaf`: the provider is asked, and what it
    answers is lost."""

    def __init__(self, to: str) -> None:
        parts = urlsplit(to)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._led: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self.mode: Mode = "fine"
        self.url = ""

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.create_task(self._lead(reader, writer))
        self._led.add(task)
        task.add_done_callback(self._led.discard)

    async def end(self) -> None:
        for one in self._ends:
            one.close()
        await asyncio.gather(*self._led, return_exceptions=True)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        if self.mode == "silent":
            await _swallow(reader)
            writer.close()
            return
        there, out = await asyncio.open_connection(self._host, self._port)
        self._ends.add(out)
        back = _swallow(there) if self.mode == "deaf" else _copy(there, writer)
        await asyncio.gather(_copy(reader, out), back, return_exceptions=True)
        for one in (out, writer):
            one.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


async def _swallow(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(65_536):
            pass


@asynccontextmanager
async def leading(to: str) -> AsyncIterator[Way]:
    way = Way(to)
    server = await asyncio.start_server(way.take, "127.0.0.1", 0)
    way.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield way
    finally:
        server.close()
        await way.end()


@contextlib.contextmanager
def dropping() -> Iterator[str]:
    """The address of a listener whose queue is full: a packet that asks for a connection gets no answer at all."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(FILLED)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for one in (*waiting, listener):
            one.close()
