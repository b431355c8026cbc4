"""`wedsync drill database-failover`: the primary is killed under load, its standby takes over, and all is counted.

A WedSync of its own with a synchronous standby; people write by REST, screens listen, webhooks are owed. What was
answered is afterwards looked for row by row, and so is what each screen and each receiver was owed.
"""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from wedsync.processes import standby
from wedsync.processes.drills import cast, failover_report, ledger
from wedsync.processes.drills.acting import PASSING
from wedsync.processes.drills.calls import Answer, Caller, calling, request
from wedsync.processes.drills.cast import Wedding
from wedsync.processes.drills.failover_report import Moments, Report, Write
from wedsync.processes.drills.product import Product, all_well, own_folder, settled, started
from wedsync.processes.drills.watching import lost_on_screens, screens_of, watched
from wedsync.processes.failures import CannotRun
from wedsync.processes.migrate import connected
from wedsync.subscriptions.model import NewEndpoint

PAUSE_S: Final = 0.05
LOOK_S: Final = 0.05
IN_STEP_S: Final = 180.0
"""Copying the cluster and catching up, at the beginning and after the failover."""
ANSWER_S: Final = 60.0
TRIES_LOST: Final = 20
"""So often it is asked again for an answer that may still be being kept."""
KEPT: Final = "select title from public.tasks where wedding_id = any ($1::uuid[]) and title like 'Drill %'"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How much, and for how many seconds before the kill and after the promotion."""

    weddings: int
    writers: int
    seconds: float


class Writer:
    """Somebody who adds tasks to one wedding, one after the other, and asks again until there is an answer."""

    def __init__(self, number: int, wedding: Wedding, caller: Caller) -> None:
        self._number = number
        self._wedding = wedding
        self._caller = caller
        self.writes: list[Write] = []

    async def write(self, over: asyncio.Event) -> None:
        """Until it is over; each write under a key of its own, so that asking again does it once."""
        turn = 0
        while not over.is_set():
            turn += 1
            self.writes.append(await self._once(f"Drill {self._number}-{turn}"))
            await asyncio.sleep(PAUSE_S)

    async def _once(self, title: str) -> Write:
        headers = {"Accept": "application/json", "Idempotency-Key": str(uuid4())}
        path = f"/api/v1/weddings/{self._wedding.id}/tasks"
        content = request("POST", path, token=self._wedding.couple.token, body={"title": title}, headers=headers)
        asked_at, tries, lost = time.time(), 0, 0
        while time.time() - asked_at < ANSWER_S:
            tries += 1
            try:
                answer = await self._caller.call(content)
            except OSError:
                answer = Answer(0)
            lost += b'"answer_lost"' in answer.body
            if answer.is_good or lost > TRIES_LOST:
                # Also who is told that it was done, and that the answer is gone, has been answered.
                return Write(title=title, asked_at=asked_at, answered_at=time.time(), tries=tries, is_told=lost > 0)
            # A key that another try of the same holds is answered with 409 until that one has ended.
            if answer.status not in PASSING and answer.status != 409:
                raise CannotRun(f"A write of the drill was refused with {answer.status}: {answer.body[:300]!r}")
            await asyncio.sleep(PAUSE_S)
        return Write(title=title, asked_at=asked_at, tries=tries)


async def run(wish: Wish, *, to: Path, web_workers: int = 2) -> int:
    """Play it, write the report, and tell the short of it; 0 where every promise was kept. Raises CannotRun."""
    if wish.weddings < 1 or wish.writers < wish.weddings or wish.seconds <= 0:
        raise CannotRun("Ask for at least one wedding, a writer for each, and some seconds.")
    _say(f"Starting WedSync with a standby in a folder of its own, and building {wish.weddings} weddings.")
    with own_folder() as folder:
        async with started(folder, web_workers=web_workers, has_standby=True) as product:
            made = await _build(product, wish)
            await product.end_building()
            await _in_step(product)
            found = await _play(product, wish, made)
    json, page = failover_report.write(found, to)
    for one in found.promises:
        _say(f"  {one.words}: {'kept' if one.is_kept else 'NOT KEPT'} ({one.told})")
    _say(f"The whole of it: {page} and {json}")
    return 0 if found.is_kept else 1


async def _build(product: Product, wish: Wish) -> list[Wedding]:
    """Each with a supplier, whose screen listens too, and an endpoint that is owed everything."""
    firms = await cast.businesses(product, wish.weddings)
    hooks = f"{product.settings.sandbox_url}/hooks/failover"
    return await cast.built(
        product,
        wish.weddings,
        hired=lambda number: [firms[number]],
        endpoint=lambda number: NewEndpoint(url=f"{hooks}-{number}", events=["*"]),
    )


async def _play(product: Product, wish: Wish, made: Sequence[Wedding]) -> Report:
    screens, began_at, over = screens_of(made, product.settings.gateway_port), datetime.now(tz=UTC), asyncio.Event()
    async with calling(product.settings.port, wish.writers) as caller, watched(screens):
        writers = [Writer(number, made[number % len(made)], caller) for number in range(wish.writers)]
        writing = {asyncio.create_task(writer.write(over)) for writer in writers}
        failing = asyncio.create_task(_fail(product, wish.seconds))
        try:
            # The writers go on until it is over, so whoever ends before has found something wrong.
            await all_well({failing}, writing)
            over.set()
            await all_well(writing, set())
        finally:
            for task in (failing, *writing):
                task.cancel()
            await asyncio.gather(failing, *writing, return_exceptions=True)
        again = await _in_step(product)
        await settled(product)
        kept = await ledger.kept(product.settings, [one.id for one in made], began_at)
        lost = await lost_on_screens(caller, screens, kept)
        rows = await _rows(product, made)
    return failover_report.told(
        weddings=len(made),
        writes=[write for writer in writers for write in writer.writes],
        rows=rows,
        moments=failing.result(),
        screens=screens,
        lost=lost,
        kept=kept,
        is_in_step=again.state == "synchronous",
    )


async def _fail(product: Product, seconds: float) -> Moments:
    """Kill the primary in the middle of the load, and let it go on for a while after the promotion."""
    await asyncio.sleep(seconds)
    killed_at = time.time()
    product.kill("postgres", how=signal.SIGKILL)
    _say("  The primary is killed.")
    while (told := product.standby()) is None or told.promoted_at is None:
        product.check()
        if time.time() - killed_at > ANSWER_S:
            raise CannotRun(f"The standby was not promoted within {ANSWER_S:.0f} s: {told}.")
        await asyncio.sleep(LOOK_S)
    _say(f"  The standby was promoted after {told.promoted_at.timestamp() - killed_at:.2f} s.")
    await asyncio.sleep(seconds)
    return Moments(killed_at=killed_at, promoted_at=told.promoted_at.timestamp())


async def _in_step(product: Product) -> standby.Told:
    """Until every commit is in both clusters; how it stands where that takes too long."""
    give_up_at = time.monotonic() + IN_STEP_S
    while (told := product.standby()) is None or told.state != "synchronous":
        product.check()
        if time.monotonic() > give_up_at:
            raise CannotRun(f"The standby was not in step within {IN_STEP_S:.0f} s: {told}.")
        await asyncio.sleep(LOOK_S)
    return told


async def _rows(product: Product, made: Sequence[Wedding]) -> Counter[str]:
    """How often each thing that was written is there."""
    async with connected(product.settings.door("owner")) as owner:
        rows = await owner.fetch(KEPT, [one.id for one in made])
    return Counter(row["title"] for row in rows)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
