"""Puts fakes on stage: one application for any number of them, served in this process on a port.

The sandbox shows all of them, a connector's own tests only its own.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, Response, Router
from litestar.types import ASGIApp, ControllerRouterHandler

from wedsync.connections.fake_journal import Journal, Recording
from wedsync.connections.fakes import Fake
from wedsync.kit.errors import Refusal

BODY_MAX_BYTES = 4 * 1024 * 1024
THREADS_LOOKS = 100


@asynccontextmanager
async def serving(
    fakes: Sequence[Fake],
    *,
    others: Sequence[ControllerRouterHandler] = (),
    journals: Sequence[Journal] = (),
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[str]:
    """The address of the application, once it answers; port 0 takes a free one. RuntimeError if it cannot start.

    `journals` are those of the fakes, in their order; without them nothing is noted.
    """
    port = port or free_port(host)
    server = Server(
        _app(fakes, others, journals),
        host,
        port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    )
    async with AsyncExitStack() as stack:
        threads = _threads()
        task = asyncio.create_task(server.serve())
        stack.push_async_callback(_ended, server, task, threads)
        for fake in fakes:
            # Stopped before the server: it waits for callers that a fake keeps hanging.
            await fake.start()
            stack.push_async_callback(fake.stop)
        await _answers(host, port, task)
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _app(fakes: Sequence[Fake], others: Sequence[ControllerRouterHandler], journals: Sequence[Journal]) -> Litestar:
    noted = [_noted(fake, journal) for fake, journal in zip(fakes, journals, strict=False)]
    bare = [route for fake in fakes[len(noted) :] for route in fake.routes]
    return Litestar(
        route_handlers=[*others, *noted, *bare],
        exception_handlers={Refusal: _refused},
        # The process has its own: Litestar's would queue every line and start a thread for them.
        logging_config=None,
        openapi_config=None,
        request_max_body_size=BODY_MAX_BYTES,
    )


def _noted(fake: Fake, journal: Journal) -> Router:
    def recording(app: ASGIApp) -> ASGIApp:
        # A function, since whatever else is given for a middleware is deeply copied.
        return Recording(app, fake, journal)

    return Router("/", route_handlers=fake.routes, middleware=[recording])


async def _ended(server: Server, task: "asyncio.Task[None]", threads: int) -> None:
    """Once its threads have gone too: one that asks for Python while Python ends aborts the process."""
    server.stop()  # type: ignore[no-untyped-call]
    await task
    for _ in range(THREADS_LOOKS):
        if _threads() <= threads:
            return
        await asyncio.sleep(0.005)


def _threads() -> int:
    """Those of the system, which the server makes without telling Python; 0 where it does not show them."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 0


def free_port(host: str) -> int:
    with socket.create_server((host, 0)) as one:
        return int(one.getsockname()[1])


async def _answers(host: str, port: int, task: "asyncio.Task[None]") -> None:
    while True:
        if task.done():
            await task
            raise RuntimeError(f"Nothing could be started on {host}:{port}. Is the port taken?")
        try:
            _, writer = await asyncio.open_connection(host, port)
        except ConnectionError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return


def _refused(_: "Request[Any, Any, Any]", refusal: Refusal) -> Response[dict[str, Any]]:
    body = {"type": "about:blank", "status": refusal.status, "code": refusal.code, "detail": refusal.detail}
    return Response(body, status_code=refusal.status, media_type="application/problem+json")
