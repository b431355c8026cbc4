"""The first provider of mail vanishes as providers do: its address drops packets, or it takes a connection and is
silent. At real times: critical mail is at the backup within seconds, nothing is there twice but what nobody could know,
and the first provider is used again once it is back. `make prove` prints the figures.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import msgspec
import pytest
import pytest_asyncio

from bench.report import percentile
from tests.contracts.black_hole import Way, dropping, leading
from tests.contracts.mail_house import MailHouse, housed
from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import eventually
from wedsync.connections import host as hosting
from wedsync.connections.contract import Delivered
from wedsync.connections.mailing.chain import Chain, Times
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.http import Wire

ROUNDS = 12
AT_ONCE = 5
LIMIT_S = 5.0
STATUSES = "select delivery_id, is_failed_over, is_possible_duplicate from mail_statuses"

pytestmark = [pytest.mark.prove, pytest.mark.timeout(600)]


class Office:
    """The house of mails with a chain of its own: Resend by some way, then SendGrid."""

    def __init__(self, house: MailHouse, stack: AsyncExitStack) -> None:
        self.house, self._stack = house, stack

    async def chain(self, resend_url: str) -> Chain:
        """As a worker of production has it: the times are the real ones."""
        own = msgspec.structs.replace(self.house.settings, resend_base_url=resend_url)
        wire = Wire()
        self._stack.push_async_callback(wire.close)
        self.house.host = hosting.open_host(own, wire=wire, ring=self.house.ring)
        self._stack.push_async_callback(self.house.host.close)
        return await self.house.chain("resend", "sendgrid", times=Times())

    async def sent(self, chain: Chain, count: int) -> list[float]:
        """Seconds of each from the start of its first attempt until somebody has it."""

        jobs = [await self.house.owed(f"carla.{number}@example.com") for number in range(count)]

        async def one(job: hosting.Job) -> float:
            began = clock.monotonic()
            outcome = await chain.send(job)
            assert isinstance(outcome, Delivered), outcome
            return clock.monotonic() - began

        return list(await asyncio.gather(*(one(job) for job in jobs)))

    async def through(self, chain: Chain) -> list[float]:
        """Mails in rounds, of which each begins with nobody known to be ill: the worst that there is."""
        took: list[float] = []
        for _ in range(ROUNDS):
            await self.house.admin.execute("update mail_providers set health = '{}', is_down = false, reason = ''")
            took += await self.sent(await self.house.chain("resend", "sendgrid", times=Times()), AT_ONCE)
        return took

    async def duplicates(self) -> tuple[int, int]:
        """Mails that both have; of these how many nobody could know of."""
        both = {one.delivery for one in self.house.resend.office.letters} & {
            one.delivery for one in self.house.sendgrid.office.letters
        }
        unsure = {
            str(row["delivery_id"]) for row in await self.house.admin.fetch(STATUSES) if row["is_possible_duplicate"]
        }
        return len(both), len(both & unsure)


@pytest_asyncio.fixture
async def office(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Office]:
    async with housed(database, postgres, settings) as house, AsyncExitStack() as stack:
        await house.afresh()
        yield Office(house, stack)


@pytest_asyncio.fixture
async def way(office: Office) -> AsyncIterator[Way]:
    async with leading(office.house.settings.resend_base_url) as made:
        yield made


def resend_at(office: Office, way: Way) -> str:
    path = office.house.settings.resend_base_url.split("/", 3)[3:]
    return "/".join([way.url, *path])


def told(kind: str, took: list[float], twice: tuple[int, int]) -> None:
    figures = f"p50 {percentile(took, 50):.2f} s, p99 {percentile(took, 99):.2f} s, most {max(took):.2f} s"
    print(f"\n{kind}: {len(took)} mails, {figures}; with both {twice[0]}, of these told as possible {twice[1]}")


async def test_packets_that_are_dropped(office: Office) -> None:
    with dropping() as nowhere:
        await office.chain(nowhere)
        took = await office.through(await office.chain(nowhere))
    twice = await office.duplicates()
    told("every packet dropped", took, twice)
    assert percentile(took, 99) < LIMIT_S
    assert office.house.took() == {"sendgrid": ROUNDS * AT_ONCE}
    assert twice == (0, 0)


async def test_a_connection_that_is_taken_and_never_answered(office: Office, way: Way) -> None:
    way.mode = "silent"
    took = await office.through(await office.chain(resend_at(office, way)))
    twice = await office.duplicates()
    told("taken and silent", took, twice)
    assert percentile(took, 99) < LIMIT_S
    assert office.house.took() == {"sendgrid": ROUNDS * AT_ONCE}
    assert twice == (0, 0)


async def test_a_mail_that_was_taken_and_whose_answer_is_lost_may_be_there_twice_and_says_so(
    office: Office, way: Way
) -> None:
    way.mode = "deaf"
    took = await office.through(await office.chain(resend_at(office, way)))
    twice = await office.duplicates()
    told("answers dropped", took, twice)
    assert percentile(took, 99) < LIMIT_S
    assert twice[0] == twice[1], "nobody has a mail twice of whom it is not said that it may be so"
    assert len(office.house.resend.office.letters) == len({one.delivery for one in office.house.resend.office.letters})


async def test_the_first_is_used_again_once_it_is_back(office: Office, way: Way) -> None:
    way.mode = "silent"
    chain = await office.chain(resend_at(office, way))
    await office.sent(chain, AT_ONCE)
    assert max(await office.sent(chain, AT_ONCE)) < 1.0, "by now it is known to be away, and nobody waits for it"
    before = office.house.took()["sendgrid"]
    way.mode = "fine"
    began = clock.monotonic()

    async def is_back() -> bool:
        await chain.probe()
        await office.sent(chain, 1)
        return bool(office.house.resend.office.letters)

    await eventually(is_back, within_s=60, what="mail goes to the first again")
    print(f"\nback at the first {clock.monotonic() - began:.1f} s after it was well")
    at_second = office.house.took()["sendgrid"]
    await office.sent(chain, AT_ONCE)
    assert office.house.took()["sendgrid"] == at_second
    assert at_second - before <= 60
