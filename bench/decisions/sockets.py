"""picows against websockets: server CPU of one frame, with twenty sockets that read and one change at a time."""

import asyncio

from bench.decisions.measuring import Figures, peer, run
from bench.decisions.peer import SOCKETS

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def _read_all(port: int) -> int:
    """Open one socket, say hello, and count the bytes until the server ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    count = 0
    while chunk := await reader.read(65536):
        count += len(chunk)
    writer.close()
    return count


async def _drain(port: int) -> Figures:
    counts = await asyncio.gather(*(_read_all(port) for _ in range(SOCKETS)))
    return {"bytes": float(min(counts))}


def _frame_us(server: str) -> float:
    with peer(server) as (process, port):
        received = run(_drain(port))
        assert process.stdout is not None
        told = process.stdout.readline()
    assert received["bytes"] > 0
    return float(told)


def measure() -> Figures:
    return {"picows_us": _frame_us("picows"), "websockets_us": _frame_us("websockets")}
