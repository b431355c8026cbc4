"""The crash suite: everything the product does x every failpoint x every way to fail there, judged from the records.

`make test` passes each failpoint once, many in one run; `make prove` goes through the whole matrix and prints it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contracts.guest_house import Builder, building
from tests.crash.receiver import Receiver, receiving
from tests.crash.stage import NAMES, Stage, staged
from tests.crash.workload import Judged, Workload
from tests.engines_fixture import RunningPostgres, clone, drop, settings_for
from tests.eventually import eventually
from tests.ledger import admin_url
from wedsync.connectors.smtp.fake import Mailbox
from wedsync.kit import clock, failpoints

pytestmark = pytest.mark.asyncio(loop_scope="module")

CELLS = [
    pytest.param(process, place, mode, id=f"{process}-{place}-{mode}")
    for place, processes in failpoints.PLACES.items()
    for process in processes
    for mode in failpoints.MODES
]
# In one run, ways that cost no process its start: a worker of web is forked anew at once, the others live on.
ONCE = {
    **dict.fromkeys(failpoints.NAMES, "drop_reply"),
    **dict.fromkeys(("before_publish", "after_publish", "before_reply", "before_send", "before_finish"), "raise"),
    **dict.fromkeys(("after_complete", "before_mail", "after_read", "after_positions"), "raise"),
    "after_insert": "kill9",
}
PATIENCE_S = 60.0
HEADER = (
    f"{'process':8} {'failpoint':16} {'mode':10} {'owed':>5} {'lost':>5} {'repeats':>7} {'bound':>6} {'order':>6}"
    f" {'made up':>7} {'unmoved':>7} {'hooks':>6} {'twice':>6} {'missed':>6} {'retried':>7}"
)


class Theatre:
    """The stage with its receivers, and weddings as many as are needed."""

    def __init__(self, stage: Stage, build: Builder, receiver: Receiver, mailbox: Mailbox) -> None:
        self.stage, self.build, self.receiver, self.mailbox = stage, build, receiver, mailbox

    async def work(self) -> Workload:
        """A wedding with its endpoints."""
        made = Workload(self.stage, await self.build(), self.receiver, self.mailbox)
        await made.lay()
        return made


@asynccontextmanager
async def theatre_on(
    postgres: RunningPostgres, valkey_url: str, folder: Path, name: str, armed: Mapping[str, str]
) -> AsyncIterator[Theatre]:
    """A stage on a database of its own; `armed` are failpoints by process."""
    database = await clone(postgres, name)
    mailbox = Mailbox()
    await mailbox.start()
    extra = {"WEDSYNC_SMTP_URL": mailbox.address, "WEDSYNC_DELIVERIES_PER_MIN": "1000000", "WEDSYNC_WEB_WORKERS": "1"}
    settings = settings_for(folder, database, valkey_url, **extra)
    async with (
        receiving() as receiver,
        building(database, postgres, settings) as build,
        staged(settings, admin_url(postgres, database), folder, armed) as stage,
    ):
        yield Theatre(stage, build, receiver, mailbox)
    await mailbox.stop()
    await drop(postgres, database.name)


@pytest.fixture(scope="module")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The supervisor runs on asyncio's loop: on the other processes' one nobody else hears of children that end."""
    return asyncio.DefaultEventLoopPolicy()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(
    postgres: RunningPostgres, worker: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Theatre]:
    folder = tmp_path_factory.mktemp("stage")
    async with theatre_on(postgres, valkey_url, folder, f"wedsync_{worker}_matrix", {}) as opened:
        yield opened


def line(process: str, place: str, mode: str, j: Judged) -> str:
    return (
        f"{process:8} {place:16} {mode:10} {j.owed:5} {j.lost:5} {j.repeats:7} {j.bound:6} {j.disordered:6}"
        f" {j.made_up:7} {j.unmoved:7} {j.hooks:6} {j.twice:6} {j.missed:6} {j.unanswered:7}"
    )


@pytest.mark.prove
@pytest.mark.parametrize(("process", "place", "mode"), CELLS)
async def test_a_crash(theatre: Theatre, process: str, place: str, mode: str) -> None:
    stage = theatre.stage
    workload = await theatre.work()
    await stage.arm(process, f"{place}={mode}@{_nth(process, place)}")
    working = asyncio.create_task(workload.run())
    try:
        how, pid = await eventually(lambda: stage.happened(place), within_s=60, what=f"{place} was passed")
        bound = max(1, await stage.leased())
        if how == "hang":
            await stage.a_minute_goes_by()
            await stage.wake(pid)
        await working
        await workload.recovers()
        judged = await workload.judged(bound=bound, crashed_at=stage.happened_at(place))
    finally:
        working.cancel()
        await workload.close()
        await stage.arm(process, "")
    print("\n" + HEADER + "\n" + line(process, place, mode, judged))
    assert judged.is_kept()


async def test_every_failpoint_fails_once_in_one_run_and_nothing_is_lost(
    postgres: RunningPostgres, worker: str, valkey_url: str, tmp_path: Path
) -> None:
    armed = {
        process: ",".join(
            f"{place}={ONCE[place]}@{_nth(process, place)}"
            for place, processes in failpoints.PLACES.items()
            if process in processes
        )
        for process in NAMES
    }
    async with theatre_on(postgres, valkey_url, tmp_path, f"wedsync_{worker}_once", armed) as theatre:
        workload = await theatre.work()
        await workload.run()
        await workload.recovers()
        deadline = clock.monotonic() + PATIENCE_S
        while missing := [place for place in failpoints.NAMES if theatre.stage.happened(place) is None]:
            assert clock.monotonic() < deadline, f"never passed: {missing}"
            await workload.answer_again()
        judged = await workload.judged(bound=64)
        await workload.close()
    print("\n" + HEADER + "\n" + line("all", "each once", "mixed", judged))
    assert judged.is_kept()


def _nth(process: str, place: str) -> int:
    """Which time a place fails: the first requests of web are its readiness and the like, not the work."""
    return 3 if (process, place) in {("web", "after_commit"), ("worker", "after_commit")} else 1
