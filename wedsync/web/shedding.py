"""ASGI middleware: a process that is late sends away what can wait, before it costs anything, and says until when.

How late it is, is measured and not guessed: by how much its loop comes late, and how long a request waits for a
database connection, by how many wait and how long those that had one kept it. Beside these stands how many requests
are under way, for what is neither. The order of what is sent away is `web.admission`'s.
"""

import contextvars
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from wedsync.kit import clock
from wedsync.kit.heart import Shedding as Vitals
from wedsync.kit.pools import Waiting
from wedsync.web import problems, render
from wedsync.web.admission import WORDS, Gate, Kind, kind_of, preferred
from wedsync.web.shell import Shell

log = structlog.get_logger("web")

LOOK_S: Final = 0.2
UNDER_WAY_MAX: Final = 500
"""So many requests at once are as much as being late by the whole of what is allowed."""
NAMED: Final = ("wedding_id", "tenant")
"""What a path calls the wedding it is about."""
CODE: Final = "busy"
AGAIN_S: Final[Mapping[Kind, tuple[int, int]]] = {Kind.BULK: (30, 30), Kind.READ: (3, 5), Kind.ACT: (2, 3)}
"""After how long to ask again, and how far that is spread so that not everybody comes back at once."""
DETAIL: Final[Mapping[Kind, str]] = {
    Kind.BULK: "More is asked of us than we can do at once, and wedding days come first: exports, imports, reports, "
    "feeds and marketing wait a little. Nothing was changed. Ask again as Retry-After says.",
    Kind.READ: "More is asked of us than we can do at once, and wedding days come first. Nothing is lost. Ask again in "
    "a few seconds.",
    Kind.ACT: "More is asked of us than we can do at once, and wedding days come first. This was not carried out and "
    "nothing was changed: send it again in a few seconds.",
}


class Load:
    """Of one process: how late it is, and so whom it lets in. `live` are the weddings that are."""

    def __init__(self, *, delay_s: float) -> None:
        """`delay_s` is how late it may be; 0 lets everybody in, however late."""
        self.gate = Gate()
        self.under_way = 0
        self.live: frozenset[UUID] = frozenset()
        self.since: datetime | None = None
        self._delay_s = delay_s
        self._held_s = 0.0
        self._seen = (0.0, 0)

    def look(self, *, lag_s: float, waiting: Waiting, size: int) -> None:
        """Take a sample. `size` is how many connections the pool may have."""
        if not self._delay_s:
            return
        wait_s = waiting.count * self._holding(waiting) / max(1, size)
        sample = max(lag_s / self._delay_s, wait_s / self._delay_s, self.under_way / UNDER_WAY_MAX)
        if not self.gate.look(sample, clock.monotonic()):
            return
        level = self.gate.level
        self.since = clock.machine_now() if level else None
        tell = log.warning if level else log.info
        tell("shedding_changed", level=level, says=WORDS[level], pressure=round(self.gate.pressure, 2))

    def _holding(self, waiting: Waiting) -> float:
        """How long a connection is kept, on the mean of lately; what nobody gave back since stays as it was."""
        held_s, ended = waiting.held_s - self._seen[0], waiting.ended - self._seen[1]
        if ended:
            self._held_s += 0.2 * (held_s / ended - self._held_s)
            self._seen = (waiting.held_s, waiting.ended)
        return self._held_s

    def vitals(self) -> Vitals:
        """What the process says of it at each beat."""
        return Vitals(self.gate.level, self.since, sum(self.gate.shed.values()))

    def kind(self, scope: HTTPScope) -> Kind:
        """Of this request, on this day: of a wedding that is live it is one better."""
        kind = kind_of(scope["method"], scope["path_template"])
        params: Mapping[str, Any] = scope.get("path_params") or {}
        return preferred(kind) if any(params.get(name) in self.live for name in NAMED) else kind


class Shedding:
    """Stands before everything that costs: who asks is not known yet, and the body is not read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        load: Load = scope["litestar_app"].state.load
        if load.gate.level:
            kind = load.kind(scope)
            if not load.gate.admits(kind):
                await _send_away(scope, send, kind)
                return
        load.under_way += 1
        try:
            await self.app(scope, receive, send)
        finally:
            load.under_way -= 1


async def _send_away(scope: HTTPScope, send: Send, kind: Kind) -> None:
    least, spread = AGAIN_S[kind]
    body, media = _page(kind) if problems.wants_page(Request(scope)) else _problem(kind)
    headers = [
        (b"content-type", media),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(least + secrets.randbelow(spread)).encode()),
        (b"vary", b"accept"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body, "more_body": False})


@cache
def _problem(kind: Kind) -> tuple[bytes, bytes]:
    told = {
        "type": f"/problems/{CODE}",
        "title": "Service Unavailable",
        "status": 503,
        "code": CODE,
        "detail": DETAIL[kind],
        "kind": kind.name.lower(),
    }
    return msgspec.json.encode(told), problems.PROBLEM.encode()


@cache
def _page(kind: Kind) -> tuple[bytes, bytes]:
    """Made once, apart from the request that asks first: it is shown to everybody."""
    made = contextvars.Context().run(
        render.page, "errors/busy.html", Shell(), detail=DETAIL[kind], is_act=kind == Kind.ACT
    )
    return made.encode(), b"text/html; charset=utf-8"
