"""Failpoints: named places where a test may end the process, raise, or lose a reply; nothing anywhere else.

`WEDSYNC_FAILPOINTS=after_claim=kill9,before_send=raise@3` arms places in profile test only: the third time
`before_send` is passed it raises, once. Unarmed, `hit` is one look into an empty dict.
"""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

VARIABLE: Final = "WEDSYNC_FAILPOINTS"
NAMES: Final = (
    *("after_claim", "before_send", "after_send", "before_complete", "after_complete"),
    *("before_commit", "after_commit"),
)
"""Every place that calls `hit`; the crash tests go through all of them."""


class FailpointHit(RuntimeError):  # noqa: N818 -- what happened, as a test reads it
    """Raised by mode `raise`: a bug at exactly this place."""


class ReplyLost(ConnectionResetError):  # noqa: N818 -- what happened, as a test reads it
    """Raised by mode `drop_reply`: what came before was done, and its answer got lost."""


class _Armed(msgspec.Struct):
    act: Callable[[str], None]
    at: int
    passed: int = 0


_armed: dict[str, _Armed] = {}


def hit(name: str) -> None:
    """Pass a place."""
    if name in _armed:
        _pass(name)


def arm(text: str) -> None:
    """Arm places in this process; "" disarms all. Raises ValueError with what is wrong."""
    wanted: dict[str, _Armed] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, rest = entry.partition("=")
        mode, _, at = rest.partition("@")
        if name not in NAMES or mode not in _MODES or not (at or "1").isdigit():
            raise ValueError(f"{entry!r} is not place=mode@nth; places: {', '.join(NAMES)}; modes: {', '.join(_MODES)}")
        wanted[name] = _Armed(_MODES[mode], int(at or "1"))
    _armed.clear()
    _armed.update(wanted)


def arm_from(environ: Mapping[str, str]) -> None:
    """Arm what a process was started with; any profile but test ignores it."""
    if environ.get("WEDSYNC_ENV") == "test":
        arm(environ.get(VARIABLE, ""))


def _pass(name: str) -> None:
    armed = _armed[name]
    armed.passed += 1
    if armed.passed == armed.at:
        armed.act(name)


def _kill9(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _raise(name: str) -> None:
    raise FailpointHit(name)


def _drop_reply(name: str) -> None:
    raise ReplyLost(name)


_MODES: Final[Mapping[str, Callable[[str], None]]] = {"kill9": _kill9, "raise": _raise, "drop_reply": _drop_reply}

arm_from(os.environ)
