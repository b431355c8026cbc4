"""`wedsync drill saturday`: a whole Saturday in minutes, with providers failing and processes killed, and a report."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from wedsync.processes.drills import cast, ledger, plan, report
from wedsync.processes.drills.acting import Deeds, Household, Passes
from wedsync.processes.drills.calls import Caller, calling, request
from wedsync.processes.drills.cast import Wedding
from wedsync.processes.drills.plan import Plan, Trouble
from wedsync.processes.drills.product import Product, started
from wedsync.processes.drills.report import Lost, Report
from wedsync.processes.drills.watching import Probes, Screen, screens_of
from wedsync.subscriptions.model import NewEndpoint
from wedsync.weddings import actions as weddings

GUESTS_EACH: Final = 30
TASKS_EACH: Final = 6
SUPPLIERS_EACH: Final = 3
WEDDINGS_A_BUSINESS: Final = 4
CONNECTIONS: Final = 48
CAUGHT_UP_S: Final = 5.0
SETTLE_S: Final = 180.0
TELL_EVERY_S: Final = 5.0
LOG_PAGE: Final = 200
PLANNED_AHEAD: Final = timedelta(days=10)


async def run(wanted: Plan, *, to: Path, web_workers: int = 2) -> int:
    """Play it, write the report, and tell the short of it; 0 where every promise was kept. Raises CannotRun."""
    _say(f"Starting WedSync in a folder of its own, and building {wanted.weddings} weddings.")
    with _folder() as folder:
        async with started(folder, web_workers=web_workers) as product:
            # A plan is made before the week in which its changes want a second word.
            await product.set_clock(wanted.moment(wanted.begin) - PLANNED_AHEAD, 1.0)
            made, passes = await _build(product, wanted)
            await product.end_building()
            found = await _play(product, wanted, made, passes)
    json, page = report.write(found, to)
    for words, said in report.lines(found).items():
        _say(f"  {words}: {said}")
    _say(f"The whole of it: {page} and {json}")
    return 0 if found.is_kept else 1


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that is gone afterwards. PostgreSQL's own account must pass through it; what is in it is closed."""
    with tempfile.TemporaryDirectory(prefix="wedsync-drill-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o711)
        yield Path(made)


async def _build(product: Product, wanted: Plan) -> tuple[list[Wedding], list[Passes]]:
    """The weddings of the day; a business has several of them, as on a real Saturday."""
    firms = await cast.businesses(product, max(SUPPLIERS_EACH, wanted.weddings * SUPPLIERS_EACH // WEDDINGS_A_BUSINESS))
    hooks = f"{product.settings.sandbox_url}/hooks/drill"

    def hired(number: int) -> Sequence[cast.Business]:
        return [firms[(number * SUPPLIERS_EACH + offset) % len(firms)] for offset in range(SUPPLIERS_EACH)]

    made = await cast.built(
        product,
        wanted.weddings,
        guests_each=GUESTS_EACH,
        tasks_each=TASKS_EACH,
        hired=hired,
        endpoint=lambda number: NewEndpoint(url=f"{hooks}-{number}", events=["*"]),
        on=lambda number: wanted.on,
    )
    return made, await cast.each(lambda one: _passes(product, one), made)


async def _passes(product: Product, wedding: Wedding) -> Passes:
    """What the invitations of the guests hold, and the helper's link."""
    secret = product.settings.jwt_secret
    async with product.door.enter(wedding.couple.actor, wedding.id) as tx:
        helper = await weddings.add_member(tx, wedding.id, role="helper", name="Somebody who helps")
        token = await weddings.add_pass(tx, secret, "help", wedding.id, membership_id=helper)
        first = range(0, len(wedding.guests), cast.PARTY_SIZE)
        guests = [
            (await weddings.add_pass(tx, secret, "rsvp", wedding.id, party_id=party), wedding.guests[number])
            for party, number in zip(wedding.parties, first, strict=True)
        ]
        cast.hush(tx)
    return Passes(guests=guests, helper=token)


async def _play(product: Product, wanted: Plan, made: Sequence[Wedding], passes: Sequence[Passes]) -> Report:
    deeds, port = Deeds(), product.settings.port
    screens = screens_of(made, product.settings.gateway_port)
    async with calling(port, CONNECTIONS) as caller, calling(port, 4) as asking, _watched(screens):
        probes = Probes(made[0], asking, product.settings.gateway_port)
        await product.set_clock(wanted.moment(wanted.begin), wanted.speed)
        began_at, began = datetime.now(tz=UTC), time.monotonic()
        probing = asyncio.create_task(probes.ask())
        failing = asyncio.create_task(_fail(product, wanted, began))
        telling = asyncio.create_task(_tell(product, wanted, began, deeds))
        try:
            async with asyncio.TaskGroup() as group:
                for number, (wedding, held) in enumerate(zip(made, passes, strict=True)):
                    household = Household(wedding, held, caller, deeds, seed=number)
                    gap_s = 60.0 / wanted.speed / wanted.per_min
                    group.create_task(household.live(gap_s=gap_s, until=began + wanted.takes_s))
            await failing
        finally:
            for task in (probing, failing, telling):
                task.cancel()
            await asyncio.gather(probing, failing, telling, return_exceptions=True)
        await _settled(product)
        kept = await ledger.kept(product.settings, [one.id for one in made], began_at)
        lost = await _lost(caller, screens, kept)
    took_s = time.monotonic() - began
    return report.told(
        wanted,
        began_at=began_at,
        took_s=took_s,
        deeds=deeds,
        screens=screens,
        lost=lost,
        kept=kept,
        probes=probes.all,
    )


@asynccontextmanager
async def _watched(screens: Sequence[Screen]) -> AsyncIterator[None]:
    """All screens open, and as long as they are."""
    watching = [asyncio.create_task(screen.watch()) for screen in screens]
    try:
        await asyncio.gather(*(screen.is_open.wait() for screen in screens))
        yield
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


async def _fail(product: Product, wanted: Plan, began: float) -> None:
    """Everything that is to fail, when it is to. The last is mended before this ends."""

    async def one(trouble: Trouble) -> None:
        await _until(began + wanted.seconds(trouble.at))
        if trouble.is_part:
            product.kill(trouble.what)
            return
        await product.switch(trouble)
        await _until(began + wanted.seconds(trouble.at + trouble.lasts))
        await product.switch(trouble, is_over=True)

    async with asyncio.TaskGroup() as group:
        for trouble in wanted.troubles:
            group.create_task(one(trouble))


async def _tell(product: Product, wanted: Plan, began: float, deeds: Deeds) -> None:
    """A line now and then, so that who waits sees the day go by."""
    while True:
        product.check()
        clock = report.local(wanted, time.monotonic() - began)
        _say(f"  {clock}  {sum(deeds.done.values())} acts, {deeds.repeated} asked again")
        await asyncio.sleep(TELL_EVERY_S)


async def _settled(product: Product) -> None:
    """Until what is owed was delivered and the screens had a moment, or there was time enough for it."""
    give_up_at = time.monotonic() + SETTLE_S
    while await ledger.open_deliveries(product.settings) and time.monotonic() < give_up_at:
        product.check()
        await asyncio.sleep(0.5)
    await asyncio.sleep(CAUGHT_UP_S)


async def _lost(caller: Caller, screens: Sequence[Screen], kept: ledger.Kept) -> list[Lost]:
    """What the log tells each side since the beginning, and its screen did not show."""
    first: dict[object, int] = {}
    for wedding, seq in kept.recorded:
        first[wedding] = min(seq, first.get(wedding, seq))

    async def of(screen: Screen) -> list[Lost]:
        if screen.wedding.id not in first:
            return []
        told = await _log(caller, screen, first[screen.wedding.id])
        return [Lost(str(screen.wedding.id), screen.side, seq) for seq in told if seq not in screen.seen]

    return [one for several in await cast.each(of, screens) for one in several]


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


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def planned(*, weddings: int, speed: float, begin: str, end: str, rate: float, fail: Sequence[str] | None) -> Plan:
    """The options as a plan; what fails usually where nothing is said. Raises CannotRun."""
    return plan.planned(
        weddings=weddings,
        speed=speed,
        begin=begin,
        end=end,
        rate=rate,
        fail=plan.USUAL if fail is None else fail,
        today=datetime.now(tz=UTC).date(),
    )
