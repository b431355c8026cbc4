"""The sandbox: every connector's fake provider behind one port, the mailbox's SMTP server, and pages to look inside.

For development, demos and tests only: it keeps what it is sent in memory, readable by anybody who reaches its port.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from wedsync.connections import manifest as manifests
from wedsync.connections.stage import serving
from wedsync.processes import sandbox_board, sandbox_events

log = structlog.get_logger()


async def serve(
    settings: Any, *, stopped: asyncio.Event | None = None, ready: Callable[[str], Awaitable[None]] | None = None
) -> None:
    """Serves until `stopped` is set. `ready` is told the sandbox's address as soon as it answers.

    Reads `settings.host`, `.sandbox_port` and `.sandbox_smtp_port`; 0 takes a free port.
    """
    places = _find(settings)
    board = sandbox_board.Board(places)
    async with serving(
        [place.fake for place in places],
        others=[sandbox_board.router(board, sandbox_events.put_events)],
        journals=[place.journal for place in places],
        host=settings.host,
        port=settings.sandbox_port,
    ) as address:
        log.info("sandbox.started", url=address)
        if ready is not None:
            await ready(address)
        await (stopped or asyncio.Event()).wait()
    log.info("sandbox.stopped")


def main(settings: Any) -> None:
    """The process: serves until it is told to end."""
    asyncio.run(_until_signalled(settings))


async def _until_signalled(settings: Any) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await serve(settings, stopped=stopped)


def _find(settings: Any) -> list[sandbox_board.Place]:
    """A fake for each manifest that notes one."""
    return [
        sandbox_board.place(manifest, manifests.module(name, "fake").build(settings))
        for name, manifest in manifests.find().items()
        if manifest.fake is not None
    ]
