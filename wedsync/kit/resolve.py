"""Turns a host name into addresses without ever stalling the event loop or asking twice at once.

The system's resolver blocks, so it runs on its own few threads: a tenant's dead name server must not take the threads
that others need for longer than one look-up, so failures are remembered too and one name is asked once at a time.
"""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

Resolver = Callable[[str], Awaitable[list[str]]]

THREADS = 16
REMEMBERED_S = 30.0
FAILURE_REMEMBERED_S = 5.0
NAMES_MAX = 4096


class ResolveError(Exception):
    """The name has no address, or no name server answered."""


class SystemResolver:
    """Asks the system (hosts file, then DNS) and remembers the answer for half a minute.

    Remembering is safe although a hostile name may change its answer: what was checked is what is dialled.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        ask: Callable[[str], list[str]] | None = None,
    ) -> None:
        """`ask` is called in a thread for each look-up; it raises OSError where there is no answer."""
        self._ask_system = _addresses if ask is None else ask
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolve")
        self._monotonic = monotonic
        self._known: OrderedDict[str, tuple[float, list[str] | ResolveError]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[list[str]]] = {}

    async def __call__(self, host: str) -> list[str]:
        """Addresses in the system's order of preference; raises ResolveError."""
        known = self._known.get(host)
        if known is not None and known[0] > self._monotonic():
            if isinstance(known[1], ResolveError):
                raise ResolveError(str(known[1]))
            return known[1]
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = asyncio.create_task(self._ask(host))
            task.add_done_callback(lambda done: self._asked(host, done))
        # Shielded: one caller's deadline must not cancel the look-up for the others who wait for it.
        return await asyncio.shield(task)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, host: str) -> list[str]:
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._ask_system, host)
        except OSError as cause:
            error = ResolveError(f"{host} could not be resolved: {cause.strerror or cause}")
            self._remember(host, FAILURE_REMEMBERED_S, error)
            raise error from cause
        self._remember(host, REMEMBERED_S, found)
        return found

    def _remember(self, host: str, seconds: float, answer: list[str] | ResolveError) -> None:
        self._known[host] = (self._monotonic() + seconds, answer)
        self._known.move_to_end(host)
        while len(self._known) > NAMES_MAX:
            self._known.popitem(last=False)

    def _asked(self, host: str, task: asyncio.Task[list[str]]) -> None:
        del self._asking[host]
        if not task.cancelled():
            task.exception()  # read it, or asyncio warns when every caller has gone away meanwhile


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
