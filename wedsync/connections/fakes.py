"""What every connector's fake is built of: moods to be unkind in, a shelf of bounded memory, and pages to look inside.

Fakes stand in for providers in tests and in the sandbox, never in production. A fake's module `fake` has
`build(settings) -> Fake`; its routes are mounted by the sandbox at the root.
"""

import asyncio
import errno
import os
import socket
import stat
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from litestar import Request
from litestar.types import ControllerRouterHandler

from wedsync.connections.manifest import find
from wedsync.kit.errors import Refusal

FINE = "fine"
WAIT_MAX_S = 30.0

Item = TypeVar("Item")


class Fake(Protocol):
    """A provider for tests. `address` is what its connector is pointed at, known once it has started."""

    title: str
    routes: Sequence[ControllerRouterHandler]

    @property
    def address(self) -> str: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Moods:
    """How a fake behaves: `fine`, or one of the moods it knows, for good or for a number of calls."""

    def __init__(self, known: Mapping[str, str]) -> None:
        """`known` maps each mood to what it does, in words for the page."""
        self.known = {FINE: "Everything works.", **known}
        self.current = FINE
        self.left: int | None = None

    def switch(self, mood: str, times: int | None = None) -> None:
        """Raises Refusal 422 for a mood this fake does not know."""
        if mood not in self.known:
            raise Refusal(422, "unknown_mood", f"There is no mood {mood!r}. Known: {', '.join(self.known)}.")
        self.current = mood
        self.left = times if mood != FINE else None

    def take(self) -> str:
        """The mood for one call; after its last call everything is fine again."""
        mood = self.current
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.switch(FINE)
        return mood


class Shelf(Generic[Item]):
    """Keeps the newest things within a number and a weight, and lets callers wait for more of them."""

    def __init__(self, *, items_max: int, bytes_max: int) -> None:
        self._items: OrderedDict[str, tuple[Item, int]] = OrderedDict()
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        """Newest first."""
        return (item for item, _ in reversed(self._items.values()))

    def get(self, key: str) -> Item | None:
        found = self._items.get(key)
        return found[0] if found is not None else None

    async def put(self, key: str, item: Item, weight: int) -> None:
        """Adds, or replaces what has the same key and makes it the newest."""
        self._drop(key)
        self._items[key] = (item, weight)
        self._bytes += weight
        while len(self._items) > self._items_max or (self._bytes > self._bytes_max and len(self._items) > 1):
            self._drop(next(iter(self._items)))
        async with self._changed:
            self._changed.notify_all()

    def clear(self, keep: Callable[[Item], bool] | None = None) -> None:
        for key in [key for key, (item, _) in self._items.items() if keep is None or not keep(item)]:
            self._drop(key)

    async def wait_for(self, count: int, wanted: Callable[[Item], bool], wait_s: float) -> list[Item]:
        """What is wanted, newest first, as soon as there are `count` of it or the time is over."""

        def found() -> list[Item]:
            return [item for item in self if wanted(item)]

        with suppress(TimeoutError):
            async with asyncio.timeout(min(wait_s, WAIT_MAX_S)), self._changed:
                await self._changed.wait_for(lambda: len(found()) >= count)
        return found()

    def _drop(self, key: str) -> None:
        _, weight = self._items.pop(key, (None, 0))
        self._bytes -= weight


class MoodChange(msgspec.Struct, forbid_unknown_fields=True):
    """The body that switches a mood; without `times` it stays."""

    mood: str
    times: int | None = None


def given(fake: Item) -> Callable[[], Awaitable[Item]]:
    """A dependency that hands the fake itself to its routes; a bound method would hand them a deep copy of it."""

    async def itself() -> Item:
        return fake

    return itself


def pages(folder: Path) -> Environment:
    """Templates of one fake over those all share (`sandbox.html`, `moods.html`)."""
    env = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(Path(__file__).parent / "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    notes = [manifest.fake for manifest in find().values()]
    env.globals["places"] = [note for note in notes if note is not None]
    return env


def drop_connection(request: "Request[Any, Any, Any]") -> None:
    """Closes the caller's connection without an answer.

    No ASGI server offers that, so the socket is looked up by its peer among this process's own.
    """
    host, port = request.scope["client"] or ("", 0)
    for entry in os.listdir("/proc/self/fd"):  # noqa: PTH208  (descriptors are not paths)
        with suppress(OSError), socket.socket(fileno=_copy(int(entry))) as one:
            if one.getpeername()[:2] == (host, int(port)):
                one.shutdown(socket.SHUT_RDWR)
                return


def _copy(descriptor: int) -> int:
    """A second descriptor of the same socket, so that closing it leaves the server's own alone."""
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        raise OSError(errno.ENOTSOCK, "not a socket")
    return os.dup(descriptor)
