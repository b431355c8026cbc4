"""A collector of traces: takes what is posted by OTLP, and says what the spans were."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.eventually import eventually


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One span as it came."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    began_ns: int
    ended_ns: int
    error: str
    attributes: dict[str, Any]
    events: tuple[str, ...]


class Collector:
    """Answers as it is told to, and keeps what it took with a success."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.heads: list[str] = []
        self.status = "200 OK"
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower():
                length = next(int(f.split(":")[1]) for f in head.split("\r\n") if f.startswith("content-length"))
                body = await reader.readexactly(length)
                self.heads.append(head)
                if self.status.startswith("200"):
                    self.spans += spans_of(body)
                writer.write(f"HTTP/1.1 {self.status}\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def of(self, trace: str) -> list[Seen]:
        """The spans of one trace."""
        return [span for span in self.spans if span.trace == trace]

    async def span(self, trace: str, name: str, *, count: int = 1) -> Seen:
        """The newest of this name, once there are so many."""

        def found() -> list[Seen]:
            some = [span for span in self.of(trace) if span.name == name]
            return some if len(some) >= count else []

        return (await eventually(found, what=f"no span {name!r}"))[-1]


def spans_of(body: bytes) -> list[Seen]:
    told = ExportTraceServiceRequest.FromString(body)
    return [
        Seen(
            service=_values(resource.resource.attributes)["service.name"],
            name=span.name,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            kind=span.kind,
            began_ns=span.start_time_unix_nano,
            ended_ns=span.end_time_unix_nano,
            error=span.status.message,
            attributes=_values(span.attributes),
            events=tuple(event.name for event in span.events),
        )
        for resource in told.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """One on a free port of this machine."""
    collector = Collector()
    server = await asyncio.start_server(collector.serve, "127.0.0.1", 0)
    collector.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/traces"
    try:
        yield collector
    finally:
        server.close()
