"""The other side of a measurement, in a process of its own: `python -m bench.decisions.peer http|picows|websockets`."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import cast

import httptools
import picows
import uvloop
from websockets.asyncio.server import Server, ServerConnection, serve

SOCKETS = 20
CHANGES = 400
FRAME = b"x" * 600
REPLY = b"HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n"
Send = Callable[[], Awaitable[None]]


class Answering(asyncio.Protocol):
    """Answers 204 to every whole request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is none by inheritance
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(REPLY)


class Listening(picows.WSListener):
    """A socket that only listens; it tells its transport to whoever made it."""

    def __init__(self, opened: Callable[[picows.WSTransport], None]) -> None:
        super().__init__()
        self.opened = opened

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.opened(transport)


async def answer() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def send_by_picows() -> None:
    sockets: list[picows.WSTransport] = []
    full = asyncio.Event()

    def opened(transport: picows.WSTransport) -> None:
        sockets.append(transport)
        if len(sockets) == SOCKETS:
            full.set()

    server = await picows.ws_create_server(lambda _: Listening(opened), "127.0.0.1", 0, read_buffer_init_size=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await full.wait()

    async def change() -> None:
        for socket in sockets:
            socket.send(picows.WSMsgType.TEXT, FRAME)

    print(await cpu_per_frame(change), flush=True)
    for socket in sockets:
        socket.disconnect()


async def send_by_websockets() -> None:
    sockets: list[ServerConnection] = []
    full, done = asyncio.Event(), asyncio.Event()

    async def opened(connection: ServerConnection) -> None:
        sockets.append(connection)
        if len(sockets) == SOCKETS:
            full.set()
        await done.wait()

    server: Server = await serve(opened, "127.0.0.1", 0, compression=None)
    print(next(iter(server.sockets)).getsockname()[1], flush=True)
    await full.wait()

    async def change() -> None:
        for socket in sockets:
            await socket.send(FRAME.decode())

    print(await cpu_per_frame(change), flush=True)
    done.set()
    server.close()
    for socket in sockets:
        socket.transport.abort()


async def cpu_per_frame(change: Send) -> float:
    """Microseconds of this process per frame; a pause after each change lets the readers keep up."""
    await change()
    began = time.process_time()
    for _ in range(CHANGES):
        await change()
        await asyncio.sleep(0.001)
    return (time.process_time() - began) / (CHANGES * SOCKETS) * 1e6


WAYS: dict[str, Callable[[], Awaitable[None]]] = {
    "http": answer,
    "picows": send_by_picows,
    "websockets": send_by_websockets,
}


async def main() -> None:
    await WAYS[sys.argv[1]]()


if __name__ == "__main__":
    uvloop.run(main())
