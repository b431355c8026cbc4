"""One WebSocket of the gateway: picows' protocol, fed with the handshake, and its callbacks to the hub and back.

The connection comes from the door after its head was read. picows is shown a head made of nothing but what it checks:
so the token in the query never reaches its buffer, and a browser's `Connection: keep-alive, Upgrade` is fine.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # not in its list of names: the pin is exact

from wedsync.events import wire
from wedsync.events.live import Hub
from wedsync.events.sockets import Socket
from wedsync.events.tokens import Claims
from wedsync.events.wire import Framing, WireError
from wedsync.kit import clock

log = structlog.get_logger()

HANDSHAKE_TIMEOUT_S: Final = 5.0
MESSAGE_MAX_BYTES: Final = wire.FRAME_MAX_BYTES
#: picows' default of 16 kB doubles the memory of an idle socket.
READ_BUFFER_BYTES: Final = 2048
WRITE_HIGH_BYTES: Final = 64 * 1024
CLOSE_PATIENCE_S: Final = 2.0
UNSUPPORTED_DATA: Final = 1003
INVALID_TEXT: Final = 1007


class Opening(msgspec.Struct, frozen=True):
    """A WebSocket handshake that was let in."""

    framing: Framing
    claims: Claims
    client_id: str
    agent: str
    address: str = ""


def hand_over(transport: Any, hub: Hub, opening: Opening, headers: Mapping[str, str], rest: bytes) -> None:
    """Make the connection a WebSocket of picows."""
    protocols = [part.strip() for part in headers.get("sec-websocket-protocol", "").split(",") if part.strip()]

    def listener(_: Any) -> Any:
        made = Listener(hub, opening)
        chosen = {"Sec-WebSocket-Protocol": protocols[0]} if protocols else None
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(chosen), made)

    protocol = WSProtocol(
        None,  # host and port
        None,  # path
        False,  # is_client_side
        listener,
        _PICOWS_LOG,
        True,  # disconnect_on_exception
        HANDSHAKE_TIMEOUT_S,
        False,  # enable_auto_ping: ours carry positions
        None,
        None,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        True,  # enable_auto_pong
        MESSAGE_MAX_BYTES,
        None,  # extra_headers
        READ_BUFFER_BYTES,
    )
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    _feed(protocol, _head(headers))
    if not transport.is_closing():
        _feed(protocol, rest)


def _head(headers: Mapping[str, str]) -> bytes:
    """The handshake picows is shown: what it checks and nothing else, control characters being gone by now."""
    key, version = headers.get("sec-websocket-key", ""), headers.get("sec-websocket-version", "")
    lines = ("GET / HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade")
    given = (f"Sec-WebSocket-Key: {key}", f"Sec-WebSocket-Version: {version}")
    return "\r\n".join([*lines, *given, "", ""]).encode("latin-1")


def _feed(protocol: Any, data: bytes) -> None:
    at = 0
    while at < len(data):
        view = protocol.get_buffer(-1)
        size = min(len(view), len(data) - at)
        view[:size] = data[at : at + size]
        at += size
        protocol.buffer_updated(size)


class _PicowsLog:
    """picows tells of every connection; only what is wrong is a line of ours. It also spares a logger a socket."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 -- picows calls it so
        return False

    def log(self, *args: Any) -> None: ...

    def debug(self, *args: Any) -> None: ...

    def info(self, *args: Any) -> None: ...

    def warning(self, *args: Any) -> None: ...

    def error(self, text: str, *args: Any) -> None:
        log.warning("socket_closed_by_picows", reason=text % args if args else text)

    def exception(self, text: str, *args: Any) -> None:
        log.error("socket_failed", reason=text % args if args else text, exc_info=True)


_PICOWS_LOG: Final = _PicowsLog()


class Listener(WSListener):
    """One WebSocket: picows' callbacks to the hub's socket and back."""

    __slots__ = ("_hub", "_opening", "_parts", "_socket", "_transport")

    def __init__(self, hub: Hub, opening: Opening) -> None:
        self._hub = hub
        self._opening: Opening | None = opening
        self._socket: Socket | None = None
        self._transport: Any = None
        self._parts: tuple[Any, bytearray] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        opening, self._opening = self._opening, None
        assert opening is not None
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        self._socket = Socket(
            framing=opening.framing,
            claims=opening.claims,
            text=partial(transport.send, WSMsgType.TEXT),
            binary=partial(transport.send, WSMsgType.BINARY),
            ping=transport.send_ping,
            shut=self._shut,
            now=clock.monotonic(),
            client_id=opening.client_id,
            agent=opening.agent,
            address=opening.address,
        )
        self._hub.connect(self._socket)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        socket = self._socket
        if socket is None:
            return
        now = clock.monotonic()
        socket.heard_at = now
        kind = frame.msg_type
        if kind == WSMsgType.PONG:
            self._hub.talk.pong(socket, frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            self._closed_by_client(transport, frame)
        elif not socket.is_closed:
            self._take(socket, frame)
            if (wait_s := socket.spend(now)) > 0:
                self._slow_down(transport, wait_s)

    def _take(self, socket: Socket, frame: WSFrame) -> None:
        try:
            message = self._whole(frame)
            if message is not None:
                kind, data = message
                (self._hub.talk.binary if kind == WSMsgType.BINARY else self._hub.talk.text)(socket, data)
        except WireError as error:
            self._hub.stats.frames_in["malformed"] += 1
            socket.cut(UNSUPPORTED_DATA, str(error))
        except UnicodeDecodeError:
            self._hub.stats.frames_in["malformed"] += 1
            socket.cut(INVALID_TEXT, "text frames are UTF-8")

    def _whole(self, frame: WSFrame) -> tuple[Any, Any] | None:
        """A message, once all of its fragments are here."""
        if frame.fin and self._parts is None:
            if frame.msg_type == WSMsgType.BINARY:
                return WSMsgType.BINARY, frame.get_payload_as_bytes()
            return WSMsgType.TEXT, frame.get_payload_as_utf8_text()
        if self._parts is None:
            self._parts = (frame.msg_type, bytearray())
        kind, data = self._parts
        data += frame.get_payload_as_bytes()
        if len(data) > MESSAGE_MAX_BYTES:
            raise WireError(f"a message has at most {MESSAGE_MAX_BYTES} bytes")
        if not frame.fin:
            return None
        self._parts = None
        return (kind, bytes(data)) if kind == WSMsgType.BINARY else (kind, data.decode())

    def _slow_down(self, transport: WSTransport, wait_s: float) -> None:
        """More than its share: what it sends waits in its own buffers, and nothing is lost."""
        underlying = transport.underlying_transport
        underlying.pause_reading()
        asyncio.get_running_loop().call_later(wait_s, _resume_reading, underlying)

    def _closed_by_client(self, transport: WSTransport, frame: WSFrame) -> None:
        if not transport.is_close_frame_sent:
            transport.send_close(WSCloseCode.OK)
        transport.disconnect()

    def _shut(self, code: int, reason: str) -> None:
        """Say why, give the client a moment to answer, then end it."""
        transport = self._transport
        transport.send_close(WSCloseCode(code), reason.encode()[:120])
        asyncio.get_running_loop().call_later(CLOSE_PATIENCE_S, transport.disconnect, False)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._socket is not None:
            self._hub.disconnect(self._socket)
            self._socket = None

    def pause_writing(self) -> None:
        if self._socket is not None:
            self._socket.pause()

    def resume_writing(self) -> None:
        if self._socket is not None and self._socket.resume():
            self._hub.drained(self._socket)


def _resume_reading(transport: Any) -> None:
    if not transport.is_closing():
        transport.resume_reading()
