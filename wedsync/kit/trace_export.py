"""Sends ended spans to a collector by OTLP over HTTP (protobuf), many at once, beside the work and never in its way.

What waits is bounded: what comes while it is full is counted and let go. A collector that is away, or says that it is
busy, is asked again later; one that refuses a batch does not get it again.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

import structlog
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from wedsync.kit.http import Failure, Reply, Wire
from wedsync.kit.traces import Span

log = structlog.get_logger("traces")

WAITING_MAX: Final = 8192
BATCH_MAX: Final = 256
GATHER_S: Final = 1.0
TIMEOUT_S: Final = 5.0
PAUSES_S: Final = (1.0, 2.0, 5.0, 15.0, 30.0)
LAST_S: Final = 2.0
"""So long the end of a process waits for the last ones."""
BUSY: Final = frozenset({408, 429, 502, 503, 504})
"""Asked again; any other answer that is no success refuses the batch. OTLP 1.7, "Failures"; 408 is ours."""
SCOPE: Final = InstrumentationScope("wedsync")
KINDS: Final = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


class Exporter:
    """Of one process, in one loop."""

    def __init__(self, wire: Wire, *, url: str, headers: Mapping[str, str], process: str) -> None:
        self._wire = wire
        self._url = url
        self._headers = {**headers, "content-type": "application/x-protobuf"}
        self._resource = Resource({"service.namespace": "wedsync", "service.name": f"wedsync-{process}"})
        self._waiting: deque[Span] = deque()
        self._full = asyncio.Event()
        self._tries = 0
        self.exported = 0
        self.dropped = 0

    def take(self, span: Span) -> None:
        """Never waits and never raises."""
        if len(self._waiting) >= WAITING_MAX:
            self.dropped += 1
            return
        self._waiting.append(span)
        if len(self._waiting) == BATCH_MAX:
            self._full.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send while it is open, and what is left at its end."""
        sending = asyncio.create_task(self._send_for_ever())
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_S):
                    while self._waiting and await self._send():
                        pass
            if self._waiting:
                log.warning("spans_lost_at_the_end", spans=len(self._waiting))

    async def _send_for_ever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await self._full.wait()
            self._full.clear()
            while self._waiting:
                if not await self._send():
                    await asyncio.sleep(PAUSES_S[min(self._tries, len(PAUSES_S)) - 1])

    async def _send(self) -> bool:
        """One batch; false where the collector is to be asked again later. What is under way stays in the queue, so
        that being cut off loses nothing; it may then arrive twice, which collectors allow for.
        """
        batch = [self._waiting[n] for n in range(min(BATCH_MAX, len(self._waiting)))]
        try:
            body = await asyncio.to_thread(self._encoded, batch)
        except Exception:
            log.exception("spans_not_encoded", spans=len(batch))
            self._let_go(batch)
            self.dropped += len(batch)
            return True
        answer = await self._wire.request(
            "POST", self._url, headers=self._headers, body=body, timeout_s=TIMEOUT_S, trusted=True
        )
        if isinstance(answer, Failure) or answer.status in BUSY:
            self._say_away(answer)
            return False
        self._let_go(batch)
        if answer.status >= 300:
            self.dropped += len(batch)
            log.warning("spans_refused", status=answer.status, spans=len(batch))
            return True
        self.exported += len(batch)
        if self._tries:
            log.info("collector_back", tries=self._tries, spans_dropped=self.dropped)
            self._tries = 0
        return True

    def _let_go(self, batch: Sequence[Span]) -> None:
        for _ in batch:
            self._waiting.popleft()

    def _say_away(self, answer: Reply | Failure) -> None:
        if self._tries == 0:
            reason = answer.reason if isinstance(answer, Failure) else f"It answered {answer.status}."
            log.warning("collector_away", reason=reason)
        self._tries += 1

    def _encoded(self, batch: Sequence[Span]) -> bytes:
        encoded: bytes = encode_spans([self._readable(span) for span in batch]).SerializeToString()
        return encoded

    def _readable(self, span: Span) -> ReadableSpan:
        above = SpanContext(span.trace, span.parent, is_remote=False, trace_flags=SAMPLED) if span.parent else None
        return ReadableSpan(
            name=span.name,
            context=SpanContext(span.trace, span.id, is_remote=False, trace_flags=SAMPLED),
            parent=above,
            resource=self._resource,
            attributes=span.said,
            events=[Event(name, timestamp=at_ns) for name, at_ns in span.events],
            kind=KINDS[span.kind],
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
            start_time=span.began_ns,
            end_time=span.ended_ns,
            instrumentation_scope=SCOPE,
        )


def headers_of(setting: str) -> dict[str, str]:
    """`name=value,name=value`, values percent-encoded where they must be, as OTEL_EXPORTER_OTLP_HEADERS has them."""
    pairs = (part.partition("=") for part in setting.split(",") if part.strip())
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}
