"""Changes at an even pace, in a process of its own: `python -m bench.writer` answers for guests as a web worker does.

It uses the product's action, door and publisher, and remembers for each event when its commit had returned. Told a
`Task` on standard input, it warms up, works, answers with a `Done`, and waits for the next.
"""

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
import uvloop

from bench.lines import say, told
from wedsync.events import record
from wedsync.guests import replies
from wedsync.guests.model import Reply
from wedsync.kit import config
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.valkey import Publisher
from wedsync.operations.database import sizing
from wedsync.processes.drills.calls import paced

EVENTS = "wedsync:events"
WARM_S = 1.0


class Place(msgspec.Struct, frozen=True):
    """A wedding whose guests answer, and who answers for them."""

    wedding: UUID
    couple: UUID
    item: UUID
    guests: list[UUID]


class Task(msgspec.Struct, frozen=True):
    """What to do: so many answers a second for so long, each for a random guest of the next wedding in turn."""

    environ: dict[str, str]
    places: list[Place]
    per_s: float
    seconds: float
    seed: int = 1


class Event(msgspec.Struct, frozen=True):
    """The part of an event that is needed here."""

    id: str
    stream: str
    seq: int
    type: str


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """An event, and when its commit had returned, in nanoseconds of the monotonic clock."""

    id: str
    stream: str
    seq: int
    type: str
    at: int


class Done(msgspec.Struct):
    """What was committed after the warm-up, and how long the transactions took."""

    stamps: list[Stamp]
    took_ms: list[float]
    cpu_s: float


class Writer:
    """One task."""

    def __init__(self, task: Task) -> None:
        self._places = task.places
        self._rng = random.Random(task.seed)
        self._turn = 0
        self._nudges: list[tuple[int, str]] = []
        self._took_ms: list[float] = []
        self._door: Door | None = None
        self._publisher: Publisher | None = None

    async def run(self, task: Task) -> Done:
        async with self._opened(task.environ):
            await paced(self._reply, per_s=task.per_s, seconds=WARM_S)
            self._nudges.clear()
            self._took_ms.clear()
            began = time.process_time()
            await paced(self._reply, per_s=task.per_s, seconds=task.seconds)
            cpu_s = time.process_time() - began
        decoder = msgspec.json.Decoder(list[Event])
        stamps = [Stamp(e.id, e.stream, e.seq, e.type, at) for at, nudge in self._nudges for e in decoder.decode(nudge)]
        return Done(stamps, self._took_ms, cpu_s)

    @asynccontextmanager
    async def _opened(self, environ: dict[str, str]) -> AsyncIterator[None]:
        settings = config.load(environ)
        pool = await connect_pool(settings.door("user"), size=sizing.first("web", settings), application="bench-writer")
        self._publisher = Publisher(settings.valkey_url)
        self._door = Door(pool, flush=record.flush, published=self._published)
        try:
            yield
        finally:
            await self._publisher.close()
            await pool.close()

    async def _published(self, nudge: str) -> None:
        assert self._publisher is not None
        self._nudges.append((time.monotonic_ns(), nudge))
        await self._publisher.publish(EVENTS, nudge)

    async def _reply(self, due: float) -> None:
        assert self._door is not None
        place = self._places[self._turn % len(self._places)]
        self._turn += 1
        answer = Reply(status=self._rng.choice(("accepted", "declined", "tentative")))
        began = time.perf_counter()
        async with self._door.enter_at(
            Actor(kind="person", id=place.couple), "guests", guest := self._rng.choice(place.guests)
        ) as tx:
            await replies.reply(tx, guest, place.item, answer, by="couple")
        self._took_ms.append((time.perf_counter() - began) * 1000)


async def main() -> None:
    async for task in told(Task):
        say(await Writer(task).run(task))


if __name__ == "__main__":
    uvloop.run(main())
