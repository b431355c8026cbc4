"""The load's other processes: each reads what it is told from standard input, and ends when that is closed."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from bench.stage import plain_environ

T = TypeVar("T")
LINE_MAX_BYTES = 256 * 1024 * 1024


class Peer:
    """A running one. It speaks in lines of JSON."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def tell(self, said: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(said) + b"\n")
        await self._process.stdin.drain()

    async def answer(self, kind: type[T], *, patience_s: float) -> T:
        """Its next line. RuntimeError where it ended instead."""
        assert self._process.stdout is not None
        async with asyncio.timeout(patience_s):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a part of the load ended with {await self._process.wait()}; see above")
        return msgspec.json.decode(line, type=kind)


@asynccontextmanager
async def peer(module: str) -> AsyncIterator[Peer]:
    """`python -m bench.<module>`, ended afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"bench.{module}"),
        stdin=PIPE,
        stdout=PIPE,
        env=plain_environ(),
        limit=LINE_MAX_BYTES,
        start_new_session=True,
    )
    try:
        yield Peer(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            process.terminate()
        await process.wait()
