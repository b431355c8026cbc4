"""Who goes first in a worker, and who waits how long."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from wedsync.events.jobs import Job
from wedsync.events.turns import Rest, Turns

TELL, FOLLOW = "notices.tell", "bookings.follow"


def job(name: str, kind: str = "reaction") -> Job:
    return Job(
        id=uuid4(),
        kind=kind,
        name=name,
        lane=1,
        tenant_id=UUID(int=1),
        destination_id=UUID(int=2),
        made_at=datetime(2026, 11, 21, tzinfo=UTC),
        event_id=None,
        args=None,
        attempt=1,
        live_until=None,
        expires_at=None,
        lease_token=uuid4(),
        is_ordered=False,
    )


class Stage:
    """A worker's batches: what was loaded together, in order; a prompt one runs until the curtain falls."""

    def __init__(self) -> None:
        self.turns = Turns({TELL})
        self.loaded: list[list[str]] = []
        self.curtain = asyncio.Event()
        self.running: list[asyncio.Task[None]] = []

    async def begin(self, jobs: Sequence[Job]) -> None:
        self.loaded.append([one.name for one in jobs])
        self.running += [asyncio.create_task(self.turns.run(TELL, self.play)) for one in jobs if one.name == TELL]

    async def play(self) -> None:
        await self.curtain.wait()


async def test_what_is_prompt_is_loaded_by_itself_and_what_is_patient_when_it_is_through() -> None:
    stage = Stage()
    claimed = [job(FOLLOW), job("webhook", "delivery"), job(TELL), job("import", "work")]
    beginning = asyncio.create_task(stage.turns.begin(claimed, stage.begin))
    while not stage.running:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert stage.loaded == [[TELL], ["webhook"]]
    stage.curtain.set()
    await beginning
    assert stage.loaded == [[TELL], ["webhook"], [FOLLOW, "import"]]


async def test_who_is_patient_waits_for_no_curtain_that_never_falls() -> None:
    stage = Stage()
    await stage.turns.begin([job(TELL), job(FOLLOW)], stage.begin)
    assert stage.loaded == [[TELL], [FOLLOW]]
    assert not stage.curtain.is_set()
    stage.curtain.set()
    await asyncio.gather(*stage.running)


async def test_what_is_claimed_while_a_prompt_one_runs_waits_for_it_too_but_no_delivery_does() -> None:
    stage = Stage()
    await stage.begin([job(TELL)])
    await asyncio.sleep(0)
    beginning = asyncio.create_task(stage.turns.begin([job(FOLLOW), job("webhook", "delivery")], stage.begin))
    for _ in range(5):
        await asyncio.sleep(0)
    assert stage.loaded == [[TELL], ["webhook"]]
    stage.curtain.set()
    await beginning
    assert stage.loaded == [[TELL], ["webhook"], [FOLLOW]]


async def test_where_nothing_is_prompt_all_is_loaded_together() -> None:
    stage = Stage()
    await stage.turns.begin([job(FOLLOW), job("webhook", "delivery")], stage.begin)
    assert stage.loaded == [[FOLLOW, "webhook"]]


async def test_what_is_left_for_afterwards_is_done_out_of_its_turn() -> None:
    """A second prompt one is not kept waiting by what the first one left, and that waits for the second."""
    stage, done = Stage(), []

    async def rest() -> None:
        done.append("rest")

    async def tell() -> Rest:
        return rest

    first = asyncio.create_task(stage.turns.run(TELL, tell))
    await stage.begin([job(TELL)])
    await asyncio.sleep(0)
    assert done == []
    stage.curtain.set()
    await asyncio.gather(first, *stage.running)
    assert done == ["rest"]
