"""The gateway's port: one listener that reads each connection's head, gives WebSockets away and answers HTTP itself.

picows answers only upgrades, so this protocol stands in front of it with its own limits for heads, bodies and patience.
A refused handshake waits a little before it is told so: browsers see no status and try again at once.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, unquote

import httptools
import msgspec

from wedsync.events.live import Hub
from wedsync.kit.addresses import Network, block_of, client_of, is_in
from wedsync.processes.gateway_socket import Opening, hand_over

HEAD_MAX_BYTES: Final = 16 * 1024
BODY_MAX_BYTES: Final = 1024 * 1024
HEAD_TIMEOUT_S: Final = 5.0
BODY_TIMEOUT_S: Final = 10.0
KEEP_ALIVE_S: Final = 60.0
CORS: Final = (
    b"access-control-allow-origin: *\r\n"
    b"access-control-allow-headers: authorization, apikey, content-type, x-client-info, x-api-key\r\n"
    b"access-control-allow-methods: GET, POST, OPTIONS\r\n"
    b"access-control-max-age: 86400\r\n"
)
REASONS: Final[Mapping[int, bytes]] = {
    200: b"OK",
    202: b"Accepted",
    204: b"No Content",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    422: b"Unprocessable Content",
    426: b"Upgrade Required",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    503: b"Service Unavailable",
}


class Request(msgspec.Struct, kw_only=True):
    """An HTTP request, whole."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    keep_alive: bool = True
    address: str = ""
    """The client's, as our proxies say it."""

    @property
    def token(self) -> str | None:
        """The bearer token, else the key."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and token:
            return token.strip()
        return self.headers.get("apikey") or self.headers.get("x-api-key")


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer; a `body` that is no bytes is sent as JSON."""

    status: int
    body: Any = b""
    content_type: str = "application/json"
    headers: dict[str, str] = {}

    def encode(self, *, keep_alive: bool) -> bytes:
        """The bytes on the wire."""
        body = self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)
        head = [
            b"HTTP/1.1 %d %s\r\n" % (self.status, REASONS[self.status]),
            CORS,
            b"connection: %s\r\n" % (b"keep-alive" if keep_alive else b"close"),
        ]
        if self.status != 204:
            head.append(b"content-length: %d\r\n" % len(body))
        if body:
            head.append(f"content-type: {self.content_type}\r\n".encode())
        head += [f"{name}: {value}\r\n".encode() for name, value in self.headers.items()]
        return b"".join([*head, b"\r\n", body])


class Opened:
    """Connections of each address that are no sockets yet, or never will be: a head that does not come, HTTP."""

    def __init__(self, most: int, trusted: Sequence[Network] = ()) -> None:
        self.trusted = trusted
        self._most = most
        self._by_block: Counter[str] = Counter()

    def came(self, peer: str) -> bool:
        """One more; False where it is too many. A proxy of ours speaks for many."""
        block = block_of(peer)
        self._by_block[block] += 1
        return self._by_block[block] <= self._most or is_in(peer, self.trusted)

    def went(self, peer: str) -> None:
        """One less."""
        block = block_of(peer)
        self._by_block[block] -= 1
        if not self._by_block[block]:
            del self._by_block[block]


class House(Protocol):
    """What stands behind the door."""

    hub: Hub
    opened: Opened

    async def answer(self, request: Request) -> Answer:
        """An HTTP request."""

    def admit(self, request: Request) -> Opening | Answer:
        """A WebSocket handshake: let in, or refused."""


class Door(asyncio.BufferedProtocol):
    """One connection until it is known what it is; an HTTP connection to its end."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._buffer = bytearray(4096)
        self._view = memoryview(self._buffer)
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._ready: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_over = False
        self._peer = ""
        self._start()

    def _start(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._head_bytes = self._body_bytes = 0

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else ""
        if self._house.opened.came(self._peer):
            self._wait(HEAD_TIMEOUT_S)
        else:
            self._is_over = True
            transport.abort()  # type: ignore[attr-defined]  # TCP and TLS have it

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        if self._url:
            self._refuse(408, "the request did not arrive in time")
        else:
            self._transport.close()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        if self._is_over:
            return
        data = bytes(self._view[:nbytes])
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as wrapped:
            if not isinstance(wrapped.__context__, _TooLarge):
                raise
            self._refuse(wrapped.__context__.status, str(wrapped.__context__))
        except httptools.HttpParserError as error:
            self._refuse(400, f"this is no HTTP request: {error}")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over = True
        self._house.opened.went(self._peer)
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    # The parser's side

    def on_message_begin(self) -> None:
        self._start()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        # Each proxy may add a line of its own.
        had = self._headers.get(key) if key == "x-forwarded-for" else None
        self._headers[key] = f"{had},{text}" if had else text
        self._count_head(len(name) + len(value) + 4)

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_MAX_BYTES:
            raise _TooLarge(431, f"a request's head has at most {HEAD_MAX_BYTES} bytes")

    def on_headers_complete(self) -> None:
        length = self._headers.get("content-length", "0")
        if length.isdigit() and int(length) > BODY_MAX_BYTES:
            raise _TooLarge(413, f"a request's body has at most {BODY_MAX_BYTES} bytes")
        self._wait(BODY_TIMEOUT_S)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > BODY_MAX_BYTES:
            raise _TooLarge(413, f"a request's body has at most {BODY_MAX_BYTES} bytes")
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade() and self._is_websocket():
            return
        self._ready.append(self._request())
        if self._task is None and self._timer is not None:
            self._timer.cancel()
            self._task = asyncio.get_running_loop().create_task(self._answer_all())

    def _is_websocket(self) -> bool:
        return self._parser.get_method() == b"GET" and self._headers.get("upgrade", "").lower() == "websocket"

    def _request(self) -> Request:
        path, _, query = self._url.decode("latin-1").partition("?")
        return Request(
            method=self._parser.get_method().decode(),
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=self._headers,
            body=b"".join(self._body),
            keep_alive=self._parser.should_keep_alive() and not self._parser.should_upgrade(),
            address=client_of(self._peer, self._headers.get("x-forwarded-for"), self._house.opened.trusted),
        )

    # Answers

    async def _answer_all(self) -> None:
        """One request after the other; the client's bytes wait meanwhile."""
        self._transport.pause_reading()
        while self._ready:
            request = self._ready.popleft()
            answer = await self._house.answer(request)
            if self._is_over:
                return
            self._transport.write(answer.encode(keep_alive=request.keep_alive))
            if not request.keep_alive:
                self._close()
                return
        self._task = None
        self._wait(KEEP_ALIVE_S)
        self._transport.resume_reading()

    def _refuse(self, status: int, text: str) -> None:
        self._say(Answer(status, {"message": text}))

    def _say(self, answer: Answer) -> None:
        if not self._is_over:
            self._transport.write(answer.encode(keep_alive=False))
            self._close()

    def _close(self) -> None:
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self._transport.close()

    # WebSockets

    def _upgrade(self, rest: bytes) -> None:
        if not self._is_websocket():
            return
        found = self._house.admit(self._request())
        if self._timer is not None:
            self._timer.cancel()
        if isinstance(found, Answer):
            self._transport.pause_reading()
            delay = self._house.hub.options.refusal_delay_s
            self._timer = asyncio.get_running_loop().call_later(delay, self._say, found)
            return
        self._is_over = True
        self._house.opened.went(self._peer)
        hand_over(self._transport, self._house.hub, found, self._headers, rest)


class _TooLarge(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def decode_path(path: str) -> list[str]:
    """The parts of a path, unquoted."""
    return [unquote(part) for part in path.strip("/").split("/")]
