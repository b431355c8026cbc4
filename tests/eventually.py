"""Waits for a fact about other processes: the one file of the tests that may poll."""

import asyncio
import contextlib
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

EVERY_S = 0.02


async def eventually(check: Callable[[], T | Awaitable[T]], *, within_s: float = 10.0, what: str = "") -> T:
    """The first true answer of `check`, which may be async; AssertionError with its last answer when time is over."""
    deadline = time.monotonic() + within_s
    while True:
        answer = check()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer  # type: ignore[return-value]
        assert time.monotonic() < deadline, f"{what or 'not so'} within {within_s} s; last answer: {answer!r}"
        await asyncio.sleep(EVERY_S)


async def passes(stop: asyncio.Event, seconds: float) -> bool:
    """Let time go by for whoever keeps a pace; at once, and true, when it is to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()


def until(check: Callable[[], T], *, within_s: float = 10.0, what: str = "") -> T:
    """The same outside of a loop."""
    deadline = time.monotonic() + within_s
    while not (answer := check()):
        assert time.monotonic() < deadline, f"{what or 'not so'} within {within_s} s; last answer: {answer!r}"
        time.sleep(EVERY_S)
    return answer
