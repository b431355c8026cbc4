"""Health, promises and alerts in OpenMetrics, for the operator's own monitoring; never an id in a label."""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from wedsync.operations.health import model
from wedsync.operations.health.reading import Health
from wedsync.operations.slo.actions import PlatformAlert
from wedsync.operations.slo.reading import Slo

PREFIX: Final = "wedsync_"
TYPE: Final = CONTENT_TYPE_LATEST
Sample = tuple[tuple[str, ...], float]


class Figures(Collector):
    """Of one moment."""

    def __init__(self, health: Health, slo: Slo, alerts: Iterable[PlatformAlert]) -> None:
        self._health = health
        self._slo = slo
        self._alerts = list(alerts)

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        health = self._health
        yield _family("live_weddings", "Weddings that are live.", (), [((), health.live_weddings)])
        parts: list[Sample] = [((one.part,), model.WORST.index(one.status)) for one in health.parts]
        yield _family("part_status", "0 good, 1 to be looked at, 2 bad.", ("part",), parts)
        yield from self._signals()
        burns: list[Sample] = [
            ((one.name, str(burn.window_s)), burn.rate)
            for one in self._slo.promises
            for burn in one.burns
            if burn.rate is not None
        ]
        yield _family("slo_burn_rate", "1 uses up what 30 days may miss in 30 days.", ("promise", "window_s"), burns)
        left: list[Sample] = [((one.name,), one.left) for one in self._slo.promises if one.left is not None]
        yield _family("slo_budget_left", "Of what 30 days may miss, 1 is all.", ("promise",), left)
        open_ones = [one for one in self._alerts if one.ended_at is None]
        counts: list[Sample] = [
            (
                (severity, taken),
                sum(one.severity == severity and (one.acked_at is not None) is is_taken for one in open_ones),
            )
            for severity in ("page", "ticket")
            for taken, is_taken in (("yes", True), ("no", False))
        ]
        yield _family("alerts", "Open alerts.", ("severity", "taken"), counts)

    def _signals(self) -> Iterator[Metric]:
        signals = self._health.signals
        for name, text, quantile in (("p50", "Median", 0.5), ("p95", "95 of 100", 0.95), ("p99", "99 of 100", 0.99)):
            values: list[Sample] = [
                ((one.kind, one.name), ms / 1000) for one in signals if (ms := _quantile(one, quantile)) is not None
            ]
            yield _family(f"signal_{name}_seconds", f"{text} of the last hour.", ("kind", "name"), values)
        failed: list[Sample] = [((o.kind, o.name), o.error_rate) for o in signals if o.error_rate is not None]
        yield _family("signal_error_ratio", "Failed in the last hour.", ("kind", "name"), failed)
        fresh: list[Sample] = [((o.kind, o.name), o.fresh_s) for o in signals if o.fresh_s is not None]
        yield _family("signal_age_seconds", "Since anything happened.", ("kind", "name"), fresh)
        shares: list[Sample] = [((one.name,), one.gauge) for one in signals if one.gauge is not None]
        yield _family("limit_used_ratio", "Of what it may take.", ("name",), shares)


def text(health: Health, slo: Slo, alerts: Iterable[PlatformAlert]) -> bytes:
    """As it is scraped."""
    registry = CollectorRegistry()
    registry.register(Figures(health, slo, alerts))
    told: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return told


def _quantile(one: model.Signal, quantile: float) -> float | None:
    return {0.5: one.p50_ms, 0.95: one.p95_ms, 0.99: one.p99_ms}[quantile]


def _family(name: str, text: str, labels: tuple[str, ...], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for values, number in samples:
        family.add_metric(values, float(number))
    return family
