"""The span of a request, by its route's template: the first of ours in the caller's trace, or of a new one."""

from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from wedsync.kit import traces
from wedsync.kit.traces import Span
from wedsync.web.metrics import METHODS, UNJUDGED

NAME: Final = traces.HEADER.encode()


class Tracing:
    """ASGI middleware, outside of all that does anything; where traces are off it costs one look."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        span = _begun(scope)
        if span is None:
            await self.app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                _answered(span, message["status"])
            await send(message)

        with span:
            await self.app(scope, receive, told)


def _begun(scope: Scope) -> Span | None:
    tracer = traces.tracer()
    if tracer is None or scope["type"] != ScopeType.HTTP:
        return None
    route, method = str(scope["path_template"]), str(scope["method"])
    if route in UNJUDGED:
        return None
    method = method if method in METHODS else "other"
    headers = [value for name, value in scope["headers"] if name == NAME]
    # One that is said twice is said by nobody: the standard wants a new trace then.
    span = tracer.begin(f"{method} {route}", "server", headers[0].decode("latin-1") if len(headers) == 1 else None)
    if span is not None:
        span.say({"http.request.method": method, "http.route": route})
    return span


def _answered(span: Span, status: int) -> None:
    span.say({"http.response.status_code": status})
    if status >= 500:
        span.fail(str(status))
