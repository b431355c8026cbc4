"""Signed-in users acting over their weddings, each with a socket: they think, then read a page or change something.

Seven in ten acts read: pages as a browser with a cookie, lists as a program with a token. The rest change an answer or
a task. Users think for five seconds on average, between none and ten, so that they do not march in step.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from bench.report import Figures, spread
from bench.rounds import NotRun, Plan
from bench.stage import Stage, staged
from wedsync.processes.drills.calls import Caller, Load, calling, request
from wedsync.processes.drills.cast import Wedding, built
from wedsync.processes.drills.listeners import Join, listening, lost, wedding_topic

PARTS = ("sandbox", "web", "gateway", "worker", "clock")
USERS = 1000
GUESTS_EACH = 60
TASKS_EACH = 8
CONNECTIONS = 64
THINK_S = 5.0
READS = 0.7
PAGES = ("", "/guests", "/schedule", "/tasks", "/suppliers", "/budget", "/activity")
LISTS = ("", "/guests?limit=50", "/rsvps?limit=50", "/schedule", "/tasks", "/headcounts", "/links")
STATUSES = ("accepted", "declined", "tentative")


class Acted(msgspec.Struct):
    """What the crowd met."""

    reads: Load
    writes: Load
    frames: int = 0
    lost: int = 0
    """Sockets that the gateway closed."""

    @property
    def errors(self) -> int:
        return self.reads.errors + self.writes.errors + self.lost


class User:
    """One of them, with the requests they may send."""

    def __init__(self, wedding: Wedding, pages: Sequence[str], lists: Sequence[str], seed: int) -> None:
        self.wedding = wedding
        self._rng = random.Random(seed)
        cookie, token = wedding.couple.cookie, wedding.couple.token
        self.reads = [request("GET", f"/me/{wedding.id}{page}", cookie=cookie) for page in pages]
        self.reads += [request("GET", f"/api/v1/weddings/{wedding.id}{path}", token=token) for path in lists]
        self._done: set[int] = set()

    async def act(self, caller: Caller, acted: Acted, until: float) -> None:
        """Think and act until it is time to go."""
        while True:
            await asyncio.sleep(self._rng.uniform(0, 2 * THINK_S))
            began = time.perf_counter()
            if began >= until:
                return
            is_read = self._rng.random() < READS
            answer = await caller.call(self._rng.choice(self.reads) if is_read else self._change())
            load = acted.reads if is_read else acted.writes
            load.note(answer, (time.perf_counter() - began) * 1000)

    def _change(self) -> bytes:
        wedding, token = self.wedding, self.wedding.couple.token
        if wedding.tasks and self._rng.random() < 0.3:
            number = self._rng.randrange(len(wedding.tasks))
            word = "reopen" if number in self._done else "done"
            self._done ^= {number}
            return request("POST", f"/api/v1/tasks/{wedding.tasks[number]}/{word}", token=token)
        guest = self._rng.choice(wedding.guests)
        body = {"status": self._rng.choice(STATUSES)}
        return request("PUT", f"/api/v1/guests/{guest}/rsvps/{wedding.dinner}", token=token, body=body)


class Crowd:
    """All of them, with everything that is installed running."""

    def __init__(self, stage: Stage, weddings: Sequence[Wedding], served: tuple[list[str], list[str]]) -> None:
        self.stage = stage
        self.weddings = weddings
        self.pages, self.lists = served
        self._seed = 0

    def joins(self) -> list[Join]:
        return [
            Join(wedding_topic(w.id), w.couple.token, has_presence=True, presence_key=str(w.couple.id))
            for w in self.weddings
        ]

    async def act(self, seconds: float) -> Acted:
        """Let them act with a socket each."""
        acted = Acted(Load(), Load())
        self._seed += 1
        users = [
            User(wedding, self.pages, self.lists, seed=self._seed * len(self.weddings) + number)
            for number, wedding in enumerate(self.weddings)
        ]
        async with (
            listening(self.stage.settings.gateway_port, self.joins()) as listeners,
            calling(self.stage.settings.port, CONNECTIONS) as caller,
        ):
            began = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for user in users:
                    group.create_task(user.act(caller, acted, began + seconds))
            acted.reads.seconds = acted.writes.seconds = seconds
            acted.frames, acted.lost = sum(listener.changes for listener in listeners), lost(listeners)
            self.stage.check()
            return acted

    async def figures(self, seconds: float) -> Figures:
        """The same, told in figures."""
        before = {part: self.stage.cpu_s(part) for part in (*PARTS, "postgres", "valkey")}
        began = time.perf_counter()
        acted = await self.act(seconds)
        took_s = time.perf_counter() - began
        both = acted.reads.took_ms + acted.writes.took_ms
        return {
            **spread("all", both),
            **spread("read", acted.reads.took_ms),
            **spread("write", acted.writes.took_ms),
            "errors": float(acted.errors),
            "acts_per_s": len(both) / seconds,
            "frames": float(acted.frames),
            **{f"{part}_percent": 100 * (self.stage.cpu_s(part) - cpu_s) / took_s for part, cpu_s in before.items()},
        }


@asynccontextmanager
async def gathered(plan: Plan) -> AsyncIterator[Crowd]:
    """A wedding for each user, and all processes that serve them."""
    async with staged(*PARTS) as stage:
        weddings = await built(stage, plan.count(USERS), guests_each=GUESTS_EACH, tasks_each=TASKS_EACH)
        await stage.settled()
        yield Crowd(stage, weddings, await _served(stage, weddings[0]))


async def _served(stage: Stage, wedding: Wedding) -> tuple[list[str], list[str]]:
    """The pages and lists that there are, asked for once as one couple. NotRun where some are refused."""
    user = User(wedding, PAGES, LISTS, 0)
    found: dict[str, int] = {}
    async with calling(stage.settings.port, 1) as caller:
        for path, content in zip((*PAGES, *LISTS), user.reads, strict=True):
            found[path] = (await caller.call(content)).status
    bad = {path: status for path, status in found.items() if status != 200}
    if bad:
        raise NotRun(f"these answer otherwise than 200: {bad}")
    return list(PAGES), list(LISTS)
