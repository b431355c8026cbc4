"""The realtime gateway: the hub behind one port, its feed, its clockwork, and a stop that loses nothing."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec
import structlog
import uvloop
from prometheus_client import CollectorRegistry

from wedsync.events import wire
from wedsync.events.catalogue import Catalogue, Lane
from wedsync.events.frames import OpenSealed
from wedsync.events.live import Hub, Options
from wedsync.events.neighbours import Neighbours
from wedsync.events.reader import DatabaseReader, Reader, ReaderAway
from wedsync.events.record import FEED
from wedsync.events.tokens import TokenRefused, Tokens
from wedsync.events.upkeep import Upkeep
from wedsync.kit import clock
from wedsync.kit.addresses import block_of
from wedsync.kit.config import Settings
from wedsync.kit.limits import Decision, LocalLimits
from wedsync.kit.seal import KeyRing, SealError
from wedsync.kit.valkey import Publisher, Subscriber
from wedsync.kit.watch import Note
from wedsync.processes import listening, pooling, registry
from wedsync.processes.gateway_beats import beating
from wedsync.processes.gateway_door import Answer, Door, Opened, Request
from wedsync.processes.gateway_http import Routes
from wedsync.processes.gateway_metrics import HubCollector
from wedsync.processes.gateway_socket import Opening
from wedsync.web import limiting

log = structlog.get_logger()

GATEWAYS: Final = "wedsync:gateways"
WEBSOCKET_PATHS: Final = ("/realtime/v1/websocket", "/socket/websocket")
KNOWN_PATHS: Final = (*WEBSOCKET_PATHS, "/realtime/v1/api/broadcast", "/socket/api/broadcast", "/metrics", "/readyz")
#: A page's key in the URL is as old as the page; what it may do is decided by the token of each join.
KEY_GRACE_S: Final = 7 * 86400.0
DRAIN_S: Final = 5.0
BACKLOG: Final = 1024
OUTBOX_MAX: Final = 10_000


class Gateway:
    """One gateway process: what stands behind the door."""

    def __init__(self, settings: Settings, reader: Reader, options: Options | None = None) -> None:
        self.hub = Hub(reader, Tokens(settings.jwt_secret), options)
        self.upkeep = Upkeep(self.hub)
        registry_of_metrics = CollectorRegistry()
        registry_of_metrics.register(HubCollector(self.hub))
        self._routes = Routes(self.hub, registry_of_metrics)
        self._settings = settings
        self._rates = limiting.rates(settings)
        self._limits = LocalLimits(clock.monotonic)
        self._stop = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self.opened = Opened(self._rates.connections, self._rates.trusted)
        self._server: asyncio.Server | None = None
        self._running: list[asyncio.Task[Any]] = []
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails when a part of the gateway does; the process then ends, and its supervisor starts it anew."""
        self._publisher: Publisher | None = None
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(OUTBOX_MAX)
        self.port = 0

    async def start(self, host: str, port: int, held: socket.socket | None = None) -> None:
        """Listen, on a socket that is held for us or on one of our own; `port` 0 takes a free one, then in `port`."""
        await self.hub.load_columns()
        if self._settings.valkey_url:
            self._publisher = Publisher(self._settings.valkey_url)
            self.hub.neighbours = Neighbours(self.hub, self._send)
            feed = Subscriber(self._settings.valkey_url, [FEED, GATEWAYS], self._take, self._catch_up)
            self._running.append(asyncio.create_task(feed.run()))
            self._running.append(asyncio.create_task(self._watch(feed)))
            self._running.append(asyncio.create_task(self._send_for_ever(self._publisher)))
        self._running.append(asyncio.create_task(self.upkeep.run()))
        keeping = self.hub.lookers.watch.keep(self.hub.reader.keep_watch, _is_away, self._stop)
        self._writing = asyncio.create_task(keeping)
        self._writing.add_done_callback(self._part_ended)
        for task in self._running:
            task.add_done_callback(self._part_ended)
        loop = asyncio.get_running_loop()
        tls = _tls(self._settings)
        if held is not None:
            self._server = await loop.create_server(lambda: Door(self), sock=held, ssl=tls, backlog=BACKLOG)
        else:
            self._server = await loop.create_server(lambda: Door(self), host, port, ssl=tls, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("gateway_listening", host=host, port=self.port)

    async def stop(self, *, drain_s: float = DRAIN_S) -> None:
        """Take no more, ask every client to come back, save where they stand."""
        if self._server is not None:
            self._server.close()
        await self.upkeep.drain(drain_s)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._stop.set()
        if self._writing is not None:
            await self._writing
        await self.hub.close()
        if self._publisher is not None:
            await self._publisher.close()

    def _part_ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.broken.done():
            self.broken.set_exception(error)

    def _take(self, channel: bytes, payload: bytes) -> None:
        if channel == FEED.encode():
            self.hub.take(payload)
        elif self.hub.neighbours is not None:
            self.hub.neighbours.take(payload)

    def _send(self, payload: bytes) -> None:
        """To the other gateways, in order; lost where Valkey is away or far behind."""
        if not self._outbox.full():
            self._outbox.put_nowait(payload)

    async def _send_for_ever(self, publisher: Publisher) -> None:
        while True:
            await publisher.publish(GATEWAYS, await self._outbox.get())

    def _catch_up(self) -> None:
        """The feed is (again) there: what it said meanwhile is in the log."""
        self.hub.feed_is_up = True
        self.hub.spawn(self.upkeep.poll())

    async def _watch(self, feed: Subscriber) -> None:
        while True:
            self.hub.feed_is_up = feed.is_connected
            await asyncio.sleep(0.2)

    async def answer(self, request: Request) -> Answer:
        """An HTTP request."""
        decision = self._limits.hit(self._rates.address, block_of(request.address))
        answer = await self._routes.answer(request) if decision.is_allowed else too_many(decision)
        self._note(request, answer)
        return answer

    def admit(self, request: Request) -> Opening | Answer:
        """A WebSocket handshake."""
        decision = self._limits.hit(self._rates.address, block_of(request.address))
        found = self._judge(request) if decision.is_allowed else too_many(decision)
        if isinstance(found, Answer):
            self._note(request, found)
        return found

    def _note(self, request: Request, answer: Answer) -> None:
        """Of a path only the route: a topic in it may be anything."""
        if answer.status not in (401, 403, 429):
            return
        known = next((path for path in KNOWN_PATHS if request.path.startswith(path)), "")
        kind = "request.limited" if answer.status == 429 else "socket.refused"
        endpoint = f"{request.method} {known}".strip()
        note = Note(kind=kind, address=request.address, endpoint=endpoint, status=answer.status)
        self.hub.lookers.watch.note(note)

    def _judge(self, request: Request) -> Opening | Answer:
        if request.path not in WEBSOCKET_PATHS:
            return Answer(404, {"error": "There is no WebSocket here."})
        if self.hub.is_draining:
            return Answer(503, {"error": "Restarting. Try again."}, headers={"retry-after": "2"})
        if len(self.hub.sockets) >= self.hub.options.sockets_max:
            return Answer(429, {"error": "Too many connections."}, headers={"retry-after": "5"})
        if self.hub.lookers.of(request.address) >= self._rates.connections:
            return Answer(429, {"error": "Too many connections from this address."}, headers={"retry-after": "5"})
        framing = wire.parse_vsn(request.query.get("vsn"))
        if framing is None:
            return Answer(403)
        key = request.headers.get("x-api-key") or request.query.get("apikey")
        if not key:
            return Answer(401, {"error": "Unauthorized: send a token as apikey"})
        try:
            claims = self.hub.tokens.verify(key, grace_s=KEY_GRACE_S)
        except TokenRefused as refused:
            return Answer(401, {"error": str(refused)})
        agent = request.headers.get("x-client-info", "") + " " + request.headers.get("user-agent", "")
        client_id = request.query.get("client_id", "")[:100]
        return Opening(framing, claims, client_id, agent[:100], request.address)


def too_many(decision: Decision) -> Answer:
    """A problem document, with what realtime clients read beside it."""
    text = "Too many requests at once. Wait as long as Retry-After says."
    body = {"type": "/problems/too_many_requests", "title": "Too Many Requests", "status": 429}
    told = {name.lower(): value for name, value in decision.headers().items()}
    return Answer(
        429,
        {**body, "code": "too_many_requests", "detail": text, "message": text},
        content_type="application/problem+json",
        headers=told,
    )


def _is_away(error: BaseException) -> bool:
    return isinstance(error, ReaderAway)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context


def options(catalogue: Catalogue, ring: KeyRing | None) -> Options:
    """What the hub needs to know of event types and keys."""
    return Options(
        event_types=frozenset(catalogue.types),
        critical_types=frozenset(t.type for t in catalogue.types.values() if t.lane == Lane.CRITICAL),
        open_sealed=None if ring is None else opener(ring),
    )


def opener(ring: KeyRing) -> OpenSealed:
    """Opens `sealed` of a row: the sealed object's members take its place."""

    def open_sealed(table: str, record: dict[str, Any], tenant: str) -> dict[str, Any]:
        sealed = bytes.fromhex(record.pop("sealed").removeprefix("\\x"))
        try:
            plain = ring.open(sealed, tenant=tenant, table=table, column="sealed", row=record["id"])
        except SealError as error:
            log.error("sealed_row_unreadable", table=table, row=record["id"], reason=str(error))
            return record
        return {**record, **msgspec.json.decode(plain)}

    return open_sealed


async def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    reader: Reader,
    hub_options: Options | None = None,
    is_ready: Callable[[Gateway], None] | None = None,
    stop: asyncio.Event | None = None,
    held: socket.socket | None = None,
) -> None:
    """Serve until `stop` is set, or SIGTERM or SIGINT arrives; then drain."""
    gateway = Gateway(settings, reader, hub_options)
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await gateway.start(host, port, held)
    try:
        if is_ready is not None:
            is_ready(gateway)
        await _first(stop.wait(), gateway.broken)
    finally:
        await gateway.stop()


async def _first(stop: Coroutine[Any, Any, Any], broken: asyncio.Future[None]) -> None:
    """Return when asked to stop; raise what broke."""
    stopping = asyncio.ensure_future(stop)
    await asyncio.wait([stopping, broken], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if broken.done():
        broken.result()


def main(settings: Settings) -> None:
    """`wedsync gateway`."""
    uvloop.run(_main(settings))


async def _main(settings: Settings) -> None:
    dsn = settings.door("reader")
    async with pooling.pooled(dsn, face="gateway", settings=settings, application="wedsync gateway") as pool:
        reader = DatabaseReader(pool)
        ring = KeyRing.from_setting(settings.seal_keys) if settings.seal_keys else None
        known = options(registry.catalogue(settings), ring)
        held = next(iter(listening.inherited()), None)
        port = settings.gateway_port
        async with beating(reader) as is_ready:
            await serve(
                settings,
                host=settings.host,
                port=port,
                reader=reader,
                hub_options=known,
                held=held,
                is_ready=is_ready,
            )
