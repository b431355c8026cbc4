"""A receiver of webhooks that remembers everything it was sent: the ground truth of the crash tests."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec


class Received(msgspec.Struct, frozen=True):
    """One request as it came; `at` by the machine's clock."""

    path: str
    webhook_id: str
    signature: str
    timestamp: str
    body: bytes
    traceparent: str = ""
    at: float = msgspec.field(default_factory=time.time)


class Receiver:
    """Answers with its status, or waits at the gate first."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.begun = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.url = ""
        self.status = "200 OK"

    @property
    def ids(self) -> list[str]:
        return [request.webhook_id for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive. What is cut off half way has not been received."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode("latin-1").rstrip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.begun += 1
                await self.gate.wait()
                self.requests.append(_received(line.split()[1], headers, body))
                writer.write(f"HTTP/1.1 {self.status}\r\ncontent-length: 2\r\n\r\nok".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def _received(path: str, headers: dict[str, str], body: bytes) -> Received:
    return Received(
        path=path,
        webhook_id=headers["webhook-id"],
        signature=headers["webhook-signature"],
        timestamp=headers["webhook-timestamp"],
        body=body,
        traceparent=headers.get("traceparent", ""),
    )


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        receiver.gate.set()
        server.close()
        await server.wait_closed()
