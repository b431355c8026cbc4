"""How health is drawn: what its page and the page of today show of it, and a line of sixty minutes as bars."""

from typing import Any, Final

from wedsync.operations.health import model, reading
from wedsync.operations.slo import model as promise
from wedsync.operations.slo import reading as slo

STATUS: Final = {"good": ("Well", "good"), "look": ("Look at it", "wait"), "bad": ("Not well", "bad")}
KINDS: Final = {
    "edge": "Answers",
    "lane": "Deliveries by lane",
    "channel": "Tries by connector",
    "probe": "Probes",
    "gauge": "Share of a limit",
}
HEIGHT: Final = 20.0
WINDOWS: Final = {300: "5 min", 3600: "1 h", 21_600: "6 h", 86_400: "1 day", 259_200: "3 days"}


def values(found: reading.Health, breakers: list[reading.Breaker], promises: slo.Slo) -> dict[str, Any]:
    """What the template needs."""
    return {
        "slo": promises,
        "promises": [(one, *_promise(one), _burns(one)) for one in promises.promises],
        "health": found,
        "status": STATUS[found.status],
        "troubles": [(one, *STATUS[one.status]) for one in found.parts if one.status != "good"],
        "well": [one for one in found.parts if one.status == "good"],
        "groups": [
            (title, [(one, spark(one)) for one in found.signals if one.kind == kind])
            for kind, title in KINDS.items()
            if any(one.kind == kind for one in found.signals)
        ],
        "breakers": [(one, one.state.replace("_", " "), _tone(one)) for one in breakers],
        "changes": [(one, STATUS[one.was][0], *STATUS[one.status]) for one in found.changes],
    }


def spark(signal: model.Signal) -> list[tuple[float, float, float, str]]:
    """Bars (x, y, height, kind) in a box of sixty by twenty; what was bad stands on top of what was good.

    A minute of which nothing is known is a bar of its own, `gap`, as high as the box.
    """
    known = [value for value in signal.points if value is not None]
    top = max([*known, 1.0 if signal.kind == "gauge" else 0.0])
    if top <= 0:
        if len(known) == len(signal.points):
            return []
        top = 1.0
    bars = []
    for x, (value, bad) in enumerate(zip(signal.points, signal.bad_points, strict=True)):
        if value is None:
            bars.append((float(x), 0.0, HEIGHT, "gap"))
            continue
        whole, part = HEIGHT * value / top, HEIGHT * bad / top
        if value:
            bars.append((float(x), round(HEIGHT - whole, 2), round(whole, 2), "accent"))
        if bad:
            bars.append((float(x), round(HEIGHT - whole, 2), round(max(part, 2.0), 2), "bad"))
    return bars


def _promise(one: promise.Standing) -> tuple[str, str]:
    if one.firing is not None:
        return "Burns", "bad" if one.firing == "page" else "wait"
    if one.left is None:
        return "Nothing to judge yet", ""
    return ("Kept", "good") if one.left >= 0 else ("Missed", "bad")


def _burns(one: promise.Standing) -> list[tuple[str, str]]:
    """The windows that alert, in words, where one of them is used up faster than it may be."""
    if all((burn.rate or 0.0) < 1 for burn in one.burns):
        return []
    return [
        (WINDOWS[burn.window_s], f"{burn.rate:.1f}") for burn in one.burns if burn.window_s in WINDOWS and burn.rate
    ]


def _tone(one: reading.Breaker) -> str:
    return {"open": "bad", "half_open": "wait"}.get(one.state, "good")
