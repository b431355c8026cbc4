"""A receiver of webhooks in a process of its own: notes when each request began to arrive, and says 204.

It speaks HTTP/1.1 with keep-alive through a real parser, but keeps whole only every 500th request: what it spends on
the others is the load's cost, on the cores that are measured.

`python -m bench.receiver` tells its port on the first line. Each line `{"ask": "count"}` or `{"ask": "take"}` on
standard input is answered by one: how many have come, or everything that has, which is then forgotten.
"""

import asyncio
import time
from typing import Literal, cast

import httptools
import msgspec
import uvloop

from bench.lines import say, told

REPLY = b"HTTP/1.1 204 No Content\r\n\r\n"
ID = b"webhook-id"
SAMPLE_EVERY = 500


class Asked(msgspec.Struct, frozen=True):
    """A question on standard input."""

    ask: Literal["count", "take"]


class Sample(msgspec.Struct, frozen=True):
    """A whole request, to verify its signature afterwards."""

    path: str
    headers: dict[str, str]
    body: str


class Taken(msgspec.Struct):
    """Arrivals in nanoseconds of the monotonic clock, with their webhook-id."""

    arrivals: list[tuple[int, str]] = []
    samples: list[Sample] = []


class Receiver:
    """What has come since it was last taken."""

    def __init__(self) -> None:
        self.taken = Taken()

    def answer(self, ask: str) -> "int | Taken":
        if ask == "count":
            return len(self.taken.arrivals)
        taken, self.taken = self.taken, Taken()
        return taken


class Connection(asyncio.Protocol):
    """One connection of the sender."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._read_at = self._began_at = 0
        self._id = b""
        self._sample: tuple[list[bytes], dict[str, str], list[bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._read_at = time.monotonic_ns()
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._began_at = self._read_at
        self._id = b""
        self._sample = ([], {}, []) if len(self._receiver.taken.arrivals) % SAMPLE_EVERY == 0 else None

    def on_url(self, url: bytes) -> None:
        if self._sample is not None:
            self._sample[0].append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == ID or name.lower() == ID:
            self._id = value
        if self._sample is not None:
            self._sample[1][name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        if self._sample is not None:
            self._sample[2].append(body)

    def on_message_complete(self) -> None:
        assert self._transport is not None
        self._transport.write(REPLY)
        taken = self._receiver.taken
        if self._sample is not None:
            url, headers, body = self._sample
            taken.samples.append(Sample(b"".join(url).decode("latin-1"), headers, b"".join(body).decode()))
        taken.arrivals.append((self._began_at, self._id.decode("latin-1")))


async def main() -> None:
    receiver = Receiver()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(receiver), "127.0.0.1", 0, backlog=1024)
    say(server.sockets[0].getsockname()[1])
    async for one in told(Asked):
        say(receiver.answer(one.ask))


if __name__ == "__main__":
    uvloop.run(main())
