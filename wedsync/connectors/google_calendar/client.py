"""Google's Calendar API over the one door to the network: a function for each method that we use, nothing decided."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from wedsync.kit.http import Failure, Reply, Wire

PAGE_MAX_BYTES: Final = 8 * 1024 * 1024
"""250 events of the longest descriptions; whoever is invited is not asked for."""


class Client:
    """Calls as one account, whose access token it holds no longer than a call takes."""

    def __init__(self, wire: Wire, base_url: str, token: str) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._token = token

    async def list_calendars(self, *, page_token: str, timeout_s: float) -> Reply | Failure:
        more = {"pageToken": page_token} if page_token else {}
        return await self._call("GET", "/users/me/calendarList", {"maxResults": "250", **more}, timeout_s=timeout_s)

    async def get_primary(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/users/me/calendarList/primary", timeout_s=timeout_s)

    async def list_events(self, calendar: str, query: Mapping[str, str], *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", _events(calendar), query, timeout_s=timeout_s)

    async def get_event(self, calendar: str, id: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", _events(calendar, id), timeout_s=timeout_s)

    async def insert_event(self, calendar: str, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", _events(calendar), SILENT, body=body, timeout_s=timeout_s)

    async def patch_event(
        self, calendar: str, id: str, body: Mapping[str, Any], *, etag: str, timeout_s: float
    ) -> Reply | Failure:
        return await self._call("PATCH", _events(calendar, id), SILENT, body=body, etag=etag, timeout_s=timeout_s)

    async def delete_event(self, calendar: str, id: str, *, etag: str, timeout_s: float) -> Reply | Failure:
        return await self._call("DELETE", _events(calendar, id), SILENT, etag=etag, timeout_s=timeout_s)

    async def watch_events(self, calendar: str, channel: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", f"{_events(calendar)}/watch", body=channel, timeout_s=timeout_s)

    async def stop_channel(self, channel: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", "/channels/stop", body=channel, timeout_s=timeout_s)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        etag: str = "",
        timeout_s: float,
    ) -> Reply | Failure:
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        if etag:
            headers["if-match"] = etag
        return await self._wire.request(
            method,
            f"{self._base}{path}{'?' + urlencode(query) if query else ''}",
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            timeout_s=timeout_s,
            trusted=True,
            body_max_bytes=PAGE_MAX_BYTES,
        )


SILENT: Final = {"sendUpdates": "none"}
"""Nobody is ever sent mail because two calendars were brought together."""


def _events(calendar: str, id: str = "") -> str:
    return f"/calendars/{quote(calendar, safe='')}/events{'/' + quote(id, safe='') if id else ''}"
