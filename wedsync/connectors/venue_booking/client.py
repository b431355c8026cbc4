"""The venue API over the one door to the network: a function for each call we make, nothing decided.

The address is the tenant's, so it goes through the guard like every address that somebody typed in.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from wedsync.kit.http import Failure, Reply, Wire

PAGE_MAX_BYTES: Final = 8 * 1024 * 1024
LIMIT: Final = 100


class Client:
    """Calls as one venue, whose key it holds no longer than a call takes."""

    def __init__(self, wire: Wire, address: str, key: str) -> None:
        self._wire = wire
        self._base = address.strip().rstrip("/")
        self._key = key

    async def get_venue(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/venue", timeout_s=timeout_s)

    async def list_spaces(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/spaces", timeout_s=timeout_s)

    async def list_bookings(self, *, since: str, cursor: str, timeout_s: float) -> Reply | Failure:
        """Those that were changed at or after `since`; all where it is empty."""
        asked = {"updated_since": since, "cursor": cursor, "limit": str(LIMIT)}
        query = {name: value for name, value in asked.items() if value}
        return await self._call("GET", f"/bookings?{urlencode(query)}", timeout_s=timeout_s)

    async def get_booking(self, booking: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", f"/bookings/{quote(booking, safe='')}", timeout_s=timeout_s)

    async def patch_booking(
        self, booking: str, version: str, fields: Mapping[str, Any], *, timeout_s: float
    ) -> Reply | Failure:
        path = f"/bookings/{quote(booking, safe='')}"
        return await self._call("PATCH", path, body=fields, version=version, timeout_s=timeout_s)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        version: str = "",
        timeout_s: float,
    ) -> Reply | Failure:
        headers = {"authorization": f"Bearer {self._key}", "accept": "application/json"}
        if version:
            headers["if-match"] = f'"{version}"'
        if body is not None:
            headers["content-type"] = "application/json"
        return await self._wire.request(
            method,
            f"{self._base}{path}",
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            timeout_s=max(timeout_s, 0.001),
            body_max_bytes=PAGE_MAX_BYTES,
        )
