"""Failpoints: named places where a test may end the process, halt it, raise, or lose a reply; nothing anywhere else.

`WEDSYNC_FAILPOINTS=after_claim=kill9,before_send=raise@3` arms places in profile test only: the third time
`before_send` is passed it raises, once. Unarmed, `hit` is one look into an empty dict. Processes that are given the
same folder by `WEDSYNC_FAILPOINTS_TOLD` write there what happened, and a place happens once for all of them together:
the successor of a killed process lives.
"""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

VARIABLE: Final = "WEDSYNC_FAILPOINTS"
TOLD: Final = "WEDSYNC_FAILPOINTS_TOLD"
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("before_commit", "after_commit", "before_publish", "after_publish"), ("web", "worker")),
    **dict.fromkeys(("after_verify", "after_insert", "before_reply"), ("web",)),
    **dict.fromkeys(("after_claim", "after_load", "before_send", "after_send"), ("worker",)),
    **dict.fromkeys(("before_finish", "before_complete", "after_complete"), ("worker",)),
    **dict.fromkeys(("import_opened", "import_decided", "import_written", "before_mail", "after_mail"), ("worker",)),
    **dict.fromkeys(("after_feed", "after_read", "before_frames", "after_positions"), ("gateway",)),
    **dict.fromkeys(("before_tick", "after_tick"), ("clock",)),
}
"""Every place that calls `hit`, and the processes that pass it; the crash tests go through all of them."""
NAMES: Final = tuple(PLACES)


class FailpointHit(RuntimeError):  # noqa: N818 -- what happened, as a test reads it
    """Raised by mode `raise`: a bug at exactly this place."""


class ReplyLost(ConnectionResetError):  # noqa: N818 -- what happened, as a test reads it
    """Raised by mode `drop_reply`: what came before was done, and its answer got lost."""


class _Armed(msgspec.Struct):
    mode: str
    at: int
    passed: int = 0


_armed: dict[str, _Armed] = {}
_told: Path | None = None


def hit(name: str) -> None:
    """Pass a place."""
    if name in _armed:
        _pass(name)


def arm(text: str, *, told: str = "") -> None:
    """Arm places in this process; "" disarms all. Raises ValueError with what is wrong."""
    global _told
    wanted: dict[str, _Armed] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, rest = entry.partition("=")
        mode, _, at = rest.partition("@")
        if name not in NAMES or mode not in _MODES or not (at or "1").isdigit():
            raise ValueError(f"{entry!r} is not place=mode@nth; places: {', '.join(NAMES)}; modes: {', '.join(_MODES)}")
        wanted[name] = _Armed(mode, int(at or "1"))
    _armed.clear()
    _armed.update(wanted)
    _told = Path(told) if told else None


def arm_from(environ: Mapping[str, str]) -> None:
    """Arm what a process was started with; any profile but test ignores it."""
    if environ.get("WEDSYNC_ENV") == "test":
        arm(environ.get(VARIABLE, ""), told=environ.get(TOLD, ""))


def _pass(name: str) -> None:
    armed = _armed[name]
    armed.passed += 1
    if armed.passed == armed.at and _is_first(name, armed.mode):
        _MODES[armed.mode](name)


def _is_first(name: str, mode: str) -> bool:
    """Whether no process that shares the folder was here before; this one's number is left there."""
    if _told is None:
        return True
    try:
        with (_told / name).open("x") as file:
            file.write(f"{mode} {os.getpid()}")
    except FileExistsError:
        return False
    return True


def _kill9(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(_: str) -> None:
    """As a machine that stands still: until SIGCONT, and then as if nothing had been."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _raise(name: str) -> None:
    raise FailpointHit(name)


def _drop_reply(name: str) -> None:
    raise ReplyLost(name)


_MODES: Final[Mapping[str, Callable[[str], None]]] = {
    "kill9": _kill9,
    "raise": _raise,
    "hang": _hang,
    "drop_reply": _drop_reply,
}
MODES: Final = tuple(_MODES)

arm_from(os.environ)
