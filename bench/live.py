"""Sockets over weddings with a writer beside them: what the scenarios of the gateway share."""

from collections.abc import Sequence

from bench.peers import Peer
from bench.report import Figures, spread
from bench.rounds import Plan
from bench.stage import Stage
from bench.writer import WARM_S, Done, Place, Task
from wedsync.processes.drills.cast import Business, Wedding
from wedsync.processes.drills.listeners import Join, Listener, seq_of, wedding_topic

TABLE = "rsvps"
"""An answer is two events, of itself and of the head count; listening to one table makes it one frame a socket."""
REPLIED = "rsvp.replied"
GRACE_S = 60.0


def joins(weddings: Sequence[Wedding], each: int) -> list[Join]:
    """So many sockets a wedding: half of them the couple's, half a supplier's that sees the guests."""
    made = []
    for wedding in weddings:
        audience = [wedding.couple, *(business.owner for business in wedding.businesses)]
        for number in range(each):
            token = audience[number % len(audience)].token
            made.append(Join(topic=wedding_topic(wedding.id), token=token, table=TABLE, presence_key=str(number)))
    return made


def shared(businesses: Sequence[Business], number: int) -> list[Business]:
    """One supplier for each wedding, in turn."""
    return [businesses[number % len(businesses)]]


async def write(
    writer: Peer, stage: Stage, weddings: Sequence[Wedding], plan: Plan, *, per_s: float, seconds: float
) -> Done:
    """Let the writer answer for guests at a pace."""
    places = [Place(w.id, w.couple.id, w.dinner, w.guests) for w in weddings]
    task = Task(stage.environ_of("web"), places, plan.rate(per_s), plan.seconds(seconds))
    await writer.tell(task)
    return await writer.answer(Done, patience_s=WARM_S + task.seconds + GRACE_S)


def keep_frames(listeners: Sequence[Listener]) -> None:
    """From now on frames are kept, and those of before are forgotten."""
    for listener in listeners:
        listener.frames = []
        listener.changes = 0


def frame_delays(listeners: Sequence[Listener], done: Done) -> Figures:
    """From the return of each commit to each frame; `missing` are frames that never came."""
    committed = {
        (stamp.stream.partition(":")[2], stamp.seq): stamp.at for stamp in done.stamps if stamp.type == REPLIED
    }
    changes_of: dict[str, int] = {}
    for tenant, _ in committed:
        changes_of[tenant] = changes_of.get(tenant, 0) + 1
    delays, expected = [], 0
    for listener in listeners:
        tenant = listener.topic.rpartition(":")[2]
        expected += changes_of.get(tenant, 0)
        first: dict[int, int] = {}
        for at, frame in listener.frames or ():
            first.setdefault(seq_of(frame), at)
        delays += [(at - committed[tenant, seq]) / 1e6 for seq, at in first.items() if (tenant, seq) in committed]
    return {
        **spread("frame", delays),
        "missing": float(expected - len(delays)),
        "changes": float(len(committed)),
        "frames": float(len(delays)),
    }
