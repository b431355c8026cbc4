"""The sandbox: every connector's fake provider behind one port, the mailbox's SMTP server, and pages to look inside.

For development, demos and tests only: it keeps what it is sent in memory, readable by anybody who reaches its port.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from litestar import Litestar, MediaType, Request, Response, get

from wedsync.connections import manifest as manifests
from wedsync.connections.fakes import Fake, pages
from wedsync.connections.manifest import FakeNote
from wedsync.kit.errors import Refusal

BODY_MAX_BYTES = 4 * 1024 * 1024

log = structlog.get_logger()


def find_fakes(settings: Any) -> dict[str, tuple[FakeNote, Fake]]:
    """A fake for each manifest that notes one."""
    return {
        name: (manifest.fake, manifests.module(name, "fake").build(settings))
        for name, manifest in manifests.find().items()
        if manifest.fake is not None
    }


def build_app(fakes: dict[str, tuple[FakeNote, Fake]]) -> Litestar:
    """All fakes at the root, and a page that leads to them. Starting the app starts the fakes' own servers."""

    @get("/", media_type=MediaType.HTML)
    async def index() -> str:
        return pages(Path(__file__).parent / "templates").get_template("sandbox_index.html").render(fakes=fakes)

    @get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    async def start() -> None:
        for _, fake in fakes.values():
            await fake.start()

    async def stop() -> None:
        for _, fake in fakes.values():
            await fake.stop()

    return Litestar(
        route_handlers=[index, healthz, *(route for _, fake in fakes.values() for route in fake.routes)],
        on_startup=[start],
        on_shutdown=[stop],
        exception_handlers={Refusal: _refused},
        openapi_config=None,
        request_max_body_size=BODY_MAX_BYTES,
    )


async def serve(
    settings: Any, *, stopped: asyncio.Event | None = None, ready: Callable[[str], Awaitable[None]] | None = None
) -> None:
    """Serves until `stopped` is set. `ready` is told the sandbox's address as soon as it answers.

    Reads `settings.host`, `.sandbox_port` and `.sandbox_smtp_port`; 0 takes a free port.
    """
    stopped = stopped or asyncio.Event()
    port = settings.sandbox_port or free_port(settings.host)
    server = Server(
        build_app(find_fakes(settings)),
        settings.host,
        port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    try:
        await _answers(settings.host, port, serving)
        address = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"
        log.info("sandbox.started", url=address)
        if ready is not None:
            await ready(address)
        await _first(stopped.wait(), serving)
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await serving
    log.info("sandbox.stopped")


def main(settings: Any) -> None:
    """The process: serves until it is told to end."""
    asyncio.run(_until_signalled(settings))


def free_port(host: str) -> int:
    with socket.create_server((host, 0)) as one:
        return int(one.getsockname()[1])


async def _until_signalled(settings: Any) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await serve(settings, stopped=stopped)


async def _answers(host: str, port: int, serving: "asyncio.Task[None]") -> None:
    """Returns once the port takes connections; if the server ends first, its error is raised."""
    while True:
        if serving.done():
            await serving
            raise RuntimeError(f"The sandbox could not be started on {host}:{port}. Is the port taken?")
        try:
            _, writer = await asyncio.open_connection(host, port)
        except ConnectionError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return


async def _first(*awaitables: Awaitable[Any]) -> None:
    tasks = [asyncio.ensure_future(one) for one in awaitables]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


def _refused(_: "Request[Any, Any, Any]", refusal: Refusal) -> Response[dict[str, Any]]:
    body = {"type": "about:blank", "status": refusal.status, "code": refusal.code, "detail": refusal.detail}
    return Response(body, status_code=refusal.status, media_type="application/problem+json")
