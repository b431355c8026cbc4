"""A drill's sockets read what a gateway sends in whatever pieces it comes, and tell what goes wrong."""

import asyncio
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from wedsync.processes.drills.calls import closed_loop, paced, request
from wedsync.processes.drills.listeners import CHANGE, CLOSE, JOINED, PING, PONG, REFUSED, TEXT, Join, Listener

UP = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Pipe:
    """The other end, which keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_over = False

    def get_extra_info(self, name: str) -> Any:
        return SimpleNamespace(setsockopt=lambda *_: None) if name == "socket" else None

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def is_closing(self) -> bool:
        return self.is_over

    def abort(self) -> None:
        self.is_over = True


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 1 << 16:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + payload


def opened(*, keeps: bool = False) -> tuple[Listener, Pipe]:
    listener, pipe = Listener(Join("realtime:wedding:1", "token"), "127.0.0.1:1", keeps=keeps), Pipe()
    listener.connection_made(pipe)  # type: ignore[arg-type]
    return listener, pipe


async def test_what_comes_in_pieces_is_read_as_one() -> None:
    listener, pipe = opened()
    listener.frames = []
    changes = [CHANGE + b"x" * size for size in (10, 200, 70_000)]
    stream = UP + frame(b"[" + JOINED) + b"".join(frame(one) for one in changes) + frame(b"hello", PING)
    cuts = [0, 5, len(UP) - 1, len(UP) + 1, len(UP) + 3, len(stream) - 70_010, len(stream) - 3, len(stream)]
    for begin, end in pairwise(cuts):
        listener.data_received(stream[begin:end])
    await listener.joined
    assert [payload for _, payload in listener.frames] == changes
    assert listener.changes == 3
    assert pipe.sent[-1] == bytes([0x80 | PONG, 0x80 | 5]) + b"\0\0\0\0hello"
    listener.data_received(frame(b"", CLOSE))
    assert pipe.is_over
    sent = len(pipe.sent)
    listener.send(b"nobody hears it")
    assert len(pipe.sent) == sent


async def test_what_was_missed_comes_in_one_breath_with_the_joins_answer_and_is_kept() -> None:
    listener, _ = opened(keeps=True)
    listener.data_received(UP + frame(b"[" + JOINED) + frame(CHANGE + b"missed"))
    await listener.joined
    assert [payload for _, payload in listener.frames or ()] == [CHANGE + b"missed"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "503"),
        (UP + frame(b"[" + REFUSED), "error"),
    ],
)
async def test_a_join_that_is_refused_is_told(data: bytes, said: str) -> None:
    listener, _ = opened()
    listener.data_received(data)
    with pytest.raises(ConnectionError, match=said):
        await listener.joined
    listener.connection_lost(None)
    assert listener.gone.is_set()


async def test_a_socket_that_is_closed_before_it_has_joined_says_so() -> None:
    listener, _ = opened()
    listener.data_received(UP + frame(b"[" + b'"something else"'))
    assert not listener.joined.done()
    listener.connection_lost(None)
    with pytest.raises(ConnectionError, match="before it had joined"):
        await listener.joined
    never = Listener(Join("realtime:wedding:1", "token"), "127.0.0.1:1")
    never.send(b"nowhere")
    never.close()
    never.joined.cancel()


def test_a_request_says_how_long_its_body_is() -> None:
    json, raw, bare = (request("POST", "/x", body=body) for body in ({"a": 1}, b"raw", None))
    assert json.endswith(b'\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}')
    assert raw.endswith(b"\r\nContent-Length: 3\r\n\r\nraw") and b"Content-Type" not in raw
    assert bare.endswith(b"Host: 127.0.0.1\r\n\r\n")
    signed_in = request("GET", "/x", token="t", cookie="c", headers={"Accept": "text/html"})
    assert b"Authorization: Bearer t\r\nCookie: wedsync_session=c\r\nSec-Fetch-Site: same-origin\r\nAccept" in signed_in


async def test_work_is_started_as_often_as_is_said_and_all_of_it_waited_for() -> None:
    done: list[float] = []

    async def work(due: float) -> None:
        done.append(due)

    await paced(work, per_s=1000.0, seconds=0.02)
    assert len(done) == 20
    assert done == sorted(done)

    class Caller:
        async def call(self, content: bytes) -> Any:
            await asyncio.sleep(0)
            return SimpleNamespace(status=200, is_good=True, body=b"")

    caller: Any = Caller()
    load = await closed_loop(caller, lambda: b"x", at_once=2, seconds=0.005)
    assert load.seconds >= 0.005
