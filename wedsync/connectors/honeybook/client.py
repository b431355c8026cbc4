"""HoneyBook's API for partners over the one door to the network: a function for each call, nothing decided."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from wedsync.kit.http import Failure, Reply, Wire

PAGE_MAX_BYTES: Final = 8 * 1024 * 1024


class Client:
    """Calls as one business, whose token it holds no longer than a call takes."""

    def __init__(self, wire: Wire, base_url: str, token: str) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._token = token

    async def get_me(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/users/me", timeout_s=timeout_s)

    async def list_workspaces(self, *, since: str, offset: int, limit: int, timeout_s: float) -> Reply | Failure:
        """Those that were changed at or after `since`; all where it is empty."""
        asked = {"updated_gte": since, "sort": "created_at", "offset": str(offset), "limit": str(limit)}
        query = urlencode({name: value for name, value in asked.items() if value})
        return await self._call("GET", f"/workspaces?{query}", timeout_s=timeout_s)

    async def get_workspace(self, workspace: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", f"/workspaces/{quote(workspace, safe='')}", timeout_s=timeout_s)

    async def put_workspace(self, workspace: str, fields: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        path = f"/workspaces/{quote(workspace, safe='')}"
        return await self._call("PUT", path, body=fields, timeout_s=timeout_s)

    async def get_pipeline(self, pipeline: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", f"/pipelines/{quote(pipeline, safe='')}", timeout_s=timeout_s)

    async def put_contact(self, contact: str, fields: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("PUT", f"/contacts/{quote(contact, safe='')}", body=fields, timeout_s=timeout_s)

    async def _call(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, timeout_s: float
    ) -> Reply | Failure:
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        return await self._wire.request(
            method,
            f"{self._base}{path}",
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            timeout_s=max(timeout_s, 0.001),
            trusted=True,
            body_max_bytes=PAGE_MAX_BYTES,
        )
