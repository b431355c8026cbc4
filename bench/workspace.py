"""A VSCO Workspace of any number of studios that takes 50 ms for every call, in a process of its own.

`python -m bench.workspace` serves the connector's own fake and tells its address on the first line. Each line on
standard input is answered by one: `studios` opens so many, each with one booked job, and tells their keys; `make` is an
owner who writes down an enquiry for a day, and is answered with the moment it was done; `take` tells which days of jobs
have been written by us, which are then forgotten.
"""

import time
from datetime import date
from typing import Any, Literal

import msgspec
import uvloop

from bench.lines import say, told
from bench.provider import Slow
from wedsync.connections.records.record import Record
from wedsync.connections.stage import serving
from wedsync.connectors.tave.fake import Tave
from wedsync.connectors.tave.fake_store import Studio, Thing
from wedsync.kit import clock, log


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line on standard input. `key` and `on` are for an enquiry, `count` for studios."""

    ask: Literal["studios", "make", "take"]
    count: int = 0
    key: str = ""
    on: str = ""


class Write(msgspec.Struct, frozen=True, array_like=True):
    """A job was moved by a call of ours; seconds since 1970."""

    at: float
    key: str
    on: str


class Noting(Studio):
    """A studio that notes when a call moves its job; what its owner does goes by other ways."""

    writes: list[Write]

    def touched(self, thing: Thing, **fields: Any) -> None:
        super().touched(thing, **fields)
        if set(fields) == {"eventDate"}:
            self.writes.append(Write(time.time(), self.key, fields["eventDate"]))


def studios(tave: Tave, count: int, writes: list[Write]) -> list[str]:
    """So many new ones, whose keys are their names."""
    tave.studios.clear()
    for number in range(count):
        key = f"bench-studio-{number}"
        tave.studios[key] = studio = Noting(key, key, clock.machine_now, number)
        studio.writes = writes
        studio.make(Record(name="Ana Lopez", partner_name="Ben Ito", email="ana@example.com", stage="booked"))
    return list(tave.studios)


async def main() -> None:
    log.configure(process="workspace", level="warning")
    tave, writes = Tave(), list[Write]()
    async with serving([Slow(tave)]) as at:
        say(at)
        async for one in told(Asked):
            if one.ask == "studios":
                say(studios(tave, one.count, writes))
            elif one.ask == "make":
                done_at = time.time()
                await tave.make(one.key, Record(name=f"Carla {one.on}", wedding_on=date.fromisoformat(one.on)))
                say(done_at)
            else:
                taken = writes.copy()
                writes.clear()
                say(taken)


if __name__ == "__main__":
    uvloop.run(main())
