"""`wedsync drill saturday`: a whole Saturday in minutes, with providers failing and processes killed, and a report."""

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from wedsync.processes.drills import cast, ledger, plan, report
from wedsync.processes.drills.acting import Deeds, Household, Passes
from wedsync.processes.drills.calls import Caller, calling
from wedsync.processes.drills.cast import Wedding
from wedsync.processes.drills.plan import Plan, Trouble
from wedsync.processes.drills.product import Product, all_well, idle, own_folder, settled, started
from wedsync.processes.drills.report import Report
from wedsync.processes.drills.watching import Probes, late, lost_on_screens, screens_of, watched
from wedsync.subscriptions.model import NewEndpoint
from wedsync.weddings import actions as weddings

GUESTS_EACH: Final = 30
TASKS_EACH: Final = 6
SUPPLIERS_EACH: Final = 3
WEDDINGS_A_BUSINESS: Final = 4
CONNECTIONS: Final = 48
TELL_EVERY_S: Final = 5.0
PLANNED_AHEAD: Final = timedelta(days=10)


async def run(wanted: Plan, *, to: Path, web_workers: int = 2) -> int:
    """Play it, write the report, and tell the short of it; 0 where every promise was kept. Raises CannotRun."""
    _say(f"Starting WedSync in a folder of its own, and building {wanted.weddings} weddings.")
    with own_folder() as folder:
        async with started(folder, web_workers=web_workers) as product:
            await product.knows([one.what for one in wanted.troubles if not one.is_part])
            # A plan is made before the week in which its changes want a second word.
            await product.set_clock(wanted.moment(wanted.begin) - PLANNED_AHEAD, 1.0)
            made, passes = await _build(product, wanted)
            # What building them owes is done first: no Saturday begins with all its businesses taking the job at once.
            await idle(product)
            await product.end_building()
            found = await _play(product, wanted, made, passes)
    json, page = report.write(found, to)
    for words, said in report.lines(found).items():
        _say(f"  {words}: {said}")
    _say(f"The whole of it: {page} and {json}")
    return 0 if found.is_kept else 1


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
    async with calling(port, CONNECTIONS) as caller, calling(port, 4) as asking, watched(screens):
        probes = Probes(made[0], asking, product.settings.gateway_port)
        await product.set_clock(wanted.moment(wanted.begin), wanted.speed)
        began_at, began = datetime.now(tz=UTC), time.monotonic()
        probing = asyncio.create_task(probes.ask())
        failing = asyncio.create_task(_fail(product, wanted, began))
        telling = asyncio.create_task(_tell(product, wanted, began, deeds))
        own_ms: list[float] = []
        timing = asyncio.create_task(late(own_ms))
        living = asyncio.create_task(_live(wanted, made, passes, caller, deeds, began))
        try:
            await all_well({living, failing}, {probing, telling, timing})
        finally:
            tasks = (living, probing, failing, telling, timing)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await settled(product)
        kept = await ledger.kept(product.settings, [one.id for one in made], began_at)
        lost = await lost_on_screens(caller, screens, kept)
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
        own_ms=own_ms,
    )


async def _live(
    wanted: Plan, made: Sequence[Wedding], passes: Sequence[Passes], caller: Caller, deeds: Deeds, began: float
) -> None:
    """Everybody of every wedding, until the day is over."""
    gap_s = 60.0 / wanted.speed / wanted.per_min
    async with asyncio.TaskGroup() as group:
        for number, (wedding, held) in enumerate(zip(made, passes, strict=True)):
            household = Household(wedding, held, caller, deeds, seed=number)
            group.create_task(household.live(gap_s=gap_s, until=began + wanted.takes_s))


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
