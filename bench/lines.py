"""How a process of the load speaks with the bench that began it: a line of JSON each."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def say(said: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


async def told(kind: type[T]) -> AsyncIterator[T]:
    """What it is told, until standard input is closed. Raises msgspec.DecodeError, ValidationError."""
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        yield msgspec.json.decode(line, type=kind)
