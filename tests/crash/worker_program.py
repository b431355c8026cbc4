"""The worker as a program for the crash tests: the real loops, doors and webhook connector, and a reaction of its own.

Every fact of type party.tried is answered by a fact of type party.answered, so a reaction that ran twice, or not, shows
in the log of the wedding and at the receiver.
"""

import asyncio
import os

import uvloop

from tests.ledger import TYPES, event_type, fact
from wedsync.events.catalogue import Catalogue, Reaction
from wedsync.events.event import Event
from wedsync.kit import log
from wedsync.kit.config import Settings, load
from wedsync.kit.db import Tx
from wedsync.processes import senders
from wedsync.processes.stopping import stop_on_signals
from wedsync.processes.worker import serve

ANSWERED = event_type("party.answered")


async def answer(tx: Tx, event: Event) -> None:
    """One new fact for one fact."""
    await fact(tx, event.tenant, ANSWERED, "answer")


REACTIONS = (Reaction(name="parties.answer", types=("party.tried",), run=answer),)
CATALOGUE = Catalogue((*TYPES, ANSWERED), REACTIONS)


async def run(settings: Settings) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with senders.opened(settings) as opened:
        await serve(settings, catalogue=CATALOGUE, senders=opened.senders, works={}, stop=stop)


if __name__ == "__main__":
    chosen = load(os.environ)
    log.configure(process="worker", level=chosen.log_level)
    uvloop.run(run(chosen))
