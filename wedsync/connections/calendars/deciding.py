"""What is to be done about one event of ours: pure, from what was kept of it, what it is now, and what people said."""

from datetime import timedelta
from typing import Final, Literal

import msgspec

from wedsync.connections.calendars.event import (
    GROUPS,
    CalendarEvent,
    EventError,
    Timed,
    from_instants,
    group,
    span,
    taken,
)
from wedsync.connections.calendars.kept import Adopted, Kept
from wedsync.connections.calendars.merge import Direction, Policy, Side, Sides, decide
from wedsync.connections.calendars.ours import Ours

State = Literal["new", "there", "removed", "ended"]
Verdict = Literal["", "ours", "theirs"]
TIE: Final = timedelta(seconds=5)
"""Two clocks that differ by less do not say who was later."""


class Clashing(msgspec.Struct, frozen=True, kw_only=True):
    """For people to decide."""

    kind: Literal["changed", "deleted", "removed"]
    about: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`write`: make there what `theirs` says (null: delete it). `take`: their times are to become ours. `kept` and
    `state` are what holds once both are done; `clash` is what is left to people."""

    kept: Kept
    state: State
    write: bool = False
    theirs: CalendarEvent | None = None
    is_new: bool = False
    take: bool = False
    clash: Clashing | None = None


def plan(
    kept: Kept,
    state: State,
    ours: Ours | None,
    *,
    direction: Direction,
    policy: Policy,
    verdict: Verdict = "",
    is_withdrawn: bool = False,
    is_waiting: bool = False,
) -> Plan:
    """`is_withdrawn`: it is not deleted here, it may not be there any more: then nothing they did keeps it.
    `is_waiting`: their move waits for its owner."""
    if ours is None:
        return _without_ours(kept, state, policy, verdict, is_withdrawn=is_withdrawn)
    mine = effective(kept, ours.event)
    if is_waiting and kept.asked == ours.event and kept.base is not None:
        mine = taken(mine, kept.base, "times")
    if state in ("new", "ended"):
        return _made(kept, mine)
    if kept.theirs is None:
        return _removed(kept, state, mine, ours, direction, policy, verdict)
    made = _both(kept, kept.theirs, mine, ours, direction, policy, verdict)
    if is_waiting and kept.asked == ours.event:
        made = msgspec.structs.replace(made, kept=msgspec.structs.replace(made.kept, asked=kept.asked))
    return made


def effective(kept: Kept, event: CalendarEvent) -> CalendarEvent:
    """Ours with what they made their own of it, as long as ours is what it was then."""
    for name, one in kept.adopted.items():
        if group(event, name) == group(one.ours, name):
            event = taken(event, one.theirs, name)
    return event


def in_zone(event: CalendarEvent, zone: str, calendar_zone: str) -> CalendarEvent:
    """The same event with its times as the zone says them: a provider may answer in another one than it was given."""
    times = event.times
    if not isinstance(times, Timed) or event.rules:
        return event
    try:
        return msgspec.structs.replace(event, times=from_instants(*span(times, calendar_zone=calendar_zone), zone))
    except EventError:
        return event


def _made(kept: Kept, mine: CalendarEvent) -> Plan:
    fresh = Kept(base=mine, theirs=mine, adopted=kept.adopted)
    return Plan(kept=fresh, state="there", write=True, theirs=mine, is_new=True)


def _without_ours(kept: Kept, state: State, policy: Policy, verdict: Verdict, *, is_withdrawn: bool) -> Plan:
    ended = Plan(kept=Kept(), state="ended")
    if state != "there" or kept.theirs is None:
        return ended
    winner = verdict or policy
    if not is_withdrawn and kept.theirs != kept.base and winner != "ours":
        if winner == "theirs":
            return ended
        return Plan(kept=kept, state="there", clash=Clashing(kind="deleted"))
    return msgspec.structs.replace(ended, write=True)


def _removed(
    kept: Kept, state: State, mine: CalendarEvent, ours: Ours, direction: Direction, policy: Policy, verdict: Verdict
) -> Plan:
    """They deleted it. Nothing of ours goes with it: it stays away there until it changes here, or somebody says so."""
    left = Plan(kept=msgspec.structs.replace(kept, remote_id="", base=mine, is_left=True), state="removed")
    away = Plan(kept=msgspec.structs.replace(kept, remote_id=""), state="removed")
    if verdict:
        return _made(kept, mine) if verdict == "ours" else left
    if mine == kept.base:
        return left if kept.is_left else msgspec.structs.replace(away, clash=Clashing(kind="removed"))
    winner = "ours" if direction == "export" else _winner(policy, kept, ours)
    if winner is None:
        return msgspec.structs.replace(away, clash=Clashing(kind="deleted"))
    return _made(kept, mine) if winner == "ours" else left


def _both(
    kept: Kept,
    theirs: CalendarEvent,
    mine: CalendarEvent,
    ours: Ours,
    direction: Direction,
    policy: Policy,
    verdict: Verdict,
) -> Plan:
    if verdict == "ours":
        mine = ours.event
        return _then(msgspec.structs.replace(kept, adopted={}), theirs, mine, ours, mine, mine, mine)
    if verdict == "theirs":
        return _then(kept, theirs, mine, ours, theirs, theirs, theirs)
    sides = Sides(base=kept.base, ours=mine, theirs=theirs, newer=newer(kept, ours))
    decided = decide(sides, direction=direction, policy=policy)
    about = ",".join(clash.about for clash in decided.clashes)
    made = _then(kept, theirs, mine, ours, decided.ours, decided.theirs, decided.base)
    return msgspec.structs.replace(made, clash=Clashing(kind="changed", about=about)) if about else made


def _then(
    kept: Kept,
    theirs: CalendarEvent,
    mine: CalendarEvent,
    ours: Ours,
    ours_then: CalendarEvent | None,
    theirs_then: CalendarEvent | None,
    base: CalendarEvent | None,
) -> Plan:
    """From what was decided. Words and status that are theirs now are no change of ours: they are kept beside it."""
    adopted = {n: one for n, one in kept.adopted.items() if group(ours.event, n) == group(one.ours, n)}
    take = False
    for name in GROUPS:
        if ours_then is None or group(ours_then, name) == group(mine, name):
            continue
        if name == "times":
            take = True
        else:
            adopted[name] = Adopted(ours=ours.event, theirs=ours_then)
    return Plan(
        kept=msgspec.structs.replace(kept, base=base, theirs=theirs_then, adopted=adopted, asked=None),
        state="there",
        write=theirs_then != theirs,
        theirs=theirs_then,
        take=take,
    )


def newer(kept: Kept, ours: Ours) -> Side | None:
    """Who changed it last, as far as the two clocks can tell."""
    if kept.updated_at is None or abs(kept.updated_at - ours.changed_at) <= TIE:
        return None
    return "theirs" if kept.updated_at > ours.changed_at else "ours"


def _winner(policy: Policy, kept: Kept, ours: Ours) -> Side | None:
    if policy == "manual":
        return None
    return newer(kept, ours) if policy == "latest" else policy
