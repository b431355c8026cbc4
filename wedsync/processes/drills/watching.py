"""Who looks on in a drill: a screen of each side of every wedding, and probes that ask every second for answers.

A screen notes when each position of its wedding's stream came first; where its socket is lost it opens another at once,
as the clients do, and is sent what it has missed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from wedsync.processes.drills.calls import Caller, request
from wedsync.processes.drills.cast import Wedding, each
from wedsync.processes.drills.ledger import Kept
from wedsync.processes.drills.listeners import (
    HEARTBEAT,
    OPENINGS_AT_ONCE,
    Join,
    Listener,
    open_one,
    permit_many,
    seq_of,
    wedding_topic,
)

AGAIN_S: Final = 0.2
LOOK_S: Final = 1.0
"""How often what has come is read; when it came was noted as it came."""
HEARTBEAT_S: Final = 5.0
LOG_PAGE: Final = 200
LOST_AFTER_S: Final = 30.0
OWN_S: Final = 0.02
PROBE_S: Final = 1.0
PROBE_PATIENCE_S: Final = 2.0


class Screen:
    """One side's open page of one wedding. `seen` maps each position to when it came, in wall-clock nanoseconds."""

    def __init__(self, wedding: Wedding, side: str, join: Join, port: int) -> None:
        self.wedding = wedding
        self.side = side
        self.token = join.token
        self.seen: dict[int, int] = {}
        self.repeats = 0
        self.openings = 0
        self._join = join
        self._port = port
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self.is_open = asyncio.Event()

    async def watch(self, gate: asyncio.Semaphore) -> None:
        """For ever. Only so many open at once as the gate lets through, for this process has one loop for all."""
        while True:
            try:
                async with gate:
                    listener = await open_one(self._port, self._join, keeps=True)
            except (OSError, TimeoutError):
                await asyncio.sleep(AGAIN_S)
                continue
            self.openings += 1
            try:
                await self._read(listener)
            finally:
                listener.close()

    async def _read(self, listener: Listener) -> None:
        self.is_open.set()
        beat_at = time.monotonic() + HEARTBEAT_S
        while True:
            is_lost = listener.gone.is_set()
            taken, listener.frames = listener.frames, []
            for at, frame in taken or ():
                self._note(at + self._offset_ns, seq_of(frame))
            if is_lost:
                return
            if time.monotonic() >= beat_at:
                listener.send(HEARTBEAT)
                beat_at += HEARTBEAT_S
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await listener.gone.wait()

    def _note(self, at: int, seq: int) -> None:
        if seq in self.seen:
            self.repeats += 1
        else:
            self.seen[seq] = at


def screens_of(weddings: Sequence[Wedding], port: int) -> list[Screen]:
    """The couple's and one supplier's of each wedding."""
    made = []
    for wedding in weddings:
        sides = {"couple": wedding.couple.token, "supplier": wedding.businesses[0].owner.token}
        for side, token in sides.items():
            join = Join(topic=wedding_topic(wedding.id), token=token, table="", presence_key=side)
            made.append(Screen(wedding, side, join, port))
    return made


class Probe(msgspec.Struct):
    """One question asked every second: how often, and how often the answer took a second try or never came."""

    name: str
    asked: int = 0
    late: int = 0
    failed: int = 0
    worst_ms: float = 0.0


class Probes:
    """REST, a page and a socket of the first wedding."""

    def __init__(self, wedding: Wedding, caller: Caller, port: int) -> None:
        self.all = [Probe("REST"), Probe("page"), Probe("socket")]
        couple = wedding.couple
        rest = request("GET", f"/api/v1/weddings/{wedding.id}", token=couple.token)
        page = request("GET", f"/me/{wedding.id}", cookie=couple.cookie)
        join = Join(topic=wedding_topic(wedding.id), token=couple.token, table="", presence_key="probe")

        async def by_socket() -> bool:
            listener = await open_one(port, join)
            listener.close()
            return True

        def asking(content: bytes) -> Callable[[], Awaitable[bool]]:
            async def ask() -> bool:
                return (await caller.call(content)).is_good

            return ask

        self._asks = [asking(rest), asking(page), by_socket]

    async def ask(self) -> None:
        """For ever, every second, each by itself."""
        asked: set[asyncio.Task[None]] = set()
        try:
            while True:
                for probe, ask in zip(self.all, self._asks, strict=True):
                    task = asyncio.create_task(self._once(probe, ask))
                    asked.add(task)
                    task.add_done_callback(asked.discard)
                await asyncio.sleep(PROBE_S)
        finally:
            for task in asked:
                task.cancel()

    async def _once(self, probe: Probe, ask: Callable[[], Awaitable[bool]]) -> None:
        """An answer within two seconds counts, whether at once or at a second try."""
        probe.asked += 1
        began = time.perf_counter()
        with suppress(TimeoutError):
            async with asyncio.timeout(PROBE_PATIENCE_S):
                tries = 0
                while True:
                    tries += 1
                    with suppress(OSError):
                        if await ask():
                            probe.late += tries > 1
                            probe.worst_ms = max(probe.worst_ms, (time.perf_counter() - began) * 1000)
                            return
                    await asyncio.sleep(AGAIN_S / 2)
        probe.failed += 1


@asynccontextmanager
async def watched(screens: Sequence[Screen]) -> AsyncIterator[None]:
    """All screens open, and as long as they are."""
    permit_many()
    gate = asyncio.Semaphore(OPENINGS_AT_ONCE)
    watching = [asyncio.create_task(screen.watch(gate)) for screen in screens]
    try:
        await asyncio.gather(*(screen.is_open.wait() for screen in screens))
        yield
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


async def late(found: list[float]) -> None:
    """For ever: by how many milliseconds this process itself is late, which is in what its screens note."""
    while True:
        due = time.monotonic() + OWN_S
        await asyncio.sleep(OWN_S)
        found.append((time.monotonic() - due) * 1000)


class Lost(msgspec.Struct, frozen=True):
    """A position that a screen should have shown and did not."""

    wedding: str
    side: str
    seq: int


async def lost_on_screens(caller: Caller, screens: Sequence[Screen], kept: Kept) -> list[Lost]:
    """What the log tells each side since the beginning, and its screen did not show, however late.

    A screen whose gateway is only coming back is given time: that it is late is told as late, not as lost.
    """
    give_up_at = time.monotonic() + LOST_AFTER_S
    asked = screens
    while True:
        lost = await _missing(caller, asked, kept)
        if not lost or time.monotonic() >= give_up_at:
            return lost
        await asyncio.sleep(PROBE_S)
        behind = {(one.wedding, one.side) for one in lost}
        asked = [screen for screen in asked if (str(screen.wedding.id), screen.side) in behind]


async def _missing(caller: Caller, screens: Sequence[Screen], kept: Kept) -> list[Lost]:
    first: dict[object, int] = {}
    for wedding, seq in kept.recorded:
        first[wedding] = min(seq, first.get(wedding, seq))

    async def of(screen: Screen) -> list[Lost]:
        if screen.wedding.id not in first:
            return []
        told = await _log(caller, screen, first[screen.wedding.id])
        return [Lost(str(screen.wedding.id), screen.side, seq) for seq in told if seq not in screen.seen]

    return [one for several in await each(of, screens) for one in several]


async def _log(caller: Caller, screen: Screen, first: int) -> list[int]:
    """The positions that this side may see, from the first on."""
    path, found = f"/api/v1/weddings/{screen.wedding.id}/events", []
    top = await caller.call(request("GET", f"{path}?limit=1", token=screen.token))
    epoch = msgspec.json.decode(top.body)["cursor"].partition(":")[0]
    after: str | None = f"{epoch}:{first - 1}"
    while after is not None:
        page = await caller.call(request("GET", f"{path}?after={after}&limit={LOG_PAGE}", token=screen.token))
        told = msgspec.json.decode(page.body)
        found += [one["seq"] for one in told["items"]]
        after = told["next"]
    return found
