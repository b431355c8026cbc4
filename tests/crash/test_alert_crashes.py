"""The worker is killed with SIGKILL while an emergency calls people: nobody is skipped, and nobody is texted or called
twice for the same call.

Wedding time runs thirty times as fast, so that the ladder of eight minutes takes sixteen seconds. What would lapse
after a minute lapses when the next worker begins. `make test` kills after three steps and at one place within, by seed;
`make prove` after every step, and at every place a worker passes.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from tests import seed
from tests.contracts.alert_house import House, house
from tests.contracts.phone_house import PhoneHouse, housed
from tests.contracts.town import Somebody
from tests.crash.scene import KEPT_ENVIRON, ROOT
from tests.engines_fixture import Database, RunningPostgres, settings_for
from tests.eventually import eventually
from wedsync.alerts import ladder
from wedsync.connectors.smtp.fake import Mailbox
from wedsync.events.jobs import queries
from wedsync.events.retry import TRIES_MAX
from wedsync.kit import clock, failpoints

SPEED = 30
NUMBERS = count(7_400_320_000)
STEPS = len(ladder.EMERGENCY)
PLACES = (
    *("after_claim", "after_load", "before_send", "after_send", "before_complete", "after_complete"),
    *("before_finish", "before_commit", "after_commit"),
)
LATE = "select count(*) from app.late_alerts()"
STANDS = "select state, step from alerts where id = $1"
OWED = """select d.id, d.connector, d.state, d.reason, m.kind, d.recipient_id as person from deliveries d
    left join phone_messages m on m.id = d.id
    where d.tenant_id = $1 and d.type like 'alert.%' and d.subscription_id is null"""


class Ladder:
    """One emergency on its way, and the worker that takes its steps."""

    def __init__(self, one: House, phones: PhoneHouse, mailbox: Mailbox, numbers: dict[str, str]) -> None:
        self.one, self.phones, self.mailbox, self.numbers = one, phones, mailbox, numbers
        self.alert = ""
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self, armed: str = "") -> None:
        kept = {name: os.environ[name] for name in KEPT_ENVIRON if name in os.environ}
        environ = {**kept, **self.phones.settings.environ(), "WEDSYNC_ENV": "test", failpoints.VARIABLE: armed}
        command = [sys.executable, "-m", "tests.crash.alert_worker"]
        self.worker = subprocess.Popen(command, env=environ, cwd=ROOT)

    def kill(self) -> None:
        if self.worker is not None:
            with suppress(ProcessLookupError):
                self.worker.send_signal(signal.SIGKILL)
            self.worker.wait()

    async def a_minute_goes_by(self) -> None:
        """What the dead worker held is free, and the clock has looked for steps that are late."""
        await self.phones.admin.execute("update jobs set lease_until = clock_timestamp() where lease_token is not null")
        await self.phones.admin.fetchval(queries.reclaim, TRIES_MAX)
        await self.phones.admin.fetchval(LATE)

    async def step(self) -> int:
        """The step that is next; all of them once nobody is called any more."""
        row = await self.phones.admin.fetchrow(STANDS, UUID(self.alert))
        return STEPS if row["state"] == "unanswered" else int(row["step"])

    async def reaches(self, step: int) -> None:
        async def there() -> bool:
            """The clock looks again and again: a step may have come to be late only after the last look."""
            await self.phones.admin.fetchval(LATE)
            return await self.step() >= step

        await eventually(there, within_s=90, what=f"step {step} is taken")

    async def dies(self) -> None:
        """At a failpoint that was armed, or at its end: where nobody passed it that often the run was whole."""

        async def over() -> bool:
            assert self.worker is not None
            return self.worker.poll() is not None or await self.step() >= STEPS

        await eventually(over, within_s=90, what="the worker is killed")
        self.kill()

    async def ends(self) -> None:
        """Nobody is left to call, and all that was owed has ended."""
        await self.reaches(STEPS)

        async def quiet() -> bool:
            await self.phones.admin.execute(
                "update jobs set run_at = clock_timestamp() where run_at > clock_timestamp() and run_at < 'infinity'"
                " and kind = 'delivery'"
            )
            left = "select count(*) from jobs where tenant_id = $1 and kind = 'delivery'"
            return int(await self.phones.admin.fetchval(left, UUID(self.one.wedding))) == 0

        await eventually(quiet, within_s=60, what="everything that was owed has ended")

    async def keeps_its_promises(self) -> str:
        """Nobody skipped, nobody told twice; in a line of the table."""
        owed = await self.phones.admin.fetch(OWED, UUID(self.one.wedding))
        people = {"planner": self.one.planner.owner, "photographer": self.one.photographer.owner}
        repeats = ladder.REPEATS
        for name, who in people.items():
            mine = [row for row in owed if row["person"] == who.id]
            kinds = Counter(row["kind"] or row["connector"] for row in mine)
            assert kinds == {"mail": 1, "text": 1 + repeats, "call": 1 + repeats}, "every step owed what it owes, once"
            texts = self.phones.texts(self.numbers[name])[1:]
            assert len(texts) == len(set(texts)), "nobody is texted twice"
            assert len(texts) == kinds["text"], "and nobody is skipped"
            calls = self.phones.calls(self.numbers[name])
            assert 1 <= len(calls) <= kinds["call"], "nobody is called twice by one step"
            mails = [mail for mail in self.mailbox.mails if mail.to == who.email]
            assert len({mail.message_id for mail in mails}) == 1, "a mail that comes again is the same one"
        states = Counter(row["state"] for row in owed)
        assert set(states) <= {"delivered", "cancelled"}, states
        inboxes = [await self.notices(who) for who in people.values()]
        assert inboxes == [1, 1]
        return f"texts {len(texts)}, calls {len(calls)}, {dict(states)}"

    async def notices(self, who: Somebody) -> int:
        items = (await who.got("GET", "/api/v1/me/inbox"))["items"]
        return len([one for one in items if one["type"].startswith("alert.")])


@asynccontextmanager
async def raised(database: Database, postgres: RunningPostgres, valkey_url: str, folder: Path) -> AsyncIterator[Ladder]:
    """A wedding whose planner and photographer take texts and calls, and an emergency that nobody has been told of."""
    mailbox = Mailbox()
    await mailbox.start()
    settings = settings_for(folder, database, valkey_url, WEDSYNC_SMTP_URL=mailbox.address)
    async with housed(database, postgres, settings) as phones:
        one = await house(phones, await phones.person("ana"), clock.now() + timedelta(days=60))
        people = {"planner": one.planner.owner, "photographer": one.photographer.owner}
        numbers = {name: f"+44{next(NUMBERS)}" for name in people}
        for name, who in people.items():
            await phones.proved(who, numbers[name], calls=True)
        # Whatever else is owed is another test's.
        await phones.admin.execute("delete from jobs")
        setting = "insert into clock_setting (base, speed) values (clock_timestamp(), $1)"
        await phones.admin.execute(setting, SPEED)
        made = Ladder(one, phones, mailbox, numbers)
        try:
            made.alert = await one.raised()
            yield made
        finally:
            made.kill()
            await phones.admin.execute("delete from clock_setting")
    await mailbox.stop()


@pytest_asyncio.fixture
async def emergency(
    make_database: Callable[[], Awaitable[Database]], postgres: RunningPostgres, valkey_url: str, tmp_path: Path
) -> AsyncIterator[Ladder]:
    async with raised(await make_database(), postgres, valkey_url, tmp_path) as made:
        yield made


async def killed_after(emergency: Ladder, steps: list[int], armed: str = "") -> None:
    emergency.start(armed)
    for step in steps:
        await emergency.reaches(step)
        emergency.kill()
        await emergency.a_minute_goes_by()
        emergency.start()
    await emergency.ends()


async def test_a_worker_killed_in_the_middle_of_an_emergency_skips_nobody_and_calls_nobody_twice(
    emergency: Ladder,
) -> None:
    rng = seed.dice("alert crashes")
    place = f"{rng.choice(PLACES)}=kill9@{rng.randint(2, 6)}"
    steps = sorted(rng.sample(range(1, STEPS), 2))
    print(f"\nseed {seed.SEED}: {place}, then after the steps {steps}")
    emergency.start(place)
    await emergency.dies()
    await emergency.a_minute_goes_by()
    await killed_after(emergency, steps)
    print(await emergency.keeps_its_promises())


@pytest.mark.prove
async def test_killed_after_every_step_of_the_ladder(emergency: Ladder) -> None:
    await killed_after(emergency, list(range(1, STEPS)))
    print(f"\nkilled after each of {STEPS - 1} steps: {await emergency.keeps_its_promises()}")


@pytest.mark.prove
@pytest.mark.parametrize("place", PLACES)
async def test_killed_at_every_place_a_worker_passes(emergency: Ladder, place: str) -> None:
    for at in (1, 2, 3, 5, 8):
        emergency.start(f"{place}=kill9@{at}")
        await emergency.dies()
        await emergency.a_minute_goes_by()
    emergency.start()
    await emergency.ends()
    print(f"\n{place:16} killed 5 times: {await emergency.keeps_its_promises()}")
