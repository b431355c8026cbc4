"""The web process: Litestar on Granian, with its own pool and lookups per worker."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import structlog
from granian._granian import SocketHolder
from granian.constants import Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.mp import MPServer
from litestar import Litestar, Response, get
from litestar.config.response_cache import ResponseCacheConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.static_files import create_static_files_router
from litestar.types import Message, Scope
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from wedsync.connections.accounts.connecting import Desk, provide_desk
from wedsync.connections.accounts.opening import Accounts
from wedsync.connections.host import open_host
from wedsync.connections.manifest import PACKAGE
from wedsync.connections.reception import open_reception
from wedsync.events import record
from wedsync.events.catalogue import Catalogue
from wedsync.events.jobs import is_passing
from wedsync.events.touched import scopes_of
from wedsync.kit import clock, config, failpoints, log, traces
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door
from wedsync.kit.heart import Heart, pool_of
from wedsync.kit.heart import writing as beating
from wedsync.kit.http import Wire
from wedsync.kit.limits import Limits, LocalLimits
from wedsync.kit.looks import Reads
from wedsync.kit.meter import Meter
from wedsync.kit.modes import Modes
from wedsync.kit.resolve import Resolver
from wedsync.kit.seal import KeyRing
from wedsync.kit.valkey import Publisher, connect
from wedsync.kit.watch import Watch
from wedsync.operations.database.actions import provide_steps
from wedsync.operations.preflight.actions import provide_look
from wedsync.operations.status.actions import keeping, provide_kept
from wedsync.people import lookups
from wedsync.processes import (
    listening,
    load_followed,
    migrate,
    modes_followed,
    pooling,
    preflight,
    registry,
    wedding_time,
)
from wedsync.processes.start import staying
from wedsync.subscriptions.rules.fields import Fields, provide_fields
from wedsync.web import callers, limiting, metrics, problems, respond, watching
from wedsync.web.auth import Authentication
from wedsync.web.context import Context, provide_actor, provide_ctx
from wedsync.web.described import Described
from wedsync.web.modes import Shown
from wedsync.web.repeats import Repeats
from wedsync.web.served import Served
from wedsync.web.shedding import Load, Shedding
from wedsync.web.tracing import Tracing

MIB = 1024 * 1024
HEAD_MS = 5_000
HEAD_BYTES = 32 * 1024
LEAVE: Final = signal.SIGUSR1
FAREWELL_S: Final = 1.0
ASK_AGAIN_S: Final = 1.0
CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
DIST = Path(__file__).parent.parent / "web" / "static" / "dist"
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
logger = structlog.get_logger("web")


@get("/healthz", summary="Alive", description="This process answers.", sync_to_thread=False)
def healthz() -> dict[str, str]:
    """Says nothing about the engines."""
    return {"status": "ok"}


@get("/readyz", summary="Ready", description="This process reaches its database.")
async def readyz(ctx: Context) -> Response[dict[str, Any]]:
    """503 when it does not."""
    at = time.perf_counter()
    try:
        async with ctx.door.pool.acquire(timeout=2) as connection:
            await connection.fetchval("select 1")
    except (OSError, TimeoutError) as error:
        return Response({"status": "unready", "database": type(error).__name__}, status_code=503)
    return Response({"status": "ready", "database_ms": round((time.perf_counter() - at) * 1000, 2)})


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi(request: respond.AnyRequest) -> Response[dict[str, Any]]:
    """The served routes, described."""
    return Response(request.app.openapi_schema.to_schema())


@get("/metrics", summary="Numbers", description="OpenMetrics of the worker that answers.", sync_to_thread=False)
def numbers(state: State) -> Response[bytes]:
    """Routes by their templates, never ids; open, as the gateway's is: keep it from the world at the proxy."""
    registry_of_metrics = CollectorRegistry()
    registry_of_metrics.register(state.metrics)
    text: bytes = generate_latest(registry_of_metrics)  # type: ignore[no-untyped-call]
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def provide_catalogue(state: State, actor: Actor) -> Catalogue:
    """Dependency `catalogue`; it asks for `actor` to go on the chain of the others (see `provide_actor`)."""
    catalogue: Catalogue = state.catalogue
    return catalogue


def create(
    settings: config.Settings,
    *lifespans: Lifespan,
    resolver: Resolver | None = None,
    connectors: str = PACKAGE,
    like: Served | None = None,
) -> Served:
    """The application; pools are opened in its lifespan, in the loop that uses them.

    `resolver` of tenants' names; `connectors` is the package they are folders of; `like` is an application of this
    process, whose routes this one shares instead of preparing them again.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        dsn = settings.door("user")
        pooled = pooling.pooled(dsn, face="web", settings=settings, application="wedsync-web")
        async with pooled as pool, opened(app, pool):
            yield

    @asynccontextmanager
    async def opened(app: Litestar, pool: Any) -> AsyncIterator[None]:
        publisher = Publisher(settings.valkey_url)
        watch, meter = Watch(), Meter()
        reads = Reads(watch, scopes_of(app.state.catalogue.types.values()), meter)
        modes = app.state.modes
        door = Door(pool, flush=record.flush, published=record.feeding(publisher), reads=reads, modes=modes)
        client = connect(settings.valkey_url) if settings.valkey_url else None
        ring = KeyRing.from_setting(settings.seal_keys)
        wire = Wire(allow=settings.egress_allow, resolver=resolver, proxy=settings.egress_proxy)
        app.state.ctx = Context(settings=settings, door=door, ring=ring, limits=Limits(client), wire=wire, watch=watch)
        app.state.lookups = lookups.make(door.regardless(), settings.jwt_secret)
        app.state.metrics.door = door
        app.state.status = keeping(door)
        stop = asyncio.Event()
        app.state.meter = meter
        writing = _writing(door.regardless(), watch, meter, app.state, stop)
        app.state.reception = open_reception(wire, door.regardless(), ring)
        app.state.desk = desk = open_desk(settings, door=door, ring=ring, wire=wire, connectors=connectors)
        try:
            async with (
                wedding_time.followed(door, settings.env),
                modes_followed.followed(door, modes),
                load_followed.followed(door, app.state.load),
                traces.exporting(settings, wire, process="web") as exporter,
            ):
                app.state.metrics.traced = exporter
                yield
        finally:
            app.state.metrics.door = None
            stop.set()
            await writing
            await desk.accounts.close()
            await desk.host.close()
            await wire.close()
            await publisher.close()
            if client is not None:
                await client.aclose()

    return _assembled(settings, [lifespan, *lifespans], like)


def _assembled(settings: config.Settings, lifespans: Sequence[Lifespan], like: Served | None) -> Served:
    """Routes, and what stands around each request, from the outside in."""
    return Served(
        route_handlers=[healthz, readyz, numbers, openapi, *registry.routes(), *_static()],
        like=like,
        lifespan=lifespans,
        dependencies=_dependencies(),
        middleware=[
            Tracing,
            metrics.Timing,
            Shedding,
            Shown,
            limiting.Restraint,
            Authentication,
            Repeats,
        ],
        before_send=[respond.security_headers, limiting.tell, metrics.count, watching.look, _replying],
        exception_handlers=problems.HANDLERS,
        # The process has its own: Litestar's would write every line as it came, with what no log may hold.
        logging_config=None,
        request_max_body_size=MIB,
        openapi_config=Described(
            title="WedSync", version="1.0.0", path="/schema", description="One live record for a wedding."
        ),
        state=_state(settings),
        response_cache_config=ResponseCacheConfig(),
    )


def _writing(door: Door, watch: Watch, meter: Meter, state: State, stop: asyncio.Event) -> "asyncio.Future[Any]":
    """What is counted in memory is written every few seconds, and a last time at the stop."""
    edge, load = state.metrics.edge, state.load
    heart = Heart("web", pool=lambda: pool_of(door), answered=lambda: (edge.taken(),), shedding=load.vitals)
    return asyncio.gather(
        watch.keep(door.keep_watch, is_passing, stop),
        meter.keep(door.count_calls, is_passing, stop),
        heart.keep(beating(door), is_passing, stop),
    )


def open_desk(settings: config.Settings, *, door: Door, ring: KeyRing, wire: Wire, connectors: str) -> Desk:
    """The connectors of this process, and the accounts that people connect of them."""
    host = open_host(settings, wire=wire, ring=ring, package=connectors)
    accounts = Accounts(door=door, ring=ring, wire=wire, settings=settings, manifests=host.manifests)
    return Desk(host=host, accounts=accounts, wire=wire, settings=settings)


def _dependencies() -> dict[str, Provide]:
    """What handlers may ask for by name."""
    given: dict[str, Callable[..., Any]] = {
        "ctx": provide_ctx,
        "actor": provide_actor,
        "catalogue": provide_catalogue,
        "rule_fields": provide_fields,
        "desk": provide_desk,
        "steps": provide_steps,
        "kept": provide_kept,
        "look": provide_look,
    }
    return {name: Provide(provider, sync_to_thread=False) for name, provider in given.items()}


def _static() -> list[Any]:
    """For an app without Granian in front of it, as in tests: there they are served before any of this is asked."""
    return (
        [create_static_files_router(path="/static/dist", directories=[DIST], cache_control=None)]
        if DIST.exists()
        else []
    )


def _state(settings: config.Settings) -> State:
    """What middleware finds before the lifespan has opened anything."""
    load = Load(delay_s=settings.shed_delay_ms / 1000)
    return State(
        {
            "security_headers": respond.encoded(respond.standing(settings.gateway_url, has_tls=settings.has_tls)),
            "limits": LocalLimits(clock.monotonic),
            "rates": limiting.rates(settings),
            "residents": callers.Residents(),
            "metrics": metrics.WebCollector(version("wedsync"), load),
            "catalogue": registry.catalogue(settings),
            "fields": Fields(registry.catalogue().types),
            "steps": migrate.known_migrations,
            "look": preflight.looking(settings),
            "is_leaving": False,
            "modes": Modes(),
            "load": load,
        }
    )


async def _replying(message: Message, scope: Scope) -> None:
    """An answer leaves; a process that is leaving says with it that the connection ends here."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    if scope["method"] in CHANGING:
        failpoints.hit("before_reply")
    if scope["litestar_app"].state.is_leaving and scope["http_version"].startswith("1"):
        message["headers"] = [*message["headers"], (b"connection", b"close")]


def main(settings: config.Settings) -> None:
    """Serve with Granian: one listening socket, as many workers as set, TLS 1.3 where a certificate is set."""
    server = Server(
        "wedsync.processes.web:from_environment",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.web_workers,
        loop=Loops.uvloop,
        factory=True,
        log_enabled=False,
        respawn_failed_workers=True,
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        ssl_protocol_min=SSLProtocols.tls13,
        # A head comes whole within five seconds, and fits; slow bodies are the middleware's matter.
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_MS, max_buffer_size=HEAD_BYTES),
        http2_settings=HTTP2Settings(max_headers_size=HEAD_BYTES),
        static_path_route=["/static/dist"] if DIST.exists() else None,
        static_path_mount=[DIST] if DIST.exists() else None,
        static_path_expires=31536000,
    )
    server.held = listening.inherited()
    server.serve()


class Server(MPServer):
    """Granian, on the sockets that the supervisor holds where it does, and with a farewell to open connections."""

    held: Sequence[socket.socket] = ()

    def _init_shared_socket(self) -> None:
        if self.held:
            self._ssp = self._sso = None
        else:
            super()._init_shared_socket()  # type: ignore[no-untyped-call]

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:  # type: ignore[override]
        if self.held:
            # A holder may close what it holds, and a successor of this worker needs it again.
            number = os.dup(self.held[idx % len(self.held)].fileno())
            self._shd = SocketHolder(number, False, self.backlog)  # type: ignore[call-arg, assignment]
        return super()._spawn_worker(idx, target, callback_loader)

    def shutdown(self, exit_code: int = 0) -> None:
        """For a moment nothing is accepted and every answer ends its connection: none is cut between two requests."""
        for worker in self.wrks:
            with suppress(ProcessLookupError):
                os.kill(worker._id(), LEAVE)  # type: ignore[no-untyped-call]
        time.sleep(FAREWELL_S)
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]

    def _stop_workers(self) -> None:
        """Again and again: one that is starting hears no signal before its loop runs, nor between two runs of it.

        The time it may take is the supervisor's matter.
        """
        for worker in self.wrks:
            worker.terminate()  # type: ignore[no-untyped-call]
        for worker in self.wrks:
            worker.join(ASK_AGAIN_S)  # type: ignore[no-untyped-call]
            while worker.is_alive():  # type: ignore[no-untyped-call]
                worker.terminate()  # type: ignore[no-untyped-call]
                worker.join(ASK_AGAIN_S)  # type: ignore[no-untyped-call]
        super()._stop_workers()  # type: ignore[no-untyped-call]

    def _respawn_workers(self, *args: Any, **named: Any) -> None:
        """A worker ended as we were asked to stop: granian has just forgotten that somebody rang."""
        if self.interrupt_signal:
            self.main_loop_interrupt.set()
        else:
            super()._respawn_workers(*args, **named)


@asynccontextmanager
async def _leaving(app: Litestar) -> AsyncIterator[None]:
    def leave() -> None:
        app.state.is_leaving = True
        listening.let_go()

    asyncio.get_running_loop().add_signal_handler(LEAVE, leave)
    yield


def from_environment() -> Litestar:
    """Each worker is a process of its own and reads the same variables."""
    settings = config.load(os.environ)
    log.configure(process="web", level=settings.log_level)
    with staying():
        return create(settings, _leaving)
