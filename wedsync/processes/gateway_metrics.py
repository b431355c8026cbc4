"""The gateway's numbers for Prometheus: read from the hub when asked, so that a frame costs no metrics call."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from wedsync.events.live import Hub
from wedsync.events.stats import MS_BOUNDS, Histogram

PREFIX: Final = "wedsync_gateway_"


class HubCollector(Collector):
    """All metrics of one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """What stands now, and what was counted."""
        yield from self._gauges()
        yield from self._counters()
        stats = self._hub.stats
        yield _histogram("commit_to_write", "From an event's time to its last write.", stats.commit_to_write)
        yield _histogram("write_to_pong", "From a ping to its pong.", stats.write_to_pong)

    def _gauges(self) -> Iterator[Metric]:
        hub = self._hub
        queued = sorted(socket.queued_bytes for socket in hub.sockets)
        numbers = {
            "sockets": (len(hub.sockets), "Open sockets."),
            "channels": (sum(len(stream.channels) for stream in hub.streams.values()), "Joined channels."),
            "groups": (sum(len(stream.groups) for stream in hub.streams.values()), "Groups that share frames."),
            "streams": (len(hub.streams), "Followed streams."),
            "positions": (len(hub.positions), "Resume keys in memory."),
            "queue_bytes_p99": (queued[len(queued) * 99 // 100] if queued else 0, "Bytes waiting in a socket."),
            "congested_sockets": (sum(s.is_congested for s in hub.sockets), "Sockets that are behind."),
            "loop_lag_ms": (hub.stats.loop_lag_ms, "How late the last tick was."),
            "feed_up": (int(hub.feed_is_up), "Whether the feed is connected."),
        }
        for name, (value, text) in numbers.items():
            yield GaugeMetricFamily(PREFIX + name, text, value=value)

    def _counters(self) -> Iterator[Metric]:
        stats, positions, tokens = self._hub.stats, self._hub.positions, self._hub.tokens
        plain = {
            "frames_out": (stats.frames_out, "Event, presence and broadcast frames written."),
            "hints_dropped": (stats.hints_dropped, "Client broadcasts dropped for slow sockets."),
            "replayed": (stats.replayed, "Frames written while catching up."),
            "missed": (stats.missed, "Events that could not be replayed."),
            "tombstones": (stats.tombstones, "Rows taken back."),
            "reader_failures": (stats.reader_failures, "Times the database did not answer."),
            "resume_keys_asked": (positions.claims, "Joins that looked for a kept position."),
            "resume_keys_hit": (positions.resumed, "Joins that found one."),
            "token_cache_hits": (tokens.hits, "Tokens that were known."),
            "token_cache_misses": (tokens.misses, "Tokens that were verified."),
        }
        for name, (value, text) in plain.items():
            yield CounterMetricFamily(PREFIX + name, text, value=value)
        labelled = {
            "events": ("source", stats.events, "Events taken in: feed, log, or twice."),
            "frames_in": ("event", stats.frames_in, "Frames of clients."),
            "joins": ("result", stats.joins, "Joins: ok, or the code of the refusal."),
            "closes": ("reason", stats.closes, "Sockets closed by the gateway."),
            "recoveries": ("status", stats.recoveries, "Verdicts on resuming."),
            "broadcasts": ("result", stats.broadcasts, "Client broadcasts."),
        }
        for name, (label, counted, text) in labelled.items():
            family = CounterMetricFamily(PREFIX + name, text, labels=[label])
            for key, value in counted.items():
                family.add_metric([key], value)
            yield family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip([*map(str, MS_BOUNDS), "+Inf"], histogram.counts, strict=True):
        total += count
        buckets.append((bound, total))
    return HistogramMetricFamily(f"{PREFIX}{name}_ms", text, buckets=buckets, sum_value=histogram.total)
