"""One sentence of whom it would hit: the weddings to which something is owed, and the next moment of each."""

from typing import Final

import msgspec

KINDS: Final = {
    "drinks": "the drinks",
    "evening": "the evening",
    "preparation": "the preparations",
    "photos": "the photographs",
    "speeches": "the speeches",
    "music": "the music",
    "transport": "the transport",
    "setup": "the setting up",
    "teardown": "the clearing up",
    "other": "the next item",
}
SHORT: Final = 8


class Wedding(msgspec.Struct, frozen=True, kw_only=True):
    """One that would be hit, by its id: whose it is, an operator learns only by breaking the glass."""

    wedding_id: str
    is_live: bool
    jobs: int
    zone: str
    kind: str | None = None
    at_local: str | None = None
    in_s: float | None = None


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """Weddings that are live, and the others of the next 72 hours; how much is owed to all of them together."""

    live: int
    due: int
    owed: int
    first: list[Wedding]


def sentence(risk: Risk) -> str:
    """Such as: 1 live wedding and 2 of the next 72 hours are owed 14 messages; first 019ab3f2 (the ceremony at Sat
    15:00 Europe/London, in 25 min)."""
    if not risk.live and not risk.due:
        return "No wedding of the next 72 hours is owed anything by it."
    who = [_count(risk.live, "live wedding")] if risk.live else []
    if risk.due:
        who.append(
            f"{risk.due} of the next 72 hours" if risk.live else f"{_count(risk.due, 'wedding')} of the next 72 h"
        )
    verb = "is" if risk.live + risk.due == 1 else "are"
    owed = f"owed {_count(risk.owed, 'message')}" if risk.owed else "near, with nothing waiting"
    named = ", ".join(_named(one) for one in risk.first)
    return f"{' and '.join(who)} {verb} {owed}; first {named}."


def _named(one: Wedding) -> str:
    # The end of an id of version 7 is what tells two of one day apart.
    name = one.wedding_id.replace("-", "")[-SHORT:]
    if one.kind is None or one.in_s is None:
        return f"…{name} ({'live, nothing more planned' if one.is_live else 'nothing planned yet'})"
    what = KINDS.get(one.kind, f"the {one.kind}")
    return f"…{name} ({what} at {one.at_local} {one.zone}, in {_until(one.in_s)})"


def _until(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
