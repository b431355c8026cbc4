"""What people wait for goes first in a worker; what else follows from the same fact waits for it, never for long."""

import asyncio

import pytest

from tests.contracts.test_jobs_reactions import Run, settled, working
from tests.ledger import TYPES, Ledger
from wedsync.events import turns
from wedsync.events.catalogue import Catalogue, Reaction
from wedsync.events.event import Event
from wedsync.kit.db import Tx

pytestmark = pytest.mark.usefixtures("nothing_owed")


async def known(ledger: Ledger, *, tell: Run, follow: Run) -> Catalogue:
    """The follower's name comes first, as it does in a claim."""
    reactions = [
        Reaction(name="parties.follow", types=("party.tried",), run=follow),
        Reaction(name="parties.tell", types=("party.tried",), run=tell, is_prompt=True),
    ]
    return await ledger.know(reactions, TYPES)


async def test_what_people_wait_for_is_through_before_the_rest_begins(
    engine: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 30.0)
    order: list[str] = []

    async def tell(tx: Tx, event: Event) -> None:
        order.append("telling")
        for _ in range(10):
            await tx.value("select pg_sleep(0.001)")
        order.append("told")

    async def follow(tx: Tx, event: Event) -> None:
        order.append("followed")

    catalogue = await known(engine, tell=tell, follow=follow)
    wedding = await engine.wedding()
    await engine.facts(wedding)
    async with working(engine, catalogue):
        await settled(engine, wedding)
    assert order == ["telling", "told", "followed"]


async def test_the_rest_does_not_wait_for_ever(engine: Ledger) -> None:
    followed = asyncio.Event()

    async def tell(tx: Tx, event: Event) -> None:
        await followed.wait()

    async def follow(tx: Tx, event: Event) -> None:
        followed.set()

    catalogue = await known(engine, tell=tell, follow=follow)
    wedding = await engine.wedding()
    await engine.facts(wedding)
    async with working(engine, catalogue):
        await settled(engine, wedding)
