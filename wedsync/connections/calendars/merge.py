"""What becomes of one event that two sides hold: a pure decision from ours, theirs and what both last agreed on.

Three-way and by groups of fields: a new title there and a new time here are both kept. An item one side deleted goes on
the other if nobody changed it there. Direction is judged first: an import writes nothing there, an export takes none.
"""

from typing import Literal

import msgspec

from wedsync.connections.calendars.event import GROUPS, CalendarEvent, Group, group, taken

Direction = Literal["both", "import", "export"]
Policy = Literal["manual", "ours", "theirs", "latest"]
Side = Literal["ours", "theirs"]


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """`base` is what both agreed on, null before the first time; `ours` and `theirs` are null where it was deleted or
    never was. `newer` is who changed it last, null where their clocks cannot tell."""

    base: CalendarEvent | None
    ours: CalendarEvent | None
    theirs: CalendarEvent | None
    newer: Side | None = None


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """A group both sides changed, or `event` where one deleted what the other changed."""

    about: Group | Literal["event"]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the event is now on each side (null: deleted), what both have agreed on, and what people must decide.

    `ours` is to be taken over where it differs from what we have, `theirs` to be written there likewise.
    """

    ours: CalendarEvent | None
    theirs: CalendarEvent | None
    base: CalendarEvent | None
    clashes: tuple[Clash, ...] = ()


def decide(sides: Sides, *, direction: Direction, policy: Policy) -> Decision:
    """Deterministic; deciding again about its own result changes nothing."""
    if direction == "import":
        return Decision(ours=sides.theirs, theirs=sides.theirs, base=sides.theirs)
    if direction == "export":
        if sides.theirs is None and sides.base is not None and sides.ours == sides.base:
            # They deleted what we wrote: it is their calendar, so it comes back only when it changes.
            return Decision(ours=sides.ours, theirs=None, base=sides.base)
        return Decision(ours=sides.ours, theirs=sides.ours, base=sides.ours)
    if sides.ours is None or sides.theirs is None:
        return _one_is_gone(sides, policy)
    return _merged(sides, sides.ours, sides.theirs, policy)


def _one_is_gone(sides: Sides, policy: Policy) -> Decision:
    left = sides.ours or sides.theirs
    if left is None:
        return Decision(ours=None, theirs=None, base=None)
    if sides.base is None:
        return Decision(ours=left, theirs=left, base=left)
    if left == sides.base:
        return Decision(ours=None, theirs=None, base=None)
    # One deleted what the other changed. Nothing is lost: what was changed stays until somebody says otherwise.
    keeper: Side = "ours" if sides.ours is not None else "theirs"
    winner = _winner(policy, sides.newer)
    if winner is None:
        return Decision(ours=sides.ours, theirs=sides.theirs, base=sides.base, clashes=(Clash(about="event"),))
    kept = left if winner == keeper else None
    return Decision(ours=kept, theirs=kept, base=kept)


def _merged(sides: Sides, ours: CalendarEvent, theirs: CalendarEvent, policy: Policy) -> Decision:
    """Each group by itself. Where people must decide each side keeps its own, and the base stays as it was."""
    now_ours, now_theirs, agreed = ours, theirs, sides.base or ours
    clashes: list[Clash] = []
    for name in GROUPS:
        winner = _of_group(sides, ours, theirs, name, policy)
        if winner is None:
            clashes.append(Clash(about=name))
            continue
        source = ours if winner == "ours" else theirs
        now_ours, now_theirs = taken(now_ours, source, name), taken(now_theirs, source, name)
        agreed = taken(agreed, source, name)
    if clashes and sides.base is None:
        return Decision(ours=ours, theirs=theirs, base=None, clashes=tuple(clashes))
    return Decision(ours=now_ours, theirs=now_theirs, base=agreed, clashes=tuple(clashes))


def _of_group(sides: Sides, ours: CalendarEvent, theirs: CalendarEvent, name: Group, policy: Policy) -> Side | None:
    mine, other = group(ours, name), group(theirs, name)
    if mine == other:
        return "ours"
    if sides.base is not None:
        was = group(sides.base, name)
        if mine == was:
            return "theirs"
        if other == was:
            return "ours"
    return _winner(policy, sides.newer)


def _winner(policy: Policy, newer: Side | None) -> Side | None:
    if policy == "manual":
        return None
    return newer if policy == "latest" else policy
