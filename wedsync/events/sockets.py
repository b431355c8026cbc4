"""One connection's outgoing side without any I/O: what goes at once, what waits, what may be dropped, when it is cut.

While the transport takes everything, a frame costs one call. When it says stop, events wait here in order, critical
ones ahead of the rest; what is only a hint (a client's broadcast) is dropped and counted, and presence is told anew
afterwards. A reader that falls a megabyte behind is cut with 1013 and resumes from its confirmed position.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from wedsync.events.tokens import Claims
from wedsync.events.wire import Framing

if TYPE_CHECKING:
    from wedsync.events.channels import Channel

QUEUE_MAX_BYTES: Final = 1024 * 1024
CHANNELS_MAX: Final = 100
RATE_PER_S: Final = 50.0
BURST: Final = 200.0
BUSY_FRAMES: Final = 32
"""After so many frames a socket is pinged soon, so that little is repeated when it is lost."""

PING_EVERY_S: Final = 20.0

RESTART: Final = 1012
TRY_LATER: Final = 1013

Write = Callable[[bytes], None]


class Socket:
    """A client's connection. `text`, `binary` and `ping` write; `shut` closes with a code and a reason."""

    __slots__ = (
        "_pings",
        "address",
        "agent",
        "allowance",
        "allowed_at",
        "binary",
        "channels",
        "claims",
        "client_id",
        "denials",
        "dropped",
        "frames",
        "framing",
        "heard_at",
        "idle_since",
        "is_closed",
        "is_congested",
        "ping",
        "ping_number",
        "pinged_at",
        "queue",
        "queued_bytes",
        "shut",
        "text",
        "urgent",
        "waiters",
    )

    def __init__(
        self,
        *,
        framing: Framing,
        claims: Claims | None,
        text: Write,
        binary: Write,
        ping: Write,
        shut: Callable[[int, str], None],
        now: float,
        client_id: str = "",
        agent: str = "",
        address: str = "",
    ) -> None:
        self.framing = framing
        self.claims = claims
        self.text = text
        self.binary = binary
        self.ping = ping
        self.shut = shut
        self.client_id = client_id
        self.agent = agent
        self.address = address
        self.channels: dict[str, Channel] = {}
        self.is_congested = False
        self.is_closed = False
        self.queue: deque[tuple[Write, bytes]] | None = None
        self.urgent: deque[tuple[Write, bytes]] | None = None
        self.queued_bytes = 0
        self.dropped = 0
        self.waiters: list[asyncio.Future[None]] | None = None
        self.allowance = BURST
        self.allowed_at = now
        self.heard_at = now
        self.idle_since = now
        # Sockets that open together, as after a restart, are not pinged together.
        self.pinged_at = now - (id(self) >> 6) % int(PING_EVERY_S)
        self.ping_number = 0
        self.frames = 0
        self.denials: dict[str, int] | None = None
        self._pings: deque[tuple[bytes, float, list[tuple[Channel, int]]]] | None = None

    def send(self, frame: bytes, *, is_urgent: bool = False, write: Write | None = None) -> None:
        """An event or an answer that must arrive: at once, or in its turn."""
        write = write or self.text
        if not self.is_congested:
            write(frame)
            return
        self.wait(write, frame, is_urgent=is_urgent)

    def wait(self, write: Write, frame: bytes, *, is_urgent: bool) -> None:
        """Queue a frame behind its like; cut a reader that is too far behind."""
        if self.is_closed:
            return
        if self.queue is None or self.urgent is None:
            self.queue, self.urgent = deque(), deque()
        (self.urgent if is_urgent else self.queue).append((write, frame))
        self.queued_bytes += len(frame)
        if self.queued_bytes > QUEUE_MAX_BYTES:
            self.cut(TRY_LATER, "too slow: reconnect and resume")

    def hint(self, frame: bytes, *, write: Write | None = None) -> None:
        """A frame that may be lost: dropped and counted while the reader is behind."""
        if self.is_congested:
            self.dropped += 1
        else:
            (write or self.text)(frame)

    def pause(self) -> None:
        """The transport is full."""
        self.is_congested = True

    def resume(self) -> bool:
        """The transport has room again: write what waited. True when nothing waits any more."""
        self.is_congested = False
        while not self.is_congested and (entry := self._next()) is not None:
            self.queued_bytes -= len(entry[1])
            entry[0](entry[1])
        if self.is_congested:
            return False
        self._release()
        return True

    def _next(self) -> tuple[Write, bytes] | None:
        if self.urgent:
            return self.urgent.popleft()
        return self.queue.popleft() if self.queue else None

    def _release(self) -> None:
        self.queue = self.urgent = None
        waiters, self.waiters = self.waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    async def drained(self) -> None:
        """Return when nothing waits, or when the socket is gone."""
        while self.is_congested and not self.is_closed:
            waiter = asyncio.get_running_loop().create_future()
            self.waiters = [*(self.waiters or ()), waiter]
            await waiter

    def cut(self, code: int, reason: str) -> None:
        """Close from our side; what waits is dropped."""
        if not self.is_closed:
            self.is_closed = True
            self.queued_bytes = 0
            self._release()
            self.shut(code, reason)

    def gone(self) -> None:
        """The connection is lost, whoever ended it."""
        self.is_closed = True
        self._pings = None
        self._release()

    def spend(self, now: float) -> float:
        """Count an inbound frame; returns how many seconds to read nothing, 0 within the allowance."""
        self.allowance = min(BURST, self.allowance + (now - self.allowed_at) * RATE_PER_S) - 1
        self.allowed_at = now
        return 0.0 if self.allowance >= 0 else -self.allowance / RATE_PER_S

    def send_ping(self, now: float, positions: list[tuple["Channel", int]]) -> None:
        """Ping with a number; its pong proves that the client's stack has everything up to `positions`."""
        self.ping_number = (self.ping_number + 1) & 0xFFFFFFFF
        payload = self.ping_number.to_bytes(4, "big")
        if self._pings is None:
            self._pings = deque(maxlen=4)
        self._pings.append((payload, now, positions))
        self.pinged_at = now
        self.frames = 0
        self.ping(payload)

    def take_pong(self, payload: bytes) -> tuple[float, list[tuple["Channel", int]]] | None:
        """When the answered ping went and what it proves; None for one we did not send."""
        while self._pings:
            sent, at, positions = self._pings.popleft()
            if sent == payload:
                return at, positions
        return None

    def deny(self, topic: str) -> int:
        """Count an identical refusal; returns how many there have been."""
        if self.denials is None:
            self.denials = {}
        self.denials[topic] = self.denials.get(topic, 0) + 1
        return self.denials[topic]
