"""Two applications with one answer: by Litestar and msgspec, and by hand as the floor below any framework."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from litestar import Litestar, get


class Guest(msgspec.Struct):
    """What both answer."""

    id: int
    name: str
    status: str


@get("/guests/{number:int}", sync_to_thread=False)
def guest(number: int) -> Guest:
    return Guest(id=number, name="Carla Rossi", status="accepted")


litestar = Litestar([guest], openapi_config=None, logging_config=None)


async def bare(scope: Mapping[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    if scope["type"] == "http":
        body = msgspec.json.encode(
            Guest(id=int(scope["path"].rpartition("/")[2]), name="Carla Rossi", status="accepted")
        )
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
