"""Traces: what a process did for one request or job, how long each part took, and what it was part of.

Off unless `WEDSYNC_OTLP_URL` is set: then there is never a current span, and each place that would make one asks for it
once. A span is two numbers and its parent's: `traceparent` (W3C Trace Context, level 1) carries them to the next
process, by a header or by the row of a job. What is not sampled has no span at all, here and in what follows from it.
Attributes hold templates, counts, ids of the ledger and words of ours; never a path, an address, a name or a message.
"""

import importlib
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final, Literal

from wedsync.kit.config_traces import TraceSettings

HEADER: Final = "traceparent"
FACTS_MAX: Final = 32
"""Facts named in the span of one transaction; how many there were it says as well."""
NS: Final = 1_000_000
_PARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool


class Span:
    """One thing that was done. Entered, it is the current one of its task; it is told when it ends."""

    __slots__ = (
        "_tell",
        "_token",
        "began_ns",
        "ended_ns",
        "error",
        "events",
        "id",
        "kind",
        "name",
        "parent",
        "said",
        "trace",
    )

    def __init__(self, tell: "Tell", name: str, kind: Kind, *, trace: int, parent: int, id: int = 0) -> None:
        self._tell = tell
        self._token: Token[Span | None] | None = None
        self.name = name
        self.kind = kind
        self.trace = trace
        self.parent = parent
        self.id = id or random.getrandbits(64) or 1
        self.began_ns = time.time_ns()
        self.ended_ns = 0
        self.error = ""
        self.said: dict[str, Value] = {}
        self.events: list[tuple[str, int]] = []

    @property
    def traceparent(self) -> str:
        """As the next process takes it."""
        return f"00-{self.trace:032x}-{self.id:016x}-01"

    def child(self, name: str, kind: Kind = "internal", *, id: int = 0) -> "Span":
        """A part of it."""
        return Span(self._tell, name, kind, trace=self.trace, parent=self.id, id=id)

    def say(self, attributes: Mapping[str, Value | None]) -> None:
        """More of what is known of it; None is left out."""
        self.said.update({name: value for name, value in attributes.items() if value is not None})

    def fail(self, reason: str) -> None:
        """It did not do what it was for."""
        self.error = reason

    def end(self) -> None:
        """Told once, however often it ends."""
        if not self.ended_ns:
            self.ended_ns = time.time_ns()
            self._tell(self)

    def __enter__(self) -> "Span":
        self._token = _current.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if error is not None and not self.error:
            self.fail(type(error).__name__)
        self.end()


Tell = Callable[[Span], None]
_current: ContextVar[Span | None] = ContextVar("span", default=None)


class Untraced:
    """Stands where there is no span to enter."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


UNTRACED: Final = Untraced()


class Tracer:
    """Begins the traces of one process; `tell` takes each span that has ended, and never waits."""

    def __init__(self, tell: Tell, *, share: int) -> None:
        self._tell = tell
        self._share = share

    def begin(self, name: str, kind: Kind, header: str | None = None) -> Span | None:
        """The first span of this installation, if chance wants it. Whose trace it is the caller may say; whether it is
        kept we do, so that nobody outside decides what we spend.
        """
        if random.random() * 100 >= self._share:  # noqa: S311 -- a sample, not a secret
            return None
        trace, parent = parsed(header) or (random.getrandbits(128) or 1, 0)
        return Span(self._tell, name, kind, trace=trace, parent=parent)

    def go_on(self, name: str, kind: Kind, traceparent: str | None, *, id: int = 0) -> Span | None:
        """A span below one of another process, which was kept, so this one is."""
        above = parsed(traceparent)
        if above is None:
            return None
        return Span(self._tell, name, kind, trace=above[0], parent=above[1], id=id)


_tracer: Tracer | None = None


def tracer() -> Tracer | None:
    """The process's; None while traces are off."""
    return _tracer


def current() -> Span | None:
    """What this task is doing, if anybody wants to know."""
    return _current.get()


def forget() -> None:
    """What this task does from here on is for many: it is part of nobody's trace."""
    _current.set(None)


def entered(span: Span | None) -> Span | Untraced:
    """To be used by `with`, whether there is one or not."""
    return UNTRACED if span is None else span


def parsed(header: str | None) -> tuple[int, int] | None:
    """Trace and span of a `traceparent`; None for one that is none, as the standard wants it. A later version's first
    fields are read as ours, and version ff is no version.
    """
    found = _PARENT.fullmatch(header) if header else None
    if header is None or found is None or header.startswith("ff") or (header.startswith("00") and found[3]):
        return None
    trace, span = int(found[1], 16), int(found[2], 16)
    return (trace, span) if trace and span else None


@asynccontextmanager
async def exporting(settings: TraceSettings, wire: Any, *, process: str) -> AsyncIterator[Any]:
    """While it is open the process's spans are sent by `wire` to the collector that is set; yields who sends them, or
    None.

    The encoder is OpenTelemetry's, and is read only where it is used: it costs each process a quarter of a second.
    """
    if not settings.otlp_url:
        yield None
        return
    global _tracer
    export: Any = importlib.import_module("wedsync.kit.trace_export")
    exporter = export.Exporter(
        wire, url=settings.otlp_url, headers=export.headers_of(settings.otlp_headers), process=process
    )
    before, _tracer = _tracer, Tracer(exporter.take, share=settings.trace_share)
    try:
        async with exporter.running():
            yield exporter
    finally:
        _tracer = before
