"""The API of Tripleseat over the one door to the network: a function for each call we make, nothing decided."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from wedsync.connections.pace import Pace
from wedsync.kit.http import Failure, Reply, Timing, Wire

PAGE_MAX_BYTES: Final = 8 * 1024 * 1024


class Client:
    """Calls as one venue, whose token it holds no longer than a call takes."""

    def __init__(self, wire: Wire, base_url: str, token: str, pace: Pace, venue: str) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._token = token
        self._pace = pace
        self._venue = venue

    async def list_sites(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/v1/sites.json", timeout_s=timeout_s)

    async def search_bookings(self, *, site: int, since: date, page: int, timeout_s: float) -> Reply | Failure:
        """Those that were changed on this day or after it. Dates of questions are written the American way."""
        query = {"site_id": str(site), "updated_since": us(since), "order": "id", "page": str(page)}
        return await self._call("GET", "/v1/bookings/search.json", query, timeout_s=timeout_s)

    async def list_bookings(self, *, site: int, page: int, timeout_s: float) -> Reply | Failure:
        query = {"site_id": str(site), "order": "id", "page": str(page)}
        return await self._call("GET", "/v1/bookings.json", query, timeout_s=timeout_s)

    async def get_booking(self, booking: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", f"/v1/bookings/{quote(booking, safe='')}.json", timeout_s=timeout_s)

    async def put_booking(self, booking: str, fields: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        path = f"/v1/bookings/{quote(booking, safe='')}.json"
        return await self._call("PUT", path, body={"booking": fields}, timeout_s=timeout_s)

    async def put_contact(self, contact: int, fields: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("PUT", f"/v1/contacts/{contact}.json", body={"contact": fields}, timeout_s=timeout_s)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        timeout_s: float,
    ) -> Reply | Failure:
        try:
            waited_s = await self._pace.turn(self._venue, within_s=timeout_s)
        except TimeoutError:
            reason = "Too much was to be asked of Tripleseat at once; its turn did not come in time."
            return Failure(kind="timeout", reason=reason, may_have_arrived=False, timing=Timing())
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        return await self._wire.request(
            method,
            f"{self._base}{path}{'?' + urlencode(query) if query else ''}",
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            timeout_s=max(timeout_s - waited_s, 0.001),
            trusted=True,
            body_max_bytes=PAGE_MAX_BYTES,
        )


def us(day: date) -> str:
    """m/d/yyyy."""
    return f"{day.month}/{day.day}/{day.year:04d}"
