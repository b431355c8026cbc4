"""The web process's numbers for Prometheus: plain counts by route template, read when asked; never an id in a label.

Each web worker is a process that answers for itself: the label `worker` is its process number, and an asker reaches
any one of them. Counts of one worker only grow, so rates and sums over `worker` are right.
"""

import os
import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Final, Protocol

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from wedsync.kit import clock, sketch
from wedsync.kit.db import Door
from wedsync.kit.heart import Answered
from wedsync.web.admission import Gate, kinds_of

PREFIX: Final = "wedsync_web_"
BOUNDS_MS: Final = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 10000.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE: Final = "none"
UNJUDGED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by watchers, not by people."""
SLOW_MS: Final = 500.0
TOO_MANY: Final = 429
OWN: Final = "Each worker answers for itself."


class Traced(Protocol):
    """Counts what became of spans."""

    exported: int
    dropped: int


class Loaded(Protocol):
    """Knows how late its process is, and whom it sent away."""

    gate: Gate
    under_way: int


class Latency:
    """Answers of one route by upper bound in milliseconds; the last is without bound."""

    __slots__ = ("counts", "total_ms")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_MS) + 1)
        self.total_ms = 0.0

    def observe(self, ms: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS_MS, ms)] += 1
        self.total_ms += ms

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as the exposition wants them."""
        bounds = [*map(str, BOUNDS_MS), "+Inf"]
        return [(bound, float(sum(self.counts[: place + 1]))) for place, bound in enumerate(bounds)]


class Edge:
    """What people were answered since somebody asked: good, or a fault of ours; what was too much is counted apart."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._good = self._bad = self._refused = self._slow = 0
        self._counts: dict[int, int] = {}

    def count(self, status: int, ms: float) -> None:
        """One answer."""
        if status == TOO_MANY:
            self._refused += 1
            return
        if status >= 500:
            self._bad += 1
        else:
            self._good += 1
            self._slow += ms > SLOW_MS
        number = sketch.bucket(ms)
        self._counts[number] = self._counts.get(number, 0) + 1

    def taken(self) -> Answered:
        """All of it, and begin anew."""
        told = Answered(
            name="web", good=self._good, bad=self._bad, refused=self._refused, slow=self._slow, counts=self._counts
        )
        self._begin()
        return told


class WebCollector(Collector):
    """What one worker counted since it started, and how its pool stands now."""

    def __init__(self, version: str, load: Loaded | None = None) -> None:
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.latency: dict[tuple[str, str], Latency] = {}
        self.edge = Edge()
        self.door: Door | None = None
        self.traced: Traced | None = None
        self.load = load
        self._version = version
        self._worker = str(os.getpid())

    def count(self, route: str, method: str, status: int, ms: float | None) -> None:
        """One answer has begun; `ms` since it was asked for, None where no route took it."""
        self.requests[route, method, str(status)] += 1
        if ms is not None:
            if (route, method) not in self.latency:
                self.latency[route, method] = Latency()
            self.latency[route, method].observe(ms)
            if route not in UNJUDGED:
                self.edge.count(status, ms)

    def collect(self) -> Iterator[Metric]:
        """All families; a registry also asks before there is a pool."""
        requests = CounterMetricFamily(
            PREFIX + "requests",
            f"Answers by route template, method and status. {OWN}",
            labels=["worker", "route", "method", "status"],
        )
        for labels, count in self.requests.items():
            requests.add_metric([self._worker, *labels], count)
        yield requests
        latency = HistogramMetricFamily(
            PREFIX + "latency_ms",
            f"From a request to the start of its answer. {OWN}",
            labels=["worker", "route", "method"],
        )
        for place, seen in self.latency.items():
            latency.add_metric([self._worker, *place], seen.buckets(), seen.total_ms)
        yield latency
        if self.traced is not None:
            yield self._spans(self.traced)
        if self.load is not None:
            yield from self._shed(self.load)
        yield from self._gauges()

    def _spans(self, traced: Traced) -> CounterMetricFamily:
        text = f"Spans of traces by what became of them; dropped ones had no room or were refused. {OWN}"
        family = CounterMetricFamily(PREFIX + "spans", text, labels=["worker", "result"])
        family.add_metric([self._worker, "exported"], traced.exported)
        family.add_metric([self._worker, "dropped"], traced.dropped)
        return family

    def _shed(self, load: Loaded) -> Iterator[Metric]:
        text = f"Requests sent away with 503 because the process was late, by the kind of work. {OWN}"
        family = CounterMetricFamily(PREFIX + "shed", text, labels=["worker", "kind"])
        for kind, count in kinds_of(load.gate):
            family.add_metric([self._worker, kind], count)
        yield family
        yield self._gauge("shed_level", f"What is sent away: 0 nothing, 1 bulk, to 4. {OWN}", load.gate.level)
        yield self._gauge(
            "pressure", f"How late it is, 1 being as late as the settings allow. {OWN}", load.gate.pressure
        )
        yield self._gauge("requests_under_way", f"Requests that are being answered. {OWN}", load.under_way)

    def _gauges(self) -> Iterator[Metric]:
        if self.door is not None:
            pool = self.door.pool
            in_use = pool.get_size() - pool.get_idle_size()
            yield self._gauge("pool_in_use", f"Database connections at work. {OWN}", in_use)
            yield self._gauge("pool_size", f"Database connections open. {OWN}", pool.get_size())
            yield self._gauge("pool_max", f"Database connections it may open, by season. {OWN}", pool.get_max_size())
            waiting = self.door.waiting.count
            yield self._gauge("pool_waiting", f"Requests that wait for a database connection. {OWN}", waiting)
        built = {"version": self._version, "python": platform.python_version()}
        yield self._gauge("build_info", "What runs here; always 1.", 1, built)

    def _gauge(self, name: str, text: str, value: float, more: dict[str, str] | None = None) -> Metric:
        labels = {"worker": self._worker, **(more or {})}
        family = GaugeMetricFamily(PREFIX + name, text, labels=list(labels))
        family.add_metric(list(labels.values()), value)
        return family


class Timing:
    """ASGI middleware, the outermost: notes when a request came to its route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["asked_at"] = clock.monotonic()
        await self.app(scope, receive, send)


async def count(message: Message, scope: Scope) -> None:
    """Before every send: one answer begins, also the refusal of an unknown path."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    collector: WebCollector = scope["litestar_app"].state.metrics
    asked_at: float | None = scope.get("state", {}).get("asked_at")
    ms = None if asked_at is None else (clock.monotonic() - asked_at) * 1000
    # What no route took has no template; its path may be anything, and so may its method.
    route = NO_ROUTE if ms is None else scope["path_template"]
    method = str(scope["method"])
    collector.count(route, method if method in METHODS else "other", message["status"], ms)
