"""What a provider that fails costs, at real times: when it is found out, who takes over how soon, when it is back.

`make prove` prints each figure as a line of JSON, beside those of tests/rules/test_false_trips.py; alone:
`pytest -m prove -s tests/contracts/test_failover_figures.py tests/rules/test_false_trips.py | grep '^{'`.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from bench.report import percentile
from tests.contracts import alert_house
from tests.contracts.alert_house import House
from tests.contracts.black_hole import leading
from tests.contracts.mail_house import MailHouse, housed
from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import eventually
from wedsync.connections import host as hosting
from wedsync.connections import manifest as manifests
from wedsync.connections.contract import Delivered
from wedsync.connections.mailing import probing
from wedsync.connections.mailing.chain import Chain, Times
from wedsync.kit import clock
from wedsync.kit.breaker import FAILURES_LIVE_MAX, FAILURES_MAX
from wedsync.kit.config import Settings
from wedsync.kit.http import Wire

LIMIT_S = 5.0
MAILS = 40
BACK_S = 60.0
SILENT = "silent"
SET_DAY = """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
    select $1, current_date, 'Europe/London', n - interval '1 minute', n + interval '1 hour' from clock_timestamp() n"""
OF_WEDDING = "update deliveries set stream_id = $2 where id = $1"
WELL = "update mail_providers set health = '{}', is_down = false, reason = ''"
POKE = "select app.poke_mail_probes()"

pytestmark = [pytest.mark.prove, pytest.mark.timeout(600)]


def told(figure: str, **values: object) -> None:
    print(json.dumps({"failover": figure, **values}))


class Office:
    """The house of mails, and a chain with the times of production."""

    def __init__(self, house: MailHouse, stack: AsyncExitStack) -> None:
        self.house, self._stack = house, stack
        self.live: UUID | None = None

    async def chain(self, *silent: str) -> Chain:
        """A worker's; of these providers every packet comes to a connection that never answers."""
        fields = {}
        for name in silent:
            key = f"{name}_base_url"
            way = await self._stack.enter_async_context(leading(getattr(self.house.settings, key)))
            way.mode = "silent"
            fields[key] = way.url
        own = msgspec.structs.replace(self.house.settings, **fields)
        wire = Wire()
        self._stack.push_async_callback(wire.close)
        self.house.host = hosting.open_host(own, wire=wire, ring=self.house.ring)
        self._stack.push_async_callback(self.house.host.close)
        return await self.another()

    async def another(self) -> Chain:
        """Of another worker, who has heard of nothing yet."""
        return await self.house.chain("resend", "sendgrid", "smtp", times=Times())

    async def take(self, chain: Chain) -> float:
        """Seconds from the start of one mail's first attempt until somebody has it."""
        job = await self.house.owed("carla@example.com")
        if self.live is not None:
            await self.house.admin.execute(OF_WEDDING, job.delivery_id, self.live)
        began = clock.monotonic()
        outcome = await chain.send(job)
        assert isinstance(outcome, Delivered), outcome
        return clock.monotonic() - began

    async def is_down(self, name: str) -> bool:
        return bool((await self.house.provider(name))["is_down"])


@asynccontextmanager
async def opened(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Office]:
    async with housed(database, postgres, settings) as house, AsyncExitStack() as stack:
        await house.afresh()
        yield Office(house, stack)


@pytest_asyncio.fixture
async def office(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Office]:
    async with opened(database, postgres, settings) as made:
        yield made


@pytest.mark.parametrize("how", ["5xx", SILENT])
@pytest.mark.parametrize(("phase", "expected"), [("ordinary", FAILURES_MAX), ("live", FAILURES_LIVE_MAX)])
async def test_how_soon_it_is_found_out(office: Office, phase: str, expected: int, how: str) -> None:
    """Mails one after the other, from the first failure until nobody asks it any more."""
    house = office.house
    if phase == "live":
        office.live = UUID(await house.wedding(await house.person("ana")))
        await house.admin.execute(SET_DAY, office.live)
    chain = await office.chain(*(["resend"] if how == SILENT else []))
    house.resend.moods.switch("fine" if how == SILENT else how)
    began, mails = clock.monotonic(), 0
    while not await office.is_down("resend"):
        await office.take(chain)
        mails += 1
    took_s = clock.monotonic() - began
    tries = msgspec.json.decode((await house.provider("resend"))["health"])["breaker"]["failures"]
    told("found out", phase=phase, how=how, opens_at=expected, tries=tries, mails=mails, seconds=round(took_s, 2))
    assert tries == expected
    assert await office.take(chain) < 1.0, "nobody waits for it any more"


@pytest.mark.parametrize("how", ["5xx", "dead key", SILENT])
@pytest.mark.parametrize("away", [("resend",), ("resend", "sendgrid")], ids=["one", "two"])
async def test_how_soon_the_next_has_it(office: Office, away: tuple[str, ...], how: str) -> None:
    """Each mail begins with nobody known to be ill: the worst that there is."""
    house = office.house
    await office.chain(*(away if how == SILENT else ()))
    for name in away:
        getattr(house, name).moods.switch("fine" if how == SILENT else how)
    took = []
    for _ in range(MAILS if how != SILENT else MAILS // 4):
        await house.admin.execute(WELL)
        took.append(await office.take(await office.another()))
    takes = "smtp" if len(away) == 2 else "sendgrid"
    assert house.took() == {takes: len(took)}
    figures = {f"p{q}_s": round(percentile(took, q), 3) for q in (50, 99)}
    told("mail", away=list(away), how=how, to=takes, mails=len(took), **figures)
    assert percentile(took, 99) < LIMIT_S


async def test_how_soon_it_is_used_again(office: Office) -> None:
    """As the clock and a worker do it: it is asked every twenty seconds while it is down; the next mail is the test."""
    house = office.house
    chain = await office.chain()
    house.resend.moods.switch("5xx")
    for _ in range(FAILURES_MAX):
        await office.take(chain)
    # The longest way: it is well just after it was asked.
    await chain.probe()
    house.resend.moods.switch("fine")
    began, work = clock.monotonic(), probing.works(chain)[probing.WORK]

    async def back_after() -> float:
        """Seconds until it had a mail again; 0 while it has none."""
        if await house.admin.fetchval(POKE) and (job := await house.leased(probing.WORK)):
            await work(house.door, job)
        await office.take(chain)
        return clock.monotonic() - began if house.resend.office.letters else 0.0

    back_s: float = await eventually(back_after, within_s=BACK_S, what="mail goes to the first again")
    assert not await office.is_down("resend")
    told("back at the first", after="5xx", seconds=round(back_s, 1), at_most_s=BACK_S)


@pytest_asyncio.fixture
async def emergency(office: Office) -> House:
    return await alert_house.house(office.house, await office.house.person("ana"), clock.now() + timedelta(days=60))


async def test_what_a_text_that_nobody_reads_waits_for(emergency: House) -> None:
    """Wedding seconds of the ladder. Mail and the product do not wait for a text: they are told with it."""
    alert = await emergency.raised()
    await emergency.work()
    assert (await emergency.called(alert))["planner"] == {"in_app", "sms", "email"}
    seconds = 0
    while "voice" not in (await emergency.called(alert))["planner"]:
        await emergency.later(1)
        seconds += 1
    told("text", to="mail and in the app", seconds=0, how="told side by side")
    told("text", to="voice", seconds=seconds, how="its voice follows where nobody has it by then")
    assert seconds <= 15


def test_what_waits_until_it_is_asked() -> None:
    """Of providers that tell by themselves: how long a change waits where they do not. Minutes, by design."""
    for name, one in sorted(manifests.find().items()):
        note = one.calendars or one.records
        if one.hooks is not None and note is not None:
            told("hooks", of=name, to="asked", at_most_s=note.poll_s)
            assert note.poll_s > 0
