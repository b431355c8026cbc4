"""The one door to Valkey, which holds only what may be lost: publishing, subscribing and a client for limits.

Nothing here raises because Valkey is away. An outage is one warning, its end one line, and in between calls return at
once instead of waiting for a dead server again and again. Whoever needs to be right reads PostgreSQL.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import hiredis
import msgspec
import structlog
from valkey.asyncio import BlockingConnectionPool
from valkey.asyncio import Valkey as Client
from valkey.exceptions import ConnectionError as ServerAway
from valkey.exceptions import OutOfMemoryError, ReadOnlyError
from valkey.exceptions import TimeoutError as ServerSilent

from wedsync.kit import clock, failpoints

__all__ = ["GONE", "Client", "Outage", "Publisher", "Script", "Subscriber", "connect", "script"]

log = structlog.get_logger()

CALL_TIMEOUT_S: Final = 0.5
CONNECTIONS_MAX: Final = 8
"""Of one client; whoever comes when all are in use waits for one."""
HOLD_OFF_S: Final = 0.5
"""After a failure nothing is tried for this long."""
GATHERED_MAX: Final = 10_000
"""Items that wait for a slow server; beyond it the oldest are let go, for readers catch up from PostgreSQL anyway."""
OVERTAKES_S: Final = 0.003
"""What was gathered waits so long for the answer to a publish; a server that is near has given it by then."""
AT_ONCE_MAX: Final = 4
"""Publishes in flight of what was gathered."""
HEARTBEAT_S: Final = 5.0
RECONNECT_S: Final = (0.05, 1.0)
GONE: Final = (ServerAway, ServerSilent, ReadOnlyError, OutOfMemoryError, OSError)
"""Away, or as good as: a replica during a failover refuses writes. Any other answer of the server is a bug of ours."""


class _Prompt(BlockingConnectionPool):
    """Gives a connection at once. The look whether it still stands takes turns of the loop, and in a busy one each is
    long; one that was lost is found as it is written to, and opened anew.
    """

    async def ensure_connection(self, connection: Any) -> None:
        await connection.connect()


def connect(url: str, *, is_prompt: bool = False) -> Client:
    """A client for one loop; connections are opened when they are first needed. `is_prompt`: for what may be sent twice
    where a connection is lost meanwhile.
    """
    kind = _Prompt if is_prompt else BlockingConnectionPool
    pool = kind.from_url(
        url.replace("valkeys://", "rediss://", 1).replace("valkey://", "redis://", 1),
        socket_timeout=CALL_TIMEOUT_S,
        socket_connect_timeout=CALL_TIMEOUT_S,
        max_connections=CONNECTIONS_MAX,
        timeout=CALL_TIMEOUT_S,
        retry_on_error=[ServerAway] if is_prompt else [],
    )
    return Client.from_pool(pool)


class Outage:
    """Whether the server is away, told once when it goes and once when it is back."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.is_on = False
        self._try_again_at = 0.0

    def may_try(self) -> bool:
        return not self.is_on or clock.monotonic() >= self._try_again_at

    def failed(self, error: BaseException) -> None:
        self._try_again_at = clock.monotonic() + HOLD_OFF_S
        if not self.is_on:
            self.is_on = True
            log.warning("valkey_away", used_for=self.what, reason=f"{type(error).__name__}: {error}")

    def worked(self) -> None:
        if self.is_on:
            self.is_on = False
            log.info("valkey_back", used_for=self.what)


class Publisher:
    """Publishes, or quietly does not. One per process; `close` it in the loop that used it."""

    def __init__(self, url: str) -> None:
        self._client = connect(url, is_prompt=True)
        self._outage = Outage("publish")
        self._gathered: dict[str, list[bytes]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._overtaking: asyncio.TimerHandle | None = None
        self._empty: set[str] = set()

    @property
    def is_away(self) -> bool:
        return self._outage.is_on

    async def publish(self, channel: str, message: bytes | str) -> bool:
        """Whether the server took it. Never raises for a server that is away."""
        if not self._outage.may_try():
            return False
        try:
            async with asyncio.timeout(2 * CALL_TIMEOUT_S):
                failpoints.hit("before_publish")
                await self._client.publish(channel, message)
                failpoints.hit("after_publish")
        except GONE as error:
            self._outage.failed(error)
            return False
        self._outage.worked()
        return True

    def gather(self, channel: str, *items: bytes) -> None:
        """Send JSON items soon as one JSON array: what gathers while a publish is in flight goes with the next.

        In a loop that has much to do a publish lasts until its turn comes to read the answer, which nobody needs: what
        has waited for that a moment goes beside it. Without items an empty array is sent, beside any other: who waits
        for that would not find it among items.
        """
        waiting = self._gathered.setdefault(channel, [])
        waiting.extend(items)
        if not items:
            self._empty.add(channel)
        if len(waiting) > GATHERED_MAX:
            del waiting[: len(waiting) - GATHERED_MAX]
        if all(one.done() for one in self._sending):
            self._send()
        elif self._overtaking is None:
            self._overtaking = asyncio.get_running_loop().call_later(OVERTAKES_S, self._overtake)

    async def close(self) -> None:
        """Send what is gathered, then disconnect."""
        if self._overtaking is not None:
            self._overtaking.cancel()
        while self._sending:
            await asyncio.wait(self._sending)
        with contextlib.suppress(*GONE):
            await self._client.aclose()

    def _overtake(self) -> None:
        self._overtaking = None
        if self._gathered and len(self._sending) < AT_ONCE_MAX:
            self._send()

    def _send(self) -> None:
        task = asyncio.create_task(self._send_gathered())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_gathered(self) -> None:
        while self._gathered:
            channel, items = self._gathered.popitem()
            is_empty_too = channel in self._empty and bool(items)
            self._empty.discard(channel)
            await self.publish(channel, b"[" + b",".join(items) + b"]")
            if is_empty_too:
                await self.publish(channel, b"[]")


class Address(msgspec.Struct, frozen=True):
    """Where a subscriber connects, read from a valkey://, valkeys://, redis://, rediss:// or unix:// URL."""

    host: str
    port: int
    path: str
    username: str
    password: str
    has_tls: bool

    @classmethod
    def of(cls, url: str) -> "Address":
        parts = urlsplit(url)
        return cls(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 6379,
            path=unquote(parts.path) if parts.scheme == "unix" else "",
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            has_tls=parts.scheme in ("valkeys", "rediss"),
        )


class Subscriber:
    """Hands every message of some channels to `on_message(channel, payload)`, reconnecting for ever.

    `on_connected` is called after every subscription: what was published before it is lost, so catch up there.
    Written on hiredis directly because it costs a fifth of a general client's time per message.
    """

    def __init__(
        self,
        url: str,
        channels: Sequence[str],
        on_message: Callable[[bytes, bytes], None],
        on_connected: Callable[[], None] | None = None,
        *,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._address = Address.of(url)
        self._channels = [channel.encode() for channel in channels]
        self._on_message = on_message
        self._on_connected = on_connected
        self._heartbeat_s = heartbeat_s
        self._outage = Outage("subscribe")
        self.is_connected = False

    async def run(self) -> None:
        """Until cancelled. Raises only what `on_message` raised."""
        patience_s = RECONNECT_S[0]
        while True:
            try:
                await self._follow()
            except (OSError, hiredis.HiredisError) as error:
                patience_s = RECONNECT_S[0] if not self._outage.is_on else min(patience_s * 2, RECONNECT_S[1])
                self._outage.failed(error)
            await asyncio.sleep(patience_s)

    async def _follow(self) -> None:
        wire = _Wire(self._on_message, expected=len(self._channels))
        async with asyncio.timeout(2 * CALL_TIMEOUT_S):
            transport = await self._open(wire)
            try:
                wire.send(*self._greeting())
                await wire.subscribed
            except BaseException:
                transport.abort()
                raise
        self.is_connected = True
        self._outage.worked()
        try:
            if self._on_connected is not None:
                self._on_connected()
            await self._listen(wire)
        finally:
            self.is_connected = False
            transport.abort()

    async def _listen(self, wire: "_Wire") -> None:
        """Return never: raise when the connection ends or goes silent."""
        while True:
            heard = wire.heard
            done, _ = await asyncio.wait([wire.ended], timeout=self._heartbeat_s)
            if done:
                wire.ended.result()
                raise ConnectionResetError("the server closed the connection")
            if wire.heard == heard:
                if wire.is_waiting_for_pong:
                    raise TimeoutError(f"no word for {2 * self._heartbeat_s:.0f} s")
                wire.is_waiting_for_pong = True
                wire.send([b"PING"])

    async def _open(self, wire: "_Wire") -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        address = self._address
        if address.path:
            return (await loop.create_unix_connection(lambda: wire, address.path))[0]
        context = ssl.create_default_context() if address.has_tls else None
        return (await loop.create_connection(lambda: wire, address.host, address.port, ssl=context))[0]

    def _greeting(self) -> list[list[bytes]]:
        address = self._address
        login = [part.encode() for part in (address.username, address.password) if part]
        return [*([[b"AUTH", *login]] if login else []), [b"SUBSCRIBE", *self._channels]]


class _Wire(asyncio.Protocol):
    """One connection of a subscriber: bytes in, messages out."""

    def __init__(self, on_message: Callable[[bytes, bytes], None], *, expected: int) -> None:
        self._on_message = on_message
        self._reader = hiredis.Reader()
        self._expected = expected
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.subscribed: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.heard = 0
        self.is_waiting_for_pong = False

    def send(self, *commands: list[bytes]) -> None:
        if self._transport is not None:
            # Its stub says a tuple of one; it packs any number.
            self._transport.write(b"".join(hiredis.pack_command(tuple(c)) for c in commands))  # type: ignore[arg-type]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast and no check: uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.heard += 1
        self.is_waiting_for_pong = False
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._take(reply)
        except BaseException as error:
            self._end(error)
            raise

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionResetError("the server closed the connection"))

    def _take(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            raise ConnectionRefusedError(str(reply))
        if not isinstance(reply, list) or len(reply) < 3:
            return
        if reply[0] == b"message":
            self._on_message(reply[1], reply[2])
        elif reply[0] == b"subscribe":
            self._expected -= 1
            if self._expected == 0 and not self.subscribed.done():
                self.subscribed.set_result(None)

    def _end(self, error: BaseException) -> None:
        for future in (self.subscribed, self.ended):
            if not future.done():
                future.set_exception(error)
                # Retrieved here, so that a future nobody awaits any more is not complained about.
                future.exception()


Script = Callable[[Sequence[str], Sequence[int | str]], Awaitable[Any]]


def script(client: Client, source: str) -> Script:
    """A Lua script of the server, sent by its hash: call it with keys and arguments."""
    registered = client.register_script(source)

    async def call(keys: Sequence[str], arguments: Sequence[int | str]) -> Any:
        return await registered(keys=list(keys), args=list(arguments))

    return call
