"""Speaks to Microsoft Graph as its calendars want it: with the account's own token, ids that last, and times in UTC.

Knows nothing of events; what a call is, and what comes back, is `connections.graph`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from wedsync.connections import graph
from wedsync.connections.contract import Connection
from wedsync.connections.graph import Answer
from wedsync.kit.http import Wire

PAGE_MAX: Final = 100
PREFER: Final = (
    f'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text", odata.maxpagesize={PAGE_MAX}'
)


class Graph:
    """The calls to one base address."""

    def __init__(self, wire: Wire, base_url: str) -> None:
        self._graph = graph.Graph(wire, base_url, prefer=PREFER)

    async def call(
        self,
        method: str,
        path: str,
        connection: Connection,
        *,
        timeout_s: float,
        body: Mapping[str, Any] | None = None,
        etag: str = "",
    ) -> Answer:
        """`path` is below the base address, its query included; `etag` makes it a condition."""
        token = next(iter(connection.secrets.get("access_token", ())), "")
        return await self._graph.call(method, path, token, timeout_s=timeout_s, body=body, etag=etag)

    def path_of(self, link: str) -> str | None:
        """A link of Graph's as a path below the base address; None where it leads elsewhere."""
        return self._graph.path_of(link)


def stamp(at: datetime) -> str:
    """An instant as Graph wants it in queries; in UTC, or its plus would be a space."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
