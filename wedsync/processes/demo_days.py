"""The demo's wedding day as it goes: who has said when they come, who is there, and what was amended; plan B ahead."""

from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Final
from uuid import UUID

from wedsync.days import actions, gates
from wedsync.days.model import ArrivalStep, Confirmation, NewAmendment
from wedsync.days.weather import NewGate
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Tx

COMING: Final = {
    "venue": (time(9), "Vera Venue", "+44 7700 900121", ""),
    "photographer": (time(12), "Carla Sample", "+44 7700 900122", "White van, AB12 CDE"),
}
AMENDED: Final = "The kitchen asks for a quarter of an hour more."
TOLD: Final = ("Taxis leave from the east gate", "The main gate is closed from ten.")
Quiet = Callable[[Tx], None]


async def play(
    door: Door, couple: Actor, wedding_id: UUID, suppliers: Mapping[str, Actor], *, on: date, dinner: UUID, quiet: Quiet
) -> None:
    """The wedding that is today."""
    for key, (at_local, name, phone, vehicle) in COMING.items():
        async with door.enter(suppliers[key], wedding_id) as tx:
            said = Confirmation(at_local=at_local, contact_name=name, contact_phone=phone, vehicle=vehicle, on=on)
            arrival = await actions.confirm(tx, said)
            quiet(tx)
        async with door.enter(suppliers[key], wedding_id) as tx:
            await actions.step(tx, arrival, ArrivalStep(state="on_site"))
            quiet(tx)
    async with door.enter(couple, wedding_id) as tx:
        await actions.amend(tx, NewAmendment(schedule_item_id=dinner, minutes=165, reason=AMENDED))
        quiet(tx)
    async with door.enter(couple, wedding_id) as tx:
        title, reason = TOLD
        await actions.amend(tx, NewAmendment(title=title, reason=reason))
        quiet(tx)


async def plan_for_rain(tx: Tx, item_id: UUID) -> None:
    """The wedding that is ahead."""
    new = NewGate(
        schedule_item_id=item_id,
        plan_b="The ceremony in the glasshouse",
        plan_b_place="The Old Glasshouse",
        latitude=51.5712,
        longitude=-0.7766,
    )
    await gates.put(tx, new)
