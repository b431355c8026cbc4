"""The worker process: claims jobs and runs them side by side, deliveries, reactions and long work.

It is woken by a word through Valkey and by its own commits, and looks four times a second while there is work, once
while there is none; nothing depends on the word. What it holds is bounded: places for each lane, and places for any.
On SIGTERM it claims no more, lets tries end, writes their ends and gives back what it had not begun.
"""

import asyncio
import contextlib
import gc
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Final
from uuid import UUID

import structlog
import uvloop

from wedsync.connections.mailing import probing
from wedsync.events import programs, record, tracing
from wedsync.events.catalogue import Catalogue
from wedsync.events.completions import Completions
from wedsync.events.deliver import STOPPED, Sender, attempt, ending
from wedsync.events.hints import CHANNEL, Hints
from wedsync.events.jobs import LEASE_S, Ending, Job, Payload, Queue, is_passing, noting_finished
from wedsync.events.reactions import UnknownName, Work, react
from wedsync.events.retry import Outcome, decide
from wedsync.events.sweeps import Sweeper
from wedsync.events.touched import scopes_of
from wedsync.events.turns import Turns
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.errors import Refusal
from wedsync.kit.heart import Heart, pool_of, writing
from wedsync.kit.looks import Reads
from wedsync.kit.valkey import Publisher, Subscriber
from wedsync.kit.watch import Watch
from wedsync.processes import pooling, registry, seats, senders, wedding_time
from wedsync.processes.places import SHARED_A_CLAIM, Places
from wedsync.processes.stopping import stop_on_signals

log = structlog.get_logger("worker")

CLAIM_PACE_S: Final = 0.002
"""Between two claims, so that a burst is claimed together; a long claim is followed by as long a rest, to a point."""
CLAIM_REST_MAX_S: Final = 0.02
POLL_BUSY_S: Final = 0.25
POLL_IDLE_S: Final = 1.0
BUSY_S: Final = 10.0
HEARTBEAT_S: Final = LEASE_S / 4
DRAIN_S: Final = 14.0
"""Longer than the longest try; with the writing of its ends a stop takes less than twenty seconds."""
NAME: Final = "wedsync-worker"
SERVICE_POOL: Final = 6
WAKE: Final = "wedsync:wake"


class Worker:
    """Everything one process holds. `run` returns when `stop` is set and all is settled."""

    def __init__(
        self,
        *,
        queue: Queue,
        door: Door,
        catalogue: Catalogue,
        senders: Mapping[str, Sender],
        works: Mapping[str, Work],
        wake: asyncio.Event,
        watch: Watch | None = None,
    ) -> None:
        self._queue = queue
        self._watch = watch or Watch()
        self._door = door
        self._catalogue = catalogue
        self._senders = senders
        self._works = works
        self._wake = wake
        self._rng = random.Random()  # noqa: S311 -- jitter, not a secret
        self._turns = Turns(catalogue.prompt())
        self._completions = Completions(queue, self._ended)
        self._held: dict[UUID, tuple[Job, float]] = {}
        self._places = Places()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._batches: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._bug: BaseException | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until asked to stop. A bug of its own ends it too: what can be settled is, then it is raised."""
        self._stop = stop
        claiming, keeping = asyncio.create_task(self._claim_for_ever()), asyncio.create_task(self._keep_leases())
        for task in (claiming, keeping):
            task.add_done_callback(self._note_bug)
        await stop.wait()
        self._wake.set()
        await asyncio.wait({claiming})
        await self._settle()
        keeping.cancel()
        await asyncio.wait({keeping})
        if self._bug is not None:
            raise self._bug

    def _note_bug(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self._bug = self._bug or task.exception()
            self._stop.set()

    async def _claim_for_ever(self) -> None:
        busy_until = 0.0
        while not self._stop.is_set():
            self._wake.clear()
            began, room = clock.monotonic(), self._places.shared()
            jobs = await self._claim(room)
            ended = clock.monotonic()
            if jobs:
                busy_until = began + BUSY_S
                self._begin(jobs)
            if jobs and 2 * len(jobs) >= room:
                await self._make_room(ended + CLAIM_REST_MAX_S)
            else:
                await self._rest(POLL_BUSY_S if began < busy_until else POLL_IDLE_S)
            rest_s = min(CLAIM_REST_MAX_S, max(CLAIM_PACE_S, ended - began))
            await asyncio.sleep(max(0.0, ended + rest_s - clock.monotonic()))

    async def _make_room(self, until: float) -> None:
        """More is ready: until a whole claim has room, or it has waited long enough."""
        while self._places.shared() < SHARED_A_CLAIM and clock.monotonic() < until and not self._stop.is_set():
            self._wake.clear()
            await self._rest(until - clock.monotonic())

    async def _rest(self, poll_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(poll_s * self._rng.uniform(0.8, 1.2)):
                await self._wake.wait()

    async def _claim(self, shared: int) -> list[Job]:
        own = self._places.own()
        if not shared and not any(own):
            return []
        try:
            return await self._queue.claim(own, shared)
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("claim_failed", reason=f"{type(error).__name__}: {error}")
            return []

    def _begin(self, jobs: Sequence[Job]) -> None:
        at = clock.monotonic()
        for job in jobs:
            self._held[job.id] = (job, at)
            self._places.take(job.lane)
        batch = asyncio.create_task(self._turns.begin(jobs, self._begin_batch))
        self._batches.add(batch)
        batch.add_done_callback(self._batches.discard)
        batch.add_done_callback(self._note_bug)

    async def _begin_batch(self, jobs: Sequence[Job]) -> None:
        payloads = await self._payloads(jobs)
        if payloads is None:
            self._let_go(jobs)  # the leases lapse; whoever claims next finds a database that answers
            return
        if self._stop.is_set():
            await self._give_back([payload.job for payload in payloads])
            payloads = []
        payloads = await self._without_shunned(payloads)
        for payload in sorted(payloads, key=lambda one: self._turns.is_patient(one.job.name)):
            self._start(payload)
        begun = {payload.job.id for payload in payloads}
        self._let_go([job for job in jobs if job.id not in begun])

    async def _without_shunned(self, payloads: list[Payload]) -> list[Payload]:
        """What another worker has seen fail since the claim is given back, and costs its delivery no try."""
        shunned = [one.job for one in payloads if self._queue.hints.is_shunned(one.job.destination_id, one.url)]
        if not shunned:
            return payloads
        await self._give_back(shunned)
        given_back = {job.id for job in shunned}
        return [one for one in payloads if one.job.id not in given_back]

    async def _payloads(self, jobs: Sequence[Job]) -> list[Payload] | None:
        deadline = clock.monotonic() + LEASE_S / 3
        while clock.monotonic() < deadline:
            try:
                return await self._queue.payloads(jobs)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("payloads_failed", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(POLL_BUSY_S)
        return None

    def _start(self, payload: Payload) -> None:
        job = payload.job
        run = self._deliver(payload) if job.kind == "delivery" else self._do(payload)
        task = asyncio.create_task(run)
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.id, None))
        task.add_done_callback(self._note_bug)

    async def _deliver(self, payload: Payload) -> None:
        at = clock.machine_now()
        try:
            ended = await attempt(payload, self._senders, self._rng)
        except asyncio.CancelledError:
            verdict = decide(STOPPED, attempt=payload.job.attempt, rng=self._rng)
            ended = ending(payload.job, STOPPED, verdict, started_at=at, took_ms=DRAIN_S * 1000)
        if ended.state == "delivered" and payload.link_id is not None:
            programs.count_look(self._watch, payload)
        self._completions.put(ended, soon=payload.job.is_ordered)

    async def _do(self, payload: Payload) -> None:
        """A reaction or work. A reaction ends its job itself; work is ended here, unless it did so itself."""
        job, at = payload.job, clock.machine_now()
        try:
            finished = noting_finished()
            reacting = partial(react, self._door, self._catalogue, payload)
            await self._turns.run(job.name, reacting if job.kind == "reaction" else partial(self._work, job))
            if job.id in finished:
                self._let_go([job], is_waited=finished[job.id])
                return
            outcome = Outcome(word="delivered")
        except asyncio.CancelledError:
            await self._give_back([job])
            self._let_go([job])
            return
        except Refusal as refusal:
            if refusal.code == "lease_lost":
                log.info("leases_lost", jobs=[str(job.id)])
                self._let_go([job])
                return
            log.exception("job_refused", kind=job.kind, name=job.name, job_id=str(job.id))
            outcome = Outcome(word="retry_later", reason=f"{refusal.code}: {refusal.detail}")
        except Exception as error:
            log.exception("job_failed", kind=job.kind, name=job.name, job_id=str(job.id), attempt=job.attempt)
            outcome = Outcome(word="retry_later", reason=type(error).__name__)
        verdict = decide(outcome, attempt=job.attempt, rng=self._rng)
        self._completions.put(ending(job, outcome, verdict, started_at=at, took_ms=0.0), soon=job.is_ordered)

    async def _work(self, job: Job) -> None:
        work = self._works.get(job.name)
        if work is None:
            raise UnknownName(f"there is no work named {job.name}")
        with tracing.working(job):
            await work(self._door, job)

    def _ended(self, endings: Sequence[Ending]) -> None:
        self._let_go([self._held[e.job][0] for e in endings if e.job in self._held])

    def _let_go(self, jobs: Sequence[Job], *, is_waited: bool = True) -> None:
        """Their places are free, and what waited for them may run; a claim that was short of places may be, too."""
        for job in jobs:
            if self._held.pop(job.id, None) is not None:
                self._places.free(job.lane)
        if jobs and (is_waited or len(self._held) >= SHARED_A_CLAIM):
            self._wake.set()

    async def _give_back(self, jobs: Sequence[Job]) -> None:
        try:
            if jobs:
                await self._queue.release(jobs)
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("not_given_back", jobs=len(jobs), reason=f"{type(error).__name__}: {error}")

    async def _keep_leases(self) -> None:
        """Long tries and work keep their leases; what lost one is stopped where it could still change something."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            old = [job for job, at in self._held.values() if clock.monotonic() - at > HEARTBEAT_S / 2]
            if not old:
                continue
            try:
                kept = await self._queue.heartbeat(old)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("heartbeat_failed", reason=f"{type(error).__name__}: {error}")
                continue
            for job in old:
                if job.id not in kept and job.kind != "delivery" and job.id in self._tasks:
                    self._tasks[job.id].cancel()

    async def _settle(self) -> None:
        """After the last claim: let tries end, cut off what takes too long, write everything."""
        deadline = clock.monotonic() + DRAIN_S
        while self._batches or self._tasks:
            left_s = deadline - clock.monotonic()
            if left_s <= 0:
                break
            await asyncio.wait({*self._batches, *self._tasks.values()}, timeout=left_s, return_when="FIRST_COMPLETED")
        for task in (*self._batches, *self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._batches, *self._tasks.values(), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(4.0):
                await self._completions.drain()


async def serve(
    settings: Settings,
    *,
    catalogue: Catalogue,
    senders: Mapping[str, Sender],
    works: Mapping[str, Work],
    stop: asyncio.Event,
    chats: Callable[[Door], Mapping[str, Sender]] | None = None,
) -> None:
    """One worker with its pools and its ear at Valkey, until `stop`; `chats` are senders that need its door."""
    wake, watch = asyncio.Event(), Watch()
    reads = Reads(watch, scopes_of(catalogue.types.values()))
    async with _doors(settings, catalogue, wake, reads) as (queue, door, sweeper):
        await seats.take(queue)
        every = {**senders, **(chats(door) if chats is not None else {})}
        worker = Worker(queue=queue, door=door, catalogue=catalogue, senders=every, works=works, wake=wake, watch=watch)
        ear = asyncio.create_task(_listen(settings, wake, sweeper, queue.hints))
        sweeping = asyncio.create_task(sweeper.run())
        # It writes a last time after the last delivery has ended.
        last = asyncio.Event()
        heart = Heart("worker", pool=lambda: pool_of(door))
        beats = asyncio.gather(
            watch.keep(door.keep_watch, is_passing, last), heart.keep(writing(door), is_passing, last)
        )
        log.info("worker_ready")
        try:
            async with wedding_time.followed(door, settings.env):
                await worker.run(stop)
        finally:
            sweeper.stop()
            await sweeping
            ear.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ear
            last.set()
            await beats
    log.info("worker_stopped")


@contextlib.asynccontextmanager
async def _doors(
    settings: Settings, catalogue: Catalogue, wake: asyncio.Event, reads: Reads
) -> AsyncIterator[tuple[Queue, Door, Sweeper]]:
    service = await connect_pool(settings.door("service"), size=SERVICE_POOL, application=NAME, seat=seats.own())
    publisher = Publisher(settings.valkey_url)
    feed = record.feeding(publisher)

    async def published(nudge: str) -> None:
        await feed(nudge)
        if publisher.is_away:  # else we hear it ourselves
            wake.set()

    try:
        hints = Hints(publisher.publish)
        per_min, prompt = settings.deliveries_per_min, catalogue.prompt()
        queue = Queue(Door(service), per_min=per_min, published=published, hints=hints, prompt=prompt)
        sweeper = Sweeper(queue, catalogue, wake.set)
        async with pooling.pooled(settings.door("user"), face="worker", settings=settings, application=NAME) as user:
            yield queue, Door(user, flush=record.flush, published=published, reads=reads), sweeper
    finally:
        await publisher.close()
        await service.close()


async def _listen(settings: Settings, wake: asyncio.Event, sweeper: Sweeper, hints: Hints) -> None:
    """Every commit that recorded something may have owed something: its nudge is as good as a word to the workers."""

    def heard(channel: bytes, message: bytes) -> None:
        if channel == CHANNEL.encode():
            hints.hear(message)
        else:
            wake.set()
            sweeper.hear(message)

    def connected() -> None:
        wake.set()
        sweeper.wake()

    await Subscriber(settings.valkey_url, [WAKE, record.FEED, CHANNEL], heard, connected).run()


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    gc.set_threshold(10_000)  # Python's 700 search what is under way again and again: a seventh of a delivery
    uvloop.run(_serve_registered(settings))


async def _serve_registered(settings: Settings) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with senders.opened(settings) as opened:
        works = {
            **registry.works(settings, opened.remote, opened.crms, opened.host, opened.marketers),
            **probing.works(opened.chain),
        }
        catalogue = registry.catalogue(settings)
        await serve(settings, catalogue=catalogue, senders=opened.senders, works=works, stop=stop, chats=opened.chats)
