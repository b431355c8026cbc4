"""The web process: Litestar on Granian, with its own pool and lookups per worker."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from granian import Granian
from granian.constants import Interfaces, Loops, SSLProtocols
from litestar import Litestar, Response, get
from litestar.config.response_cache import ResponseCacheConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.static_files import create_static_files_router
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from wedsync.events import record
from wedsync.kit import clock, config, log
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.limits import Limits, LocalLimits
from wedsync.kit.seal import KeyRing
from wedsync.kit.valkey import Publisher, connect
from wedsync.people import lookups
from wedsync.processes import registry
from wedsync.subscriptions.rules.fields import Fields, provide_fields
from wedsync.web import limiting, metrics, problems, respond
from wedsync.web.auth import Authentication
from wedsync.web.context import Context, provide_actor, provide_ctx
from wedsync.web.described import Described
from wedsync.web.repeats import Repeats

MIB = 1024 * 1024
DIST = Path(__file__).parent.parent / "web" / "static" / "dist"
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


def create(settings: config.Settings) -> Litestar:
    """The application; pools are opened in its lifespan, in the loop that uses them."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        log.configure(process="web", level=settings.log_level)
        publisher = Publisher(settings.valkey_url)
        pool = await connect_pool(settings.door("user"), size=settings.pool_size, application="wedsync-web")

        async def published(nudge: str) -> None:
            # A JSON array of events; what gathers while a publish is in flight goes with the next.
            publisher.gather("wedsync:events", *([nudge[1:-1].encode()] if nudge != "[]" else []))

        door = Door(pool, flush=record.flush, published=published)
        client = connect(settings.valkey_url) if settings.valkey_url else None
        ring = KeyRing.from_setting(settings.seal_keys)
        app.state.ctx = Context(settings=settings, door=door, ring=ring, limits=Limits(client))
        app.state.lookups = lookups.make(door, settings.jwt_secret)
        app.state.metrics.door = door
        try:
            yield
        finally:
            app.state.metrics.door = None
            await publisher.close()
            if client is not None:
                await client.aclose()
            await pool.close()

    static = (
        create_static_files_router(path="/static/dist", directories=[DIST], cache_control=None)
        if DIST.exists()
        else None
    )
    return Litestar(
        route_handlers=[healthz, readyz, numbers, openapi, *registry.routes(), *([static] if static else [])],
        lifespan=[lifespan],
        dependencies={
            "ctx": Provide(provide_ctx, sync_to_thread=False),
            "actor": Provide(provide_actor, sync_to_thread=False),
            "fields": Provide(provide_fields, sync_to_thread=False),
        },
        middleware=[metrics.Timing, Authentication, Repeats],
        before_send=[respond.security_headers, limiting.tell, metrics.count],
        exception_handlers=problems.HANDLERS,
        request_max_body_size=MIB,
        openapi_config=Described(
            title="WedSync", version="1.0.0", path="/schema", description="One live record for a wedding."
        ),
        state=State(
            {
                "security_headers": respond.encoded(_headers(settings)),
                "limits": LocalLimits(clock.monotonic),
                "metrics": metrics.WebCollector(version("wedsync")),
                "fields": Fields(registry.catalogue().types),
            }
        ),
        response_cache_config=ResponseCacheConfig(),
    )


def _headers(settings: config.Settings) -> dict[str, str]:
    headers = {
        "Content-Security-Policy": respond.policy(settings.gateway_url),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    }
    if settings.has_tls:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def main(settings: config.Settings) -> None:
    """Serve with Granian: one listening socket, as many workers as set, TLS 1.3 where a certificate is set."""
    server = Granian(
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
        static_path_route=["/static/dist"] if DIST.exists() else None,
        static_path_mount=[DIST] if DIST.exists() else None,
        static_path_expires=31536000,
    )
    server.serve()


def from_environment() -> Litestar:
    """Each worker is a process of its own and reads the same variables."""
    return create(config.load(os.environ))
