"""The seat of a worker: who follows a process that was killed knows at once that what it held is nobody's.

A lease lapses after a minute, for from outside nobody can tell a worker that is slow from one that is gone. Its
supervisor can: it starts the successor only when the process has ended. Both are given the same seat, a number that is
written into each lease, and the successor frees what its seat holds before it claims anything. A worker that nobody
supervises has no seat; its leases lapse, as do those of a machine that is lost.
"""

import os
import secrets
from typing import Final

import structlog

from wedsync.events.jobs import Queue, is_passing

log = structlog.get_logger("worker")

VARIABLE: Final = "WORKER_SEAT"
SEATS: Final = 2**31


def environ() -> dict[str, str]:
    """What gives a part and all of its successors a seat that nobody else has."""
    return {VARIABLE: str(secrets.randbelow(SEATS))}


def own() -> int | None:
    """The seat of this process."""
    given = os.environ.get(VARIABLE, "")
    return int(given) if given.isdecimal() else None


async def take(queue: Queue) -> None:
    """Sit down, and free what the process before held; where the database is away, its leases lapse."""
    seat = own()
    if seat is None:
        return
    try:
        freed = await queue.vacate(seat)
    except Exception as error:
        if not is_passing(error):
            raise
        log.warning("seat_not_vacated", reason=f"{type(error).__name__}: {error}")
    else:
        if freed:
            log.info("seat_vacated", jobs=freed)
