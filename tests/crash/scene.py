"""The scene of a crash: a wedding that owes webhooks and reactions, workers to kill, and the promises to check after.

The promises: every event owed reaches the receiver, repeats bear the same id and the same words, nothing of an aborted
transaction is sent, every reaction happened once, an attempt is written if and only if the ledger moved or it is marked
late, and the log has no hole.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import standardwebhooks

from tests.crash.receiver import Receiver, receiving
from tests.crash.worker_program import ANSWERED, REACTIONS
from tests.eventually import eventually, passes
from tests.ledger import TYPES, Ledger, Wedding, fact, opened
from wedsync.events.jobs import is_passing
from wedsync.kit import clock, failpoints
from wedsync.kit.config import Settings
from wedsync.kit.seal import KeyRing

ROOT = Path(__file__).parent.parent.parent
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STUCK_S = 1.0
PACE_S = 0.005
UNHURRIED = {"WEDSYNC_DELIVERIES_PER_MIN": "1000000"}
KEPT_ENVIRON = ("PATH", "HOME", "LANG", "PYTHONPATH")
HOW_FAR = "select count(*) as live, string_agg(lease_token::text, ' ' order by id) as leases from jobs"
ATTEMPTS_THAT_MOVED = (
    "select d.id from deliveries d left join attempts a on a.delivery_id = d.id and not a.is_late"
    " where d.destination_id = $1 group by d.id, d.made_at, d.attempts"
    " having count(a.id) <> d.attempts or count(a.id) filter (where a.outcome = 'delivered') <> 1"
)


class Aborted(Exception):  # noqa: N818 -- what happened to the transaction
    """The transaction was given up after its facts were made."""


class Stream:
    """Facts without end, by a couple that tries again: `kept` are the names whose commit was answered."""

    def __init__(self, scene: "Scene") -> None:
        self.scene = scene
        self.kept: list[str] = []
        self.failed = 0
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Stream":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        assert self._task is not None
        await self._task

    async def more(self, count: int) -> None:
        """Until so many more are in."""
        wanted = len(self.kept) + count
        await eventually(lambda: len(self.kept) >= wanted, within_s=60, what="facts are committed")

    async def committed(self) -> int:
        """How many are in; every one that was answered is."""
        rows = await self.scene.ledger.admin.fetch("select name from parties where name like 'kept %'")
        names = {row["name"] for row in rows}
        assert set(self.kept) <= names, "what was answered is committed"
        return len(names)

    async def _run(self) -> None:
        number = 0
        while not await passes(self._stop, PACE_S):
            number += 1
            try:
                async with self.scene.ledger.user.enter(self.scene.wedding.couple, self.scene.wedding.id) as tx:
                    await fact(tx, self.scene.wedding.id, name=f"kept {number}")
            except Exception as error:
                if not is_passing(error):
                    raise
                self.failed += 1
                continue
            self.kept.append(f"kept {number}")


class Scene:
    """One wedding with one endpoint at the receiver."""

    def __init__(self, *, ledger: Ledger, receiver: Receiver, settings: Settings) -> None:
        self.ledger = ledger
        self.receiver = receiver
        self.settings = settings
        self.wedding: Wedding
        self.endpoint: UUID
        self.workers: list[subprocess.Popen[bytes]] = []

    async def lay(self) -> None:
        """The wedding, its endpoint with a sealed secret, and the reaction."""
        await self.ledger.know(REACTIONS, (*TYPES, ANSWERED))
        self.wedding = await self.ledger.wedding()
        self.endpoint = await self.ledger.endpoint(self.wedding, url=f"{self.receiver.url}/in")
        ring = KeyRing.from_setting(self.settings.seal_keys)
        place = {"tenant": self.wedding.id, "table": "endpoints", "column": "secret_sealed", "row": self.endpoint}
        sealed = ring.seal(SECRET.encode(), **place)
        await self.ledger.admin.execute("update endpoints set secret_sealed = $2 where id = $1", self.endpoint, sealed)

    def start(self, armed: str = "", **environ: str) -> subprocess.Popen[bytes]:
        """A worker process, with failpoints and other variables than the scene's."""
        kept = {name: os.environ[name] for name in KEPT_ENVIRON if name in os.environ}
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.worker_program"],
            env={**kept, **self.settings.environ(), **UNHURRIED, failpoints.VARIABLE: armed, **environ},
            cwd=ROOT,
        )
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        """End every worker that is left, also one that is halted."""
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()

    def stream(self) -> Stream:
        """Facts as fast as they go in, while something happens."""
        return Stream(self)

    async def facts(self, count: int) -> None:
        """So many facts; after every third one a transaction that is given up."""
        for number in range(count):
            async with self.ledger.user.enter(self.wedding.couple, self.wedding.id) as tx:
                await fact(tx, self.wedding.id, name=f"kept {number}")
            if number % 3 == 0:
                with suppress(Aborted):
                    async with self.ledger.user.enter(self.wedding.couple, self.wedding.id) as tx:
                        await fact(tx, self.wedding.id, name="never")
                        raise Aborted

    async def recovers(self, *, within_s: float = 30.0) -> None:
        """Until nothing is live. Where nothing moved for a second a minute goes by: leases lapse, retries are due.

        A lease that began meanwhile is a move: a minute must not go by for a worker that has only just come up.
        """
        left: tuple[int, str | None] = (-1, None)
        since = clock.monotonic()

        async def is_quiet() -> bool:
            nonlocal left, since
            row = await self.ledger.admin.fetchrow(HOW_FAR)
            assert row is not None
            now = (row["live"], row["leases"])
            if now != left:
                left, since = now, clock.monotonic()
            elif clock.monotonic() - since > STUCK_S:
                await self.ledger.let_leases_lapse()
                await self.ledger.queue.reclaim()
                await self.ledger.make_due()
                since = clock.monotonic()
            return now[0] == 0

        await eventually(is_quiet, within_s=within_s, what="every job is done")

    async def keeps_its_promises(self, *, facts: int, skew_s: float = 0.0) -> None:
        """The invariants; `facts` were committed by the couple, `skew_s` is how wrong the workers' clock went."""
        rows = await self.ledger.admin.fetch(
            "select id, seq, type from events where stream_id = $1 order by seq", self.wedding.id
        )
        kinds = Counter(row["type"] for row in rows)
        assert kinds == {"party.tried": facts, "party.answered": facts}, "every reaction happened once"
        assert [row["seq"] for row in rows] == list(range(1, 2 * facts + 1)), "the log has no hole"
        received = Counter(self.receiver.ids)
        assert set(received) == {str(row["id"]) for row in rows}, "all that was committed arrived, and nothing else"
        assert not any(b'"never"' in request.body for request in self.receiver.requests)
        bodies = {(request.webhook_id, request.body) for request in self.receiver.requests}
        assert len(bodies) == len(received), "repeats bear the same words"
        assert await self.ledger.admin.fetch(ATTEMPTS_THAT_MOVED, self.endpoint) == []
        states = {row["state"] for row in await self.ledger.deliveries(self.endpoint)}
        assert states == {"delivered"}
        self.verify_signatures(skew_s)

    def verify_signatures(self, skew_s: float) -> None:
        """By a library that is not ours, and refuses what is dated five minutes from now."""
        verifier = standardwebhooks.Webhook(SECRET)
        for request in self.receiver.requests:
            if skew_s:
                at = datetime.fromtimestamp(int(request.timestamp), tz=UTC)
                assert request.signature == verifier.sign(request.webhook_id, at, request.body.decode())
                assert abs((at - clock.machine_now()).total_seconds() - skew_s) < 120
                continue
            headers = {
                "webhook-id": request.webhook_id,
                "webhook-timestamp": request.timestamp,
                "webhook-signature": request.signature,
            }
            assert verifier.verify(request.body, headers) == msgspec.json.decode(request.body)


@asynccontextmanager
async def set_scene(*, settings: Settings, admin: str) -> AsyncIterator[Scene]:
    """A scene on these addresses; its workers are ended with it."""
    async with (
        receiving() as receiver,
        opened(user=settings.database_url, service=settings.service_database_url, admin=admin) as ledger,
    ):
        scene = Scene(ledger=ledger, receiver=receiver, settings=settings)
        await scene.lay()
        try:
            yield scene
        finally:
            scene.end()
