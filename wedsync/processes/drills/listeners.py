"""Thousands of WebSockets that join a topic and listen, as a Supabase client does, for a few microseconds a frame.

A frame is kept with the moment of its arrival, or only counted; what it says is read after the run. Pings are answered
and heartbeats sent, for the gateway cuts who is silent. Masks are zero: the protocol asks that they are there.
"""

import asyncio
import re
import resource
import socket
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import msgspec

from wedsync.processes.drills.cast import each

OPEN_PATIENCE_S = 20.0
HEARTBEAT_S = 25.0
OPENINGS_AT_ONCE = 48
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
HEARTBEAT = b'[null,"9","phoenix","heartbeat",{}]'
JOINED = b'"phx_reply",{"status":"ok"'
REFUSED = b'"phx_reply",{"status":"error"'
CHANGE = b'"postgres_changes",{'
BROADCAST = b'"broadcast",{'
POSITION = re.compile(rb'"(?:rev|id)":"(\d+):(\d+):')


class Join(msgspec.Struct, frozen=True):
    """What a socket asks for. `table` is one of the realtime tables, * for all, or empty for every event as it is."""

    topic: str
    token: str
    table: str = "*"
    has_presence: bool = False
    presence_key: str = ""

    def frame(self) -> bytes:
        config: dict[str, Any] = {
            "broadcast": {"ack": False, "self": False},
            "presence": {"enabled": self.has_presence, "key": self.presence_key},
            "postgres_changes": [{"event": "*", "schema": "public", "table": self.table}] if self.table else [],
        }
        payload = {"config": config, "access_token": self.token}
        return msgspec.json.encode(["1", "1", self.topic, "phx_join", payload])


def wedding_topic(wedding: UUID) -> str:
    return f"realtime:wedding:{wedding}"


class Listener(asyncio.Protocol):
    """One socket with one channel."""

    __slots__ = (
        "_buffer",
        "_is_open",
        "_join",
        "_transport",
        "changes",
        "frames",
        "gone",
        "joined",
        "opened_ms",
        "topic",
    )

    def __init__(self, join: Join, host: str, *, keeps: bool = False) -> None:
        """`keeps`: frames are kept from the first on; what was missed comes in one breath with the join's answer."""
        self._join: Join | None = join
        self._transport: asyncio.Transport | None = None
        self._is_open = False
        self._buffer = _handshake(join.token, host)
        self.topic = join.topic
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.opened_ms = 0.0
        self.changes = 0
        self.frames: list[tuple[int, bytes]] | None = [] if keeps else None
        """Arrivals in nanoseconds of the monotonic clock, where they are kept."""
        self.gone = asyncio.Event()
        """Closed, by whomever."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # A closed socket of ours would hold its port for a minute, and ten thousand of them all ports.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.write(self._buffer)
        self._buffer = b""

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(f"closed before it had joined {self.topic}"))

    def data_received(self, data: bytes) -> None:
        at = time.monotonic_ns()
        data = self._buffer + data if self._buffer else data
        offset = 0
        if not self._is_open:
            offset = self._opened(data)
            if not offset:
                self._buffer = data
                return
        self._buffer = self._read(data, offset, at)

    def _opened(self, data: bytes) -> int:
        """Where the frames begin, 0 while the answer to the handshake is not whole."""
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return 0
        if not data.startswith(b"HTTP/1.1 101"):
            self.joined.set_exception(ConnectionError(data[:80].decode("latin-1")))
            self.close()
            return len(data)
        self._is_open = True
        assert self._join is not None
        self.send(self._join.frame())
        self._join = None
        return end

    def _read(self, data: bytes, offset: int, at: int) -> bytes:
        """Take every whole frame; returns what is left."""
        size = len(data)
        while size - offset >= 2:
            length, start = data[offset + 1], offset + 2
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            end = start + length
            if end > size or start > size:
                break
            self._take(data[offset] & 0x0F, data[start:end], at)
            offset = end
        return data[offset:]

    def _take(self, opcode: int, payload: bytes, at: int) -> None:
        if opcode == TEXT:
            if CHANGE in payload[:120] or BROADCAST in payload[:120]:
                self.changes += 1
                if self.frames is not None:
                    self.frames.append((at, payload))
            elif not self.joined.done():
                self._answered(payload)
        elif opcode == PING:
            self.send(payload, opcode=PONG)
        elif opcode == CLOSE:
            self.close()

    def _answered(self, payload: bytes) -> None:
        if JOINED in payload:
            self.joined.set_result(None)
        elif REFUSED in payload:
            self.joined.set_exception(ConnectionError(payload[:300].decode()))

    def send(self, payload: bytes, *, opcode: int = TEXT) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._transport.write(bytes([0x80 | opcode]) + length + b"\0\0\0\0" + payload)

    def track(self) -> None:
        """Be present."""
        payload = {"type": "presence", "event": "track", "payload": {"at": "guest list"}}
        self.send(msgspec.json.encode(["1", "2", self.topic, "presence", payload]))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _handshake(token: str, host: str) -> bytes:
    return (
        f"GET /realtime/v1/websocket?apikey={token}&vsn=2.0.0 HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


async def open_one(port: int, join: Join, *, keeps: bool = False) -> Listener:
    """Open a socket and join; `opened_ms` is how long both took. Raises OSError or TimeoutError."""
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(OPEN_PATIENCE_S):
        made = Listener(join, f"127.0.0.1:{port}", keeps=keeps)
        _, listener = await loop.create_connection(lambda: made, "127.0.0.1", port)
        await listener.joined
    listener.opened_ms = (time.perf_counter() - began) * 1000
    return listener


def permit_many() -> None:
    """As many sockets as this process may ever have: what a shell gives it is often a thousand."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@asynccontextmanager
async def listening(port: int, joins: Sequence[Join]) -> AsyncIterator[list[Listener]]:
    """Open all of them, a few at a time, and keep them alive meanwhile."""
    permit_many()
    listeners: list[Listener] = []

    async def open_next(join: Join) -> None:
        listeners.append(await open_one(port, join))

    try:
        await each(open_next, joins, at_once=OPENINGS_AT_ONCE)
        beating = asyncio.create_task(_beat(listeners))
        try:
            yield listeners
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
    finally:
        for listener in listeners:
            listener.close()
        # The transports close in the next turns of the loop.
        await asyncio.sleep(0.05)


async def _beat(listeners: Sequence[Listener]) -> None:
    """Heartbeats at an even pace, each socket every 25 seconds."""
    turn = 0
    while True:
        for listener in listeners[turn::250]:
            listener.send(HEARTBEAT)
        turn = (turn + 1) % 250
        await asyncio.sleep(HEARTBEAT_S / 250)


def lost(listeners: Sequence[Listener]) -> int:
    """How many were closed by the other side."""
    return sum(listener.gone.is_set() for listener in listeners)


def seq_of(frame: bytes) -> int:
    """The position of a change in its stream."""
    found = POSITION.search(frame)
    if found is None:
        raise ValueError(f"a change without a position: {frame[:300]!r}")
    return int(found[2])
