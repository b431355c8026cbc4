"""How many connections each process may have: the profile's, shared by face, by season and by the weddings due. Pure.

A quiet month needs half: what is not held is memory of the server's for its cache. Where most weddings of the next two
weeks are in a market in its season, while any is live, or where many are due within 72 hours, all of it is given out.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from wedsync.kit.config import Settings
from wedsync.operations.slo import season

Face = Literal["web", "gateway", "worker"]

SHARES: Final[Mapping[Face, float]] = {"web": 0.55, "gateway": 0.15, "worker": 0.3}
CALM: Final = 0.5
MANY_DUE: Final = 20
FEWEST: Final = 2
FIRST: Final = 8
"""What a process begins with, until it has looked."""
KEPT_BACK: Final = 20
"""Of the server's: for the clock, the workers' own queue and mail, commands, and an administrator."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What it goes by (`ops.pool_facts`). `zones`: weddings of the next two weeks."""

    now: datetime
    zones: Mapping[str, int]
    due: int
    live: int
    processes: Mapping[str, int]
    max: int


class FacePool(msgspec.Struct, frozen=True, kw_only=True):
    """The pools of one kind of process."""

    face: Face
    processes: Annotated[int, Meta(description="Alive now; of none that is to come one is counted.")]
    each: int
    total: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`budget`: of the profile, and of what the server allows. `share` of it is given out now, and why."""

    budget: int
    share: float
    says: str
    faces: list[FacePool]

    def each(self, face: Face) -> int:
        return next(one.each for one in self.faces if one.face == face)


def plan(facts: Facts, settings: Settings) -> Plan:
    """What each process of a face may have at this moment."""
    budget = max(1, min(settings.connections, facts.max - KEPT_BACK))
    if settings.pool_size:
        faces = [_pool(face, facts, settings.pool_size * _processes(face, facts)) for face in SHARES]
        return Plan(budget=budget, share=1.0, says="WEDSYNC_POOL_SIZE fixes each pool.", faces=faces)
    share, says = _share(facts)
    faces = [_pool(face, facts, int(budget * share * of_all)) for face, of_all in SHARES.items()]
    return Plan(budget=budget, share=share, says=says, faces=faces)


def most(face: Face, settings: Settings) -> int:
    """The most that one process of a face may ever have."""
    return settings.pool_size or max(FEWEST, int(settings.connections * SHARES[face]))


def first(face: Face, settings: Settings) -> int:
    """What it begins with."""
    return settings.pool_size or min(FIRST, most(face, settings))


def _share(facts: Facts) -> tuple[float, str]:
    if facts.live:
        return 1.0, f"{_weddings(facts.live)} live."
    if facts.due >= MANY_DUE:
        return 1.0, f"{facts.due} weddings are due within 72 hours."
    found = season.season(facts.zones, facts.now.date())
    if found.factor < season.CALM:
        return 1.0, "Most weddings of the next two weeks are in a market in its season."
    return CALM, "Out of season, and few weddings are due: half of the connections rest."


def _pool(face: Face, facts: Facts, connections: int) -> FacePool:
    processes = _processes(face, facts)
    each = max(FEWEST, connections // processes)
    return FacePool(face=face, processes=processes, each=each, total=each * processes)


def _processes(face: Face, facts: Facts) -> int:
    return max(1, facts.processes.get(face, 0))


def _weddings(number: int) -> str:
    return "1 wedding is" if number == 1 else f"{number} weddings are"
